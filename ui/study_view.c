#include "ui/study_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void study_view_free(study_view *view)
{
    nn_space_free(view->space);
    free(view->trials);
    free(view->front);
    free(view->best);
    *view = (study_view){0};
}

static bool better(const study_view *view, double a, double b)
{
    return isnan(b) || (view->row.highest ? a > b : a < b);
}

static void follow_best(study_view *view)
{
    double best = (double)NAN;
    for (int i = 0; i < view->count; i++) {
        const trial_row *trial = &view->trials[i];
        if (trial->state == TRIAL_FINISHED && !isnan(trial->value) &&
            better(view, trial->value, best))
            best = trial->value;
        view->best[i] = best;
        view->ended += trial->state == TRIAL_FINISHED || trial->state == TRIAL_PRUNED ||
                       trial->state == TRIAL_FAILED;
    }
}

/* The finished trials that no other beats in both the objective and the metric against it. */
static nn_status find_front(study_view *view, nn_error *error)
{
    size_t room = (size_t)view->count + 1;
    double *a = malloc(room * sizeof *a), *b = malloc(room * sizeof *b), unused;
    nn_status status = NN_OK;
    const trial_row none = {0};
    if (!a || !b)
        status = nn_fail(error, NN_E_NOMEM, "no memory for %d trials", view->count);
    else if (!trial_metric(&none, view->row.objective, view->against, &unused))
        status = nn_fail(error, NN_E_ARG, "no metric '%.40s': expected one of %s", view->against,
                         trial_metrics());
    for (int i = 0; i < view->count && status == NN_OK; i++) {
        const trial_row *trial = &view->trials[i];
        a[i] = trial->state != TRIAL_FINISHED ? (double)NAN
               : view->row.highest            ? -trial->value
                                              : trial->value;
        trial_metric(trial, view->row.objective, view->against, &b[i]);
    }
    if (status == NN_OK)
        nn_pareto_front(a, b, view->count, view->front);
    free(a);
    free(b);
    return status;
}

static nn_status weigh(study_view *view, nn_error *error)
{
    nn_trial_record *history = malloc(((size_t)view->count + 1) * sizeof *history);
    if (!history)
        return nn_fail(error, NN_E_NOMEM, "no memory for %d trials", view->count);
    int known = trials_as_history(view->trials, view->count, view->row.highest, history);
    nn_status status = nn_best_region(view->space, history, known, &view->region, error);
    if (status == NN_OK)
        status = nn_importances(view->space, history, known, 1, view->importance, &view->explained,
                                error);
    free(history);
    if (status == NN_E_STATE) { /* too few yet */
        view->explained = (double)NAN;
        status = NN_OK;
    }
    return status;
}

static nn_status load(study_view *view, store *s, study_id id, nn_error *error)
{
    nn_status status = store_study(s, id, &view->row, error);
    if (status == NN_OK && !(view->space = nn_space_parse(view->row.space, error)))
        status = error->code;
    if (status == NN_OK)
        status = store_trials(s, id, view->space, &view->trials, &view->count, error);
    if (status != NN_OK)
        return status;
    size_t room = (size_t)view->count + 1;
    view->front = calloc(room, sizeof *view->front);
    view->best = calloc(room, sizeof *view->best);
    if (!view->front || !view->best)
        return nn_fail(error, NN_E_NOMEM, "no memory for %d trials", view->count);
    follow_best(view);
    status = find_front(view, error);
    return status == NN_OK ? weigh(view, error) : status;
}

nn_status study_view_load(study_view *view, store *s, study_id id, const char *against,
                          nn_error *error)
{
    nn_error mine = {0};
    study_view_free(view);
    view->against = against ? against : "latency_ms";
    nn_status status = load(view, s, id, &mine);
    if (status == NN_OK)
        return NN_OK;
    study_view_free(view);
    if (error)
        *error = mine;
    return status;
}

const char *study_view_region(const study_view *view, int p, char *text, size_t size)
{
    const nn_space_param *param = &view->space->param[p];
    char low[NN_SPACE_TEXT], high[NN_SPACE_TEXT];
    size_t used = 0;
    *text = '\0';
    if (view->region.trials == 0)
        return text;
    if (param->scale != NN_SCALE_CHOICE) {
        nn_space_text(param, nn_space_value(param, view->region.low[p]), low);
        nn_space_text(param, nn_space_value(param, view->region.high[p]), high);
        snprintf(text, size, strcmp(low, high) == 0 ? "%s%.0s" : "%s..%s", low, high);
        return text;
    }
    for (int i = 0; i < param->choices && used < size; i++)
        if (view->region.words[p] >> i & 1)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     param->choice[i]);
    return text;
}
