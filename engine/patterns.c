#include "engine/patterns.h"

#include "engine/cursor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Greedy with one way back, to the last star: no pattern takes longer than its length times the
 * name's. */
static bool fits(const char *pattern, const char *name, const char *end)
{
    const char *star = NULL, *retry = NULL;
    while (name < end) {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == '?' || (*pattern && *pattern == *name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool nn_pattern_fits(const char *pattern, const char *param_name)
{
    const char *end = param_name + strlen(param_name), *dot = strrchr(param_name, '.');
    return fits(pattern, param_name, end) || (dot && fits(pattern, param_name, dot));
}

/* --- reading -------------------------------------------------------------------------------- */

enum { PATTERN = NN_NAME_MAX };

static nn_status read_pattern(nn_cursor *cursor, char pattern[PATTERN])
{
    const char *place = cursor->at;
    size_t length = strcspn(place, ",= ");
    if (length == 0 || length >= PATTERN)
        return nn_cursor_refuse(cursor, place, "a name, such as conv1, conv* or *.bias");
    memcpy(pattern, place, length);
    pattern[length] = '\0';
    cursor->at += length;
    return NN_OK;
}

static nn_status fits_nothing(const nn_cursor *cursor, const char *place, const nn_model *model)
{
    char names[128] = "one of the parameters ";
    size_t used = strlen(names);
    for (int i = 0; i < nn_model_count(model); i++) {
        const nn_param *param = nn_model_at(model, i);
        if (nn_param_is_buffer(param))
            continue;
        size_t needed = strlen(nn_param_name(param)) + 2;
        if (used + needed + 4 > sizeof names) {
            snprintf(names + used, sizeof names - used, "...");
            break;
        }
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                             names[used - 1] == ' ' && used < 23 ? "" : ", ", nn_param_name(param));
    }
    return nn_cursor_refuse(cursor, place, names);
}

/* --- rates ---------------------------------------------------------------------------------- */

static nn_status set_rate(nn_cursor *cursor, const nn_model *model, nn_optimizer *optimizer)
{
    char pattern[PATTERN] = "";
    const char *start = cursor->at;
    double factor;
    bool found = false;
    nn_status status = read_pattern(cursor, pattern);
    if (status != NN_OK)
        return status;
    if (!nn_cursor_skip(cursor, "="))
        return nn_cursor_refuse(cursor, cursor->at, "'=' and a factor");
    const char *place = cursor->at;
    if (!nn_cursor_number(cursor, &factor) || factor > 1e9)
        return nn_cursor_refuse(cursor, place, "a factor from 0 on");
    for (int i = 0; i < nn_model_count(model) && status == NN_OK; i++) {
        const nn_param *param = nn_model_at(model, i);
        if (nn_param_is_buffer(param) || !nn_pattern_fits(pattern, nn_param_name(param)))
            continue;
        found = true;
        status = nn_optimizer_set_rate(optimizer, param, factor, cursor->error);
    }
    return status == NN_OK && !found ? fits_nothing(cursor, start, model) : status;
}

nn_status nn_set_rates(const nn_model *model, nn_optimizer *optimizer, const char *text,
                       nn_error *error)
{
    nn_cursor cursor = nn_cursor_on("rates", text, error);
    nn_status status;
    do
        status = set_rate(&cursor, model, optimizer);
    while (status == NN_OK && nn_cursor_skip(&cursor, ","));
    if (status == NN_OK && *cursor.at)
        status = nn_cursor_refuse(&cursor, cursor.at, "',' or the end");
    return status;
}

/* --- freezing ------------------------------------------------------------------------------- */

/* Marks in `wanted` (one a parameter) what the patterns fit. */
static nn_status mark(nn_cursor *cursor, const nn_model *model, bool *wanted)
{
    char pattern[PATTERN] = "";
    nn_status status;
    do {
        const char *start = cursor->at;
        bool found = false;
        status = read_pattern(cursor, pattern);
        for (int i = 0; i < nn_model_count(model) && status == NN_OK; i++) {
            const nn_param *param = nn_model_at(model, i);
            if (!nn_param_is_buffer(param) && nn_pattern_fits(pattern, nn_param_name(param)))
                wanted[i] = found = true;
        }
        if (status == NN_OK && !found)
            status = fits_nothing(cursor, start, model);
    } while (status == NN_OK && nn_cursor_skip(cursor, ","));
    if (status == NN_OK && *cursor->at)
        status = nn_cursor_refuse(cursor, cursor->at, "',' or the end");
    return status;
}

static bool leaves_something(const nn_model *model, const bool *wanted)
{
    for (int i = 0; i < nn_model_count(model); i++) {
        const nn_param *param = nn_model_at(model, i);
        if (!nn_param_is_buffer(param) && !nn_param_frozen(param) && !wanted[i])
            return true;
    }
    return false;
}

nn_status nn_set_frozen(nn_model *model, const char *text, bool frozen, int *changed,
                        nn_error *error)
{
    nn_cursor cursor = nn_cursor_on(frozen ? "freeze" : "unfreeze", text, error);
    bool *wanted = calloc((size_t)nn_model_count(model) + 1, sizeof *wanted);
    if (!wanted)
        return nn_fail(error, NN_E_NOMEM, "freeze: out of memory");
    nn_status status = mark(&cursor, model, wanted);
    if (status == NN_OK && frozen && !leaves_something(model, wanted))
        status = nn_fail(error, NN_E_ARG,
                         "freeze '%.80s': nothing would be left to train; leave out the last layer",
                         text);
    int count = 0;
    for (int i = 0; i < nn_model_count(model) && status == NN_OK; i++) {
        nn_param *param = nn_model_at(model, i);
        if (!wanted[i] || nn_param_frozen(param) == frozen)
            continue;
        nn_param_freeze(param, frozen);
        count++;
    }
    if (changed)
        *changed = count;
    free(wanted);
    return status;
}
