#include "ui/figures/study_figure.h"

#include "ui/figures/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 1000, HIGH = 560, MARGIN = 28, KINDS = 3 };

typedef enum { FINISHED, PRUNED, OTHER } kind;

static kind kind_of(const trial_row *trial)
{
    if (trial->state == TRIAL_FINISHED)
        return FINISHED;
    return trial->state == TRIAL_PRUNED ? PRUNED : OTHER;
}

/* Trials of one kind as points, or (kind KINDS) the best so far as a line. */
static void fill(figure_series *s, const study_view *view, int which, double factor)
{
    for (int i = 0; i < view->count; i++) {
        double value = which == KINDS ? view->best[i] : view->trials[i].value;
        if (isnan(value) || (which < KINDS && (int)kind_of(&view->trials[i]) != which))
            continue;
        s->x[s->count] = view->trials[i].number;
        s->y[s->count++] = value * factor;
    }
}

static bool make_series(figure_series *list, const study_view *view, double factor)
{
    static const char *const names[KINDS + 1] = {"finished", "pruned", "under way or ended early",
                                                 "best so far"};
    static const uint32_t colours[KINDS + 1] = {0x0072b2, 0xb0b0b0, 0xb07800, 0xd55e00};
    bool complete = true;
    for (int k = 0; k <= KINDS; k++) {
        figure_series *s = &list[k];
        *s = (figure_series){.colour = colours[k], .width = k == KINDS ? 1.8 : 0};
        s->dots = k < KINDS;
        s->x = malloc(((size_t)view->count + 1) * sizeof *s->x);
        s->y = malloc(((size_t)view->count + 1) * sizeof *s->y);
        complete = complete && s->x && s->y;
        if (s->x && s->y)
            fill(s, view, k, factor);
        if (s->count > 0)
            snprintf(s->name, sizeof s->name, "%s", names[k]);
    }
    return complete;
}

static void describe(drawing *d, const study_view *view, const char *title, double factor)
{
    char text[200 + STUDY_SPACE], best[96] = "";
    if (view->row.best)
        snprintf(best, sizeof best, "; best: trial %d with %.4g%s", view->row.best,
                 view->row.best_value * factor, factor > 1 ? " %" : "");
    drawing_font font = {20, FIGURE_INK, ANCHOR_START, true, false};
    drawing_text(d, MARGIN, MARGIN + 16, font, title);
    font = (drawing_font){13, FIGURE_GREY, ANCHOR_START, false, false};
    snprintf(text, sizeof text, "sampler %s, pruner %s, %d trials%s",
             nn_sampler_name(view->row.sampler), view->row.pruner, view->count, best);
    drawing_text(d, MARGIN, MARGIN + 37, font, text);
    drawing_text(d, MARGIN, MARGIN + 58, font, view->row.space);
}

drawing *study_figure_draw(const study_view *view, bool log_y, char *title, size_t size,
                           nn_error *error)
{
    figure_series list[KINDS + 1];
    bool error_rate = strstr(view->row.objective, "error") != NULL;
    double factor = error_rate ? 100 : 1;
    char label[64];
    snprintf(label, sizeof label, "%s%s", view->row.objective, error_rate ? ", %" : "");
    snprintf(title, size, "Study %s", view->row.name);
    drawing *d = drawing_new(WIDE, HIGH);
    bool complete = make_series(list, view, factor);
    if (d && complete) {
        describe(d, view, title, factor);
        figure_plot plot = {.title = "What each trial reached", .x_label = "trial"};
        plot.y_label = label;
        plot.log_y = log_y;
        plot.series = list;
        plot.count = KINDS + 1;
        figure_draw_plot(d, (figure_box){MARGIN, 110, WIDE - 2 * MARGIN, HIGH - 130}, &plot);
    }
    for (int k = 0; k <= KINDS; k++) {
        free(list[k].x);
        free(list[k].y);
    }
    if (d && complete && !d->incomplete)
        return d;
    drawing_free(d);
    nn_fail(error, NN_E_NOMEM, "out of memory for the picture of %d trials", view->count);
    return NULL;
}
