/* Comma-separated text as a table of cells. Private to engine/data. */
#ifndef GRADUS_ENGINE_DATA_CSV_TABLE_H
#define GRADUS_ENGINE_DATA_CSV_TABLE_H

#include "engine/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *text;      /* a copy of the file, cut into cells that end with NUL */
    uint32_t *cell;  /* rows * columns offsets into text */
    uint32_t *line;  /* of each row, from 1 */
    int64_t rows;    /* the header included, if there is one */
    int64_t columns; /* the same in every row */
    int64_t cell_room, row_room;
} nn_table;

/* RFC 4180, and: comma, semicolon or tab, whichever the first line has most of; any line ending;
 * empty lines are skipped; blanks around unquoted cells are dropped; a byte order mark is fine. */
nn_status nn_table_parse(const char *text, size_t size, const char *name, nn_table *table,
                         nn_error *error);
void nn_table_free(nn_table *table);
const char *nn_table_cell(const nn_table *table, int64_t row, int64_t column);

#endif
