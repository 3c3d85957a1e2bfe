/* The recorder's inside: one thread that owns the writing connection. Other threads hand it
 * requests and wait; sources are read by the thread itself. */
#ifndef GRADUS_STORE_RECORDER_THREAD_H
#define GRADUS_STORE_RECORDER_THREAD_H

#include "store/recording.h"

#include <pthread.h>

enum {
    RECORDER_FLUSH_MS = 250,    /* points reach the file this often */
    RECORDER_FLUSH_STEPS = 100, /* or after so many steps, */
    RECORDER_PAUSE_MS = 100,    /* but small steps must not make a commit of every few */
    RECORDER_BEAT_MS = 1000,    /* and a heartbeat, also when nothing happens */
    RECORDER_COMMAND_MS = 500,  /* commands of other processes are looked for */
    RECORDER_RETRY_MS = 500,    /* after a failed write */
    RECORDER_PATIENCE_MS = 10000,
    RECORDER_MISSING_MS = 2000 /* a file that was moved away may come back */
};

/* Work that another thread wants done on the recorder's thread. */
typedef struct request request;
struct request {
    request *next;
    nn_status (*work)(recorder *r, void *argument, nn_error *error);
    void *argument;
    nn_error error;
    nn_status status;
    bool done;
};

struct recorder {
    pthread_t thread;
    int wake; /* eventfd: a request waits */
    database db;
    process_identity self;

    /* Of the thread alone. */
    recording *runs;    /* newest first; other threads walk it under the lock */
    int64_t written_at; /* monotonic ms of the last successful write */
    int64_t tried_at;   /* and of the last try */
    int64_t commands_at;
    int64_t locked_since;  /* waiting for another process's lock, 0: not */
    int64_t missing_since; /* nothing lies at the store's path, 0: not so */
    int64_t deadline;      /* closing: give up waiting for a lock then; 0: not closing */
    int pause_ms;          /* between two looks at the sources */
    int patience_ms;       /* how long closing and recorder_wait wait for a file that fails */
    bool beginning;        /* inside BEGIN: sources may be drained while it waits */

    pthread_mutex_t lock; /* guards what follows, `runs` links, and closed/taken of each run */
    pthread_cond_t changed;
    request *first, *last;
    bool stopping, stopped;
    recorder_health health;
};

/* The thread: runs until r->stopping. */
void *recorder_main(void *recorder);
recording *recorder_find(recorder *r, run_id run);
/* One transaction with everything that waits. */
nn_status recorder_flush(recorder *r, nn_error *error);
/* Have `work` done on the thread and wait for its answer. */
nn_status recorder_ask(recorder *r, nn_status (*work)(recorder *, void *, nn_error *),
                       void *argument, nn_error *error);
/* Hand waiting commands of other processes to their runs. */
void recorder_take_commands(recorder *r);

#endif
