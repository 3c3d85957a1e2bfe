/* yolo: the sum of squared errors of Redmon et al. 2016 over cells [p, x, y, height, width,
 * classes ...], one value an example. Sizes are compared by their roots, so that an error of a
 * small box counts more. Which cell, and which anchor, answers for an object is decided when the
 * targets are made (engine/vision/boxes.h). */
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

enum { YOLO_P, YOLO_X, YOLO_Y, YOLO_HEIGHT, YOLO_WIDTH, YOLO_CLASSES };

static nn_yolo_args yolo_args(const nn_ctx *ctx)
{
    return *(const nn_yolo_args *)(const void *)ctx->node->args;
}

static nn_status yolo_shape(nn_node *node, nn_error *error)
{
    nn_yolo_args args = *(const nn_yolo_args *)(const void *)node->args;
    if (!(args.box > 0 && args.box < INFINITY && args.empty > 0 && args.empty < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "weights %g and %g: expected numbers above 0",
                         args.box, args.empty);
    nn_status status = nn_expect_activation(node, 0, 2, NN_MAX_DIMS, error);
    if (!status)
        status = nn_expect_like_first(node, 1, error);
    if (status)
        return status;
    int64_t size;
    nn_without_classes(node, &size);
    if (size < YOLO_CLASSES)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "a cell of '%s' has %lld numbers; p, x, y, height, width are needed, then "
                         "the classes",
                         node->input[0]->name, (long long)size);
    return nn_set_activation(node, nn_shape_of(0, NULL), error);
}

/* The root, below FLOOR its tangent there: defined and rising everywhere. */
#define YOLO_FLOOR 1e-6

static inline double root_of(double size)
{
    return size > YOLO_FLOOR ? sqrt(size) : (size + YOLO_FLOOR) / (2 * sqrt(YOLO_FLOOR));
}

static inline double root_slope(double size)
{
    return 0.5 / sqrt(size > YOLO_FLOOR ? size : YOLO_FLOOR);
}

static double cell_loss(nn_yolo_args args, const nn_real *p, const nn_real *t, int64_t size)
{
    double error = (double)p[YOLO_P] - (double)t[YOLO_P];
    if (t[YOLO_P] <= (nn_real)0.5)
        return args.empty * error * error;
    double place = 0, loss = error * error;
    for (int k = YOLO_X; k <= YOLO_WIDTH; k++) {
        double d = (double)p[k] - (double)t[k];
        if (k >= YOLO_HEIGHT)
            d = root_of((double)p[k]) - root_of((double)t[k]);
        place += d * d;
    }
    for (int64_t k = YOLO_CLASSES; k < size; k++)
        loss += ((double)p[k] - (double)t[k]) * ((double)p[k] - (double)t[k]);
    return loss + args.box * place;
}

static int64_t cell_size(const nn_ctx *ctx)
{
    const nn_shape *shape = &ctx->node->input[0]->shape;
    return shape->dim[shape->rank - 1];
}

static void yolo_forward(const nn_ctx *ctx)
{
    int64_t size = cell_size(ctx), row = nn_shape_row(ctx->node->input[0]->shape);
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        const nn_real *p = (const nn_real *)ctx->in[0] + r * row;
        const nn_real *t = (const nn_real *)ctx->in[1] + r * row;
        double loss = 0;
        for (int64_t start = 0; start < row; start += size)
            loss += cell_loss(yolo_args(ctx), p + start, t + start, size);
        ctx->out[r] = (nn_real)loss;
    }
}

/* Derivative of cell_loss by number k of the cell `x`, which stands against `y`. */
static double cell_slope(nn_yolo_args args, const nn_real *x, const nn_real *y, bool object,
                         int64_t k)
{
    double d = 2 * ((double)x[k] - (double)y[k]);
    if (!object)
        return k == YOLO_P ? args.empty * d : 0;
    if (k == YOLO_HEIGHT || k == YOLO_WIDTH)
        d = 2 * (root_of((double)x[k]) - root_of((double)y[k])) * root_slope((double)x[k]);
    return k >= YOLO_X && k <= YOLO_WIDTH ? args.box * d : d;
}

static void yolo_backward(const nn_ctx *ctx)
{
    int64_t size = cell_size(ctx), row = nn_shape_row(ctx->node->input[0]->shape);
    nn_yolo_args args = yolo_args(ctx);
    for (int64_t cell = 0; cell < nn_rows(ctx) * row / size; cell++) {
        const nn_real *side[2] = {(const nn_real *)ctx->in[0] + cell * size,
                                  (const nn_real *)ctx->in[1] + cell * size};
        bool object = !(side[1][YOLO_P] <= (nn_real)0.5);
        double dy = (double)ctx->grad_out[cell * size / row];
        for (int s = 0; s < 2; s++) {
            nn_real *dx = ctx->grad_in[s] ? ctx->grad_in[s] + cell * size : NULL;
            for (int64_t k = 0; dx && k < size; k++) {
                nn_real slope = (nn_real)(dy * cell_slope(args, side[s], side[1 - s], object, k));
                dx[k] = ctx->beta[s] != 0 ? dx[k] + slope : slope;
            }
        }
    }
}

static void yolo_reference(const nn_ctx *ctx)
{
    nn_yolo_args args = yolo_args(ctx);
    int64_t size = cell_size(ctx), row = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *p = ctx->in[0], *t = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        double loss = 0;
        for (int64_t i = r * row; i < (r + 1) * row; i++) {
            int64_t k = i % size;
            bool object = !((double)t[i - k] <= 0.5), root = k == YOLO_HEIGHT || k == YOLO_WIDTH;
            double d = (double)p[i] - (double)t[i], weight = object ? 1 : 0;
            if (root)
                d = root_of((double)p[i]) - root_of((double)t[i]);
            if (k == YOLO_P && !object)
                weight = args.empty;
            else if (k >= YOLO_X && k <= YOLO_WIDTH)
                weight *= args.box;
            loss += weight > 0 ? weight * d * d : 0;
        }
        ctx->out[r] = (nn_real)loss;
    }
}

const nn_op nn_op_yolo = {
    .name = "yolo",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << 0 | 1u << 1,
    .shape = yolo_shape,
    .forward = yolo_forward,
    .backward = yolo_backward,
    .reference = yolo_reference,
};

nn_node *nn_yolo(nn_graph *graph, nn_node *predicted, nn_node *target, nn_yolo_args args)
{
    args.box = args.box == 0 ? 5 : args.box;
    args.empty = args.empty == 0 ? 0.5 : args.empty;
    return nn_node_new(graph, &nn_op_yolo, (nn_node *[]){predicted, target}, 2, &args, sizeof args);
}
