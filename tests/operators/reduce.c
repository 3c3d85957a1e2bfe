/* Sums and their kin. */
#include "tests/op_cases.h"

static const op_case cases[] = {
    CASE("mean", "vector", 7, INPUTS(SCALAR_ROWS)),
    CASE("mean", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("mean", "one element", 1, INPUTS(X(1))),
};

static void random_block(dice *d, op_case *c)
{
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 5), throw_dice(d, 1, 40));
}

static const op_traits traits[] = {
    {.op = "mean", .random = random_block, .linear = true, .depends_on_cut = true, .mixes = true},
};

const op_family op_family_reduce = OP_FAMILY(cases, traits);
