/* Elementwise operators: those of two or three inputs broadcast. */
#include "tests/op_cases.h"

#include <math.h>

#define PAIR(a, b) .args = (const double[]){(a), (b)}, .args_size = 2 * sizeof(double)

static const op_case cases[] = {
    CASE("add", "one element", 1, INPUTS(X(1), X(1))),
    CASE("add", "odd", 5, INPUTS(X(3, 7), X(3, 7))),
    CASE("add", "wide", 3, INPUTS(X(1031), X(1031))),
    CASE("add", "bias of the last axis", 5, INPUTS(X(3, 7), P(7))),
    CASE("add", "bias first", 5, INPUTS(P(7), X(3, 7))),
    CASE("add", "a number", 3, INPUTS(X(4, 5), P(1))),
    CASE("add", "outer", 3, INPUTS(X(4, 1), X(1, 5))),
    CASE("add", "a parameter of more dimensions", 3, INPUTS(X(5), P(2, 3, 5))),
    CASE("add", "one number an example", 4, INPUTS(SCALAR_ROWS, X(3, 2))),
    CASE("sub", "odd", 5, INPUTS(X(3, 7), X(3, 7))),
    CASE("sub", "a column", 4, INPUTS(X(3, 7), X(3, 1))),
    CASE("sub", "from a parameter", 4, INPUTS(P(3, 1), X(3, 7))),
    CASE("mul", "odd", 5, INPUTS(X(3, 7), X(3, 7))),
    CASE("mul", "wide", 2, INPUTS(X(517), X(517))),
    CASE("mul", "per channel", 3, INPUTS(X(2, 4, 5), P(2, 1, 1))),
    CASE("mul", "middle axis", 2, INPUTS(X(3, 1, 4), X(3, 5, 1))),
    CASE("mul", "a long sum", 3, INPUTS(X(2, 67), X(1))),
    CASE("div", "odd", 5, INPUTS(X(3, 7), POSITIVE_X(3, 7))),
    CASE("div", "by a row", 3, INPUTS(X(3, 7), POSITIVE(7))),
    CASE("div", "of a parameter", 3, INPUTS(P(3, 7), POSITIVE_X(7))),
    CASE("pow", "odd", 5, INPUTS(POSITIVE_X(3, 7), X(3, 7))),
    CASE("pow", "one exponent", 3, INPUTS(POSITIVE_X(9), P(1))),
    CASE("pow", "one base", 3, INPUTS(POSITIVE(1), X(9))),
    CASE("maximum", "odd", 5, INPUTS(X(3, 7), POSITIVE_X(3, 7))),
    CASE("maximum", "a row", 5, INPUTS(X(3, 7), P(7))),
    CASE("maximum", "a parameter first", 5, INPUTS(P(3, 1), X(3, 7))),
    CASE("minimum", "odd", 5, INPUTS(X(3, 7), POSITIVE_X(3, 7))),
    CASE("minimum", "a row", 5, INPUTS(X(3, 7), P(7))),
    CASE("minimum", "a parameter first", 5, INPUTS(P(3, 1), X(3, 7))),
    CASE("where", "odd", 5, INPUTS(INDICES(0, 2, 3, 7), X(3, 7), X(3, 7))),
    CASE("where", "a mask of real numbers", 5, INPUTS(MASK(3, 7), X(3, 7), P(7))),
    CASE("where", "all broadcast", 3, INPUTS(INDICES(0, 2, 3, 1), X(1, 4), P(2, 1, 1))),

    CASE("neg", "one element", 1, INPUTS(X(1))),
    CASE("neg", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("neg", "wide", 2, INPUTS(X(515))),
    CASE("abs", "one element", 1, INPUTS(X(1))),
    CASE("abs", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("abs", "wide", 2, INPUTS(X(515))),
    CASE("exp", "one element", 1, INPUTS(X(1))),
    CASE("exp", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("exp", "wide", 2, INPUTS(X(515))),
    CASE("log", "one element", 1, INPUTS(POSITIVE_X(1))),
    CASE("log", "image", 3, INPUTS(POSITIVE_X(2, 5, 3))),
    CASE("log", "wide", 2, INPUTS(POSITIVE_X(515))),
    CASE("sqrt", "one element", 1, INPUTS(POSITIVE_X(1))),
    CASE("sqrt", "image", 3, INPUTS(POSITIVE_X(2, 5, 3))),
    CASE("sqrt", "wide", 2, INPUTS(POSITIVE_X(515))),
    CASE("affine", "one element", 1, INPUTS(X(1)), PAIR(2, 1)),
    CASE("affine", "image", 3, INPUTS(X(2, 5, 3)), PAIR(-0.5, 3)),
    CASE("affine", "constant", 2, INPUTS(X(51)), PAIR(0, 0.25)),
    CASE("clip", "both sides", 3, INPUTS(X(2, 5, 3)), PAIR(-0.51, 0.77)),
    CASE("clip", "below alone", 3, INPUTS(X(17)), PAIR(-0.51, HUGE_VAL)),
    CASE("clip", "crossed: the upper bound wins", 3, INPUTS(X(17)), PAIR(1, -1)),
    CASE("power", "square", 3, INPUTS(X(2, 5, 3)), PAIR(2, 0)),
    CASE("power", "root of a cube", 3, INPUTS(POSITIVE_X(17)), PAIR(1.5, 0)),
    CASE("power", "reciprocal of a cube", 3, INPUTS(POSITIVE_X(17)), PAIR(-3, 0)),
    CASE("power", "exponent 0", 2, INPUTS(X(5)), PAIR(0, 0)),
};

/* An input that broadcasts to `whole`: any axis may be 1, and leading ones may be missing. */
static op_input part_of(dice *d, op_input whole, op_input_kind kind)
{
    op_input part = {.kind = kind, .low = 0, .high = 2};
    int skipped = throw_dice(d, 0, 3) == 0 ? throw_dice(d, 0, whole.rank) : 0;
    for (int i = skipped; i < whole.rank; i++)
        part.dim[part.rank++] = throw_dice(d, 0, 3) == 0 ? 1 : whole.dim[i];
    return part;
}

static op_input any_shape(dice *d)
{
    op_input whole = {.rank = throw_dice(d, 0, 4)};
    int most = whole.rank > 2 ? 4 : 9;
    for (int i = 0; i < whole.rank; i++)
        whole.dim[i] = throw_dice(d, 1, most);
    return whole;
}

/* The second input never equals the first: its numbers are drawn otherwise. */
static void random_pair_of(dice *d, op_case *c, op_input_kind a, op_input_kind parameter)
{
    op_input whole = any_shape(d);
    int way = throw_dice(d, 0, 2);
    c->input[0] = part_of(d, whole, way == 1 ? parameter : a);
    c->input[1] = part_of(d, whole, way == 0 ? parameter : OP_POSITIVE_ACTIVATION);
}

static void random_pair(dice *d, op_case *c)
{
    random_pair_of(d, c, OP_ACTIVATION, OP_PARAMETER);
}

static void random_quotient(dice *d, op_case *c)
{
    random_pair_of(d, c, OP_ACTIVATION, OP_POSITIVE);
}

static void random_power(dice *d, op_case *c)
{
    random_pair_of(d, c, OP_POSITIVE_ACTIVATION, OP_POSITIVE);
}

static void random_where(dice *d, op_case *c)
{
    op_input whole = any_shape(d);
    int way = throw_dice(d, 0, 2);
    c->input[0] = part_of(d, whole, throw_dice(d, 0, 1) ? OP_LABELS : OP_MASK);
    c->input[1] = part_of(d, whole, way == 1 ? OP_PARAMETER : OP_ACTIVATION);
    c->input[2] = part_of(d, whole, way == 0 ? OP_PARAMETER : OP_ACTIVATION);
}

static void random_unary(dice *d, op_case *c)
{
    c->input[0] = any_shape(d);
    c->input[0].kind = OP_ACTIVATION;
}

static void random_positive(dice *d, op_case *c)
{
    random_unary(d, c);
    c->input[0].kind = OP_POSITIVE_ACTIVATION;
}

static void draw_two(dice *d, op_case *c, double low, double high)
{
    double step = (high - low) / 1000;
    double a = low + step * throw_dice(d, 0, 1000), b = low + step * throw_dice(d, 0, 1000);
    op_draw(c, (const double[]){fmin(a, b), fmax(a, b)}, 2 * sizeof(double));
}

static void random_affine(dice *d, op_case *c)
{
    random_unary(d, c);
    draw_two(d, c, -2, 2);
}

/* Bounds that no element meets: those are drawn from a normal distribution. */
static void random_clip(dice *d, op_case *c)
{
    random_unary(d, c);
    c->input[0].kind = OP_POSITIVE_ACTIVATION;
    draw_two(d, c, 0.5, 2);
}

static void random_exponent(dice *d, op_case *c)
{
    random_positive(d, c);
    draw_two(d, c, -2, 3);
}

static const op_traits traits[] = {
    {.op = "add", .random = random_pair, .linear = true, .depends_on_cut = true},
    {.op = "sub", .random = random_pair, .linear = true, .depends_on_cut = true},
    {.op = "mul", .random = random_pair, .linear = true, .depends_on_cut = true},
    {.op = "div", .random = random_quotient, .depends_on_cut = true},
    {.op = "pow", .random = random_power, .depends_on_cut = true},
    {.op = "maximum", .random = random_pair, .kinked = true, .depends_on_cut = true},
    {.op = "minimum", .random = random_pair, .kinked = true, .depends_on_cut = true},
    {.op = "where",
     .random = random_where,
     .linear = true,
     .depends_on_cut = true,
     .nan_may_vanish = true,
     .constant = 1},
    {.op = "neg", .random = random_unary, .linear = true},
    {.op = "abs", .random = random_unary, .kinked = true},
    {.op = "exp", .random = random_unary},
    {.op = "log", .random = random_positive},
    {.op = "sqrt", .random = random_positive},
    {.op = "affine", .random = random_affine, .linear = true},
    {.op = "clip", .random = random_clip, .kinked = true},
    {.op = "power", .random = random_exponent, .nan_may_vanish = true},
};

const op_family op_family_elementwise = OP_FAMILY(cases, traits);
