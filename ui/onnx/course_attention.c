/* Operators of chapters 49 to 51: attention and blocks of transformers; rows are positions. */
#include "engine/attention.h"
#include "ui/onnx/course.h"

/* --- additive attention -------------------------------------------------------------------------
 */

enum { Q, HS, W1, W2, V, MASK };

static void build_additive(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    bool masked = onnx_op(call)->variant == 1;
    nn_node *states = onnx_whole(call, HS);
    nn_node *query = course_product(g, onnx_whole(call, W1), onnx_whole(call, Q));
    nn_node *keys = nn_matmul(g, states, onnx_whole(call, W2), (nn_matmul_args){.trans_b = true});
    nn_node *score = nn_additive_score(g, query, keys, onnx_weight(call, V));
    nn_node *alpha = masked ? nn_masked_softmax(g, score, NULL, onnx_constant(call, MASK), false)
                            : nn_softmax(g, score, -1);
    if (!masked)
        course_out(call, 0, score);
    course_out(call, masked ? 0 : 1, alpha);
    course_out(call, masked ? 1 : 2, course_product(g, alpha, states));
}

/* --- scaled dot product -------------------------------------------------------------------------
 */

typedef struct {
    nn_node *alpha, *out;
} attended;

static attended attend(nn_graph *g, nn_node *q, nn_node *k, nn_node *v, nn_node *mask,
                       nn_attention_args args)
{
    attended a = {.alpha = nn_attention_weights(g, q, k, v, NULL, mask, args)};
    a.out = nn_attention_values(g, a.alpha, q, k, v);
    return a;
}

enum { PLAIN, UNSCALED, PADDED, CAUSAL };

static void build_product_attention(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    int kind = onnx_op(call)->variant;
    nn_attention_args args = {.heads = 1, .causal = kind == CAUSAL, .scale = kind == UNSCALED};
    nn_node *mask = kind == PADDED ? onnx_constant(call, 3) : NULL;
    attended a =
        attend(g, onnx_whole(call, 0), onnx_whole(call, 1), onnx_whole(call, 2), mask, args);
    course_out_as(call, 0, a.alpha,
                  nn_shape2(onnx_input(call, 0)->shape.dim[0], onnx_input(call, 1)->shape.dim[0]));
    if (kind != UNSCALED)
        course_out(call, 1, a.out);
}

/* Two heads over x, with Wq, Wk, Wv, Wo from input 1 on. */
static attended two_heads(onnx_call *call, nn_node *x, bool causal)
{
    nn_graph *g = onnx_graph(call);
    nn_node *part[3];
    for (int i = 0; i < 3; i++)
        part[i] = course_product(g, x, onnx_whole(call, 1 + i));
    attended a = attend(g, part[0], part[1], part[2], NULL,
                        (nn_attention_args){.heads = 2, .causal = causal});
    a.out = course_product(g, a.out, onnx_whole(call, 4));
    return a;
}

static void build_heads(onnx_call *call)
{
    attended a = two_heads(call, onnx_whole(call, 0), onnx_op(call)->variant == CAUSAL);
    course_out(call, 0, a.alpha);
    course_out(call, 1, a.out);
}

static void build_cross(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *memory = onnx_whole(call, 1);
    nn_node *q = course_product(g, onnx_whole(call, 0), onnx_whole(call, 2));
    nn_node *k = course_product(g, memory, onnx_whole(call, 3));
    nn_node *v = course_product(g, memory, onnx_whole(call, 4));
    attended a = attend(g, q, k, v, NULL, (nn_attention_args){.heads = 1});
    course_out_as(call, 0, a.alpha,
                  nn_shape2(onnx_input(call, 0)->shape.dim[0], onnx_input(call, 1)->shape.dim[0]));
    course_out(call, 1, a.out);
}

/* --- blocks -------------------------------------------------------------------------------------
 */

static nn_node *normalised(onnx_call *call, nn_node *x, int gamma)
{
    return nn_layer_norm(onnx_graph(call), x, onnx_weight(call, gamma),
                         onnx_weight(call, gamma + 1), (nn_layer_norm_args){.axis = -1});
}

/* relu(x W1 + b1) W2 + b2, from input `first` on. */
static nn_node *feed_forward(onnx_call *call, nn_node *x, int first)
{
    nn_graph *g = onnx_graph(call);
    nn_node *h =
        nn_add(g, course_product(g, x, onnx_whole(call, first)), onnx_whole(call, first + 1));
    return nn_add(g, course_product(g, nn_relu(g, h), onnx_whole(call, first + 2)),
                  onnx_whole(call, first + 3));
}

static void build_layer_norm(onnx_call *call)
{
    course_out(call, 0, normalised(call, onnx_whole(call, 0), 1));
}

static void build_feed_forward(onnx_call *call)
{
    course_out(call, 0, feed_forward(call, onnx_whole(call, 0), 1));
}

static void build_encoder(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *x = onnx_whole(call, 0);
    nn_node *after = normalised(call, nn_add(g, x, two_heads(call, x, false).out), 9);
    course_out(call, 0, after);
    course_out(call, 1, normalised(call, nn_add(g, after, feed_forward(call, after, 5)), 11));
}

static void build_gelu(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *x = onnx_whole(call, 0);
    course_out(call, 0, nn_gelu(g, x));
    course_out(call, 1, nn_gelu_tanh(g, x));
}

/* --- the table ----------------------------------------------------------------------------------
 */

const onnx_operator course_attention_operators[] = {
    COURSE("bahdanau", "q Hs W1 W2 v", "q t,h k,q k,h k", "score alpha context", build_additive, 0),
    COURSE("bahdanau-mask", "q Hs W1 W2 v mask", "q t,h k,q k,h k t", "alpha context",
           build_additive, 1),
    COURSE("sdpa", "Q K V", "n,k m,k m,v", "alpha out", build_product_attention, PLAIN),
    COURSE("sdpa-unscaled", "Q K V", "n,k m,k m,v", "alpha", build_product_attention, UNSCALED),
    COURSE("sdpa-pad-mask", "Q K V mask", "n,k m,k m,v m", "alpha out", build_product_attention,
           PADDED),
    COURSE("causal-sdpa", "Q K V", "n,k m,k m,v", "alpha out", build_product_attention, CAUSAL),
    COURSE("mha", "X Wq Wk Wv Wo", "t,2h 2h,2h 2h,2h 2h,2h 2h,2h", "alpha out", build_heads, PLAIN),
    COURSE("causal-mha", "X Wq Wk Wv Wo", "t,2h 2h,2h 2h,2h 2h,2h 2h,2h", "alpha out", build_heads,
           CAUSAL),
    COURSE("cross-attention", "Xd M Wq Wk Wv", "t,d m,d d,k d,k d,v", "alpha out", build_cross, 0),
    COURSE("layernorm", "X gamma beta", "r,d d d", "Y", build_layer_norm, 0),
    COURSE("gelu", "x", "*", "y y_tanh", build_gelu, 0),
    COURSE("ffn", "X W1 b1 W2 b2", "t,d d,h h h,d d", "Y", build_feed_forward, 0),
    COURSE("encoder-block", "X Wq Wk Wv Wo W1 b1 W2 b2 g1 e1 g2 e2",
           "t,2h 2h,2h 2h,2h 2h,2h 2h,2h 2h,f f f,2h 2h 2h 2h 2h 2h", "after_attention Y",
           build_encoder, 0),
    {.name = NULL},
};
