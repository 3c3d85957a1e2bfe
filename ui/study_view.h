/* What a study has found, read from the store: for `gradus sweep show` and the Trials screen. */
#ifndef GRADUS_UI_STUDY_VIEW_H
#define GRADUS_UI_STUDY_VIEW_H

#include "engine/search/importance.h"
#include "store/study.h"

typedef struct {
    study_row row;
    nn_space *space;
    trial_row *trials; /* by number */
    int count;
    const char *against; /* the second metric of the front */
    bool *front;         /* of each trial: no other is better in both */
    double *best;        /* of each trial: the best finished value up to it; NaN before */
    int ended;           /* finished, pruned or failed: what importance and region know */
    nn_importance importance[NN_SPACE_PARAMS];
    double explained; /* NaN: too few trials yet */
    nn_region region; /* where the best fifth lie */
} study_view;

/* Reads everything anew into *view, which was loaded before or is all zeros. NN_E_ARG for an
 * unknown metric. When it fails the view is empty. */
nn_status study_view_load(study_view *view, store *s, study_id id, const char *against,
                          nn_error *error);
void study_view_free(study_view *view); /* and leaves zeros */

/* The region in a parameter's own words: "0.001..0.02", "adam, sgd". Returns `text`. */
const char *study_view_region(const study_view *view, int p, char *text, size_t size);

#endif
