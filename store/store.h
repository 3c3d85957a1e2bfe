/* The store: one SQLite file with every run, found at --store, GRADUS_STORE, or
 * $XDG_DATA_HOME/gradus/gradus.db (~/.local/share without it).
 *
 * Writing: one recorder thread a process owns the only writing connection, fed by a ring; WAL,
 * synchronous NORMAL, busy_timeout 5000, every write BEGIN IMMEDIATE. Reading: separate read-only
 * connections, short statements. A run's state is derived on reading from pid, boot id and
 * heartbeat, so a killed run shows as crashed within 10 s. */
#ifndef GRADUS_STORE_H
#define GRADUS_STORE_H

#include "engine/trainer.h"

typedef struct store store;       /* a read-only connection; belongs to one thread */
typedef struct recorder recorder; /* the writing thread */

/* Writes the default path into `path`; creates nothing. */
nn_status store_default_path(char *path, size_t size, nn_error *error);

/* Opens for reading; creates and migrates the file first if need be. A newer schema opens with
 * store_newer() true and is never written. A damaged file is named as such and left alone. */
store *store_open(const char *path, nn_error *error);
void store_close(store *s);
bool store_newer(const store *s);
const char *store_warning(const store *s); /* "" or, say, "on a network file system: ..." */
const char *store_path(const store *s);

typedef int64_t run_id;

enum { STORE_SILENT_MS = 10000 }; /* a run without a heartbeat for so long has crashed */
enum { STORE_NOTE = 1024 };       /* bytes of a note, with its NUL */

/* What is known when a run begins. Strings are copied. */
typedef struct {
    const char *name; /* NULL: made from model and data, "lenet5-fashion-mnist-7" */
    const char *data, *fingerprint, *model, *command_line, *checkpoint_dir_hint;
    int classes;
    const char *const *class_names;
    run_id parent; /* branched or resumed from; 0 none */
    uint64_t parent_step;
    nn_train_facts facts;
    uint64_t seed;
    const struct store_param *params; /* what was chosen: typed, for filters */
    int param_count;
    /* Numbers and labels the predictions. Read only while recorder_begin runs. NULL: predictions
     * carry the place in their part and truth -1. */
    const nn_dataset *dataset;
} run_description;
typedef struct store_param {
    char key[32];
    bool is_number;
    double number;
    char text[1024]; /* long enough for a path and for a deep network's description */
} store_param;

/* Opens the writing connection and starts the thread. Safe beside other processes and readers. Its
 * functions may be called from any thread; a call that must reach the file waits for it at most 5
 * s.
 */
recorder *recorder_open(const char *path, nn_error *error);
/* Flushes everything (waits up to 10 s for a locked file or a full disk), then stops. Says on
 * `error` how many points could not be written. */
nn_status recorder_close(recorder *r, nn_error *error);

/* Creates the run's row at once (the id is needed); later calls only queue. `resume`: continue this
 * run: a new segment whose points replace what was recorded after `resume_step`; refused while
 * another process still trains it. 0 on failure. */
run_id recorder_begin(recorder *r, const run_description *description, run_id resume,
                      uint64_t resume_step, nn_error *error);
/* Directory for the run's checkpoints, beside the store: made, absolute. */
nn_status store_checkpoint_dir(const char *store_path, run_id run, char *path, size_t size,
                               nn_error *error);
/* The recorder's thread itself drains `listener` (a trainer's) into run `run` until its END event:
 * steps to chunks and summaries, epochs, evaluations to confusion matrices, the predictions of the
 * last dev and test evaluation, commands to events, checkpoints. Several runs at a time are fine.
 * It looks at least every 20 ms: a listener that may lag 8192 steps behind loses none. */
nn_status recorder_follow(recorder *r, run_id run, nn_listener *listener, nn_error *error);
/* Blocks until run's END has come and is committed; an error when it could not be written within
 * 10 s of coming. Only then may the trainer be freed. */
nn_status recorder_wait(recorder *r, run_id run, nn_error *error);

/* Columns latency_ms and memory_bytes of the run's row. */
nn_status recorder_cost(recorder *r, run_id run, const nn_cost *cost, nn_error *error);
/* The recorder forgets the run: nothing of its listener is looked at afterwards. One that has not
 * ended counts as stopped. For processes that record many runs, one after another. */
void recorder_release(recorder *r, run_id run);

typedef struct {
    bool failing;              /* the file could not be written at the last try: kept in memory */
    char text[200];            /* why: "disk full", "locked by another process for 7 s" */
    uint64_t pending, written; /* points that wait in memory, and that are committed */
    uint64_t lost;             /* points that no memory was left for */
    uint64_t failures;         /* writes that failed, and were or will be tried again */
} recorder_health;
recorder_health recorder_state(const recorder *r); /* from any thread */

/* Reading. */
typedef enum {
    RUN_RUNNING,
    RUN_PAUSED,
    RUN_FINISHED,
    RUN_STOPPED,
    RUN_DIVERGED,
    RUN_FAILED,
    RUN_CRASHED /* its process is gone, or silent for 10 s */
} run_state;
const char *run_state_name(run_state state);

typedef struct {
    run_id id, parent;
    char name[96], data[96], fingerprint[24], model[256], note[STORE_NOTE], message[256];
    run_state state;
    int64_t started_ms, ended_ms, heartbeat_ms; /* Unix time */
    int pid;
    uint64_t seed, step, total_steps, steps_per_epoch;
    int epoch, epochs, batch, shards, threads, classes, best_epoch;
    int64_t parameters, multiply_adds;
    double train_loss, train_error, dev_loss, dev_error, best_dev_error,
        test_error; /* NaN unknown */
    double seconds, examples_per_s, lr;
    char schedule[160], optimizer[16];
    char last_checkpoint[512], best_checkpoint[512];
    int64_t archived_ms, deleted_ms; /* 0: not */
    bool pinned;
    double latency_ms, memory_bytes; /* of one example; NaN: not measured */
} run_row;

/* Newest first, with those that are archived or deleted. Caller frees *rows. Writes the count. */
nn_status store_runs(store *s, run_row **rows, int *count, nn_error *error);
nn_status store_run(store *s, run_id id, run_row *row, nn_error *error);
/* "7", a unique name or the beginning of one, or "last"; a deleted run only by its number or whole
 * name. */
nn_status store_find_run(store *s, const char *text, run_id *id, nn_error *error);
nn_status store_params(store *s, run_id id, store_param **params, int *count, nn_error *error);

/* One metric of a run: summary and points. Names: "loss" "error" "gradient_norm" "lr"
 * "update_ratio" (per step), "train_loss" "train_error" "dev_loss" "dev_error" "examples_per_s"
 * (per epoch, at the step of its end). */
typedef struct {
    char name[32];
    int64_t count, nan_count; /* nan_count: NaN or infinite */
    double last, min, max;    /* min and max of the finite points; NaN without one */
    uint64_t last_step, min_step, max_step, first_nan_step;
} metric_summary;
nn_status store_metrics(store *s, run_id id, metric_summary **list, int *count, nn_error *error);
/* Points with step > after, in step order; steps and values are freed by the caller. */
nn_status store_points(store *s, run_id id, const char *metric, uint64_t after, uint64_t **steps,
                       double **values, int64_t *count, nn_error *error);

typedef struct {
    uint64_t step;
    int64_t time_ms;
    /* "applied" (step: those done before it took effect), "refused", "nonfinite" (step: the last
     * good one), "checkpoint", "state", "note", "resumed" */
    char kind[24];
    char key[24]; /* "lr", "pause" ... */
    double old_value, value;
    char text[256];
} run_event;
nn_status store_events(store *s, run_id id, run_event **events, int *count, nn_error *error);

typedef struct {
    nn_part part;
    uint64_t step;
    int epoch, classes;
    int64_t count;
    double loss, error;
    int32_t *confusion; /* classes x classes; freed with the array */
} store_evaluation;
/* All evaluations of a part in step order (part NN_PARTS: every part). */
nn_status store_evaluations(store *s, run_id id, nn_part part, store_evaluation **list, int *count,
                            nn_error *error);
void store_free_evaluations(store_evaluation *list, int count);
/* What the checkpoint files of a run hold, oldest step first. */
typedef struct {
    uint64_t step;
    double dev_error; /* NaN unknown */
    int64_t time_ms;
    char kind[16]; /* "last", "best" */
    char path[512];
} store_checkpoint;
nn_status store_checkpoints(store *s, run_id id, store_checkpoint **list, int *count,
                            nn_error *error);
nn_status store_class_names(store *s, run_id id, char (**names)[64], int *count, nn_error *error);

/* Predictions of the last evaluation of a part: one an example. Freed by the caller. */
typedef struct {
    int64_t example; /* nn_dataset_id */
    int truth, predicted;
    float probability, truth_probability;
} store_prediction;
nn_status store_predictions(store *s, run_id id, nn_part part, store_prediction **list,
                            int64_t *count, nn_error *error);

/* Changes whenever another connection wrote: cheap, for polling once a second. */
int64_t store_version(store *s);

/* Leaves a command in the store for a run of another process, whose recorder hands it to the
 * trainer. Refused when nobody trains that run any more. */
nn_status recorder_leave_command(recorder *r, run_id run, const nn_command *command,
                                 nn_error *error);
/* Where the recorder delivers such commands: `post` is called on the recorder's thread. */
void recorder_on_command(recorder *r, run_id run, void (*post)(void *context, const nn_command *),
                         void *context);

/* PRAGMA integrity_check and foreign keys, for doctor. NN_OK when sound. */
nn_status store_check(const char *path, nn_error *error);

#endif
