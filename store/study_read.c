/* Reading studies and trials, on connections of both kinds. */
#include "store/study_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[TRIAL_STATES] = {"queued", "running", "paused", "finished",
                                                      "pruned", "failed",  "killed", "crashed"};

const char *trial_state_name(trial_state state)
{
    return (unsigned)state < TRIAL_STATES ? state_names[state] : "unknown";
}

trial_state trial_state_of(const char *name)
{
    for (int s = 0; s < TRIAL_CRASHED; s++)
        if (strcmp(state_names[s], name) == 0)
            return (trial_state)s;
    return TRIAL_FAILED;
}

/* A connection of this file's own kind for read_rows, over any database. */
static store borrowed(database *db, const process_identity *self)
{
    return (store){.db = *db, .self = *self};
}

/* --- trials ------------------------------------------------------------------------------------
 */

#define TRIAL_COLUMNS                                                                              \
    "SELECT trial.id, trial.study, trial.number, trial.state, coalesce(trial.run, 0), "            \
    "trial.origin, coalesce((SELECT number FROM trial AS source WHERE source.id = trial.source), " \
    "0), trial.epoch, trial.epochs, trial.value, trial.reason, trial.wish, trial.created_ms, "     \
    "coalesce(trial.started_ms, 0), coalesce(trial.ended_ms, 0), trial.heartbeat_ms, trial.host, " \
    "trial.boot, trial.pid_space, trial.pid, trial.pid_started, run.seconds, run.parameters, "     \
    "run.multiply_adds, run.latency_ms, run.memory_bytes, run.examples_per_s, "                    \
    "run.best_dev_error, run.dev_loss, run.train_error, run.train_loss, run.test_error "           \
    "FROM trial LEFT JOIN run ON run.id = trial.run "

static trial_state derive(trial_state written, int64_t heartbeat_ms, const process_identity *self,
                          const process_identity *owner)
{
    if (written != TRIAL_RUNNING)
        return written;
    process_fate fate = process_look(self, owner);
    bool silent = process_now_ms() - heartbeat_ms > STORE_SILENT_MS;
    return fate == PROCESS_GONE || (fate == PROCESS_UNKNOWN && silent) ? TRIAL_CRASHED : written;
}

static nn_status read_trial(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    trial_row *row = item;
    process_identity owner = {0};
    char state[16];
    (void)error;
    row->id = sqlite3_column_int64(query, 0);
    row->study = sqlite3_column_int64(query, 1);
    row->number = sqlite3_column_int(query, 2);
    column_text(query, 3, state, sizeof state);
    row->run = sqlite3_column_int64(query, 4);
    column_text(query, 5, row->origin, sizeof row->origin);
    row->source = sqlite3_column_int(query, 6);
    row->epoch = sqlite3_column_int(query, 7);
    row->epochs = sqlite3_column_int(query, 8);
    row->value = column_double(query, 9);
    column_text(query, 10, row->reason, sizeof row->reason);
    column_text(query, 11, row->wish, sizeof row->wish);
    row->created_ms = sqlite3_column_int64(query, 12);
    row->started_ms = sqlite3_column_int64(query, 13);
    row->ended_ms = sqlite3_column_int64(query, 14);
    column_text(query, 16, owner.host, sizeof owner.host);
    column_text(query, 17, owner.boot, sizeof owner.boot);
    column_text(query, 18, owner.space, sizeof owner.space);
    owner.pid = row->pid = sqlite3_column_int(query, 19);
    owner.started = sqlite3_column_int64(query, 20);
    double *const of_run[] = {&row->seconds,    &row->parameters,   &row->multiply_adds,
                              &row->latency_ms, &row->memory_bytes, &row->examples_per_s,
                              &row->dev_error,  &row->dev_loss,     &row->train_error,
                              &row->train_loss, &row->test_error};
    for (int i = 0; i < 11; i++)
        *of_run[i] = column_double(query, 21 + i);
    row->state = derive(trial_state_of(state), sqlite3_column_int64(query, 15), &s->self, &owner);
    row->point = nn_point_nowhere();
    return NN_OK;
}

/* Parameters come in order of trial numbers, as the rows do. What the space does not know (it was
 * written by a newer program) is left out. */
static nn_status read_points(database *db, study_id id, int number, const nn_space *space,
                             trial_row *rows, int count, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        db, error,
        "SELECT trial.id, name, trial_param.number, text FROM trial_param JOIN trial ON trial.id = "
        "trial WHERE study = ?1 AND (?2 = 0 OR trial.number = ?2) ORDER BY trial.number",
        "ii", id, (int64_t)number);
    nn_status status = query ? NN_OK : error->code;
    int at = 0;
    while (status == NN_OK && database_next(db, query, &status, error)) {
        char name[64], text[NN_SPACE_TEXT];
        trial_id trial = sqlite3_column_int64(query, 0);
        column_text(query, 1, name, sizeof name);
        column_text(query, 3, text, sizeof text);
        int p = nn_space_find(space, name);
        while (at < count && rows[at].id != trial)
            at++;
        if (p < 0 || at == count)
            continue;
        double value = column_double(query, 2);
        if (space->param[p].scale != NN_SCALE_CHOICE)
            rows[at].point.value[p] = value;
        else if (nn_space_read(&space->param[p], text, &value, NULL) == NN_OK)
            rows[at].point.value[p] = value;
    }
    sqlite3_finalize(query);
    return status;
}

nn_status study_read_trials(database *db, const process_identity *self, study_id id, int number,
                            const nn_space *space, trial_row **rows, int *count, nn_error *error)
{
    nn_status status = NN_OK;
    store s = borrowed(db, self);
    sqlite3_stmt *query = database_query(
        db, error,
        TRIAL_COLUMNS
        "WHERE trial.study = ?1 AND (?2 = 0 OR trial.number = ?2) ORDER BY trial.number",
        "ii", id, (int64_t)number);
    *rows = read_list(&s, query, sizeof **rows, read_trial, count, &status, error);
    if (status == NN_OK)
        status = read_points(db, id, number, space, *rows, *count, error);
    if (status != NN_OK) {
        free(*rows);
        *rows = NULL;
        *count = 0;
    }
    return status;
}

nn_status store_trials(store *s, study_id id, const nn_space *space, trial_row **rows, int *count,
                       nn_error *error)
{
    nn_error mine = {0};
    /* Trials and their parameters as they were at one moment. */
    nn_status status = database_run(&s->db, "BEGIN", &mine);
    if (status == NN_OK) {
        status = study_read_trials(&s->db, &s->self, id, 0, space, rows, count, &mine);
        database_rollback(&s->db);
    }
    if (status != NN_OK && error)
        *error = mine;
    return status;
}

static nn_status read_point(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    trial_point *point = item;
    (void)s;
    (void)error;
    point->trial = sqlite3_column_int(query, 0);
    point->epoch = sqlite3_column_int(query, 1);
    point->value = column_double(query, 2);
    return NN_OK;
}

nn_status store_trial_points(store *s, study_id id, trial_point **points, int *count,
                             nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query =
        database_query(&s->db, error,
                       "SELECT trial.number, trial_value.epoch, trial_value.value FROM trial_value "
                       "JOIN trial ON trial.id = trial WHERE study = ? ORDER BY 1, 2",
                       "i", id);
    *points = read_list(s, query, sizeof **points, read_point, count, &status, error);
    return status;
}

const char *trial_metrics(void)
{
    return "value, dev_error, dev_loss, train_error, train_loss, test_error, latency_ms, "
           "memory_mb, memory_bytes, params, multiply_adds, seconds, examples_per_s, epochs";
}

bool trial_metric(const trial_row *trial, const char *objective, const char *name, double *value)
{
    const struct {
        const char *name;
        double value;
    } known[] = {
        {"value", trial->value},
        {objective, trial->value},
        {"dev_error", trial->dev_error},
        {"dev_loss", trial->dev_loss},
        {"train_error", trial->train_error},
        {"train_loss", trial->train_loss},
        {"test_error", trial->test_error},
        {"latency_ms", trial->latency_ms},
        {"memory_mb", trial->memory_bytes / 1e6},
        {"memory_bytes", trial->memory_bytes},
        {"params", trial->parameters},
        {"parameters", trial->parameters},
        {"multiply_adds", trial->multiply_adds},
        {"seconds", trial->seconds},
        {"examples_per_s", trial->examples_per_s},
        {"epochs", trial->epoch},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) {
            *value = known[i].value;
            return true;
        }
    *value = (double)NAN;
    return false;
}

int trials_as_history(const trial_row *rows, int count, bool highest, nn_trial_record *history)
{
    int taken = 0;
    for (int i = 0; i < count; i++) {
        const trial_row *row = &rows[i];
        nn_trial_outcome outcome = row->state == TRIAL_FINISHED ? NN_TRIAL_FINISHED
                                   : row->state == TRIAL_PRUNED ? NN_TRIAL_PRUNED
                                   : row->state == TRIAL_FAILED ? NN_TRIAL_FAILED
                                                                : NN_TRIAL_OPEN;
        if (strcmp(row->origin, "promote") == 0 || row->state == TRIAL_KILLED)
            continue;
        history[taken++] = (nn_trial_record){.point = row->point,
                                             .outcome = outcome,
                                             .objective = highest ? -row->value : row->value,
                                             .epoch = row->epoch};
    }
    return taken;
}

/* --- studies -----------------------------------------------------------------------------------
 */

#define STUDY_COLUMNS                                                                              \
    "SELECT id, name, space, objective, direction, sampler, pruner, note, seed, trials, hours, "   \
    "worked_ms, created_ms FROM study "

static nn_status count_states(store *s, study_row *row, nn_error *error)
{
    nn_status status = NN_OK;
    trial_row *trials = NULL;
    int count = 0;
    /* Without parameters: an empty space knows none. */
    const nn_space nothing = {0};
    status = study_read_trials(&s->db, &s->self, row->id, 0, &nothing, &trials, &count, error);
    for (int i = 0; i < count; i++) {
        const trial_row *trial = &trials[i];
        row->count[trial->state]++;
        if (trial->state != TRIAL_FINISHED || isnan(trial->value))
            continue;
        bool better = row->best == 0 || (row->highest ? trial->value > row->best_value
                                                      : trial->value < row->best_value);
        if (better) {
            row->best = trial->number;
            row->best_value = trial->value;
            row->best_run = trial->run;
        }
    }
    free(trials);
    return status;
}

static nn_status read_study(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    study_row *row = item;
    char word[16];
    (void)s;
    row->id = sqlite3_column_int64(query, 0);
    column_text(query, 1, row->name, sizeof row->name);
    column_text(query, 2, row->space, sizeof row->space);
    column_text(query, 3, row->objective, sizeof row->objective);
    column_text(query, 4, word, sizeof word);
    row->highest = strcmp(word, "max") == 0;
    column_text(query, 5, word, sizeof word);
    column_text(query, 6, row->pruner, sizeof row->pruner);
    column_text(query, 7, row->note, sizeof row->note);
    row->seed = (uint64_t)sqlite3_column_int64(query, 8);
    row->trials = sqlite3_column_int(query, 9);
    row->hours = column_double(query, 10);
    row->worked_hours = (double)sqlite3_column_int64(query, 11) / 3600000;
    row->created_ms = sqlite3_column_int64(query, 12);
    row->best_value = (double)NAN;
    return nn_sampler_of(word, &row->sampler, error);
}

nn_status study_read_plain(database *db, const process_identity *self, study_id id, study_row *row,
                           nn_error *error)
{
    nn_status status = NN_OK;
    store s = borrowed(db, self);
    sqlite3_stmt *query = database_query(db, error, STUDY_COLUMNS "WHERE id = ?", "i", id);
    int count = 0;
    study_row *found = read_list(&s, query, sizeof *found, read_study, &count, &status, error);
    if (status == NN_OK && count == 0)
        status = nn_fail(error, NN_E_MISSING, "there is no study %lld", (long long)id);
    if (status == NN_OK)
        *row = *found;
    free(found);
    return status;
}

nn_status study_read(database *db, const process_identity *self, study_id id, study_row *row,
                     nn_error *error)
{
    store s = borrowed(db, self);
    nn_status status = study_read_plain(db, self, id, row, error);
    return status == NN_OK ? count_states(&s, row, error) : status;
}

nn_status store_study(store *s, study_id id, study_row *row, nn_error *error)
{
    nn_error mine = {0};
    nn_status status = study_read(&s->db, &s->self, id, row, &mine);
    if (status != NN_OK && error)
        *error = mine;
    return status;
}

nn_status store_studies(store *s, study_row **rows, int *count, nn_error *error)
{
    nn_error mine = {0};
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(&s->db, &mine, STUDY_COLUMNS "ORDER BY id DESC", "");
    *rows = read_list(s, query, sizeof **rows, read_study, count, &status, &mine);
    for (int i = 0; i < *count && status == NN_OK; i++)
        status = count_states(s, &(*rows)[i], &mine);
    if (status != NN_OK) {
        free(*rows);
        *rows = NULL;
        *count = 0;
        if (error)
            *error = mine;
    }
    return status;
}

nn_status store_find_study(store *s, const char *text, study_id *id, nn_error *error)
{
    int64_t found = 0;
    nn_error mine = {0};
    nn_status status = NN_OK;
    bool last = strcmp(text, "last") == 0;
    sqlite3_stmt *query = database_query(&s->db, &mine,
                                         last ? "SELECT max(id) FROM study WHERE ?1 IS NOT NULL"
                                              : "SELECT id FROM study WHERE name = ?1",
                                         "s", text);
    if (query && database_next(&s->db, query, &status, &mine))
        found = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    status = query ? status : mine.code;
    if (status == NN_OK && found == 0)
        status = nn_fail(&mine, NN_E_MISSING,
                         last ? "there is no study yet%.0s: gradus help sweep"
                              : "no study '%.60s': see gradus sweep list",
                         text);
    *id = found;
    if (status != NN_OK && error)
        *error = mine;
    return status;
}

static nn_status read_option(store *s, sqlite3_stmt *query, void *item, nn_error *error)
{
    store_param *option = item;
    (void)s;
    (void)error;
    column_text(query, 0, option->key, sizeof option->key);
    option->is_number = sqlite3_column_type(query, 1) != SQLITE_NULL;
    option->number = column_double(query, 1);
    column_text(query, 2, option->text, sizeof option->text);
    return NN_OK;
}

nn_status store_study_options(store *s, study_id id, store_param **options, int *count,
                              nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query = database_query(
        &s->db, error, "SELECT key, number, text FROM study_option WHERE study = ? ORDER BY key",
        "i", id);
    *options = read_list(s, query, sizeof **options, read_option, count, &status, error);
    return status;
}
