#include "engine/patterns.h"
#include "engine/training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *nn_command_name(nn_command_kind kind)
{
    static const char *const names[] = {
        [NN_COMMAND_PAUSE] = "pause",
        [NN_COMMAND_RESUME] = "resume",
        [NN_COMMAND_STEP] = "step",
        [NN_COMMAND_EPOCH] = "epoch",
        [NN_COMMAND_STOP_AFTER_EPOCH] = "stop after epoch",
        [NN_COMMAND_STOP] = "stop",
        [NN_COMMAND_SET] = "set",
        [NN_COMMAND_EVALUATE] = "evaluate",
        [NN_COMMAND_SAVE] = "save",
        [NN_COMMAND_ROLLBACK] = "rollback",
        [NN_COMMAND_THREADS] = "threads",
        [NN_COMMAND_FREEZE] = "freeze",
        [NN_COMMAND_UNFREEZE] = "unfreeze",
    };
    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

/* --- answers -------------------------------------------------------------------------------- */

/* The step before which a command applied now takes effect, counted from 1. */
static uint64_t next_step(const nn_trainer *trainer)
{
    return trainer->progress.step + 1;
}

static void answer(nn_trainer *trainer, const nn_command *command, uint64_t before,
                   double old_value, double value)
{
    nn_event event = nn_trainer_event(trainer, NN_EVENT_APPLIED);
    event.command = *command;
    event.command.at_step = before;
    event.old_value = old_value;
    event.value = value;
    if (command->kind == NN_COMMAND_FREEZE || command->kind == NN_COMMAND_UNFREEZE)
        snprintf(event.text, sizeof event.text, "%s", command->name);
    nn_trainer_emit(trainer, &event);
}

static void refuse(nn_trainer *trainer, const nn_command *command, const char *why)
{
    nn_event event = nn_trainer_event(trainer, NN_EVENT_REFUSED);
    event.command = *command;
    snprintf(event.text, sizeof event.text, "%.255s", why);
    nn_trainer_emit(trainer, &event);
}

/* --- each command: NN_OK, or refused with the reason in `error` ----------------------------- */

static nn_status set_dropout(nn_trainer *trainer, double value, double *old, nn_error *error)
{
    *old = nn_exec_dropout(trainer->exec);
    if (isnan(*old))
        return nn_fail(error, NN_E_STATE, "the model has no dropout layer");
    nn_status status = nn_exec_set_dropout(trainer->exec, value, error);
    if (status == NN_OK)
        trainer->live_dropout = value;
    return status;
}

static nn_status set_patience(nn_trainer *trainer, double value, double *old, nn_error *error)
{
    if (!(value >= 0 && value <= 1e8) || value != floor(value))
        return nn_fail(error, NN_E_ARG, "patience %g: expected a whole number of epochs", value);
    if (value > 0 && nn_dataset_count(trainer->args.data, NN_DEV) < 1)
        return nn_fail(error, NN_E_STATE, "patience needs a dev part to wait for");
    *old = trainer->args.patience;
    trainer->args.patience = (int)value;
    return NN_OK;
}

static nn_status set_min_delta(nn_trainer *trainer, double value, double *old, nn_error *error)
{
    if (!(value >= 0 && isfinite(value)))
        return nn_fail(error, NN_E_ARG, "min-delta %g: expected a number from 0 on", value);
    *old = trainer->args.min_delta;
    trainer->args.min_delta = value;
    return NN_OK;
}

/* Another plan: what is frozen needs no gradient. */
static nn_status set_frozen(nn_trainer *trainer, const char *pattern, bool frozen, double *count,
                            nn_error *error)
{
    int changed = 0;
    nn_status status = nn_set_frozen(trainer->model, pattern, frozen, &changed, error);
    if (status == NN_OK && changed > 0)
        status = nn_trainer_recompile(trainer, error);
    *count = changed;
    trainer->saved = false;
    return status;
}

static nn_status set(nn_trainer *trainer, const nn_command *command, double *old, nn_error *error)
{
    if (strcmp(command->name, "dropout") == 0)
        return set_dropout(trainer, command->value, old, error);
    if (strcmp(command->name, "patience") == 0)
        return set_patience(trainer, command->value, old, error);
    if (strcmp(command->name, "min-delta") == 0)
        return set_min_delta(trainer, command->value, old, error);
    nn_optimizer_args args = nn_optimizer_get(trainer->optimizer);
    double *field = strcmp(command->name, "lr") == 0           ? &args.lr
                    : strcmp(command->name, "momentum") == 0   ? &args.beta1
                    : strcmp(command->name, "clip") == 0       ? &args.clip_norm
                    : strcmp(command->name, "clip-value") == 0 ? &args.clip_value
                    : strcmp(command->name, "l2") == 0         ? &args.l2
                    : strcmp(command->name, "l1") == 0         ? &args.l1
                    : strcmp(command->name, "average") == 0    ? &args.average
                                                               : NULL;
    if (!field)
        return nn_fail(error, NN_E_ARG,
                       "'%.15s': expected lr, momentum, clip, clip-value, dropout, l1, l2, "
                       "average, patience or min-delta",
                       command->name);
    if (field == &args.beta1 &&
        (args.kind == NN_SGD || args.kind == NN_ADAGRAD || args.kind == NN_RMSPROP))
        return nn_fail(error, NN_E_STATE, "%s has no momentum", nn_optimizer_name(args.kind));
    *old = *field;
    *field = command->value;
    return nn_optimizer_set(trainer->optimizer, args, error);
}

static nn_status evaluate_now(nn_trainer *trainer, double *value, nn_error *error)
{
    nn_train_state before = trainer->state;
    nn_trainer_enter(trainer, NN_EVALUATING);
    nn_optimizer_swap_average(trainer->optimizer);
    nn_evaluation *evaluation = nn_evaluate(trainer, NN_DEV, error);
    nn_optimizer_swap_average(trainer->optimizer);
    nn_trainer_enter(trainer, before);
    if (!evaluation)
        return NN_E_STATE;
    *value = trainer->dev_error = evaluation->error;
    trainer->dev_loss = evaluation->loss;
    nn_event event = nn_trainer_event(trainer, NN_EVENT_EVALUATION);
    event.evaluation = evaluation;
    nn_trainer_emit(trainer, &event);
    nn_evaluation_release(evaluation);
    return NN_OK;
}

static nn_status roll_back(nn_trainer *trainer)
{
    nn_snapshot_restore(&trainer->good, trainer->model, trainer->optimizer, &trainer->progress);
    trainer->candidate.taken = false;
    trainer->nonfinite = trainer->saved = false;
    trainer->paused = true;
    trainer->steps_due = 0;
    trainer->pause_at_epoch = trainer->stop_after_epoch = false;
    /* The last checkpoint is of a course that is given up: nobody shall resume from it. */
    nn_error error = {0};
    if (trainer->directory && nn_checkpoint_write(trainer, "last", &error) != NN_OK)
        nn_trainer_note(trainer, "not saved, training goes on: %.220s", error.text);
    trainer->saved = trainer->directory && error.code == NN_OK;
    nn_trainer_enter(trainer, NN_PAUSED);
    return NN_OK;
}

static nn_status save(nn_trainer *trainer, nn_error *error)
{
    if (!trainer->directory)
        return nn_fail(error, NN_E_STATE, "this training has no directory for checkpoints");
    nn_status status = nn_checkpoint_write(trainer, "last", error);
    trainer->saved |= status == NN_OK;
    return status;
}

static nn_status set_threads(nn_trainer *trainer, double value, nn_error *error)
{
    if (!(value >= 1 && value <= 1024) || value != floor(value))
        return nn_fail(error, NN_E_ARG, "threads %g: expected a whole number from 1 on", value);
    return nn_pool_resize(trainer->pool, (int)value, error);
}

/* Running again after a pause, if only for a while. */
static nn_status go(nn_trainer *trainer, uint64_t steps, bool to_epoch_end)
{
    trainer->paused = false;
    trainer->steps_due = steps;
    trainer->pause_at_epoch = to_epoch_end;
    nn_trainer_enter(trainer, NN_RUNNING);
    return NN_OK;
}

static void end(nn_trainer *trainer, nn_train_state state)
{
    trainer->ended = true;
    trainer->state = state; /* told by training.c, after the last checkpoint */
}

static nn_status apply(nn_trainer *trainer, const nn_command *command, double *old, double *value,
                       nn_error *error)
{
    switch (command->kind) {
    case NN_COMMAND_PAUSE:
        trainer->paused = true;
        trainer->steps_due = 0;
        trainer->pause_at_epoch = false;
        nn_trainer_enter(trainer, NN_PAUSED);
        return NN_OK;
    case NN_COMMAND_RESUME:
        return go(trainer, 0, false);
    case NN_COMMAND_STEP: /* pressed twice: two steps */
        return go(trainer, trainer->steps_due + 1, false);
    case NN_COMMAND_EPOCH:
        return go(trainer, 0, true);
    case NN_COMMAND_STOP_AFTER_EPOCH:
        trainer->stop_after_epoch = true;
        return NN_OK;
    case NN_COMMAND_STOP:
        end(trainer, trainer->nonfinite ? NN_DIVERGED : NN_STOPPED);
        return NN_OK;
    case NN_COMMAND_SET:
        trainer->saved = false;
        return set(trainer, command, old, error);
    case NN_COMMAND_EVALUATE:
        return evaluate_now(trainer, value, error);
    case NN_COMMAND_SAVE:
        return save(trainer, error);
    case NN_COMMAND_ROLLBACK:
        *old = (double)trainer->progress.step;
        *value = (double)trainer->good.progress.step;
        return roll_back(trainer);
    case NN_COMMAND_THREADS:
        *old = nn_pool_threads(trainer->pool);
        return set_threads(trainer, command->value, error);
    case NN_COMMAND_FREEZE:
    case NN_COMMAND_UNFREEZE:
        return set_frozen(trainer, command->name, command->kind == NN_COMMAND_FREEZE, value, error);
    }
    return nn_fail(error, NN_E_ARG, "command %d does not exist", (int)command->kind);
}

static void carry_out(nn_trainer *trainer, nn_command command)
{
    command.name[sizeof command.name - 1] = '\0';
    double old = NAN, value = command.value;
    uint64_t before = next_step(trainer);
    nn_error error = {0};
    if (apply(trainer, &command, &old, &value, &error) == NN_OK)
        answer(trainer, &command, before, old, value);
    else
        refuse(trainer, &command, error.text);
}

/* --- the queues ----------------------------------------------------------------------------- */

static void schedule(nn_trainer *trainer, const nn_command *command)
{
    if (trainer->scheduled_count == NN_SCHEDULED_ROOM) {
        refuse(trainer, command, "too many commands wait for their step; post it later");
        return;
    }
    size_t tail = (trainer->scheduled_head + trainer->scheduled_count++) % NN_SCHEDULED_ROOM;
    trainer->scheduled[tail] = *command;
}

static void drain(nn_trainer *trainer)
{
    nn_command command;
    while (trainer->inbox_count < NN_COMMAND_ROOM && nn_ring_take(&trainer->commands, &command)) {
        if (command.at_step > 0)
            schedule(trainer, &command);
        else
            trainer->inbox[trainer->inbox_count++] = command;
    }
}

static bool take_inbox(nn_trainer *trainer, nn_command *command)
{
    if (trainer->inbox_count == 0)
        return false;
    *command = trainer->inbox[0];
    memmove(trainer->inbox, trainer->inbox + 1,
            (size_t)--trainer->inbox_count * sizeof *trainer->inbox);
    return true;
}

/* Only the head may apply: after a rollback a log visits the same steps a second time, and the
 * order is what tells its visits apart. */
static bool take_scheduled(nn_trainer *trainer, nn_command *command)
{
    if (trainer->scheduled_count == 0 ||
        trainer->scheduled[trainer->scheduled_head].at_step > next_step(trainer))
        return false;
    *command = trainer->scheduled[trainer->scheduled_head];
    trainer->scheduled_head = (trainer->scheduled_head + 1) % NN_SCHEDULED_ROOM;
    trainer->scheduled_count--;
    return true;
}

void nn_commands_apply(nn_trainer *trainer)
{
    nn_command command;
    if (atomic_load(&trainer->abort)) {
        end(trainer, trainer->nonfinite ? NN_DIVERGED : NN_STOPPED);
        return;
    }
    for (;;) {
        drain(trainer);
        if (trainer->ended)
            return;
        if (take_inbox(trainer, &command)) {
            carry_out(trainer, command);
        } else if (take_scheduled(trainer, &command)) {
            if (command.at_step < next_step(trainer))
                refuse(trainer, &command, "its step has passed");
            else
                carry_out(trainer, command);
        } else {
            return;
        }
    }
}

bool nn_commands_stop_waits(nn_trainer *trainer)
{
    drain(trainer);
    for (int i = 0; i < trainer->inbox_count; i++)
        if (trainer->inbox[i].kind == NN_COMMAND_STOP)
            return true;
    return atomic_load(&trainer->abort);
}

void nn_commands_refuse_rest(nn_trainer *trainer)
{
    nn_command command;
    drain(trainer);
    while (take_inbox(trainer, &command))
        refuse(trainer, &command, "the training has ended");
    for (; trainer->scheduled_count > 0; trainer->scheduled_count--) {
        refuse(trainer, &trainer->scheduled[trainer->scheduled_head],
               "the training ended before its step");
        trainer->scheduled_head = (trainer->scheduled_head + 1) % NN_SCHEDULED_ROOM;
    }
}
