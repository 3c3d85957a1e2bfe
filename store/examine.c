#include "store/maintain.h"

#include "store/chunk.h"
#include "store/read.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    database db;
    store_finding *list;
    int count, room;
    bool full; /* no memory for one of them */
} examination;

enum { FINDINGS_MOST = 1000 };

static void find(examination *e, run_id run, const char *name, bool loss, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void find(examination *e, run_id run, const char *name, bool loss, const char *format, ...)
{
    if (e->count >= FINDINGS_MOST)
        return;
    if (e->count == e->room) {
        int room = e->room ? 2 * e->room : 16;
        store_finding *list = realloc(e->list, (size_t)room * sizeof *list);
        if (!list) {
            e->full = true;
            return;
        }
        e->list = list;
        e->room = room;
    }
    store_finding *found = &e->list[e->count++];
    memset(found, 0, sizeof *found);
    found->run = run;
    found->loss = loss;
    copy_text(found->name, sizeof found->name, name);
    va_list list;
    va_start(list, format);
    vsnprintf(found->what, sizeof found->what, format, list);
    va_end(list);
}

/* --- the file -----------------------------------------------------------------------------------
 */

/* What SQLite itself says; a damaged file may end this at any row. */
static void examine_pages(examination *e)
{
    nn_error error = {0};
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(&e->db, &error, "PRAGMA integrity_check(20)", "");
    while (query && database_next(&e->db, query, &status, &error)) {
        const char *text = (const char *)sqlite3_column_text(query, 0);
        if (text && strcmp(text, "ok") != 0)
            find(e, 0, "", true, "%.200s", text);
    }
    sqlite3_finalize(query);
    if (!query || status != NN_OK)
        find(e, 0, "", true, "the check of its pages ended early: %.200s", error.text);
}

static void examine_keys(examination *e)
{
    nn_error error = {0};
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(&e->db, &error, "PRAGMA foreign_key_check", "");
    while (query && database_next(&e->db, query, &status, &error))
        find(e, 0, "", true, "row %lld of table %s points to a row of table %s that is not there",
             (long long)sqlite3_column_int64(query, 1), (const char *)sqlite3_column_text(query, 0),
             (const char *)sqlite3_column_text(query, 2));
    sqlite3_finalize(query);
}

/* --- one run ------------------------------------------------------------------------------------
 */

/* A query of one run whose rows are texts that say what is wrong. An error on the way is a finding
 * of its own: the run's rows lie on damaged pages. */
static void ask(examination *e, run_id run, const char *name, bool loss, const char *sql)
{
    nn_error error = {0};
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(&e->db, &error, sql, "i", run);
    while (query && database_next(&e->db, query, &status, &error)) {
        char text[200];
        column_text(query, 0, text, sizeof text);
        find(e, run, name, loss, "%s", text);
    }
    sqlite3_finalize(query);
    if (!query || status != NN_OK)
        find(e, run, name, true, "cannot be read whole: %s", sqlite3_errmsg(e->db.handle));
}

/* Every chunk decodes to steps that ascend, within and between chunks. */
static void examine_curves(examination *e, run_id run, const char *name)
{
    static const char sql[] =
        "SELECT metric, metric.name, number, first_step, last_step, count, length(point_values), "
        "point_steps FROM chunk JOIN metric ON metric.id = metric WHERE run = ? ORDER BY metric, "
        "number";
    nn_error error = {0};
    nn_status status = NN_OK;
    int64_t metric = 0;
    uint64_t last = 0;
    uint64_t steps[CHUNK_POINTS];
    sqlite3_stmt *query = database_query(&e->db, &error, sql, "i", run);
    while (query && database_next(&e->db, query, &status, &error)) {
        char curve[40];
        column_text(query, 1, curve, sizeof curve);
        uint64_t first = (uint64_t)sqlite3_column_int64(query, 3);
        int64_t count = sqlite3_column_int64(query, 5);
        if (sqlite3_column_int64(query, 0) != metric)
            last = 0;
        metric = sqlite3_column_int64(query, 0);
        const uint8_t *bytes = sqlite3_column_blob(query, 7);
        bool sound = count >= 1 && count <= CHUNK_POINTS &&
                     sqlite3_column_int64(query, 6) == 8 * count && first > last &&
                     chunk_decode_steps(bytes, (size_t)sqlite3_column_bytes(query, 7), first, count,
                                        steps) &&
                     steps[count - 1] == (uint64_t)sqlite3_column_int64(query, 4);
        if (!sound)
            find(e, run, name, true, "curve %s: piece %lld is damaged", curve,
                 (long long)sqlite3_column_int64(query, 2));
        last = (uint64_t)sqlite3_column_int64(query, 4);
    }
    sqlite3_finalize(query);
    if (!query || status != NN_OK)
        find(e, run, name, true, "its curves cannot be read whole: %s",
             sqlite3_errmsg(e->db.handle));
}

/* Checkpoint files that are not where the run says. */
static void examine_files(examination *e, run_id run, const char *name)
{
    nn_error error = {0};
    nn_status status = NN_OK;
    sqlite3_stmt *query =
        database_query(&e->db, &error, "SELECT path FROM checkpoint WHERE run = ?", "i", run);
    while (query && database_next(&e->db, query, &status, &error)) {
        const char *path = (const char *)sqlite3_column_text(query, 0);
        if (path && path[0] == '/' && access(path, F_OK) != 0)
            find(e, run, name, false, "its checkpoint is gone: %.200s", path);
    }
    sqlite3_finalize(query);
}

static void examine_run(examination *e, run_id run, const char *name)
{
    examine_curves(e, run, name);
    ask(e, run, name, true,
        "SELECT 'curve ' || metric.name || ': ' || sum(chunk.count) || ' points, but its summary "
        "says ' || coalesce(summary.count, 0) FROM chunk JOIN metric ON metric.id = chunk.metric "
        "LEFT JOIN summary USING (run, metric) WHERE chunk.run = ? GROUP BY chunk.metric "
        "HAVING sum(chunk.count) IS NOT summary.count");
    ask(e, run, name, true,
        "SELECT 'curve ' || metric.name || ': it has a summary but no points' FROM summary JOIN "
        "metric ON metric.id = summary.metric WHERE run = ?1 AND count > 0 AND NOT EXISTS (SELECT "
        "1 "
        "FROM chunk WHERE chunk.run = ?1 AND chunk.metric = summary.metric)");
    ask(e, run, name, true,
        "SELECT 'the confusion matrix of ' || part || ' at step ' || step || ' has ' || "
        "length(confusion) || ' bytes for ' || classes || ' classes' FROM evaluation WHERE run = ? "
        "AND confusion IS NOT NULL AND length(confusion) != 4 * classes * classes");
    ask(e, run, name, true,
        "SELECT 'the predictions of ' || part || ' are damaged' FROM prediction WHERE run = ? AND "
        "(length(example) != 8 * count OR length(truth) != 4 * count OR length(predicted) != 4 * "
        "count OR length(probability) != 4 * count OR length(truth_probability) != 4 * count)");
    ask(e, run, name, true,
        "SELECT 'it says ' || segment || ' segments, but has ' || (SELECT count(*) FROM segment "
        "WHERE segment.run = run.id) FROM run WHERE id = ? AND segment != (SELECT count(*) FROM "
        "segment "
        "WHERE segment.run = run.id)");
    examine_files(e, run, name);
}

static void examine_runs(examination *e)
{
    nn_error error = {0};
    nn_status status = NN_OK;
    sqlite3_stmt *query =
        database_query(&e->db, &error, "SELECT id, name FROM run ORDER BY id", "");
    while (query && database_next(&e->db, query, &status, &error)) {
        char name[96];
        column_text(query, 1, name, sizeof name);
        examine_run(e, sqlite3_column_int64(query, 0), name);
    }
    sqlite3_finalize(query);
    if (!query || status != NN_OK)
        find(e, 0, "", true, "the list of runs cannot be read whole: %.180s", error.text);
}

nn_status store_examine(const char *path, store_finding **list, int *count, nn_error *error)
{
    examination e = {0};
    int64_t version = 0;
    *list = NULL;
    *count = 0;
    nn_status status = database_look(&e.db, path, &version, error);
    if (status != NN_OK)
        return status;
    examine_pages(&e);
    examine_keys(&e);
    examine_runs(&e);
    database_close(&e.db);
    if (e.full) {
        free(e.list);
        return nn_fail(error, NN_E_NOMEM, "%s: out of memory for what was found", path);
    }
    *list = e.list;
    *count = e.count;
    return NN_OK;
}
