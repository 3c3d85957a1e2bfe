/* Weights go to PyTorch and back: it reads the file that we wrote and computes the same outputs; we
 * read the file that it wrote and compute the same outputs. Skipped, visibly, where Debian's
 * python3-torch is not installed. */
#include "engine/exec.h"
#include "engine/models/catalogue.h"
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

enum { ROWS = 3 };

static bool has_torch;

static int look_for_torch(void **state)
{
    (void)state;
    has_torch = system("/usr/bin/python3 -c 'import torch' 2> /dev/null") == 0;
    if (!has_torch)
        print_message("no python3-torch here: apt install python3-torch\n");
    return 0;
}

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_assembly made;
    nn_pool *pool;
    nn_exec *exec;
    nn_real *x;     /* what it was fed, tokens too */
    int64_t scores; /* numbers of the output */
} network;

/* Numbers of any kind, or tokens. */
static void feed(network *n)
{
    const nn_feed *first = &n->made.feed[0];
    int64_t count = ROWS * nn_shape_row(nn_node_shape(first->node));
    int32_t *tokens = nn_exec_feed(n->exec, first->node);
    n->x = malloc((size_t)count * sizeof *n->x);
    assert_non_null(n->x);
    for (int64_t k = 0; k < count; k++) {
        int32_t token = (int32_t)(first->high * nn_uniform_at(5, 1, 0, (uint32_t)k));
        n->x[k] = first->kind == NN_FEED_WHOLE ? (nn_real)token
                                               : (nn_real)nn_normal_at(5, 1, 0, (uint32_t)k);
        if (first->kind == NN_FEED_WHOLE)
            tokens[k] = token;
    }
    if (first->kind != NN_FEED_WHOLE)
        memcpy(tokens, n->x, (size_t)count * sizeof *n->x);
}

/* Random weights, running statistics that are not the start's, an input. */
static void open_network(network *n, const char *name)
{
    nn_error error = {NN_OK, ""};
    *n = (network){.model = nn_model_new(7), .pool = nn_pool_new(1, &error)};
    n->graph = nn_graph_new(n->model);
    assert_non_null(n->graph);
    if (nn_model_build(n->graph, name, (nn_model_size){0}, &n->made, &error))
        fail_msg("%s: %s", name, error.text);
    for (int i = 0; i < nn_model_count(n->model); i++) {
        nn_param *param = nn_model_at(n->model, i);
        int64_t count = nn_shape_count(nn_param_shape(param));
        if (nn_shape_count(nn_param_shape(param)) > 1 && nn_param_shape(param).rank == 1)
            for (int64_t k = 0; k < count; k++)
                nn_param_data(param)[k] =
                    (nn_real)(0.5 + nn_uniform_at(3, (uint32_t)i, 0, (uint32_t)k));
    }
    nn_exec_args args = {.batch = ROWS};
    n->exec = nn_compile(n->graph, n->made.output, NULL, 0, n->pool, args, &error);
    if (!n->exec)
        fail_msg("%s: %s", name, error.text);
    n->scores = ROWS * nn_shape_row(nn_node_shape(n->made.output));
    feed(n);
    assert_int_equal(nn_exec_rows(n->exec, ROWS, &error), NN_OK);
}

static void close_network(network *n)
{
    free(n->x);
    nn_exec_free(n->exec);
    nn_pool_free(n->pool);
    nn_graph_free(n->graph);
    nn_model_free(n->model);
}

static void write_network(const network *n, const char *path)
{
    nn_error error = {NN_OK, ""};
    nn_tensors *file = nn_tensors_new();
    nn_shape shape = nn_node_shape(n->made.feed[0].node);
    shape.dim[0] = ROWS;
    nn_tensors_add(file, "x", shape, n->x, &error);
    for (int i = 0; i < nn_model_count(n->model); i++) {
        nn_param *param = nn_model_at(n->model, i);
        if (nn_tensors_add(file, nn_param_name(param), nn_param_shape(param),
                           nn_param_values(param), &error))
            fail_msg("%s", error.text);
    }
    if (nn_tensors_write(file, path, &error))
        fail_msg("%s", error.text);
    nn_tensors_free(file);
}

/* Tensor `what` of the file must be what the network gives now. */
static void assert_output(const network *n, const char *name, const nn_tensors *file,
                          const char *what)
{
    nn_error error = {NN_OK, ""};
    nn_shape shape = nn_node_shape(n->made.output);
    nn_real *expected = malloc((size_t)n->scores * sizeof *expected);
    assert_non_null(expected);
    shape.dim[0] = ROWS;
    if (nn_tensors_load(file, what, shape, expected, &error))
        fail_msg("%s", error.text);
    nn_forward(n->exec);
    const nn_real *y = nn_value(n->exec, n->made.output).data;
    for (int64_t i = 0; i < n->scores; i++)
        if (!(fabs((double)y[i] - (double)expected[i]) <= 2e-5 * (1 + fabs((double)expected[i]))))
            fail_msg("%s: output %s[%lld] = %.9g here and %.9g in PyTorch", name, what,
                     (long long)i, (double)y[i], (double)expected[i]);
    free(expected);
}

static void exchange(const char *name)
{
    char folder[64], in[128], out[128], command[512];
    nn_error error = {NN_OK, ""};
    network n;
    if (!has_torch)
        skip();
    folder_make(folder);
    snprintf(in, sizeof in, "%s/ours.safetensors", folder);
    snprintf(out, sizeof out, "%s/theirs.safetensors", folder);
    open_network(&n, name);
    write_network(&n, in);
    snprintf(command, sizeof command, "/usr/bin/python3 tests/torch_exchange.py %s %s %s", name, in,
             out);
    assert_int_equal(system(command), 0);
    nn_tensors *file = nn_tensors_read(out, &error);
    if (!file)
        fail_msg("%s", error.text);
    assert_output(&n, name, file, "y");
    for (int i = 0; i < nn_model_count(n.model); i++) {
        nn_param *param = nn_model_at(n.model, i);
        if (nn_tensors_load(file, nn_param_name(param), nn_param_shape(param), nn_param_data(param),
                            &error))
            fail_msg("%s", error.text);
    }
    assert_output(&n, name, file, "z");
    nn_tensors_free(file);
    close_network(&n);
    folder_remove(folder);
}

static void lenet5_goes_to_torch_and_back(void **state)
{
    (void)state;
    exchange("lenet5");
}

static void resnet8_goes_to_torch_and_back(void **state)
{
    (void)state;
    exchange("resnet8");
}

static void lstm_goes_to_torch_and_back(void **state)
{
    (void)state;
    exchange("lstm");
}

static void gpt_goes_to_torch_and_back(void **state)
{
    (void)state;
    exchange("gpt-small");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lenet5_goes_to_torch_and_back),
        cmocka_unit_test(resnet8_goes_to_torch_and_back),
        cmocka_unit_test(lstm_goes_to_torch_and_back),
        cmocka_unit_test(gpt_goes_to_torch_and_back),
    };
    return cmocka_run_group_tests(tests, look_for_torch, NULL);
}
