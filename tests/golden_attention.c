/* Cases of chapters 49 to 51: attention, masks, blocks, layer normalisation, positions. A case is
 * one example. Weights of the notes stand on the right of their input; our layers keep them
 * transposed, and queries, keys and values in one matrix. */
#include "engine/transformer.h"
#include "tests/golden_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* An input of the case as the only example of a batch. */
static nn_node *example(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    golden_array value = golden_in(c, name);
    nn_shape shape = {.rank = value.shape.rank + 1, .dim = {1}};
    for (int i = 0; i < value.shape.rank; i++)
        shape.dim[i + 1] = value.shape.dim[i];
    return golden_batch(net, name, golden_like(c, shape, value));
}

static nn_node *weight(golden_net *net, const char *name)
{
    golden_array value = golden_in(golden_net_case(net), name);
    return golden_weight(net, name, value, value.shape);
}

static nn_node *watched(golden_net *net, nn_node *node)
{
    golden_watch(net, node);
    return node;
}

/* Runs backward from sum(root * d), or from sum(root) where the case has no such input. */
static void run(golden_net *net, nn_node *root, const char *d)
{
    golden_case *c = golden_net_case(net);
    if (!d || !golden_has(c, d)) {
        golden_run(net, golden_sum(net, root, NULL));
        return;
    }
    golden_array upstream = golden_in(c, d);
    golden_run(net, golden_sum(net, root, &upstream));
}

static void out_value(golden_net *net, const char *name, const nn_node *node)
{
    golden_out(golden_net_case(net), name, golden_value(net, node));
}

/* --- weights inside layers ----------------------------------------------------------------------
 */

/* Rows of a layer's parameter from `first` on take the case's input, transposed where asked. */
static void set_rows(golden_net *net, const char *param, int64_t first, const char *name, bool turn)
{
    golden_case *c = golden_net_case(net);
    nn_param *p = nn_model_find(golden_model(net), param);
    golden_array value = golden_in(c, name);
    golden_array rows = turn ? golden_transposed(c, value) : value;
    if (!p)
        golden_fail(c, "no parameter '%s'", param);
    nn_real *data = nn_param_data(p) + first * nn_shape_row(nn_param_shape(p));
    for (int64_t i = 0; i < rows.count; i++)
        data[i] = (nn_real)rows.data[i];
}

/* "grad_<name>" from the same rows. */
static void out_rows(golden_net *net, const char *param, int64_t first, const char *name, bool turn)
{
    golden_case *c = golden_net_case(net);
    golden_array all = golden_gradient(net, param), value = golden_in(c, name);
    golden_array rows = golden_new(c, turn ? golden_transposed(c, value).shape : value.shape);
    char out[64];
    snprintf(out, sizeof out, "grad_%s", name);
    memcpy(rows.data, all.data + first * nn_shape_row(all.shape),
           (size_t)rows.count * sizeof *rows.data);
    golden_out(c, out, turn ? golden_transposed(c, rows) : rows);
}

typedef struct {
    const char *param;
    int block; /* rows of the parameter: block times the width on */
    const char *name;
    bool turn;
} placed;

static void set_all(golden_net *net, const placed *list, int count, int64_t width)
{
    for (int i = 0; i < count; i++)
        set_rows(net, list[i].param, list[i].block * width, list[i].name, list[i].turn);
}

static void out_all(golden_net *net, const placed *list, int count, int64_t width)
{
    for (int i = 0; i < count; i++)
        out_rows(net, list[i].param, list[i].block * width, list[i].name, list[i].turn);
}

/* --- scaled dot product -------------------------------------------------------------------------
 */

static void dot_product(golden_case *c, nn_attention_args args)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *q = example(net, "Q"), *k = example(net, "K"), *v = example(net, "V");
    nn_node *mask = golden_has(c, "mask") ? example(net, "mask") : NULL;
    nn_node *out = watched(net, nn_attention(g, q, k, v, NULL, mask, args));
    nn_node *alpha = watched(net, nn_attention_weights_of(g, out));
    run(net, out, "d_out");
    out_value(net, "alpha", alpha);
    if (!golden_has(c, "d_out"))
        return;
    out_value(net, "out", out);
    golden_out_gradients(net, "Q K V");
}

static void scaled(golden_case *c)
{
    dot_product(c, (nn_attention_args){0});
}

static void unscaled(golden_case *c)
{
    dot_product(c, (nn_attention_args){.scale = 1});
}

static void causal(golden_case *c)
{
    dot_product(c, (nn_attention_args){.causal = true});
}

static void cross(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = example(net, "Xd"), *memory = example(net, "M");
    nn_matmul_args plain = {false, false};
    nn_node *q = nn_matmul(g, x, weight(net, "Wq"), plain);
    nn_node *k = nn_matmul(g, memory, weight(net, "Wk"), plain);
    nn_node *v = nn_matmul(g, memory, weight(net, "Wv"), plain);
    nn_node *out = watched(net, nn_attention(g, q, k, v, NULL, NULL, (nn_attention_args){0}));
    nn_node *alpha = watched(net, nn_attention_weights_of(g, out));
    run(net, out, "d_out");
    out_value(net, "alpha", alpha);
    out_value(net, "out", out);
    golden_out_gradients(net, "Xd M Wq Wk Wv");
}

/* --- heads and blocks ---------------------------------------------------------------------------
 */

static void multi_head(golden_case *c, bool is_causal)
{
    static const placed weights[] = {{"m.qkv.weight", 0, "Wq", true},
                                     {"m.qkv.weight", 1, "Wk", true},
                                     {"m.qkv.weight", 2, "Wv", true},
                                     {"m.out.weight", 0, "Wo", true}};
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = example(net, "X");
    int64_t width = nn_node_shape(x).dim[2];
    nn_transformer_args args = {.heads = 2, .bare = true};
    nn_node *out = watched(net, nn_self_attention(g, "m", x, NULL, NULL, is_causal, args));
    nn_node *alpha = watched(net, nn_attention_weights_of(g, nn_graph_find(g, "m.heads")));
    set_all(net, weights, 4, width);
    run(net, out, "d_out");
    out_value(net, "alpha", alpha);
    out_value(net, "out", out);
    golden_out_gradients(net, "X");
    out_all(net, weights, 4, width);
}

static void self_heads(golden_case *c)
{
    multi_head(c, false);
}

static void causal_heads(golden_case *c)
{
    multi_head(c, true);
}

static void encoder_block(golden_case *c)
{
    static const placed weights[] = {
        {"b.attention.qkv.weight", 0, "Wq", true}, {"b.attention.qkv.weight", 1, "Wk", true},
        {"b.attention.qkv.weight", 2, "Wv", true}, {"b.attention.out.weight", 0, "Wo", true},
        {"b.feed.hidden.weight", 0, "W1", true},   {"b.feed.hidden.bias", 0, "b1", false},
        {"b.feed.out.weight", 0, "W2", true},      {"b.feed.out.bias", 0, "b2", false},
        {"b.norm1.gamma", 0, "g1", false},         {"b.norm1.beta", 0, "e1", false},
        {"b.norm2.gamma", 0, "g2", false},         {"b.norm2.beta", 0, "e2", false}};
    enum { COUNT = sizeof weights / sizeof *weights };
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = example(net, "X");
    int64_t width = nn_node_shape(x).dim[2];
    nn_transformer_args args = {.heads = 2, .hidden = (int)golden_in(c, "b1").count};
    nn_node *y = watched(net, nn_encoder_block(g, "b", x, NULL, NULL, args));
    set_all(net, weights, COUNT, width);
    run(net, y, "d_Y");
    out_value(net, "after_attention", nn_graph_find(g, "b.norm1"));
    out_value(net, "Y", y);
    golden_out_gradients(net, "X");
    out_all(net, weights, COUNT, width);
}

static void layer_norm(golden_case *c)
{
    golden_array x = golden_in(c, "X");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_node *y = watched(net, nn_layer_norm(golden_graph(net), golden_batch(net, "X", x),
                                            weight(net, "gamma"), weight(net, "beta"),
                                            (nn_layer_norm_args){0}));
    run(net, y, "d_Y");
    out_value(net, "Y", y);
    golden_out_gradients(net, "X gamma beta");
}

/* --- additive attention -------------------------------------------------------------------------
 */

static void bahdanau(golden_case *c)
{
    static const placed weights[] = {{"a.query.weight", 0, "W1", false},
                                     {"a.keys.weight", 0, "W2", false},
                                     {"a.score", 0, "v", false}};
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *q = example(net, "q"), *states = example(net, "Hs");
    nn_node *mask = golden_has(c, "mask") ? example(net, "mask") : NULL;
    int units = (int)golden_in(c, "v").count;
    nn_node *context = nn_additive_attention(g, "a", q, states, units, NULL, mask);
    golden_watch(net, context);
    set_all(net, weights, 3, 0);
    run(net, context, "d_context");
    out_value(net, "alpha", nn_graph_find(g, "a.weights"));
    out_value(net, "context", context);
    if (!golden_has(c, "d_context"))
        return;
    out_value(net, "score", nn_graph_find(g, "a.scores"));
    golden_out_gradients(net, "q Hs");
    out_all(net, weights, 3, 0);
}

/* --- positions ----------------------------------------------------------------------------------
 */

/* Rows 0 .. length-1 of the encoding. */
static golden_array encoding(golden_case *c, int64_t length, int64_t width)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *x = golden_batch(net, "x", golden_new(c, nn_shape3(1, length, width)));
    nn_node *y = watched(net, nn_sinusoidal_positions(golden_graph(net), "pe", x));
    run(net, y, NULL);
    return golden_like(c, nn_shape2(length, width), golden_value(net, y));
}

static void encoding_rows(golden_case *c)
{
    golden_array position = golden_in(c, "pos");
    int64_t width = (int64_t)golden_number(c, "d"), longest = 0;
    for (int64_t i = 0; i < position.count; i++)
        longest = (int64_t)fmax((double)longest, position.data[i]);
    golden_array all = encoding(c, longest + 1, width);
    golden_array rows = golden_new(c, nn_shape2(position.count, width));
    for (int64_t i = 0; i < position.count; i++)
        memcpy(rows.data + i * width, all.data + (int64_t)position.data[i] * width,
               (size_t)width * sizeof *rows.data);
    golden_out(c, "", rows);
}

static double product_of_rows(golden_array table, int64_t a, int64_t b)
{
    int64_t width = table.shape.dim[1];
    double sum = 0;
    for (int64_t i = 0; i < width; i++)
        sum += table.data[a * width + i] * table.data[b * width + i];
    return sum;
}

static void encoding_shift(golden_case *c)
{
    static const int64_t at[] = {0, 5, 50};
    int64_t shift = (int64_t)golden_number(c, "k");
    golden_array table = encoding(c, 51 + shift, (int64_t)golden_number(c, "d"));
    golden_array out = golden_new(c, nn_shape1(3));
    for (int i = 0; i < 3; i++)
        out.data[i] = product_of_rows(table, at[i], at[i] + shift);
    golden_out(c, "", out);
}

static void encoding_norm(golden_case *c)
{
    golden_array table = encoding(c, 8, (int64_t)golden_number(c, "d"));
    golden_out_number(c, "", product_of_rows(table, 7, 7));
}

const golden_known golden_attention_cases[] = {
    {"ch49-bahdanau", bahdanau},     {"ch49-bahdanau-mask", bahdanau},
    {"ch50-sdpa", scaled},           {"ch50-sdpa-unscaled", unscaled},
    {"ch50-sdpa-pad-mask", scaled},  {"ch50-mha", self_heads},
    {"ch51-causal-sdpa", causal},    {"ch51-causal-mha", causal_heads},
    {"ch51-cross-attention", cross}, {"ch51-encoder-block", encoder_block},
    {"ch51-layernorm", layer_norm},  {"ch51-pe-1-4", encoding_rows},
    {"ch51-pe-d8", encoding_rows},   {"ch51-pe-dot-shift", encoding_shift},
    {"ch51-pe-norm", encoding_norm}, {"", NULL},
};
