/* The networks that the course and the literature call by name, each a builder over the public API.
 *
 * A classifier maps one input to logits and trains on labels; the others bring their own inputs and
 * loss. Every number of a published network (widths, depths, kernels) stands beside its builder
 * with its source. Builders report shapes that do not fit through the graph's error. */
#ifndef GRADUS_ENGINE_MODELS_CATALOGUE_H
#define GRADUS_ENGINE_MODELS_CATALOGUE_H

#include "engine/graph.h"

/* One input of a network, and what may be fed to it. */
typedef enum {
    NN_FEED_REAL, /* any real numbers */
    NN_FEED_UNIT, /* above 0 and below 1 */
    NN_FEED_MASK, /* 0 or 1 */
    NN_FEED_WHOLE /* whole numbers, low <= x < high: labels, tokens, lengths */
} nn_feed_kind;
typedef struct {
    nn_node *node; /* its name says what it is: "x", "labels", "source", ... */
    nn_feed_kind kind;
    int32_t low, high;
} nn_feed;

enum { NN_FEEDS = 8 };
typedef struct {
    nn_feed feed[NN_FEEDS];
    int feeds;
    nn_node *output; /* logits, boxes, embeddings: what the network is for */
    nn_node *loss;   /* scalar */
} nn_assembly;

/* Adds an input to an assembly; NULL (and an error in the graph) where there is no room. */
nn_node *nn_feed_real(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample);
nn_node *nn_feed_unit(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample);
nn_node *nn_feed_mask(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample);
nn_node *nn_feed_whole(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample,
                       int32_t low, int32_t high);

typedef struct {
    nn_shape sample; /* of the first input; rank 0: the architecture's own */
    int classes;     /* or words of the vocabulary; 0: the architecture's own */
    double dropout;  /* of the layers that have it; 0: none */
    int slim;        /* widths are divided by this (and are at least 1); 0 or 1: as published */
} nn_model_size;
/* width / slim, at least 1. */
int nn_slim(const nn_model_size *size, int width);

typedef struct nn_architecture nn_architecture;
struct nn_architecture {
    const char *name, *what, *source;
    nn_shape sample;
    int classes;
    int depth; /* what the builder makes of it: blocks a stage, for instance */
    int width; /* likewise: numbers a token is, for instance */
    /* One of the two. A classifier's labels and softmax cross-entropy are added to its logits. */
    nn_node *(*logits)(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                       const nn_model_size *size);
    void (*assemble)(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                     nn_assembly *made);
};

int nn_architecture_count(void);
const nn_architecture *nn_architecture_at(int i);
/* "resnet20", or "resnet20/4" for one with a quarter of the width; NULL when there is none. `slim`
 * may be NULL. */
const nn_architecture *nn_architecture_find(const char *name, int *slim);

/* Szegedy et al. 2015, figure 2b: 1x1; 1x1 then 3x3; 1x1 then 5x5; 3x3 max pool then 1x1, all with
 * ReLU, side by side along the channels. Filters in that order: {64, 96, 128, 16, 32, 32} is their
 * module 3a. */
nn_node *nn_inception_module(nn_graph *graph, const char *name, nn_node *x, const int filters[6]);

/* A name of the catalogue, or what nn_describe takes (logreg, mlp, lenet5, a line of layers), into
 * an empty graph. Zeros in `size` take the architecture's own; a line of layers has 1x28x28 and 10
 * classes. */
nn_status nn_model_build(nn_graph *graph, const char *text, nn_model_size size, nn_assembly *made,
                         nn_error *error);

/* Builds it into an empty graph. Zeros in `size` take the architecture's own. */
nn_status nn_architecture_build(nn_graph *graph, const nn_architecture *kind, nn_model_size size,
                                nn_assembly *made, nn_error *error);

#endif
