/* Copies along other strides: transpose, slice, expand. */
#include "engine/ops/rules.h"
#include "engine/ops/walk.h"
#include "engine/shapes.h"

#include <limits.h>
#include <string.h>

/* Strides along the sample axes of the output, in elements of the input, and where the first
 * element lies in an example: all that these operators differ in. */
typedef struct {
    int64_t stride[NN_MAX_AXES];
    int64_t first;
} path;

/* Loops over the output's rows and axes; tensor 0 the output, tensor 1 the input. */
static void walk_path(const nn_ctx *ctx, const path *p, nn_walk *walk)
{
    nn_shape shape = ctx->node->shape;
    shape.dim[0] = ctx->r1 - ctx->r0;
    *walk = (nn_walk){.loops = shape.rank, .tensors = 2, .inner = 1};
    memcpy(walk->size, shape.dim, sizeof walk->size);
    nn_dense_strides(shape.rank, shape.dim, walk->stride[0]);
    walk->stride[1][0] = nn_shape_row(ctx->node->input[0]->shape);
    for (int d = 1; d < shape.rank; d++)
        walk->stride[1][d] = p->stride[d - 1];
    nn_walk_merge(walk);
}

static void path_forward(const nn_ctx *ctx, const path *p)
{
    nn_walk walk;
    walk_path(ctx, p, &walk);
    nn_walk_copy(&walk, 0, ctx->out, 1, (const nn_real *)ctx->in[0] + p->first, false);
}

/* `whole`: the path meets every element of the input once. */
static void path_backward(const nn_ctx *ctx, const path *p, bool whole)
{
    nn_walk walk;
    walk_path(ctx, p, &walk);
    if (!whole)
        nn_begin_gradient(ctx, 0);
    nn_walk_copy(&walk, 1, ctx->grad_in[0] + p->first, 0, ctx->grad_out,
                 !whole || ctx->beta[0] != 0);
}

/* Element by element: the coordinates of the output, then the place in the input. */
static void path_reference(const nn_ctx *ctx, const path *p)
{
    const nn_shape *out = &ctx->node->shape;
    const nn_real *x = ctx->in[0];
    int64_t row = nn_shape_row(*out), in_row = nn_shape_row(ctx->node->input[0]->shape);
    for (int64_t i = 0; i < (ctx->r1 - ctx->r0) * row; i++) {
        int64_t rest = i % row, place = i / row * in_row + p->first;
        for (int d = out->rank - 1; d >= 1; d--) {
            place += rest % out->dim[d] * p->stride[d - 1];
            rest /= out->dim[d];
        }
        ctx->out[i] = x[place];
    }
}

static void sample_strides(const nn_node *node, int64_t *stride)
{
    nn_shape sample = nn_sample_of(node->input[0]);
    nn_dense_strides(sample.rank, sample.dim, stride);
}

/* --- transpose ---------------------------------------------------------------------------------
 */

static const nn_transpose_args *transpose_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_status transpose_shape(nn_node *node, nn_error *error)
{
    const nn_transpose_args *args = transpose_of(node);
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]), to = {.rank = from.rank};
    char text[NN_SHAPE_TEXT];
    unsigned seen = 0;
    for (int i = 0; i < args->rank && args->rank == from.rank; i++)
        if (args->order[i] >= 0 && args->order[i] < from.rank) {
            seen |= 1u << args->order[i];
            to.dim[i] = from.dim[args->order[i]];
        }
    if (args->rank != from.rank || seen != (1u << from.rank) - 1)
        return nn_refuse(node, error, NN_E_ARG,
                         "an example of '%s' is %s; expected each of its %d axes once, got %d",
                         node->input[0]->name, nn_shape_text(from, text), from.rank, args->rank);
    return nn_set_activation(node, to, error);
}

static path transpose_path(const nn_ctx *ctx)
{
    const nn_transpose_args *args = transpose_of(ctx->node);
    int64_t dense[NN_MAX_DIMS];
    path p = {.first = 0};
    sample_strides(ctx->node, dense);
    for (int i = 0; i < args->rank; i++)
        p.stride[i] = dense[args->order[i]];
    return p;
}

static void transpose_forward(const nn_ctx *ctx)
{
    path p = transpose_path(ctx);
    path_forward(ctx, &p);
}

static void transpose_backward(const nn_ctx *ctx)
{
    path p = transpose_path(ctx);
    path_backward(ctx, &p, true);
}

static void transpose_reference(const nn_ctx *ctx)
{
    path p = transpose_path(ctx);
    path_reference(ctx, &p);
}

const nn_op nn_op_transpose = {
    .name = "transpose",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = transpose_shape,
    .forward = transpose_forward,
    .backward = transpose_backward,
    .reference = transpose_reference,
};

nn_node *nn_transpose(nn_graph *graph, nn_node *x, const int *order, int rank)
{
    nn_transpose_args args = {.rank = rank};
    for (int i = 0; i < rank && i < NN_MAX_AXES; i++)
        args.order[i] = order[i] < 0 ? order[i] + rank : order[i];
    return nn_node_new(graph, &nn_op_transpose, &x, 1, &args, sizeof args);
}

/* --- slice -------------------------------------------------------------------------------------
 */

static const nn_slice_args *slice_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_status slice_shape(nn_node *node, nn_error *error)
{
    const nn_slice_args *args = slice_of(node);
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]), to = {.rank = from.rank};
    char text[NN_SHAPE_TEXT];
    if (args->rank != from.rank)
        return nn_refuse(node, error, NN_E_ARG, "an example of '%s' is %s; %d axes are named",
                         node->input[0]->name, nn_shape_text(from, text), args->rank);
    for (int i = 0; i < args->rank; i++) {
        int64_t last = args->start[i] + (int64_t)args->step[i] * (args->size[i] - 1);
        if (args->size[i] < 1 || args->start[i] < 0 || args->start[i] >= from.dim[i] || last < 0 ||
            last >= from.dim[i])
            return nn_refuse(node, error, NN_E_SHAPE,
                             "axis %d of '%s' (an example is %s): %d entries from %d in steps of "
                             "%d; expected at least one, all of 0 to %lld",
                             i, node->input[0]->name, nn_shape_text(from, text), args->size[i],
                             args->start[i], args->step[i], (long long)from.dim[i] - 1);
        to.dim[i] = args->size[i];
    }
    return nn_set_activation(node, to, error);
}

static path slice_path(const nn_ctx *ctx)
{
    const nn_slice_args *args = slice_of(ctx->node);
    int64_t dense[NN_MAX_DIMS];
    path p = {.first = 0};
    sample_strides(ctx->node, dense);
    for (int i = 0; i < args->rank; i++) {
        p.stride[i] = dense[i] * args->step[i];
        p.first += dense[i] * args->start[i];
    }
    return p;
}

static void slice_forward(const nn_ctx *ctx)
{
    path p = slice_path(ctx);
    path_forward(ctx, &p);
}

static void slice_backward(const nn_ctx *ctx)
{
    path p = slice_path(ctx);
    path_backward(ctx, &p, false);
}

static void slice_reference(const nn_ctx *ctx)
{
    path p = slice_path(ctx);
    path_reference(ctx, &p);
}

const nn_op nn_op_slice = {
    .name = "slice",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = slice_shape,
    .forward = slice_forward,
    .backward = slice_backward,
    .reference = slice_reference,
};

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* ONNX: count from the end, then clamp; how many entries that leaves. */
static bool resolve(nn_slice_args *args, int axis, int64_t size, int64_t start, int64_t end,
                    int64_t step)
{
    if (step == 0 || step < -INT_MAX || step > INT_MAX || size > INT_MAX)
        return false;
    start = start < 0 ? start + size : start;
    end = end < 0 ? end + size : end;
    start = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
    end = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
    int64_t distance = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
    args->start[axis] = (int)start;
    args->step[axis] = (int)step;
    args->size[axis] = distance > 0 ? (int)((distance + stride - 1) / stride) : 0;
    return true;
}

nn_node *nn_slice(nn_graph *graph, nn_node *x, const int64_t *starts, const int64_t *ends,
                  const int *axes, const int64_t *steps, int count)
{
    char text[NN_SHAPE_TEXT];
    if (!x)
        return NULL;
    nn_shape shape = nn_sample_of(x);
    nn_slice_args args = {.rank = shape.rank};
    bool fit = x->batched;
    for (int d = 0; d < shape.rank && fit; d++)
        fit = resolve(&args, d, shape.dim[d], 0, shape.dim[d], 1);
    for (int i = 0; i < count && fit; i++) {
        int axis = axes ? axes[i] : i;
        axis = axis < 0 ? axis + shape.rank : axis;
        fit = axis >= 0 && axis < shape.rank &&
              resolve(&args, axis, shape.dim[axis], starts[i], ends[i], steps ? steps[i] : 1);
    }
    if (!fit)
        return nn_graph_refuse(
            graph, NN_E_ARG,
            "slice of '%s' (an example is %s): an axis that does not exist, or a "
            "step of 0",
            x->name, nn_shape_text(shape, text));
    return nn_node_new(graph, &nn_op_slice, &x, 1, &args, sizeof args);
}

nn_node *nn_slice_axis(nn_graph *graph, nn_node *x, int axis, int64_t first, int64_t size)
{
    int64_t end = first + size;
    return nn_slice(graph, x, &first, &end, &axis, NULL, 1);
}

bool nn_split(nn_graph *graph, nn_node *x, int axis, const int64_t *sizes, int count,
              nn_node **parts)
{
    for (int i = 0; i < count; i++)
        parts[i] = NULL;
    if (!x || !graph)
        return false;
    nn_shape shape = nn_sample_of(x);
    int at = axis < 0 ? axis + shape.rank : axis;
    int64_t whole = at >= 0 && at < shape.rank ? shape.dim[at] : 0, sum = 0, first = 0;
    int64_t equal = count > 0 ? (whole + count - 1) / count : 0;
    bool fit = count > 0;
    for (int i = 0; i < count; i++) {
        int64_t left = whole - sum, size = sizes ? sizes[i] : left < equal ? left : equal;
        fit &= size > 0 && size <= left;
        sum += size;
    }
    if (!fit || sum != whole) {
        nn_graph_refuse(graph, NN_E_SHAPE,
                        "split of '%s': axis %d has %lld entries, %d parts must be at least 1 each "
                        "and add up to that",
                        x->name, axis, (long long)whole, count);
        return false;
    }
    for (int i = 0; i < count; i++) {
        int64_t left = whole - first, size = sizes ? sizes[i] : left < equal ? left : equal;
        parts[i] = nn_slice_axis(graph, x, at, first, size);
        first += size;
    }
    return parts[count - 1] != NULL;
}

/* --- expand ------------------------------------------------------------------------------------
 */

static nn_status expand_shape(nn_node *node, nn_error *error)
{
    nn_shape wanted = *(const nn_shape *)(const void *)node->args;
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]);
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    bool fit = wanted.rank >= 0 && wanted.rank <= NN_MAX_AXES;
    nn_shape to = {.rank = from.rank > wanted.rank ? from.rank : wanted.rank};
    for (int d = 1; d <= to.rank && fit; d++) {
        int64_t a = d <= from.rank ? from.dim[from.rank - d] : 1;
        int64_t b = d <= wanted.rank ? wanted.dim[wanted.rank - d] : 1;
        fit = b >= 1 && (a == b || a == 1 || b == 1);
        to.dim[to.rank - d] = a == 1 ? b : a;
    }
    if (!fit)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "an example of '%s' is %s and does not expand to %s; sizes must be equal, "
                         "or one of them 1",
                         node->input[0]->name, nn_shape_text(from, have),
                         nn_shape_text(wanted, want));
    return nn_set_activation(node, to, error);
}

static path expand_path(const nn_ctx *ctx)
{
    nn_shape from = nn_sample_of(ctx->node->input[0]), to = nn_sample_of(ctx->node);
    int64_t dense[NN_MAX_DIMS];
    path p = {.first = 0};
    sample_strides(ctx->node, dense);
    for (int d = 1; d <= from.rank; d++)
        p.stride[to.rank - d] = from.dim[from.rank - d] == 1 ? 0 : dense[from.rank - d];
    return p;
}

static void expand_forward(const nn_ctx *ctx)
{
    path p = expand_path(ctx);
    path_forward(ctx, &p);
}

static void expand_backward(const nn_ctx *ctx)
{
    path p = expand_path(ctx);
    path_backward(ctx, &p, false);
}

static void expand_reference(const nn_ctx *ctx)
{
    path p = expand_path(ctx);
    path_reference(ctx, &p);
}

const nn_op nn_op_expand = {
    .name = "expand",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = expand_shape,
    .forward = expand_forward,
    .backward = expand_backward,
    .reference = expand_reference,
};

nn_node *nn_expand(nn_graph *graph, nn_node *x, nn_shape sample)
{
    return nn_node_new(graph, &nn_op_expand, &x, 1, &sample, sizeof sample);
}
