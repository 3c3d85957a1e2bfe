/* Transformers from layers that create their own parameters (Vaswani et al. 2017; chapters 49-51).
 *
 * Layers name their parameters "name.part" in the graph's model and reuse those that exist. The
 * nodes in them are called "name.part" too; the attention operator of a layer is "name.heads", from
 * which nn_attention_weights_of makes what a panel shows. Sequences are x (n,T,width). Masks and
 * lengths are those of nn_attention and may be NULL. */
#ifndef GRADUS_ENGINE_TRANSFORMER_H
#define GRADUS_ENGINE_TRANSFORMER_H

#include "engine/attention.h"

typedef struct {
    int heads;     /* must divide the width; 0 means 1 */
    int hidden;    /* units between the two layers of the feed-forward part; 0: 4 times the width */
    bool pre_norm; /* x + f(norm(x)) (Xiong et al. 2020; GPT-2); else norm(x + f(x)), the paper's */
    bool gelu;     /* between the layers of the feed-forward part; else ReLU */
    bool bare;     /* projections without bias */
    double dropout; /* of attention weights and of what every part adds; 0: none */
    double epsilon; /* of the norms; 0 means 1e-5 */
} nn_transformer_args;

/* The last axis of x (n,...,in) to `units`: "name.weight" (units,in), drawn from N(0,1/in), and,
 * with `bias`, "name.bias". */
nn_node *nn_project(nn_graph *graph, const char *name, nn_node *x, int units, bool bias);
/* Layer normalisation over the last axis, "name.gamma" (ones) and "name.beta" (zeros). */
nn_node *nn_layer_norm_layer(nn_graph *graph, const char *name, nn_node *x, double epsilon);

/* Tokens, whole numbers (n,T), as rows of the table "name.table" (words,width), drawn from scale
 * N(0,1). */
nn_node *nn_token_vectors(nn_graph *graph, const char *name, nn_node *tokens, int words, int width,
                          double scale);

/* --- attention ------------------------------------------------------------------------------ */

/* Heads over x itself: "name.qkv" projects to queries, keys and values side by side, "name.out"
 * projects the heads' results back to the width. */
nn_node *nn_self_attention(nn_graph *graph, const char *name, nn_node *x, nn_node *lengths,
                           nn_node *mask, bool causal, nn_transformer_args args);
/* Queries of x ("name.q") over keys and values of `memory` (n,T',any width) ("name.kv"); lengths
 * and mask are the memory's. */
nn_node *nn_cross_attention(nn_graph *graph, const char *name, nn_node *x, nn_node *memory,
                            nn_node *lengths, nn_node *mask, nn_transformer_args args);
/* The weights (n,heads,queries,keys) of an attention operator, by the node's own inputs: costs
 * nothing in plans that do not ask for it. `attention` is what nn_graph_find says of "name.heads".
 */
nn_node *nn_attention_weights_of(nn_graph *graph, const nn_node *attention);

/* Additive attention (chapter 49): scores v . tanh(W1 query + W2 key), softmax over the keys, and
 * the weighted sum of the keys. query (n,d) or (n,queries,d), keys (n,T,d'); parameters
 * "name.query", "name.keys" (units by widths) and "name.score" (units). Result (n,d') or
 * (n,queries,d'). The weights are the node "name.weights". */
nn_node *nn_additive_attention(nn_graph *graph, const char *name, nn_node *query, nn_node *keys,
                               int units, nn_node *lengths, nn_node *mask);
/* The same where a decoder asks again and again: `projected` is nn_project(graph, "name.keys",
 * keys, units, false), made once. */
nn_node *nn_additive_context(nn_graph *graph, const char *name, nn_node *query, nn_node *keys,
                             nn_node *projected, nn_node *lengths, nn_node *mask);

/* --- positions ------------------------------------------------------------------------------ */

/* x plus sin(t / 10000^(2i/width)) in column 2i and the cosine in 2i+1 of row t (chapter 51): the
 * buffer "name.table". */
nn_node *nn_sinusoidal_positions(nn_graph *graph, const char *name, nn_node *x);
/* x plus row t of a trained table of `longest` rows, "name.table", drawn from 0.02 N(0,1) (GPT-2).
 */
nn_node *nn_learned_positions(nn_graph *graph, const char *name, nn_node *x, int longest);

/* --- blocks --------------------------------------------------------------------------------- */

/* To "name.hidden" and back, "name.out", with ReLU or GELU between. */
nn_node *nn_feed_forward(nn_graph *graph, const char *name, nn_node *x, nn_transformer_args args);
/* Self attention and feed-forward, each added to its input and normalised (after or before):
 * "name.attention", "name.norm1", "name.feed", "name.norm2". A stack with pre_norm needs one more
 * norm at its end. */
nn_node *nn_encoder_block(nn_graph *graph, const char *name, nn_node *x, nn_node *lengths,
                          nn_node *mask, nn_transformer_args args);
/* Causal self attention, cross attention to the memory ("name.cross", "name.norm3"), feed-forward.
 * memory NULL: a block of GPT, without the cross attention. lengths and mask are the memory's. */
nn_node *nn_decoder_block(nn_graph *graph, const char *name, nn_node *x, nn_node *memory,
                          nn_node *lengths, nn_node *mask, nn_transformer_args args);

#endif
