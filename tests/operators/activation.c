/* Activation functions. */
#include "tests/op_cases.h"

static const op_case cases[] = {
    CASE("relu", "one element", 1, INPUTS(X(1))),
    CASE("relu", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("relu", "wide", 2, INPUTS(X(515))),
    CASE("leaky_relu", "one element", 1, INPUTS(X(1)), NUMBER(0.01)),
    CASE("leaky_relu", "image", 3, INPUTS(X(2, 5, 3)), NUMBER(0.2)),
    CASE("leaky_relu", "slope 0 is relu", 3, INPUTS(X(17)), NUMBER(0)),
    CASE("leaky_relu", "slope 1 is the identity", 3, INPUTS(X(17)), NUMBER(1)),
    CASE("sigmoid", "one element", 1, INPUTS(X(1))),
    CASE("sigmoid", "odd", 3, INPUTS(X(5, 3))),
    CASE("sigmoid", "wide", 2, INPUTS(X(259))),
    CASE("tanh", "one element", 1, INPUTS(X(1))),
    CASE("tanh", "odd", 3, INPUTS(X(5, 3))),
    CASE("tanh", "wide", 2, INPUTS(X(259))),
};

static void random_unary(dice *d, op_case *c)
{
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 5), throw_dice(d, 1, 40));
}

static void random_slope(dice *d, op_case *c)
{
    random_unary(d, c);
    op_draw(c, &(double){throw_dice(d, 0, 9) / 10.0}, sizeof(double));
}

static const op_traits traits[] = {
    {.op = "relu", .random = random_unary},
    {.op = "leaky_relu", .random = random_slope},
    {.op = "sigmoid", .random = random_unary},
    {.op = "tanh", .random = random_unary},
};

const op_family op_family_activation = OP_FAMILY(cases, traits);
