/* Facts about words and texts (chapters 43, 44, 46-48), and the two operators of chapter 43. */
#include "engine/elementwise.h"
#include "engine/losses.h"
#include "engine/recurrent.h"
#include "engine/shapes.h"
#include "engine/text/bleu.h"
#include "engine/text/decode.h"
#include "engine/text/vectors.h"
#include "engine/text/vocabulary.h"
#include "tests/golden_case.h"
#include "tests/golden_settings.h"

#include <math.h>

static void check(golden_case *c, nn_status status, const nn_error *error)
{
    if (status)
        golden_fail(c, "%s", error->text);
}

/* --- chapter 43: words as vectors ---------------------------------------------------------------
 */

static void one_hot_words(golden_case *c)
{
    const nn_real one[3] = {1, 0, 0}, other[3] = {0, 0, 1};
    golden_out_numbers(
        c, "", 2,
        (double[]){nn_inner_product(one, other, 3), sqrt(nn_square_distance(one, other, 3))});
}

/* A table of `words` by `size` numbers and `length` words looked up in it. */
static nn_node *embedding_of(golden_net *net, int64_t words, int64_t size, int64_t length)
{
    nn_graph *g = golden_graph(net);
    nn_param *table =
        nn_model_param(golden_model(net), "table", nn_shape2(words, size), NN_INIT_ZEROS, 1, NULL);
    nn_node *text = nn_input(g, "text", NN_I32, nn_shape1(length));
    return nn_embedding(g, nn_use(g, table), text);
}

static void embedding_parameters(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    embedding_of(net, 10000, 300, 10);
    golden_out_number(c, "", (double)nn_model_parameters(golden_model(net)));
}

static void embedding_shape(golden_case *c)
{
    const int rows = 2;
    nn_node *node = embedding_of(golden_outline_new(c), 10000, 300, 10);
    if (!node)
        golden_fail(c, "the embedding was refused");
    nn_shape shape = nn_node_shape(node);
    golden_out_numbers(c, "", 3, (double[]){rows, (double)shape.dim[1], (double)shape.dim[2]});
}

static void embedding(golden_case *c)
{
    golden_array table = golden_in(c, "E"), words = golden_in(c, "idx"), upstream;
    golden_net *net = golden_net_new(c, words.count);
    nn_node *y = nn_embedding(golden_graph(net), golden_weight(net, "E", table, table.shape),
                              golden_labels(net, "idx", words));
    upstream = golden_in(c, "d_Y");
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, &upstream));
    golden_out(c, "Y", golden_value(net, y));
    golden_out_gradients(net, "E");
}

static nn_node *unit_vector(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    golden_array v = golden_in(c, name);
    nn_node *x = golden_batch(net, name, golden_like(c, nn_shape2(1, v.count), v));
    return nn_l2_normalise(golden_graph(net), x, -1, 0);
}

static void cosine(golden_case *c)
{
    golden_net *net = golden_net_new(c, 1);
    nn_node *u = unit_vector(net, "u"), *v = unit_vector(net, "v");
    golden_out_number(c, "sim",
                      golden_run(net, golden_sum(net, nn_mul(golden_graph(net), u, v), NULL)));
    golden_out_gradients(net, "u v");
}

/* --- chapter 44: Word2Vec and GloVe -------------------------------------------------------------
 */

/* Multiply-adds of the softmax over all words, of those of 1 + k sampled ones. */
static double saving(golden_case *c, int64_t words, int64_t negatives)
{
    golden_net *net = golden_outline_new(c);
    nn_graph *g = golden_graph(net);
    nn_shape shape = nn_shape2(words, 100);
    nn_node *in = nn_use(g, nn_model_param(golden_model(net), "in", shape, NN_INIT_ZEROS, 1, NULL));
    nn_node *out =
        nn_use(g, nn_model_param(golden_model(net), "out", shape, NN_INIT_ZEROS, 1, NULL));
    nn_node *centre = nn_input(g, "centre", NN_I32, nn_shape_of(0, NULL));
    nn_node *few = nn_input(g, "few", NN_I32, nn_shape1(1 + negatives));
    nn_node *h = nn_input(g, "h", NN_F, nn_shape1(100));
    nn_node *all = nn_linear(g, h, out, NULL);
    nn_node *sampled = nn_negative_sampling(g, in, out, centre, few);
    nn_error error;
    check(c, nn_graph_error(g, &error), &error);
    return (double)nn_node_multiply_adds(all) / (double)nn_node_multiply_adds(sampled);
}

static void savings(golden_case *c)
{
    golden_out_numbers(
        c, "", 3, (double[]){saving(c, 100000, 5), saving(c, 100000, 9), saving(c, 100000, 20)});
}

static void negatives(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){FEW_NEGATIVES, MANY_NEGATIVES});
}

/* GloVe's loss of pairs with these counts, each by itself, where vectors and the second bias are 0
 * and the first bias is `bias` of the count: weight x (bias - log count)^2. */
static golden_array glove_losses(golden_case *c, int count, const double *counts,
                                 double (*bias)(double))
{
    golden_net *net = golden_net_new(c, count);
    golden_array i = golden_new(c, nn_shape1(count)), x = golden_new(c, nn_shape1(count));
    golden_array zeros = golden_new(c, nn_shape2(count, 1)), biases = golden_new(c, i.shape);
    golden_array no_bias = golden_new(c, i.shape);
    for (int k = 0; k < count; k++) {
        i.data[k] = k;
        x.data[k] = counts[k];
        biases.data[k] = bias(counts[k]);
    }
    nn_node *loss = nn_glove(
        golden_graph(net), golden_weight(net, "W", zeros, zeros.shape),
        golden_weight(net, "C", zeros, zeros.shape), golden_weight(net, "bw", biases, i.shape),
        golden_weight(net, "bc", no_bias, i.shape), golden_labels(net, "i", i),
        golden_labels(net, "j", i), golden_constant(net, "X", x), (nn_glove_args){.x_max = 100});
    golden_watch(net, loss);
    golden_run(net, golden_sum(net, loss, NULL));
    return golden_value(net, loss);
}

static double one_above(double count)
{
    return log(count) + 1;
}

static void glove_weights(golden_case *c)
{
    golden_out(c, "", glove_losses(c, 4, (const double[]){1, 10, 100, 500}, one_above));
}

static void glove_logarithms(golden_case *c)
{
    const double counts[4] = {1, 2, 10, 100};
    golden_array x = golden_new(c, nn_shape2(1, 4));
    for (int i = 0; i < 4; i++)
        x.data[i] = counts[i];
    golden_net *net = golden_net_new(c, 1);
    nn_node *y = nn_log_of(golden_graph(net), golden_batch(net, "x", x));
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, NULL));
    golden_out(c, "", golden_value(net, y));
}

/* The sentences of the listing for gensim: different words, and all. */
static void vocabulary(golden_case *c)
{
    static const char *const sentences[4] = {"I love machine learning", "deep learning is fun",
                                             "machine learning is hard",
                                             "orange juice is delicious"};
    nn_vocabulary *v = nn_vocabulary_new(false);
    int tokens = 0, different = v ? 0 : -1;
    for (int i = 0; v && i < 4; i++) {
        int words = 0;
        if (nn_vocabulary_read(v, sentences[i], NULL, 0, &words, NULL) != NN_OK)
            break;
        tokens += words;
        different = nn_vocabulary_count(v);
    }
    nn_vocabulary_free(v);
    golden_out_numbers(c, "", 2, (double[]){different, tokens});
}

/* --- chapter 46: encoder and decoder ------------------------------------------------------------
 */

/* Listing 44: an embedding and an LSTM each for encoder and decoder, a dense layer on the
 * decoder. */
static void translator_parameters(golden_case *c)
{
    int64_t words = (int64_t)golden_number(c, "V"), size = (int64_t)golden_number(c, "D");
    int units = (int)golden_number(c, "H");
    golden_net *tables = golden_outline_new(c), *cell = golden_outline_new(c);
    golden_net *dense = golden_outline_new(c);
    embedding_of(tables, words, size, 1);
    nn_lstm_layer(golden_graph(cell), "lstm",
                  nn_input(golden_graph(cell), "x", NN_F, nn_shape2(1, size)), units,
                  (nn_recurrent_layer_args){.biases = NN_BIASES_ONE});
    nn_dense(golden_graph(dense), "dense",
             nn_input(golden_graph(dense), "x", NN_F, nn_shape1(units)), (int)words, NN_INIT_ZEROS);
    golden_out_numbers(c, "", 3,
                       (double[]){(double)nn_model_parameters(golden_model(tables)),
                                  (double)nn_model_parameters(golden_model(cell)),
                                  (double)nn_model_parameters(golden_model(dense))});
}

/* --- chapter 47: beam search --------------------------------------------------------------------
 */

typedef struct {
    int vocabulary;
    int64_t scored; /* continuations of the last step */
    /* Of the tokens 0 and 1 as the first and after each of them: the greedy choice leads astray. */
    const double (*table)[2];
} model;

static nn_status ask(void *context, const nn_beam_step *step, double *answer, nn_error *error)
{
    model *m = context;
    (void)error;
    m->scored = (int64_t)step->count * m->vocabulary;
    for (int i = 0; i < step->count; i++)
        for (int t = 0; t < m->vocabulary; t++) {
            const int32_t *text = step->tokens + (size_t)i * (size_t)step->stride;
            int last = step->length ? 1 + text[step->length - 1] : 0;
            answer[(int64_t)i * m->vocabulary + t] =
                m->table ? log(m->table[last][t]) : -log(m->vocabulary);
        }
    return NN_OK;
}

static void expanded(golden_case *c)
{
    enum { WIDTH = 3, LENGTH = 2 };
    nn_beam_text texts[WIDTH];
    int32_t tokens[WIDTH * LENGTH];
    int count;
    nn_error error;
    model m = {.vocabulary = 10000};
    nn_beam_args args = {.vocabulary = m.vocabulary, .width = WIDTH, .length = LENGTH, .end = -1};
    check(c, nn_beam_search(args, ask, &m, texts, tokens, &count, &error), &error);
    golden_out_number(c, "", (double)m.scored);
}

/* The widest beam that still finds the greedy text where another one is likelier. */
static void greedy_width(golden_case *c)
{
    static const double table[3][2] = {{0.6, 0.4}, {0.5, 0.5}, {0.1, 0.9}};
    const int32_t greedy[2] = {0, 0}; /* the likelier token, and the first of two equal ones */
    int widest = 0;
    for (int width = 1; width <= 4; width++) {
        nn_beam_text texts[4];
        int32_t tokens[8];
        int count;
        nn_error error;
        model m = {.vocabulary = 2, .table = table};
        nn_beam_args args = {.vocabulary = 2, .width = width, .length = 2, .end = -1};
        check(c, nn_beam_search(args, ask, &m, texts, tokens, &count, &error), &error);
        if (tokens[0] == greedy[0] && tokens[1] == greedy[1])
            widest = width;
    }
    golden_out_number(c, "", widest);
}

static void underflow_in_double(golden_case *c)
{
    volatile double product = 1;
    int factors = 0;
    for (; product > 0; factors++)
        product = product * 0.1;
    golden_out_number(c, "", factors);
}

static void underflow_in_float(golden_case *c)
{
    volatile float product = 1;
    int factors = 0;
    for (; product > 0; factors++)
        product = product * 0.1F;
    golden_out_number(c, "", factors);
}

/* The score of a text of 400 words of which each has one chance in ten. */
static void logarithms_do_not_underflow(golden_case *c)
{
    enum { LENGTH = 400 };
    nn_beam_text text;
    int32_t tokens[LENGTH];
    int count;
    nn_error error;
    model m = {.vocabulary = 10};
    nn_beam_args args = {.vocabulary = 10, .width = 1, .length = LENGTH, .end = -1};
    check(c, nn_beam_search(args, ask, &m, &text, tokens, &count, &error), &error);
    golden_out_number(c, "", text.log_probability);
}

/* --- chapter 48: BLEU ---------------------------------------------------------------------------
 */

enum { LONGEST = 16 };

typedef struct {
    int32_t token[LONGEST];
    int length;
} sentence;

static sentence read_words(golden_case *c, nn_vocabulary *v, const char *text)
{
    sentence s = {.length = 0};
    nn_error error = {NN_OK, ""};
    nn_status status = v ? nn_vocabulary_read(v, text, s.token, LONGEST, &s.length, &error)
                         : nn_fail(&error, NN_E_NOMEM, "no memory for a vocabulary");
    if (status || s.length > LONGEST) {
        nn_vocabulary_free(v);
        golden_fail(c, "'%s': %s", text, error.text);
    }
    return s;
}

/* Of one candidate and up to two references. */
static nn_bleu bleu_of(golden_case *c, bool fold, const char *candidate, const char *reference,
                       const char *other)
{
    nn_vocabulary *v = nn_vocabulary_new(fold);
    nn_bleu bleu = {.length = 0};
    nn_error error = {NN_OK, ""};
    sentence s = read_words(c, v, candidate), first = read_words(c, v, reference);
    sentence second = read_words(c, v, other ? other : "");
    nn_sentence references[2] = {{first.token, first.length}, {second.token, second.length}};
    nn_status status =
        nn_bleu_add(&bleu, (nn_sentence){s.token, s.length}, references, other ? 2 : 1, &error);
    nn_vocabulary_free(v);
    check(c, status, &error);
    return bleu;
}

static double precision_of(const nn_bleu *bleu, int order)
{
    return (double)bleu->matches[order - 1] / (double)bleu->total[order - 1];
}

static const char *const repeated = "the the the the the", *const mat = "The cat is on the mat";

/* Without clipping: the words of the candidate, one by one, that the reference has. */
static void plain_precision(golden_case *c)
{
    nn_vocabulary *v = nn_vocabulary_new(true);
    sentence reference = read_words(c, v, mat);
    int known = nn_vocabulary_count(v), found = 0;
    sentence candidate = read_words(c, v, repeated);
    nn_vocabulary_free(v);
    for (int i = 0; i < candidate.length; i++)
        found += candidate.token[i] < known && reference.length > 0;
    golden_out_number(c, "", (double)found / candidate.length);
}

static void clipped_precision(golden_case *c)
{
    nn_bleu bleu = bleu_of(c, true, repeated, mat, NULL);
    golden_out_number(c, "", precision_of(&bleu, 1));
}

static void clipped_with_capitals(golden_case *c)
{
    nn_bleu bleu = bleu_of(c, false, repeated, mat, NULL);
    golden_out_number(c, "", precision_of(&bleu, 1));
}

static void listing_bleu(golden_case *c)
{
    nn_bleu bleu = bleu_of(c, false, "the cat is on the mat", "the cat is on the mat",
                           "there is a cat on the mat");
    golden_out_number(c, "", nn_bleu_score(&bleu, NN_BLEU_ORDER, NN_BLEU_PLAIN));
}

static void brevity(golden_case *c)
{
    const int candidate[4] = {2, 5, 6, 7}, reference = 6;
    double penalty[4];
    for (int i = 0; i < 4; i++) {
        nn_bleu bleu = {.length = candidate[i], .reference_length = reference};
        penalty[i] = nn_bleu_brevity(&bleu);
    }
    golden_out_numbers(c, "", 4, penalty);
}

static void scrambled(golden_case *c)
{
    nn_bleu bleu = bleu_of(c, true, "the cat the mat on is", "the cat is on the mat", NULL);
    double precision[NN_BLEU_ORDER];
    for (int n = 1; n <= NN_BLEU_ORDER; n++)
        precision[n - 1] = precision_of(&bleu, n);
    golden_out_numbers(c, "", NN_BLEU_ORDER, precision);
}

const golden_known golden_word_fact_cases[] = {
    {"ch43-onehot", one_hot_words},
    {"ch43-embed-params", embedding_parameters},
    {"ch43-embed-shape", embedding_shape},
    {"ch43-embedding", embedding},
    {"ch43-cosine", cosine},
    {"ch44-saving", savings},
    {"ch44-k-range", negatives},
    {"ch44-glove-log", glove_logarithms},
    {"ch44-glove-weight", glove_weights},
    {"ch44-vocab", vocabulary},
    {"ch46-params", translator_parameters},
    {"ch47-expand", expanded},
    {"ch47-greedy", greedy_width},
    {"ch47-underflow-f64", underflow_in_double},
    {"ch47-underflow-f32", underflow_in_float},
    {"ch47-log-sum", logarithms_do_not_underflow},
    {"ch48-plain", plain_precision},
    {"ch48-clipped", clipped_precision},
    {"ch48-clipped-cased", clipped_with_capitals},
    {"ch48-demo-bleu", listing_bleu},
    {"ch48-bp", brevity},
    {"ch48-scramble", scrambled},
    {"", NULL},
};
