/* The optimisers in double against the worked numbers of chapters 16 to 18 (golden.json, case ids
 * in the tables) and against the formulas written out once more, plainly. */
#include "engine/optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One weight (1,2), a matrix and so decayed, and one bias (1), which is not. Gradients are written
 * by the tests into the plan's own memory. */
typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_pool *pool;
    nn_exec *exec;
    nn_param *weight, *bias;
} bench;

static bench make_bench(void)
{
    bench b = {0};
    nn_error error = {0};
    b.model = nn_model_new(1);
    b.graph = nn_graph_new(b.model);
    b.weight = nn_model_param(b.model, "w", nn_shape2(1, 2), NN_INIT_ZEROS, 1, &error);
    b.bias = nn_model_param(b.model, "b", nn_shape1(1), NN_INIT_ZEROS, 1, &error);
    nn_node *x = nn_input(b.graph, "x", NN_F, nn_shape1(2));
    nn_node *y = nn_linear(b.graph, x, nn_use(b.graph, b.weight), nn_use(b.graph, b.bias));
    nn_node *root = nn_mean(b.graph, y);
    b.pool = nn_pool_new(1, &error);
    nn_exec_args args = {.batch = 1, .training = true};
    b.exec = nn_compile(b.graph, root, NULL, 0, b.pool, args, &error);
    if (!b.exec)
        fail_msg("%s", error.text);
    nn_real *feed = nn_exec_feed(b.exec, x);
    feed[0] = feed[1] = 1;
    nn_exec_rows(b.exec, 1, &error);
    nn_forward(b.exec);
    assert_int_equal(nn_backward(b.exec, &error), NN_OK);
    return b;
}

static void free_bench(bench *b)
{
    nn_exec_free(b->exec);
    nn_pool_free(b->pool);
    nn_graph_free(b->graph);
    nn_model_free(b->model);
}

static nn_optimizer *make(bench *b, nn_optimizer_args args)
{
    nn_error error = {0};
    nn_optimizer *optimizer = nn_optimizer_new(b->model, args, &error);
    if (!optimizer)
        fail_msg("%s", error.text);
    return optimizer;
}

static nn_update step(bench *b, nn_optimizer *optimizer, double g0, double g1, double gb, double lr)
{
    nn_real *g = nn_param_gradient(b->exec, b->weight);
    g[0] = g0;
    g[1] = g1;
    nn_param_gradient(b->exec, b->bias)[0] = gb;
    return nn_optimizer_step(optimizer, b->exec, b->pool, lr);
}

static void close_to(double got, double expected, double tolerance, const char *what)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.17g, expected %.17g", what, got, expected);
}

/* --- the worked numbers of the course ------------------------------------------------------- */

typedef struct {
    const char *id;
    nn_optimizer_args args;
    double scale; /* of the gradients */
    double weights[4][2];
    double first[2], second[2]; /* at the end; 0: not kept */
} golden;

static const golden goldens[] = {
    {"ch17-momentum",
     {.kind = NN_MOMENTUM, .lr = 0.1, .beta1 = 0.9},
     1,
     {{0.999, -0.998}, {0.9951, -0.9972}, {0.99359, -1.00048}, {0.9917309999999999, -1.002932}},
     {0.018589999999999995, 0.02452},
     {0}},
    {"ch17-momentum-torch",
     {.kind = NN_MOMENTUM, .lr = 0.1, .beta1 = 0.9, .classic = true},
     1,
     {{0.99, -0.98}, {0.951, -0.972}, {0.9359, -1.0048}, {0.91731, -1.02932}},
     {0.1859, 0.24520000000000003},
     {0}},
    {"ch17-rmsprop-outside",
     {.kind = NN_RMSPROP, .lr = 0.01, .beta2 = 0.999},
     1,
     {{0.68377323398, -0.6837727339823716},
      {0.3837585328846093, -0.8252504925660997},
      {0.5528556789513311, -1.1013356669355523},
      {0.5109335509666068, -1.0670117467494589}},
     {0},
     {0.00014225011999000013, 0.00021220012996000023}},
    {"ch17-rmsprop-tiny-outside",
     {.kind = NN_RMSPROP, .lr = 0.01, .beta2 = 0.999},
     1e-5,
     {{0.759746926647958, -0.7269458810083714},
      {0.4870072563529977, -0.8508886673406614},
      {0.6429221522784013, -1.109148586276444},
      {0.6042430153230077, -1.0770295467403084}},
     {0},
     {1.4225011999000013e-14, 2.1220012996000028e-14}},
    {"ch18-adam-outside",
     {.kind = NN_ADAM, .lr = 0.01},
     1,
     {{0.9900000009999999, -0.9900000004999999},
      {0.9808221902205589, -0.9873366302718676},
      {0.9782431522889793, -0.991909947999135},
      {0.9753788086612386, -0.9950032312932967}},
     {0.018589999999999995, 0.02452},
     {0.00014225011999000013, 0.00021220012996000023}},
    {"ch18-adam-outside-tiny",
     {.kind = NN_ADAM, .lr = 0.01},
     1e-6,
     {{0.990909090909091, -0.9904761904761905},
      {0.9821240788126481, -0.9879712690047893},
      {0.9796591333438598, -0.9923780729751368},
      {0.9769389279407803, -0.9953427368815815}},
     {1.8590000000000003e-08, 2.4519999999999994e-08},
     {1.4225011999000008e-16, 2.1220012996000017e-16}},
    {"ch18-adamw",
     {.kind = NN_ADAMW, .lr = 0.01, .l2 = 0.1},
     1,
     {{0.9890000009999999, -0.9890000004999999},
      {0.978833190219559, -0.9853476302713676},
      {0.9752753190977598, -0.9889356003683637},
      {0.9714357001509213, -0.991039948062157}},
     {0.018589999999999995, 0.02452},
     {0.00014225011999000013, 0.00021220012996000023}},
};

static const double gradients[4][2] = {{0.1, -0.2}, {0.3, 0.1}, {-0.2, 0.4}, {0.05, -0.05}};

static void test_golden_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const golden *g = &goldens[i];
        bench b = make_bench();
        nn_optimizer *optimizer = make(&b, g->args);
        nn_real *w = nn_param_data(b.weight);
        w[0] = 1;
        w[1] = -1;
        for (int t = 0; t < 4; t++) {
            step(&b, optimizer, g->scale * gradients[t][0], g->scale * gradients[t][1], 0,
                 g->args.lr);
            close_to(w[0], g->weights[t][0], 1e-11, g->id);
            close_to(w[1], g->weights[t][1], 1e-11, g->id);
        }
        const nn_real *first = nn_optimizer_first(optimizer, b.weight);
        const nn_real *second = nn_optimizer_second(optimizer, b.weight);
        assert_int_equal(first != NULL, g->first[0] != 0);
        assert_int_equal(second != NULL, g->second[0] != 0);
        for (int k = 0; k < 2; k++) {
            if (first)
                close_to(first[k], g->first[k], 1e-13, g->id);
            if (second)
                close_to(second[k], g->second[k], 1e-14, g->id);
        }
        assert_int_equal(nn_optimizer_steps(optimizer), 4);
        nn_optimizer_free(optimizer);
        free_bench(&b);
    }
}

/* Golden ch17-rmsprop-first-step, ch17-eps-inside-vs-outside. */
static void test_epsilon_is_outside_the_root(void **state)
{
    (void)state;
    bench b = make_bench();
    nn_optimizer_args args = {.kind = NN_RMSPROP, .lr = 0.01, .beta2 = 0.999};
    nn_optimizer *optimizer = make(&b, args);
    nn_param_data(b.weight)[0] = 0;
    step(&b, optimizer, 1e-6, 1, 0, 0.01);
    close_to(-nn_param_data(b.weight)[0], 0.2402530733520421, 1e-12, "epsilon outside");
    close_to(-nn_param_data(b.weight)[1] / 0.01, 31.622776601683782, 1e-5, "first step");
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

/* Golden ch18-v1-corr: with a constant gradient every corrected step of Adam is the rate. */
static void test_bias_correction(void **state)
{
    (void)state;
    bench b = make_bench();
    nn_optimizer *optimizer = make(&b, (nn_optimizer_args){.kind = NN_ADAM, .lr = 0.5});
    for (int t = 1; t <= 3000; t++)
        step(&b, optimizer, 3, -7, 0, 0.5);
    close_to(nn_param_data(b.weight)[0], -1500, 1e-4, "3000 steps");
    close_to(nn_param_data(b.weight)[1], 1500, 1e-4, "3000 steps");
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

/* --- the formulas, written out once more ---------------------------------------------------- */

typedef struct {
    double w, v, s;
} plain;

static void plain_step(plain *p, const nn_optimizer_args *a, double g, double lr, double l2, int t)
{
    double b1 = a->beta1, b2 = a->beta2, old = p->w, eps = a->epsilon;
    bool decoupled = a->decoupled || a->kind == NN_ADAMW;
    double add1 = a->classic ? 1 : 1 - b1;
    double c1 = a->uncorrected ? 1 : 1 - pow(b1, t), c2 = a->uncorrected ? 1 : 1 - pow(b2, t);
    if (!decoupled)
        g += l2 * p->w;
    p->v = b1 * p->v + add1 * g;
    p->s = a->kind == NN_ADAGRAD ? p->s + g * g : b2 * p->s + (1 - b2) * g * g;
    double shat = a->kind == NN_ADAM || a->kind == NN_ADAMW ? p->s / c2 : p->s;
    double root = a->epsilon_inside ? sqrt(shat + eps) : sqrt(shat) + eps;
    switch (a->kind) {
    case NN_SGD:
        p->w -= lr * g;
        break;
    case NN_MOMENTUM:
        p->w -= lr * p->v;
        break;
    case NN_NESTEROV:
        p->w -= lr * (b1 * p->v + add1 * g);
        break;
    case NN_ADAGRAD:
    case NN_RMSPROP:
        p->w -= lr * g / root;
        break;
    default:
        p->w -= lr * (p->v / c1) / root;
        break;
    }
    if (decoupled)
        p->w -= lr * l2 * old;
    double shrink = l2 > 0 ? lr * a->l1 : 0; /* neither penalty touches the bias */
    p->w = fabs(p->w) > shrink ? p->w - copysign(shrink, p->w) : 0;
}

static double cut(double x, double limit)
{
    return fmax(-limit, fmin(limit, x));
}

/* 50 steps with L2 and L1 on the weight and none on the bias, clipping by norm and value, a moving
 * rate, another rate for the bias, and an average of the weights. */
static void follow_plainly(nn_optimizer_args args)
{
    nn_error error = {0};
    bench b = make_bench();
    nn_optimizer *optimizer = make(&b, args);
    plain p[3] = {{0.5, 0, 0}, {-2, 0, 0}, {1, 0, 0}};
    double average[3] = {0.5, -2, 1};
    nn_param_data(b.weight)[0] = p[0].w;
    nn_param_data(b.weight)[1] = p[1].w;
    nn_param_data(b.bias)[0] = p[2].w;
    nn_optimizer_restart_average(optimizer);
    assert_int_equal(nn_optimizer_set_rate(optimizer, b.bias, 0.5, &error), NN_OK);
    for (int t = 1; t <= 50; t++) {
        double g[3] = {sin(t), cos(3.0 * t), 0.1 * sin(0.7 * t)};
        double norm = sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]);
        double clip = norm > 0.5 ? 0.5 / norm : 1, lr = 0.1 / t;
        double before = p[0].w * p[0].w + p[1].w * p[1].w + p[2].w * p[2].w, moved = 0;
        nn_update update = step(&b, optimizer, g[0], g[1], g[2], lr);
        for (int k = 0; k < 3; k++) {
            double old = p[k].w, share = fmin(0.9, (1.0 + t) / (10 + t));
            plain_step(&p[k], &args, cut(clip * g[k], 0.3), k < 2 ? lr : lr / 2, k < 2 ? 0.3 : 0,
                       t);
            moved += (p[k].w - old) * (p[k].w - old);
            average[k] = share * average[k] + (1 - share) * p[k].w;
        }
        assert_true(update.applied);
        close_to(update.gradient_norm, norm, 1e-14, "norm");
        close_to(update.update_ratio, sqrt(moved / before), 1e-13, "update ratio");
        close_to(nn_param_data(b.weight)[0], p[0].w, 1e-13, nn_optimizer_name(args.kind));
        close_to(nn_param_data(b.weight)[1], p[1].w, 1e-13, nn_optimizer_name(args.kind));
        close_to(nn_param_data(b.bias)[0], p[2].w, 1e-13, nn_optimizer_name(args.kind));
    }
    nn_penalty penalty = nn_optimizer_penalty(optimizer);
    close_to(penalty.l1, args.l1 * (fabs(p[0].w) + fabs(p[1].w)), 1e-13, "L1 penalty");
    close_to(penalty.l2, 0.15 * (p[0].w * p[0].w + p[1].w * p[1].w), 1e-13, "L2 penalty");
    nn_optimizer_swap_average(optimizer);
    close_to(nn_param_data(b.weight)[0], average[0], 1e-13, "average");
    close_to(nn_param_data(b.bias)[0], average[2], 1e-13, "average");
    nn_optimizer_swap_average(optimizer);
    close_to(nn_param_data(b.weight)[1], p[1].w, 1e-13, "the weights come back");
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

static void test_against_plain_formulas(void **state)
{
    (void)state;
    for (int kind = 0; kind < NN_OPTIMIZER_KINDS; kind++)
        for (int switches = 0; switches < 32; switches++)
            follow_plainly((nn_optimizer_args){.kind = (nn_optimizer_kind)kind,
                                               .lr = 0.1,
                                               .beta1 = 0.8,
                                               .beta2 = 0.95,
                                               .epsilon = 1e-6,
                                               .l2 = 0.3,
                                               .l1 = switches & 16 ? 0.2 : 0,
                                               .clip_norm = 0.5,
                                               .clip_value = 0.3,
                                               .classic = switches & 1,
                                               .epsilon_inside = switches & 2,
                                               .uncorrected = switches & 4,
                                               .decoupled = switches & 8,
                                               .average = 0.9});
}

/* L1 makes weights exactly 0, and never changes their sign. */
static void test_l1_reaches_zero_and_stays(void **state)
{
    (void)state;
    bench b = make_bench();
    nn_optimizer *optimizer = make(&b, (nn_optimizer_args){.kind = NN_SGD, .lr = 1, .l1 = 0.25});
    nn_param_data(b.weight)[0] = 1;
    nn_param_data(b.weight)[1] = -0.1;
    step(&b, optimizer, 0, 0, 0, 1);
    assert_true(nn_param_data(b.weight)[0] == 0.75 && nn_param_data(b.weight)[1] == 0);
    step(&b, optimizer, 0, 0.2, 0, 1); /* a gradient below lambda moves nothing off 0 */
    assert_true(nn_param_data(b.weight)[0] == 0.5 && nn_param_data(b.weight)[1] == 0);
    for (int t = 0; t < 5; t++)
        step(&b, optimizer, 0, 0, 0, 1);
    assert_true(nn_param_data(b.weight)[0] == 0);
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

/* Three small batches of 1, 2 and 5 rows make the step of the batch of 8. */
static void test_gathered_gradients(void **state)
{
    (void)state;
    static const double small[3][3] = {{1, -2, 0.5}, {0.25, 4, 1}, {-3, 0.125, 2}};
    static const double rows[3] = {1, 2, 5};
    bench b = make_bench();
    nn_optimizer_args args = {.kind = NN_SGD, .lr = 1, .accumulates = true};
    nn_optimizer *optimizer = make(&b, args);
    for (int round = 0; round < 2; round++) {
        double sum[3] = {0};
        memset(nn_param_data(b.weight), 0, 2 * sizeof(nn_real));
        nn_param_data(b.bias)[0] = 0;
        for (int i = 0; i < 3; i++) {
            nn_real *g = nn_param_gradient(b.exec, b.weight);
            g[0] = small[i][0];
            g[1] = small[i][1];
            nn_param_gradient(b.exec, b.bias)[0] = small[i][2];
            nn_optimizer_gather(optimizer, b.exec, b.pool, rows[i] / 8);
            for (int k = 0; k < 3; k++)
                sum[k] += small[i][k] * rows[i] / 8;
        }
        nn_update update = nn_optimizer_step(optimizer, b.exec, b.pool, 1);
        close_to(update.gradient_norm, sqrt(sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]),
                 1e-15, "norm of the sum");
        close_to(nn_param_data(b.weight)[0], -sum[0], 1e-15, "first weight");
        close_to(nn_param_data(b.weight)[1], -sum[1], 1e-15, "second weight");
        close_to(nn_param_data(b.bias)[0], -sum[2], 1e-15, "bias");
    }
    nn_param_gradient(b.exec, b.bias)[0] = 100;
    nn_optimizer_gather(optimizer, b.exec, b.pool, 1);
    nn_optimizer_forget_gathered(optimizer);
    double before = nn_param_data(b.bias)[0];
    step(&b, optimizer, 0, 0, 0, 1);
    assert_true(nn_param_data(b.bias)[0] == before);
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

static void test_clipping_never_scales_up(void **state)
{
    (void)state;
    bench b = make_bench();
    nn_optimizer *optimizer =
        make(&b, (nn_optimizer_args){.kind = NN_SGD, .lr = 1, .clip_norm = 2});
    nn_update update = step(&b, optimizer, 3, 0, 4, 1); /* norm 5 becomes 2, not 1 */
    close_to(update.gradient_norm, 5, 1e-15, "norm before clipping");
    close_to(nn_param_data(b.weight)[0], -1.2, 1e-15, "clipped");
    close_to(nn_param_data(b.bias)[0], -1.6, 1e-15, "clipped");
    step(&b, optimizer, 0.3, 0, 0.4, 1);
    close_to(nn_param_data(b.weight)[0], -1.5, 1e-15, "left alone");
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

static void test_nonfinite_changes_nothing(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e200};
    bench b = make_bench();
    nn_optimizer *optimizer = make(&b, (nn_optimizer_args){.kind = NN_ADAM, .lr = 1});
    step(&b, optimizer, 1, 2, 3, 0.1);
    double w = nn_param_data(b.weight)[0], v = nn_optimizer_first(optimizer, b.weight)[0];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nn_update update = step(&b, optimizer, 1, bad[i], 0, 0.1);
        assert_false(update.applied);
        assert_false(isfinite(update.gradient_norm));
        assert_true(nn_param_data(b.weight)[0] == w);
        assert_true(nn_optimizer_first(optimizer, b.weight)[0] == v);
        assert_int_equal(nn_optimizer_steps(optimizer), 1);
    }
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

static void test_rate_zero_and_frozen_stay(void **state)
{
    (void)state;
    bench b = make_bench();
    nn_optimizer *optimizer = make(&b, (nn_optimizer_args){.kind = NN_ADAMW, .lr = 0, .l2 = 1});
    nn_param_data(b.weight)[0] = 0.25;
    nn_update update = step(&b, optimizer, 1, 2, 3, 0);
    assert_true(update.applied && update.update_ratio == 0);
    assert_true(nn_param_data(b.weight)[0] == 0.25);
    nn_param_freeze(b.weight, true);
    double v = nn_optimizer_first(optimizer, b.weight)[0];
    update = nn_optimizer_step(optimizer, b.exec, b.pool, 0.5);
    assert_true(update.applied);
    assert_true(nn_param_data(b.weight)[0] == 0.25);
    assert_true(nn_optimizer_first(optimizer, b.weight)[0] == v);
    assert_true(nn_param_data(b.bias)[0] != 0);
    nn_optimizer_free(optimizer);
    free_bench(&b);
}

static void refused(bench *b, nn_optimizer_args args, const char *part)
{
    nn_error error = {0};
    nn_optimizer *optimizer = nn_optimizer_new(b->model, args, &error);
    assert_null(optimizer);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" lacks \"%s\"", error.text, part);
}

static void test_settings(void **state)
{
    (void)state;
    bench b = make_bench();
    refused(&b, (nn_optimizer_args){.lr = -1}, "learning rate -1");
    refused(&b, (nn_optimizer_args){.lr = NAN}, "learning rate nan");
    refused(&b, (nn_optimizer_args){.lr = INFINITY}, "learning rate inf");
    refused(&b, (nn_optimizer_args){.lr = 1, .beta1 = 1}, "momentum 1");
    refused(&b, (nn_optimizer_args){.lr = 1, .beta2 = -0.1}, "beta2");
    refused(&b, (nn_optimizer_args){.lr = 1, .epsilon = -1}, "epsilon");
    refused(&b, (nn_optimizer_args){.lr = 1, .l2 = -1}, "l2");
    refused(&b, (nn_optimizer_args){.lr = 1, .clip_norm = NAN}, "clip");
    refused(&b, (nn_optimizer_args){.kind = NN_OPTIMIZER_KINDS, .lr = 1}, "kind 7");
    refused(&b, (nn_optimizer_args){.lr = 1, .l1 = -1}, "l1");
    refused(&b, (nn_optimizer_args){.lr = 1, .clip_value = -1}, "clip by value");
    refused(&b, (nn_optimizer_args){.lr = 1, .average = 1}, "average");

    nn_optimizer *optimizer = make(&b, (nn_optimizer_args){.kind = NN_MOMENTUM, .lr = 1});
    nn_optimizer_args args = nn_optimizer_get(optimizer);
    close_to(args.beta1, 0.9, 0, "default momentum");
    close_to(args.epsilon, 1e-8, 0, "default epsilon");
    nn_error error = {0};
    args.beta1 = 0; /* literally, not "the default" */
    assert_int_equal(nn_optimizer_set(optimizer, args, &error), NN_OK);
    assert_true(nn_optimizer_get(optimizer).beta1 == 0);
    args.lr = -2;
    assert_int_equal(nn_optimizer_set(optimizer, args, &error), NN_E_ARG);
    assert_int_equal(nn_optimizer_set(optimizer, args, NULL), NN_E_ARG);
    args = nn_optimizer_get(optimizer);
    args.kind = NN_SGD;
    assert_int_equal(nn_optimizer_set(optimizer, args, &error), NN_E_STATE);
    args = nn_optimizer_get(optimizer);
    args.average = 0.9; /* there is no room for it */
    assert_int_equal(nn_optimizer_set(optimizer, args, &error), NN_E_STATE);
    assert_int_equal(nn_optimizer_set_rate(optimizer, b.bias, -1, &error), NN_E_ARG);
    nn_optimizer_free(optimizer);

    nn_optimizer_kind kind;
    for (int i = 0; i < NN_OPTIMIZER_KINDS; i++) {
        const char *name = nn_optimizer_name((nn_optimizer_kind)i);
        assert_int_equal(nn_optimizer_kind_of(name, &kind, &error), NN_OK);
        assert_int_equal(kind, i);
    }
    assert_int_equal(nn_optimizer_kind_of("adm", &kind, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "adamw"));
    free_bench(&b);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const good[] = {
        "sgd",
        "sgd:decoupled",
        "momentum:classic,decoupled",
        "nesterov:classic",
        "adagrad:inside,epsilon=1e-10",
        "rmsprop:inside,beta2=0.99,epsilon=1e-07",
        "adam:inside,uncorrected,decoupled,beta2=0.98,epsilon=0.0001",
        "adamw:uncorrected,lazy"};
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"adm", "optimizer 'adm': expected sgd, momentum, nesterov, adagrad"},
        {"adam:", "column 6: expected inside, uncorrected, decoupled, lazy, beta2=NUMBER"},
        {"adam:inside,clasic", "column 13: expected inside"},
        {"adam:classic", "column 6"},
        {"adamw:decoupled", "column 7"},
        {"sgd:epsilon=1", "column 5: expected decoupled"},
        {"rmsprop:beta2", "column 14: expected '=' and a number"},
        {"rmsprop:beta2=1", "column 15: expected a number above 0 and below 1"},
        {"rmsprop:epsilon=0", "column 17: expected a number above 0"},
        {"adam:epsilon=-1", "column 14"},
        {"adam inside", "optimizer 'adam inside'"},
        {"adam:inside inside", "column 12: expected ',' or the end"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        nn_optimizer_args args = {.lr = 3, .beta1 = 0.7};
        nn_error error = {0};
        char text[64];
        if (nn_optimizer_parse(good[i], &args, &error) != NN_OK)
            fail_msg("%s: %s", good[i], error.text);
        assert_true(args.lr == 3 && args.beta1 == 0.7);
        nn_optimizer_text(&args, text, sizeof text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nn_optimizer_args args = {.kind = NN_ADAMW, .lr = 3};
        nn_error error = {0};
        assert_int_equal(nn_optimizer_parse(bad[i].text, &args, &error), NN_E_ARG);
        assert_int_equal(args.kind, NN_ADAMW);
        if (!strstr(error.text, bad[i].part))
            fail_msg("\"%s\" lacks \"%s\"", error.text, bad[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_steps),
        cmocka_unit_test(test_epsilon_is_outside_the_root),
        cmocka_unit_test(test_bias_correction),
        cmocka_unit_test(test_against_plain_formulas),
        cmocka_unit_test(test_clipping_never_scales_up),
        cmocka_unit_test(test_nonfinite_changes_nothing),
        cmocka_unit_test(test_rate_zero_and_frozen_stay),
        cmocka_unit_test(test_l1_reaches_zero_and_stays),
        cmocka_unit_test(test_gathered_gradients),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
