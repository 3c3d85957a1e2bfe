/* The log: every intervention, halt, checkpoint and note of the run, newest at the bottom. */
#include "ui/panels/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void say_applied(const run_event *event, char *text, size_t size)
{
    char old_value[16], value[16];
    format_number(old_value, sizeof old_value, event->old_value);
    format_number(value, sizeof value, event->value);
    const struct {
        const char *key, *name;
    } settings[] = {
        {"lr", "rate"},           {"dropout", "dropout"},        {"l2", "L2"},
        {"momentum", "momentum"}, {"clip", "gradient clipping"}, {"threads", "threads"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(event->key, settings[i].key) == 0) {
            snprintf(text, size, "%s %s -> %s", settings[i].name, old_value, value);
            return;
        }
    snprintf(text, size, "%s%s%s", event->key, *event->text ? ": " : "", event->text);
}

canvas_role format_event(char *text, size_t size, const run_event *event)
{
    if (strcmp(event->kind, "applied") == 0) {
        say_applied(event, text, size);
        return ROLE_TEXT;
    }
    if (strcmp(event->kind, "refused") == 0) {
        snprintf(text, size, "refused %s: %s", event->key, event->text);
        return ROLE_WARN;
    }
    if (strcmp(event->kind, "nonfinite") == 0) {
        snprintf(text, size, "halted: %s", event->text);
        return ROLE_BAD;
    }
    if (strcmp(event->kind, "checkpoint") == 0) {
        const char *file = strrchr(event->text, '/');
        snprintf(text, size, "checkpoint %s", file ? file + 1 : event->text);
        return ROLE_DIM;
    }
    if (*event->text)
        snprintf(text, size, "%s%s%s: %s", event->kind, *event->key ? " " : "", event->key,
                 event->text);
    else
        snprintf(text, size, "%s%s%s", event->kind, *event->key ? " " : "", event->key);
    return ROLE_DIM;
}

static void draw_line(const run_event *event, canvas *c, int y)
{
    char clock[16] = "--:--:--", text[320];
    time_t seconds = (time_t)(event->time_ms / 1000);
    struct tm local;
    if (event->time_ms > 0 && localtime_r(&seconds, &local))
        strftime(clock, sizeof clock, "%H:%M:%S", &local);
    canvas_role role = format_event(text, sizeof text, event);
    char letter = plot_event_letter(event);
    int x =
        canvas_format(c, 0, y, -1, ROLE_DIM, "%s %7llu ", clock, (unsigned long long)event->step);
    canvas_format(c, x, y, 1, ROLE_MARK, "%c", letter ? letter : ' ');
    long clipped = c->clipped; /* a long path may be cut: the file says it in full */
    canvas_text(c, x + 2, y, -1, role, text);
    c->clipped = clipped;
}

static void draw(const run_view *run, const panel_state *state, canvas *c)
{
    int rows = c->clip.h, count = run->event_count;
    if (count == 0) {
        canvas_wrap(c, (canvas_rect){0, 0, c->clip.w, rows}, ROLE_DIM,
                    "Nothing yet. What you change shows up here and as a letter on the curve.");
        return;
    }
    int last = count - 1 - state->scroll;
    if (last < rows - 1)
        last = rows - 1;
    if (last > count - 1)
        last = count - 1;
    int first = last - rows + 1 > 0 ? last - rows + 1 : 0;
    for (int i = first; i <= last; i++)
        draw_line(&run->events[i], c, i - first);
}

static void caption(const run_view *run, const panel_state *state, char *text, size_t size)
{
    if (state->scroll > 0)
        snprintf(text, size, "%d newer below", state->scroll);
    else if (run->steps_dropped > 0)
        snprintf(text, size, "%llu steps not drawn", (unsigned long long)run->steps_dropped);
    else
        *text = 0;
}

static void command(const run_view *run, panel_state *state, panel_command what)
{
    int by = what == PANEL_UP          ? 1
             : what == PANEL_DOWN      ? -1
             : what == PANEL_PAGE_UP   ? 10
             : what == PANEL_PAGE_DOWN ? -10
             : what == PANEL_HOME      ? run->event_count
                                       : -run->event_count;
    int most = run->event_count > 1 ? run->event_count - 1 : 0;
    state->scroll += by;
    state->scroll = state->scroll < 0 ? 0 : state->scroll > most ? most : state->scroll;
}

const panel panel_events = {.id = "events",
                            .title = "Log",
                            .min_w = 40,
                            .min_h = 3,
                            .commands = 1u << PANEL_UP | 1u << PANEL_DOWN | 1u << PANEL_PAGE_UP |
                                        1u << PANEL_PAGE_DOWN | 1u << PANEL_HOME | 1u << PANEL_END,
                            .caption = caption,
                            .draw = draw,
                            .command = command};
