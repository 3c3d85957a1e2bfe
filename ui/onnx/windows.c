#include "ui/onnx/windows.h"

#include <string.h>

enum { LARGEST = ONNX_MAX_ELEMENTS }; /* nothing about a window is larger than any tensor */

/* A list of `axes` numbers in low..LARGEST, or `otherwise` everywhere. */
static bool read_list(onnx_call *call, const char *name, int count, int low, int otherwise,
                      int *list)
{
    int64_t number[2 * ONNX_SPACE];
    int given = onnx_ints(call, name, number, 2 * ONNX_SPACE);
    for (int i = 0; i < count; i++)
        list[i] = otherwise;
    if (given == 0)
        return !onnx_failed(call);
    if (given != count) {
        onnx_refuse(call, "'%s' has %d numbers, %d are expected", name, given, count);
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (number[i] < low || number[i] > LARGEST) {
            onnx_refuse(call, "'%s' has %lld; expected %d to %d", name, (long long)number[i], low,
                        LARGEST);
            return false;
        }
        list[i] = (int)number[i];
    }
    return true;
}

static bool read_kernel(onnx_call *call, const int64_t *kernel, onnx_windows *w)
{
    if (!kernel && !onnx_given(call, "kernel_shape")) {
        onnx_refuse(call, "attribute 'kernel_shape' is needed");
        return false;
    }
    if (!read_list(call, "kernel_shape", w->axes, 1, 1, w->kernel))
        return false;
    for (int i = 0; kernel && i < w->axes; i++) {
        if (onnx_given(call, "kernel_shape") && w->kernel[i] != kernel[i]) {
            onnx_refuse(call, "'kernel_shape' says %d, the weight has %lld", w->kernel[i],
                        (long long)kernel[i]);
            return false;
        }
        w->kernel[i] = (int)kernel[i];
    }
    return true;
}

static bool read_common(onnx_call *call, nn_shape shape, const int64_t *kernel, onnx_windows *w)
{
    *w = (onnx_windows){.axes = shape.rank - 2};
    if (w->axes < 1 || w->axes > ONNX_SPACE) {
        onnx_refuse(call,
                    "an input of %d dimensions; expected 3 to %d (examples, channels, "
                    "positions)",
                    shape.rank, ONNX_SPACE + 2);
        return false;
    }
    for (int i = 0; i < w->axes; i++)
        w->in[i] = (int)shape.dim[2 + i];
    return read_kernel(call, kernel, w) && read_list(call, "strides", w->axes, 1, 1, w->stride) &&
           read_list(call, "dilations", w->axes, 1, 1, w->dilation);
}

static int64_t extent(const onnx_windows *w, int i)
{
    return (int64_t)w->dilation[i] * (w->kernel[i] - 1) + 1;
}

static bool read_pads(onnx_call *call, onnx_windows *w)
{
    int pads[2 * ONNX_SPACE];
    if (!read_list(call, "pads", 2 * w->axes, 0, 0, pads))
        return false;
    memcpy(w->before, pads, (size_t)w->axes * sizeof *pads);
    memcpy(w->after, pads + w->axes, (size_t)w->axes * sizeof *pads);
    return true;
}

/* "SAME_UPPER" and "SAME_LOWER" share `total` out; the odd one goes behind or in front. */
static void share(onnx_windows *w, int i, int64_t total, bool upper)
{
    int64_t half = total / 2, rest = total - half;
    w->before[i] = (int)(upper ? half : rest);
    w->after[i] = (int)(upper ? rest : half);
}

typedef enum { PAD_GIVEN, PAD_UPPER, PAD_LOWER, PAD_VALID, PAD_WRONG } pad_rule;

static pad_rule read_rule(onnx_call *call)
{
    static const char *const names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    const char *word = onnx_text(call, "auto_pad");
    for (int i = 0; i < 4; i++)
        if (strcmp(word, names[i]) == 0) {
            if (i > 0 && onnx_given(call, "pads")) {
                onnx_refuse(call, "'pads' and 'auto_pad' exclude each other");
                return PAD_WRONG;
            }
            return (pad_rule)i;
        }
    onnx_refuse(call, "auto_pad: expected NOTSET, SAME_UPPER, SAME_LOWER or VALID");
    return PAD_WRONG;
}

bool onnx_read_windows(onnx_call *call, nn_shape shape, const int64_t *kernel, onnx_windows *w)
{
    if (!read_common(call, shape, kernel, w))
        return false;
    bool up = onnx_int(call, "ceil_mode") != 0;
    pad_rule rule = read_rule(call);
    if (rule == PAD_WRONG || (rule == PAD_GIVEN && !read_pads(call, w)))
        return false;
    for (int i = 0; i < w->axes; i++) {
        int64_t stride = w->stride[i], out = (w->in[i] + stride - 1) / stride;
        if (rule == PAD_UPPER || rule == PAD_LOWER) {
            int64_t total = (out - 1) * stride + extent(w, i) - w->in[i];
            share(w, i, total > 0 ? total : 0, rule == PAD_UPPER);
        } else {
            int64_t room = (int64_t)w->in[i] + w->before[i] + w->after[i] - extent(w, i);
            out = room < 0 ? 0 : room / stride + 1;
            if (room >= 0 && up && room % stride && out * stride < w->in[i] + w->before[i])
                out++;
        }
        if (out < 1) {
            onnx_refuse(call, "a window of %lld cells on %d cells with pads %d and %d",
                        (long long)extent(w, i), w->in[i], w->before[i], w->after[i]);
            return false;
        }
        w->out[i] = (int)out;
    }
    return true;
}

bool onnx_read_transposed(onnx_call *call, nn_shape shape, const int64_t *kernel, onnx_windows *w,
                          int *extra)
{
    int wanted[ONNX_SPACE] = {0};
    if (!read_common(call, shape, kernel, w) ||
        !read_list(call, "output_padding", w->axes, 0, 0, extra) ||
        !read_list(call, "output_shape", w->axes, 1, 0, wanted))
        return false;
    pad_rule rule = read_rule(call);
    bool given = onnx_given(call, "output_shape");
    if (rule == PAD_WRONG || (rule == PAD_GIVEN && !given && !read_pads(call, w)))
        return false;
    for (int i = 0; i < w->axes; i++) {
        int64_t full = (int64_t)w->stride[i] * (w->in[i] - 1) + extra[i] + extent(w, i);
        int64_t same = (int64_t)w->in[i] * w->stride[i];
        bool shared = given || rule == PAD_UPPER || rule == PAD_LOWER;
        int64_t total = shared ? full - (given ? wanted[i] : same) : 0;
        if (total < 0) { /* the output must grow */
            extra[i] += (int)-total;
            full -= total;
            total = 0;
        }
        if (shared)
            share(w, i, total, rule != PAD_LOWER);
        int64_t out = full - w->before[i] - w->after[i];
        if (out < 1 || out > LARGEST) {
            onnx_refuse(call, "an output of %lld cells from %d", (long long)out, w->in[i]);
            return false;
        }
        w->out[i] = (int)out;
    }
    return true;
}

nn_shape onnx_windows_shape(const onnx_windows *w, int64_t examples, int64_t channels)
{
    nn_shape shape = {2 + w->axes, {examples, channels}};
    for (int i = 0; i < w->axes; i++)
        shape.dim[2 + i] = w->out[i];
    return shape;
}

void onnx_windows_flat(const onnx_windows *w, int stride[2], int pad[4], int dilation[2])
{
    for (int i = 0; i < 2; i++) {
        int axis = w->axes == 2 ? i : i - 1; /* -1: the row that was put in front */
        stride[i] = axis < 0 ? 1 : w->stride[axis];
        dilation[i] = axis < 0 ? 1 : w->dilation[axis];
        pad[i] = axis < 0 ? 0 : w->before[axis];
        pad[i + 2] = axis < 0 ? 0 : w->after[axis];
    }
}

nn_shape onnx_flat_image(nn_shape shape)
{
    return shape.rank == 3 ? nn_shape3(shape.dim[1], 1, shape.dim[2])
                           : nn_shape_of(shape.rank - 1, shape.dim + 1);
}

nn_shape onnx_flat_kernel(nn_shape shape)
{
    return shape.rank == 3 ? nn_shape4(shape.dim[0], shape.dim[1], 1, shape.dim[2]) : shape;
}

double onnx_taps(const onnx_windows *w)
{
    double taps = 1;
    for (int i = 0; i < w->axes; i++)
        taps *= w->kernel[i];
    return taps;
}
