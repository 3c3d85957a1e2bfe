/* Activation functions that are smooth, or learned: elu, softplus, swish, gelu (two forms), prelu.
 */
#include "engine/elementwise.h"

#include "engine/mathf.h"
#include "engine/ops/pointwise.h"

#include <math.h>

enum { NEED_X = 1 };

static double number_of(const nn_node *node)
{
    return *(const double *)(const void *)node->args;
}

static nn_constants number(const nn_ctx *ctx)
{
    return (nn_constants){(nn_real)number_of(ctx->node), 0};
}

/* --- elu: x above 0, else alpha (e^x - 1): Clevert et al. 2015 -------------------------------- */

NN_INLINE nn_real elu_of(nn_real x, nn_constants c)
{
    return x > 0 ? x : c.a * nn_expm1_of_negative(x > 0 ? 0 : x);
}

NN_INLINE nn_real elu_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    return x > 0 ? 1 : c.a * nn_exp(x);
}

NN_KERNEL static void elu_forward(const nn_ctx *ctx)
{
    nn_map(ctx, elu_of, number(ctx));
}

NN_KERNEL static void elu_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, elu_slope, number(ctx));
}

static void elu_reference(const nn_ctx *ctx)
{
    double alpha = number_of(ctx->node);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(x > 0 ? x : alpha * expm1(x));
    }
}

const nn_op nn_op_elu = {
    .name = "elu",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = elu_forward,
    .backward = elu_backward,
    .reference = elu_reference,
};

nn_node *nn_elu(nn_graph *graph, nn_node *x, double alpha)
{
    return nn_node_new(graph, &nn_op_elu, &x, 1, &alpha, sizeof alpha);
}

/* Klambauer et al. 2017. */
nn_node *nn_selu(nn_graph *graph, nn_node *x, double alpha, double gamma)
{
    return nn_affine(graph, nn_elu(graph, x, alpha), gamma, 0);
}

/* --- softplus: log(1 + e^x), derivative sigmoid(x) -------------------------------------------- */

NN_INLINE nn_real softplus_of(nn_real x, nn_constants c)
{
    (void)c;
    return (x < 0 ? 0 : x) + nn_log1p(nn_exp(-nn_absolute(x)));
}

NN_INLINE nn_real softplus_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    return nn_sigmoid_of(x);
}

NN_KERNEL static void softplus_forward(const nn_ctx *ctx)
{
    nn_map(ctx, softplus_of, (nn_constants){0});
}

NN_KERNEL static void softplus_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, softplus_slope, (nn_constants){0});
}

static void softplus_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(isnan(x) ? x : fmax(x, 0) + log1p(exp(-fabs(x))));
    }
}

const nn_op nn_op_softplus = {
    .name = "softplus",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = softplus_forward,
    .backward = softplus_backward,
    .reference = softplus_reference,
};

nn_node *nn_softplus(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_softplus, &x, 1, NULL, 0);
}

/* --- swish: x sigmoid(x): Ramachandran et al. 2017 -------------------------------------------- */

NN_INLINE nn_real swish_of(nn_real x, nn_constants c)
{
    (void)c;
    return x * nn_sigmoid_of(x);
}

NN_INLINE nn_real swish_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    nn_real s = nn_sigmoid_of(x);
    return s + x * s * (1 - s);
}

NN_KERNEL static void swish_forward(const nn_ctx *ctx)
{
    nn_map(ctx, swish_of, (nn_constants){0});
}

NN_KERNEL static void swish_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, swish_slope, (nn_constants){0});
}

static void swish_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(x / (1 + exp(-x)));
    }
}

const nn_op nn_op_swish = {
    .name = "swish",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = swish_forward,
    .backward = swish_backward,
    .reference = swish_reference,
};

nn_node *nn_swish(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_swish, &x, 1, NULL, 0);
}

/* --- gelu: x times the normal distribution function: Hendrycks and Gimpel 2016 ---------------- */

NN_INLINE nn_real gelu_of(nn_real x, nn_constants c)
{
    (void)c;
    return x * nn_normal_share(x, nn_bell(x));
}

NN_INLINE nn_real gelu_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    nn_real bell = nn_bell(x);
    return nn_normal_share(x, bell) + x * bell * (nn_real)0.3989422804014326779; /* / sqrt(2 pi) */
}

NN_KERNEL static void gelu_forward(const nn_ctx *ctx)
{
    nn_map(ctx, gelu_of, (nn_constants){0});
}

NN_KERNEL static void gelu_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, gelu_slope, (nn_constants){0});
}

static void gelu_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] = (nn_real)(x * 0.5 * erfc(-x * 0.70710678118654752440));
    }
}

const nn_op nn_op_gelu = {
    .name = "gelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = gelu_forward,
    .backward = gelu_backward,
    .reference = gelu_reference,
};

nn_node *nn_gelu(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_gelu, &x, 1, NULL, 0);
}

/* --- gelu_tanh: x / 2 (1 + tanh(u)), u = sqrt(2 / pi) (x + 0.044715 x^3) ---------------------- */

/* x / 2 (1 + tanh(u)) = x sigmoid(2u), with 2u = x (A + B x^2). */
#define GELU_A ((nn_real)1.5957691216057307118)  /* 2 sqrt(2 / pi) */
#define GELU_B ((nn_real)0.07135481627260025278) /* 0.044715 A */

NN_INLINE nn_real gelu_tanh_of(nn_real x, nn_constants c)
{
    (void)c;
    return x * nn_sigmoid_of(x * (GELU_A + GELU_B * x * x));
}

NN_INLINE nn_real gelu_tanh_slope(nn_real x, nn_real y, nn_constants c)
{
    (void)y;
    (void)c;
    nn_real square = x * x;
    nn_real s = nn_sigmoid_of(x * (GELU_A + GELU_B * square));
    return s + x * s * (1 - s) * (GELU_A + 3 * GELU_B * square);
}

NN_KERNEL static void gelu_tanh_forward(const nn_ctx *ctx)
{
    nn_map(ctx, gelu_tanh_of, (nn_constants){0});
}

NN_KERNEL static void gelu_tanh_backward(const nn_ctx *ctx)
{
    nn_map_slopes(ctx, gelu_tanh_slope, (nn_constants){0});
}

static void gelu_tanh_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double x = (double)((const nn_real *)ctx->in[0])[i];
        ctx->out[i] =
            (nn_real)(0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))));
    }
}

const nn_op nn_op_gelu_tanh = {
    .name = "gelu_tanh",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_same_shape,
    .forward = gelu_tanh_forward,
    .backward = gelu_tanh_backward,
    .reference = gelu_tanh_reference,
};

nn_node *nn_gelu_tanh(nn_graph *graph, nn_node *x)
{
    return nn_node_new(graph, &nn_op_gelu_tanh, &x, 1, NULL, 0);
}

/* --- prelu: x above 0, else a slope that is learned times x: He et al. 2015 ------------------- */

/* The slope repeats; x does not. */
static nn_status prelu_shape(nn_node *node, nn_error *error)
{
    char text[NN_SHAPE_TEXT], slope[NN_SHAPE_TEXT];
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        status = nn_broadcast_shape(node, 0, error);
    if (status || nn_shape_equal(node->shape, node->input[0]->shape))
        return status;
    return nn_refuse(node, error, NN_E_SHAPE,
                     "slope '%s' of %s is wider than an example of '%s', %s", node->input[1]->name,
                     nn_shape_text(nn_sample_of(node->input[1]), slope), node->input[0]->name,
                     nn_shape_text(nn_sample_of(node->input[0]), text));
}

/* The derivative at 0 is the slope. */
NN_INLINE nn_real prelu_of(nn_real a, nn_real b)
{
    return a > 0 ? a : b * a;
}

NN_INLINE nn_real prelu_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)y;
    return a > 0 ? 1 : b;
}

NN_INLINE nn_real prelu_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)b;
    (void)y;
    return a > 0 ? 0 : a;
}

NN_KERNEL static void prelu_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, prelu_of);
}

NN_KERNEL static void prelu_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, prelu_slope_a);
    nn_combine_slopes(ctx, 1, prelu_slope_b);
}

static void prelu_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a > 0 ? a : b * a);
    }
}

const nn_op nn_op_prelu = {
    .name = "prelu",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u | 2u,
    .shape = prelu_shape,
    .forward = prelu_forward,
    .backward = prelu_backward,
    .reference = prelu_reference,
};

nn_node *nn_prelu(nn_graph *graph, nn_node *x, nn_node *slope)
{
    return nn_node_new(graph, &nn_op_prelu, (nn_node *[]){x, slope}, 2, NULL, 0);
}

/* --- hard sigmoid is a clipped line --- */

nn_node *nn_hard_sigmoid(nn_graph *graph, nn_node *x, double alpha, double beta)
{
    return nn_clip(graph, nn_affine(graph, x, alpha, beta), 0, 1);
}
