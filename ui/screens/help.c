/* Help: every command of the present screen, searched by typing. */
#include "ui/screens/app.h"

#include <stdio.h>
#include <string.h>

static unsigned help_contexts(const app *a)
{
    /* All panels' keys, not only the focused one's. */
    return a->view == VIEW_MONITOR ? app_contexts(a) | IN_PLOT | IN_SMOOTH | IN_TABLE | IN_LOG
                                   : app_contexts(a);
}

void help_draw(app *a, canvas *c)
{
    const command *found[DO_COUNT];
    int count = keymap_help(a->keys, help_contexts(a), a->help_search.text, found, DO_COUNT);
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, "*Help: all keys of this screen",
               true);
    prompt_draw(&a->help_search, c, 2, 1, c->clip.w - 4, "search: ", true);
    int rows = c->clip.h - 3;
    list_fit(&a->help_list, count, rows);
    if (count == 0)
        canvas_text(c, 2, 3, -1, ROLE_DIM, "Nothing fits; Backspace widens the search.");
    for (int i = 0; i < rows && a->help_list.top + i < count; i++) {
        const command *what = found[a->help_list.top + i];
        int y = 2 + i;
        bool here = a->help_list.top + i == a->help_list.selected;
        char keys[48];
        keymap_keys_text(a->keys, what->id, keys, sizeof keys);
        const char *why = app_why_not(a, what->id);
        canvas_text(c, 1, y, 1, ROLE_TEXT, here ? ">" : " ");
        canvas_text(c, 2, y, 16, ROLE_KEY, *keys ? keys : ":");
        canvas_text(c, 19, y, 17, why ? ROLE_DIM : ROLE_TEXT, what->name);
        long clipped = c->clipped;
        canvas_text(c, 37, y, c->clip.w - 39, why ? ROLE_DIM : ROLE_TEXT, what->help);
        c->clipped = clipped;
        if (here)
            canvas_role_fill(c, (canvas_rect){1, y, c->clip.w - 2, 1}, ROLE_SELECT);
    }
    list_draw_bar(&a->help_list, c, c->clip.w - 2, 2);
}

void help_draw_bottom(app *a, canvas *c, int y)
{
    const command *found[DO_COUNT];
    int count = keymap_help(a->keys, help_contexts(a), a->help_search.text, found, DO_COUNT);
    int at = a->help_list.selected;
    canvas_text(c, 1, y + 1, -1, ROLE_KEY,
                "typing searches  Up/Down select  Enter does it  Esc closes");
    if (at < 0 || at >= count)
        return;
    const char *why = app_why_not(a, found[at]->id);
    char text[400];
    snprintf(text, sizeof text, "%s%s%s", found[at]->help, why ? ". Not now: " : "",
             why ? why : "");
    canvas_text(c, 1, y, c->clip.w - 2, ROLE_TEXT, text);
}

/* A command of that name comes before one that only mentions it. */
static void select_best(app *a)
{
    const command *found[DO_COUNT];
    const char *search = a->help_search.text;
    int count = keymap_help(a->keys, help_contexts(a), search, found, DO_COUNT);
    a->help_list.count = count;
    list_select(&a->help_list, 0);
    for (int i = count - 1; i >= 0 && *search; i--)
        if (strncmp(found[i]->name, search, strlen(search)) == 0)
            list_select(&a->help_list, i);
}

void help_key(app *a, const key_event *key)
{
    if (key->code == UI_KEY_ESC || key_is_char(key, '?')) {
        a->help = false;
        return;
    }
    if (key->code == UI_KEY_ENTER) { /* does what is selected */
        const command *found[DO_COUNT];
        int count = keymap_help(a->keys, help_contexts(a), a->help_search.text, found, DO_COUNT);
        a->help = false;
        if (a->help_list.selected >= 0 && a->help_list.selected < count)
            app_do(a, (command_id)found[a->help_list.selected]->id, "");
        return;
    }
    bool moves = key->code == UI_KEY_UP || key->code == UI_KEY_DOWN ||
                 key->code == UI_KEY_PAGE_UP || key->code == UI_KEY_PAGE_DOWN;
    if (moves && list_key(&a->help_list, key))
        return;
    if (key_is_char(key, '/') && a->help_search.length == 0)
        return; /* searching is what typing does already */
    if (prompt_key(&a->help_search, key) == PROMPT_CHANGED)
        select_best(a);
}
