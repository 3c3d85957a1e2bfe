/* What many facts need: an operator on given numbers, a dense network to be counted, descent on a
 * parabola. */
#ifndef GRADUS_TESTS_GOLDEN_APPLY_H
#define GRADUS_TESTS_GOLDEN_APPLY_H

#include "tests/golden_case.h"

typedef nn_node *golden_unary(nn_graph *graph, nn_node *x);

/* build(x), element by element or for all of x as one example; `slope` (or NULL) gets the
 * derivative of its sum. Both have the shape of x. */
golden_array golden_apply(golden_case *c, golden_unary *build, golden_array x, golden_array *slope);
/* The same for one number. */
double golden_apply_to(golden_case *c, golden_unary *build, double x, double *slope);

/* sizes[0] features, then dense layers "W1", "W2", ... of the other sizes; nothing between them. */
golden_net *golden_layers(golden_case *c, const double *sizes, int64_t count);
/* The net's parameters; fails the case where a layer was refused. */
double golden_parameters(golden_net *net);

/* Gradient descent on curvature / 2 w^2 at this rate: w after so many steps. `way` (or NULL) gets w
 * after each. The slope is the graph's; w is kept in double, so that many small steps add up. */
double golden_descend(golden_case *c, double curvature, double rate, double start, int steps,
                      double *way);

#endif
