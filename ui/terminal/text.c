#include "ui/terminal/text.h"

#include <string.h>
#include <utf8proc.h>

static const uint32_t replacement = 0xFFFD;

int text_decode(const char *text, uint32_t *code_point)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] == 0) {
        *code_point = 0;
        return 0;
    }
    *code_point = s[0];
    if (s[0] < 0x80) {
        return 1;
    }
    int length = s[0] >= 0xF0 && s[0] < 0xF5 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 0;
    if (length == 0 || s[0] >= 0xF5) {
        *code_point = replacement;
        return 1;
    }
    uint32_t value = s[0] & (0xFFu >> (length + 1));
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) { /* also the NUL of a truncated sequence */
            *code_point = replacement;
            return 1;
        }
        value = value << 6 | (s[i] & 0x3F);
    }
    bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        *code_point = replacement;
        return 1;
    }
    *code_point = value;
    return length;
}

int text_encode(uint32_t code_point, char bytes[4])
{
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        code_point = replacement;
    }
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        bytes[0] = (char)(0xC0 | code_point >> 6);
        bytes[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        bytes[0] = (char)(0xE0 | code_point >> 12);
        bytes[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | code_point >> 18);
    bytes[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}

int text_code_columns(uint32_t code_point)
{
    if (code_point < 0x300) {
        return code_point == 0xAD ? 0 : 1; /* the soft hyphen is never shown */
    }
    if (code_point >= 0x1160 && code_point <= 0x11FF) {
        return 0; /* medial and final jamo join the initial one before them */
    }
    switch (utf8proc_category((utf8proc_int32_t)code_point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return 0;
    case UTF8PROC_CATEGORY_CN:
        return 1; /* unassigned: shown as a replacement */
    default:
        return utf8proc_charwidth((utf8proc_int32_t)code_point) == 2 ? 2 : 1;
    }
}

/* Never drawn, also not as marks: they would reorder or hide text. */
static bool is_invisible(uint32_t code_point)
{
    if (code_point < 0x80) {
        return false;
    }
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code_point);
    return category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

int text_grapheme(const char *text, int *columns)
{
    uint32_t code_point;
    int bytes = text_decode(text, &code_point);
    *columns = 0;
    if (bytes == 0) {
        return 0;
    }
    *columns = text_code_columns(code_point);
    if (*columns == 0 && !is_invisible(code_point)) {
        *columns = 1; /* a mark without a base stands on a blank */
    }
    bool plain = code_point < 0x20 || code_point == 0x7F; /* a control takes no marks */
    while (!plain) {
        int more = text_decode(text + bytes, &code_point);
        if (more == 0 || text_code_columns(code_point) != 0) {
            break;
        }
        bytes += more;
    }
    return bytes;
}

int text_columns(const char *text)
{
    int total = 0, columns, bytes;
    while ((bytes = text_grapheme(text, &columns)) > 0) {
        total += columns;
        text += bytes;
    }
    return total;
}

size_t text_prefix(const char *text, int columns, int *used)
{
    size_t length = 0;
    int total = 0, wide, bytes;
    while ((bytes = text_grapheme(text + length, &wide)) > 0 && total + wide <= columns) {
        total += wide;
        length += (size_t)bytes;
    }
    if (used != NULL) {
        *used = total;
    }
    return length;
}

bool text_truncate(char *out, size_t size, const char *text, int columns, bool ascii)
{
    const char *mark = ascii ? "~" : "\u2026";
    if (size == 0) {
        return text[0] != '\0';
    }
    int used;
    size_t length = text_prefix(text, columns, &used);
    bool cut = text[length] != '\0';
    if (!cut && length < size) {
        memcpy(out, text, length + 1);
        return false;
    }
    out[0] = '\0';
    if (columns < 1 || size <= strlen(mark)) {
        return true;
    }
    length = text_prefix(text, columns - 1, &used);
    size_t room = size - strlen(mark) - 1;
    while (length > room) { /* step back by whole graphemes until the bytes fit */
        length = text_prefix(text, used - 1, &used);
    }
    memcpy(out, text, length);
    memcpy(out + length, mark, strlen(mark) + 1);
    return true;
}

/* Chinese and Japanese break between any two characters; Korean, wide too, has words and spaces. */
static bool breaks_anywhere(const char *text, int columns)
{
    uint32_t code_point;
    text_decode(text, &code_point);
    bool hangul = (code_point >= 0xAC00 && code_point <= 0xD7A3) ||
                  (code_point >= 0x1100 && code_point <= 0x11FF) ||
                  (code_point >= 0x3130 && code_point <= 0x318F);
    return columns == 2 && !hangul;
}

size_t text_wrap_line(const char *text, int columns, const char **next)
{
    size_t at = 0, best = 0, best_next = 0; /* best: the line's end at the last place to break */
    int used = 0, wide, bytes;
    columns = columns < 1 ? 1 : columns;
    while ((bytes = text_grapheme(text + at, &wide)) > 0) {
        if (text[at] == '\n') {
            *next = text + at + 1;
            return at;
        }
        bool anywhere = breaks_anywhere(text + at, wide);
        if (text[at] == ' ') {
            best = at;
            best_next = at + 1;
        } else if (anywhere && at > 0) {
            best = best_next = at;
        }
        if (used + wide > columns) {
            break;
        }
        used += wide;
        at += (size_t)bytes;
        if (anywhere) {
            best = best_next = at;
        }
    }
    if (bytes == 0) {
        *next = text + at;
        return at;
    }
    if (best_next == 0) { /* one word wider than the line: break inside it */
        best = best_next = at > 0 ? at : (size_t)bytes;
    }
    best_next += strspn(text + best_next, " ");
    while (best > 0 && text[best - 1] == ' ') {
        best--;
    }
    *next = text + best_next;
    return best;
}

int text_wrap_rows(const char *text, int columns)
{
    int rows = 0;
    while (*text != '\0') {
        text_wrap_line(text, columns, &text);
        rows++;
    }
    return rows;
}
