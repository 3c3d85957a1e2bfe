/* Facts about published networks (chapters 27, 31, 32): their parameters and shapes, by building
 * them. */
#include "engine/elementwise.h"
#include "engine/models/catalogue.h"
#include "engine/shapes.h"
#include "tests/golden_case.h"
#include "tests/golden_settings.h"

#include <stdio.h>
#include <string.h>

/* --- building without values --------------------------------------------------------------------
 */

static const nn_model_size published = {.slim = 1};

static golden_net *named(golden_case *c, const char *name, nn_model_size size)
{
    golden_net *net = golden_outline_new(c);
    nn_assembly made;
    nn_error error;
    if (nn_model_build(golden_graph(net), name, size, &made, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    return net;
}

static double parameters_of(golden_case *c, golden_net *net)
{
    nn_error error;
    if (nn_graph_error(golden_graph(net), &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    return (double)nn_model_parameters(golden_model(net));
}

/* Trainable numbers, and with `buffers` the others too, of the layers whose name begins so; with
 * `others` of all other layers. */
static double part_of(golden_net *net, const char *prefix, bool others, bool buffers)
{
    int64_t sum = 0;
    for (int i = 0; i < nn_model_count(golden_model(net)); i++) {
        const nn_param *param = nn_model_at(golden_model(net), i);
        bool begins = strncmp(nn_param_name(param), prefix, strlen(prefix)) == 0;
        if (begins != others && (buffers || !nn_param_is_buffer(param)))
            sum += nn_shape_count(nn_param_shape(param));
    }
    return (double)sum;
}

static nn_node *image_of(golden_net *net, int64_t channels, int64_t side)
{
    return nn_input(golden_graph(net), "x", NN_F, nn_shape3(channels, side, side));
}

static nn_node *conv(golden_net *net, const char *name, nn_node *x, int filters, int kernel,
                     nn_conv_args args)
{
    return nn_conv(golden_graph(net), name, x, filters, kernel, kernel, args, NN_INIT_ZEROS);
}

static nn_node *dense(golden_net *net, const char *name, nn_node *x, int units)
{
    return nn_dense(golden_graph(net), name, x, units, NN_INIT_ZEROS);
}

static nn_node *pool(golden_net *net, nn_node *x, int kernel, int stride)
{
    nn_pool_args args = {.kernel = {kernel, kernel}, .stride = {stride, stride}};
    return nn_max_pool2d(golden_graph(net), x, args);
}

/* --- chapter 27: MobileNetV2 as a base ---------------------------------------------------------
 */

static void new_head(golden_case *c)
{
    golden_net *base = named(c, "mobilenetv2", published), *net = golden_outline_new(c);
    const nn_node *features = nn_graph_find(golden_graph(base), "features.relu6");
    nn_node *x = nn_input(golden_graph(net), "x", NN_F, nn_shape1(nn_node_shape(features).dim[1]));
    dense(net, "head", x, 10);
    golden_out_number(c, "", parameters_of(c, net));
}

static void base_parameters(golden_case *c)
{
    golden_net *net = named(c, "mobilenetv2", published);
    golden_out_numbers(
        c, "", 2, (double[]){part_of(net, "fc.", true, true), part_of(net, "fc.", true, false)});
}

static void base_features(golden_case *c)
{
    golden_net *net = named(c, "mobilenetv2", (nn_model_size){.sample = nn_shape3(3, 160, 160)});
    nn_shape shape = nn_node_shape(nn_graph_find(golden_graph(net), "features.relu6"));
    golden_out_numbers(
        c, "", 3, (double[]){(double)shape.dim[2], (double)shape.dim[3], (double)shape.dim[1]});
}

static void fine_tuning_rate(golden_case *c)
{
    golden_out_number(c, "", FINE_TUNE_RATE / ADAM_RATE);
}

/* Layers as Keras counts them: the input and every operator, and a zero padding of its own before
 * each depthwise convolution of stride 2. */
static int keras_layers_at(const nn_node *node)
{
    if (strcmp(nn_node_op(node), "conv2d") != 0)
        return strcmp(nn_node_op(node), "parameter") != 0;
    const nn_node *x = nn_node_input(node, 0);
    bool depthwise = nn_node_shape(nn_node_input(node, 1)).dim[1] == 1;
    return depthwise && nn_node_shape(node).dim[2] < nn_node_shape(x).dim[2] ? 2 : 1;
}

/* Freezes the first layers of the base, as the listing does, and counts those that are. */
static void frozen_layers(golden_case *c)
{
    golden_net *net = named(c, "mobilenetv2", (nn_model_size){.sample = nn_shape3(3, 160, 160)});
    const nn_graph *graph = golden_graph(net);
    int layers = 0, frozen = 0;
    for (int i = 0; i < nn_graph_count(graph); i++) {
        const nn_node *node = nn_graph_at(graph, i);
        if (strcmp(nn_node_name(node), "labels") == 0)
            continue;
        for (int k = 0; k < keras_layers_at(node); k++)
            frozen += layers++ < FINE_TUNE_FROM;
        if (strcmp(nn_node_name(node), "features.relu6") == 0)
            break;
    }
    if (layers != 154) /* the TensorFlow tutorial's count of this base */
        golden_fail(c, "the base has %d layers, Keras has 154", layers);
    golden_out_number(c, "", frozen);
}

/* --- chapter 31: LeNet-5 ------------------------------------------------------------------------
 */

/* S2 and S4 of 1998: the mean of 2x2 cells, with a coefficient and a bias a channel. */
static nn_node *subsample(golden_net *net, const char *name, nn_node *x)
{
    char part[NN_NAME_MAX];
    nn_graph *g = golden_graph(net);
    nn_pool_args args = {.kernel = {2, 2}};
    nn_shape each = nn_shape3(nn_node_shape(x).dim[1], 1, 1);
    nn_node *mean = nn_average_pool2d(nn_named(g, "%s.mean", name), x, args);
    snprintf(part, sizeof part, "%s.coefficient", name);
    nn_param *scale = nn_model_param(golden_model(net), part, each, NN_INIT_ONES, 1, NULL);
    snprintf(part, sizeof part, "%s.bias", name);
    nn_param *shift = nn_model_param(golden_model(net), part, each, NN_INIT_ZEROS, 1, NULL);
    mean = nn_mul(g, mean, nn_use(g, scale));
    return nn_add(nn_named(g, "%s", name), mean, nn_use(g, shift));
}

/* LeCun, Bottou, Bengio and Haffner 1998, table I: which of the six maps of S2 each of the sixteen
 * maps of C3 sees. */
static nn_node *partly_connected(golden_net *net, nn_node *x)
{
    static const char *const seen[16] = {"012",  "123",  "234",  "345",   "045",  "015",
                                         "0123", "1234", "2345", "0345",  "0145", "0125",
                                         "0134", "1245", "0235", "012345"};
    nn_graph *g = golden_graph(net);
    nn_node *maps[16], *halves[2];
    for (int i = 0; i < 16; i++) {
        char name[NN_NAME_MAX];
        nn_node *from[6];
        int count = (int)strlen(seen[i]);
        for (int k = 0; k < count; k++)
            from[k] = nn_slice_axis(g, x, 0, seen[i][k] - '0', 1);
        snprintf(name, sizeof name, "c3.map%d", i);
        maps[i] = conv(net, name, nn_concat(g, from, count, 0), 1, 5, (nn_conv_args){0});
    }
    for (int half = 0; half < 2; half++) /* an operator has at most NN_MAX_INPUTS inputs */
        halves[half] = nn_concat(g, maps + 8 * half, 8, 0);
    return nn_concat(nn_named(g, "c3"), halves, 2, 0);
}

/* As published: 32x32, partial connections, 84 units before the fixed radial basis functions. */
static golden_net *lenet_of_1998(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *x = conv(net, "c1", image_of(net, 1, 32), 6, 5, (nn_conv_args){0});
    x = subsample(net, "s2", nn_tanh(golden_graph(net), x));
    x = partly_connected(net, nn_tanh(golden_graph(net), x));
    x = subsample(net, "s4", nn_tanh(golden_graph(net), x));
    x = conv(net, "c5", nn_tanh(golden_graph(net), x), 120, 5, (nn_conv_args){0});
    dense(net, "f6", nn_flatten(golden_graph(net), nn_tanh(golden_graph(net), x)), 84);
    return net;
}

static void lenet_original(golden_case *c)
{
    golden_out_number(c, "", parameters_of(c, lenet_of_1998(c)));
}

static void lenet_modern(golden_case *c)
{
    golden_out_number(c, "", parameters_of(c, named(c, "lenet5", published)));
}

static void lenet_shapes(golden_case *c)
{
    static const char *const maps[5] = {"x", "c1", "s2", "c3", "s4"};
    golden_net *net = lenet_of_1998(c);
    golden_array out = golden_new(c, nn_shape2(2, 5));
    for (int i = 0; i < 5; i++) {
        nn_shape shape = nn_node_shape(nn_graph_find(golden_graph(net), maps[i]));
        out.data[i] = (double)shape.dim[2];
        out.data[5 + i] = (double)shape.dim[1];
    }
    golden_out(c, "", out);
}

/* --- chapter 31: AlexNet ------------------------------------------------------------------------
 */

/* Krizhevsky, Sutskever and Hinton 2012, with the towers (two groups) or as one. */
static double alexnet_parameters(golden_case *c, int towers)
{
    golden_net *net = golden_outline_new(c);
    nn_conv_args split = {.groups = towers}, first = {.stride = {4, 4}};
    nn_node *x = pool(net, conv(net, "conv1", image_of(net, 3, 227), 96, 11, first), 3, 2);
    for (int i = 0; i < 4; i++)
        split.pad[i] = 2;
    x = pool(net, conv(net, "conv2", x, 256, 5, split), 3, 2);
    for (int i = 0; i < 4; i++)
        split.pad[i] = 1;
    x = conv(net, "conv3", x, 384, 3, (nn_conv_args){.pad = {1, 1, 1, 1}}); /* sees both towers */
    x = conv(net, "conv4", x, 384, 3, split);
    x = pool(net, conv(net, "conv5", x, 256, 3, split), 3, 2);
    x = dense(net, "fc6", nn_flatten(golden_graph(net), x), 4096);
    dense(net, "fc8", dense(net, "fc7", x, 4096), 1000);
    return parameters_of(c, net);
}

static void alexnets(golden_case *c)
{
    golden_out_numbers(c, "", 3,
                       (double[]){alexnet_parameters(c, 2), alexnet_parameters(c, 1),
                                  parameters_of(c, named(c, "alexnet", published))});
}

/* (n - kernel) / stride + 1 before rounding, for the size that fits and the one of the paper. */
static void alexnet_sides(golden_case *c)
{
    const double kernel = 11, stride = 4;
    golden_out_numbers(c, "", 2,
                       (double[]){(227 - kernel) / stride + 1, (224 - kernel) / stride + 1});
}

/* --- chapter 31: VGG-16 -------------------------------------------------------------------------
 */

static void vgg_parameters(golden_case *c)
{
    golden_net *net = named(c, "vgg16", published);
    golden_out_numbers(c, "", 3,
                       (double[]){part_of(net, "conv", false, false),
                                  part_of(net, "fc", false, false), parameters_of(c, net)});
}

static void vgg_layers(golden_case *c)
{
    golden_net *net = named(c, "vgg16", published);
    const nn_graph *graph = golden_graph(net);
    double layers[2] = {0, 0};
    for (int i = 0; i < nn_graph_count(graph); i++) {
        const char *op = nn_node_op(nn_graph_at(graph, i));
        layers[0] += strcmp(op, "conv2d") == 0;
        layers[1] += strcmp(op, "linear") == 0;
    }
    golden_out_numbers(c, "", 2, layers);
}

static void vgg_shapes(golden_case *c)
{
    golden_net *net = named(c, "vgg16", published);
    const nn_graph *graph = golden_graph(net);
    double side[8];
    int pools = 0;
    for (int i = 0; i < nn_graph_count(graph) && pools < 8; i++)
        if (strcmp(nn_node_op(nn_graph_at(graph, i)), "max_pool2d") == 0)
            side[pools++] = (double)nn_node_shape(nn_graph_at(graph, i)).dim[2];
    golden_out_numbers(c, "", pools, side);
}

static void vgg_mebibytes(golden_case *c)
{
    double bytes = sizeof(float) * parameters_of(c, named(c, "vgg16", published));
    golden_out_number(c, "", bytes / (1 << 20));
}

/* Weights of `layers` convolutions of `kernel`, all with as many channels. */
static double weights_of_stack(golden_case *c, int layers, int kernel, int channels)
{
    golden_net *net = golden_outline_new(c);
    nn_node *x = image_of(net, channels, 32);
    for (int i = 0; i < layers; i++) {
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "conv%d", i);
        x = nn_conv_unbiased(golden_graph(net), name, x, channels, kernel, kernel,
                             (nn_conv_args){0}, NN_INIT_ZEROS);
    }
    return parameters_of(c, net);
}

/* Any number of channels gives the same. */
static void two_small_for_one(golden_case *c)
{
    golden_out_number(c, "", 1 - weights_of_stack(c, 2, 3, 64) / weights_of_stack(c, 1, 5, 64));
}

static void three_small_for_one(golden_case *c)
{
    golden_out_number(c, "", 1 - weights_of_stack(c, 3, 3, 64) / weights_of_stack(c, 1, 7, 64));
}

static void small_for_one_weights(golden_case *c)
{
    int channels = (int)golden_number(c, "C");
    golden_out_numbers(
        c, "", 2,
        (double[]){weights_of_stack(c, 1, 5, channels), weights_of_stack(c, 2, 3, channels)});
}

/* --- chapter 32 ---------------------------------------------------------------------------------
 */

/* dH/dx of H = F + x with F = slope x. */
static void out_slope_past(golden_case *c, double slope)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    golden_array one = golden_new(c, nn_shape2(1, 1)), w = golden_new(c, nn_shape2(1, 1));
    one.data[0] = 1;
    w.data[0] = slope;
    nn_node *x = golden_batch(net, "x", one);
    nn_node *f = nn_linear(g, x, golden_weight(net, "w", w, w.shape), NULL);
    golden_run(net, golden_sum(net, nn_add(g, f, x), NULL));
    golden_out_number(c, "", golden_gradient(net, "x").data[0]);
}

static void slope_past_nothing(golden_case *c)
{
    out_slope_past(c, 0);
}

static void slope_cancelled(golden_case *c)
{
    out_slope_past(c, -1);
}

static void bottleneck_weights(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_graph *g = golden_graph(net);
    nn_conv_args same = {.pad = {1, 1, 1, 1}}, none = {.groups = 1};
    nn_node *x = image_of(net, 256, 56);
    x = nn_conv_unbiased(g, "down", x, 64, 1, 1, none, NN_INIT_ZEROS);
    x = nn_conv_unbiased(g, "middle", x, 64, 3, 3, same, NN_INIT_ZEROS);
    nn_conv_unbiased(g, "up", x, 256, 1, 1, none, NN_INIT_ZEROS);
    golden_out_numbers(c, "", 2, (double[]){parameters_of(c, net), weights_of_stack(c, 2, 3, 256)});
}

static void residual_parameters(golden_case *c)
{
    golden_out_numbers(c, "", 2,
                       (double[]){parameters_of(c, named(c, "resnet50", published)),
                                  parameters_of(c, named(c, "resnet152", published))});
}

const golden_known golden_network_fact_cases[] = {
    {"ch27-head-params", new_head},
    {"ch27-base-params", base_parameters},
    {"ch27-feature-map", base_features},
    {"ch27-lr-ratio", fine_tuning_rate},
    {"ch27-frozen-layers", frozen_layers},
    {"ch31-lenet-original", lenet_original},
    {"ch31-lenet-modern", lenet_modern},
    {"ch31-lenet-shapes", lenet_shapes},
    {"ch31-alexnet", alexnets},
    {"ch31-alexnet-227", alexnet_sides},
    {"ch31-vgg16", vgg_parameters},
    {"ch31-vgg16-layers", vgg_layers},
    {"ch31-vgg-shapes", vgg_shapes},
    {"ch31-vgg16-mib", vgg_mebibytes},
    {"ch31-vgg-saving", two_small_for_one},
    {"ch31-vgg-7x7", three_small_for_one},
    {"ch31-vgg-params-C", small_for_one_weights},
    {"ch32-dH", slope_past_nothing},
    {"ch32-cancel", slope_cancelled},
    {"ch32-bottleneck", bottleneck_weights},
    {"ch32-resnet50", residual_parameters},
    {"", NULL},
};
