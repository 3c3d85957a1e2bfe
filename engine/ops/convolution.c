/* conv2d: y[n,k,oy,ox] = b[k] + sum over c,ky,kx of w[k,c,ky,kx] x[n,c,oy s+ky d-p,ox s+kx d-p].
 * Cross-correlation, as every framework calls convolution. conv1d is the same on images of one row:
 * x (n,c,t) and w (k,c/groups,kt), with the second of each pair of arguments. Windows that move one
 * column at a time go through the kernels in convolution_direct.c. The others are lowered to matrix
 * products: each example is spread into a matrix of patches (im2col; Chellapilla, Puri, Simard
 * 2006) in scratch memory, unless the kernel is 1x1, where the image already is that matrix. */
#include "engine/ops/convolution.h"

#include "engine/blas.h"
#include "engine/ops/loops.h"

#include <string.h>

bool nn_conv_sizes(const nn_node *node, nn_conv_plan *s)
{
    const nn_conv_args *args = (const void *)node->args;
    const int64_t *x = node->input[0]->shape.dim, *w = node->input[1]->shape.dim;
    bool flat = node->input[0]->shape.rank == 3; /* conv1d: one row */
    int64_t width = flat ? x[2] : x[3], columns = flat ? w[2] : w[3];
    s->y = (nn_axis){flat ? 1 : x[2],   0,           flat ? 1 : w[2], args->stride[0],
                     args->dilation[0], args->pad[0]};
    s->x = (nn_axis){width, 0, columns, args->stride[1], args->dilation[1], args->pad[1]};
    bool rows = nn_axis_fit(&s->y, args->pad[2]);
    bool fits = nn_axis_fit(&s->x, args->pad[3]) && rows;
    s->groups = args->groups;
    s->channels = x[1] / args->groups;
    s->filters = w[0] / args->groups;
    s->taps = s->channels * s->y.kernel * columns;
    s->image = s->y.in * width;
    s->positions = s->y.out * s->x.out;
    s->pointwise = s->y.kernel == 1 && columns == 1 && s->y.stride == 1 && s->x.stride == 1 &&
                   s->positions == s->image && s->y.pad == 0 && s->x.pad == 0;
    return fits;
}

nn_status nn_conv_check_args(const nn_node *node, nn_conv_args *args, nn_error *error)
{
    for (int i = 0; i < 2; i++) {
        args->stride[i] = args->stride[i] == 0 ? 1 : args->stride[i];
        args->dilation[i] = args->dilation[i] == 0 ? 1 : args->dilation[i];
    }
    args->groups = args->groups == 0 ? 1 : args->groups;
    for (int i = 0; i < 2; i++)
        if (args->stride[i] < 1 || args->dilation[i] < 1)
            return nn_refuse(
                node, error, NN_E_ARG, "stride %dx%d, dilation %dx%d: expected 1 or more of each",
                args->stride[0], args->stride[1], args->dilation[0], args->dilation[1]);
    for (int i = 0; i < 4; i++)
        if (args->pad[i] < 0)
            return nn_refuse(node, error, NN_E_ARG, "padding %d: expected 0 or more", args->pad[i]);
    if (args->groups < 1)
        return nn_refuse(node, error, NN_E_ARG, "%d groups: expected 1 or more", args->groups);
    return NN_OK;
}

static nn_status conv_check_weight(const nn_node *node, const nn_conv_args *args, nn_error *error)
{
    const nn_node *x = node->input[0], *w = node->input[1];
    char text[NN_SHAPE_TEXT];
    if (w->shape.rank != x->shape.rank || w->batched || w->dtype != NN_F)
        return nn_refuse(node, error, NN_E_SHAPE, "weight '%s' is %s; expected (filters)x%s",
                         w->name, nn_shape_text(nn_sample_of(w), text),
                         x->shape.rank == 3 ? "(channels)x(taps)" : "(channels)x(rows)x(columns)");
    int64_t channels = x->shape.dim[1], filters = w->shape.dim[0];
    if (channels % args->groups || filters % args->groups)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%d groups do not divide %lld channels and %lld filters", args->groups,
                         (long long)channels, (long long)filters);
    if (w->shape.dim[1] != channels / args->groups)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "weight '%s' (%s) takes %lld channels, but the input has %lld in %d "
                         "group%s",
                         w->name, nn_shape_text(w->shape, text), (long long)w->shape.dim[1],
                         (long long)channels, args->groups, args->groups == 1 ? "" : "s");
    for (int i = 2; i < w->shape.rank; i++)
        if (w->shape.dim[i] < 1 || w->shape.dim[i] > INT32_MAX || x->shape.dim[i] > INT32_MAX)
            return nn_refuse(node, error, NN_E_SHAPE, "an image or kernel side is too large");
    return NN_OK;
}

static nn_status conv_refuse_size(const nn_node *node, const nn_conv_plan *s, nn_error *error)
{
    const char *spread = s->y.dilation > 1 || s->x.dilation > 1 ? " dilated" : "";
    if (node->input[0]->shape.rank == 3)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%lld%s taps on %lld steps; pad the input or use a smaller kernel",
                         (long long)s->x.kernel, spread, (long long)s->x.in);
    return nn_refuse(node, error, NN_E_SHAPE,
                     "%lldx%lld%s kernel on a %lldx%lld input; pad it or use a smaller kernel",
                     (long long)s->y.kernel, (long long)s->x.kernel, spread, (long long)s->y.in,
                     (long long)s->x.in);
}

static nn_status conv_shape_of_rank(nn_node *node, int rank, nn_error *error)
{
    nn_conv_args *args = (void *)node->args;
    nn_status status = nn_conv_check_args(node, args, error);
    if (!status)
        status = nn_expect_activation(node, 0, rank, rank, error);
    if (!status)
        status = conv_check_weight(node, args, error);
    const nn_node *w = node->input[1];
    if (!status && node->input[2])
        status = nn_expect_parameter(node, 2, "bias", nn_shape1(w->shape.dim[0]), error);
    if (status)
        return status;
    nn_conv_plan s;
    if (!nn_conv_sizes(node, &s))
        return conv_refuse_size(node, &s, error);
    if (nn_shape_count(nn_shape3(s.taps, s.y.out, s.x.out)) < 0)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "its patches of one example are too large; use a larger stride or a "
                         "smaller image");
    nn_shape sample = nn_shape3(w->shape.dim[0], s.y.out, s.x.out);
    return nn_set_activation(node, rank == 3 ? nn_shape2(sample.dim[0], s.x.out) : sample, error);
}

static nn_status conv_shape(nn_node *node, nn_error *error)
{
    return conv_shape_of_rank(node, 4, error);
}

static nn_status conv1d_shape(nn_node *node, nn_error *error)
{
    return conv_shape_of_rank(node, 3, error);
}

/* --- patches ------------------------------------------------------------------------------- */

/* One row of the patch matrix: what one tap sees at every position. */
static inline void patch_row(const nn_conv_plan *s, const nn_real *plane, int64_t ky, int64_t kx,
                             nn_real *row)
{
    int64_t y0, y1, x0, x1;
    nn_axis_range(&s->y, ky, &y0, &y1);
    nn_axis_range(&s->x, kx, &x0, &x1);
    if (y1 - y0 < s->y.out || x1 - x0 < s->x.out)
        memset(row, 0, (size_t)s->positions * sizeof *row);
    int64_t cell = nn_axis_cell(&s->x, x0, kx);
    for (int64_t oy = y0; oy < y1; oy++) {
        const nn_real *from = plane + nn_axis_cell(&s->y, oy, ky) * s->x.in + cell;
        nn_real *to = row + oy * s->x.out + x0;
        for (int64_t i = 0; i < x1 - x0; i++)
            to[i] = from[i * s->x.stride];
    }
}

/* taps x positions, of one example and group. */
NN_KERNEL static void gather_patches(const nn_conv_plan *s, const nn_real *x, nn_real *patches)
{
    for (int64_t c = 0; c < s->channels; c++)
        for (int64_t ky = 0; ky < s->y.kernel; ky++)
            for (int64_t kx = 0; kx < s->x.kernel; kx++, patches += s->positions)
                patch_row(s, x + c * s->image, ky, kx, patches);
}

/* One row of the patch matrix, added to the cells it was copied from. */
static inline void add_patch_row(const nn_conv_plan *s, const nn_real *row, int64_t ky, int64_t kx,
                                 nn_real *plane)
{
    int64_t y0, y1, x0, x1;
    nn_axis_range(&s->y, ky, &y0, &y1);
    nn_axis_range(&s->x, kx, &x0, &x1);
    int64_t cell = nn_axis_cell(&s->x, x0, kx);
    for (int64_t oy = y0; oy < y1; oy++) {
        nn_real *to = plane + nn_axis_cell(&s->y, oy, ky) * s->x.in + cell;
        const nn_real *from = row + oy * s->x.out + x0;
        for (int64_t i = 0; i < x1 - x0; i++)
            to[i * s->x.stride] += from[i];
    }
}

NN_KERNEL static void scatter_patches(const nn_conv_plan *s, const nn_real *patches, nn_real *dx)
{
    for (int64_t c = 0; c < s->channels; c++)
        for (int64_t ky = 0; ky < s->y.kernel; ky++)
            for (int64_t kx = 0; kx < s->x.kernel; kx++, patches += s->positions)
                add_patch_row(s, patches, ky, kx, dx + c * s->image);
}

size_t nn_conv_scratch(const nn_conv_plan *s)
{
    if (nn_conv_is_winograd(s))
        return nn_conv_winograd_scratch(s);
    if (nn_conv_is_direct(s))
        return nn_conv_direct_scratch(s);
    return s->pointwise ? 0 : (size_t)(s->taps * s->positions) * sizeof(nn_real);
}

static size_t conv_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    nn_conv_plan s;
    nn_conv_sizes(node, &s);
    return nn_conv_scratch(&s);
}

/* --- passes -------------------------------------------------------------------------------- */

static void fill_bias(nn_real *out, const nn_real *b, int64_t filters, int64_t positions)
{
    for (int64_t k = 0; k < filters; k++)
        for (int64_t p = 0; p < positions; p++)
            out[k * positions + p] = b[k];
}

void nn_conv_run_forward(const nn_ctx *ctx, const nn_conv_plan *s)
{
    if (nn_conv_is_winograd(s)) {
        nn_conv_winograd_forward(ctx, s);
        return;
    }
    if (nn_conv_is_direct(s)) {
        nn_conv_direct_forward(ctx, s);
        return;
    }
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *b = ctx->in[2];
    nn_real *out = ctx->out;
    int64_t blocks = nn_rows(ctx) * s->groups; /* an example's group is one block of x and out */
    for (int64_t i = 0; i < blocks; i++) {
        int64_t g = i % s->groups;
        const nn_real *patches = x;
        if (!s->pointwise) {
            gather_patches(s, x, ctx->scratch);
            patches = ctx->scratch;
        }
        if (b)
            fill_bias(out, b + g * s->filters, s->filters, s->positions);
        nn_gemm(false, false, s->filters, s->positions, s->taps, 1, w + g * s->filters * s->taps,
                s->taps, patches, s->positions, b ? 1 : 0, out, s->positions);
        x += s->channels * s->image;
        out += s->filters * s->positions;
    }
}

static void conv_forward(const nn_ctx *ctx)
{
    nn_conv_plan s;
    nn_conv_sizes(ctx->node, &s);
    nn_conv_run_forward(ctx, &s);
}

/* dw += dy patches', of one block. */
static void conv_backward_weight(const nn_ctx *ctx, const nn_conv_plan *s, const nn_real *x,
                                 const nn_real *dy, nn_real *dw)
{
    const nn_real *patches = x;
    if (!s->pointwise) {
        gather_patches(s, x, ctx->scratch);
        patches = ctx->scratch;
    }
    nn_gemm(false, true, s->filters, s->taps, s->positions, 1, dy, s->positions, patches,
            s->positions, 1, dw, s->taps);
}

/* dx (+)= the patches w' dy, put back in place, of one block. */
static void conv_backward_input(const nn_ctx *ctx, const nn_conv_plan *s, const nn_real *w,
                                const nn_real *dy, nn_real *dx)
{
    if (s->pointwise) {
        nn_gemm(true, false, s->taps, s->positions, s->filters, 1, w, s->taps, dy, s->positions,
                ctx->beta[0], dx, s->positions);
        return;
    }
    nn_gemm(true, false, s->taps, s->positions, s->filters, 1, w, s->taps, dy, s->positions, 0,
            ctx->scratch, s->positions);
    if (ctx->beta[0] == 0)
        memset(dx, 0, (size_t)(s->channels * s->image) * sizeof *dx);
    scatter_patches(s, ctx->scratch, dx);
}

NN_KERNEL void nn_conv_add_bias_gradient(nn_real *db, const nn_real *dy, int64_t filters,
                                         int64_t positions)
{
    enum { LANES = 16 };
    for (int64_t k = 0; k < filters; k++, dy += positions) {
        nn_real lane[LANES] = {0}, sum = 0;
        int64_t p = 0;
        for (; p + LANES <= positions; p += LANES)
            for (int l = 0; l < LANES; l++)
                lane[l] += dy[p + l];
        for (; p < positions; p++)
            sum += dy[p];
        for (int l = 0; l < LANES; l++)
            sum += lane[l];
        db[k] += sum;
    }
}

void nn_conv_backward_bias(const nn_ctx *ctx, const nn_conv_plan *s)
{
    nn_real *db = ctx->grad_in[2];
    const nn_real *dy = ctx->grad_out;
    int64_t filters = s->groups * s->filters;
    if (ctx->beta[2] == 0)
        memset(db, 0, (size_t)filters * sizeof *db);
    for (int64_t n = 0; n < nn_rows(ctx); n++, dy += filters * s->positions)
        nn_conv_add_bias_gradient(db, dy, filters, s->positions);
}

void nn_conv_run_backward(const nn_ctx *ctx, const nn_conv_plan *s)
{
    if (nn_conv_is_winograd(s)) {
        nn_conv_winograd_backward(ctx, s);
        return;
    }
    if (nn_conv_is_direct(s)) {
        nn_conv_direct_backward(ctx, s);
        return;
    }
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0], *dw = ctx->grad_in[1], *db = ctx->grad_in[2];
    int64_t weights = s->filters * s->taps, image = s->channels * s->image;
    if (dw && ctx->beta[1] == 0)
        memset(dw, 0, (size_t)(s->groups * weights) * sizeof *dw);
    if (db && ctx->beta[2] == 0)
        memset(db, 0, (size_t)(s->groups * s->filters) * sizeof *db);
    for (int64_t i = 0; i < nn_rows(ctx) * s->groups; i++, dy += s->filters * s->positions) {
        int64_t g = i % s->groups;
        if (db)
            nn_conv_add_bias_gradient(db + g * s->filters, dy, s->filters, s->positions);
        if (dw)
            conv_backward_weight(ctx, s, x + i * image, dy, dw + g * weights);
        if (dx)
            conv_backward_input(ctx, s, w + g * weights, dy, dx + i * image);
    }
}

static void conv_backward(const nn_ctx *ctx)
{
    nn_conv_plan s;
    nn_conv_sizes(ctx->node, &s);
    nn_conv_run_backward(ctx, &s);
}

static double conv_reference_at(const nn_conv_plan *s, const nn_real *x, const nn_real *w,
                                int64_t oy, int64_t ox)
{
    double sum = 0;
    for (int64_t c = 0; c < s->channels; c++)
        for (int64_t ky = 0; ky < s->y.kernel; ky++)
            for (int64_t kx = 0; kx < s->x.kernel; kx++) {
                int64_t y = oy * s->y.stride + ky * s->y.dilation - s->y.pad;
                int64_t column = ox * s->x.stride + kx * s->x.dilation - s->x.pad;
                if (y < 0 || y >= s->y.in || column < 0 || column >= s->x.in)
                    continue;
                sum += (double)x[(c * s->y.in + y) * s->x.in + column] *
                       (double)w[(c * s->y.kernel + ky) * s->x.kernel + kx];
            }
    return sum;
}

static void conv_reference(const nn_ctx *ctx)
{
    nn_conv_plan s;
    nn_conv_sizes(ctx->node, &s);
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *b = ctx->in[2];
    nn_real *out = ctx->out;
    for (int64_t n = 0; n < nn_rows(ctx); n++)
        for (int64_t k = 0; k < s.groups * s.filters; k++)
            for (int64_t oy = 0; oy < s.y.out; oy++)
                for (int64_t ox = 0; ox < s.x.out; ox++) {
                    int64_t block = n * s.groups + k / s.filters;
                    double sum = conv_reference_at(&s, x + block * s.channels * s.image,
                                                   w + k * s.taps, oy, ox);
                    *out++ = (nn_real)(sum + (b ? (double)b[k] : 0));
                }
}

static int64_t conv_multiply_adds(const nn_node *node)
{
    nn_conv_plan s;
    nn_conv_sizes(node, &s);
    return s.groups * s.filters * s.taps * s.positions;
}

const nn_op nn_op_conv2d = {
    .name = "conv2d",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = conv_shape,
    .scratch = conv_scratch,
    .forward = conv_forward,
    .backward = conv_backward,
    .reference = conv_reference,
    .multiply_adds = conv_multiply_adds,
};

nn_node *nn_conv2d(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b, nn_conv_args args)
{
    return nn_node_new(graph, &nn_op_conv2d, (nn_node *[]){x, w, b}, 3, &args, sizeof args);
}

const nn_op nn_op_conv1d = {
    .name = "conv1d",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = conv1d_shape,
    .scratch = conv_scratch,
    .forward = conv_forward,
    .backward = conv_backward,
    .reference = conv_reference,
    .multiply_adds = conv_multiply_adds,
};

nn_node *nn_conv1d(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b, nn_conv1d_args args)
{
    nn_conv_args rows = {.stride = {1, args.stride},
                         .pad = {0, args.pad[0], 0, args.pad[1]},
                         .dilation = {1, args.dilation},
                         .groups = args.groups};
    return nn_node_new(graph, &nn_op_conv1d, (nn_node *[]){x, w, b}, 3, &rows, sizeof rows);
}
