/* Losses on labels: one of several classes, yes or no. */
#include "engine/losses.h"
#include "tests/op_cases.h"

#define IGNORES(n)  ARGS(nn_label_args, .ignores = true, .ignored = (n))
#define MARGIN(...) ARGS(nn_hinge_args, __VA_ARGS__)

static const op_case cases[] = {
    CASE("softmax_cross_entropy", "ten classes", 7, INPUTS(X(10), LABELS(10))),
    CASE("softmax_cross_entropy", "two classes", 3, INPUTS(X(2), LABELS(2))),
    CASE("softmax_cross_entropy", "one class", 2, INPUTS(X(1), LABELS(1))),
    CASE("softmax_cross_entropy", "many classes", 3, INPUTS(X(131), LABELS(131))),
    CASE("softmax_cross_entropy", "a row of lanes", 3, INPUTS(X(32), LABELS(32))),
    CASE("softmax_cross_entropy", "positions", 3, INPUTS(X(4, 5), INDICES(0, 5, 4))),
    CASE("softmax_cross_entropy", "a plane", 2, INPUTS(X(2, 3, 5), INDICES(0, 5, 2, 3))),
    CASE("softmax_cross_entropy", "class weights", 5, INPUTS(X(4), LABELS(4), P(4))),
    CASE("softmax_cross_entropy", "ignored padding", 3, INPUTS(X(6, 3), INDICES(-1, 3, 6)),
         IGNORES(-1)),
    CASE("softmax_cross_entropy", "weights and an ignored class", 3,
         INPUTS(X(6, 3), INDICES(0, 3, 6), P(3)), IGNORES(1)),
    CASE("negative_log_likelihood", "classes", 5, INPUTS(X(4), LABELS(4))),
    CASE("negative_log_likelihood", "weights", 3, INPUTS(X(2, 4), INDICES(0, 4, 2), P(4))),
    CASE("negative_log_likelihood", "ignored", 5, INPUTS(X(3), LABELS(3)), IGNORES(2)),
    CASE("label_weight", "ones", 4, INPUTS(LABELS(3))),
    CASE("label_weight", "weights", 3, INPUTS(INDICES(0, 4, 2), P(4))),
    CASE("label_weight", "ignored", 5, INPUTS(INDICES(-1, 3, 2), P(3)), IGNORES(-1)),
    CASE("soft_cross_entropy", "shares", 4, INPUTS(X(5), SHARES(5))),
    CASE("soft_cross_entropy", "any targets", 3, INPUTS(X(3), X(3))),
    CASE("soft_cross_entropy", "positions, weights", 2, INPUTS(X(3, 4), SHARES(3, 4), P(4))),
    CASE("soft_cross_entropy", "many classes", 2, INPUTS(X(67), SHARES(67))),
    CASE("soft_cross_entropy", "one class", 2, INPUTS(X(1), SHARES(1))),
    CASE("sigmoid_cross_entropy", "column", 7, INPUTS(X(1), LABELS(2))),
    CASE("sigmoid_cross_entropy", "vector", 19, INPUTS(SCALAR_ROWS, LABELS(2))),
    CASE("sigmoid_cross_entropy", "one example", 1, INPUTS(X(1), LABELS(2))),
    CASE("binary_cross_entropy", "labels", 5, INPUTS(X(3), MASK(3))),
    CASE("binary_cross_entropy", "vector", 9, INPUTS(SCALAR_ROWS, SCALAR_ROWS)),
    CASE("binary_cross_entropy", "masked", 4, INPUTS(X(2, 3), MASK(2, 3), MASK(2, 3))),
    CASE("binary_cross_entropy", "weights of positives", 4, INPUTS(X(5), MASK(5), NONE, P(5))),
    CASE("binary_cross_entropy", "weights of both", 3,
         INPUTS(X(2, 4), X(2, 4), POSITIVE_X(2, 4), P(4))),
    CASE("hinge", "margin 1", 4, INPUTS(X(5), MASK(5)), MARGIN(.margin = 1)),
    CASE("hinge", "squared", 4, INPUTS(X(5), X(5)), MARGIN(.margin = 0.7, .squared = true)),
    CASE("hinge", "vector", 6, INPUTS(SCALAR_ROWS, SCALAR_ROWS), MARGIN(.margin = 0.3)),
    CASE("multiclass_hinge", "classes", 5, INPUTS(X(6), LABELS(6)), MARGIN(.margin = 0.61)),
    CASE("multiclass_hinge", "squared, positions", 3, INPUTS(X(2, 4), INDICES(0, 4, 2)),
         MARGIN(.margin = 1.1, .squared = true)),
    CASE("multiclass_hinge", "two classes", 4, INPUTS(X(2), LABELS(2)), MARGIN(.margin = 0.9)),
};

static void random_classes(dice *d, op_case *c)
{
    int classes = throw_dice(d, 1, 40), positions = throw_dice(d, 1, 4);
    nn_label_args args = {throw_dice(d, 0, 1) == 1, throw_dice(d, 0, classes - 1)};
    c->input[0] = op_activation_of(2, positions, classes);
    c->input[1] = op_labels_of(classes, 1, positions);
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(1, classes);
    op_draw(c, &args, sizeof args);
}

static void random_label_weight(dice *d, op_case *c)
{
    int classes = throw_dice(d, 1, 9);
    nn_label_args args = {throw_dice(d, 0, 1) == 1, throw_dice(d, 0, classes - 1)};
    c->input[0] = op_labels_of(classes, 1, throw_dice(d, 1, 4));
    if (throw_dice(d, 0, 1))
        c->input[1] = op_parameter_of(1, classes);
    op_draw(c, &args, sizeof args);
}

static void random_shares(dice *d, op_case *c)
{
    int classes = throw_dice(d, 1, 30);
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 3), classes);
    c->input[1] = c->input[0];
    c->input[1].kind = OP_DISTRIBUTION;
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(1, classes);
}

static void random_sides(dice *d, op_case *c)
{
    (void)d;
    c->input[0] = op_activation_of(1, 1);
    c->input[1] = op_labels_of(2, 0);
}

static void random_binary(dice *d, op_case *c)
{
    int labels = throw_dice(d, 1, 20);
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 3), labels);
    c->input[1] = c->input[2] = c->input[0];
    c->input[1].kind = OP_MASK;
    c->input[2].kind = throw_dice(d, 0, 1) ? OP_MASK : OP_NOTHING;
    if (throw_dice(d, 0, 1))
        c->input[3] = op_parameter_of(1, labels);
}

static void random_hinge(dice *d, op_case *c)
{
    nn_hinge_args args = {0.513 + throw_dice(d, 0, 9) / 10.0, throw_dice(d, 0, 1) == 1};
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 3), throw_dice(d, 1, 20));
    c->input[1] = c->input[0];
    op_draw(c, &args, sizeof args);
}

static void random_class_hinge(dice *d, op_case *c)
{
    int classes = throw_dice(d, 1, 12), positions = throw_dice(d, 1, 3);
    nn_hinge_args args = {0.513 + throw_dice(d, 0, 9) / 10.0, throw_dice(d, 0, 1) == 1};
    c->input[0] = op_activation_of(2, positions, classes);
    c->input[1] = op_labels_of(classes, 1, positions);
    op_draw(c, &args, sizeof args);
}

/* Class weights and positive weights collect what all rows of a shard give them. */
static const op_traits traits[] = {
    {.op = "softmax_cross_entropy",
     .random = random_classes,
     .depends_on_cut = true,
     .nan_may_vanish = true},
    {.op = "negative_log_likelihood",
     .random = random_classes,
     .depends_on_cut = true,
     .nan_may_vanish = true},
    {.op = "label_weight", .random = random_label_weight},
    {.op = "soft_cross_entropy", .random = random_shares, .depends_on_cut = true},
    {.op = "sigmoid_cross_entropy", .random = random_sides},
    {.op = "binary_cross_entropy", .random = random_binary, .depends_on_cut = true},
    {.op = "hinge", .random = random_hinge, .kinked = true, .nan_may_vanish = true},
    {.op = "multiclass_hinge", .random = random_class_hinge, .kinked = true},
};

const op_family op_family_loss = OP_FAMILY(cases, traits);
