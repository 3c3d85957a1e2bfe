/* Word vectors, and the means over a whole batch. */
#include "engine/losses.h"
#include "tests/op_cases.h"

#define PADDING(n)   ARGS(int32_t, (n))
#define GLOVE(...)   ARGS(nn_glove_args, __VA_ARGS__)
#define TABLES(v, d) P(v, d), P(v, d), P(v), P(v)
#define OVER(what)   ARGS(nn_divisor, what)

static const op_case cases[] = {
    CASE("negative_sampling", "five negatives", 4,
         INPUTS(P(7, 3), P(7, 3), LABELS(7), INDICES(0, 7, 6))),
    CASE("negative_sampling", "wide, words repeated", 3,
         INPUTS(P(3, 19), P(3, 19), LABELS(3), INDICES(0, 3, 5))),
    CASE("negative_sampling", "no negatives", 3,
         INPUTS(P(4, 2), P(4, 2), LABELS(4), INDICES(0, 4, 1))),

    CASE("mean_embedding", "contexts", 3, INPUTS(P(6, 4), INDICES(0, 6, 5)), PADDING(-1)),
    CASE("mean_embedding", "padded", 7, INPUTS(P(3, 5), INDICES(-1, 3, 2)), PADDING(-1)),
    CASE("mean_embedding", "one word each", 4, INPUTS(P(5, 3), LABELS(5)), PADDING(-1)),
    CASE("mean_embedding", "padding is a word", 4, INPUTS(P(5, 3), INDICES(0, 5, 3)), PADDING(0)),

    CASE("glove", "rare and frequent", 6,
         INPUTS(TABLES(5, 3), LABELS(5), LABELS(5), {.kind = OP_POSITIVE_ACTIVATION}),
         GLOVE(.x_max = 1.2, .exponent = 0.75)),
    CASE("glove", "all rare", 4,
         INPUTS(TABLES(3, 17), LABELS(3), LABELS(3), {.kind = OP_POSITIVE_ACTIVATION}),
         GLOVE(.x_max = 100, .exponent = 0.5)),
    CASE("glove", "one word", 2,
         INPUTS(TABLES(1, 1), LABELS(1), LABELS(1), {.kind = OP_POSITIVE_ACTIVATION}),
         GLOVE(.x_max = 10, .exponent = 0.75)),

    CASE("weighted_mean", "mask", 5, INPUTS(X(3), MASK(3)), OVER(NN_OVER_WEIGHTS)),
    CASE("weighted_mean", "weights", 5, INPUTS(SCALAR_ROWS, {.kind = OP_POSITIVE_ACTIVATION}),
         OVER(NN_OVER_WEIGHTS)),
    CASE("weighted_mean", "over examples", 4, INPUTS(X(2, 3), X(2, 3)), OVER(NN_OVER_EXAMPLES)),
    CASE("batch_sum", "vector", 7, INPUTS(SCALAR_ROWS)),
    CASE("batch_sum", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("batch_sum", "one element", 1, INPUTS(X(1))),
};

static void random_sampling(dice *d, op_case *c)
{
    int words = throw_dice(d, 1, 6), size = throw_dice(d, 1, 20);
    c->input[0] = c->input[1] = op_parameter_of(2, words, size);
    c->input[2] = op_labels_of(words, 0);
    c->input[3] = op_labels_of(words, 1, throw_dice(d, 1, 5));
}

static void random_context(dice *d, op_case *c)
{
    int words = throw_dice(d, 1, 6);
    int32_t padding = throw_dice(d, -1, 0);
    c->input[0] = op_parameter_of(2, words, throw_dice(d, 1, 9));
    c->input[1] = op_labels_of(words, 1, throw_dice(d, 1, 5));
    c->input[1].low = throw_dice(d, padding, 0);
    op_draw(c, &padding, sizeof padding);
}

static void random_counts(dice *d, op_case *c)
{
    int words = throw_dice(d, 1, 5);
    nn_glove_args args = {1.3, 0.75};
    c->input[0] = c->input[1] = op_parameter_of(2, words, throw_dice(d, 1, 9));
    c->input[2] = c->input[3] = op_parameter_of(1, words);
    c->input[4] = c->input[5] = op_labels_of(words, 0);
    c->input[6] = op_activation_of(0);
    c->input[6].kind = OP_POSITIVE_ACTIVATION;
    op_draw(c, &args, sizeof args);
}

static void random_weights(dice *d, op_case *c)
{
    nn_divisor divisor = throw_dice(d, 0, 1) ? NN_OVER_WEIGHTS : NN_OVER_EXAMPLES;
    c->input[0] = c->input[1] = op_activation_of(1, throw_dice(d, 1, 9));
    c->input[1].kind = OP_POSITIVE_ACTIVATION;
    op_draw(c, &divisor, sizeof divisor);
}

static void random_numbers(dice *d, op_case *c)
{
    c->input[0] = op_activation_of(1, throw_dice(d, 1, 30));
}

static const op_traits traits[] = {
    {.op = "negative_sampling", .random = random_sampling, .depends_on_cut = true},
    {.op = "mean_embedding",
     .random = random_context,
     .depends_on_cut = true,
     .linear = true,
     .nan_may_vanish = true},
    {.op = "glove", .random = random_counts, .depends_on_cut = true, .constant = 1u << 6},
    {.op = "weighted_mean",
     .random = random_weights,
     .depends_on_cut = true,
     .mixes = true,
     .nan_may_vanish = true},
    {.op = "batch_sum",
     .random = random_numbers,
     .depends_on_cut = true,
     .mixes = true,
     .linear = true},
};

const op_family op_family_loss_words = OP_FAMILY(cases, traits);
