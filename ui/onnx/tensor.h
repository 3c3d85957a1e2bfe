/* Tensors as ONNX has them: a shape, a type, numbers. Everything is evaluated in single precision;
 * whole numbers are carried in it exactly up to 2^24. Any thread; the owner frees. */
#ifndef GRADUS_UI_ONNX_TENSOR_H
#define GRADUS_UI_ONNX_TENSOR_H

#include "engine/status.h"
#include "engine/tensor.h"

enum {
    ONNX_MAX_ELEMENTS = 1 << 24, /* of one tensor */
    ONNX_MAX_TOTAL = 1 << 25,    /* of all tensors of a request, and of all of an answer */
    ONNX_EXACT = 1 << 24,        /* whole numbers up to here are exact */
    ONNX_TENSORS = 48,           /* inputs or outputs of one operator */
    ONNX_NAME = 48               /* bytes of a name with its NUL */
};

typedef enum {
    ONNX_FLOAT,
    ONNX_DOUBLE,
    ONNX_FLOAT16,
    ONNX_INT8,
    ONNX_INT16,
    ONNX_INT32,
    ONNX_INT64,
    ONNX_UINT8,
    ONNX_UINT16,
    ONNX_UINT32,
    ONNX_UINT64,
    ONNX_BOOL,
    ONNX_TYPES
} onnx_type;

typedef struct {
    bool present; /* false: an omitted optional one, null in JSON */
    onnx_type type;
    nn_shape shape;
    int64_t count;
    float *data; /* owned; NULL when count is 0 */
} onnx_tensor;

const char *onnx_type_name(onnx_type type); /* "float32", "int64", "bool" */
/* The type of that name ("float", "float32", "int64" ...); ONNX_TYPES when there is none. */
onnx_type onnx_type_named(const char *name);
bool onnx_is_real(onnx_type type);

/* Elements of `shape`, or -1 and an error naming `what` when a dimension is negative or there are
 * more than ONNX_MAX_ELEMENTS. */
int64_t onnx_count(nn_shape shape, const char *what, nn_error *error);
/* A tensor of zeros. */
nn_status onnx_tensor_new(onnx_tensor *tensor, onnx_type type, nn_shape shape, const char *what,
                          nn_error *error);
void onnx_tensor_free(onnx_tensor *tensor);

/* "[2, 3, 4]" */
const char *onnx_shape_text(nn_shape shape, char text[NN_SHAPE_TEXT]);

/* The whole number nearest to `number` within int64. */
int64_t onnx_whole_number(double number);

#endif
