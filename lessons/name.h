/* Names of values, as they are written in traces, formulas and expressions. Private to lessons/. */
#ifndef GRADUS_LESSONS_NAME_H
#define GRADUS_LESSONS_NAME_H

#include <stddef.h>

/* Bytes of the name at `text`: a letter of ASCII, then letters, digits and _. 0: none. */
size_t lesson_name_length(const char *text);
/* The same in a formula, where digits may stand low, x₁; `name` gets it with plain ones, or "" when
 * it does not fit. */
size_t lesson_pretty_name(const char *text, char *name, size_t size);

#endif
