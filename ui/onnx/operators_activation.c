/* Activation functions. */
#include "ui/onnx/operator.h"

static void build_unary(onnx_call *call)
{
    static nn_node *(*const builder[])(nn_graph *, nn_node *) = {nn_relu, nn_sigmoid, nn_tanh};
    const onnx_tensor *x = onnx_input(call, 0);
    nn_node *y = builder[onnx_op(call)->variant](onnx_graph(call), onnx_whole(call, 0));
    onnx_give(call, 0, y, x->type, x->shape);
}

static void build_leaky_relu(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_node *y = nn_leaky_relu(onnx_graph(call), onnx_whole(call, 0), onnx_float(call, "alpha"));
    onnx_give(call, 0, y, x->type, x->shape);
}

const onnx_operator onnx_activation_operators[] = {
    {.name = "Relu", .inputs = "X", .outputs = "Y", .build = build_unary, .variant = 0},
    {.name = "Sigmoid", .inputs = "X", .outputs = "Y", .build = build_unary, .variant = 1},
    {.name = "Tanh", .inputs = "input", .outputs = "output", .build = build_unary, .variant = 2},
    {.name = "LeakyRelu",
     .inputs = "X",
     .outputs = "Y",
     .attributes = (const onnx_attribute_spec[]){{"alpha", ONNX_A_FLOAT, 0.01, NULL},
                                                 {NULL, ONNX_A_INT, 0, NULL}},
     .build = build_leaky_relu},
    {.name = NULL},
};
