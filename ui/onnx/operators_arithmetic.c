/* Two or more numbers at a time, with broadcasting: Add to Where, Clip, Dropout. */
#include "engine/elementwise.h"
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

#include <math.h>

typedef nn_node *binary_builder(nn_graph *graph, nn_node *a, nn_node *b);

static void build_binary(onnx_call *call)
{
    static binary_builder *const builder[] = {nn_add, nn_sub, nn_mul, nn_div, nn_pow};
    nn_node *a = onnx_whole(call, 0), *b = onnx_whole(call, 1);
    if (!a || !b)
        return;
    onnx_give_sample(call, 0, builder[onnx_op(call)->variant](onnx_graph(call), a, b),
                     onnx_input(call, 0)->type);
}

enum { MAXIMUM, MINIMUM, SUM, MEAN };

/* Of one input or many, joined from the left. */
static void build_many(onnx_call *call)
{
    static binary_builder *const builder[] = {nn_maximum, nn_minimum, nn_add, nn_add};
    int variant = onnx_op(call)->variant, count = onnx_inputs(call);
    nn_graph *graph = onnx_graph(call);
    nn_node *sum = onnx_whole(call, 0);
    for (int i = 1; i < count && sum; i++) {
        nn_node *next = onnx_whole(call, i);
        sum = next ? builder[variant](graph, sum, next) : NULL;
    }
    if (count == 1 || variant == MEAN)
        sum = nn_affine(graph, sum, variant == MEAN ? 1.0 / count : 1, 0);
    onnx_give_sample(call, 0, sum, onnx_input(call, 0)->type);
}

static void build_where(onnx_call *call)
{
    nn_node *condition = onnx_whole_indices(call, 0);
    nn_node *a = onnx_whole(call, 1), *b = onnx_whole(call, 2);
    if (condition && a && b)
        onnx_give_sample(call, 0, nn_where(onnx_graph(call), condition, a, b),
                         onnx_input(call, 1)->type);
}

/* Both bounds have a gradient where they win; on a bound it goes to x. */
static nn_node *clipped(onnx_call *call, nn_node *x)
{
    nn_graph *graph = onnx_graph(call);
    nn_shape number = nn_shape_of(0, NULL);
    if (onnx_has(call, 1))
        x = nn_maximum(graph, x, onnx_whole_as(call, 1, number));
    if (onnx_has(call, 2)) /* ONNX, as numpy: the upper bound wins */
        x = nn_minimum(graph, x, onnx_whole_as(call, 2, number));
    return onnx_has(call, 1) || onnx_has(call, 2) ? x : nn_affine(graph, x, 1, 0);
}

static void build_clip(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    onnx_scalar(call, 1, 0); /* one number each */
    onnx_scalar(call, 2, 0);
    if (onnx_failed(call))
        return;
    if (x->count == 0) {
        onnx_give_numbers(call, 0, x->type, x->shape);
        onnx_give_gradient(call, 0);
        return;
    }
    onnx_give(call, 0, clipped(call, onnx_whole(call, 0)), x->type, x->shape);
}

static nn_node *ones_like(onnx_call *call, nn_shape shape)
{
    float one = 1;
    nn_node *x = onnx_fixed(call, nn_shape_of(0, NULL), &one);
    return nn_expand(onnx_graph(call), x, shape);
}

/* Evaluation passes x on. Training drops with the engine's generator: y = x * dropout(ones), whose
 * factors, not 0, are the mask. */
static void build_dropout(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    double ratio = onnx_scalar(call, 1, 0.5), training = onnx_scalar(call, 2, 0);
    nn_graph *graph = onnx_graph(call);
    if (onnx_failed(call))
        return;
    if (!(ratio >= 0 && ratio < 1)) {
        onnx_refuse(call, "ratio %g: expected 0 or more and less than 1", ratio);
        return;
    }
    nn_node *data = onnx_whole(call, 0);
    if (training == 0 || ratio == 0) {
        onnx_give(call, 0, nn_affine(graph, data, 1, 0), x->type, x->shape);
        float *mask = onnx_give_numbers(call, 1, ONNX_BOOL, x->shape);
        for (int64_t i = 0; i < x->count && mask; i++)
            mask[i] = 1;
        return;
    }
    onnx_train(call);
    nn_node *factor = nn_dropout(graph, ones_like(call, x->shape), ratio);
    if (data && factor)
        onnx_give(call, 0, nn_mul(graph, data, factor), x->type, x->shape);
    onnx_give(call, 1, factor, ONNX_BOOL, x->shape);
}

/* --- comparisons and logic, which have no gradient ----------------------------------------------
 */

enum { EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, AND, OR, XOR };

static bool holds(int variant, float a, float b)
{
    switch (variant) {
    case EQUAL:
        return a == b;
    case GREATER:
        return a > b;
    case GREATER_EQUAL:
        return a >= b;
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    case AND:
        return a != 0 && b != 0;
    case OR:
        return a != 0 || b != 0;
    default:
        return (a != 0) != (b != 0);
    }
}

/* What two shapes broadcast to. */
static bool broadcast(onnx_call *call, nn_shape a, nn_shape b, nn_shape *to)
{
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    to->rank = a.rank > b.rank ? a.rank : b.rank;
    for (int i = 1; i <= to->rank; i++) {
        int64_t p = i <= a.rank ? a.dim[a.rank - i] : 1, q = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (p != q && p != 1 && q != 1) {
            onnx_refuse(call, "%s and %s do not broadcast", onnx_shape_text(a, left),
                        onnx_shape_text(b, right));
            return false;
        }
        to->dim[to->rank - i] = p == 1 ? q : p;
    }
    return true;
}

/* Where element `place` of a tensor of shape `to` comes from in one that broadcasts to it. */
static int64_t source(nn_shape from, nn_shape to, int64_t place)
{
    int64_t at = 0, step = 1;
    for (int i = 1; i <= from.rank; i++) {
        int64_t dim = to.dim[to.rank - i], own = from.dim[from.rank - i];
        at += own == 1 ? 0 : place % dim * step;
        place /= dim;
        step *= own;
    }
    return at;
}

static void build_comparison(onnx_call *call)
{
    const onnx_tensor *a = onnx_input(call, 0), *b = onnx_input(call, 1);
    nn_shape shape;
    if (!broadcast(call, a->shape, b->shape, &shape))
        return;
    float *out = onnx_give_numbers(call, 0, ONNX_BOOL, shape);
    int64_t count = out ? nn_shape_count(shape) : 0;
    for (int64_t i = 0; i < count; i++)
        out[i] = holds(onnx_op(call)->variant, a->data[source(a->shape, shape, i)],
                       b->data[source(b->shape, shape, i)]);
}

static void build_not(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    float *out = onnx_give_numbers(call, 0, ONNX_BOOL, x->shape);
    for (int64_t i = 0; i < x->count && out; i++)
        out[i] = x->data[i] == 0;
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define BINARY(NAME, VARIANT)                                                                      \
    {                                                                                              \
        .name = NAME, .inputs = "A B", .outputs = "C", .build = build_binary, .variant = VARIANT   \
    }
#define MANY(NAME, VARIANT)                                                                        \
    {                                                                                              \
        .name = NAME, .inputs = "data...", .outputs = "Y", .build = build_many, .variant = VARIANT \
    }
#define COMPARISON(NAME, VARIANT)                                                                  \
    {                                                                                              \
        .name = NAME, .inputs = "A B", .outputs = "C", .flags = ONNX_NO_GRADIENT,                  \
        .build = build_comparison, .variant = VARIANT                                              \
    }

const onnx_operator onnx_arithmetic_operators[] = {
    BINARY("Add", 0),
    BINARY("Sub", 1),
    BINARY("Mul", 2),
    BINARY("Div", 3),
    BINARY("Pow", 4),
    MANY("Max", MAXIMUM),
    MANY("Min", MINIMUM),
    MANY("Sum", SUM),
    MANY("Mean", MEAN),
    {.name = "Where", .inputs = "condition X Y", .outputs = "output", .build = build_where},
    {.name = "Clip",
     .inputs = "input min? max?",
     .outputs = "output",
     .flags = ONNX_EMPTY,
     .build = build_clip},
    {.name = "Dropout",
     .inputs = "data ratio? training_mode?",
     .outputs = "output mask?",
     .attributes = (const onnx_attribute_spec[]){{"seed", ONNX_A_INT, 0, NULL}, {.name = NULL}},
     .build = build_dropout},
    COMPARISON("Equal", EQUAL),
    COMPARISON("Greater", GREATER),
    COMPARISON("GreaterOrEqual", GREATER_EQUAL),
    COMPARISON("Less", LESS),
    COMPARISON("LessOrEqual", LESS_EQUAL),
    COMPARISON("And", AND),
    COMPARISON("Or", OR),
    COMPARISON("Xor", XOR),
    {.name = "Not", .inputs = "X", .outputs = "Y", .flags = ONNX_NO_GRADIENT, .build = build_not},
    {.name = NULL},
};
