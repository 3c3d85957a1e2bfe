/* Largest error of engine/mathf.h against the C library in a wider type, in units in the last
 * place. Included by a test in float and one in double. */
#ifndef GRADUS_TESTS_MATHF_ERROR_H
#define GRADUS_TESTS_MATHF_ERROR_H

#include "engine/mathf.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static double ulps(nn_real got, long double exact)
{
    long double smallest = sizeof(nn_real) == 4 ? (long double)FLT_TRUE_MIN : DBL_TRUE_MIN;
    int digits = sizeof(nn_real) == 4 ? FLT_MANT_DIG : DBL_MANT_DIG, exponent = 0;
    frexpl(exact, &exponent);
    long double unit = fmaxl(ldexpl(1, exponent - digits), smallest);
    return (double)(fabsl((long double)got - exact) / unit);
}

/* Largest error over `count` arguments spread over [low, high]. */
static double worst(nn_real (*f)(nn_real), long double (*exact)(long double), double low,
                    double high, int count)
{
    double most = 0;
    for (int i = 0; i <= count; i++) {
        nn_real x = (nn_real)(low + (high - low) * i / count);
        double error = ulps(f(x), exact((long double)x));
        most = error > most ? error : most;
    }
    return most;
}

static long double exact_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static void assert_below(const char *what, double error, double limit)
{
    if (!(error <= limit))
        fail_msg("%s is wrong by %g units in the last place, %g are allowed", what, error, limit);
}

static void accurate_to_a_few_places(void **state)
{
    (void)state;
    double most = sizeof(nn_real) == 4 ? 3 : 4, deep = sizeof(nn_real) == 4 ? -103 : -744;
    double high = sizeof(nn_real) == 4 ? 88.7 : 709.7;
    int count = 400000;
    assert_below("exp", worst(nn_exp, expl, deep, high, count), most);
    assert_below("exp near 0", worst(nn_exp, expl, -1, 1, count), most);
    assert_below("log", worst(nn_log, logl, 1e-3, 50, count), most);
    assert_below("log near 1", worst(nn_log, logl, 0.7, 1.5, count), most);
    assert_below("log of large", worst(nn_log, logl, 1e30, 3e38, count), most);
    assert_below("log of denormals", worst(nn_log, logl, 1e-40, 2e-38, count), most);
    assert_below("log1p", worst(nn_log1p, log1pl, 0, 1, count), most);
    assert_below("log1p of tiny", worst(nn_log1p, log1pl, 0, 1e-7, count), most);
    assert_below("tanh", worst(nn_tanh_of, tanhl, -10, 10, count), most);
    assert_below("tanh near 0", worst(nn_tanh_of, tanhl, -1e-3, 1e-3, count), most);
    assert_below("sigmoid", worst(nn_sigmoid_of, exact_sigmoid, -80, 40, count), most);
}

static void corners(void **state)
{
    (void)state;
    nn_real infinite = (nn_real)INFINITY, nan = (nn_real)NAN;
    nn_real huge = sizeof(nn_real) == 4 ? (nn_real)FLT_MAX : (nn_real)DBL_MAX;
    assert_true(nn_exp(0) == 1 && nn_exp(-infinite) == 0 && nn_exp(-huge) == 0);
    assert_true(isinf(nn_exp(infinite)) && isinf(nn_exp(huge)) && isnan(nn_exp(nan)));
    assert_true(nn_log(1) == 0 && nn_log(0) == -infinite && isnan(nn_log(-1)));
    assert_true(nn_log(infinite) == infinite && isnan(nn_log(nan)));
    assert_true(nn_log1p(0) == 0 && nn_log1p(infinite) == infinite && isnan(nn_log1p(nan)));
    assert_true(nn_tanh_of(0) == 0 && nn_tanh_of(huge) == 1 && nn_tanh_of(-huge) == -1);
    assert_true(nn_tanh_of(infinite) == 1 && nn_tanh_of(-infinite) == -1);
    assert_true(isnan(nn_tanh_of(nan)) && isnan(nn_sigmoid_of(nan)) && isnan(nn_exp(-nan)));
    assert_true(nn_sigmoid_of(0) == (nn_real)0.5);
    assert_true(nn_sigmoid_of(huge) == 1 && nn_sigmoid_of(-huge) == 0);
    assert_true(nn_sigmoid_of(infinite) == 1 && nn_sigmoid_of(-infinite) == 0);
}

#endif
