/* Beginning a study, and what people do to its trials. */
#include "store/study_internal.h"

#include "engine/rng.h"
#include "store/recorder_thread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- transactions on the recorder's thread -----------------------------------------------------
 */

typedef struct {
    study_work *work;
    void *argument;
    bool durable;
} transaction;

static nn_status write_work(recorder *r, void *argument, nn_error *error)
{
    const transaction *asked = argument;
    r->beginning = true;
    nn_status status = database_begin(&r->db, asked->durable, error);
    r->beginning = false;
    if (status == NN_OK) {
        status = asked->work(&r->db, &r->self, asked->argument, error);
        if (status == NN_OK)
            status = database_commit(&r->db, error);
        if (status != NN_OK)
            database_rollback(&r->db);
    }
    r->locked_since = 0;
    return status;
}

nn_status study_write(recorder *r, bool durable, study_work *work, void *argument, nn_error *error)
{
    transaction asked = {work, argument, durable};
    return recorder_ask(r, write_work, &asked, error);
}

/* --- a new study -------------------------------------------------------------------------------
 */

typedef struct {
    const study_description *description;
    study_id id;
} begin_request;

static nn_status write_options(database *db, study_id id, const study_description *d,
                               nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < d->option_count && status == NN_OK; i++) {
        const store_param *option = &d->options[i];
        status = database_do(
            db, error, "INSERT INTO study_option (study, key, number, text) VALUES (?, ?, ?, ?)",
            "isds", id, option->key, option->is_number ? option->number : (double)NAN,
            option->is_number ? NULL : option->text);
    }
    return status;
}

static nn_status check_name(database *db, const char *name, nn_error *error)
{
    nn_status status = NN_OK;
    sqlite3_stmt *query =
        database_query(db, error, "SELECT id FROM study WHERE name = ?", "s", name);
    if (!query)
        return error->code;
    bool taken = database_next(db, query, &status, error);
    sqlite3_finalize(query);
    if (taken)
        return nn_fail(error, NN_E_STATE,
                       "there is a study '%.60s' already: go on with it by --resume %.60s, or "
                       "choose another --name",
                       name, name);
    return status;
}

static nn_status begin_work(database *db, const process_identity *self, void *argument,
                            nn_error *error)
{
    begin_request *begin = argument;
    const study_description *d = begin->description;
    char pruner[40];
    (void)self;
    nn_status status = check_name(db, d->name, error);
    if (status == NN_OK)
        status = database_do(
            db, error,
            "INSERT INTO study (name, space, objective, direction, sampler, pruner, seed, trials, "
            "hours, command_line, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "ssssssiidsi", d->name, d->space, d->objective, d->highest ? "max" : "min",
            nn_sampler_name(d->sampler), nn_pruner_text(&d->pruner, pruner, sizeof pruner),
            (int64_t)d->seed, (int64_t)d->trials, d->hours, d->command_line, process_now_ms());
    begin->id = sqlite3_last_insert_rowid(db->handle);
    return status == NN_OK ? write_options(db, begin->id, d, error) : status;
}

study_id recorder_begin_study(recorder *r, const study_description *description, nn_error *error)
{
    begin_request begin = {description, 0};
    if (strlen(description->space) >= STUDY_SPACE || strlen(description->name) > 90) {
        nn_fail(error, NN_E_ARG,
                "a study's name has up to 90 bytes and its space up to %d: these have %zu and %zu",
                STUDY_SPACE - 1, strlen(description->name), strlen(description->space));
        return 0;
    }
    return study_write(r, true, begin_work, &begin, error) == NN_OK ? begin.id : 0;
}

typedef struct {
    study_id study;
    int trials;
    double hours;
} extend_request;

static nn_status extend_work(database *db, const process_identity *self, void *argument,
                             nn_error *error)
{
    const extend_request *extend = argument;
    (void)self;
    return database_do(db, error,
                       "UPDATE study SET trials = CASE WHEN ?2 > 0 THEN ?2 ELSE trials END, hours "
                       "= CASE WHEN ?3 > 0 THEN ?3 ELSE hours END WHERE id = ?1",
                       "iid", extend->study, (int64_t)extend->trials, extend->hours);
}

nn_status recorder_extend_study(recorder *r, study_id study, int trials, double hours,
                                nn_error *error)
{
    extend_request extend = {study, trials, hours};
    return study_write(r, true, extend_work, &extend, error);
}

/* --- a new trial -------------------------------------------------------------------------------
 */

static nn_status write_point(database *db, const nn_space *space, const trial_row *trial,
                             nn_error *error)
{
    nn_status status = NN_OK;
    for (int p = 0; p < space->count && status == NN_OK; p++) {
        const nn_space_param *param = &space->param[p];
        double value = trial->point.value[p];
        char text[NN_SPACE_TEXT];
        bool word = param->scale == NN_SCALE_CHOICE;
        if (isnan(value))
            continue;
        nn_space_text(param, value, text);
        status = database_do(
            db, error, "INSERT INTO trial_param (trial, name, number, text) VALUES (?, ?, ?, ?)",
            "isds", trial->id, param->name, word ? (double)NAN : value, word ? text : NULL);
    }
    return status;
}

nn_status study_insert_trial(database *db, const nn_space *space, trial_row *trial, nn_error *error)
{
    int64_t number = 0;
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT max(number) FROM trial WHERE study = %lld",
             (long long)trial->study);
    nn_status status = database_number(db, sql, &number, error);
    trial->number = (int)number + 1;
    if (status == NN_OK)
        status = database_do(
            db, error,
            "INSERT INTO trial (study, number, state, origin, source, epochs, created_ms) VALUES "
            "(?1, ?2, 'queued', ?3, (SELECT id FROM trial WHERE study = ?1 AND number = ?4), ?5, "
            "?6)",
            "iisiii", trial->study, (int64_t)trial->number, trial->origin, (int64_t)trial->source,
            (int64_t)trial->epochs, process_now_ms());
    trial->id = sqlite3_last_insert_rowid(db->handle);
    return status == NN_OK ? write_point(db, space, trial, error) : status;
}

typedef struct {
    study_id study;
    const nn_point *given;
    const char *origin;
    int source, epochs, number;
} add_request;

/* What was not given is drawn at random; what is not there for these values goes. */
static nn_point complete(const nn_space *space, const nn_point *given, uint64_t seed, int number)
{
    nn_point point = nn_point_nowhere();
    for (int p = 0; p < space->count; p++) {
        if (!nn_space_active(space, p, &point))
            continue;
        double unit = nn_uniform_at(seed, nn_stream_of("by hand"), (uint64_t)number, (uint32_t)p);
        point.value[p] =
            isnan(given->value[p]) ? nn_space_value(&space->param[p], unit) : given->value[p];
    }
    return point;
}

static nn_status add_work(database *db, const process_identity *self, void *argument,
                          nn_error *error)
{
    add_request *add = argument;
    study_row study;
    nn_status status = study_read(db, self, add->study, &study, error);
    nn_space *space = status == NN_OK ? nn_space_parse(study.space, error) : NULL;
    if (!space)
        return error->code;
    int total = 0;
    for (int i = 0; i < TRIAL_STATES; i++)
        total += study.count[i];
    trial_row trial = {.study = add->study, .source = add->source, .epochs = add->epochs};
    copy_text(trial.origin, sizeof trial.origin, add->origin);
    trial.point = complete(space, add->given, study.seed, total);
    status = study_insert_trial(db, space, &trial, error);
    add->number = trial.number;
    nn_space_free(space);
    return status;
}

nn_status recorder_add_trial(recorder *r, study_id study, const nn_point *given, const char *origin,
                             int source, int epochs, int *number, nn_error *error)
{
    add_request add = {study, given, origin, source, epochs, 0};
    nn_error mine = {0};
    nn_status status = study_write(r, false, add_work, &add, &mine);
    if (status != NN_OK && error)
        *error = mine;
    *number = add.number;
    return status;
}

/* --- pause, go, kill ---------------------------------------------------------------------------
 */

typedef struct {
    study_id study;
    int number;
    steer_kind kind;
} steer_request;

/* What becomes of a trial at once; TRIAL_RUNNING: nothing, its process is asked. False: it makes no
 * sense. */
static bool steered(trial_state now, steer_kind kind, trial_state *then)
{
    bool open = now == TRIAL_QUEUED || now == TRIAL_CRASHED;
    *then = TRIAL_RUNNING;
    switch (kind) {
    case STEER_PAUSE:
        *then = open ? TRIAL_PAUSED : TRIAL_RUNNING;
        return open || now == TRIAL_RUNNING;
    case STEER_KILL:
        *then = open || now == TRIAL_PAUSED ? TRIAL_KILLED : TRIAL_RUNNING;
        return open || now == TRIAL_PAUSED || now == TRIAL_RUNNING;
    case STEER_GO:
        *then = TRIAL_QUEUED;
        return now == TRIAL_PAUSED || now == TRIAL_KILLED;
    }
    return false;
}

static nn_status steer_work(database *db, const process_identity *self, void *argument,
                            nn_error *error)
{
    static const char *const verbs[] = {"pause", "go", "kill"};
    const steer_request *steer = argument;
    const nn_space nothing = {0};
    trial_row *rows = NULL;
    int count = 0;
    trial_state then;
    nn_status status =
        study_read_trials(db, self, steer->study, steer->number, &nothing, &rows, &count, error);
    if (status != NN_OK)
        return status;
    if (count == 0)
        return nn_fail(error, NN_E_MISSING, "the study has no trial %d", steer->number);
    trial_row trial = rows[0];
    free(rows);
    if (!steered(trial.state, steer->kind, &then))
        return nn_fail(error, NN_E_STATE, "trial %d is %s: there is nothing to %s%s", trial.number,
                       trial_state_name(trial.state), verbs[steer->kind],
                       steer->kind == STEER_GO ? " on with; clone it to try it again" : "");
    if (then == TRIAL_RUNNING)
        return database_do(db, error, "UPDATE trial SET wish = ? WHERE id = ?", "si",
                           verbs[steer->kind], trial.id);
    return database_do(db, error,
                       "UPDATE trial SET state = ?2, wish = '', ended_ms = CASE WHEN ?2 = 'killed' "
                       "THEN ?3 END WHERE id = ?1",
                       "isi", trial.id, trial_state_name(then), process_now_ms());
}

nn_status recorder_steer_trial(recorder *r, study_id study, int number, steer_kind kind,
                               nn_error *error)
{
    steer_request steer = {study, number, kind};
    nn_error mine = {0};
    nn_status status = study_write(r, false, steer_work, &steer, &mine);
    if (status != NN_OK && error)
        *error = mine;
    return status;
}
