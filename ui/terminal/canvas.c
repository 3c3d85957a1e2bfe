#include "ui/terminal/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/terminal/text.h"
#include "ui/terminal/theme.h"

static const canvas_cell blank = {" ", 1, ROLE_TEXT};

canvas *canvas_new(int w, int h, glyph_level glyphs)
{
    canvas *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->glyphs = glyphs;
    if (!canvas_resize(c, w, h)) {
        canvas_free(c);
        return NULL;
    }
    return c;
}

void canvas_free(canvas *c)
{
    if (c != NULL) {
        free(c->cells);
        free(c);
    }
}

bool canvas_resize(canvas *c, int w, int h)
{
    w = w < 0 ? 0 : w;
    h = h < 0 ? 0 : h;
    size_t count = (size_t)w * (size_t)h;
    canvas_cell *cells = calloc(count > 0 ? count : 1, sizeof *cells);
    if (cells == NULL) {
        return false;
    }
    free(c->cells);
    c->cells = cells;
    c->w = w;
    c->h = h;
    canvas_clear(c);
    return true;
}

void canvas_clear(canvas *c)
{
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        c->cells[i] = blank;
    }
    c->clip = (canvas_rect){0, 0, c->w, c->h};
    c->clipped = 0;
    c->cursor_x = c->cursor_y = 0;
}

/* --- clip ------------------------------------------------------------------------------------- */

static canvas_rect cut_to(canvas_rect r, canvas_rect edge)
{
    long left = r.x > edge.x ? r.x : edge.x, top = r.y > edge.y ? r.y : edge.y;
    long right = (long)r.x + r.w, bottom = (long)r.y + r.h;
    right = right < (long)edge.x + edge.w ? right : (long)edge.x + edge.w;
    bottom = bottom < (long)edge.y + edge.h ? bottom : (long)edge.y + edge.h;
    return (canvas_rect){(int)left, (int)top, (int)(right > left ? right - left : 0),
                         (int)(bottom > top ? bottom - top : 0)};
}

canvas_rect canvas_push(canvas *c, canvas_rect r)
{
    canvas_rect old = c->clip;
    r.x += old.x;
    r.y += old.y;
    c->clip = cut_to(r, old);
    return old;
}

void canvas_pop(canvas *c, canvas_rect old)
{
    c->clip = old;
}

/* --- cells ------------------------------------------------------------------------------------ */

/* Blanks the other half of a wide grapheme that is about to lose this one. */
static void split_wide(canvas *c, int x, int y)
{
    canvas_cell *cell = &c->cells[(size_t)y * c->w + x];
    if (cell->columns == 2 && x + 1 < c->w) {
        uint8_t role = cell[1].role;
        cell[1] = blank;
        cell[1].role = role;
    } else if (cell->columns == 0 && x > 0) {
        uint8_t role = cell[-1].role;
        cell[-1] = blank;
        cell[-1].role = role;
    }
}

/* What stands in for a code point: ASCII look-alikes for the symbols our own texts use. */
static uint32_t shown(uint32_t code_point, glyph_level glyphs)
{
    static const struct {
        uint16_t from;
        char to;
    } look_alikes[] = {{0xB1, '~'},   {0xB7, '.'},   {0xD7, 'x'},   {0x2010, '-'},  {0x2011, '-'},
                       {0x2012, '-'}, {0x2013, '-'}, {0x2014, '-'}, {0x2018, '\''}, {0x2019, '\''},
                       {0x201C, '"'}, {0x201D, '"'}, {0x2022, '*'}, {0x2026, '~'},  {0x2190, '<'},
                       {0x2191, '^'}, {0x2192, '>'}, {0x2193, 'v'}, {0x2212, '-'},  {0x2248, '~'},
                       {0x2264, '<'}, {0x2265, '>'}, {0x2500, '-'}, {0x2502, '|'},  {0x2588, '#'},
                       {0xFFFD, '?'}};
    if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0)) {
        return '?';
    }
    for (size_t i = 0; glyphs == GLYPHS_ASCII && i < sizeof look_alikes / sizeof *look_alikes;
         i++) {
        if (look_alikes[i].from == code_point) {
            return (uint32_t)look_alikes[i].to;
        }
    }
    return code_point;
}

/* Fills `cell` with the grapheme of `bytes` at `text`; marks that do not fit the cell are lost. */
static void compose(canvas_cell *cell, const char *text, int bytes, int columns, glyph_level glyphs)
{
    size_t length = 0;
    for (int at = 0; at < bytes;) {
        uint32_t code_point;
        char encoded[4];
        int taken = text_decode(text + at, &code_point);
        if (at > 0 && code_point >= 0x2000 && text_code_columns(code_point) == 0 &&
            (code_point < 0x20D0 || code_point >= 0xFE00)) {
            at += taken; /* format controls and joiners would only confuse terminals */
            continue;
        }
        if (at == 0 && text_code_columns(code_point) == 0) {
            cell->text[length++] = ' ';
        }
        int encoded_length = text_encode(at == 0 ? shown(code_point, glyphs) : code_point, encoded);
        at += taken;
        if (length + (size_t)encoded_length >= sizeof cell->text) {
            break;
        }
        memcpy(cell->text + length, encoded, (size_t)encoded_length);
        length += (size_t)encoded_length;
    }
    cell->text[length] = '\0';
    cell->columns = (uint8_t)columns;
}

/* (x, y) within the clip; a wide grapheme cut by either edge becomes a blank. */
static void put_grapheme(canvas *c, int x, int y, canvas_role role, const char *text, int bytes,
                         int columns)
{
    if (y < 0 || y >= c->clip.h || x + columns <= 0 || x >= c->clip.w || columns == 0) {
        return;
    }
    int left = x < 0 ? 0 : x, right = x + columns > c->clip.w ? c->clip.w : x + columns;
    bool whole = left == x && right == x + columns;
    for (int i = left; i < right; i++) {
        int at_x = c->clip.x + i, at_y = c->clip.y + y;
        split_wide(c, at_x, at_y);
        canvas_cell *cell = &c->cells[(size_t)at_y * c->w + at_x];
        *cell = blank;
        if (whole && i == x) {
            compose(cell, text, bytes, columns, c->glyphs);
        } else if (whole) {
            *cell = (canvas_cell){"", 0, ROLE_TEXT};
        }
        cell->role = (uint8_t)role;
    }
}

void canvas_put(canvas *c, int x, int y, canvas_role role, uint32_t code_point)
{
    char text[5] = {0};
    int columns = text_code_columns(code_point);
    int bytes = text_encode(code_point, text);
    put_grapheme(c, x, y, role, text, bytes, columns > 0 ? columns : 1);
}

void canvas_fill(canvas *c, canvas_rect area, canvas_role role, const char *glyph)
{
    int columns, bytes = text_grapheme(glyph, &columns);
    if (bytes == 0 || columns == 0) {
        glyph = " ";
        bytes = columns = 1;
    }
    area = cut_to(area, (canvas_rect){0, 0, c->clip.w, c->clip.h});
    for (int y = area.y; y < area.y + area.h; y++) {
        for (int x = area.x; x < area.x + area.w; x += columns) {
            bool fits = x + columns <= area.x + area.w;
            put_grapheme(c, x, y, role, fits ? glyph : " ", fits ? bytes : 1, fits ? columns : 1);
        }
    }
}

void canvas_role_fill(canvas *c, canvas_rect area, canvas_role role)
{
    area = cut_to(area, (canvas_rect){0, 0, c->clip.w, c->clip.h});
    for (int y = area.y; y < area.y + area.h; y++) {
        canvas_cell *row = &c->cells[(size_t)(c->clip.y + y) * c->w + c->clip.x];
        for (int x = area.x; x < area.x + area.w; x++) {
            row[x].role = (uint8_t)role;
        }
    }
}

/* --- text ------------------------------------------------------------------------------------- */

static int draw_graphemes(canvas *c, int x, int y, canvas_role role, const char *text,
                          size_t length)
{
    int start = x, columns;
    for (const char *end = text + length; text < end;) {
        int bytes = text_grapheme(text, &columns);
        put_grapheme(c, x, y, role, text, bytes, columns);
        text += bytes;
        x += columns;
    }
    return x - start;
}

int canvas_text(canvas *c, int x, int y, int columns, canvas_role role, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    int edge = x < c->clip.w ? c->clip.w - x : 0; /* columns to the edge of the clip */
    int room = columns < 0 || columns > edge ? edge : columns;
    if (y < 0 || y >= c->clip.h || room <= 0) {
        c->clipped++;
        return 0;
    }
    int used;
    size_t length = text_prefix(text, room, &used);
    bool cut = text[length] != '\0';
    if (!cut) {
        c->clipped += x < 0 ? 1 : 0;
        return draw_graphemes(c, x, y, role, text, length);
    }
    c->clipped++;
    length = text_prefix(text, room - 1, &used);
    used = draw_graphemes(c, x, y, role, text, length);
    canvas_put(c, x + used, y, role, c->glyphs == GLYPHS_ASCII ? '~' : 0x2026);
    return used + 1;
}

int canvas_format(canvas *c, int x, int y, int columns, canvas_role role, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return length < 0 ? 0 : canvas_text(c, x, y, columns, role, text);
}

int canvas_right(canvas *c, int x, int y, int columns, canvas_role role, const char *text)
{
    if (columns < 0) {
        columns = c->clip.w > x ? c->clip.w - x : 0;
    }
    int wide = text_columns(text);
    int shift = wide < columns ? columns - wide : 0;
    return canvas_text(c, x + shift, y, columns - shift, role, text);
}

int canvas_wrap(canvas *c, canvas_rect area, canvas_role role, const char *text)
{
    int row = 0;
    while (*text != '\0' && row < area.h) {
        const char *next;
        size_t length = text_wrap_line(text, area.w, &next);
        if (row == area.h - 1 && *next != '\0') { /* the rest does not fit: show that */
            canvas_text(c, area.x, area.y + row, area.w, role, text);
        } else {
            int used;
            size_t fits = text_prefix(text, c->clip.w - area.x, &used);
            c->clipped += length > fits || area.y + row >= c->clip.h ? 1 : 0;
            draw_graphemes(c, area.x, area.y + row, role, text, length);
        }
        text = next;
        row++;
    }
    c->clipped += area.h <= 0 && *text != '\0' ? 1 : 0;
    return row;
}

/* --- shapes ----------------------------------------------------------------------------------- */

void canvas_box(canvas *c, canvas_rect area, const char *title, bool focus)
{
    static const char *const lines[] = {"\u2500", "\u2502", "\u250C", "\u2510", "\u2514", "\u2518"};
    static const char *const ascii[] = {"-", "|", "+", "+", "+", "+"};
    const char *const *g = c->glyphs == GLYPHS_ASCII ? ascii : lines;
    canvas_role role = focus ? ROLE_BORDER_FOCUS : ROLE_BORDER;
    int right = area.x + area.w - 1, bottom = area.y + area.h - 1;
    if (area.w < 2 || area.h < 2) {
        return;
    }
    canvas_fill(c, (canvas_rect){area.x, area.y, area.w, 1}, role, g[0]);
    canvas_fill(c, (canvas_rect){area.x, bottom, area.w, 1}, role, g[0]);
    canvas_fill(c, (canvas_rect){area.x, area.y, 1, area.h}, role, g[1]);
    canvas_fill(c, (canvas_rect){right, area.y, 1, area.h}, role, g[1]);
    canvas_fill(c, (canvas_rect){area.x, area.y, 1, 1}, role, g[2]);
    canvas_fill(c, (canvas_rect){right, area.y, 1, 1}, role, g[3]);
    canvas_fill(c, (canvas_rect){area.x, bottom, 1, 1}, role, g[4]);
    canvas_fill(c, (canvas_rect){right, bottom, 1, 1}, role, g[5]);
    if (title == NULL || title[0] == '\0' || area.w < 5) {
        return;
    }
    /* Brackets, so that the focus is seen without colour too. */
    canvas_role title_role = focus ? ROLE_TITLE_FOCUS : ROLE_TITLE;
    int used = canvas_text(c, area.x + 2, area.y, area.w - 4, title_role, title);
    canvas_put(c, area.x + 1, area.y, title_role, focus ? '[' : ' ');
    canvas_put(c, area.x + 2 + used, area.y, title_role, focus ? ']' : ' ');
}

void canvas_bar(canvas *c, int x, int y, int columns, canvas_role role, double share)
{
    share = share > 0 ? share < 1 ? share : 1 : 0; /* NaN is 0 */
    int parts = c->glyphs == GLYPHS_ASCII ? 1 : 8;
    int filled = (int)(share * columns * parts + 0.5);
    filled = filled == 0 && share > 0 ? 1 : filled; /* something is not nothing */
    for (int i = 0; i < columns && filled > 0; i++, filled -= parts) {
        uint32_t block = parts == 1 ? '#' : filled >= 8 ? 0x2588 : (uint32_t)(0x2590 - filled);
        canvas_put(c, x + i, y, role, block);
    }
}

/* --- dumps ------------------------------------------------------------------------------------ */

char *canvas_dump(const canvas *c)
{
    char *text = malloc((size_t)c->h * ((size_t)c->w * sizeof blank.text + 1) + 1);
    if (text == NULL) {
        return NULL;
    }
    char *end = text;
    for (int y = 0; y < c->h; y++) {
        char *solid = end; /* after the last cell that is not blank */
        for (int x = 0; x < c->w; x++) {
            const canvas_cell *cell = &c->cells[(size_t)y * c->w + x];
            size_t length = strlen(cell->text);
            memcpy(end, cell->text, length);
            end += length;
            solid = strcmp(cell->text, " ") != 0 ? end : solid;
        }
        end = solid;
        *end++ = '\n';
    }
    *end = '\0';
    return text;
}

char *canvas_dump_roles(const canvas *c)
{
    char *text = malloc((size_t)c->h * ((size_t)c->w + 1) + 1);
    if (text == NULL) {
        return NULL;
    }
    char *end = text;
    for (int y = 0; y < c->h; y++) {
        for (int x = 0; x < c->w; x++) {
            *end++ = theme_letter((canvas_role)c->cells[(size_t)y * c->w + x].role);
        }
        *end++ = '\n';
    }
    *end = '\0';
    return text;
}
