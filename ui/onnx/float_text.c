#include "ui/onnx/float_text.h"

#include "engine/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* digits x 10^-point */
typedef struct {
    int64_t digits;
    int point;
} decimal;

/* All are exact in double. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* x 10^by with one rounding; -22 <= by <= 22. */
static double shifted(double x, int by)
{
    return by >= 0 ? x * power_of_ten[by] : x / power_of_ten[-by];
}

/* The largest e with 10^e <= x, for 1e-13 <= x <= 1e15. */
static int exponent_of(double x)
{
    int binary;
    frexp(x, &binary);
    int e = (int)floor((binary - 1) * 0.30102999566398120);
    return shifted(x, -(e + 1)) >= 1 ? e + 1 : e;
}

/* Whether the decimal reads as `value`: computed in double it is off by less than 2^-52 of itself,
 * so that both ends of a wider interval must be rounded to it. */
static bool reads_as(decimal d, double value)
{
    double near = shifted((double)d.digits, -d.point);
    return (double)(float)(near * (1 - 0x1p-50)) == value &&
           (double)(float)(near * (1 + 0x1p-50)) == value;
}

/* The fewest digits that read back; 6 decimal digits survive in a float, 9 tell all apart. False
 * where that is too close to call. */
static bool shorten(double value, decimal *d)
{
    int exponent = exponent_of(value);
    for (int digits = 6; digits <= 9; digits++) {
        d->point = digits - 1 - exponent;
        d->digits = (int64_t)(shifted(value, d->point) + 0.5);
        if (!reads_as(*d, value))
            continue;
        for (; d->digits % 10 == 0; d->point--)
            d->digits /= 10;
        return true;
    }
    return false;
}

static char *put_zeros(char *at, int count)
{
    for (int i = 0; i < count; i++)
        *at++ = '0';
    return at;
}

static char *put_exponent(char *at, int exponent)
{
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    *at++ = (char)('0' + exponent / 10);
    *at++ = (char)('0' + exponent % 10);
    return at;
}

/* Like printf's %g: plainly from 1e-4 to 1e9, else with an exponent of ten. */
static char *put_decimal(char *at, decimal d)
{
    char digit[20];
    int count = 0;
    for (int64_t left = d.digits; left > 0; left /= 10)
        digit[sizeof digit - (size_t)++count] = (char)('0' + left % 10);
    const char *first = digit + sizeof digit - count;
    int exponent = count - 1 - d.point;
    bool plain = exponent >= -4 && exponent < 9;
    int before = !plain ? 1 : exponent >= 0 ? exponent + 1 : 0; /* digits before the point */
    if (before == 0) {
        *at++ = '0';
        *at++ = '.';
        at = put_zeros(at, -1 - exponent);
    }
    for (int i = 0; i < count; i++) {
        if (i == before && i > 0)
            *at++ = '.';
        *at++ = first[i];
    }
    at = put_zeros(at, before - count);
    return plain ? at : put_exponent(at, exponent);
}

size_t onnx_float_text(float value, char text[ONNX_FLOAT_TEXT])
{
    decimal d;
    char *at = text;
    double size = fabs((double)value);
    if (size >= 1e-13 && size <= 1e15 && shorten(size, &d)) {
        if (value < 0)
            *at++ = '-';
        return (size_t)(put_decimal(at, d) - text);
    }
    return strlen(nn_number_text((double)value, text));
}
