/* Whether two results differ by more than chance: plain functions over counts and arrays, pure,
 * callable from any thread. Intervals are for `z` standard deviations (NN_Z95: 95 %). Shares lie in
 * 0..1. See metrics.h for nn_wilson, the interval of one share. */
#ifndef GRADUS_ENGINE_STATISTICS_H
#define GRADUS_ENGINE_STATISTICS_H

#include "engine/metrics.h"

#include <stdbool.h>

#define NN_Z95 1.959963984540054

/* Two classifiers on the same examples: how many each got right. */
typedef struct {
    int64_t both_right, only_first, only_second, both_wrong;
} nn_pairs;
int64_t nn_pairs_count(nn_pairs pairs);

/* McNemar 1947: do the two differ in their error? Only the examples on which they disagree say so.
 * Up to NN_MCNEMAR_EXACT of them the p value is that of the binomial test with one half, two-sided;
 * beyond, of chi-square with one degree of freedom and continuity correction (Edwards 1948),
 * (|b - c| - 1)^2 / (b + c). */
enum { NN_MCNEMAR_EXACT = 1000 };
typedef struct {
    double p;         /* 1 where they never disagree */
    double statistic; /* chi-square; NaN where the test is exact */
    bool exact;
} nn_mcnemar_test;
nn_mcnemar_test nn_mcnemar(int64_t only_first, int64_t only_second);

/* Error of the second minus error of the first, and the range that is plausible for it: paired by
 * example (Newcombe 1998, "Improved confidence intervals for the difference between binomial
 * proportions based on paired data", method 10). -1..1 without examples. */
nn_interval nn_paired_difference(nn_pairs pairs, double z);
/* The same for two independent samples (Newcombe 1998, "Interval estimation for the difference
 * between independent proportions", method 10): share of the second minus share of the first. */
nn_interval nn_difference(int64_t first, int64_t first_count, int64_t second, int64_t second_count,
                          double z);

/* Percentile interval of the mean of `differences` (one an example), by drawing `count` of them
 * with replacement `rounds` times (Efron 1979). The same seed gives the same answer. Refuses fewer
 * than 2 examples, fewer than 100 rounds, a confidence outside (0,1), and numbers that are not
 * finite. Allocates for its time. */
nn_status nn_paired_bootstrap(const double *differences, int64_t count, int rounds, uint64_t seed,
                              double confidence, nn_interval *interval, nn_error *error);

#endif
