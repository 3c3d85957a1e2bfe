/* Operators of two inputs, element by element: add, sub, mul, div, pow, maximum, minimum. Inputs
 * broadcast against each other as in numpy; gradients are summed over what was repeated. */
#include "engine/elementwise.h"

#include "engine/mathf.h"
#include "engine/ops/pointwise.h"

#include <math.h>

enum { NEED_A = 1, NEED_B = 2 };

static nn_status broadcast_shape(nn_node *node, nn_error *error)
{
    return nn_broadcast_shape(node, 0, error);
}

/* --- add: a + b ------------------------------------------------------------------------------- */

NN_INLINE nn_real add_of(nn_real a, nn_real b)
{
    return a + b;
}

NN_INLINE nn_real add_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    (void)b;
    (void)y;
    return 1;
}

NN_INLINE nn_real add_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    (void)b;
    (void)y;
    return 1;
}

NN_KERNEL static void add_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, add_of);
}

NN_KERNEL static void add_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, add_slope_a);
    nn_combine_slopes(ctx, 1, add_slope_b);
}

static void add_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a + b);
    }
}

const nn_op nn_op_add = {
    .name = "add",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .shape = broadcast_shape,
    .forward = add_forward,
    .backward = add_backward,
    .reference = add_reference,
};

nn_node *nn_add(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_add, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- sub: a - b ------------------------------------------------------------------------------- */

NN_INLINE nn_real sub_of(nn_real a, nn_real b)
{
    return a - b;
}

NN_INLINE nn_real sub_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    (void)b;
    (void)y;
    return 1;
}

NN_INLINE nn_real sub_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    (void)b;
    (void)y;
    return -1;
}

NN_KERNEL static void sub_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, sub_of);
}

NN_KERNEL static void sub_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, sub_slope_a);
    nn_combine_slopes(ctx, 1, sub_slope_b);
}

static void sub_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a - b);
    }
}

const nn_op nn_op_sub = {
    .name = "sub",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_INPLACE | NN_OP_SETS_GRADIENT,
    .shape = broadcast_shape,
    .forward = sub_forward,
    .backward = sub_backward,
    .reference = sub_reference,
};

nn_node *nn_sub(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_sub, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- mul: a b --------------------------------------------------------------------------------- */

NN_INLINE nn_real mul_of(nn_real a, nn_real b)
{
    return a * b;
}

NN_INLINE nn_real mul_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    (void)y;
    return b;
}

NN_INLINE nn_real mul_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)b;
    (void)y;
    return a;
}

NN_KERNEL static void mul_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, mul_of);
}

NN_KERNEL static void mul_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, mul_slope_a);
    nn_combine_slopes(ctx, 1, mul_slope_b);
}

static void mul_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a * b);
    }
}

const nn_op nn_op_mul = {
    .name = "mul",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_A | NEED_B,
    .shape = broadcast_shape,
    .forward = mul_forward,
    .backward = mul_backward,
    .reference = mul_reference,
};

nn_node *nn_mul(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_mul, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- div: a / b; the derivatives are 1 / b and -y / b ----------------------------------------- */

NN_INLINE nn_real div_of(nn_real a, nn_real b)
{
    return a / b;
}

NN_INLINE nn_real div_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    (void)y;
    return 1 / b;
}

NN_INLINE nn_real div_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)a;
    return -y / b;
}

NN_KERNEL static void div_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, div_of);
}

NN_KERNEL static void div_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, div_slope_a);
    nn_combine_slopes(ctx, 1, div_slope_b);
}

static void div_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a / b);
    }
}

const nn_op nn_op_div = {
    .name = "div",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_B | NN_NEED_OUT,
    .shape = broadcast_shape,
    .forward = div_forward,
    .backward = div_backward,
    .reference = div_reference,
};

nn_node *nn_div(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_div, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- pow: a^b; the derivatives are b a^(b-1) and y ln a --------------------------------------- */

/* A base below 0 has no derivative in the exponent: NaN, but for exponent 0. A base of 0 has 0. */
NN_INLINE nn_real pow_of(nn_real a, nn_real b)
{
    return nn_pow_of(a, b);
}

NN_INLINE nn_real pow_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)y;
    return b == 0 ? 0 : b * nn_pow_of(a, b - 1);
}

NN_INLINE nn_real pow_slope_b(nn_real a, nn_real b, nn_real y)
{
    return a == 0 && b >= 0 ? 0 : y * nn_log(a);
}

NN_KERNEL static void pow_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, pow_of);
}

NN_KERNEL static void pow_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, pow_slope_a);
    nn_combine_slopes(ctx, 1, pow_slope_b);
}

static void pow_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(pow(a, b));
    }
}

const nn_op nn_op_pow = {
    .name = "pow",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_A | NEED_B | NN_NEED_OUT,
    .shape = broadcast_shape,
    .forward = pow_forward,
    .backward = pow_backward,
    .reference = pow_reference,
};

nn_node *nn_pow(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_pow, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- maximum: the greater; where both are equal, the gradient goes to a ----------------------- */

/* NaN wins, as in numpy. */
NN_INLINE nn_real maximum_of(nn_real a, nn_real b)
{
    return a >= b || a != a ? a : b;
}

NN_INLINE nn_real maximum_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)y;
    return a >= b || a != a ? 1 : 0;
}

NN_INLINE nn_real maximum_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)y;
    return a >= b || a != a ? 0 : 1;
}

NN_KERNEL static void maximum_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, maximum_of);
}

NN_KERNEL static void maximum_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, maximum_slope_a);
    nn_combine_slopes(ctx, 1, maximum_slope_b);
}

static void maximum_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a >= b || isnan(a) ? a : b);
    }
}

const nn_op nn_op_maximum = {
    .name = "maximum",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_A | NEED_B,
    .shape = broadcast_shape,
    .forward = maximum_forward,
    .backward = maximum_backward,
    .reference = maximum_reference,
};

nn_node *nn_maximum(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_maximum, (nn_node *[]){a, b}, 2, NULL, 0);
}

/* --- minimum: the smaller; where both are equal, the gradient goes to a ----------------------- */

NN_INLINE nn_real minimum_of(nn_real a, nn_real b)
{
    return a <= b || a != a ? a : b;
}

NN_INLINE nn_real minimum_slope_a(nn_real a, nn_real b, nn_real y)
{
    (void)y;
    return a <= b || a != a ? 1 : 0;
}

NN_INLINE nn_real minimum_slope_b(nn_real a, nn_real b, nn_real y)
{
    (void)y;
    return a <= b || a != a ? 0 : 1;
}

NN_KERNEL static void minimum_forward(const nn_ctx *ctx)
{
    nn_combine(ctx, minimum_of);
}

NN_KERNEL static void minimum_backward(const nn_ctx *ctx)
{
    nn_combine_slopes(ctx, 0, minimum_slope_a);
    nn_combine_slopes(ctx, 1, minimum_slope_b);
}

static void minimum_reference(const nn_ctx *ctx)
{
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double a = nn_broadcast_at(ctx, 0, i), b = nn_broadcast_at(ctx, 1, i);
        ctx->out[i] = (nn_real)(a <= b || isnan(a) ? a : b);
    }
}

const nn_op nn_op_minimum = {
    .name = "minimum",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_A | NEED_B,
    .shape = broadcast_shape,
    .forward = minimum_forward,
    .backward = minimum_backward,
    .reference = minimum_reference,
};

nn_node *nn_minimum(nn_graph *graph, nn_node *a, nn_node *b)
{
    return nn_node_new(graph, &nn_op_minimum, (nn_node *[]){a, b}, 2, NULL, 0);
}
