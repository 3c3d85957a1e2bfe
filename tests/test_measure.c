/* What an answer costs, measured after a training. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/trainer.h"

static nn_cost cost_of(const nn_dataset *data, const char *model)
{
    nn_error error = {0};
    nn_cost cost;
    nn_train_args args = {.data = data, .model = model, .seed = 1, .epochs = 1, .threads = 1};
    nn_trainer *trainer = nn_trainer_new(&args, &error);
    if (!trainer || nn_trainer_start(trainer, &error) != NN_OK)
        fail_msg("%s", error.text);
    nn_trainer_join(trainer);
    if (nn_trainer_cost(trainer, &cost, &error) != NN_OK)
        fail_msg("%s", error.text);
    nn_trainer_free(trainer);
    return cost;
}

/* A network of a hundred times the work takes longer, however loaded the machine is. */
static void larger_networks_cost_more(void **state)
{
    (void)state;
    nn_error error = {0};
    nn_data_args how = {.dev = 0.1, .test = 0.1, .seed = 1, .limit = 128};
    nn_dataset *data = nn_dataset_open("digits", &how, &error);
    if (!data)
        fail_msg("%s", error.text);
    nn_cost small = cost_of(data, "flatten | dense 10");
    nn_cost large = cost_of(data, "flatten | dense 1024 | relu | dense 512 | relu | dense 10");
    assert_true(small.latency_ms > 0);
    assert_true(large.latency_ms > small.latency_ms);
    assert_true(small.bytes >= 650 * sizeof(float));
    assert_true(large.bytes > (64 * 1024 + 1024 * 512) * sizeof(float));
    nn_dataset_free(data);
}

static void running_training_is_not_measured(void **state)
{
    (void)state;
    nn_error error = {0};
    nn_cost cost;
    nn_dataset *data =
        nn_dataset_open("digits", &(nn_data_args){.dev = 0.1, .test = 0.1, .seed = 1}, &error);
    nn_train_args args = {
        .data = data, .model = "logreg", .seed = 1, .epochs = 1000000, .start_paused = true};
    nn_trainer *trainer = nn_trainer_new(&args, &error);
    if (!trainer || nn_trainer_start(trainer, &error) != NN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(nn_trainer_cost(trainer, &cost, &error), NN_E_STATE);
    nn_trainer_free(trainer);
    nn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(larger_networks_cost_more),
        cmocka_unit_test(running_training_is_not_measured),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
