/* `gradus lesson` by the real program: pages, traces, proofs and their exit status. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"

#include <stdlib.h>
#include <string.h>

static void expect(const char *line, int status, const char *words)
{
    program_result result = program_run(line);
    if (result.status != status)
        fail_msg("%s: status %d, expected %d: %s", line, result.status, status, result.err);
    if (!strstr(status == 0 ? result.out : result.err, words))
        fail_msg("%s: '%s' is not in: %s%s", line, words, result.out, result.err);
    program_free(&result);
}

static void test_pages(void **state)
{
    (void)state;
    expect("lesson", 0, "not written yet");
    expect("lesson --lang ko", 0, "신경망으로 보는 로지스틱 회귀");
    expect("lesson 1", 0, "the loss falls from 0.854 to 0.216");
    expect("lesson 1 --print --lang ko", 0, "손실은 0.854에서 0.216로");
    expect("lesson 1 --trace --set 'y=0 rate=0.5'", 0, "b ← 0 - 0.5·0.425557");
    expect("lesson --glossary", 0, "sigmoid (시그모이드), 1");
    expect("lesson --search DOORMAN", 0, "slider");
    expect("lesson --search 문지기", 0, "문지기");
}

static void test_refusals(void **state)
{
    (void)state;
    expect("lesson 52", 2, "expected 1 to 51");
    expect("lesson 0", 2, "expected 1 to 51");
    expect("lesson one", 2, "expected 1 to 51");
    expect("lesson all", 2, "expected 1 to 51");
    expect("lesson 51 --trace", 1, "not written yet");
    expect("lesson 1 --trace --set 'q=1'", 1, "no input");
    expect("lesson 1 --trace --set 'rate=x'", 1, "expected a number");
    expect("lesson 1 --trace --check", 2, "expected one of");
    expect("lesson 1 --full", 2, "--full goes with --check");
    expect("lesson 1 --lang de", 2, "expected en or ko");
    expect("lesson --check", 2, "which chapter");
    expect("lesson 1 --search x", 2, "no number");
    expect("lesson --search xyzzyx", 1, "nothing holds");
}

static void test_proofs(void **state)
{
    (void)state;
    json_t *proof = program_json("lesson 1 --check --json");
    assert_int_equal(whole_of(proof, "chapter"), 1);
    assert_true(json_is_true(json_object_get(proof, "pass")));
    assert_true(json_array_size(json_object_get(proof, "trace")) > 10);
    assert_true(json_array_size(json_object_get(proof, "checks")) >= 3);
    const json_t *claims = json_object_get(proof, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++)
        assert_true(json_is_true(json_object_get(json_array_get(claims, i), "pass")));
    /* The lab's runs are ordinary runs of the store. */
    const json_t *runs = json_object_get(proof, "runs");
    assert_int_equal(json_array_size(runs), 3);
    json_t *run = show(json_integer_value(json_array_get(runs, 0)));
    assert_string_equal(text_of(run, "state"), "finished");
    json_decref(run);
    json_decref(proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, leave);
}
