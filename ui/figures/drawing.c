#include "ui/figures/drawing.h"

#include "ui/figures/strokes.h"

#include <stdlib.h>
#include <string.h>

drawing *drawing_new(int width, int height)
{
    drawing *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->width = width;
    d->height = height;
    return d;
}

void drawing_free(drawing *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->count; i++) {
        free(d->items[i].points);
        free(d->items[i].text);
    }
    free(d->items);
    free(d);
}

/* An item with copies of its points and its text; NULL after a lack of memory. */
static drawn *add(drawing *d, const drawing_point *points, int count, const char *text)
{
    if (d->count == d->room) {
        int room = d->room ? 2 * d->room : 256;
        drawn *items = realloc(d->items, (size_t)room * sizeof *items);
        if (!items) {
            d->incomplete = true;
            return NULL;
        }
        d->items = items;
        d->room = room;
    }
    drawn item = {.count = count};
    item.points = malloc((size_t)count * sizeof *item.points);
    item.text = text ? strdup(text) : NULL;
    if (!item.points || (text && !item.text)) {
        free(item.points);
        free(item.text);
        d->incomplete = true;
        return NULL;
    }
    memcpy(item.points, points, (size_t)count * sizeof *points);
    d->items[d->count] = item;
    return &d->items[d->count++];
}

void drawing_line(drawing *d, const drawing_point *points, int count, uint32_t colour, double width,
                  double dash)
{
    if (count < 1)
        return;
    drawn *item = add(d, points, count, NULL);
    if (!item)
        return;
    item->kind = DRAWN_LINE;
    item->colour = colour;
    item->width = width;
    item->dash = dash;
}

void drawing_box(drawing *d, double x, double y, double w, double h, uint32_t colour)
{
    drawn *item = add(d, (drawing_point[]){{x, y}, {x + w, y + h}}, 2, NULL);
    if (!item)
        return;
    item->kind = DRAWN_BOX;
    item->colour = colour;
}

void drawing_text(drawing *d, double x, double y, drawing_font font, const char *text)
{
    drawn *item = add(d, &(drawing_point){x, y}, 1, text);
    if (!item)
        return;
    item->kind = DRAWN_TEXT;
    item->font = font;
    item->colour = font.colour;
}

double drawing_text_width(double size, const char *text)
{
    return strokes_width(text) * size;
}
