/* What can be said about a run by name, for filters, columns, sorting and grouping:
 *
 *   id name state data model optimizer schedule note tags seed batch epoch epochs step parent
 *   started ended seconds params multiply_adds latency_ms memory lr train_loss dev_error ...
 *   param.KEY      a parameter of the run: param.lr; KEY alone where nothing else has that name
 *   METRIC.last    also .min .max .best, .last_step .min_step .max_step .best_step, .count .nan;
 *   METRIC         alone: its last value
 */
#ifndef GRADUS_STORE_RUN_FIELD_H
#define GRADUS_STORE_RUN_FIELD_H

#include "store/run_table.h"

typedef enum { FIELD_OF_ROW, FIELD_OF_PARAM, FIELD_OF_METRIC } run_field_kind;
typedef enum {
    ASPECT_LAST,
    ASPECT_MIN,
    ASPECT_MAX,
    ASPECT_BEST,
    ASPECT_LAST_STEP,
    ASPECT_MIN_STEP,
    ASPECT_MAX_STEP,
    ASPECT_BEST_STEP,
    ASPECT_COUNT,
    ASPECT_NAN,
    ASPECTS
} metric_aspect;

typedef struct {
    run_field_kind kind;
    int which; /* of a row: its place in the list below; else an index of the table, -1: no run has
                  it yet */
    metric_aspect aspect;
    char name[48]; /* "dev_error.best" as it is typed */
} run_field;

typedef enum { VALUE_NONE, VALUE_NUMBER, VALUE_TEXT, VALUE_TAGS } run_value_kind;
typedef struct {
    run_value_kind kind;
    double number;
    const char *text; /* lives as long as the entry */
} run_value;

/* `table` knows parameters and metrics (NULL: any is taken). An unknown name is refused with the
 * nearest that there is. */
nn_status run_field_parse(const char *name, const run_table *table, run_field *field,
                          nn_error *error);
run_value run_field_value(const run_field *field, const run_table *table, const run_entry *entry);
/* Whether its values are numbers: VALUE_NONE where that differs by run. */
run_value_kind run_field_type(const run_field *field);
/* Numbers ascending, then texts (any case), then what is missing or NaN: at the end also when
 * `descending`. */
int run_value_compare(const run_value *a, const run_value *b, bool descending);

/* Names of row fields in order; NULL after the last. */
const char *run_field_name(int i);
const char *metric_aspect_name(metric_aspect aspect);

#endif
