/* The samplers on functions whose best value is known, and the properties each of them promises.
 * Everything is a pure function of its seed, so nothing here can come out differently twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/search/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 15, TRIALS = 60, HISTORY = 400 };

static nn_space *parse(const char *text)
{
    nn_error error = {0};
    nn_space *space = nn_space_parse(text, &error);
    if (!space)
        fail_msg("%s", error.text);
    return space;
}

static nn_point next(const nn_space *space, const nn_sampler *sampler,
                     const nn_trial_record *history, int count, int number)
{
    nn_error error = {0};
    nn_point point;
    if (nn_sampler_next(space, sampler, history, count, number, &point, &error) != NN_OK)
        fail_msg("%s", error.text);
    return point;
}

/* --- functions with a known minimum ------------------------------------------------------------
 */

typedef struct {
    const char *name, *space;
    double (*f)(const nn_point *x);
    double least;
} problem;

static double quadratic(const nn_point *x)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (x->value[i] - 0.3) * (x->value[i] - 0.3);
    return sum;
}

/* Branin 1972, as in Dixon and Szego 1978. */
static double branin(const nn_point *x)
{
    double a = x->value[0], b = x->value[1], pi = 3.14159265358979;
    double bow = b - 5.1 / (4 * pi * pi) * a * a + 5 / pi * a - 6;
    return bow * bow + 10 * (1 - 1 / (8 * pi)) * cos(a) + 10;
}

/* Hartmann 1973 in six dimensions, as in Dixon and Szego 1978. */
static double hartmann6(const nn_point *x)
{
    static const double c[4] = {1, 1.2, 3, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {0.05, 10, 17, 0.1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                                   {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                                   {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                                   {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double distance = 0;
        for (int j = 0; j < 6; j++)
            distance += a[i][j] * (x->value[j] - p[i][j]) * (x->value[j] - p[i][j]);
        sum -= c[i] * exp(-distance);
    }
    return sum;
}

/* Words, whole numbers, logarithms and a parameter that is there for one word only. */
static double mixed(const nn_point *x)
{
    static const double of_word[] = {0.5, 0.2, 0, 0.7};
    double rate = log10(x->value[0]) + 2.5, layers = x->value[2] - 3;
    double sum = of_word[(int)x->value[1]] + rate * rate + 0.2 * layers * layers;
    if (!isnan(x->value[3]))
        sum += 3 * fabs(log10(1 - x->value[3]) + 1.5);
    return sum;
}

static const problem problems[] = {
    {"quadratic", "a=uniform(-1,1) b=uniform(-1,1) c=uniform(-1,1) d=uniform(-1,1)", quadratic, 0},
    {"branin", "x=uniform(-5,10) y=uniform(0,15)", branin, 0.397887},
    {"hartmann6",
     "a=uniform(0,1) b=uniform(0,1) c=uniform(0,1) d=uniform(0,1) e=uniform(0,1) f=uniform(0,1)",
     hartmann6, -3.32237},
    {"mixed",
     "lr=log(1e-5,1) optimizer=choice(sgd,adam,momentum,rmsprop) layers=int(1,8) "
     "momentum=beta(.5,.999) if optimizer=momentum",
     mixed, 0},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* How far the best of `trials` trials is from the minimum. */
static double regret(const problem *p, const nn_space *space, nn_sampler sampler, int trials)
{
    nn_trial_record history[HISTORY];
    double best = HUGE_VAL;
    for (int i = 0; i < trials; i++) {
        nn_point x = next(space, &sampler, history, i, i);
        history[i] =
            (nn_trial_record){.point = x, .outcome = NN_TRIAL_FINISHED, .objective = p->f(&x)};
        best = fmin(best, history[i].objective);
    }
    return best - p->least;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_regret(const problem *p, nn_sampler_kind kind, int trials)
{
    double found[SEEDS];
    nn_space *space = parse(p->space);
    for (int seed = 0; seed < SEEDS; seed++)
        found[seed] = regret(p, space, (nn_sampler){kind, (uint64_t)seed + 1, trials}, trials);
    nn_space_free(space);
    qsort(found, SEEDS, sizeof *found, compare);
    return found[SEEDS / 2];
}

static void tpe_beats_random(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++) {
        double of_random = median_regret(&problems[i], NN_SAMPLER_RANDOM, TRIALS);
        double of_tpe = median_regret(&problems[i], NN_SAMPLER_TPE, TRIALS);
        print_message("%-10s median regret after %d trials: random %.4g, tpe %.4g, sobol %.4g, "
                      "zoom %.4g, grid %.4g\n",
                      problems[i].name, TRIALS, of_random, of_tpe,
                      median_regret(&problems[i], NN_SAMPLER_SOBOL, TRIALS),
                      median_regret(&problems[i], NN_SAMPLER_ZOOM, TRIALS),
                      median_regret(&problems[i], NN_SAMPLER_GRID, 16));
        assert_true(of_tpe < of_random);
    }
}

/* Workers that cannot see each other's results yet must not all try the same. */
static void tpe_workers_spread(void **state)
{
    (void)state;
    const problem *p = &problems[1];
    nn_space *space = parse(p->space);
    nn_sampler sampler = {NN_SAMPLER_TPE, 3, TRIALS};
    nn_trial_record history[HISTORY];
    int count = 0;
    for (; count < 30; count++) {
        nn_point x = next(space, &sampler, history, count, count);
        history[count] = (nn_trial_record){x, NN_TRIAL_FINISHED, p->f(&x), 1};
    }
    double nearest = HUGE_VAL;
    for (int i = 0; i < 8; i++, count++)
        history[count] =
            (nn_trial_record){next(space, &sampler, history, count, count), NN_TRIAL_OPEN, NAN, 0};
    for (int i = 30; i < count; i++)
        for (int j = 30; j < i; j++) {
            const double *x = history[i].point.value, *y = history[j].point.value;
            nearest = fmin(nearest, hypot((x[0] - y[0]) / 15, (x[1] - y[1]) / 15));
        }
    assert_true(nearest > 1e-4);
    nn_space_free(space);
}

/* Trials that fail in one half teach TPE to stay in the other. */
static void tpe_leaves_what_fails(void **state)
{
    (void)state;
    nn_space *space = parse("lr=log(1e-4,1)");
    nn_sampler sampler = {NN_SAMPLER_TPE, 5, 50};
    nn_trial_record history[50];
    int failed = 0;
    for (int i = 0; i < 50; i++) {
        nn_point x = next(space, &sampler, history, i, i);
        bool fails = x.value[0] > 0.01;
        history[i] = (nn_trial_record){x, fails ? NN_TRIAL_FAILED : NN_TRIAL_FINISHED,
                                       fails ? NAN : fabs(log10(x.value[0]) + 2.5), 1};
        failed += i >= 20 && fails;
    }
    assert_in_range(failed, 0, 8); /* of 30, where a random search has 15 */
    nn_space_free(space);
}

static void proposals_are_pure(void **state)
{
    (void)state;
    const problem *p = &problems[3];
    nn_space *space = parse(p->space);
    for (int kind = NN_SAMPLER_GRID; kind <= NN_SAMPLER_ZOOM; kind++) {
        nn_sampler sampler = {(nn_sampler_kind)kind, 7, 40}, other = {(nn_sampler_kind)kind, 8, 40};
        nn_trial_record history[40];
        int differ = 0;
        for (int i = 0; i < 18; i++) {
            nn_point x = next(space, &sampler, history, i, i);
            nn_point again = next(space, &sampler, history, i, i);
            nn_point elsewhere = next(space, &other, history, i, i);
            assert_true(nn_space_same(space, &x, &again));
            differ += !nn_space_same(space, &x, &elsewhere);
            assert_int_equal(isnan(x.value[3]), x.value[1] != 2);
            for (int q = 0; q < space->count; q++)
                assert_true(isnan(x.value[q]) || (x.value[q] >= space->param[q].low &&
                                                  x.value[q] <= space->param[q].high));
            history[i] =
                (nn_trial_record){x, i % 5 == 4 ? NN_TRIAL_PRUNED : NN_TRIAL_FINISHED, p->f(&x), 1};
        }
        assert_true(differ > 9);
    }
    nn_space_free(space);
}

/* The eighth direction number of every dimension, as PyTorch 1.13's SobolEngine has it (30 bits):
 * it depends on the polynomial and on all first numbers. */
static void sobol_points_are_the_published_ones(void **state)
{
    (void)state;
    static const int eighth[NN_SPACE_PARAMS] = {
        4194304,   1069547520, 826277888, 616562688, 658505728,  1052770304, 952107008, 188743680,
        473956352, 381681664,  146800640, 180355072, 213909504,  683671552,  658505728, 557842432,
        432013312, 457179136,  784334848, 272629760, 339738624,  473956352,  574619648, 239075328,
        624951296, 893386752,  658505728, 759169024, 1035993088, 12582912,   633339904, 180355072};
    for (int d = 0; d < NN_SPACE_PARAMS; d++)
        assert_true(nn_sobol(128, d, 0) == eighth[d] / 1073741824.0);
}

/* Every block of 2^k points has one in each of 2^k equal parts of every axis, scrambled or not. */
static void sobol_points_are_even(void **state)
{
    (void)state;
    enum { PARTS = 64 };
    for (uint64_t seed = 0; seed < 3; seed++)
        for (int d = 0; d < NN_SPACE_PARAMS; d++)
            for (int block = 0; block < 4; block++) {
                bool taken[PARTS] = {false};
                for (int i = 0; i < PARTS; i++) {
                    double u = nn_sobol((uint32_t)(block * PARTS + i), d, seed);
                    assert_true(u >= 0 && u < 1);
                    assert_false(taken[(int)(u * PARTS)]);
                    taken[(int)(u * PARTS)] = true;
                }
            }
}

static void grid_tries_everything_once(void **state)
{
    (void)state;
    nn_space *space = parse("o=choice(sgd,momentum,adam) m=beta(.5,.99) if o=momentum n=int(1,3)");
    /* sgd and adam with 3 numbers each, momentum with 3 times the steps of m: 27 trials give 7. */
    assert_int_equal(nn_grid_size(space, 27), 27);
    assert_int_equal(nn_grid_size(space, 26), 24);
    assert_int_equal(nn_grid_size(space, 1), 8); /* never under 2 steps */
    nn_sampler sampler = {NN_SAMPLER_GRID, 3, 27};
    nn_trial_record history[27];
    for (int i = 0; i < 27; i++) {
        history[i] = (nn_trial_record){next(space, &sampler, history, i, i), NN_TRIAL_OPEN, 0, 0};
        for (int j = 0; j < i; j++)
            assert_false(nn_space_same(space, &history[i].point, &history[j].point));
    }
    nn_point point;
    nn_error error = {0};
    assert_int_equal(nn_sampler_next(space, &sampler, history, 27, 27, &point, &error), NN_E_STATE);
    assert_non_null(strstr(error.text, "27 points"));
    nn_space_free(space);
}

/* Ends and equal factors. */
static void grid_follows_the_scale(void **state)
{
    (void)state;
    nn_space *space = parse("lr=log(1e-4,1)");
    nn_sampler sampler = {NN_SAMPLER_GRID, 1, 5};
    nn_trial_record history[5];
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        history[i] = (nn_trial_record){next(space, &sampler, history, i, i), NN_TRIAL_OPEN, 0, 0};
        double exponent = log10(history[i].point.value[0]);
        assert_true(fabs(exponent - round(exponent)) < 1e-9);
        sum += exponent;
    }
    assert_true(fabs(sum + 10) < 1e-9); /* -4 -3 -2 -1 0 */
    nn_space_free(space);
}

static void zoom_closes_in(void **state)
{
    (void)state;
    nn_space *space = parse("x=uniform(0,1) w=choice(a,b,c,d)");
    nn_sampler sampler = {NN_SAMPLER_ZOOM, 2, 40};
    nn_trial_record history[40];
    double width[4] = {0};
    for (int round = 0; round < 4; round++) {
        double low = 1, high = 0;
        for (int i = 10 * round; i < 10 * round + 10; i++) {
            nn_point x = next(space, &sampler, history, i, i);
            double objective = fabs(x.value[0] - 0.7) + 0.3 * fabs(x.value[1] - 1);
            history[i] = (nn_trial_record){x, NN_TRIAL_FINISHED, objective, 1};
            low = fmin(low, x.value[0]);
            high = fmax(high, x.value[0]);
            assert_true(round < 3 || fabs(x.value[1] - 1) <= 1);
        }
        width[round] = high - low;
    }
    assert_true(width[0] > 0.8 && width[2] < 0.6 * width[0] && width[3] < 0.45);
    nn_region region;
    assert_int_equal(nn_best_region(space, history, 40, &region, NULL), NN_OK);
    assert_int_equal(region.trials, 8);
    assert_true(region.low[0] <= 0.7 && region.high[0] >= 0.7);
    assert_true(region.words[1] >> 1 & 1);
    nn_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tpe_beats_random),
        cmocka_unit_test(tpe_workers_spread),
        cmocka_unit_test(tpe_leaves_what_fails),
        cmocka_unit_test(proposals_are_pure),
        cmocka_unit_test(sobol_points_are_the_published_ones),
        cmocka_unit_test(sobol_points_are_even),
        cmocka_unit_test(grid_tries_everything_once),
        cmocka_unit_test(grid_follows_the_scale),
        cmocka_unit_test(zoom_closes_in),
    };
    return cmocka_run_group_tests_name("samplers", tests, NULL, NULL);
}
