/* Which point of a space to try next.
 *
 * grid      every combination, continua in equal steps of their scale; the order is shuffled by the
 *           seed, so that a budget smaller than the grid tries a fair part of it
 * random    independent draws (Bergstra and Bengio 2012)
 * sobol     quasi-random: Sobol' points (Joe and Kuo 2008), scrambled by the seed (Owen 1995, by
 *           hashing as in Burley 2020): fills the space evenly at any number of trials
 * tpe       tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kegl 2011): draws where
 *           good trials are dense and the others are not; begins with Sobol' points. Trials under
 *           way count among the others (a constant liar), so that parallel workers spread
 * zoom      coarse to fine (notes, chapter 20): rounds of Sobol' points, each within the region
 *           where the best fifth so far lie
 *
 * A proposal is a pure function of space, arguments, history and the trial's number: the same
 * history gives the same proposal in any process. Objectives are minimised here. */
#ifndef GRADUS_ENGINE_SEARCH_SAMPLER_H
#define GRADUS_ENGINE_SEARCH_SAMPLER_H

#include "engine/search/space.h"

typedef enum {
    NN_SAMPLER_GRID,
    NN_SAMPLER_RANDOM,
    NN_SAMPLER_SOBOL,
    NN_SAMPLER_TPE,
    NN_SAMPLER_ZOOM
} nn_sampler_kind;

typedef struct {
    nn_sampler_kind kind;
    uint64_t seed;
    int trials; /* planned, which sets the steps of a grid and the rounds of a zoom; 0: open */
} nn_sampler;

/* NN_E_ARG names the samplers there are. */
nn_status nn_sampler_of(const char *name, nn_sampler_kind *kind, nn_error *error);
const char *nn_sampler_name(nn_sampler_kind kind);

typedef enum {
    NN_TRIAL_OPEN,     /* waiting or under way */
    NN_TRIAL_FINISHED, /* objective is its result; NaN counts as failed */
    NN_TRIAL_PRUNED,   /* objective as far as it came */
    NN_TRIAL_FAILED
} nn_trial_outcome;

typedef struct {
    nn_point point;
    nn_trial_outcome outcome;
    double objective; /* smaller is better */
    int epoch;        /* how far it came */
} nn_trial_record;

/* The point for trial `number` (from 0 on), given the history in any order. NN_E_STATE when a grid
 * has no point left. */
nn_status nn_sampler_next(const nn_space *space, const nn_sampler *sampler,
                          const nn_trial_record *history, int count, int number, nn_point *point,
                          nn_error *error);

/* Points of the grid for so many trials: the finest steps of continua and long ranges (at least 2
 * values each) that do not exceed them. */
int64_t nn_grid_size(const nn_space *space, int trials);

/* Sobol' point `index` in dimension `dimension` (both from 0 on), in [0,1), scrambled by `seed`;
 * 0 leaves it as it is. */
double nn_sobol(uint32_t index, int dimension, uint64_t seed);

/* Where the best fifth of the finished trials (at least 3) lie: of each parameter the range in
 * units, of a choice the words among them. Without finished trials the whole space. */
typedef struct {
    double low[NN_SPACE_PARAMS], high[NN_SPACE_PARAMS];
    uint32_t words[NN_SPACE_PARAMS]; /* of choices: bit i for word i */
    int trials;                      /* how many they are; 0: none finished */
} nn_region;
nn_status nn_best_region(const nn_space *space, const nn_trial_record *history, int count,
                         nn_region *region, nn_error *error);

#endif
