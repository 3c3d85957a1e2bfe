/* Data of two kinds (chapter 26): learned from one source, meant for another. Train and train-dev
 * come from the first, dev and test from the second, so that the step from train-dev to dev shows
 * what the difference between the sources costs. */
#include "engine/data/parsers.h"

#include <stdlib.h>
#include <string.h>

/* --- joining -----------------------------------------------------------------------------------
 */

static nn_status check_alike(const nn_examples *a, const nn_examples *b, const char *name,
                             nn_error *error)
{
    char one[NN_SHAPE_TEXT], other[NN_SHAPE_TEXT];
    bool same =
        a->sample.rank == b->sample.rank &&
        memcmp(a->sample.dim, b->sample.dim, (size_t)a->sample.rank * sizeof *a->sample.dim) == 0;
    if (!same)
        return nn_fail(error, NN_E_SHAPE,
                       "target '%.80s': its examples are %s, those of the data %s; expected the "
                       "same",
                       name, nn_shape_text(b->sample, other), nn_shape_text(a->sample, one));
    if (a->storage != b->storage || a->scale != b->scale)
        return nn_fail(error, NN_E_FORMAT,
                       "target '%.80s': its numbers are stored in another way than the data's",
                       name);
    same = a->classes == b->classes;
    for (int k = 0; k < a->classes && same; k++)
        same = strcmp(a->class_name[k], b->class_name[k]) == 0;
    return same ? NN_OK
                : nn_fail(error, NN_E_FORMAT,
                          "target '%.80s': its classes are not those of the data (%d and %d)", name,
                          b->classes, a->classes);
}

nn_status nn_join_examples(nn_examples *a, const nn_examples *b, const char *name, nn_error *error)
{
    nn_status status = check_alike(a, b, name, error);
    if (status != NN_OK)
        return status;
    if (a->count + b->count > INT32_MAX)
        return nn_fail(error, NN_E_FORMAT, "target '%.80s': more than %d examples together", name,
                       INT32_MAX);
    size_t row = (size_t)a->row * nn_storage_size(a->storage);
    size_t both = (size_t)(a->count + b->count);
    char *values = realloc(a->values, both * row);
    if (values)
        a->values = values;
    int32_t *label = values ? realloc(a->label, both * sizeof *label) : NULL;
    if (!label)
        return nn_fail(error, NN_E_NOMEM, "target '%.80s': no memory for %zu examples", name, both);
    a->label = label;
    memcpy(values + (size_t)a->count * row, b->values, (size_t)b->count * row);
    memcpy(label + a->count, b->label, (size_t)b->count * sizeof *label);
    a->count += b->count;
    return NN_OK;
}

/* --- splitting ---------------------------------------------------------------------------------
 */

/* The examples from `first` on, borrowed, as a source of their own. */
static nn_examples view_of(const nn_examples *e, int64_t first, int64_t count, int64_t train_count)
{
    nn_examples view = *e;
    size_t row = (size_t)e->row * nn_storage_size(e->storage);
    view.values = (char *)e->values + (size_t)first * row;
    view.label = e->label + first;
    view.count = count;
    view.train_count = train_count;
    return view;
}

static int ascending(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

/* Of the target's own split: what it calls train and dev is all dev here. */
static nn_status take_target(nn_split *target, int64_t first, nn_split *split, nn_error *error)
{
    int64_t train = target->count[NN_TRAIN], dev = target->count[NN_DEV];
    uint32_t *both = calloc((size_t)(train + dev) + 1, sizeof *both);
    if (!both)
        return nn_fail(error, NN_E_NOMEM, "no memory for %lld dev examples",
                       (long long)(train + dev));
    if (train > 0)
        memcpy(both, target->index[NN_TRAIN], (size_t)train * sizeof *both);
    if (dev > 0)
        memcpy(both + train, target->index[NN_DEV], (size_t)dev * sizeof *both);
    qsort(both, (size_t)(train + dev), sizeof *both, ascending);
    for (int64_t i = 0; i < train + dev; i++)
        both[i] += (uint32_t)first;
    for (int64_t i = 0; i < target->count[NN_TEST]; i++)
        target->index[NN_TEST][i] += (uint32_t)first;
    split->index[NN_DEV] = both;
    split->count[NN_DEV] = train + dev;
    split->index[NN_TEST] = target->index[NN_TEST];
    split->count[NN_TEST] = target->count[NN_TEST];
    target->index[NN_TEST] = NULL;
    return NN_OK;
}

/* The data's own test part is of the kind that nobody asks about: it is in no part. */
static void take_data(nn_split *data, nn_split *split)
{
    split->index[NN_TRAIN] = data->index[NN_TRAIN];
    split->count[NN_TRAIN] = data->count[NN_TRAIN];
    split->index[NN_TRAIN_DEV] = data->index[NN_DEV];
    split->count[NN_TRAIN_DEV] = data->count[NN_DEV];
    data->index[NN_TRAIN] = data->index[NN_DEV] = NULL;
}

nn_status nn_split_sources(const nn_examples *joined, int64_t first, int64_t train_count,
                           int64_t target_train, const nn_data_args *args, nn_split *split,
                           nn_error *error)
{
    nn_examples a = view_of(joined, 0, first, train_count);
    nn_examples b = view_of(joined, first, joined->count - first, target_train);
    nn_data_args of_data = *args, of_target = *args;
    nn_split one = {{0}, {0}}, other = {{0}, {0}};
    if (train_count == first)
        of_data.test = -1;
    of_target.limit = 0;
    of_target.test = 0.5; /* where the target has no test part of its own: half and half */
    of_target.dev = -1;
    *split = (nn_split){{0}, {0}};
    nn_status status = nn_split_examples(&a, &of_data, &one, error);
    if (status == NN_OK)
        status = nn_split_examples(&b, &of_target, &other, error);
    if (status == NN_OK)
        status = take_target(&other, first, split, error);
    if (status == NN_OK)
        take_data(&one, split);
    nn_split_free(&one);
    nn_split_free(&other);
    return status;
}
