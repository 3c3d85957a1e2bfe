/* Sums and their kin over some axes of an example: reduce_sum,
 * reduce_mean, reduce_l1, reduce_l2. They share one walk over the input, in which the output stands
 * still along the axes that go. */
#include "engine/ops/reduce.h"

#include <math.h>
#include <string.h>

enum { NEED_X = 1 };

static const nn_reduce_args *args_of(const nn_node *node)
{
    return (const void *)node->args;
}

/* Whether sample axis d goes. */
static bool goes(const nn_node *node, int d)
{
    const nn_reduce_args *args = args_of(node);
    for (int i = 0; i < args->count; i++)
        if (args->axis[i] == d)
            return true;
    return args->count == 0;
}

nn_status nn_reduce_shape(nn_node *node, nn_error *error)
{
    const nn_reduce_args *args = args_of(node);
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]), to = {.rank = 0};
    char text[NN_SHAPE_TEXT];
    unsigned seen = 0;
    for (int i = 0; i < args->count; i++) {
        if (args->axis[i] < 0 || args->axis[i] >= from.rank || (seen >> args->axis[i] & 1))
            return nn_refuse(node, error, NN_E_ARG,
                             "axis %d: an example of '%s' is %s; each axis at most once",
                             args->axis[i], node->input[0]->name, nn_shape_text(from, text));
        seen |= 1u << args->axis[i];
    }
    for (int d = 0; d < from.rank; d++)
        if (args->keep || !goes(node, d))
            to.dim[to.rank++] = goes(node, d) ? 1 : from.dim[d];
    return nn_set_activation(node, to, error);
}

void nn_walk_reduce(const nn_ctx *ctx, nn_walk *walk)
{
    const nn_node *node = ctx->node;
    nn_shape shape = node->input[0]->shape;
    shape.dim[0] = ctx->r1 - ctx->r0;
    *walk = (nn_walk){.loops = shape.rank, .tensors = 2, .inner = 1};
    memcpy(walk->size, shape.dim, sizeof walk->size);
    nn_dense_strides(shape.rank, shape.dim, walk->stride[1]);
    int64_t step = 1;
    for (int d = shape.rank - 1; d >= 0; d--) {
        bool gone = d > 0 && goes(node, d - 1);
        walk->stride[0][d] = gone ? 0 : step;
        step *= gone ? 1 : shape.dim[d];
    }
    nn_walk_merge(walk);
}

int64_t nn_reduced_count(const nn_ctx *ctx)
{
    const nn_node *node = ctx->node;
    return nn_shape_row(node->input[0]->shape) / nn_shape_row(node->shape);
}

int64_t nn_reduced_place(const nn_ctx *ctx, int64_t at, int64_t k)
{
    const nn_node *node = ctx->node;
    nn_shape in = nn_sample_of(node->input[0]);
    int64_t row = nn_shape_row(node->shape), step = 1, place = 0, rest = at % row;
    for (int d = in.rank - 1; d >= 0; d--) {
        int64_t *from = goes(node, d) ? &k : &rest;
        place += *from % in.dim[d] * step;
        *from /= in.dim[d];
        step *= in.dim[d];
    }
    return at / row * step + place;
}

nn_node *nn_reduce_node(nn_graph *graph, const nn_op *op, nn_node *x, const int *axes, int count,
                        bool keep)
{
    nn_reduce_args args = {.count = count, .keep = keep};
    if (x && (count < 0 || count > NN_MAX_AXES))
        return nn_graph_refuse(graph, NN_E_ARG, "%s of '%s': %d axes; expected 0 to %d", op->name,
                               x->name, count, NN_MAX_AXES);
    for (int i = 0; x && i < count; i++)
        args.axis[i] = axes[i] < 0 ? axes[i] + nn_sample_of(x).rank : axes[i];
    return nn_node_new(graph, op, &x, 1, &args, sizeof args);
}

/* --- reduce_sum ------------------------------------------------------------------------------- */

NN_INLINE nn_real reduce_sum_slope(nn_real x, nn_real y, nn_real share)
{
    (void)x;
    (void)y;
    return share;
}

NN_KERNEL static void reduce_sum_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, 0, nn_plus, nn_plus);
}

NN_KERNEL static void reduce_sum_backward(const nn_ctx *ctx)
{
    nn_fold_back(ctx, reduce_sum_slope, 1);
}

static void reduce_sum_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = 0;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y += x;
        }
        ctx->out[i] = (nn_real)(y);
    }
}

const nn_op nn_op_reduce_sum = {
    .name = "reduce_sum",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = nn_reduce_shape,
    .forward = reduce_sum_forward,
    .backward = reduce_sum_backward,
    .reference = reduce_sum_reference,
};

nn_node *nn_reduce_sum(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_sum, x, axes, count, keep);
}

/* --- reduce_mean ------------------------------------------------------------------------------ */

NN_INLINE nn_real reduce_mean_slope(nn_real x, nn_real y, nn_real share)
{
    (void)x;
    (void)y;
    return share;
}

NN_KERNEL static void reduce_mean_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, 0, nn_plus, nn_plus);
    nn_real share = (nn_real)(1.0 / (double)nn_reduced_count(ctx));
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++)
        ctx->out[i] *= share;
}

NN_KERNEL static void reduce_mean_backward(const nn_ctx *ctx)
{
    nn_fold_back(ctx, reduce_mean_slope, (nn_real)(1.0 / (double)nn_reduced_count(ctx)));
}

static void reduce_mean_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = 0;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y += x;
        }
        ctx->out[i] = (nn_real)(y / (double)count);
    }
}

const nn_op nn_op_reduce_mean = {
    .name = "reduce_mean",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = nn_reduce_shape,
    .forward = reduce_mean_forward,
    .backward = reduce_mean_backward,
    .reference = reduce_mean_reference,
};

nn_node *nn_reduce_mean(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_mean, x, axes, count, keep);
}

/* --- reduce_l1: sum |x|; derivative 0 at 0 ---------------------------------------------------- */

NN_INLINE nn_real reduce_l1_take(nn_real sum, nn_real x)
{
    return sum + nn_absolute(x);
}

NN_INLINE nn_real reduce_l1_slope(nn_real x, nn_real y, nn_real share)
{
    (void)y;
    (void)share;
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

NN_KERNEL static void reduce_l1_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, 0, reduce_l1_take, nn_plus);
}

NN_KERNEL static void reduce_l1_backward(const nn_ctx *ctx)
{
    nn_fold_back(ctx, reduce_l1_slope, 1);
}

static void reduce_l1_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = 0;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y += fabs(x);
        }
        ctx->out[i] = (nn_real)(y);
    }
}

const nn_op nn_op_reduce_l1 = {
    .name = "reduce_l1",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_reduce_shape,
    .forward = reduce_l1_forward,
    .backward = reduce_l1_backward,
    .reference = reduce_l1_reference,
};

nn_node *nn_reduce_l1(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_l1, x, axes, count, keep);
}

/* --- reduce_l2: sqrt(sum x^2); derivative x / y, 0 where y is 0 ------------------------------- */

NN_INLINE nn_real reduce_l2_take(nn_real sum, nn_real x)
{
    return sum + x * x;
}

NN_INLINE nn_real reduce_l2_slope(nn_real x, nn_real y, nn_real share)
{
    (void)share;
    return y == 0 ? 0 : x / y;
}

NN_KERNEL static void reduce_l2_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, 0, reduce_l2_take, nn_plus);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++)
        ctx->out[i] = nn_root(ctx->out[i]);
}

NN_KERNEL static void reduce_l2_backward(const nn_ctx *ctx)
{
    nn_fold_back(ctx, reduce_l2_slope, 1);
}

static void reduce_l2_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = 0;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y += x * x;
        }
        ctx->out[i] = (nn_real)(sqrt(y));
    }
}

const nn_op nn_op_reduce_l2 = {
    .name = "reduce_l2",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X | NN_NEED_OUT,
    .shape = nn_reduce_shape,
    .forward = reduce_l2_forward,
    .backward = reduce_l2_backward,
    .reference = reduce_l2_reference,
};

nn_node *nn_reduce_l2(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_l2, x, axes, count, keep);
}
