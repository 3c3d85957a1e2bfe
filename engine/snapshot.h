/* A copy of a training in memory: to go back to, or to keep the best weights. Private to engine/.
 */
#ifndef GRADUS_ENGINE_SNAPSHOT_H
#define GRADUS_ENGINE_SNAPSHOT_H

#include "engine/optimizer.h"
#include "engine/schedule.h"

/* Where a training is, besides its weights and moments. */
typedef struct {
    uint64_t step; /* steps done */
    int epoch;     /* epochs done and closed, i.e. evaluated and reported */
    /* Running sums of the epoch under way: of loss over examples, wrong answers, examples. */
    double loss_sum;
    int64_t wrong, seen;
    nn_watch plateau;  /* of the dev loss, for a schedule that waits for plateaus */
    double reached;    /* what it has brought the rate to; 0 means 1 */
    nn_watch stopping; /* of the dev loss, for early stopping */
} nn_progress;

typedef struct {
    nn_real *values; /* parameters and buffers in the model's order, then moments and averages if
                        kept */
    nn_progress progress;
    uint64_t optimizer_steps;
    bool taken;
} nn_snapshot;

/* optimizer may be NULL: weights only. The same goes for the calls below. */
nn_status nn_snapshot_open(nn_snapshot *snapshot, nn_model *model, nn_optimizer *optimizer,
                           nn_error *error);
void nn_snapshot_close(nn_snapshot *snapshot);
void nn_snapshot_take(nn_snapshot *snapshot, nn_model *model, nn_optimizer *optimizer,
                      const nn_progress *progress);
void nn_snapshot_restore(const nn_snapshot *snapshot, nn_model *model, nn_optimizer *optimizer,
                         nn_progress *progress);
/* Values of the model's entry `index` inside a snapshot. */
nn_real *nn_snapshot_param(const nn_snapshot *snapshot, const nn_model *model, int index);

#endif
