/* Numbers from text and into text, the same in every locale: a program that draws for a German has
 * set a decimal comma, but files and descriptions keep their point. Callable from any thread. */
#ifndef GRADUS_ENGINE_NUMBER_H
#define GRADUS_ENGINE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* The whole of `text` as a finite decimal number ("-1.5e3"). No blanks, hexadecimals, words. */
bool nn_parse_number(const char *text, double *value);

/* The shortest of 9 significant digits, as printf's %.9g writes it with a point. Returns `text`. */
enum { NN_NUMBER_TEXT = 32 };
const char *nn_number_text(double value, char text[NN_NUMBER_TEXT]);

#endif
