/* Gemm, MatMul, LayerNormalization. */
#include "engine/attention.h"
#include "ui/onnx/operator.h"

static void build_gemm(onnx_call *call)
{
    nn_gemm_args args = {onnx_int(call, "transA") != 0, onnx_int(call, "transB") != 0,
                         onnx_float(call, "alpha"), onnx_float(call, "beta")};
    nn_shape a = onnx_input(call, 0)->shape, b = onnx_input(call, 1)->shape;
    if (a.rank != 2 || b.rank != 2) {
        onnx_refuse(call, "A has %d dimensions and B %d; two each are expected", a.rank, b.rank);
        return;
    }
    nn_node *c = onnx_has(call, 2) ? onnx_whole(call, 2) : NULL;
    if (onnx_has(call, 2) && !c)
        return;
    nn_node *y =
        nn_general_product(onnx_graph(call), onnx_whole(call, 0), onnx_whole(call, 1), c, args);
    onnx_give(call, 0, y, ONNX_FLOAT,
              nn_shape2(a.dim[args.trans_a ? 1 : 0], b.dim[args.trans_b ? 0 : 1]));
}

/* The engine's result is the sample of one example. */
static void give_sample(onnx_call *call, int k, nn_node *node)
{
    if (!node)
        return;
    nn_shape shape = nn_node_shape(node);
    onnx_give(call, k, node, ONNX_FLOAT, nn_shape_of(shape.rank - 1, shape.dim + 1));
}

static void build_matmul(onnx_call *call)
{
    give_sample(call, 0,
                nn_matmul(onnx_graph(call), onnx_whole(call, 0), onnx_whole(call, 1),
                          (nn_matmul_args){false, false}));
}

const onnx_operator onnx_linear_operators[] = {
    {.name = "Gemm",
     .inputs = "A B C?",
     .outputs = "Y",
     .attributes = (const onnx_attribute_spec[]){{"alpha", ONNX_A_FLOAT, 1, NULL},
                                                 {"beta", ONNX_A_FLOAT, 1, NULL},
                                                 {"transA", ONNX_A_INT, 0, NULL},
                                                 {"transB", ONNX_A_INT, 0, NULL},
                                                 {NULL, ONNX_A_INT, 0, NULL}},
     .build = build_gemm},
    {.name = "MatMul", .inputs = "A B", .outputs = "Y", .build = build_matmul},
    {.name = NULL},
};
