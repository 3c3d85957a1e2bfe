/* Changes of runs from the Runs screen: names, notes, tags, pins, the archive; undo and redo.
 * Writing happens in the background; what takes a change back is known when it is done. */
#include "ui/screens/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { CHANGE_NEW, CHANGE_UNDO, CHANGE_REDO } change_mode;

typedef struct {
    app *app;
    change_mode mode;
    run_change *forward, *back; /* of the step; a new one's `back` is filled */
    run_change *reversed;       /* of undo: `back` from its last to its first */
    int count;
    char text[120];
    nn_status status;
    nn_error error;
} change_job;

static void free_job(change_job *job)
{
    if (!job)
        return;
    free(job->forward);
    free(job->back);
    free(job->reversed);
    free(job);
}

/* --- the steps ---------------------------------------------------------------------------------
 */

static void free_step(run_step *step)
{
    free(step->forward);
    free(step->back);
    *step = (run_step){0};
}

void runs_forget(app *a)
{
    while (a->step_count > 0)
        free_step(&a->steps[--a->step_count]);
    a->step_at = 0;
}

/* What was taken back and not made again is lost with a new change. */
static void push_step(app *a, change_job *job)
{
    while (a->step_count > a->step_at)
        free_step(&a->steps[--a->step_count]);
    if (a->step_count == UNDO_STEPS) {
        free_step(&a->steps[0]);
        memmove(&a->steps[0], &a->steps[1], (UNDO_STEPS - 1) * sizeof *a->steps);
        a->step_count--;
    }
    run_step *step = &a->steps[a->step_count++];
    *step = (run_step){.forward = job->forward, .back = job->back, .count = job->count};
    snprintf(step->text, sizeof step->text, "%s", job->text);
    job->forward = job->back = NULL;
    a->step_at = a->step_count;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void write_changes(void *given)
{
    change_job *job = given;
    recorder *courier = records_courier(job->app, &job->error);
    if (!courier)
        job->status = job->error.code;
    else if (job->mode == CHANGE_UNDO)
        job->status = recorder_change(courier, job->reversed, job->count, NULL, &job->error);
    else
        job->status = recorder_change(courier, job->forward, job->count,
                                      job->mode == CHANGE_NEW ? job->back : NULL, &job->error);
}

static void written(void *given, void *done)
{
    app *a = given;
    change_job *job = done;
    a->changing--;
    if (job->status != NN_OK) {
        app_say(a, ROLE_BAD, "Not changed: %s", job->error.text);
    } else if (job->mode == CHANGE_NEW) {
        app_say(a, ROLE_TEXT, "%s. u takes it back.", job->text);
        push_step(a, job);
    } else {
        a->step_at += job->mode == CHANGE_UNDO ? -1 : 1;
        app_say(a, ROLE_TEXT, "%s: %s. %s", job->mode == CHANGE_UNDO ? "Taken back" : "Done again",
                job->text, job->mode == CHANGE_UNDO ? "Ctrl-R does it again." : "");
    }
    records_refresh(a, true);
    free_job(job);
}

static void submit(app *a, change_job *job)
{
    if (background_submit(a->background, write_changes, written, job)) {
        a->changing++;
        return;
    }
    free_job(job);
    app_say(a, ROLE_BAD, "Out of memory: nothing was changed.");
}

static change_job *new_job(app *a, change_mode mode, int count)
{
    change_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->app = a;
    job->mode = mode;
    job->count = count;
    job->forward = calloc((size_t)count + 1, sizeof *job->forward);
    job->back = calloc((size_t)count + 1, sizeof *job->back);
    job->reversed = calloc((size_t)count + 1, sizeof *job->reversed);
    if (job->forward && job->back && job->reversed)
        return job;
    free_job(job);
    return NULL;
}

/* Undo of what is still being written waits for it: it takes milliseconds. */
static void undo(app *a, change_mode mode)
{
    if (a->changing > 0) {
        background_wait(a->background);
        background_deliver(a->background, a);
    }
    int at = mode == CHANGE_UNDO ? a->step_at - 1 : a->step_at;
    if (at < 0 || at >= a->step_count)
        return;
    const run_step *step = &a->steps[at];
    change_job *job = new_job(a, mode, step->count);
    if (!job) {
        app_say(a, ROLE_BAD, "Out of memory: nothing was changed.");
        return;
    }
    for (int i = 0; i < step->count; i++) {
        job->forward[i] = step->forward[i];
        job->reversed[i] = step->back[step->count - 1 - i];
    }
    snprintf(job->text, sizeof job->text, "%s", step->text);
    submit(a, job);
}

/* --- which runs --------------------------------------------------------------------------------
 */

/* The marked runs, or else the selected one. */
static int targets(const app *a, run_id *ids)
{
    const run_entry *selected = runs_selected(a);
    memcpy(ids, a->marks, (size_t)a->mark_count * sizeof *ids);
    if (a->mark_count == 0 && selected)
        ids[0] = selected->row.id;
    return a->mark_count > 0 ? a->mark_count : selected != NULL;
}

static const char *verb_of(run_change_kind kind)
{
    static const char *const verbs[] = {
        [RUN_UNCHANGED] = "",     [RUN_RENAME] = "renamed",        [RUN_NOTE] = "noted",
        [RUN_TAG] = "tagged",     [RUN_UNTAG] = "untagged",        [RUN_PIN] = "pinned",
        [RUN_UNPIN] = "unpinned", [RUN_ARCHIVE] = "archived",      [RUN_UNARCHIVE] = "brought back",
        [RUN_DELETE] = "deleted", [RUN_UNDELETE] = "brought back",
    };
    return verbs[kind];
}

static void change_runs(app *a, const run_id *ids, int count, run_change_kind kind,
                        const char *text, const char *colour)
{
    change_job *job = count > 0 ? new_job(a, CHANGE_NEW, count) : NULL;
    if (!job)
        return;
    for (int i = 0; i < count; i++) {
        run_change *change = &job->forward[i];
        change->run = ids[i];
        change->kind = kind;
        snprintf(change->text, sizeof change->text, "%s", text);
        snprintf(change->colour, sizeof change->colour, "%s", colour);
    }
    const run_entry *only = count == 1 ? run_table_find(a->table, ids[0]) : NULL;
    if (only)
        snprintf(job->text, sizeof job->text, "%.60s %s %.40s", only->row.name, verb_of(kind),
                 kind == RUN_NOTE ? "" : text);
    else
        snprintf(job->text, sizeof job->text, "%d runs %s %.40s", count, verb_of(kind), text);
    for (size_t end = strlen(job->text); end > 0 && job->text[end - 1] == ' ';)
        job->text[--end] = '\0';
    submit(a, job);
}

void runs_edit_marked(app *a, run_change_kind kind, const char *text, const char *colour)
{
    run_id ids[APP_MARKS];
    change_runs(a, ids, targets(a, ids), kind, text, colour);
}

/* Away with them, unless all of them are away: then they come back. */
static void toggle(app *a, command_id what)
{
    run_id ids[APP_MARKS];
    int count = targets(a, ids), set = 0;
    for (int i = 0; i < count; i++) {
        const run_row *row = &run_table_find(a->table, ids[i])->row;
        set += what == DO_PIN       ? row->pinned
               : what == DO_ARCHIVE ? row->archived_ms > 0
                                    : row->deleted_ms > 0;
    }
    bool back = set == count;
    run_change_kind kind = what == DO_PIN       ? back ? RUN_UNPIN : RUN_PIN
                           : what == DO_ARCHIVE ? back ? RUN_UNARCHIVE : RUN_ARCHIVE
                           : back               ? RUN_UNDELETE
                                                : RUN_DELETE;
    change_runs(a, ids, count, kind, "", "");
    if (kind == RUN_ARCHIVE || kind == RUN_DELETE)
        a->mark_count = 0; /* marks on what is gone would act unseen */
}

/* --- commands ----------------------------------------------------------------------------------
 */

static void ask_text(app *a, const char *name, const char *present)
{
    char line[PROMPT_BYTES];
    snprintf(line, sizeof line, "%s %.400s", name, present);
    app_open_line(a, line);
}

/* "good", "good violet", or several: "good,fast". */
static void tag(app *a, const char *argument)
{
    char names[200];
    snprintf(names, sizeof names, "%.199s", argument);
    char *colour = names + strcspn(names, " ");
    if (*colour)
        *colour++ = '\0';
    colour += strspn(colour, " ");
    runs_edit_marked(a, RUN_TAG, names, colour);
}

bool runs_edit(app *a, command_id what, const char *argument)
{
    const run_entry *selected = runs_selected(a);
    switch (what) {
    case DO_UNDO:
        undo(a, CHANGE_UNDO);
        return true;
    case DO_REDO:
        undo(a, CHANGE_REDO);
        return true;
    case DO_PIN:
    case DO_ARCHIVE:
    case DO_DELETE:
        toggle(a, what);
        return true;
    case DO_TAG:
        if (*argument)
            tag(a, argument);
        else
            runs_pick(a, PICK_TAGS);
        return true;
    case DO_UNTAG:
        if (*argument)
            runs_edit_marked(a, RUN_UNTAG, argument, "");
        else
            runs_pick(a, PICK_TAGS);
        return true;
    case DO_RENAME:
        if (*argument)
            change_runs(a, &selected->row.id, 1, RUN_RENAME, argument, "");
        else
            ask_text(a, "rename", selected->row.name);
        return true;
    case DO_NOTE:
        if (*argument || a->typed)
            change_runs(a, &selected->row.id, 1, RUN_NOTE, argument, "");
        else
            ask_text(a, "note", selected->row.note);
        return true;
    default:
        return false;
    }
}

/* --- views -------------------------------------------------------------------------------------
 */

typedef struct {
    app *app;
    char name[STORE_VIEW_NAME + 64], rules[STORE_VIEW_QUERY];
    bool delete;
    nn_status status;
    nn_error error;
} view_job;

static void write_view(void *given)
{
    view_job *job = given;
    recorder *courier = records_courier(job->app, &job->error);
    job->status = courier ? recorder_save_view(courier, "runs", job->name,
                                               job->delete ? NULL : job->rules, &job->error)
                          : job->error.code;
}

static void view_written(void *given, void *done)
{
    app *a = given;
    view_job *job = done;
    if (job->status != NN_OK)
        app_say(a, ROLE_BAD, "%s", job->error.text);
    else
        app_say(a, ROLE_TEXT,
                job->delete ? "View %s is deleted." : "View %s is saved; v lists all.", job->name);
    free(job);
}

void runs_save_view(app *a, const char *name, const char *rules)
{
    view_job *job = calloc(1, sizeof *job);
    if (job) {
        job->app = a;
        job->delete = rules == NULL;
        snprintf(job->name, sizeof job->name, "%s", name);
        snprintf(job->rules, sizeof job->rules, "%s", rules ? rules : "");
    }
    if (!job || !background_submit(a->background, write_view, view_written, job)) {
        free(job);
        app_say(a, ROLE_BAD, "Out of memory: the view was not saved.");
    }
}
