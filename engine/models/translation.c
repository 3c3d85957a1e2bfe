/* One sequence from another with recurrent networks, without and with attention (chapters 46 to
 * 49). `classes` is the number of words of either language. */
#include "engine/elementwise.h"
#include "engine/models/families.h"
#include "engine/recurrent.h"
#include "engine/shapes.h"
#include "engine/transformer.h"

/* The target is what the decoder has seen, the labels what comes next. */
typedef struct {
    nn_node *source, *lengths, *target, *labels;
} texts;

static texts feed_texts(nn_graph *graph, const nn_model_size *size, nn_assembly *made)
{
    int32_t longest = (int32_t)size->sample.dim[0];
    return (texts){nn_feed_whole(made, graph, "source", size->sample, 0, size->classes),
                   nn_feed_whole(made, graph, "lengths", (nn_shape){0}, 1, longest + 1),
                   nn_feed_whole(made, graph, "target", size->sample, 0, size->classes),
                   nn_feed_whole(made, graph, "labels", size->sample, 0, size->classes)};
}

static nn_node *vectors(nn_graph *graph, const char *name, nn_node *tokens,
                        const nn_model_size *size)
{
    nn_node *x = nn_token_vectors(graph, name, tokens, size->classes, nn_slim(size, 128), 0.1);
    return size->dropout > 0 ? nn_dropout(graph, x, size->dropout) : x;
}

/* Sutskever, Vinyals and Le 2014: what an LSTM remembers of the source is all that the other one
 * begins with. One layer of 256 units in place of their four of 1000. */
static void seq2seq(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                    nn_assembly *made)
{
    int units = nn_slim(size, kind->width);
    texts t = feed_texts(graph, size, made);
    nn_recurrent_states thought = {{NULL}, {NULL}};
    nn_recurrent_layer_args reads = {.lengths = t.lengths, .final = &thought};
    nn_recurrent_layer_args writes = {.initial = &thought};
    nn_lstm_layer(graph, "encoder", vectors(graph, "source.words", t.source, size), units, reads);
    nn_node *h = nn_lstm_layer(graph, "decoder", vectors(graph, "target.words", t.target, size),
                               units, writes);
    nn_assemble_tokens(graph, made, nn_project(graph, "out", h, size->classes, true), t.labels);
}

/* --- with attention -----------------------------------------------------------------------------
 */

/* Steps (n,f) one behind the other, (n,count,f). An operator takes a few inputs at a time, so
 * groups are joined, then groups of groups; `part` is used up. */
static nn_node *joined(nn_graph *graph, nn_node **part, int count)
{
    for (int i = 0; i < count; i++)
        part[i] = nn_unsqueeze(graph, part[i], (int[]){0}, 1);
    while (count > 1) {
        int groups = 0;
        for (int i = 0; i < count; i += NN_MAX_INPUTS) {
            int members = count - i < NN_MAX_INPUTS ? count - i : NN_MAX_INPUTS;
            part[groups++] = nn_concat(graph, part + i, members, 0);
        }
        count = groups;
    }
    return part[0];
}

/* Bahdanau, Cho and Bengio 2015: before every step the decoder's state asks what of the source
 * matters, and the step sees the answer beside the last word. 256 units in place of their 1000; the
 * scores are one layer over state and answer in place of their maxout. */
static void seq2seq_attention(nn_graph *graph, const nn_architecture *kind,
                              const nn_model_size *size, nn_assembly *made)
{
    enum { LONGEST = 256 };
    nn_node *part[LONGEST] = {NULL};
    int units = nn_slim(size, kind->width), steps = (int)size->sample.dim[0];
    texts t = feed_texts(graph, size, made);
    nn_recurrent_states last = {{NULL}, {NULL}}, state = {{NULL}, {NULL}};
    nn_recurrent_layer_args reads = {.bidirectional = true, .lengths = t.lengths, .final = &last};
    if (steps > LONGEST) {
        nn_graph_refuse(graph, NN_E_SHAPE, "decoder: %d steps; expected at most %d", steps,
                        LONGEST);
        return;
    }
    nn_node *memory = nn_gru_layer(graph, "encoder", vectors(graph, "source.words", t.source, size),
                                   units, reads);
    nn_node *projected = nn_project(graph, "attention.keys", memory, units, false);
    nn_node *written = vectors(graph, "target.words", t.target, size);
    state.h[0] = nn_tanh(graph, nn_project(graph, "start", last.h[1], units, true));
    for (int i = 0; i < steps; i++) {
        nn_node *answer =
            nn_additive_context(graph, "attention", state.h[0], memory, projected, t.lengths, NULL);
        nn_node *word = nn_squeeze(graph, nn_slice_axis(graph, written, 0, i, 1), (int[]){0}, 1);
        nn_node *x = nn_concat(graph, (nn_node *[]){word, answer}, 2, 0);
        nn_recurrent_layer_args step = {.initial = &state};
        nn_node *h = nn_gru_layer(graph, "decoder", x, units, step);
        part[i] = nn_concat(graph, (nn_node *[]){h, answer}, 2, 0);
        state.h[0] = h;
    }
    nn_node *scores = nn_project(graph, "out", joined(graph, part, steps), size->classes, true);
    nn_assemble_tokens(graph, made, scores, t.labels);
}

static const nn_architecture list[] = {
    {.name = "seq2seq",
     .what = "an LSTM reads, another writes",
     .source = "Sutskever et al. 2014, small",
     .sample = {1, {16}},
     .classes = 10000,
     .width = 256,
     .assemble = seq2seq},
    {.name = "seq2seq-attention",
     .what = "the writer looks back at what was read",
     .source = "Bahdanau et al. 2015, small",
     .sample = {1, {16}},
     .classes = 10000,
     .width = 256,
     .assemble = seq2seq_attention},
};

const nn_architecture_family nn_translation_family = NN_FAMILY(list);
