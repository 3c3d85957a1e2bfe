/* Metrics, points, events, checkpoints of a run. */
#include "store/read.h"

#include "store/chunk.h"
#include "store/series.h"

#include <stdlib.h>
#include <string.h>

static nn_status read_metric(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    metric_summary *metric = item;
    (void)s;
    (void)error;
    column_text(query, 0, metric->name, sizeof metric->name);
    metric->count = sqlite3_column_int64(query, 1);
    metric->nan_count = sqlite3_column_int64(query, 2);
    metric->last = column_double(query, 3);
    metric->min = column_double(query, 4);
    metric->max = column_double(query, 5);
    metric->last_step = (uint64_t)sqlite3_column_int64(query, 6);
    metric->min_step = (uint64_t)sqlite3_column_int64(query, 7);
    metric->max_step = (uint64_t)sqlite3_column_int64(query, 8);
    metric->first_nan_step = (uint64_t)sqlite3_column_int64(query, 9);
    return NN_OK;
}

nn_status store_metrics(store *s, run_id id, metric_summary **list, int *count, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT name, count, nan_count, last, min, max, last_step, min_step, max_step, "
        "first_nan_step FROM summary JOIN metric ON metric.id = summary.metric WHERE run = ? "
        "ORDER BY metric.id",
        "i", id);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_metric, count, &status, error);
    return status;
}

/* --- points ---------------------------------------------------------------------------------- */

typedef struct {
    uint64_t *steps;
    double *values;
    int64_t count, room;
} point_list;

/* Room for one more chunk; false: out of memory. */
static bool chunk_room(point_list *list)
{
    int64_t needed = list->count + CHUNK_POINTS;
    if (needed <= list->room && list->steps && list->values)
        return true;
    int64_t room = list->room ? list->room * 2 : 8 * CHUNK_POINTS;
    uint64_t *steps = realloc(list->steps, (size_t)room * sizeof *steps);
    list->steps = steps ? steps : list->steps;
    double *values = steps ? realloc(list->values, (size_t)room * sizeof *values) : NULL;
    list->values = values ? values : list->values;
    if (values)
        list->room = room;
    return values != NULL;
}

/* Append the row's points whose step is above `after`. */
static nn_status append_chunk(sqlite3_stmt *query, uint64_t after, point_list *list,
                              const char *path, nn_error *error)
{
    if (!chunk_room(list))
        return nn_fail(error, NN_E_NOMEM, "out of memory while reading a curve");
    uint64_t *steps = list->steps + list->count;
    double *values = list->values + list->count;
    int64_t count = series_read_chunk(query, 0, steps, values);
    if (count < 0)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: a chunk of points is damaged; `gradus doctor` tells what else is",
                       path);
    int64_t skip = 0;
    while (skip < count && steps[skip] <= after)
        skip++;
    memmove(steps, steps + skip, (size_t)(count - skip) * sizeof *steps);
    memmove(values, values + skip, (size_t)(count - skip) * sizeof *values);
    list->count += count - skip;
    return NN_OK;
}

nn_status store_points(store *s, run_id id, const char *metric, uint64_t after, uint64_t **steps,
                       double **values, int64_t *count, nn_error *error)
{
    *steps = NULL;
    *values = NULL;
    *count = 0;
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT first_step, count, point_values, point_steps FROM chunk WHERE run = ? AND metric = "
        "(SELECT id FROM metric WHERE name = ?) AND last_step > ? ORDER BY number",
        "isi", id, metric, (int64_t)after);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    point_list list = {0};
    while (status == NN_OK && database_next(&s->db, query, &status, error))
        status = append_chunk(query, after, &list, s->db.path, error);
    sqlite3_finalize(query);
    if (status != NN_OK) {
        free(list.steps);
        free(list.values);
        return status;
    }
    *steps = list.steps;
    *values = list.values;
    *count = list.count;
    return NN_OK;
}

/* --- events and checkpoints ------------------------------------------------------------------ */

static nn_status read_event(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    run_event *event = item;
    (void)s;
    (void)error;
    event->step = (uint64_t)sqlite3_column_int64(query, 0);
    event->time_ms = sqlite3_column_int64(query, 1);
    column_text(query, 2, event->kind, sizeof event->kind);
    column_text(query, 3, event->key, sizeof event->key);
    event->old_value = column_double(query, 4);
    event->value = column_double(query, 5);
    column_text(query, 6, event->text, sizeof event->text);
    return NN_OK;
}

nn_status store_events(store *s, run_id id, run_event **events, int *count, nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT step, time_ms, kind, key, old, new, text FROM event WHERE run = ? "
                       "AND replaced_by = 0 ORDER BY id",
                       "i", id);
    nn_status status;
    *events = read_list(s, query, sizeof **events, read_event, count, &status, error);
    return status;
}

static nn_status read_checkpoint(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    store_checkpoint *checkpoint = item;
    (void)s;
    (void)error;
    checkpoint->step = (uint64_t)sqlite3_column_int64(query, 0);
    checkpoint->dev_error = column_double(query, 1);
    checkpoint->time_ms = sqlite3_column_int64(query, 2);
    column_text(query, 3, checkpoint->kind, sizeof checkpoint->kind);
    column_text(query, 4, checkpoint->path, sizeof checkpoint->path);
    return NN_OK;
}

nn_status store_checkpoints(store *s, run_id id, store_checkpoint **list, int *count,
                            nn_error *error)
{
    sqlite3_stmt *query = database_query(&s->db, error,
                                         "SELECT step, dev_error, time_ms, kind, path FROM "
                                         "checkpoint WHERE run = ? ORDER BY step, kind",
                                         "i", id);
    nn_status status;
    *list = read_list(s, query, sizeof **list, read_checkpoint, count, &status, error);
    return status;
}
