/* A picture as a list of lines, boxes and texts, which becomes an SVG or a PNG. Places are in
 * pixels from the upper left corner; colours are 0xRRGGBB. A drawing belongs to one thread. */
#ifndef GRADUS_UI_DRAWING_H
#define GRADUS_UI_DRAWING_H

#include "engine/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    double x, y;
} drawing_point;

typedef enum { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END } drawing_anchor;

typedef struct {
    double size; /* pixels an em */
    uint32_t colour;
    drawing_anchor anchor; /* which of its ends stands at the place */
    bool bold;
    bool upwards; /* turned by 90 degrees, read from below */
} drawing_font;

typedef enum { DRAWN_LINE, DRAWN_BOX, DRAWN_TEXT } drawn_kind;

typedef struct {
    drawn_kind kind;
    uint32_t colour;
    double width, dash;    /* of a line; dash 0: unbroken */
    drawing_point *points; /* of a line; of a box its two corners; of a text where it stands */
    int count;
    drawing_font font;
    char *text; /* UTF-8 */
} drawn;

typedef struct {
    int width, height;
    drawn *items;
    int count, room;
    bool incomplete; /* something found no memory: it cannot be written */
} drawing;

/* White. NULL: out of memory. */
drawing *drawing_new(int width, int height);
void drawing_free(drawing *d);

/* Through all points, with round ends and corners; a line of length 0 is a dot. */
void drawing_line(drawing *d, const drawing_point *points, int count, uint32_t colour, double width,
                  double dash);
void drawing_box(drawing *d, double x, double y, double w, double h, uint32_t colour);
/* The baseline runs through the place. */
void drawing_text(drawing *d, double x, double y, drawing_font font, const char *text);
/* About how wide a text will be. */
double drawing_text_width(double size, const char *text);

/* `title` is for readers that cannot see. The text of the SVG stays text. */
nn_status drawing_write_svg(const drawing *d, const char *title, FILE *out, nn_error *error);
/* `scale` pixels for each pixel of the drawing. Letters beyond ASCII become boxes. */
nn_status drawing_write_png(const drawing *d, int scale, FILE *out, nn_error *error);

#endif
