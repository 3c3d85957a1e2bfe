/* attention: scaled dot product attention (Vaswani et al. 2017), all heads at once.
 *
 *     weights = softmax(scale Q K') over the keys a query sees,  out = weights V.
 *
 * Q, K, V come apart, or packed side by side in the rows that one dense layer made: q = [Q|K|V], or
 * q and k = [K|V]. The weights are kept for backward. A query that sees no key gives zeros, and
 * what nobody sees gets a gradient of exactly zero. A length outside 0..keys makes its example NaN.
 */
#include "engine/attention.h"
#include "engine/ops/attention_heads.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

enum { Q, K, V, LENGTHS, MASK };

static const nn_heads_args *args_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_heads heads_of(const nn_node *node)
{
    nn_heads h = nn_heads_of_pair(node, Q, K);
    const nn_node *v = node->input[V];
    if (v)
        h.depth = v->shape.dim[2] / h.heads;
    h.v = nn_head_place_of(node, v ? V : h.k.input,
                           v                ? 0
                           : node->input[K] ? 1
                                            : 2,
                           h.heads, h.depth);
    return h;
}

static nn_status attention_shape(nn_node *node, nn_error *error)
{
    const nn_node *q = node->input[Q], *k = node->input[K], *v = node->input[V];
    int64_t heads = args_of(node)->heads, width = 0, key = 0, depth = 0;
    nn_status status = nn_heads_expect_args(node, error);
    if (!status && v && !k)
        return nn_refuse(node, error, NN_E_ARG, "values '%s' without keys", v->name);
    status = status ? status : nn_heads_expect(node, Q, k ? 1 : 3, heads, &width, error);
    key = depth = width;
    if (!status && k)
        status = nn_heads_expect(node, K, v ? 1 : 2, heads, &key, error);
    if (!status && v)
        status = nn_heads_expect(node, V, 1, heads, &depth, error);
    status = status ? status : nn_heads_agree(node, width, key, error);
    if (status)
        return status;
    int64_t queries = q->shape.dim[1], keys = (k ? k : q)->shape.dim[1];
    if (v && v->shape.dim[1] != keys)
        return nn_refuse(node, error, NN_E_SHAPE, "%lld keys in '%s' and %lld values in '%s'",
                         (long long)keys, k->name, (long long)v->shape.dim[1], v->name);
    status = nn_expect_visibility(node, LENGTHS, MASK, queries, keys, error);
    return status ? status : nn_set_activation(node, nn_shape2(queries, heads * depth), error);
}

/* The weights of every head. */
static size_t attention_saved(const nn_node *node, int64_t rows)
{
    nn_heads h = heads_of(node);
    return (size_t)(rows * h.heads * h.queries * h.keys) * sizeof(nn_real);
}

/* Backward: the gradient of one head's weights. */
static size_t attention_scratch(const nn_node *node, int64_t rows)
{
    nn_heads h = heads_of(node);
    (void)rows;
    return (size_t)(h.queries * h.keys) * sizeof(nn_real);
}

static void attention_forward(const nn_ctx *ctx)
{
    nn_heads h = heads_of(ctx->node);
    nn_visibility seen = nn_visibility_of(ctx, LENGTHS, MASK, h.keys, args_of(ctx->node)->causal);
    nn_real *weights = ctx->saved;
    int64_t row = h.heads * h.depth;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t head = 0; head < h.heads; head++, weights += h.queries * h.keys) {
            nn_head_weights(ctx, &h, &seen, e, head, weights);
            nn_head_values(ctx, &h, e, head, nn_touched(&seen, e), weights,
                           ctx->out + e * h.queries * row + head * h.depth);
        }
}

static void attention_backward(const nn_ctx *ctx)
{
    nn_heads h = heads_of(ctx->node);
    nn_visibility seen = nn_visibility_of(ctx, LENGTHS, MASK, h.keys, args_of(ctx->node)->causal);
    const nn_real *weights = ctx->saved;
    nn_real *dx = ctx->scratch, scale = (nn_real)h.scale;
    int64_t row = h.heads * h.depth;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t head = 0; head < h.heads; head++, weights += h.queries * h.keys) {
            const nn_real *dy = ctx->grad_out + e * h.queries * row + head * h.depth;
            int64_t touched = nn_touched(&seen, e);
            nn_head_give_values(ctx, &h, e, head, touched, weights, dy);
            if (!ctx->grad_in[h.q.input] && !ctx->grad_in[h.k.input])
                continue;
            nn_head_weights_gradient(ctx, &h, e, head, touched, dy, 0, dx);
            nn_weigh_backward(h.queries, h.keys, scale, weights, dx);
            nn_head_give_scores(ctx, &h, e, head, touched, dx);
        }
    nn_give_nothing(ctx, MASK);
}

static void attention_reference(const nn_ctx *ctx)
{
    nn_heads h = heads_of(ctx->node);
    nn_visibility seen = nn_visibility_of(ctx, LENGTHS, MASK, h.keys, args_of(ctx->node)->causal);
    int64_t row = h.heads * h.depth;
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t i = 0; i < h.queries * row; i++) {
            int64_t query = i / row, head = i % row / h.depth, place = i % h.depth;
            const nn_real *v = nn_head_in(ctx, h.v, e, head, h.depth);
            double sum = 0;
            for (int64_t j = 0; j < h.keys; j++) {
                double weight = nn_weight_of(ctx, &h, &seen, e, head, query, j);
                if (weight != 0)
                    sum += weight * (double)v[j * h.v.row + place];
            }
            ctx->out[e * h.queries * row + i] = (nn_real)sum;
        }
}

static int64_t attention_multiply_adds(const nn_node *node)
{
    nn_heads h = heads_of(node);
    return h.heads * h.queries * h.keys * (h.width + h.depth);
}

/* The scores have two sides, the values two more; those of packed inputs are of one input. */
static int64_t attention_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    nn_heads h = heads_of(node);
    bool q = wanted >> h.q.input & 1, k = wanted >> h.k.input & 1, v = wanted >> h.v.input & 1;
    return h.heads * h.queries * h.keys * (h.width * (q + k) + h.depth * (v + (q || k)));
}

const nn_op nn_op_attention = {
    .name = "attention",
    .min_inputs = 1,
    .max_inputs = 5,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << Q | 1u << K | 1u << V | 1u << LENGTHS | 1u << MASK,
    .shape = attention_shape,
    .saved = attention_saved,
    .scratch = attention_scratch,
    .forward = attention_forward,
    .backward = attention_backward,
    .reference = attention_reference,
    .multiply_adds = attention_multiply_adds,
    .backward_multiply_adds = attention_backward_multiply_adds,
};

nn_node *nn_attention(nn_graph *graph, nn_node *q, nn_node *k, nn_node *v, nn_node *lengths,
                      nn_node *mask, nn_attention_args args)
{
    nn_heads_args heads = {args.heads ? args.heads : 1, args.causal, !v, args.scale};
    return nn_node_new(graph, &nn_op_attention, (nn_node *[]){q, k, v, lengths, mask}, 5, &heads,
                       sizeof heads);
}
