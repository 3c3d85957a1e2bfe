/* Word vectors (chapter 44): skip-gram with negative sampling, CBOW, GloVe. `classes` is the number
 * of words; vectors have 100 numbers. */
#include "engine/losses.h"
#include "engine/models/families.h"
#include "engine/shapes.h"

enum { DIMENSION = 100, NEGATIVES = 5, CONTEXT = 10 };

/* A table of (words, dimension) or, with dimension 0, (words), around 0 and of length about 1. */
static nn_node *table(nn_graph *graph, const char *name, const nn_model_size *size, int dimension,
                      nn_init init)
{
    nn_error error = {NN_OK, ""};
    nn_shape shape = dimension ? nn_shape2(size->classes, dimension) : nn_shape1(size->classes);
    double scale = dimension ? 1.0 / dimension : 1;
    nn_param *param = nn_model_param(nn_graph_model(graph), name, shape, init, scale, &error);
    return param ? nn_use(graph, param) : nn_graph_refuse(graph, error.code, "%s", error.text);
}

/* Mikolov et al. 2013b: a word, one of its neighbours, and five words drawn at random. */
static void skip_gram(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                      nn_assembly *made)
{
    int dimension = nn_slim(size, DIMENSION);
    (void)kind;
    nn_node *centre = nn_feed_whole(made, graph, "centre", (nn_shape){0}, 0, size->classes);
    nn_node *words =
        nn_feed_whole(made, graph, "words", nn_shape1(1 + NEGATIVES), 0, size->classes);
    nn_node *in = table(graph, "vectors", size, dimension, NN_INIT_NORMAL);
    nn_node *out = table(graph, "context", size, dimension, NN_INIT_ZEROS);
    nn_node *one = nn_reshape(graph, centre, nn_shape1(1));
    made->output = nn_mean_embedding(nn_named(graph, "vector"), in, one, -1);
    made->loss =
        nn_mean(nn_named(graph, "loss"), nn_negative_sampling(graph, in, out, centre, words));
}

/* Mikolov et al. 2013a: the word in the middle from the mean of ten around it, by a softmax over
 * all words. */
static void cbow(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                 nn_assembly *made)
{
    int dimension = nn_slim(size, DIMENSION);
    (void)kind;
    nn_node *context = nn_feed_whole(made, graph, "context", nn_shape1(CONTEXT), 0, size->classes);
    nn_node *target = nn_feed_whole(made, graph, "target", (nn_shape){0}, 0, size->classes);
    nn_node *in = table(graph, "vectors", size, dimension, NN_INIT_NORMAL);
    nn_node *out = table(graph, "out", size, dimension, NN_INIT_NORMAL);
    made->output = nn_mean_embedding(nn_named(graph, "mean"), in, context, -1);
    made->loss =
        nn_mean(nn_named(graph, "loss"), nn_word_softmax(graph, made->output, out, target));
}

/* Pennington et al. 2014: pairs of words and how often they met. */
static void glove(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                  nn_assembly *made)
{
    int dimension = nn_slim(size, DIMENSION);
    (void)kind;
    nn_node *i = nn_feed_whole(made, graph, "i", (nn_shape){0}, 0, size->classes);
    nn_node *j = nn_feed_whole(made, graph, "j", (nn_shape){0}, 0, size->classes);
    nn_node *count = nn_feed_unit(made, graph, "count", (nn_shape){0});
    nn_node *w = table(graph, "vectors", size, dimension, NN_INIT_NORMAL);
    nn_node *c = table(graph, "context", size, dimension, NN_INIT_NORMAL);
    nn_node *bw = table(graph, "vectors.bias", size, 0, NN_INIT_ZEROS);
    nn_node *bc = table(graph, "context.bias", size, 0, NN_INIT_ZEROS);
    nn_node *one = nn_reshape(graph, i, nn_shape1(1));
    made->output = nn_mean_embedding(nn_named(graph, "vector"), w, one, -1);
    made->loss = nn_mean(nn_named(graph, "loss"),
                         nn_glove(graph, w, c, bw, bc, i, j, count, (nn_glove_args){0}));
}

static const nn_architecture list[] = {
    {.name = "skip-gram",
     .what = "word vectors by negative sampling",
     .source = "Mikolov et al. 2013",
     .classes = 10000,
     .assemble = skip_gram},
    {.name = "cbow",
     .what = "word vectors from the words around",
     .source = "Mikolov et al. 2013",
     .classes = 10000,
     .assemble = cbow},
    {.name = "glove",
     .what = "word vectors from counts of pairs",
     .source = "Pennington et al. 2014",
     .classes = 10000,
     .assemble = glove},
};

const nn_architecture_family nn_words_family = NN_FAMILY(list);
