/* Windows that slide over the spatial axes of (N, C, D1, ...): what Conv, ConvTranspose and the
 * pools say about them in their attributes. Private to ui/onnx. */
#ifndef GRADUS_UI_ONNX_WINDOWS_H
#define GRADUS_UI_ONNX_WINDOWS_H

#include "ui/onnx/operator.h"

enum { ONNX_SPACE = 3 }; /* spatial axes at most */

typedef struct {
    int axes;
    int in[ONNX_SPACE], out[ONNX_SPACE], kernel[ONNX_SPACE], stride[ONNX_SPACE],
        dilation[ONNX_SPACE], before[ONNX_SPACE], after[ONNX_SPACE];
} onnx_windows;

/* Reads kernel_shape, strides, dilations, pads and auto_pad for an input of `shape`; `kernel` is
 * that of the weight, or NULL where kernel_shape alone says it. Sets `out` by the rule of
 * convolution and pooling. False if refused. */
bool onnx_read_windows(onnx_call *call, nn_shape shape, const int64_t *kernel, onnx_windows *w);
/* The same for ConvTranspose, whose pads are cut off; extra[i] is the output padding. */
bool onnx_read_transposed(onnx_call *call, nn_shape shape, const int64_t *kernel, onnx_windows *w,
                          int *extra);
/* (N, channels, out...) */
nn_shape onnx_windows_shape(const onnx_windows *w, int64_t examples, int64_t channels);
/* As 2-D windows: one axis gets rows of 1 in front. */
void onnx_windows_flat(const onnx_windows *w, int stride[2], int pad[4], int dilation[2]);
/* (channels, rows, columns) of an example of `shape`. */
nn_shape onnx_flat_image(nn_shape shape);
nn_shape onnx_flat_kernel(nn_shape shape);
double onnx_taps(const onnx_windows *w);

#endif
