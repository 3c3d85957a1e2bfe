#include "tests/golden_apply.h"

#include "engine/elementwise.h"

#include <stdio.h>

golden_array golden_apply(golden_case *c, golden_unary *build, golden_array x, golden_array *slope)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *in = golden_batch(net, "x", golden_like(c, nn_shape2(1, x.count), x));
    nn_node *out = build(golden_graph(net), in);
    golden_watch(net, out);
    golden_run(net, golden_sum(net, out, NULL));
    if (slope)
        *slope = golden_like(c, x.shape, golden_gradient(net, "x"));
    return golden_like(c, x.shape, golden_value(net, out));
}

double golden_apply_to(golden_case *c, golden_unary *build, double x, double *slope)
{
    golden_array one = golden_new(c, nn_shape1(1)), gradient;
    one.data[0] = x;
    double y = golden_apply(c, build, one, &gradient).data[0];
    if (slope)
        *slope = gradient.data[0];
    return y;
}

golden_net *golden_layers(golden_case *c, const double *sizes, int64_t count)
{
    golden_net *net = golden_outline_new(c);
    nn_graph *g = golden_graph(net);
    nn_node *x = nn_input(g, "x", NN_F, nn_shape1((int64_t)sizes[0]));
    for (int64_t i = 1; i < count; i++) {
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "W%lld", (long long)i);
        x = nn_dense(g, name, x, (int)sizes[i], NN_INIT_ZEROS);
    }
    return net;
}

double golden_parameters(golden_net *net)
{
    nn_error error;
    if (nn_graph_error(golden_graph(net), &error) != NN_OK)
        golden_fail(golden_net_case(net), "%s", error.text);
    return (double)nn_model_parameters(golden_model(net));
}

double golden_descend(golden_case *c, double curvature, double rate, double start, int steps,
                      double *way)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    golden_array one = golden_new(c, nn_shape2(1, 1));
    nn_node *w = golden_batch(net, "w", one);
    nn_node *parabola = nn_affine(g, nn_mul(g, w, w), curvature / 2, 0);
    nn_node *root = golden_sum(net, parabola, NULL);
    nn_exec *exec = golden_compile(net, root);
    nn_param *param = nn_model_find(golden_model(net), "w");
    double at = start;
    for (int i = 0; i < steps; i++) {
        *nn_param_data(param) = (nn_real)at;
        golden_run(net, root);
        at -= rate * (double)*nn_param_gradient(exec, param);
        if (way)
            way[i] = at;
    }
    return at;
}
