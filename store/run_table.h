/* Every run with its parameters, metrics and tags, in memory: what lists are filtered, sorted and
 * grouped by. Reading it again costs only what has changed: the details of a run that has not moved
 * are kept. Belongs to one thread. */
#ifndef GRADUS_STORE_RUN_TABLE_H
#define GRADUS_STORE_RUN_TABLE_H

#include "store/annotate.h"

typedef struct {
    int key; /* index into the table's keys */
    bool is_number;
    double number;
    char *text; /* NULL for a number */
} run_fact;

typedef struct {
    int metric; /* index into the table's metrics */
    int64_t count, nan_count;
    double last, min, max; /* min and max of the finite points; NaN without one */
    uint64_t last_step, min_step, max_step;
} run_measure;

typedef struct {
    run_row row;
    run_fact *facts;
    run_measure *measures;
    int *tags; /* indices into the table's tags */
    int fact_count, measure_count, tag_count;
} run_entry;

typedef struct {
    char name[32];
    int goal; /* of a metric: -1 small values are better, 1 large ones, 0 neither */
} run_name;

typedef struct {
    run_entry *entries; /* newest first; archived and deleted ones too */
    int count;
    /* Names only ever join, so an index stays what it is. */
    run_name *keys, *metrics;
    int key_count, metric_count;
    run_tag *tags;
    int tag_count;
} run_table;

run_table *run_table_new(void); /* NULL: out of memory */
void run_table_free(run_table *t);
/* Brings the table up to the store. On failure it stays as it was. */
nn_status run_table_read(run_table *t, store *s, nn_error *error);

/* NULL when there is none. */
const run_entry *run_table_find(const run_table *t, run_id id);
const run_fact *run_entry_fact(const run_entry *e, int key);
const run_measure *run_entry_measure(const run_entry *e, int metric);
bool run_entry_tagged(const run_table *t, const run_entry *e, const char *tag);

#endif
