/* Convolution, pooling, batch norm and dropout. */
#include "tests/op_cases.h"

#include <string.h>

#define CONV(...)   ARGS(nn_conv_args, __VA_ARGS__)
#define POOL(...)   ARGS(nn_pool_args, __VA_ARGS__)
#define BATCH(...)  ARGS(nn_batch_norm_args, __VA_ARGS__)
#define TURNED(...) ARGS(nn_conv_transpose_args, __VA_ARGS__)
#define LENGTH(...) ARGS(length_args, __VA_ARGS__)
#define PLAIN_CONV  CONV(.groups = 1)
#define PLAIN_BATCH BATCH(.epsilon = 0)
#define NORM(f)     P(f), P(f), P(f), POSITIVE(f)

/* Of l2_normalise. */
typedef struct {
    double epsilon;
    int axis;
} length_args;

static const op_case cases[] = {
    CASE("dropout", "half", 5, INPUTS(X(7)), ARGS(nn_dropout_args, .rate = 0.5)),
    CASE("dropout", "image", 3, INPUTS(X(3, 5, 3)), ARGS(nn_dropout_args, .rate = 0.25)),
    CASE("dropout", "rate 0", 3, INPUTS(X(5)), ARGS(nn_dropout_args, .rate = 0)),
    CASE("dropout", "longer than a chunk", 2, INPUTS(X(701)), ARGS(nn_dropout_args, .rate = 0.1)),
    CASE("dropout", "evaluation", 3, INPUTS(X(11)), ARGS(nn_dropout_args, .rate = 0.5),
         .evaluation = true),
    CASE("dropout", "maps", 5, INPUTS(X(7, 3, 5)),
         ARGS(nn_dropout_args, .rate = 0.5, .maps = true)),
    CASE("dropout", "more maps than a chunk", 2, INPUTS(X(301, 2)),
         ARGS(nn_dropout_args, .rate = 0.3, .maps = true)),
    CASE("dropout", "maps in evaluation", 2, INPUTS(X(3, 2, 2)),
         ARGS(nn_dropout_args, .rate = 0.3, .maps = true), .evaluation = true),
    CASE("conv2d", "one element", 1, INPUTS(X(1, 1, 1), P(1, 1, 1, 1), P(1)), PLAIN_CONV),
    CASE("conv2d", "3x3", 3, INPUTS(X(2, 6, 7), P(3, 2, 3, 3), P(3)), PLAIN_CONV),
    CASE("conv2d", "no bias", 2, INPUTS(X(2, 5, 5), P(3, 2, 2, 2), NONE), PLAIN_CONV),
    CASE("conv2d", "5x5 as in the first layer", 2, INPUTS(X(1, 12, 28), P(8, 1, 5, 5), P(8)),
         PLAIN_CONV),
    CASE("conv2d", "5x5 as in the second layer", 2, INPUTS(X(8, 12, 12), P(16, 8, 5, 5), P(16)),
         PLAIN_CONV),
    CASE("conv2d", "same padding", 2, INPUTS(X(3, 9, 9), P(5, 3, 3, 3), P(5)),
         CONV(.pad = {1, 1, 1, 1})),
    CASE("conv2d", "stride 2", 2, INPUTS(X(2, 7, 8), P(3, 2, 3, 3), P(3)), CONV(.stride = {2, 2})),
    CASE("conv2d", "stride 2x3, padding on one side", 2, INPUTS(X(2, 7, 8), P(3, 2, 3, 2), P(3)),
         CONV(.stride = {2, 3}, .pad = {2, 0, 1, 3})),
    CASE("conv2d", "asymmetric padding", 2, INPUTS(X(2, 5, 6), P(3, 2, 3, 3), P(3)),
         CONV(.pad = {0, 2, 1, 0})),
    CASE("conv2d", "padding wider than the kernel", 1, INPUTS(X(1, 3, 3), P(2, 1, 2, 2), P(2)),
         CONV(.pad = {3, 3, 3, 3})),
    CASE("conv2d", "dilation", 2, INPUTS(X(2, 9, 10), P(3, 2, 3, 3), P(3)),
         CONV(.dilation = {2, 3}, .pad = {1, 2, 1, 2})),
    CASE("conv2d", "stride and dilation", 2, INPUTS(X(2, 9, 9), P(3, 2, 3, 3), P(3)),
         CONV(.stride = {2, 2}, .dilation = {2, 2}, .pad = {2, 2, 2, 2})),
    CASE("conv2d", "groups", 2, INPUTS(X(6, 5, 5), P(9, 2, 3, 3), P(9)), CONV(.groups = 3)),
    CASE("conv2d", "depthwise", 2, INPUTS(X(5, 6, 6), P(5, 1, 3, 3), P(5)),
         CONV(.groups = 5, .pad = {1, 1, 1, 1})),
    CASE("conv2d", "1x1", 3, INPUTS(X(5, 4, 3), P(7, 5, 1, 1), P(7)), PLAIN_CONV),
    CASE("conv2d", "1x1 in groups", 2, INPUTS(X(6, 4, 3), P(4, 3, 1, 1), P(4)), CONV(.groups = 2)),
    CASE("conv2d", "1x1 with stride", 2, INPUTS(X(3, 5, 5), P(4, 3, 1, 1), P(4)),
         CONV(.stride = {2, 2})),
    CASE("conv2d", "1x1, padded at the end alone", 2, INPUTS(X(3, 4, 5), P(4, 3, 1, 1), P(4)),
         CONV(.pad = {0, 0, 1, 2})),
    CASE("conv2d", "kernel as large as the image", 2, INPUTS(X(3, 4, 5), P(2, 3, 4, 5), P(2)),
         PLAIN_CONV),
    CASE("conv2d", "one row", 2, INPUTS(X(2, 1, 37), P(3, 2, 1, 5), P(3)), PLAIN_CONV),
    CASE("conv2d", "wide rows", 1, INPUTS(X(1, 4, 61), P(5, 1, 3, 3), P(5)), PLAIN_CONV),
    CASE("conv2d", "many filters", 1, INPUTS(X(2, 5, 5), P(33, 2, 3, 3), P(33)), PLAIN_CONV),
    CASE("conv2d", "3x3 of many channels", 3, INPUTS(X(8, 6, 8), P(8, 8, 3, 3), P(8)),
         CONV(.pad = {1, 1, 1, 1})),
    CASE("conv2d", "3x3 of many channels, odd sizes", 2, INPUTS(X(9, 5, 7), P(11, 9, 3, 3), P(11)),
         CONV(.pad = {1, 1, 1, 1})),
    CASE("conv2d", "3x3 of many channels, padded unevenly", 2,
         INPUTS(X(8, 6, 5), P(10, 8, 3, 3), NONE), CONV(.pad = {3, 0, 1, 4})),
    CASE("conv2d", "3x3 of many channels in groups", 2, INPUTS(X(16, 5, 5), P(18, 8, 3, 3), P(18)),
         CONV(.pad = {1, 2, 1, 0}, .groups = 2)),
    CASE("conv2d", "3x3 of many channels, wide rows", 1, INPUTS(X(8, 3, 37), P(8, 8, 3, 3), P(8)),
         CONV(.pad = {1, 1, 1, 1})),
    CASE("conv2d", "3x3 of many filters", 1, INPUTS(X(8, 4, 4), P(21, 8, 3, 3), P(21)),
         CONV(.pad = {1, 1, 1, 1})),
    CASE("conv1d", "one element", 1, INPUTS(X(1, 1), P(1, 1, 1), P(1)), PLAIN_CONV),
    CASE("conv1d", "three taps", 3, INPUTS(X(2, 19), P(5, 2, 3), P(5)), PLAIN_CONV),
    CASE("conv1d", "causal and dilated", 2, INPUTS(X(3, 21), P(4, 3, 3), NONE),
         CONV(.pad = {0, 4, 0, 0}, .dilation = {1, 2})),
    CASE("conv1d", "stride and groups", 2, INPUTS(X(4, 17), P(6, 2, 5), P(6)),
         CONV(.stride = {1, 3}, .pad = {0, 2, 0, 1}, .groups = 2)),
    CASE("conv_transpose2d", "one element", 1, INPUTS(X(1, 1, 1), P(1, 1, 1, 1), P(1)),
         TURNED(.conv = {.groups = 1})),
    CASE("conv_transpose2d", "3x3", 2, INPUTS(X(3, 4, 5), P(3, 2, 3, 3), P(2)),
         TURNED(.conv = {.groups = 1})),
    CASE("conv_transpose2d", "stride 2 with output padding", 2,
         INPUTS(X(3, 3, 4), P(3, 5, 3, 3), P(5)),
         TURNED(.conv = {.stride = {2, 2}, .pad = {1, 1, 1, 1}}, .output_padding = {1, 1})),
    CASE("conv_transpose2d", "stride 3x2, cut on one side", 2,
         INPUTS(X(2, 3, 4), P(2, 2, 3, 3), NONE),
         TURNED(.conv = {.stride = {3, 2}, .pad = {1, 0, 0, 2}}, .output_padding = {0, 1})),
    CASE("conv_transpose2d", "dilation and groups", 2, INPUTS(X(4, 4, 4), P(4, 3, 2, 3), P(6)),
         TURNED(.conv = {.dilation = {2, 2}, .groups = 2})),
    CASE("conv_transpose2d", "output padding beyond the stride", 2,
         INPUTS(X(2, 3, 9), P(2, 2, 2, 2), P(2)),
         TURNED(.conv = {.dilation = {3, 3}}, .output_padding = {2, 2})),
    CASE("conv_transpose2d", "3x3 of many channels", 2, INPUTS(X(9, 5, 6), P(9, 8, 3, 3), P(8)),
         TURNED(.conv = {.pad = {1, 1, 1, 1}})),
    CASE("conv_transpose2d", "1x1", 2, INPUTS(X(3, 4, 5), P(3, 4, 1, 1), P(4)),
         TURNED(.conv = {.groups = 1})),
    CASE("max_pool2d", "2x2", 3, INPUTS(X(2, 6, 8)), POOL(.kernel = {2, 2})),
    CASE("max_pool2d", "left-over row and column", 2, INPUTS(X(2, 7, 9)), POOL(.kernel = {2, 2})),
    CASE("max_pool2d", "overlap", 2, INPUTS(X(2, 7, 7)), POOL(.kernel = {3, 3}, .stride = {2, 2})),
    CASE("max_pool2d", "padding", 2, INPUTS(X(2, 5, 6)),
         POOL(.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 0, 2, 1})),
    CASE("max_pool2d", "gaps", 2, INPUTS(X(1, 9, 9)), POOL(.kernel = {2, 2}, .stride = {3, 4})),
    CASE("max_pool2d", "one element", 1, INPUTS(X(1, 1, 1)), POOL(.kernel = {1, 1})),
    CASE("max_pool2d", "whole plane", 2, INPUTS(X(3, 4, 5)), POOL(.kernel = {4, 5})),
    CASE("max_pool2d", "wide", 1, INPUTS(X(2, 4, 70)), POOL(.kernel = {2, 2})),
    CASE("max_pool2d", "2x2 padded", 2, INPUTS(X(1, 4, 4)),
         POOL(.kernel = {2, 2}, .pad = {1, 1, 1, 1})),
    CASE("average_pool2d", "2x2", 3, INPUTS(X(2, 6, 8)), POOL(.kernel = {2, 2})),
    CASE("average_pool2d", "left-over row and column", 2, INPUTS(X(2, 7, 9)),
         POOL(.kernel = {2, 2})),
    CASE("average_pool2d", "overlap, padding not counted", 2, INPUTS(X(2, 5, 6)),
         POOL(.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 0, 2, 1})),
    CASE("average_pool2d", "overlap, padding counted", 2, INPUTS(X(2, 5, 6)),
         POOL(.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 0, 2, 1}, .count_include_pad = true)),
    CASE("average_pool2d", "global", 2, INPUTS(X(3, 4, 5)), POOL(.kernel = {4, 5})),
    CASE("average_pool2d", "one element", 1, INPUTS(X(1, 1, 1)), POOL(.kernel = {1, 1})),
    CASE("max_pool2d", "ceiling", 2, INPUTS(X(2, 6, 7)),
         POOL(.kernel = {3, 3}, .stride = {2, 3}, .ceil_mode = true)),
    CASE("max_pool2d", "dilation", 2, INPUTS(X(2, 8, 9)),
         POOL(.kernel = {3, 2}, .stride = {1, 1}, .dilation = {2, 3}, .pad = {1, 1, 2, 1})),
    CASE("max_pool2d", "3x3 padded, two apart", 1, INPUTS(X(2, 9, 33)),
         POOL(.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1})),
    CASE("max_pool2d", "2x2 to the ceiling", 2, INPUTS(X(2, 5, 7)),
         POOL(.kernel = {2, 2}, .ceil_mode = true)),
    CASE("average_pool2d", "ceiling, padding counted", 2, INPUTS(X(2, 6, 7)),
         POOL(.kernel = {3, 3}, .stride = {2, 3}, .pad = {1, 1, 1, 1}, .ceil_mode = true,
              .count_include_pad = true)),
    CASE("average_pool2d", "ceiling, padding not counted", 2, INPUTS(X(2, 6, 8)),
         POOL(.kernel = {3, 3}, .stride = {2, 3}, .pad = {0, 1, 1, 0}, .ceil_mode = true)),
    CASE("global_average_pool", "one element", 1, INPUTS(X(1, 1))),
    CASE("global_average_pool", "image", 3, INPUTS(X(3, 4, 9))),
    CASE("global_average_pool", "sequence", 2, INPUTS(X(2, 37))),
    CASE("global_max_pool", "one element", 1, INPUTS(X(1, 1))),
    CASE("global_max_pool", "image", 3, INPUTS(X(3, 5, 9))),
    CASE("global_max_pool", "sequence", 2, INPUTS(X(2, 37))),
    CASE("batch_norm", "features", 7, INPUTS(X(5), NORM(5)), PLAIN_BATCH),
    CASE("batch_norm", "channels", 3, INPUTS(X(4, 3, 5), NORM(4)), PLAIN_BATCH),
    CASE("batch_norm", "large epsilon", 4, INPUTS(X(3), NORM(3)),
         BATCH(.epsilon = 0.1, .momentum = 0.5)),
    CASE("batch_norm", "one example of many cells", 1, INPUTS(X(2, 5, 5), NORM(2)), PLAIN_BATCH),
    CASE("batch_norm", "sequences", 3, INPUTS(X(2, 9), NORM(2)), PLAIN_BATCH),
    CASE("batch_norm", "evaluation of features", 3, INPUTS(X(5), NORM(5)), PLAIN_BATCH,
         .evaluation = true),
    CASE("batch_norm", "evaluation of channels", 2, INPUTS(X(3, 4, 2), NORM(3)), PLAIN_BATCH,
         .evaluation = true),
    CASE("batch_norm", "no epsilon, biased running variance", 4, INPUTS(X(3), NORM(3)),
         BATCH(.epsilon = NN_NONE, .momentum = NN_NONE, .biased = true)),
    CASE("l2_normalise", "one element", 1, INPUTS(X(1)), LENGTH(.axis = -1)),
    CASE("l2_normalise", "features", 5, INPUTS(X(13)), LENGTH(.axis = -1)),
    CASE("l2_normalise", "channels", 2, INPUTS(X(5, 3, 4)), LENGTH(.axis = 1)),
    CASE("l2_normalise", "the last axis", 2, INPUTS(X(3, 19)), LENGTH(.axis = -1)),
    CASE("l2_normalise", "below epsilon", 2, INPUTS(X(7)), LENGTH(.axis = 1, .epsilon = 100)),
};

static op_input image(dice *d, int channels, int most)
{
    return op_activation_of(3, channels, throw_dice(d, 1, most), throw_dice(d, 1, most));
}

static void random_conv(dice *d, op_case *c)
{
    int groups = throw_dice(d, 1, 3), channels = throw_dice(d, 1, 3), filters = throw_dice(d, 1, 6);
    c->input[0] = image(d, groups * channels, 13);
    c->input[1] = op_parameter_of(4, groups * filters, channels, 1, 1);
    nn_conv_args args = {.groups = groups};
    for (int i = 0; i < 2; i++) {
        args.stride[i] = throw_dice(d, 1, 3) == 1 ? 2 : 1;
        args.dilation[i] = throw_dice(d, 1, 4) == 1 ? 2 : 1;
        args.pad[i] = throw_dice(d, 0, 2);
        args.pad[i + 2] = throw_dice(d, 0, 2);
        int64_t room = c->input[0].dim[1 + i] + args.pad[i] + args.pad[i + 2];
        int64_t most = (room - 1) / args.dilation[i] + 1;
        c->input[1].dim[2 + i] = throw_dice(d, 1, most < 5 ? (int)most : 5);
    }
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(1, groups * filters);
    op_draw(c, &args, sizeof args);
}

static void random_conv1d(dice *d, op_case *c)
{
    random_conv(d, c);
    nn_conv_args args;
    memcpy(&args, c->drawn, sizeof args);
    c->input[0].rank = 2;
    c->input[0].dim[1] = c->input[0].dim[2];
    c->input[1].rank = 3;
    c->input[1].dim[2] = c->input[1].dim[3];
    args.stride[0] = args.dilation[0] = 1;
    args.pad[0] = args.pad[2] = 0;
    op_draw(c, &args, sizeof args);
}

static void random_transposed(dice *d, op_case *c)
{
    int groups = throw_dice(d, 1, 3), channels = throw_dice(d, 1, 3), filters = throw_dice(d, 1, 4);
    nn_conv_transpose_args args = {.conv.groups = groups};
    c->input[0] = image(d, groups * channels, 6);
    c->input[1] = op_parameter_of(4, groups * channels, filters, 1, 1);
    for (int i = 0; i < 2; i++) {
        int kernel = throw_dice(d, 1, 4), stride = throw_dice(d, 1, 3);
        int dilation = throw_dice(d, 1, 2),
            room = kernel + stride * ((int)c->input[0].dim[1 + i] - 1);
        c->input[1].dim[2 + i] = kernel;
        args.conv.stride[i] = stride;
        args.conv.dilation[i] = dilation;
        args.output_padding[i] = throw_dice(d, 0, (stride > dilation ? stride : dilation) - 1);
        args.conv.pad[i] = throw_dice(d, 0, room > 3 ? 2 : room - 1);
        args.conv.pad[i + 2] = throw_dice(d, 0, room - 1 - args.conv.pad[i] > 2 ? 2 : 0);
    }
    if (throw_dice(d, 0, 1))
        c->input[2] = op_parameter_of(1, groups * filters);
    op_draw(c, &args, sizeof args);
}

static void random_pool(dice *d, op_case *c)
{
    c->input[0] = image(d, throw_dice(d, 1, 4), 13);
    nn_pool_args args = {.ceil_mode = throw_dice(d, 0, 1)};
    for (int i = 0; i < 2; i++) {
        int64_t size = c->input[0].dim[1 + i];
        args.kernel[i] = throw_dice(d, 1, size < 4 ? (int)size : 4);
        args.stride[i] = throw_dice(d, 0, 3);
        args.pad[i] = throw_dice(d, 0, args.kernel[i] - 1);
        args.pad[i + 2] = throw_dice(d, 0, args.kernel[i] - 1);
    }
    args.count_include_pad = throw_dice(d, 0, 1);
    op_draw(c, &args, sizeof args);
}

static void random_max_pool(dice *d, op_case *c)
{
    random_pool(d, c);
    nn_pool_args args;
    memcpy(&args, c->drawn, sizeof args);
    for (int i = 0; i < 2; i++)
        if (throw_dice(d, 0, 2) == 0 && args.pad[i] == 0 && args.pad[i + 2] == 0 &&
            2 * (args.kernel[i] - 1) < c->input[0].dim[1 + i])
            args.dilation[i] = 2;
    op_draw(c, &args, sizeof args);
}

static void random_planes(dice *d, op_case *c)
{
    c->input[0] = image(d, throw_dice(d, 1, 4), 9);
}

static void random_norm(dice *d, op_case *c)
{
    int channels = throw_dice(d, 1, 6);
    c->rows += 1;
    c->input[0] = image(d, channels, 5);
    c->input[0].dim[2] += 1; /* two values a channel at least */
    for (int i = 1; i < 5; i++)
        c->input[i] = op_parameter_of(1, channels);
    c->input[4].kind = OP_POSITIVE;
    op_draw(c, &(nn_batch_norm_args){.epsilon = 0}, sizeof(nn_batch_norm_args));
}

static void random_dropout(dice *d, op_case *c)
{
    c->input[0] = op_activation_of(2, throw_dice(d, 1, 5), throw_dice(d, 1, 40));
    nn_dropout_args args = {throw_dice(d, 0, 9) / 10.0, throw_dice(d, 0, 1)};
    op_draw(c, &args, sizeof args);
}

static void random_length(dice *d, op_case *c)
{
    c->input[0] = image(d, throw_dice(d, 1, 4), 9);
    length_args args = {0, throw_dice(d, 1, 3)};
    op_draw(c, &args, sizeof args);
}

static const op_traits traits[] = {
    {.op = "dropout", .random = random_dropout, .linear = true, .nan_may_vanish = true},
    {.op = "conv2d", .random = random_conv, .linear = true, .depends_on_cut = true},
    {.op = "conv1d", .random = random_conv1d, .linear = true, .depends_on_cut = true},
    {.op = "conv_transpose2d", .random = random_transposed, .linear = true, .depends_on_cut = true},
    {.op = "max_pool2d", .random = random_max_pool, .kinked = true},
    {.op = "average_pool2d", .random = random_pool, .linear = true},
    {.op = "global_average_pool", .random = random_planes, .linear = true},
    {.op = "global_max_pool", .random = random_planes, .kinked = true},
    {.op = "batch_norm",
     .random = random_norm,
     .depends_on_cut = true,
     .mixes = true,
     .constant = 1u << 3 | 1u << 4},
    {.op = "l2_normalise", .random = random_length},
};

const op_family op_family_convolution = OP_FAMILY(cases, traits);
