/* A panel draws one aspect of a run. It is a pure function of a run_view and of its own view state
 * (zoom, cursor, smoothing ...) into the clip of a canvas, at any size; commands change only that
 * state. One file a panel, one line in panels.def. */
#ifndef GRADUS_UI_PANEL_H
#define GRADUS_UI_PANEL_H

#include "ui/run_view.h"
#include "ui/terminal/canvas.h"

/* What the user changed about one panel's view. Each panel uses the fields it needs. */
typedef struct {
    bool log_x, log_y;
    int smoothing;    /* points of the exponential mean; 0: none */
    double x0, x1;    /* zoomed range of steps; x0 == x1: the whole plan */
    bool cursor;      /* a cursor is shown */
    double at;        /* its step */
    int row, column;  /* selected cell of a table */
    int scroll;       /* rows scrolled back from the newest */
    bool shares;      /* confusion: row shares instead of counts */
    bool no_diagonal; /* confusion: mistakes only */
} panel_state;

typedef enum {
    PANEL_ZOOM_IN,
    PANEL_ZOOM_OUT,
    PANEL_ZOOM_ALL,
    PANEL_LEFT, /* pan, or move the cursor */
    PANEL_RIGHT,
    PANEL_UP,
    PANEL_DOWN,
    PANEL_PAGE_UP,
    PANEL_PAGE_DOWN,
    PANEL_HOME,
    PANEL_END,
    PANEL_CURSOR,
    PANEL_LOG_Y,
    PANEL_LOG_X,
    PANEL_SMOOTHING,
    PANEL_SHARES,
    PANEL_DIAGONAL
} panel_command;

typedef struct panel {
    const char *id, *title;
    int min_w, min_h;  /* of the area it draws in: nothing is clipped from here on */
    unsigned commands; /* 1u << panel_command: those it has */
    panel_state start;
    /* Text after the title: what is shown and how ("EMA 50, log y"). */
    void (*caption)(const run_view *run, const panel_state *state, char *text, size_t size);
    void (*draw)(const run_view *run, const panel_state *state, canvas *c);
    void (*command)(const run_view *run, panel_state *state, panel_command what);
} panel;

#define PANEL(name) PANEL_##name,
typedef enum {
#include "ui/panels/panels.def"
    PANEL_COUNT
} panel_id;
#undef PANEL

const panel *panel_of(panel_id id);
int panel_find(const char *id); /* panel_id, or -1 */
/* The panel in its box with title and caption, filling `area`; says which size it needs where
 * `area` is too small. */
void panel_draw(const panel *p, const run_view *run, const panel_state *state, bool focus,
                canvas *c, canvas_rect area);

/* Short numbers, the same everywhere; "-" for NaN. `size` 16 is enough. */
void format_number(char *text, size_t size, double value);     /* 0.0025, 1.2e-05, 5 120 */
void format_percent(char *text, size_t size, double share);    /* 12.3 */
void format_count(char *text, size_t size, double count);      /* 44 426, 1.2 M */
void format_duration(char *text, size_t size, double seconds); /* 44 s, 3 min 12 s, 2 h 05 min */
/* "rate 0.001 -> 0.0005", and the role that suits it. */
canvas_role format_event(char *text, size_t size, const run_event *event);

#endif
