/* `gradus store`: looking after the file. */
#include "store/maintain.h"
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"

#include <stdlib.h>
#include <string.h>

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

static int failed(const nn_error *error)
{
    complain("%s", error->text);
    return EXIT_FAILED;
}

static int end_json(json_out *json, int status)
{
    json_close(json, '}');
    if (json_line(json))
        return status;
    complain("stdout cannot be written");
    return EXIT_FAILED;
}

static int end_text(int status)
{
    if (fflush(stdout) == 0)
        return status;
    complain("stdout cannot be written");
    return EXIT_FAILED;
}

static const char *megabytes(int64_t bytes, char text[32])
{
    snprintf(text, 32, "%.2f MB", (double)bytes / 1e6);
    return text;
}

/* --- path, check --------------------------------------------------------------------------------
 */

static int tell_path(const char *path, bool as_json)
{
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "path", path);
        return end_json(&json, EXIT_OK);
    }
    puts(path);
    return end_text(EXIT_OK);
}

static void print_finding(const store_finding *found)
{
    if (found->run) {
        printf("%s  run %lld '", found->loss ? "damage" : "notice", (long long)found->run);
        print_cell(found->name, 0);
        fputs("': ", stdout);
    } else {
        fputs("damage  ", stdout);
    }
    print_cell(found->what, 0);
    putchar('\n');
}

static void json_findings(json_out *json, const store_finding *list, int count)
{
    json_open(json, "findings", '[');
    for (int i = 0; i < count; i++) {
        json_open(json, NULL, '{');
        if (list[i].run)
            json_whole(json, "run", list[i].run);
        else
            json_null(json, "run");
        json_text(json, "name", list[i].run ? list[i].name : NULL);
        json_flag(json, "damage", list[i].loss);
        json_text(json, "what", list[i].what);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static int check(const char *path, bool as_json)
{
    store_finding *list = NULL;
    nn_error error = {0};
    int count = 0, damaged = 0;
    if (store_examine(path, &list, &count, &error) != NN_OK)
        return failed(&error);
    for (int i = 0; i < count; i++)
        damaged += list[i].loss;
    int status = damaged ? EXIT_FAILED : EXIT_OK;
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "path", path);
        json_flag(&json, "sound", damaged == 0);
        json_findings(&json, list, count);
        status = end_json(&json, status);
    } else {
        for (int i = 0; i < count; i++)
            print_finding(&list[i]);
        if (damaged)
            printf("%s is damaged in %d places; it was only read. Restore a copy, or save what "
                   "can be read with `sqlite3 FILE .recover`.\n",
                   path, damaged);
        else
            printf("%s is sound.\n", path);
        status = end_text(status);
    }
    free(list);
    return status;
}

/* --- backup, compact ----------------------------------------------------------------------------
 */

static int backup(const char *path, const char *to, bool as_json)
{
    store_copy copy;
    nn_error error = {0};
    char bytes[32], beside[32];
    if (store_backup(path, to, &copy, &error) != NN_OK)
        return failed(&error);
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "copy", to);
        json_whole(&json, "bytes", copy.bytes);
        json_whole(&json, "runs", copy.runs);
        json_whole(&json, "checkpoint_bytes", copy.checkpoints);
        return end_json(&json, EXIT_OK);
    }
    printf("%s: %d run%s, %s.\n", to, copy.runs, copy.runs == 1 ? "" : "s",
           megabytes(copy.bytes, bytes));
    if (copy.checkpoints > 0)
        printf("The checkpoint files (%s) are not part of it: copy the folder %s.runs too.\n",
               megabytes(copy.checkpoints, beside), path);
    return end_text(EXIT_OK);
}

static int compact(const char *path, bool as_json)
{
    store_compaction done;
    nn_error error = {0};
    char before[32], after[32];
    if (store_compact(path, &done, &error) != NN_OK)
        return failed(&error);
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_whole(&json, "bytes_before", done.before);
        json_whole(&json, "bytes_after", done.after);
        json_whole(&json, "purged", done.purged);
        return end_json(&json, EXIT_OK);
    }
    printf("%s before, %s now", megabytes(done.before, before), megabytes(done.after, after));
    if (done.purged)
        printf("; %d deleted run%s removed for good", done.purged, done.purged == 1 ? "" : "s");
    puts(".");
    return end_text(EXIT_OK);
}

static int run(int argc, char **argv)
{
    static const char *const words[] = {"path", "check", "backup", "compact"};
    settings o = {0};
    arguments found;
    int status;
    char path[4096];
    if (!options_begin(&command_store, argc, argv, &o, &found, 1, 2, &status))
        return status;
    const char *word = found.word[0];
    bool copies = strcmp(word, "backup") == 0;
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known = known || strcmp(word, words[i]) == 0;
    if (!known) {
        const char *near = nearest_word(word, words, sizeof words / sizeof *words);
        return wrong_usage(&command_store,
                           near ? "store '%.60s': did you mean '%s'?"
                                : "store '%.60s': expected path, check, backup or compact%s",
                           word, near ? near : "");
    }
    if (copies && found.count < 2)
        return wrong_usage(&command_store, "store backup needs the file to write");
    if (!copies && found.count > 1)
        return wrong_usage(&command_store, "'%.60s': one word too many", found.word[1]);
    if (!store_path_given(o.store, path, sizeof path))
        return EXIT_FAILED;
    if (copies)
        return backup(path, found.word[1], o.json);
    if (strcmp(word, "check") == 0)
        return check(path, o.json);
    return strcmp(word, "path") == 0 ? tell_path(path, o.json) : compact(path, o.json);
}

const program_command command_store = {
    .name = "store",
    .arguments = "path | check | backup FILE | compact",
    .summary = "Checks, copies and compacts the file that keeps the runs.",
    .details = "check reads everything: the pages, the keys, and whether the curves, matrices\n"
               "and predictions of each run are whole; it names runs that are damaged, and exits\n"
               "with 1 then. backup copies the store as it is at one moment, also while runs\n"
               "train. compact removes deleted runs for good and gives unused space back; it\n"
               "refuses while a run trains.\n\n"
               "Examples:\n"
               "  gradus store check\n"
               "  gradus store backup /mnt/disk/gradus-monday.db",
    .options = options,
    .words = "path check backup compact",
    .run = run,
};
