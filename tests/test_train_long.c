/* The promise of the first page: LeNet-5 learns Fashion-MNIST in five epochs. Needs Debian's
 * dataset-fashion-mnist; skipped, visibly, where that is not installed. */
#include "tests/run_program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool fashion_available(void)
{
    json_t *list = program_json("data list --json"), *entry;
    bool available = false;
    size_t i;
    json_array_foreach(json_object_get(list, "data"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (strcmp(name, "fashion-mnist") == 0)
            available = json_is_true(json_object_get(entry, "available"));
    }
    json_decref(list);
    return available;
}

static void lenet_learns_fashion(void **state)
{
    (void)state;
    if (!fashion_available())
        skip();
    program_result result =
        program_run("train --data fashion-mnist --model lenet5 --epochs 5 --json");
    assert_int_equal(result.status, 0);
    json_t *lines = program_json_lines(result.out);
    assert_int_equal(json_array_size(lines), 7);
    const json_t *end = json_array_get(lines, 6);
    double error = json_number_value(json_object_get(end, "test_error"));
    assert_string_equal(json_string_value(json_object_get(end, "status")), "finished");
    assert_true(error > 0 && error <= 0.12);
    json_decref(lines);
    program_free(&result);
}

static int leave(void **state)
{
    (void)state;
    program_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lenet_learns_fashion)};
    return cmocka_run_group_tests(tests, NULL, leave);
}
