/* Plots and matrices for a report: titles, axes with ticks and labels, legends, on white. Drawn
 * from numbers alone; figures/run_figure.h knows runs. */
#ifndef GRADUS_UI_FIGURE_H
#define GRADUS_UI_FIGURE_H

#include "ui/figures/drawing.h"

typedef struct {
    double x, y, w, h; /* pixels */
} figure_box;

/* A line through points whose x ascend. What is NaN or infinite leaves a gap, with a red cross
 * below it. */
typedef struct {
    char name[128]; /* in the legend; "": not there */
    char letter[4]; /* at its end; "" none */
    uint32_t colour;
    double width, dash; /* pixels; dash 0: unbroken; width 0: points only */
    bool dots;          /* at every point */
    double *x, *y;
    int count;
} figure_series;

typedef struct {
    const char *title, *x_label, *y_label;
    bool log_x, log_y;
    bool from_zero; /* the y axis, when it is not logarithmic */
    const figure_series *series;
    int count;
} figure_plot;

/* Distinct for people who see fewer colours too; begins anew after the last. */
uint32_t figure_colour(int i);
enum { FIGURE_INK = 0x202020, FIGURE_GREY = 0x6b6b6b, FIGURE_PALE = 0xdcdcdc };

void figure_draw_plot(drawing *d, figure_box box, const figure_plot *plot);

/* Counts of classes x classes, row = truth; cells are shaded by their share of the row. */
typedef struct {
    const char *title;
    int classes;
    const int32_t *counts;
    char (*names)[64]; /* NULL or fewer than classes: numbers */
    int name_count;
} figure_matrix;
void figure_draw_matrix(drawing *d, figure_box box, const figure_matrix *matrix);

#endif
