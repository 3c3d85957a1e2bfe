/* flatten and reshape: the same numbers seen in another shape. The plan gives the output the
 * input's memory; the kernels below only run where somebody keeps the two apart. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/shapes.h"

#include <string.h>

static void view_forward(const nn_ctx *ctx)
{
    size_t size = ctx->node->dtype == NN_I32 ? sizeof(int32_t) : sizeof(nn_real);
    if ((void *)ctx->out != ctx->in[0])
        memcpy(ctx->out, ctx->in[0], (size_t)nn_elements(ctx, 0) * size);
}

static void view_backward(const nn_ctx *ctx)
{
    const nn_real *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    if (dx != dy)
        NN_GIVE(dx, ctx->beta[0] != 0, nn_elements(ctx, 0), dy[i]);
}

static void view_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        if (ctx->node->dtype == NN_I32)
            ((int32_t *)(void *)ctx->out)[i] = ((const int32_t *)ctx->in[0])[i];
        else
            ctx->out[i] = x[i];
}

/* --- flatten: (n, a, b, ...) to (n, a*b*...) -------------------------------------------------- */

static nn_status flatten_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    return nn_set_activation(node, nn_shape1(nn_shape_row(node->input[0]->shape)), error);
}

const nn_op nn_op_flatten = {
    .name = "flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_VIEW | NN_OP_SETS_GRADIENT,
    .shape = flatten_shape,
    .forward = view_forward,
    .backward = view_backward,
    .reference = view_reference,
};

nn_node *nn_flatten(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_flatten, &x, 1, NULL, 0);
}

/* --- reshape: (n, shape...), one size may be -1 ------------------------------------------------
 */

/* Replaces a -1 by what is left of `count` elements; false where none fits. */
static bool fill_gap(nn_shape *shape, int64_t count)
{
    int gap = -1;
    int64_t product = 1;
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] == -1 && gap < 0) {
            gap = d;
            continue;
        }
        if (shape->dim[d] < 1 || product > count / shape->dim[d])
            return false;
        product *= shape->dim[d];
    }
    if (gap >= 0)
        shape->dim[gap] = count / product;
    return gap >= 0 ? count % product == 0 : product == count;
}

static nn_status reshape_shape(nn_node *node, nn_error *error)
{
    const nn_node *x = node->input[0];
    nn_shape shape, wanted = *(const nn_shape *)(const void *)node->args;
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    shape = wanted;
    if (!x->batched)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' (%s) has no batch dimension; feed it through an input", x->name,
                         nn_shape_text(x->shape, have));
    if (shape.rank < 0 || shape.rank > NN_MAX_AXES)
        return nn_refuse(node, error, NN_E_SHAPE, "%d dimensions an example; expected at most %d",
                         shape.rank, NN_MAX_AXES);
    if (!fill_gap(&shape, nn_shape_row(x->shape)))
        return nn_refuse(node, error, NN_E_SHAPE,
                         "an example of '%s' is %s and cannot become %s; the numbers of elements "
                         "must be equal, and one size at most -1",
                         x->name, nn_shape_text(nn_sample_of(x), have),
                         nn_shape_text(wanted, want));
    nn_status status = nn_set_activation(node, shape, error);
    node->dtype = x->dtype;
    return status;
}

const nn_op nn_op_reshape = {
    .name = "reshape",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_VIEW | NN_OP_SETS_GRADIENT,
    .shape = reshape_shape,
    .forward = view_forward,
    .backward = view_backward,
    .reference = view_reference,
};

nn_node *nn_reshape(nn_graph *graph, nn_node *x, nn_shape sample)
{
    return nn_node_new(graph, &nn_op_reshape, &x, 1, &sample, sizeof sample);
}

/* --- squeeze and unsqueeze are reshapes --------------------------------------------------------
 */

/* A mark for each named axis out of `rank`; false where one is out of range or named twice. */
static bool mark_axes(const int *axes, int count, int rank, bool *marked)
{
    memset(marked, 0, NN_MAX_DIMS * sizeof *marked);
    for (int i = 0; i < count; i++) {
        int axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || marked[axis])
            return false;
        marked[axis] = true;
    }
    return true;
}

nn_node *nn_squeeze(nn_graph *graph, nn_node *x, const int *axes, int count)
{
    bool marked[NN_MAX_DIMS];
    char text[NN_SHAPE_TEXT];
    if (!x)
        return NULL;
    nn_shape old = nn_sample_of(x), shape = {.rank = 0};
    bool fit = mark_axes(axes, count, old.rank, marked);
    for (int d = 0; d < old.rank && fit; d++) {
        bool leave_out = count > 0 ? marked[d] : old.dim[d] == 1;
        if (!leave_out)
            shape.dim[shape.rank++] = old.dim[d];
        fit = !leave_out || old.dim[d] == 1;
    }
    if (!fit)
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "squeeze of '%s' (an example is %s): every axis must be named once, "
                               "exist and have size 1",
                               x->name, nn_shape_text(old, text));
    return nn_reshape(graph, x, shape);
}

nn_node *nn_unsqueeze(nn_graph *graph, nn_node *x, const int *axes, int count)
{
    bool marked[NN_MAX_DIMS];
    char text[NN_SHAPE_TEXT];
    if (!x)
        return NULL;
    nn_shape old = nn_sample_of(x), shape = {.rank = old.rank + count};
    if (shape.rank > NN_MAX_AXES || !mark_axes(axes, count, shape.rank, marked))
        return nn_graph_refuse(
            graph, NN_E_SHAPE,
            "unsqueeze of '%s' (an example is %s): every axis must be named once "
            "and exist in the result, of at most %d dimensions",
            x->name, nn_shape_text(old, text), NN_MAX_AXES);
    for (int d = 0, from = 0; d < shape.rank; d++)
        shape.dim[d] = marked[d] ? 1 : old.dim[from++];
    return nn_reshape(graph, x, shape);
}
