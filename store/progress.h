/* What a learner has read, stepped through, tried and answered. Writing goes through a recorder, at
 * once: when a call has returned, the death of the process loses nothing. Reading goes through a
 * store. */
#ifndef GRADUS_STORE_PROGRESS_H
#define GRADUS_STORE_PROGRESS_H

#include "store/store.h"

/* Where the learner is in a chapter. */
typedef struct {
    int chapter;
    char mode[8];      /* "read", "step", "lab", "check" */
    int section, step; /* of the page and of the trace, from 0 */
    int item;          /* which lab or check, from 0 */
    bool done;         /* once finished, or tested out of; stays so */
    int64_t saved_ms;  /* filled in by the store */
} progress_place;
nn_status recorder_save_place(recorder *r, const progress_place *place, nn_error *error);
/* All chapters ever opened, the one saved last first. Freed by the caller. */
nn_status store_places(store *s, progress_place **list, int *count, nn_error *error);

/* One thing of a chapter and what came of it the last time. */
enum { PROGRESS_ID = 48, PROGRESS_ANSWER = 128 };
typedef struct {
    int chapter;
    char kind[8];                 /* "step", "guess", "lab", "claim", "check" */
    char id[PROGRESS_ID];         /* of it, as the lesson has it */
    char outcome[16];             /* "seen", "guessed", "right", "nearly", "foreseen", "wrong",
                                     "skipped", "holds", "fails" */
    char answer[PROGRESS_ANSWER]; /* what was typed; "" */
    int hints;                    /* most that were ever shown */
    int times;                    /* filled in: how often it was saved */
    bool passed;      /* filled in: it was right or nearly right, or held, at any time */
    run_id run;       /* of a lab: the run, 0 none */
    int64_t saved_ms; /* filled in */
} progress_item;
/* An answer that could not be read is no attempt: do not save it. */
nn_status recorder_save_item(recorder *r, const progress_item *item, nn_error *error);
/* Of one chapter, or of all (0), by chapter, kind and id. Freed by the caller. */
nn_status store_items(store *s, int chapter, progress_item **list, int *count, nn_error *error);

/* Forgets a chapter's place and items (0: every chapter's); its runs stay. */
nn_status recorder_forget_progress(recorder *r, int chapter, nn_error *error);

#endif
