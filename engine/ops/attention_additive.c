/* additive_score (Bahdanau, Cho, Bengio 2015): score = sum over c of v[c] tanh(query[c] + key[c]),
 * for every pair of a query and a key of an example. Query and key come projected. Backward draws
 * the tanh again: the (queries,keys,units) numbers between are never stored.
 *
 * masked_softmax: softmax along the last axis over the places an example has: before its length,
 * where its mask is not 0, and with `causal` not behind the row's own number. The others get 0, and
 * so does a row without any; their gradients are exactly 0. */
#include "engine/attention.h"
#include "engine/mathf.h"
#include "engine/ops/attention_heads.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>
#include <string.h>

enum { QUERY, KEYS, SCORE };

typedef struct {
    int64_t queries, keys, units;
} score_sizes;

static score_sizes score_sizes_of(const nn_node *node)
{
    nn_shape query = node->input[QUERY]->shape, keys = node->input[KEYS]->shape;
    return (score_sizes){query.rank == 3 ? query.dim[1] : 1, keys.dim[1], keys.dim[2]};
}

static nn_status score_shape(nn_node *node, nn_error *error)
{
    const nn_node *query = node->input[QUERY], *keys = node->input[KEYS];
    nn_status status = nn_expect_activation(node, QUERY, 2, 3, error);
    status = status ? status : nn_expect_activation(node, KEYS, 3, 3, error);
    if (status)
        return status;
    int64_t units = keys->shape.dim[2], own = query->shape.dim[query->shape.rank - 1];
    if (own != units)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' has rows of %lld numbers, '%s' of %lld; project them to one length",
                         query->name, (long long)own, keys->name, (long long)units);
    status = nn_expect_parameter(node, SCORE, "score weights", nn_shape1(units), error);
    if (status)
        return status;
    nn_shape out = query->shape.rank == 3 ? nn_shape2(query->shape.dim[1], keys->shape.dim[1])
                                          : nn_shape1(keys->shape.dim[1]);
    return nn_set_activation(node, out, error);
}

enum { LANES = 16 };

/* tanh(query + key) into t. */
static inline void squash(const nn_real *query, const nn_real *key, int64_t units, nn_real *t)
{
    NN_INDEPENDENT
    for (int64_t c = 0; c < units; c++)
        t[c] = nn_tanh_of(query[c] + key[c]);
}

static inline nn_real dot(const nn_real *a, const nn_real *b, int64_t count)
{
    nn_real lane[LANES] = {0};
    int64_t c = 0;
    for (; c + LANES <= count; c += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += a[c + l] * b[c + l];
    for (; c < count; c++)
        lane[c % LANES] += a[c] * b[c];
    for (int l = 1; l < LANES; l++)
        lane[0] += lane[l];
    return lane[0];
}

static size_t score_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)score_sizes_of(node).units * sizeof(nn_real);
}

NN_KERNEL static void score_forward(const nn_ctx *ctx)
{
    score_sizes s = score_sizes_of(ctx->node);
    const nn_real *query = ctx->in[QUERY], *key = ctx->in[KEYS], *v = ctx->in[SCORE];
    nn_real *out = ctx->out, *t = ctx->scratch;
    for (int64_t e = 0; e < nn_rows(ctx); e++, key += s.keys * s.units)
        for (int64_t i = 0; i < s.queries; i++, query += s.units)
            for (int64_t j = 0; j < s.keys; j++) {
                squash(query, key + j * s.units, s.units, t);
                *out++ = dot(v, t, s.units);
            }
}

/* With dy the gradient of a score: dv = dy t; dquery = dkey = dy v (1 - t^2). */
NN_KERNEL static void score_backward(const nn_ctx *ctx)
{
    score_sizes s = score_sizes_of(ctx->node);
    const nn_real *query = ctx->in[QUERY], *key = ctx->in[KEYS], *v = ctx->in[SCORE];
    const nn_real *dy = ctx->grad_out;
    nn_real *dquery = ctx->grad_in[QUERY], *dkey = ctx->grad_in[KEYS], *dv = ctx->grad_in[SCORE];
    nn_real *t = ctx->scratch;
    for (int input = QUERY; input <= SCORE; input++)
        if (ctx->grad_in[input] && ctx->beta[input] == 0)
            memset(ctx->grad_in[input], 0,
                   (size_t)(input == SCORE ? s.units : nn_elements(ctx, input)) * sizeof *t);
    for (int64_t pair = 0; pair < nn_rows(ctx) * s.queries * s.keys; pair++) {
        int64_t row = pair / s.keys, column = row / s.queries * s.keys + pair % s.keys;
        nn_real slope = dy[pair];
        squash(query + row * s.units, key + column * s.units, s.units, t);
        if (dv)
            NN_GIVE(dv, true, s.units, slope * t[i]);
        if (dquery)
            NN_GIVE(dquery + row * s.units, true, s.units, slope * v[i] * (1 - t[i] * t[i]));
        if (dkey)
            NN_GIVE(dkey + column * s.units, true, s.units, slope * v[i] * (1 - t[i] * t[i]));
    }
}

static void score_reference(const nn_ctx *ctx)
{
    score_sizes s = score_sizes_of(ctx->node);
    const nn_real *query = ctx->in[QUERY], *key = ctx->in[KEYS], *v = ctx->in[SCORE];
    for (int64_t pair = 0; pair < nn_rows(ctx) * s.queries * s.keys; pair++) {
        int64_t row = pair / s.keys, column = row / s.queries * s.keys + pair % s.keys;
        double sum = 0;
        for (int64_t c = 0; c < s.units; c++)
            sum += (double)v[c] *
                   tanh((double)query[row * s.units + c] + (double)key[column * s.units + c]);
        ctx->out[pair] = (nn_real)sum;
    }
}

static int64_t score_multiply_adds(const nn_node *node)
{
    score_sizes s = score_sizes_of(node);
    return s.queries * s.keys * s.units;
}

/* Queries and keys are added before the one product. */
static int64_t score_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    bool sum = wanted & (1u << QUERY | 1u << KEYS), score = wanted >> SCORE & 1;
    return score_multiply_adds(node) * (sum + score);
}

const nn_op nn_op_additive_score = {
    .name = "additive_score",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << QUERY | 1u << KEYS | 1u << SCORE,
    .shape = score_shape,
    .scratch = score_scratch,
    .forward = score_forward,
    .backward = score_backward,
    .reference = score_reference,
    .multiply_adds = score_multiply_adds,
    .backward_multiply_adds = score_backward_multiply_adds,
};

nn_node *nn_additive_score(nn_graph *graph, nn_node *query, nn_node *keys, nn_node *v)
{
    return nn_node_new(graph, &nn_op_additive_score, (nn_node *[]){query, keys, v}, 3, NULL, 0);
}

/* --- masked_softmax ------------------------------------------------------------------------ */

enum { X, LENGTHS, MASK };

typedef struct {
    bool causal;
} softmax_args;

/* Rows of an example; in causal ones, row i of each matrix is query i. */
typedef struct {
    int64_t rows, queries, keys;
} softmax_sizes;

static softmax_sizes softmax_sizes_of(const nn_node *node)
{
    nn_shape sample = nn_sample_of(node->input[X]);
    int64_t keys = sample.dim[sample.rank - 1];
    return (softmax_sizes){nn_shape_count(sample) / keys,
                           sample.rank > 1 ? sample.dim[sample.rank - 2] : 1, keys};
}

static nn_status softmax_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, X, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    softmax_sizes s = softmax_sizes_of(node);
    status = nn_expect_visibility(node, LENGTHS, MASK, s.queries, s.keys, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[X]), error);
}

static nn_visibility softmax_visibility(const nn_ctx *ctx, softmax_sizes s)
{
    bool causal = ((const softmax_args *)(const void *)ctx->node->args)->causal;
    return nn_visibility_of(ctx, LENGTHS, MASK, s.keys, causal);
}

static void softmax_forward(const nn_ctx *ctx)
{
    softmax_sizes s = softmax_sizes_of(ctx->node);
    nn_visibility seen = softmax_visibility(ctx, s);
    nn_real *out = ctx->out;
    if (out != ctx->in[X] && nn_rows(ctx) > 0)
        memcpy(out, ctx->in[X], (size_t)nn_elements(ctx, X) * sizeof *out);
    for (int64_t e = 0; e < nn_rows(ctx); e++) {
        int64_t reach = nn_reach(&seen, e);
        for (int64_t first = 0; first < s.rows; first += s.queries, out += s.queries * s.keys)
            if (reach >= 0)
                nn_weigh_rows(&seen, e, reach, 0, s.queries, out);
            else
                for (int64_t i = 0; i < s.queries * s.keys; i++)
                    out[i] = NN_INFINITE - NN_INFINITE;
    }
}

/* One row of the gradient, where it must be added to another. */
static size_t softmax_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)softmax_sizes_of(node).keys * sizeof(nn_real);
}

static void softmax_backward(const nn_ctx *ctx)
{
    softmax_sizes s = softmax_sizes_of(ctx->node);
    const nn_real *dy = ctx->grad_out, *out = ctx->out;
    nn_real *dx = ctx->grad_in[X], *row = ctx->scratch;
    size_t bytes = (size_t)s.keys * sizeof *row;
    for (int64_t r = 0; dx && r < nn_rows(ctx) * s.rows; r++, dy += s.keys, out += s.keys) {
        memcpy(row, dy, bytes);
        nn_weigh_backward(1, s.keys, 1, out, row);
        NN_GIVE(dx + r * s.keys, ctx->beta[X] != 0, s.keys, row[i]);
    }
    nn_give_nothing(ctx, MASK);
}

static void softmax_reference(const nn_ctx *ctx)
{
    softmax_sizes s = softmax_sizes_of(ctx->node);
    nn_visibility seen = softmax_visibility(ctx, s);
    const nn_real *x = ctx->in[X];
    for (int64_t i = 0; i < nn_elements(ctx, X); i++) {
        int64_t e = i / s.keys / s.rows, query = i / s.keys % s.queries, row = i - i % s.keys;
        double sum = 0;
        for (int64_t j = 0; j < s.keys; j++)
            if (nn_sees(&seen, e, query, j))
                sum += exp((double)x[row + j] - (double)x[i]);
        ctx->out[i] = nn_reach(&seen, e) < 0                 ? NN_INFINITE - NN_INFINITE
                      : nn_sees(&seen, e, query, i % s.keys) ? (nn_real)(1 / sum)
                                                             : 0;
    }
}

const nn_op nn_op_masked_softmax = {
    .name = "masked_softmax",
    .min_inputs = 1,
    .max_inputs = 3,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = softmax_shape,
    .scratch = softmax_scratch,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .reference = softmax_reference,
};

nn_node *nn_masked_softmax(nn_graph *graph, nn_node *x, nn_node *lengths, nn_node *mask,
                           bool causal)
{
    softmax_args args = {causal};
    return nn_node_new(graph, &nn_op_masked_softmax, (nn_node *[]){x, lengths, mask}, 3, &args,
                       sizeof args);
}
