/* The checks of both golden suites, the one in float and the one in double. */
#include "tests/golden_suite.h"

#include "tests/golden_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void print_line(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void our_file_agrees(void **state)
{
    (void)state;
    golden_result result;
    assert_true(golden_run_file("tests/golden/golden.json", false, print_line, NULL, &result));
    assert_int_equal(result.failed, 0);
    assert_true(result.known_cases >= 461); /* a case that vanishes from the tables is missed */
    assert_int_equal(result.passed + result.unknown, result.entries);
}

static void count_line(void *context, const char *line)
{
    (void)line;
    ++*(int *)context;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The comparison must be able to fail. */
static void wrong_numbers_are_noticed(void **state)
{
    const char *path = *state;
    golden_result result;
    int lines = 0;
    write_file(path, "[{\"id\":\"ch07-relu.y\",\"case\":\"ch07-relu\",\"inputs\":{\"z\":[1,-1],"
                     "\"d_y\":[1,1]},\"expected\":[1,0.5],\"tolerance\":1e-9},"
                     "{\"id\":\"ch07-relu.grad_z\",\"case\":\"ch07-relu\",\"inputs\":{},"
                     "\"expected\":[1,0],\"tolerance\":0},"
                     "{\"id\":\"ch07-relu.other\",\"case\":\"ch07-relu\",\"inputs\":{},"
                     "\"expected\":0,\"tolerance\":0},"
                     "{\"id\":\"ch99-new\",\"case\":null,\"inputs\":{},\"expected\":0,"
                     "\"tolerance\":0}]");
    assert_true(golden_run_file(path, true, count_line, &lines, &result));
    assert_int_equal(result.passed, 1);
    assert_int_equal(result.failed, 2);
    assert_int_equal(result.unknown, 1);
    assert_int_equal(lines, 3);
    write_file(path, "[{\"id\":\"ch07-relu.y\",\"case\":\"ch07-relu\",\"inputs\":{\"z\":[1,[2]]},"
                     "\"expected\":[1,0],\"tolerance\":0}]");
    assert_true(golden_run_file(path, false, count_line, &lines, &result));
    assert_int_equal(result.failed, 1);
    write_file(path, "{\"a\":1}");
    assert_false(golden_run_file(path, false, count_line, &lines, &result));
    write_file(path, "[1]");
    assert_false(golden_run_file(path, false, count_line, &lines, &result));
    assert_false(golden_run_file("build/no-such-file", false, count_line, &lines, &result));
    remove(path);
}

int golden_suite(const char *scratch)
{
    char path[256];
    snprintf(path, sizeof path, "%s", scratch);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_file_agrees),
        cmocka_unit_test_prestate(wrong_numbers_are_noticed, path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
