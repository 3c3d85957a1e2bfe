/* The Compare screen: which runs, what is read again, keys. */
#include "ui/screens/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void forget(compare_screen *s)
{
    for (int i = 0; i < COMPARISON_RUNS; i++) {
        curve_free(s->curves[i]);
        s->curves[i] = NULL;
    }
    run_view_free(s->ghost.view);
    s->ghost = (compared_run){0};
    curve_free(s->ghost_curve);
    s->ghost_curve = NULL;
    free(s->confusion);
    s->confusion = NULL;
    free(s->examples);
    s->examples = NULL;
    s->example_count = 0;
    comparison_free(&s->data);
}

void compare_free(app *a)
{
    if (a->compare)
        forget(a->compare);
    free(a->compare);
    a->compare = NULL;
}

int compare_other(const compare_screen *s)
{
    if (s->list.selected >= 0 && s->list.selected != s->base)
        return s->list.selected;
    return s->base == 0 ? 1 : 0;
}

canvas_role compare_role(int run)
{
    static const canvas_role roles[] = {ROLE_DEV, ROLE_TRAIN, ROLE_SERIES_C, ROLE_SERIES_D};
    return roles[run % 4];
}

/* --- what is derived ---------------------------------------------------------------------------
 */

static const curve *metric_curve(const compare_screen *s, const run_view *view)
{
    const curve *const all[] = {view->dev_loss, view->dev_error, view->train_loss,
                                view->train_error};
    return all[s->metric];
}

static curve *on_axis(const compare_screen *s, const compared_run *run)
{
    const curve *points = metric_curve(s, run->view);
    curve *moved = curve_new();
    double x, y;
    for (int64_t i = 0; moved && i < curve_count(points); i++) {
        curve_point(points, i, &x, &y);
        if (!curve_add(moved, compared_x(run, s->axis, x), y))
            break;
    }
    return moved;
}

static void lay_curves(compare_screen *s)
{
    for (int i = 0; i < s->data.count; i++) {
        curve_free(s->curves[i]);
        s->curves[i] = on_axis(s, &s->data.runs[i]);
    }
    curve_free(s->ghost_curve);
    s->ghost_curve = s->ghost.view ? on_axis(s, &s->ghost) : NULL;
}

double compare_end(const compare_screen *s)
{
    double end = 1e-9;
    for (int i = 0; i < s->data.count; i++) {
        const compared_run *run = &s->data.runs[i];
        double x = compared_x(run, s->axis, (double)run->view->row.total_steps);
        end = isfinite(x) ? fmax(end, x) : end;
    }
    return end;
}

/* Everything that depends on which two runs stand against each other. */
static void pair_up(compare_screen *s)
{
    nn_error error = {0};
    free(s->confusion);
    free(s->examples);
    s->confusion = NULL;
    s->examples = NULL;
    s->example_count = 0;
    for (int i = 0; i < s->data.count; i++)
        if (i != s->base)
            s->pairs[i] = compare_pair(&s->data, s->base, i);
    if (s->data.count < 2)
        return;
    s->confusion = compare_confusion(&s->data, s->base, compare_other(s));
    if (compare_examples(&s->data, s->base, compare_other(s), &s->examples, &s->example_count,
                         &error) != NN_OK)
        snprintf(s->problem, sizeof s->problem, "%s", error.text);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool is_compared(const compare_screen *s, run_id id)
{
    for (int i = 0; i < s->count; i++)
        if (s->ids[i] == id)
            return true;
    return false;
}

/* The run with the lowest dev error on the first run's dev set that is not compared already. */
static void find_ghost(app *a, compare_screen *s)
{
    const run_row *best = NULL, *first = &s->data.runs[0].view->row;
    nn_error error = {0};
    for (int i = 0; i < a->table->count; i++) {
        const run_row *row = &a->table->entries[i].row;
        bool fits = !row->deleted_ms && isfinite(row->best_dev_error) &&
                    strcmp(row->fingerprint, first->fingerprint) == 0 && !is_compared(s, row->id);
        if (fits && (!best || row->best_dev_error < best->best_dev_error))
            best = row;
    }
    run_view_free(s->ghost.view);
    s->ghost = (compared_run){.letter = '.'};
    if (!best || !(s->ghost.view = run_view_new()))
        return;
    if (run_view_load(s->ghost.view, a->store, best->id, &error) != NN_OK) {
        run_view_free(s->ghost.view);
        s->ghost.view = NULL;
    }
}

static void read_runs(app *a, compare_screen *s)
{
    nn_error error = {0};
    nn_status status =
        s->data.count > 0 ? comparison_refresh(&s->data, a->store, a->table, &error)
                          : comparison_read(&s->data, a->store, a->table, s->ids, s->count, &error);
    snprintf(s->problem, sizeof s->problem, "%s", status == NN_OK ? "" : error.text);
    if (s->data.count == 0)
        return;
    s->list.count = s->data.count;
    if (s->list.selected < 0)
        list_select(&s->list, s->data.count > 1 ? 1 : 0);
    find_ghost(a, s);
    lay_curves(s);
    pair_up(s);
}

bool compare_refresh(app *a, bool force)
{
    compare_screen *s = a->compare;
    if (!s || !a->store || a->view != VIEW_COMPARE || s->count < 2)
        return false;
    int64_t version = store_version(a->store);
    bool due = a->now - s->read_at >= 1 &&
               (version != s->seen || (s->data.count > 0 && comparison_active(&s->data)));
    if (!force && !due)
        return false;
    s->seen = version;
    s->read_at = a->now;
    read_runs(a, s);
    return true;
}

/* The marked runs; of one mark, also the selected run. */
static int wanted(const app *a, run_id *ids)
{
    int count = 0;
    for (; count < a->mark_count && count < COMPARISON_RUNS; count++)
        ids[count] = a->marks[count];
    const run_entry *selected = runs_selected(a);
    if (count == 1 && selected && selected->row.id != ids[0])
        ids[count++] = selected->row.id;
    return count;
}

void compare_open(app *a)
{
    if (!a->compare) {
        a->compare = calloc(1, sizeof *a->compare);
        if (!a->compare) {
            app_say(a, ROLE_BAD, "Out of memory for the comparison.");
            return;
        }
        a->compare->with_ghost = true;
        a->compare->shown = COMPARE_REAL;
    }
    compare_screen *s = a->compare;
    run_id ids[COMPARISON_RUNS] = {0};
    int count = wanted(a, ids);
    if (count != s->count || memcmp(ids, s->ids, sizeof ids) != 0) {
        forget(s);
        memcpy(s->ids, ids, sizeof ids);
        s->count = count;
        s->base = 0;
        s->list = (list_view){.selected = -1};
        memset(s->scroll, 0, sizeof s->scroll);
        s->plot.x0 = s->plot.x1 = 0;
    }
    compare_refresh(a, true);
}

/* --- drawing -----------------------------------------------------------------------------------
 */

static void draw_run(const compare_screen *s, canvas *c, int i, int y)
{
    const compared_run *run = &s->data.runs[i];
    const run_row *row = &run->view->row;
    char dev[16], low[16], high[16], best[16], range[40] = "-";
    format_percent(dev, sizeof dev, run->last ? run->last->error : row->dev_error);
    format_percent(low, sizeof low, run->range.low);
    format_percent(high, sizeof high, run->range.high);
    format_percent(best, sizeof best, row->best_dev_error);
    if (run->last && run->last->count > 0)
        snprintf(range, sizeof range, "%s to %s", low, high);
    canvas_put(c, 0, y, ROLE_TEXT, i == s->list.selected ? '>' : ' ');
    canvas_put(c, 1, y, compare_role(i), (uint32_t)run->letter);
    canvas_put(c, 2, y, ROLE_TEXT, i == s->base ? '=' : ' ');
    int name = c->clip.w >= 110 ? 36 : 18;
    canvas_format(c, 4, y, 5, ROLE_TEXT, "%4lld", (long long)row->id);
    canvas_text(c, 9, y, name, ROLE_TEXT, row->name);
    int x = 10 + name;
    canvas_format(c, x, y, 9, ROLE_TEXT, "%4d/%-4d", row->epoch, row->epochs);
    canvas_right(c, x + 10, y, 6, ROLE_DEV, dev);
    canvas_text(c, x + 18, y, 14, ROLE_DIM, range);
    canvas_right(c, x + 32, y, 6, ROLE_TEXT, best);
    canvas_text(c, x + 40, y, -1, run->standing == STANDING_RANKED ? ROLE_DIM : ROLE_WARN,
                run->standing == STANDING_RANKED ? run_state_name(row->state)
                                                 : compared_standing_text(run->standing));
    if (i == s->list.selected)
        canvas_role_fill(c, (canvas_rect){4, y, c->clip.w - 5, 1}, ROLE_SELECT);
}

static void draw_runs(compare_screen *s, canvas *c)
{
    int name = c->clip.w >= 110 ? 36 : 18, x = 10 + name, rows = c->clip.h - 1;
    canvas_text(c, 6, 0, -1, ROLE_DIM, "id name");
    canvas_text(c, x + 3, 0, -1, ROLE_DIM, "epoch");
    canvas_text(c, x + 11, 0, -1, ROLE_DIM, "dev %");
    canvas_text(c, x + 18, 0, -1, ROLE_DIM, "95 %");
    canvas_text(c, x + 33, 0, -1, ROLE_DIM, "best");
    list_fit(&s->list, s->data.count, rows);
    for (int i = 0; i < rows && s->list.top + i < s->data.count; i++)
        draw_run(s, c, s->list.top + i, i + 1);
    list_draw_bar(&s->list, c, c->clip.w - 1, 1);
}

static void panel_title(const compare_screen *s, compare_panel which, char *text, size_t size)
{
    static const char *const metrics[] = {"Dev loss", "Dev error", "Train loss", "Train error"};
    static const char *const axes[] = {"epoch", "step", "time"};
    const char *star = s->focus == which ? "*" : "";
    char base = s->data.runs[s->base].letter, other = s->data.runs[compare_other(s)].letter;
    switch (which) {
    case COMPARE_RUNS:
        snprintf(text, size, "%sCompare  %d runs, = is what others are compared with", star,
                 s->data.count);
        return;
    case COMPARE_CURVES:
        snprintf(text, size, "%s%s by %s%s%s%s", star, metrics[s->metric], axes[s->axis],
                 s->plot.log_y ? ", log y" : "", s->plot.log_x ? ", log x" : "",
                 s->plot.smoothing ? ", mean of 5 epochs" : "");
        return;
    case COMPARE_SETTINGS:
        snprintf(text, size, "%sOnly what differs", star);
        return;
    case COMPARE_REAL:
        snprintf(text, size, "%sIs it real?", star);
        return;
    case COMPARE_CONFUSION:
        snprintf(text, size, "%sConfusion: %c - %c", star, other, base);
        return;
    case COMPARE_EXAMPLES:
        snprintf(text, size, "%sOnly one right: %lld", star, (long long)s->example_count);
        return;
    case COMPARE_PANELS:
        break;
    }
}

static void draw_panel(compare_screen *s, canvas *c, compare_panel which, canvas_rect area)
{
    char title[120] = "";
    panel_title(s, which, title, sizeof title);
    canvas_box(c, area, title, s->focus == which);
    canvas_rect old = canvas_push(c, (canvas_rect){area.x + 1, area.y + 1, area.w - 2, area.h - 2});
    switch (which) {
    case COMPARE_RUNS:
        draw_runs(s, c);
        break;
    case COMPARE_CURVES:
        compare_draw_curves(s, c);
        break;
    case COMPARE_SETTINGS:
        compare_draw_settings(s, c);
        break;
    case COMPARE_REAL:
        compare_draw_real(s, c);
        break;
    case COMPARE_CONFUSION:
        compare_draw_confusion(s, c);
        break;
    case COMPARE_EXAMPLES:
        compare_draw_examples(s, c);
        break;
    case COMPARE_PANELS:
        break;
    }
    canvas_pop(c, old);
}

static void draw_nothing(const app *a, canvas *c)
{
    const compare_screen *s = a->compare;
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, "*Compare", true);
    canvas_wrap(c, (canvas_rect){2, 2, c->clip.w - 4, 5}, ROLE_DIM,
                s && s->problem[0] ? s->problem
                : !a->store && !a->store_problem[0]
                    ? "Opening the store ..."
                    : "Nothing to compare yet. Mark two or more runs with Space in Runs (key 3), "
                      "then press 4. In a shell: gradus compare RUN RUN");
}

void compare_draw(app *a, canvas *c)
{
    compare_screen *s = a->compare;
    long clipped = c->clipped; /* names of any length; scrolled or zoomed to in full */
    if (!s || s->data.count < 2) {
        draw_nothing(a, c);
        return;
    }
    int w = c->clip.w, h = c->clip.h;
    if (s->zoomed) {
        draw_panel(s, c, s->focus, (canvas_rect){0, 0, w, h});
    } else {
        int most = h / 3, table = s->data.count + 3 < most ? s->data.count + 3 : most;
        int left = w >= 110 ? w * 6 / 10 : w - 34, right = w - left;
        draw_panel(s, c, COMPARE_RUNS, (canvas_rect){0, 0, w, table});
        draw_panel(s, c, COMPARE_CURVES, (canvas_rect){0, table, left, h - table});
        bool two = h - table >= 22;
        int half = two ? (h - table) / 2 : 0;
        compare_panel lower = two && s->shown == COMPARE_SETTINGS ? COMPARE_REAL : s->shown;
        if (two)
            draw_panel(s, c, COMPARE_SETTINGS, (canvas_rect){left, table, right, half});
        draw_panel(s, c, lower, (canvas_rect){left, table + half, right, h - table - half});
    }
    c->clipped = clipped;
}

void compare_standing(const app *a, char *text, size_t size)
{
    const compare_screen *s = a->compare;
    text[0] = '\0';
    if (s && s->problem[0])
        snprintf(text, size, "%s", s->problem);
    else if (s && s->data.count > 1)
        snprintf(text, size, "%s", s->pairs[compare_other(s)].sentence);
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void focus_on(compare_screen *s, int by)
{
    s->focus = (compare_panel)((s->focus + by + COMPARE_PANELS) % COMPARE_PANELS);
    if (s->focus >= COMPARE_SETTINGS)
        s->shown = s->focus;
}

static void move(compare_screen *s, command_id what)
{
    if (s->focus <= COMPARE_CURVES) {
        list_do(&s->list, what);
        pair_up(s);
        return;
    }
    int *scroll = &s->scroll[s->focus];
    list_view rows = {.count = 1 << 20, .selected = *scroll};
    list_do(&rows, what);
    int last = s->focus == COMPARE_EXAMPLES   ? (int)s->example_count - 1
               : s->focus == COMPARE_SETTINGS ? s->data.differing
               : s->focus == COMPARE_CONFUSION && s->data.runs[s->base].last
                   ? s->data.runs[s->base].last->classes - 1
                   : s->data.count;
    *scroll = rows.selected > last ? last : rows.selected;
    *scroll = *scroll < 0 ? 0 : *scroll;
}

static void zoom(compare_screen *s, double factor)
{
    double end = compare_end(s), from = s->plot.x0, to = s->plot.x1;
    if (!(to > from))
        from = 0, to = end;
    double centre = s->plot.cursor ? s->plot.at : (from + to) / 2, half = (to - from) / 2 * factor;
    s->plot.x0 = fmax(0, centre - half);
    s->plot.x1 = fmin(end, centre + half);
    if (s->plot.x1 - s->plot.x0 >= end * .999 || s->plot.x1 - s->plot.x0 < end * 1e-4)
        s->plot.x0 = s->plot.x1 = 0;
}

static void sideways(compare_screen *s, double by)
{
    double end = compare_end(s), from = s->plot.x0, to = s->plot.x1;
    bool whole = !(to > from);
    if (s->plot.cursor) {
        s->plot.at = fmin(fmax(s->plot.at + by * (whole ? end : to - from) / 50, 0), end);
    } else if (!whole) {
        double shift = fmin(fmax(by * (to - from) / 4, -from), end - to);
        s->plot.x0 += shift;
        s->plot.x1 += shift;
    }
}

static bool change_plot(compare_screen *s, command_id what)
{
    switch (what) {
    case DO_LOG_Y:
        s->plot.log_y = !s->plot.log_y;
        return true;
    case DO_LOG_X:
        s->plot.log_x = !s->plot.log_x;
        return true;
    case DO_SMOOTHING:
        s->plot.smoothing = s->plot.smoothing ? 0 : 5;
        return true;
    case DO_CURSOR:
        s->plot.cursor = !s->plot.cursor;
        s->plot.at = s->plot.x1 > s->plot.x0 ? (s->plot.x0 + s->plot.x1) / 2 : compare_end(s) / 2;
        return true;
    case DO_ZOOM_IN:
    case DO_ZOOM_OUT:
        zoom(s, what == DO_ZOOM_IN ? .5 : 2);
        return true;
    case DO_ZOOM_ALL:
        s->plot.x0 = s->plot.x1 = 0;
        return true;
    case DO_LEFT:
    case DO_RIGHT:
        sideways(s, what == DO_LEFT ? -1 : 1);
        return true;
    default:
        return false;
    }
}

bool compare_back(app *a)
{
    compare_screen *s = a->compare;
    if (s && s->plot.cursor)
        s->plot.cursor = false;
    else if (s && s->zoomed)
        s->zoomed = false;
    else if (s && s->plot.x1 > s->plot.x0)
        s->plot.x0 = s->plot.x1 = 0;
    else
        return false;
    return true;
}

bool compare_do(app *a, command_id what)
{
    compare_screen *s = a->compare;
    if (!s || s->data.count < 2)
        return false;
    if (change_plot(s, what))
        return true;
    switch (what) {
    case DO_UP:
    case DO_DOWN:
    case DO_PAGE_UP:
    case DO_PAGE_DOWN:
    case DO_FIRST:
    case DO_LAST:
        move(s, what);
        return true;
    case DO_OPEN:
        records_show(a, s->ids[s->list.selected]);
        return true;
    case DO_COMPARE_PANEL:
    case DO_COMPARE_PANEL_BACK:
        focus_on(s, what == DO_COMPARE_PANEL ? 1 : -1);
        return true;
    case DO_COMPARE_ZOOM:
        s->zoomed = !s->zoomed;
        return true;
    case DO_COMPARE_BASE:
        s->base = s->list.selected;
        pair_up(s);
        return true;
    case DO_COMPARE_METRIC:
        s->metric = (compare_metric)((s->metric + 1) % SHOW_METRICS);
        lay_curves(s);
        return true;
    case DO_COMPARE_AXIS:
        s->axis = (compare_axis)((s->axis + 1) % COMPARE_AXES);
        s->plot.x0 = s->plot.x1 = 0;
        s->plot.cursor = false;
        lay_curves(s);
        return true;
    case DO_COMPARE_GHOST:
        s->with_ghost = !s->with_ghost;
        return true;
    default:
        return false;
    }
}
