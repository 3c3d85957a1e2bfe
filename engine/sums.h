/* Sums that come out the same however many threads share the work. Private to engine/. */
#ifndef GRADUS_ENGINE_SUMS_H
#define GRADUS_ENGINE_SUMS_H

#include "engine/tensor.h"

/* Sum of x[i]^2 in double, in a fixed order. */
double nn_sum_of_squares(const nn_real *x, int64_t count);
/* The same of `rows` rows of `size` numbers, those that `row` names. */
double nn_sum_of_squares_of_rows(const nn_real *x, const int32_t *row, int64_t rows, int64_t size);

#endif
