#include "engine/snapshot.h"

#include <stdlib.h>
#include <string.h>

static size_t count_of(const nn_param *param)
{
    return (size_t)nn_shape_count(nn_param_shape(param));
}

/* One visit of everything a snapshot holds, so that sizes and both directions cannot differ.
 * to_model: snapshot -> model. values NULL: only count. Returns the number of values. */
static size_t visit(nn_real *values, nn_model *model, nn_optimizer *optimizer, bool to_model)
{
    size_t at = 0;
    for (int kind = 0; kind < (optimizer ? 4 : 1); kind++)
        for (int i = 0; i < nn_model_count(model); i++) {
            nn_param *param = nn_model_at(model, i);
            nn_real *data = kind == 0   ? nn_param_data(param)
                            : kind == 1 ? nn_optimizer_first(optimizer, param)
                            : kind == 2 ? nn_optimizer_second(optimizer, param)
                                        : nn_optimizer_average(optimizer, param);
            if (!data)
                continue;
            size_t count = count_of(param);
            if (values && to_model)
                memcpy(data, values + at, count * sizeof *data);
            else if (values)
                memcpy(values + at, data, count * sizeof *data);
            at += count;
        }
    return at;
}

nn_status nn_snapshot_open(nn_snapshot *snapshot, nn_model *model, nn_optimizer *optimizer,
                           nn_error *error)
{
    size_t count = visit(NULL, model, optimizer, false);
    *snapshot = (nn_snapshot){.values = malloc((count + 1) * sizeof(nn_real))};
    if (!snapshot->values)
        return nn_fail(error, NN_E_NOMEM, "no memory to keep a copy of %zu values", count);
    return NN_OK;
}

void nn_snapshot_close(nn_snapshot *snapshot)
{
    free(snapshot->values);
    snapshot->values = NULL;
}

void nn_snapshot_take(nn_snapshot *snapshot, nn_model *model, nn_optimizer *optimizer,
                      const nn_progress *progress)
{
    visit(snapshot->values, model, optimizer, false);
    snapshot->progress = *progress;
    snapshot->optimizer_steps = optimizer ? nn_optimizer_steps(optimizer) : 0;
    snapshot->taken = true;
}

void nn_snapshot_restore(const nn_snapshot *snapshot, nn_model *model, nn_optimizer *optimizer,
                         nn_progress *progress)
{
    visit(snapshot->values, model, optimizer, true);
    if (progress)
        *progress = snapshot->progress;
    if (optimizer)
        nn_optimizer_set_steps(optimizer, snapshot->optimizer_steps);
}

nn_real *nn_snapshot_param(const nn_snapshot *snapshot, const nn_model *model, int index)
{
    size_t at = 0;
    for (int i = 0; i < index; i++)
        at += count_of(nn_model_at(model, i));
    return snapshot->values + at;
}
