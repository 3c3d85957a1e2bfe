/* Yes or no: binary cross-entropy on logits, with labels of 0 or 1 and with real targets. */
#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

/* --- sigmoid_cross_entropy: max(z,0) - z y + log(1 + exp(-|z|)) ---------------------------- */

static nn_status side_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, 2, error);
    if (!status)
        status = nn_expect_whole(node, 1, "labels", nn_shape_of(0, NULL), error);
    if (status)
        return status;
    const nn_node *z = node->input[0];
    if (nn_shape_row(z->shape) != 1)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' has %lld logits an example, 1 is needed; for several classes use "
                         "softmax_cross_entropy",
                         z->name, (long long)nn_shape_row(z->shape));
    return nn_set_activation(node, nn_shape_of(0, NULL), error);
}

/* The label as a number; NaN unless it is 0 or 1. */
static inline nn_real side_of(int32_t label)
{
    return label == 0 ? 0 : label == 1 ? 1 : (nn_real)NAN;
}

NN_KERNEL static void side_forward(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    int64_t rows = nn_rows(ctx);
    for (int64_t r = 0; r < rows; r++) {
        nn_real above = z[r] < 0 ? 0 : z[r];
        ctx->out[r] = above - z[r] * side_of(label[r]) + nn_log1p(nn_exp(-nn_absolute(z[r])));
    }
}

NN_KERNEL static void side_backward(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0], *dy = ctx->grad_out;
    const int32_t *label = ctx->in[1];
    nn_real *dz = ctx->grad_in[0];
    if (dz)
        NN_GIVE(dz, ctx->beta[0] != 0, nn_rows(ctx),
                dy[i] * (nn_sigmoid_of(z[i]) - side_of(label[i])));
}

static void side_reference(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        double x = label[r] == 1 ? -(double)z[r] : (double)z[r]; /* -log of the right side */
        bool known = label[r] == 0 || label[r] == 1;
        ctx->out[r] = (nn_real)(known ? (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))) : (double)NAN);
    }
}

const nn_op nn_op_sigmoid_cross_entropy = {
    .name = "sigmoid_cross_entropy",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = side_shape,
    .forward = side_forward,
    .backward = side_backward,
    .reference = side_reference,
};

nn_node *nn_sigmoid_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *labels)
{
    return nn_node_new(graph, &nn_op_sigmoid_cross_entropy, (nn_node *[]){logits, labels}, 2, NULL,
                       0);
}

/* --- binary_cross_entropy: w [(1-y) softplus(z) + p y softplus(-z)] ------------------------- */

/* This is w [(1-y) z + (1 + (p-1) y) softplus(-z)] without its cancellation. */

static nn_status binary_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    if (!status && node->input_count > 2 && node->input[2])
        status = nn_expect_like_first(node, 2, error);
    if (status)
        return status;
    nn_shape sample = nn_sample_of(node->input[0]);
    int64_t last = sample.rank > 0 ? sample.dim[sample.rank - 1] : 1;
    status = nn_expect_vector(node, 3, "positive weights", last, error);
    return status ? status : nn_set_activation(node, sample, error);
}

/* log(1 + exp(z)) */
static inline nn_real softplus(nn_real z)
{
    return (z < 0 ? 0 : z) + nn_log1p(nn_exp(-nn_absolute(z)));
}

/* Elements that share their positive weights: a row of the last axis, or all where there are none.
 */
static int64_t binary_width(const nn_ctx *ctx)
{
    return ctx->in[3] ? nn_shape_count(ctx->node->input[3]->shape) : nn_elements(ctx, 0);
}

NN_KERNEL static void binary_forward(const nn_ctx *ctx)
{
    const nn_real *w = ctx->in[2], *p = ctx->in[3];
    int64_t count = nn_elements(ctx, 0), width = binary_width(ctx);
    for (int64_t start = 0; start < count; start += width) {
        const nn_real *z = (const nn_real *)ctx->in[0] + start;
        const nn_real *y = (const nn_real *)ctx->in[1] + start;
        nn_real *out = ctx->out + start;
        NN_INDEPENDENT
        for (int64_t i = 0; i < width; i++)
            out[i] = (1 - y[i]) * softplus(z[i]) + (p ? p[i] : 1) * y[i] * softplus(-z[i]);
        NN_INDEPENDENT
        for (int64_t i = 0; w && i < width; i++)
            out[i] *= w[start + i];
    }
}

NN_KERNEL static void binary_row_backward(const nn_ctx *ctx, int64_t start, int64_t width)
{
    const nn_real *z = (const nn_real *)ctx->in[0] + start;
    const nn_real *y = (const nn_real *)ctx->in[1] + start;
    const nn_real *w = ctx->in[2], *p = ctx->in[3], *dy = ctx->grad_out + start;
    w = w ? w + start : NULL;
    nn_real *gradient[3];
    for (int k = 0; k < 3; k++)
        gradient[k] = ctx->grad_in[k] ? ctx->grad_in[k] + start : NULL;
    if (gradient[0])
        NN_GIVE(
            gradient[0], ctx->beta[0] != 0, width,
            dy[i] * (w ? w[i] : 1) *
                ((1 - y[i]) * nn_sigmoid_of(z[i]) - (p ? p[i] : 1) * y[i] * nn_sigmoid_of(-z[i])));
    if (gradient[1])
        NN_GIVE(gradient[1], ctx->beta[1] != 0, width,
                dy[i] * (w ? w[i] : 1) * ((p ? p[i] : 1) * softplus(-z[i]) - softplus(z[i])));
    if (gradient[2])
        NN_GIVE(gradient[2], ctx->beta[2] != 0, width,
                dy[i] * ((1 - y[i]) * softplus(z[i]) + (p ? p[i] : 1) * y[i] * softplus(-z[i])));
    nn_real *dp = ctx->grad_in[3];
    for (int64_t i = 0; dp && i < width; i++)
        dp[i] += dy[i] * (w ? w[i] : 1) * y[i] * softplus(-z[i]);
}

static void binary_backward(const nn_ctx *ctx)
{
    int64_t count = nn_elements(ctx, 0), width = binary_width(ctx);
    nn_begin_gradient(ctx->grad_in[3], ctx->beta[3] != 0, width);
    for (int64_t start = 0; start < count; start += width)
        binary_row_backward(ctx, start, width);
}

static void binary_reference(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0], *y = ctx->in[1], *w = ctx->in[2], *p = ctx->in[3];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++) {
        double positive = p ? (double)p[i % binary_width(ctx)] : 1, x = (double)z[i];
        double below = fmax(-x, 0) + log1p(exp(-fabs(x))); /* -log sigmoid(x) */
        double loss = (1 - (double)y[i]) * x + (1 + (positive - 1) * (double)y[i]) * below;
        ctx->out[i] = (nn_real)(loss * (w ? (double)w[i] : 1));
    }
}

const nn_op nn_op_binary_cross_entropy = {
    .name = "binary_cross_entropy",
    .min_inputs = 2,
    .max_inputs = 4,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3,
    .shape = binary_shape,
    .forward = binary_forward,
    .backward = binary_backward,
    .reference = binary_reference,
};

nn_node *nn_binary_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *targets,
                                 nn_node *weights, nn_node *positive_weights)
{
    int count = positive_weights ? 4 : weights ? 3 : 2;
    return nn_node_new(graph, &nn_op_binary_cross_entropy,
                       (nn_node *[]){logits, targets, weights, positive_weights}, count, NULL, 0);
}
