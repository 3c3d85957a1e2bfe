/* The Lab of a chapter: its title, its goal, its controls. */
#include "ui/screens/course_lab.h"

#include "lessons/lab.h"

#include <stdio.h>
#include <stdlib.h>

struct course_lab {
    int chapter;
    lab *lab;
    nn_error error; /* why there is none */
};

void course_lab_free(app *a)
{
    if (!a->course || !a->course->lab)
        return;
    lab_free(a->course->lab->lab);
    free(a->course->lab);
    a->course->lab = NULL;
}

void course_lab_open(app *a)
{
    const lesson_source *source = course_source(a);
    if (a->course->lab && a->course->lab->chapter == a->course->chapter)
        return;
    course_lab_free(a);
    struct course_lab *l = source ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return;
    l->chapter = a->course->chapter;
    l->lab = lab_new(source->lesson, &source->lesson->labs[0], false, &l->error);
    a->course->lab = l;
}

static void draw_controls(const app *a, canvas *c, const lab *l, int y)
{
    const lesson_lab *what = lab_of(l);
    for (int i = 0; i < lab_control_count(what); i++, y++) {
        const lab_control *control = &what->controls[i];
        char text[32];
        canvas_text(c, 2, y, 24, ROLE_TEXT, course_say(a, control->label));
        canvas_text(c, 28, y, 12, ROLE_KEY, lab_get(l, control->name, text));
        canvas_text(c, 42, y, c->clip.w - 44, ROLE_DIM, course_say(a, control->help));
    }
}

void course_lab_draw(app *a, canvas *c)
{
    const struct course_lab *l = a->course->lab;
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, course_word(a, "*Lab", "*실습"), true);
    if (!l || !l->lab) {
        canvas_wrap(c, (canvas_rect){2, 1, c->clip.w - 4, 3}, ROLE_BAD,
                    l ? l->error.text : "Out of memory for the lab.");
        return;
    }
    const lesson_lab *what = lab_of(l->lab);
    int y = 1;
    y += canvas_wrap(c, (canvas_rect){2, y, c->clip.w - 4, 2}, ROLE_TITLE,
                     course_say(a, what->title));
    y +=
        canvas_wrap(c, (canvas_rect){2, y, c->clip.w - 4, 3}, ROLE_TEXT, course_say(a, what->goal));
    draw_controls(a, c, l->lab, y + 1);
}

bool course_lab_key(app *a, const key_event *key)
{
    (void)a;
    (void)key;
    return false;
}

bool course_lab_do(app *a, command_id what, const char *argument)
{
    (void)argument;
    if (what != DO_COURSE_NEXT)
        return false;
    course_next_pane(a, 1);
    return true;
}

const char *course_lab_why_not(const app *a, command_id what)
{
    (void)a;
    (void)what;
    return NULL;
}

bool course_lab_refresh(app *a, bool force)
{
    (void)a;
    return force;
}

void course_lab_standing(const app *a, char *text, size_t size)
{
    snprintf(text, size, "%s",
             course_word(a, "0 goes on to the checks.", "0을 누르면 문제로 넘어갑니다."));
}
