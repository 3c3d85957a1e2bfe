/* The list of samplers, random search, and what several of them share. */
#include "engine/search/sampler_internal.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"grid", "random", "sobol", "tpe", "zoom"};
enum { SAMPLERS = sizeof names / sizeof *names };

nn_status nn_sampler_of(const char *name, nn_sampler_kind *kind, nn_error *error)
{
    for (int i = 0; i < SAMPLERS; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (nn_sampler_kind)i;
            return NN_OK;
        }
    return nn_fail(error, NN_E_ARG, "no sampler '%.40s': expected grid, random, sobol, tpe or zoom",
                   name);
}

const char *nn_sampler_name(nn_sampler_kind kind)
{
    return (unsigned)kind < SAMPLERS ? names[kind] : "unknown";
}

/* --- ranking -----------------------------------------------------------------------------------
 */

bool nn_trial_succeeded(const nn_trial_record *record)
{
    return record->outcome == NN_TRIAL_FINISHED && isfinite(record->objective);
}

static int class_of(const nn_trial_record *record)
{
    if (nn_trial_succeeded(record))
        return 0;
    return record->outcome == NN_TRIAL_PRUNED && isfinite(record->objective) ? 1 : 2;
}

/* Whether a stands before b; of equals the earlier. */
static bool better(const nn_trial_record *history, int a, int b)
{
    const nn_trial_record *x = &history[a], *y = &history[b];
    int first = class_of(x), second = class_of(y);
    if (first != second)
        return first < second;
    if (first == 1 && x->epoch != y->epoch)
        return x->epoch > y->epoch;
    if (first < 2 && x->objective != y->objective)
        return x->objective < y->objective;
    return a < b;
}

/* Merges order[0..middle) and order[middle..count), both sorted. */
static void merge(const nn_trial_record *history, int *order, int *room, int middle, int count)
{
    int left = 0, right = middle;
    for (int i = 0; i < count; i++) {
        bool take_left =
            right >= count || (left < middle && !better(history, order[right], order[left]));
        room[i] = order[take_left ? left++ : right++];
    }
    memcpy(order, room, (size_t)count * sizeof *order);
}

static void sort(const nn_trial_record *history, int *order, int *room, int count)
{
    for (int width = 1; width < count; width *= 2)
        for (int start = 0; start + width < count; start += 2 * width) {
            int length = count - start < 2 * width ? count - start : 2 * width;
            merge(history, order + start, room, width, length);
        }
}

int nn_rank_trials(const nn_trial_record *history, int count, int *order)
{
    int closed = 0;
    for (int i = 0; i < count; i++)
        if (history[i].outcome != NN_TRIAL_OPEN)
            order[closed++] = i;
    int *room = malloc(((size_t)closed + 1) * sizeof *room);
    if (!room)
        return -1;
    sort(history, order, room, closed);
    free(room);
    return closed;
}

/* --- proposing ---------------------------------------------------------------------------------
 */

static nn_point random_point(const nn_space *space, uint64_t seed, int number)
{
    double units[NN_SPACE_PARAMS];
    for (int p = 0; p < space->count; p++)
        units[p] = nn_uniform_at(seed, NN_STREAM_RANDOM_SEARCH, (uint64_t)number, (uint32_t)p);
    return nn_space_point(space, units);
}

nn_status nn_sampler_next(const nn_space *space, const nn_sampler *sampler,
                          const nn_trial_record *history, int count, int number, nn_point *point,
                          nn_error *error)
{
    switch (sampler->kind) {
    case NN_SAMPLER_GRID:
        return nn_grid_next(space, sampler, history, count, point, error);
    case NN_SAMPLER_RANDOM:
        *point = random_point(space, sampler->seed, number);
        return NN_OK;
    case NN_SAMPLER_SOBOL:
        *point = nn_sobol_point(space, sampler->seed, (uint32_t)number);
        return NN_OK;
    case NN_SAMPLER_TPE:
        return nn_tpe_next(space, sampler, history, count, number, point, error);
    case NN_SAMPLER_ZOOM:
        return nn_zoom_next(space, sampler, history, count, number, point, error);
    }
    return nn_fail(error, NN_E_ARG, "no sampler of number %d", (int)sampler->kind);
}
