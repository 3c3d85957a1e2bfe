#include "engine/strategy.h"

#include <math.h>

void nn_error_gaps(const double *errors, int count, double *gaps)
{
    for (int i = 0; i + 1 < count; i++)
        gaps[i] = errors[i + 1] - errors[i];
}

int nn_first_gap(const double *errors, int count, double threshold)
{
    for (int i = 0; i + 1 < count; i++)
        if (errors[i + 1] - errors[i] > threshold)
            return i + 1;
    return 0;
}

uint32_t nn_wide_gaps(const double *errors, int count, double threshold)
{
    uint32_t wide = 0;
    for (int i = 0; i + 1 < count; i++)
        if (errors[i + 1] - errors[i] > threshold)
            wide |= UINT32_C(1) << i;
    return wide;
}

void nn_count_tags(const uint32_t *tags, int64_t count, int kinds, int64_t *counts)
{
    for (int k = 0; k < kinds; k++) {
        counts[k] = 0;
        for (int64_t i = 0; i < count; i++)
            counts[k] += tags[i] >> k & 1;
    }
}

double nn_ceiling(double count, double tagged, double errors, double total)
{
    return tagged > 0 && total > 0 ? count / tagged * errors / total : 0;
}

/* The first of the parts with the largest remainder. */
static int most_owed(const double *remainder, int parts)
{
    int best = 0;
    for (int i = 1; i < parts; i++)
        if (remainder[i] > remainder[best])
            best = i;
    return best;
}

nn_status nn_share_out(int64_t count, const double *weights, int parts, int64_t *given,
                       nn_error *error)
{
    double remainder[NN_MOST_SHARES], sum = 0;
    if (count < 0 || parts < 1 || parts > NN_MOST_SHARES)
        return nn_fail(error, NN_E_ARG,
                       "cannot share %lld out among %d parts: 1 to %d are possible",
                       (long long)count, parts, NN_MOST_SHARES);
    for (int i = 0; i < parts; i++) {
        if (!(weights[i] >= 0) || isinf(weights[i]))
            return nn_fail(error, NN_E_ARG,
                           "weight %d is %g: expected a finite number of at least 0", i + 1,
                           weights[i]);
        sum += weights[i];
    }
    if (!(sum > 0))
        return nn_fail(error, NN_E_ARG, "all weights are 0: give one part at least something");
    int64_t left = count;
    for (int i = 0; i < parts; i++) {
        double quota = (double)count * weights[i] / sum;
        given[i] = (int64_t)floor(quota);
        remainder[i] = quota - floor(quota);
        left -= given[i];
    }
    for (; left > 0; left--) {
        int i = most_owed(remainder, parts);
        given[i]++;
        remainder[i] = -1;
    }
    return NN_OK;
}
