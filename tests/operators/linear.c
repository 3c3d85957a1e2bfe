/* Products of matrices, with weights and with each other, and layer normalisation. */
#include "engine/attention.h"
#include "tests/op_cases.h"

typedef struct {
    bool trans_a, trans_b;
    double alpha, beta;
} product;
#define PRODUCT(...) ARGS(product, __VA_ARGS__)
#define PLAIN        PRODUCT(false, false, 1, 0)
#define NORM(...)    ARGS(nn_layer_norm_args, __VA_ARGS__)

static const op_case cases[] = {
    CASE("linear", "one element", 1, INPUTS(X(1), P(1, 1), P(1))),
    CASE("linear", "odd", 7, INPUTS(X(13), P(5, 13), P(5))),
    CASE("linear", "no bias", 4, INPUTS(X(6), P(9, 6), NONE)),
    CASE("linear", "wide", 3, INPUTS(X(257), P(3, 257), P(3))),
    CASE("linear", "many units", 2, INPUTS(X(3), P(67, 3), P(67))),
    CASE("linear", "a sequence", 3, INPUTS(X(5, 4), P(6, 4), P(6))),
    CASE("linear", "three axes before the last", 2, INPUTS(X(2, 3, 2, 5), P(3, 5), NONE)),

    CASE("matmul", "one element", 1, INPUTS(X(1, 1), X(1, 1)), PLAIN),
    CASE("matmul", "an example each", 3, INPUTS(X(3, 5), X(5, 4)), PLAIN),
    CASE("matmul", "left transposed", 3, INPUTS(X(5, 3), X(5, 4)), PRODUCT(true, false, 1, 0)),
    CASE("matmul", "right transposed", 3, INPUTS(X(3, 5), X(4, 5)), PRODUCT(false, true, 1, 0)),
    CASE("matmul", "both transposed", 2, INPUTS(X(5, 3), X(4, 5)), PRODUCT(true, true, 1, 0)),
    CASE("matmul", "heads", 2, INPUTS(X(3, 4, 5), X(3, 5, 2)), PLAIN),
    CASE("matmul", "left broadcasts", 2, INPUTS(X(4, 5), X(3, 5, 2)), PLAIN),
    CASE("matmul", "both broadcast", 2, INPUTS(X(2, 1, 3, 2), X(3, 2, 4)), PLAIN),
    CASE("matmul", "both broadcast, transposed", 2, INPUTS(X(1, 2, 2, 3), X(3, 1, 4, 2)),
         PRODUCT(true, true, 1, 0)),
    CASE("matmul", "parameter on the right", 4, INPUTS(X(3, 5), P(5, 2)), PLAIN),
    CASE("matmul", "parameter on the right, transposed", 4, INPUTS(X(3, 5), P(2, 5)),
         PRODUCT(false, true, 1, 0)),
    CASE("matmul", "parameter on the right, left transposed", 3, INPUTS(X(5, 3), P(5, 2)),
         PRODUCT(true, false, 1, 0)),
    CASE("matmul", "parameters, one a head", 2, INPUTS(X(3, 4, 5), P(3, 5, 2)), PLAIN),
    CASE("matmul", "parameter with more dimensions", 2, INPUTS(X(4, 5), P(3, 5, 2)), PLAIN),
    CASE("matmul", "parameter on the left", 3, INPUTS(P(2, 5), X(5, 3)), PLAIN),
    CASE("matmul", "parameter on the left, both transposed", 3, INPUTS(P(5, 2), X(3, 5)),
         PRODUCT(true, true, 1, 0)),
    CASE("matmul", "parameter on the left, broadcast", 3, INPUTS(P(2, 5), X(2, 5, 3)), PLAIN),
    CASE("matmul", "vector by parameter", 5, INPUTS(X(6), P(6, 4)), PLAIN),
    CASE("matmul", "vector by matrix", 3, INPUTS(X(6), X(2, 6, 4)), PLAIN),
    CASE("matmul", "matrix by vector", 3, INPUTS(X(4, 6), X(6)), PLAIN),
    CASE("matmul", "parameter by vector", 3, INPUTS(P(4, 6), X(6)), PLAIN),
    CASE("matmul", "vector by vector", 3, INPUTS(X(6), X(6)), PLAIN),

    CASE("gemm", "row of c", 2, INPUTS(X(3, 4), X(4, 5), P(5)), PRODUCT(false, false, 0.5, 0.25)),
    CASE("gemm", "column of c", 2, INPUTS(X(4, 3), X(4, 5), P(3, 1)), PRODUCT(true, false, 1, 1)),
    CASE("gemm", "number c", 2, INPUTS(X(3, 4), X(5, 4), P(1)), PRODUCT(false, true, -1, 2)),
    CASE("gemm", "c of each example", 2, INPUTS(X(4, 3), X(5, 4), X(3, 5)),
         PRODUCT(true, true, 0.5, 0.5)),
    CASE("gemm", "row of c of each example", 2, INPUTS(X(3, 4), P(4, 5), X(1, 5)),
         PRODUCT(false, false, 2, 1)),
    CASE("gemm", "no c", 3, INPUTS(X(3, 4), P(4, 5), NONE), PRODUCT(false, false, 2, 1)),
    CASE("gemm", "vectors", 3, INPUTS(X(4), P(4, 5), P(5)), PRODUCT(false, false, 1, 1)),

    CASE("layer_norm", "two elements", 1, INPUTS(X(2), P(2), P(2)), NORM(0, 0)),
    CASE("layer_norm", "odd", 5, INPUTS(X(7), P(7), P(7)), NORM(0, 0)),
    CASE("layer_norm", "a sequence", 3, INPUTS(X(4, 6), P(6), P(6)), NORM(-1, 0)),
    CASE("layer_norm", "no shift", 3, INPUTS(X(4, 6), P(6), NONE), NORM(2, 0)),
    CASE("layer_norm", "several axes", 3, INPUTS(X(2, 3, 4), P(3, 4), P(3, 4)), NORM(2, 0)),
    CASE("layer_norm", "whole example", 2, INPUTS(X(2, 3, 4), P(2, 3, 4), NONE), NORM(1, 0)),
    CASE("layer_norm", "wide", 2, INPUTS(X(131), P(131), P(131)), NORM(-1, 1e-3)),
};

static void random_linear(dice *d, op_case *c)
{
    int wide = throw_dice(d, 1, 40), units = throw_dice(d, 1, 30);
    c->input[0] = op_activation_of(1, wide);
    c->input[1] = op_parameter_of(2, units, wide);
    if (throw_dice(d, 0, 1))
        c->input[0] = op_activation_of(2, throw_dice(d, 1, 4), wide);
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(1, units);
}

/* Up to two leading dimensions, either of them 1 on one side or left out. */
static void random_side(dice *d, op_input *input, const int lead[2], int rows, int columns)
{
    bool parameter = input->kind == OP_PARAMETER;
    int first = throw_dice(d, 0, 2) ? lead[0] : 1, second = throw_dice(d, 0, 2) ? lead[1] : 1;
    int count = throw_dice(d, 0, 2);
    op_input (*make)(int, ...) = parameter ? op_parameter_of : op_activation_of;
    *input = count == 2   ? make(4, first, second, rows, columns)
             : count == 1 ? make(3, second, rows, columns)
                          : make(2, rows, columns);
}

static void random_matmul(dice *d, op_case *c)
{
    int m = throw_dice(d, 1, 6), n = throw_dice(d, 1, 6), k = throw_dice(d, 1, 7);
    int lead[2] = {throw_dice(d, 1, 3), throw_dice(d, 1, 3)}, parameter = throw_dice(d, 0, 3);
    product args = {throw_dice(d, 0, 1), throw_dice(d, 0, 1), 1, 0};
    c->input[0].kind = parameter == 1 ? OP_PARAMETER : OP_ACTIVATION;
    c->input[1].kind = parameter == 2 ? OP_PARAMETER : OP_ACTIVATION;
    random_side(d, &c->input[0], lead, args.trans_a ? k : m, args.trans_a ? m : k);
    random_side(d, &c->input[1], lead, args.trans_b ? n : k, args.trans_b ? k : n);
    op_draw(c, &args, sizeof args);
}

static void random_gemm(dice *d, op_case *c)
{
    int m = throw_dice(d, 1, 6), n = throw_dice(d, 1, 6), k = throw_dice(d, 1, 7);
    product args = {throw_dice(d, 0, 1), throw_dice(d, 0, 1), throw_dice(d, 1, 4) / 2.0,
                    throw_dice(d, 1, 4) / 2.0};
    c->input[0] = op_activation_of(2, args.trans_a ? k : m, args.trans_a ? m : k);
    c->input[1] = op_parameter_of(2, args.trans_b ? n : k, args.trans_b ? k : n);
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(2, throw_dice(d, 0, 1) ? m : 1, throw_dice(d, 0, 1) ? n : 1);
    op_draw(c, &args, sizeof args);
}

static void random_layer_norm(dice *d, op_case *c)
{
    int high = throw_dice(d, 1, 4), wide = throw_dice(d, 2, 20);
    nn_layer_norm_args args = {throw_dice(d, 0, 1) ? -1 : -2, 1e-3};
    c->input[0] = op_activation_of(2, high, wide);
    for (int i = 1; i < 2 + throw_dice(d, 0, 1); i++)
        c->input[i] = args.axis == -1 ? op_parameter_of(1, wide) : op_parameter_of(2, high, wide);
    op_draw(c, &args, sizeof args);
}

static const op_traits traits[] = {
    {.op = "linear", .random = random_linear, .linear = true, .depends_on_cut = true},
    {.op = "matmul", .random = random_matmul, .linear = true, .depends_on_cut = true},
    {.op = "gemm", .random = random_gemm, .linear = true, .depends_on_cut = true},
    {.op = "layer_norm", .random = random_layer_norm, .depends_on_cut = true},
};

const op_family op_family_linear = OP_FAMILY(cases, traits);
