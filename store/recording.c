#include "store/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const series_names[SERIES_KINDS] = {
    "loss",       "error",       "gradient_norm", "lr",        "update_ratio",
    "train_loss", "train_error", "dev_loss",      "dev_error", "examples_per_s"};

void recording_free(recording *run)
{
    if (!run)
        return;
    for (int i = 0; i < SERIES_KINDS; i++)
        series_free(&run->curves[i]);
    for (int i = 0; i < run->evaluation_count; i++)
        nn_evaluation_release(run->evaluations[i]);
    for (int i = 0; i < NN_PARTS; i++) {
        nn_evaluation_release(run->latest[i]);
        free(run->parts[i].ids);
        free(run->parts[i].labels);
    }
    free(run->evaluations);
    free(run->events);
    free(run->checkpoints);
    free(run);
}

int64_t recording_unsaved(const recording *run)
{
    int64_t sum = 0;
    for (int i = 0; i < SERIES_KINDS; i++)
        sum += run->curves[i].unsaved;
    return sum;
}

/* Room for one more in a growing array; false: out of memory. */
static bool one_more(void **array, int count, int *room, size_t size)
{
    if (count < *room)
        return true;
    int larger = *room ? *room * 2 : 8;
    void *grown = realloc(*array, (size_t)larger * size);
    if (!grown)
        return false;
    *array = grown;
    *room = larger;
    return true;
}

static void add_point(recording *run, series_kind kind, uint64_t step, double value)
{
    series *curve = &run->curves[kind];
    if (curve->unsaved >= RECORDING_POINTS_MAX / SERIES_KINDS || !series_add(curve, step, value))
        run->lost++;
    run->changed = true;
}

static run_event *add_event(recording *run, const nn_event *event, const char *kind,
                            const char *key)
{
    if (!one_more((void **)&run->events, run->event_count, &run->event_room, sizeof *run->events)) {
        run->lost++;
        return NULL;
    }
    run_event *added = &run->events[run->event_count++];
    memset(added, 0, sizeof *added);
    added->step = event->step;
    added->time_ms = process_now_ms();
    added->value = added->old_value = (double)NAN;
    copy_text(added->kind, sizeof added->kind, kind);
    copy_text(added->key, sizeof added->key, key);
    copy_text(added->text, sizeof added->text, event->text);
    run->changed = true;
    return added;
}

/* Training went back (a rollback): what was recorded after `step` is void. */
static void rewind_to(recording *run, uint64_t step)
{
    for (int i = 0; i < SERIES_KINDS; i++)
        series_cut(&run->curves[i], step);
    int kept = 0;
    for (int i = 0; i < run->evaluation_count; i++) {
        if (run->evaluations[i]->step > step)
            nn_evaluation_release(run->evaluations[i]);
        else
            run->evaluations[kept++] = run->evaluations[i];
    }
    run->evaluation_count = kept;
    run->rewind_step = run->rewound && run->rewind_step < step ? run->rewind_step : step;
    run->rewound = true;
    run->changed = true;
}

static void on_step(recording *run, const nn_event *event)
{
    if (event->step > 0 && event->step <= run->progress.step &&
        event->step <= run->curves[SERIES_LOSS].summary.last_step)
        rewind_to(run, event->step - 1);
    run->steps_waiting++;
    run->progress.step = event->step;
    run->progress.lr = event->lr;
    if (event->examples_per_s > 0)
        run->progress.examples_per_s = event->examples_per_s;
    add_point(run, SERIES_LOSS, event->step, event->loss);
    add_point(run, SERIES_ERROR, event->step, event->error);
    add_point(run, SERIES_GRADIENT_NORM, event->step, event->gradient_norm);
    add_point(run, SERIES_LR, event->step, event->lr);
    if (!isnan(event->update_ratio)) /* not measured at every step */
        add_point(run, SERIES_UPDATE_RATIO, event->step, event->update_ratio);
}

static void on_epoch(recording *run, const nn_event *event)
{
    recording_progress *progress = &run->progress;
    progress->step = event->step;
    progress->epoch = event->epoch;
    progress->train_loss = event->train_loss;
    progress->train_error = event->train_error;
    progress->dev_loss = event->dev_loss;
    progress->dev_error = event->dev_error;
    progress->examples_per_s = event->examples_per_s;
    add_point(run, SERIES_TRAIN_LOSS, event->step, event->train_loss);
    add_point(run, SERIES_TRAIN_ERROR, event->step, event->train_error);
    add_point(run, SERIES_SPEED, event->step, event->examples_per_s);
    if (isnan(event->dev_error)) /* no dev part */
        return;
    add_point(run, SERIES_DEV_LOSS, event->step, event->dev_loss);
    add_point(run, SERIES_DEV_ERROR, event->step, event->dev_error);
    if (isnan(progress->best_dev_error) || event->dev_error < progress->best_dev_error) {
        progress->best_dev_error = event->dev_error;
        progress->best_epoch = event->epoch;
    }
}

static void on_evaluation(recording *run, nn_evaluation *evaluation)
{
    if (!evaluation || evaluation->part < 0 || evaluation->part >= NN_PARTS)
        return;
    nn_evaluation **latest = &run->latest[evaluation->part];
    nn_evaluation_keep(evaluation);
    nn_evaluation_release(*latest);
    *latest = evaluation;
    if (!one_more((void **)&run->evaluations, run->evaluation_count, &run->evaluation_room,
                  sizeof(nn_evaluation *))) {
        run->lost++;
        return;
    }
    nn_evaluation_keep(evaluation);
    run->evaluations[run->evaluation_count++] = evaluation;
    if (evaluation->part == NN_TEST)
        run->progress.test_error = evaluation->error;
    run->changed = true;
}

static void on_command(recording *run, const nn_event *event, const char *kind)
{
    const nn_command *command = &event->command;
    bool set = command->kind == NN_COMMAND_SET;
    run_event *added =
        add_event(run, event, kind, set ? command->name : nn_command_name(command->kind));
    if (!added)
        return;
    bool refused = strcmp(kind, "refused") == 0;
    if (!refused && command->kind == NN_COMMAND_ROLLBACK && event->value < event->old_value) {
        rewind_to(run, (uint64_t)event->value);
        run->progress.step = (uint64_t)event->value;
    }
    added->value = refused ? command->value : event->value;
    added->old_value = refused ? (double)NAN : event->old_value;
}

static void on_checkpoint(recording *run, const nn_event *event)
{
    run_event *added = add_event(run, event, "checkpoint", event->name);
    if (added) {
        added->value = event->value;
        added->old_value = event->old_value;
        if (strcmp(event->name, "last") == 0 && event->old_value > 0)
            run->kept = (uint64_t)event->old_value;
    }
    if (!one_more((void **)&run->checkpoints, run->checkpoint_count, &run->checkpoint_room,
                  sizeof *run->checkpoints)) {
        run->lost++;
        return;
    }
    recording_checkpoint *checkpoint = &run->checkpoints[run->checkpoint_count++];
    copy_text(checkpoint->path, sizeof checkpoint->path, event->text);
    copy_text(checkpoint->kind, sizeof checkpoint->kind, event->name);
    checkpoint->step = event->step;
    checkpoint->dev_error = event->value;
    checkpoint->time_ms = process_now_ms();
    run->changed = run->important = true;
}

/* The word of table run for a trainer's state; NULL where the table knows no difference. */
static const char *state_word(nn_train_state state)
{
    switch (state) {
    case NN_RUNNING:
    case NN_EVALUATING:
        return "running";
    case NN_PAUSED:
        return "paused";
    case NN_FINISHED:
        return "finished";
    case NN_STOPPED:
        return "stopped";
    case NN_DIVERGED:
        return "diverged";
    case NN_FAILED:
        break;
    }
    return "failed";
}

static void on_state(recording *run, const nn_event *event)
{
    /* The last word is END's: until it comes the run still lives. */
    if (event->state != NN_RUNNING && event->state != NN_PAUSED && event->state != NN_EVALUATING)
        return;
    const char *word = state_word(event->state);
    if (event->state == NN_EVALUATING || strcmp(run->progress.state, word) == 0)
        return; /* evaluating is part of running, and of being paused */
    copy_text(run->progress.state, sizeof run->progress.state, word);
    add_event(run, event, "state", word);
}

static void on_nonfinite(recording *run, const nn_event *event)
{
    add_event(run, event, "nonfinite", "");
    copy_text(run->progress.message, sizeof run->progress.message, event->text);
    /* The step that failed is the one after those done. It belongs on the curve, and stays there
     * when the step is tried again; a rollback takes it away. */
    add_point(run, SERIES_LOSS, event->step + 1, event->loss);
    add_point(run, SERIES_GRADIENT_NORM, event->step + 1, event->gradient_norm);
}

static void on_end(recording *run, const nn_event *event)
{
    recording_progress *progress = &run->progress;
    uint64_t dropped = run->following ? run->source.dropped(run->source.context) : 0;
    if (dropped > 0) {
        nn_event note = *event;
        snprintf(note.text, sizeof note.text,
                 "%llu steps were not recorded: the recorder could not keep up",
                 (unsigned long long)dropped);
        add_event(run, &note, "note", "");
    }
    const char *word = state_word(event->state);
    bool alive = strcmp(word, "running") == 0 || strcmp(word, "paused") == 0;
    copy_text(progress->state, sizeof progress->state, alive ? "stopped" : word);
    add_event(run, event, "state", progress->state);
    if (event->text[0])
        copy_text(progress->message, sizeof progress->message, event->text);
    if (event->best_epoch > 0) {
        progress->best_epoch = event->best_epoch;
        progress->best_dev_error = event->best_dev_error;
    }
    if (!isnan(event->test_error))
        progress->test_error = event->test_error;
    progress->ended_ms = process_now_ms();
    run->following = false;
    run->ended = run->changed = run->important = true;
    run->ended_at = process_monotonic_ms();
}

void recording_apply(recording *run, const nn_event *event)
{
    if (event->seconds > 0)
        run->progress.seconds = run->seconds_before + event->seconds;
    switch (event->kind) {
    case NN_EVENT_START:
        if (event->step < run->progress.step)
            rewind_to(run, event->step);
        run->progress.step = event->step;
        break;
    case NN_EVENT_STEP:
        on_step(run, event);
        break;
    case NN_EVENT_EPOCH:
        on_epoch(run, event);
        break;
    case NN_EVENT_EVALUATION:
        on_evaluation(run, event->evaluation);
        break;
    case NN_EVENT_APPLIED:
        on_command(run, event, "applied");
        break;
    case NN_EVENT_REFUSED:
        on_command(run, event, "refused");
        break;
    case NN_EVENT_STATE:
        on_state(run, event);
        break;
    case NN_EVENT_NONFINITE:
        on_nonfinite(run, event);
        break;
    case NN_EVENT_CHECKPOINT:
        on_checkpoint(run, event);
        break;
    case NN_EVENT_NOTE:
        add_event(run, event, "note", "");
        break;
    case NN_EVENT_END:
        on_end(run, event);
        break;
    }
    nn_evaluation_release(event->evaluation);
}

void recording_abandon(recording *run)
{
    nn_event event;
    memset(&event, 0, sizeof event);
    event.kind = NN_EVENT_END;
    event.state = NN_STOPPED;
    event.step = run->progress.step;
    event.test_error = (double)NAN;
    snprintf(event.text, sizeof event.text, "recording ended before the run did");
    run->following = false;
    recording_apply(run, &event);
}
