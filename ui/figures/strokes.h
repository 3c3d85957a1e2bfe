/* The letters of pictures made of pixels: drawn with a pen, so that they are sharp at every size
 * and need no font on the machine. ASCII; other characters are boxes. */
#ifndef GRADUS_UI_STROKES_H
#define GRADUS_UI_STROKES_H

#include "ui/figures/drawing.h"

/* Of a text in UTF-8, in ems. */
double strokes_width(const char *text);

/* Called with every stroke of the text: points in ems from the start of the baseline, y upwards. */
typedef void strokes_take(void *context, const drawing_point *points, int count);
void strokes_of(const char *text, strokes_take *take, void *context);

#endif
