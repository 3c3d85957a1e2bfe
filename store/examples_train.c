/* Answers besides those of the last evaluation: over the epochs, and out of sample for the train
 * part of a run. */
#include "store/annotate_internal.h"
#include "store/chunk.h"
#include "store/examples.h"
#include "store/read.h"

#include <stdlib.h>
#include <string.h>

/* --- over the epochs ---------------------------------------------------------------------------
 */

static nn_status read_history(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    answer_history *one = item;
    const void *blob = sqlite3_column_blob(query, 1);
    one->epoch = sqlite3_column_int(query, 0);
    one->count = sqlite3_column_bytes(query, 1);
    one->predicted = malloc((size_t)one->count + 1);
    if (!one->predicted)
        return nn_fail(error, NN_E_NOMEM, "%s: out of memory for %lld answers", s->db.path,
                       (long long)one->count);
    if (blob)
        memcpy(one->predicted, blob, (size_t)one->count);
    return NN_OK;
}

nn_status store_answer_history(store *s, run_id run, answer_history **list, int *count,
                               nn_error *error)
{
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT epoch, predicted FROM evaluation WHERE run = ? AND part = 'dev' AND "
                       "predicted IS NOT NULL ORDER BY step, id",
                       "i", run);
    nn_status status;
    *list = read_rows(s, query, sizeof **list, read_history, count, &status, error);
    if (status != NN_OK) {
        store_free_history(*list, *count);
        *list = NULL;
        *count = 0;
    }
    return status;
}

void store_free_history(answer_history *list, int count)
{
    for (int i = 0; i < count; i++)
        free(list[i].predicted);
    free(list);
}

/* --- of the train part -------------------------------------------------------------------------
 */

typedef struct {
    run_id run;
    int64_t count, step;
    int64_t *example;
    int32_t *truth, *predicted;
    float *probability, *truth_probability;
} train_request;

static nn_status write_answers(recorder *r, void *argument, nn_error *error)
{
    const train_request *a = argument;
    size_t n = (size_t)a->count;
    return database_do(
        &r->db, error,
        "INSERT OR REPLACE INTO prediction (run, part, step, count, example, truth, predicted, "
        "probability, truth_probability) SELECT id, 'train', step, ?2, ?3, ?4, ?5, ?6, ?7 FROM run "
        "WHERE id = ?1",
        "iibbbbb", a->run, a->count, (const void *)a->example, n * sizeof *a->example,
        (const void *)a->truth, n * sizeof *a->truth, (const void *)a->predicted,
        n * sizeof *a->predicted, (const void *)a->probability, n * sizeof *a->probability,
        (const void *)a->truth_probability, n * sizeof *a->truth_probability);
}

static nn_status train_work(recorder *r, void *argument, nn_error *error)
{
    return annotate_transaction(r, write_answers, argument, error);
}

nn_status recorder_train_answers(recorder *r, run_id run, const store_prediction *answers,
                                 int64_t count, nn_error *error)
{
    size_t n = (size_t)count;
    if (count < 1)
        return nn_fail(error, NN_E_ARG, "there are no answers for the train part to keep");
    train_request a = {.run = run,
                       .count = count,
                       .example = malloc(n * sizeof *a.example),
                       .truth = malloc(n * sizeof *a.truth),
                       .predicted = malloc(n * sizeof *a.predicted),
                       .probability = malloc(n * sizeof *a.probability),
                       .truth_probability = malloc(n * sizeof *a.truth_probability)};
    bool room = a.example && a.truth && a.predicted && a.probability && a.truth_probability;
    for (size_t i = 0; i < n && room; i++) {
        a.example[i] = answers[i].example;
        a.truth[i] = answers[i].truth;
        a.predicted[i] = answers[i].predicted;
        a.probability[i] = answers[i].probability;
        a.truth_probability[i] = answers[i].truth_probability;
    }
    nn_status status =
        room ? NN_OK
             : nn_fail(error, NN_E_NOMEM, "out of memory for %lld answers", (long long)count);
    if (room) {
        chunk_little_endian(a.example, n, sizeof *a.example);
        chunk_little_endian(a.truth, n, sizeof *a.truth);
        chunk_little_endian(a.predicted, n, sizeof *a.predicted);
        chunk_little_endian(a.probability, n, sizeof *a.probability);
        chunk_little_endian(a.truth_probability, n, sizeof *a.truth_probability);
        status = recorder_ask(r, train_work, &a, error);
    }
    free(a.example);
    free(a.truth);
    free(a.predicted);
    free(a.probability);
    free(a.truth_probability);
    return status;
}
