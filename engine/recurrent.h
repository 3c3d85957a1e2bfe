/* Recurrent networks: plain RNN (Elman 1990; chapter 39), GRU (Cho et al. 2014; chapter 41) and
 * LSTM (Hochreiter and Schmidhuber 1997, Gers et al. 2000; chapter 42) as operators that run their
 * own loop over time. Sequences lie batch first: x is (n,steps,features), or (n,features) for one
 * step.
 *
 * Parameters are those of PyTorch, whatever the options, so that weights go there and back as they
 * are. With u units and g gates (1, 3 or 4):
 *   weight_ih (g*u, features)   weight_hh (g*u, u)   bias_ih (g*u)   bias_hh (g*u)
 *   peepholes (3*u), of LSTM alone
 * Gates lie one behind the other: GRU reset, update, new; LSTM input, forget, cell, output;
 * peepholes input, forget, output. (ONNX has GRU update, reset, new and LSTM input, output, forget,
 * cell.) The two biases are added, but for GRU's new gate with `reset_after`.
 *
 *   RNN   h' = f(W x + b + R h)                                             f = tanh
 *   GRU   r = f(..), z = f(..)                                              f = sigmoid
 *         new = g(Wn x + bn + Rn (r*h) + cn), or g(Wn x + bn + r * (Rn h + cn)) with reset_after
 *         h' = (1 - z) new + z h, or (1 - z) h + z new with `update_takes_new`
 *   LSTM  i = f(.. + pi*c), f = f(.. + pf*c), a = g(..), c' = f*c + i*a     f = sigmoid, g = tanh
 *         o = f(.. + po*c'), h' = o * h(c')                                 h = tanh */
#ifndef GRADUS_ENGINE_RECURRENT_H
#define GRADUS_ENGINE_RECURRENT_H

#include "engine/graph.h"

typedef enum {
    NN_SQUASH_DEFAULT, /* as in the table above */
    NN_SQUASH_SIGMOID,
    NN_SQUASH_TANH,
    NN_SQUASH_RELU
} nn_squash;

/* What the operator gives; the steps stand at their own times, also when they are run in reverse.
 * The last state is the one after the last step run. */
typedef enum {
    NN_STATES_STEPS, /* h of every step: (n,steps,u) */
    NN_STATES_LAST,  /* the last h: (n,u) */
    NN_STATES_ALL    /* every step, then the last: (n,steps+1,u); LSTM h, then c: (n,2,steps+1,u) */
} nn_states;

typedef struct {
    nn_states states;
    bool reverse;            /* from the last step to the first */
    bool reset_after;        /* GRU: the reset gate acts on the product, as in PyTorch */
    bool update_takes_new;   /* GRU: the update gate is the share of the new value, as in ch. 41 */
    nn_squash activation[3]; /* f, g, h */
    double clip; /* bounds what goes into every activation to [-clip,clip]; 0: no bound */
} nn_recurrent_args;

/* NULL where left out; only x and the weights are needed. */
typedef struct {
    nn_node *x, *weight_ih, *weight_hh, *bias_ih, *bias_hh;
    nn_node *h;       /* state before the first step, (n,u); NULL: 0 */
    nn_node *lengths; /* whole numbers (n), 0 to steps: an example ends there. Outputs behind are 0,
                         the last state is the one at the end, reverse begins there. Anything else
                         makes the example NaN */
    nn_node *c;       /* LSTM: as h */
    nn_node *peepholes; /* LSTM */
} nn_recurrent_inputs;

nn_node *nn_rnn(nn_graph *graph, nn_recurrent_inputs inputs, nn_recurrent_args args);
nn_node *nn_gru(nn_graph *graph, nn_recurrent_inputs inputs, nn_recurrent_args args);
nn_node *nn_lstm(nn_graph *graph, nn_recurrent_inputs inputs, nn_recurrent_args args);

/* --- layers: the same with parameters of their own, stacked and in both directions --------------
 *
 * Parameters are called as in PyTorch: "name.weight_ih_l0", "name.weight_hh_l0", "name.bias_ih_l0",
 * "name.bias_hh_l0", with l1 and so on in higher layers, and "_reverse" behind the second
 * direction; LSTM also "name.peepholes_l0". Matrices of the input begin as Xavier's, those of the
 * state orthogonal (Saxe, McClelland and Ganguli 2014), a block a gate; biases and peepholes 0.
 *
 * A decoder's step is the same layer, by name, on an x of one step with `initial` and `final`. */
enum { NN_RECURRENT_STATES = 16 };

/* A state (n,u) for each layer and direction, at [layer * directions + direction]. */
typedef struct {
    nn_node *h[NN_RECURRENT_STATES];
    nn_node *c[NN_RECURRENT_STATES]; /* LSTM */
} nn_recurrent_states;

typedef enum { NN_BIASES_TWO, NN_BIASES_ONE, NN_BIASES_NONE } nn_biases;

typedef struct {
    nn_recurrent_args cell;             /* but for `states`; `reverse` where not bidirectional */
    int layers;                         /* 0: 1 */
    bool bidirectional;                 /* outputs side by side, twice as wide */
    bool last;                          /* gives the last state of the top layer, not all steps */
    double dropout;                     /* between layers */
    nn_node *lengths;                   /* as in nn_recurrent_inputs */
    const nn_recurrent_states *initial; /* NULL, and NULL within: 0 */
    nn_recurrent_states *final;         /* receives the last states; NULL: not wanted */
    nn_biases biases;
    double forget_bias; /* LSTM: the forget gate's bias begins there (Jozefowicz et al. 2015: 1) */
    bool peepholes;     /* LSTM */
    bool xavier;        /* for the matrices of the state too, in place of orthogonal ones */
} nn_recurrent_layer_args;

/* x (n,steps,f) gives (n,steps,directions*units), x (n,f) or `last` (n,directions*units). */
nn_node *nn_rnn_layer(nn_graph *graph, const char *name, nn_node *x, int units,
                      nn_recurrent_layer_args args);
nn_node *nn_gru_layer(nn_graph *graph, const char *name, nn_node *x, int units,
                      nn_recurrent_layer_args args);
nn_node *nn_lstm_layer(nn_graph *graph, const char *name, nn_node *x, int units,
                       nn_recurrent_layer_args args);

#endif
