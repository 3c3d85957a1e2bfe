/* Word vectors after training (chapters 37, 43 and 45): neighbours, analogies, bias. Tables are
 * (rows, size), row-major; sums are taken in double. Pure; callable from any thread. */
#ifndef GRADUS_ENGINE_TEXT_VECTORS_H
#define GRADUS_ENGINE_TEXT_VECTORS_H

#include "engine/status.h"
#include "engine/tensor.h"

double nn_inner_product(const nn_real *a, const nn_real *b, int size);
/* 0 where either has no length. */
double nn_cosine(const nn_real *a, const nn_real *b, int size);
double nn_square_distance(const nn_real *a, const nn_real *b, int size);

typedef enum {
    NN_BY_COSINE,  /* the largest cosine first */
    NN_BY_DISTANCE /* the smallest squared distance first */
} nn_nearness;
typedef struct {
    int row;
    double value; /* cosine or squared distance */
} nn_neighbour;
/* The `k` nearest rows of `table` to `query`, nearest first, the lower row on a tie. Rows listed in
 * `without` are left out (an analogy must not answer with its own words), as are rows whose value
 * is NaN. `found` has room for k; *count is how many there are. One pass over the table. */
nn_status nn_nearest(const nn_real *table, int rows, int size, const nn_real *query,
                     nn_nearness nearness, const int *without, int without_count, int k,
                     nn_neighbour *found, int *count, nn_error *error);
/* a is to b as c is to: out = b - a + c, to be given to nn_nearest without a, b and c. */
void nn_analogy(const nn_real *a, const nn_real *b, const nn_real *c, int size, nn_real *out);

/* Bias (Bolukbasi et al. 2016). Axis: mean of a - b over pairs (pairs, size). */
void nn_bias_axis(const nn_real *a, const nn_real *b, int pairs, int size, nn_real *axis);
/* Takes from w its part along the axis. Its length shrinks (errata E45.1). `out` may be w. Refuses
 * an axis of length 0. */
nn_status nn_neutralise(const nn_real *w, const nn_real *axis, int size, nn_real *out,
                        nn_error *error);
/* Makes a pair differ along the axis alone, at the same distance from everything neutralised: each
 * becomes mu_O + sqrt(|1 - |mu_O|^2|) (e_B - mu_B)/|e_B - mu_B|, B along the axis and O across it,
 * mu their mean; for vectors of about length 1. In place. Refuses an axis of length 0 and a pair
 * that does not differ along it. */
nn_status nn_equalise(nn_real *first, nn_real *second, const nn_real *axis, int size,
                      nn_error *error);

/* Shares of words for drawing negatives: count^power / sum (Mikolov et al. 2013: power 3/4). */
nn_status nn_unigram_shares(const double *counts, int words, double power, double *shares,
                            nn_error *error);

#endif
