/* Convolutional classifiers of images (channels x rows x columns): AlexNet, VGG, plain and residual
 * networks, MobileNet. */
#include "engine/elementwise.h"
#include "engine/models/families.h"

#include <stdio.h>

/* --- layers that they share ---------------------------------------------------------------------
 */

nn_conv_args nn_centred(int kernel, int stride)
{
    int pad = (kernel - 1) / 2;
    return (nn_conv_args){.stride = {stride, stride}, .pad = {pad, pad, pad, pad}};
}

nn_node *nn_conv_relu(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel,
                      nn_conv_args args)
{
    x = nn_conv(graph, name, x, filters, kernel, kernel, args, NN_INIT_HE);
    return nn_relu(nn_named(graph, "%s.relu", name), x);
}

/* Convolution without bias, then batch norm, whose shift does the bias's work. */
static nn_node *conv_norm(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel,
                          nn_conv_args args)
{
    char norm[NN_NAME_MAX];
    nn_join_name(norm, name, ".norm");
    x = nn_conv_unbiased(graph, name, x, filters, kernel, kernel, args, NN_INIT_HE);
    return nn_batch_norm_layer(graph, norm, x, (nn_batch_norm_args){0});
}

static nn_node *conv_norm_relu(nn_graph *graph, const char *name, nn_node *x, int filters,
                               int kernel, nn_conv_args args)
{
    x = conv_norm(graph, name, x, filters, kernel, args);
    return nn_relu(nn_named(graph, "%s.relu", name), x);
}

static nn_node *conv_norm_relu6(nn_graph *graph, const char *name, nn_node *x, int filters,
                                int kernel, nn_conv_args args)
{
    x = conv_norm(graph, name, x, filters, kernel, args);
    return nn_clip(nn_named(graph, "%s.relu6", name), x, 0, 6);
}

static nn_node *max_pool(nn_graph *graph, nn_node *x, int kernel, int stride, int pad)
{
    nn_pool_args args = {
        .kernel = {kernel, kernel}, .stride = {stride, stride}, .pad = {pad, pad, pad, pad}};
    return nn_max_pool2d(graph, x, args);
}

/* The mean of every channel, as features. */
static nn_node *global_average(nn_graph *graph, nn_node *x)
{
    if (!x)
        return NULL;
    nn_shape shape = nn_node_shape(x);
    nn_pool_args args = {.kernel = {(int)shape.dim[2], (int)shape.dim[3]}};
    return nn_flatten(graph, nn_average_pool2d(nn_named(graph, "global_average"), x, args));
}

/* A hidden dense layer with ReLU, and dropout behind it where asked for. */
static nn_node *hidden(nn_graph *graph, const char *name, nn_node *x, int units,
                       const nn_model_size *size)
{
    x = nn_relu(nn_named(graph, "%s.relu", name), nn_dense(graph, name, x, units, NN_INIT_HE));
    return size->dropout > 0 ? nn_dropout(nn_named(graph, "%s.dropout", name), x, size->dropout)
                             : x;
}

/* --- AlexNet ------------------------------------------------------------------------------------
 */

/* Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks": the network
 * of 2012 in one tower, without local response normalisation. 61,100,840 parameters at 3x224x224
 * and 1,000 classes. */
static nn_node *alexnet(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                        const nn_model_size *size)
{
    (void)kind;
    nn_conv_args first = {.stride = {4, 4}, .pad = {2, 2, 2, 2}};
    x = nn_conv_relu(graph, "conv1", x, nn_slim(size, 64), 11, first);
    x = max_pool(graph, x, 3, 2, 0);
    x = nn_conv_relu(graph, "conv2", x, nn_slim(size, 192), 5, nn_centred(5, 1));
    x = max_pool(graph, x, 3, 2, 0);
    x = nn_conv_relu(graph, "conv3", x, nn_slim(size, 384), 3, nn_centred(3, 1));
    x = nn_conv_relu(graph, "conv4", x, nn_slim(size, 256), 3, nn_centred(3, 1));
    x = nn_conv_relu(graph, "conv5", x, nn_slim(size, 256), 3, nn_centred(3, 1));
    x = nn_flatten(graph, max_pool(graph, x, 3, 2, 0));
    x = hidden(graph, "fc1", x, nn_slim(size, 4096), size);
    x = hidden(graph, "fc2", x, nn_slim(size, 4096), size);
    return nn_dense(graph, "fc3", x, size->classes, NN_INIT_XAVIER);
}

/* --- VGG ----------------------------------------------------------------------------------------
 */

/* Stages of 3x3 convolutions, each ended by a 2x2 pool. */
static nn_node *vgg_stages(nn_graph *graph, nn_node *x, const int (*stage)[2], int stages,
                           const nn_model_size *size)
{
    char name[NN_NAME_MAX];
    for (int s = 0; s < stages; s++) {
        for (int i = 0; i < stage[s][0]; i++) {
            snprintf(name, sizeof name, "conv%d_%d", s + 1, i + 1);
            x = nn_conv_relu(graph, name, x, nn_slim(size, stage[s][1]), 3, nn_centred(3, 1));
        }
        x = max_pool(graph, x, 2, 2, 0);
    }
    return nn_flatten(graph, x);
}

/* Simonyan and Zisserman 2015, configuration D: 138,357,544 parameters at 3x224x224. */
static nn_node *vgg16(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                      const nn_model_size *size)
{
    static const int stage[5][2] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
    (void)kind;
    x = vgg_stages(graph, x, stage, 5, size);
    x = hidden(graph, "fc1", x, nn_slim(size, 4096), size);
    x = hidden(graph, "fc2", x, nn_slim(size, 4096), size);
    return nn_dense(graph, "fc3", x, size->classes, NN_INIT_XAVIER);
}

static nn_node *vgg_small(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                          const nn_model_size *size)
{
    static const int stage[2][2] = {{2, 32}, {2, 64}};
    (void)kind;
    x = vgg_stages(graph, x, stage, 2, size);
    x = hidden(graph, "fc1", x, nn_slim(size, 128), size);
    return nn_dense(graph, "fc2", x, size->classes, NN_INIT_XAVIER);
}

/* --- plain and residual networks for small images -----------------------------------------------
 */

/* Two 3x3 convolutions; `shortcut`: added to the input, which a 1x1 convolution with batch norm
 * brings to the same shape where it differs (option B of He et al. 2016). */
static nn_node *basic_block(nn_graph *graph, const char *name, nn_node *x, int filters, int stride,
                            bool shortcut)
{
    char part[3][NN_NAME_MAX];
    if (!x)
        return NULL;
    nn_join_name(part[0], name, ".conv1");
    nn_join_name(part[1], name, ".conv2");
    nn_join_name(part[2], name, ".shortcut");
    nn_node *y = conv_norm_relu(graph, part[0], x, filters, 3, nn_centred(3, stride));
    y = conv_norm(graph, part[1], y, filters, 3, nn_centred(3, 1));
    if (shortcut && (stride > 1 || nn_node_shape(x).dim[1] != filters))
        x = conv_norm(graph, part[2], x, filters, 1, nn_centred(1, stride));
    if (shortcut)
        y = nn_add(nn_named(graph, "%s.add", name), y, x);
    return nn_relu(nn_named(graph, "%s.relu", name), y);
}

/* He et al. 2016, section 4.2: three stages of n blocks with 16, 32 and 64 filters: 6n+2 layers
 * with weights. depth is n, negative without shortcuts. */
static nn_node *small_residual(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                               const nn_model_size *size)
{
    char name[NN_NAME_MAX];
    bool shortcut = kind->depth > 0;
    int blocks = shortcut ? kind->depth : -kind->depth;
    x = conv_norm_relu(graph, "conv1", x, nn_slim(size, 16), 3, nn_centred(3, 1));
    for (int stage = 0; stage < 3; stage++)
        for (int i = 0; i < blocks; i++) {
            snprintf(name, sizeof name, "block%d_%d", stage + 1, i + 1);
            x = basic_block(graph, name, x, nn_slim(size, 16 << stage), stage && !i ? 2 : 1,
                            shortcut);
        }
    return nn_dense(graph, "fc", global_average(graph, x), size->classes, NN_INIT_XAVIER);
}

/* --- ResNet-50, ResNet-152
 * -------------------------------------------------------------------------
 */

/* 1x1 down, 3x3 (which carries the stride, as implementations do since 2016), 1x1 up to 4 times the
 * width. */
static nn_node *bottleneck(nn_graph *graph, const char *name, nn_node *x, int width, int stride)
{
    char part[4][NN_NAME_MAX];
    if (!x)
        return NULL;
    nn_join_name(part[0], name, ".conv1");
    nn_join_name(part[1], name, ".conv2");
    nn_join_name(part[2], name, ".conv3");
    nn_join_name(part[3], name, ".shortcut");
    nn_node *y = conv_norm_relu(graph, part[0], x, width, 1, nn_centred(1, 1));
    y = conv_norm_relu(graph, part[1], y, width, 3, nn_centred(3, stride));
    y = conv_norm(graph, part[2], y, 4 * width, 1, nn_centred(1, 1));
    if (stride > 1 || nn_node_shape(x).dim[1] != 4 * width)
        x = conv_norm(graph, part[3], x, 4 * width, 1, nn_centred(1, stride));
    return nn_relu(nn_named(graph, "%s.relu", name), nn_add(nn_named(graph, "%s.add", name), y, x));
}

/* He et al. 2016, table 1; depth counts the layers with weights. At 3x224x224 50 layers have
 * 25,557,032 parameters and 152 have 60,192,808. */
static nn_node *large_residual(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                               const nn_model_size *size)
{
    static const int blocks[2][4] = {{3, 4, 6, 3}, {3, 8, 36, 3}};
    const int *stage = blocks[kind->depth > 50];
    char name[NN_NAME_MAX];
    x = conv_norm_relu(graph, "conv1", x, nn_slim(size, 64), 7, nn_centred(7, 2));
    x = max_pool(graph, x, 3, 2, 1);
    for (int s = 0; s < 4; s++)
        for (int i = 0; i < stage[s]; i++) {
            snprintf(name, sizeof name, "block%d_%d", s + 1, i + 1);
            x = bottleneck(graph, name, x, nn_slim(size, 64 << s), s && !i ? 2 : 1);
        }
    return nn_dense(graph, "fc", global_average(graph, x), size->classes, NN_INIT_XAVIER);
}

/* --- MobileNet ----------------------------------------------------------------------------------
 */

/* Howard et al. 2017, table 1: a depthwise 3x3 convolution and a 1x1 one, each with batch norm and
 * ReLU, 13 times: 4,231,976 parameters at 3x224x224. */
static nn_node *mobilenet(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                          const nn_model_size *size)
{
    static const int block[13][2] = {{64, 1},  {128, 2},  {128, 1}, {256, 2}, {256, 1},
                                     {512, 2}, {512, 1},  {512, 1}, {512, 1}, {512, 1},
                                     {512, 1}, {1024, 2}, {1024, 1}};
    char name[NN_NAME_MAX];
    int channels = nn_slim(size, 32);
    (void)kind;
    x = conv_norm_relu(graph, "conv1", x, channels, 3, nn_centred(3, 2));
    for (int i = 0; i < 13; i++) {
        nn_conv_args depthwise = nn_centred(3, block[i][1]);
        depthwise.groups = channels;
        snprintf(name, sizeof name, "depthwise%d", i + 1);
        x = conv_norm_relu(graph, name, x, channels, 3, depthwise);
        channels = nn_slim(size, block[i][0]);
        snprintf(name, sizeof name, "pointwise%d", i + 1);
        x = conv_norm_relu(graph, name, x, channels, 1, nn_centred(1, 1));
    }
    return nn_dense(graph, "fc", global_average(graph, x), size->classes, NN_INIT_XAVIER);
}

/* An inverted residual: 1x1 up to `wide` channels, depthwise 3x3, 1x1 down to `narrow`, the last
 * without activation; added to the input where the shape stays. ReLU stops at 6. */
static nn_node *inverted_residual(nn_graph *graph, const char *name, nn_node *x, int expand,
                                  int narrow, int stride)
{
    char part[3][NN_NAME_MAX];
    if (!x)
        return NULL;
    int channels = (int)nn_node_shape(x).dim[1], wide = expand * channels;
    nn_conv_args depthwise = nn_centred(3, stride);
    depthwise.groups = wide;
    nn_join_name(part[0], name, ".expand");
    nn_join_name(part[1], name, ".depthwise");
    nn_join_name(part[2], name, ".project");
    nn_node *y = x;
    if (expand > 1)
        y = conv_norm_relu6(graph, part[0], y, wide, 1, nn_centred(1, 1));
    y = conv_norm_relu6(graph, part[1], y, wide, 3, depthwise);
    y = conv_norm(graph, part[2], y, narrow, 1, nn_centred(1, 1));
    if (stride > 1 || channels != narrow)
        return y;
    return nn_add(nn_named(graph, "%s.add", name), y, x);
}

/* Sandler et al. 2018, table 2: expansion, channels, blocks, stride of the first. 3,504,872
 * parameters at 3x224x224, 2,223,872 of them before the classifier. */
static nn_node *mobilenet_v2(nn_graph *graph, nn_node *x, const nn_architecture *kind,
                             const nn_model_size *size)
{
    static const int stage[7][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                    {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    char name[NN_NAME_MAX];
    (void)kind;
    x = conv_norm_relu6(graph, "conv1", x, nn_slim(size, 32), 3, nn_centred(3, 2));
    for (int s = 0; s < 7; s++)
        for (int i = 0; i < stage[s][2]; i++) {
            snprintf(name, sizeof name, "block%d_%d", s + 1, i + 1);
            x = inverted_residual(graph, name, x, stage[s][0], nn_slim(size, stage[s][1]),
                                  i ? 1 : stage[s][3]);
        }
    x = conv_norm_relu6(graph, "features", x, nn_slim(size, 1280), 1, nn_centred(1, 1));
    return nn_dense(graph, "fc", global_average(graph, x), size->classes, NN_INIT_XAVIER);
}

#define IMAGENET .sample = {3, {3, 224, 224}}, .classes = 1000
#define SMALL    .sample = {3, {1, 28, 28}}, .classes = 10

static const nn_architecture list[] = {
    {.name = "alexnet",
     .what = "five convolutions, three dense layers, in one tower",
     .source = "Krizhevsky 2014",
     IMAGENET,
     .logits = alexnet},
    {.name = "vgg16",
     .what = "13 convolutions of 3x3, three dense layers",
     .source = "Simonyan and Zisserman 2015, configuration D",
     IMAGENET,
     .logits = vgg16},
    {.name = "vgg-small",
     .what = "four convolutions of 3x3 and two dense layers, for small images",
     .source = "after Simonyan and Zisserman 2015",
     SMALL,
     .logits = vgg_small},
    {.name = "plain20",
     .what = "20 layers with batch norm and no shortcuts",
     .source = "He et al. 2016, section 4.2",
     SMALL,
     .depth = -3,
     .logits = small_residual},
    {.name = "plain56",
     .what = "56 layers with batch norm and no shortcuts",
     .source = "He et al. 2016, section 4.2",
     SMALL,
     .depth = -9,
     .logits = small_residual},
    {.name = "resnet8",
     .what = "residual network of 8 layers, for small images",
     .source = "He et al. 2016, section 4.2, n = 1",
     SMALL,
     .depth = 1,
     .logits = small_residual},
    {.name = "resnet20",
     .what = "residual network of 20 layers, for small images",
     .source = "He et al. 2016, section 4.2, n = 3",
     SMALL,
     .depth = 3,
     .logits = small_residual},
    {.name = "resnet56",
     .what = "residual network of 56 layers, for small images",
     .source = "He et al. 2016, section 4.2, n = 9",
     SMALL,
     .depth = 9,
     .logits = small_residual},
    {.name = "resnet50",
     .what = "residual network of bottleneck blocks",
     .source = "He et al. 2016, table 1",
     IMAGENET,
     .depth = 50,
     .logits = large_residual},
    {.name = "resnet152",
     .what = "residual network of bottleneck blocks, the deepest of its paper",
     .source = "He et al. 2016, table 1",
     IMAGENET,
     .depth = 152,
     .logits = large_residual},
    {.name = "mobilenet",
     .what = "depthwise and pointwise convolutions",
     .source = "Howard et al. 2017",
     IMAGENET,
     .logits = mobilenet},
    {.name = "mobilenetv2",
     .what = "inverted residuals: wide inside, narrow between blocks",
     .source = "Sandler et al. 2018",
     IMAGENET,
     .logits = mobilenet_v2},
};

const nn_architecture_family nn_convolutional_family = NN_FAMILY(list);
