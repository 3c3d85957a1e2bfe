/* How a training is run: augmentation, sampling, accumulation, averages, freezing and early
 * stopping, each the same after a resume and with any number of threads. */
#include "engine/data/augment.h"
#include "engine/data/sampling.h"
#include "engine/patterns.h"
#include "watch_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static nn_dataset *digits;
static char folder[] = "/tmp/gradus-regime-XXXXXX";
static char last[64], previous[64], best[64];

static int open_data(void **state)
{
    (void)state;
    nn_error error = {0};
    digits = nn_dataset_open("digits", &(nn_data_args){.seed = 1, .limit = 500}, &error);
    if (!digits || !mkdtemp(folder))
        return -1;
    snprintf(last, sizeof last, "%s/last.safetensors", folder);
    snprintf(best, sizeof best, "%s/best.safetensors", folder);
    snprintf(previous, sizeof previous, "%s/previous.safetensors", folder);
    return 0;
}

static int close_data(void **state)
{
    (void)state;
    nn_dataset_free(digits);
    unlink(last);
    unlink(previous);
    unlink(best);
    return rmdir(folder);
}

static nn_train_args everything(void)
{
    return (nn_train_args){.data = digits,
                           .model = "conv 4 3x3 | batchnorm | relu | conv 4 3x3 | batchnorm | "
                                    "relu | flatten | dropout 0.2 | dense 10",
                           .optimizer = {.kind = NN_ADAM, .lr = 0.004, .l1 = 1e-5, .average = 0.9},
                           .schedule = {.kind = NN_SCHEDULE_PLATEAU, .factor = 0.5, .every = 1},
                           .batch = 24,
                           .epochs = 5,
                           .seed = 3,
                           .threads = 2,
                           .shards = 2,
                           .rates = "conv2*=0.5",
                           .freeze = "conv1*,batchnorm1",
                           .accumulate = 3,
                           .sampling = "balanced",
                           .augment = "shift 1,rotate 10,scale 0.1,noise 0.05,cutout 2,mixup 0.4",
                           .loaders = 2,
                           .patience = 50,
                           .checkpoint_dir = folder};
}

typedef struct {
    uint64_t weights;
    nn_event end, epoch[8];
} outcome;

static outcome run(const nn_train_args *args)
{
    outcome o = {0};
    watch w = watch_start(args);
    o.end = watch_end(&w);
    o.weights = watch_weights(&w);
    for (int i = 0; i < w.count; i++)
        if (w.events[i].kind == NN_EVENT_EPOCH)
            o.epoch[w.events[i].epoch] = w.events[i];
    watch_close(&w);
    return o;
}

static void test_threads_and_cuts_change_no_bit(void **state)
{
    (void)state;
    nn_train_args args = everything();
    outcome whole = run(&args);
    args.threads = 1;
    args.loaders = 0;
    outcome alone = run(&args);
    assert_true(whole.weights == alone.weights);
    assert_true(whole.end.test_error == alone.end.test_error);
    args.halt_after_steps = 2 * whole.epoch[1].step + 3;
    run(&args);
    nn_train_args rest = {.data = digits,
                          .model = args.model,
                          .resume = last,
                          .threads = 2,
                          .loaders = 1,
                          .checkpoint_dir = folder};
    outcome second = run(&rest);
    for (int e = 3; e <= 5; e++) {
        assert_true(second.epoch[e].train_loss == whole.epoch[e].train_loss);
        assert_true(second.epoch[e].dev_loss == whole.epoch[e].dev_loss);
        assert_true(second.epoch[e].lr == whole.epoch[e].lr);
    }
    assert_true(second.weights == whole.weights);
    assert_true(second.end.test_error == whole.end.test_error);
}

static void test_early_stopping_restores_the_best(void **state)
{
    (void)state;
    nn_train_args args = {.data = digits,
                          .model = "flatten | dense 10",
                          .optimizer = {.kind = NN_SGD, .lr = 0.05},
                          .batch = 50,
                          .epochs = 60,
                          .seed = 1,
                          .threads = 1,
                          .patience = 2,
                          .min_delta = 1000}; /* only the first epoch is ever better */
    outcome o = run(&args);
    assert_int_equal(o.end.state, NN_FINISHED);
    assert_int_equal(o.end.best_epoch, 1);
    assert_true(o.epoch[3].step > 0 && o.epoch[4].step == 0);
    args.epochs = 1;
    args.patience = 0;
    args.min_delta = 0;
    assert_true(run(&args).weights == o.weights);
}

static void test_golden_early_stopping(void **state)
{
    (void)state;
    static const double losses[] = {1, 0.9, 0.895, 0.7, 0.695, 0.71, 0.72};
    static const int waited[] = {0, 0, 1, 0, 1, 2, 3};
    nn_watch watching = nn_watch_new();
    for (int i = 0; i < 7; i++) {
        nn_watch_look(&watching, losses[i], 0.01);
        assert_int_equal(watching.waited, waited[i]);
    }
    assert_true(watching.best == 0.7);
}

/* Three batches of 20 make the step of one of 60, up to rounding. */
static void test_accumulation_is_the_large_batch(void **state)
{
    (void)state;
    nn_train_args args = {.data = digits,
                          .model = "flatten | dense 16 | tanh | dense 10",
                          .optimizer = {.kind = NN_SGD, .lr = 0.1},
                          .batch = 60,
                          .epochs = 2,
                          .seed = 1,
                          .threads = 1};
    outcome large = run(&args);
    args.batch = 20;
    args.accumulate = 3;
    outcome small = run(&args);
    assert_int_equal(small.epoch[2].step, large.epoch[2].step);
    assert_true(fabs(small.epoch[2].train_loss - large.epoch[2].train_loss) < 1e-5);
    assert_true(fabs(small.epoch[2].dev_loss - large.epoch[2].dev_loss) < 1e-5);
}

static void test_freezing_live(void **state)
{
    (void)state;
    nn_train_args args = {.data = digits,
                          .model = "flatten | dense 16 | tanh | dense 10",
                          .optimizer = {.kind = NN_SGD, .lr = 0.1},
                          .epochs = 2,
                          .threads = 1,
                          .start_paused = true};
    watch w = watch_start(&args);
    assert_int_equal(watch_command(&w, NN_COMMAND_FREEZE, "nothing*", 0).kind, NN_EVENT_REFUSED);
    assert_int_equal(watch_command(&w, NN_COMMAND_FREEZE, "*", 0).kind, NN_EVENT_REFUSED);
    nn_event told = watch_command(&w, NN_COMMAND_FREEZE, "dense1", 0);
    assert_int_equal(told.kind, NN_EVENT_APPLIED);
    assert_true(told.value == 2);
    nn_param *frozen = nn_model_find(nn_trainer_model(w.trainer), "dense1.weight");
    assert_non_null(frozen);
    nn_real before = nn_param_values(frozen)[100];
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    watch_end(&w);
    assert_true(nn_param_values(frozen)[100] == before);
    watch_close(&w);
}

static void test_augmentation_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"flop", "column 1"},      {"flip,", "column 6"},           {"shift", "column 6"},
        {"shift 1.5", "column 7"}, {"mixup 0.2,flip", "column 11"}, {"rotate 200", "column 8"},
        {"flip flip", "column 5"}};
    nn_augmentation list;
    nn_error error = {0};
    assert_int_equal(nn_augmentation_parse("flip, shift 2,mixup 0.2", &list, &error), NN_OK);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(nn_augmentation_parse(bad[i].text, &list, &error), NN_E_ARG);
        if (!strstr(error.text, bad[i].part))
            fail_msg("\"%s\" lacks \"%s\"", error.text, bad[i].part);
    }
}

/* Golden ch15-flip-crop, and what leaves an image as it is. */
static void test_image_changes(void **state)
{
    (void)state;
    nn_real x[12], room[12], piece[4];
    for (int i = 0; i < 12; i++)
        x[i] = (nn_real)i;
    nn_picture image = {x, 1, 3, 4};
    nn_crop(image, 1, 1, 2, 2, piece);
    assert_true(piece[0] == 5 && piece[1] == 6 && piece[2] == 9 && piece[3] == 10);
    nn_flip(image);
    assert_true(x[0] == 3 && x[3] == 0 && x[11] == 8);
    nn_flip(image);
    nn_warp(image, (nn_affine){1, 0, 0, 1, 0, 0}, room);
    nn_shift(image, 0, 0, room);
    for (int i = 0; i < 12; i++)
        assert_true(x[i] == (nn_real)i);
    nn_shift(image, 1, -1, room);
    assert_true(x[0] == 1 && x[4] == 1 && x[8] == 5 && x[7] == 3);
    nn_cutout(image, 0, 0, 3, 99);
    assert_true(x[0] == 99 && x[5] == 99 && x[2] == 3 && x[8] == 5);
    for (int i = 0; i < 12; i++)
        x[i] = 7;
    nn_blur(image, 1.5, room);
    for (int i = 0; i < 12; i++)
        assert_true(fabs((double)x[i] - 7) < 1e-5);
}

static void test_orders(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    uint32_t by_class[COUNT], order[COUNT], room[COUNT], seen[COUNT] = {0};
    int64_t begin[] = {0, 10, 10, 100};
    for (uint32_t i = 0; i < COUNT; i++)
        by_class[i] = i;
    nn_balanced_order(by_class, begin, 3, COUNT, 1, 4, room, order);
    int rare = 0;
    for (int i = 0; i < COUNT; i++)
        rare += order[i] < 10;
    assert_int_equal(rare, 50);
    int32_t length[COUNT];
    for (int i = 0; i < COUNT; i++)
        length[i] = (i * 37) % 100;
    nn_bucketed_order(length, COUNT, 10, 1, 0, room, order);
    for (int i = 0; i < COUNT; i++)
        seen[order[i]]++;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(seen[i], 1);
        assert_int_equal(length[order[i]] / 10, length[order[i / 10 * 10]] / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_and_cuts_change_no_bit),
        cmocka_unit_test(test_early_stopping_restores_the_best),
        cmocka_unit_test(test_golden_early_stopping),
        cmocka_unit_test(test_accumulation_is_the_large_batch),
        cmocka_unit_test(test_freezing_live),
        cmocka_unit_test(test_augmentation_text),
        cmocka_unit_test(test_image_changes),
        cmocka_unit_test(test_orders),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}
