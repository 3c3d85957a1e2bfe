/* What networks with attention promise: nobody sees the future or padding, dropout can be repeated
 * and is off where nothing is learned, and what does not fit is refused by name. */
#include "engine/exec.h"
#include "engine/models/catalogue.h"
#include "engine/rng.h"
#include "engine/transformer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 2, STEPS = 6, WORDS = 11, SCORES = STEPS * WORDS };

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_assembly made;
    nn_exec *exec;
    double loss;
    nn_real score[ROWS * SCORES];
} network;

static int32_t *input(network *n, const char *name)
{
    for (int i = 0; i < n->made.feeds; i++)
        if (strcmp(nn_node_name(n->made.feed[i].node), name) == 0)
            return nn_exec_feed(n->exec, n->made.feed[i].node);
    fail_msg("no input '%s'", name);
    return NULL;
}

/* The same tokens for all; whole lengths. */
static network *open_network(const char *name, double dropout, bool training)
{
    nn_error error = {NN_OK, ""};
    network *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->model = nn_model_new(3);
    n->graph = nn_graph_new(n->model);
    nn_model_size size = {.sample = {1, {STEPS}}, .classes = WORDS, .dropout = dropout};
    if (nn_model_build(n->graph, name, size, &n->made, &error) != NN_OK)
        fail_msg("%s: %s", name, error.text);
    nn_exec_args args = {.batch = ROWS, .training = training, .seed = 1};
    n->exec = nn_compile(n->graph, n->made.loss, &n->made.output, 1, NULL, args, &error);
    if (!n->exec)
        fail_msg("%s: %s", name, error.text);
    for (int i = 0; i < n->made.feeds; i++) {
        const nn_feed *f = &n->made.feed[i];
        int32_t *whole = nn_exec_feed(n->exec, f->node);
        int64_t count = ROWS * nn_shape_row(nn_node_shape(f->node));
        for (int64_t k = 0; k < count; k++)
            whole[k] = count == ROWS
                           ? STEPS
                           : (int32_t)(nn_uniform_at(5, (uint32_t)i, 0, (uint32_t)k) * f->high);
    }
    assert_int_equal(nn_exec_rows(n->exec, ROWS, &error), NN_OK);
    return n;
}

static void close_network(network *n)
{
    nn_exec_free(n->exec);
    nn_graph_free(n->graph);
    nn_model_free(n->model);
    free(n);
}

static void run(network *n, uint64_t step)
{
    nn_exec_step(n->exec, step);
    n->loss = nn_forward(n->exec);
    memcpy(n->score, nn_value(n->exec, n->made.output).data, sizeof n->score);
}

/* How many of the scores before place `end` of the first example differ; those behind in *behind.
 */
static int changed(const network *n, const nn_real *before, int end, int *behind)
{
    int count[2] = {0, 0};
    for (int i = 0; i < SCORES; i++)
        count[i / WORDS >= end] += memcmp(&n->score[i], &before[i], sizeof *before) != 0;
    *behind = count[1];
    return count[0];
}

/* --- who sees what ------------------------------------------------------------------------------
 */

static void nobody_sees_the_future(void **state)
{
    static const char *const name[][2] = {{"gpt-small/8", "tokens"},
                                          {"transformer/32", "target"},
                                          {"seq2seq/8", "target"},
                                          {"seq2seq-attention/8", "target"}};
    (void)state;
    for (int i = 0; i < 4; i++) {
        network *n = open_network(name[i][0], 0, false);
        nn_real before[ROWS * SCORES];
        int behind = 0;
        run(n, 0);
        memcpy(before, n->score, sizeof before);
        int32_t *token = input(n, name[i][1]) + 3;
        *token = (*token + 1) % WORDS;
        run(n, 0);
        if (changed(n, before, 3, &behind) != 0)
            fail_msg("%s: scores before the token depend on it", name[i][0]);
        assert_true(behind > (STEPS - 3) * WORDS / 2);
        close_network(n);
    }
}

static void nobody_sees_padding(void **state)
{
    static const char *const name[][2] = {{"bert-small/32", "tokens"},
                                          {"transformer/32", "source"},
                                          {"seq2seq/8", "source"},
                                          {"seq2seq-attention/8", "source"}};
    (void)state;
    for (int i = 0; i < 4; i++) {
        network *n = open_network(name[i][0], 0, false);
        nn_real before[ROWS * SCORES];
        int behind = 0, end = i == 0 ? 4 : STEPS; /* BERT's padding itself changes */
        input(n, "lengths")[0] = 4;
        run(n, 0);
        memcpy(before, n->score, sizeof before);
        int32_t *token = input(n, name[i][1]);
        token[4] = (token[4] + 1) % WORDS;
        run(n, 0);
        if (changed(n, before, end, &behind) != 0)
            fail_msg("%s: scores depend on padding", name[i][0]);
        token[3] = (token[3] + 1) % WORDS;
        run(n, 0);
        assert_true(changed(n, before, end, &behind) > end * WORDS / 2);
        close_network(n);
    }
}

static void places_matter(void **state)
{
    static const char *const name[][2] = {
        {"gpt-small/8", "tokens"}, {"bert-small/32", "tokens"}, {"transformer/32", "source"}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        network *n = open_network(name[i][0], 0, false);
        nn_real before[ROWS * SCORES];
        int behind = 0;
        int32_t *token = input(n, name[i][1]);
        token[0] = 1;
        token[1] = 2;
        run(n, 0);
        memcpy(before, n->score, sizeof before);
        token[0] = 2;
        token[1] = 1;
        run(n, 0);
        changed(n, before, STEPS - 1, &behind);
        assert_true(behind > WORDS / 2); /* the last place tells their order */
        close_network(n);
    }
}

/* --- dropout ------------------------------------------------------------------------------------
 */

static void dropout_is_repeated_by_its_step(void **state)
{
    static const char *const name[] = {"gpt-small/8", "bert-small/32", "transformer/32"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        network *a = open_network(name[i], 0.3, true), *b = open_network(name[i], 0.3, true);
        int behind = 0;
        run(a, 5);
        run(b, 4);
        assert_true(changed(a, b->score, STEPS, &behind) > SCORES / 2);
        run(b, 5);
        assert_memory_equal(a->score, b->score, sizeof a->score);
        close_network(a);
        close_network(b);
    }
}

static void dropout_is_off_where_nothing_is_learned(void **state)
{
    static const char *const name[] = {"gpt-small/8", "bert-small/32", "transformer/32"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        network *with = open_network(name[i], 0.5, false),
                *without = open_network(name[i], 0, false);
        run(with, 5);
        run(without, 6);
        for (int k = 0; k < ROWS * SCORES; k++) /* one operator or two: rounding differs */
            assert_true(fabs((double)(with->score[k] - without->score[k])) < 1e-4);
        close_network(with);
        close_network(without);
    }
}

/* --- losses -------------------------------------------------------------------------------------
 */

static double cross_entropy(const nn_real *score, int32_t label)
{
    double sum = 0;
    for (int i = 0; i < WORDS; i++)
        sum += exp((double)score[i]);
    return log(sum) - (double)score[label];
}

static void labels_of_padding_do_not_count(void **state)
{
    static const char *const name[] = {"bert-small/32", "transformer/32", "seq2seq/8"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        network *n = open_network(name[i], 0, false);
        int32_t *label = input(n, "labels");
        label[2] = label[STEPS] = label[STEPS + 1] = -100;
        run(n, 0);
        double sum = 0, counted = 0;
        for (int k = 0; k < ROWS * STEPS; k++)
            if (label[k] >= 0) {
                sum += cross_entropy(n->score + (ptrdiff_t)k * WORDS, label[k]);
                counted++;
            }
        assert_true(counted == ROWS * STEPS - 3);
        assert_true(fabs(n->loss - sum / counted) < 1e-5 * (1 + sum / counted));
        close_network(n);
    }
}

/* --- what does not fit --------------------------------------------------------------------------
 */

static void assert_refused(const char *name, nn_shape sample, const char *word)
{
    nn_error error = {NN_OK, ""};
    nn_assembly made;
    nn_model *model = nn_model_outline();
    nn_graph *graph = nn_graph_new(model);
    nn_model_size size = {.sample = sample};
    assert_int_not_equal(nn_model_build(graph, name, size, &made, &error), NN_OK);
    if (!strstr(error.text, word))
        fail_msg("%s: '%s' does not speak of %s", name, error.text, word);
    nn_graph_free(graph);
    nn_model_free(model);
}

static void what_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    assert_refused("bert-small", nn_shape1(513), "positions");
    assert_refused("seq2seq-attention", nn_shape1(257), "256");
    assert_refused("gpt-small", nn_shape3(1, 28, 28), "steps");
    assert_refused("transformer", nn_shape2(4, 4), "steps");
    assert_refused("seq2seq", nn_shape2(4, 4), "encoder");
}

static void heads_must_divide_the_width(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_model *model = nn_model_outline();
    nn_graph *graph = nn_graph_new(model);
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape2(3, 8));
    assert_null(nn_encoder_block(graph, "b", x, NULL, NULL, (nn_transformer_args){.heads = 3}));
    assert_int_equal(nn_graph_error(graph, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "b.attention"));
    nn_graph_free(graph);
    nn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_sees_the_future),
        cmocka_unit_test(nobody_sees_padding),
        cmocka_unit_test(places_matter),
        cmocka_unit_test(dropout_is_repeated_by_its_step),
        cmocka_unit_test(dropout_is_off_where_nothing_is_learned),
        cmocka_unit_test(labels_of_padding_do_not_count),
        cmocka_unit_test(what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(heads_must_divide_the_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
