/* l2_normalise: y = x / max(||x||, epsilon), the length taken along one axis of the example
 * (FaceNet's embeddings; Schroff et al. 2015). With r = ||x|| above epsilon,
 *     dx = (dy - y (y . dy)) / r,
 * else dx = dy / epsilon. */
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <math.h>

typedef struct {
    double epsilon;
    int axis;
} l2_args;

/* The numbers of a vector lie `inner` apart; `inner` vectors lie side by side. */
typedef struct {
    int64_t outer, length, inner; /* outer: of the shard */
    double epsilon;
} l2_sizes;

static l2_sizes sizes_of(const nn_ctx *ctx)
{
    const l2_args *args = (const void *)ctx->node->args;
    nn_shape shape = ctx->node->shape;
    l2_sizes s = {nn_rows(ctx), shape.dim[args->axis], 1, args->epsilon};
    for (int i = 1; i < args->axis; i++)
        s.outer *= shape.dim[i];
    for (int i = args->axis + 1; i < shape.rank; i++)
        s.inner *= shape.dim[i];
    return s;
}

static nn_status l2_shape(nn_node *node, nn_error *error)
{
    l2_args *args = (void *)node->args;
    int rank = node->input[0]->shape.rank;
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    int axis = args->axis < 0 ? args->axis + rank : args->axis;
    if (axis < 1 || axis >= rank)
        return nn_refuse(node, error, NN_E_ARG, "axis %d: expected 1 to %d, or -1 for the last",
                         args->axis, rank - 1);
    args->axis = axis;
    args->epsilon = args->epsilon == 0 ? 1e-12 : args->epsilon;
    if (!(args->epsilon > 0 && args->epsilon < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "epsilon %g: expected above 0, such as 1e-12",
                         args->epsilon);
    return nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

/* One over the length of each vector. */
static size_t l2_saved(const nn_node *node, int64_t rows)
{
    int axis = ((const l2_args *)(const void *)node->args)->axis;
    return (size_t)(rows * (nn_shape_row(node->shape) / node->shape.dim[axis])) * sizeof(nn_real);
}

/* a . b of two vectors whose numbers lie `step` apart, in double. */
static inline double dot(const nn_real *a, const nn_real *b, int64_t length, int64_t step)
{
    double sum = 0;
    for (int64_t i = 0; i < length; i++)
        sum += (double)a[i * step] * (double)b[i * step];
    return sum;
}

NN_KERNEL static void l2_rows(l2_sizes s, const nn_real *x, nn_real *inverse, nn_real *out)
{
    for (int64_t o = 0; o < s.outer; o++, x += s.length * s.inner, out += s.length * s.inner)
        for (int64_t v = 0; v < s.inner; v++) {
            double norm = sqrt(dot(x + v, x + v, s.length, s.inner));
            nn_real scale = (nn_real)(1 / (norm > s.epsilon || norm != norm ? norm : s.epsilon));
            inverse[o * s.inner + v] = scale;
            NN_INDEPENDENT
            for (int64_t i = 0; i < s.length; i++)
                out[v + i * s.inner] = x[v + i * s.inner] * scale;
        }
}

static void l2_forward(const nn_ctx *ctx)
{
    l2_rows(sizes_of(ctx), ctx->in[0], ctx->saved, ctx->out);
}

NN_KERNEL static void l2_back(l2_sizes s, const nn_real *y, const nn_real *dy,
                              const nn_real *inverse, bool add, nn_real *dx)
{
    nn_real limit = (nn_real)(1 / s.epsilon);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t v = 0; v < s.inner; v++) {
            int64_t at = o * s.length * s.inner + v;
            nn_real scale = inverse[o * s.inner + v], along = 0;
            if (!(scale >= limit)) /* epsilon is a constant */
                along = (nn_real)dot(y + at, dy + at, s.length, s.inner);
            for (int64_t i = 0; i < s.length; i++, at += s.inner) {
                nn_real value = (dy[at] - y[at] * along) * scale;
                dx[at] = add ? dx[at] + value : value;
            }
        }
}

static void l2_backward(const nn_ctx *ctx)
{
    l2_back(sizes_of(ctx), ctx->out, ctx->grad_out, ctx->saved, ctx->beta[0] != 0, ctx->grad_in[0]);
}

static void l2_reference(const nn_ctx *ctx)
{
    l2_sizes s = sizes_of(ctx);
    const nn_real *x = ctx->in[0];
    for (int64_t at = 0; at < s.outer * s.length * s.inner; at++) {
        const nn_real *vector = x + at / (s.length * s.inner) * s.length * s.inner + at % s.inner;
        double sum = 0;
        for (int64_t i = 0; i < s.length; i++)
            sum += (double)vector[i * s.inner] * (double)vector[i * s.inner];
        double norm = sqrt(sum);
        ctx->out[at] = (nn_real)((double)x[at] / (norm < s.epsilon ? s.epsilon : norm));
    }
}

const nn_op nn_op_l2_normalise = {
    .name = "l2_normalise",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NN_OP_SETS_GRADIENT | NN_OP_INPLACE,
    .needs = NN_NEED_OUT,
    .shape = l2_shape,
    .saved = l2_saved,
    .forward = l2_forward,
    .backward = l2_backward,
    .reference = l2_reference,
};

nn_node *nn_l2_normalise(nn_graph *graph, nn_node *x, int axis, double epsilon)
{
    l2_args args = {epsilon, axis};
    return nn_node_new(graph, &nn_op_l2_normalise, &x, 1, &args, sizeof args);
}
