/* Cases of chapters 21, 29, 33, 34 and 36 about paddings, sizes and normalised vectors. */
#include "tests/golden_case.h"

#include <math.h>

/* --- batch norm -------------------------------------------------------------------------------
 */

/* One feature, `values` as the batch, scale 1 and shift 0, trained on once. */
typedef struct {
    golden_net *net;
    nn_node *out, *sum;
} norm_net;

static norm_net norm_of(golden_case *c, golden_array values, nn_batch_norm_args args)
{
    golden_array one = golden_new(c, nn_shape1(1)), zero = golden_new(c, nn_shape1(1));
    one.data[0] = 1;
    golden_net *net = golden_net_new(c, values.count);
    nn_graph *g = golden_graph(net);
    nn_model *model = golden_model(net);
    nn_node *x = golden_batch(net, "Z", golden_like(c, nn_shape2(values.count, 1), values));
    nn_node *gamma = golden_weight(net, "gamma", one, nn_shape1(1));
    nn_node *beta = golden_weight(net, "beta", zero, nn_shape1(1));
    nn_param *mean = nn_model_buffer(model, "mean", nn_shape1(1), NN_INIT_ZEROS, NULL);
    nn_param *variance = nn_model_buffer(model, "var", nn_shape1(1), NN_INIT_ONES, NULL);
    nn_node *out = nn_batch_norm(g, x, gamma, beta, nn_use(g, mean), nn_use(g, variance), args);
    golden_watch(net, out);
    nn_node *sum = golden_sum(net, out, NULL);
    golden_run(net, sum);
    return (norm_net){net, out, sum};
}

static void norm_of_one(golden_case *c)
{
    norm_net n = norm_of(c, golden_in(c, "Z"), (nn_batch_norm_args){.epsilon = 1e-8});
    golden_out(c, "", golden_like(c, nn_shape2(1, 1), golden_value(n.net, n.out)));
}

static void bias_cancels(golden_case *c)
{
    golden_array z = golden_in(c, "z"), moved = golden_new(c, z.shape);
    for (int64_t i = 0; i < z.count; i++)
        moved.data[i] = z.data[i] + golden_number(c, "b");
    norm_net plain = norm_of(c, z, (nn_batch_norm_args){.epsilon = 1e-8});
    norm_net biased = norm_of(c, moved, (nn_batch_norm_args){.epsilon = 1e-8});
    golden_array a = golden_value(plain.net, plain.out), b = golden_value(biased.net, biased.out);
    double most = 0;
    for (int64_t i = 0; i < a.count; i++)
        most = fmax(most, fabs(a.data[i] - b.data[i]));
    golden_out_number(c, "", most);
}

/* What the unbiased running variance is of the biased one, for m different values. */
static void unbiased_factor(golden_case *c)
{
    golden_array values = golden_new(c, nn_shape1((int64_t)golden_number(c, "m")));
    for (int64_t i = 0; i < values.count; i++)
        values.data[i] = (double)i;
    double running[2];
    for (int biased = 0; biased < 2; biased++) {
        norm_net n =
            norm_of(c, values, (nn_batch_norm_args){.momentum = NN_NONE, .biased = biased == 1});
        running[biased] = golden_param(n.net, "var").data[0];
    }
    golden_out_number(c, "", running[0] / running[1]);
}

static void running_mean_warms_up(golden_case *c)
{
    golden_array ones = golden_new(c, nn_shape1(2));
    ones.data[0] = ones.data[1] = 1;
    norm_net n = norm_of(c, ones, (nn_batch_norm_args){.momentum = golden_number(c, "momentum")});
    for (int step = 1; step < (int)golden_number(c, "steps"); step++)
        golden_run(n.net, n.sum);
    golden_out(c, "", golden_like(c, (nn_shape){.rank = 0}, golden_param(n.net, "mean")));
}

/* --- sizes ------------------------------------------------------------------------------------
 */

static void same_padding(golden_case *c)
{
    golden_array f = golden_in(c, "f"), out = golden_new(c, f.shape);
    for (int64_t i = 0; i < f.count; i++) {
        int side = (int)f.data[i], pad[4];
        nn_same_pads(nn_shape3(1, 28, 28), (int[]){side, side}, (int[]){1, 1}, NULL, NN_SAME_UPPER,
                     pad);
        if (pad[0] != pad[2])
            golden_fail(c, "filter %d: %d before, %d after", side, pad[0], pad[2]);
        out.data[i] = pad[0];
    }
    golden_out(c, "", out);
}

static nn_node *filters(golden_net *net, nn_node *x, int side)
{
    nn_graph *g = golden_graph(net);
    return nn_conv(g, "conv", x, 1, side, side, (nn_conv_args){.groups = 1}, NN_INIT_ZEROS);
}

/* The side left by 5x5 filters with `pools` 2x2 maxima after the first ones; 0 where it ends. */
static double side_after(golden_case *c, int64_t side, int pools)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = nn_input(g, "x", NN_F, nn_shape3(1, side, side));
    for (int i = 0; i < pools; i++)
        x = nn_max_pool2d(g, filters(net, x, 5), (nn_pool_args){.kernel = {2, 2}});
    x = filters(net, x, 5);
    return x ? (double)nn_node_shape(x).dim[2] : 0;
}

static void sides(golden_case *c, int pools)
{
    golden_array in = golden_in(c, "s"), out = golden_new(c, in.shape);
    for (int64_t i = 0; i < in.count; i++)
        out.data[i] = side_after(c, (int64_t)in.data[i], pools);
    golden_out(c, "", out);
}

static void sides_of_the_listing(golden_case *c)
{
    sides(c, 2);
}

static void sides_of_the_example(golden_case *c)
{
    sides(c, 1);
}

/* Parameters and channels of an inception module: c_in and the filters of its six convolutions. */
static void inception_size(golden_case *c)
{
    golden_array f = golden_in(c, "f");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = nn_input(g, "x", NN_F, nn_shape3((int64_t)golden_number(c, "c_in"), 28, 28));
    static const char *const name[] = {"one", "reduce3", "three", "reduce5", "five", "pooled"};
    static const int side[] = {1, 1, 3, 1, 5, 1};
    nn_node *y[6];
    double channels = 0;
    for (int i = 0; i < 6; i++) {
        nn_conv_args args = {.groups = 1};
        nn_same_pads(nn_shape3(1, 28, 28), (int[]){side[i], side[i]}, (int[]){1, 1}, NULL,
                     NN_SAME_UPPER, args.pad);
        y[i] = nn_conv(g, name[i], i == 2 || i == 4 ? y[i - 1] : x, (int)f.data[i], side[i],
                       side[i], args, NN_INIT_ZEROS);
        if (!y[i] || nn_node_shape(y[i]).dim[2] != 28)
            golden_fail(c, "branch '%s' has another size", name[i]);
        if (i != 1 && i != 3)
            channels += (double)nn_node_shape(y[i]).dim[1];
    }
    golden_array out = golden_new(c, nn_shape1(2));
    out.data[0] = (double)nn_model_parameters(golden_model(net));
    out.data[1] = channels;
    golden_out(c, "", out);
}

/* --- lengths ----------------------------------------------------------------------------------
 */

static void l2_norm(golden_case *c)
{
    golden_array x = golden_in(c, "x"), d = golden_in(c, "d_y");
    golden_net *net = golden_net_new(c, 1);
    nn_node *in = golden_batch(net, "x", golden_like(c, nn_shape2(1, x.count), x));
    nn_node *y = nn_l2_normalise(golden_graph(net), in, -1, 0);
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, &d));
    golden_out(c, "y", golden_like(c, x.shape, golden_value(net, y)));
    golden_out(c, "grad_x", golden_like(c, x.shape, golden_gradient(net, "x")));
}

const golden_known golden_convolution_cases[] = {
    {"ch21-m1", norm_of_one},
    {"ch21-bias-cancels", bias_cancels},
    {"ch21-unbiased-factor", unbiased_factor},
    {"ch21-warmup", running_mean_warms_up},
    {"ch29-same-pad", same_padding},
    {"ch33-incep3a", inception_size},
    {"ch34-fcn-shapes", sides_of_the_listing},
    {"ch34-ng-shapes", sides_of_the_example},
    {"ch36-l2norm", l2_norm},
    {"", NULL},
};
