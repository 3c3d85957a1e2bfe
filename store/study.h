/* Studies in the store: a search space, its trials, and who works on them.
 *
 * Several processes may work on one study: a trial is claimed in one BEGIN IMMEDIATE transaction,
 * in which a new point is drawn from the history if nothing else waits. A trial whose process is
 * gone (as for runs: pid, boot id, heartbeat) is claimed again by the next who asks, and goes on
 * from its run's checkpoint. What people want of a trial that is under way stands in its row as a
 * wish, which its process takes within a second. Nothing is ever removed: failed, NaN, pruned and
 * killed trials stay visible. */
#ifndef GRADUS_STORE_STUDY_H
#define GRADUS_STORE_STUDY_H

#include "engine/search/pruner.h"
#include "engine/search/sampler.h"
#include "store/store.h"

typedef int64_t study_id;
typedef int64_t trial_id;

enum { STUDY_SPACE = 2048 };

typedef enum {
    TRIAL_QUEUED, /* with a run: stopped on the way, it goes on from its checkpoint */
    TRIAL_RUNNING,
    TRIAL_PAUSED, /* by people; stays so until they let it go on */
    TRIAL_FINISHED,
    TRIAL_PRUNED,
    TRIAL_FAILED, /* diverged, or could not be trained at all */
    TRIAL_KILLED, /* by people */
    TRIAL_CRASHED /* derived: it was running, but its process is gone; the next worker takes it */
} trial_state;
enum { TRIAL_STATES = TRIAL_CRASHED + 1 };
const char *trial_state_name(trial_state state);

/* --- beginning a study -------------------------------------------------------------------------
 */

typedef struct {
    const char *name, *space, *objective, *command_line;
    bool highest; /* the objective is to be large */
    nn_sampler_kind sampler;
    nn_pruner pruner;
    uint64_t seed;
    int trials;                 /* that the sampler may propose; 0: no limit */
    double hours;               /* of work on the study; 0: no limit */
    const store_param *options; /* of its trainings, where a trial does not say otherwise */
    int option_count;
} study_description;

/* Refuses a name that is in use. 0 on failure. */
study_id recorder_begin_study(recorder *r, const study_description *description, nn_error *error);
/* Larger budgets; 0 leaves one as it is. */
nn_status recorder_extend_study(recorder *r, study_id study, int trials, double hours,
                                nn_error *error);

/* --- working on it -----------------------------------------------------------------------------
 */

typedef struct {
    trial_id id;
    study_id study;
    int number; /* from 1 on, within the study */
    trial_state state;
    run_id run;      /* 0: none yet */
    char origin[12]; /* "sampler", "hand", "clone", "promote" */
    int source;      /* number of the trial that was cloned or promoted; 0: none */
    nn_point point;
    int epoch, epochs; /* done; planned (0: the study's) */
    double value;      /* the best of its epochs; NaN: none yet */
    char reason[160];  /* why it was pruned or failed */
    char wish[8];      /* "pause", "kill" or "" */
    int64_t created_ms, started_ms, ended_ms;
    int pid;
    /* Of its run; NaN unknown. */
    double seconds, parameters, multiply_adds, latency_ms, memory_bytes, examples_per_s;
    double dev_error, dev_loss, train_error, train_loss, test_error; /* dev_error: the best */
} trial_row;

typedef enum {
    CLAIM_TRIAL,
    CLAIM_WAIT, /* nothing to start, but other trials are under way that may be left behind */
    CLAIM_DONE, /* every trial has ended (or is paused) and the budget is used */
    CLAIM_LATE  /* the hours are over */
} claim_result;

/* Takes a trial: one left behind by a dead process, else the first in the queue, else a new one
 * from the sampler. */
nn_status recorder_claim_trial(recorder *r, study_id study, trial_row *trial, claim_result *result,
                               nn_error *error);
/* The run in which the trial is trained. */
nn_status recorder_set_trial_run(recorder *r, trial_id trial, run_id run, nn_error *error);

typedef struct {
    bool lost;   /* another process has taken the trial: stop, and say nothing more */
    bool pruned; /* it is marked so already: stop */
    bool rung;   /* a decision of the pruner was due */
    char reason[160];
} trial_answer;
/* The objective after an epoch of so many (from 1 on; again after a resume: replaced). */
nn_status recorder_report_trial(recorder *r, trial_id trial, int epoch, int epochs, double value,
                                trial_answer *answer, nn_error *error);

/* The end of a trial's work here: TRIAL_FINISHED, _FAILED (value becomes unknown), _KILLED,
 * _PAUSED, or _QUEUED for a trial that somebody shall go on with. A trial that was pruned stays
 * pruned. */
nn_status recorder_settle_trial(recorder *r, trial_id trial, trial_state state, const char *reason,
                                nn_error *error);

enum { STUDY_WISHES = 32 };
typedef struct {
    int count;
    trial_id trial[STUDY_WISHES];
    char wish[STUDY_WISHES][8];
    bool late; /* the hours are over */
} study_wishes;
/* Once a second while working: heartbeat of this process's trials, the study's clock, and what
 * people wish of the trials. */
nn_status recorder_beat_study(recorder *r, study_id study, study_wishes *wishes, nn_error *error);

/* --- steering, from any process ----------------------------------------------------------------
 */

/* A trial by hand: `given` with NaN for what the sampler's random part shall choose. origin "hand",
 * "clone" or "promote" with the source's number; epochs 0: the study's. Writes its number. */
nn_status recorder_add_trial(recorder *r, study_id study, const nn_point *given, const char *origin,
                             int source, int epochs, int *number, nn_error *error);

typedef enum { STEER_PAUSE, STEER_GO, STEER_KILL } steer_kind;
/* Pause or kill at once what waits, by a wish what is under way; go puts a paused or killed trial
 * back into the queue. Refused where it makes no sense. */
nn_status recorder_steer_trial(recorder *r, study_id study, int number, steer_kind kind,
                               nn_error *error);

/* --- reading -----------------------------------------------------------------------------------
 */

typedef struct {
    study_id id;
    char name[96], objective[32], space[STUDY_SPACE], pruner[40], note[256];
    nn_sampler_kind sampler;
    bool highest;
    uint64_t seed;
    int trials;
    double hours, worked_hours;
    int64_t created_ms;
    int count[TRIAL_STATES]; /* of trials */
    int best;                /* number of the best finished trial; 0: none */
    double best_value;
    run_id best_run;
} study_row;

/* Newest first; freed by the caller. */
nn_status store_studies(store *s, study_row **rows, int *count, nn_error *error);
nn_status store_study(store *s, study_id id, study_row *row, nn_error *error);
/* A name, or "last". */
nn_status store_find_study(store *s, const char *text, study_id *id, nn_error *error);
nn_status store_study_options(store *s, study_id id, store_param **options, int *count,
                              nn_error *error);
/* In order of their numbers. `space` is the study's. */
nn_status store_trials(store *s, study_id id, const nn_space *space, trial_row **rows, int *count,
                       nn_error *error);
typedef struct {
    int trial; /* number */
    int epoch;
    double value;
} trial_point;
/* The objective after every epoch of every trial, by trial and epoch. */
nn_status store_trial_points(store *s, study_id id, trial_point **points, int *count,
                             nn_error *error);
/* A number of a trial by name: its study's objective ("value" or the objective's own name),
 * dev_error, dev_loss, train_error, train_loss, test_error, latency_ms, memory_bytes, memory_mb,
 * params, multiply_adds, seconds, examples_per_s, epochs. NaN where it is not known; false for a
 * name that is none. */
bool trial_metric(const trial_row *trial, const char *objective, const char *name, double *value);
const char *trial_metrics(void); /* the names, for people */

/* Trials as the samplers see them: the objective so that smaller is better, promoted ones left out.
 * `history` has room for `count`; returns how many. */
int trials_as_history(const trial_row *rows, int count, bool highest, nn_trial_record *history);

#endif
