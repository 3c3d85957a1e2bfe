#include "ui/terminal/curses_canvas.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "ui/terminal/text.h"

struct curses_canvas {
    color_depth depth;
    bool light, utf8, default_colors, repaint;
    attr_t attributes[ROLE_COUNT];
    canvas *shown; /* what curses holds */
    cchar_t *row;  /* one row of wide characters */
    int row_room;
};

/* --- styles ----------------------------------------------------------------------------------- */

/* One pair a role: pair `role + 1`. Passed separately to setcchar(): packed pairs wrap at 256. */
static void make_styles(curses_canvas *cc)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        theme_style style = theme_of((canvas_role)role, cc->depth, cc->light);
        attr_t a = A_NORMAL;
        a |= style.attributes & STYLE_BOLD ? A_BOLD : 0;
        a |= style.attributes & STYLE_DIM ? A_DIM : 0;
        a |= style.attributes & STYLE_REVERSE ? A_REVERSE : 0;
        a |= style.attributes & STYLE_UNDERLINE ? A_UNDERLINE : 0;
        cc->attributes[role] = a;
        if (cc->depth != COLORS_MONO) {
            int plain = cc->default_colors ? -1 : COLOR_WHITE;
            int ground = cc->default_colors ? -1 : COLOR_BLACK;
            init_extended_pair(role + 1, style.foreground >= 0 ? style.foreground : plain,
                               style.background >= 0 ? style.background : ground);
        }
    }
}

curses_canvas *curses_canvas_new(color_depth depth, bool light, bool utf8)
{
    curses_canvas *cc = calloc(1, sizeof *cc);
    if (cc == NULL) {
        return NULL;
    }
    cc->shown = canvas_new(0, 0, GLYPHS_ASCII);
    if (cc->shown == NULL) {
        free(cc);
        return NULL;
    }
    cc->depth = depth;
    cc->light = light;
    cc->utf8 = utf8;
    if (depth != COLORS_MONO && (start_color() == ERR || COLOR_PAIRS <= ROLE_COUNT)) {
        cc->depth = COLORS_MONO;
    }
    cc->default_colors = cc->depth != COLORS_MONO && use_default_colors() == OK;
    make_styles(cc);
    return cc;
}

void curses_canvas_free(curses_canvas *cc)
{
    if (cc != NULL) {
        canvas_free(cc->shown);
        free(cc->row);
        free(cc);
    }
}

void curses_canvas_set_light(curses_canvas *cc, bool light)
{
    cc->light = light;
    make_styles(cc);
    curses_canvas_repaint(cc);
}

void curses_canvas_repaint(curses_canvas *cc)
{
    cc->repaint = true;
}

/* --- cells ------------------------------------------------------------------------------------ */

static void put(const curses_canvas *cc, cchar_t *out, const wchar_t *wide, int role)
{
    short pair = (short)(cc->depth != COLORS_MONO ? role + 1 : 0);
    setcchar(out, wide, cc->attributes[role], pair, NULL);
}

/* The cell as wide characters; false when the C library would measure them differently, which
 * would shift the rest of the row. */
static bool widen(const curses_canvas *cc, const canvas_cell *cell, wchar_t wide[CCHARW_MAX + 1])
{
    int count = 0;
    const char *at = cell->text;
    uint32_t code_point;
    for (int bytes; (bytes = text_decode(at, &code_point)) > 0 && count < CCHARW_MAX; at += bytes) {
        int columns = code_point < 0x80 ? 1 : cc->utf8 ? wcwidth((wchar_t)code_point) : -1;
        if (count == 0 && columns != cell->columns) {
            return false;
        }
        if (count == 0 || columns == 0) {
            wide[count++] = (wchar_t)code_point;
        }
    }
    wide[count] = L'\0';
    return count > 0;
}

static void show_row(curses_canvas *cc, const canvas *c, int y)
{
    const canvas_cell *cells = &c->cells[(size_t)y * c->w];
    int length = 0;
    for (int x = 0; x < c->w; x++) {
        const canvas_cell *cell = &cells[x];
        wchar_t wide[CCHARW_MAX + 1];
        int role = cell->role < ROLE_COUNT ? cell->role : ROLE_TEXT;
        if (cell->columns == 0) {
            continue; /* curses fills the second half of a wide character itself */
        }
        if (widen(cc, cell, wide)) {
            put(cc, &cc->row[length++], wide, role);
            continue;
        }
        for (int i = 0; i < cell->columns && length < c->w; i++) {
            put(cc, &cc->row[length++], L"?", role);
        }
    }
    mvwadd_wchnstr(stdscr, y, 0, cc->row, length);
}

static bool make_room(curses_canvas *cc, const canvas *c)
{
    if (c->w > cc->row_room) {
        cchar_t *row = realloc(cc->row, (size_t)c->w * sizeof *row);
        if (row == NULL) {
            return false;
        }
        cc->row = row;
        cc->row_room = c->w;
    }
    if (cc->shown->w != c->w || cc->shown->h != c->h) {
        cc->repaint = true;
        return canvas_resize(cc->shown, c->w, c->h);
    }
    return true;
}

double curses_canvas_show(curses_canvas *cc, const canvas *c)
{
    if (!make_room(cc, c)) {
        return 0; /* out of memory: the old picture stays */
    }
    size_t row_bytes = (size_t)c->w * sizeof *c->cells;
    for (int y = 0; y < c->h; y++) {
        canvas_cell *old = &cc->shown->cells[(size_t)y * c->w];
        const canvas_cell *new = &c->cells[(size_t)y * c->w];
        if (cc->repaint || memcmp(old, new, row_bytes) != 0) {
            show_row(cc, c, y);
            memcpy(old, new, row_bytes);
        }
    }
    if (cc->repaint) {
        clearok(curscr, TRUE);
        cc->repaint = false;
    }
    wmove(stdscr, c->cursor_y < c->h ? c->cursor_y : 0, c->cursor_x < c->w ? c->cursor_x : 0);
    wnoutrefresh(stdscr);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    doupdate();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}
