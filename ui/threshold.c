#include "ui/threshold.h"

#include <math.h>
#include <stdlib.h>

/* --- scores ------------------------------------------------------------------------------------
 */

static double score_of(const example_book *book, const answers *found, const book_example *e,
                       int class_number)
{
    if (found)
        return (double)found->probability[e->place * found->classes + class_number];
    (void)book;
    double p = (double)e->probability;
    return e->predicted == class_number ? p : 1 - p;
}

static nn_status check(const example_book *book, const answers *found, threshold_report *r,
                       int class_number, nn_error *error)
{
    if (class_number < 0 || class_number >= book->classes)
        return nn_fail(error, NN_E_ARG, "class %d: expected 0 to %d", class_number,
                       book->classes - 1);
    if (!found && book->classes != 2)
        return nn_fail(error, NN_E_ARG,
                       "one of %d classes against the rest needs all probabilities of the network",
                       book->classes);
    if (found && (found->count != book->count || found->classes != book->classes))
        return nn_fail(error, NN_E_STATE, "the network answers %lld examples, the run has %lld",
                       (long long)found->count, (long long)book->count);
    if (!(r->beta >= 0) || !(r->false_positive_cost >= 0) || !(r->false_negative_cost >= 0) ||
        isnan(r->threshold))
        return nn_fail(error, NN_E_ARG, "beta and costs: expected numbers from 0 on");
    return NN_OK;
}

/* --- what the points say -----------------------------------------------------------------------
 */

static double cost_of(const threshold_report *r, nn_outcomes o)
{
    return r->false_positive_cost * (double)o.false_positive +
           r->false_negative_cost * (double)o.false_negative;
}

static void find_peaks(threshold_report *r)
{
    double negatives = (double)(r->count - r->positives), positives = (double)r->positives;
    r->best_f_beta = -1;
    r->least_cost = INFINITY;
    for (int64_t i = 0; i < r->point_count; i++) {
        const nn_curve_point *p = &r->points[i];
        double f = nn_f_score(p->precision, p->recall, r->beta);
        double cost = r->false_positive_cost * p->false_positive * negatives +
                      r->false_negative_cost * (1 - p->recall) * positives;
        if (f > r->best_f_beta) {
            r->best_f_beta = f;
            r->best_threshold = p->threshold;
        }
        if (cost < r->least_cost) {
            r->least_cost = cost;
            r->cheapest_threshold = p->threshold;
        }
    }
}

nn_status threshold_judge(const example_book *book, const answers *found, int class_number,
                          threshold_report *r, nn_error *error)
{
    nn_status status = check(book, found, r, class_number, error);
    if (status != NN_OK)
        return status;
    size_t room = (size_t)book->count + 1;
    int32_t *labels = calloc(room, sizeof *labels);
    double *scores = calloc(room, sizeof *scores);
    r->points = calloc(room + 1, sizeof *r->points);
    r->class_number = class_number;
    r->count = book->count;
    r->positives = 0;
    if (!labels || !scores || !r->points)
        status =
            nn_fail(error, NN_E_NOMEM, "out of memory for %lld scores", (long long)book->count);
    for (int64_t i = 0; i < book->count && status == NN_OK; i++) {
        labels[i] = book->examples[i].truth == class_number;
        scores[i] = score_of(book, found, &book->examples[i], class_number);
        r->positives += labels[i];
    }
    if (status == NN_OK)
        status = nn_score_curve(labels, scores, book->count, r->points, &r->point_count, error);
    if (status == NN_OK) {
        r->outcomes = nn_outcomes_at(labels, scores, book->count, r->threshold);
        r->precision = nn_precision(r->outcomes);
        r->recall = nn_recall(r->outcomes);
        r->f_beta = nn_f_score(r->precision, r->recall, r->beta);
        r->accuracy = nn_accuracy(r->outcomes);
        r->cost = cost_of(r, r->outcomes);
        r->roc_area = nn_roc_area(r->points, r->point_count);
        r->average_precision = nn_average_precision(r->points, r->point_count);
        find_peaks(r);
    }
    free(labels);
    free(scores);
    if (status != NN_OK)
        threshold_free(r);
    return status;
}

void threshold_free(threshold_report *report)
{
    free(report->points);
    report->points = NULL;
    report->point_count = 0;
}
