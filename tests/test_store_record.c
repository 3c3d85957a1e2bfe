/* Recording runs and reading them back. */
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
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* --- a whole run ------------------------------------------------------------------------------ */

static void test_a_run(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_description description = plain_description("first");
    store_param params[] = {{.key = "lr", .is_number = true, .number = .001},
                            {.key = "model", .text = "lenet5"}};
    description.params = params;
    description.param_count = 2;
    description.seed = UINT64_MAX;
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    assert_int_equal(run, 1);
    run_row row = row_of(place->path, run); /* there at once */
    assert_int_equal(row.state, RUN_RUNNING);
    assert_true(isnan(row.dev_error) && isnan(row.test_error));

    tell(r, run, event_of(NN_EVENT_START, 0));
    for (uint64_t step = 1; step <= 100; step++)
        tell(r, run, step_event(step, 2. / (double)step));
    nn_event epoch = event_of(NN_EVENT_EPOCH, 100);
    epoch.train_loss = .4;
    epoch.train_error = .1;
    epoch.dev_loss = .5;
    epoch.dev_error = .125;
    epoch.examples_per_s = 5000;
    tell(r, run, epoch);
    nn_event applied = event_of(NN_EVENT_APPLIED, 101);
    applied.command.kind = NN_COMMAND_SET;
    snprintf(applied.command.name, sizeof applied.command.name, "lr");
    applied.old_value = .001;
    applied.value = .0005;
    tell(r, run, applied);
    nn_event refused = event_of(NN_EVENT_REFUSED, 101);
    refused.command.kind = NN_COMMAND_ROLLBACK;
    snprintf(refused.text, sizeof refused.text, "nothing to roll back to");
    tell(r, run, refused);
    nn_event saved = event_of(NN_EVENT_CHECKPOINT, 100);
    saved.value = .125;
    snprintf(saved.name, sizeof saved.name, "best");
    snprintf(saved.text, sizeof saved.text, "/tmp/best.safetensors");
    tell(r, run, saved);
    snprintf(saved.name, sizeof saved.name, "last");
    snprintf(saved.text, sizeof saved.text, "/tmp/last.safetensors");
    tell(r, run, saved);
    nn_event end = event_of(NN_EVENT_END, 100);
    end.state = NN_FINISHED;
    end.best_epoch = 1;
    end.best_dev_error = .125;
    end.test_error = .13;
    end.seconds = 12.5;
    tell(r, run, end);
    assert_int_equal(recorder_wait(r, run, &error), NN_OK);
    recorder_health health = recorder_state(r);
    assert_false(health.failing);
    assert_int_equal(health.pending, 0);
    assert_int_equal(health.written, 100 * 4 + 5);
    close_recorder(r);

    row = row_of(place->path, run);
    assert_string_equal(row.name, "first");
    assert_string_equal(row.data, "shapes");
    assert_string_equal(row.fingerprint, "0123456789abcdef");
    assert_string_equal(row.model, "lenet5");
    assert_string_equal(row.optimizer, "adam");
    assert_string_equal(row.schedule, "constant");
    assert_int_equal(row.state, RUN_FINISHED);
    assert_true(row.seed == UINT64_MAX);
    assert_int_equal(row.step, 100);
    assert_int_equal(row.total_steps, 1000);
    assert_int_equal(row.steps_per_epoch, 100);
    assert_int_equal(row.epoch, 1);
    assert_int_equal(row.epochs, 10);
    assert_int_equal(row.batch, 64);
    assert_int_equal(row.shards, 4);
    assert_int_equal(row.threads, 2);
    assert_int_equal(row.classes, 3);
    assert_int_equal(row.parameters, 61706);
    assert_int_equal(row.best_epoch, 1);
    assert_true(row.train_loss == .4 && row.train_error == .1);
    assert_true(row.dev_loss == .5 && row.dev_error == .125);
    assert_true(row.best_dev_error == .125 && row.test_error == .13);
    assert_true(row.seconds == 12.5 && row.examples_per_s == 5000 && row.lr == .001);
    assert_true(row.ended_ms >= row.started_ms && row.heartbeat_ms >= row.started_ms);
    assert_int_equal(row.pid, getpid());
    assert_string_equal(row.last_checkpoint, "/tmp/last.safetensors");
    assert_string_equal(row.best_checkpoint, "/tmp/best.safetensors");

    store *s = open_store(place);
    store_param *got = NULL;
    int count = 0;
    assert_int_equal(store_params(s, run, &got, &count, &error), NN_OK);
    assert_int_equal(count, 2);
    assert_true(strcmp(got[0].key, "lr") == 0 && got[0].is_number && got[0].number == .001);
    assert_true(!got[1].is_number && strcmp(got[1].text, "lenet5") == 0);
    free(got);
    char(*classes)[64] = NULL;
    assert_int_equal(store_class_names(s, run, &classes, &count, &error), NN_OK);
    assert_int_equal(count, 3);
    assert_string_equal(classes[2], "triangle");
    free(classes);
    run_event *events = NULL;
    assert_int_equal(store_events(s, run, &events, &count, &error), NN_OK);
    assert_int_equal(count, 5);
    assert_string_equal(events[0].kind, "applied");
    assert_string_equal(events[0].key, "lr");
    assert_int_equal(events[0].step, 101);
    assert_true(events[0].old_value == .001 && events[0].value == .0005);
    assert_string_equal(events[1].kind, "refused");
    assert_string_equal(events[1].key, "rollback");
    assert_string_equal(events[1].text, "nothing to roll back to");
    assert_string_equal(events[2].kind, "checkpoint");
    assert_string_equal(events[4].key, "finished");
    free(events);
    store_checkpoint *checkpoints = NULL;
    assert_int_equal(store_checkpoints(s, run, &checkpoints, &count, &error), NN_OK);
    assert_int_equal(count, 2);
    assert_int_equal(checkpoints[0].step, 100);
    assert_true(checkpoints[0].dev_error == .125);
    free(checkpoints);
    store_close(s);
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

/* Each way a run can end, and the pauses before. */
static void test_states(void **state)
{
    const store_place *place = *state;
    static const struct {
        nn_train_state told;
        run_state read;
    } ends[] = {{NN_FINISHED, RUN_FINISHED},
                {NN_STOPPED, RUN_STOPPED},
                {NN_DIVERGED, RUN_DIVERGED},
                {NN_FAILED, RUN_FAILED}};
    recorder *r = open_recorder(place);
    nn_error error = {0};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        run_id run = begin_run(r, NULL);
        tell_end(r, run, ends[i].told, 7);
        assert_int_equal(recorder_wait(r, run, &error), NN_OK);
        run_row row = row_of(place->path, run);
        assert_int_equal(row.state, ends[i].read);
        assert_string_equal(run_state_name(row.state), run_state_name(ends[i].read));
    }
    assert_int_equal(recorder_wait(r, 77, &error), NN_E_MISSING);
    run_id left = begin_run(r, "left open");
    tell(r, left, step_event(1, 1));
    close_recorder(r);
    run_row row = row_of(place->path, left);
    assert_int_equal(row.state, RUN_STOPPED);
    assert_non_null(strstr(row.message, "recording ended"));
}

static run_id watched_run;
static bool is_paused(void *path)
{
    return row_of(path, watched_run).state == RUN_PAUSED;
}
static bool is_running(void *path)
{
    return row_of(path, watched_run).state == RUN_RUNNING;
}

static void test_pause_is_seen(void **state)
{
    store_place *place = *state;
    recorder *r = open_recorder(place);
    watched_run = begin_run(r, NULL);
    nn_event event = event_of(NN_EVENT_STATE, 5);
    event.state = NN_PAUSED;
    tell(r, watched_run, event);
    assert_true(wait_until(is_paused, place->path, 60));
    event.state = NN_EVALUATING; /* while paused: no change */
    tell(r, watched_run, event);
    event.state = NN_RUNNING;
    tell(r, watched_run, event);
    assert_true(wait_until(is_running, place->path, 60));
    close_recorder(r);
}

/* --- points ----------------------------------------------------------------------------------- */

static void test_points_keep_nan_and_infinity(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    const uint64_t steps[] = {1, 2, 3, 4, 5};
    const double values[] = {1.5, (double)NAN, -(double)INFINITY, .1, (double)NAN};
    for (int i = 0; i < 5; i++)
        tell(r, run, step_event(steps[i], values[i]));
    close_recorder(r);
    expect_points(place->path, run, "loss", steps, values, 5);
    metric_summary summary = summary_of(place->path, run, "loss");
    assert_int_equal(summary.count, 5);
    assert_int_equal(summary.nan_count, 3);
    assert_int_equal(summary.first_nan_step, 2);
    assert_true(summary.min == .1 && summary.min_step == 4);
    assert_true(summary.max == 1.5 && summary.max_step == 1);
    assert_true(isnan(summary.last) && summary.last_step == 5);
    /* Not measured is not the same as NaN: no curve. */
    assert_int_equal(summary_of(place->path, run, "update_ratio").count, 0);
    assert_int_equal(summary_of(place->path, run, "dev_error").count, 0);
}

static void test_nonfinite_step_is_on_the_curve(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    tell(r, run, step_event(1, 1.5));
    nn_event event = event_of(NN_EVENT_NONFINITE, 1); /* one step is done, the next failed */
    snprintf(event.text, sizeof event.text, "gradient of conv1.weight");
    tell(r, run, event);
    tell_end(r, run, NN_DIVERGED, 1);
    close_recorder(r);
    const uint64_t steps[] = {1, 2};
    const double values[] = {1.5, (double)NAN};
    expect_points(place->path, run, "loss", steps, values, 2);
    run_row row = row_of(place->path, run);
    assert_string_equal(row.message, "gradient of conv1.weight");
}

/* Chunks are filled, rewritten and left behind across many commits; every point comes back, in
 * whole and from any step on. */
static void test_chunk_boundaries(void **state)
{
    const store_place *place = *state;
    enum { POINTS = 3 * CHUNK_POINTS + 17 };
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    uint64_t *steps = malloc(POINTS * sizeof *steps);
    double *values = malloc(POINTS * sizeof *values);
    assert_true(steps && values);
    int next = 0;
    static const int stops[] = {1,    CHUNK_POINTS - 1,     CHUNK_POINTS,     CHUNK_POINTS + 1,
                                1100, 3 * CHUNK_POINTS - 1, 3 * CHUNK_POINTS, POINTS};
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        for (; next < stops[i]; next++) {
            steps[next] = (uint64_t)(next < 900 ? next + 1 : 3 * next - 1500); /* then gaps */
            values[next] = sin(next);
            tell(r, run, step_event(steps[next], values[next]));
        }
        assert_true(wait_until(nothing_pending, r, 60)); /* a commit in between */
        expect_points(place->path, run, "loss", steps, values, stops[i]);
        assert_int_equal(summary_of(place->path, run, "loss").count, stops[i]);
    }
    store *s = open_store(place);
    static const uint64_t after[] = {0, 1, 511, 512, 513, 700, 1024, 1200, 2000, 100000};
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        uint64_t *got_steps = NULL;
        double *got = NULL;
        int64_t count = 0;
        assert_int_equal(store_points(s, run, "loss", after[i], &got_steps, &got, &count, &error),
                         NN_OK);
        int64_t first = 0;
        while (first < POINTS && steps[first] <= after[i])
            first++;
        assert_int_equal(count, POINTS - first);
        for (int64_t j = 0; j < count; j++)
            assert_true(got_steps[j] == steps[first + j] && got[j] == values[first + j]);
        free(got_steps);
        free(got);
    }
    store_close(s);
    close_recorder(r);
    free(steps);
    free(values);
}

/* --- evaluations ------------------------------------------------------------------------------ */

static void test_confusion_and_predictions(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_description description = plain_description(NULL);
    nn_data_args args = {0};
    args.seed = 1;
    nn_dataset *dataset = nn_dataset_open("blobs:n=300", &args, &error);
    if (!dataset)
        fail_msg("%s", error.text);
    description.dataset = dataset;
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    int64_t examples = nn_dataset_count(dataset, NN_DEV);
    assert_true(examples > 10);
    for (uint64_t step = 100; step <= 300; step += 100) {
        nn_event event = event_of(NN_EVENT_EVALUATION, step);
        event.evaluation = plain_evaluation(NN_DEV, step, 3, examples);
        event.evaluation->probability[1] = (float)step / 1000;
        tell(r, run, event);
    }
    nn_event event = event_of(NN_EVENT_EVALUATION, 300);
    event.evaluation = plain_evaluation(NN_TEST, 300, 3, 5);
    tell(r, run, event);
    tell_end(r, run, NN_FINISHED, 300);
    close_recorder(r);

    store *s = open_store(place);
    store_evaluation *list = NULL;
    int count = 0;
    assert_int_equal(store_evaluations(s, run, NN_DEV, &list, &count, &error), NN_OK);
    assert_int_equal(count, 3);
    nn_evaluation *expected = plain_evaluation(NN_DEV, 0, 3, examples);
    for (int i = 0; i < count; i++) {
        assert_int_equal(list[i].part, NN_DEV);
        assert_int_equal(list[i].step, 100 * (i + 1));
        assert_int_equal(list[i].classes, 3);
        assert_int_equal(list[i].count, examples);
        assert_true(list[i].loss == .5 && list[i].error == 1. / 3);
        assert_memory_equal(list[i].confusion, expected->confusion, 9 * sizeof(int32_t));
    }
    store_free_evaluations(list, count);
    assert_int_equal(store_evaluations(s, run, NN_PARTS, &list, &count, &error), NN_OK);
    assert_int_equal(count, 4);
    assert_int_equal(list[3].part, NN_TEST);
    store_free_evaluations(list, count);

    store_prediction *answers = NULL;
    int64_t answered = 0;
    assert_int_equal(store_predictions(s, run, NN_DEV, &answers, &answered, &error), NN_OK);
    assert_int_equal(answered, examples);
    for (int64_t i = 0; i < answered; i++) {
        assert_int_equal(answers[i].example, nn_dataset_id(dataset, NN_DEV, i));
        assert_int_equal(answers[i].truth, nn_dataset_label(dataset, NN_DEV, i));
        assert_int_equal(answers[i].predicted, expected->predicted[i]);
        assert_true(answers[i].truth_probability == expected->truth_probability[i]);
    }
    assert_true(answers[1].probability == .3f); /* of the last evaluation */
    free(answers);
    assert_int_equal(store_predictions(s, run, NN_TRAIN, &answers, &answered, &error), NN_OK);
    assert_true(answers == NULL && answered == 0);
    nn_evaluation_release(expected);
    nn_dataset_free(dataset);
    store_close(s);
    assert_true(row_of(place->path, run).test_error == 1. / 3);
}

/* Without the data set, predictions carry the place in the part and no truth. */
static void test_predictions_without_data(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    nn_event event = event_of(NN_EVENT_EVALUATION, 1);
    event.evaluation = plain_evaluation(NN_TEST, 1, 3, 4);
    tell(r, run, event);
    close_recorder(r);
    store *s = open_store(place);
    store_prediction *answers = NULL;
    int64_t count = 0;
    assert_int_equal(store_predictions(s, run, NN_TEST, &answers, &count, &error), NN_OK);
    assert_int_equal(count, 4);
    assert_int_equal(answers[3].example, 3);
    assert_int_equal(answers[3].truth, -1);
    free(answers);
    store_close(s);
}

/* --- names and finding ------------------------------------------------------------------------ */

static void test_names_and_finding(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    static const struct {
        const char *wanted, *given;
    } names[] = {{NULL, "lenet5-shapes-1"}, {"mine", "mine"}, {"mine", "mine-2"},
                 {"mine", "mine-3"},        {"7", "run-7"},   {"last", "run-last"},
                 {"", "lenet5-shapes-7"},   {"사과", "사과"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run_id run = begin_run(r, names[i].wanted);
        assert_int_equal(run, i + 1);
        run_row row = row_of(place->path, run);
        assert_string_equal(row.name, names[i].given);
    }
    run_description description = plain_description(NULL);
    description.model = "conv 6 5x5 | relu | dense 10";
    description.data = "/home/me/My Data.csv";
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    run_row row = row_of(place->path, run);
    assert_string_equal(row.name, "custom-mydata.csv-9");
    close_recorder(r);

    store *s = open_store(place);
    static const struct {
        const char *text;
        run_id run; /* 0: refused */
    } found[] = {{"1", 1},
                 {"last", 9},
                 {"mine", 2},
                 {"mine-3", 4},
                 {"run-7", 5},
                 {"7", 7},
                 {"사과", 8},
                 {"custom", 9},
                 {"lenet5", 0},
                 {"99", 0},
                 {"none", 0},
                 {"", 0},
                 {"999999999999999999999", 0}};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        run_id id = 0;
        nn_status status = store_find_run(s, found[i].text, &id, &error);
        assert_int_equal(status == NN_OK ? id : 0, found[i].run);
    }
    run_row *rows = NULL;
    int count = 0;
    assert_int_equal(store_runs(s, &rows, &count, &error), NN_OK);
    assert_int_equal(count, 9);
    for (int i = 0; i < count; i++)
        assert_int_equal(rows[i].id, 9 - i); /* newest first */
    free(rows);
    assert_int_equal(store_run(s, 99, &row, &error), NN_E_MISSING);
    store_close(s);
}

static void test_empty_store(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    store *s = open_store(place);
    run_row *rows = NULL;
    int count = -1;
    run_id id = 0;
    assert_int_equal(store_runs(s, &rows, &count, &error), NN_OK);
    assert_int_equal(count, 0);
    free(rows);
    assert_int_equal(store_find_run(s, "last", &id, &error), NN_E_MISSING);
    store_close(s);
}

static void test_version_tells_of_writes(void **state)
{
    const store_place *place = *state;
    store *s = open_store(place);
    int64_t first = store_version(s);
    assert_int_equal(store_version(s), first);
    run_sql(place->path, "INSERT INTO dataset (name, fingerprint, classes) VALUES ('a', 'b', 2)");
    assert_int_not_equal(store_version(s), first);
    store_close(s);
}

/* --- sources and commands --------------------------------------------------------------------- */

static void *push_run(void *argument)
{
    event_queue *queue = argument;
    nn_event start = event_of(NN_EVENT_START, 0);
    event_queue_push(queue, &start);
    for (uint64_t step = 1; step <= 5000; step++) {
        nn_event event = step_event(step, (double)step);
        event_queue_push(queue, &event);
    }
    nn_event evaluated = event_of(NN_EVENT_EVALUATION, 5000);
    evaluated.evaluation = plain_evaluation(NN_DEV, 5000, 3, 30);
    event_queue_push(queue, &evaluated);
    queue->dropped = 3;
    nn_event end = event_of(NN_EVENT_END, 5000);
    end.state = NN_FINISHED;
    event_queue_push(queue, &end);
    return NULL;
}

/* Three runs of one process at a time, each told by a thread of its own. */
static void test_sources(void **state)
{
    const store_place *place = *state;
    enum { RUNS = 3 };
    nn_error error = {0};
    recorder *r = open_recorder(place);
    event_queue queues[RUNS];
    pthread_t threads[RUNS];
    run_id runs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        event_queue_open(&queues[i]);
        runs[i] = begin_run(r, NULL);
        assert_int_equal(recorder_follow_source(r, runs[i], &queues[i].source, &error), NN_OK);
        assert_int_equal(recorder_follow_source(r, runs[i], &queues[i].source, &error), NN_E_STATE);
        assert_int_equal(pthread_create(&threads[i], NULL, push_run, &queues[i]), 0);
    }
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(recorder_wait(r, runs[i], &error), NN_OK);
        pthread_join(threads[i], NULL);
        event_queue_close(&queues[i]);
        assert_int_equal(summary_of(place->path, runs[i], "loss").count, 5000);
        assert_int_equal(row_of(place->path, runs[i]).state, RUN_FINISHED);
        store *s = open_store(place);
        run_event *events = NULL;
        int count = 0;
        assert_int_equal(store_events(s, runs[i], &events, &count, &error), NN_OK);
        assert_int_equal(count, 2);
        assert_non_null(strstr(events[0].text, "3 steps were not recorded"));
        free(events);
        store_close(s);
    }
    close_recorder(r);
}

typedef struct {
    pthread_mutex_t lock;
    nn_command got[8];
    int count;
} post_box;

static void post(void *context, const nn_command *command)
{
    post_box *box = context;
    pthread_mutex_lock(&box->lock);
    if (box->count < 8)
        box->got[box->count++] = *command;
    pthread_mutex_unlock(&box->lock);
}

static bool both_came(void *context)
{
    post_box *box = context;
    pthread_mutex_lock(&box->lock);
    bool came = box->count >= 2;
    pthread_mutex_unlock(&box->lock);
    return came;
}

/* Another process steers a run through the store. */
static void test_commands(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    post_box box = {.lock = PTHREAD_MUTEX_INITIALIZER};
    recorder_on_command(r, run, post, &box);
    recorder *other = open_recorder(place);
    nn_command command = {.kind = NN_COMMAND_SET, .value = .25, .name = "dropout", .at_step = 12};
    assert_int_equal(recorder_leave_command(other, run, &command, &error), NN_OK);
    command = (nn_command){.kind = NN_COMMAND_STOP};
    assert_int_equal(recorder_leave_command(other, run, &command, &error), NN_OK);
    assert_true(wait_until(both_came, &box, 60));
    assert_int_equal(box.count, 2);
    assert_int_equal(box.got[0].kind, NN_COMMAND_SET);
    assert_string_equal(box.got[0].name, "dropout");
    assert_true(box.got[0].value == .25 && box.got[0].at_step == 12);
    assert_int_equal(box.got[1].kind, NN_COMMAND_STOP);
    tell_end(r, run, NN_STOPPED, 1);
    assert_int_equal(recorder_wait(r, run, &error), NN_OK);
    assert_int_equal(recorder_leave_command(other, run, &command, &error), NN_E_STATE);
    assert_non_null(strstr(error.text, "stopped"));
    assert_int_equal(recorder_leave_command(other, 55, &command, &error), NN_E_MISSING);
    close_recorder(other);
    close_recorder(r);
    assert_int_equal(box.count, 2); /* none twice */
    pthread_mutex_destroy(&box.lock);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_a_run),
        IN_PLACE(test_states),
        IN_PLACE(test_pause_is_seen),
        IN_PLACE(test_points_keep_nan_and_infinity),
        IN_PLACE(test_nonfinite_step_is_on_the_curve),
        IN_PLACE(test_chunk_boundaries),
        IN_PLACE(test_confusion_and_predictions),
        IN_PLACE(test_predictions_without_data),
        IN_PLACE(test_names_and_finding),
        IN_PLACE(test_empty_store),
        IN_PLACE(test_version_tells_of_writes),
        IN_PLACE(test_sources),
        IN_PLACE(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
