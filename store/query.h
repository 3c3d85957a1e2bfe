/* SQL that people write, on a connection that can only read. */
#ifndef GRADUS_STORE_QUERY_H
#define GRADUS_STORE_QUERY_H

#include "store/store.h"

typedef enum { CELL_NULL, CELL_WHOLE, CELL_REAL, CELL_TEXT, CELL_BLOB } cell_kind;
typedef struct {
    cell_kind kind;
    int64_t whole;
    double real;
    const char *text; /* UTF-8 with a NUL, or the bytes of a blob; until the next row */
    size_t size;      /* bytes */
} query_cell;

typedef struct {
    void *context;
    /* Once, before the first row, also when there is none. False: stop. */
    bool (*columns)(void *context, const char *const *names, int count);
    bool (*row)(void *context, const query_cell *cells, int count);
} query_reader;

enum { QUERY_COLUMNS = 256 };

/* One statement. Whatever would write, attach another file or change the connection is refused by
 * name, before anything is done. Stopping is no failure. */
nn_status store_query(store *s, const char *sql, const query_reader *reader, nn_error *error);

#endif
