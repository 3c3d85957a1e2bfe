/* Networks from names and descriptions: shapes, counts of parameters, and what mistakes are told.
 */
#include "engine/models/models.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    nn_status status;
    nn_error error, in_graph;
    int64_t parameters;
    nn_shape logits, labels;
    char loss[32], logits_name[NN_NAME_MAX];
} built;

static built build(const char *text, nn_shape sample, int classes, double dropout)
{
    nn_model *model = nn_model_new(1);
    nn_graph *graph = nn_graph_new(model);
    nn_network network;
    built b = {.error = {NN_OK, ""}, .in_graph = {NN_OK, ""}};
    assert_true(model && graph);
    b.status = nn_describe(graph, text, sample, classes, dropout, &network, &b.error);
    if (b.status == NN_OK) {
        b.parameters = nn_model_parameters(model);
        b.logits = nn_node_shape(network.logits);
        b.labels = nn_node_shape(network.labels);
        snprintf(b.logits_name, sizeof b.logits_name, "%s", nn_node_name(network.logits));
        snprintf(b.loss, sizeof b.loss, "%s", nn_node_op(nn_node_input(network.loss, 0)));
        assert_int_equal(nn_node_shape(network.loss).rank, 0);
        assert_int_equal(nn_graph_error(graph, NULL), NN_OK);
    } else {
        assert_null(network.loss);
        assert_int_not_equal(nn_graph_error(graph, &b.in_graph), NN_OK); /* compiling fails too */
    }
    nn_graph_free(graph);
    nn_model_free(model);
    return b;
}

static const nn_shape fashion = {3, {1, 28, 28}}, colour = {3, {3, 32, 32}},
                      digits = {3, {1, 8, 8}}, points = {1, {2}};

static void expect_parameters(const char *text, nn_shape sample, int classes, int64_t parameters)
{
    built b = build(text, sample, classes, 0);
    if (b.status != NN_OK)
        fail_msg("%s: %s", text, b.error.text);
    assert_int_equal(b.parameters, parameters);
    assert_true(nn_shape_equal(b.logits, nn_shape2(NN_BATCH, classes)));
    assert_true(nn_shape_equal(b.labels, nn_shape1(NN_BATCH)));
    assert_string_equal(b.loss, "softmax_cross_entropy");
}

static void expect_refusal(const char *text, nn_shape sample, int classes, const char *const *parts)
{
    built b = build(text, sample, classes, 0);
    assert_int_not_equal(b.status, NN_OK);
    assert_int_equal(b.status, b.error.code);
    assert_in_range(strlen(b.error.text), 1, 300);
    for (; *parts; parts++)
        if (!strstr(b.error.text, *parts))
            fail_msg("%s: '%s' does not say '%s'", text, b.error.text, *parts);
}
#define REFUSED(text, sample, classes, ...)                                                        \
    expect_refusal(text, sample, classes, (const char *const[]){__VA_ARGS__, NULL})

static void names_have_their_parameters(void **state)
{
    (void)state;
    expect_parameters("lenet5", fashion, 10, 61706);
    expect_parameters("lenet5", nn_shape3(1, 32, 32), 10, 61706);
    expect_parameters("lenet5", colour, 10, 62006);
    expect_parameters("mlp", fashion, 10, 784 * 128 + 128 + 1280 + 10);
    expect_parameters("mlp", points, 3, 2 * 128 + 128 + 3 * 128 + 3);
    expect_parameters("logreg", fashion, 10, 7850);
    expect_parameters("logreg", points, 5, 15);
    expect_parameters("lenet5", digits, 10, /* 3x3 kernels on 8x8, 16 x 2 x 2 left */
                      60 + (6 * 16 * 9 + 16) + (64 * 120 + 120) + (120 * 84 + 84) + 850);
    for (int side = 4; side < 40; side++)
        assert_int_equal(build("lenet5", nn_shape3(1, side, side + 3), 7, 0).status, NN_OK);
}

static void a_name_is_its_description(void **state)
{
    (void)state;
    const nn_model_info *list;
    int count = nn_model_list(&list);
    assert_int_equal(count, 3);
    for (int i = 0; i < count; i++) {
        char text[NN_MODEL_TEXT];
        nn_error error = {NN_OK, ""};
        assert_int_equal(nn_model_text(list[i].name, fashion, 10, 0, text, &error), NN_OK);
        assert_string_equal(text, list[i].description);
        assert_int_equal(build(text, fashion, 10, 0).parameters,
                         build(list[i].name, fashion, 10, 0).parameters);
    }
    char text[NN_MODEL_TEXT];
    nn_error error = {NN_OK, ""};
    assert_int_equal(nn_model_text("mlp", points, 2, 0.25, text, &error), NN_OK);
    assert_string_equal(text, "dense 128 | relu | dropout 0.25 | dense 2");
    assert_int_equal(nn_model_text("lenet5", fashion, 10, 0.5, text, &error), NN_OK);
    assert_non_null(strstr(text, "relu | dropout 0.5 | dense 10"));
    assert_int_equal(nn_model_text("vgg", fashion, 10, 0, text, &error), NN_E_MISSING);
    assert_int_equal(nn_model_text("mlp", fashion, 10, 1, text, &error), NN_E_ARG);
    assert_int_equal(nn_model_text("mlp", fashion, 10, NAN, text, &error), NN_E_ARG);
}

static void every_layer_word_builds(void **state)
{
    (void)state;
    expect_parameters(
        "conv 4 3x3 pad=same stride=2 | batchnorm | leaky 0.1 | maxpool 2 | "
        "avgpool 2 stride=1 | flatten | dense 5 | bn | tanh | dropout 0.3 | dense 8 | "
        "sigmoid | dense 10",
        fashion, 10, 40 + 8 + (144 * 5 + 5) + 10 + 48 + 90);
    expect_parameters("conv 6 3x5 pad=1x2 groups=3 dilation=2x1 | relu | globalavgpool | dense 4",
                      colour, 4, 6 * 15 + 6 + 28);
    expect_parameters("  conv 10 1x1|globalavgpool", colour, 10, 40);
    expect_parameters("flatten|linear 3", digits, 3, 195);
    expect_parameters("conv 2 3 pad=same dilation=3 | maxpool 3 stride=2 pad=1 | flatten | dense 2",
                      digits, 2, 20 + 2 * 16 * 2 + 2);
    expect_parameters("rnn 7 | gelu | dense 3", digits, 3, 7 * (8 + 7 + 2) + 24);
    expect_parameters("gru 7 | dense 3", digits, 3, 3 * 7 * (8 + 7 + 2) + 24);
    expect_parameters("conv 2 3x3 pad=1 | lstm 7 | dense 3", digits, 3,
                      20 + 4 * 7 * (8 + 7 + 2) + 24);
    for (const char *line = nn_model_words(); *line; line = strchr(line, '\n') + 1)
        assert_non_null(strchr(line, '\n'));
}

static void one_output_means_a_binary_head(void **state)
{
    (void)state;
    built b = build("dense 4 | relu | dense 1", points, 2, 0);
    assert_int_equal(b.status, NN_OK);
    assert_string_equal(b.loss, "sigmoid_cross_entropy");
    assert_true(nn_shape_equal(b.logits, nn_shape2(NN_BATCH, 1)));
    assert_string_equal(b.logits_name, "dense2");
    REFUSED("dense 1", points, 3, "gives 1 values, but there are 3 classes", "dense 3");
}

static void mistakes_have_a_place(void **state)
{
    (void)state;
    REFUSED("conv 6 5x5 | relu | dense 10", fashion, 10, "column 21", "'dense 10'", "6x24x24",
            "flatten");
    REFUSED("flatten | dense 84", fashion, 10, "column 11", "84 values", "10 classes", "dense 10");
    REFUSED("conv 4 3x3", fashion, 10, "column 1", "4x26x26 values", "flatten | dense 10");
    REFUSED("flatten | dense 10 | relu", fashion, 10, "column 22", "leave the relu out");
    REFUSED("maxpool 4 | conv 6 9x9 | flatten | dense 10", fashion, 10, "column 13", "1x7x7",
            "spans 9 rows", "at most 7x7", "pad=1");
    REFUSED("conv 6 3x3 dilation=20", fashion, 10, "spans 41 rows", "without dilation");
    REFUSED("conv 4 3x3 groups=2", colour, 10, "2 groups do not divide 3 channels");
    REFUSED("dense 3 | conv 4 3x3", points, 3, "column 11", "3 arrives", "needs an image");
    REFUSED("lstm 8 | lstm 8 | dense 10", fashion, 10, "column 10", "8 arrives", "lstm needs");
    REFUSED("gru 100000 | dense 10", fashion, 10, "weights; expected at most");
    REFUSED("maxpool 2 pad=2", fashion, 10, "pad=2", "less than 2");
    REFUSED("flatten | dense 1000000 | dense 1000000", fashion, 10, "weights; expected at most");
    REFUSED("flatten | blur 3", fashion, 10, "column 11", "'blur'", "no such layer",
            "globalavgpool");
    REFUSED("flatten | dense 10 | softmax", fashion, 10, "column 22", "softmax itself");
    REFUSED("flätten | dense 10", fashion, 10, "column 1", "'flätten'");
    REFUSED("tanh | ä | dense 10", fashion, 10, "column 8", "'ä'");
    REFUSED("tanh | flatten ä x | relu ü", fashion, 10, "column 16", "'ä'");
}

static void mistakes_in_words(void **state)
{
    (void)state;
    REFUSED("lenet", fashion, 10, "no model 'lenet'", "logreg, mlp, lenet5");
    REFUSED("", fashion, 10, "column 1", "expected a layer");
    REFUSED("flatten | | dense 10", fashion, 10, "column 10", "between two '|'");
    REFUSED("flatten | dense 10 |", fashion, 10, "column 21", "expected a layer");
    REFUSED("conv 6", fashion, 10, "conv FILTERS KxK");
    REFUSED("conv 6 axb", fashion, 10, "column 8", "'axb'", "such as 5x5");
    REFUSED("conv 6 5x5 pud=2", fashion, 10, "column 12", "'pud=2'");
    REFUSED("conv 6 5x5 stride=0", fashion, 10, "'stride=0'");
    REFUSED("maxpool 2 groups=2", fashion, 10, "'groups=2'", "maxpool K");
    REFUSED("dense", points, 2, "dense UNITS");
    REFUSED("rnn 3 4", fashion, 10, "column 7", "rnn UNITS");
    REFUSED("flatten | dense 10 | gelu", fashion, 10, "leave the gelu out");
    REFUSED("dense 0", points, 2, "'0'");
    REFUSED("dense 99999999999", points, 2, "dense UNITS");
    REFUSED("dense 3.5", points, 2, "'3.5'");
    REFUSED("dropout 1 | dense 2", points, 2, "dropout RATE", "less than 1");
    REFUSED("dropout nan | dense 2", points, 2, "dropout RATE");
    REFUSED("leaky 2 | dense 2", points, 2, "leaky [SLOPE]");
    REFUSED("relu relu", points, 2, "column 6", "stands alone");
    REFUSED("conv 1 2 3 4 5 6 7 8 9 10", fashion, 10, "too many words");
    REFUSED("lenet5", points, 2, "needs images", "an example is 2", "mlp");
    REFUSED("lenet5", nn_shape3(1, 3, 9), 2, "at least 4", "mlp");
    REFUSED("mlp", nn_shape2(4, 4), 2, "expected (columns) or (channels, rows");
    REFUSED("mlp", points, 1, "at least 2 classes");
}

/* The deviation of a weight says which rule drew it: He has twice Xavier's variance. */
static double deviation(const char *text, const char *name)
{
    nn_model *model = nn_model_new(7);
    nn_graph *graph = nn_graph_new(model);
    nn_network network;
    assert_int_equal(nn_describe(graph, text, nn_shape1(400), 2, 0, &network, NULL), NN_OK);
    const nn_param *param = nn_model_find(model, name);
    assert_non_null(param);
    const nn_real *w = nn_param_values(param);
    int64_t count = nn_shape_count(nn_param_shape(param));
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)w[i] * (double)w[i] / (double)count;
    nn_graph_free(graph);
    nn_model_free(model);
    return sqrt(sum * 400);
}

static void initialisation_follows_the_activation(void **state)
{
    (void)state;
    assert_true(fabs(deviation("dense 400 | bn | relu | dense 2", "dense1.weight") - sqrt(2)) <
                0.02);
    assert_true(fabs(deviation("dense 400 | leaky | dense 2", "dense1.weight") - sqrt(2)) < 0.02);
    assert_true(fabs(deviation("dense 400 | tanh | dense 2", "dense1.weight") - 1) < 0.02);
    assert_true(
        fabs(deviation("relu | dense 400 | dense 2 | relu | dense 2", "dense1.weight") - 1) < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_their_parameters),
        cmocka_unit_test(a_name_is_its_description),
        cmocka_unit_test(every_layer_word_builds),
        cmocka_unit_test(one_output_means_a_binary_head),
        cmocka_unit_test(mistakes_have_a_place),
        cmocka_unit_test(mistakes_in_words),
        cmocka_unit_test(initialisation_follows_the_activation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
