/* A run_view from the store: whole for a run of the past, and again and again for a run of another
 * process, reading only what was written since. */
#include "ui/run_view.h"

#include "store/examples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nn_status load_points(store *s, run_id id, const char *metric, curve *c, nn_error *error)
{
    double last_x = 0, y;
    if (curve_count(c) > 0)
        curve_point(c, curve_count(c) - 1, &last_x, &y);
    uint64_t *steps = NULL;
    double *values = NULL;
    int64_t count = 0;
    nn_status status =
        store_points(s, id, metric, (uint64_t)last_x, &steps, &values, &count, error);
    for (int64_t i = 0; status == NN_OK && i < count; i++)
        if (!curve_add(c, (double)steps[i], values[i]))
            status = nn_fail(error, NN_E_NOMEM, "out of memory for %lld points of %s",
                             (long long)count, metric);
    free(steps);
    free(values);
    return status;
}

static nn_status load_curves(run_view *view, store *s, run_id id, nn_error *error)
{
    const struct {
        const char *metric;
        curve *points;
    } all[] = {
        {"loss", view->loss},
        {"gradient_norm", view->gradient_norm},
        {"lr", view->lr},
        {"update_ratio", view->update_ratio},
        {"train_loss", view->train_loss},
        {"train_error", view->train_error},
        {"dev_loss", view->dev_loss},
        {"dev_error", view->dev_error},
        {"examples_per_s", view->speed},
    };
    nn_status status = NN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == NN_OK; i++)
        status = load_points(s, id, all[i].metric, all[i].points, error);
    return status;
}

/* What one event says about the present: rates, alerts, points that were undone. */
static void replay(run_view *view, const run_event *event)
{
    bool applied = strcmp(event->kind, "applied") == 0;
    if (strcmp(event->kind, "resumed") == 0 || (applied && strcmp(event->key, "rollback") == 0)) {
        run_view_cut(view, (double)event->step);
        view->alert[0] = 0;
    }
    if (applied && strcmp(event->key, "resume") == 0)
        view->alert[0] = 0;
    if (strcmp(event->kind, "nonfinite") == 0)
        snprintf(view->alert, sizeof view->alert, "%s", event->text);
    if (!applied)
        return;
    const struct {
        const char *key;
        double *value;
    } settings[] = {{"lr", &view->base_lr},
                    {"dropout", &view->dropout},
                    {"l2", &view->l2},
                    {"momentum", &view->momentum},
                    {"clip", &view->clip_norm}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(event->key, settings[i].key) == 0)
            *settings[i].value = event->value;
}

static nn_status load_events(run_view *view, store *s, run_id id, nn_error *error)
{
    run_event *events = NULL;
    int count = 0;
    nn_status status = store_events(s, id, &events, &count, error);
    for (int i = view->event_count; status == NN_OK && i < count; i++) {
        replay(view, &events[i]);
        if (!run_view_add_event(view, &events[i]))
            status = nn_fail(error, NN_E_NOMEM, "out of memory for %d events", count);
    }
    free(events);
    return status;
}

static nn_status load_evaluations(run_view *view, store *s, run_id id, nn_error *error)
{
    store_evaluation *list = NULL;
    int count = 0;
    nn_status status = store_evaluations(s, id, NN_DEV, &list, &count, error);
    if (status != NN_OK)
        return status;
    store_free_evaluations(view->evaluations, view->evaluation_count);
    view->evaluations = list;
    view->evaluation_count = view->evaluation_room = count;
    list = NULL;
    status = store_evaluations(s, id, NN_TEST, &list, &count, error);
    if (status != NN_OK)
        return status;
    if (count > 0) {
        free(view->test.confusion);
        view->test = list[count - 1];
        list[count - 1].confusion = NULL; /* it is ours now */
    }
    store_free_evaluations(list, count);
    return NN_OK;
}

/* What was chosen when the run began; the events say what changed since. */
static nn_status load_choices(run_view *view, store *s, run_id id, nn_error *error)
{
    store_param *params = NULL;
    int count = 0;
    nn_status status = store_params(s, id, &params, &count, error);
    if (status != NN_OK)
        return status;
    const struct {
        const char *key;
        double *value;
    } known[] = {{"lr", &view->base_lr},     {"dropout", &view->dropout},
                 {"l2", &view->l2},          {"momentum", &view->momentum},
                 {"clip", &view->clip_norm}, {"human_error", &view->human_error}};
    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (params[i].is_number && strcmp(params[i].key, known[k].key) == 0)
                *known[k].value = params[i].number;
    free(params);
    char content[EXAMPLE_CONTENT];
    if (isnan(view->human_error) && store_run_content(s, id, content, NULL) == NN_OK)
        store_human_error(s, content, &view->human_error, NULL);
    view->has_dropout = view->dropout > 0;
    const run_row *row = &view->row;
    nn_error ignored;
    if (nn_schedule_parse(row->schedule, &view->schedule, &ignored) != NN_OK)
        view->schedule = (nn_schedule){.kind = NN_SCHEDULE_CONSTANT};
    view->schedule.steps_per_epoch = row->steps_per_epoch;
    view->schedule.total_steps = row->total_steps;
    view->train_count = (int64_t)row->steps_per_epoch * row->batch;
    free(view->class_names);
    view->class_names = NULL;
    view->class_count = 0;
    return store_class_names(s, id, &view->class_names, &view->class_count, error);
}

nn_status run_view_load(run_view *view, store *s, run_id id, nn_error *error)
{
    run_row row;
    nn_status status = store_run(s, id, &row, error);
    if (status != NN_OK)
        return status;
    bool first = !view->loaded || view->row.id != id;
    view->row = row;
    view->loaded = true;
    if (first)
        status = load_choices(view, s, id, error);
    if (status == NN_OK)
        status = load_events(view, s, id, error); /* first: they say which points are void */
    if (status == NN_OK)
        status = load_curves(view, s, id, error);
    if (status == NN_OK)
        status = load_evaluations(view, s, id, error);
    view->examples_per_s = row.examples_per_s;
    if (!run_view_active(view))
        view->alert[0] = 0;
    run_view_estimate(view);
    view->version++;
    return status;
}
