/* The recorder behind a real trainer: what was trained is what is stored. */
#include "engine/trainer.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static nn_dataset *open_blobs(void)
{
    nn_error error = {0};
    nn_data_args args = {.dev = .1, .test = .1, .seed = 1};
    nn_dataset *data = nn_dataset_open("blobs:n=1000", &args, &error);
    if (!data)
        fail_msg("%s", error.text);
    return data;
}

/* Train `epochs` in all, recorded: a new run, or run `resume` from its last checkpoint. */
static run_id train(const store_place *place, const nn_dataset *data, int epochs, run_id resume)
{
    nn_error error = {0};
    run_row before = {0};
    if (resume)
        before = row_of(place->path, resume);
    nn_train_args args = {.data = data,
                          .model = "dense 16 | relu | dense 3",
                          .optimizer = {.kind = NN_ADAM, .lr = .01},
                          .batch = 16,
                          .epochs = epochs,
                          .seed = 1,
                          .threads = 1,
                          .resume = resume ? before.last_checkpoint : NULL};
    nn_trainer *trainer = nn_trainer_new(&args, &error);
    if (!trainer)
        fail_msg("%s", error.text);
    nn_listener *listener = nn_trainer_listen(trainer, 8192, &error);
    assert_non_null(listener);
    recorder *r = recorder_open(place->path, &error);
    assert_non_null(r);
    run_description description = plain_description("blobs");
    description.facts = nn_trainer_facts(trainer);
    description.dataset = data;
    run_id run = recorder_begin(r, &description, resume, description.facts.start_step, &error);
    if (run == 0)
        fail_msg("%s", error.text);
    char folder[256];
    assert_int_equal(store_checkpoint_dir(place->path, run, folder, sizeof folder, &error), NN_OK);
    assert_int_equal(nn_trainer_checkpoints(trainer, folder, &error), NN_OK);
    assert_int_equal(recorder_follow(r, run, listener, &error), NN_OK);
    assert_int_equal(nn_trainer_start(trainer, &error), NN_OK);
    if (recorder_wait(r, run, &error) != NN_OK)
        fail_msg("%s", error.text);
    nn_trainer_free(trainer);
    assert_int_equal(recorder_close(r, &error), NN_OK);
    return run;
}

/* Every point of a curve; freed by the caller. */
static double *curve(const store_place *place, run_id run, const char *metric, int64_t *count)
{
    nn_error error = {0};
    uint64_t *steps = NULL;
    double *values = NULL;
    store *s = store_open(place->path, &error);
    assert_non_null(s);
    assert_int_equal(store_points(s, run, metric, 0, &steps, &values, count, &error), NN_OK);
    for (int64_t i = 1; i < *count; i++)
        assert_true(steps[i] > steps[i - 1]);
    free(steps);
    store_close(s);
    return values;
}

static void test_record_a_training(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    nn_dataset *data = open_blobs();
    run_id run = train(place, data, 3, 0);
    run_row row = row_of(place->path, run);
    assert_int_equal(row.state, RUN_FINISHED);
    assert_int_equal(row.epoch, 3);
    assert_int_equal(row.step, row.total_steps);
    assert_int_equal(access(row.last_checkpoint, R_OK), 0);
    assert_int_equal(access(row.best_checkpoint, R_OK), 0);
    assert_int_equal(summary_of(place->path, run, "loss").count, row.total_steps);
    assert_int_equal(summary_of(place->path, run, "dev_error").count, 3);
    assert_true(summary_of(place->path, run, "dev_error").min == row.best_dev_error);

    store *s = store_open(place->path, &error);
    store_evaluation *list = NULL;
    int count = 0;
    assert_int_equal(store_evaluations(s, run, NN_DEV, &list, &count, &error), NN_OK);
    assert_int_equal(count, 3);
    store_prediction *answers = NULL;
    int64_t answered = 0;
    assert_int_equal(store_predictions(s, run, NN_DEV, &answers, &answered, &error), NN_OK);
    assert_int_equal(answered, nn_dataset_count(data, NN_DEV));
    /* The predictions are those of the last matrix. */
    int classes = list[2].classes;
    for (int64_t i = 0; i < answered; i++) {
        assert_in_range(answers[i].truth, 0, classes - 1);
        assert_in_range(answers[i].predicted, 0, classes - 1);
        list[2].confusion[answers[i].truth * classes + answers[i].predicted]--;
    }
    for (int i = 0; i < classes * classes; i++)
        assert_int_equal(list[2].confusion[i], 0);
    free(answers);
    store_free_evaluations(list, count);
    store_close(s);
    nn_dataset_free(data);
}

/* 4 epochs at once, and 2 + resume + 2: the stored curves are the same, value for value. */
static void test_resumed_history_is_continuous(void **state)
{
    const store_place *place = *state;
    nn_dataset *data = open_blobs();
    run_id whole = train(place, data, 4, 0);
    run_id parts = train(place, data, 2, 0);
    assert_int_equal(train(place, data, 4, parts), parts);
    static const char *const metrics[] = {"loss", "lr", "gradient_norm", "train_loss", "dev_error"};
    for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
        int64_t one = 0;
        int64_t two = 0;
        double *first = curve(place, whole, metrics[m], &one);
        double *second = curve(place, parts, metrics[m], &two);
        assert_true(one > 0);
        assert_int_equal(one, two);
        assert_memory_equal(first, second, (size_t)one * sizeof *first);
        free(first);
        free(second);
    }
    assert_int_equal(row_of(place->path, parts).epoch, 4);
    nn_dataset_free(data);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_record_a_training),
        IN_PLACE(test_resumed_history_is_continuous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
