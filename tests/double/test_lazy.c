/* Lazy optimisers against their formulas written out plainly, in double: rows of a table that a
 * batch does not name keep weights and moments; the others step as ever. */
#include "engine/losses.h"
#include "engine/optimizer.h"
#include "engine/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 12, WIDTH = 3, NUMBERS = WORDS * WIDTH, BATCH = 2, DRAWN = 3, STEPS = 30 };

typedef struct {
    double weight[NUMBERS], first[NUMBERS], second[NUMBERS];
} table;

/* Kingma and Ba 2015, algorithm 1, for the rows named; the correction counts all steps, as
 * PyTorch's SparseAdam does. Decay (AdamW) of those rows. */
static void plain_adam(table *t, const double *gradient, const bool *named, int step, double lr,
                       double decay)
{
    for (int i = 0; i < NUMBERS; i++) {
        if (!named[i / WIDTH])
            continue;
        t->first[i] = 0.9 * t->first[i] + 0.1 * gradient[i];
        t->second[i] = 0.999 * t->second[i] + 0.001 * gradient[i] * gradient[i];
        double v = t->first[i] / (1 - pow(0.9, step)), s = t->second[i] / (1 - pow(0.999, step));
        t->weight[i] -= lr * v / (sqrt(s) + 1e-8) + lr * decay * t->weight[i];
    }
}

static void plain_momentum(table *t, const double *gradient, const bool *named, double lr)
{
    for (int i = 0; i < NUMBERS; i++) {
        if (!named[i / WIDTH])
            continue;
        t->first[i] = 0.9 * t->first[i] + 0.1 * gradient[i];
        t->weight[i] -= lr * t->first[i];
    }
}

/* d/d out_w of -log sigmoid(out_t . in_c) - sum log sigmoid(-out_k . in_c), mean over the batch. */
static void plain_gradient(const double *in, const double *out, const int32_t *centre,
                           const int32_t *word, double *din, double *dout)
{
    memset(din, 0, NUMBERS * sizeof *din);
    memset(dout, 0, NUMBERS * sizeof *dout);
    for (int r = 0; r < BATCH; r++)
        for (int k = 0; k < DRAWN; k++) {
            int c = centre[r] * WIDTH, w = word[r * DRAWN + k] * WIDTH;
            double dot = 0;
            for (int i = 0; i < WIDTH; i++)
                dot += in[c + i] * out[w + i];
            double slope = (1 / (1 + exp(-dot)) - (k == 0)) / BATCH;
            for (int i = 0; i < WIDTH; i++) {
                din[c + i] += slope * out[w + i];
                dout[w + i] += slope * in[c + i];
            }
        }
}

static void draw(int step, int32_t *centre, int32_t *word)
{
    for (int i = 0; i < BATCH; i++)
        centre[i] = (int32_t)(WORDS * nn_uniform_at(1, 0, (uint64_t)step, (uint32_t)i));
    for (int i = 0; i < BATCH * DRAWN; i++)
        word[i] = (int32_t)(WORDS * nn_uniform_at(1, 1, (uint64_t)step, (uint32_t)i));
}

static void close_to(const double *got, const double *expected, const char *what)
{
    for (int i = 0; i < NUMBERS; i++)
        if (!(fabs(got[i] - expected[i]) <= 1e-12))
            fail_msg("%s[%d]: %.17g, expected %.17g", what, i, got[i], expected[i]);
}

static void compare(nn_optimizer_args how)
{
    nn_error error = {0};
    nn_model *model = nn_model_new(4);
    nn_graph *graph = nn_graph_new(model);
    nn_shape shape = nn_shape2(WORDS, WIDTH);
    nn_param *param[] = {nn_model_param(model, "in", shape, NN_INIT_NORMAL, 0.5, &error),
                         nn_model_param(model, "out", shape, NN_INIT_NORMAL, 0.5, &error)};
    nn_node *centre = nn_input(graph, "centre", NN_I32, nn_shape_of(0, NULL));
    nn_node *word = nn_input(graph, "word", NN_I32, nn_shape1(DRAWN));
    nn_node *loss =
        nn_negative_sampling(graph, nn_use(graph, param[0]), nn_use(graph, param[1]), centre, word);
    nn_exec *exec = nn_compile(graph, nn_mean(graph, loss), NULL, 0, NULL,
                               (nn_exec_args){.batch = BATCH, .training = true}, &error);
    nn_optimizer *optimizer = exec ? nn_optimizer_new(model, how, &error) : NULL;
    if (!optimizer)
        fail_msg("%s", error.text);
    table plain[2] = {0};
    for (int p = 0; p < 2; p++)
        memcpy(plain[p].weight, nn_param_values(param[p]), sizeof plain[p].weight);
    for (int step = 1; step <= STEPS; step++) {
        int32_t *c = nn_exec_feed(exec, centre), *w = nn_exec_feed(exec, word);
        double gradient[2][NUMBERS];
        bool named[2][WORDS] = {{false}};
        draw(step, c, w);
        plain_gradient(plain[0].weight, plain[1].weight, c, w, gradient[0], gradient[1]);
        for (int i = 0; i < BATCH; i++)
            named[0][c[i]] = true;
        for (int i = 0; i < BATCH * DRAWN; i++)
            named[1][w[i]] = true;
        nn_exec_rows(exec, BATCH, &error);
        nn_forward(exec);
        nn_backward(exec, &error);
        assert_true(nn_optimizer_step(optimizer, exec, NULL, how.lr).applied);
        for (int p = 0; p < 2; p++) {
            if (how.kind == NN_MOMENTUM)
                plain_momentum(&plain[p], gradient[p], named[p], how.lr);
            else
                plain_adam(&plain[p], gradient[p], named[p], step, how.lr, how.l2);
            close_to(nn_param_values(param[p]), plain[p].weight, nn_param_name(param[p]));
        }
    }
    nn_optimizer_free(optimizer);
    nn_exec_free(exec);
    nn_graph_free(graph);
    nn_model_free(model);
}

static void test_lazy_formulas(void **state)
{
    (void)state;
    compare((nn_optimizer_args){.kind = NN_ADAM, .lr = 0.05, .lazy = true});
    compare((nn_optimizer_args){.kind = NN_ADAMW, .lr = 0.05, .l2 = 0.1, .lazy = true});
    compare((nn_optimizer_args){.kind = NN_MOMENTUM, .lr = 0.5, .lazy = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lazy_formulas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
