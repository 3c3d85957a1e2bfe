/* RNN, GRU, LSTM. ONNX's weights are (directions, gates * units, ...), the engine's one parameter a
 * direction with the gates in PyTorch's order; a gate is a block of an input. */
#include "engine/recurrent.h"
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

#include <string.h>
#include <strings.h>

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES };
enum { RNN, GRU, LSTM };

typedef struct {
    int kind, gates, directions;
    bool batch_first, reversed; /* reversed: the only direction is from the end */
    int64_t steps, batch, features, units;
} recurrent_sizes;

/* --- sizes and attributes -----------------------------------------------------------------------
 */

static bool expect_shape(onnx_call *call, int i, nn_shape want)
{
    char have_text[NN_SHAPE_TEXT], want_text[NN_SHAPE_TEXT], name[ONNX_NAME];
    if (!onnx_has(call, i) || nn_shape_equal(onnx_input(call, i)->shape, want))
        return true;
    onnx_refuse(
        call, "input %d (%s) is %s, expected %s", i, onnx_word_at(onnx_op(call)->inputs, i, name),
        onnx_shape_text(onnx_input(call, i)->shape, have_text), onnx_shape_text(want, want_text));
    return false;
}

static bool read_direction(onnx_call *call, recurrent_sizes *s)
{
    const char *word = onnx_text(call, "direction");
    s->reversed = strcmp(word, "reverse") == 0;
    s->directions = strcmp(word, "bidirectional") == 0 ? 2 : 1;
    if (!s->reversed && s->directions == 1 && strcmp(word, "forward") != 0)
        onnx_refuse(call, "direction: expected forward, reverse or bidirectional");
    return !onnx_failed(call);
}

static bool read_sizes(onnx_call *call, recurrent_sizes *s)
{
    nn_shape x = onnx_input(call, X)->shape, r = onnx_input(call, R)->shape;
    *s = (recurrent_sizes){.kind = onnx_op(call)->variant};
    s->gates = s->kind == RNN ? 1 : s->kind == GRU ? 3 : 4;
    s->batch_first = onnx_int(call, "layout") != 0;
    if (!read_direction(call, s))
        return false;
    if (x.rank != 3 || r.rank != 3) {
        onnx_refuse(call, "X has %d dimensions and R %d; 3 each are expected", x.rank, r.rank);
        return false;
    }
    s->steps = x.dim[s->batch_first ? 1 : 0];
    s->batch = x.dim[s->batch_first ? 0 : 1];
    s->features = x.dim[2];
    s->units = r.dim[2];
    int64_t d = s->directions, g = s->gates * s->units;
    nn_shape state =
        s->batch_first ? nn_shape3(s->batch, d, s->units) : nn_shape3(d, s->batch, s->units);
    if (onnx_given(call, "hidden_size") && onnx_int(call, "hidden_size") != s->units)
        onnx_refuse(call, "hidden_size is %lld, R has %lld",
                    (long long)onnx_int(call, "hidden_size"), (long long)s->units);
    return expect_shape(call, W, nn_shape3(d, g, s->features)) &&
           expect_shape(call, R, nn_shape3(d, g, s->units)) &&
           expect_shape(call, B, nn_shape2(d, 2 * g)) &&
           expect_shape(call, LENGTHS, nn_shape1(s->batch)) &&
           expect_shape(call, INITIAL_H, state) && expect_shape(call, INITIAL_C, state) &&
           expect_shape(call, PEEPHOLES, nn_shape2(d, 3 * s->units)) && !onnx_failed(call);
}

static bool read_activations(onnx_call *call, const recurrent_sizes *s, int direction,
                             nn_squash squash[3])
{
    static const char *const names[] = {"Sigmoid", "Tanh", "Relu"};
    static const nn_squash kinds[] = {NN_SQUASH_SIGMOID, NN_SQUASH_TANH, NN_SQUASH_RELU};
    int each = s->kind + 1;
    if (!onnx_given(call, "activations"))
        return true;
    if (!onnx_text_at(call, "activations", each * s->directions - 1)[0])
        onnx_refuse(call, "activations: %d are expected", each * s->directions);
    for (int i = 0; i < each && !onnx_failed(call); i++) {
        const char *word = onnx_text_at(call, "activations", direction * each + i);
        int k = 0;
        while (k < 3 && strcasecmp(word, names[k]) != 0)
            k++;
        if (k == 3)
            onnx_refuse(call, "activation '%.30s': this engine has Sigmoid, Tanh and Relu here",
                        word);
        else
            squash[i] = kinds[k];
    }
    return !onnx_failed(call);
}

static bool read_args(onnx_call *call, const recurrent_sizes *s, int direction,
                      nn_recurrent_args *args)
{
    *args = (nn_recurrent_args){.states = NN_STATES_ALL,
                                .reverse = s->reversed || direction == 1,
                                .reset_after = onnx_int(call, "linear_before_reset") != 0,
                                .clip = onnx_float(call, "clip")};
    if (onnx_int(call, "input_forget") != 0)
        onnx_refuse(call, "input_forget 1 (coupled gates) is not in this engine");
    if (onnx_given(call, "activation_alpha") || onnx_given(call, "activation_beta"))
        onnx_refuse(call, "activation_alpha and activation_beta have no use here");
    return !onnx_failed(call) && read_activations(call, s, direction, args->activation);
}

/* --- parameters ---------------------------------------------------------------------------------
 */

/* Of the gates of one direction of input i: gate k of the engine is gate order[k] of ONNX. The
 * gates are rows of `size` numbers, `skip` numbers behind the direction's start. */
static nn_node *gates_of(onnx_call *call, int i, int direction, const int *order, int gates,
                         int64_t size, int64_t stride, int64_t skip, nn_shape shape)
{
    int64_t first[ONNX_BLOCKS];
    if (!onnx_has(call, i))
        return NULL;
    for (int k = 0; k < gates; k++)
        first[k] = direction * stride + skip + order[k] * size;
    return onnx_weight_blocks(call, i, first, size, shape);
}

static nn_node *state_of(onnx_call *call, const recurrent_sizes *s, nn_node *states, int direction)
{
    if (!states)
        return NULL;
    nn_node *one = nn_slice_axis(onnx_graph(call), states, 0, direction, 1);
    return nn_reshape(onnx_graph(call), one, nn_shape1(s->units));
}

typedef struct {
    nn_node *x, *lengths, *h, *c;
} shared_inputs;

static nn_node *run_direction(onnx_call *call, const recurrent_sizes *s, shared_inputs shared,
                              int direction)
{
    static const int orders[3][4] = {{0}, {1, 0, 2}, {0, 2, 3, 1}}; /* ONNX: zrh, iofc */
    static const int peephole_order[] = {0, 2, 1};                  /* ONNX: iof */
    const int *order = orders[s->kind];
    int64_t u = s->units, g = s->gates * u;
    nn_recurrent_args args;
    if (!read_args(call, s, direction, &args))
        return NULL;
    nn_recurrent_inputs in = {
        .x = shared.x,
        .lengths = shared.lengths,
        .weight_ih = gates_of(call, W, direction, order, s->gates, u * s->features, g * s->features,
                              0, nn_shape2(g, s->features)),
        .weight_hh =
            gates_of(call, R, direction, order, s->gates, u * u, g * u, 0, nn_shape2(g, u)),
        .bias_ih = gates_of(call, B, direction, order, s->gates, u, 2 * g, 0, nn_shape1(g)),
        .bias_hh = gates_of(call, B, direction, order, s->gates, u, 2 * g, g, nn_shape1(g)),
        .h = state_of(call, s, shared.h, direction),
        .c = state_of(call, s, shared.c, direction),
        .peepholes =
            gates_of(call, PEEPHOLES, direction, peephole_order, 3, u, 3 * u, 0, nn_shape1(3 * u)),
    };
    if (onnx_failed(call))
        return NULL;
    nn_graph *graph = onnx_graph(call);
    return s->kind == RNN   ? nn_rnn(graph, in, args)
           : s->kind == GRU ? nn_gru(graph, in, args)
                            : nn_lstm(graph, in, args);
}

/* --- outputs ------------------------------------------------------------------------------------
 */

/* Of one direction: every h, (steps,1,u); the last h and, LSTM, the last c, (1,u). */
typedef struct {
    nn_node *steps, *last, *cell;
} direction_states;

static direction_states take_apart(onnx_call *call, const recurrent_sizes *s, nn_node *all)
{
    nn_graph *graph = onnx_graph(call);
    bool lstm = s->kind == LSTM;
    nn_node *h = lstm ? nn_slice_axis(graph, all, 0, 0, 1) : all;
    nn_node *c = lstm ? nn_slice_axis(graph, all, 0, 1, 1) : NULL;
    int time = lstm ? 1 : 0;
    nn_shape one = nn_shape2(1, s->units);
    direction_states part = {
        .steps = nn_reshape(graph, nn_slice_axis(graph, h, time, 0, s->steps),
                            nn_shape3(s->steps, 1, s->units)),
        .last = nn_reshape(graph, nn_slice_axis(graph, h, time, s->steps, 1), one),
    };
    if (c)
        part.cell = nn_reshape(graph, nn_slice_axis(graph, c, time, s->steps, 1), one);
    return part;
}

static nn_node *join(onnx_call *call, nn_node *a, nn_node *b, int axis)
{
    return b ? nn_concat(onnx_graph(call), (nn_node *[]){a, b}, 2, axis) : a;
}

static void give_states(onnx_call *call, const recurrent_sizes *s, nn_node *all[2])
{
    direction_states a = take_apart(call, s, all[0]), b = {NULL, NULL, NULL};
    int64_t d = s->directions, n = s->batch, u = s->units;
    if (d == 2)
        b = take_apart(call, s, all[1]);
    nn_shape y = s->batch_first ? nn_shape4(n, s->steps, d, u) : nn_shape4(s->steps, d, n, u);
    nn_shape state = s->batch_first ? nn_shape3(n, d, u) : nn_shape3(d, n, u);
    onnx_give_rows(call, 0, join(call, a.steps, b.steps, 1), ONNX_FLOAT, y, s->batch_first ? 0 : 2);
    onnx_give_rows(call, 1, join(call, a.last, b.last, 0), ONNX_FLOAT, state,
                   s->batch_first ? 0 : 1);
    if (s->kind == LSTM)
        onnx_give_rows(call, 2, join(call, a.cell, b.cell, 0), ONNX_FLOAT, state,
                       s->batch_first ? 0 : 1);
}

static void build_recurrent(onnx_call *call)
{
    recurrent_sizes s;
    nn_node *all[2] = {NULL, NULL};
    if (!read_sizes(call, &s))
        return;
    shared_inputs shared = {.x = onnx_rows(call, X, s.batch_first ? 0 : 1)};
    if (onnx_has(call, LENGTHS))
        shared.lengths = onnx_row_indices(call, LENGTHS);
    if (onnx_has(call, INITIAL_H))
        shared.h = onnx_rows(call, INITIAL_H, s.batch_first ? 0 : 1);
    if (onnx_has(call, INITIAL_C))
        shared.c = onnx_rows(call, INITIAL_C, s.batch_first ? 0 : 1);
    for (int d = 0; d < s.directions; d++) {
        all[d] = run_direction(call, &s, shared, d);
        if (!all[d])
            return;
    }
    give_states(call, &s, all);
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define RECURRENT                                                                                  \
    {"activations", ONNX_A_TEXTS, 0, NULL}, {"activation_alpha", ONNX_A_FLOATS, 0, NULL},          \
        {"activation_beta", ONNX_A_FLOATS, 0, NULL}, {"clip", ONNX_A_FLOAT, 0, NULL},              \
        {"direction", ONNX_A_TEXT, 0, "forward"}, {"hidden_size", ONNX_A_INT, 0, NULL},            \
    {                                                                                              \
        "layout", ONNX_A_INT, 0, NULL                                                              \
    }

static const onnx_attribute_spec rnn_attributes[] = {RECURRENT, {.name = NULL}};
static const onnx_attribute_spec gru_attributes[] = {
    RECURRENT, {"linear_before_reset", ONNX_A_INT, 0, NULL}, {.name = NULL}};
static const onnx_attribute_spec lstm_attributes[] = {
    RECURRENT, {"input_forget", ONNX_A_INT, 0, NULL}, {.name = NULL}};

const onnx_operator onnx_recurrent_operators[] = {
    {.name = "RNN",
     .inputs = "X W R B? sequence_lens? initial_h?",
     .outputs = "Y Y_h",
     .attributes = rnn_attributes,
     .build = build_recurrent,
     .variant = RNN},
    {.name = "GRU",
     .inputs = "X W R B? sequence_lens? initial_h?",
     .outputs = "Y Y_h",
     .attributes = gru_attributes,
     .build = build_recurrent,
     .variant = GRU},
    {.name = "LSTM",
     .inputs = "X W R B? sequence_lens? initial_h? initial_c? P?",
     .outputs = "Y Y_h Y_c",
     .attributes = lstm_attributes,
     .build = build_recurrent,
     .variant = LSTM},
    {.name = NULL},
};
