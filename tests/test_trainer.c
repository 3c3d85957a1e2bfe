/* The training thread: what it answers, reports and leaves behind. Runs on the built-in digits, so
 * that every training takes a fraction of a second. */
#include "watch_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- counting allocations of the training's threads ----------------------------------------- */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&       \
    !defined(__clang__)
#define COUNTS_ALLOCATIONS
static atomic_long allocations;
static _Thread_local bool own_thread; /* the test's: its allocations do not count */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count_one(void)
{
    if (!own_thread)
        atomic_fetch_add(&allocations, 1);
}
void *malloc(size_t size)
{
    count_one();
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    count_one();
    return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size)
{
    count_one();
    return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size)
{
    count_one();
    return __libc_memalign(alignment, size);
}
#endif

/* --- material ------------------------------------------------------------------------------- */

static nn_dataset *digits, *moons;

static int open_data(void **state)
{
    (void)state;
    nn_error error = {0};
    digits = nn_dataset_open("digits", &(nn_data_args){.seed = 1}, &error);
    moons = nn_dataset_open("moons", &(nn_data_args){.seed = 1}, &error);
    return digits && moons ? 0 : -1;
}

static int close_data(void **state)
{
    (void)state;
    nn_dataset_free(digits);
    nn_dataset_free(moons);
    return 0;
}

static nn_train_args mlp(void)
{
    return (nn_train_args){.data = digits,
                           .model = "flatten | dense 32 | relu | dense 10",
                           .optimizer = {.kind = NN_ADAM, .lr = 0.003},
                           .batch = 32,
                           .epochs = 4,
                           .seed = 7,
                           .threads = 1};
}

/* Everything that draws random numbers, mixes the batch, or runs in shards. */
static nn_train_args convnet(void)
{
    nn_train_args args = mlp();
    args.model = "conv 4 3x3 pad=1 | batchnorm | relu | maxpool 2 | flatten | dropout 0.2 | "
                 "dense 24 | relu | dense 10";
    args.optimizer.clip_norm = 1;
    args.optimizer.l2 = 1e-4;
    args.schedule = (nn_schedule){.kind = NN_SCHEDULE_COSINE, .warmup = 0.5};
    args.shards = 2;
    args.epochs = 2;
    return args;
}

static uint64_t final_weights(const nn_train_args *args)
{
    watch w = watch_start(args);
    nn_event end = watch_end(&w);
    assert_int_equal(end.state, NN_FINISHED);
    uint64_t weights = watch_weights(&w);
    watch_close(&w);
    return weights;
}

/* --- reports -------------------------------------------------------------------------------- */

static void check_evaluation(const nn_evaluation *e, nn_part part)
{
    int64_t cells = 0, right = 0;
    assert_int_equal(e->part, part);
    assert_int_equal(e->count, nn_dataset_count(digits, part));
    for (int t = 0; t < e->classes; t++)
        for (int p = 0; p < e->classes; p++) {
            cells += e->confusion[t * e->classes + p];
            right += t == p ? e->confusion[t * e->classes + p] : 0;
        }
    assert_int_equal(cells, e->count);
    assert_true(fabs(e->error - (double)(e->count - right) / (double)e->count) < 1e-12);
    double loss = 0;
    for (int64_t i = 0; i < e->count; i++) {
        bool correct = e->predicted[i] == nn_dataset_label(digits, part, i);
        assert_true(e->probability[i] <= 1.000001f && e->probability[i] >= 0.0999f);
        assert_true(correct ? e->probability[i] == e->truth_probability[i]
                            : e->probability[i] >= e->truth_probability[i]);
        loss -= log((double)e->truth_probability[i]) / (double)e->count;
    }
    assert_true(fabs(loss - e->loss) < 1e-4 * (1 + loss));
}

static void test_learns_and_reports(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    watch w = watch_start(&args);
    nn_event end = watch_end(&w);
    nn_train_facts facts = nn_trainer_facts(w.trainer);
    assert_int_equal(end.state, NN_FINISHED);
    assert_true(end.test_error < 0.12);
    assert_true(end.best_epoch >= 1 && end.best_epoch <= 4 && end.best_dev_error < 0.12);
    assert_int_equal(w.events[0].kind, NN_EVENT_START);
    assert_int_equal(w.events[w.count - 1].kind, NN_EVENT_END);
    assert_int_equal(facts.total_steps, 4 * facts.steps_per_epoch);
    assert_int_equal(watch_count(&w, NN_EVENT_STEP), facts.total_steps);
    assert_int_equal(watch_count(&w, NN_EVENT_EPOCH), 4);
    assert_int_equal(watch_count(&w, NN_EVENT_EVALUATION), 5);
    uint64_t step = 0;
    int epoch = 0, evaluations = 0;
    double seconds = 0, loss_sum = 0;
    for (int i = 0; i < w.count; i++) {
        const nn_event *e = &w.events[i];
        assert_true(e->seconds >= seconds);
        seconds = e->seconds;
        if (e->kind == NN_EVENT_STEP) {
            assert_int_equal(e->step, ++step);
            assert_int_equal(e->epoch, (step - 1) / facts.steps_per_epoch + 1);
            assert_true(isfinite(e->loss) && e->gradient_norm > 0 && e->update_ratio > 0);
            assert_true(e->lr == 0.003 && e->examples_per_s > 0);
            assert_true(e->error >= 0 && e->error <= 1);
            /* all but the last batch of an epoch have 32 rows */
            int64_t left = nn_dataset_count(digits, NN_TRAIN) -
                           (int64_t)((step - 1) % facts.steps_per_epoch) * 32;
            loss_sum += e->loss * (double)(left < 32 ? left : 32);
        } else if (e->kind == NN_EVENT_EPOCH) {
            assert_int_equal(e->epoch, ++epoch);
            double mean = loss_sum / (double)nn_dataset_count(digits, NN_TRAIN);
            assert_true(fabs(e->train_loss - mean) < 1e-12);
            assert_true(e->train_error >= 0 && e->dev_error >= 0 && isfinite(e->dev_loss));
            assert_true(e->dev_error >= end.best_dev_error);
            loss_sum = 0;
        } else if (e->kind == NN_EVENT_EVALUATION) {
            check_evaluation(e->evaluation, evaluations++ < 4 ? NN_DEV : NN_TEST);
        }
    }
    assert_int_equal(nn_listener_dropped(w.listener), 0);
    nn_health health;
    assert_true(nn_trainer_health(w.trainer, &health));
    assert_int_equal(health.layers, 2);
    assert_true(health.layer[0].gradient_norm > 0 && health.layer[0].weight_norm > 0);
    assert_true(health.layer[0].dead >= 0 && health.layer[0].dead <= 1);
    assert_true(isnan(health.layer[1].dead));
    watch_close(&w);
}

static void test_binary_head(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.data = moons;
    args.model = "dense 16 | tanh | dense 1";
    args.optimizer.lr = 0.02;
    args.batch = 16;
    args.epochs = 30;
    watch w = watch_start(&args);
    nn_event end = watch_end(&w);
    assert_true(end.best_dev_error < 0.1);
    for (int i = 0; i < w.count; i++)
        if (w.events[i].kind == NN_EVENT_EVALUATION)
            for (int64_t k = 0; k < w.events[i].evaluation->count; k++)
                assert_true(w.events[i].evaluation->probability[k] >= 0.5f);
    watch_close(&w);
}

/* --- the same bits -------------------------------------------------------------------------- */

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    nn_train_args args = convnet();
    uint64_t one = final_weights(&args);
    args.threads = 2;
    assert_true(final_weights(&args) == one);
    /* Resized while it runs. */
    args.threads = 1;
    watch w = watch_new(&args);
    watch_post(&w, NN_COMMAND_THREADS, NULL, 2, 10);
    watch_post(&w, NN_COMMAND_THREADS, NULL, 1, 30);
    watch_go(&w);
    watch_end(&w);
    assert_int_equal(watch_count(&w, NN_EVENT_APPLIED), 2);
    assert_true(watch_weights(&w) == one);
    watch_close(&w);
    args.seed++;
    assert_true(final_weights(&args) != one);
}

static void test_two_side_by_side(void **state)
{
    (void)state;
    nn_train_args a = convnet(), b = mlp();
    uint64_t alone_a = final_weights(&a), alone_b = final_weights(&b);
    watch first = watch_start(&a), second = watch_start(&b);
    watch_end(&second);
    watch_end(&first);
    assert_true(watch_weights(&first) == alone_a);
    assert_true(watch_weights(&second) == alone_b);
    watch_close(&first);
    watch_close(&second);
}

/* A run steered by hand, then its log posted again, all at once and before the start. */
static void test_replay_of_a_log(void **state)
{
    (void)state;
    nn_train_args args = convnet();
    args.epochs = 5;
    args.start_paused = true;
    watch w = watch_start(&args);
    uint64_t per_epoch = nn_trainer_facts(w.trainer).steps_per_epoch;
    watch_command(&w, NN_COMMAND_STEP, NULL, 0);
    watch_for_state(&w, NN_PAUSED);
    watch_command(&w, NN_COMMAND_SET, "lr", 0.01);
    watch_command(&w, NN_COMMAND_EPOCH, NULL, 0);
    watch_for_state(&w, NN_PAUSED);
    watch_command(&w, NN_COMMAND_SET, "momentum", 0.5);
    watch_command(&w, NN_COMMAND_SET, "dropout", 0.4);
    watch_post(&w, NN_COMMAND_PAUSE, NULL, 0, 2 * per_epoch + 10);
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    watch_for_state(&w, NN_PAUSED);
    watch_command(&w, NN_COMMAND_SET, "l2", 0.01);
    nn_event back = watch_command(&w, NN_COMMAND_ROLLBACK, NULL, 0);
    assert_true(back.value < back.old_value);
    watch_command(&w, NN_COMMAND_SET, "clip", 0.3);
    watch_post(&w, NN_COMMAND_PAUSE, NULL, 0, 2 * per_epoch + 21);
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    watch_for_state(&w, NN_PAUSED);
    watch_command(&w, NN_COMMAND_SET, "lr", 0.002);
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    assert_int_equal(watch_end(&w).state, NN_FINISHED);

    watch again = watch_new(&args);
    int posted = 0;
    for (int i = 0; i < w.count; i++)
        if (w.events[i].kind == NN_EVENT_APPLIED) {
            assert_true(nn_trainer_post(again.trainer, &w.events[i].command));
            posted++;
        }
    watch_go(&again);
    nn_event end = watch_end(&again);
    assert_int_equal(posted, 14);
    assert_int_equal(watch_count(&again, NN_EVENT_APPLIED), posted);
    assert_int_equal(watch_count(&again, NN_EVENT_REFUSED), 0);
    assert_int_equal(end.state, NN_FINISHED);
    assert_true(watch_weights(&again) == watch_weights(&w));
    watch_close(&w);
    watch_close(&again);
}

/* --- commands ------------------------------------------------------------------------------- */

static void test_pausing_and_stepping(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.start_paused = true;
    args.epochs = 1000;
    watch w = watch_start(&args);
    uint64_t per_epoch = nn_trainer_facts(w.trainer).steps_per_epoch;
    assert_int_equal(watch_for(&w, NN_EVENT_STATE).state, NN_PAUSED);
    watch_post(&w, NN_COMMAND_STEP, NULL, 0, 0);
    watch_post(&w, NN_COMMAND_STEP, NULL, 0, 0);
    while (watch_for_state(&w, NN_PAUSED).step < 2)
        ;
    assert_int_equal(watch_count(&w, NN_EVENT_STEP), 2);
    nn_event told = watch_command(&w, NN_COMMAND_EPOCH, NULL, 0);
    assert_int_equal(told.kind, NN_EVENT_APPLIED);
    assert_int_equal(told.command.at_step, 3);
    assert_int_equal(told.step, 2);
    assert_int_equal(watch_for_state(&w, NN_PAUSED).step, per_epoch);
    assert_int_equal(watch_count(&w, NN_EVENT_STEP), per_epoch);
    assert_int_equal(watch_count(&w, NN_EVENT_EPOCH), 1);

    int evaluations = watch_count(&w, NN_EVENT_EVALUATION);
    told = watch_command(&w, NN_COMMAND_EVALUATE, NULL, 0);
    assert_int_equal(told.kind, NN_EVENT_APPLIED);
    assert_true(told.value >= 0 && told.value <= 1);
    assert_int_equal(watch_count(&w, NN_EVENT_EVALUATION), evaluations + 1);

    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    while (watch_for(&w, NN_EVENT_STEP).step < per_epoch + 5)
        ;
    told = watch_command(&w, NN_COMMAND_PAUSE, NULL, 0);
    uint64_t paused_at = told.step;
    told = watch_command(&w, NN_COMMAND_SET, "lr", 0.5);
    assert_int_equal(told.step, paused_at); /* not one step since */
    assert_true(told.old_value == 0.003 && told.value == 0.5);
    watch_command(&w, NN_COMMAND_STEP, NULL, 0);
    assert_true(watch_for(&w, NN_EVENT_STEP).lr == 0.5);
    watch_command(&w, NN_COMMAND_STOP_AFTER_EPOCH, NULL, 0);
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    nn_event end = watch_end(&w);
    assert_int_equal(end.state, NN_STOPPED);
    assert_int_equal(end.step % per_epoch, 0);
    assert_true(isfinite(end.test_error)); /* an orderly end */
    watch_close(&w);
}

static void refused(watch *w, nn_command_kind kind, const char *name, double value,
                    const char *part)
{
    nn_event told = watch_command(w, kind, name, value);
    assert_int_equal(told.kind, NN_EVENT_REFUSED);
    if (!strstr(told.text, part))
        fail_msg("\"%s\" lacks \"%s\"", told.text, part);
}

static void test_refusals(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.optimizer.kind = NN_SGD;
    args.start_paused = true;
    watch w = watch_start(&args);
    refused(&w, NN_COMMAND_SET, "lr", -1, "learning rate -1");
    refused(&w, NN_COMMAND_SET, "lr", NAN, "learning rate");
    refused(&w, NN_COMMAND_SET, "rate", 1, "expected lr, momentum");
    refused(&w, NN_COMMAND_SET, "momentum", 0.5, "sgd has no momentum");
    refused(&w, NN_COMMAND_SET, "dropout", 0.5, "no dropout layer");
    refused(&w, NN_COMMAND_SET, "l2", -3, "l2 -3");
    refused(&w, NN_COMMAND_SET, "clip", INFINITY, "clip inf");
    refused(&w, NN_COMMAND_THREADS, NULL, 0, "threads 0");
    refused(&w, NN_COMMAND_THREADS, NULL, 1.5, "whole number");
    refused(&w, NN_COMMAND_SAVE, NULL, 0, "no directory");
    refused(&w, (nn_command_kind)77, NULL, 0, "77");
    watch_command(&w, NN_COMMAND_STEP, NULL, 0);
    watch_for(&w, NN_EVENT_STEP);
    watch_post(&w, NN_COMMAND_SET, "lr", 1, 1);
    assert_non_null(strstr(watch_for(&w, NN_EVENT_REFUSED).text, "has passed"));
    watch_post(&w, NN_COMMAND_PAUSE, NULL, 0, 1000000);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    nn_event end = watch_end(&w); /* what still waits is answered too */
    assert_int_equal(w.events[w.count - 2].kind, NN_EVENT_REFUSED);
    assert_int_equal(w.events[w.count - 2].command.at_step, 1000000);
    assert_int_equal(end.state, NN_STOPPED);
    assert_int_equal(end.step, 1);
    assert_true(isnan(end.test_error));
    watch_close(&w);
}

static void test_the_ring_fills_and_free_stops(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.epochs = 100000;
    watch w = watch_new(&args);
    nn_command command = {.kind = NN_COMMAND_PAUSE, .at_step = 1u << 30};
    for (int i = 0; i < 64; i++)
        assert_true(nn_trainer_post(w.trainer, &command));
    assert_false(nn_trainer_post(w.trainer, &command));
    watch_go(&w);
    watch_for(&w, NN_EVENT_STEP);
    watch_close(&w); /* stops a running training, without STOP from us */
    w = watch_new(&args);
    watch_close(&w); /* and one that never ran */
}

static void test_halt_after_steps(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.halt_after_steps = 13;
    watch w = watch_start(&args);
    nn_event end = watch_end(&w);
    assert_int_equal(end.step, 13);
    assert_int_equal(end.state, NN_FINISHED);
    assert_int_equal(watch_count(&w, NN_EVENT_STEP), 13);
    watch_close(&w);
}

/* --- numbers that are none ------------------------------------------------------------------ */

static void test_nonfinite_halts_names_and_rolls_back(void **state)
{
    (void)state;
    nn_train_args args = convnet();
    args.optimizer = (nn_optimizer_args){.kind = NN_SGD, .lr = 0.1};
    args.schedule = (nn_schedule){0};
    watch w = watch_new(&args);
    watch_post(&w, NN_COMMAND_SET, "lr", 1e30, 4);
    watch_go(&w);
    nn_event bad = watch_for(&w, NN_EVENT_NONFINITE);
    assert_int_equal(bad.step, 4); /* step 4 ruined the weights, step 5 shows it and is not taken */
    assert_non_null(strstr(bad.text, "in step 5: "));
    /* Batch norm tames what conv1 puts out; its own weights then blow up the first dense layer. */
    assert_non_null(strstr(bad.text, "value of 'dense1' (linear)"));
    assert_non_null(strstr(bad.text, "its finite inputs reach from"));
    watch_for_state(&w, NN_PAUSED);
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0); /* the same step again: the same answer */
    assert_int_equal(watch_for(&w, NN_EVENT_NONFINITE).step, 4);
    nn_event back = watch_command(&w, NN_COMMAND_ROLLBACK, NULL, 0);
    assert_true(back.old_value == 4 && back.value == 0);
    watch_command(&w, NN_COMMAND_SET, "lr", 0.1);
    watch_command(&w, NN_COMMAND_RESUME, NULL, 0);
    nn_event end = watch_end(&w);
    assert_int_equal(end.state, NN_FINISHED);
    assert_true(end.test_error < 0.3);
    uint64_t weights = watch_weights(&w);
    watch_close(&w);
    /* Nothing of the accident is left. */
    assert_true(final_weights(&args) == weights);
}

static void test_stop_after_nonfinite_is_divergence(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.optimizer = (nn_optimizer_args){.kind = NN_SGD, .lr = 1e30};
    watch w = watch_start(&args);
    watch_for(&w, NN_EVENT_NONFINITE);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    assert_int_equal(watch_end(&w).state, NN_DIVERGED);
    watch_close(&w);
}

/* --- the loop's manners --------------------------------------------------------------------- */

static void test_steps_allocate_nothing(void **state)
{
    (void)state;
#ifdef COUNTS_ALLOCATIONS
    nn_train_args args = convnet();
    args.threads = 2;
    args.start_paused = true;
    own_thread = true;
    watch w = watch_start(&args);
    watch_command(&w, NN_COMMAND_STEP, NULL, 0);
    watch_for(&w, NN_EVENT_STEP);
    watch_for_state(&w, NN_PAUSED);
    long before = atomic_load(&allocations);
    for (int i = 0; i < 30; i++)
        watch_post(&w, NN_COMMAND_STEP, NULL, 0, 0);
    while (watch_for(&w, NN_EVENT_STEP).step < 31)
        ;
    watch_for_state(&w, NN_PAUSED);
    assert_int_equal(atomic_load(&allocations) - before, 0);
    watch_post(&w, NN_COMMAND_EVALUATE, NULL, 0, 0); /* the counter does count */
    watch_for(&w, NN_EVENT_EVALUATION);
    assert_true(atomic_load(&allocations) > before);
    watch_close(&w);
    own_thread = false;
#else
    skip();
#endif
}

static void test_slow_listener_loses_only_steps(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.epochs = 40; /* more events than reserved slots */
    watch w = watch_new(&args);
    nn_error error = {0};
    nn_listener *slow = nn_trainer_listen(w.trainer, 1, &error);
    assert_non_null(slow);
    watch_go(&w);
    watch_end(&w);
    int next = 0, steps = 0, others = 0;
    nn_event event;
    while (nn_listener_next(slow, &event)) {
        if (event.kind == NN_EVENT_STEP) {
            steps++;
            continue;
        }
        others++;
        while (w.events[next].kind == NN_EVENT_STEP)
            next++;
        assert_int_equal(event.kind, w.events[next].kind); /* all of them, in order */
        assert_int_equal(event.step, w.events[next].step);
        assert_ptr_equal(event.evaluation, w.events[next++].evaluation);
        nn_evaluation_release(event.evaluation);
    }
    assert_int_equal(others, w.count - watch_count(&w, NN_EVENT_STEP));
    assert_int_equal(steps + nn_listener_dropped(slow), watch_count(&w, NN_EVENT_STEP));
    assert_true(nn_listener_dropped(slow) > 0);
    watch_close(&w);
}

static void not_made(const nn_train_args *args, const char *part)
{
    nn_error error = {0};
    assert_null(nn_trainer_new(args, &error));
    if (!strstr(error.text, part))
        fail_msg("\"%s\" lacks \"%s\"", error.text, part);
}

static void test_refuses_to_be_made(void **state)
{
    (void)state;
    nn_train_args args = mlp();
    args.model = "dense 10 | blah";
    not_made(&args, "blah");
    args = mlp();
    args.batch = -1;
    not_made(&args, "batch -1");
    args = mlp();
    args.epochs = -2;
    not_made(&args, "epochs -2");
    args = mlp();
    args.dropout = 1;
    not_made(&args, "dropout 1");
    args = mlp();
    args.optimizer.lr = -1;
    not_made(&args, "learning rate");
    args = mlp();
    args.checkpoint_dir = "/nonexistent/folder";
    not_made(&args, "/nonexistent/folder");
    args.checkpoint_dir = "/dev/null";
    not_made(&args, "not a directory");
    args = mlp();
    args.data = NULL;
    not_made(&args, "data and model");

    args = mlp();
    nn_error error = {0};
    nn_trainer *trainer = nn_trainer_new(&args, &error);
    for (int i = 0; i < 4; i++)
        assert_non_null(nn_trainer_listen(trainer, 1, &error));
    assert_null(nn_trainer_listen(trainer, 1, &error));
    assert_non_null(strstr(error.text, "room for 4"));
    assert_int_equal(nn_trainer_start(trainer, &error), NN_OK);
    assert_int_equal(nn_trainer_start(trainer, &error), NN_E_STATE);
    assert_null(nn_trainer_listen(trainer, 1, &error));
    assert_int_equal(nn_trainer_checkpoints(trainer, "/tmp", &error), NN_E_STATE);
    nn_trainer_join(trainer);
    nn_trainer_join(trainer);
    nn_trainer_free(trainer);
    nn_trainer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns_and_reports),
        cmocka_unit_test(test_binary_head),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_two_side_by_side),
        cmocka_unit_test(test_replay_of_a_log),
        cmocka_unit_test(test_pausing_and_stepping),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_ring_fills_and_free_stops),
        cmocka_unit_test(test_halt_after_steps),
        cmocka_unit_test(test_nonfinite_halts_names_and_rolls_back),
        cmocka_unit_test(test_stop_after_nonfinite_is_divergence),
        cmocka_unit_test(test_steps_allocate_nothing),
        cmocka_unit_test(test_slow_listener_loses_only_steps),
        cmocka_unit_test(test_refuses_to_be_made),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}
