/* `gradus runs`: what the store holds. */
#include "store/maintain.h"
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/runs.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(runs_settings, name)
static const option options[] = {
    {"filter", OPTION_TEXT, "EXPR", FIELD(filter), 0,
     "only runs that fit, such as \"dev_error<0.1 AND (model=lenet5 OR tag=good) AND NOT "
     "state=crashed\"; ~ is contains, param.lr>=1e-3 a parameter, dev_error.best, .last, .min, "
     ".max and their steps (.best_step) what a metric reached, has:tag and has:note that there is "
     "one",
     NULL},
    {"sort", OPTION_TEXT, "KEY", FIELD(sort), 0,
     "by any name that a filter knows; -KEY for the largest first (default -id)", NULL},
    {"group", OPTION_TEXT, "KEY", FIELD(group), 0, "under headings, such as param.lr", NULL},
    {"columns", OPTION_TEXT, "KEYS", FIELD(columns), 0,
     "names separated by commas; +KEY and -KEY change the usual ones", NULL},
    {"tree", OPTION_FLAG, NULL, FIELD(tree), 0, "branches below the runs they come from", NULL},
    {"view", OPTION_TEXT, "NAME", FIELD(view), 0, "the rules of a view saved in the workbench",
     NULL},
    {"all", OPTION_FLAG, NULL, FIELD(all), 0, "archived runs too", NULL},
    {"archived", OPTION_FLAG, NULL, FIELD(archived), 0, "only archived runs", NULL},
    {"deleted", OPTION_FLAG, NULL, FIELD(deleted), 0, "only deleted runs: restore brings them back",
     NULL},
    {"colour", OPTION_TEXT, "NAME", FIELD(colour), 0,
     "of a tag: plain, blue, orange, white or violet", "plain blue orange white violet"},
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
    json_text(json, "note", row->note[0] ? row->note : NULL);
    json_flag(json, "pinned", row->pinned);
    json_flag(json, "archived", row->archived_ms > 0);
    json_flag(json, "deleted", row->deleted_ms > 0);
    json_number(json, "latency_ms", row->latency_ms);
    json_number(json, "memory_bytes", row->memory_bytes);
    json_text(json, "last_checkpoint", row->last_checkpoint[0] ? row->last_checkpoint : NULL);
    json_text(json, "best_checkpoint", row->best_checkpoint[0] ? row->best_checkpoint : NULL);
}

void runs_json_tags(json_out *json, const run_tag *tags, int count)
{
    json_open(json, "tags", '[');
    for (int i = 0; i < count; i++)
        json_text(json, NULL, tags[i].name);
    json_close(json, ']');
}

/* Options that mean something only for a list, or a set of runs, are refused elsewhere. */
static int check_options(const char *word, bool list, const arguments *found)
{
    static const char *const of_list[] = {"sort", "group", "columns", "tree", "view"};
    for (size_t i = 0; !list && i < sizeof of_list / sizeof *of_list; i++)
        if (option_given(&command_runs, found, of_list[i]))
            return wrong_usage(&command_runs, "--%s belongs to runs list, not to runs %s",
                               of_list[i], word);
    if (option_given(&command_runs, found, "colour") && strcmp(word, "tag") != 0)
        return wrong_usage(&command_runs, "--colour belongs to runs tag");
    return EXIT_OK;
}

/* The store's folder keeps no trace of a run that is purged. */
static int runs_purge(const runs_settings *settings, const arguments *found)
{
    char path[4096];
    int purged = 0;
    nn_error error = {0};
    if (found->count > 1 || settings->filter)
        return wrong_usage(&command_runs,
                           "runs purge takes no run: it removes all that are deleted (runs list "
                           "--deleted)");
    if (!store_path_given(settings->store, path, sizeof path))
        return EXIT_FAILED;
    if (store_purge(path, &purged, &error) != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    if (settings->json)
        printf("{\"purged\":%d}\n", purged);
    else
        printf("%d deleted run%s removed for good.\n", purged, purged == 1 ? "" : "s");
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int unknown_word(const char *word)
{
    static const char *const words[] = {"list", "show",  "rename",  "note",    "tag",    "untag",
                                        "pin",  "unpin", "archive", "restore", "delete", "purge"};
    const char *near = nearest_word(word, words, sizeof words / sizeof *words);
    return wrong_usage(&command_runs,
                       near ? "runs '%.60s': did you mean '%s'?"
                            : "runs '%.60s': "
                              "expected list, show, rename, note, tag, untag, pin, unpin, archive, "
                              "restore, delete or purge%s",
                       word, near ? near : "");
}

static int run(int argc, char **argv)
{
    runs_settings settings = {0};
    arguments found;
    nn_error error = {0};
    int status;
    if (!options_begin(&command_runs, argc, argv, &settings, &found, 0, ARGUMENTS_MAX, &status))
        return status;
    const char *word = found.count > 0 ? found.word[0] : "list";
    bool list = strcmp(word, "list") == 0, show = strcmp(word, "show") == 0;
    if (strcmp(word, "purge") == 0)
        return runs_purge(&settings, &found);
    if (!list && !show && !runs_changes(word))
        return unknown_word(word);
    if ((status = check_options(word, list, &found)) != EXIT_OK)
        return status;
    if (show && found.count < 2)
        return wrong_usage(&command_runs, "runs show needs a run: its number, its name, or last");
    if ((list && found.count > 1) || (show && found.count > 2))
        return wrong_usage(&command_runs, "'%.60s': one word too many", found.word[list ? 1 : 2]);
    store *s = require_store(settings.store);
    if (!s)
        return EXIT_FAILED;
    run_id id = 0;
    if (list) {
        status = runs_list(s, &settings, &found);
    } else if (!show) {
        status = runs_change(s, &settings, &found);
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
    .arguments = "list | show RUN | CHANGE RUN... | purge",
    .summary = "Lists, shows, names, tags, archives and deletes recorded runs.",
    .details = "RUN is a number, a name, or last. A CHANGE is one of\n"
               "  rename RUN NAME    note RUN TEXT ('' removes it)\n"
               "  tag RUN TAG...     untag RUN TAG...\n"
               "  pin, unpin, archive, restore, delete RUN...\n"
               "With --filter instead of RUN it is made to every run that fits. Archived and\n"
               "deleted runs stay in the store: restore brings them back, until runs purge\n"
               "removes the deleted ones for good. Errors are shares from 0 to 1 in JSON.\n\n"
               "Examples:\n"
               "  gradus runs list --filter \"dev_error.best<0.1\" --sort dev_error.best\n"
               "  gradus runs list --group param.lr --columns id,name,dev_error.best,tags\n"
               "  gradus runs tag last good --colour blue\n"
               "  gradus runs archive --filter \"state=crashed AND NOT has:note\"",
    .options = options,
    .words = "list show rename note tag untag pin unpin archive restore delete purge",
    .run = run,
};
