/* What fixing each kind of error would be worth (chapter 25): shares are estimated from a random
 * sample of the errors alone; tags given while browsing are counted beside it. Pure functions of
 * books. */
#ifndef GRADUS_UI_CEILING_H
#define GRADUS_UI_CEILING_H

#include "ui/selection.h"

typedef struct {
    int tag;         /* index in book->tags */
    double hours;    /* of its effort, see ceiling_hours; NaN: not said */
    int64_t count;   /* errors of the sample that bear it and were looked at */
    int64_t alone;   /* of these, with no other tag: what it explains by itself */
    int64_t browsed; /* errors outside the sample that bear it */
    /* Share of the errors, its 95 % interval (Wilson 1927), and that of those with no other tag.
     * NaN where nothing was looked at. */
    double share, low, high, exclusive;
    double explains;                           /* errors of the whole part */
    double ceiling, ceiling_low, ceiling_high; /* error of the part if all of it were fixed */
    double gain;                               /* that the error falls by: share x error */
    double worth;        /* gain an hour; where no effort is said, a day (8 h) is taken */
    int64_t still_wrong; /* of `count`, what another run answers wrong as well; -1: no other run */
} ceiling_row;

typedef struct {
    ceiling_row *rows; /* best worth first, then by gain */
    int count;
    int64_t sampled, looked_at; /* errors of the sample */
    int64_t untagged;           /* of those looked at */
    int64_t errors, total;      /* of the part */
    double error;
    run_id other;        /* 0: none */
    int64_t other_wrong; /* of those looked at, what the other run answers wrong as well */
} ceiling_table;

/* `other` (NULL: none): another run's book of the same part and data, else it is refused. */
nn_status ceiling_make(const example_book *book, const example_book *other, ceiling_table *table,
                       nn_error *error);
void ceiling_free(ceiling_table *table);
/* "30 min", "2 h", "1.5 days", "a week" -> hours; "easy" 2, "medium" 8, "hard" 40. NaN otherwise.
 */
double ceiling_hours(const char *effort);

#endif
