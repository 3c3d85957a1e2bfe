/* Opening for reading, and what there is to know about runs as a whole. */
#include "store/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the connection -------------------------------------------------------------------------- */

store *store_open(const char *path, nn_error *error)
{
    store *s = calloc(1, sizeof *s);
    if (!s) {
        nn_fail(error, NN_E_NOMEM, "out of memory while opening the store");
        return NULL;
    }
    if (database_open(&s->db, path, DATABASE_READ, error) != NN_OK) {
        free(s);
        return NULL;
    }
    process_self(&s->self);
    return s;
}

void store_close(store *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->version);
    database_close(&s->db);
    free(s);
}

bool store_newer(const store *s)
{
    return s->db.newer;
}

const char *store_warning(const store *s)
{
    return s->db.warning;
}

const char *store_path(const store *s)
{
    return s->db.path;
}

int64_t store_version(store *s)
{
    if (!s->version)
        s->version = database_query(&s->db, NULL, "PRAGMA data_version", "");
    nn_status status = NN_OK;
    int64_t version = 0;
    if (s->version && database_next(&s->db, s->version, &status, NULL))
        version = sqlite3_column_int64(s->version, 0);
    if (s->version)
        sqlite3_reset(s->version);
    return version;
}

/* --- state ----------------------------------------------------------------------------------- */

const char *run_state_name(run_state state)
{
    static const char *const names[] = {"running",  "paused", "finished", "stopped",
                                        "diverged", "failed", "crashed"};
    return state >= RUN_RUNNING && state <= RUN_CRASHED ? names[state] : "unknown";
}

static run_state state_of(const char *word)
{
    for (int s = RUN_RUNNING; s < RUN_CRASHED; s++)
        if (strcmp(run_state_name((run_state)s), word) == 0)
            return (run_state)s;
    return RUN_FAILED;
}

/* A run that says it goes on does so only while its process lives and its heart beats. Of one that
 * does not, the message tells what is known. */
static void derive_state(run_row *row, const process_identity *self, const process_identity *owner)
{
    if (row->state != RUN_RUNNING && row->state != RUN_PAUSED)
        return;
    int64_t silent = process_now_ms() - row->heartbeat_ms;
    process_fate fate = process_look(self, owner);
    if (silent <= STORE_SILENT_MS && fate != PROCESS_GONE)
        return;
    row->state = RUN_CRASHED;
    if (row->message[0])
        return;
    if (fate == PROCESS_GONE && strcmp(self->boot, owner->boot) != 0)
        snprintf(row->message, sizeof row->message, "%s was restarted while it trained",
                 owner->host);
    else if (fate == PROCESS_GONE)
        snprintf(row->message, sizeof row->message,
                 "its process %d is gone without a word: killed, or out of memory", owner->pid);
    else
        snprintf(row->message, sizeof row->message, "its process %d on %s is silent for %lld s",
                 owner->pid, owner->host, (long long)(silent / 1000));
}

/* --- rows ------------------------------------------------------------------------------------ */

void *read_rows(store *s, sqlite3_stmt *query, size_t size, read_row *read, int *count,
                nn_status *status, nn_error *error)
{
    char *array = NULL;
    int room = 0;
    *count = 0;
    *status = query ? NN_OK : error ? error->code : NN_E_IO;
    while (*status == NN_OK && database_next(&s->db, query, status, error)) {
        if (*count == room) {
            int larger = room ? room * 2 : 64;
            char *grown = realloc(array, (size_t)larger * size);
            if (!grown) {
                *status = nn_fail(error, NN_E_NOMEM, "out of memory while reading the store");
                break;
            }
            array = grown;
            room = larger;
        }
        char *item = array + (size_t)*count * size;
        memset(item, 0, size);
        *status = read(s, query, item, error);
        *count += *status == NN_OK;
    }
    sqlite3_finalize(query);
    return array;
}

void *read_list(store *s, sqlite3_stmt *query, size_t size, read_row *read, int *count,
                nn_status *status, nn_error *error)
{
    void *array = read_rows(s, query, size, read, count, status, error);
    if (*status == NN_OK)
        return array;
    free(array);
    *count = 0;
    return NULL;
}

#define RUN_COLUMNS                                                                                \
    "SELECT run.id, coalesce(run.parent, 0), run.name, coalesce(dataset.name, ''), "               \
    "coalesce(dataset.fingerprint, ''), model, note, message, state, started_ms, "                 \
    "coalesce(ended_ms, 0), heartbeat_ms, pid, seed, step, total_steps, steps_per_epoch, epoch, "  \
    "epochs, batch, shards, threads, coalesce(dataset.classes, 0), best_epoch, parameters, "       \
    "multiply_adds, train_loss, train_error, dev_loss, dev_error, best_dev_error, test_error, "    \
    "seconds, examples_per_s, lr, schedule, optimizer, host, boot, pid_space, pid_started, "       \
    "(SELECT path FROM checkpoint WHERE checkpoint.run = run.id AND kind = 'last' "                \
    "ORDER BY step DESC LIMIT 1), "                                                                \
    "(SELECT path FROM checkpoint WHERE checkpoint.run = run.id AND kind = 'best' "                \
    "ORDER BY step DESC LIMIT 1), "                                                                \
    "coalesce(archived_ms, 0), coalesce(deleted_ms, 0), pinned, latency_ms, memory_bytes "         \
    "FROM run LEFT JOIN dataset ON dataset.id = run.dataset "

static void fill_numbers(sqlite3_stmt *q, int column, run_row *row)
{
    int *const small[] = {&row->epoch,   &row->epochs,  &row->batch,     &row->shards,
                          &row->threads, &row->classes, &row->best_epoch};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        *small[i] = sqlite3_column_int(q, column++);
    row->parameters = sqlite3_column_int64(q, column++);
    row->multiply_adds = sqlite3_column_int64(q, column++);
    double *const real[] = {&row->train_loss, &row->train_error,    &row->dev_loss,
                            &row->dev_error,  &row->best_dev_error, &row->test_error,
                            &row->seconds,    &row->examples_per_s, &row->lr};
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++)
        *real[i] = column_double(q, column++);
}

static void fill_row(sqlite3_stmt *q, const process_identity *self, run_row *row)
{
    memset(row, 0, sizeof *row);
    row->id = sqlite3_column_int64(q, 0);
    row->parent = sqlite3_column_int64(q, 1);
    column_text(q, 2, row->name, sizeof row->name);
    column_text(q, 3, row->data, sizeof row->data);
    column_text(q, 4, row->fingerprint, sizeof row->fingerprint);
    column_text(q, 5, row->model, sizeof row->model);
    column_text(q, 6, row->note, sizeof row->note);
    column_text(q, 7, row->message, sizeof row->message);
    char state[16];
    column_text(q, 8, state, sizeof state);
    row->started_ms = sqlite3_column_int64(q, 9);
    row->ended_ms = sqlite3_column_int64(q, 10);
    row->heartbeat_ms = sqlite3_column_int64(q, 11);
    row->pid = sqlite3_column_int(q, 12);
    row->seed = (uint64_t)sqlite3_column_int64(q, 13);
    row->step = (uint64_t)sqlite3_column_int64(q, 14);
    row->total_steps = (uint64_t)sqlite3_column_int64(q, 15);
    row->steps_per_epoch = (uint64_t)sqlite3_column_int64(q, 16);
    fill_numbers(q, 17, row);
    column_text(q, 35, row->schedule, sizeof row->schedule);
    column_text(q, 36, row->optimizer, sizeof row->optimizer);
    process_identity owner = {.pid = row->pid, .started = sqlite3_column_int64(q, 40)};
    column_text(q, 37, owner.host, sizeof owner.host);
    column_text(q, 38, owner.boot, sizeof owner.boot);
    column_text(q, 39, owner.space, sizeof owner.space);
    column_text(q, 41, row->last_checkpoint, sizeof row->last_checkpoint);
    column_text(q, 42, row->best_checkpoint, sizeof row->best_checkpoint);
    row->archived_ms = sqlite3_column_int64(q, 43);
    row->deleted_ms = sqlite3_column_int64(q, 44);
    row->pinned = sqlite3_column_int(q, 45) != 0;
    row->latency_ms = column_double(q, 46);
    row->memory_bytes = column_double(q, 47);
    row->state = state_of(state);
    derive_state(row, self, &owner);
}

nn_status read_run(database *db, const process_identity *self, run_id id, run_row *row,
                   nn_error *error)
{
    sqlite3_stmt *query = database_query(db, error, RUN_COLUMNS "WHERE run.id = ?", "i", id);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    bool found = database_next(db, query, &status, error);
    if (found)
        fill_row(query, self, row);
    sqlite3_finalize(query);
    if (status == NN_OK && !found)
        status = nn_fail(error, NN_E_MISSING,
                         "there is no run %lld in %s; `gradus runs` lists those there are",
                         (long long)id, db->path);
    return status;
}

nn_status store_run(store *s, run_id id, run_row *row, nn_error *error)
{
    return read_run(&s->db, &s->self, id, row, error);
}

static nn_status read_run_row(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    (void)error;
    fill_row(query, &s->self, item);
    return NN_OK;
}

nn_status store_runs(store *s, run_row **rows, int *count, nn_error *error)
{
    sqlite3_stmt *query = database_query(&s->db, error, RUN_COLUMNS "ORDER BY run.id DESC", "");
    nn_status status;
    *rows = read_list(s, query, sizeof **rows, read_run_row, count, &status, error);
    return status;
}

/* --- finding --------------------------------------------------------------------------------- */

/* The one run that `sql` finds; *found counts up to 2. */
static nn_status find(store *s, const char *sql, const char *text, run_id *id, int *found,
                      nn_error *error)
{
    sqlite3_stmt *query = database_query(&s->db, error, sql, *text ? "s" : "", text);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    *found = 0;
    while (*found < 2 && database_next(&s->db, query, &status, error))
        if ((*found)++ == 0)
            *id = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return status;
}

nn_status store_find_run(store *s, const char *text, run_id *id, nn_error *error)
{
    int found = 0;
    if (!text || !*text)
        return nn_fail(error, NN_E_ARG, "which run? give its number, its name, or \"last\"");
    nn_status status =
        strcmp(text, "last") == 0
            ? find(s, "SELECT max(id) FROM run WHERE deleted_ms IS NULL HAVING count(*) > 0", "",
                   id, &found, error)
            : find(s, "SELECT id FROM run WHERE name = ?", text, id, &found, error);
    bool digits = strlen(text) < 18 && strspn(text, "0123456789") == strlen(text);
    if (status == NN_OK && found == 0 && digits)
        status =
            find(s, "SELECT id FROM run WHERE id = CAST(? AS INTEGER)", text, id, &found, error);
    if (status == NN_OK && found == 0 && !digits) /* the beginning of one name only */
        status = find(s,
                      "SELECT id FROM run WHERE substr(name, 1, length(?1)) = ?1 AND deleted_ms IS "
                      "NULL LIMIT 2",
                      text, id, &found, error);
    if (status != NN_OK || found == 1)
        return status;
    if (found > 1)
        return nn_fail(error, NN_E_MISSING,
                       "several runs have a name that begins with '%.80s'; give the number, "
                       "`gradus runs` lists them",
                       text);
    return nn_fail(error, NN_E_MISSING,
                   "there is no run '%.80s' in %.160s; `gradus runs` lists those there are", text,
                   s->db.path);
}

/* --- parameters and classes ------------------------------------------------------------------ */

static nn_status read_param(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    store_param *param = item;
    (void)s;
    (void)error;
    column_text(query, 0, param->key, sizeof param->key);
    param->is_number = sqlite3_column_type(query, 2) == SQLITE_NULL;
    param->number = column_double(query, 1);
    column_text(query, 2, param->text, sizeof param->text);
    return NN_OK;
}

nn_status store_params(store *s, run_id id, store_param **params, int *count, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error, "SELECT key, number, text FROM param WHERE run = ? ORDER BY key", "i", id);
    nn_status status;
    *params = read_list(s, query, sizeof **params, read_param, count, &status, error);
    return status;
}

static nn_status read_class_name(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    (void)s;
    (void)error;
    column_text(query, 0, item, 64);
    return NN_OK;
}

nn_status store_class_names(store *s, run_id id, char (**names)[64], int *count, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        &s->db, error,
        "SELECT name FROM dataset_class WHERE dataset = (SELECT dataset FROM run WHERE id = ?) "
        "ORDER BY label",
        "i", id);
    nn_status status;
    *names = read_list(s, query, sizeof **names, read_class_name, count, &status, error);
    return status;
}
