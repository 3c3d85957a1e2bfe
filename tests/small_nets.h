/* Small networks that the tests of the engine train. */
#ifndef GRADUS_TESTS_SMALL_NETS_H
#define GRADUS_TESTS_SMALL_NETS_H

#include "engine/exec.h"

typedef enum {
    NET_MLP,      /* 12-9-7-4, relu and tanh */
    NET_CONV,     /* conv, batch norm, relu, max pool, conv, leaky relu, average pool, dense */
    NET_RESIDUAL, /* x + f(x) twice, a tensor that four nodes read */
    NET_DROPOUT,  /* dropout between dense layers */
    NET_SHARED,   /* one dense layer used on three places */
    NET_KINDS
} net_kind;

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_node *x, *labels, *logits, *loss;
} small_net;

const char *net_name(net_kind kind);
small_net net_build(net_kind kind, uint64_t seed);
void net_free(small_net *net);

/* Numbers in [-1,1] and labels 0..3 that depend on `seed` alone, for `rows` rows. */
void net_feed(const small_net *net, nn_exec *exec, int rows, uint64_t seed);

/* `steps` steps of plain gradient descent on varying batches; returns the last loss. */
double net_train(const small_net *net, nn_exec *exec, int steps, int rows, double rate);

#endif
