/* What the table of cases does not reach: extreme numbers, bad labels, random masks, running
 * statistics, and the words of refusals. */
#include "tests/op_run.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const op_case logits3 = {
    .op = "softmax_cross_entropy",
    .what = "3 classes",
    .rows = 4,
    .input = {X(3), LABELS(3)},
};
static const op_case logit1 = {
    .op = "sigmoid_cross_entropy",
    .what = "logits",
    .rows = 4,
    .input = {X(1), LABELS(2)},
};

static void huge_logits_stay_finite(void **state)
{
    (void)state;
    const nn_real z[12] = {1e38f,  -1e38f, 0,      3e38f, 3e38f, 3e38f,
                           -3e38f, -3e38f, -3e38f, 1000,  0,     1};
    const int32_t label[4] = {0, 2, 1, 1};
    const double expected[4] = {0, log(3), log(3), 1000};
    op_run run;
    op_run_new(&run, &logits3, 1);
    memcpy(run.value[0], z, sizeof z);
    memcpy(run.value[1], label, sizeof label);
    op_run_forward(&run);
    op_run_backward(&run);
    for (int r = 0; r < 4; r++)
        assert_true(fabs((double)run.out[r] - expected[r]) < 1e-5 * (1 + expected[r]));
    for (int k = 0; k < 12; k++)
        assert_true(isfinite(run.gradient[0][k]));
    op_run_free(&run);

    const nn_real single[4] = {3e38f, 3e38f, -3e38f, 100};
    const int32_t side[4] = {1, 0, 0, 0};
    op_run_new(&run, &logit1, 1);
    memcpy(run.value[0], single, sizeof single);
    memcpy(run.value[1], side, sizeof side);
    op_run_forward(&run);
    op_run_backward(&run);
    assert_true(run.out[0] == 0 && run.out[1] == 3e38f && run.out[2] == 0 && run.out[3] == 100);
    assert_true(run.gradient[0][0] == 0 && run.gradient[0][1] == run.grad_out[1]);
    op_run_free(&run);
}

static void bad_labels_spoil_their_row_alone(void **state)
{
    (void)state;
    const int32_t labels[4] = {0, 3, -1, 2};
    op_run run;
    op_run_new(&run, &logits3, 1);
    memcpy(run.value[1], labels, sizeof labels);
    op_run_forward(&run);
    op_run_backward(&run);
    for (int r = 0; r < 4; r++) {
        bool bad = r == 1 || r == 2;
        assert_int_equal(isnan(run.out[r]) != 0, bad);
        for (int k = 0; k < 3; k++)
            assert_int_equal(isnan(run.gradient[0][3 * r + k]) != 0, bad);
    }
    op_run_free(&run);

    const int32_t sides[4] = {0, 2, -1, 1};
    op_run_new(&run, &logit1, 1);
    memcpy(run.value[1], sides, sizeof sides);
    op_run_forward(&run);
    op_run_backward(&run);
    for (int r = 0; r < 4; r++) {
        assert_int_equal(isnan(run.out[r]) != 0, r == 1 || r == 2);
        assert_int_equal(isnan(run.gradient[0][r]) != 0, r == 1 || r == 2);
    }
    op_run_free(&run);
}

static void kinks_follow_the_convention(void **state)
{
    (void)state;
    const op_case relu = {.op = "relu", .what = "0", .rows = 1, .input = {X(3)}};
    op_case leaky = relu;
    leaky.op = "leaky_relu";
    op_draw(&leaky, &(double){0.25}, sizeof(double));
    const nn_real x[3] = {0, -0.0f, 2};
    const op_case *const both[2] = {&relu, &leaky};
    for (int i = 0; i < 2; i++) {
        op_run run;
        op_run_new(&run, both[i], 1);
        memcpy(run.value[0], x, sizeof x);
        for (int k = 0; k < 3; k++)
            run.grad_out[k] = 1;
        op_run_forward(&run);
        op_run_backward(&run);
        assert_true(run.out[0] == 0 && run.out[1] == 0 && run.out[2] == 2);
        for (int k = 0; k < 2; k++)
            assert_true(run.gradient[0][k] == (i == 0 ? 0 : 0.25f));
        assert_true(run.gradient[0][2] == 1);
        op_run_free(&run);
    }
}

/* --- dropout ------------------------------------------------------------------------------------
 */

static const op_case drop = {
    .op = "dropout",
    .what = "statistics",
    .rows = 100,
    .input = {X(500)},
    .args = &(const double){0.3},
    .args_size = sizeof(double),
};

static int dropped(op_run *run)
{
    int zeros = 0;
    op_run_forward(run);
    for (int64_t k = 0; k < run->out_count; k++)
        zeros += run->out[k] == 0;
    return zeros;
}

static void dropout_drops_its_share(void **state)
{
    (void)state;
    op_run run;
    op_run_new(&run, &drop, 1);
    int zeros = dropped(&run); /* 50,000 draws: one standard deviation is 102 */
    assert_in_range(zeros, 15000 - 600, 15000 + 600);
    const nn_real *x = run.value[0];
    double scale = 1 / 0.7;
    for (int64_t k = 0; k < run.out_count; k++)
        assert_true(run.out[k] == 0 || fabs((double)run.out[k] - scale * (double)x[k]) < 1e-5);
    op_run_backward(&run); /* the same mask */
    for (int64_t k = 0; k < run.out_count; k++)
        assert_int_equal(run.out[k] == 0, run.gradient[0][k] == 0);

    nn_real first = 0;
    int changed = 0;
    uint64_t step = run.step;
    for (int64_t k = 0; k < run.out_count; k++)
        first += run.out[k];
    run.step = step + 1;
    dropped(&run);
    nn_real second = 0;
    for (int64_t k = 0; k < run.out_count; k++)
        second += run.out[k];
    changed = first != second;
    assert_true(changed); /* another step, another mask */
    run.step = step;
    assert_int_equal(dropped(&run), zeros); /* and back */
    op_run_free(&run);
}

static void dropout_reads_the_live_rate(void **state)
{
    (void)state;
    op_run run;
    op_run_new(&run, &drop, 1);
    run.dropout = 0.8;
    assert_in_range(dropped(&run), 40000 - 600, 40000 + 600);
    run.dropout = 0;
    assert_int_equal(dropped(&run), 0);
    run.dropout = 0.8;
    run.training = false;
    assert_int_equal(dropped(&run), 0);
    assert_memory_equal(run.out, run.value[0], (size_t)run.out_count * sizeof(nn_real));
    op_run_free(&run);
}

/* --- batch norm ---------------------------------------------------------------------------------
 */

static const op_case norm = {
    .op = "batch_norm",
    .what = "running",
    .rows = 4,
    .input = {X(1), P(1), P(1), P(1), POSITIVE(1)},
    .args = &(const nn_batch_norm_args){.epsilon = 1e-5, .momentum = 0.75},
    .args_size = sizeof(nn_batch_norm_args),
};

static void running_statistics_move_once(void **state)
{
    (void)state;
    const nn_real x[4] = {1, 2, 3, 6}; /* mean 3, M2 14 */
    op_run run;
    op_run_new(&run, &norm, 1);
    op_run_cut(&run, 3, (int64_t[]){0, 1, 1, 4});
    memcpy(run.value[0], x, sizeof x);
    nn_real *mean = run.value[3], *variance = run.value[4];
    *mean = 1;
    *variance = 2;
    op_run_forward(&run);
    op_run_backward(&run);
    assert_true(fabs((double)*mean - (0.75 + 0.25 * 3)) < 1e-6);
    assert_true(fabs((double)*variance - (0.75 * 2 + 0.25 * 14 / 3)) < 1e-6);
    run.training = false;
    op_run_forward(&run);
    assert_true(fabs((double)*mean - 1.5) < 1e-6);
    op_run_free(&run);
}

static void large_means_do_not_spoil_the_variance(void **state)
{
    (void)state;
    const nn_real x[4] = {100001, 100003, 100001, 100003};
    op_run run;
    op_run_new(&run, &norm, 1);
    op_run_cut(&run, 2, (int64_t[]){0, 1, 4});
    memcpy(run.value[0], x, sizeof x);
    *(nn_real *)run.value[1] = 1;
    *(nn_real *)run.value[2] = 0;
    op_run_forward(&run);
    for (int k = 0; k < 4; k++)
        assert_true(fabs((double)run.out[k] - (k % 2 ? 1 : -1)) < 1e-4);
    op_run_free(&run);
}

static void one_value_leaves_the_running_variance(void **state)
{
    (void)state;
    op_case single = norm;
    single.rows = 1;
    op_run run;
    op_run_new(&run, &single, 1);
    nn_real *variance = run.value[4];
    *variance = 2;
    op_run_forward(&run);
    op_run_backward(&run);
    assert_true(*variance == 2);
    assert_true(run.out[0] == *(nn_real *)run.value[2]); /* the shift alone */
    assert_true(run.gradient[0][0] == 0);
    op_run_free(&run);
}

/* --- refusals -----------------------------------------------------------------------------------
 */

typedef struct {
    nn_model *model;
    nn_graph *graph;
} bench;

static bench bench_new(void)
{
    bench b = {nn_model_new(1), NULL};
    b.graph = nn_graph_new(b.model);
    assert_non_null(b.graph);
    return b;
}

static void bench_expect(bench *b, const nn_node *node, const char *words)
{
    nn_error error;
    assert_null(node);
    assert_true(nn_graph_error(b->graph, &error) != NN_OK);
    if (!strstr(error.text, words))
        fail_msg("'%s' does not say '%s'", error.text, words);
    nn_graph_free(b->graph);
    nn_model_free(b->model);
    *b = bench_new();
}

static nn_node *image(bench *b, int64_t channels, int64_t height, int64_t width)
{
    return nn_input(b->graph, "x", NN_F, nn_shape3(channels, height, width));
}

static nn_node *param(bench *b, const char *name, nn_shape shape)
{
    return nn_use(b->graph, nn_model_param(b->model, name, shape, NN_INIT_ZEROS, 1, NULL));
}

static nn_node *conv(bench *b, nn_node *x, nn_shape kernel, nn_conv_args args)
{
    return nn_conv2d(nn_named(b->graph, "c2"), x, param(b, "w", kernel), NULL, args);
}

static void convolutions_say_what_would_fit(void **state)
{
    (void)state;
    bench b = bench_new();
    const nn_conv_args plain = {0};
    bench_expect(&b, conv(&b, image(&b, 1, 3, 3), nn_shape4(2, 1, 5, 5), plain),
                 "conv2d 'c2': 5x5 kernel on a 3x3 input; pad it or use a smaller kernel");
    bench_expect(&b, conv(&b, image(&b, 2, 9, 9), nn_shape4(2, 1, 3, 3), plain),
                 "takes 1 channels, but the input has 2");
    bench_expect(&b,
                 conv(&b, image(&b, 3, 9, 9), nn_shape4(2, 1, 3, 3), (nn_conv_args){.groups = 2}),
                 "2 groups do not divide 3 channels");
    bench_expect(&b,
                 conv(&b, image(&b, 1, 9, 9), nn_shape4(2, 1, 3, 3), (nn_conv_args){.pad = {-1}}),
                 "padding -1");
    bench_expect(
        &b, conv(&b, image(&b, 1, 9, 9), nn_shape4(2, 1, 3, 3), (nn_conv_args){.stride = {-2, 1}}),
        "stride -2x1");
    bench_expect(
        &b, conv(&b, image(&b, 1, 4, 4), nn_shape4(2, 1, 3, 3), (nn_conv_args){.dilation = {2, 2}}),
        "3x3 dilated kernel on a 4x4 input");
    nn_node *flat = nn_input(b.graph, "x", NN_F, nn_shape1(9));
    bench_expect(&b, conv(&b, flat, nn_shape4(2, 1, 3, 3), plain), "3 dimensions are needed");
    bench_expect(&b, conv(&b, image(&b, 1, 1 << 19, 1 << 19), nn_shape4(1, 1, 64, 64), plain),
                 "too large");
    nn_graph_free(b.graph);
    nn_model_free(b.model);
}

static void others_say_what_would_fit(void **state)
{
    (void)state;
    bench b = bench_new();
    nn_graph *g = b.graph;
    bench_expect(&b, nn_linear(g, image(&b, 1, 3, 3), param(&b, "w", nn_shape2(4, 9)), NULL),
                 "flatten it first");
    g = b.graph;
    bench_expect(
        &b, nn_linear(g, nn_flatten(g, image(&b, 1, 3, 3)), param(&b, "w", nn_shape2(4, 8)), NULL),
        "expected (units)x9");
    g = b.graph;
    bench_expect(&b,
                 nn_linear(g, nn_flatten(g, image(&b, 1, 3, 3)), param(&b, "w", nn_shape2(4, 9)),
                           param(&b, "b", nn_shape1(5))),
                 "bias 'b' is 5, expected a parameter of shape 4");
    g = b.graph;
    bench_expect(&b, nn_add(g, image(&b, 1, 3, 3), nn_input(g, "y", NN_F, nn_shape1(9))),
                 "both must be the same");
    g = b.graph;
    bench_expect(&b, nn_dropout(g, image(&b, 1, 3, 3), 1), "rate 1");
    g = b.graph;
    bench_expect(&b, nn_dropout(g, image(&b, 1, 3, 3), NAN), "rate nan");
    g = b.graph;
    bench_expect(&b, nn_leaky_relu(g, image(&b, 1, 3, 3), -1), "slope -1");
    g = b.graph;
    bench_expect(&b, nn_max_pool2d(g, image(&b, 1, 1, 5), (nn_pool_args){.kernel = {2, 2}}),
                 "2x2 window on a 1x5 input");
    g = b.graph;
    bench_expect(&b, nn_max_pool2d(g, image(&b, 1, 5, 5), (nn_pool_args){.kernel = {0, 2}}),
                 "kernel 0x2");
    g = b.graph;
    bench_expect(&b,
                 nn_average_pool2d(g, image(&b, 1, 5, 5),
                                   (nn_pool_args){.kernel = {2, 2}, .pad = {2, 0, 0, 0}}),
                 "less than the kernel");
    g = b.graph;
    nn_node *labels = nn_input(g, "y", NN_I32, nn_shape_of(0, NULL));
    bench_expect(&b, nn_sigmoid_cross_entropy(g, nn_flatten(g, image(&b, 1, 1, 3)), labels),
                 "use softmax_cross_entropy");
    g = b.graph;
    nn_node *x = nn_flatten(g, image(&b, 1, 1, 3));
    bench_expect(&b, nn_softmax_cross_entropy(g, x, x), "labels 'flatten1' must be");
    g = b.graph;
    bench_expect(&b, nn_relu(g, param(&b, "w", nn_shape1(3))), "no batch dimension");
    g = b.graph;
    bench_expect(&b, nn_relu(g, nn_input(g, "y", NN_I32, nn_shape_of(0, NULL))), "whole numbers");
    g = b.graph;
    nn_node *one = param(&b, "a", nn_shape1(1)), *two = param(&b, "b", nn_shape1(2));
    bench_expect(&b,
                 nn_batch_norm(g, image(&b, 2, 3, 3), two, two, two, one, (nn_batch_norm_args){0}),
                 "running variance 'a' is 1, expected a parameter of shape 2");
    nn_graph_free(b.graph);
    nn_model_free(b.model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_logits_stay_finite),
        cmocka_unit_test(bad_labels_spoil_their_row_alone),
        cmocka_unit_test(kinks_follow_the_convention),
        cmocka_unit_test(dropout_drops_its_share),
        cmocka_unit_test(dropout_reads_the_live_rate),
        cmocka_unit_test(running_statistics_move_once),
        cmocka_unit_test(large_means_do_not_spoil_the_variance),
        cmocka_unit_test(one_value_leaves_the_running_variance),
        cmocka_unit_test(convolutions_say_what_would_fit),
        cmocka_unit_test(others_say_what_would_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
