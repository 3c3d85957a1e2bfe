/* `gradus watch RUN`: follows a run of any process by reading its store. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/report.h"
#include "ui/screens/workbench.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *store;
    bool json, headless;
} watch_settings;

#define FIELD(name) offsetof(watch_settings, name)
static const option options[] = {
    {"headless", OPTION_FLAG, NULL, FIELD(headless), 0, "lines instead of the Monitor", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "JSON lines on stdout, like train", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

enum { POLL_MS = 250 };

/* One metric's points after a step. */
typedef struct {
    uint64_t *steps;
    double *values;
    int64_t count;
} points;

static nn_status read_points(store *s, run_id run, const char *metric, uint64_t after, points *p,
                             nn_error *error)
{
    *p = (points){0};
    return store_points(s, run, metric, after, &p->steps, &p->values, &p->count, error);
}

static void free_points(points *p)
{
    free(p->steps);
    free(p->values);
}

/* The value at exactly `step`; NaN where there is none. */
static double value_at(const points *p, uint64_t step)
{
    for (int64_t i = p->count - 1; i >= 0; i--)
        if (p->steps[i] == step)
            return p->values[i];
    return NAN;
}

enum { TRAIN_LOSS, TRAIN_ERROR, DEV_LOSS, DEV_ERROR, SPEED, RATE, METRICS };
static const char *const metric_names[METRICS] = {"train_loss", "train_error",    "dev_loss",
                                                  "dev_error",  "examples_per_s", "lr"};

/* Says every epoch that ended after step *seen, and moves it on. */
static nn_status report_epochs(report *r, store *s, const run_row *row, uint64_t *seen,
                               nn_error *error)
{
    points p[METRICS] = {0};
    nn_status status = NN_OK;
    for (int m = 0; m < METRICS && status == NN_OK; m++)
        status = read_points(s, row->id, metric_names[m], *seen, &p[m], error);
    for (int64_t i = 0; status == NN_OK && i < p[TRAIN_LOSS].count; i++) {
        uint64_t step = p[TRAIN_LOSS].steps[i];
        bool newest = i == p[TRAIN_LOSS].count - 1;
        report_epoch_done(
            r, &(report_epoch){
                   .epoch = row->steps_per_epoch ? (int)(step / row->steps_per_epoch) : 0,
                   .step = step,
                   .train_loss = p[TRAIN_LOSS].values[i],
                   .train_error = value_at(&p[TRAIN_ERROR], step),
                   .dev_loss = value_at(&p[DEV_LOSS], step),
                   .dev_error = value_at(&p[DEV_ERROR], step),
                   .lr = value_at(&p[RATE], step),
                   .examples_per_s = value_at(&p[SPEED], step),
                   /* The store keeps one clock a run: it tells the newest epoch's. */
                   .seconds = newest ? row->seconds : NAN,
               });
        *seen = step;
    }
    for (int m = 0; m < METRICS; m++)
        free_points(&p[m]);
    return status;
}

static void say_start(report *r, store *s, const run_row *row)
{
    report_begin(r, &(report_start){
                        .run = row->id,
                        .name = row->name,
                        .data = row->data,
                        .model = row->model,
                        .optimizer = row->optimizer,
                        .schedule = row->schedule,
                        .store = store_path(s),
                        .parameters = row->parameters,
                        .shards = row->shards,
                        .threads = row->threads,
                        .batch = row->batch,
                        .epochs = row->epochs,
                        .seed = row->seed,
                        .step = row->step,
                        .total_steps = row->total_steps,
                        .lr = row->lr,
                    });
}

static void say_end(report *r, const run_row *row)
{
    report_finish(r,
                  &(report_end){.run = row->id,
                                .status = run_state_name(row->state),
                                .message = row->message,
                                .best_epoch = row->best_epoch,
                                .best_dev_error = row->best_epoch > 0 ? row->best_dev_error : NAN,
                                .test_error = row->test_error,
                                .seconds = row->seconds});
}

static nn_status watch_run(store *s, run_id id, bool as_json, nn_error *error)
{
    report r = report_new(as_json);
    run_row row;
    uint64_t seen = 0;
    bool begun = false;
    for (;;) {
        /* The state first: what was written before it ended is then certainly read. */
        nn_status status = store_run(s, id, &row, error);
        if (status != NN_OK)
            return status;
        if (!begun)
            say_start(&r, s, &row);
        begun = true;
        status = report_epochs(&r, s, &row, &seen, error);
        if (status != NN_OK)
            return status;
        if (row.state != RUN_RUNNING && row.state != RUN_PAUSED)
            break;
        report_step(&r, row.epoch + 1, row.step, row.train_loss, row.examples_per_s, row.seconds);
        if (r.output_lost)
            return NN_OK; /* nobody reads any more */
        poll(NULL, 0, POLL_MS);
    }
    say_end(&r, &row);
    return NN_OK;
}

static int run(int argc, char **argv)
{
    watch_settings settings = {0};
    arguments found;
    nn_error error = {0};
    int status;
    if (!options_begin(&command_watch, argc, argv, &settings, &found, 1, 1, &status))
        return status;
    store *s = require_store(settings.store);
    if (!s)
        return EXIT_FAILED;
    run_id id;
    nn_status found_run = store_find_run(s, found.word[0], &id, &error);
    bool lines =
        settings.json || settings.headless || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
    if (found_run == NN_OK && lines)
        found_run = watch_run(s, id, settings.json, &error);
    store_close(s);
    if (found_run != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    if (lines)
        return EXIT_OK;
    return workbench_run(
        &(workbench_options){.store_path = settings.store, .run = found.word[0], .glyphs = -1});
}

const program_command command_watch = {
    .name = "watch",
    .arguments = "RUN",
    .summary = "Follows a run, also one of another process: in the Monitor, or line by line.",
    .details = "RUN is a number, a name, or last.",
    .options = options,
    .run = run,
};
