/* Changing tags, notes and fixes of examples, one undoable step at a time. */
#include "store/examples_journal.h"

#include <stdlib.h>
#include <string.h>

/* --- tags by name ------------------------------------------------------------------------------
 */

static nn_status find_tag(journal_step *step, const char *name, int64_t *tag, nn_error *error)
{
    *tag = 0;
    sqlite3_stmt *query =
        database_query(step->db, error, "SELECT id FROM tag WHERE content = ? AND name = ?", "ss",
                       step->content, name);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    if (query && database_next(step->db, query, &status, error))
        *tag = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return status;
}

static nn_status need_tag(journal_step *step, const char *name, int64_t *tag, nn_error *error)
{
    nn_status status = find_tag(step, name, tag, error);
    if (status == NN_OK && *tag == 0)
        status = nn_fail(error, NN_E_MISSING, "no tag of this data is called '%.60s'", name);
    return status;
}

/* A name that could be a number would be taken for an example on the command line. */
static nn_status check_tag(const char *name, nn_error *error)
{
    nn_status status = annotate_check_word("tag", name, STORE_TAG, ANNOTATE_TAG_REFUSED, error);
    if (status == NN_OK && strspn(name, "0123456789") == strlen(name))
        status =
            nn_fail(error, NN_E_ARG, "a tag cannot be called '%s': numbers are examples", name);
    return status;
}

static nn_status check_effort(const char *effort, nn_error *error)
{
    return *effort ? annotate_check_word("effort", effort, EXAMPLE_EFFORT, "", error) : NN_OK;
}

static journal_value tag_value(const char *name, const char *colour, const char *effort,
                               int64_t position)
{
    journal_value value = {.there = true};
    snprintf(value.text, sizeof value.text, "%s\t%s\t%s\t%lld", name, colour, effort,
             (long long)position);
    return value;
}

static nn_status make_tag(journal_step *step, const char *name, const char *colour,
                          const char *effort, int64_t *tag, nn_error *error)
{
    int64_t next = 0, count = 0, position = 1;
    nn_status status = check_tag(name, error);
    if (status == NN_OK)
        status = check_effort(effort, error);
    if (status == NN_OK && *colour)
        status = annotate_check_colour(colour, error);
    if (status == NN_OK) /* never a number that named another tag: undo would meet it */
        status = database_number(step->db,
                                 "SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = "
                                 "'tag'), 0), ifnull((SELECT max(tag) FROM example_journal), 0))",
                                 &next, error);
    sqlite3_stmt *query = status == NN_OK
                              ? database_query(step->db, error,
                                               "SELECT count(*), ifnull(max(position), 0) + 1 FROM "
                                               "tag WHERE content = ?",
                                               "s", step->content)
                              : NULL;
    if (query && database_next(step->db, query, &status, error)) {
        count = sqlite3_column_int64(query, 0);
        position = sqlite3_column_int64(query, 1);
    }
    sqlite3_finalize(query);
    if (status == NN_OK && count >= EXAMPLE_TAGS)
        status = nn_fail(error, NN_E_ARG,
                         "this data has %d tags already: merge or remove one before '%s'",
                         EXAMPLE_TAGS, name);
    *tag = next + 1;
    journal_value value =
        tag_value(name, *colour ? colour : run_tag_colour(1 + (int)(count % 4)), effort, position);
    return status == NN_OK ? journal_set(step, (journal_key){ROW_TAG, *tag, 0}, &value, error)
                           : status;
}

/* --- changes -----------------------------------------------------------------------------------
 */

static nn_status set_mark(journal_step *step, int64_t tag, int64_t example, bool there,
                          nn_error *error)
{
    const journal_value value = {.there = there, .text = "1"};
    return journal_set(step, (journal_key){ROW_OF, tag, example}, &value, error);
}

static nn_status change_tagged(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag;
    nn_status status = find_tag(step, change->text, &tag, error);
    if (status == NN_OK && tag == 0)
        status = make_tag(step, change->text, change->colour, "", &tag, error);
    return status == NN_OK ? set_mark(step, tag, change->example, true, error) : status;
}

static nn_status change_untagged(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag;
    journal_value now;
    nn_status status = need_tag(step, change->text, &tag, error);
    if (status == NN_OK)
        status = journal_get(step->db, step->content, (journal_key){ROW_OF, tag, change->example},
                             &now, error);
    if (status == NN_OK && !now.there)
        status = nn_fail(error, NN_E_MISSING, "example %lld has no tag '%.60s'",
                         (long long)change->example, change->text);
    return status == NN_OK ? set_mark(step, tag, change->example, false, error) : status;
}

static nn_status change_fix(journal_step *step, const example_change *change, nn_error *error)
{
    nn_status status =
        annotate_check_word("name of who fixes labels", change->who, EXAMPLE_WHO, "", error);
    if (status == NN_OK && *change->rule)
        status = annotate_check_word("rule", change->rule, EXAMPLE_RULE, "", error);
    if (status == NN_OK && (change->from < 0 || change->to < -1 || change->to == change->from))
        status = nn_fail(error, NN_E_ARG,
                         "example %lld: from label %d to %d is no fix; expected another class",
                         (long long)change->example, change->from, change->to);
    if (status != NN_OK)
        return status;
    journal_value value = {.there = true};
    snprintf(value.text, sizeof value.text, "%d\t%d\t%lld\t%s\t%s", change->from, change->to,
             (long long)process_now_ms(), change->who, change->rule);
    return journal_set(step, (journal_key){ROW_FIX, 0, change->example}, &value, error);
}

static nn_status change_unfix(journal_step *step, const example_change *change, nn_error *error)
{
    const journal_key key = {ROW_FIX, 0, change->example};
    const journal_value gone = {0};
    journal_value now;
    nn_status status = journal_get(step->db, step->content, key, &now, error);
    if (status == NN_OK && !now.there)
        status = nn_fail(error, NN_E_MISSING, "the label of example %lld is not fixed",
                         (long long)change->example);
    return status == NN_OK ? journal_set(step, key, &gone, error) : status;
}

static nn_status change_note(journal_step *step, const example_change *change, nn_error *error)
{
    journal_value value = {.there = change->text[0] != '\0'};
    snprintf(value.text, sizeof value.text, "%s", change->text);
    for (const char *at = change->text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return nn_fail(error, NN_E_ARG, "the note of example %lld holds a control character",
                           (long long)change->example);
    return journal_set(step, (journal_key){ROW_NOTE, 0, change->example}, &value, error);
}

/* A tag's row with one field changed. */
static nn_status change_field(journal_step *step, int64_t tag, int field, const char *text,
                              nn_error *error)
{
    char fields[4][STORE_TAG];
    journal_value now;
    nn_status status =
        journal_get(step->db, step->content, (journal_key){ROW_TAG, tag, 0}, &now, error);
    if (status != NN_OK)
        return status;
    for (int i = 0; i < 4; i++)
        journal_field(&now, i, fields[i], sizeof fields[i]);
    snprintf(fields[field], sizeof fields[field], "%s", text);
    journal_value value = tag_value(fields[0], fields[1], fields[2], strtoll(fields[3], NULL, 10));
    return journal_set(step, (journal_key){ROW_TAG, tag, 0}, &value, error);
}

static nn_status rename_tag(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag, other;
    nn_status status = need_tag(step, change->text, &tag, error);
    if (status == NN_OK)
        status = check_tag(change->other, error);
    if (status == NN_OK)
        status = find_tag(step, change->other, &other, error);
    if (status == NN_OK && other != 0 && other != tag)
        status = nn_fail(error, NN_E_ARG, "there is a tag '%s' already: merge '%s' into it instead",
                         change->other, change->text);
    return status == NN_OK ? change_field(step, tag, 0, change->other, error) : status;
}

/* Every example that bears `tag`; freed by the caller. */
static nn_status examples_of(journal_step *step, int64_t tag, int64_t **list, int64_t *count,
                             nn_error *error)
{
    int64_t room = 0;
    *list = NULL;
    *count = 0;
    sqlite3_stmt *query =
        database_query(step->db, error,
                       "SELECT example FROM example_tag WHERE tag = ? ORDER BY example", "i", tag);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    while (query && status == NN_OK && database_next(step->db, query, &status, error)) {
        if (*count == room) {
            room = room ? 2 * room : 64;
            int64_t *more = realloc(*list, (size_t)room * sizeof *more);
            if (!more) {
                status = nn_fail(error, NN_E_NOMEM, "out of memory while changing a tag");
                break;
            }
            *list = more;
        }
        (*list)[(*count)++] = sqlite3_column_int64(query, 0);
    }
    sqlite3_finalize(query);
    return status;
}

/* `into` 0: the marks go; else they become those of that tag. */
static nn_status dissolve_tag(journal_step *step, int64_t tag, int64_t into, nn_error *error)
{
    int64_t *list, count;
    const journal_value gone = {0};
    nn_status status = examples_of(step, tag, &list, &count, error);
    for (int64_t i = 0; i < count && status == NN_OK; i++) {
        if (into)
            status = set_mark(step, into, list[i], true, error);
        if (status == NN_OK)
            status = set_mark(step, tag, list[i], false, error);
    }
    free(list);
    return status == NN_OK ? journal_set(step, (journal_key){ROW_TAG, tag, 0}, &gone, error)
                           : status;
}

static nn_status merge_tag(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag, into;
    nn_status status = need_tag(step, change->text, &tag, error);
    if (status == NN_OK)
        status = need_tag(step, change->other, &into, error);
    if (status == NN_OK && tag == into)
        status = nn_fail(error, NN_E_ARG, "tag '%.60s' cannot be merged into itself", change->text);
    return status == NN_OK ? dissolve_tag(step, tag, into, error) : status;
}

/* The order of the others stays. */
static nn_status move_tag(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag, ids[EXAMPLE_TAGS];
    int count = 0, place = 0;
    nn_status status = need_tag(step, change->text, &tag, error);
    sqlite3_stmt *query =
        status == NN_OK ? database_query(step->db, error,
                                         "SELECT id FROM tag WHERE content = ? AND id != ? ORDER "
                                         "BY position, id",
                                         "si", step->content, tag)
                        : NULL;
    while (query && count < EXAMPLE_TAGS - 1 && database_next(step->db, query, &status, error))
        ids[count++] = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    int wanted = change->position < 1           ? 1
                 : change->position > count + 1 ? count + 1
                                                : change->position;
    for (int position = 1; position <= count + 1 && status == NN_OK; position++) {
        char number[16];
        snprintf(number, sizeof number, "%d", position);
        status = change_field(step, position == wanted ? tag : ids[place++], 3, number, error);
    }
    return status;
}

static nn_status change_tag_field(journal_step *step, const example_change *change, int field,
                                  nn_error *error)
{
    int64_t tag;
    nn_status status = need_tag(step, change->text, &tag, error);
    if (status == NN_OK)
        status = field == 1 ? annotate_check_colour(change->other, error)
                            : check_effort(change->other, error);
    return status == NN_OK ? change_field(step, tag, field, change->other, error) : status;
}

static nn_status new_tag(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag;
    nn_status status = find_tag(step, change->text, &tag, error);
    if (status == NN_OK && tag != 0)
        status = nn_fail(error, NN_E_ARG, "there is a tag '%.60s' already", change->text);
    return status == NN_OK
               ? make_tag(step, change->text, change->colour, change->other, &tag, error)
               : status;
}

static nn_status apply(journal_step *step, const example_change *change, nn_error *error)
{
    int64_t tag;
    nn_status status;
    if (change->kind <= EXAMPLE_UNFIX && change->example < 0)
        return nn_fail(error, NN_E_ARG, "example %lld: numbers begin with 0",
                       (long long)change->example);
    switch (change->kind) {
    case EXAMPLE_TAG:
        return change_tagged(step, change, error);
    case EXAMPLE_UNTAG:
        return change_untagged(step, change, error);
    case EXAMPLE_SET_NOTE:
        return change_note(step, change, error);
    case EXAMPLE_FIX:
        return change_fix(step, change, error);
    case EXAMPLE_UNFIX:
        return change_unfix(step, change, error);
    case TAG_NEW:
        return new_tag(step, change, error);
    case TAG_RENAME:
        return rename_tag(step, change, error);
    case TAG_MERGE:
        return merge_tag(step, change, error);
    case TAG_REMOVE:
        status = need_tag(step, change->text, &tag, error);
        return status == NN_OK ? dissolve_tag(step, tag, 0, error) : status;
    case TAG_COLOUR:
        return change_tag_field(step, change, 1, error);
    case TAG_EFFORT:
        return change_tag_field(step, change, 2, error);
    case TAG_MOVE:
        return move_tag(step, change, error);
    }
    return nn_fail(error, NN_E_ARG, "change %d is unknown", (int)change->kind);
}

/* --- on the recorder's thread ------------------------------------------------------------------
 */

typedef struct {
    const char *content, *journal;
    const example_change *changes;
    int count;
} change_request;

static nn_status apply_all(recorder *r, void *argument, nn_error *error)
{
    const change_request *ask = argument;
    journal_step step;
    nn_status status = journal_begin(&step, &r->db, ask->content, ask->journal, error);
    for (int i = 0; i < ask->count && status == NN_OK; i++)
        status = apply(&step, &ask->changes[i], error);
    return status;
}

static nn_status change_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, apply_all, argument, error);
}

nn_status recorder_examples(recorder *r, const char *content, const char *journal,
                            const example_change *changes, int count, nn_error *error)
{
    change_request ask = {content, journal, changes, count};
    return recorder_ask(r, change_work, &ask, error);
}
