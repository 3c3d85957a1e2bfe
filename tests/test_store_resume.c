/* Going on: runs that are resumed, trainers that roll back. */
#include "store/chunk.h"
#include "store/database.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void record_steps(recorder *r, run_id run, uint64_t first, uint64_t last, double scale)
{
    for (uint64_t step = first; step <= last; step++)
        tell(r, run, step_event(step, scale * (double)step));
}

static void expect_line(const char *path, run_id run, uint64_t last, uint64_t turn, double before,
                        double after)
{
    uint64_t *steps = malloc(last * sizeof *steps);
    double *values = malloc(last * sizeof *values);
    assert_true(steps && values);
    for (uint64_t i = 0; i < last; i++) {
        steps[i] = i + 1;
        values[i] = (i + 1 <= turn ? before : after) * (double)(i + 1);
    }
    expect_points(path, run, "loss", steps, values, (int64_t)last);
    metric_summary summary = summary_of(path, run, "loss");
    assert_int_equal(summary.count, last);
    assert_int_equal(summary.last_step, last);
    free(steps);
    free(values);
}

/* Resuming at `turn` of 1000 recorded steps and going on to 1500: one continuous history. */
static void resume_at(const store_place *place, uint64_t turn)
{
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    record_steps(r, run, 1, turn, 1);
    nn_event saved = event_of(NN_EVENT_CHECKPOINT, turn);
    snprintf(saved.name, sizeof saved.name, "last");
    snprintf(saved.text, sizeof saved.text, "last.safetensors");
    nn_event note = event_of(NN_EVENT_NOTE, turn);
    snprintf(note.text, sizeof note.text, "before");
    nn_evaluation *kept = plain_evaluation(NN_DEV, turn, 3, 9);
    nn_event evaluated = event_of(NN_EVENT_EVALUATION, turn);
    evaluated.evaluation = kept;
    tell(r, run, evaluated);
    tell(r, run, note);
    if (turn > 0)
        tell(r, run, saved);
    snprintf(note.text, sizeof note.text, "after");
    note.step = turn > 0 ? turn : 1;
    tell(r, run, note); /* after the checkpoint, although at its step */
    record_steps(r, run, turn + 1, 1000, -5);
    evaluated.step = 1000;
    evaluated.evaluation = plain_evaluation(NN_DEV, 1000, 3, 9);
    tell(r, run, evaluated);
    tell_end(r, run, NN_STOPPED, 1000);
    close_recorder(r);

    r = open_recorder(place);
    run_description description = plain_description("ignored: the run has its name");
    assert_int_equal(recorder_begin(r, &description, run, turn, &error), run);
    run_row row = row_of(place->path, run);
    assert_int_equal(row.state, RUN_RUNNING);
    assert_int_equal(row.step, 1000); /* until something is recorded */
    record_steps(r, run, turn + 1, 1500, 2);
    tell_end(r, run, NN_FINISHED, 1500);
    close_recorder(r);
    expect_line(place->path, run, 1500, turn, 1, 2);
    metric_summary summary = summary_of(place->path, run, "loss");
    assert_true(summary.max == 3000 && summary.min == (turn ? 1 : 2));
    store *s = open_store(place);
    run_event *events = NULL;
    int count = 0;
    assert_int_equal(store_events(s, run, &events, &count, &error), NN_OK);
    int resumed = 0;
    for (int i = 0; i < count; i++) {
        assert_string_not_equal(events[i].text, "after");
        resumed += strcmp(events[i].kind, "resumed") == 0 && events[i].value == (double)turn;
    }
    assert_int_equal(resumed, 1);
    free(events);
    store_evaluation *evaluations = NULL;
    assert_int_equal(store_evaluations(s, run, NN_DEV, &evaluations, &count, &error), NN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(evaluations[0].step, turn);
    store_free_evaluations(evaluations, count);
    store_close(s);
}

static void test_resume_in_a_chunk(void **state)
{
    resume_at(*state, 700);
}

static void test_resume_between_chunks(void **state)
{
    resume_at(*state, CHUNK_POINTS);
}

static void test_resume_at_the_start(void **state)
{
    resume_at(*state, 0);
}

static void test_resume_without_loss(void **state)
{
    resume_at(*state, 1000 - 1);
}

static void test_resume_refusals(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_description description = plain_description(NULL);
    assert_int_equal(recorder_begin(r, &description, 99, 0, &error), 0);
    assert_int_equal(error.code, NN_E_MISSING);
    run_id run = begin_run(r, NULL);
    assert_int_equal(recorder_begin(r, &description, run, 0, &error), 0);
    assert_int_equal(error.code, NN_E_STATE);
    assert_non_null(strstr(error.text, "still running"));
    close_recorder(r);
}

/* The trainer goes back to step 600 of 1000 (what was written and what is not yet). */
static void rollback_to(const store_place *place, bool written)
{
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    record_steps(r, run, 1, 1000, 1);
    if (written)
        assert_true(wait_until(nothing_pending, r, 60));
    record_steps(r, run, 601, 650, 3);
    nn_event back = event_of(NN_EVENT_APPLIED, 640); /* and again, as an answer says */
    back.command.kind = NN_COMMAND_ROLLBACK;
    back.old_value = 650;
    back.value = 640;
    tell(r, run, back);
    record_steps(r, run, 641, 1200, 3);
    tell_end(r, run, NN_FINISHED, 1200);
    close_recorder(r);
    expect_line(place->path, run, 1200, 600, 1, 3);
    metric_summary summary = summary_of(place->path, run, "loss");
    assert_true(summary.min == 1 && summary.max == 3600);
}

static void test_rollback_in_memory(void **state)
{
    rollback_to(*state, false);
}

static void test_rollback_in_the_file(void **state)
{
    rollback_to(*state, true);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_resume_in_a_chunk),    IN_PLACE(test_resume_between_chunks),
        IN_PLACE(test_resume_at_the_start),  IN_PLACE(test_resume_without_loss),
        IN_PLACE(test_resume_refusals),      IN_PLACE(test_rollback_in_memory),
        IN_PLACE(test_rollback_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
