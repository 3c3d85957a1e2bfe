/* What the store may cost: tables and curves at once, recording under 1 % of a short step. Times
 * are the best of several tries, since other programs run too; sanitizers and valgrind slow
 * everything, so there the work is done and its time not judged. */
#include "store/recorder_thread.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    defined(NN_NO_MULTIVERSION) || !defined(__OPTIMIZE__)
enum { JUDGED = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { JUDGED = 0 };
#else
enum { JUDGED = 1 };
#endif
#else
enum { JUDGED = 1 };
#endif

/* On a machine that does other work as well, only what is out of all proportion is a failure;
 * GRADUS_QUIET_MACHINE=1 asks for the limits themselves. */
static void judge(const char *what, double seconds, double limit)
{
    double slack = getenv("GRADUS_QUIET_MACHINE") ? 1 : 8;
    print_message("%s: %.4f ms (at most %.4f)\n", what, seconds * 1e3, limit * 1e3);
    if (JUDGED)
        assert_true(seconds < slack * limit);
}

static void fill_with_runs(const char *path, int runs)
{
    sqlite3 *handle = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    char *sql = sqlite3_mprintf(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        "INSERT INTO run (name, model, optimizer, schedule, command_line, seed, batch, epochs, "
        "shards, threads, parameters, multiply_adds, steps_per_epoch, total_steps, state, "
        "started_ms, heartbeat_ms, host, boot, pid_space, pid, pid_started, segment) "
        "SELECT 'run-' || i, 'lenet5', 'adam', 'cosine', 'gradus train', i, 64, 10, 4, 2, 61706, "
        "416520, 844, 8440, 'finished', 0, 0, 'h', 'b', 's', 1, 1, 1 FROM n;"
        "WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
        "INSERT INTO metric (name, every) SELECT 'metric-' || i, 'epoch' FROM n;"
        "INSERT INTO summary SELECT run.id, metric.id, 10, 0, NULL, .5, 10, .25, 9, 1, 1 "
        "FROM run, metric;"
        "INSERT INTO checkpoint SELECT id, 'last.safetensors', 'last', 1, 10, .5, 0 FROM run;",
        runs);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_free(sql);
    sqlite3_close(handle);
}

/* 1,000 runs with 20 metrics each: opened and listed, summaries of all of them too. */
static void test_run_table(void **state)
{
    const store_place *place = *state;
    enum { RUNS = 1000 };
    nn_error error = {0};
    store_close(store_open(place->path, &error));
    fill_with_runs(place->path, RUNS);
    double best = 1e9;
    double best_all = 1e9;
    for (int attempt = 0; attempt < 5; attempt++) {
        double start = seconds_now();
        store *s = store_open(place->path, &error);
        assert_non_null(s);
        run_row *rows = NULL;
        int count = 0;
        assert_int_equal(store_runs(s, &rows, &count, &error), NN_OK);
        assert_int_equal(count, RUNS);
        best = fmin(best, seconds_now() - start);
        for (int i = 0; i < count; i++) {
            metric_summary *metrics = NULL;
            int metric_count = 0;
            assert_int_equal(store_metrics(s, rows[i].id, &metrics, &metric_count, &error), NN_OK);
            assert_int_equal(metric_count, 20);
            free(metrics);
        }
        best_all = fmin(best_all, seconds_now() - start);
        free(rows);
        store_close(s);
    }
    judge("1,000 runs opened and listed", best, .1);
    judge("with the 20 summaries of each", best_all, .1);
}

static nn_status thread_seconds(recorder *r, void *argument, nn_error *error)
{
    struct timespec used;
    (void)r;
    (void)error;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    *(double *)argument = (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
    return NN_OK;
}

static bool time_has_come(void *when)
{
    return seconds_now() >= *(double *)when;
}

/* 10,000 steps of half a millisecond: what recording them takes of a processor, and how long one
 * of the curves takes to load. */
static void test_recording_and_loading(void **state)
{
    const store_place *place = *state;
    enum { STEPS = 10000, BATCHES = 100 };
    nn_error error = {0};
    event_queue queue;
    event_queue_open(&queue);
    recorder *r = recorder_open(place->path, &error);
    assert_non_null(r);
    run_description description = plain_description(NULL);
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    assert_int_equal(recorder_follow_source(r, run, &queue.source, &error), NN_OK);
    double used_before = 0;
    double used_after = 0;
    recorder_ask(r, thread_seconds, &used_before, &error);
    /* At a trainer's pace, so that the recorder wakes and commits as often as it would. */
    double start = seconds_now();
    for (uint64_t step = 1; step <= STEPS; step++) {
        nn_event event = step_event(step, sin((double)step));
        event.update_ratio = .001;
        event_queue_push(&queue, &event);
        double due = start + (double)step * .0005;
        if (step % BATCHES == 0)
            wait_until(time_has_come, &due, 1);
    }
    recorder_ask(r, thread_seconds, &used_after, &error);
    nn_event end = event_of(NN_EVENT_END, STEPS);
    end.state = NN_FINISHED;
    event_queue_push(&queue, &end);
    assert_int_equal(recorder_wait(r, run, &error), NN_OK);
    assert_int_equal(recorder_close(r, &error), NN_OK);
    event_queue_close(&queue);
    judge("recording one step of 0.5 ms", (used_after - used_before) / STEPS, .01 * .0005);

    double best = 1e9;
    store *s = store_open(place->path, &error);
    assert_non_null(s);
    for (int attempt = 0; attempt < 20; attempt++) {
        uint64_t *steps = NULL;
        double *values = NULL;
        int64_t count = 0;
        double began = seconds_now();
        assert_int_equal(store_points(s, run, "loss", 0, &steps, &values, &count, &error), NN_OK);
        best = fmin(best, seconds_now() - began);
        assert_int_equal(count, STEPS);
        free(steps);
        free(values);
    }
    store_close(s);
    judge("loading a curve of 10,000 points", best, .001);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_run_table),
        IN_PLACE(test_recording_and_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
