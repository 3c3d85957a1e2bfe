/* What a cell of a convolutional map sees of the image (chapters 30, 31 and 34). */
#ifndef GRADUS_ENGINE_VISION_FIELD_H
#define GRADUS_ENGINE_VISION_FIELD_H

#include "engine/graph.h"

typedef struct {
    int64_t size[2];   /* rows, columns of the image that one cell depends on */
    int64_t stride[2]; /* rows, columns of the image between neighbouring cells */
} nn_field;

/* Of a node (n,c,h,w) that convolutions, pools and cell-by-cell operators make of `image`, a node
 * of the same graph: every window of k cells adds (k - 1) strides of its input, and its own stride
 * multiplies theirs (Araujo, Norris and Sim 2019). Where branches meet, the widest counts; branches
 * with different strides are refused. Padding counts as image, so near the edge a cell sees less.
 * NN_E_ARG names the node that keeps no map (flatten, a global pool ...). Takes memory while it
 * runs; callable from any thread while nobody adds to the graph. */
nn_status nn_receptive_field(const nn_node *node, const nn_node *image, nn_field *field,
                             nn_error *error);

#endif
