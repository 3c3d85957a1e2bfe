/* `gradus runs`: lists by rules, and changes with their way back, by the real program. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"

#include <stdlib.h>
#include <string.h>

static long long a, b, c;

/* Three short trainings; the last one is a branch of the second. */
static int make_runs(void **state)
{
    char line[256];
    (void)state;
    json_t *lines = train("train --data digits --model logreg --limit 200 --epochs 1 --lr 0.001 "
                          "--name one --json");
    a = run_of(lines);
    json_decref(lines);
    lines = train("train --data digits --model logreg --limit 200 --epochs 4 --lr 0.03 --name two "
                  "--json");
    b = run_of(lines);
    json_decref(lines);
    json_t *whole = show(b);
    long long step = whole_of(whole, "step");
    json_decref(whole);
    snprintf(line, sizeof line, "train --branch %lld@%lld --epochs 5 --name three --json", b, step);
    lines = train(line);
    c = run_of(lines);
    json_decref(lines);
    return 0;
}

/* The numbers of the runs in an answer, "3 1". */
static void expect_runs(const char *line, long long x, long long y, long long z)
{
    json_t *answer = program_json(line);
    const json_t *runs = json_object_get(answer, "runs");
    const long long expected[] = {x, y, z};
    size_t count = 0;
    while (count < 3 && expected[count] > 0)
        count++;
    if (json_array_size(runs) != count)
        fail_msg("%s: %zu runs, expected %zu", line, json_array_size(runs), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(whole_of(json_array_get(runs, i), "run"), expected[i]);
    json_decref(answer);
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

static void test_lists(void **state)
{
    (void)state;
    expect_runs("runs list --json", c, b, a);
    expect_runs("runs --json --sort id", a, b, c);
    expect_runs("runs list --json --filter 'param.lr>0.01 AND NOT name=three'", b, 0, 0);
    expect_runs("runs list --json --filter has:parent", c, 0, 0);
    expect_runs("runs list --json --filter 'dev_error.best>=0' --sort -dev_error.best_step", c, b,
                a);
    expect_runs("runs list --json --filter 'state=crashed'", 0, 0, 0);
    expect_runs("runs list --json --sort name", a, c, b);
    json_t *answer = program_json("runs list --json --tree --sort id --group param.lr "
                                  "--columns name,dev_error.best,param.lr");
    const json_t *runs = json_object_get(answer, "runs");
    const json_t *third = json_array_get(runs, 2);
    assert_int_equal(whole_of(third, "run"), c);
    assert_int_equal(whole_of(third, "depth"), 1);
    assert_true(number_of(third, "group") == .03);
    const json_t *columns = json_object_get(third, "columns");
    assert_string_equal(text_of(columns, "name"), "three");
    assert_true(number_of(columns, "dev_error.best") == number_of(third, "best_dev_error"));
    json_decref(answer);

    program_result text = program_run("runs list --tree --sort id --columns id,name,param.lr");
    assert_int_equal(text.status, 0);
    assert_non_null(strstr(text.out, "  id  name"));
    assert_non_null(strstr(text.out, "  two "));
    assert_non_null(strstr(text.out, "    three")); /* indented below its parent */
    program_free(&text);
    text = program_run("runs list --filter 'id>99'");
    assert_non_null(strstr(text.out, "No run fits"));
    program_free(&text);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("runs list --filter 'dev_eror<1'", 2, "did you mean 'dev_error'");
    refused("runs list --filter '(id=1'", 2, "at character 1");
    refused("runs list --sort param.lrr", 2, "did you mean 'lr'");
    refused("runs list --columns id,nam", 2, "did you mean 'name'");
    refused("runs list --view nothing", 2, "no view");
    refused("runs lst", 2, "did you mean 'list'");
    refused("runs list 7", 2, "one word too many");
    refused("runs rename one", 2, "expected one name");
    refused("runs rename one two", 1, "already");
    refused("runs archive", 2, "which run");
    refused("runs archive nobody", 1, "no run 'nobody'");
    refused("runs pin --sort id one", 2, "belongs to runs list");
    refused("runs tag one", 2, "expected a tag");
    refused("runs tag one x --colour pink", 1, "violet");
    refused("runs delete one --filter id=1", 2, "not both");
}

static void test_changes(void **state)
{
    char line[128];
    (void)state;
    json_t *answer = program_json("runs tag one good old --colour violet --json");
    const json_t *run = json_array_get(json_object_get(answer, "runs"), 0);
    assert_int_equal(json_array_size(json_object_get(run, "tags")), 2);
    json_decref(answer);
    expect_runs("runs list --filter has:old --json", a, 0, 0);
    expect_runs("runs untag one old --json", a, 0, 0);
    refused("runs untag one old", 1, "no tag 'old'");
    expect_runs("runs tag --filter 'param.lr>0.01' fast --json", c, b, 0);
    expect_runs("runs list --filter tag=fast --json", c, b, 0);

    expect_runs("runs note two 'lost in epoch 3' --json", b, 0, 0);
    expect_runs("runs list --filter 'note~epoch' --json", b, 0, 0);
    expect_runs("runs rename two deux --json", b, 0, 0);
    snprintf(line, sizeof line, "runs rename %lld two --json", b);
    expect_runs(line, b, 0, 0);

    expect_runs("runs pin one --json", a, 0, 0);
    expect_runs("runs list --json", a, c, b); /* on top */
    expect_runs("runs unpin one --json", a, 0, 0);

    expect_runs("runs archive one two --json", a, b, 0);
    expect_runs("runs list --json", c, 0, 0);
    expect_runs("runs list --archived --json", b, a, 0);
    expect_runs("runs list --all --json", c, b, a);
    expect_runs("runs delete one --json", a, 0, 0);
    expect_runs("runs list --deleted --json", a, 0, 0);
    expect_runs("runs list --all --json", c, b, 0);
    expect_runs("runs restore one two --json", a, b, 0);
    expect_runs("runs list --json", c, b, a);
    json_t *whole = show(a);
    assert_true(json_is_false(json_object_get(whole, "archived")));
    assert_true(json_is_false(json_object_get(whole, "deleted")));
    assert_int_equal(json_array_size(json_object_get(whole, "tags")), 1);
    json_decref(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, make_runs, leave);
}
