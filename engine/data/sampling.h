/* In which order an epoch takes the examples of the train part. Every order is a pure function of
 * the data, the seed and the epoch: it depends on no thread, and a resumed training goes on with
 * it. (The listing of chapter 16 shuffles every epoch alike: errata E16.3.) Private to engine/. */
#ifndef GRADUS_ENGINE_DATA_SAMPLING_H
#define GRADUS_ENGINE_DATA_SAMPLING_H

#include "engine/data/dataset.h"

typedef enum {
    NN_SHUFFLED, /* every example once */
    NN_BALANCED, /* every class equally often: rare classes again and again, frequent ones in part,
                    each class in shuffled rounds of its own */
    NN_BUCKETED, /* sequences of like length in the same batch, so that little is padding; every
                    example once */
    NN_SAMPLINGS
} nn_sampling;

const char *nn_sampling_name(nn_sampling sampling); /* "shuffled" */
nn_status nn_sampling_of(const char *name, nn_sampling *sampling, nn_error *error);

/* What makes the orders of one part. */
typedef struct {
    nn_sampling sampling;
    int64_t count;
    int batch, classes;
    uint64_t seed;
    uint32_t *by_class; /* BALANCED: examples sorted by class */
    int64_t *begin;     /* class k's are [begin[k], begin[k+1]) */
    int32_t *length;    /* BUCKETED: of each example */
    uint32_t *room;     /* for `count` numbers */
} nn_sampler;

nn_status nn_sampler_open(nn_sampler *sampler, const nn_dataset *data, nn_sampling sampling,
                          int batch, uint64_t seed, nn_error *error);
void nn_sampler_close(nn_sampler *sampler);
/* order[0..count) of an epoch. */
void nn_sampler_order(nn_sampler *sampler, uint64_t epoch, uint32_t *order);

/* The two orders that are no plain shuffle, over given classes and lengths. */
void nn_balanced_order(const uint32_t *by_class, const int64_t *begin, int classes, int64_t count,
                       uint64_t seed, uint64_t epoch, uint32_t *room, uint32_t *order);
void nn_bucketed_order(const int32_t *length, int64_t count, int batch, uint64_t seed,
                       uint64_t epoch, uint32_t *room, uint32_t *order);

#endif
