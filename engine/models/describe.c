/* Networks from one line of text.
 *
 *     description = layer { "|" layer }
 *     layer       = word { number | size | key "=" value }
 *
 * with the layers of nn_model_words. The shape of one example is followed from layer to layer, so
 * that a mistake is answered with its place in the line before anything is built. */
#include "engine/models/catalogue.h"
#include "engine/models/line.h"
#include "engine/models/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 200 };

/* --- the line into layers -------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const nn_layer_kind *find_kind(nn_word w)
{
    const nn_layer_kind *kinds;
    for (int i = 0, count = nn_layer_kinds(&kinds); i < count; i++)
        if (nn_word_is(w, kinds[i].name) || (kinds[i].alias && nn_word_is(w, kinds[i].alias)))
            return &kinds[i];
    return NULL;
}

/* Words that people bring along from elsewhere. */
static const char *advice(nn_word w)
{
    if (nn_word_is(w, "softmax"))
        return "the loss takes the softmax itself; leave it out";
    if (nn_word_is(w, "fc") || nn_word_is(w, "Dense"))
        return "fully connected layers are called dense";
    if (nn_word_is(w, "pool") || nn_word_is(w, "maxpool2d"))
        return "expected maxpool or avgpool";
    return "no such layer; expected conv, maxpool, avgpool, globalavgpool, flatten, dense, rnn, "
           "gru, "
           "lstm, relu, gelu, leaky, sigmoid, tanh, dropout, batchnorm";
}

/* The layer in text[0..length), which may be blank. */
static bool read_layer(nn_line *line, const char *text, int length, nn_layer *l)
{
    *l = (nn_layer){.whole = {text, length}};
    for (int i = 0; i < length;) {
        if (is_blank(text[i])) {
            i++;
            continue;
        }
        nn_word w = {text + i, 0};
        while (i < length && !is_blank(text[i]))
            i++;
        w.length = (int)(text + i - w.text);
        if (l->word_count == NN_LINE_WORDS) {
            nn_line_refuse(line, w, NN_E_ARG, "too many words; is a '|' missing before it?");
            return false;
        }
        l->words[l->word_count++] = w;
    }
    if (l->word_count == 0) {
        nn_line_refuse(line, (nn_word){text, 0}, NN_E_ARG, "expected a layer between two '|'");
        return false;
    }
    const nn_word *last = &l->words[l->word_count - 1];
    l->whole = (nn_word){l->words[0].text, (int)(last->text + last->length - l->words[0].text)};
    l->kind = find_kind(l->words[0]);
    if (!l->kind)
        nn_line_refuse(line, l->words[0], NN_E_ARG, "%s", advice(l->words[0]));
    return l->kind != NULL;
}

static bool read_layers(nn_line *line)
{
    const char *at = line->text;
    for (;;) {
        size_t length = strcspn(at, "|");
        if (line->layer_count == MAX_LAYERS || length > 4096) {
            nn_line_refuse(line, (nn_word){at, 0}, NN_E_ARG,
                           "expected at most %d layers of at most 4096 bytes", MAX_LAYERS);
            return false;
        }
        if (!read_layer(line, at, (int)length, &line->layers[line->layer_count]))
            return false;
        line->layer_count++;
        at += length;
        if (!*at)
            return true;
        at++;
    }
}

/* --- the network ----------------------------------------------------------------------------- */

static bool build_layers(nn_line *line)
{
    const nn_layer_kind *kinds;
    nn_layer_kinds(&kinds);
    for (int i = 0; i < line->layer_count; i++) {
        const nn_layer *l = &line->layers[i];
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "%s%d", l->kind->name, ++line->number[l->kind - kinds]);
        line->x = l->kind->build(line, l, name);
        if (!line->x) {
            nn_error why = {NN_E_NOMEM, "no memory for it"};
            nn_graph_error(line->graph, &why);
            nn_line_refuse(line, l->whole, why.code ? why.code : NN_E_NOMEM, "%s", why.text);
            return false;
        }
    }
    return true;
}

/* One value a class must leave the last layer, untouched: the loss works on logits. */
static bool check_end(nn_line *line, int classes, bool *binary)
{
    char text[NN_SHAPE_TEXT];
    const nn_layer *last = &line->layers[line->layer_count - 1];
    const nn_layer_kind *kind = last->kind;
    *binary = classes == 2 && line->sample.rank == 1 && line->sample.dim[0] == 1;
    if (line->sample.rank != 1 || (line->sample.dim[0] != classes && !*binary)) {
        nn_line_refuse(
            line, last->whole, NN_E_SHAPE,
            "the last layer gives %s values, but there are %d classes; end with '%sdense %d'",
            nn_line_arriving(line, text), classes, line->sample.rank == 1 ? "" : "flatten | ",
            classes);
        return false;
    }
    if (kind->role == NN_ROLE_RELU || kind->role == NN_ROLE_SQUASH ||
        kind->role == NN_ROLE_DROPOUT) {
        nn_line_refuse(line, last->whole, NN_E_ARG,
                       "the loss takes the values of the last dense as they are; leave the %s out",
                       kind->name);
        return false;
    }
    return true;
}

static bool check_data(nn_graph *graph, nn_shape sample, int classes, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    if ((sample.rank != 1 && sample.rank != 3) || nn_shape_count(sample) < 1 || classes < 2) {
        nn_fail(error, NN_E_SHAPE,
                "model for examples of %s and %d classes; expected (columns) or (channels, rows, "
                "columns), and at least 2 classes",
                nn_shape_text(sample, text), classes);
        nn_graph_refuse(graph, NN_E_SHAPE, "model: an example is %s", text);
        return false;
    }
    return true;
}

/* line->text is the description. */
static nn_status build_network(nn_line *line, nn_shape sample, int classes, nn_network *network)
{
    bool binary = false;
    network->x = line->x = nn_input(line->graph, "x", NN_F, sample);
    network->labels = nn_input(line->graph, "labels", NN_I32, (nn_shape){0});
    if (!read_layers(line) || !build_layers(line) || !check_end(line, classes, &binary))
        return line->status;
    network->logits = line->x;
    nn_named(line->graph, "cross_entropy");
    nn_node *each = binary ? nn_sigmoid_cross_entropy(line->graph, line->x, network->labels)
                           : nn_softmax_cross_entropy(line->graph, line->x, network->labels);
    network->loss = nn_mean(nn_named(line->graph, "loss"), each);
    return network->loss ? NN_OK : nn_graph_error(line->graph, line->error);
}

/* A name has one word without numbers; what is neither known name nor layer is answered as one. */
static bool looks_like_name(const char *text)
{
    const nn_model_info *list;
    for (int i = 0, count = nn_model_list(&list); i < count; i++)
        if (strcmp(list[i].name, text) == 0)
            return true;
    return !strpbrk(text, "| \t\n") && *text && !find_kind((nn_word){text, (int)strlen(text)});
}

static nn_status build_architecture(nn_graph *graph, const nn_architecture *kind,
                                    nn_model_size size, nn_network *network, nn_error *error)
{
    nn_assembly made;
    if (!kind->logits)
        return nn_fail(error, NN_E_ARG,
                       "model '%s' has inputs and a loss of its own; expected a classifier of one "
                       "input",
                       kind->name);
    nn_status status = nn_architecture_build(graph, kind, size, &made, error);
    if (status == NN_OK)
        *network = (nn_network){made.feed[0].node, made.feed[1].node, made.output, made.loss};
    return status;
}

nn_status nn_describe(nn_graph *graph, const char *text, nn_shape sample, int classes,
                      double dropout, nn_network *network, nn_error *error)
{
    char named[NN_MODEL_TEXT];
    *network = (nn_network){0};
    if (!graph || !text)
        return nn_fail(error, NN_E_ARG, "model: no %s given", graph ? "description" : "graph");
    if (!check_data(graph, sample, classes, error))
        return NN_E_SHAPE;
    int slim = 1;
    const nn_architecture *kind = nn_architecture_find(text, &slim);
    if (kind)
        return build_architecture(graph, kind, (nn_model_size){sample, classes, dropout, slim},
                                  network, error);
    if (looks_like_name(text)) {
        nn_status status = nn_model_text(text, sample, classes, dropout, named, error);
        if (status != NN_OK) {
            nn_graph_refuse(graph, status, "model '%.60s' does not exist or fit", text);
            return status;
        }
        text = named;
    }
    nn_line line = {.graph = graph, .text = text, .sample = sample, .error = error};
    line.layers = calloc(MAX_LAYERS, sizeof *line.layers);
    if (!line.layers)
        return nn_fail(error, NN_E_NOMEM, "model: no memory for %d layers", MAX_LAYERS);
    nn_status status = build_network(&line, sample, classes, network);
    free(line.layers);
    if (status != NN_OK)
        *network = (nn_network){0};
    return status;
}
