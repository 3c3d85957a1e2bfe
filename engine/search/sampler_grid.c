/* Every combination of a few values of each parameter. Parameters that are not there for a value of
 * another multiply nothing. */
#include "engine/search/sampler_internal.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS_MAX = 1000, GRID_MAX = 1 << 20 };

/* Values of a parameter on a grid with `steps` steps: a choice has its own number, a short range of
 * whole numbers all of them. */
static int values_of(const nn_space_param *param, int steps)
{
    int64_t options = nn_space_options(param);
    if (param->scale == NN_SCALE_CHOICE || (options > 0 && options <= steps))
        return (int)options;
    return steps;
}

static double value_at(const nn_space_param *param, int steps, int place)
{
    int count = values_of(param, steps);
    if (nn_space_options(param) == count)
        return param->low + place;
    return nn_space_value(param, count > 1 ? (double)place / (count - 1) : 0.5);
}

/* Combinations of parameters p and later, given those before; `most` where they are so many. */
static int64_t combinations(const nn_space *space, int p, int steps, int64_t most, nn_point *point)
{
    if (p == space->count)
        return 1;
    point->value[p] = (double)NAN;
    if (!nn_space_active(space, p, point))
        return combinations(space, p + 1, steps, most, point);
    const nn_space_param *param = &space->param[p];
    bool decides = false;
    for (int q = p + 1; q < space->count; q++)
        decides = decides || space->param[q].parent == p;
    int count = values_of(param, steps);
    int64_t sum = 0;
    for (int i = 0; i < (decides ? count : 1) && sum < most; i++) {
        point->value[p] = value_at(param, steps, i);
        sum += combinations(space, p + 1, steps, most, point);
    }
    if (!decides)
        sum *= count;
    return sum < most ? sum : most;
}

static int64_t size_with(const nn_space *space, int steps, int64_t most)
{
    nn_point point = nn_point_nowhere();
    return combinations(space, 0, steps, most, &point);
}

static bool can_grow(const nn_space *space, int steps)
{
    for (int p = 0; p < space->count; p++)
        if (values_of(&space->param[p], steps + 1) > values_of(&space->param[p], steps))
            return true;
    return false;
}

static int steps_for(const nn_space *space, int trials)
{
    int steps = 2;
    int64_t most = trials < GRID_MAX ? trials : GRID_MAX - 1;
    if (trials <= 0)
        return 4;
    while (steps < STEPS_MAX && can_grow(space, steps) &&
           size_with(space, steps + 1, most + 1) <= most)
        steps++;
    return steps;
}

int64_t nn_grid_size(const nn_space *space, int trials)
{
    return size_with(space, steps_for(space, trials), GRID_MAX);
}

/* Combination number `number` of those of parameters p and later. */
static void unpack(const nn_space *space, int p, int steps, int64_t number, nn_point *point)
{
    for (; p < space->count; p++) {
        point->value[p] = (double)NAN;
        if (!nn_space_active(space, p, point))
            continue;
        const nn_space_param *param = &space->param[p];
        for (int i = 0; i < values_of(param, steps); i++) {
            nn_point rest = *point;
            rest.value[p] = value_at(param, steps, i);
            int64_t below = combinations(space, p + 1, steps, GRID_MAX, &rest);
            point->value[p] = value_at(param, steps, i);
            if (number < below)
                break;
            number -= below;
        }
    }
}

static bool tried(const nn_space *space, const nn_trial_record *history, int count,
                  const nn_point *point)
{
    for (int i = 0; i < count; i++)
        if (nn_space_same(space, &history[i].point, point))
            return true;
    return false;
}

nn_status nn_grid_next(const nn_space *space, const nn_sampler *sampler,
                       const nn_trial_record *history, int count, nn_point *point, nn_error *error)
{
    int steps = steps_for(space, sampler->trials);
    int64_t size = size_with(space, steps, GRID_MAX);
    if (size >= GRID_MAX)
        return nn_fail(
            error, NN_E_ARG,
            "the grid has more than %d points: take another sampler, or fewer parameters",
            GRID_MAX);
    uint32_t *order = malloc(((size_t)size + 1) * sizeof *order);
    if (!order)
        return nn_fail(error, NN_E_NOMEM, "no memory for a grid of %lld points", (long long)size);
    nn_shuffle(order, (size_t)size, sampler->seed, NN_STREAM_GRID);
    bool found = false;
    for (int64_t i = 0; i < size && !found; i++) {
        *point = nn_point_nowhere();
        unpack(space, 0, steps, order[i], point);
        found = !tried(space, history, count, point);
    }
    free(order);
    return found ? NN_OK
                 : nn_fail(error, NN_E_STATE, "all %lld points of the grid have been tried",
                           (long long)size);
}
