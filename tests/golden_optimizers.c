/* Cases of optimisers, schedules and decay (chapters 13, 17-19). A given gradient g is what
 * y = g w' has with respect to w, so the update runs through graph, plan and optimiser. */
#include "engine/schedule.h"
#include "tests/golden_follow.h"

#include <math.h>

static golden_array moment(golden_case *c, const nn_real *from, int64_t count)
{
    if (!from)
        return (golden_array){.data = NULL};
    golden_array a = golden_new(c, nn_shape1(count));
    for (int64_t i = 0; i < count; i++)
        a.data[i] = (double)from[i];
    return a;
}

golden_outcome golden_follow(golden_case *c, const golden_course *way)
{
    int64_t n = way->start.count, steps = way->gradient.count / (n > 0 ? n : 1);
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *w = golden_weight(net, "W", way->start, nn_shape2(1, n));
    nn_node *x = nn_input(g, "gradient", NN_F, nn_shape1(n));
    nn_node *root = nn_mean(g, nn_linear(g, x, w, NULL));
    nn_exec *exec = golden_compile(net, root);
    nn_error error;
    nn_optimizer *optimizer = nn_optimizer_new(golden_model(net), way->args, &error);
    if (!optimizer)
        golden_fail(c, "%s", error.text);
    const nn_param *param = nn_model_find(golden_model(net), "W");
    golden_outcome o = {.weights = golden_new(c, nn_shape2(steps, n))};
    for (int64_t t = 0; t < steps; t++) {
        nn_real *room = nn_exec_feed(exec, x);
        for (int64_t i = 0; i < n; i++)
            room[i] = (nn_real)way->gradient.data[t * n + i];
        golden_run(net, root);
        nn_optimizer_step(optimizer, exec, NULL, way->args.lr);
        for (int64_t i = 0; i < n; i++)
            o.weights.data[t * n + i] = (double)nn_param_values(param)[i];
    }
    o.first = moment(c, nn_optimizer_first(optimizer, param), n);
    o.second = moment(c, nn_optimizer_second(optimizer, param), n);
    nn_optimizer_free(optimizer);
    return o;
}

static golden_course course_of(golden_case *c, nn_optimizer_kind kind)
{
    golden_course way = {.start = golden_in(c, "W0"), .gradient = golden_in(c, "grads")};
    way.args = (nn_optimizer_args){.kind = kind, .lr = golden_number(c, "lr")};
    if (golden_has(c, "eps"))
        way.args.epsilon = golden_number(c, "eps");
    if (golden_has(c, "beta1"))
        way.args.beta1 = golden_number(c, "beta1");
    if (golden_has(c, "beta"))
        way.args.beta1 = golden_number(c, "beta");
    if (golden_has(c, "beta2"))
        way.args.beta2 = golden_number(c, "beta2");
    if (golden_has(c, "wd"))
        way.args.l2 = golden_number(c, "wd");
    return way;
}

static void momentum(golden_case *c)
{
    golden_course way = course_of(c, NN_MOMENTUM);
    golden_outcome o = golden_follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "v_last", o.first);
}

static void momentum_torch(golden_case *c)
{
    golden_course way = course_of(c, NN_MOMENTUM);
    way.args.classic = true;
    golden_outcome o = golden_follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "v_last", o.first);
}

static void rmsprop(golden_case *c)
{
    golden_course way = course_of(c, NN_RMSPROP);
    golden_outcome o = golden_follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "s_last", o.second);
}

static void rmsprop_inside(golden_case *c)
{
    golden_course way = course_of(c, NN_RMSPROP);
    way.args.epsilon_inside = true;
    golden_outcome o = golden_follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "s_last", o.second);
}

static void adam_inside(golden_case *c)
{
    golden_course way = course_of(c, NN_ADAM);
    way.args.epsilon_inside = true;
    golden_out(c, "W_steps", golden_follow(c, &way).weights);
}

static void adam_uncorrected(golden_case *c)
{
    golden_course way = course_of(c, NN_ADAM);
    way.args.uncorrected = true;
    golden_out(c, "W_steps", golden_follow(c, &way).weights);
}

static void adam(golden_case *c)
{
    golden_course way = course_of(c, golden_has(c, "wd") ? NN_ADAMW : NN_ADAM);
    golden_outcome o = golden_follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "v_last", o.first);
    golden_out(c, "s_last", o.second);
}

/* The velocity of momentum is the exponentially weighted mean of what it is given. */
static void ewma(golden_case *c)
{
    golden_array theta = golden_in(c, "theta");
    double beta = golden_number(c, "beta");
    golden_course way = {.start = golden_new(c, nn_shape1(1)), .gradient = theta};
    way.args = (nn_optimizer_args){.kind = NN_MOMENTUM, .lr = 1, .beta1 = beta};
    golden_outcome o = golden_follow(c, &way); /* w falls by v each step */
    golden_array v = golden_new(c, nn_shape1(theta.count));
    golden_array corrected = golden_new(c, nn_shape1(theta.count));
    for (int64_t t = 0; t < theta.count; t++) {
        v.data[t] = (t > 0 ? o.weights.data[t - 1] : 0) - o.weights.data[t];
        corrected.data[t] = v.data[t] / (1 - pow(beta, (double)(t + 1)));
    }
    golden_out(c, "v", v);
    golden_out(c, "v_corrected", corrected);
}

static void weight_decay(golden_case *c)
{
    golden_course way = {.start = golden_in(c, "W"), .gradient = golden_in(c, "dW")};
    way.args = (nn_optimizer_args){.lr = golden_number(c, "lr"),
                                   .l2 = golden_number(c, "lam") / golden_number(c, "m")};
    way.args.kind = NN_SGD;
    golden_array sgd = golden_follow(c, &way).weights;
    golden_out(c, "sgd_l2", sgd);
    way.args.decoupled = true;
    golden_out(c, "sgd_decay", golden_follow(c, &way).weights);
    way.args.decoupled = false;
    way.args.kind = NN_ADAM;
    golden_out(c, "adam_l2_step1", golden_follow(c, &way).weights);
    way.args.kind = NN_ADAMW;
    golden_out(c, "adamw_step1", golden_follow(c, &way).weights);
}

/* --- penalties and clipping --------------------------------------------------------------------
 */

/* A model with the given matrices, whose gradients are all 0 unless given: the root is the sum of
 * g . w over them. */
typedef struct {
    golden_net *net;
    nn_node *root;
    nn_exec *exec;
    nn_optimizer *optimizer;
} toy;

static toy make_toy(golden_case *c, const char *const *names, int count,
                    const golden_array *gradients, nn_optimizer_args args)
{
    toy t = {.net = golden_net_new(c, 1)};
    nn_node *x[4] = {NULL};
    for (int i = 0; i < count; i++) {
        golden_array w = golden_in(c, names[i]);
        nn_node *weight = golden_weight(t.net, names[i], w, nn_shape2(1, w.count));
        x[i] = nn_input(golden_graph(t.net), i == 0 ? "first gradient" : "second gradient", NN_F,
                        nn_shape1(w.count));
        nn_node *product = nn_linear(golden_graph(t.net), x[i], weight, NULL);
        t.root = t.root ? nn_add(golden_graph(t.net), t.root, product) : product;
    }
    t.root = nn_mean(golden_graph(t.net), t.root);
    t.exec = golden_compile(t.net, t.root);
    for (int i = 0; i < count; i++) {
        nn_real *room = nn_exec_feed(t.exec, x[i]);
        int64_t n = golden_in(c, names[i]).count;
        for (int64_t k = 0; k < n; k++)
            room[k] = gradients ? (nn_real)gradients[i].data[k] : 0;
    }
    golden_run(t.net, t.root);
    nn_error error;
    t.optimizer = nn_optimizer_new(golden_model(t.net), args, &error);
    if (!t.optimizer)
        golden_fail(c, "%s", error.text);
    return t;
}

/* (w before - w after) / lr of the named matrix: what one step of plain descent found. */
static golden_array found_gradient(golden_case *c, const toy *t, const char *name, double lr)
{
    golden_array before = golden_in(c, name), after = golden_param(t->net, name);
    golden_array gradient = golden_new(c, before.shape);
    for (int64_t i = 0; i < before.count; i++)
        gradient.data[i] = (before.data[i] - after.data[i]) / lr;
    return gradient;
}

static void l2_penalty(golden_case *c)
{
    static const char *const names[] = {"W1", "W2"};
    nn_optimizer_args args = {.lr = 1, .l2 = golden_number(c, "lam") / golden_number(c, "m")};
    toy t = make_toy(c, names, 2, NULL, args);
    double penalty = nn_optimizer_penalty(t.optimizer).l2;
    golden_out_number(c, "penalty", penalty);
    golden_out_number(c, "cost", golden_number(c, "ce") + penalty);
    nn_optimizer_step(t.optimizer, t.exec, NULL, 1);
    golden_out(c, "grad_W1", found_gradient(c, &t, "W1", 1));
    golden_out(c, "grad_W2", found_gradient(c, &t, "W2", 1));
    nn_optimizer_free(t.optimizer);
}

/* The proximal step is the gradient's as long as it does not reach 0, which a small rate grants. */
static void l1_penalty(golden_case *c)
{
    static const char *const names[] = {"W"};
    nn_optimizer_args args = {.lr = 1, .l1 = golden_number(c, "lam") / golden_number(c, "m")};
    toy t = make_toy(c, names, 1, NULL, args);
    golden_array w = golden_in(c, "W");
    double lr = 1;
    for (int64_t i = 0; i < w.count; i++)
        while (w.data[i] != 0 && lr * args.l1 >= fabs(w.data[i]))
            lr /= 2;
    golden_out_number(c, "penalty", nn_optimizer_penalty(t.optimizer).l1);
    nn_optimizer_step(t.optimizer, t.exec, NULL, lr);
    golden_out(c, "grad_W", found_gradient(c, &t, "W", lr));
    nn_optimizer_free(t.optimizer);
}

/* Plain descent at rate 1 from the weights g1 and g2, which are their own gradients, leaves what
 * clipping took away. */
static void clipping(golden_case *c)
{
    static const char *const names[] = {"g1", "g2"};
    golden_array gradients[2] = {golden_in(c, "g1"), golden_in(c, "g2")};
    nn_optimizer_args args = {.lr = 1, .clip_norm = golden_number(c, "max_norm")};
    toy t = make_toy(c, names, 2, gradients, args);
    golden_out_number(c, "norm", nn_optimizer_step(t.optimizer, t.exec, NULL, 1).gradient_norm);
    golden_out(c, "g1c", found_gradient(c, &t, "g1", 1));
    golden_out(c, "g2c", found_gradient(c, &t, "g2", 1));
    nn_optimizer_free(t.optimizer);
    args = (nn_optimizer_args){.lr = 1, .clip_value = 1};
    t = make_toy(c, names, 2, gradients, args);
    nn_optimizer_step(t.optimizer, t.exec, NULL, 1);
    golden_out(c, "value_clip", found_gradient(c, &t, "g1", 1));
    nn_optimizer_free(t.optimizer);
}

/* --- first steps -------------------------------------------------------------------------------
 */

/* How far one step from 0 goes with the gradient `gradient`. */
static double first_step(golden_case *c, double gradient, nn_optimizer_args args)
{
    golden_course way = {.start = golden_new(c, nn_shape1(1)),
                         .gradient = golden_new(c, nn_shape1(1))};
    way.gradient.data[0] = gradient;
    way.args = args;
    return -golden_follow(c, &way).weights.data[0];
}

static void rmsprop_first_step(golden_case *c)
{
    nn_optimizer_args args = {
        .kind = NN_RMSPROP, .lr = 1, .beta2 = golden_number(c, "beta2"), .epsilon = 1e-300};
    golden_out_number(c, "", first_step(c, 1, args));
}

static void inside_and_outside(golden_case *c)
{
    golden_array both = golden_new(c, nn_shape1(2));
    for (int outside = 0; outside < 2; outside++) {
        nn_optimizer_args args = {.kind = NN_RMSPROP,
                                  .lr = golden_number(c, "lr"),
                                  .beta2 = golden_number(c, "beta2"),
                                  .epsilon = golden_number(c, "eps"),
                                  .epsilon_inside = !outside};
        both.data[outside] = first_step(c, golden_number(c, "dW"), args);
    }
    golden_out(c, "", both);
}

/* The steps of Adam without correction, with a constant gradient, over those with it. */
static void uncorrected_ratio(golden_case *c)
{
    golden_array t = golden_in(c, "t"), ratio = golden_new(c, t.shape);
    for (int64_t i = 0; i < t.count; i++) {
        int64_t steps = (int64_t)t.data[i];
        golden_course way = {.start = golden_new(c, nn_shape1(1)),
                             .gradient = golden_new(c, nn_shape1(steps))};
        for (int64_t k = 0; k < steps; k++)
            way.gradient.data[k] = 1;
        way.args =
            (nn_optimizer_args){.kind = NN_ADAM, .lr = 1, .epsilon = 1e-300, .uncorrected = true};
        golden_array w = golden_follow(c, &way).weights;
        ratio.data[i] = (steps > 1 ? w.data[steps - 2] : 0) - w.data[steps - 1];
    }
    golden_out(c, "", ratio);
}

/* --- schedules
 * --------------------------------------------------------------------------------------- */

static void schedule(golden_case *c, nn_schedule_kind kind, double factor, double every)
{
    golden_array t = golden_in(c, "t"), out = golden_new(c, t.shape);
    nn_schedule s = {.kind = kind,
                     .factor = factor,
                     .every = every,
                     .steps_per_epoch = 1, /* steps count epochs here */
                     .total_steps = 1000};
    for (int64_t i = 0; i < t.count; i++)
        out.data[i] = nn_schedule_factor(&s, (uint64_t)t.data[i]);
    golden_out(c, "", out);
}

static void inverse_time(golden_case *c)
{
    schedule(c, NN_SCHEDULE_INVERSE_TIME, golden_number(c, "k"), 0);
}

static void exponential(golden_case *c)
{
    schedule(c, NN_SCHEDULE_EXPONENTIAL, golden_number(c, "k"), 0);
}

static void step_decay(golden_case *c)
{
    schedule(c, NN_SCHEDULE_STEP, 0.5, 10);
}

const golden_known golden_optimizer_cases[] = {
    {"ch13-l2", l2_penalty},
    {"ch13-l1", l1_penalty},
    {"ch13-weight-decay", weight_decay},
    {"ch17-ewma", ewma},
    {"ch17-momentum", momentum},
    {"ch17-momentum-torch", momentum_torch},
    {"ch17-rmsprop-outside", rmsprop},
    {"ch17-rmsprop-tiny-outside", rmsprop},
    {"ch17-rmsprop-inside", rmsprop_inside},
    {"ch17-rmsprop-tiny-inside", rmsprop_inside},
    {"ch17-rmsprop-first-step", rmsprop_first_step},
    {"ch17-eps-inside-vs-outside", inside_and_outside},
    {"ch18-adam-inside", adam_inside},
    {"ch18-adam-inside-tiny", adam_inside},
    {"ch18-adam-nocorr", adam_uncorrected},
    {"ch18-uncorrected-ratio", uncorrected_ratio},
    {"ch41-grad-clip", clipping},
    {"ch18-adam-outside", adam},
    {"ch18-adam-outside-tiny", adam},
    {"ch18-adamw", adam},
    {"ch19-inverse", inverse_time},
    {"ch19-exponential", exponential},
    {"ch19-step-correct", step_decay},
    {"", NULL},
};
