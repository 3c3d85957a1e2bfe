/* Where the best entries of an axis stand, and which they are: argmax, argmin, top_k. Both orders
 * count NaN as greatest. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/ops/walk.h"
#include "engine/shapes.h"

#include <string.h>

/* An axis of `length` entries, between `outer` things (rows included) and `inner` ones. */
typedef struct {
    int64_t outer, length, inner;
} extent;

static extent extent_of(const nn_node *node, int axis, int64_t rows)
{
    nn_shape shape = nn_sample_of(node->input[0]);
    extent e = {rows, shape.dim[axis], 1};
    for (int d = 0; d < shape.rank; d++) {
        e.outer *= d < axis ? shape.dim[d] : 1;
        e.inner *= d > axis ? shape.dim[d] : 1;
    }
    return e;
}

static nn_status expect_axis(const nn_node *node, int axis, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape shape = nn_sample_of(node->input[0]);
    if (axis < 0 || axis >= shape.rank)
        return nn_refuse(node, error, NN_E_ARG, "axis %d: an example of '%s' is %s", axis,
                         node->input[0]->name, nn_shape_text(shape, text));
    if (shape.dim[axis] > INT32_MAX)
        return nn_refuse(node, error, NN_E_SHAPE, "axis %d has more entries than an index can name",
                         axis);
    return NN_OK;
}

/* a comes before b, whatever their places. */
static inline bool before(nn_real a, nn_real b, bool smallest)
{
    if (a != a || b != b)
        return smallest ? a == a && b != b : a != a && b == b;
    return smallest ? a < b : a > b;
}

/* --- argmax, argmin ----------------------------------------------------------------------------
 */

static const nn_arg_args *arg_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_status arg_shape(nn_node *node, nn_error *error)
{
    const nn_arg_args *args = arg_of(node);
    nn_status status = expect_axis(node, args->axis, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]), to = {.rank = 0};
    for (int d = 0; d < from.rank; d++)
        if (d != args->axis || args->keep)
            to.dim[to.rank++] = d == args->axis ? 1 : from.dim[d];
    status = nn_set_activation(node, to, error);
    node->dtype = NN_I32;
    return status;
}

/* NaN is what is looked for, in both: the place where a computation went wrong. */
static void arg_forward(const nn_ctx *ctx, bool smallest)
{
    const nn_arg_args *args = arg_of(ctx->node);
    extent e = extent_of(ctx->node, args->axis, nn_rows(ctx));
    int32_t *out = (int32_t *)(void *)ctx->out;
    for (int64_t o = 0; o < e.outer * e.inner; o++) {
        const nn_real *x = (const nn_real *)ctx->in[0] + o / e.inner * e.length * e.inner;
        int64_t best = 0;
        x += o % e.inner;
        for (int64_t i = 1; i < e.length; i++) {
            nn_real a = x[i * e.inner], b = x[best * e.inner];
            bool better = a != a ? b == b : (smallest ? a < b : a > b);
            bool same = a == b || (a != a && b != b);
            best = better || (same && args->select_last) ? i : best;
        }
        out[o] = (int32_t)best;
    }
}

/* From the greatest value (or NaN) to the places that hold it. */
static void arg_reference(const nn_ctx *ctx, bool smallest)
{
    const nn_arg_args *args = arg_of(ctx->node);
    extent e = extent_of(ctx->node, args->axis, nn_rows(ctx));
    const nn_real *x = ctx->in[0];
    for (int64_t o = 0; o < e.outer * e.inner; o++) {
        int64_t first = o / e.inner * e.length * e.inner + o % e.inner, found = -1;
        double best = (double)x[first];
        for (int64_t i = 1; i < e.length && best == best; i++) {
            double y = (double)x[first + i * e.inner];
            best = y != y || (smallest ? y < best : y > best) ? y : best;
        }
        for (int64_t i = 0; i < e.length; i++) {
            double y = (double)x[first + i * e.inner];
            bool same = y == best || (y != y && best != best);
            if (same && (found < 0 || args->select_last))
                found = i;
        }
        ((int32_t *)(void *)ctx->out)[o] = (int32_t)found;
    }
}

static void argmax_forward(const nn_ctx *ctx)
{
    arg_forward(ctx, false);
}

static void argmin_forward(const nn_ctx *ctx)
{
    arg_forward(ctx, true);
}

static void argmax_reference(const nn_ctx *ctx)
{
    arg_reference(ctx, false);
}

static void argmin_reference(const nn_ctx *ctx)
{
    arg_reference(ctx, true);
}

const nn_op nn_op_argmax = {
    .name = "argmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_NO_GRADIENT,
    .shape = arg_shape,
    .forward = argmax_forward,
    .reference = argmax_reference,
};

const nn_op nn_op_argmin = {
    .name = "argmin",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_NO_GRADIENT,
    .shape = arg_shape,
    .forward = argmin_forward,
    .reference = argmin_reference,
};

static nn_node *arg_node(nn_graph *graph, const nn_op *op, nn_node *x, nn_arg_args args)
{
    if (x && args.axis < 0)
        args.axis += nn_sample_of(x).rank;
    return nn_node_new(graph, op, &x, 1, &args, sizeof args);
}

nn_node *nn_argmax(nn_graph *graph, nn_node *x, nn_arg_args args)
{
    return arg_node(graph, &nn_op_argmax, x, args);
}

nn_node *nn_argmin(nn_graph *graph, nn_node *x, nn_arg_args args)
{
    return arg_node(graph, &nn_op_argmin, x, args);
}

/* --- top_k: the values, and their places -------------------------------------------------------
 */

static const nn_top_args *top_of(const nn_node *node)
{
    return (const void *)node->args;
}

static nn_status top_shape(nn_node *node, nn_error *error)
{
    const nn_top_args *args = top_of(node);
    nn_status status = expect_axis(node, args->axis, error);
    if (status)
        return status;
    nn_shape shape = nn_sample_of(node->input[0]);
    if (args->k < 1 || args->k > shape.dim[args->axis])
        return nn_refuse(node, error, NN_E_ARG, "k %d: axis %d of '%s' has %lld entries", args->k,
                         args->axis, node->input[0]->name, (long long)shape.dim[args->axis]);
    shape.dim[args->axis] = args->k;
    return nn_set_activation(node, shape, error);
}

static nn_status top_indices_shape(nn_node *node, nn_error *error)
{
    nn_status status = top_shape(node, error);
    node->dtype = NN_I32;
    return status;
}

/* Places of the best so far, kept as a heap whose worst is on top. */
typedef struct {
    const nn_real *x;
    int64_t step;
    bool smallest;
    int32_t *place;
    int count;
} heap;

static bool place_before(const heap *h, int32_t a, int32_t b)
{
    nn_real x = h->x[a * h->step], y = h->x[b * h->step];
    return before(x, y, h->smallest) || (!before(y, x, h->smallest) && a < b);
}

static void sink(heap *h, int at)
{
    int32_t moved = h->place[at];
    for (int child = 2 * at + 1; child < h->count; child = 2 * at + 1) {
        if (child + 1 < h->count && place_before(h, h->place[child], h->place[child + 1]))
            child++; /* the worse of the two */
        if (!place_before(h, moved, h->place[child]))
            break;
        h->place[at] = h->place[child];
        at = child;
    }
    h->place[at] = moved;
}

/* Fills h->place with the k best of `length`, best first. */
static void choose(heap *h, int k, int64_t length)
{
    h->count = k;
    for (int i = 0; i < k; i++)
        h->place[i] = i;
    for (int i = k / 2 - 1; i >= 0; i--)
        sink(h, i);
    for (int64_t i = k; i < length; i++)
        if (place_before(h, (int32_t)i, h->place[0])) {
            h->place[0] = (int32_t)i;
            sink(h, 0);
        }
    while (h->count > 1) { /* the worst goes to the end */
        int32_t worst = h->place[0];
        h->place[0] = h->place[--h->count];
        h->place[h->count] = worst;
        sink(h, 0);
    }
}

static size_t one_choice(const nn_node *node, int64_t rows)
{
    (void)rows;
    return (size_t)top_of(node)->k * sizeof(int32_t);
}

static size_t all_choices(const nn_node *node, int64_t rows)
{
    return (size_t)(rows * nn_shape_row(node->shape)) * sizeof(int32_t);
}

/* Places of the best of every line, laid out as the output is. */
static void choose_all(const nn_ctx *ctx, int32_t *places)
{
    const nn_top_args *args = top_of(ctx->node);
    extent e = extent_of(ctx->node, args->axis, nn_rows(ctx));
    for (int64_t o = 0; o < e.outer * e.inner; o++) {
        int64_t outer = o / e.inner, inner = o % e.inner;
        heap h = {(const nn_real *)ctx->in[0] + outer * e.length * e.inner + inner, e.inner,
                  args->smallest, ctx->scratch, 0};
        choose(&h, args->k, e.length);
        for (int64_t i = 0; i < args->k; i++)
            places[(outer * args->k + i) * e.inner + inner] = h.place[i];
    }
}

static void top_indices_forward(const nn_ctx *ctx)
{
    choose_all(ctx, (int32_t *)(void *)ctx->out);
}

/* Place in the input of what became element i of the output. */
static int64_t origin(const extent *e, int k, int64_t i, int32_t place)
{
    return (i / (k * e->inner) * e->length + place) * e->inner + i % e->inner;
}

static void top_k_forward(const nn_ctx *ctx)
{
    const nn_top_args *args = top_of(ctx->node);
    extent e = extent_of(ctx->node, args->axis, nn_rows(ctx));
    int32_t *places = ctx->saved;
    choose_all(ctx, places);
    for (int64_t i = 0; i < e.outer * args->k * e.inner; i++)
        ctx->out[i] = ((const nn_real *)ctx->in[0])[origin(&e, args->k, i, places[i])];
}

static void top_k_backward(const nn_ctx *ctx)
{
    const nn_top_args *args = top_of(ctx->node);
    extent e = extent_of(ctx->node, args->axis, nn_rows(ctx));
    const int32_t *places = ctx->saved;
    nn_begin_gradient(ctx, 0);
    for (int64_t i = 0; i < e.outer * args->k * e.inner; i++)
        ctx->grad_in[0][origin(&e, args->k, i, places[i])] += ctx->grad_out[i];
}

/* Rank of each entry: how many come before it. */
static void top_reference(const nn_ctx *ctx, bool places)
{
    const nn_top_args *args = top_of(ctx->node);
    extent e = extent_of(ctx->node, args->axis, nn_rows(ctx));
    for (int64_t o = 0; o < e.outer * e.inner; o++) {
        const nn_real *x = (const nn_real *)ctx->in[0] + o / e.inner * e.length * e.inner;
        x += o % e.inner;
        for (int64_t i = 0; i < e.length; i++) {
            int64_t rank = 0;
            for (int64_t k = 0; k < e.length; k++) {
                nn_real a = x[k * e.inner], b = x[i * e.inner];
                rank += before(a, b, args->smallest) || (!before(b, a, args->smallest) && k < i);
            }
            int64_t at = (o / e.inner * args->k + rank) * e.inner + o % e.inner;
            if (rank < args->k && places)
                ((int32_t *)(void *)ctx->out)[at] = (int32_t)i;
            else if (rank < args->k)
                ctx->out[at] = x[i * e.inner];
        }
    }
}

static void top_k_reference(const nn_ctx *ctx)
{
    top_reference(ctx, false);
}

static void top_indices_reference(const nn_ctx *ctx)
{
    top_reference(ctx, true);
}

const nn_op nn_op_top_k = {
    .name = "top_k",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = top_shape,
    .saved = all_choices,
    .scratch = one_choice,
    .forward = top_k_forward,
    .backward = top_k_backward,
    .reference = top_k_reference,
};

const nn_op nn_op_top_k_indices = {
    .name = "top_k_indices",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_NO_GRADIENT,
    .shape = top_indices_shape,
    .scratch = one_choice,
    .forward = top_indices_forward,
    .reference = top_indices_reference,
};

static nn_node *top_node(nn_graph *graph, const nn_op *op, nn_node *x, nn_top_args args)
{
    if (x && args.axis < 0)
        args.axis += nn_sample_of(x).rank;
    return nn_node_new(graph, op, &x, 1, &args, sizeof args);
}

nn_node *nn_top_k(nn_graph *graph, nn_node *x, nn_top_args args)
{
    return top_node(graph, &nn_op_top_k, x, args);
}

nn_node *nn_top_k_indices(nn_graph *graph, nn_node *x, nn_top_args args)
{
    return top_node(graph, &nn_op_top_k_indices, x, args);
}
