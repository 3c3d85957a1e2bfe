/* When to give up a trial that is under way.
 *
 * none     never
 * median   after each epoch: if the trial's best so far is worse than the median of the others'
 *          bests up to the same epoch (Golovin et al. 2017, Vizier); not before 5 others came so
 *          far, nor in the first epoch. median:OTHERS,EPOCHS changes both
 * asha     asynchronous successive halving (Li et al. 2020), by its stopping rule: at the rungs of
 *          FIRST, FIRST*FACTOR, FIRST*FACTOR^2 ... epochs a trial goes on only if it is among the
 *          best 1/FACTOR of all that have come to the rung until then. Nobody waits for anybody.
 *          asha:FACTOR,FIRST changes 3 and 1
 *
 * Pure; values are such that smaller is better. */
#ifndef GRADUS_ENGINE_SEARCH_PRUNER_H
#define GRADUS_ENGINE_SEARCH_PRUNER_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { NN_PRUNER_NONE, NN_PRUNER_MEDIAN, NN_PRUNER_ASHA } nn_pruner_kind;

typedef struct {
    nn_pruner_kind kind;
    int others, warmup; /* median */
    int factor, first;  /* asha */
} nn_pruner;

nn_status nn_pruner_parse(const char *text, nn_pruner *pruner, nn_error *error);
const char *nn_pruner_text(const nn_pruner *pruner, char *text, size_t size);

/* Whether a decision is due after `epoch` of `epochs`. */
bool nn_pruner_due(const nn_pruner *pruner, int epoch, int epochs);
/* Whether the trial stops: `value` is its best up to this epoch (NaN is the worst), `others` those
 * of the other trials that have come so far. `reason` says it in words. */
bool nn_pruner_stops(const nn_pruner *pruner, int epoch, double value, const double *others,
                     int count, char *reason, size_t size);

#endif
