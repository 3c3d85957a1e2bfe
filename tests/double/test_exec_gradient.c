/* Whole networks against central differences, the engine built in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/small_nets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 7 };

/* Relative to the larger of the two, with a floor where both are tiny. */
static double apart(double a, double b)
{
    return fabs(a - b) / fmax(1e-3, fmax(fabs(a), fabs(b)));
}

/* Running statistics move in every training forward; they do not enter the loss. */
static double loss_at(nn_exec *exec, nn_real *weight, nn_real value)
{
    *weight = value;
    return nn_forward(exec);
}

static void check_parameter(nn_exec *exec, const char *net, nn_param *param)
{
    const double step = 1e-6;
    const nn_real *gradient = nn_param_gradient(exec, param);
    int64_t count = nn_shape_count(nn_param_shape(param));
    nn_real *kept = calloc((size_t)count, sizeof *kept);
    assert_non_null(kept);
    assert_non_null(gradient);
    memcpy(kept, gradient, (size_t)count * sizeof *kept);
    nn_real *weight = nn_param_data(param);
    for (int64_t i = 0; i < count; i++) {
        nn_real was = weight[i];
        double above = loss_at(exec, &weight[i], was + step);
        double below = loss_at(exec, &weight[i], was - step);
        weight[i] = was;
        double numeric = (above - below) / (2 * step);
        if (apart(numeric, kept[i]) >= 1e-6)
            fail_msg("%s: gradient of %s[%lld] is %.12g, differences give %.12g", net,
                     nn_param_name(param), (long long)i, kept[i], numeric);
    }
    free(kept);
}

static void check_net(net_kind kind, int shards, bool keep_all)
{
    small_net net = net_build(kind, 5);
    nn_error error = {NN_OK, ""};
    nn_exec *exec = nn_compile(
        net.graph, net.loss, NULL, 0, NULL,
        (nn_exec_args){
            .batch = 9, .shards = shards, .training = true, .keep_all = keep_all, .seed = 2},
        &error);
    if (!exec)
        fail_msg("%s: %s", net_name(kind), error.text);
    net_feed(&net, exec, ROWS, 4);
    assert_int_equal(nn_exec_rows(exec, ROWS, NULL), NN_OK);
    nn_exec_step(exec, 17);
    /* Biases start at 0, which leaves units of a ReLU near its kink; move everything a little. */
    for (int i = 0; i < nn_model_count(net.model); i++) {
        nn_param *param = nn_model_at(net.model, i);
        for (int64_t k = 0; k < nn_shape_count(nn_param_shape(param)); k++)
            nn_param_data(param)[k] += 0.03 * sin(1 + 3.7 * (double)(k + 5 * i));
    }
    for (int i = 0; i < nn_model_count(net.model); i++) {
        nn_param *param = nn_model_at(net.model, i);
        if (nn_param_is_buffer(param))
            continue;
        assert_true(isfinite(nn_forward(exec)));
        assert_int_equal(nn_backward(exec, NULL), NN_OK);
        check_parameter(exec, net_name(kind), param);
    }
    nn_exec_free(exec);
    net_free(&net);
}

static void every_gradient_agrees_with_differences(void **state)
{
    net_kind kind = *(const net_kind *)*state;
    check_net(kind, 1, false);
    check_net(kind, 2, false);
    check_net(kind, 5, false);
    check_net(kind, 3, true);
}

int main(void)
{
    static net_kind kind[NET_KINDS] = {NET_MLP, NET_CONV, NET_RESIDUAL, NET_DROPOUT, NET_SHARED};
    struct CMUnitTest tests[NET_KINDS];
    for (int i = 0; i < NET_KINDS; i++)
        tests[i] = (struct CMUnitTest){.name = net_name(kind[i]),
                                       .test_func = every_gradient_agrees_with_differences,
                                       .initial_state = &kind[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
