#include "ui/commands/report.h"
#include "ui/commands/common.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

report report_new(bool as_json)
{
    return (report){.json = {.out = stdout},
                    .as_json = as_json,
                    .in_place = isatty(STDERR_FILENO),
                    .last_update = -1};
}

/* A reader that went away ("| head") must not end a training: it is said, and the run goes on. */
static void check_output(report *r, bool written)
{
    if (written || r->output_lost)
        return;
    r->output_lost = true;
    report_say(r, "stdout cannot be written (%s): the training goes on without it",
               strerror(errno));
}

static void end_line(report *r)
{
    check_output(r, json_line(&r->json));
}

static void close_progress(report *r)
{
    if (r->line_open)
        fputc('\n', stderr);
    r->line_open = false;
}

void report_say(report *r, const char *format, ...)
{
    close_progress(r);
    va_list list;
    va_start(list, format);
    fputs("gradus: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

static void json_run(json_out *json, run_id run)
{
    if (run > 0)
        json_whole(json, "run", run);
    else
        json_null(json, "run");
}

void report_begin(report *r, const report_start *start)
{
    r->epochs = start->epochs;
    r->total_steps = start->total_steps;
    r->batch = start->batch;
    if (!r->as_json) {
        fprintf(stderr, "%s on %s: %" PRId64 " parameters, %d epochs of batches of %d, %s %g, ",
                start->model, start->data, start->parameters, start->epochs, start->batch,
                start->optimizer, start->lr);
        fprintf(stderr, "threads %d, shards %d\n", start->threads, start->shards);
        if (start->run > 0)
            fprintf(stderr, "run %lld (%s) in %s%s\n", (long long)start->run, start->name,
                    start->store, start->first_epoch > 0 ? ", resumed" : "");
        return;
    }
    json_out *json = &r->json;
    json_open(json, NULL, '{');
    json_text(json, "event", "start");
    json_run(json, start->run);
    json_text(json, "name", start->name);
    json_text(json, "data", start->data);
    json_text(json, "model", start->model);
    json_text(json, "optimizer", start->optimizer);
    json_number(json, "lr", start->lr);
    json_text(json, "schedule", start->schedule);
    json_whole(json, "parameters", start->parameters);
    json_whole(json, "shards", start->shards);
    json_whole(json, "threads", start->threads);
    json_whole(json, "batch", start->batch);
    json_whole(json, "epochs", start->epochs);
    json_seed(json, "seed", start->seed);
    json_seed(json, "step", start->step);
    json_seed(json, "total_steps", start->total_steps);
    json_text(json, "store", *start->store ? start->store : NULL);
    json_close(json, '}');
    end_line(r);
}

static void print_epoch(report *r, const report_epoch *e)
{
    char train[16], dev[16], time[32];
    if (r->in_place)
        fputs("\r\033[K", stderr);
    r->line_open = false;
    fprintf(stderr, "epoch %d/%d  train %.4f  %s  dev %.4f  %s  rate %g  %.0f/s  %s\n", e->epoch,
            r->epochs, e->train_loss, percent(e->train_error, train), e->dev_loss,
            percent(e->dev_error, dev), e->lr, e->examples_per_s, duration(e->seconds, time));
}

void report_epoch_done(report *r, const report_epoch *e)
{
    if (!r->as_json) {
        print_epoch(r, e);
        return;
    }
    json_out *json = &r->json;
    json_open(json, NULL, '{');
    json_text(json, "event", "epoch");
    json_whole(json, "epoch", e->epoch);
    json_seed(json, "step", e->step);
    json_number(json, "train_loss", e->train_loss);
    json_number(json, "train_error", e->train_error);
    json_number(json, "dev_loss", e->dev_loss);
    json_number(json, "dev_error", e->dev_error);
    json_number(json, "lr", e->lr);
    json_number(json, "examples_per_s", e->examples_per_s);
    json_number(json, "seconds", e->seconds);
    json_close(json, '}');
    end_line(r);
}

void report_step(report *r, int epoch, uint64_t step, double loss, double examples_per_s,
                 double seconds)
{
    if (r->as_json || !r->in_place || seconds - r->last_update < 0.2)
        return;
    r->last_update = seconds;
    char left[32];
    double steps = step < r->total_steps ? (double)(r->total_steps - step) : 0;
    double eta = examples_per_s > 0 ? steps * r->batch / examples_per_s : NAN;
    fprintf(stderr, "\r\033[Kepoch %d/%d  step %" PRIu64 "/%" PRIu64 "  loss %.4f  %.0f/s  %s left",
            epoch, r->epochs, step, r->total_steps, loss, examples_per_s, duration(eta, left));
    fflush(stderr);
    r->line_open = true;
}

void report_applied(report *r, const nn_event *event)
{
    const nn_command *command = &event->command;
    bool sets = command->kind == NN_COMMAND_SET;
    const char *name = sets ? command->name : nn_command_name(command->kind);
    if (!r->as_json) {
        if (sets)
            report_say(r, "step %" PRIu64 ": %s %g -> %g", event->step, name, event->old_value,
                       event->value);
        else
            report_say(r, "step %" PRIu64 ": %s", event->step, name);
        return;
    }
    json_out *json = &r->json;
    json_open(json, NULL, '{');
    json_text(json, "event", "applied");
    json_seed(json, "step", event->step);
    json_text(json, "command", name);
    if (sets) {
        json_number(json, "old", event->old_value);
        json_number(json, "new", event->value);
    }
    json_close(json, '}');
    end_line(r);
}

void report_nonfinite(report *r, uint64_t step, const char *text)
{
    report_say(r, "step %" PRIu64 ": %s", step, text);
    if (!r->as_json)
        return;
    json_out *json = &r->json;
    json_open(json, NULL, '{');
    json_text(json, "event", "nonfinite");
    json_seed(json, "step", step);
    json_text(json, "text", text);
    json_close(json, '}');
    end_line(r);
}

static void print_end(report *r, const report_end *end)
{
    char best[16], test[16], time[32];
    close_progress(r);
    if (end->run > 0)
        printf("run %lld ", (long long)end->run);
    printf("%s after %s", end->status, duration(end->seconds, time));
    if (end->best_epoch > 0)
        printf(", best dev error %s in epoch %d", percent(end->best_dev_error, best),
               end->best_epoch);
    if (isfinite(end->test_error))
        printf(", test error %s", percent(end->test_error, test));
    putchar('\n');
    check_output(r, fflush(stdout) == 0 && !ferror(stdout));
}

void report_finish(report *r, const report_end *end)
{
    if (!r->as_json) {
        print_end(r, end);
        return;
    }
    json_out *json = &r->json;
    json_open(json, NULL, '{');
    json_text(json, "event", "end");
    json_run(json, end->run);
    json_text(json, "status", end->status);
    if (end->best_epoch > 0)
        json_whole(json, "best_epoch", end->best_epoch);
    else
        json_null(json, "best_epoch");
    json_number(json, "best_dev_error", end->best_dev_error);
    json_number(json, "test_error", end->test_error);
    json_number(json, "seconds", end->seconds);
    if (end->message && *end->message)
        json_text(json, "message", end->message);
    json_close(json, '}');
    end_line(r);
}
