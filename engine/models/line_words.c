/* Words of a description: where they stand, and the numbers in them. */
#include "engine/models/line.h"

#include "engine/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- errors ---------------------------------------------------------------------------------- */

/* 1-based, in characters of UTF-8. */
static int column_of(const nn_line *line, const char *at)
{
    int column = 1;
    for (const char *c = line->text; c < at; c++)
        column += ((unsigned char)*c & 0xC0) != 0x80;
    return column;
}

nn_node *nn_line_refuse(nn_line *line, nn_word at, nn_status code, const char *format, ...)
{
    char why[256];
    va_list list;
    if (line->status != NN_OK)
        return NULL;
    va_start(list, format);
    vsnprintf(why, sizeof why, format, list);
    va_end(list);
    char quoted[40] = "";
    if (at.length > 0)
        snprintf(quoted, sizeof quoted, ", '%.*s%s'", at.length > 28 ? 25 : at.length, at.text,
                 at.length > 28 ? "..." : "");
    line->status = code;
    nn_fail(line->error, code, "column %d%s: %s", column_of(line, at.text), quoted, why);
    return nn_graph_refuse(line->graph, code, "model, column %d: %s", column_of(line, at.text),
                           why);
}

/* --- words to numbers ------------------------------------------------------------------------ */

bool nn_word_is(nn_word w, const char *text)
{
    return (int)strlen(text) == w.length && strncmp(w.text, text, (size_t)w.length) == 0;
}

/* A whole number of at most 7 digits at *at; moves behind it. */
static bool take_whole(const char **at, const char *end, int *value)
{
    const char *start = *at;
    *value = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - start < 7)
        *value = *value * 10 + (*(*at)++ - '0');
    return *at > start;
}

bool nn_word_pair(nn_word w, int pair[2])
{
    const char *at = w.text, *end = w.text + w.length;
    if (!take_whole(&at, end, &pair[0]))
        return false;
    pair[1] = pair[0];
    if (at < end && *at == 'x') {
        at++;
        if (!take_whole(&at, end, &pair[1]))
            return false;
    }
    return at == end;
}

bool nn_word_number(nn_word w, double *value)
{
    char text[32] = "";
    if (w.length < 1 || w.length >= (int)sizeof text)
        return false;
    memcpy(text, w.text, (size_t)w.length);
    return nn_parse_number(text, value);
}

bool nn_word_key(nn_word w, const char *key, nn_word *value)
{
    int length = (int)strlen(key);
    if (w.length <= length || strncmp(w.text, key, (size_t)length) != 0 || w.text[length] != '=')
        return false;
    *value = (nn_word){w.text + length + 1, w.length - length - 1};
    return true;
}

const char *nn_line_arriving(const nn_line *line, char text[NN_SHAPE_TEXT])
{
    return nn_shape_text(line->sample, text);
}
