/* The terminal as a real program sees it: taken, drawn on, given back on every way out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/pty.h"

static const double patience = 90; /* for a busy machine with sanitizers */

static const char *demo(void)
{
    static char path[512];
    const char *build = getenv("GRADUS_BUILD");
    (void)snprintf(path, sizeof path, "%s/screen_demo", build != NULL ? build : "build/release");
    return path;
}

static pty *start(const char *const *env)
{
    const char *const argv[] = {demo(), NULL};
    pty *p = pty_start(&(pty_options){.argv = argv, .env = env});
    assert_non_null(p);
    return p;
}

static pty *start_ready(const char *const *env)
{
    pty *p = start(env);
    assert_true(pty_wait_text(p, "size 80x24", patience));
    assert_true(pty_wait_idle(p, patience));
    return p;
}

/* The screen and the modes are those from before, and `text` (NULL: anything) can be read. */
static void assert_given_back(pty *p, const char *text)
{
    if (text != NULL) {
        assert_true(pty_wait_text(p, text, patience));
    }
    assert_false(pty_alternate(p));
    assert_true(pty_cursor_visible(p));
    assert_true(pty_modes_restored(p));
    assert_int_equal(pty_queries(p), 0); /* the terminal was asked nothing */
}

/* --- start and end ---------------------------------------------------------------------------- */

static void starts_and_quits(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    assert_true(pty_alternate(p));
    assert_false(pty_cursor_visible(p));
    assert_false(pty_modes_restored(p));
    assert_true(pty_wait_text(p, "학습 e\xCC\x81 ─ ⣿", patience));
    assert_true(pty_colored(p));
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    assert_given_back(p, NULL);
    pty_free(p);
}

static void keys_arrive(void **state)
{
    static const char *const names[] = {"left", "page-down", "home",  "end",       "delete", "esc",
                                        "tab",  "ctrl-w",    "enter", "shift-tab", "up",     "f"};
    (void)state;
    pty *p = start_ready(NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char expected[40];
        (void)snprintf(expected, sizeof expected, "key %s", names[i]);
        pty_keys(p, names[i]);
        assert_true(pty_wait_text(p, expected, patience));
    }
    pty_send(p, "한");
    assert_true(pty_wait_text(p, ":한", patience) || pty_wait_text(p, "key 한", patience));
    pty_send(p, "\033[1;5C"); /* Ctrl-Right, whether terminfo knows it or not: no stray commands */
    pty_send(p, "\033[200~+");
    assert_true(pty_wait_text(p, "count 1", patience));
    pty_free(p);
}

static void repaints_on_request(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    long before = pty_bytes(p);
    pty_forget_idle(p);
    pty_keys(p, "ctrl-l");
    assert_true(pty_wait_idle(p, patience));
    assert_true(pty_bytes(p) - before > 150);
    pty_free(p);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void ends_on_signal(int signal, const char *text, const char *keys)
{
    pty *p = start_ready(NULL);
    if (keys != NULL) {
        pty_keys(p, keys);
    } else {
        pty_signal(p, signal);
    }
    assert_int_equal(pty_wait_exit(p, patience), 128 + signal);
    assert_given_back(p, text);
    pty_free(p);
}

static void signals_give_the_terminal_back(void **state)
{
    (void)state;
    ends_on_signal(SIGTERM, "demo saved (signal)", NULL);
    ends_on_signal(SIGINT, "demo saved (signal)", NULL);
    ends_on_signal(SIGHUP, "demo saved (hang-up)", NULL);
    ends_on_signal(SIGINT, "demo saved (signal)", "ctrl-c");
}

static void crashes_give_the_terminal_back(void **state)
{
    (void)state;
    if (getenv("GRADUS_BUILD") != NULL && strstr(getenv("GRADUS_BUILD"), "san") != NULL) {
        skip(); /* the sanitizers' own handlers change how the program dies */
    }
    ends_on_signal(SIGSEGV, "SIGSEGV (invalid memory access)", NULL);
    ends_on_signal(SIGSEGV, "SIGSEGV", "x");
    ends_on_signal(SIGSEGV, "SIGSEGV", "m"); /* on another thread */
    ends_on_signal(SIGABRT, "last words", "a");
    ends_on_signal(SIGABRT, "SIGABRT", "a");
    ends_on_signal(SIGQUIT, "SIGQUIT", NULL);
}

static void exit_in_the_middle_gives_the_terminal_back(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    pty_keys(p, "e");
    assert_int_equal(pty_wait_exit(p, patience), 7);
    assert_given_back(p, NULL);
    pty_free(p);
}

static void interrupt_may_ask_first(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    pty_keys(p, "c");
    assert_true(pty_wait_text(p, "leave? y", patience));
    pty_keys(p, "ctrl-c");
    assert_true(pty_wait_text(p, "key interrupt", patience));
    pty_keys(p, "y");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    pty_free(p);
}

static void hundred_signals_do_no_harm(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    for (int i = 0; i < 100; i++) {
        pty_signal(p, SIGWINCH);
        pty_signal(p, SIGCONT);
    }
    pty_keys(p, "+");
    assert_true(pty_wait_text(p, "count 1", patience));
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    pty_free(p);
}

/* --- suspend and resize ----------------------------------------------------------------------- */

static void suspends_and_comes_back(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    pty_keys(p, "+");
    assert_true(pty_wait_text(p, "count 1", patience)); /* Ctrl-Z throws away what is not read */
    pty_keys(p, "ctrl-z");
    assert_true(pty_wait_stopped(p, patience));
    assert_true(pty_wait_text(p, "fg continues", patience));
    assert_false(pty_alternate(p));
    assert_true(pty_modes_restored(p));
    pty_resize(p, 100, 30); /* while it sleeps */
    pty_foreground(p);
    assert_true(pty_wait_text(p, "size 100x30 count 1", patience));
    assert_true(pty_alternate(p));
    pty_keys(p, "+");
    assert_true(pty_wait_text(p, "count 2", patience));
    pty_signal(p, SIGTSTP); /* and once more, from outside */
    assert_true(pty_wait_stopped(p, patience));
    pty_foreground(p);
    assert_true(pty_wait_text(p, "count 2", patience));
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    assert_given_back(p, NULL);
    pty_free(p);
}

static void survives_a_resize_storm(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    for (int i = 0; i < 60; i++) {
        pty_resize(p, 1 + i * 37 % 190, 1 + i * 23 % 60);
        if (i % 5 == 0) {
            pty_pump(p, 0.005);
        }
    }
    pty_resize(p, 1, 1);
    pty_pump(p, 0.05);
    pty_resize(p, 90, 20);
    assert_true(pty_wait_text(p, "size 90x20", patience));
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    assert_given_back(p, NULL);
    pty_free(p);
}

static void leaves_when_the_terminal_is_lost(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    double before = pty_processor_seconds(p);
    pty_hang_up(p);
    assert_int_equal(pty_wait_exit(p, patience), 129);
    assert_true(pty_processor_seconds(p) - before < 0.5);
    pty_free(p);
}

/* --- kinds of terminal ------------------------------------------------------------------------ */

static void shows(const char *const *env, const char *text, bool colored)
{
    pty *p = start_ready(env);
    assert_true(pty_wait_text(p, text, patience));
    assert_int_equal(pty_colored(p), colored);
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    assert_true(pty_modes_restored(p));
    pty_free(p);
}

static void adapts_to_the_terminal(void **state)
{
    (void)state;
    shows((const char *const[]){"TERM=xterm-gradus-test", NULL}, "is unknown here; using xterm-256",
          true);
    shows((const char *const[]){"TERM", NULL}, "TERM is not set; using xterm-256color", true);
    shows((const char *const[]){"TERM=vt100", NULL}, "vt100, no colour, UTF-8, ASCII", false);
    shows((const char *const[]){"TERM=linux", NULL}, "linux, 8 colours, UTF-8, ASCII", true);
    shows((const char *const[]){"TERM=screen", NULL}, "8 colours, UTF-8, braille", true);
    shows((const char *const[]){"NO_COLOR=1", NULL}, "no colour, UTF-8, braille", false);
    shows((const char *const[]){"NO_COLOR=", NULL}, "256 colours, UTF-8, braille", true);
    shows((const char *const[]){"LANG=C", NULL}, "256 colours, not UTF-8, ASCII", true);
    shows((const char *const[]){"LANG=C", NULL}, "???? e - ?", true);
    shows((const char *const[]){"LANG=xx_YY.UTF-8", NULL}, "256 colours, UTF-8, braille", true);
    shows((const char *const[]){"GRADUS_THEME=light", NULL}, "256 colours", true);
}

static void refuses(const pty_options *options, const char *why)
{
    pty *p = pty_start(options);
    assert_non_null(p);
    assert_int_equal(pty_wait_exit(p, patience), 1);
    assert_true(pty_wait_text(p, why, patience));
    assert_true(pty_wait_text(p, "gradus --print SCREEN", patience));
    assert_given_back(p, NULL);
    pty_free(p);
}

static void refuses_in_one_line(void **state)
{
    (void)state;
    const char *const argv[] = {demo(), NULL};
    const char *const dumb[] = {"TERM=dumb", NULL};
    refuses(&(pty_options){.argv = argv, .env = dumb, .columns = 100}, "TERM=dumb cannot move");
    refuses(&(pty_options){.argv = argv, .output = "/dev/null", .columns = 100},
            "standard output is not a terminal");
    refuses(&(pty_options){.argv = argv, .input = "/dev/null", .columns = 100},
            "standard input is not a terminal");
}

/* --- economy ---------------------------------------------------------------------------------- */

static void steady_frames_are_small(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    pty_keys(p, "d");
    assert_true(pty_wait_text(p, "data 3", patience));
    long before = pty_bytes(p);
    double processor = pty_processor_seconds(p), start = pty_seconds(), seconds = 0;
    while ((seconds < 1 || pty_bytes(p) == before) && seconds < patience) { /* ten frames */
        pty_pump(p, 0.5);
        seconds = pty_seconds() - start;
    }
    long bytes = pty_bytes(p) - before;
    assert_true(bytes > 0);
    assert_true((double)bytes < (seconds + 0.2) * 10 * 300);
    assert_true(pty_processor_seconds(p) - processor < 0.5 * (seconds + 0.2));
    pty_free(p);
}

static void other_output_waits_until_the_end(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    char *before = pty_screen(p);
    pty_keys(p, "+ + s");
    assert_true(pty_wait_text(p, "key s", patience));
    char *after = pty_screen(p);
    assert_null(strstr(after, "stray"));
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    assert_given_back(p, "stray line 2");
    assert_true(pty_wait_text(p, "stray print", patience));
    free(before);
    free(after);
    pty_free(p);
}

/* A terminal that takes nothing for a while must not be sent what is out of date. */
static void a_hanging_terminal_gets_fewer_frames(void **state)
{
    (void)state;
    pty *p = start_ready(NULL);
    pty_keys(p, "d");
    pty_freeze(p, true);
    pty_pump(p, 0.3);
    pty_keys(p, "+");
    pty_freeze(p, false);
    assert_true(pty_wait_text(p, "count 1", patience));
    pty_keys(p, "q");
    assert_int_equal(pty_wait_exit(p, patience), 0);
    assert_given_back(p, NULL);
    pty_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_and_quits),
        cmocka_unit_test(keys_arrive),
        cmocka_unit_test(repaints_on_request),
        cmocka_unit_test(signals_give_the_terminal_back),
        cmocka_unit_test(crashes_give_the_terminal_back),
        cmocka_unit_test(exit_in_the_middle_gives_the_terminal_back),
        cmocka_unit_test(interrupt_may_ask_first),
        cmocka_unit_test(hundred_signals_do_no_harm),
        cmocka_unit_test(suspends_and_comes_back),
        cmocka_unit_test(survives_a_resize_storm),
        cmocka_unit_test(leaves_when_the_terminal_is_lost),
        cmocka_unit_test(adapts_to_the_terminal),
        cmocka_unit_test(refuses_in_one_line),
        cmocka_unit_test(steady_frames_are_small),
        cmocka_unit_test(other_output_waits_until_the_end),
        cmocka_unit_test(a_hanging_terminal_gets_fewer_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
