/* What the reader of one-line descriptions is made of. Private to engine/models. */
#ifndef GRADUS_ENGINE_MODELS_LINE_H
#define GRADUS_ENGINE_MODELS_LINE_H

#include "engine/graph.h"

enum { NN_LINE_WORDS = 8, NN_LINE_KINDS = 24 };

typedef struct {
    const char *text; /* within the line: not ended by a NUL */
    int length;
} nn_word;

typedef struct nn_layer_kind nn_layer_kind;

typedef struct {
    const nn_layer_kind *kind;
    nn_word whole; /* "conv 6 5x5 pad=2" */
    nn_word words[NN_LINE_WORDS];
    int word_count; /* the first one names the layer */
} nn_layer;

typedef struct {
    nn_graph *graph;
    const char *text; /* the line; columns count from here */
    nn_layer *layers;
    int layer_count;
    int number[NN_LINE_KINDS]; /* layers of each kind so far: "conv2" */
    nn_node *x;
    nn_shape sample; /* what arrives at the next layer, without the batch */
    nn_error *error;
    nn_status status;
} nn_line;

/* What a layer is to its neighbours. */
typedef enum {
    NN_ROLE_BETWEEN, /* pools, normalisation, flatten */
    NN_ROLE_WEIGHTS,
    NN_ROLE_RELU, /* of any kind */
    NN_ROLE_SQUASH,
    NN_ROLE_DROPOUT
} nn_layer_role;

struct nn_layer_kind {
    const char *name, *alias, *usage;
    nn_layer_role role;
    /* The node, and in `sample` what leaves it; NULL with the error in line and graph. */
    nn_node *(*build)(nn_line *line, const nn_layer *l, const char *name);
};

/* --- words ---------------------------------------------------------------------------------- */

/* "column 23, 'dense 10': ..." Always NULL; keeps the first error, here and in the graph. */
nn_node *nn_line_refuse(nn_line *line, nn_word at, nn_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool nn_word_is(nn_word w, const char *text);
/* "5" or "5x3" (rows x columns), of at most 7 digits each. */
bool nn_word_pair(nn_word w, int pair[2]);
bool nn_word_number(nn_word w, double *value);
/* The value behind "key=". */
bool nn_word_key(nn_word w, const char *key, nn_word *value);
/* The shape that arrives at the next layer, in words. */
const char *nn_line_arriving(const nn_line *line, char text[NN_SHAPE_TEXT]);

/* --- layers --------------------------------------------------------------------------------- */

/* All kinds, at most NN_LINE_KINDS. */
int nn_layer_kinds(const nn_layer_kind **list);

#endif
