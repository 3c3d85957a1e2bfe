/* attention_weights: what attention.c multiplies the values with, as a tensor of its own,
 * (n,heads,queries,keys); attention_values: the values weighed with such a tensor. Together they
 * are attention; apart, a panel can show the weights and dropout can stand between the two. */
#include "engine/attention.h"
#include "engine/ops/attention_heads.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

enum { Q, K, LENGTHS, MASK };

static const nn_heads_args *args_of(const nn_node *node)
{
    return (const void *)node->args;
}

/* --- attention_weights --------------------------------------------------------------------- */

static nn_heads weights_heads_of(const nn_node *node)
{
    return nn_heads_of_pair(node, Q, K);
}

static nn_status weights_shape(nn_node *node, nn_error *error)
{
    const nn_heads_args *args = args_of(node);
    const nn_node *q = node->input[Q], *k = node->input[K];
    int64_t width = 0, key = 0;
    nn_status status = nn_heads_expect_args(node, error);
    status = status ? status : nn_heads_expect(node, Q, k ? 1 : 3, args->heads, &width, error);
    key = width;
    if (!status && k)
        status = nn_heads_expect(node, K, args->packed ? 2 : 1, args->heads, &key, error);
    status = status ? status : nn_heads_agree(node, width, key, error);
    if (status)
        return status;
    int64_t keys = (k ? k : q)->shape.dim[1], queries = q->shape.dim[1];
    status = nn_expect_visibility(node, LENGTHS, MASK, queries, keys, error);
    return status ? status : nn_set_activation(node, nn_shape3(args->heads, queries, keys), error);
}

static nn_visibility weights_visibility(const nn_ctx *ctx, const nn_heads *h)
{
    return nn_visibility_of(ctx, LENGTHS, MASK, h->keys, args_of(ctx->node)->causal);
}

static size_t weights_scratch(const nn_node *node, int64_t rows)
{
    nn_heads h = weights_heads_of(node);
    (void)rows;
    return (size_t)(h.queries * h.keys) * sizeof(nn_real);
}

static void weights_forward(const nn_ctx *ctx)
{
    nn_heads h = weights_heads_of(ctx->node);
    nn_visibility seen = weights_visibility(ctx, &h);
    nn_real *out = ctx->out;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t head = 0; head < h.heads; head++, out += h.queries * h.keys)
            nn_head_weights(ctx, &h, &seen, e, head, out);
}

/* A packed input has values too, which the weights do not depend on. */
static void clear_values(const nn_ctx *ctx, const nn_heads *h)
{
    int input = h->k.input;
    nn_real *gradient = ctx->grad_in[input];
    if (!args_of(ctx->node)->packed || !gradient || ctx->beta[input] != 0)
        return;
    int64_t numbers = h->heads * h->width, rows = nn_rows(ctx) * h->keys;
    nn_clear_block(gradient + h->k.row - numbers, h->k.row, rows, numbers);
}

static void weights_backward(const nn_ctx *ctx)
{
    nn_heads h = weights_heads_of(ctx->node);
    nn_visibility seen = weights_visibility(ctx, &h);
    const nn_real *dy = ctx->grad_out, *out = ctx->out;
    nn_real *dx = ctx->scratch, scale = (nn_real)h.scale;
    int64_t size = h.queries * h.keys;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t head = 0; head < h.heads; head++, out += size, dy += size) {
            memcpy(dx, dy, (size_t)size * sizeof *dx);
            nn_weigh_backward(h.queries, h.keys, scale, out, dx);
            nn_head_give_scores(ctx, &h, e, head, nn_touched(&seen, e), dx);
        }
    clear_values(ctx, &h);
    nn_give_nothing(ctx, MASK);
}

static void weights_reference(const nn_ctx *ctx)
{
    nn_heads h = weights_heads_of(ctx->node);
    nn_visibility seen = weights_visibility(ctx, &h);
    int64_t size = h.queries * h.keys;
    for (int64_t i = 0; i < nn_rows(ctx) * h.heads * size; i++)
        ctx->out[i] = (nn_real)nn_weight_of(ctx, &h, &seen, i / size / h.heads, i / size % h.heads,
                                            i % size / h.keys, i % h.keys);
}

static int64_t weights_multiply_adds(const nn_node *node)
{
    nn_heads h = weights_heads_of(node);
    return h.heads * h.queries * h.keys * h.width;
}

static int64_t weights_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    nn_heads h = weights_heads_of(node);
    bool q = wanted >> h.q.input & 1, k = wanted >> h.k.input & 1;
    return h.heads * h.queries * h.keys * h.width * (q + k);
}

const nn_op nn_op_attention_weights = {
    .name = "attention_weights",
    .min_inputs = 1,
    .max_inputs = 4,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << Q | 1u << K | 1u << LENGTHS | 1u << MASK | NN_NEED_OUT,
    .shape = weights_shape,
    .scratch = weights_scratch,
    .forward = weights_forward,
    .backward = weights_backward,
    .reference = weights_reference,
    .multiply_adds = weights_multiply_adds,
    .backward_multiply_adds = weights_backward_multiply_adds,
};

nn_node *nn_attention_weights(nn_graph *graph, nn_node *q, nn_node *k, const nn_node *v,
                              nn_node *lengths, nn_node *mask, nn_attention_args args)
{
    nn_heads_args heads = {args.heads ? args.heads : 1, args.causal, !v, args.scale};
    return nn_node_new(graph, &nn_op_attention_weights, (nn_node *[]){q, k, lengths, mask}, 4,
                       &heads, sizeof heads);
}

/* --- attention_values ---------------------------------------------------------------------- */

enum { WEIGHTS, VALUES };

typedef struct {
    int parts; /* of the values' input; the values are the last of them */
} values_args;

static nn_heads values_heads_of(const nn_node *node)
{
    const nn_node *weights = node->input[WEIGHTS], *v = node->input[VALUES];
    int parts = ((const values_args *)(const void *)node->args)->parts;
    nn_heads h = {.heads = weights->shape.dim[1],
                  .queries = weights->shape.dim[2],
                  .keys = weights->shape.dim[3]};
    h.depth = v->shape.dim[2] / h.heads / parts;
    h.v = nn_head_place_of(node, VALUES, parts - 1, h.heads, h.depth);
    return h;
}

static nn_status values_shape(nn_node *node, nn_error *error)
{
    const nn_node *weights = node->input[WEIGHTS], *v = node->input[VALUES];
    int parts = ((const values_args *)(const void *)node->args)->parts;
    int64_t depth = 0, heads = 0;
    nn_status status = nn_expect_activation(node, WEIGHTS, 4, 4, error);
    if (status)
        return status;
    heads = weights->shape.dim[1];
    status = nn_heads_expect(node, VALUES, parts, heads, &depth, error);
    if (status)
        return status;
    if (v->shape.dim[1] != weights->shape.dim[3])
        return nn_refuse(node, error, NN_E_SHAPE, "'%s' weighs %lld values, '%s' has %lld",
                         weights->name, (long long)weights->shape.dim[3], v->name,
                         (long long)v->shape.dim[1]);
    return nn_set_activation(node, nn_shape2(weights->shape.dim[2], heads * depth), error);
}

static void values_forward(const nn_ctx *ctx)
{
    nn_heads h = values_heads_of(ctx->node);
    const nn_real *weights = ctx->in[WEIGHTS];
    int64_t row = h.heads * h.depth;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t head = 0; head < h.heads; head++, weights += h.queries * h.keys)
            nn_head_values(ctx, &h, e, head, h.keys, weights,
                           ctx->out + e * h.queries * row + head * h.depth);
}

static void values_backward(const nn_ctx *ctx)
{
    nn_heads h = values_heads_of(ctx->node);
    const nn_real *weights = ctx->in[WEIGHTS];
    nn_real *dw = ctx->grad_in[WEIGHTS], *packed = ctx->grad_in[VALUES];
    int64_t row = h.heads * h.depth, size = h.queries * h.keys;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t head = 0; head < h.heads; head++, weights += size) {
            const nn_real *dy = ctx->grad_out + e * h.queries * row + head * h.depth;
            nn_head_give_values(ctx, &h, e, head, h.keys, weights, dy);
            if (dw)
                nn_head_weights_gradient(ctx, &h, e, head, h.keys, dy, ctx->beta[WEIGHTS],
                                         dw + (e * h.heads + head) * size);
        }
    if (packed && ctx->beta[VALUES] == 0) /* queries and keys hear nothing */
        nn_clear_block(packed, h.v.row, nn_rows(ctx) * h.keys, h.v.first);
}

static void values_reference(const nn_ctx *ctx)
{
    nn_heads h = values_heads_of(ctx->node);
    const nn_real *weights = ctx->in[WEIGHTS];
    int64_t row = h.heads * h.depth;
    for (int64_t i = 0; i < nn_rows(ctx) * h.queries * row; i++) {
        int64_t e = i / row / h.queries, query = i / row % h.queries, head = i % row / h.depth;
        const nn_real *v = nn_head_in(ctx, h.v, e, head, h.depth) + i % h.depth;
        const nn_real *own = weights + ((e * h.heads + head) * h.queries + query) * h.keys;
        double sum = 0;
        for (int64_t j = 0; j < h.keys; j++)
            sum += (double)own[j] * (double)v[j * h.v.row];
        ctx->out[i] = (nn_real)sum;
    }
}

static int64_t values_multiply_adds(const nn_node *node)
{
    nn_heads h = values_heads_of(node);
    return h.heads * h.queries * h.keys * h.depth;
}

const nn_op nn_op_attention_values = {
    .name = "attention_values",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << WEIGHTS | 1u << VALUES,
    .shape = values_shape,
    .forward = values_forward,
    .backward = values_backward,
    .reference = values_reference,
    .multiply_adds = values_multiply_adds,
};

nn_node *nn_attention_values(nn_graph *graph, nn_node *weights, nn_node *q, nn_node *k, nn_node *v)
{
    values_args args = {v ? 1 : k ? 2 : 3};
    nn_node *values = v ? v : k ? k : q;
    return nn_node_new(graph, &nn_op_attention_values, (nn_node *[]){weights, values}, 2, &args,
                       sizeof args);
}
