/* One page about a study: what every trial reached, and the best so far. */
#ifndef GRADUS_UI_STUDY_FIGURE_H
#define GRADUS_UI_STUDY_FIGURE_H

#include "ui/figures/drawing.h"
#include "ui/study_view.h"

/* Puts the title into `title`. NULL: out of memory, said in `error`. */
drawing *study_figure_draw(const study_view *view, bool log_y, char *title, size_t size,
                           nn_error *error);

#endif
