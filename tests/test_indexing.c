/* What the table of cases does not reach: indices that name nothing, ties, and zeros in products.
 */
#include "engine/shapes.h"
#include "tests/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void bad_indices_give_nan_and_no_gradient(void **state)
{
    (void)state;
    const int axis = 0;
    const op_case c = {.op = "gather",
                       .what = "bad indices",
                       .rows = 1,
                       .input = {{.kind = OP_PARAMETER, .rank = 2, .dim = {3, 2}},
                                 {.kind = OP_LABELS, .rank = 1, .dim = {4}, .high = 3}},
                       .args = &axis,
                       .args_size = sizeof axis};
    const int32_t index[4] = {1, 3, -4, -3};
    op_run run;
    op_run_new(&run, &c, 1);
    memcpy(run.value[1], index, sizeof index);
    op_run_forward(&run);
    op_run_backward(&run);
    const nn_real *table = run.value[0];
    for (int k = 0; k < 2; k++) {
        assert_true(run.out[k] == table[2 + k] && run.out[6 + k] == table[k]);
        assert_true(isnan(run.out[2 + k]) && isnan(run.out[4 + k]));
        assert_true(run.gradient[0][2 + k] == run.grad_out[k]);
        assert_true(run.gradient[0][k] == run.grad_out[6 + k] && run.gradient[0][4 + k] == 0);
    }
    op_run_free(&run);
}

static void reduce_three(op_run *run, const char *op, const nn_real *x)
{
    static const nn_reduce_args all = {.count = 0};
    const op_case c = {.op = op,
                       .what = "three numbers",
                       .rows = 1,
                       .input = {{.kind = OP_ACTIVATION, .rank = 1, .dim = {3}}},
                       .args = &all,
                       .args_size = sizeof all};
    op_run_new(run, &c, 1);
    memcpy(run->value[0], x, 3 * sizeof *x);
    run->grad_out[0] = 1;
    op_run_forward(run);
    op_run_backward(run);
}

static void ties_and_zeros(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        nn_real x[3], y, slope[3];
    } expected[] = {
        {"reduce_max", {1, 2, 2}, 2, {0, 1, 0}},  {"reduce_min", {1, 1, 2}, 1, {1, 0, 0}},
        {"reduce_prod", {2, 0, 3}, 0, {0, 6, 0}}, {"reduce_prod", {0, 0, 3}, 0, {0, 0, 0}},
        {"reduce_l2", {0, 0, 0}, 0, {0, 0, 0}},   {"reduce_l1", {-2, 0, 1}, 3, {-1, 0, 1}},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        op_run run;
        reduce_three(&run, expected[i].op, expected[i].x);
        assert_true(run.out[0] == expected[i].y);
        for (int k = 0; k < 3; k++)
            assert_true(run.gradient[0][k] == expected[i].slope[k]);
        op_run_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_indices_give_nan_and_no_gradient),
        cmocka_unit_test(ties_and_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
