/* Walks over the elements of several tensors at once, for operators that broadcast, permute, cut or
 * reduce. Private to engine/ops.
 *
 * A walk is a nest of loops, outermost first. Every tensor has a stride for each loop, in elements;
 * stride 0 means that it repeats. The innermost loop is left to the kernel, which is given runs:
 *
 *     nn_walker w;
 *     for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w))
 *         ... nn_walk_run(&walk) elements from offset w.at[t] of tensor t, stride nn_walk_step(t)
 */
#ifndef GRADUS_ENGINE_OPS_WALK_H
#define GRADUS_ENGINE_OPS_WALK_H

#include "engine/op.h"

enum { NN_WALK_TENSORS = 4 };

typedef struct {
    int loops, tensors;
    int inner; /* loops left to the kernel; 0 means 1 */
    int64_t size[NN_MAX_DIMS];
    int64_t stride[NN_WALK_TENSORS][NN_MAX_DIMS];
} nn_walk;

typedef struct {
    int64_t at[NN_WALK_TENSORS]; /* where the run begins in each tensor */
    int64_t index[NN_MAX_DIMS];  /* of the loops */
} nn_walker;

/* Strides of a dense row-major tensor of these sizes. */
void nn_dense_strides(int rank, const int64_t *size, int64_t *stride);

/* Loops over the batch rows and the sample dimensions of the operator's output. Tensor 0 is the
 * output, tensor 1 + i is input i, aligned from the right and repeated where its size is 1 or where
 * it lacks the dimension (a parameter lacks the batch). Then nn_walk_merge. */
void nn_walk_broadcast(nn_walk *walk, const nn_ctx *ctx);

/* Joins neighbouring loops wherever all tensors go through them in one go, and drops those of one
 * round. At least one loop stays. */
void nn_walk_merge(nn_walk *walk);

/* False where there are no elements. */
bool nn_walk_start(const nn_walk *walk, nn_walker *walker);
/* To the next run; false after the last. */
bool nn_walk_next(const nn_walk *walk, nn_walker *walker);

static inline int64_t nn_walk_run(const nn_walk *walk)
{
    return walk->size[walk->loops - 1];
}

static inline int64_t nn_walk_step(const nn_walk *walk, int tensor)
{
    return walk->stride[tensor][walk->loops - 1];
}

/* to[...] = from[...] along the walk, or += where `add`; must add where `to` repeats. */
void nn_walk_copy(const nn_walk *walk, int to_tensor, nn_real *to, int from_tensor,
                  const nn_real *from, bool add);

/* Whether the tensor is shorter than the walk: some of its elements are met again and again. */
bool nn_walk_repeats(const nn_walk *walk, int tensor);

/* Numbers in input i that this shard holds: its rows, or the whole of what has no batch. */
int64_t nn_input_numbers(const nn_ctx *ctx, int i);

/* Before the kernels add to the gradient of input i: clears it where it holds garbage. */
void nn_begin_gradient(const nn_ctx *ctx, int i);

#endif
