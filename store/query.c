#include "store/query.h"

#include "store/read.h"

#include <ctype.h>
#include <string.h>

/* --- what is allowed ---------------------------------------------------------------------------
 */

static bool among(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (sqlite3_stricmp(word, *list) == 0)
            return true;
    return false;
}

/* Those that only tell. The second list: only without a value. */
static bool pragma_tells(const char *name, const char *value)
{
    static const char *const always[] = {"table_info",       "table_xinfo",       "table_list",
                                         "index_list",       "index_info",        "index_xinfo",
                                         "foreign_key_list", "foreign_key_check", "quick_check",
                                         "integrity_check",  "function_list",     NULL};
    static const char *const unset[] = {
        "user_version",   "application_id", "compile_options", "database_list", "page_count",
        "page_size",      "freelist_count", "schema_version",  "journal_mode",  "encoding",
        "collation_list", "data_version",   "pragma_list",     "module_list",   NULL};
    return among(name, always) || (!value && among(name, unset));
}

/* SQLite asks while it prepares the statement. The first thing that is refused is remembered. */
static int allow(void *context, int action, const char *first, const char *second,
                 const char *schema, const char *trigger)
{
    char *refused = context;
    (void)schema;
    (void)trigger;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE)
        return SQLITE_OK;
    if (action == SQLITE_FUNCTION && sqlite3_stricmp(second, "load_extension") != 0)
        return SQLITE_OK;
    if (action == SQLITE_PRAGMA && pragma_tells(first, second))
        return SQLITE_OK;
    if (!*refused)
        snprintf(refused, 64, "%s%.40s",
                 action == SQLITE_PRAGMA     ? "PRAGMA "
                 : action == SQLITE_FUNCTION ? "function "
                                             : "",
                 action == SQLITE_PRAGMA     ? first
                 : action == SQLITE_FUNCTION ? second
                                             : "writing");
    return SQLITE_DENY;
}

static nn_status refuse(store *s, const char *refused, nn_error *error)
{
    if (*refused)
        return nn_fail(error, NN_E_ARG,
                       "only reading is allowed (SELECT, WITH, EXPLAIN, PRAGMA table_info and the "
                       "like), not %s",
                       refused);
    int at = sqlite3_error_offset(s->db.handle);
    if (at >= 0)
        return nn_fail(error, NN_E_ARG, "%s, at character %d of the query",
                       sqlite3_errmsg(s->db.handle), at + 1);
    return nn_fail(error, NN_E_ARG, "%s", sqlite3_errmsg(s->db.handle));
}

/* Blanks, semicolons and comments may follow the statement. */
static bool is_rest(const char *tail)
{
    while (*tail) {
        if (isspace((unsigned char)*tail) || *tail == ';') {
            tail++;
        } else if (strncmp(tail, "--", 2) == 0) {
            tail += strcspn(tail, "\n");
        } else if (strncmp(tail, "/*", 2) == 0) {
            const char *end = strstr(tail + 2, "*/");
            tail = end ? end + 2 : tail + strlen(tail);
        } else {
            return false;
        }
    }
    return true;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static query_cell cell_of(sqlite3_stmt *statement, int column)
{
    query_cell cell = {CELL_NULL, 0, 0, "", 0};
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        cell.kind = CELL_WHOLE;
        cell.whole = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        cell.kind = CELL_REAL;
        cell.real = sqlite3_column_double(statement, column);
        break;
    case SQLITE_TEXT:
        cell.kind = CELL_TEXT;
        cell.text = (const char *)sqlite3_column_text(statement, column);
        break;
    case SQLITE_BLOB:
        cell.kind = CELL_BLOB;
        cell.text = sqlite3_column_blob(statement, column);
        break;
    default:
        break;
    }
    cell.size = (size_t)sqlite3_column_bytes(statement, column);
    if (!cell.text) { /* an empty blob, or no memory */
        cell.text = "";
        cell.size = 0;
    }
    return cell;
}

static nn_status read_all(store *s, sqlite3_stmt *statement, const query_reader *reader,
                          nn_error *error)
{
    const char *names[QUERY_COLUMNS];
    query_cell cells[QUERY_COLUMNS];
    int count = sqlite3_column_count(statement);
    if (count > QUERY_COLUMNS)
        return nn_fail(error, NN_E_ARG, "the query has %d columns: at most %d", count,
                       QUERY_COLUMNS);
    for (int i = 0; i < count; i++)
        names[i] = sqlite3_column_name(statement, i);
    if (!reader->columns(reader->context, names, count))
        return NN_OK;
    nn_status status = NN_OK;
    while (database_next(&s->db, statement, &status, error)) {
        for (int i = 0; i < count; i++)
            cells[i] = cell_of(statement, i);
        if (!reader->row(reader->context, cells, count))
            return NN_OK;
    }
    return status;
}

nn_status store_query(store *s, const char *sql, const query_reader *reader, nn_error *error)
{
    char refused[64] = "";
    sqlite3_stmt *statement = NULL;
    const char *tail = "";
    sqlite3_set_authorizer(s->db.handle, allow, refused);
    int code = sqlite3_prepare_v2(s->db.handle, sql, -1, &statement, &tail);
    nn_status status = NN_OK;
    if (code != SQLITE_OK)
        status = refuse(s, refused, error);
    else if (!statement)
        status = nn_fail(error, NN_E_ARG, "the query is empty");
    else if (!is_rest(tail))
        status = nn_fail(error, NN_E_ARG, "one statement at a time: '%.40s' follows the first",
                         tail + strspn(tail, " \t\r\n;"));
    else if (!sqlite3_stmt_readonly(statement))
        status = nn_fail(error, NN_E_ARG, "only reading is allowed: this statement writes");
    else
        status = read_all(s, statement, reader, error);
    sqlite3_finalize(statement);
    sqlite3_set_authorizer(s->db.handle, NULL, NULL);
    return status;
}
