/* A recorded network asked again: all probabilities of a part, and the features it sees, which the
 * store does not keep. Blocks for as long as an evaluation takes. */
#ifndef GRADUS_UI_ANSWERS_H
#define GRADUS_UI_ANSWERS_H

#include "store/store.h"

typedef struct {
    int64_t count, width; /* examples, in the part's order; features of one */
    int classes;
    float *probability; /* count x classes */
    float *feature;     /* count x width: what the last layer with weights gets (penultimate) */
} answers;

/* With the weights that the run's answers in the store are of: of dev the last, of test the best.
 * `data` is the run's (run_data_open). Errors name the checkpoint file that is missing. */
nn_status answers_ask(store *s, run_id run, const nn_dataset *data, nn_part part, answers *found,
                      nn_error *error);
void answers_free(answers *found);

/* The `count` examples of the part nearest to example `place` (Euclidean), nearest first, without
 * itself; written to `nearest` as places, with their distances. By features, or by the numbers the
 * network is fed (pixels) where found is NULL. Returns how many; -1: out of memory. */
int answers_nearest(const answers *found, const nn_dataset *data, nn_part part, int64_t place,
                    int count, int64_t *nearest, double *distance);

#endif
