/* What the store knows: the list of runs, and recorded runs or those of other processes in the
 * Monitor. Reading is short; only opening, which may create or migrate the file, is done aside. */
#include "ui/screens/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char path[1024], show[128];
    store *store;
    nn_error error;
} opening;

static void open_store(void *given)
{
    opening *job = given;
    job->store = store_open(job->path, &job->error);
}

static void opened(void *given, void *done)
{
    app *a = given;
    opening *job = done;
    a->store = job->store;
    if (!a->store)
        snprintf(a->store_problem, sizeof a->store_problem, "%s", job->error.text);
    else if (store_newer(a->store))
        snprintf(a->store_problem, sizeof a->store_problem,
                 "The store is of a newer Gradus: runs can be read, not recorded.");
    else if (*store_warning(a->store))
        app_say(a, ROLE_WARN, "%s", store_warning(a->store));
    records_refresh(a, true);
    if (a->store && job->show[0])
        records_show_named(a, job->show);
    else if (a->view == VIEW_MONITOR && !a->shown && records_newest(a) && !training_active(a))
        records_show(a, records_newest(a)->id);
    free(job);
}

void records_open(app *a, const char *show)
{
    opening *job = calloc(1, sizeof *job);
    if (job) {
        snprintf(job->path, sizeof job->path, "%s", a->store_path);
        snprintf(job->show, sizeof job->show, "%s", show ? show : "");
    }
    if (!job || !background_submit(a->background, open_store, opened, job)) {
        free(job);
        snprintf(a->store_problem, sizeof a->store_problem, "out of memory for the store");
    }
}

recorder *records_courier(app *a, nn_error *error)
{
    if (!a->courier)
        a->courier = recorder_open(a->store_path, error);
    return a->courier;
}

/* --- the list -----------------------------------------------------------------------------------
 */

const run_row *records_newest(const app *a)
{
    for (int i = 0; i < a->table->count; i++) {
        const run_row *row = &a->table->entries[i].row;
        if (!row->archived_ms && !row->deleted_ms)
            return row;
    }
    return NULL;
}

/* Marks of runs that have gone go too. */
static void keep_marks(app *a)
{
    int kept = 0;
    for (int i = 0; i < a->mark_count; i++)
        if (run_table_find(a->table, a->marks[i]))
            a->marks[kept++] = a->marks[i];
    a->mark_count = kept;
}

/* The lines, with the selection on run `keep` (0: on the same line). */
static void list_again(app *a, run_id keep)
{
    nn_error error = {0};
    if (run_listing_update(&a->listing, a->table, &error) != NN_OK)
        snprintf(a->store_problem, sizeof a->store_problem, "%s", error.text);
    a->run_list.count = a->listing.count;
    int line = keep ? run_listing_line(&a->listing, a->table, keep) : -1;
    list_select(&a->run_list, line >= 0 ? line : a->run_list.selected);
    if (a->listing.grouped && a->run_list.selected == 0)
        list_select(&a->run_list, 1); /* not the heading */
}

void records_list(app *a)
{
    const run_entry *selected = runs_selected(a);
    list_again(a, selected ? selected->row.id : 0);
}

/* The first line stays the first: newer runs appear above it. */
static nn_status read_table(app *a, nn_error *error)
{
    const run_entry *selected = runs_selected(a);
    run_id keep = selected && a->run_list.selected > 0 ? selected->row.id : 0;
    nn_status status = run_table_read(a->table, a->store, error);
    if (status != NN_OK)
        return status;
    keep_marks(a);
    list_again(a, keep);
    return NN_OK;
}

static bool any_active(const app *a)
{
    for (int i = 0; i < a->table->count; i++) {
        run_state state = a->table->entries[i].row.state;
        if (state == RUN_RUNNING || state == RUN_PAUSED)
            return true;
    }
    return false;
}

/* What a run of another process answered to commands. */
static void say_answers(app *a, int from)
{
    for (int i = from; i < a->other->event_count && a->shown == a->other; i++) {
        const run_event *event = &a->other->events[i];
        char text[320];
        canvas_role role = format_event(text, sizeof text, event);
        if (strcmp(event->kind, "applied") == 0 || strcmp(event->kind, "refused") == 0)
            app_say(a, role, "Run %lld, step %llu: %s", (long long)a->other->row.id,
                    (unsigned long long)event->step, text);
    }
}

static nn_status refresh_other(app *a, nn_error *error)
{
    int events = a->other->event_count;
    nn_status status = run_view_load(a->other, a->store, a->other->row.id, error);
    if (status == NN_OK)
        say_answers(a, events);
    return status;
}

bool records_refresh(app *a, bool force)
{
    if (!a->store)
        return false;
    int64_t version = store_version(a->store);
    /* A killed run writes nothing: its state follows from the silence. */
    bool active = any_active(a) || (a->other && run_view_active(a->other));
    if (!force && version == a->store_seen && !active)
        return false;
    nn_error error = {0};
    nn_status status = read_table(a, &error);
    if (status == NN_OK && a->other && (a->store_seen != version || run_view_active(a->other)))
        status = refresh_other(a, &error);
    a->store_seen = version;
    if (status != NN_OK)
        snprintf(a->store_problem, sizeof a->store_problem, "%s", error.text);
    else if (!store_newer(a->store))
        a->store_problem[0] = 0;
    return true;
}

/* --- one run ------------------------------------------------------------------------------------
 */

void records_show(app *a, run_id id)
{
    if (a->live && a->live->row.id == id && (a->live->live || !a->store)) {
        a->shown = a->live;
        a->view = VIEW_MONITOR;
        return;
    }
    if (!a->store) {
        app_say(a, ROLE_WARN, "The store is not open.");
        return;
    }
    run_view *view = run_view_new();
    nn_error error = {0};
    if (!view || run_view_load(view, a->store, id, &error) != NN_OK) {
        app_say(a, ROLE_BAD, "Run %lld cannot be shown: %s", (long long)id,
                view ? error.text : "out of memory");
        run_view_free(view);
        return;
    }
    run_view_free(a->other);
    a->other = a->shown = view;
    a->view = VIEW_MONITOR;
    for (int i = 0; i < PANEL_COUNT; i++) { /* a zoom belongs to the run it was made on */
        a->panels[i].x0 = a->panels[i].x1 = 0;
        a->panels[i].cursor = false;
        a->panels[i].scroll = 0;
    }
}

void records_show_named(app *a, const char *text)
{
    run_id id;
    nn_error error = {0};
    if (!a->store)
        app_say(a, ROLE_WARN, "The store is not open.");
    else if (store_find_run(a->store, text, &id, &error) != NN_OK)
        app_say(a, ROLE_WARN, "%s", error.text);
    else
        records_show(a, id);
}
