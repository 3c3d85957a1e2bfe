/* Small things several commands share. */
#ifndef GRADUS_UI_COMMON_H
#define GRADUS_UI_COMMON_H

#include "store/store.h"

/* The store at `path` (NULL: the default one), or NULL after a complaint on stderr. Its warning, if
 * it has one, goes to stderr too. */
store *require_store(const char *path);
/* Writes `given`, or else the default place of the store; false after a complaint. */
bool store_path_given(const char *given, char *path, size_t size);
/* A number of thousands with commas: "61,706". */
const char *commas(int64_t number, char text[32]);
/* "12.34 %" of a share, "-" for NaN. */
const char *percent(double share, char text[16]);
/* "0.1234", "-" for NaN. */
const char *decimal(double number, char text[16]);
/* "4:07", "1:02:30", "-" when unknown. */
const char *duration(double seconds, char text[32]);
/* "2026-11-23 21:55:01" in local time from Unix milliseconds; "-" for 0. */
const char *moment(int64_t milliseconds, char text[32]);
/* Writes UTF-8 text on stdout without control characters, padded (left-aligned) or cut to `columns`
 * (0: as it is). */
void print_cell(const char *text, int columns);

#endif
