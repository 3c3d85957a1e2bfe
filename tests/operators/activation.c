/* Activation functions. */
#include "tests/op_cases.h"

#define AXIS(n) ARGS(int, n)

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
    CASE("elu", "one element", 1, INPUTS(X(1)), NUMBER(1)),
    CASE("elu", "image", 3, INPUTS(X(2, 5, 3)), NUMBER(0.5)),
    CASE("elu", "wide", 2, INPUTS(X(259)), NUMBER(2)),
    CASE("softplus", "one element", 1, INPUTS(X(1))),
    CASE("softplus", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("softplus", "wide", 2, INPUTS(X(259))),
    CASE("swish", "one element", 1, INPUTS(X(1))),
    CASE("swish", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("swish", "wide", 2, INPUTS(X(259))),
    CASE("gelu", "one element", 1, INPUTS(X(1))),
    CASE("gelu", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("gelu", "wide", 2, INPUTS(X(259))),
    CASE("gelu_tanh", "one element", 1, INPUTS(X(1))),
    CASE("gelu_tanh", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("gelu_tanh", "wide", 2, INPUTS(X(259))),
    CASE("prelu", "one slope", 3, INPUTS(X(4, 5), P(1))),
    CASE("prelu", "a slope a channel", 3, INPUTS(X(2, 5, 3), P(2, 1, 1))),
    CASE("prelu", "a slope an element", 3, INPUTS(X(7), X(7))),
    CASE("softmax", "ten classes", 7, INPUTS(X(10)), AXIS(0)),
    CASE("softmax", "one class", 2, INPUTS(X(1)), AXIS(0)),
    CASE("softmax", "wide", 2, INPUTS(X(131)), AXIS(0)),
    CASE("softmax", "last axis", 3, INPUTS(X(4, 17)), AXIS(1)),
    CASE("softmax", "middle axis", 2, INPUTS(X(2, 5, 70)), AXIS(1)),
    CASE("softmax", "first axis", 2, INPUTS(X(6, 3)), AXIS(0)),
    CASE("log_softmax", "ten classes", 7, INPUTS(X(10)), AXIS(0)),
    CASE("log_softmax", "one class", 2, INPUTS(X(1)), AXIS(0)),
    CASE("log_softmax", "wide", 2, INPUTS(X(131)), AXIS(0)),
    CASE("log_softmax", "middle axis", 2, INPUTS(X(2, 5, 3)), AXIS(1)),
    CASE("log_softmax", "first axis", 2, INPUTS(X(6, 70)), AXIS(0)),
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

static void random_prelu(dice *d, op_case *c)
{
    int channels = throw_dice(d, 1, 5);
    c->input[0] = op_activation_of(3, channels, throw_dice(d, 1, 6), throw_dice(d, 1, 6));
    c->input[1] = op_parameter_of(3, throw_dice(d, 0, 1) ? channels : 1, 1, 1);
}

static void random_axis(dice *d, op_case *c)
{
    int rank = throw_dice(d, 1, 4), axis = throw_dice(d, 0, rank - 1);
    c->input[0] = (op_input){.kind = OP_ACTIVATION, .rank = rank};
    for (int i = 0; i < rank; i++)
        c->input[0].dim[i] = throw_dice(d, 1, rank > 2 ? 4 : 20);
    op_draw(c, &axis, sizeof axis);
}

static const op_traits traits[] = {
    {.op = "relu", .random = random_unary},
    {.op = "leaky_relu", .random = random_slope},
    {.op = "sigmoid", .random = random_unary},
    {.op = "tanh", .random = random_unary},
    {.op = "elu", .random = random_slope},
    {.op = "softplus", .random = random_unary},
    {.op = "swish", .random = random_unary},
    {.op = "gelu", .random = random_unary},
    {.op = "gelu_tanh", .random = random_unary},
    {.op = "prelu", .random = random_prelu, .depends_on_cut = true},
    {.op = "softmax", .random = random_axis},
    {.op = "log_softmax", .random = random_axis},
};

const op_family op_family_activation = OP_FAMILY(cases, traits);
