/* The Course in process: keys go in, the screen is read from the canvas. Work in the background is
 * waited for, so that nothing depends on time. */
#ifndef GRADUS_TESTS_COURSE_FIXTURE_H
#define GRADUS_TESTS_COURSE_FIXTURE_H

#include "ui/screens/course.h"

typedef struct {
    app *app;
    memory_screen *screen;
    canvas *canvas;
    char folder[64], store[96];
} course_bench;

/* cmocka setup and teardown: *state is a course_bench of 80x24 on an empty store, in the Course. */
int course_set_up(void **state);
int course_tear_down(void **state);
/* Ends the workbench and opens it again on the same store. */
void course_reopen(course_bench *b);
/* The screen as text; stays until the next call. */
const char *course_drawn(course_bench *b);
bool course_shows(course_bench *b, const char *text);
void course_keys(course_bench *b, const char *names); /* blank-separated */
void course_type(course_bench *b, const char *text);  /* each character is a key */
void course_expect(course_bench *b, const char *text);
void course_expect_not(course_bench *b, const char *text);
#define course_enter(b, chapter, pane) course_go((b)->app, chapter, pane)

#endif
