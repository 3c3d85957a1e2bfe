/* The stratified split: each class is shared out among the parts by largest remainder, so in every
 * part every class is less than one example away from its exact share. */
#include "engine/data/parsers.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Examples [0,count) grouped by class and shuffled within each: member[start[k]] ... */
typedef struct {
    uint32_t *member;
    int64_t *start; /* classes + 1 of them */
    int classes;
} class_lists;

static void free_lists(class_lists *lists)
{
    free(lists->member);
    free(lists->start);
}

/* `pick` (or NULL: first, first+1, ...) names the examples to group. */
static nn_status group_by_class(const nn_examples *examples, const uint32_t *pick, int64_t first,
                                int64_t count, uint64_t seed, class_lists *lists, nn_error *error)
{
    int classes = examples->classes;
    uint32_t *order = calloc((size_t)count, sizeof *order);
    *lists = (class_lists){.member = malloc((size_t)count * sizeof *lists->member),
                           .start = calloc((size_t)classes + 2, sizeof *lists->start),
                           .classes = classes};
    if (!order || !lists->member || !lists->start) {
        free(order);
        free_lists(lists);
        nn_fail(error, NN_E_NOMEM, "no memory to split %lld examples", (long long)count);
        return NN_E_NOMEM;
    }
    nn_shuffle(order, (size_t)count, seed, 0);
    /* Counting sort that keeps the shuffled order: start[k + 2] counts, then becomes the place. */
    int64_t *place = lists->start + 1;
    for (int64_t i = 0; i < count; i++)
        if (examples->label[pick ? pick[i] : first + i] + 1 < classes)
            place[examples->label[pick ? pick[i] : first + i] + 1]++;
    for (int k = 1; k < classes; k++)
        place[k] += place[k - 1];
    for (int64_t i = 0; i < count; i++) {
        uint32_t example = pick ? pick[order[i]] : (uint32_t)(first + order[i]);
        lists->member[place[examples->label[example]]++] = example;
    }
    free(order);
    return NN_OK;
}

/* Share `count` out by `share` (which sums to 1): each part gets its quota rounded down or up.
 * Among those with a remainder the most owed over all classes so far comes first, so that the whole
 * parts come out right as well. */
static void apportion(int64_t count, const double share[NN_PARTS], double owed[NN_PARTS],
                      int64_t given[NN_PARTS])
{
    int64_t left = count;
    bool has_rest[NN_PARTS];
    for (int p = 0; p < NN_PARTS; p++) {
        double quota = (double)count * share[p];
        given[p] = (int64_t)floor(quota + 1e-9);
        has_rest[p] = quota - (double)given[p] > 1e-9;
        owed[p] += quota - (double)given[p];
        left -= given[p];
    }
    for (; left > 0; left--) {
        int most = -1;
        for (int p = 0; p < NN_PARTS; p++)
            if (has_rest[p] && (most < 0 || owed[p] > owed[most] + 1e-12))
                most = p;
        if (most < 0)
            most = NN_TRAIN;
        given[most]++;
        owed[most] -= 1;
        has_rest[most] = false;
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Move the lists' examples into the parts, class by class. The parts have room. */
static void deal(const class_lists *lists, const double share[NN_PARTS], nn_split *split)
{
    double owed[NN_PARTS] = {0};
    for (int k = 0; k < lists->classes; k++) {
        int64_t given[NN_PARTS], at = lists->start[k];
        apportion(lists->start[k + 1] - at, share, owed, given);
        for (int p = 0; p < NN_PARTS; p++) {
            memcpy(split->index[p] + split->count[p], lists->member + at,
                   (size_t)given[p] * sizeof(uint32_t));
            split->count[p] += given[p];
            at += given[p];
        }
    }
}

/* Keep `limit` train examples, each class in proportion. */
static nn_status limit_train(const nn_examples *examples, int64_t limit, uint64_t seed,
                             nn_split *split, nn_error *error)
{
    class_lists lists;
    int64_t count = split->count[NN_TRAIN];
    nn_status status =
        group_by_class(examples, split->index[NN_TRAIN], 0, count, seed ^ 1, &lists, error);
    if (status != NN_OK)
        return status;
    double owed[NN_PARTS] = {0};
    const double share[NN_PARTS] = {(double)limit / (double)count,
                                    1 - (double)limit / (double)count, 0};
    int64_t kept = 0;
    for (int k = 0; k < lists.classes; k++) {
        int64_t given[NN_PARTS];
        apportion(lists.start[k + 1] - lists.start[k], share, owed, given);
        memcpy(split->index[NN_TRAIN] + kept, lists.member + lists.start[k],
               (size_t)given[NN_TRAIN] * sizeof(uint32_t));
        kept += given[NN_TRAIN];
    }
    split->count[NN_TRAIN] = kept;
    free_lists(&lists);
    return NN_OK;
}

static nn_status check_shares(const nn_data_args *args, bool own_test, double share[NN_PARTS],
                              nn_error *error)
{
    double dev = args->dev == 0 ? 0.1 : args->dev < 0 ? 0 : args->dev;
    double test = own_test || args->test < 0 ? 0 : args->test == 0 ? 0.1 : args->test;
    if (!(dev < 1) || !(test < 1) || !(dev + test < 1))
        return nn_fail(error, NN_E_ARG,
                       "dev share %g and test share %g: expected less than 1 together", args->dev,
                       args->test);
    if (args->limit < 0)
        return nn_fail(error, NN_E_ARG, "limit %lld: expected at least 1, or 0 for all",
                       (long long)args->limit);
    share[NN_TRAIN] = 1 - dev - test;
    share[NN_DEV] = dev;
    share[NN_TEST] = test;
    return NN_OK;
}

nn_status nn_split_examples(const nn_examples *examples, const nn_data_args *args, nn_split *split,
                            nn_error *error)
{
    int64_t own = examples->count - examples->train_count;
    double share[NN_PARTS];
    class_lists lists;
    *split = (nn_split){{0}, {0}};
    nn_status status = check_shares(args, own > 0, share, error);
    if (status != NN_OK)
        return status;
    for (int p = 0; p < NN_PARTS; p++) {
        split->index[p] = calloc((size_t)examples->count, sizeof(uint32_t));
        if (!split->index[p]) {
            nn_split_free(split);
            nn_fail(error, NN_E_NOMEM, "no memory to split %lld examples",
                    (long long)examples->count);
            return NN_E_NOMEM;
        }
    }
    status = group_by_class(examples, NULL, 0, examples->train_count, args->seed, &lists, error);
    if (status == NN_OK) {
        deal(&lists, share, split);
        free_lists(&lists);
    }
    for (int64_t i = 0; i < own && status == NN_OK; i++)
        split->index[NN_TEST][split->count[NN_TEST]++] = (uint32_t)(examples->train_count + i);
    if (status == NN_OK && args->limit > 0 && args->limit < split->count[NN_TRAIN])
        status = limit_train(examples, args->limit, args->seed, split, error);
    if (status == NN_OK && split->count[NN_TRAIN] == 0)
        status = nn_fail(error, NN_E_ARG, "%lld examples in %d classes leave none to train on",
                         (long long)examples->count, examples->classes);
    for (int p = 0; p < NN_PARTS && status == NN_OK; p++)
        qsort(split->index[p], (size_t)split->count[p], sizeof(uint32_t), ascending);
    if (status != NN_OK)
        nn_split_free(split);
    return status;
}

void nn_split_free(nn_split *split)
{
    for (int p = 0; p < NN_ALL_PARTS; p++)
        free(split->index[p]);
    *split = (nn_split){{0}, {0}};
}
