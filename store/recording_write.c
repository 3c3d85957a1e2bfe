/* What a recording writes in one transaction. */
#include "store/recording.h"

#include "store/chunk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The row itself, with the heartbeat. No row changes when the run is no longer ours. */
static nn_status write_progress(recording *run, database *db, bool *owned, nn_error *error)
{
    const recording_progress *p = &run->progress;
    nn_status status = database_do(
        db, error,
        "UPDATE run SET heartbeat_ms = ?, state = ?, message = ?, ended_ms = nullif(?, 0), "
        "step = ?, epoch = ?, seconds = ?, examples_per_s = ?, lr = ?, train_loss = ?, "
        "train_error = ?, dev_loss = ?, dev_error = ?, best_dev_error = ?, best_epoch = ?, "
        "test_error = ? WHERE id = ? AND segment = ?",
        "issiiidddddddd"
        "idii",
        process_now_ms(), p->state, p->message, p->ended_ms, (int64_t)p->step, (int64_t)p->epoch,
        p->seconds, p->examples_per_s, p->lr, p->train_loss, p->train_error, p->dev_loss,
        p->dev_error, p->best_dev_error, (int64_t)p->best_epoch, p->test_error, run->id,
        run->segment);
    *owned = status != NN_OK || sqlite3_changes(db->handle) > 0;
    return status;
}

static nn_status write_events(recording *run, database *db, nn_error *error)
{
    if (run->event_count == 0)
        return NN_OK;
    sqlite3_stmt *insert =
        database_query(db, error,
                       "INSERT INTO event (run, segment, step, time_ms, kind, key, old, new, text) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "");
    if (!insert)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    for (int i = 0; i < run->event_count && status == NN_OK; i++) {
        const run_event *e = &run->events[i];
        status =
            database_bind(db, insert, error, "iiiissdds", run->id, run->segment, (int64_t)e->step,
                          e->time_ms, e->kind, e->key, e->old_value, e->value, e->text);
        if (status == NN_OK)
            status = database_step(db, insert, error);
    }
    sqlite3_finalize(insert);
    return status;
}

static nn_status write_checkpoints(recording *run, database *db, nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < run->checkpoint_count && status == NN_OK; i++) {
        const recording_checkpoint *c = &run->checkpoints[i];
        status = database_do(db, error,
                             "INSERT OR REPLACE INTO checkpoint (run, path, kind, segment, step, "
                             "dev_error, time_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                             "issiidi", run->id, c->path, c->kind, run->segment, (int64_t)c->step,
                             c->dev_error, c->time_ms);
    }
    return status;
}

enum { HISTORY_CLASSES = 256 };

/* The dev part's answers, one byte each: when each example was learned and forgotten. NULL where
 * nothing is to be kept. */
static unsigned char *answer_bytes(const nn_evaluation *e)
{
    bool kept = e->part == NN_DEV && e->predicted && e->count > 0 && e->classes <= HISTORY_CLASSES;
    unsigned char *bytes = kept ? malloc((size_t)e->count) : NULL;
    for (int64_t i = 0; bytes && i < e->count; i++)
        bytes[i] = (unsigned char)e->predicted[i];
    return bytes;
}

static nn_status write_evaluation(recording *run, database *db, const nn_evaluation *e,
                                  nn_error *error)
{
    size_t cells = (size_t)e->classes * (size_t)e->classes;
    int32_t *confusion = NULL;
    if (e->confusion && cells > 0) {
        if (!(confusion = malloc(cells * sizeof *confusion)))
            return nn_fail(error, NN_E_NOMEM, "out of memory while writing a confusion matrix");
        memcpy(confusion, e->confusion, cells * sizeof *confusion);
        chunk_little_endian(confusion, cells, sizeof *confusion);
    }
    unsigned char *answers = answer_bytes(e);
    nn_status status =
        database_do(db, error,
                    "INSERT INTO evaluation (run, part, step, epoch, classes, count, loss, error, "
                    "confusion, predicted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    "isiiiiddbb", run->id, nn_part_name(e->part), (int64_t)e->step,
                    (int64_t)e->epoch, (int64_t)e->classes, e->count, e->loss, e->error,
                    (const void *)confusion, confusion ? cells * sizeof *confusion : (size_t)0,
                    (const void *)answers, answers ? (size_t)e->count : (size_t)0);
    free(answers);
    free(confusion);
    return status;
}

static nn_status write_evaluations(recording *run, database *db, nn_error *error)
{
    nn_status status = NN_OK;
    if (run->rewound)
        status = database_do(db, error, "DELETE FROM evaluation WHERE run = ? AND step > ?", "ii",
                             run->id, (int64_t)run->rewind_step);
    for (int i = 0; i < run->evaluation_count && status == NN_OK; i++)
        status = write_evaluation(run, db, run->evaluations[i], error);
    return status;
}

/* A copy of `count` numbers (NULL: of `missing`) as a blob wants them. */
static void *little_copy(const void *numbers, size_t count, size_t width, const void *missing)
{
    char *copy = malloc(count * width);
    if (!copy)
        return NULL;
    if (numbers)
        memcpy(copy, numbers, count * width);
    else
        for (size_t i = 0; i < count; i++)
            memcpy(copy + i * width, missing, width);
    chunk_little_endian(copy, count, width);
    return copy;
}

/* Which example each answer is about: the data set's number, or the place in the part. */
static int64_t *example_ids(const recording_part *part, int64_t count)
{
    int64_t *ids = malloc((size_t)count * sizeof *ids);
    for (int64_t i = 0; ids && i < count; i++)
        ids[i] = part->ids && i < part->count ? part->ids[i] : i;
    if (ids)
        chunk_little_endian(ids, (size_t)count, sizeof *ids);
    return ids;
}

static int32_t *truths(const recording_part *part, int64_t count)
{
    int32_t *labels = malloc((size_t)count * sizeof *labels);
    for (int64_t i = 0; labels && i < count; i++)
        labels[i] = part->labels && i < part->count ? part->labels[i] : -1;
    if (labels)
        chunk_little_endian(labels, (size_t)count, sizeof *labels);
    return labels;
}

static nn_status write_predictions(recording *run, database *db, const nn_evaluation *e,
                                   nn_error *error)
{
    static const int32_t no_class = -1;
    static const float no_share = NAN;
    if (e->count <= 0)
        return NN_OK;
    size_t n = (size_t)e->count;
    int64_t *ids = example_ids(&run->parts[e->part], e->count);
    int32_t *labels = truths(&run->parts[e->part], e->count);
    void *predicted = little_copy(e->predicted, n, sizeof(int32_t), &no_class);
    void *probability = little_copy(e->probability, n, sizeof(float), &no_share);
    void *truth = little_copy(e->truth_probability, n, sizeof(float), &no_share);
    nn_status status = NN_E_NOMEM;
    if (ids && labels && predicted && probability && truth)
        status = database_do(
            db, error,
            "INSERT OR REPLACE INTO prediction (run, part, step, count, example, truth, predicted, "
            "probability, truth_probability) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "isiibbbbb", run->id, nn_part_name(e->part), (int64_t)e->step, e->count,
            (const void *)ids, n * sizeof *ids, (const void *)labels, n * sizeof *labels,
            (const void *)predicted, n * sizeof(int32_t), (const void *)probability,
            n * sizeof(float), (const void *)truth, n * sizeof(float));
    else
        nn_fail(error, NN_E_NOMEM, "out of memory while writing %lld predictions",
                (long long)e->count);
    free(ids);
    free(labels);
    free(predicted);
    free(probability);
    free(truth);
    return status;
}

nn_status recording_write(recording *run, database *db, bool *owned, nn_error *error)
{
    nn_status status = write_progress(run, db, owned, error);
    if (status != NN_OK || !*owned || !run->changed)
        return status;
    for (int i = 0; i < SERIES_KINDS && status == NN_OK; i++)
        status = series_write(&run->curves[i], db, run->id, error);
    if (status == NN_OK)
        status = write_evaluations(run, db, error);
    for (int i = 0; i < NN_PARTS && status == NN_OK; i++)
        if (run->latest[i])
            status = write_predictions(run, db, run->latest[i], error);
    if (status == NN_OK)
        status = write_checkpoints(run, db, error);
    return status == NN_OK ? write_events(run, db, error) : status;
}

void recording_committed(recording *run)
{
    for (int i = 0; i < SERIES_KINDS; i++) {
        series_committed(&run->curves[i]);
        if (run->ended)
            series_free(&run->curves[i]);
    }
    for (int i = 0; i < run->evaluation_count; i++)
        nn_evaluation_release(run->evaluations[i]);
    for (int i = 0; i < NN_PARTS; i++) {
        nn_evaluation_release(run->latest[i]);
        run->latest[i] = NULL;
    }
    run->evaluation_count = run->event_count = run->checkpoint_count = 0;
    run->rewound = run->changed = run->important = false;
    run->steps_waiting = 0;
    if (run->kept && run->following && !run->taken)
        run->source.kept(run->source.context, run->kept);
    run->kept = 0;
}
