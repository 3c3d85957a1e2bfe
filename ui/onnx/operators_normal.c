/* LayerNormalization, InstanceNormalization, GroupNormalization, LpNormalization,
 * MeanVarianceNormalization. */
#include "engine/attention.h"
#include "engine/elementwise.h"
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

#include <math.h>

/* x less its mean over the axes, and 1 / sqrt(its variance + epsilon), both with the axes kept. */
typedef struct {
    nn_node *mean, *centred, *inverse;
} spread;

static spread spread_of(nn_graph *graph, nn_node *x, const int *axes, int count, double epsilon)
{
    spread s = {.mean = nn_reduce_mean(graph, x, axes, count, true)};
    s.centred = nn_sub(graph, x, s.mean);
    nn_node *square = nn_mul(graph, s.centred, s.centred);
    nn_node *variance = nn_reduce_mean(graph, square, axes, count, true);
    s.inverse = nn_power(graph, nn_affine(graph, variance, 1, epsilon), -0.5);
    return s;
}

static bool positive(onnx_call *call, double epsilon)
{
    if (!(epsilon > 0))
        onnx_refuse(call, "epsilon %g: expected more than 0", epsilon);
    return !onnx_failed(call);
}

/* --- LayerNormalization -------------------------------------------------------------------------
 */

static void build_layer(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_graph *graph = onnx_graph(call);
    int rank = x->shape.rank, axes[NN_MAX_DIMS];
    int axis = onnx_axis(call, onnx_int(call, "axis"), rank);
    nn_layer_norm_args args = {axis + 1, onnx_float(call, "epsilon")};
    if (axis < 0 || !positive(call, args.epsilon))
        return;
    nn_shape rest = nn_shape_of(rank - axis, x->shape.dim + axis), kept = x->shape;
    for (int i = axis; i < rank; i++) {
        axes[i - axis] = i;
        kept.dim[i] = 1;
    }
    for (int i = 1; i <= 2; i++)
        if (onnx_has(call, i) && onnx_input(call, i)->count != nn_shape_count(rest)) {
            onnx_refuse(call,
                        "input %d has %lld elements; one for each of the %lld that are "
                        "normalised together is expected",
                        i, (long long)onnx_input(call, i)->count, (long long)nn_shape_count(rest));
            return;
        }
    nn_node *node = onnx_whole(call, 0), *scale = onnx_weight_as(call, 1, rest);
    nn_node *shift = onnx_has(call, 2) ? onnx_weight_as(call, 2, rest) : NULL;
    if (!node || !scale || onnx_failed(call))
        return;
    onnx_give(call, 0, nn_layer_norm(graph, node, scale, shift, args), x->type, x->shape);
    spread s = spread_of(graph, node, axes, rank - axis, args.epsilon);
    onnx_give(call, 1, s.mean, ONNX_FLOAT, kept);
    onnx_give(call, 2, s.inverse, ONNX_FLOAT, kept);
}

/* --- of channels, or groups of them -------------------------------------------------------------
 */

/* (N, C, ...) as (N, groups, rest), normalised over the rest, with a scale and shift a channel; of
 * older forms of GroupNormalization: a group. */
static void build_group(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_graph *graph = onnx_graph(call);
    int64_t channels = x->shape.rank > 1 ? x->shape.dim[1] : 0;
    int64_t groups = onnx_op(call)->variant ? onnx_int(call, "num_groups") : channels;
    int64_t scales = onnx_input(call, 1)->count;
    double epsilon = onnx_float(call, "epsilon");
    if (channels < 1 || groups < 1 || channels % groups != 0 ||
        (scales != channels && scales != groups) || onnx_input(call, 2)->count != scales) {
        onnx_refuse(call,
                    "%lld channels in %lld groups with %lld scales and %lld shifts: one of "
                    "each a channel is expected",
                    (long long)channels, (long long)groups, (long long)scales,
                    (long long)onnx_input(call, 2)->count);
        return;
    }
    if (!positive(call, epsilon))
        return;
    int64_t examples = x->shape.dim[0];
    nn_shape grouped = nn_shape3(examples, groups, x->count / examples / groups);
    nn_shape scaled = nn_shape3(examples, scales, x->count / examples / scales);
    spread s = spread_of(graph, onnx_whole_as(call, 0, grouped), (const int[]){2}, 1, epsilon);
    nn_node *y = nn_reshape(graph, nn_mul(graph, s.centred, s.inverse), scaled);
    nn_node *scale = onnx_whole_as(call, 1, nn_shape2(scales, 1));
    nn_node *shift = onnx_whole_as(call, 2, nn_shape2(scales, 1));
    if (y && scale && shift)
        onnx_give(call, 0, nn_add(graph, nn_mul(graph, y, scale), shift), x->type, x->shape);
}

/* --- without parameters -------------------------------------------------------------------------
 */

static void build_length(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_graph *graph = onnx_graph(call);
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    int64_t p = onnx_int(call, "p");
    if (axis < 0)
        return;
    if (p != 1 && p != 2) {
        onnx_refuse(call, "p is %lld; expected 1 or 2", (long long)p);
        return;
    }
    nn_node *node = onnx_whole(call, 0);
    nn_node *y =
        p == 2 ? nn_l2_normalise(graph, node, axis + 1, 0)
               : nn_div(graph, node,
                        nn_clip(graph, nn_reduce_l1(graph, node, &axis, 1, true), 1e-12, INFINITY));
    onnx_give(call, 0, y, x->type, x->shape);
}

/* (x - mean) / (standard deviation + 1e-9) */
static void build_mean_variance(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_graph *graph = onnx_graph(call);
    int64_t given[NN_MAX_DIMS] = {0, 2, 3};
    int axes[NN_MAX_DIMS], count = onnx_ints(call, "axes", given, NN_MAX_DIMS);
    bool seen[NN_MAX_DIMS] = {false};
    count = onnx_given(call, "axes") ? count : 3;
    for (int i = 0; i < count && !onnx_failed(call); i++) {
        axes[i] = onnx_axis(call, given[i], x->shape.rank);
        if (axes[i] >= 0 && seen[axes[i]])
            onnx_refuse(call, "axis %d is named twice", axes[i]);
        if (axes[i] >= 0)
            seen[axes[i]] = true;
    }
    if (onnx_failed(call))
        return;
    nn_node *node = onnx_whole(call, 0);
    nn_node *centred = nn_sub(graph, node, nn_reduce_mean(graph, node, axes, count, true));
    nn_node *square = nn_mul(graph, centred, centred);
    nn_node *variance = nn_reduce_mean(graph, square, axes, count, true);
    nn_node *y = nn_div(graph, centred, nn_affine(graph, nn_sqrt(graph, variance), 1, 1e-9));
    onnx_give(call, 0, y, x->type, x->shape);
}

/* --- the table ----------------------------------------------------------------------------------
 */

static const onnx_attribute_spec layer_attributes[] = {{"axis", ONNX_A_INT, -1, NULL},
                                                       {"epsilon", ONNX_A_FLOAT, 1e-5, NULL},
                                                       {"stash_type", ONNX_A_INT, 1, NULL},
                                                       {.name = NULL}};
static const onnx_attribute_spec instance_attributes[] = {{"epsilon", ONNX_A_FLOAT, 1e-5, NULL},
                                                          {.name = NULL}};
static const onnx_attribute_spec group_attributes[] = {
    {"epsilon", ONNX_A_FLOAT, 1e-5, NULL}, {"num_groups", ONNX_A_INT, 0, NULL}, {.name = NULL}};
static const onnx_attribute_spec length_attributes[] = {
    {"axis", ONNX_A_INT, -1, NULL}, {"p", ONNX_A_INT, 2, NULL}, {.name = NULL}};
static const onnx_attribute_spec mean_variance_attributes[] = {{"axes", ONNX_A_INTS, 0, NULL},
                                                               {.name = NULL}};

const onnx_operator onnx_normal_operators[] = {
    {.name = "LayerNormalization",
     .inputs = "X Scale B?",
     .outputs = "Y Mean InvStdDev",
     .attributes = layer_attributes,
     .build = build_layer},
    {.name = "InstanceNormalization",
     .inputs = "input scale B",
     .outputs = "output",
     .attributes = instance_attributes,
     .build = build_group,
     .variant = 0},
    {.name = "GroupNormalization",
     .inputs = "X scale bias",
     .outputs = "Y",
     .attributes = group_attributes,
     .build = build_group,
     .variant = 1},
    {.name = "LpNormalization",
     .inputs = "input",
     .outputs = "output",
     .attributes = length_attributes,
     .build = build_length},
    {.name = "MeanVarianceNormalization",
     .inputs = "X",
     .outputs = "Y",
     .attributes = mean_variance_attributes,
     .build = build_mean_variance},
    {.name = NULL},
};
