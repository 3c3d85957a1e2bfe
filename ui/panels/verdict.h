/* What the errors of a run say: the gap that matters most, why, and what to try (chapters 12 and
 * 26). Gaps count only beyond what sampling alone explains, and one verdict holds until another is
 * clearly stronger, so that words do not flicker. */
#ifndef GRADUS_UI_VERDICT_H
#define GRADUS_UI_VERDICT_H

#include "ui/run_view.h"

/* Errors are shares, 0..1; NaN unknown. Counts: examples behind each, 0 unknown. */
typedef struct {
    double human, train, train_dev, dev, test;
    int64_t train_count, train_dev_count, dev_count, test_count;
    int classes;
} error_ladder;

typedef enum {
    VERDICT_WAIT,         /* nothing measured yet */
    VERDICT_NOT_LEARNING, /* no better than guessing */
    VERDICT_BIAS,
    VERDICT_VARIANCE,
    VERDICT_MISMATCH,
    VERDICT_DEV_OVERFIT,
    VERDICT_GOOD, /* no gap beyond noise */
    VERDICT_COUNT
} verdict_kind;

/* A difference of two errors and the half width of its 95 % interval, from the sampling of both:
 * 1.96 sqrt(p(1-p)/n + q(1-q)/m). NaN where one is unknown. */
typedef struct {
    double size, noise;
} error_gap;

typedef struct {
    verdict_kind kind;
    error_gap bias, variance, mismatch, overfit;
    char what[96], why[200], advice[240];
    int chapter; /* 0: none */
} verdict;

/* `before`: the verdict so far, VERDICT_WAIT at the beginning. */
verdict verdict_of(const error_ladder *errors, verdict_kind before);
/* The test error is of the best epoch's weights: once it is known, the whole ladder is of that
 * epoch. */
bool verdict_of_best(const run_view *run);
/* The ladder now, and the verdict after all epochs, one after the other. */
error_ladder verdict_ladder(const run_view *run);
verdict verdict_of_run(const run_view *run);
/* Half width of the 95 % interval of one error; 0 when the count is unknown. */
double verdict_noise(double error, int64_t count);

#endif
