/* The small plots of the Trials screen: best so far, importance, one a parameter, the Pareto front.
 * Every trial is one mark: o finished, . pruned, x failed (on the upper edge), @ the selected one;
 * in the front those that nothing beats are *. */
#include "ui/screens/trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_W = 26, TILE_H = 10, LABEL_W = 6 };

enum { TILE_BEST, TILE_IMPORTANCE, TILE_FIRST_PARAM };

int trials_plots(const trials_screen *t)
{
    return t->view.space ? TILE_FIRST_PARAM + t->view.space->count + 1 : 0;
}

bool trials_in_percent(const study_view *view)
{
    size_t length = strlen(view->row.objective);
    return length > 6 && strcmp(view->row.objective + length - 6, "_error") == 0;
}

void trials_value_text(const study_view *view, double value, char *text, size_t size)
{
    if (trials_in_percent(view))
        format_percent(text, size, value);
    else
        format_number(text, size, value);
}

/* --- axes --------------------------------------------------------------------------------------
 */

/* Objective upwards, logarithmic where it spans more than a factor of 30. */
typedef struct {
    canvas_rect box;
    double low, high;
    bool log_y;
} axes;

static bool has_value(const trial_row *trial)
{
    return isfinite(trial->value) && trial->state != TRIAL_FAILED;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The values from the best one to four times as far as the median: what is worse stands on the
 * edge, so that one trial that learned nothing does not press all others together. */
static void find_range(const study_view *view, axes *a)
{
    double *values = malloc(((size_t)view->count + 1) * sizeof *values);
    int count = 0;
    for (int i = 0; i < view->count && values; i++)
        if (has_value(&view->trials[i]))
            values[count++] = view->trials[i].value;
    a->low = 0;
    a->high = 1;
    if (count > 0) {
        qsort(values, (size_t)count, sizeof *values, compare);
        double reach = 4 * fabs(values[count / 2] - values[view->row.highest ? count - 1 : 0]);
        a->low = values[0];
        a->high = values[count - 1];
        if (reach > 0 && view->row.highest)
            a->low = fmax(a->low, a->high - reach);
        else if (reach > 0)
            a->high = fmin(a->high, a->low + reach);
    }
    free(values);
}

static axes axes_of(const study_view *view, canvas *c)
{
    axes a = {.box = {LABEL_W, 0, c->clip.w - LABEL_W, c->clip.h - 2}};
    find_range(view, &a);
    if (!(a.high > a.low))
        a.high = a.low + (a.low > 0 ? a.low : 1);
    a.log_y = a.low > 0 && a.high / a.low > 30;
    return a;
}

/* 0 at the lower edge, 1 at the upper. */
static double height_of(const axes *a, double value)
{
    double share = a->log_y ? log(value / a->low) / log(a->high / a->low)
                            : (value - a->low) / (a->high - a->low);
    return fmin(fmax(share, 0), 1);
}

static int row_of(const axes *a, double value)
{
    int row = (int)((1 - height_of(a, value)) * a->box.h);
    return row < a->box.h ? row : a->box.h - 1;
}

static void draw_axes(const study_view *view, const axes *a, canvas *c)
{
    char text[24];
    trials_value_text(view, a->high, text, sizeof text);
    canvas_right(c, 0, 0, LABEL_W - 1, ROLE_AXIS, text);
    trials_value_text(view, a->low, text, sizeof text);
    canvas_right(c, 0, a->box.h - 1, LABEL_W - 1, ROLE_AXIS, text);
    if (a->log_y && a->box.h > 2)
        canvas_right(c, 0, a->box.h / 2, LABEL_W - 1, ROLE_AXIS, "log");
    canvas_fill(c, (canvas_rect){a->box.x, a->box.h, a->box.w, 1}, ROLE_AXIS, "-");
}

static void draw_ends(const axes *a, canvas *c, const char *low, const char *high)
{
    int y = a->box.h + 1, half = a->box.w / 2;
    canvas_text(c, a->box.x, y, half, ROLE_AXIS, low);
    canvas_right(c, a->box.x + half, y, a->box.w - half, ROLE_AXIS, high);
}

/* --- marks -------------------------------------------------------------------------------------
 */

static char mark_of(const trials_screen *t, const trial_row *trial, canvas_role *role)
{
    if (trial->number == t->selected) {
        *role = ROLE_MARK;
        return '@';
    }
    switch (trial->state) {
    case TRIAL_FINISHED:
        *role = ROLE_TRAIN;
        return 'o';
    case TRIAL_FAILED:
        *role = ROLE_BAD;
        return 'x';
    case TRIAL_RUNNING:
    case TRIAL_CRASHED:
        *role = ROLE_DEV;
        return '+';
    case TRIAL_QUEUED:
    case TRIAL_PAUSED:
    case TRIAL_PRUNED:
    case TRIAL_KILLED:
        break;
    }
    *role = ROLE_DIM;
    return '.';
}

static void put_trial(const trials_screen *t, const axes *a, canvas *c, const trial_row *trial,
                      double share, char instead, canvas_role its_role)
{
    canvas_role role;
    char mark = mark_of(t, trial, &role);
    if (!has_value(trial) && trial->state != TRIAL_FAILED)
        return;
    if (instead && mark != '@') {
        mark = instead;
        role = its_role;
    }
    int column = (int)(share * a->box.w);
    column = column < a->box.w ? column : a->box.w - 1;
    int row = has_value(trial) ? row_of(a, trial->value) : 0;
    canvas_put(c, a->box.x + column, row, role, (uint32_t)mark);
}

/* The shown trials in two passes: what is dim first, then the rest on top of it, the selected one
 * last. */
static void put_all(const trials_screen *t, const axes *a, canvas *c,
                    double (*share)(const trials_screen *, const void *, const trial_row *),
                    const void *data)
{
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < t->list.count; i++) {
            const trial_row *trial = &t->view.trials[t->lines[i]];
            canvas_role role;
            char mark = mark_of(t, trial, &role);
            int turn = mark == '@' ? 2 : mark == '.' ? 0 : 1;
            double x = turn == pass ? share(t, data, trial) : (double)NAN;
            bool front = data == &t->view && t->view.front[t->lines[i]];
            if (!isnan(x))
                put_trial(t, a, c, trial, x, front ? '*' : 0, ROLE_GOOD);
        }
}

/* --- tiles -------------------------------------------------------------------------------------
 */

static void draw_best(const trials_screen *t, canvas *c)
{
    const study_view *view = &t->view;
    axes a = axes_of(view, c);
    int planned = view->row.trials > view->count ? view->row.trials : view->count;
    dot_grid *dots = dots_new(a.box.w, a.box.h, c->glyphs);
    char last[24];
    draw_axes(view, &a, c);
    int before_x = -1, before_y = 0;
    for (int i = 0; i < view->count && dots && planned > 0; i++) {
        if (isnan(view->best[i]))
            continue;
        int x = (int)((double)(i + 1) / planned * (dots_wide(dots) - 1));
        int y = (int)((1 - height_of(&a, view->best[i])) * (dots_high(dots) - 1) + 0.5);
        if (before_x >= 0) {
            dots_line(dots, before_x, before_y, x, before_y, ROLE_GOOD, '*');
            dots_line(dots, x, before_y, x, y, ROLE_GOOD, '*');
        } else {
            dots_set(dots, x, y, ROLE_GOOD, '*');
        }
        before_x = x, before_y = y;
    }
    if (dots)
        dots_draw(dots, c, a.box.x, a.box.y);
    dots_free(dots);
    snprintf(last, sizeof last, "trial %d", planned);
    draw_ends(&a, c, "1", last);
}

static void draw_importance(const trials_screen *t, canvas *c)
{
    const study_view *view = &t->view;
    int name_w = 8, w = c->clip.w;
    if (isnan(view->explained)) {
        char text[80];
        snprintf(text, sizeof text, "after %d trials that have ended (now %d)", NN_IMPORTANCE_LEAST,
                 view->ended);
        canvas_wrap(c, (canvas_rect){0, 0, w, 3}, ROLE_DIM, text);
        return;
    }
    int rows = c->clip.h - 1, bar = w - name_w - 9;
    for (int p = 0; p < view->space->count && p < rows; p++) {
        canvas_text(c, 0, p, name_w - 1, ROLE_TEXT, view->space->param[p].name);
        canvas_bar(c, name_w, p, bar, ROLE_TRAIN, fmin(view->importance[p].share, 1));
        canvas_format(c, w - 8, p, 8, ROLE_TEXT, "%3.0f +-%2.0f", 100 * view->importance[p].share,
                      fmin(99, 100 * view->importance[p].deviation));
    }
    canvas_format(c, 0, c->clip.h - 1, w, ROLE_DIM, "permutation, R2 %.2f", view->explained);
}

static double share_of_param(const trials_screen *t, const void *data, const trial_row *trial)
{
    int p = *(const int *)data;
    double value = trial->point.value[p];
    return isnan(value) ? value : nn_space_unit(&t->view.space->param[p], value);
}

/* The axis is drawn with '=' where the best fifth lie. */
static void draw_region(const study_view *view, int p, const axes *a, canvas *c)
{
    const nn_space_param *param = &view->space->param[p];
    if (view->region.trials == 0)
        return;
    for (int x = 0; x < a->box.w; x++) {
        double unit = (x + 0.5) / a->box.w, margin = 0.5 / a->box.w;
        bool inside =
            param->scale == NN_SCALE_CHOICE
                ? view->region.words[p] >> nn_space_option(param, nn_space_value(param, unit)) & 1
                : unit >= view->region.low[p] - margin && unit <= view->region.high[p] + margin;
        if (inside)
            canvas_put(c, a->box.x + x, a->box.h, ROLE_GOOD, '=');
    }
}

static void draw_param(const trials_screen *t, int p, canvas *c)
{
    const nn_space_param *param = &t->view.space->param[p];
    axes a = axes_of(&t->view, c);
    char low[NN_SPACE_TEXT], high[NN_SPACE_TEXT];
    draw_axes(&t->view, &a, c);
    draw_region(&t->view, p, &a, c);
    put_all(t, &a, c, share_of_param, &p);
    draw_ends(&a, c, nn_space_text(param, param->low, low),
              nn_space_text(param, param->high, high));
}

typedef struct {
    double low, high;
} cost_range;

static cost_range range_of_cost(const trials_screen *t)
{
    cost_range range = {HUGE_VAL, -HUGE_VAL};
    for (int i = 0; i < t->view.count; i++) {
        double value;
        trial_metric(&t->view.trials[i], t->view.row.objective, t->view.against, &value);
        if (isfinite(value) && value > 0) {
            range.low = fmin(range.low, value);
            range.high = fmax(range.high, value);
        }
    }
    return range;
}

static double share_of_cost(const trials_screen *t, const void *data, const trial_row *trial)
{
    cost_range range = range_of_cost(t);
    double value;
    (void)data;
    trial_metric(trial, t->view.row.objective, t->view.against, &value);
    if (!(value > 0))
        return (double)NAN;
    return range.high > range.low ? log(value / range.low) / log(range.high / range.low) : 0.5;
}

static void draw_front(const trials_screen *t, canvas *c)
{
    axes a = axes_of(&t->view, c);
    cost_range range = range_of_cost(t);
    char low[24] = "", high[24] = "";
    draw_axes(&t->view, &a, c);
    put_all(t, &a, c, share_of_cost, &t->view);
    if (range.low < HUGE_VAL) {
        format_number(low, sizeof low, range.low);
        format_number(high, sizeof high, range.high);
    }
    draw_ends(&a, c, low, high);
}

static void draw_tile(const trials_screen *t, int tile, canvas *c, canvas_rect area)
{
    const study_view *view = &t->view;
    char title[64];
    int p = tile - TILE_FIRST_PARAM;
    if (tile == TILE_BEST)
        snprintf(title, sizeof title, "best so far");
    else if (tile == TILE_IMPORTANCE)
        snprintf(title, sizeof title, "importance %%");
    else if (p < view->space->count)
        snprintf(title, sizeof title, "%s %s", view->space->param[p].name,
                 nn_scale_name(view->space->param[p].scale));
    else
        snprintf(title, sizeof title, "front: %s", view->against);
    canvas_box(c, area, title, false);
    canvas_rect old = canvas_push(c, (canvas_rect){area.x + 1, area.y + 1, area.w - 2, area.h - 2});
    if (tile == TILE_BEST)
        draw_best(t, c);
    else if (tile == TILE_IMPORTANCE)
        draw_importance(t, c);
    else if (p < view->space->count)
        draw_param(t, p, c);
    else
        draw_front(t, c);
    canvas_pop(c, old);
}

void trials_draw_plots(const trials_screen *t, canvas *c)
{
    int columns = c->clip.w / TILE_W, rows = c->clip.h / TILE_H, count = trials_plots(t);
    if (columns < 1 || rows < 1 || count == 0)
        return;
    int shown = columns * rows < count ? columns * rows : count;
    for (int i = 0; i < shown; i++) {
        int column = i % columns, row = i / columns;
        int x = column * c->clip.w / columns, y = row * c->clip.h / rows;
        canvas_rect area = {x, y, (column + 1) * c->clip.w / columns - x,
                            (row + 1) * c->clip.h / rows - y};
        draw_tile(t, (t->first_tile + i) % count, c, area);
    }
}
