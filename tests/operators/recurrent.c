/* Recurrent operators: x, weight_ih, weight_hh, bias_ih, bias_hh, h, lengths, and for LSTM c,
 * peepholes. */
#include "engine/recurrent.h"
#include "tests/op_cases.h"

#define HOW(...)         ARGS(nn_recurrent_args, __VA_ARGS__)
#define WEIGHTS(g, f, u) P((g) * (u), f), P((g) * (u), u)
#define BIASES(g, u)     P((g) * (u)), P((g) * (u))
#define INDICES_OF_ONE(a, b)                                                                       \
    {                                                                                              \
        .kind = OP_LABELS, .low = (a), .high = (b)                                                 \
    }
#define FULL(g, t, f, u)   X(t, f), WEIGHTS(g, f, u), BIASES(g, u), X(u), INDICES_OF_ONE(1, (t) + 1)
#define FULL_LSTM(t, f, u) FULL(4, t, f, u), X(u), P(3 * (u))

static const op_case cases[] = {
    CASE("rnn", "one element", 1, INPUTS(X(1, 1), WEIGHTS(1, 1, 1)), HOW(.reverse = false)),
    CASE("rnn", "a sequence", 3, INPUTS(X(4, 3), WEIGHTS(1, 3, 5), BIASES(1, 5)),
         HOW(.reverse = false)),
    CASE("rnn", "one step from a state", 3, INPUTS(X(3), WEIGHTS(1, 3, 5), BIASES(1, 5), X(5)),
         HOW(.reverse = false)),
    CASE("rnn", "last state", 3, INPUTS(X(4, 3), WEIGHTS(1, 3, 2), P(2)),
         HOW(.states = NN_STATES_LAST)),
    CASE("rnn", "lengths, reversed, all states", 5, INPUTS(FULL(1, 4, 3, 2)),
         HOW(.states = NN_STATES_ALL, .reverse = true)),
    CASE("rnn", "lengths", 5, INPUTS(FULL(1, 4, 3, 2)), HOW(.states = NN_STATES_STEPS)),
    CASE("rnn", "relu", 3, INPUTS(X(3, 3), WEIGHTS(1, 3, 4), BIASES(1, 4), X(4)),
         HOW(.activation = {NN_SQUASH_RELU})),
    CASE("rnn", "bounded", 3, INPUTS(X(3, 3), WEIGHTS(1, 3, 4), BIASES(1, 4), X(4)),
         HOW(.clip = 0.7)),

    CASE("gru", "one element", 1, INPUTS(X(1, 1), WEIGHTS(3, 1, 1)), HOW(.reverse = false)),
    CASE("gru", "a sequence", 3, INPUTS(X(4, 3), WEIGHTS(3, 3, 5), BIASES(3, 5)),
         HOW(.reverse = false)),
    CASE("gru", "reset after the product", 3, INPUTS(X(4, 3), WEIGHTS(3, 3, 5), BIASES(3, 5), X(5)),
         HOW(.reset_after = true)),
    CASE("gru", "reset after the product, no bias", 2, INPUTS(X(3, 3), WEIGHTS(3, 3, 2)),
         HOW(.reset_after = true)),
    CASE("gru", "one step of chapter 41", 3, INPUTS(X(3), WEIGHTS(3, 3, 5), P(15), NONE, X(5)),
         HOW(.update_takes_new = true)),
    CASE("gru", "last state", 3, INPUTS(X(4, 3), WEIGHTS(3, 3, 2), BIASES(3, 2)),
         HOW(.states = NN_STATES_LAST, .update_takes_new = true, .reset_after = true)),
    CASE("gru", "lengths, reversed, all states", 5, INPUTS(FULL(3, 4, 3, 2)),
         HOW(.states = NN_STATES_ALL, .reverse = true)),
    CASE("gru", "lengths, reset after the product", 5, INPUTS(FULL(3, 4, 3, 2)),
         HOW(.reset_after = true)),
    CASE("gru", "other activations, bounded", 3, INPUTS(X(3, 3), WEIGHTS(3, 3, 4), BIASES(3, 4)),
         HOW(.activation = {NN_SQUASH_TANH, NN_SQUASH_SIGMOID}, .clip = 1.5)),

    CASE("lstm", "one element", 1, INPUTS(X(1, 1), WEIGHTS(4, 1, 1)), HOW(.reverse = false)),
    CASE("lstm", "a sequence", 3, INPUTS(X(4, 3), WEIGHTS(4, 3, 5), BIASES(4, 5)),
         HOW(.reverse = false)),
    CASE("lstm", "one step from a state", 3,
         INPUTS(X(3), WEIGHTS(4, 3, 5), BIASES(4, 5), X(5), NONE, X(5)),
         HOW(.states = NN_STATES_ALL)),
    CASE("lstm", "last state", 3, INPUTS(X(4, 3), WEIGHTS(4, 3, 2), P(8)),
         HOW(.states = NN_STATES_LAST)),
    CASE("lstm", "peepholes", 3,
         INPUTS(X(4, 3), WEIGHTS(4, 3, 2), BIASES(4, 2), NONE, NONE, NONE, P(6)),
         HOW(.reverse = false)),
    CASE("lstm", "everything, reversed", 5, INPUTS(FULL_LSTM(4, 3, 2)),
         HOW(.states = NN_STATES_ALL, .reverse = true)),
    CASE("lstm", "everything", 5, INPUTS(FULL_LSTM(4, 3, 2)), HOW(.states = NN_STATES_ALL)),
    CASE("lstm", "lengths, reversed, steps", 5, INPUTS(FULL(4, 4, 3, 2)), HOW(.reverse = true)),
    CASE("lstm", "other activations, bounded", 3,
         INPUTS(X(3, 3), WEIGHTS(4, 3, 4), BIASES(4, 4), X(4), NONE, X(4), P(12)),
         HOW(.activation = {NN_SQUASH_TANH, NN_SQUASH_SIGMOID, NN_SQUASH_RELU}, .clip = 1.5)),
    CASE("lstm", "many units", 2, INPUTS(X(2, 3), WEIGHTS(4, 3, 19), BIASES(4, 19)),
         HOW(.states = NN_STATES_LAST)),
};

static void random_recurrent(dice *d, op_case *c, int gates, int inputs)
{
    int steps = throw_dice(d, 1, 4), f = throw_dice(d, 1, 4), u = throw_dice(d, 1, 4);
    nn_recurrent_args args = {.states = (nn_states)throw_dice(d, 0, 2),
                              .reverse = throw_dice(d, 0, 1),
                              .reset_after = throw_dice(d, 0, 1),
                              .update_takes_new = throw_dice(d, 0, 1)};
    const op_input optional[] = {op_parameter_of(1, gates * u), op_parameter_of(1, gates * u),
                                 op_activation_of(1, u),        op_labels_of(steps + 1, 0),
                                 op_activation_of(1, u),        op_parameter_of(1, 3 * u)};
    c->input[0] = op_activation_of(2, steps, f);
    if (steps == 1 && throw_dice(d, 0, 1))
        c->input[0] = op_activation_of(1, f);
    c->input[1] = op_parameter_of(2, gates * u, f);
    c->input[2] = op_parameter_of(2, gates * u, u);
    for (int i = 3; i < inputs; i++)
        if (throw_dice(d, 0, 1))
            c->input[i] = optional[i - 3];
    op_draw(c, &args, sizeof args);
}

static void random_rnn(dice *d, op_case *c)
{
    random_recurrent(d, c, 1, 7);
}

static void random_gru(dice *d, op_case *c)
{
    random_recurrent(d, c, 3, 7);
}

static void random_lstm(dice *d, op_case *c)
{
    random_recurrent(d, c, 4, 9);
}

static const op_traits traits[] = {
    {.op = "rnn", .random = random_rnn, .depends_on_cut = true},
    {.op = "gru", .random = random_gru, .depends_on_cut = true},
    {.op = "lstm", .random = random_lstm, .depends_on_cut = true},
};

const op_family op_family_recurrent = OP_FAMILY(cases, traits);
