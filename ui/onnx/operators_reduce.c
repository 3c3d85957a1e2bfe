/* Sums and their kin over axes, and the best entries: ReduceSum to ReduceSumSquare, ArgMax, ArgMin,
 * TopK. */
#include "engine/shapes.h"
#include "ui/onnx/operator.h"

enum { MOST_AXES = NN_MAX_AXES };

/* --- Reduce... ----------------------------------------------------------------------------------
 */

typedef nn_node *reducer(nn_graph *graph, nn_node *x, const int *axes, int count, bool keep);

/* Marks the axes that are summed over: those named, or all. False if refused. */
static bool read_axes(onnx_call *call, bool *summed)
{
    int rank = onnx_input(call, 0)->shape.rank;
    int64_t axes[MOST_AXES];
    int count = onnx_op(call)->variant == 0 ? onnx_input_ints(call, 1, axes, MOST_AXES)
                                            : onnx_ints(call, "axes", axes, MOST_AXES);
    bool nothing =
        count == 0 && onnx_op(call)->variant == 0 && onnx_int(call, "noop_with_empty_axes") != 0;
    for (int i = 0; i < rank; i++)
        summed[i] = count == 0 && !nothing;
    for (int i = 0; i < count && !onnx_failed(call); i++) {
        int axis = onnx_axis(call, axes[i], rank);
        if (axis >= 0 && summed[axis])
            onnx_refuse(call, "axis %d is named twice", axis);
        if (axis >= 0)
            summed[axis] = true;
    }
    return !onnx_failed(call);
}

static void build_reduce(onnx_call *call)
{
    static reducer *const reducers[] = {
        nn_reduce_sum,         nn_reduce_mean,      nn_reduce_max, nn_reduce_min,
        nn_reduce_prod,        nn_reduce_l1,        nn_reduce_l2,  nn_reduce_log_sum,
        nn_reduce_log_sum_exp, nn_reduce_sum_square};
    const onnx_tensor *x = onnx_input(call, 0);
    bool summed[NN_MAX_DIMS] = {false}, keep = onnx_int(call, "keepdims") != 0;
    int axes[NN_MAX_DIMS], count = 0;
    nn_shape shape = {0, {0}}, sample = x->shape;
    if (!read_axes(call, summed))
        return;
    for (int i = 0; i < x->shape.rank; i++) {
        if (summed[i])
            axes[count++] = i;
        if (!summed[i] || keep)
            shape.dim[shape.rank++] = summed[i] ? 1 : x->shape.dim[i];
    }
    bool plain = count == 0 && x->shape.rank > 0; /* each number is its own sum */
    if (plain || x->shape.rank == 0) {
        axes[count++] = x->shape.rank;
        sample.dim[sample.rank++] = 1;
    }
    if (sample.rank >= NN_MAX_DIMS) {
        onnx_refuse(call, "more than %d dimensions", NN_MAX_DIMS - 1);
        return;
    }
    nn_node *y = reducers[onnx_op(call)->variant](onnx_graph(call), onnx_whole_as(call, 0, sample),
                                                  axes, count, false);
    onnx_give(call, 0, y, x->type, shape);
}

/* --- the best entries ---------------------------------------------------------------------------
 */

static void build_best(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    nn_arg_args args = {axis, onnx_int(call, "keepdims") != 0,
                        onnx_int(call, "select_last_index") != 0};
    if (axis < 0)
        return;
    nn_node *(*best)(nn_graph *, nn_node *, nn_arg_args) =
        onnx_op(call)->variant ? nn_argmin : nn_argmax;
    onnx_give_sample(call, 0, best(onnx_graph(call), onnx_whole(call, 0), args), ONNX_INT64);
}

static void build_top(onnx_call *call)
{
    const onnx_tensor *x = onnx_input(call, 0);
    int axis = onnx_axis(call, onnx_int(call, "axis"), x->shape.rank);
    double k = onnx_scalar(call, 1, 0);
    if (axis < 0 || onnx_failed(call))
        return;
    if (!(k >= 1 && k <= (double)x->shape.dim[axis])) {
        onnx_refuse(call, "K is %g; expected 1 to %lld", k, (long long)x->shape.dim[axis]);
        return;
    }
    nn_top_args args = {axis, (int)k, onnx_int(call, "largest") == 0};
    nn_node *node = onnx_whole(call, 0);
    onnx_give_sample(call, 0, nn_top_k(onnx_graph(call), node, args), x->type);
    onnx_give_sample(call, 1, nn_top_k_indices(onnx_graph(call), node, args), ONNX_INT64);
}

/* --- the table ----------------------------------------------------------------------------------
 */

#define REDUCE(NAME, VARIANT)                                                                      \
    {                                                                                              \
        .name = NAME, .inputs = "data", .outputs = "reduced", .attributes = reduce_attributes,     \
        .build = build_reduce, .variant = VARIANT                                                  \
    }
#define BEST(NAME, VARIANT)                                                                        \
    {                                                                                              \
        .name = NAME, .inputs = "data", .outputs = "reduced", .flags = ONNX_NO_GRADIENT,           \
        .attributes = best_attributes, .build = build_best, .variant = VARIANT                     \
    }

static const onnx_attribute_spec reduce_attributes[] = {
    {"axes", ONNX_A_INTS, 0, NULL}, {"keepdims", ONNX_A_INT, 1, NULL}, {.name = NULL}};
static const onnx_attribute_spec sum_attributes[] = {{"keepdims", ONNX_A_INT, 1, NULL},
                                                     {"noop_with_empty_axes", ONNX_A_INT, 0, NULL},
                                                     {.name = NULL}};
static const onnx_attribute_spec best_attributes[] = {{"axis", ONNX_A_INT, 0, NULL},
                                                      {"keepdims", ONNX_A_INT, 1, NULL},
                                                      {"select_last_index", ONNX_A_INT, 0, NULL},
                                                      {.name = NULL}};
static const onnx_attribute_spec top_attributes[] = {{"axis", ONNX_A_INT, -1, NULL},
                                                     {"largest", ONNX_A_INT, 1, NULL},
                                                     {"sorted", ONNX_A_INT, 1, NULL},
                                                     {.name = NULL}};

const onnx_operator onnx_reduce_operators[] = {
    {.name = "ReduceSum",
     .inputs = "data axes?",
     .outputs = "reduced",
     .flags = ONNX_EMPTY,
     .attributes = sum_attributes,
     .build = build_reduce,
     .variant = 0},
    REDUCE("ReduceMean", 1),
    REDUCE("ReduceMax", 2),
    REDUCE("ReduceMin", 3),
    REDUCE("ReduceProd", 4),
    REDUCE("ReduceL1", 5),
    REDUCE("ReduceL2", 6),
    REDUCE("ReduceLogSum", 7),
    REDUCE("ReduceLogSumExp", 8),
    REDUCE("ReduceSumSquare", 9),
    BEST("ArgMax", 0),
    BEST("ArgMin", 1),
    {.name = "TopK",
     .inputs = "X K",
     .outputs = "Values Indices",
     .attributes = top_attributes,
     .build = build_top},
    {.name = NULL},
};
