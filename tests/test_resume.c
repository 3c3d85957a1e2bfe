/* Checkpoints: a training cut in two gives the very bytes of one that was not, and files that are
 * not what they claim are refused. */
#include "engine/safetensors.h"
#include "watch_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static nn_dataset *digits, *blobs;
static char folder[] = "/tmp/gradus-resume-XXXXXX";
static char last[64], previous[64], best[64], kept[64];

static int open_data(void **state)
{
    (void)state;
    nn_error error = {0};
    digits = nn_dataset_open("digits", &(nn_data_args){.seed = 1}, &error);
    blobs = nn_dataset_open("blobs", &(nn_data_args){.seed = 1}, &error);
    if (!digits || !blobs || !mkdtemp(folder))
        return -1;
    snprintf(last, sizeof last, "%s/last.safetensors", folder);
    snprintf(previous, sizeof previous, "%s/previous.safetensors", folder);
    snprintf(best, sizeof best, "%s/best.safetensors", folder);
    snprintf(kept, sizeof kept, "%s/kept.safetensors", folder);
    return 0;
}

static int close_data(void **state)
{
    (void)state;
    nn_dataset_free(digits);
    nn_dataset_free(blobs);
    unlink(last);
    unlink(previous);
    unlink(best);
    unlink(kept);
    return rmdir(folder);
}

static nn_train_args ten_epochs(void)
{
    return (nn_train_args){
        .data = digits,
        .model = "conv 4 3x3 | batchnorm | relu | maxpool 2 | flatten | dropout 0.2 | dense 10",
        .optimizer = {.kind = NN_ADAM, .lr = 0.004, .l2 = 1e-3, .clip_norm = 2},
        .schedule = {.kind = NN_SCHEDULE_COSINE, .factor = 0.1, .warmup = 1.3},
        .batch = 64,
        .epochs = 10,
        .seed = 11,
        .threads = 2,
        .shards = 2,
        .checkpoint_dir = folder};
}

typedef struct {
    char *bytes;
    size_t size;
} file;

static file read_file(const char *path)
{
    struct stat what;
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    assert_int_equal(fstat(fileno(stream), &what), 0);
    file f = {malloc((size_t)what.st_size), (size_t)what.st_size};
    assert_int_equal(fread(f.bytes, 1, f.size, stream), f.size);
    fclose(stream);
    return f;
}

static void same(file *a, file *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->bytes, b->bytes, a->size);
    free(a->bytes);
    free(b->bytes);
}

typedef struct {
    file last, best;
    uint64_t weights;
    nn_event end, epoch[32];
} outcome;

static outcome run(const nn_train_args *args)
{
    outcome o = {0};
    watch w = watch_start(args);
    o.end = watch_end(&w);
    o.weights = watch_weights(&w);
    o.last = read_file(last);
    o.best = read_file(best);
    for (int i = 0; i < w.count; i++)
        if (w.events[i].kind == NN_EVENT_EPOCH)
            o.epoch[w.events[i].epoch] = w.events[i];
    watch_close(&w);
    return o;
}

static void drop(outcome *o)
{
    free(o->last.bytes);
    free(o->best.bytes);
}

/* Cut at an epoch's end and in the middle of one, with every optimiser that keeps something. */
static void test_cut_in_two_is_the_same(void **state)
{
    (void)state;
    static const nn_optimizer_kind kinds[] = {NN_ADAM, NN_NESTEROV, NN_RMSPROP};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        nn_train_args args = ten_epochs();
        args.optimizer.kind = kinds[k];
        outcome whole = run(&args);
        uint64_t per_epoch = whole.epoch[1].step, cuts[] = {5 * per_epoch, 5 * per_epoch - 9};
        for (int c = k == 0 ? 0 : 1; c < 2; c++) {
            nn_train_args half = ten_epochs();
            half.optimizer.kind = kinds[k];
            half.halt_after_steps = cuts[c];
            outcome first = run(&half);
            drop(&first);
            nn_train_args rest = ten_epochs();
            rest.resume = last;
            /* All of these come from the checkpoint. */
            rest.optimizer = (nn_optimizer_args){.kind = NN_SGD, .lr = 9};
            rest.schedule = (nn_schedule){0};
            rest.seed = 99;
            rest.batch = 17;
            rest.epochs = 0;
            rest.shards = 1;
            rest.threads = 1;
            outcome second = run(&rest);
            for (int e = 6; e <= 10; e++) {
                assert_true(second.epoch[e].train_loss == whole.epoch[e].train_loss);
                assert_true(second.epoch[e].train_error == whole.epoch[e].train_error);
                assert_true(second.epoch[e].dev_loss == whole.epoch[e].dev_loss);
                assert_true(second.epoch[e].lr == whole.epoch[e].lr);
            }
            assert_true(second.end.test_error == whole.end.test_error);
            assert_int_equal(second.end.best_epoch, whole.end.best_epoch);
            assert_true(second.weights == whole.weights);
            file again = read_file(last);
            same(&again, &second.last);
            second.last = read_file(last);
            assert_int_equal(second.last.size, whole.last.size);
            assert_memory_equal(second.last.bytes, whole.last.bytes, whole.last.size);
            drop(&second);
        }
        drop(&whole);
    }
}

/* The test part is measured with the best weights also when they were found before the cut. */
static void test_best_weights_survive_the_cut(void **state)
{
    (void)state;
    nn_train_args args = ten_epochs();
    args.optimizer.lr = 0.02;
    args.schedule = (nn_schedule){0};
    args.model = "flatten | dense 10";
    args.epochs = 6;
    watch w = watch_new(&args);
    uint64_t per_epoch = nn_trainer_facts(w.trainer).steps_per_epoch;
    watch_post(&w, NN_COMMAND_SET, "lr", 30, 4 * per_epoch + 1); /* from here on it gets worse */
    watch_go(&w);
    nn_event end = watch_end(&w);
    assert_true(end.best_epoch <= 4 && end.best_epoch > 0);
    uint64_t weights = watch_weights(&w);
    watch_close(&w);

    args.halt_after_steps = 5 * per_epoch;
    w = watch_new(&args);
    watch_post(&w, NN_COMMAND_SET, "lr", 30, 4 * per_epoch + 1);
    watch_go(&w);
    watch_end(&w);
    watch_close(&w);
    args.halt_after_steps = 0;
    args.resume = last;
    w = watch_start(&args);
    nn_event again = watch_end(&w);
    assert_int_equal(again.best_epoch, end.best_epoch);
    assert_true(again.best_dev_error == end.best_dev_error);
    assert_true(again.test_error == end.test_error);
    assert_true(watch_weights(&w) == weights);
    watch_close(&w);
}

static void test_live_settings_survive(void **state)
{
    (void)state;
    nn_train_args args = ten_epochs();
    args.start_paused = true;
    watch w = watch_start(&args);
    watch_command(&w, NN_COMMAND_SET, "lr", 0.0123);
    watch_command(&w, NN_COMMAND_SET, "momentum", 0);
    watch_command(&w, NN_COMMAND_SET, "clip", 0.7);
    watch_command(&w, NN_COMMAND_SET, "l2", 0);
    watch_command(&w, NN_COMMAND_SET, "dropout", 0);
    watch_command(&w, NN_COMMAND_STEP, NULL, 0);
    watch_for(&w, NN_EVENT_STEP);
    nn_event told = watch_command(&w, NN_COMMAND_SAVE, NULL, 0);
    assert_int_equal(told.kind, NN_EVENT_APPLIED);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    watch_end(&w);
    watch_close(&w);
    args.resume = last;
    w = watch_new(&args);
    nn_train_facts facts = nn_trainer_facts(w.trainer);
    assert_int_equal(facts.start_step, 1);
    assert_true(facts.optimizer.lr == 0.0123 && facts.optimizer.beta1 == 0);
    assert_true(facts.optimizer.clip_norm == 0.7 && facts.optimizer.l2 == 0);
    assert_true(facts.has_dropout && facts.dropout == 0);
    assert_int_equal(facts.schedule.kind, NN_SCHEDULE_COSINE);
    watch_close(&w);
}

/* STOP while the dev part is being evaluated leaves the epoch to be closed by the resume: whenever
 * the stop comes, every epoch is reported once. */
static void test_stop_anywhere_loses_no_epoch(void **state)
{
    (void)state;
    for (uint64_t step = 15; step < 33; step++) {
        nn_train_args args = ten_epochs();
        args.model = "flatten | dense 10";
        args.epochs = 3;
        watch w = watch_start(&args);
        while (watch_for(&w, NN_EVENT_STEP).step < step)
            ;
        watch_post(&w, NN_COMMAND_STOP, NULL, 0, 0);
        nn_event end = watch_end(&w);
        int epochs = watch_count(&w, NN_EVENT_EPOCH);
        watch_close(&w);
        if (end.state == NN_FINISHED)
            continue; /* it was faster than the command */
        args.resume = last;
        w = watch_start(&args);
        assert_int_equal(nn_trainer_facts(w.trainer).start_step, end.step);
        watch_end(&w);
        assert_int_equal(epochs + watch_count(&w, NN_EVENT_EPOCH), 3);
        watch_close(&w);
    }
}

static uint64_t step_of(const char *path)
{
    nn_error error = {0};
    uint64_t step = 0, digest = 0;
    if (nn_checkpoint_look(path, &step, &digest, &error) != NN_OK)
        fail_msg("%s", error.text);
    return step;
}

/* Trains one epoch more; the digest of the checkpoint at its end. */
static uint64_t one_epoch(watch *w)
{
    watch_post(w, NN_COMMAND_EPOCH, NULL, 0, 0);
    for (;;) {
        nn_event saved = watch_for(w, NN_EVENT_CHECKPOINT);
        if (strcmp(saved.name, "last") == 0)
            return (uint64_t)saved.old_value;
    }
}

/* Whoever writes the history down is behind the files now and then: one file never is. */
static void test_a_checkpoint_stays_until_the_next_is_kept(void **state)
{
    (void)state;
    unlink(previous);
    nn_train_args args = ten_epochs();
    args.start_paused = true;
    watch w = watch_new(&args);
    nn_listener_kept(w.listener, NN_KEPT_NOTHING);
    watch_go(&w);
    uint64_t epoch = nn_trainer_facts(w.trainer).steps_per_epoch, step, digest;
    one_epoch(&w);
    uint64_t second = one_epoch(&w);
    assert_int_not_equal(access(previous, F_OK), 0); /* the start is not passed yet */
    nn_listener_kept(w.listener, second);
    one_epoch(&w);
    assert_int_equal(nn_checkpoint_look(previous, &step, &digest, NULL), NN_OK);
    assert_true(step == 2 * epoch && digest == second);
    assert_int_equal(step_of(last), 3 * epoch);
    one_epoch(&w);
    assert_int_equal(step_of(previous), 2 * epoch);
    assert_int_equal(step_of(last), 4 * epoch);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    watch_end(&w);
    watch_close(&w);
    /* A training that resumes from the last one may give up the one before it... */
    args.resume = last;
    w = watch_start(&args);
    nn_listener_kept(w.listener, NN_KEPT_NOTHING);
    one_epoch(&w);
    assert_int_equal(step_of(previous), 4 * epoch);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    watch_end(&w);
    watch_close(&w);
    /* ... but one that resumes from the one before may not. */
    args.resume = previous;
    w = watch_start(&args);
    nn_listener_kept(w.listener, NN_KEPT_NOTHING);
    one_epoch(&w);
    assert_int_equal(step_of(previous), 4 * epoch);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    watch_end(&w);
    watch_close(&w);
}

/* After a rollback no file of the course that was given up is the last one. */
static void test_rollback_is_saved(void **state)
{
    (void)state;
    nn_train_args args = ten_epochs();
    args.start_paused = true;
    watch w = watch_start(&args);
    for (int i = 0; i < 3; i++)
        one_epoch(&w);
    nn_event told = watch_command(&w, NN_COMMAND_ROLLBACK, NULL, 0);
    assert_true(told.value < told.old_value);
    assert_int_equal(step_of(last), (uint64_t)told.value);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    watch_end(&w);
    watch_close(&w);
}

static void test_branch_takes_its_own_rates(void **state)
{
    (void)state;
    nn_train_args args = ten_epochs();
    args.halt_after_steps = 30;
    outcome first = run(&args);
    drop(&first);
    nn_train_args branch = ten_epochs();
    branch.resume = last;
    branch.branch = true;
    branch.optimizer = (nn_optimizer_args){.kind = NN_SGD, .lr = 0.5};
    branch.batch = 32; /* other steps an epoch: from the last whole epoch */
    watch w = watch_start(&branch);
    nn_train_facts facts = nn_trainer_facts(w.trainer);
    assert_true(facts.optimizer.kind == NN_SGD && facts.optimizer.lr == 0.5);
    assert_int_equal(facts.start_step,
                     facts.steps_per_epoch); /* 30 steps were one epoch and more */
    assert_int_equal(watch_for(&w, NN_EVENT_STEP).step, facts.start_step + 1);
    watch_close(&w);
}

/* --- trouble -------------------------------------------------------------------------------- */

static void test_failing_save_does_not_end_training(void **state)
{
    (void)state;
    char gone[] = "/tmp/gradus-gone-XXXXXX";
    assert_non_null(mkdtemp(gone));
    nn_train_args args = ten_epochs();
    args.epochs = 2;
    args.checkpoint_dir = gone;
    watch w = watch_new(&args);
    assert_int_equal(rmdir(gone), 0);
    watch_post(&w, NN_COMMAND_SAVE, NULL, 0, 3);
    watch_go(&w);
    nn_event told = watch_for(&w, NN_EVENT_REFUSED);
    assert_int_equal(told.command.kind, NN_COMMAND_SAVE);
    assert_non_null(strstr(told.text, gone));
    assert_non_null(strstr(watch_for(&w, NN_EVENT_NOTE).text, "training goes on"));
    nn_event end = watch_end(&w);
    assert_int_equal(end.state, NN_FINISHED);
    assert_int_equal(watch_count(&w, NN_EVENT_CHECKPOINT), 0);
    watch_close(&w);
}

static void test_divergence_leaves_the_last_checkpoint(void **state)
{
    (void)state;
    nn_train_args args = ten_epochs();
    args.optimizer = (nn_optimizer_args){.kind = NN_SGD, .lr = 0.1};
    watch w = watch_new(&args);
    uint64_t per_epoch = nn_trainer_facts(w.trainer).steps_per_epoch;
    watch_post(&w, NN_COMMAND_SET, "lr", 1e30, per_epoch + 5);
    watch_go(&w);
    watch_for(&w, NN_EVENT_EPOCH);
    watch_for(&w, NN_EVENT_NONFINITE);
    file before = read_file(last);
    watch_command(&w, NN_COMMAND_STOP, NULL, 0);
    assert_int_equal(watch_end(&w).state, NN_DIVERGED);
    file after = read_file(last);
    same(&before, &after);
    watch_close(&w);
}

static void not_resumed(const nn_train_args *args, const char *part)
{
    nn_error error = {0};
    if (nn_trainer_new(args, &error))
        fail_msg("made, though expected to be refused with \"%s\"", part);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" lacks \"%s\"", error.text, part);
}

/* A copy of the checkpoint with one note changed (or, with NULL, without it). */
static void rewrite(const char *key, const char *value)
{
    nn_error error = {0};
    nn_tensors *from = nn_tensors_read(last, &error), *to = nn_tensors_new();
    assert_true(from && to);
    static const char *const keys[] = {
        "format", "step",         "epoch",     "loss_sum",        "wrong",           "seen",
        "lr",     "best_epoch",   "optimizer", "best_dev_error",  "best_is_this",    "beta1",
        "beta2",  "epsilon",      "l2",        "clip_norm",       "optimizer_steps", "dropout",
        "model",  "live_dropout", "schedule",  "steps_per_epoch", "epochs",          "batch",
        "shards", "seed",         "data",      "best_step"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *note = nn_tensors_get_note(from, keys[i]);
        assert_non_null(note);
        if (strcmp(keys[i], key) == 0)
            note = value;
        if (note)
            assert_int_equal(nn_tensors_note(to, keys[i], note, &error), NN_OK);
    }
    nn_real *data[256];
    int count = nn_tensors_count(from);
    assert_in_range(count, 1, 256);
    for (int i = 0; i < count; i++) {
        nn_shape shape = nn_tensors_shape(from, i);
        const char *name = nn_tensors_name(from, i);
        data[i] = malloc((size_t)nn_shape_count(shape) * sizeof **data);
        assert_int_equal(nn_tensors_load(from, name, shape, data[i], &error), NN_OK);
        if (strcmp(name, key) != 0)
            assert_int_equal(nn_tensors_add(to, name, shape, data[i], &error), NN_OK);
    }
    assert_int_equal(nn_tensors_write(to, kept, &error), NN_OK);
    for (int i = 0; i < count; i++)
        free(data[i]);
    nn_tensors_free(from);
    nn_tensors_free(to);
}

static void test_refuses_what_does_not_fit(void **state)
{
    (void)state;
    nn_train_args args = ten_epochs();
    args.halt_after_steps = 30;
    outcome first = run(&args);
    drop(&first);
    args.resume = "/nonexistent.safetensors";
    not_resumed(&args, "/nonexistent.safetensors");
    args.resume = last;
    args.model = "flatten | dense 10";
    not_resumed(&args, "name the same model");
    args = ten_epochs();
    args.resume = last;
    args.data = blobs;
    not_resumed(&args, "other data");
    args.branch = true; /* a branch may, but the shapes must fit */
    not_resumed(&args, "");

    args = ten_epochs();
    args.resume = kept;
    static const struct {
        const char *key, *value, *part;
    } damage[] = {
        {"format", "something else", "format is 'something else'"},
        {"step", NULL, "'step' is missing"},
        {"step", "-3", "step is '-3'"},
        {"step", "5x", "step is '5x'"},
        {"step", "99999999999999999999999", "step is '999"},
        {"step", "9999", "a step of the epoch"},
        {"epoch", "77", "a step of the epoch"},
        {"lr", "fast", "lr is 'fast'"},
        {"lr", "-1", "learning rate -1"},
        {"lr", "inf", "lr is 'inf'"},
        {"dropout", "2", "dropout 2"},
        {"optimizer", "newton", "optimizer is 'newton'"},
        {"schedule", "cosine:x", "schedule is 'cosine:x'"},
        {"batch", "0", "batch is '0'"},
        {"batch", "50", "steps an epoch"},
        {"steps_per_epoch", "0", "steps_per_epoch is '0'"},
        {"model", "", "name the same model"},
        {"data", "0123456789abcdef", "other data"},
        {"momentum.dense1.weight", NULL, "momentum.dense1.weight"},
        {"conv1.weight", NULL, "conv1.weight"},
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        rewrite(damage[i].key, damage[i].value);
        not_resumed(&args, damage[i].part);
    }
    rewrite("", NULL); /* a faithful copy is fine */
    nn_error error = {0};
    nn_trainer *trainer = nn_trainer_new(&args, &error);
    assert_non_null(trainer);
    nn_trainer_free(trainer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_in_two_is_the_same),
        cmocka_unit_test(test_best_weights_survive_the_cut),
        cmocka_unit_test(test_live_settings_survive),
        cmocka_unit_test(test_stop_anywhere_loses_no_epoch),
        cmocka_unit_test(test_a_checkpoint_stays_until_the_next_is_kept),
        cmocka_unit_test(test_rollback_is_saved),
        cmocka_unit_test(test_branch_takes_its_own_rates),
        cmocka_unit_test(test_failing_save_does_not_end_training),
        cmocka_unit_test(test_divergence_leaves_the_last_checkpoint),
        cmocka_unit_test(test_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}
