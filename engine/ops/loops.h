/* How the kernels write their loops. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_LOOPS_H
#define GRADUS_ENGINE_OPS_LOOPS_H

#include "engine/kernel.h"
#include "engine/op.h"

/* Before a loop whose rounds do not touch each other's elements. Input and output may still be the
 * same memory (operators in place), which a compiler would otherwise have to rule out. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* builds without optimisation make no vectors */
#define NN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define NN_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* gradient[i] = value, or += where the plan has already put another consumer's share there. `value`
 * is an expression in i. With add false the old contents are garbage and must not be read. The
 * count is taken first: a loop that asks for it every time does not vectorise. */
#define NN_GIVE(gradient, add, count, value)                                                       \
    do {                                                                                           \
        const int64_t nn_give_count = (count);                                                     \
        if (add) {                                                                                 \
            NN_INDEPENDENT                                                                         \
            for (int64_t i = 0; i < nn_give_count; i++)                                            \
                (gradient)[i] += (value);                                                          \
        } else {                                                                                   \
            NN_INDEPENDENT                                                                         \
            for (int64_t i = 0; i < nn_give_count; i++)                                            \
                (gradient)[i] = (value);                                                           \
        }                                                                                          \
    } while (0)

static inline int64_t nn_rows(const nn_ctx *ctx)
{
    return ctx->r1 - ctx->r0;
}

/* Elements of input i in this shard's rows. */
static inline int64_t nn_elements(const nn_ctx *ctx, int i)
{
    return nn_rows(ctx) * nn_shape_row(ctx->node->input[i]->shape);
}

#endif
