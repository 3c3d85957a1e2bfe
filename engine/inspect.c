/* Reading a plan after a step. */
#include "engine/plan.h"

#include <math.h>

int nn_exec_batch(const nn_exec *exec)
{
    return exec->args.batch;
}

int nn_exec_shards(const nn_exec *exec)
{
    return exec->shards;
}

size_t nn_exec_bytes(const nn_exec *exec)
{
    return exec->bytes;
}

nn_graph *nn_exec_graph(const nn_exec *exec)
{
    return exec->graph;
}

/* --- values and gradients ------------------------------------------------------------------ */

static nn_view view_of(const nn_exec *exec, const nn_node *node)
{
    nn_view view = {node->dtype, node->shape, NULL};
    if (node->batched)
        view.shape.dim[0] = exec->rows;
    return view;
}

static bool known(const nn_exec *exec, const nn_node *node)
{
    return node && node->graph == exec->graph && node->index < exec->nodes;
}

nn_view nn_value(const nn_exec *exec, const nn_node *node)
{
    if (!known(exec, node))
        return (nn_view){NN_F, {0, {0}}, NULL};
    const nn_slot *slot = &exec->slot[node->index];
    nn_view view = view_of(exec, node);
    if (node->param)
        view.data = nn_param_values(node->param);
    else if (slot->pinned && slot->value >= 0)
        view.data = nn_exec_place(exec, slot->value, 0, 0);
    return view;
}

nn_view nn_gradient(const nn_exec *exec, const nn_node *node)
{
    if (!known(exec, node))
        return (nn_view){NN_F, {0, {0}}, NULL};
    const nn_slot *slot = &exec->slot[node->index];
    nn_view view = view_of(exec, node);
    if (!slot->gradient || exec->progress != NN_BACKWARD_DONE)
        return view;
    if (node->param)
        view.data = nn_exec_shard_gradients(exec, 0) + slot->parameter;
    else if (exec->args.keep_all || node->is_input)
        view.data = nn_exec_place(exec, slot->gradient_storage, 0, 0);
    return view;
}

nn_real *nn_param_gradient(nn_exec *exec, const nn_param *param)
{
    for (int i = 0; param && i < exec->nodes; i++)
        if (exec->slot[i].parameter >= 0 && nn_graph_at(exec->graph, i)->param == param)
            return nn_exec_shard_gradients(exec, 0) + exec->slot[i].parameter;
    return NULL;
}

/* --- the first NaN or infinity ------------------------------------------------------------- */

/* Was nothing else written to this memory since, by the end of the last pass? */
static bool intact(const nn_exec *exec, int index)
{
    const nn_storage *own = &exec->storage[index];
    int now = exec->progress == NN_BACKWARD_DONE ? 2 * exec->items : exec->items;
    if (own->common)
        return true;
    for (int i = 0; i < exec->storages; i++) {
        const nn_storage *other = &exec->storage[i];
        if (i != index && !other->common && other->first > own->first && other->first < now &&
            other->offset < own->offset + own->bytes && own->offset < other->offset + other->bytes)
            return false;
    }
    return true;
}

/* Numbers of one shard's rows. */
typedef struct {
    const nn_real *data;
    int64_t count, first; /* first: index of data[0] in the whole tensor */
} piece;

static bool held(const nn_exec *exec, const nn_node *node, bool gradient)
{
    const nn_slot *slot = &exec->slot[node->index];
    int storage = gradient ? slot->gradient_storage : slot->value;
    if (!slot->used || node->dtype != NN_F || (gradient && !slot->gradient))
        return false;
    if (node->param)
        return true;
    return storage >= 0 && !(slot->overwritten && !gradient) && intact(exec, storage);
}

static piece piece_of(const nn_exec *exec, const nn_node *node, bool gradient, int shard)
{
    const nn_slot *slot = &exec->slot[node->index];
    if (!node->batched || node->param) {
        piece whole = {NULL, shard == 0 ? nn_shape_count(node->shape) : 0, 0};
        if (node->param)
            whole.data = gradient ? nn_exec_shard_gradients(exec, 0) + slot->parameter
                                  : nn_param_values(node->param);
        else
            whole.data = (const nn_real *)(const void *)nn_exec_place(
                exec, gradient ? slot->gradient_storage : slot->value, 0, 0);
        return whole;
    }
    int64_t row = nn_shape_row(node->shape);
    int64_t r0 = nn_shard_start(exec->bound_rows, exec->shards, shard);
    int64_t r1 = nn_shard_start(exec->bound_rows, exec->shards, shard + 1);
    const void *data =
        nn_exec_place(exec, gradient ? slot->gradient_storage : slot->value, shard, r0);
    return (piece){data, (r1 - r0) * row, r0 * row};
}

/* Index of the first element that is not finite; -1 when all are or nothing is held. */
static int64_t first_bad(const nn_exec *exec, const nn_node *node, bool gradient)
{
    if (!held(exec, node, gradient))
        return -1;
    for (int shard = 0; shard < exec->shards; shard++) {
        piece p = piece_of(exec, node, gradient, shard);
        for (int64_t i = 0; i < p.count; i++)
            if (!isfinite(p.data[i]))
                return p.first + i;
    }
    return -1;
}

static void widen_range(const nn_exec *exec, const nn_node *node, nn_nonfinite *found)
{
    if (!held(exec, node, false))
        return;
    for (int shard = 0; shard < exec->shards; shard++) {
        piece p = piece_of(exec, node, false, shard);
        for (int64_t i = 0; i < p.count; i++) {
            double x = (double)p.data[i];
            if (!isfinite(x))
                continue;
            found->input_min =
                isnan(found->input_min) || x < found->input_min ? x : found->input_min;
            found->input_max =
                isnan(found->input_max) || x > found->input_max ? x : found->input_max;
        }
    }
}

static void describe(const nn_exec *exec, const nn_node *node, bool gradient, int64_t index,
                     nn_nonfinite *found)
{
    *found = (nn_nonfinite){node, gradient, index, NAN, NAN};
    for (int k = 0; k < node->input_count; k++)
        if (node->input[k])
            widen_range(exec, node->input[k], found);
}

bool nn_exec_first_nonfinite(const nn_exec *exec, nn_nonfinite *found)
{
    if (exec->progress == NN_FRESH)
        return false;
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        int64_t bad = first_bad(exec, node, false);
        if (bad >= 0) {
            describe(exec, node, false, bad, found);
            return true;
        }
    }
    for (int i = exec->nodes - 1; i >= 0 && exec->progress == NN_BACKWARD_DONE; i--) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        int64_t bad = first_bad(exec, node, true);
        if (bad >= 0) {
            describe(exec, node, true, bad, found);
            return true;
        }
    }
    return false;
}
