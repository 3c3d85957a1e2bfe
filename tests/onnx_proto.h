/* Reads ONNX's models and tensors (protobuf) as its test data has them: just the fields that a case
 * needs. Every length is checked against what is left; wrong bytes give false, never a read beyond
 * them. Names point into the bytes. */
#ifndef GRADUS_TESTS_ONNX_PROTO_H
#define GRADUS_TESTS_ONNX_PROTO_H

#include "ui/onnx/request.h"

typedef struct {
    const unsigned char *at, *end;
} proto_bytes;

enum { PROTO_NAMES = 48, PROTO_NODES = 64, PROTO_TENSORS = 64 };

typedef struct {
    const char *text; /* without a NUL */
    size_t length;
} proto_text;

typedef struct {
    proto_text op, domain;
    int inputs, outputs;
    proto_text input[PROTO_NAMES], output[PROTO_NAMES];
    int attributes;
    onnx_attribute attribute[ONNX_ATTRIBUTES];
    bool odd;          /* an attribute is a graph, a sequence ...: not for gradus op */
    proto_bytes value; /* the tensor in attribute "value" of a Constant; at NULL: none */
} proto_node;

typedef struct {
    int64_t opset;
    int nodes, inputs, outputs, initialisers;
    bool odd; /* an input or output is a sequence, an optional: no tensor */
    proto_node node[PROTO_NODES];
    proto_text input[PROTO_NAMES], output[PROTO_NAMES];
    proto_bytes initialiser[PROTO_TENSORS];
} proto_model;

bool proto_read_model(proto_bytes bytes, proto_model *model);
/* *odd: the bytes are a tensor that gradus op has no type for (texts, complex numbers). */
bool proto_read_tensor(proto_bytes bytes, onnx_tensor *tensor, proto_text *name, bool *odd);

bool proto_same(proto_text a, proto_text b);

#endif
