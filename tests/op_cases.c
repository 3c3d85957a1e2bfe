#include "tests/op_cases.h"

#include "engine/rng.h"

#include <string.h>

#define X(...)                                                                                     \
    {                                                                                              \
        OP_ACTIVATION, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SCALAR_ROWS                                                                                \
    {                                                                                              \
        OP_ACTIVATION, 0,                                                                          \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define P(...)                                                                                     \
    {                                                                                              \
        OP_PARAMETER, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                          \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define V(n)                                                                                       \
    {                                                                                              \
        OP_POSITIVE, 1,                                                                            \
        {                                                                                          \
            n                                                                                      \
        }                                                                                          \
    }
#define LABELS(n)                                                                                  \
    {                                                                                              \
        OP_LABELS, 0,                                                                              \
        {                                                                                          \
            n                                                                                      \
        }                                                                                          \
    }
#define NORM(f) P(f), P(f), P(f), V(f)

static const op_case cases[] = {
    {"add", "one element", 1, {X(1), X(1)}, {0}, false},
    {"add", "odd", 5, {X(3, 7), X(3, 7)}, {0}, false},
    {"add", "wide", 3, {X(1031), X(1031)}, {0}, false},

    {"linear", "one element", 1, {X(1), P(1, 1), P(1)}, {0}, false},
    {"linear", "odd", 7, {X(13), P(5, 13), P(5)}, {0}, false},
    {"linear", "no bias", 4, {X(6), P(9, 6), {0}}, {0}, false},
    {"linear", "wide", 3, {X(257), P(3, 257), P(3)}, {0}, false},
    {"linear", "many units", 2, {X(3), P(67, 3), P(67)}, {0}, false},

    {"relu", "one element", 1, {X(1)}, {0}, false},
    {"relu", "image", 3, {X(2, 5, 3)}, {0}, false},
    {"relu", "wide", 2, {X(515)}, {0}, false},
    {"leaky_relu", "one element", 1, {X(1)}, {.number = 0.01}, false},
    {"leaky_relu", "image", 3, {X(2, 5, 3)}, {.number = 0.2}, false},
    {"leaky_relu", "slope 0 is relu", 3, {X(17)}, {.number = 0}, false},
    {"leaky_relu", "slope 1 is the identity", 3, {X(17)}, {.number = 1}, false},
    {"sigmoid", "one element", 1, {X(1)}, {0}, false},
    {"sigmoid", "odd", 3, {X(5, 3)}, {0}, false},
    {"sigmoid", "wide", 2, {X(259)}, {0}, false},
    {"tanh", "one element", 1, {X(1)}, {0}, false},
    {"tanh", "odd", 3, {X(5, 3)}, {0}, false},
    {"tanh", "wide", 2, {X(259)}, {0}, false},

    {"flatten", "image", 3, {X(2, 5, 3)}, {0}, false},
    {"flatten", "already flat", 2, {X(7)}, {0}, false},
    {"flatten", "one element", 1, {X(1, 1, 1)}, {0}, false},

    {"dropout", "half", 5, {X(7)}, {.number = 0.5}, false},
    {"dropout", "image", 3, {X(3, 5, 3)}, {.number = 0.25}, false},
    {"dropout", "rate 0", 3, {X(5)}, {.number = 0}, false},
    {"dropout", "longer than a chunk", 2, {X(701)}, {.number = 0.1}, false},
    {"dropout", "evaluation", 3, {X(11)}, {.number = 0.5}, true},

    {"conv2d", "one element", 1, {X(1, 1, 1), P(1, 1, 1, 1), P(1)}, {0}, false},
    {"conv2d", "3x3", 3, {X(2, 6, 7), P(3, 2, 3, 3), P(3)}, {0}, false},
    {"conv2d", "no bias", 2, {X(2, 5, 5), P(3, 2, 2, 2), {0}}, {0}, false},
    {"conv2d", "5x5 as in the first layer", 2, {X(1, 12, 28), P(8, 1, 5, 5), P(8)}, {0}, false},
    {"conv2d", "5x5 as in the second layer", 2, {X(8, 12, 12), P(16, 8, 5, 5), P(16)}, {0}, false},
    {"conv2d",
     "same padding",
     2,
     {X(3, 9, 9), P(5, 3, 3, 3), P(5)},
     {.conv = {.pad = {1, 1, 1, 1}}},
     false},
    {"conv2d",
     "stride 2",
     2,
     {X(2, 7, 8), P(3, 2, 3, 3), P(3)},
     {.conv = {.stride = {2, 2}}},
     false},
    {"conv2d",
     "stride 2x3, padding on one side",
     2,
     {X(2, 7, 8), P(3, 2, 3, 2), P(3)},
     {.conv = {.stride = {2, 3}, .pad = {2, 0, 1, 3}}},
     false},
    {"conv2d",
     "asymmetric padding",
     2,
     {X(2, 5, 6), P(3, 2, 3, 3), P(3)},
     {.conv = {.pad = {0, 2, 1, 0}}},
     false},
    {"conv2d",
     "padding wider than the kernel",
     1,
     {X(1, 3, 3), P(2, 1, 2, 2), P(2)},
     {.conv = {.pad = {3, 3, 3, 3}}},
     false},
    {"conv2d",
     "dilation",
     2,
     {X(2, 9, 10), P(3, 2, 3, 3), P(3)},
     {.conv = {.dilation = {2, 3}, .pad = {1, 2, 1, 2}}},
     false},
    {"conv2d",
     "stride and dilation",
     2,
     {X(2, 9, 9), P(3, 2, 3, 3), P(3)},
     {.conv = {.stride = {2, 2}, .dilation = {2, 2}, .pad = {2, 2, 2, 2}}},
     false},
    {"conv2d", "groups", 2, {X(6, 5, 5), P(9, 2, 3, 3), P(9)}, {.conv = {.groups = 3}}, false},
    {"conv2d",
     "depthwise",
     2,
     {X(5, 6, 6), P(5, 1, 3, 3), P(5)},
     {.conv = {.groups = 5, .pad = {1, 1, 1, 1}}},
     false},
    {"conv2d", "1x1", 3, {X(5, 4, 3), P(7, 5, 1, 1), P(7)}, {0}, false},
    {"conv2d",
     "1x1 in groups",
     2,
     {X(6, 4, 3), P(4, 3, 1, 1), P(4)},
     {.conv = {.groups = 2}},
     false},
    {"conv2d",
     "1x1 with stride",
     2,
     {X(3, 5, 5), P(4, 3, 1, 1), P(4)},
     {.conv = {.stride = {2, 2}}},
     false},
    {"conv2d",
     "1x1, padded at the end alone",
     2,
     {X(3, 4, 5), P(4, 3, 1, 1), P(4)},
     {.conv = {.pad = {0, 0, 1, 2}}},
     false},
    {"conv2d", "kernel as large as the image", 2, {X(3, 4, 5), P(2, 3, 4, 5), P(2)}, {0}, false},
    {"conv2d", "one row", 2, {X(2, 1, 37), P(3, 2, 1, 5), P(3)}, {0}, false},
    {"conv2d", "wide rows", 1, {X(1, 4, 61), P(5, 1, 3, 3), P(5)}, {0}, false},
    {"conv2d", "many filters", 1, {X(2, 5, 5), P(33, 2, 3, 3), P(33)}, {0}, false},

    {"max_pool2d", "2x2", 3, {X(2, 6, 8)}, {.pool = {.kernel = {2, 2}}}, false},
    {"max_pool2d",
     "left-over row and column",
     2,
     {X(2, 7, 9)},
     {.pool = {.kernel = {2, 2}}},
     false},
    {"max_pool2d",
     "overlap",
     2,
     {X(2, 7, 7)},
     {.pool = {.kernel = {3, 3}, .stride = {2, 2}}},
     false},
    {"max_pool2d",
     "padding",
     2,
     {X(2, 5, 6)},
     {.pool = {.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 0, 2, 1}}},
     false},
    {"max_pool2d", "gaps", 2, {X(1, 9, 9)}, {.pool = {.kernel = {2, 2}, .stride = {3, 4}}}, false},
    {"max_pool2d", "one element", 1, {X(1, 1, 1)}, {.pool = {.kernel = {1, 1}}}, false},
    {"max_pool2d", "whole plane", 2, {X(3, 4, 5)}, {.pool = {.kernel = {4, 5}}}, false},
    {"max_pool2d", "wide", 1, {X(2, 4, 70)}, {.pool = {.kernel = {2, 2}}}, false},
    {"max_pool2d",
     "2x2 padded",
     2,
     {X(1, 4, 4)},
     {.pool = {.kernel = {2, 2}, .pad = {1, 1, 1, 1}}},
     false},

    {"average_pool2d", "2x2", 3, {X(2, 6, 8)}, {.pool = {.kernel = {2, 2}}}, false},
    {"average_pool2d",
     "left-over row and column",
     2,
     {X(2, 7, 9)},
     {.pool = {.kernel = {2, 2}}},
     false},
    {"average_pool2d",
     "overlap, padding not counted",
     2,
     {X(2, 5, 6)},
     {.pool = {.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 0, 2, 1}}},
     false},
    {"average_pool2d",
     "overlap, padding counted",
     2,
     {X(2, 5, 6)},
     {.pool = {.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 0, 2, 1}, .count_include_pad = true}},
     false},
    {"average_pool2d", "global", 2, {X(3, 4, 5)}, {.pool = {.kernel = {4, 5}}}, false},
    {"average_pool2d", "one element", 1, {X(1, 1, 1)}, {.pool = {.kernel = {1, 1}}}, false},

    {"batch_norm", "features", 7, {X(5), NORM(5)}, {0}, false},
    {"batch_norm", "channels", 3, {X(4, 3, 5), NORM(4)}, {0}, false},
    {"batch_norm",
     "large epsilon",
     4,
     {X(3), NORM(3)},
     {.norm = {.epsilon = 0.1, .momentum = 0.5}},
     false},
    {"batch_norm", "one example of many cells", 1, {X(2, 5, 5), NORM(2)}, {0}, false},
    {"batch_norm", "sequences", 3, {X(2, 9), NORM(2)}, {0}, false},
    {"batch_norm", "evaluation of features", 3, {X(5), NORM(5)}, {0}, true},
    {"batch_norm", "evaluation of channels", 2, {X(3, 4, 2), NORM(3)}, {0}, true},

    {"softmax_cross_entropy", "ten classes", 7, {X(10), LABELS(10)}, {0}, false},
    {"softmax_cross_entropy", "two classes", 3, {X(2), LABELS(2)}, {0}, false},
    {"softmax_cross_entropy", "one class", 2, {X(1), LABELS(1)}, {0}, false},
    {"softmax_cross_entropy", "many classes", 3, {X(131), LABELS(131)}, {0}, false},
    {"sigmoid_cross_entropy", "column", 7, {X(1), LABELS(2)}, {0}, false},
    {"sigmoid_cross_entropy", "vector", 19, {SCALAR_ROWS, LABELS(2)}, {0}, false},
    {"sigmoid_cross_entropy", "one example", 1, {X(1), LABELS(2)}, {0}, false},

    {"mean", "vector", 7, {SCALAR_ROWS}, {0}, false},
    {"mean", "image", 3, {X(2, 5, 3)}, {0}, false},
    {"mean", "one element", 1, {X(1)}, {0}, false},
};

int op_case_count(void)
{
    return (int)(sizeof cases / sizeof *cases);
}

const op_case *op_case_at(int i)
{
    return &cases[i];
}

const nn_op *op_by_name(const char *name)
{
    for (int i = 0; i < NN_OP_COUNT; i++)
        if (strcmp(nn_op_at(i)->name, name) == 0)
            return nn_op_at(i);
    return NULL;
}

int op_case_inputs(const op_case *c)
{
    int count = op_by_name(c->op)->max_inputs;
    return count < 5 ? count : 5;
}

static bool is(const char *op, const char *name)
{
    return strcmp(op, name) == 0;
}

size_t op_case_args_size(const op_case *c)
{
    if (is(c->op, "conv2d"))
        return sizeof c->args.conv;
    if (is(c->op, "max_pool2d") || is(c->op, "average_pool2d"))
        return sizeof c->args.pool;
    if (is(c->op, "batch_norm"))
        return sizeof c->args.norm;
    return is(c->op, "leaky_relu") || is(c->op, "dropout") ? sizeof c->args.number : 0;
}

bool op_is_linear(const char *op)
{
    return is(op, "add") || is(op, "linear") || is(op, "flatten") || is(op, "dropout") ||
           is(op, "conv2d") || is(op, "average_pool2d") || is(op, "mean");
}

bool op_depends_on_cut(const char *op)
{
    return is(op, "linear") || is(op, "conv2d") || is(op, "batch_norm") || is(op, "mean");
}

/* --- random cases -------------------------------------------------------------------------------
 */

typedef struct {
    uint64_t seed;
    uint32_t drawn;
} dice;

static int throw_dice(dice *d, int low, int high)
{
    double u = nn_uniform_at(d->seed, 17, 0, d->drawn++);
    return low + (int)(u * (high - low + 1));
}

static op_input image(dice *d, int channels, int most)
{
    return (op_input){OP_ACTIVATION, 3, {channels, throw_dice(d, 1, most), throw_dice(d, 1, most)}};
}

static void random_conv(dice *d, op_case *c)
{
    int groups = throw_dice(d, 1, 3), channels = throw_dice(d, 1, 3), filters = throw_dice(d, 1, 6);
    c->input[0] = image(d, groups * channels, 13);
    nn_conv_args *args = &c->args.conv;
    args->groups = groups;
    c->input[1] = (op_input){OP_PARAMETER, 4, {groups * filters, channels, 1, 1}};
    for (int i = 0; i < 2; i++) {
        args->stride[i] = throw_dice(d, 1, 3) == 1 ? 2 : 1;
        args->dilation[i] = throw_dice(d, 1, 4) == 1 ? 2 : 1;
        args->pad[i] = throw_dice(d, 0, 2);
        args->pad[i + 2] = throw_dice(d, 0, 2);
        int64_t room = c->input[0].dim[1 + i] + args->pad[i] + args->pad[i + 2];
        int64_t most = (room - 1) / args->dilation[i] + 1;
        c->input[1].dim[2 + i] = throw_dice(d, 1, most < 5 ? (int)most : 5);
    }
    if (throw_dice(d, 0, 1))
        c->input[2] = (op_input){OP_PARAMETER, 1, {groups * filters}};
}

static void random_pool(dice *d, op_case *c)
{
    c->input[0] = image(d, throw_dice(d, 1, 4), 13);
    nn_pool_args *args = &c->args.pool;
    for (int i = 0; i < 2; i++) {
        int64_t size = c->input[0].dim[1 + i];
        args->kernel[i] = throw_dice(d, 1, size < 4 ? (int)size : 4);
        args->stride[i] = throw_dice(d, 0, 3);
        args->pad[i] = throw_dice(d, 0, args->kernel[i] - 1);
        args->pad[i + 2] = throw_dice(d, 0, args->kernel[i] - 1);
    }
    args->count_include_pad = throw_dice(d, 0, 1);
}

bool op_case_random(const char *op, uint64_t seed, op_case *c)
{
    dice d = {seed, 0};
    *c = (op_case){.op = op, .what = "random", .rows = throw_dice(&d, 1, 6)};
    int wide = throw_dice(&d, 1, 40);
    if (is(op, "conv2d"))
        random_conv(&d, c);
    else if (is(op, "max_pool2d") || is(op, "average_pool2d"))
        random_pool(&d, c);
    else if (is(op, "linear")) {
        int units = throw_dice(&d, 1, 30);
        c->input[0] = (op_input){OP_ACTIVATION, 1, {wide}};
        c->input[1] = (op_input){OP_PARAMETER, 2, {units, wide}};
        if (throw_dice(&d, 0, 1))
            c->input[2] = (op_input){OP_PARAMETER, 1, {units}};
    } else if (is(op, "batch_norm")) {
        int channels = throw_dice(&d, 1, 6);
        c->rows += 1;
        c->input[0] = image(&d, channels, 5);
        c->input[0].dim[2] += 1; /* two values a channel at least */
        for (int i = 1; i < 5; i++)
            c->input[i] = (op_input){i < 4 ? OP_PARAMETER : OP_POSITIVE, 1, {channels}};
    } else if (is(op, "softmax_cross_entropy")) {
        c->input[0] = (op_input){OP_ACTIVATION, 1, {wide}};
        c->input[1] = (op_input){OP_LABELS, 0, {wide}};
    } else if (is(op, "sigmoid_cross_entropy")) {
        c->input[0] = (op_input){OP_ACTIVATION, 1, {1}};
        c->input[1] = (op_input){OP_LABELS, 0, {2}};
    } else {
        c->input[0] = (op_input){OP_ACTIVATION, 2, {throw_dice(&d, 1, 5), wide}};
        if (is(op, "add"))
            c->input[1] = c->input[0];
        if (is(op, "leaky_relu") || is(op, "dropout"))
            c->args.number = throw_dice(&d, 0, 9) / 10.0;
    }
    return true;
}
