#include "engine/plan.h"

static bool alive_together(const nn_storage *a, const nn_storage *b)
{
    if (a->ends)
        return nn_storage_alive(b, a->first) || nn_storage_alive(b, a->last);
    if (b->ends)
        return nn_storage_alive(a, b->first) || nn_storage_alive(a, b->last);
    return a->first <= b->last && b->first <= a->last;
}

/* Indices of the storages to place, largest first; equal ones in their own order. */
static int by_size(const nn_storage *storage, int count, int *order)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (storage[i].common || storage[i].bytes == 0)
            continue;
        int at = n++;
        for (; at > 0 && storage[order[at - 1]].bytes < storage[i].bytes; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return n;
}

/* The lowest offset of the smallest sufficient gap between those of `placed` (sorted by offset)
 * that live at the same time as `wanted`; behind them all where no gap suffices. */
static size_t best_gap(const nn_storage *storage, const int *placed, int count,
                       const nn_storage *wanted)
{
    size_t end = 0, best = 0, best_size = SIZE_MAX;
    for (int i = 0; i < count; i++) {
        const nn_storage *other = &storage[placed[i]];
        if (!alive_together(other, wanted))
            continue;
        size_t gap = other->offset > end ? other->offset - end : 0;
        if (gap >= wanted->bytes && gap < best_size) {
            best = end;
            best_size = gap;
        }
        size_t behind = other->offset + other->bytes;
        end = behind > end ? behind : end;
    }
    return best_size < SIZE_MAX ? best : end;
}

size_t nn_arena_place(nn_storage *storage, int count, int *order)
{
    int *placed = order + count;
    int n = by_size(storage, count, order);
    size_t size = 0;
    for (int i = 0; i < n; i++) {
        nn_storage *wanted = &storage[order[i]];
        wanted->bytes = (wanted->bytes + NN_ALIGN - 1) / NN_ALIGN * NN_ALIGN;
        wanted->offset = best_gap(storage, placed, i, wanted);
        int at = i;
        for (; at > 0 && storage[placed[at - 1]].offset > wanted->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = order[i];
        if (wanted->offset + wanted->bytes > size)
            size = wanted->offset + wanted->bytes;
    }
    return size;
}
