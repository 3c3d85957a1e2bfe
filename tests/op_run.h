/* One operator on numbers of ours: builds a graph of this single node, gives it memory cut into
 * shards as a plan would, and calls its kernels directly. Memory that a kernel must not read is
 * filled with NaN before each pass. */
#ifndef GRADUS_TESTS_OP_RUN_H
#define GRADUS_TESTS_OP_RUN_H

#include "engine/op.h"
#include "tests/op_cases.h"

enum { OP_RUN_SHARDS = 16 };

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_node *node;
    int inputs;
    int64_t rows;
    int64_t count[NN_MAX_INPUTS]; /* elements of each input; 0 where it is left out */
    int64_t row[NN_MAX_INPUTS];   /* elements of one row of an activation; 0 for parameters */
    void *value[NN_MAX_INPUTS];
    nn_real *gradient[NN_MAX_INPUTS];
    bool wanted[NN_MAX_INPUTS]; /* gradients to ask for; op_run_new sets all real inputs */
    int64_t out_count, out_row; /* out_row 0 for a scalar */
    nn_real *out, *grad_out;
    int shards;
    int64_t cut[OP_RUN_SHARDS + 1]; /* shard s owns the rows [cut[s], cut[s+1]) */
    bool training, in_place;
    bool add; /* backward adds to what the gradients hold */
    uint64_t seed, step;
    double dropout; /* live rate, NaN for none */
    void *saved[OP_RUN_SHARDS];
    double *partial;
    nn_ctx context[OP_RUN_SHARDS];
} op_run;

/* Fails the test where the case cannot be built. Inputs hold values from `seed`: activations all
 * different and none 0, so that differences do not cross a kink. One shard. */
void op_run_new(op_run *run, const op_case *c, uint64_t seed);
void op_run_free(op_run *run);
/* Work over [0,k), [k,rows); and so on for more cuts. */
void op_run_cut(op_run *run, int shards, const int64_t *cut);
void op_run_forward(op_run *run);
void op_run_backward(op_run *run); /* after op_run_forward */
/* The reference's answer into `out` (room for out_count). */
void op_run_reference(op_run *run, nn_real *out);

#endif
