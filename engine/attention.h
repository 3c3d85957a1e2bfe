/* Products of matrices, layer normalisation and attention: what transformers are made of.
 *
 * Builders as in graph.h: a NULL node gives NULL, the graph keeps the first error. Shapes are
 * written with the batch n in front of activations; parameters have none. */
#ifndef GRADUS_ENGINE_ATTENTION_H
#define GRADUS_ENGINE_ATTENTION_H

#include "engine/graph.h"

/* --- products ------------------------------------------------------------------------------ */

typedef struct {
    bool trans_a, trans_b; /* swap the last two dimensions of what is stored */
} nn_matmul_args;
/* a (n,...,i,k) by b (n,...,k,j) = (n,...,i,j), example by example; one of the two may be a
 * parameter, (...,i,k) or (...,k,j). The dimensions before the matrix broadcast as in numpy. An
 * example that is a vector counts as one row (a) or one column (b), which the result drops. */
nn_node *nn_matmul(nn_graph *graph, nn_node *a, nn_node *b, nn_matmul_args args);

typedef struct {
    bool trans_a, trans_b;
    double alpha, beta; /* as they are: 1 and 1 for the plain sum */
} nn_gemm_args;
/* alpha op(a) op(b) + beta c with one matrix an example (ONNX Gemm); c, parameter or activation, of
 * at most two dimensions an example, broadcasts to the result; NULL: none. */
nn_node *nn_general_product(nn_graph *graph, nn_node *a, nn_node *b, nn_node *c, nn_gemm_args args);

/* --- layer normalisation -------------------------------------------------------------------- */

typedef struct {
    int axis;       /* the first of the axes normalised over, counted with the batch as axis 0, or
                       from the end; 0 means -1, the last one */
    double epsilon; /* inside the root; 0 means 1e-5 */
} nn_layer_norm_args;
/* gamma (x - mean) / sqrt(variance + epsilon) + beta over the axes from `axis` on, with the
 * variance of divisor m: Ba, Kiros and Hinton 2016, ONNX LayerNormalization. gamma and beta have
 * the shape of these axes; beta may be NULL. */
nn_node *nn_layer_norm(nn_graph *graph, nn_node *x, nn_node *gamma, nn_node *beta,
                       nn_layer_norm_args args);

/* --- attention ------------------------------------------------------------------------------ */

typedef struct {
    int heads;    /* 0 means 1 */
    bool causal;  /* query i sees the keys 0..i */
    double scale; /* of the scores; 0 means 1/sqrt(numbers of a head's key), 1 is none */
} nn_attention_args;
/* Scaled dot product attention, Vaswani et al. 2017: softmax(scale Q K') V for every head. Rows
 * hold their heads side by side: q (n,queries,heads*d), k (n,keys,heads*d), v (n,keys,heads*dv),
 * result (n,queries,heads*dv). This is how a dense layer writes them and the next one reads them,
 * so nothing is transposed or copied. Packed forms save the copies before, too: v NULL: k is
 * (n,keys,2*heads*d), keys then values; k and v NULL: q is (n,T,3*heads*d), queries, keys, values:
 * self attention. lengths, whole numbers (n), or NULL: keys from there on are padding. mask, 0 and
 * 1, (n,keys) or (n,queries,keys), or NULL: keys with 0 are not seen. A query that sees no key
 * gives zeros. Keys and values that nobody sees get zero gradient. A length outside 0..keys makes
 * its example NaN. */
nn_node *nn_attention(nn_graph *graph, nn_node *q, nn_node *k, nn_node *v, nn_node *lengths,
                      nn_node *mask, nn_attention_args args);
/* Its weights alone, (n,heads,queries,keys), from the same nodes and arguments. */
nn_node *nn_attention_weights(nn_graph *graph, nn_node *q, nn_node *k, const nn_node *v,
                              nn_node *lengths, nn_node *mask, nn_attention_args args);
/* And what such weights make of the values of the same nodes: nn_attention in two steps, for
 * something that stands between them. */
nn_node *nn_attention_values(nn_graph *graph, nn_node *weights, nn_node *q, nn_node *k, nn_node *v);

/* Scores of additive attention (Bahdanau, Cho and Bengio 2015; chapter 49) from projected queries
 * (n,queries,units) or (n,units) and keys (n,keys,units): v . tanh(query + key), v (units). Result
 * (n,queries,keys) or (n,keys). nn_masked_softmax makes weights of them, nn_matmul applies these.
 */
nn_node *nn_additive_score(nn_graph *graph, nn_node *query, nn_node *keys, nn_node *v);

/* Softmax along the last axis of x (n,...,keys) over the keys that are seen, as in nn_attention;
 * mask (n,keys) or (n,queries,keys) with queries the axis before. */
nn_node *nn_masked_softmax(nn_graph *graph, nn_node *x, nn_node *lengths, nn_node *mask,
                           bool causal);

/* x (n,T,d) plus the first T rows of a table (rows,d), a parameter or a buffer. */
nn_node *nn_add_positions(nn_graph *graph, nn_node *x, nn_node *table);

#endif
