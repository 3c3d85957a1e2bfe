#include "store/examples_journal.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"tag", "of", "note", "fix"};

void journal_field(const journal_value *value, int number, char *text, size_t size)
{
    const char *at = value->text;
    for (int i = 0; i < number; i++) {
        at += strcspn(at, "\t");
        at += *at == '\t';
    }
    snprintf(text, size, "%.*s", (int)strcspn(at, "\t"), at);
}

static int64_t whole_field(const journal_value *value, int number)
{
    char text[32];
    journal_field(value, number, text, sizeof text);
    return strtoll(text, NULL, 10);
}

/* --- one row -----------------------------------------------------------------------------------
 */

nn_status journal_get(database *db, const char *content, journal_key key, journal_value *value,
                      nn_error *error)
{
    static const char *const sql[] = {
        "SELECT name || char(9) || colour || char(9) || effort || char(9) || position FROM tag "
        "WHERE content = ?1 AND id = ?2 AND ?3 = ?3",
        "SELECT '1' FROM example_tag WHERE ?1 = ?1 AND tag = ?2 AND example = ?3",
        "SELECT text FROM example_note WHERE content = ?1 AND ?2 = ?2 AND example = ?3",
        "SELECT old_label || char(9) || new_label || char(9) || made_ms || char(9) || who || "
        "char(9) || rule FROM label_fix WHERE content = ?1 AND ?2 = ?2 AND example = ?3",
    };
    *value = (journal_value){0};
    sqlite3_stmt *query =
        database_query(db, error, sql[key.kind], "sii", content, key.tag, key.example);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    if (query && database_next(db, query, &status, error)) {
        value->there = true;
        column_text(query, 0, value->text, sizeof value->text);
    }
    sqlite3_finalize(query);
    return status;
}

static nn_status write_tag(database *db, const char *content, int64_t tag,
                           const journal_value *value, nn_error *error)
{
    char name[STORE_TAG], colour[12], effort[EXAMPLE_EFFORT];
    journal_field(value, 0, name, sizeof name);
    journal_field(value, 1, colour, sizeof colour);
    journal_field(value, 2, effort, sizeof effort);
    return database_do(db, error,
                       "INSERT INTO tag (id, content, name, colour, effort, position) VALUES (?, "
                       "?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
                       "colour = excluded.colour, effort = excluded.effort, position = "
                       "excluded.position",
                       "issssi", tag, content, name, colour, effort, whole_field(value, 3));
}

static nn_status write_fix(database *db, const char *content, int64_t example,
                           const journal_value *value, nn_error *error)
{
    char who[EXAMPLE_WHO], rule[EXAMPLE_RULE];
    journal_field(value, 3, who, sizeof who);
    journal_field(value, 4, rule, sizeof rule);
    return database_do(
        db, error,
        "INSERT OR REPLACE INTO label_fix (content, example, old_label, new_label, made_ms, who, "
        "rule) VALUES (?, ?, ?, ?, ?, ?, ?)",
        "siiiiss", content, example, whole_field(value, 0), whole_field(value, 1),
        whole_field(value, 2), who, rule);
}

static nn_status write_row(database *db, const char *content, journal_key key,
                           const journal_value *value, nn_error *error)
{
    static const char *const remove[] = {
        "DELETE FROM tag WHERE content = ?1 AND id = ?2 AND ?3 = ?3",
        "DELETE FROM example_tag WHERE ?1 = ?1 AND tag = ?2 AND example = ?3",
        "DELETE FROM example_note WHERE content = ?1 AND ?2 = ?2 AND example = ?3",
        "DELETE FROM label_fix WHERE content = ?1 AND ?2 = ?2 AND example = ?3",
    };
    if (!value->there)
        return database_do(db, error, remove[key.kind], "sii", content, key.tag, key.example);
    switch (key.kind) {
    case ROW_TAG:
        return write_tag(db, content, key.tag, value, error);
    case ROW_OF:
        return database_do(db, error, "INSERT INTO example_tag (tag, example) VALUES (?, ?)", "ii",
                           key.tag, key.example);
    case ROW_NOTE:
        return database_do(
            db, error,
            "INSERT OR REPLACE INTO example_note (content, example, text) VALUES (?, ?, ?)", "sis",
            content, key.example, value->text);
    case ROW_FIX:
        return write_fix(db, content, key.example, value, error);
    }
    return nn_fail(error, NN_E_ARG, "rows of kind %d are unknown", (int)key.kind);
}

static bool same_value(const journal_value *a, const journal_value *b)
{
    return a->there == b->there && (!a->there || strcmp(a->text, b->text) == 0);
}

/* --- steps -------------------------------------------------------------------------------------
 */

nn_status journal_begin(journal_step *step, database *db, const char *content, const char *journal,
                        nn_error *error)
{
    *step = (journal_step){.db = db, .content = content, .journal = journal};
    nn_status status = database_do(
        db, error, "DELETE FROM example_journal WHERE content = ? AND journal = ? AND undone = 1",
        "ss", content, journal);
    if (status == NN_OK)
        status = database_number(db, "SELECT ifnull(max(step), 0) + 1 FROM example_journal",
                                 &step->step, error);
    return status;
}

nn_status journal_set(journal_step *step, journal_key key, const journal_value *value,
                      nn_error *error)
{
    journal_value before;
    nn_status status = journal_get(step->db, step->content, key, &before, error);
    if (status != NN_OK || same_value(&before, value))
        return status;
    status = write_row(step->db, step->content, key, value, error);
    if (status == NN_OK)
        status =
            database_do(step->db, error,
                        "INSERT INTO example_journal (content, journal, step, kind, tag, "
                        "example, before, after, made_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        "ssisiissi", step->content, step->journal, step->step, kind_names[key.kind],
                        key.tag, key.example, before.there ? before.text : NULL,
                        value->there ? value->text : NULL, process_now_ms());
    return status;
}

/* --- back and forth ----------------------------------------------------------------------------
 */

typedef struct {
    const char *content, *journal;
    bool redo;
    char *what;
} move_request;

typedef struct {
    int64_t id;
    journal_key key;
    journal_value before, after;
} journal_row;

static void read_value(sqlite3_stmt *query, int column, journal_value *value)
{
    value->there = sqlite3_column_type(query, column) != SQLITE_NULL;
    column_text(query, column, value->text, sizeof value->text);
}

static void read_row_of_step(sqlite3_stmt *query, journal_row *row)
{
    char kind[8];
    row->id = sqlite3_column_int64(query, 0);
    column_text(query, 1, kind, sizeof kind);
    for (int k = ROW_TAG; k <= ROW_FIX; k++)
        if (strcmp(kind_names[k], kind) == 0)
            row->key.kind = (journal_kind)k;
    row->key.tag = sqlite3_column_int64(query, 2);
    row->key.example = sqlite3_column_int64(query, 3);
    read_value(query, 4, &row->before);
    read_value(query, 5, &row->after);
}

/* "tag 'blurry' of example 17" */
static nn_status describe(database *db, const move_request *ask, const journal_row *row,
                          char what[EXAMPLE_WHAT], nn_error *error)
{
    journal_value tag = {0};
    char name[STORE_TAG] = "";
    nn_status status = NN_OK;
    if (row->key.kind == ROW_OF || row->key.kind == ROW_TAG)
        status =
            journal_get(db, ask->content, (journal_key){ROW_TAG, row->key.tag, 0}, &tag, error);
    if (!tag.there && row->key.kind == ROW_TAG)
        tag = row->before.there ? row->before : row->after;
    journal_field(&tag, 0, name, sizeof name);
    long long example = (long long)row->key.example;
    switch (row->key.kind) {
    case ROW_TAG:
        snprintf(what, EXAMPLE_WHAT, "tag '%s'", name);
        break;
    case ROW_OF:
        snprintf(what, EXAMPLE_WHAT, "tag '%s' of example %lld", name, example);
        break;
    case ROW_NOTE:
        snprintf(what, EXAMPLE_WHAT, "note of example %lld", example);
        break;
    case ROW_FIX:
        snprintf(what, EXAMPLE_WHAT, "label of example %lld", example);
        break;
    }
    return status;
}

static nn_status move_row(database *db, const move_request *ask, const journal_row *row,
                          nn_error *error)
{
    const journal_value *from = ask->redo ? &row->before : &row->after;
    const journal_value *to = ask->redo ? &row->after : &row->before;
    journal_value now;
    char what[EXAMPLE_WHAT];
    nn_status status = journal_get(db, ask->content, row->key, &now, error);
    if (status == NN_OK)
        status = describe(db, ask, row, what, error);
    if (status == NN_OK && !same_value(&now, from))
        return nn_fail(error, NN_E_STATE, "the %s was changed by somebody else since", what);
    if (status == NN_OK)
        status = write_row(db, ask->content, row->key, to, error);
    if (status == NN_OK && ask->what)
        memcpy(ask->what, what, sizeof what);
    if (status == NN_OK)
        status = database_do(db, error, "UPDATE example_journal SET undone = ? WHERE id = ?", "ii",
                             (int64_t)!ask->redo, row->id);
    return status;
}

/* The row to move next: of the last step that stands from its end, or of the first that was undone
 * from its beginning. False when the step is through. */
static bool next_row(database *db, const move_request *ask, int64_t step, journal_row *row,
                     nn_status *status, nn_error *error)
{
    static const char back[] =
        "SELECT id, kind, tag, example, before, after FROM example_journal WHERE content = ? AND "
        "journal = ? AND step = ? AND undone = 0 ORDER BY id DESC LIMIT 1";
    static const char forth[] =
        "SELECT id, kind, tag, example, before, after FROM example_journal WHERE content = ? AND "
        "journal = ? AND step = ? AND undone = 1 ORDER BY id LIMIT 1";
    sqlite3_stmt *query = database_query(db, error, ask->redo ? forth : back, "ssi", ask->content,
                                         ask->journal, step);
    *status = query ? NN_OK : error ? error->code : NN_E_IO;
    bool found = query && database_next(db, query, status, error);
    if (found)
        read_row_of_step(query, row);
    sqlite3_finalize(query);
    return found;
}

static nn_status find_step(database *db, const move_request *ask, int64_t *step, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        db, error,
        ask->redo ? "SELECT min(step) FROM example_journal WHERE content = ? AND journal = ? AND "
                    "undone = 1"
                  : "SELECT max(step) FROM example_journal WHERE content = ? AND journal = ? AND "
                    "undone = 0",
        "ss", ask->content, ask->journal);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    *step = 0;
    if (query && database_next(db, query, &status, error))
        *step = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    if (status == NN_OK && *step == 0)
        status =
            nn_fail(error, NN_E_MISSING, "there is nothing to %s", ask->redo ? "redo" : "undo");
    return status;
}

static nn_status move_step(recorder *r, void *argument, nn_error *error)
{
    const move_request *ask = argument;
    int64_t step;
    journal_row row;
    nn_status status = find_step(&r->db, ask, &step, error);
    while (status == NN_OK && next_row(&r->db, ask, step, &row, &status, error))
        status = move_row(&r->db, ask, &row, error);
    return status;
}

static nn_status move_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, move_step, argument, error);
}

nn_status recorder_examples_undo(recorder *r, const char *content, const char *journal,
                                 char what[EXAMPLE_WHAT], nn_error *error)
{
    move_request ask = {content, journal, false, what};
    return recorder_ask(r, move_work, &ask, error);
}

nn_status recorder_examples_redo(recorder *r, const char *content, const char *journal,
                                 char what[EXAMPLE_WHAT], nn_error *error)
{
    move_request ask = {content, journal, true, what};
    return recorder_ask(r, move_work, &ask, error);
}
