/* Paddings that ONNX and the frameworks call by name. */
#include "engine/graph.h"

static void halve(int64_t total, bool upper, int *before, int *after)
{
    total = total > 0 ? total : 0;
    int64_t smaller = total / 2, larger = total - smaller;
    *before = (int)(upper ? smaller : larger);
    *after = (int)(upper ? larger : smaller);
}

void nn_same_pads(nn_shape image, const int kernel[2], const int stride[2], const int dilation[2],
                  nn_same odd, int pad[4])
{
    for (int i = 0; i < 2; i++) {
        int64_t in = image.dim[image.rank - 2 + i], step = stride[i] ? stride[i] : 1;
        int64_t extent = (int64_t)(dilation && dilation[i] ? dilation[i] : 1) * (kernel[i] - 1) + 1;
        int64_t out = (in + step - 1) / step;
        halve((out - 1) * step + extent - in, odd == NN_SAME_UPPER, &pad[i], &pad[i + 2]);
    }
}

void nn_transposed_pads(nn_shape image, const int kernel[2], const int64_t output[2], nn_same odd,
                        nn_conv_transpose_args *args)
{
    for (int i = 0; i < 2; i++) {
        int64_t in = image.dim[image.rank - 2 + i];
        int64_t stride = args->conv.stride[i] ? args->conv.stride[i] : 1;
        int64_t dilation = args->conv.dilation[i] ? args->conv.dilation[i] : 1;
        int64_t full = stride * (in - 1) + args->output_padding[i] + (kernel[i] - 1) * dilation + 1;
        int64_t wanted = output ? output[i] : stride * in, missing = wanted - full;
        if (missing > 0) /* nothing to cut off: the output must grow */
            args->output_padding[i] += (int)missing;
        halve(full - wanted, odd == NN_SAME_UPPER, &args->conv.pad[i], &args->conv.pad[i + 2]);
    }
}
