#include "engine/sums.h"

#include "engine/kernel.h"

enum { LANES = 16 };

/* A fixed number of interleaved sums: vectorises, and the order never changes. */
NN_KERNEL double nn_sum_of_squares(const nn_real *x, int64_t count)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < count; i++)
        lane[0] += (double)x[i] * (double)x[i];
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}
