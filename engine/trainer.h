/* The training thread. It owns every number; the world outside posts commands, listens to events
 * and takes snapshots, and never blocks it.
 *
 * One step: batch -> forward -> backward -> (finite?) -> update. Commands are applied between two
 * steps and answered by an APPLIED event that carries the step before which they took effect, so a
 * run with interventions can be replayed. Loss and gradient norm are tested every step: at the
 * first NaN or infinity nothing is updated, the trainer pauses and names the first bad tensor.
 *
 * Threads: a listener belongs to one thread, different listeners may belong to different ones;
 * nn_trainer_post may be called from any thread (the screen and the recorder both do). */
#ifndef GRADUS_ENGINE_TRAINER_H
#define GRADUS_ENGINE_TRAINER_H

#include "engine/data/dataset.h"
#include "engine/models/models.h"
#include "engine/optimizer.h"
#include "engine/schedule.h"

typedef struct nn_trainer nn_trainer;
typedef struct nn_listener nn_listener;

typedef struct {
    const nn_dataset *data; /* borrowed */
    const char *model;      /* name or description */
    nn_optimizer_args optimizer;
    nn_schedule schedule; /* steps_per_epoch and total_steps are filled in */
    double dropout;       /* initial rate */
    int batch;            /* 0 means 64 */
    int epochs;           /* 0 means 10 */
    uint64_t seed;
    const char *rates;    /* factors by parameter, "conv*=0.1,fc=1"; NULL: none (patterns.h) */
    const char *freeze;   /* what is not trained, "conv*,bn1"; NULL: nothing */
    int accumulate;       /* batches a step, whose gradients are added up; 0 means 1 */
    const char *sampling; /* "shuffled", "balanced" or "bucketed"; NULL: shuffled (sampling.h) */
    const char *augment;  /* "flip,shift 2"; NULL: nothing (data/augment.h) */
    int loaders;          /* threads that prepare batches ahead; they change no bit */
    int patience;         /* > 0: stop after so many epochs without a dev loss better than the best
                             one by more than min_delta; the best weights are then those of that
                             loss (chapter 15) */
    double min_delta;
    int threads;                /* 0: the machine's */
    int shards;                 /* 0: chosen */
    const char *checkpoint_dir; /* NULL: no files. "last.safetensors" every epoch (see
                                   nn_listener_kept for epochs of milliseconds) and on stop,
                                   the one before as "previous.safetensors", "best.safetensors" at
                                   each better dev error, written by the trainer thread with
                                   write, fsync, rename */
    /* Checkpoint file to continue from bit for bit, or NULL. Rates, schedule, dropout, batch,
     * shards and seed are then the checkpoint's, not these; model and data must be the same; epochs
     * 0 means the checkpoint's number. */
    const char *resume;
    bool branch; /* with resume: take weights and optimizer, but this configuration's rates */
    bool start_paused;
    uint64_t halt_after_steps; /* > 0: stop after so many steps in all (tests, presets) */
} nn_train_args;

typedef enum {
    NN_COMMAND_PAUSE,
    NN_COMMAND_RESUME,
    NN_COMMAND_STEP,  /* one batch, then pause */
    NN_COMMAND_EPOCH, /* to the end of the epoch, then pause */
    NN_COMMAND_STOP_AFTER_EPOCH,
    NN_COMMAND_STOP,     /* now, with a last checkpoint */
    NN_COMMAND_SET,      /* name "lr", "momentum", "clip", "clip-value", "dropout", "l1",
                            "l2", "average" (0 ends it), "patience", "min-delta"; value */
    NN_COMMAND_EVALUATE, /* dev part now */
    NN_COMMAND_SAVE,     /* checkpoint now */
    NN_COMMAND_ROLLBACK, /* to the last good state kept in memory, one to two hundred steps (or
                            epochs, where shorter) back; pauses there; rates stay as set. Step
                            numbers go back too: value of the answer is the step, old_value the one
                            it came from */
    NN_COMMAND_THREADS,  /* value */
    NN_COMMAND_FREEZE,   /* name: a pattern (nn_train_args.freeze); value of the answer: how many
                            parameters were not so before */
    NN_COMMAND_UNFREEZE  /* the same */
} nn_command_kind;

typedef struct {
    nn_command_kind kind;
    double value;
    char name[32];
    /* 0: as soon as possible; else exactly before this step (1-based): replay. Commands with a step
     * apply in the order they were posted, so a log with rollbacks replays too. */
    uint64_t at_step;
} nn_command;
const char *nn_command_name(nn_command_kind kind);

typedef enum {
    NN_RUNNING,
    NN_PAUSED,
    NN_EVALUATING,
    NN_FINISHED, /* all epochs done (or halt_after_steps reached) */
    NN_STOPPED,  /* by command */
    NN_DIVERGED, /* non-finite and nobody to ask, or stopped after it */
    NN_FAILED    /* an error; event.text says which */
} nn_train_state;
const char *nn_train_state_name(nn_train_state state);

/* Dev (or test, train) part as the model sees it at one moment. Immutable, reference-counted. */
typedef struct nn_evaluation nn_evaluation;
struct nn_evaluation {
    nn_part part;
    uint64_t step;
    int epoch, classes;
    int64_t count;
    double loss, error; /* mean loss; share of wrong answers, 0..1 */
    int32_t *confusion; /* classes x classes, row = truth, column = prediction */
    /* One an example of the part, in the part's order. */
    int32_t *predicted;
    float *probability;       /* of the predicted class */
    float *truth_probability; /* of the true class */
    void *reference_count;
};
void nn_evaluation_keep(nn_evaluation *evaluation);
void nn_evaluation_release(nn_evaluation *evaluation); /* NULL is fine */

typedef enum {
    NN_EVENT_START,      /* first event; step, epoch: where it starts (resume) */
    NN_EVENT_STEP,       /* one a step; may be dropped for a slow listener (counted) */
    NN_EVENT_EPOCH,      /* train_loss, train_error (running means of the epoch), dev_* */
    NN_EVENT_EVALUATION, /* evaluation: one reference, release it */
    NN_EVENT_APPLIED,    /* command, old_value, value. command.at_step is the step before which it
                            took effect: posted again as it is, it replays. step = at_step - 1 */
    NN_EVENT_REFUSED,    /* command and text: why */
    NN_EVENT_STATE,      /* state */
    NN_EVENT_NONFINITE,  /* text names the tensor; training is paused */
    NN_EVENT_CHECKPOINT, /* text: path; value: dev error; name "best" or "last"; old_value: a
                            digest of the file's content */
    NN_EVENT_NOTE,       /* text for people (BLAS is not thread-safe, disk full on save ...) */
    NN_EVENT_END         /* last event: state, best_*, test_error; text: why, when NN_FAILED */
} nn_event_kind;

typedef struct {
    nn_event_kind kind;
    nn_train_state state;
    nn_command command;
    uint64_t step;                  /* steps done, 1 after the first */
    int epoch;                      /* epochs done, in EPOCH; else the 1-based epoch under way */
    double seconds;                 /* since the thread started, monotonic */
    double loss, error;             /* of the step's batch */
    double train_loss, train_error; /* EPOCH */
    double dev_loss, dev_error;     /* EPOCH, END; NaN without a dev part */
    /* END; NaN when not measured. The test part is measured once, at a planned end (finished, or
     * stopped after an epoch), with the weights of the best dev error; last.safetensors keeps the
     * last ones, so that a resume is exact. */
    double test_error;
    double lr, gradient_norm, update_ratio, examples_per_s;
    double value, old_value;
    int best_epoch;
    double best_dev_error;
    nn_evaluation *evaluation;
    char name[16];
    char text[256];
} nn_event;

/* Builds model, plan, optimizer; refuses with a message. The thread does not run yet. `args` and
 * its strings are copied. */
nn_trainer *nn_trainer_new(const nn_train_args *args, nn_error *error);
/* Before nn_trainer_start. capacity: steps it may lag behind. The listener lives until
 * nn_trainer_free. At most 4. */
nn_listener *nn_trainer_listen(nn_trainer *trainer, int capacity, nn_error *error);
/* Before nn_trainer_start, in place of args.checkpoint_dir: a run's directory is known only once
 * the store has given it a number, which needs the trainer's facts. */
nn_status nn_trainer_checkpoints(nn_trainer *trainer, const char *directory, nn_error *error);
nn_status nn_trainer_start(nn_trainer *trainer, nn_error *error);
/* False when the command ring (64) is full. From any thread. */
bool nn_trainer_post(nn_trainer *trainer, const nn_command *command);
/* Waits for the thread to end; call STOP first to end it early. Idempotent. */
void nn_trainer_join(nn_trainer *trainer);
void nn_trainer_free(nn_trainer *trainer); /* stops and joins first if need be */

bool nn_listener_next(nn_listener *listener, nn_event *event); /* false: nothing waiting */
int nn_listener_fd(const nn_listener *listener); /* readable while events wait, for poll(2) */
void nn_listener_clear(nn_listener *listener);   /* empty the fd; call before draining */
uint64_t nn_listener_dropped(const nn_listener *listener);
/* From whoever writes down what it hears: everything up to the checkpoint "last" with this digest
 * (NN_KEPT_NOTHING: the start) is safe on the disk. From the first call on the trainer gives up no
 * checkpoint before a later one is kept: there is always a file that is not ahead of what is
 * written down. An epoch that ends before that, and within 10 s, writes no checkpoint. Any thread.
 */
enum { NN_KEPT_NOTHING = 1 };
void nn_listener_kept(nn_listener *listener, uint64_t digest);

/* The step of a checkpoint file, and the digest of its CHECKPOINT event. Any thread. */
nn_status nn_checkpoint_look(const char *path, uint64_t *step, uint64_t *digest, nn_error *error);

/* Facts, fixed at nn_trainer_new; callable from any thread. */
typedef struct {
    int64_t parameters, multiply_adds;
    int shards, threads, batch, epochs;
    uint64_t steps_per_epoch, total_steps, start_step;
    size_t bytes;
    nn_schedule schedule;
    nn_optimizer_args optimizer;
    double dropout;
    bool has_dropout;
    int accumulate; /* batches a step */
    int64_t frozen; /* of `parameters`, how many are not trained at the start */
} nn_train_facts;
nn_train_facts nn_trainer_facts(const nn_trainer *trainer);

/* After join: what one answer costs: a forward pass of one example on one thread, and the memory
 * that weights and activations take for it. Takes up to a quarter of a second. */
typedef struct {
    double latency_ms; /* median of up to 101 passes; NaN unknown */
    size_t bytes;
} nn_cost;
nn_status nn_trainer_cost(nn_trainer *trainer, nn_cost *cost, nn_error *error);

/* Per-layer numbers for the health panel, newest whole set; wait-free on both sides (triple
 * buffer), at most 10 a second. From one thread. False when none is there yet. */
enum { NN_HEALTH_LAYERS = 64 };
typedef struct {
    uint64_t step;
    int layers;
    struct {
        char name[NN_NAME_MAX];
        float gradient_norm, weight_norm;
        float dead; /* share of ReLU outputs that were 0 for the whole batch; NaN for others */
    } layer[NN_HEALTH_LAYERS];
} nn_health;
bool nn_trainer_health(nn_trainer *trainer, nn_health *health);

/* After join: the weights of the best dev error where the test part was due (see test_error), else
 * the last. Borrowed. */
nn_model *nn_trainer_model(nn_trainer *trainer);

#endif
