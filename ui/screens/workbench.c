/* The doors of the workbench: on the terminal, on any screen, as text. */
#include "ui/screens/app.h"
#include "ui/terminal/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void deliver(void *given, int fd)
{
    (void)fd;
    app *a = given;
    if (app_pump(a))
        app_dirty(a);
}

int workbench_run_on(screen *s, const workbench_options *options, nn_error *error)
{
    app *a = app_new(s, options, error);
    loop *l = a ? loop_new(s) : NULL;
    int status = 1;
    if (a && l && loop_add_fd(l, background_fd(a->background), deliver, a)) {
        a->loop = l;
        a->now = loop_now();
        status = loop_run(l, &app_callbacks, a);
    } else if (a) {
        nn_fail(error, NN_E_NOMEM, "out of memory for the workbench");
    }
    if (a)
        a->loop = NULL; /* the rest of the work needs no screen */
    loop_free(l);
    app_free(a);
    return status;
}

int workbench_run(const workbench_options *options)
{
    nn_error error = {0};
    terminal *t = terminal_open(&error);
    int status = 1;
    if (t)
        status = workbench_run_on(terminal_screen(t), options, &error);
    terminal_close(t);
    if (error.text[0])
        fprintf(stderr, "gradus: %s\n", error.text);
    return status;
}

/* --- as text ------------------------------------------------------------------------------------
 */

static const char *const screens[] = {"home", "train",  "monitor", "runs",
                                      "help", "trials", "compare", "course"};
enum { SCREENS = sizeof screens / sizeof *screens };

const char *workbench_print_names(void)
{
#define PANEL(name) " " #name
    return "home train monitor runs help trials compare course"
#include "ui/panels/panels.def"
        ;
#undef PANEL
}

static nn_status set_up(app *a, const print_options *options, nn_error *error)
{
    int id = panel_find(options->screen);
    int view = 0;
    while (view < SCREENS && strcmp(screens[view], options->screen) != 0)
        view++;
    if (id < 0 && view == SCREENS)
        return nn_fail(error, NN_E_ARG, "--print %s: no such screen; expected one of %s",
                       options->screen, workbench_print_names());
    background_wait(a->background);
    background_deliver(a->background, a);
    if (a->store_problem[0] && !a->store)
        return nn_fail(error, NN_E_IO, "%s", a->store_problem);
    if (options->run && !a->shown)
        return nn_fail(error, NN_E_MISSING, "%s", a->message);
    a->message[0] = 0;
    if (view == 1)
        form_open(a);
    else
        app_go(a, view == 0   ? VIEW_HOME
                  : view == 3 ? VIEW_RUNS
                  : view == 5 ? VIEW_TRIALS
                  : view == 6 ? VIEW_COMPARE
                  : view == 7 ? VIEW_COURSE
                              : VIEW_MONITOR);
    if (view == 7 && course_print(a, options, error) != NN_OK)
        return error->code;
    a->help = view == 4;
    if (id >= 0 && id != PANEL_progress) {
        a->focus = (panel_id)id;
        a->zoomed = true;
    }
    return NN_OK;
}

nn_status workbench_print(const print_options *options, char **text, nn_error *error)
{
    *text = NULL;
    int w = options->w > 0 ? options->w : APP_MIN_W, h = options->h > 0 ? options->h : APP_MIN_H;
    glyph_level glyphs = options->glyphs >= 0 ? (glyph_level)options->glyphs
                                              : terminal_glyphs(terminal_locale(), getenv("TERM"));
    memory_screen *memory = memory_screen_new(w, h, glyphs);
    canvas *c = canvas_new(w, h, glyphs);
    workbench_options workbench = {
        .store_path = options->store_path, .run = options->run, .glyphs = (int)glyphs};
    app *a = memory && c ? app_new(memory_screen_base(memory), &workbench, error) : NULL;
    nn_status status = a ? set_up(a, options, error) : NN_E_NOMEM;
    if (!memory || !c)
        nn_fail(error, NN_E_NOMEM, "out of memory for a screen of %dx%d", w, h);
    if (status == NN_OK) {
        app_draw(a, c);
        *text = options->roles ? canvas_dump_roles(c) : canvas_dump(c);
        if (!*text)
            status = nn_fail(error, NN_E_NOMEM, "out of memory for a screen of %dx%d", w, h);
    }
    app_free(a);
    canvas_free(c);
    memory_screen_free(memory);
    return status;
}
