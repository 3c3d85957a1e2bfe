/* Cases of normalisation, convolution and pooling (chapters 21, 27, 29-31, 33, 34). */
#include "tests/golden_case.h"
#include "tests/op_run.h"

#include <math.h>
#include <string.h>

/* --- batch norm
 * ----------------------------------------------------------------------------------- */

/* Z (n,m): columns are examples. */
typedef struct {
    golden_net *net;
    nn_node *out;
} norm_net;

static golden_array filled(golden_case *c, int64_t count, double value)
{
    golden_array a = golden_new(c, nn_shape1(count));
    for (int64_t i = 0; i < count; i++)
        a.data[i] = value;
    return a;
}

static double epsilon_of(golden_case *c)
{
    double epsilon = golden_number(c, "eps");
    return epsilon == 0 ? NN_NONE : epsilon;
}

static norm_net norm_new(golden_case *c, golden_array rows, golden_array gamma, golden_array beta,
                         nn_batch_norm_args args)
{
    int64_t channels = rows.shape.dim[1];
    golden_net *net = golden_net_new(c, rows.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_shape one_each = nn_shape1(channels);
    nn_node *x = golden_batch(net, "Z", rows);
    nn_node *scale = golden_weight(net, "gamma", gamma, one_each);
    nn_node *shift = golden_weight(net, "beta", beta, one_each);
    nn_param *mean = nn_model_buffer(golden_model(net), "mean", one_each, NN_INIT_ZEROS, NULL);
    nn_param *variance = nn_model_buffer(golden_model(net), "var", one_each, NN_INIT_ONES, NULL);
    nn_node *out = nn_batch_norm(g, x, scale, shift, nn_use(g, mean), nn_use(g, variance), args);
    golden_watch(net, out);
    return (norm_net){net, out};
}

/* Mean and variance (divisor m) of the batch, read off how the running values moved. */
static void batch_statistics(golden_case *c, const norm_net *n, double momentum, int64_t m,
                             golden_array *mean, golden_array *variance)
{
    *mean = golden_param(n->net, "mean");
    *variance = golden_param(n->net, "var");
    if (m < 2)
        golden_skip(c); /* the running variance does not move */
    for (int64_t k = 0; k < mean->count; k++) {
        mean->data[k] /= 1 - momentum;
        variance->data[k] = (variance->data[k] - momentum) / (1 - momentum);
        variance->data[k] *= (double)(m - 1) / (double)m;
    }
}

static void norm_train(golden_case *c)
{
    golden_array z = golden_transposed(c, golden_in(c, "Z"));
    golden_array d = golden_transposed(c, golden_in(c, "d_out"));
    int64_t m = z.shape.dim[0], channels = z.shape.dim[1];
    double momentum = golden_number(c, "momentum");
    nn_batch_norm_args args = {.epsilon = epsilon_of(c), .momentum = momentum ? momentum : NN_NONE};
    norm_net n = norm_new(c, z, golden_in(c, "gamma"), golden_in(c, "beta"), args);
    golden_run(n.net, golden_sum(n.net, n.out, &d));
    golden_out(c, "out", golden_transposed(c, golden_value(n.net, n.out)));
    golden_out(c, "grad_Z", golden_transposed(c, golden_gradient(n.net, "Z")));
    golden_out_gradients(n.net, "gamma beta");
    golden_out(c, "run_mean", golden_param(n.net, "mean"));
    golden_out(c, "run_var_unbiased", golden_param(n.net, "var"));
    golden_array mean, variance, biased = golden_new(c, nn_shape1(channels));
    batch_statistics(c, &n, momentum, m, &mean, &variance);
    for (int64_t k = 0; k < channels; k++)
        biased.data[k] = momentum + (1 - momentum) * variance.data[k];
    golden_out(c, "mu", mean);
    golden_out(c, "var", variance);
    golden_out(c, "run_var_biased", biased);
    norm_net plain = norm_new(c, z, filled(c, channels, 1), filled(c, channels, 0), args);
    golden_run(plain.net, golden_sum(plain.net, plain.out, NULL));
    golden_out(c, "Zn", golden_transposed(c, golden_value(plain.net, plain.out)));
}

static void norm_identity(golden_case *c)
{
    golden_array z = golden_transposed(c, golden_in(c, "Z"));
    int64_t channels = z.shape.dim[1];
    nn_batch_norm_args args = {.epsilon = epsilon_of(c), .momentum = 0.5};
    norm_net plain = norm_new(c, z, filled(c, channels, 1), filled(c, channels, 0), args);
    golden_run(plain.net, golden_sum(plain.net, plain.out, NULL));
    golden_array mean, deviation;
    batch_statistics(c, &plain, args.momentum, z.shape.dim[0], &mean, &deviation);
    for (int64_t k = 0; k < channels; k++)
        deviation.data[k] = sqrt(deviation.data[k] + golden_number(c, "eps"));
    norm_net back = norm_new(c, z, deviation, mean, args);
    golden_run(back.net, golden_sum(back.net, back.out, NULL));
    golden_out(c, "out", golden_transposed(c, golden_value(back.net, back.out)));
}

static void norm_images(golden_case *c)
{
    golden_array x = golden_in(c, "X"), d = golden_in(c, "d_Y");
    norm_net n =
        norm_new(c, x, golden_in(c, "gamma"), golden_in(c, "beta"), (nn_batch_norm_args){0});
    golden_run(n.net, golden_sum(n.net, n.out, &d));
    golden_out(c, "Y", golden_value(n.net, n.out));
    golden_out(c, "grad_X", golden_gradient(n.net, "Z"));
    golden_out_gradients(n.net, "gamma beta");
}

static void put(void *to, golden_array from)
{
    for (int64_t i = 0; i < from.count; i++)
        ((nn_real *)to)[i] = (nn_real)from.data[i];
}

static golden_array get(golden_case *c, nn_shape shape, const nn_real *from)
{
    golden_array a = golden_new(c, shape);
    for (int64_t i = 0; i < a.count; i++)
        a.data[i] = (double)from[i];
    return a;
}

/* Evaluation has no backward pass in a plan; the operator itself has. */
static void norm_test(golden_case *c)
{
    golden_array z = golden_transposed(c, golden_in(c, "Z"));
    golden_array d = golden_transposed(c, golden_in(c, "d_out"));
    int64_t f = z.shape.dim[1];
    op_case norm = {.op = "batch_norm",
                    .what = "golden",
                    .rows = (int)z.shape.dim[0],
                    .input = {op_activation_of(1, (int)f)},
                    .evaluation = true};
    static const char *const name[] = {"gamma", "beta", "rm", "rv"};
    golden_array value[4];
    for (int i = 0; i < 4; i++) {
        value[i] = golden_in(c, name[i]);
        norm.input[i + 1] = op_parameter_of(1, (int)f);
    }
    op_draw(&norm, &(nn_batch_norm_args){.epsilon = epsilon_of(c)}, sizeof(nn_batch_norm_args));
    op_run run;
    op_run_new(&run, &norm, 1);
    put(run.value[0], z);
    put(run.grad_out, d);
    for (int i = 0; i < 4; i++)
        put(run.value[i + 1], value[i]);
    op_run_forward(&run);
    op_run_backward(&run);
    golden_out(c, "out", golden_transposed(c, get(c, z.shape, run.out)));
    golden_out(c, "grad_Z", golden_transposed(c, get(c, z.shape, run.gradient[0])));
    golden_out(c, "grad_gamma", get(c, nn_shape1(f), run.gradient[1]));
    golden_out(c, "grad_beta", get(c, nn_shape1(f), run.gradient[2]));
    op_run_free(&run);
}

/* --- convolution
 * ------------------------------------------------------------------------------------ */

static nn_node *convolution_of(golden_net *net, nn_node *x, const char *w, nn_conv_args args)
{
    golden_array kernel = golden_in(golden_net_case(net), w);
    return nn_conv2d(golden_graph(net), x, golden_weight(net, w, kernel, kernel.shape), NULL, args);
}

/* X, W, b where the case has one; upstream gradients where it has them. */
static void convolve(golden_case *c, nn_conv_args args)
{
    golden_array x = golden_in(c, "X"), w = golden_in(c, "W"), b;
    bool biased = golden_has(c, "b"), graded = golden_has(c, "d_Y");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_node *bias = NULL;
    if (biased) {
        b = golden_in(c, "b");
        bias = golden_weight(net, "b", b, nn_shape1(b.count));
    }
    nn_node *y = nn_conv2d(golden_graph(net), golden_batch(net, "X", x),
                           golden_weight(net, "W", w, w.shape), bias, args);
    golden_watch(net, y);
    golden_array d;
    if (graded)
        d = golden_in(c, "d_Y");
    golden_run(net, golden_sum(net, y, graded ? &d : NULL));
    golden_out(c, "Y", golden_value(net, y));
    golden_out_gradients(net, biased ? "X W b" : "X W");
}

static void conv_valid(golden_case *c)
{
    convolve(c, (nn_conv_args){0});
}

static void conv_same(golden_case *c)
{
    golden_array w = golden_in(c, "W");
    int rows = ((int)w.shape.dim[2] - 1) / 2, columns = ((int)w.shape.dim[3] - 1) / 2;
    convolve(c, (nn_conv_args){.pad = {rows, columns, rows, columns}});
}

static void conv_stride2(golden_case *c)
{
    convolve(c, (nn_conv_args){.stride = {2, 2}});
}

static void conv_stride2_pad1(golden_case *c)
{
    convolve(c, (nn_conv_args){.stride = {2, 2}, .pad = {1, 1, 1, 1}});
}

static void conv_flip(golden_case *c)
{
    golden_array x = golden_in(c, "X"), w = golden_in(c, "W"), turned = golden_new(c, w.shape);
    int64_t plane = w.shape.dim[2] * w.shape.dim[3];
    for (int64_t i = 0; i < w.count; i++)
        turned.data[i] = w.data[i / plane * plane + plane - 1 - i % plane];
    golden_array *const kernel[2] = {&w, &turned};
    static const char *const name[2] = {"cross_correlation", "convolution"};
    for (int i = 0; i < 2; i++) {
        golden_net *net = golden_net_new(c, x.shape.dim[0]);
        nn_node *y =
            nn_conv2d(golden_graph(net), golden_batch(net, "X", x),
                      golden_weight(net, "W", *kernel[i], w.shape), NULL, (nn_conv_args){0});
        golden_watch(net, y);
        golden_run(net, golden_sum(net, y, NULL));
        golden_out(c, name[i], golden_value(net, y));
    }
}

static void stack33(golden_case *c)
{
    golden_array x = golden_in(c, "X"), w1 = golden_in(c, "W1"), d = golden_in(c, "d_Y");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    int64_t filters = w1.shape.dim[0];
    nn_node *ten = golden_weight(net, "ten", filled(c, filters, 10), nn_shape1(filters));
    nn_node *h =
        nn_relu(g, nn_conv2d(g, golden_batch(net, "X", x), golden_weight(net, "W1", w1, w1.shape),
                             ten, (nn_conv_args){0}));
    nn_node *y = convolution_of(net, h, "W2", (nn_conv_args){0});
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, &d));
    golden_out(c, "Y", golden_value(net, y));
    golden_out_gradients(net, "X W1 W2");
}

/* --- pooling
 * ------------------------------------------------------------------------------------------ */

static void pool(golden_case *c, bool average, nn_pool_args args)
{
    golden_array x = golden_in(c, "X"), d;
    bool graded = golden_has(c, "d_Y");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_node *in = golden_batch(net, "X", x);
    nn_node *y = average ? nn_average_pool2d(golden_graph(net), in, args)
                         : nn_max_pool2d(golden_graph(net), in, args);
    golden_watch(net, y);
    if (graded)
        d = golden_in(c, "d_Y");
    golden_run(net, golden_sum(net, y, graded ? &d : NULL));
    golden_out(c, "Y", golden_value(net, y));
    golden_out_gradients(net, "X");
}

static void max_pool(golden_case *c)
{
    pool(c, false, (nn_pool_args){.kernel = {2, 2}});
}

static void average_pool(golden_case *c)
{
    pool(c, true, (nn_pool_args){.kernel = {2, 2}});
}

static void max_pool_overlap(golden_case *c)
{
    pool(c, false, (nn_pool_args){.kernel = {3, 3}, .stride = {2, 2}});
}

static void global_average(golden_case *c)
{
    golden_array x = golden_in(c, "X");
    pool(c, true, (nn_pool_args){.kernel = {(int)x.shape.dim[2], (int)x.shape.dim[3]}});
}

/* One plane in, one plane out: the worked numbers of chapter 30. */
static void pool_plane(golden_case *c, bool average)
{
    golden_array x = golden_in(c, "X");
    golden_net *net = golden_net_new(c, 1);
    nn_shape shape = nn_shape4(1, 1, x.shape.dim[0], x.shape.dim[1]);
    nn_node *in = golden_batch(net, "X", golden_like(c, shape, x));
    nn_pool_args args = {.kernel = {2, 2}};
    nn_node *y = average ? nn_average_pool2d(golden_graph(net), in, args)
                         : nn_max_pool2d(golden_graph(net), in, args);
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, NULL));
    golden_out(c, "", golden_value(net, y));
}

static void max_plane(golden_case *c)
{
    pool_plane(c, false);
}

static void average_plane(golden_case *c)
{
    pool_plane(c, true);
}

/* --- sizes
 * -------------------------------------------------------------------------------------------- */

/* Output size for (n, p, f, s), by the operator's own shape rule. */
static double conv_size(golden_case *c, int n, int p, int f, int s)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = nn_input(g, "x", NN_F, nn_shape3(1, n, n));
    nn_node *w =
        golden_weight(net, "w", golden_new(c, nn_shape1((int64_t)f * f)), nn_shape4(1, 1, f, f));
    nn_node *y = nn_conv2d(g, x, w, NULL, (nn_conv_args){.stride = {s, s}, .pad = {p, p, p, p}});
    return y ? (double)nn_node_shape(y).dim[2] : -1;
}

static void one_size(golden_case *c)
{
    golden_out_number(c, "",
                      conv_size(c, (int)golden_number(c, "n"), (int)golden_number(c, "p"),
                                (int)golden_number(c, "f"), (int)golden_number(c, "s")));
}

static void many_sizes(golden_case *c)
{
    golden_array rows = golden_in(c, "rows");
    golden_array out = golden_new(c, nn_shape1(rows.shape.dim[0]));
    for (int64_t i = 0; i < out.count; i++) {
        const double *row = rows.data + 4 * i;
        out.data[i] = conv_size(c, (int)row[0], (int)row[1], (int)row[2], (int)row[3]);
    }
    golden_out(c, "", out);
}

/* --- networks of convolutions
 * ----------------------------------------------------------------------------- */

/* Stacks the branches' maps of one example along the channels; with several examples row by row. */
static golden_array stacked(golden_case *c, golden_net *net, nn_node *const branch[3], int64_t rows)
{
    golden_array part[3];
    int64_t channels = 0, plane = 1, at = 0;
    for (int i = 0; i < 3; i++) {
        part[i] = golden_value(net, branch[i]);
        channels += part[i].shape.dim[1];
        plane = part[i].shape.dim[2] * part[i].shape.dim[3];
    }
    golden_array all = golden_new(c, nn_shape3(rows, channels, plane));
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < 3; i++) {
            int64_t size = part[i].count / rows;
            memcpy(all.data + at, part[i].data + r * size, (size_t)size * sizeof(double));
            at += size;
        }
    return all;
}

/* The upstream gradient of the channels [first, first + channels of the branch). */
static golden_array channel_slice(golden_case *c, golden_array d, const nn_node *branch,
                                  int64_t *first)
{
    nn_shape shape = nn_node_shape(branch);
    shape.dim[0] = d.shape.dim[0];
    golden_array part = golden_new(c, shape);
    int64_t plane = shape.dim[2] * shape.dim[3], size = shape.dim[1] * plane;
    for (int64_t r = 0; r < shape.dim[0]; r++)
        memcpy(part.data + r * size, d.data + (r * d.shape.dim[1] + *first) * plane,
               (size_t)size * sizeof(double));
    *first += shape.dim[1];
    return part;
}

static void inception(golden_case *c)
{
    golden_array x = golden_in(c, "X"), d = golden_in(c, "d_Y");
    int64_t rows = x.shape.dim[0], first = 0;
    golden_net *net = golden_net_new(c, rows);
    nn_graph *g = golden_graph(net);
    nn_node *in = golden_batch(net, "X", x);
    const nn_conv_args plain = {0}, padded = {.pad = {1, 1, 1, 1}};
    const nn_pool_args window = {.kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1, 1, 1}};
    nn_node *reduced = nn_relu(g, convolution_of(net, in, "W2r", plain));
    nn_node *branch[3] = {
        nn_relu(g, convolution_of(net, in, "W1", plain)),
        nn_relu(g, convolution_of(net, reduced, "W3", padded)),
        nn_relu(g, convolution_of(net, nn_max_pool2d(g, in, window), "Wp", plain)),
    };
    nn_node *sum = NULL;
    for (int i = 0; i < 3; i++) {
        golden_watch(net, branch[i]);
        if (!branch[i])
            golden_compile(net, in); /* says what is wrong */
        golden_array weight = channel_slice(c, d, branch[i], &first);
        nn_node *part = golden_row_sum(net, branch[i], &weight);
        sum = sum ? nn_add(g, sum, part) : part;
    }
    golden_run(net, nn_mean(g, sum));
    golden_out(c, "Y", stacked(c, net, branch, rows));
    golden_out_gradients(net, "X W1 W2r W3 Wp");
}

static void dense_as_conv(golden_case *c)
{
    golden_array x = golden_in(c, "X"), w = golden_in(c, "Wfc"), b = golden_in(c, "b");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_shape kernel = nn_shape4(w.shape.dim[0], x.shape.dim[1], x.shape.dim[2], x.shape.dim[3]);
    nn_node *in = golden_batch(net, "X", x), *bias = golden_weight(net, "b", b, nn_shape1(b.count));
    nn_node *fc = nn_linear(g, nn_flatten(g, in), golden_weight(net, "Wfc", w, w.shape), bias);
    nn_node *conv = nn_flatten(
        g, nn_conv2d(g, in, golden_weight(net, "kernel", w, kernel), bias, (nn_conv_args){0}));
    golden_watch(net, fc);
    golden_watch(net, conv);
    golden_run(net, golden_sum(net, nn_add(g, fc, conv), NULL));
    golden_out(c, "fc", golden_value(net, fc));
    golden_out(c, "conv", golden_value(net, conv));
}

/* conv1x1(maxpool(relu(conv(x, W1))), W2) */
static golden_array small_net(golden_case *c, golden_array x)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *h =
        nn_relu(g, convolution_of(net, golden_batch(net, "X", x), "W1", (nn_conv_args){0}));
    nn_node *pooled = nn_max_pool2d(g, h, (nn_pool_args){.kernel = {2, 2}, .stride = {1, 1}});
    nn_node *y = convolution_of(net, pooled, "W2", (nn_conv_args){0});
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, NULL));
    return golden_value(net, y);
}

static void sliding(golden_case *c)
{
    golden_array x = golden_in(c, "X"), full = small_net(c, x);
    int64_t channels = x.shape.dim[1], h = x.shape.dim[2], w = x.shape.dim[3];
    golden_array crops = golden_new(c, full.shape);
    golden_array piece = golden_new(c, nn_shape4(1, channels, 3, 3));
    if (full.count > 9)
        golden_skip(c); /* more crops than nets a case may have */
    for (int64_t i = 0; i < full.count; i++) {
        int64_t top = i / (w - 2), left = i % (w - 2);
        for (int64_t k = 0; k < piece.count; k++)
            piece.data[k] = x.data[(k / 9 * h + top + k % 9 / 3) * w + left + k % 3];
        crops.data[i] = small_net(c, piece).data[0];
    }
    golden_out(c, "full", full);
    golden_out(c, "crops", crops);
}

const golden_known golden_image_cases[] = {
    {"ch21-bn-train", norm_train},
    {"ch21-bn-train-eps1e-5", norm_train},
    {"ch21-bn-test", norm_test},
    {"ch21-bn-identity", norm_identity},
    {"ch21-bn2d", norm_images},
    {"ch27-gap", global_average},
    {"ch29-conv-valid", conv_valid},
    {"ch29-conv-same", conv_same},
    {"ch29-conv-stride2", conv_stride2},
    {"ch29-conv-multichannel", conv_stride2_pad1},
    {"ch29-edge", conv_valid},
    {"ch29-flip", conv_flip},
    {"ch29-ex-7-3-2", one_size},
    {"ch29-ex-6-3", one_size},
    {"ch29-sizes", many_sizes},
    {"ch30-max", max_plane},
    {"ch30-avg", average_plane},
    {"ch30-maxpool", max_pool},
    {"ch30-avgpool", average_pool},
    {"ch30-maxpool-overlap", max_pool_overlap},
    {"ch30-maxpool-channels", max_pool},
    {"ch31-stack33", stack33},
    {"ch33-conv1x1", conv_valid},
    {"ch33-inception", inception},
    {"ch34-fc-as-conv", dense_as_conv},
    {"ch34-sliding", sliding},
    {"", NULL},
};
