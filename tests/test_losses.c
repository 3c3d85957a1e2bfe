/* Losses where the table of cases does not reach: numbers worked by hand, labels and indices that
 * do not exist, extreme inputs, means over masks whatever the shards, and the words of refusals. */
#include "engine/exec.h"
#include "engine/losses.h"
#include "tests/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A run of `c` whose inputs hold these numbers; upstream gradients are 1. */
static void run_on(op_run *run, const op_case *c, const void *const *values)
{
    op_run_new(run, c, 1);
    for (int i = 0; i < run->inputs; i++) {
        size_t size = run->node->input[i] && run->node->input[i]->dtype == NN_I32 ? sizeof(int32_t)
                                                                                  : sizeof(nn_real);
        if (values[i])
            memcpy(run->value[i], values[i], (size_t)run->count[i] * size);
    }
    for (int64_t i = 0; i < run->out_count; i++)
        run->grad_out[i] = 1;
    op_run_forward(run);
    op_run_backward(run);
}

static void assert_numbers(const char *what, const nn_real *got, const double *expected, int count)
{
    for (int i = 0; i < count; i++) {
        if (isnan(expected[i]) && isnan(got[i]))
            continue;
        if (!(fabs((double)got[i] - expected[i]) <= 2e-6 * (1 + fabs(expected[i]))))
            fail_msg("%s[%d] = %.9g, expected %.9g", what, i, (double)got[i], expected[i]);
    }
}

#define NUMBERS(...) ((const nn_real[]){__VA_ARGS__})
#define WHOLE(...)   ((const int32_t[]){__VA_ARGS__})
#define EXPECT(what, got, ...)                                                                     \
    assert_numbers(what, got, (const double[]){__VA_ARGS__},                                       \
                   (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))

/* --- by hand ------------------------------------------------------------------------------- */

static void errors_have_the_numbers_of_their_formulas(void **state)
{
    (void)state;
    const op_case huber = CASE("huber_error", "delta 2", 4, INPUTS(X(1), X(1)), NUMBER(2));
    op_run run;
    run_on(&run, &huber, (const void *[]){NUMBERS(1, 5, -4, 2), NUMBERS(0, 0, 0, 0)});
    EXPECT("huber", run.out, 0.5, 8, 6, 2);
    EXPECT("its slope", run.gradient[0], 1, 2, -2, 2);
    op_run_free(&run);

    const op_case hinge = CASE("hinge", "margin 1", 4, INPUTS(X(1), X(1)),
                               ARGS(nn_hinge_args, .margin = 1, .squared = true));
    run_on(&run, &hinge, (const void *[]){NUMBERS(2, 0.5, -1, 1), NUMBERS(1, 1, 1, -1)});
    EXPECT("squared hinge", run.out, 0, 0.25, 4, 4);
    EXPECT("its slope", run.gradient[0], 0, -1, -4, 4);
    op_run_free(&run);

    /* The support vector example of CS231n: scores 3.2 5.1 -1.7, then 1.3 4.9 2, then 2.2 2.5 -3.1
     * with the right classes 0, 1, 2. */
    const op_case classes = CASE("multiclass_hinge", "three", 3, INPUTS(X(3), LABELS(3)),
                                 ARGS(nn_hinge_args, .margin = 1));
    run_on(&run, &classes,
           (const void *[]){NUMBERS((nn_real)3.2, (nn_real)5.1, (nn_real)-1.7, (nn_real)1.3,
                                    (nn_real)4.9, 2, (nn_real)2.2, (nn_real)2.5, (nn_real)-3.1),
                            WHOLE(0, 1, 2)});
    EXPECT("sum of margins", run.out, 2.9, 0, 12.9);
    EXPECT("its slope", run.gradient[0], -1, 1, 0, 0, 0, 0, 1, 1, -2);
    op_run_free(&run);
}

static void pairs_have_the_numbers_of_their_formulas(void **state)
{
    (void)state;
    op_run run;
    const op_case contrastive =
        CASE("contrastive", "margin 6", 4, INPUTS(X(2), X(2), LABELS(2)), NUMBER(6));
    run_on(&run, &contrastive,
           (const void *[]){NUMBERS(3, 4, 3, 4, 1, 1, 30, 40), NUMBERS(0, 0, 0, 0, 1, 1, 0, 0),
                            WHOLE(1, 0, 0, 0)});
    EXPECT("contrastive", run.out, 25, 1, 36, 0);
    EXPECT("its slope, 0 where the two meet", run.gradient[0], 6, 8, -1.2, -1.6, 0, 0, 0, 0);
    op_run_free(&run);

    const op_case triplet = CASE("triplet", "margin 1", 2, INPUTS(X(1), X(1), X(1)), NUMBER(1));
    run_on(&run, &triplet, (const void *[]){NUMBERS(0, 0), NUMBERS(2, 1), NUMBERS(1, 3)});
    EXPECT("triplet", run.out, 4, 0);
    EXPECT("anchor", run.gradient[0], -2, 0);
    EXPECT("positive", run.gradient[1], 4, 0);
    EXPECT("negative", run.gradient[2], -2, 0);
    op_run_free(&run);
}

static void a_negative_counts_as_often_as_it_is_drawn(void **state)
{
    (void)state;
    const op_case sampling = CASE("negative_sampling", "drawn twice", 2,
                                  INPUTS(P(3, 1), P(3, 1), LABELS(3), INDICES(0, 3, 3)));
    op_run run;
    run_on(&run, &sampling,
           (const void *[]){NUMBERS(1, 0, 0), NUMBERS(2, -1, 3), WHOLE(0, 0),
                            WHOLE(0, 1, 1, 0, 1, 2)});
    double right = log1p(exp(-2)), wrong = log1p(exp(-1)), far = log1p(exp(3));
    EXPECT("losses", run.out, right + 2 * wrong, right + wrong + far);
    double slope = 1 / (1 + exp(1)); /* of a negative with product -1 */
    EXPECT("rows of negatives", run.gradient[1] + 1, 3 * slope, 1 / (1 + exp(-3)));
    op_run_free(&run);
}

static void shares_of_one_class_are_a_label(void **state)
{
    (void)state;
    const op_case hard = CASE("softmax_cross_entropy", "labels", 2, INPUTS(X(3), LABELS(3)), );
    const op_case soft = CASE("soft_cross_entropy", "shares", 2, INPUTS(X(3), X(3)), );
    const nn_real *z = NUMBERS(1, 2, 3, 50, -50, 0);
    op_run a, b;
    run_on(&a, &hard, (const void *[]){z, WHOLE(2, 1)});
    run_on(&b, &soft, (const void *[]){z, NUMBERS(0, 0, 1, 0, 1, 0)});
    for (int r = 0; r < 2; r++)
        assert_true(fabs((double)a.out[r] - (double)b.out[r]) < 1e-5);
    for (int k = 0; k < 6; k++)
        assert_true(fabs((double)a.gradient[0][k] - (double)b.gradient[0][k]) < 1e-6);
    op_run_free(&a);
    op_run_free(&b);
}

/* --- what does not exist, and extremes ------------------------------------------------------ */

/* Row `bad` alone has a value of NaN, and some gradient has one too. */
static void expect_spoilt(op_run *run, int64_t bad)
{
    int64_t spoilt = 0;
    for (int64_t i = 0; i < run->out_count; i++)
        if ((isnan(run->out[i]) != 0) && i / run->out_row != bad)
            fail_msg("%s: row %lld is NaN", run->node->name, (long long)(i / run->out_row));
        else
            spoilt += isnan(run->out[i]) != 0;
    if (spoilt == 0)
        fail_msg("%s: row %lld is not NaN", run->node->name, (long long)bad);
    spoilt = 0;
    for (int i = 0; i < run->inputs; i++)
        for (int64_t k = 0; run->wanted[i] && k < run->count[i]; k++)
            spoilt += isnan(run->gradient[i][k]) != 0;
    if (run->node->op->backward && spoilt == 0)
        fail_msg("%s: no gradient is NaN", run->node->name);
    op_run_free(run);
}

static void what_does_not_exist_is_nan(void **state)
{
    (void)state;
    op_run run;
    const op_case likelihood =
        CASE("negative_log_likelihood", "label 3", 3, INPUTS(X(3), LABELS(3)), );
    run_on(&run, &likelihood, (const void *[]){NULL, WHOLE(0, 3, 1)});
    expect_spoilt(&run, 1);
    const op_case weight = CASE("label_weight", "label -1", 3, INPUTS(LABELS(3), P(3)), );
    run_on(&run, &weight, (const void *[]){WHOLE(0, 2, -1), NULL});
    expect_spoilt(&run, 2);
    const op_case hinge = CASE("multiclass_hinge", "label 9", 3, INPUTS(X(3), LABELS(3)),
                               ARGS(nn_hinge_args, .margin = 1));
    run_on(&run, &hinge, (const void *[]){NULL, WHOLE(9, 0, 1)});
    expect_spoilt(&run, 0);
    const op_case same =
        CASE("contrastive", "neither", 3, INPUTS(X(3), X(3), LABELS(2)), NUMBER(1));
    run_on(&run, &same, (const void *[]){NULL, NULL, WHOLE(0, 2, 1)});
    expect_spoilt(&run, 1);
    const op_case sampling = CASE("negative_sampling", "word 5", 3,
                                  INPUTS(P(5, 2), P(5, 2), LABELS(5), INDICES(0, 5, 2)));
    run_on(&run, &sampling, (const void *[]){NULL, NULL, WHOLE(0, 1, 2), WHOLE(1, 2, 3, 5, 0, 4)});
    expect_spoilt(&run, 1);
    run_on(&run, &sampling, (const void *[]){NULL, NULL, WHOLE(0, 1, -7), WHOLE(1, 2, 3, 4, 0, 4)});
    expect_spoilt(&run, 2);
    const op_case bag =
        CASE("mean_embedding", "word 4", 2, INPUTS(P(4, 3), INDICES(0, 4, 2)), ARGS(int32_t, -1));
    run_on(&run, &bag, (const void *[]){NULL, WHOLE(0, 1, 4, -1)});
    expect_spoilt(&run, 1);
    const op_case glove = CASE("glove", "word 2", 2,
                               INPUTS(P(2, 3), P(2, 3), P(2), P(2), LABELS(2), LABELS(2),
                                      {.kind = OP_POSITIVE_ACTIVATION}),
                               ARGS(nn_glove_args, .x_max = 10, .exponent = 0.75));
    run_on(&run, &glove,
           (const void *[]){NULL, NULL, NULL, NULL, WHOLE(0, 2), WHOLE(0, 1), NUMBERS(1, 2)});
    expect_spoilt(&run, 1);
}

static void extremes_stay_finite(void **state)
{
    (void)state;
    op_run run;
    const op_case binary = CASE("binary_cross_entropy", "huge", 4, INPUTS(X(1), X(1)), );
    run_on(&run, &binary,
           (const void *[]){NUMBERS(3e38f, 3e38f, -3e38f, -100), NUMBERS(1, 0, 0, 1)});
    assert_true(run.out[0] == 0 && run.out[1] == 3e38f && run.out[2] == 0 && run.out[3] == 100);
    EXPECT("slopes", run.gradient[0], 0, 1, 0, -1);
    op_run_free(&run);

    /* A predicted size of nothing, or less, still has a slope, which lifts it. */
    const op_case yolo = CASE("yolo", "no size", 2, INPUTS(X(1, 5), X(1, 5)),
                              ARGS(nn_yolo_args, .box = 5, .empty = 0.5));
    run_on(&run, &yolo,
           (const void *[]){NUMBERS(1, 0, 0, 0, -1, 1, 0, 0, 1, 1),
                            NUMBERS(1, 0, 0, 1, 1, 1, 0, 0, 1, 1)});
    assert_true(isfinite(run.out[0]) && run.out[0] > 0 && run.out[1] == 0);
    for (int k = 0; k < 10; k++)
        assert_true(isfinite(run.gradient[0][k]));
    assert_true(run.gradient[0][3] < 0 && run.gradient[0][4] < 0);
    op_run_free(&run);

    /* Pairs that never met have no logarithm: they are left out. */
    const op_case glove = CASE("glove", "never met", 2,
                               INPUTS(P(2, 3), P(2, 3), P(2), P(2), LABELS(2), LABELS(2),
                                      {.kind = OP_POSITIVE_ACTIVATION}),
                               ARGS(nn_glove_args, .x_max = 10, .exponent = 0.75));
    run_on(&run, &glove,
           (const void *[]){NULL, NULL, NULL, NULL, WHOLE(0, 1), WHOLE(0, 1), NUMBERS(0, 0)});
    EXPECT("losses", run.out, 0, 0);
    EXPECT("biases", run.gradient[2], 0, 0);
    op_run_free(&run);
}

/* --- means over the whole batch ------------------------------------------------------------- */

enum { ROWS = 6, POSITIONS = 2, CLASSES = 3 };

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_node *x, *labels, *mask, *loss;
    nn_param *w, *class_weights;
} masked;

/* Logits x w' of (rows, positions, 1) -> classes: a text of one-number words, so to say. */
static masked masked_new(nn_divisor divisor, bool by_label)
{
    masked m = {.model = nn_model_new(5)};
    nn_graph *g = m.graph = nn_graph_new(m.model);
    m.x = nn_input(g, "x", NN_F, nn_shape1(POSITIONS * CLASSES));
    m.labels = nn_input(g, "labels", NN_I32, nn_shape_of(0, NULL));
    m.mask = nn_input(g, "mask", NN_F, nn_shape_of(0, NULL));
    m.w = nn_model_param(m.model, "w", nn_shape2(CLASSES, POSITIONS * CLASSES), NN_INIT_NORMAL, 1,
                         NULL);
    m.class_weights = nn_model_buffer(m.model, "weights", nn_shape1(CLASSES), NN_INIT_ONES, NULL);
    nn_label_args args = {.ignores = true, .ignored = -1};
    nn_node *z = nn_linear(g, m.x, nn_use(g, m.w), NULL);
    nn_node *each = nn_class_cross_entropy(g, z, m.labels, NULL, args);
    nn_node *weight = nn_label_weight(g, m.labels, nn_use(g, m.class_weights), args);
    m.loss = nn_weighted_mean(g, each, by_label ? weight : m.mask, divisor);
    assert_non_null(m.loss);
    return m;
}

static void masked_free(masked *m)
{
    nn_graph_free(m->graph);
    nn_model_free(m->model);
}

static nn_exec *masked_plan(masked *m, int shards, int rows, const int32_t *labels,
                            const nn_real *mask)
{
    nn_error error;
    nn_exec_args args = {.batch = ROWS, .shards = shards, .training = true};
    nn_exec *exec = nn_compile(m->graph, m->loss, NULL, 0, NULL, args, &error);
    assert_non_null(exec);
    assert_int_equal(nn_exec_rows(exec, rows, &error), NN_OK);
    nn_real *x = nn_exec_feed(exec, m->x);
    for (int i = 0; i < rows * POSITIONS * CLASSES; i++)
        x[i] = (nn_real)((i * 7 % 11) - 5) / 3;
    memcpy(nn_exec_feed(exec, m->labels), labels, (size_t)rows * sizeof *labels);
    nn_real *weights = nn_exec_feed(exec, m->mask);
    for (int i = 0; weights && i < rows; i++)
        weights[i] = mask[i];
    return exec;
}

/* Cross-entropy of row r in double. */
static double row_loss(masked *m, int r, int label)
{
    double z[CLASSES] = {0}, sum = 0;
    for (int k = 0; k < CLASSES; k++)
        for (int i = 0; i < POSITIONS * CLASSES; i++)
            z[k] += (double)nn_param_data(m->w)[k * POSITIONS * CLASSES + i] *
                    (((r * POSITIONS * CLASSES + i) * 7 % 11) - 5) / 3;
    for (int k = 0; k < CLASSES; k++)
        sum += exp(z[k]);
    return log(sum) - z[label];
}

/* Masks that lie unevenly over the shards: the mean is of what counts in the whole batch. */
static void a_masked_mean_is_of_the_whole_batch(void **state)
{
    (void)state;
    const int32_t labels[ROWS] = {0, 1, 2, 2, 1, 0};
    const nn_real mask[ROWS] = {1, 1, 0, 0, 0, 1};
    for (int divisor = NN_OVER_WEIGHTS; divisor <= NN_OVER_EXAMPLES; divisor++)
        for (int shards = 1; shards <= 4; shards++)
            for (int rows = 2; rows <= ROWS; rows++) {
                masked m = masked_new((nn_divisor)divisor, false);
                nn_exec *exec = masked_plan(&m, shards, rows, labels, mask);
                double expected = 0, weights = 0;
                for (int r = 0; r < rows; r++) {
                    expected += (double)mask[r] * row_loss(&m, r, labels[r]);
                    weights += (double)mask[r];
                }
                expected /= divisor == NN_OVER_WEIGHTS ? weights : rows;
                double got = nn_forward(exec);
                assert_true(fabs(got - expected) < 1e-5 * (1 + fabs(expected)));
                assert_int_equal(nn_backward(exec, NULL), NN_OK);
                nn_exec_free(exec);
                masked_free(&m);
            }
}

/* The mean of ONNX: divided by the sum of the weights of the labels, ignored ones left out. */
static void a_mean_by_class_weights_divides_by_them(void **state)
{
    (void)state;
    const int32_t labels[ROWS] = {0, 1, -1, 2, 1, -1};
    const nn_real mask[ROWS] = {0}, weight[CLASSES] = {0.5, 2, 4};
    masked m = masked_new(NN_OVER_WEIGHTS, true);
    memcpy(nn_param_data(m.class_weights), weight, sizeof weight);
    nn_exec *exec = masked_plan(&m, 2, ROWS, labels, mask);
    double sum = 0, weights = 0;
    for (int r = 0; r < ROWS; r++)
        if (labels[r] >= 0) {
            sum += (double)weight[labels[r]] * row_loss(&m, r, labels[r]);
            weights += (double)weight[labels[r]];
        }
    assert_true(fabs(nn_forward(exec) - sum / weights) < 1e-5);
    nn_exec_free(exec);
    masked_free(&m);
}

static void nothing_to_learn_is_no_loss(void **state)
{
    (void)state;
    const int32_t labels[ROWS] = {-1, -1, -1, -1, -1, -1};
    const nn_real mask[ROWS] = {0};
    masked m = masked_new(NN_OVER_WEIGHTS, false);
    nn_exec *exec = masked_plan(&m, 2, ROWS, labels, mask);
    assert_true(nn_forward(exec) == 0);
    assert_int_equal(nn_backward(exec, NULL), NN_OK);
    const nn_real *gradient = nn_param_gradient(exec, m.w);
    for (int i = 0; i < CLASSES * POSITIONS * CLASSES; i++)
        assert_true(gradient[i] == 0);
    nn_exec_free(exec);
    masked_free(&m);
}

/* What a mask leaves out may be anything: padding is never looked at. */
static void what_is_masked_may_be_nan(void **state)
{
    (void)state;
    const op_case mean =
        CASE("weighted_mean", "padding", 3, INPUTS(X(1), X(1)), ARGS(nn_divisor, NN_OVER_WEIGHTS));
    op_run run;
    run_on(&run, &mean, (const void *[]){NUMBERS(4, (nn_real)NAN, 8), NUMBERS(1, 0, 3)});
    EXPECT("mean", run.out, 7);
    EXPECT("slopes", run.gradient[0], 0.25, 0, 0.75);
    op_run_free(&run);
}

/* --- refusals ------------------------------------------------------------------------------- */

typedef struct {
    nn_model *model;
    nn_graph *graph;
} bench;

static void expect_refusal(bench *b, const nn_node *node, const char *words)
{
    nn_error error;
    assert_null(node);
    assert_true(nn_graph_error(b->graph, &error) != NN_OK);
    if (!strstr(error.text, words))
        fail_msg("'%s' does not say '%s'", error.text, words);
    nn_graph_free(b->graph);
    b->graph = nn_graph_new(b->model);
}

static nn_node *real(bench *b, const char *name, int64_t size)
{
    return nn_input(b->graph, name, NN_F, nn_shape1(size));
}

static nn_node *whole(bench *b, const char *name, int rank, int64_t size)
{
    return nn_input(b->graph, name, NN_I32, nn_shape_of(rank, &size));
}

static nn_node *param(bench *b, const char *name, nn_shape shape)
{
    return nn_use(b->graph, nn_model_param(b->model, name, shape, NN_INIT_ZEROS, 1, NULL));
}

static void classes_say_what_would_fit(bench *b)
{
    expect_refusal(b, nn_softmax_cross_entropy(b->graph, real(b, "z", 3), whole(b, "y", 1, 2)),
                   "labels 'y' must be one whole number an example");
    expect_refusal(b, nn_softmax_cross_entropy(b->graph, real(b, "z", 3), real(b, "y", 3)),
                   "real numbers of shape 3");
    nn_node *text = nn_input(b->graph, "text", NN_F, nn_shape2(5, 9));
    expect_refusal(b, nn_softmax_cross_entropy(b->graph, text, whole(b, "y", 1, 4)),
                   "labels 'y' must be whole numbers of shape 5 an example");
    expect_refusal(b,
                   nn_class_cross_entropy(b->graph, real(b, "z", 3), whole(b, "y", 0, 0),
                                          param(b, "w2", nn_shape1(2)), (nn_label_args){0}),
                   "class weights 'w2' is 2, expected a parameter of shape 3");
    expect_refusal(b,
                   nn_binary_cross_entropy(b->graph, real(b, "z", 3), real(b, "y", 2), NULL, NULL),
                   "'z' is 3 an example and 'y' is 2; both must be the same");
    expect_refusal(b, nn_weighted_mean(b->graph, real(b, "x", 3), real(b, "w", 1), NN_OVER_WEIGHTS),
                   "both must be the same");
    expect_refusal(
        b, nn_hinge(b->graph, real(b, "z", 3), real(b, "t", 3), (nn_hinge_args){.margin = -1}),
        "margin -1: expected a number above 0");
}

static void vectors_say_what_would_fit(bench *b)
{
    expect_refusal(b, nn_huber_error(b->graph, real(b, "a", 3), real(b, "b", 3), -1),
                   "delta -1: expected a number above 0");
    expect_refusal(b, nn_triplet(b->graph, real(b, "a", 3), real(b, "p", 3), real(b, "n", 2), 0.2),
                   "'a' is 3 an example and 'n' is 2");
    expect_refusal(
        b, nn_contrastive(b->graph, real(b, "u", 3), real(b, "v", 3), real(b, "same", 1), 1),
        "same 'same' must be one whole number an example");
    expect_refusal(b, nn_gram(b->graph, real(b, "a", 3), (nn_gram_args){0}), "2 to");
    expect_refusal(b, nn_yolo(b->graph, real(b, "p", 4), real(b, "t", 4), (nn_yolo_args){0}),
                   "a cell of 'p' has 4 numbers; p, x, y, height, width are needed");
    nn_node *in = param(b, "in", nn_shape2(4, 3)), *out = param(b, "out", nn_shape2(4, 2));
    expect_refusal(
        b, nn_negative_sampling(b->graph, in, out, whole(b, "c", 0, 0), whole(b, "k", 1, 5)),
        "table 'out' is 4x2, expected a parameter of shape 4x3");
    expect_refusal(b, nn_mean_embedding(b->graph, real(b, "x", 3), whole(b, "k", 1, 5), -1),
                   "'x' must be a table, a parameter of words x dimensions");
}

static void losses_say_what_would_fit(void **state)
{
    (void)state;
    bench b = {nn_model_new(1), NULL};
    b.graph = nn_graph_new(b.model);
    assert_non_null(b.graph);
    classes_say_what_would_fit(&b);
    vectors_say_what_would_fit(&b);
    assert_null(nn_triplet(b.graph, NULL, NULL, NULL, 0.2));
    assert_null(nn_style_loss(b.graph, NULL, NULL, NN_CHANNELS_LAST, true));
    assert_int_equal(nn_graph_error(b.graph, NULL), NN_OK);
    nn_graph_free(b.graph);
    nn_model_free(b.model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_the_numbers_of_their_formulas),
        cmocka_unit_test(pairs_have_the_numbers_of_their_formulas),
        cmocka_unit_test(a_negative_counts_as_often_as_it_is_drawn),
        cmocka_unit_test(shares_of_one_class_are_a_label),
        cmocka_unit_test(what_does_not_exist_is_nan),
        cmocka_unit_test(extremes_stay_finite),
        cmocka_unit_test(a_masked_mean_is_of_the_whole_batch),
        cmocka_unit_test(a_mean_by_class_weights_divides_by_them),
        cmocka_unit_test(nothing_to_learn_is_no_loss),
        cmocka_unit_test(what_is_masked_may_be_nan),
        cmocka_unit_test(losses_say_what_would_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
