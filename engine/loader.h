/* Mini-batches of the train part in a new order every epoch, changed on the fly and prepared ahead
 * by threads of its own. Private to engine/.
 *
 * What a batch holds depends on (data, settings, epoch, index) only: a run stopped in the middle of
 * an epoch goes on with the same batches, and the number of threads changes no bit. */
#ifndef GRADUS_ENGINE_LOADER_H
#define GRADUS_ENGINE_LOADER_H

#include "engine/data/augment.h"
#include "engine/data/sampling.h"
#include "engine/exec.h"
#include "engine/models/models.h"

typedef struct {
    const nn_dataset *data; /* borrowed */
    nn_sampling sampling;
    nn_augmentation augmentation;
    int batch;
    uint64_t seed;
    int threads; /* that prepare batches while the step runs; 0: the caller does it himself */
} nn_loader_args;

typedef struct nn_loader nn_loader;

nn_loader *nn_loader_new(const nn_loader_args *args, nn_error *error);
void nn_loader_free(nn_loader *loader);
uint64_t nn_loader_batches(const nn_loader *loader); /* of one epoch; the last may be short */
int nn_loader_rows(const nn_loader *loader, uint64_t index);
/* Feeds batch `index` of epoch `epoch` (both 0-based) to the plan: network->x, network->labels and,
 * unless NULL, `targets`, an input (rows, classes) of shares for mixup. Returns its rows, or 0. */
int nn_loader_feed(nn_loader *loader, int64_t epoch, uint64_t index, nn_exec *exec,
                   const nn_network *network, const nn_node *targets, nn_error *error);

#endif
