/* A grid of cells: what every panel draws into. Knows no terminal. Text is measured in columns by
 * our own table; whatever is cut off ends in '~' (ASCII) or an ellipsis and is counted in
 * `clipped`. Drawing outside the clip rectangle is harmless at any size, also 0x0. */
#ifndef GRADUS_UI_CANVAS_H
#define GRADUS_UI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { GLYPHS_ASCII, GLYPHS_BLOCK, GLYPHS_BRAILLE } glyph_level;

/* Roles, not colours: theme.c maps them to each colour depth. A role's meaning never rests on its
 * colour alone. */
typedef enum {
    ROLE_TEXT,
    ROLE_DIM,
    ROLE_TITLE,
    ROLE_TITLE_FOCUS,
    ROLE_BORDER,
    ROLE_BORDER_FOCUS,
    ROLE_KEY,
    ROLE_GOOD,
    ROLE_WARN,
    ROLE_BAD,
    ROLE_SELECT,
    ROLE_AXIS,
    ROLE_MARK,
    ROLE_TRAIN,
    ROLE_DEV,
    ROLE_SERIES_C,
    ROLE_SERIES_D,
    ROLE_HEAT_0,
    ROLE_HEAT_1,
    ROLE_HEAT_2,
    ROLE_HEAT_3,
    ROLE_HEAT_4,
    ROLE_HEAT_5,
    ROLE_HEAT_6,
    ROLE_HEAT_7,
    ROLE_COUNT
} canvas_role;

typedef struct {
    char text[12];   /* one grapheme, UTF-8; "" for the right half of a wide one */
    uint8_t columns; /* 1 or 2; 0 for the right half */
    uint8_t role;
} canvas_cell;

typedef struct {
    int x, y, w, h;
} canvas_rect;

typedef struct {
    int w, h;
    canvas_cell *cells; /* w * h, row-major */
    canvas_rect clip;   /* drawing is relative to its corner and cut at its edge */
    glyph_level glyphs;
    long clipped;           /* strings that were cut off */
    int cursor_x, cursor_y; /* where the hidden cursor is parked, for screen readers */
} canvas;

canvas *canvas_new(int w, int h,
                   glyph_level glyphs); /* NULL only for memory; sizes below 0 become 0 */
void canvas_free(canvas *c);
bool canvas_resize(canvas *c, int w, int h);
void canvas_clear(canvas *c);

/* Narrow the clip to `r` (relative to the present one, cut to it); returns the old one to put back.
 */
canvas_rect canvas_push(canvas *c, canvas_rect r);
void canvas_pop(canvas *c, canvas_rect old);

/* Draws `text` at (x,y) within `columns` (< 0: to the edge); returns the columns used. Control
 * characters become '?', invalid UTF-8 becomes U+FFFD or '?' in ASCII. */
int canvas_text(canvas *c, int x, int y, int columns, canvas_role role, const char *text);
int canvas_format(canvas *c, int x, int y, int columns, canvas_role role, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* Right-aligned so that it ends before column x + columns. */
int canvas_right(canvas *c, int x, int y, int columns, canvas_role role, const char *text);
/* Wraps at spaces (anywhere in Chinese and Japanese); returns the rows used, draws at most `rows`.
 */
int canvas_wrap(canvas *c, canvas_rect area, canvas_role role, const char *text);
void canvas_fill(canvas *c, canvas_rect area, canvas_role role, const char *glyph);
/* Change only the role of cells (selection bars). */
void canvas_role_fill(canvas *c, canvas_rect area, canvas_role role);
/* One cell holding the code point, if inside. */
void canvas_put(canvas *c, int x, int y, canvas_role role, uint32_t code_point);
/* Box with a title in the upper edge; '+-|' in ASCII, light lines otherwise. */
void canvas_box(canvas *c, canvas_rect area, const char *title, bool focus);

/* Columns of a UTF-8 string, by the table (utf8proc), not by the locale. */
int text_columns(const char *text);

/* The screen as UTF-8 lines, trailing blanks removed; malloc'd. */
char *canvas_dump(const canvas *c);
/* One letter a cell for its role, for tests. malloc'd. */
char *canvas_dump_roles(const canvas *c);

/* Sub-cell plotting: dots in a `w` x `h` cell area, (cw, ch) dots a cell: 2x4 braille, 1x2 block,
 * 1x1 ASCII. Build, add, draw; merging of two series in one cell keeps both series' dots and takes
 * the role of the later. `mark` is the ASCII glyph of the series ('*', 'o', ...). */
typedef struct dot_grid dot_grid;
dot_grid *dots_new(int w, int h, glyph_level glyphs);
void dots_free(dot_grid *d);
int dots_wide(const dot_grid *d);
int dots_high(const dot_grid *d);
void dots_set(dot_grid *d, int x, int y, canvas_role role, char mark); /* (0,0) upper left */
void dots_line(dot_grid *d, int x0, int y0, int x1, int y1, canvas_role role, char mark);
void dots_draw(const dot_grid *d, canvas *c, int x, int y);

/* Horizontal bar of `share` (0..1) over `columns` cells: eighth blocks, half, or '#'. */
void canvas_bar(canvas *c, int x, int y, int columns, canvas_role role, double share);

#endif
