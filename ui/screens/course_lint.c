#include "ui/screens/course_lint.h"

#include "ui/screens/course.h"

#include <string.h>

typedef struct {
    lesson_linter *lint;
    app *app;
    canvas *canvas;
} gallery;

static void look(const gallery *g, const char *what, int number)
{
    canvas *c = g->canvas;
    g->app->message[0] = '\0';
    canvas_clear(c);
    c->clipped = 0;
    app_draw(g->app, c);
    if (c->clipped > 0)
        lint_complain(g->lint, "", 0, "%s %d in %s is cut off at %dx%d; see gradus --print course",
                      what, number, g->app->course->language == LESSON_KO ? "Korean" : "English",
                      c->w, c->h);
}

static void look_at_all(const gallery *g)
{
    app *a = g->app;
    course_screen *s = a->course;
    const lesson *l = g->lint->lesson;
    course_go(a, l->chapter, PANE_HOME);
    look(g, "the Home of chapter", l->chapter);
    course_go(a, l->chapter, PANE_READ);
    for (int i = 1; i <= s->read.page.sections; i++) {
        course_read_jump(a, i);
        look(g, "page", i);
    }
    course_go(a, l->chapter, PANE_STEP);
    for (int i = 1; s->step.trace && i <= trace_count(s->step.trace); i++) {
        course_step_jump(a, i);
        look(g, "step", i);
    }
    course_go(a, l->chapter, PANE_LAB);
    look(g, "lab", 1);
    course_go(a, l->chapter, PANE_CHECK);
    for (int i = 1; i <= lesson_check_count(l); i++) {
        course_check_jump(a, i);
        look(g, "check", i);
        course_check_do(a, DO_COURSE_SHOW);
        look(g, "the answer of check", i);
    }
}

void lint_screens(lesson_linter *lint)
{
    /* No store can be there: nothing is read or kept. */
    const workbench_options options = {.store_path = "/dev/null/gradus.db", .glyphs = GLYPHS_BLOCK};
    memory_screen *memory = memory_screen_new(APP_MIN_W, APP_MIN_H, GLYPHS_BLOCK);
    canvas *c = canvas_new(APP_MIN_W, APP_MIN_H, GLYPHS_BLOCK);
    nn_error error = {0};
    app *a = memory && c ? app_new(memory_screen_base(memory), &options, &error) : NULL;
    if (a) {
        app_go(a, VIEW_COURSE);
        a->course->reading_only = true;
        for (int i = 0; i < LESSON_LANGUAGES; i++) {
            a->course->language = (lesson_language)i;
            look_at_all(&(gallery){lint, a, c});
        }
    } else {
        lint_complain(lint, "", 0, "its screens cannot be drawn: %s", error.text);
    }
    app_free(a);
    canvas_free(c);
    memory_screen_free(memory);
}
