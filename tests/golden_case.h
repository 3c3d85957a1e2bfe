/* Golden cases: files of numbers computed by somebody else (tests/golden/README.md says what they
 * look like), and what a case needs to compute its outputs with our engine.
 *
 * A case function reads its inputs by name, builds nets, and gives its outputs by name. Anything
 * that goes wrong leaves the function at once (golden_fail), anything it cannot express in its
 * inputs too (golden_skip); all memory belongs to the case. */
#ifndef GRADUS_TESTS_GOLDEN_CASE_H
#define GRADUS_TESTS_GOLDEN_CASE_H

#include "engine/exec.h"
#include "engine/optimizer.h"

typedef struct golden_case golden_case;
typedef struct golden_net golden_net;

typedef struct {
    nn_shape shape; /* rank 0: a number */
    int64_t count;
    double *data;
} golden_array;

void golden_fail(golden_case *c, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void golden_skip(golden_case *c) __attribute__((noreturn));

golden_array golden_in(golden_case *c, const char *name);
double golden_number(golden_case *c, const char *name);
bool golden_has(golden_case *c, const char *name);
void golden_out(golden_case *c, const char *name, golden_array value);
void golden_out_number(golden_case *c, const char *name, double value);
void golden_out_numbers(golden_case *c, const char *name, int count, const double *values);

golden_array golden_new(golden_case *c, nn_shape shape);                     /* zeros */
golden_array golden_like(golden_case *c, nn_shape shape, golden_array from); /* reshaped, shared */
/* (a,b) to (b,a); a vector counts as one column. */
golden_array golden_transposed(golden_case *c, golden_array a);

/* --- nets: one model, one graph, every input a parameter, so that all have gradients ------------
 */

golden_net *golden_net_new(golden_case *c, int64_t rows);
/* Over a model without values, for facts about sizes. */
golden_net *golden_outline_new(golden_case *c);
nn_graph *golden_graph(golden_net *net);
nn_model *golden_model(golden_net *net);
/* rows-first data as an activation; its gradient goes by `name`. */
nn_node *golden_batch(golden_net *net, const char *name, golden_array rows_first);
nn_node *golden_weight(golden_net *net, const char *name, golden_array value, nn_shape shape);
nn_node *golden_labels(golden_net *net, const char *name, golden_array labels);
/* Whole numbers of shape `sample` an example. */
nn_node *golden_indices(golden_net *net, const char *name, golden_array rows, nn_shape sample);
/* Rows as an activation that gets no gradient: targets, masks. */
nn_node *golden_constant(golden_net *net, const char *name, golden_array rows);
/* sum(x * weight) over everything; weight NULL: all ones. */
nn_node *golden_sum(golden_net *net, nn_node *x, const golden_array *weight);
/* The same, one number an example, to be added up before nn_mean. */
nn_node *golden_row_sum(golden_net *net, nn_node *x, const golden_array *weight);

void golden_watch(golden_net *net, nn_node *node);
nn_exec *golden_compile(golden_net *net, nn_node *root); /* training, every tensor kept */
/* Compiles where that was not done yet, then forward and backward. The root's value. */
double golden_run(golden_net *net, nn_node *root);
golden_array golden_value(golden_net *net, const nn_node *node);
golden_array golden_gradient(golden_net *net, const char *name); /* in the shape of the leaf */
golden_array golden_param(golden_net *net, const char *name);    /* its value now */
/* Gives "grad_<name>" for each of the blank-separated names. */
void golden_out_gradients(golden_net *net, const char *names);

golden_case *golden_net_case(golden_net *net);

/* --- files --------------------------------------------------------------------------------------
 */

typedef struct {
    int entries, cases;          /* in the file */
    int passed, failed, unknown; /* entries */
    int known_cases;
} golden_result;

typedef void golden_say(void *context, const char *line);
/* Runs every case of the file that is known; `say` hears of each failure and, with `list`, of each
 * case that is not known. False where the file cannot be read (said aloud). */
bool golden_run_file(const char *path, bool list, golden_say *say, void *context,
                     golden_result *result);

/* The table of known cases; NULL where `id` is not among them. *length: characters of the id that
 * name the case; what follows names an output. */
typedef void golden_function(golden_case *c);
golden_function *golden_find(const char *id, size_t *length);

/* Its parts, each ending with an empty name. An id that ends in '-' stands for a family of facts:
 * "ch01-ex-" knows "ch01-ex-z" and gives the output "z". */
typedef struct {
    const char *id;
    golden_function *run;
} golden_known;
#define GOLDEN(name) extern const golden_known golden_##name##_cases[];
#include "tests/golden.def"
#undef GOLDEN

#endif
