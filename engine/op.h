/* What one operator is. Private to engine/: the files in engine/ops/ implement it, graph.c and
 * exec.c use it, and tests read the table.
 *
 * To add an operator: write its block (arguments, shape rule, forward, backward, reference, the
 * const nn_op) and its builder in a file of engine/ops/, and one line OP(name) in ops.def. The
 * tests walk ops.def and fail for an operator without cases.
 *
 * Kernels see rows [r0,r1) of the batch: one shard. Pointers from nn_in / nn_out / nn_grad_*
 * already point at the shard's first row for batched tensors and at the whole for parameters. They
 * never allocate, never fail and never touch another shard's rows. A parameter's gradient pointer
 * is the shard's own buffer; the plan sums the buffers in shard order. */
#ifndef GRADUS_ENGINE_OP_H
#define GRADUS_ENGINE_OP_H

#include "engine/graph.h"

typedef struct nn_op nn_op;
typedef struct nn_ctx nn_ctx;

enum { NN_ARGS_MAX = 96 };

struct nn_node {
    const nn_op *op; /* NULL for inputs and parameters */
    char name[NN_NAME_MAX];
    nn_node *input[NN_MAX_INPUTS]; /* NULL for an omitted optional one */
    int input_count;
    nn_shape shape; /* dim[0] == NN_BATCH when batched */
    nn_dtype dtype;
    bool batched;    /* an activation: dim[0] is the batch */
    nn_param *param; /* parameter and buffer leaves */
    bool is_input;
    int index; /* position in the graph */
    nn_graph *graph;
    _Alignas(8) unsigned char args[NN_ARGS_MAX];
};

enum {
    NN_OP_INPLACE = 1,        /* the output may take the memory of input 0 */
    NN_OP_RANDOM = 2,         /* draws from (seed, stream, step) */
    NN_OP_VIEW = 4,           /* the output is input 0 with another shape: same memory, no work.
                                 The kernels run only where the plan keeps the two apart */
    NN_OP_NO_GRADIENT = 8,    /* not differentiable, on purpose; backward is NULL */
    NN_OP_SETS_GRADIENT = 16, /* backward honours nn_beta and needs no zeroed gradients */
    NN_OP_SCALAR = 32         /* the output is one number of the whole batch (needs merge) */
};
#define NN_NEED_OUT 0x80000000u /* `needs`: bit i = the value of input i, this bit = the output */

/* What a kernel is given. rows = r1 - r0 may be 0 in a short last batch. */
struct nn_ctx {
    const nn_node *node;
    int shard, shards;
    int64_t r0, r1;     /* this shard's rows */
    int64_t batch_rows; /* rows fed in this step, all shards */
    bool training;
    uint64_t seed, step;
    double dropout; /* live rate where set, else NaN */
    void *in[NN_MAX_INPUTS];
    nn_real *out;
    const nn_real *grad_out;         /* backward only */
    nn_real *grad_in[NN_MAX_INPUTS]; /* NULL where no gradient is wanted */
    nn_real beta[NN_MAX_INPUTS]; /* with SETS_GRADIENT: 0 overwrite, 1 add. Otherwise always add */
    void *saved;                 /* this shard's slice of saved(), kept from forward to backward */
    void *scratch;               /* of scratch(), this shard's, garbage at entry */
    double *partial;             /* partials of shard s at partial + s * partial_count, see below */
    int64_t partial_count;
};

/* A table (a parameter whose gradient a batch reaches in a few rows only) and the rows that this
 * shard's gradient has reached: each once, in the order in which they were touched first. */
typedef struct {
    int64_t rows, size; /* of the table, and numbers in a row */
    int64_t count;
    int32_t *row;        /* the first `count` of room for `rows` */
    unsigned char *seen; /* of every row of the table: is it among them? */
    nn_real *gradient;   /* 0 in all other rows */
} nn_row_set;

static inline void nn_touch(nn_row_set *set, int64_t row)
{
    if (set->seen[row])
        return;
    set->seen[row] = 1;
    set->row[set->count++] = (int32_t)row;
}

struct nn_op {
    const char *name;
    int min_inputs, max_inputs;
    unsigned flags, needs;
    /* Sets node->shape (and dtype, batched) from its inputs and args, or refuses by name. */
    nn_status (*shape)(nn_node *node, nn_error *error);
    /* Bytes kept between forward and backward for `rows` rows, and bytes of scratch. NULL: none.
     * saved bytes must be per-row additive: saved(r1)+saved(r2) >= saved(r1+r2) is not required,
     * each shard gets its own slice. */
    size_t (*saved)(const nn_node *node, int64_t rows);
    size_t (*scratch)(const nn_node *node, int64_t rows);
    void (*forward)(const nn_ctx *ctx);
    void (*backward)(const nn_ctx *ctx);
    /* Plain loops over the whole batch (shard 0 of 1), compared with forward in the tests. */
    void (*reference)(const nn_ctx *ctx);
    /* Operators that mix the batch (batch norm, mean): every shard first writes
     * partial[shard * partial_count ..], all shards join, then forward (or backward) runs per shard
     * and may read the partials of all shards, in shard order. The forward partials stay until
     * backward has run and sit in `partial`; the backward ones in their own place after them:
     * partial + shards * partial_count. NULL: the operator does not mix the batch (in that pass).
     * A scalar output is written by shard 0 alone. */
    int64_t (*partials)(const nn_node *node);
    void (*forward_partial)(const nn_ctx *ctx);
    void (*backward_partial)(const nn_ctx *ctx);
    /* Operators that look rows up in tables. row_inputs: bit i = backward reaches only some rows
     * (entries along dimension 0) of the gradient of parameter input i. touch: names those rows,
     * all to which the backward that follows may write, with nn_touch. */
    unsigned (*row_inputs)(const nn_node *node);
    void (*touch)(const nn_ctx *ctx, int input, nn_row_set *set);
    /* Multiply-adds of one example, for counting and for choosing shards. NULL: negligible. */
    int64_t (*multiply_adds)(const nn_node *node);
    /* Those of its backward, for counting; bit i of `wanted`: input i gets a gradient. NULL: as
     * many as forward for each side of one product, inputs 0 and 1, that gets one. */
    int64_t (*backward_multiply_adds)(const nn_node *node, unsigned wanted);
};

/* Used by builders: a node of `op` over the inputs with a copy of `args` (args_size <=
 * NN_ARGS_MAX). Runs the shape rule; on refusal records the error in the graph and returns NULL.
 * Inputs below op->min_inputs must not be NULL (a NULL one makes the result NULL, quietly). */
nn_node *nn_node_new(nn_graph *graph, const nn_op *op, nn_node *const *inputs, int input_count,
                     const void *args, size_t args_size);

/* The table, from ops.def. */
#define OP(name) extern const nn_op nn_op_##name;
#include "engine/ops.def"
#undef OP
enum {
#define OP(name) NN_OP_INDEX_##name,
#include "engine/ops.def"
#undef OP
    NN_OP_COUNT
};
const nn_op *nn_op_at(int i); /* 0 .. NN_OP_COUNT - 1, in the order of ops.def */

#endif
