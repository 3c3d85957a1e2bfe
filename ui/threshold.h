/* One class against the rest at a threshold (chapter 23): precision, recall, F-beta, both curves
 * with their areas, and what the mistakes cost. */
#ifndef GRADUS_UI_THRESHOLD_H
#define GRADUS_UI_THRESHOLD_H

#include "engine/metrics.h"
#include "ui/answers.h"
#include "ui/selection.h"

typedef struct {
    int class_number;
    double threshold, beta;
    double false_positive_cost, false_negative_cost; /* of one each */
    int64_t count, positives;
    nn_outcomes outcomes;
    double precision, recall, f_beta, accuracy, cost;
    double best_threshold, best_f_beta; /* the peak over all thresholds */
    double cheapest_threshold, least_cost;
    nn_curve_point *points; /* thresholds falling; the first stands at infinity */
    int64_t point_count;
    double roc_area, average_precision;
} threshold_report;

/* From all probabilities; `found` NULL: for two classes those of the book say everything, with more
 * it is refused. beta, costs: >= 0. */
nn_status threshold_judge(const example_book *book, const answers *found, int class_number,
                          threshold_report *report, nn_error *error);
void threshold_free(threshold_report *report);

#endif
