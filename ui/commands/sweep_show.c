/* `gradus sweep list|show|best`. */
#include "ui/commands/sweep.h"

#include "engine/search/limits.h"
#include "ui/commands/common.h"
#include "ui/study_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- list --------------------------------------------------------------------------------------
 */

static int total(const study_row *row)
{
    int sum = 0;
    for (int i = 0; i < TRIAL_STATES; i++)
        sum += row->count[i];
    return sum;
}

static void json_study(json_out *json, const study_row *row)
{
    json_text(json, "name", row->name);
    json_text(json, "space", row->space);
    json_text(json, "objective", row->objective);
    json_text(json, "direction", row->highest ? "max" : "min");
    json_text(json, "sampler", nn_sampler_name(row->sampler));
    json_text(json, "pruner", row->pruner);
    json_seed(json, "search_seed", row->seed);
    json_whole(json, "planned_trials", row->trials);
    json_number(json, "hours", row->hours);
    json_number(json, "worked_hours", row->worked_hours);
    json_whole(json, "created_ms", row->created_ms);
    json_open(json, "count", '{');
    for (int i = 0; i < TRIAL_STATES; i++)
        json_whole(json, trial_state_name((trial_state)i), row->count[i]);
    json_close(json, '}');
    if (row->best)
        json_whole(json, "best", row->best);
    else
        json_null(json, "best");
    json_number(json, "best_value", row->best_value);
}

static void print_studies(const study_row *rows, int count)
{
    char value[32], when[32];
    if (count == 0) {
        puts("No studies yet. Begin one: gradus sweep --space 'lr=log(1e-4,1)'");
        return;
    }
    printf("%-24s  %-7s  %-12s  %6s  %5s  %-24s  %s\n", "study", "sampler", "pruner", "trials",
           "open", "best", "begun");
    for (int i = 0; i < count; i++) {
        const study_row *row = &rows[i];
        char best[64] = "-";
        if (row->best)
            snprintf(best, sizeof best, "%s %s", row->objective,
                     sweep_value(row->objective, row->best_value, value));
        print_cell(row->name, 24);
        printf("  %-7s  %-12s  %6d  %5d  %-24s  %s\n", nn_sampler_name(row->sampler), row->pruner,
               total(row),
               row->count[TRIAL_QUEUED] + row->count[TRIAL_RUNNING] + row->count[TRIAL_PAUSED] +
                   row->count[TRIAL_CRASHED],
               best, moment(row->created_ms, when));
    }
}

int sweep_list(store *s, bool as_json)
{
    study_row *rows = NULL;
    int count = 0;
    nn_error error = {0};
    bool written;
    if (store_studies(s, &rows, &count, &error) != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_open(&json, "studies", '[');
        for (int i = 0; i < count; i++) {
            json_open(&json, NULL, '{');
            json_study(&json, &rows[i]);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
        written = json_line(&json);
    } else {
        print_studies(rows, count);
        written = fflush(stdout) == 0;
    }
    free(rows);
    return written ? EXIT_OK : EXIT_FAILED;
}

/* --- show --------------------------------------------------------------------------------------
 */

static void json_trial(json_out *json, const nn_space *space, const trial_row *trial)
{
    json_whole(json, "trial", trial->number);
    json_text(json, "state", trial_state_name(trial->state));
    if (trial->run)
        json_whole(json, "run", trial->run);
    else
        json_null(json, "run");
    json_text(json, "origin", trial->origin);
    if (trial->source)
        json_whole(json, "source", trial->source);
    sweep_json_point(json, "parameters", space, &trial->point);
    json_number(json, "value", trial->value);
    json_whole(json, "epoch", trial->epoch);
    json_text(json, "reason", trial->reason[0] ? trial->reason : NULL);
    json_number(json, "seconds", trial->seconds);
    json_number(json, "params", trial->parameters);
    json_number(json, "latency_ms", trial->latency_ms);
    json_number(json, "memory_bytes", trial->memory_bytes);
    json_number(json, "dev_error", trial->dev_error);
    json_number(json, "test_error", trial->test_error);
}

static void json_findings(json_out *json, const study_view *f)
{
    json_study(json, &f->row);
    json_open(json, "trials", '[');
    for (int i = 0; i < f->count; i++) {
        json_open(json, NULL, '{');
        json_trial(json, f->space, &f->trials[i]);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "importance", '[');
    for (int p = 0; p < f->space->count && !isnan(f->explained); p++) {
        json_open(json, NULL, '{');
        json_text(json, "parameter", f->space->param[p].name);
        json_number(json, "share", f->importance[p].share);
        json_number(json, "deviation", f->importance[p].deviation);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_number(json, "explained", f->explained);
    json_open(json, "best_region", '{');
    for (int p = 0; p < f->space->count && f->region.trials > 0; p++) {
        char text[200];
        json_text(json, f->space->param[p].name, study_view_region(f, p, text, sizeof text));
    }
    json_close(json, '}');
    json_text(json, "against", f->against);
    json_open(json, "front", '[');
    for (int i = 0; i < f->count; i++)
        if (f->front[i])
            json_whole(json, NULL, f->trials[i].number);
    json_close(json, ']');
}

static void print_trials(const study_view *f)
{
    char value[32], latency[16], time[32];
    printf("%5s  %-8s  %5s  %10s  %5s  %8s  %10s  %s\n", "trial", "state", "run", f->row.objective,
           "epoch", "time", "latency ms", "parameters");
    for (int i = 0; i < f->count; i++) {
        const trial_row *trial = &f->trials[i];
        char run[24] = "-";
        if (trial->run)
            snprintf(run, sizeof run, "%lld", (long long)trial->run);
        printf("%5d%c %-8s  %5s  %10s  %5d  %8s  %10s  ", trial->number, f->front[i] ? '*' : ' ',
               trial_state_name(trial->state), run,
               sweep_value(f->row.objective, trial->value, value), trial->epoch,
               duration(trial->seconds, time), decimal(trial->latency_ms, latency));
        sweep_print_point(stdout, f->space, &trial->point);
        if (trial->source)
            printf("  [%s of %d]", trial->origin, trial->source);
        else if (strcmp(trial->origin, "hand") == 0)
            fputs("  [by hand]", stdout);
        if (trial->reason[0])
            printf("  (%s)", trial->reason);
        putchar('\n');
    }
}

static void print_importance(const study_view *f)
{
    if (isnan(f->explained)) {
        printf("\nimportance: after %d trials that have ended\n", NN_IMPORTANCE_LEAST);
        return;
    }
    printf("\nimportance: share of the trials' ranks that a parameter decides (permutation on "
           "forests,\nwhich explain %.0f %% of trials they have not seen), and where the best %d "
           "lie\n",
           100 * f->explained, f->region.trials);
    for (int p = 0; p < f->space->count; p++) {
        char region[200];
        printf("  %-20s  %5.1f %% +- %4.1f  %s\n", f->space->param[p].name,
               100 * f->importance[p].share, 100 * f->importance[p].deviation,
               study_view_region(f, p, region, sizeof region));
    }
}

static void print_findings(const study_view *f)
{
    char value[32];
    printf("study '%s': %s, pruner %s, %d of %d trials\nspace: %s\n", f->row.name,
           nn_sampler_name(f->row.sampler), f->row.pruner, f->count, f->row.trials, f->row.space);
    if (f->row.best)
        printf("best: trial %d with %s %s\n", f->row.best, f->row.objective,
               sweep_value(f->row.objective, f->row.best_value, value));
    putchar('\n');
    print_trials(f);
    printf("\n* no other trial is better in both %s and %s\n", f->row.objective, f->against);
    print_importance(f);
}

bool sweep_write_json(const study_view *f, FILE *out)
{
    json_out json = {.out = out};
    json_open(&json, NULL, '{');
    json_findings(&json, f);
    json_close(&json, '}');
    return json_line(&json);
}

int sweep_show(store *s, study_id id, const char *against, bool as_json)
{
    study_view f = {0};
    nn_error error = {0};
    bool written = false;
    if (study_view_load(&f, s, id, against, &error) != NN_OK) {
        complain("%s", error.text);
    } else if (as_json) {
        written = sweep_write_json(&f, stdout);
    } else {
        print_findings(&f);
        written = fflush(stdout) == 0;
    }
    study_view_free(&f);
    return written ? EXIT_OK : EXIT_FAILED;
}

/* --- best --------------------------------------------------------------------------------------
 */

typedef struct {
    const char *metric;
    bool highest;
    nn_limit limits[NN_LIMITS];
    int limit_count;
    int candidates, feasible;
    int broken[NN_LIMITS]; /* candidates that break each limit */
    int best;              /* index; -1 none */
    double best_value;
} choice;

static nn_status check_metric(const char *name, const study_view *f, nn_error *error)
{
    const trial_row none = {0};
    double unused;
    return trial_metric(&none, f->row.objective, name, &unused)
               ? NN_OK
               : nn_fail(error, NN_E_ARG, "no metric '%.40s': expected one of %s", name,
                         trial_metrics());
}

static nn_status read_choice(const sweep_settings *settings, const study_view *f, choice *c,
                             nn_error *error)
{
    c->metric = settings->optimize ? settings->optimize : f->row.objective;
    bool objective = strcmp(c->metric, f->row.objective) == 0 || strcmp(c->metric, "value") == 0;
    c->highest = objective ? f->row.highest : strcmp(c->metric, "examples_per_s") == 0;
    if (settings->direction)
        c->highest = strcmp(settings->direction, "max") == 0;
    nn_status status = check_metric(c->metric, f, error);
    if (status == NN_OK && settings->limits)
        status = nn_limits_parse(settings->limits, c->limits, &c->limit_count, error);
    for (int i = 0; i < c->limit_count && status == NN_OK; i++)
        status = check_metric(c->limits[i].metric, f, error);
    return status;
}

static nn_status choose(const study_view *f, choice *c, nn_error *error)
{
    size_t room = (size_t)f->count + 1;
    double *values = malloc(room * sizeof *values);
    bool *feasible = calloc(room, sizeof *feasible);
    nn_status status =
        values && feasible ? NN_OK : nn_fail(error, NN_E_NOMEM, "no memory to choose");
    for (int i = 0; i < f->count && status == NN_OK; i++) {
        const trial_row *trial = &f->trials[i];
        trial_metric(trial, f->row.objective, c->metric, &values[i]);
        if (trial->state != TRIAL_FINISHED || isnan(values[i]))
            continue;
        c->candidates++;
        feasible[i] = true;
        for (int k = 0; k < c->limit_count; k++) {
            double value;
            trial_metric(trial, f->row.objective, c->limits[k].metric, &value);
            bool kept = nn_limit_kept(&c->limits[k], value);
            c->broken[k] += !kept;
            feasible[i] = feasible[i] && kept;
        }
        c->feasible += feasible[i];
    }
    if (status == NN_OK) {
        c->best = nn_choose(values, feasible, f->count, c->highest);
        c->best_value = c->best >= 0 ? values[c->best] : (double)NAN;
    }
    free(values);
    free(feasible);
    return status;
}

static bool print_choice(const study_view *f, const choice *c)
{
    char value[32], number[16];
    if (c->best < 0 && c->candidates == 0) {
        printf("no trial of study '%s' has finished with a known %s\n", f->row.name, c->metric);
    } else if (c->best < 0) {
        printf("no trial is feasible: of %d that have finished", c->candidates);
        for (int k = 0; k < c->limit_count; k++)
            printf(", %d break %s %s %g", c->broken[k], c->limits[k].metric,
                   nn_limit_sign(c->limits[k].kind), c->limits[k].bound);
        putchar('\n');
    } else {
        const trial_row *best = &f->trials[c->best];
        printf("trial %d (run %lld): %s %s, the %s of %d feasible among %d\n  ", best->number,
               (long long)best->run, c->metric, sweep_value(c->metric, c->best_value, value),
               c->highest ? "highest" : "lowest", c->feasible, c->candidates);
        sweep_print_point(stdout, f->space, &best->point);
        printf("\n  latency_ms %s", decimal(best->latency_ms, number));
        printf(", params %.0f, memory_mb %s", best->parameters,
               decimal(best->memory_bytes / 1e6, number));
        printf(", test_error %s\n", percent(best->test_error, number));
    }
    return fflush(stdout) == 0;
}

static bool json_choice(const study_view *f, const choice *c)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "study", f->row.name);
    json_text(&json, "optimize", c->metric);
    json_text(&json, "direction", c->highest ? "max" : "min");
    json_whole(&json, "finished", c->candidates);
    json_whole(&json, "feasible", c->feasible);
    json_open(&json, "limits", '[');
    for (int k = 0; k < c->limit_count; k++) {
        json_open(&json, NULL, '{');
        json_text(&json, "metric", c->limits[k].metric);
        json_text(&json, "sign", nn_limit_sign(c->limits[k].kind));
        json_number(&json, "bound", c->limits[k].bound);
        json_whole(&json, "broken_by", c->broken[k]);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    if (c->best >= 0) {
        json_open(&json, "best", '{');
        json_trial(&json, f->space, &f->trials[c->best]);
        json_close(&json, '}');
    } else {
        json_null(&json, "best");
    }
    json_close(&json, '}');
    return json_line(&json);
}

int sweep_best(store *s, study_id id, const sweep_settings *settings)
{
    study_view f = {0};
    choice c = {.best = -1};
    nn_error error = {0};
    nn_status status = study_view_load(&f, s, id, NULL, &error);
    if (status == NN_OK)
        status = read_choice(settings, &f, &c, &error);
    if (status == NN_OK)
        status = choose(&f, &c, &error);
    bool written = false;
    if (status == NN_OK)
        written = settings->json ? json_choice(&f, &c) : print_choice(&f, &c);
    study_view_free(&f);
    if (status == NN_E_ARG)
        return wrong_usage(&command_sweep, "%s", error.text);
    if (status != NN_OK)
        complain("%s", error.text);
    return written && c.best >= 0 ? EXIT_OK : EXIT_FAILED;
}
