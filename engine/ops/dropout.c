/* dropout: inverted dropout (Srivastava et al. 2014; scaling by 1/keep in training, so that
 * evaluation is the identity). Whether an element falls is a pure function of (seed, node name,
 * step, place in the batch): backward draws the mask again instead of keeping it, and shards and
 * threads change nothing. With `maps` a whole channel of an example falls or stays (Tompson et al.
 * 2015): neighbouring cells say the same, and dropping some of them would hide little. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/rng.h"

#include <string.h>

static nn_status dropout_shape(nn_node *node, nn_error *error)
{
    double rate = ((const nn_dropout_args *)(const void *)node->args)->rate;
    if (!(rate >= 0 && rate < 1))
        return nn_refuse(node, error, NN_E_ARG,
                         "rate %g: expected 0 or more and less than 1 (the share that is dropped)",
                         rate);
    bool maps = ((const nn_dropout_args *)(const void *)node->args)->maps;
    nn_status status = nn_expect_activation(node, 0, maps ? 3 : 1, NN_MAX_DIMS, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

/* The rate in force: 0 in evaluation, the live one where it is set. */
static double dropout_rate(const nn_ctx *ctx)
{
    if (!ctx->training)
        return 0;
    double rate = ((const nn_dropout_args *)(const void *)ctx->node->args)->rate;
    return ctx->dropout == ctx->dropout ? ctx->dropout : rate;
}

/* Neighbouring cells that share one decision. */
static int64_t dropout_unit(const nn_node *node)
{
    bool maps = ((const nn_dropout_args *)(const void *)node->args)->maps;
    return maps ? nn_shape_row(node->shape) / node->shape.dim[1] : 1;
}

enum { CHUNK = 256 }; /* factors drawn at a time, on the stack */

/* The factor of `count` <= CHUNK units from place `first` of the batch on: 0 or 1/(1-rate). One
 * random block serves the four places 4b .. 4b+3. */
NN_KERNEL static void dropout_factors(const nn_ctx *ctx, double rate, uint64_t first, int count,
                                      nn_real *factor)
{
    uint32_t words[CHUNK + 8];
    int skip = (int)(first % 4), blocks = (skip + count + 3) / 4;
    nn_random_words(ctx->seed, nn_stream_of(ctx->node->name), ctx->step, (uint32_t)(first / 4),
                    blocks, words);
    nn_real kept = (nn_real)(1 / (1 - rate));
    float limit = (float)rate;
    for (int i = 0; i < count; i++)
        factor[i] = nn_random_uniform(words[skip + i]) < limit ? 0 : kept;
}

/* to (+)= from * factor, over `count` units of `unit` cells. */
NN_KERNEL static void dropout_apply(const nn_real *factor, int count, int64_t unit, bool add,
                                    const nn_real *from, nn_real *to)
{
    if (unit == 1) {
        NN_GIVE(to, add, count, from[i] * factor[i]);
        return;
    }
    for (int k = 0; k < count; k++, from += unit, to += unit)
        NN_GIVE(to, add, unit, from[i] * factor[k]);
}

static void dropout_pass(const nn_ctx *ctx, double rate, bool add, const nn_real *from, nn_real *to)
{
    nn_real factor[CHUNK];
    int64_t unit = dropout_unit(ctx->node), units = nn_elements(ctx, 0) / unit;
    uint64_t first = (uint64_t)(ctx->r0 * (nn_shape_row(ctx->node->shape) / unit));
    for (int64_t start = 0; start < units; start += CHUNK) {
        int some = units - start < CHUNK ? (int)(units - start) : CHUNK;
        dropout_factors(ctx, rate, first + (uint64_t)start, some, factor);
        dropout_apply(factor, some, unit, add, from + start * unit, to + start * unit);
    }
}

static void dropout_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    int64_t count = nn_elements(ctx, 0);
    double rate = dropout_rate(ctx);
    if (rate != 0)
        dropout_pass(ctx, rate, false, x, ctx->out);
    else if (ctx->out != x && count > 0)
        memcpy(ctx->out, x, (size_t)count * sizeof *x);
}

static void dropout_backward(const nn_ctx *ctx)
{
    const nn_real *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    double rate = dropout_rate(ctx);
    bool add = ctx->beta[0] != 0;
    if (rate != 0)
        dropout_pass(ctx, rate, add, dy, dx);
    else
        NN_GIVE(dx, add, nn_elements(ctx, 0), dy[i]);
}

static void dropout_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    double rate = dropout_rate(ctx);
    uint32_t stream = nn_stream_of(ctx->node->name);
    int64_t unit = dropout_unit(ctx->node);
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++) {
        int64_t place = i / unit;
        nn_random_block block = nn_random(ctx->seed, stream, ctx->step, (uint32_t)(place / 4));
        bool falls = rate > 0 && nn_random_uniform(block.word[place % 4]) < (float)rate;
        ctx->out[i] = x[i] * (nn_real)(falls ? 0 : 1 / (1 - rate));
    }
}

const nn_op nn_op_dropout = {
    .name = "dropout",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_RANDOM | NN_OP_SETS_GRADIENT,
    .shape = dropout_shape,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .reference = dropout_reference,
};

nn_node *nn_dropout(nn_graph *graph, nn_node *x, double rate)
{
    nn_dropout_args args = {rate, false};
    return nn_node_new(graph, &nn_op_dropout, &x, 1, &args, sizeof args);
}

nn_node *nn_dropout_maps(nn_graph *graph, nn_node *x, double rate)
{
    nn_dropout_args args = {rate, true};
    return nn_node_new(graph, &nn_op_dropout, &x, 1, &args, sizeof args);
}
