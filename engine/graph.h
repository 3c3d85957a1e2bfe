/* A graph: an immutable DAG of operators over inputs and the parameters of one model.
 *
 * Builders accept NULL nodes and return NULL; the graph keeps the first error, with names and
 * shapes, and nn_compile (or nn_graph_error) reports it. So a network can be written as one chain
 * and checked once. Shapes are per batch: dimension 0 of an activation is the batch and is written
 * as NN_BATCH while the graph is built; the plan fixes it. */
#ifndef GRADUS_ENGINE_GRAPH_H
#define GRADUS_ENGINE_GRAPH_H

#include "engine/model.h"

typedef struct nn_graph nn_graph;
typedef struct nn_node nn_node;

enum { NN_BATCH = -1 }; /* dim[0] of an activation inside a graph */

nn_graph *nn_graph_new(nn_model *model); /* borrows the model, which must outlive the graph */
void nn_graph_free(nn_graph *graph);
/* NN_OK, or the first error made while building. */
nn_status nn_graph_error(const nn_graph *graph, nn_error *error);
/* Record an error found by a builder outside the engine (a model description, say); keeps the
 * first. */
nn_node *nn_graph_refuse(nn_graph *graph, nn_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
nn_model *nn_graph_model(const nn_graph *graph);

/* Name of the next node built (default: operator name and a number, "relu2"). A name that is taken,
 * as by a layer used on two branches, gets "#2", "#3" ... Returns the graph. */
nn_graph *nn_named(nn_graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Inputs. `sample` is the shape of one example; the node's shape is (batch, sample...). */
nn_node *nn_input(nn_graph *graph, const char *name, nn_dtype dtype, nn_shape sample);
/* A parameter as a node, for operators that take weights. NULL param gives NULL. */
nn_node *nn_use(nn_graph *graph, nn_param *param);

/* Operators. x is (batch, ...). Sources of the formulas stand beside the kernels in engine/ops. */
nn_node *nn_add(nn_graph *graph, nn_node *a, nn_node *b); /* broadcasts: see elementwise.h */
nn_node *nn_linear(nn_graph *graph, nn_node *x, nn_node *w,
                   nn_node *b); /* x (n,...,in) w (out,in) b (out) or NULL: x w' + b */
nn_node *nn_relu(nn_graph *graph, nn_node *x);
nn_node *nn_leaky_relu(nn_graph *graph, nn_node *x, double slope); /* slope at 0 is `slope` */
nn_node *nn_sigmoid(nn_graph *graph, nn_node *x);
nn_node *nn_tanh(nn_graph *graph, nn_node *x);
nn_node *nn_flatten(nn_graph *graph, nn_node *x); /* (n, everything else) */
typedef struct {
    double rate; /* the share that is dropped, [0,1) */
    bool maps;   /* whole channels of an example */
} nn_dropout_args;
/* Inverted; identity in evaluation. */
nn_node *nn_dropout(nn_graph *graph, nn_node *x, double rate);
nn_node *nn_dropout_maps(nn_graph *graph, nn_node *x, double rate); /* x (n,c,...) */

typedef struct {
    int stride[2];   /* rows, columns; 0 means 1 */
    int pad[4];      /* top, left, bottom, right (ONNX order of "pads") */
    int dilation[2]; /* 0 means 1 */
    int groups;      /* 0 means 1 */
} nn_conv_args;
/* Cross-correlation: x (n,c,h,w), w (k,c/groups,kh,kw), b (k) or NULL. */
nn_node *nn_conv2d(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b, nn_conv_args args);

typedef struct {
    int stride;   /* 0 means 1 */
    int pad[2];   /* before, after */
    int dilation; /* 0 means 1 */
    int groups;   /* 0 means 1 */
} nn_conv1d_args;
/* The same along time: x (n,c,t), w (k,c/groups,taps), b (k) or NULL. */
nn_node *nn_conv1d(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b, nn_conv1d_args args);

typedef struct {
    nn_conv_args conv;     /* pad is cut off the output */
    int output_padding[2]; /* rows, columns added at its end; less than the stride or dilation */
} nn_conv_transpose_args;
/* Transposed convolution: x (n,c,h,w), w (c,k/groups,kh,kw), b (k) or NULL. A side of the output is
 * stride (in - 1) + output_padding + dilation (kernel - 1) + 1 - pads. */
nn_node *nn_conv_transpose2d(nn_graph *graph, nn_node *x, nn_node *w, nn_node *b,
                             nn_conv_transpose_args args);

/* Where an odd padding puts its extra cell: behind (TensorFlow's "same") or in front. "Valid" is no
 * padding at all. */
typedef enum { NN_SAME_UPPER, NN_SAME_LOWER } nn_same;
/* The padding with which a side of the output is ceil(in / stride). `image` ends with rows and
 * columns; `dilation` may be NULL. */
void nn_same_pads(nn_shape image, const int kernel[2], const int stride[2], const int dilation[2],
                  nn_same odd, int pad[4]);
/* Sets pads (and output padding, where the output must grow) of a transposed convolution so that
 * its output has the rows and columns of `output`; NULL: stride times those of the image. */
void nn_transposed_pads(nn_shape image, const int kernel[2], const int64_t output[2], nn_same odd,
                        nn_conv_transpose_args *args);

typedef struct {
    int kernel[2];          /* rows, columns */
    int stride[2];          /* 0 means the kernel */
    int pad[4];             /* top, left, bottom, right */
    int dilation[2];        /* 0 means 1; maximum only */
    bool ceil_mode;         /* a last window may reach over the end, but must begin inside */
    bool count_include_pad; /* average only */
} nn_pool_args;
/* x (n,c,h,w) */
nn_node *nn_max_pool2d(nn_graph *graph, nn_node *x, nn_pool_args args);
nn_node *nn_average_pool2d(nn_graph *graph, nn_node *x, nn_pool_args args);
/* (n,c,...) to (n,c): over all cells of a channel. */
nn_node *nn_global_average_pool(nn_graph *graph, nn_node *x);
nn_node *nn_global_max_pool(nn_graph *graph, nn_node *x);

#define NN_NONE (-1.0) /* where 0 stands for the usual value: really 0 */

typedef struct {
    double epsilon;  /* inside the root; 0 means 1e-5 */
    double momentum; /* running = momentum*running + (1-momentum)*batch; 0 means 0.9. PyTorch's
                        momentum is 1 minus this one */
    bool biased;     /* the running variance takes the biased one too, as in ONNX and Keras */
} nn_batch_norm_args;
/* Per feature of (n,f) or per channel of (n,c,h,w): Ioffe and Szegedy 2015. Training uses the whole
 * batch's statistics exactly, whatever the shards; evaluation the running ones. The running
 * variance takes the unbiased one (divisor m - 1) as PyTorch does, normalisation the biased one.
 * `mean` and `variance` are buffers of the model. */
nn_node *nn_batch_norm(nn_graph *graph, nn_node *x, nn_node *gamma, nn_node *beta, nn_node *mean,
                       nn_node *variance, nn_batch_norm_args args);

/* x divided by its Euclidean length along an axis of the example (1 is the first after the batch,
 * -1 the last); a length below epsilon counts as epsilon, so that zeros stay zeros. */
nn_node *nn_l2_normalise(nn_graph *graph, nn_node *x, int axis, double epsilon); /* 0: 1e-12 */

/* Losses give one value an example, (n); nn_mean makes the scalar to minimise. */
nn_node *nn_softmax_cross_entropy(nn_graph *graph, nn_node *logits,
                                  nn_node *labels); /* (n,k), int (n) */
nn_node *nn_sigmoid_cross_entropy(nn_graph *graph, nn_node *logits,
                                  nn_node *labels); /* (n,1) or (n), int (n) in {0,1} */
nn_node *nn_mean(nn_graph *graph,
                 nn_node *x); /* over the rows really fed, and everything else: scalar */

/* Layers create their parameters "name.weight", "name.bias", ... in the graph's model, or reuse
 * them when they exist, and return the operator's node, which bears the layer's name. */
nn_node *nn_dense(nn_graph *graph, const char *name, nn_node *x, int units, nn_init init);
nn_node *nn_dense_unbiased(nn_graph *graph, const char *name, nn_node *x, int units, nn_init init);
nn_node *nn_conv(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel_h,
                 int kernel_w, nn_conv_args args, nn_init init);
/* Without a bias, for a batch norm behind it. */
nn_node *nn_conv_unbiased(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel_h,
                          int kernel_w, nn_conv_args args, nn_init init);
nn_node *nn_batch_norm_layer(nn_graph *graph, const char *name, nn_node *x,
                             nn_batch_norm_args args);

/* What a node is. */
const char *nn_node_name(const nn_node *node);
const char *nn_node_op(const nn_node *node); /* "conv2d"; "input", "parameter" for the leaves */
nn_shape nn_node_shape(const nn_node *node); /* dim[0] == NN_BATCH for activations */
nn_dtype nn_node_dtype(const nn_node *node);
int nn_graph_count(const nn_graph *graph); /* nodes in the order they were built */
const nn_node *nn_graph_at(const nn_graph *graph, int i);
const nn_node *nn_graph_find(const nn_graph *graph, const char *name);
int nn_node_input_count(const nn_node *node);
const nn_node *nn_node_input(const nn_node *node, int i); /* NULL for an omitted optional input */
nn_param *nn_node_param(const nn_node *node);             /* of a parameter leaf, else NULL */
/* Multiply-adds of one example in the forward pass. */
int64_t nn_graph_multiply_adds(const nn_graph *graph);
int64_t nn_node_multiply_adds(const nn_node *node); /* its part of that */
/* Of its backward pass; bit i of `wanted` says that input i gets a gradient. */
int64_t nn_node_backward_multiply_adds(const nn_node *node, unsigned wanted);

#endif
