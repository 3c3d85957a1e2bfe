/* The verdict on a ladder of errors: a table of cases, noise, and words that do not flicker. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/run_fixture.h"
#include "ui/panels/verdict.h"

#include <math.h>
#include <string.h>

static error_ladder ladder(double human, double train, double train_dev, double dev, double test)
{
    return (error_ladder){human, train, train_dev, dev, test, 50000, 5000, 5000, 10000, 10};
}

static void one_verdict_for_each_ladder(void **given)
{
    (void)given;
    const struct {
        double human, train, train_dev, dev, test;
        verdict_kind kind;
        int chapter;
    } cases[] = {
        /* The four-row table of chapter 12. */
        {0.005, 0.01, NAN, 0.11, NAN, VERDICT_VARIANCE, 13},
        {0.005, 0.15, NAN, 0.16, NAN, VERDICT_BIAS, 12},
        {0.005, 0.15, NAN, 0.25, NAN, VERDICT_BIAS, 12},
        {0.005, 0.005, NAN, 0.01, NAN, VERDICT_GOOD, 12},
        /* The same 15 % where people do no better: nothing is avoidable. */
        {0.15, 0.15, NAN, 0.16, NAN, VERDICT_GOOD, 12},
        /* Without a human level half of the train error counts. */
        {NAN, 0.10, NAN, 0.12, NAN, VERDICT_BIAS, 12},
        {NAN, 0.05, NAN, 0.12, NAN, VERDICT_VARIANCE, 13},
        /* Chapter 26, cases A and B; and equal errors, which are no mismatch. */
        {0.0, 0.01, 0.09, 0.10, NAN, VERDICT_VARIANCE, 13},
        {0.0, 0.01, 0.015, 0.10, NAN, VERDICT_MISMATCH, 26},
        {0.01, 0.01, 0.01, 0.01, NAN, VERDICT_GOOD, 12},
        {0.01, 0.02, NAN, 0.03, 0.12, VERDICT_DEV_OVERFIT, 11},
        {0.01, 0.89, NAN, 0.90, NAN, VERDICT_NOT_LEARNING, 20},
        {0.01, NAN, NAN, NAN, NAN, VERDICT_WAIT, 0},
        {0.01, 0.02, NAN, NAN, NAN, VERDICT_WAIT, 0},
        /* Dev better than train (dropout is on in training): no variance. */
        {0.04, 0.05, NAN, 0.02, NAN, VERDICT_BIAS, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error_ladder e =
            ladder(cases[i].human, cases[i].train, cases[i].train_dev, cases[i].dev, cases[i].test);
        verdict v = verdict_of(&e, VERDICT_WAIT);
        if (v.kind != cases[i].kind || v.chapter != cases[i].chapter)
            fail_msg("case %zu: verdict %d (%s), chapter %d; expected %d, chapter %d", i, v.kind,
                     v.what, v.chapter, cases[i].kind, cases[i].chapter);
        assert_true(v.what[0] && v.why[0]);
        assert_true(v.kind == VERDICT_WAIT || v.advice[0]);
    }
}

static void the_size_of_the_dev_part_counts(void **given)
{
    (void)given;
    error_ladder e = ladder(0.05, 0.05, NAN, 0.09, NAN);
    assert_int_equal(verdict_of(&e, VERDICT_WAIT).kind, VERDICT_VARIANCE);
    e.dev_count = 100; /* 9 mistakes against 5: chance does that */
    assert_int_equal(verdict_of(&e, VERDICT_WAIT).kind, VERDICT_GOOD);
    assert_true(fabs(verdict_noise(0.1, 900) - 1.96 * 0.01) < 1e-12);
    assert_true(verdict_noise(0.1, 0) == 0);
    assert_true(verdict_noise(NAN, 10) == 0);
}

/* Two gaps of about the same size take turns being larger: the words stay. */
static void words_do_not_flicker(void **given)
{
    (void)given;
    verdict_kind kind = VERDICT_WAIT;
    int changes = 0;
    for (int epoch = 0; epoch < 40; epoch++) {
        double tilt = epoch % 2 ? 0.006 : -0.006;
        error_ladder e = ladder(0.0, 0.06 + tilt, NAN, 0.125, NAN);
        verdict_kind next = verdict_of(&e, kind).kind;
        changes += next != kind;
        kind = next;
    }
    assert_int_equal(changes, 1);
    error_ladder clear = ladder(0.0, 0.02, NAN, 0.125, NAN);
    assert_int_equal(verdict_of(&clear, VERDICT_BIAS).kind, VERDICT_VARIANCE);
}

static void a_run_is_judged_by_its_epochs(void **given)
{
    (void)given;
    run_view *run = fixture_finished();
    verdict v = verdict_of_run(run);
    assert_int_equal(v.kind, VERDICT_VARIANCE);
    /* The test error is of the best epoch's weights: so are the others. */
    int best = run->row.best_epoch;
    assert_in_range(best, 1, 9);
    assert_true(verdict_of_best(run));
    assert_true(fabs(v.bias.size - (0.05 + 0.35 * exp(-best * 0.5) - 0.012)) < 1e-9);
    assert_true(fabs(v.overfit.size - (0.19 - run->row.best_dev_error)) < 1e-9);
    assert_non_null(strstr(v.why, "Dev error"));
    run_view_free(run);
    run = fixture_empty();
    assert_int_equal(verdict_of_run(run).kind, VERDICT_WAIT);
    run_view_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_verdict_for_each_ladder),
        cmocka_unit_test(the_size_of_the_dev_part_counts),
        cmocka_unit_test(words_do_not_flicker),
        cmocka_unit_test(a_run_is_judged_by_its_epochs),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
