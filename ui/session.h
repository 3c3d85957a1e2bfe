/* One training of this process: dataset, trainer, recorder and run together. Used by `gradus train`
 * and by the workbench alike. */
#ifndef GRADUS_UI_SESSION_H
#define GRADUS_UI_SESSION_H

#include "store/store.h"

typedef struct session session;

typedef struct {
    const char *data, *model, *optimizer, *schedule, *name, *store_path, *command_line, *target;
    const char *rates, *freeze, *sampling, *augment; /* as nn_train_args has them */
    int accumulate, loaders, patience;
    double min_delta, average;
    double flip_labels; /* share of labels made wrong on purpose (nn_data_args.flip) */
    bool no_fixes;      /* take labels as they lie in the source */
    double lr, l2, l1, dropout, momentum, clip_norm, clip_value, dev_share, test_share;
    int batch, epochs, threads, shards;
    int64_t limit;
    uint64_t seed;
    const char *resume; /* run id, name, "last", or a checkpoint file */
    const char *branch; /* RUN@STEP (the nearest checkpoint at or before it) */
    const char *study;  /* the study that it is a trial of, or NULL; kept with the run */
    int trial;          /* its number there */
    bool no_store;
} train_options;

/* fashion-mnist if installed else digits; adam .001, batch 64, 10 epochs, seed 1. model NULL:
 * lenet5 for images of 20x20 and more, else mlp. store_path NULL: the default one. */
train_options train_options_default(void);
/* True for the names that are found without a path: "digits", "fashion-mnist" ... */
bool train_data_named(const char *name);
/* What model NULL stands for with examples of this shape. */
const char *train_default_model(nn_shape sample);

/* The options a recorded run was begun with. The strings lie in `texts`. */
typedef struct {
    char data[1024], model[1024], target[1024], optimizer[96], schedule[160];
    char rates[256], freeze[256], sampling[16], augment[256];
} train_texts;
nn_status train_options_of_run(store *s, run_id run, train_options *options, train_texts *texts,
                               nn_error *error);
/* The same as what the store keeps; room for TRAIN_PARAMS. Returns how many. */
enum { TRAIN_PARAMS = 40 };
int train_options_params(const train_options *options, store_param *params);

/* Gives the option `key` (as the store keeps it: "lr", "batch", "clip_value") a value from text; a
 * text option points to `value` afterwards. NN_E_MISSING when there is no such option. */
nn_status train_option_set(train_options *options, const char *key, const char *value,
                           nn_error *error);
/* Takes what train_options_params gave. Strings lie in `texts`. */
void train_options_take(const store_param *params, int count, train_options *options,
                        train_texts *texts);

/* What several trainings of one process have in common. Borrowed: it outlives the sessions. */
typedef struct {
    recorder *recorder; /* of the options' store; NULL: the session opens its own */
    nn_dataset *data;   /* as the options say; NULL: the session reads its own */
} session_shared;

/* Loads the data, builds, begins the run in the store, starts the trainer (paused if asked).
 * `listener` lag capacity for the caller's own listener. It blocks while data is read: the
 * workbench calls it on a thread of its own.
 *
 * With `resume` the run goes on under its own number and with its own options; only epochs (more
 * than it had; 0: as planned), threads and store_path are looked at. With `branch` a new run with
 * these options starts from the other run's weights. */
session *session_open(const train_options *options, bool start_paused, nn_error *error);
session *session_open_shared(const train_options *options, session_shared shared, bool start_paused,
                             nn_error *error);
/* The data that these options name, as a session would read it: with the labels that were fixed in
 * their store. */
nn_dataset *session_read_data(const train_options *options, nn_error *error);
/* "" or what is worth saying of the labels: how many are fixed, how many are not and why. */
const char *session_label_note(const session *s);
nn_trainer *session_trainer(session *s);
nn_listener *session_listener(session *s); /* the caller's */
const nn_dataset *session_data(const session *s);
const train_options *session_options(const session *s); /* as they are in force */
run_id session_run(const session *s);                   /* 0 without a store */
const char *session_store(const session *s);            /* absolute path; "" without a store */
recorder *session_recorder(session *s);                 /* NULL without a store */
/* Stops (with a checkpoint) if still running, waits until everything is recorded, frees. */
nn_status session_close(session *s, nn_error *error);

#endif
