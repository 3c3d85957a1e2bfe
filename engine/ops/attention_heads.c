#include "engine/ops/attention_heads.h"

#include "engine/blas.h"
#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>
#include <string.h>

/* --- layout -------------------------------------------------------------------------------- */

nn_status nn_heads_expect_args(const nn_node *node, nn_error *error)
{
    const nn_heads_args *args = (const void *)node->args;
    if (args->heads < 1)
        return nn_refuse(node, error, NN_E_ARG, "%d heads; expected at least 1", args->heads);
    if (!isfinite(args->scale))
        return nn_refuse(node, error, NN_E_ARG,
                         "scale %g; expected a number, or 0 for 1/sqrt(numbers of a key)",
                         args->scale);
    return NN_OK;
}

nn_status nn_heads_expect(const nn_node *node, int input, int parts, int64_t heads,
                          int64_t *numbers, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    nn_status status = nn_expect_activation(node, input, 3, 3, error);
    if (status)
        return status;
    const nn_node *x = node->input[input];
    *numbers = x->shape.dim[2] / (parts * heads);
    if (x->shape.dim[2] % (parts * heads) == 0)
        return NN_OK;
    return nn_refuse(node, error, NN_E_SHAPE,
                     "'%s' is %s: rows of %lld numbers do not hold %s%lld heads", x->name,
                     nn_shape_text(nn_sample_of(x), text), (long long)x->shape.dim[2],
                     parts == 3   ? "queries, keys and values of "
                     : parts == 2 ? "keys and values of "
                                  : "",
                     (long long)heads);
}

nn_status nn_heads_agree(const nn_node *node, int64_t query, int64_t key, nn_error *error)
{
    return query == key ? NN_OK
                        : nn_refuse(node, error, NN_E_SHAPE,
                                    "a head's query has %lld numbers, its key %lld; they must "
                                    "agree",
                                    (long long)query, (long long)key);
}

nn_head_place nn_head_place_of(const nn_node *node, int input, int64_t part, int64_t heads,
                               int64_t numbers)
{
    nn_shape shape = node->input[input]->shape;
    return (nn_head_place){input, part * heads * numbers, shape.dim[2], nn_shape_row(shape)};
}

nn_heads nn_heads_of_pair(const nn_node *node, int q, int k)
{
    const nn_heads_args *args = (const void *)node->args;
    int from = node->input[k] ? k : q;
    nn_shape query = node->input[q]->shape;
    nn_heads h = {.heads = args->heads,
                  .queries = query.dim[1],
                  .keys = node->input[from]->shape.dim[1],
                  .width = query.dim[2] / args->heads / (from == q ? 3 : 1)};
    h.depth = h.width;
    h.scale = args->scale == 0 ? 1 / sqrt((double)h.width) : args->scale;
    h.q = nn_head_place_of(node, q, 0, h.heads, h.width);
    h.k = nn_head_place_of(node, from, from == q ? 1 : 0, h.heads, h.width);
    return h;
}

/* --- visibility ---------------------------------------------------------------------------- */

nn_status nn_expect_visibility(const nn_node *node, int lengths, int mask, int64_t queries,
                               int64_t keys, nn_error *error)
{
    const nn_node *l = node->input[lengths], *m = node->input[mask];
    char text[NN_SHAPE_TEXT];
    if (l && (!l->batched || l->dtype != NN_I32 || nn_shape_row(l->shape) != 1))
        return nn_refuse(node, error, NN_E_SHAPE,
                         "lengths '%s' (%s): expected one whole number an example", l->name,
                         nn_shape_text(nn_sample_of(l), text));
    if (!m)
        return NN_OK;
    nn_shape sample = nn_sample_of(m);
    bool fits =
        nn_shape_equal(sample, nn_shape1(keys)) || nn_shape_equal(sample, nn_shape2(queries, keys));
    if (!m->batched || m->dtype != NN_F || !fits)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "mask '%s' is %s; an example needs %lld numbers, 0 or 1, or %lldx%lld",
                         m->name, nn_shape_text(sample, text), (long long)keys, (long long)queries,
                         (long long)keys);
    return NN_OK;
}

nn_visibility nn_visibility_of(const nn_ctx *ctx, int lengths, int mask, int64_t keys, bool causal)
{
    const nn_node *node = ctx->node->input[mask];
    nn_visibility v = {ctx->in[lengths], ctx->in[mask], keys, 0, 0, causal};
    if (node) {
        v.mask_example = nn_shape_row(node->shape);
        v.mask_row = node->shape.rank > 2 ? keys : 0;
    }
    return v;
}

bool nn_sees(const nn_visibility *v, int64_t example, int64_t query, int64_t key)
{
    const nn_real *mask = nn_mask_row(v, example, query);
    return key < nn_limit(v, nn_reach(v, example), query) && (!mask || mask[key] != 0);
}

void nn_give_nothing(const nn_ctx *ctx, int input)
{
    if (ctx->grad_in[input] && ctx->beta[input] == 0)
        memset(ctx->grad_in[input], 0, (size_t)nn_elements(ctx, input) * sizeof(nn_real));
}

/* --- softmax ------------------------------------------------------------------------------- */

enum { LANES = 16 };

static bool sees_any(const nn_real *mask, int64_t limit)
{
    for (int64_t j = 0; j < limit; j++)
        if (!mask || mask[j] != 0)
            return true;
    return false;
}

/* Largest of count numbers, NaN left out; -infinity for none. */
static inline nn_real largest_of(const nn_real *x, int64_t count)
{
    nn_real lane[LANES];
    int64_t j = 0;
    for (int l = 0; l < LANES; l++)
        lane[l] = -NN_INFINITE;
    for (; j + LANES <= count; j += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
    for (; j < count; j++)
        lane[0] = x[j] > lane[0] ? x[j] : lane[0];
    for (int l = 1; l < LANES; l++)
        lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}

/* x = exp(x - most); the sum of them. */
static inline nn_real exponentials(nn_real *x, int64_t count, nn_real most)
{
    nn_real lane[LANES] = {0};
    int64_t j = 0;
    for (; j + LANES <= count; j += LANES)
        for (int l = 0; l < LANES; l++) {
            x[j + l] = nn_exp(x[j + l] - most);
            lane[l] += x[j + l];
        }
    for (; j < count; j++) {
        x[j] = nn_exp(x[j] - most);
        lane[j % LANES] += x[j];
    }
    for (int l = 1; l < LANES; l++)
        lane[0] += lane[l];
    return lane[0];
}

NN_KERNEL static void weigh_row(nn_real *x, int64_t keys, int64_t limit, const nn_real *mask)
{
    /* Whole vectors: what lies behind the limit counts as masked. */
    int64_t whole = (limit + LANES - 1) / LANES * LANES, end = whole < keys ? whole : keys;
    for (int64_t j = limit; j < end; j++)
        x[j] = -NN_INFINITE;
    if (mask) {
        NN_INDEPENDENT
        for (int64_t j = 0; j < limit; j++)
            x[j] = mask[j] != 0 ? x[j] : -NN_INFINITE;
    }
    nn_real most = largest_of(x, end);
    if (most == -NN_INFINITE && !sees_any(mask, limit)) {
        memset(x, 0, (size_t)keys * sizeof *x);
        return;
    }
    nn_real share = 1 / exponentials(x, end, most);
    if (mask) {
        NN_INDEPENDENT
        for (int64_t j = 0; j < limit; j++)
            x[j] = mask[j] != 0 ? x[j] * share : 0;
    } else {
        NN_INDEPENDENT
        for (int64_t j = 0; j < limit; j++)
            x[j] *= share;
    }
    memset(x + limit, 0, (size_t)(keys - limit) * sizeof *x);
}

void nn_weigh_rows(const nn_visibility *v, int64_t example, int64_t reach, int64_t first,
                   int64_t rows, nn_real *scores)
{
    for (int64_t i = 0; i < rows; i++)
        weigh_row(scores + i * v->keys, v->keys, nn_limit(v, reach, first + i),
                  nn_mask_row(v, example, first + i));
}

NN_KERNEL void nn_weigh_backward(int64_t rows, int64_t keys, nn_real scale, const nn_real *weights,
                                 nn_real *gradient)
{
    for (int64_t i = 0; i < rows; i++, weights += keys, gradient += keys) {
        nn_real lane[LANES] = {0};
        int64_t j = 0;
        /* In a loop of its own: gcc 12 makes wrong code of sums with a condition inside. */
        NN_INDEPENDENT
        for (int64_t k = 0; k < keys; k++)
            gradient[k] = weights[k] == 0 ? 0 : gradient[k];
        for (; j + LANES <= keys; j += LANES)
            for (int l = 0; l < LANES; l++)
                lane[l] += weights[j + l] * gradient[j + l];
        for (; j < keys; j++)
            lane[j % LANES] += weights[j] * gradient[j];
        for (int l = 1; l < LANES; l++)
            lane[0] += lane[l];
        nn_real sum = lane[0];
        NN_INDEPENDENT
        for (int64_t k = 0; k < keys; k++)
            gradient[k] = scale * weights[k] * (gradient[k] - sum);
    }
}

/* --- one head ------------------------------------------------------------------------------ */

/* NULL where no gradient is wanted. */
static nn_real *give_at(const nn_ctx *ctx, nn_head_place p, int64_t example, int64_t head,
                        int64_t numbers)
{
    nn_real *gradient = ctx->grad_in[p.input];
    return gradient ? gradient + example * p.example + p.first + head * numbers : NULL;
}

void nn_head_weights(const nn_ctx *ctx, const nn_heads *h, const nn_visibility *seen,
                     int64_t example, int64_t head, nn_real *weights)
{
    int64_t reach = nn_reach(seen, example);
    if (reach < 0) {
        for (int64_t i = 0; i < h->queries * h->keys; i++)
            weights[i] = NN_INFINITE - NN_INFINITE;
        return;
    }
    nn_gemm(false, true, h->queries, reach, h->width, (nn_real)h->scale,
            nn_head_in(ctx, h->q, example, head, h->width), h->q.row,
            nn_head_in(ctx, h->k, example, head, h->width), h->k.row, 0, weights, h->keys);
    nn_weigh_rows(seen, example, reach, 0, h->queries, weights);
}

void nn_head_values(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                    int64_t touched, const nn_real *weights, nn_real *out)
{
    nn_gemm(false, false, h->queries, h->depth, touched, 1, weights, h->keys,
            nn_head_in(ctx, h->v, example, head, h->depth), h->v.row, 0, out, h->heads * h->depth);
}

void nn_clear_block(nn_real *block, int64_t row, int64_t rows, int64_t numbers)
{
    for (int64_t r = 0; r < rows; r++)
        memset(block + r * row, 0, (size_t)numbers * sizeof *block);
}

void nn_head_give_scores(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                         int64_t touched, const nn_real *dx)
{
    nn_real *dq = give_at(ctx, h->q, example, head, h->width);
    nn_real *dk = give_at(ctx, h->k, example, head, h->width);
    nn_real keep = ctx->beta[h->k.input];
    if (dq)
        nn_gemm(false, false, h->queries, h->width, touched, 1, dx, h->keys,
                nn_head_in(ctx, h->k, example, head, h->width), h->k.row, ctx->beta[h->q.input], dq,
                h->q.row);
    if (dk)
        nn_gemm(true, false, touched, h->width, h->queries, 1, dx, h->keys,
                nn_head_in(ctx, h->q, example, head, h->width), h->q.row, keep, dk, h->k.row);
    if (dk && keep == 0)
        nn_clear_block(dk + touched * h->k.row, h->k.row, h->keys - touched, h->width);
}

void nn_head_give_values(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                         int64_t touched, const nn_real *weights, const nn_real *dy)
{
    nn_real *dv = give_at(ctx, h->v, example, head, h->depth), keep = ctx->beta[h->v.input];
    if (!dv)
        return;
    nn_gemm(true, false, touched, h->depth, h->queries, 1, weights, h->keys, dy,
            h->heads * h->depth, keep, dv, h->v.row);
    if (keep == 0)
        nn_clear_block(dv + touched * h->v.row, h->v.row, h->keys - touched, h->depth);
}

void nn_head_weights_gradient(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                              int64_t touched, const nn_real *dy, nn_real keep, nn_real *dw)
{
    nn_gemm(false, true, h->queries, touched, h->depth, 1, dy, h->heads * h->depth,
            nn_head_in(ctx, h->v, example, head, h->depth), h->v.row, keep, dw, h->keys);
    if (keep == 0)
        nn_clear_block(dw + touched, h->keys, h->queries, h->keys - touched);
}

/* --- references ---------------------------------------------------------------------------- */

static double score_of(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                       int64_t query, int64_t key)
{
    const nn_real *q = nn_head_in(ctx, h->q, example, head, h->width) + query * h->q.row;
    const nn_real *k = nn_head_in(ctx, h->k, example, head, h->width) + key * h->k.row;
    double sum = 0;
    for (int64_t c = 0; c < h->width; c++)
        sum += (double)q[c] * (double)k[c];
    return sum * h->scale;
}

double nn_weight_of(const nn_ctx *ctx, const nn_heads *h, const nn_visibility *seen,
                    int64_t example, int64_t head, int64_t query, int64_t key)
{
    if (nn_reach(seen, example) < 0)
        return NAN;
    if (!nn_sees(seen, example, query, key))
        return 0;
    double own = score_of(ctx, h, example, head, query, key), sum = 0;
    for (int64_t j = 0; j < h->keys; j++)
        if (nn_sees(seen, example, query, j))
            sum += exp(score_of(ctx, h, example, head, query, j) - own);
    return 1 / sum;
}
