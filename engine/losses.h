/* Losses as operators of a graph.
 *
 * A loss gives one value an example, (n), a position, (n, ...), or an element; nn_mean makes the
 * number to minimise of it, nn_weighted_mean one that leaves positions out, nn_batch_sum a sum. So
 * masks, weights and reductions are the same for every loss. What a row of the batch contributes
 * never depends on another row, and a loss has a gradient for every real input.
 *
 * Like all builders these take NULL and give NULL, and leave the first error in the graph. A label
 * or an index that does not exist cannot be refused in the middle of a step: it gives NaN, in the
 * value and in the gradients, and training then halts by name. */
#ifndef GRADUS_ENGINE_LOSSES_H
#define GRADUS_ENGINE_LOSSES_H

#include "engine/graph.h"

/* --- one of several classes ---------------------------------------------------------------- */

typedef struct {
    bool ignores;    /* positions labelled `ignored` have loss, gradient and weight 0 */
    int32_t ignored; /* any number, such as a padding token or -100 */
} nn_label_args;

/* w_label (log sum_j exp z_j - z_label): logits (n,...,k), labels int (n,...), class weights a
 * parameter or buffer (k), or NULL for 1. Result (n,...). nn_softmax_cross_entropy in graph.h is
 * this one without weights and ignored labels. ONNX: SoftmaxCrossEntropyLoss, reduction "none",
 * with the classes last. */
nn_node *nn_class_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *labels,
                                nn_node *class_weights, nn_label_args args);
/* -w_label x_label of log-probabilities x. ONNX: NegativeLogLikelihoodLoss, "none". */
nn_node *nn_negative_log_likelihood(nn_graph *graph, nn_node *log_probabilities, nn_node *labels,
                                    nn_node *class_weights, nn_label_args args);
/* The weight of every label, (n,...): w_label, or 1 without class weights, or 0 where ignored.
 * Neither ONNX loss with reduction "mean" is a mean of the weighted values, but
 * nn_weighted_mean(unweighted values, nn_label_weight(...)). */
nn_node *nn_label_weight(nn_graph *graph, nn_node *labels, nn_node *class_weights,
                         nn_label_args args);
/* -sum_j w_j p_j log softmax(z)_j: targets p (n,...,k) are shares, as in label smoothing, mixup and
 * distillation; they need not sum to 1. */
nn_node *nn_soft_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *targets,
                               nn_node *class_weights);
/* sum_j!=y max(0, margin + z_j - z_y), each term squared if asked: Weston and Watkins 1999. */
typedef struct {
    double margin; /* 0 means 1 */
    bool squared;
} nn_hinge_args;
nn_node *nn_multiclass_hinge(nn_graph *graph, nn_node *scores, nn_node *labels, nn_hinge_args args);

/* --- yes or no ----------------------------------------------------------------------------- */

/* w [(1-y) z + (1 + (p-1) y) log(1 + exp(-z))], element by element, without overflow: logits z and
 * targets y (n,...), real in 0..1; weights or masks w (n,...) or NULL; p (k) weighs the positives
 * of the last axis, a parameter or buffer, or NULL for 1. Chapter 27 divides by the examples, so:
 * nn_weighted_mean with NN_OVER_EXAMPLES. */
nn_node *nn_binary_cross_entropy(nn_graph *graph, nn_node *logits, nn_node *targets,
                                 nn_node *weights, nn_node *positive_weights);
/* max(0, margin - t z), squared if asked; targets t are -1 or 1. */
nn_node *nn_hinge(nn_graph *graph, nn_node *scores, nn_node *targets, nn_hinge_args args);

/* --- numbers ------------------------------------------------------------------------------- */

/* Element by element over equal shapes; the mean of the first is the MSE, of the second the MAE. */
nn_node *nn_squared_error(nn_graph *graph, nn_node *a, nn_node *b);
nn_node *nn_absolute_error(nn_graph *graph, nn_node *a, nn_node *b); /* derivative 0 at a = b */
/* d^2/2 where |d| = |a-b| <= delta, else delta (|d| - delta/2): Huber 1964. delta 0 means 1. */
nn_node *nn_huber_error(nn_graph *graph, nn_node *a, nn_node *b, double delta);
/* scale sum (a-b)^2 over everything of an example: (n). With 1/2 the content loss of chapter 38,
 * with 1/(4 h w c) its normalised form. */
nn_node *nn_squared_distance(nn_graph *graph, nn_node *a, nn_node *b, double scale);

/* --- embeddings (chapter 36) --------------------------------------------------------------- */

/* max(0, |a-p|^2 - |a-n|^2 + margin), squared distances, vectors (n,d); gives (n). Schroff et al.
 * 2015. */
nn_node *nn_triplet(nn_graph *graph, nn_node *anchor, nn_node *positive, nn_node *negative,
                    double margin);
/* D^2 where same is 1, max(0, margin - D)^2 where it is 0; D = |u-v|; same int (n). The gradient
 * at D = 0 is 0. Hadsell et al. 2006, without their 1/2. */
nn_node *nn_contrastive(nn_graph *graph, nn_node *u, nn_node *v, nn_node *same, double margin);

/* --- style (chapter 38) -------------------------------------------------------------------- */

typedef enum {
    NN_CHANNELS_FIRST, /* (n,c,h,w) */
    NN_CHANNELS_LAST   /* (n,h,w,c) */
} nn_channels;
typedef struct {
    nn_channels channels;
    double scale; /* 0 means 1 */
} nn_gram_args;
/* scale sum over positions of a_k a_l: (n,c,c). */
nn_node *nn_gram(nn_graph *graph, nn_node *a, nn_gram_args args);
/* sum (gram(a) - gram(style))^2, divided by 4 (h w c)^2 where `normalised`: (n). Gatys et al. 2015;
 * the notes leave the divisor out. */
nn_node *nn_style_loss(nn_graph *graph, nn_node *a, nn_node *style, nn_channels channels,
                       bool normalised);

/* --- detection (chapter 35) ---------------------------------------------------------------- */

typedef struct {
    double box, empty; /* weights of coordinates and of cells without object; 0 means 5 and 0.5 */
} nn_yolo_args;
/* Cells (n,...,5+k) of [p, x, y, height, width, classes ...], p of the targets 0 or 1; gives (n).
 * A cell with an object (p > 1/2) counts box ((x,y) errors^2 + (sqrt height, sqrt width) errors^2)
 * + (p error)^2 + class errors^2, one without empty (p error)^2. Redmon et al. 2016. Below 1e-6 the
 * root goes on as its tangent, so a predicted size of 0 or less has a finite gradient that lifts
 * it. */
nn_node *nn_yolo(nn_graph *graph, nn_node *predicted, nn_node *target, nn_yolo_args args);

/* --- word vectors (chapter 44) ------------------------------------------------------------- */

/* Tables are parameters (v,d), a row a word; words are int. The backward pass touches only the rows
 * that the batch names. */
/* -log sigmoid(out_t . in_c) - sum_k log sigmoid(-out_k . in_c): centre c (n), words (n,1+k), the
 * true context word t first, then the negatives, each of which counts as often as it stands there.
 * Mikolov et al. 2013. */
nn_node *nn_negative_sampling(nn_graph *graph, nn_node *in, nn_node *out, nn_node *centre,
                              nn_node *words);
/* Mean of the rows of `table` named by words (n,w): (n,d), the h of CBOW. `padding` (such as -1)
 * fills up short contexts and does not count; a context of padding alone gives 0. */
nn_node *nn_mean_embedding(nn_graph *graph, nn_node *table, nn_node *words, int32_t padding);
/* Full softmax over the vocabulary: -log softmax(out . h)_t of h (n,d) and target words int (n).
 * Skip-gram takes h = nn_mean_embedding of the one centre word, CBOW that of the context. */
nn_node *nn_word_softmax(nn_graph *graph, nn_node *h, nn_node *out, nn_node *target);
/* f (w_i . c_j + bw_i + bc_j - log x)^2, f = min(1, (x/x_max)^exponent): tables w, c (v,d), biases
 * bw, bc (v), pairs i, j int (n), counts x (n) above 0. Pennington et al. 2014, without the 1/2 of
 * their code. 0 means x_max 100 and exponent 0.75. */
typedef struct {
    double x_max, exponent;
} nn_glove_args;
nn_node *nn_glove(nn_graph *graph, nn_node *w, nn_node *c, nn_node *bw, nn_node *bc, nn_node *i,
                  nn_node *j, nn_node *x, nn_glove_args args);

/* --- from values to the number to minimise -------------------------------------------------- */

typedef enum {
    NN_OVER_WEIGHTS, /* divide by the sum of the weights; 0 where that is 0: nothing counts */
    NN_OVER_EXAMPLES /* divide by the rows of the batch, however many weights are 0 */
} nn_divisor;
/* sum(weights x) / divisor over the whole batch, whatever the shards: a scalar. Shapes are equal.
 */
nn_node *nn_weighted_mean(nn_graph *graph, nn_node *x, nn_node *weights, nn_divisor divisor);
/* Sum of everything in the rows that were fed: a scalar. */
nn_node *nn_batch_sum(nn_graph *graph, nn_node *x);

#endif
