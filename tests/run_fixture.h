/* Runs made in code, without files or clocks: what panels and screens are tested with. */
#ifndef GRADUS_TESTS_RUN_FIXTURE_H
#define GRADUS_TESTS_RUN_FIXTURE_H

#include "ui/run_view.h"

/* A ten-class run in epoch 7 of 10 that begins to overfit: noisy batches, a changed rate, one
 * confusion matrix an epoch. */
run_view *fixture_normal(void);
/* No run at all, and one that has not taken a step. */
run_view *fixture_empty(void);
run_view *fixture_begun(void);
/* Halted by NaN in step 311, loss and norm not finite from there. */
run_view *fixture_nan(void);
/* One point; a flat curve; nothing but NaN; values at and below 0. */
run_view *fixture_one(void);
run_view *fixture_flat(void);
run_view *fixture_all_nan(void);
run_view *fixture_negative(void);
/* Finished, with a test error and a human level; 26 classes. */
run_view *fixture_finished(void);

#endif
