#include "engine/metrics.h"

#include <math.h>
#include <stdlib.h>

static void count_one(nn_outcomes *o, int32_t label, int32_t predicted)
{
    if (predicted)
        *(label ? &o->true_positive : &o->false_positive) += 1;
    else
        *(label ? &o->false_negative : &o->true_negative) += 1;
}

nn_outcomes nn_outcomes_of(const int32_t *labels, const int32_t *predictions, int64_t count)
{
    nn_outcomes o = {0, 0, 0, 0};
    for (int64_t i = 0; i < count; i++)
        count_one(&o, labels[i], predictions[i]);
    return o;
}

nn_outcomes nn_outcomes_at(const int32_t *labels, const double *scores, int64_t count,
                           double threshold)
{
    nn_outcomes o = {0, 0, 0, 0};
    for (int64_t i = 0; i < count; i++)
        count_one(&o, labels[i], scores[i] >= threshold);
    return o;
}

static double quotient(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

double nn_precision(nn_outcomes o)
{
    return quotient(o.true_positive, o.true_positive + o.false_positive);
}

double nn_recall(nn_outcomes o)
{
    return quotient(o.true_positive, o.true_positive + o.false_negative);
}

double nn_accuracy(nn_outcomes o)
{
    int64_t right = o.true_positive + o.true_negative;
    return quotient(right, right + o.false_positive + o.false_negative);
}

double nn_f_score(double precision, double recall, double beta)
{
    double below = beta * beta * precision + recall;
    return below > 0 ? (1 + beta * beta) * precision * recall / below : 0;
}

/* --- curves -------------------------------------------------------------------------------- */

typedef struct {
    double score;
    int32_t label;
} scored;

static int by_falling_score(const void *left, const void *right)
{
    const scored *a = left, *b = right;
    return (a->score < b->score) - (a->score > b->score);
}

static nn_status check_scores(const int32_t *labels, const double *scores, int64_t count,
                              int64_t *positives, nn_error *error)
{
    *positives = 0;
    for (int64_t i = 0; i < count; i++) {
        if (isnan(scores[i]))
            return nn_fail(error, NN_E_NONFINITE, "curve: score %lld is NaN", (long long)i);
        *positives += labels[i] != 0;
    }
    if (*positives == 0 || *positives == count)
        return nn_fail(error, NN_E_ARG,
                       "curve: %lld of %lld labels are positive; it needs both kinds",
                       (long long)*positives, (long long)count);
    return NN_OK;
}

nn_status nn_score_curve(const int32_t *labels, const double *scores, int64_t count,
                         nn_curve_point *points, int64_t *point_count, nn_error *error)
{
    int64_t positives, right = 0;
    *point_count = 0;
    nn_status status = check_scores(labels, scores, count, &positives, error);
    if (status)
        return status;
    scored *order = malloc((size_t)count * sizeof *order);
    if (!order)
        return nn_fail(error, NN_E_NOMEM, "curve of %lld scores: out of memory", (long long)count);
    for (int64_t i = 0; i < count; i++)
        order[i] = (scored){scores[i], labels[i] != 0};
    qsort(order, (size_t)count, sizeof *order, by_falling_score);
    points[(*point_count)++] = (nn_curve_point){INFINITY, 0, 0, 1};
    for (int64_t i = 0; i < count; i++) {
        right += order[i].label;
        if (i + 1 < count && order[i + 1].score == order[i].score)
            continue; /* a threshold takes all that share its score */
        points[(*point_count)++] =
            (nn_curve_point){order[i].score, quotient(right, positives),
                             quotient(i + 1 - right, count - positives), quotient(right, i + 1)};
    }
    free(order);
    return NN_OK;
}

double nn_roc_area(const nn_curve_point *points, int64_t count)
{
    double area = 0;
    for (int64_t i = 1; i < count; i++)
        area += (points[i].false_positive - points[i - 1].false_positive) *
                (points[i].recall + points[i - 1].recall) / 2;
    return area;
}

double nn_average_precision(const nn_curve_point *points, int64_t count)
{
    double area = 0;
    for (int64_t i = 1; i < count; i++)
        area += (points[i].recall - points[i - 1].recall) * points[i].precision;
    return area;
}

/* --- texts and samples ---------------------------------------------------------------------- */

double nn_perplexity(double mean_loss)
{
    return exp(mean_loss);
}

nn_interval nn_wilson(int64_t successes, int64_t trials, double z)
{
    if (trials <= 0)
        return (nn_interval){0, 1};
    double n = (double)trials, p = (double)successes / n, square = z * z;
    double centre = (p + square / (2 * n)) / (1 + square / n);
    double half = z / (1 + square / n) * sqrt(p * (1 - p) / n + square / (4 * n * n));
    /* At the ends the bound is exact; rounding must not move it. */
    return (nn_interval){successes <= 0 ? 0 : fmax(0, centre - half),
                         successes >= trials ? 1 : fmin(1, centre + half)};
}
