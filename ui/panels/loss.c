/* Train and dev loss on one plot: every batch (thinned by minimum and maximum, never hidden), its
 * exponential mean with the window named, and the dev part at each evaluation. */
#include "ui/panels/plot.h"

#include <math.h>
#include <stdio.h>

static void caption(const run_view *run, const panel_state *state, char *text, size_t size)
{
    char zoom[48] = "";
    double x0, x1;
    plot_steps(run, state, &x0, &x1);
    if (state->x0 < state->x1)
        snprintf(zoom, sizeof zoom, "steps %.0f-%.0f", x0, x1);
    bool log_x = state->log_x, log_y = state->log_y;
    snprintf(text, size, "%s%s%s",
             log_x && log_y ? "log x, log y"
             : log_y        ? "log y"
             : log_x        ? "log x"
                            : "",
             *zoom && (log_x || log_y) ? "  " : "", zoom);
}

static void draw_legend(const run_view *run, const panel_state *state, canvas *c)
{
    bool ascii = c->glyphs == GLYPHS_ASCII;
    char text[64];
    int x = 0;
    if (state->smoothing > 1) {
        snprintf(text, sizeof text, "%c train, mean of %d  ", ascii ? '*' : 'T', state->smoothing);
        x = plot_say(c, x, ROLE_TRAIN, text);
    }
    x = plot_say(c, x, ROLE_DIM, ascii ? ". each batch  " : "dots: each batch  ");
    if (curve_count(run->dev_loss) > 0)
        plot_say(c, x, ROLE_DEV, ascii ? "o dev" : "D dev");
}

/* The last value at or before x. */
static double value_at(const curve *points, double x)
{
    int64_t end = curve_at(points, nextafter(x, INFINITY));
    double at, y;
    curve_point(points, end - 1, &at, &y);
    return y;
}

static void draw_readout(const run_view *run, const panel_state *state, const curve *smooth,
                         canvas *c)
{
    char number[16], text[64];
    snprintf(text, sizeof text, "step %.0f  ", state->at);
    int x = plot_say(c, 0, ROLE_MARK, text);
    format_number(number, sizeof number, value_at(run->loss, state->at));
    snprintf(text, sizeof text, "batch %s  ", number);
    x = plot_say(c, x, ROLE_TEXT, text);
    format_number(number, sizeof number, value_at(run->dev_loss, state->at));
    snprintf(text, sizeof text, "dev %s  ", number);
    x = plot_say(c, x, ROLE_DEV, text);
    format_number(number, sizeof number, value_at(smooth, state->at));
    snprintf(text, sizeof text, "mean %s", number);
    if (smooth != run->loss)
        plot_say(c, x, ROLE_TRAIN, text);
}

/* Of what is in sight, all curves together. */
static void range_of(const run_view *run, double x0, double x1, double *min, double *max)
{
    double end = nextafter(x1, INFINITY);
    curve_range a = curve_over(run->loss, x0, end), b = curve_over(run->dev_loss, x0, end);
    *min = fmin(a.min, b.min); /* fmin and fmax pass a NaN over */
    *max = fmax(a.max, b.max);
}

static void draw(const run_view *run, const panel_state *state, canvas *c)
{
    int w = c->clip.w, h = c->clip.h;
    double x0, x1, min, max;
    plot_steps(run, state, &x0, &x1);
    range_of(run, x0, x1, &min, &max);
    const curve *smooth = curve_smooth(run->loss, state->smoothing);
    plot p = plot_begin(c, (canvas_rect){0, 1, w, h - 1}, state, x0, x1, min, max);
    plot_axes(&p, run->row.steps_per_epoch);
    if (state->cursor)
        plot_cursor(&p, state->at);
    bool smoothed = smooth != run->loss;
    if (smoothed)
        plot_envelope(&p, run->loss, ROLE_DIM, '.');
    plot_curve(&p, smooth, ROLE_TRAIN, '*');
    plot_curve(&p, run->dev_loss, ROLE_DEV, 'o');
    plot_finish(&p);
    plot_bad(&p, run->loss);
    if (c->glyphs != GLYPHS_ASCII) {
        plot_name(&p, smooth, ROLE_TRAIN, 'T');
        plot_name(&p, run->dev_loss, ROLE_DEV, 'D');
    }
    plot_events(&p, run, smooth);
    if (curve_count(run->loss) == 0)
        canvas_text(c, 10, 1 + (h - 3) / 2, w - 11, ROLE_DIM,
                    run_view_active(run) ? "waiting for the first step" : "no step was recorded");
    else if (state->cursor)
        draw_readout(run, state, smooth, c);
    else
        draw_legend(run, state, c);
}

static void command(const run_view *run, panel_state *state, panel_command what)
{
    static const int windows[] = {0, 10, 50, 200};
    if (what != PANEL_SMOOTHING) {
        plot_command(run, state, what);
        return;
    }
    int i = 0;
    while (i < 3 && windows[i] != state->smoothing)
        i++;
    state->smoothing = windows[(i + 1) % 4];
}

const panel panel_loss = {.id = "loss",
                          .title = "Loss",
                          .min_w = 46,
                          .min_h = 7,
                          .commands = PLOT_COMMANDS | 1u << PANEL_SMOOTHING,
                          .start = {.log_y = true, .smoothing = 50},
                          .caption = caption,
                          .draw = draw,
                          .command = command};
