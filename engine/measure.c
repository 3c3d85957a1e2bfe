/* What one answer of a trained network costs, for those who choose between networks (chapter 24).
 */
#include "engine/training.h"

#include <math.h>
#include <stdlib.h>

enum { TIMES = 101, WARM_UP = 3 };
static const double patience = 0.2; /* seconds */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median: a core that another program takes for a moment does not count. */
static double time_forward(nn_exec *exec)
{
    double seconds[TIMES], begun = nn_clock();
    int count = 0;
    for (int i = 0; i < WARM_UP; i++)
        nn_forward(exec);
    while (count < TIMES && (count == 0 || nn_clock() - begun < patience)) {
        double before = nn_clock();
        nn_forward(exec);
        seconds[count++] = nn_clock() - before;
    }
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    return seconds[count / 2];
}

nn_status nn_trainer_cost(nn_trainer *trainer, nn_cost *cost, nn_error *error)
{
    const nn_network *network = &trainer->network;
    *cost = (nn_cost){.latency_ms = (double)NAN};
    if (trainer->running && !trainer->joined)
        return nn_fail(error, NN_E_STATE, "cost: the training still runs");
    nn_part part = NN_DEV;
    if (nn_dataset_count(trainer->args.data, part) < 1)
        part = NN_TRAIN;
    nn_exec *exec = nn_compile(trainer->graph, network->logits, NULL, 0, NULL,
                               (nn_exec_args){.batch = 1}, error);
    if (!exec)
        return error ? error->code : NN_E_NOMEM;
    int32_t label = 0;
    nn_status status = nn_exec_rows(exec, 1, error);
    if (status == NN_OK) {
        nn_dataset_gather(trainer->args.data, part, NULL, 0, 1, nn_exec_feed(exec, network->x),
                          &label);
        cost->latency_ms = 1000 * time_forward(exec);
        cost->bytes = nn_exec_bytes(exec) + (size_t)trainer->facts.parameters * sizeof(nn_real);
    }
    nn_exec_free(exec);
    return status;
}
