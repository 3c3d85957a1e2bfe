/* Reductions that look at each number twice: reduce_max, reduce_min, reduce_prod,
 * reduce_log_sum_exp; and those composed of others. */
#include "engine/elementwise.h"

#include "engine/ops/reduce.h"

#include <string.h>

enum { NEED_X = 1 };

/* Two numbers for each of the output, while a kernel runs. */
static size_t two_each(const nn_node *node, int64_t rows)
{
    return (size_t)(2 * rows * nn_shape_row(node->shape)) * sizeof(nn_real);
}

/* --- reduce_max, reduce_min: the gradient goes to the first of equal ones --------------------- */

/* NaN wins, as in numpy. */
NN_INLINE nn_real greater(nn_real most, nn_real x)
{
    return x > most || x != x ? x : most;
}

NN_INLINE nn_real less(nn_real least, nn_real x)
{
    return x < least || x != x ? x : least;
}

NN_KERNEL static void reduce_max_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, -NN_INFINITE, greater, greater);
}

NN_KERNEL static void reduce_min_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, NN_INFINITE, less, less);
}

/* The walk meets the input in its own order, so the first of equal ones comes first. */
static void extreme_backward(const nn_ctx *ctx)
{
    nn_walk walk;
    nn_walker w;
    nn_real *given = ctx->scratch; /* 1 where the output's gradient has gone to its element */
    memset(given, 0, (size_t)nn_output_numbers(ctx) * sizeof *given);
    nn_walk_reduce(ctx, &walk);
    nn_begin_gradient(ctx, 0);
    int64_t run = nn_walk_run(&walk), step = nn_walk_step(&walk, 0);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w))
        for (int64_t i = 0; i < run; i++) {
            int64_t at = w.at[1] + i, o = w.at[0] + i * step;
            nn_real x = ((const nn_real *)ctx->in[0])[at], y = ctx->out[o];
            if (given[o] == 0 && (x == y || (x != x && y != y))) {
                ctx->grad_in[0][at] += ctx->grad_out[o];
                given[o] = 1;
            }
        }
}

static void reduce_max_backward(const nn_ctx *ctx)
{
    extreme_backward(ctx);
}

static void reduce_min_backward(const nn_ctx *ctx)
{
    extreme_backward(ctx);
}

static void reduce_max_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = -HUGE_VAL;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y = x > y || isnan(x) ? x : y;
        }
        ctx->out[i] = (nn_real)(y);
    }
}

static void reduce_min_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = HUGE_VAL;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y = x < y || isnan(x) ? x : y;
        }
        ctx->out[i] = (nn_real)(y);
    }
}

const nn_op nn_op_reduce_max = {
    .name = "reduce_max",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X | NN_NEED_OUT,
    .shape = nn_reduce_shape,
    .scratch = two_each,
    .forward = reduce_max_forward,
    .backward = reduce_max_backward,
    .reference = reduce_max_reference,
};

nn_node *nn_reduce_max(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_max, x, axes, count, keep);
}

const nn_op nn_op_reduce_min = {
    .name = "reduce_min",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X | NN_NEED_OUT,
    .shape = nn_reduce_shape,
    .scratch = two_each,
    .forward = reduce_min_forward,
    .backward = reduce_min_backward,
    .reference = reduce_min_reference,
};

nn_node *nn_reduce_min(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_min, x, axes, count, keep);
}

/* --- reduce_prod: the derivative is the product of all others --------------------------------- */

NN_INLINE nn_real times(nn_real a, nn_real b)
{
    return a * b;
}

NN_KERNEL static void reduce_prod_forward(const nn_ctx *ctx)
{
    nn_fold(ctx, 1, times, times);
}

/* y / x, but beside a 0: there the product of the others, which is 0 where one more of them is. */
static void reduce_prod_backward(const nn_ctx *ctx)
{
    nn_walk walk;
    nn_walker w;
    int64_t count = nn_output_numbers(ctx);
    nn_real *others = ctx->scratch, *zeros = others + count;
    for (int64_t o = 0; o < count; o++) {
        others[o] = 1;
        zeros[o] = 0;
    }
    nn_walk_reduce(ctx, &walk);
    const nn_real *x = ctx->in[0];
    bool add = ctx->beta[0] != 0;
    int64_t run = nn_walk_run(&walk), step = nn_walk_step(&walk, 0);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w))
        for (int64_t i = 0; i < run; i++) {
            nn_real number = x[w.at[1] + i];
            zeros[w.at[0] + i * step] += number == 0;
            others[w.at[0] + i * step] *= number == 0 ? 1 : number;
        }
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w))
        for (int64_t i = 0; i < run; i++) {
            int64_t at = w.at[1] + i, o = w.at[0] + i * step;
            nn_real rest = zeros[o] - (x[at] == 0); /* zeros among the others */
            nn_real slope = rest > 0 ? 0 : x[at] == 0 ? others[o] : others[o] / x[at];
            nn_real share = ctx->grad_out[o] * slope, *dx = &ctx->grad_in[0][at];
            *dx = add ? *dx + share : share;
        }
}

static void reduce_prod_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double y = 1;
        for (int64_t k = 0; k < count; k++) {
            double x = (double)((const nn_real *)ctx->in[0])[nn_reduced_place(ctx, i, k)];
            y *= x;
        }
        ctx->out[i] = (nn_real)(y);
    }
}

const nn_op nn_op_reduce_prod = {
    .name = "reduce_prod",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X,
    .shape = nn_reduce_shape,
    .scratch = two_each,
    .forward = reduce_prod_forward,
    .backward = reduce_prod_backward,
    .reference = reduce_prod_reference,
};

nn_node *nn_reduce_prod(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_prod, x, axes, count, keep);
}

/* --- reduce_log_sum_exp: m + log(sum e^(x - m)), m the greatest; derivative e^(x - y) --------- */

NN_KERNEL static void add_powers(const nn_real *x, const nn_real *most, nn_real *sum, int64_t run,
                                 int64_t step)
{
    nn_real one = 0;
    if (step != 0) {
        for (int64_t i = 0; i < run; i++)
            sum[i] += nn_exp(x[i] - most[i]);
        return;
    }
    for (int64_t i = 0; i < run; i++)
        one += nn_exp(x[i] - *most);
    *sum += one;
}

static void reduce_log_sum_exp_forward(const nn_ctx *ctx)
{
    nn_walk walk;
    nn_walker w;
    int64_t count = nn_output_numbers(ctx);
    nn_real *sum = ctx->scratch;
    reduce_max_forward(ctx);
    for (int64_t o = 0; o < count; o++) {
        sum[o] = 0;
        ctx->out[o] = ctx->out[o] == -NN_INFINITE ? 0 : ctx->out[o]; /* nothing but -infinity */
    }
    nn_walk_reduce(ctx, &walk);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w))
        add_powers((const nn_real *)ctx->in[0] + w.at[1], ctx->out + w.at[0], sum + w.at[0],
                   nn_walk_run(&walk), nn_walk_step(&walk, 0));
    for (int64_t o = 0; o < count; o++)
        ctx->out[o] = ctx->out[o] == NN_INFINITE ? NN_INFINITE : ctx->out[o] + nn_log(sum[o]);
}

NN_INLINE nn_real power_slope(nn_real x, nn_real y, nn_real share)
{
    (void)share;
    return nn_exp(x - y);
}

NN_KERNEL static void reduce_log_sum_exp_backward(const nn_ctx *ctx)
{
    nn_fold_back(ctx, power_slope, 1);
}

static void reduce_log_sum_exp_reference(const nn_ctx *ctx)
{
    int64_t count = nn_reduced_count(ctx);
    const nn_real *x = ctx->in[0];
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++) {
        double most = -HUGE_VAL, sum = 0;
        for (int64_t k = 0; k < count; k++)
            most = fmax(most, (double)x[nn_reduced_place(ctx, i, k)]);
        for (int64_t k = 0; k < count; k++)
            sum += exp((double)x[nn_reduced_place(ctx, i, k)] - most);
        ctx->out[i] = (nn_real)(most + log(sum));
    }
}

const nn_op nn_op_reduce_log_sum_exp = {
    .name = "reduce_log_sum_exp",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = NEED_X | NN_NEED_OUT,
    .shape = nn_reduce_shape,
    .scratch = two_each,
    .forward = reduce_log_sum_exp_forward,
    .backward = reduce_log_sum_exp_backward,
    .reference = reduce_log_sum_exp_reference,
};

nn_node *nn_reduce_log_sum_exp(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_node(graph, &nn_op_reduce_log_sum_exp, x, axes, count, keep);
}

/* --- composed --------------------------------------------------------------------------------- */

nn_node *nn_reduce_log_sum(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_log_of(graph, nn_reduce_sum(graph, x, axes, count, keep));
}

nn_node *nn_reduce_sum_square(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep)
{
    return nn_reduce_sum(graph, nn_power(graph, x, 2), axes, count, keep);
}
