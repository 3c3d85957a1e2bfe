/* The Monitor: all panels of one run, live or recorded, and the keys that steer it. */
#include "ui/screens/app.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- layout -------------------------------------------------------------------------------------
 */

static void put_panel(app *a, canvas *c, panel_id id, canvas_rect area)
{
    panel_draw(panel_of(id), a->shown, &a->panels[id], a->focus == id, c, area);
}

/* On the lower edge: what Tab brings here. */
static void name_others(const app *a, canvas *c, int left, int y)
{
    static const panel_id others[] = {PANEL_rate, PANEL_confusion, PANEL_events};
    char text[80];
    int length = snprintf(text, sizeof text, " Tab:");
    for (int i = 0; i < 3; i++)
        if (others[i] != a->lower)
            length += snprintf(text + length, sizeof text - (size_t)length, " %s",
                               panel_of(others[i])->title);
    snprintf(text + length, sizeof text - (size_t)length, " ");
    canvas_text(c, left - text_columns(text) - 2, y, -1, ROLE_DIM, text);
}

static void draw_small(app *a, canvas *c, int w, int h)
{
    int left = w * 62 / 100, top = (h * 11 + 10) / 20;
    int right = w - left;
    put_panel(a, c, PANEL_loss, (canvas_rect){0, 0, left, top});
    put_panel(a, c, PANEL_gaps, (canvas_rect){left, 0, right, top});
    put_panel(a, c, a->lower, (canvas_rect){0, top, left, h - top});
    name_others(a, c, left, h - 1);
    put_panel(a, c, PANEL_health, (canvas_rect){left, top, right, h - top});
}

static void draw_large(app *a, canvas *c, int w, int h)
{
    int left = w * 63 / 100, right = w - left;
    int loss = h * 17 / 36, rate = h * 9 / 36;
    int gaps = h * 13 / 36, confusion = h * 14 / 36;
    put_panel(a, c, PANEL_loss, (canvas_rect){0, 0, left, loss});
    put_panel(a, c, PANEL_rate, (canvas_rect){0, loss, left, rate});
    put_panel(a, c, PANEL_events, (canvas_rect){0, loss + rate, left, h - loss - rate});
    put_panel(a, c, PANEL_gaps, (canvas_rect){left, 0, right, gaps});
    put_panel(a, c, PANEL_confusion, (canvas_rect){left, gaps, right, confusion});
    put_panel(a, c, PANEL_health,
              (canvas_rect){left, gaps + confusion, right, h - gaps - confusion});
}

void monitor_draw(app *a, canvas *c)
{
    int w = c->clip.w, h = c->clip.h - 1;
    if (!a->shown) {
        const char *text = a->loading[0] ? "The Monitor shows the run as soon as its data are read."
                           : !a->store && !a->store_problem[0]
                               ? "Opening the store ..."
                               : "No run yet. t starts a training; 3 lists the recorded runs.";
        canvas_box(c, (canvas_rect){0, 0, w, h + 1}, "Monitor", false);
        canvas_wrap(c, (canvas_rect){2, 2, w - 4, h - 3}, ROLE_TEXT, text);
        return;
    }
    if (a->zoomed)
        put_panel(a, c, a->focus, (canvas_rect){0, 0, w, h});
    else if (w >= 110 && h >= 33)
        draw_large(a, c, w, h);
    else
        draw_small(a, c, w, h);
    panel_draw(panel_of(PANEL_progress), a->shown, &a->panels[PANEL_progress], false, c,
               (canvas_rect){0, h, w, 1});
}

static void focus_next(app *a, int by)
{
    int count = PANEL_progress; /* the last one, never focused */
    a->focus = (panel_id)(((int)a->focus + by + count) % count);
    if (a->focus == PANEL_rate || a->focus == PANEL_confusion || a->focus == PANEL_events)
        a->lower = a->focus;
}

/* --- commands of panels -------------------------------------------------------------------------
 */

static bool panel_do(app *a, command_id what)
{
    static const struct {
        command_id id;
        panel_command what;
    } commands[] = {
        {DO_ZOOM_IN, PANEL_ZOOM_IN}, {DO_ZOOM_OUT, PANEL_ZOOM_OUT}, {DO_ZOOM_ALL, PANEL_ZOOM_ALL},
        {DO_LEFT, PANEL_LEFT},       {DO_RIGHT, PANEL_RIGHT},       {DO_UP, PANEL_UP},
        {DO_DOWN, PANEL_DOWN},       {DO_PAGE_UP, PANEL_PAGE_UP},   {DO_PAGE_DOWN, PANEL_PAGE_DOWN},
        {DO_FIRST, PANEL_HOME},      {DO_LAST, PANEL_END},          {DO_CURSOR, PANEL_CURSOR},
        {DO_LOG_Y, PANEL_LOG_Y},     {DO_LOG_X, PANEL_LOG_X},       {DO_SMOOTHING, PANEL_SMOOTHING},
        {DO_SHARES, PANEL_SHARES},   {DO_DIAGONAL, PANEL_DIAGONAL},
    };
    const panel *p = panel_of(a->focus);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].id == what) {
            if (a->shown && p->commands & 1u << commands[i].what)
                p->command(a->shown, &a->panels[a->focus], commands[i].what);
            return true;
        }
    return false;
}

/* --- settings -----------------------------------------------------------------------------------
 */

/* Without a value the ':' line opens, with the name in it. */
static void set_value(app *a, command_id what, const char *argument)
{
    static const struct {
        command_id id;
        const char *name, *key;
        double most; /* values from 0 to below it */
    } settings[] = {{DO_RATE, "rate", "lr", 1e6},   {DO_DROPOUT, "dropout", "dropout", 1},
                    {DO_L2, "l2", "l2", 1e6},       {DO_MOMENTUM, "momentum", "momentum", 1},
                    {DO_CLIP, "clip", "clip", 1e9}, {DO_HUMAN, "human", NULL, 100}};
    size_t i = 0;
    while (settings[i].id != what)
        i++;
    char text[64];
    if (!*argument) {
        snprintf(text, sizeof text, "%s ", settings[i].name);
        app_open_line(a, text);
        return;
    }
    char *end;
    double value = strtod(argument, &end);
    if (*end || end == argument || !(value >= 0) || value >= settings[i].most) {
        app_say(a, ROLE_WARN, "%s: '%.40s' is no number from 0 to below %g.", settings[i].name,
                argument, settings[i].most);
        return;
    }
    if (settings[i].key)
        training_steer(a, NN_COMMAND_SET, settings[i].key, value);
    else if (a->shown)
        a->shown->human_error = value / 100;
}

static void scale_rate(app *a, double factor)
{
    if (isnan(a->shown->base_lr))
        app_say(a, ROLE_WARN, "The present rate is not known; r sets one.");
    else
        training_steer(a, NN_COMMAND_SET, "lr", a->shown->base_lr * factor);
}

static bool steer(app *a, command_id what)
{
    static const struct {
        command_id id;
        nn_command_kind kind;
    } plain[] = {{DO_STEP, NN_COMMAND_STEP},         {DO_EPOCH, NN_COMMAND_EPOCH},
                 {DO_EVALUATE, NN_COMMAND_EVALUATE}, {DO_SAVE, NN_COMMAND_SAVE},
                 {DO_ROLLBACK, NN_COMMAND_ROLLBACK}, {DO_STOP_EPOCH, NN_COMMAND_STOP_AFTER_EPOCH}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].id == what) {
            training_steer(a, plain[i].kind, "", 0);
            return true;
        }
    return false;
}

bool monitor_do(app *a, command_id what, const char *argument)
{
    if (panel_do(a, what) || steer(a, what))
        return true;
    switch (what) {
    case DO_NEXT_PANEL:
        focus_next(a, 1);
        return true;
    case DO_PREVIOUS_PANEL:
        focus_next(a, -1);
        return true;
    case DO_ZOOM_PANEL:
        a->zoomed = !a->zoomed;
        return true;
    case DO_PAUSE:
        training_steer(a, a->shown->row.state == RUN_PAUSED ? NN_COMMAND_RESUME : NN_COMMAND_PAUSE,
                       "", 0);
        return true;
    case DO_HALVE:
        scale_rate(a, 0.5);
        return true;
    case DO_DOUBLE:
        scale_rate(a, 2);
        return true;
    case DO_STOP:
        a->asking = ASK_STOP;
        return true;
    case DO_RATE:
    case DO_DROPOUT:
    case DO_L2:
    case DO_MOMENTUM:
    case DO_CLIP:
    case DO_HUMAN:
        set_value(a, what, argument);
        return true;
    case DO_RESUME_RUN:
        training_resume(a, &a->shown->row);
        return true;
    default:
        return false;
    }
}
