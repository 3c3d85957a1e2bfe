/* Plans of whole networks: their memory beside what liveness needs, and what they compute. */
#include "engine/exec.h"
#include "engine/models/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_assembly made;
} network;

static network build(const char *name)
{
    nn_error error = {NN_OK, ""};
    nn_model_size size = {.classes = 0};
    network n = {.model = nn_model_outline()};
    n.graph = nn_graph_new(n.model);
    if (nn_model_build(n.graph, name, size, &n.made, &error) != NN_OK)
        fail_msg("%s: %s", name, error.text);
    return n;
}

static void drop(network *n)
{
    nn_graph_free(n->graph);
    nn_model_free(n->model);
}

static nn_memory memory_of(const char *name, const network *n, nn_exec_args args)
{
    nn_error error = {NN_OK, ""};
    nn_memory memory = {0, 0};
    nn_node *root = args.training ? n->made.loss : n->made.output;
    if (nn_plan_memory(n->graph, root, NULL, 0, args, &memory, &error) != NN_OK)
        fail_msg("%s: %s", name, error.text);
    return memory;
}

static int too_large(const char *name, const network *n, nn_exec_args args)
{
    nn_memory memory = memory_of(name, n, args);
    assert_true(memory.least > 0 && memory.bytes >= memory.least);
    double share = (double)memory.bytes / (double)memory.least;
    if (share <= 1.3)
        return 0;
    print_error("%s, batch %d, %s: %zu bytes, %.2f of the %zu that live at one time\n", name,
                args.batch, args.training ? "training" : "inference", memory.bytes, share,
                memory.least);
    return 1;
}

static void plans_take_little_more_than_what_lives(void **state)
{
    (void)state;
    static const char *const described[] = {"logreg", "mlp", "lenet5"};
    int described_count = sizeof described / sizeof *described, failed = 0;
    for (int i = 0; i < nn_architecture_count() + described_count; i++) {
        const char *name =
            i < described_count ? described[i] : nn_architecture_at(i - described_count)->name;
        network n = build(name);
        for (int batch = 1; batch <= 64; batch *= 8)
            for (int training = 0; training < 2; training++)
                failed += too_large(name, &n, (nn_exec_args){.batch = batch, .training = training});
        drop(&n);
    }
    assert_int_equal(failed, 0);
}

static void a_small_resnet_fits_into_200_megabytes(void **state)
{
    (void)state;
    nn_exec_args args = {.batch = 64, .training = true};
    static const char *const names[] = {"resnet8", "resnet20"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        network n = build(names[i]);
        assert_true(memory_of(names[i], &n, args).bytes < 200000000);
        drop(&n);
    }
}

/* --- operations --------------------------------------------------------------------------------
 */

static const nn_node *first_of(const network *n, const char *op)
{
    for (int i = 0; i < nn_graph_count(n->graph); i++)
        if (strcmp(nn_node_op(nn_graph_at(n->graph, i)), op) == 0)
            return nn_graph_at(n->graph, i);
    fail_msg("no %s", op);
    return NULL;
}

static void products_go_back_to_each_side(void **state)
{
    (void)state;
    network n = build("flatten | dense 5 | relu | dense 10");
    const nn_node *first = NULL;
    for (int i = 0; i < nn_graph_count(n.graph) && !first; i++)
        if (nn_node_multiply_adds(nn_graph_at(n.graph, i)) > 0)
            first = nn_graph_at(n.graph, i);
    assert_non_null(first);
    int64_t forward = nn_node_multiply_adds(first);
    assert_int_equal(forward, 28 * 28 * 5);
    assert_int_equal(nn_node_backward_multiply_adds(first, 0), 0);
    assert_int_equal(nn_node_backward_multiply_adds(first, 1u << 1 | 1u << 2), forward);
    assert_int_equal(nn_node_backward_multiply_adds(first, 1u << 0 | 1u << 1), 2 * forward);
    drop(&n);
}

static void states_and_heads_count_what_they_hide(void **state)
{
    (void)state;
    network n = build("lstm");
    const nn_node *lstm = first_of(&n, "lstm");
    nn_shape x = nn_node_shape(nn_node_input(lstm, 0)), r = nn_node_shape(nn_node_input(lstm, 2));
    int64_t steps = x.dim[1], features = x.dim[2];
    int64_t units = r.dim[r.rank - 1] < r.dim[r.rank - 2] ? r.dim[r.rank - 1] : r.dim[r.rank - 2];
    int64_t by_input = steps * 4 * units * features, by_state = steps * 4 * units * units;
    assert_int_equal(nn_node_multiply_adds(lstm), by_input + by_state);
    assert_int_equal(nn_node_backward_multiply_adds(lstm, 0), 0);
    assert_int_equal(nn_node_backward_multiply_adds(lstm, 6), by_input + 2 * by_state);
    assert_int_equal(nn_node_backward_multiply_adds(lstm, 7), 2 * (by_input + by_state));
    drop(&n);
    n = build("gpt-tiny"); /* queries, keys and values are one input */
    const nn_node *heads = first_of(&n, "attention");
    assert_int_equal(nn_node_backward_multiply_adds(heads, 1), 2 * nn_node_multiply_adds(heads));
    drop(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_take_little_more_than_what_lives),
        cmocka_unit_test(a_small_resnet_fits_into_200_megabytes),
        cmocka_unit_test(products_go_back_to_each_side),
        cmocka_unit_test(states_and_heads_count_what_they_hide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
