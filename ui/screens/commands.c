/* What commands do, and why one cannot run now. */
#include "ui/screens/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND(id, name, keys, contexts, hint, flags, label, help)                                \
    {DO_##id, name, keys, contexts, hint, flags, label, help},
static const command table[] = {
#include "ui/screens/bindings.def"
};
#undef COMMAND

static const unsigned situations[] = {
    IN_ALL | IN_HOME | IN_LIST,
    IN_ALL | IN_RUNS | IN_LIST,
    IN_ALL | IN_COMPARE | IN_LIST,
    IN_ALL | IN_TRIALS | IN_LIST,
    IN_ALL | IN_COURSE | IN_COURSE_HOME | IN_LIST,
    IN_ALL | IN_COURSE | IN_READ | IN_LOG,
    IN_ALL | IN_COURSE | IN_STEP | IN_LOG,
    IN_ALL | IN_COURSE | IN_LAB | IN_LOG,
    IN_ALL | IN_COURSE | IN_CHECK | IN_LOG,
    IN_ALL | IN_MONITOR | IN_PLOT | IN_SMOOTH,
    IN_ALL | IN_MONITOR | IN_PLOT,
    IN_ALL | IN_MONITOR | IN_TABLE,
    IN_ALL | IN_MONITOR | IN_LOG,
    IN_ALL | IN_MONITOR,
};

keymap *app_keymap(nn_error *error)
{
    return keymap_new(table, DO_COUNT, situations, sizeof situations / sizeof *situations, error);
}

/* --- why not ------------------------------------------------------------------------------------
 */

static bool can_continue(const run_row *row)
{
    bool over = row->state == RUN_STOPPED || row->state == RUN_CRASHED ||
                row->state == RUN_DIVERGED || row->state == RUN_FAILED;
    return over && row->last_checkpoint[0];
}

static const char *why_not_continue(const app *a)
{
    const run_row *row = NULL;
    if (a->view == VIEW_RUNS && runs_selected(a))
        row = &runs_selected(a)->row;
    else if (a->view == VIEW_MONITOR && a->shown)
        row = &a->shown->row;
    if (training_active(a))
        return "a training runs in this window already";
    if (!row || row->id == 0)
        return "no recorded run is selected";
    return can_continue(row) ? NULL : "this run is not stopped with a checkpoint";
}

static const char *why_not_steer(const app *a)
{
    if (!a->shown || !a->shown->loaded)
        return "no run is shown; t starts one";
    if (!run_view_active(a->shown))
        return "this run is over; t starts a new one";
    if (a->shown == a->live && a->training != TRAINING_RUNS)
        return "the training is being opened or closed";
    return NULL;
}

const char *app_why_not(void *given, int id)
{
    const app *a = given;
    switch ((command_id)id) {
    case DO_MARK:
    case DO_RENAME:
    case DO_NOTE:
        return runs_selected(a) ? NULL : "no run is selected";
    case DO_TAG:
    case DO_UNTAG:
    case DO_PIN:
    case DO_ARCHIVE:
    case DO_DELETE:
        return runs_selected(a) || a->mark_count > 0 ? NULL : "no run is selected or marked";
    case DO_UNDO:
        return a->step_at > 0 || a->changing > 0 ? NULL : "no run was changed here yet";
    case DO_REDO:
        return a->step_at < a->step_count ? NULL : "nothing was taken back";
    case DO_TRIAL_PAUSE:
    case DO_TRIAL_KILL:
    case DO_TRIAL_CLONE:
    case DO_TRIAL_PROMOTE:
    case DO_TRIAL_ADD:
    case DO_STUDY_NEXT:
    case DO_STUDY_PREVIOUS:
        return trials_why_not(a, (command_id)id);
    case DO_TRAIN:
        return training_active(a) ? "a training runs; s stops it after this epoch" : NULL;
    case DO_RESUME_RUN:
        return why_not_continue(a);
    case DO_PAUSE:
    case DO_STEP:
    case DO_EPOCH:
    case DO_HALVE:
    case DO_DOUBLE:
    case DO_RATE:
    case DO_L2:
    case DO_MOMENTUM:
    case DO_CLIP:
    case DO_EVALUATE:
    case DO_SAVE:
    case DO_ROLLBACK:
    case DO_STOP_EPOCH:
    case DO_STOP:
        return why_not_steer(a);
    case DO_DROPOUT:
        if (why_not_steer(a))
            return why_not_steer(a);
        return a->shown->has_dropout ? NULL : "this model has no dropout layer";
    default:
        break;
    }
    if (a->view == VIEW_COURSE)
        return course_why_not(a, (command_id)id);
    const command *what = keymap_command(a->keys, id);
    bool panels = what && (what->contexts & (IN_PLOT | IN_TABLE | IN_LOG | IN_MONITOR)) &&
                  !(what->contexts & (IN_ALL | IN_LIST | IN_RUNS));
    return panels && a->view != VIEW_COMPARE && !a->shown ? "no run is shown; t starts one" : NULL;
}

/* --- doing --------------------------------------------------------------------------------------
 */

static void set_glyphs(app *a, const char *argument)
{
    static const char *const names[] = {"ascii", "block", "braille"};
    for (int i = 0; i < 3; i++)
        if (strcmp(argument, names[i]) == 0) {
            if ((glyph_level)i > GLYPHS_ASCII && a->screen->glyphs == GLYPHS_ASCII) {
                app_say(a, ROLE_WARN, "This terminal shows ASCII only (no UTF-8, or TERM=%s).",
                        getenv("TERM") ? getenv("TERM") : "");
                return;
            }
            a->glyphs = (glyph_level)i;
            app_say(a, ROLE_TEXT, "Plots are drawn with %s.", names[i]);
            return;
        }
    app_say(a, ROLE_WARN, "glyphs: ascii, block or braille (now %s)", names[a->glyphs]);
}

static void open_help(app *a)
{
    a->help = true;
    prompt_set(&a->help_search, "");
    list_select(&a->help_list, 0);
}

void app_open_line(app *a, const char *text)
{
    a->prompting = PROMPT_COMMAND;
    a->message[0] = 0;
    prompt_set(&a->line, text);
}

/* Esc: one layer out. */
static void back(app *a)
{
    panel_state *state = &a->panels[a->focus];
    if (a->view == VIEW_RUNS && runs_back(a))
        return;
    if (a->view == VIEW_COMPARE) {
        if (!compare_back(a))
            app_go(a, VIEW_RUNS);
        return;
    }
    if (a->view == VIEW_COURSE && course_back(a))
        return;
    if (a->view == VIEW_MONITOR && state->cursor)
        state->cursor = false;
    else if (a->view == VIEW_MONITOR && state->x0 < state->x1)
        state->x0 = state->x1 = 0;
    else if (a->view == VIEW_MONITOR && a->zoomed)
        a->zoomed = false;
    else if (a->view != VIEW_HOME)
        app_go(a, VIEW_HOME);
    else
        app_say(a, ROLE_DIM, "This is the outermost screen; q leaves.");
}

static bool do_everywhere(app *a, command_id what, const char *argument)
{
    switch (what) {
    case DO_HELP:
        open_help(a);
        return true;
    case DO_COMMAND_LINE:
        app_open_line(a, "");
        return true;
    case DO_GO_COURSE:
        app_go(a, VIEW_COURSE);
        return true;
    case DO_GO_HOME:
        app_go(a, VIEW_HOME);
        return true;
    case DO_GO_MONITOR:
        if (training_active(a) && a->live && a->live->live)
            a->shown = a->live; /* back from another run */
        app_go(a, VIEW_MONITOR);
        return true;
    case DO_GO_RUNS:
        app_go(a, VIEW_RUNS);
        return true;
    case DO_GO_COMPARE:
        app_go(a, VIEW_COMPARE);
        return true;
    case DO_GO_TRIALS:
        app_go(a, VIEW_TRIALS);
        return true;
    case DO_TRAIN:
        form_open(a);
        return true;
    case DO_BACK:
        back(a);
        return true;
    case DO_QUIT:
        app_quit(a);
        return true;
    case DO_REPAINT:
        if (a->loop)
            loop_repaint(a->loop);
        return true;
    case DO_SUSPEND:
        if (a->loop)
            loop_suspend(a->loop);
        return true;
    case DO_GLYPHS:
        set_glyphs(a, argument);
        return true;
    case DO_OPEN:
        if (!*argument)
            return false;
        records_show_named(a, argument);
        return true;
    default:
        return false;
    }
}

void app_do(app *a, command_id what, const char *argument)
{
    app_dirty(a);
    const char *reason = app_why_not(a, what);
    if (reason) {
        app_say(a, ROLE_WARN, "%s: %s.", keymap_command(a->keys, what)->name, reason);
        return;
    }
    if (do_everywhere(a, what, argument))
        return;
    switch (a->view) {
    case VIEW_HOME:
        home_do(a, what);
        break;
    case VIEW_RUNS:
        runs_do(a, what, argument);
        break;
    case VIEW_COMPARE:
        compare_do(a, what);
        break;
    case VIEW_TRIALS:
        trials_do(a, what, argument);
        break;
    case VIEW_MONITOR:
        monitor_do(a, what, argument);
        break;
    case VIEW_COURSE:
        course_do(a, what, argument);
        break;
    case VIEW_FORM:
        break;
    }
}

bool list_do(list_view *list, command_id what)
{
    int to = list->selected;
    switch (what) {
    case DO_UP:
        to--;
        break;
    case DO_DOWN:
        to++;
        break;
    case DO_PAGE_UP:
        to -= 10;
        break;
    case DO_PAGE_DOWN:
        to += 10;
        break;
    case DO_FIRST:
        to = 0;
        break;
    case DO_LAST:
        to = list->count - 1;
        break;
    default:
        return false;
    }
    to = to > list->count - 1 ? list->count - 1 : to;
    list_select(list, to < 0 ? 0 : to);
    return true;
}

/* --- the table as text --------------------------------------------------------------------------
 */

static const char *place_of(unsigned contexts)
{
    if (contexts & IN_ALL)
        return "everywhere";
    if (contexts == IN_RUNS)
        return "runs";
    if (contexts == IN_COMPARE)
        return "compare";
    if (contexts == IN_TRIALS)
        return "trials";
    if (contexts & IN_COURSE)
        return "course";
    if (contexts == IN_COURSE_HOME)
        return "course home";
    if (contexts == IN_READ)
        return "course page";
    if (contexts == IN_STEP)
        return "course steps";
    if (contexts == IN_LAB)
        return "course lab";
    if (contexts == IN_CHECK)
        return "course checks";
    if (contexts & IN_CHAPTER)
        return "chapter";
    if (contexts & IN_LIST)
        return "lists";
    if ((contexts & (IN_MONITOR | IN_RUNS)) == (IN_MONITOR | IN_RUNS))
        return "monitor, runs";
    if (contexts & IN_MONITOR)
        return "monitor";
    if (contexts == IN_TABLE)
        return "confusion";
    return contexts & IN_TABLE ? "plots, confusion" : "plots";
}

char *workbench_keys_text(void)
{
    keymap *keys = app_keymap(NULL);
    char *text = NULL;
    size_t size = 0;
    FILE *out = keys ? open_memstream(&text, &size) : NULL;
    for (int i = 0; out && i < DO_COUNT; i++) {
        char names[64];
        keymap_keys_text(keys, table[i].id, names, sizeof names);
        fprintf(out, "%-18s %-18s %-17s %s\n", names, table[i].name, place_of(table[i].contexts),
                table[i].help);
    }
    keymap_free(keys);
    if (out && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}
