/* Values on their scales. The grammar is in space_parse.c. */
#include "engine/search/space.h"

#include "engine/cursor.h"
#include "engine/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nn_space_free(nn_space *space)
{
    if (!space)
        return;
    free(space->words);
    free(space);
}

const char *nn_scale_name(nn_scale scale)
{
    static const char *const names[] = {"uniform", "log", "beta", "int", "logint", "choice"};
    return (unsigned)scale < sizeof names / sizeof *names ? names[scale] : "unknown";
}

int nn_space_find(const nn_space *space, const char *name)
{
    for (int p = 0; p < space->count; p++)
        if (strcmp(space->param[p].name, name) == 0)
            return p;
    return -1;
}

nn_point nn_point_nowhere(void)
{
    nn_point point;
    for (int p = 0; p < NN_SPACE_PARAMS; p++)
        point.value[p] = (double)NAN;
    return point;
}

int64_t nn_space_options(const nn_space_param *param)
{
    switch (param->scale) {
    case NN_SCALE_CHOICE:
        return param->choices;
    case NN_SCALE_INT:
    case NN_SCALE_LOG_INT:
        return (int64_t)(param->high - param->low) + 1;
    case NN_SCALE_UNIFORM:
    case NN_SCALE_LOG:
    case NN_SCALE_BETA:
        break;
    }
    return 0;
}

int64_t nn_space_option(const nn_space_param *param, double value)
{
    return llround(value - param->low);
}

bool nn_space_active(const nn_space *space, int p, const nn_point *point)
{
    const nn_space_param *param = &space->param[p];
    if (param->parent < 0)
        return true;
    double value = point->value[param->parent];
    if (isnan(value))
        return false;
    int64_t option = nn_space_option(&space->param[param->parent], value);
    return option >= 0 && option < NN_SPACE_OPTIONS && (param->when >> option & 1);
}

/* --- scales ------------------------------------------------------------------------------------
 */

static double between(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static double with_digits(double value, int digits)
{
    char text[40];
    double rounded = value;
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    for (char *at = text; *at; at++)
        if (*at == ',')
            *at = '.';
    return nn_parse_number(text, &rounded) ? rounded : value;
}

double nn_scale_at(nn_scale scale, double low, double high, double unit)
{
    if (scale == NN_SCALE_LOG)
        return low * pow(high / low, unit);
    if (scale == NN_SCALE_BETA)
        return 1 - (1 - low) * pow((1 - high) / (1 - low), unit);
    return low + unit * (high - low);
}

double nn_space_value(const nn_space_param *param, double unit)
{
    double low = param->low, high = param->high, value;
    double u = between(unit, 0, 1);
    switch (param->scale) {
    case NN_SCALE_UNIFORM:
        value = with_digits(nn_scale_at(param->scale, low, high, u), 5);
        break;
    case NN_SCALE_LOG:
        value = with_digits(nn_scale_at(param->scale, low, high, u), 5);
        break;
    case NN_SCALE_BETA:
        value = with_digits(1 - with_digits((1 - low) * pow((1 - high) / (1 - low), u), 4), 12);
        break;
    case NN_SCALE_INT:
    case NN_SCALE_CHOICE:
        value = low + floor(u * (high - low + 1));
        break;
    case NN_SCALE_LOG_INT:
        value = floor((low - 0.5) * pow((high + 0.5) / (low - 0.5), u) + 0.5);
        break;
    default:
        value = low;
    }
    return between(value, low, high);
}

double nn_space_unit(const nn_space_param *param, double value)
{
    double low = param->low, high = param->high, v = between(value, low, high);
    double unit = 0;
    if (high > low || nn_space_options(param) > 0)
        switch (param->scale) {
        case NN_SCALE_UNIFORM:
            unit = (v - low) / (high - low);
            break;
        case NN_SCALE_LOG:
            unit = log(v / low) / log(high / low);
            break;
        case NN_SCALE_BETA:
            unit = log((1 - v) / (1 - low)) / log((1 - high) / (1 - low));
            break;
        case NN_SCALE_INT:
        case NN_SCALE_CHOICE:
            unit = (v - low + 0.5) / (high - low + 1);
            break;
        case NN_SCALE_LOG_INT:
            unit = log(v / (low - 0.5)) / log((high + 0.5) / (low - 0.5));
            break;
        }
    return between(unit, 0, 1);
}

nn_point nn_space_point(const nn_space *space, const double *units)
{
    nn_point point = nn_point_nowhere();
    for (int p = 0; p < space->count; p++)
        if (nn_space_active(space, p, &point))
            point.value[p] = nn_space_value(&space->param[p], units[p]);
    return point;
}

bool nn_space_same(const nn_space *space, const nn_point *a, const nn_point *b)
{
    for (int p = 0; p < space->count; p++) {
        double x = a->value[p], y = b->value[p];
        if (isnan(x) != isnan(y) || (!isnan(x) && x != y))
            return false;
    }
    return true;
}

/* --- text --------------------------------------------------------------------------------------
 */

const char *nn_space_text(const nn_space_param *param, double value, char text[NN_SPACE_TEXT])
{
    if (isnan(value)) {
        snprintf(text, NN_SPACE_TEXT, "-");
    } else if (param->scale == NN_SCALE_CHOICE) {
        int64_t option = nn_space_option(param, value);
        snprintf(text, NN_SPACE_TEXT, "%s",
                 option >= 0 && option < param->choices ? param->choice[option] : "?");
    } else {
        char number[32];
        snprintf(text, NN_SPACE_TEXT, "%s", nn_exact_text(value, number));
    }
    return text;
}

static nn_status refuse_word(const nn_space_param *param, const char *text, nn_error *error)
{
    char list[160] = "";
    for (int i = 0; i < param->choices; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", param->choice[i]);
    }
    return nn_fail(error, NN_E_ARG, "%.32s '%.40s': expected one of %s", param->name, text, list);
}

static bool find_word(const nn_space_param *param, const char *text, double *value)
{
    double wanted, number;
    bool numeric = nn_parse_number(text, &wanted);
    for (int i = 0; i < param->choices; i++)
        if (strcmp(param->choice[i], text) == 0 ||
            (numeric && nn_parse_number(param->choice[i], &number) && number == wanted)) {
            *value = i;
            return true;
        }
    return false;
}

nn_status nn_space_read(const nn_space_param *param, const char *text, double *value,
                        nn_error *error)
{
    if (param->scale == NN_SCALE_CHOICE)
        return find_word(param, text, value) ? NN_OK : refuse_word(param, text, error);
    double number;
    bool whole = nn_space_options(param) > 0;
    char low[32], high[32];
    if (!nn_parse_number(text, &number) || number < param->low || number > param->high ||
        (whole && number != floor(number)))
        return nn_fail(error, NN_E_ARG, "%.32s '%.40s': expected a %snumber from %s to %s",
                       param->name, text, whole ? "whole " : "", nn_exact_text(param->low, low),
                       nn_exact_text(param->high, high));
    *value = number;
    return NN_OK;
}

nn_status nn_space_assign(const nn_space *space, const char *text, nn_point *point, nn_error *error)
{
    char name[64], names[200] = "";
    size_t length = strcspn(text, "=");
    if (!text[length] || length == 0 || length >= sizeof name)
        return nn_fail(error, NN_E_ARG, "'%.60s': expected PARAMETER=VALUE, like lr=0.01", text);
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    int p = nn_space_find(space, name);
    for (int i = 0; i < space->count; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", space->param[i].name);
    }
    if (p < 0)
        return nn_fail(error, NN_E_ARG, "'%.40s' is no parameter of this study; it has %s", name,
                       names);
    return nn_space_read(&space->param[p], text + length + 1, &point->value[p], error);
}
