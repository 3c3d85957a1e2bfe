/* The confusion matrix of the last dev evaluation: rows truth, columns said. Heat by the share of
 * the row, and always the number itself; a cursor names one cell; the worst pairs are listed. */
#include "ui/panels/panel.h"
#include "ui/terminal/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const store_evaluation *latest(const run_view *run)
{
    return run->evaluation_count > 0 ? &run->evaluations[run->evaluation_count - 1] : NULL;
}

static int64_t count_at(const store_evaluation *e, int row, int column)
{
    return e->confusion[(int64_t)row * e->classes + column];
}

static int64_t row_total(const store_evaluation *e, int row)
{
    int64_t total = 0;
    for (int column = 0; column < e->classes; column++)
        total += count_at(e, row, column);
    return total;
}

static const char *class_name(const run_view *run, int label)
{
    return label < run->class_count ? run->class_names[label] : "";
}

/* "6 Shirt", or the bare number where the name says no more. */
static void say_class(const run_view *run, int label, char *text, size_t size)
{
    char number[16];
    snprintf(number, sizeof number, "%d", label);
    const char *name = class_name(run, label);
    snprintf(text, size, "%d%s%s", label, *name && strcmp(name, number) != 0 ? " " : "",
             *name && strcmp(name, number) != 0 ? name : "");
}

static int digits(int64_t n)
{
    int count = 1;
    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

/* Where everything goes. */
typedef struct {
    bool shares;
    int label, cell; /* columns */
    int first_row, rows, first_column, columns;
    int footer; /* its first row */
} grid;

static int first_of(int at, int shown, int all)
{
    int first = at - shown / 2;
    if (first > all - shown)
        first = all - shown;
    return first < 0 ? 0 : first;
}

static grid lay_out(const run_view *run, const panel_state *state, const store_evaluation *e, int w,
                    int h)
{
    int64_t max = 1;
    int longest = 0;
    for (int i = 0; i < e->classes; i++) {
        int columns = text_columns(class_name(run, i));
        longest = columns > longest ? columns : longest;
        for (int j = 0; j < e->classes; j++)
            max = count_at(e, i, j) > max ? count_at(e, i, j) : max;
    }
    int number = digits(e->classes - 1);
    grid g = {.shares = state->shares, .cell = digits(max) + 1, .label = number + 1};
    if (!g.shares && g.label + 1 + e->classes * g.cell > w)
        g.shares = digits(max) + 1 > 4;
    if (g.shares)
        g.cell = 4;
    int spare = w - 1 - g.label - e->classes * g.cell;
    if (spare >= e->classes * 3) { /* room for wider cells, whose heads are names */
        g.cell += spare / e->classes < 6 ? spare / e->classes - 1 : 5;
        spare = w - 1 - g.label - e->classes * g.cell;
    }
    if (spare >= 6 && longest > number)
        g.label += (longest < spare - 1 ? longest : spare - 1) + 1;
    g.columns = (w - 1 - g.label) / (g.cell > 0 ? g.cell : 1);
    g.columns = g.columns < e->classes ? g.columns : e->classes;
    g.rows = h - 2 < e->classes ? h - 2 : e->classes;
    g.columns = g.columns > 0 ? g.columns : 0;
    g.rows = g.rows > 0 ? g.rows : 0;
    g.first_row = first_of(state->row, g.rows, e->classes);
    g.first_column = first_of(state->column, g.columns, e->classes);
    g.footer = 1 + g.rows;
    return g;
}

static void draw_head(const run_view *run, const grid *g, canvas *c)
{
    for (int i = 0; i < g->columns; i++) {
        char text[16];
        int label = g->first_column + i;
        const char *name = class_name(run, label);
        if (g->cell >= 7 && text_columns(name) <= g->cell - 1)
            snprintf(text, sizeof text, "%s", name);
        else
            snprintf(text, sizeof text, "%d", label);
        canvas_right(c, g->label + i * g->cell, 0, g->cell, ROLE_AXIS, text);
    }
    canvas_text(c, 0, 0, g->label, ROLE_DIM, g->label >= 5 ? "true" : "");
}

static void draw_cell(const store_evaluation *e, const panel_state *state, const grid *g, canvas *c,
                      int row, int column)
{
    int64_t count = count_at(e, row, column), total = row_total(e, row);
    double share = total > 0 ? (double)count / (double)total : 0;
    int x = g->label + (column - g->first_column) * g->cell, y = 1 + row - g->first_row;
    char text[24];
    if (count == 0)
        snprintf(text, sizeof text, ".");
    else if (row == column && state->no_diagonal)
        snprintf(text, sizeof text, "-");
    else if (g->shares)
        snprintf(text, sizeof text, share < 0.005 ? "<1" : "%.0f", share * 100);
    else
        snprintf(text, sizeof text, "%lld", (long long)count);
    /* By the root: most mistakes are small shares, and they are what one looks for. */
    int heat = (int)(sqrt(share) * 7.99);
    bool plain = count == 0 || (row == column && state->no_diagonal);
    canvas_role role = plain ? ROLE_DIM : (canvas_role)(ROLE_HEAT_0 + heat);
    bool here = state->cursor && row == state->row && column == state->column;
    canvas_right(c, x, y, g->cell, here ? ROLE_SELECT : role, text);
    if (here) {
        int width = text_columns(text);
        canvas_put(c, x + g->cell - width - 1, y, ROLE_SELECT, '[');
        canvas_put(c, x + g->cell, y, ROLE_SELECT, ']');
        c->cursor_x = c->clip.x + x + g->cell - 1;
        c->cursor_y = c->clip.y + y;
    }
}

static void draw_row(const run_view *run, const store_evaluation *e, const panel_state *state,
                     const grid *g, canvas *c, int row)
{
    char text[96];
    if (g->label > digits(e->classes - 1) + 1)
        say_class(run, row, text, sizeof text);
    else
        snprintf(text, sizeof text, "%d", row);
    int y = 1 + row - g->first_row;
    long clipped = c->clipped; /* a long name is said in full below */
    canvas_text(c, 0, y, g->label - 1, ROLE_AXIS, text);
    c->clipped = clipped;
    int cursor = -1;
    for (int column = g->first_column; column < g->first_column + g->columns; column++) {
        if (state->cursor && row == state->row && column == state->column)
            cursor = column; /* last: its bracket reaches into the next cell */
        else
            draw_cell(e, state, g, c, row, column);
    }
    if (cursor >= 0)
        draw_cell(e, state, g, c, row, cursor);
}

static void draw_cursor_text(const run_view *run, const store_evaluation *e,
                             const panel_state *state, canvas *c, int y)
{
    char truth[80], said[80], text[256];
    int64_t count = count_at(e, state->row, state->column), total = row_total(e, state->row);
    say_class(run, state->row, truth, sizeof truth);
    say_class(run, state->column, said, sizeof said);
    snprintf(text, sizeof text, "true %s, said %s: %lld of %lld (%.1f %%)", truth, said,
             (long long)count, (long long)total,
             total > 0 ? 100.0 * (double)count / (double)total : 0.0);
    canvas_rect area = {0, y, c->clip.w, c->clip.h - y};
    if (text_wrap_rows(text, area.w) > area.h)
        snprintf(text, sizeof text, "%d said %d: %lld of %lld", state->row, state->column,
                 (long long)count, (long long)total);
    canvas_wrap(c, area, ROLE_MARK, text);
}

typedef struct {
    int row, column;
    int64_t count;
} confusion_pair;

/* The pairs with the most mistakes, largest first; returns how many. */
static int worst_pairs(const store_evaluation *e, confusion_pair *worst, int room)
{
    int found = 0;
    for (int row = 0; row < e->classes; row++)
        for (int column = 0; column < e->classes; column++) {
            int64_t count = row == column ? 0 : count_at(e, row, column);
            int at = found;
            while (at > 0 && worst[at - 1].count < count)
                at--;
            if (count == 0 || at >= room)
                continue;
            int tail = (found < room ? found : room - 1) - at;
            memmove(&worst[at + 1], &worst[at], (size_t)tail * sizeof *worst);
            worst[at] = (confusion_pair){row, column, count};
            found += found < room;
        }
    return found;
}

static void draw_worst(const run_view *run, const store_evaluation *e, canvas *c, int y)
{
    confusion_pair worst[16];
    int rows = c->clip.h - y;
    int count = worst_pairs(e, worst, rows < 16 ? rows : 16);
    if (count == 0)
        canvas_text(c, 0, y, -1, ROLE_GOOD, "no mistake on the dev part");
    for (int i = 0; i < count && rows > 0; i++) {
        char truth[80], said[80], text[224];
        say_class(run, worst[i].row, truth, sizeof truth);
        say_class(run, worst[i].column, said, sizeof said);
        snprintf(text, sizeof text, "%s%s said %s (%lld)", i == 0 ? "Worst: " : "       ", truth,
                 said, (long long)worst[i].count);
        if (text_columns(text) > c->clip.w)
            snprintf(text, sizeof text, "%s%d said %d (%lld)", i == 0 ? "Worst: " : "       ",
                     worst[i].row, worst[i].column, (long long)worst[i].count);
        canvas_text(c, 0, y + i, -1, ROLE_TEXT, text);
    }
}

static void draw(const run_view *run, const panel_state *given, canvas *c)
{
    const store_evaluation *e = latest(run);
    if (!e || !e->confusion || e->classes < 1) {
        canvas_wrap(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, ROLE_DIM,
                    run_view_active(run) ? "The dev part is evaluated after every epoch; v does it "
                                           "now."
                                         : "The dev part was never evaluated.");
        return;
    }
    panel_state state = *given;
    state.row = state.row < e->classes ? state.row : e->classes - 1;
    state.column = state.column < e->classes ? state.column : e->classes - 1;
    grid g = lay_out(run, &state, e, c->clip.w, c->clip.h);
    draw_head(run, &g, c);
    for (int row = g.first_row; row < g.first_row + g.rows; row++)
        draw_row(run, e, &state, &g, c, row);
    if (g.footer >= c->clip.h)
        return;
    if (state.cursor)
        draw_cursor_text(run, e, &state, c, g.footer);
    else
        draw_worst(run, e, c, g.footer);
}

static void caption(const run_view *run, const panel_state *state, char *text, size_t size)
{
    const store_evaluation *e = latest(run);
    if (!e)
        snprintf(text, size, "dev");
    else
        snprintf(text, size, "dev, epoch %d  rows true%s%s", e->epoch,
                 state->shares ? ", % of row" : "", state->no_diagonal ? ", mistakes" : "");
}

static int clamp(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static void command(const run_view *run, panel_state *state, panel_command what)
{
    const store_evaluation *e = latest(run);
    int last = e && e->classes > 0 ? e->classes - 1 : 0;
    if (what == PANEL_SHARES) {
        state->shares = !state->shares;
        return;
    }
    if (what == PANEL_DIAGONAL) {
        state->no_diagonal = !state->no_diagonal;
        return;
    }
    if (what == PANEL_CURSOR) {
        state->cursor = !state->cursor;
        return;
    }
    int down = what == PANEL_DOWN ? 1 : what == PANEL_UP ? -1 : 0;
    int right = what == PANEL_RIGHT ? 1 : what == PANEL_LEFT ? -1 : 0;
    down = what == PANEL_PAGE_DOWN ? 10 : what == PANEL_PAGE_UP ? -10 : down;
    right = what == PANEL_END ? last : what == PANEL_HOME ? -last : right;
    if (state->cursor) { /* the first key only shows it */
        state->row = clamp(state->row + down, last);
        state->column = clamp(state->column + right, last);
    }
    state->cursor = true;
}

const panel panel_confusion = {
    .id = "confusion",
    .title = "Confusion",
    .min_w = 38,
    .min_h = 4,
    .commands = 1u << PANEL_UP | 1u << PANEL_DOWN | 1u << PANEL_LEFT | 1u << PANEL_RIGHT |
                1u << PANEL_PAGE_UP | 1u << PANEL_PAGE_DOWN | 1u << PANEL_HOME | 1u << PANEL_END |
                1u << PANEL_CURSOR | 1u << PANEL_SHARES | 1u << PANEL_DIAGONAL,
    .caption = caption,
    .draw = draw,
    .command = command};
