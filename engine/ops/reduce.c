/* mean: of every number of the rows that were fed, whatever the shards. Each shard leaves its sum
 * in double; shard 0 adds them in shard order. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

static nn_status mean_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    node->shape = nn_shape_of(0, NULL);
    node->dtype = NN_F;
    node->batched = false;
    return NN_OK;
}

static double mean_count(const nn_ctx *ctx)
{
    return (double)ctx->batch_rows * (double)nn_shape_row(ctx->node->input[0]->shape);
}

static int64_t mean_partials(const nn_node *node)
{
    (void)node;
    return 1;
}

static void mean_partial(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    int64_t count = nn_elements(ctx, 0);
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)x[i];
    ctx->partial[ctx->shard * ctx->partial_count] = sum;
}

static void mean_forward(const nn_ctx *ctx)
{
    if (ctx->shard != 0)
        return;
    double sum = 0;
    for (int s = 0; s < ctx->shards; s++)
        sum += ctx->partial[s * ctx->partial_count];
    ctx->out[0] = (nn_real)(sum / mean_count(ctx));
}

static void mean_backward(const nn_ctx *ctx)
{
    nn_real *dx = ctx->grad_in[0];
    nn_real share = (nn_real)((double)ctx->grad_out[0] / mean_count(ctx));
    NN_GIVE(dx, ctx->beta[0] != 0, nn_elements(ctx, 0), share);
}

static void mean_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    double sum = 0;
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        sum += (double)x[i] / mean_count(ctx);
    ctx->out[0] = (nn_real)sum;
}

const nn_op nn_op_mean = {
    .name = "mean",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SCALAR | NN_OP_SETS_GRADIENT,
    .shape = mean_shape,
    .forward = mean_forward,
    .backward = mean_backward,
    .reference = mean_reference,
    .partials = mean_partials,
    .forward_partial = mean_partial,
};

nn_node *nn_mean(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_mean, &x, 1, NULL, 0);
}
