/* What the operator table cannot say of convolutions: paddings by name, refusals. */
#include "engine/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_padding_keeps_the_size),
        cmocka_unit_test(transposed_padding_gives_the_size),
        cmocka_unit_test(transposed_convolution_has_the_right_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
