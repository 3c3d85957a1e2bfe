/* Operators of chapters 27 to 35: convolution, pooling, what is made of them, boxes. */
#include "engine/losses.h"
#include "engine/vision/boxes.h"
#include "ui/onnx/course.h"

#include <stdlib.h>

/* --- convolution --------------------------------------------------------------------------------
 */

static nn_node *convolved(onnx_call *call, nn_node *x, int w, int b, int stride, int rows,
                          int columns)
{
    nn_conv_args args = {.stride = {stride, stride}, .pad = {rows, columns, rows, columns}};
    nn_node *bias = b >= 0 ? onnx_weight(call, b) : NULL;
    return nn_conv2d(onnx_graph(call), x, onnx_weight(call, w), bias, args);
}

enum { VALID, SAME, STRIDE, STRIDE_PAD, UNBIASED };

static void build_convolution(onnx_call *call)
{
    int kind = onnx_op(call)->variant, pads[2] = {0, 0};
    nn_shape w = onnx_input(call, 1)->shape;
    for (int i = 0; i < 2; i++)
        pads[i] = kind == SAME ? (int)(w.dim[2 + i] - 1) / 2 : kind == STRIDE_PAD;
    if (kind == SAME && (w.dim[2] % 2 == 0 || w.dim[3] % 2 == 0)) {
        onnx_refuse(call, "the kernel must have odd sides");
        return;
    }
    int stride = kind == STRIDE || kind == STRIDE_PAD ? 2 : 1;
    nn_node *x = onnx_rows(call, 0, 0);
    course_out_rows(call, 0,
                    convolved(call, x, 1, kind == UNBIASED ? -1 : 2, stride, pads[0], pads[1]));
}

/* Rows and columns backwards. */
static nn_node *turned(nn_graph *g, nn_node *x)
{
    const int64_t first[2] = {-1, -1}, end[2] = {INT32_MIN, INT32_MIN}, step[2] = {-1, -1};
    return nn_slice(g, x, first, end, (const int[]){1, 2}, step, 2);
}

/* A kernel turned by 180 degrees: the image is turned before and the result behind. */
static void build_flip(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *x = onnx_rows(call, 0, 0), *w = onnx_weight(call, 1);
    nn_conv_args args = {.stride = {1, 1}};
    course_out_rows(call, 0, nn_conv2d(g, x, w, NULL, args));
    course_out_rows(call, 1, turned(g, nn_conv2d(g, turned(g, x), w, NULL, args)));
}

static void build_stack(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *inner = convolved(call, onnx_rows(call, 0, 0), 1, -1, 1, 0, 0);
    nn_node *open = nn_relu(g, nn_affine(g, inner, 1, 10));
    course_out_rows(call, 0, convolved(call, open, 2, -1, 1, 0, 0));
}

static void build_inception(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_node *x = onnx_rows(call, 0, 0), *branch[3];
    nn_pool_args pool = {.kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1, 1, 1}};
    branch[0] = nn_relu(g, convolved(call, x, 1, -1, 1, 0, 0));
    nn_node *reduced = nn_relu(g, convolved(call, x, 2, -1, 1, 0, 0));
    branch[1] = nn_relu(g, convolved(call, reduced, 3, -1, 1, 1, 1));
    branch[2] = nn_relu(g, convolved(call, nn_max_pool2d(g, x, pool), 4, -1, 1, 0, 0));
    if (branch[0] && branch[1] && branch[2])
        course_out_rows(call, 0, nn_concat(g, branch, 3, 0));
}

/* --- pooling ------------------------------------------------------------------------------------
 */

enum { MAX_POOL, AVERAGE_POOL, OVERLAP };

static void build_pool(onnx_call *call)
{
    int kind = onnx_op(call)->variant, side = kind == OVERLAP ? 3 : 2;
    nn_pool_args args = {.kernel = {side, side}, .stride = {2, 2}};
    nn_node *(*pool)(nn_graph *, nn_node *, nn_pool_args) =
        kind == AVERAGE_POOL ? nn_average_pool2d : nn_max_pool2d;
    course_out_rows(call, 0, pool(onnx_graph(call), onnx_rows(call, 0, 0), args));
}

static void build_global(onnx_call *call)
{
    course_out_rows(call, 0, nn_global_average_pool(onnx_graph(call), onnx_rows(call, 0, 0)));
}

/* --- sliding windows ----------------------------------------------------------------------------
 */

static void build_dense_as_convolution(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    nn_shape x = onnx_input(call, 0)->shape, w = onnx_input(call, 1)->shape;
    nn_shape kernel = {4, {w.dim[0], x.dim[1], x.dim[2], x.dim[3]}};
    nn_node *flat = onnx_rows_as(call, 0, nn_shape1(w.dim[1]));
    nn_node *bias = onnx_weight(call, 2);
    course_out_rows(call, 0, nn_linear(g, flat, onnx_weight(call, 1), bias));
    nn_node *maps = nn_conv2d(g, onnx_rows(call, 0, 0), onnx_weight_as(call, 1, kernel), bias,
                              (nn_conv_args){.stride = {1, 1}});
    course_out_as(call, 1, maps, nn_shape2(x.dim[0], w.dim[0]));
}

static nn_node *small_net(onnx_call *call, nn_node *x, nn_node *w1, nn_node *w2)
{
    nn_graph *g = onnx_graph(call);
    nn_conv_args plain = {.stride = {1, 1}};
    nn_pool_args pool = {.kernel = {2, 2}, .stride = {1, 1}};
    nn_node *inner = nn_relu(g, nn_conv2d(g, x, w1, NULL, plain));
    return nn_conv2d(g, nn_max_pool2d(g, inner, pool), w2, NULL, plain);
}

/* The whole image at once, and each 3x3 crop by itself. */
static void build_sliding(onnx_call *call)
{
    enum { MOST = 144 };
    nn_graph *g = onnx_graph(call);
    nn_shape shape = onnx_input(call, 0)->shape;
    int64_t rows = shape.dim[2] - 2, columns = shape.dim[3] - 2;
    nn_node *x = onnx_rows(call, 0, 0), *parts[MOST];
    nn_node *w1 = onnx_weight(call, 1), *w2 = onnx_weight(call, 2);
    if (rows < 1 || columns < 1 || rows * columns > MOST) {
        onnx_refuse(call, "%lld x %lld crops of 3x3; expected 1 to %d", (long long)rows,
                    (long long)columns, MOST);
        return;
    }
    nn_shape map = nn_shape2(rows, columns);
    course_out_as(call, 0, small_net(call, x, w1, w2), map);
    for (int64_t i = 0; i < rows * columns; i++) {
        nn_node *strip = nn_slice_axis(g, x, 1, i / columns, 3);
        nn_node *crop = nn_slice_axis(g, strip, 2, i % columns, 3);
        parts[i] = small_net(call, crop, w1, w2);
        if (!parts[i])
            return;
    }
    nn_node *all = course_joined(g, parts, (int)(rows * columns), 0);
    course_out_as(call, 1, nn_affine(g, all, 1, 0), map);
}

/* --- boxes --------------------------------------------------------------------------------------
 */

static nn_box box_at(const double *boxes, int64_t i)
{
    return (nn_box){boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]};
}

static void build_overlaps(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0];
    double *boxes = course_numbers(call, 0);
    float *to = onnx_work(call, 10.0 * (double)n * (double)n)
                    ? onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(n, n))
                    : NULL;
    for (int64_t i = 0; i < n * n && to && boxes; i++)
        to[i] = (float)nn_iou(box_at(boxes, i / n), box_at(boxes, i % n));
    free(boxes);
}

typedef struct {
    nn_box *boxes;
    double *coordinates, *scores, *own;
    int32_t *classes;
    int *kept;
    int count;
} candidates;

static void give_kept(onnx_call *call, int k, const candidates *c, bool per_class)
{
    nn_suppress_args args = {.score = course_number(call, 3), .iou = course_number(call, 4)};
    nn_error error = {NN_OK, ""};
    int count = 0;
    if (nn_suppress(c->boxes, c->scores, per_class ? c->classes : NULL, c->count, args, c->kept,
                    &count, &error) != NN_OK) {
        onnx_refuse(call, "%s", error.text);
        return;
    }
    float *to = onnx_give_numbers(call, k, ONNX_INT64, nn_shape1(count));
    for (int i = 0; i < count && to; i++)
        to[i] = (float)c->kept[i];
}

static void build_suppression(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0];
    candidates c = {.count = (int)n,
                    .boxes = malloc((size_t)n * sizeof *c.boxes),
                    .coordinates = course_numbers(call, 0),
                    .scores = course_numbers(call, 1),
                    .own = course_numbers(call, 2),
                    .classes = malloc((size_t)n * sizeof *c.classes),
                    .kept = malloc((size_t)n * sizeof *c.kept)};
    bool good = c.boxes && c.coordinates && c.scores && c.own && c.classes && c.kept;
    for (int64_t i = 0; i < n && good; i++) {
        c.boxes[i] = box_at(c.coordinates, i);
        good = c.own[i] > -1e9 && c.own[i] < 1e9;
        c.classes[i] = good ? (int32_t)c.own[i] : 0;
    }
    if (!good)
        onnx_refuse(call, "a class is no whole number, or there is no memory");
    if (onnx_work(call, 400.0 * (double)n * (double)n)) {
        give_kept(call, 0, &c, false);
        give_kept(call, 1, &c, true);
    }
    free(c.boxes);
    free(c.coordinates);
    free(c.scores);
    free(c.own);
    free(c.classes);
    free(c.kept);
}

static void build_decode(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0];
    double side = course_number(call, 1), *cells = course_numbers(call, 0);
    if (!(side >= 1 && side < 1e9))
        onnx_refuse(call, "S is %g; expected 1 or more cells a side", side);
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(n, 4));
    for (int64_t i = 0; i < n && to && cells; i++, to += 4) {
        const double *at = cells + 6 * i;
        if (!(at[0] > -1e9 && at[0] < 1e9 && at[1] > -1e9 && at[1] < 1e9)) {
            onnx_refuse(call, "cells[%lld] is in no row or column", (long long)i);
            break;
        }
        nn_cell_box cell = {(int)at[0], (int)at[1], at[2], at[3], at[4], at[5]};
        nn_box box =
            nn_cell_decode(cell, (int)side, course_number(call, 2), course_number(call, 3));
        const double corners[4] = {box.x1, box.y1, box.x2, box.y2};
        for (int k = 0; k < 4; k++)
            to[k] = (float)corners[k];
    }
    free(cells);
}

static void give_anchors(onnx_call *call, const double *truth, const double *sizes,
                         nn_box_size *anchors)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0], k = onnx_input(call, 1)->shape.dim[0];
    float *iou = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(n, k));
    float *best = onnx_give_numbers(call, 1, ONNX_INT64, nn_shape1(n));
    for (int64_t j = 0; j < k; j++)
        anchors[j] = (nn_box_size){sizes[2 * j], sizes[2 * j + 1]};
    for (int64_t i = 0; i < n && iou && best; i++) {
        nn_box_size own = {truth[2 * i], truth[2 * i + 1]};
        for (int64_t j = 0; j < k; j++)
            iou[i * k + j] = (float)nn_size_iou(own, anchors[j]);
        best[i] = (float)nn_best_anchor(own, anchors, (int)k, NULL);
    }
}

static void build_anchors(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0], k = onnx_input(call, 1)->shape.dim[0];
    double *truth = course_numbers(call, 0), *sizes = course_numbers(call, 1);
    nn_box_size *anchors = malloc((size_t)k * sizeof *anchors);
    if (truth && sizes && anchors && onnx_work(call, 20.0 * (double)n * (double)k))
        give_anchors(call, truth, sizes, anchors);
    else
        onnx_refuse(call, "out of memory");
    free(truth);
    free(sizes);
    free(anchors);
}

static void build_yolo(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    course_out(call, 0,
               nn_yolo(g, onnx_whole(call, 0), onnx_constant(call, 1), (nn_yolo_args){.box = 0}));
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define CONVOLUTION(NAME, KIND)                                                                    \
    COURSE(NAME, "X W b", "n,c,h,w k,c,i,j k", "Y", build_convolution, KIND)

const onnx_operator course_image_operators[] = {
    CONVOLUTION("conv-valid", VALID),
    CONVOLUTION("conv-same", SAME),
    CONVOLUTION("conv-stride2", STRIDE),
    CONVOLUTION("conv-multichannel", STRIDE_PAD),
    COURSE("conv1x1", "X W b", "n,c,h,w k,c,1,1 k", "Y", build_convolution, VALID),
    COURSE("edge", "X W", "n,c,h,w k,c,i,j", "Y", build_convolution, UNBIASED),
    COURSE("flip", "X W", "n,c,h,w k,c,i,j", "cross_correlation convolution", build_flip, 0),
    COURSE("maxpool", "X", "n,c,h,w", "Y", build_pool, MAX_POOL),
    COURSE("avgpool", "X", "n,c,h,w", "Y", build_pool, AVERAGE_POOL),
    COURSE("maxpool-overlap", "X", "n,c,h,w", "Y", build_pool, OVERLAP),
    COURSE("maxpool-channels", "X", "n,c,h,w", "Y", build_pool, MAX_POOL),
    COURSE("gap", "X", "n,c,h,w", "Y", build_global, 0),
    COURSE("stack33", "X W1 W2", "n,c,h,w k,c,i,j l,k,p,q", "Y", build_stack, 0),
    COURSE("inception", "X W1 W2r W3 Wp", "n,c,h,w k,c,1,1 r,c,1,1 l,r,3,3 p,c,1,1", "Y",
           build_inception, 0),
    COURSE("fc-as-conv", "X Wfc b", "n,c,h,w k,chw k", "fc conv", build_dense_as_convolution, 0),
    COURSE("sliding", "X W1 W2", "1,c,h,w k,c,2,2 1,k,1,1", "full crops", build_sliding, 0),
    COURSE_PLAIN("iou-matrix", "boxes", "n,4", "iou", build_overlaps, 0),
    COURSE_PLAIN("nms", "boxes scores classes p_min iou_thr", "n,4 n n . .",
                 "keep_class_agnostic keep_per_class", build_suppression, 0),
    COURSE_PLAIN("decode", "cells S W H", "n,6 . . .", "boxes", build_decode, 0),
    COURSE_PLAIN("anchor-assign", "gt anchors", "n,2 k,2", "shape_iou best", build_anchors, 0),
    COURSE("yolo-loss", "pred target", "n,k n,k", "loss", build_yolo, 0),
    {.name = NULL},
};
