/* Cases of every operator in ops.def: shapes and arguments on which forward, backward and reference
 * are compared. They stand in tests/operators/, one file a family, listed in operators.def. A new
 * operator needs at least three rows and its traits there, or test_ops fails. */
#ifndef GRADUS_TESTS_OP_CASES_H
#define GRADUS_TESTS_OP_CASES_H

#include "engine/op.h"

typedef enum {
    OP_NOTHING, /* an optional input left out */
    /* Activations; dim is the shape of one example. */
    OP_ACTIVATION,          /* all numbers different and none 0 */
    OP_POSITIVE_ACTIVATION, /* above 0: logarithms, roots, powers */
    OP_DISTRIBUTION,        /* above 0, sums to 1 along the last axis */
    OP_MASK,                /* 0 or 1 */
    OP_LABELS,              /* whole numbers, low <= label < high */
    /* Parameters; dim is the whole shape. */
    OP_PARAMETER,
    OP_POSITIVE /* above 0: running variances */
} op_input_kind;

typedef struct {
    op_input_kind kind;
    int rank;
    int64_t dim[NN_MAX_DIMS - 1];
    int64_t low, high; /* of OP_LABELS */
} op_input;

typedef struct {
    const char *op, *what;
    int rows;
    op_input input[NN_MAX_INPUTS];
    const void *args; /* the operator's argument struct; NULL: `drawn` */
    size_t args_size;
    bool evaluation; /* not training */
    _Alignas(8) unsigned char drawn[NN_ARGS_MAX];
} op_case;

/* How the tests must treat an operator. What is not said is false. */
typedef struct {
    uint64_t seed;
    uint32_t drawn;
} dice;
typedef struct {
    const char *op;
    /* Fills inputs and arguments of a random case of modest size (op, what and rows are set). */
    void (*random)(dice *d, op_case *c);
    bool linear; /* a sum over each input alone (bias aside): a difference of any width is exact */
    bool depends_on_cut; /* mixes rows, or goes through a product whose rounding depends on the
                            number of rows */
    bool mixes;          /* a row's output depends on other rows */
    bool kinked;         /* small steps change the winner: slopes are checked in double alone */
    bool nan_may_vanish; /* a NaN may be left out by rights: a mask, a choice, an index */
    unsigned constant;   /* bit i: real input i never gets a gradient */
} op_traits;

/* Same numbers for the same dice; low..high, both included. */
int throw_dice(dice *d, int low, int high);
op_input op_activation_of(int rank, ...); /* rank ints */
op_input op_parameter_of(int rank, ...);
op_input op_labels_of(int high, int rank, ...); /* 0 <= label < high */
void op_draw(op_case *c, const void *args, size_t size);

typedef struct {
    const op_case *cases;
    int case_count;
    const op_traits *traits;
    int trait_count;
} op_family;
#define OP_FAMILY(c, t)                                                                            \
    {                                                                                              \
        (c), (int)(sizeof(c) / sizeof *(c)), (t), (int)(sizeof(t) / sizeof *(t))                   \
    }

#define OP_CASES(name) extern const op_family op_family_##name;
#include "tests/operators.def"
#undef OP_CASES

/* For the tables: CASE("add", "odd", 5, INPUTS(X(3, 7), P(7)), NUMBER(0.5), .evaluation = true).
 * X, P and so on take the sizes of one example, or of a parameter. */
#define CASE(name, text, count, ...)                                                               \
    {                                                                                              \
        .op = (name), .what = (text), .rows = (count), __VA_ARGS__                                 \
    }
#define INPUTS(...)     .input = {__VA_ARGS__}
#define ARGS(type, ...) .args = &(const type){__VA_ARGS__}, .args_size = sizeof(type)
#define NUMBER(x)       ARGS(double, x)
#define OP_INPUT(is, ...)                                                                          \
    {                                                                                              \
        .kind = (is), .rank = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .dim = {         \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define X(...)          OP_INPUT(OP_ACTIVATION, __VA_ARGS__)
#define POSITIVE_X(...) OP_INPUT(OP_POSITIVE_ACTIVATION, __VA_ARGS__)
#define SHARES(...)     OP_INPUT(OP_DISTRIBUTION, __VA_ARGS__)
#define MASK(...)       OP_INPUT(OP_MASK, __VA_ARGS__)
#define P(...)          OP_INPUT(OP_PARAMETER, __VA_ARGS__)
#define POSITIVE(...)   OP_INPUT(OP_POSITIVE, __VA_ARGS__)
#define INDICES(from, to, ...)                                                                     \
    {                                                                                              \
        .kind = OP_LABELS, .rank = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),             \
        .dim = {__VA_ARGS__}, .low = (from), .high = (to)                                          \
    }
#define SCALAR_ROWS                                                                                \
    {                                                                                              \
        .kind = OP_ACTIVATION                                                                      \
    } /* one number an example */
#define LABELS(n)                                                                                  \
    {                                                                                              \
        .kind = OP_LABELS, .high = (n)                                                             \
    } /* one label an example, below n */
#define NONE                                                                                       \
    {                                                                                              \
        .kind = OP_NOTHING                                                                         \
    }

int op_case_count(void);
const op_case *op_case_at(int i);
/* A random case of an operator with modest shapes, the same for the same seed. */
void op_case_random(const char *op, uint64_t seed, op_case *drawn);
const op_traits *op_traits_of(const char *op); /* NULL where no family has them */

const nn_op *op_by_name(const char *name); /* NULL when ops.def does not have it */
int op_case_inputs(const op_case *c);      /* up to the last that is there */
const void *op_case_args(const op_case *c);

#endif
