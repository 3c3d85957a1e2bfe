/* Inputs as nodes of the graph, and nodes as outputs. */
#include "ui/onnx/call.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void onnx_around(nn_shape shape, int axis, int64_t *outer, int64_t *inner)
{
    *outer = *inner = 1;
    for (int i = 0; i < axis; i++)
        *outer *= shape.dim[i];
    for (int i = axis + 1; i < shape.rank; i++)
        *inner *= shape.dim[i];
}

void onnx_to_front(float *to, const float *from, int64_t outer, int64_t batch, int64_t inner)
{
    for (int64_t b = 0; b < batch; b++)
        for (int64_t o = 0; o < outer; o++, to += inner)
            memcpy(to, from + (o * batch + b) * inner, (size_t)inner * sizeof *to);
}

void onnx_from_front(float *to, const float *from, int64_t outer, int64_t batch, int64_t inner)
{
    for (int64_t b = 0; b < batch; b++)
        for (int64_t o = 0; o < outer; o++, from += inner)
            memcpy(to + (o * batch + b) * inner, from, (size_t)inner * sizeof *to);
}

/* --- leaves -------------------------------------------------------------------------------------
 */

static onnx_leaf *new_leaf(onnx_call *call, onnx_leaf leaf)
{
    if (call->failed || !leaf.node)
        return NULL;
    if (call->leaves == ONNX_LEAVES)
        return onnx_refuse(call, "too many tensors for one graph");
    call->leaf[call->leaves] = leaf;
    return &call->leaf[call->leaves++];
}

static bool set_batch(onnx_call *call, int64_t batch)
{
    if (call->batch == 0)
        call->batch = batch;
    if (call->batch != batch)
        onnx_refuse(call, "one input has %lld examples, another %lld", (long long)call->batch,
                    (long long)batch);
    return !call->failed;
}

/* The numbers of input i, checked: whole ones must be exact. */
static const onnx_tensor *usable(onnx_call *call, int i, nn_dtype dtype)
{
    const onnx_tensor *input = onnx_input(call, i);
    char name[ONNX_NAME];
    onnx_word_at(call->op->inputs, i, name);
    if (call->failed)
        return NULL;
    if (input->count == 0)
        return onnx_refuse(call, "input %d (%s) has no elements", i, name);
    bool whole = dtype == NN_I32 || !onnx_is_real(input->type);
    for (int64_t k = 0; k < input->count && whole; k++) {
        float x = input->data[k];
        if (x != floorf(x))
            return onnx_refuse(call, "input %d (%s) has %g; whole numbers are expected", i, name,
                               (double)x);
        if (!(fabsf(x) <= (float)ONNX_EXACT))
            return onnx_refuse(call, "input %d (%s) has %.9g; whole numbers are exact up to %d", i,
                               name, (double)x, ONNX_EXACT);
    }
    return input;
}

/* Its name in the graph, for messages: "X", and "X[2]" where that is taken. */
static const char *leaf_name(const onnx_call *call, int i, char text[2 * ONNX_NAME])
{
    char name[ONNX_NAME];
    onnx_word_at(call->op->inputs, i, name);
    snprintf(text, 2 * ONNX_NAME, "%.40s", name);
    if (nn_graph_find(call->graph, text))
        snprintf(text, 2 * ONNX_NAME, "%.40s[%d]", name, i);
    if (nn_graph_find(call->graph, text))
        snprintf(text, 2 * ONNX_NAME, "%.40s#%d", name, call->leaves);
    return text;
}

static nn_node *activation(onnx_call *call, int i, nn_dtype dtype, int axis, int64_t batch,
                           nn_shape sample)
{
    char name[2 * ONNX_NAME];
    const onnx_tensor *input = usable(call, i, dtype);
    if (!input || !set_batch(call, batch))
        return NULL;
    if (sample.rank >= NN_MAX_DIMS)
        return onnx_refuse(call, "input %d has too many dimensions; at most %d are possible", i,
                           NN_MAX_DIMS - 1);
    if (nn_shape_count(sample) * batch != input->count)
        return onnx_refuse(call, "input %d does not have the shape that is needed", i);
    onnx_leaf leaf = {
        .input = i, .axis = axis, .constant = dtype == NN_I32 || !onnx_is_real(input->type)};
    leaf.node = nn_input(call->graph, leaf_name(call, i, name), dtype, sample);
    new_leaf(call, leaf);
    return leaf.node;
}

nn_node *onnx_whole_as(onnx_call *call, int i, nn_shape shape)
{
    return activation(call, i, NN_F, 0, 1, shape);
}

nn_node *onnx_constant_as(onnx_call *call, int i, nn_shape shape)
{
    nn_node *node = activation(call, i, NN_F, 0, 1, shape);
    if (node && !call->failed)
        call->leaf[call->leaves - 1].constant = true;
    return node;
}

nn_node *onnx_constant(onnx_call *call, int i)
{
    return onnx_constant_as(call, i, onnx_input(call, i)->shape);
}

nn_node *onnx_whole(onnx_call *call, int i)
{
    return onnx_whole_as(call, i, onnx_input(call, i)->shape);
}

nn_node *onnx_whole_indices_as(onnx_call *call, int i, nn_shape shape)
{
    return activation(call, i, NN_I32, 0, 1, shape);
}

nn_node *onnx_whole_indices(onnx_call *call, int i)
{
    return onnx_whole_indices_as(call, i, onnx_input(call, i)->shape);
}

/* The shape without one axis. */
static nn_shape without(nn_shape shape, int axis)
{
    nn_shape rest = {0, {0}};
    for (int i = 0; i < shape.rank; i++)
        if (i != axis)
            rest.dim[rest.rank++] = shape.dim[i];
    return rest;
}

nn_node *onnx_rows(onnx_call *call, int i, int axis)
{
    const onnx_tensor *input = onnx_input(call, i);
    if (axis < 0 || axis >= input->shape.rank)
        return onnx_refuse(call, "input %d has %d dimensions, more are needed", i,
                           input->shape.rank);
    return activation(call, i, NN_F, axis, input->shape.dim[axis], without(input->shape, axis));
}

nn_node *onnx_rows_indices(onnx_call *call, int i, int axis)
{
    nn_shape shape = onnx_input(call, i)->shape;
    return activation(call, i, NN_I32, axis, shape.dim[axis], without(shape, axis));
}

nn_node *onnx_rows_constant(onnx_call *call, int i, int axis)
{
    nn_node *node = onnx_rows(call, i, axis);
    if (node && !call->failed)
        call->leaf[call->leaves - 1].constant = true;
    return node;
}

nn_node *onnx_rows_as(onnx_call *call, int i, nn_shape sample)
{
    const onnx_tensor *input = onnx_input(call, i);
    int64_t row = nn_shape_count(sample);
    if (row < 1 || input->count % row != 0)
        return onnx_refuse(call, "input %d does not have the shape that is needed", i);
    return activation(call, i, NN_F, 0, input->count / row, sample);
}

nn_node *onnx_row_indices(onnx_call *call, int i)
{
    const onnx_tensor *input = onnx_input(call, i);
    if (input->shape.rank < 1)
        return onnx_refuse(call, "input %d is one number; a list is needed", i);
    return activation(call, i, NN_I32, 0, input->shape.dim[0], without(input->shape, 0));
}

/* --- parameters ---------------------------------------------------------------------------------
 */

static nn_node *parameter(onnx_call *call, const char *name, nn_shape shape, const float *data,
                          float fill, bool trained)
{
    int64_t count = onnx_count(shape, name, call->error);
    if (count < 0) {
        call->failed = true;
        return NULL;
    }
    nn_param *param = trained
                          ? nn_model_param(call->model, name, shape, NN_INIT_ZEROS, 1, call->error)
                          : nn_model_buffer(call->model, name, shape, NN_INIT_ZEROS, call->error);
    if (!param) {
        call->failed = true;
        return NULL;
    }
    nn_real *to = nn_param_data(param);
    for (int64_t i = 0; i < count; i++)
        to[i] = data ? data[i] : fill;
    return nn_use(call->graph, param);
}

/* `first` NULL: the whole input in one block. */
static nn_node *weight(onnx_call *call, int i, const int64_t *first, int64_t block, nn_shape shape,
                       bool trained)
{
    static const int64_t start[ONNX_BLOCKS] = {0}; /* one block is read */
    char name[2 * ONNX_NAME];
    const onnx_tensor *input = usable(call, i, NN_F);
    int64_t count = nn_shape_count(shape);
    if (!input)
        return NULL;
    first = first ? first : start;
    int blocks = count > 0 && block > 0 && count % block == 0 ? (int)(count / block) : 0;
    bool fits = blocks > 0 && blocks <= ONNX_BLOCKS;
    for (int k = 0; k < blocks && fits; k++)
        fits = first[k] >= 0 && first[k] + block <= input->count;
    float *data = fits ? malloc((size_t)count * sizeof *data) : NULL;
    if (!data)
        return onnx_refuse(call, "input %d does not have the shape that is needed", i);
    bool real = onnx_is_real(input->type);
    onnx_leaf leaf = {.input = i, .block = block, .constant = !trained || !real};
    for (int k = 0; k < blocks; k++) {
        leaf.first[k] = first[k];
        memcpy(data + k * block, input->data + first[k], (size_t)block * sizeof *data);
    }
    leaf.node = parameter(call, leaf_name(call, i, name), shape, data, 0, trained && real);
    free(data);
    new_leaf(call, leaf);
    return leaf.node;
}

nn_node *onnx_weight_as(onnx_call *call, int i, nn_shape shape)
{
    return weight(call, i, NULL, nn_shape_count(shape), shape, true);
}

nn_node *onnx_weight(onnx_call *call, int i)
{
    return onnx_weight_as(call, i, onnx_input(call, i)->shape);
}

nn_node *onnx_weight_blocks(onnx_call *call, int i, const int64_t *first, int64_t size,
                            nn_shape shape)
{
    return weight(call, i, first, size, shape, true);
}

nn_node *onnx_buffer(onnx_call *call, int i)
{
    nn_shape shape = onnx_input(call, i)->shape;
    return weight(call, i, NULL, nn_shape_count(shape), shape, false);
}

/* --- the entry's own numbers --------------------------------------------------------------------
 */

static nn_node *fixed(onnx_call *call, nn_dtype dtype, nn_shape shape, const float *data)
{
    char name[32];
    int64_t count = nn_shape_count(shape);
    if (call->failed || count < 1 || !set_batch(call, 1))
        return NULL;
    snprintf(name, sizeof name, "constant%d", call->constants++);
    onnx_leaf leaf = {.input = -1, .constant = true};
    leaf.node = nn_input(call->graph, name, dtype, shape);
    onnx_leaf *kept = new_leaf(call, leaf);
    if (!kept)
        return NULL;
    kept->own = malloc((size_t)count * sizeof *kept->own);
    if (!kept->own)
        return onnx_refuse(call, "out of memory");
    memcpy(kept->own, data, (size_t)count * sizeof *kept->own);
    return leaf.node;
}

nn_node *onnx_fixed(onnx_call *call, nn_shape shape, const float *data)
{
    return fixed(call, NN_F, shape, data);
}

nn_node *onnx_fixed_indices(onnx_call *call, nn_shape shape, const float *data)
{
    return fixed(call, NN_I32, shape, data);
}

/* --- outputs ------------------------------------------------------------------------------------
 */

static onnx_output *output_of(onnx_call *call, int k, onnx_type type, nn_shape shape)
{
    char what[64];
    if (call->failed)
        return NULL;
    if (k < 0 || k >= ONNX_TENSORS)
        return onnx_refuse(call, "more than %d outputs", ONNX_TENSORS);
    snprintf(what, sizeof what, "%s: output %d", call->op->name, k);
    if (onnx_count(shape, what, call->error) < 0) {
        call->failed = true;
        return NULL;
    }
    call->output[k] = (onnx_output){.given = true, .type = type, .shape = shape};
    call->outputs = k + 1 > call->outputs ? k + 1 : call->outputs;
    return &call->output[k];
}

void onnx_give_rows(onnx_call *call, int k, nn_node *node, onnx_type type, nn_shape shape, int axis)
{
    if (!node) /* the graph has the reason */
        return;
    onnx_output *output = output_of(call, k, type, shape);
    nn_shape have = nn_node_shape(node);
    if (!output)
        return;
    if (have.rank > 0 && have.dim[0] == NN_BATCH)
        have.dim[0] = call->batch;
    if (nn_shape_count(have) != nn_shape_count(shape)) {
        char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
        onnx_refuse(call, "output %d came out as %s where %s was meant", k,
                    onnx_shape_text(have, left), onnx_shape_text(shape, right));
        return;
    }
    output->node = node;
    output->axis = axis;
}

void onnx_give(onnx_call *call, int k, nn_node *node, onnx_type type, nn_shape shape)
{
    onnx_give_rows(call, k, node, type, shape, 0);
}

void onnx_give_sample(onnx_call *call, int k, nn_node *node, onnx_type type)
{
    if (!node)
        return;
    nn_shape shape = nn_node_shape(node);
    bool batched = shape.rank > 0 && shape.dim[0] == NN_BATCH;
    onnx_give(call, k, node, type, batched ? nn_shape_of(shape.rank - 1, shape.dim + 1) : shape);
}

void onnx_give_parameter(onnx_call *call, int k, nn_node *node, nn_shape shape)
{
    onnx_give(call, k, node, ONNX_FLOAT, shape);
    if (!call->failed && node)
        call->output[k].parameter = true;
}

float *onnx_give_numbers(onnx_call *call, int k, onnx_type type, nn_shape shape)
{
    onnx_output *output = output_of(call, k, type, shape);
    if (!output)
        return NULL;
    if (onnx_tensor_new(&output->ready, type, shape, "output", call->error) != NN_OK) {
        call->failed = true;
        return NULL;
    }
    return output->ready.data;
}

float *onnx_give_gradient(onnx_call *call, int i)
{
    const onnx_tensor *input = onnx_input(call, i);
    if (call->failed || !input->present || !call->request->has_gradients)
        return NULL;
    onnx_tensor *gradient = &call->gradient[i];
    if (!gradient->present &&
        onnx_tensor_new(gradient, ONNX_FLOAT, input->shape, "gradient", call->error) != NN_OK) {
        call->failed = true;
        return NULL;
    }
    return gradient->data;
}

const float *onnx_gradient(const onnx_call *call, int k)
{
    return k < call->request->gradients && call->request->gradient[k].present
               ? call->request->gradient[k].data
               : NULL;
}
