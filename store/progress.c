#include "store/progress.h"

#include "store/annotate_internal.h"
#include "store/read.h"

#include <string.h>

enum { CHAPTERS_MOST = 999 };

static nn_status check_chapter(int chapter, int least, nn_error *error)
{
    if (chapter < least || chapter > CHAPTERS_MOST)
        return nn_fail(error, NN_E_ARG, "chapter %d: expected %d to %d", chapter, least,
                       CHAPTERS_MOST);
    return NN_OK;
}

/* --- places -------------------------------------------------------------------------------------
 */

static nn_status write_place(recorder *r, void *argument, nn_error *error)
{
    const progress_place *place = argument;
    return database_do(
        &r->db, error,
        "INSERT INTO lesson_place (chapter, mode, section, step, item, done, saved_ms)\n"
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chapter) DO UPDATE SET mode = excluded.mode,\n"
        "section = excluded.section, step = excluded.step, item = excluded.item,\n"
        "done = max(done, excluded.done), saved_ms = excluded.saved_ms",
        "isiiiii", (int64_t)place->chapter, place->mode, (int64_t)place->section,
        (int64_t)place->step, (int64_t)place->item, (int64_t)place->done, process_now_ms());
}

static nn_status place_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_place, argument, error);
}

nn_status recorder_save_place(recorder *r, const progress_place *place, nn_error *error)
{
    progress_place copy = *place;
    nn_status status = check_chapter(place->chapter, 1, error);
    return status == NN_OK ? recorder_ask(r, place_work, &copy, error) : status;
}

static nn_status read_place(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    progress_place *place = item;
    (void)s;
    (void)error;
    place->chapter = sqlite3_column_int(query, 0);
    column_text(query, 1, place->mode, sizeof place->mode);
    place->section = sqlite3_column_int(query, 2);
    place->step = sqlite3_column_int(query, 3);
    place->item = sqlite3_column_int(query, 4);
    place->done = sqlite3_column_int(query, 5) != 0;
    place->saved_ms = sqlite3_column_int64(query, 6);
    return NN_OK;
}

nn_status store_places(store *s, progress_place **list, int *count, nn_error *error)
{
    nn_status status;
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT chapter, mode, section, step, item, done, saved_ms FROM "
                       "lesson_place ORDER BY saved_ms DESC, chapter",
                       "");
    *list = read_list(s, query, sizeof **list, read_place, count, &status, error);
    return status;
}

/* --- items --------------------------------------------------------------------------------------
 */

static bool passes(const char *outcome)
{
    return strcmp(outcome, "right") == 0 || strcmp(outcome, "nearly") == 0 ||
           strcmp(outcome, "holds") == 0;
}

static nn_status write_item(recorder *r, void *argument, nn_error *error)
{
    const progress_item *item = argument;
    return database_do(
        &r->db, error,
        "INSERT INTO lesson_item (chapter, kind, id, outcome, answer, hints, passed, run, "
        "saved_ms)\n"
        "VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?) ON CONFLICT (chapter, kind, id) DO UPDATE\n"
        "SET outcome = excluded.outcome, answer = excluded.answer,\n"
        "hints = max(hints, excluded.hints), passed = max(passed, excluded.passed),\n"
        "times = times + 1, run = coalesce(excluded.run, run), saved_ms = excluded.saved_ms",
        "issssiiii", (int64_t)item->chapter, item->kind, item->id, item->outcome, item->answer,
        (int64_t)item->hints, (int64_t)passes(item->outcome), item->run, process_now_ms());
}

static nn_status item_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_item, argument, error);
}

nn_status recorder_save_item(recorder *r, const progress_item *item, nn_error *error)
{
    progress_item copy = *item;
    nn_status status = check_chapter(item->chapter, 1, error);
    if (status == NN_OK && (!*item->kind || !*item->id || !*item->outcome))
        status = nn_fail(error, NN_E_ARG, "progress of chapter %d without kind, id or outcome",
                         item->chapter);
    return status == NN_OK ? recorder_ask(r, item_work, &copy, error) : status;
}

static nn_status read_item(store *s, sqlite3_stmt *query, void *row, nn_error *error)
{
    progress_item *item = row;
    (void)s;
    (void)error;
    item->chapter = sqlite3_column_int(query, 0);
    column_text(query, 1, item->kind, sizeof item->kind);
    column_text(query, 2, item->id, sizeof item->id);
    column_text(query, 3, item->outcome, sizeof item->outcome);
    column_text(query, 4, item->answer, sizeof item->answer);
    item->hints = sqlite3_column_int(query, 5);
    item->times = sqlite3_column_int(query, 6);
    item->passed = sqlite3_column_int(query, 7) != 0;
    item->run = sqlite3_column_int64(query, 8);
    item->saved_ms = sqlite3_column_int64(query, 9);
    return NN_OK;
}

nn_status store_items(store *s, int chapter, progress_item **list, int *count, nn_error *error)
{
    nn_status status;
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT chapter, kind, id, outcome, answer, hints, times, passed, run, saved_ms "
        "FROM lesson_item WHERE ?1 IN (0, chapter) ORDER BY chapter, kind, id",
        "i", (int64_t)chapter);
    *list = read_list(s, query, sizeof **list, read_item, count, &status, error);
    return status;
}

/* --- forgetting ---------------------------------------------------------------------------------
 */

static nn_status forget(recorder *r, void *argument, nn_error *error)
{
    int64_t chapter = *(int *)argument;
    nn_status status = database_do(
        &r->db, error, "DELETE FROM lesson_item WHERE ?1 IN (0, chapter)", "i", chapter);
    if (status == NN_OK)
        status = database_do(&r->db, error, "DELETE FROM lesson_place WHERE ?1 IN (0, chapter)",
                             "i", chapter);
    return status;
}

static nn_status forget_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, forget, argument, error);
}

nn_status recorder_forget_progress(recorder *r, int chapter, nn_error *error)
{
    nn_status status = check_chapter(chapter, 0, error);
    return status == NN_OK ? recorder_ask(r, forget_work, &chapter, error) : status;
}
