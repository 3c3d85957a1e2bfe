#include "tests/small_nets.h"

#include "engine/rng.h"

#include <math.h>

enum { CLASSES = 4 };

const char *net_name(net_kind kind)
{
    static const char *const name[NET_KINDS] = {"mlp", "conv", "residual", "dropout", "shared"};
    return name[kind];
}

static nn_node *mlp(nn_graph *g, nn_node *x)
{
    nn_node *h = nn_relu(g, nn_dense(g, "d1", x, 9, NN_INIT_HE));
    h = nn_tanh(g, nn_dense(g, "d2", h, 7, NN_INIT_XAVIER));
    return nn_dense(g, "d3", h, CLASSES, NN_INIT_XAVIER);
}

static nn_node *conv(nn_graph *g, nn_node *x)
{
    nn_conv_args padded = {.pad = {1, 1, 1, 1}}, plain = {.stride = {0, 0}};
    nn_node *h = nn_conv(g, "c1", x, 3, 3, 3, padded, NN_INIT_HE);
    h = nn_relu(g, nn_batch_norm_layer(g, "n1", h, (nn_batch_norm_args){.epsilon = 0}));
    h = nn_max_pool2d(g, h, (nn_pool_args){.kernel = {2, 2}});
    h = nn_leaky_relu(g, nn_conv(g, "c2", h, 4, 2, 2, plain, NN_INIT_HE), 0.1);
    h = nn_average_pool2d(g, h, (nn_pool_args){.kernel = {2, 2}, .stride = {1, 1}});
    return nn_dense(g, "d", nn_flatten(g, h), CLASSES, NN_INIT_XAVIER);
}

static nn_node *residual(nn_graph *g, nn_node *x)
{
    nn_node *h = nn_dense(g, "in", x, 8, NN_INIT_XAVIER);
    nn_node *f = nn_dense(g, "f2", nn_relu(g, nn_dense(g, "f1", h, 8, NN_INIT_HE)), 8, NN_INIT_HE);
    nn_node *y = nn_sigmoid(g, nn_add(g, f, h));
    nn_node *once = nn_add(g, y, h);
    nn_node *twice = nn_add(g, h, h); /* backward comes here first */
    nn_node *z = nn_add(g, once, twice);
    return nn_dense(g, "out", nn_tanh(g, z), CLASSES, NN_INIT_XAVIER);
}

static nn_node *dropout(nn_graph *g, nn_node *x)
{
    nn_node *h = nn_relu(g, nn_dense(g, "d1", x, 16, NN_INIT_HE));
    h = nn_dropout(g, h, 0.4);
    h = nn_dropout(g, nn_tanh(g, nn_dense(g, "d2", h, 10, NN_INIT_XAVIER)), 0.2);
    return nn_dense(g, "d3", h, CLASSES, NN_INIT_XAVIER);
}

static nn_node *shared(nn_graph *g, nn_node *x)
{
    nn_node *h = nn_tanh(g, nn_dense(g, "in", x, 6, NN_INIT_XAVIER));
    for (int i = 0; i < 3; i++)
        h = nn_tanh(g, nn_dense(g, "again", h, 6, NN_INIT_XAVIER));
    return nn_dense(g, "out", h, CLASSES, NN_INIT_XAVIER);
}

small_net net_build(net_kind kind, uint64_t seed)
{
    static nn_node *(*const body[NET_KINDS])(nn_graph *, nn_node *) = {mlp, conv, residual, dropout,
                                                                       shared};
    small_net net = {.model = nn_model_new(seed)};
    net.graph = nn_graph_new(net.model);
    nn_shape sample = kind == NET_CONV ? nn_shape3(2, 8, 8) : nn_shape1(12);
    net.x = nn_input(net.graph, "x", NN_F, sample);
    net.labels = nn_input(net.graph, "labels", NN_I32, nn_shape_of(0, NULL));
    net.logits = body[kind](net.graph, net.x);
    net.loss = nn_mean(net.graph, nn_softmax_cross_entropy(net.graph, net.logits, net.labels));
    return net;
}

void net_free(small_net *net)
{
    nn_graph_free(net->graph);
    nn_model_free(net->model);
}

void net_feed(const small_net *net, nn_exec *exec, int rows, uint64_t seed)
{
    nn_real *x = nn_exec_feed(exec, net->x);
    int32_t *label = nn_exec_feed(exec, net->labels);
    int64_t row = nn_shape_row(nn_node_shape(net->x));
    for (int64_t i = 0; i < rows * row; i++)
        x[i] = (nn_real)(2 * nn_uniform_at(seed, 1, 0, (uint32_t)i) - 1);
    for (int i = 0; i < rows; i++)
        label[i] = (int32_t)(nn_uniform_at(seed, 2, 0, (uint32_t)i) * CLASSES);
}

double net_train(const small_net *net, nn_exec *exec, int steps, int rows, double rate)
{
    double loss = NAN;
    for (int step = 0; step < steps; step++) {
        net_feed(net, exec, rows, (uint64_t)step);
        nn_exec_step(exec, (uint64_t)step);
        if (nn_exec_rows(exec, rows, NULL) != NN_OK)
            return NAN;
        loss = nn_forward(exec);
        if (nn_backward(exec, NULL) != NN_OK)
            return NAN;
        for (int i = 0; i < nn_model_count(net->model); i++) {
            nn_param *param = nn_model_at(net->model, i);
            const nn_real *gradient = nn_param_gradient(exec, param);
            for (int64_t k = 0; gradient && k < nn_shape_count(nn_param_shape(param)); k++)
                nn_param_data(param)[k] -= (nn_real)rate * gradient[k];
        }
    }
    return loss;
}
