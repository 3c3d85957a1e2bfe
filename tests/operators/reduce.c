/* Sums and their kin. */
#include "tests/op_cases.h"

#include "engine/shapes.h"

#define OVER(keep, count, ...) ARGS(nn_reduce_args, count, {__VA_ARGS__}, keep)
/* Axes of every kind, for an operator with inputs made by `x`. */
#define REDUCTION(op, x)                                                                           \
    CASE(op, "last axis", 3, INPUTS(x(4, 37)), OVER(false, 1, 1)),                                 \
        CASE(op, "first axis, kept", 3, INPUTS(x(4, 5)), OVER(true, 1, 0)),                        \
        CASE(op, "middle axis", 2, INPUTS(x(3, 4, 5)), OVER(false, 1, 1)),                         \
        CASE(op, "all", 2, INPUTS(x(2, 3, 4)), OVER(false, 0, 0)),                                 \
        CASE(op, "outer axes", 2, INPUTS(x(2, 3, 4)), OVER(true, 2, 0, 2))

static const op_case cases[] = {
    CASE("mean", "vector", 7, INPUTS(SCALAR_ROWS)),
    CASE("mean", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("mean", "one element", 1, INPUTS(X(1))),
    REDUCTION("reduce_sum", X),
    REDUCTION("reduce_mean", X),
    REDUCTION("reduce_l1", X),
    REDUCTION("reduce_l2", X),
    REDUCTION("reduce_max", X),
    REDUCTION("reduce_min", X),
    REDUCTION("reduce_prod", POSITIVE_X),
    REDUCTION("reduce_log_sum_exp", X),
};

static void random_block(dice *d, op_case *c)
{
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 5), throw_dice(d, 1, 40));
}

static void random_reduction(dice *d, op_case *c)
{
    int rank = throw_dice(d, 0, 4);
    nn_reduce_args args = {.keep = throw_dice(d, 0, 1)};
    c->input[0] = (op_input){.kind = OP_ACTIVATION, .rank = rank};
    for (int i = 0; i < rank; i++) {
        c->input[0].dim[i] = throw_dice(d, 1, rank > 2 ? 4 : 9);
        if (throw_dice(d, 0, 1))
            args.axis[args.count++] = i;
    }
    op_draw(c, &args, sizeof args);
}

static void random_product(dice *d, op_case *c)
{
    random_reduction(d, c);
    c->input[0].kind = OP_POSITIVE_ACTIVATION;
}

static const op_traits traits[] = {
    {.op = "mean", .random = random_block, .linear = true, .depends_on_cut = true, .mixes = true},
    {.op = "reduce_sum", .random = random_reduction, .linear = true, .depends_on_cut = true},
    {.op = "reduce_mean", .random = random_reduction, .linear = true, .depends_on_cut = true},
    {.op = "reduce_l1", .random = random_reduction, .kinked = true, .depends_on_cut = true},
    {.op = "reduce_l2", .random = random_reduction, .depends_on_cut = true},
    {.op = "reduce_max", .random = random_reduction, .kinked = true, .depends_on_cut = true},
    {.op = "reduce_min", .random = random_reduction, .kinked = true, .depends_on_cut = true},
    {.op = "reduce_prod", .random = random_product, .kinked = true, .depends_on_cut = true},
    {.op = "reduce_log_sum_exp", .random = random_reduction, .depends_on_cut = true},
};

const op_family op_family_reduce = OP_FAMILY(cases, traits);
