/* What is wrong with a run, link by link: the errors on the way from people to test, the gaps
 * between them, which of them are real at these sizes, and what to do, in the order of chapter 22.
 * Pure functions of views and books. */
#ifndef GRADUS_UI_DIAGNOSIS_H
#define GRADUS_UI_DIAGNOSIS_H

#include "ui/panels/verdict.h"
#include "ui/selection.h"

enum { DIAGNOSIS_RUNGS = 5, DIAGNOSIS_LINKS = 4 };

typedef struct {
    const char *name;        /* "human" "train" "train-dev" "dev" "test" */
    double error, low, high; /* Wilson, 95 %; NaN: unknown. Human has no interval */
    int64_t count;
} diagnosis_rung;

typedef enum { LINK_UNKNOWN, LINK_NOISE, LINK_SMALL, LINK_REAL } link_state;
const char *link_state_name(link_state state);

typedef struct {
    const char *name; /* "avoidable bias" "variance" "mismatch" "overfitting to dev" */
    double size, noise;
    link_state state;
    const char *tools[5]; /* orthogonal ones first, those that turn several knobs last; NULL ends */
    int chapter;          /* that teaches them */
} diagnosis_link;

typedef struct {
    diagnosis_rung rungs[DIAGNOSIS_RUNGS];
    diagnosis_link links[DIAGNOSIS_LINKS];
    int next;        /* the first link of the chain that is real; -1: none */
    verdict verdict; /* the largest certain gap, with hysteresis over the epochs */
    bool best;       /* the ladder is of the best epoch; else of the last */
    int epoch;
} diagnosis;

diagnosis diagnose(const run_view *view);
/* How it is decided, for people. */
const char *diagnosis_rule(void);

/* The error of some examples of a part. */
typedef struct {
    char kind[16]; /* "class" "tag" "brightness" "length" "column" */
    char name[64]; /* "Shirt", "0.1 to 0.4" */
    int64_t count, errors;
    double error, low, high;
    bool real; /* the part's own error lies outside the interval */
} slice;

typedef struct {
    slice *list; /* by the lower end of the interval, worst first */
    int count, room;
} slices;

/* By class, by tag (and none), and of `data` (NULL: not those) by quarters of brightness (images),
 * of length (sequences), or of each of the first 16 columns (tables). */
nn_status slices_make(const example_book *book, const nn_dataset *data, slices *found,
                      nn_error *error);
void slices_free(slices *found);

#endif
