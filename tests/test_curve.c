/* Curves against brute force: the pyramid must say what a scan of all points says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/run_view.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* A small generator of our own, so that failures repeat. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static double random_value(uint64_t *state)
{
    uint64_t kind = next_random(state) % 16;
    if (kind == 0)
        return NAN;
    if (kind == 1)
        return INFINITY;
    return (double)(next_random(state) % 2000) / 100 - 10;
}

static curve_range brute_force(const double *x, const double *y, int64_t n, double x0, double x1)
{
    curve_range r = {NAN, NAN, NAN, NAN, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        if (x[i] < x0 || x[i] >= x1)
            continue;
        if (!isfinite(y[i])) {
            r.bad++;
            continue;
        }
        r.min = fmin(r.min, y[i]);
        r.max = fmax(r.max, y[i]);
        if (r.count == 0)
            r.first = y[i];
        r.last = y[i];
        r.count++;
    }
    return r;
}

static void assert_same(double a, double b)
{
    if (isnan(a) || isnan(b))
        assert_true(isnan(a) && isnan(b));
    else
        assert_true(a == b);
}

static void assert_same_range(curve_range a, curve_range b)
{
    assert_int_equal(a.count, b.count);
    assert_int_equal(a.bad, b.bad);
    assert_same(a.min, b.min);
    assert_same(a.max, b.max);
    assert_same(a.first, b.first);
    assert_same(a.last, b.last);
}

enum { MOST = 3000 };

static void check_random_ranges(const curve *c, const double *x, const double *y, int64_t n,
                                uint64_t *state)
{
    for (int trial = 0; trial < 60; trial++) {
        double x0 = (double)(next_random(state) % 9000) / 2 - 100;
        double x1 = x0 + (double)(next_random(state) % 6000) / 2 - 50;
        assert_same_range(curve_over(c, x0, x1), brute_force(x, y, n, x0, x1));
    }
    assert_same_range(curve_over(c, -INFINITY, INFINITY),
                      brute_force(x, y, n, -INFINITY, INFINITY));
}

static void ranges_equal_brute_force(void **given)
{
    (void)given;
    static double x[MOST], y[MOST];
    uint64_t state = 7;
    for (int round = 0; round < 40; round++) {
        curve *c = curve_new();
        assert_non_null(c);
        int64_t n = (int64_t)(next_random(&state) % MOST);
        double at = 0;
        for (int64_t i = 0; i < n; i++) {
            at += (double)(next_random(&state) % 3); /* some steps twice, some left out */
            x[i] = at;
            y[i] = random_value(&state);
            assert_true(curve_add(c, x[i], y[i]));
        }
        assert_int_equal(curve_count(c), n);
        check_random_ranges(c, x, y, n, &state);
        /* Cut, and grow again: the tail of every level must follow. */
        double cut = (double)(next_random(&state) % 4000);
        curve_cut(c, cut);
        while (n > 0 && x[n - 1] > cut)
            n--;
        assert_int_equal(curve_count(c), n);
        check_random_ranges(c, x, y, n, &state);
        for (at = cut; n < MOST && next_random(&state) % 500 != 0; n++) {
            at += 1;
            x[n] = at;
            y[n] = random_value(&state);
            assert_true(curve_add(c, x[n], y[n]));
        }
        check_random_ranges(c, x, y, n, &state);
        curve_free(c);
    }
}

static void points_and_positions(void **given)
{
    (void)given;
    curve *c = curve_new();
    double x, y;
    curve_point(c, 0, &x, &y);
    assert_true(isnan(x) && isnan(y));
    assert_false(curve_last(c, &x, &y));
    curve_add(c, 1, 5);
    curve_add(c, 4, NAN);
    curve_add(c, 3, 9);   /* out of order: no place on the axis */
    curve_add(c, NAN, 9); /* neither has this */
    assert_int_equal(curve_count(c), 2);
    assert_int_equal(curve_at(c, -1), 0);
    assert_int_equal(curve_at(c, 1), 0);
    assert_int_equal(curve_at(c, 1.5), 1);
    assert_int_equal(curve_at(c, 5), 2);
    assert_true(curve_last(c, &x, &y));
    assert_true(x == 1 && y == 5);
    curve_cut(c, 0);
    assert_int_equal(curve_count(c), 0);
    curve_free(c);
    assert_int_equal(curve_count(NULL), 0);
}

static void a_spike_is_seen_at_every_zoom(void **given)
{
    (void)given;
    enum { POINTS = 100000, SPIKE = 61803 };
    curve *c = curve_new();
    for (int i = 0; i < POINTS; i++)
        curve_add(c, i, i == SPIKE ? 99 : 1);
    for (int columns = 1; columns <= 512; columns *= 2) {
        int seen = 0;
        for (int k = 0; k < columns; k++) {
            double width = (double)POINTS / columns;
            curve_range r = curve_over(c, k * width, (k + 1) * width);
            seen += r.max == 99;
            assert_true(r.min == 1);
        }
        assert_int_equal(seen, 1);
    }
    curve_free(c);
}

static void smoothing_is_the_debiased_mean(void **given)
{
    (void)given;
    curve *c = curve_new();
    double average = 0;
    const double beta = 1 - 1.0 / 10;
    for (int i = 1; i <= 500; i++) {
        double value = i == 200 ? NAN : sin(i) + 3;
        curve_add(c, i, value);
        const curve *smooth = curve_smooth(c, 10); /* grows with its source */
        assert_int_equal(curve_count(smooth), i);
        double x, y;
        curve_point(smooth, i - 1, &x, &y);
        if (isnan(value)) {
            assert_true(isnan(y));
            continue;
        }
        average = beta * average + (1 - beta) * value;
        int seen = i > 200 ? i - 1 : i;
        assert_true(fabs(y - average / (1 - pow(beta, seen))) < 1e-9);
    }
    assert_ptr_equal(curve_smooth(c, 0), c);
    curve_cut(c, 100);
    assert_int_equal(curve_count(curve_smooth(c, 10)), 100);
    curve_add(c, 101, 1);
    assert_int_equal(curve_count(curve_smooth(c, 50)), 101);
    curve_free(c);
}

/* A redraw asks once a dot column. A million points must not be felt: it takes under a millisecond,
 * and the limit here is wide enough for a busy machine with sanitizers. */
static void a_million_points_redraw_at_once(void **given)
{
    (void)given;
    curve *c = curve_new();
    for (int i = 0; i < 1000000; i++)
        assert_true(curve_add(c, i, i % 977));
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    double sum = 0;
    for (int frame = 0; frame < 10; frame++)
        for (int k = 0; k < 400; k++)
            sum += curve_over(c, k * 2500.0 + 0.5, (k + 1) * 2500.0 + 0.5).max;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    assert_true(sum == 10 * 400 * 976.0);
    assert_true(seconds < 2);
    curve_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_equal_brute_force),
        cmocka_unit_test(points_and_positions),
        cmocka_unit_test(a_spike_is_seen_at_every_zoom),
        cmocka_unit_test(smoothing_is_the_debiased_mean),
        cmocka_unit_test(a_million_points_redraw_at_once),
    };
    return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}
