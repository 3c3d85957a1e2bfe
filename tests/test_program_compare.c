/* `gradus compare` by the real program, over runs that it trained. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static long long plain, bad;

static long long made(const char *line)
{
    json_t *lines = train(line);
    long long id = run_of(lines);
    json_decref(lines);
    return id;
}

static int make_runs(void **state)
{
    (void)state;
    plain = made("train --data digits --model logreg --limit 1500 --epochs 3 --lr 0.003 "
                 "--name plain --json");
    made("train --data digits --model mlp --limit 1500 --epochs 4 --lr 0.01 --name deep "
         "--json");
    made("train --data digits --model logreg --limit 1500 --epochs 3 --lr 0.003 "
         "--seed 2 --name seed-two --json");
    /* It diverges: the exit status says so. */
    program_result result = program_run("train --data digits --model mlp --limit 1500 --epochs 2 "
                                        "--optimizer sgd --lr 1e30 --name bad --json");
    json_t *lines = program_json_lines(result.out);
    bad = run_of(lines);
    json_decref(lines);
    program_free(&result);
    return 0;
}

static const json_t *item(const json_t *answer, const char *list, size_t i)
{
    const json_t *found = json_array_get(json_object_get(answer, list), i);
    assert_non_null(found);
    return found;
}

static void refused(const char *line, int status, const char *words)
{
    program_result result = program_run(line);
    assert_int_equal(result.status, status);
    assert_string_equal(result.out, "");
    if (!strstr(result.err, words))
        fail_msg("%s: '%s' is not in: %s", line, words, result.err);
    program_free(&result);
}

/* Every number of a pair follows from the lists beside it. */
static void test_pair_is_consistent(void **state)
{
    (void)state;
    json_t *answer = program_json("compare plain deep --json");
    const json_t *pair = item(answer, "pairs", 0);
    const json_t *a = json_object_get(item(answer, "runs", 0), "dev");
    const json_t *b = json_object_get(item(answer, "runs", 1), "dev");
    long long only_a = whole_of(pair, "only_first_right");
    long long only_b = whole_of(pair, "only_second_right");
    long long count = whole_of(pair, "count");
    assert_int_equal(count, whole_of(a, "count"));
    assert_int_equal(count,
                     whole_of(pair, "both_right") + whole_of(pair, "both_wrong") + only_a + only_b);
    double difference = number_of(pair, "difference");
    assert_true(fabs(difference - (double)(only_a - only_b) / (double)count) < 1e-12);
    assert_true(fabs(difference - (number_of(b, "error") - number_of(a, "error"))) < 1e-9);
    const json_t *range = json_object_get(pair, "difference_95");
    assert_true(json_number_value(json_array_get(range, 0)) < difference);
    assert_true(json_number_value(json_array_get(range, 1)) > difference);
    const json_t *examples = json_object_get(pair, "examples");
    assert_int_equal(json_array_size(examples), only_a + only_b);
    long long seen[2] = {0, 0};
    for (size_t i = 0; i < json_array_size(examples); i++) {
        const json_t *e = json_array_get(examples, i);
        bool first = whole_of(e, "first") == whole_of(e, "truth");
        bool second = whole_of(e, "second") == whole_of(e, "truth");
        assert_true(first != second);
        assert_string_equal(text_of(e, "right"), first ? "first" : "second");
        seen[second]++;
    }
    assert_int_equal(seen[0], only_a);
    const json_t *change = json_object_get(pair, "confusion_difference");
    for (size_t i = 0; i < 100; i++) {
        long long cell[3];
        const json_t *tables[] = {change, json_object_get(a, "confusion"),
                                  json_object_get(b, "confusion")};
        for (int k = 0; k < 3; k++)
            cell[k] = json_integer_value(json_array_get(json_array_get(tables[k], i / 10), i % 10));
        assert_int_equal(cell[0], cell[2] - cell[1]);
    }
    json_decref(answer);
}

static void test_verdicts(void **state)
{
    (void)state;
    json_t *answer = program_json("compare plain deep --json");
    assert_string_equal(text_of(item(answer, "pairs", 0), "verdict"), "better");
    assert_non_null(strstr(text_of(item(answer, "pairs", 0), "sentence"), "B is better than A"));
    assert_string_equal(text_of(answer, "lowest_dev_error"), "B");
    const json_t *lr = json_object_get(json_object_get(answer, "different"), "lr");
    assert_string_equal(text_of(lr, "A"), "0.003");
    assert_string_equal(text_of(lr, "B"), "0.01");
    assert_null(json_object_get(json_object_get(answer, "different"), "batch"));
    assert_string_equal(text_of(json_object_get(answer, "same"), "batch"), "64");
    /* Runs with other numbers of epochs each keep their own points. */
    for (size_t i = 0; i < 2; i++) {
        const json_t *curves = json_object_get(item(answer, "runs", i), "curves");
        const json_t *points = json_object_get(curves, "dev_error");
        assert_int_equal(json_array_size(json_object_get(points, "value")), 3 + i);
        assert_int_equal(json_array_size(json_object_get(points, "seconds")), 3 + i);
        assert_true(json_number_value(json_array_get(json_object_get(points, "epoch"), 2)) == 3);
    }
    json_decref(answer);
    answer = program_json("compare deep plain --json");
    assert_string_equal(text_of(item(answer, "pairs", 0), "verdict"), "worse");
    json_decref(answer);
}

static void test_never_ranked(void **state)
{
    (void)state;
    json_t *answer = program_json("compare plain seed-two bad --json");
    assert_string_equal(text_of(item(answer, "runs", 0), "standing"), "ranked");
    assert_string_equal(text_of(item(answer, "runs", 1), "standing"), "other_dev_set");
    assert_string_equal(text_of(item(answer, "runs", 2), "standing"), "nan");
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(text_of(item(answer, "pairs", i), "verdict"), "not_ranked");
    const json_t *seeds = json_object_get(item(answer, "runs", 0), "seeds");
    assert_int_equal(whole_of(seeds, "count"), 2);
    assert_true(number_of(seeds, "spread") >= 0);
    json_decref(answer);
    program_result text = program_run("compare plain seed-two bad deep");
    assert_int_equal(text.status, 0);
    assert_non_null(strstr(text.out, "other dev set: not ranked"));
    assert_non_null(strstr(text.out, "A over 2 seeds"));
    assert_non_null(strstr(text.out, "D is better than A"));
    program_free(&text);
}

/* Without the answers themselves only the two rates are left. */
static void test_without_predictions(void **state)
{
    (void)state;
    char path[256], sql[96];
    long long id = made("train --data digits --model logreg --limit 1500 --epochs 1 --name bare "
                        "--json");
    snprintf(path, sizeof path, "%s/store.db", program_folder());
    snprintf(sql, sizeof sql, "DELETE FROM prediction WHERE run = %lld", id);
    run_sql(path, sql);
    json_t *answer = program_json("compare deep bare --json");
    const json_t *pair = item(answer, "pairs", 0);
    assert_true(json_is_false(json_object_get(pair, "paired")));
    assert_true(json_is_null(json_object_get(pair, "p")));
    assert_string_equal(text_of(pair, "verdict"), "worse");
    assert_non_null(strstr(text_of(pair, "sentence"), "not paired"));
    assert_int_equal(json_array_size(json_object_get(pair, "examples")), 0);
    json_decref(answer);
}

static void test_refusals(void **state)
{
    (void)state;
    char line[96];
    refused("compare", 2, "at least two runs");
    refused("compare plain", 2, "at least two runs");
    refused("compare plain nowhere", 1, "there is no run 'nowhere'");
    snprintf(line, sizeof line, "compare plain %lld", plain);
    refused(line, 1, "the same run");
    program_result result = program_run("runs delete bad");
    assert_int_equal(result.status, 0);
    program_free(&result);
    snprintf(line, sizeof line, "compare plain %lld", bad);
    refused(line, 1, "is deleted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_is_consistent), cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_never_ranked),       cmocka_unit_test(test_without_predictions),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("program_compare", tests, make_runs, leave);
}
