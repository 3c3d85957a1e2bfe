/* Recurrent layers against cells composed of primitive operators, the engine built in double: the
 * same parameters, the same loss, the same gradients. And what the layers promise. */
#include "engine/elementwise.h"
#include "engine/exec.h"
#include "engine/recurrent.h"
#include "engine/rng.h"
#include "engine/shapes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 5, STEPS = 4, FEATURES = 3, UNITS = 2 };

typedef enum { RNN, GRU, LSTM } kind;
typedef struct {
    kind kind;
    bool reverse, lengths, states, reset_after, update_takes_new, peepholes;
} setting;

/* One model, and a graph over it. */
typedef struct {
    setting how;
    nn_model *model;
    nn_graph *graph;
    nn_node *x, *start, *lengths, *mask; /* inputs */
    nn_node *features, *h, *c;           /* with gradients behind them */
    nn_node *loss;
} net;

static nn_node *learned(net *n, const char *name, nn_node *x, int in, int out)
{
    nn_error error;
    nn_param *w = nn_model_param(n->model, name, nn_shape2(out, in), NN_INIT_XAVIER, 1, &error);
    return nn_linear(n->graph, x, nn_use(n->graph, w), NULL);
}

static net net_new(nn_model *model, setting how)
{
    net n = {.how = how, .model = model, .graph = nn_graph_new(model)};
    n.x = nn_input(n.graph, "x", NN_F, nn_shape2(STEPS, FEATURES));
    n.start = nn_input(n.graph, "start", NN_F, nn_shape1(UNITS));
    n.lengths = nn_input(n.graph, "lengths", NN_I32, nn_shape_of(0, NULL));
    n.mask = nn_input(n.graph, "mask", NN_F, nn_shape1(STEPS));
    n.features = learned(&n, "before", n.x, FEATURES, FEATURES);
    n.h = learned(&n, "before_h", n.start, UNITS, UNITS);
    n.c = learned(&n, "before_c", n.start, UNITS, UNITS);
    return n;
}

/* A loss that tells all steps and states apart. */
static void finish(net *n, nn_node *steps, nn_node *h, nn_node *c)
{
    nn_graph *g = n->graph;
    nn_node *parts[] = {nn_flatten(g, steps), h, c};
    int wide = (STEPS + 1 + (c != NULL)) * UNITS;
    nn_node *all = nn_concat(g, parts, c ? 3 : 2, 0);
    nn_node *mixed = learned(n, "after", all, wide, 3);
    n->loss = nn_mean(g, nn_mul(g, mixed, mixed));
}

/* --- the fused operators ------------------------------------------------------------------- */

typedef nn_node *layer_builder(nn_graph *graph, const char *name, nn_node *x, int units,
                               nn_recurrent_layer_args args);
static layer_builder *const builder[] = {nn_rnn_layer, nn_gru_layer, nn_lstm_layer};

static net fused(nn_model *model, setting how)
{
    net n = net_new(model, how);
    nn_recurrent_states before = {{n.h}, {how.kind == LSTM ? n.c : NULL}}, after;
    nn_recurrent_layer_args args = {.lengths = how.lengths ? n.lengths : NULL,
                                    .initial = how.states ? &before : NULL,
                                    .final = &after,
                                    .peepholes = how.peepholes};
    args.cell = (nn_recurrent_args){.reverse = how.reverse,
                                    .reset_after = how.reset_after,
                                    .update_takes_new = how.update_takes_new};
    nn_node *steps = builder[how.kind](n.graph, "cell", n.features, UNITS, args);
    finish(&n, steps, after.h[0], after.c[0]);
    return n;
}

/* --- the same of primitives ---------------------------------------------------------------- */

static nn_node *use(net *n, const char *name)
{
    return nn_use(n->graph, nn_model_find(n->model, name));
}

static nn_node *gate(net *n, nn_node *all, int i)
{
    return nn_slice_axis(n->graph, all, 0, (int64_t)i * UNITS, UNITS);
}

static nn_node *from_input(net *n, nn_node *x)
{
    return nn_linear(n->graph, x, use(n, "cell.weight_ih_l0"), use(n, "cell.bias_ih_l0"));
}

static nn_node *from_state(net *n, nn_node *h)
{
    return nn_linear(n->graph, h, use(n, "cell.weight_hh_l0"), use(n, "cell.bias_hh_l0"));
}

/* a + share (b - a) */
static nn_node *between(nn_graph *g, nn_node *a, nn_node *b, nn_node *share)
{
    return nn_add(g, a, nn_mul(g, share, nn_sub(g, b, a)));
}

static nn_node *rnn_step(net *n, nn_node *x, nn_node *h)
{
    return nn_tanh(n->graph, nn_add(n->graph, from_input(n, x), from_state(n, h)));
}

static nn_node *gru_step(net *n, nn_node *x, nn_node *h)
{
    nn_graph *g = n->graph;
    nn_node *own = from_input(n, x), *other = from_state(n, h), *both = nn_add(g, own, other);
    nn_node *r = nn_sigmoid(g, gate(n, both, 0)), *z = nn_sigmoid(g, gate(n, both, 1));
    nn_node *state = n->how.reset_after ? nn_mul(g, r, gate(n, other, 2))
                                        : gate(n, from_state(n, nn_mul(g, r, h)), 2);
    nn_node *fresh = nn_tanh(g, nn_add(g, gate(n, own, 2), state));
    return n->how.update_takes_new ? between(g, h, fresh, z) : between(g, fresh, h, z);
}

static nn_node *peep(net *n, nn_node *z, nn_node *c, int i)
{
    nn_node *thrice[] = {c, c, c};
    if (!n->how.peepholes)
        return z;
    nn_node *weighed =
        nn_mul(n->graph, nn_concat(n->graph, thrice, 3, 0), use(n, "cell.peepholes_l0"));
    return nn_add(n->graph, z, gate(n, weighed, i));
}

static nn_node *lstm_step(net *n, nn_node *x, nn_node *h, nn_node *c, nn_node **memory)
{
    nn_graph *g = n->graph;
    nn_node *z = nn_add(g, from_input(n, x), from_state(n, h));
    nn_node *i = nn_sigmoid(g, peep(n, gate(n, z, 0), c, 0));
    nn_node *f = nn_sigmoid(g, peep(n, gate(n, z, 1), c, 1));
    nn_node *fresh = nn_mul(g, i, nn_tanh(g, gate(n, z, 2)));
    *memory = nn_add(g, nn_mul(g, f, c), fresh);
    nn_node *o = nn_sigmoid(g, peep(n, gate(n, z, 3), *memory, 2));
    return nn_mul(g, o, nn_tanh(g, *memory));
}

static net composed(nn_model *model, setting how)
{
    net n = net_new(model, how);
    nn_graph *g = n.graph;
    nn_node *zero = nn_affine(g, n.start, 0, 0), *out[STEPS];
    nn_node *h = how.states ? n.h : zero, *c = how.states ? n.c : zero;
    for (int s = 0; s < STEPS; s++) {
        int t = how.reverse ? STEPS - 1 - s : s;
        nn_node *x = nn_reshape(g, nn_slice_axis(g, n.features, 0, t, 1), nn_shape1(FEATURES));
        nn_node *memory = NULL, *next = how.kind == RNN   ? rnn_step(&n, x, h)
                                        : how.kind == GRU ? gru_step(&n, x, h)
                                                          : lstm_step(&n, x, h, c, &memory);
        nn_node *on = nn_slice_axis(g, n.mask, 0, t, 1);
        out[t] = how.lengths ? nn_mul(g, next, on) : next;
        h = how.lengths ? between(g, h, next, on) : next;
        if (memory)
            c = how.lengths ? between(g, c, memory, on) : memory;
    }
    finish(&n, nn_concat(g, out, STEPS, 0), h, how.kind == LSTM ? c : NULL);
    return n;
}

/* --- comparing ----------------------------------------------------------------------------- */

static const int32_t lengths[ROWS] = {4, 1, 0, 3, 2};

static void feed(const net *n, nn_exec *exec)
{
    nn_real *x = nn_exec_feed(exec, n->x), *start = nn_exec_feed(exec, n->start);
    nn_real *mask = nn_exec_feed(exec, n->mask);
    int32_t *length = nn_exec_feed(exec, n->lengths);
    for (uint32_t i = 0; x && i < ROWS * STEPS * FEATURES; i++)
        x[i] = nn_normal_at(3, 1, 0, i);
    for (uint32_t i = 0; start && i < ROWS * UNITS; i++)
        start[i] = nn_normal_at(3, 2, 0, i);
    for (int i = 0; length && i < ROWS; i++)
        length[i] = lengths[i];
    for (int i = 0; mask && i < ROWS * STEPS; i++)
        mask[i] = i % STEPS < lengths[i / STEPS];
}

static nn_exec *run(const net *n, int shards, double *loss)
{
    nn_error error = {NN_OK, ""};
    nn_exec_args args = {.batch = ROWS, .shards = shards, .training = true};
    nn_exec *exec = nn_compile(n->graph, n->loss, NULL, 0, NULL, args, &error);
    if (!exec)
        fail_msg("%s", error.text);
    feed(n, exec);
    *loss = nn_forward(exec);
    assert_int_equal(nn_backward(exec, NULL), NN_OK);
    return exec;
}

/* Everything random, biases and peepholes too. */
static void scatter(nn_model *model)
{
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        for (int64_t k = 0; k < nn_shape_count(nn_param_shape(param)); k++)
            nn_param_data(param)[k] += 0.3 * nn_normal_at(9, (uint32_t)i, 0, (uint32_t)k);
    }
}

static void compare(setting how, int shards)
{
    nn_model *model = nn_model_new(5);
    net a = fused(model, how);
    scatter(model);
    net b = composed(model, how);
    double expected, loss;
    nn_exec *first = run(&a, shards, &loss), *second = run(&b, 1, &expected);
    if (!(fabs(loss - expected) <= 1e-13))
        fail_msg("cell %d: loss %.17g, composed %.17g", (int)how.kind, loss, expected);
    int compared = 0;
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        const nn_real *got = nn_param_gradient(first, param);
        const nn_real *wanted = nn_param_gradient(second, param);
        assert_true((got == NULL) == (wanted == NULL));
        for (int64_t k = 0; got && k < nn_shape_count(nn_param_shape(param)); k++, compared++)
            if (!(fabs(got[k] - wanted[k]) <= 1e-12 * (1 + fabs(wanted[k]))))
                fail_msg("cell %d: gradient of %s[%d] %.15g, composed %.15g", (int)how.kind,
                         nn_param_name(param), (int)k, got[k], wanted[k]);
    }
    assert_true(compared > 30);
    nn_exec_free(first);
    nn_exec_free(second);
    nn_graph_free(a.graph);
    nn_graph_free(b.graph);
    nn_model_free(model);
}

static void operators_equal_composed_cells(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++) {
        setting how = {.reverse = bits & 1, .lengths = bits & 2, .states = bits & 4};
        int shards = bits % 3 + 1;
        how.kind = RNN;
        compare(how, shards);
        how.kind = GRU;
        for (int form = 0; form < 4; form++) {
            how.reset_after = form & 1;
            how.update_takes_new = form & 2;
            compare(how, shards);
        }
        how.kind = LSTM;
        compare(how, shards);
        how.peepholes = true;
        compare(how, shards);
    }
}

/* --- what layers promise ------------------------------------------------------------------- */

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_node *x, *lengths;
} bench;

static bench bench_new(int steps)
{
    bench b = {.model = nn_model_new(7)};
    b.graph = nn_graph_new(b.model);
    b.x = nn_input(b.graph, "x", NN_F, nn_shape2(steps, FEATURES));
    b.lengths = nn_input(b.graph, "lengths", NN_I32, nn_shape_of(0, NULL));
    return b;
}

static void bench_free(bench *b)
{
    nn_graph_free(b->graph);
    nn_model_free(b->model);
}

/* An evaluation plan of the nodes' values. */
static nn_exec *values(bench *b, nn_node *root, nn_node **also, int count)
{
    nn_error error = {NN_OK, ""};
    nn_exec *exec =
        nn_compile(b->graph, root, also, count, NULL, (nn_exec_args){.batch = ROWS}, &error);
    if (!exec)
        fail_msg("%s", error.text);
    nn_real *x = nn_exec_feed(exec, b->x);
    int32_t *length = nn_exec_feed(exec, b->lengths);
    int64_t row = nn_shape_row(nn_node_shape(b->x));
    for (uint32_t i = 0; x && i < ROWS * row; i++)
        x[i] = nn_normal_at(3, 1, 0, i);
    for (int i = 0; length && i < ROWS; i++)
        length[i] = lengths[i];
    return exec;
}

static double value_at(const nn_exec *exec, const nn_node *node, int64_t i)
{
    return ((const nn_real *)nn_value(exec, node).data)[i];
}

static void names_and_sizes_are_pytorchs(void **state)
{
    (void)state;
    static const int gates[] = {1, 3, 4};
    for (int k = RNN; k <= LSTM; k++) {
        bench b = bench_new(STEPS);
        nn_recurrent_layer_args args = {.layers = 2, .bidirectional = true};
        nn_node *out = builder[k](b.graph, "r", b.x, UNITS, args);
        assert_non_null(out);
        assert_string_equal(nn_node_name(out), "r");
        assert_true(nn_shape_equal(nn_node_shape(out), nn_shape3(NN_BATCH, STEPS, 2 * UNITS)));
        int g = gates[k] * UNITS;
        /* torch.nn.LSTM(3, 2, num_layers=2, bidirectional=True) */
        assert_int_equal(nn_model_parameters(b.model),
                         2 * (g * (FEATURES + UNITS + 2)) + 2 * (g * (2 * UNITS + UNITS + 2)));
        nn_param *upper = nn_model_find(b.model, "r.weight_ih_l1_reverse");
        assert_non_null(upper);
        assert_true(nn_shape_equal(nn_param_shape(upper), nn_shape2(g, 2 * UNITS)));
        assert_non_null(nn_model_find(b.model, "r.bias_hh_l0"));
        bench_free(&b);
    }
}

static void beginnings(void **state)
{
    (void)state;
    enum { U = 6 };
    bench b = bench_new(STEPS);
    nn_recurrent_layer_args args = {.forget_bias = 1};
    assert_non_null(nn_lstm_layer(b.graph, "r", b.x, U, args));
    const nn_real *w = nn_param_values(nn_model_find(b.model, "r.weight_hh_l0"));
    for (int g = 0; g < 4; g++, w += U * U)
        for (int i = 0; i < U * U; i++) {
            double product = 0;
            for (int j = 0; j < U; j++)
                product += w[i / U * U + j] * w[i % U * U + j];
            assert_true(fabs(product - (i / U == i % U)) < 1e-12);
        }
    const nn_real *bias = nn_param_values(nn_model_find(b.model, "r.bias_ih_l0"));
    for (int i = 0; i < 4 * U; i++)
        assert_true(bias[i] == (i / U == 1));
    /* A second graph over the model finds the weights as they are. */
    nn_param_data(nn_model_find(b.model, "r.weight_hh_l0"))[0] = 42;
    nn_graph *again = nn_graph_new(b.model);
    nn_node *x = nn_input(again, "x", NN_F, nn_shape1(FEATURES));
    assert_non_null(nn_lstm_layer(again, "r", x, U, args));
    assert_true(nn_param_values(nn_model_find(b.model, "r.weight_hh_l0"))[0] == 42);
    nn_graph_free(again);
    bench_free(&b);
}

/* Both directions are the two single ones side by side, each with its own weights. */
static void directions_stand_side_by_side(void **state)
{
    (void)state;
    bench b = bench_new(STEPS);
    nn_recurrent_states after;
    nn_recurrent_layer_args args = {.bidirectional = true, .lengths = b.lengths, .final = &after};
    nn_node *both = nn_lstm_layer(b.graph, "r", b.x, UNITS, args);
    nn_recurrent_inputs in = {.x = b.x, .lengths = b.lengths};
    nn_node *way[2];
    for (int d = 0; d < 2; d++) {
        char name[4][40];
        const char *what[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        nn_node *part[4];
        for (int k = 0; k < 4; k++) {
            snprintf(name[k], sizeof name[k], "r.%s_l0%s", what[k], d ? "_reverse" : "");
            part[k] = nn_use(b.graph, nn_model_find(b.model, name[k]));
        }
        in.weight_ih = part[0], in.weight_hh = part[1], in.bias_ih = part[2], in.bias_hh = part[3];
        way[d] = nn_lstm(b.graph, in, (nn_recurrent_args){.reverse = d == 1});
    }
    nn_node *also[] = {way[0], way[1], after.h[0], after.h[1]};
    nn_exec *exec = values(&b, both, also, 4);
    nn_forward(exec);
    for (int64_t i = 0; i < ROWS * STEPS * 2 * UNITS; i++) {
        int64_t cell = i / (2 * UNITS), j = i % (2 * UNITS);
        double expected = value_at(exec, way[j / UNITS], cell * UNITS + j % UNITS);
        assert_true(value_at(exec, both, i) == expected);
        if (cell % STEPS >= lengths[cell / STEPS])
            assert_true(expected == 0);
    }
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t j = 0; j < UNITS; j++) {
            int64_t end = lengths[r] > 0 ? (r * STEPS + lengths[r] - 1) * UNITS + j : -1;
            int64_t begin = r * STEPS * UNITS + j;
            double last = end < 0 ? 0 : value_at(exec, way[0], end);
            double first = lengths[r] > 0 ? value_at(exec, way[1], begin) : 0;
            assert_true(value_at(exec, after.h[0], r * UNITS + j) == last);
            assert_true(value_at(exec, after.h[1], r * UNITS + j) == first);
        }
    nn_exec_free(exec);
    bench_free(&b);
}

/* What stands behind an example's end changes nothing; an impossible length makes it NaN alone. */
static void lengths_end_examples(void **state)
{
    (void)state;
    for (int k = RNN; k <= LSTM; k++) {
        bench b = bench_new(STEPS);
        nn_recurrent_layer_args args = {.bidirectional = true, .layers = 2, .lengths = b.lengths};
        nn_node *out = builder[k](b.graph, "r", b.x, UNITS, args);
        nn_exec *exec = values(&b, out, NULL, 0);
        enum { COUNT = ROWS * STEPS * 2 * UNITS, ROW = STEPS * 2 * UNITS };
        double before[COUNT];
        nn_forward(exec);
        for (int i = 0; i < COUNT; i++)
            before[i] = value_at(exec, out, i);
        nn_real *x = nn_exec_feed(exec, b.x);
        for (int i = 0; i < ROWS * STEPS * FEATURES; i++)
            if (i / FEATURES % STEPS >= lengths[i / (STEPS * FEATURES)])
                x[i] = NAN;
        nn_forward(exec);
        for (int i = 0; i < COUNT; i++)
            assert_true(value_at(exec, out, i) == before[i]);
        for (int wrong = 0; wrong < 2; wrong++) {
            int32_t *length = nn_exec_feed(exec, b.lengths);
            length[3] = wrong ? STEPS + 1 : -1;
            nn_forward(exec);
            for (int i = 0; i < COUNT; i++)
                assert_true(i / ROW == 3 ? isnan(value_at(exec, out, i))
                                         : value_at(exec, out, i) == before[i]);
        }
        nn_exec_free(exec);
        bench_free(&b);
    }
}

/* Step by step with states handed on, as a decoder does, is the sequence. */
static void steps_make_the_sequence(void **state)
{
    (void)state;
    for (int k = RNN; k <= LSTM; k++) {
        bench b = bench_new(STEPS);
        nn_recurrent_states before = {{NULL}, {NULL}}, after;
        nn_recurrent_layer_args args = {.layers = 2, .final = &after, .initial = &before};
        nn_node *whole = builder[k](b.graph, "r", b.x, UNITS, args);
        nn_node *end = after.h[1], *also[STEPS + 1] = {end};
        before = (nn_recurrent_states){{NULL}, {NULL}};
        for (int t = 0; t < STEPS; t++) {
            nn_node *x =
                nn_reshape(b.graph, nn_slice_axis(b.graph, b.x, 0, t, 1), nn_shape1(FEATURES));
            also[t + 1] = builder[k](b.graph, "r", x, UNITS, args);
            before = after;
        }
        nn_exec *exec = values(&b, whole, also, STEPS + 1);
        nn_forward(exec);
        for (int64_t i = 0; i < ROWS * STEPS * UNITS; i++) {
            int64_t r = i / (STEPS * UNITS), t = i / UNITS % STEPS, j = i % UNITS;
            double step = value_at(exec, also[t + 1], r * UNITS + j);
            assert_true(fabs(value_at(exec, whole, i) - step) < 1e-14);
            if (t == STEPS - 1)
                assert_true(value_at(exec, end, r * UNITS + j) == value_at(exec, whole, i));
        }
        nn_exec_free(exec);
        bench_free(&b);
    }
}

static void refused(bench *b, nn_node *node, const char *part)
{
    nn_error error = {NN_OK, ""};
    assert_null(node);
    nn_graph_error(b->graph, &error);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" lacks \"%s\"", error.text, part);
    bench_free(b);
    *b = bench_new(STEPS);
}

static void refusals_name_the_fault(void **state)
{
    (void)state;
    bench b = bench_new(STEPS);
    nn_recurrent_layer_args none = {0};
    refused(&b, nn_lstm_layer(b.graph, "r", b.x, 0, none), "lstm layer 'r': 0 units");
    refused(&b, nn_lstm_layer(b.graph, "", b.x, 2, none), "name ''");
    refused(&b, nn_lstm_layer(b.graph, "r", b.lengths, 2, none), "(batch, steps, features)");
    refused(&b, nn_gru_layer(b.graph, "r", b.x, 2, (nn_recurrent_layer_args){.layers = 17}),
            "17 layers");
    refused(&b, nn_gru_layer(b.graph, "r", b.x, 2, (nn_recurrent_layer_args){.dropout = 1}),
            "dropout 1");
    refused(&b, nn_gru_layer(b.graph, "r", b.x, 2, (nn_recurrent_layer_args){.peepholes = true}),
            "LSTM alone");
    refused(&b, nn_rnn_layer(b.graph, "r", b.x, 2, (nn_recurrent_layer_args){.cell.clip = -1}),
            "clip -1");
    refused(&b,
            nn_rnn_layer(b.graph, "r", b.x, 2,
                         (nn_recurrent_layer_args){.cell.reverse = true, .bidirectional = true}),
            "choose one");
    refused(&b, nn_rnn_layer(b.graph, "r", b.x, 2, (nn_recurrent_layer_args){.lengths = b.x}),
            "lengths 'x'");
    nn_recurrent_states wrong = {{nn_flatten(b.graph, b.x)}, {NULL}};
    refused(&b, nn_rnn_layer(b.graph, "r", b.x, 2, (nn_recurrent_layer_args){.initial = &wrong}),
            "initial state");
    nn_error error;
    nn_recurrent_inputs in = {.x = b.x};
    in.weight_ih = nn_use(
        b.graph, nn_model_param(b.model, "w", nn_shape2(4, FEATURES), NN_INIT_ZEROS, 1, &error));
    in.weight_hh =
        nn_use(b.graph, nn_model_param(b.model, "r", nn_shape2(5, 1), NN_INIT_ZEROS, 1, &error));
    refused(&b, nn_lstm(b.graph, in, (nn_recurrent_args){0}), "state weight 'r' is 5x1");
    assert_null(nn_lstm_layer(b.graph, "r", NULL, 2, none));
    assert_null(nn_lstm_layer(NULL, "r", b.x, 2, none));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_equal_composed_cells),
        cmocka_unit_test(names_and_sizes_are_pytorchs),
        cmocka_unit_test(beginnings),
        cmocka_unit_test(directions_stand_side_by_side),
        cmocka_unit_test(lengths_end_examples),
        cmocka_unit_test(steps_make_the_sequence),
        cmocka_unit_test(refusals_name_the_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
