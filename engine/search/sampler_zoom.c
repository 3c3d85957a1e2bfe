/* Coarse to fine: look everywhere, then again where the best lie (notes, chapter 20). */
#include "engine/search/sampler_internal.h"

#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 4, ROUND_LEAST = 5, ROUND_OPEN = 10, BEST_LEAST = 3 };

static void whole_space(nn_region *region)
{
    region->trials = 0;
    for (int p = 0; p < NN_SPACE_PARAMS; p++) {
        region->low[p] = 0;
        region->high[p] = 1;
        region->words[p] = ~0u;
    }
}

static void take_in(const nn_space *space, const nn_point *point, nn_region *region)
{
    for (int p = 0; p < space->count; p++) {
        const nn_space_param *param = &space->param[p];
        if (isnan(point->value[p]))
            continue;
        double unit = nn_space_unit(param, point->value[p]);
        region->low[p] = fmin(region->low[p], unit);
        region->high[p] = fmax(region->high[p], unit);
        if (param->scale == NN_SCALE_CHOICE)
            region->words[p] |= 1u << nn_space_option(param, point->value[p]);
    }
}

nn_status nn_best_region(const nn_space *space, const nn_trial_record *history, int count,
                         nn_region *region, nn_error *error)
{
    whole_space(region);
    int *order = malloc(((size_t)count + 1) * sizeof *order);
    int closed = order ? nn_rank_trials(history, count, order) : -1;
    if (closed < 0) {
        free(order);
        return nn_fail(error, NN_E_NOMEM, "no memory to rank %d trials", count);
    }
    int finished = 0;
    while (finished < closed && nn_trial_succeeded(&history[order[finished]]))
        finished++;
    int best = (finished + 4) / 5;
    best = best < BEST_LEAST ? BEST_LEAST : best;
    best = best > finished ? finished : best;
    if (best > 0)
        for (int p = 0; p < space->count; p++) {
            region->low[p] = 1;
            region->high[p] = 0;
            region->words[p] = 0;
        }
    for (int i = 0; i < best; i++)
        take_in(space, &history[order[i]].point, region);
    for (int p = 0; p < space->count; p++)
        if (region->low[p] > region->high[p]) { /* not there in any of them */
            region->low[p] = 0;
            region->high[p] = 1;
            region->words[p] = ~0u;
        }
    region->trials = best;
    free(order);
    return NN_OK;
}

/* A tenth more to each side, and no narrower than half the round before would be: a lucky cluster
 * must not shut the rest out at once. */
static void widen(const nn_space *space, int round, nn_region *region)
{
    double least = pow(0.5, round + 1);
    for (int p = 0; p < space->count; p++) {
        double width = region->high[p] - region->low[p];
        double middle = 0.5 * (region->high[p] + region->low[p]);
        width = fmax(1.2 * width, least);
        middle = fmin(fmax(middle, 0.5 * width), 1 - 0.5 * width);
        region->low[p] = fmax(0, middle - 0.5 * width);
        region->high[p] = fmin(1, middle + 0.5 * width);
    }
}

/* The unit within the region; a choice among the words that are left. */
static double squeeze(const nn_space_param *param, const nn_region *region, int p, double unit)
{
    if (param->scale != NN_SCALE_CHOICE)
        return region->low[p] + unit * (region->high[p] - region->low[p]);
    int left = 0, wanted = 0;
    for (int i = 0; i < param->choices; i++)
        left += region->words[p] >> i & 1;
    wanted = left > 0 ? (int)(unit * left) : 0;
    for (int i = 0; i < param->choices; i++)
        if ((region->words[p] >> i & 1) && wanted-- == 0)
            return nn_space_unit(param, i);
    return unit;
}

nn_status nn_zoom_next(const nn_space *space, const nn_sampler *sampler,
                       const nn_trial_record *history, int count, int number, nn_point *point,
                       nn_error *error)
{
    int size = sampler->trials > 0 ? (sampler->trials + ROUNDS - 1) / ROUNDS : ROUND_OPEN;
    size = size < ROUND_LEAST ? ROUND_LEAST : size;
    int round = number / size;
    nn_region region;
    whole_space(&region);
    if (round > 0) {
        nn_status status = nn_best_region(space, history, count, &region, error);
        if (status != NN_OK)
            return status;
        if (region.trials > 0)
            widen(space, round, &region);
    }
    double units[NN_SPACE_PARAMS];
    uint64_t seed = sampler->seed + 1 + (uint64_t)round * 0x9e3779b97f4a7c15u;
    for (int p = 0; p < space->count; p++)
        units[p] = squeeze(&space->param[p], &region, p,
                           nn_sobol((uint32_t)(number % size), p, seed ? seed : 1));
    *point = nn_space_point(space, units);
    return NN_OK;
}
