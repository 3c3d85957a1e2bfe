/* One of ONNX's own cases: a model of one node or a few, inputs, and the outputs they must give,
 * run through what `gradus op` runs. */
#ifndef GRADUS_TESTS_ONNX_CASE_H
#define GRADUS_TESTS_ONNX_CASE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    ONNX_PASSED,
    ONNX_WRONG,   /* numbers, shapes or kinds differ */
    ONNX_REFUSED, /* gradus op has the operators, but refuses this */
    ONNX_UNKNOWN, /* it has not all the operators */
    ONNX_ODD,     /* texts, sequences, subgraphs: not tensors of numbers */
    ONNX_BROKEN   /* the files cannot be read */
} onnx_verdict;

typedef struct {
    onnx_verdict verdict;
    char op[64];   /* the operator; of models of several nodes "a model" */
    char why[400]; /* what was wrong, refused, unknown */
    double error;  /* the largest difference, as a share of what is allowed */
} onnx_outcome;

/* `folder` holds model.onnx and test_data_set_0/. */
void onnx_case_run(const char *folder, onnx_outcome *outcome);

/* The same on bytes of a model alone: it must not crash. For fuzzing. */
void onnx_case_parse(const unsigned char *bytes, size_t length);

#endif
