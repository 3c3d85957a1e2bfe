/* The real program trains: what it prints, what its store then holds, what others see of it. */
#include "tests/program_runs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check_epoch(const json_t *line, int epoch)
{
    static const char *const shares[] = {"train_error", "dev_error"};
    assert_string_equal(text_of(line, "event"), "epoch");
    assert_int_equal(whole_of(line, "epoch"), epoch);
    for (int i = 0; i < 2; i++)
        assert_true(number_of(line, shares[i]) >= 0 && number_of(line, shares[i]) <= 1);
    assert_true(number_of(line, "train_loss") > 0 && number_of(line, "dev_loss") > 0);
    assert_true(number_of(line, "lr") == 0.001);
    assert_true(number_of(line, "examples_per_s") > 0);
    assert_true(number_of(line, "seconds") > 0);
}

static void lines_come_in_order(void **state)
{
    (void)state;
    program_result result = program_run("train --data digits --epochs 2 --json --threads 1");
    assert_int_equal(result.status, 0);
    json_t *lines = program_json_lines(result.out);
    assert_int_equal(json_array_size(lines), 4);
    const json_t *start = json_array_get(lines, 0), *end = json_array_get(lines, 3);
    assert_string_equal(text_of(start, "event"), "start");
    assert_true(whole_of(start, "parameters") > 0 && whole_of(start, "shards") > 0);
    assert_int_equal(whole_of(start, "threads"), 1);
    check_epoch(json_array_get(lines, 1), 1);
    check_epoch(json_array_get(lines, 2), 2);
    assert_true(whole_of(json_array_get(lines, 2), "step") ==
                2 * whole_of(json_array_get(lines, 1), "step"));
    assert_string_equal(text_of(end, "event"), "end");
    assert_string_equal(text_of(end, "status"), "finished");
    assert_int_equal(whole_of(end, "run"), whole_of(start, "run"));
    assert_true(number_of(end, "test_error") < 0.5);
    assert_true(number_of(end, "best_dev_error") <=
                number_of(json_array_get(lines, 2), "dev_error"));
    json_decref(lines);
    program_free(&result);
}

static void store_agrees_with_lines(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 3 --json --name agreed");
    json_t *list = program_json("runs list --json"), *shown = show(run_of(lines));
    const json_t *row = json_array_get(json_object_get(list, "runs"), 0);
    const json_t *third = json_array_get(lines, 3), *end = last_of(lines);
    assert_int_equal(whole_of(row, "run"), run_of(lines));
    assert_string_equal(text_of(row, "name"), "agreed");
    assert_string_equal(text_of(row, "state"), "finished");
    assert_string_equal(text_of(shown, "state"), "finished");
    assert_true(number_of(row, "test_error") == number_of(end, "test_error"));
    assert_true(number_of(shown, "test_error") == number_of(end, "test_error"));
    assert_true(number_of(shown, "best_dev_error") == number_of(end, "best_dev_error"));
    const json_t *metrics = json_object_get(shown, "metrics");
    const json_t *loss = json_object_get(metrics, "loss");
    assert_int_equal(whole_of(loss, "count"), whole_of(third, "step"));
    assert_int_equal(whole_of(loss, "last_step"), whole_of(third, "step"));
    assert_true(number_of(loss, "min") <= number_of(loss, "max"));
    const json_t *dev = json_object_get(metrics, "dev_error");
    assert_int_equal(whole_of(dev, "count"), 3);
    assert_true(fabs(number_of(dev, "last") - number_of(third, "dev_error")) < 1e-6);
    const json_t *params = json_object_get(shown, "parameters");
    assert_string_equal(text_of(params, "data"), "digits");
    assert_true(number_of(params, "lr") == 0.001);
    json_decref(lines);
    json_decref(list);
    json_decref(shown);
}

/* The last confusion matrix counts every example of its part, and its error is the row's. */
static void confusion_counts_everything(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 1 --json");
    json_t *shown = show(run_of(lines));
    const json_t *matrix = json_object_get(shown, "confusion_matrix");
    const json_t *rows = json_object_get(matrix, "rows");
    long long all = 0, right = 0;
    for (size_t i = 0; i < 10; i++)
        for (size_t k = 0; k < 10; k++) {
            long long cell = json_integer_value(json_array_get(json_array_get(rows, i), k));
            all += cell;
            right += i == k ? cell : 0;
        }
    assert_string_equal(text_of(matrix, "part"), "test");
    assert_int_equal(all, whole_of(matrix, "count"));
    assert_int_equal(json_array_size(json_object_get(matrix, "classes")), 10);
    double error = 1 - (double)right / (double)all;
    assert_true(fabs(error - number_of(last_of(lines), "test_error")) < 1e-9);
    json_decref(lines);
    json_decref(shown);
}

static void watch_tells_the_same(void **state)
{
    (void)state;
    json_t *lines = train("train --data moons --epochs 3 --json --batch 32 --name seen");
    program_result result = program_run("watch seen --json");
    assert_int_equal(result.status, 0);
    json_t *watched = program_json_lines(result.out);
    assert_int_equal(json_array_size(watched), 5);
    for (size_t i = 1; i <= 3; i++) {
        const json_t *a = json_array_get(lines, i), *b = json_array_get(watched, i);
        assert_int_equal(whole_of(a, "epoch"), whole_of(b, "epoch"));
        assert_int_equal(whole_of(a, "step"), whole_of(b, "step"));
        assert_true(fabs(number_of(a, "train_loss") - number_of(b, "train_loss")) < 1e-6);
        assert_true(fabs(number_of(a, "dev_error") - number_of(b, "dev_error")) < 1e-6);
    }
    assert_string_equal(text_of(last_of(watched), "status"), "finished");
    json_decref(lines);
    json_decref(watched);
    program_free(&result);
}

/* A run under way in one process, followed by another to its end. */
static void watch_follows_a_live_run(void **state)
{
    (void)state;
    program p = start_run("live", 40);
    assert_true(program_lines(&p, 2));
    program_result seen = program_run("watch live --json");
    program_result told = program_finish(&p);
    assert_int_equal(seen.status, 0);
    assert_int_equal(told.status, 0);
    json_t *watched = program_json_lines(seen.out), *lines = program_json_lines(told.out);
    assert_int_equal(json_array_size(watched), json_array_size(lines));
    for (size_t i = 1; i + 1 < json_array_size(lines); i++)
        assert_int_equal(whole_of(json_array_get(watched, i), "step"),
                         whole_of(json_array_get(lines, i), "step"));
    assert_string_equal(text_of(last_of(watched), "status"), "finished");
    assert_true(number_of(last_of(watched), "test_error") ==
                number_of(last_of(lines), "test_error"));
    json_decref(watched);
    json_decref(lines);
    program_free(&seen);
    program_free(&told);
}

static void text_goes_where_it_belongs(void **state)
{
    (void)state;
    program_result result = program_run("train --data digits --epochs 2");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.err, "epoch 1/2"));
    assert_non_null(strstr(result.err, "epoch 2/2"));
    assert_null(strchr(result.err, '\r')); /* not rewritten in place: stderr is no terminal */
    assert_non_null(strstr(result.out, "finished"));
    assert_non_null(strstr(result.out, "test error"));
    program_free(&result);
    const char *const shown[] = {"runs list", "runs show last", "data list", "data show digits"};
    for (int i = 0; i < 4; i++) {
        program_result text = program_run(shown[i]);
        assert_int_equal(text.status, 0);
        assert_string_equal(text.err, "");
        assert_non_null(strstr(text.out, "digits"));
        program_free(&text);
    }
}

static void nothing_is_kept_without_a_store(void **state)
{
    (void)state;
    json_t *before = program_json("runs list --json");
    json_t *lines = train("train --data moons --epochs 1 --json --no-store");
    json_t *same = train("train --data moons --epochs 1 --json --store none");
    json_t *after = program_json("runs list --json");
    assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "run")));
    assert_true(json_is_null(json_object_get(last_of(same), "run")));
    assert_int_equal(json_array_size(json_object_get(before, "runs")),
                     json_array_size(json_object_get(after, "runs")));
    assert_int_not_equal(access("none", F_OK), 0);
    json_decref(before);
    json_decref(lines);
    json_decref(same);
    json_decref(after);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    const char *const model = "train --data digits --epochs 2 --json --dropout 0.2 --threads ";
    char line[128];
    snprintf(line, sizeof line, "%s1", model);
    json_t *one = train(line);
    snprintf(line, sizeof line, "%s2", model);
    json_t *two = train(line);
    assert_same_weights(run_of(one), run_of(two));
    json_decref(one);
    json_decref(two);
}

static void divergence_is_named(void **state)
{
    (void)state;
    program_result result =
        program_run("train --data digits --optimizer sgd --lr 1e30 --epochs 2 --json");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "--lr"));
    json_t *lines = program_json_lines(result.out);
    assert_string_equal(text_of(last_of(lines), "status"), "diverged");
    bool named = false;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        named = named || strcmp(text_of(line, "event"), "nonfinite") == 0;
    }
    assert_true(named);
    json_t *shown = show(run_of(lines));
    assert_string_equal(text_of(shown, "state"), "diverged");
    json_decref(shown);
    json_decref(lines);
    program_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_in_order),
        cmocka_unit_test(store_agrees_with_lines),
        cmocka_unit_test(confusion_counts_everything),
        cmocka_unit_test(watch_tells_the_same),
        cmocka_unit_test(watch_follows_a_live_run),
        cmocka_unit_test(text_goes_where_it_belongs),
        cmocka_unit_test(nothing_is_kept_without_a_store),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(divergence_is_named),
    };
    return cmocka_run_group_tests_name("program_train", tests, NULL, leave);
}
