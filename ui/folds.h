/* Cross-validation of a recorded run: its train part is cut into folds, and as many networks with
 * the run's options each learn from all but one and answer that one. So every train example gets an
 * answer of a network that has not seen it. */
#ifndef GRADUS_UI_FOLDS_H
#define GRADUS_UI_FOLDS_H

#include "store/store.h"

/* Trains `folds` (2 to 20) networks, one after another, and keeps their answers as those of the
 * run's train part. Takes about folds times as long as the run. `tell` (NULL: nobody) is called
 * before each fold. The store's run itself is not changed. */
nn_status folds_answer(store *s, run_id run, int folds, int threads,
                       void (*tell)(void *context, int fold), void *context, nn_error *error);

#endif
