/* The rows with which a run, or a new segment of one, begins. */
#include "store/recording.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- names --------------------------------------------------------------------------------- */

enum { NAME_WORD = 30 }; /* the longest part of a name that is made */

/* Append what of `from` is fit for a name: of a path the last part, of "moons:n=500" the first. */
static void append_word(char *name, size_t size, const char *from)
{
    size_t used = strlen(name);
    size_t end = used + NAME_WORD < size - 1 ? used + NAME_WORD : size - 1;
    const char *base = strrchr(from, '/');
    base = base && base[1] ? base + 1 : from;
    for (; *base && *base != ':' && used < end; base++)
        if (isalnum((unsigned char)*base) || strchr("-_.", *base))
            name[used++] = (char)tolower((unsigned char)*base);
    name[used] = '\0';
}

/* A name that store_find_run could take for something else: digits are ids, "last" is the newest.
 */
static bool ambiguous(const char *name)
{
    return !*name || strspn(name, "0123456789") == strlen(name) || strcmp(name, "last") == 0;
}

static nn_status name_taken(database *db, const char *name, bool *taken, nn_error *error)
{
    sqlite3_stmt *query = database_query(db, error, "SELECT 1 FROM run WHERE name = ?", "s", name);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    *taken = database_next(db, query, &status, error);
    sqlite3_finalize(query);
    return status;
}

/* The wanted name, or one made from model, data and number; "-2", "-3" ... where it is taken. */
static nn_status choose_name(database *db, const run_description *description, int64_t id,
                             char *name, size_t size, nn_error *error)
{
    char wanted[84] = "";
    if (description->name && *description->name) {
        snprintf(wanted, sizeof wanted, "%s", ambiguous(description->name) ? "run-" : "");
        copy_text(wanted + strlen(wanted), sizeof wanted - strlen(wanted), description->name);
        for (char *at = wanted; *at; at++)
            if ((unsigned char)*at < ' ')
                *at = '_';
    } else {
        bool spelled_out = strpbrk(description->model, " |") != NULL; /* "conv 6 5x5 | relu" */
        char model[NAME_WORD + 1] = "";
        char data[NAME_WORD + 1] = "";
        append_word(model, sizeof model, spelled_out ? "custom" : description->model);
        append_word(data, sizeof data, description->data);
        snprintf(wanted, sizeof wanted, "%s-%s-%lld", model, data, (long long)id);
    }
    snprintf(name, size, "%s", wanted);
    bool taken = true;
    nn_status status = name_taken(db, name, &taken, error);
    for (int i = 2; taken && status == NN_OK; i++) {
        snprintf(name, size, "%s-%d", wanted, i);
        status = name_taken(db, name, &taken, error);
    }
    return status;
}

/* --- data ---------------------------------------------------------------------------------- */

static nn_status write_classes(database *db, int64_t dataset, const run_description *description,
                               nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < description->classes && status == NN_OK; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        const char *name = description->class_names ? description->class_names[i] : NULL;
        status =
            database_do(db, error,
                        "INSERT OR IGNORE INTO dataset_class (dataset, label, name) VALUES (?, ?, "
                        "?)",
                        "iis", dataset, (int64_t)i, name ? name : number);
    }
    return status;
}

static nn_status find_dataset(database *db, const run_description *description, int64_t *id,
                              nn_error *error)
{
    sqlite3_stmt *query =
        database_query(db, error, "SELECT id FROM dataset WHERE name = ? AND fingerprint = ?", "ss",
                       description->data, description->fingerprint);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    bool found = database_next(db, query, &status, error);
    if (found)
        *id = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    const char *content = description->dataset ? nn_dataset_checksum(description->dataset) : "";
    if (found && status == NN_OK && *content) /* recorded before the checksum was kept */
        status =
            database_do(db, error, "UPDATE dataset SET content = ? WHERE id = ? AND content = ''",
                        "si", content, *id);
    if (found || status != NN_OK)
        return status;
    status = database_do(
        db, error, "INSERT INTO dataset (name, fingerprint, classes, content) VALUES (?, ?, ?, ?)",
        "ssis", description->data, description->fingerprint, (int64_t)description->classes,
        content);
    *id = sqlite3_last_insert_rowid(db->handle);
    return status == NN_OK ? write_classes(db, *id, description, error) : status;
}

/* --- a new run ----------------------------------------------------------------------------- */

static nn_status write_params(database *db, run_id run, const run_description *description,
                              nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < description->param_count && status == NN_OK; i++) {
        const store_param *param = &description->params[i];
        status =
            database_do(db, error,
                        "INSERT OR REPLACE INTO param (run, key, number, text) VALUES (?, ?, "
                        "?, ?)",
                        "isds", run, param->key, param->is_number ? param->number : (double)NAN,
                        param->is_number ? NULL : param->text);
    }
    return status;
}

/* The fixes of labels that its data came with. */
static nn_status write_fixes(database *db, run_id run, const run_description *description,
                             nn_error *error)
{
    int64_t count = 0;
    const nn_label_fix *fixes =
        description->dataset ? nn_dataset_fixes(description->dataset, &count) : NULL;
    nn_status status = NN_OK;
    for (int64_t i = 0; i < count && status == NN_OK; i++)
        status = database_do(db, error,
                             "INSERT OR REPLACE INTO run_label_fix (run, example, old_label, "
                             "new_label) VALUES (?, ?, ?, ?)",
                             "iiii", run, fixes[i].example, (int64_t)fixes[i].from,
                             (int64_t)fixes[i].to);
    return status;
}

static nn_status write_segment(recording *run, database *db, const process_identity *self,
                               const char *command_line, uint64_t step, nn_error *error)
{
    return database_do(db, error,
                       "INSERT INTO segment (run, number, start_step, started_ms, host, pid, "
                       "command_line) VALUES (?, ?, ?, ?, ?, ?, ?)",
                       "iiiisis", run->id, run->segment, (int64_t)step, process_now_ms(),
                       self->host, (int64_t)self->pid, command_line);
}

static nn_status write_run(recording *run, database *db, const process_identity *self,
                           const run_description *d, nn_error *error)
{
    const nn_train_facts *facts = &d->facts;
    char name[96];
    char schedule[NN_SCHEDULE_TEXT] = "";
    int64_t dataset = 0;
    nn_schedule_text(&facts->schedule, schedule, sizeof schedule);
    nn_status status = choose_name(db, d, run->id, name, sizeof name, error);
    if (status == NN_OK)
        status = find_dataset(db, d, &dataset, error);
    if (status != NN_OK)
        return status;
    int64_t now = process_now_ms();
    return database_do(
        db, error,
        "INSERT INTO run (id, name, parent, parent_step, dataset, model, optimizer, schedule, "
        "command_line, seed, batch, epochs, shards, threads, parameters, multiply_adds, "
        "steps_per_epoch, total_steps, state, started_ms, heartbeat_ms, host, boot, pid_space, "
        "pid, pid_started, segment, step, lr) VALUES (?, ?, nullif(?, 0), nullif(?, 0), ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
        "isiiisss"
        "siiiiiiiii"
        "iisssiiid",
        run->id, name, d->parent, (int64_t)d->parent_step, dataset, d->model,
        nn_optimizer_name(facts->optimizer.kind), schedule, d->command_line, (int64_t)d->seed,
        (int64_t)facts->batch, (int64_t)facts->epochs, (int64_t)facts->shards,
        (int64_t)facts->threads, facts->parameters, facts->multiply_adds,
        (int64_t)facts->steps_per_epoch, (int64_t)facts->total_steps, now, now, self->host,
        self->boot, self->space, (int64_t)self->pid, self->started, (int64_t)facts->start_step,
        facts->optimizer.lr);
}

static nn_status begin_new(recording *run, database *db, const process_identity *self,
                           const run_description *description, nn_error *error)
{
    /* AUTOINCREMENT: a number once given never names another run, even after a deletion. */
    run->id = 0;
    run->segment = 1;
    nn_status status =
        database_number(db, "SELECT seq FROM sqlite_sequence WHERE name = 'run'", &run->id, error);
    run->id++;
    if (status == NN_OK)
        status = write_run(run, db, self, description, error);
    if (status == NN_OK)
        status = write_params(db, run->id, description, error);
    if (status == NN_OK)
        status = write_fixes(db, run->id, description, error);
    if (status == NN_OK)
        status = write_segment(run, db, self, description->command_line,
                               description->facts.start_step, error);
    run->progress.step = description->facts.start_step;
    run->progress.lr = description->facts.optimizer.lr;
    return status;
}

/* --- a run that goes on -------------------------------------------------------------------- */

/* Where the run stood, and that nobody else still trains it. */
static nn_status load_run(recording *run, database *db, const process_identity *self,
                          nn_error *error)
{
    sqlite3_stmt *query =
        database_query(db, error,
                       "SELECT state, heartbeat_ms, host, boot, pid_space, pid, pid_started, "
                       "segment, seconds, name FROM run WHERE id = ?",
                       "i", run->id);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    bool found = database_next(db, query, &status, error);
    process_identity owner = {0};
    char state[16] = "";
    char name[96] = "";
    int64_t age = 0;
    if (found) {
        column_text(query, 0, state, sizeof state);
        age = process_now_ms() - sqlite3_column_int64(query, 1);
        column_text(query, 2, owner.host, sizeof owner.host);
        column_text(query, 3, owner.boot, sizeof owner.boot);
        column_text(query, 4, owner.space, sizeof owner.space);
        owner.pid = sqlite3_column_int(query, 5);
        owner.started = sqlite3_column_int64(query, 6);
        run->segment = sqlite3_column_int64(query, 7) + 1;
        run->seconds_before = column_double(query, 8);
        column_text(query, 9, name, sizeof name);
    }
    sqlite3_finalize(query);
    if (status != NN_OK)
        return status;
    if (!found)
        return nn_fail(error, NN_E_MISSING, "there is no run %lld to resume", (long long)run->id);
    bool open = strcmp(state, "running") == 0 || strcmp(state, "paused") == 0;
    process_fate fate = process_look(self, &owner);
    if (open && (fate == PROCESS_ALIVE || (fate == PROCESS_UNKNOWN && age < STORE_SILENT_MS)))
        return nn_fail(error, NN_E_STATE,
                       "run %lld '%s' is still %s in process %d on %s: stop it there first",
                       (long long)run->id, name, state, owner.pid, owner.host);
    return NN_OK;
}

static int kind_of_metric(const char *name)
{
    for (int i = 0; i < SERIES_KINDS; i++)
        if (strcmp(series_names[i], name) == 0)
            return i;
    return -1;
}

/* Void what was recorded after the checkpoint, so that the history is continuous. Events stay in
 * the file, marked: they did happen. They are ordered by their number, since a rollback turns
 * steps back; only without the checkpoint's own event its step decides, and a
 * run that starts again from its seed keeps none. */
static nn_status void_after(recording *run, database *db, uint64_t step, nn_error *error)
{
    nn_status status = database_do(
        db, error,
        "UPDATE event SET replaced_by = ?1 WHERE run = ?2 AND replaced_by = 0 AND "
        "coalesce(id > (SELECT max(id) FROM event WHERE run = ?2 AND replaced_by = 0 AND "
        "kind = 'checkpoint' AND step = ?3), step > ?3 OR ?3 = 0)",
        "iii", run->segment, run->id, (int64_t)step);
    if (status == NN_OK)
        status = database_do(db, error, "DELETE FROM checkpoint WHERE run = ? AND step > ?", "ii",
                             run->id, (int64_t)step);
    if (status == NN_OK)
        status = database_do(db, error, "DELETE FROM evaluation WHERE run = ? AND step > ?", "ii",
                             run->id, (int64_t)step);
    if (status == NN_OK)
        status = database_do(db, error, "DELETE FROM prediction WHERE run = ? AND step > ?", "ii",
                             run->id, (int64_t)step);
    if (status == NN_OK) /* commands nobody took in time */
        status = database_do(db, error,
                             "UPDATE command SET taken_ms = ? WHERE run = ? AND taken_ms IS NULL",
                             "ii", process_now_ms(), run->id);
    return status;
}

static nn_status resume_curves(recording *run, database *db, uint64_t step, nn_error *error)
{
    sqlite3_stmt *query = database_query(
        db, error,
        "SELECT metric.name FROM summary JOIN metric ON metric.id = summary.metric WHERE run = ?",
        "i", run->id);
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    while (database_next(db, query, &status, error)) {
        char name[32];
        column_text(query, 0, name, sizeof name);
        int kind = kind_of_metric(name);
        if (kind >= 0)
            series_resume(&run->curves[kind], step);
    }
    sqlite3_finalize(query);
    for (int i = 0; i < SERIES_KINDS && status == NN_OK; i++)
        status = series_write(&run->curves[i], db, run->id, error);
    return status;
}

/* The numbers of the row as they were at the checkpoint. */
static void restore_progress(recording *run, uint64_t step)
{
    recording_progress *p = &run->progress;
    const series *curves = run->curves;
    p->step = step;
    p->epoch = run->steps_per_epoch ? (int)(step / run->steps_per_epoch) : 0;
    double *const last[] = {&p->train_loss, &p->train_error, &p->dev_loss, &p->dev_error};
    for (int i = 0; i < 4; i++)
        if (curves[SERIES_TRAIN_LOSS + i].summary.count > 0)
            *last[i] = curves[SERIES_TRAIN_LOSS + i].summary.last;
    const series_summary *dev = &curves[SERIES_DEV_ERROR].summary;
    if (dev->count > 0 && !isnan(dev->min)) {
        p->best_dev_error = dev->min;
        p->best_epoch = run->steps_per_epoch ? (int)(dev->min_step / run->steps_per_epoch) : 0;
    }
    if (curves[SERIES_LR].summary.count > 0)
        p->lr = curves[SERIES_LR].summary.last;
}

static nn_status begin_again(recording *run, database *db, const process_identity *self,
                             const run_description *d, uint64_t step, nn_error *error)
{
    nn_status status = load_run(run, db, self, error);
    if (status == NN_OK)
        status = void_after(run, db, step, error);
    if (status == NN_OK)
        status = resume_curves(run, db, step, error);
    if (status == NN_OK)
        status = write_segment(run, db, self, d->command_line, step, error);
    if (status != NN_OK)
        return status;
    restore_progress(run, step);
    int64_t now = process_now_ms();
    status = database_do(
        db, error,
        "UPDATE run SET state = 'running', message = '', ended_ms = NULL, heartbeat_ms = ?, "
        "host = ?, boot = ?, pid_space = ?, pid = ?, pid_started = ?, segment = ?, epochs = ?, "
        "threads = ?, total_steps = ? WHERE id = ?",
        "isssiiiiiii", now, self->host, self->boot, self->space, (int64_t)self->pid, self->started,
        run->segment, (int64_t)d->facts.epochs, (int64_t)d->facts.threads,
        (int64_t)d->facts.total_steps, run->id);
    if (status == NN_OK)
        status = database_do(db, error,
                             "INSERT INTO event (run, segment, step, time_ms, kind, new, text) "
                             "VALUES (?, ?, ?, ?, 'resumed', ?, '')",
                             "iiiid", run->id, run->segment, (int64_t)step, now, (double)step);
    return status;
}

static nn_status find_metrics(recording *run, database *db, nn_error *error)
{
    sqlite3_stmt *query = database_query(db, error, "SELECT name, id FROM metric", "");
    if (!query)
        return error ? error->code : NN_E_IO;
    nn_status status = NN_OK;
    while (database_next(db, query, &status, error)) {
        char name[32];
        column_text(query, 0, name, sizeof name);
        int kind = kind_of_metric(name);
        if (kind >= 0)
            run->curves[kind].metric = sqlite3_column_int64(query, 1);
    }
    sqlite3_finalize(query);
    return status;
}

nn_status recording_begin(recording *run, database *db, const process_identity *self,
                          const run_description *description, run_id resume, uint64_t resume_step,
                          nn_error *error)
{
    recording_progress *p = &run->progress;
    copy_text(p->state, sizeof p->state, "running");
    p->examples_per_s = p->lr = p->train_loss = p->train_error = p->dev_loss = p->dev_error =
        p->best_dev_error = p->test_error = (double)NAN;
    run->steps_per_epoch = description->facts.steps_per_epoch;
    nn_status status = find_metrics(run, db, error);
    if (status != NN_OK)
        return status;
    run->id = resume;
    status = resume ? begin_again(run, db, self, description, resume_step, error)
                    : begin_new(run, db, self, description, error);
    if (status == NN_OK)
        run->progress.seconds = run->seconds_before;
    return status;
}
