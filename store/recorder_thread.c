#include "store/recorder_thread.h"

#include "store/copy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

recording *recorder_find(recorder *r, run_id run)
{
    recording *found = r->runs;
    while (found && found->id != run)
        found = found->next;
    return found;
}

/* --- sources --------------------------------------------------------------------------------- */

/* Take in everything that waits. Returns the number of events. */
static int drain(recorder *r)
{
    int taken = 0;
    for (recording *run = r->runs; run; run = run->next) {
        if (!run->following)
            continue;
        run->source.clear(run->source.context);
        nn_event event;
        while (run->following && run->source.next(run->source.context, &event)) {
            recording_apply(run, &event);
            taken++;
        }
    }
    return taken;
}

/* --- health ---------------------------------------------------------------------------------- */

/* With the lock held. */
static void count_points(recorder *r)
{
    r->health.pending = r->health.lost = 0;
    for (recording *run = r->runs; run; run = run->next) {
        r->health.pending += (uint64_t)recording_unsaved(run);
        r->health.lost += run->lost;
    }
}

static void set_health(recorder *r, bool failing, const char *text)
{
    pthread_mutex_lock(&r->lock);
    for (recording *run = r->runs; run; run = run->next)
        run->late_since = failing && run->ended && !run->closed ? run->ended_at : 0;
    r->health.failing = failing;
    copy_text(r->health.text, sizeof r->health.text, text);
    count_points(r);
    pthread_mutex_unlock(&r->lock);
}

/* Why writing failed, in a few words for a status line. */
static void describe_failure(recorder *r, char *text, size_t size)
{
    int code = sqlite3_errcode(r->db.handle) & 0xFF;
    int system = sqlite3_system_errno(r->db.handle);
    if (!database_in_place(&r->db))
        snprintf(text, size, "the store's file was removed or replaced: put it back");
    else if (database_is_full(code, system))
        snprintf(text, size, "disk full: kept in memory until there is space");
    else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        snprintf(text, size, "locked by another process for %lld s",
                 (long long)((process_monotonic_ms() - r->locked_since) / 1000));
    else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        snprintf(text, size, "the store's file is damaged: see `gradus doctor`");
    else
        snprintf(text, size, "%s%s%s", sqlite3_errmsg(r->db.handle), system ? ": " : "",
                 system ? strerror(system) : "");
}

/* SQLite asks whether to go on waiting for another process's lock. The trainers do not wait: their
 * events are taken in meanwhile. */
static int on_busy(void *argument, int tries)
{
    recorder *r = argument;
    (void)tries;
    int64_t now = process_monotonic_ms();
    if (r->locked_since == 0)
        r->locked_since = now;
    if (r->beginning)
        drain(r);
    if (now - r->locked_since >= 1000) {
        char text[80];
        snprintf(text, sizeof text, "locked by another process for %lld s",
                 (long long)((now - r->locked_since) / 1000));
        set_health(r, true, text);
    }
    if (now - r->tried_at >= DATABASE_BUSY_MS || (r->deadline && now >= r->deadline))
        return 0;
    struct timespec wait = {0, 2000000}; /* 2 ms: locks are held for less than that */
    nanosleep(&wait, NULL);
    return 1;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool needs_disk(const recorder *r)
{
    for (const recording *run = r->runs; run; run = run->next)
        if (run->important && !run->closed && !run->taken)
            return true;
    return false;
}

/* Inside the transaction. Runs that are no longer ours are marked and left out. */
static nn_status write_runs(recorder *r, nn_error *error)
{
    nn_status status = NN_OK;
    for (recording *run = r->runs; run && status == NN_OK; run = run->next) {
        if (run->closed || run->taken)
            continue;
        bool owned = true;
        status = recording_write(run, &r->db, &owned, error);
        if (status == NN_OK && !owned) {
            pthread_mutex_lock(&r->lock);
            run->taken = true;
            pthread_mutex_unlock(&r->lock);
        }
    }
    return status;
}

static void after_commit(recorder *r)
{
    uint64_t written = 0;
    for (recording *run = r->runs; run; run = run->next) {
        if (run->closed)
            continue;
        if (!run->taken)
            written += (uint64_t)recording_unsaved(run);
        recording_committed(run); /* what a lost run had is void */
    }
    pthread_mutex_lock(&r->lock);
    for (recording *run = r->runs; run; run = run->next)
        run->closed = run->closed || run->ended;
    r->health.written += written;
    r->health.failing = false;
    r->health.text[0] = '\0';
    count_points(r);
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    r->written_at = process_monotonic_ms();
}

/* The file was deleted, and a run has come to its end: its place gets a copy of what the open
 * connection still holds, and recording goes on there. What lies at the place by now stays. */
static nn_status bring_back(recorder *r, nn_error *error)
{
    char copy[DATABASE_PATH + 32];
    database db;
    snprintf(copy, sizeof copy, "%s.%ld.tmp", r->db.path, (long)getpid());
    nn_status status = database_copy(&r->db, copy, error);
    if (status == NN_OK && link(copy, r->db.path) != 0)
        status = nn_fail(error, NN_E_IO, "%s: it was deleted and cannot be made again: %s",
                         r->db.path, strerror(errno));
    unlink(copy);
    if (status == NN_OK)
        status = database_open(&db, r->db.path, DATABASE_WRITE, error);
    if (status != NN_OK)
        return status;
    database_close(&r->db);
    r->db = db;
    sqlite3_busy_handler(r->db.handle, on_busy, r);
    return NN_OK;
}

/* A file that was only moved gets some time to come back. */
static bool is_lost(recorder *r)
{
    bool late = r->deadline > 0;
    for (const recording *run = r->runs; run; run = run->next)
        late = late || (run->ended && !run->closed);
    if (!late || access(r->db.path, F_OK) == 0) {
        r->missing_since = 0;
        return false;
    }
    int64_t now = process_monotonic_ms();
    if (r->missing_since == 0)
        r->missing_since = now;
    int64_t wait =
        r->patience_ms / 4 < RECORDER_MISSING_MS ? r->patience_ms / 4 : RECORDER_MISSING_MS;
    return now - r->missing_since >= wait;
}

static nn_status write_all(recorder *r, nn_error *error)
{
    if (!database_in_place(&r->db) && is_lost(r))
        bring_back(r, NULL);
    if (!database_in_place(&r->db))
        return nn_fail(error, NN_E_IO, "%s was removed or replaced: put it back", r->db.path);
    r->beginning = true;
    nn_status status = database_begin(&r->db, needs_disk(r), error);
    r->beginning = false;
    if (status == NN_OK)
        status = write_runs(r, error);
    if (status == NN_OK)
        status = database_commit(&r->db, error);
    return status;
}

nn_status recorder_flush(recorder *r, nn_error *error)
{
    bool open = false;
    for (recording *run = r->runs; run; run = run->next)
        open = open || !run->closed;
    r->tried_at = process_monotonic_ms();
    if (!open) { /* and so nothing can be late */
        r->written_at = r->tried_at;
        return NN_OK;
    }
    nn_status status = write_all(r, error);
    if (status != NN_OK) {
        char text[200];
        describe_failure(r, text, sizeof text);
        database_rollback(&r->db);
        set_health(r, true, text);
        pthread_mutex_lock(&r->lock);
        r->health.failures++;
        pthread_mutex_unlock(&r->lock);
        return status;
    }
    after_commit(r);
    r->locked_since = 0;
    return NN_OK;
}

/* --- the loop -------------------------------------------------------------------------------- */

static bool has_changes(const recorder *r, bool *important, int *steps)
{
    bool changed = false;
    for (const recording *run = r->runs; run; run = run->next) {
        if (run->closed)
            continue;
        changed = changed || run->changed;
        *important = *important || run->important;
        *steps = run->steps_waiting > *steps ? run->steps_waiting : *steps;
    }
    return changed;
}

static void flush_if_due(recorder *r)
{
    int64_t now = process_monotonic_ms();
    bool important = false;
    int steps = 0;
    bool changed = has_changes(r, &important, &steps);
    if (r->health.failing && now - r->tried_at < RECORDER_RETRY_MS)
        return;
    int64_t age = now - r->written_at;
    int64_t due = steps >= RECORDER_FLUSH_STEPS ? RECORDER_PAUSE_MS : RECORDER_FLUSH_MS;
    if (important || (changed && age >= due) || age >= RECORDER_BEAT_MS)
        recorder_flush(r, NULL);
}

/* Sleep until a request comes, a source has something, or time has passed. Sources are looked at
 * only after a pause: a trainer of tiny steps must not wake this thread at each of them. */
static void wait_for_work(recorder *r)
{
    struct pollfd fds[32];
    fds[0] = (struct pollfd){.fd = r->wake, .events = POLLIN};
    int requested = poll(fds, 1, r->pause_ms);
    if (requested == 0) {
        int count = 1;
        int following = 0;
        for (recording *run = r->runs; run; run = run->next) {
            following += run->following;
            if (run->following && count < (int)(sizeof fds / sizeof fds[0]))
                fds[count++] = (struct pollfd){.fd = run->source.fd, .events = POLLIN};
        }
        int timeout = following >= count ? 0 : RECORDER_FLUSH_MS / 2;
        poll(fds, (nfds_t)count, timeout);
    }
    uint64_t number = 0;
    ssize_t ignored = read(r->wake, &number, sizeof number); /* non-blocking: empties it */
    (void)ignored;
}

/* Look more often while much comes in, so that no listener overflows. */
static void adapt_pause(recorder *r, int taken)
{
    if (taken > 500 && r->pause_ms > 1)
        r->pause_ms /= 2;
    else if (taken < 100 && r->pause_ms < 20)
        r->pause_ms = r->pause_ms * 2 < 20 ? r->pause_ms * 2 : 20;
}

static void take_in(recorder *r)
{
    int taken = drain(r);
    adapt_pause(r, taken);
    if (taken == 0)
        return;
    pthread_mutex_lock(&r->lock);
    count_points(r);
    pthread_mutex_unlock(&r->lock);
}

static void serve_requests(recorder *r)
{
    for (;;) {
        pthread_mutex_lock(&r->lock);
        request *next = r->first;
        if (next && !(r->first = next->next))
            r->last = NULL;
        pthread_mutex_unlock(&r->lock);
        if (!next)
            return;
        r->tried_at = process_monotonic_ms(); /* from here on_busy counts its 5 s */
        nn_status status = next->work(r, next->argument, &next->error);
        pthread_mutex_lock(&r->lock);
        count_points(r);
        next->status = status;
        next->done = true;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
    }
}

static bool asked_to_stop(recorder *r)
{
    pthread_mutex_lock(&r->lock);
    bool stopping = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return stopping;
}

/* Write what is left, for as long as recorder_close promises. */
static void finish(recorder *r)
{
    r->deadline = process_monotonic_ms() + r->patience_ms;
    drain(r);
    for (recording *run = r->runs; run; run = run->next)
        if (!run->ended && !run->taken)
            recording_abandon(run);
    while (recorder_flush(r, NULL) != NN_OK && process_monotonic_ms() < r->deadline) {
        struct timespec wait = {0, 100000000};
        nanosleep(&wait, NULL);
    }
}

void *recorder_main(void *argument)
{
    recorder *r = argument;
    sqlite3_busy_handler(r->db.handle, on_busy, r);
    while (!asked_to_stop(r)) {
        wait_for_work(r);
        serve_requests(r);
        take_in(r);
        flush_if_due(r);
        recorder_take_commands(r);
    }
    finish(r);
    pthread_mutex_lock(&r->lock);
    r->stopped = true;
    for (request *left = r->first; left; left = left->next) {
        left->status = nn_fail(&left->error, NN_E_STATE, "the recorder is closed");
        left->done = true;
    }
    r->first = r->last = NULL;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}
