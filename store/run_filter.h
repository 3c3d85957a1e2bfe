/* The language that runs are filtered by:
 *
 *   dev_error<0.1 AND (model=lenet5 OR tag=good) AND NOT state=crashed
 *
 * FIELD OP VALUE with = != < <= > >= and ~ (contains, any case) or !~; AND, OR, NOT (also in small
 * letters, and && || !), brackets. VALUE is a number (10% is 0.1; 5m, 2h, 3d are seconds; k M G
 * thousands), a word, or 'quoted' text; a day like 2026-11-20 for times. has:tag, has:note,
 * has:FIELD: there is one; has:good: carries that tag. A word alone: the name or model holds it, or
 * it is the run's number. What a run does not have fits no comparison but != and !~. Fields:
 * store/run_field.h. */
#ifndef GRADUS_STORE_RUN_FILTER_H
#define GRADUS_STORE_RUN_FILTER_H

#include "store/run_field.h"

typedef struct run_filter run_filter;

/* "" is a filter that everything passes. NULL on failure; the message begins with the place, "at
 * character 7: ...". */
run_filter *run_filter_parse(const char *text, const run_table *table, nn_error *error);
void run_filter_free(run_filter *f);
bool run_filter_passes(const run_filter *f, const run_table *table, const run_entry *entry);

#endif
