/* soft_cross_entropy: -sum_j w_j p_j log softmax(z)_j, with shares p as targets. */
#include "engine/ops/lanes.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static nn_status soft_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    if (status)
        return status;
    int64_t classes;
    nn_shape positions = nn_without_classes(node, &classes);
    status = nn_expect_vector(node, 2, "class weights", classes, error);
    return status ? status : nn_set_activation(node, positions, error);
}

static int64_t classes_of(const nn_ctx *ctx)
{
    const nn_shape *shape = &ctx->node->input[0]->shape;
    return shape->dim[shape->rank - 1];
}

/* Kept a position: log sum exp z in two parts, largest and log of the rest; sum of w p. */
enum { KEPT = 3 };

static size_t soft_saved(const nn_node *node, int64_t rows)
{
    return (size_t)(rows * nn_shape_row(node->shape)) * KEPT * sizeof(nn_real);
}

NN_KERNEL static void soft_forward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = nn_elements(ctx, 0) / classes;
    const nn_real *z = ctx->in[0], *p = ctx->in[1], *w = ctx->in[2];
    nn_real *kept = ctx->saved;
    for (int64_t r = 0; r < positions; r++, z += classes, p += classes, kept += KEPT) {
        nn_real top = nn_largest(z, classes), rest = nn_log(nn_sum_exp(z, classes, top));
        nn_real loss = 0, mass = 0;
        for (int64_t j = 0; j < classes; j++) {
            nn_real share = w ? w[j] * p[j] : p[j];
            loss += share * (rest + (top - z[j]));
            mass += share;
        }
        kept[0] = top;
        kept[1] = rest;
        kept[2] = mass;
        ctx->out[r] = loss;
    }
}

/* d z_j = mass softmax(z)_j - w_j p_j; d p_j = -w_j log softmax(z)_j; d w_j = -p_j log softmax. */
NN_KERNEL static void soft_backward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = nn_elements(ctx, 0) / classes;
    const nn_real *w = ctx->in[2], *kept = ctx->saved;
    nn_begin_gradient(ctx->grad_in[2], ctx->beta[2] != 0, classes);
    for (int64_t r = 0; r < positions; r++, kept += KEPT) {
        const nn_real *z = (const nn_real *)ctx->in[0] + r * classes;
        const nn_real *p = (const nn_real *)ctx->in[1] + r * classes;
        nn_real *dz = ctx->grad_in[0], *dp = ctx->grad_in[1], *dw = ctx->grad_in[2];
        nn_real dy = ctx->grad_out[r], top = kept[0], rest = kept[1], mass = kept[2];
        if (dz)
            NN_GIVE(dz + r * classes, ctx->beta[0] != 0, classes,
                    dy * (mass * nn_exp((z[i] - top) - rest) - (w ? w[i] : 1) * p[i]));
        if (dp)
            NN_GIVE(dp + r * classes, ctx->beta[1] != 0, classes,
                    dy * (w ? w[i] : 1) * (rest + (top - z[i])));
        for (int64_t j = 0; dw && j < classes; j++)
            dw[j] += dy * p[j] * (rest + (top - z[j]));
    }
}

static void soft_reference(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = nn_elements(ctx, 0) / classes;
    const nn_real *z = ctx->in[0], *p = ctx->in[1], *w = ctx->in[2];
    for (int64_t r = 0; r < positions; r++, z += classes, p += classes) {
        double top = -INFINITY, sum = 0, loss = 0;
        for (int64_t j = 0; j < classes; j++)
            top = fmax(top, (double)z[j]);
        for (int64_t j = 0; j < classes; j++)
            sum += exp((double)z[j] - top);
        for (int64_t j = 0; j < classes; j++)
            loss -= (w ? (double)w[j] : 1) * (double)p[j] * ((double)z[j] - top - log(sum));
        ctx->out[r] = (nn_real)loss;
    }
}

const nn_op nn_op_soft_cross_entropy = {
    .name = "soft_cross_entropy",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1 | 1u << 2,
    .shape = soft_shape,
    .saved = soft_saved,
    .forward = soft_forward,
    .backward = soft_backward,
    .reference = soft_reference,
};

nn_node *nn_soft_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *targets,
                               nn_node *class_weights)
{
    return nn_node_new(graph, &nn_op_soft_cross_entropy,
                       (nn_node *[]){logits, targets, class_weights}, class_weights ? 3 : 2, NULL,
                       0);
}
