#include "lessons/name.h"

#include <ctype.h>
#include <stdbool.h>

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t lesson_name_length(const char *text)
{
    size_t length = 0;
    if (!letter(text[0]))
        return 0;
    while (letter(text[length]) || isdigit((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* U+2080 to U+2089. */
static bool low_digit(const char *at)
{
    return at[0] == '\xe2' && at[1] == '\x82' && (unsigned char)at[2] >= 0x80 &&
           (unsigned char)at[2] <= 0x89;
}

size_t lesson_pretty_name(const char *text, char *name, size_t size)
{
    size_t length = 0, used = 0;
    name[0] = '\0';
    if (!letter(text[0]))
        return 0;
    for (;;) {
        const char *at = text + length;
        char plain;
        if (letter(*at) || isdigit((unsigned char)*at) || *at == '_') {
            plain = *at;
            length++;
        } else if (low_digit(at)) {
            plain = (char)('0' + ((unsigned char)at[2] - 0x80));
            length += 3;
        } else {
            break;
        }
        if (used + 1 < size)
            name[used] = plain;
        used++;
    }
    name[used < size ? used : 0] = '\0';
    return length;
}
