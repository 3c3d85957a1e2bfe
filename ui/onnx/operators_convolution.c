/* Conv, ConvTranspose, pools, BatchNormalization, Dropout: N examples are the batch. */
#include "ui/onnx/operator.h"
#include "ui/onnx/windows.h"

#include <math.h>

/* The examples, channels first, with at least two spatial axes. */
static nn_node *images(onnx_call *call)
{
    return onnx_rows_as(call, 0, onnx_flat_image(onnx_input(call, 0)->shape));
}

static bool flat_only(onnx_call *call, const onnx_windows *w)
{
    if (w->axes > 2)
        onnx_refuse(call, "%d spatial axes; this engine has 1 and 2", w->axes);
    return !onnx_failed(call);
}

/* --- Conv, ConvTranspose ------------------------------------------------------------------------
 */

static bool read_group(onnx_call *call, int *group)
{
    int64_t number = onnx_int(call, "group");
    if (number < 1 || number > ONNX_MAX_ELEMENTS)
        onnx_refuse(call, "group %lld: expected 1 or more", (long long)number);
    *group = (int)number;
    return !onnx_failed(call);
}

static bool weight_fits(onnx_call *call, nn_shape x, nn_shape w)
{
    if (x.rank != w.rank || x.rank < 3)
        onnx_refuse(call, "X has %d dimensions and W %d; expected the same, 3 or more", x.rank,
                    w.rank);
    return !onnx_failed(call);
}

static void build_conv(onnx_call *call)
{
    nn_shape x = onnx_input(call, 0)->shape, shape = onnx_input(call, 1)->shape;
    onnx_windows w;
    nn_conv_args args = {.groups = 1};
    if (!weight_fits(call, x, shape) || !onnx_read_windows(call, x, shape.dim + 2, &w) ||
        !read_group(call, &args.groups) || !flat_only(call, &w))
        return;
    onnx_windows_flat(&w, args.stride, args.pad, args.dilation);
    nn_shape y = onnx_windows_shape(&w, x.dim[0], shape.dim[0]);
    if (!onnx_work(call, (double)nn_shape_row(y) * (double)x.dim[0]))
        return;
    nn_node *bias = onnx_has(call, 2) ? onnx_weight(call, 2) : NULL;
    onnx_give(call, 0,
              nn_conv2d(onnx_graph(call), images(call),
                        onnx_weight_as(call, 1, onnx_flat_kernel(shape)), bias, args),
              ONNX_FLOAT, y);
}

static void build_conv_transpose(onnx_call *call)
{
    nn_shape x = onnx_input(call, 0)->shape, shape = onnx_input(call, 1)->shape;
    onnx_windows w;
    int extra[ONNX_SPACE];
    nn_conv_transpose_args args = {.conv = {.groups = 1}};
    if (!weight_fits(call, x, shape) || !onnx_read_transposed(call, x, shape.dim + 2, &w, extra) ||
        !read_group(call, &args.conv.groups) || !flat_only(call, &w))
        return;
    onnx_windows_flat(&w, args.conv.stride, args.conv.pad, args.conv.dilation);
    args.output_padding[1] = extra[w.axes - 1];
    args.output_padding[0] = w.axes == 2 ? extra[0] : 0;
    nn_shape y = onnx_windows_shape(&w, x.dim[0], shape.dim[1] * args.conv.groups);
    nn_node *bias = onnx_has(call, 2) ? onnx_weight(call, 2) : NULL;
    onnx_give(call, 0,
              nn_conv_transpose2d(onnx_graph(call), images(call),
                                  onnx_weight_as(call, 1, onnx_flat_kernel(shape)), bias, args),
              ONNX_FLOAT, y);
}

/* --- pools --------------------------------------------------------------------------------------
 */

static nn_pool_args pool_args(const onnx_call *call, const onnx_windows *w)
{
    nn_pool_args args = {.kernel = {1, w->kernel[w->axes - 1]},
                         .ceil_mode = onnx_int(call, "ceil_mode") != 0,
                         .count_include_pad = onnx_int(call, "count_include_pad") != 0};
    if (w->axes == 2)
        args.kernel[0] = w->kernel[0];
    onnx_windows_flat(w, args.stride, args.pad, args.dilation);
    return args;
}

static bool pool_work(onnx_call *call, const onnx_windows *w, nn_shape y)
{
    double cells = 1;
    for (int i = 0; i < y.rank; i++)
        cells *= (double)y.dim[i];
    return onnx_work(call, cells * onnx_taps(w));
}

/* Where in x the maximum under window `cell` of a plane lies: the first one, NaN before all. -1
 * where the window sees padding alone. */
static int64_t find_maximum(const onnx_windows *w, const float *plane, const int *cell)
{
    int64_t best = -1;
    int tap[ONNX_SPACE] = {0};
    for (bool more = true; more;) {
        int64_t place = 0;
        bool inside = true;
        for (int i = 0; i < w->axes; i++) {
            int64_t at =
                (int64_t)cell[i] * w->stride[i] - w->before[i] + (int64_t)tap[i] * w->dilation[i];
            inside &= at >= 0 && at < w->in[i];
            place = place * w->in[i] + at;
        }
        if (inside && (best < 0 || plane[place] > plane[best] ||
                       (isnan(plane[place]) && !isnan(plane[best]))))
            best = place;
        int axis = w->axes - 1;
        while (axis >= 0 && ++tap[axis] == w->kernel[axis])
            tap[axis--] = 0;
        more = axis >= 0;
    }
    return best;
}

/* storage_order 1: the last axis of x counts slowest. */
static int64_t column_major(const onnx_windows *w, int64_t place)
{
    int64_t at[ONNX_SPACE], turned = 0;
    for (int i = w->axes - 1; i >= 0; i--) {
        at[i] = place % w->in[i];
        place /= w->in[i];
    }
    for (int i = w->axes - 1; i >= 0; i--)
        turned = turned * w->in[i] + at[i];
    return turned;
}

static void give_indices(onnx_call *call, const onnx_windows *w, nn_shape y)
{
    const onnx_tensor *x = onnx_input(call, 0);
    float *index = onnx_give_numbers(call, 1, ONNX_INT64, y);
    bool columns = onnx_int(call, "storage_order") != 0;
    int64_t planes = y.dim[0] * y.dim[1], size = 1, k = 0;
    for (int i = 0; i < w->axes; i++)
        size *= w->in[i];
    for (int64_t p = 0; p < planes && index; p++) {
        int cell[ONNX_SPACE] = {0};
        for (bool more = true; more; k++) {
            int64_t place = find_maximum(w, x->data + p * size, cell);
            if (columns && place >= 0)
                place = column_major(w, place);
            index[k] = (float)(p * size + place);
            int axis = w->axes - 1;
            while (axis >= 0 && ++cell[axis] == w->out[axis])
                cell[axis--] = 0;
            more = axis >= 0;
        }
    }
}

static void build_pool(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    bool maximum = onnx_op(call)->variant == 0;
    onnx_windows w;
    if (!onnx_read_windows(call, x->shape, NULL, &w) || !flat_only(call, &w))
        return;
    nn_shape y = onnx_windows_shape(&w, x->shape.dim[0], x->shape.dim[1]);
    if (!pool_work(call, &w, y))
        return;
    nn_pool_args args = pool_args(call, &w);
    nn_node *(*pool)(nn_graph *, nn_node *, nn_pool_args) =
        maximum ? nn_max_pool2d : nn_average_pool2d;
    onnx_give(call, 0, pool(onnx_graph(call), images(call), args), x->type, y);
    if (maximum)
        give_indices(call, &w, y);
}

static void build_global_pool(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    nn_shape y = x->shape;
    if (y.rank < 3) {
        onnx_refuse(call, "X has %d dimensions; 3 or more are expected", y.rank);
        return;
    }
    for (int i = 2; i < y.rank; i++)
        y.dim[i] = 1;
    nn_node *(*pool)(nn_graph *, nn_node *) =
        onnx_op(call)->variant == 0 ? nn_global_max_pool : nn_global_average_pool;
    onnx_give(call, 0, pool(onnx_graph(call), onnx_rows(call, 0, 0)), x->type, y);
}

/* --- BatchNormalization -------------------------------------------------------------------------
 */

enum { X, SCALE, SHIFT, MEAN, VARIANCE };

/* Outputs 1 and 2 in training: running * momentum + batch * (1 - momentum), where ONNX takes the
 * batch's variance with divisor m, the engine (and PyTorch) with m - 1. */
static void give_running(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, X);
    double momentum = onnx_float(call, "momentum");
    int64_t channels = x->shape.dim[1], cells = nn_shape_row(x->shape) / channels;
    float *mean = onnx_give_numbers(call, 1, ONNX_FLOAT, nn_shape1(channels));
    float *variance = onnx_give_numbers(call, 2, ONNX_FLOAT, nn_shape1(channels));
    for (int64_t c = 0; c < channels && mean && variance; c++) {
        double sum = 0, square = 0, count = (double)(x->shape.dim[0] * cells);
        for (int pass = 0; pass < 2; pass++)
            for (int64_t n = 0; n < x->shape.dim[0]; n++)
                for (int64_t i = 0; i < cells; i++) {
                    double value = (double)x->data[(n * channels + c) * cells + i];
                    sum += pass == 0 ? value : 0;
                    square += pass == 1 ? (value - sum / count) * (value - sum / count) : 0;
                }
        mean[c] = (float)((double)onnx_input(call, MEAN)->data[c] * momentum +
                          sum / count * (1 - momentum));
        variance[c] = (float)((double)onnx_input(call, VARIANCE)->data[c] * momentum +
                              square / count * (1 - momentum));
    }
}

static void build_batch_norm(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, X);
    double epsilon = onnx_float(call, "epsilon");
    nn_batch_norm_args args = {.epsilon = epsilon == 0 ? 1e-30 : epsilon, .momentum = 0.9};
    bool training = onnx_int(call, "training_mode") != 0;
    if (x->shape.rank < 2) {
        onnx_refuse(call, "X has %d dimensions; 2 or more are expected", x->shape.rank);
        return;
    }
    for (int i = SCALE; i <= VARIANCE; i++)
        if (!nn_shape_equal(onnx_input(call, i)->shape, nn_shape1(x->shape.dim[1]))) {
            onnx_refuse(call, "input %d must have one number a channel, %lld", i,
                        (long long)x->shape.dim[1]);
            return;
        }
    if (training)
        onnx_train(call);
    nn_node *y = nn_batch_norm(onnx_graph(call), onnx_rows(call, X, 0), onnx_weight(call, SCALE),
                               onnx_weight(call, SHIFT), onnx_buffer(call, MEAN),
                               onnx_buffer(call, VARIANCE), args);
    onnx_give(call, 0, y, ONNX_FLOAT, x->shape);
    if (training)
        give_running(call);
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define WINDOWS                                                                                    \
    {"auto_pad", ONNX_A_TEXT, 0, "NOTSET"}, {"kernel_shape", ONNX_A_INTS, 0, NULL},                \
        {"pads", ONNX_A_INTS, 0, NULL},                                                            \
    {                                                                                              \
        "strides", ONNX_A_INTS, 0, NULL                                                            \
    }

static const onnx_attribute_spec conv_attributes[] = {
    WINDOWS, {"dilations", ONNX_A_INTS, 0, NULL}, {"group", ONNX_A_INT, 1, NULL}, {.name = NULL}};
static const onnx_attribute_spec transposed_attributes[] = {
    WINDOWS,
    {"dilations", ONNX_A_INTS, 0, NULL},
    {"group", ONNX_A_INT, 1, NULL},
    {"output_padding", ONNX_A_INTS, 0, NULL},
    {"output_shape", ONNX_A_INTS, 0, NULL},
    {.name = NULL}};
static const onnx_attribute_spec max_pool_attributes[] = {WINDOWS,
                                                          {"dilations", ONNX_A_INTS, 0, NULL},
                                                          {"ceil_mode", ONNX_A_INT, 0, NULL},
                                                          {"storage_order", ONNX_A_INT, 0, NULL},
                                                          {.name = NULL}};
static const onnx_attribute_spec average_pool_attributes[] = {
    WINDOWS,
    {"ceil_mode", ONNX_A_INT, 0, NULL},
    {"count_include_pad", ONNX_A_INT, 0, NULL},
    {.name = NULL}};
static const onnx_attribute_spec batch_norm_attributes[] = {{"epsilon", ONNX_A_FLOAT, 1e-5, NULL},
                                                            {"momentum", ONNX_A_FLOAT, 0.9, NULL},
                                                            {"training_mode", ONNX_A_INT, 0, NULL},
                                                            {.name = NULL}};

const onnx_operator onnx_convolution_operators[] = {
    {.name = "Conv",
     .inputs = "X W B?",
     .outputs = "Y",
     .attributes = conv_attributes,
     .build = build_conv},
    {.name = "ConvTranspose",
     .inputs = "X W B?",
     .outputs = "Y",
     .attributes = transposed_attributes,
     .build = build_conv_transpose},
    {.name = "MaxPool",
     .inputs = "X",
     .outputs = "Y Indices?",
     .attributes = max_pool_attributes,
     .build = build_pool,
     .variant = 0},
    {.name = "AveragePool",
     .inputs = "X",
     .outputs = "Y",
     .attributes = average_pool_attributes,
     .build = build_pool,
     .variant = 1},
    {.name = "GlobalMaxPool",
     .inputs = "X",
     .outputs = "Y",
     .build = build_global_pool,
     .variant = 0},
    {.name = "GlobalAveragePool",
     .inputs = "X",
     .outputs = "Y",
     .build = build_global_pool,
     .variant = 1},
    {.name = "BatchNormalization",
     .inputs = "X scale B input_mean input_var",
     .outputs = "Y running_mean? running_var?",
     .attributes = batch_norm_attributes,
     .build = build_batch_norm},
    {.name = NULL},
};
