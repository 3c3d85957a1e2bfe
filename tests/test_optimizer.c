/* The optimisers in float: the same bits with one thread and with several, and learning. The
 * formulas are tested in double (double/test_optimizer.c). */
#include "engine/optimizer.h"
#include "engine/rng.h"
#include "small_nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 300 x 701 weights: 13 blocks, the last one ragged, and a bias that is one short block. */
enum { INPUTS = 701, OUTPUTS = 300, WEIGHTS = INPUTS * OUTPUTS };

static void train(nn_optimizer_kind kind, int threads, nn_real *weights, nn_update *last)
{
    nn_error error = {0};
    nn_model *model = nn_model_new(5);
    nn_graph *graph = nn_graph_new(model);
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape1(INPUTS));
    nn_node *root = nn_mean(graph, nn_dense(graph, "d", x, OUTPUTS, NN_INIT_HE));
    nn_pool *pool = nn_pool_new(threads, &error);
    nn_exec_args args = {.batch = 1, .training = true};
    nn_exec *exec = nn_compile(graph, root, NULL, 0, pool, args, &error);
    if (!exec)
        fail_msg("%s", error.text);
    memset(nn_exec_feed(exec, x), 0, INPUTS * sizeof(nn_real));
    nn_exec_rows(exec, 1, &error);
    nn_forward(exec);
    assert_int_equal(nn_backward(exec, &error), NN_OK);

    nn_optimizer_args how = {.kind = kind,
                             .lr = 0.01,
                             .l2 = 0.01,
                             .l1 = 0.001,
                             .clip_norm = 30,
                             .clip_value = 0.04,
                             .average = 0.99};
    nn_optimizer *optimizer = nn_optimizer_new(model, how, &error);
    nn_param *weight = nn_model_find(model, "d.weight");
    for (uint64_t t = 0; t < 5; t++) {
        nn_real *gradient = nn_param_gradient(exec, weight);
        for (uint32_t i = 0; i < WEIGHTS; i++)
            gradient[i] = (nn_real)(0.1 * nn_uniform_at(9, 0, t, i) - 0.05);
        *last = nn_optimizer_step(optimizer, exec, pool, 0.01);
        assert_true(last->applied);
    }
    memcpy(weights, nn_param_values(weight), WEIGHTS * sizeof *weights);
    nn_optimizer_free(optimizer);
    nn_exec_free(exec);
    nn_pool_free(pool);
    nn_graph_free(graph);
    nn_model_free(model);
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    nn_real *one = malloc(WEIGHTS * sizeof *one), *more = malloc(WEIGHTS * sizeof *more);
    for (int kind = 0; kind < NN_OPTIMIZER_KINDS; kind++) {
        nn_update a, b;
        train((nn_optimizer_kind)kind, 1, one, &a);
        for (int threads = 2; threads <= 3; threads++) {
            train((nn_optimizer_kind)kind, threads, more, &b);
            assert_memory_equal(one, more, WEIGHTS * sizeof *one);
            assert_true(a.gradient_norm == b.gradient_norm);
            assert_true(a.update_ratio == b.update_ratio && a.update_ratio > 0);
        }
    }
    free(one);
    free(more);
}

/* Every kind brings the loss of a small network down on one fixed batch. */
static void test_every_kind_learns(void **state)
{
    (void)state;
    static const double rates[NN_OPTIMIZER_KINDS] = {0.3, 1, 1, 0.05, 0.005, 0.01, 0.01};
    for (int kind = 0; kind < NN_OPTIMIZER_KINDS; kind++) {
        nn_error error = {0};
        small_net net = net_build(NET_MLP, 3);
        nn_pool *pool = nn_pool_new(1, &error);
        nn_exec_args args = {.batch = 16, .training = true};
        nn_exec *exec = nn_compile(net.graph, net.loss, NULL, 0, pool, args, &error);
        nn_optimizer_args how = {.kind = (nn_optimizer_kind)kind, .lr = rates[kind]};
        nn_optimizer *optimizer = nn_optimizer_new(net.model, how, &error);
        net_feed(&net, exec, 16, 1);
        double first = nn_forward(exec), last = first;
        for (int t = 0; t < 300; t++) {
            nn_backward(exec, &error);
            nn_optimizer_step(optimizer, exec, pool, rates[kind]);
            last = nn_forward(exec);
        }
        if (!(last < 0.1 * first))
            fail_msg("%s: loss %g after %g", nn_optimizer_name(how.kind), last, first);
        nn_optimizer_free(optimizer);
        nn_exec_free(exec);
        nn_pool_free(pool);
        net_free(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_every_kind_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
