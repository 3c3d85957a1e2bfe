/* softmax: e^x / sum e^x along one axis, and its logarithm (chapter 7). The greatest number is
 * taken off first, so that nothing overflows.
 *
 * An axis of `length` entries stands between `outer` things before it and `inner` ones behind it.
 */
#include "engine/elementwise.h"

#include "engine/mathf.h"
#include "engine/ops/pointwise.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 2048, /* numbers that stay in the nearest cache over all passes */
    COLUMNS = 64  /* of a middle axis, side by side */
};

typedef struct {
    int64_t outer, length, inner;
} extent;

static int axis_of(const nn_node *node)
{
    int axis;
    memcpy(&axis, node->args, sizeof axis);
    return axis;
}

static extent extent_of(const nn_ctx *ctx)
{
    nn_shape shape = nn_sample_of(ctx->node);
    int axis = axis_of(ctx->node);
    extent e = {nn_rows(ctx), shape.dim[axis], 1};
    for (int d = 0; d < shape.rank; d++) {
        e.outer *= d < axis ? shape.dim[d] : 1;
        e.inner *= d > axis ? shape.dim[d] : 1;
    }
    return e;
}

static nn_status softmax_shape(nn_node *node, nn_error *error)
{
    int axis = axis_of(node);
    char text[NN_SHAPE_TEXT];
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape shape = nn_sample_of(node->input[0]);
    if (axis < 0 || axis >= shape.rank)
        return nn_refuse(node, error, NN_E_ARG, "axis %d: an example of '%s' is %s", axis,
                         node->input[0]->name, nn_shape_text(shape, text));
    return nn_set_activation(node, shape, error);
}

/* --- sums and maxima of one line, in interleaved lanes, which vectorise ------------------------
 */

NN_INLINE nn_real greatest(const nn_real *x, int64_t count)
{
    nn_real lane[NN_LANES], most = x[0];
    int64_t whole = count - count % NN_LANES;
    for (int k = 0; k < NN_LANES; k++)
        lane[k] = x[0];
    for (int64_t i = 0; i < whole; i += NN_LANES)
        for (int k = 0; k < NN_LANES; k++)
            lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
    for (int64_t i = whole; i < count; i++)
        most = x[i] > most ? x[i] : most;
    for (int k = 0; k < NN_LANES && whole > 0; k++)
        most = lane[k] > most ? lane[k] : most;
    return most;
}

NN_INLINE nn_real total(const nn_real *x, int64_t count)
{
    nn_real lane[NN_LANES] = {0}, sum = 0;
    int64_t whole = count - count % NN_LANES;
    for (int64_t i = 0; i < whole; i += NN_LANES)
        for (int k = 0; k < NN_LANES; k++)
            lane[k] += x[i + k];
    for (int64_t i = whole; i < count; i++)
        sum += x[i];
    for (int k = 0; k < NN_LANES && whole > 0; k++)
        sum += lane[k];
    return sum;
}

NN_INLINE nn_real product_total(const nn_real *x, const nn_real *y, int64_t count)
{
    nn_real lane[NN_LANES] = {0}, sum = 0;
    int64_t whole = count - count % NN_LANES;
    for (int64_t i = 0; i < whole; i += NN_LANES)
        for (int k = 0; k < NN_LANES; k++)
            lane[k] += x[i + k] * y[i + k];
    for (int64_t i = whole; i < count; i++)
        sum += x[i] * y[i];
    for (int k = 0; k < NN_LANES && whole > 0; k++)
        sum += lane[k];
    return sum;
}

/* --- forward -----------------------------------------------------------------------------------
 */

NN_INLINE void exponentials(const nn_real *x, nn_real *out, int64_t count)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = nn_exp(x[i]);
}

NN_INLINE void shift(const nn_real *x, nn_real *out, int64_t count, nn_real by)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = x[i] - by;
}

/* Lines of the last axis, so many at once that one loop over all of them takes the exponentials:
 * lines may be shorter than a vector. */
NN_KERNEL static void softmax_lines(const nn_real *x, nn_real *out, int64_t lines, int64_t length)
{
    int64_t group = length < BLOCK ? BLOCK / length : 1;
    for (int64_t first = 0; first < lines; first += group) {
        int64_t count = lines - first < group ? lines - first : group;
        const nn_real *from = x + first * length;
        nn_real *to = out + first * length;
        for (int64_t r = 0; r < count; r++, from += length)
            shift(from, to + r * length, length, greatest(from, length));
        exponentials(to, to, count * length);
        for (int64_t r = 0; r < count; r++, to += length) {
            nn_real share = 1 / total(to, length);
            NN_INDEPENDENT
            for (int64_t i = 0; i < length; i++)
                to[i] *= share;
        }
    }
}

NN_KERNEL static void log_softmax_lines(const nn_real *x, nn_real *out, int64_t lines,
                                        int64_t length)
{
    nn_real power[BLOCK];
    for (int64_t r = 0; r < lines; r++, x += length, out += length) {
        nn_real sum = 0;
        shift(x, out, length, greatest(x, length));
        for (int64_t first = 0; first < length; first += BLOCK) {
            int64_t count = length - first < BLOCK ? length - first : BLOCK;
            exponentials(out + first, power, count);
            sum += total(power, count);
        }
        shift(out, out, length, nn_log(sum));
    }
}

/* Up to COLUMNS neighbours that lie behind a middle axis. */
NN_KERNEL static void softmax_columns(const nn_real *x, nn_real *out, extent e, int64_t columns,
                                      bool logarithm)
{
    nn_real most[COLUMNS], sum[COLUMNS] = {0};
    for (int64_t k = 0; k < columns; k++)
        most[k] = x[k];
    for (int64_t i = 1; i < e.length; i++)
        for (int64_t k = 0; k < columns; k++)
            most[k] = x[i * e.inner + k] > most[k] ? x[i * e.inner + k] : most[k];
    for (int64_t i = 0; i < e.length; i++)
        for (int64_t k = 0; k < columns; k++) {
            nn_real shifted = x[i * e.inner + k] - most[k], power = nn_exp(shifted);
            out[i * e.inner + k] = logarithm ? shifted : power;
            sum[k] += power;
        }
    for (int64_t k = 0; k < columns; k++)
        sum[k] = logarithm ? nn_log(sum[k]) : 1 / sum[k];
    for (int64_t i = 0; i < e.length; i++)
        for (int64_t k = 0; k < columns; k++) {
            nn_real *y = &out[i * e.inner + k];
            *y = logarithm ? *y - sum[k] : *y * sum[k];
        }
}

static void all_columns(const nn_ctx *ctx, extent e, bool logarithm)
{
    for (int64_t o = 0; o < e.outer; o++)
        for (int64_t k = 0; k < e.inner; k += COLUMNS) {
            int64_t at = o * e.length * e.inner + k;
            softmax_columns((const nn_real *)ctx->in[0] + at, ctx->out + at, e,
                            e.inner - k < COLUMNS ? e.inner - k : COLUMNS, logarithm);
        }
}

static void softmax_forward(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    if (e.inner == 1)
        softmax_lines(ctx->in[0], ctx->out, e.outer, e.length);
    else
        all_columns(ctx, e, false);
}

static void log_softmax_forward(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    if (e.inner == 1)
        log_softmax_lines(ctx->in[0], ctx->out, e.outer, e.length);
    else
        all_columns(ctx, e, true);
}

/* --- backward: dx = y (dy - sum(y dy)); of the logarithm dx = dy - e^y sum(dy) ------------------
 */

NN_KERNEL static void softmax_lines_back(const nn_real *y, const nn_real *dy, nn_real *dx, extent e,
                                         bool add)
{
    for (int64_t r = 0; r < e.outer; r++, y += e.length, dy += e.length, dx += e.length) {
        nn_real dot = product_total(y, dy, e.length);
        NN_GIVE(dx, add, e.length, y[i] * (dy[i] - dot));
    }
}

NN_KERNEL static void log_softmax_lines_back(const nn_real *y, const nn_real *dy, nn_real *dx,
                                             extent e, bool add)
{
    for (int64_t r = 0; r < e.outer; r++, y += e.length, dy += e.length, dx += e.length) {
        nn_real sum = total(dy, e.length);
        NN_GIVE(dx, add, e.length, dy[i] - nn_exp(y[i]) * sum);
    }
}

NN_KERNEL static void columns_back(const nn_real *y, const nn_real *dy, nn_real *dx, extent e,
                                   int64_t columns, bool logarithm, bool add)
{
    nn_real sum[COLUMNS] = {0};
    for (int64_t i = 0; i < e.length; i++)
        for (int64_t k = 0; k < columns; k++)
            sum[k] += dy[i * e.inner + k] * (logarithm ? 1 : y[i * e.inner + k]);
    for (int64_t i = 0; i < e.length; i++)
        for (int64_t k = 0; k < columns; k++) {
            int64_t at = i * e.inner + k;
            nn_real value = logarithm ? dy[at] - nn_exp(y[at]) * sum[k] : y[at] * (dy[at] - sum[k]);
            dx[at] = add ? dx[at] + value : value;
        }
}

static void all_columns_back(const nn_ctx *ctx, extent e, bool logarithm)
{
    for (int64_t o = 0; o < e.outer; o++)
        for (int64_t k = 0; k < e.inner; k += COLUMNS) {
            int64_t at = o * e.length * e.inner + k;
            columns_back(ctx->out + at, ctx->grad_out + at, ctx->grad_in[0] + at, e,
                         e.inner - k < COLUMNS ? e.inner - k : COLUMNS, logarithm,
                         ctx->beta[0] != 0);
        }
}

static void softmax_backward(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    if (e.inner == 1)
        softmax_lines_back(ctx->out, ctx->grad_out, ctx->grad_in[0], e, ctx->beta[0] != 0);
    else
        all_columns_back(ctx, e, false);
}

static void log_softmax_backward(const nn_ctx *ctx)
{
    extent e = extent_of(ctx);
    if (e.inner == 1)
        log_softmax_lines_back(ctx->out, ctx->grad_out, ctx->grad_in[0], e, ctx->beta[0] != 0);
    else
        all_columns_back(ctx, e, true);
}

/* --- references --------------------------------------------------------------------------------
 */

static void reference(const nn_ctx *ctx, bool logarithm)
{
    extent e = extent_of(ctx);
    const nn_real *x = ctx->in[0];
    for (int64_t o = 0; o < e.outer * e.inner; o++) {
        int64_t first = o / e.inner * e.length * e.inner + o % e.inner;
        double most = -HUGE_VAL, sum = 0;
        for (int64_t i = 0; i < e.length; i++)
            most = fmax(most, (double)x[first + i * e.inner]);
        for (int64_t i = 0; i < e.length; i++)
            sum += exp((double)x[first + i * e.inner] - most);
        for (int64_t i = 0; i < e.length; i++) {
            double shifted = (double)x[first + i * e.inner] - most;
            ctx->out[first + i * e.inner] =
                (nn_real)(logarithm ? shifted - log(sum) : exp(shifted) / sum);
        }
    }
}

static void softmax_reference(const nn_ctx *ctx)
{
    reference(ctx, false);
}

static void log_softmax_reference(const nn_ctx *ctx)
{
    reference(ctx, true);
}

const nn_op nn_op_softmax = {
    .name = "softmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = softmax_shape,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .reference = softmax_reference,
};

const nn_op nn_op_log_softmax = {
    .name = "log_softmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = softmax_shape,
    .forward = log_softmax_forward,
    .backward = log_softmax_backward,
    .reference = log_softmax_reference,
};

static nn_node *along(nn_graph *graph, const nn_op *op, nn_node *x, int axis)
{
    if (x && axis < 0)
        axis += nn_sample_of(x).rank;
    return nn_node_new(graph, op, &x, 1, &axis, sizeof axis);
}

nn_node *nn_softmax(nn_graph *graph, nn_node *x, int axis)
{
    return along(graph, &nn_op_softmax, x, axis);
}

nn_node *nn_log_softmax(nn_graph *graph, nn_node *x, int axis)
{
    return along(graph, &nn_op_log_softmax, x, axis);
}
