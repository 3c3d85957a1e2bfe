/* One step of an optimiser, as ai.onnx.preview.training 1 has them: Momentum, Adagrad, Adam. Any
 * number of tensors; each kind of thing comes for all of them before the next kind. */
#include "engine/elementwise.h"
#include "ui/onnx/operator.h"

#include <math.h>

enum { R, T, TENSORS };

typedef struct {
    int tensors;
    double rate, step, norm;
} update;

/* `kinds` of things follow R and T. False if refused. */
static bool read_update(onnx_call *call, int kinds, update *u)
{
    int given = onnx_inputs(call) - TENSORS;
    *u = (update){.tensors = given / kinds,
                  .rate = onnx_scalar(call, R, 0),
                  .step = onnx_scalar(call, T, 0),
                  .norm = onnx_float(call, "norm_coefficient")};
    if (given < kinds || given % kinds != 0)
        onnx_refuse(call, "%d tensors behind R and T; a multiple of %d is expected", given, kinds);
    for (int i = 0; i < given && !onnx_failed(call); i++) {
        nn_shape own = onnx_input(call, TENSORS + i)->shape;
        if (!nn_shape_equal(own, onnx_input(call, TENSORS + i % u->tensors)->shape))
            onnx_refuse(call, "input %d has another shape than input %d", TENSORS + i,
                        TENSORS + i % u->tensors);
    }
    if (!onnx_failed(call) && !(u->step >= 0))
        onnx_refuse(call, "T is %g; expected 0 or more", u->step);
    return !onnx_failed(call);
}

/* Thing `kind` of tensor i. */
static nn_node *part(onnx_call *call, const update *u, int kind, int i)
{
    return onnx_whole(call, TENSORS + kind * u->tensors + i);
}

static void give(onnx_call *call, const update *u, int kind, int i, nn_node *node)
{
    const onnx_tensor *x = onnx_input(call, TENSORS + i);
    onnx_give(call, kind * u->tensors + i, node, x->type, x->shape);
}

/* a x + b y */
static nn_node *blend(nn_graph *graph, double a, nn_node *x, double b, nn_node *y)
{
    return nn_add(graph, nn_affine(graph, x, a, 0), nn_affine(graph, y, b, 0));
}

/* x - rate direction / (sqrt(square) + epsilon) */
static nn_node *scaled_step(nn_graph *graph, nn_node *x, double rate, nn_node *direction,
                            nn_node *square, double epsilon)
{
    nn_node *root = nn_affine(graph, nn_sqrt(graph, square), 1, epsilon);
    return blend(graph, 1, x, -rate, nn_div(graph, direction, root));
}

static void build_momentum(onnx_call *call)
{
    nn_graph *graph = onnx_graph(call);
    bool nesterov = onnx_text(call, "mode")[0] == 'n';
    double alpha = onnx_float(call, "alpha");
    update u;
    if (!read_update(call, 3, &u))
        return;
    double beta = u.step > 0 ? onnx_float(call, "beta") : 1;
    for (int i = 0; i < u.tensors && !onnx_failed(call); i++) {
        nn_node *x = part(call, &u, 0, i);
        nn_node *g = blend(graph, u.norm, x, 1, part(call, &u, 1, i));
        nn_node *v = blend(graph, alpha, part(call, &u, 2, i), beta, g);
        nn_node *direction = nesterov ? blend(graph, 1, g, alpha, v) : v;
        give(call, &u, 0, i, blend(graph, 1, x, -u.rate, direction));
        give(call, &u, 1, i, v);
    }
}

static void build_adagrad(onnx_call *call)
{
    nn_graph *graph = onnx_graph(call);
    update u;
    if (!read_update(call, 3, &u))
        return;
    double rate = u.rate / (1 + u.step * onnx_float(call, "decay_factor"));
    for (int i = 0; i < u.tensors && !onnx_failed(call); i++) {
        nn_node *x = part(call, &u, 0, i);
        nn_node *g = blend(graph, u.norm, x, 1, part(call, &u, 1, i));
        nn_node *h = nn_add(graph, part(call, &u, 2, i), nn_mul(graph, g, g));
        give(call, &u, 0, i, scaled_step(graph, x, rate, g, h, onnx_float(call, "epsilon")));
        give(call, &u, 1, i, h);
    }
}

static void build_adam(onnx_call *call)
{
    nn_graph *graph = onnx_graph(call);
    double alpha = onnx_float(call, "alpha"), beta = onnx_float(call, "beta");
    double post = onnx_float(call, "norm_coefficient_post");
    update u;
    if (!read_update(call, 4, &u))
        return;
    double rate = u.rate;
    if (u.step > 0)
        rate *= sqrt(1 - pow(beta, u.step)) / (1 - pow(alpha, u.step));
    for (int i = 0; i < u.tensors && !onnx_failed(call); i++) {
        nn_node *x = part(call, &u, 0, i);
        nn_node *g = blend(graph, u.norm, x, 1, part(call, &u, 1, i));
        nn_node *v = blend(graph, alpha, part(call, &u, 2, i), 1 - alpha, g);
        nn_node *h = blend(graph, beta, part(call, &u, 3, i), 1 - beta, nn_mul(graph, g, g));
        nn_node *next = scaled_step(graph, x, rate, v, h, onnx_float(call, "epsilon"));
        give(call, &u, 0, i, nn_affine(graph, next, 1 - post, 0));
        give(call, &u, 1, i, v);
        give(call, &u, 2, i, h);
    }
}

static const onnx_attribute_spec momentum_attributes[] = {
    {"alpha", ONNX_A_FLOAT, 0, NULL},
    {"beta", ONNX_A_FLOAT, 0, NULL},
    {"mode", ONNX_A_TEXT, 0, "standard"},
    {"norm_coefficient", ONNX_A_FLOAT, 0, NULL},
    {.name = NULL}};
static const onnx_attribute_spec adagrad_attributes[] = {
    {"decay_factor", ONNX_A_FLOAT, 0, NULL},
    {"epsilon", ONNX_A_FLOAT, 0, NULL},
    {"norm_coefficient", ONNX_A_FLOAT, 0, NULL},
    {.name = NULL}};
static const onnx_attribute_spec adam_attributes[] = {
    {"alpha", ONNX_A_FLOAT, 0.9, NULL},
    {"beta", ONNX_A_FLOAT, 0.999, NULL},
    {"epsilon", ONNX_A_FLOAT, 1e-6, NULL},
    {"norm_coefficient", ONNX_A_FLOAT, 0, NULL},
    {"norm_coefficient_post", ONNX_A_FLOAT, 0, NULL},
    {.name = NULL}};

const onnx_operator onnx_optimizer_operators[] = {
    {.name = "Momentum",
     .inputs = "R T X_G_V...",
     .outputs = "X_V...",
     .flags = ONNX_NO_GRADIENT,
     .attributes = momentum_attributes,
     .build = build_momentum},
    {.name = "Adagrad",
     .inputs = "R T X_G_H...",
     .outputs = "X_H...",
     .flags = ONNX_NO_GRADIENT,
     .attributes = adagrad_attributes,
     .build = build_adagrad},
    {.name = "Adam",
     .inputs = "R T X_G_V_H...",
     .outputs = "X_V_H...",
     .flags = ONNX_NO_GRADIENT,
     .attributes = adam_attributes,
     .build = build_adam},
    {.name = NULL},
};
