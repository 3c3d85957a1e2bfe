/* Home of the course: its chapters in five parts, and what the selected one holds. */
#include "ui/screens/course.h"

#include "lessons/check.h"

#include <stdio.h>
#include <string.h>

enum { LINES = LESSON_CHAPTERS + 8, LIST_COLUMNS = 47, PARTS = 5 };

/* A line is a chapter, or the heading of a part as a negative number. */
static int list_lines(int lines[LINES])
{
    int count = 0;
    for (int i = 1; i <= LESSON_CHAPTERS; i++) {
        if (i == 1 || lesson_part(i) != lesson_part(i - 1))
            lines[count++] = -lesson_part(i);
        lines[count++] = i;
    }
    return count;
}

static int line_of(int chapter)
{
    int lines[LINES], count = list_lines(lines), at = 0;
    while (at < count && lines[at] != chapter)
        at++;
    return at;
}

/* --- the list -----------------------------------------------------------------------------------
 */

static void part_standing(const app *a, int part, int *done, int *all)
{
    *done = *all = 0;
    for (int i = 1; i <= LESSON_CHAPTERS; i++)
        if (part == 0 || lesson_part(i) == part) {
            *done += a->course->place[i].done;
            ++*all;
        }
}

static void chapter_standing(const app *a, int chapter, char *text, size_t size)
{
    const lesson_source *source = lesson_find(chapter);
    const progress_place *place = &a->course->place[chapter];
    text[0] = '\0';
    if (!source)
        snprintf(text, size, "%s", course_word(a, "not written", "준비 중"));
    else if (place->chapter || course_passed(a, chapter) > 0)
        snprintf(text, size, "%s %d/%d", course_word(a, "check", "문제"), course_passed(a, chapter),
                 lesson_check_count(source->lesson));
}

static void draw_part(const app *a, canvas *c, int part, int y)
{
    int done, all;
    part_standing(a, part, &done, &all);
    int x = canvas_format(c, 0, y, -1, ROLE_TITLE, course_word(a, "Part %d  ", "%d부  "), part);
    canvas_text(c, x, y, c->clip.w - x - 8, ROLE_TITLE, course_say(a, lesson_part_title(part)));
    char text[32];
    snprintf(text, sizeof text, "%d/%d ", done, all);
    canvas_right(c, c->clip.w - 8, y, 8, ROLE_DIM, text);
}

static void draw_chapter(const app *a, canvas *c, int chapter, int y, bool here)
{
    const lesson_source *source = lesson_find(chapter);
    const progress_place *place = &a->course->place[chapter];
    char text[32];
    chapter_standing(a, chapter, text, sizeof text);
    int right = text_columns(text);
    canvas_format(c, 0, y, -1, ROLE_TEXT, "%c %2d %s ", here ? '>' : ' ', chapter,
                  !source          ? " - "
                  : place->done    ? "[x]"
                  : place->chapter ? "[~]"
                                   : "[ ]");
    long clipped = c->clipped; /* the right side has the title in full */
    canvas_text(c, 9, y, c->clip.w - 11 - right, source ? ROLE_TEXT : ROLE_DIM,
                course_say(a, lesson_title(chapter)));
    c->clipped = clipped;
    canvas_right(c, c->clip.w - 1 - right, y, right, ROLE_DIM, text);
    if (here) {
        canvas_role_fill(c, (canvas_rect){0, y, c->clip.w - 1, 1}, ROLE_SELECT);
        c->cursor_x = c->clip.x, c->cursor_y = c->clip.y + y;
    }
}

static void draw_list(app *a, canvas *c)
{
    course_screen *s = a->course;
    int lines[LINES], count = list_lines(lines);
    list_select(&s->home.list, line_of(s->chapter));
    s->home.list.count = count;
    list_fit(&s->home.list, count, c->clip.h);
    if (s->home.list.selected == 1)
        s->home.list.top = 0; /* the first heading, too */
    for (int i = 0; i < c->clip.h && s->home.list.top + i < count; i++) {
        int line = lines[s->home.list.top + i];
        if (line < 0)
            draw_part(a, c, -line, i);
        else
            draw_chapter(a, c, line, i, line == s->chapter);
    }
    list_draw_bar(&s->home.list, c, c->clip.w - 1, 0);
}

/* --- the selected chapter -----------------------------------------------------------------------
 */

static int wrapped(canvas *c, int y, canvas_role role, const char *text)
{
    if (y >= c->clip.h)
        return y;
    return y + canvas_wrap(c, (canvas_rect){1, y, c->clip.w - 2, c->clip.h - y}, role, text);
}

/* "Needs: 1, 4 (both done)" */
static void say_needs(const app *a, const lesson *l, char *text, size_t size)
{
    int chapter, read, used = 0, open = 0;
    used = snprintf(text, size, "%s", course_word(a, "Needs", "먼저 볼 장"));
    const char *at = l->prerequisites;
    for (int i = 0; sscanf(at, "%d%n", &chapter, &read) == 1; i++, at += read) {
        bool done = chapter >= 1 && chapter <= LESSON_CHAPTERS && a->course->place[chapter].done;
        open += !done;
        used += snprintf(text + used, size - (size_t)used, "%s %d%s", i ? "," : ":", chapter,
                         done ? course_word(a, " (done)", "(마침)") : "");
    }
    if (at == l->prerequisites)
        snprintf(text, size, "%s",
                 course_word(a, "Needs no other chapter.", "먼저 볼 장이 없습니다."));
    else if (open > 0)
        snprintf(text + used, size - (size_t)used, "%s",
                 course_word(a, ". Opens all the same.", ". 먼저 보지 않아도 열립니다."));
}

static void say_terms(const app *a, const lesson *l, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", course_word(a, "Words: ", "용어: "));
    for (int i = 0; i < lesson_term_count(l) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 course_say(a, l->terms[i].term));
}

/* What Enter does. */
static void say_place(const app *a, int chapter, char *text, size_t size)
{
    const progress_place *place = &a->course->place[chapter];
    if (!place->chapter)
        snprintf(text, size, "%s", course_word(a, "Enter: begin", "Enter: 시작"));
    else if (strcmp(place->mode, "lab") == 0)
        snprintf(text, size, "%s", course_word(a, "Enter: on in the lab", "Enter: 실습 이어서"));
    else if (strcmp(place->mode, "step") == 0)
        snprintf(text, size, course_word(a, "Enter: on at step %d", "Enter: %d단계부터 이어서"),
                 place->step + 1);
    else if (strcmp(place->mode, "check") == 0)
        snprintf(text, size, course_word(a, "Enter: on at question %d", "Enter: %d번 문제부터"),
                 place->item + 1);
    else
        snprintf(text, size, course_word(a, "Enter: on at page %d", "Enter: %d쪽부터 이어서"),
                 place->section + 1);
}

static void draw_parts(const app *a, canvas *c)
{
    for (int part = 1; part <= PARTS; part++) {
        int done, all;
        part_standing(a, part, &done, &all);
        canvas_format(c, 1, part - 1, 24, ROLE_TEXT, "%d %s", part,
                      course_say(a, lesson_part_title(part)));
        canvas_bar(c, 26, part - 1, c->clip.w - 36, ROLE_GOOD, (double)done / all);
        canvas_format(c, c->clip.w - 8, part - 1, -1, ROLE_DIM, "%d/%d", done, all);
    }
}

static void draw_about(const app *a, canvas *c)
{
    int chapter = a->course->chapter;
    const lesson_source *source = lesson_find(chapter);
    char text[1024];
    int y = wrapped(c, 0, ROLE_TITLE, course_say(a, lesson_title(chapter)));
    if (!source) {
        wrapped(c, y + 1, ROLE_TEXT,
                course_word(a, "Not written yet. It will appear here with a newer Gradus.",
                            "아직 쓰지 않은 장입니다. 새 버전에서 볼 수 있습니다."));
        return;
    }
    const lesson *l = source->lesson;
    say_needs(a, l, text, sizeof text);
    y = wrapped(c, y, ROLE_DIM, text) + 1;
    say_place(a, chapter, text, sizeof text);
    y = wrapped(c, y, ROLE_KEY, text);
    y = wrapped(c, y, ROLE_TEXT, course_word(a, "r read    s steps", "r 읽기    s 단계"));
    y = wrapped(c, y, ROLE_TEXT, course_word(a, "l lab     c checks", "l 실습    c 문제")) + 1;
    for (int i = 0; i < lesson_lab_count(l); i++) {
        snprintf(text, sizeof text, "%s: %s", course_word(a, "Lab", "실습"),
                 course_say(a, l->labs[i].title));
        y = wrapped(c, y, ROLE_TEXT, text);
    }
    y++;
    say_terms(a, l, text, sizeof text);
    wrapped(c, y, ROLE_DIM, text);
}

void course_home_draw(app *a, canvas *c)
{
    course_screen *s = a->course;
    int w = c->clip.w, h = c->clip.h, left = w >= 110 ? 62 : LIST_COLUMNS, done, all;
    char title[96];
    part_standing(a, 0, &done, &all);
    snprintf(title, sizeof title, course_word(a, "*Chapters  %d/%d done", "*단원  %d/%d 마침"),
             done, all);
    canvas_box(c, (canvas_rect){0, 0, left, h}, title, true);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, left - 2, h - 2});
    draw_list(a, c);
    canvas_pop(c, old);
    snprintf(title, sizeof title, course_word(a, "Chapter %d", "%d장"), s->chapter);
    int parts = h >= 30 ? PARTS + 2 : 0;
    canvas_box(c, (canvas_rect){left, 0, w - left, h - parts}, title, false);
    old = canvas_push(c, (canvas_rect){left + 1, 1, w - left - 2, h - parts - 2});
    draw_about(a, c);
    canvas_pop(c, old);
    if (parts == 0)
        return;
    canvas_box(c, (canvas_rect){left, h - parts, w - left, parts},
               course_word(a, "Progress by part", "부별 진행"), false);
    old = canvas_push(c, (canvas_rect){left + 1, h - parts + 1, w - left - 2, PARTS});
    draw_parts(a, c);
    canvas_pop(c, old);
}

void course_home_standing(const app *a, char *text, size_t size)
{
    int done, all, begun = 0, written = 0;
    if (a->course->forgetting) {
        snprintf(text, size,
                 course_word(a, "Forget what was done in chapter %d? y:forget   Esc:keep it",
                             "%d장에서 한 일을 지울까요? y:지우기   Esc:그대로"),
                 a->course->forgetting);
        return;
    }
    part_standing(a, 0, &done, &all);
    for (int i = 1; i <= LESSON_CHAPTERS; i++) {
        written += lesson_find(i) != NULL;
        begun += a->course->place[i].chapter && !a->course->place[i].done;
    }
    snprintf(text, size,
             course_word(a, "%d done, %d in progress; %d of %d chapters are written.",
                         "%d개 마침, %d개 진행 중; 쓴 장은 %d개, 전체는 %d개입니다."),
             done, begun, written, all);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void select_line(app *a, command_id what)
{
    course_screen *s = a->course;
    int lines[LINES], count = list_lines(lines), from = line_of(s->chapter);
    list_view list = {.count = count, .selected = from};
    list_do(&list, what);
    int to = list.selected;
    if (lines[to] < 0) /* headings are not selected */
        to += to > from || to == 0 ? 1 : -1;
    if (lines[to] > 0)
        s->chapter = lines[to];
}

bool course_home_do(app *a, command_id what)
{
    course_screen *s = a->course;
    switch (what) {
    case DO_UP:
    case DO_DOWN:
    case DO_PAGE_UP:
    case DO_PAGE_DOWN:
    case DO_FIRST:
    case DO_LAST:
        select_line(a, what);
        return true;
    case DO_OPEN:
        course_resume(a, s->chapter);
        return true;
    case DO_COURSE_READ:
        course_go(a, s->chapter, PANE_READ);
        return true;
    case DO_COURSE_FORGET:
        s->forgetting = s->chapter;
        return true;
    case DO_COURSE_UNDO:
        if (!course_remember(a))
            app_say(a, ROLE_DIM, "%s",
                    course_word(a, "Nothing was forgotten here.", "지운 것이 없습니다."));
        return true;
    case DO_COURSE_STEPS:
        course_go(a, s->chapter, PANE_STEP);
        return true;
    case DO_COURSE_CHECKS:
        course_go(a, s->chapter, PANE_CHECK);
        return true;
    case DO_COURSE_LAB:
        course_go(a, s->chapter, PANE_LAB);
        return true;
    default:
        return false;
    }
}
