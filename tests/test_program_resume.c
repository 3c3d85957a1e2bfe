/* The real program ends and goes on: resumed, branched, killed, interrupted, unheard. */
#include "tests/program_runs.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void resume_continues_bit_for_bit(void **state)
{
    (void)state;
    json_t *whole = train("train --data digits --epochs 4 --dropout 0.2 --json");
    json_t *half = train("train --data digits --epochs 2 --dropout 0.2 --json");
    char line[96];
    snprintf(line, sizeof line, "train --resume %lld --epochs 4 --json", run_of(half));
    json_t *rest = train(line);
    assert_int_equal(run_of(rest), run_of(half));
    assert_int_equal(whole_of(json_array_get(rest, 1), "epoch"), 3);
    assert_true(number_of(json_array_get(rest, 2), "train_loss") ==
                number_of(json_array_get(whole, 4), "train_loss"));
    assert_same_weights(run_of(whole), run_of(half));
    json_t *shown = show(run_of(half));
    const json_t *loss = json_object_get(json_object_get(shown, "metrics"), "loss");
    assert_int_equal(whole_of(loss, "count"), whole_of(json_array_get(whole, 4), "step"));
    assert_string_equal(text_of(shown, "state"), "finished");
    program_result other = program_run("train --resume last --data digits --lr 3");
    assert_int_equal(other.status, 2);
    assert_non_null(strstr(other.err, "--lr with --resume"));
    program_free(&other);
    program_result done = program_run("train --resume last --data digits --lr 0.001 --json");
    assert_int_equal(done.status, 1);
    assert_non_null(strstr(done.err, "--epochs"));
    program_free(&done);
    json_decref(whole);
    json_decref(half);
    json_decref(rest);
    json_decref(shown);
}

/* Points of the training loss that are committed; 0 before the first. */
static json_int_t points_of_loss(json_int_t run)
{
    json_t *shown = show(run);
    const json_t *loss = json_object_get(json_object_get(shown, "metrics"), "loss");
    json_int_t count = loss ? whole_of(loss, "count") : 0;
    json_decref(shown);
    return count;
}

/* Every step, and every epoch's end, once. */
static void assert_whole_history(json_int_t run, json_int_t steps, json_int_t epochs)
{
    json_t *shown = show(run);
    const json_t *metrics = json_object_get(shown, "metrics");
    const json_t *loss = json_object_get(metrics, "loss"),
                 *dev = json_object_get(metrics, "dev_error");
    assert_int_equal(whole_of(loss, "count"), steps);
    assert_int_equal(whole_of(loss, "last_step"), steps);
    assert_int_equal(whole_of(dev, "count"), epochs);
    assert_string_equal(text_of(shown, "state"), "finished");
    json_decref(shown);
}

/* Lets a run begun by `p` go on until more than `points` are committed, then kills it. Returns the
 * last epoch it told of. */
static int kill_under_way(program *p, json_int_t points)
{
    assert_true(program_lines(p, 4)); /* start and three epochs */
    json_t *begun = json_loadb(p->text[0], strcspn(p->text[0], "\n"), 0, NULL);
    double deadline = program_now() + 60;
    while (points_of_loss(whole_of(begun, "run")) <= points)
        assert_true(program_now() < deadline);
    kill(p->pid, SIGKILL);
    program_result killed = program_finish(p);
    assert_int_equal(killed.status, 128 + SIGKILL);
    char *end = strrchr(killed.out, '\n'); /* the last line may be cut */
    assert_non_null(end);
    *end = '\0';
    json_t *lines = program_json_lines(killed.out);
    int epoch = (int)whole_of(last_of(lines), "epoch");
    json_decref(begun);
    json_decref(lines);
    program_free(&killed);
    return epoch;
}

/* Killed four times at instants nobody chose: nothing committed is lost, no step is missing or
 * there twice, and the weights are those of a run that was left alone. */
static void killed_run_goes_on(void **state)
{
    (void)state;
    program p = start_run("killed", 100000);
    json_int_t points = 0;
    int epochs = 0;
    for (int i = 0; i < 4; i++) {
        epochs = kill_under_way(&p, points) + 3;
        json_t *list = program_json("runs list --json");
        const json_t *row = json_array_get(json_object_get(list, "runs"), 0);
        assert_string_equal(text_of(row, "state"), "crashed");
        points = points_of_loss(whole_of(row, "run"));
        json_decref(list);
        if (i < 3)
            p = program_start("train --resume last --epochs 100000 --json");
    }
    char line[96];
    snprintf(line, sizeof line, "train --resume last --epochs %d --json", epochs);
    json_t *rest = train(line);
    assert_string_equal(text_of(last_of(rest), "status"), "finished");
    program unbroken = start_run("whole", epochs);
    program_result finished = program_finish(&unbroken);
    json_t *whole = program_json_lines(finished.out);
    assert_same_weights(run_of(whole), run_of(rest));
    json_int_t steps = whole_of(json_array_get(whole, (size_t)epochs), "step");
    assert_whole_history(run_of(rest), steps, epochs);
    json_decref(whole);
    json_decref(rest);
    program_free(&finished);
}

/* The path of a file beside the run's last checkpoint. */
static void checkpoint_path(json_int_t run, const char *name, char *path, size_t size)
{
    json_t *shown = show(run);
    const char *last = text_of(shown, "last_checkpoint");
    snprintf(path, size, "%.*s/%s.safetensors", (int)(strrchr(last, '/') - last), last, name);
    json_decref(shown);
}

/* What a kill leaves at two instants that are hard to hit: between the two renames there is no last
 * checkpoint; after them, before the store's commit, there is one that the store does not know. */
static void checkpoint_ahead_of_the_store_is_left(void **state)
{
    (void)state;
    json_t *longer = train("train --data digits --epochs 5 --dropout 0.2 --json");
    for (int ahead = 0; ahead < 2; ahead++) {
        char last[512], best[512], other[512], line[96];
        json_t *first = train("train --data digits --epochs 2 --dropout 0.2 --json");
        snprintf(line, sizeof line, "train --resume %lld --epochs 3 --json", run_of(first));
        json_t *half = train(line); /* what it came from is kept as the previous one */
        checkpoint_path(run_of(half), "last", last, sizeof last);
        checkpoint_path(run_of(longer), ahead ? "last" : "previous", other, sizeof other);
        checkpoint_path(run_of(half), "best", best, sizeof best);
        assert_int_equal(unlink(last), 0);
        assert_int_equal(unlink(best), 0); /* which would do as well */
        if (ahead)
            assert_int_equal(link(other, last), 0);
        snprintf(line, sizeof line, "train --resume %lld --epochs 5 --json", run_of(half));
        json_t *rest = train(line);
        assert_int_equal(whole_of(json_array_get(rest, 0), "step"),
                         whole_of(json_array_get(first, 2), "step"));
        assert_same_weights(run_of(longer), run_of(rest));
        assert_whole_history(run_of(rest), whole_of(json_array_get(longer, 5), "step"), 5);
        json_decref(first);
        json_decref(half);
        json_decref(rest);
    }
    json_decref(longer);
}

static void signals_stop_with_a_checkpoint(void **state)
{
    (void)state;
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        program p = program_start("train --data digits --epochs 5000 --json");
        assert_true(program_lines(&p, 2));
        kill(p.pid, numbers[i]);
        program_result result = program_finish(&p);
        assert_int_equal(result.status, 0);
        json_t *lines = program_json_lines(result.out);
        assert_string_equal(text_of(last_of(lines), "status"), "stopped");
        json_t *shown = show(run_of(lines));
        assert_string_equal(text_of(shown, "state"), "stopped");
        assert_int_equal(access(text_of(shown, "last_checkpoint"), R_OK), 0);
        /* The checkpoint is of the very last step: nothing done is lost. */
        char line[64];
        snprintf(line, sizeof line, "train --resume %lld --epochs 5001 --json", run_of(lines));
        program again = program_start(line);
        assert_true(program_lines(&again, 1));
        kill(again.pid, SIGKILL);
        program_result resumed = program_finish(&again);
        json_t *started = json_loadb(resumed.out, strcspn(resumed.out, "\n"), 0, NULL);
        assert_int_equal(whole_of(started, "step"), whole_of(shown, "step"));
        json_decref(started);
        json_decref(lines);
        json_decref(shown);
        program_free(&resumed);
        program_free(&result);
    }
}

static void closed_reader_does_not_end_the_run(void **state)
{
    (void)state;
    program p = program_start("train --data digits --epochs 5000 --json --name unread");
    assert_true(program_lines(&p, 1));
    close(p.out);
    p.out = -1;
    assert_true(program_says(&p, "goes on without it"));
    kill(p.pid, SIGTERM);
    program_result result = program_finish(&p);
    assert_int_equal(result.status, 0);
    json_t *shown = program_json("runs show unread --json");
    assert_string_equal(text_of(shown, "state"), "stopped");
    assert_true(whole_of(shown, "step") > 0);
    json_decref(shown);
    program_free(&result);
}

static void branch_is_a_new_run(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 2 --json");
    char line[96];
    snprintf(line, sizeof line, "train --branch %lld --epochs 3 --lr 0.0001 --json", run_of(lines));
    json_t *branch = train(line);
    assert_int_not_equal(run_of(branch), run_of(lines));
    json_t *shown = show(run_of(branch));
    assert_int_equal(whole_of(shown, "parent"), run_of(lines));
    const json_t *params = json_object_get(shown, "parameters");
    assert_true(number_of(params, "lr") == 0.0001);
    assert_string_equal(text_of(params, "data"), "digits");
    /* It starts from what the other had learned. */
    assert_true(number_of(json_array_get(branch, 1), "train_loss") <
                number_of(json_array_get(lines, 1), "train_loss"));
    json_decref(lines);
    json_decref(branch);
    json_decref(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_continues_bit_for_bit),
        cmocka_unit_test(killed_run_goes_on),
        cmocka_unit_test(checkpoint_ahead_of_the_store_is_left),
        cmocka_unit_test(signals_stop_with_a_checkpoint),
        cmocka_unit_test(closed_reader_does_not_end_the_run),
        cmocka_unit_test(branch_is_a_new_run),
    };
    return cmocka_run_group_tests_name("program_resume", tests, NULL, leave);
}
