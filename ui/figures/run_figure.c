#include "ui/figures/run_figure.h"

#include "ui/figures/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1200, MARGIN = 28, GAP = 26, PLOT_HIGH = 400, MATRIX_HIGH = 560, THIN = 1500 };

/* Series of one plot, and whether one of them found no memory. */
typedef struct {
    figure_series *list;
    int count, room;
    bool failed;
} series_list;

typedef struct {
    comparison *c;
    const run_figure *what;
    drawing *d;
    double y;    /* where the next row of panels begins */
    int column;  /* 0 or 1 */
    double wide; /* of a panel */
    double high; /* of the last one */
    bool failed;
} page;

/* --- series -------------------------------------------------------------------------------------
 */

static figure_series *add_series(series_list *all, int64_t points)
{
    if (all->count == all->room) {
        int room = all->room + 16;
        figure_series *list = realloc(all->list, (size_t)room * sizeof *list);
        if (!list) {
            all->failed = true;
            return NULL;
        }
        all->list = list;
        all->room = room;
    }
    figure_series *s = &all->list[all->count];
    *s = (figure_series){.width = 1.8};
    s->x = malloc(((size_t)points + 1) * sizeof *s->x);
    s->y = malloc(((size_t)points + 1) * sizeof *s->y);
    all->count++;
    if (s->x && s->y)
        return s;
    all->failed = true;
    return NULL;
}

static void free_series(series_list *all)
{
    for (int i = 0; i < all->count; i++) {
        free(all->list[i].x);
        free(all->list[i].y);
    }
    free(all->list);
}

static void add_point(figure_series *s, const compared_run *run, compare_axis axis, double step,
                      double y)
{
    s->x[s->count] = compared_x(run, axis, step);
    s->y[s->count++] = y;
}

/* A curve, thinned by smallest and largest value where there are more points than a page shows. */
static figure_series *add_curve(series_list *all, const compared_run *run, const curve *points,
                                compare_axis axis, double factor)
{
    int64_t count = curve_count(points);
    if (count == 0)
        return NULL;
    figure_series *s = add_series(all, count < 4 * (int64_t)THIN ? count : 4 * (int64_t)THIN);
    if (!s)
        return NULL;
    double first, last, x, y;
    curve_point(points, 0, &first, &y);
    curve_point(points, count - 1, &last, &y);
    for (int64_t i = 0; count <= 2 * (int64_t)THIN && i < count; i++) {
        curve_point(points, i, &x, &y);
        add_point(s, run, axis, x, y * factor);
    }
    for (int i = 0; count > 2 * (int64_t)THIN && i < THIN; i++) {
        double from = first + (last - first) * i / THIN;
        double to =
            i == THIN - 1 ? nextafter(last, INFINITY) : first + (last - first) * (i + 1) / THIN;
        curve_range range = curve_over(points, from, to);
        if (range.bad > 0)
            add_point(s, run, axis, from, (double)NAN);
        if (range.count > 0)
            add_point(s, run, axis, from, range.min * factor);
        if (range.count > 1)
            add_point(s, run, axis, (from + to) / 2, range.max * factor);
    }
    return s;
}

/* "A name: dev", or "dev" alone where there is one run. */
static void name_series(const page *p, figure_series *s, int r, const char *what)
{
    const compared_run *run = &p->c->runs[r];
    if (!s)
        return;
    if (p->c->count == 1)
        snprintf(s->name, sizeof s->name, "%.120s", what);
    else
        snprintf(s->name, sizeof s->name, "%c %.60s: %.60s", run->letter, run->view->row.name,
                 what);
}

/* Train dashed and dev whole in the run's colour; one run alone: train blue, dev orange. */
static void add_train_dev(const page *p, series_list *all, int r, const curve *train,
                          const char *train_name, const curve *dev, double factor)
{
    const compared_run *run = &p->c->runs[r];
    bool alone = p->c->count == 1;
    figure_series *s = add_curve(all, run, train, p->what->axis, factor);
    name_series(p, s, r, train_name);
    if (s) {
        s->colour = figure_colour(r);
        s->dash = alone ? 0 : 5;
        s->dots = curve_count(train) == 1;
    }
    s = add_curve(all, run, dev, p->what->axis, factor);
    name_series(p, s, r, "dev");
    if (s) {
        s->colour = figure_colour(alone ? 1 : r);
        s->dots = s->count <= 60;
        if (!alone)
            snprintf(s->letter, sizeof s->letter, "%c", run->letter);
    }
}

/* --- panels -------------------------------------------------------------------------------------
 */

static figure_box next_box(page *p, double high)
{
    figure_box box = {MARGIN + p->column * (p->wide + GAP), p->y, p->wide, high};
    return box;
}

static void panel_done(page *p, double high)
{
    p->high = high;
    bool full = p->wide > PAGE / 2.0;
    if (p->column == 1 || full) {
        p->column = 0;
        p->y += high + GAP;
    } else {
        p->column = 1;
    }
}

static const char *x_label(compare_axis axis)
{
    static const char *const labels[] = {"epoch", "step", "seconds of training"};
    return labels[axis];
}

static void draw_plot(page *p, series_list *all, figure_plot *plot)
{
    plot->x_label = x_label(p->what->axis);
    plot->log_x = p->what->log_x;
    plot->series = all->list;
    plot->count = all->count;
    figure_draw_plot(p->d, next_box(p, PLOT_HIGH), plot);
    panel_done(p, PLOT_HIGH);
    p->failed = p->failed || all->failed;
    free_series(all);
}

static void draw_loss(page *p)
{
    series_list all = {0};
    for (int r = 0; r < p->c->count; r++) {
        run_view *view = p->c->runs[r].view;
        char mean[48];
        bool batches = curve_count(view->loss) > 0;
        if (p->c->count == 1 && batches) {
            figure_series *s = add_curve(&all, &p->c->runs[r], view->loss, p->what->axis, 1);
            name_series(p, s, r, "train, each batch");
            if (s)
                s->colour = 0xb5d3e7, s->width = 1;
        }
        snprintf(mean, sizeof mean, p->what->smoothing > 1 ? "train, mean of %d" : "train",
                 p->what->smoothing);
        const curve *train =
            batches ? curve_smooth(view->loss, p->what->smoothing) : view->train_loss;
        add_train_dev(p, &all, r, train, batches ? mean : "train", view->dev_loss, 1);
    }
    figure_plot plot = {.title = "Loss", .y_label = "loss", .log_y = p->what->log_y};
    plot.from_zero = true;
    draw_plot(p, &all, &plot);
}

static void draw_error(page *p)
{
    series_list all = {0};
    for (int r = 0; r < p->c->count; r++) {
        const run_view *view = p->c->runs[r].view;
        add_train_dev(p, &all, r, view->train_error, "train", view->dev_error, 100);
    }
    figure_plot plot = {.title = "Error", .y_label = "wrong answers, %", .log_y = p->what->log_y};
    plot.from_zero = true;
    draw_plot(p, &all, &plot);
}

double run_figure_planned(const run_view *run, double step)
{
    if (run->schedule.kind == NN_SCHEDULE_PLATEAU)
        return (double)NAN;
    uint64_t before = step >= 1 ? (uint64_t)(step - 1) : 0; /* a step's rate is set before it */
    return run->base_lr * nn_schedule_factor(&run->schedule, before);
}

/* What the schedule says for the rest of a run that has not come to its end. */
static void add_plan(const page *p, series_list *all, int r)
{
    enum { PARTS = 400 };
    const compared_run *run = &p->c->runs[r];
    const run_row *row = &run->view->row;
    if (row->step >= row->total_steps || run->view->schedule.kind == NN_SCHEDULE_PLATEAU)
        return;
    figure_series *s = add_series(all, PARTS + 1);
    if (!s)
        return;
    double from = (double)row->step + 1, to = (double)row->total_steps;
    for (int i = 0; i <= PARTS; i++) {
        double step = floor(from + (to - from) * i / PARTS);
        add_point(s, run, p->what->axis, step, run_figure_planned(run->view, step));
    }
    s->colour = figure_colour(r);
    s->dash = 4;
    name_series(p, s, r, "planned");
}

static void draw_schedule(page *p)
{
    series_list all = {0};
    for (int r = 0; r < p->c->count; r++) {
        figure_series *s =
            add_curve(&all, &p->c->runs[r], p->c->runs[r].view->lr, p->what->axis, 1);
        name_series(p, s, r, p->c->runs[r].view->row.schedule);
        if (s)
            s->colour = figure_colour(r);
        add_plan(p, &all, r);
    }
    figure_plot plot = {.title = "Learning rate", .y_label = "learning rate"};
    plot.log_y = p->what->log_y;
    plot.from_zero = true;
    draw_plot(p, &all, &plot);
}

const store_evaluation *run_figure_evaluation(const compared_run *run, const char *which)
{
    const store_evaluation *test = &run->view->test;
    bool has_test = test->count > 0 && test->confusion;
    const store_evaluation *dev = run->last && run->last->confusion ? run->last : NULL;
    if (which)
        return strcmp(which, "test") == 0 ? (has_test ? test : NULL) : dev;
    return has_test ? test : dev;
}

static void draw_confusion(page *p, int r)
{
    const compared_run *run = &p->c->runs[r];
    const store_evaluation *e = run_figure_evaluation(run, p->what->which);
    if (!e || e->classes < 2)
        return;
    char title[256], letter[160] = "";
    if (p->c->count > 1)
        snprintf(letter, sizeof letter, "%c %.50s: ", run->letter, run->view->row.name);
    snprintf(title, sizeof title, "%sConfusion, %s part, epoch %d", letter, nn_part_name(e->part),
             e->epoch);
    figure_matrix matrix = {.title = title,
                            .classes = e->classes,
                            .counts = e->confusion,
                            .names = run->view->class_names,
                            .name_count = run->view->class_count};
    figure_draw_matrix(p->d, next_box(p, MATRIX_HIGH), &matrix);
    panel_done(p, MATRIX_HIGH);
}

/* --- the page -----------------------------------------------------------------------------------
 */

static void describe(const compared_run *run, bool alone, char *text, size_t size)
{
    const run_row *row = &run->view->row;
    char letter[128] = "", dev[64] = "", test[32] = "";
    if (!alone)
        snprintf(letter, sizeof letter, "%c  %.90s (run %lld): ", run->letter, row->name,
                 (long long)row->id);
    if (run->last && isfinite(run->last->error))
        snprintf(dev, sizeof dev, "; dev error %.2f %% (95 %%: %.2f to %.2f)",
                 100 * run->last->error, 100 * run->range.low, 100 * run->range.high);
    if (isfinite(row->test_error))
        snprintf(test, sizeof test, ", test %.2f %%", 100 * row->test_error);
    snprintf(text, size, "%s%.60s on %.60s, %s, batch %d, seed %llu%s%s", letter, row->model,
             row->data, row->optimizer, row->batch, (unsigned long long)row->seed, dev, test);
}

static void draw_head(page *p, const char *title)
{
    drawing_font font = {20, FIGURE_INK, ANCHOR_START, true, false};
    drawing_text(p->d, MARGIN, MARGIN + 16, font, title);
    p->y = MARGIN + 16;
    for (int r = 0; r < p->c->count; r++) {
        char text[480];
        describe(&p->c->runs[r], p->c->count == 1, text, sizeof text);
        uint32_t colour = p->c->count == 1 ? FIGURE_GREY : figure_colour(r);
        p->y += 21;
        drawing_text(p->d, MARGIN, p->y, (drawing_font){13, colour, ANCHOR_START, false, false},
                     text);
    }
    p->y += 24;
}

static int count_panels(const comparison *c, const run_figure *what)
{
    int panels = (what->parts & SHOW_CURVES ? 2 : 0) + (what->parts & SHOW_SCHEDULE ? 1 : 0);
    for (int r = 0; r < c->count && what->parts & SHOW_CONFUSION; r++) {
        const store_evaluation *e = run_figure_evaluation(&c->runs[r], what->which);
        panels += e && e->classes >= 2;
    }
    return panels;
}

static void draw_panels(page *p)
{
    if (p->what->parts & SHOW_CURVES) {
        draw_loss(p);
        draw_error(p);
    }
    if (p->what->parts & SHOW_SCHEDULE)
        draw_schedule(p);
    if (p->column == 1 && p->c->count > 1) { /* the matrices of several runs side by side */
        p->column = 0;
        p->y += PLOT_HIGH + GAP;
    }
    for (int r = 0; r < p->c->count && p->what->parts & SHOW_CONFUSION; r++)
        draw_confusion(p, r);
    if (p->column == 1) /* the last row is not full */
        p->y += p->high + GAP;
}

drawing *run_figure_draw(comparison *c, const run_figure *what, char *title, size_t size,
                         nn_error *error)
{
    int panels = count_panels(c, what);
    page p = {.c = c, .what = what, .wide = PAGE - 2.0 * MARGIN};
    if (panels > 1)
        p.wide = (PAGE - 2.0 * MARGIN - GAP) / 2;
    const run_row *row = &c->runs[0].view->row;
    if (what->title)
        snprintf(title, size, "%s", what->title);
    else if (c->count == 1)
        snprintf(title, size, "%s (run %lld, %s)", row->name, (long long)row->id,
                 run_state_name(row->state));
    else
        snprintf(title, size, "%d runs on %s", c->count, row->data);
    p.d = drawing_new(PAGE, PAGE);
    if (p.d) {
        draw_head(&p, title);
        draw_panels(&p);
        p.d->height = (int)p.y;
    }
    if (!p.d || p.failed || p.d->incomplete) {
        drawing_free(p.d);
        nn_fail(error, NN_E_NOMEM, "out of memory for the picture of %d runs", c->count);
        return NULL;
    }
    return p.d;
}
