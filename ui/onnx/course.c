#include "ui/onnx/course.h"

#include "engine/attention.h"
#include "engine/losses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers ------------------------------------------------------------------------------------
 */

double course_decimal(float x)
{
    char text[40];
    for (int digits = 1; digits < 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        double value = strtod(text, NULL);
        if ((float)value == x)
            return value;
    }
    return (double)x;
}

double course_number(const onnx_call *call, int i)
{
    const onnx_tensor *input = onnx_input(call, i);
    return input->count > 0 ? course_decimal(input->data[0]) : 0;
}

double *course_numbers(onnx_call *call, int i)
{
    const onnx_tensor *input = onnx_input(call, i);
    double *numbers = malloc((size_t)input->count * sizeof *numbers);
    if (!numbers)
        return onnx_refuse(call, "out of memory");
    for (int64_t k = 0; k < input->count; k++)
        numbers[k] = course_decimal(input->data[k]);
    return numbers;
}

/* --- nodes --------------------------------------------------------------------------------------
 */

nn_node *course_scalar(onnx_call *call, int i)
{
    return onnx_whole_as(call, i, nn_shape_of(0, NULL));
}

nn_node *course_product(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_matmul(graph, a, b, (nn_matmul_args){false, false});
}

nn_node *course_dense(nn_graph *graph, nn_node *w, nn_node *x, nn_node *b)
{
    nn_node *product = course_product(graph, w, x);
    return b ? nn_add(graph, product, b) : product;
}

nn_node *course_transposed(nn_graph *graph, nn_node *x)
{
    return nn_transpose(graph, x, (const int[]){1, 0}, 2);
}

nn_node *course_sum(nn_graph *graph, nn_node *x)
{
    return nn_reduce_sum(graph, x, NULL, 0, false);
}

nn_node *course_mean(nn_graph *graph, nn_node *x)
{
    return nn_reduce_mean(graph, x, NULL, 0, false);
}

nn_node *course_square(nn_graph *graph, nn_node *x)
{
    return nn_mul(graph, x, x);
}

nn_node *course_joined(nn_graph *graph, nn_node **parts, int count, int axis)
{
    while (count > 1) {
        int joined = 0;
        for (int i = 0; i < count; i += NN_MAX_INPUTS) {
            int some = count - i < NN_MAX_INPUTS ? count - i : NN_MAX_INPUTS;
            parts[joined++] = some == 1 ? parts[i] : nn_concat(graph, parts + i, some, axis);
        }
        count = joined;
    }
    return parts[0];
}

nn_node *course_step(nn_graph *graph, nn_node *x, int64_t at, nn_shape shape)
{
    return nn_reshape(graph, nn_slice_axis(graph, x, 0, at, 1), shape);
}

nn_node *course_steps(nn_graph *graph, nn_node **parts, int count, nn_shape shape)
{
    for (int i = 0; i < count; i++)
        parts[i] = nn_unsqueeze(graph, parts[i], (const int[]){0}, 1);
    return nn_reshape(graph, course_joined(graph, parts, count, 0), shape);
}

nn_node *course_likelihood(nn_graph *graph, nn_node *logits, nn_node *labels)
{
    return course_mean(graph, nn_class_cross_entropy(graph, logits, labels, NULL,
                                                     (nn_label_args){.ignores = false}));
}

/* --- outputs ------------------------------------------------------------------------------------
 */

void course_out(onnx_call *call, int k, nn_node *node)
{
    onnx_give_sample(call, k, node, ONNX_FLOAT);
}

void course_out_as(onnx_call *call, int k, nn_node *node, nn_shape shape)
{
    onnx_give(call, k, node, ONNX_FLOAT, shape);
}

void course_out_rows(onnx_call *call, int k, nn_node *node)
{
    if (!node)
        return;
    nn_shape shape = nn_node_shape(node);
    shape.dim[0] = onnx_batch(call);
    onnx_give(call, k, node, ONNX_FLOAT, shape);
}

void course_out_numbers(onnx_call *call, int k, onnx_type type, nn_shape shape,
                        const double *numbers)
{
    float *to = onnx_give_numbers(call, k, type, shape);
    int64_t count = nn_shape_count(shape);
    for (int64_t i = 0; i < count && to; i++)
        to[i] = (float)numbers[i];
}

void course_out_number(onnx_call *call, int k, onnx_type type, double number)
{
    course_out_numbers(call, k, type, nn_shape_of(0, NULL), &number);
}
