/* `gradus runs rename`, `note`, `tag`, `untag`, `pin`, `unpin`, `archive`, `restore`, `delete`. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/runs.h"
#include "ui/run_listing.h"

#include <stdlib.h>
#include <string.h>

typedef enum { TAKES_RUNS, TAKES_TEXT, TAKES_TAGS } change_form;

typedef struct {
    const char *word;
    run_change_kind kind;
    change_form form;
    const char *done; /* "run 7 'x' ..." */
} change_word;

static const change_word words[] = {
    {"rename", RUN_RENAME, TAKES_TEXT, "is called so now"},
    {"note", RUN_NOTE, TAKES_TEXT, "has its note"},
    {"tag", RUN_TAG, TAKES_TAGS, "is tagged"},
    {"untag", RUN_UNTAG, TAKES_TAGS, "is untagged"},
    {"pin", RUN_PIN, TAKES_RUNS, "is pinned"},
    {"unpin", RUN_UNPIN, TAKES_RUNS, "is not pinned any more"},
    {"archive", RUN_ARCHIVE, TAKES_RUNS, "is archived; gradus runs restore brings it back"},
    {"restore", RUN_UNARCHIVE, TAKES_RUNS, "is back"},
    {"delete", RUN_DELETE, TAKES_RUNS, "is deleted; gradus runs restore brings it back"},
};

static const change_word *find_word(const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0)
            return &words[i];
    return NULL;
}

bool runs_changes(const char *word)
{
    return find_word(word) != NULL;
}

/* --- which runs --------------------------------------------------------------------------------
 */

typedef struct {
    run_id *ids;
    int count;
    const char *texts[ARGUMENTS_MAX]; /* the name, the note, or the tags */
    int text_count;
} wanted;

static nn_status find_named(store *s, const char *const *names, int count, wanted *w,
                            nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < count && status == NN_OK; i++) {
        run_id id = 0;
        bool known = false;
        status = store_find_run(s, names[i], &id, error);
        for (int k = 0; k < w->count; k++)
            known = known || w->ids[k] == id;
        if (status == NN_OK && !known)
            w->ids[w->count++] = id;
    }
    return status;
}

/* Among what a list with the same options would show; restore looks at what is put away. */
static nn_status find_fitting(store *s, const runs_settings *o, const change_word *word, wanted *w,
                              nn_error *error)
{
    run_listing listing = {0};
    run_table *table = run_table_new();
    if (!table)
        return nn_fail(error, NN_E_NOMEM, "out of memory");
    nn_status status = run_table_read(table, s, error);
    if (status == NN_OK)
        status = run_listing_init(&listing, error);
    nn_error problem = {0};
    if (status == NN_OK && run_listing_filter(&listing, o->filter, table, &problem) != NN_OK)
        status = nn_fail(error, problem.code, "--filter: %s", problem.text);
    bool put_away = word->kind == RUN_UNARCHIVE;
    listing.show = o->deleted                ? SHOW_DELETED
                   : o->archived || put_away ? SHOW_ARCHIVED
                   : o->all                  ? SHOW_ALL
                                             : SHOW_CURRENT;
    if (status == NN_OK)
        status = run_listing_update(&listing, table, error);
    free(w->ids);
    w->ids = status == NN_OK ? calloc((size_t)listing.count + 1, sizeof *w->ids) : NULL;
    if (status == NN_OK && !w->ids)
        status = nn_fail(error, NN_E_NOMEM, "out of memory");
    for (int i = 0; status == NN_OK && i < listing.count; i++)
        w->ids[w->count++] = table->entries[listing.lines[i].entry].row.id;
    run_listing_free(&listing);
    run_table_free(table);
    return status;
}

/* Splits the words into runs and texts. EXIT_USAGE with a complaint where they do not fit. */
static int read_words(const change_word *word, const runs_settings *o, const arguments *found,
                      const char **runs, int *run_count, wanted *w)
{
    int given = found->count - 1;
    const char *const *rest = found->word + 1;
    *run_count = word->form == TAKES_RUNS ? given : given > 0;
    if (o->filter)
        *run_count = 0;
    memcpy(runs, rest, (size_t)*run_count * sizeof *runs);
    w->text_count = given - *run_count;
    memcpy(w->texts, rest + *run_count, (size_t)w->text_count * sizeof *w->texts);
    if (*run_count == 0 && !o->filter)
        return wrong_usage(&command_runs,
                           "runs %s: which run? its number, its name, last, or --filter EXPR",
                           word->word);
    if (word->form == TAKES_TEXT && o->filter && word->kind == RUN_RENAME)
        return wrong_usage(&command_runs, "runs rename takes one run, not --filter");
    if (word->form == TAKES_TEXT && w->text_count != 1)
        return wrong_usage(&command_runs,
                           "runs %s: expected one %s after the run (in quotes if it has blanks)",
                           word->word, word->kind == RUN_NOTE ? "text" : "name");
    if (word->form == TAKES_TAGS && w->text_count == 0)
        return wrong_usage(&command_runs, "runs %s: expected a tag after the run", word->word);
    if (word->form == TAKES_RUNS && w->text_count > 0)
        return wrong_usage(&command_runs, "'%.60s': name runs or give --filter, not both",
                           w->texts[0]);
    for (int i = 0; i < w->text_count; i++)
        if (strlen(w->texts[i]) >= STORE_NOTE)
            return wrong_usage(&command_runs, "the text is longer than %d bytes", STORE_NOTE - 1);
    return EXIT_OK;
}

/* --- the changes ------------------------------------------------------------------------------ */

/* A deleted run that comes back is not archived either. */
static run_change *make_changes(const change_word *word, const runs_settings *o, const wanted *w,
                                int *count)
{
    bool restore = word->kind == RUN_UNARCHIVE;
    int each = restore ? 2 : word->form == TAKES_RUNS ? 1 : w->text_count;
    run_change *changes = calloc((size_t)(w->count * each) + 1, sizeof *changes);
    *count = 0;
    for (int i = 0; changes && i < w->count; i++)
        for (int k = 0; k < each; k++) {
            run_change *change = &changes[(*count)++];
            change->run = w->ids[i];
            change->kind = restore && k == 0 ? RUN_UNDELETE : word->kind;
            if (word->form != TAKES_RUNS)
                snprintf(change->text, sizeof change->text, "%s", w->texts[k]);
            if (word->kind == RUN_TAG && o->colour)
                snprintf(change->colour, sizeof change->colour, "%.11s", o->colour);
        }
    return changes;
}

static nn_status apply(const char *path, const run_change *changes, int count, nn_error *error)
{
    recorder *r = recorder_open(path, error);
    if (!r)
        return error->code;
    nn_status status = recorder_change(r, changes, count, NULL, error);
    nn_status closed = recorder_close(r, status == NN_OK ? error : NULL);
    return status == NN_OK ? closed : status;
}

static nn_status tell_json(store *s, const wanted *w, nn_error *error)
{
    json_out json = {.out = stdout};
    nn_status status = NN_OK;
    json_open(&json, NULL, '{');
    json_open(&json, "runs", '[');
    for (int i = 0; i < w->count && status == NN_OK; i++) {
        run_row row;
        run_tag *tags = NULL;
        int count = 0;
        status = store_run(s, w->ids[i], &row, error);
        if (status == NN_OK)
            status = store_run_tags(s, w->ids[i], &tags, &count, error);
        if (status != NN_OK)
            break;
        json_open(&json, NULL, '{');
        runs_json_row(&json, &row);
        runs_json_tags(&json, tags, count);
        json_close(&json, '}');
        free(tags);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json) ? status : nn_fail(error, NN_E_IO, "stdout cannot be written");
}

static nn_status tell(store *s, const change_word *word, const wanted *w, nn_error *error)
{
    nn_status status = NN_OK;
    run_row row;
    for (int i = 0; i < w->count && status == NN_OK; i++) {
        status = store_run(s, w->ids[i], &row, error);
        if (status != NN_OK)
            break;
        printf("run %lld '", (long long)row.id);
        print_cell(row.name, 0);
        printf("' %s\n", word->done);
    }
    if (w->count == 0)
        puts("No run fits the filter; nothing was changed.");
    return fflush(stdout) == 0 ? status : nn_fail(error, NN_E_IO, "stdout cannot be written");
}

int runs_change(store *s, const runs_settings *settings, const arguments *found)
{
    const change_word *word = find_word(found->word[0]);
    const char *runs[ARGUMENTS_MAX];
    wanted w = {.ids = calloc(ARGUMENTS_MAX, sizeof *w.ids)};
    nn_error error = {0};
    run_change *changes = NULL;
    int run_count, count, status = EXIT_FAILED;
    if (!w.ids || !word) {
        complain("out of memory");
    } else if ((status = read_words(word, settings, found, runs, &run_count, &w)) == EXIT_OK) {
        nn_status done = settings->filter ? find_fitting(s, settings, word, &w, &error)
                                          : find_named(s, runs, run_count, &w, &error);
        if (done == NN_OK && !(changes = make_changes(word, settings, &w, &count)))
            done = nn_fail(&error, NN_E_NOMEM, "out of memory");
        if (done == NN_OK && w.count > 0)
            done = apply(store_path(s), changes, count, &error);
        if (done == NN_OK)
            done = settings->json ? tell_json(s, &w, &error) : tell(s, word, &w, &error);
        if (done != NN_OK)
            complain("%s", error.text);
        status = done == NN_OK ? EXIT_OK : EXIT_FAILED;
    }
    free(changes);
    free(w.ids);
    return status;
}
