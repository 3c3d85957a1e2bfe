/* Shared by the tests of the store: a file in a folder of its own, made-up events, waiting. */
#ifndef GRADUS_TESTS_STORE_FIXTURE_H
#define GRADUS_TESTS_STORE_FIXTURE_H

#include "store/recorder_internal.h"
#include "store/store.h"

#include <pthread.h>

typedef struct {
    char folder[64];
    char path[96]; /* folder/gradus.db; does not exist yet */
} store_place;

/* cmocka setup and teardown: *state is a store_place. */
int store_place_make(void **state);
int store_place_remove(void **state);

/* A plausible run: 10 epochs of 100 steps, 3 classes. */
run_description plain_description(const char *name);

/* Events as a trainer would tell them. */
nn_event event_of(nn_event_kind kind, uint64_t step);
nn_event step_event(uint64_t step, double loss);
/* `count` answers, every third one wrong; one reference. */
nn_evaluation *plain_evaluation(nn_part part, uint64_t step, int classes, int64_t count);

/* Each fails the test, with the message, where the store refuses. */
recorder *open_recorder(const store_place *place);
store *open_store(const store_place *place);
run_id begin_run(recorder *r, const char *name); /* a plain_description */
void tell(recorder *r, run_id run, nn_event event);
void tell_end(recorder *r, run_id run, nn_train_state state, uint64_t step);
void close_recorder(recorder *r);
void run_sql(const char *path, const char *sql); /* behind the store's back */

/* For wait_until, of a recorder: something was recorded, and all of it is in the file. */
bool nothing_pending(void *recorder);

/* A source of events: what is pushed from one thread is read by the recorder's. */
typedef struct {
    pthread_mutex_t lock;
    nn_event *events;
    int64_t first, count, room;
    uint64_t dropped, kept; /* kept: as the recorder told */
    int fd;
    event_source source;
} event_queue;
void event_queue_open(event_queue *queue);
void event_queue_push(event_queue *queue, const nn_event *event);
int64_t event_queue_length(event_queue *queue);
void event_queue_close(event_queue *queue);

/* Look until `holds(context)`, at most `seconds`; whether it came to hold. */
bool wait_until(bool (*holds)(void *context), void *context, double seconds);
double seconds_now(void);

/* The whole file; freed by the caller. */
char *read_whole_file(const char *path, size_t *size);
void write_whole_file(const char *path, const void *bytes, size_t size);

/* All points of a metric must be those expected. */
void expect_points(const char *path, run_id run, const char *metric, const uint64_t *steps,
                   const double *values, int64_t count);
metric_summary summary_of(const char *path, run_id run, const char *metric);
run_row row_of(const char *path, run_id run);

#endif
