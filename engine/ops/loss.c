/* One of several classes: cross-entropy on logits and on log-probabilities, and the weight of a
 * label. One value a position. A label outside the classes gives NaN for its position, value and
 * gradient. (Data sets check their labels when they are opened.) */
#include "engine/ops/lanes.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static nn_label_args label_args(const nn_ctx *ctx)
{
    return *(const nn_label_args *)(const void *)ctx->node->args;
}

/* Scores (n,...,k), labels (n,...), weights (k) or none -> (n,...). */
static nn_status labelled_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    int64_t classes;
    nn_shape positions = nn_without_classes(node, &classes);
    status = nn_expect_whole(node, 1, "labels", positions, error);
    if (!status)
        status = nn_expect_vector(node, 2, "class weights", classes, error);
    return status ? status : nn_set_activation(node, positions, error);
}

static int64_t classes_of(const nn_ctx *ctx)
{
    const nn_shape *shape = &ctx->node->input[0]->shape;
    return shape->dim[shape->rank - 1];
}

static int64_t positions_of(const nn_ctx *ctx)
{
    return nn_rows(ctx) * nn_shape_row(ctx->node->shape);
}

/* --- softmax_cross_entropy: w_label (log sum_j exp(z_j) - z_label) ------------------------- */

/* Kept a position: the largest logit, and the sum of exp(z - largest). */
static size_t softmax_saved(const nn_node *node, int64_t rows)
{
    return (size_t)(rows * nn_shape_row(node->shape)) * 2 * sizeof(nn_real);
}

NN_KERNEL static void softmax_forward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = positions_of(ctx);
    const nn_real *z = ctx->in[0], *weight = ctx->in[2];
    const int32_t *label = ctx->in[1];
    nn_label_args args = label_args(ctx);
    nn_real *kept = ctx->saved;
    for (int64_t r = 0; r < positions; r++, z += classes) {
        if (nn_is_ignored(args, label[r])) {
            ctx->out[r] = 0;
            continue;
        }
        nn_real top = nn_largest(z, classes), sum = nn_sum_exp(z, classes, top);
        kept[2 * r] = top;
        kept[2 * r + 1] = sum;
        bool known = nn_is_class(label[r], classes);
        nn_real w = known && weight ? weight[label[r]] : 1;
        ctx->out[r] = known ? w * (nn_log(sum) + (top - z[label[r]])) : (nn_real)NAN;
    }
}

/* softmax(z) - onehot(label), times the position's weight and upstream gradient. */
NN_KERNEL static void softmax_logits_gradient(const nn_ctx *ctx, nn_real *dz)
{
    int64_t classes = classes_of(ctx), positions = positions_of(ctx);
    const nn_real *z = ctx->in[0], *weight = ctx->in[2], *kept = ctx->saved;
    const int32_t *label = ctx->in[1];
    nn_label_args args = label_args(ctx);
    bool add = ctx->beta[0] != 0;
    for (int64_t r = 0; r < positions; r++, z += classes, dz += classes) {
        if (nn_is_ignored(args, label[r])) {
            nn_begin_gradient(dz, add, classes);
            continue;
        }
        nn_real top = kept[2 * r];
        bool known = nn_is_class(label[r], classes);
        nn_real w = known && weight ? weight[label[r]] : 1;
        nn_real dy = known ? w * ctx->grad_out[r] : (nn_real)NAN, scale = dy / kept[2 * r + 1];
        NN_GIVE(dz, add, classes, scale * nn_exp(z[i] - top));
        if (known)
            dz[label[r]] -= dy;
    }
}

static void softmax_weight_gradient(const nn_ctx *ctx, nn_real *dw)
{
    int64_t classes = classes_of(ctx), positions = positions_of(ctx);
    const nn_real *z = ctx->in[0], *kept = ctx->saved;
    const int32_t *label = ctx->in[1];
    nn_begin_gradient(dw, ctx->beta[2] != 0, classes);
    for (int64_t r = 0; r < positions; r++, z += classes)
        if (!nn_is_ignored(label_args(ctx), label[r]) && nn_is_class(label[r], classes))
            dw[label[r]] +=
                ctx->grad_out[r] * (nn_log(kept[2 * r + 1]) + (kept[2 * r] - z[label[r]]));
}

static void softmax_backward(const nn_ctx *ctx)
{
    if (ctx->grad_in[0])
        softmax_logits_gradient(ctx, ctx->grad_in[0]);
    if (ctx->grad_in[2])
        softmax_weight_gradient(ctx, ctx->grad_in[2]);
}

static double reference_log_sum(const nn_real *z, int64_t classes)
{
    double top = -INFINITY, sum = 0;
    for (int64_t j = 0; j < classes; j++)
        top = fmax(top, (double)z[j]);
    for (int64_t j = 0; j < classes; j++)
        sum += exp((double)z[j] - top);
    return top + log(sum);
}

static void softmax_reference(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx);
    const nn_real *z = ctx->in[0], *weight = ctx->in[2];
    const int32_t *label = ctx->in[1];
    for (int64_t r = 0; r < positions_of(ctx); r++, z += classes) {
        double loss = NAN;
        if (nn_is_class(label[r], classes))
            loss = (reference_log_sum(z, classes) - (double)z[label[r]]) *
                   (weight ? (double)weight[label[r]] : 1);
        ctx->out[r] = nn_is_ignored(label_args(ctx), label[r]) ? 0 : (nn_real)loss;
    }
}

const nn_op nn_op_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1 | 1u << 2,
    .shape = labelled_shape,
    .saved = softmax_saved,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .reference = softmax_reference,
};

nn_node *nn_class_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *labels,
                                nn_node *class_weights, nn_label_args args)
{
    return nn_node_new(graph, &nn_op_softmax_cross_entropy,
                       (nn_node *[]){logits, labels, class_weights}, class_weights ? 3 : 2, &args,
                       sizeof args);
}

nn_node *nn_softmax_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *labels)
{
    return nn_class_cross_entropy(graph, logits, labels, NULL, (nn_label_args){0});
}

/* --- negative_log_likelihood: -w_label x_label --------------------------------------------- */

static void likelihood_forward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = positions_of(ctx);
    const nn_real *x = ctx->in[0], *weight = ctx->in[2];
    const int32_t *label = ctx->in[1];
    for (int64_t r = 0; r < positions; r++, x += classes) {
        nn_real loss = (nn_real)NAN;
        if (nn_is_class(label[r], classes))
            loss = -x[label[r]] * (weight ? weight[label[r]] : 1);
        ctx->out[r] = nn_is_ignored(label_args(ctx), label[r]) ? 0 : loss;
    }
}

static void likelihood_backward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = positions_of(ctx);
    const nn_real *x = ctx->in[0], *weight = ctx->in[2];
    const int32_t *label = ctx->in[1];
    nn_real *dx = ctx->grad_in[0], *dw = ctx->grad_in[2];
    nn_begin_gradient(dx, ctx->beta[0] != 0, classes * positions);
    nn_begin_gradient(dw, ctx->beta[2] != 0, classes);
    for (int64_t r = 0; r < positions; r++) {
        if (nn_is_ignored(label_args(ctx), label[r]))
            continue;
        bool known = nn_is_class(label[r], classes);
        int64_t at = known ? label[r] : 0;
        nn_real dy = known ? ctx->grad_out[r] : (nn_real)NAN;
        if (dx)
            dx[r * classes + at] -= dy * (weight ? weight[at] : 1);
        if (dw)
            dw[at] -= dy * x[r * classes + at];
    }
}

static void likelihood_reference(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx);
    const nn_real *x = ctx->in[0], *weight = ctx->in[2];
    const int32_t *label = ctx->in[1];
    for (int64_t r = 0; r < positions_of(ctx); r++) {
        double loss = nn_is_ignored(label_args(ctx), label[r]) ? 0 : (double)NAN;
        for (int64_t j = 0; j < classes; j++)
            if (j == label[r] && !nn_is_ignored(label_args(ctx), label[r]))
                loss = -(double)x[r * classes + j] * (weight ? (double)weight[j] : 1);
        ctx->out[r] = (nn_real)loss;
    }
}

const nn_op nn_op_negative_log_likelihood = {
    .name = "negative_log_likelihood",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1 | 1u << 2,
    .shape = labelled_shape,
    .forward = likelihood_forward,
    .backward = likelihood_backward,
    .reference = likelihood_reference,
};

nn_node *nn_negative_log_likelihood(nn_graph *graph, nn_node *log_probabilities, nn_node *labels,
                                    nn_node *class_weights, nn_label_args args)
{
    return nn_node_new(graph, &nn_op_negative_log_likelihood,
                       (nn_node *[]){log_probabilities, labels, class_weights},
                       class_weights ? 3 : 2, &args, sizeof args);
}

/* --- label_weight: w_label, 0 where ignored ------------------------------------------------ */

static nn_status label_weight_shape(nn_node *node, nn_error *error)
{
    const nn_node *labels = node->input[0],
                  *weights = node->input_count > 1 ? node->input[1] : NULL;
    nn_status status = nn_expect_whole(node, 0, "labels", nn_sample_of(labels), error);
    if (!status && weights)
        status = nn_expect_vector(node, 1, "class weights", nn_shape_count(weights->shape), error);
    return status ? status : nn_set_activation(node, nn_sample_of(labels), error);
}

static void label_weight_forward(const nn_ctx *ctx)
{
    const int32_t *label = ctx->in[0];
    const nn_real *weight = ctx->in[1];
    int64_t classes = weight ? nn_shape_count(ctx->node->input[1]->shape) : INT32_MAX;
    for (int64_t r = 0; r < positions_of(ctx); r++) {
        nn_real w = (nn_real)NAN;
        if (nn_is_class(label[r], classes))
            w = weight ? weight[label[r]] : 1;
        ctx->out[r] = nn_is_ignored(label_args(ctx), label[r]) ? 0 : w;
    }
}

static void label_weight_reference(const nn_ctx *ctx)
{
    const int32_t *label = ctx->in[0];
    const nn_real *weight = ctx->in[1];
    for (int64_t r = 0; r < positions_of(ctx); r++) {
        nn_label_args args = label_args(ctx);
        ctx->out[r] = weight || label[r] < 0 ? (nn_real)NAN : 1;
        for (int64_t j = 0; weight && j < nn_shape_count(ctx->node->input[1]->shape); j++)
            if (j == label[r])
                ctx->out[r] = weight[j];
        if (args.ignores && args.ignored == label[r])
            ctx->out[r] = 0;
    }
}

const nn_op nn_op_label_weight = {
    .name = "label_weight",
    .min_inputs = 1,
    .max_inputs = 2,
    .flags = NN_OP_NO_GRADIENT, /* weights are given, not learned */
    .shape = label_weight_shape,
    .forward = label_weight_forward,
    .reference = label_weight_reference,
};

nn_node *nn_label_weight(nn_graph *graph, nn_node *labels, nn_node *class_weights,
                         nn_label_args args)
{
    return nn_node_new(graph, &nn_op_label_weight, (nn_node *[]){labels, class_weights},
                       class_weights ? 2 : 1, &args, sizeof args);
}
