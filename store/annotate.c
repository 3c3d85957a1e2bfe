#include "store/annotate.h"

#include "store/annotate_internal.h"
#include "store/read.h"

#include <stdlib.h>
#include <string.h>

/* --- texts ------------------------------------------------------------------------------------ */

/* Names are typed again on command lines and in filters, and shown in cells. */
nn_status annotate_check_word(const char *what, const char *text, size_t room, const char *refused,
                              nn_error *error)
{
    size_t length = strlen(text);
    if (length == 0)
        return nn_fail(error, NN_E_ARG, "a %s needs at least one character", what);
    if (length >= room)
        return nn_fail(error, NN_E_ARG, "the %s '%.40s...' is longer than %zu bytes", what, text,
                       room - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f || strchr(refused, text[i]))
            return nn_fail(error, NN_E_ARG, "the %s '%s' holds %s at character %zu", what, text,
                           (unsigned char)text[i] > ' ' ? "a sign that names cannot have"
                                                        : "a blank or control character",
                           i + 1);
    if (text[0] == ' ' || text[length - 1] == ' ')
        return nn_fail(error, NN_E_ARG, "the %s '%s' begins or ends with a blank", what, text);
    return NN_OK;
}

static nn_status check_run_name(const char *name, nn_error *error)
{
    nn_status status = annotate_check_word("name", name, sizeof((run_row *)0)->name, "@", error);
    if (status == NN_OK &&
        (strspn(name, "0123456789") == strlen(name) || strcmp(name, "last") == 0))
        status =
            nn_fail(error, NN_E_ARG,
                    "a run cannot be called '%s': numbers and \"last\" stand for other runs", name);
    return status;
}

const char *run_tag_colour(int i)
{
    static const char *const colours[] = {"plain", "blue", "orange", "white", "violet"};
    return i >= 0 && i < (int)(sizeof colours / sizeof *colours) ? colours[i] : NULL;
}

nn_status annotate_check_colour(const char *colour, nn_error *error)
{
    for (int i = 0; run_tag_colour(i); i++)
        if (strcmp(run_tag_colour(i), colour) == 0)
            return NN_OK;
    return nn_fail(error, NN_E_ARG,
                   "the colour '%s' is unknown: plain, blue, orange, white or violet", colour);
}

/* --- one change, inside the transaction --------------------------------------------------------
 */

static nn_status change_name(database *db, const run_row *row, const char *name, nn_error *error)
{
    nn_status status = check_run_name(name, error);
    sqlite3_stmt *query =
        status == NN_OK
            ? database_query(db, error, "SELECT id, deleted_ms FROM run WHERE name = ? AND id != ?",
                             "si", name, row->id)
            : NULL;
    if (!query)
        return status != NN_OK ? status : error ? error->code : NN_E_IO;
    bool taken = database_next(db, query, &status, error);
    if (taken)
        status = nn_fail(error, NN_E_ARG, "run %lld%s is called '%s' already",
                         (long long)sqlite3_column_int64(query, 0),
                         sqlite3_column_int64(query, 1) > 0 ? ", which was deleted," : "", name);
    sqlite3_finalize(query);
    if (status == NN_OK)
        status =
            database_do(db, error, "UPDATE run SET name = ? WHERE id = ?", "si", name, row->id);
    return status;
}

static nn_status change_note(database *db, const run_row *row, const char *note, nn_error *error)
{
    return database_do(db, error, "UPDATE run SET note = ? WHERE id = ?", "si", note, row->id);
}

/* The number of the tag called `name`; 0: none. */
static nn_status find_tag(database *db, const char *name, int64_t *tag, char *colour, size_t size,
                          nn_error *error)
{
    *tag = 0;
    sqlite3_stmt *query =
        database_query(db, error, "SELECT id, colour FROM run_tag WHERE name = ?", "s", name);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    if (query && database_next(db, query, &status, error)) {
        *tag = sqlite3_column_int64(query, 0);
        column_text(query, 1, colour, size);
    }
    sqlite3_finalize(query);
    return status;
}

static nn_status has_tag(database *db, run_id run, int64_t tag, bool *has, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        db, error, "SELECT 1 FROM run_tag_of WHERE run = ? AND tag = ?", "ii", run, tag);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    *has = query && database_next(db, query, &status, error);
    sqlite3_finalize(query);
    return status;
}

/* A tag without a chosen colour takes the next one round. */
static nn_status make_tag(database *db, const run_change *change, int64_t *tag, nn_error *error)
{
    int64_t count = 0;
    nn_status status = database_number(db, "SELECT count(*) FROM run_tag", &count, error);
    if (status != NN_OK)
        return status;
    const char *colour = change->colour[0] ? change->colour : run_tag_colour(1 + (int)(count % 4));
    status = database_do(db, error, "INSERT INTO run_tag (name, colour) VALUES (?, ?)", "ss",
                         change->text, colour);
    *tag = sqlite3_last_insert_rowid(db->handle);
    return status;
}

static nn_status change_tag(database *db, const run_change *change, run_change *inverse,
                            nn_error *error)
{
    int64_t tag;
    bool has = false;
    char colour[sizeof change->colour] = "";
    nn_status status =
        annotate_check_word("tag", change->text, STORE_TAG, ANNOTATE_TAG_REFUSED, error);
    if (status == NN_OK && change->colour[0])
        status = annotate_check_colour(change->colour, error);
    if (status == NN_OK)
        status = find_tag(db, change->text, &tag, colour, sizeof colour, error);
    if (status == NN_OK && tag == 0)
        status = make_tag(db, change, &tag, error);
    else if (status == NN_OK && change->colour[0])
        status = database_do(db, error, "UPDATE run_tag SET colour = ? WHERE id = ?", "si",
                             change->colour, tag);
    if (status == NN_OK)
        status = has_tag(db, change->run, tag, &has, error);
    if (status == NN_OK && !has)
        status =
            database_do(db, error, "INSERT INTO run_tag_of VALUES (?, ?)", "ii", change->run, tag);
    if (!has) {
        inverse->kind = RUN_UNTAG;
    } else if (change->colour[0]) { /* only the colour changed: back to the old one */
        inverse->kind = RUN_TAG;
        copy_text(inverse->colour, sizeof inverse->colour, colour);
    }
    copy_text(inverse->text, sizeof inverse->text, change->text);
    return status;
}

/* The tag itself goes with its last run. */
static nn_status change_untag(database *db, const run_change *change, run_change *inverse,
                              nn_error *error)
{
    int64_t tag;
    bool has = false;
    nn_status status =
        find_tag(db, change->text, &tag, inverse->colour, sizeof inverse->colour, error);
    if (status == NN_OK && tag > 0)
        status = has_tag(db, change->run, tag, &has, error);
    if (status == NN_OK && !has)
        return nn_fail(error, NN_E_MISSING, "run %lld has no tag '%.60s'", (long long)change->run,
                       change->text);
    if (status == NN_OK)
        status = database_do(db, error, "DELETE FROM run_tag_of WHERE run = ? AND tag = ?", "ii",
                             change->run, tag);
    if (status == NN_OK)
        status = database_do(db, error,
                             "DELETE FROM run_tag WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM "
                             "run_tag_of WHERE tag = ?1)",
                             "i", tag);
    inverse->kind = RUN_TAG;
    copy_text(inverse->text, sizeof inverse->text, change->text);
    return status;
}

/* Pins and the archive: a mark that stands or not. */
static nn_status change_mark(database *db, const run_change *change, bool stands, const char *sql,
                             int64_t value, run_change_kind back, run_change *inverse,
                             nn_error *error)
{
    bool sets = value != 0;
    if (sets == stands)
        return NN_OK;
    inverse->kind = back;
    return database_do(db, error, sql, "ii", value, change->run);
}

static nn_status change_deleted(database *db, const run_change *change, const run_row *row,
                                run_change *inverse, nn_error *error)
{
    bool trains = row->state == RUN_RUNNING || row->state == RUN_PAUSED;
    bool deletes = change->kind == RUN_DELETE;
    if (deletes && trains)
        return nn_fail(error, NN_E_STATE,
                       "run %lld '%s' is %s in process %d: stop it before deleting it",
                       (long long)row->id, row->name, run_state_name(row->state), row->pid);
    return change_mark(
        db, change, row->deleted_ms > 0, "UPDATE run SET deleted_ms = nullif(?, 0) WHERE id = ?",
        deletes ? process_now_ms() : 0, deletes ? RUN_UNDELETE : RUN_DELETE, inverse, error);
}

static nn_status apply(recorder *r, const run_change *change, run_change *inverse, nn_error *error)
{
    run_row row;
    nn_status status = read_run(&r->db, &r->self, change->run, &row, error);
    *inverse = (run_change){.run = change->run, .kind = RUN_UNCHANGED};
    if (status != NN_OK)
        return status;
    switch (change->kind) {
    case RUN_UNCHANGED:
        return NN_OK;
    case RUN_RENAME:
        inverse->kind = strcmp(row.name, change->text) != 0 ? RUN_RENAME : RUN_UNCHANGED;
        copy_text(inverse->text, sizeof inverse->text, row.name);
        return change_name(&r->db, &row, change->text, error);
    case RUN_NOTE:
        inverse->kind = strcmp(row.note, change->text) != 0 ? RUN_NOTE : RUN_UNCHANGED;
        copy_text(inverse->text, sizeof inverse->text, row.note);
        return change_note(&r->db, &row, change->text, error);
    case RUN_TAG:
        return change_tag(&r->db, change, inverse, error);
    case RUN_UNTAG:
        return change_untag(&r->db, change, inverse, error);
    case RUN_PIN:
    case RUN_UNPIN:
        return change_mark(&r->db, change, row.pinned, "UPDATE run SET pinned = ? WHERE id = ?",
                           change->kind == RUN_PIN, change->kind == RUN_PIN ? RUN_UNPIN : RUN_PIN,
                           inverse, error);
    case RUN_ARCHIVE:
    case RUN_UNARCHIVE:
        return change_mark(&r->db, change, row.archived_ms > 0,
                           "UPDATE run SET archived_ms = nullif(?, 0) WHERE id = ?",
                           change->kind == RUN_ARCHIVE ? process_now_ms() : 0,
                           change->kind == RUN_ARCHIVE ? RUN_UNARCHIVE : RUN_ARCHIVE, inverse,
                           error);
    case RUN_DELETE:
    case RUN_UNDELETE:
        return change_deleted(&r->db, change, &row, inverse, error);
    }
    return nn_fail(error, NN_E_ARG, "change %d is unknown", (int)change->kind);
}

/* --- on the recorder's thread ------------------------------------------------------------------
 */

nn_status annotate_transaction(recorder *r, nn_status (*work)(recorder *, void *, nn_error *),
                               void *argument, nn_error *error)
{
    r->tried_at = process_monotonic_ms();
    r->beginning = true;
    nn_status status = database_begin(&r->db, false, error);
    r->beginning = false;
    if (status == NN_OK) {
        status = work(r, argument, error);
        if (status == NN_OK)
            status = database_commit(&r->db, error);
        if (status != NN_OK)
            database_rollback(&r->db);
    }
    r->locked_since = 0;
    return status;
}

typedef struct {
    const run_change *changes;
    int count;
    run_change *inverse;
} change_request;

static nn_status apply_all(recorder *r, void *argument, nn_error *error)
{
    const change_request *ask = argument;
    run_change back;
    nn_status status = NN_OK;
    for (int i = 0; i < ask->count && status == NN_OK; i++)
        status = apply(r, &ask->changes[i], ask->inverse ? &ask->inverse[i] : &back, error);
    return status;
}

static nn_status change_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, apply_all, argument, error);
}

nn_status recorder_change(recorder *r, const run_change *changes, int count, run_change *inverse,
                          nn_error *error)
{
    change_request ask = {changes, count, inverse};
    return recorder_ask(r, change_work, &ask, error);
}

/* --- tags and views ----------------------------------------------------------------------------
 */

static nn_status read_tag(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    run_tag *tag = item;
    (void)s;
    (void)error;
    tag->id = sqlite3_column_int64(query, 0);
    column_text(query, 1, tag->name, sizeof tag->name);
    column_text(query, 2, tag->colour, sizeof tag->colour);
    return NN_OK;
}

nn_status store_tags(store *s, run_tag **list, int *count, nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error, "SELECT id, name, colour FROM run_tag ORDER BY name", "");
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_tag, count, &status, error);
    return status;
}

nn_status store_run_tags(store *s, run_id run, run_tag **list, int *count, nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT id, name, colour FROM run_tag JOIN run_tag_of ON tag = id "
                       "WHERE run = ? ORDER BY name",
                       "i", run);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_tag, count, &status, error);
    return status;
}

static nn_status read_view(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    saved_view *view = item;
    (void)s;
    (void)error;
    column_text(query, 0, view->name, sizeof view->name);
    column_text(query, 1, view->query, sizeof view->query);
    return NN_OK;
}

nn_status store_views(store *s, const char *screen, saved_view **list, int *count, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error, "SELECT name, query FROM saved_view WHERE screen = ? ORDER BY name", "s",
        screen);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_view, count, &status, error);
    return status;
}

typedef struct {
    const char *screen, *name, *query;
} view_request;

static nn_status write_view(recorder *r, void *argument, nn_error *error)
{
    const view_request *ask = argument;
    if (ask->query)
        return database_do(&r->db, error,
                           "INSERT INTO saved_view (screen, name, query, saved_ms) VALUES (?, ?, "
                           "?, ?) ON CONFLICT (screen, name) DO UPDATE SET query = excluded.query, "
                           "saved_ms = excluded.saved_ms",
                           "sssi", ask->screen, ask->name, ask->query, process_now_ms());
    nn_status status =
        database_do(&r->db, error, "DELETE FROM saved_view WHERE screen = ? AND name = ?", "ss",
                    ask->screen, ask->name);
    if (status == NN_OK && sqlite3_changes(r->db.handle) == 0)
        status = nn_fail(error, NN_E_MISSING, "no view is called '%.60s'", ask->name);
    return status;
}

static nn_status view_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_view, argument, error);
}

nn_status recorder_save_view(recorder *r, const char *screen, const char *name, const char *query,
                             nn_error *error)
{
    nn_status status = annotate_check_word("view", name, STORE_VIEW_NAME, "", error);
    if (status == NN_OK && query && strlen(query) >= STORE_VIEW_QUERY)
        status = nn_fail(error, NN_E_ARG, "the rules of view '%s' are longer than %d bytes", name,
                         STORE_VIEW_QUERY - 1);
    view_request ask = {screen, name, query};
    return status == NN_OK ? recorder_ask(r, view_work, &ask, error) : status;
}
