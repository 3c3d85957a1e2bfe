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

enum { LANES = 8 }; /* partial sums side by side: a fixed order that vector code can keep */

static inline double add_lanes(const double *lane)
{
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* sum of x, or with `around` of (x - around)^2. */
static inline double sum_cells(const nn_real *x, int64_t count, bool square, double around)
{
    double lane[LANES] = {0}, rest = 0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double d = (double)x[i + l] - around;
            lane[l] += square ? d * d : d;
        }
    for (; i < count; i++) {
        double d = (double)x[i] - around;
        rest += square ? d * d : d;
    }
    return add_lanes(lane) + rest;
}

/* sum[c] = over rows and cells of x, or of its squared distance from mean[c]. */
NN_KERNEL static void sum_channels(norm_sizes s, const nn_real *x, const double *mean, double *sum)
{
    for (int64_t c = 0; c < s.channels; c++)
        sum[c] = 0;
    for (int64_t r = 0; r < s.rows; r++, x += s.channels * s.cells) {
        if (s.cells == 1) /* features: run along them */
            for (int64_t c = 0; c < s.channels; c++) {
                double d = (double)x[c] - (mean ? mean[c] : 0);
                sum[c] += mean ? d * d : d;
            }
        else
            for (int64_t c = 0; c < s.channels; c++)
                sum[c] += sum_cells(x + c * s.cells, s.cells, mean != NULL, mean ? mean[c] : 0);
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
    sum_channels(s, ctx->in[X], NULL, mean);
    for (int64_t c = 0; c < s.channels; c++)
        mean[c] /= s.rows > 0 ? partial[0] : 1;
    sum_channels(s, ctx->in[X], mean, m2);
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

NN_KERNEL static void norm_sum_gradients(const nn_ctx *ctx, norm_sizes s, norm_statistics now,
                                         double *sum, double *product)
{
    const nn_real *x = ctx->in[X], *dy = ctx->grad_out;
    for (int64_t c = 0; c < 2 * s.channels; c++)
        sum[c] = 0; /* `product` lies right behind `sum` */
    for (int64_t r = 0; r < s.rows; r++)
        for (int64_t c = 0; c < s.channels; c++, x += s.cells, dy += s.cells) {
            double lane[LANES] = {0}, cross[LANES] = {0}, mean = now.mean[c];
            for (int64_t i = 0; i < s.cells; i++) {
                lane[i % LANES] += (double)dy[i];
                cross[i % LANES] += (double)dy[i] * ((double)x[i] - mean);
            }
            sum[c] += add_lanes(lane);
            product[c] += add_lanes(cross) * now.inverse[c];
        }
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
