/* Facts of chapters 7 to 10: slopes that vanish, backpropagation, sizes, initial weights. */
#include "engine/attention.h"
#include "engine/elementwise.h"
#include "engine/losses.h"
#include "tests/golden_apply.h"
#include "tests/golden_settings.h"

#include <math.h>
#include <string.h>

/* --- chapter 7: slopes --------------------------------------------------------------------------
 */

/* The greatest slope between -8 and 8, looked for in steps that meet 0. */
static double steepest(golden_case *c, golden_unary *build)
{
    enum { POINTS = 1025 };
    golden_array x = golden_new(c, nn_shape1(POINTS)), slope;
    for (int i = 0; i < POINTS; i++)
        x.data[i] = (double)(i - POINTS / 2) / 64;
    golden_apply(c, build, x, &slope);
    double most = -INFINITY;
    for (int i = 0; i < POINTS; i++)
        most = fmax(most, slope.data[i]);
    return most;
}

static void steepest_sigmoid(golden_case *c)
{
    golden_out_number(c, "", steepest(c, nn_sigmoid));
}

static void steepest_tanh(golden_case *c)
{
    golden_out_number(c, "", steepest(c, nn_tanh));
}

/* What is left of the error at the input of ten layers of one unit with this weight. Biases keep
 * what goes into every activation at `z`. */
static double left_of_error(golden_case *c, golden_unary *build, double z, double weight)
{
    enum { LAYERS = 10 };
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    golden_array start = golden_new(c, nn_shape2(1, 1)), w = golden_new(c, nn_shape2(1, 1));
    double bias = z - weight * golden_apply_to(c, build, z, NULL);
    start.data[0] = (z - bias) / weight;
    w.data[0] = weight;
    nn_node *matrix = golden_weight(net, "w", w, w.shape), *x = golden_batch(net, "x", start);
    for (int i = 0; i < LAYERS; i++)
        x = build(g, nn_affine(g, nn_linear(g, x, matrix, NULL), 1, bias));
    golden_run(net, golden_sum(net, x, NULL));
    return golden_gradient(net, "x").data[0];
}

static void sigmoids_in_a_row(golden_case *c)
{
    golden_out_number(c, "", left_of_error(c, nn_sigmoid, 0, 1));
}

static void relus_in_a_row(golden_case *c)
{
    golden_out_number(c, "", left_of_error(c, nn_relu, 1, 1));
}

static void tanhs_in_a_row(golden_case *c)
{
    golden_out_number(c, "", left_of_error(c, nn_tanh, 1, 1));
}

static void sigmoids_with_weights(golden_case *c)
{
    golden_out_number(c, "", left_of_error(c, nn_sigmoid, 0, golden_number(c, "w")));
}

/* tanh(z) - (2 sigmoid(2z) - 1) */
static nn_node *tanh_less_sigmoid(nn_graph *g, nn_node *z)
{
    nn_node *stretched = nn_affine(g, nn_sigmoid(g, nn_affine(g, z, 2, 0)), 2, -1);
    return nn_sub(g, nn_tanh(g, z), stretched);
}

static void stretched_sigmoid(golden_case *c)
{
    golden_out_number(c, "", golden_apply_to(c, tanh_less_sigmoid, 0.5, NULL));
}

static void leaky(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *z = golden_batch(net, "z", golden_like(c, nn_shape2(1, 1), golden_in(c, "z")));
    nn_node *y = nn_leaky_relu(golden_graph(net), z, golden_number(c, "slope"));
    golden_out_number(c, "", golden_run(net, golden_sum(net, y, NULL)));
}

static void relu_slope(golden_case *c)
{
    double slope;
    golden_apply_to(c, nn_relu, golden_number(c, "z"), &slope);
    golden_out_number(c, "", slope);
}

static void softmax(golden_case *c)
{
    golden_array z = golden_in(c, "z"), upstream = golden_in(c, "d_p");
    golden_net *net = golden_net_new(c, 1);
    nn_node *in = golden_batch(net, "z", golden_like(c, nn_shape2(1, z.count), z));
    nn_node *p = nn_softmax(golden_graph(net), in, -1);
    golden_watch(net, p);
    golden_run(net, golden_sum(net, p, &upstream));
    golden_out(c, "p", golden_value(net, p));
    golden_out_gradients(net, "z");
}

/* --- chapter 8: the error on its way back -------------------------------------------------------
 */

static golden_array number(golden_case *c, nn_shape shape, double value)
{
    golden_array a = golden_new(c, shape);
    a.data[0] = value;
    return a;
}

/* One unit whose activation has slope `gprime`, then a sigmoid that says a2. Shifts of 0 stand
 * where an error is asked for: their gradients are dZ2, what comes back through W2, and dZ1. */
static void trace(golden_case *c)
{
    const nn_shape one = {.rank = 1, .dim = {1}}, cell = {.rank = 2, .dim = {1, 1}};
    double a2 = golden_number(c, "a2");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *z1 = golden_batch(net, "z1", golden_new(c, cell));
    nn_node *a1 = nn_affine(g, z1, golden_number(c, "gprime"), 0);
    a1 = nn_add(g, a1, golden_weight(net, "a1", golden_new(c, one), one));
    nn_node *w2 = golden_weight(net, "W2", golden_in(c, "W2"), cell);
    nn_node *b2 = golden_weight(net, "b2", number(c, one, log(a2 / (1 - a2))), one);
    nn_node *y = golden_constant(net, "y", golden_like(c, cell, golden_in(c, "y")));
    nn_node *z2 = nn_linear(g, a1, w2, b2);
    golden_run(net, nn_mean(g, nn_binary_cross_entropy(g, z2, y, NULL, NULL)));
    golden_out_numbers(c, "", 3,
                       (double[]){golden_gradient(net, "b2").data[0],
                                  golden_gradient(net, "a1").data[0],
                                  golden_gradient(net, "z1").data[0]});
}

static void shape_of_product(golden_case *c)
{
    int64_t m = (int64_t)golden_number(c, "m"), n1 = (int64_t)golden_number(c, "n1");
    nn_graph *g = golden_graph(golden_outline_new(c));
    nn_node *errors = nn_input(g, "dZ2", NN_F, nn_shape2(1, m));
    nn_node *hidden = nn_input(g, "A1", NN_F, nn_shape2(n1, m));
    nn_matmul_args args = {.trans_b = true};
    const nn_node *product = nn_matmul(g, errors, hidden, args);
    if (!product)
        golden_fail(c, "the product was refused");
    nn_shape shape = nn_node_shape(product);
    golden_out_numbers(c, "", 2, (double[]){(double)shape.dim[1], (double)shape.dim[2]});
}

/* tanh's slope falls for z > 0; each round looks at points between the last one above a half and
 * the next. */
static void half_slope(golden_case *c)
{
    enum { POINTS = 1000, ROUNDS = 5 };
    double low = 0, high = 4;
    for (int round = 0; round < ROUNDS; round++) {
        golden_array z = golden_new(c, nn_shape1(POINTS + 1)), slope;
        for (int i = 0; i <= POINTS; i++)
            z.data[i] = low + (high - low) * i / POINTS;
        golden_apply(c, nn_tanh, z, &slope);
        int last = 0;
        while (last + 1 < POINTS && slope.data[last + 1] >= 0.5)
            last++;
        low = z.data[last];
        high = z.data[last + 1];
    }
    golden_out_number(c, "", golden_apply_to(c, nn_tanh, low, NULL));
}

/* --- chapter 9: sizes ---------------------------------------------------------------------------
 */

/* Of the matrices W1 to W<count>, (out,in) each. */
static void out_matrices(golden_case *c, const double *sizes, int count)
{
    static const char *const names[] = {"W1.weight", "W2.weight"};
    golden_net *net = golden_layers(c, sizes, count + 1);
    golden_parameters(net); /* none was refused */
    double out[4];
    for (int i = 0; i < count; i++) {
        nn_shape shape = nn_param_shape(nn_model_find(golden_model(net), names[i]));
        out[2 * i] = (double)shape.dim[0];
        out[2 * i + 1] = (double)shape.dim[1];
    }
    golden_out_numbers(c, "", 2 * count, out);
}

static void matrices(golden_case *c)
{
    out_matrices(
        c, (double[]){golden_number(c, "n_x"), golden_number(c, "n1"), golden_number(c, "n2")}, 2);
}

static void first_matrix(golden_case *c)
{
    out_matrices(c, (double[]){1000, 100}, 1); /* listing 9: [1000, 100, 10] */
}

/* A picture of 64 by 64 in three colours. */
static void pixels(golden_case *c)
{
    nn_graph *g = golden_graph(golden_outline_new(c));
    nn_node *flat = nn_flatten(g, nn_input(g, "x", NN_F, nn_shape3(3, 64, 64)));
    golden_out_number(c, "", (double)nn_shape_row(nn_node_shape(flat)));
}

static void layer_count(golden_case *c)
{
    golden_array sizes = golden_in(c, "layers");
    const nn_graph *graph = golden_graph(golden_layers(c, sizes.data, sizes.count));
    int layers = 0;
    for (int i = 0; i < nn_graph_count(graph); i++)
        layers += strcmp(nn_node_op(nn_graph_at(graph, i)), "linear") == 0;
    golden_out_number(c, "", layers);
}

/* Listing 8: columns are the four examples. */
static void demo_shape(golden_case *c)
{
    const int examples = 4;
    golden_net *net = golden_layers(c, (double[]){3, 5, 3, 1}, 4);
    nn_shape shape = nn_node_shape(nn_graph_find(golden_graph(net), "W3"));
    golden_out_numbers(c, "", 2, (double[]){(double)shape.dim[1], examples});
}

static void wide_and_deep(golden_case *c)
{
    enum { LAYERS = 10 }; /* chapter 9: ten layers of a hundred thousand */
    double features = golden_number(c, "n_x"), deep[LAYERS + 2] = {features};
    for (int i = 1; i <= LAYERS; i++)
        deep[i] = DEEP_UNITS;
    deep[LAYERS + 1] = 1;
    golden_net *one = golden_layers(c, (double[]){features, WIDE_UNITS, 1}, 3);
    golden_net *ten = golden_layers(c, deep, LAYERS + 2);
    golden_out_numbers(c, "", 2, (double[]){golden_parameters(one), golden_parameters(ten)});
}

/* --- chapters 9 and 10: how large weights begin -------------------------------------------------
 */

/* What a rule multiplies standard normal numbers with, for so many inputs: the same seed and name
 * draw the same numbers, so the weights of two models differ by this factor alone. */
static double factor_of(golden_case *c, nn_init init, double inputs)
{
    double drawn[2];
    for (int ruled = 0; ruled < 2; ruled++) {
        nn_model *model = nn_model_new(1);
        nn_param *w = model ? nn_model_param(model, "W", nn_shape2(1, (int64_t)inputs),
                                             ruled ? init : NN_INIT_NORMAL, 1, NULL)
                            : NULL;
        drawn[ruled] = w ? (double)nn_param_values(w)[0] : NAN;
        nn_model_free(model);
    }
    if (isnan(drawn[0]))
        golden_fail(c, "no weights of %g inputs", inputs);
    return drawn[1] / drawn[0];
}

static double variance_of(golden_case *c, nn_init init, double inputs)
{
    double factor = factor_of(c, init, inputs);
    return factor * factor;
}

static void he_of_n(golden_case *c)
{
    golden_out_number(c, "", factor_of(c, NN_INIT_HE, golden_number(c, "n")));
}

static void he_deviation(golden_case *c)
{
    golden_out_number(c, "", factor_of(c, NN_INIT_HE, golden_number(c, "n_prev")));
}

static void he_variance(golden_case *c)
{
    golden_out_number(c, "", variance_of(c, NN_INIT_HE, golden_number(c, "n_prev")));
}

/* The variance measured over n normal numbers of variance v has itself the variance 2 v^2 / n. */
static void spread_of_variance(golden_case *c)
{
    const double inputs = 1000, units = 100;
    golden_out_number(c, "", variance_of(c, NN_INIT_HE, inputs) * sqrt(2 / (inputs * units)));
}

/* The rule of the notes, and Glorot's 2 / (in + out): He's 2 / n for both ends together. */
static void xavier_variances(golden_case *c)
{
    double in = golden_number(c, "n_in"), out = golden_number(c, "n_out");
    golden_out_numbers(
        c, "", 2,
        (double[]){variance_of(c, NN_INIT_XAVIER, in), variance_of(c, NN_INIT_HE, in + out)});
}

static void he_scaling(golden_case *c)
{
    golden_array g = golden_in(c, "g"), w = golden_new(c, g.shape);
    double factor = factor_of(c, NN_INIT_HE, golden_number(c, "n_prev"));
    for (int64_t i = 0; i < g.count; i++)
        w.data[i] = g.data[i] * factor;
    golden_out(c, "W", w);
}

/* Of relu(z), z standard normal. z and -z are as likely, and -1 and 1 have the mean square of a
 * normal number, so the mean square is that of relu over these two. */
static double second_moment(golden_case *c)
{
    double positive = golden_apply_to(c, nn_relu, 1, NULL);
    double negative = golden_apply_to(c, nn_relu, -1, NULL);
    return (positive * positive + negative * negative) / 2;
}

/* By Simpson's rule; beyond 12 nothing is left in double. */
static double mean_of_relu(golden_case *c)
{
    enum { INTERVALS = 6000 };
    const double step = 12.0 / INTERVALS, pi = acos(-1);
    golden_array z = golden_new(c, nn_shape1(INTERVALS + 1));
    for (int i = 0; i <= INTERVALS; i++)
        z.data[i] = i * step;
    golden_array y = golden_apply(c, nn_relu, z, NULL);
    double sum = 0;
    for (int i = 0; i <= INTERVALS; i++) {
        double weight = i == 0 || i == INTERVALS ? 1 : i % 2 ? 4 : 2;
        sum += weight * y.data[i] * exp(-z.data[i] * z.data[i] / 2);
    }
    return sum * step / 3 / sqrt(2 * pi); /* where z < 0, relu is 0 */
}

static void relu_second_moment(golden_case *c)
{
    golden_out_number(c, "", second_moment(c));
}

static void relu_variance(golden_case *c)
{
    double mean = mean_of_relu(c);
    golden_out_number(c, "", second_moment(c) - mean * mean);
}

const golden_known golden_backprop_fact_cases[] = {
    {"ch07-sigmoid-prime-max", steepest_sigmoid},
    {"ch07-vanish-sigmoid", sigmoids_in_a_row},
    {"ch07-vanish-relu", relus_in_a_row},
    {"ch07-tanh-prime-max", steepest_tanh},
    {"ch07-tanh-prime-10", tanhs_in_a_row},
    {"ch07-tanh-is-scaled-sigmoid", stretched_sigmoid},
    {"ch07-leaky-default", leaky},
    {"ch07-relu-deriv-at-0", relu_slope},
    {"ch07-vanish-with-weights", sigmoids_with_weights},
    {"ch07-softmax", softmax},
    {"ch08-trace", trace},
    {"ch08-dW2-shape", shape_of_product},
    {"ch08-tanh-gprime-half", half_slope},
    {"ch09-W-shapes", matrices},
    {"ch09-nx", pixels},
    {"ch09-layers", layer_count},
    {"ch09-demo-shape", demo_shape},
    {"ch09-wide-vs-deep", wide_and_deep},
    {"ch09-he-scale", he_of_n},
    {"ch10-he-variance", he_variance},
    {"ch10-he-std", he_deviation},
    {"ch10-he-variance-layer2", he_variance},
    {"ch10-he-sample-sd", spread_of_variance},
    {"ch10-W1-shape", first_matrix},
    {"ch10-xavier-variance", xavier_variances},
    {"ch10-relu-second-moment", relu_second_moment},
    {"ch10-relu-variance", relu_variance},
    {"ch10-he-scaling", he_scaling},
    {"", NULL},
};
