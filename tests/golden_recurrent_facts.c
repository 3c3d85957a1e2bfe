/* Facts of the chapters on recurrent networks: sizes of layers, clipped gradients. */
#include "engine/recurrent.h"
#include "tests/golden_case.h"

/* --- numbers of parameters -----------------------------------------------------------------------
 */

typedef nn_node *layer_builder(nn_graph *graph, const char *name, nn_node *x, int units,
                               nn_recurrent_layer_args args);

static double parameters_of(golden_case *c, layer_builder *build, double features, double units,
                            nn_biases biases)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *x = nn_input(golden_graph(net), "x", NN_F, nn_shape2(2, (int64_t)features));
    build(golden_graph(net), "layer", x, (int)units, (nn_recurrent_layer_args){.biases = biases});
    return (double)nn_model_parameters(golden_model(net));
}

/* Encoder, decoder, dense, as Keras counts them: one bias. */
static void translator_parameters(golden_case *c)
{
    double x = golden_number(c, "n_x"), y = golden_number(c, "n_y"), u = golden_number(c, "n_a");
    golden_net *net = golden_net_new(c, 1);
    nn_node *state = nn_input(golden_graph(net), "x", NN_F, nn_shape1((int64_t)u));
    nn_dense(golden_graph(net), "dense", state, (int)y, NN_INIT_ZEROS);
    golden_out_numbers(c, "", 3,
                       (double[]){parameters_of(c, nn_lstm_layer, x, u, NN_BIASES_ONE),
                                  parameters_of(c, nn_lstm_layer, y, u, NN_BIASES_ONE),
                                  (double)nn_model_parameters(golden_model(net))});
}

static void out_both_counts(golden_case *c, layer_builder *build, const char *units)
{
    double x = golden_number(c, "n_x"), u = golden_number(c, units);
    golden_out_numbers(c, "", 2,
                       (double[]){parameters_of(c, build, x, u, NN_BIASES_ONE),
                                  parameters_of(c, build, x, u, NN_BIASES_TWO)});
}

static void gru_parameters(golden_case *c)
{
    out_both_counts(c, nn_gru_layer, "n_c");
}

static void lstm_parameters(golden_case *c)
{
    out_both_counts(c, nn_lstm_layer, "n_a");
}

/* --- clipping by norm ----------------------------------------------------------------------------
 */

/* A step of rate 1 from 0 moves by what is left of the gradient. */
static void clipped(golden_case *c)
{
    golden_array g = golden_in(c, "g");
    golden_net *net = golden_net_new(c, 1);
    nn_node *w = golden_batch(net, "w", golden_new(c, nn_shape2(1, g.count)));
    golden_array weight = golden_like(c, nn_shape2(1, g.count), g);
    nn_exec *exec = golden_compile(net, golden_sum(net, w, &weight));
    golden_run(net, NULL);
    nn_optimizer_args args = {.kind = NN_SGD, .lr = 1, .clip_norm = golden_number(c, "c")};
    nn_optimizer *sgd = nn_optimizer_new(golden_model(net), args, NULL);
    nn_optimizer_step(sgd, exec, NULL, args.lr);
    nn_optimizer_free(sgd);
    golden_array moved = golden_param(net, "w");
    for (int64_t i = 0; i < moved.count; i++)
        moved.data[i] = -moved.data[i];
    golden_out(c, "", moved);
}

const golden_known golden_recurrent_fact_cases[] = {
    {"ch40-params", translator_parameters},
    {"ch41-params", gru_parameters},
    {"ch41-clip", clipped},
    {"ch41-noclip", clipped},
    {"ch42-params", lstm_parameters},
    {"", NULL},
};
