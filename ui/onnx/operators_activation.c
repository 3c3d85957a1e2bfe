/* Activation functions, and other functions of one number. */
#include "engine/elementwise.h"
#include "ui/onnx/operator.h"

#include <math.h>
#include <string.h>

static void build_unary(onnx_call *call)
{
    static nn_node *(*const builder[])(nn_graph *, nn_node *) = {
        nn_relu, nn_sigmoid, nn_tanh, nn_softplus, nn_exp_of, nn_log_of, nn_sqrt, nn_neg, nn_abs};
    const onnx_tensor *x = onnx_input(call, 0);
    nn_node *y = builder[onnx_op(call)->variant](onnx_graph(call), onnx_whole(call, 0));
    onnx_give(call, 0, y, x->type, x->shape);
}

enum {
    LEAKY_RELU,
    ELU,
    SELU,
    HARD_SIGMOID,
    CELU,
    HARD_SWISH,
    SOFTSIGN,
    THRESHOLDED_RELU,
    RECIPROCAL
};

/* max(0,x) + min(0, alpha (e^(x/alpha) - 1)): an elu of x / alpha. */
static nn_node *celu(nn_graph *graph, nn_node *x, double alpha)
{
    return nn_affine(graph, nn_elu(graph, nn_affine(graph, x, 1 / alpha, 0), 1), alpha, 0);
}

/* x where it is above alpha, else 0. */
static nn_node *above(onnx_call *call, nn_node *x, double alpha)
{
    nn_graph *graph = onnx_graph(call);
    float zero = 0;
    nn_node *less = nn_affine(graph, nn_clip(graph, x, alpha, INFINITY), 1, -alpha);
    return nn_where(graph, less, x, onnx_fixed(call, nn_shape_of(0, NULL), &zero));
}

static void build_shaped(onnx_call *call)
{
    const onnx_tensor *tensor = onnx_input(call, 0);
    nn_graph *graph = onnx_graph(call);
    nn_node *x = onnx_whole(call, 0), *y = NULL;
    double alpha = onnx_float(call, "alpha");
    switch (onnx_op(call)->variant) {
    case LEAKY_RELU:
        y = nn_leaky_relu(graph, x, alpha);
        break;
    case ELU:
        y = nn_elu(graph, x, alpha);
        break;
    case SELU:
        y = nn_selu(graph, x, alpha, onnx_float(call, "gamma"));
        break;
    case HARD_SIGMOID:
        y = nn_hard_sigmoid(graph, x, alpha, onnx_float(call, "beta"));
        break;
    case CELU:
        y = alpha > 0 ? celu(graph, x, alpha) : onnx_refuse(call, "alpha must be above 0");
        break;
    case HARD_SWISH:
        y = x ? nn_mul(graph, x, nn_hard_sigmoid(graph, x, 1.0 / 6, 0.5)) : NULL;
        break;
    case SOFTSIGN:
        y = nn_div(graph, x, nn_affine(graph, nn_abs(graph, x), 1, 1));
        break;
    case THRESHOLDED_RELU:
        y = above(call, x, alpha);
        break;
    default:
        y = nn_power(graph, x, -1);
        break;
    }
    onnx_give(call, 0, y, tensor->type, tensor->shape);
}

static void build_gelu(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    const char *way = onnx_text(call, "approximate");
    bool exact = strcmp(way, "none") == 0;
    if (!exact && strcmp(way, "tanh") != 0) {
        onnx_refuse(call, "approximate: expected none or tanh");
        return;
    }
    nn_node *(*gelu)(nn_graph *, nn_node *) = exact ? nn_gelu : nn_gelu_tanh;
    onnx_give(call, 0, gelu(onnx_graph(call), onnx_whole(call, 0)), x->type, x->shape);
}

static void build_prelu(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_node *y = nn_prelu(onnx_graph(call), onnx_whole(call, 0), onnx_weight(call, 1));
    onnx_give(call, 0, y, x->type, x->shape);
}

static void build_softmax(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    if (axis < 0)
        return;
    nn_node *(*softmax)(nn_graph *, nn_node *, int) =
        onnx_op(call)->variant ? nn_log_softmax : nn_softmax;
    onnx_give(call, 0, softmax(onnx_graph(call), onnx_whole(call, 0), axis), x->type, x->shape);
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define UNARY(NAME, VARIANT)                                                                       \
    {                                                                                              \
        .name = NAME, .inputs = "X", .outputs = "Y", .build = build_unary, .variant = VARIANT      \
    }
#define SHAPED(NAME, VARIANT, ATTRIBUTES)                                                          \
    {                                                                                              \
        .name = NAME, .inputs = "X", .outputs = "Y", .attributes = ATTRIBUTES,                     \
        .build = build_shaped, .variant = VARIANT                                                  \
    }

static const onnx_attribute_spec leaky_attributes[] = {{"alpha", ONNX_A_FLOAT, 0.01, NULL},
                                                       {.name = NULL}};
static const onnx_attribute_spec elu_attributes[] = {{"alpha", ONNX_A_FLOAT, 1, NULL},
                                                     {.name = NULL}};
static const onnx_attribute_spec threshold_attributes[] = {{"alpha", ONNX_A_FLOAT, 1, NULL},
                                                           {.name = NULL}};
static const onnx_attribute_spec selu_attributes[] = {
    {"alpha", ONNX_A_FLOAT, 1.67326319217681884765625, NULL},
    {"gamma", ONNX_A_FLOAT, 1.05070102214813232421875, NULL},
    {.name = NULL}};
static const onnx_attribute_spec hard_attributes[] = {
    {"alpha", ONNX_A_FLOAT, 0.2, NULL}, {"beta", ONNX_A_FLOAT, 0.5, NULL}, {.name = NULL}};
static const onnx_attribute_spec gelu_attributes[] = {{"approximate", ONNX_A_TEXT, 0, "none"},
                                                      {.name = NULL}};
static const onnx_attribute_spec axis_attributes[] = {{"axis", ONNX_A_INT, -1, NULL},
                                                      {.name = NULL}};

const onnx_operator onnx_activation_operators[] = {
    UNARY("Relu", 0),
    UNARY("Sigmoid", 1),
    UNARY("Tanh", 2),
    UNARY("Softplus", 3),
    UNARY("Exp", 4),
    UNARY("Log", 5),
    UNARY("Sqrt", 6),
    UNARY("Neg", 7),
    UNARY("Abs", 8),
    SHAPED("LeakyRelu", LEAKY_RELU, leaky_attributes),
    SHAPED("Elu", ELU, elu_attributes),
    SHAPED("Selu", SELU, selu_attributes),
    SHAPED("HardSigmoid", HARD_SIGMOID, hard_attributes),
    SHAPED("Celu", CELU, elu_attributes),
    SHAPED("HardSwish", HARD_SWISH, NULL),
    SHAPED("Softsign", SOFTSIGN, NULL),
    SHAPED("ThresholdedRelu", THRESHOLDED_RELU, threshold_attributes),
    SHAPED("Reciprocal", RECIPROCAL, NULL),
    {.name = "Gelu",
     .inputs = "X",
     .outputs = "Y",
     .attributes = gelu_attributes,
     .build = build_gelu},
    {.name = "PRelu", .inputs = "X slope", .outputs = "Y", .build = build_prelu},
    {.name = "Softmax",
     .inputs = "input",
     .outputs = "output",
     .attributes = axis_attributes,
     .build = build_softmax,
     .variant = 0},
    {.name = "LogSoftmax",
     .inputs = "input",
     .outputs = "output",
     .attributes = axis_attributes,
     .build = build_softmax,
     .variant = 1},
    {.name = NULL},
};
