/* The inside of an onnx_call. Private to ui/onnx: call.c builds it, run.c runs it. */
#ifndef GRADUS_UI_ONNX_CALL_H
#define GRADUS_UI_ONNX_CALL_H

#include "ui/onnx/operator.h"

enum { ONNX_LEAVES = 96 };

/* A node that is fed with (part of) an input, or with numbers of the entry's own. */
typedef struct {
    int input; /* -1: the entry's own */
    nn_node *node;
    int axis;                          /* of activations: where the batch stands in the input */
    int64_t first[ONNX_BLOCKS], block; /* of parameters: where in the input; 0: all of it */
    bool constant;                     /* no gradient */
    float *own;                        /* the entry's own numbers */
} onnx_leaf;

typedef struct {
    bool given;
    nn_node *node; /* NULL: `ready` holds the numbers */
    bool parameter;
    int axis;
    onnx_type type;
    nn_shape shape;
    onnx_tensor ready;
} onnx_output;

struct onnx_call {
    const onnx_operator *op;
    const onnx_request *request;
    nn_model *model;
    nn_graph *graph;
    nn_error *error;
    bool failed, training;
    int64_t batch;
    double work;
    int leaves, outputs, constants;
    onnx_leaf leaf[ONNX_LEAVES];
    onnx_output output[ONNX_TENSORS];
    onnx_tensor gradient[ONNX_TENSORS]; /* of inputs, computed by the entry itself */
};

/* Moves the axis of length `batch`, with `outer` elements before and `inner` behind it, to the
 * front (or back from there). */
void onnx_to_front(float *to, const float *from, int64_t outer, int64_t batch, int64_t inner);
void onnx_from_front(float *to, const float *from, int64_t outer, int64_t batch, int64_t inner);
/* Elements before and behind an axis. */
void onnx_around(nn_shape shape, int axis, int64_t *outer, int64_t *inner);

/* "unknown operator ...", with the names near to it. Returns the status. */
nn_status onnx_unknown(const char *name, nn_error *error);

/* Shapes of the inputs against those that the entry says. */
nn_status onnx_check_shapes(const onnx_operator *op, const onnx_request *request, nn_error *error);

/* Attributes and the number of inputs against the entry. */
nn_status onnx_check_request(const onnx_operator *op, const onnx_request *request, nn_error *error);

#endif
