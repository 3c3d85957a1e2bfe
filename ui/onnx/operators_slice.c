/* Parts and margins: Slice, Split, Pad. */
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

#include <string.h>

enum { MOST_AXES = NN_MAX_DIMS };

/* --- Slice --------------------------------------------------------------------------------------
 */

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* How many entries start, start + step, ... before `end` there are on an axis of `size`. */
static int64_t slice_size(int64_t size, int64_t start, int64_t end, int64_t step)
{
    start += start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    if (step > 0) {
        start = clamp(start, 0, size);
        end = clamp(end, 0, size);
        return end > start ? (end - start - 1) / step + 1 : 0;
    }
    start = clamp(start, 0, size - 1);
    end = clamp(end, -1, size - 1);
    return start > end ? (start - end - 1) / -step + 1 : 0;
}

typedef struct {
    int count, axis[MOST_AXES];
    int64_t start[MOST_AXES], end[MOST_AXES], step[MOST_AXES];
} slice_lists;

/* A list of as many numbers as `starts` has, or the default. */
static void read_list(onnx_call *call, int i, int count, int64_t *list)
{
    if (onnx_has(call, i) && onnx_input_ints(call, i, list, MOST_AXES) != count)
        onnx_refuse(call, "input %d has another length than starts", i);
}

static bool read_lists(onnx_call *call, int rank, slice_lists *s)
{
    int64_t axes[MOST_AXES];
    bool seen[MOST_AXES] = {false};
    s->count = onnx_input_ints(call, 1, s->start, MOST_AXES);
    for (int i = 0; i < MOST_AXES; i++) {
        axes[i] = i;
        s->step[i] = 1;
    }
    read_list(call, 2, s->count, s->end);
    read_list(call, 3, s->count, axes);
    read_list(call, 4, s->count, s->step);
    for (int i = 0; i < s->count && !onnx_failed(call); i++) {
        s->axis[i] = onnx_axis(call, axes[i], rank);
        if (s->axis[i] < 0)
            return false;
        if (seen[s->axis[i]] || s->step[i] == 0)
            onnx_refuse(call, s->step[i] ? "axis %d is named twice" : "axis %d has step 0",
                        s->axis[i]);
        seen[s->axis[i]] = true;
        s->step[i] = clamp(s->step[i], -ONNX_MAX_ELEMENTS, ONNX_MAX_ELEMENTS);
        s->start[i] = clamp(s->start[i], -ONNX_MAX_ELEMENTS, ONNX_MAX_ELEMENTS);
        s->end[i] = clamp(s->end[i], -2 * ONNX_MAX_ELEMENTS, 2 * ONNX_MAX_ELEMENTS);
    }
    return !onnx_failed(call);
}

static void build_slice(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    slice_lists s = {.count = 0};
    nn_shape shape = x->shape;
    if (!read_lists(call, shape.rank, &s))
        return;
    for (int i = 0; i < s.count; i++)
        shape.dim[s.axis[i]] = slice_size(x->shape.dim[s.axis[i]], s.start[i], s.end[i], s.step[i]);
    if (nn_shape_count(shape) == 0) {
        onnx_give_numbers(call, 0, x->type, shape);
        onnx_give_gradient(call, 0);
        return;
    }
    if (s.count == 0) { /* all of it */
        s.count = 1;
        s.end[0] = ONNX_MAX_ELEMENTS;
    }
    onnx_give(
        call, 0,
        nn_slice(onnx_graph(call), onnx_whole(call, 0), s.start, s.end, s.axis, s.step, s.count),
        x->type, shape);
}

/* --- Split --------------------------------------------------------------------------------------
 */

static int read_sizes(onnx_call *call, int64_t whole, int64_t *size)
{
    int count = onnx_has(call, 1) ? onnx_input_ints(call, 1, size, ONNX_TENSORS)
                                  : onnx_outputs_wanted(call);
    int64_t sum = 0;
    if (!onnx_has(call, 1) && (count < 1 || whole % count != 0)) {
        onnx_refuse(call,
                    "without input 1 (split), \"outputs\" must say how many equal parts of "
                    "%lld are wanted",
                    (long long)whole);
        return 0;
    }
    for (int i = 0; i < count && !onnx_failed(call); i++) {
        size[i] = onnx_has(call, 1) ? size[i] : whole / count;
        if (size[i] < 0 || size[i] > whole)
            onnx_refuse(call, "split[%d] is %lld of %lld", i, (long long)size[i], (long long)whole);
        sum += size[i];
    }
    if (!onnx_failed(call) && sum != whole)
        onnx_refuse(call, "the parts add up to %lld, the axis has %lld", (long long)sum,
                    (long long)whole);
    return onnx_failed(call) ? 0 : count;
}

static void build_split(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int64_t size[ONNX_TENSORS] = {0}, first = 0;
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    int count = axis < 0 ? 0 : read_sizes(call, x->shape.dim[axis], size);
    nn_node *data = count && x->count ? onnx_whole(call, 0) : NULL;
    if (x->count == 0)
        onnx_give_gradient(call, 0);
    for (int i = 0; i < count && !onnx_failed(call); i++) {
        nn_shape shape = x->shape;
        shape.dim[axis] = size[i];
        if (nn_shape_count(shape) == 0)
            onnx_give_numbers(call, i, x->type, shape);
        else
            onnx_give(call, i, nn_slice_axis(onnx_graph(call), data, axis, first, size[i]), x->type,
                      shape);
        first += size[i];
    }
}

/* --- Pad ----------------------------------------------------------------------------------------
 */

static bool read_mode(onnx_call *call, nn_pad_mode *mode)
{
    static const char *const names[] = {"constant", "reflect", "edge"};
    static const nn_pad_mode modes[] = {NN_PAD_CONSTANT, NN_PAD_REFLECT, NN_PAD_EDGE};
    for (int i = 0; i < 3; i++)
        if (strcmp(onnx_text(call, "mode"), names[i]) == 0) {
            *mode = modes[i];
            return true;
        }
    onnx_refuse(call, "mode: expected constant, reflect or edge");
    return false;
}

static void build_pad(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int64_t pads[2 * MOST_AXES] = {0};
    int rank = x->shape.rank, count = onnx_input_ints(call, 1, pads, 2 * MOST_AXES);
    nn_pad_args args = {.rank = rank, .value = onnx_scalar(call, 2, 0)};
    if (onnx_failed(call) || !read_mode(call, &args.mode))
        return;
    if (count != 2 * rank || rank >= NN_MAX_DIMS) {
        onnx_refuse(call, "%d pads for %d dimensions; twice as many are expected", count, rank);
        return;
    }
    for (int i = 0; i < 2 * rank; i++) {
        if (pads[i] < -ONNX_MAX_ELEMENTS || pads[i] > ONNX_MAX_ELEMENTS) {
            onnx_refuse(call, "pads[%d] is %lld", i, (long long)pads[i]);
            return;
        }
        (i < rank ? args.before : args.after)[i % rank] = (int)pads[i];
    }
    onnx_give_sample(call, 0, nn_pad(onnx_graph(call), onnx_whole(call, 0), args), x->type);
}

/* --- the table ----------------------------------------------------------------------------------
 */

static const onnx_attribute_spec split_attributes[] = {{"axis", ONNX_A_INT, 0, NULL},
                                                       {.name = NULL}};
static const onnx_attribute_spec pad_attributes[] = {{"mode", ONNX_A_TEXT, 0, "constant"},
                                                     {.name = NULL}};

const onnx_operator onnx_slice_operators[] = {
    {.name = "Slice",
     .inputs = "data starts ends axes? steps?",
     .outputs = "output",
     .flags = ONNX_EMPTY,
     .build = build_slice},
    {.name = "Split",
     .inputs = "input split?",
     .outputs = "outputs...",
     .flags = ONNX_EMPTY,
     .attributes = split_attributes,
     .build = build_split},
    {.name = "Pad",
     .inputs = "data pads constant_value?",
     .outputs = "output",
     .attributes = pad_attributes,
     .build = build_pad},
    {.name = NULL},
};
