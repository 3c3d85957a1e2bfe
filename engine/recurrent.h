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

#endif
