/* The gaps of a run, which of them are real, slices, and one class at a threshold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/example_fixture.h"
#include "tests/run_fixture.h"
#include "ui/diagnosis.h"
#include "ui/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_links(void **state)
{
    (void)state;
    run_view *view = fixture_finished();
    diagnosis d = diagnose(view);
    for (int i = 0; i < DIAGNOSIS_LINKS; i++) {
        const diagnosis_link *link = &d.links[i];
        bool real = link->size - link->noise >= 0.004;
        assert_int_equal(link->state == LINK_REAL, real);
        if (isnan(link->size))
            assert_int_equal(link->state, LINK_UNKNOWN);
        assert_non_null(link->tools[0]);
        if (real)
            assert_true(d.next >= 0 && d.next <= i);
    }
    assert_true(isnan(d.rungs[2].error)); /* no train-dev part */
    assert_int_equal(d.links[2].state, LINK_UNKNOWN);
    for (int i = 1; i < DIAGNOSIS_RUNGS; i++)
        if (!isnan(d.rungs[i].low))
            assert_true(d.rungs[i].low <= d.rungs[i].error && d.rungs[i].error <= d.rungs[i].high);
    assert_int_equal(d.verdict.kind, verdict_of_run(view).kind);
    assert_non_null(strstr(diagnosis_rule(), "chapter 22"));
    run_view_free(view);
    view = fixture_empty();
    d = diagnose(view);
    assert_int_equal(d.next, -1);
    run_view_free(view);
}

static void test_human_level(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    nn_dataset *digits = fixture_digits(0);
    run_id run = fixture_answers(r, "one", digits, 4);
    store *s = open_store(place);
    char content[EXAMPLE_CONTENT];
    double share;
    assert_int_equal(store_run_content(s, run, content, &error), NN_OK);
    assert_int_equal(store_human_error(s, content, &share, &error), NN_OK);
    assert_true(isnan(share));
    assert_int_equal(recorder_human_error(r, content, 1.5, &error), NN_E_ARG);
    assert_int_equal(recorder_human_error(r, content, .02, &error), NN_OK);
    run_view *view = run_view_new();
    assert_non_null(view);
    assert_int_equal(run_view_load(view, s, run, &error), NN_OK);
    assert_float_equal(view->human_error, .02, 0);
    run_view_free(view);
    assert_int_equal(recorder_human_error(r, content, (double)NAN, &error), NN_OK);
    assert_int_equal(store_human_error(s, content, &share, &error), NN_OK);
    assert_true(isnan(share));
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

/* Every quality of slice covers all examples once, and the classes carry the errors they have. */
static void test_slices(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    nn_dataset *digits = fixture_digits(0);
    int64_t count = nn_dataset_count(digits, NN_DEV);
    int *answers_made = calloc((size_t)count, sizeof *answers_made);
    assert_non_null(answers_made);
    for (int64_t i = 0; i < count; i++) { /* every 8 is taken for a 3 */
        int truth = nn_dataset_label(digits, NN_DEV, i);
        answers_made[i] = truth == 8 ? 3 : truth;
    }
    run_id run = fixture_dev_answers(r, "eights", digits, answers_made);
    store *s = open_store(place);
    example_book *book = example_book_open(s, run, NN_DEV, &error);
    assert_non_null(book);
    slices found;
    assert_int_equal(slices_make(book, digits, &found, &error), NN_OK);
    int64_t by_class = 0, by_light = 0;
    for (int i = 0; i < found.count; i++) {
        by_class += strcmp(found.list[i].kind, "class") == 0 ? found.list[i].count : 0;
        by_light += strcmp(found.list[i].kind, "brightness") == 0 ? found.list[i].count : 0;
        if (i > 0)
            assert_true(found.list[i].low <= found.list[i - 1].low);
    }
    assert_int_equal(by_class, count);
    assert_int_equal(by_light, count);
    assert_string_equal(found.list[0].kind, "class");
    assert_string_equal(found.list[0].name, "8");
    assert_int_equal(found.list[0].errors, book->errors);
    assert_float_equal(found.list[0].error, 1, 0);
    assert_true(found.list[0].real);
    slices_free(&found);

    /* One of ten classes needs more than what the store keeps. */
    threshold_report report = {.threshold = .5, .beta = 1};
    assert_int_equal(threshold_judge(book, NULL, 8, &report, &error), NN_E_ARG);
    answers all = {.count = count, .classes = 10};
    all.probability = calloc((size_t)count * 10, sizeof *all.probability);
    assert_non_null(all.probability);
    for (int64_t i = 0; i < count; i++) /* 8 gets .4 where it is one, else .1 */
        all.probability[i * 10 + 8] = nn_dataset_label(digits, NN_DEV, i) == 8 ? .4f : .1f;
    report.false_positive_cost = 1;
    report.false_negative_cost = 5;
    assert_int_equal(threshold_judge(book, &all, 8, &report, &error), NN_OK);
    assert_float_equal(report.recall, 0, 0); /* at .5 nothing is called an 8 */
    assert_float_equal(report.cost, 5 * (double)report.positives, 1e-9);
    assert_float_equal(report.best_f_beta, 1, 1e-12);
    assert_float_equal(report.best_threshold, .4, 1e-6);
    assert_float_equal(report.least_cost, 0, 1e-9);
    assert_float_equal(report.roc_area, 1, 1e-12);
    assert_float_equal(report.average_precision, 1, 1e-12);
    threshold_free(&report);
    assert_int_equal(threshold_judge(book, &all, 10, &report, &error), NN_E_ARG);
    answers_free(&all);
    example_book_free(book);
    free(answers_made);
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        IN_PLACE(test_human_level),
        IN_PLACE(test_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
