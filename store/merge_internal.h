/* Between the files of merging. Our tables are main.*, theirs other.*; temp.merge_run(theirs, ours,
 * copy) and the like lead from their numbers to ours, copy = 1 where their rows are to be taken. */
#ifndef GRADUS_STORE_MERGE_INTERNAL_H
#define GRADUS_STORE_MERGE_INTERNAL_H

#include "store/database.h"
#include "store/merge.h"

typedef struct {
    database *db;
    const char *other; /* their path, for their checkpoint files */
    store_merge_report *report;
} merge;

/* What stands for a column of theirs; expression NULL: it is left to its default. */
typedef struct {
    const char *column, *expression;
} merge_column;
/* INSERT `how` INTO main.table, all columns, SELECT ... FROM other.table AS t `rest`. `columns`
 * ends with a column NULL. */
nn_status merge_copy(merge *m, const char *how, const char *table, const merge_column *columns,
                     const char *rest, nn_error *error);
/* Statements, the rows they change counted in *changed (NULL: not). */
nn_status merge_run_all(merge *m, const char *const *statements, int count, int *changed,
                        nn_error *error);
/* A name that no row of `table` has: `wanted`, or with "-2", "-3" ... */
nn_status merge_free_name(merge *m, const char *table, const char *wanted, char *name, size_t size,
                          nn_error *error);

nn_status merge_runs(merge *m, nn_error *error);    /* with metrics and data sets */
nn_status merge_studies(merge *m, nn_error *error); /* after the runs */
nn_status merge_people(merge *m, nn_error *error);  /* what people said; after the runs */
nn_status merge_files(merge *m, nn_error *error);   /* checkpoint files; last */

#endif
