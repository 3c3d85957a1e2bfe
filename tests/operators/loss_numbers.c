/* Losses on numbers and on vectors, style and detection. */
#include "engine/losses.h"
#include "tests/op_cases.h"

#define FIRST(s) ARGS(nn_gram_args, .channels = NN_CHANNELS_FIRST, .scale = (s))
#define LAST(s)  ARGS(nn_gram_args, .channels = NN_CHANNELS_LAST, .scale = (s))
#define YOLO     ARGS(nn_yolo_args, .box = 5, .empty = 0.5)

static const op_case cases[] = {
    CASE("squared_error", "vector", 5, INPUTS(SCALAR_ROWS, SCALAR_ROWS)),
    CASE("squared_error", "image", 2, INPUTS(X(2, 3, 5), X(2, 3, 5))),
    CASE("squared_error", "one element", 1, INPUTS(X(1), X(1))),
    CASE("absolute_error", "vector", 5, INPUTS(X(4), X(4))),
    CASE("absolute_error", "wide", 2, INPUTS(X(61), X(61))),
    CASE("absolute_error", "one element", 1, INPUTS(X(1), POSITIVE_X(1))),
    CASE("huber_error", "inside and outside", 5, INPUTS(X(7), X(7)), NUMBER(0.7)),
    CASE("huber_error", "all inside", 3, INPUTS(X(5), X(5)), NUMBER(10)),
    CASE("huber_error", "nearly all outside", 3, INPUTS(X(5), X(5)), NUMBER(0.01)),
    CASE("squared_distance", "vectors", 4, INPUTS(X(7), X(7)), NUMBER(1)),
    CASE("squared_distance", "feature maps, halved", 2, INPUTS(X(2, 3, 5), X(2, 3, 5)),
         NUMBER(0.5)),
    CASE("squared_distance", "numbers", 5, INPUTS(SCALAR_ROWS, SCALAR_ROWS), NUMBER(-2)),
    CASE("triplet", "margin 0.2", 7, INPUTS(X(3), X(3), X(3)), NUMBER(0.2)),
    CASE("triplet", "all active", 3, INPUTS(X(5), X(5), X(5)), NUMBER(90)),
    CASE("triplet", "one element", 3, INPUTS(X(1), X(1), X(1)), NUMBER(0.13)),
    CASE("contrastive", "margin 1", 9, INPUTS(X(2), X(2), LABELS(2)), NUMBER(1.03)),
    CASE("contrastive", "wide margin", 5, INPUTS(X(19), X(19), LABELS(2)), NUMBER(20)),

    CASE("contrastive", "numbers", 6, INPUTS(X(1), X(1), LABELS(2)), NUMBER(1.51)),

    CASE("gram", "channels first", 2, INPUTS(X(3, 2, 4)), FIRST(1)),
    CASE("gram", "channels last", 2, INPUTS(X(2, 4, 3)), LAST(0.25)),
    CASE("gram", "one channel", 2, INPUTS(X(1, 5)), FIRST(1)),
    CASE("gram", "one position", 2, INPUTS(X(1, 1, 4)), LAST(2)),

    CASE("yolo", "a row of cells", 3, INPUTS(POSITIVE_X(4, 7), POSITIVE_X(4, 7)), YOLO),
    CASE("yolo", "a grid", 2, INPUTS(POSITIVE_X(2, 2, 6), POSITIVE_X(2, 2, 6)), YOLO),
    CASE("yolo", "empty cells", 2, INPUTS(POSITIVE_X(3, 7), SHARES(3, 7)), YOLO),
    CASE("yolo", "no classes", 2, INPUTS(POSITIVE_X(3, 5), POSITIVE_X(3, 5)),
         ARGS(nn_yolo_args, .box = 1, .empty = 2)),
};

static void random_pair(dice *d, op_case *c)
{
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 5), throw_dice(d, 1, 13));
    c->input[1] = c->input[0];
}

static void random_scaled_pair(dice *d, op_case *c)
{
    double number = 0.313 + throw_dice(d, 0, 9) / 10.0;
    random_pair(d, c);
    op_draw(c, &number, sizeof number);
}

static void random_vectors(dice *d, op_case *c)
{
    double margin = 0.513 + throw_dice(d, 0, 30) / 10.0;
    c->input[0] = op_activation_of(1, throw_dice(d, 1, 33));
    c->input[1] = c->input[2] = c->input[0];
    op_draw(c, &margin, sizeof margin);
}

static void random_judged_pair(dice *d, op_case *c)
{
    random_vectors(d, c);
    c->input[2] = op_labels_of(2, 0);
}

static void random_map(dice *d, op_case *c)
{
    nn_gram_args args = {throw_dice(d, 0, 1) ? NN_CHANNELS_FIRST : NN_CHANNELS_LAST, 0.5};
    c->input[0] =
        op_activation_of(3, throw_dice(d, 1, 5), throw_dice(d, 1, 4), throw_dice(d, 1, 4));
    op_draw(c, &args, sizeof args);
}

static void random_cells(dice *d, op_case *c)
{
    nn_yolo_args args = {5, 0.5};
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 4), throw_dice(d, 5, 8));
    c->input[0].kind = OP_POSITIVE_ACTIVATION;
    c->input[1] = c->input[0];
    c->input[1].kind = throw_dice(d, 0, 1) ? OP_POSITIVE_ACTIVATION : OP_DISTRIBUTION;
    op_draw(c, &args, sizeof args);
}

static const op_traits traits[] = {
    {.op = "squared_error", .random = random_pair},
    {.op = "absolute_error", .random = random_pair, .kinked = true},
    {.op = "huber_error", .random = random_scaled_pair},
    {.op = "squared_distance", .random = random_scaled_pair},
    {.op = "triplet", .random = random_vectors, .kinked = true},
    {.op = "contrastive", .random = random_judged_pair, .kinked = true},
    {.op = "gram", .random = random_map},
    /* Below one half a target is an empty cell, whose place and classes do not count. */
    {.op = "yolo", .random = random_cells, .kinked = true, .nan_may_vanish = true},
};

const op_family op_family_loss_numbers = OP_FAMILY(cases, traits);
