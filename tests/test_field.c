/* What a cell of a map sees of the image: by the formula, and by moving cells of the image. */
#include "engine/vision/field.h"

#include "engine/exec.h"
#include "engine/models/catalogue.h"
#include "engine/shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_node *image;
} net;

static net net_of(nn_model *model, int64_t rows, int64_t columns)
{
    net n = {.model = model, .graph = nn_graph_new(model)};
    assert_non_null(n.graph);
    n.image = nn_input(n.graph, "image", NN_F, nn_shape3(1, rows, columns));
    return n;
}

static void free_net(net *n)
{
    nn_graph_free(n->graph);
    nn_model_free(n->model);
}

static nn_field field_of(const net *n, const nn_node *node)
{
    nn_error error = {NN_OK, ""};
    nn_field field = {.size = {0}};
    if (nn_receptive_field(node, n->image, &field, &error) != NN_OK)
        fail_msg("%s", error.text);
    return field;
}

static nn_node *conv(net *n, const char *name, nn_node *x, int rows, int columns, nn_conv_args args)
{
    return nn_conv(n->graph, name, x, 1, rows, columns, args, NN_INIT_ONES);
}

static nn_node *pool(net *n, nn_node *x, int kernel, int stride)
{
    nn_pool_args args = {.kernel = {kernel, kernel}, .stride = {stride, stride}};
    return nn_average_pool2d(n->graph, x, args);
}

/* --- against the values -------------------------------------------------------------------------
 */

/* Extent of the cells along `side` that change `cell` of the result when they change. All weights
 * are ones, so nothing cancels. */
static void span(nn_exec *exec, const net *n, const nn_node *node, int64_t cell, int side,
                 int64_t *first, int64_t *last)
{
    nn_real *image = nn_exec_feed(exec, n->image);
    int64_t rows = nn_node_shape(n->image).dim[2], columns = nn_node_shape(n->image).dim[3];
    memset(image, 0, (size_t)(rows * columns) * sizeof *image);
    *first = *last = -1;
    for (int64_t i = 0; i < rows * columns; i++) {
        image[i] = 1;
        nn_forward(exec);
        image[i] = 0;
        if (((const nn_real *)nn_value(exec, node).data)[cell] == 0)
            continue;
        int64_t at = side ? i % columns : i / columns;
        *first = *first < 0 || at < *first ? at : *first;
        *last = at > *last ? at : *last;
    }
}

static void a_change_outside_the_field_is_not_seen(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    net n = net_of(nn_model_new(1), 17, 13);
    nn_conv_args wide = {.stride = {2, 1}, .dilation = {1, 2}};
    nn_node *a = nn_relu(n.graph, conv(&n, "a", n.image, 3, 2, wide));
    nn_node *b = pool(&n, conv(&n, "b", a, 2, 3, (nn_conv_args){0}), 2, 2);
    nn_field field = field_of(&n, b);
    nn_exec *exec = nn_compile(n.graph, nn_mean(n.graph, b), &b, 1, NULL,
                               (nn_exec_args){.batch = 1, .keep_all = true}, &error);
    if (!exec)
        fail_msg("%s", error.text);
    assert_int_equal(nn_exec_rows(exec, 1, &error), NN_OK);
    int64_t columns = nn_node_shape(b).dim[3], next[2] = {columns, 1};
    for (int side = 0; side < 2; side++) {
        int64_t first = 0, last = 0, neighbour = 0, end = 0;
        span(exec, &n, b, 0, side, &first, &last);
        span(exec, &n, b, next[side], side, &neighbour, &end);
        assert_int_equal(field.size[side], last - first + 1);
        assert_int_equal(field.stride[side], neighbour - first);
    }
    nn_exec_free(exec);
    free_net(&n);
}

/* --- by the formula -----------------------------------------------------------------------------
 */

static void small_kernels_add_up(void **state)
{
    (void)state;
    net n = net_of(nn_model_outline(), 32, 32);
    nn_node *x = n.image;
    assert_int_equal(field_of(&n, x).size[0], 1);
    for (int i = 1; i <= 3; i++) {
        char name[] = {'c', (char)('0' + i), 0};
        x = nn_sigmoid(n.graph, conv(&n, name, x, 3, 3, (nn_conv_args){0}));
        assert_int_equal(field_of(&n, x).size[0], 2 * i + 1);
        assert_int_equal(field_of(&n, x).stride[1], 1);
    }
    free_net(&n);
}

static void branches_count_with_the_widest(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_field field;
    net n = net_of(nn_model_outline(), 16, 16);
    nn_node *wide = conv(&n, "wide", n.image, 5, 5, (nn_conv_args){.pad = {2, 2, 2, 2}});
    nn_node *thin = conv(&n, "thin", n.image, 1, 1, (nn_conv_args){0});
    nn_node *both[] = {thin, wide};
    assert_int_equal(field_of(&n, nn_add(n.graph, thin, wide)).size[0], 5);
    assert_int_equal(field_of(&n, nn_concat(n.graph, both, 2, 0)).size[1], 5);
    nn_node *even = conv(&n, "even", n.image, 2, 2, (nn_conv_args){.stride = {2, 2}});
    nn_node *row = conv(&n, "row", even, 8, 8, (nn_conv_args){0});
    assert_int_equal(field_of(&n, row).size[0], 16);
    nn_node *mixed = nn_add(n.graph, n.image, row); /* broadcasts: strides 1 and 2 */
    assert_int_equal(nn_receptive_field(mixed, n.image, &field, &error), NN_E_ARG);
    free_net(&n);
}

static void what_keeps_no_map_is_named(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_field field;
    net n = net_of(nn_model_outline(), 8, 8);
    nn_node *flat = nn_flatten(nn_named(n.graph, "flat"), n.image);
    nn_node *dense = nn_dense(n.graph, "dense", flat, 3, NN_INIT_HE);
    nn_node *other = nn_input(n.graph, "other", NN_F, nn_shape3(1, 8, 8));
    assert_int_equal(nn_receptive_field(dense, n.image, &field, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "'flat'"));
    assert_int_equal(nn_receptive_field(nn_relu(n.graph, other), n.image, &field, &error),
                     NN_E_ARG);
    assert_non_null(strstr(error.text, "does not depend"));
    assert_int_equal(nn_receptive_field(n.image, other, &field, &error), NN_E_ARG);
    assert_int_equal(nn_receptive_field(NULL, n.image, &field, &error), NN_E_ARG);
    assert_int_equal(nn_receptive_field(flat, dense, &field, &error), NN_E_ARG);
    free_net(&n);
}

/* Of the last pool of VGG-16: 212, as Araujo et al. have it. */
static void published_networks_have_their_field(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_field field = {.size = {0}};
    nn_assembly made;
    nn_model *model = nn_model_outline();
    nn_graph *graph = nn_graph_new(model);
    assert_int_equal(nn_model_build(graph, "vgg16", (nn_model_size){0}, &made, &error), NN_OK);
    const nn_node *last = NULL;
    for (int i = 0; i < nn_graph_count(graph); i++)
        if (strcmp(nn_node_op(nn_graph_at(graph, i)), "max_pool2d") == 0)
            last = nn_graph_at(graph, i);
    assert_int_equal(nn_receptive_field(last, made.feed[0].node, &field, &error), NN_OK);
    assert_int_equal(field.size[0], 212);
    assert_int_equal(field.stride[1], 32);
    nn_graph_free(graph);
    nn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_outside_the_field_is_not_seen),
        cmocka_unit_test(small_kernels_add_up),
        cmocka_unit_test(branches_count_with_the_widest),
        cmocka_unit_test(what_keeps_no_map_is_named),
        cmocka_unit_test(published_networks_have_their_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
