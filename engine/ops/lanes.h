/* Sums over one row. A fixed number of interleaved accumulators vectorises, and the order of the
 * sum depends on nothing but the length. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_LANES_H
#define GRADUS_ENGINE_OPS_LANES_H

#include "engine/mathf.h"

enum { NN_LANES = 16 };

static inline nn_real nn_lanes_total(nn_real lane[NN_LANES])
{
    for (int half = NN_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

static inline nn_real nn_dot(const nn_real *a, const nn_real *b, int64_t count)
{
    nn_real lane[NN_LANES] = {0};
    int64_t j = 0;
    for (; j + NN_LANES <= count; j += NN_LANES)
        for (int l = 0; l < NN_LANES; l++)
            lane[l] += a[j + l] * b[j + l];
    for (int l = 0; j + l < count; l++)
        lane[l] += a[j + l] * b[j + l];
    return nn_lanes_total(lane);
}

static inline nn_real nn_distance_squared(const nn_real *a, const nn_real *b, int64_t count)
{
    nn_real lane[NN_LANES] = {0};
    int64_t j = 0;
    for (; j + NN_LANES <= count; j += NN_LANES)
        for (int l = 0; l < NN_LANES; l++)
            lane[l] += (a[j + l] - b[j + l]) * (a[j + l] - b[j + l]);
    for (int l = 0; j + l < count; l++)
        lane[l] += (a[j + l] - b[j + l]) * (a[j + l] - b[j + l]);
    return nn_lanes_total(lane);
}

/* NaN may be passed over here; the sum of the exponentials then brings it back. */
static inline nn_real nn_largest(const nn_real *z, int64_t count)
{
    nn_real lane[NN_LANES], top = z[0];
    int64_t j = 0;
    for (int l = 0; l < NN_LANES; l++)
        lane[l] = top;
    for (; j + NN_LANES <= count; j += NN_LANES)
        for (int l = 0; l < NN_LANES; l++)
            lane[l] = z[j + l] > lane[l] ? z[j + l] : lane[l];
    for (int l = 0; l < NN_LANES; l++)
        top = lane[l] > top ? lane[l] : top;
    for (; j < count; j++)
        top = z[j] > top ? z[j] : top;
    return top;
}

/* Of exp(z - top), where top is the largest: lies in 1..count. */
static inline nn_real nn_sum_exp(const nn_real *z, int64_t count, nn_real top)
{
    nn_real lane[NN_LANES] = {0}, rest[NN_LANES];
    int64_t j = 0;
    for (; j + NN_LANES <= count; j += NN_LANES)
        for (int l = 0; l < NN_LANES; l++)
            lane[l] += nn_exp(z[j + l] - top);
    int left = (int)(count - j);
    for (int l = 0; l < NN_LANES; l++)
        rest[l] = top; /* not left as it is: what is added below must be finite */
    for (int l = 0; l < left; l++)
        rest[l] = z[j + l];
    for (int l = 0; l < NN_LANES; l++) {
        nn_real e = nn_exp(rest[l] - top);
        lane[l] += l < left ? e : 0;
    }
    return nn_lanes_total(lane);
}

#endif
