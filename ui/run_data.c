#include "ui/run_data.h"

#include <stdlib.h>
#include <string.h>

static nn_dataset *read_cut(const train_options *o, int folds, int fold, nn_error *error)
{
    nn_data_args args = {.dev = o->dev_share,
                         .test = o->test_share,
                         .seed = o->seed,
                         .limit = o->limit,
                         .target = o->target,
                         .folds = folds,
                         .fold = fold,
                         .flip = o->flip_labels};
    return nn_dataset_open(o->data, &args, error);
}

nn_dataset *run_data_read(const train_options *o, nn_error *error)
{
    return read_cut(o, 0, 0, error);
}

static nn_status read_fixes(const nn_dataset *data, store *s, run_id run, label_fix **fixes,
                            int *count, nn_error *error)
{
    return run ? store_run_fixes(s, run, fixes, count, error)
               : store_label_fixes(s, nn_dataset_checksum(data), fixes, count, error);
}

/* A fix made for the train part alone must not make dev or test easier (chapter 25): with another
 * split its example may lie there. */
static bool held_back(const nn_dataset *data, const label_fix *fix, run_id run)
{
    int64_t place;
    nn_part part = nn_dataset_find(data, fix->example, &place);
    return !run && !fix->rule[0] && (part == NN_DEV || part == NN_TEST);
}

nn_status run_data_fix(nn_dataset *data, store *s, run_id run, int *held, nn_error *error)
{
    label_fix *fixes = NULL;
    int count = 0, kept = 0, back = 0;
    nn_status status = read_fixes(data, s, run, &fixes, &count, error);
    nn_label_fix *list = status == NN_OK ? calloc((size_t)count + 1, sizeof *list) : NULL;
    if (status == NN_OK && !list)
        status = nn_fail(error, NN_E_NOMEM, "out of memory for %d fixed labels", count);
    for (int i = 0; i < count && status == NN_OK; i++) {
        if (held_back(data, &fixes[i], run))
            back++;
        else
            list[kept++] = (nn_label_fix){fixes[i].example, fixes[i].from, fixes[i].to};
    }
    if (status == NN_OK)
        status = nn_dataset_fix(data, list, kept, error);
    if (held)
        *held = back;
    free(list);
    free(fixes);
    return status;
}

static nn_dataset *open_cut(store *s, run_id run, int folds, int fold, nn_error *error)
{
    run_row row;
    train_options options;
    train_texts *texts = calloc(1, sizeof *texts);
    nn_error problem = {0};
    if (!texts) {
        nn_fail(error, NN_E_NOMEM, "out of memory for the options of a run");
        return NULL;
    }
    nn_dataset *data = NULL;
    nn_status status = store_run(s, run, &row, &problem);
    if (status == NN_OK)
        status = train_options_of_run(s, run, &options, texts, &problem);
    if (status == NN_OK && !(data = read_cut(&options, folds, fold, &problem)))
        status = problem.code;
    if (status == NN_OK)
        status = run_data_fix(data, s, run, NULL, &problem);
    if (status != NN_OK)
        nn_fail(error, problem.code, "the data of run %lld: %s", (long long)run, problem.text);
    else if (folds == 0 && strcmp(row.fingerprint, nn_dataset_fingerprint(data)) != 0)
        status = nn_fail(error, NN_E_STATE,
                         "data '%.100s' changed since run %lld '%s' (fingerprint %s then, %s now): "
                         "its answers, tags and notes are kept, but the examples cannot be shown",
                         options.data, (long long)run, row.name, row.fingerprint,
                         nn_dataset_fingerprint(data));
    free(texts);
    if (status == NN_OK)
        return data;
    nn_dataset_free(data);
    return NULL;
}

nn_dataset *run_data_open(store *s, run_id run, nn_error *error)
{
    return open_cut(s, run, 0, 0, error);
}

nn_dataset *run_data_open_fold(store *s, run_id run, int folds, int fold, nn_error *error)
{
    return open_cut(s, run, folds, fold, error);
}
