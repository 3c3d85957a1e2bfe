/* What else is asked of images: inception modules, a class for every pixel, boxes, and whether two
 * pictures show the same. */
#include "engine/losses.h"
#include "engine/models/families.h"
#include "engine/shapes.h"

#include <stdio.h>

static nn_node *conv_relu(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel)
{
    return nn_conv_relu(graph, name, x, filters, kernel, nn_centred(kernel, 1));
}

static nn_node *half(nn_graph *graph, nn_node *x)
{
    return nn_max_pool2d(graph, x, (nn_pool_args){.kernel = {2, 2}});
}

/* --- inception (chapter 33) ---------------------------------------------------------------------
 */

nn_node *nn_inception_module(nn_graph *graph, const char *name, nn_node *x, const int filters[6])
{
    static const char *const part[6] = {".1x1",        ".3x3.reduce", ".3x3",
                                        ".5x5.reduce", ".5x5",        ".pool"};
    char text[6][NN_NAME_MAX];
    nn_node *branch[4];
    for (int i = 0; i < 6; i++)
        nn_join_name(text[i], name, part[i]);
    branch[0] = conv_relu(graph, text[0], x, filters[0], 1);
    branch[1] = conv_relu(graph, text[1], x, filters[1], 1);
    branch[1] = conv_relu(graph, text[2], branch[1], filters[2], 3);
    branch[2] = conv_relu(graph, text[3], x, filters[3], 1);
    branch[2] = conv_relu(graph, text[4], branch[2], filters[4], 5);
    nn_pool_args around = {.kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1, 1, 1}};
    branch[3] = conv_relu(graph, text[5], nn_max_pool2d(graph, x, around), filters[5], 1);
    return nn_concat(nn_named(graph, "%s", name), branch, 4, 0);
}

static nn_node *inception_of(nn_graph *graph, const char *name, nn_node *x,
                             const nn_model_size *size, const int filters[6])
{
    int slim[6];
    for (int i = 0; i < 6; i++)
        slim[i] = nn_slim(size, filters[i]);
    return nn_inception_module(graph, name, x, slim);
}

/* A stem, two modules with a pool between them, global average pooling. */
static nn_node *inception_small(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                                const nn_model_size *size)
{
    static const int first[6] = {16, 16, 32, 4, 8, 8}, second[6] = {32, 32, 64, 8, 16, 16};
    (void)kind;
    x = half(graph, conv_relu(graph, "conv1", x, nn_slim(size, 32), 3));
    x = half(graph, inception_of(graph, "inception1", x, size, first));
    x = nn_global_average_pool(graph, inception_of(graph, "inception2", x, size, second));
    return nn_dense(graph, "fc", nn_flatten(graph, x), size->classes, NN_INIT_XAVIER);
}

/* --- a class for every pixel (chapter 34) -------------------------------------------------------
 */

/* Long et al. 2015: convolutions down to a quarter of the size, scores by a 1x1 convolution, and a
 * transposed convolution back up. Rows and columns must be multiples of 4. */
static void fcn(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                nn_assembly *made)
{
    nn_error error = {NN_OK, ""};
    nn_shape sample = size->sample;
    (void)kind;
    if (sample.rank != 3 || sample.dim[1] % 4 || sample.dim[2] % 4) {
        char text[NN_SHAPE_TEXT];
        nn_graph_refuse(graph, NN_E_SHAPE,
                        "fcn: an example is %s; expected channels x rows x columns, rows and "
                        "columns multiples of 4",
                        nn_shape_text(sample, text));
        return;
    }
    nn_node *x = nn_feed_real(made, graph, "x", sample);
    nn_node *labels = nn_feed_whole(made, graph, "labels", nn_shape2(sample.dim[1], sample.dim[2]),
                                    0, size->classes);
    x = half(graph, conv_relu(graph, "conv1", x, nn_slim(size, 32), 3));
    x = half(graph, conv_relu(graph, "conv2", x, nn_slim(size, 64), 3));
    x = conv_relu(graph, "conv3", x, nn_slim(size, 128), 3);
    x = nn_conv(graph, "score", x, size->classes, 1, 1, (nn_conv_args){0}, NN_INIT_XAVIER);
    nn_param *up =
        nn_model_param(nn_graph_model(graph), "up.weight",
                       nn_shape4(size->classes, size->classes, 8, 8), NN_INIT_XAVIER, 1, &error);
    nn_conv_transpose_args args = {.conv = {.stride = {4, 4}, .pad = {2, 2, 2, 2}}};
    x = nn_conv_transpose2d(nn_named(graph, "up"), x, nn_use(graph, up), NULL, args);
    made->output = nn_transpose(nn_named(graph, "logits"), x, (const int[]){1, 2, 0}, 3);
    nn_node *each = nn_class_cross_entropy(nn_named(graph, "cross_entropy"), made->output, labels,
                                           NULL, (nn_label_args){0});
    made->loss = nn_mean(nn_named(graph, "loss"), each);
}

/* --- boxes (chapter 35) -------------------------------------------------------------------------
 */

/* Five convolutions, pooled four times, then 5 + classes numbers in 0..1 for every cell of the grid
 * that is left: p, x, y, height, width, classes (Redmon et al. 2016, one box a cell). */
static void yolo_tiny(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                      nn_assembly *made)
{
    static const int width[5] = {16, 32, 64, 128, 256};
    char name[NN_NAME_MAX];
    (void)kind;
    nn_node *x = nn_feed_real(made, graph, "x", size->sample);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "conv%d", i + 1);
        x = conv_relu(graph, name, x, nn_slim(size, width[i]), 3);
        x = i < 4 ? half(graph, x) : x;
    }
    x = nn_conv(graph, "cells", x, 5 + size->classes, 1, 1, (nn_conv_args){0}, NN_INIT_XAVIER);
    x = nn_transpose(graph, nn_sigmoid(graph, x), (const int[]){1, 2, 0}, 3);
    made->output = x;
    if (!x)
        return;
    nn_shape shape = nn_node_shape(x);
    nn_node *target =
        nn_feed_unit(made, graph, "target", nn_shape3(shape.dim[1], shape.dim[2], shape.dim[3]));
    made->loss = nn_mean(nn_named(graph, "loss"),
                         nn_yolo(nn_named(graph, "yolo"), x, target, (nn_yolo_args){0}));
}

/* --- the same or not (chapters 36 and 37) -------------------------------------------------------
 */

/* The same weights whenever it is called: layers are found by their names. */
static nn_node *embedding_of(nn_graph *graph, nn_node *x, const nn_model_size *size)
{
    x = half(graph, conv_relu(graph, "conv1", x, nn_slim(size, 32), 3));
    x = half(graph, conv_relu(graph, "conv2", x, nn_slim(size, 64), 3));
    x = nn_relu(graph,
                nn_dense(graph, "fc1", nn_flatten(graph, x), nn_slim(size, 128), NN_INIT_HE));
    return nn_dense(graph, "fc2", x, nn_slim(size, 64), NN_INIT_XAVIER);
}

/* Two branches with shared weights, contrastive loss of margin 1 (Hadsell et al. 2006). The output
 * is the embedding of the first picture. */
static void siamese(nn_graph *graph, const nn_architecture *kind, const nn_model_size *size,
                    nn_assembly *made)
{
    (void)kind;
    nn_node *first = nn_feed_real(made, graph, "first", size->sample);
    nn_node *second = nn_feed_real(made, graph, "second", size->sample);
    nn_node *same_thing = nn_feed_whole(made, graph, "same", (nn_shape){0}, 0, 2);
    nn_node *u = embedding_of(graph, first, size), *v = embedding_of(graph, second, size);
    made->output = u;
    made->loss = nn_mean(nn_named(graph, "loss"), nn_contrastive(graph, u, v, same_thing, 1));
}

#define SMALL .sample = {3, {1, 28, 28}}, .classes = 10

static const nn_architecture list[] = {
    {.name = "inception-small",
     .what = "two inception modules, for small images",
     .source = "after Szegedy et al. 2015",
     SMALL,
     .logits = inception_small},
    {.name = "fcn",
     .what = "fully convolutional: a class for every pixel",
     .source = "after Long et al. 2015",
     .sample = {3, {3, 64, 64}},
     .classes = 5,
     .assemble = fcn},
    {.name = "yolo-tiny",
     .what = "one box and its class for every cell of a grid",
     .source = "after Redmon et al. 2016",
     .sample = {3, {3, 64, 64}},
     .classes = 3,
     .assemble = yolo_tiny},
    {.name = "siamese",
     .what = "two pictures, the same weights: do they show the same?",
     .source = "Bromley et al. 1993, Hadsell et al. 2006",
     SMALL,
     .assemble = siamese},
};

const nn_architecture_family nn_vision_family = NN_FAMILY(list);
