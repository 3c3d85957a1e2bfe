/* Runs of another store: new ones are added, those that went further there are brought up to that,
 * and a run that was resumed here and there becomes two. */
#include "store/merge_internal.h"

#include <string.h>

static const char *const prepare[] = {
    "INSERT OR IGNORE INTO main.metric (name, every, goal) SELECT name, every, goal FROM "
    "other.metric",
    "CREATE TEMP TABLE merge_metric AS SELECT t.id AS theirs, m.id AS ours FROM other.metric t "
    "JOIN main.metric m USING (name)",
    "CREATE TEMP TABLE merge_run (theirs INTEGER PRIMARY KEY, ours INTEGER, copy INTEGER)",
};

static const char *const datasets[] = {
    "CREATE TEMP TABLE merge_dataset AS SELECT t.id AS theirs, m.id AS ours FROM other.dataset t "
    "JOIN main.dataset m USING (name, fingerprint)",
    "UPDATE main.dataset SET content = (SELECT t.content FROM other.dataset t JOIN merge_dataset "
    "d ON d.theirs = t.id WHERE d.ours = dataset.id) WHERE content = '' AND id IN (SELECT d.ours "
    "FROM merge_dataset d JOIN other.dataset t ON t.id = d.theirs WHERE t.content != '')",
    "INSERT OR IGNORE INTO main.dataset_class (dataset, label, name) SELECT d.ours, t.label, "
    "t.name FROM other.dataset_class t JOIN merge_dataset d ON d.theirs = t.dataset",
};

/* --- one run ------------------------------------------------------------------------------------
 */

typedef struct {
    int64_t theirs, ours;
    char uuid[128], name[96];
    bool copy;
} candidate;

/* Our run of this uuid; 0: none. */
static nn_status find_ours(merge *m, const char *uuid, int64_t *ours, nn_error *error)
{
    *ours = 0;
    sqlite3_stmt *query =
        database_query(m->db, error, "SELECT id FROM main.run WHERE uuid = ?", "s", uuid);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    if (query && database_next(m->db, query, &status, error))
        *ours = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return status;
}

typedef struct {
    int64_t theirs_alone; /* when their first segment that is not ours began; 0: none */
    int64_t ours_alone;   /* how many segments only we have */
    bool later;           /* theirs was written later */
} difference;

static nn_status look_at_both(merge *m, const candidate *c, difference *d, nn_error *error)
{
    static const char sql[] =
        "SELECT (SELECT started_ms FROM other.segment s WHERE run = ?1 AND NOT EXISTS (SELECT 1 "
        "FROM main.segment o WHERE o.run = ?2 AND o.number = s.number AND o.started_ms = "
        "s.started_ms AND o.host = s.host AND o.pid = s.pid) ORDER BY number LIMIT 1), (SELECT "
        "count(*) FROM main.segment o WHERE run = ?2 AND NOT EXISTS (SELECT 1 FROM other.segment "
        "s WHERE s.run = ?1 AND o.number = s.number AND o.started_ms = s.started_ms AND o.host = "
        "s.host AND o.pid = s.pid)), (SELECT (t.heartbeat_ms, t.step) > (o.heartbeat_ms, o.step) "
        "FROM other.run t, main.run o WHERE t.id = ?1 AND o.id = ?2)";
    sqlite3_stmt *query = database_query(m->db, error, sql, "ii", c->theirs, c->ours);
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    if (query && database_next(m->db, query, &status, error)) {
        d->theirs_alone = sqlite3_column_int64(query, 0);
        d->ours_alone = sqlite3_column_int64(query, 1);
        d->later = sqlite3_column_int64(query, 2) != 0;
    }
    sqlite3_finalize(query);
    return status;
}

/* Decides about a run: c->ours 0 is a new one, c->copy says that their rows are to be taken. A run
 * that both sides resumed is looked for again under a uuid made of both. */
static nn_status decide(merge *m, candidate *c, nn_error *error)
{
    for (bool parted = false;; parted = true) {
        difference d = {0};
        nn_status status = find_ours(m, c->uuid, &c->ours, error);
        if (status == NN_OK && c->ours)
            status = look_at_both(m, c, &d, error);
        c->copy = !c->ours || (d.theirs_alone && !d.ours_alone) ||
                  (!d.theirs_alone && !d.ours_alone && d.later);
        if (status != NN_OK || !d.theirs_alone || !d.ours_alone) {
            m->report->runs_parted += parted && status == NN_OK && !c->ours;
            return status;
        }
        size_t used = strlen(c->uuid);
        snprintf(c->uuid + used, sizeof c->uuid - used, "+%lld", (long long)d.theirs_alone);
    }
}

#define OF_DATASET "(SELECT ours FROM merge_dataset WHERE theirs = t.dataset)"

static nn_status add(merge *m, candidate *c, nn_error *error)
{
    char name[96], rest[48];
    static const merge_column columns[] = {{"id", NULL},
                                           {"name", "'merge ' || t.id"},
                                           {"parent", NULL},
                                           {"dataset", OF_DATASET},
                                           {NULL, NULL}};
    static const merge_column parted[] = {{"id", NULL},     {"name", "'merge ' || t.id"},
                                          {"parent", NULL}, {"dataset", OF_DATASET},
                                          {"uuid", NULL},   {NULL, NULL}};
    int64_t known = 0;
    nn_status status = merge_free_name(m, "run", c->name, name, sizeof name, error);
    sqlite3_stmt *query = status == NN_OK
                              ? database_query(m->db, error,
                                               "SELECT 1 FROM main.run WHERE uuid = (SELECT "
                                               "uuid FROM other.run WHERE id = ?)",
                                               "i", c->theirs)
                              : NULL;
    if (query && database_next(m->db, query, &status, error))
        known = 1; /* the other half of a run that parted */
    sqlite3_finalize(query);
    snprintf(rest, sizeof rest, "WHERE t.id = %lld", (long long)c->theirs);
    if (status == NN_OK)
        status = merge_copy(m, "", "run", known ? parted : columns, rest, error);
    c->ours = sqlite3_last_insert_rowid(m->db->handle);
    if (status == NN_OK)
        status = database_do(m->db, error, "UPDATE main.run SET name = ?, uuid = ? WHERE id = ?",
                             "ssi", name, c->uuid, c->ours);
    m->report->runs_added += status == NN_OK;
    return status;
}

/* Our rows of a run make room for theirs; its name, note, tags and marks stay ours. */
static nn_status make_room(merge *m, const candidate *c, nn_error *error)
{
    static const char *const tables[] = {"segment",    "param",      "chunk",
                                         "summary",    "event",      "checkpoint",
                                         "evaluation", "prediction", "run_label_fix"};
    nn_status status = NN_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == NN_OK; i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "DELETE FROM main.%s WHERE run = ?", tables[i]);
        status = database_do(m->db, error, sql, "i", c->ours);
    }
    m->report->runs_advanced += status == NN_OK;
    if (status != NN_OK)
        return status;
    static const char advance[] =
        "UPDATE main.run SET (schedule, epochs, shards, threads, total_steps, state, message, "
        "ended_ms, heartbeat_ms, host, boot, pid_space, pid, pid_started, segment, step, epoch, "
        "seconds, examples_per_s, lr, train_loss, train_error, dev_loss, dev_error, "
        "best_dev_error, best_epoch, test_error, latency_ms, memory_bytes) = (SELECT schedule, "
        "epochs, shards, threads, total_steps, state, message, ended_ms, heartbeat_ms, host, "
        "boot, pid_space, pid, pid_started, segment, step, epoch, seconds, examples_per_s, lr, "
        "train_loss, train_error, dev_loss, dev_error, best_dev_error, best_epoch, test_error, "
        "latency_ms, memory_bytes FROM other.run WHERE id = ?) WHERE id = ?";
    return database_do(m->db, error, advance, "ii", c->theirs, c->ours);
}

static nn_status take_run(merge *m, candidate *c, nn_error *error)
{
    nn_status status = decide(m, c, error);
    if (status == NN_OK && !c->ours)
        status = add(m, c, error);
    else if (status == NN_OK && c->copy)
        status = make_room(m, c, error);
    else
        m->report->runs_known++;
    if (status == NN_OK)
        status = database_do(m->db, error, "INSERT INTO merge_run VALUES (?, ?, ?)", "iii",
                             c->theirs, c->ours, (int64_t)c->copy);
    return status;
}

/* --- all of them
 * ---------------------------------------------------------------------------------- */

static nn_status copy_rows(merge *m, nn_error *error)
{
    static const merge_column with_run[] = {{"run", "r.ours"}, {NULL, NULL}};
    static const merge_column with_id[] = {{"id", NULL}, {"run", "r.ours"}, {NULL, NULL}};
    static const merge_column with_metric[] = {
        {"run", "r.ours"},
        {"metric", "(SELECT ours FROM merge_metric WHERE theirs = t.metric)"},
        {NULL, NULL}};
    static const struct {
        const char *table;
        const merge_column *columns;
        bool ordered;
    } all[] = {
        {"segment", with_run, false},       {"param", with_run, false},
        {"chunk", with_metric, false},      {"summary", with_metric, false},
        {"event", with_id, true},           {"checkpoint", with_run, false},
        {"evaluation", with_id, true},      {"prediction", with_run, false},
        {"run_label_fix", with_run, false},
    };
    nn_status status = NN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == NN_OK; i++)
        status = merge_copy(m, "", all[i].table, all[i].columns,
                            all[i].ordered ? "JOIN merge_run r ON r.theirs = t.run WHERE r.copy "
                                             "ORDER BY t.id"
                                           : "JOIN merge_run r ON r.theirs = t.run WHERE r.copy",
                            error);
    if (status == NN_OK) /* branches of runs that were added */
        status = database_run(m->db,
                              "UPDATE main.run SET parent = (SELECT p.ours FROM merge_run r JOIN "
                              "other.run t ON t.id = r.theirs JOIN merge_run p ON p.theirs = "
                              "t.parent WHERE r.ours = run.id) WHERE parent IS NULL AND id IN "
                              "(SELECT ours FROM merge_run WHERE copy)",
                              error);
    return status;
}

nn_status merge_runs(merge *m, nn_error *error)
{
    static const merge_column no_id[] = {{"id", NULL}, {NULL, NULL}};
    nn_status status = merge_run_all(m, prepare, sizeof prepare / sizeof *prepare, NULL, error);
    if (status == NN_OK)
        status = merge_copy(m, "OR IGNORE", "dataset", no_id, "", error);
    if (status == NN_OK)
        status = merge_run_all(m, datasets, sizeof datasets / sizeof *datasets, NULL, error);
    sqlite3_stmt *query =
        status == NN_OK
            ? database_query(m->db, error, "SELECT id, uuid, name FROM other.run ORDER BY id", "")
            : NULL;
    if (status == NN_OK && !query)
        status = error ? error->code : NN_E_IO;
    while (status == NN_OK && database_next(m->db, query, &status, error)) {
        candidate c = {.theirs = sqlite3_column_int64(query, 0)};
        column_text(query, 1, c.uuid, sizeof c.uuid);
        column_text(query, 2, c.name, sizeof c.name);
        status = take_run(m, &c, error);
    }
    sqlite3_finalize(query);
    return status == NN_OK ? copy_rows(m, error) : status;
}
