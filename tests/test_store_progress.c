/* A learner's progress: kept at once, read back, and still there after a kill. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/progress.h"
#include "tests/store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void save_item(recorder *r, int chapter, const char *id, const char *outcome, int hints)
{
    progress_item item = {.chapter = chapter, .kind = "check", .answer = "0.45", .hints = hints};
    nn_error error = {0};
    snprintf(item.id, sizeof item.id, "%s", id);
    snprintf(item.outcome, sizeof item.outcome, "%s", outcome);
    if (recorder_save_item(r, &item, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static void save_place(recorder *r, int chapter, int section, bool done)
{
    progress_place place = {
        .chapter = chapter, .mode = "step", .section = section, .step = 7, .done = done};
    nn_error error = {0};
    if (recorder_save_place(r, &place, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static int items_of(const store_place *place, int chapter, progress_item **list)
{
    nn_error error = {0};
    int count;
    store *s = open_store(place);
    assert_int_equal(store_items(s, chapter, list, &count, &error), NN_OK);
    store_close(s);
    return count;
}

static int places_of(const store_place *place, progress_place **list)
{
    nn_error error = {0};
    int count;
    store *s = open_store(place);
    assert_int_equal(store_places(s, list, &count, &error), NN_OK);
    store_close(s);
    return count;
}

static void test_last_outcome_and_best(void **state)
{
    const store_place *place = *state;
    progress_item *items;
    recorder *r = open_recorder(place);
    save_item(r, 1, "dz", "wrong", 2);
    save_item(r, 1, "dz", "right", 0);
    save_item(r, 1, "dz", "foreseen", 1);
    save_item(r, 2, "dz", "skipped", 3);
    close_recorder(r);
    assert_int_equal(items_of(place, 1, &items), 1);
    assert_string_equal(items[0].outcome, "foreseen");
    assert_string_equal(items[0].answer, "0.45");
    assert_true(items[0].passed);
    assert_int_equal(items[0].hints, 2);
    assert_int_equal(items[0].times, 3);
    free(items);
    assert_int_equal(items_of(place, 0, &items), 2);
    assert_false(items[1].passed);
    free(items);
}

static void test_places(void **state)
{
    const store_place *place = *state;
    progress_place *places;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    save_place(r, 3, 1, true);
    save_place(r, 3, 4, false);
    assert_int_equal(places_of(place, &places), 1);
    assert_int_equal(places[0].section, 4);
    assert_int_equal(places[0].step, 7);
    assert_string_equal(places[0].mode, "step");
    assert_true(places[0].done); /* once done stays done */
    assert_true(places[0].saved_ms > 0);
    free(places);
    assert_int_equal(recorder_forget_progress(r, 3, &error), NN_OK);
    assert_int_equal(places_of(place, &places), 0);
    free(places);
    progress_place nowhere = {.chapter = 0, .mode = "read"};
    assert_int_equal(recorder_save_place(r, &nowhere, &error), NN_E_ARG);
    progress_item nothing = {.chapter = 1, .kind = "check"};
    assert_int_equal(recorder_save_item(r, &nothing, &error), NN_E_ARG);
    close_recorder(r);
}

static void test_survives_a_kill(void **state)
{
    const store_place *place = *state;
    progress_place *places;
    progress_item *items;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        nn_error error = {0};
        recorder *r = recorder_open(place->path, &error);
        progress_place here = {.chapter = 8, .mode = "check", .item = 2};
        progress_item item = {
            .chapter = 8, .kind = "check", .id = "dW", .outcome = "nearly", .answer = "1/3"};
        if (!r || recorder_save_place(r, &here, &error) != NN_OK ||
            recorder_save_item(r, &item, &error) != NN_OK)
            _exit(1);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(places_of(place, &places), 1);
    assert_int_equal(places[0].item, 2);
    free(places);
    assert_int_equal(items_of(place, 8, &items), 1);
    assert_true(items[0].passed);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_last_outcome_and_best, store_place_make,
                                        store_place_remove),
        cmocka_unit_test_setup_teardown(test_places, store_place_make, store_place_remove),
        cmocka_unit_test_setup_teardown(test_survives_a_kill, store_place_make, store_place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
