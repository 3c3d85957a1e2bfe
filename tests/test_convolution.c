/* What the operator table cannot say of convolutions: paddings by name, refusals, and shards of so
 * many cells that the kernels cut them into blocks. */
#include "tests/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_pads(const int pad[4], int top, int left, int bottom, int right)
{
    assert_int_equal(pad[0], top);
    assert_int_equal(pad[1], left);
    assert_int_equal(pad[2], bottom);
    assert_int_equal(pad[3], right);
}

static void same_padding_keeps_the_size(void **state)
{
    (void)state;
    int pad[4];
    nn_same_pads(nn_shape3(1, 5, 7), (int[]){3, 5}, (int[]){1, 1}, NULL, NN_SAME_UPPER, pad);
    assert_pads(pad, 1, 2, 1, 2);
    nn_same_pads(nn_shape3(1, 5, 7), (int[]){2, 4}, (int[]){0, 0}, NULL, NN_SAME_UPPER, pad);
    assert_pads(pad, 0, 1, 1, 2);
    nn_same_pads(nn_shape3(1, 5, 7), (int[]){2, 4}, (int[]){1, 1}, NULL, NN_SAME_LOWER, pad);
    assert_pads(pad, 1, 2, 0, 1);
    nn_same_pads(nn_shape3(1, 5, 6), (int[]){3, 3}, (int[]){2, 2}, NULL, NN_SAME_UPPER, pad);
    assert_pads(pad, 1, 0, 1, 1);
    nn_same_pads(nn_shape3(1, 9, 9), (int[]){3, 3}, (int[]){1, 1}, (int[]){2, 3}, NN_SAME_UPPER,
                 pad);
    assert_pads(pad, 2, 3, 2, 3);
    nn_same_pads(nn_shape3(1, 9, 9), (int[]){1, 1}, (int[]){4, 4}, NULL, NN_SAME_UPPER, pad);
    assert_pads(pad, 0, 0, 0, 0);
}

static void transposed_padding_gives_the_size(void **state)
{
    (void)state;
    nn_conv_transpose_args args = {.conv = {.stride = {2, 3}}};
    nn_transposed_pads(nn_shape3(1, 3, 3), (int[]){3, 3}, NULL, NN_SAME_UPPER, &args);
    assert_pads(args.conv.pad, 0, 0, 1, 0);
    args = (nn_conv_transpose_args){.conv = {.stride = {3, 2}}};
    nn_transposed_pads(nn_shape3(1, 3, 3), (int[]){3, 3}, (int64_t[]){10, 8}, NN_SAME_UPPER, &args);
    assert_pads(args.conv.pad, 0, 0, 0, 0);
    assert_int_equal(args.output_padding[0], 1);
    assert_int_equal(args.output_padding[1], 1);
}

/* The shape of a transposed convolution, and its refusal by name. */
static void transposed_convolution_has_the_right_shape(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_model *model = nn_model_new(1);
    nn_graph *g = nn_graph_new(model);
    nn_node *x = nn_input(g, "x", NN_F, nn_shape3(4, 3, 5));
    nn_param *p = nn_model_param(model, "w", nn_shape4(4, 3, 3, 3), NN_INIT_ZEROS, 1, &error);
    nn_conv_transpose_args args = {.conv = {.stride = {2, 2}, .groups = 2},
                                   .output_padding = {1, 0}};
    nn_node *y = nn_conv_transpose2d(g, x, nn_use(g, p), NULL, args);
    assert_non_null(y);
    nn_shape shape = nn_node_shape(y);
    assert_int_equal(shape.rank, 4);
    assert_int_equal(shape.dim[1], 6);
    assert_int_equal(shape.dim[2], 8);
    assert_int_equal(shape.dim[3], 11);
    args.conv.pad[0] = args.conv.pad[2] = 4;
    assert_null(nn_conv_transpose2d(nn_named(g, "up"), x, nn_use(g, p), NULL, args));
    assert_int_not_equal(nn_graph_error(g, &error), NN_OK);
    assert_non_null(strstr(error.text, "conv_transpose2d 'up'"));
    nn_graph_free(g);
    nn_model_free(model);
}

/* --- shards of many cells ----------------------------------------------------------------------
 */

#define SIZES(...)                                                                                 \
    CASE("conv2d", "blocks", 3, __VA_ARGS__, ARGS(nn_conv_args, .pad = {1, 1, 1, 1}, .groups = 1))
static const op_case large[] = {
    SIZES(INPUTS(X(8, 35, 36), P(9, 8, 3, 3), P(9))),
    SIZES(INPUTS(X(24, 14, 14), P(20, 24, 3, 3), P(20))),
    SIZES(INPUTS(X(3, 28, 28), P(16, 3, 5, 5), P(16))),
};
enum { LARGE = sizeof large / sizeof *large };

static nn_real *copy(const nn_real *x, int64_t count)
{
    nn_real *to = malloc((size_t)count * sizeof *to);
    assert_non_null(to);
    memcpy(to, x, (size_t)count * sizeof *to);
    return to;
}

static void blocks_give_what_the_reference_gives(void **state)
{
    (void)state;
    for (int i = 0; i < LARGE; i++) {
        op_run run;
        op_run_new(&run, &large[i], 3);
        op_run_forward(&run);
        nn_real *expected = copy(run.out, run.out_count);
        op_run_reference(&run, expected);
        for (int64_t k = 0; k < run.out_count; k++)
            assert_true(fabs((double)run.out[k] - (double)expected[k]) <=
                        2e-5 * (1 + fabs((double)expected[k])));
        free(expected);
        op_run_free(&run);
    }
}

static double dot(const nn_real *a, const nn_real *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* out is linear in x and in w. So whatever stands in one of them, its product with its gradient is
 * the product of the output (without the bias) with the output's gradient. */
static void gradients_are_adjoint(op_run *run, int input)
{
    nn_real *gradient = copy(run->gradient[input], run->count[input]);
    nn_real *value = run->value[input];
    for (int direction = 0; direction < 5; direction++) {
        for (int64_t k = 0; k < run->count[input]; k++)
            value[k] = (nn_real)sin(1.0 + (double)(k * (direction + 1)) * 0.37);
        op_run_forward(run);
        double got = dot(gradient, value, run->count[input]);
        double expected = dot(run->out, run->grad_out, run->out_count);
        assert_true(fabs(got - expected) <=
                    2e-5 * sqrt(dot(run->out, run->out, run->out_count) *
                                dot(run->grad_out, run->grad_out, run->out_count)));
    }
    free(gradient);
}

static void blocks_send_back_what_fits(void **state)
{
    (void)state;
    for (int i = 0; i < LARGE; i++)
        for (int input = 0; input < 2; input++) {
            op_run run;
            op_run_new(&run, &large[i], 5);
            memset(run.value[2], 0, (size_t)run.count[2] * sizeof(nn_real));
            op_run_forward(&run);
            op_run_backward(&run);
            gradients_are_adjoint(&run, input);
            op_run_free(&run);
        }
}

/* An example's output and gradient do not depend on the shard it is in. */
static void blocks_hide_no_shards(void **state)
{
    (void)state;
    for (int i = 0; i < LARGE; i++) {
        op_run run;
        op_run_new(&run, &large[i], 7);
        op_run_forward(&run);
        op_run_backward(&run);
        nn_real *out = copy(run.out, run.out_count);
        nn_real *gradient = copy(run.gradient[0], run.count[0]);
        op_run_cut(&run, 2, (int64_t[]){0, 1, run.rows});
        op_run_forward(&run);
        op_run_backward(&run);
        assert_memory_equal(run.out, out, (size_t)run.out_count * sizeof *out);
        assert_memory_equal(run.gradient[0], gradient, (size_t)run.count[0] * sizeof *gradient);
        free(out);
        free(gradient);
        op_run_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_padding_keeps_the_size),
        cmocka_unit_test(transposed_padding_gives_the_size),
        cmocka_unit_test(transposed_convolution_has_the_right_shape),
        cmocka_unit_test(blocks_give_what_the_reference_gives),
        cmocka_unit_test(blocks_send_back_what_fits),
        cmocka_unit_test(blocks_hide_no_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
