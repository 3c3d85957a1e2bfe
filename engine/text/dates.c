#include "engine/text/dates.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The stages of the pipeline, one function each: words, their kinds, their places, the calendar. */

enum { PARTS = 3, WORD = 16 };

typedef struct {
    int value;
    int digits;     /* 0: the name of a month */
    bool ordinal;   /* "20th" */
    char separator; /* behind it */
} part;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- words -------------------------------------------------------------------------------------
 */

/* Which of the names the word abbreviates (three letters or more), from 1; 0: none. */
static int name_of(const char *word, const char *const *names, int count)
{
    size_t length = strlen(word);
    for (int i = 0; length >= 3 && i < count; i++)
        if (length <= strlen(names[i]) && strncasecmp(word, names[i], length) == 0)
            return i + 1;
    return 0;
}

static int month_of(const char *word)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    return name_of(word, months, 12);
}

static bool is_weekday(const char *word)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    return name_of(word, days, 7) > 0;
}

static bool is_ordinal_ending(const char *word)
{
    static const char *const endings[] = {"st", "nd", "rd", "th"};
    for (int i = 0; i < 4; i++)
        if (strcasecmp(word, endings[i]) == 0)
            return true;
    return false;
}

/* Copies the letters at `text`; those that find no room make the word unknown. Returns their end.
 */
static const char *take_word(const char *text, char word[WORD])
{
    size_t length = 0;
    for (; is_letter(*text); text++)
        if (length + 1 < WORD)
            word[length++] = *text;
    word[length] = 0;
    return text;
}

static const char *take_number(const char *text, part *p)
{
    char word[WORD];
    *p = (part){.value = 0};
    for (; is_digit(*text); text++)
        if (++p->digits <= 4)
            p->value = 10 * p->value + (*text - '0');
    const char *end = take_word(text, word);
    p->ordinal = is_ordinal_ending(word);
    return p->ordinal ? end : text;
}

static const char *skip_separators(const char *text, char *separator)
{
    *separator = 0;
    for (; *text && strchr(" ,./-\t", *text); text++)
        *separator = *separator && *separator != ' ' ? *separator : *text;
    return text;
}

/* Exactly three parts, or a refusal. */
static nn_status split(const char *text, part parts[PARTS], nn_error *error)
{
    int count = 0;
    char word[WORD], separator;
    const char *at = skip_separators(text, &separator);
    while (*at) {
        part p = {.value = 0};
        const char *start = at;
        if (is_digit(*at)) {
            at = take_number(at, &p);
        } else {
            at = take_word(at, word);
            p.value = month_of(word);
            if (at == start || (!p.value && !is_weekday(word)))
                return nn_fail(error, NN_E_FORMAT, "date '%.40s': '%.20s' is no month or weekday",
                               text, start);
        }
        at = skip_separators(at, &p.separator);
        if (!p.digits && !p.value)
            continue;
        if (count == PARTS)
            return nn_fail(error, NN_E_FORMAT, "date '%.40s': more than a day, a month and a year",
                           text);
        parts[count++] = p;
    }
    if (count < PARTS)
        return nn_fail(error, NN_E_FORMAT, "date '%.40s': expected a day, a month and a year",
                       text);
    return NN_OK;
}

/* --- places ------------------------------------------------------------------------------------
 */

/* Which part is the month, which the day; the year is what is left. */
static nn_status place(const char *text, const part p[PARTS], int *month, int *day, nn_error *error)
{
    int names = 0;
    for (int i = 0; i < PARTS; i++)
        if (!p[i].digits) {
            *month = i;
            names++;
        }
    if (names > 1)
        return nn_fail(error, NN_E_FORMAT, "date '%.40s': two months", text);
    if (names == 1) {
        int first = *month == 0 ? 1 : 0, second = 3 - *month - first;
        *day = p[first].digits > 2 || p[second].ordinal ? second : first;
    } else if (p[0].digits > 2) { /* the year in front: 2022-12-25 */
        *month = 1;
        *day = 2;
    } else { /* 12/25/22, but 25.12.2022 */
        *month = p[0].separator == '.' ? 1 : 0;
        *day = 1 - *month;
    }
    return NN_OK;
}

bool nn_date_exists(nn_date date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    return date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.month <= 12 &&
           date.day >= 1 && date.day <= days[date.month - 1] + (leap && date.month == 2);
}

nn_status nn_date_read(const char *text, nn_date *date, nn_error *error)
{
    part p[PARTS];
    int month = 0, day = 0;
    nn_status status = split(text, p, error);
    if (!status)
        status = place(text, p, &month, &day, error);
    if (status)
        return status;
    const part *year = &p[3 - month - day];
    if (year->ordinal || (year->digits != 2 && year->digits != 4) || p[day].digits > 2 ||
        p[month].digits > 2 || p[month].ordinal)
        return nn_fail(error, NN_E_FORMAT,
                       "date '%.40s': expected a day and a month of at most two digits and a year "
                       "of two or four",
                       text);
    int century = year->digits == 4 ? 0 : year->value < 70 ? 2000 : 1900;
    nn_date read = {year->value + century, p[month].value, p[day].value};
    if (!nn_date_exists(read))
        return nn_fail(error, NN_E_FORMAT,
                       "date '%.40s': no calendar has month %d, day %d, year "
                       "%d",
                       text, read.month, read.day, read.year);
    *date = read;
    return NN_OK;
}

char *nn_date_text(nn_date date, char text[NN_DATE_TEXT])
{
    snprintf(text, NN_DATE_TEXT, "%04d-%02d-%02d", date.year, date.month, date.day);
    return text;
}
