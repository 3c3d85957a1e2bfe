/* The training thread: steps, ends of epochs, pauses, and the end. */
#include "engine/training.h"

#include "engine/blas.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The time constant of examples_per_s. */
#define SPEED_SECONDS 1.0

/* --- files ---------------------------------------------------------------------------------- */

/* A full disk must not end a training: it is told, and the next save tries again. */
static void save(nn_trainer *trainer, const char *name)
{
    nn_error error = {0};
    if (trainer->directory && nn_checkpoint_write(trainer, name, &error) != NN_OK)
        nn_trainer_note(trainer, "not saved, training goes on: %.220s", error.text);
}

static void save_last(nn_trainer *trainer)
{
    if (!trainer->saved)
        save(trainer, "last");
    trainer->saved = true;
}

/* --- copies to roll back to ----------------------------------------------------------------- */

/* Numbers often explode over some steps before the first NaN, so a fresh copy may hold ruined
 * weights. A copy counts as good only when it is one interval old; intervals are an epoch or
 * NN_SNAPSHOT_STEPS, whichever is shorter. */
static void keep_copy(nn_trainer *trainer)
{
    uint64_t interval = trainer->facts.steps_per_epoch < NN_SNAPSHOT_STEPS
                            ? trainer->facts.steps_per_epoch
                            : NN_SNAPSHOT_STEPS;
    uint64_t step = trainer->progress.step;
    nn_snapshot *good = &trainer->good, *candidate = &trainer->candidate;
    if (step % interval != 0 || good->progress.step == step ||
        (candidate->taken && candidate->progress.step == step))
        return;
    if (candidate->taken) {
        nn_snapshot old = *good;
        *good = *candidate;
        *candidate = old;
    }
    nn_snapshot_take(candidate, trainer->model, trainer->optimizer, &trainer->progress);
}

/* Forward moves the running statistics of batch norm. When a step turns out not finite they are put
 * back, so that the training is left exactly as it was before the step. */
size_t nn_training_statistics(nn_model *model, nn_real *values, bool back)
{
    size_t at = 0;
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        if (!nn_param_is_buffer(param))
            continue;
        size_t count = (size_t)nn_shape_count(nn_param_shape(param));
        if (values && back)
            memcpy(nn_param_data(param), values + at, count * sizeof *values);
        else if (values)
            memcpy(values + at, nn_param_values(param), count * sizeof *values);
        at += count;
    }
    return at;
}

/* --- not a number --------------------------------------------------------------------------- */

static bool find_bad(const nn_exec *exec, char *text, size_t size)
{
    nn_nonfinite bad;
    if (!nn_exec_first_nonfinite(exec, &bad))
        return false;
    int length = snprintf(text, size, "%s of '%s' (%s) at element %lld",
                          bad.in_gradient ? "gradient" : "value", nn_node_name(bad.node),
                          nn_node_op(bad.node), (long long)bad.index);
    if (isfinite(bad.input_min) && isfinite(bad.input_max) && length > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length,
                 "; its finite inputs reach from %.4g to %.4g", bad.input_min, bad.input_max);
    return true;
}

/* The training plan reuses memory, so the first bad tensor may be gone. The same step is run once
 * more in a plan that keeps everything. Returns false without memory for it. */
static bool find_bad_again(nn_trainer *trainer, char *text, size_t size)
{
    nn_exec_args args = {.batch = trainer->facts.batch,
                         .shards = trainer->facts.shards,
                         .training = true,
                         .keep_all = true,
                         .seed = trainer->args.seed};
    nn_network *network = &trainer->network;
    nn_error error;
    nn_exec *exec = nn_compile(trainer->graph, trainer->training_loss, &network->logits, 1,
                               trainer->pool, args, &error);
    if (!exec)
        return false;
    bool found = false;
    if (isnan(trainer->live_dropout) ||
        nn_exec_set_dropout(exec, trainer->live_dropout, &error) == NN_OK) {
        nn_exec_step(exec, trainer->random_step);
        if (nn_loader_feed(trainer->loader, trainer->progress.epoch, trainer->batch_index, exec,
                           network, trainer->targets, &error) > 0) {
            nn_forward(exec);
            bool done = nn_backward(exec, &error) == NN_OK;
            nn_training_statistics(trainer->model, trainer->statistics, true);
            found = done && find_bad(exec, text, size);
        }
    }
    nn_exec_free(exec);
    return found;
}

static void halt_nonfinite(nn_trainer *trainer, double loss, double norm)
{
    nn_event event = nn_trainer_event(trainer, NN_EVENT_NONFINITE);
    char where[200] = "a tensor that the plan did not keep";
    nn_training_statistics(trainer->model, trainer->statistics, true);
    if (!find_bad_again(trainer, where, sizeof where))
        find_bad(trainer->exec, where, sizeof where);
    snprintf(event.text, sizeof event.text, "%s in step %llu: %.190s",
             isnan(loss) || isnan(norm) ? "NaN" : "infinity",
             (unsigned long long)trainer->progress.step + 1, where);
    event.loss = loss;
    event.gradient_norm = norm;
    nn_optimizer_forget_gathered(trainer->optimizer);
    trainer->nonfinite = trainer->paused = true;
    trainer->steps_due = 0;
    trainer->pause_at_epoch = false;
    nn_trainer_emit(trainer, &event);
    nn_trainer_enter(trainer, NN_PAUSED);
}

/* --- one step ------------------------------------------------------------------------------- */

static void fail(nn_trainer *trainer, const nn_error *error)
{
    trainer->failure = *error;
    trainer->state = NN_FAILED;
    trainer->ended = true;
}

static double rate_at(const nn_trainer *trainer, uint64_t step)
{
    nn_schedule schedule = trainer->facts.schedule;
    schedule.reached = trainer->progress.reached;
    return nn_schedule_factor(&schedule, step) * nn_optimizer_get(trainer->optimizer).lr;
}

static double measure_speed(nn_trainer *trainer, int rows, double seconds)
{
    double keep = exp(-seconds / SPEED_SECONDS);
    trainer->speed_rows = keep * trainer->speed_rows + rows;
    trainer->speed_seconds = keep * trainer->speed_seconds + seconds;
    return trainer->speed_rows / fmax(trainer->speed_seconds, 1e-9);
}

static void account(nn_trainer *trainer, int rows, double loss, int64_t wrong)
{
    nn_progress *progress = &trainer->progress;
    progress->step++;
    progress->loss_sum += loss * rows;
    progress->wrong += wrong;
    progress->seen += rows;
    trainer->nonfinite = trainer->saved = false;
    if (trainer->steps_due > 0 && --trainer->steps_due == 0)
        trainer->paused = true;
}

static void report_step(nn_trainer *trainer, int rows, double loss, int64_t wrong, double lr,
                        nn_update update, double seconds)
{
    nn_event event = nn_trainer_event(trainer, NN_EVENT_STEP);
    event.loss = loss;
    event.error = (double)wrong / rows;
    event.lr = lr;
    event.gradient_norm = update.gradient_norm;
    event.update_ratio = update.update_ratio;
    event.examples_per_s = measure_speed(trainer, rows, seconds);
    nn_trainer_emit(trainer, &event);
}

/* What a step has seen of its batches. */
typedef struct {
    int rows;
    double loss; /* mean over all rows of the step, as far as they have come */
    int64_t wrong;
} tally;

/* Forward and backward of one batch, whose gradient has the weight of its rows among all rows of
 * the step. False: the training has ended or halted. */
static bool run_batch(nn_trainer *trainer, int all_rows, tally *seen)
{
    nn_exec *exec = trainer->exec;
    nn_error error = {0};
    nn_exec_step(exec, trainer->random_step);
    int rows = nn_loader_feed(trainer->loader, trainer->progress.epoch, trainer->batch_index, exec,
                              &trainer->network, trainer->targets, &error);
    if (rows == 0) {
        fail(trainer, &error);
        return false;
    }
    double share = (double)rows / all_rows, loss = nn_forward(exec);
    if (!isfinite(loss)) {
        halt_nonfinite(trainer, loss, 0);
        return false;
    }
    nn_health_after_forward(trainer, rows);
    seen->loss += loss * share;
    seen->rows += rows;
    seen->wrong += nn_count_wrong(nn_value(exec, trainer->network.logits),
                                  nn_exec_feed(exec, trainer->network.labels), rows);
    if (nn_backward(exec, &error) != NN_OK) {
        fail(trainer, &error);
        return false;
    }
    if (rows < all_rows)
        nn_optimizer_gather(trainer->optimizer, exec, trainer->pool, share);
    return true;
}

/* The batches of the step under way, one after the other. */
static bool run_batches(nn_trainer *trainer, tally *seen)
{
    const nn_progress *progress = &trainer->progress;
    uint64_t parts = (uint64_t)trainer->args.accumulate, all = nn_loader_batches(trainer->loader);
    uint64_t done = (uint64_t)progress->epoch * trainer->facts.steps_per_epoch;
    uint64_t first = (progress->step - done) * parts;
    uint64_t end = first + parts < all ? first + parts : all;
    int rows = 0;
    for (uint64_t i = first; i < end; i++)
        rows += nn_loader_rows(trainer->loader, i);
    for (uint64_t i = first; i < end; i++) {
        trainer->batch_index = i;
        trainer->random_step = progress->step * parts + (i - first);
        if (!run_batch(trainer, rows, seen))
            return false;
    }
    return true;
}

static void train_step(nn_trainer *trainer)
{
    double begun = nn_clock();
    tally seen = {0};
    keep_copy(trainer);
    nn_training_statistics(trainer->model, trainer->statistics, false);
    if (!run_batches(trainer, &seen))
        return;
    double lr = rate_at(trainer, trainer->progress.step);
    nn_update update = nn_optimizer_step(trainer->optimizer, trainer->exec, trainer->pool, lr);
    if (!update.applied) {
        halt_nonfinite(trainer, seen.loss, update.gradient_norm);
        return;
    }
    account(trainer, seen.rows, seen.loss, seen.wrong);
    nn_health_after_update(trainer);
    report_step(trainer, seen.rows, seen.loss, seen.wrong, lr, update, nn_clock() - begun);
}

/* --- the end of an epoch -------------------------------------------------------------------- */

static bool epoch_is_due(const nn_trainer *trainer)
{
    return trainer->progress.step ==
           (uint64_t)(trainer->progress.epoch + 1) * trainer->facts.steps_per_epoch;
}

static void report_epoch(nn_trainer *trainer)
{
    const nn_progress *progress = &trainer->progress;
    nn_event event = nn_trainer_event(trainer, NN_EVENT_EPOCH);
    double seen = progress->seen > 0 ? (double)progress->seen : NAN;
    event.epoch = progress->epoch;
    event.train_loss = progress->loss_sum / seen;
    event.train_error = (double)progress->wrong / seen;
    event.dev_loss = trainer->dev_loss;
    event.dev_error = trainer->dev_error;
    event.lr = rate_at(trainer, progress->step - 1);
    event.examples_per_s = trainer->speed_rows / fmax(trainer->speed_seconds, 1e-9);
    nn_trainer_emit(trainer, &event);
}

/* Is this epoch the best so far? With early stopping by the dev loss, as it waits for it; else by
 * the dev error. */
static bool is_best(nn_trainer *trainer)
{
    if (isnan(trainer->dev_error)) /* not evaluated: no verdict */
        return false;
    if (trainer->args.patience > 0)
        return nn_watch_look(&trainer->progress.stopping, trainer->dev_loss,
                             trainer->args.min_delta);
    return trainer->best_epoch == 0 || trainer->dev_error < trainer->best_dev_error;
}

/* Evaluates the dev part. False when a STOP arrived meanwhile. */
static bool evaluate_dev(nn_trainer *trainer)
{
    trainer->dev_loss = trainer->dev_error = NAN;
    if (nn_dataset_count(trainer->args.data, NN_DEV) < 1)
        return true;
    nn_error error = {0};
    nn_train_state before = trainer->state;
    nn_trainer_enter(trainer, NN_EVALUATING);
    trainer->progress.epoch++; /* the evaluation belongs to the epoch it closes */
    nn_evaluation *evaluation = nn_evaluate(trainer, NN_DEV, &error);
    trainer->progress.epoch--;
    nn_trainer_enter(trainer, before);
    if (!evaluation && error.code == NN_E_STATE)
        return false;
    if (!evaluation) {
        nn_trainer_note(trainer, "not evaluated, training goes on: %.200s", error.text);
        return true;
    }
    trainer->dev_loss = evaluation->loss;
    trainer->dev_error = evaluation->error;
    nn_event event = nn_trainer_event(trainer, NN_EVENT_EVALUATION);
    event.evaluation = evaluation;
    nn_trainer_emit(trainer, &event);
    nn_evaluation_release(evaluation);
    return true;
}

static void look_for_plateau(nn_trainer *trainer)
{
    nn_schedule schedule = trainer->facts.schedule;
    nn_progress *progress = &trainer->progress;
    schedule.reached = progress->reached;
    if (isnan(trainer->dev_loss)) /* not evaluated: no verdict */
        return;
    if (nn_schedule_look(&schedule, &progress->plateau, trainer->dev_loss))
        nn_trainer_note(trainer, "no better dev loss for %g epochs: rate times %g, now %g",
                        schedule.every, schedule.factor,
                        schedule.reached * nn_optimizer_get(trainer->optimizer).lr);
    progress->reached = schedule.reached;
}

static bool patience_is_over(const nn_trainer *trainer)
{
    return trainer->args.patience > 0 &&
           trainer->progress.stopping.waited >= trainer->args.patience;
}

/* An epoch that a STOP leaves unclosed is closed first by the training that resumes it. Where an
 * average of the weights is kept, it is the average that is judged, and kept as the best. */
static void close_epoch(nn_trainer *trainer)
{
    nn_progress *progress = &trainer->progress;
    nn_optimizer_swap_average(trainer->optimizer);
    bool evaluated = evaluate_dev(trainer), best = evaluated && is_best(trainer);
    if (best)
        nn_snapshot_take(&trainer->best, trainer->model, NULL, progress);
    nn_optimizer_swap_average(trainer->optimizer);
    if (!evaluated)
        return;
    progress->epoch++;
    report_epoch(trainer);
    look_for_plateau(trainer);
    progress->loss_sum = 0;
    progress->wrong = progress->seen = 0;
    trainer->saved = false;
    if (best) {
        trainer->best_epoch = progress->epoch;
        trainer->best_dev_error = trainer->dev_error;
        save(trainer, "best");
    }
    save_last(trainer);
    if (patience_is_over(trainer))
        nn_trainer_note(trainer,
                        "no better dev loss for %d epochs: stopped early, the best weights are "
                        "those of epoch %d",
                        progress->stopping.waited, trainer->best_epoch);
    if (trainer->pause_at_epoch) {
        trainer->pause_at_epoch = false;
        trainer->paused = true;
    }
}

/* --- the loop ------------------------------------------------------------------------------- */

static void look_for_the_end(nn_trainer *trainer)
{
    uint64_t halt = trainer->args.halt_after_steps;
    if (trainer->progress.epoch >= trainer->facts.epochs ||
        (patience_is_over(trainer) && trainer->progress.seen == 0) ||
        (halt > 0 && trainer->progress.step >= halt)) {
        trainer->state = NN_FINISHED;
        trainer->ended = trainer->complete = true;
    } else if (trainer->stop_after_epoch && trainer->progress.step > trainer->facts.start_step &&
               trainer->progress.step ==
                   (uint64_t)trainer->progress.epoch * trainer->facts.steps_per_epoch &&
               trainer->progress.seen == 0) {
        trainer->state = NN_STOPPED;
        trainer->ended = trainer->complete = true;
    }
}

static void wait_for_a_command(nn_trainer *trainer)
{
    nn_trainer_enter(trainer, NN_PAUSED);
    while (sem_wait(&trainer->wake) != 0 && errno == EINTR)
        ;
}

static void loop(nn_trainer *trainer)
{
    for (;;) {
        /* Commands posted from here on wake the wait below; those before are in the ring. */
        while (sem_trywait(&trainer->wake) == 0)
            ;
        if (epoch_is_due(trainer))
            close_epoch(trainer);
        look_for_the_end(trainer);
        if (trainer->ended)
            return;
        nn_commands_apply(trainer);
        if (trainer->ended)
            return;
        look_for_the_end(trainer); /* a STOP_AFTER_EPOCH between two epochs */
        if (trainer->ended)
            return;
        if (trainer->paused)
            wait_for_a_command(trainer);
        else
            train_step(trainer);
        if (trainer->ended)
            return;
    }
}

static void begin(nn_trainer *trainer)
{
    trainer->started = nn_clock();
    trainer->state = trainer->paused ? NN_PAUSED : NN_RUNNING;
    nn_snapshot_take(&trainer->good, trainer->model, trainer->optimizer, &trainer->progress);
    nn_event event = nn_trainer_event(trainer, NN_EVENT_START);
    nn_trainer_emit(trainer, &event);
    event = nn_trainer_event(trainer, NN_EVENT_STATE);
    nn_trainer_emit(trainer, &event);
    if (nn_blas_prepare() != 1)
        nn_trainer_note(trainer, "this BLAS cannot be called from several threads at once: "
                                 "training uses one; install libopenblas0-pthread");
}

/* The test part is looked at once, with the weights of the best dev error: choosing them by the
 * dev part keeps the test an honest one. */
static void measure_test(nn_trainer *trainer)
{
    if (trainer->best_epoch > 0 && trainer->best.taken)
        nn_snapshot_restore(&trainer->best, trainer->model, NULL, NULL);
    else
        nn_optimizer_swap_average(trainer->optimizer);
    if (nn_dataset_count(trainer->args.data, NN_TEST) < 1)
        return;
    nn_error error = {0};
    nn_evaluation *evaluation = nn_evaluate(trainer, NN_TEST, &error);
    if (!evaluation) {
        nn_trainer_note(trainer, "test part not measured: %.200s", error.text);
        return;
    }
    if (trainer->best_epoch > 0) {
        evaluation->epoch = trainer->best_epoch;
        evaluation->step = trainer->best.progress.step;
    }
    trainer->test_error = evaluation->error;
    nn_event event = nn_trainer_event(trainer, NN_EVENT_EVALUATION);
    event.evaluation = evaluation;
    nn_trainer_emit(trainer, &event);
    nn_evaluation_release(evaluation);
}

static void finish(nn_trainer *trainer)
{
    nn_train_state state = trainer->state;
    /* After non-finite numbers the last checkpoint is older and better than what is here. */
    if (!trainer->nonfinite && state != NN_FAILED)
        save_last(trainer);
    if (trainer->complete) {
        nn_trainer_enter(trainer, NN_EVALUATING);
        measure_test(trainer);
        nn_trainer_enter(trainer, state);
    } else {
        nn_event told = nn_trainer_event(trainer, NN_EVENT_STATE);
        nn_trainer_emit(trainer, &told);
    }
    nn_commands_refuse_rest(trainer);
    nn_event event = nn_trainer_event(trainer, NN_EVENT_END);
    event.dev_loss = trainer->dev_loss;
    event.dev_error = trainer->dev_error;
    event.test_error = trainer->test_error;
    snprintf(event.text, sizeof event.text, "%.255s", trainer->failure.text);
    nn_trainer_emit(trainer, &event);
}

void *nn_training_run(void *context)
{
    nn_trainer *trainer = context;
    begin(trainer);
    loop(trainer);
    finish(trainer);
    return NULL;
}
