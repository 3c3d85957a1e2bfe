/* The checkpoint files of runs that were taken over. */
#include "store/merge_internal.h"

#include "store/copy.h"
#include "store/place.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Where their file lies: in the folder beside their store, or where it was written. */
static bool find_file(const merge *m, int64_t theirs, const char *path, char *found, size_t size)
{
    const char *base = strrchr(path, '/');
    int length = snprintf(found, size, "%s.runs/%lld/%s", m->other, (long long)theirs,
                          base ? base + 1 : path);
    if (length > 0 && (size_t)length < size && access(found, R_OK) == 0)
        return true;
    copy_text(found, size, path);
    return path[0] == '/' && access(path, R_OK) == 0;
}

static nn_status take_file(merge *m, int64_t theirs, int64_t ours, const char *path,
                           nn_error *error)
{
    char from[PATH_MAX], folder[PATH_MAX], to[PATH_MAX + 300];
    if (!find_file(m, theirs, path, from, sizeof from)) {
        m->report->files_missing++;
        return NN_OK;
    }
    nn_status status = store_checkpoint_dir(m->db->path, ours, folder, sizeof folder, error);
    const char *base = strrchr(from, '/');
    snprintf(to, sizeof to, "%s/%.255s", folder, base ? base + 1 : from);
    if (status == NN_OK)
        status = copy_file(from, to, error);
    if (status == NN_OK)
        status = database_do(m->db, error,
                             "UPDATE main.checkpoint SET path = ? WHERE run = ? AND path = ?",
                             "sis", to, ours, path);
    m->report->files += status == NN_OK;
    return status;
}

/* Of runs that were here before only files that are gone here, and only the very same ones. */
nn_status merge_files(merge *m, nn_error *error)
{
    nn_status status = database_run(
        m->db,
        "CREATE TEMP TABLE merge_file AS SELECT r.theirs, r.ours, o.path, r.copy FROM "
        "main.checkpoint o JOIN merge_run r ON r.ours = o.run WHERE r.copy OR EXISTS (SELECT 1 "
        "FROM "
        "other.checkpoint t WHERE t.run = r.theirs AND t.kind = o.kind AND t.step = o.step AND "
        "t.time_ms = o.time_ms)",
        error);
    sqlite3_stmt *query =
        status == NN_OK
            ? database_query(m->db, error, "SELECT theirs, ours, path, copy FROM merge_file", "")
            : NULL;
    if (status == NN_OK && !query)
        status = error ? error->code : NN_E_IO;
    while (status == NN_OK && database_next(m->db, query, &status, error)) {
        char path[PATH_MAX];
        column_text(query, 2, path, sizeof path);
        bool here = sqlite3_column_int64(query, 3) == 0 && access(path, F_OK) == 0;
        if (!here)
            status = take_file(m, sqlite3_column_int64(query, 0), sqlite3_column_int64(query, 1),
                               path, error);
    }
    sqlite3_finalize(query);
    return status;
}
