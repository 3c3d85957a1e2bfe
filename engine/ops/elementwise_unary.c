/* Operators of one input, element by element: neg, abs, exp, log, sqrt, affine, clip, power. */
#include "engine/elementwise.h"

#include "engine/mathf.h"
#include "engine/ops/pointwise.h"

#include <math.h>

enum { NEED_X = 1 };

/* Operators with numbers for arguments: up to two of them. */
typedef struct {
    double first, second;
} pair_args;

static const pair_args *pair_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_constants numbers(const nn_ctx *ctx)
{
    const pair_args *args = pair_of(ctx->node);
    return (nn_constants){(nn_real)args->first, (nn_real)args->second};
}

/* --- neg: -x ---------------------------------------------------------------------------------- */

NN_INLINE nn_real neg_of(nn_real x, nn_constants c)
{
    (void)c;
    return -x;
}

NN_INLINE nn_real neg_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)x;
    (void)y;
    (void)c;
    return -1;
}

NN_KERNEL static void neg_forward(const nn_ctx *ctx)
{
    nn_map(ctx, neg_of, (nn_constants){0});
}

NN_KERNEL static void neg_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, neg_slope, (nn_constants){0});
}

static void neg_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(-x);
    }
}

const nn_op nn_op_neg = {
    .name = "neg",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .shape = nn_same_shape,
    .forward = neg_forward,
    .backward = neg_backward,
    .reference = neg_reference,
};

nn_node *nn_neg(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_neg, &x, 1, NULL, 0);
}

/* --- abs: |x|, derivative 0 at 0 -------------------------------------------------------------- */

NN_INLINE nn_real abs_of(nn_real x, nn_constants c)
{
    (void)c;
    return nn_absolute(x);
}

NN_INLINE nn_real abs_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

NN_KERNEL static void abs_forward(const nn_ctx *ctx)
{
    nn_map(ctx, abs_of, (nn_constants){0});
}

NN_KERNEL static void abs_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, abs_slope, (nn_constants){0});
}

static void abs_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(fabs(x));
    }
}

const nn_op nn_op_abs = {
    .name = "abs",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = abs_forward,
    .backward = abs_backward,
    .reference = abs_reference,
};

nn_node *nn_abs(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_abs, &x, 1, NULL, 0);
}

/* --- exp: derivative y ------------------------------------------------------------------------ */

NN_INLINE nn_real exp_of(nn_real x, nn_constants c)
{
    (void)c;
    return nn_exp(x);
}

NN_INLINE nn_real exp_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)x;
    (void)c;
    return y;
}

NN_KERNEL static void exp_forward(const nn_ctx *ctx)
{
    nn_map(ctx, exp_of, (nn_constants){0});
}

NN_KERNEL static void exp_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, exp_slope, (nn_constants){0});
}

static void exp_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(exp(x));
    }
}

const nn_op nn_op_exp = {
    .name = "exp",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = nn_same_shape,
    .forward = exp_forward,
    .backward = exp_backward,
    .reference = exp_reference,
};

nn_node *nn_exp_of(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_exp, &x, 1, NULL, 0);
}

/* --- log: natural; derivative 1 / x ----------------------------------------------------------- */

NN_INLINE nn_real log_of(nn_real x, nn_constants c)
{
    (void)c;
    return nn_log(x);
}

NN_INLINE nn_real log_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    return 1 / x;
}

NN_KERNEL static void log_forward(const nn_ctx *ctx)
{
    nn_map(ctx, log_of, (nn_constants){0});
}

NN_KERNEL static void log_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, log_slope, (nn_constants){0});
}

static void log_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(log(x));
    }
}

const nn_op nn_op_log = {
    .name = "log",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = log_forward,
    .backward = log_backward,
    .reference = log_reference,
};

nn_node *nn_log_of(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_log, &x, 1, NULL, 0);
}

/* --- sqrt: derivative 1 / (2 y) --------------------------------------------------------------- */

NN_INLINE nn_real sqrt_of(nn_real x, nn_constants c)
{
    (void)c;
    return nn_root(x);
}

NN_INLINE nn_real sqrt_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)x;
    (void)c;
    return (nn_real)0.5 / y;
}

NN_KERNEL static void sqrt_forward(const nn_ctx *ctx)
{
    nn_map(ctx, sqrt_of, (nn_constants){0});
}

NN_KERNEL static void sqrt_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, sqrt_slope, (nn_constants){0});
}

static void sqrt_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(sqrt(x));
    }
}

const nn_op nn_op_sqrt = {
    .name = "sqrt",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .needs = NN_NEED_OUT,
    .shape = nn_same_shape,
    .forward = sqrt_forward,
    .backward = sqrt_backward,
    .reference = sqrt_reference,
};

nn_node *nn_sqrt(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_sqrt, &x, 1, NULL, 0);
}

/* --- affine: scale x + shift ------------------------------------------------------------------ */

NN_INLINE nn_real affine_of(nn_real x, nn_constants c)
{
    return c.a * x + c.b;
}

NN_INLINE nn_real affine_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)x;
    (void)y;
    return c.a;
}

NN_KERNEL static void affine_forward(const nn_ctx *ctx)
{
    nn_map(ctx, affine_of, numbers(ctx));
}

NN_KERNEL static void affine_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, affine_slope, numbers(ctx));
}

static void affine_reference(const nn_ctx *ctx)
{
    const pair_args *args = pair_of(ctx->node);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(args->first * x + args->second);
    }
}

const nn_op nn_op_affine = {
    .name = "affine",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .shape = nn_same_shape,
    .forward = affine_forward,
    .backward = affine_backward,
    .reference = affine_reference,
};

nn_node *nn_affine(nn_graph *graph, nn_node *x, double scale, double shift)
{
    pair_args args = {scale, shift};
    return nn_node_new(graph, &nn_op_affine, &x, 1, &args, sizeof args);
}

/* --- clip: to low..high; derivative 1 inside and on the bounds -------------------------------- */

/* NaN stays. Where low > high, high wins, as in ONNX. */
NN_INLINE nn_real clip_of(nn_real x, nn_constants c)
{
    nn_real above = x < c.a ? c.a : x;
    return above > c.b ? c.b : above;
}

NN_INLINE nn_real clip_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    return x < c.a || x > c.b ? 0 : 1;
}

NN_KERNEL static void clip_forward(const nn_ctx *ctx)
{
    nn_map(ctx, clip_of, numbers(ctx));
}

NN_KERNEL static void clip_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, clip_slope, numbers(ctx));
}

static void clip_reference(const nn_ctx *ctx)
{
    const pair_args *args = pair_of(ctx->node);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(isnan(x) ? x : fmin(fmax(x, args->first), args->second));
    }
}

const nn_op nn_op_clip = {
    .name = "clip",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = clip_forward,
    .backward = clip_backward,
    .reference = clip_reference,
};

nn_node *nn_clip(nn_graph *graph, nn_node *x, double low, double high)
{
    pair_args args = {low, high};
    return nn_node_new(graph, &nn_op_clip, &x, 1, &args, sizeof args);
}

/* --- power: x^exponent; derivative exponent x^(exponent-1) ------------------------------------ */

NN_INLINE nn_real power_of(nn_real x, nn_constants c)
{
    return nn_pow_of(x, c.a);
}

NN_INLINE nn_real power_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    return c.a == 0 ? 0 : c.a * nn_pow_of(x, c.a - 1);
}

NN_INLINE nn_real square_of(nn_real x, nn_constants c)
{
    (void)c;
    return x * x;
}

NN_INLINE nn_real square_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    return 2 * x;
}

/* Squares are most of all powers and need no pow(). */
NN_KERNEL static void power_forward(const nn_ctx *ctx)
{
    nn_constants c = numbers(ctx);
    if (c.a == 2)
        nn_map(ctx, square_of, c);
    else
        nn_map(ctx, power_of, c);
}

NN_KERNEL static void power_backward(const nn_ctx *ctx)
{
    nn_constants c = numbers(ctx);
    if (c.a == 2)
        nn_map_slopes(ctx, square_slope, c);
    else
        nn_map_slopes(ctx, power_slope, c);
}

static void power_reference(const nn_ctx *ctx)
{
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++)
        ctx->out[i] = (nn_real)pow((double)x[i], pair_of(ctx->node)->first);
}

const nn_op nn_op_power = {
    .name = "power",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = power_forward,
    .backward = power_backward,
    .reference = power_reference,
};

nn_node *nn_power(nn_graph *graph, nn_node *x, double exponent)
{
    pair_args args = {exponent, 0};
    return nn_node_new(graph, &nn_op_power, &x, 1, &args, sizeof args);
}
