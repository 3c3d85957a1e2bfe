#include "store/maintain.h"

#include "store/copy.h"
#include "store/place.h"
#include "store/read.h"
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

/* --- backup -------------------------------------------------------------------------------------
 */

/* Bytes of the files below `folder`. */
static int64_t folder_bytes(const char *folder)
{
    char pattern[PATH_MAX];
    glob_t found;
    int64_t bytes = 0;
    snprintf(pattern, sizeof pattern, "%s/*/*", folder);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        bytes += size_of(found.gl_pathv[i]);
    globfree(&found);
    return bytes;
}

/* Only an older copy, or nothing, may be replaced. */
static nn_status check_target(const database *db, const char *to, nn_error *error)
{
    struct stat source, target;
    database old;
    int64_t version;
    if (stat(to, &target) != 0)
        return errno == ENOENT ? NN_OK : nn_fail(error, NN_E_IO, "%s: %s", to, strerror(errno));
    if (stat(db->path, &source) == 0 && source.st_dev == target.st_dev &&
        source.st_ino == target.st_ino)
        return nn_fail(error, NN_E_ARG, "%s is the store itself: name another file", to);
    if (target.st_size == 0)
        return NN_OK;
    if (database_look(&old, to, &version, NULL) != NN_OK)
        return nn_fail(error, NN_E_ARG,
                       "%s is there already and is no Gradus store: it is left as it is, name "
                       "another file",
                       to);
    database_close(&old);
    return NN_OK;
}

nn_status store_backup(const char *path, const char *to, store_copy *copy, nn_error *error)
{
    database db;
    int64_t version, runs = 0;
    char target[DATABASE_PATH], temporary[DATABASE_PATH + 32], folder[DATABASE_PATH + 8];
    memset(copy, 0, sizeof *copy);
    nn_status status = database_look(&db, path, &version, error);
    if (status != NN_OK)
        return status;
    place_absolute(to, target, sizeof target);
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", target, (long)getpid());
    status = check_target(&db, target, error);
    if (status == NN_OK)
        status = database_copy(&db, temporary, error);
    if (status == NN_OK)
        status = copy_into_place(temporary, target, error);
    if (status == NN_OK && database_number(&db, "SELECT count(*) FROM run", &runs, NULL) == NN_OK)
        copy->runs = (int)runs;
    snprintf(folder, sizeof folder, "%s.runs", db.path);
    copy->checkpoints = folder_bytes(folder);
    copy->bytes = size_of(target);
    database_close(&db);
    return status;
}

/* --- purge and compact ---------------------------------------------------------------------------
 */

/* Refuses while a run that `condition` chooses is trained. */
static nn_status refuse_live(const char *path, bool only_deleted, nn_error *error)
{
    run_row *rows = NULL;
    int count = 0;
    store *s = store_open(path, error);
    if (!s)
        return error ? error->code : NN_E_IO;
    nn_status status = store_newer(s) ? nn_fail(error, NN_E_STATE, "%s", store_warning(s))
                                      : store_runs(s, &rows, &count, error);
    for (int i = 0; i < count && status == NN_OK; i++) {
        bool live = rows[i].state == RUN_RUNNING || rows[i].state == RUN_PAUSED;
        if (live && (!only_deleted || rows[i].deleted_ms > 0))
            status = nn_fail(error, NN_E_STATE,
                             "run %lld '%s' is %s (process %d): wait for its end, or stop it first",
                             (long long)rows[i].id, rows[i].name, run_state_name(rows[i].state),
                             rows[i].pid);
    }
    free(rows);
    store_close(s);
    return status;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

/* The checkpoint folders of runs that are gone from the file. */
static void remove_folders(const database *db, const run_id *runs, int count)
{
    for (int i = 0; i < count; i++) {
        char folder[DATABASE_PATH + 40];
        snprintf(folder, sizeof folder, "%s.runs/%lld", db->path, (long long)runs[i]);
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
}

/* The numbers of deleted runs, freed by the caller. */
static run_id *deleted_runs(database *db, int *count, nn_status *status, nn_error *error)
{
    int64_t room = 0;
    *count = 0;
    *status = database_number(db, "SELECT count(*) FROM run WHERE deleted_ms > 0", &room, error);
    run_id *list = calloc((size_t)room + 1, sizeof *list);
    sqlite3_stmt *query =
        *status == NN_OK
            ? database_query(db, error, "SELECT id FROM run WHERE deleted_ms > 0 ORDER BY id", "")
            : NULL;
    if (!list)
        *status = nn_fail(error, NN_E_NOMEM, "out of memory for the deleted runs");
    else if (*status == NN_OK && !query)
        *status = error ? error->code : NN_E_IO;
    while (*status == NN_OK && *count < room && database_next(db, query, status, error))
        list[(*count)++] = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return list;
}

static nn_status purge(database *db, int *purged, nn_error *error)
{
    run_id *list = NULL;
    int count = 0;
    nn_status status = database_begin(db, true, error);
    if (status != NN_OK)
        return status;
    list = deleted_runs(db, &count, &status, error);
    if (status == NN_OK)
        status = database_run(db, "DELETE FROM run WHERE deleted_ms > 0", error);
    if (status == NN_OK)
        status = database_commit(db, error);
    if (status != NN_OK) {
        database_rollback(db);
    } else {
        remove_folders(db, list, count);
        *purged = count;
    }
    free(list);
    return status;
}

nn_status store_purge(const char *path, int *purged, nn_error *error)
{
    database db;
    *purged = 0;
    nn_status status = refuse_live(path, true, error);
    if (status != NN_OK || (status = database_open(&db, path, DATABASE_WRITE, error)) != NN_OK)
        return status;
    status = purge(&db, purged, error);
    database_close(&db);
    return status;
}

static int64_t all_bytes(const database *db)
{
    char log[DATABASE_PATH + 8];
    snprintf(log, sizeof log, "%s-wal", db->path);
    return size_of(db->path) + size_of(log);
}

nn_status store_compact(const char *path, store_compaction *done, nn_error *error)
{
    database db;
    memset(done, 0, sizeof *done);
    nn_status status = refuse_live(path, false, error);
    if (status != NN_OK || (status = database_open(&db, path, DATABASE_WRITE, error)) != NN_OK)
        return status;
    done->before = all_bytes(&db);
    status = purge(&db, &done->purged, error);
    if (status == NN_OK)
        status = database_run(&db, "VACUUM", error);
    if (status == NN_OK && !db.network)
        status = database_run(&db, "PRAGMA wal_checkpoint(TRUNCATE)", error);
    done->after = all_bytes(&db);
    database_close(&db);
    return status;
}
