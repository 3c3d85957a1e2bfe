#include "engine/ops/rules.h"

#include <stdarg.h>
#include <stdio.h>

nn_status nn_refuse(const nn_node *node, nn_error *error, nn_status code, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return nn_fail(error, code, "%s '%s': %s", node->op->name, node->name, text);
}

nn_shape nn_sample_of(const nn_node *node)
{
    if (!node->batched || node->shape.rank == 0)
        return node->shape;
    return nn_shape_of(node->shape.rank - 1, node->shape.dim + 1);
}

nn_status nn_expect_activation(const nn_node *node, int i, int low, int high, nn_error *error)
{
    const nn_node *x = node->input[i];
    char text[NN_SHAPE_TEXT];
    if (!x->batched)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' (%s) has no batch dimension; feed it through an input", x->name,
                         nn_shape_text(x->shape, text));
    if (x->dtype != NN_F)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' holds whole numbers, real numbers are needed", x->name);
    for (int d = 1; d < x->shape.rank; d++)
        if (x->shape.dim[d] < 1)
            return nn_refuse(node, error, NN_E_SHAPE, "'%s' (%s) has an empty dimension", x->name,
                             nn_shape_text(nn_sample_of(x), text));
    if (x->shape.rank < low || x->shape.rank > high) {
        nn_shape_text(nn_sample_of(x), text);
        if (low == high)
            return nn_refuse(node, error, NN_E_SHAPE,
                             "an example of '%s' is %s, %d dimension%s needed%s", x->name, text,
                             low - 1, low == 2 ? " is" : "s are",
                             low == 2 ? "; flatten it first" : "");
        return nn_refuse(node, error, NN_E_SHAPE,
                         "an example of '%s' is %s, %d to %d dimensions are needed", x->name, text,
                         low - 1, high - 1);
    }
    return NN_OK;
}

nn_status nn_expect_parameter(const nn_node *node, int i, const char *what, nn_shape shape,
                              nn_error *error)
{
    const nn_node *p = node->input[i];
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    if (!p->batched && p->dtype == NN_F && nn_shape_equal(p->shape, shape))
        return NN_OK;
    return nn_refuse(node, error, NN_E_SHAPE, "%s '%s' is %s%s, expected a parameter of shape %s",
                     what, p->name, p->batched ? "an activation of " : "",
                     nn_shape_text(nn_sample_of(p), have), nn_shape_text(shape, want));
}

nn_status nn_set_activation(nn_node *node, nn_shape sample, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    if (nn_shape_count(sample) < 0)
        return nn_refuse(node, error, NN_E_SHAPE, "an example of %s is too large",
                         nn_shape_text(sample, text));
    node->shape.rank = sample.rank + 1;
    node->shape.dim[0] = NN_BATCH;
    for (int i = 0; i < sample.rank; i++)
        node->shape.dim[i + 1] = sample.dim[i];
    node->dtype = NN_F;
    node->batched = true;
    return NN_OK;
}

bool nn_axis_fit(nn_axis *axis, int64_t pad_after)
{
    int64_t extent = axis->dilation * (axis->kernel - 1) + 1;
    int64_t room = axis->in + axis->pad + pad_after - extent;
    axis->out = room < 0 ? 0 : room / axis->stride + 1;
    return room >= 0;
}
