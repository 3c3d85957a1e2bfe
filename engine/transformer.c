#include "engine/transformer.h"

#include "engine/elementwise.h"
#include "engine/layers.h"
#include "engine/op.h"
#include "engine/ops/attention_heads.h"
#include "engine/shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "name.part"; cut off where there is no room, which the layers then refuse. */
static const char *join(char text[NN_NAME_MAX], const char *name, const char *part)
{
    snprintf(text, NN_NAME_MAX, "%s.%s", name, part);
    return text;
}

static int width_of(const nn_node *x)
{
    nn_shape shape = nn_node_shape(x);
    return (int)shape.dim[shape.rank - 1];
}

/* x must be a sequence, (n,T,width). */
static bool sequence_fits(nn_graph *graph, const char *kind, const char *name, const nn_node *x)
{
    char text[NN_SHAPE_TEXT];
    if (!nn_layer_fits(graph, kind, name, x))
        return false;
    if (nn_node_shape(x).rank == 3)
        return true;
    nn_graph_refuse(graph, NN_E_SHAPE, "%s '%s': '%s' is %s; expected (batch, steps, width)", kind,
                    name, nn_node_name(x), nn_shape_text(nn_node_shape(x), text));
    return false;
}

nn_node *nn_project(nn_graph *graph, const char *name, nn_node *x, int units, bool bias)
{
    char text[NN_SHAPE_TEXT];
    if (!nn_layer_fits(graph, "projection", name, x))
        return NULL;
    nn_shape shape = nn_node_shape(x);
    if (shape.rank < 2 || units < 1)
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "projection '%s': '%s' is %s, to %d units; expected (batch, ..., "
                               "features) and at least 1 unit",
                               name, nn_node_name(x), nn_shape_text(shape, text), units);
    nn_node *w =
        nn_layer_part(graph, name, "weight", nn_shape2(units, width_of(x)), NN_INIT_XAVIER, false);
    nn_node *b = NULL;
    if (w && bias)
        b = nn_layer_part(graph, name, "bias", nn_shape1(units), NN_INIT_ZEROS, false);
    return !w || (bias && !b) ? NULL : nn_linear(nn_named(graph, "%s", name), x, w, b);
}

nn_node *nn_layer_norm_layer(nn_graph *graph, const char *name, nn_node *x, double epsilon)
{
    if (!nn_layer_fits(graph, "layer norm", name, x))
        return NULL;
    nn_shape width = nn_shape1(nn_node_shape(x).rank > 1 ? width_of(x) : 1);
    nn_node *gamma = nn_layer_part(graph, name, "gamma", width, NN_INIT_ONES, false);
    nn_node *beta = nn_layer_part(graph, name, "beta", width, NN_INIT_ZEROS, false);
    nn_layer_norm_args args = {-1, epsilon};
    return gamma && beta ? nn_layer_norm(nn_named(graph, "%s", name), x, gamma, beta, args) : NULL;
}

/* "name.table" of N(0,1) times the scale. */
static nn_node *drawn_table(nn_graph *graph, const char *name, nn_shape shape, double scale)
{
    nn_error error = {NN_OK, ""};
    char text[NN_NAME_MAX];
    nn_param *param = nn_model_param(nn_graph_model(graph), join(text, name, "table"), shape,
                                     NN_INIT_NORMAL, scale, &error);
    return param ? nn_use(graph, param) : nn_graph_refuse(graph, error.code, "%s", error.text);
}

nn_node *nn_token_vectors(nn_graph *graph, const char *name, nn_node *tokens, int words, int width,
                          double scale)
{
    if (!nn_layer_fits(graph, "token vectors", name, tokens))
        return NULL;
    nn_node *table = drawn_table(graph, name, nn_shape2(words, width), scale);
    return table ? nn_embedding(nn_named(graph, "%s", name), table, tokens) : NULL;
}

/* --- attention ------------------------------------------------------------------------------ */

typedef struct {
    nn_node *q, *kv; /* kv NULL: q holds all three */
    nn_node *lengths, *mask;
    bool causal;
} sources;

static bool heads_fit(nn_graph *graph, const char *name, int heads, int width)
{
    if (heads >= 0 && width % (heads ? heads : 1) == 0)
        return true;
    nn_graph_refuse(graph, NN_E_ARG, "attention '%s': %d heads do not divide the width %d", name,
                    heads, width);
    return false;
}

/* In one operator, or in two with dropout between them. */
static nn_node *attend(nn_graph *graph, const char *name, sources s, nn_transformer_args args)
{
    nn_attention_args heads = {args.heads, s.causal, 0};
    char text[NN_NAME_MAX];
    if (!s.q)
        return NULL;
    if (args.dropout == 0)
        return nn_attention(nn_named(graph, "%s", join(text, name, "heads")), s.q, s.kv, NULL,
                            s.lengths, s.mask, heads);
    nn_node *weights = nn_attention_weights(nn_named(graph, "%s", join(text, name, "heads")), s.q,
                                            s.kv, NULL, s.lengths, s.mask, heads);
    weights = nn_dropout(nn_named(graph, "%s", join(text, name, "dropout")), weights, args.dropout);
    return nn_attention_values(nn_named(graph, "%s", join(text, name, "values")), weights, s.q,
                               s.kv, NULL);
}

nn_node *nn_self_attention(nn_graph *graph, const char *name, nn_node *x, nn_node *lengths,
                           nn_node *mask, bool causal, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    if (!sequence_fits(graph, "attention", name, x) ||
        !heads_fit(graph, name, args.heads, width_of(x)))
        return NULL;
    int width = width_of(x);
    nn_node *qkv = nn_project(graph, join(text, name, "qkv"), x, 3 * width, !args.bare);
    sources s = {qkv, NULL, lengths, mask, causal};
    nn_node *heads = attend(graph, name, s, args);
    return nn_project(graph, join(text, name, "out"), heads, width, !args.bare);
}

nn_node *nn_cross_attention(nn_graph *graph, const char *name, nn_node *x, nn_node *memory,
                            nn_node *lengths, nn_node *mask, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    if (!sequence_fits(graph, "attention", name, x) ||
        !sequence_fits(graph, "attention", name, memory) ||
        !heads_fit(graph, name, args.heads, width_of(x)))
        return NULL;
    int width = width_of(x);
    nn_node *q = nn_project(graph, join(text, name, "q"), x, width, !args.bare);
    nn_node *kv = nn_project(graph, join(text, name, "kv"), memory, 2 * width, !args.bare);
    sources s = {kv ? q : NULL, kv, lengths, mask, false};
    nn_node *heads = attend(graph, name, s, args);
    return nn_project(graph, join(text, name, "out"), heads, width, !args.bare);
}

nn_node *nn_attention_weights_of(nn_graph *graph, const nn_node *attention)
{
    if (!graph || !attention)
        return NULL;
    if (attention->op != &nn_op_attention && attention->op != &nn_op_attention_weights)
        return nn_graph_refuse(graph, NN_E_ARG, "'%s' is %s; attention weights belong to attention",
                               nn_node_name(attention), nn_node_op(attention));
    const nn_heads_args *args = (const void *)attention->args;
    bool whole = attention->op == &nn_op_attention;
    nn_node *const *in = attention->input;
    const nn_node *values = args->packed ? NULL : in[0]; /* says only that keys come alone */
    return nn_attention_weights(nn_named(graph, "%s.weights", nn_node_name(attention)), in[0],
                                in[1], values, in[whole ? 3 : 2], in[whole ? 4 : 3],
                                (nn_attention_args){args->heads, args->causal, args->scale});
}

nn_node *nn_additive_context(nn_graph *graph, const char *name, nn_node *query, nn_node *keys,
                             nn_node *projected, nn_node *lengths, nn_node *mask)
{
    char text[NN_NAME_MAX];
    if (!nn_layer_fits(graph, "attention", name, query) ||
        !sequence_fits(graph, "attention", name, keys) ||
        !sequence_fits(graph, "attention", name, projected))
        return NULL;
    int units = width_of(projected);
    nn_node *q = nn_project(graph, join(text, name, "query"), query, units, false);
    nn_node *v = nn_layer_part(graph, name, "score", nn_shape1(units), NN_INIT_XAVIER, false);
    nn_node *score =
        nn_additive_score(nn_named(graph, "%s", join(text, name, "scores")), q, projected, v);
    nn_node *weights = nn_masked_softmax(nn_named(graph, "%s", join(text, name, "weights")), score,
                                         lengths, mask, false);
    return nn_matmul(nn_named(graph, "%s", name), weights, keys, (nn_matmul_args){false, false});
}

nn_node *nn_additive_attention(nn_graph *graph, const char *name, nn_node *query, nn_node *keys,
                               int units, nn_node *lengths, nn_node *mask)
{
    char text[NN_NAME_MAX];
    if (!nn_layer_fits(graph, "attention", name, query) ||
        !sequence_fits(graph, "attention", name, keys))
        return NULL;
    nn_node *projected = nn_project(graph, join(text, name, "keys"), keys, units, false);
    return nn_additive_context(graph, name, query, keys, projected, lengths, mask);
}

/* --- positions ------------------------------------------------------------------------------ */

nn_node *nn_sinusoidal_positions(nn_graph *graph, const char *name, nn_node *x)
{
    if (!sequence_fits(graph, "positions", name, x))
        return NULL;
    nn_shape shape = nn_node_shape(x);
    int64_t length = shape.dim[1], width = shape.dim[2];
    nn_node *table =
        nn_layer_part(graph, name, "table", nn_shape2(length, width), NN_INIT_ZEROS, true);
    nn_real *value = table ? nn_param_data(nn_node_param(table)) : NULL;
    for (int64_t i = 0; value && i < length * width; i++) {
        int64_t row = i / width, pair = i % width / 2 * 2;
        double angle = (double)row / pow(10000, (double)pair / (double)width);
        value[i] = (nn_real)(i % width % 2 ? cos(angle) : sin(angle));
    }
    return table ? nn_add_positions(nn_named(graph, "%s", name), x, table) : NULL;
}

nn_node *nn_learned_positions(nn_graph *graph, const char *name, nn_node *x, int longest)
{
    if (!sequence_fits(graph, "positions", name, x))
        return NULL;
    nn_node *table = drawn_table(graph, name, nn_shape2(longest, width_of(x)), 0.02);
    return table ? nn_add_positions(nn_named(graph, "%s", name), x, table) : NULL;
}

/* --- blocks --------------------------------------------------------------------------------- */

nn_node *nn_feed_forward(nn_graph *graph, const char *name, nn_node *x, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    if (!nn_layer_fits(graph, "feed-forward", name, x))
        return NULL;
    int width = width_of(x), hidden = args.hidden ? args.hidden : 4 * width;
    nn_node *h = nn_project(graph, join(text, name, "hidden"), x, hidden, !args.bare);
    h = args.gelu ? nn_gelu(nn_named(graph, "%s", join(text, name, "gelu")), h)
                  : nn_relu(nn_named(graph, "%s", join(text, name, "relu")), h);
    return nn_project(graph, join(text, name, "out"), h, width, !args.bare);
}

/* What a part of a block reads: x, or its norm. */
static nn_node *part_input(nn_graph *graph, const char *name, const char *norm, nn_node *x,
                           nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    return args.pre_norm ? nn_layer_norm_layer(graph, join(text, name, norm), x, args.epsilon) : x;
}

/* x and what the part adds to it, normalised where the part's input was not. */
static nn_node *part_output(nn_graph *graph, const char *name, const char *norm, nn_node *x,
                            nn_node *added, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    if (args.dropout > 0)
        added = nn_dropout(graph, added, args.dropout);
    nn_node *sum = nn_add(graph, x, added);
    return args.pre_norm ? sum
                         : nn_layer_norm_layer(graph, join(text, name, norm), sum, args.epsilon);
}

static nn_node *attention_part(nn_graph *graph, const char *name, nn_node *x, nn_node *lengths,
                               nn_node *mask, bool causal, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    nn_node *in = part_input(graph, name, "norm1", x, args);
    nn_node *added =
        nn_self_attention(graph, join(text, name, "attention"), in, lengths, mask, causal, args);
    return part_output(graph, name, "norm1", x, added, args);
}

static nn_node *feed_part(nn_graph *graph, const char *name, nn_node *x, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    nn_node *in = part_input(graph, name, "norm2", x, args);
    return part_output(graph, name, "norm2", x,
                       nn_feed_forward(graph, join(text, name, "feed"), in, args), args);
}

nn_node *nn_encoder_block(nn_graph *graph, const char *name, nn_node *x, nn_node *lengths,
                          nn_node *mask, nn_transformer_args args)
{
    if (!sequence_fits(graph, "encoder", name, x))
        return NULL;
    x = attention_part(graph, name, x, lengths, mask, false, args);
    return x ? feed_part(graph, name, x, args) : NULL;
}

nn_node *nn_decoder_block(nn_graph *graph, const char *name, nn_node *x, nn_node *memory,
                          nn_node *lengths, nn_node *mask, nn_transformer_args args)
{
    char text[NN_NAME_MAX];
    if (!sequence_fits(graph, "decoder", name, x))
        return NULL;
    x = attention_part(graph, name, x, NULL, NULL, true, args);
    if (x && memory) {
        nn_node *in = part_input(graph, name, "norm3", x, args);
        nn_node *added =
            nn_cross_attention(graph, join(text, name, "cross"), in, memory, lengths, mask, args);
        x = part_output(graph, name, "norm3", x, added, args);
    }
    return x ? feed_part(graph, name, x, args) : NULL;
}
