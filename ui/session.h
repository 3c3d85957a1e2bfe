/* One training of this process: dataset, trainer, recorder and run together. Used by `gradus train`
 * and by the workbench alike. */
#ifndef GRADUS_UI_SESSION_H
#define GRADUS_UI_SESSION_H

#include "store/store.h"

typedef struct session session;

typedef struct {
    const char *data, *model, *optimizer, *schedule, *name, *store_path, *command_line, *target;
    double lr, l2, dropout, momentum, clip_norm, dev_share, test_share;
    int batch, epochs, threads, shards;
    int64_t limit;
    uint64_t seed;
    const char *resume; /* run id, name, "last", or a checkpoint file */
    const char *branch; /* RUN@STEP (the nearest checkpoint at or before it) */
    bool no_store;
} train_options;
train_options
train_options_default(void); /* fashion-mnist if installed else digits, lenet5, adam .001 */

/* Loads the data, builds, begins the run in the store, starts the trainer (paused if asked).
 * `listener` lag capacity for the caller's own listener. It blocks while data is read: the
 * workbench calls it on a thread of its own. */
session *session_open(const train_options *options, bool start_paused, nn_error *error);
nn_trainer *session_trainer(session *s);
nn_listener *session_listener(session *s); /* the caller's */
const nn_dataset *session_data(const session *s);
run_id session_run(const session *s); /* 0 without a store */
recorder *session_recorder(session *s);
/* Stops (with a checkpoint) if still running, waits until everything is recorded, frees. */
nn_status session_close(session *s, nn_error *error);

#endif
