/* The Trials screen: a study's trials in a table, and below it small plots of what they have found.
 * Belongs to the UI thread. */
#ifndef GRADUS_UI_TRIALS_H
#define GRADUS_UI_TRIALS_H

#include "ui/screens/app.h"
#include "ui/study_view.h"

typedef enum { TRIALS_ALL, TRIALS_KEPT, TRIALS_OPEN, TRIALS_SHOWN } trials_filter;

typedef struct trials_screen {
    study_id *studies; /* newest first */
    int study_count;
    study_id id;     /* of the study shown; 0: none */
    study_view view; /* empty while there is none */
    int *lines;      /* trials shown, as places in view.trials */
    list_view list;
    int selected; /* number of the selected trial, which the list follows */
    trials_filter filter;
    bool by_value;
    int first_tile;
    int64_t seen; /* version of the store */
    double read_at;
    char problem[400];
} trials_screen;

/* The selected trial; NULL: none. */
const trial_row *trials_selected(const trials_screen *t);

/* trials_plots.c: as many small plots as fit into the clip, from the first_tile on. */
void trials_draw_plots(const trials_screen *t, canvas *c);
/* How many there are for this study. */
int trials_plots(const trials_screen *t);
bool trials_in_percent(const study_view *view);
/* "1.11" (percent) of errors, else the number. */
void trials_value_text(const study_view *view, double value, char *text, size_t size);

#endif
