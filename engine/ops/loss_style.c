/* gram: scale * sum over positions of a_k a_l, the style of a feature map; and the style loss made
 * of it. Uncentred: not a correlation. */
#include "engine/blas.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static nn_gram_args args_of(const nn_node *node)
{
    return *(const nn_gram_args *)(const void *)node->args;
}

/* Channels, and positions of a channel, of one example of `x`. */
static void gram_sizes(const nn_node *x, nn_channels channels, int64_t *c, int64_t *positions)
{
    *c = x->shape.dim[channels == NN_CHANNELS_FIRST ? 1 : x->shape.rank - 1];
    *positions = nn_shape_row(x->shape) / *c;
}

static nn_status gram_shape(nn_node *node, nn_error *error)
{
    nn_gram_args args = args_of(node);
    if (args.channels != NN_CHANNELS_FIRST && args.channels != NN_CHANNELS_LAST)
        return nn_refuse(node, error, NN_E_ARG, "layout %d: expected channels first or last",
                         (int)args.channels);
    if (!(fabs(args.scale) < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "scale %g: expected a finite number", args.scale);
    nn_status status = nn_expect_activation(node, 0, 3, NN_MAX_DIMS, error);
    if (status)
        return status;
    int64_t c, positions;
    gram_sizes(node->input[0], args.channels, &c, &positions);
    return nn_set_activation(node, nn_shape2(c, c), error);
}

static void gram_forward(const nn_ctx *ctx)
{
    nn_gram_args args = args_of(ctx->node);
    int64_t c, positions;
    gram_sizes(ctx->node->input[0], args.channels, &c, &positions);
    bool first = args.channels == NN_CHANNELS_FIRST;
    int64_t width = first ? positions : c;
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        const nn_real *a = (const nn_real *)ctx->in[0] + r * c * positions;
        nn_gemm(!first, first, c, c, positions, (nn_real)args.scale, a, width, a, width, 0,
                ctx->out + r * c * c, c);
    }
}

/* With S = scale (dG + dG'): S A where A is (c, positions), A S where it is (positions, c). */
static size_t gram_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)nn_shape_row(node->shape) * sizeof(nn_real);
}

static void gram_backward(const nn_ctx *ctx)
{
    nn_gram_args args = args_of(ctx->node);
    int64_t c, positions;
    gram_sizes(ctx->node->input[0], args.channels, &c, &positions);
    nn_real *both = ctx->scratch;
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        const nn_real *a = (const nn_real *)ctx->in[0] + r * c * positions;
        const nn_real *dg = ctx->grad_out + r * c * c;
        nn_real *da = ctx->grad_in[0] + r * c * positions;
        for (int64_t k = 0; k < c; k++)
            for (int64_t l = 0; l < c; l++)
                both[k * c + l] = (nn_real)args.scale * (dg[k * c + l] + dg[l * c + k]);
        if (args.channels == NN_CHANNELS_FIRST)
            nn_gemm(false, false, c, positions, c, 1, both, c, a, positions, ctx->beta[0], da,
                    positions);
        else
            nn_gemm(false, false, positions, c, c, 1, a, c, both, c, ctx->beta[0], da, c);
    }
}

static void gram_reference(const nn_ctx *ctx)
{
    nn_gram_args args = args_of(ctx->node);
    int64_t c, positions;
    gram_sizes(ctx->node->input[0], args.channels, &c, &positions);
    bool first = args.channels == NN_CHANNELS_FIRST;
    int64_t step = first ? 1 : c, channel = first ? positions : 1;
    for (int64_t r = 0; r < nn_rows(ctx); r++)
        for (int64_t k = 0; k < c; k++)
            for (int64_t l = 0; l < c; l++) {
                const nn_real *a = (const nn_real *)ctx->in[0] + r * c * positions;
                double sum = 0;
                for (int64_t i = 0; i < positions; i++)
                    sum += (double)a[k * channel + i * step] * (double)a[l * channel + i * step];
                ctx->out[(r * c + k) * c + l] = (nn_real)(args.scale * sum);
            }
}

static int64_t gram_multiply_adds(const nn_node *node)
{
    int64_t c, positions;
    gram_sizes(node->input[0], args_of(node).channels, &c, &positions);
    return c * c * positions;
}

const nn_op nn_op_gram = {
    .name = "gram",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0,
    .shape = gram_shape,
    .scratch = gram_scratch,
    .forward = gram_forward,
    .backward = gram_backward,
    .reference = gram_reference,
    .multiply_adds = gram_multiply_adds,
};

nn_node *nn_gram(nn_graph *graph, nn_node *a, nn_gram_args args)
{
    args.scale = args.scale == 0 ? 1 : args.scale;
    return nn_node_new(graph, &nn_op_gram, &a, 1, &args, sizeof args);
}

/* 1 / (4 (h w c)^2) is 1 / (h w c) on either Gram matrix, which keeps them small, and 1/4. */
nn_node *nn_style_loss(nn_graph *graph, nn_node *a, nn_node *style, nn_channels channels,
                       bool normalised)
{
    if (!a || !style)
        return NULL;
    nn_gram_args args = {channels, normalised ? 1 / (double)nn_shape_row(a->shape) : 1};
    nn_node *own = nn_gram(graph, a, args), *other = nn_gram(graph, style, args);
    return nn_squared_distance(graph, own, other, normalised ? 0.25 : 1);
}
