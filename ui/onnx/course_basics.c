/* Operators of chapters 1 to 16, 21 and 27: dense networks with examples in columns, activations,
 * regularisation, batch normalisation. */
#include "engine/attention.h"
#include "engine/losses.h"
#include "ui/onnx/course.h"

#include <math.h>

/* -(1/m) sum of y ln sigmoid(z) + (1-y) ln(1 - sigmoid(z)), with the targets at input y. */
static nn_node *binary_cost(onnx_call *call, nn_node *z, int y)
{
    nn_graph *g = onnx_graph(call);
    nn_node *each = nn_binary_cross_entropy(g, z, onnx_constant(call, y), NULL, NULL);
    return course_mean(g, each);
}

/* --- logistic regression ------------------------------------------------------------------------
 */

enum { X, Y, W, B, RATE };

static nn_node *logit(nn_graph *g, nn_node *x, nn_node *w, nn_node *b)
{
    return nn_add(g, nn_matmul(g, w, x, (nn_matmul_args){.trans_a = true}), b);
}

static void build_logreg(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *z = logit(g, onnx_whole(call, X), onnx_whole(call, W), course_scalar(call, B));
    course_out(call, 0, z);
    course_out(call, 1, nn_sigmoid(g, z));
    course_out(call, 2, binary_cost(call, z, Y));
}

static void build_stable_cost(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *each =
        nn_binary_cross_entropy(g, onnx_whole(call, 0), onnx_constant(call, 1), NULL, NULL);
    course_out(call, 0, each);
    course_out(call, 1, course_sum(g, each));
}

/* The steps are nodes too, with the gradient written out: dz = (a - y) / m. */
static void build_three_steps(onnx_call *call)
{
    enum { STEPS = 3 };
    nn_graph *g = onnx_graph(call);
    nn_shape shape = onnx_input(call, X)->shape;
    double share = -course_number(call, RATE) / (double)shape.dim[1];
    nn_node *x = onnx_whole(call, X), *y = onnx_constant(call, Y), *w = onnx_whole(call, W);
    nn_node *b = course_scalar(call, B), *costs[STEPS], *w_steps[STEPS], *b_steps[STEPS];
    for (int i = 0; i < STEPS; i++) {
        nn_node *z = logit(g, x, w, b);
        nn_node *dz = nn_sub(g, nn_sigmoid(g, z), y);
        nn_node *dw = nn_matmul(g, x, dz, (nn_matmul_args){.trans_b = true});
        costs[i] = course_mean(g, nn_binary_cross_entropy(g, z, y, NULL, NULL));
        w_steps[i] = w = nn_add(g, w, nn_affine(g, dw, share, 0));
        b_steps[i] = b = nn_add(g, b, nn_affine(g, course_sum(g, dz), share, 0));
    }
    course_out(call, 0, course_steps(g, costs, STEPS, nn_shape1(STEPS)));
    course_out(call, 1, course_steps(g, w_steps, STEPS, nn_shape2(STEPS, shape.dim[0])));
    course_out(call, 2, course_steps(g, b_steps, STEPS, nn_shape1(STEPS)));
}

/* (a - 1)^2 / 2 with its derivatives in z, where da/dz = a (1 - a). */
static void build_square_of_sigmoid(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *a = nn_sigmoid(g, onnx_whole(call, 0));
    nn_node *error = nn_affine(g, a, 1, -1);
    nn_node *slope = nn_mul(g, a, nn_affine(g, a, -1, 1));
    nn_node *loss = nn_affine(g, course_square(g, error), 0.5, 0);
    nn_node *first = nn_mul(g, error, slope);
    nn_node *bend = nn_mul(g, first, nn_affine(g, a, -2, 1));
    course_out(call, 0, loss);
    course_out(call, 1, first);
    course_out(call, 2, nn_add(g, course_square(g, slope), bend));
    course_out(call, 3, course_sum(g, loss));
}

/* ln(p + epsilon), where 0 stands for the smallest number, so that a weight of 0 leaves it out. */
static nn_node *log_above(nn_graph *g, nn_node *p, double scale, double shift)
{
    return nn_log_of(g, nn_clip(g, nn_affine(g, p, scale, shift), 1.2e-38, INFINITY));
}

static nn_node *cost_of(nn_graph *g, nn_node *a, nn_node *y, double epsilon)
{
    nn_node *yes = nn_mul(g, y, log_above(g, a, 1, epsilon));
    nn_node *no = nn_mul(g, nn_affine(g, y, -1, 1), log_above(g, a, -1, 1 + epsilon));
    return nn_affine(g, course_mean(g, nn_add(g, yes, no)), -1, 0);
}

static void build_cost_epsilon(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *a = onnx_whole(call, 0), *y = onnx_constant(call, 1);
    course_out(call, 0, cost_of(g, a, y, course_number(call, 2)));
    course_out(call, 1, cost_of(g, a, y, 0));
}

/* --- shapes -------------------------------------------------------------------------------------
 */

static void build_matvec(onnx_call *call)
{
    course_out(call, 0,
               course_dense(onnx_graph(call), onnx_whole(call, 0), onnx_whole(call, 1),
                            onnx_whole(call, 2)));
}

static void build_zscore(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    const int axis = 1;
    nn_node *x = onnx_whole(call, 0), *mean = nn_reduce_mean(g, x, &axis, 1, true);
    nn_node *centred = nn_sub(g, x, mean);
    nn_node *sigma = nn_sqrt(g, nn_reduce_mean(g, course_square(g, centred), &axis, 1, true));
    course_out(call, 0, mean);
    course_out(call, 1, sigma);
    course_out(call, 2, nn_div(g, centred, sigma));
}

static void build_broadcast(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *product = nn_mul(g, onnx_whole(call, 0), onnx_whole(call, 1));
    course_out(call, 0, nn_add(g, product, onnx_whole(call, 2)));
}

static void build_outer_sum(onnx_call *call)
{
    course_out(call, 0, nn_add(onnx_graph(call), onnx_whole(call, 0), onnx_whole(call, 1)));
}

/* --- networks -----------------------------------------------------------------------------------
 */

typedef struct {
    nn_node *z1, *a1, *z2, *a2;
} two_layers;

/* W1, b1, W2, b2 stand from input `first` on. */
static two_layers shallow(onnx_call *call, int first)
{
    nn_graph *g = onnx_graph(call);
    two_layers s;
    s.z1 =
        course_dense(g, onnx_whole(call, first), onnx_whole(call, 0), onnx_whole(call, first + 1));
    s.a1 = nn_tanh(g, s.z1);
    s.z2 = course_dense(g, onnx_whole(call, first + 2), s.a1, onnx_whole(call, first + 3));
    s.a2 = nn_sigmoid(g, s.z2);
    return s;
}

static void out_shallow(onnx_call *call, two_layers s)
{
    course_out(call, 0, s.z1);
    course_out(call, 1, s.a1);
    course_out(call, 2, s.z2);
    course_out(call, 3, s.a2);
}

static void build_shallow(onnx_call *call)
{
    out_shallow(call, shallow(call, 1));
}

static void build_two_layer(onnx_call *call)
{
    two_layers s = shallow(call, 2);
    out_shallow(call, s);
    course_out(call, 4, binary_cost(call, s.z2, 1));
}

static void build_initialised(onnx_call *call)
{
    two_layers s = shallow(call, 2);
    course_out(call, 0, s.a2);
    course_out(call, 1, binary_cost(call, s.z2, 1));
}

static void build_collapse(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *x = onnx_whole(call, 0), *w1 = onnx_whole(call, 1), *b1 = onnx_whole(call, 2);
    nn_node *w2 = onnx_whole(call, 3), *b2 = onnx_whole(call, 4);
    course_out(call, 0, course_product(g, w2, w1));
    course_out(call, 1, course_dense(g, w2, b1, b2));
    course_out(call, 2, course_dense(g, w2, course_dense(g, w1, x, b1), b2));
}

static void build_deep(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *x = onnx_whole(call, 0);
    nn_node *a1 = nn_relu(g, course_dense(g, onnx_whole(call, 2), x, onnx_whole(call, 3)));
    nn_node *a2 = nn_relu(g, course_dense(g, onnx_whole(call, 4), a1, onnx_whole(call, 5)));
    nn_node *z = course_dense(g, onnx_whole(call, 6), a2, onnx_whole(call, 7));
    course_out(call, 0, a1);
    course_out(call, 1, a2);
    course_out(call, 2, nn_sigmoid(g, z));
    course_out(call, 3, binary_cost(call, z, 1));
}

/* x (n) through relu(W1 x), W2, and back onto x itself or onto Ws x. */
static void build_residual(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    bool projected = onnx_op(call)->variant == 1;
    nn_node *x = onnx_whole(call, 0);
    nn_node *inner = nn_relu(g, course_product(g, onnx_whole(call, 1), x));
    nn_node *f = course_product(g, onnx_whole(call, 2), inner);
    nn_node *skip = projected ? course_product(g, onnx_whole(call, 3), x) : x;
    nn_node *h = nn_relu(g, nn_add(g, f, skip));
    if (!projected)
        course_out(call, 0, f);
    course_out(call, projected ? 0 : 1, h);
}

/* One step of the head alone: dWh = (softmax(z) - one-hot) h'. */
static void build_frozen_step(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *wb = onnx_whole(call, 1), *wh = onnx_whole(call, 2);
    nn_shape head = onnx_input(call, 2)->shape;
    nn_node *h = nn_relu(g, course_product(g, wb, onnx_whole(call, 0)));
    nn_node *z = course_product(g, wh, h);
    nn_node *labels = onnx_whole_indices_as(call, 3, nn_shape1(1));
    nn_node *row = nn_reshape(g, z, nn_shape2(1, head.dim[0]));
    nn_one_hot_args one = {.axis = 1, .depth = (int)head.dim[0], .on = 1};
    nn_node *dz = nn_sub(g, nn_softmax(g, row, 1), nn_one_hot(g, labels, one));
    nn_node *dw = course_product(g, nn_reshape(g, dz, nn_shape2(head.dim[0], 1)),
                                 nn_reshape(g, h, nn_shape2(1, head.dim[1])));
    course_out(call, 0, nn_add(g, wh, nn_affine(g, dw, -course_number(call, 4), 0)));
    course_out(call, 1, nn_affine(g, wb, 1, 0));
    course_out(call, 2, course_likelihood(g, row, labels));
}

/* --- activations --------------------------------------------------------------------------------
 */

static void build_activation(onnx_call *call)
{
    static nn_node *(*const builder[])(nn_graph *, nn_node *) = {nn_sigmoid, nn_tanh, nn_relu};
    course_out(call, 0, builder[onnx_op(call)->variant](onnx_graph(call), onnx_whole(call, 0)));
}

static void build_leaky(onnx_call *call)
{
    course_out(call, 0,
               nn_leaky_relu(onnx_graph(call), onnx_whole(call, 0), course_number(call, 1)));
}

static void build_softmax(onnx_call *call)
{
    course_out(call, 0, nn_softmax(onnx_graph(call), onnx_whole(call, 0), 0));
}

static void build_softmax_big(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *z = onnx_whole(call, 0);
    course_out(call, 0, nn_softmax(g, z, 0));
    course_out(call, 1, nn_log_softmax(g, z, 0));
    course_out(call, 2, nn_reduce_log_sum_exp(g, z, NULL, 0, false));
}

static void build_softmax_cost(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *z = onnx_whole(call, 0), *labels = onnx_whole_indices(call, 1);
    course_out(call, 0, nn_softmax(g, z, 0));
    course_out(call, 1, course_likelihood(g, course_transposed(g, z), labels));
}

/* --- regularisation -----------------------------------------------------------------------------
 */

static void build_he(onnx_call *call)
{
    course_out(
        call, 0,
        nn_affine(onnx_graph(call), onnx_whole(call, 0), sqrt(2 / course_number(call, 1)), 0));
}

static void build_train_stats(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    const int axis = 0;
    nn_node *train = onnx_whole(call, 0), *mean = nn_reduce_mean(g, train, &axis, 1, false);
    nn_node *square = course_square(g, nn_sub(g, train, mean));
    nn_node *deviation = nn_sqrt(g, nn_reduce_mean(g, square, &axis, 1, false));
    course_out(call, 0, mean);
    course_out(call, 1, deviation);
    course_out(call, 2,
               nn_div(g, nn_sub(g, onnx_whole(call, 1), mean), nn_affine(g, deviation, 1, 1e-8)));
}

static void build_l2(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    double share = course_number(call, 2) / (2 * course_number(call, 3));
    nn_node *w1 = course_sum(g, course_square(g, onnx_whole(call, 0)));
    nn_node *w2 = course_sum(g, course_square(g, onnx_whole(call, 1)));
    nn_node *penalty = nn_affine(g, nn_add(g, w1, w2), share, 0);
    course_out(call, 0, penalty);
    course_out(call, 1, nn_add(g, penalty, course_scalar(call, 4)));
}

static void build_l1(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    double share = course_number(call, 1) / course_number(call, 2);
    course_out(call, 0,
               nn_affine(g, nn_reduce_l1(g, onnx_whole(call, 0), NULL, 0, false), share, 0));
}

/* -rate x / (|x| + 1e-8): the first step of Adam, where the betas cancel. */
static nn_node *first_step(nn_graph *g, nn_node *x, double rate)
{
    return nn_affine(g, nn_div(g, x, nn_affine(g, nn_abs(g, x), 1, 1e-8)), -rate, 0);
}

static void build_weight_decay(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    double rate = course_number(call, 2), k = course_number(call, 3) / course_number(call, 4);
    nn_node *w = onnx_whole(call, 0), *dw = onnx_whole(call, 1);
    nn_node *q = nn_add(g, dw, nn_affine(g, w, k, 0)), *decayed = nn_affine(g, w, 1 - rate * k, 0);
    course_out(call, 0, nn_add(g, w, nn_affine(g, q, -rate, 0)));
    course_out(call, 1, nn_add(g, decayed, nn_affine(g, dw, -rate, 0)));
    course_out(call, 2, nn_add(g, w, first_step(g, q, rate)));
    course_out(call, 3, nn_add(g, decayed, first_step(g, dw, rate)));
}

static void build_dropout(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *kept = nn_mul(g, onnx_whole(call, 0), onnx_constant(call, 1));
    course_out(call, 0, nn_affine(g, kept, 1 / course_number(call, 2), 0));
}

static void build_flip_crop(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape shape = onnx_input(call, 0)->shape;
    nn_node *x = onnx_whole(call, 0);
    double top = course_number(call, 1), left = course_number(call, 2);
    if (!(top >= 0 && top <= (double)shape.dim[0] - 2 && left >= 0 &&
          left <= (double)shape.dim[1] - 2)) {
        onnx_refuse(call, "no 2x2 piece begins at %g, %g", top, left);
        return;
    }
    const int64_t end = -1 - shape.dim[1], back = -1, last = -1;
    const int columns = 1;
    course_out(call, 0, nn_slice(g, x, &last, &end, &columns, &back, 1));
    nn_node *rows = nn_slice_axis(g, x, 0, (int64_t)top, 2);
    course_out(call, 1, nn_slice_axis(g, rows, 1, (int64_t)left, 2));
}

/* --- batch normalisation ------------------------------------------------------------------------
 */

typedef struct {
    nn_node *mean, *variance, *centred;
} moments;

static moments moments_of(nn_graph *g, nn_node *x, const int *axes, int count)
{
    moments s = {.mean = nn_reduce_mean(g, x, axes, count, true)};
    s.centred = nn_sub(g, x, s.mean);
    s.variance = nn_reduce_mean(g, course_square(g, s.centred), axes, count, true);
    return s;
}

static nn_node *normal(nn_graph *g, nn_node *centred, nn_node *variance, double epsilon)
{
    return nn_div(g, centred, nn_sqrt(g, nn_affine(g, variance, 1, epsilon)));
}

static void build_batch_norm(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    bool all = onnx_op(call)->variant == 0;
    double m = (double)onnx_input(call, 0)->shape.dim[1], keep = course_number(call, 4);
    moments s = moments_of(g, onnx_whole(call, 0), (const int[]){1}, 1);
    nn_node *zn = normal(g, s.centred, s.variance, course_number(call, 3));
    nn_node *out = nn_add(g, nn_mul(g, zn, onnx_whole(call, 1)), onnx_whole(call, 2));
    if (!all) {
        course_out(call, 0, out);
        return;
    }
    course_out(call, 0, s.mean);
    course_out(call, 1, s.variance);
    course_out(call, 2, zn);
    course_out(call, 3, out);
    course_out(call, 4, nn_affine(g, s.mean, 1 - keep, 0));
    course_out(call, 5, nn_affine(g, s.variance, 1 - keep, keep));
    if (m < 2)
        onnx_refuse(call, "one column has no unbiased variance");
    course_out(call, 6, nn_affine(g, s.variance, (1 - keep) * m / (m - 1), keep));
}

static void build_batch_norm_test(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *centred = nn_sub(g, onnx_whole(call, 0), onnx_constant(call, 3));
    nn_node *zn = normal(g, centred, onnx_constant(call, 4), course_number(call, 5));
    course_out(call, 0, nn_add(g, nn_mul(g, zn, onnx_whole(call, 1)), onnx_whole(call, 2)));
}

static void build_batch_norm_identity(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    double epsilon = course_number(call, 1);
    moments s = moments_of(g, onnx_whole(call, 0), (const int[]){1}, 1);
    nn_node *gamma = nn_sqrt(g, nn_affine(g, s.variance, 1, epsilon));
    nn_node *zn = normal(g, s.centred, s.variance, epsilon);
    course_out(call, 0, nn_add(g, nn_mul(g, zn, gamma), s.mean));
}

static void build_batch_norm_maps(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape channel = nn_shape3(onnx_input(call, 1)->count, 1, 1);
    moments s = moments_of(g, onnx_whole(call, 0), (const int[]){0, 2, 3}, 3);
    nn_node *zn = normal(g, s.centred, s.variance, 1e-5);
    course_out(
        call, 0,
        nn_add(g, nn_mul(g, zn, onnx_whole_as(call, 1, channel)), onnx_whole_as(call, 2, channel)));
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define TWO_LAYER "n,m o,m h,n h,1 o,h o,1"

const onnx_operator course_basic_operators[] = {
    COURSE("logreg", "X Y w b", "n,m 1,m n,1 .", "Z A cost", build_logreg, 0),
    COURSE("stable-bce", "z y", "n n", "loss_each total", build_stable_cost, 0),
    COURSE("gd3", "X Y w b lr", "n,m 1,m n,1 . .", "costs w_steps b_steps", build_three_steps, 0),
    COURSE("mse-sigmoid", "z", "*", "loss_each d1 d2 total", build_square_of_sigmoid, 0),
    COURSE("cost-eps", "A Y eps", "1,m 1,m .", "cost_eps cost_exact", build_cost_epsilon, 0),
    COURSE("matvec", "W x b", "r,c c r", "z", build_matvec, 0),
    COURSE("zscore", "X", "n,m", "mu sigma Xn", build_zscore, 0),
    COURSE("broadcast-grad", "A B C", "r,c 1,c r,1", "Y", build_broadcast, 0),
    COURSE("outer-add", "a b", "r,1 1,c", "S", build_outer_sum, 0),
    COURSE("shallow-forward", "X W1 b1 W2 b2", "n,m h,n h,1 o,h o,1", "Z1 A1 Z2 A2", build_shallow,
           0),
    COURSE("linear-collapse", "X W1 b1 W2 b2", "n,m h,n h,1 o,h o,1", "Wp bp out", build_collapse,
           0),
    COURSE("sigmoid", "z", "*", "y", build_activation, 0),
    COURSE("tanh", "z", "*", "y", build_activation, 1),
    COURSE("relu", "z", "*", "y", build_activation, 2),
    COURSE("leaky", "z slope", "* .", "y", build_leaky, 0),
    COURSE("softmax", "z", "n", "p", build_softmax, 0),
    COURSE("softmax-ce", "Z labels", "k,m m", "P loss", build_softmax_cost, 0),
    COURSE("softmax-big", "z", "n", "p logp lse", build_softmax_big, 0),
    COURSE("two-layer", "X Y W1 b1 W2 b2", TWO_LAYER, "Z1 A1 Z2 A2 cost", build_two_layer, 0),
    COURSE("deep-relu", "X Y W1 b1 W2 b2 W3 b3", "n,m o,m h,n h,1 i,h i,1 o,i o,1", "A1 A2 AL cost",
           build_deep, 0),
    COURSE("zero-init", "X Y W1 b1 W2 b2", TWO_LAYER, "A2 cost", build_initialised, 0),
    COURSE("const-init", "X Y W1 b1 W2 b2", TWO_LAYER, "A2 cost", build_initialised, 0),
    COURSE("he-scaling", "g n_prev", "* .", "W", build_he, 0),
    COURSE("train-stats", "train dev", "r,n s,n", "mean std dev_norm", build_train_stats, 0),
    COURSE("l2", "W1 W2 lam m ce", "* * . . .", "penalty cost", build_l2, 0),
    COURSE("l1", "W lam m", "* . .", "penalty", build_l1, 0),
    COURSE("weight-decay", "W dW lr lam m", "n n . . .",
           "sgd_l2 sgd_decay adam_l2_step1 adamw_step1", build_weight_decay, 0),
    COURSE("dropout", "A mask keep", "r,c r,c .", "Y", build_dropout, 0),
    COURSE("flip-crop", "X top left", "r,c . .", "flip crop", build_flip_crop, 0),
    COURSE("bn-train", "Z gamma beta eps momentum", "n,m n,1 n,1 . .",
           "mu var Zn out run_mean run_var_biased run_var_unbiased", build_batch_norm, 0),
    COURSE("bn-train-eps1e-5", "Z gamma beta eps momentum", "n,m n,1 n,1 . .", "out",
           build_batch_norm, 1),
    COURSE("bn-test", "Z gamma beta rm rv eps", "n,m n,1 n,1 n,1 n,1 .", "out",
           build_batch_norm_test, 0),
    COURSE("bn-identity", "Z eps", "n,m .", "out", build_batch_norm_identity, 0),
    COURSE("bn2d", "X gamma beta", "n,c,h,w c c", "Y", build_batch_norm_maps, 0),
    COURSE("frozen-step", "x Wb Wh label lr", "n h,n k,h 1 .", "Wh_new Wb_new loss",
           build_frozen_step, 0),
    COURSE("residual", "x W1 W2", "n h,n n,h", "F H", build_residual, 0),
    COURSE("residual-zero", "x W1 W2", "n h,n n,h", "F H", build_residual, 0),
    COURSE("relu-gate", "x W1 W2", "n h,n n,h", "F H", build_residual, 0),
    COURSE("projection", "x W1 W2 Ws", "n h,n k,h k,n", "H", build_residual, 1),
    {.name = NULL},
};
