/* Every element of every gradient of every operator against central differences, with the engine
 * built in double; and the forward pass against the reference once more, at double precision. */
#include "tests/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double epsilon = 1e-6, tolerance = 1e-6;

/* Change of sum(grad_out * out) when element k of input i changes. Element by element, so that what
 * does not change leaves no rounding behind. */
static double difference_along(op_run *run, int i, int64_t k, nn_real *up)
{
    nn_real *x = (nn_real *)run->value[i] + k, kept = *x;
    *x = kept + epsilon;
    op_run_forward(run);
    memcpy(up, run->out, (size_t)run->out_count * sizeof *up);
    *x = kept - epsilon;
    op_run_forward(run);
    *x = kept;
    double sum = 0;
    for (int64_t o = 0; o < run->out_count; o++)
        sum += (up[o] - run->out[o]) * run->grad_out[o];
    return sum / (2 * epsilon);
}

static void check_gradients(op_run *run, const op_case *c)
{
    nn_real *up = malloc((size_t)run->out_count * sizeof *up);
    assert_non_null(up);
    op_run_forward(run);
    op_run_backward(run);
    for (int i = 0; i < run->inputs; i++) {
        if (!run->wanted[i])
            continue;
        for (int64_t k = 0; k < run->count[i]; k++) {
            double expected = difference_along(run, i, k, up), got = run->gradient[i][k];
            double scale = fmax(0.1, fmax(fabs(got), fabs(expected)));
            if (!(fabs(got - expected) <= tolerance * scale))
                fail_msg("%s (%s): d input %d [%lld] = %.12g, differences say %.12g", c->op,
                         c->what, i, (long long)k, got, expected);
        }
    }
    free(up);
}

static void check_forward(op_run *run, const op_case *c)
{
    nn_real *expected = malloc((size_t)run->out_count * sizeof *expected);
    assert_non_null(expected);
    op_run_reference(run, expected);
    op_run_forward(run);
    for (int64_t k = 0; k < run->out_count; k++)
        if (!(fabs(run->out[k] - expected[k]) <= 1e-12 * (1 + fabs(expected[k]))))
            fail_msg("%s (%s): output[%lld] = %.17g, expected %.17g", c->op, c->what, (long long)k,
                     run->out[k], expected[k]);
    free(expected);
}

static void on_every_case(void (*check)(op_run *run, const op_case *c), int random_cases)
{
    op_run run;
    for (int i = 0; i < op_case_count(); i++) {
        op_run_new(&run, op_case_at(i), 11);
        check(&run, op_case_at(i));
        op_run_free(&run);
    }
    for (int i = 0; i < NN_OP_COUNT; i++)
        for (int seed = 0; seed < random_cases; seed++) {
            op_case drawn;
            op_case_random(nn_op_at(i)->name, (uint64_t)seed + 1000, &drawn);
            op_run_new(&run, &drawn, (uint64_t)seed);
            check(&run, &drawn);
            op_run_free(&run);
        }
}

static void gradients_match_differences(void **state)
{
    (void)state;
    on_every_case(check_gradients, 10);
}

/* The same with the batch in two shards: statistics and partial gradients are merged. */
static void check_sharded(op_run *run, const op_case *c)
{
    op_run_cut(run, 2, (int64_t[]){0, (run->rows + 1) / 2, run->rows});
    check_gradients(run, c);
}

static void gradients_match_in_shards(void **state)
{
    (void)state;
    on_every_case(check_sharded, 3);
}

static void forward_equals_reference(void **state)
{
    (void)state;
    on_every_case(check_forward, 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_equals_reference),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(gradients_match_in_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
