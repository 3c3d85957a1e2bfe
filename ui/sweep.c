#include "ui/sweep.h"

#include "ui/commands/signals.h"
#include "ui/sweep_options.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* EVENTS: of one trial at a time, so that epochs of a millisecond leave time for everything else.
 */
enum { BEAT_MS = 1000, IN_A_ROW = 5, EVENTS = 256 };

typedef enum { GOES_ON, PRUNED, LOST, PAUSED, KILLED, INTERRUPTED } stop_reason;

/* One trial under way. */
typedef struct {
    session *session; /* NULL: the place is free */
    trial_row trial;
    train_options options;
    sweep_texts texts;
    char name[128], resume[24], branch[64];
    stop_reason why;
    bool ended;
    nn_event end;
    char trouble[256];
} job;

typedef struct {
    const sweep_args *args;
    char path[PATH_MAX];
    study_row study;
    nn_space *space;
    store_param *base;
    int base_count;
    recorder *recorder;
    nn_dataset *data;
    job *jobs;
    int job_count, threads;
    int failures;     /* trials in a row that could not even begin */
    int64_t beat_ms;  /* monotonic, of the last heartbeat */
    int64_t claim_ms; /* and when to look for a trial again */
    bool stopping, late, done;
    nn_error error; /* the sweep cannot go on */
    bool broken;
} sweep;

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void tell(const sweep *s, const sweep_event *event)
{
    s->args->tell(s->args->context, event);
}

static void note(const sweep *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(const sweep *s, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    tell(s, &(sweep_event){.kind = SWEEP_NOTE, .text = text});
}

static void break_off(sweep *s, const nn_error *error)
{
    if (!s->broken)
        s->error = *error;
    s->broken = s->stopping = true;
}

/* --- one epoch ---------------------------------------------------------------------------------
 */

static void stop_job(job *j, stop_reason why)
{
    if (j->why != GOES_ON)
        return;
    j->why = why;
    if (j->session)
        nn_trainer_post(session_trainer(j->session), &(nn_command){.kind = NN_COMMAND_STOP});
}

static void report_epoch(sweep *s, job *j, int epoch, int epochs, double value)
{
    nn_error error = {0};
    trial_answer answer;
    trial_row *trial = &j->trial;
    if (j->why != GOES_ON)
        return;
    if (recorder_report_trial(s->recorder, trial->id, epoch, epochs, value, &answer, &error) !=
        NN_OK) {
        break_off(s, &error);
        return;
    }
    trial->epoch = epoch;
    if (isnan(trial->value) || (s->study.highest ? value > trial->value : value < trial->value))
        trial->value = value;
    if (answer.lost) {
        stop_job(j, LOST);
        return;
    }
    sweep_event_kind kind = answer.pruned ? SWEEP_PRUNED : answer.rung ? SWEEP_RUNG : SWEEP_EPOCH;
    snprintf(trial->reason, sizeof trial->reason, "%s", answer.pruned ? answer.reason : "");
    tell(s, &(sweep_event){.kind = kind,
                           .trial = trial,
                           .epoch = epoch,
                           .epochs = epochs,
                           .value = value,
                           .text = trial->reason});
    if (answer.pruned)
        stop_job(j, PRUNED);
}

/* A process that was killed may have recorded more of the run than it had said of the trial. */
static void catch_up(sweep *s, job *j)
{
    nn_error error = {0};
    run_row row = {0};
    uint64_t *steps = NULL;
    double *values = NULL;
    int64_t count = 0;
    store *st = store_open(s->path, &error);
    nn_status status = st ? store_run(st, j->trial.run, &row, &error) : error.code;
    if (status == NN_OK)
        status =
            store_points(st, j->trial.run, s->study.objective, 0, &steps, &values, &count, &error);
    store_close(st);
    if (status != NN_OK)
        note(s, "trial %d: what was recorded before cannot be read: %s", j->trial.number,
             error.text);
    for (int64_t i = 0; i < count && row.steps_per_epoch > 0; i++) {
        int epoch = (int)(steps[i] / row.steps_per_epoch);
        if (epoch > j->trial.epoch)
            report_epoch(s, j, epoch, row.epochs, values[i]);
    }
    free(steps);
    free(values);
}

/* --- the end of a trial ------------------------------------------------------------------------
 */

static bool better(const sweep *s, double value)
{
    if (isnan(value))
        return false;
    return s->study.best == 0 ||
           (s->study.highest ? value > s->study.best_value : value < s->study.best_value);
}

static void settle(sweep *s, trial_row *trial, trial_state state, const char *reason)
{
    nn_error error = {0};
    trial->state = state;
    if (state == TRIAL_FAILED)
        trial->value = (double)NAN;
    if (state != TRIAL_PRUNED &&
        recorder_settle_trial(s->recorder, trial->id, state, reason, &error) != NN_OK)
        break_off(s, &error);
    tell(s, &(sweep_event){.kind = SWEEP_END,
                           .trial = trial,
                           .epoch = trial->epoch,
                           .value = trial->value,
                           .text = reason});
    if (state != TRIAL_FINISHED || !better(s, trial->value))
        return;
    s->study.best = trial->number;
    s->study.best_value = trial->value;
    tell(s, &(sweep_event){.kind = SWEEP_BEST, .trial = trial, .value = trial->value});
}

/* What became of a trial whose training has ended in the way `end` tells. */
static void conclude(sweep *s, job *j)
{
    trial_row *trial = &j->trial;
    const char *text = j->trouble[0] ? j->trouble : j->end.text;
    char reason[160];
    snprintf(reason, sizeof reason, "%.159s", text);
    if (j->why == PRUNED)
        settle(s, trial, TRIAL_PRUNED, trial->reason);
    else if (j->why == LOST)
        note(s, "trial %d goes on in another process", trial->number);
    else if (j->end.state == NN_FINISHED && isnan(trial->value))
        settle(s, trial, TRIAL_FAILED, "the objective was never a number");
    else if (j->end.state == NN_FINISHED)
        settle(s, trial, TRIAL_FINISHED, "");
    else if (j->end.state == NN_DIVERGED || j->end.state == NN_FAILED)
        settle(s, trial, TRIAL_FAILED, reason[0] ? reason : "diverged");
    else if (j->why == INTERRUPTED)
        settle(s, trial, TRIAL_QUEUED, "");
    else if (j->why == KILLED)
        settle(s, trial, TRIAL_KILLED, "");
    else /* on request: of the sweep, or of whoever watches the run */
        settle(s, trial, TRIAL_PAUSED, "");
}

static void finish_job(sweep *s, job *j)
{
    nn_error error = {0};
    /* First the run is whole in the store, then the trial says so. */
    if (session_close(j->session, &error) != NN_OK)
        note(s, "trial %d: not everything was recorded: %s", j->trial.number, error.text);
    j->session = NULL;
    conclude(s, j);
}

/* --- the beginning -----------------------------------------------------------------------------
 */

static nn_status find_row(const sweep *s, run_id run, run_row *row, nn_error *error)
{
    store *st = store_open(s->path, error);
    nn_status status = st ? store_run(st, run, row, error) : error->code;
    store_close(st);
    return status;
}

/* A trial that has a run goes on with it; true when the run had ended already, and only the trial
 * did not know: its process was killed in between. */
static bool take_up(sweep *s, job *j)
{
    run_row row = {0};
    nn_error error = {0};
    if (find_row(s, j->trial.run, &row, &error) != NN_OK) { /* deleted: begin again */
        j->trial.run = 0;
        return false;
    }
    if (row.state == RUN_FINISHED) {
        catch_up(s, j);
        j->end = (nn_event){.state = NN_FINISHED};
    } else if (row.state == RUN_DIVERGED || row.state == RUN_FAILED) {
        j->end = (nn_event){.state = NN_FAILED};
        snprintf(j->trouble, sizeof j->trouble, "%s", row.message);
    } else {
        snprintf(j->resume, sizeof j->resume, "%lld", (long long)j->trial.run);
        j->options.resume = j->resume;
        return false;
    }
    conclude(s, j);
    return true;
}

/* The run of the trial that was promoted: the longer one begins with its weights. */
static void branch_from(sweep *s, job *j)
{
    trial_row *rows = NULL;
    int count = 0;
    nn_error error = {0};
    store *st = store_open(s->path, &error);
    if (st && store_trials(st, s->study.id, s->space, &rows, &count, &error) == NN_OK)
        for (int i = 0; i < count; i++)
            if (rows[i].number == j->trial.source && rows[i].run) {
                snprintf(j->branch, sizeof j->branch, "%lld", (long long)rows[i].run);
                j->options.branch = j->branch;
            }
    free(rows);
    store_close(st);
}

static nn_status prepare(sweep *s, job *j, nn_error *error)
{
    nn_status status = sweep_trial_options(s->base, s->base_count, s->space, &j->trial.point,
                                           s->data, &j->options, &j->texts, error);
    snprintf(j->name, sizeof j->name, "%s-%d", s->study.name, j->trial.number);
    j->options.name = j->name;
    j->options.study = s->study.name;
    j->options.trial = j->trial.number;
    j->options.threads = s->threads;
    j->options.store_path = s->path;
    j->options.command_line = "gradus sweep";
    if (j->trial.epochs > 0)
        j->options.epochs = j->trial.epochs;
    return status;
}

/* Whether the data of a trial are those that all share. */
static bool shares_data(const sweep *s)
{
    static const char *const own[] = {"data", "dev", "test_share", "limit", "target"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (nn_space_find(s->space, own[i]) >= 0)
            return false;
    return true;
}

static void begin_job(sweep *s, job *j)
{
    nn_error error = {0};
    j->why = GOES_ON;
    j->ended = false;
    j->trouble[0] = '\0';
    j->end = (nn_event){0};
    if (prepare(s, j, &error) != NN_OK) {
        settle(s, &j->trial, TRIAL_FAILED, error.text);
        return;
    }
    if (j->trial.run && take_up(s, j))
        return;
    if (!j->trial.run && strcmp(j->trial.origin, "promote") == 0)
        branch_from(s, j);
    session_shared shared = {s->recorder, shares_data(s) ? s->data : NULL};
    j->session = session_open_shared(&j->options, shared, false, &error);
    if (!j->session && j->options.branch) { /* its checkpoint is gone: from the start then */
        note(s, "trial %d begins from the start: %s", j->trial.number, error.text);
        j->options.branch = NULL;
        j->session = session_open_shared(&j->options, shared, false, &error);
    }
    if (!j->session) {
        s->failures++;
        settle(s, &j->trial, TRIAL_FAILED, error.text);
        if (s->failures >= IN_A_ROW && !s->stopping) {
            nn_error why;
            nn_fail(&why, NN_E_STATE, "%d trials in a row could not begin; the last: %.200s",
                    s->failures, error.text);
            break_off(s, &why);
        }
        return;
    }
    s->failures = 0;
    bool again = j->trial.run != 0;
    j->trial.run = session_run(j->session);
    if (recorder_set_trial_run(s->recorder, j->trial.id, j->trial.run, &error) != NN_OK)
        break_off(s, &error);
    tell(s, &(sweep_event){.kind = SWEEP_TRIAL,
                           .trial = &j->trial,
                           .epoch = j->trial.epoch,
                           .epochs = nn_trainer_facts(session_trainer(j->session)).epochs});
    if (again)
        catch_up(s, j);
}

/* --- while it runs -----------------------------------------------------------------------------
 */

static void take_epoch(sweep *s, job *j, const nn_event *event)
{
    int epochs = nn_trainer_facts(session_trainer(j->session)).epochs;
    report_epoch(s, j, event->epoch, epochs, sweep_objective_of(s->study.objective, event));
}

static void take_event(sweep *s, job *j, nn_event *event)
{
    switch (event->kind) {
    case NN_EVENT_EPOCH:
        take_epoch(s, j, event);
        break;
    case NN_EVENT_NONFINITE: /* nobody is there to ask */
        snprintf(j->trouble, sizeof j->trouble, "step %llu: %.200s",
                 (unsigned long long)event->step, event->text);
        nn_trainer_post(session_trainer(j->session), &(nn_command){.kind = NN_COMMAND_STOP});
        break;
    case NN_EVENT_END:
        j->end = *event;
        j->ended = true;
        break;
    case NN_EVENT_EVALUATION:
        nn_evaluation_release(event->evaluation);
        break;
    case NN_EVENT_NOTE:
        note(s, "trial %d: %s", j->trial.number, event->text);
        break;
    case NN_EVENT_START:
    case NN_EVENT_STEP:
    case NN_EVENT_APPLIED:
    case NN_EVENT_REFUSED:
    case NN_EVENT_STATE:
    case NN_EVENT_CHECKPOINT:
        break;
    }
}

/* Whether events are left. */
static bool serve_jobs(sweep *s)
{
    bool more = false;
    for (int i = 0; i < s->job_count; i++) {
        job *j = &s->jobs[i];
        nn_event event;
        if (!j->session)
            continue;
        nn_listener *listener = session_listener(j->session);
        nn_listener_clear(listener);
        int taken = 0;
        while (!j->ended && taken < EVENTS && nn_listener_next(listener, &event)) {
            take_event(s, j, &event);
            taken++;
        }
        more = more || (taken == EVENTS && !j->ended);
        if (j->ended)
            finish_job(s, j);
    }
    return more;
}

static void stop_all(sweep *s)
{
    s->stopping = true;
    for (int i = 0; i < s->job_count; i++)
        if (s->jobs[i].session)
            stop_job(&s->jobs[i], INTERRUPTED);
}

static void grant_wishes(sweep *s, const study_wishes *wishes)
{
    for (int w = 0; w < wishes->count; w++)
        for (int i = 0; i < s->job_count; i++)
            if (s->jobs[i].session && s->jobs[i].trial.id == wishes->trial[w])
                stop_job(&s->jobs[i], strcmp(wishes->wish[w], "kill") == 0 ? KILLED : PAUSED);
}

static void beat(sweep *s)
{
    nn_error error = {0};
    study_wishes wishes;
    if (now_ms() - s->beat_ms < BEAT_MS)
        return;
    s->beat_ms = now_ms();
    if (recorder_beat_study(s->recorder, s->study.id, &wishes, &error) != NN_OK) {
        note(s, "the store cannot be written: %s", error.text);
        return; /* it is tried again; the recorder keeps what the runs say */
    }
    grant_wishes(s, &wishes);
    if (wishes.late && !s->stopping) {
        s->late = true;
        note(s, "the hours of this study are over: open trials stop with checkpoints");
        stop_all(s);
    }
}

static int active(const sweep *s)
{
    int count = 0;
    for (int i = 0; i < s->job_count; i++)
        count += s->jobs[i].session != NULL;
    return count;
}

/* Fills free places; false when there is nothing to do now. */
static bool claim(sweep *s, job *j)
{
    nn_error error = {0};
    claim_result result;
    if (recorder_claim_trial(s->recorder, s->study.id, &j->trial, &result, &error) != NN_OK) {
        break_off(s, &error);
        return false;
    }
    s->late = s->late || result == CLAIM_LATE;
    s->done = result == CLAIM_DONE || result == CLAIM_LATE;
    if (result != CLAIM_TRIAL)
        return false;
    begin_job(s, j);
    return true;
}

static void fill(sweep *s)
{
    if (now_ms() < s->claim_ms)
        return;
    for (int i = 0; i < s->job_count; i++) {
        while (!s->stopping && !s->jobs[i].session) {
            if (claim(s, &s->jobs[i]))
                continue;
            s->claim_ms = now_ms() + BEAT_MS; /* others may leave or add something */
            return;
        }
    }
}

static void take_signal(sweep *s)
{
    int number = s->args->signals >= 0 ? signals_take(s->args->signals) : 0;
    if (!number || s->stopping)
        return;
    note(s, "%s: stopping with checkpoints; once more leaves at once", strsignal(number));
    stop_all(s);
}

static void wait_for_news(sweep *s, int timeout)
{
    struct pollfd fds[65];
    nfds_t count = 0;
    if (s->args->signals >= 0)
        fds[count++] = (struct pollfd){.fd = s->args->signals, .events = POLLIN};
    for (int i = 0; i < s->job_count; i++)
        if (s->jobs[i].session)
            fds[count++] = (struct pollfd){
                .fd = nn_listener_fd(session_listener(s->jobs[i].session)), .events = POLLIN};
    poll(fds, count, timeout);
}

static void work(sweep *s)
{
    bool more = false;
    while (!s->stopping || active(s) > 0) {
        if (!s->stopping)
            fill(s);
        if (s->broken)
            stop_all(s);
        if (active(s) == 0 && (s->done || s->stopping))
            return;
        wait_for_news(s, more ? 0 : BEAT_MS / 4);
        take_signal(s);
        int before = active(s);
        more = serve_jobs(s);
        if (active(s) < before)
            s->claim_ms = 0;
        beat(s);
    }
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static nn_status read_study(sweep *s, nn_error *error)
{
    const char *given = s->args->store_path;
    if (given)
        snprintf(s->path, sizeof s->path, "%s", given);
    else if (store_default_path(s->path, sizeof s->path, error) != NN_OK)
        return error->code;
    store *st = store_open(s->path, error);
    if (!st)
        return error->code;
    nn_status status = store_study(st, s->args->study, &s->study, error);
    if (status == NN_OK)
        status = store_study_options(st, s->study.id, &s->base, &s->base_count, error);
    store_close(st);
    if (status == NN_OK && !(s->space = nn_space_parse(s->study.space, error)))
        status = error->code;
    return status;
}

static nn_status open_parts(sweep *s, nn_error *error)
{
    const sweep_args *args = s->args;
    nn_status status = read_study(s, error);
    if (status != NN_OK)
        return status;
    s->job_count = args->jobs;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int share = cores > 0 ? (int)(cores / args->jobs) : 1;
    s->threads = args->threads > 0 ? args->threads : share > 1 ? share : 1;
    s->jobs = calloc((size_t)s->job_count, sizeof *s->jobs);
    if (!s->jobs)
        return nn_fail(error, NN_E_NOMEM, "no memory for %d trials side by side", s->job_count);
    job *first = &s->jobs[0];
    nn_point nowhere = nn_point_nowhere();
    nn_space nothing = {0};
    status = sweep_trial_options(s->base, s->base_count, &nothing, &nowhere, NULL, &first->options,
                                 &first->texts, NULL);
    (void)status; /* a template without its values; the data are named whatever it says */
    s->data = session_read_data(&first->options, error);
    s->recorder = s->data ? recorder_open(s->path, error) : NULL;
    return s->recorder ? NN_OK : error->code;
}

static void free_parts(sweep *s)
{
    nn_error error = {0};
    if (s->recorder && recorder_close(s->recorder, &error) != NN_OK && !s->broken)
        break_off(s, &error);
    nn_dataset_free(s->data);
    nn_space_free(s->space);
    free(s->base);
    free(s->jobs);
}

sweep_result sweep_run(const sweep_args *args, nn_error *error)
{
    sweep s = {.args = args};
    nn_error mine = {0};
    if (open_parts(&s, &mine) == NN_OK)
        work(&s);
    else
        break_off(&s, &mine);
    bool done = s.done && !s.late && !s.broken;
    free_parts(&s);
    if (s.broken && error)
        *error = s.error;
    return s.broken ? SWEEP_BROKEN
           : s.late ? SWEEP_LATE
           : done   ? SWEEP_FINISHED
                    : SWEEP_INTERRUPTED;
}
