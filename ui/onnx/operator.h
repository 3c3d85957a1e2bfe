/* What an ONNX operator is: one entry of the table, which says how it becomes nodes of a graph.
 *
 * ONNX operators act on whole tensors, ours on each example of a batch. So an entry either gives a
 * tensor as ONE example (onnx_whole: any axis may be worked on), or says which axis is the batch
 * (onnx_rows), or makes it a parameter (onnx_weight). It builds nodes with the public builders of
 * the engine and gives the outputs in ONNX order. Shapes, seeds and gradients are run.c's.
 *
 * To add an operator: its attributes, its build function and its line in the table of a file
 * operators_*.c. `gradus op --list`, the checks of attributes and inputs, and the test over ONNX's
 * own cases follow from the entry. */
#ifndef GRADUS_UI_ONNX_OPERATOR_H
#define GRADUS_UI_ONNX_OPERATOR_H

#include "engine/graph.h"
#include "ui/onnx/request.h"

typedef enum {
    ONNX_A_INT,
    ONNX_A_FLOAT,
    ONNX_A_TEXT,
    ONNX_A_INTS,
    ONNX_A_FLOATS,
    ONNX_A_TEXTS
} onnx_attribute_kind;

typedef struct {
    const char *name; /* NULL ends the list */
    onnx_attribute_kind kind;
    double number;    /* default of ONNX_A_INT and ONNX_A_FLOAT */
    const char *text; /* default of ONNX_A_TEXT; lists have none */
} onnx_attribute_spec;

typedef struct onnx_call onnx_call;

enum {
    ONNX_NO_GRADIENT = 1, /* asking for a gradient is refused */
    ONNX_EMPTY = 2,       /* takes tensors without elements */
    ONNX_OURS = 4         /* not of ONNX: a case of the golden numbers, by its name */
};

typedef struct {
    const char *name;
    const char *inputs;  /* "X W B?": names in order; ? optional; a last "data..." any number */
    const char *outputs; /* "Y Indices?" */
    unsigned flags;
    const onnx_attribute_spec *attributes; /* NULL: none */
    void (*build)(onnx_call *call);
    int variant; /* where several operators share a build function */
    /* Of ours: the shapes of the inputs, "n,m 1,m n,1 ." (shapes_text.c); NULL: not said. */
    const char *shapes;
} onnx_operator;

enum { ONNX_BLOCKS = 8 };

/* The table: every file of operators has its list, which ends with a NULL name. */
extern const onnx_operator onnx_activation_operators[], onnx_arithmetic_operators[],
    onnx_convolution_operators[], onnx_linear_operators[], onnx_shape_operators[],
    onnx_slice_operators[], onnx_index_operators[], onnx_reduce_operators[],
    onnx_normal_operators[], onnx_recurrent_operators[], onnx_loss_operators[],
    onnx_optimizer_operators[], course_basic_operators[], course_number_operators[],
    course_step_operators[], course_image_operators[], course_loss_operators[],
    course_sequence_operators[], course_attention_operators[], course_word_operators[];

const onnx_operator *onnx_operator_at(int i); /* sorted by nothing; NULL after the last */
const onnx_operator *onnx_find(const char *name);
/* How many inputs it takes. */
void onnx_input_range(const onnx_operator *op, int *least, int *most);
/* The i-th word of a list of names, without ? and dots. */
const char *onnx_word_at(const char *words, int i, char text[ONNX_NAME]);

/* --- what a build function may ask ----------------------------------------------------------- */

nn_graph *onnx_graph(onnx_call *call);
const onnx_operator *onnx_op(const onnx_call *call);
int onnx_inputs(const onnx_call *call);
/* Input i; one that is not present (count 0) where it was omitted. Never NULL. */
const onnx_tensor *onnx_input(const onnx_call *call, int i);
bool onnx_has(const onnx_call *call, int i);
/* How many outputs the caller wants (0: not said), and whether it wants gradients. */
int onnx_outputs_wanted(const onnx_call *call);

/* Keeps the first refusal; everything after it is ignored. Returns NULL. */
void *onnx_refuse(onnx_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool onnx_failed(const onnx_call *call);
/* Adds an estimate of the work in operations; refuses what would take minutes. */
bool onnx_work(onnx_call *call, double operations);

/* Attributes, or their defaults. They have been checked against the specification. */
bool onnx_given(const onnx_call *call, const char *name);
int64_t onnx_int(const onnx_call *call, const char *name);
double onnx_float(const onnx_call *call, const char *name);
const char *onnx_text(const onnx_call *call, const char *name);
const char *onnx_text_at(const onnx_call *call, const char *name,
                         int i); /* "" where there is none */
/* The numbers of a list (at most `most`, else it is refused); how many. 0 where it is omitted. */
int onnx_ints(onnx_call *call, const char *name, int64_t *list, int most);
int onnx_floats(onnx_call *call, const char *name, double *list, int most);
/* The same of an input of whole numbers, as Reshape has for its shape. */
int onnx_input_ints(onnx_call *call, int i, int64_t *list, int most);
/* The only element of input i, or `otherwise` where it was omitted. */
double onnx_scalar(onnx_call *call, int i, double otherwise);
/* `axis` from 0 on, checked against the rank; negative ones count from the end. -1 if refused. */
int onnx_axis(onnx_call *call, int64_t axis, int rank);

/* --- inputs as nodes ---------------------------------------------------------------------------
 */

nn_node *onnx_whole(onnx_call *call, int i); /* one example, which is the whole tensor */
nn_node *onnx_whole_as(onnx_call *call, int i, nn_shape shape); /* seen in another shape */
nn_node *onnx_rows(onnx_call *call, int i, int axis); /* `axis` moves to the front as the batch */
/* The batch in front, an example seen as `sample`. */
nn_node *onnx_rows_as(onnx_call *call, int i, nn_shape sample);
nn_node *onnx_weight(onnx_call *call, int i);
nn_node *onnx_weight_as(onnx_call *call, int i, nn_shape shape);
/* Blocks of `size` elements, as many as the shape has (at most ONNX_BLOCKS), from these places of
 * input i on: gates in another order. */
nn_node *onnx_weight_blocks(onnx_call *call, int i, const int64_t *first, int64_t size,
                            nn_shape shape);
/* As onnx_whole_as, without a gradient: targets, masks. */
nn_node *onnx_constant_as(onnx_call *call, int i, nn_shape shape);
nn_node *onnx_constant(onnx_call *call, int i);
nn_node *onnx_buffer(onnx_call *call, int i);        /* a parameter without gradient */
nn_node *onnx_whole_indices(onnx_call *call, int i); /* whole numbers */
nn_node *onnx_whole_indices_as(onnx_call *call, int i, nn_shape shape);
nn_node *onnx_row_indices(onnx_call *call, int i);
nn_node *onnx_rows_indices(onnx_call *call, int i, int axis);  /* `axis` is the batch */
nn_node *onnx_rows_constant(onnx_call *call, int i, int axis); /* without a gradient */
/* Numbers of the entry's own as an activation of one example; copied. */
nn_node *onnx_fixed(onnx_call *call, nn_shape shape, const float *data);
nn_node *onnx_fixed_indices(onnx_call *call, nn_shape shape, const float *data);
/* Rows of the batch; 0 before the first activation. */
int64_t onnx_batch(const onnx_call *call);

/* --- outputs ------------------------------------------------------------------------------------
 */

/* Output k is the node in this shape (as many elements as the node has, batch in front). */
void onnx_give(onnx_call *call, int k, nn_node *node, onnx_type type, nn_shape shape);
/* The node's shape without the batch, which is the one example of a whole tensor. */
void onnx_give_sample(onnx_call *call, int k, nn_node *node, onnx_type type);
/* The node's batch becomes `axis` of the shape. */
void onnx_give_rows(onnx_call *call, int k, nn_node *node, onnx_type type, nn_shape shape,
                    int axis);
/* A parameter's value after the forward pass. */
void onnx_give_parameter(onnx_call *call, int k, nn_node *node, nn_shape shape);
/* Numbers that are already known: the entry fills the returned room. NULL if refused or empty. */
float *onnx_give_numbers(onnx_call *call, int k, onnx_type type, nn_shape shape);
/* Forward as in training (batch statistics, dropout). */
void onnx_train(onnx_call *call);
/* What input i's gradient is, where the entry computes it itself: room for as many as it has. */
float *onnx_give_gradient(onnx_call *call, int i);
/* The given gradient of output k, or NULL. */
const float *onnx_gradient(const onnx_call *call, int k);

#endif
