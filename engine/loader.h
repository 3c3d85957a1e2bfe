/* Mini-batches of the train part in a new order every epoch. Private to engine/.
 *
 * The order of an epoch depends on (seed, epoch) only, so a run stopped in the middle of one goes
 * on with the same batches. (The listing of chapter 16 shuffles every epoch alike: errata E16.3.)
 */
#ifndef GRADUS_ENGINE_LOADER_H
#define GRADUS_ENGINE_LOADER_H

#include "engine/data/dataset.h"
#include "engine/exec.h"
#include "engine/models/models.h"

typedef struct {
    const nn_dataset *data;
    uint32_t *order;
    int64_t count; /* of the train part */
    int batch;
    uint64_t seed;
    int64_t epoch; /* whose order it is; -1 none yet */
} nn_loader;

nn_status nn_loader_open(nn_loader *loader, const nn_dataset *data, int batch, uint64_t seed,
                         nn_error *error);
void nn_loader_close(nn_loader *loader);
/* Batches of one epoch; the last may be short. */
uint64_t nn_loader_batches(const nn_loader *loader);
/* Feeds batch `index` of epoch `epoch` (both 0-based) to the plan. Returns its rows. */
int nn_loader_feed(nn_loader *loader, int64_t epoch, uint64_t index, nn_exec *exec,
                   const nn_network *network, nn_error *error);

#endif
