#include "ui/panels/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PANEL(name) extern const panel panel_##name;
#include "ui/panels/panels.def"
#undef PANEL

static const panel *const panels[] = {
#define PANEL(name) &panel_##name,
#include "ui/panels/panels.def"
#undef PANEL
};

const panel *panel_of(panel_id id)
{
    return panels[id];
}

int panel_find(const char *id)
{
    for (int i = 0; i < PANEL_COUNT; i++)
        if (strcmp(panels[i]->id, id) == 0)
            return i;
    return -1;
}

/* Columns and rows are named as they are counted by people: with the box. */
static void draw_too_small(const panel *p, canvas *c, int border)
{
    char text[64];
    snprintf(text, sizeof text, "%s: needs %dx%d", p->title, p->min_w + border, p->min_h + border);
    canvas_wrap(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, ROLE_DIM, text);
}

void panel_draw(const panel *p, const run_view *run, const panel_state *state, bool focus,
                canvas *c, canvas_rect area)
{
    bool boxed = p->min_h > 1;
    canvas_rect inside = area;
    if (boxed) {
        char title[160], caption[112] = "";
        if (p->caption)
            p->caption(run, state, caption, sizeof caption);
        int room = area.w - text_columns(p->title) - 9; /* corners, brackets, blanks, star */
        if (text_columns(caption) > room)
            caption[0] = 0;
        snprintf(title, sizeof title, "%s%s%s%s", focus ? "*" : "", p->title, *caption ? "  " : "",
                 caption);
        canvas_box(c, area, title, focus);
        inside = (canvas_rect){area.x + 1, area.y + 1, area.w - 2, area.h - 2};
    }
    if (inside.w <= 0 || inside.h <= 0)
        return;
    canvas_rect old = canvas_push(c, inside);
    if (inside.w < p->min_w || inside.h < p->min_h)
        draw_too_small(p, c, boxed ? 2 : 0);
    else
        p->draw(run, state, c);
    canvas_pop(c, old);
}

void format_number(char *text, size_t size, double value)
{
    double size_of = fabs(value);
    if (isnan(value))
        snprintf(text, size, "-");
    else if (isinf(value))
        snprintf(text, size, value > 0 ? "inf" : "-inf");
    else if (value == 0)
        snprintf(text, size, "0");
    else if (size_of < 1e-4 || size_of >= 1e6)
        snprintf(text, size, "%.2e", value);
    else if (size_of < 0.01)
        snprintf(text, size, "%.3g", value);
    else if (size_of < 10)
        snprintf(text, size, "%.4f", value);
    else
        snprintf(text, size, size_of < 1000 ? "%.2f" : "%.0f", value);
}

void format_percent(char *text, size_t size, double share)
{
    if (isnan(share))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%.1f", share * 100);
}

void format_count(char *text, size_t size, double count)
{
    if (isnan(count))
        snprintf(text, size, "-");
    else if (count >= 1e9)
        snprintf(text, size, "%.1f G", count / 1e9);
    else if (count >= 1e7)
        snprintf(text, size, "%.1f M", count / 1e6);
    else if (count >= 1e6)
        snprintf(text, size, "%d %03d %03d", (int)(count / 1e6), (int)(count / 1e3) % 1000,
                 (int)count % 1000);
    else if (count >= 1e3)
        snprintf(text, size, "%d %03d", (int)(count / 1e3), (int)count % 1000);
    else
        snprintf(text, size, "%.0f", count);
}

void format_duration(char *text, size_t size, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(text, size, "-");
        return;
    }
    long whole = (long)(seconds + 0.5);
    if (seconds < 9.95)
        snprintf(text, size, "%.1f s", seconds);
    else if (whole < 100)
        snprintf(text, size, "%ld s", whole);
    else if (whole < 6000)
        snprintf(text, size, "%ld min %02ld s", whole / 60, whole % 60);
    else if (whole < 172800)
        snprintf(text, size, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    else
        snprintf(text, size, "%ld days", whole / 86400);
}
