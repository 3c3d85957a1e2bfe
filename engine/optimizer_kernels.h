/* The formulas of the optimisers over one chunk of a parameter. Private to engine/. */
#ifndef GRADUS_ENGINE_OPTIMIZER_KERNELS_H
#define GRADUS_ENGINE_OPTIMIZER_KERNELS_H

#include "engine/optimizer.h"

/* The numbers of one update of one parameter. Computed once a step in double. */
typedef struct {
    nn_real lr;           /* with Adam's bias correction of the first moment */
    nn_real scale, limit; /* of the gradient: clipping by norm and by value */
    nn_real l2, decay;    /* added to the gradient; taken off the weight (decoupled: lr * l2) */
    nn_real shrink;       /* proximal step of L1: lr * l1 */
    nn_real keep1, add1, keep2, add2; /* beta and what the gradient is added with */
    nn_real correct2;                 /* 1 / the second moment's bias correction */
    nn_real inside, outside;          /* epsilon; one of them is 0 */
    nn_real follow;                   /* of the moving average: 1 - its decay */
} nn_update_numbers;

/* Parts of one parameter that lie side by side; NULL where the kind keeps none. */
typedef struct {
    nn_real *weights, *first, *second, *average;
    const nn_real *gradient;
    int64_t count; /* at most NN_UPDATE_CHUNK */
} nn_update_chunk;

enum { NN_UPDATE_CHUNK = 1024 }; /* stays in the first cache over all loops of a chunk */

/* Sums of squares over the chunk. */
typedef struct {
    double update, weight; /* what was taken off the weights; the weights before */
} nn_update_sums;

nn_update_sums nn_update_one_chunk(nn_optimizer_kind kind, const nn_update_numbers *numbers,
                                   nn_update_chunk chunk);

/* The same for rows of a table: `table` points at its beginning, `count` numbers make a row (any
 * number), and `row` names `rows` of them, each once. No average. */
nn_update_sums nn_update_rows(nn_optimizer_kind kind, const nn_update_numbers *numbers,
                              nn_update_chunk table, const int32_t *row, int64_t rows);

/* sum += share * gradient, or sum = share * gradient. */
void nn_gather_gradient(nn_real *restrict sum, const nn_real *restrict gradient, nn_real share,
                        bool first, int64_t count);

#endif
