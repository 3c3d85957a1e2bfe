/* exp, log, log1p, tanh and sigmoid in float. */
#include "tests/mathf_error.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accurate_to_a_few_places),
        cmocka_unit_test(corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
