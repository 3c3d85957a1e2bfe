/* The sizes of a convolution and its ways of computing it. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_CONVOLUTION_H
#define GRADUS_ENGINE_OPS_CONVOLUTION_H

#include "engine/ops/rules.h"

typedef struct {
    nn_axis y, x;
    int64_t groups, channels, filters; /* channels and filters of one group */
    int64_t taps;                      /* channels * kernel rows * kernel columns */
    int64_t image, positions;          /* cells of one input plane, of one output plane */
    bool pointwise;                    /* patches are the image itself */
} nn_conv_plan;

/* False where the kernel does not fit the input. */
bool nn_conv_sizes(const nn_node *node, nn_conv_plan *sizes);
/* Puts the defaults in place of zeros; refuses what no convolution can have. */
nn_status nn_conv_check_args(const nn_node *node, nn_conv_args *args, nn_error *error);

/* The passes of a convolution of these sizes over the rows of `ctx`, which need not be of a conv2d:
 * in[0] x, in[1] w, in[2] b or NULL -> out; grad_out -> grad_in, each where it is not NULL. */
size_t nn_conv_scratch(const nn_conv_plan *sizes);
void nn_conv_run_forward(const nn_ctx *ctx, const nn_conv_plan *sizes);
void nn_conv_run_backward(const nn_ctx *ctx, const nn_conv_plan *sizes);

/* Without patches and matrix products, where windows move one column at a time. */
bool nn_conv_is_direct(const nn_conv_plan *sizes);
size_t nn_conv_direct_scratch(const nn_conv_plan *sizes);
void nn_conv_direct_forward(const nn_ctx *ctx, const nn_conv_plan *sizes);
void nn_conv_direct_backward(const nn_ctx *ctx, const nn_conv_plan *sizes);

/* 3x3 windows that move one cell at a time, where there are channels enough: fewer products. */
bool nn_conv_is_winograd(const nn_conv_plan *sizes);
size_t nn_conv_winograd_scratch(const nn_conv_plan *sizes);
void nn_conv_winograd_forward(const nn_ctx *ctx, const nn_conv_plan *sizes);
void nn_conv_winograd_backward(const nn_ctx *ctx, const nn_conv_plan *sizes);

/* The gradient of the bias, over the shard. */
void nn_conv_backward_bias(const nn_ctx *ctx, const nn_conv_plan *sizes);
/* db[k] += the sum of dy over the positions, of one example. */
void nn_conv_add_bias_gradient(nn_real *db, const nn_real *dy, int64_t filters, int64_t positions);

#endif
