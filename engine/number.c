#include "engine/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nn_parse_number(const char *text, double *value)
{
    size_t length = strspn(text, "0123456789+-.eE");
    if (length == 0 || text[length])
        return false;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    char *end;
    *value = strtod_l(text, &end, plain);
    freelocale(plain);
    return end != text && !*end && isfinite(*value);
}

const char *nn_number_text(double value, char text[NN_NUMBER_TEXT])
{
    snprintf(text, NN_NUMBER_TEXT, "%.9g", value);
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
    return text;
}
