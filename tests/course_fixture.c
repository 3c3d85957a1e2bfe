#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/course_fixture.h"
#include "ui/terminal/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void settle(course_bench *b)
{
    background_wait(b->app->background);
    app_pump(b->app);
    app_tick(b->app, 0);
}

static void open_bench(course_bench *b)
{
    nn_error error = {0};
    workbench_options options = {.store_path = b->store, .glyphs = GLYPHS_BLOCK};
    b->app = app_new(memory_screen_base(b->screen), &options, &error);
    if (!b->app)
        fail_msg("%s", error.text);
    settle(b);
    app_go(b->app, VIEW_COURSE);
    b->app->course->language = LESSON_EN;
    settle(b);
}

int course_set_up(void **state)
{
    course_bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    strcpy(b->folder, "/tmp/gradus-course-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->store, sizeof b->store, "%s/runs.db", b->folder);
    b->screen = memory_screen_new(80, 24, GLYPHS_BLOCK);
    b->canvas = canvas_new(80, 24, GLYPHS_BLOCK);
    open_bench(b);
    *state = b;
    return 0;
}

int course_tear_down(void **state)
{
    course_bench *b = *state;
    app_free(b->app);
    canvas_free(b->canvas);
    memory_screen_free(b->screen);
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", b->folder);
    int status = system(line);
    free(b);
    return status;
}

void course_reopen(course_bench *b)
{
    settle(b);
    app_free(b->app);
    open_bench(b);
}

const char *course_drawn(course_bench *b)
{
    static char *text;
    free(text);
    canvas_clear(b->canvas);
    app_draw(b->app, b->canvas);
    text = canvas_dump(b->canvas);
    return text;
}

bool course_shows(course_bench *b, const char *text)
{
    return strstr(course_drawn(b), text) != NULL;
}

static void press(course_bench *b, const key_event *key)
{
    app_key(b->app, key);
    settle(b);
    course_drawn(b); /* as the loop does */
}

void course_keys(course_bench *b, const char *names)
{
    char copy[512], *at = copy, *name;
    snprintf(copy, sizeof copy, "%s", names);
    while ((name = strsep(&at, " "))) {
        key_event key;
        if (!*name)
            continue;
        if (!key_parse(name, &key))
            fail_msg("'%s' is no key", name);
        press(b, &key);
    }
}

void course_type(course_bench *b, const char *text)
{
    uint32_t character;
    for (int bytes; (bytes = text_decode(text, &character)) > 0; text += bytes)
        press(b, &(key_event){.code = UI_KEY_CHAR, .ch = character});
}

void course_expect(course_bench *b, const char *text)
{
    if (!course_shows(b, text))
        fail_msg("expected '%s' on\n%s", text, course_drawn(b));
}

void course_expect_not(course_bench *b, const char *text)
{
    if (course_shows(b, text))
        fail_msg("did not expect '%s' on\n%s", text, course_drawn(b));
}
