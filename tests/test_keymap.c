/* The command table: keys, clashes, hints, help, completion. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/terminal/keymap.h"

enum { EVERYWHERE = 1, MONITOR = 2, PLOT = 4, RUNS = 8 };
enum { PAUSE, STOP, LEFT, QUIT, LOG, OPEN, LEAVE, REPAINT };

static const unsigned situations[] = {EVERYWHERE | MONITOR | PLOT, EVERYWHERE | RUNS};
static const command table[] = {
    {PAUSE, "pause", "p space", MONITOR, 1, 0, "pause", "pause or resume the training"},
    {STOP, "stop", "s", MONITOR, 3, COMMAND_ASKS, "stop", "end the training"},
    {LEFT, "left", "left,h", PLOT, 0, 0, "left", "move the cursor"},
    {QUIT, "quit", "q ctrl-c", EVERYWHERE, 2, 0, "quit", "leave Gradus"},
    {LOG, "log-axis", "a", PLOT, 4, 0, "log", "logarithmic loss axis"},
    {OPEN, "open", "enter q", RUNS, 1, COMMAND_SHADOWS, "open", "open the run"},
    {LEAVE, "leave", "", RUNS, 5, COMMAND_HIDDEN, "leave", "the way out while q is taken"},
};
enum { COMMANDS = sizeof table / sizeof *table };

static keymap *make(void)
{
    nn_error error = {0};
    keymap *k = keymap_new(table, COMMANDS, situations, 2, &error);
    assert_non_null(k);
    return k;
}

static key_event key_of(const char *name)
{
    key_event key;
    assert_true(key_parse(name, &key));
    return key;
}

static void names_go_both_ways(void **state)
{
    static const char *const names[] = {
        "p",    "P",  "?",    ":",      "space",   "comma",     "enter",     "esc",       "tab",
        "left", "up", "home", "end",    "page-up", "page-down", "shift-tab", "backspace", "delete",
        "down", "f1", "f12",  "ctrl-l", "insert",  "right",     "/",         "한",        "-"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[16];
        key_event key = key_of(names[i]);
        key_text(&key, name, sizeof name);
        assert_string_equal(name, names[i]);
    }
    key_event ctrl = key_of("Ctrl-L"), lower = key_of("ctrl-l"), plain = key_of("l");
    assert_true(key_equal(&ctrl, &lower));
    assert_false(key_equal(&ctrl, &plain));
    assert_true(key_is_char(&plain, 'l'));
    assert_false(key_is_char(&ctrl, 'l'));
}

static void nonsense_is_no_key(void **state)
{
    static const char *const bad[] = {"",    "ctrl-", "ctrl-ab", "f0", "f13",   "f1x",
                                      "lef", "\x01",  "\xFF",    "ab", "ctrl-1"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        key_event key;
        assert_false(key_parse(bad[i], &key));
    }
}

static void labels_are_for_people(void **state)
{
    static const char *const pairs[][2] = {{"ctrl-l", "Ctrl-L"}, {"page-up", "Page-Up"},
                                           {"space", "Space"},   {"comma", ","},
                                           {"p", "p"},           {"f5", "F5"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char label[16];
        key_event key = key_of(pairs[i][0]);
        key_label(&key, label, sizeof label);
        assert_string_equal(label, pairs[i][1]);
    }
}

static void unknown_sequences_become_keys_or_nothing(void **state)
{
    (void)state;
    assert_int_equal(key_from_escape("", 'A'), UI_KEY_UP);
    assert_int_equal(key_from_escape("1;5", 'C'), UI_KEY_RIGHT);
    assert_int_equal(key_from_escape("3", '~'), UI_KEY_DELETE);
    assert_int_equal(key_from_escape("6;2", '~'), UI_KEY_PAGE_DOWN);
    assert_int_equal(key_from_escape("200", '~'), UI_KEY_NONE);
    assert_int_equal(key_from_escape("", '~'), UI_KEY_NONE);
    assert_int_equal(key_from_escape("<0;3;4", 'M'), UI_KEY_NONE);
    assert_int_equal(key_from_escape("", 'I'), UI_KEY_NONE);
}

static void keys_find_commands(void **state)
{
    (void)state;
    keymap *k = make();
    static const struct {
        const char *key;
        unsigned contexts;
        int id;
    } cases[] = {{"p", EVERYWHERE | MONITOR, PAUSE},
                 {"space", MONITOR, PAUSE},
                 {"p", EVERYWHERE | RUNS, -1},
                 {"h", PLOT, LEFT},
                 {"left", PLOT, LEFT},
                 {"q", EVERYWHERE | MONITOR, QUIT},
                 {"q", EVERYWHERE | RUNS, OPEN},
                 {"ctrl-c", EVERYWHERE | RUNS, QUIT},
                 {"Q", EVERYWHERE | MONITOR, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        key_event key = key_of(cases[i].key);
        assert_int_equal(keymap_find(k, &key, cases[i].contexts), cases[i].id);
    }
    assert_string_equal(keymap_command(k, STOP)->name, "stop");
    assert_null(keymap_command(k, 99));
    char text[32];
    keymap_keys_text(k, LEFT, text, sizeof text);
    assert_string_equal(text, "Left h");
    keymap_keys_text(k, LEFT, text, 4);
    assert_string_equal(text, "Lef");
    keymap_free(k);
}

static void refuse(const command *first, const char *word)
{
    nn_error error = {0};
    command commands[] = {table[PAUSE], *first};
    assert_null(keymap_new(commands, 2, situations, 2, &error));
    assert_non_null(strstr(error.text, word));
}

static void clashes_are_refused(void **state)
{
    (void)state;
    refuse(&(command){9, "print", "p", EVERYWHERE, 0, 0, "", ""}, "'pause' and 'print'");
    refuse(&(command){9, "print", "space", PLOT, 0, 0, "", ""}, "'space'");
    refuse(&(command){9, "print", "x,lft", PLOT, 0, 0, "", ""}, "'lft'");
    refuse(&(command){9, "pause", "x", PLOT, 0, 0, "", ""}, "share");
    refuse(&(command){PAUSE, "print", "x", PLOT, 0, 0, "", ""}, "share");
    nn_error error = {0};
    const command apart[] = {table[PAUSE], {9, "print", "p", RUNS, 0, 0, "", ""}};
    keymap *k = keymap_new(apart, 2, situations, 2, &error); /* never active together */
    assert_non_null(k);
    keymap_free(k);
    const command shadow[] = {table[PAUSE], {9, "print", "p", PLOT, 0, COMMAND_SHADOWS, "", ""}};
    k = keymap_new(shadow, 2, situations, 2, &error);
    assert_non_null(k);
    keymap_free(k);
}

static const char *not_while_idle(void *app, int id)
{
    (void)app;
    return id == PAUSE ? "no training runs" : NULL;
}

static void hints_fit(void **state)
{
    (void)state;
    keymap *k = make();
    static const struct {
        int columns;
        const char *text;
    } cases[] = {{80, "p pause  q quit  s stop...  a log"},
                 {33, "p pause  q quit  s stop...  a log"},
                 {32, "p pause  q quit  s stop..."},
                 {25, "p pause  q quit  a log"},
                 {8, "p pause"},
                 {6, "q quit"},
                 {4, ""}};
    char text[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keymap_hints_text(k, EVERYWHERE | MONITOR | PLOT, cases[i].columns, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    /* q means open here, so the hint for quit would lie. */
    keymap_hints_text(k, EVERYWHERE | RUNS, 80, text, sizeof text);
    assert_string_equal(text, "Enter open");

    canvas *c = canvas_new(30, 1, GLYPHS_ASCII);
    assert_int_equal(keymap_draw_hints(k, EVERYWHERE | MONITOR, c, 1, 0, -1, not_while_idle, NULL),
                     17);
    char *drawn = canvas_dump(c);
    assert_string_equal(drawn, " q quit  s stop...\n");
    free(drawn);
    drawn = canvas_dump_roles(c);
    assert_string_equal(drawn, ".K.......K....................\n");
    free(drawn);
    assert_int_equal(c->clipped, 0);
    canvas_free(c);
    keymap_free(k);
}

static const char *upper(const char *text)
{
    return strcmp(text, "pause") == 0 ? "잠깐" : text;
}

static void help_is_searched_and_translated(void **state)
{
    (void)state;
    keymap *k = make();
    const command *found[COMMANDS];
    unsigned all = EVERYWHERE | MONITOR | PLOT | RUNS;
    assert_int_equal(keymap_help(k, all, "", found, COMMANDS), COMMANDS);
    assert_int_equal(keymap_help(k, EVERYWHERE, "", found, COMMANDS), 1);
    assert_int_equal(keymap_help(k, all, "TRAINING", found, COMMANDS), 2);
    assert_int_equal(found[1]->id, STOP);
    assert_int_equal(keymap_help(k, all, "ctrl", found, COMMANDS), 1);
    assert_int_equal(keymap_help(k, all, "training", found, 1), 2);
    assert_int_equal(keymap_help(k, all, "zebra", found, COMMANDS), 0);
    keymap_set_translate(k, upper);
    char text[64];
    keymap_hints_text(k, MONITOR, 80, text, sizeof text);
    assert_string_equal(text, "p 잠깐  s stop...");
    assert_int_equal(keymap_help(k, all, "잠깐", found, COMMANDS), 1);
    keymap_free(k);
}

static void names_complete(void **state)
{
    (void)state;
    keymap *k = make();
    const command *found[COMMANDS];
    unsigned all = EVERYWHERE | MONITOR | PLOT | RUNS;
    assert_int_equal(keymap_complete(k, all, "l", found, COMMANDS), 2);
    assert_int_equal(found[0]->id, LEFT);
    assert_int_equal(keymap_complete(k, all, "pe", found, COMMANDS), 1); /* inside "open" */
    assert_int_equal(keymap_complete(k, all, "", found, COMMANDS), COMMANDS - 1);
    assert_int_equal(keymap_by_name(k, "pause", all), PAUSE);
    assert_int_equal(keymap_by_name(k, "log", all), LOG);
    assert_int_equal(keymap_by_name(k, "l", all), -1); /* left or log-axis? */
    assert_int_equal(keymap_by_name(k, "pause", RUNS), -1);
    assert_int_equal(keymap_by_name(k, "", all), -1);
    keymap_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(nonsense_is_no_key),
        cmocka_unit_test(labels_are_for_people),
        cmocka_unit_test(unknown_sequences_become_keys_or_nothing),
        cmocka_unit_test(keys_find_commands),
        cmocka_unit_test(clashes_are_refused),
        cmocka_unit_test(hints_fit),
        cmocka_unit_test(help_is_searched_and_translated),
        cmocka_unit_test(names_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
