/* The Runs screen by keys, in process, on a store of made-up runs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/golden_text.h"
#include "tests/store_fixture.h"
#include "ui/screens/app.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    store_place *place;
    app *app;
    memory_screen *screen;
    canvas *canvas;
    char *text;
} bench;

/* Runs: 1 base (lenet5, lr 0.001, dev 10 %), 2 branch of 1 (0.01, 8 %), 3 bad (mlp, lr 1,
 * diverged), 4 other (mlp, 0.01, 30 %). */
static void fill_store(const char *path)
{
    run_sql(path,
            "INSERT INTO dataset (id, name, fingerprint, classes) VALUES (1, 'digits', 'f', 10);"
            "INSERT INTO run (id, name, parent, parent_step, dataset, model, optimizer, schedule, "
            "command_line, seed, batch, epochs, shards, threads, parameters, multiply_adds, "
            "steps_per_epoch, total_steps, state, message, started_ms, ended_ms, heartbeat_ms, "
            "host, boot, pid_space, pid, pid_started, segment, epoch, step, seconds, "
            "best_dev_error, best_epoch, test_error) VALUES "
            "(1, 'base', NULL, NULL, 1, 'lenet5', 'adam', '', '', 1, 64, 10, 1, 1, 61706, 1, 100, "
            "1000, 'finished', '', 1000, 2000, 2000, '', '', '', 1, 1, 1, 10, 1000, 60, 0.10, 9, "
            "0.11),"
            "(2, 'branch', 1, 500, 1, 'lenet5', 'adam', '', '', 1, 64, 10, 1, 1, 61706, 1, 100, "
            "1000, 'finished', '', 3000, 4000, 4000, '', '', '', 1, 1, 1, 10, 1000, 30, 0.08, 8, "
            "0.09),"
            "(3, 'bad', NULL, NULL, 1, 'mlp', 'adam', '', '', 1, 64, 10, 1, 1, 101770, 1, 100, "
            "1000, 'diverged', 'loss is NaN in step 17', 5000, 6000, 6000, '', '', '', 1, 1, 1, 0, "
            "17, 2, NULL, 0, NULL),"
            "(4, 'other', NULL, NULL, 1, 'mlp', 'adam', '', '', 1, 64, 10, 1, 1, 101770, 1, 100, "
            "1000, 'stopped', '', 7000, 8000, 8000, '', '', '', 1, 1, 1, 4, 400, 9, 0.30, 4, "
            "0.31);"
            "INSERT INTO param VALUES (1, 'lr', 0.001, NULL), (2, 'lr', 0.01, NULL), "
            "(3, 'lr', 1, NULL), (4, 'lr', 0.01, NULL);"
            "INSERT INTO summary SELECT run.id, metric.id, 10, 0, NULL, 0.2, 1000, "
            "coalesce(best_dev_error, 0.9), 100 * best_epoch, 0.95, 100 FROM run, metric "
            "WHERE metric.name = 'dev_error'");
}

static const char *drawn(bench *b)
{
    free(b->text);
    canvas_clear(b->canvas);
    app_draw(b->app, b->canvas);
    b->text = canvas_dump(b->canvas);
    return b->text;
}

static bool shows(bench *b, const char *text)
{
    return strstr(drawn(b), text) != NULL;
}

static void assert_shows(bench *b, const char *text)
{
    if (!shows(b, text))
        fail_msg("'%s' is not on the screen:\n%s", text, b->text);
}

static void assert_hides(bench *b, const char *text)
{
    if (shows(b, text))
        fail_msg("'%s' is on the screen:\n%s", text, b->text);
}

/* Work in the background goes on until `text` is seen. */
static void wait_for(bench *b, const char *text)
{
    double deadline = loop_now() + 90;
    while (!shows(b, text)) {
        if (loop_now() > deadline)
            fail_msg("waited in vain for '%s'\n%s", text, b->text);
        struct pollfd fd = {background_fd(b->app->background), POLLIN, 0};
        poll(&fd, 1, 100);
        app_pump(b->app);
        app_tick(b->app, loop_now());
    }
}

static void keys(bench *b, const char *names)
{
    char copy[512], *at = copy, *name;
    snprintf(copy, sizeof copy, "%s", names);
    while ((name = strsep(&at, " "))) {
        key_event key;
        if (!*name)
            continue;
        if (!key_parse(name, &key))
            fail_msg("'%s' is no key", name);
        app_key(b->app, &key);
        drawn(b);
    }
}

static void type(bench *b, const char *text)
{
    for (; *text; text++) {
        key_event key = {.code = UI_KEY_CHAR, .ch = (uint32_t)(unsigned char)*text};
        app_key(b->app, &key);
        drawn(b);
    }
}

/* A command on the ':' line. */
static void line(bench *b, const char *text)
{
    type(b, ":");
    type(b, text);
    keys(b, "enter");
}

/* Names of the runs on the screen from top to bottom: "other bad branch base". */
static void expect_order(bench *b, const char *expected)
{
    char order[128] = "";
    const run_listing *l = &b->app->listing;
    for (int i = 0; i < l->count; i++) {
        const char *name =
            l->lines[i].entry < 0 ? "|" : b->app->table->entries[l->lines[i].entry].row.name;
        snprintf(order + strlen(order), sizeof order - strlen(order), "%s%s", *order ? " " : "",
                 name);
    }
    if (strcmp(order, expected) != 0)
        fail_msg("the order is '%s', expected '%s'\n%s", order, expected, drawn(b));
}

static int set_up(void **state)
{
    bench *b = calloc(1, sizeof *b);
    void *place = NULL;
    if (!b || store_place_make(&place) != 0)
        return -1;
    b->place = place;
    store_close(open_store(b->place));
    fill_store(b->place->path);
    nn_error error = {0};
    b->screen = memory_screen_new(80, 24, GLYPHS_ASCII);
    b->canvas = canvas_new(80, 24, GLYPHS_ASCII);
    workbench_options options = {.store_path = b->place->path, .glyphs = GLYPHS_ASCII};
    b->app = app_new(memory_screen_base(b->screen), &options, &error);
    if (!b->app)
        fail_msg("%s", error.text);
    *state = b;
    keys(b, "3");
    wait_for(b, "branch");
    return 0;
}

static int tear_down(void **state)
{
    bench *b = *state;
    void *place = b->place;
    app_free(b->app);
    canvas_free(b->canvas);
    memory_screen_free(b->screen);
    free(b->text);
    free(b);
    return store_place_remove(&place);
}

/* --- rules ------------------------------------------------------------------------------------ */

static void sorts_both_ways(void **state)
{
    bench *b = *state;
    expect_order(b, "other bad branch base"); /* newest first */
    line(b, "sort best_dev_error");
    expect_order(b, "branch base other bad"); /* unknown comes last, */
    keys(b, "S");
    expect_order(b, "other base branch bad"); /* also backwards */
    assert_shows(b, "sort: -best_dev_error");
    line(b, "sort name");
    expect_order(b, "bad base branch other");
    line(b, "sort dev_error.best_step");
    expect_order(b, "bad other branch base");
    line(b, "sort nme");
    assert_shows(b, "did you mean 'name'");
    /* Along the columns shown: id, state, name ... */
    line(b, "sort id");
    keys(b, "s");
    assert_shows(b, "sort: state");
    keys(b, "s");
    assert_shows(b, "sort: name");
    keys(b, "<");
    assert_shows(b, "sort: state");
}

static void finds_and_filters(void **state)
{
    bench *b = *state;
    keys(b, "/");
    type(b, "br");
    expect_order(b, "branch"); /* while it is typed */
    assert_shows(b, "*Runs  1 of 4");
    keys(b, "backspace backspace");
    type(b, "mlp st"); /* letters of model and state */
    expect_order(b, "other");
    keys(b, "enter");
    assert_shows(b, "words: mlp st");
    keys(b, "esc");
    expect_order(b, "other bad branch base");
    keys(b, "/");
    type(b, "zzz");
    assert_shows(b, "No run fits");
    keys(b, "esc");
    expect_order(b, "other bad branch base");

    keys(b, "f");
    type(b, "dev_error.best<0.2 AND NOT name=base");
    keys(b, "enter");
    expect_order(b, "branch");
    assert_shows(b, "filter: dev_error.best<0.2");
    keys(b, "f"); /* what is in force can be changed */
    assert_shows(b, ":filter dev_error.best<0.2 AND NOT name=base");
    keys(b, "ctrl-u");
    type(b, "filter state=crash");
    keys(b, "enter");
    assert_shows(b, "at character 7");
    assert_shows(b, "crashed");
    expect_order(b, "branch"); /* the old one stays */
    keys(b, "f");
    assert_shows(b, ":filter state=crash");
    keys(b, "esc");
    keys(b, "esc");
    expect_order(b, "other bad branch base");
    keys(b, "esc");
    assert_shows(b, "[Gradus]");
}

static void groups_and_branches(void **state)
{
    bench *b = *state;
    line(b, "group param.lr");
    expect_order(b, "| base | other branch | bad");
    assert_shows(b, "param.lr = 0.01, 2 runs");
    assert_shows(b, ">     4 stopped"); /* the selection stays on its run */
    keys(b, "o");
    assert_shows(b, "Group by");
    type(b, "model");
    keys(b, "enter");
    expect_order(b, "| branch base | other bad");
    line(b, "group none");
    keys(b, "b");
    expect_order(b, "other bad base branch");
    assert_shows(b, "`-branch");
    line(b, "sort best_dev_error");
    expect_order(b, "base branch other bad");
    keys(b, "b");
    expect_order(b, "branch base other bad");
}

static void chooses_columns(void **state)
{
    bench *b = *state;
    line(b, "columns id,name,dev_error.best,dev_error.best_step,param.lr");
    assert_shows(b, "dev_error.best %");
    assert_shows(b, "900");
    line(b, "columns +seed,-id");
    assert_shows(b, "seed");
    line(b, "columns +nonsense");
    assert_shows(b, "runs have no 'nonsense'");
    keys(b, "c");
    type(b, "multip");
    keys(b, "enter");
    assert_shows(b, "[x] multiply_adds");
    keys(b, "enter");
    assert_shows(b, "[ ] multiply_adds");
    keys(b, "esc");
    assert_hides(b, "Columns");
    keys(b, "c right esc"); /* the first column goes one to the right */
    assert_string_equal(b->app->listing.columns[1].name, "name");
    line(b, "columns id,name,model,data,started,ended,seconds,params,multiply_adds,note");
    assert_shows(b, "started");
    keys(b, "right right right");
    assert_hides(b, " name ");
    assert_shows(b, "data");
    keys(b, "left left left");
    assert_shows(b, " name ");
}

static void keeps_views(void **state)
{
    bench *b = *state;
    line(b, "filter model=lenet5");
    line(b, "sort name");
    line(b, "view save lenets");
    wait_for(b, "View lenets is saved");
    keys(b, "esc");
    line(b, "sort -id");
    expect_order(b, "other bad branch base");
    line(b, "view lenets");
    expect_order(b, "base branch");
    keys(b, "esc v");
    assert_shows(b, "filter model=lenet5");
    keys(b, "enter");
    expect_order(b, "base branch");
    line(b, "view nothing");
    assert_shows(b, "No view is called 'nothing'");
    line(b, "view delete lenets");
    wait_for(b, "View lenets is deleted");
}

/* --- changes ---------------------------------------------------------------------------------- */

static void archives_and_takes_back(void **state)
{
    bench *b = *state;
    keys(b, "down"); /* bad */
    keys(b, "a");
    wait_for(b, "bad archived. u takes it back");
    expect_order(b, "other branch base");
    keys(b, "d"); /* branch, where the selection went */
    wait_for(b, "branch deleted");
    expect_order(b, "other base");
    keys(b, "u");
    wait_for(b, "Taken back: branch deleted");
    expect_order(b, "other branch base");
    keys(b, "u");
    wait_for(b, "Taken back: bad archived");
    expect_order(b, "other bad branch base");
    keys(b, "u");
    assert_shows(b, "no run was changed here yet");
    keys(b, "ctrl-r");
    wait_for(b, "Done again: bad archived");
    expect_order(b, "other branch base");
    keys(b, "ctrl-r");
    wait_for(b, "Done again: branch deleted");
    keys(b, "ctrl-r");
    assert_shows(b, "nothing was taken back");
    keys(b, "H");
    expect_order(b, "bad");
    assert_shows(b, "archived");
    keys(b, "a");
    wait_for(b, "bad brought back");
    keys(b, "H");
    expect_order(b, "branch");
    keys(b, "d");
    wait_for(b, "branch brought back");
    keys(b, "H");
    expect_order(b, "other bad branch base");
}

static void changes_marked_runs(void **state)
{
    bench *b = *state;
    keys(b, "space space"); /* other, bad */
    assert_shows(b, "2 marked");
    assert_shows(b, " A    4 stopped");
    assert_shows(b, " B    3 diverged");
    assert_int_equal(b->app->mark_count, 2);
    assert_true(b->app->marks[0] == 4 && b->app->marks[1] == 3);
    line(b, "tag weak");
    wait_for(b, "2 runs tagged weak");
    line(b, "filter tag=weak");
    expect_order(b, "other bad");
    keys(b, "esc a");
    wait_for(b, "2 runs archived");
    expect_order(b, "branch base");
    assert_int_equal(b->app->mark_count, 0);
    keys(b, "u");
    wait_for(b, "Taken back: 2 runs archived");
    expect_order(b, "other bad branch base");
    keys(b, "M");
    assert_int_equal(b->app->mark_count, 4);
    keys(b, "M");
    assert_int_equal(b->app->mark_count, 0);
}

static void tags_names_notes_and_pins(void **state)
{
    bench *b = *state;
    keys(b, "T");
    assert_shows(b, "No tags yet");
    type(b, "good");
    assert_shows(b, "[+] good");
    keys(b, "enter");
    wait_for(b, "other tagged good");
    assert_shows(b, "[x] good");
    keys(b, "space"); /* off again */
    wait_for(b, "other untagged good");
    keys(b, "esc u");
    wait_for(b, "Taken back");
    assert_true(run_entry_tagged(b->app->table, runs_selected(b->app), "good"));

    keys(b, "r ctrl-u");
    type(b, "rename best of all");
    keys(b, "enter");
    wait_for(b, "renamed best of all");
    expect_order(b, "best of all bad branch base");
    line(b, "rename base");
    wait_for(b, "is called 'base' already");
    line(b, "note tried l2, no help");
    wait_for(b, "best of all noted");
    keys(b, "down up");
    assert_shows(b, "best of all: tried l2, no help");
    keys(b, "n");
    assert_shows(b, ":note tried l2, no help");
    keys(b, "ctrl-u");
    type(b, "note ");
    keys(b, "enter");
    wait_for(b, "best of all noted");
    assert_string_equal(runs_selected(b->app)->row.note, "");

    keys(b, "G p");
    wait_for(b, "base pinned");
    expect_order(b, "base best of all bad branch");
    assert_string_equal(runs_selected(b->app)->row.name, "base"); /* stays selected */
    keys(b, "p");
    wait_for(b, "base unpinned");
    expect_order(b, "best of all bad branch base");
}

static void tells_why_a_run_ended(void **state)
{
    bench *b = *state;
    keys(b, "down");
    assert_shows(b, "bad diverged: loss is NaN in step 17");
    keys(b, "enter");
    assert_shows(b, "[2 Monitor]");
    assert_shows(b, "run 3");
}

/* --- pictures ----------------------------------------------------------------------------------
 */

static void picture(bench *b, const char *what, int w, int h, glyph_level glyphs)
{
    static const char *const levels[] = {"ascii", "block", "braille"};
    char name[64];
    canvas *c = canvas_new(w, h - 3, glyphs);
    assert_non_null(c);
    runs_draw(b->app, c);
    char *text = canvas_dump(c);
    snprintf(name, sizeof name, "runs_%s_%dx%d_%s", what, w, h, levels[glyphs]);
    assert_golden(name, text);
    free(text);
    canvas_free(c);
}

static void pictures(bench *b, const char *what)
{
    picture(b, what, 80, 24, GLYPHS_ASCII);
    picture(b, what, 80, 24, GLYPHS_BRAILLE);
    picture(b, what, 120, 40, GLYPHS_BLOCK);
}

static void looks_as_before(void **state)
{
    bench *b = *state;
    pictures(b, "list");
    line(b, "tag good blue");
    wait_for(b, "other tagged good");
    keys(b, "G p");
    wait_for(b, "base pinned");
    keys(b, "g space space b");
    pictures(b, "tree");
    keys(b, "c");
    pictures(b, "columns");
    keys(b, "esc T");
    pictures(b, "tags");
    keys(b, "esc M");
    line(b, "group model");
    line(b, "sort dev_error.best");
    pictures(b, "groups");
    keys(b, "/");
    type(b, "zz");
    pictures(b, "nothing");
}

/* Every size, with each list over it: nothing outside the canvas is touched. */
static void draws_at_every_size(void **state)
{
    bench *b = *state;
    const app_pick picks[] = {PICK_NONE, PICK_COLUMNS, PICK_GROUP, PICK_TAGS, PICK_VIEWS};
    for (size_t i = 0; i < sizeof picks / sizeof *picks; i++) {
        b->app->pick = picks[i];
        for (int w = 1; w <= 200; w += w < 90 && w > 75 ? 1 : 17)
            for (int h = 1; h <= 60; h += h < 30 && h > 20 ? 1 : 7) {
                canvas *c = canvas_new(w, h, GLYPHS_BRAILLE);
                assert_non_null(c);
                app_draw(b->app, c);
                canvas_free(c);
            }
    }
    b->app->pick = PICK_NONE;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sorts_both_ways),       TEST(finds_and_filters),
        TEST(groups_and_branches),   TEST(chooses_columns),
        TEST(keeps_views),           TEST(archives_and_takes_back),
        TEST(changes_marked_runs),   TEST(tags_names_notes_and_pins),
        TEST(tells_why_a_run_ended), TEST(looks_as_before),
        TEST(draws_at_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
