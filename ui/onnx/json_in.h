/* Reading JSON piece by piece, where the reader knows what comes next. No recursion and no memory:
 * hostile depth or length ends in an error that names the byte. */
#ifndef GRADUS_UI_ONNX_JSON_IN_H
#define GRADUS_UI_ONNX_JSON_IN_H

#include "engine/status.h"

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *start, *at, *end; /* *end is a NUL */
    locale_t plain;               /* a point is a point */
    nn_error *error;
    bool failed; /* the first error stands in `error`; everything after it fails too */
} json_in;

/* False where there is no memory for the locale. */
bool json_in_begin(json_in *in, const char *text, size_t length, nn_error *error);
void json_in_end(json_in *in);

/* "byte 17: expected ...". Returns false. */
bool json_in_fail(json_in *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

char json_in_next(json_in *in);                   /* after blanks; 0 at the end; stays there */
bool json_in_expect(json_in *in, char c);         /* takes it */
bool json_in_take(json_in *in, char c);           /* takes it if it is there */
bool json_in_word(json_in *in, const char *word); /* takes null, true, false if it is there */
/* In a list or object that was opened: is there another member? Takes commas and the bracket. */
bool json_in_more(json_in *in, char close, int before);
bool json_in_number(json_in *in, double *number);
bool json_in_text(json_in *in, char *text, size_t size); /* fails where it does not fit */
bool json_in_finish(json_in *in);                        /* nothing but blanks may follow */

#endif
