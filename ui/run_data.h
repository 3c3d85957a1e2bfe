/* The data of a run as it saw them, and the labels that were fixed since. */
#ifndef GRADUS_UI_RUN_DATA_H
#define GRADUS_UI_RUN_DATA_H

#include "store/examples.h"
#include "ui/session.h"

/* The data that these options name, with the labels as they lie in the source. */
nn_dataset *run_data_read(const train_options *options, nn_error *error);
/* Takes the fixes that `run` saw; 0: those in force now, but in dev and test only what was found by
 * a rule that went through both (label_fix.rule). Writes how many were held back for that (NULL: do
 * not). */
nn_status run_data_fix(nn_dataset *data, store *s, run_id run, int *held_back, nn_error *error);
/* The data of a recorded run with the labels it saw. Refuses data that changed since (by their
 * checksum) and files that are gone, by name; what is in the store stays usable. */
nn_dataset *run_data_open(store *s, run_id run, nn_error *error);
/* The same data cut for cross-validation (nn_data_args.folds); the run's split is not checked. */
nn_dataset *run_data_open_fold(store *s, run_id run, int folds, int fold, nn_error *error);

#endif
