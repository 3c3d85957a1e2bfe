/* concat: inputs side by side along one axis. A parameter among them is the same for every
 * example; its gradient is summed over the batch. */
#include "engine/ops/rules.h"
#include "engine/ops/walk.h"
#include "engine/shapes.h"

#include <string.h>

static int axis_of(const nn_node *node)
{
    int axis;
    memcpy(&axis, node->args, sizeof axis);
    return axis;
}

static bool alike(nn_shape a, nn_shape b, int axis)
{
    if (a.rank != b.rank)
        return false;
    for (int d = 0; d < a.rank; d++)
        if (d != axis && a.dim[d] != b.dim[d])
            return false;
    return true;
}

static nn_status concat_shape(nn_node *node, nn_error *error)
{
    int axis = axis_of(node);
    nn_shape sum = nn_sample_of(node->input[0]);
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    bool batched = false;
    if (axis < 0 || axis >= sum.rank)
        return nn_refuse(node, error, NN_E_ARG, "axis %d: an example of '%s' is %s", axis,
                         node->input[0]->name, nn_shape_text(sum, left));
    for (int i = 0; i < node->input_count; i++) {
        const nn_node *x = node->input[i];
        nn_shape shape = x ? nn_sample_of(x) : sum;
        if (!x || x->dtype != NN_F || (!x->batched && !x->param))
            return nn_refuse(node, error, NN_E_SHAPE,
                             "input %d: expected an activation or a parameter of real numbers", i);
        if (!alike(sum, shape, axis) || shape.dim[axis] < 1)
            return nn_refuse(node, error, NN_E_SHAPE,
                             "an example of '%s' is %s, that of '%s' %s; they may differ along "
                             "axis %d alone",
                             node->input[0]->name,
                             nn_shape_text(nn_sample_of(node->input[0]), left), x->name,
                             nn_shape_text(shape, right), axis);
        sum.dim[axis] += i > 0 ? shape.dim[axis] : 0;
        batched |= x->batched;
    }
    if (!batched)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "all inputs are parameters; one activation at "
                         "least is needed, for its batch");
    return nn_set_activation(node, sum, error);
}

/* Loops over the rows and axes of input i; tensor 0 the output, tensor 1 the input. The offset of
 * its first element in the output is returned. */
static int64_t walk_part(const nn_ctx *ctx, int i, nn_walk *walk)
{
    const nn_node *node = ctx->node, *x = node->input[i];
    nn_shape sample = nn_sample_of(x), out = node->shape;
    int64_t dense[NN_MAX_DIMS], offset = 0;
    out.dim[0] = ctx->r1 - ctx->r0;
    *walk = (nn_walk){.loops = out.rank, .tensors = 2, .inner = 1};
    walk->size[0] = out.dim[0];
    nn_dense_strides(out.rank, out.dim, walk->stride[0]);
    nn_dense_strides(sample.rank, sample.dim, dense);
    walk->stride[1][0] = x->batched ? nn_shape_count(sample) : 0;
    for (int d = 0; d < sample.rank; d++) {
        walk->size[d + 1] = sample.dim[d];
        walk->stride[1][d + 1] = dense[d];
    }
    int axis = axis_of(node);
    for (int k = 0; k < i; k++)
        offset += nn_sample_of(node->input[k]).dim[axis] * walk->stride[0][axis + 1];
    nn_walk_merge(walk);
    return offset;
}

static void concat_forward(const nn_ctx *ctx)
{
    for (int i = 0; i < ctx->node->input_count; i++) {
        nn_walk walk;
        int64_t offset = walk_part(ctx, i, &walk);
        nn_walk_copy(&walk, 0, ctx->out + offset, 1, ctx->in[i], false);
    }
}

static void concat_backward(const nn_ctx *ctx)
{
    for (int i = 0; i < ctx->node->input_count; i++) {
        nn_walk walk;
        if (!ctx->grad_in[i])
            continue;
        int64_t offset = walk_part(ctx, i, &walk);
        bool sum = !ctx->node->input[i]->batched;
        if (sum)
            nn_begin_gradient(ctx, i);
        nn_walk_copy(&walk, 1, ctx->grad_in[i], 0, ctx->grad_out + offset,
                     sum || ctx->beta[i] != 0);
    }
}

static void concat_reference(const nn_ctx *ctx)
{
    const nn_node *node = ctx->node;
    nn_shape out = nn_sample_of(node);
    int axis = axis_of(node);
    int64_t inner = 1, at = 0, outer = ctx->r1 - ctx->r0, row_outer = 1;
    for (int d = 0; d < out.rank; d++) {
        inner *= d > axis ? out.dim[d] : 1;
        row_outer *= d < axis ? out.dim[d] : 1;
    }
    for (int64_t o = 0; o < outer * row_outer; o++)
        for (int i = 0; i < node->input_count; i++) {
            int64_t block = nn_sample_of(node->input[i]).dim[axis] * inner;
            int64_t from = (node->input[i]->batched ? o : o % row_outer) * block;
            for (int64_t k = 0; k < block; k++)
                ctx->out[at++] = ((const nn_real *)ctx->in[i])[from + k];
        }
}

const nn_op nn_op_concat = {
    .name = "concat",
    .min_inputs = 1,
    .max_inputs = NN_MAX_INPUTS,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = concat_shape,
    .forward = concat_forward,
    .backward = concat_backward,
    .reference = concat_reference,
};

nn_node *nn_concat(nn_graph *graph, nn_node *const *inputs, int count, int axis)
{
    for (int i = 0; i < count; i++)
        if (!inputs[i])
            return NULL;
    if (count > 0 && axis < 0)
        axis += nn_sample_of(inputs[0]).rank;
    return nn_node_new(graph, &nn_op_concat, inputs, count, &axis, sizeof axis);
}
