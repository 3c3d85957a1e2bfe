/* flatten: (n, a, b, ...) seen as (n, a*b*...). The plan gives the output the input's memory; the
 * kernels below only run where somebody keeps the two apart. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

static nn_status flatten_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    return nn_set_activation(node, nn_shape1(nn_shape_row(node->input[0]->shape)), error);
}

static void flatten_forward(const nn_ctx *ctx)
{
    if (ctx->out != ctx->in[0])
        memcpy(ctx->out, ctx->in[0], (size_t)nn_elements(ctx, 0) * sizeof *ctx->out);
}

static void flatten_backward(const nn_ctx *ctx)
{
    const nn_real *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    if (dx != dy)
        NN_GIVE(dx, ctx->beta[0] != 0, nn_elements(ctx, 0), dy[i]);
}

static void flatten_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = x[i];
}

const nn_op nn_op_flatten = {
    .name = "flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_VIEW | NN_OP_SETS_GRADIENT,
    .shape = flatten_shape,
    .forward = flatten_forward,
    .backward = flatten_backward,
    .reference = flatten_reference,
};

nn_node *nn_flatten(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_flatten, &x, 1, NULL, 0);
}
