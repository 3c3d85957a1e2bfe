/* Every network of the catalogue: the published number of parameters where there is one, and, made
 * small, it learns one batch by heart, goes to a file and back, and goes on from there bit for bit.
 * A network without a line in the table fails. */
#include "engine/models/catalogue.h"

#include "engine/optimizer.h"
#include "engine/rng.h"
#include "engine/safetensors.h"
#include "tests/data_files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the published sizes ------------------------------------------------------------------------
 */

static int64_t parameters_of(const char *name, nn_model_size size)
{
    nn_error error = {NN_OK, ""};
    nn_assembly made;
    nn_model *model = nn_model_outline();
    nn_graph *graph = nn_graph_new(model);
    assert_non_null(graph);
    if (nn_model_build(graph, name, size, &made, &error) != NN_OK)
        fail_msg("%s: %s", name, error.text);
    int64_t count = nn_model_parameters(model);
    nn_graph_free(graph);
    nn_model_free(model);
    return count;
}

static void published_networks_have_their_number_of_parameters(void **state)
{
    static const struct {
        const char *name;
        int64_t parameters;
    } published[] = {
        /* or counted by hand from the shapes of the paper */
        {"logreg", 7850},         {"lenet5", 61706},
        {"alexnet", 61100840},    {"vgg16", 138357544},
        {"resnet50", 25557032},   {"mobilenet", 4231976},
        {"resnet152", 60192808},  {"mobilenetv2", 3504872},
        {"vgg-small", 467818}, /* as the same network elsewhere */
        {"resnet8", 77754},       {"lstm", 82186},
        {"gpt-small", 826112},    {"gpt-tiny", 116480},
        {"bert-small", 28795194}, {"transformer", 63082496},
        {"seq2seq", 5920528},     {"seq2seq-attention", 11795216},
    };
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        assert_int_equal(parameters_of(published[i].name, (nn_model_size){.slim = 1}),
                         published[i].parameters);
}

/* --- small ones, trained ------------------------------------------------------------------------
 */

typedef struct {
    const char *name;
    int slim;
    nn_shape sample; /* rank 0: its own */
    int classes;     /* 0: its own */
    double rate, floor;
} small;

#define SMALL_IMAGE {3, {3, 32, 32}}, 5
static const small smalls[] = {
    {"alexnet", 16, {3, {3, 63, 63}}, 5, 1e-3, 0.01},
    {"vgg16", 16, SMALL_IMAGE, 1e-3, 0.01},
    {"vgg-small", 8, {3, {1, 12, 12}}, 5, 3e-3, 0.01},
    {"plain20", 4, {3, {1, 12, 12}}, 5, 1e-2, 0.01},
    {"plain56", 4, {3, {1, 8, 8}}, 3, 3e-3, 0.5}, /* so deep, it hardly learns: chapter 32 */
    {"resnet8", 4, {3, {1, 12, 12}}, 5, 1e-2, 0.01},
    {"resnet20", 4, {3, {1, 12, 12}}, 5, 1e-2, 0.01},
    {"resnet56", 4, {3, {1, 8, 8}}, 5, 1e-2, 0.01},
    {"resnet50", 16, {3, {3, 32, 32}}, 5, 3e-3, 0.01},
    {"mobilenet", 16, {3, {3, 32, 32}}, 5, 1e-2, 0.01},
    {"mobilenetv2", 16, {3, {3, 32, 32}}, 5, 1e-2, 0.01},
    {"resnet152", 64, {3, {3, 32, 32}}, 3, 3e-3, 0.1},
    {"inception-small", 2, {3, {1, 12, 12}}, 5, 1e-2, 0.01},
    {"fcn", 4, {3, {2, 12, 8}}, 3, 1e-2, 0.01},
    {"yolo-tiny", 4, {3, {3, 32, 48}}, 2, 3e-3, 0.01},
    {"siamese", 4, {3, {1, 12, 12}}, 0, 3e-3, 0.01},
    {"rnn", 8, {2, {6, 5}}, 4, 1e-2, 0.01},
    {"gru", 8, {1, {7}}, 4, 1e-2, 0.01},
    {"lstm", 8, {3, {1, 6, 5}}, 4, 1e-2, 0.01},
    {"bi-lstm", 8, {2, {6, 5}}, 4, 1e-2, 0.01},
    {"skip-gram", 4, {0}, 1000, 0.1, 0.01},
    {"cbow", 4, {0}, 300, 0.03, 0.01},
    {"glove", 4, {0}, 300, 0.03, 1e-7}, /* rare pairs weigh little */
    {"transformer", 32, {1, {7}}, 50, 3e-3, 0.01},
    {"bert-small", 32, {1, {7}}, 50, 3e-3, 0.01},
    {"gpt-small", 8, {1, {9}}, 50, 1e-2, 0.01}, /* first tokens differ: nothing is ambiguous */
    {"gpt-tiny", 4, {1, {9}}, 50, 1e-2, 0.01},
    {"seq2seq", 8, {1, {7}}, 50, 1e-2, 0.01},
    {"seq2seq-attention", 8, {1, {14}}, 50, 1e-2, 0.01},
};

enum { ROWS = 4, MOST_STEPS = 600 };

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_assembly made;
    nn_exec *exec;
    nn_optimizer *optimizer;
} learner;

/* The batch is the same for every learner: inputs are functions of their number alone. */
static void feed(const learner *l)
{
    nn_error error = {NN_OK, ""};
    assert_int_equal(nn_exec_rows(l->exec, ROWS, &error), NN_OK);
    for (int i = 0; i < l->made.feeds; i++) {
        const nn_feed *f = &l->made.feed[i];
        nn_real *x = nn_exec_feed(l->exec, f->node);
        int32_t *whole = nn_exec_feed(l->exec, f->node);
        int64_t count = ROWS * nn_shape_row(nn_node_shape(f->node));
        for (int64_t k = 0; k < count; k++) {
            double u = nn_uniform_at(5, (uint32_t)i, 0, (uint32_t)k);
            if (f->kind == NN_FEED_UNIT)
                x[k] = (nn_real)(0.05 + 0.9 * u);
            else if (f->kind == NN_FEED_WHOLE)
                whole[k] = f->low + (int32_t)(u * (f->high - f->low));
            else if (f->kind == NN_FEED_MASK)
                x[k] = u < 0.8;
            else
                x[k] = (nn_real)nn_normal_at(5, (uint32_t)i, 1, (uint32_t)k);
        }
    }
}

static void open_learner(learner *l, const small *s, nn_pool *pool, uint64_t seed)
{
    nn_error error = {NN_OK, ""};
    nn_model_size size = {.sample = s->sample, .classes = s->classes, .slim = s->slim};
    *l = (learner){.model = nn_model_new(seed)};
    l->graph = nn_graph_new(l->model);
    assert_non_null(l->graph);
    if (nn_model_build(l->graph, s->name, size, &l->made, &error) != NN_OK)
        fail_msg("%s: %s", s->name, error.text);
    nn_exec_args args = {.batch = ROWS, .training = true, .seed = 1};
    l->exec = nn_compile(l->graph, l->made.loss, &l->made.output, 1, pool, args, &error);
    if (!l->exec)
        fail_msg("%s: %s", s->name, error.text);
    nn_optimizer_args adam = {.kind = NN_ADAM, .lr = s->rate, .clip_norm = 5};
    l->optimizer = nn_optimizer_new(l->model, adam, &error);
    assert_non_null(l->optimizer);
    feed(l);
}

static void close_learner(learner *l)
{
    nn_optimizer_free(l->optimizer);
    nn_exec_free(l->exec);
    nn_graph_free(l->graph);
    nn_model_free(l->model);
}

static double step(learner *l, nn_pool *pool, double rate)
{
    nn_error error = {NN_OK, ""};
    nn_exec_step(l->exec, nn_optimizer_steps(l->optimizer));
    double loss = nn_forward(l->exec);
    assert_int_equal(nn_backward(l->exec, &error), NN_OK);
    assert_true(nn_optimizer_step(l->optimizer, l->exec, pool, rate).applied);
    return loss;
}

static double learn_by_heart(learner *l, const small *s, nn_pool *pool)
{
    double loss = INFINITY;
    for (int i = 0; i < MOST_STEPS && !(loss < s->floor); i++)
        loss = step(l, pool, s->rate);
    return loss;
}

static void every_network_learns_a_batch_by_heart(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_pool *pool = nn_pool_new(2, &error);
    for (int i = 0; i < nn_architecture_count(); i++) {
        const char *name = nn_architecture_at(i)->name;
        const small *s = NULL;
        for (size_t k = 0; k < sizeof smalls / sizeof *smalls; k++)
            if (strcmp(smalls[k].name, name) == 0)
                s = &smalls[k];
        if (!s)
            fail_msg("network '%s' has no line in the table of tests/test_models.c", name);
        learner l;
        open_learner(&l, s, pool, 3);
        double loss = learn_by_heart(&l, s, pool);
        if (!(loss < s->floor))
            fail_msg("%s: loss %g after %d steps on one batch of %d; expected below %g", name, loss,
                     MOST_STEPS, ROWS, s->floor);
        close_learner(&l);
    }
    nn_pool_free(pool);
}

/* --- to a file and back -------------------------------------------------------------------------
 */

typedef nn_real *(*state_of)(nn_optimizer *, const nn_param *);
static nn_real *values_of(nn_optimizer *optimizer, const nn_param *param)
{
    (void)optimizer;
    return nn_param_data((nn_param *)param);
}
static const struct {
    const char *prefix;
    state_of find;
} parts[] = {{"", values_of}, {"momentum.", nn_optimizer_first}, {"square.", nn_optimizer_second}};

static void save(learner *l, const char *path)
{
    nn_error error = {NN_OK, ""};
    nn_tensors *file = nn_tensors_new();
    assert_non_null(file);
    for (int i = 0; i < nn_model_count(l->model); i++)
        for (int p = 0; p < 3; p++) {
            nn_param *param = nn_model_at(l->model, i);
            nn_real *data =
                nn_param_is_buffer(param) && p ? NULL : parts[p].find(l->optimizer, param);
            char name[2 * NN_NAME_MAX];
            snprintf(name, sizeof name, "%s%s", parts[p].prefix, nn_param_name(param));
            if (data && nn_tensors_add(file, name, nn_param_shape(param), data, &error) != NN_OK)
                fail_msg("%s", error.text);
        }
    if (nn_tensors_write(file, path, &error) != NN_OK)
        fail_msg("%s", error.text);
    nn_tensors_free(file);
}

static void load(learner *l, const char *path)
{
    nn_error error = {NN_OK, ""};
    nn_tensors *file = nn_tensors_read(path, &error);
    if (!file)
        fail_msg("%s", error.text);
    for (int i = 0; i < nn_model_count(l->model); i++)
        for (int p = 0; p < 3; p++) {
            nn_param *param = nn_model_at(l->model, i);
            nn_real *data =
                nn_param_is_buffer(param) && p ? NULL : parts[p].find(l->optimizer, param);
            char name[2 * NN_NAME_MAX];
            snprintf(name, sizeof name, "%s%s", parts[p].prefix, nn_param_name(param));
            if (data && nn_tensors_load(file, name, nn_param_shape(param), data, &error) != NN_OK)
                fail_msg("%s", error.text);
        }
    nn_tensors_free(file);
}

static void assert_same_weights(const char *name, const learner *a, const learner *b)
{
    for (int i = 0; i < nn_model_count(a->model); i++) {
        nn_param *p = nn_model_at(a->model, i), *q = nn_model_at(b->model, i);
        size_t bytes = (size_t)nn_shape_count(nn_param_shape(p)) * sizeof(nn_real);
        if (memcmp(nn_param_values(p), nn_param_values(q), bytes) != 0)
            fail_msg("%s: '%s' differs after going on from the file", name, nn_param_name(p));
    }
}

static void every_network_goes_on_from_its_file(void **state)
{
    (void)state;
    char folder[64], path[128];
    nn_error error = {NN_OK, ""};
    nn_pool *one = nn_pool_new(1, &error), *two = nn_pool_new(2, &error);
    folder_make(folder);
    snprintf(path, sizeof path, "%s/weights.safetensors", folder);
    for (size_t k = 0; k < sizeof smalls / sizeof *smalls; k++) {
        learner first, second;
        open_learner(&first, &smalls[k], two, 3);
        for (int i = 0; i < 2; i++)
            step(&first, two, smalls[k].rate);
        save(&first, path);
        open_learner(&second, &smalls[k], one, 4); /* other weights, one thread */
        load(&second, path);
        nn_optimizer_set_steps(second.optimizer, nn_optimizer_steps(first.optimizer));
        assert_same_weights(smalls[k].name, &first, &second);
        for (int i = 0; i < 2; i++) {
            double here = step(&first, two, smalls[k].rate);
            double there = step(&second, one, smalls[k].rate);
            if (memcmp(&here, &there, sizeof here) != 0)
                fail_msg("%s: loss %.17g, and %.17g from the file", smalls[k].name, here, there);
        }
        assert_same_weights(smalls[k].name, &first, &second);
        close_learner(&first);
        close_learner(&second);
    }
    folder_remove(folder);
    nn_pool_free(one);
    nn_pool_free(two);
}

/* --- measured without memory --------------------------------------------------------------------
 */

static size_t measured_bytes(const char *name, nn_model_size size, nn_exec_args args)
{
    nn_error error = {NN_OK, ""};
    nn_assembly made;
    size_t bytes = 0;
    nn_model *model = nn_model_outline();
    nn_graph *graph = nn_graph_new(model);
    if (nn_model_build(graph, name, size, &made, &error) != NN_OK ||
        nn_plan_bytes(graph, made.loss, &made.output, 1, args, &bytes, &error) != NN_OK)
        fail_msg("%s: %s", name, error.text);
    nn_graph_free(graph);
    nn_model_free(model);
    return bytes;
}

static void a_plan_is_measured_without_its_memory(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_assembly made;
    nn_exec_args args = {.batch = 32, .training = true};
    nn_model_size small_size = {.slim = 4};
    nn_model *model = nn_model_new(1);
    nn_graph *graph = nn_graph_new(model);
    assert_int_equal(nn_model_build(graph, "resnet8", small_size, &made, &error), NN_OK);
    nn_exec *exec = nn_compile(graph, made.loss, &made.output, 1, NULL, args, &error);
    if (!exec)
        fail_msg("%s", error.text);
    assert_int_equal(measured_bytes("resnet8", small_size, args), nn_exec_bytes(exec));
    nn_exec_free(exec);
    nn_graph_free(graph);
    nn_model_free(model);
    args.batch = 1 << 16; /* of photographs: more than machines have */
    assert_true(measured_bytes("vgg16", (nn_model_size){.slim = 1}, args) > (size_t)1 << 40);
}

static void what_cannot_be_planned_cannot_be_measured(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    size_t bytes = 7;
    nn_model *model = nn_model_outline();
    nn_graph *graph = nn_graph_new(model);
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape1(3));
    nn_exec_args args = {.batch = 1};
    assert_int_equal(nn_plan_bytes(NULL, x, NULL, 0, args, &bytes, &error), NN_E_ARG);
    assert_int_equal(nn_plan_bytes(graph, NULL, NULL, 0, args, &bytes, NULL), NN_E_ARG);
    args.most_bytes = 1;
    nn_node *y = nn_mean(graph, nn_relu(graph, x));
    assert_int_equal(nn_plan_bytes(graph, y, NULL, 0, args, &bytes, &error), NN_E_NOMEM);
    assert_non_null(strstr(error.text, "allowed"));
    assert_int_equal(bytes, 7);
    nn_graph_free(graph);
    nn_model_free(model);
}

/* --- names and shapes ---------------------------------------------------------------------------
 */

static void names_may_ask_for_a_slimmer_network(void **state)
{
    (void)state;
    int slim = 0;
    assert_non_null(nn_architecture_find("resnet20", &slim));
    assert_int_equal(slim, 1);
    assert_non_null(nn_architecture_find("resnet20/4", &slim));
    assert_int_equal(slim, 4);
    const char *const wrong[] = {
        "resnet21",    "resnet20/",     "resnet20/0", "resnet20/x", "resnet20/4x",
        "resnet20/-1", "resnet20/9999", "",           "/"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(nn_architecture_find(wrong[i], &slim));
    assert_true(parameters_of("resnet20/4", (nn_model_size){.slim = 1}) <
                parameters_of("resnet20", (nn_model_size){.slim = 1}) / 10);
}

static void an_image_too_small_is_refused_by_name(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_assembly made;
    nn_model *model = nn_model_new(1);
    nn_graph *graph = nn_graph_new(model);
    nn_model_size size = {.sample = {3, {1, 4, 4}}, .classes = 10, .slim = 16};
    assert_int_equal(nn_model_build(graph, "alexnet", size, &made, &error), NN_E_SHAPE);
    assert_non_null(strstr(error.text, "conv1"));
    nn_graph_free(graph);
    nn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_networks_have_their_number_of_parameters),
        cmocka_unit_test(every_network_learns_a_batch_by_heart),
        cmocka_unit_test(every_network_goes_on_from_its_file),
        cmocka_unit_test(a_plan_is_measured_without_its_memory),
        cmocka_unit_test(what_cannot_be_planned_cannot_be_measured),
        cmocka_unit_test(names_may_ask_for_a_slimmer_network),
        cmocka_unit_test(an_image_too_small_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
