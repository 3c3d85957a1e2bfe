#include "engine/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the object ----------------------------------------------------------------------------- */

void nn_evaluation_keep(nn_evaluation *evaluation)
{
    if (evaluation)
        atomic_fetch_add_explicit((atomic_int *)evaluation->reference_count, 1,
                                  memory_order_relaxed);
}

void nn_evaluation_release(nn_evaluation *evaluation)
{
    if (evaluation && atomic_fetch_sub_explicit((atomic_int *)evaluation->reference_count, 1,
                                                memory_order_acq_rel) == 1)
        free(evaluation);
}

/* One piece of memory: the struct, its counter, then the arrays. */
static nn_evaluation *new_evaluation(int classes, int64_t count)
{
    typedef struct {
        nn_evaluation evaluation;
        atomic_int references;
        int32_t numbers[];
    } whole;
    size_t cells = (size_t)classes * (size_t)classes;
    whole *memory =
        calloc(1, sizeof *memory + (cells + 3 * (size_t)count) * sizeof *memory->numbers);
    if (!memory)
        return NULL;
    _Static_assert(sizeof(float) == sizeof(int32_t), "the arrays follow each other");
    atomic_init(&memory->references, 1);
    nn_evaluation *evaluation = &memory->evaluation;
    evaluation->reference_count = &memory->references;
    evaluation->classes = classes;
    evaluation->count = count;
    evaluation->confusion = memory->numbers;
    evaluation->predicted = memory->numbers + cells;
    evaluation->probability = (float *)(evaluation->predicted + count);
    evaluation->truth_probability = evaluation->probability + count;
    return evaluation;
}

/* --- logits --------------------------------------------------------------------------------- */

static int predict(const nn_real *logits, int64_t width)
{
    if (width == 1)
        return logits[0] > 0;
    int64_t best = 0;
    for (int64_t k = 1; k < width; k++)
        if (logits[k] > logits[best])
            best = k;
    return (int)best;
}

/* Softmax with the largest logit taken off, or the sigmoid of a binary head's one logit. */
static double probability(const nn_real *logits, int64_t width, int class)
{
    if (width == 1)
        return 1 / (1 + exp(class ? -(double)logits[0] : (double)logits[0]));
    double largest = (double)logits[predict(logits, width)], sum = 0;
    for (int64_t k = 0; k < width; k++)
        sum += exp((double)logits[k] - largest);
    return exp((double)logits[class] - largest) / sum;
}

int64_t nn_count_wrong(nn_view logits, const int32_t *labels, int64_t rows)
{
    int64_t width = nn_shape_row(logits.shape), wrong = 0;
    const nn_real *row = logits.data;
    for (int64_t i = 0; i < rows; i++, row += width)
        wrong += predict(row, width) != labels[i];
    return wrong;
}

/* --- a part --------------------------------------------------------------------------------- */

static void enter_batch(nn_evaluation *evaluation, int64_t first, int64_t rows, nn_view logits,
                        const int32_t *labels)
{
    int64_t width = nn_shape_row(logits.shape);
    const nn_real *row = logits.data;
    for (int64_t i = 0; i < rows; i++, row += width) {
        int prediction = predict(row, width);
        evaluation->predicted[first + i] = prediction;
        evaluation->probability[first + i] = (float)probability(row, width, prediction);
        evaluation->truth_probability[first + i] = (float)probability(row, width, labels[i]);
        evaluation->confusion[labels[i] * evaluation->classes + prediction]++;
    }
}

static nn_status run(nn_trainer *trainer, nn_evaluation *evaluation, nn_error *error)
{
    nn_exec *exec = trainer->evaluator;
    const nn_network *network = &trainer->network;
    double loss = 0;
    int64_t wrong = 0, batch = nn_exec_batch(exec);
    for (int64_t first = 0; first < evaluation->count; first += batch) {
        if (nn_commands_stop_waits(trainer))
            return nn_fail(error, NN_E_STATE, "evaluation: given up for the stop command");
        int64_t left = evaluation->count - first, rows = left < batch ? left : batch;
        int32_t *labels = nn_exec_feed(exec, network->labels);
        nn_status status = nn_exec_rows(exec, (int)rows, error);
        if (status != NN_OK)
            return status;
        nn_dataset_gather(trainer->args.data, evaluation->part, NULL, first, rows,
                          nn_exec_feed(exec, network->x), labels);
        loss += nn_forward(exec) * (double)rows;
        nn_view logits = nn_value(exec, network->logits);
        wrong += nn_count_wrong(logits, labels, rows);
        enter_batch(evaluation, first, rows, logits, labels);
    }
    evaluation->loss = loss / (double)evaluation->count;
    evaluation->error = (double)wrong / (double)evaluation->count;
    return NN_OK;
}

nn_evaluation *nn_evaluate(nn_trainer *trainer, nn_part part, nn_error *error)
{
    int64_t count = nn_dataset_count(trainer->args.data, part);
    if (count < 1) {
        nn_fail(error, NN_E_MISSING, "data '%s' has no %s part",
                nn_dataset_name(trainer->args.data), nn_part_name(part));
        return NULL;
    }
    nn_evaluation *evaluation = new_evaluation(nn_dataset_classes(trainer->args.data), count);
    if (!evaluation) {
        nn_fail(error, NN_E_NOMEM, "evaluation: no memory for %lld predictions", (long long)count);
        return NULL;
    }
    evaluation->part = part;
    evaluation->step = trainer->progress.step;
    evaluation->epoch = trainer->progress.epoch;
    if (run(trainer, evaluation, error) != NN_OK) {
        nn_evaluation_release(evaluation);
        return NULL;
    }
    return evaluation;
}
