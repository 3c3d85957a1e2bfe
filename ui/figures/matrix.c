#include "ui/figures/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TITLE = 15, LABEL = 13, NAMES_MOST = 60 };

typedef struct {
    drawing *d;
    const figure_matrix *m;
    double x, y, cell; /* the upper left corner of the cells, and their side */
} grid;

/* From white to blue, dark only near 1, so that what is wrong stands out from what is rare. */
static uint32_t shade(double share)
{
    double t = sqrt(fmin(fmax(share, 0), 1));
    const int low[3] = {255, 255, 255}, high[3] = {0, 82, 147};
    uint32_t colour = 0;
    for (int c = 0; c < 3; c++)
        colour = colour << 8 | (uint32_t)lround(low[c] + t * (high[c] - low[c]));
    return colour;
}

static const char *name_of(const figure_matrix *m, int i, char text[64])
{
    if (m->names && i < m->name_count)
        snprintf(text, 64, "%.63s", m->names[i]);
    else
        snprintf(text, 64, "%d", i);
    return text;
}

static void draw_cells(const grid *g)
{
    const figure_matrix *m = g->m;
    for (int row = 0; row < m->classes; row++) {
        const int32_t *counts = m->counts + (size_t)row * (size_t)m->classes;
        double sum = 0;
        for (int i = 0; i < m->classes; i++)
            sum += counts[i];
        for (int column = 0; column < m->classes; column++) {
            double share = sum > 0 ? counts[column] / sum : 0;
            double x = g->x + column * g->cell, y = g->y + row * g->cell;
            drawing_box(g->d, x, y, g->cell, g->cell, shade(share));
            char text[16];
            snprintf(text, sizeof text, "%d", (int)counts[column]);
            double size = fmin(12, (g->cell - 4) * 0.62);
            size = fmin(size, size * (g->cell - 4) / drawing_text_width(size, text));
            if (counts[column] == 0 || size < 5)
                continue;
            uint32_t ink = share > 0.4 ? 0xffffff : FIGURE_INK;
            drawing_font font = {size, ink, ANCHOR_MIDDLE, false, false};
            drawing_text(g->d, x + g->cell / 2, y + g->cell / 2 + size * 0.36, font, text);
        }
    }
}

static void draw_names(const grid *g, double size)
{
    char text[64];
    int every = 1 + (g->m->classes - 1) / NAMES_MOST;
    drawing_font left = {size, FIGURE_INK, ANCHOR_END, false, false};
    drawing_font above = {size, FIGURE_INK, ANCHOR_START, false, true};
    for (int i = 0; i < g->m->classes; i += every) {
        double middle = (i + 0.5) * g->cell + size * 0.36;
        name_of(g->m, i, text);
        drawing_text(g->d, g->x - 6, g->y + middle, left, text);
        drawing_text(g->d, g->x + middle, g->y - 6, above, text);
    }
}

static void draw_rules(const grid *g)
{
    double side = g->cell * g->m->classes;
    for (int i = 0; i <= g->m->classes; i++) {
        bool edge = i == 0 || i == g->m->classes;
        double at = i * g->cell;
        uint32_t colour = edge ? FIGURE_INK : FIGURE_PALE;
        if (!edge && g->cell < 6)
            continue;
        drawing_line(g->d, (drawing_point[]){{g->x, g->y + at}, {g->x + side, g->y + at}}, 2,
                     colour, edge ? 1 : 0.5, 0);
        drawing_line(g->d, (drawing_point[]){{g->x + at, g->y}, {g->x + at, g->y + side}}, 2,
                     colour, edge ? 1 : 0.5, 0);
    }
}

void figure_draw_matrix(drawing *d, figure_box box, const figure_matrix *m)
{
    double longest = 0, size = 12;
    char text[64];
    for (int i = 0; i < m->classes; i++)
        longest = fmax(longest, drawing_text_width(size, name_of(m, i, text)));
    const double title = 26, label = 22;
    double names = fmin(longest + 12, box.w / 4);
    double side = fmin(box.w - label - names - 12, box.h - title - label - names - 12);
    grid g = {d, m, box.x + label + names, box.y + title + label + names, side / m->classes};
    size = fmin(size, fmax(g.cell * 0.8, 5));
    if (longest > 0)
        size = fmin(size, size * (names - 8) / longest);
    drawing_font font = {TITLE, FIGURE_INK, ANCHOR_START, true, false};
    drawing_text(d, g.x, box.y + TITLE, font, m->title);
    drawing_font axis = {LABEL, FIGURE_INK, ANCHOR_MIDDLE, false, false};
    drawing_text(d, g.x + side / 2, box.y + title + LABEL, axis, "predicted class");
    axis.upwards = true;
    drawing_text(d, box.x + LABEL, g.y + side / 2, axis, "true class");
    draw_cells(&g);
    draw_rules(&g);
    draw_names(&g, size);
}
