/* Several runs side by side, as the store knows them: what differs in their settings, which errors
 * differ by more than chance, which examples one gets right and the other wrong. The same for the
 * Compare screen and for `gradus compare`. Belongs to one thread. */
#ifndef GRADUS_UI_COMPARISON_H
#define GRADUS_UI_COMPARISON_H

#include "engine/statistics.h"
#include "store/run_table.h"
#include "ui/run_view.h"

enum { COMPARISON_RUNS = 52, COMPARISON_VALUE = 48, COMPARISON_SENTENCE = 400 };

/* Whether a run's error can be set beside that of the first run. */
typedef enum {
    STANDING_RANKED,
    STANDING_OTHER_DEV,   /* judged on other dev examples: listed, never ranked */
    STANDING_UNJUDGED,    /* not evaluated yet */
    STANDING_NOT_A_NUMBER /* it diverged, or its dev error is NaN */
} compared_standing;

typedef struct {
    char letter; /* A, B, ... in the order they were named, then a, b, ... */
    run_view *view;
    store_param *params;
    int param_count;
    store_prediction *predictions; /* on the dev part, by example; NULL: none were kept */
    int64_t prediction_count;
    const store_evaluation *last; /* of the dev part, in view; NULL: none */
    compared_standing standing;
    int64_t wrong;     /* of last->count */
    nn_interval range; /* Wilson's 95 % interval of the dev error; 0..1 without one */
    /* Last dev errors of all runs of the store with these settings and other seeds, this one
     * among them, ascending; unfinished ones are left out. Where the seed draws the dev examples
     * too, the spread is that of both. */
    double *seed_errors;
    int seed_count;
} compared_run;

/* A setting and its value in every run, as text; "-" where a run has none. */
typedef struct {
    char key[32];
    bool differs;
    char value[COMPARISON_RUNS][COMPARISON_VALUE];
} compared_setting;

typedef struct {
    compared_run runs[COMPARISON_RUNS];
    int count;
    compared_setting *settings;
    int setting_count, differing; /* those that differ stand first */
} comparison;

/* Reads the runs `ids`, in this order, into an empty comparison. `table` (NULL: do not look) knows
 * the runs of other seeds. On failure nothing is left. */
nn_status comparison_read(comparison *c, store *s, const run_table *table, const run_id *ids,
                          int count, nn_error *error);
/* The same runs again: only what is new in their curves is read. On failure it stays readable. */
nn_status comparison_refresh(comparison *c, store *s, const run_table *table, nn_error *error);
void comparison_free(comparison *c);
bool comparison_active(const comparison *c); /* one of them still trains */
const char *compared_standing_text(compared_standing standing);
/* The ranked run with the lowest dev error; -1: none. */
int comparison_best(const comparison *c);

/* x of curves. Seconds of training are laid along the steps by each epoch's measured speed. */
typedef enum { COMPARE_BY_EPOCH, COMPARE_BY_STEP, COMPARE_BY_TIME, COMPARE_AXES } compare_axis;
double compared_x(const compared_run *run, compare_axis axis, double step);

typedef enum {
    VERDICT_NONE, /* they cannot be ranked */
    VERDICT_SECOND_BETTER,
    VERDICT_SECOND_WORSE,
    VERDICT_NOT_DISTINGUISHABLE
} pair_verdict;

/* The second run against the first. */
typedef struct {
    int first, second;
    pair_verdict verdict;
    bool paired; /* by example; else from two separate rates, as predictions are missing */
    nn_pairs pairs;
    int64_t count;        /* examples that both answered */
    double difference;    /* dev error of the second minus that of the first; NaN unknown */
    nn_interval range;    /* 95 % */
    nn_mcnemar_test test; /* p is NaN where not paired */
    const char *method;   /* which test decided, in words */
    char sentence[COMPARISON_SENTENCE];
} compared_pair;
compared_pair compare_pair(const comparison *c, int first, int second);

/* Confusion of the second run minus that of the first, in counts: row = truth. NULL where one is
 * missing, they have other classes or another dev set. Freed by the caller. */
int32_t *compare_confusion(const comparison *c, int first, int second);

/* Examples that exactly one of both got right: first those that only the first did. Freed by the
 * caller; NULL with 0 where predictions are missing or nothing differs. */
typedef struct {
    int64_t example;
    int truth, first, second; /* answers */
    float first_probability, second_probability;
} compared_example;
nn_status compare_examples(const comparison *c, int first, int second, compared_example **list,
                           int64_t *count, nn_error *error);

#endif
