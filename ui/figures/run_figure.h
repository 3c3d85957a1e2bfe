/* One page about one run or several: loss and error, the learning rate, confusion matrices. */
#ifndef GRADUS_UI_RUN_FIGURE_H
#define GRADUS_UI_RUN_FIGURE_H

#include "ui/comparison.h"
#include "ui/figures/drawing.h"

enum { SHOW_CURVES = 1, SHOW_CONFUSION = 2, SHOW_SCHEDULE = 4, SHOW_EVERYTHING = 7 };

typedef struct {
    unsigned parts; /* SHOW_..., joined */
    compare_axis axis;
    bool log_x, log_y;
    int smoothing;     /* points of the mean of the batches; 0 or 1: none */
    const char *title; /* NULL: made from the runs */
    const char *which; /* "dev", "test"; NULL: test where it was measured, else dev */
} run_figure;

/* The evaluation whose confusion matrix is shown; NULL: there is none. */
const store_evaluation *run_figure_evaluation(const compared_run *run, const char *which);
/* The learning rate of step `step` by the schedule and the present base rate; NaN where it waits
 * for the dev loss. */
double run_figure_planned(const run_view *run, double step);

/* Puts the title into `title`. NULL: out of memory, said in `error`. The curves of `c` may be
 * smoothed, nothing else of it changes. */
drawing *run_figure_draw(comparison *c, const run_figure *what, char *title, size_t size,
                         nn_error *error);

#endif
