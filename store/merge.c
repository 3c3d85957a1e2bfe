#include "store/merge_internal.h"

#include "store/copy.h"
#include "store/place.h"
#include "store/schema.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- tools --------------------------------------------------------------------------------------
 */

typedef struct {
    char *text;
    size_t used, room;
} words;

static bool append(words *w, const char *text)
{
    size_t length = strlen(text);
    if (w->used + length + 1 > w->room) {
        size_t room = 2 * (w->used + length) + 256;
        char *grown = realloc(w->text, room);
        if (!grown)
            return false;
        w->text = grown;
        w->room = room;
    }
    memcpy(w->text + w->used, text, length + 1);
    w->used += length;
    return true;
}

static const merge_column *find_column(const merge_column *columns, const char *name)
{
    for (; columns->column; columns++)
        if (strcmp(columns->column, name) == 0)
            return columns;
    return NULL;
}

/* Both lists of columns, from what the table has, so that columns of later schemas come along. */
static nn_status list_columns(merge *m, const char *table, const merge_column *columns, words *into,
                              words *from, nn_error *error)
{
    sqlite3_stmt *query =
        database_query(m->db, error, "SELECT name FROM pragma_table_info(?)", "s", table);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    while (query && database_next(m->db, query, &status, error)) {
        char name[64];
        column_text(query, 0, name, sizeof name);
        const merge_column *special = find_column(columns, name);
        if (special && !special->expression)
            continue;
        bool fits = append(into, into->used ? ", " : "") && append(into, name) &&
                    append(from, from->used ? ", " : "");
        if (fits && special)
            fits = append(from, special->expression);
        else
            fits = fits && append(from, "t.") && append(from, name);
        if (!fits) {
            status = nn_fail(error, NN_E_NOMEM, "out of memory for the columns of %s", table);
            break;
        }
    }
    sqlite3_finalize(query);
    return status;
}

nn_status merge_copy(merge *m, const char *how, const char *table, const merge_column *columns,
                     const char *rest, nn_error *error)
{
    words into = {0}, from = {0}, sql = {0};
    nn_status status = list_columns(m, table, columns, &into, &from, error);
    const char *const parts[] = {"INSERT ", how,         " INTO main.", table,    " (",
                                 into.text, ") SELECT ", from.text,     " FROM ", "other.",
                                 table,     " AS t ",    rest};
    for (size_t i = 0; status == NN_OK && i < sizeof parts / sizeof *parts; i++)
        if (!append(&sql, parts[i]))
            status = nn_fail(error, NN_E_NOMEM, "out of memory for the rows of %s", table);
    if (status == NN_OK)
        status = database_run(m->db, sql.text, error);
    free(into.text);
    free(from.text);
    free(sql.text);
    return status;
}

nn_status merge_run_all(merge *m, const char *const *statements, int count, int *changed,
                        nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < count && status == NN_OK; i++) {
        status = database_run(m->db, statements[i], error);
        if (changed && status == NN_OK)
            *changed += sqlite3_changes(m->db->handle);
    }
    return status;
}

nn_status merge_free_name(merge *m, const char *table, const char *wanted, char *name, size_t size,
                          nn_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT 1 FROM main.%s WHERE name = ?", table);
    copy_text(name, size, wanted);
    for (int i = 2;; i++) {
        sqlite3_stmt *query = database_query(m->db, error, sql, "s", name);
        nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
        bool taken = query && database_next(m->db, query, &status, error);
        sqlite3_finalize(query);
        if (!taken || status != NN_OK)
            return status;
        char ending[16];
        snprintf(ending, sizeof ending, "-%d", i);
        copy_text(name, size - strlen(ending), wanted);
        strcat(name, ending); /* NOLINT: there is room */
    }
}

/* --- tables of theirs that nothing here takes over ---------------------------------------------
 */

static nn_status find_left(merge *m, nn_error *error)
{
    static const char sql[] =
        "SELECT name FROM other.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "AND name NOT IN ('dataset', 'dataset_class', 'run', 'segment', 'param', 'metric', "
        "'chunk', 'summary', 'event', 'checkpoint', 'evaluation', 'prediction', 'command', "
        "'run_tag', 'run_tag_of', 'saved_view', 'study', 'study_option', 'trial', 'trial_param', "
        "'trial_value', 'tag', 'example_tag', 'example_note', 'label_fix', 'run_label_fix', "
        "'analysis', 'analysis_example', 'example_journal', 'human_level', 'lesson_place', "
        "'lesson_item')";
    sqlite3_stmt *query = database_query(m->db, error, sql, "");
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    while (query && database_next(m->db, query, &status, error)) {
        char name[64], count_sql[128];
        int64_t rows = 0;
        column_text(query, 0, name, sizeof name);
        snprintf(count_sql, sizeof count_sql, "SELECT count(*) FROM other.\"%s\"", name);
        size_t used = strlen(m->report->left);
        if (database_number(m->db, count_sql, &rows, NULL) == NN_OK && rows > 0)
            snprintf(m->report->left + used, sizeof m->report->left - used, "%s%s (%lld rows)",
                     used ? ", " : "", name, (long long)rows);
    }
    sqlite3_finalize(query);
    return status;
}

/* --- the whole -----------------------------------------------------------------------------------
 */

static nn_status merge_all(merge *m, nn_error *error)
{
    nn_status status = merge_runs(m, error);
    if (status == NN_OK)
        status = merge_studies(m, error);
    if (status == NN_OK)
        status = merge_people(m, error);
    if (status == NN_OK)
        status = find_left(m, error);
    if (status == NN_OK)
        status = merge_files(m, error);
    return status;
}

/* Their copy beside our tables, for one transaction. */
static nn_status merge_attached(merge *m, const char *copy, nn_error *error)
{
    nn_status status = database_do(m->db, error, "ATTACH ? AS other", "s", copy);
    if (status == NN_OK)
        status = database_begin(m->db, true, error);
    if (status != NN_OK)
        return status;
    status = merge_all(m, error);
    if (status == NN_OK)
        status = database_commit(m->db, error);
    if (status != NN_OK)
        database_rollback(m->db);
    return status;
}

/* A copy of theirs with the present schema. */
static nn_status make_copy(const char *other, const char *copy, nn_error *error)
{
    database theirs, copied;
    int64_t version = 0;
    int present = 0;
    schema_steps(&present);
    nn_status status = database_look(&theirs, other, &version, error);
    if (status != NN_OK)
        return status;
    if (version > present)
        status = nn_fail(error, NN_E_STATE,
                         "%s: written by a newer Gradus (schema %lld, this program knows %d): "
                         "update this program first; nothing was merged",
                         other, (long long)version, present);
    else if (version == 0)
        status = nn_fail(error, NN_E_ARG, "%s: it is empty: nothing to merge", other);
    else
        status = database_copy(&theirs, copy, error);
    database_close(&theirs);
    if (status == NN_OK && (status = database_open(&copied, copy, DATABASE_WRITE, error)) == NN_OK)
        database_close(&copied);
    return status;
}

static void remove_copy(const char *copy)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[DATABASE_PATH + 48];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(path, sizeof path, "%s%s", copy, endings[i]);
        unlink(path);
    }
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

nn_status store_merge(const char *path, const char *other, store_merge_report *report,
                      nn_error *error)
{
    database db;
    char theirs[DATABASE_PATH], copy[DATABASE_PATH + 32];
    memset(report, 0, sizeof *report);
    place_absolute(other, theirs, sizeof theirs);
    if (same_file(path, other))
        return nn_fail(error, NN_E_ARG, "%s is the store itself: name the other one", other);
    nn_status status = database_open(&db, path, DATABASE_WRITE, error);
    if (status != NN_OK)
        return status;
    snprintf(copy, sizeof copy, "%s.merge-%ld.tmp", db.path, (long)getpid());
    merge m = {&db, theirs, report};
    status = make_copy(other, copy, error);
    if (status == NN_OK)
        status = merge_attached(&m, copy, error);
    database_close(&db);
    remove_copy(copy);
    return status;
}
