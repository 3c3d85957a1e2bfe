/* Cases of losses (chapters 2, 3, 27, 35-38, 44, 46, 51). */
#include "engine/elementwise.h"
#include "engine/losses.h"
#include "tests/golden_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- helpers ------------------------------------------------------------------------------- */

static nn_node *watched(golden_net *net, nn_node *node)
{
    golden_watch(net, node);
    return node;
}

/* The input `name` as a batch of rows. */
static nn_node *batch(golden_net *net, const char *name)
{
    return golden_batch(net, name, golden_in(golden_net_case(net), name));
}

/* ... as the one example of the batch. */
static nn_node *example(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    golden_array a = golden_in(c, name);
    nn_shape shape = {a.shape.rank + 1, {1}};
    memcpy(shape.dim + 1, a.shape.dim, (size_t)a.shape.rank * sizeof *a.shape.dim);
    return golden_batch(net, name, golden_like(c, shape, a));
}

static nn_node *table(golden_net *net, const char *name)
{
    golden_array a = golden_in(golden_net_case(net), name);
    return golden_weight(net, name, a, a.shape);
}

static nn_node *labels(golden_net *net, const char *name)
{
    return golden_labels(net, name, golden_in(golden_net_case(net), name));
}

/* Runs backward from the sum or mean of `loss`, and gives the value as "loss". */
static void out_loss(golden_net *net, nn_node *scalar, const char *gradients)
{
    golden_out_number(golden_net_case(net), "loss", golden_run(net, scalar));
    golden_out_gradients(net, gradients);
}

static golden_net *net_of_rows(golden_case *c, const char *name)
{
    golden_array a = golden_in(c, name);
    return golden_net_new(c, a.shape.rank > 0 ? a.shape.dim[0] : 1);
}

/* --- chapter 2: squared error behind a sigmoid ---------------------------------------------- */

static nn_node *ones_like(golden_net *net, const char *name, golden_array like)
{
    golden_array ones = golden_new(golden_net_case(net), like.shape);
    for (int64_t i = 0; i < ones.count; i++)
        ones.data[i] = 1;
    return golden_constant(net, name, ones);
}

/* The second derivative is the gradient of the first, (a-1) a (1-a), as a graph of its own. */
static golden_array second_derivative(golden_case *c)
{
    golden_net *net = net_of_rows(c, "z");
    nn_graph *g = golden_graph(net);
    nn_node *a = nn_sigmoid(g, batch(net, "z"));
    nn_node *first = nn_mul(g, nn_affine(g, a, 1, -1), nn_mul(g, a, nn_affine(g, a, -1, 1)));
    golden_run(net, nn_batch_sum(g, first));
    return golden_gradient(net, "z");
}

static void mse_sigmoid(golden_case *c)
{
    golden_net *net = net_of_rows(c, "z");
    nn_graph *g = golden_graph(net);
    nn_node *a = nn_sigmoid(g, batch(net, "z"));
    nn_node *error = nn_squared_error(g, a, ones_like(net, "target", golden_in(c, "z")));
    nn_node *loss = watched(net, nn_affine(g, error, 0.5, 0));
    golden_out_number(c, "total", golden_run(net, nn_batch_sum(g, loss)));
    golden_out(c, "loss_each", golden_value(net, loss));
    golden_out(c, "d1", golden_gradient(net, "z")); /* elements do not meet */
    golden_out(c, "d2", second_derivative(c));
    golden_out_gradients(net, "z");
}

typedef struct {
    golden_net *net;
    nn_node *cost, *binary;
} one_weight;

static one_weight one_weight_new(golden_case *c)
{
    golden_array x = golden_in(c, "x"), zero = golden_new(c, nn_shape1(1));
    golden_net *net = golden_net_new(c, x.count);
    nn_graph *g = golden_graph(net);
    nn_node *rows = golden_constant(net, "x", golden_like(c, nn_shape2(x.count, 1), x));
    nn_node *z = nn_linear(g, rows, golden_weight(net, "w", zero, nn_shape2(1, 1)), NULL);
    golden_array y = golden_in(c, "y");
    nn_node *target = golden_constant(net, "y", golden_like(c, nn_shape2(y.count, 1), y));
    nn_node *error = nn_squared_error(g, nn_sigmoid(g, z), target);
    nn_node *binary = nn_batch_sum(g, nn_binary_cross_entropy(g, z, target, NULL, NULL));
    one_weight one = {net, nn_batch_sum(g, nn_affine(g, error, 0.5, 0)), watched(net, binary)};
    golden_compile(net, one.cost);
    return one;
}

static double cost_at(const one_weight *one, double w)
{
    nn_param_data(nn_model_find(golden_model(one->net), "w"))[0] = (nn_real)w;
    return golden_run(one->net, one->cost);
}

/* The lowest cost in low..high, both of one sign: the best of a grid of equal ratios, then its
 * neighbourhood again and again. */
static double lowest(const one_weight *one, double low, double high)
{
    enum { POINTS = 64, ROUNDS = 12 };
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        double ratio = pow(high / low, 1.0 / POINTS), at = low;
        for (int i = 0; i <= POINTS; i++) {
            double w = low * pow(ratio, i), cost = cost_at(one, w);
            if (cost < best) {
                best = cost;
                at = w;
            }
        }
        double first = at / ratio, last = at * ratio;
        low = round == 0 && fabs(first) < fabs(low) ? low : first;
        high = round == 0 && fabs(last) > fabs(high) ? high : last;
    }
    return best;
}

static void mse_local_minimum(golden_case *c)
{
    one_weight one = one_weight_new(c);
    golden_array grid = golden_in(c, "w_grid");
    golden_array cost = golden_new(c, grid.shape), binary = golden_new(c, grid.shape);
    for (int64_t i = 0; i < grid.count; i++) {
        cost.data[i] = cost_at(&one, grid.data[i]);
        binary.data[i] = golden_value(one.net, one.binary).data[0];
    }
    golden_out(c, "J", cost);
    golden_out(c, "bce", binary);
    golden_out_number(c, "local_min_J", lowest(&one, 0.3, 60));
    golden_out_number(c, "global_min_J", lowest(&one, -0.003, -0.5));
}

/* --- chapter 3: cross-entropy of probabilities ---------------------------------------------- */

/* -(1/m) sum [Y ln(A + eps) + (1-Y) ln(1 - A + eps)] over columns; a term of weight 0 is left out,
 * or its logarithm of 0 would spoil the rest. */
static golden_net *probability_cost(golden_case *c, golden_array a, golden_array y, double eps)
{
    golden_net *net = golden_net_new(c, a.count);
    nn_graph *g = golden_graph(net);
    nn_node *p = golden_batch(net, "A", golden_like(c, nn_shape1(a.count), a));
    nn_node *target = golden_constant(net, "Y", golden_like(c, nn_shape1(y.count), y));
    nn_node *right = nn_log_of(g, nn_affine(g, p, 1, eps));
    nn_node *wrong = nn_log_of(g, nn_affine(g, nn_affine(g, p, -1, 1), 1, eps));
    nn_node *other = nn_affine(g, target, -1, 1);
    nn_node *cost = nn_add(g, nn_weighted_mean(g, right, target, NN_OVER_EXAMPLES),
                           nn_weighted_mean(g, wrong, other, NN_OVER_EXAMPLES));
    nn_named(g, "cost");
    golden_run(net, nn_affine(g, cost, -1, 0));
    return net;
}

static double cost_of(golden_net *net)
{
    const nn_node *cost = nn_graph_find(golden_graph(net), "cost");
    return cost ? golden_value(net, cost).data[0] : NAN;
}

static double cost_without(golden_case *c)
{
    return cost_of(probability_cost(c, golden_in(c, "A"), golden_in(c, "Y"), 0));
}

static double cost_with(golden_case *c)
{
    return cost_of(
        probability_cost(c, golden_in(c, "A"), golden_in(c, "Y"), golden_number(c, "eps")));
}

static void cost_eps(golden_case *c)
{
    golden_array a = golden_in(c, "A");
    golden_net *net = probability_cost(c, a, golden_in(c, "Y"), golden_number(c, "eps"));
    golden_out_number(c, "cost_eps", cost_of(net));
    golden_out_number(c, "cost_exact", cost_without(c));
    golden_out(c, "grad_A", golden_like(c, a.shape, golden_gradient(net, "A")));
}

static void listing_cost(golden_case *c)
{
    golden_out_number(c, "", cost_with(c));
}

static void listing_bias(golden_case *c)
{
    golden_out_number(c, "", cost_with(c) - cost_without(c));
}

static void loss_of_prediction(golden_case *c)
{
    golden_array one = golden_new(c, nn_shape1(1)), y = golden_new(c, nn_shape1(1));
    one.data[0] = golden_number(c, "yhat");
    y.data[0] = golden_number(c, "y");
    golden_out_number(c, "", cost_of(probability_cost(c, one, y, 0)));
}

/* --- chapter 35: detection ------------------------------------------------------------------ */

static void yolo_loss(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *target = example(net, "target");
    nn_param_freeze(nn_model_find(golden_model(net), "target"), true);
    nn_node *loss = nn_yolo(golden_graph(net), example(net, "pred"), target, (nn_yolo_args){0});
    out_loss(net, nn_batch_sum(golden_graph(net), loss), "pred");
}

/* --- chapters 36 and 37: pairs and triplets ------------------------------------------------- */

static void triplet(golden_case *c)
{
    golden_net *net = net_of_rows(c, "Aa");
    nn_graph *g = golden_graph(net);
    nn_node *a = batch(net, "Aa"), *p = batch(net, "P"), *n = batch(net, "N");
    nn_node *near = watched(net, nn_squared_distance(g, a, p, 1));
    nn_node *far = watched(net, nn_squared_distance(g, a, n, 1));
    nn_node *loss = watched(net, nn_triplet(g, a, p, n, golden_number(c, "alpha")));
    out_loss(net, nn_mean(g, loss), "Aa P N");
    golden_out(c, "per_sample", golden_value(net, loss));
    golden_out(c, "pos", golden_value(net, near));
    golden_out(c, "neg", golden_value(net, far));
}

/* The margin, and the loss of embeddings that are all the same. */
static void triplet_margin(golden_case *c)
{
    golden_array same = golden_new(c, nn_shape2(1, 2)), out = golden_new(c, nn_shape1(2));
    golden_net *net = golden_net_new(c, 1);
    nn_node *a = golden_batch(net, "same", same);
    out.data[0] = golden_number(c, "alpha");
    out.data[1] = golden_run(
        net, nn_mean(golden_graph(net), nn_triplet(golden_graph(net), a, a, a, out.data[0])));
    golden_out(c, "", out);
}

static void contrastive(golden_case *c)
{
    golden_net *net = net_of_rows(c, "u");
    nn_graph *g = golden_graph(net);
    nn_node *u = batch(net, "u"), *v = batch(net, "v");
    nn_node *square = watched(net, nn_squared_distance(g, u, v, 1));
    nn_node *loss = nn_contrastive(g, u, v, labels(net, "same"), 1);
    out_loss(net, nn_mean(g, loss), "u v");
    golden_array distance = golden_value(net, square);
    for (int64_t i = 0; i < distance.count; i++)
        distance.data[i] = sqrt(distance.data[i]);
    golden_out(c, "D", distance);
}

static void verify_logistic(golden_case *c)
{
    golden_net *net = net_of_rows(c, "f1");
    nn_graph *g = golden_graph(net);
    nn_node *apart = nn_abs(g, nn_sub(g, batch(net, "f1"), batch(net, "f2")));
    golden_array w = golden_in(c, "w"), y = golden_in(c, "y");
    nn_node *z = nn_linear(g, apart, golden_weight(net, "w", w, nn_shape2(1, w.count)),
                           golden_weight(net, "b", golden_in(c, "b"), nn_shape1(1)));
    nn_node *yhat = watched(net, nn_sigmoid(g, z));
    nn_node *target = golden_constant(net, "y", golden_like(c, nn_shape2(y.count, 1), y));
    nn_node *loss = nn_binary_cross_entropy(g, z, target, NULL, NULL);
    out_loss(net, nn_mean(g, loss), "f1 f2 w b");
    golden_out(c, "yhat", golden_value(net, yhat));
}

/* --- chapter 38: style transfer ------------------------------------------------------------- */

static double size_of(golden_case *c, const char *name)
{
    return (double)golden_in(c, name).count;
}

static void out_cost(golden_net *net, nn_node *loss, const char *gradient)
{
    double value = golden_run(net, nn_batch_sum(golden_graph(net), loss));
    golden_out_number(golden_net_case(net), "J", value);
    golden_out_gradients(net, gradient);
}

static nn_node *content(golden_net *net, nn_node *generated, double scale)
{
    return nn_squared_distance(golden_graph(net), example(net, "aC"), generated, scale);
}

static void content_cost(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    out_cost(net, content(net, example(net, "aG"), 0.5), "aG");
}

static void content_cost_normalised(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    out_cost(net, content(net, example(net, "aG"), 1 / (4 * size_of(c, "aC"))), "aG");
}

static void gram(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    golden_array d = golden_in(c, "d_G");
    nn_node *gram =
        nn_gram(golden_graph(net), example(net, "a"), (nn_gram_args){.channels = NN_CHANNELS_LAST});
    d = golden_like(c, nn_shape3(1, d.shape.dim[0], d.shape.dim[1]), d);
    golden_run(net, golden_sum(net, watched(net, gram), &d));
    golden_out(c, "G", golden_value(net, gram));
    golden_out_gradients(net, "a");
}

static void style_of(golden_case *c, bool normalised)
{
    golden_net *net = golden_net_new(c, 1);
    out_cost(net,
             nn_style_loss(golden_graph(net), example(net, "aG"), example(net, "aS"),
                           NN_CHANNELS_LAST, normalised),
             "aG");
}

static void style_cost(golden_case *c)
{
    style_of(c, false);
}

static void style_cost_normalised(golden_case *c)
{
    style_of(c, true);
}

static void style_transfer(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *generated = example(net, "aG");
    nn_node *kept = content(net, generated, 1 / (4 * size_of(c, "aC")));
    nn_node *style = nn_style_loss(g, generated, example(net, "aS"), NN_CHANNELS_LAST, true);
    out_cost(net,
             nn_add(g, nn_affine(g, kept, golden_number(c, "alpha"), 0),
                    nn_affine(g, style, golden_number(c, "beta"), 0)),
             "aG");
}

/* --- chapter 44: word vectors --------------------------------------------------------------- */

static nn_node *one_index(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    return golden_labels(net, name, golden_like(c, nn_shape1(1), golden_in(c, name)));
}

static void skipgram_softmax(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *h = nn_mean_embedding(g, table(net, "E"), one_index(net, "c"), -1);
    nn_named(g, "logits");
    nn_node *loss = nn_word_softmax(g, h, table(net, "theta"), one_index(net, "t"));
    out_loss(net, nn_batch_sum(g, loss), "E theta");
    golden_array p = golden_gradient(net, "logits"); /* softmax - onehot */
    p.data[(int64_t)golden_number(c, "t")] += 1;
    golden_out(c, "p", p);
}

static void negative_sampling(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    golden_array negative = golden_in(c, "neg"),
                 words = golden_new(c, nn_shape1(negative.count + 1));
    words.data[0] = golden_number(c, "t");
    memcpy(words.data + 1, negative.data, (size_t)negative.count * sizeof(double));
    nn_node *loss =
        nn_negative_sampling(golden_graph(net), table(net, "E"), table(net, "theta"),
                             one_index(net, "c"), golden_indices(net, "words", words, words.shape));
    out_loss(net, nn_batch_sum(golden_graph(net), loss), "E theta");
}

static void bag_of_words(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    golden_array context = golden_in(c, "ctx");
    nn_node *words = golden_indices(net, "ctx", context, context.shape);
    nn_node *h = nn_mean_embedding(g, table(net, "E"), words, -1);
    nn_node *loss = nn_word_softmax(g, h, table(net, "theta"), one_index(net, "t"));
    out_loss(net, nn_batch_sum(g, loss), "E theta");
}

/* Every count above 0 is a row (i, j, X_ij). */
static void glove(golden_case *c)
{
    golden_array x = golden_in(c, "X");
    int64_t rows = 0, columns = x.shape.dim[1];
    for (int64_t k = 0; k < x.count; k++)
        rows += x.data[k] > 0;
    if (rows == 0)
        golden_skip(c);
    golden_array i = golden_new(c, nn_shape1(rows)), j = golden_new(c, nn_shape1(rows));
    golden_array counts = golden_new(c, nn_shape1(rows));
    for (int64_t k = 0, row = 0; k < x.count; k++)
        if (x.data[k] > 0) {
            i.data[row] = (double)(k / columns);
            j.data[row] = (double)(k % columns);
            counts.data[row++] = x.data[k];
        }
    golden_net *net = golden_net_new(c, rows);
    nn_node *loss = nn_glove(golden_graph(net), table(net, "W"), table(net, "C"), table(net, "bw"),
                             table(net, "bc"), golden_labels(net, "i", i),
                             golden_labels(net, "j", j), golden_constant(net, "X", counts),
                             (nn_glove_args){.x_max = golden_number(c, "x_max")});
    out_loss(net, nn_batch_sum(golden_graph(net), loss), "W C bw bc");
}

/* --- chapters 27 and 46: masks -------------------------------------------------------------- */

static void multitask(golden_case *c)
{
    golden_array z = golden_transposed(c, golden_in(c, "Z"));
    golden_net *net = golden_net_new(c, z.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_node *y = golden_constant(net, "Y", golden_transposed(c, golden_in(c, "Y")));
    nn_node *mask = golden_constant(net, "mask", golden_transposed(c, golden_in(c, "mask")));
    nn_node *loss = nn_binary_cross_entropy(g, golden_batch(net, "Z", z), y, NULL, NULL);
    golden_out_number(c, "loss",
                      golden_run(net, nn_weighted_mean(g, loss, mask, NN_OVER_EXAMPLES)));
    golden_out(c, "grad_Z", golden_transposed(c, golden_gradient(net, "Z")));
}

static void masked_cross_entropy(golden_case *c)
{
    golden_net *net = net_of_rows(c, "logits");
    nn_graph *g = golden_graph(net);
    golden_array target = golden_in(c, "target");
    nn_node *words = golden_indices(net, "target", target, nn_shape1(target.shape.dim[1]));
    nn_node *each = nn_softmax_cross_entropy(g, batch(net, "logits"), words);
    nn_node *mask = golden_constant(net, "mask", golden_in(c, "mask"));
    nn_node *all = watched(net, nn_mean(g, each));
    out_loss(net, nn_weighted_mean(g, each, mask, NN_OVER_WEIGHTS), "logits");
    golden_out_number(c, "loss_unmasked", golden_value(net, all).data[0]);
}

/* Mean cross-entropy of a text, of all positions or of the masked ones. */
static void language_loss(golden_case *c)
{
    golden_net *net = net_of_rows(c, "logits");
    nn_graph *g = golden_graph(net);
    nn_node *loss = nn_softmax_cross_entropy(g, batch(net, "logits"), labels(net, "target"));
    nn_node *mean =
        golden_has(c, "mask")
            ? nn_weighted_mean(g, loss, golden_constant(net, "mask", golden_in(c, "mask")),
                               NN_OVER_WEIGHTS)
            : nn_mean(g, loss);
    double value = golden_run(net, mean);
    golden_out_number(c, "loss", value);
    golden_out_number(c, "perplexity", exp(value));
    golden_out_gradients(net, "logits");
}

const golden_known golden_loss_cases[] = {
    {"ch02-mse-sigmoid", mse_sigmoid},
    {"ch02-mse-local-minimum", mse_local_minimum},
    {"ch03-cost-eps", cost_eps},
    {"ch03-loss-0.8", loss_of_prediction},
    {"ch03-loss-0.1", loss_of_prediction},
    {"ch03-listing-eps-perfect", listing_cost},
    {"ch03-listing-eps-worst", listing_cost},
    {"ch03-listing-eps-bias", listing_bias},
    {"ch27-multitask-bce", multitask},
    {"ch35-yolo-loss", yolo_loss},
    {"ch36-margin", triplet_margin},
    {"ch36-triplet", triplet},
    {"ch36-triplet-active", triplet},
    {"ch36-collapse", triplet},
    {"ch36-contrastive", contrastive},
    {"ch37-verify-logistic", verify_logistic},
    {"ch38-content", content_cost},
    {"ch38-content-norm", content_cost_normalised},
    {"ch38-gram", gram},
    {"ch38-style", style_cost},
    {"ch38-style-norm", style_cost_normalised},
    {"ch38-total", style_transfer},
    {"ch44-skipgram-softmax", skipgram_softmax},
    {"ch44-negative-sampling", negative_sampling},
    {"ch44-cbow", bag_of_words},
    {"ch44-glove", glove},
    {"ch46-masked-ce", masked_cross_entropy},
    {"ch51-lm-loss", language_loss},
    {"ch51-mlm-loss", language_loss},
    {"", NULL},
};
