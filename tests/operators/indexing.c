/* Indices: what they pick, and where they come from. */
#include "tests/op_cases.h"

#include "engine/shapes.h"

#define AXIS(n)      ARGS(int, n)
#define BEST(...)    ARGS(nn_arg_args, __VA_ARGS__)
#define TOP(...)     ARGS(nn_top_args, __VA_ARGS__)
#define ONE_HOT(...) ARGS(nn_one_hot_args, __VA_ARGS__)

static const op_case cases[] = {
    CASE("gather", "embedding", 3, INPUTS(P(7, 5), INDICES(0, 7, 4)), AXIS(0)),
    CASE("gather", "one word an example", 5,
         INPUTS(P(7, 19), {.kind = OP_LABELS, .low = -7, .high = 7}), AXIS(0)),
    CASE("gather", "columns of a table", 3, INPUTS(P(4, 6), INDICES(0, 6, 2)), AXIS(1)),
    CASE("gather", "of each example", 3, INPUTS(X(5, 4), INDICES(-5, 5, 2, 3)), AXIS(0)),
    CASE("gather", "last axis", 3, INPUTS(X(2, 6), INDICES(0, 6, 4)), AXIS(1)),
    CASE("one_hot", "classes", 5, INPUTS(LABELS(4)), ONE_HOT(0, 4, 1, 0)),
    CASE("one_hot", "in front", 3, INPUTS(INDICES(-9, 9, 5)), ONE_HOT(0, 4, 2, -1)),
    CASE("one_hot", "behind", 3, INPUTS(INDICES(-4, 4, 2, 3)), ONE_HOT(2, 4, 1, 0)),
    CASE("argmax", "classes", 7, INPUTS(X(10)), BEST(0, false, false)),
    CASE("argmax", "middle axis, kept", 2, INPUTS(X(3, 4, 5)), BEST(1, true, false)),
    CASE("argmax", "ties, the last", 3, INPUTS(MASK(2, 9)), BEST(1, false, true)),
    CASE("argmin", "classes", 7, INPUTS(X(10)), BEST(0, false, false)),
    CASE("argmin", "middle axis, kept", 2, INPUTS(X(3, 4, 5)), BEST(1, true, false)),
    CASE("argmin", "ties, the first", 3, INPUTS(MASK(2, 9)), BEST(1, false, false)),
    CASE("top_k", "three", 5, INPUTS(X(11)), TOP(0, 3, false)),
    CASE("top_k", "all, in order", 3, INPUTS(X(9)), TOP(0, 9, true)),
    CASE("top_k", "middle axis", 2, INPUTS(X(2, 6, 3)), TOP(1, 4, false)),
    CASE("top_k_indices", "three", 5, INPUTS(X(11)), TOP(0, 3, false)),
    CASE("top_k_indices", "ties", 3, INPUTS(MASK(9)), TOP(0, 6, false)),
    CASE("top_k_indices", "middle axis", 2, INPUTS(X(2, 6, 3)), TOP(1, 4, true)),
};

static int random_input(dice *d, op_case *c)
{
    int rank = throw_dice(d, 1, 3);
    c->input[0] = (op_input){.kind = OP_ACTIVATION, .rank = rank};
    for (int i = 0; i < rank; i++)
        c->input[0].dim[i] = throw_dice(d, 1, rank > 2 ? 4 : 9);
    return throw_dice(d, 0, rank - 1);
}

static void random_gather(dice *d, op_case *c)
{
    int axis = random_input(d, c), length = (int)c->input[0].dim[axis];
    if (throw_dice(d, 0, 1))
        c->input[0].kind = OP_PARAMETER;
    c->input[1] =
        op_labels_of(length, throw_dice(d, 0, 2), throw_dice(d, 1, 3), throw_dice(d, 1, 3));
    c->input[1].low = -length;
    op_draw(c, &axis, sizeof axis);
}

static void random_one_hot(dice *d, op_case *c)
{
    int rank = throw_dice(d, 0, 2), depth = throw_dice(d, 1, 6);
    nn_one_hot_args args = {throw_dice(d, 0, rank), depth, 1, throw_dice(d, -1, 0)};
    c->input[0] = op_labels_of(depth + 2, rank, throw_dice(d, 1, 4), throw_dice(d, 1, 4));
    c->input[0].low = -depth - 2;
    op_draw(c, &args, sizeof args);
}

static void random_best(dice *d, op_case *c)
{
    nn_arg_args args = {random_input(d, c), throw_dice(d, 0, 1), throw_dice(d, 0, 1)};
    c->input[0].kind = throw_dice(d, 0, 1) ? OP_ACTIVATION : OP_MASK;
    op_draw(c, &args, sizeof args);
}

static void random_top(dice *d, op_case *c)
{
    nn_top_args args = {.axis = random_input(d, c), .smallest = throw_dice(d, 0, 1)};
    args.k = throw_dice(d, 1, (int)c->input[0].dim[args.axis]);
    op_draw(c, &args, sizeof args);
}

static const op_traits traits[] = {
    {.op = "gather",
     .random = random_gather,
     .linear = true,
     .depends_on_cut = true,
     .nan_may_vanish = true},
    {.op = "one_hot", .random = random_one_hot},
    {.op = "argmax", .random = random_best},
    {.op = "argmin", .random = random_best},
    {.op = "top_k", .random = random_top, .kinked = true},
    {.op = "top_k_indices", .random = random_top},
};

const op_family op_family_indexing = OP_FAMILY(cases, traits);
