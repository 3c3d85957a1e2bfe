/* Dates as people write them, by rules (chapter 28: the pipeline beside the network that learns the
 * same from pairs). Pure; callable from any thread. */
#ifndef GRADUS_ENGINE_TEXT_DATES_H
#define GRADUS_ENGINE_TEXT_DATES_H

#include "engine/status.h"

#include <stdbool.h>

typedef struct {
    int year, month, day; /* month and day from 1 */
} nn_date;

/* Reads "20th Jan. 2023", "December 25, 2022", "Sunday 25 dec 22", "12/25/22" (month, day, year, as
 * in the United States), "25.12.2022" (day, month, year) and "2022-12-25". Names of months need
 * their first three letters, case does not matter, names of weekdays are left out. Two digits are
 * the years 1970 to 2069. Refuses what is left over, what is missing and what no calendar has. */
nn_status nn_date_read(const char *text, nn_date *date, nn_error *error);
/* "2023-01-20" (ISO 8601), for the years 0 to 9999. Returns `text`. */
enum { NN_DATE_TEXT = 40 };
char *nn_date_text(nn_date date, char text[NN_DATE_TEXT]);
/* Whether the Gregorian calendar has it, year 1 to 9999. */
bool nn_date_exists(nn_date date);

#endif
