/* What the operators that reduce some axes share. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_REDUCE_H
#define GRADUS_ENGINE_OPS_REDUCE_H

#include "engine/ops/pointwise.h"
#include "engine/shapes.h"

nn_status nn_reduce_shape(nn_node *node, nn_error *error);
nn_node *nn_reduce_node(nn_graph *graph, const nn_op *op, nn_node *x, const int *axes, int count,
                        bool keep);

/* Loops over the input's rows and axes; tensor 0 is the output, which stands still along the axes
 * that go, tensor 1 the input. */
void nn_walk_reduce(const nn_ctx *ctx, nn_walk *walk);

int64_t nn_reduced_count(const nn_ctx *ctx); /* numbers that go into one of the output */
/* For references: the place of the k-th of those that go into output `at`. */
int64_t nn_reduced_place(const nn_ctx *ctx, int64_t at, int64_t k);

/* --- loops, inlined around the formulas --------------------------------------------------------
 */

typedef nn_real nn_fold_function(nn_real sum, nn_real x);

NN_INLINE nn_real nn_fold_line(const nn_real *x, int64_t count, nn_real start,
                               nn_fold_function *take, nn_fold_function *join)
{
    nn_real lane[NN_LANES], sum = start;
    int64_t whole = count - count % NN_LANES;
    for (int k = 0; k < NN_LANES; k++)
        lane[k] = start;
    for (int64_t i = 0; i < whole; i += NN_LANES)
        for (int k = 0; k < NN_LANES; k++)
            lane[k] = take(lane[k], x[i + k]);
    for (int64_t i = whole; i < count; i++)
        sum = take(sum, x[i]);
    for (int k = 0; k < NN_LANES && whole > 0; k++)
        sum = join(sum, lane[k]);
    return sum;
}

/* out = everything that goes, taken together from `start` on. */
NN_INLINE void nn_fold(const nn_ctx *ctx, nn_real start, nn_fold_function *take,
                       nn_fold_function *join)
{
    nn_walk walk;
    nn_walker w;
    nn_walk_reduce(ctx, &walk);
    for (int64_t i = 0; i < nn_output_numbers(ctx); i++)
        ctx->out[i] = start;
    int64_t run = nn_walk_run(&walk), step = nn_walk_step(&walk, 0);
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        const nn_real *x = (const nn_real *)ctx->in[0] + w.at[1];
        nn_real *out = ctx->out + w.at[0];
        if (step == 0) {
            *out = join(*out, nn_fold_line(x, run, start, take, join));
            continue;
        }
        NN_INDEPENDENT
        for (int64_t i = 0; i < run; i++)
            out[i] = take(out[i], x[i]);
    }
}

typedef nn_real nn_fold_slope(nn_real x, nn_real y, nn_real share);

NN_INLINE void nn_fold_back(const nn_ctx *ctx, nn_fold_slope *slope, nn_real share)
{
    nn_walk walk;
    nn_walker w;
    nn_walk_reduce(ctx, &walk);
    int64_t run = nn_walk_run(&walk), step = nn_walk_step(&walk, 0);
    bool add = ctx->beta[0] != 0;
    for (bool more = nn_walk_start(&walk, &w); more; more = nn_walk_next(&walk, &w)) {
        const nn_real *x = (const nn_real *)ctx->in[0] + w.at[1];
        const nn_real *y = ctx->out + w.at[0], *dy = ctx->grad_out + w.at[0];
        nn_real *dx = ctx->grad_in[0] + w.at[1];
        if (step == 0) {
            nn_real one_y = *y, one_dy = *dy;
            NN_GIVE(dx, add, run, one_dy * slope(x[i], one_y, share));
        } else {
            NN_GIVE(dx, add, run, dy[i] * slope(x[i], y[i], share));
        }
    }
}

NN_INLINE nn_real nn_plus(nn_real a, nn_real b)
{
    return a + b;
}

#endif
