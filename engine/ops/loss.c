/* Losses on logits, one value an example. A label outside the classes cannot be refused in the
 * middle of a step: it gives NaN for that row, value and gradient, and training then halts by name.
 * (Data sets check their labels when they are opened.) */
#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>

static nn_status expect_labels(const nn_node *node, nn_error *error)
{
    const nn_node *labels = node->input[1];
    char text[NN_SHAPE_TEXT];
    if (labels->batched && labels->dtype == NN_I32 && labels->shape.rank == 1)
        return NN_OK;
    return nn_refuse(node, error, NN_E_SHAPE,
                     "labels '%s' must be one whole number an example, not %s of shape %s",
                     labels->name, labels->dtype == NN_I32 ? "whole numbers" : "real numbers",
                     nn_shape_text(nn_sample_of(labels), text));
}

/* --- softmax_cross_entropy: log sum_j exp(z_j) - z_label ----------------------------------- */

static nn_status softmax_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 2, 2, error);
    if (!status)
        status = expect_labels(node, error);
    return status ? status : nn_set_activation(node, nn_shape_of(0, NULL), error);
}

/* The largest logit, and the sum of exp(z - largest), which lies in 1..classes. */
static inline nn_real softmax_sum(const nn_real *z, int64_t classes, nn_real *largest)
{
    nn_real top = z[0], sum = 0;
    for (int64_t j = 1; j < classes; j++)
        top = z[j] > top ? z[j] : top;
    for (int64_t j = 0; j < classes; j++)
        sum += nn_exp(z[j] - top);
    *largest = top;
    return sum;
}

NN_KERNEL static void softmax_forward(const nn_ctx *ctx)
{
    int64_t classes = ctx->node->input[0]->shape.dim[1], rows = nn_rows(ctx);
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    for (int64_t r = 0; r < rows; r++, z += classes) {
        nn_real top, sum = softmax_sum(z, classes, &top);
        bool known = label[r] >= 0 && label[r] < classes;
        ctx->out[r] = known ? nn_log(sum) + (top - z[label[r]]) : (nn_real)NAN;
    }
}

/* softmax(z) - onehot(label), times the row's upstream gradient. */
NN_KERNEL static void softmax_backward(const nn_ctx *ctx)
{
    int64_t classes = ctx->node->input[0]->shape.dim[1], rows = nn_rows(ctx);
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    nn_real *dz = ctx->grad_in[0];
    if (!dz)
        return;
    for (int64_t r = 0; r < rows; r++, z += classes, dz += classes) {
        nn_real top, sum = softmax_sum(z, classes, &top);
        bool known = label[r] >= 0 && label[r] < classes;
        nn_real dy = known ? ctx->grad_out[r] : (nn_real)NAN, scale = dy / sum;
        NN_GIVE(dz, ctx->beta[0] != 0, classes, scale * nn_exp(z[i] - top));
        if (known)
            dz[label[r]] -= dy;
    }
}

static void softmax_reference(const nn_ctx *ctx)
{
    int64_t classes = ctx->node->input[0]->shape.dim[1];
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++, z += classes) {
        double top = -INFINITY, sum = 0;
        for (int64_t j = 0; j < classes; j++)
            top = fmax(top, (double)z[j]);
        for (int64_t j = 0; j < classes; j++)
            sum += exp((double)z[j] - top);
        bool known = label[r] >= 0 && label[r] < classes;
        ctx->out[r] = (nn_real)(known ? log(sum) + top - (double)z[label[r]] : (double)NAN);
    }
}

const nn_op nn_op_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = softmax_shape,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .reference = softmax_reference,
};

nn_node *nn_softmax_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *labels)
{
    return nn_node_new(graph, &nn_op_softmax_cross_entropy, (nn_node *[]){logits, labels}, 2, NULL,
                       0);
}

/* --- sigmoid_cross_entropy: max(z,0) - z y + log(1 + exp(-|z|)) ---------------------------- */

static nn_status binary_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, 2, error);
    if (!status)
        status = expect_labels(node, error);
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
static inline nn_real binary_target(int32_t label)
{
    return label == 0 ? 0 : label == 1 ? 1 : (nn_real)NAN;
}

NN_KERNEL static void binary_forward(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    int64_t rows = nn_rows(ctx);
    for (int64_t r = 0; r < rows; r++) {
        nn_real above = z[r] < 0 ? 0 : z[r];
        ctx->out[r] = above - z[r] * binary_target(label[r]) + nn_log1p(nn_exp(-nn_absolute(z[r])));
    }
}

NN_KERNEL static void binary_backward(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0], *dy = ctx->grad_out;
    const int32_t *label = ctx->in[1];
    nn_real *dz = ctx->grad_in[0];
    if (dz)
        NN_GIVE(dz, ctx->beta[0] != 0, nn_rows(ctx),
                dy[i] * (nn_sigmoid_of(z[i]) - binary_target(label[i])));
}

static void binary_reference(const nn_ctx *ctx)
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
    .shape = binary_shape,
    .forward = binary_forward,
    .backward = binary_backward,
    .reference = binary_reference,
};

nn_node *nn_sigmoid_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *labels)
{
    return nn_node_new(graph, &nn_op_sigmoid_cross_entropy, (nn_node *[]){logits, labels}, 2, NULL,
                       0);
}
