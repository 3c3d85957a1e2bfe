/* The recorder as other threads see it. */
#include "store/recorder_thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static void wake(recorder *r)
{
    uint64_t one = 1;
    ssize_t ignored = write(r->wake, &one, sizeof one); /* only ever full, which wakes as well */
    (void)ignored;
}

nn_status recorder_ask(recorder *r, nn_status (*work)(recorder *, void *, nn_error *),
                       void *argument, nn_error *error)
{
    request ask = {.work = work, .argument = argument};
    pthread_mutex_lock(&r->lock);
    if (r->stopped || r->stopping) {
        pthread_mutex_unlock(&r->lock);
        return nn_fail(error, NN_E_STATE, "the recorder is closed");
    }
    if (r->last)
        r->last->next = &ask;
    else
        r->first = &ask;
    r->last = &ask;
    wake(r);
    while (!ask.done)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    if (ask.status != NN_OK && error)
        *error = ask.error;
    return ask.status;
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* Signals are for the thread that draws. */
static int start_thread(recorder *r)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int code = pthread_create(&r->thread, NULL, recorder_main, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void recorder_free(recorder *r)
{
    database_close(&r->db);
    while (r->runs) {
        recording *next = r->runs->next;
        recording_free(r->runs);
        r->runs = next;
    }
    if (r->wake >= 0)
        close(r->wake);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r);
}

recorder *recorder_open(const char *path, nn_error *error)
{
    recorder *r = calloc(1, sizeof *r);
    if (!r) {
        nn_fail(error, NN_E_NOMEM, "out of memory while opening the store for writing");
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r->pause_ms = 20;
    r->patience_ms = RECORDER_PATIENCE_MS;
    r->written_at = r->tried_at = process_monotonic_ms();
    process_self(&r->self);
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = r->wake < 0 ? errno : 0;
    nn_status status = database_open(&r->db, path, DATABASE_WRITE, error);
    if (status == NN_OK && code == 0)
        code = start_thread(r);
    if (status == NN_OK && code == 0)
        return r;
    if (status == NN_OK)
        nn_fail(error, NN_E_IO, "cannot start the recorder: %s", strerror(code));
    recorder_free(r);
    return NULL;
}

nn_status recorder_close(recorder *r, nn_error *error)
{
    if (!r)
        return NN_OK;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_mutex_unlock(&r->lock);
    wake(r);
    pthread_join(r->thread, NULL);
    uint64_t unsaved = 0;
    for (recording *run = r->runs; run; run = run->next)
        unsaved += run->closed || run->taken ? 0 : (uint64_t)recording_unsaved(run);
    unsaved += r->health.lost;
    nn_status status = NN_OK;
    if (r->health.failing)
        status = nn_fail(error, NN_E_IO, "%s: %llu points could not be written: %s", r->db.path,
                         (unsigned long long)unsaved, r->health.text);
    else if (unsaved > 0)
        status = nn_fail(error, NN_E_NOMEM, "%s: %llu points found no memory and were not written",
                         r->db.path, (unsigned long long)unsaved);
    recorder_free(r);
    return status;
}

recorder_health recorder_state(const recorder *r)
{
    recorder *own = (recorder *)r; /* locking does not change what the caller can see */
    pthread_mutex_lock(&own->lock);
    recorder_health health = own->health;
    pthread_mutex_unlock(&own->lock);
    return health;
}

/* --- runs ------------------------------------------------------------------------------------- */

typedef struct {
    const run_description *description;
    run_id resume;
    uint64_t resume_step;
    recording *run;
} begin_request;

/* The example numbers and labels of every part, for the predictions. */
static bool copy_parts(recording *run, const nn_dataset *dataset)
{
    for (int p = 0; dataset && p < NN_PARTS; p++) {
        recording_part *part = &run->parts[p];
        int64_t count = p == NN_TRAIN ? 0 : nn_dataset_count(dataset, (nn_part)p);
        if (count <= 0)
            continue;
        part->ids = malloc((size_t)count * sizeof *part->ids);
        part->labels = malloc((size_t)count * sizeof *part->labels);
        if (!part->ids || !part->labels)
            return false;
        part->count = count;
        for (int64_t i = 0; i < count; i++) {
            part->ids[i] = nn_dataset_id(dataset, (nn_part)p, i);
            part->labels[i] = nn_dataset_label(dataset, (nn_part)p, i);
        }
    }
    return true;
}

static nn_status begin_work(recorder *r, void *argument, nn_error *error)
{
    begin_request *begin = argument;
    r->beginning = true;
    nn_status status = database_begin(&r->db, true, error);
    r->beginning = false;
    if (status == NN_OK) {
        status = recording_begin(begin->run, &r->db, &r->self, begin->description, begin->resume,
                                 begin->resume_step, error);
        if (status == NN_OK)
            status = database_commit(&r->db, error);
        if (status != NN_OK)
            database_rollback(&r->db);
    }
    r->locked_since = 0;
    if (status != NN_OK)
        return status;
    recording_committed(begin->run);
    pthread_mutex_lock(&r->lock);
    begin->run->next = r->runs;
    r->runs = begin->run;
    pthread_mutex_unlock(&r->lock);
    return NN_OK;
}

run_id recorder_begin(recorder *r, const run_description *description, run_id resume,
                      uint64_t resume_step, nn_error *error)
{
    run_description copy = *description;
    copy.data = copy.data ? copy.data : "";
    copy.model = copy.model ? copy.model : "";
    copy.fingerprint = copy.fingerprint ? copy.fingerprint : "";
    copy.command_line = copy.command_line ? copy.command_line : "";
    begin_request begin = {&copy, resume, resume_step, calloc(1, sizeof(recording))};
    if (!begin.run || !copy_parts(begin.run, copy.dataset)) {
        recording_free(begin.run);
        nn_fail(error, NN_E_NOMEM, "out of memory while a run begins");
        return 0;
    }
    if (recorder_ask(r, begin_work, &begin, error) == NN_OK)
        return begin.run->id;
    recording_free(begin.run);
    return 0;
}

static nn_status unknown_run(run_id run, nn_error *error)
{
    return nn_fail(error, NN_E_MISSING, "run %lld is not recorded by this process: begin it first",
                   (long long)run);
}

typedef struct {
    run_id run;
    const event_source *source;
} follow_request;

static nn_status follow_work(recorder *r, void *argument, nn_error *error)
{
    const follow_request *follow = argument;
    recording *run = recorder_find(r, follow->run);
    if (!run)
        return unknown_run(follow->run, error);
    if (run->ended || run->following)
        return nn_fail(error, NN_E_STATE, "run %lld %s", (long long)run->id,
                       run->ended ? "has ended" : "is followed already");
    run->source = *follow->source;
    run->following = true;
    return NN_OK;
}

nn_status recorder_follow_source(recorder *r, run_id run, const event_source *source,
                                 nn_error *error)
{
    follow_request follow = {run, source};
    return recorder_ask(r, follow_work, &follow, error);
}

typedef struct {
    run_id run;
    const nn_event *event;
} event_request;

static nn_status event_work(recorder *r, void *argument, nn_error *error)
{
    const event_request *told = argument;
    recording *run = recorder_find(r, told->run);
    if (!run)
        return unknown_run(told->run, error);
    recording_apply(run, told->event);
    return NN_OK;
}

nn_status recorder_event(recorder *r, run_id run, const nn_event *event, nn_error *error)
{
    event_request told = {run, event};
    return recorder_ask(r, event_work, &told, error);
}

/* Until END has been committed, or has waited too long for it. With the lock held. */
static nn_status wait_for_end(recorder *r, const recording *run, nn_error *error)
{
    while (!run->closed && !r->stopped) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&r->changed, &r->lock, &until);
        bool late =
            run->late_since > 0 && process_monotonic_ms() - run->late_since > r->patience_ms;
        if (!run->closed && late)
            return nn_fail(error, NN_E_IO, "the end of run %lld is not written yet: %s",
                           (long long)run->id, r->health.text);
    }
    if (run->taken)
        return nn_fail(error, NN_E_STATE,
                       "run %lld was resumed or deleted by another process: what this one went on "
                       "to do is not recorded",
                       (long long)run->id);
    return NN_OK;
}

nn_status recorder_wait(recorder *r, run_id run, nn_error *error)
{
    pthread_mutex_lock(&r->lock);
    const recording *found = recorder_find(r, run);
    nn_status status = found ? wait_for_end(r, found, error) : unknown_run(run, error);
    pthread_mutex_unlock(&r->lock);
    return status;
}

/* What could not be written stays, without its listener, for the next try. */
static nn_status release_work(recorder *r, void *argument, nn_error *error)
{
    const run_id *wanted = argument;
    recording *run = recorder_find(r, *wanted);
    if (!run)
        return NN_OK;
    if (!run->ended && !run->taken)
        recording_abandon(run);
    run->following = false;
    run->post = NULL;
    if (!run->closed && !run->taken)
        recorder_flush(r, error);
    pthread_mutex_lock(&r->lock);
    bool written = run->closed || run->taken;
    recording **link = &r->runs;
    while (written && *link != run)
        link = &(*link)->next;
    if (written)
        *link = run->next;
    pthread_mutex_unlock(&r->lock);
    if (written)
        recording_free(run);
    return NN_OK;
}

void recorder_release(recorder *r, run_id run)
{
    recorder_ask(r, release_work, &run, NULL);
}
