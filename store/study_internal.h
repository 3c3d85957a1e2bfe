/* What the files of studies share. Inside store/ only. */
#ifndef GRADUS_STORE_STUDY_INTERNAL_H
#define GRADUS_STORE_STUDY_INTERNAL_H

#include "store/read.h"
#include "store/study.h"

/* Have `work` done on the recorder's thread within one BEGIN IMMEDIATE transaction, which is rolled
 * back when it fails. `durable`: the commit reaches the disk. */
typedef nn_status study_work(database *db, const process_identity *self, void *argument,
                             nn_error *error);
nn_status study_write(recorder *r, bool durable, study_work *work, void *argument, nn_error *error);

nn_status study_read(database *db, const process_identity *self, study_id id, study_row *row,
                     nn_error *error);
/* The same without the numbers of its trials and the best one, for what happens at every epoch. */
nn_status study_read_plain(database *db, const process_identity *self, study_id id, study_row *row,
                           nn_error *error);
/* All trials of a study, or (number > 0) one. */
nn_status study_read_trials(database *db, const process_identity *self, study_id id, int number,
                            const nn_space *space, trial_row **rows, int *count, nn_error *error);
/* Writes a trial with the next number; trial->number and ->id are filled in. */
nn_status study_insert_trial(database *db, const nn_space *space, trial_row *trial,
                             nn_error *error);
trial_state trial_state_of(const char *name);

#endif
