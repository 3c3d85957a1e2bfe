/* Cases of every operator in ops.def: shapes and arguments on which forward, backward and reference
 * are compared. A new operator needs rows here, or test_ops fails. */
#ifndef GRADUS_TESTS_OP_CASES_H
#define GRADUS_TESTS_OP_CASES_H

#include "engine/op.h"

typedef enum {
    OP_NOTHING,    /* an optional input left out */
    OP_ACTIVATION, /* dim: one example */
    OP_PARAMETER,
    OP_POSITIVE, /* a parameter above 0: running variances */
    OP_LABELS    /* dim[0] classes */
} op_input_kind;

typedef struct {
    op_input_kind kind;
    int rank;
    int64_t dim[5];
} op_input;

typedef struct {
    const char *op, *what;
    int rows;
    op_input input[5];
    union {
        double number; /* slope, rate */
        nn_conv_args conv;
        nn_pool_args pool;
        nn_batch_norm_args norm;
    } args;
    bool evaluation; /* not training */
} op_case;

int op_case_count(void);
const op_case *op_case_at(int i);
/* A random case of an operator with modest shapes, the same for the same seed. False where the
 * operator has no generator. */
bool op_case_random(const char *op, uint64_t seed, op_case *drawn);

const nn_op *op_by_name(const char *name); /* NULL when ops.def does not have it */
int op_case_inputs(const op_case *c);
size_t op_case_args_size(const op_case *c);
/* out is a sum over each input alone (bias aside), so a difference of any width is exact. */
bool op_is_linear(const char *op);
/* Mixes rows, or goes through a product whose rounding depends on the number of rows. */
bool op_depends_on_cut(const char *op);

#endif
