/* Reading the small grammars of options ("step:0.5,10", "adam:inside", "flip,shift 2") from left to
 * right, with errors that name the column. Private to engine/. */
#ifndef GRADUS_ENGINE_CURSOR_H
#define GRADUS_ENGINE_CURSOR_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *what; /* "schedule": how errors begin */
    const char *text, *at;
    nn_error *error;
} nn_cursor;

nn_cursor nn_cursor_on(const char *what, const char *text, nn_error *error);
/* "<what> '<text>', column N: expected <expected>"; N is `place` counted from 1. */
nn_status nn_cursor_refuse(const nn_cursor *cursor, const char *place, const char *expected);
/* Goes past `word` if it stands here; else stays. */
bool nn_cursor_skip(nn_cursor *cursor, const char *word);
/* Goes past a decimal number of at least 0 ("0.5", "2", "1e-3"); else stays. */
bool nn_cursor_number(nn_cursor *cursor, double *value);
/* Goes past letters, digits, '-' and '_'; the word is cut to `size`. False where none stands. */
bool nn_cursor_word(nn_cursor *cursor, char *word, size_t size);

/* The shortest decimal that reads back as the same number. Returns `text`. */
const char *nn_exact_text(double value, char text[32]);

#endif
