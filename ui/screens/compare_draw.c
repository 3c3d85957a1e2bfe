/* The curves of the Compare screen. */
#include "ui/panels/plot.h"
#include "ui/screens/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const curve *seen_curve(const compare_screen *s, curve *points)
{
    return s->plot.smoothing ? curve_smooth(points, s->plot.smoothing) : points;
}

static void widen(const curve *points, double x0, double x1, double *min, double *max)
{
    curve_range range = curve_over(points, x0, nextafter(x1, INFINITY));
    if (range.count == 0)
        return;
    *min = fmin(*min, range.min);
    *max = fmax(*max, range.max);
}

/* The values under the cursor, as many as fit: "at 12  A 0.26  B 0.23". */
static void draw_values(const compare_screen *s, canvas *c)
{
    char text[64], number[16];
    format_number(number, sizeof number, s->plot.at);
    snprintf(text, sizeof text, "at %s", number);
    int x = plot_say(c, 1, ROLE_MARK, text) + 2;
    for (int i = 0; i < s->data.count; i++) {
        double at, y = (double)NAN;
        int64_t place = s->curves[i] ? curve_at(s->curves[i], s->plot.at) : 0;
        if (s->curves[i] && place < curve_count(s->curves[i]))
            curve_point(s->curves[i], place, &at, &y);
        format_number(number, sizeof number, y);
        snprintf(text, sizeof text, "%c %s", s->data.runs[i].letter, number);
        x = plot_say(c, x, compare_role(i), text) + 2;
    }
}

static void draw_legend(const compare_screen *s, canvas *c)
{
    char text[160];
    int x = 1;
    for (int i = 0; i < s->data.count; i++) {
        snprintf(text, sizeof text, "%c %.20s", s->data.runs[i].letter,
                 s->data.runs[i].view->row.name);
        x = plot_say(c, x, compare_role(i), text) + 2;
    }
    if (s->with_ghost && s->ghost.view) {
        snprintf(text, sizeof text, ". best other: %.30s", s->ghost.view->row.name);
        plot_say(c, x, ROLE_DIM, text);
    }
}

static void draw_line(plot *p, const compare_screen *s, int i)
{
    if (s->curves[i])
        plot_curve(p, seen_curve(s, s->curves[i]), compare_role(i), s->data.runs[i].letter);
}

/* The selected run last, so that it is on top. */
static void draw_lines(plot *p, const compare_screen *s, bool ghost)
{
    if (ghost)
        plot_curve(p, seen_curve(s, s->ghost_curve), ROLE_DIM, '.');
    for (int i = 0; i < s->data.count; i++)
        if (i != s->list.selected)
            draw_line(p, s, i);
    if (s->list.selected >= 0 && s->list.selected < s->data.count)
        draw_line(p, s, s->list.selected);
}

void compare_draw_curves(const compare_screen *s, canvas *c)
{
    static const char *const units[] = {"epoch", "steps", "sec"};
    double x0 = s->plot.x0, x1 = s->plot.x1, min = INFINITY, max = -INFINITY;
    double end = compare_end(s);
    if (!(x1 > x0))
        x0 = 0, x1 = end;
    if (s->plot.log_x)
        x0 = fmax(x0, end / 1000);
    bool ghost = s->with_ghost && s->ghost_curve;
    for (int i = 0; i < s->data.count; i++)
        if (s->curves[i])
            widen(s->curves[i], x0, x1, &min, &max);
    if (ghost)
        widen(s->ghost_curve, x0, x1, &min, &max);
    if (!(min <= max))
        min = max = (double)NAN;
    if (s->plot.cursor)
        draw_values(s, c);
    else
        draw_legend(s, c);
    plot p =
        plot_begin(c, (canvas_rect){0, 1, c->clip.w, c->clip.h - 1}, &s->plot, x0, x1, min, max);
    plot_axes(&p, 0);
    if (p.dots)
        canvas_right(c, p.box.x + p.box.w - 5, p.box.y + p.box.h + 1, 5, ROLE_AXIS, "     ");
    if (p.dots)
        canvas_right(c, p.box.x + p.box.w - 5, p.box.y + p.box.h + 1, 5, ROLE_AXIS, units[s->axis]);
    if (s->plot.cursor)
        plot_cursor(&p, s->plot.at);
    draw_lines(&p, s, ghost);
    plot_finish(&p);
    for (int i = 0; i < s->data.count; i++)
        if (s->curves[i]) {
            plot_bad(&p, s->curves[i]);
            plot_name(&p, seen_curve(s, s->curves[i]), compare_role(i), s->data.runs[i].letter);
        }
}
