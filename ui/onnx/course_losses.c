/* Operators of chapters 27, 36 to 38, 44, 46 and 51: losses and distances. */
#include "engine/attention.h"
#include "engine/losses.h"
#include "ui/onnx/course.h"

#include <math.h>
#include <stdlib.h>

static void build_multitask(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    double m = (double)onnx_input(call, 0)->shape.dim[1];
    nn_node *each = nn_binary_cross_entropy(g, onnx_whole(call, 0), onnx_constant(call, 1),
                                            onnx_constant(call, 2), NULL);
    course_out(call, 0, nn_affine(g, course_sum(g, each), 1 / m, 0));
}

/* --- embeddings ---------------------------------------------------------------------------------
 */

static void build_triplet(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    bool parts = onnx_op(call)->variant == 0;
    nn_node *a = onnx_rows(call, 0, 0), *p = onnx_rows(call, 1, 0), *n = onnx_rows(call, 2, 0);
    nn_node *each = nn_triplet(g, a, p, n, course_number(call, 3));
    if (parts) {
        course_out_rows(call, 0, nn_squared_distance(g, a, p, 1));
        course_out_rows(call, 1, nn_squared_distance(g, a, n, 1));
    }
    course_out_rows(call, parts ? 2 : 0, each);
    course_out_as(call, parts ? 3 : 1, nn_mean(g, each), nn_shape_of(0, NULL));
}

static void build_contrastive(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *u = onnx_rows(call, 0, 0), *v = onnx_rows(call, 1, 0);
    nn_node *each = nn_contrastive(g, u, v, onnx_row_indices(call, 2), 1);
    course_out_rows(call, 0, nn_reduce_l2(g, nn_sub(g, u, v), NULL, 0, false));
    course_out_as(call, 1, nn_mean(g, each), nn_shape_of(0, NULL));
}

static void build_length(onnx_call *call)
{
    course_out(call, 0, nn_l2_normalise(onnx_graph(call), onnx_whole(call, 0), 1, 0));
}

static void build_verify(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *apart = nn_abs(g, nn_sub(g, onnx_whole(call, 0), onnx_whole(call, 1)));
    nn_node *z = nn_add(g, course_product(g, apart, onnx_whole(call, 2)), course_scalar(call, 3));
    course_out(call, 0, nn_sigmoid(g, z));
    course_out(call, 1,
               course_mean(g, nn_binary_cross_entropy(g, z, onnx_constant(call, 4), NULL, NULL)));
}

static void build_cosine(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *u = onnx_whole(call, 0), *v = onnx_whole(call, 1);
    nn_node *lengths =
        nn_mul(g, nn_reduce_l2(g, u, NULL, 0, false), nn_reduce_l2(g, v, NULL, 0, false));
    course_out(call, 0, nn_div(g, course_sum(g, nn_mul(g, u, v)), lengths));
}

/* --- style --------------------------------------------------------------------------------------
 */

static nn_node *content(onnx_call *call, int fixed, nn_node *generated, bool normalised)
{
    double numbers = (double)onnx_input(call, fixed)->count;
    return nn_squared_distance(onnx_graph(call), onnx_constant(call, fixed), generated,
                               normalised ? 0.25 / numbers : 0.5);
}

static void build_content(onnx_call *call)
{
    course_out(call, 0, content(call, 0, onnx_whole(call, 1), onnx_op(call)->variant == 1));
}

static void build_gram(onnx_call *call)
{
    course_out(call, 0,
               nn_gram(onnx_graph(call), onnx_whole(call, 0),
                       (nn_gram_args){.channels = NN_CHANNELS_LAST}));
}

static void build_style(onnx_call *call)
{
    course_out(call, 0,
               nn_style_loss(onnx_graph(call), onnx_whole(call, 1), onnx_constant(call, 0),
                             NN_CHANNELS_LAST, onnx_op(call)->variant == 1));
}

static void build_style_transfer(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *generated = onnx_whole(call, 2);
    nn_node *style = nn_style_loss(g, generated, onnx_constant(call, 1), NN_CHANNELS_LAST, true);
    course_out(call, 0,
               nn_add(g, nn_affine(g, content(call, 0, generated, true), course_number(call, 3), 0),
                      nn_affine(g, style, course_number(call, 4), 0)));
}

/* --- words --------------------------------------------------------------------------------------
 */

static void build_embedding(onnx_call *call)
{
    course_out_rows(
        call, 0, nn_embedding(onnx_graph(call), onnx_weight(call, 0), onnx_row_indices(call, 1)));
}

/* The mean of the rows that input i names, as one example. */
static nn_node *context(onnx_call *call, int i)
{
    int64_t count = onnx_input(call, i)->count;
    nn_node *words = onnx_whole_indices_as(call, i, nn_shape1(count));
    return nn_mean_embedding(onnx_graph(call), onnx_weight(call, 0), words, INT32_MIN);
}

static void build_word_softmax(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    bool skip_gram = onnx_op(call)->variant == 0;
    nn_node *h = context(call, 2), *theta = onnx_weight(call, 1);
    nn_node *target = onnx_whole_indices_as(call, 3, nn_shape_of(0, NULL));
    if (skip_gram)
        course_out(call, 0, nn_softmax(g, nn_linear(g, h, theta, NULL), 0));
    course_out_as(call, skip_gram ? 1 : 0, nn_word_softmax(g, h, theta, target),
                  nn_shape_of(0, NULL));
}

static void build_negative_sampling(onnx_call *call)
{
    enum { MOST = 4096 };
    int64_t words[MOST];
    float list[MOST];
    int count = onnx_input_ints(call, 4, words + 1, MOST - 1);
    double target = course_number(call, 3), most = ONNX_EXACT;
    if (!(fabs(target) <= most) || target != floor(target))
        onnx_refuse(call, "t is %g; expected the index of a word", target);
    list[0] = (float)target;
    for (int i = 1; i <= count && !onnx_failed(call); i++) {
        if (words[i] > ONNX_EXACT || words[i] < -ONNX_EXACT)
            onnx_refuse(call, "neg[%d] is no index of a word", i - 1);
        list[i] = (float)words[i];
    }
    if (onnx_failed(call))
        return;
    nn_node *centre = onnx_whole_indices_as(call, 2, nn_shape_of(0, NULL));
    nn_node *all = onnx_fixed_indices(call, nn_shape1(count + 1), list);
    course_out_as(call, 0,
                  nn_negative_sampling(onnx_graph(call), onnx_weight(call, 0), onnx_weight(call, 1),
                                       centre, all),
                  nn_shape_of(0, NULL));
}

/* Over all pairs at once; weight and logarithm are 0 where there are no counts. */
static void build_glove(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    const onnx_tensor *x = onnx_input(call, 4);
    nn_shape shape = x->shape;
    double most = course_number(call, 5);
    float *weight = malloc((size_t)x->count * sizeof *weight);
    float *logarithm = malloc((size_t)x->count * sizeof *logarithm);
    for (int64_t i = 0; i < x->count && weight && logarithm; i++) {
        double count = (double)x->data[i];
        weight[i] = count > 0 ? (float)fmin(1, pow(count / most, 0.75)) : 0;
        logarithm[i] = count > 0 ? (float)log(count) : 0;
    }
    if (!weight || !logarithm)
        onnx_refuse(call, "out of memory");
    if (!onnx_failed(call)) {
        nn_node *dots = nn_matmul(g, onnx_whole(call, 0), onnx_whole(call, 1),
                                  (nn_matmul_args){.trans_b = true});
        nn_node *rows = onnx_whole_as(call, 2, nn_shape2(shape.dim[0], 1));
        nn_node *sum = nn_add(g, nn_add(g, dots, rows), onnx_whole(call, 3));
        nn_node *error = nn_sub(g, sum, onnx_fixed(call, shape, logarithm));
        nn_node *share = onnx_fixed(call, shape, weight);
        course_out(call, 0, course_sum(g, nn_mul(g, share, course_square(g, error))));
    }
    free(weight);
    free(logarithm);
}

/* --- tokens -------------------------------------------------------------------------------------
 */

static nn_node *each_token(onnx_call *call)
{
    return nn_class_cross_entropy(onnx_graph(call), onnx_whole(call, 0),
                                  onnx_whole_indices(call, 1), NULL,
                                  (nn_label_args){.ignores = false});
}

/* sum(mask x) / sum(mask); 0 where the mask leaves nothing. */
static nn_node *masked_mean(onnx_call *call, nn_node *each, int mask)
{
    nn_graph *g = onnx_graph(call);
    const onnx_tensor *m = onnx_input(call, mask);
    double sum = 0;
    for (int64_t i = 0; i < m->count; i++)
        sum += (double)m->data[i];
    return nn_affine(g, course_sum(g, nn_mul(g, each, onnx_constant(call, mask))),
                     sum > 0 ? 1 / sum : 0, 0);
}

static void build_masked(onnx_call *call)
{
    nn_node *each = each_token(call);
    course_out(call, 0, masked_mean(call, each, 2));
    course_out(call, 1, course_mean(onnx_graph(call), each));
}

static void build_language(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *loss = course_mean(g, each_token(call));
    course_out(call, 0, loss);
    course_out(call, 1, nn_exp_of(g, loss));
}

static void build_masked_language(onnx_call *call)
{
    course_out(call, 0, masked_mean(call, each_token(call), 2));
}

/* --- the table ----------------------------------------------------------------------------------
 */

const onnx_operator course_loss_operators[] = {
    COURSE("multitask-bce", "Z Y mask", "l,m l,m l,m", "loss", build_multitask, 0),
    COURSE("triplet", "Aa P N alpha", "n,d n,d n,d .", "pos neg per_sample loss", build_triplet, 0),
    COURSE("triplet-active", "Aa P N alpha", "n,d n,d n,d .", "pos neg per_sample loss",
           build_triplet, 0),
    COURSE("collapse", "Aa P N alpha", "n,d n,d n,d .", "per_sample loss", build_triplet, 1),
    COURSE("contrastive", "u v same", "n,d n,d n", "D loss", build_contrastive, 0),
    COURSE("l2norm", "x", "n", "y", build_length, 0),
    COURSE("verify-logistic", "f1 f2 w b y", "n,k n,k k . n", "yhat loss", build_verify, 0),
    COURSE("cosine", "u v", "n n", "sim", build_cosine, 0),
    COURSE("content", "aC aG", "h,w,c h,w,c", "J", build_content, 0),
    COURSE("content-norm", "aC aG", "h,w,c h,w,c", "J", build_content, 1),
    COURSE("gram", "a", "h,w,c", "G", build_gram, 0),
    COURSE("style", "aS aG", "h,w,c h,w,c", "J", build_style, 0),
    COURSE("style-norm", "aS aG", "h,w,c h,w,c", "J", build_style, 1),
    COURSE("total", "aC aS aG alpha beta", "h,w,c h,w,c h,w,c . .", "J", build_style_transfer, 0),
    COURSE("embedding", "E idx", "v,d n", "Y", build_embedding, 0),
    COURSE("skipgram-softmax", "E theta c t", "v,d w,d . .", "p loss", build_word_softmax, 0),
    COURSE("cbow", "E theta ctx t", "v,d w,d n .", "loss", build_word_softmax, 1),
    COURSE("negative-sampling", "E theta c t neg", "v,d w,d . . n", "loss", build_negative_sampling,
           0),
    COURSE("glove", "W C bw bc X x_max", "v,d u,d v u v,u .", "loss", build_glove, 0),
    COURSE("masked-ce", "logits target mask", "b,t,v b,t b,t", "loss loss_unmasked", build_masked,
           0),
    COURSE("lm-loss", "logits target", "t,v t", "loss perplexity", build_language, 0),
    COURSE("mlm-loss", "logits target mask", "t,v t t", "loss", build_masked_language, 0),
    {.name = NULL},
};
