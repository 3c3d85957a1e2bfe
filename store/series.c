#include "store/series.h"

#include "store/chunk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void series_free(series *s)
{
    free(s->steps);
    free(s->values);
    s->steps = NULL;
    s->values = NULL;
    s->count = s->room = 0;
}

void series_summary_add(series_summary *summary, uint64_t step, double value)
{
    if (summary->count++ == 0) {
        summary->nan_count = 0;
        summary->min = summary->max = (double)NAN;
        summary->min_step = summary->max_step = summary->first_nan_step = 0;
    }
    summary->last = value;
    summary->last_step = step;
    if (!isfinite(value)) {
        if (summary->nan_count++ == 0)
            summary->first_nan_step = step;
        return;
    }
    if (isnan(summary->min) || value < summary->min) {
        summary->min = value;
        summary->min_step = step;
    }
    if (isnan(summary->max) || value > summary->max) {
        summary->max = value;
        summary->max_step = step;
    }
}

static bool make_room(series *s, int64_t needed)
{
    if (needed <= s->room)
        return true;
    int64_t room = s->room ? s->room : CHUNK_POINTS;
    while (room < needed)
        room *= 2;
    uint64_t *steps = realloc(s->steps, (size_t)room * sizeof *steps);
    if (!steps)
        return false;
    s->steps = steps;
    double *values = realloc(s->values, (size_t)room * sizeof *values);
    if (!values)
        return false;
    s->values = values;
    s->room = room;
    return true;
}

bool series_add(series *s, uint64_t step, double value)
{
    if (s->summary.count > 0 && step <= s->summary.last_step)
        return true;
    if (!make_room(s, s->count + 1))
        return false;
    s->steps[s->count] = step;
    s->values[s->count++] = value;
    s->unsaved++;
    s->dirty = true;
    series_summary_add(&s->summary, step, value);
    return true;
}

void series_cut(series *s, uint64_t step)
{
    if (s->summary.count == 0 || s->summary.last_step <= step)
        return;
    while (s->count > 0 && s->steps[s->count - 1] > step)
        s->count--;
    if (s->unsaved > s->count)
        s->unsaved = s->count;
    s->cut = s->cutting && s->cut < step ? s->cut : step;
    s->cutting = true;
    s->dirty = true;
    /* The true summary needs the file; until then only what series_add asks has to hold. */
    s->summary.last_step = step;
}

void series_resume(series *s, uint64_t step)
{
    s->number = INT64_MAX; /* of the chunks in the file, none is held in memory */
    s->cut = step;
    s->cutting = true;
    s->dirty = true;
    s->summary.count = 1; /* unknown; counted by the first write */
    s->summary.last_step = step;
}

/* --- reading chunks back ------------------------------------------------------------------- */

int64_t series_read_chunk(sqlite3_stmt *statement, int column, uint64_t *steps, double *values)
{
    uint64_t first = (uint64_t)sqlite3_column_int64(statement, column);
    int64_t count = sqlite3_column_int64(statement, column + 1);
    const void *numbers = sqlite3_column_blob(statement, column + 2);
    size_t bytes = (size_t)sqlite3_column_bytes(statement, column + 2);
    const uint8_t *differences = sqlite3_column_blob(statement, column + 3);
    size_t size = (size_t)sqlite3_column_bytes(statement, column + 3);
    if (count < 1 || count > CHUNK_POINTS || bytes != (size_t)count * sizeof(double))
        return -1;
    uint64_t scratch[CHUNK_POINTS];
    if (!chunk_decode_steps(differences, size, first, count, steps ? steps : scratch))
        return -1;
    if (values) {
        memcpy(values, numbers, bytes);
        chunk_little_endian(values, (size_t)count, sizeof(double));
    }
    return count;
}

static nn_status damaged_chunk(database *db, nn_error *error)
{
    return nn_fail(error, NN_E_FORMAT,
                   "%s: a chunk of points is damaged; `gradus doctor` tells what else is, a copy "
                   "of the file can be restored",
                   db->path);
}

/* Load the newest chunk that is left in the file in front of the points in memory, if it has to
 * change: because the cut falls into it, or because it is not full. */
static nn_status load_tail(series *s, database *db, int64_t run, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        db, error,
        "SELECT number, last_step, first_step, count, point_values, point_steps FROM chunk "
        "WHERE run = ? AND metric = ? ORDER BY number DESC LIMIT 1",
        "ii", run, s->metric);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    uint64_t steps[CHUNK_POINTS];
    double values[CHUNK_POINTS];
    int64_t count = 0;
    if (s->number == INT64_MAX)
        s->number = 0;
    if (database_next(db, query, &status, error)) {
        int64_t number = sqlite3_column_int64(query, 0);
        count = series_read_chunk(query, 2, steps, values);
        bool whole = count == CHUNK_POINTS && steps[count - 1] <= s->cut;
        s->number = whole ? number + 1 : number;
        while (count > 0 && steps[count - 1] > s->cut)
            count--;
        if (whole)
            count = 0;
    }
    sqlite3_finalize(query);
    if (count < 0)
        return damaged_chunk(db, error);
    if (status != NN_OK || count == 0)
        return status;
    if (!make_room(s, s->count + count))
        return nn_fail(error, NN_E_NOMEM, "out of memory while resuming a curve");
    memmove(s->steps + count, s->steps, (size_t)s->count * sizeof *s->steps);
    memmove(s->values + count, s->values, (size_t)s->count * sizeof *s->values);
    memcpy(s->steps, steps, (size_t)count * sizeof *steps);
    memcpy(s->values, values, (size_t)count * sizeof *values);
    s->count += count;
    return NN_OK;
}

/* Count the summary from the file's chunks before `number` and the points in memory. */
static nn_status count_summary(series *s, database *db, int64_t run, nn_error *error)
{
    series_summary summary = {0};
    sqlite3_stmt *query =
        database_query(db, error,
                       "SELECT first_step, count, point_values, point_steps FROM chunk "
                       "WHERE run = ? AND metric = ? AND number < ? ORDER BY number",
                       "iii", run, s->metric, s->number);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    while (database_next(db, query, &status, error)) {
        uint64_t steps[CHUNK_POINTS];
        double values[CHUNK_POINTS];
        int64_t count = series_read_chunk(query, 0, steps, values);
        if (count < 0) {
            status = damaged_chunk(db, error);
            break;
        }
        for (int64_t i = 0; i < count; i++)
            series_summary_add(&summary, steps[i], values[i]);
    }
    sqlite3_finalize(query);
    for (int64_t i = 0; i < s->count; i++)
        series_summary_add(&summary, s->steps[i], s->values[i]);
    if (status == NN_OK)
        s->summary = summary;
    return status;
}

/* Remove what the cut voids. Repeating it after a rolled-back transaction does no harm. */
static nn_status cut_file(series *s, database *db, int64_t run, nn_error *error)
{
    nn_status status = database_do(
        db, error,
        "DELETE FROM chunk WHERE run = ? AND metric = ? AND (number >= ? OR first_step > ?)",
        "iiii", run, s->metric, s->number, (int64_t)s->cut);
    bool below_memory = s->count == 0 || s->steps[0] > s->cut;
    if (status == NN_OK && below_memory)
        status = load_tail(s, db, run, error);
    return status == NN_OK ? count_summary(s, db, run, error) : status;
}

/* --- writing ------------------------------------------------------------------------------- */

static nn_status write_chunks(series *s, database *db, int64_t run, nn_error *error)
{
    sqlite3_stmt *insert = database_query(
        db, error,
        "INSERT OR REPLACE INTO chunk (run, metric, number, first_step, last_step, count, "
        "point_values, point_steps) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        "");
    if (!insert)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    for (int64_t at = 0; at < s->count && status == NN_OK; at += CHUNK_POINTS) {
        int64_t count = s->count - at < CHUNK_POINTS ? s->count - at : CHUNK_POINTS;
        const uint64_t *steps = s->steps + at;
        double values[CHUNK_POINTS];
        uint8_t differences[CHUNK_STEPS_BYTES];
        size_t size = chunk_encode_steps(steps, count, differences);
        memcpy(values, s->values + at, (size_t)count * sizeof *values);
        chunk_little_endian(values, (size_t)count, sizeof *values);
        status = database_bind(
            db, insert, error, "iiiiiibb", run, s->metric, s->number + at / CHUNK_POINTS,
            (int64_t)steps[0], (int64_t)steps[count - 1], count, (const void *)values,
            (size_t)count * sizeof *values, (const void *)(size ? differences : NULL), size);
        if (status == NN_OK)
            status = database_step(db, insert, error);
    }
    sqlite3_finalize(insert);
    return status;
}

static nn_status write_summary(series *s, database *db, int64_t run, nn_error *error)
{
    const series_summary *sum = &s->summary;
    if (sum->count == 0)
        return database_do(db, error, "DELETE FROM summary WHERE run = ? AND metric = ?", "ii", run,
                           s->metric);
    return database_do(
        db, error,
        "INSERT OR REPLACE INTO summary (run, metric, count, nan_count, first_nan_step, last, "
        "last_step, min, min_step, max, max_step) VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?, "
        "nullif(?, 0), ?, nullif(?, 0))",
        "iiiiidididi", run, s->metric, sum->count, sum->nan_count, (int64_t)sum->first_nan_step,
        sum->last, (int64_t)sum->last_step, sum->min, (int64_t)sum->min_step, sum->max,
        (int64_t)sum->max_step);
}

nn_status series_write(series *s, database *db, int64_t run, nn_error *error)
{
    if (!s->dirty)
        return NN_OK;
    nn_status status = s->cutting ? cut_file(s, db, run, error) : NN_OK;
    if (status == NN_OK)
        status = write_chunks(s, db, run, error);
    return status == NN_OK ? write_summary(s, db, run, error) : status;
}

void series_committed(series *s)
{
    int64_t full = s->count / CHUNK_POINTS;
    int64_t kept = s->count - full * CHUNK_POINTS;
    if (full > 0) {
        memmove(s->steps, s->steps + full * CHUNK_POINTS, (size_t)kept * sizeof *s->steps);
        memmove(s->values, s->values + full * CHUNK_POINTS, (size_t)kept * sizeof *s->values);
        s->count = kept;
        s->number += full;
    }
    s->unsaved = 0;
    s->dirty = false;
    s->cutting = false;
}
