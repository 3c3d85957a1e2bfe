/* How what runs have is shown in lists: title, width and text of a column. */
#ifndef GRADUS_UI_RUN_COLUMN_H
#define GRADUS_UI_RUN_COLUMN_H

#include "store/run_field.h"

typedef struct {
    char title[48];
    int columns;
    bool right;    /* aligned */
    bool flexible; /* takes what is left over */
} run_column;

run_column run_column_of(const run_field *field);
/* "" for what is missing; tags separated by blanks. */
void run_column_text(const run_field *field, const run_table *table, const run_entry *entry,
                     char *text, size_t size);

#endif
