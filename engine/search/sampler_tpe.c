/* The tree-structured Parzen estimator: Bergstra, Bardenet, Bengio, Kegl 2011, "Algorithms for
 * hyper-parameter optimization", section 4. Trials are split into the best 15 % and the others; for
 * each parameter that is there, a density l of the first and g of the second is estimated, a few
 * candidates are drawn from l, and the one of the largest l / g is taken. A parameter under a
 * condition learns only from the trials in which it was there. */
#include "engine/search/sampler_internal.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>

enum { STARTUP = 10, CANDIDATES = 24, BEST_MOST = 25 };
static const double best_share = 0.15;

/* Draws of one proposal, in order. */
typedef struct {
    uint64_t seed, number;
    uint32_t drawn;
} source;

static double draw(source *random)
{
    return nn_uniform_at(random->seed, NN_STREAM_TPE, random->number, random->drawn++);
}

/* --- densities ---------------------------------------------------------------------------------
 */

/* Of one parameter in one group: normal bumps on the unit interval, or counts of words. Component 0
 * is the prior: one broad bump, or one of each word. */
typedef struct {
    const nn_space_param *param;
    int count;                     /* of components of a number, or of trials of a choice */
    double *middle, *width, *mass; /* mass: of a bump within [0,1] */
    double words[NN_SPACE_CHOICES];
} density;

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z / 1.4142135623730951);
}

static double bump_between(const density *d, int i, double low, double high)
{
    return normal_cdf((high - d->middle[i]) / d->width[i]) -
           normal_cdf((low - d->middle[i]) / d->width[i]);
}

/* The share of the unit interval that leads to a whole number. */
static void cell_of(const nn_space_param *param, double value, double *low, double *high)
{
    if (param->scale == NN_SCALE_INT) {
        double count = param->high - param->low + 1;
        *low = (value - param->low) / count;
        *high = (value - param->low + 1) / count;
        return;
    }
    double least = param->low - 0.5, range = log((param->high + 0.5) / least);
    *low = log((value - 0.5) / least) / range;
    *high = log((value + 0.5) / least) / range;
}

/* The logarithm of the density (of a continuum) or probability (of options) of a value. */
static double log_density(const density *d, double value)
{
    const nn_space_param *param = d->param;
    double sum = 0;
    if (param->scale == NN_SCALE_CHOICE)
        return log(d->words[nn_space_option(param, value)] / (d->count + param->choices));
    bool whole = nn_space_options(param) > 0;
    double unit = nn_space_unit(param, value), low = 0, high = 0;
    if (whole)
        cell_of(param, value, &low, &high);
    for (int i = 0; i < d->count; i++) {
        double z = (unit - d->middle[i]) / d->width[i];
        double here = whole ? bump_between(d, i, low, high)
                            : exp(-0.5 * z * z) / (d->width[i] * 2.5066282746310002);
        sum += here / d->mass[i];
    }
    return log(sum / d->count + 1e-300);
}

/* The unit where the cumulated bump i reaches `share`, by halving. */
static double quantile(const density *d, int i, double share)
{
    double low = 0, high = 1, wanted = share * d->mass[i];
    for (int turn = 0; turn < 40; turn++) {
        double middle = 0.5 * (low + high);
        if (bump_between(d, i, 0, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double draw_value(const density *d, source *random)
{
    double pick = draw(random), within = draw(random);
    if (d->param->scale == NN_SCALE_CHOICE) {
        double left = pick * (d->count + d->param->choices);
        int option = 0;
        while (option < d->param->choices - 1 && left >= d->words[option])
            left -= d->words[option++];
        return option;
    }
    return nn_space_value(d->param, quantile(d, (int)(pick * d->count), within));
}

/* --- estimating --------------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Bumps stand on the trials, as wide as the farther neighbour is away. */
static void estimate_bumps(density *d, double *units, int count)
{
    qsort(units, (size_t)count, sizeof *units, compare);
    double narrowest = 1.0 / (count + 1 < 100 ? count + 1 : 100);
    d->count = count + 1;
    d->middle[0] = 0.5;
    d->width[0] = 1;
    for (int i = 0; i < count; i++) {
        double left = units[i] - (i > 0 ? units[i - 1] : 0);
        double right = (i + 1 < count ? units[i + 1] : 1) - units[i];
        d->middle[i + 1] = units[i];
        d->width[i + 1] = fmin(1, fmax(narrowest, fmax(left, right)));
    }
    for (int i = 0; i < d->count; i++)
        d->mass[i] = bump_between(d, i, 0, 1);
}

/* From the trials `group[0..size)` in which parameter p was there. `room` holds 4 (size + 1)
 * numbers. */
static void estimate(density *d, const nn_space *space, int p, const nn_trial_record *history,
                     const int *group, int size, double *room)
{
    const nn_space_param *param = &space->param[p];
    double *units = room;
    *d = (density){.param = param,
                   .middle = room + size + 1,
                   .width = room + 2 * ((ptrdiff_t)size + 1),
                   .mass = room + 3 * ((ptrdiff_t)size + 1)};
    int count = 0;
    for (int i = 0; i < param->choices; i++)
        d->words[i] = 1;
    for (int i = 0; i < size; i++) {
        double value = history[group[i]].point.value[p];
        if (isnan(value))
            continue;
        if (param->scale == NN_SCALE_CHOICE)
            d->words[nn_space_option(param, value)]++;
        else
            units[count] = nn_space_unit(param, value);
        count++;
    }
    if (param->scale == NN_SCALE_CHOICE)
        d->count = count;
    else
        estimate_bumps(d, units, count);
}

/* --- proposing ---------------------------------------------------------------------------------
 */

typedef struct {
    int *order;       /* the best first, then the others, then those under way */
    int best, others; /* how many of each group */
    double *room[2];
} split;

static void split_free(split *s)
{
    free(s->order);
    free(s->room[0]);
    free(s->room[1]);
}

/* False: no memory. */
static bool split_trials(const nn_trial_record *history, int count, split *s)
{
    size_t numbers = 4 * ((size_t)count + 1);
    *s = (split){.order = malloc(((size_t)count + 1) * sizeof *s->order)};
    s->room[0] = malloc(numbers * sizeof *s->room[0]);
    s->room[1] = malloc(numbers * sizeof *s->room[1]);
    int closed =
        s->order && s->room[0] && s->room[1] ? nn_rank_trials(history, count, s->order) : -1;
    if (closed < 0)
        return false;
    int useful = 0;
    for (int i = 0; i < closed; i++)
        useful += history[s->order[i]].outcome != NN_TRIAL_FAILED &&
                  isfinite(history[s->order[i]].objective);
    if (useful >= STARTUP)
        s->best = (int)ceil(best_share * useful);
    s->best = s->best < BEST_MOST ? s->best : BEST_MOST;
    s->others = closed - s->best;
    for (int i = 0; i < count; i++)
        if (history[i].outcome == NN_TRIAL_OPEN)
            s->order[s->best + s->others++] = i;
    return true;
}

static double choose(const density *good, const density *bad, source *random)
{
    double chosen = 0, largest = -HUGE_VAL;
    for (int i = 0; i < CANDIDATES; i++) {
        double value = draw_value(good, random);
        double ratio = log_density(good, value) - log_density(bad, value);
        if (ratio > largest) {
            largest = ratio;
            chosen = value;
        }
    }
    return chosen;
}

nn_status nn_tpe_next(const nn_space *space, const nn_sampler *sampler,
                      const nn_trial_record *history, int count, int number, nn_point *point,
                      nn_error *error)
{
    split s;
    if (!split_trials(history, count, &s)) {
        split_free(&s);
        return nn_fail(error, NN_E_NOMEM, "no memory to learn from %d trials", count);
    }
    source random = {sampler->seed, (uint64_t)number, 0};
    if (s.best == 0) {
        *point = nn_sobol_point(space, sampler->seed, (uint32_t)number);
    } else {
        *point = nn_point_nowhere();
        for (int p = 0; p < space->count; p++) {
            density good, bad;
            if (!nn_space_active(space, p, point))
                continue;
            estimate(&good, space, p, history, s.order, s.best, s.room[0]);
            estimate(&bad, space, p, history, s.order + s.best, s.others, s.room[1]);
            point->value[p] = choose(&good, &bad, &random);
        }
    }
    split_free(&s);
    return NN_OK;
}
