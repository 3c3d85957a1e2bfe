/* The list of architectures, and what all of them share: inputs, widths, the classifier's loss. */
#include "engine/models/catalogue.h"

#include "engine/losses.h"
#include "engine/models/families.h"
#include "engine/models/models.h"

#include <stdlib.h>
#include <string.h>

/* --- inputs -------------------------------------------------------------------------------------
 */

static nn_node *feed(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample,
                     nn_feed entry)
{
    if (made->feeds == NN_FEEDS)
        return nn_graph_refuse(graph, NN_E_ARG, "input '%s': a network has at most %d", name,
                               NN_FEEDS);
    entry.node = nn_input(graph, name, entry.kind == NN_FEED_WHOLE ? NN_I32 : NN_F, sample);
    if (entry.node)
        made->feed[made->feeds++] = entry;
    return entry.node;
}

nn_node *nn_feed_real(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample)
{
    return feed(made, graph, name, sample, (nn_feed){.kind = NN_FEED_REAL});
}

nn_node *nn_feed_unit(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample)
{
    return feed(made, graph, name, sample, (nn_feed){.kind = NN_FEED_UNIT});
}

nn_node *nn_feed_mask(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample)
{
    return feed(made, graph, name, sample, (nn_feed){.kind = NN_FEED_MASK});
}

nn_node *nn_feed_whole(nn_assembly *made, nn_graph *graph, const char *name, nn_shape sample,
                       int32_t low, int32_t high)
{
    return feed(made, graph, name, sample,
                (nn_feed){.kind = NN_FEED_WHOLE, .low = low, .high = high});
}

int nn_slim(const nn_model_size *size, int width)
{
    int slim = size->slim > 1 ? size->slim : 1;
    return width / slim > 0 ? width / slim : 1;
}

const char *nn_join_name(char text[NN_NAME_MAX], const char *name, const char *part)
{
    size_t used = strlen(name), room = NN_NAME_MAX - 1;
    used = used < room ? used : room;
    memcpy(text, name, used);
    size_t more = strlen(part) < room - used ? strlen(part) : room - used;
    memcpy(text + used, part, more);
    text[used + more] = '\0';
    return text;
}

/* --- the list -----------------------------------------------------------------------------------
 */

static const nn_architecture_family *const families[] = {
    &nn_convolutional_family, &nn_vision_family,    &nn_sequences_family,
    &nn_words_family,         &nn_attention_family, &nn_translation_family,
};
enum { FAMILIES = sizeof families / sizeof families[0] };

int nn_architecture_count(void)
{
    int count = 0;
    for (int f = 0; f < FAMILIES; f++)
        count += families[f]->count;
    return count;
}

const nn_architecture *nn_architecture_at(int i)
{
    for (int f = 0; f < FAMILIES; i -= families[f++]->count)
        if (i >= 0 && i < families[f]->count)
            return &families[f]->list[i];
    return NULL;
}

const nn_architecture *nn_architecture_find(const char *name, int *slim)
{
    const char *slash = strchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : strlen(name);
    long divisor = 1;
    if (slash) {
        char *end;
        divisor = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end || divisor < 1 || divisor > 1024)
            return NULL;
    }
    for (int i = 0; i < nn_architecture_count(); i++) {
        const nn_architecture *kind = nn_architecture_at(i);
        if (strlen(kind->name) == length && strncmp(kind->name, name, length) == 0) {
            if (slim)
                *slim = (int)divisor;
            return kind;
        }
    }
    return NULL;
}

/* --- building -----------------------------------------------------------------------------------
 */

static void assemble_classifier(nn_graph *graph, const nn_architecture *kind,
                                const nn_model_size *size, nn_assembly *made)
{
    nn_node *x = nn_feed_real(made, graph, "x", size->sample);
    nn_node *labels = nn_feed_whole(made, graph, "labels", (nn_shape){0}, 0, size->classes);
    made->output = kind->logits(graph, x, kind, size);
    nn_named(graph, "cross_entropy");
    nn_node *each = nn_softmax_cross_entropy(graph, made->output, labels);
    made->loss = nn_mean(nn_named(graph, "loss"), each);
}

void nn_assemble_tokens(nn_graph *graph, nn_assembly *made, nn_node *logits, nn_node *labels)
{
    nn_label_args args = {.ignores = true, .ignored = NN_NO_LABEL};
    made->output = logits;
    nn_node *each =
        nn_class_cross_entropy(nn_named(graph, "cross_entropy"), logits, labels, NULL, args);
    nn_node *counts = nn_label_weight(nn_named(graph, "counts"), labels, NULL, args);
    made->loss = nn_weighted_mean(nn_named(graph, "loss"), each, counts, NN_OVER_WEIGHTS);
}

nn_status nn_architecture_build(nn_graph *graph, const nn_architecture *kind, nn_model_size size,
                                nn_assembly *made, nn_error *error)
{
    *made = (nn_assembly){.feeds = 0};
    if (!graph || !kind)
        return nn_fail(error, NN_E_ARG, "network: no %s given", graph ? "architecture" : "graph");
    if (size.sample.rank == 0)
        size.sample = kind->sample;
    if (size.classes == 0)
        size.classes = kind->classes;
    if (kind->logits)
        assemble_classifier(graph, kind, &size, made);
    else
        kind->assemble(graph, kind, &size, made);
    nn_status status = nn_graph_error(graph, error);
    if (status == NN_OK && !made->loss)
        status = nn_fail(error, NN_E_NOMEM, "network '%s': out of memory", kind->name);
    return status;
}

nn_status nn_model_build(nn_graph *graph, const char *text, nn_model_size size, nn_assembly *made,
                         nn_error *error)
{
    int slim = 1;
    const nn_architecture *kind = nn_architecture_find(text, &slim);
    if (kind) {
        if (slim > 1)
            size.slim = slim;
        return nn_architecture_build(graph, kind, size, made, error);
    }
    nn_network network;
    nn_shape sample = size.sample.rank ? size.sample : nn_shape3(1, 28, 28);
    int classes = size.classes ? size.classes : 10;
    nn_status status = nn_describe(graph, text, sample, classes, size.dropout, &network, error);
    *made = (nn_assembly){
        .feed = {{network.x, NN_FEED_REAL, 0, 0}, {network.labels, NN_FEED_WHOLE, 0, classes}},
        .feeds = 2,
        .output = network.logits,
        .loss = network.loss};
    return status;
}
