/* glove: f (w_i . c_j + bw_i + bc_j - log x)^2 with f = min(1, (x/x_max)^exponent), Pennington et
 * al. 2014. A count of 0 or less has no logarithm and no weight: its pair contributes nothing. */
#include "engine/ops/lanes.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

enum { GLOVE_W, GLOVE_C, GLOVE_BW, GLOVE_BC, GLOVE_I, GLOVE_J, GLOVE_X, GLOVE_INPUTS };

static nn_glove_args glove_args(const nn_node *node)
{
    return *(const nn_glove_args *)(const void *)node->args;
}

static nn_status glove_shape(nn_node *node, nn_error *error)
{
    const nn_node *table = node->input[GLOVE_W];
    nn_glove_args args = glove_args(node);
    char text[NN_SHAPE_TEXT];
    if (!(args.x_max > 0 && args.x_max < INFINITY && args.exponent > 0 && args.exponent < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "x_max %g, exponent %g: expected numbers above 0",
                         args.x_max, args.exponent);
    if (table->batched || table->shape.rank != 2)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' must be a table, a parameter of words x dimensions, not %s",
                         table->name, nn_shape_text(nn_sample_of(table), text));
    nn_shape vector = nn_shape1(table->shape.dim[0]);
    nn_status status = nn_expect_parameter(node, GLOVE_C, "table", table->shape, error);
    if (!status)
        status = nn_expect_parameter(node, GLOVE_BW, "bias", vector, error);
    if (!status)
        status = nn_expect_parameter(node, GLOVE_BC, "bias", vector, error);
    if (!status)
        status = nn_expect_whole(node, GLOVE_I, "words", nn_shape_of(0, NULL), error);
    if (!status)
        status = nn_expect_whole(node, GLOVE_J, "context words", nn_shape_of(0, NULL), error);
    if (!status)
        status = nn_expect_activation(node, GLOVE_X, 1, 1, error);
    return status ? status : nn_set_activation(node, nn_shape_of(0, NULL), error);
}

/* Kept a pair: its weight f and its error. */
static size_t glove_saved(const nn_node *node, int64_t rows)
{
    (void)node;
    return (size_t)rows * 2 * sizeof(nn_real);
}

NN_KERNEL static void glove_forward(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1];
    const nn_real *w = ctx->in[GLOVE_W], *c = ctx->in[GLOVE_C], *x = ctx->in[GLOVE_X];
    const nn_real *bw = ctx->in[GLOVE_BW], *bc = ctx->in[GLOVE_BC];
    const int32_t *i = ctx->in[GLOVE_I], *j = ctx->in[GLOVE_J];
    nn_real x_max = (nn_real)glove_args(ctx->node).x_max, *kept = ctx->saved;
    nn_real exponent = (nn_real)glove_args(ctx->node).exponent;
    for (int64_t r = 0; r < nn_rows(ctx); r++, kept += 2) {
        kept[0] = x[r] < x_max ? nn_exp(exponent * nn_log(x[r] / x_max)) : 1;
        kept[1] = (nn_real)NAN;
        if (x[r] <= 0)
            kept[0] = kept[1] = 0;
        else if (nn_is_class(i[r], vocabulary) && nn_is_class(j[r], vocabulary))
            kept[1] =
                nn_dot(w + i[r] * size, c + j[r] * size, size) + bw[i[r]] + bc[j[r]] - nn_log(x[r]);
        ctx->out[r] = kept[0] * kept[1] * kept[1];
    }
}

/* d of the loss by the error is 2 f error; the error is linear in each of the parameters. */
NN_KERNEL static void glove_pair_backward(const nn_ctx *ctx, nn_real slope, int64_t word,
                                          int64_t context)
{
    int64_t size = ctx->node->input[0]->shape.dim[1];
    const nn_real *w = (const nn_real *)ctx->in[GLOVE_W] + word * size;
    const nn_real *c = (const nn_real *)ctx->in[GLOVE_C] + context * size;
    nn_real *dw = ctx->grad_in[GLOVE_W], *dc = ctx->grad_in[GLOVE_C];
    if (dw)
        NN_GIVE(dw + word * size, true, size, slope * c[i]);
    if (dc)
        NN_GIVE(dc + context * size, true, size, slope * w[i]);
    if (ctx->grad_in[GLOVE_BW])
        ctx->grad_in[GLOVE_BW][word] += slope;
    if (ctx->grad_in[GLOVE_BC])
        ctx->grad_in[GLOVE_BC][context] += slope;
}

static void glove_backward(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    const int32_t *i = ctx->in[GLOVE_I], *j = ctx->in[GLOVE_J];
    const nn_real *kept = ctx->saved, *x = ctx->in[GLOVE_X];
    for (int64_t r = 0; r < nn_rows(ctx); r++, kept += 2) {
        nn_real slope = 2 * kept[0] * kept[1] * ctx->grad_out[r];
        bool known = nn_is_class(i[r], vocabulary) && nn_is_class(j[r], vocabulary);
        if (known && !(x[r] <= 0))
            glove_pair_backward(ctx, slope, i[r], j[r]);
        for (int k = GLOVE_W; !known && !(x[r] <= 0) && k <= GLOVE_BC; k++)
            if (ctx->grad_in[k])
                ctx->grad_in[k][0] = (nn_real)NAN; /* must not go unseen */
    }
}

static unsigned glove_row_inputs(const nn_node *node)
{
    (void)node;
    return 1u << GLOVE_W | 1u << GLOVE_C | 1u << GLOVE_BW | 1u << GLOVE_BC;
}

/* Of a pair in which a word does not exist, row 0 of every table is spoilt. */
static void glove_touch(const nn_ctx *ctx, int input, nn_row_set *set)
{
    const int32_t *i = ctx->in[GLOVE_I], *j = ctx->in[GLOVE_J];
    const int32_t *word = input == GLOVE_W || input == GLOVE_BW ? i : j;
    const nn_real *x = ctx->in[GLOVE_X];
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        bool known = nn_is_class(i[r], set->rows) && nn_is_class(j[r], set->rows);
        if (!(x[r] <= 0))
            nn_touch(set, known ? word[r] : 0);
    }
}

static void glove_reference(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1];
    const nn_real *w = ctx->in[GLOVE_W], *c = ctx->in[GLOVE_C], *x = ctx->in[GLOVE_X];
    const nn_real *bw = ctx->in[GLOVE_BW], *bc = ctx->in[GLOVE_BC];
    const int32_t *i = ctx->in[GLOVE_I], *j = ctx->in[GLOVE_J];
    nn_glove_args args = glove_args(ctx->node);
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        double error = NAN;
        if (nn_is_class(i[r], vocabulary) && nn_is_class(j[r], vocabulary)) {
            error = (double)bw[i[r]] + (double)bc[j[r]] - log((double)x[r]);
            for (int64_t k = 0; k < size; k++)
                error += (double)w[i[r] * size + k] * (double)c[j[r] * size + k];
        }
        double f = fmin(1, pow((double)x[r] / args.x_max, args.exponent));
        ctx->out[r] = (nn_real)(x[r] <= 0 ? 0 : f * error * error);
    }
}

static int64_t glove_multiply_adds(const nn_node *node)
{
    return node->input[0]->shape.dim[1];
}

const nn_op nn_op_glove = {
    .name = "glove",
    .min_inputs = GLOVE_INPUTS,
    .max_inputs = GLOVE_INPUTS,
    .needs = (1u << GLOVE_INPUTS) - 1,
    .shape = glove_shape,
    .saved = glove_saved,
    .forward = glove_forward,
    .backward = glove_backward,
    .reference = glove_reference,
    .row_inputs = glove_row_inputs,
    .touch = glove_touch,
    .multiply_adds = glove_multiply_adds,
};

nn_node *nn_glove(nn_graph *graph, nn_node *w, nn_node *c, nn_node *bw, nn_node *bc, nn_node *i,
                  nn_node *j, nn_node *x, nn_glove_args args)
{
    args.x_max = args.x_max == 0 ? 100 : args.x_max;
    args.exponent = args.exponent == 0 ? 0.75 : args.exponent;
    return nn_node_new(graph, &nn_op_glove, (nn_node *[]){w, c, bw, bc, i, j, x}, GLOVE_INPUTS,
                       &args, sizeof args);
}
