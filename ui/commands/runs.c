/* `gradus runs`: what the store holds. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/runs.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *store;
    bool json;
} runs_settings;

#define FIELD(name) offsetof(runs_settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

static void json_step(json_out *json, const char *key, uint64_t step)
{
    json_seed(json, key, step);
}

void runs_json_row(json_out *json, const run_row *row)
{
    json_whole(json, "run", row->id);
    json_text(json, "name", row->name);
    json_text(json, "state", run_state_name(row->state));
    json_text(json, "message", row->message[0] ? row->message : NULL);
    json_text(json, "data", row->data);
    json_text(json, "fingerprint", row->fingerprint);
    json_text(json, "model", row->model);
    json_text(json, "optimizer", row->optimizer);
    json_text(json, "schedule", row->schedule);
    if (row->parent > 0)
        json_whole(json, "parent", row->parent);
    else
        json_null(json, "parent");
    json_seed(json, "seed", row->seed);
    json_whole(json, "parameter_count", row->parameters);
    json_whole(json, "multiply_adds", row->multiply_adds);
    json_whole(json, "batch", row->batch);
    json_whole(json, "shards", row->shards);
    json_whole(json, "threads", row->threads);
    json_whole(json, "epoch", row->epoch);
    json_whole(json, "epochs", row->epochs);
    json_step(json, "step", row->step);
    json_step(json, "total_steps", row->total_steps);
    json_whole(json, "started_ms", row->started_ms);
    json_whole(json, "ended_ms", row->ended_ms);
    json_number(json, "seconds", row->seconds);
    json_number(json, "examples_per_s", row->examples_per_s);
    json_number(json, "lr", row->lr);
    json_number(json, "train_loss", row->train_loss);
    json_number(json, "train_error", row->train_error);
    json_number(json, "dev_loss", row->dev_loss);
    json_number(json, "dev_error", row->dev_error);
    if (row->best_epoch > 0)
        json_whole(json, "best_epoch", row->best_epoch);
    else
        json_null(json, "best_epoch");
    json_number(json, "best_dev_error", row->best_dev_error);
    json_number(json, "test_error", row->test_error);
    json_text(json, "last_checkpoint", row->last_checkpoint[0] ? row->last_checkpoint : NULL);
    json_text(json, "best_checkpoint", row->best_checkpoint[0] ? row->best_checkpoint : NULL);
}

static void print_rows(const run_row *rows, int count)
{
    if (count == 0) {
        puts("No runs yet. Start one: gradus train");
        return;
    }
    printf("%5s  %-28s  %-9s  %7s  %9s  %9s  %9s  %s\n", "run", "name", "state", "epoch", "train",
           "dev best", "test", "started");
    for (int i = 0; i < count; i++) {
        const run_row *row = &rows[i];
        char train[16], dev[16], test[16], started[32];
        printf("%5lld  ", (long long)row->id);
        print_cell(row->name, 28);
        printf("  %-9s  %3d/%-3d  %9s  %9s  %9s  %s\n", run_state_name(row->state), row->epoch,
               row->epochs, percent(row->train_error, train), percent(row->best_dev_error, dev),
               percent(row->test_error, test), moment(row->started_ms, started));
    }
}

static int list_runs(store *s, bool as_json)
{
    run_row *rows = NULL;
    int count = 0;
    nn_error error = {0};
    if (store_runs(s, &rows, &count, &error) != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    bool written;
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "store", store_path(s));
        json_open(&json, "runs", '[');
        for (int i = 0; i < count; i++) {
            json_open(&json, NULL, '{');
            runs_json_row(&json, &rows[i]);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
        written = json_line(&json);
    } else {
        print_rows(rows, count);
        written = fflush(stdout) == 0;
    }
    free(rows);
    return written ? EXIT_OK : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    runs_settings settings = {0};
    arguments found;
    nn_error error = {0};
    int status;
    if (!options_begin(&command_runs, argc, argv, &settings, &found, 0, 2, &status))
        return status;
    bool show = found.count > 0 && strcmp(found.word[0], "show") == 0;
    if (found.count > 0 && !show && strcmp(found.word[0], "list") != 0)
        return wrong_usage(&command_runs, "runs '%.60s': expected list or show ID", found.word[0]);
    if (show && found.count < 2)
        return wrong_usage(&command_runs, "runs show needs a run: its number, its name, or last");
    if (!show && found.count > 1)
        return wrong_usage(&command_runs, "'%.60s': one word too many", found.word[1]);
    store *s = require_store(settings.store);
    if (!s)
        return EXIT_FAILED;
    run_id id = 0;
    if (!show) {
        status = list_runs(s, settings.json);
    } else if (store_find_run(s, found.word[1], &id, &error) != NN_OK) {
        complain("%s", error.text);
        status = EXIT_FAILED;
    } else {
        status = runs_show(s, id, settings.json);
    }
    store_close(s);
    return status;
}

const program_command command_runs = {
    .name = "runs",
    .arguments = "list | show RUN",
    .summary = "Lists the recorded runs, newest first, or shows one with its numbers.",
    .details = "RUN is a number, a name, or last. Errors are shares from 0 to 1 in JSON.",
    .options = options,
    .words = "list show",
    .run = run,
};
