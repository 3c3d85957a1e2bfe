/* Operators that move, cut, join, pick and sum numbers.
 *
 * Axes and shapes here are those of an example: axis 0 is the first dimension behind the batch,
 * which every activation has in front and no operator here touches. Negative axes count from the
 * end, as in ONNX: -1 is the last one. Names and rules follow ONNX, opset 17, where it has the
 * operator, with the batch left out.
 *
 * Like all builders: NULL in, NULL out; the graph keeps the first error. Not thread-safe. */
#ifndef GRADUS_ENGINE_SHAPES_H
#define GRADUS_ENGINE_SHAPES_H

#include "engine/graph.h"

enum { NN_MAX_AXES = NN_MAX_DIMS - 1 };

/* --- the same numbers in another shape: no work, the same memory. Whole numbers too. ------------
 */

/* `sample` has as many elements as an example of x; one size may be -1: what is left. */
nn_node *nn_reshape(nn_graph *graph, nn_node *x, nn_shape sample);
/* Leaves out axes of size 1; count 0: all of them. */
nn_node *nn_squeeze(nn_graph *graph, nn_node *x, const int *axes, int count);
/* Axes of size 1 at these places of the result. */
nn_node *nn_unsqueeze(nn_graph *graph, nn_node *x, const int *axes, int count);

/* --- moving, cutting, joining -------------------------------------------------------------------
 */

typedef struct {
    int rank;
    int order[NN_MAX_AXES]; /* axis i of the result is axis order[i] of x */
} nn_transpose_args;
nn_node *nn_transpose(nn_graph *graph, nn_node *x, const int *order, int rank);

/* 1 to NN_MAX_INPUTS activations (at least one) and parameters, alike but along `axis`. */
nn_node *nn_concat(nn_graph *graph, nn_node *const *inputs, int count, int axis);

typedef struct {
    int rank; /* one entry an axis: start + i * step for i < size, all within x */
    int start[NN_MAX_AXES], step[NN_MAX_AXES], size[NN_MAX_AXES];
} nn_slice_args;
/* ONNX Slice: starts[i] up to, not including, ends[i] in steps along axes[i] (NULL: 0, 1, ...;
 * steps NULL: 1). Negative starts and ends count from the end, all are clamped; a negative step
 * walks backwards. An empty result is refused. */
nn_node *nn_slice(nn_graph *graph, nn_node *x, const int64_t *starts, const int64_t *ends,
                  const int *axes, const int64_t *steps, int count);
/* From `first`, `size` entries along one axis. */
nn_node *nn_slice_axis(nn_graph *graph, nn_node *x, int axis, int64_t first, int64_t size);
/* `count` slices of these sizes, which must add up to the axis; sizes NULL: equal, the last one
 * smaller where they do not divide (ONNX Split). Writes the nodes into `parts`; false on refusal,
 * and all parts NULL. */
bool nn_split(nn_graph *graph, nn_node *x, int axis, const int64_t *sizes, int count,
              nn_node **parts);

typedef enum { NN_PAD_CONSTANT, NN_PAD_REFLECT, NN_PAD_EDGE, NN_PAD_WRAP } nn_pad_mode;
typedef struct {
    int rank; /* one entry an axis; negative ones cut */
    int before[NN_MAX_AXES], after[NN_MAX_AXES];
    nn_pad_mode mode;
    double value; /* of NN_PAD_CONSTANT */
} nn_pad_args;
nn_node *nn_pad(nn_graph *graph, nn_node *x, nn_pad_args args);

/* To what x and `sample` broadcast to (ONNX Expand). */
nn_node *nn_expand(nn_graph *graph, nn_node *x, nn_shape sample);

/* --- sums and their kin over some axes ----------------------------------------------------------
 *
 * axes NULL with count 0: all axes of an example. keep: the axes stay, with size 1. Over the whole
 * batch sums nn_mean (graph.h).
 */

typedef struct {
    int count; /* 0: all */
    int axis[NN_MAX_AXES];
    bool keep;
} nn_reduce_args;
nn_node *nn_reduce_sum(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
nn_node *nn_reduce_mean(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
/* Where several are greatest (least), the gradient goes to the first of them. */
nn_node *nn_reduce_max(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
nn_node *nn_reduce_min(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
nn_node *nn_reduce_prod(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
nn_node *nn_reduce_l1(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
/* sqrt of the sum of squares; derivative 0 where that is 0. */
nn_node *nn_reduce_l2(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
nn_node *nn_reduce_log_sum_exp(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
/* Made of the others. */
nn_node *nn_reduce_log_sum(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);
nn_node *nn_reduce_sum_square(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);

/* --- indices: whole numbers (NN_I32) ------------------------------------------------------------
 *
 * A bad index gives NaN where it is used, and no gradient.
 */

typedef struct {
    int axis;
    bool keep;        /* the axis stays, with size 1 */
    bool select_last; /* of equal ones the last; else the first */
} nn_arg_args;
/* Where the greatest (least) entry stands; NaN counts as such. Not differentiable. */
nn_node *nn_argmax(nn_graph *graph, nn_node *x, nn_arg_args args);
nn_node *nn_argmin(nn_graph *graph, nn_node *x, nn_arg_args args);

typedef struct {
    int axis, k;
    bool smallest; /* else the greatest */
} nn_top_args;
/* The k best along an axis, best first; of equal ones the first stands first, NaN is greatest. */
nn_node *nn_top_k(nn_graph *graph, nn_node *x, nn_top_args args);
nn_node *nn_top_k_indices(nn_graph *graph, nn_node *x, nn_top_args args); /* where they stand */

typedef struct {
    int axis; /* of the result */
    int depth;
    double on, off;
} nn_one_hot_args;
/* A new axis with `on` at the index, `off` elsewhere; indices may be negative (ONNX OneHot), and
 * others give `off` alone. */
nn_node *nn_one_hot(nn_graph *graph, nn_node *indices, nn_one_hot_args args);

/* ONNX Gather: the entries of `data` along `axis` that the indices (an activation) name; they take
 * the place of the axis in the shape. Negative ones count from the end. `data` is an activation,
 * each example with its own indices, or a parameter, the same for all. */
nn_node *nn_gather(nn_graph *graph, nn_node *data, nn_node *indices, int axis);
/* Rows of a table (words,width): indices (n,...) give (n,...,width). */
nn_node *nn_embedding(nn_graph *graph, nn_node *table, nn_node *indices);

#endif
