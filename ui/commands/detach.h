/* A training in a process of its own, which outlives the terminal and whoever started it.
 *
 * The program starts itself once more in a new session and waits until the run has begun; what goes
 * wrong before that is still said on the terminal. From then on the training writes to a log beside
 * its checkpoints. */
#ifndef GRADUS_UI_DETACH_H
#define GRADUS_UI_DETACH_H

#include "store/store.h"

/* Starts `gradus` again with the words of `argv` (argv[0]: the command), waits until its run has
 * begun, and says which one. Returns the exit status. */
int detach_start(int argc, char **argv, bool as_json);

/* In the process that was started so: where to tell, else -1. Call once, before any thread. */
int detach_taken(void);
/* The run has begun: further output goes to the log beside the store at `path`, and the one who
 * waits is told. */
nn_status detach_begun(int tell, const char *path, run_id run, const char *name, nn_error *error);

#endif
