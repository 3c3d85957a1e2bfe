/* Studies in the store: who gets which trial, what becomes of it, what a dead process leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/study.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

static const char space_text[] = "lr=log(1e-4,1) o=choice(adam,momentum) m=beta(.5,.99) if "
                                 "o=momentum";

static study_id begin(recorder *r, const char *name, int trials, const char *pruner)
{
    nn_error error = {0};
    store_param option = {.key = "batch", .is_number = true, .number = 32};
    study_description d = {.name = name,
                           .space = space_text,
                           .objective = "dev_error",
                           .command_line = "gradus sweep",
                           .sampler = NN_SAMPLER_RANDOM,
                           .seed = UINT64_MAX,
                           .trials = trials,
                           .options = &option,
                           .option_count = 1};
    assert_int_equal(nn_pruner_parse(pruner, &d.pruner, NULL), NN_OK);
    study_id id = recorder_begin_study(r, &d, &error);
    if (!id)
        fail_msg("%s", error.text);
    return id;
}

static claim_result claim(recorder *r, study_id id, trial_row *trial)
{
    nn_error error = {0};
    claim_result result;
    if (recorder_claim_trial(r, id, trial, &result, &error) != NN_OK)
        fail_msg("%s", error.text);
    return result;
}

static trial_answer report(recorder *r, const trial_row *trial, int epoch, double value)
{
    nn_error error = {0};
    trial_answer answer;
    if (recorder_report_trial(r, trial->id, epoch, 10, value, &answer, &error) != NN_OK)
        fail_msg("%s", error.text);
    return answer;
}

static void settle(recorder *r, const trial_row *trial, trial_state state)
{
    nn_error error = {0};
    if (recorder_settle_trial(r, trial->id, state, "", &error) != NN_OK)
        fail_msg("%s", error.text);
}

/* The trial as a reader sees it. */
static trial_row look(const store_place *place, study_id id, int number)
{
    nn_error error = {0};
    nn_space *space = nn_space_parse(space_text, &error);
    store *s = open_store(place);
    trial_row *rows = NULL, found = {0};
    int count = 0;
    if (store_trials(s, id, space, &rows, &count, &error) != NN_OK)
        fail_msg("%s", error.text);
    for (int i = 0; i < count; i++)
        if (rows[i].number == number)
            found = rows[i];
    if (!found.id)
        fail_msg("no trial %d among %d", number, count);
    free(rows);
    store_close(s);
    nn_space_free(space);
    return found;
}

static study_row row_of_study(const store_place *place, study_id id)
{
    nn_error error = {0};
    study_row row;
    store *s = open_store(place);
    if (store_study(s, id, &row, &error) != NN_OK)
        fail_msg("%s", error.text);
    store_close(s);
    return row;
}

static void study_keeps_what_it_was_given(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    study_id id = begin(r, "first", 7, "asha:4,2");
    study_description again = {.name = "first", .space = "x=int(1,2)", .objective = "dev_error"};
    assert_int_equal(recorder_begin_study(r, &again, &error), 0);
    assert_non_null(strstr(error.text, "--resume first"));
    study_row row = row_of_study(place, id);
    assert_string_equal(row.space, space_text);
    assert_string_equal(row.pruner, "asha:4,2");
    assert_int_equal(row.trials, 7);
    assert_true(row.seed == UINT64_MAX);
    store *s = open_store(place);
    study_id found;
    store_param *options = NULL;
    int count = 0;
    assert_int_equal(store_find_study(s, "first", &found, &error), NN_OK);
    assert_int_equal(found, id);
    assert_int_equal(store_find_study(s, "last", &found, &error), NN_OK);
    assert_int_equal(found, id);
    assert_int_equal(store_find_study(s, "second", &found, &error), NN_E_MISSING);
    assert_int_equal(store_study_options(s, id, &options, &count, &error), NN_OK);
    assert_int_equal(count, 1);
    assert_true(options[0].number == 32);
    free(options);
    store_close(s);
    assert_int_equal(recorder_extend_study(r, id, 9, 0.5, &error), NN_OK);
    row = row_of_study(place, id);
    assert_int_equal(row.trials, 9);
    assert_true(row.hours == 0.5);
    close_recorder(r);
}

static void trials_go_through_their_states(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    study_id id = begin(r, "states", 3, "none");
    trial_row a, b, c, none;
    assert_int_equal(claim(r, id, &a), CLAIM_TRIAL);
    assert_int_equal(claim(r, id, &b), CLAIM_TRIAL);
    assert_int_equal(claim(r, id, &c), CLAIM_TRIAL);
    assert_int_equal(c.number, 3);
    assert_int_equal(claim(r, id, &none), CLAIM_WAIT); /* the budget is out */
    trial_row seen = look(place, id, 2);
    assert_int_equal(seen.state, TRIAL_RUNNING);
    assert_int_equal(seen.pid, getpid());
    assert_memory_equal(&seen.point, &b.point, sizeof b.point.value[0]); /* lr */
    assert_int_equal(isnan(seen.point.value[2]), seen.point.value[1] != 1);
    report(r, &a, 1, 0.5);
    report(r, &a, 2, 0.3);
    report(r, &a, 3, 0.4);
    settle(r, &a, TRIAL_FINISHED);
    report(r, &b, 1, 0.2);
    settle(r, &b, TRIAL_FAILED); /* diverged later: its value is void, the trial stays */
    report(r, &c, 1, NAN);
    settle(r, &c, TRIAL_FINISHED);
    assert_int_equal(claim(r, id, &none), CLAIM_DONE);
    seen = look(place, id, 1);
    assert_int_equal(seen.state, TRIAL_FINISHED);
    assert_true(seen.value == 0.3); /* the best of its epochs */
    assert_int_equal(seen.epoch, 3);
    assert_true(isnan(look(place, id, 2).value));
    assert_true(isnan(look(place, id, 3).value));
    study_row row = row_of_study(place, id);
    assert_int_equal(row.best, 1);
    assert_int_equal(row.count[TRIAL_FINISHED], 2);
    assert_int_equal(row.count[TRIAL_FAILED], 1);
    close_recorder(r);
}

static void late_news_change_nothing(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    study_id id = begin(r, "late", 1, "none");
    trial_row a;
    assert_int_equal(claim(r, id, &a), CLAIM_TRIAL);
    report(r, &a, 1, 0.5);
    settle(r, &a, TRIAL_KILLED);
    assert_true(report(r, &a, 2, 0.1).lost); /* it is no longer ours */
    settle(r, &a, TRIAL_FINISHED);
    assert_int_equal(look(place, id, 1).state, TRIAL_KILLED);
    assert_true(look(place, id, 1).value == 0.5);
    close_recorder(r);
}

static void pruner_decides_within_the_store(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    study_id id = begin(r, "pruned", 3, "asha:3,1");
    trial_row trials[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(claim(r, id, &trials[i]), CLAIM_TRIAL);
    trial_answer answer = report(r, &trials[0], 1, 0.5);
    assert_true(answer.rung && !answer.pruned);
    answer = report(r, &trials[1], 1, 0.9);
    assert_true(answer.pruned);
    answer = report(r, &trials[2], 1, 0.1);
    assert_false(answer.pruned);
    answer = report(r, &trials[0], 2, 0.5); /* between the rungs */
    assert_false(answer.rung || answer.pruned);
    trial_row seen = look(place, id, 2);
    assert_int_equal(seen.state, TRIAL_PRUNED);
    assert_true(seen.value == 0.9);
    assert_non_null(strstr(seen.reason, "place 2 of 2"));
    settle(r, &trials[1], TRIAL_FINISHED); /* its trainer ends: it stays pruned */
    assert_int_equal(look(place, id, 2).state, TRIAL_PRUNED);
    store *s = open_store(place);
    trial_point *points = NULL;
    int count = 0;
    assert_int_equal(store_trial_points(s, id, &points, &count, NULL), NN_OK);
    assert_int_equal(count, 4);
    assert_int_equal(points[1].epoch, 2);
    free(points);
    store_close(s);
    close_recorder(r);
}

/* A child claims a trial, reports, and is gone without a word. */
static void die_at_work(const store_place *place, study_id id, int epochs)
{
    pid_t child = fork();
    if (child == 0) {
        recorder *r = recorder_open(place->path, NULL);
        trial_row trial;
        claim_result result;
        trial_answer answer;
        bool good = r && recorder_claim_trial(r, id, &trial, &result, NULL) == NN_OK &&
                    result == CLAIM_TRIAL;
        for (int e = 1; e <= epochs && good; e++)
            good = recorder_report_trial(r, trial.id, e, 10, 1.0 / e, &answer, NULL) == NN_OK;
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_true(child > 0);
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void dead_process_leaves_its_trial_to_others(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    study_id id = begin(r, "dead", 2, "none");
    close_recorder(r); /* no thread may live while this process forks */
    die_at_work(place, id, 3);
    trial_row seen = look(place, id, 1), taken, next;
    assert_int_equal(seen.state, TRIAL_CRASHED);
    assert_int_equal(seen.epoch, 3);
    r = open_recorder(place);
    assert_int_equal(claim(r, id, &taken), CLAIM_TRIAL);
    assert_int_equal(taken.number, 1); /* before anything new */
    assert_memory_equal(&taken.point.value[0], &seen.point.value[0], sizeof(double));
    assert_int_equal(claim(r, id, &next), CLAIM_TRIAL);
    assert_int_equal(next.number, 2);
    /* It comes from its checkpoint: epochs after it are void. */
    report(r, &taken, 2, 0.25);
    seen = look(place, id, 1);
    assert_int_equal(seen.state, TRIAL_RUNNING);
    assert_int_equal(seen.epoch, 2);
    assert_true(seen.value == 0.25);
    close_recorder(r);
}

static void queue_is_steered(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    study_id id = begin(r, "steered", 1, "none");
    nn_space *space = nn_space_parse(space_text, &error);
    nn_point point = nn_point_nowhere();
    trial_row trial;
    int number = 0;
    assert_int_equal(nn_space_assign(space, "lr=0.02", &point, &error), NN_OK);
    assert_int_equal(nn_space_assign(space, "o=momentum", &point, &error), NN_OK);
    assert_int_equal(recorder_add_trial(r, id, &point, "hand", 0, 0, &number, &error), NN_OK);
    assert_int_equal(number, 1);
    trial_row seen = look(place, id, 1);
    assert_int_equal(seen.state, TRIAL_QUEUED);
    assert_true(seen.point.value[0] == 0.02 && seen.point.value[1] == 1);
    assert_false(isnan(seen.point.value[2])); /* chosen for the one who did not say */
    assert_int_equal(recorder_steer_trial(r, id, 1, STEER_PAUSE, &error), NN_OK);
    assert_int_equal(look(place, id, 1).state, TRIAL_PAUSED);
    assert_int_equal(claim(r, id, &trial), CLAIM_TRIAL);
    assert_int_equal(trial.number, 2); /* the paused one is left out */
    assert_int_equal(recorder_steer_trial(r, id, 2, STEER_GO, &error), NN_E_STATE);
    assert_int_equal(recorder_steer_trial(r, id, 3, STEER_KILL, &error), NN_E_MISSING);
    assert_int_equal(recorder_steer_trial(r, id, 1, STEER_GO, &error), NN_OK);
    assert_int_equal(look(place, id, 1).state, TRIAL_QUEUED);
    /* What is under way is asked for. */
    study_wishes wishes;
    assert_int_equal(recorder_steer_trial(r, id, 2, STEER_KILL, &error), NN_OK);
    assert_int_equal(look(place, id, 2).state, TRIAL_RUNNING);
    assert_int_equal(recorder_beat_study(r, id, &wishes, &error), NN_OK);
    assert_int_equal(wishes.count, 1);
    assert_int_equal(wishes.trial[0], trial.id);
    assert_string_equal(wishes.wish[0], "kill");
    assert_int_equal(recorder_add_trial(r, id, &trial.point, "promote", 2, 50, &number, &error),
                     NN_OK);
    seen = look(place, id, number);
    assert_string_equal(seen.origin, "promote");
    assert_int_equal(seen.source, 2);
    assert_int_equal(seen.epochs, 50);
    nn_space_free(space);
    close_recorder(r);
}

/* The clock stands still while nobody works, whatever the calendar says. */
static void hours_of_work_are_counted(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    study_id id = begin(r, "hours", 5, "none");
    study_wishes wishes;
    trial_row trial;
    assert_int_equal(recorder_extend_study(r, id, 0, 1, &error), NN_OK);
    run_sql(place->path, "UPDATE study SET worked_ms = 3590000, beat_ms = 1000");
    assert_int_equal(recorder_beat_study(r, id, &wishes, &error), NN_OK);
    assert_false(wishes.late); /* years since the last beat count 5 s */
    assert_true(fabs(row_of_study(place, id).worked_hours - 3595.0 / 3600) < 1e-9);
    assert_int_equal(claim(r, id, &trial), CLAIM_TRIAL);
    run_sql(place->path, "UPDATE study SET worked_ms = 3600000");
    assert_int_equal(recorder_beat_study(r, id, &wishes, &error), NN_OK);
    assert_true(wishes.late);
    assert_int_equal(claim(r, id, &trial), CLAIM_LATE);
    /* A calendar that goes back takes no time away. */
    run_sql(place->path, "UPDATE study SET worked_ms = 5, beat_ms = 99999999999999");
    assert_int_equal(recorder_beat_study(r, id, &wishes, &error), NN_OK);
    assert_true(row_of_study(place, id).worked_hours >= 0);
    close_recorder(r);
}

/* Four processes at once: every trial is given out exactly once. */
static void claims_never_meet(void **state)
{
    enum { PROCESSES = 4, TRIALS = 40 };
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    study_id id = begin(r, "crowd", TRIALS, "none");
    close_recorder(r);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        nn_error error = {0};
        recorder *mine = recorder_open(place->path, &error);
        claim_result result = CLAIM_TRIAL;
        bool good = mine != NULL;
        while (good && result == CLAIM_TRIAL) {
            trial_row trial;
            good = recorder_claim_trial(mine, id, &trial, &result, &error) == NN_OK &&
                   (result != CLAIM_TRIAL ||
                    recorder_settle_trial(mine, trial.id, TRIAL_FINISHED, "", &error) == NN_OK);
        }
        recorder_close(mine, NULL);
        _exit(good ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    study_row row = row_of_study(place, id);
    assert_int_equal(row.count[TRIAL_FINISHED], TRIALS);
    for (int i = 0; i < TRIAL_STATES; i++)
        assert_true(i == TRIAL_FINISHED || row.count[i] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(study_keeps_what_it_was_given),
        IN_PLACE(trials_go_through_their_states),
        IN_PLACE(late_news_change_nothing),
        IN_PLACE(pruner_decides_within_the_store),
        IN_PLACE(dead_process_leaves_its_trial_to_others),
        IN_PLACE(queue_is_steered),
        IN_PLACE(hours_of_work_are_counted),
        IN_PLACE(claims_never_meet),
    };
    return cmocka_run_group_tests_name("study", tests, NULL, NULL);
}
