/* Rows of tags, notes and fixes as values that can be taken back: everything that changes goes
 * through journal_set, which writes down what stood there. Private to store/. */
#ifndef GRADUS_STORE_EXAMPLES_JOURNAL_H
#define GRADUS_STORE_EXAMPLES_JOURNAL_H

#include "store/annotate_internal.h"
#include "store/examples.h"

typedef enum { ROW_TAG, ROW_OF, ROW_NOTE, ROW_FIX } journal_kind;

/* Which row: of ROW_TAG the tag, of ROW_OF tag and example, else the example. */
typedef struct {
    journal_kind kind;
    int64_t tag, example;
} journal_key;

enum { JOURNAL_VALUE = 600 };
/* The columns of a row joined by tabs:
 *   ROW_TAG name colour effort position   ROW_OF 1   ROW_NOTE text
 *   ROW_FIX old_label new_label made_ms who rule */
typedef struct {
    bool there;
    char text[JOURNAL_VALUE];
} journal_value;

/* One step under way, inside a transaction. */
typedef struct {
    database *db;
    const char *content, *journal;
    int64_t step;
} journal_step;

/* Steps that were undone can not be done again once a new one begins. */
nn_status journal_begin(journal_step *step, database *db, const char *content, const char *journal,
                        nn_error *error);
nn_status journal_get(database *db, const char *content, journal_key key, journal_value *value,
                      nn_error *error);
/* Changes nothing, and writes nothing down, where the row is so already. */
nn_status journal_set(journal_step *step, journal_key key, const journal_value *value,
                      nn_error *error);
/* The field of a value with this number, from 0. */
void journal_field(const journal_value *value, int number, char *text, size_t size);

#endif
