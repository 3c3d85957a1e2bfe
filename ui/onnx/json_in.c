#include "ui/onnx/json_in.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool json_in_begin(json_in *in, const char *text, size_t length, nn_error *error)
{
    *in = (json_in){.start = text, .at = text, .end = text + length, .error = error};
    in->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!in->plain)
        nn_fail(error, NN_E_NOMEM, "JSON: out of memory");
    return in->plain != (locale_t)0;
}

void json_in_end(json_in *in)
{
    if (in->plain)
        freelocale(in->plain);
    in->plain = (locale_t)0;
}

bool json_in_fail(json_in *in, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (in->failed)
        return false;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    in->failed = true;
    nn_fail(in->error, NN_E_FORMAT, "JSON, byte %td: %s", in->at - in->start, text);
    return false;
}

char json_in_next(json_in *in)
{
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r'))
        in->at++;
    return in->at < in->end ? *in->at : '\0';
}

/* What stands there, for people. */
static const char *found(json_in *in, char text[24])
{
    char c = json_in_next(in);
    if (in->at >= in->end)
        return "the end";
    snprintf(text, 24, c > ' ' && c < 127 ? "'%c'" : "byte %u",
             c > ' ' && c < 127 ? (unsigned)c : (unsigned)(unsigned char)c);
    return text;
}

bool json_in_expect(json_in *in, char c)
{
    char text[24];
    if (json_in_take(in, c))
        return true;
    return json_in_fail(in, "expected '%c', found %s", c, found(in, text));
}

bool json_in_take(json_in *in, char c)
{
    if (in->failed || json_in_next(in) != c || in->at >= in->end)
        return false;
    in->at++;
    return true;
}

bool json_in_word(json_in *in, const char *word)
{
    size_t length = strlen(word);
    json_in_next(in);
    if (in->failed || (size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0)
        return false;
    in->at += length;
    return true;
}

bool json_in_more(json_in *in, char close, int before)
{
    char text[24];
    if (in->failed || json_in_take(in, close))
        return false;
    if (before == 0 || json_in_take(in, ','))
        return true;
    return json_in_fail(in, "expected ',' or '%c', found %s", close, found(in, text));
}

/* --- numbers ------------------------------------------------------------------------------------
 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of a number: its value as mantissa * 10^exponent where that is exact. */
typedef struct {
    uint64_t mantissa;
    int digits, exponent;
} decimal_parts;

static const char *take_digits(const char *at, decimal_parts *parts, bool fraction)
{
    for (; is_digit(*at); at++) {
        parts->digits += parts->digits < 100 && (parts->mantissa || *at != '0');
        if (parts->digits <= 18)
            parts->mantissa = parts->mantissa * 10 + (uint64_t)(*at - '0');
        if (fraction && parts->exponent > -10000)
            parts->exponent--;
    }
    return at;
}

static const char *take_exponent(const char *at, decimal_parts *parts)
{
    bool negative = at[1] == '-';
    const char *digit = at + 1 + (at[1] == '-' || at[1] == '+');
    int value = 0;
    if (!is_digit(*digit))
        return NULL;
    for (; is_digit(*digit); digit++)
        value = value < 10000 ? value * 10 + (*digit - '0') : value;
    parts->exponent += negative ? -value : value;
    return digit;
}

bool json_in_number(json_in *in, double *number)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char text[24];
    decimal_parts parts = {0, 0, 0};
    json_in_next(in);
    const char *first = in->at, *at = first + (*first == '-');
    if (in->failed || !is_digit(*at))
        return json_in_fail(in, "expected a number, found %s", found(in, text));
    if (*at == '0' && is_digit(at[1]))
        return json_in_fail(in, "a number may not begin with 0");
    at = take_digits(at, &parts, false);
    if (*at == '.') {
        if (!is_digit(at[1]))
            return json_in_fail(in, "a digit must follow the point of a number");
        at = take_digits(at + 1, &parts, true);
    }
    if (*at == 'e' || *at == 'E') {
        at = take_exponent(at, &parts);
        if (!at)
            return json_in_fail(in, "digits must follow the e of a number");
    }
    /* Both factors exact: so is the rounding of their product or quotient. */
    if (parts.digits <= 15 && parts.exponent >= -22 && parts.exponent <= 22) {
        double value = (double)parts.mantissa;
        value = parts.exponent < 0 ? value / power[-parts.exponent] : value * power[parts.exponent];
        *number = *first == '-' ? -value : value;
    } else {
        *number = strtod_l(first, NULL, in->plain);
    }
    in->at = at;
    return true;
}

/* --- text ---------------------------------------------------------------------------------------
 */

static int hexadecimal(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The character that an escape at `in->at` (after the backslash) stands for. Names are plain ASCII:
 * another character becomes '?', which no name has. */
static char escaped(json_in *in)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = *in->at;
    const char *plain = c ? strchr(from, c) : NULL;
    if (plain) {
        in->at++;
        return to[plain - from];
    }
    int code = c == 'u' && in->end - in->at >= 5 ? hexadecimal(in->at + 1) : -1;
    if (code < 0) {
        json_in_fail(in, "a text has an escape that JSON does not know");
        return '\0';
    }
    in->at += 5;
    return code > 0 && code < 128 ? (char)code : '?';
}

bool json_in_text(json_in *in, char *text, size_t size)
{
    size_t length = 0;
    char what[24];
    if (!json_in_take(in, '"'))
        return json_in_fail(in, "expected a text in quotes, found %s", found(in, what));
    while (!in->failed && *in->at != '"') {
        if (in->at >= in->end)
            return json_in_fail(in, "the text ends without its quote");
        if ((unsigned char)*in->at < 0x20)
            return json_in_fail(in, "a text has a control character");
        char c = *in->at++;
        if (c == '\\')
            c = escaped(in);
        if (length + 1 >= size)
            return json_in_fail(in, "the text is longer than %zu characters", size - 1);
        text[length++] = c;
    }
    if (in->failed)
        return false;
    in->at++;
    text[length] = '\0';
    return true;
}

bool json_in_finish(json_in *in)
{
    char text[24];
    json_in_next(in);
    return !in->failed &&
           (in->at >= in->end || json_in_fail(in, "expected the end, found %s", found(in, text)));
}
