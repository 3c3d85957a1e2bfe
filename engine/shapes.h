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

#endif
