/* The grammar of spaces: "lr=log(1e-4,1) momentum=beta(.9,.999) if optimizer=momentum". */
#include "engine/search/space.h"

#include "engine/cursor.h"
#include "engine/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 31, WORD_LENGTH = 512 };

typedef struct {
    nn_cursor cursor;
    nn_space *space;
    char *room; /* next free byte of space->words */
} parser;

static void skip_blanks(nn_cursor *cursor)
{
    cursor->at += strspn(cursor->at, " \t\n");
}

/* A name or word moves into the space's own memory, which is longer than the text. */
static const char *keep(parser *p, const char *word)
{
    char *kept = p->room;
    size_t length = strlen(word) + 1;
    memcpy(kept, word, length);
    p->room += length;
    return kept;
}

/* --- values ------------------------------------------------------------------------------------
 */

/* A number with its sign. */
static bool read_number(nn_cursor *cursor, double *value)
{
    const char *start = cursor->at;
    bool negative = nn_cursor_skip(cursor, "-");
    if (nn_cursor_number(cursor, value)) {
        *value = negative ? -*value : *value;
        return true;
    }
    cursor->at = start;
    return false;
}

/* A word up to a separator, or anything in quotes. */
static nn_status read_word(nn_cursor *cursor, char word[WORD_LENGTH])
{
    const char *place = cursor->at;
    char quote = *cursor->at;
    size_t length;
    if (quote == '\'' || quote == '"') {
        cursor->at++;
        length = strcspn(cursor->at, quote == '"' ? "\"" : "'");
        if (!cursor->at[length])
            return nn_cursor_refuse(cursor, place, "the closing quote as well");
    } else {
        quote = '\0';
        length = strcspn(cursor->at, " \t\n,|()='\"");
    }
    if (length == 0 || length >= WORD_LENGTH)
        return nn_cursor_refuse(cursor, place, "a word or number of up to 511 bytes");
    memcpy(word, cursor->at, length);
    word[length] = '\0';
    cursor->at += length + (quote != '\0');
    return NN_OK;
}

/* --- scales ------------------------------------------------------------------------------------
 */

static const struct {
    const char *name, *form;
} scales[] = {
    [NN_SCALE_UNIFORM] = {"uniform", "uniform(LOW,HIGH)"},
    [NN_SCALE_LOG] = {"log", "log(LOW,HIGH) with 0 < LOW < HIGH"},
    [NN_SCALE_BETA] = {"beta", "beta(LOW,HIGH) with 0 <= LOW < HIGH < 1"},
    [NN_SCALE_INT] = {"int", "int(LOW,HIGH) with whole numbers"},
    [NN_SCALE_LOG_INT] = {"logint", "logint(LOW,HIGH) with whole numbers from 1 on"},
    [NN_SCALE_CHOICE] = {"choice", "choice(A,B,...)"},
};
enum { SCALES = sizeof scales / sizeof *scales };

static bool fits(nn_scale scale, double low, double high)
{
    bool whole = low == floor(low) && high == floor(high);
    switch (scale) {
    case NN_SCALE_UNIFORM:
        return low < high && isfinite(high - low);
    case NN_SCALE_LOG:
        return low > 0 && low < high && isfinite(high / low);
    case NN_SCALE_BETA:
        return low >= 0 && low < high && high < 1;
    case NN_SCALE_INT:
        return low <= high && whole && fabs(low) <= 1e9 && fabs(high) <= 1e9;
    case NN_SCALE_LOG_INT:
        return low >= 1 && low <= high && whole && high <= 1e9;
    case NN_SCALE_CHOICE:
        break;
    }
    return false;
}

static nn_status read_range(parser *p, nn_space_param *param, const char *place)
{
    nn_cursor *cursor = &p->cursor;
    const char *form = scales[param->scale].form;
    bool read = read_number(cursor, &param->low);
    skip_blanks(cursor);
    read = read && nn_cursor_skip(cursor, ",");
    skip_blanks(cursor);
    read = read && read_number(cursor, &param->high);
    if (!read)
        return nn_cursor_refuse(cursor, cursor->at, form);
    return fits(param->scale, param->low, param->high) ? NN_OK
                                                       : nn_cursor_refuse(cursor, place, form);
}

static nn_status read_choices(parser *p, nn_space_param *param)
{
    nn_cursor *cursor = &p->cursor;
    do {
        char word[WORD_LENGTH];
        skip_blanks(cursor);
        const char *place = cursor->at;
        nn_status status = read_word(cursor, word);
        if (status != NN_OK)
            return status;
        if (param->choices == NN_SPACE_CHOICES)
            return nn_cursor_refuse(cursor, place, "at most 32 choices");
        for (int i = 0; i < param->choices; i++)
            if (strcmp(param->choice[i], word) == 0)
                return nn_cursor_refuse(cursor, place, "a choice that is not there already");
        param->choice[param->choices++] = keep(p, word);
        skip_blanks(cursor);
    } while (nn_cursor_skip(cursor, ","));
    param->low = 0;
    param->high = param->choices - 1;
    return NN_OK;
}

static nn_status read_scale(parser *p, nn_space_param *param)
{
    nn_cursor *cursor = &p->cursor;
    const char *place = cursor->at;
    char word[16];
    nn_cursor_word(cursor, word, sizeof word);
    int scale = 0;
    while (scale < SCALES && strcmp(word, scales[scale].name) != 0)
        scale++;
    if (scale == SCALES || !nn_cursor_skip(cursor, "("))
        return nn_cursor_refuse(cursor, place,
                                "uniform(LOW,HIGH), log(LOW,HIGH), beta(LOW,HIGH), int(LOW,HIGH), "
                                "logint(LOW,HIGH) or choice(A,B,...)");
    param->scale = (nn_scale)scale;
    skip_blanks(cursor);
    nn_status status =
        param->scale == NN_SCALE_CHOICE ? read_choices(p, param) : read_range(p, param, place);
    if (status != NN_OK)
        return status;
    skip_blanks(cursor);
    return nn_cursor_skip(cursor, ")") ? NN_OK : nn_cursor_refuse(cursor, cursor->at, "')'");
}

/* --- conditions --------------------------------------------------------------------------------
 */

typedef enum { EQUAL, UNEQUAL, AT_MOST, AT_LEAST, BELOW, ABOVE, RELATIONS } relation;

static bool holds(relation how, double a, double b)
{
    switch (how) {
    case EQUAL:
        return a == b;
    case UNEQUAL:
        return a != b;
    case AT_MOST:
        return a <= b;
    case AT_LEAST:
        return a >= b;
    case BELOW:
        return a < b;
    case ABOVE:
        return a > b;
    case RELATIONS:
        break;
    }
    return false;
}

/* What the parent's option is compared as: of a choice of numbers the number itself. */
static double compared(const nn_space_param *parent, int64_t option, relation how)
{
    double number;
    if (parent->scale != NN_SCALE_CHOICE)
        return parent->low + (double)option;
    bool by_word = how == EQUAL || how == UNEQUAL;
    return !by_word && nn_parse_number(parent->choice[option], &number) ? number : (double)option;
}

static nn_status read_options(parser *p, nn_space_param *param, relation how)
{
    nn_cursor *cursor = &p->cursor;
    const nn_space_param *parent = &p->space->param[param->parent];
    const char *end;
    uint64_t equal = 0;
    do {
        char word[WORD_LENGTH];
        double value;
        nn_error why = {0};
        skip_blanks(cursor);
        const char *place = cursor->at;
        nn_status status = read_word(cursor, word);
        if (status != NN_OK)
            return status;
        if (nn_space_read(parent, word, &value, &why) != NN_OK) {
            const char *fitting = strstr(why.text, "expected ");
            return nn_cursor_refuse(cursor, place, fitting ? fitting + 9 : "a value it can have");
        }
        value = compared(parent, nn_space_option(parent, value), how);
        for (int64_t option = 0; option < nn_space_options(parent); option++)
            if (holds(how == UNEQUAL ? EQUAL : how, compared(parent, option, how), value))
                equal |= 1ull << option;
        end = cursor->at;
        skip_blanks(cursor);
    } while (nn_cursor_skip(cursor, "|"));
    cursor->at = end;
    uint64_t all = ~0ull >> (64 - nn_space_options(parent));
    param->when = how == UNEQUAL ? all & ~equal : equal;
    if (!param->when)
        return nn_cursor_refuse(cursor, cursor->at, "a condition that can hold");
    return NN_OK;
}

static nn_status read_condition(parser *p, nn_space_param *param)
{
    static const char *const signs[RELATIONS] = {"=", "!=", "<=", ">=", "<", ">"};
    nn_cursor *cursor = &p->cursor;
    char name[NAME_MAX_LENGTH + 1];
    skip_blanks(cursor);
    const char *place = cursor->at;
    nn_cursor_word(cursor, name, sizeof name);
    param->parent = nn_space_find(p->space, name);
    int64_t options = param->parent < 0 ? 0 : nn_space_options(&p->space->param[param->parent]);
    if (param->parent < 0)
        return nn_cursor_refuse(cursor, place, "a parameter that stands before this one");
    if (options < 1 || options > NN_SPACE_OPTIONS)
        return nn_cursor_refuse(cursor, place, "a choice, or an int of up to 64 values");
    skip_blanks(cursor);
    /* "!=" and "<=" before "=" and "<". */
    static const relation order[RELATIONS] = {UNEQUAL, AT_MOST, AT_LEAST, EQUAL, BELOW, ABOVE};
    for (int i = 0; i < RELATIONS; i++)
        if (nn_cursor_skip(cursor, signs[order[i]]))
            return read_options(p, param, order[i]);
    return nn_cursor_refuse(cursor, cursor->at, "=, !=, <, <=, > or >= and a value");
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static nn_status read_param(parser *p)
{
    nn_cursor *cursor = &p->cursor;
    nn_space *space = p->space;
    const char *place = cursor->at;
    char name[NAME_MAX_LENGTH + 2];
    nn_space_param *param = &space->param[space->count];
    if (space->count == NN_SPACE_PARAMS)
        return nn_cursor_refuse(cursor, place, "at most 32 parameters");
    *param = (nn_space_param){.parent = -1};
    if (!nn_cursor_word(cursor, name, sizeof name) || strlen(name) > NAME_MAX_LENGTH)
        return nn_cursor_refuse(cursor, place, "a parameter's name of up to 31 letters");
    if (nn_space_find(space, name) >= 0)
        return nn_cursor_refuse(cursor, place, "a parameter that is not there already");
    skip_blanks(cursor);
    if (!nn_cursor_skip(cursor, "="))
        return nn_cursor_refuse(cursor, cursor->at, "'=' and a scale, like lr=log(1e-4,1)");
    skip_blanks(cursor);
    param->name = keep(p, name);
    nn_status status = read_scale(p, param);
    if (status != NN_OK)
        return status;
    const char *end = cursor->at;
    skip_blanks(cursor);
    bool condition = cursor->at > end && strncmp(cursor->at, "if", 2) == 0 &&
                     strspn(cursor->at + 2, " \t\n") > 0;
    cursor->at = condition ? cursor->at + 2 : end;
    if (condition)
        status = read_condition(p, param);
    space->count++;
    return status;
}

static nn_status parse(parser *p)
{
    nn_cursor *cursor = &p->cursor;
    nn_status status = NN_OK;
    skip_blanks(cursor);
    while (*cursor->at && status == NN_OK) {
        status = read_param(p);
        const char *end = cursor->at;
        skip_blanks(cursor);
        if (status == NN_OK && nn_cursor_skip(cursor, ","))
            skip_blanks(cursor);
        else if (status == NN_OK && *cursor->at && cursor->at == end)
            status = nn_cursor_refuse(cursor, end, "a blank before the next parameter");
    }
    if (status == NN_OK && p->space->count == 0)
        status =
            nn_cursor_refuse(cursor, cursor->text, "at least one parameter, like lr=log(1e-4,1)");
    return status;
}

nn_space *nn_space_parse(const char *text, nn_error *error)
{
    parser p = {.cursor = nn_cursor_on("space", text, error), .space = calloc(1, sizeof *p.space)};
    /* Every word stands in the text with a byte beside it that is no part of it. */
    if (p.space)
        p.room = p.space->words = malloc(strlen(text) + 2);
    if (!p.room) {
        nn_space_free(p.space);
        nn_fail(error, NN_E_NOMEM, "space: out of memory");
        return NULL;
    }
    if (parse(&p) == NN_OK)
        return p.space;
    nn_space_free(p.space);
    return NULL;
}
