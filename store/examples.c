/* Reading what people said about examples, and the samples of errors. */
#include "store/examples.h"

#include "engine/rng.h"
#include "store/annotate_internal.h"
#include "store/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nn_status store_run_content(store *s, run_id run, char content[EXAMPLE_CONTENT], nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT CASE content WHEN '' THEN fingerprint ELSE content END FROM run "
                       "JOIN dataset ON dataset.id = dataset WHERE run.id = ?",
                       "i", run);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    bool found = query && database_next(&s->db, query, &status, error);
    if (found)
        column_text(query, 0, content, EXAMPLE_CONTENT);
    sqlite3_finalize(query);
    if (status == NN_OK && !found)
        return nn_fail(error, NN_E_MISSING, "there is no run %lld", (long long)run);
    return status;
}

/* --- the human level ---------------------------------------------------------------------------
 */

nn_status store_human_error(store *s, const char *content, double *share, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error, "SELECT error FROM human_level WHERE content = ?", "s", content);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    *share = NAN;
    if (query && database_next(&s->db, query, &status, error))
        *share = column_double(query, 0);
    sqlite3_finalize(query);
    return status;
}

typedef struct {
    const char *content;
    double share;
} level_request;

static nn_status write_level(recorder *r, void *argument, nn_error *error)
{
    const level_request *ask = argument;
    if (isnan(ask->share))
        return database_do(&r->db, error, "DELETE FROM human_level WHERE content = ?", "s",
                           ask->content);
    return database_do(&r->db, error,
                       "INSERT OR REPLACE INTO human_level (content, error) VALUES (?, ?)", "sd",
                       ask->content, ask->share);
}

static nn_status level_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_level, argument, error);
}

nn_status recorder_human_error(recorder *r, const char *content, double share, nn_error *error)
{
    level_request ask = {content, share};
    if (share < 0 || share > 1)
        return nn_fail(error, NN_E_ARG, "human error %g: expected a share from 0 to 1", share);
    return recorder_ask(r, level_work, &ask, error);
}

/* --- tags, notes, fixes ------------------------------------------------------------------------
 */

static nn_status read_tag(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    example_tag *tag = item;
    (void)s;
    (void)error;
    tag->id = sqlite3_column_int64(query, 0);
    column_text(query, 1, tag->name, sizeof tag->name);
    column_text(query, 2, tag->colour, sizeof tag->colour);
    column_text(query, 3, tag->effort, sizeof tag->effort);
    tag->position = sqlite3_column_int(query, 4);
    tag->count = sqlite3_column_int64(query, 5);
    return NN_OK;
}

nn_status store_example_tags(store *s, const char *content, example_tag **list, int *count,
                             nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT id, name, colour, effort, position, (SELECT count(*) FROM example_tag WHERE tag = "
        "id) FROM tag WHERE content = ? ORDER BY position, id",
        "s", content);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_tag, count, &status, error);
    return status;
}

static nn_status read_tagging(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    example_tagging *tagging = item;
    (void)s;
    (void)error;
    tagging->example = sqlite3_column_int64(query, 0);
    tagging->tag = sqlite3_column_int64(query, 1);
    return NN_OK;
}

nn_status store_taggings(store *s, const char *content, example_tagging **list, int *count,
                         nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT example, tag FROM example_tag JOIN tag ON tag.id = tag WHERE "
                       "content = ? ORDER BY example, position, tag",
                       "s", content);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_tagging, count, &status, error);
    return status;
}

static nn_status read_note(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    example_note *note = item;
    (void)s;
    (void)error;
    note->example = sqlite3_column_int64(query, 0);
    column_text(query, 1, note->text, sizeof note->text);
    return NN_OK;
}

nn_status store_example_notes(store *s, const char *content, example_note **list, int *count,
                              nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error, "SELECT example, text FROM example_note WHERE content = ? ORDER BY example",
        "s", content);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_note, count, &status, error);
    return status;
}

static nn_status read_fix(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    label_fix *fix = item;
    (void)s;
    (void)error;
    fix->example = sqlite3_column_int64(query, 0);
    fix->from = sqlite3_column_int(query, 1);
    fix->to = sqlite3_column_int(query, 2);
    fix->made_ms = sqlite3_column_int64(query, 3);
    column_text(query, 4, fix->who, sizeof fix->who);
    column_text(query, 5, fix->rule, sizeof fix->rule);
    return NN_OK;
}

nn_status store_label_fixes(store *s, const char *content, label_fix **list, int *count,
                            nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT example, old_label, new_label, made_ms, who, rule FROM label_fix "
                       "WHERE content = ? ORDER BY example",
                       "s", content);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_fix, count, &status, error);
    return status;
}

nn_status store_run_fixes(store *s, run_id run, label_fix **list, int *count, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT example, old_label, new_label, 0, '', '' FROM run_label_fix WHERE run = ? ORDER BY "
        "example",
        "i", run);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_fix, count, &status, error);
    return status;
}

/* --- samples -----------------------------------------------------------------------------------
 */

static nn_status read_analysis(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    analysis *a = item;
    char part[8];
    (void)s;
    (void)error;
    a->id = sqlite3_column_int64(query, 0);
    a->run = sqlite3_column_int64(query, 1);
    column_text(query, 2, part, sizeof part);
    for (int p = 0; p < NN_PARTS; p++)
        if (strcmp(nn_part_name((nn_part)p), part) == 0)
            a->part = (nn_part)p;
    a->seed = (uint64_t)sqlite3_column_int64(query, 3);
    a->errors = sqlite3_column_int64(query, 4);
    a->total = sqlite3_column_int64(query, 5);
    a->made_ms = sqlite3_column_int64(query, 6);
    a->count = sqlite3_column_int(query, 7);
    a->seen = sqlite3_column_int(query, 8);
    return NN_OK;
}

nn_status store_analyses(store *s, run_id run, analysis **list, int *count, nn_error *error)
{
    /* With a tag it was looked at, whoever gave the tag. */
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT a.id, a.run, a.part, a.seed, a.errors, a.total, a.made_ms, count(e.place), "
        "count(CASE WHEN e.seen_ms IS NOT NULL OR EXISTS (SELECT 1 FROM tag JOIN example_tag t ON "
        "t.tag = tag.id WHERE t.example = e.example AND tag.content = "
        "CASE d.content WHEN '' THEN d.fingerprint ELSE d.content END) THEN 1 END) "
        "FROM analysis a JOIN run ON run.id = a.run JOIN dataset d ON d.id = run.dataset "
        "LEFT JOIN analysis_example e ON e.analysis = a.id WHERE a.run = ? "
        "GROUP BY a.id ORDER BY a.id DESC",
        "i", run);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_analysis, count, &status, error);
    return status;
}

static nn_status read_member(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    analysis_example *member = item;
    (void)s;
    (void)error;
    member->example = sqlite3_column_int64(query, 0);
    member->seen = sqlite3_column_int(query, 1) != 0;
    return NN_OK;
}

nn_status store_analysis_examples(store *s, int64_t id, analysis_example **list, int *count,
                                  nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT e.example, e.seen_ms IS NOT NULL OR EXISTS (SELECT 1 FROM tag JOIN "
                       "example_tag t ON t.tag = tag.id WHERE t.example = e.example AND "
                       "tag.content = CASE d.content WHEN '' THEN d.fingerprint ELSE d.content "
                       "END) FROM analysis_example e JOIN analysis a ON a.id = e.analysis JOIN run "
                       "ON run.id = a.run JOIN dataset d ON d.id = run.dataset WHERE e.analysis = "
                       "? ORDER BY e.place",
                       "i", id);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_member, count, &status, error);
    return status;
}

typedef struct {
    run_id run;
    nn_part part;
    uint64_t seed;
    int64_t *errors; /* the wrong answers, shuffled */
    int64_t error_count, total;
    int size;
    int64_t id;
} sample_request;

static nn_status write_sample(recorder *r, void *argument, nn_error *error)
{
    sample_request *ask = argument;
    nn_status status =
        database_do(&r->db, error,
                    "INSERT INTO analysis (run, part, seed, errors, total, made_ms) VALUES (?, ?, "
                    "?, ?, ?, ?)",
                    "isiiii", ask->run, nn_part_name(ask->part), (int64_t)ask->seed,
                    ask->error_count, ask->total, process_now_ms());
    ask->id = sqlite3_last_insert_rowid(r->db.handle);
    for (int i = 0; i < ask->size && status == NN_OK; i++)
        status = database_do(&r->db, error,
                             "INSERT INTO analysis_example (analysis, place, example) VALUES (?, "
                             "?, ?)",
                             "iii", ask->id, (int64_t)i, ask->errors[i]);
    return status;
}

static nn_status sample_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_sample, argument, error);
}

/* The wrong answers in an order that depends on the seed alone. */
static nn_status shuffle_errors(const store_prediction *answers, int64_t count, sample_request *ask,
                                nn_error *error)
{
    uint32_t *order = malloc(((size_t)count + 1) * sizeof *order);
    int64_t *wrong = malloc(((size_t)count + 1) * sizeof *wrong);
    ask->errors = malloc(((size_t)count + 1) * sizeof *ask->errors);
    nn_status status = order && wrong && ask->errors
                           ? NN_OK
                           : nn_fail(error, NN_E_NOMEM, "out of memory while drawing a sample");
    for (int64_t i = 0; i < count && status == NN_OK; i++)
        if (answers[i].truth >= 0 && answers[i].truth != answers[i].predicted)
            wrong[ask->error_count++] = answers[i].example;
    if (status == NN_OK) {
        nn_shuffle(order, (size_t)ask->error_count, ask->seed, 0);
        for (int64_t i = 0; i < ask->error_count; i++)
            ask->errors[i] = wrong[order[i]];
    }
    free(order);
    free(wrong);
    return status;
}

static nn_status read_errors(recorder *r, sample_request *ask, nn_error *error)
{
    store *s = store_open(r->db.path, error);
    if (!s)
        return error ? error->code : NN_E_IO;
    store_prediction *answers = NULL;
    nn_status status = store_predictions(s, ask->run, ask->part, &answers, &ask->total, error);
    store_close(s);
    if (status == NN_OK && ask->total == 0)
        status = nn_fail(error, NN_E_MISSING, "run %lld has no answers for its %s part yet",
                         (long long)ask->run, nn_part_name(ask->part));
    if (status == NN_OK)
        status = shuffle_errors(answers, ask->total, ask, error);
    free(answers);
    if (status == NN_OK && ask->error_count == 0)
        status = nn_fail(error, NN_E_STATE, "run %lld has no errors in its %s part to draw from",
                         (long long)ask->run, nn_part_name(ask->part));
    return status;
}

nn_status recorder_new_analysis(recorder *r, run_id run, nn_part part, uint64_t seed, int size,
                                int64_t *id, nn_error *error)
{
    if (size < 1)
        return nn_fail(error, NN_E_ARG, "a sample of %d errors: expected at least 1", size);
    sample_request ask = {.run = run, .part = part, .seed = seed};
    nn_status status = read_errors(r, &ask, error);
    if (status == NN_OK) {
        ask.size = size < ask.error_count ? size : (int)ask.error_count;
        status = recorder_ask(r, sample_work, &ask, error);
    }
    if (status == NN_OK)
        *id = ask.id;
    free(ask.errors);
    return status;
}

typedef struct {
    int64_t id;
    const int64_t *examples;
    int count;
} seen_request;

static nn_status write_seen(recorder *r, void *argument, nn_error *error)
{
    const seen_request *ask = argument;
    int64_t now = process_now_ms();
    if (ask->count < 0)
        return database_do(&r->db, error,
                           "UPDATE analysis_example SET seen_ms = ? WHERE analysis = ? AND "
                           "seen_ms IS NULL",
                           "ii", now, ask->id);
    nn_status status = NN_OK;
    for (int i = 0; i < ask->count && status == NN_OK; i++)
        status = database_do(&r->db, error,
                             "UPDATE analysis_example SET seen_ms = ? WHERE analysis = ? AND "
                             "example = ? AND seen_ms IS NULL",
                             "iii", now, ask->id, ask->examples[i]);
    return status;
}

static nn_status seen_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_seen, argument, error);
}

nn_status recorder_analysis_seen(recorder *r, int64_t id, const int64_t *examples, int count,
                                 nn_error *error)
{
    seen_request ask = {id, examples, count};
    return recorder_ask(r, seen_work, &ask, error);
}
