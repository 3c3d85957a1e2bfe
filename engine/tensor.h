/* Shapes and views: the vocabulary of every other header of the engine. */
#ifndef GRADUS_ENGINE_TENSOR_H
#define GRADUS_ENGINE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef NN_REAL
#define NN_REAL float /* the tests also build the engine with -DNN_REAL=double */
#endif
typedef NN_REAL nn_real;

enum {
    NN_MAX_DIMS = 8,
    NN_MAX_INPUTS = 12, /* inputs of one operator */
    NN_NAME_MAX = 64    /* bytes of a name with its NUL */
};

typedef enum {
    NN_F,  /* nn_real */
    NN_I32 /* int32_t: labels and token ids */
} nn_dtype;

/* Row-major. The first dimension of an activation is the batch. rank 0 is a scalar. */
typedef struct {
    int rank;
    int64_t dim[NN_MAX_DIMS];
} nn_shape;

/* Borrowed, read-only memory; data is NULL where the plan did not keep the tensor. */
typedef struct {
    nn_dtype dtype;
    nn_shape shape;
    const void *data;
} nn_view;

nn_shape nn_shape_of(int rank, const int64_t *dim);
nn_shape nn_shape1(int64_t a);
nn_shape nn_shape2(int64_t a, int64_t b);
nn_shape nn_shape3(int64_t a, int64_t b, int64_t c);
nn_shape nn_shape4(int64_t a, int64_t b, int64_t c, int64_t d);

/* Number of elements; -1 when a dimension is negative or the product exceeds 2^40. */
int64_t nn_shape_count(nn_shape shape);
bool nn_shape_equal(nn_shape a, nn_shape b);
/* Elements of one row, i.e. of everything but the first dimension. 1 for rank 0 and 1. */
int64_t nn_shape_row(nn_shape shape);

/* Writes "64x1x28x28" ("scalar" for rank 0) into `text` and returns it. */
enum { NN_SHAPE_TEXT = 96 };
const char *nn_shape_text(nn_shape shape, char text[NN_SHAPE_TEXT]);

#endif
