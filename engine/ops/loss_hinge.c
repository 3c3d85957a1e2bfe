/* Hinge losses: of one score with a target of -1 or 1, and of several classes. */
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

static nn_hinge_args hinge_args(const nn_node *node)
{
    return *(const nn_hinge_args *)(const void *)node->args;
}

static nn_hinge_args with_margin(nn_hinge_args args)
{
    args.margin = args.margin == 0 ? 1 : args.margin;
    return args;
}

static nn_status expect_margin(const nn_node *node, nn_error *error)
{
    double margin = hinge_args(node).margin;
    if (margin > 0 && margin < INFINITY)
        return NN_OK;
    return nn_refuse(node, error, NN_E_ARG, "margin %g: expected a number above 0, such as 1",
                     margin);
}

/* max(0, x), squared or not, and its derivative, which is 0 at 0. NaN stays. */
static inline nn_real bent(nn_real x, bool squared)
{
    nn_real above = x <= 0 ? 0 : x;
    return squared ? above * above : above;
}

static inline nn_real bent_slope(nn_real x, bool squared)
{
    nn_real slope = squared ? 2 * x : x - x + 1;
    return x <= 0 ? 0 : slope;
}

static double reference_bent(double x, bool squared)
{
    double above = x > 0 || isnan(x) ? x : 0;
    return squared ? above * above : above;
}

/* --- hinge: max(0, margin - t z) ----------------------------------------------------------- */

static nn_status hinge_shape(nn_node *node, nn_error *error)
{
    nn_status status = expect_margin(node, error);
    if (!status)
        status = nn_expect_activation(node, 0, 1, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    return status ? status : nn_set_activation(node, nn_sample_of(node->input[0]), error);
}

NN_KERNEL static void hinge_forward(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0], *t = ctx->in[1];
    nn_hinge_args args = hinge_args(ctx->node);
    nn_real *out = ctx->out, margin = (nn_real)args.margin;
    int64_t count = nn_elements(ctx, 0);
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        out[i] = bent(margin - t[i] * z[i], args.squared);
}

NN_KERNEL static void hinge_backward(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0], *t = ctx->in[1], *dy = ctx->grad_out;
    nn_hinge_args args = hinge_args(ctx->node);
    nn_real margin = (nn_real)args.margin;
    int64_t count = nn_elements(ctx, 0);
    for (int k = 0; k < 2; k++) {
        nn_real *dx = ctx->grad_in[k];
        const nn_real *other = k == 0 ? t : z;
        if (dx)
            NN_GIVE(dx, ctx->beta[k] != 0, count,
                    -dy[i] * other[i] * bent_slope(margin - t[i] * z[i], args.squared));
    }
}

static void hinge_reference(const nn_ctx *ctx)
{
    const nn_real *z = ctx->in[0], *t = ctx->in[1];
    nn_hinge_args args = hinge_args(ctx->node);
    for (int64_t i = 0; i < nn_elements(ctx, 0); i++)
        ctx->out[i] =
            (nn_real)reference_bent(args.margin - (double)t[i] * (double)z[i], args.squared);
}

const nn_op nn_op_hinge = {
    .name = "hinge",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = hinge_shape,
    .forward = hinge_forward,
    .backward = hinge_backward,
    .reference = hinge_reference,
};

nn_node *nn_hinge(nn_graph *graph, nn_node *scores, nn_node *targets, nn_hinge_args args)
{
    args = with_margin(args);
    return nn_node_new(graph, &nn_op_hinge, (nn_node *[]){scores, targets}, 2, &args, sizeof args);
}

/* --- multiclass_hinge: sum_j!=y max(0, margin + z_j - z_y) --------------------------------- */

static nn_status classes_shape(nn_node *node, nn_error *error)
{
    nn_status status = expect_margin(node, error);
    if (!status)
        status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (status)
        return status;
    int64_t classes;
    nn_shape positions = nn_without_classes(node, &classes);
    status = nn_expect_whole(node, 1, "labels", positions, error);
    return status ? status : nn_set_activation(node, positions, error);
}

static int64_t classes_of(const nn_ctx *ctx)
{
    const nn_shape *shape = &ctx->node->input[0]->shape;
    return shape->dim[shape->rank - 1];
}

static void classes_forward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = nn_elements(ctx, 0) / classes;
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    nn_hinge_args args = hinge_args(ctx->node);
    for (int64_t r = 0; r < positions; r++, z += classes) {
        bool known = nn_is_class(label[r], classes);
        nn_real loss = known ? 0 : (nn_real)NAN;
        nn_real below = known ? (nn_real)args.margin - z[label[r]] : 0;
        for (int64_t j = 0; known && j < classes; j++)
            loss += j == label[r] ? 0 : bent(below + z[j], args.squared);
        ctx->out[r] = loss;
    }
}

static void classes_backward(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = nn_elements(ctx, 0) / classes;
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    nn_hinge_args args = hinge_args(ctx->node);
    nn_real *dz = ctx->grad_in[0];
    nn_begin_gradient(dz, ctx->beta[0] != 0, nn_elements(ctx, 0));
    for (int64_t r = 0; dz && r < positions; r++, z += classes, dz += classes) {
        bool known = nn_is_class(label[r], classes);
        int64_t y = known ? label[r] : 0;
        nn_real below = (nn_real)args.margin - z[y], pull = 0;
        for (int64_t j = 0; j < classes; j++) {
            nn_real slope = j == y ? 0 : ctx->grad_out[r] * bent_slope(below + z[j], args.squared);
            dz[j] += slope;
            pull += slope;
        }
        dz[y] -= known ? pull : (nn_real)NAN;
    }
}

static void classes_reference(const nn_ctx *ctx)
{
    int64_t classes = classes_of(ctx), positions = nn_elements(ctx, 0) / classes;
    const nn_real *z = ctx->in[0];
    const int32_t *label = ctx->in[1];
    nn_hinge_args args = hinge_args(ctx->node);
    for (int64_t r = 0; r < positions; r++, z += classes) {
        double loss = nn_is_class(label[r], classes) ? 0 : (double)NAN;
        for (int64_t j = 0; !isnan(loss) && j < classes; j++)
            if (j != label[r])
                loss +=
                    reference_bent(args.margin + (double)z[j] - (double)z[label[r]], args.squared);
        ctx->out[r] = (nn_real)loss;
    }
}

const nn_op nn_op_multiclass_hinge = {
    .name = "multiclass_hinge",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = classes_shape,
    .forward = classes_forward,
    .backward = classes_backward,
    .reference = classes_reference,
};

nn_node *nn_multiclass_hinge(nn_graph *graph, nn_node *scores, nn_node *labels, nn_hinge_args args)
{
    args = with_margin(args);
    return nn_node_new(graph, &nn_op_multiclass_hinge, (nn_node *[]){scores, labels}, 2, &args,
                       sizeof args);
}
