/* Operators that treat every element by itself, and activation functions.
 *
 * Shapes here are sample shapes: without the batch, which every activation has in front. Two inputs
 * broadcast as in numpy, over the dimensions of an example: aligned from the right, sizes of 1
 * repeated. A parameter broadcasts with its whole shape, and is the same for every example. Either
 * may stand first. Gradients are summed over what was repeated; that of a parameter also over the
 * batch. Numbers of the whole batch (a loss) may be combined with each other too.
 *
 * Like all builders: NULL in, NULL out; the graph keeps the first error. Not thread-safe. */
#ifndef GRADUS_ENGINE_ELEMENTWISE_H
#define GRADUS_ENGINE_ELEMENTWISE_H

#include "engine/graph.h"

/* --- two inputs; nn_add stands in graph.h -------------------------------------------------------
 */
nn_node *nn_sub(nn_graph *graph, nn_node *a, nn_node *b); /* a - b */
nn_node *nn_mul(nn_graph *graph, nn_node *a, nn_node *b);
nn_node *nn_div(nn_graph *graph, nn_node *a, nn_node *b);     /* a / b */
nn_node *nn_pow(nn_graph *graph, nn_node *a, nn_node *b);     /* a to the power b (ONNX Pow) */
nn_node *nn_maximum(nn_graph *graph, nn_node *a, nn_node *b); /* equal: the gradient goes to a */
nn_node *nn_minimum(nn_graph *graph, nn_node *a, nn_node *b);
/* a where the condition is not 0, else b; all three broadcast. The condition is whole numbers or
 * real ones, and gets no gradient. */
nn_node *nn_where(nn_graph *graph, nn_node *condition, nn_node *a, nn_node *b);

/* --- one input ---------------------------------------------------------------------------------
 */
nn_node *nn_neg(nn_graph *graph, nn_node *x);
nn_node *nn_abs(nn_graph *graph, nn_node *x); /* derivative 0 at 0 */
nn_node *nn_exp_of(nn_graph *graph, nn_node *x);
nn_node *nn_log_of(nn_graph *graph, nn_node *x); /* natural */
nn_node *nn_sqrt(nn_graph *graph, nn_node *x);
nn_node *nn_affine(nn_graph *graph, nn_node *x, double scale, double shift); /* scale x + shift */
nn_node *nn_power(nn_graph *graph, nn_node *x, double exponent);             /* x^exponent */
/* To low..high (either may be infinite); derivative 1 inside and on the bounds, 0 outside. */
nn_node *nn_clip(nn_graph *graph, nn_node *x, double low, double high);

/* --- activation functions; relu, leaky_relu, sigmoid and tanh stand in graph.h ------------------
 */
nn_node *nn_elu(nn_graph *graph, nn_node *x, double alpha);
nn_node *nn_selu(nn_graph *graph, nn_node *x, double alpha, double gamma); /* gamma elu(x) */
nn_node *nn_softplus(nn_graph *graph, nn_node *x);
nn_node *nn_swish(nn_graph *graph, nn_node *x); /* x sigmoid(x), also called SiLU */
nn_node *nn_hard_sigmoid(nn_graph *graph, nn_node *x, double alpha, double beta);
nn_node *nn_gelu(nn_graph *graph, nn_node *x);      /* exact: x times the normal distribution */
nn_node *nn_gelu_tanh(nn_graph *graph, nn_node *x); /* the approximation of BERT and GPT-2 */
/* x above 0, else slope x. The slope broadcasts to x: a parameter (c,1,1) is one a channel. */
nn_node *nn_prelu(nn_graph *graph, nn_node *x, nn_node *slope);
/* Along one sample axis; -1 is the last. Rows that hold -infinity alone give NaN. */
nn_node *nn_softmax(nn_graph *graph, nn_node *x, int axis);
nn_node *nn_log_softmax(nn_graph *graph, nn_node *x, int axis);

#endif
