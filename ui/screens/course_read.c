/* The page of a chapter. */
#include "ui/screens/course.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_COLUMNS = 74 };

void course_read_free(app *a)
{
    course_read *r = &a->course->read;
    lesson_page_free(&r->page);
    trace_free(r->trace);
    *r = (course_read){0};
}

void course_read_open(app *a)
{
    course_screen *s = a->course;
    nn_error error = {0};
    course_read_free(a);
    s->read.trace = trace_run(course_source(a)->lesson->trace, &error);
    s->read.section = s->place[s->chapter].section;
}

static void lay_out(app *a, int columns)
{
    course_read *r = &a->course->read;
    if (r->columns == columns && r->language == a->course->language)
        return;
    nn_error error = {0};
    lesson_scope scope = {.trace = r->trace};
    lesson_page_free(&r->page);
    r->columns = columns;
    r->language = a->course->language;
    if (lesson_page_make(course_source(a), r->language, columns, &scope, &r->page, &error) != NN_OK)
        app_say(a, ROLE_BAD, "%s", error.text);
    if (r->section >= r->page.sections)
        r->section = r->page.sections > 0 ? r->page.sections - 1 : 0;
}

void course_read_draw(app *a, canvas *c)
{
    course_read *r = &a->course->read;
    int w = c->clip.w - 6, y = 0;
    lay_out(a, w < TEXT_COLUMNS ? w : TEXT_COLUMNS);
    char title[160];
    snprintf(title, sizeof title, "*%d %s  %d/%d", a->course->chapter,
             course_say(a, lesson_title(a->course->chapter)), r->section + 1, r->page.sections);
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, title, true);
    canvas_rect old = canvas_push(c, (canvas_rect){2, 1, c->clip.w - 4, c->clip.h - 2});
    r->rows = c->clip.h;
    int skip = r->top;
    for (int i = 0; i < r->page.lines && y < c->clip.h; i++) {
        const lesson_line *line = &r->page.line[i];
        if (line->section != r->section || skip-- > 0)
            continue;
        canvas_text(c, 1, y++, -1, line->kind == LESSON_LINE_HEADING ? ROLE_TITLE : ROLE_TEXT,
                    line->text);
    }
    canvas_pop(c, old);
}

static int section_lines(const course_read *r)
{
    int count = 0;
    for (int i = 0; i < r->page.lines; i++)
        count += r->page.line[i].section == r->section;
    return count;
}

static void turn(app *a, int by)
{
    course_read *r = &a->course->read;
    int to = r->top + by * r->rows;
    if (to >= 0 && to < section_lines(r)) {
        r->top = to;
    } else if (r->section + by >= 0 && r->section + by < r->page.sections) {
        r->section += by;
        r->top = 0;
        course_save_place(a);
    } else if (by > 0) {
        course_next_pane(a, 1);
    }
}

bool course_read_do(app *a, command_id what)
{
    switch (what) {
    case DO_COURSE_NEXT:
    case DO_COURSE_RIGHT:
        turn(a, 1);
        return true;
    case DO_COURSE_LEFT:
        turn(a, -1);
        return true;
    default:
        return false;
    }
}

void course_read_standing(const app *a, char *text, size_t size)
{
    snprintf(text, size, "%s",
             course_word(a, "Space turns the page.", "스페이스로 다음 쪽을 봅니다."));
}
