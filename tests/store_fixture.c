#include "tests/store_fixture.h"

#include "store/database.h"

#include <ftw.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* --- the place ------------------------------------------------------------------------------- */

int store_place_make(void **state)
{
    store_place *place = calloc(1, sizeof *place);
    if (!place)
        return -1;
    snprintf(place->folder, sizeof place->folder, "/tmp/gradus-store-XXXXXX");
    if (!mkdtemp(place->folder)) {
        free(place);
        return -1;
    }
    snprintf(place->path, sizeof place->path, "%s/gradus.db", place->folder);
    *state = place;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

int store_place_remove(void **state)
{
    store_place *place = *state;
    nftw(place->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

/* --- descriptions and events ----------------------------------------------------------------- */

run_description plain_description(const char *name)
{
    static const char *const classes[] = {"circle", "square", "triangle"};
    run_description description;
    memset(&description, 0, sizeof description);
    description.name = name;
    description.data = "shapes";
    description.fingerprint = "0123456789abcdef";
    description.model = "lenet5";
    description.command_line = "gradus train --data shapes";
    description.classes = 3;
    description.class_names = classes;
    description.seed = 1;
    description.facts.parameters = 61706;
    description.facts.multiply_adds = 416520;
    description.facts.shards = 4;
    description.facts.threads = 2;
    description.facts.batch = 64;
    description.facts.epochs = 10;
    description.facts.steps_per_epoch = 100;
    description.facts.total_steps = 1000;
    description.facts.optimizer.kind = NN_ADAM;
    description.facts.optimizer.lr = .001;
    return description;
}

nn_event event_of(nn_event_kind kind, uint64_t step)
{
    nn_event event;
    memset(&event, 0, sizeof event);
    event.kind = kind;
    event.step = step;
    event.epoch = 1;
    event.loss = event.error = event.train_loss = event.train_error = event.dev_loss =
        event.dev_error = event.test_error = event.lr = event.gradient_norm = event.update_ratio =
            event.examples_per_s = event.value = event.old_value = event.best_dev_error =
                (double)NAN;
    return event;
}

nn_event step_event(uint64_t step, double loss)
{
    nn_event event = event_of(NN_EVENT_STEP, step);
    event.loss = loss;
    event.error = .25;
    event.gradient_norm = 2;
    event.lr = .001;
    event.seconds = (double)step * .001;
    return event;
}

nn_evaluation *plain_evaluation(nn_part part, uint64_t step, int classes, int64_t count)
{
    /* nn_evaluation_release counts in an atomic_int and frees the struct with one free(). */
    size_t cells = (size_t)classes * (size_t)classes;
    typedef struct {
        nn_evaluation evaluation;
        atomic_int references;
        int32_t numbers[];
    } whole;
    whole *memory = calloc(1, sizeof *memory + (cells + 3 * (size_t)count) * sizeof(int32_t));
    assert_non_null(memory);
    atomic_init(&memory->references, 1);
    nn_evaluation *e = &memory->evaluation;
    e->reference_count = &memory->references;
    e->part = part;
    e->step = step;
    e->epoch = 1;
    e->classes = classes;
    e->count = count;
    e->loss = .5;
    e->error = 1. / 3;
    e->confusion = memory->numbers;
    e->predicted = memory->numbers + cells;
    e->probability = (float *)(e->predicted + count);
    e->truth_probability = e->probability + count;
    for (int64_t i = 0; i < count; i++) {
        int truth = (int)(i % classes);
        int answer = i % 3 == 0 ? (truth + 1) % classes : truth;
        e->confusion[truth * classes + answer]++;
        e->predicted[i] = answer;
        e->probability[i] = .9f;
        e->truth_probability[i] = answer == truth ? .9f : .05f;
    }
    return e;
}

/* --- recording ---------------------------------------------------------------------------- */

recorder *open_recorder(const store_place *place)
{
    nn_error error = {0};
    recorder *r = recorder_open(place->path, &error);
    if (!r)
        fail_msg("%s", error.text);
    return r;
}

store *open_store(const store_place *place)
{
    nn_error error = {0};
    store *s = store_open(place->path, &error);
    if (!s)
        fail_msg("%s", error.text);
    return s;
}

run_id begin_run(recorder *r, const char *name)
{
    nn_error error = {0};
    run_description description = plain_description(name);
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    if (run == 0)
        fail_msg("%s", error.text);
    return run;
}

void tell(recorder *r, run_id run, nn_event event)
{
    nn_error error = {0};
    if (recorder_event(r, run, &event, &error) != NN_OK)
        fail_msg("%s", error.text);
}

void tell_end(recorder *r, run_id run, nn_train_state state, uint64_t step)
{
    nn_event event = event_of(NN_EVENT_END, step);
    event.state = state;
    tell(r, run, event);
}

void close_recorder(recorder *r)
{
    nn_error error = {0};
    if (recorder_close(r, &error) != NN_OK)
        fail_msg("%s", error.text);
}

bool nothing_pending(void *context)
{
    recorder_health health = recorder_state(context);
    return health.pending == 0 && health.written > 0 && !health.failing;
}

void run_sql(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    sqlite3_busy_timeout(handle, 5000);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(handle);
}

/* --- the queue ------------------------------------------------------------------------------- */

static void queue_clear(void *context)
{
    event_queue *queue = context;
    uint64_t number = 0;
    ssize_t ignored = read(queue->fd, &number, sizeof number);
    (void)ignored;
}

static bool queue_next(void *context, nn_event *event)
{
    event_queue *queue = context;
    pthread_mutex_lock(&queue->lock);
    bool some = queue->first < queue->count;
    if (some)
        *event = queue->events[queue->first++];
    if (queue->first == queue->count)
        queue->first = queue->count = 0;
    pthread_mutex_unlock(&queue->lock);
    return some;
}

static uint64_t queue_dropped(void *context)
{
    event_queue *queue = context;
    return queue->dropped;
}

static void queue_kept(void *context, uint64_t digest)
{
    event_queue *queue = context;
    pthread_mutex_lock(&queue->lock);
    queue->kept = digest;
    pthread_mutex_unlock(&queue->lock);
}

void event_queue_open(event_queue *queue)
{
    memset(queue, 0, sizeof *queue);
    pthread_mutex_init(&queue->lock, NULL);
    queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    queue->source =
        (event_source){queue, queue->fd, queue_clear, queue_next, queue_dropped, queue_kept};
}

void event_queue_push(event_queue *queue, const nn_event *event)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->count == queue->room) {
        queue->room = queue->room ? queue->room * 2 : 1024;
        queue->events = realloc(queue->events, (size_t)queue->room * sizeof *queue->events);
        assert_non_null(queue->events);
    }
    queue->events[queue->count++] = *event;
    pthread_mutex_unlock(&queue->lock);
    uint64_t one = 1;
    ssize_t ignored = write(queue->fd, &one, sizeof one);
    (void)ignored;
}

int64_t event_queue_length(event_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    int64_t length = queue->count - queue->first;
    pthread_mutex_unlock(&queue->lock);
    return length;
}

void event_queue_close(event_queue *queue)
{
    close(queue->fd);
    free(queue->events);
    pthread_mutex_destroy(&queue->lock);
}

/* --- waiting --------------------------------------------------------------------------------- */

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

bool wait_until(bool (*holds)(void *context), void *context, double seconds)
{
    double deadline = seconds_now() + seconds;
    while (!holds(context)) {
        if (seconds_now() > deadline)
            return false;
        poll(NULL, 0, 2);
    }
    return true;
}

/* --- files ----------------------------------------------------------------------------------- */

char *read_whole_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

void write_whole_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* --- expectations ---------------------------------------------------------------------------- */

void expect_points(const char *path, run_id run, const char *metric, const uint64_t *steps,
                   const double *values, int64_t count)
{
    nn_error error = {0};
    store *s = store_open(path, &error);
    if (!s)
        fail_msg("%s", error.text);
    uint64_t *got_steps = NULL;
    double *got_values = NULL;
    int64_t got = 0;
    if (store_points(s, run, metric, 0, &got_steps, &got_values, &got, &error) != NN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(got, count);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(got_steps[i], steps[i]);
        if (isnan(values[i]))
            assert_true(isnan(got_values[i]));
        else
            assert_true(got_values[i] == values[i]);
    }
    free(got_steps);
    free(got_values);
    store_close(s);
}

metric_summary summary_of(const char *path, run_id run, const char *metric)
{
    nn_error error = {0};
    metric_summary found;
    memset(&found, 0, sizeof found);
    store *s = store_open(path, &error);
    if (!s)
        fail_msg("%s", error.text);
    metric_summary *list = NULL;
    int count = 0;
    if (store_metrics(s, run, &list, &count, &error) != NN_OK)
        fail_msg("%s", error.text);
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].name, metric) == 0)
            found = list[i];
    free(list);
    store_close(s);
    return found;
}

run_row row_of(const char *path, run_id run)
{
    nn_error error = {0};
    run_row row;
    store *s = store_open(path, &error);
    if (!s)
        fail_msg("%s", error.text);
    if (store_run(s, run, &row, &error) != NN_OK)
        fail_msg("%s", error.text);
    store_close(s);
    return row;
}
