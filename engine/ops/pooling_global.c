/* global_average_pool and global_max_pool: one number a channel, (n,c,...) to (n,c). */
#include "engine/ops/pooling.h"

#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

/* A plane is one channel of one example. */
static int64_t plane_cells(const nn_ctx *ctx)
{
    return nn_shape_row(ctx->node->input[0]->shape) / ctx->node->shape.dim[1];
}

static int64_t planes_of(const nn_ctx *ctx)
{
    return nn_rows(ctx) * ctx->node->shape.dim[1];
}

static nn_status global_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 3, NN_MAX_DIMS, error);
    if (status)
        return status;
    const nn_shape *shape = &node->input[0]->shape;
    if (nn_shape_row(*shape) / shape->dim[1] > INT32_MAX)
        return nn_refuse(node, error, NN_E_SHAPE, "a channel of more than %d cells is too large",
                         INT32_MAX);
    return nn_set_activation(node, nn_shape1(shape->dim[1]), error);
}

enum { LANES = 16 }; /* sums or winners side by side, in a fixed order */

/* --- average ------------------------------------------------------------------------------- */

NN_KERNEL void nn_average_planes(const nn_real *x, int64_t planes, int64_t cells, nn_real *out)
{
    for (int64_t p = 0; p < planes; p++, x += cells) {
        nn_real lane[LANES] = {0}, sum = 0;
        int64_t i = 0;
        for (; i + LANES <= cells; i += LANES)
            for (int l = 0; l < LANES; l++)
                lane[l] += x[i + l];
        for (; i < cells; i++)
            sum += x[i];
        for (int width = LANES / 2; width > 0; width /= 2)
            for (int l = 0; l < width; l++)
                lane[l] += lane[l + width];
        out[p] = (sum + lane[0]) / (nn_real)cells;
    }
}

static void average_forward(const nn_ctx *ctx)
{
    nn_average_planes(ctx->in[0], planes_of(ctx), plane_cells(ctx), ctx->out);
}

NN_KERNEL void nn_spread_planes(const nn_real *dy, int64_t planes, int64_t cells, bool add,
                                nn_real *dx)
{
    for (int64_t p = 0; p < planes; p++, dx += cells) {
        nn_real share = dy[p] / (nn_real)cells;
        NN_GIVE(dx, add, cells, share);
    }
}

static void average_backward(const nn_ctx *ctx)
{
    nn_spread_planes(ctx->grad_out, planes_of(ctx), plane_cells(ctx), ctx->beta[0] != 0,
                     ctx->grad_in[0]);
}

static void average_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    int64_t cells = plane_cells(ctx);
    for (int64_t p = 0; p < planes_of(ctx); p++) {
        double sum = 0;
        for (int64_t i = 0; i < cells; i++)
            sum += (double)*x++;
        ctx->out[p] = (nn_real)(sum / (double)cells);
    }
}

const nn_op nn_op_global_average_pool = {
    .name = "global_average_pool",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = global_shape,
    .forward = average_forward,
    .backward = average_backward,
    .reference = average_reference,
};

nn_node *nn_global_average_pool(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_global_average_pool, &x, 1, NULL, 0);
}

/* --- maximum ------------------------------------------------------------------------------- */

static size_t max_saved(const nn_node *node, int64_t rows)
{
    return (size_t)(rows * node->shape.dim[1]) * sizeof(int32_t);
}

/* The first of the largest cells; a NaN wins over numbers. Lane l looks at the cells l, l + LANES
 * and so on. */
NN_KERNEL static void max_planes(const nn_real *x, int64_t planes, int64_t cells, nn_real *out,
                                 int32_t *at)
{
    for (int64_t p = 0; p < planes; p++, x += cells) {
        nn_real best = x[0], lane[LANES];
        int64_t whole = cells / LANES * LANES;
        for (int l = 0; whole && l < LANES; l++)
            lane[l] = x[l];
        for (int64_t i = LANES; i < whole; i += LANES)
            for (int l = 0; l < LANES; l++) {
                bool wins = (x[i + l] > lane[l]) | (x[i + l] != x[i + l]);
                lane[l] = wins ? x[i + l] : lane[l];
            }
        for (int l = 0; whole && l < LANES; l++)
            best = lane[l] > best || lane[l] != lane[l] ? lane[l] : best;
        for (int64_t i = whole; i < cells; i++)
            best = x[i] > best || x[i] != x[i] ? x[i] : best;
        out[p] = best;
        int32_t place = 0; /* of the first cell that equals it, or is a NaN as it is */
        while (x[place] != best && (best == best || x[place] == x[place]))
            place++;
        at[p] = place;
    }
}

static void max_forward(const nn_ctx *ctx)
{
    max_planes(ctx->in[0], planes_of(ctx), plane_cells(ctx), ctx->out, ctx->saved);
}

static void max_backward(const nn_ctx *ctx)
{
    const int32_t *at = ctx->saved;
    int64_t cells = plane_cells(ctx);
    nn_real *dx = ctx->grad_in[0];
    for (int64_t p = 0; p < planes_of(ctx); p++, dx += cells) {
        if (ctx->beta[0] == 0)
            memset(dx, 0, (size_t)cells * sizeof *dx);
        dx[at[p]] += ctx->grad_out[p];
    }
}

static void max_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    int64_t cells = plane_cells(ctx);
    for (int64_t p = 0; p < planes_of(ctx); p++, x += cells) {
        nn_real best = x[0];
        for (int64_t i = 1; i < cells; i++)
            best = x[i] > best || x[i] != x[i] ? x[i] : best;
        ctx->out[p] = best;
    }
}

const nn_op nn_op_global_max_pool = {
    .name = "global_max_pool",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = global_shape,
    .saved = max_saved,
    .forward = max_forward,
    .backward = max_backward,
    .reference = max_reference,
};

nn_node *nn_global_max_pool(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_global_max_pool, &x, 1, NULL, 0);
}
