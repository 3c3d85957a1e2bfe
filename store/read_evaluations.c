/* Confusion matrices, predictions, and the check of the whole file. */
#include "store/read.h"

#include "store/chunk.h"

#include <stdlib.h>
#include <string.h>

static nn_part part_of(const char *word)
{
    for (int p = 0; p < NN_PARTS; p++)
        if (strcmp(nn_part_name((nn_part)p), word) == 0)
            return (nn_part)p;
    return NN_PARTS;
}

void store_free_evaluations(store_evaluation *list, int count)
{
    for (int i = 0; i < count; i++)
        free(list[i].confusion);
    free(list);
}

static nn_status read_evaluation(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    store_evaluation *e = item;
    char part[8];
    column_text(query, 0, part, sizeof part);
    e->part = part_of(part);
    e->step = (uint64_t)sqlite3_column_int64(query, 1);
    e->epoch = sqlite3_column_int(query, 2);
    e->classes = sqlite3_column_int(query, 3);
    e->count = sqlite3_column_int64(query, 4);
    e->loss = column_double(query, 5);
    e->error = column_double(query, 6);
    const void *cells = sqlite3_column_blob(query, 7);
    size_t bytes = (size_t)sqlite3_column_bytes(query, 7);
    size_t expected = (size_t)e->classes * (size_t)e->classes * sizeof *e->confusion;
    if (e->classes < 0 || e->part == NN_PARTS || (cells && bytes != expected))
        return nn_fail(error, NN_E_FORMAT,
                       "%s: the evaluation at step %llu is damaged; `gradus doctor` tells what "
                       "else is",
                       s->db.path, (unsigned long long)e->step);
    if (!(e->confusion = calloc(1, expected ? expected : 1)))
        return nn_fail(error, NN_E_NOMEM, "out of memory while reading a confusion matrix");
    if (cells)
        memcpy(e->confusion, cells, bytes);
    chunk_little_endian(e->confusion, expected / sizeof *e->confusion, sizeof *e->confusion);
    return NN_OK;
}

nn_status store_evaluations(store *s, run_id id, nn_part part, store_evaluation **list, int *count,
                            nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT part, step, epoch, classes, count, loss, error, confusion FROM evaluation "
        "WHERE run = ?1 AND (?2 IS NULL OR part = ?2) ORDER BY step, id",
        "is", id, part == NN_PARTS ? NULL : nn_part_name(part));
    nn_status status;
    *list = read_rows(s, query, sizeof **list, read_evaluation, count, &status, error);
    if (status != NN_OK) {
        store_free_evaluations(*list, *count);
        *list = NULL;
        *count = 0;
    }
    return status;
}

/* --- predictions ----------------------------------------------------------------------------- */

/* Copy a blob column into `to`, `count` numbers of `width`; false where its size is another. */
static bool copy_column(sqlite3_stmt *query, int column, void *to, int64_t count, size_t width)
{
    const void *blob = sqlite3_column_blob(query, column);
    if (!blob || (size_t)sqlite3_column_bytes(query, column) != (size_t)count * width)
        return false;
    memcpy(to, blob, (size_t)count * width);
    chunk_little_endian(to, (size_t)count, width);
    return true;
}

/* The row as a list. `scratch` holds one column of 8-byte numbers. */
static bool fill_predictions(sqlite3_stmt *query, store_prediction *list, int64_t count,
                             void *scratch)
{
    const int64_t *ids = scratch;
    const int32_t *whole = scratch;
    const float *real = scratch;
    if (!copy_column(query, 1, scratch, count, sizeof *ids))
        return false;
    for (int64_t i = 0; i < count; i++)
        list[i].example = ids[i];
    if (!copy_column(query, 2, scratch, count, sizeof *whole))
        return false;
    for (int64_t i = 0; i < count; i++)
        list[i].truth = whole[i];
    if (!copy_column(query, 3, scratch, count, sizeof *whole))
        return false;
    for (int64_t i = 0; i < count; i++)
        list[i].predicted = whole[i];
    if (!copy_column(query, 4, scratch, count, sizeof *real))
        return false;
    for (int64_t i = 0; i < count; i++)
        list[i].probability = real[i];
    if (!copy_column(query, 5, scratch, count, sizeof *real))
        return false;
    for (int64_t i = 0; i < count; i++)
        list[i].truth_probability = real[i];
    return true;
}

/* From the row under `query`. */
static nn_status read_predictions(database *db, sqlite3_stmt *query, store_prediction **list,
                                  int64_t *count, nn_error *error)
{
    int64_t number = sqlite3_column_int64(query, 0);
    bool sound = number > 0 && number == sqlite3_column_bytes(query, 1) / (int)sizeof(int64_t);
    store_prediction *array = sound ? malloc((size_t)number * sizeof *array) : NULL;
    void *scratch = sound ? malloc((size_t)number * sizeof(int64_t)) : NULL;
    nn_status status = NN_OK;
    if (sound && (!array || !scratch))
        status = nn_fail(error, NN_E_NOMEM, "out of memory while reading predictions");
    else if (!sound || !fill_predictions(query, array, number, scratch))
        status = nn_fail(error, NN_E_FORMAT,
                         "%s: the predictions are damaged; `gradus doctor` tells what else is",
                         db->path);
    free(scratch);
    if (status != NN_OK) {
        free(array);
        return status;
    }
    *list = array;
    *count = number;
    return NN_OK;
}

nn_status store_predictions(store *s, run_id id, nn_part part, store_prediction **list,
                            int64_t *count, nn_error *error)
{
    *list = NULL;
    *count = 0;
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT count, example, truth, predicted, probability, truth_probability FROM prediction "
        "WHERE run = ? AND part = ?",
        "is", id, nn_part_name(part));
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    if (database_next(&s->db, query, &status, error))
        status = read_predictions(&s->db, query, list, count, error);
    sqlite3_finalize(query);
    return status;
}

/* --- the whole file -------------------------------------------------------------------------- */

static nn_status check(database *db, nn_error *error)
{
    sqlite3_stmt *query = database_query(db, error, "PRAGMA integrity_check(1)", "");
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    char text[200] = "";
    if (database_next(db, query, &status, error))
        column_text(query, 0, text, sizeof text);
    sqlite3_finalize(query);
    if (status != NN_OK)
        return status;
    if (strcmp(text, "ok") != 0)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: the file is damaged (%s); restore a copy, or save what can be read "
                       "with `sqlite3 FILE .recover`",
                       db->path, text);
    if (!(query = database_query(db, error, "PRAGMA foreign_key_check", "")))
        return error ? error->code : NN_E_IO;
    bool orphan = database_next(db, query, &status, error);
    if (orphan) {
        column_text(query, 0, text, sizeof text);
        status =
            nn_fail(error, NN_E_FORMAT,
                    "%s: a row of table %s belongs to a run that does not exist", db->path, text);
    }
    sqlite3_finalize(query);
    return status;
}

nn_status store_check(const char *path, nn_error *error)
{
    database db;
    nn_status status = database_open(&db, path, DATABASE_READ, error);
    if (status != NN_OK)
        return status;
    status = check(&db, error);
    database_close(&db);
    return status;
}
