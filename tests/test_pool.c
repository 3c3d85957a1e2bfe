/* The pool: every task once, also when threads come and go, sleep or are kept waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { TASKS = 37 };

typedef struct {
    int count[TASKS];
    pthread_t thread[TASKS];
    long sum; /* written by the caller, read by the tasks */
    long seen[TASKS];
} work;

static void note(void *context, int index)
{
    work *w = context;
    w->count[index]++;
    w->thread[index] = pthread_self();
    w->seen[index] = w->sum;
}

static void check_run(nn_pool *pool, int count, long sum)
{
    work w = {.sum = sum};
    nn_pool_run(pool, count, note, &w);
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(w.count[i], i < count ? 1 : 0);
        if (i < count)
            assert_int_equal(w.seen[i], sum);
        if (i < count && (!pool || nn_pool_threads(pool) == 1))
            assert_true(pthread_equal(w.thread[i], pthread_self()));
    }
}

static void every_task_runs_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        nn_pool *pool = nn_pool_new(threads, NULL);
        assert_non_null(pool);
        assert_int_equal(nn_pool_threads(pool), threads);
        for (int count = 0; count <= TASKS; count += 3)
            check_run(pool, count, count * 7);
        nn_pool_free(pool);
    }
    check_run(NULL, 5, 1);
    nn_pool_free(NULL);
}

static void threads_may_change_between_runs(void **state)
{
    (void)state;
    nn_pool *pool = nn_pool_new(2, NULL);
    static const int next[] = {1, 4, 3, 3, 1, 2};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        assert_int_equal(nn_pool_resize(pool, next[i], NULL), NN_OK);
        assert_int_equal(nn_pool_threads(pool), next[i]);
        check_run(pool, TASKS, (long)i);
    }
    nn_error error;
    assert_int_equal(nn_pool_resize(pool, -1, &error), NN_E_ARG);
    assert_int_equal(nn_pool_resize(pool, 100000, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "100000"));
    assert_int_equal(nn_pool_threads(pool), 2);
    assert_int_equal(nn_pool_resize(pool, 0, NULL), NN_OK);
    assert_true(nn_pool_threads(pool) >= 1);
    nn_pool_free(pool);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs that follow each other at once, and after pauses long enough for the workers to sleep. */
static void runs_follow_each_other_fast_and_slowly(void **state)
{
    (void)state;
    nn_pool *pool = nn_pool_new(3, NULL);
    work w = {.sum = 0};
    for (int i = 0; i < 3000; i++)
        nn_pool_run(pool, 3, note, &w);
    for (int k = 0; k < 3; k++)
        assert_int_equal(w.count[k], 3000);
    for (int i = 0; i < 20; i++) {
        /* Longer than a worker spins, so that it sleeps by then. */
        double until = now(CLOCK_MONOTONIC) + 0.002;
        while (now(CLOCK_MONOTONIC) < until)
            ;
        check_run(pool, 3, i);
    }
    nn_pool_free(pool);
}

static void an_idle_pool_burns_no_core(void **state)
{
    (void)state;
    nn_pool *pool = nn_pool_new(3, NULL);
    check_run(pool, 3, 1);
    /* While the caller works alone, the process uses no more than the caller (and a short spin). */
    double process = now(CLOCK_PROCESS_CPUTIME_ID), own = now(CLOCK_THREAD_CPUTIME_ID);
    while (now(CLOCK_THREAD_CPUTIME_ID) < own + 0.2)
        ;
    process = now(CLOCK_PROCESS_CPUTIME_ID) - process;
    assert_true(process < 0.2 + 0.1);
    nn_pool_free(pool);
}

/* Two tasks that wait for each other need two threads. */
typedef struct {
    atomic_int begun, done;
    sigset_t mask[TASKS];
    pthread_t thread[TASKS];
} meeting;

static bool reaches(atomic_int *number, int least)
{
    double until = now(CLOCK_MONOTONIC) + 60;
    while (atomic_load(number) < least)
        if (now(CLOCK_MONOTONIC) > until)
            return false;
    return true;
}

static void ask_mask(void *context, int index)
{
    meeting *m = context;
    atomic_fetch_add(&m->begun, 1);
    m->thread[index] = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &m->mask[index]);
    if (reaches(&m->begun, 2))
        atomic_fetch_add(&m->done, 1);
}

static void workers_leave_signals_to_others(void **state)
{
    (void)state;
    sigset_t before, after;
    meeting m = {.begun = 0};
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    nn_pool *pool = nn_pool_new(2, NULL);
    nn_pool_run(pool, 2, ask_mask, &m);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(atomic_load(&m.done), 2);
    int other = pthread_equal(m.thread[0], pthread_self()) ? 1 : 0;
    assert_false(pthread_equal(m.thread[other], pthread_self()));
    assert_int_equal(sigismember(&m.mask[other], SIGWINCH), 1);
    assert_int_equal(sigismember(&m.mask[other], SIGINT), 1);
    assert_int_equal(sigismember(&m.mask[other], SIGTERM), 1);
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
    nn_pool_free(pool);
}

/* Whoever takes task 0 is stuck until all the others are done: the rest of its lane, too. */
static void stay_until_the_others_are_done(void *context, int index)
{
    meeting *m = context;
    if (index > 0 || reaches(&m->done, TASKS - 1))
        atomic_fetch_add(&m->done, 1);
}

static void a_thread_that_is_kept_waiting_holds_nobody_up(void **state)
{
    (void)state;
    nn_pool *pool = nn_pool_new(2, NULL);
    meeting m = {.begun = 0};
    nn_pool_run(pool, TASKS, stay_until_the_others_are_done, &m);
    assert_int_equal(atomic_load(&m.done), TASKS);
    nn_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(threads_may_change_between_runs),
        cmocka_unit_test(runs_follow_each_other_fast_and_slowly),
        cmocka_unit_test(an_idle_pool_burns_no_core),
        cmocka_unit_test(workers_leave_signals_to_others),
        cmocka_unit_test(a_thread_that_is_kept_waiting_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
