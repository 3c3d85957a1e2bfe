/* The first activation functions of the course: relu, leaky_relu, sigmoid, tanh (chapter 7). */
#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>

static nn_status same_shape(nn_node *node, nn_error *error)
{
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

/* --- relu: max(x, 0), derivative 0 at 0 ------------------------------------------------------- */

/* The comparisons are turned so that NaN takes the branch that keeps it. */
NN_KERNEL static void relu_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = x[i] <= 0 ? 0 : x[i];
}

NN_KERNEL static void relu_backward(const nn_ctx *ctx)
{
    const nn_real *y = ctx->out, *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    int64_t count = nn_elements(ctx, 0);
    NN_GIVE(dx, ctx->beta[0] != 0, count, y[i] <= 0 ? 0 : dy[i]);
}

static void relu_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = x[i] > 0 || x[i] != x[i] ? x[i] : 0;
}

const nn_op nn_op_relu = {
    .name = "relu",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = same_shape,
    .forward = relu_forward,
    .backward = relu_backward,
    .reference = relu_reference,
};

nn_node *nn_relu(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_relu, &x, 1, NULL, 0);
}

/* --- leaky_relu: x where x > 0, else slope x; the derivative at 0 is the slope ------------- */

typedef struct {
    double slope;
} leaky_args;

static nn_real leaky_slope(const nn_ctx *ctx)
{
    return (nn_real)((const leaky_args *)(const void *)ctx->node->args)->slope;
}

static nn_status leaky_shape(nn_node *node, nn_error *error)
{
    double slope = ((const leaky_args *)(const void *)node->args)->slope;
    if (!(slope >= 0 && slope <= 1))
        return nn_refuse(node, error, NN_E_ARG, "slope %g: expected 0 to 1, such as 0.01", slope);
    return same_shape(node, error);
}

NN_KERNEL static void leaky_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out, slope = leaky_slope(ctx);
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = x[i] > 0 ? x[i] : slope * x[i];
}

/* The output has the sign of x; with slope 0 it is 0 where x was not above 0. */
NN_KERNEL static void leaky_backward(const nn_ctx *ctx)
{
    const nn_real *y = ctx->out, *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0], slope = leaky_slope(ctx);
    int64_t count = nn_elements(ctx, 0);
    NN_GIVE(dx, ctx->beta[0] != 0, count, y[i] > 0 ? dy[i] : slope * dy[i]);
}

static void leaky_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = x[i] * (x[i] > 0 ? 1 : leaky_slope(ctx));
}

const nn_op nn_op_leaky_relu = {
    .name = "leaky_relu",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = leaky_shape,
    .forward = leaky_forward,
    .backward = leaky_backward,
    .reference = leaky_reference,
};

nn_node *nn_leaky_relu(nn_graph *graph, nn_node *x, double slope)
{
    leaky_args args = {slope};
    return nn_node_new(graph, &nn_op_leaky_relu, &x, 1, &args, sizeof args);
}

/* --- sigmoid: 1 / (1 + e^-x), derivative y (1 - y) ----------------------------------------- */

NN_KERNEL static void sigmoid_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = nn_sigmoid_of(x[i]);
}

NN_KERNEL static void sigmoid_backward(const nn_ctx *ctx)
{
    const nn_real *y = ctx->out, *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    int64_t count = nn_elements(ctx, 0);
    NN_GIVE(dx, ctx->beta[0] != 0, count, dy[i] * y[i] * (1 - y[i]));
}

static void sigmoid_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = (nn_real)(1 / (1 + exp(-(double)x[i])));
}

const nn_op nn_op_sigmoid = {
    .name = "sigmoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = same_shape,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
    .reference = sigmoid_reference,
};

nn_node *nn_sigmoid(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_sigmoid, &x, 1, NULL, 0);
}

/* --- tanh: derivative 1 - y^2 -------------------------------------------------------------- */

NN_KERNEL static void tanh_forward(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = nn_tanh_of(x[i]);
}

NN_KERNEL static void tanh_backward(const nn_ctx *ctx)
{
    const nn_real *y = ctx->out, *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    int64_t count = nn_elements(ctx, 0);
    NN_GIVE(dx, ctx->beta[0] != 0, count, dy[i] * (1 - y[i]) * (1 + y[i]));
}

static void tanh_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] = (nn_real)tanh((double)x[i]);
}

const nn_op nn_op_tanh = {
    .name = "tanh",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = same_shape,
    .forward = tanh_forward,
    .backward = tanh_backward,
    .reference = tanh_reference,
};

nn_node *nn_tanh(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_tanh, &x, 1, NULL, 0);
}
