/* Products with weights. */
#include "tests/op_cases.h"

static const op_case cases[] = {
    CASE("linear", "one element", 1, INPUTS(X(1), P(1, 1), P(1))),
    CASE("linear", "odd", 7, INPUTS(X(13), P(5, 13), P(5))),
    CASE("linear", "no bias", 4, INPUTS(X(6), P(9, 6), NONE)),
    CASE("linear", "wide", 3, INPUTS(X(257), P(3, 257), P(3))),
    CASE("linear", "many units", 2, INPUTS(X(3), P(67, 3), P(67))),
};

static void random_linear(dice *d, op_case *c)
{
    int wide = throw_dice(d, 1, 40), units = throw_dice(d, 1, 30);
    c->input[0] = op_activation_of(1, wide);
    c->input[1] = op_parameter_of(2, units, wide);
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(1, units);
}

static const op_traits traits[] = {
    {.op = "linear", .random = random_linear, .linear = true, .depends_on_cut = true},
};

const op_family op_family_linear = OP_FAMILY(cases, traits);
