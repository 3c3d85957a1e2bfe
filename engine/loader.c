#include "engine/loader.h"

#include "engine/rng.h"

#include <stdlib.h>

nn_status nn_loader_open(nn_loader *loader, const nn_dataset *data, int batch, uint64_t seed,
                         nn_error *error)
{
    int64_t count = nn_dataset_count(data, NN_TRAIN);
    *loader = (nn_loader){.data = data, .count = count, .batch = batch, .seed = seed, .epoch = -1};
    if (count < 1)
        return nn_fail(error, NN_E_ARG,
                       "data '%s': the train part is empty; make the dev or test part smaller",
                       nn_dataset_name(data));
    if (count > UINT32_MAX)
        return nn_fail(error, NN_E_ARG, "data '%s': more than 2^32 examples",
                       nn_dataset_name(data));
    loader->order = malloc((size_t)count * sizeof *loader->order);
    if (!loader->order)
        return nn_fail(error, NN_E_NOMEM, "data '%s': no memory for the order of %lld examples",
                       nn_dataset_name(data), (long long)count);
    return NN_OK;
}

void nn_loader_close(nn_loader *loader)
{
    free(loader->order);
    loader->order = NULL;
}

uint64_t nn_loader_batches(const nn_loader *loader)
{
    return (uint64_t)((loader->count + loader->batch - 1) / loader->batch);
}

int nn_loader_feed(nn_loader *loader, int64_t epoch, uint64_t index, nn_exec *exec,
                   const nn_network *network, nn_error *error)
{
    if (epoch != loader->epoch) {
        nn_shuffle(loader->order, (size_t)loader->count, loader->seed, (uint64_t)epoch);
        loader->epoch = epoch;
    }
    int64_t first = (int64_t)index * loader->batch;
    int64_t left = loader->count - first;
    int rows = left < loader->batch ? (int)left : loader->batch;
    if (nn_exec_rows(exec, rows, error) != NN_OK)
        return 0;
    nn_dataset_gather(loader->data, NN_TRAIN, loader->order + first, 0, rows,
                      nn_exec_feed(exec, network->x), nn_exec_feed(exec, network->labels));
    return rows;
}
