/* What the operators of the course share: cases of the golden numbers by their names, as nodes.
 * Tensors are whole, as the notes have them; each entry says the shapes it takes, so that a build
 * function may rely on them. */
#ifndef GRADUS_UI_ONNX_COURSE_H
#define GRADUS_UI_ONNX_COURSE_H

#include "engine/elementwise.h"
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

/* The decimal number that x was read from, where it has at most 7 digits: 0.1, not 0.100000001. */
double course_decimal(float x);
double course_number(const onnx_call *call, int i); /* the only element of input i */
/* All elements of input i; the caller frees. NULL and a refusal without memory. */
double *course_numbers(onnx_call *call, int i);

nn_node *course_scalar(onnx_call *call, int i); /* without dimensions */
/* w x + b, with the examples in columns; b NULL: none. */
nn_node *course_dense(nn_graph *graph, nn_node *w, nn_node *x, nn_node *b);
nn_node *course_product(nn_graph *graph, nn_node *a, nn_node *b); /* of matrices */
nn_node *course_transposed(nn_graph *graph, nn_node *x);          /* (a,b) to (b,a) */
nn_node *course_sum(nn_graph *graph, nn_node *x);                 /* of everything */
nn_node *course_mean(nn_graph *graph, nn_node *x);
nn_node *course_square(nn_graph *graph, nn_node *x);
/* Joined along an axis, however many. */
nn_node *course_joined(nn_graph *graph, nn_node **parts, int count, int axis);
/* Number `at` of the first axis of x (t,a,b), as (a,b); and such ones back as (t,a,b). */
nn_node *course_step(nn_graph *graph, nn_node *x, int64_t at, nn_shape shape);
nn_node *course_steps(nn_graph *graph, nn_node **parts, int count, nn_shape shape);
/* mean of -ln softmax(logits)[label] over rows of logits (rows,classes). */
nn_node *course_likelihood(nn_graph *graph, nn_node *logits, nn_node *labels);

void course_out(onnx_call *call, int k, nn_node *node); /* in the shape that it has */
void course_out_as(onnx_call *call, int k, nn_node *node, nn_shape shape);
void course_out_rows(onnx_call *call, int k, nn_node *node); /* with the batch in front */
void course_out_number(onnx_call *call, int k, onnx_type type, double number);
void course_out_numbers(onnx_call *call, int k, onnx_type type, nn_shape shape,
                        const double *numbers);

#define COURSE(NAME, INPUTS, SHAPES, OUTPUTS, BUILD, VARIANT)                                      \
    {                                                                                              \
        .name = NAME, .inputs = INPUTS, .shapes = SHAPES, .outputs = OUTPUTS, .flags = ONNX_OURS,  \
        .build = BUILD, .variant = VARIANT                                                         \
    }
/* The same without gradients. */
#define COURSE_PLAIN(NAME, INPUTS, SHAPES, OUTPUTS, BUILD, VARIANT)                                \
    {                                                                                              \
        .name = NAME, .inputs = INPUTS, .shapes = SHAPES, .outputs = OUTPUTS,                      \
        .flags = ONNX_OURS | ONNX_NO_GRADIENT, .build = BUILD, .variant = VARIANT                  \
    }

#endif
