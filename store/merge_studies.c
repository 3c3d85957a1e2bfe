/* Studies and their trials, which two machines may have worked on after one copy. */
#include "store/merge_internal.h"

#include <string.h>

static const char *const prepare[] = {
    "CREATE TEMP TABLE merge_study (theirs INTEGER PRIMARY KEY, ours INTEGER, copy INTEGER)",
    "CREATE TEMP TABLE merge_trial (theirs INTEGER PRIMARY KEY, ours INTEGER, copy INTEGER)",
};

/* --- studies -------------------------------------------------------------------------------------
 */

static nn_status add_study(merge *m, int64_t theirs, const char *wanted, int64_t *ours,
                           nn_error *error)
{
    static const merge_column columns[] = {
        {"id", NULL}, {"name", "'merge ' || t.id"}, {NULL, NULL}};
    char name[96], rest[48];
    nn_status status = merge_free_name(m, "study", wanted, name, sizeof name, error);
    snprintf(rest, sizeof rest, "WHERE t.id = %lld", (long long)theirs);
    if (status == NN_OK)
        status = merge_copy(m, "", "study", columns, rest, error);
    *ours = sqlite3_last_insert_rowid(m->db->handle);
    if (status == NN_OK)
        status = database_do(m->db, error, "UPDATE main.study SET name = ? WHERE id = ?", "si",
                             name, *ours);
    m->report->studies_added += status == NN_OK;
    return status;
}

static nn_status take_studies(merge *m, nn_error *error)
{
    sqlite3_stmt *query =
        database_query(m->db, error,
                       "SELECT t.id, t.name, o.id FROM other.study t LEFT JOIN main.study o ON "
                       "o.uuid = t.uuid ORDER BY t.id",
                       "");
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    while (status == NN_OK && database_next(m->db, query, &status, error)) {
        char name[96];
        int64_t theirs = sqlite3_column_int64(query, 0), ours = sqlite3_column_int64(query, 2);
        bool copy = ours == 0;
        column_text(query, 1, name, sizeof name);
        if (copy)
            status = add_study(m, theirs, name, &ours, error);
        if (status == NN_OK)
            status = database_do(m->db, error, "INSERT INTO merge_study VALUES (?, ?, ?)", "iii",
                                 theirs, ours, (int64_t)copy);
    }
    sqlite3_finalize(query);
    return status;
}

/* --- trials
 * --------------------------------------------------------------------------------------- */

/* A trial takes its number along where it is free, else the next one. */
static nn_status add_trial(merge *m, int64_t theirs, int64_t study, int64_t *ours, nn_error *error)
{
    char number[320], rest[48];
    snprintf(number, sizeof number,
             "CASE WHEN EXISTS (SELECT 1 FROM main.trial o WHERE o.study = %lld AND o.number = "
             "t.number) THEN (SELECT max(number) + 1 FROM main.trial o WHERE o.study = %lld) ELSE "
             "t.number END",
             (long long)study, (long long)study);
    char ours_study[24];
    snprintf(ours_study, sizeof ours_study, "%lld", (long long)study);
    const merge_column columns[] = {{"id", NULL},
                                    {"study", ours_study},
                                    {"number", number},
                                    {"source", NULL},
                                    {"run", "(SELECT ours FROM merge_run WHERE theirs = t.run)"},
                                    {NULL, NULL}};
    snprintf(rest, sizeof rest, "WHERE t.id = %lld", (long long)theirs);
    nn_status status = merge_copy(m, "", "trial", columns, rest, error);
    *ours = sqlite3_last_insert_rowid(m->db->handle);
    m->report->trials_added += status == NN_OK;
    return status;
}

/* Ours had not ended, theirs has: what came of it. */
static nn_status advance_trial(merge *m, int64_t theirs, int64_t ours, nn_error *error)
{
    static const char sql[] =
        "UPDATE main.trial SET (state, epochs, epoch, value, reason, started_ms, ended_ms, "
        "heartbeat_ms, host, boot, pid_space, pid, pid_started, run) = (SELECT state, epochs, "
        "epoch, value, reason, started_ms, ended_ms, heartbeat_ms, host, boot, pid_space, pid, "
        "pid_started, (SELECT ours FROM merge_run WHERE theirs = t.run) FROM other.trial t WHERE "
        "t.id = ?) WHERE id = ?";
    nn_status status = database_do(m->db, error, sql, "ii", theirs, ours);
    if (status == NN_OK)
        status =
            database_do(m->db, error, "DELETE FROM main.trial_param WHERE trial = ?", "i", ours);
    if (status == NN_OK)
        status =
            database_do(m->db, error, "DELETE FROM main.trial_value WHERE trial = ?", "i", ours);
    m->report->trials_advanced += status == NN_OK;
    return status;
}

static nn_status take_trials(merge *m, nn_error *error)
{
    static const char sql[] =
        "SELECT t.id, s.ours, o.id, o.ended_ms IS NULL AND (t.ended_ms IS NOT NULL OR t.epoch > "
        "o.epoch) FROM other.trial t JOIN merge_study s ON s.theirs = t.study LEFT JOIN "
        "main.trial o ON o.uuid = t.uuid ORDER BY t.study, t.number";
    sqlite3_stmt *query = database_query(m->db, error, sql, "");
    nn_status status = query ? NN_OK : error ? error->code : NN_E_IO;
    while (status == NN_OK && database_next(m->db, query, &status, error)) {
        int64_t theirs = sqlite3_column_int64(query, 0), study = sqlite3_column_int64(query, 1);
        int64_t ours = sqlite3_column_int64(query, 2);
        bool further = ours && sqlite3_column_int64(query, 3) != 0, copy = !ours || further;
        if (!ours)
            status = add_trial(m, theirs, study, &ours, error);
        else if (further)
            status = advance_trial(m, theirs, ours, error);
        if (status == NN_OK)
            status = database_do(m->db, error, "INSERT INTO merge_trial VALUES (?, ?, ?)", "iii",
                                 theirs, ours, (int64_t)copy);
    }
    sqlite3_finalize(query);
    return status;
}

nn_status merge_studies(merge *m, nn_error *error)
{
    static const merge_column of_study[] = {{"study", "s.ours"}, {NULL, NULL}};
    static const merge_column of_trial[] = {{"trial", "r.ours"}, {NULL, NULL}};
    static const char joined[] = "JOIN merge_trial r ON r.theirs = t.trial WHERE r.copy";
    static const char *const after[] = {
        "UPDATE main.trial SET source = (SELECT p.ours FROM merge_trial r JOIN other.trial t ON "
        "t.id = r.theirs JOIN merge_trial p ON p.theirs = t.source WHERE r.ours = trial.id) "
        "WHERE source IS NULL AND id IN (SELECT ours FROM merge_trial WHERE copy)",
        "UPDATE main.study SET worked_ms = max(worked_ms, (SELECT t.worked_ms FROM other.study t "
        "JOIN merge_study s ON s.theirs = t.id WHERE s.ours = study.id)) WHERE id IN (SELECT "
        "ours FROM merge_study WHERE NOT copy)",
        /* Runs know their trial by names and numbers that may have changed on the way. */
        "UPDATE main.param SET text = (SELECT study.name FROM main.trial JOIN main.study ON "
        "study.id = trial.study WHERE trial.run = param.run) WHERE key = 'study' AND run IN "
        "(SELECT trial.run FROM main.trial JOIN merge_trial r ON r.ours = trial.id WHERE r.copy)",
        "UPDATE main.param SET number = (SELECT trial.number FROM main.trial WHERE trial.run = "
        "param.run) WHERE key = 'trial' AND number IS NOT NULL AND run IN (SELECT trial.run FROM "
        "main.trial JOIN merge_trial r ON r.ours = trial.id WHERE r.copy)",
    };
    nn_status status = merge_run_all(m, prepare, sizeof prepare / sizeof *prepare, NULL, error);
    if (status == NN_OK)
        status = take_studies(m, error);
    if (status == NN_OK)
        status = merge_copy(m, "", "study_option", of_study,
                            "JOIN merge_study s ON s.theirs = t.study WHERE s.copy", error);
    if (status == NN_OK)
        status = take_trials(m, error);
    if (status == NN_OK)
        status = merge_copy(m, "", "trial_param", of_trial, joined, error);
    if (status == NN_OK)
        status = merge_copy(m, "", "trial_value", of_trial, joined, error);
    return status == NN_OK ? merge_run_all(m, after, sizeof after / sizeof *after, NULL, error)
                           : status;
}
