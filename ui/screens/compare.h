/* The Compare screen: marked runs side by side. Belongs to the UI thread. */
#ifndef GRADUS_UI_COMPARE_H
#define GRADUS_UI_COMPARE_H

#include "ui/comparison.h"
#include "ui/screens/app.h"

/* What can be focused; Tab goes round. */
typedef enum {
    COMPARE_RUNS,
    COMPARE_CURVES,
    COMPARE_SETTINGS,
    COMPARE_REAL,
    COMPARE_CONFUSION,
    COMPARE_EXAMPLES,
    COMPARE_PANELS
} compare_panel;

typedef enum {
    SHOW_DEV_LOSS,
    SHOW_DEV_ERROR,
    SHOW_TRAIN_LOSS,
    SHOW_TRAIN_ERROR,
    SHOW_METRICS
} compare_metric;

typedef struct compare_screen {
    run_id ids[COMPARISON_RUNS];
    int count;
    comparison data; /* empty while there is none */
    list_view list;  /* of the runs; the selected one is drawn on top */
    int base;        /* the run that others are compared with */
    compare_panel focus;
    compare_panel shown; /* the last one of the right side that was focused */
    bool zoomed;
    int scroll[COMPARE_PANELS];
    compare_metric metric;
    compare_axis axis;
    panel_state plot;
    curve *curves[COMPARISON_RUNS]; /* x as axis says; NULL: no memory */
    compared_run ghost;             /* the best other run on this dev set; view NULL: none */
    curve *ghost_curve;
    bool with_ghost;
    compared_pair pairs[COMPARISON_RUNS]; /* each against the base */
    int32_t *confusion;                   /* of the selected run minus that of the base */
    compared_example *examples;
    int64_t example_count;
    int64_t seen; /* version of the store */
    double read_at;
    char problem[400];
} compare_screen;

/* The run that stands against the base: the selected one, or the next one where that is the base.
 */
int compare_other(const compare_screen *s);
/* compare_draw.c */
void compare_draw_curves(const compare_screen *s, canvas *c);
/* compare_panels.c: each draws into the clip, from its scroll on. */
void compare_draw_settings(const compare_screen *s, canvas *c);
void compare_draw_real(const compare_screen *s, canvas *c);
void compare_draw_confusion(const compare_screen *s, canvas *c);
void compare_draw_examples(const compare_screen *s, canvas *c);
/* Where x ends on this axis: the plan of the longest run. */
double compare_end(const compare_screen *s);
canvas_role compare_role(int run);

#endif
