/* Runs a study's trials in this process, several side by side, each an ordinary run of the store
 * with a trainer of its own. Used by `gradus sweep`. */
#ifndef GRADUS_UI_SWEEP_H
#define GRADUS_UI_SWEEP_H

#include "store/study.h"
#include "ui/session.h"

typedef enum {
    SWEEP_TRIAL,  /* a trial starts, or goes on (epoch > 0) */
    SWEEP_EPOCH,  /* value after an epoch */
    SWEEP_RUNG,   /* the same, where the pruner let it go on */
    SWEEP_PRUNED, /* the same, where it did not */
    SWEEP_END,    /* the trial has left this process: trial.state says how */
    SWEEP_BEST,   /* a finished trial is better than all before */
    SWEEP_NOTE    /* text for people */
} sweep_event_kind;

typedef struct {
    sweep_event_kind kind;
    const trial_row *trial; /* NULL in notes */
    int epoch, epochs;
    double value;     /* of the epoch; END, BEST: of the trial */
    const char *text; /* PRUNED, END: why; NOTE */
} sweep_event;

typedef struct {
    const char *store_path; /* absolute or as given; NULL: the default */
    study_id study;
    int jobs;    /* trials side by side */
    int threads; /* of each trial; 0: the cores shared out */
    int signals; /* a descriptor of signals_open, or -1 */
    void (*tell)(void *context, const sweep_event *event);
    void *context;
} sweep_args;

typedef enum {
    SWEEP_FINISHED,    /* every trial of the budget has ended */
    SWEEP_LATE,        /* the hours are over; open trials wait with checkpoints */
    SWEEP_INTERRUPTED, /* by a signal; open trials wait with checkpoints */
    SWEEP_BROKEN       /* error says why */
} sweep_result;

/* Returns when there is nothing left to do here. Blocks; one call a process at a time. */
sweep_result sweep_run(const sweep_args *args, nn_error *error);

/* Objectives there are: "dev_error" ...; highest: whether large values are better. */
bool sweep_objective(const char *name, bool *highest);
double sweep_objective_of(const char *name, const nn_event *epoch);
const char *sweep_objectives(void); /* "dev_error, dev_loss, ..." */

#endif
