/* Where every tensor of a plan lies: lifetimes, sharing of memory, the one block. */
#include "engine/plan.h"

#include <stdlib.h>
#include <string.h>

enum { FOREVER = 1 << 30 };

static nn_slot *slot_of(const nn_exec *exec, const nn_node *node)
{
    return &exec->slot[node->index];
}

static int backward_time(const nn_exec *exec, int item)
{
    return 2 * exec->items - 1 - item;
}

static int64_t largest_shard(const nn_exec *exec)
{
    return (exec->args.batch + exec->shards - 1) / exec->shards;
}

/* Rows of an operator that sees no batch: those of its first input. */
static int64_t rows_without_batch(const nn_node *node)
{
    const nn_node *first = node->input_count ? node->input[0] : node;
    return first && first->shape.rank > 0 ? first->shape.dim[0] : 1;
}

/* --- storages ------------------------------------------------------------------------------ */

/* Adds a storage for a tensor of `node`'s shape; -1 when the size is out of reach. */
static int add_storage(nn_exec *exec, const nn_node *node, bool common, int first, int last)
{
    nn_storage *storage = &exec->storage[exec->storages];
    size_t element = node->dtype == NN_I32 ? sizeof(int32_t) : sizeof(nn_real);
    nn_shape shape = node->shape;
    *storage = (nn_storage){.common = common, .first = first, .last = last};
    if (node->batched) {
        shape.dim[0] = common ? exec->args.batch : largest_shard(exec);
        storage->row_bytes = (size_t)nn_shape_row(shape) * element;
    }
    int64_t count = nn_shape_count(shape);
    if (count < 0)
        return -1;
    storage->bytes = (size_t)count * element;
    return exec->storages++;
}

/* The times at which each value is read for the last time. */
static void find_last_uses(nn_exec *exec)
{
    for (int i = 0; i < exec->items; i++) {
        const nn_item *item = &exec->item[i];
        const nn_node *node = item->node;
        unsigned needs = node->op->needs;
        nn_slot *own = slot_of(exec, node);
        int own_last = item->backward && (needs & NN_NEED_OUT) ? backward_time(exec, i) : i;
        own->last_use = own->pinned ? FOREVER : own_last > own->last_use ? own_last : own->last_use;
        for (int k = 0; k < node->input_count; k++) {
            if (!node->input[k])
                continue;
            nn_slot *slot = slot_of(exec, node->input[k]);
            int last = item->backward && (needs >> k & 1) ? backward_time(exec, i) : i;
            slot->last_use = last > slot->last_use ? last : slot->last_use;
        }
    }
}

/* True when nobody reads the memory of input 0 after `item`, so that its output may go there. */
static bool may_overwrite(const nn_exec *exec, int i)
{
    const nn_item *item = &exec->item[i];
    const nn_node *node = item->node, *input = node->input[0];
    if (!(node->op->flags & NN_OP_INPLACE) || !input->op || input->batched != node->batched ||
        input->dtype != node->dtype || nn_shape_row(input->shape) != nn_shape_row(node->shape))
        return false;
    int place = slot_of(exec, input)->value;
    for (int k = 0; k < exec->nodes; k++)
        if (exec->slot[k].value == place && (exec->slot[k].pinned || exec->slot[k].last_use > i))
            return false;
    for (int k = 1; k < node->input_count; k++) /* add(x, x) reads it twice */
        if (node->input[k] && slot_of(exec, node->input[k])->value == place)
            return false;
    return place >= 0;
}

static void overwrite(nn_exec *exec, int i)
{
    const nn_node *node = exec->item[i].node;
    int place = slot_of(exec, node->input[0])->value;
    for (int k = 0; k < exec->nodes; k++)
        exec->slot[k].overwritten |= exec->slot[k].value == place;
    slot_of(exec, node)->value = place;
}

/* What has no batch dimension belongs to all shards. */
static bool is_common(const nn_exec *exec, const nn_node *node)
{
    return exec->args.keep_all || (!node->batched && exec->shards > 1);
}

static nn_status too_large(const nn_node *node, int batch, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    return nn_fail(error, NN_E_SHAPE,
                   "'%s' of shape %s at batch %d has more numbers than memory; use a smaller batch",
                   node->name, nn_shape_text(node->shape, text), batch);
}

/* A view or an in-place result that is kept takes its memory along. */
static void make_common(const nn_exec *exec, nn_storage *storage)
{
    storage->common = true;
    if (storage->row_bytes)
        storage->bytes = storage->row_bytes * (size_t)exec->args.batch;
}

static nn_status place_values(nn_exec *exec, nn_error *error)
{
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        if (!node->is_input)
            continue;
        exec->slot[i].value = add_storage(exec, node, true, 0, FOREVER);
        if (exec->slot[i].value < 0)
            return too_large(node, exec->args.batch, error);
    }
    for (int i = 0; i < exec->items; i++) {
        nn_item *item = &exec->item[i];
        nn_slot *slot = slot_of(exec, item->node);
        bool common = slot->pinned || is_common(exec, item->node);
        item->view_shared = item->view && !item->node->input[0]->param;
        if (item->view_shared) {
            slot->value = slot_of(exec, item->node->input[0])->value;
        } else if (may_overwrite(exec, i)) {
            overwrite(exec, i);
        } else {
            slot->value = add_storage(exec, item->node, common, i, i);
            if (slot->value < 0)
                return too_large(item->node, exec->args.batch, error);
        }
        nn_storage *storage = &exec->storage[slot->value];
        storage->last = slot->last_use > storage->last ? slot->last_use : storage->last;
        if (common && !storage->common) /* counted for one shard so far */
            make_common(exec, storage);
    }
    return NN_OK;
}

/* Operator `i` is a view whose input hears of no other gradient: they may be the same memory. */
static bool gradient_passes(const nn_exec *exec, const nn_item *item)
{
    const nn_node *input = item->node->input[0];
    const nn_slot *slot = slot_of(exec, input);
    return item->view_shared && input->op && !slot->seeded && slot->contributions == 1;
}

/* Gradients that are written before backward begins or read after it: of the nodes that are seeded,
 * and of inputs. */
static nn_status place_outer_gradients(nn_exec *exec, nn_error *error)
{
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        nn_slot *slot = &exec->slot[i];
        if (!slot->gradient || node->param || !(slot->seeded || node->is_input))
            continue;
        slot->gradient_storage = add_storage(exec, node, true, exec->items, FOREVER);
        if (slot->gradient_storage < 0)
            return too_large(node, exec->args.batch, error);
    }
    return NN_OK;
}

static nn_status place_gradients(nn_exec *exec, nn_error *error)
{
    if (place_outer_gradients(exec, error) != NN_OK)
        return NN_E_SHAPE;
    for (int i = exec->items - 1; i >= 0; i--) {
        nn_item *item = &exec->item[i];
        nn_slot *slot = slot_of(exec, item->node);
        if (!item->backward)
            continue;
        int own = backward_time(exec, i);
        if (slot->gradient_storage < 0) /* the root: nobody before it */
            slot->gradient_storage = add_storage(exec, item->node, true, exec->items, own);
        nn_storage *storage = &exec->storage[slot->gradient_storage];
        storage->last = own > storage->last ? own : storage->last;
        item->gradient_shared = gradient_passes(exec, item);
        for (int k = 0; k < item->node->input_count; k++) {
            const nn_node *input = item->node->input[k];
            nn_slot *to = input ? slot_of(exec, input) : NULL;
            if (!to || !to->gradient || !input->op || to->gradient_storage >= 0)
                continue;
            to->gradient_storage = item->gradient_shared
                                       ? slot->gradient_storage
                                       : add_storage(exec, input, is_common(exec, input), own, own);
            if (to->gradient_storage < 0)
                return too_large(input, exec->args.batch, error);
        }
    }
    return NN_OK;
}

/* A storage for the own use of operator i; -1 for no bytes. */
static int add_own(nn_exec *exec, int i, size_t (*measure)(const nn_node *, int64_t), bool ends)
{
    const nn_item *item = &exec->item[i];
    int64_t rows = item->batched ? largest_shard(exec) : rows_without_batch(item->node);
    size_t bytes = measure ? measure(item->node, rows) : 0;
    if (bytes == 0)
        return -1;
    exec->storage[exec->storages] =
        (nn_storage){.bytes = bytes,
                     .ends = ends,
                     .first = i,
                     .last = item->backward ? backward_time(exec, i) : i};
    return exec->storages++;
}

/* Bytes that operators keep from forward to backward, and those that they need while they run. */
static void place_own(nn_exec *exec)
{
    for (int i = 0; i < exec->items; i++) {
        const nn_op *op = exec->item[i].node->op;
        exec->item[i].saved = add_own(exec, i, op->saved, false);
        exec->item[i].scratch = add_own(exec, i, op->scratch, true);
    }
}

/* --- memory -------------------------------------------------------------------------------- */

static size_t aligned(size_t bytes)
{
    return (bytes + NN_ALIGN - 1) / NN_ALIGN * NN_ALIGN;
}

static void place_parameters_that(nn_exec *exec, bool are_tables)
{
    const int64_t line = NN_ALIGN / (int64_t)sizeof(nn_real);
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        if (!node->param || !exec->slot[i].gradient || (exec->slot[i].table >= 0) != are_tables)
            continue;
        exec->slot[i].parameter = exec->gradient_count;
        exec->gradient_count += (nn_shape_count(node->shape) + line - 1) / line * line;
    }
}

/* Parameters whose gradients are wanted, side by side, each on a cache line of its own. */
static void place_parameters(nn_exec *exec)
{
    place_parameters_that(exec, false);
    exec->dense_count = exec->gradient_count;
    place_parameters_that(exec, true);
}

static size_t place_common(nn_exec *exec)
{
    size_t end = 0;
    for (int i = 0; i < exec->storages; i++) {
        if (!exec->storage[i].common)
            continue;
        exec->storage[i].offset = end;
        end += aligned(exec->storage[i].bytes);
    }
    return end;
}

static void place_partials(nn_exec *exec)
{
    for (int i = 0; i < exec->items; i++) {
        nn_item *item = &exec->item[i];
        item->partial = (size_t)exec->partial_total;
        exec->partial_total += 2 * item->partial_count * exec->shards;
    }
}

static nn_status allocate(nn_exec *exec, nn_error *error)
{
    int *order = malloc((2 * (size_t)exec->storages + 1) * sizeof *order);
    if (!order)
        return nn_fail(error, NN_E_NOMEM, "plan: out of memory");
    size_t shards = (size_t)exec->shards;
    exec->common = 0;
    exec->shard_region = place_common(exec);
    exec->shard_bytes = aligned(nn_arena_place(exec->storage, exec->storages, order));
    free(order);
    exec->gradients = exec->shard_region + shards * exec->shard_bytes;
    exec->partials = exec->gradients + shards * (size_t)exec->gradient_count * sizeof(nn_real);
    exec->touched = exec->partials + aligned((size_t)exec->partial_total * sizeof(double));
    exec->touched_bytes = nn_rows_measure(exec);
    exec->bytes = exec->touched + shards * exec->touched_bytes;
    if (exec->args.most_bytes && exec->bytes > exec->args.most_bytes)
        return nn_fail(error, NN_E_NOMEM, "plan at batch %d: needs %zu MB, %zu MB are allowed",
                       exec->args.batch, exec->bytes >> 20, exec->args.most_bytes >> 20);
    if (exec->measured)
        return NN_OK;
    exec->block = aligned_alloc(NN_ALIGN, exec->bytes ? exec->bytes : NN_ALIGN);
    if (!exec->block)
        return nn_fail(error, NN_E_NOMEM,
                       "plan at batch %d: %zu MB are not to be had; use a smaller batch",
                       exec->args.batch, exec->bytes >> 20);
    memset(exec->block, 0, exec->bytes);
    nn_rows_place(exec);
    return NN_OK;
}

nn_status nn_layout(nn_exec *exec, nn_error *error)
{
    find_last_uses(exec);
    nn_status status = place_values(exec, error);
    if (status == NN_OK)
        status = place_gradients(exec, error);
    if (status != NN_OK)
        return status;
    place_own(exec);
    place_parameters(exec);
    place_partials(exec);
    return allocate(exec, error);
}

static size_t alive_at(const nn_exec *exec, int time)
{
    size_t bytes = 0;
    for (int i = 0; i < exec->storages; i++) {
        const nn_storage *storage = &exec->storage[i];
        if (nn_storage_alive(storage, time))
            bytes += aligned(storage->bytes) * (storage->common ? 1 : (size_t)exec->shards);
    }
    return bytes;
}

size_t nn_layout_least(const nn_exec *exec)
{
    size_t most = 0;
    for (int time = 0; time < 2 * exec->items; time++) {
        size_t bytes = alive_at(exec, time);
        most = bytes > most ? bytes : most;
    }
    size_t shards = (size_t)exec->shards;
    return most + shards * (size_t)exec->gradient_count * sizeof(nn_real) +
           aligned((size_t)exec->partial_total * sizeof(double)) + shards * exec->touched_bytes;
}
