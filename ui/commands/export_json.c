/* Runs and studies as JSON, studies as CSV. */
#include "ui/commands/export.h"
#include "ui/commands/json_out.h"
#include "ui/commands/runs.h"
#include "ui/commands/sweep.h"
#include "ui/study_view.h"

#include <math.h>
#include <string.h>

static nn_status finish(json_out *json, nn_error *error)
{
    return json_line(json) ? NN_OK : nn_fail(error, NN_E_IO, "the answer could not be written");
}

/* --- runs ---------------------------------------------------------------------------------------
 */

static void json_curve(json_out *json, const char *name, const curve *points)
{
    double x, y;
    json_open(json, name, '{');
    json_open(json, "step", '[');
    for (int64_t i = 0; i < curve_count(points); i++) {
        curve_point(points, i, &x, &y);
        json_number(json, NULL, x);
    }
    json_close(json, ']');
    json_open(json, "value", '[');
    for (int64_t i = 0; i < curve_count(points); i++) {
        curve_point(points, i, &x, &y);
        json_number(json, NULL, y);
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void json_curves(json_out *json, const run_view *view)
{
    json_open(json, "curves", '{');
    json_curve(json, "loss", view->loss);
    json_curve(json, "gradient_norm", view->gradient_norm);
    json_curve(json, "lr", view->lr);
    json_curve(json, "update_ratio", view->update_ratio);
    json_curve(json, "train_loss", view->train_loss);
    json_curve(json, "train_error", view->train_error);
    json_curve(json, "dev_loss", view->dev_loss);
    json_curve(json, "dev_error", view->dev_error);
    json_curve(json, "examples_per_s", view->speed);
    json_close(json, '}');
}

static void json_confusion(json_out *json, const compared_run *run, const char *which)
{
    const store_evaluation *e = run_figure_evaluation(run, which);
    if (!e) {
        json_null(json, "confusion_matrix");
        return;
    }
    json_open(json, "confusion_matrix", '{');
    json_text(json, "part", nn_part_name(e->part));
    json_seed(json, "step", e->step);
    json_whole(json, "epoch", e->epoch);
    json_whole(json, "count", e->count);
    json_number(json, "error", e->error);
    json_open(json, "classes", '[');
    for (int i = 0; i < e->classes && i < run->view->class_count; i++)
        json_text(json, NULL, run->view->class_names[i]);
    json_close(json, ']');
    json_open(json, "rows", '[');
    for (int i = 0; i < e->classes; i++) {
        json_open(json, NULL, '[');
        for (int k = 0; k < e->classes; k++)
            json_whole(json, NULL, e->confusion[i * e->classes + k]);
        json_close(json, ']');
    }
    json_close(json, ']');
    json_close(json, '}');
}

/* The rate that each step had stands in curves.lr. */
static void json_schedule(json_out *json, const run_view *view)
{
    json_open(json, "lr_schedule", '{');
    json_text(json, "schedule", view->row.schedule);
    json_number(json, "base_lr", view->base_lr);
    json_curve(json, "used", view->lr);
    json_open(json, "planned", '[');
    for (uint64_t step = 1; step <= view->row.total_steps; step++)
        json_number(json, NULL, run_figure_planned(view, (double)step));
    json_close(json, ']');
    json_close(json, '}');
}

static void json_settings(json_out *json, const compared_run *run)
{
    json_open(json, "parameters", '{');
    for (int i = 0; i < run->param_count; i++) {
        const store_param *param = &run->params[i];
        if (param->is_number)
            json_number(json, param->key, param->number);
        else
            json_text(json, param->key, param->text);
    }
    json_close(json, '}');
}

nn_status export_runs_json(const comparison *c, const run_figure *what, FILE *out, nn_error *error)
{
    json_out json = {.out = out};
    json_open(&json, NULL, '{');
    json_open(&json, "runs", '[');
    for (int r = 0; r < c->count; r++) {
        const compared_run *run = &c->runs[r];
        json_open(&json, NULL, '{');
        runs_json_row(&json, &run->view->row);
        json_settings(&json, run);
        if (what->parts & SHOW_CURVES)
            json_curves(&json, run->view);
        if (what->parts & SHOW_CONFUSION)
            json_confusion(&json, run, what->which);
        if (what->parts & SHOW_SCHEDULE)
            json_schedule(&json, run->view);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return finish(&json, error);
}

/* --- studies ------------------------------------------------------------------------------------
 */

/* Numbers of a trial beside its parameters and its objective. */
enum { FACTS = 11 };
static const char *const fact_names[FACTS] = {
    "dev_error",    "dev_loss", "train_error",   "train_loss",     "test_error", "latency_ms",
    "memory_bytes", "params",   "multiply_adds", "examples_per_s", "seconds"};

static double fact_of(const trial_row *trial, const char *name)
{
    double value = (double)NAN;
    return trial_metric(trial, "", name, &value) ? value : (double)NAN;
}

static void csv_known(FILE *out, double number)
{
    fputc(',', out);
    if (!isnan(number))
        csv_number(out, number);
}

static void csv_trial(FILE *out, const study_view *view, const trial_row *trial)
{
    fprintf(out, "%d,%s,", trial->number, trial_state_name(trial->state));
    if (trial->run)
        fprintf(out, "%lld", (long long)trial->run);
    fprintf(out, ",%s,", trial->origin);
    if (trial->source)
        fprintf(out, "%d", trial->source);
    for (int p = 0; p < view->space->count; p++) {
        const nn_space_param *param = &view->space->param[p];
        double value = trial->point.value[p];
        if (param->scale == NN_SCALE_CHOICE && !isnan(value)) {
            fputc(',', out);
            csv_text(out, param->choice[(int)value]);
        } else {
            csv_known(out, value);
        }
    }
    csv_known(out, trial->value);
    fprintf(out, ",%d", trial->epoch);
    for (int i = 0; i < FACTS; i++)
        csv_known(out, fact_of(trial, fact_names[i]));
    fprintf(out, ",%lld,%lld,%lld,", (long long)trial->created_ms, (long long)trial->started_ms,
            (long long)trial->ended_ms);
    csv_text(out, trial->reason);
    fputc('\n', out);
}

nn_status export_study_csv(store *s, study_id study, FILE *out, nn_error *error)
{
    study_view view = {0};
    nn_status status = study_view_load(&view, s, study, NULL, error);
    if (status != NN_OK)
        return status;
    fputs("trial,state,run,origin,source", out);
    for (int p = 0; p < view.space->count; p++) {
        fputs(",param.", out);
        csv_text(out, view.space->param[p].name);
    }
    fprintf(out, ",%s,epochs", view.row.objective);
    for (int i = 0; i < FACTS; i++)
        fprintf(out, ",run.%s", fact_names[i]);
    fputs(",created_ms,started_ms,ended_ms,reason\n", out);
    for (int i = 0; i < view.count; i++)
        csv_trial(out, &view, &view.trials[i]);
    study_view_free(&view);
    return NN_OK;
}

nn_status export_study_json(store *s, study_id study, FILE *out, nn_error *error)
{
    study_view view = {0};
    nn_status status = study_view_load(&view, s, study, NULL, error);
    if (status == NN_OK && !sweep_write_json(&view, out))
        status = nn_fail(error, NN_E_IO, "the answer could not be written");
    study_view_free(&view);
    return status;
}
