#include "store/run_table.h"

#include "store/read.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Above so many changed runs one scan over everything is cheaper than one query a run. */
enum { FEW = 24 };

run_table *run_table_new(void)
{
    return calloc(1, sizeof(run_table));
}

static void free_details(run_entry *e)
{
    for (int i = 0; i < e->fact_count; i++)
        free(e->facts[i].text);
    free(e->facts);
    free(e->measures);
    e->facts = NULL;
    e->measures = NULL;
    e->fact_count = e->measure_count = 0;
}

static void free_entries(run_entry *entries, int count)
{
    for (int i = 0; i < count; i++) {
        free_details(&entries[i]);
        free(entries[i].tags);
    }
    free(entries);
}

void run_table_free(run_table *t)
{
    if (!t)
        return;
    free_entries(t->entries, t->count);
    free(t->keys);
    free(t->metrics);
    free(t->tags);
    free(t);
}

static nn_status no_memory(nn_error *error)
{
    return nn_fail(error, NN_E_NOMEM, "out of memory while reading the list of runs");
}

/* --- names ------------------------------------------------------------------------------------ */

/* Index of `name`, which joins if it is new; -1: out of memory. */
static int name_index(run_name **names, int *count, const char *name)
{
    for (int i = 0; i < *count; i++)
        if (strcmp((*names)[i].name, name) == 0)
            return i;
    run_name *grown = realloc(*names, (size_t)(*count + 1) * sizeof **names);
    if (!grown)
        return -1;
    *names = grown;
    memset(&grown[*count], 0, sizeof *grown);
    copy_text(grown[*count].name, sizeof grown->name, name);
    return (*count)++;
}

/* Row number of each metric in the file to index in the table. */
typedef struct {
    int64_t id;
    int index;
} metric_place;

typedef struct {
    store *s;
    run_table *t;
    metric_place *places;
    int place_count;
    run_entry *entries; /* newest first: ids fall */
    int count;
    nn_error *error;
} reading;

static nn_status read_metric_names(reading *r)
{
    sqlite3_stmt *query =
        database_query(&r->s->db, r->error, "SELECT id, name, goal FROM metric ORDER BY id", "");
    nn_status status = query ? NN_OK : NN_E_IO;
    while (query && database_next(&r->s->db, query, &status, r->error)) {
        char name[sizeof r->t->metrics->name], goal[8];
        column_text(query, 1, name, sizeof name);
        column_text(query, 2, goal, sizeof goal);
        int index = name_index(&r->t->metrics, &r->t->metric_count, name);
        metric_place *grown = realloc(r->places, (size_t)(r->place_count + 1) * sizeof *r->places);
        r->places = grown ? grown : r->places;
        if (index < 0 || !grown) {
            status = no_memory(r->error);
            break;
        }
        r->t->metrics[index].goal = !*goal ? 0 : strcmp(goal, "max") == 0 ? 1 : -1;
        r->places[r->place_count++] = (metric_place){sqlite3_column_int64(query, 0), index};
    }
    sqlite3_finalize(query);
    return status;
}

static int metric_of(const reading *r, int64_t id)
{
    for (int i = 0; i < r->place_count; i++)
        if (r->places[i].id == id)
            return r->places[i].index;
    return -1;
}

/* --- details of runs ---------------------------------------------------------------------------
 */

static run_entry *entry_of(run_entry *entries, int count, run_id id)
{
    int low = 0, high = count - 1;
    while (low <= high) {
        int middle = low + (high - low) / 2;
        if (entries[middle].row.id == id)
            return &entries[middle];
        if (entries[middle].row.id > id) /* newest first */
            low = middle + 1;
        else
            high = middle - 1;
    }
    return NULL;
}

/* Room for one more of `size` bytes, grown by doubling. */
static bool more(void **array, int count, size_t size)
{
    if (count > 0 && (count < 8 || (count & (count - 1)) != 0))
        return true;
    int room = count < 8 ? 8 : count * 2;
    void *grown = realloc(*array, (size_t)room * size);
    *array = grown ? grown : *array;
    return grown != NULL;
}

/* Columns: run, key, number, text. */
static nn_status add_fact(reading *r, sqlite3_stmt *query, run_entry *e)
{
    void *facts = e->facts;
    bool room = more(&facts, e->fact_count, sizeof *e->facts);
    e->facts = facts;
    char name[sizeof r->t->keys->name];
    column_text(query, 1, name, sizeof name);
    int key = room ? name_index(&r->t->keys, &r->t->key_count, name) : -1;
    if (key < 0)
        return no_memory(r->error);
    run_fact *fact = &e->facts[e->fact_count];
    *fact = (run_fact){.key = key,
                       .is_number = sqlite3_column_type(query, 3) == SQLITE_NULL,
                       .number = column_double(query, 2)};
    if (!fact->is_number) {
        const unsigned char *text = sqlite3_column_text(query, 3);
        fact->text = strdup(text ? (const char *)text : "");
        if (!fact->text)
            return no_memory(r->error);
    }
    e->fact_count++;
    return NN_OK;
}

/* Columns: run, metric, count, nan_count, last, min, max and their steps. */
static nn_status add_measure(reading *r, sqlite3_stmt *query, run_entry *e)
{
    int metric = metric_of(r, sqlite3_column_int64(query, 1));
    if (metric < 0)
        return NN_OK; /* of a metric that joined just now: the next reading has it */
    void *measures = e->measures;
    bool room = more(&measures, e->measure_count, sizeof *e->measures);
    e->measures = measures;
    if (!room)
        return no_memory(r->error);
    e->measures[e->measure_count++] = (run_measure){
        .metric = metric,
        .count = sqlite3_column_int64(query, 2),
        .nan_count = sqlite3_column_int64(query, 3),
        .last = column_double(query, 4),
        .min = column_double(query, 5),
        .max = column_double(query, 6),
        .last_step = (uint64_t)sqlite3_column_int64(query, 7),
        .min_step = (uint64_t)sqlite3_column_int64(query, 8),
        .max_step = (uint64_t)sqlite3_column_int64(query, 9),
    };
    return NN_OK;
}

typedef nn_status add_detail(reading *r, sqlite3_stmt *query, run_entry *e);

static const char *const fact_sql = "SELECT run, key, number, text FROM param";
static const char *const measure_sql =
    "SELECT run, metric, count, nan_count, last, min, max, last_step, min_step, max_step "
    "FROM summary";

/* Details of one run, or (id 0) of every run that is marked as wanting them. */
static nn_status read_details(reading *r, const char *sql, run_id id, const bool *wanted,
                              add_detail *add)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s", sql, id ? " WHERE run = ?" : "");
    sqlite3_stmt *query = database_query(&r->s->db, r->error, text, id ? "i" : "", id);
    nn_status status = query ? NN_OK : NN_E_IO;
    run_entry *e = NULL;
    while (query && status == NN_OK && database_next(&r->s->db, query, &status, r->error)) {
        run_id run = sqlite3_column_int64(query, 0);
        if (!e || e->row.id != run)
            e = entry_of(r->entries, r->count, run);
        if (e && wanted[e - r->entries])
            status = add(r, query, e);
    }
    sqlite3_finalize(query);
    return status;
}

/* What was written since `old` was read would show in one of these. */
static bool moved(const run_row *old, const run_row *row)
{
    return old->heartbeat_ms != row->heartbeat_ms || old->step != row->step ||
           old->ended_ms != row->ended_ms || old->started_ms != row->started_ms;
}

/* Which runs must be read; the details of the others stay with the old entries until all is well.
 */
static int choose(const reading *r, bool *wanted)
{
    int count = 0;
    for (int i = 0; i < r->count; i++) {
        const run_entry *old = entry_of(r->t->entries, r->t->count, r->entries[i].row.id);
        wanted[i] = !old || moved(&old->row, &r->entries[i].row);
        count += wanted[i];
    }
    return count;
}

static nn_status read_wanted(reading *r, const bool *wanted, int count)
{
    nn_status status = NN_OK;
    if (count > FEW) {
        status = read_details(r, fact_sql, 0, wanted, add_fact);
        return status == NN_OK ? read_details(r, measure_sql, 0, wanted, add_measure) : status;
    }
    for (int i = 0; i < r->count && status == NN_OK; i++) {
        if (!wanted[i])
            continue;
        status = read_details(r, fact_sql, r->entries[i].row.id, wanted, add_fact);
        if (status == NN_OK)
            status = read_details(r, measure_sql, r->entries[i].row.id, wanted, add_measure);
    }
    return status;
}

/* --- tags ------------------------------------------------------------------------------------- */

static nn_status read_tags_of(reading *r, const run_tag *tags, int tag_count)
{
    sqlite3_stmt *query =
        database_query(&r->s->db, r->error,
                       "SELECT run, tag FROM run_tag_of JOIN run_tag ON run_tag.id = tag "
                       "ORDER BY run_tag.name",
                       "");
    nn_status status = query ? NN_OK : NN_E_IO;
    while (query && database_next(&r->s->db, query, &status, r->error)) {
        run_entry *e = entry_of(r->entries, r->count, sqlite3_column_int64(query, 0));
        int tag = 0;
        while (tag < tag_count && tags[tag].id != sqlite3_column_int64(query, 1))
            tag++;
        if (!e || tag == tag_count)
            continue;
        void *own = e->tags;
        bool room = more(&own, e->tag_count, sizeof *e->tags);
        e->tags = own;
        if (!room) {
            status = no_memory(r->error);
            break;
        }
        e->tags[e->tag_count++] = tag;
    }
    sqlite3_finalize(query);
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

static nn_status read_rows_as_entries(reading *r)
{
    run_row *rows = NULL;
    nn_status status = store_runs(r->s, &rows, &r->count, r->error);
    if (status != NN_OK)
        return status;
    r->entries = calloc((size_t)r->count + 1, sizeof *r->entries);
    if (!r->entries)
        status = no_memory(r->error);
    for (int i = 0; status == NN_OK && i < r->count; i++)
        r->entries[i].row = rows[i];
    free(rows);
    if (status != NN_OK)
        r->count = 0;
    return status;
}

static void take_over(reading *r, const bool *wanted, run_tag *tags, int tag_count)
{
    run_table *t = r->t;
    for (int i = 0; i < r->count; i++) {
        run_entry *old = entry_of(t->entries, t->count, r->entries[i].row.id);
        if (wanted[i] || !old)
            continue;
        run_entry *e = &r->entries[i];
        e->facts = old->facts, e->fact_count = old->fact_count;
        e->measures = old->measures, e->measure_count = old->measure_count;
        old->facts = NULL, old->measures = NULL;
        old->fact_count = old->measure_count = 0;
    }
    free_entries(t->entries, t->count);
    free(t->tags);
    t->entries = r->entries, t->count = r->count;
    t->tags = tags, t->tag_count = tag_count;
}

nn_status run_table_read(run_table *t, store *s, nn_error *error)
{
    nn_error own = {0};
    reading r = {.s = s, .t = t, .error = error ? error : &own};
    run_tag *tags = NULL;
    int tag_count = 0;
    /* One snapshot: a run that is written meanwhile is seen as it was. */
    nn_status status = database_run(&s->db, "BEGIN", r.error);
    if (status == NN_OK)
        status = read_rows_as_entries(&r);
    bool *wanted = status == NN_OK ? calloc((size_t)r.count + 1, sizeof *wanted) : NULL;
    if (status == NN_OK && !wanted)
        status = no_memory(r.error);
    if (status == NN_OK)
        status = read_metric_names(&r);
    if (status == NN_OK)
        status = read_wanted(&r, wanted, choose(&r, wanted));
    if (status == NN_OK)
        status = store_tags(s, &tags, &tag_count, r.error);
    if (status == NN_OK)
        status = read_tags_of(&r, tags, tag_count);
    database_rollback(&s->db); /* nothing was written */
    if (status == NN_OK) {
        take_over(&r, wanted, tags, tag_count);
    } else {
        free_entries(r.entries, r.count);
        free(tags);
    }
    free(wanted);
    free(r.places);
    return status;
}

const run_entry *run_table_find(const run_table *t, run_id id)
{
    return entry_of(t->entries, t->count, id);
}

const run_fact *run_entry_fact(const run_entry *e, int key)
{
    for (int i = 0; i < e->fact_count; i++)
        if (e->facts[i].key == key)
            return &e->facts[i];
    return NULL;
}

const run_measure *run_entry_measure(const run_entry *e, int metric)
{
    for (int i = 0; i < e->measure_count; i++)
        if (e->measures[i].metric == metric)
            return &e->measures[i];
    return NULL;
}

bool run_entry_tagged(const run_table *t, const run_entry *e, const char *tag)
{
    for (int i = 0; i < e->tag_count; i++)
        if (strcasecmp(t->tags[e->tags[i]].name, tag) == 0)
            return true;
    return false;
}
