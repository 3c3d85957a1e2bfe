/* Learning-rate schedules (chapter 19) as pure functions of the step. */
#ifndef GRADUS_ENGINE_SCHEDULE_H
#define GRADUS_ENGINE_SCHEDULE_H

#include "engine/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    NN_SCHEDULE_CONSTANT,
    NN_SCHEDULE_STEP,         /* factor ^ floor(epoch / every) */
    NN_SCHEDULE_MULTI_STEP,   /* factor ^ (how many milestones, in epochs, have been reached) */
    NN_SCHEDULE_EXPONENTIAL,  /* factor ^ epoch, epoch a real number */
    NN_SCHEDULE_INVERSE_TIME, /* 1 / (1 + factor * epoch) */
    NN_SCHEDULE_POLYNOMIAL,   /* floor + (1-floor) * (1 - progress) ^ factor */
    NN_SCHEDULE_COSINE,       /* factor + (1-factor) * (1 + cos(pi * progress)) / 2 (Loshchilov and
                                 Hutter 2017) */
    NN_SCHEDULE_RESTARTS,     /* the same over periods of `every` epochs, each `factor` times as
                                 long as the one before; down to `floor` */
    NN_SCHEDULE_ONE_CYCLE,    /* Smith 2018, with PyTorch's two cosines: from `start` up to 1 over
                                 the share `factor` of all steps, then down to `floor` */
    NN_SCHEDULE_NOAM,         /* Vaswani et al. 2017, section 5.3, at the full rate after `every`
                                 steps (not epochs): min(s / every, sqrt(every / s)), s = step + 1;
                                 with a width w > 0 the paper's own scale,
                                 w^-0.5 min(s^-0.5, s every^-1.5) */
    NN_SCHEDULE_PLATEAU       /* times `factor` whenever the dev loss has not fallen below the best
                                 one by more than `delta` for `every` epochs; never below `floor` */
} nn_schedule_kind;

enum { NN_MILESTONES = 8, NN_SCHEDULE_TEXT = 160 /* room for any schedule's text */ };

typedef struct {
    nn_schedule_kind kind;
    double factor;
    double every; /* epochs; steps of NOAM */
    double floor, start, delta, width;
    double milestone[NN_MILESTONES]; /* of MULTI_STEP, rising, epochs */
    int milestones;
    double warmup; /* epochs of a linear ramp before any kind, rounded to whole steps: step i of n
                      has (i+1)/n, so no step is spent at 0; the kind starts after it */
    uint64_t steps_per_epoch;
    uint64_t total_steps;
    double reached; /* of PLATEAU: what the dev losses so far have brought the factor to; 0 means 1.
                       nothing else in here changes while a training runs */
} nn_schedule;

/* Reads "constant", "step:0.5,10" (factor, every epochs), "steps:0.1,30,60,80" (factor, at these
 * epochs), "exponential:0.95", "inverse:1", "polynomial:2" (power[, floor]), "cosine",
 * "cosine:0.01" (floor as a share of the rate), "restarts:10,2" (first period[, growth[, floor]]),
 * "onecycle" ([rise 0.3[, start 0.04[, floor 4e-6]]]), "noam:4000" (steps of warm-up[, width]),
 * "plateau:0.1,10" (factor, patience in epochs[, delta[, floor]]), each with an optional
 * ",warmup=2" (or "warmup:2" alone for constant). The error names the place. steps_per_epoch and
 * total_steps are left alone. */
nn_status nn_schedule_parse(const char *text, nn_schedule *schedule, nn_error *error);
/* The text that nn_schedule_parse would read back. */
void nn_schedule_text(const nn_schedule *schedule, char *text, int size);
/* What the base rate is multiplied with at `step` (0-based: the rate of the step about to run).
 * Pure; any thread. With total_steps 0 (unknown) what needs the end stays at 1; after the end, at
 * its floor. */
double nn_schedule_factor(const nn_schedule *schedule, uint64_t step);

/* --- watching a loss (chapter 15) -----------------------------------------------------------
 *
 * Early stopping and PLATEAU wait alike (golden ch15-early-stopping): a loss below best - delta is
 * the new best and ends the waiting, any other one, NaN too, adds to it. */
typedef struct {
    double best; /* infinity before the first */
    int waited;
} nn_watch;

nn_watch nn_watch_new(void);
bool nn_watch_look(nn_watch *watch, double loss, double delta); /* true: a new best */
/* What an epoch's dev loss does to the factor of a PLATEAU: true when it was reduced. */
bool nn_schedule_look(nn_schedule *schedule, nn_watch *watch, double dev_loss);

#endif
