/* UTF-8 text measured in columns by our own table (utf8proc), never by the locale. */
#ifndef GRADUS_UI_TEXT_H
#define GRADUS_UI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point at `text` (NUL-terminated); returns the bytes it took (at least 1, 0 at
 * the end). Bad bytes give 0xFFFD, one byte at a time. */
int text_decode(const char *text, uint32_t *code_point);
/* Writes 1 to 4 bytes, no NUL; returns how many. Surrogates and values above 0x10FFFF become
 * U+FFFD. */
int text_encode(uint32_t code_point, char bytes[4]);
/* 0 (combining), 1 or 2. Control characters count 1: they are shown as '?'. */
int text_code_columns(uint32_t code_point);
/* The next grapheme as the canvas stores it: a base and its combining marks. Returns its bytes
 * (0 at the end), its columns in `columns`. */
int text_grapheme(const char *text, int *columns);
/* Columns of a whole string. (Also declared in canvas.h.) */
int text_columns(const char *text);
/* Bytes of the longest prefix of whole graphemes that fits `columns`; its width in `used`. */
size_t text_prefix(const char *text, int columns, int *used);
/* Copies `text` cut to `columns` with a mark ('~' or an ellipsis) when it does not fit; true if
 * cut. `size` is never exceeded. */
bool text_truncate(char *out, size_t size, const char *text, int columns, bool ascii);
/* One line of a wrap: the bytes from `text` that go on this line of `columns`, and in `next` where
 * the following line starts. Breaks at spaces and after '\n', anywhere in Chinese and Japanese,
 * inside a word only when the word alone is too wide. */
size_t text_wrap_line(const char *text, int columns, const char **next);
/* Rows that the whole text takes at `columns`. */
int text_wrap_rows(const char *text, int columns);

#endif
