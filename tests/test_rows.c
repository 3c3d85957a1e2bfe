/* Tables updated by the rows that a batch names: the same bits as tables updated in whole. */
#include "engine/losses.h"
#include "engine/optimizer.h"
#include "engine/rng.h"
#include "engine/shapes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 40, WIDTH = 20, LONG = 1500, BATCH = 6, STEPS = 25, FEEDS = 6 };

/* Every operator that names rows, in one loss: negative sampling, GloVe with its biases, the mean
 * of looked-up rows (with padding) and a plain embedding, which share a table; and a dense layer,
 * so that some gradients stay dense. */
typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_pool *pool;
    nn_exec *exec;
    nn_node *feed[FEEDS];
} net;

static nn_node *table(net *n, const char *name, int width)
{
    nn_error error = {0};
    nn_shape shape = width ? nn_shape2(WORDS, width) : nn_shape1(WORDS);
    return nn_use(n->graph, nn_model_param(n->model, name, shape, NN_INIT_NORMAL, 0.3, &error));
}

static net net_make(int threads, nn_exec_args args)
{
    nn_error error = {0};
    net n = {.model = nn_model_new(7)};
    nn_graph *g = n.graph = nn_graph_new(n.model);
    nn_node *one = n.feed[0] = nn_input(g, "one", NN_I32, nn_shape_of(0, NULL));
    nn_node *other = n.feed[1] = nn_input(g, "other", NN_I32, nn_shape_of(0, NULL));
    nn_node *drawn = n.feed[2] = nn_input(g, "drawn", NN_I32, nn_shape1(4));
    nn_node *around = n.feed[3] = nn_input(g, "around", NN_I32, nn_shape1(3));
    nn_node *looked = n.feed[4] = nn_input(g, "looked", NN_I32, nn_shape2(2, 2));
    nn_node *count = n.feed[5] = nn_input(g, "count", NN_F, nn_shape_of(0, NULL));
    nn_node *in = table(&n, "in", WIDTH), *out = table(&n, "out", WIDTH);
    nn_node *bias = table(&n, "bias", 0), *other_bias = table(&n, "other_bias", 0);
    nn_node *mean = nn_mean_embedding(g, in, around, -1);
    nn_node *rows = nn_flatten(g, nn_embedding(g, out, looked));
    nn_node *loss = nn_negative_sampling(g, in, out, one, drawn);
    loss = nn_add(g, loss,
                  nn_glove(g, in, out, bias, other_bias, one, other, count, (nn_glove_args){0}));
    loss = nn_mean(g, loss);
    nn_node *far = nn_mean_embedding(g, table(&n, "long", LONG), around, -1);
    loss = nn_add(g, loss, nn_mean(g, nn_tanh(g, far)));
    nn_node *dense = nn_dense(g, "d", nn_tanh(g, rows), WIDTH, NN_INIT_XAVIER);
    nn_node *both = nn_mean(g, nn_tanh(g, nn_add(g, dense, mean)));
    n.pool = nn_pool_new(threads, &error);
    args.batch = BATCH;
    args.training = true;
    args.seed = 1;
    n.exec = nn_compile(g, nn_add(g, loss, both), NULL, 0, n.pool, args, &error);
    if (!n.exec)
        fail_msg("%s", error.text);
    return n;
}

static void net_free(net *n)
{
    nn_exec_free(n->exec);
    nn_pool_free(n->pool);
    nn_graph_free(n->graph);
    nn_model_free(n->model);
}

static int rows_of_step(int step)
{
    return step % 5 == 4 ? 1 + step % BATCH : BATCH; /* short batches leave shards without rows */
}

static void net_feed(net *n, int step)
{
    int rows = rows_of_step(step);
    nn_error error = {0};
    for (int f = 0; f < FEEDS; f++) {
        int64_t numbers = rows * nn_shape_row(nn_node_shape(n->feed[f]));
        for (int64_t i = 0; i < numbers; i++) {
            double u = nn_uniform_at(3, (uint32_t)f, (uint64_t)step, (uint32_t)i);
            void *to = nn_exec_feed(n->exec, n->feed[f]);
            if (f == 5)
                ((nn_real *)to)[i] = (nn_real)(i == 1 ? 0 : 200 * u); /* a pair that never met */
            else
                ((int32_t *)to)[i] = (int32_t)(u * u * WORDS); /* some words far oftener */
        }
    }
    ((int32_t *)nn_exec_feed(n->exec, n->feed[3]))[1] = -1; /* padding */
    ((int32_t *)nn_exec_feed(n->exec, n->feed[4]))[0] = -1; /* gather: the last word */
    assert_int_equal(nn_exec_rows(n->exec, rows, &error), NN_OK);
}

static nn_update net_step(net *n, nn_optimizer *optimizer, int step)
{
    nn_error error = {0};
    net_feed(n, step);
    nn_forward(n->exec);
    if (nn_backward(n->exec, &error) != NN_OK)
        fail_msg("%s", error.text);
    if (nn_optimizer_get(optimizer).accumulates) {
        nn_optimizer_gather(optimizer, n->exec, n->pool, 0.5);
        net_feed(n, step + 1000);
        nn_forward(n->exec);
        nn_backward(n->exec, &error);
        nn_optimizer_gather(optimizer, n->exec, n->pool, 0.5);
    }
    return nn_optimizer_step(optimizer, n->exec, n->pool, 0.05);
}

static nn_optimizer *make_optimizer(net *n, nn_optimizer_args args)
{
    nn_error error = {0};
    args.lr = 0.05;
    nn_optimizer *optimizer = nn_optimizer_new(n->model, args, &error);
    if (!optimizer)
        fail_msg("%s", error.text);
    return optimizer;
}

static void assert_same_model(const net *a, const net *b)
{
    for (int i = 0; i < nn_model_count(a->model); i++) {
        const nn_param *p = nn_model_at(a->model, i), *q = nn_model_at(b->model, i);
        size_t bytes = (size_t)nn_shape_count(nn_param_shape(p)) * sizeof(nn_real);
        if (memcmp(nn_param_values(p), nn_param_values(q), bytes) != 0)
            fail_msg("'%s' differs", nn_param_name(p));
    }
}

static void assert_same_gradients(const net *a, const net *b)
{
    for (int i = 0; i < nn_model_count(a->model); i++) {
        const nn_param *p = nn_model_at(a->model, i), *q = nn_model_at(b->model, i);
        const nn_real *x = nn_param_gradient(a->exec, p), *y = nn_param_gradient(b->exec, q);
        for (int64_t k = 0; k < nn_shape_count(nn_param_shape(p)); k++)
            if (!(x[k] == y[k]))
                fail_msg("gradient of '%s' differs", nn_param_name(p));
    }
}

static const nn_optimizer_args optimizers[] = {
    {.kind = NN_SGD},
    {.kind = NN_SGD, .clip_norm = 0.3, .clip_value = 0.05},
    {.kind = NN_SGD, .l2 = 0.01},
    {.kind = NN_SGD, .l1 = 0.01},
    {.kind = NN_SGD, .average = 0.9},
    {.kind = NN_SGD, .accumulates = true},
    {.kind = NN_MOMENTUM},
    {.kind = NN_NESTEROV},
    {.kind = NN_ADAGRAD},
    {.kind = NN_ADAGRAD, .clip_norm = 0.3},
    {.kind = NN_ADAGRAD, .epsilon_inside = true},
    {.kind = NN_RMSPROP},
    {.kind = NN_ADAM},
    {.kind = NN_ADAMW, .l2 = 0.1},
};
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

/* The plain definition is that of whole tables; nothing may be seen of the rows. */
static void compare(nn_optimizer_args how, int threads, int shards)
{
    net rows = net_make(threads, (nn_exec_args){.shards = shards});
    net whole = net_make(1, (nn_exec_args){.shards = shards, .whole_tables = true});
    nn_optimizer *a = make_optimizer(&rows, how), *b = make_optimizer(&whole, how);
    for (int step = 0; step < STEPS; step++) {
        nn_update u = net_step(&rows, a, step), v = net_step(&whole, b, step);
        assert_true(u.applied && v.applied);
        assert_true(fabs(u.gradient_norm - v.gradient_norm) <= 1e-6 * v.gradient_norm);
        assert_same_gradients(&rows, &whole);
        assert_same_model(&rows, &whole);
    }
    nn_optimizer_free(a);
    nn_optimizer_free(b);
    net_free(&rows);
    net_free(&whole);
}

static void test_rows_are_as_good_as_whole_tables(void **state)
{
    (void)state;
    for (int i = 0; i < OPTIMIZERS; i++)
        for (int shards = 1; shards <= 4; shards += shards)
            for (int threads = 1; threads <= 2; threads++)
                compare(optimizers[i], threads, shards);
}

/* Each once, and precisely those whose gradient the operators reach. */
static void test_lists(void **state)
{
    (void)state;
    for (int shards = 1; shards <= 3; shards++) {
        net n = net_make(2, (nn_exec_args){.shards = shards});
        nn_optimizer *optimizer = make_optimizer(&n, (nn_optimizer_args){.kind = NN_SGD});
        for (int step = 0; step < STEPS; step++) {
            net_step(&n, optimizer, step);
            nn_touched_rows rows = nn_param_rows(n.exec, nn_model_find(n.model, "bias"));
            const int32_t *one = nn_exec_feed(n.exec, n.feed[0]);
            const nn_real *count = nn_exec_feed(n.exec, n.feed[5]);
            bool expected[WORDS] = {false};
            int64_t different = 0;
            for (int i = 0; i < rows_of_step(step); i++) {
                different += count[i] > 0 && !expected[one[i]];
                expected[one[i]] |= count[i] > 0;
            }
            assert_int_equal(rows.size, 1);
            assert_int_equal(rows.count, different);
            for (int64_t i = 0; i < rows.count; i++) {
                assert_true(expected[rows.row[i]]);
                expected[rows.row[i]] = false; /* not twice */
            }
        }
        assert_null(nn_param_rows(n.exec, nn_model_find(n.model, "d.weight")).row);
        nn_optimizer_free(optimizer);
        net_free(&n);
    }
}

/* A table that a dense layer uses as well is no longer one. */
static void test_a_tied_table_is_dense(void **state)
{
    (void)state;
    nn_error error = {0};
    nn_model *model = nn_model_new(1);
    nn_graph *graph = nn_graph_new(model);
    nn_param *param =
        nn_model_param(model, "table", nn_shape2(WORDS, WIDTH), NN_INIT_NORMAL, 1, &error);
    nn_node *words = nn_input(graph, "words", NN_I32, nn_shape1(2));
    nn_node *e = nn_embedding(graph, nn_use(graph, param), words);
    nn_node *root = nn_mean(graph, nn_linear(graph, e, nn_use(graph, param), NULL));
    nn_exec *exec = nn_compile(graph, root, NULL, 0, NULL,
                               (nn_exec_args){.batch = 2, .training = true}, &error);
    assert_non_null(exec);
    memset(nn_exec_feed(exec, words), 0, 4 * sizeof(int32_t));
    nn_exec_rows(exec, 2, &error);
    nn_forward(exec);
    assert_int_equal(nn_backward(exec, &error), NN_OK);
    assert_null(nn_param_rows(exec, param).row);
    assert_non_null(nn_param_gradient(exec, param));
    nn_exec_free(exec);
    nn_graph_free(graph);
    nn_model_free(model);
}

/* A word that does not exist is not overlooked, whatever row is spoilt, and the next good batch
 * finds the table clean. */
static void test_unknown_words_are_seen(void **state)
{
    (void)state;
    static const int fed[] = {0, 1, 2, 3};
    for (int i = 0; i < 4; i++) {
        net n = net_make(1, (nn_exec_args){.shards = 2});
        nn_optimizer *optimizer = make_optimizer(&n, (nn_optimizer_args){.kind = NN_SGD});
        nn_error error = {0};
        net_feed(&n, 0);
        ((int32_t *)nn_exec_feed(n.exec, n.feed[fed[i]]))[3] = WORDS;
        nn_forward(n.exec);
        nn_backward(n.exec, &error);
        assert_false(nn_optimizer_step(optimizer, n.exec, n.pool, 0.1).applied);
        assert_true(net_step(&n, optimizer, 1).applied);
        nn_optimizer_free(optimizer);
        net_free(&n);
    }
}

/* --- lazy ----------------------------------------------------------------------------------- */

static void copy_state(net *from, nn_optimizer *a, net *to, nn_optimizer *b)
{
    nn_optimizer_set_steps(b, nn_optimizer_steps(a));
    for (int i = 0; i < nn_model_count(from->model); i++) {
        const nn_param *p = nn_model_at(from->model, i);
        nn_param *q = nn_model_at(to->model, i);
        size_t bytes = (size_t)nn_shape_count(nn_param_shape(p)) * sizeof(nn_real);
        memcpy(nn_param_data(q), nn_param_values(p), bytes);
        if (nn_optimizer_first(a, p))
            memcpy(nn_optimizer_first(b, q), nn_optimizer_first(a, p), bytes);
        if (nn_optimizer_second(a, p))
            memcpy(nn_optimizer_second(b, q), nn_optimizer_second(a, p), bytes);
    }
}

/* Lazy, a training that is cut and continued from weights and moments goes the same way, with any
 * number of threads. */
static void test_lazy_continues(void **state)
{
    (void)state;
    for (int kind = 0; kind < NN_OPTIMIZER_KINDS; kind++) {
        nn_optimizer_args how = {.kind = (nn_optimizer_kind)kind, .l2 = 0.01, .lazy = true};
        net whole = net_make(1, (nn_exec_args){.shards = 3});
        net cut = net_make(2, (nn_exec_args){.shards = 3});
        nn_optimizer *a = make_optimizer(&whole, how), *b = make_optimizer(&cut, how);
        for (int step = 0; step < STEPS; step++) {
            net_step(&whole, a, step);
            if (step == STEPS / 2)
                copy_state(&whole, a, &cut, b);
            if (step > STEPS / 2)
                net_step(&cut, b, step);
        }
        assert_same_model(&whole, &cut);
        nn_optimizer_free(a);
        nn_optimizer_free(b);
        net_free(&whole);
        net_free(&cut);
    }
}

static void test_lazy_in_words(void **state)
{
    (void)state;
    nn_error error = {0};
    nn_optimizer_args args = {.lr = 0.1}, again = {0};
    char text[64];
    assert_int_equal(nn_optimizer_parse("adam:lazy,epsilon=1e-4", &args, &error), NN_OK);
    assert_true(args.lazy && args.kind == NN_ADAM);
    nn_optimizer_text(&args, text, sizeof text);
    assert_string_equal(text, "adam:lazy,epsilon=0.0001");
    assert_int_equal(nn_optimizer_parse("sgd", &args, &error), NN_OK);
    assert_false(args.lazy);
    again = args;
    again.lazy = true;
    again.average = 0.9;
    nn_model *model = nn_model_new(1);
    assert_null(nn_optimizer_new(model, again, &error));
    assert_non_null(strstr(error.text, "lazy"));
    again.average = 0;
    again.accumulates = true;
    assert_null(nn_optimizer_new(model, again, &error));
    nn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_as_good_as_whole_tables),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_a_tied_table_is_dense),
        cmocka_unit_test(test_unknown_words_are_seen),
        cmocka_unit_test(test_lazy_continues),
        cmocka_unit_test(test_lazy_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
