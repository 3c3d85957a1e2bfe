/* exp, log and tanh of our own: branch-free, so that the compiler turns a loop over them into
 * vector code, and the same bits whatever the C library. In float the error stays below 3 units in
 * the last place, in double builds below 4 (tests/test_mathf.c measures both). NaN gives NaN,
 * overflow infinity, underflow a denormal or zero; no argument traps or is undefined.
 *
 * Method: Cody and Waite 1980 (reduction by ln 2 in two parts), then the Taylor series on what is
 * left, which is short enough to need no fitted coefficients. */
#ifndef GRADUS_ENGINE_MATHF_H
#define GRADUS_ENGINE_MATHF_H

#include "engine/tensor.h"

#include <math.h>
#include <string.h>

/* 1 when NN_REAL is double: the macro's text is pasted into one of these two names. */
#define NN_MATH_IS_float     0
#define NN_MATH_IS_double    1
#define NN_MATH_PASTE(type)  NN_MATH_IS_##type
#define NN_MATH_EXPAND(type) NN_MATH_PASTE(type)
#define NN_MATH_DOUBLE       NN_MATH_EXPAND(NN_REAL)

#if NN_MATH_DOUBLE
typedef uint64_t nn_bits;
typedef int64_t nn_signed_bits;
enum { NN_MANTISSA = 52, NN_BIAS = 1023 };
#define NN_ROUNDER      6755399441055744.0 /* 1.5 * 2^52: adding it leaves an integer */
#define NN_LN2_HIGH     6.93145751953125e-1
#define NN_LN2_LOW      1.42860682030941723212e-6
#define NN_EXP_MIN      (-746.0)
#define NN_EXP_MAX      710.0
#define NN_SQRT_HALF    UINT64_C(0x3fe6a09e667f3bcd)
#define NN_ONE_BITS     UINT64_C(0x3ff0000000000000)
#define NN_MANTISSA_AND UINT64_C(0x000fffffffffffff)
#define NN_SMALLEST     2.2250738585072014e-308 /* normal */
#define NN_INFINITE     ((nn_real)__builtin_inf())
#define NN_LIFT         18014398509481984.0 /* 2^54 */
#define NN_LIFT_BITS    54
#else
typedef uint32_t nn_bits;
typedef int32_t nn_signed_bits;
enum { NN_MANTISSA = 23, NN_BIAS = 127 };
#define NN_ROUNDER      12582912.0f /* 1.5 * 2^23 */
#define NN_LN2_HIGH     0.693359375f
#define NN_LN2_LOW      (-2.12194440e-4f)
#define NN_EXP_MIN      (-104.0f)
#define NN_EXP_MAX      89.0f
#define NN_SQRT_HALF    UINT32_C(0x3f3504f3)
#define NN_ONE_BITS     UINT32_C(0x3f800000)
#define NN_MANTISSA_AND UINT32_C(0x007fffff)
#define NN_SMALLEST     1.17549435e-38f
#define NN_INFINITE     ((nn_real)__builtin_inff())
#define NN_LIFT         33554432.0f /* 2^25 */
#define NN_LIFT_BITS    25
#endif

static inline nn_bits nn_bits_of(nn_real x)
{
    nn_bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline nn_real nn_of_bits(nn_bits bits)
{
    nn_real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^k for k within the exponents of normal numbers. */
static inline nn_real nn_power_of_two(nn_signed_bits k)
{
    return nn_of_bits((nn_bits)(k + NN_BIAS) << NN_MANTISSA);
}

static inline nn_real nn_absolute(nn_real x)
{
    return nn_of_bits(nn_bits_of(x) & ~((nn_bits)1 << (8 * sizeof(nn_bits) - 1)));
}

/* exp(r) - 1 for |r| <= ln(2)/2: Taylor to r^7 (float) or r^13 (double). */
static inline nn_real nn_small_expm1(nn_real r)
{
#if NN_MATH_DOUBLE
    nn_real p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + (nn_real)(1.0 / 5040);
#else
    nn_real p = (nn_real)(1.0 / 5040);
#endif
    p = p * r + (nn_real)(1.0 / 720);
    p = p * r + (nn_real)(1.0 / 120);
    p = p * r + (nn_real)(1.0 / 24);
    p = p * r + (nn_real)(1.0 / 6);
    p = p * r + (nn_real)0.5;
    return r + r * r * p;
}

/* x = k ln 2 + r. The integer k is read from the bits of the rounded sum, because converting a NaN
 * to an integer is undefined. */
static inline nn_real nn_reduce(nn_real x, nn_signed_bits *k)
{
    nn_real rounded = x * (nn_real)1.4426950408889634 + NN_ROUNDER;
    nn_real whole = rounded - NN_ROUNDER;
    *k = (nn_signed_bits)(nn_bits_of(rounded) - nn_bits_of(NN_ROUNDER));
    return (x - whole * NN_LN2_HIGH) - whole * NN_LN2_LOW;
}

static inline nn_real nn_exp(nn_real x)
{
    x = x < NN_EXP_MIN ? NN_EXP_MIN : x;
    x = x > NN_EXP_MAX ? NN_EXP_MAX : x;
    nn_signed_bits k;
    nn_real r = nn_reduce(x, &k);
    nn_real near_one = nn_small_expm1(r) + 1;
    /* In two steps, for 2^k itself may lie outside the range while the result does not. */
    nn_signed_bits half = k / 2;
    return near_one * nn_power_of_two(half) * nn_power_of_two(k - half);
}

/* exp(x) - 1 for x <= 0, exact to the last places near 0. */
static inline nn_real nn_expm1_of_negative(nn_real x)
{
    x = x < -60 ? -60 : x;
    nn_signed_bits k;
    nn_real r = nn_reduce(x, &k);
    nn_real power = nn_power_of_two(k);
    return power * nn_small_expm1(r) + (power - 1);
}

/* From exp(-2|x|) - 1, which cannot overflow and keeps its digits near 0. */
static inline nn_real nn_tanh_of(nn_real x)
{
    nn_real t = nn_expm1_of_negative(-2 * nn_absolute(x));
    nn_real y = -t / (2 + t);
    return x < 0 ? -y : y;
}

static inline nn_real nn_sigmoid_of(nn_real x)
{
    nn_real e = nn_exp(-nn_absolute(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m by the series of atanh(f / (2 + f)), f = m - 1,
 * arranged as in FreeBSD's msun so that f itself is added last. log 0 = -infinity, log of a
 * negative number NaN. */
static inline nn_real nn_log(nn_real x)
{
    bool small = x < NN_SMALLEST;
    nn_bits bits = nn_bits_of(small ? x * NN_LIFT : x) + (NN_ONE_BITS - NN_SQRT_HALF);
    nn_real k = (nn_real)((nn_signed_bits)(bits >> NN_MANTISSA) - NN_BIAS);
    k = small ? k - NN_LIFT_BITS : k;
    nn_real f = nn_of_bits((bits & NN_MANTISSA_AND) + NN_SQRT_HALF) - 1;
    nn_real s = f / (2 + f);
    nn_real w = s * s;
#if NN_MATH_DOUBLE
    nn_real p = 2.0 / 21;
    p = p * w + 2.0 / 19;
    p = p * w + 2.0 / 17;
    p = p * w + 2.0 / 15;
    p = p * w + 2.0 / 13;
    p = p * w + (nn_real)(2.0 / 11);
#else
    nn_real p = (nn_real)(2.0 / 11);
#endif
    p = p * w + (nn_real)(2.0 / 9);
    p = p * w + (nn_real)(2.0 / 7);
    p = p * w + (nn_real)(2.0 / 5);
    p = p * w + (nn_real)(2.0 / 3);
    nn_real half_square = f * f * (nn_real)0.5;
    nn_real y = s * (half_square + p * w) + k * NN_LN2_LOW - half_square + f + k * NN_LN2_HIGH;
    y = x == 0 ? -NN_INFINITE : y;
    y = x < 0 ? NN_INFINITE - NN_INFINITE : y;
    return x < NN_INFINITE ? y : x; /* +infinity and NaN */
}

/* log(1 + x) for x >= 0; the quotient puts back what rounding 1 + x lost (Kahan). */
static inline nn_real nn_log1p(nn_real x)
{
    nn_real u = 1 + x;
    nn_real kept = u - 1;
    nn_real y = nn_log(u) * (x / (kept > 0 ? kept : 1));
    return kept > 0 && u < NN_INFINITE ? y : x;
}

/* exp(-x^2 / 2): the bell curve, not normalised. */
static inline nn_real nn_bell(nn_real x)
{
    return nn_exp((nn_real)-0.5 * x * x);
}

/* The share of the standard normal distribution below x: erfc(-x / sqrt(2)) / 2. `bell` is
 * nn_bell(x). In float, erfc(z) = exp(-z^2) t R(t) with t = 1 / (1 + 0.3 z), where R interpolates
 * exp(z^2) erfc(z) / t at the Chebyshev points for z up to 11: relative error 3.1e-8 there, and
 * below that e^-z^2 is 0. In double builds the C library's erfc. */
static inline nn_real nn_normal_share(nn_real x, nn_real bell)
{
#if NN_MATH_DOUBLE
    (void)bell;
    return 0.5 * erfc(-x * 0.70710678118654752440);
#else
    nn_real t = 1 / (1 + (nn_real)0.21213203435596426 * nn_absolute(x));
    nn_real r = (nn_real)-0.13097375706933542;
    r = r * t + (nn_real)0.49282688118517352;
    r = r * t + (nn_real)-0.52776265497007666;
    r = r * t + (nn_real)0.56603418539719638;
    r = r * t + (nn_real)-0.10776245781595001;
    r = r * t + (nn_real)0.22073055041347072;
    r = r * t + (nn_real)0.14679089452440329;
    r = r * t + (nn_real)0.17094234443937918;
    r = r * t + (nn_real)0.16917399119763352;
    nn_real tail = (nn_real)0.5 * bell * t * r;
    return x > 0 ? 1 - tail : tail;
#endif
}

#endif
