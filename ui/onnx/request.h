/* One request of `gradus op` and its answer. JSON is read straight into tensors, without a tree;
 * sizes are checked before memory is taken. */
#ifndef GRADUS_UI_ONNX_REQUEST_H
#define GRADUS_UI_ONNX_REQUEST_H

#include "ui/onnx/tensor.h"

#include <stdio.h>

enum { ONNX_ATTRIBUTES = 24, ONNX_LIST = 64, ONNX_WORDS = 8 };

typedef struct {
    char name[ONNX_NAME];
    bool list;          /* [..] in JSON */
    int numbers, words; /* how many of each; one of them is 0 */
    double number[ONNX_LIST];
    char word[ONNX_WORDS][ONNX_NAME];
} onnx_attribute;

typedef struct {
    char op[ONNX_NAME];
    int attributes;
    onnx_attribute attribute[ONNX_ATTRIBUTES];
    int inputs;
    onnx_tensor input[ONNX_TENSORS];
    int outputs; /* how many the caller wants, where the operator leaves it open; 0: not said */
    bool has_gradients;
    int gradients;
    onnx_tensor gradient[ONNX_TENSORS]; /* grad_outputs; a missing one counts as zeros */
    int64_t elements;                   /* of all tensors so far */
} onnx_request;

typedef struct {
    int outputs;
    onnx_tensor output[ONNX_TENSORS];
    bool has_gradients;
    int gradients;
    onnx_tensor gradient[ONNX_TENSORS]; /* grad_inputs; not present for what has none */
} onnx_answer;

/* Reads `length` bytes of JSON followed by a NUL. On error the request is empty. */
nn_status onnx_request_read(onnx_request *request, const char *text, size_t length,
                            nn_error *error);
void onnx_request_free(onnx_request *request);

/* Runs the operator (ui/onnx/run.c). On error the answer is empty. */
nn_status onnx_run(const onnx_request *request, onnx_answer *answer, nn_error *error);
/* One line of JSON. False where the stream cannot be written. */
bool onnx_answer_write(const onnx_answer *answer, FILE *out);
void onnx_answer_free(onnx_answer *answer);

#endif
