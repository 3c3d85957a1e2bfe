/* What the errors of a project say. */
#include "engine/strategy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void the_first_gap_comes_before_wider_ones(void **state)
{
    (void)state;
    const double ladder[] = {0.01, 0.05, 0.30, 0.31};
    assert_int_equal(nn_first_gap(ladder, COUNT(ladder), 0.02), 1);
    assert_int_equal(nn_wide_gaps(ladder, COUNT(ladder), 0.02), 3);
    assert_int_equal(nn_first_gap(ladder, COUNT(ladder), 0.10), 2);
    assert_int_equal(nn_first_gap(ladder, COUNT(ladder), 0.50), 0);
    assert_int_equal(nn_wide_gaps(ladder, COUNT(ladder), 0.50), 0);
}

static void errors_that_fall_are_no_gap(void **state)
{
    (void)state;
    const double ladder[] = {0.30, 0.10, 0.05};
    assert_int_equal(nn_first_gap(ladder, COUNT(ladder), 0), 0);
    double gaps[2];
    nn_error_gaps(ladder, COUNT(ladder), gaps);
    assert_true(fabs(gaps[0] + 0.20) < 1e-12 && fabs(gaps[1] + 0.05) < 1e-12);
}

static void unknown_errors_are_beside_no_wide_gap(void **state)
{
    (void)state;
    const double ladder[] = {0.01, NAN, 0.30, 0.50};
    assert_int_equal(nn_wide_gaps(ladder, COUNT(ladder), 0.02), 4);
    assert_int_equal(nn_first_gap(ladder, COUNT(ladder), 0.02), 3);
    assert_int_equal(nn_first_gap(ladder, 1, 0.02), 0);
}

static void an_error_counts_under_all_its_tags(void **state)
{
    (void)state;
    const uint32_t tags[] = {1, 2, 3, 2, 0};
    int64_t counts[3];
    nn_count_tags(tags, COUNT(tags), 3, counts);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 3);
    assert_int_equal(counts[2], 0);
}

static void a_ceiling_is_scaled_to_all_examples(void **state)
{
    (void)state;
    assert_true(fabs(nn_ceiling(60, 100, 1000, 10000) - 0.06) < 1e-12);
    assert_true(nn_ceiling(0, 0, 1000, 10000) == 0);
    assert_true(nn_ceiling(0, 1, 0, 0) == 0);
}

static void nothing_is_lost_in_sharing(void **state)
{
    (void)state;
    nn_error error;
    int64_t given[3];
    assert_int_equal(nn_share_out(10, (const double[]){1, 1, 1}, 3, given, &error), NN_OK);
    assert_int_equal(given[0], 4);
    assert_int_equal(given[1], 3);
    assert_int_equal(given[2], 3);
    for (int64_t count = 0; count < 200; count++) {
        const double weights[] = {0.98, 0.01, 0.01};
        assert_int_equal(nn_share_out(count, weights, 3, given, &error), NN_OK);
        assert_int_equal(given[0] + given[1] + given[2], count);
        for (int i = 0; i < 3; i++)
            assert_true(fabs((double)given[i] - (double)count * weights[i]) < 1);
    }
    assert_int_equal(nn_share_out(5, (const double[]){0, 1, 0}, 3, given, &error), NN_OK);
    assert_int_equal(given[1], 5);
}

static void impossible_shares_are_refused(void **state)
{
    (void)state;
    nn_error error;
    int64_t given[2];
    assert_int_equal(nn_share_out(10, (const double[]){1, -1}, 2, given, &error), NN_E_ARG);
    assert_int_equal(nn_share_out(10, (const double[]){1, NAN}, 2, given, &error), NN_E_ARG);
    assert_int_equal(nn_share_out(10, (const double[]){0, 0}, 2, given, &error), NN_E_ARG);
    assert_int_equal(nn_share_out(-1, (const double[]){1, 1}, 2, given, &error), NN_E_ARG);
    assert_int_equal(nn_share_out(10, (const double[]){1, 1}, 0, given, &error), NN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_gap_comes_before_wider_ones),
        cmocka_unit_test(errors_that_fall_are_no_gap),
        cmocka_unit_test(unknown_errors_are_beside_no_wide_gap),
        cmocka_unit_test(an_error_counts_under_all_its_tags),
        cmocka_unit_test(a_ceiling_is_scaled_to_all_examples),
        cmocka_unit_test(nothing_is_lost_in_sharing),
        cmocka_unit_test(impossible_shares_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
