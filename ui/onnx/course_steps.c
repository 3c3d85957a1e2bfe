/* Operators of chapters 17 and 18: the engine's optimisers, step by step, on gradients that are
 * given. A gradient g is what y = g w' has with respect to w, so graph, plan and optimiser run as
 * they do in a training. */
#include "engine/exec.h"
#include "engine/optimizer.h"
#include "ui/onnx/course.h"

#include <string.h>

enum { PLAIN = 0, CLASSIC = 1, INSIDE = 2, UNCORRECTED = 4, KIND = 8 }; /* kind * KIND + switches */

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_node *gradient;
    nn_exec *exec;
    nn_optimizer *optimizer;
    nn_param *weights;
    int64_t count, steps;
} follower;

/* The numbers behind W0 and grads, by name. Nothing is filled in: 0 means 0. */
static nn_optimizer_args read_args(onnx_call *call, nn_optimizer_args args)
{
    char name[ONNX_NAME];
    for (int i = 2; i < onnx_inputs(call); i++) {
        double number = course_number(call, i);
        onnx_word_at(onnx_op(call)->inputs, i, name);
        if (strcmp(name, "lr") == 0)
            args.lr = number;
        else if (strcmp(name, "beta") == 0 || strcmp(name, "beta1") == 0)
            args.beta1 = number;
        else if (strcmp(name, "beta2") == 0)
            args.beta2 = number;
        else if (strcmp(name, "eps") == 0)
            args.epsilon = number;
        else
            args.l2 = number;
    }
    return args;
}

static nn_status follow_begin(follower *f, onnx_call *call, nn_error *error)
{
    int variant = onnx_op(call)->variant;
    nn_optimizer_args args = {.kind = (nn_optimizer_kind)(variant / KIND),
                              .lr = course_number(call, 2),
                              .classic = variant & CLASSIC,
                              .epsilon_inside = (variant & INSIDE) != 0,
                              .uncorrected = (variant & UNCORRECTED) != 0};
    f->model = nn_model_new(1);
    if (!f->model)
        return nn_fail(error, NN_E_NOMEM, "out of memory");
    f->weights = nn_model_param(f->model, "W", nn_shape2(1, f->count), NN_INIT_ZEROS, 1, error);
    f->graph = f->weights ? nn_graph_new(f->model) : NULL;
    if (!f->graph)
        return f->weights ? nn_fail(error, NN_E_NOMEM, "out of memory") : error->code;
    memcpy(nn_param_data(f->weights), onnx_input(call, 0)->data,
           (size_t)f->count * sizeof(nn_real));
    f->gradient = nn_input(f->graph, "gradient", NN_F, nn_shape1(f->count));
    nn_node *product = nn_linear(f->graph, f->gradient, nn_use(f->graph, f->weights), NULL);
    nn_exec_args plan = {.batch = 1, .shards = 1, .training = true, .seed = 1};
    f->exec = nn_compile(f->graph, nn_mean(f->graph, product), NULL, 0, NULL, plan, error);
    f->optimizer = f->exec ? nn_optimizer_new(f->model, args, error) : NULL;
    if (!f->optimizer)
        return error->code ? error->code : NN_E_ARG;
    return nn_optimizer_set(f->optimizer, read_args(call, nn_optimizer_get(f->optimizer)), error);
}

static nn_status follow_steps(follower *f, onnx_call *call, nn_error *error)
{
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(f->steps, f->count));
    for (int64_t t = 0; t < f->steps && to; t++) {
        memcpy(nn_exec_feed(f->exec, f->gradient), onnx_input(call, 1)->data + t * f->count,
               (size_t)f->count * sizeof(nn_real));
        nn_forward(f->exec);
        nn_status status = nn_backward(f->exec, error);
        if (status != NN_OK)
            return status;
        nn_optimizer_step(f->optimizer, f->exec, NULL, nn_optimizer_get(f->optimizer).lr);
        memcpy(to + t * f->count, nn_param_data(f->weights), (size_t)f->count * sizeof *to);
    }
    return NN_OK;
}

/* "v_last", "s_last": the moments at the end, where the operator gives them. */
static void give_moments(follower *f, onnx_call *call)
{
    char name[ONNX_NAME];
    for (int k = 1; k < 3; k++) {
        onnx_word_at(onnx_op(call)->outputs, k, name);
        const nn_real *moment = name[0] == 'v' ? nn_optimizer_first(f->optimizer, f->weights)
                                               : nn_optimizer_second(f->optimizer, f->weights);
        float *to =
            name[0] && moment ? onnx_give_numbers(call, k, ONNX_FLOAT, nn_shape1(f->count)) : NULL;
        if (to)
            memcpy(to, moment, (size_t)f->count * sizeof *to);
    }
}

static void build_steps(onnx_call *call)
{
    nn_error error = {NN_OK, ""};
    follower f = {.count = onnx_input(call, 0)->count, .steps = onnx_input(call, 1)->shape.dim[0]};
    if (!onnx_work(call, 30.0 * (double)f.count * (double)f.steps + 2000.0 * (double)f.steps))
        return;
    nn_status status = follow_begin(&f, call, &error);
    if (status == NN_OK)
        status = follow_steps(&f, call, &error);
    if (status == NN_OK)
        give_moments(&f, call);
    else
        onnx_refuse(call, "%s", error.text[0] ? error.text : "the optimiser cannot be made");
    nn_optimizer_free(f.optimizer);
    nn_exec_free(f.exec);
    nn_graph_free(f.graph);
    nn_model_free(f.model);
}

#define MOMENTUM(NAME, SWITCHES)                                                                   \
    COURSE_PLAIN(NAME, "W0 grads lr beta", "n t,n . .", "W_steps v_last", build_steps,             \
                 NN_MOMENTUM *KIND + (SWITCHES))
#define RMSPROP(NAME, SWITCHES)                                                                    \
    COURSE_PLAIN(NAME, "W0 grads lr beta2 eps", "n t,n . . .", "W_steps s_last", build_steps,      \
                 NN_RMSPROP *KIND + (SWITCHES))
#define ADAM(NAME, OUTPUTS, SWITCHES)                                                              \
    COURSE_PLAIN(NAME, "W0 grads lr beta1 beta2 eps", "n t,n . . . .", OUTPUTS, build_steps,       \
                 NN_ADAM *KIND + (SWITCHES))

const onnx_operator course_step_operators[] = {
    MOMENTUM("momentum", PLAIN),
    MOMENTUM("momentum-torch", CLASSIC),
    RMSPROP("rmsprop-outside", PLAIN),
    RMSPROP("rmsprop-inside", INSIDE),
    RMSPROP("rmsprop-tiny-outside", PLAIN),
    RMSPROP("rmsprop-tiny-inside", INSIDE),
    ADAM("adam-outside", "W_steps v_last s_last", PLAIN),
    ADAM("adam-outside-tiny", "W_steps v_last s_last", PLAIN),
    ADAM("adam-inside", "W_steps", INSIDE),
    ADAM("adam-inside-tiny", "W_steps", INSIDE),
    ADAM("adam-nocorr", "W_steps", UNCORRECTED),
    COURSE_PLAIN("adamw", "W0 grads lr beta1 beta2 eps wd", "n t,n . . . . .", "W_steps",
                 build_steps, NN_ADAMW *KIND),
    {.name = NULL},
};
