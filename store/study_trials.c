/* Working on a study's trials: claiming, reporting, pruning, settling. */
#include "store/study_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A beat adds to the study's clock the time since the last one of anybody, but no more than this:
 * a study nobody works on stands still. */
enum { CLOCK_STEP_MS = 5000 };

static nn_status write_in(recorder *r, study_work *work, void *argument, nn_error *error)
{
    nn_error mine = {0};
    nn_status status = study_write(r, false, work, argument, &mine);
    if (status != NN_OK && error)
        *error = mine;
    return status;
}

static bool is_late(const study_row *study)
{
    return study->hours > 0 && study->worked_hours >= study->hours;
}

/* --- claiming ----------------------------------------------------------------------------------
 */

typedef struct {
    study_id study;
    trial_row *trial;
    claim_result result;
} claim_request;

/* The process may have died between the run's beginning and its number being noted here. */
static nn_status find_run(database *db, const study_row *study, trial_row *trial, nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(
        db, error,
        "SELECT max(a.run) FROM param AS a JOIN param AS b ON a.run = b.run WHERE a.key = 'study' "
        "AND a.text = ? AND b.key = 'trial' AND b.number = ?",
        "sd", study->name, (double)trial->number);
    if (!query)
        return error->code;
    if (database_next(db, query, &status, error))
        trial->run = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return status;
}

static nn_status own(database *db, const process_identity *self, trial_row *trial, nn_error *error)
{
    int64_t now = process_now_ms();
    trial->state = TRIAL_RUNNING;
    trial->pid = self->pid;
    trial->wish[0] = '\0';
    return database_do(
        db, error,
        "UPDATE trial SET state = 'running', wish = '', run = nullif(?, 0), started_ms = "
        "coalesce(started_ms, ?), ended_ms = NULL, heartbeat_ms = ?, host = ?, boot = ?, pid_space "
        "= ?, pid = ?, pid_started = ? WHERE id = ?",
        "iiisssiii", trial->run, now, now, self->host, self->boot, self->space, (int64_t)self->pid,
        self->started, trial->id);
}

static int count_drawn(const trial_row *rows, int count)
{
    int drawn = 0;
    for (int i = 0; i < count; i++)
        drawn += strcmp(rows[i].origin, "sampler") == 0;
    return drawn;
}

/* A new trial from the sampler; NN_E_STATE when a grid is used up. */
static nn_status draw(database *db, const study_row *study, const nn_space *space,
                      const trial_row *rows, int count, trial_row *trial, nn_error *error)
{
    nn_trial_record *history = malloc(((size_t)count + 1) * sizeof *history);
    if (!history)
        return nn_fail(error, NN_E_NOMEM, "no memory for the history of %d trials", count);
    int known = trials_as_history(rows, count, study->highest, history);
    int drawn = count_drawn(rows, count);
    nn_sampler sampler = {study->sampler, study->seed, study->trials};
    *trial = (trial_row){.study = study->id, .origin = "sampler", .value = (double)NAN};
    nn_status status =
        nn_sampler_next(space, &sampler, history, known, drawn, &trial->point, error);
    free(history);
    return status == NN_OK ? study_insert_trial(db, space, trial, error) : status;
}

/* Among the rows: one left behind, else the first that waits. */
static const trial_row *find_waiting(const trial_row *rows, int count)
{
    const trial_row *queued = NULL;
    for (int i = 0; i < count; i++) {
        if (rows[i].state == TRIAL_CRASHED)
            return &rows[i];
        /* One that was stopped on the way before one that has not begun. */
        if (rows[i].state == TRIAL_QUEUED && (!queued || (rows[i].run && !queued->run)))
            queued = &rows[i];
    }
    return queued;
}

static nn_status claim(database *db, const process_identity *self, const study_row *study,
                       const nn_space *space, claim_request *request, nn_error *error)
{
    trial_row *rows = NULL;
    int count = 0;
    nn_status status = study_read_trials(db, self, study->id, 0, space, &rows, &count, error);
    if (status != NN_OK)
        return status;
    const trial_row *waiting = find_waiting(rows, count);
    bool more = study->trials == 0 || count_drawn(rows, count) < study->trials;
    request->result = CLAIM_TRIAL;
    if (is_late(study)) {
        request->result = CLAIM_LATE;
    } else if (waiting) {
        *request->trial = *waiting;
        if (!waiting->run)
            status = find_run(db, study, request->trial, error);
    } else if (more) {
        status = draw(db, study, space, rows, count, request->trial, error);
        if (status == NN_E_STATE && study->sampler == NN_SAMPLER_GRID) {
            status = NN_OK;
            more = false;
        }
    }
    if (status == NN_OK && request->result == CLAIM_TRIAL && !waiting && !more)
        request->result = study->count[TRIAL_RUNNING] > 0 ? CLAIM_WAIT : CLAIM_DONE;
    if (status == NN_OK && request->result == CLAIM_TRIAL)
        status = own(db, self, request->trial, error);
    free(rows);
    return status;
}

static nn_status claim_work(database *db, const process_identity *self, void *argument,
                            nn_error *error)
{
    claim_request *request = argument;
    study_row study;
    nn_status status = study_read(db, self, request->study, &study, error);
    nn_space *space = status == NN_OK ? nn_space_parse(study.space, error) : NULL;
    if (!space)
        return error->code;
    status = claim(db, self, &study, space, request, error);
    nn_space_free(space);
    return status;
}

nn_status recorder_claim_trial(recorder *r, study_id study, trial_row *trial, claim_result *result,
                               nn_error *error)
{
    claim_request request = {study, trial, CLAIM_DONE};
    nn_status status = write_in(r, claim_work, &request, error);
    *result = request.result;
    return status;
}

typedef struct {
    trial_id trial;
    run_id run;
} run_request;

static nn_status run_work(database *db, const process_identity *self, void *argument,
                          nn_error *error)
{
    const run_request *request = argument;
    (void)self;
    return database_do(db, error, "UPDATE trial SET run = ? WHERE id = ?", "ii", request->run,
                       request->trial);
}

nn_status recorder_set_trial_run(recorder *r, trial_id trial, run_id run, nn_error *error)
{
    run_request request = {trial, run};
    return write_in(r, run_work, &request, error);
}

/* --- whose is it -------------------------------------------------------------------------------
 */

typedef struct {
    study_id study;
    bool ours, promoted, pruned;
} ownership;

static nn_status look_up(database *db, const process_identity *self, trial_id trial,
                         ownership *found, nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(
        db, error,
        "SELECT study, state = 'running' AND boot = ?2 AND pid_space = ?3 AND pid = ?4 AND "
        "pid_started = ?5, origin = 'promote', state = 'pruned' FROM trial WHERE id = ?1",
        "issii", trial, self->boot, self->space, (int64_t)self->pid, self->started);
    if (!query)
        return error->code;
    *found = (ownership){0};
    if (database_next(db, query, &status, error)) {
        found->study = sqlite3_column_int64(query, 0);
        found->ours = sqlite3_column_int(query, 1) != 0;
        found->promoted = sqlite3_column_int(query, 2) != 0;
        found->pruned = sqlite3_column_int(query, 3) != 0;
    }
    sqlite3_finalize(query);
    return status;
}

/* --- reporting and pruning ---------------------------------------------------------------------
 */

typedef struct {
    trial_id trial;
    int epoch, epochs;
    double value;
    trial_answer *answer;
} report_request;

/* The best up to `epoch` of every other trial that has come so far, as small as they are good. */
static nn_status read_others(database *db, const study_row *study, const report_request *report,
                             double **others, int *count, nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(
        db, error,
        study->highest
            ? "SELECT -max(v.value) FROM trial_value AS v JOIN trial ON trial.id = v.trial WHERE "
              "study = ?1 AND trial.id != ?2 AND v.epoch <= ?3 AND origin != 'promote' GROUP BY "
              "v.trial HAVING max(v.epoch) = ?3"
            : "SELECT min(v.value) FROM trial_value AS v JOIN trial ON trial.id = v.trial WHERE "
              "study = ?1 AND trial.id != ?2 AND v.epoch <= ?3 AND origin != 'promote' GROUP BY "
              "v.trial HAVING max(v.epoch) = ?3",
        "iii", study->id, report->trial, (int64_t)report->epoch);
    int room = 0;
    *others = NULL;
    *count = 0;
    if (!query)
        return error->code;
    while (status == NN_OK && database_next(db, query, &status, error)) {
        if (*count == room) {
            room = room ? 2 * room : 64;
            double *grown = realloc(*others, (size_t)room * sizeof **others);
            if (!grown) {
                status = nn_fail(error, NN_E_NOMEM, "no memory to compare trials");
                break;
            }
            *others = grown;
        }
        (*others)[(*count)++] = column_double(query, 0);
    }
    sqlite3_finalize(query);
    return status;
}

static nn_status write_value(database *db, const study_row *study, const report_request *report,
                             nn_error *error)
{
    nn_status status = database_do(
        db, error, "INSERT OR REPLACE INTO trial_value (trial, epoch, value) VALUES (?, ?, ?)",
        "iid", report->trial, (int64_t)report->epoch, report->value);
    if (status == NN_OK) /* a resumed trial comes from its checkpoint: what came after is void */
        status = database_do(db, error, "DELETE FROM trial_value WHERE trial = ? AND epoch > ?",
                             "ii", report->trial, (int64_t)report->epoch);
    if (status == NN_OK)
        status = database_do(
            db, error,
            study->highest
                ? "UPDATE trial SET epoch = ?2, heartbeat_ms = ?3, value = (SELECT max(value) FROM "
                  "trial_value WHERE trial = ?1) WHERE id = ?1"
                : "UPDATE trial SET epoch = ?2, heartbeat_ms = ?3, value = (SELECT min(value) FROM "
                  "trial_value WHERE trial = ?1) WHERE id = ?1",
            "iii", report->trial, (int64_t)report->epoch, process_now_ms());
    return status;
}

static nn_status read_best(database *db, trial_id trial, double *best, nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query =
        database_query(db, error, "SELECT value FROM trial WHERE id = ?", "i", trial);
    if (!query)
        return error->code;
    *best = database_next(db, query, &status, error) ? column_double(query, 0) : (double)NAN;
    sqlite3_finalize(query);
    return status;
}

static nn_status prune(database *db, const study_row *study, const nn_pruner *pruner,
                       const report_request *report, nn_error *error)
{
    trial_answer *answer = report->answer;
    double *others = NULL, best = (double)NAN;
    int count = 0;
    answer->rung = true;
    nn_status status = read_best(db, report->trial, &best, error);
    if (status == NN_OK)
        status = read_others(db, study, report, &others, &count, error);
    if (status == NN_OK)
        answer->pruned = nn_pruner_stops(pruner, report->epoch, study->highest ? -best : best,
                                         others, count, answer->reason, sizeof answer->reason);
    free(others);
    if (status != NN_OK || !answer->pruned)
        return status;
    return database_do(
        db, error,
        "UPDATE trial SET state = 'pruned', wish = '', reason = ?, ended_ms = ? WHERE id = ?",
        "sii", answer->reason, process_now_ms(), report->trial);
}

static nn_status report_work(database *db, const process_identity *self, void *argument,
                             nn_error *error)
{
    const report_request *report = argument;
    ownership found = {0};
    study_row study;
    nn_pruner pruner;
    *report->answer = (trial_answer){0};
    nn_status status = look_up(db, self, report->trial, &found, error);
    if (status != NN_OK)
        return status;
    report->answer->lost = !found.ours;
    if (!found.ours)
        return NN_OK;
    status = study_read_plain(db, self, found.study, &study, error);
    if (status == NN_OK)
        status = nn_pruner_parse(study.pruner, &pruner, error);
    if (status == NN_OK)
        status = write_value(db, &study, report, error);
    if (status == NN_OK && !found.promoted && nn_pruner_due(&pruner, report->epoch, report->epochs))
        status = prune(db, &study, &pruner, report, error);
    return status;
}

nn_status recorder_report_trial(recorder *r, trial_id trial, int epoch, int epochs, double value,
                                trial_answer *answer, nn_error *error)
{
    report_request report = {trial, epoch, epochs, value, answer};
    return write_in(r, report_work, &report, error);
}

/* --- settling ----------------------------------------------------------------------------------
 */

typedef struct {
    trial_id trial;
    trial_state state;
    const char *reason;
} settle_request;

static nn_status settle_work(database *db, const process_identity *self, void *argument,
                             nn_error *error)
{
    const settle_request *settle = argument;
    ownership found = {0};
    nn_status status = look_up(db, self, settle->trial, &found, error);
    if (status != NN_OK || !found.ours)
        return status;
    bool ended = settle->state != TRIAL_QUEUED && settle->state != TRIAL_PAUSED;
    return database_do(db, error,
                       "UPDATE trial SET state = ?2, wish = '', reason = ?3, ended_ms = nullif(?4, "
                       "0), value = CASE WHEN ?2 = 'failed' THEN NULL ELSE value END WHERE id = ?1",
                       "issi", settle->trial, trial_state_name(settle->state), settle->reason,
                       ended ? process_now_ms() : (int64_t)0);
}

nn_status recorder_settle_trial(recorder *r, trial_id trial, trial_state state, const char *reason,
                                nn_error *error)
{
    settle_request settle = {trial, state, reason};
    return write_in(r, settle_work, &settle, error);
}

/* --- the heartbeat -----------------------------------------------------------------------------
 */

typedef struct {
    study_id study;
    study_wishes *wishes;
} beat_request;

static nn_status read_wishes(database *db, const process_identity *self, study_id study,
                             study_wishes *wishes, nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(
        db, error,
        "SELECT id, wish FROM trial WHERE study = ? AND state = 'running' AND wish != '' AND boot "
        "= ? AND pid_space = ? AND pid = ? AND pid_started = ?",
        "issii", study, self->boot, self->space, (int64_t)self->pid, self->started);
    if (!query)
        return error->code;
    while (wishes->count < STUDY_WISHES && database_next(db, query, &status, error)) {
        wishes->trial[wishes->count] = sqlite3_column_int64(query, 0);
        column_text(query, 1, wishes->wish[wishes->count], sizeof wishes->wish[0]);
        wishes->count++;
    }
    sqlite3_finalize(query);
    return status;
}

static nn_status beat_work(database *db, const process_identity *self, void *argument,
                           nn_error *error)
{
    const beat_request *beat = argument;
    int64_t now = process_now_ms();
    study_row study;
    nn_status status = database_do(
        db, error,
        "UPDATE trial SET heartbeat_ms = ? WHERE study = ? AND state = 'running' AND boot = ? AND "
        "pid_space = ? AND pid = ? AND pid_started = ?",
        "iissii", now, beat->study, self->boot, self->space, (int64_t)self->pid, self->started);
    if (status == NN_OK)
        status = database_do(db, error,
                             "UPDATE study SET worked_ms = worked_ms + max(0, min(?2 - beat_ms, "
                             "?3)), beat_ms = ?2 WHERE id = ?1",
                             "iii", beat->study, now, (int64_t)CLOCK_STEP_MS);
    *beat->wishes = (study_wishes){0};
    if (status == NN_OK)
        status = read_wishes(db, self, beat->study, beat->wishes, error);
    if (status == NN_OK)
        status = study_read_plain(db, self, beat->study, &study, error);
    if (status == NN_OK)
        beat->wishes->late = is_late(&study);
    return status;
}

nn_status recorder_beat_study(recorder *r, study_id study, study_wishes *wishes, nn_error *error)
{
    beat_request beat = {study, wishes};
    return write_in(r, beat_work, &beat, error);
}
