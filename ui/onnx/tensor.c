#include "ui/onnx/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[ONNX_TYPES] = {
    [ONNX_FLOAT] = "float32", [ONNX_DOUBLE] = "float64", [ONNX_FLOAT16] = "float16",
    [ONNX_INT8] = "int8",     [ONNX_INT16] = "int16",    [ONNX_INT32] = "int32",
    [ONNX_INT64] = "int64",   [ONNX_UINT8] = "uint8",    [ONNX_UINT16] = "uint16",
    [ONNX_UINT32] = "uint32", [ONNX_UINT64] = "uint64",  [ONNX_BOOL] = "bool",
};

const char *onnx_type_name(onnx_type type)
{
    return type >= 0 && type < ONNX_TYPES ? type_names[type] : "float32";
}

onnx_type onnx_type_named(const char *name)
{
    if (strcmp(name, "float") == 0)
        return ONNX_FLOAT;
    if (strcmp(name, "double") == 0)
        return ONNX_DOUBLE;
    for (int i = 0; i < ONNX_TYPES; i++)
        if (strcmp(name, type_names[i]) == 0)
            return (onnx_type)i;
    return ONNX_TYPES;
}

bool onnx_is_real(onnx_type type)
{
    return type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_FLOAT16;
}

int64_t onnx_count(nn_shape shape, const char *what, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0) {
            nn_fail(error, NN_E_SHAPE, "%s: shape %s has a negative dimension", what,
                    onnx_shape_text(shape, text));
            return -1;
        }
    int64_t count = nn_shape_count(shape);
    if (count < 0 || count > ONNX_MAX_ELEMENTS) {
        nn_fail(error, NN_E_SHAPE, "%s: shape %s is too large; a tensor may have %d elements", what,
                onnx_shape_text(shape, text), ONNX_MAX_ELEMENTS);
        return -1;
    }
    return count;
}

nn_status onnx_tensor_new(onnx_tensor *tensor, onnx_type type, nn_shape shape, const char *what,
                          nn_error *error)
{
    int64_t count = onnx_count(shape, what, error);
    *tensor = (onnx_tensor){.type = type, .shape = shape};
    if (count < 0)
        return NN_E_SHAPE;
    if (count > 0) {
        tensor->data = calloc((size_t)count, sizeof *tensor->data);
        if (!tensor->data)
            return nn_fail(error, NN_E_NOMEM, "%s: %lld elements: out of memory", what,
                           (long long)count);
    }
    tensor->count = count;
    tensor->present = true;
    return NN_OK;
}

void onnx_tensor_free(onnx_tensor *tensor)
{
    free(tensor->data);
    *tensor = (onnx_tensor){.present = false};
}

const char *onnx_shape_text(nn_shape shape, char text[NN_SHAPE_TEXT])
{
    size_t used = 1;
    snprintf(text, NN_SHAPE_TEXT, "[");
    for (int i = 0; i < shape.rank && used < NN_SHAPE_TEXT; i++) {
        int wrote = snprintf(text + used, NN_SHAPE_TEXT - used, "%s%lld", i ? ", " : "",
                             (long long)shape.dim[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (used + 1 < NN_SHAPE_TEXT)
        memcpy(text + used, "]", 2);
    else
        memcpy(text + NN_SHAPE_TEXT - 5, "...]", 5);
    return text;
}

int64_t onnx_whole_number(double number)
{
    if (!(number > -9.2e18))
        return INT64_MIN;
    return number < 9.2e18 ? llround(number) : INT64_MAX;
}
