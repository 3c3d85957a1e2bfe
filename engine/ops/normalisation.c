/* batch_norm (Ioffe and Szegedy 2015): y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per
 * feature of (n,f) or per channel of (n,c,...).
 *
 * Training takes mean and variance (divisor m) of the whole batch: every shard leaves (count, mean,
 * M2) per channel, and all merge them in shard order (Chan, Golub, LeVeque 1979), so the result
 * does not depend on the cut. The running statistics move by shard 0 alone:
 *     running = momentum running + (1 - momentum) batch,
 * with the unbiased variance (divisor m - 1), as in PyTorch, unless the arguments ask for the
 * biased one; a batch with one value a channel has no unbiased variance and leaves the running one
 * alone. Evaluation uses the running ones. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>

enum { X, GAMMA, BETA, MEAN, VARIANCE };

typedef struct {
    int64_t rows, channels, cells; /* cells of one channel of one example */
    double epsilon, momentum;
} norm_sizes;

static norm_sizes norm_sizes_of(const nn_ctx *ctx)
{
    const nn_batch_norm_args *args = (const void *)ctx->node->args;
    nn_shape shape = ctx->node->shape;
    int64_t channels = shape.dim[1];
    return (norm_sizes){nn_rows(ctx), channels, nn_shape_row(shape) / channels, args->epsilon,
                        args->momentum};
}

static double chosen(double given, double usual)
{
    return given == 0 ? usual : given == NN_NONE ? 0 : given;
}

static nn_status norm_shape(nn_node *node, nn_error *error)
{
    static const char *const part[] = {"input", "scale", "shift", "running mean",
                                       "running variance"};
    nn_batch_norm_args *args = (void *)node->args;
    args->epsilon = chosen(args->epsilon, 1e-5);
    args->momentum = chosen(args->momentum, 0.9);
    if (!(args->epsilon >= 0 && args->epsilon < 1))
        return nn_refuse(node, error, NN_E_ARG,
                         "epsilon %g: expected 0 (NN_NONE) to below 1, such as 1e-5",
                         args->epsilon);
    if (!(args->momentum >= 0 && args->momentum <= 1))
        return nn_refuse(node, error, NN_E_ARG,
                         "momentum %g: expected 0 (NN_NONE) to 1, such as 0.9", args->momentum);
    nn_status status = nn_expect_activation(node, X, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape one_each = nn_shape1(node->input[X]->shape.dim[1]);
    for (int i = GAMMA; i <= VARIANCE && !status; i++)
        status = nn_expect_parameter(node, i, part[i], one_each, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[X]), error);
}

/* A shard's partials: how many values a channel has, then the channels' means, then their M2; in
 * backward unused, the sums of dy, the sums of dy * normalised x. */
static int64_t norm_partials(const nn_node *node)
{
    return 1 + 2 * node->shape.dim[1];
}

/* The statistics in force, one a channel, in scratch (whose fourth part backward uses). */
typedef struct {
    double *mean, *inverse; /* inverse = 1 / sqrt(variance + epsilon) */
    double *variance;       /* with divisor m */
    double count;           /* m: values a channel has in the whole batch */
} norm_statistics;

static size_t norm_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)(4 * node->shape.dim[1]) * sizeof(double);
}

/* --- sums ---------------------------------------------------------------------------------- */

enum { LANES = 16 }; /* partial sums side by side: a fixed order that vector code can keep */

static inline double add_lanes(const nn_real *lane)
{
    double sum = 0;
    for (int l = 0; l < LANES; l++)
        sum += (double)lane[l];
    return sum;
}

/* The sum of one channel of one example. Lanes in nn_real add few numbers each; what comes from
 * many examples is added in double. */
static inline double sum_cells(const nn_real *x, int64_t count)
{
    nn_real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[i + l];
    for (int l = 0; i + l < count; l++)
        lane[l] += x[i + l];
    return add_lanes(lane);
}

/* The sum of the squared distances from `around`. Squares beyond the range of nn_real are summed
 * again in double: numbers that explode must stay visible, and an infinite variance hides them. */
static inline double sum_squares(const nn_real *x, int64_t count, nn_real around)
{
    nn_real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += (x[i + l] - around) * (x[i + l] - around);
    for (int l = 0; i + l < count; l++)
        lane[l] += (x[i + l] - around) * (x[i + l] - around);
    double sum = add_lanes(lane);
    if (sum < HUGE_VAL)
        return sum;
    sum = 0;
    for (i = 0; i < count; i++)
        sum += ((double)x[i] - (double)around) * ((double)x[i] - (double)around);
    return sum;
}

/* Mean and M2 of features: run along them, once for each. */
NN_KERNEL static void feature_moments(norm_sizes s, const nn_real *x, double *mean, double *m2)
{
    for (int64_t r = 0; r < s.rows; r++)
        for (int64_t c = 0; c < s.channels; c++)
            mean[c] += (double)x[r * s.channels + c];
    for (int64_t c = 0; c < s.channels; c++)
        mean[c] /= s.rows > 0 ? (double)s.rows : 1;
    for (int64_t r = 0; r < s.rows; r++)
        for (int64_t c = 0; c < s.channels; c++) {
            double d = (double)x[r * s.channels + c] - mean[c];
            m2[c] += d * d;
        }
}

/* Those of channels: of one plane while it is in the cache, then merged with those before it. */
NN_KERNEL static void channel_moments(norm_sizes s, const nn_real *x, double *mean, double *m2)
{
    double cells = (double)s.cells;
    for (int64_t r = 0; r < s.rows; r++) {
        double before = (double)r, share = 1 / (before + 1);
        for (int64_t c = 0; c < s.channels; c++, x += s.cells) {
            double own = sum_cells(x, s.cells) / cells, delta = own - mean[c];
            nn_real around = (nn_real)own;
            double off = own - (double)around; /* what rounding took from the mean */
            m2[c] += sum_squares(x, s.cells, around) - cells * off * off +
                     delta * delta * cells * before * share;
            mean[c] += delta * share;
        }
    }
}

/* --- forward ------------------------------------------------------------------------------- */

static void norm_forward_partial(const nn_ctx *ctx)
{
    norm_sizes s = norm_sizes_of(ctx);
    double *partial = ctx->partial + ctx->shard * ctx->partial_count;
    double *mean = partial + 1, *m2 = mean + s.channels;
    if (!ctx->training)
        return;
    partial[0] = (double)(s.rows * s.cells);
    for (int64_t c = 0; c < s.channels; c++)
        mean[c] = m2[c] = 0;
    if (s.cells == 1)
        feature_moments(s, ctx->in[X], mean, m2);
    else
        channel_moments(s, ctx->in[X], mean, m2);
}

/* Mean and M2 of the whole batch from those of the shards. */
static void merge_shards(const nn_ctx *ctx, int64_t channels, norm_statistics *total)
{
    total->count = 0;
    for (int64_t c = 0; c < channels; c++)
        total->mean[c] = total->variance[c] = 0;
    for (int shard = 0; shard < ctx->shards; shard++) {
        const double *partial = ctx->partial + shard * ctx->partial_count;
        double count = partial[0], before = total->count;
        if (count == 0)
            continue;
        total->count = before + count;
        for (int64_t c = 0; c < channels; c++) {
            double delta = partial[1 + c] - total->mean[c];
            total->mean[c] += delta * (count / total->count);
            total->variance[c] +=
                partial[1 + channels + c] + delta * delta * (before * count / total->count);
        }
    }
    for (int64_t c = 0; c < channels; c++)
        total->variance[c] /= total->count > 0 ? total->count : 1;
}

static norm_statistics norm_statistics_of(const nn_ctx *ctx, norm_sizes s)
{
    double *scratch = ctx->scratch;
    norm_statistics now = {scratch, scratch + s.channels, scratch + 2 * s.channels, 0};
    const nn_real *running_mean = ctx->in[MEAN], *running_variance = ctx->in[VARIANCE];
    if (ctx->training)
        merge_shards(ctx, s.channels, &now);
    else
        for (int64_t c = 0; c < s.channels; c++) {
            now.mean[c] = (double)running_mean[c];
            now.variance[c] = (double)running_variance[c];
        }
    for (int64_t c = 0; c < s.channels; c++)
        now.inverse[c] = 1 / sqrt(now.variance[c] + s.epsilon);
    return now;
}

static void move_running(const nn_ctx *ctx, norm_sizes s, norm_statistics now)
{
    nn_real *mean = ctx->in[MEAN], *variance = ctx->in[VARIANCE];
    bool biased = ((const nn_batch_norm_args *)(const void *)ctx->node->args)->biased;
    double correction = biased ? 1 : now.count / (now.count - 1);
    for (int64_t c = 0; c < s.channels; c++) {
        mean[c] = (nn_real)(s.momentum * (double)mean[c] + (1 - s.momentum) * now.mean[c]);
        if (biased || now.count > 1)
            variance[c] = (nn_real)(s.momentum * (double)variance[c] +
                                    (1 - s.momentum) * now.variance[c] * correction);
    }
}

/* out = (x - mean) * scale + shift. */
NN_KERNEL static void norm_rows(const nn_ctx *ctx, norm_sizes s, norm_statistics now)
{
    const nn_real *x = ctx->in[X], *gamma = ctx->in[GAMMA], *beta = ctx->in[BETA];
    nn_real *out = ctx->out;
    for (int64_t r = 0; r < s.rows; r++)
        for (int64_t c = 0; c < s.channels; c++, x += s.cells, out += s.cells) {
            nn_real mean = (nn_real)now.mean[c], shift = beta[c];
            nn_real scale = (nn_real)((double)gamma[c] * now.inverse[c]);
            NN_INDEPENDENT
            for (int64_t i = 0; i < s.cells; i++)
                out[i] = (x[i] - mean) * scale + shift;
        }
}

static void norm_forward(const nn_ctx *ctx)
{
    norm_sizes s = norm_sizes_of(ctx);
    norm_statistics now = norm_statistics_of(ctx, s);
    norm_rows(ctx, s, now);
    if (ctx->training && ctx->shard == 0)
        move_running(ctx, s, now);
}

/* --- backward ------------------------------------------------------------------------------ */

static double *backward_partials(const nn_ctx *ctx, int shard)
{
    return ctx->partial + (ctx->shards + shard) * ctx->partial_count + 1;
}

/* The sum of dy (x - mean), of one channel of one example. A loop of its own: two sums in one are
 * more than compilers keep in vectors, and the numbers are in the nearest cache. */
static inline double sum_products(const nn_real *x, const nn_real *dy, int64_t count, nn_real mean)
{
    nn_real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += dy[i + l] * (x[i + l] - mean);
    for (int l = 0; i + l < count; l++)
        lane[l] += dy[i + l] * (x[i + l] - mean);
    return add_lanes(lane);
}

NN_KERNEL static void norm_sum_gradients(const nn_ctx *ctx, norm_sizes s, norm_statistics now,
                                         double *sum, double *product)
{
    const nn_real *x = ctx->in[X], *dy = ctx->grad_out;
    for (int64_t c = 0; c < 2 * s.channels; c++)
        sum[c] = 0; /* `product` lies right behind `sum` */
    for (int64_t r = 0; r < s.rows; r++) {
        if (s.cells == 1) { /* features: run along them */
            for (int64_t c = 0; c < s.channels; c++) {
                sum[c] += (double)dy[c];
                product[c] += (double)dy[c] * ((double)x[c] - now.mean[c]);
            }
        } else {
            for (int64_t c = 0; c < s.channels; c++) {
                const nn_real *plane = dy + c * s.cells;
                sum[c] += sum_cells(plane, s.cells);
                product[c] += sum_products(x + c * s.cells, plane, s.cells, (nn_real)now.mean[c]);
            }
        }
        x += s.channels * s.cells;
        dy += s.channels * s.cells;
    }
    for (int64_t c = 0; c < s.channels; c++)
        product[c] *= now.inverse[c];
}

static void norm_backward_partial(const nn_ctx *ctx)
{
    norm_sizes s = norm_sizes_of(ctx);
    double *sum = backward_partials(ctx, ctx->shard);
    norm_sum_gradients(ctx, s, norm_statistics_of(ctx, s), sum, sum + s.channels);
}

/* dx = gamma inverse (dy - mean(dy) - normalised * mean(dy * normalised)) where the statistics come
 * from this batch, gamma inverse dy where they are constants. */
NN_KERNEL static void norm_backward_rows(const nn_ctx *ctx, norm_sizes s, norm_statistics now,
                                         const double *sum, const double *product)
{
    const nn_real *x = ctx->in[X], *gamma = ctx->in[GAMMA], *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[X];
    double m = ctx->training ? now.count : INFINITY;
    for (int64_t r = 0; r < s.rows; r++)
        for (int64_t c = 0; c < s.channels; c++, x += s.cells, dy += s.cells, dx += s.cells) {
            nn_real scale = (nn_real)((double)gamma[c] * now.inverse[c]);
            nn_real mean = (nn_real)now.mean[c], constant = (nn_real)(sum[c] / m);
            nn_real slope = (nn_real)(product[c] / m * now.inverse[c]);
            NN_GIVE(dx, ctx->beta[X] != 0, s.cells,
                    scale * (dy[i] - constant - (x[i] - mean) * slope));
        }
}

static void norm_backward(const nn_ctx *ctx)
{
    norm_sizes s = norm_sizes_of(ctx);
    norm_statistics now = norm_statistics_of(ctx, s);
    const double *own = backward_partials(ctx, ctx->shard);
    nn_real *dgamma = ctx->grad_in[GAMMA], *dbeta = ctx->grad_in[BETA];
    for (int64_t c = 0; c < s.channels; c++) {
        if (dgamma)
            dgamma[c] = (ctx->beta[GAMMA] != 0 ? dgamma[c] : 0) + (nn_real)own[s.channels + c];
        if (dbeta)
            dbeta[c] = (ctx->beta[BETA] != 0 ? dbeta[c] : 0) + (nn_real)own[c];
    }
    if (!ctx->grad_in[X])
        return;
    double *sum = now.variance; /* no longer needed */
    double *product = ctx->scratch;
    product += 3 * s.channels;
    for (int64_t c = 0; c < s.channels; c++)
        sum[c] = product[c] = 0;
    for (int shard = 0; shard < ctx->shards; shard++)
        for (int64_t c = 0; c < s.channels; c++) {
            sum[c] += backward_partials(ctx, shard)[c];
            product[c] += backward_partials(ctx, shard)[s.channels + c];
        }
    norm_backward_rows(ctx, s, now, sum, product);
}

static void norm_reference(const nn_ctx *ctx)
{
    norm_sizes s = norm_sizes_of(ctx);
    const nn_real *x = ctx->in[X], *gamma = ctx->in[GAMMA], *beta = ctx->in[BETA];
    const nn_real *running_mean = ctx->in[MEAN], *running_variance = ctx->in[VARIANCE];
    for (int64_t c = 0; c < s.channels; c++) {
        double count = (double)(s.rows * s.cells), mean = 0, variance = 0;
        for (int64_t i = 0; i < s.rows * s.cells; i++)
            mean += (double)x[(i / s.cells * s.channels + c) * s.cells + i % s.cells] / count;
        for (int64_t i = 0; i < s.rows * s.cells; i++) {
            double d = (double)x[(i / s.cells * s.channels + c) * s.cells + i % s.cells] - mean;
            variance += d * d / count;
        }
        if (!ctx->training) {
            mean = (double)running_mean[c];
            variance = (double)running_variance[c];
        }
        for (int64_t i = 0; i < s.rows * s.cells; i++) {
            int64_t at = (i / s.cells * s.channels + c) * s.cells + i % s.cells;
            ctx->out[at] =
                (nn_real)((double)gamma[c] * ((double)x[at] - mean) / sqrt(variance + s.epsilon) +
                          (double)beta[c]);
        }
    }
}

const nn_op nn_op_batch_norm = {
    .name = "batch_norm",
    .min_inputs = 5,
    .max_inputs = 5,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << X | 1u << GAMMA | 1u << MEAN | 1u << VARIANCE,
    .shape = norm_shape,
    .scratch = norm_scratch,
    .forward = norm_forward,
    .backward = norm_backward,
    .reference = norm_reference,
    .partials = norm_partials,
    .forward_partial = norm_forward_partial,
    .backward_partial = norm_backward_partial,
};

nn_node *nn_batch_norm(nn_graph *graph, nn_node *x, nn_node *gamma, nn_node *beta, nn_node *mean,
                       nn_node *variance, nn_batch_norm_args args)
{
    return nn_node_new(graph, &nn_op_batch_norm, (nn_node *[]){x, gamma, beta, mean, variance}, 5,
                       &args, sizeof args);
}
