#include "engine/data/sampling.h"

#include "engine/rng.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[NN_SAMPLINGS] = {"shuffled", "balanced", "bucketed"};

const char *nn_sampling_name(nn_sampling sampling)
{
    return (unsigned)sampling < NN_SAMPLINGS ? names[sampling] : "unknown";
}

nn_status nn_sampling_of(const char *name, nn_sampling *sampling, nn_error *error)
{
    for (int i = 0; i < NN_SAMPLINGS; i++)
        if (strcmp(name, names[i]) == 0) {
            *sampling = (nn_sampling)i;
            return NN_OK;
        }
    return nn_fail(error, NN_E_ARG, "sampling '%.40s': expected shuffled, balanced or bucketed",
                   name);
}

/* Seeds of shuffles inside an epoch, apart from the epoch's own. */
static uint64_t seed_of(uint64_t seed, const char *what, uint32_t number)
{
    nn_random_block block = nn_random(seed, nn_stream_of(what), number, 0);
    return (uint64_t)block.word[1] << 32 | block.word[0];
}

/* --- balanced ------------------------------------------------------------------------------- */

/* Class k gives count / classes of the epoch's places, the first ones one more. A class goes on
 * where its last epoch ended: its rounds, each a new shuffle, follow each other over the epochs,
 * so that also of a frequent class every example has its turn. */
void nn_balanced_order(const uint32_t *by_class, const int64_t *begin, int classes, int64_t count,
                       uint64_t seed, uint64_t epoch, uint32_t *room, uint32_t *order)
{
    int64_t at = 0;
    int present = 0, number = 0;
    for (int k = 0; k < classes; k++)
        present += begin[k + 1] > begin[k];
    if (present == 0)
        return;
    for (int k = 0; k < classes; k++) {
        int64_t size = begin[k + 1] - begin[k];
        if (size == 0)
            continue;
        int64_t quota = count / present + (number++ < count % present);
        uint64_t place = epoch * (uint64_t)quota; /* in the class's endless list */
        uint64_t round = UINT64_MAX, own = seed_of(seed, "balanced", (uint32_t)k);
        for (int64_t i = 0; i < quota; i++, place++) {
            if (place / (uint64_t)size != round) {
                round = place / (uint64_t)size;
                nn_shuffle(room, (size_t)size, own, round);
            }
            order[at++] = by_class[begin[k] + room[place % (uint64_t)size]];
        }
    }
    /* The classes must not come one after the other. */
    nn_shuffle(room, (size_t)count, seed, epoch);
    for (int64_t i = 0; i < count; i++) { /* apply the permutation along its cycles */
        int64_t from = room[i];
        while (from < i)
            from = room[from];
        uint32_t taken = order[i];
        order[i] = order[from];
        order[from] = taken;
    }
}

/* --- bucketed ------------------------------------------------------------------------------- */

/* Batches in one pool, which is sorted: enough for like lengths, and few enough that an example
 * meets others every epoch. */
enum { POOL_BATCHES = 50 };

/* Stable merge sort by length; `room` has as many places. */
static void sort_by_length(uint32_t *order, int64_t count, const int32_t *length, uint32_t *room)
{
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t begin = 0; begin < count; begin += 2 * width) {
            int64_t middle = begin + width < count ? begin + width : count;
            int64_t end = begin + 2 * width < count ? begin + 2 * width : count;
            int64_t a = begin, b = middle;
            for (int64_t i = begin; i < end; i++)
                room[i] = a < middle && (b >= end || length[order[a]] <= length[order[b]])
                              ? order[a++]
                              : order[b++];
        }
        memcpy(order, room, (size_t)count * sizeof *order);
    }
}

/* Shuffled, cut into pools, sorted in each; then whole batches are shuffled, the short one at the
 * end staying there, so that every batch keeps its size. */
void nn_bucketed_order(const int32_t *length, int64_t count, int batch, uint64_t seed,
                       uint64_t epoch, uint32_t *room, uint32_t *order)
{
    int64_t pool = (int64_t)batch * POOL_BATCHES, whole = count / batch;
    nn_shuffle(order, (size_t)count, seed, epoch);
    for (int64_t begin = 0; begin < count; begin += pool) {
        int64_t size = count - begin < pool ? count - begin : pool;
        sort_by_length(order + begin, size, length, room);
    }
    uint64_t own = seed_of(seed, "bucketed", 0);
    for (int64_t i = whole - 1; i > 0; i--) { /* Fisher and Yates over batches */
        int64_t other = (int64_t)(nn_uniform_at(own, 0, epoch, (uint32_t)i) * (double)(i + 1));
        uint32_t *a = order + i * batch, *b = order + other * batch;
        memcpy(room, a, (size_t)batch * sizeof *a);
        memmove(a, b, (size_t)batch * sizeof *a);
        memcpy(b, room, (size_t)batch * sizeof *a);
    }
}

/* --- of a data set -------------------------------------------------------------------------- */

static void sort_by_class(nn_sampler *sampler, const nn_dataset *data)
{
    for (int64_t i = 0; i < sampler->count; i++)
        sampler->begin[nn_dataset_label(data, NN_TRAIN, i) + 1]++;
    for (int k = 0; k < sampler->classes; k++)
        sampler->begin[k + 1] += sampler->begin[k];
    int64_t *next = sampler->begin + sampler->classes + 1;
    memcpy(next, sampler->begin, (size_t)sampler->classes * sizeof *next);
    for (int64_t i = 0; i < sampler->count; i++)
        sampler->by_class[next[nn_dataset_label(data, NN_TRAIN, i)]++] = (uint32_t)i;
}

/* The length of a sequence (steps, ...) is the number of its steps up to the last one that is not
 * all zero: padding is zeros. */
static nn_status measure_lengths(nn_sampler *sampler, const nn_dataset *data, nn_error *error)
{
    nn_shape sample = nn_dataset_sample(data);
    int64_t row = nn_shape_count(sample), step = sample.dim[1];
    if (sample.rank != 2 || step < 1)
        return nn_fail(error, NN_E_ARG,
                       "sampling bucketed: data '%s' has no sequences; expected examples of "
                       "(steps, features), padded with zeros",
                       nn_dataset_name(data));
    float *x = malloc((size_t)row * sizeof *x);
    if (!x)
        return nn_fail(error, NN_E_NOMEM, "sampling: out of memory");
    for (int64_t i = 0; i < sampler->count; i++) {
        nn_dataset_raw(data, NN_TRAIN, i, x);
        int64_t last = row;
        while (last > 0 && x[last - 1] == 0)
            last--;
        sampler->length[i] = (int32_t)((last + step - 1) / step);
    }
    free(x);
    return NN_OK;
}

nn_status nn_sampler_open(nn_sampler *sampler, const nn_dataset *data, nn_sampling sampling,
                          int batch, uint64_t seed, nn_error *error)
{
    int64_t count = nn_dataset_count(data, NN_TRAIN);
    int classes = nn_dataset_classes(data);
    *sampler = (nn_sampler){
        .sampling = sampling, .count = count, .batch = batch, .classes = classes, .seed = seed};
    size_t room = (size_t)(count > batch ? count : batch) + 1;
    sampler->room = malloc(room * sizeof *sampler->room);
    bool memory = sampler->room != NULL;
    if (sampling == NN_BALANCED) {
        sampler->by_class = malloc(room * sizeof *sampler->by_class);
        sampler->begin = calloc(2 * (size_t)classes + 1, sizeof *sampler->begin);
        memory = memory && sampler->by_class && sampler->begin;
    } else if (sampling == NN_BUCKETED) {
        sampler->length = malloc(room * sizeof *sampler->length);
        memory = memory && sampler->length;
    }
    if (!memory)
        return nn_fail(error, NN_E_NOMEM, "sampling: no memory for the order of %lld examples",
                       (long long)count);
    if (sampling == NN_BALANCED)
        sort_by_class(sampler, data);
    return sampling == NN_BUCKETED ? measure_lengths(sampler, data, error) : NN_OK;
}

void nn_sampler_close(nn_sampler *sampler)
{
    free(sampler->by_class);
    free(sampler->begin);
    free(sampler->length);
    free(sampler->room);
    *sampler = (nn_sampler){0};
}

void nn_sampler_order(nn_sampler *sampler, uint64_t epoch, uint32_t *order)
{
    switch (sampler->sampling) {
    case NN_BALANCED:
        nn_balanced_order(sampler->by_class, sampler->begin, sampler->classes, sampler->count,
                          sampler->seed, epoch, sampler->room, order);
        return;
    case NN_BUCKETED:
        nn_bucketed_order(sampler->length, sampler->count, sampler->batch, sampler->seed, epoch,
                          sampler->room, order);
        return;
    case NN_SHUFFLED:
    case NN_SAMPLINGS:
        break;
    }
    nn_shuffle(order, (size_t)sampler->count, sampler->seed, epoch);
}
