#include "ui/run_listing.h"

#include "ui/run_column.h"
#include "ui/terminal/canvas.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- rules ------------------------------------------------------------------------------------ */

static const char *const start_columns = "id,state,name,tags,epoch,best_dev_error,test_error,"
                                         "seconds,param.lr,model,data,note";

static const char *const show_names[SHOW_COUNT] = {"current", "archived", "deleted", "all"};

const char *run_show_name(run_show show)
{
    return show_names[show];
}

nn_status run_listing_init(run_listing *l, nn_error *error)
{
    memset(l, 0, sizeof *l);
    nn_status status = run_listing_sort(l, "-id", NULL, error);
    if (status == NN_OK)
        status = run_listing_columns(l, start_columns, NULL, error);
    return status;
}

void run_listing_free(run_listing *l)
{
    run_filter_free(l->filter);
    free(l->lines);
    memset(l, 0, sizeof *l);
}

nn_status run_listing_filter(run_listing *l, const char *text, const run_table *table,
                             nn_error *error)
{
    if (strlen(text) >= sizeof l->filter_text)
        return nn_fail(error, NN_E_ARG, "the filter is longer than %zu bytes",
                       sizeof l->filter_text - 1);
    run_filter *filter = *text ? run_filter_parse(text, table, error) : NULL;
    if (*text && !filter)
        return error ? error->code : NN_E_ARG;
    run_filter_free(l->filter);
    l->filter = filter;
    if (text != l->filter_text)
        snprintf(l->filter_text, sizeof l->filter_text, "%s", text);
    return NN_OK;
}

nn_status run_listing_sort(run_listing *l, const char *key, const run_table *table, nn_error *error)
{
    run_field field;
    bool descending = *key == '-';
    nn_status status = run_field_parse(key + descending, table, &field, error);
    if (status != NN_OK)
        return status;
    l->sort = field;
    l->descending = descending;
    return NN_OK;
}

nn_status run_listing_group(run_listing *l, const char *key, const run_table *table,
                            nn_error *error)
{
    run_field field;
    nn_status status = *key ? run_field_parse(key, table, &field, error) : NN_OK;
    if (status != NN_OK)
        return status;
    l->grouped = *key != '\0';
    if (l->grouped)
        l->group = field;
    return NN_OK;
}

/* `name` leaves the columns (index, or -1 when it is not there). */
static int column_place(const run_field *columns, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(columns[i].name, name) == 0)
            return i;
    return -1;
}

static nn_status change_column(run_field *columns, int *count, const char *key,
                               const run_table *table, nn_error *error)
{
    run_field field;
    bool removes = *key == '-';
    nn_status status = run_field_parse(key + (removes || *key == '+'), table, &field, error);
    if (status != NN_OK)
        return status;
    int place = column_place(columns, *count, field.name);
    if (removes && place < 0)
        return nn_fail(error, NN_E_MISSING, "'%s' is not among the columns", field.name);
    if (removes) {
        memmove(&columns[place], &columns[place + 1],
                (size_t)(*count - place - 1) * sizeof *columns);
        (*count)--;
        return NN_OK;
    }
    if (place >= 0)
        return NN_OK;
    if (*count == LISTING_COLUMNS)
        return nn_fail(error, NN_E_ARG, "a list has %d columns at most", LISTING_COLUMNS);
    columns[(*count)++] = field;
    return NN_OK;
}

nn_status run_listing_columns(run_listing *l, const char *keys, const run_table *table,
                              nn_error *error)
{
    run_field columns[LISTING_COLUMNS];
    keys += strspn(keys, ", ");
    bool changes = *keys == '+' || *keys == '-';
    int count = changes ? l->column_count : 0;
    memcpy(columns, l->columns, sizeof columns);
    if (!*keys)
        return nn_fail(error, NN_E_ARG, "which columns? Names separated by commas: id,name,lr");
    while (*keys) {
        char key[64];
        size_t length = strcspn(keys, ", ");
        snprintf(key, sizeof key, "%.*s", (int)(length < 63 ? length : 63), keys);
        nn_status status = change_column(columns, &count, key, table, error);
        if (status != NN_OK)
            return status;
        keys += length;
        keys += strspn(keys, ", ");
    }
    if (count == 0)
        return nn_fail(error, NN_E_ARG, "a list needs at least one column");
    memcpy(l->columns, columns, sizeof columns);
    l->column_count = count;
    return NN_OK;
}

nn_status run_listing_show(run_listing *l, const char *word, nn_error *error)
{
    for (int i = 0; i < SHOW_COUNT; i++)
        if (strcmp(word, show_names[i]) == 0) {
            l->show = (run_show)i;
            return NN_OK;
        }
    return nn_fail(error, NN_E_ARG, "'%.40s': expected current, archived, deleted or all", word);
}

bool run_field_descends(const run_field *field, const run_table *table)
{
    static const char *const rising[] = {"id",      "started",        "ended",  "step",
                                         "seconds", "examples_per_s", "pinned", "duration"};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++)
        if (field->kind == FIELD_OF_ROW && strcmp(field->name, rising[i]) == 0)
            return true;
    return field->kind == FIELD_OF_METRIC && field->which >= 0 &&
           table->metrics[field->which].goal > 0;
}

/* --- rules as text ------------------------------------------------------------------------------
 */

void run_listing_rules(const run_listing *l, char *text, size_t size)
{
    size_t used =
        (size_t)snprintf(text, size, "sort %s%s\n", l->descending ? "-" : "", l->sort.name);
    if (l->filter && used < size)
        used += (size_t)snprintf(text + used, size - used, "filter %s\n", l->filter_text);
    if (l->grouped && used < size)
        used += (size_t)snprintf(text + used, size - used, "group %s\n", l->group.name);
    if (l->tree && used < size)
        used += (size_t)snprintf(text + used, size - used, "tree\n");
    if (l->show != SHOW_CURRENT && used < size)
        used += (size_t)snprintf(text + used, size - used, "show %s\n", show_names[l->show]);
    for (int i = 0; i < l->column_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "columns ",
                                 l->columns[i].name);
}

static nn_status apply_rule(run_listing *l, char *rule, const run_table *table, nn_error *error)
{
    char *rest = rule + strcspn(rule, " ");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(rule, "sort") == 0)
        return run_listing_sort(l, rest, table, error);
    if (strcmp(rule, "filter") == 0)
        return run_listing_filter(l, rest, table, error);
    if (strcmp(rule, "group") == 0)
        return run_listing_group(l, rest, table, error);
    if (strcmp(rule, "show") == 0)
        return run_listing_show(l, rest, error);
    if (strcmp(rule, "columns") == 0)
        return run_listing_columns(l, rest, table, error);
    l->tree = l->tree || strcmp(rule, "tree") == 0;
    return strcmp(rule, "tree") == 0
               ? NN_OK
               : nn_fail(error, NN_E_FORMAT, "the view has a rule '%.40s' that is unknown here",
                         rule);
}

nn_status run_listing_apply(run_listing *l, const char *rules, const run_table *table,
                            nn_error *error)
{
    run_listing made;
    nn_status status = run_listing_init(&made, error);
    while (status == NN_OK && *rules) {
        char rule[LISTING_FILTER + 512];
        size_t length = strcspn(rules, "\n");
        snprintf(rule, sizeof rule, "%.*s", (int)(length < sizeof rule ? length : 0), rules);
        if (*rule)
            status = apply_rule(&made, rule, table, error);
        rules += length;
        rules += *rules == '\n';
    }
    if (status != NN_OK) {
        run_listing_free(&made);
        return status;
    }
    made.lines = l->lines, made.count = l->count, made.runs = l->runs;
    run_filter_free(l->filter);
    *l = made;
    return NN_OK;
}

/* --- which runs ---------------------------------------------------------------------------------
 */

/* The letters of `word` stand in `text` in this order, close together. */
static bool fuzzy(const char *text, const char *word, size_t length)
{
    for (const char *begin = text; *begin; begin++) {
        if (tolower((unsigned char)*begin) != tolower((unsigned char)*word))
            continue;
        const char *at = begin;
        size_t found = 0;
        while (*at && found < length && (size_t)(at - begin) < 2 * length + 2)
            found += tolower((unsigned char)*at++) == tolower((unsigned char)word[found]);
        if (found == length)
            return true;
    }
    return false;
}

static bool word_fits(const run_table *table, const run_entry *e, const char *word, size_t length)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)e->row.id);
    const char *const texts[] = {id,          e->row.name, e->row.model,
                                 e->row.data, e->row.note, run_state_name(e->row.state)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (fuzzy(texts[i], word, length))
            return true;
    for (int i = 0; i < e->tag_count; i++)
        if (fuzzy(table->tags[e->tags[i]].name, word, length))
            return true;
    return false;
}

static bool words_fit(const run_table *table, const run_entry *e, const char *words)
{
    for (const char *at = words + strspn(words, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (!word_fits(table, e, at, length))
            return false;
        at += length;
    }
    return true;
}

static bool shown(const run_listing *l, const run_row *row)
{
    switch (l->show) {
    case SHOW_CURRENT:
        return !row->archived_ms && !row->deleted_ms;
    case SHOW_ARCHIVED:
        return row->archived_ms && !row->deleted_ms;
    case SHOW_DELETED:
        return row->deleted_ms != 0;
    case SHOW_ALL:
    case SHOW_COUNT:
        break;
    }
    return !row->deleted_ms;
}

/* --- order ------------------------------------------------------------------------------------ */

typedef struct {
    const run_listing *listing;
    run_value group, key;
    bool pinned;
    run_id id;
    int entry;
} sorted;

static int by_rules(const void *x, const void *y)
{
    const sorted *a = x, *b = y;
    const run_listing *l = a->listing;
    int order = l->grouped ? run_value_compare(&a->group, &b->group, false) : 0;
    if (order == 0)
        order = b->pinned - a->pinned;
    if (order == 0)
        order = run_value_compare(&a->key, &b->key, l->descending);
    return order ? order : (a->id < b->id) - (a->id > b->id);
}

static int pick(run_listing *l, const run_table *table, sorted *list)
{
    int count = 0;
    l->hidden = 0;
    for (int i = 0; i < table->count; i++) {
        const run_entry *e = &table->entries[i];
        if (!shown(l, &e->row))
            continue;
        if ((l->filter && !run_filter_passes(l->filter, table, e)) ||
            !words_fit(table, e, l->find)) {
            l->hidden++;
            continue;
        }
        sorted *s = &list[count++];
        *s = (sorted){.listing = l, .pinned = e->row.pinned, .id = e->row.id, .entry = i};
        s->key = run_field_value(&l->sort, table, e);
        if (l->grouped)
            s->group = run_field_value(&l->group, table, e);
    }
    if (count > 1)
        qsort(list, (size_t)count, sizeof *list, by_rules);
    return count;
}

/* --- branches -----------------------------------------------------------------------------------
 */

typedef struct {
    int *child, *next; /* by place in the sorted list; -1: none */
    int *place;        /* of an entry in it; -1: not there */
} family;

/* Links every run of [from,to) to its parent, where that is in the same stretch. Walking backwards
 * keeps children in order. Roots have next == -2. */
static void link_family(const run_table *table, const sorted *list, int from, int to, family *f)
{
    for (int i = from; i < to; i++)
        f->child[i] = -1;
    for (int i = to - 1; i >= from; i--) {
        const run_row *row = &table->entries[list[i].entry].row;
        const run_entry *parent = row->parent > 0 ? run_table_find(table, row->parent) : NULL;
        int place = parent && row->parent < row->id ? f->place[parent - table->entries] : -1;
        f->next[i] = -2;
        if (place < from || place >= to)
            continue;
        f->next[i] = f->child[place];
        f->child[place] = i;
    }
}

/* A run and everything below it. A parent's number is smaller than its child's, so there are no
 * circles. `stack` has room for every run. */
static void add_branch(run_listing *l, const sorted *list, const family *f, int root, int *stack)
{
    int height = 0, at = root, depth = 0;
    for (;;) {
        l->lines[l->count++] = (run_line){.entry = list[at].entry, .depth = depth};
        if (f->child[at] >= 0) {
            stack[height++] = at;
            at = f->child[at];
            depth++;
            continue;
        }
        while (height > 0 && f->next[at] < 0) {
            at = stack[--height];
            depth--;
        }
        if (height == 0)
            return;
        at = f->next[at];
    }
}

static void add_stretch(run_listing *l, const run_table *table, const sorted *list, int from,
                        int to, family *f, int *stack)
{
    if (l->tree)
        link_family(table, list, from, to, f);
    for (int i = from; i < to; i++) {
        if (!l->tree)
            l->lines[l->count++] = (run_line){.entry = list[i].entry};
        else if (f->next[i] == -2)
            add_branch(l, list, f, i, stack);
    }
}

/* Columns of text shrink to their longest one; numbers keep their place while they change. */
static void measure(run_listing *l, const run_table *table)
{
    for (int i = 0; i < l->column_count; i++) {
        run_column column = run_column_of(&l->columns[i]);
        l->widths[i] = column.columns;
        if (column.right || column.flexible)
            continue;
        int longest = text_columns(column.title);
        for (int k = 0; k < l->count && longest < column.columns; k++) {
            char text[128];
            if (l->lines[k].entry < 0)
                continue;
            run_column_text(&l->columns[i], table, &table->entries[l->lines[k].entry], text,
                            sizeof text);
            int columns = text_columns(text);
            longest = columns > longest ? columns : longest;
        }
        l->widths[i] = longest < column.columns ? longest : column.columns;
    }
}

nn_status run_listing_update(run_listing *l, const run_table *table, nn_error *error)
{
    size_t room = (size_t)table->count + 1;
    sorted *list = malloc(room * sizeof *list);
    int *numbers = malloc(4 * room * sizeof *numbers);
    run_line *lines = realloc(l->lines, 2 * room * sizeof *lines); /* a heading each, at most */
    l->lines = lines ? lines : l->lines;
    if (!list || !numbers || !lines) {
        free(list);
        free(numbers);
        return nn_fail(error, NN_E_NOMEM, "out of memory for the list of runs");
    }
    family f = {numbers, numbers + room, numbers + 2 * room};
    int count = pick(l, table, list);
    for (size_t i = 0; i < room; i++)
        f.place[i] = -1;
    for (int i = 0; i < count; i++)
        f.place[list[i].entry] = i;
    l->count = 0;
    l->runs = count;
    for (int from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count; to++)
            if (l->grouped && run_value_compare(&list[from].group, &list[to].group, false) != 0)
                break;
        if (l->grouped)
            l->lines[l->count++] =
                (run_line){.entry = -1, .first = list[from].entry, .runs = to - from};
        add_stretch(l, table, list, from, to, &f, numbers + 3 * room);
    }
    free(list);
    free(numbers);
    measure(l, table);
    return NN_OK;
}

int run_listing_line(const run_listing *l, const run_table *table, run_id id)
{
    for (int i = 0; i < l->count; i++)
        if (l->lines[i].entry >= 0 && table->entries[l->lines[i].entry].row.id == id)
            return i;
    return -1;
}

void run_listing_heading(const run_listing *l, const run_table *table, const run_line *line,
                         char *text, size_t size)
{
    char value[128];
    run_column_text(&l->group, table, &table->entries[line->first], value, sizeof value);
    snprintf(text, size, "%s = %s, %d run%s", l->group.name, *value ? value : "(none)", line->runs,
             line->runs == 1 ? "" : "s");
}
