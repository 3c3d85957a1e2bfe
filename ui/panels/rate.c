/* The learning rate: what was used at every step, and what the schedule plans from here with the
 * present base rate. */
#include "ui/panels/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void caption(const run_view *run, const panel_state *state, char *text, size_t size)
{
    char schedule[NN_SCHEDULE_TEXT];
    nn_schedule_text(&run->schedule, schedule, sizeof schedule);
    snprintf(text, size, "%s%s%s", run->loaded ? schedule : "", state->log_y ? "  log y" : "",
             state->log_x ? "  log x" : "");
}

static double planned(const void *data, double x)
{
    const run_view *run = data;
    /* The rate of a step is the schedule's at the steps done before it. */
    uint64_t before = x >= 1 ? (uint64_t)(x - 1) : 0;
    return run->base_lr * nn_schedule_factor(&run->schedule, before);
}

static double planned_max(const run_view *run, double x0, double x1)
{
    double max = NAN;
    for (int i = 0; i <= 64; i++)
        max = fmax(max, planned(run, x0 + (x1 - x0) * i / 64));
    return max;
}

static void draw_legend(const run_view *run, const panel_state *state, canvas *c)
{
    char now[16], base[16], text[64];
    double x, y = NAN;
    if (!curve_last(run->lr, &x, &y))
        y = planned(run, (double)run->row.step + 1);
    if (state->cursor) {
        int64_t at = curve_at(run->lr, nextafter(state->at, INFINITY));
        curve_point(run->lr, at - 1, &x, &y);
        format_number(now, sizeof now, isnan(y) ? planned(run, state->at) : y);
        snprintf(text, sizeof text, "step %.0f  rate %s", state->at, now);
        plot_say(c, 0, ROLE_MARK, text);
        return;
    }
    format_number(now, sizeof now, y);
    format_number(base, sizeof base, run->base_lr);
    bool ascii = c->glyphs == GLYPHS_ASCII;
    snprintf(text, sizeof text, "%snow %s  ", ascii ? "* " : "", now);
    int column = plot_say(c, 0, ROLE_TRAIN, text);
    snprintf(text, sizeof text, "base %s  ", base);
    column = plot_say(c, column, ROLE_DIM, text);
    if (run_view_active(run) && run->schedule.kind != NN_SCHEDULE_PLATEAU)
        plot_say(c, column, ROLE_DIM, ascii ? ". planned" : "right of @: planned");
}

static void draw(const run_view *run, const panel_state *state, canvas *c)
{
    double x0, x1;
    plot_steps(run, state, &x0, &x1);
    curve_range past = curve_over(run->lr, x0, nextafter(x1, INFINITY));
    /* What waits for the dev loss has no plan, only a past. */
    bool plan = (run_view_active(run) || curve_count(run->lr) == 0) &&
                run->schedule.kind != NN_SCHEDULE_PLATEAU;
    double future = plan ? planned_max(run, fmax(x0, (double)run->row.step), x1) : NAN;
    double max = fmax(past.max, future), min = state->log_y ? past.min : 0;
    plot p = plot_begin(c, (canvas_rect){0, 1, c->clip.w, c->clip.h - 1}, state, x0, x1, min, max);
    plot_axes(&p, run->row.steps_per_epoch);
    if (state->cursor)
        plot_cursor(&p, state->at);
    if (plan && run->base_lr >= 0)
        plot_function(&p, (double)run->row.step, x1, planned, run, ROLE_DIM, '.');
    plot_curve(&p, run->lr, ROLE_TRAIN, '*');
    plot_finish(&p);
    plot_events(&p, run, run->lr);
    double x, y;
    if (plan && curve_last(run->lr, &x, &y))
        plot_letter(&p, x, y, ROLE_MARK, '@');
    draw_legend(run, state, c);
}

const panel panel_rate = {.id = "rate",
                          .title = "Rate",
                          .min_w = 46,
                          .min_h = 6,
                          .commands = PLOT_COMMANDS,
                          .caption = caption,
                          .draw = draw,
                          .command = plot_command};
