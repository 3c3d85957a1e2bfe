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

/* One row of a query as one item, which is all zeros before. */
typedef nn_status read_row(store *s, sqlite3_stmt *query, void *item, nn_error *error);
/* Every row of `query` (NULL: it could not be prepared), which is finalised. An array of items
 * of `size` bytes, freed by the caller; NULL and 0 on failure. */
void *read_list(store *s, sqlite3_stmt *query, size_t size, read_row *read, int *count,
                nn_status *status, nn_error *error);
/* The same, but a failure leaves the items before it, for the caller to clear away. */
void *read_rows(store *s, sqlite3_stmt *query, size_t size, read_row *read, int *count,
                nn_status *status, nn_error *error);

#endif
