/* A plan: one graph compiled for one batch size, ready to run.
 *
 * nn_compile orders the nodes, finds which need gradients, plans every tensor into one
 * 64-byte-aligned block by liveness, and cuts the work into fixed shards: row ranges of the batch
 * that depend on graph and batch only. T <= S threads execute the shards; T never changes a bit of
 * any result. Nothing is allocated after nn_compile. One thread uses a plan at a time. */
#ifndef GRADUS_ENGINE_EXEC_H
#define GRADUS_ENGINE_EXEC_H

#include "engine/graph.h"

typedef struct nn_exec nn_exec;
typedef struct nn_pool nn_pool; /* threads; may be shared by plans that run one after another */

/* `threads` workers in all, the caller included; 0 means the machine's cores. Never NULL but for
 * memory. Worker threads block every signal. */
nn_pool *nn_pool_new(int threads, nn_error *error);
void nn_pool_free(nn_pool *pool);
int nn_pool_threads(const nn_pool *pool);
/* Change the number of threads between steps. It changes no result. */
nn_status nn_pool_resize(nn_pool *pool, int threads, nn_error *error);

typedef struct {
    int batch;     /* the most rows a step may have */
    int shards;    /* 0: chosen by the plan from graph and batch; 1..16 fixes it */
    bool training; /* dropout on, batch statistics, gradients planned */
    bool keep_all; /* keep every activation and gradient readable after a step */
    uint64_t seed; /* of dropout */
    /* Derivatives of anything: the root and the watched nodes take the gradients that nn_exec_seed
     * is given instead of the 1 of a scalar root, and inputs of real numbers receive gradients too.
     * The root may then have any shape. */
    bool seeded;
    bool whole_tables; /* clear, sum and update tables in whole, never by the rows that were
                          touched. Slower, and the same bits */
    size_t most_bytes; /* refuse a plan that needs more memory than this; 0: whatever there is */
} nn_exec_args;

/* `root` is what nn_forward computes (a scalar loss to train). `also` are further nodes whose
 * values must be readable after nn_forward (logits, say); may be NULL with count 0. NULL and an
 * error when the graph has one. The graph and the pool are borrowed and must outlive the plan. */
nn_exec *nn_compile(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                    nn_pool *pool, nn_exec_args args, nn_error *error);
void nn_exec_free(nn_exec *exec);
/* What nn_exec_bytes would say of that plan, without taking the memory; also over an outline. */
nn_status nn_plan_bytes(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                        nn_exec_args args, size_t *bytes, nn_error *error);

/* The same beside what liveness needs: the most bytes of that plan that live at one time, below
 * which no arrangement of them could be. */
typedef struct {
    size_t bytes, least;
} nn_memory;
nn_status nn_plan_memory(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                         nn_exec_args args, nn_memory *memory, nn_error *error);

int nn_exec_batch(const nn_exec *exec);
int nn_exec_shards(const nn_exec *exec);
size_t nn_exec_bytes(const nn_exec *exec); /* arena, shard gradients and scratch */
nn_graph *nn_exec_graph(const nn_exec *exec);

/* Room for `batch` rows of an input: fill it, then say how many rows are there. Labels are int32.
 */
void *nn_exec_feed(nn_exec *exec, const nn_node *input);
nn_status nn_exec_rows(nn_exec *exec, int rows, nn_error *error); /* 1..batch */

/* Keys random numbers (dropout) of the next forward. */
void nn_exec_step(nn_exec *exec, uint64_t step);

/* In a seeded plan: where the gradient of the root or of a watched node is written before each
 * nn_backward, as many numbers as the node has. NULL where no gradient passes through the node. */
nn_real *nn_exec_seed(nn_exec *exec, const nn_node *node);

/* The root's value where it is a scalar, else NaN. */
double nn_forward(nn_exec *exec);
/* Derivatives of the scalar root (seeded with 1), for parameters and watched activations.
 * nn_forward must have run on the same rows. The gradients of parameters are summed over the shards
 * in shard order. */
nn_status nn_backward(nn_exec *exec, nn_error *error);

nn_view nn_value(const nn_exec *exec, const nn_node *node);
/* After nn_backward: gradient of an activation (with keep_all), of a parameter leaf or, in a seeded
 * plan, of an input. */
nn_view nn_gradient(const nn_exec *exec, const nn_node *node);
nn_real *nn_param_gradient(nn_exec *exec, const nn_param *param); /* NULL when frozen or unused */

/* The rows (entries along dimension 0) of a parameter that the last nn_backward touched, each once,
 * in an order that depends on batch and shards only. Its gradient is 0 everywhere else. `row` is
 * NULL where the plan does not know: every row may be touched. */
typedef struct {
    const int32_t *row;
    int64_t count, size; /* rows, and numbers in one */
} nn_touched_rows;
nn_touched_rows nn_param_rows(const nn_exec *exec, const nn_param *param);

/* Dropout layers read their rate here, so that it can change while a training runs. */
nn_status nn_exec_set_dropout(nn_exec *exec, double rate, nn_error *error); /* all layers, [0,1) */
double nn_exec_dropout(const nn_exec *exec); /* of the first layer; NaN without one */

/* The first node in schedule order whose value (or then, whose gradient) holds NaN or infinity.
 * NULL when all is finite; needs keep_all to see every tensor, without it sees those still held. */
typedef struct {
    const nn_node *node;
    bool in_gradient;
    int64_t index;               /* of the first bad element */
    double input_min, input_max; /* finite range over the node's inputs */
} nn_nonfinite;
bool nn_exec_first_nonfinite(const nn_exec *exec, nn_nonfinite *found);

#endif
