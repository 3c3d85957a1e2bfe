/* The way of weights under an optimiser that is given its gradients. */
#ifndef GRADUS_TESTS_GOLDEN_FOLLOW_H
#define GRADUS_TESTS_GOLDEN_FOLLOW_H

#include "tests/golden_case.h"

typedef struct {
    golden_array start;    /* W0 */
    golden_array gradient; /* (steps, numbers) */
    nn_optimizer_args args;
} golden_course;

typedef struct {
    golden_array weights;       /* after each step */
    golden_array first, second; /* moments at the end; no data where the kind keeps none */
} golden_outcome;

/* Through graph, plan and optimiser. */
golden_outcome golden_follow(golden_case *c, const golden_course *way);

#endif
