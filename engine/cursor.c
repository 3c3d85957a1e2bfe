#include "engine/cursor.h"

#include "engine/number.h"

#include <stdio.h>
#include <string.h>

nn_cursor nn_cursor_on(const char *what, const char *text, nn_error *error)
{
    return (nn_cursor){.what = what, .text = text, .at = text, .error = error};
}

nn_status nn_cursor_refuse(const nn_cursor *cursor, const char *place, const char *expected)
{
    return nn_fail(cursor->error, NN_E_ARG, "%s '%.80s', column %d: expected %s", cursor->what,
                   cursor->text, (int)(place - cursor->text) + 1, expected);
}

bool nn_cursor_skip(nn_cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool nn_cursor_number(nn_cursor *cursor, double *value)
{
    char number[64];
    const char *end = cursor->at;
    while (is_digit(*end) || *end == '.')
        end++;
    if (end > cursor->at && (*end == 'e' || *end == 'E')) {
        const char *digits = end + 1 + (end[1] == '+' || end[1] == '-');
        if (is_digit(*digits))
            for (end = digits; is_digit(*end);)
                end++;
    }
    size_t length = (size_t)(end - cursor->at);
    if (length == 0 || length >= sizeof number || is_letter(*end)) /* "0x1", "2a" */
        return false;
    memcpy(number, cursor->at, length);
    number[length] = '\0';
    if (!nn_parse_number(number, value))
        return false;
    cursor->at = end;
    return true;
}

bool nn_cursor_word(nn_cursor *cursor, char *word, size_t size)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t length = strspn(cursor->at, letters);
    snprintf(word, size, "%.*s", (int)length, cursor->at);
    cursor->at += length;
    return length > 0;
}

const char *nn_exact_text(double value, char text[32])
{
    double back;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        for (char *at = text; *at; at++) /* some locales write a comma */
            if (*at == ',')
                *at = '.';
        if (nn_parse_number(text, &back) && back == value)
            break;
    }
    return text;
}
