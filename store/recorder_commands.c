/* Commands that other processes leave in the store. */
#include "store/recorder_thread.h"

#include "store/read.h"

#include <string.h>

/* --- leaving one ------------------------------------------------------------------------------ */

typedef struct {
    run_id run;
    const nn_command *command;
} leave_request;

static nn_status check_alive(recorder *r, run_id run, nn_error *error)
{
    run_row row;
    nn_status status = read_run(&r->db, &r->self, run, &row, error);
    if (status == NN_OK && row.state != RUN_RUNNING && row.state != RUN_PAUSED)
        status = nn_fail(error, NN_E_STATE,
                         "run %lld '%s' has %s: no process trains it; resume it to go on",
                         (long long)run, row.name, run_state_name(row.state));
    return status;
}

static nn_status leave_work(recorder *r, void *argument, nn_error *error)
{
    const leave_request *leave = argument;
    const nn_command *command = leave->command;
    nn_status status = check_alive(r, leave->run, error);
    if (status != NN_OK)
        return status;
    r->beginning = true;
    status = database_begin(&r->db, false, error);
    r->beginning = false;
    if (status == NN_OK) {
        status = database_do(&r->db, error,
                             "INSERT INTO command (run, kind, name, value, at_step, left_ms) "
                             "VALUES (?, ?, ?, ?, ?, ?)",
                             "issdii", leave->run, nn_command_name(command->kind), command->name,
                             command->value, (int64_t)command->at_step, process_now_ms());
        if (status == NN_OK)
            status = database_commit(&r->db, error);
        if (status != NN_OK)
            database_rollback(&r->db);
    }
    r->locked_since = 0;
    return status;
}

nn_status recorder_leave_command(recorder *r, run_id run, const nn_command *command,
                                 nn_error *error)
{
    leave_request leave = {run, command};
    return recorder_ask(r, leave_work, &leave, error);
}

/* --- taking them ------------------------------------------------------------------------------ */

typedef struct {
    run_id run;
    void (*post)(void *context, const nn_command *);
    void *context;
} deliver_request;

static nn_status deliver_work(recorder *r, void *argument, nn_error *error)
{
    const deliver_request *deliver = argument;
    recording *run = recorder_find(r, deliver->run);
    if (!run)
        return nn_fail(error, NN_E_MISSING, "run %lld is not recorded by this process",
                       (long long)deliver->run);
    run->post = deliver->post;
    run->post_context = deliver->context;
    return NN_OK;
}

void recorder_on_command(recorder *r, run_id run, void (*post)(void *context, const nn_command *),
                         void *context)
{
    deliver_request deliver = {run, post, context};
    recorder_ask(r, deliver_work, &deliver, NULL);
}

enum { COMMANDS_AT_ONCE = 32 };

static bool kind_of(const char *name, nn_command_kind *kind)
{
    for (int k = NN_COMMAND_PAUSE; k <= NN_COMMAND_UNFREEZE; k++)
        if (strcmp(nn_command_name((nn_command_kind)k), name) == 0) {
            *kind = (nn_command_kind)k;
            return true;
        }
    return false;
}

/* Commands that wait for `run`, oldest first; a kind that this program does not know is skipped.
 * *newest: the id up to which they were read. */
static int waiting(recorder *r, run_id run, nn_command *commands, int64_t *newest)
{
    sqlite3_stmt *query = database_query(&r->db, NULL,
                                         "SELECT id, kind, name, value, at_step FROM command "
                                         "WHERE taken_ms IS NULL AND run = ? ORDER BY id LIMIT ?",
                                         "ii", run, (int64_t)COMMANDS_AT_ONCE);
    int count = 0;
    nn_status status = NN_OK;
    while (query && database_next(&r->db, query, &status, NULL)) {
        nn_command *command = &commands[count];
        char kind[24];
        memset(command, 0, sizeof *command);
        *newest = sqlite3_column_int64(query, 0);
        column_text(query, 1, kind, sizeof kind);
        column_text(query, 2, command->name, sizeof command->name);
        command->value = column_double(query, 3);
        command->at_step = (uint64_t)sqlite3_column_int64(query, 4);
        count += kind_of(kind, &command->kind);
    }
    sqlite3_finalize(query);
    return count;
}

/* Mark them first: a command must not be carried out twice. */
static bool mark_taken(recorder *r, run_id run, int64_t newest)
{
    r->tried_at = process_monotonic_ms();
    r->beginning = true;
    nn_status status = database_begin(&r->db, false, NULL);
    r->beginning = false;
    if (status == NN_OK)
        status = database_do(&r->db, NULL,
                             "UPDATE command SET taken_ms = ? WHERE run = ? AND id <= ? AND "
                             "taken_ms IS NULL",
                             "iii", process_now_ms(), run, newest);
    if (status == NN_OK)
        status = database_commit(&r->db, NULL);
    if (status != NN_OK)
        database_rollback(&r->db);
    r->locked_since = 0;
    return status == NN_OK;
}

void recorder_take_commands(recorder *r)
{
    int64_t now = process_monotonic_ms();
    if (now - r->commands_at < RECORDER_COMMAND_MS)
        return;
    r->commands_at = now;
    for (recording *run = r->runs; run; run = run->next) {
        nn_command commands[COMMANDS_AT_ONCE];
        int64_t newest = 0;
        if (!run->post || run->ended || run->taken)
            continue;
        int count = waiting(r, run->id, commands, &newest);
        if (newest == 0 || !mark_taken(r, run->id, newest))
            continue;
        /* on_busy may have taken in END while it waited: then the trainer may be gone. */
        for (int i = 0; i < count && !run->ended; i++)
            run->post(run->post_context, &commands[i]);
    }
}
