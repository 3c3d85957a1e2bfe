/* The samplers' own files. Private to engine/search/. */
#ifndef GRADUS_ENGINE_SEARCH_SAMPLER_INTERNAL_H
#define GRADUS_ENGINE_SEARCH_SAMPLER_INTERNAL_H

#include "engine/search/sampler.h"

/* Sequences of random numbers (engine/rng.h) that must not meet. */
enum {
    NN_STREAM_RANDOM_SEARCH = 0x5ea10001,
    NN_STREAM_SOBOL,
    NN_STREAM_GRID,
    NN_STREAM_TPE,
    NN_STREAM_ZOOM,
    NN_STREAM_IMPORTANCE
};

nn_point nn_sobol_point(const nn_space *space, uint64_t seed, uint32_t index);
nn_status nn_grid_next(const nn_space *space, const nn_sampler *sampler,
                       const nn_trial_record *history, int count, nn_point *point, nn_error *error);
nn_status nn_tpe_next(const nn_space *space, const nn_sampler *sampler,
                      const nn_trial_record *history, int count, int number, nn_point *point,
                      nn_error *error);
nn_status nn_zoom_next(const nn_space *space, const nn_sampler *sampler,
                       const nn_trial_record *history, int count, int number, nn_point *point,
                       nn_error *error);

/* Indices of the history from the best to the worst: finished by objective, pruned by how far they
 * came and then by objective, failed. Open trials are left out. Returns how many. */
int nn_rank_trials(const nn_trial_record *history, int count, int *order);
bool nn_trial_succeeded(const nn_trial_record *record);

#endif
