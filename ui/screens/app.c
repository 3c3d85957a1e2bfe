/* The workbench as a whole: life cycle, frame, keys. */
#include "ui/screens/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void app_say(app *a, canvas_role role, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is one line above */
    vsnprintf(a->message, sizeof a->message, format, arguments);
    va_end(arguments);
    a->message_role = role;
    app_dirty(a);
}

void app_dirty(app *a)
{
    if (a->loop)
        loop_dirty(a->loop);
}

void app_leave(app *a, int status)
{
    a->done = true;
    a->status = status;
    if (a->loop)
        loop_quit(a->loop, status);
}

static nn_status find_store_path(app *a, const workbench_options *options, nn_error *error)
{
    const char *path = options->store_path ? options->store_path
                       : options->train    ? options->train->store_path
                                           : NULL;
    if (!path)
        return store_default_path(a->store_path, sizeof a->store_path, error);
    if (snprintf(a->store_path, sizeof a->store_path, "%s", path) >= (int)sizeof a->store_path)
        return nn_fail(error, NN_E_ARG, "--store: the path is longer than %zu bytes",
                       sizeof a->store_path - 1);
    return NN_OK;
}

app *app_new(screen *s, const workbench_options *options, nn_error *error)
{
    app *a = calloc(1, sizeof *a);
    if (!a) {
        nn_fail(error, NN_E_NOMEM, "out of memory for the workbench");
        return NULL;
    }
    a->screen = s;
    a->glyphs = options->glyphs >= 0 ? (glyph_level)options->glyphs : s->glyphs;
    a->store_seen = -1;
    a->w = APP_MIN_W, a->h = APP_MIN_H;
    for (int i = 0; i < PANEL_COUNT; i++)
        a->panels[i] = panel_of((panel_id)i)->start;
    a->keys = app_keymap(error);
    a->background = a->keys ? background_new() : NULL;
    if (a->keys && !a->background)
        nn_fail(error, NN_E_NOMEM, "no thread for work in the background");
    if (!a->background || find_store_path(a, options, error) != NN_OK) {
        app_free(a);
        return NULL;
    }
    a->table = run_table_new();
    if (!a->table || run_listing_init(&a->listing, error) != NN_OK) {
        if (!a->table)
            nn_fail(error, NN_E_NOMEM, "out of memory for the workbench");
        app_free(a);
        return NULL;
    }
    a->focus = PANEL_loss;
    a->lower = PANEL_rate;
    if (options->run)
        a->view = VIEW_MONITOR;
    records_open(a, options->run);
    course_open(a);
    if (options->train) {
        app_go(a, VIEW_MONITOR);
        training_start(a, options->train);
    }
    return a;
}

void app_free(app *a)
{
    if (!a)
        return;
    if (a->background)
        training_finish(a);
    background_free(a->background);
    recorder_close(a->courier, NULL);
    store_close(a->store);
    run_view_free(a->live);
    run_view_free(a->other);
    compare_free(a);
    trials_free(a);
    course_free(a);
    runs_forget(a);
    run_listing_free(&a->listing);
    run_table_free(a->table);
    keymap_free(a->keys);
    free(a);
}

bool app_pump(app *a)
{
    bool changed = background_deliver(a->background, a);
    changed = training_pump(a) || changed;
    return changed;
}

bool app_tick(void *given, double now)
{
    app *a = given;
    a->now = now;
    bool changed = app_pump(a);
    changed = records_refresh(a, false) || changed;
    changed = compare_refresh(a, false) || changed;
    changed = course_refresh(a, false) || changed;
    return trials_refresh(a, false) || changed;
}

void app_quit(app *a)
{
    if (!training_active(a)) {
        app_leave(a, 0);
    } else if (a->training == TRAINING_CLOSING) { /* nothing is left to stop: closed() leaves */
        a->quitting = true;
        app_say(a, ROLE_WARN, "Writing the last points ...");
    } else {
        a->asking = ASK_QUIT;
    }
}

bool app_closing(void *given, loop_reason why)
{
    app *a = given;
    if (why == LOOP_INTERRUPT && training_active(a)) {
        app_quit(a);
        app_dirty(a);
        return false;
    }
    return true; /* app_free() stops and saves */
}

static void app_resized(void *given, int w, int h)
{
    app *a = given;
    a->w = w, a->h = h;
}

void app_go(app *a, app_view view)
{
    if (view == VIEW_FORM && a->view != VIEW_FORM)
        a->before = a->view;
    if (a->view != view)
        a->message[0] = 0;
    a->view = view;
    a->pick = PICK_NONE;
    if (view == VIEW_COMPARE)
        compare_open(a);
    if (view == VIEW_TRIALS)
        trials_open(a);
    if (view == VIEW_COURSE)
        course_open(a);
    if (view == VIEW_MONITOR && !a->shown && records_newest(a))
        records_show(a, records_newest(a)->id);
    app_dirty(a);
}

unsigned app_contexts(const app *a)
{
    switch (a->view) {
    case VIEW_HOME:
        return IN_ALL | IN_HOME | IN_LIST;
    case VIEW_RUNS:
        return IN_ALL | IN_RUNS | IN_LIST;
    case VIEW_COMPARE:
        return IN_ALL | IN_COMPARE | IN_LIST;
    case VIEW_TRIALS:
        return IN_ALL | IN_TRIALS | IN_LIST;
    case VIEW_COURSE:
        return course_contexts(a);
    case VIEW_FORM:
        return 0;
    case VIEW_MONITOR:
        break;
    }
    unsigned contexts = IN_ALL | IN_MONITOR;
    if (a->focus == PANEL_loss)
        return contexts | IN_PLOT | IN_SMOOTH;
    if (a->focus == PANEL_rate)
        return contexts | IN_PLOT;
    if (a->focus == PANEL_confusion)
        return contexts | IN_TABLE;
    return a->focus == PANEL_events ? contexts | IN_LOG : contexts;
}

/* --- one frame ----------------------------------------------------------------------------------
 */

static void draw_tabs(const app *a, canvas *c)
{
    static const struct {
        app_view view;
        const char *text;
    } tabs[] = {{VIEW_COURSE, "1 Course"},
                {VIEW_MONITOR, "2 Monitor"},
                {VIEW_RUNS, "3 Runs"},
                {VIEW_COMPARE, "4 Compare"},
                {VIEW_TRIALS, "6 Trials"}};
    app_view view = a->view == VIEW_FORM ? VIEW_HOME : a->view;
    bool home = view == VIEW_HOME;
    int x = canvas_text(c, 0, 0, -1, home ? ROLE_TITLE_FOCUS : ROLE_TITLE,
                        home ? "[Gradus]" : " Gradus ");
    x++;
    for (size_t i = 0; i < sizeof tabs / sizeof *tabs; i++) {
        bool here = tabs[i].view == view;
        x += canvas_format(c, x, 0, -1, here ? ROLE_TITLE_FOCUS : ROLE_DIM, "%c%s%c",
                           here ? '[' : ' ', tabs[i].text, here ? ']' : ' ');
    }
    const run_view *run = a->view == VIEW_MONITOR ? a->shown : NULL;
    if (!run) {
        if (a->view != VIEW_FORM) /* where ? is text */
            canvas_right(c, x, 0, c->clip.w - x, ROLE_DIM,
                         a->view == VIEW_COURSE ? course_corner(a) : "?:help ");
        return;
    }
    const char *where = run->live ? "LIVE" : run_view_active(run) ? "OTHER PROCESS" : "RECORDED";
    char id[32] = "", texts[3][200];
    if (run->row.id > 0)
        snprintf(id, sizeof id, "run %lld  ", (long long)run->row.id);
    snprintf(texts[0], sizeof *texts, "%s%s  %s  ?:help ", id, run->row.name, where);
    snprintf(texts[1], sizeof *texts, "%s%s  %s ", id, run->row.name, where);
    snprintf(texts[2], sizeof *texts, "%s%s ", id, where);
    int fits = 0;
    while (fits < 2 && text_columns(texts[fits]) > c->clip.w - x)
        fits++;
    canvas_right(c, x, 0, c->clip.w - x, run->live ? ROLE_GOOD : ROLE_DIM, texts[fits]);
}

static void draw_question(const app *a, canvas *c, int y)
{
    const char *text =
        a->asking == ASK_STOP
            ? "Stop the training now? A checkpoint is written.   y:stop   Esc:go on training"
            : "A training runs. Stop it with a checkpoint and leave?   y:leave   Esc:stay";
    canvas_text(c, 1, y, c->clip.w - 1, ROLE_WARN, text);
}

/* What stands in the message line when nobody said anything; returns its rows. */
static int draw_standing(const app *a, canvas *c, int y)
{
    const run_view *run = a->view == VIEW_MONITOR ? a->shown : NULL;
    char text[600] = "";
    canvas_role role = ROLE_BAD;
    if (run && run->alert[0]) {
        snprintf(text, sizeof text,
                 "HALTED: b rolls back, then , halves the rate, Space goes on. %s", run->alert);
    } else if (a->store_problem[0]) {
        snprintf(text, sizeof text, "%s", a->store_problem);
    } else if (a->view == VIEW_RUNS) {
        role = ROLE_DIM;
        runs_standing(a, text, sizeof text);
    } else if (a->view == VIEW_COMPARE) {
        role = ROLE_DIM;
        compare_standing(a, text, sizeof text);
    } else if (a->view == VIEW_TRIALS) {
        role = ROLE_DIM;
        trials_standing(a, text, sizeof text);
    } else if (a->view == VIEW_COURSE) {
        role = ROLE_TEXT;
        course_standing(a, text, sizeof text);
    } else if (run && run->recorder.failing) {
        snprintf(text, sizeof text, "Recording is held up: %s. Points wait in memory.",
                 run->recorder.text);
    } else if (run && run->row.message[0]) {
        role = ROLE_WARN;
        snprintf(text, sizeof text, "%s", run->row.message);
    } else if (run && run->row.best_epoch > 0) {
        role = ROLE_DIM;
        snprintf(text, sizeof text, "Best dev error %.2f %% at epoch %d of %d.",
                 run->row.best_dev_error * 100, run->row.best_epoch, run->row.epochs);
    }
    return canvas_wrap(c, (canvas_rect){1, y, c->clip.w - 2, 2}, role, text);
}

static void draw_bottom(app *a, canvas *c)
{
    int y = c->clip.h - 2, rows = 1;
    long clipped = c->clipped;
    if (a->help) {
        help_draw_bottom(a, c, y);
        c->clipped = clipped;
        return;
    }
    if (a->pick != PICK_NONE && a->prompting == PROMPT_NONE) {
        runs_pick_draw_bottom(a, c, y);
        c->clipped = clipped;
        return;
    }
    if (a->prompting != PROMPT_NONE)
        prompt_draw(&a->line, c, 0, y, c->clip.w, a->prompting == PROMPT_FIND ? "/" : ":", true);
    else if (a->asking != ASK_NOTHING)
        draw_question(a, c, y);
    else if (a->loading[0])
        canvas_text(c, 1, y, c->clip.w - 2, ROLE_WARN, a->loading);
    else if (a->message[0])
        rows = canvas_wrap(c, (canvas_rect){1, y, c->clip.w - 2, 2}, a->message_role, a->message);
    else
        rows = draw_standing(a, c, y);
    c->clipped = clipped; /* messages may carry any text */
    if (rows > 1)
        return; /* a long message takes the hints' line until the next key */
    if (a->prompting == PROMPT_COMMAND) {
        const command *fits[8];
        int count = keymap_complete(a->keys, app_contexts(a), a->line.text, fits, 8);
        int x = 1;
        for (int i = 0; i < count && i < 8 && x + (int)strlen(fits[i]->name) < c->clip.w; i++)
            x += 2 + canvas_text(c, x, y + 1, -1, ROLE_DIM, fits[i]->name);
    } else if (a->prompting == PROMPT_FIND) {
        canvas_text(c, 1, y + 1, -1, ROLE_KEY, "Enter keeps the words  Esc forgets them");
    } else if (a->view == VIEW_FORM) {
        canvas_text(
            c, 1, y + 1, -1, ROLE_KEY,
            "Enter start/next  Up/Down field  Left/Right choose  typing replaces  Esc back");
    } else if (a->view == VIEW_COURSE && course_typing(a)) {
        canvas_text(c, 1, y + 1, -1, ROLE_KEY, course_typing(a));
    } else {
        keymap_draw_hints(a->keys, app_contexts(a), c, 1, y + 1, c->clip.w - 2, app_why_not, a);
    }
}

static void draw_view(app *a, canvas *c)
{
    if (a->help) {
        help_draw(a, c);
        return;
    }
    switch (a->view) {
    case VIEW_HOME:
        home_draw(a, c);
        break;
    case VIEW_MONITOR:
        monitor_draw(a, c);
        break;
    case VIEW_RUNS:
        runs_draw(a, c);
        break;
    case VIEW_COMPARE:
        compare_draw(a, c);
        break;
    case VIEW_TRIALS:
        trials_draw(a, c);
        break;
    case VIEW_COURSE:
        course_draw(a, c);
        break;
    case VIEW_FORM:
        form_draw(a, c);
        break;
    }
}

void app_draw(void *given, canvas *c)
{
    app *a = given;
    c->glyphs = a->glyphs;
    course_translate(a);
    a->w = c->w, a->h = c->h;
    if (c->w < APP_MIN_W || c->h < APP_MIN_H) {
        char text[96];
        snprintf(text, sizeof text, "Gradus needs %dx%d; this window is %dx%d. Make it larger.",
                 APP_MIN_W, APP_MIN_H, c->w, c->h);
        canvas_wrap(c, (canvas_rect){0, 0, c->w, c->h}, ROLE_TEXT, text);
        return;
    }
    draw_tabs(a, c);
    canvas_rect old = canvas_push(c, (canvas_rect){0, 1, c->w, c->h - 3});
    draw_view(a, c);
    canvas_pop(c, old);
    draw_bottom(a, c);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void do_line(app *a)
{
    char name[PROMPT_BYTES];
    snprintf(name, sizeof name, "%s", a->line.text + strspn(a->line.text, " "));
    char *argument = name + strcspn(name, " ");
    if (*argument)
        *argument++ = 0;
    argument += strspn(argument, " ");
    if (!*name)
        return;
    if (a->view == VIEW_COURSE && strspn(name, "0123456789") == strlen(name)) {
        course_jump(a, atoi(name));
        return;
    }
    int id = keymap_by_name(a->keys, name, app_contexts(a));
    a->typed = true;
    if (id >= 0)
        app_do(a, (command_id)id, argument);
    else
        app_say(a, ROLE_WARN, "No command '%s' here; ? lists them all.", name);
    a->typed = false;
}

static void line_key(app *a, const key_event *key)
{
    const command *fit;
    switch (prompt_key(&a->line, key)) {
    case PROMPT_ACCEPTED:
        a->prompting = PROMPT_NONE;
        do_line(a);
        break;
    case PROMPT_CANCELED:
        a->prompting = PROMPT_NONE;
        break;
    case PROMPT_COMPLETE:
        if (!strchr(a->line.text, ' ') &&
            keymap_complete(a->keys, app_contexts(a), a->line.text, &fit, 1) > 0) {
            char text[64];
            snprintf(text, sizeof text, "%s ", fit->name);
            prompt_set(&a->line, text);
        }
        break;
    case PROMPT_CHANGED:
    case PROMPT_UNUSED:
        break;
    }
}

static void answer(app *a, const key_event *key)
{
    app_question asked = a->asking;
    a->asking = ASK_NOTHING;
    if (!key_is_char(key, 'y') && !key_is_char(key, 'Y'))
        return;
    if (asked == ASK_STOP) {
        training_steer(a, NN_COMMAND_STOP, "", 0);
        return;
    }
    a->quitting = true;
    if (!training_active(a)) {
        app_leave(a, 0);
        return;
    }
    if (a->training == TRAINING_RUNS && a->session)
        nn_trainer_post(session_trainer(a->session), &(nn_command){.kind = NN_COMMAND_STOP});
    app_say(a, ROLE_WARN, "Stopping, writing a checkpoint ...");
}

void app_key(void *given, const key_event *key)
{
    app *a = given;
    app_dirty(a);
    if (a->prompting == PROMPT_COMMAND) {
        line_key(a, key);
        return;
    }
    if (a->prompting == PROMPT_FIND) {
        runs_find_key(a, key);
        return;
    }
    if (a->asking != ASK_NOTHING) {
        answer(a, key);
        return;
    }
    if (a->help) {
        help_key(a, key);
        return;
    }
    a->message[0] = 0;
    if (a->pick != PICK_NONE) {
        runs_pick_key(a, key);
        return;
    }
    if (a->view == VIEW_FORM) {
        form_key(a, key);
        return;
    }
    if (a->view == VIEW_COURSE && course_key(a, key))
        return;
    int id = keymap_find(a->keys, key, app_contexts(a));
    if (id >= 0)
        app_do(a, (command_id)id, "");
}

const ui_app app_callbacks = {.draw = app_draw,
                              .key = app_key,
                              .tick = app_tick,
                              .resized = app_resized,
                              .closing = app_closing};
