/* max_pool2d and average_pool2d: windows over the two last axes of (n,c,h,w), each channel by
 * itself. Padding never wins a maximum; it counts as zeros in an average only where asked.
 * Left-over rows and columns are ignored (floor), or with ceil_mode seen by a last window that
 * reaches over the end; a window that would begin behind the image is left out, as in PyTorch. */
#include "engine/ops/pooling.h"

#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

typedef struct {
    int64_t planes; /* of the shard: rows * channels */
    nn_axis y, x;
    int64_t end_y, end_x; /* of the padded image: cells from here on are not counted */
    bool count_pad;
} pool_sizes;

/* Sets the number of windows; false where none fits. */
static bool pool_fit(nn_axis *axis, int pad_after, bool up)
{
    bool fits = nn_axis_fit(axis, pad_after + (up ? axis->stride - 1 : 0));
    while (up && axis->out > 1 && (axis->out - 1) * axis->stride >= axis->in + axis->pad)
        axis->out--;
    return fits && (axis->kernel - 1) * axis->dilation < axis->in + axis->pad + pad_after;
}

/* Of one example: planes = channels. False where a window does not fit. */
static bool pool_sizes_of(const nn_node *node, pool_sizes *s)
{
    const nn_pool_args *args = (const void *)node->args;
    const int64_t *dim = node->input[0]->shape.dim;
    s->planes = dim[1];
    s->count_pad = args->count_include_pad;
    const int *stride = args->stride, *dilation = args->dilation;
    s->y = (nn_axis){dim[2], 0, args->kernel[0], stride[0], dilation[0], args->pad[0]};
    s->x = (nn_axis){dim[3], 0, args->kernel[1], stride[1], dilation[1], args->pad[1]};
    s->end_y = dim[2] + args->pad[2];
    s->end_x = dim[3] + args->pad[3];
    bool rows = pool_fit(&s->y, args->pad[2], args->ceil_mode);
    return pool_fit(&s->x, args->pad[3], args->ceil_mode) && rows;
}

static pool_sizes pool_sizes_in(const nn_ctx *ctx)
{
    pool_sizes s;
    pool_sizes_of(ctx->node, &s);
    s.planes *= nn_rows(ctx);
    return s;
}

static nn_status pool_check_args(const nn_node *node, const nn_pool_args *args, nn_error *error)
{
    for (int i = 0; i < 2; i++) {
        if (args->kernel[i] < 1 || args->stride[i] < 1 || args->dilation[i] < 1)
            return nn_refuse(node, error, NN_E_ARG,
                             "kernel %dx%d, stride %dx%d, dilation %dx%d: expected 1 or more of "
                             "each",
                             args->kernel[0], args->kernel[1], args->stride[0], args->stride[1],
                             args->dilation[0], args->dilation[1]);
        if (args->pad[i] < 0 || args->pad[i + 2] < 0 || args->pad[i] >= args->kernel[i] ||
            args->pad[i + 2] >= args->kernel[i])
            return nn_refuse(node, error, NN_E_ARG,
                             "padding %d,%d,%d,%d: expected 0 or more and less than the kernel "
                             "%dx%d, or a window would see padding alone",
                             args->pad[0], args->pad[1], args->pad[2], args->pad[3],
                             args->kernel[0], args->kernel[1]);
    }
    return NN_OK;
}

/* With gaps between its taps, a window at the edge may step over the whole image. */
static bool sees_a_cell(const nn_axis *axis)
{
    for (int64_t o = 0; o < axis->out && o * axis->stride < axis->pad; o++) {
        int64_t start = nn_axis_cell(axis, o, 0);
        int64_t first = (-start + axis->dilation - 1) / axis->dilation; /* tap not before 0 */
        if (first >= axis->kernel || nn_axis_cell(axis, o, first) >= axis->in)
            return false;
    }
    return true;
}

static nn_status pool_shape(nn_node *node, nn_error *error)
{
    nn_pool_args *args = (void *)node->args;
    for (int i = 0; i < 2; i++) {
        args->stride[i] = args->stride[i] == 0 ? args->kernel[i] : args->stride[i];
        args->dilation[i] = args->dilation[i] == 0 ? 1 : args->dilation[i];
    }
    nn_status status = pool_check_args(node, args, error);
    if (!status)
        status = nn_expect_activation(node, 0, 4, 4, error);
    if (status)
        return status;
    const int64_t *dim = node->input[0]->shape.dim;
    if (dim[2] * dim[3] > INT32_MAX)
        return nn_refuse(node, error, NN_E_SHAPE, "a %lldx%lld image is too large",
                         (long long)dim[2], (long long)dim[3]);
    pool_sizes s;
    if (!pool_sizes_of(node, &s))
        return nn_refuse(node, error, NN_E_SHAPE,
                         "%dx%d window on a %lldx%lld input; pad it or use a smaller window",
                         args->kernel[0], args->kernel[1], (long long)dim[2], (long long)dim[3]);
    if (!sees_a_cell(&s.y) || !sees_a_cell(&s.x))
        return nn_refuse(node, error, NN_E_ARG,
                         "a %dx%d window with dilation %dx%d would see padding alone",
                         args->kernel[0], args->kernel[1], args->dilation[0], args->dilation[1]);
    return nn_set_activation(node, nn_shape3(s.planes, s.y.out, s.x.out), error);
}

/* Makes a call with `step`, a stride that the compiler knows where it is a common one. */
#define WITH_STRIDE(stride, call)                                                                  \
    do {                                                                                           \
        if ((stride) == 1) {                                                                       \
            const int64_t step = 1;                                                                \
            call;                                                                                  \
        } else if ((stride) == 2) {                                                                \
            const int64_t step = 2;                                                                \
            call;                                                                                  \
        } else {                                                                                   \
            const int64_t step = stride;                                                           \
            call;                                                                                  \
        }                                                                                          \
    } while (0)

/* --- max_pool2d ---------------------------------------------------------------------------- */

/* The common 2x2 windows, two apart, no padding. */
static bool pool_is_2x2(const pool_sizes *s)
{
    return s->y.kernel == 2 && s->x.kernel == 2 && s->y.stride == 2 && s->x.stride == 2 &&
           s->y.pad == 0 && s->x.pad == 0 && s->y.dilation == 1 && s->x.dilation == 1 &&
           2 * s->y.out <= s->y.in && 2 * s->x.out <= s->x.in;
}

/* One plane in two sweeps, which become vector code however narrow the image is: the winners of
 * neighbours in a row (kept in `winner`, with `right` = 1 for the second), then of those one above
 * the other. The first one wins a tie; a NaN wins over numbers and stays. `at` keeps the place of
 * each maximum inside its plane. */
NN_KERNEL static void max_2x2_plane(const pool_sizes *s, const nn_real *restrict x,
                                    nn_real *restrict winner, int32_t *restrict right,
                                    nn_real *restrict out, int32_t *restrict at)
{
    int64_t columns = s->x.out, rows = 2 * s->y.out, width = s->x.in;
    bool gapless = width == 2 * columns; /* then the plane is one long row */
    int64_t lines = gapless ? 1 : rows, length = gapless ? rows * columns : columns;
    for (int64_t line = 0; line < lines; line++)
        for (int64_t i = 0; i < length; i++) {
            nn_real a = x[line * width + 2 * i], b = x[line * width + 2 * i + 1];
            bool second = (b > a) | (b != b);
            winner[line * columns + i] = second ? b : a;
            right[line * columns + i] = second;
        }
    for (int64_t oy = 0; oy < s->y.out; oy++) {
        const nn_real *upper = winner + 2 * oy * columns, *lower = upper + columns;
        const int32_t *upper_right = right + 2 * oy * columns;
        const int32_t *lower_right = upper_right + columns;
        int32_t start = (int32_t)(2 * oy * width), below = start + (int32_t)width;
        for (int32_t ox = 0; ox < (int32_t)columns; ox++) {
            nn_real a = upper[ox], b = lower[ox];
            bool second = (b > a) | (b != b);
            out[oy * columns + ox] = second ? b : a;
            at[oy * columns + ox] =
                2 * ox + (second ? below + lower_right[ox] : start + upper_right[ox]);
        }
    }
}

/* Of winners along the rows: those of every row of the image. */
static int64_t row_winners(const pool_sizes *s)
{
    return pool_is_2x2(s) ? 2 * s->y.out * s->x.out : s->y.in * s->x.out;
}

static size_t max_scratch(const nn_node *node, int64_t rows)
{
    pool_sizes s;
    (void)rows;
    pool_sizes_of(node, &s);
    return (size_t)row_winners(&s) * (sizeof(nn_real) + sizeof(int32_t));
}

/* Keeps the larger of what stands in best and x; the older one wins a tie, a NaN wins over numbers
 * and stays. */
static inline void keep_larger(const nn_real *restrict x, int32_t place, int64_t stride,
                               int64_t count, nn_real *restrict best, int32_t *restrict at)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real value = x[i * stride], kept = best[i];
        int32_t here = place + (int32_t)(i * stride), old = at[i];
        bool wins = (value > kept) | (value != value);
        best[i] = wins ? value : kept;
        at[i] = wins ? here : old;
    }
}

static inline void keep_larger_row(const nn_real *restrict x, const int32_t *restrict from,
                                   int64_t count, nn_real *restrict best, int32_t *restrict at)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real value = x[i], kept = best[i];
        int32_t here = from[i], old = at[i];
        bool wins = (value > kept) | (value != value);
        best[i] = wins ? value : kept;
        at[i] = wins ? here : old;
    }
}

/* The winner among the real cells of one window of a row that reaches into the padding. */
static void edge_winner(const nn_axis *axis, const nn_real *row, int32_t place, int64_t o,
                        nn_real *best, int32_t *at)
{
    bool any = false;
    for (int64_t k = 0; k < axis->kernel; k++) {
        int64_t cell = nn_axis_cell(axis, o, k);
        if (cell < 0 || cell >= axis->in)
            continue;
        if (!any || row[cell] > *best || row[cell] != row[cell]) {
            *best = row[cell];
            *at = place + (int32_t)cell;
        }
        any = true;
    }
}

/* The windows of one row of the image, [x0,x1) of which lie inside it: tap by tap. */
static inline void max_row(const nn_axis *axis, const nn_real *row, int32_t place, int64_t x0,
                           int64_t x1, nn_real *best, int32_t *at)
{
    for (int64_t o = 0; o < axis->out; o = o == x0 - 1 ? x1 : o + 1)
        if (o < x0 || o >= x1)
            edge_winner(axis, row, place, o, best + o, at + o);
    int64_t cell = nn_axis_cell(axis, x0, 0);
    WITH_STRIDE(axis->stride, {
        for (int64_t i = 0; i < x1 - x0; i++) {
            best[x0 + i] = row[cell + i * step];
            at[x0 + i] = place + (int32_t)(cell + i * step);
        }
    });
    for (int64_t k = 1; k < axis->kernel; k++) {
        cell = nn_axis_cell(axis, x0, k);
        WITH_STRIDE(axis->stride, keep_larger(row + cell, place + (int32_t)cell, step, x1 - x0,
                                              best + x0, at + x0));
    }
}

/* One plane: the winners along each row, then among the rows of each window. The first cell of a
 * window wins a tie. */
NN_KERNEL static void max_plane(const pool_sizes *s, const nn_real *x, nn_real *winner,
                                int32_t *winner_at, nn_real *out, int32_t *at)
{
    int64_t width = s->x.out, x0, x1, last;
    nn_axis_range(&s->x, 0, &x0, &last);
    nn_axis_range(&s->x, s->x.kernel - 1, &last, &x1);
    x1 = x1 > x0 ? x1 : x0;
    for (int64_t y = 0; y < s->y.in; y++)
        max_row(&s->x, x + y * s->x.in, (int32_t)(y * s->x.in), x0, x1, winner + y * width,
                winner_at + y * width);
    for (int64_t oy = 0; oy < s->y.out; oy++, out += width, at += width) {
        bool any = false;
        for (int64_t k = 0; k < s->y.kernel; k++) {
            int64_t y = nn_axis_cell(&s->y, oy, k);
            if (y < 0 || y >= s->y.in)
                continue;
            if (any) {
                keep_larger_row(winner + y * width, winner_at + y * width, width, out, at);
                continue;
            }
            memcpy(out, winner + y * width, (size_t)width * sizeof *out);
            memcpy(at, winner_at + y * width, (size_t)width * sizeof *at);
            any = true;
        }
    }
}

static void max_forward(const nn_ctx *ctx)
{
    pool_sizes s = pool_sizes_in(ctx);
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    int32_t *at = ctx->saved;
    int64_t plane = s.y.in * s.x.in, windows = s.y.out * s.x.out;
    nn_real *winner = ctx->scratch;
    int32_t *second = (int32_t *)(void *)(winner + row_winners(&s));
    bool common = pool_is_2x2(&s);
    for (int64_t p = 0; p < s.planes; p++, x += plane, out += windows, at += windows)
        if (common)
            max_2x2_plane(&s, x, winner, second, out, at);
        else
            max_plane(&s, x, winner, second, out, at);
}

static void max_backward(const nn_ctx *ctx)
{
    pool_sizes s = pool_sizes_in(ctx);
    const nn_real *dy = ctx->grad_out;
    const int32_t *at = ctx->saved;
    nn_real *dx = ctx->grad_in[0];
    int64_t plane = s.y.in * s.x.in, windows = s.y.out * s.x.out;
    /* Plane by plane: what was cleared is still in the cache when the gradients arrive. */
    for (int64_t p = 0; p < s.planes; p++, dx += plane, dy += windows, at += windows) {
        if (ctx->beta[0] == 0)
            memset(dx, 0, (size_t)plane * sizeof *dx);
        for (int64_t i = 0; i < windows; i++)
            dx[at[i]] += dy[i];
    }
}

static void max_reference(const nn_ctx *ctx)
{
    pool_sizes s = pool_sizes_in(ctx);
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    for (int64_t p = 0; p < s.planes; p++)
        for (int64_t oy = 0; oy < s.y.out; oy++)
            for (int64_t ox = 0; ox < s.x.out; ox++, out++) {
                bool any = false;
                for (int64_t ky = 0; ky < s.y.kernel; ky++)
                    for (int64_t kx = 0; kx < s.x.kernel; kx++) {
                        int64_t y = oy * s.y.stride - s.y.pad + ky * s.y.dilation;
                        int64_t c = ox * s.x.stride - s.x.pad + kx * s.x.dilation;
                        if (y < 0 || y >= s.y.in || c < 0 || c >= s.x.in)
                            continue;
                        nn_real v = x[(p * s.y.in + y) * s.x.in + c];
                        *out = !any || v > *out || v != v ? v : *out;
                        any = true;
                    }
            }
}

static size_t max_saved(const nn_node *node, int64_t rows)
{
    return (size_t)(rows * nn_shape_row(node->shape)) * sizeof(int32_t);
}

const nn_op nn_op_max_pool2d = {
    .name = "max_pool2d",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = pool_shape,
    .saved = max_saved,
    .scratch = max_scratch,
    .forward = max_forward,
    .backward = max_backward,
    .reference = max_reference,
};

nn_node *nn_max_pool2d(nn_graph *graph, nn_node *x, nn_pool_args args)
{
    return nn_node_new(graph, &nn_op_max_pool2d, &x, 1, &args, sizeof args);
}

/* --- average_pool2d ------------------------------------------------------------------------ */

/* One over the cells a window counts along one axis, whose padding ends at `end`. */
static inline nn_real average_share(const pool_sizes *s, const nn_axis *axis, int64_t end,
                                    int64_t o)
{
    int64_t low = o * axis->stride - axis->pad, high = low + axis->kernel;
    int64_t first = s->count_pad ? -axis->pad : 0, limit = s->count_pad ? end : axis->in;
    low = low > first ? low : first;
    high = high < limit ? high : limit;
    return 1 / (nn_real)(high - low);
}

/* Shares of the columns, and the gradients of one plane of windows. */
static size_t average_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)((node->shape.dim[2] + 1) * node->shape.dim[3]) * sizeof(nn_real);
}

static inline void add_strided(nn_real *restrict sum, const nn_real *restrict x, int64_t stride,
                               int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += x[i * stride];
}

static inline void spread_strided(nn_real *restrict to, const nn_real *restrict sent,
                                  int64_t stride, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i * stride] += sent[i];
}

/* One plane: the sums of the taps, divided. */
NN_KERNEL static void average_plane(const pool_sizes *s, const nn_real *x, const nn_real *share,
                                    nn_real *out)
{
    int64_t width = s->x.out, y0, y1, x0, x1;
    memset(out, 0, (size_t)(s->y.out * width) * sizeof *out);
    for (int64_t ky = 0; ky < s->y.kernel; ky++)
        for (int64_t kx = 0; kx < s->x.kernel; kx++) {
            nn_axis_range(&s->y, ky, &y0, &y1);
            nn_axis_range(&s->x, kx, &x0, &x1);
            const nn_real *from = x + nn_axis_cell(&s->x, x0, kx);
            for (int64_t oy = y0; oy < y1; oy++)
                WITH_STRIDE(s->x.stride, add_strided(out + oy * width + x0,
                                                     from + nn_axis_cell(&s->y, oy, ky) * s->x.in,
                                                     step, x1 - x0));
        }
    for (int64_t oy = 0; oy < s->y.out; oy++) {
        nn_real row_share = average_share(s, &s->y, s->end_y, oy);
        for (int64_t ox = 0; ox < width; ox++)
            out[oy * width + ox] *= share[ox] * row_share;
    }
}

/* Adds what one plane of windows sends back; `sent` has room for their gradients. */
NN_KERNEL static void average_plane_back(const pool_sizes *s, nn_real *dx, const nn_real *share,
                                         nn_real *sent, const nn_real *dy)
{
    int64_t width = s->x.out, y0, y1, x0, x1;
    for (int64_t oy = 0; oy < s->y.out; oy++) {
        nn_real row_share = average_share(s, &s->y, s->end_y, oy);
        for (int64_t ox = 0; ox < width; ox++)
            sent[oy * width + ox] = dy[oy * width + ox] * share[ox] * row_share;
    }
    for (int64_t ky = 0; ky < s->y.kernel; ky++)
        for (int64_t kx = 0; kx < s->x.kernel; kx++) {
            nn_axis_range(&s->y, ky, &y0, &y1);
            nn_axis_range(&s->x, kx, &x0, &x1);
            nn_real *to = dx + nn_axis_cell(&s->x, x0, kx);
            for (int64_t oy = y0; oy < y1; oy++)
                WITH_STRIDE(s->x.stride, spread_strided(to + nn_axis_cell(&s->y, oy, ky) * s->x.in,
                                                        sent + oy * width + x0, step, x1 - x0));
        }
}

/* One window over the whole plane. */
static bool pool_is_global(const pool_sizes *s)
{
    return s->y.out == 1 && s->x.out == 1 && s->y.kernel == s->y.in && s->x.kernel == s->x.in &&
           s->y.pad == 0 && s->x.pad == 0;
}

static void average_forward(const nn_ctx *ctx)
{
    pool_sizes s = pool_sizes_in(ctx);
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out, *share = ctx->scratch;
    if (pool_is_global(&s)) {
        nn_average_planes(x, s.planes, s.y.in * s.x.in, out);
        return;
    }
    for (int64_t ox = 0; ox < s.x.out; ox++)
        share[ox] = average_share(&s, &s.x, s.end_x, ox);
    for (int64_t p = 0; p < s.planes; p++, x += s.y.in * s.x.in, out += s.y.out * s.x.out)
        average_plane(&s, x, share, out);
}

static void average_backward(const nn_ctx *ctx)
{
    pool_sizes s = pool_sizes_in(ctx);
    const nn_real *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0], *share = ctx->scratch, *sent = share + s.x.out;
    int64_t plane = s.y.in * s.x.in;
    if (pool_is_global(&s)) {
        nn_spread_planes(dy, s.planes, plane, ctx->beta[0] != 0, dx);
        return;
    }
    for (int64_t ox = 0; ox < s.x.out; ox++)
        share[ox] = average_share(&s, &s.x, s.end_x, ox);
    for (int64_t p = 0; p < s.planes; p++, dx += plane, dy += s.y.out * s.x.out) {
        if (ctx->beta[0] == 0)
            memset(dx, 0, (size_t)plane * sizeof *dx);
        average_plane_back(&s, dx, share, sent, dy);
    }
}

static void average_reference(const nn_ctx *ctx)
{
    pool_sizes s = pool_sizes_in(ctx);
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    for (int64_t p = 0; p < s.planes; p++)
        for (int64_t oy = 0; oy < s.y.out; oy++)
            for (int64_t ox = 0; ox < s.x.out; ox++) {
                double sum = 0, cells = 0;
                for (int64_t ky = 0; ky < s.y.kernel; ky++)
                    for (int64_t kx = 0; kx < s.x.kernel; kx++) {
                        int64_t y = oy * s.y.stride - s.y.pad + ky;
                        int64_t c = ox * s.x.stride - s.x.pad + kx;
                        bool real = y >= 0 && y < s.y.in && c >= 0 && c < s.x.in;
                        sum += real ? (double)x[(p * s.y.in + y) * s.x.in + c] : 0;
                        cells += real || (s.count_pad && y < s.end_y && c < s.end_x);
                    }
                *out++ = (nn_real)(sum / cells);
            }
}

static nn_status average_shape(nn_node *node, nn_error *error)
{
    const nn_pool_args *args = (const void *)node->args;
    if (args->dilation[0] > 1 || args->dilation[1] > 1)
        return nn_refuse(node, error, NN_E_ARG, "dilation %dx%d: average windows have none",
                         args->dilation[0], args->dilation[1]);
    return pool_shape(node, error);
}

const nn_op nn_op_average_pool2d = {
    .name = "average_pool2d",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = average_shape,
    .scratch = average_scratch,
    .forward = average_forward,
    .backward = average_backward,
    .reference = average_reference,
};

nn_node *nn_average_pool2d(nn_graph *graph, nn_node *x, nn_pool_args args)
{
    return nn_node_new(graph, &nn_op_average_pool2d, &x, 1, &args, sizeof args);
}
