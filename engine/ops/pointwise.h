/* How operators that treat every element by itself are written: a formula for the value, one for
 * each derivative, and the loops here, which are inlined around them so that they vectorise.
 * Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_POINTWISE_H
#define GRADUS_ENGINE_OPS_POINTWISE_H

#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/ops/walk.h"

#include <math.h>

#define NN_INLINE static inline __attribute__((always_inline))

/* --- shape rules ------------------------------------------------------------------------------ */

/* The output is as input 0: an activation, or a number of the whole batch. */
nn_status nn_same_shape(nn_node *node, nn_error *error);
/* The output is what all inputs broadcast to: their sample shapes, and whole shapes of parameters,
 * aligned from the right, sizes of 1 repeated. At least one input is an activation, or all are
 * numbers of the whole batch. Inputs from `first` on must be real. */
nn_status nn_broadcast_shape(nn_node *node, int first, nn_error *error);

/* For references: numbers in the output's rows, and what input i contributes to number `at`. */
int64_t nn_output_numbers(const nn_ctx *ctx);
int64_t nn_broadcast_index(const nn_ctx *ctx, int i, int64_t at);
double nn_broadcast_at(const nn_ctx *ctx, int i, int64_t at);

/* --- one input -------------------------------------------------------------------------------- */

/* From the C library, in the precision of the build. */
NN_INLINE nn_real nn_pow_of(nn_real x, nn_real exponent)
{
#if NN_MATH_DOUBLE
    return pow(x, exponent);
#else
    return powf(x, exponent);
#endif
}

NN_INLINE nn_real nn_root(nn_real x)
{
#if NN_MATH_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

typedef struct {
    nn_real a, b; /* arguments of the formula, where it has any */
} nn_constants;

typedef nn_real nn_unary(nn_real x, nn_constants c);
typedef nn_real nn_unary_slope(nn_real x, nn_real y, nn_constants c);

NN_INLINE void nn_map(const nn_ctx *ctx, nn_unary *f, nn_constants c)
{
    const nn_real *x = ctx->in[0];
    nn_real *out = ctx->out;
    int64_t count = nn_input_numbers(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = f(x[i], c);
}

/* A slope that leaves x or y alone never reads it. */
NN_INLINE void nn_map_slopes(const nn_ctx *ctx, nn_unary_slope *slope, nn_constants c)
{
    const nn_real *x = ctx->in[0], *y = ctx->out, *dy = ctx->grad_out;
    nn_real *dx = ctx->grad_in[0];
    NN_GIVE(dx, ctx->beta[0] != 0, nn_input_numbers(ctx, 0), dy[i] * slope(x[i], y[i], c));
}

/* --- two inputs that broadcast ------------------------------------------------------------------
 */

typedef nn_real nn_binary(nn_real a, nn_real b);
typedef nn_real nn_binary_slope(nn_real a, nn_real b, nn_real y);

/* One run of the innermost loop. An input that repeats has step 0, else 1: it is either dense or
 * broadcast there. */
typedef struct {
    int64_t count;
    const nn_real *a, *b, *y, *dy;
    nn_real *out; /* forward: y; backward: a gradient */
} nn_run;

NN_INLINE void nn_combine_run(nn_run r, nn_binary *f, int64_t step_a, int64_t step_b)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < r.count; i++)
        r.out[i] = f(r.a[i * step_a], r.b[i * step_b]);
}

NN_INLINE void nn_combine(const nn_ctx *ctx, nn_binary *f)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    nn_walk walk;
    nn_walker w;
    nn_walk_broadcast(&walk, ctx);
    int64_t step_a = nn_walk_step(&walk, 1), step_b = nn_walk_step(&walk, 2);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        nn_run r = {nn_walk_run(&walk), a + w.at[1], b + w.at[2], NULL, NULL, ctx->out + w.at[0]};
        if (step_a && step_b)
            nn_combine_run(r, f, 1, 1);
        else if (step_a)
            nn_combine_run(r, f, 1, 0);
        else /* or neither, where there is but one element */
            nn_combine_run(r, f, 0, 1);
    }
}

enum { NN_LANES = 16 }; /* interleaved sums, which vectorise where one would not */

NN_INLINE nn_real nn_slope_sum(nn_run r, nn_binary_slope *slope, int64_t step_a, int64_t step_b)
{
    nn_real lane[NN_LANES] = {0}, sum = 0;
    int64_t whole = r.count - r.count % NN_LANES;
    for (int64_t i = 0; i < whole; i += NN_LANES)
        for (int64_t k = i; k < i + NN_LANES; k++)
            lane[k - i] += r.dy[k] * slope(r.a[k * step_a], r.b[k * step_b], r.y[k]);
    for (int64_t k = whole; k < r.count; k++)
        sum += r.dy[k] * slope(r.a[k * step_a], r.b[k * step_b], r.y[k]);
    for (int k = 0; k < NN_LANES; k++)
        sum += lane[k];
    return sum;
}

/* The share of one run in the gradient of the input whose own step is `step`. */
NN_INLINE void nn_slope_run(nn_run r, nn_binary_slope *slope, int64_t step_a, int64_t step_b,
                            int64_t step, bool add)
{
    if (step == 0)
        *r.out += nn_slope_sum(r, slope, step_a, step_b);
    else
        NN_GIVE(r.out, add, r.count, r.dy[i] * slope(r.a[i * step_a], r.b[i * step_b], r.y[i]));
}

/* Gradient of input k (0 or 1), summed over what it is repeated along. */
NN_INLINE void nn_combine_slopes(const nn_ctx *ctx, int k, nn_binary_slope *slope)
{
    const nn_real *a = ctx->in[0], *b = ctx->in[1];
    nn_walk walk;
    nn_walker w;
    if (!ctx->grad_in[k])
        return;
    nn_walk_broadcast(&walk, ctx);
    bool repeats = nn_walk_repeats(&walk, 1 + k), add = repeats || ctx->beta[k] != 0;
    if (repeats)
        nn_begin_gradient(ctx, k);
    int64_t step_a = nn_walk_step(&walk, 1), step_b = nn_walk_step(&walk, 2);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        nn_run r = {nn_walk_run(&walk),
                    a + w.at[1],
                    b + w.at[2],
                    ctx->out + w.at[0],
                    ctx->grad_out + w.at[0],
                    ctx->grad_in[k] + w.at[1 + k]};
        if (step_a && step_b)
            nn_slope_run(r, slope, 1, 1, 1, add);
        else if (step_a)
            nn_slope_run(r, slope, 1, 0, k == 0, add);
        else if (step_b)
            nn_slope_run(r, slope, 0, 1, k == 1, add);
        else
            nn_slope_run(r, slope, 0, 0, 0, add);
    }
}

#endif
