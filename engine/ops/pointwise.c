#include "engine/ops/pointwise.h"

/* A number of the whole batch: a loss, say, or the mean of something. */
static bool is_number(const nn_node *node)
{
    return !node->batched && node->shape.rank == 0 && node->dtype == NN_F;
}

nn_status nn_same_shape(nn_node *node, nn_error *error)
{
    if (is_number(node->input[0])) {
        node->shape = node->input[0]->shape;
        return NN_OK;
    }
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

/* Widens `sum` to what it and `shape` broadcast to; false where they do not. */
static bool widen(nn_shape *sum, nn_shape shape)
{
    int rank = sum->rank > shape.rank ? sum->rank : shape.rank;
    nn_shape wide = {.rank = rank};
    for (int d = 1; d <= rank; d++) { /* from the right */
        int64_t a = d <= sum->rank ? sum->dim[sum->rank - d] : 1;
        int64_t b = d <= shape.rank ? shape.dim[shape.rank - d] : 1;
        if (a != b && a != 1 && b != 1)
            return false;
        wide.dim[rank - d] = a == 1 ? b : a;
    }
    *sum = wide;
    return true;
}

static nn_status refuse_pair(const nn_node *node, nn_shape sum, const nn_node *input,
                             nn_error *error)
{
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    return nn_refuse(
        node, error, NN_E_SHAPE,
        "'%s' is %s%s and does not broadcast with %s; both must be the same, or one of "
        "two aligned sizes 1",
        input->name, nn_shape_text(nn_sample_of(input), right), input->batched ? " an example" : "",
        nn_shape_text(sum, left));
}

nn_status nn_broadcast_shape(nn_node *node, int first, nn_error *error)
{
    nn_shape sum = {.rank = 0};
    bool batched = false, numbers = true;
    for (int i = 0; i < node->input_count; i++) {
        const nn_node *x = node->input[i];
        if (x->dtype != NN_F && i >= first)
            return nn_refuse(node, error, NN_E_SHAPE,
                             "'%s' holds whole numbers, real numbers are needed", x->name);
        if (!widen(&sum, nn_sample_of(x)))
            return refuse_pair(node, sum, x, error);
        batched |= x->batched;
        numbers &= is_number(x);
    }
    if (numbers) {
        node->shape = sum;
        return NN_OK;
    }
    if (!batched)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' and all other inputs have no batch dimension; at least one must be "
                         "an activation",
                         node->input[0]->name);
    if (sum.rank >= NN_MAX_DIMS)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%d dimensions an example; at most %d are possible", sum.rank,
                         NN_MAX_DIMS - 1);
    for (int d = 0; d < sum.rank; d++)
        if (sum.dim[d] < 1)
            return nn_refuse(node, error, NN_E_SHAPE, "an empty dimension among the inputs");
    return nn_set_activation(node, sum, error);
}

int64_t nn_output_numbers(const nn_ctx *ctx)
{
    const nn_node *node = ctx->node;
    return node->batched ? nn_rows(ctx) * nn_shape_row(node->shape) : nn_shape_count(node->shape);
}

/* Coordinate by coordinate, from the right. */
int64_t nn_broadcast_index(const nn_ctx *ctx, int i, int64_t at)
{
    const nn_node *node = ctx->node, *input = node->input[i];
    int64_t index = 0, step = 1;
    int first = input->batched ? 1 : 0;
    for (int d = node->shape.rank - 1, k = input->shape.rank - 1; d >= 1; d--, k--) {
        int64_t coordinate = at % node->shape.dim[d];
        at /= node->shape.dim[d];
        if (k < first)
            continue;
        index += input->shape.dim[k] == 1 ? 0 : coordinate * step;
        step *= input->shape.dim[k];
    }
    return input->batched ? index + at * step : index;
}

double nn_broadcast_at(const nn_ctx *ctx, int i, int64_t at)
{
    return (double)((const nn_real *)ctx->in[i])[nn_broadcast_index(ctx, i, at)];
}
