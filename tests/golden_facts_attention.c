/* Facts about attention and transformers (chapters 49-51), and GELU. */
#include "engine/elementwise.h"
#include "engine/shapes.h"
#include "engine/transformer.h"
#include "tests/golden_case.h"
#include "tests/golden_settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void check(golden_case *c, golden_net *net)
{
    nn_error error;
    if (nn_graph_error(golden_graph(net), &error) != NN_OK)
        golden_fail(c, "%s", error.text);
}

static nn_node *sequence(golden_net *net, const char *name, int64_t length, int64_t width)
{
    return nn_input(golden_graph(net), name, NN_F, nn_shape2(length, width));
}

/* Numbers between -1 and 1, other ones for every `seed`. */
static golden_array wave(golden_case *c, nn_shape shape, double seed)
{
    golden_array a = golden_new(c, shape);
    for (int64_t i = 0; i < a.count; i++)
        a.data[i] = sin(seed + 1.7 * (double)i);
    return a;
}

/* --- chapter 49 ---------------------------------------------------------------------------------
 */

/* A score for every step of the decoder and every word of the source. */
static void scores(golden_case *c)
{
    enum { SOURCE = 10, TARGET = 8, WIDTH = 16 };
    golden_net *net = golden_outline_new(c);
    nn_additive_attention(golden_graph(net), "attention", sequence(net, "query", TARGET, WIDTH),
                          sequence(net, "keys", SOURCE, WIDTH), WIDTH, NULL, NULL);
    check(c, net);
    const nn_node *weights = nn_graph_find(golden_graph(net), "attention.weights");
    golden_out_number(c, "", weights ? (double)nn_shape_row(nn_node_shape(weights)) : -1);
}

static void weights_add_up(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *query = golden_batch(net, "query", wave(c, nn_shape2(1, 4), 0.3));
    nn_node *keys = golden_batch(net, "keys", wave(c, nn_shape3(1, 6, 3), 0.7));
    nn_node *context =
        nn_additive_attention(golden_graph(net), "attention", query, keys, 5, NULL, NULL);
    const nn_node *weights = nn_graph_find(golden_graph(net), "attention.weights");
    golden_watch(net, (nn_node *)weights);
    golden_run(net, golden_sum(net, context, NULL));
    golden_array shares = golden_value(net, weights);
    double sum = 0;
    for (int64_t i = 0; i < shares.count; i++)
        sum += shares.data[i];
    golden_out_number(c, "", sum);
}

/* --- chapter 50 ---------------------------------------------------------------------------------
 */

static double scale_of(double width)
{
    return 1 / sqrt(width);
}

static void scales(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){scale_of(64), scale_of(512)});
}

/* Entries of mean 0 and variance 1, such as -1 and 1 with equal chances: a product of two of them
 * has the mean of the squares of all four products as its variance, and those of the independent
 * terms of q . k add up. A factor counts squared. */
static void variance_of_products(golden_case *c)
{
    const double width = 64;
    double term = 0;
    for (int q = -1; q <= 1; q += 2)
        for (int k = -1; k <= 1; k += 2)
            term += (double)(q * k * q * k) / 4;
    double sum = width * term;
    golden_out_numbers(c, "", 2, (double[]){sum, sum * scale_of(width) * scale_of(width)});
}

static double weights_of_length(golden_case *c, int64_t length)
{
    golden_net *net = golden_outline_new(c);
    nn_node *q = sequence(net, "q", length, 64), *k = sequence(net, "k", length, 64);
    nn_node *v = sequence(net, "v", length, 64);
    const nn_node *weights = nn_attention_weights(golden_graph(net), q, k, v, NULL, NULL,
                                                  (nn_attention_args){.heads = 1});
    check(c, net);
    return (double)nn_shape_row(nn_node_shape(weights));
}

static void square_growth(golden_case *c)
{
    golden_out_numbers(c, "", 3,
                       (double[]){weights_of_length(c, 512), weights_of_length(c, 1024),
                                  weights_of_length(c, 2048)});
}

static void year(golden_case *c)
{
    golden_out_number(c, "", YEAR_OF_TRANSFORMER);
}

enum { KEYS = 4 };

/* Attention of three queries over four keys; `mask` NULL: none. */
static golden_array attention_of(golden_case *c, const golden_array *mask)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *q = golden_batch(net, "q", wave(c, nn_shape3(1, 3, 2), 0.1));
    nn_node *k = golden_batch(net, "k", wave(c, nn_shape3(1, KEYS, 2), 0.5));
    nn_node *v = golden_batch(net, "v", wave(c, nn_shape3(1, KEYS, 2), 0.9));
    nn_node *seen = mask ? golden_constant(net, "mask", *mask) : NULL;
    nn_node *out = nn_attention(golden_graph(net), q, k, v, NULL, seen, (nn_attention_args){0});
    golden_watch(net, out);
    golden_run(net, golden_sum(net, out, NULL));
    return golden_value(net, out);
}

/* Listing 47: its function has a mask among its arguments, and none of its lines has. */
static golden_array listing_attention(golden_case *c, const golden_array *mask)
{
    (void)mask;
    return attention_of(c, NULL);
}

static bool differ(golden_array a, golden_array b)
{
    for (int64_t i = 0; i < a.count; i++)
        if (a.data[i] != b.data[i])
            return true;
    return false;
}

static void mask_ignored(golden_case *c)
{
    golden_array all = golden_new(c, nn_shape2(1, KEYS)), some = golden_new(c, all.shape);
    for (int i = 0; i < KEYS; i++)
        all.data[i] = some.data[i] = 1;
    some.data[KEYS - 1] = 0;
    if (!differ(attention_of(c, &all), attention_of(c, &some)))
        golden_fail(c, "the mask makes no difference to our own attention");
    golden_out_number(c, "", differ(listing_attention(c, &all), listing_attention(c, &some)));
}

/* --- chapter 51 ---------------------------------------------------------------------------------
 */

static void first_position(golden_case *c)
{
    enum { WIDTH = 4 };
    golden_net *net = golden_net_new(c, 1);
    nn_node *x = golden_batch(net, "x", golden_new(c, nn_shape3(1, 2, WIDTH)));
    nn_node *y = nn_sinusoidal_positions(golden_graph(net), "positions", x);
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, NULL));
    golden_out_numbers(c, "", WIDTH, golden_value(net, y).data);
}

/* Tokens of `words` as vectors of 768 numbers, in a text of two. */
static nn_node *embedded(golden_net *net, const char *name, int64_t words)
{
    nn_graph *g = golden_graph(net);
    nn_param *table =
        nn_model_param(golden_model(net), name, nn_shape2(words, 768), NN_INIT_ZEROS, 1, NULL);
    char input[NN_NAME_MAX];
    snprintf(input, sizeof input, "%s.ids", name);
    return nn_embedding(g, nn_use(g, table), nn_input(g, input, NN_I32, nn_shape1(2)));
}

/* Devlin et al. 2019, BERT base, uncased: 30,522 word pieces, 512 positions, 2 segments; 12 layers
 * of 12 heads and 3,072 units; a dense layer on the first token. */
static void bert_parameters(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_graph *g = golden_graph(net);
    nn_transformer_args args = {.heads = 12, .hidden = 3072, .gelu = true, .epsilon = 1e-12};
    nn_node *x = nn_learned_positions(g, "positions", embedded(net, "words", 30522), 512);
    x = nn_layer_norm_layer(g, "norm", nn_add(g, x, embedded(net, "segments", 2)), args.epsilon);
    for (int i = 0; i < 12; i++) {
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "layer%d", i);
        x = nn_encoder_block(g, name, x, NULL, NULL, args);
    }
    x = nn_squeeze(g, nn_slice_axis(g, x, 0, 0, 1), (const int[]){0}, 1);
    nn_tanh(g, nn_dense(g, "pooler", x, 768, NN_INIT_XAVIER));
    check(c, net);
    golden_out_number(c, "", (double)nn_model_parameters(golden_model(net)));
}

/* Radford et al. 2019, the smallest GPT-2: 50,257 byte pairs, 1,024 positions, 12 layers of 12
 * heads with the norms in front, a norm at the end. */
static void gpt_parameters(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_graph *g = golden_graph(net);
    nn_transformer_args args = {.heads = 12, .pre_norm = true, .gelu = true};
    nn_node *x = nn_learned_positions(g, "positions", embedded(net, "words", 50257), 1024);
    for (int i = 0; i < 12; i++) {
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "layer%d", i);
        x = nn_decoder_block(g, name, x, NULL, NULL, NULL, args);
    }
    nn_layer_norm_layer(g, "norm", x, 0);
    check(c, net);
    golden_out_number(c, "", (double)nn_model_parameters(golden_model(net)));
}

/* Of the matrices of a layer, by their parts. */
static void feed_forward_share(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_encoder_block(golden_graph(net), "layer", sequence(net, "x", 2, 768), NULL, NULL,
                     (nn_transformer_args){.heads = 12, .hidden = 3072});
    check(c, net);
    double feed = 0, all = 0;
    for (int i = 0; i < nn_model_count(golden_model(net)); i++) {
        const nn_param *param = nn_model_at(golden_model(net), i);
        nn_shape shape = nn_param_shape(param);
        double count = shape.rank == 2 ? (double)nn_shape_count(shape) : 0;
        all += count;
        if (strncmp(nn_param_name(param), "layer.feed", strlen("layer.feed")) == 0)
            feed += count;
    }
    golden_out_number(c, "", feed / all);
}

static void gelu(golden_case *c)
{
    golden_array x = golden_in(c, "x"), upstream = golden_in(c, "d_y");
    nn_shape row = nn_shape2(1, x.count);
    upstream = golden_like(c, row, upstream);
    golden_net *net = golden_net_new(c, 1);
    nn_node *input = golden_batch(net, "x", golden_like(c, row, x));
    nn_node *exact = nn_gelu(golden_graph(net), input);
    nn_node *approximate = nn_gelu_tanh(golden_graph(net), input);
    golden_watch(net, exact);
    golden_watch(net, approximate);
    golden_run(net, golden_sum(net, exact, &upstream));
    golden_out(c, "y", golden_value(net, exact));
    golden_out(c, "y_tanh", golden_value(net, approximate));
    golden_out_gradients(net, "x");
}

const golden_known golden_attention_fact_cases[] = {
    {"ch49-complexity", scores},
    {"ch49-sum1", weights_add_up},
    {"ch50-scale", scales},
    {"ch50-dot-variance", variance_of_products},
    {"ch50-n2", square_growth},
    {"ch50-year", year},
    {"ch50-mask-ignored", mask_ignored},
    {"ch51-pe-0", first_position},
    {"ch51-bert-base", bert_parameters},
    {"ch51-gpt2", gpt_parameters},
    {"ch51-ffn-share", feed_forward_share},
    {"ch51-gelu", gelu},
    {"", NULL},
};
