#include "engine/ops/loss_rules.h"

nn_status nn_expect_like_first(const nn_node *node, int i, nn_error *error)
{
    nn_status status = nn_expect_activation(node, i, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    const nn_node *a = node->input[0], *b = node->input[i];
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    if (nn_shape_equal(a->shape, b->shape))
        return NN_OK;
    return nn_refuse(node, error, NN_E_SHAPE,
                     "'%s' is %s an example and '%s' is %s; both must be the same", a->name,
                     nn_shape_text(nn_sample_of(a), left), b->name,
                     nn_shape_text(nn_sample_of(b), right));
}

nn_status nn_expect_whole(const nn_node *node, int i, const char *what, nn_shape sample,
                          nn_error *error)
{
    const nn_node *x = node->input[i];
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    if (x->batched && x->dtype == NN_I32 && nn_shape_equal(nn_sample_of(x), sample))
        return NN_OK;
    const char *kind = x->dtype == NN_I32 ? "whole numbers" : "real numbers";
    const char *batch = x->batched ? "" : " without a batch";
    if (sample.rank == 0)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%s '%s' must be one whole number an example, not %s of shape %s%s", what,
                         x->name, kind, nn_shape_text(nn_sample_of(x), have), batch);
    return nn_refuse(node, error, NN_E_SHAPE,
                     "%s '%s' must be whole numbers of shape %s an example, not %s of shape %s%s",
                     what, x->name, nn_shape_text(sample, want), kind,
                     nn_shape_text(nn_sample_of(x), have), batch);
}

nn_status nn_expect_vector(const nn_node *node, int i, const char *what, int64_t count,
                           nn_error *error)
{
    if (i >= node->input_count || !node->input[i])
        return NN_OK;
    return nn_expect_parameter(node, i, what, nn_shape1(count), error);
}

nn_shape nn_without_classes(const nn_node *node, int64_t *classes)
{
    nn_shape sample = nn_sample_of(node->input[0]);
    *classes = sample.dim[sample.rank - 1];
    return nn_shape_of(sample.rank - 1, sample.dim);
}
