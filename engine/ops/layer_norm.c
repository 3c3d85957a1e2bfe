/* layer_norm (Ba, Kiros, Hinton 2016): y = gamma (x - mean) / sqrt(variance + epsilon) + beta over
 * the last axes of each example, variance with divisor m (ONNX LayerNormalization). Mean and
 * inverse deviation are kept for backward; statistics and the sums over rows are added up in
 * double. */
#include "engine/attention.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>

enum { X, GAMMA, BETA };

static const nn_layer_norm_args *args_of(const nn_node *node)
{
    return (const void *)node->args;
}

/* The axes that are normalised; `axis` is below 0 once the shape rule has run. */
static nn_shape normalised(const nn_node *node)
{
    nn_shape shape = node->input[X]->shape;
    int axes = -args_of(node)->axis;
    return nn_shape_of(axes, shape.dim + shape.rank - axes);
}

static nn_status layer_norm_shape(nn_node *node, nn_error *error)
{
    nn_layer_norm_args *args = (void *)node->args;
    nn_status status = nn_expect_activation(node, X, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    int rank = node->input[X]->shape.rank, axis = args->axis == 0 ? -1 : args->axis;
    args->epsilon = args->epsilon == 0 ? 1e-5 : args->epsilon;
    if (!(args->epsilon > 0 && args->epsilon < 1))
        return nn_refuse(node, error, NN_E_ARG, "epsilon %g: expected above 0, such as 1e-5",
                         args->epsilon);
    if (axis >= rank || axis <= -rank)
        return nn_refuse(node, error, NN_E_ARG,
                         "axis %d of '%s': expected %d to %d or -1 to -%d (0 is the batch)", axis,
                         node->input[X]->name, 1, rank - 1, rank - 1);
    args->axis = axis > 0 ? axis - rank : axis;
    status = nn_expect_parameter(node, GAMMA, "scale", normalised(node), error);
    if (!status && node->input[BETA])
        status = nn_expect_parameter(node, BETA, "shift", normalised(node), error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[X]), error);
}

typedef struct {
    int64_t rows, width;
    double epsilon;
} sizes;

static sizes sizes_of(const nn_ctx *ctx)
{
    int64_t width = nn_shape_count(normalised(ctx->node));
    return (sizes){nn_elements(ctx, X) / width, width, args_of(ctx->node)->epsilon};
}

/* Of each row, the mean and the inverse deviation. */
static size_t layer_norm_saved(const nn_node *node, int64_t rows)
{
    int64_t each = nn_shape_row(node->shape) / nn_shape_count(normalised(node));
    return (size_t)(2 * each * rows) * sizeof(double);
}

/* The gradients of scale and shift, in double. */
static size_t layer_norm_scratch(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)(2 * nn_shape_count(normalised(node))) * sizeof(double);
}

enum { LANES = 16 }; /* partial sums side by side, in an order that vector code can keep */

static inline double add_lanes(const double *lane)
{
    double sum = 0;
    for (int l = 0; l < LANES / 2; l++)
        sum += lane[l] + lane[l + LANES / 2];
    return sum;
}

/* The sum of x, or with `square` of (x - around)^2. */
static inline double sum_of(const nn_real *x, int64_t count, bool square, double around)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double d = (double)x[i + l] - around;
            lane[l] += square ? d * d : d;
        }
    for (; i < count; i++) {
        double d = (double)x[i] - around;
        lane[i % LANES] += square ? d * d : d;
    }
    return add_lanes(lane);
}

NN_KERNEL static void forward_rows(sizes s, const nn_real *x, const nn_real *gamma,
                                   const nn_real *beta, double *saved, nn_real *out)
{
    for (int64_t r = 0; r < s.rows; r++, x += s.width, out += s.width) {
        double mean = sum_of(x, s.width, false, 0) / (double)s.width;
        double variance = sum_of(x, s.width, true, mean) / (double)s.width;
        double inverse = 1 / sqrt(variance + s.epsilon);
        nn_real center = (nn_real)mean, scale = (nn_real)inverse;
        saved[2 * r] = mean;
        saved[2 * r + 1] = inverse;
        if (beta) {
            NN_INDEPENDENT
            for (int64_t i = 0; i < s.width; i++)
                out[i] = (x[i] - center) * scale * gamma[i] + beta[i];
        } else {
            NN_INDEPENDENT
            for (int64_t i = 0; i < s.width; i++)
                out[i] = (x[i] - center) * scale * gamma[i];
        }
    }
}

static void layer_norm_forward(const nn_ctx *ctx)
{
    forward_rows(sizes_of(ctx), ctx->in[X], ctx->in[GAMMA], ctx->in[BETA], ctx->saved, ctx->out);
}

/* With n = (x - mean) inverse and g = dy gamma:
 * dx = inverse (g - mean(g) - n mean(g n)); dgamma = sum of dy n, dbeta = sum of dy. */
NN_KERNEL static void give_x(sizes s, const nn_real *x, const nn_real *gamma, const double *saved,
                             const nn_real *dy, bool add, nn_real *dx)
{
    for (int64_t r = 0; r < s.rows; r++, x += s.width, dy += s.width, dx += s.width) {
        double lane[LANES] = {0}, cross[LANES] = {0}, mean = saved[2 * r];
        double inverse = saved[2 * r + 1];
        int64_t k = 0;
        for (; k + LANES <= s.width; k += LANES)
            for (int l = 0; l < LANES; l++) {
                double g = (double)(dy[k + l] * gamma[k + l]);
                lane[l] += g;
                cross[l] += g * ((double)x[k + l] - mean);
            }
        for (; k < s.width; k++) {
            double g = (double)(dy[k] * gamma[k]);
            lane[k % LANES] += g;
            cross[k % LANES] += g * ((double)x[k] - mean);
        }
        double m = (double)s.width;
        nn_real center = (nn_real)mean, scale = (nn_real)inverse;
        nn_real constant = (nn_real)(add_lanes(lane) / m);
        nn_real slope = (nn_real)(add_lanes(cross) / m * inverse * inverse);
        NN_GIVE(dx, add, s.width, scale * (dy[i] * gamma[i] - constant - (x[i] - center) * slope));
    }
}

NN_KERNEL static void sum_parameters(sizes s, const nn_real *x, const double *saved,
                                     const nn_real *dy, double *restrict dgamma,
                                     double *restrict dbeta)
{
    for (int64_t i = 0; i < s.width; i++)
        dgamma[i] = dbeta[i] = 0;
    for (int64_t r = 0; r < s.rows; r++, x += s.width, dy += s.width) {
        nn_real mean = (nn_real)saved[2 * r], inverse = (nn_real)saved[2 * r + 1];
        for (int64_t i = 0; i < s.width; i++) {
            dgamma[i] += (double)(dy[i] * ((x[i] - mean) * inverse));
            dbeta[i] += (double)dy[i];
        }
    }
}

static void layer_norm_backward(const nn_ctx *ctx)
{
    sizes s = sizes_of(ctx);
    nn_real *dx = ctx->grad_in[X], *dgamma = ctx->grad_in[GAMMA], *dbeta = ctx->grad_in[BETA];
    double *sum = ctx->scratch;
    if (dx)
        give_x(s, ctx->in[X], ctx->in[GAMMA], ctx->saved, ctx->grad_out, ctx->beta[X] != 0, dx);
    if (!dgamma && !dbeta)
        return;
    sum_parameters(s, ctx->in[X], ctx->saved, ctx->grad_out, sum, sum + s.width);
    if (dgamma)
        NN_GIVE(dgamma, ctx->beta[GAMMA] != 0, s.width, (nn_real)sum[i]);
    if (dbeta)
        NN_GIVE(dbeta, ctx->beta[BETA] != 0, s.width, (nn_real)sum[s.width + i]);
}

static void layer_norm_reference(const nn_ctx *ctx)
{
    sizes s = sizes_of(ctx);
    const nn_real *x = ctx->in[X], *gamma = ctx->in[GAMMA], *beta = ctx->in[BETA];
    for (int64_t r = 0; r < s.rows; r++) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < s.width; i++)
            mean += (double)x[r * s.width + i] / (double)s.width;
        for (int64_t i = 0; i < s.width; i++) {
            double d = (double)x[r * s.width + i] - mean;
            variance += d * d / (double)s.width;
        }
        for (int64_t i = 0; i < s.width; i++) {
            double n = ((double)x[r * s.width + i] - mean) / sqrt(variance + s.epsilon);
            ctx->out[r * s.width + i] =
                (nn_real)(n * (double)gamma[i] + (beta ? (double)beta[i] : 0));
        }
    }
}

const nn_op nn_op_layer_norm = {
    .name = "layer_norm",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << X | 1u << GAMMA,
    .shape = layer_norm_shape,
    .saved = layer_norm_saved,
    .scratch = layer_norm_scratch,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .reference = layer_norm_reference,
};

nn_node *nn_layer_norm(nn_graph *graph, nn_node *x, nn_node *gamma, nn_node *beta,
                       nn_layer_norm_args args)
{
    return nn_node_new(graph, &nn_op_layer_norm, (nn_node *[]){x, gamma, beta}, 3, &args,
                       sizeof args);
}
