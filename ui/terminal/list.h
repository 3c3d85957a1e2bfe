/* Which rows of a long list are seen and which one is selected. Keeps the selection through changes
 * of size and length. */
#ifndef GRADUS_UI_LIST_H
#define GRADUS_UI_LIST_H

#include "ui/terminal/canvas.h"
#include "ui/terminal/key.h"

typedef struct {
    int count;    /* rows there are */
    int selected; /* -1 when there are none */
    int top;      /* first row shown */
    int rows;     /* rows shown */
} list_view;

/* Call before drawing: new length and height; the selection stays in range and in sight. */
void list_fit(list_view *l, int count, int rows);
/* Arrows, j k, g G, Home End, PageUp/Down, Ctrl-D/U, wheel. True if the key was used. */
bool list_key(list_view *l, const key_event *key);
void list_select(list_view *l, int row);
/* A one-column scroll bar, `rows` high, only when there is more than fits. */
void list_draw_bar(const list_view *l, canvas *c, int x, int y);

#endif
