/* Reading runs, for connections of both kinds. */
#ifndef GRADUS_STORE_READ_H
#define GRADUS_STORE_READ_H

#include "store/database.h"
#include "store/process.h"
#include "store/store.h"

struct store {
    database db;
    process_identity self;
    sqlite3_stmt *version; /* PRAGMA data_version, prepared once: it is polled */
};

/* The row of a run with its state derived, as `self` sees it now. */
nn_status read_run(database *db, const process_identity *self, run_id id, run_row *row,
                   nn_error *error);

/* Item number `count` of *array (items of `size` bytes), which grows as needed. NULL: out of
 * memory.
 */
void *read_item(void **array, int64_t count, int64_t *room, size_t size, nn_error *error);

#endif
