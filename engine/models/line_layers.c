/* The layers that a description may name: what each expects behind its word, and which shape leaves
 * it. A new word is an entry in `kinds` and a line in nn_model_words. */
#include "engine/elementwise.h"
#include "engine/models/families.h"
#include "engine/models/line.h"
#include "engine/models/models.h"
#include "engine/recurrent.h"

#include <string.h>

enum { MAX_UNITS = 1 << 20, MAX_WEIGHTS = 1 << 28 };

/* --- what conv and the pools have in common --------------------------------------------------- */

typedef struct {
    int kernel[2], stride[2], dilation[2], groups;
    int pad[4]; /* top, left, bottom, right */
    bool same;
} window;

static bool is_image(nn_line *line, const nn_layer *l)
{
    char text[NN_SHAPE_TEXT];
    if (line->sample.rank == 3)
        return true;
    nn_line_refuse(line, l->whole, NN_E_SHAPE,
                   "%s arrives, but %s needs an image (channels x rows x columns); use dense here",
                   nn_line_arriving(line, text), l->kind->name);
    return false;
}

/* Keys from word `first` on. dilation and groups only where `conv`. */
static bool read_keys(nn_line *line, const nn_layer *l, int first, bool conv, window *w)
{
    for (int i = first; i < l->word_count; i++) {
        nn_word at = l->words[i], value;
        int pair[2];
        if (nn_word_key(at, "pad", &value) && nn_word_is(value, "same")) {
            w->same = true;
        } else if (nn_word_key(at, "pad", &value) && nn_word_pair(value, pair)) {
            for (int side = 0; side < 4; side++)
                w->pad[side] = pair[side % 2];
        } else if (nn_word_key(at, "stride", &value) && nn_word_pair(value, w->stride) &&
                   w->stride[0] > 0 && w->stride[1] > 0) {
        } else if (conv && nn_word_key(at, "dilation", &value) &&
                   nn_word_pair(value, w->dilation) && w->dilation[0] > 0 && w->dilation[1] > 0) {
        } else if (conv && nn_word_key(at, "groups", &value) && nn_word_pair(value, pair) &&
                   pair[0] > 0 && pair[0] == pair[1] &&
                   !memchr(value.text, 'x', (size_t)value.length)) {
            w->groups = pair[0];
        } else {
            nn_line_refuse(line, at, NN_E_ARG, "expected %s", l->kind->usage);
            return false;
        }
    }
    return true;
}

/* Output rows and columns, or a refusal that says which kernel or padding would fit. */
static bool fit_window(nn_line *line, const nn_layer *l, window *w, int64_t out[2])
{
    char text[NN_SHAPE_TEXT];
    for (int i = 0; i < 2; i++) {
        int64_t in = line->sample.dim[1 + i], stride = w->stride[i];
        int64_t kernel = (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1;
        if (w->same) { /* as many outputs as ceil(in / stride); the odd row goes below */
            int64_t total = ((in + stride - 1) / stride - 1) * stride + kernel - in;
            total = total > 0 ? total : 0;
            w->pad[i] = (int)(total / 2);
            w->pad[i + 2] = (int)(total - total / 2);
        }
        int64_t padded = in + w->pad[i] + w->pad[i + 2];
        if (w->pad[i] >= kernel || w->pad[i + 2] >= kernel) {
            nn_line_refuse(line, l->whole, NN_E_ARG,
                           "pad=%d leaves windows with nothing inside; use less than %lld",
                           w->pad[i], (long long)kernel);
            return false;
        }
        if (padded < kernel) {
            nn_line_refuse(
                line, l->whole, NN_E_SHAPE,
                "%s arrives, but the kernel spans %lld %s; use at most %lldx%lld%s, or pad=%lld",
                nn_line_arriving(line, text), (long long)kernel, i ? "columns" : "rows",
                (long long)line->sample.dim[1], (long long)line->sample.dim[2],
                w->dilation[i] > 1 ? " without dilation" : "", (long long)((kernel - in + 1) / 2));
            return false;
        }
        out[i] = (padded - kernel) / stride + 1;
    }
    return true;
}

static bool too_many_weights(nn_line *line, const nn_layer *l, double weights)
{
    if (weights <= MAX_WEIGHTS)
        return false;
    nn_line_refuse(line, l->whole, NN_E_ARG, "%.0f weights; expected at most %d in one layer",
                   weights, MAX_WEIGHTS);
    return true;
}

/* --- initialisation -------------------------------------------------------------------------- */

/* He where the next nonlinearity is a ReLU of some kind, Xavier elsewhere (chapter 10). Pools,
 * normalisation, dropout and flatten lie between without changing that. */
static nn_init init_for(const nn_line *line, const nn_layer *l)
{
    for (const nn_layer *next = l + 1; next < line->layers + line->layer_count; next++) {
        if (next->kind->role == NN_ROLE_RELU)
            return NN_INIT_HE;
        if (next->kind->role == NN_ROLE_WEIGHTS || next->kind->role == NN_ROLE_SQUASH)
            break;
    }
    return NN_INIT_XAVIER;
}

/* --- layers ---------------------------------------------------------------------------------- */

static nn_node *build_conv(nn_line *line, const nn_layer *l, const char *name)
{
    char text[NN_SHAPE_TEXT];
    window w = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    int filters[2];
    int64_t out[2];
    if (!is_image(line, l))
        return NULL;
    if (l->word_count < 3 || !nn_word_pair(l->words[1], filters) || filters[0] != filters[1] ||
        filters[0] < 1 || filters[0] > MAX_UNITS)
        return nn_line_refuse(line, l->word_count > 1 ? l->words[1] : l->whole, NN_E_ARG,
                              "expected %s", l->kind->usage);
    if (!nn_word_pair(l->words[2], w.kernel) || w.kernel[0] < 1 || w.kernel[1] < 1)
        return nn_line_refuse(line, l->words[2], NN_E_ARG,
                              "expected a kernel such as 5x5, as in %s", l->kind->usage);
    if (!read_keys(line, l, 3, true, &w) || !fit_window(line, l, &w, out))
        return NULL;
    int64_t channels = line->sample.dim[0];
    if (channels % w.groups || filters[0] % w.groups)
        return nn_line_refuse(line, l->whole, NN_E_SHAPE,
                              "%s arrives: %d groups do not divide %lld channels and %d filters",
                              nn_line_arriving(line, text), w.groups, (long long)channels,
                              filters[0]);
    int64_t depth = channels / w.groups;
    if (too_many_weights(line, l, (double)filters[0] * (double)depth * w.kernel[0] * w.kernel[1]))
        return NULL;
    nn_conv_args args = {.stride = {w.stride[0], w.stride[1]},
                         .pad = {w.pad[0], w.pad[1], w.pad[2], w.pad[3]},
                         .dilation = {w.dilation[0], w.dilation[1]},
                         .groups = w.groups};
    line->sample = nn_shape3(filters[0], out[0], out[1]);
    return nn_conv(line->graph, name, line->x, filters[0], w.kernel[0], w.kernel[1], args,
                   init_for(line, l));
}

static nn_node *build_pool(nn_line *line, const nn_layer *l, const char *name, bool average)
{
    window w = {.dilation = {1, 1}, .groups = 1};
    int64_t out[2];
    if (!is_image(line, l))
        return NULL;
    if (l->word_count < 2 || !nn_word_pair(l->words[1], w.kernel) || w.kernel[0] < 1 ||
        w.kernel[1] < 1)
        return nn_line_refuse(line, l->word_count > 1 ? l->words[1] : l->whole, NN_E_ARG,
                              "expected %s", l->kind->usage);
    w.stride[0] = w.kernel[0];
    w.stride[1] = w.kernel[1];
    if (!read_keys(line, l, 2, false, &w) || !fit_window(line, l, &w, out))
        return NULL;
    nn_pool_args args = {.kernel = {w.kernel[0], w.kernel[1]},
                         .stride = {w.stride[0], w.stride[1]},
                         .pad = {w.pad[0], w.pad[1], w.pad[2], w.pad[3]}};
    line->sample = nn_shape3(line->sample.dim[0], out[0], out[1]);
    nn_named(line->graph, "%s", name);
    return average ? nn_average_pool2d(line->graph, line->x, args)
                   : nn_max_pool2d(line->graph, line->x, args);
}

static nn_node *build_maxpool(nn_line *line, const nn_layer *l, const char *name)
{
    return build_pool(line, l, name, false);
}

static nn_node *build_avgpool(nn_line *line, const nn_layer *l, const char *name)
{
    return build_pool(line, l, name, true);
}

static bool no_words(nn_line *line, const nn_layer *l)
{
    if (l->word_count > 1)
        nn_line_refuse(line, l->words[1], NN_E_ARG, "%s stands alone; expected '|' or the end",
                       l->kind->name);
    return l->word_count == 1;
}

static nn_node *build_globalavgpool(nn_line *line, const nn_layer *l, const char *name)
{
    if (!is_image(line, l) || !no_words(line, l))
        return NULL;
    nn_pool_args args = {.kernel = {(int)line->sample.dim[1], (int)line->sample.dim[2]}};
    line->sample = nn_shape1(line->sample.dim[0]);
    nn_node *mean = nn_average_pool2d(nn_named(line->graph, "%s", name), line->x, args);
    return nn_flatten(line->graph, mean);
}

static nn_node *build_flatten(nn_line *line, const nn_layer *l, const char *name)
{
    if (!no_words(line, l))
        return NULL;
    line->sample = nn_shape1(nn_shape_count(line->sample));
    return nn_flatten(nn_named(line->graph, "%s", name), line->x);
}

/* The first word behind the layer's name, the last but `more`: a whole number of units. */
static bool take_units(nn_line *line, const nn_layer *l, int more, int *units)
{
    int pair[2];
    if (l->word_count > 1 && l->word_count <= 2 + more && nn_word_pair(l->words[1], pair) &&
        pair[0] == pair[1] && pair[0] >= 1 && pair[0] <= MAX_UNITS) {
        *units = pair[0];
        return true;
    }
    nn_line_refuse(line, l->word_count > 1 ? l->words[l->word_count - 1] : l->whole, NN_E_ARG,
                   "expected %s with 1 to %d", l->kind->usage, MAX_UNITS);
    return false;
}

/* "init=zeros|he|xavier" and "bias=no" behind the units of a dense layer. */
static bool read_dense_keys(nn_line *line, const nn_layer *l, nn_init *init, bool *biased)
{
    static const struct {
        const char *word;
        nn_init init;
    } known[] = {
        {"init=zeros", NN_INIT_ZEROS}, {"init=he", NN_INIT_HE}, {"init=xavier", NN_INIT_XAVIER}};
    for (int i = 2; i < l->word_count; i++) {
        bool found = nn_word_is(l->words[i], "bias=no");
        *biased = *biased && !found;
        for (int k = 0; k < 3; k++)
            if (nn_word_is(l->words[i], known[k].word)) {
                *init = known[k].init;
                found = true;
            }
        if (!found) {
            nn_line_refuse(line, l->words[i], NN_E_ARG, "expected %s", l->kind->usage);
            return false;
        }
    }
    return true;
}

static nn_node *build_dense(nn_line *line, const nn_layer *l, const char *name)
{
    char text[NN_SHAPE_TEXT];
    int units;
    bool biased = true;
    nn_init init = init_for(line, l);
    if (!take_units(line, l, 2, &units) || !read_dense_keys(line, l, &init, &biased))
        return NULL;
    if (line->sample.rank != 1)
        return nn_line_refuse(line, l->whole, NN_E_SHAPE,
                              "%s arrives, but dense needs plain features; put 'flatten |' before "
                              "it",
                              nn_line_arriving(line, text));
    if (too_many_weights(line, l, (double)units * (double)line->sample.dim[0]))
        return NULL;
    line->sample = nn_shape1(units);
    return biased ? nn_dense(line->graph, name, line->x, units, init)
                  : nn_dense_unbiased(line->graph, name, line->x, units, init);
}

typedef nn_node *(*recurrent_layer)(nn_graph *, const char *, nn_node *, int,
                                    nn_recurrent_layer_args);

/* Reads an image row by row, channel after channel; the state after the last row goes on. */
static nn_node *build_recurrent(nn_line *line, const nn_layer *l, const char *name,
                                recurrent_layer layer, int gates)
{
    int units;
    if (!is_image(line, l) || !take_units(line, l, 0, &units))
        return NULL;
    if (too_many_weights(line, l, (double)gates * units * ((double)line->sample.dim[2] + units)))
        return NULL;
    nn_recurrent_layer_args args = {.last = true, .cell = {.reset_after = gates == 3}};
    line->sample = nn_shape1(units);
    return layer(line->graph, name, nn_as_steps(line->graph, line->x), units, args);
}

static nn_node *build_rnn(nn_line *line, const nn_layer *l, const char *name)
{
    return build_recurrent(line, l, name, nn_rnn_layer, 1);
}

static nn_node *build_gru(nn_line *line, const nn_layer *l, const char *name)
{
    return build_recurrent(line, l, name, nn_gru_layer, 3);
}

static nn_node *build_lstm(nn_line *line, const nn_layer *l, const char *name)
{
    return build_recurrent(line, l, name, nn_lstm_layer, 4);
}

static nn_node *build_relu(nn_line *line, const nn_layer *l, const char *name)
{
    return no_words(line, l) ? nn_relu(nn_named(line->graph, "%s", name), line->x) : NULL;
}

static nn_node *build_gelu(nn_line *line, const nn_layer *l, const char *name)
{
    return no_words(line, l) ? nn_gelu(nn_named(line->graph, "%s", name), line->x) : NULL;
}

static nn_node *build_sigmoid(nn_line *line, const nn_layer *l, const char *name)
{
    return no_words(line, l) ? nn_sigmoid(nn_named(line->graph, "%s", name), line->x) : NULL;
}

static nn_node *build_tanh(nn_line *line, const nn_layer *l, const char *name)
{
    return no_words(line, l) ? nn_tanh(nn_named(line->graph, "%s", name), line->x) : NULL;
}

static nn_node *build_leaky(nn_line *line, const nn_layer *l, const char *name)
{
    double slope = 0.01;
    if (l->word_count > 2 ||
        (l->word_count == 2 && (!nn_word_number(l->words[1], &slope) || slope < 0 || slope >= 1)))
        return nn_line_refuse(line, l->words[l->word_count - 1], NN_E_ARG,
                              "expected %s with a slope of 0 or more and less than 1",
                              l->kind->usage);
    return nn_leaky_relu(nn_named(line->graph, "%s", name), line->x, slope);
}

static nn_node *build_dropout(nn_line *line, const nn_layer *l, const char *name)
{
    double rate = 0;
    if (l->word_count != 2 || !nn_word_number(l->words[1], &rate) || rate < 0 || rate >= 1)
        return nn_line_refuse(line, l->words[l->word_count - 1], NN_E_ARG,
                              "expected %s with a rate of 0 or more and less than 1",
                              l->kind->usage);
    return nn_dropout(nn_named(line->graph, "%s", name), line->x, rate);
}

static nn_node *build_batchnorm(nn_line *line, const nn_layer *l, const char *name)
{
    if (!no_words(line, l))
        return NULL;
    return nn_batch_norm_layer(line->graph, name, line->x, (nn_batch_norm_args){0});
}

static const nn_layer_kind kinds[] = {
    {"conv", "conv2d", "conv FILTERS KxK [stride=S] [pad=P|same] [dilation=D] [groups=G]",
     NN_ROLE_WEIGHTS, build_conv},
    {"maxpool", "pool", "maxpool K [stride=S] [pad=P|same]", NN_ROLE_BETWEEN, build_maxpool},
    {"avgpool", "averagepool", "avgpool K [stride=S] [pad=P|same]", NN_ROLE_BETWEEN, build_avgpool},
    {"globalavgpool", "gap", "globalavgpool", NN_ROLE_BETWEEN, build_globalavgpool},
    {"flatten", NULL, "flatten", NN_ROLE_BETWEEN, build_flatten},
    {"dense", "linear", "dense UNITS [init=zeros|he|xavier] [bias=no]", NN_ROLE_WEIGHTS,
     build_dense},
    {"rnn", NULL, "rnn UNITS", NN_ROLE_WEIGHTS, build_rnn},
    {"gru", NULL, "gru UNITS", NN_ROLE_WEIGHTS, build_gru},
    {"lstm", NULL, "lstm UNITS", NN_ROLE_WEIGHTS, build_lstm},
    {"relu", NULL, "relu", NN_ROLE_RELU, build_relu},
    {"gelu", NULL, "gelu", NN_ROLE_RELU, build_gelu},
    {"leaky", "leakyrelu", "leaky [SLOPE]", NN_ROLE_RELU, build_leaky},
    {"sigmoid", NULL, "sigmoid", NN_ROLE_SQUASH, build_sigmoid},
    {"tanh", NULL, "tanh", NN_ROLE_SQUASH, build_tanh},
    {"dropout", NULL, "dropout RATE", NN_ROLE_DROPOUT, build_dropout},
    {"batchnorm", "bn", "batchnorm", NN_ROLE_BETWEEN, build_batchnorm},
};
enum { KINDS = sizeof kinds / sizeof *kinds };
_Static_assert((int)KINDS <= (int)NN_LINE_KINDS, "a line counts the layers of every kind");

int nn_layer_kinds(const nn_layer_kind **list)
{
    *list = kinds;
    return KINDS;
}

const char *nn_model_words(void)
{
    return "conv FILTERS KxK [stride=S] [pad=P|same] [dilation=D] [groups=G]\n"
           "maxpool K [stride=S] [pad=P|same]\n"
           "avgpool K [stride=S] [pad=P|same]\n"
           "globalavgpool\n"
           "flatten\n"
           "dense UNITS [init=zeros|he|xavier] [bias=no]\n"
           "rnn UNITS (gru, lstm: over the rows of an image)\n"
           "relu\n"
           "gelu\n"
           "leaky [SLOPE]\n"
           "sigmoid\n"
           "tanh\n"
           "dropout RATE\n"
           "batchnorm\n";
}
