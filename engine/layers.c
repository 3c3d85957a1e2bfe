/* Layers: an operator with parameters of its own, "name.weight", "name.bias" and so on. */
#include "engine/layers.h"

#include <stdio.h>
#include <string.h>

nn_node *nn_layer_part(nn_graph *graph, const char *layer, const char *what, nn_shape shape,
                       nn_init init, bool buffer)
{
    char name[2 * NN_NAME_MAX];
    nn_error error = {NN_OK, ""};
    snprintf(name, sizeof name, "%.*s.%s", NN_NAME_MAX, layer, what);
    nn_model *model = nn_graph_model(graph);
    nn_param *param = buffer ? nn_model_buffer(model, name, shape, init, &error)
                             : nn_model_param(model, name, shape, init, 1, &error);
    if (!param)
        return nn_graph_refuse(graph, error.code, "%s", error.text);
    return nn_use(graph, param);
}

bool nn_layer_fits(nn_graph *graph, const char *kind, const char *name, const nn_node *x)
{
    if (!graph || !x)
        return false;
    if (!name || !*name || strlen(name) + sizeof ".variance" > NN_NAME_MAX) {
        nn_graph_refuse(graph, NN_E_ARG, "%s: name '%s'; expected 1 to %zu bytes", kind,
                        name ? name : "", NN_NAME_MAX - sizeof ".variance");
        return false;
    }
    return true;
}

static nn_node *dense_layer(nn_graph *graph, const char *name, nn_node *x, int units, nn_init init,
                            bool biased)
{
    char text[NN_SHAPE_TEXT];
    if (!nn_layer_fits(graph, "dense", name, x))
        return NULL;
    nn_shape shape = nn_node_shape(x);
    if (shape.rank != 2)
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "dense '%s': input '%s' is %s; expected (batch, features), put a "
                               "flatten before it",
                               name, nn_node_name(x), nn_shape_text(shape, text));
    if (units < 1)
        return nn_graph_refuse(graph, NN_E_ARG, "dense '%s': %d units; expected at least 1", name,
                               units);
    nn_node *w = nn_layer_part(graph, name, "weight", nn_shape2(units, shape.dim[1]), init, false);
    nn_node *b = w && biased
                     ? nn_layer_part(graph, name, "bias", nn_shape1(units), NN_INIT_ZEROS, false)
                     : NULL;
    return w && (b || !biased) ? nn_linear(nn_named(graph, "%s", name), x, w, b) : NULL;
}

nn_node *nn_dense(nn_graph *graph, const char *name, nn_node *x, int units, nn_init init)
{
    return dense_layer(graph, name, x, units, init, true);
}

nn_node *nn_dense_unbiased(nn_graph *graph, const char *name, nn_node *x, int units, nn_init init)
{
    return dense_layer(graph, name, x, units, init, false);
}

static nn_node *conv_layer(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel_h,
                           int kernel_w, nn_conv_args args, nn_init init, bool biased)
{
    char text[NN_SHAPE_TEXT];
    if (!nn_layer_fits(graph, "conv", name, x))
        return NULL;
    nn_shape shape = nn_node_shape(x);
    if (shape.rank != 4)
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "conv '%s': input '%s' is %s; expected (batch, channels, rows, "
                               "columns)",
                               name, nn_node_name(x), nn_shape_text(shape, text));
    int groups = args.groups ? args.groups : 1;
    if (filters < 1 || kernel_h < 1 || kernel_w < 1)
        return nn_graph_refuse(graph, NN_E_ARG,
                               "conv '%s': %d filters of %dx%d; expected at least 1 of each", name,
                               filters, kernel_h, kernel_w);
    if (groups < 1 || shape.dim[1] % groups || filters % groups)
        return nn_graph_refuse(graph, NN_E_ARG,
                               "conv '%s': %d groups do not divide %lld channels and %d filters",
                               name, groups, (long long)shape.dim[1], filters);
    nn_shape kernel = nn_shape4(filters, shape.dim[1] / groups, kernel_h, kernel_w);
    nn_node *w = nn_layer_part(graph, name, "weight", kernel, init, false);
    nn_node *b = NULL;
    if (w && biased)
        b = nn_layer_part(graph, name, "bias", nn_shape1(filters), NN_INIT_ZEROS, false);
    return w && (b || !biased) ? nn_conv2d(nn_named(graph, "%s", name), x, w, b, args) : NULL;
}

nn_node *nn_conv(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel_h,
                 int kernel_w, nn_conv_args args, nn_init init)
{
    return conv_layer(graph, name, x, filters, kernel_h, kernel_w, args, init, true);
}

nn_node *nn_conv_unbiased(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel_h,
                          int kernel_w, nn_conv_args args, nn_init init)
{
    return conv_layer(graph, name, x, filters, kernel_h, kernel_w, args, init, false);
}

nn_node *nn_batch_norm_layer(nn_graph *graph, const char *name, nn_node *x, nn_batch_norm_args args)
{
    char text[NN_SHAPE_TEXT];
    if (!nn_layer_fits(graph, "batch norm", name, x))
        return NULL;
    nn_shape shape = nn_node_shape(x);
    if (shape.rank != 2 && shape.rank != 4)
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "batch norm '%s': input '%s' is %s; expected (batch, features) or "
                               "(batch, channels, rows, columns)",
                               name, nn_node_name(x), nn_shape_text(shape, text));
    nn_shape per = nn_shape1(shape.dim[1]);
    nn_node *gamma = nn_layer_part(graph, name, "gamma", per, NN_INIT_ONES, false);
    nn_node *beta = gamma ? nn_layer_part(graph, name, "beta", per, NN_INIT_ZEROS, false) : NULL;
    nn_node *mean = beta ? nn_layer_part(graph, name, "mean", per, NN_INIT_ZEROS, true) : NULL;
    nn_node *variance =
        mean ? nn_layer_part(graph, name, "variance", per, NN_INIT_ONES, true) : NULL;
    return variance
               ? nn_batch_norm(nn_named(graph, "%s", name), x, gamma, beta, mean, variance, args)
               : NULL;
}
