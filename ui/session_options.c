/* The options of a training: defaults, and the way into the store and back. */
#include "ui/session.h"

#include "engine/number.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *train_default_model(nn_shape sample)
{
    bool image = sample.rank == 3 && sample.dim[1] >= 20 && sample.dim[2] >= 20;
    return image ? "lenet5" : "mlp";
}

/* False when `name` is no known data set. */
static bool find_data(const char *name, nn_dataset_info *found)
{
    nn_dataset_info list[32];
    int count = nn_dataset_list(list, 32);
    for (int i = 0; i < count && i < 32; i++) {
        if (strcmp(list[i].name, name) == 0) {
            *found = list[i];
            return true;
        }
    }
    return false;
}

bool train_data_named(const char *name)
{
    nn_dataset_info info;
    return find_data(name, &info);
}

train_options train_options_default(void)
{
    nn_dataset_info info;
    bool fashion = find_data("fashion-mnist", &info) && info.available;
    return (train_options){
        .data = fashion ? "fashion-mnist" : "digits",
        .model = fashion ? "lenet5" : "mlp",
        .optimizer = "adam",
        .schedule = "constant",
        .lr = 0.001,
        .momentum = 0.9,
        .dev_share = 0.1,
        .test_share = 0.1,
        .batch = 64,
        .accumulate = 1,
        .loaders = 1,
        .epochs = 10,
        .seed = 1,
    };
}

/* One line an option that decides what a run computes. The seed is kept in the run's own row: a
 * double does not hold every 64-bit number. */
typedef enum { KEEP_TEXT, KEEP_REAL, KEEP_INT, KEEP_BIG } keep_kind;
typedef struct {
    const char *key;
    keep_kind kind;
    size_t option; /* offset in train_options */
    size_t text;   /* offset and size in train_texts */
    size_t size;
} kept_option;

#define TEXT(field)                                                                                \
    {                                                                                              \
#field, KEEP_TEXT, offsetof(train_options, field), offsetof(train_texts, field),           \
            sizeof(((train_texts *)0)->field)                                                      \
    }
#define NUMBER(key, kind, field)                                                                   \
    {                                                                                              \
        key, kind, offsetof(train_options, field), 0, 0                                            \
    }
static const kept_option kept[] = {
    TEXT(data),
    TEXT(model),
    TEXT(optimizer),
    TEXT(schedule),
    TEXT(target),
    TEXT(rates),
    TEXT(freeze),
    TEXT(sampling),
    TEXT(augment),
    NUMBER("flip_labels", KEEP_REAL, flip_labels),
    NUMBER("average", KEEP_REAL, average),
    NUMBER("min_delta", KEEP_REAL, min_delta),
    NUMBER("accumulate", KEEP_INT, accumulate),
    NUMBER("patience", KEEP_INT, patience),
    NUMBER("loaders", KEEP_INT, loaders),
    NUMBER("lr", KEEP_REAL, lr),
    NUMBER("l2", KEEP_REAL, l2),
    NUMBER("dropout", KEEP_REAL, dropout),
    NUMBER("momentum", KEEP_REAL, momentum),
    NUMBER("l1", KEEP_REAL, l1),
    NUMBER("clip", KEEP_REAL, clip_norm),
    NUMBER("clip_value", KEEP_REAL, clip_value),
    NUMBER("dev", KEEP_REAL, dev_share),
    NUMBER("test_share", KEEP_REAL, test_share),
    NUMBER("batch", KEEP_INT, batch),
    NUMBER("epochs", KEEP_INT, epochs),
    NUMBER("shards", KEEP_INT, shards),
    NUMBER("limit", KEEP_BIG, limit),
};
enum { KEPT = sizeof kept / sizeof *kept };
_Static_assert((int)KEPT + 2 <= (int)TRAIN_PARAMS, /* and study, trial */
               "TRAIN_PARAMS is too small");

int train_options_params(const train_options *options, store_param *params)
{
    int count = 0;
    for (int i = 0; i < KEPT; i++) {
        const void *field = (const char *)options + kept[i].option;
        store_param *param = &params[count];
        *param = (store_param){.is_number = kept[i].kind != KEEP_TEXT};
        snprintf(param->key, sizeof param->key, "%s", kept[i].key);
        if (kept[i].kind == KEEP_TEXT) {
            const char *text = *(const char *const *)field;
            if (!text)
                continue;
            snprintf(param->text, sizeof param->text, "%s", text);
        } else if (kept[i].kind == KEEP_REAL) {
            param->number = *(const double *)field;
        } else if (kept[i].kind == KEEP_INT) {
            param->number = *(const int *)field;
        } else {
            param->number = (double)*(const int64_t *)field;
        }
        count++;
    }
    if (options->study) {
        store_param *param = &params[count++];
        *param = (store_param){.key = "study"};
        snprintf(param->text, sizeof param->text, "%s", options->study);
        params[count++] =
            (store_param){.key = "trial", .is_number = true, .number = options->trial};
    }
    return count;
}

static void take_param(const store_param *param, train_options *options, train_texts *texts)
{
    for (int i = 0; i < KEPT; i++) {
        if (strcmp(kept[i].key, param->key) != 0)
            continue;
        void *field = (char *)options + kept[i].option;
        if (kept[i].kind == KEEP_TEXT) {
            char *text = (char *)texts + kept[i].text;
            snprintf(text, kept[i].size, "%s", param->text);
            *(const char **)field = text;
        } else if (kept[i].kind == KEEP_REAL) {
            *(double *)field = param->number;
        } else if (kept[i].kind == KEEP_INT) {
            *(int *)field = (int)param->number;
        } else {
            *(int64_t *)field = (int64_t)param->number;
        }
    }
}

void train_options_take(const store_param *params, int count, train_options *options,
                        train_texts *texts)
{
    for (int i = 0; i < count; i++)
        take_param(&params[i], options, texts);
}

nn_status train_option_set(train_options *options, const char *key, const char *value,
                           nn_error *error)
{
    double number = 0;
    for (int i = 0; i < KEPT; i++) {
        if (strcmp(kept[i].key, key) != 0)
            continue;
        void *field = (char *)options + kept[i].option;
        bool whole = kept[i].kind == KEEP_INT || kept[i].kind == KEEP_BIG;
        if (kept[i].kind == KEEP_TEXT) {
            *(const char **)field = value;
            return NN_OK;
        }
        if (!nn_parse_number(value, &number) || (whole && number != floor(number)) ||
            (kept[i].kind == KEEP_INT && fabs(number) > INT32_MAX))
            return nn_fail(error, NN_E_ARG, "%s '%.40s': expected a %snumber", key, value,
                           whole ? "whole " : "");
        if (kept[i].kind == KEEP_REAL)
            *(double *)field = number;
        else if (kept[i].kind == KEEP_INT)
            *(int *)field = (int)number;
        else
            *(int64_t *)field = (int64_t)number;
        return NN_OK;
    }
    return nn_fail(error, NN_E_MISSING, "'%.40s' is no option of a training", key);
}

nn_status train_options_of_run(store *s, run_id run, train_options *options, train_texts *texts,
                               nn_error *error)
{
    run_row row;
    store_param *params = NULL;
    int count = 0;
    nn_status status = store_run(s, run, &row, error);
    if (status == NN_OK)
        status = store_params(s, run, &params, &count, error);
    if (status != NN_OK)
        return status;
    *options = train_options_default();
    train_options_take(params, count, options, texts);
    free(params);
    options->seed = row.seed;
    return NN_OK;
}
