/* positions: adds row t of a table to row t of each example. The table is a parameter (learned
 * positions) or a buffer (sines and cosines); its first rows are used when it has more. */
#include "engine/attention.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

enum { X, TABLE };

static nn_status positions_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, X, 3, 3, error);
    if (status)
        return status;
    const nn_node *x = node->input[X], *table = node->input[TABLE];
    char text[NN_SHAPE_TEXT];
    int64_t length = x->shape.dim[1], width = x->shape.dim[2];
    if (table->batched || table->dtype != NN_F || table->shape.rank != 2 ||
        table->shape.dim[0] < length || table->shape.dim[1] != width)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "table '%s' is %s; expected a parameter of at least %lld rows of %lld",
                         table->name, nn_shape_text(nn_sample_of(table), text), (long long)length,
                         (long long)width);
    return nn_set_activation(node, nn_sample_of(x), error);
}

NN_KERNEL static void positions_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[X], *table = ctx->in[TABLE];
    nn_real *out = ctx->out;
    int64_t count = nn_shape_row(ctx->node->shape);
    for (int64_t e = 0; e < nn_rows(ctx); e++, x += count, out += count) {
        NN_INDEPENDENT
        for (int64_t i = 0; i < count; i++)
            out[i] = x[i] + table[i];
    }
}

static void positions_backward(const nn_ctx *ctx)
{
    const nn_real *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[X], *dtable = ctx->grad_in[TABLE];
    int64_t count = nn_shape_row(ctx->node->shape);
    if (dx)
        NN_GIVE(dx, ctx->beta[X] != 0, nn_rows(ctx) * count, dy[i]);
    if (!dtable)
        return;
    if (ctx->beta[TABLE] == 0)
        memset(dtable, 0, (size_t)nn_shape_count(ctx->node->input[TABLE]->shape) * sizeof *dtable);
    for (int64_t e = 0; e < nn_rows(ctx); e++, dy += count)
        NN_GIVE(dtable, true, count, dy[i]);
}

static void positions_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[X], *table = ctx->in[TABLE];
    int64_t count = nn_shape_row(ctx->node->shape);
    for (int64_t i = 0; i < nn_elements(ctx, X); i++)
        ctx->out[i] = x[i] + table[i % count];
}

const nn_op nn_op_positions = {
    .name = "positions",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .shape = positions_shape,
    .forward = positions_forward,
    .backward = positions_backward,
    .reference = positions_reference,
};

nn_node *nn_add_positions(nn_graph *graph, nn_node *x, nn_node *table)
{
    return nn_node_new(graph, &nn_op_positions, (nn_node *[]){x, table}, 2, NULL, 0);
}
