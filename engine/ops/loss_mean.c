/* From values to the number to minimise, over the whole batch whatever the shards: each shard
 * leaves its sums in double, and shard 0 adds them in shard order. */
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static void set_scalar(nn_node *node)
{
    node->shape = nn_shape_of(0, NULL);
    node->dtype = NN_F;
    node->batched = false;
}

/* Sum of number `which` of every shard's partials. */
static double over_shards(const nn_ctx *ctx, int which)
{
    double sum = 0;
    for (int s = 0; s < ctx->shards; s++)
        sum += ctx->partial[s * ctx->partial_count + which];
    return sum;
}

/* --- weighted_mean: sum(w x) / sum(w), or / examples --------------------------------------- */

static nn_divisor divisor_of(const nn_ctx *ctx)
{
    return *(const nn_divisor *)(const void *)ctx->node->args;
}

static nn_status weighted_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    if (!status)
        set_scalar(node);
    return status;
}

enum { WEIGHTED, WEIGHTS, WEIGHTED_PARTIALS };

static int64_t weighted_partials(const nn_node *node)
{
    (void)node;
    return WEIGHTED_PARTIALS;
}

/* What has weight 0 is left out even where it is infinite or NaN. */
static void weighted_partial(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0], *w = ctx->in[1];
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++) {
        sum += w[i] == 0 ? 0 : (double)w[i] * (double)x[i];
        weights += (double)w[i];
    }
    ctx->partial[ctx->shard * ctx->partial_count + WEIGHTED] = sum;
    ctx->partial[ctx->shard * ctx->partial_count + WEIGHTS] = weights;
}

/* 1 / divisor, 0 where nothing counts. */
static double weighted_share(const nn_ctx *ctx)
{
    double over =
        divisor_of(ctx) == NN_OVER_EXAMPLES ? (double)ctx->batch_rows : over_shards(ctx, WEIGHTS);
    return over == 0 ? 0 : 1 / over;
}

static void weighted_forward(const nn_ctx *ctx)
{
    if (ctx->shard == 0)
        ctx->out[0] = (nn_real)(over_shards(ctx, WEIGHTED) * weighted_share(ctx));
}

NN_KERNEL static void weighted_backward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0], *w = ctx->in[1];
    nn_real *dx = ctx->grad_in[0], *dw = ctx->grad_in[1];
    double share = weighted_share(ctx);
    nn_real scale = (nn_real)((double)ctx->grad_out[0] * share), mean = 0;
    if (divisor_of(ctx) == NN_OVER_WEIGHTS)
        mean = (nn_real)(over_shards(ctx, WEIGHTED) * share);
    if (dx)
        NN_GIVE(dx, ctx->beta[0] != 0, nn_elements(ctx, 0), scale * w[i]);
    if (dw)
        NN_GIVE(dw, ctx->beta[1] != 0, nn_elements(ctx, 0), scale * (x[i] - mean));
}

static void weighted_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0], *w = ctx->in[1];
    double weights = 0, mean = 0;
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        weights += (double)w[i];
    if (divisor_of(ctx) == NN_OVER_EXAMPLES)
        weights = (double)ctx->batch_rows;
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        if (weights != 0 && w[i] != 0)
            mean += (double)w[i] / weights * (double)x[i];
    ctx->out[0] = (nn_real)mean;
}

const nn_op nn_op_weighted_mean = {
    .name = "weighted_mean",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SCALAR | NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = weighted_shape,
    .forward = weighted_forward,
    .backward = weighted_backward,
    .reference = weighted_reference,
    .partials = weighted_partials,
    .forward_partial = weighted_partial,
};

nn_node *nn_weighted_mean(nn_graph *graph, nn_node *x, nn_node *weights, nn_divisor divisor)
{
    return nn_node_new(graph, &nn_op_weighted_mean, (nn_node *[]){x, weights}, 2, &divisor,
                       sizeof divisor);
}

/* --- batch_sum ----------------------------------------------------------------------------- */

static nn_status sum_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        set_scalar(node);
    return status;
}

static int64_t sum_partials(const nn_node *node)
{
    (void)node;
    return 1;
}

static void sum_partial(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    double sum = 0;
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        sum += (double)x[i];
    ctx->partial[ctx->shard * ctx->partial_count] = sum;
}

static void sum_forward(const nn_ctx *ctx)
{
    if (ctx->shard == 0)
        ctx->out[0] = (nn_real)over_shards(ctx, 0);
}

static void sum_backward(const nn_ctx *ctx)
{
    nn_real *dx = ctx->grad_in[0], dy = ctx->grad_out[0];
    NN_GIVE(dx, ctx->beta[0] != 0, nn_elements(ctx, 0), dy);
}

static void sum_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    double sum = 0;
    for (int64_t i = nn_elements(ctx, 0) - 1; i >= 0; i--)
        sum += (double)x[i];
    ctx->out[0] = (nn_real)sum;
}

const nn_op nn_op_batch_sum = {
    .name = "batch_sum",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SCALAR | NN_OP_SETS_GRADIENT,
    .shape = sum_shape,
    .forward = sum_forward,
    .backward = sum_backward,
    .reference = sum_reference,
    .partials = sum_partials,
    .forward_partial = sum_partial,
};

nn_node *nn_batch_sum(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_batch_sum, &x, 1, NULL, 0);
}
