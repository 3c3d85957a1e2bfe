/* Out-of-sample answers for the train part of a run. */
#include "store/annotate_internal.h"
#include "store/chunk.h"
#include "store/examples.h"

#include <stdlib.h>
#include <string.h>

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
