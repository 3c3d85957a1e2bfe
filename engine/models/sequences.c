/* Sequences: recurrent classifiers (chapters 39 to 42). */
#include "engine/models/families.h"
#include "engine/recurrent.h"
#include "engine/shapes.h"

/* --- classifiers --------------------------------------------------------------------------------
 */

nn_node *nn_as_steps(nn_graph *graph, nn_node *x)
{
    if (!x)
        return NULL;
    nn_shape shape = nn_node_shape(x);
    if (shape.rank == 2)
        return nn_reshape(graph, x, nn_shape2(shape.dim[1], 1));
    if (shape.rank == 4)
        return nn_reshape(graph, x, nn_shape2(shape.dim[1] * shape.dim[2], shape.dim[3]));
    return x;
}

typedef nn_node *(*recurrent_layer)(nn_graph *, const char *, nn_node *, int,
                                    nn_recurrent_layer_args);

/* The last state of 128 units decides. */
static nn_node *last_state(nn_graph *graph, const char *name, nn_node *x, recurrent_layer layer,
                           nn_recurrent_layer_args args, const nn_model_size *size)
{
    args.last = true;
    x = layer(graph, name, nn_as_steps(graph, x), nn_slim(size, 128), args);
    if (size->dropout > 0)
        x = nn_dropout(graph, x, size->dropout);
    return nn_dense(graph, "fc", x, size->classes, NN_INIT_XAVIER);
}

static nn_node *rnn(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                    const nn_model_size *size)
{
    (void)kind;
    return last_state(graph, "rnn", x, nn_rnn_layer, (nn_recurrent_layer_args){.layers = 1}, size);
}

static nn_node *gru(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                    const nn_model_size *size)
{
    (void)kind;
    return last_state(graph, "gru", x, nn_gru_layer,
                      (nn_recurrent_layer_args){.cell = {.reset_after = true}}, size);
}

/* Gers et al. 2000, without peepholes. */
static nn_node *lstm(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                     const nn_model_size *size)
{
    (void)kind;
    return last_state(graph, "lstm", x, nn_lstm_layer, (nn_recurrent_layer_args){.layers = 1},
                      size);
}

/* Schuster and Paliwal 1997: one LSTM forwards, one backwards. */
static nn_node *bi_lstm(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                        const nn_model_size *size)
{
    (void)kind;
    return last_state(graph, "lstm", x, nn_lstm_layer,
                      (nn_recurrent_layer_args){.bidirectional = true}, size);
}

#define ROWS .sample = {3, {1, 28, 28}}, .classes = 10

static const nn_architecture list[] = {
    {.name = "rnn",
     .what = "plain recurrent network over the rows of an example",
     .source = "Elman 1990",
     ROWS,
     .logits = rnn},
    {.name = "gru",
     .what = "gated recurrent units over the rows of an example",
     .source = "Cho et al. 2014, reset after the product",
     ROWS,
     .logits = gru},
    {.name = "lstm",
     .what = "long short-term memory over the rows of an example",
     .source = "Hochreiter and Schmidhuber 1997, Gers et al. 2000",
     ROWS,
     .logits = lstm},
    {.name = "bi-lstm",
     .what = "two LSTMs, forwards and backwards",
     .source = "Schuster and Paliwal 1997",
     ROWS,
     .logits = bi_lstm},
};

const nn_architecture_family nn_sequences_family = NN_FAMILY(list);
