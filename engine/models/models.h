/* Networks by name ("logreg", "mlp", "lenet5") or by a one-line description:
 * "conv 6 5x5 pad=2 | relu | maxpool 2 | flatten | dense 10". Built from the public API only.
 * The grammar stands in describe.c, the layers in line_layers.c; nn_model_words lists them
 * for help. */
#ifndef GRADUS_ENGINE_MODELS_H
#define GRADUS_ENGINE_MODELS_H

#include "engine/graph.h"

typedef struct {
    nn_node *x;      /* (batch, sample...) */
    nn_node *labels; /* int (batch) */
    nn_node *logits; /* (batch, classes), or (batch, 1) for two classes with a binary head */
    nn_node *loss;   /* scalar */
} nn_network;

/* Builds `text` (a name or a description) for the given sample shape and classes, with a softmax
 * cross-entropy on top. A last layer "dense 1" on two-class data gets a sigmoid cross-entropy.
 * dropout: rate of the dropout layers of named models (mlp, lenet5 have one before the last layer
 * when it is > 0). A mistake is answered with the place in the line (column, with the words), the
 * shape that arrived there, and what would fit. */
nn_status nn_describe(nn_graph *graph, const char *text, nn_shape sample, int classes,
                      double dropout, nn_network *network, nn_error *error);

/* The description that a name stands for with this sample, classes and dropout: what nn_describe
 * builds. NN_E_MISSING for an unknown name, NN_E_SHAPE where the model does not fit the sample. */
enum { NN_MODEL_TEXT = 512 };
nn_status nn_model_text(const char *name, nn_shape sample, int classes, double dropout,
                        char text[NN_MODEL_TEXT], nn_error *error);

typedef struct {
    const char *name, *what, *description; /* the line it stands for on 28x28 grey, 10 classes */
} nn_model_info;
int nn_model_list(const nn_model_info **list);
/* "conv FILTERS KxK [stride=S] [pad=P|same] ...", one a line, for help. */
const char *nn_model_words(void);

#endif
