/* Cases of recurrent networks (chapters 39-42, and 46 without attention). In the notes a sequence
 * is (steps, features, examples) and a column is an example; ours are (examples, steps, features).
 * The notes keep one matrix a gate, state columns before input columns; ours lie as PyTorch's. */
#include "engine/recurrent.h"
#include "tests/golden_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- turning sequences and columns --------------------------------------------------------------
 */

/* (a,b,c) to (c,a,b), and back. */
static golden_array examples_first(golden_case *c, golden_array x)
{
    int64_t steps = x.shape.dim[0], wide = x.shape.dim[1], examples = x.shape.dim[2];
    golden_array y = golden_new(c, nn_shape3(examples, steps, wide));
    for (int64_t i = 0; i < x.count; i++)
        y.data[i % examples * steps * wide + i / examples] = x.data[i];
    return y;
}

static golden_array examples_last(golden_case *c, golden_array x)
{
    int64_t examples = x.shape.dim[0], steps = x.shape.dim[1], wide = x.shape.dim[2];
    golden_array y = golden_new(c, nn_shape3(steps, wide, examples));
    for (int64_t i = 0; i < y.count; i++)
        y.data[i] = x.data[i % examples * steps * wide + i / examples];
    return y;
}

static golden_array turned(golden_case *c, golden_array a, bool in)
{
    if (a.shape.rank == 3)
        return in ? examples_first(c, a) : examples_last(c, a);
    return golden_transposed(c, a);
}

/* An input of the case as a batch that has a gradient. */
static nn_node *batch(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    return golden_batch(net, name, turned(c, golden_in(c, name), true));
}

static nn_node *weight(golden_net *net, const char *name)
{
    golden_array value = golden_in(golden_net_case(net), name);
    return golden_weight(net, name, value, value.shape);
}

static nn_node *vector(golden_net *net, const char *name)
{
    golden_array value = golden_in(golden_net_case(net), name);
    return golden_weight(net, name, value, nn_shape1(value.count));
}

static void out_turned(golden_net *net, const char *name, golden_array value)
{
    golden_case *c = golden_net_case(net);
    golden_out(c, name, turned(c, value, false));
}

/* "grad_<name>" of batches, as they were given. */
static void out_batch_gradients(golden_net *net, const char *names)
{
    char name[NN_NAME_MAX], out[NN_NAME_MAX + 8];
    for (int used = 0; sscanf(names, "%63s%n", name, &used) == 1; names += used) {
        snprintf(out, sizeof out, "grad_%s", name);
        out_turned(net, out, golden_gradient(net, name));
    }
}

static golden_array upstream(golden_case *c, const char *name)
{
    return turned(c, golden_in(c, name), true);
}

static int64_t examples_of(golden_case *c, const char *name)
{
    golden_array a = golden_in(c, name);
    return a.shape.dim[a.shape.rank - 1];
}

/* --- softmax and its loss over rows of logits ---------------------------------------------------
 */

typedef struct {
    double loss;            /* the sum over all rows */
    golden_array d, shares; /* gradient of the logits; softmax */
} likelihood;

/* The gradient of -ln p[label] is p less 1 at the label, which gives p as well. */
static likelihood likelihood_of(golden_case *c, golden_array logits, golden_array labels)
{
    int64_t classes = logits.shape.dim[logits.shape.rank - 1], rows = logits.count / classes;
    golden_net *net = golden_net_new(c, rows);
    nn_graph *g = golden_graph(net);
    golden_array flat = golden_like(c, nn_shape2(rows, classes), logits);
    golden_array whole = golden_like(c, nn_shape1(rows), labels);
    nn_node *each = nn_softmax_cross_entropy(g, golden_batch(net, "logits", flat),
                                             golden_labels(net, "labels", whole));
    likelihood l = {.loss = golden_run(net, golden_sum(net, each, NULL))};
    golden_array d = golden_gradient(net, "logits");
    l.d = golden_like(c, logits.shape, d);
    l.shares = golden_new(c, logits.shape);
    for (int64_t i = 0; i < d.count; i++)
        l.shares.data[i] = d.data[i] + (i % classes == (int64_t)whole.data[i / classes]);
    return l;
}

static golden_array softmax_of(golden_case *c, golden_array logits)
{
    int64_t classes = logits.shape.dim[logits.shape.rank - 1];
    return likelihood_of(c, logits, golden_new(c, nn_shape1(logits.count / classes))).shares;
}

static void softmax_columns(golden_case *c)
{
    golden_array shares = softmax_of(c, upstream(c, "x"));
    golden_out(c, "", golden_transposed(c, shares));
}

/* --- chapters 39 and 40 -------------------------------------------------------------------------
 */

static nn_node *plain_rnn(golden_net *net, const char *x, const char *state, nn_states states)
{
    nn_recurrent_inputs in = {.x = batch(net, x),
                              .weight_ih = weight(net, "Wax"),
                              .weight_hh = weight(net, "Waa"),
                              .bias_ih = vector(net, "ba"),
                              .h = batch(net, state)};
    nn_node *node = nn_rnn(golden_graph(net), in, (nn_recurrent_args){.states = states});
    golden_watch(net, node);
    return node;
}

static nn_node *read_out(golden_net *net, nn_node *x)
{
    nn_node *node = nn_linear(golden_graph(net), x, weight(net, "Wya"), vector(net, "by"));
    golden_watch(net, node);
    return node;
}

static void out_bias_gradient(golden_net *net, const char *name)
{
    char out[NN_NAME_MAX + 8];
    golden_case *c = golden_net_case(net);
    snprintf(out, sizeof out, "grad_%s", name);
    golden_out(c, out,
               golden_transposed(c, golden_like(c, nn_shape2(1, golden_in(c, name).count),
                                                golden_gradient(net, name))));
}

static void rnn_cell(golden_case *c)
{
    golden_array d = upstream(c, "d_a_next");
    golden_net *net = golden_net_new(c, examples_of(c, "xt"));
    nn_node *a = plain_rnn(net, "xt", "a_prev", NN_STATES_STEPS), *logits = read_out(net, a);
    golden_run(net, golden_sum(net, a, &d));
    out_turned(net, "a_next", golden_value(net, a));
    out_batch_gradients(net, "xt a_prev");
    golden_out_gradients(net, "Wax Waa");
    out_bias_gradient(net, "ba");
    out_turned(net, "yhat", softmax_of(c, golden_value(net, logits)));
}

/* Forward once for the logits and their gradient, then again with that as the upstream one. */
static void rnn_bptt(golden_case *c)
{
    golden_net *net = golden_net_new(c, examples_of(c, "x"));
    nn_node *a = plain_rnn(net, "x", "a0", NN_STATES_STEPS), *logits = read_out(net, a);
    golden_run(net, golden_sum(net, logits, NULL));
    golden_array labels = golden_transposed(c, golden_in(c, "labels"));
    likelihood l = likelihood_of(c, golden_value(net, logits), labels);
    golden_out_number(c, "loss", l.loss);
    out_turned(net, "a", golden_value(net, a));
    out_turned(net, "yhat", l.shares);
    net = golden_net_new(c, examples_of(c, "x"));
    logits = read_out(net, plain_rnn(net, "x", "a0", NN_STATES_STEPS));
    golden_run(net, golden_sum(net, logits, &l.d));
    golden_out_gradients(net, "Wax Waa Wya");
    out_bias_gradient(net, "ba");
    out_bias_gradient(net, "by");
    out_batch_gradients(net, "a0 x");
}

static golden_array identity(golden_case *c, int64_t n)
{
    golden_array eye = golden_new(c, nn_shape2(n, n));
    for (int64_t i = 0; i < n; i++)
        eye.data[i * n + i] = 1;
    return eye;
}

/* Rows of `x` through the same linear layer again and again. */
static golden_array linear_chain(golden_case *c, golden_array x, golden_array w, int times)
{
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_node *node = golden_batch(net, "x", x), *by = golden_weight(net, "W", w, w.shape);
    for (int t = 0; t < times; t++)
        node = nn_linear(golden_graph(net), node, by, NULL);
    golden_watch(net, node);
    golden_run(net, golden_sum(net, node, NULL));
    return golden_value(net, node);
}

/* The length of a large power of W is the radius to that power, times what the root makes 1.
 * 2^60 by squaring, scaled each time. */
static double spectral_radius(golden_case *c, golden_array w)
{
    double logarithm = 0, share = 1;
    golden_array p = golden_new(c, w.shape);
    int64_t n = w.shape.dim[0];
    memcpy(p.data, w.data, (size_t)w.count * sizeof *w.data);
    for (int k = 0; k < 60; k++, share /= 2) {
        double sum = 0;
        for (int64_t i = 0; i < p.count; i++)
            sum += p.data[i] * p.data[i];
        if (sum == 0)
            return 0;
        logarithm += share * log(sqrt(sum));
        for (int64_t i = 0; i < p.count; i++)
            p.data[i] /= sqrt(sum);
        golden_array square = golden_new(c, w.shape);
        for (int64_t i = 0; i < p.count; i++)
            for (int64_t j = 0; j < n; j++)
                square.data[i] += p.data[i / n * n + j] * p.data[j * n + i % n];
        p = square;
    }
    return exp(logarithm);
}

static void vanish_linear(golden_case *c)
{
    golden_array w = golden_in(c, "W");
    golden_array power =
        linear_chain(c, identity(c, w.shape.dim[0]), w, (int)golden_number(c, "T"));
    golden_out(c, "JT", golden_transposed(c, power));
    golden_out_number(c, "spectral_radius", spectral_radius(c, w));
}

static void many_to_one(golden_case *c)
{
    golden_net *net = golden_net_new(c, examples_of(c, "x"));
    nn_graph *g = golden_graph(net);
    golden_array w = golden_in(c, "w_out"), y = golden_in(c, "y");
    nn_node *last = plain_rnn(net, "x", "a0", NN_STATES_LAST);
    nn_node *out = golden_weight(net, "w_out", w, nn_shape2(1, w.count));
    nn_node *z = nn_linear(g, last, out, vector(net, "b_out")), *yhat = nn_sigmoid(g, z);
    golden_watch(net, yhat);
    nn_node *labels = golden_labels(net, "y", golden_like(c, nn_shape1(y.count), y));
    nn_node *loss = nn_mean(g, nn_sigmoid_cross_entropy(g, z, labels));
    golden_out_number(c, "loss", golden_run(net, loss));
    out_turned(net, "aT", golden_value(net, last));
    out_turned(net, "yhat", golden_value(net, yhat));
    golden_out_gradients(net, "Wax Waa");
    out_bias_gradient(net, "ba");
    golden_out(c, "grad_w_out", golden_transposed(c, golden_gradient(net, "w_out")));
    out_bias_gradient(net, "b_out");
}

/* Tokens fed back, one step at a time, each from the state of the one before. */
static void one_to_many(golden_case *c)
{
    enum { STEPS = 4 };
    golden_array state = upstream(c, "a0");
    int64_t words = golden_in(c, "Wax").shape.dim[1];
    int64_t token = (int64_t)golden_number(c, "start");
    golden_array tokens = golden_new(c, nn_shape1(STEPS));
    golden_array probs = golden_new(c, nn_shape2(STEPS, words));
    for (int t = 0; t < STEPS; t++) {
        golden_net *net = golden_net_new(c, 1);
        golden_array x = golden_new(c, nn_shape2(1, words));
        x.data[token] = 1;
        nn_recurrent_inputs in = {.x = golden_batch(net, "x", x),
                                  .weight_ih = weight(net, "Wax"),
                                  .weight_hh = weight(net, "Waa"),
                                  .bias_ih = vector(net, "ba"),
                                  .h = golden_batch(net, "a0", state)};
        nn_node *a = nn_rnn(golden_graph(net), in, (nn_recurrent_args){0});
        nn_node *logits = read_out(net, a);
        golden_watch(net, a);
        golden_run(net, golden_sum(net, logits, NULL));
        golden_array shares = softmax_of(c, golden_value(net, logits));
        memcpy(probs.data + t * words, shares.data, (size_t)words * sizeof(double));
        for (int64_t w = token = 0; w < words; w++)
            token = shares.data[w] > shares.data[token] ? w : token;
        tokens.data[t] = (double)token;
        state = golden_value(net, a);
    }
    golden_out(c, "tokens", tokens);
    golden_out(c, "probs", probs);
}

/* --- gates of the notes --------------------------------------------------------------------------
 */

/* Names of the gates' matrices and biases, in our order. */
typedef struct {
    int gates;
    const char *weight[4], *bias[4];
} gate_names;
static const gate_names gru_names = {3, {"Wr", "Wu", "Wc"}, {"br", "bu", "bc"}};
static const gate_names lstm_names = {4, {"Wu", "Wf", "Wc", "Wo"}, {"bu", "bf", "bc", "bo"}};

/* weight_ih, weight_hh and bias_ih from gates [first, first + count) of the notes. */
static void stack_gates(golden_net *net, const gate_names *names, int first, int count,
                        nn_recurrent_inputs *in)
{
    golden_case *c = golden_net_case(net);
    golden_array one = golden_in(c, names->weight[first]);
    int64_t u = one.shape.dim[0], wide = one.shape.dim[1], f = wide - u;
    golden_array w = golden_new(c, nn_shape2(count * u, f));
    golden_array r = golden_new(c, nn_shape2(count * u, u)),
                 b = golden_new(c, nn_shape1(count * u));
    for (int g = 0; g < count; g++) {
        golden_array from = golden_in(c, names->weight[first + g]);
        golden_array bias = golden_in(c, names->bias[first + g]);
        for (int64_t j = 0; j < u; j++) {
            memcpy(r.data + (g * u + j) * u, from.data + j * wide, (size_t)u * sizeof(double));
            memcpy(w.data + (g * u + j) * f, from.data + j * wide + u, (size_t)f * sizeof(double));
            b.data[g * u + j] = bias.data[j];
        }
    }
    in->weight_ih = golden_weight(net, "weight_ih", w, w.shape);
    in->weight_hh = golden_weight(net, "weight_hh", r, r.shape);
    in->bias_ih = golden_weight(net, "bias_ih", b, b.shape);
}

static void out_gate_gradients(golden_net *net, const gate_names *names)
{
    golden_case *c = golden_net_case(net);
    golden_array w = golden_gradient(net, "weight_ih"), r = golden_gradient(net, "weight_hh");
    golden_array b = golden_gradient(net, "bias_ih");
    int64_t u = r.shape.dim[1], f = w.shape.dim[1];
    for (int g = 0; g < names->gates; g++) {
        golden_array to = golden_new(c, nn_shape2(u, u + f)), bias = golden_new(c, nn_shape2(u, 1));
        char name[NN_NAME_MAX];
        for (int64_t j = 0; j < u; j++) {
            double *row = to.data + j * (u + f);
            memcpy(row, r.data + (g * u + j) * u, (size_t)u * sizeof(double));
            memcpy(row + u, w.data + (g * u + j) * f, (size_t)f * sizeof(double));
            bias.data[j] = b.data[g * u + j];
        }
        snprintf(name, sizeof name, "grad_%s", names->weight[g]);
        golden_out(c, name, to);
        snprintf(name, sizeof name, "grad_%s", names->bias[g]);
        golden_out(c, name, bias);
    }
}

/* One gate by itself: an RNN cell with the gate's activation. */
static golden_array gate_alone(golden_case *c, const gate_names *names, int gate, golden_array x,
                               golden_array h, nn_squash activation)
{
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_recurrent_inputs in = {.x = golden_batch(net, "x", x), .h = golden_batch(net, "h", h)};
    stack_gates(net, names, gate, 1, &in);
    nn_node *node = nn_rnn(golden_graph(net), in, (nn_recurrent_args){.activation = {activation}});
    golden_watch(net, node);
    golden_run(net, golden_sum(net, node, NULL));
    return golden_value(net, node);
}

/* --- chapter 41 ----------------------------------------------------------------------------------
 */

/* GRU of the notes with upstream gradients `d` of its states. */
static golden_net *notes_gru(golden_case *c, const char *x, const char *state, const char *d,
                             const char *out)
{
    golden_array weights = upstream(c, d);
    golden_net *net = golden_net_new(c, examples_of(c, x));
    nn_recurrent_inputs in = {.x = batch(net, x), .h = batch(net, state)};
    stack_gates(net, &gru_names, 0, 3, &in);
    nn_node *h = nn_gru(golden_graph(net), in, (nn_recurrent_args){.update_takes_new = true});
    golden_watch(net, h);
    golden_run(net, golden_sum(net, h, &weights));
    out_turned(net, out, golden_value(net, h));
    return net;
}

static void gru_cell(golden_case *c)
{
    golden_array x = upstream(c, "xt"), h = upstream(c, "c_prev");
    golden_array r = gate_alone(c, &gru_names, 0, x, h, NN_SQUASH_SIGMOID);
    golden_array u = gate_alone(c, &gru_names, 1, x, h, NN_SQUASH_SIGMOID);
    golden_array kept = golden_new(c, h.shape);
    for (int64_t i = 0; i < h.count; i++)
        kept.data[i] = r.data[i] * h.data[i];
    golden_out(c, "r", golden_transposed(c, r));
    golden_out(c, "u", golden_transposed(c, u));
    golden_out(c, "cand",
               golden_transposed(c, gate_alone(c, &gru_names, 2, x, kept, NN_SQUASH_TANH)));
    golden_net *net = notes_gru(c, "xt", "c_prev", "d_c_next", "c_next");
    out_batch_gradients(net, "xt c_prev");
    out_gate_gradients(net, &gru_names);
}

static void gru_sequence(golden_case *c)
{
    golden_net *net = notes_gru(c, "x", "c0", "d_c", "c");
    out_batch_gradients(net, "x c0");
    out_gate_gradients(net, &gru_names);
}

static void gru_gate_closed(golden_case *c)
{
    out_batch_gradients(notes_gru(c, "xt", "c_prev", "d_c_next", "c_next"), "c_prev");
}

static void gru_torch(golden_case *c)
{
    golden_array d = upstream(c, "d_h_next");
    golden_net *net = golden_net_new(c, examples_of(c, "xt"));
    nn_recurrent_inputs in = {.x = batch(net, "xt"),
                              .weight_ih = weight(net, "W_ih"),
                              .weight_hh = weight(net, "W_hh"),
                              .bias_ih = vector(net, "b_ih"),
                              .bias_hh = vector(net, "b_hh"),
                              .h = batch(net, "h")};
    nn_node *h = nn_gru(golden_graph(net), in, (nn_recurrent_args){.reset_after = true});
    golden_watch(net, h);
    golden_run(net, golden_sum(net, h, &d));
    out_turned(net, "h_next", golden_value(net, h));
    out_batch_gradients(net, "xt h");
    golden_out_gradients(net, "W_ih W_hh");
    out_bias_gradient(net, "b_ih");
    out_bias_gradient(net, "b_hh");
}

/* --- chapter 42 ----------------------------------------------------------------------------------
 */

/* All states of an LSTM, (n,2,steps+1,u), from arrays (n,steps,u): `which` 0 is h, 1 is c. */
static void put_states(golden_array all, int which, golden_array part)
{
    int64_t n = all.shape.dim[0], steps = all.shape.dim[2], u = all.shape.dim[3];
    int64_t length = part.count / n;
    for (int64_t r = 0; r < n; r++)
        memcpy(all.data + (2 * r + which) * steps * u, part.data + r * length,
               (size_t)length * sizeof(double));
}

static golden_array get_states(golden_case *c, golden_array all, int which, bool one_step)
{
    int64_t n = all.shape.dim[0], steps = all.shape.dim[2], u = all.shape.dim[3];
    golden_array part = golden_new(c, one_step ? nn_shape2(n, u) : nn_shape3(n, steps - 1, u));
    for (int64_t r = 0; r < n; r++)
        memcpy(part.data + r * (steps - 1) * u, all.data + (2 * r + which) * steps * u,
               (size_t)((steps - 1) * u) * sizeof(double));
    return part;
}

/* The LSTM of the notes: x is "xt" or "x", and what goes with it. */
static golden_net *notes_lstm(golden_case *c, bool cell, nn_recurrent_inputs in, golden_net *net)
{
    in.x = batch(net, cell ? "xt" : "x");
    in.h = batch(net, cell ? "a_prev" : "a0");
    in.c = batch(net, cell ? "c_prev" : "c0");
    stack_gates(net, &lstm_names, 0, 4, &in);
    nn_node *node = nn_lstm(golden_graph(net), in, (nn_recurrent_args){.states = NN_STATES_ALL});
    golden_watch(net, node);
    nn_error error;
    if (nn_graph_error(golden_graph(net), &error))
        golden_fail(c, "%s", error.text);
    nn_shape shape = nn_node_shape(node);
    shape.dim[0] = examples_of(c, cell ? "xt" : "x");
    golden_array d = golden_new(c, shape);
    put_states(d, 0, upstream(c, cell ? "d_a_next" : "d_a"));
    if (golden_has(c, "d_c_next"))
        put_states(d, 1, upstream(c, "d_c_next"));
    golden_run(net, golden_sum(net, node, &d));
    golden_array all = golden_value(net, node);
    out_turned(net, cell ? "a_next" : "a", get_states(c, all, 0, cell));
    out_turned(net, cell ? "c_next" : "c", get_states(c, all, 1, cell));
    return net;
}

static void lstm_cell(golden_case *c)
{
    static const char *const name[] = {"u", "f", "cand", "o"};
    golden_array x = upstream(c, "xt"), h = upstream(c, "a_prev");
    for (int g = 0; g < 4; g++)
        golden_out(c, name[g],
                   golden_transposed(c, gate_alone(c, &lstm_names, g, x, h,
                                                   g == 2 ? NN_SQUASH_TANH : NN_SQUASH_SIGMOID)));
    golden_net *net =
        notes_lstm(c, true, (nn_recurrent_inputs){0}, golden_net_new(c, examples_of(c, "xt")));
    out_batch_gradients(net, "xt a_prev c_prev");
    out_gate_gradients(net, &lstm_names);
}

static void lstm_sequence(golden_case *c)
{
    golden_net *net =
        notes_lstm(c, false, (nn_recurrent_inputs){0}, golden_net_new(c, examples_of(c, "x")));
    out_batch_gradients(net, "x a0 c0");
    out_gate_gradients(net, &lstm_names);
}

static void lstm_peephole(golden_case *c)
{
    static const char *const part[] = {"pu", "pf", "po"}; /* ours: input, forget, output */
    int64_t u = golden_in(c, "pu").count;
    golden_array all = golden_new(c, nn_shape1(3 * u));
    for (int k = 0; k < 3; k++)
        memcpy(all.data + k * u, golden_in(c, part[k]).data, (size_t)u * sizeof(double));
    golden_net *net = golden_net_new(c, examples_of(c, "xt"));
    nn_recurrent_inputs in = {.peepholes = golden_weight(net, "peepholes", all, all.shape)};
    notes_lstm(c, true, in, net);
    out_batch_gradients(net, "c_prev");
    golden_array d = golden_gradient(net, "peepholes");
    for (int k = 0; k < 3; k++) {
        char name[16];
        golden_array one = golden_new(c, nn_shape2(u, 1));
        memcpy(one.data, d.data + k * u, (size_t)u * sizeof(double));
        snprintf(name, sizeof name, "grad_%s", part[k]);
        golden_out(c, name, one);
    }
}

/* --- chapter 46: sequence to sequence ------------------------------------------------------------
 */

/* One-hot rows of the tokens, one step later where `first` (not negative) stands before them. */
static golden_array one_hot(golden_case *c, golden_array tokens, int64_t words, int64_t first)
{
    golden_array x = golden_new(c, nn_shape3(1, tokens.count, words));
    for (int64_t t = 0; t < tokens.count; t++) {
        int64_t token = first < 0 ? (int64_t)tokens.data[t]
                        : t == 0  ? first
                                  : (int64_t)tokens.data[t - 1];
        x.data[t * words + token] = 1;
    }
    return x;
}

typedef struct {
    golden_net *net;
    nn_node *context, *logits;
} translator;

static translator translator_new(golden_case *c)
{
    translator t = {.net = golden_net_new(c, 1)};
    nn_graph *g = golden_graph(t.net);
    golden_array src = golden_in(c, "src"), tgt = golden_in(c, "tgt");
    int64_t from = golden_in(c, "Ex").shape.dim[1], to = golden_in(c, "Dx").shape.dim[1];
    int64_t bos = (int64_t)golden_number(c, "bos");
    nn_recurrent_inputs encoder = {.x = golden_batch(t.net, "src", one_hot(c, src, from, -1)),
                                   .weight_ih = weight(t.net, "Ex"),
                                   .weight_hh = weight(t.net, "Eh")};
    t.context = nn_rnn(g, encoder, (nn_recurrent_args){.states = NN_STATES_LAST});
    nn_recurrent_inputs decoder = {.x = golden_batch(t.net, "tgt", one_hot(c, tgt, to, bos)),
                                   .weight_ih = weight(t.net, "Dx"),
                                   .weight_hh = weight(t.net, "Dh"),
                                   .h = t.context};
    nn_node *states = nn_rnn(g, decoder, (nn_recurrent_args){0});
    t.logits = nn_linear(g, states, weight(t.net, "V"), NULL);
    golden_watch(t.net, t.context);
    golden_watch(t.net, t.logits);
    return t;
}

static void seq2seq(golden_case *c)
{
    translator t = translator_new(c);
    golden_run(t.net, golden_sum(t.net, t.logits, NULL));
    golden_array logits = golden_value(t.net, t.logits);
    likelihood l = likelihood_of(c, logits, golden_in(c, "tgt"));
    golden_out(c, "context", golden_transposed(c, golden_value(t.net, t.context)));
    golden_out(c, "logits",
               golden_like(c, nn_shape2(logits.shape.dim[1], logits.shape.dim[2]), logits));
    golden_out_number(c, "loss", l.loss);
    t = translator_new(c);
    golden_run(t.net, golden_sum(t.net, t.logits, &l.d));
    golden_out_gradients(t.net, "Eh Ex Dh Dx V");
}

const golden_known golden_recurrent_cases[] = {
    {"ch39-softmax-correct", softmax_columns},
    {"ch39-rnn-cell", rnn_cell},
    {"ch39-rnn-bptt", rnn_bptt},
    {"ch39-vanish-linear", vanish_linear},
    {"ch40-many-to-one", many_to_one},
    {"ch40-one-to-many", one_to_many},
    {"ch41-gru-cell", gru_cell},
    {"ch41-gru-seq", gru_sequence},
    {"ch41-gru-torch", gru_torch},
    {"ch41-gru-gate-closed", gru_gate_closed},
    {"ch42-lstm-cell", lstm_cell},
    {"ch42-lstm-seq", lstm_sequence},
    {"ch42-lstm-peephole", lstm_peephole},
    {"ch46-seq2seq", seq2seq},
    {"", NULL},
};
