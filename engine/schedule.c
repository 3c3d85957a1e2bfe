#include "engine/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* --- the rate ------------------------------------------------------------------------------ */

static double per_epoch(const nn_schedule *schedule)
{
    return schedule->steps_per_epoch ? (double)schedule->steps_per_epoch : 1.0;
}

/* Warm-up is rounded to whole steps, so that the kind's own clock starts at one. */
static double warmup_steps(const nn_schedule *schedule)
{
    return schedule->warmup > 0 ? floor(schedule->warmup * per_epoch(schedule) + 0.5) : 0;
}

/* From 1 at share 0 to `low` at share 1. */
static double fall(double low, double share)
{
    return low + (1 - low) * (1 + cos(pi * share)) / 2;
}

/* The share of the way from the warm-up's end to the last step. */
static double progress(const nn_schedule *schedule, double since)
{
    double length = (double)schedule->total_steps - warmup_steps(schedule);
    return schedule->total_steps == 0 ? 0 : length > 0 ? fmin(since / length, 1) : 1;
}

static double multi_step(const nn_schedule *schedule, double since)
{
    int passed = 0;
    while (passed < schedule->milestones &&
           since >= schedule->milestone[passed] * per_epoch(schedule))
        passed++;
    return pow(schedule->factor, passed);
}

/* Loshchilov and Hutter 2017 ("SGDR"), equation 5. */
static double restarts(const nn_schedule *schedule, double since)
{
    double period = schedule->every * per_epoch(schedule), growth = schedule->factor;
    if (growth == 1)
        return fall(schedule->floor, fmod(since, period) / period);
    /* Before period n lie period (growth^n - 1) / (growth - 1) steps. */
    double n = floor(log(since / period * (growth - 1) + 1) / log(growth) + 1e-9);
    double before = period * (pow(growth, n) - 1) / (growth - 1);
    return fall(schedule->floor, fmax(since - before, 0) / (period * pow(growth, n)));
}

/* torch.optim.lr_scheduler.OneCycleLR: both halves are cosines, the peak is a step's. */
static double one_cycle(const nn_schedule *schedule, double since)
{
    if (schedule->total_steps == 0)
        return 1;
    double last = (double)schedule->total_steps - warmup_steps(schedule) - 1;
    double peak = schedule->factor * (last + 1) - 1;
    if (since <= peak && peak > 0)
        return fall(schedule->start, 1 - since / peak);
    peak = fmax(peak, 0);
    return last > peak ? fall(schedule->floor, fmin((since - peak) / (last - peak), 1)) : 1;
}

static double noam(const nn_schedule *schedule, double since)
{
    double s = since + 1, scale = schedule->width > 0 ? schedule->width * schedule->every : 1;
    return fmin(s / schedule->every, sqrt(schedule->every / s)) / sqrt(scale);
}

double nn_schedule_factor(const nn_schedule *schedule, uint64_t step)
{
    double warmup = warmup_steps(schedule);
    /* Goyal et al. 2017, section 2.2. The ramp's 0 lies one step before the first, so that no step
     * is wasted; its last step has the full rate. */
    if ((double)step < warmup)
        return ((double)step + 1) / warmup;
    double since = (double)step - warmup;
    double epoch = since / per_epoch(schedule);
    switch (schedule->kind) {
    case NN_SCHEDULE_STEP:
        /* Epochs count from 0: with every = 10 the first ten have the full rate. The listing of
         * chapter 19 drops after nine (errata E19.1). Counted in steps, so that a fractional
         * `every` falls on a step and not beside it. */
        return pow(schedule->factor, floor(since / (schedule->every * per_epoch(schedule))));
    case NN_SCHEDULE_MULTI_STEP:
        return multi_step(schedule, since);
    case NN_SCHEDULE_EXPONENTIAL:
        return pow(schedule->factor, epoch);
    case NN_SCHEDULE_INVERSE_TIME:
        return 1 / (1 + schedule->factor * epoch);
    case NN_SCHEDULE_POLYNOMIAL:
        return schedule->floor +
               (1 - schedule->floor) * pow(1 - progress(schedule, since), schedule->factor);
    case NN_SCHEDULE_COSINE:
        return fall(schedule->factor, progress(schedule, since));
    case NN_SCHEDULE_RESTARTS:
        return restarts(schedule, since);
    case NN_SCHEDULE_ONE_CYCLE:
        return one_cycle(schedule, since);
    case NN_SCHEDULE_NOAM:
        return noam(schedule, since);
    case NN_SCHEDULE_PLATEAU:
        return schedule->reached > 0 ? schedule->reached : 1;
    case NN_SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}

/* --- watching a loss ----------------------------------------------------------------------- */

nn_watch nn_watch_new(void)
{
    return (nn_watch){.best = INFINITY};
}

bool nn_watch_look(nn_watch *watch, double loss, double delta)
{
    if (loss < watch->best - delta) {
        *watch = (nn_watch){.best = loss};
        return true;
    }
    watch->waited++;
    return false;
}

bool nn_schedule_look(nn_schedule *schedule, nn_watch *watch, double dev_loss)
{
    if (schedule->kind != NN_SCHEDULE_PLATEAU || nn_watch_look(watch, dev_loss, schedule->delta) ||
        watch->waited < schedule->every)
        return false;
    double before = schedule->reached > 0 ? schedule->reached : 1;
    watch->waited = 0;
    schedule->reached = fmax(before * schedule->factor, fmin(schedule->floor, before));
    return schedule->reached < before;
}
