/* The Trials screen by keys: a study in the store, what is seen of it, what is done to its trials.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/study.h"
#include "tests/store_fixture.h"
#include "ui/screens/trials.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    void *place; /* a store_place */
    study_id study;
    app *app;
    memory_screen *screen;
    canvas *canvas;
} bench;

enum { TRIALS = 12 };

/* Twelve trials: the fourth failed, every third pruned, the last one under way in this process. */
static void fill(recorder *r, study_id id)
{
    nn_error error = {0};
    for (int i = 1; i <= TRIALS; i++) {
        trial_row trial;
        claim_result result;
        trial_answer answer;
        assert_int_equal(recorder_claim_trial(r, id, &trial, &result, &error), NN_OK);
        assert_int_equal(result, CLAIM_TRIAL);
        double lr = log10(trial.point.value[0]) + 2;
        recorder_report_trial(r, trial.id, 1, 3, 0.02 + 0.05 * lr * lr, &answer, &error);
        trial_state state = i == 4 ? TRIAL_FAILED : i % 3 == 0 ? TRIAL_PRUNED : TRIAL_FINISHED;
        if (i < TRIALS)
            assert_int_equal(recorder_settle_trial(r, trial.id, state,
                                                   i == 4 ? "step 7: loss is NaN" : "", &error),
                             NN_OK);
    }
}

static int set_up(void **state)
{
    bench *b = calloc(1, sizeof *b);
    nn_error error = {0};
    store_place_make(&b->place);
    const store_place *place = b->place;
    recorder *r = open_recorder(place);
    study_description d = {.name = "found",
                           .space = "lr=log(1e-4,1) o=choice(adam,sgd) n=int(1,4)",
                           .objective = "dev_error",
                           .command_line = "",
                           .sampler = NN_SAMPLER_SOBOL,
                           .trials = 20};
    b->study = recorder_begin_study(r, &d, &error);
    assert_true(b->study > 0);
    fill(r, b->study);
    close_recorder(r);
    b->screen = memory_screen_new(80, 24, GLYPHS_ASCII);
    b->canvas = canvas_new(80, 24, GLYPHS_ASCII);
    workbench_options options = {.store_path = place->path, .glyphs = GLYPHS_ASCII};
    b->app = app_new(memory_screen_base(b->screen), &options, &error);
    if (!b->app)
        fail_msg("%s", error.text);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    bench *b = *state;
    app_free(b->app);
    canvas_free(b->canvas);
    memory_screen_free(b->screen);
    int status = store_place_remove(&b->place);
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

/* Lets work in the background go on until `text` is seen. */
static void await(bench *b, const char *text)
{
    double deadline = loop_now() + 90;
    while (!strstr(drawn(b), text)) {
        if (loop_now() > deadline)
            fail_msg("waited in vain for '%s'\n%s", text, drawn(b));
        struct pollfd fd = {background_fd(b->app->background), POLLIN, 0};
        poll(&fd, 1, 100);
        app_tick(b->app, loop_now());
    }
}

static void keys(bench *b, const char *names)
{
    char copy[512], *at = copy, *name;
    snprintf(copy, sizeof copy, "%s", names);
    while ((name = strsep(&at, " "))) {
        key_event key;
        if (!key_parse(name, &key))
            fail_msg("'%s' is no key", name);
        app_key(b->app, &key);
        drawn(b);
    }
}

static void open_trials(bench *b)
{
    await(b, "?:help");
    double deadline = loop_now() + 90;
    while (!b->app->store && loop_now() < deadline) {
        struct pollfd fd = {background_fd(b->app->background), POLLIN, 0};
        poll(&fd, 1, 100);
        app_tick(b->app, loop_now());
    }
    keys(b, "6");
    await(b, "Trials  found");
}

static trial_row look(bench *b, int number)
{
    const study_view *view = &b->app->trials->view;
    assert_in_range(number, 1, view->count);
    return view->trials[number - 1];
}

static void study_is_seen(void **state)
{
    bench *b = *state;
    open_trials(b);
    const char *text = drawn(b);
    assert_non_null(strstr(text, "12 of 20, 1 running"));
    assert_non_null(strstr(text, "best so far"));
    assert_non_null(strstr(text, "importance %"));
    assert_non_null(strstr(text, "failed"));
    /* The rate decides, and is known to. */
    const study_view *view = &b->app->trials->view;
    assert_true(view->importance[0].share > view->importance[1].share);
    assert_int_equal(view->ended, 11);
    /* Every plot can be had on a small screen. */
    static const char *const plots[] = {"lr log", "o choice", "n int", "front: latency_ms"};
    for (int i = 0; i < 4; i++) {
        await(b, plots[i]);
        assert_non_null(strstr(drawn(b), i < 3 ? "=" : "|"));
        keys(b, "right");
    }
}

static void table_is_sorted_and_filtered(void **state)
{
    bench *b = *state;
    open_trials(b);
    const trials_screen *t = b->app->trials;
    assert_int_equal(t->list.count, TRIALS);
    keys(b, "s");
    for (int i = 1; i < t->list.count; i++) {
        double a = t->view.trials[t->lines[i - 1]].value, c = t->view.trials[t->lines[i]].value;
        assert_true(isnan(c) || a <= c);
    }
    assert_true(isnan(t->view.trials[t->lines[TRIALS - 1]].value)); /* NaN is last, and there */
    keys(b, "f");
    for (int i = 0; i < t->list.count; i++)
        assert_true(t->view.trials[t->lines[i]].state != TRIAL_PRUNED &&
                    t->view.trials[t->lines[i]].state != TRIAL_FAILED);
    keys(b, "f");
    assert_int_equal(t->list.count, 1);
    assert_int_equal(trials_selected(t)->number, TRIALS);
    keys(b, "f s g j j j");
    assert_non_null(strstr(drawn(b), "Trial 4 failed: step 7: loss is NaN"));
}

static void trials_are_steered_by_keys(void **state)
{
    bench *b = *state;
    open_trials(b);
    keys(b, "G x"); /* the one that runs: its process is asked */
    await(b, "Trial 12 is killed, or will be at once");
    assert_string_equal(look(b, 12).wish, "kill");
    keys(b, "g c");
    await(b, "trial-clone lr=");
    keys(b, "ctrl-u t r i a l - c l o n e space l r = 0 . 5 enter");
    await(b, "Trial 13 waits");
    assert_true(look(b, 13).point.value[0] == 0.5);
    assert_int_equal(look(b, 13).source, 1);
    keys(b, "P ctrl-u t r i a l - p r o m o t e space 9 enter");
    await(b, "Trial 14 waits");
    assert_string_equal(look(b, 14).origin, "promote");
    assert_int_equal(look(b, 14).epochs, 9);
    keys(b, "G space");
    await(b, "Trial 14 is paused");
    assert_int_equal(look(b, 14).state, TRIAL_PAUSED);
    keys(b, "space");
    await(b, "Trial 14 waits in the queue");
    assert_int_equal(look(b, 14).state, TRIAL_QUEUED);
    keys(b, "g p");
    assert_non_null(strstr(drawn(b), "this trial is over; clone or promote it"));
}

/* Another process goes on: the screen follows by itself. */
static void study_is_followed(void **state)
{
    bench *b = *state;
    nn_error error = {0};
    open_trials(b);
    recorder *r = open_recorder(b->place);
    trial_row trial;
    claim_result result;
    assert_int_equal(recorder_claim_trial(r, b->study, &trial, &result, &error), NN_OK);
    await(b, "13 of 20, 2 running");
    trial_answer answer;
    recorder_report_trial(r, trial.id, 1, 3, 0.001, &answer, &error);
    recorder_settle_trial(r, trial.id, TRIAL_FINISHED, "", &error);
    await(b, "best dev_error 0.1");
    close_recorder(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(study_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(table_is_sorted_and_filtered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trials_are_steered_by_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(study_is_followed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("trials", tests, NULL, NULL);
}
