/* Looking after the file: what is wrong with it, a copy, making it smaller. */
#ifndef GRADUS_STORE_MAINTAIN_H
#define GRADUS_STORE_MAINTAIN_H

#include "store/store.h"

/* Something that is not as it should be. */
typedef struct {
    run_id run;    /* 0: not of one run */
    bool loss;     /* content is damaged; false: a notice, say of a checkpoint file that is gone */
    char name[96]; /* of the run */
    char what[256];
} store_finding;

/* Integrity of the file, foreign keys, and what must hold between the rows of each run: curves that
 * ascend and agree with their summaries, matrices and predictions of the right size. The file is
 * only read, at whatever schema it has. NN_OK with what was found (freed by the caller), an error
 * where it cannot be looked at. */
nn_status store_examine(const char *path, store_finding **list, int *count, nn_error *error);

typedef struct {
    int64_t bytes;       /* of the copy */
    int runs;            /* in it */
    int64_t checkpoints; /* bytes of checkpoint files, which are not part of it */
} store_copy;
/* A copy of the store as it is at one moment, also while others write: made beside `to`, moved into
 * place when it is whole. A file at `to` that is no Gradus store is refused. */
nn_status store_backup(const char *path, const char *to, store_copy *copy, nn_error *error);

typedef struct {
    int64_t before, after; /* bytes */
    int purged;            /* runs that were removed for good */
} store_compaction;
/* Removes deleted runs and their checkpoint files for good. Refuses while one of them trains. */
nn_status store_purge(const char *path, int *purged, nn_error *error);
/* The same, then gives unused pages back to the file system. Refuses while any run trains. */
nn_status store_compact(const char *path, store_compaction *done, nn_error *error);

#endif
