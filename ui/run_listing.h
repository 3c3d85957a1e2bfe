/* A list of runs by rules: which ones, in which order, under which headings, with which columns.
 * The same for the Runs screen and for `gradus runs list`; the rules are text that can be saved. */
#ifndef GRADUS_UI_RUN_LISTING_H
#define GRADUS_UI_RUN_LISTING_H

#include "store/run_filter.h"

enum { LISTING_COLUMNS = 24, LISTING_FILTER = 512 };

typedef enum { SHOW_CURRENT, SHOW_ARCHIVED, SHOW_DELETED, SHOW_ALL, SHOW_COUNT } run_show;

typedef struct {
    int entry;       /* index in the table; -1: the heading of a group */
    int depth;       /* of a branch below its parent */
    int first, runs; /* of a heading: the group's first run (entry) and how many it has */
} run_line;

typedef struct {
    /* The rules. */
    char filter_text[LISTING_FILTER];
    run_filter *filter;
    char find[64]; /* words that are typed while looking; not saved */
    run_field sort, group;
    bool descending, grouped, tree;
    run_show show;
    run_field columns[LISTING_COLUMNS];
    int column_count;
    int widths[LISTING_COLUMNS]; /* of columns; texts take no more than the longest one needs */
    /* What they make of a table. */
    run_line *lines;
    int count, runs; /* lines, and those of them that are runs */
    int hidden;      /* current runs that filter or words leave out */
} run_listing;

/* Everything current, newest first, with the columns that most people want. */
nn_status run_listing_init(run_listing *l, nn_error *error);
void run_listing_free(run_listing *l);

/* Each changes one rule, or refuses and leaves it. `table` knows the names there are. */
nn_status run_listing_filter(run_listing *l, const char *text, const run_table *table,
                             nn_error *error);
/* "dev_error.best", or "-id": descending. */
nn_status run_listing_sort(run_listing *l, const char *key, const run_table *table,
                           nn_error *error);
nn_status run_listing_group(run_listing *l, const char *key, const run_table *table,
                            nn_error *error); /* "": none */
/* Names separated by commas; with "+KEY" or "-KEY" columns join or leave the present ones. */
nn_status run_listing_columns(run_listing *l, const char *keys, const run_table *table,
                              nn_error *error);
nn_status run_listing_show(run_listing *l, const char *word, nn_error *error);
/* The direction that puts the better or newer first. */
bool run_field_descends(const run_field *field, const run_table *table);
const char *run_show_name(run_show show);

/* All rules as text, one a line, and back; what a text leaves out is as at the beginning. */
void run_listing_rules(const run_listing *l, char *text, size_t size);
nn_status run_listing_apply(run_listing *l, const char *rules, const run_table *table,
                            nn_error *error);

/* Makes the lines. Call again whenever a rule or the table has changed. */
nn_status run_listing_update(run_listing *l, const run_table *table, nn_error *error);
/* The line of a run; -1: it is not among them. */
int run_listing_line(const run_listing *l, const run_table *table, run_id id);
/* "lr = 0.01, 12 runs" */
void run_listing_heading(const run_listing *l, const run_table *table, const run_line *line,
                         char *text, size_t size);

#endif
