/* Row-sparse gradients. A table of word vectors has many rows of which a batch names few. Where
 * every operator that contributes to a parameter's gradient reaches named rows only, the plan keeps
 * a list of them: clearing, the sum over shards and the optimiser then touch these rows alone.
 *
 * The rows that are not listed are 0 at all times, so that whoever reads the gradient in whole (the
 * search for NaN, statistics, accumulation) sees what a dense one would hold, bit for bit. */
#include "engine/kernel.h"
#include "engine/plan.h"

#include <string.h>

/* --- which ---------------------------------------------------------------------------------- */

static unsigned row_inputs(const nn_item *item)
{
    const nn_op *op = item->node->op;
    return op->row_inputs && item->batched ? op->row_inputs(item->node) : 0;
}

/* Does every contribution to the gradient of this parameter name its rows? */
static bool by_rows(const nn_exec *exec, const nn_node *param)
{
    for (int i = 0; i < exec->items; i++) {
        const nn_item *item = &exec->item[i];
        for (int k = 0; item->backward && k < item->node->input_count; k++)
            if (item->node->input[k] == param && !(row_inputs(item) >> k & 1))
                return false;
    }
    return param->shape.rank >= 1 && param->shape.dim[0] <= INT32_MAX;
}

void nn_rows_mark(nn_exec *exec)
{
    for (int i = 0; i < exec->nodes && !exec->args.whole_tables; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        nn_slot *slot = &exec->slot[i];
        if (node->param && slot->gradient && !slot->seeded && by_rows(exec, node))
            slot->table = exec->tables++;
    }
    for (int i = 0; i < exec->items; i++) {
        nn_item *item = &exec->item[i];
        for (int k = 0; item->backward && k < item->node->input_count; k++)
            if (item->node->input[k] && exec->slot[item->node->input[k]->index].table >= 0)
                item->tables |= 1u << k;
    }
}

/* --- where ---------------------------------------------------------------------------------- */

static size_t aligned(size_t bytes)
{
    return (bytes + NN_ALIGN - 1) / NN_ALIGN * NN_ALIGN;
}

static size_t list_bytes(int64_t rows)
{
    return aligned((size_t)rows * sizeof(int32_t));
}

static size_t table_bytes(int64_t rows)
{
    return list_bytes(rows) + aligned((size_t)rows);
}

size_t nn_rows_measure(const nn_exec *exec)
{
    size_t bytes = 0;
    for (int i = 0; i < exec->nodes; i++)
        if (exec->slot[i].table >= 0)
            bytes += table_bytes(nn_graph_at(exec->graph, i)->shape.dim[0]);
    return bytes;
}

static void place_shard(nn_exec *exec, int shard)
{
    unsigned char *place = exec->block + exec->touched + (size_t)shard * exec->touched_bytes;
    for (int i = 0; i < exec->nodes; i++) {
        const nn_slot *slot = &exec->slot[i];
        if (slot->table < 0)
            continue;
        nn_shape shape = nn_graph_at(exec->graph, i)->shape;
        int64_t rows = shape.dim[0];
        exec->table[shard * exec->tables + slot->table] =
            (nn_row_set){.rows = rows,
                         .size = nn_shape_row(shape),
                         .row = (int32_t *)(void *)place,
                         .seen = place + list_bytes(rows),
                         .gradient = nn_exec_shard_gradients(exec, shard) + slot->parameter};
        place += table_bytes(rows);
    }
}

void nn_rows_place(nn_exec *exec)
{
    for (int shard = 0; shard < exec->shards && exec->tables > 0; shard++)
        place_shard(exec, shard);
}

nn_row_set *nn_rows_of(const nn_exec *exec, const nn_item *item, int k, int shard)
{
    int table = exec->slot[item->node->input[k]->index].table;
    return &exec->table[shard * exec->tables + table];
}

/* --- in a step ------------------------------------------------------------------------------ */

void nn_rows_clear(nn_row_set *set)
{
    for (int64_t i = 0; i < set->count; i++) {
        memset(set->gradient + set->row[i] * set->size, 0, (size_t)set->size * sizeof(nn_real));
        set->seen[set->row[i]] = 0;
    }
    set->count = 0;
}

void nn_rows_join(const nn_exec *exec)
{
    for (int shard = 1; shard < exec->busy_shards; shard++)
        for (int t = 0; t < exec->tables; t++) {
            const nn_row_set *set = &exec->table[shard * exec->tables + t];
            for (int64_t i = 0; i < set->count; i++)
                nn_touch(&exec->table[t], set->row[i]);
        }
}

NN_KERNEL static void add_rows(nn_row_set *sum, const nn_row_set *set, int slices, int slice)
{
    for (int64_t i = 0; i < set->count; i++) {
        if (set->row[i] % slices != slice)
            continue;
        nn_real *restrict to = sum->gradient + set->row[i] * set->size;
        const nn_real *restrict from = set->gradient + set->row[i] * set->size;
        for (int64_t k = 0; k < set->size; k++)
            to[k] += from[k];
    }
}

/* A row always falls into the same slice, which takes the shards in order. */
void nn_rows_reduce(const nn_exec *exec, int slice)
{
    for (int shard = 1; shard < exec->busy_shards; shard++)
        for (int t = 0; t < exec->tables; t++)
            add_rows(&exec->table[t], &exec->table[shard * exec->tables + t], exec->shards, slice);
}

nn_touched_rows nn_param_rows(const nn_exec *exec, const nn_param *param)
{
    for (int i = 0; param && i < exec->nodes; i++) {
        if (exec->slot[i].table < 0 || nn_graph_at(exec->graph, i)->param != param)
            continue;
        const nn_row_set *set = &exec->table[exec->slot[i].table];
        return (nn_touched_rows){set->row, set->count, set->size};
    }
    return (nn_touched_rows){NULL, 0, 0};
}
