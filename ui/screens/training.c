/* The training of this process, from opening its data to the last point written; and commands for
 * runs of other processes, which go through the store. */
#include "ui/screens/app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool training_active(const app *a)
{
    return a->training != TRAINING_NONE;
}

/* --- opening ------------------------------------------------------------------------------------
 */

typedef struct {
    train_options options;
    char texts[8][1100]; /* the options' strings: the form may change meanwhile */
    int text_count;
    session *session;
    nn_error error;
} opening;

static const char *keep(opening *job, const char *text)
{
    if (!text)
        return NULL;
    char *room = job->texts[job->text_count++];
    snprintf(room, sizeof job->texts[0], "%s", text);
    return room;
}

static void open_session(void *given)
{
    opening *job = given;
    job->session = session_open(&job->options, false, &job->error);
}

/* The run as the store knows it, then as the trainer does: a resumed run has a past. */
static void describe(app *a, session *s)
{
    run_view *view = run_view_new();
    if (!view)
        return;
    nn_error error = {0};
    char name[96] = "";
    if (session_run(s) > 0 && a->store &&
        run_view_load(view, a->store, session_run(s), &error) == NN_OK)
        snprintf(name, sizeof name, "%s", view->row.name);
    const train_options *options = session_options(s);
    nn_train_facts facts = nn_trainer_facts(session_trainer(s));
    if (!*name)
        snprintf(name, sizeof name, "%s", options->name ? options->name : "not recorded");
    run_view_describe(view, &facts, session_data(s), options->model, name, &error);
    view->row.id = session_run(s);
    view->live = true;
    view->alert[0] = 0;
    run_view_free(a->live);
    a->live = a->shown = view;
}

static void watch_listener(void *given, int fd)
{
    (void)fd;
    app *a = given;
    if (app_pump(a))
        app_dirty(a);
}

static void opened(void *given, void *done)
{
    app *a = given;
    opening *job = done;
    a->loading[0] = 0;
    a->session = job->session;
    if (!job->session) {
        a->training = TRAINING_NONE;
        snprintf(a->form.failure, sizeof a->form.failure, "%s", job->error.text);
        if (!job->options.resume) { /* where it can be put right */
            form_fill(&a->form, &job->options);
            form_open(a);
        }
        app_say(a, ROLE_BAD, "%s", job->error.text);
        if (a->quitting)
            app_leave(a, 1);
        free(job);
        return;
    }
    free(job);
    a->training = TRAINING_RUNS;
    describe(a, a->session);
    a->form.failure[0] = 0;
    app_go(a, VIEW_MONITOR);
    if (a->loop)
        loop_add_fd(a->loop, nn_listener_fd(session_listener(a->session)), watch_listener, a);
    if (a->quitting)
        nn_trainer_post(session_trainer(a->session), &(nn_command){.kind = NN_COMMAND_STOP});
    nn_train_facts facts = nn_trainer_facts(session_trainer(a->session));
    char parameters[16];
    format_count(parameters, sizeof parameters, (double)facts.parameters);
    app_say(a, ROLE_TEXT, "Training %s on %s: %s parameters, %d threads. space pauses.",
            session_options(a->session)->model, nn_dataset_name(session_data(a->session)),
            parameters, facts.threads);
}

void training_start(app *a, const train_options *options)
{
    if (training_active(a)) {
        app_say(a, ROLE_WARN, "A training runs already; s stops it after this epoch.");
        return;
    }
    opening *job = calloc(1, sizeof *job);
    if (job) {
        job->options = *options;
        train_options *o = &job->options;
        o->data = keep(job, o->data), o->model = keep(job, o->model);
        o->optimizer = keep(job, o->optimizer), o->schedule = keep(job, o->schedule);
        o->name = keep(job, o->name), o->target = keep(job, o->target);
        o->resume = keep(job, o->resume), o->branch = keep(job, o->branch);
        o->store_path = a->store_path; /* lives as long as the app */
    }
    if (!job || !background_submit(a->background, open_session, opened, job)) {
        free(job);
        app_say(a, ROLE_BAD, "Out of memory: the training could not be opened.");
        return;
    }
    a->training = TRAINING_OPENING;
    if (options->resume)
        snprintf(a->loading, sizeof a->loading, "Opening run %s again ...", options->resume);
    else
        snprintf(a->loading, sizeof a->loading, "Loading %s ...", options->data);
    app_dirty(a);
}

void training_resume(app *a, const run_row *row)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)row->id);
    train_options options = train_options_default();
    options.resume = id;
    options.epochs = 0; /* as planned */
    options.model = options.name = NULL;
    training_start(a, &options);
}

/* --- events -------------------------------------------------------------------------------------
 */

static void say_set(app *a, const nn_event *event)
{
    char old_value[16], value[16];
    format_number(old_value, sizeof old_value, event->old_value);
    format_number(value, sizeof value, event->value);
    const char *name = strcmp(event->command.name, "lr") == 0   ? "Learning rate"
                       : strcmp(event->command.name, "l2") == 0 ? "L2"
                                                                : event->command.name;
    app_say(a, ROLE_GOOD, "%s %s -> %s, from step %llu on.", name, old_value, value,
            (unsigned long long)event->step);
}

static void say_applied(app *a, const nn_event *event)
{
    unsigned long long step = event->step;
    switch (event->command.kind) {
    case NN_COMMAND_SET:
        say_set(a, event);
        break;
    case NN_COMMAND_PAUSE:
        app_say(a, ROLE_WARN, "Paused at step %llu. space goes on, n does one batch, N an epoch.",
                step);
        break;
    case NN_COMMAND_RESUME:
        app_say(a, ROLE_GOOD, "Going on from step %llu.", step);
        break;
    case NN_COMMAND_STEP:
        app_say(a, ROLE_TEXT, "One batch, then paused.");
        break;
    case NN_COMMAND_EPOCH:
        app_say(a, ROLE_TEXT, "On to the end of the epoch, then paused.");
        break;
    case NN_COMMAND_STOP_AFTER_EPOCH:
        app_say(a, ROLE_WARN, "It will stop after this epoch, with a checkpoint.");
        break;
    case NN_COMMAND_ROLLBACK:
        app_say(a, ROLE_WARN, "Rolled back to step %llu. , halves the rate, space goes on.", step);
        break;
    case NN_COMMAND_EVALUATE:
        break; /* its result follows */
    case NN_COMMAND_SAVE:
    case NN_COMMAND_STOP:
    case NN_COMMAND_THREADS:
        app_say(a, ROLE_TEXT, "%s at step %llu.", nn_command_name(event->command.kind), step);
        break;
    case NN_COMMAND_FREEZE:
    case NN_COMMAND_UNFREEZE:
        app_say(a, ROLE_GOOD, "%s %s: %.0f parameters, from step %llu on.",
                nn_command_name(event->command.kind), event->command.name, event->value, step);
        break;
    }
}

static void say_end(app *a, const nn_event *event)
{
    char duration[32];
    format_duration(duration, sizeof duration, event->seconds);
    if (event->state == NN_FAILED)
        app_say(a, ROLE_BAD, "The training failed: %s", event->text);
    else if (!isnan(event->test_error))
        app_say(a, ROLE_GOOD,
                "%s after %s: test error %.2f %%. t starts another, 3 lists the runs.",
                event->state == NN_FINISHED ? "Finished" : nn_train_state_name(event->state),
                duration, event->test_error * 100);
    else
        app_say(a, ROLE_WARN,
                "The training is over (%s) after %s. R continues it from its "
                "checkpoint.",
                nn_train_state_name(event->state), duration);
}

static void say_event(app *a, const nn_event *event)
{
    switch (event->kind) {
    case NN_EVENT_APPLIED:
        say_applied(a, event);
        break;
    case NN_EVENT_REFUSED:
        app_say(a, ROLE_WARN, "Refused: %s", event->text);
        break;
    case NN_EVENT_NONFINITE:
        a->message[0] = 0; /* the alert takes the line */
        if (a->view != VIEW_MONITOR || a->shown != a->live)
            app_say(a, ROLE_BAD, "The training has halted (2 shows it): %s", event->text);
        break;
    case NN_EVENT_EVALUATION:
        if (event->evaluation && event->evaluation->part == NN_DEV)
            app_say(a, ROLE_TEXT, "Dev error %.2f %%, loss %.4f at step %llu.",
                    event->evaluation->error * 100, event->evaluation->loss,
                    (unsigned long long)event->step);
        break;
    case NN_EVENT_CHECKPOINT:
        break;
    case NN_EVENT_NOTE:
        app_say(a, ROLE_WARN, "%s", event->text);
        break;
    case NN_EVENT_END:
        say_end(a, event);
        break;
    case NN_EVENT_START:
    case NN_EVENT_STEP:
    case NN_EVENT_EPOCH:
    case NN_EVENT_STATE:
        break;
    }
}

/* --- closing ------------------------------------------------------------------------------------
 */

typedef struct {
    session *session;
    nn_status status;
    nn_error error;
} closing;

static void close_session(void *given)
{
    closing *job = given;
    job->status = session_close(job->session, &job->error);
}

/* Steps that a slow terminal missed are in the store. */
static void fill_gaps(app *a)
{
    run_view *whole = a->live->steps_dropped > 0 && a->store ? run_view_new() : NULL;
    if (!whole)
        return;
    whole->human_error = a->live->human_error;
    if (run_view_load(whole, a->store, a->live->row.id, NULL) != NN_OK) {
        run_view_free(whole);
        return;
    }
    if (a->shown == a->live)
        a->shown = whole;
    run_view_free(a->live);
    a->live = whole;
}

static void closed(void *given, void *done)
{
    app *a = given;
    closing *job = done;
    a->training = TRAINING_NONE;
    if (job->status != NN_OK)
        app_say(a, ROLE_BAD, "Not everything was recorded: %s", job->error.text);
    a->live->live = false;
    a->live->recorder = (recorder_health){0};
    fill_gaps(a);
    free(job);
    records_refresh(a, true);
    if (a->quitting)
        app_leave(a, 0);
}

static void begin_closing(app *a)
{
    /* What was asked about has ended by itself. */
    if (a->asking == ASK_QUIT)
        a->quitting = true;
    a->asking = ASK_NOTHING;
    if (a->loop)
        loop_remove_fd(a->loop, nn_listener_fd(session_listener(a->session)));
    closing *job = calloc(1, sizeof *job);
    if (job)
        job->session = a->session;
    a->training = TRAINING_CLOSING;
    if (!job || !background_submit(a->background, close_session, closed, job)) {
        free(job);
        session_close(a->session, NULL); /* no memory for doing it aside: wait */
        a->training = TRAINING_NONE;
        a->live->live = false;
    }
    a->session = NULL;
}

bool training_pump(app *a)
{
    if (a->training != TRAINING_RUNS || !a->live)
        return false;
    nn_listener *listener = session_listener(a->session);
    nn_listener_clear(listener);
    bool changed = false, ended = false;
    nn_event event;
    while (!ended && nn_listener_next(listener, &event)) {
        changed = true;
        ended = event.kind == NN_EVENT_END;
        say_event(a, &event);
        run_view_apply(a->live, &event);
    }
    a->live->steps_dropped = nn_listener_dropped(listener);
    nn_health health;
    if (nn_trainer_health(session_trainer(a->session), &health)) {
        a->live->health = health;
        a->live->has_health = true;
    }
    if (session_recorder(a->session))
        a->live->recorder = recorder_state(session_recorder(a->session));
    if (ended)
        begin_closing(a);
    return changed;
}

void training_finish(app *a)
{
    background_wait(a->background);
    background_deliver(a->background, a); /* a session may just have been opened */
    if (a->session) {
        nn_listener *listener = session_listener(a->session);
        if (a->loop)
            loop_remove_fd(a->loop, nn_listener_fd(listener));
        session_close(a->session, NULL);
        a->session = NULL;
        a->training = TRAINING_NONE;
    }
    background_wait(a->background);
    background_deliver(a->background, a);
}

/* --- steering -----------------------------------------------------------------------------------
 */

typedef struct {
    app *app;
    run_id run;
    nn_command command;
    nn_status status;
    nn_error error;
} errand;

static void leave_command(void *given)
{
    errand *job = given;
    recorder *courier = records_courier(job->app, &job->error);
    job->status = courier ? recorder_leave_command(courier, job->run, &job->command, &job->error)
                          : job->error.code;
}

static void left(void *given, void *done)
{
    app *a = given;
    errand *job = done;
    if (job->status != NN_OK)
        app_say(a, ROLE_BAD, "Not sent: %s", job->error.text);
    else
        app_say(a, ROLE_TEXT, "Asked run %lld for %s %s; it answers within a second or two.",
                (long long)job->run, nn_command_name(job->command.kind), job->command.name);
    free(job);
}

static void send_errand(app *a, const nn_command *what)
{
    errand *job = calloc(1, sizeof *job);
    if (job) {
        job->app = a;
        job->run = a->shown->row.id;
        job->command = *what;
    }
    if (!job || !background_submit(a->background, leave_command, left, job)) {
        free(job);
        app_say(a, ROLE_BAD, "Out of memory: the command was not sent.");
    }
}

void training_steer(app *a, nn_command_kind kind, const char *name, double value)
{
    nn_command what = {.kind = kind, .value = value};
    snprintf(what.name, sizeof what.name, "%s", name);
    if (!a->shown)
        return;
    if (a->shown != a->live) {
        send_errand(a, &what);
        return;
    }
    if (a->training != TRAINING_RUNS)
        return;
    if (!nn_trainer_post(session_trainer(a->session), &what))
        app_say(a, ROLE_WARN, "The trainer is busy with earlier commands; try again.");
}
