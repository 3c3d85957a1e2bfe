/* Errors of numbers, element by element: squared, absolute, Huber. Each is a function of d = a - b,
 * so b gets the gradient of a with the other sign. */
#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static nn_status pair_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

/* --- squared_error: (a-b)^2 ---------------------------------------------------------------- */

NN_KERNEL static void squared_forward(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    nn_real *out = ctx->out;
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = (a[i] - b[i]) * (a[i] - b[i]);
}

NN_KERNEL static void squared_backward(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1], *dy = ctx->grad_out;
    int64_t count = nn_elements(ctx, 0);
    for (int k = 0; k < 2; k++) {
        nn_real *dx = ctx->grad_in[k], two = k == 0 ? 2 : -2;
        if (dx)
            NN_GIVE(dx, ctx->beta[k] != 0, count, two * dy[i] * (a[i] - b[i]));
    }
}

static void squared_reference(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = (nn_real)pow((double)a[i] - (double)b[i], 2);
}

const nn_op nn_op_squared_error = {
    .name = "squared_error",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = pair_shape,
    .forward = squared_forward,
    .backward = squared_backward,
    .reference = squared_reference,
};

nn_node *nn_squared_error(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_squared_error, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- absolute_error: |a-b| ----------------------------------------------------------------- */

NN_KERNEL static void absolute_forward(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    nn_real *out = ctx->out;
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = nn_absolute(a[i] - b[i]);
}

/* 1, -1, 0, or NaN as d is. */
static inline nn_real sign_of(nn_real d)
{
    return d > 0 ? 1 : d < 0 ? -1 : d;
}

NN_KERNEL static void absolute_backward(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1], *dy = ctx->grad_out;
    int64_t count = nn_elements(ctx, 0);
    for (int k = 0; k < 2; k++) {
        nn_real *dx = ctx->grad_in[k], one = k == 0 ? 1 : -1;
        if (dx)
            NN_GIVE(dx, ctx->beta[k] != 0, count, one * dy[i] * sign_of(a[i] - b[i]));
    }
}

static void absolute_reference(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = (nn_real)fabs((double)a[i] - (double)b[i]);
}

const nn_op nn_op_absolute_error = {
    .name = "absolute_error",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = pair_shape,
    .forward = absolute_forward,
    .backward = absolute_backward,
    .reference = absolute_reference,
};

nn_node *nn_absolute_error(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_absolute_error, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- huber_error: d^2/2 up to delta, then delta (|d| - delta/2) ---------------------------- */

static double huber_delta(const nn_node *node)
{
    return *(const double *)(const void *)node->args;
}

static nn_status huber_shape(nn_node *node, nn_error *error)
{
    if (!(huber_delta(node) > 0 && huber_delta(node) < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "delta %g: expected a number above 0, such as 1",
                         huber_delta(node));
    return pair_shape(node, error);
}

/* d cut off at -delta and delta: the derivative. NaN stays. */
static inline nn_real huber_slope(nn_real d, nn_real delta)
{
    d = d > delta ? delta : d;
    return d < -delta ? -delta : d;
}

NN_KERNEL static void huber_forward(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    nn_real *out = ctx->out, delta = (nn_real)huber_delta(ctx->node);
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++) {
        nn_real slope = huber_slope(a[i] - b[i], delta);
        out[i] = slope * (a[i] - b[i] - slope / 2);
    }
}

NN_KERNEL static void huber_backward(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1], *dy = ctx->grad_out;
    nn_real delta = (nn_real)huber_delta(ctx->node);
    int64_t count = nn_elements(ctx, 0);
    for (int k = 0; k < 2; k++) {
        nn_real *dx = ctx->grad_in[k], one = k == 0 ? 1 : -1;
        if (dx)
            NN_GIVE(dx, ctx->beta[k] != 0, count, one * dy[i] * huber_slope(a[i] - b[i], delta));
    }
}

static void huber_reference(const nn_ctx *ctx)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    double delta = huber_delta(ctx->node);
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        ctx->out[i] = (nn_real)(d <= delta ? d * d / 2 : delta * (d - delta / 2));
    }
}

const nn_op nn_op_huber_error = {
    .name = "huber_error",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = huber_shape,
    .forward = huber_forward,
    .backward = huber_backward,
    .reference = huber_reference,
};

nn_node *nn_huber_error(nn_graph *graph, nn_node *a, nn_node *b, double delta)
{
    delta = delta == 0 ? 1 : delta;
    return nn_node_new(graph, &nn_op_huber_error, (nn_node *[]){a, b}, 2, &delta, sizeof delta);
}
