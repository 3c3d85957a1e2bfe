#include "store/database.h"

#include "store/place.h"
#include "store/process.h"
#include "store/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- errors -------------------------------------------------------------------------------- */

bool database_is_full(int code, int system)
{
    bool no_room = system == ENOSPC || system == EDQUOT || system == EFBIG;
    return (code & 0xFF) == SQLITE_FULL || ((code & 0xFF) == SQLITE_IOERR && no_room);
}

nn_status database_fail(database *db, const char *doing, nn_error *error)
{
    int code = db->code = sqlite3_extended_errcode(db->handle);
    int system = db->system = sqlite3_system_errno(db->handle);
    const char *path = db->path;
    switch (code & 0xFF) {
    case SQLITE_NOTADB:
        return nn_fail(error, NN_E_FORMAT,
                       "%s: not a Gradus store, or damaged from its first byte on; it was left as "
                       "it is: choose another file with --store, or put a copy in its place",
                       path);
    case SQLITE_CORRUPT:
        return nn_fail(error, NN_E_FORMAT,
                       "%s: the file is damaged (%s); it was left as it is: restore a copy, or "
                       "save what can be read with `sqlite3 FILE .recover`",
                       path, sqlite3_errmsg(db->handle));
    case SQLITE_FULL:
        return nn_fail(error, NN_E_IO, "%s: disk full while %s; free some space", path, doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return nn_fail(error, NN_E_IO,
                       "%s: locked by another process while %s; try again once it "
                       "is done",
                       path, doing);
    case SQLITE_NOMEM:
        return nn_fail(error, NN_E_NOMEM, "%s: out of memory while %s", path, doing);
    case SQLITE_READONLY:
        return nn_fail(error, NN_E_IO,
                       "%s: it may not be written (the file, its folder or the disk is read-only) "
                       "while %s; allow it, or choose another file with --store",
                       path, doing);
    default:
        break;
    }
    if (database_is_full(code, system))
        return nn_fail(error, NN_E_IO, "%s: disk full, or the file may grow no further, while %s",
                       path, doing);
    return nn_fail(error, NN_E_IO, "%s: failed while %s: %s%s%s", path, doing,
                   sqlite3_errmsg(db->handle), system ? ": " : "", system ? strerror(system) : "");
}

/* --- statements ---------------------------------------------------------------------------- */

nn_status database_run(database *db, const char *sql, nn_error *error)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_fail(db, "writing", error);
    return NN_OK;
}

nn_status database_number(database *db, const char *sql, int64_t *value, nn_error *error)
{
    sqlite3_stmt *statement = database_query(db, error, sql, "");
    if (!statement)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    if (database_next(db, statement, &status, error))
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static int bind_all(sqlite3_stmt *statement, const char *types, va_list list)
{
    int code = SQLITE_OK;
    for (int i = 1; *types && code == SQLITE_OK; types++, i++) {
        if (*types == 'i') {
            code = sqlite3_bind_int64(statement, i, va_arg(list, int64_t));
        } else if (*types == 'd') {
            code = sqlite3_bind_double(statement, i, va_arg(list, double));
        } else if (*types == 's') {
            code = sqlite3_bind_text(statement, i, va_arg(list, const char *), -1, SQLITE_STATIC);
        } else {
            const void *data = va_arg(list, const void *);
            size_t size = va_arg(list, size_t);
            code = sqlite3_bind_blob64(statement, i, data, size, SQLITE_STATIC);
        }
    }
    return code;
}

static sqlite3_stmt *query(database *db, nn_error *error, const char *sql, const char *types,
                           va_list list)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
        bind_all(statement, types, list) == SQLITE_OK)
        return statement;
    database_fail(db, "preparing a query", error);
    sqlite3_finalize(statement);
    return NULL;
}

sqlite3_stmt *database_query(database *db, nn_error *error, const char *sql, const char *types, ...)
{
    va_list list;
    va_start(list, types);
    sqlite3_stmt *statement = query(db, error, sql, types, list);
    va_end(list);
    return statement;
}

nn_status database_bind(database *db, sqlite3_stmt *statement, nn_error *error, const char *types,
                        ...)
{
    sqlite3_reset(statement);
    va_list list;
    va_start(list, types);
    int code = bind_all(statement, types, list);
    va_end(list);
    return code == SQLITE_OK ? NN_OK : database_fail(db, "writing", error);
}

nn_status database_step(database *db, sqlite3_stmt *statement, nn_error *error)
{
    int code = sqlite3_step(statement);
    nn_status status =
        code == SQLITE_DONE || code == SQLITE_ROW ? NN_OK : database_fail(db, "writing", error);
    sqlite3_reset(statement);
    return status;
}

nn_status database_do(database *db, nn_error *error, const char *sql, const char *types, ...)
{
    va_list list;
    va_start(list, types);
    sqlite3_stmt *statement = query(db, error, sql, types, list);
    va_end(list);
    if (!statement)
        return error ? error->code : NN_E_IO;
    nn_status status = database_step(db, statement, error);
    sqlite3_finalize(statement);
    return status;
}

bool database_next(database *db, sqlite3_stmt *statement, nn_status *status, nn_error *error)
{
    int code = sqlite3_step(statement);
    *status =
        code == SQLITE_ROW || code == SQLITE_DONE ? NN_OK : database_fail(db, "reading", error);
    return code == SQLITE_ROW;
}

double column_double(sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return (double)NAN;
    return sqlite3_column_double(statement, column);
}

void column_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    copy_text(text, size, (const char *)sqlite3_column_text(statement, column));
}

void copy_text(char *to, size_t size, const char *from)
{
    if (size == 0)
        return;
    from = from ? from : "";
    size_t length = strlen(from);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xC0) == 0x80)
            length--; /* the cut would fall inside a character */
    }
    if (length > 0)
        memcpy(to, from, length);
    to[length] = '\0';
}

/* --- transactions -------------------------------------------------------------------------- */

nn_status database_begin(database *db, bool durable, nn_error *error)
{
    /* A rollback journal needs FULL to survive a power cut; WAL loses at most the last commits. */
    const char *level =
        durable || db->network ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
    nn_status status = database_run(db, level, error);
    if (status == NN_OK && sqlite3_exec(db->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        status = database_fail(db, "waiting to write", error);
    return status;
}

nn_status database_commit(database *db, nn_error *error)
{
    if (sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return NN_OK;
    return database_fail(db, "committing", error);
}

void database_rollback(database *db)
{
    /* After some errors SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* --- opening ------------------------------------------------------------------------------- */

/* The path as a URI that promises that nobody writes the file: no lock and no log is looked for. */
static void immutable_uri(const char *path, char *uri, size_t size)
{
    size_t used = (size_t)snprintf(uri, size, "file:");
    for (; *path && used + 16 < size; path++)
        used += (size_t)snprintf(uri + used, size - used, strchr("%?#", *path) ? "%%%02x" : "%c",
                                 (unsigned char)*path);
    snprintf(uri + used, size - used, "?immutable=1");
}

static nn_status connect(database *db, int flags, nn_error *error)
{
    char uri[3 * DATABASE_PATH + 32];
    immutable_uri(db->path, uri, sizeof uri);
    flags |= SQLITE_OPEN_NOMUTEX | (db->frozen ? SQLITE_OPEN_URI : 0);
    if (sqlite3_open_v2(db->frozen ? uri : db->path, &db->handle, flags, NULL) == SQLITE_OK) {
        sqlite3_extended_result_codes(db->handle, 1);
        sqlite3_busy_timeout(db->handle, DATABASE_BUSY_MS);
        return NN_OK;
    }
    nn_status status =
        db->handle ? database_fail(db, "opening it", error)
                   : nn_fail(error, NN_E_NOMEM, "%s: out of memory while opening it", db->path);
    database_close(db);
    return status;
}

void database_close(database *db)
{
    sqlite3_close(db->handle);
    db->handle = NULL;
}

/* What lies there: a store of which version, nothing yet, or something that must not be touched.
 * One transaction: another process may be making the file at this moment. */
static nn_status examine(database *db, int64_t *version, nn_error *error)
{
    int64_t application = 0;
    int64_t tables = 0;
    nn_status status = database_run(db, "BEGIN", error);
    if (status == NN_OK)
        status = database_number(db, "PRAGMA user_version", version, error);
    if (status == NN_OK)
        status = database_number(db, "PRAGMA application_id", &application, error);
    if (status == NN_OK)
        status = database_number(db, "SELECT count(*) FROM sqlite_schema", &tables, error);
    if (status != NN_OK)
        return status; /* the connection is closed next; its error code is still wanted */
    database_rollback(db);
    if (application != DATABASE_APPLICATION && (tables > 0 || *version != 0))
        return nn_fail(error, NN_E_FORMAT,
                       "%s: an SQLite file of another program, not a Gradus store; it was left as "
                       "it is: choose another file with --store",
                       db->path);
    return NN_OK;
}

static bool has_journal(const char *path, const char *ending)
{
    char journal[DATABASE_PATH + 16];
    struct stat info;
    snprintf(journal, sizeof journal, "%s%s", path, ending);
    return stat(journal, &info) == 0 && info.st_size > 0;
}

/* What SQLite would overlook: it takes a file of one byte for an empty one, and an end that was cut
 * inside the last page for zeroes. (A journal beside it may explain and mend an odd size.) */
static nn_status check_size(const database *db, int64_t size, nn_error *error)
{
    if (size < 100) /* the header */
        return nn_fail(error, NN_E_FORMAT,
                       "%s: not a Gradus store, or damaged: it has only %lld bytes; it was left as "
                       "it is: choose another file with --store",
                       db->path, (long long)size);
    if (size >= 512 && size % 512 != 0 && !has_journal(db->path, "-wal") &&
        !has_journal(db->path, "-journal"))
        return nn_fail(error, NN_E_FORMAT,
                       "%s: the file is damaged: its end is cut off (%lld bytes are no whole "
                       "number of pages); it was left as it is: restore a copy, or save what can "
                       "be read with `sqlite3 FILE .recover`",
                       db->path, (long long)size);
    return NN_OK;
}

/* A reader of a write-ahead log makes a file beside the store. Where it may not, and no log waits
 * there, the store is read as it lies. */
static bool must_freeze(const database *db, nn_status status)
{
    int code = db->code & 0xFF;
    return status != NN_OK && !db->frozen && !has_journal(db->path, "-wal") &&
           access(db->path, R_OK) == 0 && access(db->path, W_OK) != 0 &&
           (code == SQLITE_READONLY || code == SQLITE_CANTOPEN);
}

/* Look at an existing file through a connection that cannot write. */
static nn_status probe(database *db, int64_t *version, nn_error *error)
{
    nn_status status = connect(db, SQLITE_OPEN_READONLY, error);
    if (status != NN_OK)
        return status;
    status = examine(db, version, error);
    if (must_freeze(db, status)) {
        database_close(db);
        db->frozen = true;
        snprintf(db->warning, sizeof db->warning,
                 "the store may not be written (file or folder is read-only): shown as it is");
        if ((status = connect(db, SQLITE_OPEN_READONLY, error)) == NN_OK)
            status = examine(db, version, error);
    }
    /* A journal left by a killed writer (no WAL there) is rolled back by the first one who may. */
    if (status != NN_OK && sqlite3_extended_errcode(db->handle) == SQLITE_READONLY_ROLLBACK) {
        database_close(db);
        if ((status = connect(db, SQLITE_OPEN_READWRITE, error)) == NN_OK)
            status = examine(db, version, error);
    }
    database_close(db);
    return status;
}

/* The journal: WAL, unless the file system cannot share memory between processes. */
static nn_status choose_journal(database *db, nn_error *error)
{
    const char *sql = db->network ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL";
    sqlite3_stmt *statement = database_query(db, error, sql, "");
    if (!statement)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    char mode[16] = "";
    if (database_next(db, statement, &status, error))
        column_text(statement, 0, mode, sizeof mode);
    sqlite3_finalize(statement);
    if (status == NN_OK && !db->network && strcmp(mode, "wal") != 0)
        snprintf(db->warning, sizeof db->warning,
                 "this file system does not allow a write-ahead log (journal: %s): several "
                 "processes writing at once will wait for each other",
                 mode);
    return status;
}

bool database_in_place(const database *db)
{
    struct stat info;
    return stat(db->path, &info) == 0 && (uint64_t)info.st_dev == db->device &&
           (uint64_t)info.st_ino == db->inode;
}

/* Open for writing and bring the schema up to date. */
static nn_status open_writing(database *db, nn_error *error)
{
    db->frozen = false;
    nn_status status = connect(db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (status != NN_OK)
        return status;
    int count = 0;
    const schema_step *steps = schema_steps(&count);
    status = choose_journal(db, error);
    if (status == NN_OK)
        status = database_run(db,
                              "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                              "PRAGMA journal_size_limit = 16777216",
                              error);
    if (status == NN_OK)
        status = schema_migrate(db, steps, count, error);
    struct stat info;
    if (status == NN_OK && stat(db->path, &info) == 0) {
        db->device = (uint64_t)info.st_dev;
        db->inode = (uint64_t)info.st_ino;
    }
    if (status != NN_OK)
        database_close(db);
    return status;
}

static nn_status open_reading(database *db, nn_error *error)
{
    nn_status status = connect(db, SQLITE_OPEN_READONLY, error);
    if (status == NN_OK)
        status = database_run(db, "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY", error);
    if (status != NN_OK)
        database_close(db);
    return status;
}

static void describe_network(database *db, const char *network)
{
    db->network = network != NULL;
    if (network)
        snprintf(db->warning, sizeof db->warning,
                 "the store is on a network file system (%s): written without a write-ahead log, "
                 "slower; keep it on a local disk if you can",
                 network);
}

/* The file that db->path names exists: is it sound, and of which version? */
static nn_status look_before(database *db, int64_t size, int64_t *version, nn_error *error)
{
    nn_status status = probe(db, version, error);
    return status == NN_OK ? check_size(db, size, error) : status;
}

/* A file of a newer program: read it, say so, never write it. */
static nn_status open_newer(database *db, database_mode mode, int64_t version, int present,
                            nn_error *error)
{
    if (mode == DATABASE_WRITE)
        return nn_fail(error, NN_E_STATE,
                       "%s: written by a newer Gradus (schema %lld, this program knows %d): it "
                       "can be read but not written; update the program",
                       db->path, (long long)version, present);
    db->newer = true;
    snprintf(db->warning, sizeof db->warning,
             "the store was written by a newer Gradus (schema %lld, this program knows %d): "
             "opened for reading only",
             (long long)version, present);
    return open_reading(db, error);
}

/* Said at once, before SQLite stumbles over the log that it cannot make. */
static nn_status check_writable(const database *db, nn_error *error)
{
    if (access(db->path, F_OK) != 0 || access(db->path, W_OK) == 0)
        return NN_OK;
    return nn_fail(error, NN_E_IO,
                   "%s: it may not be written (the file or the disk is read-only): allow it, or "
                   "choose another file with --store",
                   db->path);
}

static nn_status open_once(database *db, database_mode mode, nn_error *error)
{
    int present = 0;
    schema_steps(&present);
    int64_t version = 0;
    struct stat info;
    nn_status status = NN_OK;
    db->code = db->system = 0;
    db->frozen = false;
    if (stat(db->path, &info) == 0 && info.st_size > 0 &&
        (status = look_before(db, info.st_size, &version, error)) != NN_OK)
        return status;
    if (version > present)
        return open_newer(db, mode, version, present, error);
    if (mode == DATABASE_WRITE || version < present) {
        if ((status = check_writable(db, error)) != NN_OK)
            return status;
        if ((status = open_writing(db, error)) != NN_OK || mode == DATABASE_WRITE)
            return status;
        database_close(db);
    }
    return open_reading(db, error);
}

/* Two moments of another process's that SQLite's own waiting does not cover: the turn to a
 * write-ahead log, and the last connection's clearing it away while this one looks for it. */
static bool is_passing(const database *db)
{
    int code = db->code & 0xFF;
    bool vanished = (code == SQLITE_CANTOPEN || code == SQLITE_IOERR) && db->system == ENOENT;
    return code == SQLITE_BUSY || code == SQLITE_PROTOCOL || vanished;
}

nn_status database_open_on(database *db, const char *path, database_mode mode, const char *network,
                           nn_error *error)
{
    memset(db, 0, sizeof *db);
    if (!path || !*path || strlen(path) >= sizeof db->path - 16)
        return nn_fail(error, NN_E_ARG, "the store's path has %zu bytes: expected 1 to %zu",
                       path ? strlen(path) : 0, sizeof db->path - 17);
    nn_status status = place_make_folders(path, error);
    if (status != NN_OK)
        return status;
    place_absolute(path, db->path, sizeof db->path);
    describe_network(db, network);
    int64_t deadline = process_monotonic_ms() + DATABASE_BUSY_MS;
    while ((status = open_once(db, mode, error)) != NN_OK && is_passing(db) &&
           process_monotonic_ms() < deadline) {
        struct timespec wait = {0, 5000000};
        nanosleep(&wait, NULL);
    }
    return status;
}

nn_status database_open(database *db, const char *path, database_mode mode, nn_error *error)
{
    return database_open_on(db, path, mode, path ? place_network(path) : NULL, error);
}

nn_status database_look(database *db, const char *path, int64_t *version, nn_error *error)
{
    struct stat info;
    memset(db, 0, sizeof *db);
    if (!path || !*path || strlen(path) >= sizeof db->path - 16)
        return nn_fail(error, NN_E_ARG, "the store's path has %zu bytes: expected 1 to %zu",
                       path ? strlen(path) : 0, sizeof db->path - 17);
    place_absolute(path, db->path, sizeof db->path);
    if (stat(db->path, &info) != 0)
        return nn_fail(error, NN_E_MISSING, "%s: %s", db->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return nn_fail(error, NN_E_ARG, "%s: not a file", db->path);
    *version = 0;
    nn_status status = look_before(db, info.st_size, version, error);
    return status == NN_OK ? open_reading(db, error) : status;
}
