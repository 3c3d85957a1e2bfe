/* A canvas to curses: styles to attributes and colour pairs, cells to wide characters, one flush a
 * frame. Needs a curses screen; used by terminal.c only. */
#ifndef GRADUS_UI_CURSES_CANVAS_H
#define GRADUS_UI_CURSES_CANVAS_H

#include "ui/terminal/canvas.h"
#include "ui/terminal/theme.h"

typedef struct curses_canvas curses_canvas;

/* Call after newterm(). `utf8` false: everything outside ASCII is shown as '?'. NULL: no memory. */
curses_canvas *curses_canvas_new(color_depth depth, bool light, bool utf8);
void curses_canvas_free(curses_canvas *cc);
void curses_canvas_set_light(curses_canvas *cc, bool light);
/* The next show sends every cell again. */
void curses_canvas_repaint(curses_canvas *cc);
/* Draws what changed and flushes once; returns the seconds the flush took. */
double curses_canvas_show(curses_canvas *cc, const canvas *c);

#endif
