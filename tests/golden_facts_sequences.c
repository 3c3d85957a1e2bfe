/* Facts about embeddings, style and recurrent networks (chapters 36-42). */
#include "engine/elementwise.h"
#include "engine/recurrent.h"
#include "engine/shapes.h"
#include "engine/text/vectors.h"
#include "engine/text/vocabulary.h"
#include "tests/golden_case.h"
#include "tests/golden_settings.h"

#include <math.h>

/* --- chapters 36 to 38 --------------------------------------------------------------------------
 */

/* The siamese network's output holds three embeddings side by side. */
static void three_embeddings(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_graph *g = golden_graph(net);
    nn_node *predicted = nn_input(g, "predicted", NN_F, nn_shape1(384)), *part[3];
    if (!nn_split(g, predicted, 0, NULL, 3, part))
        golden_fail(c, "384 numbers do not split into three");
    double size[3];
    for (int i = 0; i < 3; i++)
        size[i] = (double)nn_node_shape(part[i]).dim[1];
    golden_out_numbers(c, "", 3, size);
}

static void squared_or_not(golden_case *c)
{
    const nn_real a[2] = {0, 0}, b[2] = {3, 4};
    double squared = nn_square_distance(a, b, 2);
    golden_out_numbers(c, "", 2, (double[]){squared, sqrt(squared)});
}

/* Lines of chapter 37 that are not those of chapter 35. */
static void repeated_chapter(golden_case *c)
{
    static const uint32_t lines[][2] = {
#define LINE(first, second) {first, second},
#include "tests/golden_lines.def"
#undef LINE
    };
    int differ = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        differ += lines[i][0] != lines[i][1];
    golden_out_number(c, "", differ);
}

static void style_rate(golden_case *c)
{
    golden_out_number(c, "", STYLE_RATE);
}

/* Where pixels below black and above white end up. */
static void pixel_range(golden_case *c)
{
    golden_array pixels = golden_new(c, nn_shape2(1, 2));
    pixels.data[0] = -0.25;
    pixels.data[1] = 1.25;
    golden_net *net = golden_net_new(c, 1);
    nn_node *x = nn_clip(golden_graph(net), golden_batch(net, "pixels", pixels), 0, 1);
    golden_watch(net, x);
    golden_run(net, golden_sum(net, x, NULL));
    golden_out(c, "", golden_value(net, x));
}

/* --- what is left after many steps: chapters 39, 41, 42 -----------------------------------------
 */

/* The state of a linear recurrent network of one unit with weight `factor`, from 1, without
 * input. */
static double left_after(golden_case *c, double factor, int steps)
{
    golden_net *net = golden_net_new(c, 1);
    golden_array one = golden_new(c, nn_shape2(1, 1)), weight = golden_new(c, nn_shape2(1, 1));
    one.data[0] = 1;
    weight.data[0] = factor;
    nn_recurrent_inputs in = {
        .x = golden_batch(net, "x", golden_new(c, nn_shape3(1, steps, 1))),
        .weight_ih = golden_weight(net, "input", golden_new(c, nn_shape2(1, 1)), nn_shape2(1, 1)),
        .weight_hh = golden_weight(net, "state", weight, weight.shape),
        .h = golden_batch(net, "h", one)};
    /* ReLU lets a positive state through as it is. */
    nn_recurrent_args args = {.states = NN_STATES_LAST, .activation = {NN_SQUASH_RELU}};
    nn_node *last = nn_rnn(golden_graph(net), in, args);
    golden_watch(net, last);
    golden_run(net, golden_sum(net, last, NULL));
    return golden_value(net, last).data[0];
}

static void out_left_after(golden_case *c, int count, const double *factor, int steps)
{
    double left[4];
    for (int i = 0; i < count; i++)
        left[i] = left_after(c, factor[i], steps);
    golden_out_numbers(c, "", count, left);
}

static void powers(golden_case *c)
{
    out_left_after(c, 3, (const double[]){0.9, 1.0, 1.1}, 100);
}

static void powers_near_one(golden_case *c)
{
    out_left_after(c, 2, (const double[]){0.99, 1.01}, 100);
}

/* The cell state of an LSTM whose forget gate stays where it is. */
static void forget_decay(golden_case *c)
{
    out_left_after(c, 3, (const double[]){0.9, 0.99, 1}, 100);
}

/* --- chapter 39: the softmax of the listing -----------------------------------------------------
 */

/* Subtracts the largest number of all columns, not of each, as the listing does. */
static void listing_softmax(golden_case *c)
{
    golden_array x = golden_in(c, "x");
    int64_t rows = x.shape.dim[0], columns = x.shape.dim[1];
    double most = -INFINITY;
    for (int64_t i = 0; i < x.count; i++)
        most = fmax(most, x.data[i]);
    int bad = 0;
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += exp(x.data[i * columns + j] - most);
        for (int64_t i = 0; i < rows; i++)
            bad += isnan(exp(x.data[i * columns + j] - most) / sum);
    }
    golden_out_number(c, "", bad);
}

/* --- chapters 40 and 46: words and shapes -------------------------------------------------------
 */

static double words_in(golden_case *c, const char *text)
{
    int words = 0;
    nn_error error = {NN_OK, ""};
    nn_vocabulary *vocabulary = nn_vocabulary_new(false);
    if (!vocabulary)
        golden_fail(c, "no memory for a vocabulary");
    nn_status status = nn_vocabulary_read(vocabulary, text, NULL, 0, &words, &error);
    nn_vocabulary_free(vocabulary);
    if (status)
        golden_fail(c, "%s", error.text);
    return words;
}

static void lengths(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){words_in(c, "I love you"), words_in(c, "Je t'aime")});
}

/* Of chapter 40's table, and of the bullets that announce it. */
static void architectures(golden_case *c)
{
    static const char *const table[] = {"one to one", "one to many", "many to one", "many to many",
                                        "seq2seq"};
    static const char *const bullets[] = {"one to many", "many to one", "many to many, same length",
                                          "many to many, different lengths"};
    const int in_table = sizeof table / sizeof *table;
    const int in_bullets = sizeof bullets / sizeof *bullets;
    golden_out_numbers(c, "", 2, (double[]){in_table, in_bullets});
}

/* --- chapters 41 and 42: gates ------------------------------------------------------------------
 */

typedef nn_node *layer_builder(nn_graph *graph, const char *name, nn_node *x, int units,
                               nn_recurrent_layer_args args);
enum { UNITS = 64, FEATURES = 32 };

static golden_net *layer_of(golden_case *c, layer_builder *build)
{
    golden_net *net = golden_outline_new(c);
    nn_node *x = nn_input(golden_graph(net), "x", NN_F, nn_shape2(2, FEATURES));
    build(golden_graph(net), "layer", x, UNITS,
          (nn_recurrent_layer_args){.biases = NN_BIASES_NONE});
    return net;
}

/* Blocks of the state's matrix but the one of the candidate. */
static double gates_of(golden_case *c, layer_builder *build)
{
    const nn_param *state = nn_model_find(golden_model(layer_of(c, build)), "layer.weight_hh_l0");
    int64_t blocks = state ? nn_param_shape(state).dim[0] / UNITS : 0;
    return (double)(blocks - 1);
}

static void gates(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){gates_of(c, nn_gru_layer), gates_of(c, nn_lstm_layer)});
}

static void lstm_beside_gru(golden_case *c)
{
    double lstm = (double)nn_model_parameters(golden_model(layer_of(c, nn_lstm_layer)));
    double gru = (double)nn_model_parameters(golden_model(layer_of(c, nn_gru_layer)));
    golden_out_number(c, "", lstm / gru);
}

static void years(golden_case *c)
{
    golden_out_numbers(c, "", 3, (double[]){YEAR_OF_LSTM, YEAR_OF_FORGET_GATE, YEAR_OF_GRU});
}

const golden_known golden_sequence_fact_cases[] = {
    {"ch36-split", three_embeddings},
    {"ch36-sq-vs-euclid", squared_or_not},
    {"ch37-duplicate", repeated_chapter},
    {"ch38-lr", style_rate},
    {"ch38-clip", pixel_range},
    {"ch39-power100", powers},
    {"ch39-softmax-listing-nan", listing_softmax},
    {"ch40-lengths", lengths},
    {"ch40-arch-count", architectures},
    {"ch41-powers", powers_near_one},
    {"ch41-gates", gates},
    {"ch42-lstm-vs-gru", lstm_beside_gru},
    {"ch42-forget-decay", forget_decay},
    {"ch42-years", years},
    {"ch46-lengths", lengths},
    {"", NULL},
};
