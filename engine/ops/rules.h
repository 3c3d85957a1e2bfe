/* What the shape rules and builders of the operators share: refusals that name the node, checks of
 * inputs, and windows that slide over an axis. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_RULES_H
#define GRADUS_ENGINE_OPS_RULES_H

#include "engine/op.h"
#include "engine/status.h"

/* "conv2d 'c2': " and the message. Returns `code`. */
nn_status nn_refuse(const nn_node *node, nn_error *error, nn_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Input i must be real numbers with the batch in front and a rank of low..high. */
nn_status nn_expect_activation(const nn_node *node, int i, int low, int high, nn_error *error);
/* Input i must be a parameter of exactly this shape; `what` names its part ("bias"). */
nn_status nn_expect_parameter(const nn_node *node, int i, const char *what, nn_shape shape,
                              nn_error *error);

/* Shape of one example: without the batch. */
nn_shape nn_sample_of(const nn_node *node);
/* An activation of this sample shape; refuses one that is too large to count. */
nn_status nn_set_activation(nn_node *node, nn_shape sample, nn_error *error);

/* A window sliding over one axis of `in` cells. The cells before 0 and from `in` on are padding. */
typedef struct {
    int64_t in, out, kernel, stride, dilation, pad;
} nn_axis;

/* Sets out = floor((in + pads - extent) / stride) + 1; false where the window does not fit. */
bool nn_axis_fit(nn_axis *axis, int64_t pad_after);

/* Cell under tap k of window o; may lie in the padding. */
static inline int64_t nn_axis_cell(const nn_axis *axis, int64_t o, int64_t k)
{
    return o * axis->stride - axis->pad + k * axis->dilation;
}

/* The windows [*first, *last) whose tap k lies on a real cell. */
static inline void nn_axis_range(const nn_axis *axis, int64_t k, int64_t *first, int64_t *last)
{
    int64_t start = nn_axis_cell(axis, 0, k), left = axis->in - start; /* of window 0 */
    int64_t low = start < 0 ? -start : 0, high = left > 0 ? left : 0;
    if (axis->stride > 1) {
        low = (low + axis->stride - 1) / axis->stride;
        high = (high + axis->stride - 1) / axis->stride;
    }
    *last = high < axis->out ? high : axis->out;
    *first = low < *last ? low : *last;
}

#endif
