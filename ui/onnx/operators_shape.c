/* The same numbers in another shape or order: Reshape to Expand, Concat. */
#include "engine/elementwise.h"
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

enum { MOST_AXES = NN_MAX_DIMS };

/* Input 0 in this shape, also where it has no elements. */
static void give_reshaped(onnx_call *call, nn_shape shape)
{
    const onnx_tensor *x = onnx_input(call, 0);
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    if (onnx_failed(call))
        return;
    if (nn_shape_count(shape) != x->count) {
        onnx_refuse(call, "%s cannot become %s", onnx_shape_text(x->shape, left),
                    onnx_shape_text(shape, right));
    } else if (x->count == 0) {
        onnx_give_numbers(call, 0, x->type, shape);
        onnx_give_gradient(call, 0);
    } else if (shape.rank >= NN_MAX_DIMS) {
        onnx_refuse(call, "more than %d dimensions", NN_MAX_DIMS - 1);
    } else {
        onnx_give(call, 0, nn_reshape(onnx_graph(call), onnx_whole(call, 0), shape), x->type,
                  shape);
    }
}

static void build_identity(onnx_call *call)
{
    give_reshaped(call, onnx_input(call, 0)->shape);
}

/* 0 keeps a dimension of the input (or is 0, with allowzero), one -1 is what is left. */
static void build_reshape(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int64_t size[MOST_AXES], rest = -1;
    nn_shape shape = {onnx_input_ints(call, 1, size, MOST_AXES), {0}};
    bool zero = onnx_int(call, "allowzero") != 0;
    int64_t known = 1;
    for (int i = 0; i < shape.rank && !onnx_failed(call); i++) {
        bool keep = size[i] == 0 && !zero;
        if (keep && i >= x->shape.rank)
            onnx_refuse(call, "shape[%d] is 0, but the input has %d dimensions", i, x->shape.rank);
        else if (size[i] < -1 || (size[i] == -1 && rest >= 0) || size[i] > ONNX_MAX_ELEMENTS)
            onnx_refuse(call, "shape[%d] is %lld; expected sizes, and at most one -1", i,
                        (long long)size[i]);
        shape.dim[i] = keep ? x->shape.dim[i] : size[i];
        rest = size[i] == -1 ? i : rest;
        known = size[i] == -1 || known > ONNX_MAX_ELEMENTS ? known : known * shape.dim[i];
    }
    if (rest >= 0)
        shape.dim[rest] = known > 0 ? x->count / known : 0;
    give_reshaped(call, shape);
}

static void build_flatten(onnx_call *call)
{
    nn_shape x = onnx_input(call, 0)->shape;
    int64_t axis = onnx_int(call, "axis");
    if (axis < -x.rank || axis > x.rank) {
        onnx_refuse(call, "axis %lld: expected %d to %d", (long long)axis, -x.rank, x.rank);
        return;
    }
    axis += axis < 0 ? x.rank : 0;
    nn_shape shape = nn_shape2(1, 1);
    for (int i = 0; i < x.rank; i++)
        shape.dim[i < axis ? 0 : 1] *= x.dim[i];
    give_reshaped(call, shape);
}

/* Marks the axes that input 1 names. */
static bool mark_axes(onnx_call *call, int rank, bool *marked)
{
    int64_t axes[MOST_AXES];
    int count = onnx_input_ints(call, 1, axes, MOST_AXES);
    for (int i = 0; i < count && !onnx_failed(call); i++) {
        int axis = onnx_axis(call, axes[i], rank);
        if (axis >= 0 && marked[axis])
            onnx_refuse(call, "axis %d is named twice", axis);
        if (axis >= 0)
            marked[axis] = true;
    }
    return !onnx_failed(call);
}

static void build_squeeze(onnx_call *call)
{
    nn_shape x = onnx_input(call, 0)->shape, shape = {0, {0}};
    bool marked[MOST_AXES] = {false};
    if (!mark_axes(call, x.rank, marked))
        return;
    for (int i = 0; i < x.rank; i++) {
        bool leave_out = onnx_has(call, 1) ? marked[i] : x.dim[i] == 1;
        if (leave_out && x.dim[i] != 1)
            onnx_refuse(call, "axis %d has size %lld, only 1 can be left out", i,
                        (long long)x.dim[i]);
        if (!leave_out)
            shape.dim[shape.rank++] = x.dim[i];
    }
    give_reshaped(call, shape);
}

static void build_unsqueeze(onnx_call *call)
{
    nn_shape x = onnx_input(call, 0)->shape, shape = {0, {0}};
    bool marked[MOST_AXES] = {false};
    shape.rank = x.rank + (int)(onnx_input(call, 1)->count < 100 ? onnx_input(call, 1)->count : 0);
    if (shape.rank > MOST_AXES - 1) {
        onnx_refuse(call, "more than %d dimensions", MOST_AXES - 1);
        return;
    }
    if (!mark_axes(call, shape.rank, marked))
        return;
    for (int i = 0, from = 0; i < shape.rank; i++)
        shape.dim[i] = marked[i] ? 1 : x.dim[from++];
    give_reshaped(call, shape);
}

static void build_transpose(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int rank = x->shape.rank, order[MOST_AXES];
    int64_t axes[MOST_AXES];
    bool seen[MOST_AXES] = {false};
    nn_shape shape = x->shape;
    int given = onnx_ints(call, "perm", axes, MOST_AXES);
    if (onnx_given(call, "perm") && given != rank)
        onnx_refuse(call, "'perm' has %d numbers, the input %d dimensions", given, rank);
    for (int i = 0; i < rank && !onnx_failed(call); i++) {
        int64_t axis = given ? axes[i] : rank - 1 - i;
        if (axis < 0 || axis >= rank || seen[axis]) {
            onnx_refuse(call, "'perm' must hold each of 0 to %d once", rank - 1);
            return;
        }
        seen[axis] = true;
        order[i] = (int)axis;
        shape.dim[i] = x->shape.dim[axis];
    }
    if (rank < 2 || x->count == 0)
        give_reshaped(call, shape);
    else if (!onnx_failed(call))
        onnx_give(call, 0, nn_transpose(onnx_graph(call), onnx_whole(call, 0), order, rank),
                  x->type, shape);
}

static void build_expand(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int64_t size[MOST_AXES];
    nn_shape shape = {onnx_input_ints(call, 1, size, MOST_AXES - 1), {0}};
    for (int i = 0; i < shape.rank && !onnx_failed(call); i++) {
        if (size[i] < 1 || size[i] > ONNX_MAX_ELEMENTS)
            onnx_refuse(call, "shape[%d] is %lld; expected 1 to %d", i, (long long)size[i],
                        ONNX_MAX_ELEMENTS);
        shape.dim[i] = size[i];
    }
    if (!onnx_failed(call))
        onnx_give_sample(call, 0, nn_expand(onnx_graph(call), onnx_whole(call, 0), shape), x->type);
}

/* --- Concat -------------------------------------------------------------------------------------
 */

/* More than the engine joins at once are joined in turn; those without elements left out. */
static void build_concat(onnx_call *call)
{
    nn_node *part[NN_MAX_INPUTS];
    int count = onnx_inputs(call), parts = 0;
    nn_shape shape = onnx_input(call, 0)->shape;
    int axis = onnx_axis(call, onnx_int(call, "axis"), shape.rank);
    if (!onnx_given(call, "axis"))
        onnx_refuse(call, "attribute 'axis' is needed");
    if (onnx_failed(call))
        return;
    shape.dim[axis] = 0;
    for (int i = 0; i < count && !onnx_failed(call); i++) {
        nn_shape next = onnx_input(call, i)->shape;
        bool alike = next.rank == shape.rank;
        for (int k = 0; k < shape.rank && alike; k++)
            alike = k == axis || next.dim[k] == shape.dim[k];
        if (!alike) {
            onnx_refuse(call, "input %d differs from input 0 in more than axis %d", i, axis);
            return;
        }
        shape.dim[axis] += next.dim[axis];
        if (onnx_input(call, i)->count == 0) {
            onnx_give_gradient(call, i);
            continue;
        }
        if (parts == NN_MAX_INPUTS) {
            part[0] = nn_concat(onnx_graph(call), part, parts, axis);
            parts = 1;
        }
        part[parts++] = onnx_whole(call, i);
    }
    if (parts == 0)
        onnx_give_numbers(call, 0, onnx_input(call, 0)->type, shape);
    else if (!onnx_failed(call))
        onnx_give(call, 0, nn_concat(onnx_graph(call), part, parts, axis),
                  onnx_input(call, 0)->type, shape);
}

/* --- the table ----------------------------------------------------------------------------------
 */

static const onnx_attribute_spec reshape_attributes[] = {{"allowzero", ONNX_A_INT, 0, NULL},
                                                         {.name = NULL}};
static const onnx_attribute_spec flatten_attributes[] = {{"axis", ONNX_A_INT, 1, NULL},
                                                         {.name = NULL}};
static const onnx_attribute_spec transpose_attributes[] = {{"perm", ONNX_A_INTS, 0, NULL},
                                                           {.name = NULL}};
static const onnx_attribute_spec concat_attributes[] = {{"axis", ONNX_A_INT, 0, NULL},
                                                        {.name = NULL}};

const onnx_operator onnx_shape_operators[] = {
    {.name = "Identity",
     .inputs = "input",
     .outputs = "output",
     .flags = ONNX_EMPTY,
     .build = build_identity},
    {.name = "Reshape",
     .inputs = "data shape",
     .outputs = "reshaped",
     .flags = ONNX_EMPTY,
     .attributes = reshape_attributes,
     .build = build_reshape},
    {.name = "Flatten",
     .inputs = "input",
     .outputs = "output",
     .flags = ONNX_EMPTY,
     .attributes = flatten_attributes,
     .build = build_flatten},
    {.name = "Squeeze",
     .inputs = "data axes?",
     .outputs = "squeezed",
     .flags = ONNX_EMPTY,
     .build = build_squeeze},
    {.name = "Unsqueeze",
     .inputs = "data axes",
     .outputs = "expanded",
     .flags = ONNX_EMPTY,
     .build = build_unsqueeze},
    {.name = "Transpose",
     .inputs = "data",
     .outputs = "transposed",
     .flags = ONNX_EMPTY,
     .attributes = transpose_attributes,
     .build = build_transpose},
    {.name = "Expand", .inputs = "input shape", .outputs = "output", .build = build_expand},
    {.name = "Concat",
     .inputs = "inputs...",
     .outputs = "concat_result",
     .flags = ONNX_EMPTY,
     .attributes = concat_attributes,
     .build = build_concat},
    {.name = NULL},
};
