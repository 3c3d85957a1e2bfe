/* Whole tasks in the workbench, in process, by keys: what a user sees is read from the canvas. Time
 * is never slept away: the test waits on the same descriptors as the loop, with a deadline. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/screens/app.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    app *app;
    memory_screen *screen;
    canvas *canvas;
    char folder[64], store[96];
} bench;

static void open_on(bench *b, int w, int h, const train_options *train)
{
    nn_error error = {0};
    b->screen = memory_screen_new(w, h, GLYPHS_ASCII);
    b->canvas = canvas_new(w, h, GLYPHS_ASCII);
    workbench_options options = {.store_path = b->store, .train = train, .glyphs = GLYPHS_ASCII};
    b->app = app_new(memory_screen_base(b->screen), &options, &error);
    if (!b->app)
        fail_msg("%s", error.text);
}

static void close_workbench(bench *b)
{
    app_free(b->app);
    canvas_free(b->canvas);
    memory_screen_free(b->screen);
}

static int set_up(void **state)
{
    bench *b = calloc(1, sizeof *b);
    strcpy(b->folder, "/tmp/gradus-workbench-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->store, sizeof b->store, "%s/runs.db", b->folder);
    open_on(b, 80, 24, NULL);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    bench *b = *state;
    close_workbench(b);
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", b->folder);
    int status = system(line);
    free(b);
    return status;
}

static const char *drawn(bench *b)
{
    static char *text;
    free(text);
    canvas_clear(b->canvas);
    app_draw(b->app, b->canvas);
    text = canvas_dump(b->canvas);
    return text;
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
        drawn(b); /* as the loop does */
    }
}

static bool shows(bench *b, const void *text)
{
    return strstr(drawn(b), text) != NULL;
}

/* Lets background work and the trainer go on until `until` holds; prints the screen otherwise. */
static void wait_for(bench *b, bool (*until)(bench *b, const void *what), const void *what)
{
    double deadline = loop_now() + 90;
    while (!until(b, what)) {
        if (loop_now() > deadline)
            fail_msg("waited in vain%s%s\n%s", until == shows ? " for " : "",
                     until == shows ? (const char *)what : "", drawn(b));
        struct pollfd fds[2] = {{background_fd(b->app->background), POLLIN, 0}, {-1, POLLIN, 0}};
        if (b->app->session)
            fds[1].fd = nn_listener_fd(session_listener(b->app->session));
        poll(fds, 2, 100);
        app_pump(b->app);
        app_tick(b->app, loop_now());
    }
}

static bool store_is_open(bench *b, const void *what)
{
    (void)what;
    return b->app->store != NULL;
}

static bool step_is_past(bench *b, const void *step)
{
    return b->app->live->row.step > *(const uint64_t *)step;
}

static bool is_over(bench *b, const void *what)
{
    (void)what;
    return b->app->live && b->app->training == TRAINING_NONE;
}

static void assert_shows(bench *b, const char *text)
{
    if (!strstr(drawn(b), text))
        fail_msg("'%s' is not on the screen:\n%s", text, drawn(b));
}

/* A training that is long enough to be steered. */
static void start_training(bench *b)
{
    keys(b, "t");
    assert_shows(b, "New training");
    keys(b, "down d i g i t s down m l p");
    keys(b, "down down down down down 4 0 0 0"); /* epochs */
    keys(b, "up up up up up up up enter");
    wait_for(b, shows, "running");
    wait_for(b, shows, "LIVE");
}

static void stop_training(bench *b)
{
    keys(b, "S");
    assert_shows(b, "y:stop");
    keys(b, "y");
    wait_for(b, is_over, "the end of the training");
    assert_int_equal(b->app->live->row.state, RUN_STOPPED);
}

static void home_leads_on(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    assert_shows(b, "What next");
    assert_shows(b, "> Start a training");
    assert_shows(b, "None yet");
    keys(b, "2");
    assert_shows(b, "No run yet");
    keys(b, "3");
    assert_shows(b, "No run is recorded yet");
    keys(b, "esc");
    assert_shows(b, "[Gradus]");
    keys(b, "q");
    assert_true(b->app->done);
}

static void help_finds_keys(void **state)
{
    bench *b = *state;
    keys(b, "2 ?");
    assert_shows(b, "Help: all keys");
    keys(b, "d r o p o u t");
    assert_shows(b, "set the dropout rate");
    assert_null(strstr(drawn(b), "write a checkpoint now"));
    keys(b, "esc");
    assert_null(strstr(drawn(b), "Help: all keys"));
    keys(b, "? s t o p"); /* its own name comes before commands that mention it */
    assert_shows(b, ">s                stop-after-epoch");
}

static void the_form_says_what_is_wrong(void **state)
{
    bench *b = *state;
    keys(b, "t down n o n e down down s g down - 1 down w a r p down 0 down 1 . 5");
    assert_shows(b, "no data set of this name");
    assert_shows(b, "! ");
    train_options options;
    assert_false(form_read(&b->app->form, &options));
    for (int i = FIELD_OPTIMIZER; i <= FIELD_EPOCHS; i++)
        if (!b->app->form.problems[i][0])
            fail_msg("field %d: '%s' was accepted", i, b->app->form.fields[i].text);
    keys(b, "up up up up up up up enter"); /* Start goes to the first problem */
    assert_int_equal(b->app->form.at, FIELD_DATA);
    assert_int_equal(b->app->training, TRAINING_NONE);
    /* What only building can tell comes back to the form. */
    keys(b, "d i g i t s down f o o down a d a m down 0 . 1 down c o n s t a n t down 3 2 down 1");
    keys(b, "up up up up up up up enter");
    wait_for(b, shows, "'foo'");
    assert_shows(b, "New training");
}

static void a_training_is_steered_and_kept(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    start_training(b);
    run_view *live = b->app->live;
    keys(b, "p");
    wait_for(b, shows, "Paused at step");
    uint64_t step = live->row.step;
    keys(b, "n");
    wait_for(b, step_is_past, &step); /* its message may make room for the epoch's at once */
    assert_int_equal(live->row.step, step + 1);
    keys(b, "comma");
    wait_for(b, shows, "Learning rate 0.001 -> 0.0005");
    keys(b, "r 0 . 0 2 enter");
    wait_for(b, shows, "0.0005 -> 0.0200");
    assert_true(fabs(live->base_lr - 0.02) < 1e-12);
    keys(b, "r x enter");
    assert_shows(b, "is no number");
    keys(b, "v");
    wait_for(b, shows, "Dev error");
    assert_true(live->evaluation_count > 0);
    keys(b, "tab tab tab");
    assert_shows(b, "Confusion");
    keys(b, "tab tab");
    assert_shows(b, "rate 0.001 -> 0.0005");
    stop_training(b);
    /* In the store: the list, and the same run again. */
    keys(b, "3");
    wait_for(b, shows, "stopped");
    assert_shows(b, "  1 stopped");
    keys(b, "enter");
    assert_shows(b, "RECORDED");
    assert_int_equal(curve_count(b->app->other->loss), curve_count(live->loss));
    assert_int_equal(b->app->other->row.step, live->row.step);
    assert_true(fabs(b->app->other->base_lr - 0.02) < 1e-12);
    keys(b, "p");
    assert_shows(b, "this run is over");
}

static void a_stopped_run_goes_on(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    start_training(b);
    keys(b, "N");
    wait_for(b, shows, "paused");
    stop_training(b);
    uint64_t step = b->app->live->row.step;
    assert_true(step > 0);
    keys(b, "3");
    wait_for(b, shows, "stopped");
    keys(b, "R");
    wait_for(b, shows, "LIVE");
    wait_for(b, shows, "running");
    wait_for(b, step_is_past, &step);
    /* The past is there, and the steps follow on each other. */
    run_view *live = b->app->live;
    double x, y, last = 0;
    for (int64_t i = 0; i < curve_count(live->loss) && live->steps_dropped == 0; i++) {
        curve_point(live->loss, i, &x, &y);
        assert_true(x == last + 1);
        last = x;
    }
    stop_training(b);
}

static void leaving_asks_and_saves(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    start_training(b);
    keys(b, "q");
    assert_shows(b, "A training runs");
    keys(b, "n");
    assert_false(b->app->done);
    assert_false(app_closing(b->app, LOOP_INTERRUPT)); /* Ctrl-C asks, too */
    keys(b, "y");
    wait_for(b, is_over, "the end of the training");
    assert_true(b->app->done);
    assert_int_equal(b->app->status, 0);
    assert_int_equal(access(b->app->live->row.last_checkpoint, R_OK), 0);
}

/* Whoever wants to leave while the last points are written is not asked about a training that has
 * ended, nor left with the question when it ends meanwhile. */
static void leaving_as_a_training_ends(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    start_training(b);
    nn_trainer_post(session_trainer(b->app->session), &(nn_command){.kind = NN_COMMAND_STOP});
    keys(b, "q");
    assert_shows(b, "A training runs");
    wait_for(b, is_over, "the end of the training");
    assert_true(b->app->done);
    assert_int_equal(b->app->asking, ASK_NOTHING);

    b->app->done = b->app->quitting = false;
    b->app->training = TRAINING_CLOSING;
    keys(b, "q");
    assert_true(b->app->quitting);
    assert_int_equal(b->app->asking, ASK_NOTHING);
    b->app->training = TRAINING_NONE;
}

static void a_lost_terminal_saves(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    start_training(b);
    assert_true(app_closing(b->app, LOOP_HANGUP));
    close_workbench(b); /* what the way out does */
    open_on(b, 80, 24, NULL);
    wait_for(b, store_is_open, "the store");
    keys(b, "3");
    wait_for(b, shows, "stopped");
}

/* Keys and sizes at random never crash, whatever state they meet. */
static void random_keys(void **state)
{
    bench *b = *state;
    static const char *const names[] = {
        "up", "down",  "left", "right",   "tab",       "enter",     "esc", "1",        "2",
        "3",  "?",     "t",    "z",       "c",         "a",         "A",   "m",        "+",
        "-",  "0",     "x",    "o",       "p",         "n",         "N",   "comma",    ".",
        "r",  "d",     "l",    "v",       "w",         "b",         "s",   "S",        "q",
        "y",  "space", ":",    "/",       "home",      "end",       "g",   "G",        "k",
        "j",  "R",     "e",    "page-up", "page-down", "backspace", "5",   "shift-tab"};
    wait_for(b, store_is_open, "the store");
    uint32_t random = 2026;
    for (int i = 0; i < 4000 && !b->app->done; i++) {
        random = random * 1664525 + 1013904223;
        size_t which = (random >> 8) % (sizeof names / sizeof *names);
        /* Leaving for good is another test. */
        if (strcmp(names[which], "y") == 0 && b->app->asking == ASK_QUIT)
            continue;
        if (strcmp(names[which], "q") == 0 && !training_active(b->app))
            continue;
        keys(b, names[which]);
        if (i % 50 == 0) {
            assert_true(canvas_resize(b->canvas, 1 + (int)(random >> 10) % 200,
                                      1 + (int)(random >> 20) % 60));
            app_pump(b->app);
            app_tick(b->app, i);
        }
    }
    keys(b, "esc");
}

static void every_size_is_drawn(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    train_options options = train_options_default();
    options.data = "moons", options.model = "mlp", options.epochs = 2,
    options.store_path = b->store;
    training_start(b->app, &options);
    wait_for(b, is_over, "the training");
    static const char *const screens[] = {"1", "2", "3", "t", "esc 2 z", "?"};
    for (size_t i = 0; i < sizeof screens / sizeof *screens; i++) {
        assert_true(canvas_resize(b->canvas, 80, 24));
        keys(b, screens[i]);
        for (int h = 1; h <= 60; h += h < 26 ? 1 : 5)
            for (int w = 1; w <= 200; w += w > 76 && w < 84 ? 1 : 7) {
                assert_true(canvas_resize(b->canvas, w, h));
                canvas_clear(b->canvas);
                b->canvas->clipped = 0;
                app_draw(b->app, b->canvas);
                if (w >= APP_MIN_W && h >= APP_MIN_H && b->canvas->clipped != 0)
                    fail_msg("%ld texts are cut at %dx%d:\n%s", b->canvas->clipped, w, h,
                             canvas_dump(b->canvas));
            }
    }
    assert_true(canvas_resize(b->canvas, 60, 10));
    assert_shows(b, "Gradus needs 80x24; this window is 60x10");
}

/* One table: no key means two things in one place, every command says what it does. */
static void the_command_table_is_sound(void **state)
{
    (void)state;
    nn_error error = {0};
    keymap *k = app_keymap(&error);
    if (!k)
        fail_msg("%s", error.text);
    for (int id = 0; id < DO_COUNT; id++) {
        const command *what = keymap_command(k, id);
        assert_non_null(what);
        assert_true(what->name[0] && what->label[0] && what->help[0] && what->contexts);
    }
    keymap_free(k);
    char *text = workbench_keys_text();
    assert_non_null(text);
    assert_non_null(strstr(text, "halve the learning rate"));
    free(text);
}

static void screens_print_as_text(void **state)
{
    bench *b = *state;
    wait_for(b, store_is_open, "the store");
    char names[256], *at = names, *name;
    snprintf(names, sizeof names, "%s", workbench_print_names());
    while ((name = strsep(&at, " "))) {
        char *text = NULL;
        nn_error error = {0};
        print_options options = {
            .store_path = b->store, .screen = name, .w = 80, .h = 24, .glyphs = GLYPHS_ASCII};
        if (workbench_print(&options, &text, &error) != NN_OK)
            fail_msg("%s: %s", name, error.text);
        assert_non_null(strstr(text, "Gradus"));
        free(text);
    }
    char *text = NULL;
    nn_error error = {0};
    print_options wrong = {.store_path = b->store, .screen = "kitchen", .glyphs = GLYPHS_ASCII};
    assert_int_equal(workbench_print(&wrong, &text, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "kitchen"));
    assert_non_null(strstr(error.text, "monitor"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(home_leads_on),
        TEST(help_finds_keys),
        TEST(the_form_says_what_is_wrong),
        TEST(a_training_is_steered_and_kept),
        TEST(a_stopped_run_goes_on),
        TEST(leaving_asks_and_saves),
        TEST(leaving_as_a_training_ends),
        TEST(a_lost_terminal_saves),
        TEST(random_keys),
        TEST(every_size_is_drawn),
        TEST(the_command_table_is_sound),
        TEST(screens_print_as_text),
    };
    return cmocka_run_group_tests_name("workbench", tests, NULL, NULL);
}
