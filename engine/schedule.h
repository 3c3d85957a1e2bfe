/* Learning-rate schedules (chapter 19) as pure functions of the step. */
#ifndef GRADUS_ENGINE_SCHEDULE_H
#define GRADUS_ENGINE_SCHEDULE_H

#include "engine/status.h"

#include <stdint.h>

typedef enum {
    NN_SCHEDULE_CONSTANT,
    NN_SCHEDULE_STEP,         /* factor ^ floor(epoch / every) */
    NN_SCHEDULE_EXPONENTIAL,  /* factor ^ epoch, epoch a real number */
    NN_SCHEDULE_INVERSE_TIME, /* 1 / (1 + factor * epoch) */
    NN_SCHEDULE_COSINE /* factor + (1-factor) * (1 + cos(pi * progress)) / 2 (Loshchilov and Hutter
                          2017) */
} nn_schedule_kind;

typedef struct {
    nn_schedule_kind kind;
    double factor;
    double every;  /* epochs, of STEP */
    double warmup; /* epochs of a linear ramp before any kind, rounded to whole steps: step i of n
                      has (i+1)/n, so no step is spent at 0; the kind starts after it */
    uint64_t steps_per_epoch;
    uint64_t total_steps;
} nn_schedule;

/* Reads "constant", "step:0.5,10" (factor, every epochs), "exponential:0.95", "inverse:1",
 * "cosine", "cosine:0.01" (floor as a share of the rate), each with an optional ",warmup=2" (or
 * "warmup:2" alone for constant). The error names the place. steps_per_epoch and total_steps are
 * left alone. */
nn_status nn_schedule_parse(const char *text, nn_schedule *schedule, nn_error *error);
/* The text that nn_schedule_parse would read back. */
void nn_schedule_text(const nn_schedule *schedule, char *text, int size);
/* What the base rate is multiplied with at `step` (0-based: the rate of the step about to run).
 * Pure; any thread. With total_steps 0 (unknown) cosine stays at 1; after the end, at its floor. */
double nn_schedule_factor(const nn_schedule *schedule, uint64_t step);

#endif
