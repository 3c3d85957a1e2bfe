/* Networks with attention over tokens (chapters 50 and 51). `classes` is the number of words. */
#include "engine/models/families.h"
#include "engine/transformer.h"

#include <stdio.h>

/* Width of a model of so many heads: slim ones keep the heads and make each narrower. */
static int width_of(const nn_model_size *size, int width, int heads)
{
    return heads * nn_slim(size, width / heads);
}

static const char *numbered(char text[NN_NAME_MAX], const char *name, int number)
{
    snprintf(text, NN_NAME_MAX, "%s%d", name, number);
    return text;
}

/* --- language models ----------------------------------------------------------------------------
 */

/* Radford et al. 2019: pre-norm blocks of causal attention. Every token is followed by the label of
 * the same place. */
static void gpt(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                nn_assembly *made)
{
    enum { HEADS = 4 };
    char name[NN_NAME_MAX];
    int width = width_of(size, kind->width, HEADS);
    nn_transformer_args args = {
        .heads = HEADS, .pre_norm = true, .gelu = true, .dropout = size->dropout};
    nn_node *tokens = nn_feed_whole(made, graph, "tokens", size->sample, 0, size->classes);
    nn_node *labels = nn_feed_whole(made, graph, "labels", size->sample, 0, size->classes);
    nn_node *x = nn_token_vectors(graph, "words", tokens, size->classes, width, 0.02);
    x = nn_learned_positions(graph, "positions", x, (int)size->sample.dim[0]);
    if (size->dropout > 0)
        x = nn_dropout(graph, x, size->dropout);
    for (int i = 1; i <= kind->depth; i++)
        x = nn_decoder_block(graph, numbered(name, "block", i), x, NULL, NULL, NULL, args);
    x = nn_layer_norm_layer(graph, "norm", x, 0);
    made->output = nn_project(graph, "out", x, size->classes, false);
    nn_named(graph, "cross_entropy");
    nn_node *each = nn_softmax_cross_entropy(graph, made->output, labels);
    made->loss = nn_mean(nn_named(graph, "loss"), each);
}

static const nn_architecture list[] = {
    {.name = "gpt-small",
     .what = "next tokens: 4 causal pre-norm blocks of width 128",
     .source = "Radford et al. 2019, small",
     .sample = {1, {64}},
     .classes = 96,
     .depth = 4,
     .width = 128,
     .assemble = gpt},
    {.name = "gpt-tiny",
     .what = "next tokens: 2 causal pre-norm blocks of width 64",
     .source = "Radford et al. 2019, smaller",
     .sample = {1, {64}},
     .classes = 96,
     .depth = 2,
     .width = 64,
     .assemble = gpt},
};

const nn_architecture_family nn_attention_family = NN_FAMILY(list);
