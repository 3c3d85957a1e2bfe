/* `gradus merge`: the store of another machine comes into this one. */
#include "store/merge.h"
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"

typedef struct {
    const char *store;
    bool json;
} settings;

#define FIELD(name) offsetof(settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

static bool write_json(const store_merge_report *r)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_whole(&json, "runs_added", r->runs_added);
    json_whole(&json, "runs_advanced", r->runs_advanced);
    json_whole(&json, "runs_parted", r->runs_parted);
    json_whole(&json, "runs_known", r->runs_known);
    json_whole(&json, "studies_added", r->studies_added);
    json_whole(&json, "trials_added", r->trials_added);
    json_whole(&json, "trials_advanced", r->trials_advanced);
    json_whole(&json, "annotations", r->annotations);
    json_whole(&json, "conflicts", r->conflicts);
    json_whole(&json, "files", r->files);
    json_whole(&json, "files_missing", r->files_missing);
    json_text(&json, "left", *r->left ? r->left : NULL);
    json_close(&json, '}');
    return json_line(&json);
}

static bool write_text(const store_merge_report *r)
{
    printf("runs: %d added, %d brought further, %d known already\n", r->runs_added,
           r->runs_advanced, r->runs_known);
    if (r->runs_parted)
        printf("  %d of those added had been resumed here and there: they are runs of their own\n",
               r->runs_parted);
    if (r->studies_added || r->trials_added || r->trials_advanced)
        printf("studies: %d added; trials: %d added, %d brought further\n", r->studies_added,
               r->trials_added, r->trials_advanced);
    printf("tags, notes, fixes, views, places in the course: %d changes\n", r->annotations);
    if (r->conflicts)
        printf("  %d where both say something else: the newer label fix stays, and your own "
               "human level\n",
               r->conflicts);
    if (r->files || r->files_missing)
        printf("checkpoints: %d copied\n", r->files);
    if (r->files_missing)
        printf("  %d were not found: copy the folder FILE.runs beside the other store, and merge "
               "again\n",
               r->files_missing);
    if (*r->left)
        printf("not taken over, as this program does not know how: %s\n", r->left);
    return fflush(stdout) == 0;
}

static int run(int argc, char **argv)
{
    settings o = {0};
    arguments found;
    int status;
    char path[4096];
    nn_error error = {0};
    store_merge_report report;
    if (!options_begin(&command_merge, argc, argv, &o, &found, 1, 1, &status))
        return status;
    if (!store_path_given(o.store, path, sizeof path))
        return EXIT_FAILED;
    if (store_merge(path, found.word[0], &report, &error) != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    if (!(o.json ? write_json(&report) : write_text(&report))) {
        complain("stdout cannot be written");
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

const program_command command_merge = {
    .name = "merge",
    .arguments = "OTHER.db",
    .summary = "Takes over what another store holds: of another machine, or an old copy.",
    .details = "Runs, studies and trials are known by an identity of their own, whatever their\n"
               "numbers and names: merging twice adds nothing. A run that went further there is\n"
               "brought up to that; one that was resumed here and there becomes two. Tags,\n"
               "notes, label fixes, views and progress in the course come together. All of it or\n"
               "nothing; the other file is only read. Its checkpoints come along where the\n"
               "folder OTHER.db.runs lies beside it.\n\n"
               "Example:\n"
               "  gradus merge /media/stick/laptop.db",
    .options = options,
    .run = run,
};
