/* dropout: inverted dropout (Srivastava et al. 2014; scaling by 1/keep in training, so that
 * evaluation is the identity). Whether an element falls is a pure function of (seed, node name,
 * step, place in the batch): backward draws the mask again instead of keeping it, and shards and
 * threads change nothing. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/rng.h"

#include <string.h>

typedef struct {
    double rate;
} dropout_args;

static nn_status dropout_shape(nn_node *node, nn_error *error)
{
    double rate = ((const dropout_args *)(const void *)node->args)->rate;
    if (!(rate >= 0 && rate < 1))
        return nn_refuse(node, error, NN_E_ARG,
                         "rate %g: expected 0 or more and less than 1 (the share that is dropped)",
                         rate);
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

/* The rate in force: 0 in evaluation, the live one where it is set. */
static double dropout_rate(const nn_ctx *ctx)
{
    if (!ctx->training)
        return 0;
    double rate = ((const dropout_args *)(const void *)ctx->node->args)->rate;
    return ctx->dropout == ctx->dropout ? ctx->dropout : rate;
}

/* The factor of `count` elements from place `first` of the batch on: 0 or 1/(1-rate). One random
 * block serves the four places 4b .. 4b+3. */
static void dropout_factors(const nn_ctx *ctx, double rate, uint64_t first, int count,
                            nn_real *factor)
{
    uint32_t stream = nn_stream_of(ctx->node->name);
    nn_real kept = (nn_real)(1 / (1 - rate));
    float limit = (float)rate;
    for (int i = 0; i < count;) {
        uint64_t place = first + (uint64_t)i;
        nn_random_block block = nn_random(ctx->seed, stream, ctx->step, (uint32_t)(place / 4));
        for (int k = (int)(place % 4); k < 4 && i < count; k++, i++)
            factor[i] = nn_random_uniform(block.word[k]) < limit ? 0 : kept;
    }
}

enum { CHUNK = 256 }; /* factors drawn at a time, on the stack */

static void dropout_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out, factor[CHUNK];
    int64_t count = nn_elements(ctx, 0);
    double rate = dropout_rate(ctx);
    if (rate == 0) {
        if (out != x && count > 0)
            memcpy(out, x, (size_t)count * sizeof *out);
        return;
    }
    uint64_t first = (uint64_t)(ctx->r0 * nn_shape_row(ctx->node->shape));
    for (int64_t start = 0; start < count; start += CHUNK) {
        int some = count - start < CHUNK ? (int)(count - start) : CHUNK;
        dropout_factors(ctx, rate, first + (uint64_t)start, some, factor);
        NN_INDEPENDENT
        for (int i = 0; i < some; i++)
            out[start + i] = x[start + i] * factor[i];
    }
}

static void dropout_backward(const nn_ctx *ctx)
{
    const nn_real *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0], factor[CHUNK];
    int64_t count = nn_elements(ctx, 0);
    double rate = dropout_rate(ctx);
    bool add = ctx->beta[0] != 0;
    if (rate == 0) {
        NN_GIVE(dx, add, count, dy[i]);
        return;
    }
    uint64_t first = (uint64_t)(ctx->r0 * nn_shape_row(ctx->node->shape));
    for (int64_t start = 0; start < count; start += CHUNK) {
        int some = count - start < CHUNK ? (int)(count - start) : CHUNK;
        dropout_factors(ctx, rate, first + (uint64_t)start, some, factor);
        NN_GIVE(dx + start, add, some, dy[start + i] * factor[i]);
    }
}

static void dropout_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    double rate = dropout_rate(ctx);
    uint32_t stream = nn_stream_of(ctx->node->name);
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++) {
        nn_random_block block = nn_random(ctx->seed, stream, ctx->step, (uint32_t)(i / 4));
        bool falls = rate > 0 && nn_random_uniform(block.word[i % 4]) < (float)rate;
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
    dropout_args args = {rate};
    return nn_node_new(graph, &nn_op_dropout, &x, 1, &args, sizeof args);
}
