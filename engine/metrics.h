/* Numbers that judge predictions, beside the graph: plain functions over arrays, pure, callable
 * from any thread. Labels are 0 or 1 (anything but 0 counts as 1). */
#ifndef GRADUS_ENGINE_METRICS_H
#define GRADUS_ENGINE_METRICS_H

#include "engine/status.h"

#include <stdint.h>

typedef struct {
    int64_t true_positive, false_positive, false_negative, true_negative;
} nn_outcomes;

nn_outcomes nn_outcomes_of(const int32_t *labels, const int32_t *predictions, int64_t count);
/* Positive means score >= threshold. */
nn_outcomes nn_outcomes_at(const int32_t *labels, const double *scores, int64_t count,
                           double threshold);
/* 0 where the quotient is 0/0: nothing called positive, nothing positive, nothing at all. */
double nn_precision(nn_outcomes o);
double nn_recall(nn_outcomes o);
double nn_accuracy(nn_outcomes o);
/* (1 + beta^2) p r / (beta^2 p + r); 0 where p and r are both 0 (van Rijsbergen 1979). */
double nn_f_score(double precision, double recall, double beta);

/* One point a threshold, thresholds falling: the rates of `positive means score >= threshold`. */
typedef struct {
    double threshold;
    double recall;         /* true positive rate: the y of ROC, the x of the PR curve */
    double false_positive; /* rate: the x of ROC */
    double precision;
} nn_curve_point;
/* Every different score is a threshold. `points` has room for `count` + 1; the first one stands at
 * infinity, where nothing is positive (recall 0, by convention precision 1). Refuses NaN scores and
 * labels of one kind only. */
nn_status nn_score_curve(const int32_t *labels, const double *scores, int64_t count,
                         nn_curve_point *points, int64_t *point_count, nn_error *error);
/* Area under ROC by trapezoids: the probability that a positive scores above a negative, ties half
 * (Hanley and McNeil 1982). */
double nn_roc_area(const nn_curve_point *points, int64_t count);
/* sum (recall step) x precision: average precision, without interpolation. */
double nn_average_precision(const nn_curve_point *points, int64_t count);

/* exp of a mean negative log-likelihood in nats. */
double nn_perplexity(double mean_loss);

/* Wilson 1927: the range of success rates that `successes` of `trials` leave plausible at z
 * standard deviations (1.96: 95 %). Never outside 0..1; 0..1 without trials. */
typedef struct {
    double low, high;
} nn_interval;
nn_interval nn_wilson(int64_t successes, int64_t trials, double z);

#endif
