#include "engine/search/limits.h"

#include "engine/cursor.h"

#include <math.h>
#include <string.h>

static const char *const signs[] = {"<=", ">=", "<", ">"};
enum { SIGNS = sizeof signs / sizeof *signs };

const char *nn_limit_sign(nn_limit_kind kind)
{
    return (unsigned)kind < SIGNS ? signs[kind] : "?";
}

static void skip_blanks(nn_cursor *cursor)
{
    cursor->at += strspn(cursor->at, " \t");
}

static nn_status read_limit(nn_cursor *cursor, nn_limit *limit)
{
    int kind = 0;
    skip_blanks(cursor);
    const char *place = cursor->at;
    if (!nn_cursor_word(cursor, limit->metric, sizeof limit->metric))
        return nn_cursor_refuse(cursor, place, "a metric, as in latency_ms<=5");
    skip_blanks(cursor);
    while (kind < SIGNS && !nn_cursor_skip(cursor, signs[kind]))
        kind++;
    if (kind == SIGNS)
        return nn_cursor_refuse(cursor, cursor->at, "<=, >=, < or >");
    limit->kind = (nn_limit_kind)kind;
    skip_blanks(cursor);
    place = cursor->at;
    bool negative = nn_cursor_skip(cursor, "-");
    if (!nn_cursor_number(cursor, &limit->bound))
        return nn_cursor_refuse(cursor, place, "a number");
    limit->bound = negative ? -limit->bound : limit->bound;
    skip_blanks(cursor);
    return NN_OK;
}

nn_status nn_limits_parse(const char *text, nn_limit limits[NN_LIMITS], int *count, nn_error *error)
{
    nn_cursor cursor = nn_cursor_on("limits", text, error);
    *count = 0;
    do {
        if (*count == NN_LIMITS)
            return nn_cursor_refuse(&cursor, cursor.at, "at most 8 limits");
        nn_status status = read_limit(&cursor, &limits[*count]);
        if (status != NN_OK)
            return status;
        ++*count;
    } while (nn_cursor_skip(&cursor, ","));
    return *cursor.at ? nn_cursor_refuse(&cursor, cursor.at, "',' and another limit") : NN_OK;
}

bool nn_limit_kept(const nn_limit *limit, double value)
{
    switch (limit->kind) {
    case NN_AT_MOST:
        return value <= limit->bound;
    case NN_AT_LEAST:
        return value >= limit->bound;
    case NN_BELOW:
        return value < limit->bound;
    case NN_ABOVE:
        return value > limit->bound;
    }
    return false;
}

int nn_choose(const double *objective, const bool *feasible, int count, bool highest)
{
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (!feasible[i] || isnan(objective[i]))
            continue;
        bool better =
            best < 0 || (highest ? objective[i] > objective[best] : objective[i] < objective[best]);
        best = better ? i : best;
    }
    return best;
}
