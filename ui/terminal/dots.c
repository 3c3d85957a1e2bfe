#include "ui/terminal/canvas.h"

#include <stdlib.h>

typedef struct {
    uint8_t bits; /* braille or half-block dots */
    uint8_t role;
    char mark; /* ASCII; 0: empty */
} dot_cell;

struct dot_grid {
    int w, h; /* cells */
    int cw, ch;
    glyph_level glyphs;
    dot_cell *cells;
};

dot_grid *dots_new(int w, int h, glyph_level glyphs)
{
    dot_grid *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return NULL;
    }
    d->w = w > 0 ? w : 0;
    d->h = h > 0 ? h : 0;
    d->glyphs = glyphs;
    d->cw = glyphs == GLYPHS_BRAILLE ? 2 : 1;
    d->ch = glyphs == GLYPHS_BRAILLE ? 4 : glyphs == GLYPHS_BLOCK ? 2 : 1;
    size_t count = (size_t)d->w * (size_t)d->h;
    d->cells = calloc(count > 0 ? count : 1, sizeof *d->cells);
    if (d->cells == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void dots_free(dot_grid *d)
{
    if (d != NULL) {
        free(d->cells);
        free(d);
    }
}

int dots_wide(const dot_grid *d)
{
    return d->w * d->cw;
}

int dots_high(const dot_grid *d)
{
    return d->h * d->ch;
}

void dots_set(dot_grid *d, int x, int y, canvas_role role, char mark)
{
    /* Unicode numbers braille dots 1-2-3-7 down the left column, 4-5-6-8 down the right one. */
    static const uint8_t braille[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= dots_wide(d) || y >= dots_high(d)) {
        return;
    }
    dot_cell *cell = &d->cells[(size_t)(y / d->ch) * d->w + x / d->cw];
    cell->bits |=
        d->glyphs == GLYPHS_BRAILLE ? braille[y % 4][x % 2] : (uint8_t)(1u << (y % d->ch));
    cell->role = (uint8_t)role;
    cell->mark = mark != 0 ? mark : '*';
}

/* Part of the line from t0 to t1 (as shares of its length) inside [0, limit]; Liang and Barsky. */
static bool clip_axis(double from, double delta, double limit, double *t0, double *t1)
{
    if (delta == 0) {
        return from >= 0 && from <= limit;
    }
    double a = (0 - from) / delta, b = (limit - from) / delta;
    double enter = a < b ? a : b, leave = a < b ? b : a;
    *t0 = enter > *t0 ? enter : *t0;
    *t1 = leave < *t1 ? leave : *t1;
    return *t0 <= *t1;
}

static int nearest(double v)
{
    return (int)(v < 0 ? v - 0.5 : v + 0.5);
}

void dots_line(dot_grid *d, int x0, int y0, int x1, int y1, canvas_role role, char mark)
{
    double dx = (double)x1 - x0, dy = (double)y1 - y0, t0 = 0, t1 = 1;
    /* Cut first: the ends may be far outside, and the walk must stay short. */
    if (!clip_axis(x0, dx, dots_wide(d) - 1, &t0, &t1) ||
        !clip_axis(y0, dy, dots_high(d) - 1, &t0, &t1)) {
        return;
    }
    double ax = x0 + t0 * dx, ay = y0 + t0 * dy, bx = x0 + t1 * dx, by = y0 + t1 * dy;
    double wide = bx > ax ? bx - ax : ax - bx, high = by > ay ? by - ay : ay - by;
    int steps = nearest(wide > high ? wide : high);
    for (int i = 0; i <= steps; i++) {
        double t = steps > 0 ? (double)i / steps : 0;
        dots_set(d, nearest(ax + t * (bx - ax)), nearest(ay + t * (by - ay)), role, mark);
    }
}

void dots_draw(const dot_grid *d, canvas *c, int x, int y)
{
    static const uint16_t half[4] = {' ', 0x2580, 0x2584, 0x2588};
    for (int row = 0; row < d->h; row++) {
        for (int column = 0; column < d->w; column++) {
            const dot_cell *cell = &d->cells[(size_t)row * d->w + column];
            if (cell->bits == 0) {
                continue;
            }
            uint32_t glyph = d->glyphs == GLYPHS_BRAILLE ? 0x2800u + cell->bits
                             : d->glyphs == GLYPHS_BLOCK ? half[cell->bits & 3]
                                                         : (unsigned char)cell->mark;
            canvas_put(c, x + column, y + row, (canvas_role)cell->role, glyph);
        }
    }
}
