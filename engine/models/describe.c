/* Networks from one line of text.
 *
 *     description = layer { "|" layer }
 *     layer       = word { number | size | key "=" value }
 *
 * with the layers of nn_model_words. The shape of one example is followed from layer to layer here,
 * so that a mistake is answered with its place in the line before anything is built. */
#include "engine/models/catalogue.h"
#include "engine/models/models.h"

#include "engine/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 200, MAX_WORDS = 8, MAX_UNITS = 1 << 20, MAX_WEIGHTS = 1 << 28 };

typedef struct {
    const char *text;
    int length;
} word;

typedef struct layer_kind layer_kind;

typedef struct {
    const layer_kind *kind;
    word whole; /* "conv 6 5x5 pad=2" */
    word words[MAX_WORDS];
    int word_count; /* the first one names the layer */
} layer;

typedef struct {
    nn_graph *graph;
    const char *text; /* the line; columns count from here */
    layer *layers;
    int layer_count;
    int number[16]; /* layers of each kind so far: "conv2" */
    nn_node *x;
    nn_shape sample; /* what arrives at the next layer, without the batch */
    nn_error *error;
    nn_status status;
} builder;

struct layer_kind {
    const char *name, *alias, *usage;
    nn_node *(*build)(builder *b, const layer *l, const char *name);
};

/* --- errors ---------------------------------------------------------------------------------- */

/* 1-based, in characters of UTF-8. */
static int column_of(const builder *b, const char *at)
{
    int column = 1;
    for (const char *c = b->text; c < at; c++)
        column += ((unsigned char)*c & 0xC0) != 0x80;
    return column;
}

/* "column 23, 'dense 10': ..." Always NULL; keeps the first error, here and in the graph. */
static nn_node *refuse(builder *b, word at, nn_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static nn_node *refuse(builder *b, word at, nn_status code, const char *format, ...)
{
    char why[256];
    va_list list;
    if (b->status != NN_OK)
        return NULL;
    va_start(list, format);
    vsnprintf(why, sizeof why, format, list);
    va_end(list);
    char quoted[40] = "";
    if (at.length > 0)
        snprintf(quoted, sizeof quoted, ", '%.*s%s'", at.length > 28 ? 25 : at.length, at.text,
                 at.length > 28 ? "..." : "");
    b->status = code;
    nn_fail(b->error, code, "column %d%s: %s", column_of(b, at.text), quoted, why);
    return nn_graph_refuse(b->graph, code, "model, column %d: %s", column_of(b, at.text), why);
}

/* --- words to numbers ------------------------------------------------------------------------ */

static bool is_word(word w, const char *text)
{
    return (int)strlen(text) == w.length && strncmp(w.text, text, (size_t)w.length) == 0;
}

/* A whole number of at most 7 digits at *at; moves behind it. */
static bool take_whole(const char **at, const char *end, int *value)
{
    const char *start = *at;
    *value = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - start < 7)
        *value = *value * 10 + (*(*at)++ - '0');
    return *at > start;
}

/* "5" or "5x3" (rows x columns). */
static bool take_pair(word w, int pair[2])
{
    const char *at = w.text, *end = w.text + w.length;
    if (!take_whole(&at, end, &pair[0]))
        return false;
    pair[1] = pair[0];
    if (at < end && *at == 'x') {
        at++;
        if (!take_whole(&at, end, &pair[1]))
            return false;
    }
    return at == end;
}

static bool take_number(word w, double *value)
{
    char text[32] = "";
    if (w.length < 1 || w.length >= (int)sizeof text)
        return false;
    memcpy(text, w.text, (size_t)w.length);
    return nn_parse_number(text, value);
}

/* The value behind "key=". */
static bool take_key(word w, const char *key, word *value)
{
    int length = (int)strlen(key);
    if (w.length <= length || strncmp(w.text, key, (size_t)length) != 0 || w.text[length] != '=')
        return false;
    *value = (word){w.text + length + 1, w.length - length - 1};
    return true;
}

/* --- what conv and the pools have in common --------------------------------------------------- */

typedef struct {
    int kernel[2], stride[2], dilation[2], groups;
    int pad[4]; /* top, left, bottom, right */
    bool same;
} window;

static const char *arriving(const builder *b, char text[NN_SHAPE_TEXT])
{
    return nn_shape_text(b->sample, text);
}

static bool is_image(builder *b, const layer *l)
{
    char text[NN_SHAPE_TEXT];
    if (b->sample.rank == 3)
        return true;
    refuse(b, l->whole, NN_E_SHAPE,
           "%s arrives, but %s needs an image (channels x rows x columns); use dense here",
           arriving(b, text), l->kind->name);
    return false;
}

/* Keys from word `first` on. dilation and groups only where `conv`. */
static bool read_keys(builder *b, const layer *l, int first, bool conv, window *w)
{
    for (int i = first; i < l->word_count; i++) {
        word at = l->words[i], value;
        int pair[2];
        if (take_key(at, "pad", &value) && is_word(value, "same")) {
            w->same = true;
        } else if (take_key(at, "pad", &value) && take_pair(value, pair)) {
            for (int side = 0; side < 4; side++)
                w->pad[side] = pair[side % 2];
        } else if (take_key(at, "stride", &value) && take_pair(value, w->stride) &&
                   w->stride[0] > 0 && w->stride[1] > 0) {
        } else if (conv && take_key(at, "dilation", &value) && take_pair(value, w->dilation) &&
                   w->dilation[0] > 0 && w->dilation[1] > 0) {
        } else if (conv && take_key(at, "groups", &value) && take_pair(value, pair) &&
                   pair[0] > 0 && pair[0] == pair[1] &&
                   !memchr(value.text, 'x', (size_t)value.length)) {
            w->groups = pair[0];
        } else {
            refuse(b, at, NN_E_ARG, "expected %s", l->kind->usage);
            return false;
        }
    }
    return true;
}

/* Output rows and columns, or a refusal that says which kernel or padding would fit. */
static bool fit_window(builder *b, const layer *l, window *w, int64_t out[2])
{
    char text[NN_SHAPE_TEXT];
    for (int i = 0; i < 2; i++) {
        int64_t in = b->sample.dim[1 + i], stride = w->stride[i];
        int64_t kernel = (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1;
        if (w->same) { /* as many outputs as ceil(in / stride); the odd row goes below */
            int64_t total = ((in + stride - 1) / stride - 1) * stride + kernel - in;
            total = total > 0 ? total : 0;
            w->pad[i] = (int)(total / 2);
            w->pad[i + 2] = (int)(total - total / 2);
        }
        int64_t padded = in + w->pad[i] + w->pad[i + 2];
        if (w->pad[i] >= kernel || w->pad[i + 2] >= kernel) {
            refuse(b, l->whole, NN_E_ARG,
                   "pad=%d leaves windows with nothing inside; use less than %lld", w->pad[i],
                   (long long)kernel);
            return false;
        }
        if (padded < kernel) {
            refuse(b, l->whole, NN_E_SHAPE,
                   "%s arrives, but the kernel spans %lld %s; use at most %lldx%lld%s, or pad=%lld",
                   arriving(b, text), (long long)kernel, i ? "columns" : "rows",
                   (long long)b->sample.dim[1], (long long)b->sample.dim[2],
                   w->dilation[i] > 1 ? " without dilation" : "",
                   (long long)((kernel - in + 1) / 2));
            return false;
        }
        out[i] = (padded - kernel) / stride + 1;
    }
    return true;
}

static bool too_many_weights(builder *b, const layer *l, double weights)
{
    if (weights <= MAX_WEIGHTS)
        return false;
    refuse(b, l->whole, NN_E_ARG, "%.0f weights; expected at most %d in one layer", weights,
           MAX_WEIGHTS);
    return true;
}

/* --- initialisation -------------------------------------------------------------------------- */

static nn_node *build_relu(builder *b, const layer *l, const char *name);
static nn_node *build_leaky(builder *b, const layer *l, const char *name);
static nn_node *build_conv(builder *b, const layer *l, const char *name);
static nn_node *build_dense(builder *b, const layer *l, const char *name);
static nn_node *build_sigmoid(builder *b, const layer *l, const char *name);
static nn_node *build_tanh(builder *b, const layer *l, const char *name);

/* He where the next nonlinearity is a ReLU of some kind, Xavier elsewhere (chapter 10). Pools,
 * normalisation, dropout and flatten lie between without changing that. */
static nn_init init_for(const builder *b, const layer *l)
{
    for (const layer *next = l + 1; next < b->layers + b->layer_count; next++) {
        if (next->kind->build == build_relu || next->kind->build == build_leaky)
            return NN_INIT_HE;
        if (next->kind->build == build_conv || next->kind->build == build_dense ||
            next->kind->build == build_sigmoid || next->kind->build == build_tanh)
            break;
    }
    return NN_INIT_XAVIER;
}

/* --- layers ---------------------------------------------------------------------------------- */

static nn_node *build_conv(builder *b, const layer *l, const char *name)
{
    char text[NN_SHAPE_TEXT];
    window w = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    int filters[2];
    int64_t out[2];
    if (!is_image(b, l))
        return NULL;
    if (l->word_count < 3 || !take_pair(l->words[1], filters) || filters[0] != filters[1] ||
        filters[0] < 1 || filters[0] > MAX_UNITS)
        return refuse(b, l->word_count > 1 ? l->words[1] : l->whole, NN_E_ARG, "expected %s",
                      l->kind->usage);
    if (!take_pair(l->words[2], w.kernel) || w.kernel[0] < 1 || w.kernel[1] < 1)
        return refuse(b, l->words[2], NN_E_ARG, "expected a kernel such as 5x5, as in %s",
                      l->kind->usage);
    if (!read_keys(b, l, 3, true, &w) || !fit_window(b, l, &w, out))
        return NULL;
    int64_t channels = b->sample.dim[0];
    if (channels % w.groups || filters[0] % w.groups)
        return refuse(b, l->whole, NN_E_SHAPE,
                      "%s arrives: %d groups do not divide %lld channels and %d filters",
                      arriving(b, text), w.groups, (long long)channels, filters[0]);
    int64_t depth = channels / w.groups;
    if (too_many_weights(b, l, (double)filters[0] * (double)depth * w.kernel[0] * w.kernel[1]))
        return NULL;
    nn_conv_args args = {.stride = {w.stride[0], w.stride[1]},
                         .pad = {w.pad[0], w.pad[1], w.pad[2], w.pad[3]},
                         .dilation = {w.dilation[0], w.dilation[1]},
                         .groups = w.groups};
    b->sample = nn_shape3(filters[0], out[0], out[1]);
    return nn_conv(b->graph, name, b->x, filters[0], w.kernel[0], w.kernel[1], args,
                   init_for(b, l));
}

static nn_node *build_pool(builder *b, const layer *l, const char *name, bool average)
{
    window w = {.dilation = {1, 1}, .groups = 1};
    int64_t out[2];
    if (!is_image(b, l))
        return NULL;
    if (l->word_count < 2 || !take_pair(l->words[1], w.kernel) || w.kernel[0] < 1 ||
        w.kernel[1] < 1)
        return refuse(b, l->word_count > 1 ? l->words[1] : l->whole, NN_E_ARG, "expected %s",
                      l->kind->usage);
    w.stride[0] = w.kernel[0];
    w.stride[1] = w.kernel[1];
    if (!read_keys(b, l, 2, false, &w) || !fit_window(b, l, &w, out))
        return NULL;
    nn_pool_args args = {.kernel = {w.kernel[0], w.kernel[1]},
                         .stride = {w.stride[0], w.stride[1]},
                         .pad = {w.pad[0], w.pad[1], w.pad[2], w.pad[3]}};
    b->sample = nn_shape3(b->sample.dim[0], out[0], out[1]);
    nn_named(b->graph, "%s", name);
    return average ? nn_average_pool2d(b->graph, b->x, args) : nn_max_pool2d(b->graph, b->x, args);
}

static nn_node *build_maxpool(builder *b, const layer *l, const char *name)
{
    return build_pool(b, l, name, false);
}

static nn_node *build_avgpool(builder *b, const layer *l, const char *name)
{
    return build_pool(b, l, name, true);
}

static bool no_words(builder *b, const layer *l)
{
    if (l->word_count > 1)
        refuse(b, l->words[1], NN_E_ARG, "%s stands alone; expected '|' or the end", l->kind->name);
    return l->word_count == 1;
}

static nn_node *build_globalavgpool(builder *b, const layer *l, const char *name)
{
    if (!is_image(b, l) || !no_words(b, l))
        return NULL;
    nn_pool_args args = {.kernel = {(int)b->sample.dim[1], (int)b->sample.dim[2]}};
    b->sample = nn_shape1(b->sample.dim[0]);
    nn_node *mean = nn_average_pool2d(nn_named(b->graph, "%s", name), b->x, args);
    return nn_flatten(b->graph, mean);
}

static nn_node *build_flatten(builder *b, const layer *l, const char *name)
{
    if (!no_words(b, l))
        return NULL;
    b->sample = nn_shape1(nn_shape_count(b->sample));
    return nn_flatten(nn_named(b->graph, "%s", name), b->x);
}

static nn_node *build_dense(builder *b, const layer *l, const char *name)
{
    char text[NN_SHAPE_TEXT];
    int units[2];
    if (l->word_count != 2 || !take_pair(l->words[1], units) || units[0] != units[1] ||
        units[0] < 1 || units[0] > MAX_UNITS)
        return refuse(b, l->word_count > 1 ? l->words[l->word_count - 1] : l->whole, NN_E_ARG,
                      "expected %s with 1 to %d", l->kind->usage, MAX_UNITS);
    if (b->sample.rank != 1)
        return refuse(b, l->whole, NN_E_SHAPE,
                      "%s arrives, but dense needs plain features; put 'flatten |' before it",
                      arriving(b, text));
    if (too_many_weights(b, l, (double)units[0] * (double)b->sample.dim[0]))
        return NULL;
    b->sample = nn_shape1(units[0]);
    return nn_dense(b->graph, name, b->x, units[0], init_for(b, l));
}

static nn_node *build_relu(builder *b, const layer *l, const char *name)
{
    return no_words(b, l) ? nn_relu(nn_named(b->graph, "%s", name), b->x) : NULL;
}

static nn_node *build_sigmoid(builder *b, const layer *l, const char *name)
{
    return no_words(b, l) ? nn_sigmoid(nn_named(b->graph, "%s", name), b->x) : NULL;
}

static nn_node *build_tanh(builder *b, const layer *l, const char *name)
{
    return no_words(b, l) ? nn_tanh(nn_named(b->graph, "%s", name), b->x) : NULL;
}

static nn_node *build_leaky(builder *b, const layer *l, const char *name)
{
    double slope = 0.01;
    if (l->word_count > 2 ||
        (l->word_count == 2 && (!take_number(l->words[1], &slope) || slope < 0 || slope >= 1)))
        return refuse(b, l->words[l->word_count - 1], NN_E_ARG,
                      "expected %s with a slope of 0 or more and less than 1", l->kind->usage);
    return nn_leaky_relu(nn_named(b->graph, "%s", name), b->x, slope);
}

static nn_node *build_dropout(builder *b, const layer *l, const char *name)
{
    double rate = 0;
    if (l->word_count != 2 || !take_number(l->words[1], &rate) || rate < 0 || rate >= 1)
        return refuse(b, l->words[l->word_count - 1], NN_E_ARG,
                      "expected %s with a rate of 0 or more and less than 1", l->kind->usage);
    return nn_dropout(nn_named(b->graph, "%s", name), b->x, rate);
}

static nn_node *build_batchnorm(builder *b, const layer *l, const char *name)
{
    if (!no_words(b, l))
        return NULL;
    return nn_batch_norm_layer(b->graph, name, b->x, (nn_batch_norm_args){0});
}

static const layer_kind kinds[] = {
    {"conv", "conv2d", "conv FILTERS KxK [stride=S] [pad=P|same] [dilation=D] [groups=G]",
     build_conv},
    {"maxpool", "pool", "maxpool K [stride=S] [pad=P|same]", build_maxpool},
    {"avgpool", "averagepool", "avgpool K [stride=S] [pad=P|same]", build_avgpool},
    {"globalavgpool", "gap", "globalavgpool", build_globalavgpool},
    {"flatten", NULL, "flatten", build_flatten},
    {"dense", "linear", "dense UNITS", build_dense},
    {"relu", NULL, "relu", build_relu},
    {"leaky", "leakyrelu", "leaky [SLOPE]", build_leaky},
    {"sigmoid", NULL, "sigmoid", build_sigmoid},
    {"tanh", NULL, "tanh", build_tanh},
    {"dropout", NULL, "dropout RATE", build_dropout},
    {"batchnorm", "bn", "batchnorm", build_batchnorm},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *nn_model_words(void)
{
    return "conv FILTERS KxK [stride=S] [pad=P|same] [dilation=D] [groups=G]\n"
           "maxpool K [stride=S] [pad=P|same]\n"
           "avgpool K [stride=S] [pad=P|same]\n"
           "globalavgpool\n"
           "flatten\n"
           "dense UNITS\n"
           "relu\n"
           "leaky [SLOPE]\n"
           "sigmoid\n"
           "tanh\n"
           "dropout RATE\n"
           "batchnorm\n";
}

/* --- the line into layers -------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const layer_kind *find_kind(word w)
{
    for (int i = 0; i < KINDS; i++)
        if (is_word(w, kinds[i].name) || (kinds[i].alias && is_word(w, kinds[i].alias)))
            return &kinds[i];
    return NULL;
}

/* Words that people bring along from elsewhere. */
static const char *advice(word w)
{
    if (is_word(w, "softmax"))
        return "the loss takes the softmax itself; leave it out";
    if (is_word(w, "fc") || is_word(w, "Dense"))
        return "fully connected layers are called dense";
    if (is_word(w, "pool") || is_word(w, "maxpool2d"))
        return "expected maxpool or avgpool";
    return "no such layer; expected conv, maxpool, avgpool, globalavgpool, flatten, dense, relu, "
           "leaky, sigmoid, tanh, dropout, batchnorm";
}

/* The layer in text[0..length), which may be blank. */
static bool read_layer(builder *b, const char *text, int length, layer *l)
{
    *l = (layer){.whole = {text, length}};
    for (int i = 0; i < length;) {
        if (is_blank(text[i])) {
            i++;
            continue;
        }
        word w = {text + i, 0};
        while (i < length && !is_blank(text[i]))
            i++;
        w.length = (int)(text + i - w.text);
        if (l->word_count == MAX_WORDS) {
            refuse(b, w, NN_E_ARG, "too many words; is a '|' missing before it?");
            return false;
        }
        l->words[l->word_count++] = w;
    }
    if (l->word_count == 0) {
        refuse(b, (word){text, 0}, NN_E_ARG, "expected a layer between two '|'");
        return false;
    }
    const word *last = &l->words[l->word_count - 1];
    l->whole = (word){l->words[0].text, (int)(last->text + last->length - l->words[0].text)};
    l->kind = find_kind(l->words[0]);
    if (!l->kind)
        refuse(b, l->words[0], NN_E_ARG, "%s", advice(l->words[0]));
    return l->kind != NULL;
}

static bool read_layers(builder *b)
{
    const char *at = b->text;
    for (;;) {
        size_t length = strcspn(at, "|");
        if (b->layer_count == MAX_LAYERS || length > 4096) {
            refuse(b, (word){at, 0}, NN_E_ARG, "expected at most %d layers of at most 4096 bytes",
                   MAX_LAYERS);
            return false;
        }
        if (!read_layer(b, at, (int)length, &b->layers[b->layer_count]))
            return false;
        b->layer_count++;
        at += length;
        if (!*at)
            return true;
        at++;
    }
}

/* --- the network ----------------------------------------------------------------------------- */

static bool build_layers(builder *b)
{
    for (int i = 0; i < b->layer_count; i++) {
        const layer *l = &b->layers[i];
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "%s%d", l->kind->name, ++b->number[l->kind - kinds]);
        b->x = l->kind->build(b, l, name);
        if (!b->x) {
            nn_error why = {NN_E_NOMEM, "no memory for it"};
            nn_graph_error(b->graph, &why);
            refuse(b, l->whole, why.code ? why.code : NN_E_NOMEM, "%s", why.text);
            return false;
        }
    }
    return true;
}

/* One value a class must leave the last layer, untouched: the loss works on logits. */
static bool check_end(builder *b, int classes, bool *binary)
{
    char text[NN_SHAPE_TEXT];
    const layer *last = &b->layers[b->layer_count - 1];
    const layer_kind *kind = last->kind;
    *binary = classes == 2 && b->sample.rank == 1 && b->sample.dim[0] == 1;
    if (b->sample.rank != 1 || (b->sample.dim[0] != classes && !*binary)) {
        refuse(b, last->whole, NN_E_SHAPE,
               "the last layer gives %s values, but there are %d classes; end with '%sdense %d'",
               arriving(b, text), classes, b->sample.rank == 1 ? "" : "flatten | ", classes);
        return false;
    }
    if (kind->build == build_relu || kind->build == build_leaky || kind->build == build_sigmoid ||
        kind->build == build_tanh || kind->build == build_dropout) {
        refuse(b, last->whole, NN_E_ARG,
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

/* b->text is the description. */
static nn_status build_network(builder *b, nn_shape sample, int classes, nn_network *network)
{
    bool binary = false;
    network->x = b->x = nn_input(b->graph, "x", NN_F, sample);
    network->labels = nn_input(b->graph, "labels", NN_I32, (nn_shape){0});
    if (!read_layers(b) || !build_layers(b) || !check_end(b, classes, &binary))
        return b->status;
    network->logits = b->x;
    nn_named(b->graph, "cross_entropy");
    nn_node *each = binary ? nn_sigmoid_cross_entropy(b->graph, b->x, network->labels)
                           : nn_softmax_cross_entropy(b->graph, b->x, network->labels);
    network->loss = nn_mean(nn_named(b->graph, "loss"), each);
    return network->loss ? NN_OK : nn_graph_error(b->graph, b->error);
}

/* A name has one word without numbers; what is neither known name nor layer is answered as one. */
static bool looks_like_name(const char *text)
{
    const nn_model_info *list;
    for (int i = 0, count = nn_model_list(&list); i < count; i++)
        if (strcmp(list[i].name, text) == 0)
            return true;
    return !strpbrk(text, "| \t\n") && *text && !find_kind((word){text, (int)strlen(text)});
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
    builder b = {.graph = graph, .text = text, .sample = sample, .error = error};
    b.layers = calloc(MAX_LAYERS, sizeof *b.layers);
    if (!b.layers)
        return nn_fail(error, NN_E_NOMEM, "model: no memory for %d layers", MAX_LAYERS);
    nn_status status = build_network(&b, sample, classes, network);
    free(b.layers);
    if (status != NN_OK)
        *network = (nn_network){0};
    return status;
}
