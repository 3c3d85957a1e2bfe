/* gather and one_hot: numbers picked by whole ones, and whole ones spread out. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/ops/walk.h"
#include "engine/shapes.h"

#include <math.h>
#include <string.h>

/* Indices: whole numbers with the batch in front. */
static nn_status expect_indices(const nn_node *node, int i, nn_error *error)
{
    const nn_node *x = node->input[i];
    char text[NN_SHAPE_TEXT];
    if (x->batched && x->dtype == NN_I32)
        return NN_OK;
    return nn_refuse(node, error, NN_E_SHAPE,
                     "indices '%s' (%s) must be whole numbers with the batch in front", x->name,
                     nn_shape_text(x->shape, text));
}

/* --- gather: along one axis, the entries that the indices name ---------------------------------
 */

static int axis_of(const nn_node *node)
{
    int axis;
    memcpy(&axis, node->args, sizeof axis);
    return axis;
}

static nn_status gather_shape(nn_node *node, nn_error *error)
{
    const nn_node *data = node->input[0];
    int axis = axis_of(node);
    char text[NN_SHAPE_TEXT];
    nn_status status = expect_indices(node, 1, error);
    if (status)
        return status;
    if (!data->param && (status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error)))
        return status;
    nn_shape from = nn_sample_of(data), indices = nn_sample_of(node->input[1]), to = {.rank = 0};
    if (axis < 0 || axis >= from.rank)
        return nn_refuse(node, error, NN_E_ARG, "axis %d: '%s' is %s%s", axis, data->name,
                         nn_shape_text(from, text), data->batched ? " an example" : "");
    if (from.rank - 1 + indices.rank > NN_MAX_AXES)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%d dimensions an example would come out; at most %d are possible",
                         from.rank - 1 + indices.rank, NN_MAX_AXES);
    for (int d = 0; d < axis; d++)
        to.dim[to.rank++] = from.dim[d];
    for (int d = 0; d < indices.rank; d++)
        to.dim[to.rank++] = indices.dim[d];
    for (int d = axis + 1; d < from.rank; d++)
        to.dim[to.rank++] = from.dim[d];
    return nn_set_activation(node, to, error);
}

/* The axis of `length` entries stands between `outer` things and `inner` ones; `picked` indices an
 * example. `row` is the data's step from one example to the next, 0 for a parameter. */
typedef struct {
    int64_t outer, length, inner, picked, row;
} extent;

static extent extent_of(const nn_ctx *ctx)
{
    const nn_node *data = ctx->node->input[0];
    nn_shape shape = nn_sample_of(data);
    int axis = axis_of(ctx->node);
    extent e = {1, shape.dim[axis], 1, nn_shape_row(ctx->node->input[1]->shape), 0};
    for (int d = 0; d < shape.rank; d++) {
        e.outer *= d < axis ? shape.dim[d] : 1;
        e.inner *= d > axis ? shape.dim[d] : 1;
    }
    e.row = data->batched ? nn_shape_count(shape) : 0;
    return e;
}

/* Where entry `index` lies among `length`; -1 where it does not. */
static int64_t entry(int32_t index, int64_t length)
{
    int64_t at = index < 0 ? index + length : index;
    return at >= 0 && at < length ? at : -1;
}

static void gather_forward(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    nn_real *out = ctx->out;
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        const int32_t *index = (const int32_t *)ctx->in[1] + r * e.picked;
        for (int64_t o = 0; o < e.outer; o++) {
            const nn_real *data = (const nn_real *)ctx->in[0] + r * e.row + o * e.length * e.inner;
            for (int64_t k = 0; k < e.picked; k++, out += e.inner) {
                int64_t at = entry(index[k], e.length);
                if (at >= 0)
                    memcpy(out, data + at * e.inner, (size_t)e.inner * sizeof *out);
                for (int64_t i = 0; at < 0 && i < e.inner; i++)
                    out[i] = (nn_real)NAN;
            }
        }
    }
}

NN_KERNEL static void add_to(nn_real *to, const nn_real *from, int64_t count)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

static void gather_backward(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    const nn_real *dy = ctx->grad_out;
    if (!ctx->grad_in[0])
        return;
    nn_begin_gradient(ctx, 0);
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        const int32_t *index = (const int32_t *)ctx->in[1] + r * e.picked;
        for (int64_t o = 0; o < e.outer; o++) {
            nn_real *dx = ctx->grad_in[0] + r * e.row + o * e.length * e.inner;
            for (int64_t k = 0; k < e.picked; k++, dy += e.inner) {
                int64_t at = entry(index[k], e.length);
                if (at >= 0)
                    add_to(dx + at * e.inner, dy, e.inner);
            }
        }
    }
}

static unsigned gather_row_inputs(const nn_node *node)
{
    return node->input[0]->param && axis_of(node) == 0 ? 1 : 0;
}

static void gather_touch(const nn_ctx *ctx, int input, nn_row_set *set)
{
    const int32_t *index = ctx->in[1];
    (void)input;
    for (int64_t i = 0; i < nn_elements(ctx, 1); i++) {
        int64_t at = entry(index[i], set->rows);
        if (at >= 0)
            nn_touch(set, at);
    }
}

/* Element by element. */
static void gather_reference(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    int64_t row = nn_shape_row(ctx->node->shape);
    for (int64_t i = 0; i < nn_rows(ctx) * row; i++) {
        int64_t r = i / row, o = i % row / (e.picked * e.inner);
        int64_t k = i / e.inner % e.picked;
        int64_t index = ((const int32_t *)ctx->in[1])[r * e.picked + k];
        index += index < 0 ? e.length : 0;
        bool good = index >= 0 && index < e.length;
        ctx->out[i] =
            good ? ((const nn_real *)
                        ctx->in[0])[r * e.row + (o * e.length + index) * e.inner + i % e.inner]
                 : (nn_real)NAN;
    }
}

const nn_op nn_op_gather = {
    .name = "gather",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 2,
    .shape = gather_shape,
    .forward = gather_forward,
    .backward = gather_backward,
    .reference = gather_reference,
    .row_inputs = gather_row_inputs,
    .touch = gather_touch,
};

nn_node *nn_gather(nn_graph *graph, nn_node *data, nn_node *indices, int axis)
{
    if (data && axis < 0)
        axis += nn_sample_of(data).rank;
    return nn_node_new(graph, &nn_op_gather, (nn_node *[]){data, indices}, 2, &axis, sizeof axis);
}

nn_node *nn_embedding(nn_graph *graph, nn_node *table, nn_node *indices)
{
    char text[NN_SHAPE_TEXT];
    if (table && (!table->param || table->shape.rank != 2))
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "embedding: table '%s' is %s; expected a parameter of words and "
                               "width",
                               table->name, nn_shape_text(table->shape, text));
    return nn_gather(graph, table, indices, 0);
}

/* --- one_hot: a new axis with `on` at the index, `off` elsewhere -------------------------------
 */

static const nn_one_hot_args *one_hot_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_status one_hot_shape(nn_node *node, nn_error *error)
{
    const nn_one_hot_args *args = one_hot_of(node);
    nn_status status = expect_indices(node, 0, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]), to = {.rank = from.rank + 1};
    if (args->axis < 0 || args->axis > from.rank || to.rank > NN_MAX_AXES || args->depth < 1)
        return nn_refuse(node, error, NN_E_ARG,
                         "axis %d of depth %d; expected an axis of 0 to %d, a depth of at least 1 "
                         "and at most %d dimensions",
                         args->axis, args->depth, from.rank, NN_MAX_AXES);
    for (int d = 0, k = 0; d < to.rank; d++)
        to.dim[d] = d == args->axis ? args->depth : from.dim[k++];
    return nn_set_activation(node, to, error);
}

/* Elements behind the new axis. */
static int64_t behind(const nn_node *node)
{
    nn_shape shape = nn_sample_of(node);
    int64_t inner = 1;
    for (int d = one_hot_of(node)->axis + 1; d < shape.rank; d++)
        inner *= shape.dim[d];
    return inner;
}

static void one_hot_forward(const nn_ctx *ctx)
{
    const nn_one_hot_args *args = one_hot_of(ctx->node);
    const int32_t *index = ctx->in[0];
    int64_t count = nn_elements(ctx, 0), inner = behind(ctx->node);
    nn_real on = (nn_real)args->on, off = (nn_real)args->off;
    for (int64_t i = 0; i < count * args->depth; i++)
        ctx->out[i] = off;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = entry(index[i], args->depth);
        if (at >= 0)
            ctx->out[(i / inner * args->depth + at) * inner + i % inner] = on;
    }
}

static void one_hot_reference(const nn_ctx *ctx)
{
    const nn_one_hot_args *args = one_hot_of(ctx->node);
    int64_t count = nn_elements(ctx, 0) * args->depth, inner = behind(ctx->node);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = i / inner % args->depth;
        int32_t index =
            ((const int32_t *)ctx->in[0])[i / (inner * args->depth) * inner + i % inner];
        bool hit = index == at || index + (int64_t)args->depth == at;
        ctx->out[i] = (nn_real)(hit ? args->on : args->off);
    }
}

const nn_op nn_op_one_hot = {
    .name = "one_hot",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_NO_GRADIENT,
    .shape = one_hot_shape,
    .forward = one_hot_forward,
    .reference = one_hot_reference,
};

nn_node *nn_one_hot(nn_graph *graph, nn_node *indices, nn_one_hot_args args)
{
    if (indices && args.axis < 0)
        args.axis += nn_sample_of(indices).rank + 1;
    return nn_node_new(graph, &nn_op_one_hot, &indices, 1, &args, sizeof args);
}
