/* linear: y = x w' + b, x (n,...,in), w (out,in), b (out) or none. The last axis is projected; what
 * stands before it are rows, all of one product. */
#include "engine/blas.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

static nn_status linear_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    const nn_node *w = node->input[1];
    char text[NN_SHAPE_TEXT];
    nn_shape sample = nn_sample_of(node->input[0]);
    int64_t in = sample.dim[sample.rank - 1];
    if (w->shape.rank != 2 || w->shape.dim[1] != in || w->batched)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "weight '%s' is %s for %s of %lld numbers; expected (units)x%lld%s",
                         w->name, nn_shape_text(nn_sample_of(w), text),
                         sample.rank == 1 ? "an example" : "rows", (long long)in, (long long)in,
                         sample.rank > 1 ? ", or to take whole examples, flatten it first" : "");
    int64_t units = w->shape.dim[0];
    if (node->input[2]) {
        status = nn_expect_parameter(node, 2, "bias", nn_shape1(units), error);
        if (status)
            return status;
    }
    sample.dim[sample.rank - 1] = units;
    return nn_set_activation(node, sample, error);
}

typedef struct {
    int64_t rows, in, out;
} linear_sizes;

static linear_sizes linear_sizes_of(const nn_ctx *ctx)
{
    nn_shape w = ctx->node->input[1]->shape;
    return (linear_sizes){nn_elements(ctx, 0) / w.dim[1], w.dim[1], w.dim[0]};
}

static void linear_forward(const nn_ctx *ctx)
{
    linear_sizes s = linear_sizes_of(ctx);
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *b = ctx->in[2];
    if (s.rows == 0)
        return;
    if (b)
        for (int64_t r = 0; r < s.rows; r++)
            memcpy(ctx->out + r * s.out, b, (size_t)s.out * sizeof *b);
    nn_gemm(false, true, s.rows, s.out, s.in, 1, x, s.in, w, s.in, b ? 1 : 0, ctx->out, s.out);
}

/* out[j] (+)= sum over the rows, in row order. */
NN_KERNEL static void sum_rows(nn_real *restrict sum, const nn_real *restrict dy, int64_t rows,
                               int64_t columns, bool add)
{
    if (!add)
        memset(sum, 0, (size_t)columns * sizeof *sum);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j++)
            sum[j] += dy[r * columns + j];
}

/* dx = dy w, dw = dy' x, db = sum of dy. */
static void linear_backward(const nn_ctx *ctx)
{
    linear_sizes s = linear_sizes_of(ctx);
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0], *dw = ctx->grad_in[1], *db = ctx->grad_in[2];
    if (dx && s.rows > 0)
        nn_gemm(false, false, s.rows, s.in, s.out, 1, dy, s.out, w, s.in, ctx->beta[0], dx, s.in);
    if (dw && s.rows > 0)
        nn_gemm(true, false, s.out, s.in, s.rows, 1, dy, s.out, x, s.in, ctx->beta[1], dw, s.in);
    else if (dw && ctx->beta[1] == 0)
        memset(dw, 0, (size_t)(s.out * s.in) * sizeof *dw);
    if (db)
        sum_rows(db, dy, s.rows, s.out, ctx->beta[2] != 0);
}

static void linear_reference(const nn_ctx *ctx)
{
    linear_sizes s = linear_sizes_of(ctx);
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *b = ctx->in[2];
    for (int64_t r = 0; r < s.rows; r++)
        for (int64_t j = 0; j < s.out; j++) {
            double sum = b ? (double)b[j] : 0;
            for (int64_t k = 0; k < s.in; k++)
                sum += (double)x[r * s.in + k] * (double)w[j * s.in + k];
            ctx->out[r * s.out + j] = (nn_real)sum;
        }
}

static int64_t linear_multiply_adds(const nn_node *node)
{
    return nn_shape_row(node->input[0]->shape) * node->input[1]->shape.dim[0];
}

const nn_op nn_op_linear = {
    .name = "linear",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = linear_shape,
    .forward = linear_forward,
    .backward = linear_backward,
    .reference = linear_reference,
    .multiply_adds = linear_multiply_adds,
};

nn_node *nn_linear(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b)
{
    return nn_node_new(graph, &nn_op_linear, (nn_node *[]){x, w, b}, 3, NULL, 0);
}
