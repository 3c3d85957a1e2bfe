/* A model: named parameters, initial values, copying. And the shapes and messages beneath it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/optimizer.h"
#include "engine/recurrent.h"
#include "engine/transformer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void shapes_count_and_refuse_what_is_too_large(void **state)
{
    (void)state;
    char text[NN_SHAPE_TEXT];
    assert_int_equal(nn_shape_count(nn_shape4(2, 3, 4, 5)), 120);
    assert_int_equal(nn_shape_count(nn_shape_of(0, NULL)), 1);
    assert_int_equal(nn_shape_count(nn_shape2(0, 5)), 0);
    assert_int_equal(nn_shape_count(nn_shape2(-2, 5)), -1);
    assert_int_equal(nn_shape_count(nn_shape2(0, -1)), -1);
    assert_int_equal(nn_shape_count(nn_shape2(1 << 20, 1 << 20)), INT64_C(1) << 40);
    assert_int_equal(nn_shape_count(nn_shape2(1 << 20, (1 << 20) + 1)), -1);
    assert_int_equal(nn_shape_count(nn_shape3(INT64_MAX, INT64_MAX, INT64_MAX)), -1);
    assert_int_equal(nn_shape_row(nn_shape3(7, 3, 4)), 12);
    assert_int_equal(nn_shape_row(nn_shape1(7)), 1);
    assert_true(nn_shape_equal(nn_shape2(1, 2), nn_shape2(1, 2)));
    assert_false(nn_shape_equal(nn_shape2(1, 2), nn_shape3(1, 2, 1)));
    assert_string_equal(nn_shape_text(nn_shape4(64, 1, 28, 28), text), "64x1x28x28");
    assert_string_equal(nn_shape_text(nn_shape_of(0, NULL), text), "scalar");
    int64_t wide[NN_MAX_DIMS];
    for (int i = 0; i < NN_MAX_DIMS; i++)
        wide[i] = INT64_MIN;
    assert_true(strlen(nn_shape_text(nn_shape_of(NN_MAX_DIMS, wide), text)) < NN_SHAPE_TEXT);
}

static void failures_carry_code_and_one_line(void **state)
{
    (void)state;
    nn_error error;
    assert_int_equal(nn_fail(&error, NN_E_ARG, "lr %g:\nexpected %s", -1.0, "more"), NN_E_ARG);
    assert_int_equal(error.code, NN_E_ARG);
    assert_string_equal(error.text, "lr -1: expected more");
    assert_int_equal(nn_fail(NULL, NN_E_IO, "x"), NN_E_IO);
    char large[1000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    nn_fail(&error, NN_E_FORMAT, "%s", large);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    for (int code = NN_OK; code <= NN_E_MISSING + 1; code++)
        assert_true(strlen(nn_status_name((nn_status)code)) > 1);
}

static void values_depend_on_seed_and_name_alone(void **state)
{
    (void)state;
    nn_model *a = nn_model_new(3), *b = nn_model_new(3), *c = nn_model_new(4);
    nn_shape shape = nn_shape2(5, 7);
    nn_param *first = nn_model_param(a, "w", shape, NN_INIT_HE, 1, NULL);
    nn_model_param(b, "other", shape, NN_INIT_HE, 1, NULL);
    nn_param *second = nn_model_param(b, "w", shape, NN_INIT_HE, 1, NULL);
    nn_param *third = nn_model_param(c, "w", shape, NN_INIT_HE, 1, NULL);
    size_t bytes = 35 * sizeof(nn_real);
    assert_memory_equal(nn_param_values(first), nn_param_values(second), bytes);
    assert_memory_not_equal(nn_param_values(first), nn_param_values(third), bytes);
    assert_memory_not_equal(nn_param_values(nn_model_find(b, "other")), nn_param_values(second),
                            bytes);
    assert_int_equal((uintptr_t)nn_param_data(first) % 64, 0);
    nn_model_free(a);
    nn_model_free(b);
    nn_model_free(c);
}

static double spread(const nn_param *param)
{
    double squares = 0;
    int64_t count = nn_shape_count(nn_param_shape(param));
    for (int64_t i = 0; i < count; i++)
        squares += (double)nn_param_values(param)[i] * (double)nn_param_values(param)[i];
    return sqrt(squares / (double)count);
}

static void rules_give_the_spread_they_promise(void **state)
{
    (void)state;
    nn_model *model = nn_model_new(1);
    nn_shape kernel = nn_shape4(64, 8, 5, 5); /* fan in 200 */
    nn_param *p = nn_model_param(model, "he", kernel, NN_INIT_HE, 1, NULL);
    assert_float_equal(spread(p) / sqrt(2 / 200.0), 1, 0.02);
    p = nn_model_param(model, "xavier", kernel, NN_INIT_XAVIER, 3, NULL);
    assert_float_equal(spread(p) / (3 * sqrt(1 / 200.0)), 1, 0.02);
    p = nn_model_param(model, "normal", kernel, NN_INIT_NORMAL, 0.01, NULL);
    assert_float_equal(spread(p) / 0.01, 1, 0.02);
    p = nn_model_param(model, "ones", nn_shape1(3), NN_INIT_ONES, 1, NULL);
    assert_true(nn_param_values(p)[2] == 1);
    p = nn_model_param(model, "zeros", nn_shape1(3), NN_INIT_ZEROS, 1, NULL);
    assert_true(nn_param_values(p)[0] == 0);
    assert_int_equal(nn_model_parameters(model), 3 * 64 * 200 + 6);
    nn_model_free(model);
}

static void names_are_unique_and_shapes_must_agree(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_model *model = nn_model_new(1);
    nn_param *w = nn_model_param(model, "w", nn_shape2(2, 3), NN_INIT_HE, 1, &error);
    assert_non_null(w);
    assert_ptr_equal(nn_model_param(model, "w", nn_shape2(2, 3), NN_INIT_ZEROS, 1, &error), w);
    assert_null(nn_model_param(model, "w", nn_shape2(3, 2), NN_INIT_HE, 1, &error));
    assert_int_equal(error.code, NN_E_SHAPE);
    assert_non_null(strstr(error.text, "'w'"));
    assert_non_null(strstr(error.text, "2x3"));
    assert_non_null(strstr(error.text, "3x2"));
    assert_null(nn_model_buffer(model, "w", nn_shape2(2, 3), NN_INIT_ZEROS, &error));
    assert_int_equal(error.code, NN_E_ARG);
    char longest[NN_NAME_MAX + 1];
    memset(longest, 'n', NN_NAME_MAX);
    longest[NN_NAME_MAX] = 0;
    assert_null(nn_model_param(model, longest, nn_shape1(1), NN_INIT_HE, 1, &error));
    assert_non_null(nn_model_param(model, longest + 1, nn_shape1(1), NN_INIT_HE, 1, &error));
    assert_null(nn_model_param(model, "", nn_shape1(1), NN_INIT_HE, 1, &error));
    assert_null(nn_model_param(model, NULL, nn_shape1(1), NN_INIT_HE, 1, &error));
    assert_null(nn_model_param(model, "none", nn_shape1(0), NN_INIT_HE, 1, &error));
    assert_null(nn_model_param(model, "nan", nn_shape1(1), NN_INIT_HE, NAN, &error));
    assert_int_equal(nn_model_count(model), 2);
    assert_null(nn_model_at(model, 2));
    assert_null(nn_model_find(model, "none"));
    nn_model_free(model);
}

static void parts_know_what_they_are(void **state)
{
    (void)state;
    nn_model *model = nn_model_new(1);
    nn_param *w = nn_model_param(model, "w", nn_shape2(2, 3), NN_INIT_HE, 1, NULL);
    nn_param *b = nn_model_param(model, "b", nn_shape1(3), NN_INIT_ZEROS, 1, NULL);
    nn_param *m = nn_model_buffer(model, "m", nn_shape2(1, 3), NN_INIT_ONES, NULL);
    assert_true(nn_param_decays(w) && !nn_param_decays(b) && !nn_param_decays(m));
    assert_true(nn_param_is_buffer(m) && !nn_param_is_buffer(w));
    assert_int_equal(nn_model_parameters(model), 9);
    assert_false(nn_param_frozen(w));
    nn_param_freeze(w, true);
    assert_true(nn_param_frozen(w));
    assert_ptr_equal(nn_model_at(model, 2), m);
    assert_string_equal(nn_param_name(m), "m");
    nn_model_free(model);
}

static void a_copy_is_whole_or_refused(void **state)
{
    (void)state;
    nn_error error;
    nn_model *a = nn_model_new(1), *b = nn_model_new(2);
    nn_param *aw = nn_model_param(a, "w", nn_shape1(4), NN_INIT_HE, 1, NULL);
    nn_param *bw = nn_model_param(b, "w", nn_shape1(4), NN_INIT_HE, 1, NULL);
    nn_model_param(a, "v", nn_shape1(2), NN_INIT_HE, 1, NULL);
    assert_int_equal(nn_model_copy(b, a, &error), NN_E_SHAPE);
    nn_model_param(b, "u", nn_shape1(2), NN_INIT_HE, 1, NULL);
    nn_real before = nn_param_values(bw)[0];
    assert_int_equal(nn_model_copy(b, a, &error), NN_E_MISSING);
    assert_non_null(strstr(error.text, "'u'"));
    assert_true(nn_param_values(bw)[0] == before);
    nn_model *c = nn_model_new(3);
    nn_model_param(c, "v", nn_shape1(2), NN_INIT_HE, 1, NULL);
    nn_param *cw = nn_model_param(c, "w", nn_shape1(4), NN_INIT_HE, 1, NULL);
    assert_int_equal(nn_model_copy(c, a, &error), NN_OK);
    assert_memory_equal(nn_param_values(cw), nn_param_values(aw), 4 * sizeof(nn_real));
    nn_model_free(a);
    nn_model_free(b);
    nn_model_free(c);
}

/* The same network over a model with values and one without. */
static nn_node *build(nn_graph *graph)
{
    nn_recurrent_layer_args args = {.forget_bias = 1};
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape2(3, 4));
    x = nn_sinusoidal_positions(graph, "positions", x);
    x = nn_lstm_layer(graph, "lstm", x, 6, args);
    return nn_dense(graph, "dense", nn_flatten(graph, x), 2, NN_INIT_HE);
}

static void an_outline_has_shapes_and_no_values(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    nn_model *full = nn_model_new(1), *outline = nn_model_outline();
    nn_graph *first = nn_graph_new(full), *second = nn_graph_new(outline);
    build(first);
    nn_node *root = nn_mean(second, build(second));
    assert_int_equal(nn_graph_error(second, &error), NN_OK);
    assert_true(nn_model_is_outline(outline) && !nn_model_is_outline(full));
    assert_int_equal(nn_model_parameters(outline), nn_model_parameters(full));
    assert_int_equal(nn_model_count(outline), nn_model_count(full));
    for (int i = 0; i < nn_model_count(full); i++) {
        assert_null(nn_param_values(nn_model_at(outline, i)));
        assert_string_equal(nn_param_name(nn_model_at(outline, i)),
                            nn_param_name(nn_model_at(full, i)));
    }
    assert_null(nn_compile(second, root, NULL, 0, NULL, (nn_exec_args){.batch = 1}, &error));
    assert_non_null(strstr(error.text, "outline"));
    assert_null(nn_optimizer_new(outline, (nn_optimizer_args){.kind = NN_ADAM}, &error));
    assert_non_null(strstr(error.text, "outline"));
    assert_int_equal(nn_model_copy(outline, full, &error), NN_E_ARG);
    assert_int_equal(nn_model_copy(full, outline, &error), NN_E_ARG);
    nn_graph_free(first);
    nn_graph_free(second);
    nn_model_free(full);
    nn_model_free(outline);
}

static void an_outline_may_be_larger_than_memory(void **state)
{
    (void)state;
    nn_model *outline = nn_model_outline();
    nn_param *large =
        nn_model_param(outline, "large", nn_shape2(1 << 20, 1 << 20), NN_INIT_HE, 1, NULL);
    assert_non_null(large);
    assert_int_equal(nn_model_parameters(outline), INT64_C(1) << 40);
    nn_model_free(outline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_count_and_refuse_what_is_too_large),
        cmocka_unit_test(failures_carry_code_and_one_line),
        cmocka_unit_test(values_depend_on_seed_and_name_alone),
        cmocka_unit_test(rules_give_the_spread_they_promise),
        cmocka_unit_test(names_are_unique_and_shapes_must_agree),
        cmocka_unit_test(parts_know_what_they_are),
        cmocka_unit_test(a_copy_is_whole_or_refused),
        cmocka_unit_test(an_outline_has_shapes_and_no_values),
        cmocka_unit_test(an_outline_may_be_larger_than_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
