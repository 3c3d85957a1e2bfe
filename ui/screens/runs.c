/* The list of all runs of the store, newest first; Enter opens one in the Monitor. */
#include "ui/screens/app.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *title;
    int columns, least; /* shown from a screen of `least` columns on */
    bool right;
    void (*text)(const run_row *row, char *text, size_t size);
} run_column;

static void text_id(const run_row *row, char *text, size_t size)
{
    snprintf(text, size, "%lld", (long long)row->id);
}
static void text_state(const run_row *row, char *text, size_t size)
{
    snprintf(text, size, "%s", run_state_name(row->state));
}
static void text_name(const run_row *row, char *text, size_t size)
{
    snprintf(text, size, "%s", row->name);
}
static void text_data(const run_row *row, char *text, size_t size)
{
    const char *file = strrchr(row->data, '/');
    snprintf(text, size, "%s", file && file[1] ? file + 1 : row->data);
}
static void text_model(const run_row *row, char *text, size_t size)
{
    snprintf(text, size, "%s", row->model);
}
static void text_epochs(const run_row *row, char *text, size_t size)
{
    snprintf(text, size, "%d/%d", row->epoch, row->epochs);
}
static void text_dev(const run_row *row, char *text, size_t size)
{
    format_percent(text, size, row->best_dev_error);
}
static void text_test(const run_row *row, char *text, size_t size)
{
    format_percent(text, size, row->test_error);
}
static void text_time(const run_row *row, char *text, size_t size)
{
    format_duration(text, size, row->seconds);
}
static void text_optimizer(const run_row *row, char *text, size_t size)
{
    char rate[16];
    format_number(rate, sizeof rate, row->lr);
    snprintf(text, size, "%s %s", row->optimizer, rate);
}
static void text_seed(const run_row *row, char *text, size_t size)
{
    snprintf(text, size, "%llu", (unsigned long long)row->seed);
}

static const run_column columns[] = {
    {"id", 4, 0, true, text_id},           {"state", 9, 0, false, text_state},
    {"name", 24, 0, false, text_name},     {"data", 14, 100, false, text_data},
    {"model", 16, 130, false, text_model}, {"optimizer", 15, 150, false, text_optimizer},
    {"seed", 6, 170, true, text_seed},     {"epochs", 7, 0, true, text_epochs},
    {"dev %", 6, 0, true, text_dev},       {"test %", 6, 0, true, text_test},
    {"time", 11, 0, true, text_time},
};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

/* What is over after the fixed columns goes to the name. */
static int name_width(int w)
{
    int used = 1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (w >= columns[i].least && columns[i].text != text_name)
            used += columns[i].columns + 1;
    int left = w - used - 1;
    return left > 8 ? left : 8;
}

static void draw_row(const run_row *row, canvas *c, int y, canvas_role role)
{
    int x = 1;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const run_column *column = &columns[i];
        if (c->clip.w < column->least)
            continue;
        int wide = column->text == text_name ? name_width(c->clip.w) : column->columns;
        char text[300];
        if (row)
            column->text(row, text, sizeof text);
        else
            snprintf(text, sizeof text, "%s", column->title);
        long clipped = c->clipped; /* the Monitor shows long names in full */
        if (column->right)
            canvas_right(c, x, y, wide, role, text);
        else
            canvas_text(c, x, y, wide, role, text);
        c->clipped = clipped;
        x += wide + 1;
    }
}

void runs_draw(app *a, canvas *c)
{
    static const char *const orders[] = {"newest first", "best dev error first",
                                         "best test error first", "longest first"};
    char title[128];
    snprintf(title, sizeof title, "*Runs  %d, %s", a->run_count, orders[a->sort]);
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, title, true);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, c->clip.w - 2, c->clip.h - 2});
    int rows = c->clip.h - 1;
    list_fit(&a->run_list, a->run_count, rows);
    draw_row(NULL, c, 0, ROLE_TITLE);
    if (a->run_count == 0)
        canvas_wrap(c, (canvas_rect){1, 2, c->clip.w - 2, 4}, ROLE_DIM,
                    !a->store && !a->store_problem[0]
                        ? "Opening the store ..."
                        : "No run is recorded yet. t starts a training; every training of this "
                          "machine that uses the same store shows up here.");
    for (int i = 0; i < rows && a->run_list.top + i < a->run_count; i++) {
        const run_row *row = &a->runs[a->run_list.top + i];
        bool here = a->run_list.top + i == a->run_list.selected;
        bool bad =
            row->state == RUN_FAILED || row->state == RUN_CRASHED || row->state == RUN_DIVERGED;
        draw_row(row, c, 1 + i, bad ? ROLE_WARN : ROLE_TEXT);
        if (here) {
            canvas_text(c, 0, 1 + i, 1, ROLE_TEXT, ">");
            canvas_role_fill(c, (canvas_rect){0, 1 + i, c->clip.w, 1}, ROLE_SELECT);
            c->cursor_x = c->clip.x, c->cursor_y = c->clip.y + 1 + i;
        }
    }
    list_draw_bar(&a->run_list, c, c->clip.w - 1, 1);
    canvas_pop(c, old);
}

bool runs_do(app *a, command_id what, const char *argument)
{
    (void)argument;
    int selected = a->run_list.selected;
    const run_row *row = selected >= 0 && selected < a->run_count ? &a->runs[selected] : NULL;
    if (list_do(&a->run_list, what))
        return true;
    switch (what) {
    case DO_OPEN:
        if (row)
            records_show(a, row->id);
        return true;
    case DO_SORT:
        a->sort = (run_sort)((a->sort + 1) % SORT_COUNT);
        records_sort(a);
        list_select(&a->run_list, 0);
        return true;
    case DO_RESUME_RUN:
        if (row)
            training_resume(a, row);
        return true;
    default:
        return false;
    }
}
