/* Points with a min/max pyramid.
 *
 * Level 0 holds one node for every 8 points, level 1 one for every 8 nodes of level 0, and so on;
 * a node is the curve_range of its points. The last node of a level covers what is there so far, so
 * adding a point touches one node a level, and a range of points is the sum of at most 14 nodes a
 * level: a redraw costs the width of the screen, not the length of the run. */
#include "ui/run_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FAN = 8, LEVELS = 21 }; /* 8^21 points: more than an int64 counts */

typedef struct {
    curve_range *nodes;
    int64_t count, room;
} curve_level;

/* A smoothed copy and the state that continues it. */
typedef struct {
    int window;
    curve *points;
    double average, weight; /* of the exponential mean; weight = 1 - beta^t */
} curve_smoothing;

struct curve {
    double *x, *y;
    int64_t count, room;
    curve_level levels[LEVELS];
    curve_smoothing smoothing;
};

static const curve_range EMPTY = {NAN, NAN, NAN, NAN, 0, 0};

curve *curve_new(void)
{
    return calloc(1, sizeof(curve));
}

void curve_free(curve *c)
{
    if (!c)
        return;
    for (int i = 0; i < LEVELS; i++)
        free(c->levels[i].nodes);
    curve_free(c->smoothing.points);
    free(c->x);
    free(c->y);
    free(c);
}

int64_t curve_count(const curve *c)
{
    return c ? c->count : 0;
}

void curve_point(const curve *c, int64_t i, double *x, double *y)
{
    bool inside = c && i >= 0 && i < c->count;
    *x = inside ? c->x[i] : NAN;
    *y = inside ? c->y[i] : NAN;
}

int64_t curve_at(const curve *c, double x)
{
    int64_t low = 0, high = curve_count(c);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (c->x[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* `a` followed by `b`, in this order: first and last depend on it. */
static void join(curve_range *a, const curve_range *b)
{
    if (b->count > 0 && a->count > 0) {
        a->min = b->min < a->min ? b->min : a->min;
        a->max = b->max > a->max ? b->max : a->max;
        a->last = b->last;
    } else if (b->count > 0) {
        a->min = b->min, a->max = b->max;
        a->first = b->first, a->last = b->last;
    }
    a->count += b->count;
    a->bad += b->bad;
}

static void join_point(curve_range *a, double y)
{
    curve_range one = isfinite(y) ? (curve_range){y, y, y, y, 1, 0} : EMPTY;
    if (one.count == 0)
        one.bad = 1;
    join(a, &one);
}

static bool make_room(curve *c)
{
    if (c->count == c->room) {
        int64_t room = c->room > 0 ? 2 * c->room : 256;
        double *x = realloc(c->x, (size_t)room * sizeof *x);
        if (x)
            c->x = x;
        double *y = x ? realloc(c->y, (size_t)room * sizeof *y) : NULL;
        if (!y)
            return false;
        c->y = y;
        c->room = room;
    }
    int64_t node = c->count / FAN;
    for (int i = 0; i < LEVELS; i++, node /= FAN) {
        curve_level *level = &c->levels[i];
        if (node < level->room)
            continue;
        int64_t room = level->room > 0 ? 2 * level->room : 8;
        curve_range *nodes = realloc(level->nodes, (size_t)room * sizeof *nodes);
        if (!nodes)
            return false;
        level->nodes = nodes;
        level->room = room;
    }
    return true;
}

static bool smooth_point(curve_smoothing *s, double x, double y);

bool curve_add(curve *c, double x, double y)
{
    if (!c || isnan(x) || (c->count > 0 && x < c->x[c->count - 1]))
        return c != NULL; /* a point out of order has no place on the axis */
    if (!make_room(c))
        return false;
    c->x[c->count] = x;
    c->y[c->count] = y;
    int64_t node = c->count / FAN;
    for (int i = 0; i < LEVELS; i++, node /= FAN) {
        curve_level *level = &c->levels[i];
        if (node == level->count) {
            level->nodes[node] = EMPTY;
            level->count = node + 1;
        }
        join_point(&level->nodes[node], y);
    }
    c->count++;
    return !c->smoothing.points || smooth_point(&c->smoothing, x, y);
}

void curve_cut(curve *c, double x)
{
    if (!c)
        return;
    int64_t keep = curve_at(c, x);
    while (keep < c->count && c->x[keep] <= x)
        keep++;
    if (keep == c->count)
        return;
    c->count = keep;
    /* Only the last node of each level may now cover too much. */
    int64_t below = keep;
    for (int i = 0; i < LEVELS; i++) {
        curve_level *level = &c->levels[i];
        level->count = (below + FAN - 1) / FAN;
        if (level->count > 0) {
            curve_range *last = &level->nodes[level->count - 1];
            *last = EMPTY;
            for (int64_t k = (level->count - 1) * FAN; k < below; k++) {
                if (i == 0)
                    join_point(last, c->y[k]);
                else
                    join(last, &c->levels[i - 1].nodes[k]);
            }
        }
        below = level->count;
    }
    curve_free(c->smoothing.points); /* built again when asked for: cuts are rare */
    c->smoothing = (curve_smoothing){0};
}

/* Adds nodes [from, to) of `level` (-1: points) to `range`: single ones up to a multiple of FAN,
 * whole parents between, single ones after. */
static void add_nodes(const curve *c, int level, int64_t from, int64_t to, curve_range *range)
{
    int64_t parent_from = (from + FAN - 1) / FAN, parent_to = to / FAN;
    bool climb = parent_from < parent_to && level + 1 < LEVELS;
    int64_t head = climb ? parent_from * FAN : to, tail = climb ? parent_to * FAN : to;
    for (int64_t k = from; k < head; k++) {
        if (level < 0)
            join_point(range, c->y[k]);
        else
            join(range, &c->levels[level].nodes[k]);
    }
    if (climb)
        add_nodes(c, level + 1, parent_from, parent_to, range);
    for (int64_t k = tail; k < to; k++) {
        if (level < 0)
            join_point(range, c->y[k]);
        else
            join(range, &c->levels[level].nodes[k]);
    }
}

curve_range curve_over(const curve *c, double x0, double x1)
{
    curve_range range = EMPTY;
    int64_t from = curve_at(c, x0), to = curve_at(c, x1);
    if (from < to)
        add_nodes(c, -1, from, to, &range);
    return range;
}

bool curve_last(const curve *c, double *x, double *y)
{
    for (int64_t i = curve_count(c) - 1; i >= 0; i--)
        if (isfinite(c->y[i])) {
            *x = c->x[i];
            *y = c->y[i];
            return true;
        }
    return false;
}

/* Exponential mean with beta = 1 - 1/window, so that it averages over about `window` points
 * (chapter 16), divided by 1 - beta^t as in Kingma and Ba 2015, section 3: without it the curve
 * would start at 0. A value that is no number leaves a gap and does not enter the mean. */
static bool smooth_point(curve_smoothing *s, double x, double y)
{
    if (!isfinite(y))
        return curve_add(s->points, x, NAN);
    double beta = 1 - 1.0 / s->window;
    s->average = beta * s->average + (1 - beta) * y;
    s->weight = beta * s->weight + (1 - beta);
    return curve_add(s->points, x, s->average / s->weight);
}

const curve *curve_smooth(curve *c, int window)
{
    if (!c || window <= 1)
        return c;
    if (c->smoothing.points && c->smoothing.window == window)
        return c->smoothing.points;
    curve_free(c->smoothing.points);
    c->smoothing = (curve_smoothing){.window = window, .points = curve_new()};
    for (int64_t i = 0; c->smoothing.points && i < c->count; i++)
        if (!smooth_point(&c->smoothing, c->x[i], c->y[i])) {
            curve_free(c->smoothing.points);
            c->smoothing = (curve_smoothing){0};
        }
    return c->smoothing.points ? c->smoothing.points : c; /* out of memory: the raw line */
}
