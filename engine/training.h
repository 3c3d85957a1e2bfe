/* The inside of nn_trainer, shared by trainer.c (making, threads), training.c (the loop),
 * commands.c, evaluation.c, checkpoint.c and health.c. Private to engine/.
 *
 * Everything here belongs to the training thread while it runs, except: the command ring's putting
 * side (under post_lock), wake, abort, the outboxes' listening sides, and the health mailbox's
 * reading side. */
#ifndef GRADUS_ENGINE_TRAINING_H
#define GRADUS_ENGINE_TRAINING_H

#include "engine/channel.h"
#include "engine/loader.h"
#include "engine/snapshot.h"

#include <semaphore.h>

enum {
    NN_LISTENERS = 4,
    NN_COMMAND_ROOM = 64,
    NN_SCHEDULED_ROOM = 1024, /* commands with at_step */
    NN_RELUS = 64,            /* ReLU layers the health panel looks at */
    NN_SNAPSHOT_STEPS = 100,  /* at most so many between two copies to roll back to */
    NN_EVALUATION_BATCH = 256,
    NN_PATH_ROOM = 240 /* of checkpoint_dir, so that a path fits in an event's text */
};

typedef struct {
    int layers;
    char name[NN_HEALTH_LAYERS][NN_NAME_MAX];
    int *layer_of; /* of each entry of the model; -1 none */
    int relus;
    const nn_node *relu[NN_RELUS];
    int relu_layer[NN_RELUS];
    unsigned char *alive; /* one a unit of the widest ReLU */
    nn_mailbox box;
    double due;   /* seconds; not before */
    double spent; /* of the look under way */
    bool looking;
} nn_health_probe;

struct nn_trainer {
    nn_train_args args; /* strings point to the copies below or are NULL */
    char *model_text, *directory, *rates, *freeze, *augment, *sampling;
    nn_train_facts facts;

    nn_model *model;
    nn_graph *graph;
    nn_network network;
    nn_pool *pool;
    nn_exec *exec;      /* training */
    nn_exec *evaluator; /* the same graph without dropout, running statistics */
    nn_optimizer *optimizer;
    nn_loader *loader;
    nn_node *targets;                  /* mixup: shares of the classes, an input; else NULL */
    nn_node *training_loss;            /* mixup: of those; else network.loss */
    uint64_t batch_index, random_step; /* of the batch under way */
    double live_dropout;               /* NaN: as the model has it */

    nn_progress progress;
    int best_epoch; /* 0: none yet */
    double best_dev_error;
    nn_snapshot best;            /* weights of best_epoch */
    nn_snapshot good, candidate; /* to roll back to; candidate has not stood the test of time */
    nn_real *statistics;         /* the model's buffers before the step under way, see training.c */
    double dev_loss, dev_error, test_error; /* the last; NaN */

    nn_train_state state;
    bool ended;         /* the loop is to end with `state` */
    bool complete;      /* ended as planned: measure the test part */
    bool paused;        /* by command, start_paused or non-finite numbers */
    bool nonfinite;     /* the last try of a step was not finite */
    uint64_t steps_due; /* > 0: pause after so many steps */
    bool pause_at_epoch, stop_after_epoch;
    bool saved;                           /* last.safetensors holds the present state */
    uint64_t last_digest, resumed_digest; /* of the last file written, and resumed from; 0: none */
    double last_written;                  /* nn_clock() of the last file */
    nn_error failure;

    nn_ring commands;
    pthread_mutex_t post_lock; /* among those who post */
    sem_t wake;
    atomic_bool abort; /* nn_trainer_free: as STOP */
    nn_command inbox[NN_COMMAND_ROOM];
    int inbox_count;
    nn_command *scheduled; /* NN_SCHEDULED_ROOM, a circle: only the head may apply */
    size_t scheduled_head, scheduled_count;

    nn_listener listeners[NN_LISTENERS];
    int listener_count;

    double started; /* of the thread, nn_clock() */
    double speed_rows, speed_seconds;
    nn_health_probe health;

    pthread_t thread;
    bool running, joined;
};

/* trainer.c */
double nn_clock(void); /* seconds, monotonic */
nn_event nn_trainer_event(const nn_trainer *trainer, nn_event_kind kind);
/* Sends to every listener, each with its own reference to an evaluation. The caller keeps his. */
void nn_trainer_emit(nn_trainer *trainer, nn_event *event);
void nn_trainer_note(nn_trainer *trainer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void nn_trainer_enter(nn_trainer *trainer, nn_train_state state); /* STATE event if new */
/* Plans the training anew, with the same shards: other parameters are frozen now. */
nn_status nn_trainer_recompile(nn_trainer *trainer, nn_error *error);

/* training.c */
void *nn_training_run(void *trainer); /* the thread's main function */
/* Copies the model's buffers to `values`, or back; NULL only counts them. */
size_t nn_training_statistics(nn_model *model, nn_real *values, bool back);

/* commands.c */
void nn_commands_apply(nn_trainer *trainer); /* at a step boundary: all that are due */
bool nn_commands_stop_waits(nn_trainer *trainer);
void nn_commands_refuse_rest(nn_trainer *trainer);

/* evaluation.c: a part as the model sees it now. NULL and NN_E_STATE when a STOP arrived. */
nn_evaluation *nn_evaluate(nn_trainer *trainer, nn_part part, nn_error *error);
/* Wrong answers among `rows` rows of logits (rows, k), or (rows, 1) for two classes. */
int64_t nn_count_wrong(nn_view logits, const int32_t *labels, int64_t rows);

/* checkpoint.c */
/* Writes <directory>/<name>.safetensors; answers with a CHECKPOINT event. A "last" that every
 * listener has kept becomes previous.safetensors before a new one takes its place. */
nn_status nn_checkpoint_write(nn_trainer *trainer, const char *name, nn_error *error);
/* Is the last file still being written down by a listener, and young? Then a new one at once would
 * leave nothing that is not ahead of what is written down: epochs of milliseconds skip theirs. */
bool nn_checkpoint_is_fresh(const nn_trainer *trainer);

typedef struct nn_tensors nn_tensors;
/* The settings inside a checkpoint. */
typedef struct {
    nn_progress progress;
    nn_optimizer_args optimizer;
    nn_schedule schedule;
    uint64_t seed, optimizer_steps, steps_per_epoch, best_step;
    int batch, shards, epochs, best_epoch;
    int accumulate, patience;
    double dropout, live_dropout, best_dev_error, min_delta;
    bool best_is_this; /* the weights are the best ones */
    /* Owned by the nn_tensors read from; frozen has a '1' for each frozen entry of the model. */
    const char *model, *fingerprint, *rates, *sampling, *augment, *frozen;
} nn_saved;
nn_status nn_checkpoint_read(const nn_tensors *tensors, const char *path, nn_saved *saved,
                             nn_error *error);
/* Weights, moments and best weights into a freshly built trainer. */
nn_status nn_checkpoint_load(const nn_tensors *tensors, const nn_saved *saved, nn_trainer *trainer,
                             nn_error *error);

/* health.c */
nn_status nn_health_open(nn_health_probe *probe, const nn_model *model, const nn_graph *graph,
                         nn_error *error);
void nn_health_close(nn_health_probe *probe);
/* After nn_forward: if it is time, looks at the ReLU outputs; after the update: at the norms. */
void nn_health_after_forward(nn_trainer *trainer, int rows);
void nn_health_after_update(nn_trainer *trainer);

#endif
