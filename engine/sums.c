#include "engine/sums.h"

#include "engine/kernel.h"

enum { LANES = 16, AHEAD = 4 };

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

NN_KERNEL double nn_sum_of_squares_of_rows(const nn_real *x, const int32_t *row, int64_t rows,
                                           int64_t size)
{
    double lane[LANES] = {0};
    for (int64_t r = 0; r < rows; r++) {
        const nn_real *at = x + row[r] * size;
        if (r + AHEAD < rows)
            nn_fetch(x + row[r + AHEAD] * size, (size_t)size * sizeof *x);
        int64_t i = 0;
        for (; i + LANES <= size; i += LANES)
            for (int k = 0; k < LANES; k++)
                lane[k] += (double)at[i + k] * (double)at[i + k];
        for (int k = 0; i + k < size; k++)
            lane[k] += (double)at[i + k] * (double)at[i + k];
    }
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}
