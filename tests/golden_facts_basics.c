/* Facts of chapters 1 to 6: logistic regression, descent, broadcasting, shapes. */
#include "engine/elementwise.h"
#include "engine/shapes.h"
#include "tests/golden_apply.h"
#include "tests/golden_settings.h"

#include <math.h>

static nn_node *exp_of_minus(nn_graph *g, nn_node *x)
{
    return nn_exp_of(g, nn_neg(g, x));
}

static nn_node *minus_log(nn_graph *g, nn_node *x)
{
    return nn_neg(g, nn_log_of(g, x));
}

/* The number at which `holds` of it stops being what it is at `low`, to the last bit. */
static double turning_point(double low, double high, bool (*holds)(double))
{
    bool first = holds(low);
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return first ? low : high;
        if (holds(middle) == first)
            low = middle;
        else
            high = middle;
    }
}

/* --- chapters 1 and 2 ---------------------------------------------------------------------------
 */

static void denominator(golden_case *c)
{
    golden_out_number(c, "", golden_apply_to(c, exp_of_minus, golden_number(c, "z"), NULL));
}

static void loss_of_rounded(golden_case *c)
{
    golden_out_number(c, "", golden_apply_to(c, minus_log, golden_number(c, "a"), NULL));
}

/* The sigmoid as the listings have it, whatever number the engine was built with. */
static double listing_sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

static bool below_one(double z)
{
    return listing_sigmoid(z) != 1;
}

/* The first z of double at which the listing's sigmoid is 1, and the last at which it is not are
 * neighbours. */
static void saturation(golden_case *c)
{
    golden_out_number(c, "", turning_point(0, 1000, below_one));
}

static double listing_cost(golden_case *c)
{
    golden_array x = golden_in(c, "X"), y = golden_in(c, "Y"), w = golden_in(c, "w");
    int64_t m = y.count;
    double b = golden_number(c, "b"), sum = 0;
    for (int64_t j = 0; j < m; j++) {
        double z = b;
        for (int64_t i = 0; i < w.count; i++)
            z += w.data[i] * x.data[i * m + j];
        double a = listing_sigmoid(z);
        sum += y.data[j] * log(a) + (1 - y.data[j]) * log(1 - a);
    }
    return -sum / (double)m;
}

static void listing_nan(golden_case *c)
{
    golden_out_number(c, "", isnan(listing_cost(c)));
}

static void listing_infinite(golden_case *c)
{
    double cost = listing_cost(c);
    golden_out_number(c, "", isinf(cost) && cost > 0);
}

/* Lengths and numbers of axes of five numbers in a row, and of their transpose. */
static void row_of_five(golden_case *c)
{
    nn_graph *g = golden_graph(golden_outline_new(c));
    nn_node *x = nn_input(g, "x", NN_F, nn_shape1(5));
    const nn_node *turned = nn_transpose(g, x, (const int[]){0}, 1);
    if (!turned)
        golden_fail(c, "a transpose of one axis was refused");
    nn_shape shape = nn_node_shape(x), other = nn_node_shape(turned);
    golden_out_numbers(
        c, "", 4,
        (double[]){(double)shape.dim[1], shape.rank - 1, (double)other.dim[1], other.rank - 1});
}

static bool exp_is_finite(double z)
{
    return isfinite(exp(z));
}

static void exp_overflow(golden_case *c)
{
    golden_out_number(c, "", turning_point(0, 1e4, exp_is_finite));
}

/* d2/dz2 of 1/2 (sigmoid(z) - 1)^2 is a (1-a)^2 (3a - 1). */
static bool curves_down(double z)
{
    double a = listing_sigmoid(z);
    return a * (1 - a) * (1 - a) * (3 * a - 1) < 0;
}

static void inflection(golden_case *c)
{
    golden_out_number(c, "", turning_point(-5, 5, curves_down));
}

/* --- chapter 3 ----------------------------------------------------------------------------------
 */

/* The losses of a bad and of a good prediction where the answer is yes. */
static void loss_ratio(golden_case *c)
{
    golden_out_number(c, "",
                      golden_apply_to(c, minus_log, BAD_PREDICTION, NULL) /
                          golden_apply_to(c, minus_log, GOOD_PREDICTION, NULL));
}

static void parabola(golden_case *c)
{
    int steps = (int)golden_number(c, "steps");
    golden_out_number(
        c, "",
        golden_descend(c, 1, golden_number(c, "alpha"), golden_number(c, "w0"), steps, NULL));
}

/* A step takes w to (1 - rate slope) w, which is no farther from 0 while rate slope <= 2. */
static void stability_limit(golden_case *c)
{
    double slope = 1 - golden_descend(c, golden_number(c, "L"), 1, 1, 1, NULL);
    golden_out_number(c, "", 2 / slope);
}

static void parabola_rates(golden_case *c)
{
    enum { STEPS = 4 };
    golden_array rates = golden_in(c, "alphas");
    golden_array way = golden_new(c, nn_shape2(rates.count, STEPS));
    for (int64_t i = 0; i < rates.count; i++)
        golden_descend(c, golden_number(c, "L"), rates.data[i], golden_number(c, "w0"), STEPS,
                       way.data + STEPS * i);
    golden_out(c, "traj", way);
}

/* --- chapter 4 ----------------------------------------------------------------------------------
 */

static void add_scalar(golden_case *c)
{
    golden_array a = golden_in(c, "a"), s = golden_in(c, "s");
    golden_net *net = golden_net_new(c, 1);
    nn_node *x = golden_batch(net, "a", golden_like(c, nn_shape2(1, a.count), a));
    nn_node *sum = nn_add(golden_graph(net), x, golden_weight(net, "s", s, nn_shape1(1)));
    golden_watch(net, sum);
    golden_run(net, golden_sum(net, sum, NULL));
    golden_out(c, "", golden_value(net, sum));
}

static void promised_speedup(golden_case *c)
{
    golden_out_number(c, "", SLOW_TRAINING_DAYS * 24 / FAST_TRAINING_HOURS);
}

static void lanes(golden_case *c)
{
    golden_out_numbers(c, "", 2,
                       (double[]){VECTOR_REGISTER_BITS / (8.0 * sizeof(double)),
                                  VECTOR_REGISTER_BITS / (8.0 * sizeof(float))});
}

static void measured_speedup(golden_case *c)
{
    golden_out_number(c, "", PYTHON_LOOP_MS / NUMPY_DOT_MS);
}

static void multiplications(golden_case *c)
{
    golden_net *net = golden_layers(c, (double[]){golden_number(c, "n"), 1}, 2);
    golden_out_number(c, "", (double)nn_graph_multiply_adds(golden_graph(net)));
}

/* --- chapter 5: broadcasting --------------------------------------------------------------------
 */

/* One example of the case's input as an activation. */
static nn_node *example(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    golden_array a = golden_in(c, name);
    nn_shape shape = {.rank = a.shape.rank + 1, .dim = {1}};
    for (int i = 0; i < a.shape.rank; i++)
        shape.dim[i + 1] = a.shape.dim[i];
    return golden_batch(net, name, golden_like(c, shape, a));
}

static void out_value(golden_net *net, const char *name, nn_node *node)
{
    golden_watch(net, node);
    golden_run(net, golden_sum(net, node, NULL));
    golden_out(golden_net_case(net), name, golden_value(net, node));
}

static void add_inputs(golden_case *c, const char *a, const char *b, const char *out)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *first = example(net, a), *second = example(net, b);
    out_value(net, out, nn_add(golden_graph(net), first, second));
}

static void matrix_and_row(golden_case *c)
{
    add_inputs(c, "A", "B", "");
}

static void outer_sum(golden_case *c)
{
    add_inputs(c, "a", "b", "S");
}

static nn_shape shape_in(golden_case *c, const char *name)
{
    golden_array sizes = golden_in(c, name);
    if (sizes.count >= NN_MAX_DIMS)
        golden_fail(c, "'%s' has too many axes", name);
    nn_shape shape = {.rank = (int)sizes.count};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = (int64_t)sizes.data[i];
    return shape;
}

/* a + b of the shapes given; NULL where they do not broadcast. */
static const nn_node *sum_of_shapes(golden_case *c)
{
    nn_graph *g = golden_graph(golden_outline_new(c));
    nn_node *a = nn_input(g, "a", NN_F, shape_in(c, "a"));
    return nn_add(g, a, nn_input(g, "b", NN_F, shape_in(c, "b")));
}

static void out_sample_shape(golden_case *c, const nn_node *node)
{
    if (!node)
        golden_fail(c, "refused");
    nn_shape shape = nn_node_shape(node);
    double sizes[NN_MAX_DIMS];
    for (int i = 1; i < shape.rank; i++)
        sizes[i - 1] = (double)shape.dim[i];
    golden_out_numbers(c, "", shape.rank - 1, sizes);
}

static void broadcast_shape(golden_case *c)
{
    out_sample_shape(c, sum_of_shapes(c));
}

static void broadcasts(golden_case *c)
{
    golden_out_number(c, "", sum_of_shapes(c) != NULL);
}

static void less_row_means(golden_case *c, bool keep)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = example(net, "X");
    nn_node *means = nn_reduce_mean(g, x, (const int[]){1}, 1, keep);
    out_value(net, "", nn_sub(g, x, means));
}

static void wrong_axis(golden_case *c)
{
    less_row_means(c, false);
}

static void right_axis(golden_case *c)
{
    less_row_means(c, true);
}

/* Bytes from one place of a broadcast array of 2 rows and 3 columns to the next, along each axis:
 * numbers 0, 1, 2 ... are broadcast, and what comes next tells how far in memory it stands. */
static void strides_of(golden_case *c, nn_shape shape)
{
    golden_net *net = golden_net_new(c, 1);
    golden_array places = golden_new(c, nn_shape3(1, shape.dim[0], shape.dim[1]));
    for (int64_t i = 0; i < places.count; i++)
        places.data[i] = (double)i;
    nn_node *wide = nn_expand(golden_graph(net), golden_batch(net, "x", places), nn_shape2(2, 3));
    golden_watch(net, wide);
    golden_run(net, golden_sum(net, wide, NULL));
    const double *at = golden_value(net, wide).data;
    golden_out_numbers(
        c, "", 2, (double[]){(at[3] - at[0]) * sizeof(int64_t), (at[1] - at[0]) * sizeof(int64_t)});
}

static void strides_of_row(golden_case *c)
{
    strides_of(c, nn_shape2(1, 3));
}

static void strides_of_column(golden_case *c)
{
    strides_of(c, nn_shape2(2, 1));
}

/* Simpson's rule is exact for the integrals of x and of (x - mean)^2. */
static void uniform_statistics(golden_case *c)
{
    const double low = 0, high = LISTING_4_RANGE, middle = (low + high) / 2;
    double mean = (low + 4 * middle + high) / 6;
    double variance = ((low - mean) * (low - mean) + 4 * (middle - mean) * (middle - mean) +
                       (high - mean) * (high - mean)) /
                      6;
    golden_out_numbers(c, "", 2, (double[]){mean, sqrt(variance)});
}

static void shape_of_means(golden_case *c)
{
    nn_graph *g = golden_graph(golden_outline_new(c));
    nn_node *x =
        nn_input(g, "X", NN_F, nn_shape2((int64_t)LISTING_4_FEATURES, (int64_t)LISTING_4_EXAMPLES));
    out_sample_shape(c, nn_reduce_mean(g, x, (const int[]){1}, 1, true));
}

static void z_score(golden_case *c)
{
    const int columns[] = {1};
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = example(net, "X"), *mean = nn_reduce_mean(g, x, columns, 1, true);
    nn_node *away = nn_sub(g, x, mean);
    nn_node *sigma = nn_sqrt(g, nn_reduce_mean(g, nn_mul(g, away, away), columns, 1, true));
    nn_node *scores = nn_div(g, away, sigma);
    golden_watch(net, mean);
    golden_watch(net, sigma);
    out_value(net, "Xn", scores);
    golden_out(c, "mu", golden_value(net, mean));
    golden_out(c, "sigma", golden_value(net, sigma));
}

static void product_and_sum(golden_case *c)
{
    golden_array upstream = golden_in(c, "d_Y");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *product = nn_mul(g, example(net, "A"), example(net, "B"));
    nn_node *y = nn_add(g, product, example(net, "C"));
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, &upstream));
    golden_out(c, "Y", golden_value(net, y));
    golden_out_gradients(net, "A B C");
}

/* --- chapter 6 ----------------------------------------------------------------------------------
 */

static nn_node *layer(golden_net *net, nn_node *x, const char *weight, const char *bias)
{
    golden_case *c = golden_net_case(net);
    golden_array w = golden_in(c, weight), b = golden_in(c, bias);
    return nn_linear(golden_graph(net), x, golden_weight(net, weight, w, w.shape),
                     golden_weight(net, bias, b, nn_shape1(b.count)));
}

static void listing_prediction(golden_case *c)
{
    golden_array x = golden_transposed(c, golden_in(c, "X"));
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_node *hidden = nn_tanh(g, layer(net, golden_batch(net, "X", x), "W1", "b1"));
    nn_node *output = nn_sigmoid(g, layer(net, hidden, "W2", "b2"));
    golden_watch(net, output);
    golden_run(net, golden_sum(net, output, NULL));
    golden_out(c, "", golden_transposed(c, golden_value(net, output)));
}

/* Listing 5: columns are the four examples, rows the units of the last layer. */
static void listing_shape(golden_case *c)
{
    const int examples = 4;
    golden_net *net = golden_layers(c, (double[]){3, 4, 1}, 3);
    nn_shape shape = nn_node_shape(nn_graph_find(golden_graph(net), "W2"));
    golden_out_numbers(c, "", 2, (double[]){(double)shape.dim[1], examples});
}

/* W1, b1, Z1 and W2, with columns for examples. */
static void table_of_shapes(golden_case *c)
{
    double sizes[3] = {golden_number(c, "n_x"), golden_number(c, "n1"), golden_number(c, "n2")};
    golden_net *net = golden_layers(c, sizes, 3);
    golden_parameters(net); /* none was refused */
    nn_shape w1 = nn_param_shape(nn_model_find(golden_model(net), "W1.weight"));
    nn_shape b1 = nn_param_shape(nn_model_find(golden_model(net), "W1.bias"));
    nn_shape z1 = nn_node_shape(nn_graph_find(golden_graph(net), "W1"));
    nn_shape w2 = nn_param_shape(nn_model_find(golden_model(net), "W2.weight"));
    golden_out_numbers(c, "", 8,
                       (double[]){(double)w1.dim[0], (double)w1.dim[1], (double)b1.dim[0], 1,
                                  (double)z1.dim[1], golden_number(c, "m"), (double)w2.dim[0],
                                  (double)w2.dim[1]});
}

static void parameter_count(golden_case *c)
{
    golden_array sizes = golden_in(c, "layers");
    golden_out_number(c, "", golden_parameters(golden_layers(c, sizes.data, sizes.count)));
}

const golden_known golden_basics_fact_cases[] = {
    {"ch01-ex-exp", denominator},
    {"ch01-ex-loss-rounded-a", loss_of_rounded},
    {"ch01-sigmoid-saturates-at", saturation},
    {"ch01-listing1-nan", listing_nan},
    {"ch01-listing1-inf", listing_infinite},
    {"ch01-rank1-shape", row_of_five},
    {"ch02-ex-exp", denominator},
    {"ch02-exp-overflow", exp_overflow},
    {"ch02-mse-inflection", inflection},
    {"ch03-loss-ratio", loss_ratio},
    {"ch03-gd-alpha-small", parabola},
    {"ch03-gd-alpha-big", parabola},
    {"ch03-gd-stability-limit", stability_limit},
    {"ch03-gd-quadratic", parabola_rates},
    {"ch04-broadcast-scalar", add_scalar},
    {"ch04-month-vs-2h", promised_speedup},
    {"ch04-simd-lanes", lanes},
    {"ch04-bench-python-vs-numpy", measured_speedup},
    {"ch04-log-loss-elements", multiplications},
    {"ch05-example-sum", matrix_and_row},
    {"ch05-shape-ok", broadcast_shape},
    {"ch05-shape-fail", broadcasts},
    {"ch05-shape-rank", broadcast_shape},
    {"ch05-shape-outer", broadcast_shape},
    {"ch05-listing-without-keepdims", broadcasts},
    {"ch05-silent-wrong-axis", wrong_axis},
    {"ch05-right-axis", right_axis},
    {"ch05-strides", strides_of_row},
    {"ch05-strides-col", strides_of_column},
    {"ch05-uniform-stats", uniform_statistics},
    {"ch05-mu-shape", shape_of_means},
    {"ch05-zscore", z_score},
    {"ch05-broadcast-grad", product_and_sum},
    {"ch05-outer-add", outer_sum},
    {"ch06-listing5-prediction", listing_prediction},
    {"ch06-listing5-shape", listing_shape},
    {"ch06-shapes", table_of_shapes},
    {"ch06-param-count", parameter_count},
    {"ch09-param-count", parameter_count},
    {"ch09-demo-param-count", parameter_count},
    {"ch10-param-count", parameter_count},
    {"", NULL},
};
