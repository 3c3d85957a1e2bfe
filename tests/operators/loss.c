/* Losses. */
#include "tests/op_cases.h"

static const op_case cases[] = {
    CASE("softmax_cross_entropy", "ten classes", 7, INPUTS(X(10), LABELS(10))),
    CASE("softmax_cross_entropy", "two classes", 3, INPUTS(X(2), LABELS(2))),
    CASE("softmax_cross_entropy", "one class", 2, INPUTS(X(1), LABELS(1))),
    CASE("softmax_cross_entropy", "many classes", 3, INPUTS(X(131), LABELS(131))),
    CASE("sigmoid_cross_entropy", "column", 7, INPUTS(X(1), LABELS(2))),
    CASE("sigmoid_cross_entropy", "vector", 19, INPUTS(SCALAR_ROWS, LABELS(2))),
    CASE("sigmoid_cross_entropy", "one example", 1, INPUTS(X(1), LABELS(2))),
};

static void random_classes(dice *d, op_case *c)
{
    int classes = throw_dice(d, 1, 40);
    c->input[0] = op_activation_of(1, classes);
    c->input[1] = op_labels_of(classes, 0);
}

static void random_sides(dice *d, op_case *c)
{
    (void)d;
    c->input[0] = op_activation_of(1, 1);
    c->input[1] = op_labels_of(2, 0);
}

static const op_traits traits[] = {
    {.op = "softmax_cross_entropy", .random = random_classes},
    {.op = "sigmoid_cross_entropy", .random = random_sides},
};

const op_family op_family_loss = OP_FAMILY(cases, traits);
