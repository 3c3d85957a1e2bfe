/* The worked example as it is drawn: the list of values, and the step that is shown. */
#include "ui/screens/course.h"

#include "ui/terminal/text.h"

#include <stdio.h>
#include <string.h>

enum { LIST = 26, WIDE_LIST = 44, WIDE = 110, AROUND = 3, AROUND_COLUMNS = 70 };

static const trace_entry *entry_at(const app *a)
{
    return trace_at(a->course->step.trace, a->course->step.at);
}

static void draw_row(const app *a, canvas *c, int at, int y)
{
    const course_step *s = &a->course->step;
    const trace_entry *entry = trace_at(s->trace, at);
    char value[80] = "";
    int w = c->clip.w - 1, x;
    bool known = at < s->at || (at == s->at && !s->hidden) || entry->input;
    canvas_format(c, 0, y, -1, ROLE_DIM, "%c%2d%c", at == s->at ? '>' : ' ', at + 1,
                  course_step_changed(s, at) ? '*' : ' ');
    long clipped = c->clipped; /* the step itself has all of it */
    x = 4 + canvas_text(c, 4, y, w - 4, at <= s->at ? ROLE_TEXT : ROLE_DIM, entry->name);
    if (known)
        course_value_text(entry, value, sizeof value);
    else if (at == s->at)
        snprintf(value, sizeof value, "?");
    if (x + 1 + text_columns(value) > w && !entry->scalar)
        snprintf(value, sizeof value, "%dx%d", entry->rows, entry->columns);
    if (x + 1 + text_columns(value) <= w)
        canvas_right(c, x, y, w - x, entry->input ? ROLE_KEY : ROLE_TEXT, value);
    c->clipped = clipped;
    if (at == s->at) {
        canvas_role_fill(c, (canvas_rect){0, y, w, 1}, ROLE_SELECT);
        c->cursor_x = c->clip.x, c->cursor_y = c->clip.y + y;
    }
}

static void draw_list(app *a, canvas *c)
{
    course_step *s = &a->course->step;
    int count = trace_count(s->trace);
    int last = count > c->clip.h ? count - c->clip.h : 0, middle = s->at - c->clip.h / 2;
    s->list = (list_view){.count = count, .selected = s->at, .rows = c->clip.h};
    s->list.top = middle < 0 ? 0 : middle > last ? last : middle; /* the same from both sides */
    for (int i = 0; i < c->clip.h && s->list.top + i < count; i++)
        draw_row(a, c, s->list.top + i, i);
    list_draw_bar(&s->list, c, c->clip.w - 1, 0);
}

/* A column of text that goes down; nothing is drawn below `rows`, but counted. */
typedef struct {
    const app *app;
    canvas *canvas;
    int y, rows;
    int gap; /* blank rows between paragraphs, left out where there is no room */
} sheet;

static void put(sheet *s, canvas_role role, const char *words)
{
    char text[2048];
    course_plain(s->app, words, text, sizeof text);
    int columns = s->canvas->clip.w - 2, left = s->rows - s->y;
    if (left > 0)
        canvas_wrap(s->canvas, (canvas_rect){1, s->y, columns, left}, role, text);
    s->y += text_wrap_rows(text, columns);
}

/* A matrix, as many rows and columns as fit, and what is left out said. */
static void put_matrix(sheet *s, const trace_entry *entry)
{
    int below = entry->input ? 4 : 13; /* what is said after it */
    int columns = (s->canvas->clip.w - 4) / 10, rows = entry->rows, room = s->rows - s->y - below;
    room = room < 3 ? 3 : room;
    columns = entry->columns < columns ? entry->columns : columns;
    bool cut = rows > room || columns < entry->columns;
    rows = cut && rows >= room ? room - 1 : rows;
    for (int i = 0; i < rows; i++, s->y++)
        for (int j = 0; j < columns && s->y < s->rows; j++) {
            char text[32];
            snprintf(text, sizeof text, "%.5g", entry->values[i * entry->columns + j]);
            canvas_right(s->canvas, 2 + 10 * j, s->y, 9, ROLE_TITLE, text);
        }
    if (cut) {
        char text[160];
        snprintf(text, sizeof text,
                 course_word(s->app, "... the first %d rows and %d columns of %dx%d",
                             "... 처음 %d행 %d열 (전체 %dx%d)"),
                 rows, columns, entry->rows, entry->columns);
        put(s, ROLE_DIM, text);
    }
}

static void put_question(sheet *s, const trace_entry *entry)
{
    char text[256];
    snprintf(text, sizeof text, "%s = ? (±%.2g) ", entry->name,
             course_step_tolerance(entry->values[0]));
    if (s->y < s->rows)
        prompt_draw(&s->app->course->step.line, s->canvas, 1, s->y, s->canvas->clip.w - 2, text,
                    true);
    s->y++;
    put(s, ROLE_DIM,
        course_word(s->app, "Type the number, Enter checks it. 0 Space shows it.",
                    "수를 적고 Enter. 0 스페이스: 답 보기."));
}

static void put_value(sheet *s, const trace_entry *entry)
{
    const course_step *step = &s->app->course->step;
    char text[256], value[80];
    if (step->hidden) {
        put_question(s, entry);
        return;
    }
    if (!entry->scalar && entry->rows * entry->columns > 4) {
        snprintf(text, sizeof text, "%s, %dx%d:", entry->name, entry->rows, entry->columns);
        put(s, ROLE_TITLE, text);
        put_matrix(s, entry);
        return;
    }
    snprintf(text, sizeof text, "%s = %s", entry->name,
             course_value_text(entry, value, sizeof value));
    put(s, ROLE_TITLE, text);
    if (course_step_changed(step, step->at)) {
        trace_entry was = *entry;
        was.values = step->before[step->at];
        snprintf(text, sizeof text,
                 course_word(s->app, "* was %s before your change", "* 바꾸기 전 %s"),
                 course_value_text(&was, value, sizeof value));
        put(s, ROLE_DIM, text);
    }
}

/* The formula, and with the numbers in it. */
static void put_formula(sheet *s, const trace_entry *entry)
{
    const course_step *step = &s->app->course->step;
    char text[2048];
    const char *formula = entry->note.formula ? entry->note.formula : "";
    put(s, ROLE_TEXT, formula);
    trace_numbers(step->trace, entry, text, sizeof text);
    if ((!step->hidden || step->missed) && strcmp(text, formula) != 0)
        put(s, ROLE_TEXT, text);
}

/* The line of C, with its number where the source is at hand. */
static void put_code(sheet *s, const trace_entry *entry)
{
    char place[300], line[300];
    if (!course_code_line(course_source(s->app), entry->note.code, place, sizeof place, line,
                          sizeof line))
        return;
    put(s, ROLE_DIM, place);
    /* Around a line of the lesson stands its own prose, around one of the engine how it is done. */
    if (strncmp(place, "lessons/", 8) == 0 || s->canvas->clip.w < AROUND_COLUMNS ||
        s->rows - s->y < 2 * AROUND + 1 ||
        !course_code_around(course_source(s->app), entry->note.code, 0, line, sizeof line)) {
        put(s, ROLE_KEY, line);
        return;
    }
    for (int i = -AROUND; i <= AROUND; i++) {
        int number =
            course_code_around(course_source(s->app), entry->note.code, i, line, sizeof line);
        long clipped = s->canvas->clipped; /* long lines of C end in a mark */
        if (number > 0)
            canvas_format(s->canvas, 1, s->y++, s->canvas->clip.w - 2, i ? ROLE_DIM : ROLE_KEY,
                          "%c%4d %s", i ? ' ' : '>', number, line);
        s->canvas->clipped = clipped;
    }
}

static void put_slope(sheet *s, const trace_entry *entry)
{
    const course_step *step = &s->app->course->step;
    if (!entry->note.of || step->hidden)
        return;
    put(s, step->slope[0] ? ROLE_GOOD : ROLE_DIM,
        step->slope[0] ? step->slope
                       : course_word(s->app, "f checks this gradient by finite differences.",
                                     "f로 이 기울기를 수치 미분과 비교합니다."));
    s->y += s->gap;
}

static void put_step(sheet *s, const trace_entry *entry)
{
    const app *a = s->app;
    const course_step *step = &a->course->step;
    lesson_scope scope = {.trace = step->trace};
    char text[2048];
    if (entry->part >= 0)
        put(s, ROLE_DIM, course_say(a, trace_part_title(step->trace, entry->part)));
    put(s, ROLE_TITLE,
        lesson_filled(&scope, entry->input ? entry->given.what : entry->note.what,
                      a->course->language, text, sizeof text));
    s->y += s->gap;
    if (entry->input) {
        put_value(s, entry);
        s->y += s->gap;
        put(s, ROLE_DIM,
            course_word(a, "An input: e changes it, and all that follows is computed anew.",
                        "입력입니다. e로 바꾸면 뒤의 값을 모두 다시 계산합니다."));
        return;
    }
    put_formula(s, entry);
    put_value(s, entry);
    s->y += s->gap;
    if (!step->hidden) {
        put(s, ROLE_TEXT,
            lesson_filled(&scope, entry->note.why, a->course->language, text, sizeof text));
        s->y += s->gap;
    }
    put_slope(s, entry);
    put_code(s, entry);
}

/* Rows that the step takes in a box of that size. */
static int rows_of(const app *a, int columns, int rows, int gap)
{
    canvas *c = canvas_new(columns, rows, GLYPHS_ASCII);
    sheet s = {.app = a, .canvas = c, .rows = rows, .gap = gap};
    if (c)
        put_step(&s, entry_at(a));
    canvas_free(c);
    return s.y;
}

static void draw_step(const app *a, canvas *c, int gap)
{
    sheet s = {.app = a, .canvas = c, .rows = c->clip.h, .gap = gap};
    put_step(&s, entry_at(a));
    c->clipped += s.y > s.rows; /* the linter hears of it */
}

void course_step_draw(app *a, canvas *c)
{
    course_step *s = &a->course->step;
    int w = c->clip.w, h = c->clip.h, left = w >= WIDE ? WIDE_LIST : LIST, gap = 1;
    char title[200];
    if (!s->trace) {
        canvas_box(c, (canvas_rect){0, 0, w, h}, course_word(a, "*Steps", "*단계"), true);
        return;
    }
    /* What does not fit beside the list takes its place. */
    if (rows_of(a, w - left - 2, h - 2, 1) > h - 2)
        gap = 0;
    if (gap == 0 && rows_of(a, w - left - 2, h - 2, 0) > h - 2)
        left = 0;
    snprintf(title, sizeof title, course_word(a, "*Steps %d/%d", "*단계 %d/%d"), s->at + 1,
             trace_count(s->trace));
    if (left > 0) {
        canvas_box(c, (canvas_rect){0, 0, left, h}, title, true);
        canvas_rect old = canvas_push(c, (canvas_rect){1, 1, left - 2, h - 2});
        draw_list(a, c);
        canvas_pop(c, old);
        snprintf(title, sizeof title, "%d %s", a->course->chapter,
                 course_say(a, lesson_title(a->course->chapter)));
    }
    canvas_box(c, (canvas_rect){left, 0, w - left, h}, title, left == 0);
    canvas_rect old = canvas_push(c, (canvas_rect){left + 1, 1, w - left - 2, h - 2});
    draw_step(a, c, gap);
    canvas_pop(c, old);
    if (s->editing) {
        canvas_box(c, (canvas_rect){0, h - 3, w, 3}, course_word(a, "*Inputs", "*입력"), true);
        canvas_fill(c, (canvas_rect){1, h - 2, w - 2, 1}, ROLE_TEXT, " ");
        prompt_draw(&s->line, c, 2, h - 2, w - 4, "", true);
    }
}

void course_step_standing(const app *a, char *text, size_t size)
{
    const course_step *s = &a->course->step;
    if (!s->trace)
        return;
    const trace_entry *entry = entry_at(a);
    char value[80];
    if (s->editing)
        snprintf(text, size, "%s",
                 course_word(a, "NAME=NUMBER for each input to change.",
                             "바꿀 입력을 이름=수로 적으세요."));
    else if (s->hidden)
        snprintf(text, size, course_word(a, "What is %s?", "%s 값은 얼마일까요?"), entry->name);
    else
        snprintf(text, size,
                 entry->input
                     ? course_word(a, "%d of %d. Given: %s = %s.", "%d/%d. 주어진 값: %s = %s.")
                     : course_word(a, "%d of %d. This step computed one value: %s = %s.",
                                   "%d/%d. 이 단계에서 구한 값: %s = %s."),
                 s->at + 1, trace_count(s->trace), entry->name,
                 course_value_text(entry, value, sizeof value));
}
