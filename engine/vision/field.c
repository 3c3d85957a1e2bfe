#include "engine/vision/field.h"

#include "engine/op.h"

#include <stdlib.h>
#include <string.h>

/* What is known of one node while the graph is walked. */
typedef struct {
    bool sees; /* depends on the image */
    nn_field field;
    const nn_node *stop; /* the first node on the way that keeps no map; NULL: none */
} sight;

/* Operators of which each cell of the result depends on the same cell of the inputs alone. Batch
 * norm does in evaluation. */
static bool is_cell_by_cell(const nn_node *node)
{
    static const char *const names[] = {
        "add",      "sub",   "mul",  "div",        "pow",     "maximum", "minimum",
        "where",    "neg",   "abs",  "exp",        "log",     "sqrt",    "affine",
        "clip",     "power", "relu", "leaky_relu", "sigmoid", "tanh",    "elu",
        "softplus", "swish", "gelu", "gelu_tanh",  "prelu",   "dropout", "batch_norm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(node->op->name, names[i]) == 0)
            return true;
    return strcmp(node->op->name, "concat") == 0 &&
           node->shape.dim[2] == node->input[0]->shape.dim[2] &&
           node->shape.dim[3] == node->input[0]->shape.dim[3];
}

/* Kernel, stride and dilation along rows (0) or columns (1); false for what has no windows. */
static bool window_of(const nn_node *node, int side, int64_t *extent, int64_t *stride)
{
    int64_t kernel, dilation;
    const nn_node *weight = node->input_count > 1 ? node->input[1] : NULL;
    if (weight && strcmp(node->op->name, "conv2d") == 0) {
        const nn_conv_args *args = (const void *)node->args;
        kernel = weight->shape.dim[2 + side];
        dilation = args->dilation[side];
        *stride = args->stride[side];
    } else if (strcmp(node->op->name, "max_pool2d") == 0 ||
               strcmp(node->op->name, "average_pool2d") == 0) {
        const nn_pool_args *args = (const void *)node->args;
        kernel = args->kernel[side];
        dilation = args->dilation[side];
        *stride = args->stride[side];
    } else
        return false;
    *extent = dilation * (kernel - 1) + 1;
    return true;
}

/* Adds to `all` what another input of `node` sees. */
static void join(const nn_node *node, const sight *input, sight *all)
{
    if (!input->sees || all->stop)
        return;
    if (!all->sees) {
        *all = *input;
        return;
    }
    all->stop = input->stop;
    for (int side = 0; side < 2; side++) {
        if (all->field.stride[side] != input->field.stride[side])
            all->stop = node;
        if (all->field.size[side] < input->field.size[side])
            all->field.size[side] = input->field.size[side];
    }
}

static sight look(const nn_node *node, const sight *known)
{
    sight s = {.sees = false};
    for (int i = 0; i < node->input_count; i++)
        if (node->input[i])
            join(node, &known[node->input[i]->index], &s);
    if (!s.sees || s.stop || (node->shape.rank == 4 && is_cell_by_cell(node)))
        return s;
    for (int side = 0; side < 2; side++) {
        int64_t extent, stride;
        if (!window_of(node, side, &extent, &stride)) {
            s.stop = node;
            return s;
        }
        s.field.size[side] += (extent - 1) * s.field.stride[side];
        s.field.stride[side] *= stride;
    }
    return s;
}

nn_status nn_receptive_field(const nn_node *node, const nn_node *image, nn_field *field,
                             nn_error *error)
{
    if (!node || !image || node->graph != image->graph || image->shape.rank != 4)
        return nn_fail(error, NN_E_ARG,
                       "receptive field: expected a node and an image (n,c,h,w) of one graph");
    sight *known = calloc((size_t)node->index + 1, sizeof *known);
    if (!known)
        return nn_fail(error, NN_E_NOMEM, "receptive field: out of memory");
    for (int i = image->index; i <= node->index; i++)
        known[i] = i == image->index ? (sight){true, {{1, 1}, {1, 1}}, NULL}
                                     : look(nn_graph_at(node->graph, i), known);
    sight seen = node->index >= image->index ? known[node->index] : (sight){.sees = false};
    free(known);
    if (!seen.sees)
        return nn_fail(error, NN_E_ARG, "receptive field: '%s' does not depend on '%s'", node->name,
                       image->name);
    if (seen.stop)
        return nn_fail(error, NN_E_ARG,
                       "receptive field of '%s': %s '%s' on its way keeps no map; ask for a node "
                       "before it",
                       node->name, nn_node_op(seen.stop), seen.stop->name);
    *field = seen.field;
    return NN_OK;
}
