/* Attention: packed and apart, masked in every way, its weights and its values. */
#include "engine/attention.h"
#include "engine/ops/attention_heads.h"
#include "tests/op_cases.h"

#define HEADS(...) ARGS(nn_heads_args, __VA_ARGS__)
#define LENGTH(keys)                                                                               \
    {                                                                                              \
        .kind = OP_LABELS, .high = (keys) + 1                                                      \
    } /* 0 .. keys */
typedef struct {
    int parts;
} parts;
#define CAUSAL(is) ARGS(bool, is)

static const op_case cases[] = {
    CASE("attention", "one element", 1, INPUTS(X(1, 1), X(1, 1), X(1, 1)),
         HEADS(1, false, false, 0)),
    CASE("attention", "apart", 2, INPUTS(X(3, 4), X(5, 4), X(5, 6)), HEADS(2, false, false, 0)),
    CASE("attention", "keys and values packed", 2, INPUTS(X(3, 4), X(5, 8)),
         HEADS(2, false, true, 0)),
    CASE("attention", "all packed", 2, INPUTS(X(5, 12)), HEADS(2, false, true, 0)),
    CASE("attention", "causal", 2, INPUTS(X(5, 12)), HEADS(2, true, true, 0)),
    CASE("attention", "causal, no scale", 2, INPUTS(X(4, 3), X(4, 3), X(4, 2)),
         HEADS(1, true, false, 1)),
    CASE("attention", "causal, fewer keys", 2, INPUTS(X(5, 3), X(3, 3), X(3, 2)),
         HEADS(1, true, false, 0)),
    CASE("attention", "lengths", 5, INPUTS(X(4, 12), NONE, NONE, LENGTH(4)),
         HEADS(2, false, true, 0)),
    CASE("attention", "lengths, causal", 5, INPUTS(X(3, 4), X(4, 8), NONE, LENGTH(4)),
         HEADS(2, true, true, 0)),
    CASE("attention", "mask of keys", 5, INPUTS(X(3, 4), X(4, 4), X(4, 2), NONE, MASK(4)),
         HEADS(2, false, false, 0)),
    CASE("attention", "mask of pairs", 3, INPUTS(X(3, 4), X(2, 4), X(2, 2), NONE, MASK(3, 2)),
         HEADS(2, false, false, 0.7)),
    CASE("attention", "masked in every way", 5, INPUTS(X(5, 6), NONE, NONE, LENGTH(5), MASK(5, 5)),
         HEADS(1, true, true, 0)),
    CASE("attention", "longer than a vector", 1, INPUTS(X(21, 6)), HEADS(2, true, true, 0)),
    CASE("attention", "long and masked", 2, INPUTS(X(2, 2), X(35, 4), NONE, LENGTH(35), MASK(35)),
         HEADS(1, false, true, 0)),

    CASE("attention_weights", "one element", 1, INPUTS(X(1, 1), X(1, 1)),
         HEADS(1, false, false, 0)),
    CASE("attention_weights", "apart", 2, INPUTS(X(3, 4), X(5, 4)), HEADS(2, false, false, 0)),
    CASE("attention_weights", "all packed, causal", 2, INPUTS(X(5, 12)), HEADS(2, true, true, 0)),
    CASE("attention_weights", "keys packed, lengths", 5, INPUTS(X(3, 4), X(4, 8), LENGTH(4)),
         HEADS(2, false, true, 0)),
    CASE("attention_weights", "mask", 5, INPUTS(X(3, 4), X(4, 4), NONE, MASK(3, 4)),
         HEADS(2, false, false, 2)),

    CASE("attention_values", "one element", 1, INPUTS(X(1, 1, 1), X(1, 1)), ARGS(parts, 1)),
    CASE("attention_values", "apart", 2, INPUTS(X(2, 3, 5), X(5, 6)), ARGS(parts, 1)),
    CASE("attention_values", "packed with keys", 2, INPUTS(X(2, 3, 5), X(5, 8)), ARGS(parts, 2)),
    CASE("attention_values", "all packed", 2, INPUTS(X(2, 4, 4), X(4, 12)), ARGS(parts, 3)),

    CASE("additive_score", "one element", 1, INPUTS(X(1, 1), X(1, 1), P(1))),
    CASE("additive_score", "one query", 3, INPUTS(X(5), X(4, 5), P(5))),
    CASE("additive_score", "queries", 2, INPUTS(X(3, 5), X(4, 5), P(5))),
    CASE("additive_score", "many units", 1, INPUTS(X(1, 37), X(2, 37), P(37))),

    CASE("masked_softmax", "one element", 1, INPUTS(X(1)), CAUSAL(false)),
    CASE("masked_softmax", "lengths", 6, INPUTS(X(4), LENGTH(4)), CAUSAL(false)),
    CASE("masked_softmax", "mask", 6, INPUTS(X(2, 4), NONE, MASK(4)), CAUSAL(false)),
    CASE("masked_softmax", "mask of pairs and lengths", 6, INPUTS(X(3, 4), LENGTH(4), MASK(3, 4)),
         CAUSAL(false)),
    CASE("masked_softmax", "causal heads", 2, INPUTS(X(2, 5, 5)), CAUSAL(true)),
    CASE("masked_softmax", "wide", 2, INPUTS(X(53), LENGTH(53), MASK(53)), CAUSAL(false)),

    CASE("positions", "one element", 1, INPUTS(X(1, 1), P(1, 1))),
    CASE("positions", "whole table", 3, INPUTS(X(4, 5), P(4, 5))),
    CASE("positions", "first rows", 3, INPUTS(X(3, 4), P(5, 4))),
};

/* Queries and keys, apart or packed; `values`: of attention itself. Fills the inputs up to the
 * lengths and gives the index of these. */
static int random_sources(dice *d, op_case *c, bool values)
{
    int heads = throw_dice(d, 1, 3), width = throw_dice(d, 1, 3), form = throw_dice(d, 0, 2);
    int queries = throw_dice(d, 1, 5), keys = form == 0 ? queries : throw_dice(d, 1, 5);
    nn_heads_args args = {heads, throw_dice(d, 0, 1), form != 2, throw_dice(d, 0, 2) / 2.0};
    c->input[0] = op_activation_of(2, queries, heads * width * (form == 0 ? 3 : 1));
    if (form > 0)
        c->input[1] = op_activation_of(2, keys, heads * width * (form == 1 ? 2 : 1));
    if (form == 2 && values)
        c->input[2] = op_activation_of(2, keys, heads * throw_dice(d, 1, 3));
    int next = values ? 3 : 2, shape = throw_dice(d, 0, 2);
    if (throw_dice(d, 0, 1))
        c->input[next] = op_labels_of(keys + 1, 0);
    if (shape > 0)
        c->input[next + 1] =
            shape == 1 ? op_activation_of(1, keys) : op_activation_of(2, queries, keys);
    if (shape > 0)
        c->input[next + 1].kind = OP_MASK;
    op_draw(c, &args, sizeof args);
    return next;
}

static void random_attention(dice *d, op_case *c)
{
    random_sources(d, c, true);
}

static void random_weights(dice *d, op_case *c)
{
    random_sources(d, c, false);
}

static void random_values(dice *d, op_case *c)
{
    int heads = throw_dice(d, 1, 3), keys = throw_dice(d, 1, 5);
    parts args = {throw_dice(d, 1, 3)};
    c->input[0] = op_activation_of(3, heads, throw_dice(d, 1, 5), keys);
    c->input[1] = op_activation_of(2, keys, heads * throw_dice(d, 1, 3) * args.parts);
    op_draw(c, &args, sizeof args);
}

static void random_score(dice *d, op_case *c)
{
    int units = throw_dice(d, 1, 20), keys = throw_dice(d, 1, 5);
    c->input[0] = throw_dice(d, 0, 1) ? op_activation_of(1, units)
                                      : op_activation_of(2, throw_dice(d, 1, 3), units);
    c->input[1] = op_activation_of(2, keys, units);
    c->input[2] = op_parameter_of(1, units);
}

static void random_softmax(dice *d, op_case *c)
{
    int heads = throw_dice(d, 1, 2), queries = throw_dice(d, 1, 4), keys = throw_dice(d, 1, 20);
    bool causal = throw_dice(d, 0, 1);
    c->input[0] = op_activation_of(3, heads, queries, keys);
    if (throw_dice(d, 0, 1))
        c->input[1] = op_labels_of(keys + 1, 0);
    if (throw_dice(d, 0, 1)) {
        c->input[2] =
            throw_dice(d, 0, 1) ? op_activation_of(1, keys) : op_activation_of(2, queries, keys);
        c->input[2].kind = OP_MASK;
    }
    op_draw(c, &causal, sizeof causal);
}

static void random_positions(dice *d, op_case *c)
{
    int length = throw_dice(d, 1, 5), wide = throw_dice(d, 1, 9);
    c->input[0] = op_activation_of(2, length, wide);
    c->input[1] = op_parameter_of(2, length + throw_dice(d, 0, 2), wide);
}

static const op_traits traits[] = {
    {.op = "attention", .random = random_attention, .nan_may_vanish = true, .constant = 1u << 4},
    {.op = "attention_weights",
     .random = random_weights,
     .nan_may_vanish = true,
     .constant = 1u << 3},
    {.op = "attention_values", .random = random_values, .linear = true, .nan_may_vanish = true},
    {.op = "additive_score", .random = random_score, .depends_on_cut = true},
    {.op = "masked_softmax", .random = random_softmax, .nan_may_vanish = true, .constant = 1u << 2},
    {.op = "positions", .random = random_positions, .linear = true, .depends_on_cut = true},
};

const op_family op_family_attention = OP_FAMILY(cases, traits);
