/* The Course on a pseudo-terminal: nobody is ever stuck, and nothing is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lessons/lesson.h"
#include "store/progress.h"
#include "tests/pty.h"
#include "tests/run_program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double patience = 90; /* for a busy machine with sanitizers */

static const char *walk_store(void)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/store.db", program_folder());
    return path;
}

static pty *start(void)
{
    static char home[128], file[180];
    const char *path = getenv("GRADUS_PROGRAM");
    if (!path)
        fail_msg("GRADUS_PROGRAM must name the program to test");
    snprintf(home, sizeof home, "HOME=%s", program_folder());
    snprintf(file, sizeof file, "GRADUS_STORE=%s", walk_store());
    const char *argv[] = {path, NULL}, *env[] = {home, file, NULL};
    pty *p = pty_start(&(pty_options){.argv = argv, .env = env});
    if (!p)
        skip();
    return p;
}

static void assert_text(pty *p, const char *text)
{
    if (!pty_wait_text(p, text, patience)) {
        pty_free(p);
        fail_msg("'%s' did not appear", text);
    }
}

static void press(pty *p, const char *names)
{
    pty_forget_idle(p);
    pty_keys(p, names);
    assert_true(pty_wait_idle(p, patience));
}

static bool on_screen(pty *p, const char *text)
{
    char *screen = pty_screen(p);
    bool found = screen && strstr(screen, text);
    free(screen);
    return found;
}

/* One key after another: each is answered by a frame before the next. */
static void press_each(pty *p, const char *const *names)
{
    for (; *names; names++)
        press(p, *names);
}

static void open_chapter(pty *p, int chapter)
{
    char tens[2] = {(char)('0' + chapter / 10), 0}, ones[2] = {(char)('0' + chapter % 10), 0};
    char title[16];
    snprintf(title, sizeof title, " Chapter %d ", chapter);
    press_each(p, (const char *const[]){"1", "esc", "1", ":", NULL});
    press_each(p, (const char *const[]){tens, ones, "enter", NULL});
    assert_text(p, title);
    press(p, "r");
    assert_true(pty_wait_no_text(p, title, patience));
}

/* Space and 0, and nothing else, until they have led back to the list of chapters, where they mean
 * nothing. */
static void walk(pty *p, int chapter)
{
    enum { PRESSES = 1500 };
    open_chapter(p, chapter);
    for (int i = 0; i < PRESSES; i++) {
        if (on_screen(p, "[*Chapters "))
            return;
        press(p, i % 2 ? "0" : "space");
    }
    char *screen = pty_screen(p);
    fail_msg("chapter %d is not over after %d presses:\n%s", chapter, PRESSES, screen);
}

static progress_place place_in_store(int chapter)
{
    nn_error error = {0};
    progress_place *places = NULL, found = {0};
    int count = 0;
    store *s = store_open(walk_store(), &error);
    assert_non_null(s);
    assert_int_equal(store_places(s, &places, &count, &error), NN_OK);
    for (int i = 0; i < count; i++)
        if (places[i].chapter == chapter)
            found = places[i];
    free(places);
    store_close(s);
    return found;
}

static void space_and_zero_finish_every_chapter(void **state)
{
    (void)state;
    pty *p = start();
    assert_text(p, "What next");
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        walk(p, s->lesson->chapter);
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    pty_free(p);
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        assert_true(place_in_store(s->lesson->chapter).done);
}

static void a_killed_program_finds_its_place(void **state)
{
    (void)state;
    pty *p = start();
    assert_text(p, "What next");
    open_chapter(p, 1);
    press_each(p, (const char *const[]){">", "space", "space", "space", "space", NULL}); /* steps */
    assert_text(p, "Steps 5/");
    double deadline = pty_seconds() + patience;
    while (place_in_store(1).step != 4) /* written in the background, a moment later */
        assert_true(pty_seconds() < deadline);
    pty_signal(p, SIGKILL);
    assert_int_equal(pty_wait_exit(p, patience), 128 + SIGKILL);
    pty_free(p);
    p = start();
    assert_text(p, "What next");
    press(p, "1");
    assert_text(p, "1 in progress");
    press(p, "enter");
    assert_text(p, "Steps 5/");
    assert_text(p, " 5 of ");
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    pty_free(p);
}

static int clean(void **state)
{
    (void)state;
    program_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(space_and_zero_finish_every_chapter, clean),
        cmocka_unit_test_teardown(a_killed_program_finds_its_place, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
