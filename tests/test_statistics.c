/* Tests and intervals against slow, independent ways to the same numbers. */
#include "engine/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_close(double got, double expected, double most)
{
    if (!(fabs(got - expected) <= most))
        fail_msg("%.15g, expected %.15g within %g", got, expected, most);
}

/* Pascal's triangle instead of gamma functions. */
static double plain_binomial(int few, int n)
{
    double row[64] = {1};
    for (int i = 1; i <= n; i++)
        for (int k = i; k > 0; k--)
            row[k] = (row[k] + row[k - 1]);
    double sum = 0, all = 0;
    for (int k = 0; k <= n; k++) {
        all += row[k];
        sum += k <= few ? row[k] : 0;
    }
    return fmin(1, 2 * sum / all);
}

static void mcnemar_of_few_is_exact(void **state)
{
    (void)state;
    for (int b = 0; b <= 20; b++)
        for (int c = 0; c <= 20; c++) {
            nn_mcnemar_test test = nn_mcnemar(b, c);
            assert_true(test.exact);
            assert_close(test.p, b + c ? plain_binomial(b < c ? b : c, b + c) : 1, 1e-12);
        }
    assert_close(nn_mcnemar(1, 9).p, 22. / 1024, 1e-14);
    assert_close(nn_mcnemar(0, 1000).p, 0, 1e-300);
}

/* The normal density integrated by Simpson's rule. */
static double plain_two_sided(double z)
{
    enum { PARTS = 20000 };
    double sum = 0, width = (12 - z) / PARTS;
    for (int i = 0; i <= PARTS; i++) {
        double x = z + i * width;
        sum += exp(-x * x / 2) * (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2);
    }
    return 2 * sum * width / 3 / sqrt(2 * acos(-1.));
}

static void mcnemar_of_many_is_chi_square(void **state)
{
    (void)state;
    nn_mcnemar_test test = nn_mcnemar(1100, 1250);
    assert_false(test.exact);
    assert_close(test.statistic, 149. * 149 / 2350, 1e-12);
    assert_close(test.p, plain_two_sided(149 / sqrt(2350.)), 1e-9);
    test = nn_mcnemar(2000, 2000);
    assert_close(test.p, 1, 1e-15);
    /* Both ways agree where they meet. */
    assert_close(nn_mcnemar(470, 530).p, nn_mcnemar(471, 530).p, 0.01);
}

/* Whether `pairs` lets the true difference be where it is. */
static bool holds(nn_pairs pairs, double truth)
{
    nn_interval i = nn_paired_difference(pairs, NN_Z95);
    return i.low <= truth && truth <= i.high;
}

/* The probability, over every possible outcome of 30 pairs, that the interval holds the truth. */
static double coverage(const double share[4])
{
    enum { N = 30 };
    double sum = 0;
    for (int a = 0; a <= N; a++)
        for (int b = 0; a + b <= N; b++)
            for (int c = 0; a + b + c <= N; c++) {
                int d = N - a - b - c;
                double log_p = lgamma(N + 1) - lgamma(a + 1) - lgamma(b + 1) - lgamma(c + 1) -
                               lgamma(d + 1) + a * log(share[0]) + b * log(share[1]) +
                               c * log(share[2]) + d * log(share[3]);
                if (holds((nn_pairs){a, b, c, d}, share[1] - share[2]))
                    sum += exp(log_p);
            }
    return sum;
}

static void paired_intervals_cover(void **state)
{
    (void)state;
    const double shares[][4] = {
        {.7, .1, .1, .1}, {.8, .12, .03, .05}, {.5, .05, .15, .3}, {.25, .25, .25, .25}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double covered = coverage(shares[i]);
        if (covered < .93 || covered > .99)
            fail_msg("case %zu: covered with probability %g", i, covered);
    }
}

/* Of many examples it is the normal interval of the mean of the paired differences. */
static void paired_intervals_agree_with_the_normal(void **state)
{
    (void)state;
    nn_pairs pairs = {900000, 20000, 30000, 50000};
    nn_interval i = nn_paired_difference(pairs, NN_Z95);
    double mean = -.01, variance = .05 - .01 * .01;
    double half = NN_Z95 * sqrt(variance / 1e6);
    assert_close(i.low, mean - half, 2e-5);
    assert_close(i.high, mean + half, 2e-5);
    /* Who is first changes only the sign. */
    nn_interval back = nn_paired_difference((nn_pairs){900000, 30000, 20000, 50000}, NN_Z95);
    assert_close(back.low, -i.high, 1e-15);
    assert_close(back.high, -i.low, 1e-15);
}

static void differences_stay_defined_at_the_edges(void **state)
{
    (void)state;
    nn_interval i = nn_paired_difference((nn_pairs){0}, NN_Z95);
    assert_true(i.low == -1 && i.high == 1);
    i = nn_paired_difference((nn_pairs){.both_right = 50}, NN_Z95);
    assert_true(i.low < 0 && i.high > 0 && i.high < .1);
    i = nn_paired_difference((nn_pairs){.only_first = 10}, NN_Z95);
    assert_true(i.low > .5 && i.high == 1);
    i = nn_difference(0, 0, 1, 2, NN_Z95);
    assert_true(i.low == -1 && i.high == 1);
}

/* Newcombe 1998, table II: 56/70 and 48/80 differ by 0.2, 0.0524 to 0.3339. */
static void independent_shares_as_published(void **state)
{
    (void)state;
    nn_interval i = nn_difference(48, 80, 56, 70, NN_Z95);
    assert_close(i.low, 0.0524, 5e-5);
    assert_close(i.high, 0.3339, 5e-5);
}

static void bootstrap_agrees_with_theory(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    double differences[COUNT];
    nn_interval a, b;
    nn_error error = {0};
    double mean = 0, square = 0;
    for (int i = 0; i < COUNT; i++) {
        differences[i] = i % 10 == 0 ? 1 : i % 25 == 1 ? -1 : 0;
        mean += differences[i] / COUNT;
        square += differences[i] * differences[i] / COUNT;
    }
    double half = NN_Z95 * sqrt((square - mean * mean) / COUNT);
    assert_int_equal(nn_paired_bootstrap(differences, COUNT, 4000, 7, .95, &a, &error), NN_OK);
    assert_close(a.low, mean - half, half / 8);
    assert_close(a.high, mean + half, half / 8);
    assert_int_equal(nn_paired_bootstrap(differences, COUNT, 4000, 7, .95, &b, &error), NN_OK);
    assert_true(a.low == b.low && a.high == b.high);
    assert_int_equal(nn_paired_bootstrap(differences, COUNT, 4000, 8, .95, &b, &error), NN_OK);
    assert_true(a.low != b.low || a.high != b.high);
}

static void bootstrap_refuses(void **state)
{
    (void)state;
    double differences[3] = {0, 1, (double)NAN};
    nn_interval i;
    nn_error error = {0};
    assert_int_equal(nn_paired_bootstrap(differences, 1, 1000, 1, .95, &i, &error), NN_E_ARG);
    assert_int_equal(nn_paired_bootstrap(differences, 2, 99, 1, .95, &i, &error), NN_E_ARG);
    assert_int_equal(nn_paired_bootstrap(differences, 2, 1000, 1, 95, &i, &error), NN_E_ARG);
    assert_int_equal(nn_paired_bootstrap(differences, 3, 1000, 1, .95, &i, &error), NN_E_NONFINITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mcnemar_of_few_is_exact),
        cmocka_unit_test(mcnemar_of_many_is_chi_square),
        cmocka_unit_test(paired_intervals_cover),
        cmocka_unit_test(paired_intervals_agree_with_the_normal),
        cmocka_unit_test(differences_stay_defined_at_the_edges),
        cmocka_unit_test(independent_shares_as_published),
        cmocka_unit_test(bootstrap_agrees_with_theory),
        cmocka_unit_test(bootstrap_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
