/* Curves on axes that hold still: x spans the plan (or the zoom), y moves only from one round value
 * to the next. Thinned by minimum and maximum per dot column, never by skipping. */
#ifndef GRADUS_UI_PLOT_H
#define GRADUS_UI_PLOT_H

#include "ui/panels/panel.h"

typedef struct {
    double x0, x1, y0, y1; /* data at the edges; x in steps */
    bool log_x, log_y;
    canvas_rect box; /* cells of the plotting area */
    canvas *c;
    dot_grid *dots; /* NULL: too small, or no memory; everything then draws nothing */
} plot;

/* The largest of 1, 2, 5 times a power of ten so that `range` has at most `most` steps. */
double plot_tick(double range, int most);
/* The smallest round interval around [min, max]; defined for flat, NaN and, on a log axis, for
 * values that have no logarithm. */
void plot_round(double *min, double *max, bool log_axis, int most);
/* Steps on the x axis: the zoom, or 0 (1 on a log axis) to the planned total. */
void plot_steps(const run_view *run, const panel_state *state, double *x0, double *x1);

/* Takes [x0, x1] and [min, max] (rounded here) and reserves room for the axes inside `area`. */
plot plot_begin(canvas *c, canvas_rect area, const panel_state *state, double x0, double x1,
                double min, double max);
/* Axes with ticks, in epochs where steps_per_epoch is known and at least one epoch is seen. */
void plot_axes(const plot *p, uint64_t steps_per_epoch);
void plot_curve(plot *p, const curve *points, canvas_role role, char mark);
/* Only the largest and the smallest value of each column, as a haze around a smoothed line. */
void plot_envelope(plot *p, const curve *points, canvas_role role, char mark);
/* y of a function at every dot column between two steps. */
void plot_function(plot *p, double from, double to, double (*y)(const void *data, double x),
                   const void *data, canvas_role role, char mark);
/* A vertical line of the cursor, behind the curves. */
void plot_cursor(const plot *p, double x);
/* Draws the dots and frees them; marks and letters come after it. */
void plot_finish(plot *p);
void plot_letter(const plot *p, double x, double y, canvas_role role, char letter);
/* A letter right of the last point of a curve. */
void plot_name(const plot *p, const curve *points, canvas_role role, char letter);
/* '!' on the axis under every non-finite point. */
void plot_bad(const plot *p, const curve *points);
/* One letter for every intervention and halt, on the curve (or at the top where it has no value):
 * that of the key that does it. Returns whether there was one in sight. */
bool plot_events(const plot *p, const run_view *run, const curve *points);
/* The letter of plot_events for an event, 0 if it has none. */
char plot_event_letter(const run_event *event);

/* A part of the line above a plot: drawn from column x if it fits there; returns where the next one
 * starts. */
int plot_say(canvas *c, int x, canvas_role role, const char *text);

/* The commands that all plots share: zoom, pan, cursor, log axes. */
void plot_command(const run_view *run, panel_state *state, panel_command what);
enum {
    PLOT_COMMANDS = 1u << PANEL_ZOOM_IN | 1u << PANEL_ZOOM_OUT | 1u << PANEL_ZOOM_ALL |
                    1u << PANEL_LEFT | 1u << PANEL_RIGHT | 1u << PANEL_HOME | 1u << PANEL_END |
                    1u << PANEL_CURSOR | 1u << PANEL_LOG_Y | 1u << PANEL_LOG_X
};

#endif
