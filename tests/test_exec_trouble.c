/* Plans in trouble: numbers that are not finite are found by name, what cannot run is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/small_nets.h"

#include <math.h>
#include <string.h>

/* --- NaN and infinity --------------------------------------------------------------------------
 */

static nn_exec *run_once(const small_net *net, nn_exec_args args)
{
    nn_exec *exec = nn_compile(net->graph, net->loss, NULL, 0, NULL, args, NULL);
    assert_non_null(exec);
    net_feed(net, exec, args.batch, 1);
    return exec;
}

static void the_first_bad_tensor_is_named(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        small_net net = net_build(NET_MLP, 2);
        nn_exec_args args = {.batch = 6, .shards = 2, .training = true, .keep_all = keep};
        nn_exec *exec = run_once(&net, args);
        nn_nonfinite found;
        assert_false(nn_exec_first_nonfinite(exec, &found)); /* before any step */
        nn_forward(exec);
        assert_int_equal(nn_backward(exec, NULL), NN_OK);
        assert_false(nn_exec_first_nonfinite(exec, &found));
        /* An input: row 4 lies in the second shard. */
        ((nn_real *)nn_exec_feed(exec, net.x))[4 * 12 + 3] = (nn_real)NAN;
        nn_forward(exec);
        assert_true(nn_exec_first_nonfinite(exec, &found));
        assert_string_equal(nn_node_name(found.node), "x");
        assert_int_equal(found.index, 4 * 12 + 3);
        assert_false(found.in_gradient);
        /* A parameter. */
        net_feed(&net, exec, 6, 1);
        nn_param_data(nn_model_find(net.model, "d2.bias"))[1] = (nn_real)-INFINITY;
        nn_forward(exec);
        assert_true(nn_exec_first_nonfinite(exec, &found));
        assert_string_equal(nn_node_name(found.node), "d2.bias");
        assert_int_equal(found.index, 1);
        nn_exec_free(exec);
        net_free(&net);
    }
}

static void an_overflowing_operator_is_named_with_its_inputs(void **state)
{
    (void)state;
    small_net net = net_build(NET_MLP, 2);
    nn_exec *exec =
        run_once(&net, (nn_exec_args){.batch = 6, .shards = 2, .training = true, .keep_all = true});
    nn_real *w = nn_param_data(nn_model_find(net.model, "d1.weight"));
    for (int i = 0; i < 12; i++)
        w[3 * 12 + i] = sizeof(nn_real) == 4 ? (nn_real)3e38 : (nn_real)1e308;
    for (int i = 0; i < 12; i++)
        ((nn_real *)nn_exec_feed(exec, net.x))[12 + i] = 2;
    nn_forward(exec);
    nn_nonfinite found;
    assert_true(nn_exec_first_nonfinite(exec, &found));
    assert_string_equal(nn_node_name(found.node), "d1");
    assert_int_equal(found.index, 9 + 3); /* row 1, unit 3 */
    assert_false(found.in_gradient);
    assert_true(found.input_max >= 2 && isfinite(found.input_max) && isfinite(found.input_min));
    nn_exec_free(exec);
    net_free(&net);
}

static void a_bad_gradient_is_named_when_all_values_are_good(void **state)
{
    (void)state;
    /* tanh(x w1') w2' with huge w2: values stay finite, the gradient of tanh overflows. */
    nn_model *model = nn_model_new(1);
    nn_graph *g = nn_graph_new(model);
    nn_node *x = nn_input(g, "x", NN_F, nn_shape1(1));
    nn_node *h = nn_tanh(g, nn_dense(g, "a", x, 1, NN_INIT_ZEROS));
    nn_node *big = nn_dense(g, "b", h, 1, NN_INIT_ONES);
    nn_node *loss = nn_mean(g, nn_dense(g, "c", big, 1, NN_INIT_ONES));
    nn_param_data(nn_model_find(model, "b.weight"))[0] =
        sizeof(nn_real) == 4 ? (nn_real)1e30 : (nn_real)1e200;
    nn_param_data(nn_model_find(model, "c.weight"))[0] =
        sizeof(nn_real) == 4 ? (nn_real)1e30 : (nn_real)1e200;
    nn_exec *exec =
        nn_compile(g, loss, NULL, 0, NULL,
                   (nn_exec_args){.batch = 1, .training = true, .keep_all = true}, NULL);
    ((nn_real *)nn_exec_feed(exec, x))[0] = 1;
    assert_true(isfinite(nn_forward(exec)));
    assert_int_equal(nn_backward(exec, NULL), NN_OK);
    nn_nonfinite found;
    assert_true(nn_exec_first_nonfinite(exec, &found));
    assert_true(found.in_gradient);
    assert_string_equal(nn_node_name(found.node), nn_node_name(h));
    nn_exec_free(exec);
    nn_graph_free(g);
    nn_model_free(model);
}

/* --- refusals ------------------------------------------------------------------------------------
 */

static void refused(nn_graph *graph, nn_node *root, nn_exec_args args, nn_status code,
                    const char *text)
{
    nn_error error = {NN_OK, ""};
    assert_null(nn_compile(graph, root, NULL, 0, NULL, args, &error));
    assert_int_equal(error.code, code);
    if (!strstr(error.text, text))
        fail_msg("'%s' does not say '%s'", error.text, text);
}

static void bad_plans_are_refused_by_name(void **state)
{
    (void)state;
    small_net net = net_build(NET_MLP, 2), other = net_build(NET_MLP, 2);
    nn_exec_args good = {.batch = 4};
    refused(net.graph, NULL, good, NN_E_ARG, "root is NULL");
    refused(net.graph, other.loss, good, NN_E_ARG, "another graph");
    refused(net.graph, net.x, good, NN_E_ARG, "root 'x' is an input");
    refused(net.graph, net.loss, (nn_exec_args){.batch = 0}, NN_E_ARG, "batch 0");
    refused(net.graph, net.loss, (nn_exec_args){.batch = 1, .shards = 17}, NN_E_ARG, "17 shards");
    nn_dense(net.graph, "bad", net.x, -1, NN_INIT_HE);
    refused(net.graph, net.loss, good, NN_E_ARG, "'bad'");
    net_free(&net);
    net_free(&other);
}

static void calls_out_of_order_are_refused(void **state)
{
    (void)state;
    nn_error error;
    small_net net = net_build(NET_MLP, 2);
    nn_exec *exec =
        nn_compile(net.graph, net.loss, NULL, 0, NULL, (nn_exec_args){.batch = 4}, NULL);
    nn_forward(exec);
    assert_int_equal(nn_backward(exec, &error), NN_E_STATE);
    nn_exec_free(exec);
    exec = nn_compile(net.graph, net.logits, NULL, 0, NULL,
                      (nn_exec_args){.batch = 4, .training = true}, NULL);
    assert_true(isnan(nn_forward(exec)));
    assert_int_equal(nn_backward(exec, &error), NN_E_SHAPE);
    assert_non_null(strstr(error.text, "nn_mean"));
    nn_exec_free(exec);
    exec = nn_compile(net.graph, net.loss, NULL, 0, NULL,
                      (nn_exec_args){.batch = 4, .training = true}, NULL);
    assert_int_equal(nn_backward(exec, &error), NN_E_STATE);
    net_feed(&net, exec, 4, 1);
    nn_forward(exec);
    assert_int_equal(nn_exec_rows(exec, 3, NULL), NN_OK);
    assert_int_equal(nn_backward(exec, &error), NN_E_STATE);
    assert_int_equal(nn_exec_rows(exec, 0, &error), NN_E_ARG);
    assert_int_equal(nn_exec_rows(exec, 5, &error), NN_E_ARG);
    assert_null(nn_exec_feed(exec, net.loss));
    nn_exec_free(exec);
    net_free(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bad_tensor_is_named),
        cmocka_unit_test(an_overflowing_operator_is_named_with_its_inputs),
        cmocka_unit_test(a_bad_gradient_is_named_when_all_values_are_good),
        cmocka_unit_test(bad_plans_are_refused_by_name),
        cmocka_unit_test(calls_out_of_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
