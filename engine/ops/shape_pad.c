/* pad: a border around an example: constant, mirrored without repeating the edge, the edge
 * repeated, or the other side wrapped around (ONNX Pad; numpy's pad). Negative pads cut, and are
 * applied first. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"
#include "engine/ops/walk.h"
#include "engine/shapes.h"

#include <string.h>

static const nn_pad_args *args_of(const nn_node *node)
{
    return (const void *)node->args;
}

/* What is left of one axis after cutting: [low, high). */
static void uncut(const nn_pad_args *args, int axis, int64_t size, int64_t *low, int64_t *high)
{
    *low = args->before[axis] < 0 ? -(int64_t)args->before[axis] : 0;
    *high = args->after[axis] < 0 ? size + args->after[axis] : size;
}

static nn_status pad_shape(nn_node *node, nn_error *error)
{
    const nn_pad_args *args = args_of(node);
    nn_status status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (status)
        return status;
    nn_shape from = nn_sample_of(node->input[0]), to = from;
    char text[NN_SHAPE_TEXT];
    if (args->rank != from.rank)
        return nn_refuse(node, error, NN_E_ARG, "an example of '%s' is %s; pads for %d axes given",
                         node->input[0]->name, nn_shape_text(from, text), args->rank);
    if ((unsigned)args->mode > NN_PAD_WRAP)
        return nn_refuse(node, error, NN_E_ARG, "mode %d: expected constant, reflect, edge or wrap",
                         (int)args->mode);
    for (int d = 0; d < from.rank; d++) {
        int64_t low, high;
        uncut(args, d, from.dim[d], &low, &high);
        to.dim[d] = from.dim[d] + args->before[d] + args->after[d];
        bool bordered = args->before[d] > 0 || args->after[d] > 0;
        if (to.dim[d] < 1 || (high <= low && (bordered || args->mode != NN_PAD_CONSTANT)))
            return nn_refuse(node, error, NN_E_SHAPE,
                             "axis %d of '%s' (an example is %s): pads %d and %d leave nothing", d,
                             node->input[0]->name, nn_shape_text(from, text), args->before[d],
                             args->after[d]);
    }
    return nn_set_activation(node, to, error);
}

/* The entry of the input under entry `at` of the output along one axis; -1 for the constant. */
static int64_t source(const nn_pad_args *args, int axis, int64_t size, int64_t at)
{
    int64_t low, high;
    uncut(args, axis, size, &low, &high);
    int64_t kept = high - low, i = at - (args->before[axis] > 0 ? args->before[axis] : 0);
    if (i >= 0 && i < kept)
        return low + i;
    int64_t period = args->mode == NN_PAD_REFLECT && kept > 1 ? 2 * (kept - 1) : kept;
    int64_t phase = (i % period + period) % period;
    switch (args->mode) {
    case NN_PAD_CONSTANT:
        return -1;
    case NN_PAD_EDGE:
        return i < 0 ? low : high - 1;
    case NN_PAD_REFLECT:
        return low + (phase < kept ? phase : period - phase);
    case NN_PAD_WRAP:
        break;
    }
    return low + phase;
}

/* One line along the last axis, or a whole example where there is no axis. */
typedef struct {
    int64_t out, in; /* where it begins; in -1: all of it is the constant */
} line;

/* Line `number` of the output's rows. */
static line line_at(const nn_ctx *ctx, int64_t number)
{
    const nn_pad_args *args = args_of(ctx->node);
    nn_shape out = nn_sample_of(ctx->node), in = nn_sample_of(ctx->node->input[0]);
    int last = out.rank - 1;
    line l = {number * (out.rank ? out.dim[last] : 1), 0};
    int64_t step = out.rank ? in.dim[last] : 1;
    for (int d = last - 1; d >= 0; d--) {
        int64_t at = source(args, d, in.dim[d], number % out.dim[d]);
        if (at < 0)
            return (line){l.out, -1};
        l.in += at * step;
        step *= in.dim[d];
        number /= out.dim[d];
    }
    l.in += number * step; /* what is left is the row of the batch */
    return l;
}

static int64_t line_count(const nn_ctx *ctx)
{
    nn_shape out = nn_sample_of(ctx->node);
    return nn_rows(ctx) * nn_shape_count(out) / (out.rank ? out.dim[out.rank - 1] : 1);
}

/* The inside of a line is copied as it is: [*first, *end) of the output from *from of the input. */
static void inside(const nn_ctx *ctx, int64_t *first, int64_t *end, int64_t *from)
{
    const nn_pad_args *args = args_of(ctx->node);
    nn_shape in = nn_sample_of(ctx->node->input[0]);
    int last = in.rank - 1;
    int64_t high = 1;
    *from = *first = 0;
    if (in.rank) {
        uncut(args, last, in.dim[last], from, &high);
        *first = args->before[last] > 0 ? args->before[last] : 0;
    }
    *end = *first + (high > *from ? high - *from : 0);
}

static int64_t line_length(const nn_ctx *ctx)
{
    nn_shape out = nn_sample_of(ctx->node);
    return out.rank ? out.dim[out.rank - 1] : 1;
}

static void pad_forward(const nn_ctx *ctx)
{
    const nn_pad_args *args = args_of(ctx->node);
    const nn_real *x = ctx->in[0];
    nn_shape in = nn_sample_of(ctx->node->input[0]);
    nn_real value = (nn_real)args->value;
    int64_t first, end, from, length = line_length(ctx), lines = line_count(ctx);
    inside(ctx, &first, &end, &from);
    for (int64_t number = 0; number < lines; number++) {
        line l = line_at(ctx, number);
        nn_real *out = ctx->out + l.out;
        for (int64_t i = 0; l.in < 0 && i < length; i++)
            out[i] = value;
        if (l.in < 0)
            continue;
        memcpy(out + first, x + l.in + from, (size_t)(end - first) * sizeof *out);
        for (int64_t i = first > 0 ? 0 : end; i < length; i = i + 1 == first ? end : i + 1) {
            int64_t at = source(args, in.rank - 1, in.dim[in.rank - 1], i);
            out[i] = at < 0 ? value : x[l.in + at];
        }
    }
}

NN_KERNEL static void add_to(nn_real *to, const nn_real *from, int64_t count)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

static void pad_backward(const nn_ctx *ctx)
{
    const nn_pad_args *args = args_of(ctx->node);
    nn_shape in = nn_sample_of(ctx->node->input[0]);
    int64_t first, end, from, length = line_length(ctx), lines = line_count(ctx);
    inside(ctx, &first, &end, &from);
    nn_begin_gradient(ctx, 0);
    for (int64_t number = 0; number < lines; number++) {
        line l = line_at(ctx, number);
        const nn_real *dy = ctx->grad_out + l.out;
        if (l.in < 0)
            continue;
        nn_real *dx = ctx->grad_in[0] + l.in;
        add_to(dx + from, dy + first, end - first);
        if (args->mode == NN_PAD_CONSTANT)
            continue;
        for (int64_t i = first > 0 ? 0 : end; i < length; i = i + 1 == first ? end : i + 1)
            dx[source(args, in.rank - 1, in.dim[in.rank - 1], i)] += dy[i];
    }
}

/* Every element by its coordinates. */
static void pad_reference(const nn_ctx *ctx)
{
    const nn_pad_args *args = args_of(ctx->node);
    const nn_real *x = ctx->in[0];
    nn_shape out = nn_sample_of(ctx->node), in = nn_sample_of(ctx->node->input[0]);
    int64_t row = nn_shape_count(out), in_row = nn_shape_count(in);
    for (int64_t i = 0; i < nn_rows(ctx) * row; i++) {
        int64_t rest = i % row, place = i / row * in_row, step = 1;
        bool constant = false;
        for (int d = out.rank - 1; d >= 0; d--) {
            int64_t at = source(args, d, in.dim[d], rest % out.dim[d]);
            constant |= at < 0;
            place += at * step;
            step *= in.dim[d];
            rest /= out.dim[d];
        }
        ctx->out[i] = constant ? (nn_real)args->value : x[place];
    }
}

const nn_op nn_op_pad = {
    .name = "pad",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT,
    .shape = pad_shape,
    .forward = pad_forward,
    .backward = pad_backward,
    .reference = pad_reference,
};

nn_node *nn_pad(nn_graph *graph, nn_node *x, nn_pad_args args)
{
    return nn_node_new(graph, &nn_op_pad, &x, 1, &args, sizeof args);
}
