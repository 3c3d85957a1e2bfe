/* Which checkpoint file a run goes on from, or branches at. */
#ifndef GRADUS_UI_CHECKPOINTS_H
#define GRADUS_UI_CHECKPOINTS_H

#include "store/store.h"

/* The newest file of the run that is not ahead of what the store has committed of it: the history
 * then has no hole, whenever the process was killed. Writes "" when the run was killed before its
 * first checkpoint was committed: it starts again from its seed, to the same bits. */
nn_status checkpoint_to_resume(store *s, const run_row *row, char *path, size_t size,
                               nn_error *error);

/* The newest file of the run at or before `step`; *at is its step. */
nn_status checkpoint_to_branch(store *s, run_id run, uint64_t step, char *path, size_t size,
                               uint64_t *at, nn_error *error);

#endif
