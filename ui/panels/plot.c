#include "ui/panels/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 7 }; /* columns of a y label and a blank */

/* --- scales -------------------------------------------------------------------------------------
 */

double plot_tick(double range, int most)
{
    if (!(range > 0) || !isfinite(range))
        return 1;
    double raw = range / (most > 0 ? most : 1);
    double power = pow(10, floor(log10(raw)));
    if (!(power > 0))
        return raw;
    double share = raw / power;
    double nice = share <= 1 + 1e-9 ? 1 : share <= 2 + 1e-9 ? 2 : share <= 5 + 1e-9 ? 5 : 10;
    return nice * power;
}

/* 1, 2 or 5 times a power of ten, at or below (direction -1) or above `value` > 0. */
static double round_log(double value, int direction)
{
    double power = pow(10, floor(log10(value)));
    double share = value / power;
    if (direction < 0)
        return (share >= 5 - 1e-9 ? 5 : share >= 2 - 1e-9 ? 2 : 1) * power;
    return (share <= 1 + 1e-9 ? 1 : share <= 2 + 1e-9 ? 2 : share <= 5 + 1e-9 ? 5 : 10) * power;
}

static void round_log_axis(double *min, double *max)
{
    if (!(*max > 0)) { /* nothing has a logarithm */
        *min = 0.1, *max = 1;
        return;
    }
    *max = fmin(*max, 1e300);
    if (!(*min > *max * 1e-8))
        *min = *max * 1e-4; /* what lies below is drawn on the lower edge */
    *min = round_log(*min, -1);
    *max = round_log(*max, +1);
    if (*max < *min * 2)
        *max = *min * 10;
}

void plot_round(double *min, double *max, bool log_axis, int most)
{
    if (!isfinite(*min) || !isfinite(*max))
        *min = 0, *max = 1;
    if (log_axis) {
        round_log_axis(min, max);
        return;
    }
    *min = fmax(*min, -1e300), *max = fmin(*max, 1e300);
    if (*min >= 0 && *min <= *max / 2)
        *min = 0; /* an axis from 0 says more, and never moves */
    if (!(*max > *min)) {
        double room = fabs(*min) > 0 ? fabs(*min) / 2 : 0.5;
        *max = *min + room;
        *min -= room;
    }
    double tick = plot_tick(*max - *min, most);
    double low = floor(*min / tick + 1e-9) * tick, high = ceil(*max / tick - 1e-9) * tick;
    *min = low, *max = high > low ? high : low + tick;
}

void plot_steps(const run_view *run, const panel_state *state, double *x0, double *x1)
{
    *x0 = state->log_x ? 1 : 0;
    *x1 = (double)(run->row.total_steps > run->row.step ? run->row.total_steps : run->row.step);
    if (*x1 < *x0 + 1)
        *x1 = *x0 + 1;
    if (state->x0 < state->x1) {
        *x0 = state->log_x ? fmax(state->x0, 1) : state->x0;
        *x1 = fmax(state->x1, *x0 + 1);
    }
}

/* Where x lies between the edges, 0..1 (outside beyond). */
static double share_x(const plot *p, double x)
{
    if (p->log_x)
        return log(fmax(x, 1e-300) / p->x0) / log(p->x1 / p->x0);
    return (x - p->x0) / (p->x1 - p->x0);
}

static double at_share_x(const plot *p, double share)
{
    return p->log_x ? p->x0 * pow(p->x1 / p->x0, share) : p->x0 + share * (p->x1 - p->x0);
}

static double share_y(const plot *p, double y)
{
    double share = p->log_y ? (y > 0 ? log(y / p->y0) / log(p->y1 / p->y0) : 0)
                            : (y - p->y0) / (p->y1 - p->y0);
    return isnan(share) ? 0 : fmin(fmax(share, 0), 1);
}

static int column_of(const plot *p, double x)
{
    double share = share_x(p, x);
    if (!(share >= 0 && share <= 1))
        return -1;
    int column = (int)(share * p->box.w);
    return column < p->box.w ? column : p->box.w - 1;
}

static int row_of(const plot *p, double y)
{
    int row = (int)((1 - share_y(p, y)) * p->box.h);
    return row < p->box.h ? row : p->box.h - 1;
}

static int dot_row(const plot *p, double y)
{
    int high = dots_high(p->dots);
    int row = (int)((1 - share_y(p, y)) * high);
    return row < high ? row : high - 1;
}

/* --- frame --------------------------------------------------------------------------------------
 */

static int most_ticks(int rows)
{
    int most = rows / 3;
    return most < 2 ? 2 : most > 6 ? 6 : most;
}

plot plot_begin(canvas *c, canvas_rect area, const panel_state *state, double x0, double x1,
                double min, double max)
{
    plot p = {.x0 = x0, .x1 = x1, .y0 = min, .y1 = max, .c = c};
    p.log_x = state->log_x, p.log_y = state->log_y;
    p.box = (canvas_rect){area.x + LABEL + 1, area.y, area.w - LABEL - 2, area.h - 2};
    plot_round(&p.y0, &p.y1, p.log_y, 5); /* not by the height: the axis is the same at any size */
    if (p.box.w >= 2 && p.box.h >= 2)
        p.dots = dots_new(p.box.w, p.box.h, c->glyphs);
    return p;
}

static const char *glyph(const plot *p, const char *ascii, const char *light)
{
    return p->c->glyphs == GLYPHS_ASCII ? ascii : light;
}

static void label_y(const plot *p, double y, const char *text)
{
    int row = p->box.y + row_of(p, y);
    canvas_right(p->c, p->box.x - LABEL - 1, row, LABEL, ROLE_AXIS, text);
    canvas_text(p->c, p->box.x - 1, row, 1, ROLE_AXIS, glyph(p, "+", "┤"));
}

static void ticks_y_log(const plot *p)
{
    double decades = log10(p->y1 / p->y0);
    int most = p->box.h * 2 / 3 > 1 ? p->box.h * 2 / 3 : 1;
    const double within[] = {1, 2, 5};
    bool fine = decades * 3 <= most;
    int stride = (int)ceil(decades / most), last_row = -9;
    for (int power = (int)floor(log10(p->y0) + 1e-9); power <= (int)ceil(log10(p->y1)); power++)
        for (int i = 0; i < (fine ? 3 : 1); i++) {
            double y = within[i] * pow(10, power);
            if (y < p->y0 * (1 - 1e-9) || y > p->y1 * (1 + 1e-9) ||
                (stride > 1 && power % stride != 0) || row_of(p, y) == last_row)
                continue;
            char text[16];
            snprintf(text, sizeof text, power < -3 || power > 4 ? "%.0e" : "%g", y);
            label_y(p, y, text);
            last_row = row_of(p, y);
        }
}

static void ticks_y(const plot *p)
{
    double tick = plot_tick(p->y1 - p->y0, most_ticks(p->box.h));
    int decimals = (int)ceil(-log10(tick) - 1e-9);
    double first = ceil(p->y0 / tick - 1e-9) * tick;
    bool scientific = decimals > 4 || fabs(p->y1) >= 1e6 || fabs(p->y0) >= 1e5;
    for (int i = 0; i <= 12; i++) {
        double y = first + i * tick;
        if (y > p->y1 + tick * 1e-6)
            break;
        char text[16];
        if (scientific)
            snprintf(text, sizeof text, "%.1e", y);
        else
            snprintf(text, sizeof text, "%.*f", decimals > 0 ? decimals : 0, y);
        label_y(p, y, text);
    }
}

/* Labels under the axis, each where its tick is; one that would touch the one before is left out.
 */
static void tick_x(const plot *p, double x, const char *text, int *free_from)
{
    int column = column_of(p, x);
    int width = text_columns(text);
    int at = column - width / 2;
    if (at + width > p->box.w)
        at = p->box.w - width;
    if (at < 0)
        at = 0;
    if (column < 0 || at < *free_from)
        return;
    canvas_text(p->c, p->box.x + column, p->box.y + p->box.h, 1, ROLE_AXIS, glyph(p, "+", "┬"));
    canvas_text(p->c, p->box.x + at, p->box.y + p->box.h + 1, width, ROLE_AXIS, text);
    *free_from = at + width + 1;
}

static void ticks_x(const plot *p, double unit, const char *name)
{
    char text[32];
    int free_from = 0, name_at = p->box.w - text_columns(name);
    canvas_rect axis = {p->box.x, p->box.y + p->box.h, p->box.w, 1};
    canvas_fill(p->c, axis, ROLE_AXIS, glyph(p, "-", "─"));
    canvas_text(p->c, p->box.x - 1, axis.y, 1, ROLE_AXIS, glyph(p, "+", "└"));
    double tick = plot_tick((p->x1 - p->x0) / unit, p->box.w / 7 > 1 ? p->box.w / 7 : 1) * unit;
    double first = ceil(p->x0 / tick - 1e-9);
    int decade = (int)ceil(log10(fmax(p->x0, 1)) - 1e-9);
    for (int i = 0; i < 64; i++) {
        double x = p->log_x ? pow(10, decade + i) : (first + i) * tick;
        if (x > p->x1 + tick * 1e-6)
            break;
        snprintf(text, sizeof text, p->log_x && x >= 1e5 ? "%.0e" : "%.10g", x / unit);
        if (column_of(p, x) + text_columns(text) / 2 + 1 < name_at) /* the unit's name is there */
            tick_x(p, x, text, &free_from);
    }
    if (name_at > free_from)
        canvas_text(p->c, p->box.x + name_at, axis.y + 1, -1, ROLE_AXIS, name);
}

void plot_axes(const plot *p, uint64_t steps_per_epoch)
{
    if (!p->dots)
        return;
    for (int row = 0; row < p->box.h; row++)
        canvas_text(p->c, p->box.x - 1, p->box.y + row, 1, ROLE_AXIS, glyph(p, "|", "│"));
    if (p->log_y)
        ticks_y_log(p);
    else
        ticks_y(p);
    double epoch = (double)steps_per_epoch;
    bool epochs = !p->log_x && epoch > 0 && p->x1 - p->x0 >= epoch;
    ticks_x(p, epochs ? epoch : 1, epochs ? "epochs" : "steps");
}

/* --- curves -------------------------------------------------------------------------------------
 */

typedef struct {
    int column, row; /* of the last value; column -1: none to connect with */
} pen;

static void draw_column(plot *p, pen *from, int column, const curve_range *range, canvas_role role,
                        char mark)
{
    if (range->bad > 0)
        from->column = -1; /* a gap */
    if (range->count == 0)
        return;
    if (from->column >= 0)
        dots_line(p->dots, from->column, from->row, column, dot_row(p, range->first), role, mark);
    dots_line(p->dots, column, dot_row(p, range->max), column, dot_row(p, range->min), role, mark);
    from->column = column;
    from->row = dot_row(p, range->last);
}

void plot_curve(plot *p, const curve *points, canvas_role role, char mark)
{
    if (!p->dots || curve_count(points) == 0)
        return;
    int wide = dots_wide(p->dots);
    pen last = {-1, 0};
    for (int i = 0; i < wide; i++) {
        double from = at_share_x(p, (double)i / wide);
        double to = i + 1 == wide ? nextafter(p->x1, INFINITY) : at_share_x(p, (i + 1.0) / wide);
        curve_range range = curve_over(points, from, to);
        draw_column(p, &last, i, &range, role, mark);
    }
}

void plot_envelope(plot *p, const curve *points, canvas_role role, char mark)
{
    int wide = p->dots ? dots_wide(p->dots) : 0;
    for (int i = 0; i < wide; i++) {
        double from = at_share_x(p, (double)i / wide);
        double to = i + 1 == wide ? nextafter(p->x1, INFINITY) : at_share_x(p, (i + 1.0) / wide);
        curve_range range = curve_over(points, from, to);
        if (range.count == 0)
            continue;
        dots_set(p->dots, i, dot_row(p, range.max), role, mark);
        dots_set(p->dots, i, dot_row(p, range.min), role, mark);
    }
}

void plot_function(plot *p, double from, double to, double (*y)(const void *data, double x),
                   const void *data, canvas_role role, char mark)
{
    if (!p->dots)
        return;
    int wide = dots_wide(p->dots);
    pen last = {-1, 0};
    for (int i = 0; i < wide; i++) {
        double x = at_share_x(p, (i + 0.5) / wide);
        if (x < from || x > to)
            continue;
        double value = y(data, x);
        curve_range range = {value, value, value, value, isfinite(value) ? 1 : 0, 0};
        draw_column(p, &last, i, &range, role, mark);
    }
}

void plot_cursor(const plot *p, double x)
{
    int column = p->dots ? column_of(p, x) : -1;
    for (int row = 0; column >= 0 && row < p->box.h; row++)
        canvas_text(p->c, p->box.x + column, p->box.y + row, 1, ROLE_MARK, glyph(p, ":", "│"));
}

void plot_finish(plot *p)
{
    if (p->dots)
        dots_draw(p->dots, p->c, p->box.x, p->box.y);
    dots_free(p->dots);
    p->dots = NULL;
}

/* --- marks --------------------------------------------------------------------------------------
 */

void plot_letter(const plot *p, double x, double y, canvas_role role, char letter)
{
    int column = p->box.w >= 2 && p->box.h >= 2 ? column_of(p, x) : -1;
    if (column < 0)
        return;
    int row = isfinite(y) ? row_of(p, y) : 0;
    canvas_put(p->c, p->box.x + column, p->box.y + row, role, (uint32_t)letter);
}

void plot_name(const plot *p, const curve *points, canvas_role role, char letter)
{
    int64_t end = curve_at(points, nextafter(p->x1, INFINITY));
    curve_range seen = curve_over(points, p->x0, nextafter(p->x1, INFINITY));
    double x, y;
    if (seen.count == 0 || p->box.w < 2 || p->box.h < 2)
        return;
    curve_point(points, end - 1, &x, &y);
    int column = column_of(p, x) + 1;
    if (column >= p->box.w)
        column = p->box.w - 1;
    canvas_put(p->c, p->box.x + column, p->box.y + row_of(p, seen.last), role, (uint32_t)letter);
}

void plot_bad(const plot *p, const curve *points)
{
    for (int i = 0; i < p->box.w && p->box.h >= 2; i++) {
        double from = at_share_x(p, (double)i / p->box.w);
        double to =
            i + 1 == p->box.w ? nextafter(p->x1, INFINITY) : at_share_x(p, (i + 1.0) / p->box.w);
        if (curve_over(points, from, to).bad > 0)
            canvas_put(p->c, p->box.x + i, p->box.y + p->box.h, ROLE_BAD, '!');
    }
}

char plot_event_letter(const run_event *event)
{
    if (strcmp(event->kind, "nonfinite") == 0)
        return '!';
    if (strcmp(event->kind, "resumed") == 0)
        return 'R';
    if (strcmp(event->kind, "applied") != 0)
        return 0;
    const struct {
        const char *key;
        char letter;
    } letters[] = {{"lr", 'r'},       {"dropout", 'd'}, {"l2", 'l'},   {"momentum", 'm'},
                   {"clip", 'c'},     {"pause", 'p'},   {"save", 'w'}, {"evaluate", 'v'},
                   {"rollback", 'b'}, {"threads", 't'}, {"stop", 'S'}, {"stop-after-epoch", 's'}};
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (strcmp(event->key, letters[i].key) == 0)
            return letters[i].letter;
    return 0;
}

bool plot_events(const plot *p, const run_view *run, const curve *points)
{
    bool seen = false;
    for (int i = 0; i < run->event_count; i++) {
        const run_event *event = &run->events[i];
        char letter = plot_event_letter(event);
        double x = (double)event->step;
        if (!letter || x < p->x0 || x > p->x1)
            continue;
        /* The value there: the last one at or before it. */
        curve_range near = curve_over(points, x - (p->x1 - p->x0) / 50, nextafter(x, INFINITY));
        plot_letter(p, x, near.count > 0 ? near.last : NAN, letter == '!' ? ROLE_BAD : ROLE_MARK,
                    letter);
        seen = true;
    }
    return seen;
}

int plot_say(canvas *c, int x, canvas_role role, const char *text)
{
    int width = text_columns(text), blanks = 0;
    for (const char *end = text + strlen(text); end > text && end[-1] == ' '; end--)
        blanks++;
    return x + width - blanks > c->clip.w ? x : x + canvas_text(c, x, 0, width, role, text);
}

/* --- commands -----------------------------------------------------------------------------------
 */

static void set_zoom(const run_view *run, panel_state *state, double x0, double x1)
{
    panel_state whole = {.log_x = state->log_x};
    double low, high;
    plot_steps(run, &whole, &low, &high);
    double width = fmin(x1 - x0, high - low);
    if (width >= high - low) {
        state->x0 = state->x1 = 0;
        return;
    }
    x0 = fmax(low, fmin(x0, high - width));
    state->x0 = x0, state->x1 = x0 + width;
}

static void zoom(const run_view *run, panel_state *state, double factor)
{
    double x0, x1;
    plot_steps(run, state, &x0, &x1);
    double width = fmax((x1 - x0) * factor, 10);
    double newest = (double)run->row.step;
    double middle = state->cursor                  ? state->at
                    : newest >= x0 && newest <= x1 ? newest
                                                   : (x0 + x1) / 2;
    double share = fmin(fmax((middle - x0) / (x1 - x0), 0), 1); /* it stays where it is */
    set_zoom(run, state, middle - share * width, middle + (1 - share) * width);
}

static void move(const run_view *run, panel_state *state, double share)
{
    double x0, x1;
    plot_steps(run, state, &x0, &x1);
    if (!state->cursor) {
        if (state->x0 < state->x1)
            set_zoom(run, state, x0 + share * 20 * (x1 - x0), x1 + share * 20 * (x1 - x0));
        return;
    }
    double by = fmax(fabs(share) * (x1 - x0), 1);
    double end = fmax((double)run->row.step, 1);
    state->at = fmin(fmax(round(state->at + (share < 0 ? -by : by)), 1), end);
    if (state->at < x0 || state->at > x1)
        set_zoom(run, state, x0 + (state->at < x0 ? -0.5 : 0.5) * (x1 - x0),
                 x1 + (state->at < x0 ? -0.5 : 0.5) * (x1 - x0));
}

void plot_command(const run_view *run, panel_state *state, panel_command what)
{
    switch (what) {
    case PANEL_ZOOM_IN:
        zoom(run, state, 0.5);
        break;
    case PANEL_ZOOM_OUT:
        zoom(run, state, 2);
        break;
    case PANEL_ZOOM_ALL:
        state->x0 = state->x1 = 0;
        break;
    case PANEL_LEFT:
        move(run, state, -0.01);
        break;
    case PANEL_RIGHT:
        move(run, state, 0.01);
        break;
    case PANEL_HOME:
        move(run, state, -1);
        break;
    case PANEL_END:
        move(run, state, 1);
        break;
    case PANEL_CURSOR:
        state->cursor = !state->cursor;
        state->at = fmax((double)run->row.step, 1);
        break;
    case PANEL_LOG_Y:
        state->log_y = !state->log_y;
        break;
    case PANEL_LOG_X:
        state->log_x = !state->log_x;
        break;
    default:
        break;
    }
}
