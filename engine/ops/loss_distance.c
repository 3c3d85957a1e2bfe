/* Losses on distances between vectors: squared_distance, triplet, contrastive. */
#include "engine/ops/lanes.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static double number_of(const nn_node *node)
{
    return *(const double *)(const void *)node->args;
}

static double reference_distance(const nn_real *a, const nn_real *b, int64_t size)
{
    double sum = 0;
    for (int64_t i = 0; i < size; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

/* --- squared_distance: scale sum (a-b)^2 --------------------------------------------------- */

static nn_status distance_shape(nn_node *node, nn_error *error)
{
    double scale = number_of(node);
    if (!(fabs(scale) < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "scale %g: expected a finite number", scale);
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    return status ? status : nn_set_activation(node, nn_shape_of(0, NULL), error);
}

enum { DISTANCE_BLOCK = 4096 }; /* feature maps are long: blocks are added in double */

NN_KERNEL static void distance_forward(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++, a += size, b += size) {
        double sum = 0;
        for (int64_t start = 0; start < size; start += DISTANCE_BLOCK) {
            int64_t left = size - start;
            sum += (double)nn_distance_squared(a + start, b + start,
                                               left < DISTANCE_BLOCK ? left : DISTANCE_BLOCK);
        }
        ctx->out[r] = (nn_real)(number_of(ctx->node) * sum);
    }
}

NN_KERNEL static void distance_backward(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    for (int k = 0; k < 2; k++) {
        const nn_real *a = ctx->in[k], *b = ctx->in[1 - k];
        nn_real *dx = ctx->grad_in[k];
        if (!dx)
            continue;
        for (int64_t r = 0; r < nn_rows(ctx); r++, a += size, b += size, dx += size) {
            nn_real scale = (nn_real)(2 * number_of(ctx->node) * (double)ctx->grad_out[r]);
            NN_GIVE(dx, ctx->beta[k] != 0, size, scale * (a[i] - b[i]));
        }
    }
}

static void distance_reference(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++, a += size, b += size)
        ctx->out[r] = (nn_real)(number_of(ctx->node) * reference_distance(a, b, size));
}

const nn_op nn_op_squared_distance = {
    .name = "squared_distance",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = distance_shape,
    .forward = distance_forward,
    .backward = distance_backward,
    .reference = distance_reference,
};

nn_node *nn_squared_distance(nn_graph *graph, nn_node *a, nn_node *b, double scale)
{
    return nn_node_new(graph, &nn_op_squared_distance, (nn_node *[]){a, b}, 2, &scale,
                       sizeof scale);
}

/* --- triplet: max(0, |a-p|^2 - |a-n|^2 + margin) ------------------------------------------- */

static nn_status expect_margin(const nn_node *node, nn_error *error)
{
    double margin = number_of(node);
    if (margin >= 0 && margin < INFINITY)
        return NN_OK;
    return nn_refuse(node, error, NN_E_ARG, "margin %g: expected 0 or more, such as 0.2", margin);
}

static nn_status triplet_shape(nn_node *node, nn_error *error)
{
    nn_status status = expect_margin(node, error);
    if (!status)
        status = nn_expect_activation(node, 0, 2, 2, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    if (!status)
        status = nn_expect_like_first(node, 2, error);
    return status ? status : nn_set_activation(node, nn_shape_of(0, NULL), error);
}

NN_KERNEL static void triplet_forward(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *a = ctx->in[0], *p = ctx->in[1], *n = ctx->in[2];
    for (int64_t r = 0; r < nn_rows(ctx); r++, a += size, p += size, n += size) {
        nn_real over = nn_distance_squared(a, p, size) - nn_distance_squared(a, n, size) +
                       (nn_real)number_of(ctx->node);
        ctx->out[r] = over <= 0 ? 0 : over;
    }
}

/* 2 (n - p), 2 (p - a) and 2 (a - n) for anchor, positive and negative, where the loss is not 0. */
NN_KERNEL static void triplet_backward(const nn_ctx *ctx)
{
    static const int plus[3] = {2, 1, 0}, minus[3] = {1, 0, 2};
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    for (int k = 0; k < 3; k++) {
        const nn_real *a = ctx->in[plus[k]], *b = ctx->in[minus[k]];
        nn_real *dx = ctx->grad_in[k];
        for (int64_t r = 0; dx && r < nn_rows(ctx); r++, a += size, b += size, dx += size) {
            nn_real dy = ctx->out[r] <= 0 ? 0 : 2 * ctx->grad_out[r];
            NN_GIVE(dx, ctx->beta[k] != 0, size, dy * (a[i] - b[i]));
        }
    }
}

static void triplet_reference(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *a = ctx->in[0], *p = ctx->in[1], *n = ctx->in[2];
    for (int64_t r = 0; r < nn_rows(ctx); r++, a += size, p += size, n += size) {
        double over =
            reference_distance(a, p, size) - reference_distance(a, n, size) + number_of(ctx->node);
        ctx->out[r] = (nn_real)(over > 0 || isnan(over) ? over : 0);
    }
}

const nn_op nn_op_triplet = {
    .name = "triplet",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1 | 1u << 2 | NN_NEED_OUT,
    .shape = triplet_shape,
    .forward = triplet_forward,
    .backward = triplet_backward,
    .reference = triplet_reference,
};

nn_node *nn_triplet(nn_graph *graph, nn_node *anchor, nn_node *positive, nn_node *negative,
                    double margin)
{
    return nn_node_new(graph, &nn_op_triplet, (nn_node *[]){anchor, positive, negative}, 3, &margin,
                       sizeof margin);
}

/* --- contrastive: D^2 where same, else max(0, margin - D)^2 -------------------------------- */

static nn_status contrastive_shape(nn_node *node, nn_error *error)
{
    nn_status status = expect_margin(node, error);
    if (!status)
        status = nn_expect_activation(node, 0, 2, 2, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    if (!status)
        status = nn_expect_whole(node, 2, "same", nn_shape_of(0, NULL), error);
    return status ? status : nn_set_activation(node, nn_shape_of(0, NULL), error);
}

static size_t contrastive_saved(const nn_node *node, int64_t rows)
{
    (void)node;
    return (size_t)rows * sizeof(nn_real); /* D^2 */
}

NN_KERNEL static void contrastive_forward(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *u = ctx->in[0], *v = ctx->in[1];
    const int32_t *same = ctx->in[2];
    nn_real *square = ctx->saved, margin = (nn_real)number_of(ctx->node);
    for (int64_t r = 0; r < nn_rows(ctx); r++, u += size, v += size) {
        square[r] = nn_distance_squared(u, v, size);
        nn_real missing = margin - (nn_real)sqrt((double)square[r]);
        missing = missing <= 0 ? 0 : missing;
        nn_real apart = same[r] == 0 ? missing * missing : (nn_real)NAN;
        ctx->out[r] = same[r] == 1 ? square[r] : apart;
    }
}

/* d loss / d D^2, times 2 (u - v). */
NN_KERNEL static void contrastive_backward(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const int32_t *same = ctx->in[2];
    const nn_real *square = ctx->saved;
    nn_real margin = (nn_real)number_of(ctx->node);
    for (int k = 0; k < 2; k++) {
        const nn_real *a = ctx->in[k], *b = ctx->in[1 - k];
        nn_real *dx = ctx->grad_in[k];
        for (int64_t r = 0; dx && r < nn_rows(ctx); r++, a += size, b += size, dx += size) {
            nn_real length = (nn_real)sqrt((double)square[r]), missing = margin - length;
            nn_real slope = same[r] == 1 ? 1 : same[r] == 0 ? 0 : (nn_real)NAN;
            if (same[r] == 0 && !(missing <= 0) && !(length <= 0))
                slope = -missing / length;
            nn_real scale = 2 * slope * ctx->grad_out[r];
            NN_GIVE(dx, ctx->beta[k] != 0, size, scale * (a[i] - b[i]));
        }
    }
}

static void contrastive_reference(const nn_ctx *ctx)
{
    int64_t size = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *u = ctx->in[0], *v = ctx->in[1];
    const int32_t *same = ctx->in[2];
    for (int64_t r = 0; r < nn_rows(ctx); r++, u += size, v += size) {
        double square = reference_distance(u, v, size), loss = NAN;
        if (same[r] == 1)
            loss = square;
        else if (same[r] == 0 && !isnan(square))
            loss = pow(fmax(0, number_of(ctx->node) - sqrt(square)), 2);
        ctx->out[r] = (nn_real)loss;
    }
}

const nn_op nn_op_contrastive = {
    .name = "contrastive",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1 | 1u << 2,
    .shape = contrastive_shape,
    .saved = contrastive_saved,
    .forward = contrastive_forward,
    .backward = contrastive_backward,
    .reference = contrastive_reference,
};

nn_node *nn_contrastive(nn_graph *graph, nn_node *u, nn_node *v, nn_node *same, double margin)
{
    return nn_node_new(graph, &nn_op_contrastive, (nn_node *[]){u, v, same}, 3, &margin,
                       sizeof margin);
}
