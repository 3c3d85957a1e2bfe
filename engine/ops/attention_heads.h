/* What the operators of attention share: where the heads lie, which keys a query sees, the softmax
 * over them. Private to engine/ops.
 *
 * Layout. A row of queries, keys or values holds its heads side by side, as the dense layer before
 * it writes them and the one after it reads them. A head is then a matrix whose rows lie further
 * apart than they are long, which products take as they take any other; nothing is transposed. */
#ifndef GRADUS_ENGINE_OPS_ATTENTION_HEADS_H
#define GRADUS_ENGINE_OPS_ATTENTION_HEADS_H

#include "engine/op.h"

typedef struct {
    int heads;
    bool causal, packed;
    double scale; /* 0: 1/sqrt(numbers of a key) */
} nn_heads_args;

/* One of queries, keys, values: its part of the rows of an input. */
typedef struct {
    int input;
    int64_t first;   /* number of a row at which head 0 begins */
    int64_t row;     /* from one row to the next */
    int64_t example; /* from one example to the next */
} nn_head_place;

typedef struct {
    int64_t heads, queries, keys;
    int64_t width, depth; /* numbers of a key (and query), of a value, in one head */
    double scale;
    nn_head_place q, k, v;
} nn_heads;

/* Queries and keys from q and k, or with k NULL from the packed q; sets all but the values. */
nn_heads nn_heads_of_pair(const nn_node *node, int q, int k);

nn_status nn_heads_expect_args(const nn_node *node, nn_error *error);
/* Input `input` must be an activation (n,T,parts * heads * numbers); sets *numbers, of one head. */
nn_status nn_heads_expect(const nn_node *node, int input, int parts, int64_t heads,
                          int64_t *numbers, nn_error *error);
/* A head's queries and keys must be of one length. */
nn_status nn_heads_agree(const nn_node *node, int64_t query, int64_t key, nn_error *error);
/* Where part `part` of an input lies whose heads have `numbers` each. */
nn_head_place nn_head_place_of(const nn_node *node, int input, int64_t part, int64_t heads,
                               int64_t numbers);

/* --- which keys are seen ------------------------------------------------------------------- */

/* lengths (n) whole numbers or NULL; mask (n,keys) or (n,queries,keys) of 0 and 1, or NULL. */
nn_status nn_expect_visibility(const nn_node *node, int lengths, int mask, int64_t queries,
                               int64_t keys, nn_error *error);

typedef struct {
    const int32_t *length; /* NULL: every key */
    const nn_real *mask;   /* NULL: every key */
    int64_t keys, mask_row, mask_example;
    bool causal;
} nn_visibility;

nn_visibility nn_visibility_of(const nn_ctx *ctx, int lengths, int mask, int64_t keys, bool causal);

/* Keys of an example before its padding; -1 for a length that cannot be. */
static inline int64_t nn_reach(const nn_visibility *v, int64_t example)
{
    int64_t length = v->length ? v->length[example] : v->keys;
    return length >= 0 && length <= v->keys ? length : -1;
}

/* The mask of one query's keys, or NULL. */
static inline const nn_real *nn_mask_row(const nn_visibility *v, int64_t example, int64_t query)
{
    return v->mask ? v->mask + example * v->mask_example + query * v->mask_row : NULL;
}

/* Keys before which a query must stop, without looking at the mask. */
static inline int64_t nn_limit(const nn_visibility *v, int64_t reach, int64_t query)
{
    return v->causal && query + 1 < reach ? query + 1 : reach;
}

/* Whether a query sees a key; false for a length that cannot be. */
bool nn_sees(const nn_visibility *v, int64_t example, int64_t query, int64_t key);

/* A gradient that is zero: of what only says which keys are seen. */
void nn_give_nothing(const nn_ctx *ctx, int input);

/* Keys that products must touch: those before the padding, and all of them for a length that cannot
 * be, whose weights are NaN. */
static inline int64_t nn_touched(const nn_visibility *v, int64_t example)
{
    int64_t reach = nn_reach(v, example);
    return reach < 0 ? v->keys : reach;
}

/* --- one head of one example --------------------------------------------------------------- */

static inline const nn_real *nn_head_in(const nn_ctx *ctx, nn_head_place p, int64_t example,
                                        int64_t head, int64_t numbers)
{
    return (const nn_real *)ctx->in[p.input] + example * p.example + p.first + head * numbers;
}

/* Its weights, queries x keys. */
void nn_head_weights(const nn_ctx *ctx, const nn_heads *h, const nn_visibility *seen,
                     int64_t example, int64_t head, nn_real *weights);
/* out = weights V over the first `touched` keys; rows of out hold all heads. */
void nn_head_values(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                    int64_t touched, const nn_real *weights, nn_real *out);
/* dx, queries x keys, is the gradient of Q K' without scale: gives dQ = dx K and dK = dx' Q to
 * those who want them. Keys that were not touched get zeros. */
void nn_head_give_scores(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                         int64_t touched, const nn_real *dx);
/* dy: gradient of the head's output. Gives dV = weights' dy where it is wanted. */
void nn_head_give_values(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                         int64_t touched, const nn_real *weights, const nn_real *dy);
/* Gradient of a head's weights: dy V'. */
void nn_head_weights_gradient(const nn_ctx *ctx, const nn_heads *h, int64_t example, int64_t head,
                              int64_t touched, const nn_real *dy, nn_real keep, nn_real *dw);
/* Zeros into a block of `rows` rows, `row` numbers apart. */
void nn_clear_block(nn_real *block, int64_t row, int64_t rows, int64_t numbers);
/* One weight from the inputs alone, in double, for references. */
double nn_weight_of(const nn_ctx *ctx, const nn_heads *h, const nn_visibility *seen,
                    int64_t example, int64_t head, int64_t query, int64_t key);

/* --- rows of weights ----------------------------------------------------------------------- */

/* `rows` queries of one example, from query `first` on: scores in, weights out, in place, `keys` to
 * a row. What a query does not see gets 0; a query that sees nothing, a row of zeros. */
void nn_weigh_rows(const nn_visibility *v, int64_t example, int64_t reach, int64_t first,
                   int64_t rows, nn_real *scores);

/* Backward through weights = softmax(scale x): with dw the gradient of the weights,
 * dx = scale w (dw - sum(w dw)), written over dw. Where w is 0, dx is 0 whatever dw holds. */
void nn_weigh_backward(int64_t rows, int64_t keys, nn_real scale, const nn_real *weights,
                       nn_real *gradient);

#endif
