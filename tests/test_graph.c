/* Building graphs: names, shapes, the first error and where it was made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/op.h"

#include <stdio.h>
#include <string.h>

static nn_graph *graph;
static nn_model *model;

static int begin(void **state)
{
    (void)state;
    model = nn_model_new(1);
    graph = nn_graph_new(model);
    return graph ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    nn_graph_free(graph);
    nn_model_free(model);
    return 0;
}

static void expect_error(nn_status code, const char *a, const char *b)
{
    nn_error error;
    assert_int_equal(nn_graph_error(graph, &error), code);
    if (!strstr(error.text, a) || !strstr(error.text, b))
        fail_msg("'%s' should say '%s' and '%s'", error.text, a, b);
}

static nn_node *image(void)
{
    return nn_input(graph, "image", NN_F, nn_shape3(1, 28, 28));
}

static void a_network_has_names_shapes_and_parameters(void **state)
{
    (void)state;
    nn_node *x = image();
    nn_node *c = nn_conv(graph, "c1", x, 6, 5, 5, (nn_conv_args){.pad = {2, 2, 2, 2}}, NN_INIT_HE);
    nn_node *p = nn_max_pool2d(graph, nn_relu(graph, c), (nn_pool_args){.kernel = {2, 2}});
    nn_node *d = nn_dense(graph, "d1", nn_flatten(graph, p), 10, NN_INIT_XAVIER);
    assert_non_null(d);
    char text[NN_SHAPE_TEXT];
    assert_string_equal(nn_shape_text(nn_node_shape(c), text), "Nx6x28x28");
    assert_string_equal(nn_shape_text(nn_node_shape(p), text), "Nx6x14x14");
    assert_string_equal(nn_shape_text(nn_node_shape(d), text), "Nx10");
    assert_string_equal(nn_node_name(c), "c1");
    assert_string_equal(nn_node_op(c), "conv2d");
    assert_string_equal(nn_node_op(x), "input");
    assert_string_equal(nn_node_name(p), "max_pool2d1");
    assert_ptr_equal(nn_graph_find(graph, "c1"), c);
    assert_null(nn_graph_find(graph, "c2"));
    assert_string_equal(nn_node_name(nn_node_input(d, 1)), "d1.weight");
    assert_ptr_equal(nn_node_param(nn_node_input(d, 1)), nn_model_find(model, "d1.weight"));
    assert_string_equal(nn_node_op(nn_node_input(d, 2)), "parameter");
    assert_null(nn_node_input(d, 3));
    assert_int_equal(nn_model_parameters(model), 6 * 25 + 6 + 1176 * 10 + 10);
    assert_int_equal(nn_graph_multiply_adds(graph), 28 * 28 * 6 * 25 + 11760);
    assert_int_equal(nn_graph_error(graph, NULL), NN_OK);
    for (int i = 0; i < nn_graph_count(graph); i++)
        for (int k = 0; k < nn_node_input_count(nn_graph_at(graph, i)); k++) {
            const nn_node *input = nn_node_input(nn_graph_at(graph, i), k);
            assert_true(input == NULL || input->index < i); /* the order is topological */
        }
    assert_null(nn_graph_at(graph, nn_graph_count(graph)));
}

static void an_optional_input_may_be_left_out(void **state)
{
    (void)state;
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape1(3));
    nn_param *w = nn_model_param(model, "w", nn_shape2(2, 3), NN_INIT_HE, 1, NULL);
    nn_node *y = nn_linear(graph, x, nn_use(graph, w), NULL);
    assert_non_null(y);
    assert_null(nn_node_input(y, 2));
    assert_null(nn_linear(graph, x, NULL, NULL)); /* quietly */
    assert_int_equal(nn_graph_error(graph, NULL), NN_OK);
}

static void names_follow_wishes_and_stay_unique(void **state)
{
    (void)state;
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape1(3));
    assert_string_equal(nn_node_name(nn_relu(graph, x)), "relu1");
    assert_string_equal(nn_node_name(nn_relu(nn_named(graph, "gate %d", 7), x)), "gate 7");
    assert_string_equal(nn_node_name(nn_relu(graph, x)), "relu2");
    nn_node *one = nn_dense(graph, "tower", x, 3, NN_INIT_HE);
    nn_node *two = nn_dense(graph, "tower", one, 3, NN_INIT_HE);
    assert_string_equal(nn_node_name(two), "tower#2");
    assert_ptr_equal(nn_node_input(one, 1), nn_node_input(two, 1)); /* one weight, one leaf */
    assert_int_equal(nn_graph_error(graph, NULL), NN_OK);
    char large[200];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    nn_named(graph, "%s", large);
    expect_error(NN_E_ARG, "node name", "63 bytes");
}

/* The chain goes on with NULL; what is reported is where it broke. */
static void a_broken_chain_keeps_its_first_error(void **state)
{
    (void)state;
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape3(3, 3, 3));
    nn_node *c = nn_conv(graph, "c2", x, 4, 5, 5, (nn_conv_args){.groups = 1}, NN_INIT_HE);
    assert_null(c);
    nn_node *h = nn_flatten(
        graph, nn_relu(graph, nn_max_pool2d(graph, c, (nn_pool_args){.kernel = {9, 9}})));
    assert_null(nn_mean(graph, nn_dense(graph, "d", h, -5, NN_INIT_HE)));
    assert_null(nn_dense(graph, "later", x, 5, NN_INIT_HE)); /* another mistake */
    expect_error(NN_E_SHAPE, "'c2'", "5x5");
    expect_error(NN_E_SHAPE, "3x3", "kernel");
    assert_null(nn_graph_refuse(graph, NN_E_ARG, "third"));
    expect_error(NN_E_SHAPE, "'c2'", "5x5");
}

static void dense_asks_for_a_flatten(void **state)
{
    (void)state;
    assert_null(nn_dense(graph, "fc", image(), 10, NN_INIT_HE));
    expect_error(NN_E_SHAPE, "'fc'", "flatten");
}

static void layers_refuse_impossible_numbers(void **state)
{
    (void)state;
    nn_node *x = image();
    assert_null(nn_conv(graph, "k", x, 0, 5, 5, (nn_conv_args){.groups = 1}, NN_INIT_HE));
    expect_error(NN_E_ARG, "'k'", "0 filters");
}

static void groups_must_divide(void **state)
{
    (void)state;
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape3(6, 4, 4));
    assert_null(nn_conv(graph, "g", x, 4, 1, 1, (nn_conv_args){.groups = 3}, NN_INIT_HE));
    expect_error(NN_E_ARG, "'g'", "3 groups");
}

static void a_layer_with_another_shape_names_its_parameter(void **state)
{
    (void)state;
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape1(3));
    nn_dense(graph, "d", x, 4, NN_INIT_HE);
    assert_null(nn_dense(graph, "d", x, 5, NN_INIT_HE));
    expect_error(NN_E_SHAPE, "'d.weight'", "4x3");
}

static void strangers_are_refused(void **state)
{
    (void)state;
    nn_model *other_model = nn_model_new(1);
    nn_graph *other = nn_graph_new(model);
    nn_node *stranger = nn_input(other, "s", NN_F, nn_shape1(3));
    assert_null(nn_relu(graph, stranger));
    expect_error(NN_E_ARG, "'s'", "another graph");
    nn_param *w = nn_model_param(other_model, "w", nn_shape1(3), NN_INIT_HE, 1, NULL);
    assert_null(nn_use(other, w));
    nn_error error;
    assert_int_equal(nn_graph_error(other, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "another model"));
    nn_graph_free(other);
    nn_model_free(other_model);
}

static void inputs_are_checked(void **state)
{
    (void)state;
    assert_non_null(nn_input(graph, "x", NN_F, nn_shape1(3)));
    assert_null(nn_input(graph, "x", NN_F, nn_shape1(3)));
    expect_error(NN_E_ARG, "'x'", "name");
    nn_graph *other = nn_graph_new(model);
    assert_null(nn_input(other, "empty", NN_F, nn_shape2(3, 0)));
    nn_error error;
    assert_int_equal(nn_graph_error(other, &error), NN_E_SHAPE);
    assert_non_null(strstr(error.text, "'empty'"));
    nn_graph_free(other);
    assert_null(nn_input(NULL, "x", NN_F, nn_shape1(1)));
    assert_null(nn_relu(NULL, NULL));
    assert_null(nn_graph_new(NULL));
}

static void the_table_of_operators_is_whole(void **state)
{
    (void)state;
    assert_null(nn_op_at(-1));
    assert_null(nn_op_at(NN_OP_COUNT));
    for (int i = 0; i < NN_OP_COUNT; i++) {
        const nn_op *op = nn_op_at(i);
        assert_non_null(op);
        assert_non_null(op->shape);
        assert_non_null(op->forward);
        assert_non_null(op->reference);
        assert_true(op->backward || (op->flags & NN_OP_NO_GRADIENT));
        assert_true(op->min_inputs >= 1 && op->max_inputs <= NN_MAX_INPUTS);
        assert_true(!(op->flags & NN_OP_SCALAR) || op->partials);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(op->name, nn_op_at(k)->name);
    }
    assert_ptr_equal(nn_op_at(NN_OP_INDEX_conv2d), &nn_op_conv2d);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(a_network_has_names_shapes_and_parameters),
        CASE(an_optional_input_may_be_left_out),
        CASE(names_follow_wishes_and_stay_unique),
        CASE(a_broken_chain_keeps_its_first_error),
        CASE(dense_asks_for_a_flatten),
        CASE(layers_refuse_impossible_numbers),
        CASE(groups_must_divide),
        CASE(a_layer_with_another_shape_names_its_parameter),
        CASE(strangers_are_refused),
        CASE(inputs_are_checked),
        CASE(the_table_of_operators_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
