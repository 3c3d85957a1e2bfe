/* Cases of optimisers, schedules and decay (chapters 13, 17-19). A given gradient g is what
 * y = g w' has with respect to w, so the update runs through graph, plan and optimiser. */
#include "engine/schedule.h"
#include "tests/golden_case.h"

#include <math.h>
#include <string.h>

typedef struct {
    golden_array start;    /* W0 */
    golden_array gradient; /* (steps, numbers) */
    nn_optimizer_args args;
} course;

typedef struct {
    golden_array weights;       /* after each step */
    golden_array first, second; /* moments at the end; no data where the kind keeps none */
} outcome;

static golden_array moment(golden_case *c, const nn_real *from, int64_t count)
{
    if (!from)
        return (golden_array){.data = NULL};
    golden_array a = golden_new(c, nn_shape1(count));
    for (int64_t i = 0; i < count; i++)
        a.data[i] = (double)from[i];
    return a;
}

static outcome follow(golden_case *c, const course *way)
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
    outcome o = {.weights = golden_new(c, nn_shape2(steps, n))};
    for (int64_t t = 0; t < steps; t++) {
        nn_real *room = nn_exec_feed(exec, x);
        for (int64_t i = 0; i < n; i++)
            room[i] = (nn_real)way->gradient.data[t * n + i];
        golden_run(net, root);
        nn_optimizer_step(optimizer, exec, NULL, way->args.lr);
        memcpy(o.weights.data + t * n, golden_param(net, "W").data, (size_t)n * sizeof(double));
    }
    nn_param *param = nn_model_find(golden_model(net), "W");
    o.first = moment(c, nn_optimizer_first(optimizer, param), n);
    o.second = moment(c, nn_optimizer_second(optimizer, param), n);
    nn_optimizer_free(optimizer);
    return o;
}

static course course_of(golden_case *c, nn_optimizer_kind kind)
{
    course way = {.start = golden_in(c, "W0"), .gradient = golden_in(c, "grads")};
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
    course way = course_of(c, NN_MOMENTUM);
    outcome o = follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "v_last", o.first);
}

/* v = beta v + g is our velocity divided by 1 - beta, at a rate as much smaller. */
static void momentum_torch(golden_case *c)
{
    course way = course_of(c, NN_MOMENTUM);
    double share = 1 - way.args.beta1;
    way.args.lr /= share;
    outcome o = follow(c, &way);
    for (int64_t i = 0; i < o.first.count; i++)
        o.first.data[i] /= share;
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "v_last", o.first);
}

static void rmsprop(golden_case *c)
{
    course way = course_of(c, NN_RMSPROP);
    outcome o = follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "s_last", o.second);
}

static void adam(golden_case *c)
{
    course way = course_of(c, golden_has(c, "wd") ? NN_ADAMW : NN_ADAM);
    outcome o = follow(c, &way);
    golden_out(c, "W_steps", o.weights);
    golden_out(c, "v_last", o.first);
    golden_out(c, "s_last", o.second);
}

/* The velocity of momentum is the exponentially weighted mean of what it is given. */
static void ewma(golden_case *c)
{
    golden_array theta = golden_in(c, "theta");
    double beta = golden_number(c, "beta");
    course way = {.start = golden_new(c, nn_shape1(1)), .gradient = theta};
    way.args = (nn_optimizer_args){.kind = NN_MOMENTUM, .lr = 1, .beta1 = beta};
    outcome o = follow(c, &way); /* w falls by v each step */
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
    course way = {.start = golden_in(c, "W"), .gradient = golden_in(c, "dW")};
    way.args = (nn_optimizer_args){.lr = golden_number(c, "lr"),
                                   .l2 = golden_number(c, "lam") / golden_number(c, "m")};
    way.args.kind = NN_SGD;
    golden_array sgd = follow(c, &way).weights;
    golden_out(c, "sgd_l2", sgd);
    golden_out(c, "sgd_decay", sgd); /* one and the same for plain descent */
    way.args.kind = NN_ADAM;
    golden_out(c, "adam_l2_step1", follow(c, &way).weights);
    way.args.kind = NN_ADAMW;
    golden_out(c, "adamw_step1", follow(c, &way).weights);
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
    {"ch13-weight-decay", weight_decay},
    {"ch17-ewma", ewma},
    {"ch17-momentum", momentum},
    {"ch17-momentum-torch", momentum_torch},
    {"ch17-rmsprop-outside", rmsprop},
    {"ch17-rmsprop-tiny-outside", rmsprop},
    {"ch18-adam-outside", adam},
    {"ch18-adam-outside-tiny", adam},
    {"ch18-adamw", adam},
    {"ch19-inverse", inverse_time},
    {"ch19-exponential", exponential},
    {"ch19-step-correct", step_decay},
    {"", NULL},
};
