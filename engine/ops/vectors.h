/* Vectors and scratch memory of the convolution kernels. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_VECTORS_H
#define GRADUS_ENGINE_OPS_VECTORS_H

#include "engine/mathf.h"
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

/* Every other number of a and then of b; and the numbers of a and b in turn, first those of their
 * lower halves. */
#if NN_MATH_DOUBLE
#define NN_EVENS(a, b) ((nn_vector){(a)[0], (a)[2], (b)[0], (b)[2]})
#define NN_ODDS(a, b)  ((nn_vector){(a)[1], (a)[3], (b)[1], (b)[3]})
#define NN_LOWER(a, b) ((nn_vector){(a)[0], (b)[0], (a)[1], (b)[1]})
#define NN_UPPER(a, b) ((nn_vector){(a)[2], (b)[2], (a)[3], (b)[3]})
#else
#define NN_EVENS(a, b) ((nn_vector){(a)[0], (a)[2], (a)[4], (a)[6], (b)[0], (b)[2], (b)[4], (b)[6]})
#define NN_ODDS(a, b)  ((nn_vector){(a)[1], (a)[3], (a)[5], (a)[7], (b)[1], (b)[3], (b)[5], (b)[7]})
#define NN_LOWER(a, b) ((nn_vector){(a)[0], (b)[0], (a)[1], (b)[1], (a)[2], (b)[2], (a)[3], (b)[3]})
#define NN_UPPER(a, b) ((nn_vector){(a)[4], (b)[4], (a)[5], (b)[5], (a)[6], (b)[6], (a)[7], (b)[7]})
#endif

/* to (+)= from, in vectors however short the row: the last one lies over the one before it. */
static NN_ALWAYS_INLINE void nn_give_row(const nn_real *from, int64_t count, bool add, nn_real *to)
{
    if (count < NN_VECTOR) {
        for (int64_t i = 0; i < count; i++)
            to[i] = (add ? to[i] : 0) + from[i];
        return;
    }
    nn_vector last = NN_VECTOR_AT(from + count - NN_VECTOR);
    if (add)
        last += NN_VECTOR_AT(to + count - NN_VECTOR);
    for (int64_t i = 0; i + NN_VECTOR <= count; i += NN_VECTOR)
        if (add)
            NN_VECTOR_AT(to + i) += NN_VECTOR_AT(from + i);
        else
            NN_VECTOR_AT(to + i) = NN_VECTOR_AT(from + i);
    NN_VECTOR_AT(to + count - NN_VECTOR) = last;
}

/* line = even[0], odd[0], even[1] ...; whole vectors, so that all have room for more. */
static NN_ALWAYS_INLINE void nn_weave(const nn_real *even, const nn_real *odd, int64_t pairs,
                                      nn_real *line)
{
    for (int64_t i = 0; i < pairs; i += NN_VECTOR) {
        nn_vector a = NN_VECTOR_AT(even + i), b = NN_VECTOR_AT(odd + i);
        NN_VECTOR_AT(line + 2 * i) = NN_LOWER(a, b);
        NN_VECTOR_AT(line + 2 * i + NN_VECTOR) = NN_UPPER(a, b);
    }
}

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
