/* One run while it is recorded: what has happened and is not in the file yet. Lives on the
 * recorder's thread; events go in, transactions come out. */
#ifndef GRADUS_STORE_RECORDING_H
#define GRADUS_STORE_RECORDING_H

#include "store/process.h"
#include "store/recorder_internal.h"
#include "store/series.h"
#include "store/store.h"

typedef enum {
    SERIES_LOSS,
    SERIES_ERROR,
    SERIES_GRADIENT_NORM,
    SERIES_LR,
    SERIES_UPDATE_RATIO,
    SERIES_TRAIN_LOSS,
    SERIES_TRAIN_ERROR,
    SERIES_DEV_LOSS,
    SERIES_DEV_ERROR,
    SERIES_SPEED,
    SERIES_KINDS
} series_kind;
extern const char *const series_names[SERIES_KINDS];

enum { RECORDING_POINTS_MAX = 1 << 24 }; /* of a run in memory while the file cannot be written */

/* Where a run stands: columns of its row. */
typedef struct {
    char state[16]; /* as in table run */
    char message[256];
    uint64_t step;
    int epoch, best_epoch;
    double seconds, examples_per_s, lr, train_loss, train_error, dev_loss, dev_error;
    double best_dev_error, test_error;
    int64_t ended_ms; /* 0 while it lasts */
} recording_progress;

typedef struct {
    char path[512], kind[16];
    uint64_t step;
    double dev_error;
    int64_t time_ms;
} recording_checkpoint;

/* The examples of a part as the data set numbers and labels them. */
typedef struct {
    int64_t *ids;
    int32_t *labels;
    int64_t count;
} recording_part;

typedef struct recording recording;
struct recording {
    recording *next;
    run_id id;
    int64_t segment;
    uint64_t steps_per_epoch;
    double seconds_before; /* of earlier segments */

    event_source source;
    bool following;
    void (*post)(void *context, const nn_command *command);
    void *post_context;

    series curves[SERIES_KINDS];
    recording_progress progress;
    bool rewound; /* evaluations after rewind_step are void: the next write removes them */
    uint64_t rewind_step;
    run_event *events;
    int event_count, event_room;
    nn_evaluation **evaluations; /* one reference each */
    int evaluation_count, evaluation_room;
    recording_checkpoint *checkpoints;
    int checkpoint_count, checkpoint_room;
    nn_evaluation *latest[NN_PARTS]; /* whose predictions are to be written; one reference */
    recording_part parts[NN_PARTS];

    bool changed;   /* something waits for the next write */
    bool important; /* a checkpoint or the end waits: write at once, to the disk itself */
    uint64_t kept;  /* digest of the newest checkpoint "last" that waits; 0: none does */
    int steps_waiting;
    uint64_t lost;    /* points that found no memory */
    int64_t ended_at; /* monotonic ms of the END event, 0 before */
    bool ended;       /* END has come */
    /* Guarded by the recorder's lock, since recorder_wait reads them. */
    bool closed;        /* END has come and nothing waits to be written */
    bool taken;         /* another process has resumed or deleted the run: nothing is written */
    int64_t late_since; /* END has come then (monotonic ms), but a write failed; 0: not so */
};

void recording_free(recording *run);
/* Take one event in; releases its evaluation. */
void recording_apply(recording *run, const nn_event *event);
/* The recorder stops before the run has ended. */
void recording_abandon(recording *run);
int64_t recording_unsaved(const recording *run); /* points */

/* Inside a transaction: everything that waits. *owned is false (and nothing is written) when the
 * run's row is gone or belongs to a newer segment. */
nn_status recording_write(recording *run, database *db, bool *owned, nn_error *error);
void recording_committed(recording *run);

/* Inside a transaction: the rows of a new run, or of a new segment of run `resume`. */
nn_status recording_begin(recording *run, database *db, const process_identity *self,
                          const run_description *description, run_id resume, uint64_t resume_step,
                          nn_error *error);

#endif
