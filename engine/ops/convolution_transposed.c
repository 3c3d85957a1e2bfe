/* conv_transpose2d (Zeiler et al. 2010; ConvTranspose of ONNX): every input cell adds its multiple
 * of the kernel to the output,
 *     y[n,k, i s + ky d - p, ...] += x[n,c,i,...] w[c,k,ky,...],
 * which is what a convolution from y to x, with the same kernel, sends back to its input. So the
 * forward pass is that convolution's gradient of the input, the gradient of x its forward pass, and
 * the gradient of w its gradient of w with x and dy in each other's place. */
#include "engine/ops/convolution.h"
#include "engine/ops/loops.h"

#include <string.h>

enum { INPUT, WEIGHT, BIAS };

/* Of the convolution from the output back to the input. */
static void transposed_sizes(const nn_node *node, nn_conv_plan *s)
{
    const nn_conv_transpose_args *args = (const void *)node->args;
    const nn_conv_args *conv = &args->conv;
    const int64_t *x = node->input[INPUT]->shape.dim, *w = node->input[WEIGHT]->shape.dim;
    nn_axis *const axis[2] = {&s->y, &s->x};
    for (int i = 0; i < 2; i++) {
        nn_axis a = {0, x[2 + i], w[2 + i], conv->stride[i], conv->dilation[i], conv->pad[i]};
        a.in = a.stride * (x[2 + i] - 1) + args->output_padding[i] + (a.kernel - 1) * a.dilation +
               1 - conv->pad[i] - conv->pad[i + 2];
        *axis[i] = a;
    }
    s->groups = conv->groups;
    s->channels = w[1];
    s->filters = x[1] / conv->groups;
    s->taps = s->channels * w[2] * w[3];
    s->image = s->y.in * s->x.in;
    s->positions = x[2] * x[3];
    s->pointwise = w[2] == 1 && w[3] == 1 && s->y.stride == 1 && s->x.stride == 1 &&
                   s->positions == s->image && s->y.pad == 0 && s->x.pad == 0;
}

static nn_status transposed_check_weight(const nn_node *node, int groups, nn_error *error)
{
    const nn_node *x = node->input[INPUT], *w = node->input[WEIGHT];
    char text[NN_SHAPE_TEXT];
    if (w->shape.rank != 4 || w->batched || w->dtype != NN_F)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "weight '%s' is %s; expected (channels)x(filters)x(rows)x(columns)",
                         w->name, nn_shape_text(nn_sample_of(w), text));
    int64_t channels = x->shape.dim[1];
    if (w->shape.dim[0] != channels || channels % groups)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "weight '%s' (%s) takes %lld channels in %d group%s, but the input has "
                         "%lld",
                         w->name, nn_shape_text(w->shape, text), (long long)w->shape.dim[0], groups,
                         groups == 1 ? "" : "s", (long long)channels);
    for (int i = 1; i < 4; i++)
        if (w->shape.dim[i] < 1 || w->shape.dim[i] > INT32_MAX || x->shape.dim[i] > INT32_MAX)
            return nn_refuse(node, error, NN_E_SHAPE, "an image or kernel side is too large");
    return NN_OK;
}

static nn_status transposed_check_padding(const nn_node *node, const nn_conv_transpose_args *args,
                                          nn_error *error)
{
    for (int i = 0; i < 2; i++) {
        int stride = args->conv.stride[i], dilation = args->conv.dilation[i];
        int most = stride > dilation ? stride : dilation;
        if (args->output_padding[i] < 0 || args->output_padding[i] >= most)
            return nn_refuse(node, error, NN_E_ARG,
                             "output padding %d: expected 0 or more and less than the stride %d or "
                             "the dilation %d",
                             args->output_padding[i], stride, dilation);
    }
    return NN_OK;
}

static nn_status transposed_shape(nn_node *node, nn_error *error)
{
    nn_conv_transpose_args *args = (void *)node->args;
    nn_status status = nn_conv_check_args(node, &args->conv, error);
    if (!status)
        status = transposed_check_padding(node, args, error);
    if (!status)
        status = nn_expect_activation(node, INPUT, 4, 4, error);
    if (!status)
        status = transposed_check_weight(node, args->conv.groups, error);
    if (status)
        return status;
    int64_t filters = node->input[WEIGHT]->shape.dim[1];
    if (filters > INT32_MAX / args->conv.groups)
        return nn_refuse(node, error, NN_E_SHAPE, "%lld filters in %d groups are too many",
                         (long long)filters, args->conv.groups);
    filters *= args->conv.groups;
    if (node->input[BIAS])
        status = nn_expect_parameter(node, BIAS, "bias", nn_shape1(filters), error);
    if (status)
        return status;
    nn_conv_plan s;
    transposed_sizes(node, &s);
    const int64_t *dim = node->input[INPUT]->shape.dim;
    if (s.y.in < 1 || s.x.in < 1)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%lldx%lld kernel on a %lldx%lld input: padding %d,%d,%d,%d leaves no "
                         "output",
                         (long long)s.y.kernel, (long long)s.x.kernel, (long long)dim[2],
                         (long long)dim[3], args->conv.pad[0], args->conv.pad[1], args->conv.pad[2],
                         args->conv.pad[3]);
    nn_shape patches =
        nn_shape_of(5, (int64_t[]){s.channels, s.y.kernel, s.x.kernel, dim[2], dim[3]});
    if (nn_shape_count(patches) < 0)
        return nn_refuse(node, error, NN_E_SHAPE, "the products of one example are too many");
    return nn_set_activation(node, nn_shape3(filters, s.y.in, s.x.in), error);
}

/* The convolution's, and an example's gradient of x where that must be added. */
static size_t transposed_scratch(const nn_node *node, int64_t rows)
{
    nn_conv_plan s;
    (void)rows;
    transposed_sizes(node, &s);
    size_t row = (size_t)nn_shape_row(node->input[INPUT]->shape) * sizeof(nn_real);
    return (nn_conv_scratch(&s) + 63) / 64 * 64 + row;
}

static void transposed_forward(const nn_ctx *ctx)
{
    nn_conv_plan s;
    transposed_sizes(ctx->node, &s);
    const nn_real *b = ctx->in[BIAS];
    nn_real *out = ctx->out;
    for (int64_t k = 0; b && k < nn_rows(ctx) * s.groups * s.channels; k++, out += s.image)
        for (int64_t i = 0; i < s.image; i++)
            out[i] = b[k % (s.groups * s.channels)];
    nn_ctx back = *ctx;
    back.grad_out = ctx->in[INPUT];
    memset(back.grad_in, 0, sizeof back.grad_in);
    back.grad_in[0] = ctx->out;
    back.beta[0] = b ? 1 : 0;
    nn_conv_run_backward(&back, &s);
}

static void transposed_backward_input(const nn_ctx *ctx, const nn_conv_plan *s)
{
    nn_ctx conv = *ctx;
    conv.in[0] = (nn_real *)(void *)ctx->grad_out;
    conv.in[2] = NULL;
    conv.out = ctx->grad_in[INPUT];
    if (ctx->beta[INPUT] == 0) {
        nn_conv_run_forward(&conv, s);
        return;
    }
    int64_t row = nn_shape_row(ctx->node->input[INPUT]->shape);
    int64_t out_row = nn_shape_row(ctx->node->shape);
    nn_real *own = (nn_real *)(void *)((char *)ctx->scratch + (nn_conv_scratch(s) + 63) / 64 * 64);
    conv.out = own;
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        conv.r0 = ctx->r0 + r;
        conv.r1 = conv.r0 + 1;
        conv.in[0] = (nn_real *)(void *)(ctx->grad_out + r * out_row);
        nn_conv_run_forward(&conv, s);
        for (int64_t i = 0; i < row; i++)
            ctx->grad_in[INPUT][r * row + i] += own[i];
    }
}

static void transposed_backward(const nn_ctx *ctx)
{
    nn_conv_plan s;
    transposed_sizes(ctx->node, &s);
    if (ctx->grad_in[INPUT])
        transposed_backward_input(ctx, &s);
    if (ctx->grad_in[WEIGHT]) {
        nn_ctx back = *ctx;
        back.in[0] = (nn_real *)(void *)ctx->grad_out;
        back.grad_out = ctx->in[INPUT];
        back.grad_in[0] = back.grad_in[2] = NULL;
        nn_conv_run_backward(&back, &s);
    }
    nn_real *db = ctx->grad_in[BIAS];
    int64_t filters = s.groups * s.channels;
    if (!db)
        return;
    if (ctx->beta[BIAS] == 0)
        memset(db, 0, (size_t)filters * sizeof *db);
    for (int64_t r = 0; r < nn_rows(ctx); r++)
        nn_conv_add_bias_gradient(db, ctx->grad_out + r * filters * s.image, filters, s.image);
}

/* What output cell (k, y, x) of one example receives, cell by cell of the input. */
static double transposed_at(const nn_conv_plan *s, const nn_real *x, const nn_real *w, int64_t k,
                            int64_t y, int64_t column)
{
    double sum = 0;
    int64_t group = k / s->channels, within = k % s->channels;
    for (int64_t c = group * s->filters; c < (group + 1) * s->filters; c++)
        for (int64_t i = 0; i < s->y.out; i++)
            for (int64_t j = 0; j < s->x.out; j++) {
                int64_t down = y + s->y.pad - i * s->y.stride;
                int64_t along = column + s->x.pad - j * s->x.stride;
                if (down < 0 || down % s->y.dilation || down / s->y.dilation >= s->y.kernel ||
                    along < 0 || along % s->x.dilation || along / s->x.dilation >= s->x.kernel)
                    continue;
                int64_t tap = down / s->y.dilation * s->x.kernel + along / s->x.dilation;
                sum += (double)x[(c * s->y.out + i) * s->x.out + j] *
                       (double)w[(c * s->channels + within) * s->y.kernel * s->x.kernel + tap];
            }
    return sum;
}

static void transposed_reference(const nn_ctx *ctx)
{
    nn_conv_plan s;
    transposed_sizes(ctx->node, &s);
    const nn_real *b = ctx->in[BIAS];
    nn_real *out = ctx->out;
    for (int64_t n = 0; n < nn_rows(ctx); n++) {
        const nn_real *x = (const nn_real *)ctx->in[INPUT] + n * s.groups * s.filters * s.positions;
        for (int64_t k = 0; k < s.groups * s.channels; k++)
            for (int64_t i = 0; i < s.image; i++)
                *out++ =
                    (nn_real)(transposed_at(&s, x, ctx->in[WEIGHT], k, i / s.x.in, i % s.x.in) +
                              (b ? (double)b[k] : 0));
    }
}

static int64_t transposed_multiply_adds(const nn_node *node)
{
    nn_conv_plan s;
    transposed_sizes(node, &s);
    return s.groups * s.filters * s.taps * s.positions;
}

const nn_op nn_op_conv_transpose2d = {
    .name = "conv_transpose2d",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << INPUT | 1u << WEIGHT,
    .shape = transposed_shape,
    .scratch = transposed_scratch,
    .forward = transposed_forward,
    .backward = transposed_backward,
    .reference = transposed_reference,
    .multiply_adds = transposed_multiply_adds,
};

nn_node *nn_conv_transpose2d(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b,
                             nn_conv_transpose_args args)
{
    return nn_node_new(graph, &nn_op_conv_transpose2d, (nn_node *[]){x, w, b}, 3, &args,
                       sizeof args);
}
