/* Entries that other numbers name: Gather, GatherElements, OneHot, Tile, DepthToSpace,
 * NonMaxSuppression; and what a tensor is: Shape, Size, Cast. */
#include "engine/shapes.h"
#include "engine/vision/boxes.h"
#include "ui/onnx/operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every index within -size..size-1. False if refused. */
static bool indices_fit(onnx_call *call, int i, int64_t size)
{
    const onnx_tensor *index = onnx_input(call, i);
    for (int64_t k = 0; k < index->count; k++)
        if (!(index->data[k] >= (float)-size && index->data[k] < (float)size)) {
            onnx_refuse(call, "an index is %g; expected %lld to %lld", (double)index->data[k],
                        (long long)-size, (long long)size - 1);
            return false;
        }
    return true;
}

/* --- Gather and its kin -------------------------------------------------------------------------
 */

static void build_gather(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    if (axis < 0 || !indices_fit(call, 1, x->shape.dim[axis]))
        return;
    nn_node *data = onnx_whole(call, 0), *indices = onnx_whole_indices(call, 1);
    onnx_give_sample(call, 0, nn_gather(onnx_graph(call), data, indices, axis), x->type);
}

/* Element k of the result is element from[k] of the input, seen as one list. Takes `from`. */
static void give_picked(onnx_call *call, nn_shape shape, float *from)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int64_t count = nn_shape_count(shape);
    if (from && count > 0 && !onnx_failed(call)) {
        nn_node *data = onnx_whole_as(call, 0, nn_shape1(x->count));
        nn_node *places = onnx_fixed_indices(call, nn_shape1(count), from);
        onnx_give(call, 0, nn_gather(onnx_graph(call), data, places, 0), x->type, shape);
    } else if (!from && !onnx_failed(call)) {
        onnx_refuse(call, "out of memory");
    }
    free(from);
}

/* The indices of an element, row by row. */
static void places_of(nn_shape shape, int64_t element, int64_t *place)
{
    for (int i = shape.rank - 1; i >= 0; i--) {
        place[i] = element % shape.dim[i];
        element /= shape.dim[i];
    }
}

static int64_t element_at(nn_shape shape, const int64_t *place)
{
    int64_t element = 0;
    for (int i = 0; i < shape.rank; i++)
        element = element * shape.dim[i] + place[i];
    return element;
}

static void build_gather_elements(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0), *index = onnx_input(call, 1);
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    bool good = axis >= 0 && index->shape.rank == x->shape.rank;
    for (int i = 0; i < x->shape.rank && good; i++)
        good = i == axis || index->shape.dim[i] <= x->shape.dim[i];
    if (axis >= 0 && !good)
        onnx_refuse(call, "the indices need the shape of the data but along the axis");
    if (!good || !indices_fit(call, 1, x->shape.dim[axis]))
        return;
    float *from = malloc((size_t)index->count * sizeof *from);
    for (int64_t k = 0; k < index->count && from; k++) {
        int64_t place[NN_MAX_DIMS];
        places_of(index->shape, k, place);
        place[axis] = (int64_t)index->data[k];
        place[axis] += place[axis] < 0 ? x->shape.dim[axis] : 0;
        from[k] = (float)element_at(x->shape, place);
    }
    give_picked(call, index->shape, from);
}

static void build_tile(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int64_t times[NN_MAX_DIMS], count = x->count;
    nn_shape shape = x->shape;
    int given = onnx_input_ints(call, 1, times, NN_MAX_DIMS);
    if (!onnx_failed(call) && given != shape.rank)
        onnx_refuse(call, "%d repeats for %d dimensions", given, shape.rank);
    for (int i = 0; i < given && !onnx_failed(call); i++) {
        if (times[i] < 1 || times[i] > ONNX_MAX_ELEMENTS / count)
            onnx_refuse(call, "repeats[%d] is %lld; expected 1 or more, and at most %d elements", i,
                        (long long)times[i], ONNX_MAX_ELEMENTS);
        else
            count *= times[i];
        shape.dim[i] *= times[i];
    }
    if (onnx_failed(call))
        return;
    float *from = malloc((size_t)count * sizeof *from);
    for (int64_t k = 0; k < count && from; k++) {
        int64_t place[NN_MAX_DIMS];
        places_of(shape, k, place);
        for (int i = 0; i < shape.rank; i++)
            place[i] %= x->shape.dim[i];
        from[k] = (float)element_at(x->shape, place);
    }
    give_picked(call, shape, from);
}

/* (N, C, H, W) and blocks of b x b: channels become places, or places channels. */
static void build_depth(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    bool to_space = onnx_op(call)->variant == 0;
    int64_t b = onnx_int(call, "blocksize"), n = x->shape.dim[0], c = x->shape.dim[1];
    int64_t h = x->shape.dim[2], w = x->shape.dim[3];
    bool crd = to_space && strcmp(onnx_text(call, "mode"), "CRD") == 0;
    if (x->shape.rank != 4 || b < 1 || b > 4096 ||
        (to_space ? c % (b * b) != 0 : h % b != 0 || w % b != 0)) {
        onnx_refuse(call, "expected [N, C, H, W] which blocks of %lld divide", (long long)b);
        return;
    }
    static const int orders[3][6] = {{0, 3, 4, 1, 5, 2}, {0, 1, 4, 2, 5, 3}, {0, 3, 5, 1, 2, 4}};
    int64_t d = to_space ? c / b / b : c;
    nn_shape split = {6, {n, b, b, d, h, w}}, shape = {4, {n, d, h * b, w * b}};
    if (crd)
        split = (nn_shape){6, {n, d, b, b, h, w}};
    if (!to_space) {
        split = (nn_shape){6, {n, c, h / b, b, w / b, b}};
        shape = (nn_shape){4, {n, c * b * b, h / b, w / b}};
    }
    nn_node *y = nn_transpose(onnx_graph(call), onnx_whole_as(call, 0, split),
                              orders[to_space ? crd : 2], 6);
    onnx_give(call, 0, y, x->type, shape);
}

/* values are the numbers off and on; they get no gradient. */
static void build_one_hot(onnx_call *call)
{
    const onnx_tensor *values = onnx_input(call, 2);
    int axis = onnx_axis(call, onnx_int(call, "axis"), onnx_input(call, 0)->shape.rank + 1);
    double depth = onnx_scalar(call, 1, 0);
    if (axis < 0 || onnx_failed(call))
        return;
    if (!(depth >= 1 && depth <= ONNX_MAX_ELEMENTS) || values->count != 2) {
        onnx_refuse(call, "depth is %g and there are %lld values; expected 1 or more and 2", depth,
                    (long long)values->count);
        return;
    }
    nn_one_hot_args args = {.axis = axis,
                            .depth = (int)depth,
                            .off = (double)values->data[0],
                            .on = (double)values->data[1]};
    onnx_give_sample(call, 0, nn_one_hot(onnx_graph(call), onnx_whole_indices(call, 0), args),
                     values->type);
}

/* --- NonMaxSuppression --------------------------------------------------------------------------
 */

/* Two opposite corners y, x, y, x, or the centre x, y with width and height. */
static nn_box box_of(const float *at, bool centre)
{
    double a = (double)at[0], b = (double)at[1], c = (double)at[2], d = (double)at[3];
    if (centre)
        return (nn_box){a - c / 2, b - d / 2, a + c / 2, b + d / 2};
    return (nn_box){fmin(b, d), fmin(a, c), fmax(b, d), fmax(a, c)};
}

typedef struct {
    int boxes, classes, images;
    nn_suppress_args args;
    nn_box *box;
    double *score;
    int *kept;
    float *chosen; /* image, class, box */
    int64_t count, room;
} suppression;

static bool suppress_class(onnx_call *call, suppression *s, int image, int class_index)
{
    const onnx_tensor *boxes = onnx_input(call, 0), *scores = onnx_input(call, 1);
    nn_error error = {NN_OK, ""};
    int count = 0;
    for (int i = 0; i < s->boxes; i++) {
        int64_t row = ((int64_t)image * s->classes + class_index) * s->boxes + i;
        s->box[i] = box_of(boxes->data + ((int64_t)image * s->boxes + i) * 4,
                           onnx_int(call, "center_point_box") != 0);
        s->score[i] = (double)scores->data[row];
    }
    if (!onnx_work(call, 400.0 * s->boxes * s->boxes))
        return false;
    if (nn_suppress(s->box, s->score, NULL, s->boxes, s->args, s->kept, &count, &error) != NN_OK) {
        onnx_refuse(call, "%s", error.text);
        return false;
    }
    for (int i = 0; i < count; i++) {
        float *to = s->chosen + 3 * s->count++;
        to[0] = (float)image;
        to[1] = (float)class_index;
        to[2] = (float)s->kept[i];
    }
    return true;
}

static void give_chosen(onnx_call *call, suppression *s)
{
    bool good = true;
    for (int i = 0; i < s->images && good; i++)
        for (int k = 0; k < s->classes && good; k++)
            good = suppress_class(call, s, i, k);
    float *to = good ? onnx_give_numbers(call, 0, ONNX_INT64, nn_shape2(s->count, 3)) : NULL;
    if (to && s->count)
        memcpy(to, s->chosen, (size_t)s->count * 3 * sizeof *to);
}

/* ONNX wants more than the thresholds, the engine takes what reaches them. */
static void build_suppression(onnx_call *call)
{
    nn_shape boxes = onnx_input(call, 0)->shape, scores = onnx_input(call, 1)->shape;
    double most = onnx_scalar(call, 2, 0), iou = onnx_scalar(call, 3, 0);
    double least = onnx_scalar(call, 4, -INFINITY);
    if (onnx_failed(call))
        return;
    if (boxes.rank != 3 || boxes.dim[2] != 4 || scores.rank != 3 || scores.dim[0] != boxes.dim[0] ||
        scores.dim[2] != boxes.dim[1]) {
        onnx_refuse(call, "expected boxes [images, boxes, 4] and scores [images, classes, boxes]");
        return;
    }
    suppression s = {.boxes = (int)boxes.dim[1],
                     .classes = (int)scores.dim[1],
                     .images = (int)boxes.dim[0],
                     .room = onnx_input(call, 1)->count};
    s.args = (nn_suppress_args){.score = isinf(least) ? least : nextafter(least, INFINITY),
                                .iou = nextafter(iou, INFINITY),
                                .limit = most < 1e9 ? (int)most : 0};
    if (most < 1) { /* ONNX: none */
        onnx_give_numbers(call, 0, ONNX_INT64, nn_shape2(0, 3));
        return;
    }
    s.box = malloc((size_t)s.boxes * sizeof *s.box);
    s.score = malloc((size_t)s.boxes * sizeof *s.score);
    s.kept = malloc((size_t)s.boxes * sizeof *s.kept);
    s.chosen = malloc((size_t)s.room * 3 * sizeof *s.chosen);
    if (s.box && s.score && s.kept && s.chosen)
        give_chosen(call, &s);
    else
        onnx_refuse(call, "out of memory");
    free(s.box);
    free(s.score);
    free(s.kept);
    free(s.chosen);
}

/* --- what a tensor is ---------------------------------------------------------------------------
 */

static void build_shape(onnx_call *call)
{
    nn_shape shape = onnx_input(call, 0)->shape;
    int64_t start = onnx_int(call, "start");
    int64_t end = onnx_given(call, "end") ? onnx_int(call, "end") : shape.rank;
    start += start < 0 ? shape.rank : 0;
    end += end < 0 ? shape.rank : 0;
    start = start < 0 ? 0 : start;
    end = end > shape.rank ? shape.rank : end;
    int64_t count = end > start ? end - start : 0;
    float *to = onnx_give_numbers(call, 0, ONNX_INT64, nn_shape1(count));
    for (int64_t i = 0; i < count && to; i++)
        to[i] = (float)shape.dim[start + i];
}

static void build_size(onnx_call *call)
{
    float *to = onnx_give_numbers(call, 0, ONNX_INT64, nn_shape_of(0, NULL));
    if (to)
        to[0] = (float)onnx_input(call, 0)->count;
}

/* --- the table ----------------------------------------------------------------------------------
 */

static const onnx_attribute_spec axis_attributes[] = {{"axis", ONNX_A_INT, 0, NULL},
                                                      {.name = NULL}};
static const onnx_attribute_spec last_attributes[] = {{"axis", ONNX_A_INT, -1, NULL},
                                                      {.name = NULL}};
static const onnx_attribute_spec suppression_attributes[] = {
    {"center_point_box", ONNX_A_INT, 0, NULL}, {.name = NULL}};
static const onnx_attribute_spec depth_attributes[] = {
    {"blocksize", ONNX_A_INT, 0, NULL}, {"mode", ONNX_A_TEXT, 0, "DCR"}, {.name = NULL}};
static const onnx_attribute_spec space_attributes[] = {{"blocksize", ONNX_A_INT, 0, NULL},
                                                       {.name = NULL}};
static const onnx_attribute_spec shape_attributes[] = {
    {"start", ONNX_A_INT, 0, NULL}, {"end", ONNX_A_INT, 0, NULL}, {.name = NULL}};

const onnx_operator onnx_index_operators[] = {
    {.name = "Gather",
     .inputs = "data indices",
     .outputs = "output",
     .attributes = axis_attributes,
     .build = build_gather},
    {.name = "GatherElements",
     .inputs = "data indices",
     .outputs = "output",
     .attributes = axis_attributes,
     .build = build_gather_elements},
    {.name = "Tile", .inputs = "input repeats", .outputs = "output", .build = build_tile},
    {.name = "DepthToSpace",
     .inputs = "input",
     .outputs = "output",
     .attributes = depth_attributes,
     .build = build_depth,
     .variant = 0},
    {.name = "SpaceToDepth",
     .inputs = "input",
     .outputs = "output",
     .attributes = space_attributes,
     .build = build_depth,
     .variant = 1},
    {.name = "OneHot",
     .inputs = "indices depth values",
     .outputs = "output",
     .flags = ONNX_NO_GRADIENT,
     .attributes = last_attributes,
     .build = build_one_hot},
    {.name = "NonMaxSuppression",
     .inputs = "boxes scores max_output_boxes_per_class? iou_threshold? score_threshold?",
     .outputs = "selected_indices",
     .flags = ONNX_NO_GRADIENT,
     .attributes = suppression_attributes,
     .build = build_suppression},
    {.name = "Shape",
     .inputs = "data",
     .outputs = "shape",
     .flags = ONNX_NO_GRADIENT | ONNX_EMPTY,
     .attributes = shape_attributes,
     .build = build_shape},
    {.name = "Size",
     .inputs = "data",
     .outputs = "size",
     .flags = ONNX_NO_GRADIENT | ONNX_EMPTY,
     .build = build_size},
    {.name = NULL},
};
