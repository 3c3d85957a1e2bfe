/* The store when things go wrong: many writers, killed ones, a full disk, a locked file. */
#include "store/database.h"
#include "store/recorder_thread.h"
#include "tests/store_fixture.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const double patience = 60; /* for a busy machine with sanitizers and a slow disk */

static void tell_steps(recorder *r, run_id run, uint64_t first, uint64_t last)
{
    for (uint64_t step = first; step <= last; step++)
        tell(r, run, step_event(step, (double)step));
}

static void expect_steps(const char *path, run_id run, uint64_t last)
{
    uint64_t *steps = malloc(last * sizeof *steps);
    double *values = malloc(last * sizeof *values);
    assert_true(steps && values);
    for (uint64_t i = 0; i < last; i++) {
        steps[i] = i + 1;
        values[i] = (double)(i + 1);
    }
    expect_points(path, run, "loss", steps, values, (int64_t)last);
    assert_int_equal(summary_of(path, run, "loss").count, last);
    free(steps);
    free(values);
}

static bool is_failing(void *context)
{
    return recorder_state(context).failing;
}

/* --- four writers ----------------------------------------------------------------------------- */

enum { WRITERS = 4 };

/* tests/reliability.sh asks for more than 10. */
static int writing_seconds(void)
{
    const char *text = getenv("WRITING_SECONDS");
    return text ? (int)strtol(text, NULL, 10) : 10;
}

typedef struct {
    run_id run;
    uint64_t steps, transactions;
} writer_report;

/* Writes as often as the file lets it: every checkpoint is a transaction of its own. */
static int write_for(const store_place *place, double seconds, int report)
{
    nn_error error = {0};
    recorder *r = recorder_open(place->path, &error);
    run_description description = plain_description("writer");
    writer_report done = {0};
    done.run = r ? recorder_begin(r, &description, 0, 0, &error) : 0;
    if (done.run == 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    nn_event saved = event_of(NN_EVENT_CHECKPOINT, 1);
    snprintf(saved.name, sizeof saved.name, "last");
    snprintf(saved.text, sizeof saved.text, "last.safetensors");
    for (double until = seconds_now() + seconds; seconds_now() < until; done.transactions++) {
        for (int i = 0; i < 20; i++) {
            nn_event event = step_event(done.steps + 1, (double)(done.steps + 1));
            done.steps++;
            recorder_event(r, done.run, &event, &error);
        }
        recorder_event(r, done.run, &saved, &error);
        if (!wait_until(nothing_pending, r, patience))
            return 2;
    }
    recorder_health health = recorder_state(r);
    if (health.failures > 0 || health.lost > 0 || recorder_close(r, &error) != NN_OK) {
        fprintf(stderr, "%s %s\n", health.text, error.text);
        return 3;
    }
    return write(report, &done, sizeof done) == (ssize_t)sizeof done ? 0 : 4;
}

/* One look at everything, as a workbench beside the writers takes it. */
static void read_all(const char *path)
{
    nn_error error = {0};
    store *s = store_open(path, &error);
    if (!s)
        fail_msg("%s", error.text);
    run_row *rows = NULL;
    int count = 0;
    if (store_runs(s, &rows, &count, &error) != NN_OK)
        fail_msg("%s", error.text);
    for (int i = 0; i < count; i++) {
        uint64_t *steps = NULL;
        double *values = NULL;
        int64_t points = 0;
        if (store_points(s, rows[i].id, "loss", 0, &steps, &values, &points, &error) != NN_OK)
            fail_msg("%s", error.text);
        for (int64_t j = 0; j < points; j++) /* never a half-written state */
            assert_true(steps[j] == (uint64_t)j + 1 && values[j] == (double)(j + 1));
        free(steps);
        free(values);
    }
    free(rows);
    store_close(s);
}

typedef struct {
    pid_t *children;
    int left;
    const char *path;
} reap;

static bool all_done(void *context)
{
    reap *all = context;
    int status = 0;
    pid_t child = waitpid(-1, &status, WNOHANG);
    if (child > 0) {
        assert_int_equal(status, 0);
        all->left--;
    }
    read_all(all->path);
    return all->left == 0;
}

static void test_four_writers(void **state)
{
    const store_place *place = *state;
    int reports[2];
    assert_int_equal(pipe(reports), 0);
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        if ((children[i] = fork()) == 0)
            _exit(write_for(place, writing_seconds(), reports[1]));
    reap all = {children, WRITERS, place->path};
    assert_true(wait_until(all_done, &all, writing_seconds() + 60));
    uint64_t transactions = 0;
    for (int i = 0; i < WRITERS; i++) {
        writer_report done;
        assert_int_equal(read(reports[0], &done, sizeof done), sizeof done);
        expect_steps(place->path, done.run, done.steps);
        assert_true(done.transactions > 10);
        transactions += done.transactions;
    }
    print_message("%d processes, %d s: %llu transactions, none failed\n", WRITERS,
                  writing_seconds(), (unsigned long long)transactions);
    close(reports[0]);
    close(reports[1]);
    nn_error error = {0};
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

/* --- a killed writer -------------------------------------------------------------------------- */

static void train_until_killed(const store_place *place, int report)
{
    nn_error error = {0};
    recorder *r = recorder_open(place->path, &error);
    run_description description = plain_description("victim");
    run_id run = r ? recorder_begin(r, &description, 0, 0, &error) : 0;
    for (uint64_t step = 1; run; step++) {
        nn_event event = step_event(step, (double)step);
        recorder_event(r, run, &event, &error);
        if (step % 100 != 0)
            continue;
        uint64_t committed = recorder_state(r).written / 4; /* four curves a step */
        if (write(report, &committed, sizeof committed) != sizeof committed)
            break;
    }
    _exit(1);
}

static void test_killed_writer(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    int report[2];
    assert_int_equal(pipe(report), 0);
    pid_t child = fork();
    if (child == 0)
        train_until_killed(place, report[1]);
    close(report[1]);
    uint64_t committed = 0;
    while (committed < 2000)
        assert_int_equal(read(report[0], &committed, sizeof committed), sizeof committed);
    assert_int_equal(row_of(place->path, 1).state, RUN_RUNNING);
    assert_int_equal(kill(child, SIGKILL), 0);
    uint64_t later = 0;
    while (read(report[0], &later, sizeof later) == (ssize_t)sizeof later)
        committed = later; /* what it had said before it died */
    close(report[0]);
    double killed = seconds_now();
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    assert_int_equal(row_of(place->path, 1).state, RUN_CRASHED); /* seen while still a zombie */
    waitpid(child, NULL, 0);
    assert_int_equal(row_of(place->path, 1).state, RUN_CRASHED);
    assert_true(seconds_now() - killed < 10);
    metric_summary loss = summary_of(place->path, 1, "loss");
    assert_true((uint64_t)loss.count >= committed);
    expect_steps(place->path, 1, (uint64_t)loss.count);
    assert_int_equal(store_check(place->path, &error), NN_OK);

    recorder *r = open_recorder(place); /* and it goes on from step 1500 */
    run_description description = plain_description(NULL);
    assert_int_equal(recorder_begin(r, &description, 1, 1500, &error), 1);
    tell_steps(r, 1, 1501, 1600);
    assert_int_equal(recorder_close(r, &error), NN_OK);
    expect_steps(place->path, 1, 1600);
}

/* Where the pid says nothing, silence decides. */
static void test_silent_run(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    nn_event end = event_of(NN_EVENT_END, 0);
    end.state = NN_FINISHED;
    tell(r, run, end);
    nn_error error = {0};
    assert_int_equal(recorder_close(r, &error), NN_OK);
    run_sql(place->path, "UPDATE run SET state = 'running', host = 'elsewhere', boot = 'other', "
                         "pid_space = 'other', heartbeat_ms = unixepoch() * 1000");
    assert_int_equal(row_of(place->path, run).state, RUN_RUNNING);
    run_sql(place->path, "UPDATE run SET heartbeat_ms = (unixepoch() - 12) * 1000");
    assert_int_equal(row_of(place->path, run).state, RUN_CRASHED);
    run_sql(place->path, "UPDATE run SET state = 'finished'");
    assert_int_equal(row_of(place->path, run).state, RUN_FINISHED);
}

static int64_t heartbeat_before;
static const char *heartbeat_path;
static bool heart_has_beaten(void *run)
{
    return row_of(heartbeat_path, *(run_id *)run).heartbeat_ms > heartbeat_before + 1000;
}

static void test_heart_beats_while_paused(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    nn_event paused = event_of(NN_EVENT_STATE, 0);
    paused.state = NN_PAUSED;
    tell(r, run, paused);
    heartbeat_path = place->path;
    heartbeat_before = row_of(place->path, run).heartbeat_ms;
    assert_true(wait_until(heart_has_beaten, &run, patience));
    recorder_close(r, NULL);
}

/* A run that another process has resumed meanwhile is left to it. */
static void test_taken_over(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *first = open_recorder(place);
    run_id run = begin_run(first, NULL);
    tell_steps(first, run, 1, 100);
    assert_true(wait_until(nothing_pending, first, patience));
    run_sql(place->path, "UPDATE run SET pid_started = pid_started + 1"); /* as if it had died */
    assert_int_equal(row_of(place->path, run).state, RUN_CRASHED);
    recorder *second = open_recorder(place);
    run_description description = plain_description(NULL);
    assert_int_equal(recorder_begin(second, &description, run, 50, &error), run);
    for (uint64_t step = 101; step <= 200; step++)
        tell(first, run, step_event(step, -1));
    tell_steps(second, run, 51, 120);
    nn_event end = event_of(NN_EVENT_END, 200);
    end.state = NN_FINISHED;
    tell(first, run, end);
    assert_int_equal(recorder_wait(first, run, &error), NN_E_STATE);
    assert_non_null(strstr(error.text, "another process"));
    recorder_close(first, NULL);
    assert_int_equal(recorder_close(second, &error), NN_OK);
    expect_steps(place->path, run, 120);
}

/* --- a full disk ------------------------------------------------------------------------------ */

static nn_status limit_pages(recorder *r, void *argument, nn_error *error)
{
    int64_t *pages = argument; /* to allow; 0: as many as there are and one */
    int64_t count = 0;
    database_number(&r->db, "PRAGMA page_count", &count, error);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld",
             (long long)(*pages ? *pages : count + 1));
    return database_number(&r->db, sql, &count, error);
}

static void test_full_disk(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    tell_steps(r, run, 1, 100);
    int64_t pages = 0;
    assert_int_equal(recorder_ask(r, limit_pages, &pages, &error), NN_OK);
    tell_steps(r, run, 101, 5000);
    assert_true(wait_until(is_failing, r, patience));
    recorder_health health = recorder_state(r);
    assert_non_null(strstr(health.text, "disk full"));
    assert_true(health.pending > 0);
    tell_steps(r, run, 5001, 6000); /* training goes on */
    read_all(place->path);
    pages = 1000000;
    assert_int_equal(recorder_ask(r, limit_pages, &pages, &error), NN_OK);
    assert_true(wait_until(nothing_pending, r, patience));
    assert_string_equal(recorder_state(r).text, "");
    expect_steps(place->path, run, 6000);
    assert_int_equal(recorder_close(r, &error), NN_OK);
}

/* The operating system refuses to let files grow: also while one write is half done. */
static int write_past_a_limit(const store_place *place)
{
    nn_error error = {0};
    struct rlimit limit;
    struct stat info;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    recorder *r = recorder_open(place->path, &error);
    run_description description = plain_description("limited");
    run_id run = r ? recorder_begin(r, &description, 0, 0, &error) : 0;
    if (run == 0 || stat(place->path, &info) != 0)
        return 1;
    struct rlimit small = limit;
    small.rlim_cur = 300000; /* the write-ahead log reaches it */
    setrlimit(RLIMIT_FSIZE, &small);
    uint64_t step = 0;
    for (; !is_failing(r) && step < 200000; step++) {
        nn_event event = step_event(step + 1, (double)(step + 1));
        recorder_event(r, run, &event, &error);
    }
    if (!is_failing(r) || recorder_state(r).text[0] == '\0')
        return 2;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (!wait_until(nothing_pending, r, patience))
        return 3;
    if (recorder_close(r, &error) != NN_OK)
        return 4;
    expect_steps(place->path, run, step);
    return 0;
}

static void test_file_size_limit(void **state)
{
    const store_place *place = *state;
    pid_t child = fork();
    if (child == 0)
        _exit(write_past_a_limit(place));
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    nn_error error = {0};
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

/* Closing gives up after a while and says what is lost; what was committed stays. */
static void test_closing_on_a_full_disk(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    r->patience_ms = 300;
    run_id run = begin_run(r, NULL);
    tell_steps(r, run, 1, 100);
    assert_true(wait_until(nothing_pending, r, patience));
    int64_t pages = 0;
    assert_int_equal(recorder_ask(r, limit_pages, &pages, &error), NN_OK);
    tell_steps(r, run, 101, 5000);
    nn_event end = event_of(NN_EVENT_END, 5000);
    end.state = NN_FINISHED;
    tell(r, run, end);
    assert_int_equal(recorder_wait(r, run, &error), NN_E_IO);
    assert_non_null(strstr(error.text, "disk full"));
    assert_int_equal(recorder_close(r, &error), NN_E_IO);
    assert_non_null(strstr(error.text, "19600 points could not be written"));
    expect_steps(place->path, run, 100);
}

/* --- a locked file ---------------------------------------------------------------------------- */

typedef struct {
    event_queue queue;
    recorder *r;
} locked_recording;

static bool says_locked(void *context)
{
    recorder_health health = recorder_state(context);
    return health.failing && strstr(health.text, "locked by another process");
}

static bool queue_is_empty(void *context)
{
    return event_queue_length(context) == 0;
}

static bool a_write_failed(void *context)
{
    return recorder_state(context).failures > 0;
}

static void hold_the_lock(const store_place *place, int ready, int release)
{
    sqlite3 *handle = NULL;
    char byte = 0;
    bool held = sqlite3_open(place->path, &handle) == SQLITE_OK &&
                sqlite3_busy_timeout(handle, 5000) == SQLITE_OK &&
                sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    ssize_t ignored = write(ready, held ? "y" : "n", 1);
    ignored = read(release, &byte, 1);
    (void)ignored;
    _exit(0);
}

/* Another process holds the write lock, longer than one attempt waits. The source is drained all
 * the time, so the trainer never notices; afterwards nothing is missing. */
static void test_locked_file(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    event_queue queue;
    int ready[2];
    int release[2];
    assert_true(pipe(ready) == 0 && pipe(release) == 0);
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    event_queue_open(&queue);
    assert_int_equal(recorder_follow_source(r, run, &queue.source, &error), NN_OK);
    pid_t child = fork();
    if (child == 0)
        hold_the_lock(place, ready[1], release[0]);
    char held = 0;
    assert_int_equal(read(ready[0], &held, 1), 1);
    assert_int_equal(held, 'y');
    uint64_t step = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) {
            nn_event event = step_event(step + 1, (double)(step + 1));
            event_queue_push(&queue, &event);
            step++;
        }
        /* Well before the 5 s that one attempt waits for the lock. */
        assert_true(wait_until(queue_is_empty, &queue, 4));
        if (round == 0)
            assert_true(wait_until(says_locked, r, patience));
        if (round == 1)
            assert_true(wait_until(a_write_failed, r, patience));
    }
    read_all(place->path); /* readers do not wait */
    assert_int_equal(write(release[1], "x", 1), 1);
    waitpid(child, NULL, 0);
    assert_true(wait_until(nothing_pending, r, patience));
    expect_steps(place->path, run, step);
    assert_int_equal(recorder_close(r, &error), NN_OK);
    event_queue_close(&queue);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(release[i]);
    }
}

/* --- a file that is taken away ---------------------------------------------------------------- */

static void test_file_is_moved_away(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", place->folder);
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    tell_steps(r, run, 1, 100);
    assert_true(wait_until(nothing_pending, r, patience));
    assert_int_equal(rename(place->path, elsewhere), 0);
    tell_steps(r, run, 101, 200);
    assert_true(wait_until(is_failing, r, patience));
    assert_non_null(strstr(recorder_state(r).text, "removed or replaced"));
    assert_int_equal(rename(elsewhere, place->path), 0);
    assert_true(wait_until(nothing_pending, r, patience));
    assert_int_equal(recorder_close(r, &error), NN_OK);
    expect_steps(place->path, run, 200);
}

/* It is deleted: when the run ends, its place has everything again. */
static void test_file_is_deleted(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    char log[140];
    recorder *r = open_recorder(place);
    r->patience_ms = 100000; /* for a slow machine; recording goes on after 2 s */
    run_id run = begin_run(r, NULL);
    tell_steps(r, run, 1, 1000);
    assert_true(wait_until(nothing_pending, r, patience));
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(log, sizeof log, "%s%s", place->path, endings[i]);
        assert_int_equal(unlink(log), 0);
    }
    tell_steps(r, run, 1001, 2000);
    assert_true(wait_until(is_failing, r, patience));
    assert_non_null(strstr(recorder_state(r).text, "removed or replaced"));
    tell_end(r, run, NN_FINISHED, 2000);
    assert_int_equal(recorder_wait(r, run, &error), NN_OK);
    assert_int_equal(recorder_close(r, &error), NN_OK);
    expect_steps(place->path, run, 2000);
    assert_int_equal(row_of(place->path, run).state, RUN_FINISHED);
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

/* --- a network file system -------------------------------------------------------------------- */

static void test_without_a_write_ahead_log(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    database db;
    assert_int_equal(database_open_on(&db, place->path, DATABASE_WRITE, "NFS", &error), NN_OK);
    assert_non_null(strstr(db.warning, "NFS"));
    sqlite3_stmt *query = database_query(&db, &error, "PRAGMA journal_mode", "");
    nn_status status = NN_OK;
    char mode[16];
    assert_true(database_next(&db, query, &status, &error));
    column_text(query, 0, mode, sizeof mode);
    assert_string_equal(mode, "delete");
    sqlite3_finalize(query);
    database reader;
    assert_int_equal(database_open_on(&reader, place->path, DATABASE_READ, "NFS", &error), NN_OK);
    int64_t count = 0;
    assert_int_equal(database_begin(&db, false, &error), NN_OK);
    assert_int_equal(
        database_run(&db,
                     "INSERT INTO dataset (id, name, fingerprint, classes) VALUES (1, 'x', 'y', 2)",
                     &error),
        NN_OK);
    assert_int_equal(database_commit(&db, &error), NN_OK);
    assert_int_equal(database_number(&reader, "SELECT count(*) FROM dataset", &count, &error),
                     NN_OK);
    assert_int_equal(count, 1);
    database_close(&reader);
    database_close(&db);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_four_writers),    IN_PLACE(test_killed_writer),
        IN_PLACE(test_silent_run),      IN_PLACE(test_heart_beats_while_paused),
        IN_PLACE(test_taken_over),      IN_PLACE(test_full_disk),
        IN_PLACE(test_file_size_limit), IN_PLACE(test_closing_on_a_full_disk),
        IN_PLACE(test_locked_file),     IN_PLACE(test_file_is_moved_away),
        IN_PLACE(test_file_is_deleted), IN_PLACE(test_without_a_write_ahead_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
