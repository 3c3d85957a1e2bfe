/* where: a where the condition is not 0, else b. All three broadcast. */
#include "engine/elementwise.h"

#include "engine/ops/pointwise.h"

static nn_status where_shape(nn_node *node, nn_error *error)
{
    return nn_broadcast_shape(node, 1, error);
}

/* The run of the innermost loop: which of its elements take a. */
typedef struct {
    const int32_t *whole; /* one of the two is NULL */
    const nn_real *real;
    int64_t step;
} choice;

static choice choice_at(const nn_ctx *ctx, const nn_walk *walk, const nn_walker *w)
{
    choice c = {.step = nn_walk_step(walk, 1)};
    if (ctx->node->input[0]->dtype == NN_I32)
        c.whole = (const int32_t *)ctx->in[0] + w->at[1];
    else
        c.real = (const nn_real *)ctx->in[0] + w->at[1];
    return c;
}

NN_INLINE bool takes_a(const choice *c, int64_t i)
{
    return c->whole ? c->whole[i * c->step] != 0 : c->real[i * c->step] != 0;
}

NN_KERNEL static void where_forward(const nn_ctx *ctx)
{
    nn_walk walk;
    nn_walker w;
    nn_walk_broadcast(&walk, ctx);
    int64_t step_a = nn_walk_step(&walk, 2), step_b = nn_walk_step(&walk, 3);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        choice c = choice_at(ctx, &walk, &w);
        const nn_real *a = (const nn_real *)ctx->in[1] + w.at[2];
        const nn_real *b = (const nn_real *)ctx->in[2] + w.at[3];
        nn_real *out = ctx->out + w.at[0];
        for (int64_t i = 0; i < nn_walk_run(&walk); i++)
            out[i] = takes_a(&c, i) ? a[i * step_a] : b[i * step_b];
    }
}

/* To a (side 1) go the gradients of the elements that took it, to b (side 2) the others. */
static void side_backward(const nn_ctx *ctx, int side)
{
    nn_walk walk;
    nn_walker w;
    if (!ctx->grad_in[side])
        return;
    nn_walk_broadcast(&walk, ctx);
    nn_begin_gradient(ctx, side);
    int64_t step = nn_walk_step(&walk, 1 + side);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        choice c = choice_at(ctx, &walk, &w);
        const nn_real *dy = ctx->grad_out + w.at[0];
        nn_real *dx = ctx->grad_in[side] + w.at[1 + side];
        for (int64_t i = 0; i < nn_walk_run(&walk); i++)
            dx[i * step] += takes_a(&c, i) == (side == 1) ? dy[i] : 0;
    }
}

static void where_backward(const nn_ctx *ctx)
{
    nn_begin_gradient(ctx, 0); /* the condition has none */
    side_backward(ctx, 1);
    side_backward(ctx, 2);
}

static void where_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        int64_t at = nn_broadcast_index(ctx, 0, i);
        bool first = ctx->node->input[0]->dtype == NN_I32 ? ((const int32_t *)ctx->in[0])[at] != 0
                                                          : ((const nn_real *)ctx->in[0])[at] != 0;
        ctx->out[i] = (nn_real)nn_broadcast_at(ctx, first ? 1 : 2, i);
    }
}

const nn_op nn_op_where = {
    .name = "where",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1,
    .shape = where_shape,
    .forward = where_forward,
    .backward = where_backward,
    .reference = where_reference,
};

nn_node *nn_where(nn_graph *graph, nn_node *condition, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_where, (nn_node *[]){condition, a, b}, 3, NULL, 0);
}
