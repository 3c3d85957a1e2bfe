/* A run as panels see it, filled from the events of a live trainer. (run_load.c fills it from the
 * store.) */
#include "ui/run_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CURVES = 9 };

static void curves_of(run_view *view, curve **list[CURVES])
{
    curve **all[CURVES] = {&view->loss,         &view->gradient_norm, &view->lr,
                           &view->update_ratio, &view->train_loss,    &view->train_error,
                           &view->dev_loss,     &view->dev_error,     &view->speed};
    memcpy(list, all, sizeof all);
}

run_view *run_view_new(void)
{
    run_view *view = calloc(1, sizeof *view);
    if (!view)
        return NULL;
    curve **list[CURVES];
    curves_of(view, list);
    bool complete = true;
    for (int i = 0; i < CURVES; i++)
        complete = (*list[i] = curve_new()) != NULL && complete;
    if (!complete) {
        run_view_free(view);
        return NULL;
    }
    run_row *row = &view->row;
    row->train_loss = row->train_error = row->dev_loss = row->dev_error = NAN;
    row->best_dev_error = row->test_error = row->examples_per_s = row->lr = NAN;
    view->base_lr = view->examples_per_s = view->eta_seconds = view->human_error =
        view->train_dev_error = NAN;
    view->train_error_now = view->train_loss_now = NAN;
    return view;
}

void run_view_free(run_view *view)
{
    if (!view)
        return;
    curve **list[CURVES];
    curves_of(view, list);
    for (int i = 0; i < CURVES; i++)
        curve_free(*list[i]);
    for (int i = 0; i < view->evaluation_count; i++)
        free(view->evaluations[i].confusion);
    free(view->evaluations);
    free(view->test.confusion);
    free(view->class_names);
    free(view->events);
    free(view);
}

nn_status run_view_describe(run_view *view, const nn_train_facts *facts, const nn_dataset *data,
                            const char *model, const char *name, nn_error *error)
{
    run_row *row = &view->row;
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->model, sizeof row->model, "%s", model);
    snprintf(row->data, sizeof row->data, "%s", nn_dataset_name(data));
    snprintf(row->optimizer, sizeof row->optimizer, "%s", nn_optimizer_name(facts->optimizer.kind));
    nn_schedule_text(&facts->schedule, row->schedule, sizeof row->schedule);
    row->parameters = facts->parameters;
    row->multiply_adds = facts->multiply_adds;
    row->shards = facts->shards, row->threads = facts->threads;
    row->batch = facts->batch, row->epochs = facts->epochs;
    row->total_steps = facts->total_steps, row->steps_per_epoch = facts->steps_per_epoch;
    row->step = facts->start_step;
    view->schedule = facts->schedule;
    view->base_lr = facts->optimizer.lr;
    view->l2 = facts->optimizer.l2;
    view->momentum = facts->optimizer.beta1;
    view->clip_norm = facts->optimizer.clip_norm;
    view->dropout = facts->dropout;
    view->has_dropout = facts->has_dropout;
    view->train_count = nn_dataset_count(data, NN_TRAIN);
    view->loaded = true;
    view->version++;
    int classes = nn_dataset_classes(data);
    char(*names)[64] = calloc(classes > 0 ? (size_t)classes : 1, sizeof *names);
    if (!names)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the names of %d classes", classes);
    for (int i = 0; i < classes; i++)
        snprintf(names[i], sizeof *names, "%s", nn_dataset_class_name(data, i));
    free(view->class_names);
    view->class_names = names;
    view->class_count = row->classes = classes;
    return NN_OK;
}

bool run_view_active(const run_view *view)
{
    return view->loaded && (view->row.state == RUN_RUNNING || view->row.state == RUN_PAUSED);
}

bool run_view_add_event(run_view *view, const run_event *event)
{
    if (view->event_count == view->event_room) {
        int room = view->event_room > 0 ? 2 * view->event_room : 32;
        run_event *events = realloc(view->events, (size_t)room * sizeof *events);
        if (!events)
            return false;
        view->events = events;
        view->event_room = room;
    }
    view->events[view->event_count++] = *event;
    return true;
}

void run_view_cut(run_view *view, double step)
{
    curve **list[CURVES];
    curves_of(view, list);
    for (int i = 0; i < CURVES; i++)
        curve_cut(*list[i], step);
    while (view->evaluation_count > 0 &&
           (double)view->evaluations[view->evaluation_count - 1].step > step)
        free(view->evaluations[--view->evaluation_count].confusion);
}

void run_view_estimate(run_view *view)
{
    const run_row *row = &view->row;
    view->eta_seconds = NAN;
    if (!run_view_active(view) || row->total_steps == 0 || !(view->examples_per_s > 0))
        return;
    double left = row->total_steps > row->step ? (double)(row->total_steps - row->step) : 0;
    view->eta_seconds = left * row->batch / view->examples_per_s;
}

/* --- one event of a live trainer ----------------------------------------------------------------
 */

static void note(run_view *view, const nn_event *event, const char *kind, const char *key)
{
    run_event line = {.step = event->step,
                      .time_ms = view->clock_ms + (int64_t)(event->seconds * 1000),
                      .old_value = event->old_value,
                      .value = event->value};
    snprintf(line.kind, sizeof line.kind, "%s", kind);
    snprintf(line.key, sizeof line.key, "%s", key);
    snprintf(line.text, sizeof line.text, "%s", event->text);
    run_view_add_event(view, &line); /* without memory the log lacks a line */
}

static void apply_start(run_view *view, const nn_event *event)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    view->clock_ms =
        (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)(event->seconds * 1000);
    run_view_cut(view, (double)event->step);
    view->row.step = event->step;
    view->row.state = RUN_RUNNING;
    view->epoch_steps = 0;
}

static void apply_step(run_view *view, const nn_event *event)
{
    double x = (double)event->step, last, y;
    if (curve_count(view->loss) > 0) {
        curve_point(view->loss, curve_count(view->loss) - 1, &last, &y);
        if (x <= last) /* rolled back: what came after was undone */
            run_view_cut(view, x - 1);
    }
    curve_add(view->loss, x, event->loss);
    curve_add(view->gradient_norm, x, event->gradient_norm);
    curve_add(view->lr, x, event->lr);
    curve_add(view->update_ratio, x, event->update_ratio);
    view->row.step = event->step;
    view->row.lr = event->lr;
    if (event->examples_per_s > 0)
        view->examples_per_s = event->examples_per_s;
    view->epoch_loss += event->loss;
    view->epoch_error += event->error;
    view->epoch_steps++;
    view->train_loss_now = view->epoch_loss / (double)view->epoch_steps;
    view->train_error_now = view->epoch_error / (double)view->epoch_steps;
}

static void apply_epoch(run_view *view, const nn_event *event)
{
    run_row *row = &view->row;
    double x = (double)event->step;
    curve_add(view->train_loss, x, event->train_loss);
    curve_add(view->train_error, x, event->train_error);
    if (!isnan(event->dev_loss) || !isnan(event->dev_error)) {
        curve_add(view->dev_loss, x, event->dev_loss);
        curve_add(view->dev_error, x, event->dev_error);
    }
    curve_add(view->speed, x, event->examples_per_s);
    row->epoch = event->epoch;
    row->step = event->step;
    row->train_loss = event->train_loss, row->train_error = event->train_error;
    row->dev_loss = event->dev_loss, row->dev_error = event->dev_error;
    if (event->dev_error < row->best_dev_error ||
        (isnan(row->best_dev_error) && !isnan(event->dev_error))) {
        row->best_dev_error = event->dev_error;
        row->best_epoch = event->epoch;
    }
    view->epoch_loss = view->epoch_error = 0;
    view->epoch_steps = 0;
}

static bool copy_evaluation(store_evaluation *to, const nn_evaluation *from)
{
    size_t bytes = (size_t)from->classes * (size_t)from->classes * sizeof *from->confusion;
    int32_t *confusion = malloc(bytes > 0 ? bytes : 1);
    if (!confusion)
        return false;
    memcpy(confusion, from->confusion, bytes);
    *to = (store_evaluation){.part = from->part,
                             .step = from->step,
                             .epoch = from->epoch,
                             .classes = from->classes,
                             .count = from->count,
                             .loss = from->loss,
                             .error = from->error,
                             .confusion = confusion};
    return true;
}

static void apply_evaluation(run_view *view, const nn_evaluation *evaluation)
{
    store_evaluation copy;
    if (evaluation->part == NN_TRAIN || !copy_evaluation(&copy, evaluation))
        return;
    if (copy.part == NN_TEST) {
        free(view->test.confusion);
        view->test = copy;
        view->row.test_error = copy.error;
        return;
    }
    if (view->evaluation_count > 0 &&
        view->evaluations[view->evaluation_count - 1].step == copy.step) {
        free(view->evaluations[view->evaluation_count - 1].confusion);
        view->evaluations[view->evaluation_count - 1] = copy;
        return;
    }
    if (view->evaluation_count == view->evaluation_room) {
        int room = view->evaluation_room > 0 ? 2 * view->evaluation_room : 16;
        store_evaluation *list = realloc(view->evaluations, (size_t)room * sizeof *list);
        if (!list) {
            free(copy.confusion);
            return;
        }
        view->evaluations = list;
        view->evaluation_room = room;
    }
    view->evaluations[view->evaluation_count++] = copy;
}

static void apply_command(run_view *view, const nn_event *event)
{
    const nn_command *command = &event->command;
    bool set = command->kind == NN_COMMAND_SET;
    note(view, event, "applied", set ? command->name : nn_command_name(command->kind));
    if (set && strcmp(command->name, "lr") == 0)
        view->base_lr = event->value;
    if (set && strcmp(command->name, "dropout") == 0)
        view->dropout = event->value;
    if (set && strcmp(command->name, "l2") == 0)
        view->l2 = event->value;
    if (set && strcmp(command->name, "momentum") == 0)
        view->momentum = event->value;
    if (set && strcmp(command->name, "clip") == 0)
        view->clip_norm = event->value;
    if (command->kind == NN_COMMAND_ROLLBACK) {
        run_view_cut(view, (double)event->step);
        view->row.step = event->step;
    }
    if (command->kind == NN_COMMAND_ROLLBACK || command->kind == NN_COMMAND_RESUME)
        view->alert[0] = 0;
}

static run_state state_of(nn_train_state state, run_state before)
{
    switch (state) {
    case NN_RUNNING:
        return RUN_RUNNING;
    case NN_PAUSED:
        return RUN_PAUSED;
    case NN_EVALUATING:
        return before;
    case NN_FINISHED:
        return RUN_FINISHED;
    case NN_STOPPED:
        return RUN_STOPPED;
    case NN_DIVERGED:
        return RUN_DIVERGED;
    case NN_FAILED:
        break;
    }
    return RUN_FAILED;
}

static void apply_end(run_view *view, const nn_event *event)
{
    run_row *row = &view->row;
    row->state = state_of(event->state, row->state);
    row->seconds = event->seconds;
    row->ended_ms = view->clock_ms + (int64_t)(event->seconds * 1000);
    if (!isnan(event->test_error))
        row->test_error = event->test_error;
    if (event->best_epoch > 0) {
        row->best_epoch = event->best_epoch;
        row->best_dev_error = event->best_dev_error;
    }
    snprintf(row->message, sizeof row->message, "%s", event->text);
    view->eta_seconds = NAN;
    note(view, event, "end", nn_train_state_name(event->state));
}

static void apply_checkpoint(run_view *view, const nn_event *event)
{
    run_row *row = &view->row;
    bool best = strcmp(event->name, "best") == 0;
    snprintf(best ? row->best_checkpoint : row->last_checkpoint, sizeof row->last_checkpoint, "%s",
             event->text);
    note(view, event, "checkpoint", event->name);
}

void run_view_apply(run_view *view, nn_event *event)
{
    switch (event->kind) {
    case NN_EVENT_START:
        apply_start(view, event);
        break;
    case NN_EVENT_STEP:
        apply_step(view, event);
        break;
    case NN_EVENT_EPOCH:
        apply_epoch(view, event);
        break;
    case NN_EVENT_EVALUATION:
        if (event->evaluation)
            apply_evaluation(view, event->evaluation);
        break;
    case NN_EVENT_APPLIED:
        apply_command(view, event);
        break;
    case NN_EVENT_REFUSED:
        note(view, event, "refused",
             event->command.kind == NN_COMMAND_SET ? event->command.name
                                                   : nn_command_name(event->command.kind));
        break;
    case NN_EVENT_STATE:
        view->row.state = state_of(event->state, view->row.state);
        break;
    case NN_EVENT_NONFINITE:
        note(view, event, "nonfinite", "");
        snprintf(view->alert, sizeof view->alert, "%s", event->text);
        break;
    case NN_EVENT_CHECKPOINT:
        apply_checkpoint(view, event);
        break;
    case NN_EVENT_NOTE:
        note(view, event, "note", "");
        break;
    case NN_EVENT_END:
        apply_end(view, event);
        break;
    }
    if (event->seconds > view->row.seconds)
        view->row.seconds = event->seconds;
    nn_evaluation_release(event->evaluation);
    event->evaluation = NULL;
    run_view_estimate(view);
    view->version++;
}
