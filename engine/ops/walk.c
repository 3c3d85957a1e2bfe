#include "engine/ops/walk.h"

#include "engine/ops/loops.h"

#include <string.h>

void nn_dense_strides(int rank, const int64_t *size, int64_t *stride)
{
    int64_t step = 1;
    for (int d = rank - 1; d >= 0; d--) {
        stride[d] = step;
        step *= size[d];
    }
}

/* Strides of one input along the loops of the output, whose first is the batch. */
static void broadcast_strides(const nn_node *input, int loops, int64_t *stride)
{
    int64_t dense[NN_MAX_DIMS];
    nn_shape shape = input->shape;
    if (input->batched)
        shape.dim[0] = 1; /* its number of rows changes no stride */
    nn_dense_strides(shape.rank, shape.dim, dense);
    memset(stride, 0, NN_MAX_DIMS * sizeof *stride);
    int first = input->batched ? 1 : 0; /* sample dimension */
    for (int d = shape.rank - 1, loop = loops - 1; d >= first; d--, loop--)
        stride[loop] = shape.dim[d] == 1 ? 0 : dense[d];
    if (input->batched)
        stride[0] = nn_shape_row(shape);
}

void nn_walk_broadcast(nn_walk *walk, const nn_ctx *ctx)
{
    const nn_node *node = ctx->node;
    nn_shape shape = node->shape;
    walk->loops = shape.rank;
    walk->tensors = 1 + node->input_count;
    walk->inner = 1;
    if (node->batched)
        shape.dim[0] = ctx->r1 - ctx->r0;
    memcpy(walk->size, shape.dim, sizeof walk->size);
    nn_dense_strides(shape.rank, shape.dim, walk->stride[0]);
    for (int i = 0; i < node->input_count; i++)
        broadcast_strides(node->input[i], shape.rank, walk->stride[1 + i]);
    nn_walk_merge(walk);
}

static bool one_go(const nn_walk *walk, int outer, int inner)
{
    for (int t = 0; t < walk->tensors; t++)
        if (walk->stride[t][outer] != walk->stride[t][inner] * walk->size[inner])
            return false;
    return true;
}

static void move_loop(nn_walk *walk, int from, int to)
{
    walk->size[to] = walk->size[from];
    for (int t = 0; t < walk->tensors; t++)
        walk->stride[t][to] = walk->stride[t][from];
}

void nn_walk_merge(nn_walk *walk)
{
    int kept = 0;
    for (int d = 0; d < walk->loops; d++) {
        if (walk->size[d] == 1)
            continue;
        move_loop(walk, d, kept);
        if (kept > 0 && one_go(walk, kept - 1, kept)) {
            int64_t outer = walk->size[kept - 1];
            move_loop(walk, kept, kept - 1);
            walk->size[kept - 1] *= outer;
            continue;
        }
        kept++;
    }
    if (kept == 0) {
        walk->size[kept++] = 1;
        for (int t = 0; t < walk->tensors; t++)
            walk->stride[t][0] = 0;
    }
    walk->loops = kept;
}

bool nn_walk_start(const nn_walk *walk, nn_walker *walker)
{
    *walker = (nn_walker){{0}, {0}};
    for (int d = 0; d < walk->loops; d++)
        if (walk->size[d] < 1)
            return false;
    return true;
}

bool nn_walk_next(const nn_walk *walk, nn_walker *walker)
{
    for (int d = walk->loops - 1 - (walk->inner ? walk->inner : 1); d >= 0; d--) {
        for (int t = 0; t < walk->tensors; t++)
            walker->at[t] += walk->stride[t][d];
        if (++walker->index[d] < walk->size[d])
            return true;
        for (int t = 0; t < walk->tensors; t++)
            walker->at[t] -= walk->stride[t][d] * walk->size[d];
        walker->index[d] = 0;
    }
    return false;
}

bool nn_walk_repeats(const nn_walk *walk, int tensor)
{
    for (int d = 0; d < walk->loops; d++)
        if (walk->stride[tensor][d] == 0)
            return true;
    return false;
}

int64_t nn_input_numbers(const nn_ctx *ctx, int i)
{
    const nn_node *input = ctx->node->input[i];
    if (!input->batched)
        return nn_shape_count(input->shape);
    return (ctx->r1 - ctx->r0) * nn_shape_row(input->shape);
}

void nn_begin_gradient(const nn_ctx *ctx, int i)
{
    if (ctx->grad_in[i] && ctx->beta[i] == 0)
        memset(ctx->grad_in[i], 0, (size_t)nn_input_numbers(ctx, i) * sizeof(nn_real));
}

/* --- copies ------------------------------------------------------------------------------------
 */

typedef struct {
    nn_real *to;
    const nn_real *from;
    int64_t count, to_step, from_step;
} line;

enum { LANES = 16, TILE = 16 };

/* In interleaved sums, which vectorise. */
NN_KERNEL static nn_real sum_of(const nn_real *x, int64_t count)
{
    nn_real lane[LANES] = {0}, sum = 0;
    int64_t whole = count - count % LANES;
    for (int64_t i = 0; i < whole; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + k];
    for (int64_t i = whole; i < count; i++)
        sum += x[i];
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

NN_KERNEL static void add_dense(line l)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < l.count; i++)
        l.to[i] += l.from[i];
}

static void copy_line(line l, bool add)
{
    if (l.to_step == 1 && l.from_step == 1 && !add)
        memcpy(l.to, l.from, (size_t)l.count * sizeof *l.to);
    else if (l.to_step == 1 && l.from_step == 1)
        add_dense(l);
    else if (l.to_step == 0 && l.from_step == 1)
        *l.to += sum_of(l.from, l.count);
    else if (add)
        for (int64_t i = 0; i < l.count; i++)
            l.to[i * l.to_step] += l.from[i * l.from_step];
    else
        for (int64_t i = 0; i < l.count; i++)
            l.to[i * l.to_step] = l.from[i * l.from_step];
}

/* The two innermost loops of a transposition, in squares whose lines all stay in the cache. */
static void copy_tiles(const nn_walk *walk, int to_tensor, int from_tensor, line l, bool add)
{
    int outer = walk->loops - 2;
    int64_t rows = walk->size[outer], columns = walk->size[outer + 1];
    int64_t to_row = walk->stride[to_tensor][outer], from_row = walk->stride[from_tensor][outer];
    for (int64_t top = 0; top < rows; top += TILE)
        for (int64_t left = 0; left < columns; left += TILE)
            for (int64_t r = top; r < rows && r < top + TILE; r++) {
                line part = l;
                part.to += r * to_row + left * l.to_step;
                part.from += r * from_row + left * l.from_step;
                part.count = columns - left < TILE ? columns - left : TILE;
                copy_line(part, add);
            }
}

/* Where one tensor is dense along the innermost loop and the other along another one, that one
 * moves next to it: a transposition of two dimensions. */
static bool arrange_tiles(nn_walk *walk, int one, int other)
{
    int last = walk->loops - 1;
    if (walk->stride[one][last] != 1 || walk->stride[other][last] == 1 ||
        walk->stride[other][last] == 0)
        return false;
    for (int d = 0; d < last; d++) {
        if (walk->stride[other][d] != 1 || walk->size[d] < 2)
            continue;
        nn_walk old = *walk;
        move_loop(walk, d, last - 1);
        for (int k = d; k < last - 1; k++) {
            walk->size[k] = old.size[k + 1];
            for (int t = 0; t < walk->tensors; t++)
                walk->stride[t][k] = old.stride[t][k + 1];
        }
        walk->inner = 2;
        return true;
    }
    return false;
}

void nn_walk_copy(const nn_walk *given, int to_tensor, nn_real *to, int from_tensor,
                  const nn_real *from, bool add)
{
    nn_walk walk = *given;
    nn_walker w;
    bool tiles = walk.loops > 1 && (arrange_tiles(&walk, to_tensor, from_tensor) ||
                                    arrange_tiles(&walk, from_tensor, to_tensor));
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        line l = {to + w.at[to_tensor], from + w.at[from_tensor], nn_walk_run(&walk),
                  nn_walk_step(&walk, to_tensor), nn_walk_step(&walk, from_tensor)};
        if (tiles)
            copy_tiles(&walk, to_tensor, from_tensor, l, add);
        else
            copy_line(l, add);
    }
}
