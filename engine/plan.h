/* The inside of nn_exec, shared by plan.c (what to run), layout.c and arena.c (where everything
 * lies), exec.c (running it) and inspect.c (reading it). Private to engine/.
 *
 * Time. The operators that the root and the watched nodes depend on stand in the order in which
 * they were built, which is topological. Operator p runs forward at time p and backward at time
 * 2n-1-p. A tensor lives from the first to the last of these times at which somebody touches it.
 *
 * Place. Memory is one block of regions:
 *   common       whole tensors, rows of all shards in order: inputs, root, watched nodes, scalars;
 *                with keep_all every tensor. Never reused.
 *   shard 0..    the other tensors, each shard's rows apart. Tensors that never live at the same
 *                time share memory. Shards are not in step with each other inside a phase, which is
 *                why they must not share it.
 *   gradients    per shard, all parameters side by side; shard 0's receives the sum.
 *   partials     of the operators that mix the batch, doubles.
 *   touched      per shard, the rows of tables that its gradients have reached (rows.c). */
#ifndef GRADUS_ENGINE_PLAN_H
#define GRADUS_ENGINE_PLAN_H

#include "engine/exec.h"
#include "engine/op.h"

enum { NN_MAX_SHARDS = 16, NN_ALIGN = 64 };

/* Memory of one or more tensors (views, in-place chains), or of an operator's saved bytes. */
typedef struct {
    size_t bytes;     /* of the whole batch where common, else of the largest shard */
    size_t row_bytes; /* 0 where it has no batch dimension */
    bool common;
    bool ends;       /* needed at the first and the last time, not between: scratch */
    int first, last; /* times */
    size_t offset;   /* in the common region, or in every shard's */
} nn_storage;

static inline bool nn_storage_alive(const nn_storage *storage, int time)
{
    return storage->ends ? time == storage->first || time == storage->last
                         : storage->first <= time && time <= storage->last;
}

/* What the plan knows of a node; indexed like the graph. -1: none. */
typedef struct {
    bool used;         /* the root or a watched node depends on it */
    bool pinned;       /* readable after a step */
    bool seeded;       /* its gradient begins with what nn_exec_seed was given */
    bool gradient;     /* backward produces its gradient */
    bool overwritten;  /* its value was written over in place */
    int contributions; /* gradients that flow into its own */
    int item;          /* place in the order; -1 for leaves */
    int last_use;      /* time of the last reading of its value */
    int value, gradient_storage;
    int table;         /* a parameter of which backward touches some rows: its number; -1 */
    int64_t parameter; /* place of a parameter's gradient in the gradients region, in numbers */
} nn_slot;

/* An operator in the order. */
typedef struct {
    const nn_node *node;
    bool batched;          /* works on rows of the batch */
    bool backward;         /* has a backward step */
    bool view;             /* its output is its input 0 */
    bool view_shared;      /* ... in the same memory: forward has nothing to do */
    bool gradient_shared;  /* ... and so is its gradient: backward has nothing to do */
    int saved, scratch;    /* storages, -1 for none */
    size_t partial;        /* place of its partials, in doubles */
    int64_t partial_count; /* a shard; 0: does not mix the batch */
    unsigned clear;        /* bit i: gradient of input i is set to zero first */
    unsigned tables;       /* bit i: input i is a table whose rows it touches */
    nn_real beta[NN_MAX_INPUTS];
} nn_item;

typedef enum { NN_FORWARD_PARTIAL, NN_FORWARD, NN_BACKWARD_PARTIAL, NN_BACKWARD } nn_stage;

typedef struct {
    int item;
    nn_stage stage;
    bool solo; /* run by shard 0 alone: the result is of the whole batch */
} nn_step;

/* Steps that every shard may run without waiting for another. */
typedef struct {
    int first, end;
    bool solo; /* all of them are */
} nn_phase;

typedef enum { NN_FRESH, NN_FORWARD_DONE, NN_BACKWARD_DONE } nn_progress;

struct nn_exec {
    nn_graph *graph;
    nn_pool *pool;
    nn_exec_args args;
    bool measured; /* nn_plan_bytes: everything but the block */
    const nn_node *root;
    int nodes, items, shards, storages, steps, phases, forward_phases;
    nn_slot *slot;
    nn_item *item;
    nn_storage *storage;
    nn_step *step;
    nn_phase *phase;
    nn_ctx *ctx; /* of item i in shard s at [s * items + i] */
    int tables;
    nn_row_set *table; /* of table t in shard s at [s * tables + t] */

    unsigned char *block;
    size_t bytes;
    size_t common, shard_region, shard_bytes, gradients, partials;
    size_t touched, touched_bytes;
    int64_t gradient_count; /* numbers in one shard's gradients */
    int64_t dense_count;    /* those before the tables, which come last */
    int64_t partial_total;  /* doubles */

    int rows, bound_rows; /* rows fed, and those that ctx was made for */
    int busy_shards;      /* shards that have rows; they come first */
    nn_progress progress;
    uint64_t random_step;
    double dropout; /* NaN: what the layers say */
};

/* First row of shard `shard` of a step with `rows` rows: as even as possible, the first ones
 * larger, so that shards without rows come last. A function of rows and shards alone. */
static inline int64_t nn_shard_start(int64_t rows, int shards, int shard)
{
    int64_t extra = rows % shards;
    return shard * (rows / shards) + (shard < extra ? shard : extra);
}

/* Fills storage, the offsets of all regions, and allocates the block. Needs everything of `slot`
 * and `item` that says what is run; layout.c. */
nn_status nn_layout(nn_exec *exec, nn_error *error);

/* Bytes of the plan that live at one time, at most. */
size_t nn_layout_least(const nn_exec *exec);

/* Offsets for all storages that are not common: largest first, each into the smallest gap that it
 * fits among those alive at the same time. Returns the size of the region. `order` has room for
 * `count` numbers twice. */
size_t nn_arena_place(nn_storage *storage, int count, int *order);

/* Row-sparse gradients; rows.c. Which parameters are tables (needs what mark_gradients finds), */
void nn_rows_mark(nn_exec *exec);
/* the bytes of one shard's lists, and their places once the block is there; */
size_t nn_rows_measure(const nn_exec *exec);
void nn_rows_place(nn_exec *exec);
/* then in each backward: the set of input k of an item, emptied, or filled before the operator
 * runs;
 */
nn_row_set *nn_rows_of(const nn_exec *exec, const nn_item *item, int k, int shard);
void nn_rows_clear(nn_row_set *set);
/* and the sum over shards into shard 0's, in shard order: first the lists, then slice `slice` of
 * the rows. */
void nn_rows_join(const nn_exec *exec);
void nn_rows_reduce(const nn_exec *exec, int slice);

/* Where the rows of shard `shard`, whose first one is r0, begin. */
unsigned char *nn_exec_place(const nn_exec *exec, int storage, int shard, int64_t r0);
/* A shard's gradients of parameters; shard 0's hold the sum after nn_backward. */
nn_real *nn_exec_shard_gradients(const nn_exec *exec, int shard);

#endif
