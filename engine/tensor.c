#include "engine/tensor.h"

#include <stdio.h>

nn_shape nn_shape_of(int rank, const int64_t *dim)
{
    nn_shape shape = {.rank = rank < 0 ? 0 : rank > NN_MAX_DIMS ? NN_MAX_DIMS : rank};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = dim[i];
    return shape;
}

nn_shape nn_shape1(int64_t a)
{
    return (nn_shape){1, {a}};
}

nn_shape nn_shape2(int64_t a, int64_t b)
{
    return (nn_shape){2, {a, b}};
}

nn_shape nn_shape3(int64_t a, int64_t b, int64_t c)
{
    return (nn_shape){3, {a, b, c}};
}

nn_shape nn_shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (nn_shape){4, {a, b, c, d}};
}

int64_t nn_shape_count(nn_shape shape)
{
    const int64_t most = INT64_C(1) << 40;
    int64_t count = 1;
    bool empty = false;
    for (int i = 0; i < shape.rank; i++) {
        int64_t n = shape.dim[i];
        if (n < 0)
            return -1;
        if (n == 0)
            empty = true;
        else if (count > most / n)
            return -1;
        else
            count *= n;
    }
    return empty ? 0 : count;
}

bool nn_shape_equal(nn_shape a, nn_shape b)
{
    if (a.rank != b.rank)
        return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i])
            return false;
    return true;
}

int64_t nn_shape_row(nn_shape shape)
{
    int64_t row = 1;
    for (int i = 1; i < shape.rank; i++)
        row *= shape.dim[i];
    return row;
}

const char *nn_shape_text(nn_shape shape, char text[NN_SHAPE_TEXT])
{
    size_t used = 0;
    snprintf(text, NN_SHAPE_TEXT, "scalar");
    for (int i = 0; i < shape.rank && used < NN_SHAPE_TEXT; i++) {
        const char *sign = i ? "x" : "";
        int wrote;
        if (shape.dim[i] == -1) /* the batch, while a graph is built */
            wrote = snprintf(text + used, NN_SHAPE_TEXT - used, "%sN", sign);
        else
            wrote = snprintf(text + used, NN_SHAPE_TEXT - used, "%s%lld", sign,
                             (long long)shape.dim[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return text;
}
