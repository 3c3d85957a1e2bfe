#include "ui/sweep_options.h"

#include "engine/number.h"
#include "engine/search/sampler.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- templates ---------------------------------------------------------------------------------
 */

typedef struct {
    const nn_space *space;
    const nn_point *point;
    char *out;
    size_t size, used;
    nn_error *error;
} expansion;

static nn_status put(expansion *e, const char *text, size_t length)
{
    if (e->used + length >= e->size)
        return nn_fail(e->error, NN_E_ARG, "'%.60s...' grows longer than %zu bytes", e->out,
                       e->size - 1);
    memcpy(e->out + e->used, text, length);
    e->used += length;
    e->out[e->used] = '\0';
    return NN_OK;
}

/* The parameter between the braces at `at`; *next is behind them. */
static nn_status find_braces(const expansion *e, const char *at, int *p, const char **next)
{
    char name[64];
    size_t length = strcspn(at + 1, "}");
    if (!at[1 + length] || length >= sizeof name)
        return nn_fail(e->error, NN_E_ARG, "'%.40s': expected {PARAMETER}", at);
    snprintf(name, sizeof name, "%.*s", (int)length, at + 1);
    *p = nn_space_find(e->space, name);
    *next = at + length + 2;
    if (*p < 0)
        return nn_fail(e->error, NN_E_ARG, "{%s}: the space has no parameter of this name", name);
    if (isnan(e->point->value[*p]))
        return nn_fail(e->error, NN_E_ARG,
                       "{%s} stands in an option, so the parameter must always be there: it cannot "
                       "have a condition",
                       name);
    return NN_OK;
}

static nn_status expand(expansion *e, const char *text, const char *end);

/* "[TEXT]*{name}" at `at`. */
static nn_status repeat(expansion *e, const char *at, const char *end, const char **next)
{
    char number[NN_SPACE_TEXT];
    const char *close = memchr(at, ']', (size_t)(end - at));
    double times = 0;
    int p = -1;
    if (!close || end - close < 3 || close[1] != '*' || close[2] != '{')
        return nn_fail(e->error, NN_E_ARG, "'%.40s': expected [TEXT]*{PARAMETER}", at);
    nn_status status = find_braces(e, close + 2, &p, next);
    if (status != NN_OK)
        return status;
    nn_space_text(&e->space->param[p], e->point->value[p], number);
    if (!nn_parse_number(number, &times) || times < 0 || times > 1000 || times != floor(times))
        return nn_fail(e->error, NN_E_ARG, "[...]*{%s}: cannot repeat %.20s times",
                       e->space->param[p].name, number);
    for (int i = 0; i < (int)times && status == NN_OK; i++)
        status = expand(e, at + 1, close);
    return status;
}

static nn_status expand(expansion *e, const char *text, const char *end)
{
    nn_status status = NN_OK;
    while (text < end && status == NN_OK) {
        char value[NN_SPACE_TEXT];
        int p = -1;
        if (*text == '[') {
            status = repeat(e, text, end, &text);
        } else if (*text == '{') {
            status = find_braces(e, text, &p, &text);
            if (status == NN_OK) {
                nn_space_text(&e->space->param[p], e->point->value[p], value);
                status = put(e, value, strlen(value));
            }
        } else {
            status = put(e, text, 1);
            text++;
        }
    }
    return status;
}

nn_status sweep_expand(const char *text, const nn_space *space, const nn_point *point, char *out,
                       size_t size, nn_error *error)
{
    expansion e = {space, point, out, size, 0, error};
    *out = '\0';
    return expand(&e, text, text + strlen(text));
}

static bool mentions(const char *text, const char *name)
{
    char braces[64];
    snprintf(braces, sizeof braces, "{%s}", name);
    return text && strstr(text, braces);
}

/* Options whose text may hold parameters, and where the text of one trial lies. */
typedef struct {
    const char **field;
    char *room;
    size_t size;
} template_field;

enum { TEMPLATES = 6 };
static void list_templates(train_options *o, train_texts *texts, template_field list[TEMPLATES])
{
    const template_field all[TEMPLATES] = {
        {&o->model, texts->model, sizeof texts->model},
        {&o->optimizer, texts->optimizer, sizeof texts->optimizer},
        {&o->schedule, texts->schedule, sizeof texts->schedule},
        {&o->rates, texts->rates, sizeof texts->rates},
        {&o->freeze, texts->freeze, sizeof texts->freeze},
        {&o->augment, texts->augment, sizeof texts->augment},
    };
    memcpy(list, all, sizeof all);
}

/* --- one trial ---------------------------------------------------------------------------------
 */

int sweep_base_params(const train_options *base, store_param *params)
{
    int count = train_options_params(base, params);
    store_param *seed = &params[count++];
    *seed = (store_param){.key = "seed"}; /* as text: a double does not hold 64 bits */
    snprintf(seed->text, sizeof seed->text, "%" PRIu64, base->seed);
    return count;
}

static bool shapes_mlp(const char *name)
{
    return strcmp(name, "layers") == 0 || strcmp(name, "units") == 0;
}

/* What mlp stands for with `layers` hidden layers of `units` units. */
static nn_status describe_mlp(const nn_space *space, const nn_point *point, const nn_dataset *data,
                              const train_options *o, char *text, size_t size, nn_error *error)
{
    double layers = 1, units = 128, drop = o->dropout;
    int p = nn_space_find(space, "layers"), q = nn_space_find(space, "units");
    char number[NN_SPACE_TEXT];
    if (p >= 0 && !isnan(point->value[p]))
        nn_parse_number(nn_space_text(&space->param[p], point->value[p], number), &layers);
    if (q >= 0 && !isnan(point->value[q]))
        nn_parse_number(nn_space_text(&space->param[q], point->value[q], number), &units);
    if (!(layers >= 0 && layers <= 100 && layers == floor(layers)) ||
        !(units >= 1 && units <= 1 << 20 && units == floor(units)))
        return nn_fail(error, NN_E_ARG,
                       "mlp with %g layers of %g units: expected whole numbers, up to 100 layers",
                       layers, units);
    size_t used = 0;
    if (nn_dataset_sample(data).rank > 1)
        used += (size_t)snprintf(text, size, "flatten | ");
    for (int i = 0; i < (int)layers && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "dense %d | relu | ", (int)units);
    if (drop > 0 && used < size)
        used += (size_t)snprintf(text + used, size - used, "dropout %s | ",
                                 nn_number_text(drop, number));
    if (used < size)
        used += (size_t)snprintf(text + used, size - used, "dense %d", nn_dataset_classes(data));
    return used < size ? NN_OK : nn_fail(error, NN_E_ARG, "mlp with %g layers is too long", layers);
}

/* "clip-value" as on the command line, or "clip_value" as in the store. */
static void key_of(const char *name, char key[32])
{
    snprintf(key, 32, "%s", name);
    for (char *at = key; *at; at++)
        if (*at == '-')
            *at = '_';
}

static bool is_template(train_options *o, const char *name)
{
    train_texts unused;
    template_field list[TEMPLATES];
    list_templates(o, &unused, list);
    for (int i = 0; i < TEMPLATES; i++)
        if (mentions(*list[i].field, name))
            return true;
    return false;
}

static nn_status set_values(const nn_space *space, const nn_point *point, train_options *o,
                            sweep_texts *texts, bool *mlp, nn_error *error)
{
    for (int p = 0; p < space->count; p++) {
        const nn_space_param *param = &space->param[p];
        nn_error why = {0};
        char key[32];
        bool braces = is_template(o, param->name);
        if (isnan(point->value[p]) || braces)
            continue;
        if (shapes_mlp(param->name)) {
            *mlp = true;
            continue;
        }
        key_of(param->name, key);
        nn_space_text(param, point->value[p], texts->values[p]);
        nn_status status = train_option_set(o, key, texts->values[p], &why);
        if (status == NN_E_MISSING)
            return nn_fail(error, NN_E_ARG,
                           "parameter '%s' changes nothing: it is no option of a training, and "
                           "stands in none as {%s}; for example --model \"flatten | dense {%s} | "
                           "relu | dense 10\"",
                           param->name, param->name, param->name);
        if (status != NN_OK)
            return nn_fail(error, status, "%s; use int(...), logint(...) or choice(...)", why.text);
    }
    return NN_OK;
}

static void take_base(const store_param *base, int count, train_options *o, sweep_texts *texts)
{
    *o = train_options_default();
    train_options_take(base, count, o, &texts->base);
    for (int i = 0; i < count; i++)
        if (strcmp(base[i].key, "seed") == 0)
            o->seed = strtoull(base[i].text, NULL, 10);
}

nn_status sweep_trial_options(const store_param *base, int count, const nn_space *space,
                              const nn_point *point, const nn_dataset *data, train_options *options,
                              sweep_texts *texts, nn_error *error)
{
    template_field list[TEMPLATES];
    bool mlp = false;
    take_base(base, count, options, texts);
    nn_status status = set_values(space, point, options, texts, &mlp, error);
    list_templates(options, &texts->expanded, list);
    for (int i = 0; i < TEMPLATES && status == NN_OK; i++)
        if (*list[i].field && strpbrk(*list[i].field, "{[")) {
            status = sweep_expand(*list[i].field, space, point, list[i].room, list[i].size, error);
            *list[i].field = list[i].room;
        }
    if (status != NN_OK || !mlp)
        return status;
    if (strcmp(options->model, "mlp") != 0)
        return nn_fail(error, NN_E_ARG,
                       "layers and units shape the model mlp, not '%.60s': write --model mlp, or a "
                       "description with {layers} or {units} in it",
                       options->model);
    status = describe_mlp(space, point, data, options, texts->expanded.model,
                          sizeof texts->expanded.model, error);
    options->model = texts->expanded.model;
    return status;
}

/* --- the whole space ---------------------------------------------------------------------------
 */

/* Of the options that only named models look at. */
static nn_status check_dropout(const train_options *o, const nn_space *space, nn_error *error)
{
    if (nn_space_find(space, "dropout") < 0 || !strchr(o->model, '|') ||
        mentions(o->model, "dropout"))
        return NN_OK;
    return nn_fail(error, NN_E_ARG,
                   "parameter 'dropout' changes nothing in a model that is spelled out: write "
                   "\"... | dropout {dropout} | ...\" where it belongs");
}

nn_status sweep_check_space(const store_param *base, int count, const nn_space *space,
                            const nn_dataset *data, nn_error *error)
{
    enum { POINTS = 64 };
    train_options options;
    nn_sampler sampler = {NN_SAMPLER_SOBOL, 1, POINTS};
    sweep_texts *texts = malloc(sizeof *texts);
    if (!texts)
        return nn_fail(error, NN_E_NOMEM, "no memory for the options of a trial");
    take_base(base, count, &options, texts);
    nn_status status = check_dropout(&options, space, error);
    for (int i = 0; i < POINTS && status == NN_OK; i++) {
        nn_point point;
        status = nn_sampler_next(space, &sampler, NULL, 0, i, &point, error);
        if (status == NN_OK)
            status = sweep_trial_options(base, count, space, &point, data, &options, texts, error);
    }
    free(texts);
    return status;
}
