#include "engine/statistics.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>

int64_t nn_pairs_count(nn_pairs pairs)
{
    return pairs.both_right + pairs.only_first + pairs.only_second + pairs.both_wrong;
}

/* --- McNemar -----------------------------------------------------------------------------------
 */

/* P(X <= k) for X of n tosses of a fair coin; each term from the one before, from the largest
 * down, so that nothing underflows on the way. */
static double fair_tail(int64_t k, int64_t n)
{
    double largest = exp(lgamma((double)n + 1) - lgamma((double)k + 1) -
                         lgamma((double)(n - k) + 1) - (double)n * log(2.));
    double sum = 0, term = 1;
    for (int64_t i = k; i >= 0; i--) {
        sum += term;
        term *= (double)i / (double)(n - i + 1);
    }
    return largest * sum;
}

nn_mcnemar_test nn_mcnemar(int64_t only_first, int64_t only_second)
{
    int64_t n = only_first + only_second;
    int64_t few = only_first < only_second ? only_first : only_second;
    if (n <= 0)
        return (nn_mcnemar_test){1, (double)NAN, true};
    if (n <= NN_MCNEMAR_EXACT)
        return (nn_mcnemar_test){fmin(1, 2 * fair_tail(few, n)), (double)NAN, true};
    double apart = fmax(0, fabs((double)(only_first - only_second)) - 1);
    double statistic = apart * apart / (double)n;
    return (nn_mcnemar_test){erfc(sqrt(statistic / 2)), statistic, false};
}

/* --- intervals of differences ------------------------------------------------------------------
 */

/* Newcombe's hybrid score interval of (second - first), both with their own Wilson interval, `phi`
 * the correlation of the two. */
static nn_interval hybrid(double first, nn_interval of_first, double second, nn_interval of_second,
                          double phi)
{
    double difference = second - first;
    double down = second - of_second.low, up = of_first.high - first;
    double low = down * down - 2 * phi * down * up + up * up;
    down = first - of_first.low;
    up = of_second.high - second;
    double high = up * up - 2 * phi * up * down + down * down;
    return (nn_interval){fmax(-1, difference - sqrt(fmax(0, low))),
                         fmin(1, difference + sqrt(fmax(0, high)))};
}

/* With the correction that keeps a small sample from looking too well correlated. */
static double correlation(nn_pairs pairs)
{
    double a = (double)pairs.both_right, b = (double)pairs.only_first;
    double c = (double)pairs.only_second, d = (double)pairs.both_wrong;
    double scale = (a + b) * (c + d) * (a + c) * (b + d);
    if (!(scale > 0))
        return 0;
    double product = a * d - b * c, half = (a + b + c + d) / 2;
    if (product > 0)
        product = fmax(product - half, 0);
    return product / sqrt(scale);
}

nn_interval nn_paired_difference(nn_pairs pairs, double z)
{
    int64_t count = nn_pairs_count(pairs);
    if (count <= 0)
        return (nn_interval){-1, 1};
    int64_t first = pairs.only_second + pairs.both_wrong;
    int64_t second = pairs.only_first + pairs.both_wrong;
    return hybrid((double)first / (double)count, nn_wilson(first, count, z),
                  (double)second / (double)count, nn_wilson(second, count, z), correlation(pairs));
}

nn_interval nn_difference(int64_t first, int64_t first_count, int64_t second, int64_t second_count,
                          double z)
{
    if (first_count <= 0 || second_count <= 0)
        return (nn_interval){-1, 1};
    return hybrid((double)first / (double)first_count, nn_wilson(first, first_count, z),
                  (double)second / (double)second_count, nn_wilson(second, second_count, z), 0);
}

/* --- bootstrap ---------------------------------------------------------------------------------
 */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the sorted values on both sides of it. */
static double quantile(const double *sorted, int count, double share)
{
    double at = share * (count - 1);
    int below = (int)at;
    return below + 1 >= count ? sorted[count - 1]
                              : sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

static nn_status check_bootstrap(const double *differences, int64_t count, int rounds,
                                 double confidence, nn_error *error)
{
    if (count < 2 || count > UINT32_MAX)
        return nn_fail(error, NN_E_ARG, "paired bootstrap of %lld examples: expected at least 2",
                       (long long)count);
    if (rounds < 100 || rounds > 10000000)
        return nn_fail(error, NN_E_ARG, "paired bootstrap of %d rounds: expected 100 to 10 million",
                       rounds);
    if (!(confidence > 0 && confidence < 1))
        return nn_fail(error, NN_E_ARG,
                       "paired bootstrap at confidence %g: expected a share between 0 and 1",
                       confidence);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(differences[i]))
            return nn_fail(error, NN_E_NONFINITE,
                           "paired bootstrap: difference %lld is not a finite number",
                           (long long)i);
    return NN_OK;
}

nn_status nn_paired_bootstrap(const double *differences, int64_t count, int rounds, uint64_t seed,
                              double confidence, nn_interval *interval, nn_error *error)
{
    nn_status status = check_bootstrap(differences, count, rounds, confidence, error);
    if (status != NN_OK)
        return status;
    double *means = malloc((size_t)rounds * sizeof *means);
    if (!means)
        return nn_fail(error, NN_E_NOMEM, "out of memory for %d bootstrap rounds", rounds);
    uint32_t stream = nn_stream_of("paired bootstrap");
    for (int r = 0; r < rounds; r++) {
        double sum = 0;
        for (int64_t i = 0; i < count; i += 4) {
            nn_random_block block = nn_random(seed, stream, (uint64_t)r, (uint32_t)(i / 4));
            for (int k = 0; k < 4 && i + k < count; k++)
                sum += differences[(uint64_t)block.word[k] * (uint64_t)count >> 32];
        }
        means[r] = sum / (double)count;
    }
    qsort(means, (size_t)rounds, sizeof *means, ascending);
    double outside = (1 - confidence) / 2;
    *interval =
        (nn_interval){quantile(means, rounds, outside), quantile(means, rounds, 1 - outside)};
    free(means);
    return NN_OK;
}
