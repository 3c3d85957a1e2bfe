/* Taking over what the store of another machine holds. */
#ifndef GRADUS_STORE_MERGE_H
#define GRADUS_STORE_MERGE_H

#include "store/store.h"

typedef struct {
    int runs_added;    /* that were not here */
    int runs_advanced; /* that were here, but had gone further there */
    int runs_parted;   /* of those added: they were resumed here and there, and are two runs now */
    int runs_known;    /* nothing to take over */
    int studies_added, trials_added, trials_advanced;
    int annotations;          /* tags, notes, fixes, views, and places in the course */
    int conflicts;            /* where both say something else: what stays is told in the help */
    int files, files_missing; /* checkpoint files that were copied, and that were not found */
    char left[200];           /* tables with rows that this program does not know; "" */
} store_merge_report;

/* Everything of `other` that `path` lacks, in one transaction: all or nothing. Runs, studies and
 * trials are recognised by their uuid, so that merging again adds nothing. `other` is only read,
 * through a copy that is brought up to date beside `path`; a newer one is refused. */
nn_status store_merge(const char *path, const char *other, store_merge_report *report,
                      nn_error *error);

#endif
