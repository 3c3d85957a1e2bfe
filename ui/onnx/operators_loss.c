/* SoftmaxCrossEntropyLoss, NegativeLogLikelihoodLoss: classes stand on axis 1, the engine wants
 * them last. */
#include "engine/elementwise.h"
#include "engine/losses.h"
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

#include <string.h>

typedef enum { REDUCE_NONE, REDUCE_MEAN, REDUCE_SUM, REDUCE_WRONG } reduction;

static reduction read_reduction(onnx_call *call)
{
    static const char *const names[] = {"none", "mean", "sum"};
    for (int i = 0; i < 3; i++)
        if (strcmp(onnx_text(call, "reduction"), names[i]) == 0)
            return (reduction)i;
    onnx_refuse(call, "reduction: expected none, mean or sum");
    return REDUCE_WRONG;
}

/* (n, k, d...) to (n, d..., k), or back. */
static nn_node *classes_last(onnx_call *call, nn_node *x, int rank, bool back)
{
    int order[NN_MAX_DIMS];
    if (rank < 3 || !x)
        return x;
    for (int i = 0; i < rank - 1; i++)
        order[i] = back ? (i == 0 ? rank - 2 : i - 1) : (i == rank - 2 ? 0 : i + 1);
    return nn_transpose(onnx_graph(call), x, order, rank - 1);
}

static bool shapes_fit(onnx_call *call, nn_shape x, nn_shape labels)
{
    bool good = x.rank >= 2 && labels.rank == x.rank - 1 && labels.dim[0] == x.dim[0];
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    for (int i = 2; i < x.rank && good; i++)
        good = x.dim[i] == labels.dim[i - 1];
    if (!good)
        onnx_refuse(call, "scores %s and labels %s; expected [N, C, d1...] and [N, d1...]",
                    onnx_shape_text(x, left), onnx_shape_text(labels, right));
    if (onnx_has(call, 2) && !nn_shape_equal(onnx_input(call, 2)->shape, nn_shape1(x.dim[1])))
        onnx_refuse(call, "weights: expected one a class, %lld", (long long)x.dim[1]);
    return !onnx_failed(call);
}

/* The weight of every label. Class weights have a gradient, so theirs come as the likelihood loss
 * of -1 for every class; scores are only asked for their shape. */
static nn_node *label_weights(onnx_call *call, nn_node *scores, nn_node *labels, nn_node *weights,
                              nn_label_args args)
{
    nn_graph *graph = onnx_graph(call);
    if (!weights)
        return nn_label_weight(graph, labels, NULL, args);
    nn_node *finite = nn_clip(graph, scores, -1e30, 1e30);
    return nn_negative_log_likelihood(graph, nn_affine(graph, finite, 0, -1), labels, weights,
                                      args);
}

static void build_loss(onnx_call *call)
{
    bool softmax = onnx_op(call)->variant == 0;
    nn_shape x = onnx_input(call, 0)->shape, shape = onnx_input(call, 1)->shape;
    nn_graph *graph = onnx_graph(call);
    reduction reduce = read_reduction(call);
    int64_t ignored = onnx_int(call, "ignore_index");
    nn_label_args args = {.ignores = onnx_given(call, "ignore_index"), .ignored = (int32_t)ignored};
    if (reduce == REDUCE_WRONG || !shapes_fit(call, x, shape))
        return;
    if (ignored != args.ignored)
        onnx_refuse(call, "ignore_index %lld is no label", (long long)ignored);
    nn_node *scores = classes_last(call, onnx_rows(call, 0, 0), x.rank, false);
    nn_node *labels = onnx_row_indices(call, 1);
    nn_node *weights = onnx_has(call, 2) ? onnx_weight(call, 2) : NULL;
    if (!scores || !labels || onnx_failed(call))
        return;
    nn_node *(*loss)(nn_graph *, nn_node *, nn_node *, nn_node *, nn_label_args) =
        softmax ? nn_class_cross_entropy : nn_negative_log_likelihood;
    bool mean = reduce == REDUCE_MEAN;
    nn_node *value = loss(graph, scores, labels, mean ? NULL : weights, args);
    if (reduce == REDUCE_SUM)
        value = nn_batch_sum(graph, value);
    if (mean)
        value = nn_weighted_mean(graph, value, label_weights(call, scores, labels, weights, args),
                                 NN_OVER_WEIGHTS);
    onnx_give(call, 0, value, ONNX_FLOAT, reduce == REDUCE_NONE ? shape : nn_shape_of(0, NULL));
    if (softmax)
        onnx_give(call, 1, classes_last(call, nn_log_softmax(graph, scores, -1), x.rank, true),
                  ONNX_FLOAT, x);
}

static const onnx_attribute_spec loss_attributes[] = {
    {"ignore_index", ONNX_A_INT, 0, NULL}, {"reduction", ONNX_A_TEXT, 0, "mean"}, {.name = NULL}};

const onnx_operator onnx_loss_operators[] = {
    {.name = "SoftmaxCrossEntropyLoss",
     .inputs = "scores labels weights?",
     .outputs = "output log_prob?",
     .attributes = loss_attributes,
     .build = build_loss,
     .variant = 0},
    {.name = "NegativeLogLikelihoodLoss",
     .inputs = "input target weight?",
     .outputs = "loss",
     .attributes = loss_attributes,
     .build = build_loss,
     .variant = 1},
    {.name = NULL},
};
