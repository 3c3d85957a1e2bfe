#include "ui/figures/figure.h"

#include "ui/panels/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TITLE = 15, LABEL = 13, TICK = 12, LEGEND_ROW = 19, TICKS_MOST = 64, POINTS_MOST = 4096 };

uint32_t figure_colour(int i)
{
    /* Okabe and Ito, "Color Universal Design", darker where white would swallow them. */
    static const uint32_t colours[] = {0x0072b2, 0xd55e00, 0x009e73, 0xb0568f,
                                       0x56a4d9, 0xb07800, 0x202020, 0x7f5fc0};
    return colours[i % (int)(sizeof colours / sizeof *colours)];
}

typedef struct {
    drawing *d;
    figure_box box; /* of the plotting area */
    double x0, x1, y0, y1;
    bool log_x, log_y;
} frame;

/* --- scales -------------------------------------------------------------------------------------
 */

static bool drawable(double value, bool log_axis)
{
    return isfinite(value) && (!log_axis || value > 0);
}

static double share(double value, double low, double high, bool log_axis)
{
    return log_axis ? log(value / low) / log(high / low) : (value - low) / (high - low);
}

static double place_x(const frame *f, double x)
{
    return f->box.x + f->box.w * share(x, f->x0, f->x1, f->log_x);
}

static double place_y(const frame *f, double y)
{
    return f->box.y + f->box.h * (1 - share(y, f->y0, f->y1, f->log_y));
}

static void find_ranges(frame *f, const figure_plot *p)
{
    double x0 = NAN, x1 = NAN, y0 = NAN, y1 = NAN;
    for (int s = 0; s < p->count; s++)
        for (int i = 0; i < p->series[s].count; i++) {
            double x = p->series[s].x[i], y = p->series[s].y[i];
            if (!drawable(x, p->log_x))
                continue;
            x0 = fmin(x0, x), x1 = fmax(x1, x);
            if (drawable(y, p->log_y))
                y0 = fmin(y0, y), y1 = fmax(y1, y);
        }
    if (p->from_zero && !p->log_y && y0 > 0)
        y0 = 0;
    plot_round(&y0, &y1, p->log_y, 5);
    if (!p->log_x && x0 > 0)
        x0 = 0;
    if (isnan(x0))
        x0 = p->log_x ? 1 : 0, x1 = 10;
    if (!(x1 > x0))
        x1 = p->log_x ? x0 * 10 : x0 + 1;
    *f = (frame){f->d, f->box, x0, x1, y0, y1, p->log_x, p->log_y};
}

/* Ticks between low and high, ascending; returns how many. */
static int find_ticks(double low, double high, bool log_axis, int most, double *ticks)
{
    int count = 0;
    if (!log_axis) {
        double step = plot_tick(high - low, most);
        for (double i = ceil(low / step - 1e-6); i * step <= high + step * 1e-6; i++)
            if (count < TICKS_MOST)
                ticks[count++] = i * step;
        return count;
    }
    static const double parts[] = {1, 2, 5};
    bool all = log10(high / low) < 3;
    int every = 1 + (int)(log10(high / low) / most);
    int from = (int)floor(log10(low) + 1e-9);
    for (int power = from; power <= log10(high) + 1e-9; power++)
        for (int i = 0; i < (all ? 3 : 1); i++) {
            double tick = parts[i] * pow(10, power);
            bool inside = tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9);
            if (inside && (power - from) % every == 0 && count < TICKS_MOST)
                ticks[count++] = tick;
        }
    return count;
}

static void tick_text(double value, double step, char text[24])
{
    if (fabs(value) < step * 1e-6)
        value = 0;
    if (fabs(value) >= 1e6 || (value != 0 && fabs(value) < 1e-4))
        snprintf(text, 24, "%.3g", value);
    else
        snprintf(text, 24, "%.6g", value);
}

/* --- axes ---------------------------------------------------------------------------------------
 */

static void rule(const frame *f, double x0, double y0, double x1, double y1, uint32_t colour)
{
    drawing_line(f->d, (drawing_point[]){{x0, y0}, {x1, y1}}, 2, colour, 1, 0);
}

static void draw_axis(const frame *f, bool upright)
{
    double ticks[TICKS_MOST];
    const figure_box *b = &f->box;
    double low = upright ? f->y0 : f->x0, high = upright ? f->y1 : f->x1;
    int most = (int)(upright ? b->h / 45 : b->w / 70);
    int count = find_ticks(low, high, upright ? f->log_y : f->log_x, most < 2 ? 2 : most, ticks);
    double step = count > 1 ? ticks[1] - ticks[0] : 1;
    drawing_font font = {TICK, FIGURE_INK, upright ? ANCHOR_END : ANCHOR_MIDDLE, false, false};
    for (int i = 0; i < count; i++) {
        char text[24];
        tick_text(ticks[i], step, text);
        if (upright) {
            double y = place_y(f, ticks[i]);
            rule(f, b->x, y, b->x + b->w, y, FIGURE_PALE);
            rule(f, b->x - 5, y, b->x, y, FIGURE_INK);
            drawing_text(f->d, b->x - 8, y + TICK * 0.36, font, text);
        } else {
            double x = place_x(f, ticks[i]);
            rule(f, x, b->y, x, b->y + b->h, FIGURE_PALE);
            rule(f, x, b->y + b->h, x, b->y + b->h + 5, FIGURE_INK);
            drawing_text(f->d, x, b->y + b->h + 8 + TICK, font, text);
        }
    }
}

static void draw_frame(const frame *f, const figure_plot *p, double left)
{
    const figure_box *b = &f->box;
    draw_axis(f, true);
    draw_axis(f, false);
    const drawing_point corner[] = {{b->x, b->y}, {b->x, b->y + b->h}, {b->x + b->w, b->y + b->h}};
    drawing_line(f->d, corner, 3, FIGURE_INK, 1, 0);
    drawing_font font = {LABEL, FIGURE_INK, ANCHOR_MIDDLE, false, false};
    drawing_text(f->d, b->x + b->w / 2, b->y + b->h + 42, font, p->x_label);
    font.upwards = true;
    drawing_text(f->d, left + LABEL, b->y + b->h / 2, font, p->y_label);
}

static double dot_size(const figure_series *s)
{
    return s->width > 0 ? s->width * 2.6 : 7;
}

/* --- series -------------------------------------------------------------------------------------
 */

static void cross(const frame *f, double x)
{
    double y = f->box.y + f->box.h - 7;
    const uint32_t red = 0xc00000;
    drawing_line(f->d, (drawing_point[]){{x - 4, y - 4}, {x + 4, y + 4}}, 2, red, 1.6, 0);
    drawing_line(f->d, (drawing_point[]){{x - 4, y + 4}, {x + 4, y - 4}}, 2, red, 1.6, 0);
}

static void draw_series(const frame *f, const figure_series *s)
{
    drawing_point part[POINTS_MOST];
    int count = 0;
    double last_cross = -INFINITY, end_x = NAN, end_y = NAN;
    for (int i = 0; i < s->count; i++) {
        if (!drawable(s->x[i], f->log_x))
            continue;
        double x = place_x(f, s->x[i]);
        bool good = drawable(s->y[i], f->log_y);
        if (!isfinite(s->y[i]) && x > last_cross + 10)
            cross(f, last_cross = x);
        double y = good ? place_y(f, s->y[i]) : NAN;
        if (good)
            part[count++] = (drawing_point){end_x = x, end_y = y};
        if (good && s->dots)
            drawing_line(f->d, &part[count - 1], 1, s->colour, dot_size(s), 0);
        if ((!good || count == POINTS_MOST || i == s->count - 1) && count > 0) {
            if (s->width > 0) /* a point alone is a dot that can be seen */
                drawing_line(f->d, part, count, s->colour, count > 1 ? s->width : dot_size(s),
                             s->dash);
            part[0] = part[count - 1];
            count = good && i < s->count - 1 ? 1 : 0;
        }
    }
    drawing_font font = {LABEL, s->colour, ANCHOR_START, true, false};
    if (*s->letter && isfinite(end_x))
        drawing_text(f->d, end_x + 6, end_y + LABEL * 0.36, font, s->letter);
}

/* Names with a piece of their line, in rows from y on; draws nothing without `d`. Returns how many
 * rows they take. */
static int draw_legend(drawing *d, const figure_plot *p, double x0, double y, double w)
{
    double x = x0;
    int rows = 0;
    drawing_font font = {TICK, FIGURE_INK, ANCHOR_START, false, false};
    for (int i = 0; i < p->count; i++) {
        const figure_series *s = &p->series[i];
        if (!*s->name)
            continue;
        double wide = 30 + drawing_text_width(TICK, s->name) + 18;
        if (rows == 0)
            rows = 1;
        else if (x + wide > x0 + w && x > x0)
            x = x0, y += LEGEND_ROW, rows++;
        if (d) {
            double middle = y - TICK * 0.36;
            const drawing_point piece[] = {{x, middle}, {x + 24, middle}};
            if (s->width > 0)
                drawing_line(d, piece, 2, s->colour, s->width, s->dash);
            if (s->dots)
                drawing_line(d, &(drawing_point){x + 12, middle}, 1, s->colour, dot_size(s), 0);
            drawing_text(d, x + 30, y, font, s->name);
        }
        x += wide;
    }
    return rows;
}

void figure_draw_plot(drawing *d, figure_box box, const figure_plot *p)
{
    const double left = 72, right = 22, below = 52;
    int rows = draw_legend(NULL, p, box.x + left, 0, box.w - left - right);
    double above = 30 + rows * LEGEND_ROW;
    frame f = {.d = d};
    f.box = (figure_box){box.x + left, box.y + above, box.w - left - right, box.h - above - below};
    find_ranges(&f, p);
    drawing_font font = {TITLE, FIGURE_INK, ANCHOR_START, true, false};
    drawing_text(d, box.x + left, box.y + TITLE, font, p->title);
    draw_legend(d, p, box.x + left, box.y + TITLE + LEGEND_ROW, box.w - left - right);
    draw_frame(&f, p, box.x);
    for (int i = 0; i < p->count; i++)
        draw_series(&f, &p->series[i]);
    font = (drawing_font){LABEL, FIGURE_GREY, ANCHOR_MIDDLE, false, false};
    if (p->count == 0)
        drawing_text(d, f.box.x + f.box.w / 2, f.box.y + f.box.h / 2, font, "nothing measured");
}
