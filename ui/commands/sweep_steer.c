/* `gradus sweep add|pause|go|kill|clone|promote`. */
#include "ui/commands/sweep.h"

#include "ui/commands/common.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const verbs[] = {"add", "pause", "go", "kill", "clone", "promote"};
enum { VERBS = sizeof verbs / sizeof *verbs };

bool sweep_is_steering(const char *verb)
{
    for (int i = 0; i < VERBS; i++)
        if (strcmp(verbs[i], verb) == 0)
            return true;
    return false;
}

/* What the words name. */
typedef struct {
    char path[PATH_MAX];
    study_row study;
    nn_space *space;
    trial_row trial; /* all zeros without one */
} target;

static nn_status find_trial(store *s, const char *word, target *t, nn_error *error)
{
    char *end;
    long number = strtol(word, &end, 10);
    trial_row *rows = NULL;
    int count = 0;
    if (end == word || *end || number < 1)
        return nn_fail(error, NN_E_ARG, "'%.40s': expected the number of a trial", word);
    nn_status status = store_trials(s, t->study.id, t->space, &rows, &count, error);
    for (int i = 0; i < count; i++)
        if (rows[i].number == number)
            t->trial = rows[i];
    free(rows);
    if (status == NN_OK && t->trial.id == 0)
        status = nn_fail(error, NN_E_MISSING, "study '%s' has no trial %ld", t->study.name, number);
    return status;
}

static nn_status find_target(const sweep_settings *settings, const char *study, const char *trial,
                             target *t, nn_error *error)
{
    study_id id = 0;
    store *s = require_store(settings->train.store_path);
    if (!s)
        return nn_fail(error, NN_E_IO, "no store");
    snprintf(t->path, sizeof t->path, "%s", store_path(s));
    nn_status status = store_find_study(s, study, &id, error);
    if (status == NN_OK)
        status = store_study(s, id, &t->study, error);
    if (status == NN_OK && !(t->space = nn_space_parse(t->study.space, error)))
        status = error->code;
    if (status == NN_OK && trial)
        status = find_trial(s, trial, t, error);
    store_close(s);
    return status;
}

static nn_status add(recorder *r, const char *verb, const target *t, const arguments *found,
                     int epochs, int *number, nn_error *error)
{
    bool by_hand = strcmp(verb, "add") == 0;
    nn_point point = by_hand ? nn_point_nowhere() : t->trial.point;
    nn_status status = NN_OK;
    for (int i = by_hand ? 2 : 3; i < found->count && status == NN_OK; i++)
        status = nn_space_assign(t->space, found->word[i], &point, error);
    if (status == NN_OK)
        status = recorder_add_trial(r, t->study.id, &point, by_hand ? "hand" : verb,
                                    by_hand ? 0 : t->trial.number, epochs, number, error);
    return status;
}

static nn_status carry_out(const char *verb, const sweep_settings *settings, const target *t,
                           const arguments *found, int *number, nn_error *error)
{
    static const char *const steering[] = {"pause", "go", "kill"};
    recorder *r = recorder_open(t->path, error);
    if (!r)
        return error->code;
    nn_status status = NN_E_ARG;
    int kind = 0;
    while (kind < 3 && strcmp(verb, steering[kind]) != 0)
        kind++;
    *number = t->trial.number;
    if (kind < 3)
        status = recorder_steer_trial(r, t->study.id, t->trial.number, (steer_kind)kind, error);
    else
        status = add(r, verb, t, found, settings->train.epochs, number, error);
    nn_error later = {0};
    nn_status closed = recorder_close(r, status == NN_OK ? error : &later);
    return status == NN_OK ? closed : status;
}

static int answer(const char *verb, const sweep_settings *settings, const target *t, int number)
{
    if (settings->json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "study", t->study.name);
        json_text(&json, "done", verb);
        json_whole(&json, "trial", number);
        json_close(&json, '}');
        return json_line(&json) ? EXIT_OK : EXIT_FAILED;
    }
    bool asked = t->trial.state == TRIAL_RUNNING && number == t->trial.number;
    if (asked)
        printf("trial %d: asked its process to %s it\n", number, verb);
    else if (number != t->trial.number)
        printf("trial %d waits in study '%s'; gradus sweep --resume %s runs it\n", number,
               t->study.name, t->study.name);
    else
        printf("trial %d: %s\n", number,
               strcmp(verb, "go") == 0     ? "queued"
               : strcmp(verb, "kill") == 0 ? "killed"
                                           : "paused");
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int sweep_steer(const char *verb, const sweep_settings *settings, const arguments *found)
{
    bool by_hand = strcmp(verb, "add") == 0, edits = by_hand || strcmp(verb, "clone") == 0;
    int least = by_hand ? 2 : 3;
    nn_error error = {0};
    target t = {0};
    int number = 0;
    if (found->count < least)
        return wrong_usage(&command_sweep, "sweep %s needs a study%s", verb,
                           by_hand ? " and values, like lr=0.01" : " and the number of a trial");
    if (!edits && found->count > least)
        return wrong_usage(&command_sweep, "'%.60s': one word too many", found->word[least]);
    if (strcmp(verb, "promote") == 0 && settings->train.epochs == 0)
        return wrong_usage(&command_sweep, "sweep promote needs --epochs N, in all");
    nn_status status =
        find_target(settings, found->word[1], by_hand ? NULL : found->word[2], &t, &error);
    if (status == NN_OK && strcmp(verb, "promote") == 0 && settings->train.epochs <= t.trial.epoch)
        status = nn_fail(&error, NN_E_ARG, "--epochs %d: trial %d has done %d already",
                         settings->train.epochs, t.trial.number, t.trial.epoch);
    if (status == NN_OK)
        status = carry_out(verb, settings, &t, found, &number, &error);
    nn_space_free(t.space);
    if (status == NN_OK)
        return answer(verb, settings, &t, number);
    if (error.code == NN_E_ARG)
        return wrong_usage(&command_sweep, "%s", error.text);
    complain("%s", error.text);
    return EXIT_FAILED;
}
