/* `gradus compare`: runs side by side. */
#include "ui/commands/commands.h"
#include "ui/commands/compare.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *store;
    bool json;
} settings;

#define FIELD(name) offsetof(settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0,
     "one JSON object on stdout: with every curve, both confusion matrices of each pair and all "
     "examples they disagree on",
     NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* The numbers of the runs that were named; false after a complaint. */
static bool find_runs(store *s, const arguments *found, run_id *ids)
{
    nn_error error = {0};
    for (int i = 0; i < found->count; i++) {
        run_row row;
        if (store_find_run(s, found->word[i], &ids[i], &error) != NN_OK ||
            store_run(s, ids[i], &row, &error) != NN_OK) {
            complain("%s", error.text);
            return false;
        }
        if (row.deleted_ms > 0) {
            complain("run %lld is deleted; gradus runs restore %lld brings it back",
                     (long long)row.id, (long long)row.id);
            return false;
        }
        for (int k = 0; k < i; k++)
            if (ids[k] == ids[i]) {
                complain("'%.60s' and '%.60s' are the same run (%lld): name two that differ",
                         found->word[k], found->word[i], (long long)ids[i]);
                return false;
            }
    }
    return true;
}

static int compare(store *s, const settings *chosen, const arguments *found)
{
    run_id ids[ARGUMENTS_MAX];
    nn_error error = {0};
    comparison c = {0};
    if (!find_runs(s, found, ids))
        return EXIT_FAILED;
    run_table *table = run_table_new();
    nn_status status = table ? run_table_read(table, s, &error)
                             : nn_fail(&error, NN_E_NOMEM, "out of memory for the list of runs");
    if (status == NN_OK)
        status = comparison_read(&c, s, table, ids, found->count, &error);
    bool written = false;
    if (status == NN_OK)
        written = chosen->json ? compare_write_json(&c, &error) : compare_write_text(&c, &error);
    if (!written)
        complain("%s", error.text[0] ? error.text : "the answer could not be written");
    comparison_free(&c);
    run_table_free(table);
    return written ? EXIT_OK : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    settings chosen = {0};
    arguments found;
    int status;
    if (!options_begin(&command_compare, argc, argv, &chosen, &found, 0, ARGUMENTS_MAX, &status))
        return status;
    if (found.count < 2)
        return wrong_usage(&command_compare, "compare needs at least two runs, was given %d",
                           found.count);
    store *s = require_store(chosen.store);
    if (!s)
        return EXIT_FAILED;
    status = compare(s, &chosen, &found);
    store_close(s);
    return status;
}

const program_command command_compare = {
    .name = "compare",
    .arguments = "RUN RUN...",
    .summary = "Says what differs between runs, and whether it is more than chance.",
    .details = "RUN is a number, a name, or last. Errors on the same dev examples are compared\n"
               "example by example: McNemar's test (exact for up to 1000 disagreements) decides\n"
               "at 5 %, the interval is Newcombe's for paired shares. Runs on another dev set\n"
               "than the first one's are listed, never ranked. Runs of the store that have the\n"
               "same settings and other seeds show how far the seed alone moves the error.\n\n"
               "Examples:\n"
               "  gradus compare 12 last\n"
               "  gradus compare 3 4 5 --json",
    .options = options,
    .run = run,
};
