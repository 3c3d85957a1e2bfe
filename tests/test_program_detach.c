/* Trainings in processes of their own, watched and steered by workbenches that may die, and that
 * outlive a training that dies. The real program, on pseudo-terminals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"
#include "tests/pty.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double patience = 90; /* for a busy machine with sanitizers */

enum { MOST = 4 };
typedef struct {
    pid_t pids[MOST]; /* of trainings that may still run */
    int count;
} trainings;

typedef struct {
    long long run;
    pid_t pid;
} detached;

static detached detach(trainings *all, const char *line)
{
    json_t *answer = program_json(line);
    detached d = {whole_of(answer, "run"), (pid_t)whole_of(answer, "pid")};
    assert_string_equal(text_of(answer, "event"), "detached");
    json_decref(answer);
    assert_true(all->count < MOST);
    all->pids[all->count++] = d.pid;
    return d;
}

/* Never done by itself within the test. */
static detached train_on(trainings *all, const char *name)
{
    char line[160];
    snprintf(
        line, sizeof line,
        "train --data digits --model mlp --batch 16 --epochs 1000000 --detach --json --name %s",
        name);
    return detach(all, line);
}

static bool is_in(long long run, const char *state)
{
    json_t *shown = show(run);
    bool is = strcmp(text_of(shown, "state"), state) == 0;
    json_decref(shown);
    return is;
}

static void wait_state(long long run, const char *state)
{
    double until = program_now() + patience;
    while (!is_in(run, state))
        if (program_now() > until)
            fail_msg("run %lld did not become %s", run, state);
}

static long long step_of(long long run)
{
    json_t *shown = show(run);
    long long step = whole_of(shown, "step");
    json_decref(shown);
    return step;
}

static void wait_for_steps(long long run, long long after)
{
    double until = program_now() + patience;
    while (step_of(run) <= after)
        if (program_now() > until)
            fail_msg("run %lld stands still at step %lld", run, after);
}

static pty *watch(long long run)
{
    char home[128], store[160], number[24];
    snprintf(home, sizeof home, "HOME=%s", program_folder());
    snprintf(store, sizeof store, "GRADUS_STORE=%s/store.db", program_folder());
    snprintf(number, sizeof number, "%lld", run);
    const char *argv[] = {getenv("GRADUS_PROGRAM"), "watch", number, NULL};
    const char *env[] = {home, store, NULL};
    pty *p = pty_start(&(pty_options){.argv = argv, .env = env});
    if (!p)
        skip();
    return p;
}

static void assert_text(pty *p, const char *text)
{
    if (!pty_wait_text(p, text, patience)) {
        pty_free(p);
        fail_msg("'%s' did not appear", text);
    }
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(trainings));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    trainings *all = *state;
    for (int i = 0; i < all->count; i++)
        kill(all->pids[i], SIGKILL);
    free(all);
    program_clean();
    return 0;
}

static void a_killed_workbench_harms_nothing(void **state)
{
    detached d = train_on(*state, "long");
    pty *first = watch(d.run);
    assert_text(first, "OTHER PROCESS");
    pty_keys(first, "p");
    wait_state(d.run, "paused");
    pty_signal(first, SIGKILL);
    assert_int_equal(pty_wait_exit(first, patience), 128 + SIGKILL);
    pty_free(first);
    assert_true(is_in(d.run, "paused"));
    long long step = step_of(d.run);

    pty *second = watch(d.run);
    assert_text(second, "OTHER PROCESS");
    assert_text(second, "paused");
    pty_keys(second, "comma");
    assert_text(second, "rate 0.001 -> 0.0005");
    pty_keys(second, "p");
    wait_for_steps(d.run, step);
    pty_hang_up(second); /* a closed window is no harm either */
    assert_int_equal(pty_wait_exit(second, patience), 129);
    pty_free(second);
    wait_for_steps(d.run, step_of(d.run));

    pty *third = watch(d.run);
    assert_text(third, "OTHER PROCESS");
    pty_keys(third, "S");
    assert_text(third, "y:stop");
    pty_keys(third, "y");
    assert_text(third, "stopped");
    wait_state(d.run, "stopped");
    pty_keys(third, "q");
    assert_int_equal(pty_wait_exit(third, patience), 0);
    pty_free(third);
}

static void a_killed_training_is_told(void **state)
{
    char line[120];
    detached d = train_on(*state, "victim");
    pty *p = watch(d.run);
    assert_text(p, "OTHER PROCESS");
    wait_for_steps(d.run, 200); /* past the first checkpoint */
    assert_int_equal(kill(d.pid, SIGKILL), 0);
    assert_text(p, "crashed");
    assert_text(p, "gone without a word");
    pty_keys(p, "3"); /* and the workbench works */
    assert_text(p, "[3 Runs]");
    assert_text(p, "crashed");
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    pty_free(p);

    /* It goes on where it was, detached again. */
    snprintf(line, sizeof line, "train --resume %lld --detach --json", d.run);
    detached again = detach(*state, line);
    assert_int_equal(again.run, d.run);
    wait_for_steps(d.run, 200);
    assert_int_equal(kill(again.pid, SIGTERM), 0);
    wait_state(d.run, "stopped");
}

static void many_at_once(void **state)
{
    char line[40];
    detached a = train_on(*state, "first"), b = train_on(*state, "second");
    pty *x = watch(a.run), *y = watch(b.run);
    assert_text(x, "OTHER PROCESS");
    assert_text(y, "OTHER PROCESS");
    wait_for_steps(a.run, step_of(a.run));
    wait_for_steps(b.run, step_of(b.run));
    assert_int_equal(kill(a.pid, SIGTERM), 0);
    assert_text(x, "stopped");
    wait_for_steps(b.run, step_of(b.run)); /* the other one goes on */

    /* The first one's workbench steers the second training. */
    snprintf(line, sizeof line, "open %lld", b.run);
    pty_keys(x, "3 :");
    pty_send(x, line);
    pty_keys(x, "enter");
    assert_text(x, "OTHER PROCESS");
    pty_keys(x, "S");
    assert_text(x, "y:stop");
    pty_keys(x, "y");
    assert_text(y, "stopped");
    wait_state(b.run, "stopped");
    pty_free(x);
    pty_free(y);
}

static void what_cannot_begin_is_said(void **state)
{
    (void)state;
    program_result result = program_run("train --data nowhere --detach");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "no data set or file 'nowhere'"));
    assert_string_equal(result.out, "");
    program_free(&result);
    result = program_run("train --data digits --detach --no-store");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.err, "--detach needs the store"));
    program_free(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_killed_workbench_harms_nothing),
        TEST(a_killed_training_is_told),
        TEST(many_at_once),
        TEST(what_cannot_begin_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
