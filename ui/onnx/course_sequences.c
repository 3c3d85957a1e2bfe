/* Operators of chapters 39 to 42 and 46: recurrent networks. Columns are examples, sequences are
 * (steps, features, examples), gates have one matrix each with the state's columns before the
 * input's. */
#include "engine/losses.h"
#include "engine/recurrent.h"
#include "ui/onnx/course.h"

#include <math.h>

enum { MOST_STEPS = 64 };

static bool steps_fit(onnx_call *call, int64_t steps)
{
    if (steps > MOST_STEPS)
        onnx_refuse(call, "%lld steps; at most %d are unrolled", (long long)steps, MOST_STEPS);
    return !onnx_failed(call);
}

/* --- plain --------------------------------------------------------------------------------------
 */

static void build_rnn_cell(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *from_x = course_product(g, onnx_whole(call, 2), onnx_whole(call, 0));
    nn_node *from_a =
        course_dense(g, onnx_whole(call, 3), onnx_whole(call, 1), onnx_whole(call, 5));
    nn_node *a = nn_tanh(g, nn_add(g, from_a, from_x));
    course_out(call, 0, a);
    course_out(call, 1,
               nn_softmax(g, course_dense(g, onnx_whole(call, 4), a, onnx_whole(call, 6)), 0));
}

/* x (T,n_x,m) at input 0 and a0 at 1; the examples become the batch. */
static nn_node *plain_rnn(onnx_call *call, int w_x, int w_a, int bias, nn_states states)
{
    int64_t units = onnx_input(call, bias)->count;
    nn_recurrent_inputs in = {.x = onnx_rows(call, 0, 2),
                              .weight_ih = onnx_weight(call, w_x),
                              .weight_hh = onnx_weight(call, w_a),
                              .bias_ih = onnx_weight_as(call, bias, nn_shape1(units)),
                              .h = onnx_rows(call, 1, 1)};
    return nn_rnn(onnx_graph(call), in, (nn_recurrent_args){.states = states});
}

static void build_rnn_sequence(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape x = onnx_input(call, 0)->shape;
    int64_t steps = x.dim[0], words = onnx_input(call, 7)->count;
    nn_node *a = plain_rnn(call, 3, 4, 6, NN_STATES_STEPS);
    nn_node *logits =
        nn_linear(g, a, onnx_weight(call, 5), onnx_weight_as(call, 7, nn_shape1(words)));
    /* labels (T,m) come with the examples behind, as x does */
    nn_node *each = nn_class_cross_entropy(g, logits, onnx_rows_indices(call, 2, 1), NULL,
                                           (nn_label_args){.ignores = false});
    onnx_give_rows(call, 0, a, ONNX_FLOAT, nn_shape3(steps, onnx_input(call, 6)->count, x.dim[2]),
                   2);
    onnx_give_rows(call, 1, nn_softmax(g, logits, -1), ONNX_FLOAT,
                   nn_shape3(steps, words, x.dim[2]), 2);
    course_out_as(call, 2, nn_batch_sum(g, each), nn_shape_of(0, NULL));
}

static void build_many_to_one(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape x = onnx_input(call, 0)->shape;
    int64_t units = onnx_input(call, 4)->count;
    nn_node *last = plain_rnn(call, 2, 3, 4, NN_STATES_LAST);
    nn_node *z = nn_linear(g, last, onnx_weight_as(call, 5, nn_shape2(1, units)),
                           onnx_weight_as(call, 6, nn_shape1(1)));
    nn_node *target = onnx_rows_constant(call, 7, 1);
    onnx_give_rows(call, 0, last, ONNX_FLOAT, nn_shape2(units, x.dim[2]), 1);
    onnx_give_rows(call, 1, nn_sigmoid(g, z), ONNX_FLOAT, nn_shape2(1, x.dim[2]), 1);
    course_out_as(call, 2, nn_mean(g, nn_binary_cross_entropy(g, z, target, NULL, NULL)),
                  nn_shape_of(0, NULL));
}

/* The likeliest word of each step is the input of the next one. */
static void build_one_to_many(onnx_call *call)
{
    enum { STEPS = 4 };
    nn_graph *g = onnx_graph(call);
    int words = (int)onnx_input(call, 2)->shape.dim[1];
    double start = course_number(call, 1);
    nn_node *a = onnx_whole(call, 0), *wx = onnx_whole(call, 2), *wa = onnx_whole(call, 3);
    nn_node *wy = onnx_whole(call, 4), *ba = onnx_whole(call, 5), *by = onnx_whole(call, 6);
    nn_node *token = onnx_whole_indices_as(call, 1, nn_shape1(1)), *shares[STEPS];
    if (!(start >= 0 && start < words)) {
        onnx_refuse(call, "start is %g; expected 0 to %d", start, words - 1);
        return;
    }
    for (int t = 0; t < STEPS; t++) {
        nn_node *x = nn_one_hot(g, token, (nn_one_hot_args){.axis = 0, .depth = words, .on = 1});
        a = nn_tanh(g, nn_add(g, course_dense(g, wa, a, ba), course_product(g, wx, x)));
        shares[t] = nn_softmax(g, course_dense(g, wy, a, by), 0);
        token = nn_argmax(g, shares[t], (nn_arg_args){.axis = 0});
    }
    nn_node *all = course_steps(g, shares, STEPS, nn_shape2(STEPS, words));
    onnx_give(call, 0, nn_argmax(g, all, (nn_arg_args){.axis = 1}), ONNX_INT64, nn_shape1(STEPS));
    course_out(call, 1, all);
}

/* --- gates --------------------------------------------------------------------------------------
 */

/* W [state; x] + b with W at input w and b at input b. */
typedef struct {
    nn_node *w, *b;
} gate;

static gate gate_at(onnx_call *call, int w, int b)
{
    return (gate){onnx_whole(call, w), onnx_whole(call, b)};
}

static nn_node *through(nn_graph *g, gate way, nn_node *state, nn_node *x)
{
    if (!state || !x)
        return NULL;
    return course_dense(g, way.w, nn_concat(g, (nn_node *[]){state, x}, 2, 0), way.b);
}

typedef struct {
    gate update, reset, candidate;
} gru_gates;

typedef struct {
    nn_node *u, *r, *candidate, *next;
} gru_state;

static gru_state gru_step(nn_graph *g, gru_gates gates, nn_node *x, nn_node *c)
{
    gru_state s;
    s.u = nn_sigmoid(g, through(g, gates.update, c, x));
    s.r = nn_sigmoid(g, through(g, gates.reset, c, x));
    s.candidate = nn_tanh(g, through(g, gates.candidate, nn_mul(g, s.r, c), x));
    s.next = nn_add(g, nn_mul(g, s.u, s.candidate), nn_mul(g, nn_affine(g, s.u, -1, 1), c));
    return s;
}

static gru_gates gru_gates_of(onnx_call *call)
{
    return (gru_gates){gate_at(call, 2, 5), gate_at(call, 3, 6), gate_at(call, 4, 7)};
}

static void build_gru_cell(onnx_call *call)
{
    bool all = onnx_op(call)->variant == 0;
    gru_state s =
        gru_step(onnx_graph(call), gru_gates_of(call), onnx_whole(call, 0), onnx_whole(call, 1));
    if (all) {
        course_out(call, 0, s.u);
        course_out(call, 1, s.r);
        course_out(call, 2, s.candidate);
    }
    course_out(call, all ? 3 : 0, s.next);
}

static void build_gru_sequence(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape shape = onnx_input(call, 0)->shape, state = onnx_input(call, 1)->shape;
    int steps = (int)shape.dim[0];
    nn_node *x = onnx_whole(call, 0), *c = onnx_whole(call, 1), *all[MOST_STEPS];
    if (!steps_fit(call, steps))
        return;
    gru_gates gates = gru_gates_of(call);
    for (int t = 0; t < steps; t++) {
        nn_node *now = course_step(g, x, t, nn_shape2(shape.dim[1], shape.dim[2]));
        all[t] = c = gru_step(g, gates, now, c).next;
    }
    course_out(call, 0, course_steps(g, all, steps, nn_shape3(steps, state.dim[0], state.dim[1])));
}

static void build_gru_torch(onnx_call *call)
{
    int64_t gates = onnx_input(call, 4)->count;
    nn_recurrent_inputs in = {.x = onnx_rows(call, 0, 1),
                              .weight_ih = onnx_weight(call, 2),
                              .weight_hh = onnx_weight(call, 3),
                              .bias_ih = onnx_weight_as(call, 4, nn_shape1(gates)),
                              .bias_hh = onnx_weight_as(call, 5, nn_shape1(gates)),
                              .h = onnx_rows(call, 1, 1)};
    nn_recurrent_args args = {.states = NN_STATES_LAST, .reset_after = true};
    onnx_give_rows(call, 0, nn_gru(onnx_graph(call), in, args), ONNX_FLOAT,
                   onnx_input(call, 1)->shape, 1);
}

/* --- LSTM ---------------------------------------------------------------------------------------
 */

typedef struct {
    gate forget, update, candidate, output;
    nn_node *peep_forget, *peep_update, *peep_output; /* NULL: none */
} lstm_gates;

typedef struct {
    nn_node *f, *u, *o, *candidate, *c, *a;
} lstm_state;

static nn_node *peeped(nn_graph *g, nn_node *z, nn_node *peephole, nn_node *c)
{
    return peephole ? nn_add(g, z, nn_mul(g, peephole, c)) : z;
}

static lstm_state lstm_step(nn_graph *g, const lstm_gates *w, nn_node *x, nn_node *a, nn_node *c)
{
    lstm_state s;
    s.f = nn_sigmoid(g, peeped(g, through(g, w->forget, a, x), w->peep_forget, c));
    s.u = nn_sigmoid(g, peeped(g, through(g, w->update, a, x), w->peep_update, c));
    s.candidate = nn_tanh(g, through(g, w->candidate, a, x));
    s.c = nn_add(g, nn_mul(g, s.f, c), nn_mul(g, s.u, s.candidate));
    s.o = nn_sigmoid(g, peeped(g, through(g, w->output, a, x), w->peep_output, s.c));
    s.a = nn_mul(g, s.o, nn_tanh(g, s.c));
    return s;
}

static lstm_gates lstm_gates_of(onnx_call *call, bool peepholes)
{
    lstm_gates w = {.forget = gate_at(call, 3, 7),
                    .update = gate_at(call, 4, 8),
                    .candidate = gate_at(call, 5, 9),
                    .output = gate_at(call, 6, 10)};
    if (peepholes) {
        w.peep_forget = onnx_whole(call, 11);
        w.peep_update = onnx_whole(call, 12);
        w.peep_output = onnx_whole(call, 13);
    }
    return w;
}

static void build_lstm_cell(onnx_call *call)
{
    bool peepholes = onnx_op(call)->variant == 1;
    lstm_gates w = lstm_gates_of(call, peepholes);
    lstm_state s = lstm_step(onnx_graph(call), &w, onnx_whole(call, 0), onnx_whole(call, 1),
                             onnx_whole(call, 2));
    if (!peepholes) {
        course_out(call, 0, s.f);
        course_out(call, 1, s.u);
        course_out(call, 2, s.o);
        course_out(call, 3, s.candidate);
    }
    course_out(call, peepholes ? 0 : 4, s.c);
    course_out(call, peepholes ? 1 : 5, s.a);
}

static void build_lstm_sequence(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape shape = onnx_input(call, 0)->shape, state = onnx_input(call, 1)->shape;
    int steps = (int)shape.dim[0];
    nn_node *x = onnx_whole(call, 0), *hidden[MOST_STEPS], *memory[MOST_STEPS];
    if (!steps_fit(call, steps))
        return;
    lstm_gates w = lstm_gates_of(call, false);
    lstm_state s = {.a = onnx_whole(call, 1), .c = onnx_whole(call, 2)};
    for (int t = 0; t < steps; t++) {
        nn_node *now = course_step(g, x, t, nn_shape2(shape.dim[1], shape.dim[2]));
        s = lstm_step(g, &w, now, s.a, s.c);
        hidden[t] = s.a;
        memory[t] = s.c;
    }
    nn_shape all = nn_shape3(steps, state.dim[0], state.dim[1]);
    course_out(call, 0, course_steps(g, hidden, steps, all));
    course_out(call, 1, course_steps(g, memory, steps, all));
}

/* --- sequence to sequence -----------------------------------------------------------------------
 */

enum { SRC, TGT, BOS, EH, EX, DH, DX, V };

/* tanh(H a + column t of `inputs`) for every t, from `a` on; the states go to `all`. */
static nn_node *unrolled(nn_graph *g, nn_node *h, nn_node *inputs, nn_node *a, int steps,
                         nn_node **all)
{
    for (int t = 0; t < steps; t++) {
        nn_node *x = nn_slice_axis(g, inputs, 1, t, 1);
        a = nn_tanh(g, a ? nn_add(g, course_product(g, h, a), x) : x);
        all[t] = a;
    }
    return a;
}

static void build_seq2seq(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    int source = (int)onnx_input(call, SRC)->count, target = (int)onnx_input(call, TGT)->count;
    float previous[MOST_STEPS];
    nn_node *all[MOST_STEPS];
    if (!steps_fit(call, source > target ? source : target))
        return;
    for (int t = 0; t < target; t++)
        previous[t] = onnx_input(call, t ? TGT : BOS)->data[t ? t - 1 : 0];
    for (int t = 0; t < target; t++)
        if (!(fabsf(previous[t]) <= (float)ONNX_EXACT)) {
            onnx_refuse(call, "a token is %g", (double)previous[t]);
            return;
        }
    nn_node *eh = onnx_whole(call, EH), *dh = onnx_whole(call, DH);
    nn_node *read = nn_gather(g, onnx_whole(call, EX), onnx_whole_indices(call, SRC), 1);
    nn_node *fed = nn_gather(g, onnx_whole(call, DX),
                             onnx_fixed_indices(call, nn_shape1(target), previous), 1);
    /* the first state is 0, and so is what Eh makes of it */
    nn_node *context = unrolled(g, eh, read, NULL, source, all);
    course_out(call, 0, context);
    unrolled(g, dh, fed, context, target, all);
    if (!context || !all[target - 1])
        return;
    nn_node *states = course_joined(g, all, target, 1);
    nn_node *logits = course_transposed(g, course_product(g, onnx_whole(call, V), states));
    nn_node *each = nn_class_cross_entropy(g, logits, onnx_whole_indices(call, TGT), NULL,
                                           (nn_label_args){.ignores = false});
    course_out(call, 1, logits);
    course_out(call, 2, course_sum(g, each));
    if (source < 2) /* Eh is not used: its gradient is 0 */
        onnx_give_gradient(call, EH);
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define GRU_WEIGHTS  " c,c+x c,c+x c,c+x c,1 c,1 c,1"
#define LSTM_WEIGHTS " c,c+x c,c+x c,c+x c,c+x c,1 c,1 c,1 c,1"

const onnx_operator course_sequence_operators[] = {
    COURSE("rnn-cell", "xt a_prev Wax Waa Wya ba by", "x,m a,m a,x a,a y,a a,1 y,1", "a_next yhat",
           build_rnn_cell, 0),
    COURSE("rnn-bptt", "x a0 labels Wax Waa Wya ba by", "t,x,m a,m t,m a,x a,a y,a a,1 y,1",
           "a yhat loss", build_rnn_sequence, 0),
    COURSE("many-to-one", "x a0 Wax Waa ba w_out b_out y", "t,x,m a,m a,x a,a a,1 a,1 . 1,m",
           "aT yhat loss", build_many_to_one, 0),
    COURSE("one-to-many", "a0 start Wax Waa Wya ba by", "a,1 . a,v a,a v,a a,1 v,1", "tokens probs",
           build_one_to_many, 0),
    COURSE("gru-cell", "xt c_prev Wu Wr Wc bu br bc", "x,m c,m" GRU_WEIGHTS, "u r cand c_next",
           build_gru_cell, 0),
    COURSE("gru-gate-closed", "xt c_prev Wu Wr Wc bu br bc", "x,m c,m" GRU_WEIGHTS, "c_next",
           build_gru_cell, 1),
    COURSE("gru-seq", "x c0 Wu Wr Wc bu br bc", "t,x,m c,m" GRU_WEIGHTS, "c", build_gru_sequence,
           0),
    COURSE("gru-torch", "xt h W_ih W_hh b_ih b_hh", "x,m n,m 3n,x 3n,n 3n,1 3n,1", "h_next",
           build_gru_torch, 0),
    COURSE("lstm-cell", "xt a_prev c_prev Wf Wu Wc Wo bf bu bc bo", "x,m c,m c,m" LSTM_WEIGHTS,
           "f u o cand c_next a_next", build_lstm_cell, 0),
    COURSE("lstm-peephole", "xt a_prev c_prev Wf Wu Wc Wo bf bu bc bo pf pu po",
           "x,m c,m c,m" LSTM_WEIGHTS " c,1 c,1 c,1", "c_next a_next", build_lstm_cell, 1),
    COURSE("lstm-seq", "x a0 c0 Wf Wu Wc Wo bf bu bc bo", "t,x,m c,m c,m" LSTM_WEIGHTS, "a c",
           build_lstm_sequence, 0),
    COURSE("seq2seq", "src tgt bos Eh Ex Dh Dx V", "s t . n,n n,v n,n n,v v,n",
           "context logits loss", build_seq2seq, 0),
    {.name = NULL},
};
