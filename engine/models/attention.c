/* Networks with attention over tokens (chapters 50 and 51). `classes` is the number of words. */
#include "engine/elementwise.h"
#include "engine/models/families.h"
#include "engine/transformer.h"

#include <math.h>
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

static nn_node *dropped(nn_graph *graph, nn_node *x, const nn_model_size *size)
{
    return size->dropout > 0 ? nn_dropout(graph, x, size->dropout) : x;
}

/* Scores of all words by the table that also made the vectors (Press and Wolf 2017), with a bias of
 * their own where asked. */
static nn_node *tied_scores(nn_graph *graph, nn_node *x, const char *table, int words, bool biased)
{
    nn_error error = {NN_OK, ""};
    nn_model *model = nn_graph_model(graph);
    nn_node *bias = NULL;
    if (biased) {
        bias = nn_use(
            graph, nn_model_param(model, "out.bias", nn_shape1(words), NN_INIT_ZEROS, 1, &error));
        if (!bias)
            return nn_graph_refuse(graph, error.code, "%s", error.text);
    }
    return nn_linear(nn_named(graph, "out"), x, nn_use(graph, nn_model_find(model, table)), bias);
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
    x = dropped(graph, x, size);
    for (int i = 1; i <= kind->depth; i++)
        x = nn_decoder_block(graph, numbered(name, "block", i), x, NULL, NULL, NULL, args);
    x = nn_layer_norm_layer(graph, "norm", x, 0);
    made->output = nn_project(graph, "out", x, size->classes, false);
    nn_named(graph, "cross_entropy");
    nn_node *each = nn_softmax_cross_entropy(graph, made->output, labels);
    made->loss = nn_mean(nn_named(graph, "loss"), each);
}

/* Devlin et al. 2019 in the small size of Turc et al. 2019, trained on masked words: the labels are
 * the words that were masked, NN_NO_LABEL elsewhere. Two segments, up to 512 places. */
static void bert(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                 nn_assembly *made)
{
    enum { HEADS = 8, LONGEST = 512, SEGMENTS = 2 };
    char name[NN_NAME_MAX];
    int width = width_of(size, kind->width, HEADS), words = size->classes;
    nn_transformer_args args = {
        .heads = HEADS, .gelu = true, .dropout = size->dropout, .epsilon = 1e-12};
    nn_node *tokens = nn_feed_whole(made, graph, "tokens", size->sample, 0, words);
    nn_node *segments = nn_feed_whole(made, graph, "segments", size->sample, 0, SEGMENTS);
    nn_node *lengths =
        nn_feed_whole(made, graph, "lengths", (nn_shape){0}, 1, (int32_t)size->sample.dim[0] + 1);
    nn_node *labels = nn_feed_whole(made, graph, "labels", size->sample, 0, words);
    nn_node *x = nn_token_vectors(graph, "words", tokens, words, width, 0.02);
    x = nn_add(graph, x, nn_token_vectors(graph, "segment", segments, SEGMENTS, width, 0.02));
    x = nn_learned_positions(graph, "positions", x, LONGEST);
    x = dropped(graph, nn_layer_norm_layer(graph, "norm", x, args.epsilon), size);
    for (int i = 1; i <= kind->depth; i++)
        x = nn_encoder_block(graph, numbered(name, "block", i), x, lengths, NULL, args);
    x = nn_gelu(graph, nn_project(graph, "transform", x, width, true));
    x = nn_layer_norm_layer(graph, "transform.norm", x, args.epsilon);
    nn_assemble_tokens(graph, made, tied_scores(graph, x, "words.table", words, true), labels);
}

/* --- one sequence from another ------------------------------------------------------------------
 */

/* Vectors of tokens and their places. */
static nn_node *placed(nn_graph *graph, const char *name, nn_node *tokens, int width,
                       const nn_model_size *size)
{
    nn_node *x =
        nn_token_vectors(graph, "words", tokens, size->classes, width, 1 / sqrt((double)width));
    x = nn_affine(graph, x, sqrt((double)width), 0);
    return dropped(graph, nn_sinusoidal_positions(graph, name, x), size);
}

/* Vaswani et al. 2017, the base model, without label smoothing: one table of words for source,
 * target and scores. The target is what the decoder has seen, the labels what comes next. */
static void transformer(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                        nn_assembly *made)
{
    enum { HEADS = 8 };
    char name[NN_NAME_MAX];
    int width = width_of(size, kind->width, HEADS), words = size->classes;
    nn_transformer_args args = {.heads = HEADS, .dropout = size->dropout};
    nn_node *source = nn_feed_whole(made, graph, "source", size->sample, 0, words);
    nn_node *lengths =
        nn_feed_whole(made, graph, "lengths", (nn_shape){0}, 1, (int32_t)size->sample.dim[0] + 1);
    nn_node *target = nn_feed_whole(made, graph, "target", size->sample, 0, words);
    nn_node *labels = nn_feed_whole(made, graph, "labels", size->sample, 0, words);
    nn_node *memory = placed(graph, "source.positions", source, width, size);
    for (int i = 1; i <= kind->depth; i++)
        memory = nn_encoder_block(graph, numbered(name, "encoder", i), memory, lengths, NULL, args);
    nn_node *x = placed(graph, "target.positions", target, width, size);
    for (int i = 1; i <= kind->depth && memory; i++)
        x = nn_decoder_block(graph, numbered(name, "decoder", i), x, memory, lengths, NULL, args);
    nn_assemble_tokens(graph, made, tied_scores(graph, x, "words.table", words, false), labels);
}

static const nn_architecture list[] = {
    {.name = "transformer",
     .what = "encoder and decoder of 6 blocks, width 512",
     .source = "Vaswani et al. 2017, base",
     .sample = {1, {64}},
     .classes = 37000,
     .depth = 6,
     .width = 512,
     .assemble = transformer},
    {.name = "bert-small",
     .what = "masked words: 4 blocks of width 512",
     .source = "Devlin et al. 2019, Turc et al. 2019",
     .sample = {1, {128}},
     .classes = 30522,
     .depth = 4,
     .width = 512,
     .assemble = bert},
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
