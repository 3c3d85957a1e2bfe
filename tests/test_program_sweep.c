/* `gradus sweep` by the real program: killed and resumed, by two processes at once, steered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/program_runs.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Epochs of a millisecond. */
#define QUICK                                                                                      \
    "--data digits --model logreg --limit 200 --space 'lr=log(1e-3,1) batch=choice(16,32)'"

static json_t *show_study(const char *name)
{
    char line[160];
    snprintf(line, sizeof line, "sweep show %s --json", name);
    return program_json(line);
}

static const json_t *trials_of(const json_t *study)
{
    const json_t *trials = json_object_get(study, "trials");
    assert_true(json_is_array(trials));
    return trials;
}

static long long count_of(const json_t *study, const char *state)
{
    return whole_of(json_object_get(study, "count"), state);
}

/* Lines with this event. */
static int events(const json_t *lines, const char *name)
{
    int found = 0;
    for (size_t i = 0; i < json_array_size(lines); i++)
        found += strcmp(text_of(json_array_get(lines, i), "event"), name) == 0;
    return found;
}

static void refused(const char *line, const char *saying)
{
    program_result result = program_run(line);
    assert_int_equal(result.status, 2);
    if (!strstr(result.err, saying))
        fail_msg("`gradus %s` says: %s", line, result.err);
    program_free(&result);
}

static void sweep_tells_and_keeps_everything(void **state)
{
    (void)state;
    json_t *lines =
        train("sweep --data digits --space 'lr=log(1e-4,1) momentum=beta(0.9,0.999) "
              "batch=choice(32,64,128) layers=int(1,4) dropout=uniform(0,.6)' --model "
              "mlp --epochs 4 --trials 6 --jobs 2 --pruner asha:3,1 --name kept --json");
    assert_int_equal(events(lines, "trial"), 6);
    assert_int_equal(events(lines, "end"), 6);
    assert_true(events(lines, "best") >= 1);
    assert_string_equal(text_of(last_of(lines), "status"), "finished");
    json_t *study = show_study("kept");
    assert_int_equal(
        count_of(study, "finished") + count_of(study, "pruned") + count_of(study, "failed"), 6);
    assert_int_equal(events(lines, "pruned"), count_of(study, "pruned"));
    for (size_t i = 0; i < 6; i++) {
        const json_t *trial = json_array_get(trials_of(study), i);
        const json_t *point = json_object_get(trial, "parameters");
        json_t *run = show(whole_of(trial, "run"));
        const json_t *params = json_object_get(run, "parameters");
        /* The run is an ordinary one with the trial's options, and says whose it is. */
        assert_true(number_of(params, "lr") == number_of(point, "lr"));
        assert_int_equal((int)number_of(params, "batch"), atoi(text_of(point, "batch")));
        assert_string_equal(text_of(params, "study"), "kept");
        assert_true(number_of(params, "trial") == (double)(i + 1));
        /* so many hidden layers */
        int layers = 0;
        for (const char *at = text_of(run, "model"); (at = strstr(at, "relu")); at++)
            layers++;
        assert_int_equal(layers, whole_of(point, "layers"));
        assert_true(number_of(trial, "latency_ms") > 0);
        assert_true(number_of(trial, "memory_bytes") > 1000);
        json_decref(run);
    }
    json_decref(study);
    json_decref(lines);
}

/* Killed three times at instants nobody chose, with two trials under way: in the end every trial
 * has the very values of a sweep that was left alone. The pipe holds 64 kB, so that a program which
 * has been read so little cannot have come to its end. */
static void killed_sweep_goes_on(void **state)
{
    (void)state;
    json_t *whole = train("sweep " QUICK " --sampler random --trials 6 --jobs 2 --epochs 250 "
                          "--objective dev_loss --name whole --json");
    program p = program_start("sweep " QUICK " --sampler random --trials 6 --jobs 2 --epochs 250 "
                              "--objective dev_loss --name killed --json");
    for (int i = 0; i < 3; i++) {
        assert_true(program_lines(&p, 60 + 50 * i));
        kill(p.pid, SIGKILL);
        program_result killed = program_finish(&p);
        assert_int_equal(killed.status, 128 + SIGKILL);
        program_free(&killed);
        json_t *study = show_study("killed");
        assert_int_equal(count_of(study, "running"), 0);
        assert_true(count_of(study, "crashed") >= 1);
        json_decref(study);
        p = program_start("sweep --resume killed --jobs 2 --json");
    }
    program_result last = program_finish(&p);
    assert_int_equal(last.status, 0);
    json_t *a = show_study("whole"), *b = show_study("killed");
    assert_int_equal(count_of(b, "finished"), 6);
    assert_int_equal(json_array_size(trials_of(b)), 6);
    for (size_t i = 0; i < 6; i++) {
        const json_t *x = json_array_get(trials_of(a), i), *y = json_array_get(trials_of(b), i);
        assert_true(number_of(json_object_get(x, "parameters"), "lr") ==
                    number_of(json_object_get(y, "parameters"), "lr"));
        assert_true(number_of(x, "value") == number_of(y, "value"));
        assert_same_weights(whole_of(x, "run"), whole_of(y, "run"));
    }
    json_decref(a);
    json_decref(b);
    json_decref(whole);
    program_free(&last);
}

static void two_processes_share_a_study(void **state)
{
    (void)state;
    program a = program_start("sweep " QUICK " --trials 12 --epochs 150 --name shared --json");
    assert_true(program_lines(&a, 2));                  /* the study, its first trial */
    program b = program_start("sweep --resume shared"); /* few words: nobody reads them yet */
    program_result first = program_finish(&a), second = program_finish(&b);
    assert_int_equal(first.status, 0);
    assert_int_equal(second.status, 0);
    json_t *x = program_json_lines(first.out);
    int ends = events(x, "end");
    for (const char *at = second.out; (at = strstr(at, "finished  dev_error")); at++)
        ends++;
    assert_int_equal(ends, 12);
    json_t *study = show_study("shared");
    assert_int_equal(count_of(study, "finished"), 12);
    assert_int_equal(json_array_size(trials_of(study)), 12);
    json_decref(study);
    json_decref(x);
    program_free(&first);
    program_free(&second);
}

static void signal_stops_with_checkpoints(void **state)
{
    (void)state;
    program p =
        program_start("sweep " QUICK " --trials 2 --jobs 2 --epochs 1000000 --name stopped");
    assert_true(program_says(&p, "trial 2 begins"));
    kill(p.pid, SIGINT);
    program_result result = program_finish(&p);
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.err, "--resume stopped"));
    json_t *study = show_study("stopped");
    assert_int_equal(count_of(study, "queued"), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *trial = json_array_get(trials_of(study), i);
        json_t *run = show(whole_of(trial, "run"));
        assert_string_equal(text_of(run, "state"), "stopped");
        json_decref(run);
    }
    json_decref(study);
    program_free(&result);
}

/* Waits until a trial of the study is in `wanted`. */
static void await_state(const char *name, size_t trial, const char *wanted)
{
    double deadline = program_now() + 120;
    bool there = false;
    while (!there) {
        json_t *study = show_study(name);
        const json_t *row = json_array_get(trials_of(study), trial - 1);
        there = row && strcmp(text_of(row, "state"), wanted) == 0;
        json_decref(study);
        if (!there && program_now() > deadline)
            fail_msg("trial %d does not come to be %s", (int)trial, wanted);
    }
}

static void trials_are_steered_from_outside(void **state)
{
    (void)state;
    /* Without limit of trials it goes on for as long as the test needs it. */
    program p = program_start("sweep " QUICK " --hours 1 --epochs 100000 --jobs 2 --name steered");
    assert_true(program_says(&p, "trial 2 begins"));
    json_decref(program_json("sweep pause steered 1 --json"));
    await_state("steered", 1, "paused");
    json_decref(program_json("sweep add steered lr=0.5 batch=16 --epochs 3 --json"));
    json_t *study = show_study("steered");
    long long added = (long long)json_array_size(trials_of(study));
    json_decref(study);
    json_decref(program_json("sweep kill steered 2 --json"));
    await_state("steered", 2, "killed");
    await_state("steered", (size_t)added, "finished"); /* two places became free */
    char line[120];
    snprintf(line, sizeof line, "sweep clone steered %lld lr=0.25 --json", added);
    json_decref(program_json(line));
    snprintf(line, sizeof line, "sweep promote steered %lld --epochs 6 --json", added);
    json_decref(program_json(line));
    json_decref(program_json("sweep go steered 1 --json"));
    kill(p.pid, SIGTERM);
    program_result result = program_finish(&p);
    assert_int_equal(result.status, 0);
    study = show_study("steered");
    const json_t *trials = trials_of(study), *clone = NULL, *promoted = NULL;
    for (size_t i = 0; i < json_array_size(trials); i++) {
        const json_t *trial = json_array_get(trials, i);
        if (strcmp(text_of(trial, "origin"), "clone") == 0)
            clone = trial;
        if (strcmp(text_of(trial, "origin"), "promote") == 0)
            promoted = trial;
    }
    assert_non_null(clone);
    assert_non_null(promoted);
    assert_true(number_of(json_object_get(clone, "parameters"), "lr") == 0.25);
    assert_string_equal(text_of(json_object_get(clone, "parameters"), "batch"), "16");
    assert_true(number_of(json_object_get(promoted, "parameters"), "lr") == 0.5);
    assert_int_equal(whole_of(clone, "source"), added);
    json_decref(study);
    program_free(&result);
    refused("sweep add steered lr=2", "0.001 to 1");
    refused("sweep promote steered 1", "--epochs");
}

static void promoted_trial_trains_on(void **state)
{
    (void)state;
    json_decref(train("sweep " QUICK " --trials 1 --epochs 3 --name longer --json"));
    json_decref(program_json("sweep promote longer 1 --epochs 5 --json"));
    json_decref(train("sweep --resume longer --json"));
    json_t *study = show_study("longer");
    const json_t *first = json_array_get(trials_of(study), 0);
    const json_t *second = json_array_get(trials_of(study), 1);
    assert_string_equal(text_of(second, "state"), "finished");
    assert_int_equal(whole_of(second, "epoch"), 5);
    json_t *run = show(whole_of(second, "run"));
    assert_int_equal(whole_of(run, "parent"), whole_of(first, "run"));
    json_decref(run);
    json_decref(study);
}

/* A rate far too large: the trial stays in the table and says why. */
static void failed_trials_stay_visible(void **state)
{
    (void)state;
    json_decref(train("sweep --data digits --model mlp --optimizer sgd --limit 200 --epochs 3 "
                      "--space 'lr=choice(0.1,1e30)' --sampler grid --trials 2 --name wild "
                      "--json"));
    json_t *study = show_study("wild");
    assert_int_equal(count_of(study, "failed"), 1);
    assert_int_equal(count_of(study, "finished"), 1);
    for (size_t i = 0; i < 2; i++) {
        const json_t *trial = json_array_get(trials_of(study), i);
        if (strcmp(text_of(trial, "state"), "failed") != 0)
            continue;
        assert_true(json_is_null(json_object_get(trial, "value")));
        assert_true(strlen(text_of(trial, "reason")) > 10);
    }
    json_decref(study);
}

static void best_keeps_the_limits(void **state)
{
    (void)state;
    json_decref(train("sweep --data digits --model mlp --limit 300 --epochs 3 --space "
                      "'units=choice(8,32,256)' --sampler grid --trials 3 --name sizes --json"));
    json_t *any = program_json("sweep best sizes --json");
    assert_int_equal(whole_of(any, "feasible"), 3);
    json_t *small = program_json("sweep best sizes --subject-to 'params<=1000, latency_ms<=1000' "
                                 "--json");
    const json_t *best = json_object_get(small, "best");
    assert_int_equal(whole_of(small, "feasible"), 1);
    assert_string_equal(text_of(json_object_get(best, "parameters"), "units"), "8");
    json_t *fewest = program_json("sweep best sizes --optimize params --json");
    assert_string_equal(
        text_of(json_object_get(json_object_get(fewest, "best"), "parameters"), "units"), "8");
    program_result nothing = program_run("sweep best sizes --subject-to 'params<=10'");
    assert_int_equal(nothing.status, 1);
    assert_non_null(strstr(nothing.out, "no trial is feasible: of 3"));
    program_free(&nothing);
    json_decref(any);
    json_decref(small);
    json_decref(fewest);
    refused("sweep best sizes --subject-to 'speed<=1'", "no metric 'speed'");
    refused("sweep best sizes --subject-to 'params='", "column 7");
}

static void mistakes_are_answered_before_anything_begins(void **state)
{
    (void)state;
    refused("sweep --data digits", "--space");
    refused("sweep --data digits --space 'lr=lg(1,2)'", "column 4");
    refused("sweep --data digits --space 'rate=log(1,2)'", "changes nothing");
    refused("sweep --data digits --space 'batch=uniform(16,32)'", "whole number");
    refused("sweep --data digits --model logreg --space 'layers=int(1,3)'", "mlp");
    refused("sweep --data digits --model 'flatten | dense 10' --space 'dropout=uniform(0,.5)'",
            "changes nothing");
    refused("sweep --data digits --space 'lr=log(1e-3,1)' --sampler best", "no sampler");
    refused("sweep --data digits --space 'lr=log(1e-3,1)' --objective speed", "no objective");
    refused("sweep --data digits --space 'lr=log(1e-3,1)' --pruner asha:1", "reduction factor");
    refused("sweep --resume kept --lr 0.1", "--lr with --resume");
    refused("sweep frobnicate", "expected list");
    program_result result = program_run("sweep show nosuch");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "no study 'nosuch'"));
    program_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweep_tells_and_keeps_everything),
        cmocka_unit_test(killed_sweep_goes_on),
        cmocka_unit_test(two_processes_share_a_study),
        cmocka_unit_test(signal_stops_with_checkpoints),
        cmocka_unit_test(trials_are_steered_from_outside),
        cmocka_unit_test(promoted_trial_trains_on),
        cmocka_unit_test(failed_trials_stay_visible),
        cmocka_unit_test(best_keeps_the_limits),
        cmocka_unit_test(mistakes_are_answered_before_anything_begins),
    };
    return cmocka_run_group_tests_name("program_sweep", tests, NULL, leave);
}
