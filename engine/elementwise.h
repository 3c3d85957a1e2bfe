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

#endif
