/* Vectors and scratch memory of the convolution kernels. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_VECTORS_H
#define GRADUS_ENGINE_OPS_VECTORS_H

#include "engine/ops/loops.h"

#include <string.h>

#define NN_ALWAYS_INLINE inline __attribute__((always_inline))

/* Numbers that one instruction works on. */
typedef nn_real nn_vector __attribute__((vector_size(32)));
enum { NN_VECTOR = 32 / (int)sizeof(nn_real) };

/* The vector that lies at `place`, however aligned; to be read or assigned. (A function could not
 * give them back: the calling convention depends on the instruction set.) */
typedef nn_real nn_loose_vector
    __attribute__((vector_size(32), aligned(sizeof(nn_real)), may_alias));
#define NN_VECTOR_AT(place) (*(nn_loose_vector *)(void *)(place))

static inline int64_t nn_round_up(int64_t count, int64_t to)
{
    return (count + to - 1) / to * to;
}

/* The next `count` elements of scratch memory, on a cache line of their own; NULL while sizes are
 * counted. */
static inline void *nn_take(char *scratch, size_t *used, int64_t count, size_t size)
{
    void *place = scratch ? scratch + *used : NULL;
    *used += (size_t)nn_round_up(count * (int64_t)size, 64);
    return place;
}

#endif
