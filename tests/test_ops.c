/* Every operator of ops.def on the table of cases: against its reference, cut into shards, in
 * place, accumulating, with constants and with NaN. */
#include "tests/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RANDOM_CASES = 25 };

/* Runs `check` on every case of the table and on random ones of every operator. */
static void on_every_case(void (*check)(op_run *run, const op_case *c))
{
    op_run run;
    for (int i = 0; i < op_case_count(); i++) {
        op_run_new(&run, op_case_at(i), 7);
        check(&run, op_case_at(i));
        op_run_free(&run);
    }
    for (int i = 0; i < NN_OP_COUNT; i++)
        for (uint64_t seed = 0; seed < RANDOM_CASES; seed++) {
            op_case drawn;
            op_case_random(nn_op_at(i)->name, seed, &drawn);
            op_run_new(&run, &drawn, seed);
            check(&run, &drawn);
            op_run_free(&run);
        }
}

static nn_real *copy_of(const nn_real *x, int64_t count)
{
    nn_real *copy = malloc(((size_t)count + 1) * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, x, (size_t)count * sizeof *copy);
    return copy;
}

static void assert_close(const op_case *c, const char *what, const nn_real *got,
                         const nn_real *expected, int64_t count, double tolerance)
{
    for (int64_t k = 0; k < count; k++) {
        double e = (double)expected[k], difference = fabs((double)got[k] - e);
        if (!(difference <= tolerance * (1 + fabs(e))))
            fail_msg("%s (%s): %s[%lld] = %.9g, expected %.9g", c->op, c->what, what, (long long)k,
                     (double)got[k], e);
    }
}

static void assert_same_bits(const op_case *c, const char *what, const nn_real *got,
                             const nn_real *expected, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        if (memcmp(got + k, expected + k, sizeof *got) != 0)
            fail_msg("%s (%s): %s[%lld] = %.9g, expected exactly %.9g", c->op, c->what, what,
                     (long long)k, (double)got[k], (double)expected[k]);
}

static void every_operator_has_cases(void **state)
{
    (void)state;
    for (int i = 0; i < NN_OP_COUNT; i++) {
        int cases = 0;
        for (int k = 0; k < op_case_count(); k++)
            cases += strcmp(op_case_at(k)->op, nn_op_at(i)->name) == 0;
        if (cases < 3)
            fail_msg("operator '%s' has %d cases in tests/operators, 3 are the least",
                     nn_op_at(i)->name, cases);
        const nn_op *op = nn_op_at(i);
        assert_true(op->shape && op->forward && op->reference);
        assert_true((op->backward != NULL) != ((op->flags & NN_OP_NO_GRADIENT) != 0));
    }
    for (int i = 0; i < NN_OP_COUNT; i++)
        if (!op_traits_of(nn_op_at(i)->name))
            fail_msg("operator '%s' has no traits in tests/operators", nn_op_at(i)->name);
    for (int k = 0; k < op_case_count(); k++)
        if (!op_by_name(op_case_at(k)->op))
            fail_msg("cases for '%s', which ops.def does not have", op_case_at(k)->op);
}

static void check_reference(op_run *run, const op_case *c)
{
    nn_real *expected = malloc((size_t)run->out_count * sizeof *expected);
    assert_non_null(expected);
    op_run_reference(run, expected);
    op_run_forward(run);
    assert_close(c, "output", run->out, expected, run->out_count, 2e-5);
    free(expected);
}

static void forward_equals_reference(void **state)
{
    (void)state;
    on_every_case(check_reference);
}

/* The derivative along one input element of sum(grad_out * out). Linear operators allow a step of
 * 1, which loses nothing; the others get a small one and a wide tolerance here, and an exact check
 * in double in test_op_gradients. */
static double slope_of(op_run *run, int i, int64_t k, double step, nn_real *up, nn_real *down)
{
    nn_real *x = (nn_real *)run->value[i] + k, kept = *x;
    *x = (nn_real)((double)kept + step);
    op_run_reference(run, up);
    *x = (nn_real)((double)kept - step);
    op_run_reference(run, down);
    *x = kept;
    double sum = 0;
    for (int64_t o = 0; o < run->out_count; o++)
        sum += ((double)up[o] - (double)down[o]) * (double)run->grad_out[o];
    return sum / (2 * step);
}

static void check_slopes(op_run *run, const op_case *c)
{
    bool linear = op_traits_of(c->op)->linear;
    double step = linear ? 1 : 1e-3, tolerance = linear ? 1e-4 : 2e-2;
    if (op_traits_of(c->op)->kinked)
        return; /* steps would change the winner; covered in double */
    nn_real *up = malloc((size_t)run->out_count * sizeof *up);
    nn_real *down = malloc((size_t)run->out_count * sizeof *down);
    assert_true(up && down);
    op_run_forward(run);
    op_run_backward(run);
    for (int i = 0; i < run->inputs; i++)
        for (int64_t k = 0; run->wanted[i] && k < run->count[i]; k += 1 + run->count[i] / 20) {
            double expected = slope_of(run, i, k, step, up, down);
            double got = (double)run->gradient[i][k];
            if (!(fabs(got - expected) <= tolerance * (1 + fabs(expected))))
                fail_msg("%s (%s): gradient of input %d [%lld] = %.9g, expected %.9g", c->op,
                         c->what, i, (long long)k, got, expected);
        }
    free(up);
    free(down);
}

static void gradients_follow_the_reference(void **state)
{
    (void)state;
    on_every_case(check_slopes);
}

static void check_cut(op_run *run, const op_case *c)
{
    bool exact = !op_traits_of(c->op)->depends_on_cut;
    nn_real *gradient[NN_MAX_INPUTS] = {NULL};
    op_run_forward(run);
    op_run_backward(run);
    nn_real *out = copy_of(run->out, run->out_count);
    for (int i = 0; i < run->inputs; i++)
        if (run->wanted[i])
            gradient[i] = copy_of(run->gradient[i], run->count[i]);
    int64_t middle = run->rows / 2, third = run->rows / 3;
    const int64_t cuts[][5] = {{0, middle, run->rows},
                               {0, 0, run->rows},
                               {0, run->rows, run->rows},
                               {0, third, third, run->rows - third, run->rows}};
    for (int t = 0; t < 4; t++) {
        op_run_cut(run, t < 3 ? 2 : 4, cuts[t]);
        op_run_forward(run);
        op_run_backward(run);
        if (exact)
            assert_same_bits(c, "output of shards", run->out, out, run->out_count);
        else
            assert_close(c, "output of shards", run->out, out, run->out_count, 1e-5);
        for (int i = 0; i < run->inputs; i++)
            if (gradient[i] && exact)
                assert_same_bits(c, "gradient of shards", run->gradient[i], gradient[i],
                                 run->count[i]);
            else if (gradient[i])
                assert_close(c, "gradient of shards", run->gradient[i], gradient[i], run->count[i],
                             5e-5);
    }
    for (int i = 0; i < run->inputs; i++)
        free(gradient[i]);
    free(out);
}

static void shards_change_nothing(void **state)
{
    (void)state;
    on_every_case(check_cut);
}

static void check_in_place(op_run *run, const op_case *c)
{
    /* A plan works in place where the output is as large as input 0 (plan.c). */
    if (!(run->node->op->flags & NN_OP_INPLACE) || run->row[0] != run->out_row)
        return;
    op_run_forward(run);
    op_run_backward(run);
    nn_real *out = copy_of(run->out, run->out_count);
    nn_real *gradient = copy_of(run->gradient[0], run->count[0]);
    run->in_place = true;
    op_run_forward(run);
    assert_same_bits(c, "output in place", run->value[0], out, run->out_count);
    op_run_backward(run);
    assert_same_bits(c, "gradient in place", run->gradient[0], gradient, run->count[0]);
    free(out);
    free(gradient);
}

static void in_place_changes_nothing(void **state)
{
    (void)state;
    on_every_case(check_in_place);
}

static void check_adding(op_run *run, const op_case *c)
{
    nn_real *expected[NN_MAX_INPUTS] = {NULL};
    op_run_forward(run);
    op_run_backward(run);
    for (int i = 0; i < run->inputs; i++) {
        if (!run->wanted[i])
            continue;
        expected[i] = copy_of(run->gradient[i], run->count[i]);
        for (int64_t k = 0; k < run->count[i]; k++) {
            nn_real before = (nn_real)((double)(k % 7) - 2.5);
            run->gradient[i][k] = before;
            expected[i][k] += before;
        }
    }
    run->add = true;
    op_run_forward(run);
    op_run_backward(run);
    for (int i = 0; i < run->inputs; i++) {
        if (expected[i])
            assert_close(c, "added gradient", run->gradient[i], expected[i], run->count[i], 1e-5);
        free(expected[i]);
    }
}

static void gradients_add_where_asked(void **state)
{
    (void)state;
    on_every_case(check_adding);
}

static void check_constants(op_run *run, const op_case *c)
{
    nn_real *gradient[NN_MAX_INPUTS] = {NULL};
    bool all[NN_MAX_INPUTS];
    memcpy(all, run->wanted, sizeof all);
    op_run_forward(run);
    op_run_backward(run);
    for (int i = 0; i < run->inputs; i++)
        if (all[i])
            gradient[i] = copy_of(run->gradient[i], run->count[i]);
    for (int i = 0; i < run->inputs; i++) {
        if (!all[i])
            continue;
        memset(run->wanted, 0, sizeof run->wanted); /* every other input is a constant */
        run->wanted[i] = true;
        for (int k = 0; k < run->inputs; k++)
            if (run->node->input[k])
                memset(run->gradient[k], 0x55, (size_t)run->count[k] * sizeof(nn_real));
        op_run_forward(run);
        op_run_backward(run);
        assert_same_bits(c, "gradient alone", run->gradient[i], gradient[i], run->count[i]);
        for (int k = 0; k < run->inputs; k++)
            for (size_t b = 0; k != i && b < (size_t)run->count[k] * sizeof(nn_real); b++)
                assert_int_equal(((unsigned char *)run->gradient[k])[b], 0x55);
    }
    for (int i = 0; i < run->inputs; i++)
        free(gradient[i]);
}

static void constants_get_no_gradient(void **state)
{
    (void)state;
    on_every_case(check_constants);
}

static void check_nan(op_run *run, const op_case *c)
{
    /* A random window may step over every cell of a small image. */
    bool may_vanish = op_traits_of(c->op)->nan_may_vanish || strcmp(c->what, "random") == 0;
    nn_real *expected = malloc(((size_t)run->out_count + 1) * sizeof *expected);
    assert_non_null(expected);
    for (int i = 0; i < run->inputs; i++) {
        if (!run->wanted[i] || run->count[i] == 0)
            continue;
        int64_t bad = run->row[i] ? run->row[i] : run->count[i];
        nn_real *kept = copy_of(run->value[i], run->count[i]);
        for (int64_t k = 0; k < bad; k++) /* the first row, or the whole parameter */
            ((nn_real *)run->value[i])[k] = (nn_real)NAN;
        op_run_reference(run, expected);
        op_run_forward(run);
        for (int64_t k = 0; k < run->out_count; k++)
            if (isnan(expected[k]) && !isnan(run->out[k]))
                fail_msg("%s (%s): NaN in input %d is lost at output[%lld]", c->op, c->what, i,
                         (long long)k);
        int64_t first = run->out_row ? run->out_row : run->out_count, found = 0;
        for (int64_t k = 0; k < first; k++)
            found += isnan(run->out[k]) != 0;
        if (found == 0 && !may_vanish)
            fail_msg("%s (%s): NaN in input %d is lost", c->op, c->what, i);
        bool alone = run->row[i] && run->out_row && !op_traits_of(c->op)->mixes;
        for (int64_t k = first; alone && k < run->out_count; k++)
            if (isnan(run->out[k]))
                fail_msg("%s (%s): NaN in row 0 reached output[%lld]", c->op, c->what,
                         (long long)k);
        memcpy(run->value[i], kept, (size_t)run->count[i] * sizeof *kept);
        free(kept);
    }
    free(expected);
}

static void nan_propagates(void **state)
{
    (void)state;
    on_every_case(check_nan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_has_cases),
        cmocka_unit_test(forward_equals_reference),
        cmocka_unit_test(gradients_follow_the_reference),
        cmocka_unit_test(shards_change_nothing),
        cmocka_unit_test(in_place_changes_nothing),
        cmocka_unit_test(gradients_add_where_asked),
        cmocka_unit_test(constants_get_no_gradient),
        cmocka_unit_test(nan_propagates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
