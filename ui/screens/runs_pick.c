/* Lists over the Runs screen to choose from: columns, groups, tags, views. Typing narrows them. */
#include "ui/screens/app.h"

#include "ui/run_column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PICK_ITEMS = 400 };

typedef struct {
    char name[64];
    char about[64];
    bool on;    /* it is a column, or a tag of the runs */
    bool fresh; /* a tag that is to be made */
} pick_item;

typedef struct {
    pick_item *items;
    int count;
} pick_list;

static void add(const app *a, pick_list *list, const char *name, const char *about, bool on)
{
    if (list->count == PICK_ITEMS || !strcasestr(name, a->pick_search.text))
        return;
    pick_item *item = &list->items[list->count++];
    snprintf(item->name, sizeof item->name, "%s", name);
    snprintf(item->about, sizeof item->about, "%s", about);
    item->on = on;
}

static bool is_column(const app *a, const char *name)
{
    for (int i = 0; i < a->listing.column_count; i++)
        if (strcmp(a->listing.columns[i].name, name) == 0)
            return true;
    return false;
}

/* Everything that runs have: what is shown already comes first, in its order. */
static void add_fields(const app *a, pick_list *list, bool columns)
{
    for (int i = 0; columns && i < a->listing.column_count; i++)
        add(a, list, a->listing.columns[i].name, "shown", true);
    char name[64];
    for (int i = 0; i < a->table->key_count; i++) {
        snprintf(name, sizeof name, "param.%s", a->table->keys[i].name);
        if (!columns || !is_column(a, name))
            add(a, list, name, "parameter", false);
    }
    for (int i = 0; run_field_name(i); i++) {
        const char *field = run_field_name(i);
        bool alias = strcmp(field, "tag") == 0 || strcmp(field, "duration") == 0;
        if (!alias && (!columns || !is_column(a, field)))
            add(a, list, field, "", false);
    }
    for (int i = 0; columns && i < a->table->metric_count; i++)
        for (int k = 0; k < ASPECTS; k++) {
            snprintf(name, sizeof name, "%s.%s", a->table->metrics[i].name,
                     metric_aspect_name((metric_aspect)k));
            if (!is_column(a, name))
                add(a, list, name, "metric", false);
        }
}

/* On: every run that a change would go to has it. */
static bool tagged(const app *a, const char *tag)
{
    const run_entry *selected = runs_selected(a);
    if (a->mark_count == 0)
        return selected && run_entry_tagged(a->table, selected, tag);
    for (int i = 0; i < a->mark_count; i++) {
        const run_entry *e = run_table_find(a->table, a->marks[i]);
        if (e && !run_entry_tagged(a->table, e, tag))
            return false;
    }
    return true;
}

static void add_tags(const app *a, pick_list *list)
{
    const char *typed = a->pick_search.text;
    bool known = !*typed;
    for (int i = 0; i < a->table->tag_count; i++) {
        const run_tag *tag = &a->table->tags[i];
        add(a, list, tag->name, tag->colour, tagged(a, tag->name));
        known = known || strcasecmp(tag->name, typed) == 0;
    }
    if (!known && list->count < PICK_ITEMS) {
        pick_item *item = &list->items[list->count++];
        snprintf(item->name, sizeof item->name, "%.60s", typed);
        snprintf(item->about, sizeof item->about, "a new tag");
        item->fresh = true;
    }
}

static void add_views(const app *a, pick_list *list)
{
    saved_view *views = NULL;
    int count = 0;
    if (!a->store || store_views(a->store, "runs", &views, &count, NULL) != NN_OK)
        return;
    for (int i = 0; i < count; i++) {
        const char *filter = strstr(views[i].query, "filter ");
        char about[64] = "";
        if (filter)
            snprintf(about, sizeof about, "%.*s", (int)strcspn(filter, "\n"), filter);
        add(a, list, views[i].name, about, false);
    }
    free(views);
}

static pick_list make_list(const app *a)
{
    pick_list list = {calloc(PICK_ITEMS, sizeof *list.items), 0};
    if (!list.items)
        return list;
    switch (a->pick) {
    case PICK_COLUMNS:
        add_fields(a, &list, true);
        break;
    case PICK_GROUP:
        add(a, &list, "none", "no headings", false);
        add_fields(a, &list, false);
        break;
    case PICK_TAGS:
        add_tags(a, &list);
        break;
    case PICK_VIEWS:
        add_views(a, &list);
        break;
    case PICK_NONE:
        break;
    }
    return list;
}

void runs_pick(app *a, app_pick what)
{
    a->pick = what;
    prompt_set(&a->pick_search, "");
    list_select(&a->pick_list, 0);
}

/* --- drawing ---------------------------------------------------------------------------------- */

void runs_pick_draw(app *a, canvas *c)
{
    static const char *const titles[] = {"", "*Columns", "*Group by", "*Tags", "*Views"};
    pick_list list = make_list(a);
    int w = 58 < c->clip.w - 4 ? 58 : c->clip.w - 4;
    int h = c->clip.h - 2 < 26 ? c->clip.h - 2 : 26;
    canvas_rect area = {(c->clip.w - w) / 2, 1, w, h};
    canvas_fill(c, area, ROLE_TEXT, " ");
    canvas_box(c, area, titles[a->pick], true);
    canvas_rect old = canvas_push(c, (canvas_rect){area.x + 1, area.y + 1, w - 2, h - 2});
    prompt_draw(&a->pick_search, c, 1, 0, w - 4, a->pick == PICK_TAGS ? "tag: " : "search: ", true);
    int rows = h - 3;
    list_fit(&a->pick_list, list.count, rows);
    if (list.count == 0)
        canvas_wrap(c, (canvas_rect){2, 2, w - 6, 3}, ROLE_DIM,
                    a->pick_search.length > 0 ? "Nothing fits; Backspace widens the search."
                    : a->pick == PICK_TAGS    ? "No tags yet: type one, Enter puts it on."
                                              : "No views yet: Esc, then :view save NAME.");
    for (int i = 0; i < rows && a->pick_list.top + i < list.count; i++) {
        const pick_item *item = &list.items[a->pick_list.top + i];
        bool here = a->pick_list.top + i == a->pick_list.selected;
        bool boxes = a->pick == PICK_COLUMNS || a->pick == PICK_TAGS;
        canvas_format(c, 1, 1 + i, w - 4, ROLE_TEXT, "%c %s %s", here ? '>' : ' ',
                      !boxes        ? " "
                      : item->on    ? "[x]"
                      : item->fresh ? "[+]"
                                    : "[ ]",
                      item->name);
        canvas_right(c, w - 26, 1 + i, 22, ROLE_DIM, item->about);
        if (here)
            canvas_role_fill(c, (canvas_rect){0, 1 + i, w - 2, 1}, ROLE_SELECT);
    }
    list_draw_bar(&a->pick_list, c, w - 3, 1);
    canvas_pop(c, old);
    free(list.items);
}

void runs_pick_draw_bottom(const app *a, canvas *c, int y)
{
    static const char *const keys[] = {
        "", "Space shows or hides it  Left/Right moves it  typing searches  Esc closes",
        "Enter groups by it  typing searches  Esc closes",
        "Space puts it on or takes it off  typing searches or names  Esc closes",
        "Enter opens it  Delete removes it  typing searches  Esc closes"};
    if (a->message[0])
        canvas_text(c, 1, y, c->clip.w - 2, a->message_role, a->message);
    canvas_text(c, 1, y + 1, c->clip.w - 2, ROLE_KEY, keys[a->pick]);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void toggle_column(app *a, const pick_item *item)
{
    char key[80];
    nn_error error = {0};
    snprintf(key, sizeof key, "%c%s", item->on ? '-' : '+', item->name);
    if (run_listing_columns(&a->listing, key, a->table, &error) != NN_OK)
        app_say(a, ROLE_WARN, "%s", error.text);
    records_list(a);
}

/* A column changes places with its neighbour. */
static void move_column(app *a, const pick_item *item, int by)
{
    run_listing *l = &a->listing;
    for (int i = 0; i < l->column_count; i++) {
        int to = i + by;
        if (strcmp(l->columns[i].name, item->name) != 0 || to < 0 || to >= l->column_count)
            continue;
        run_field moved = l->columns[i];
        l->columns[i] = l->columns[to];
        l->columns[to] = moved;
        list_select(&a->pick_list, a->pick_list.selected + by);
        break;
    }
    records_list(a);
}

void runs_open_view(app *a, const char *name)
{
    nn_error error = {0};
    saved_view *views = NULL;
    int count = 0, found = -1;
    if (!a->store) {
        app_say(a, ROLE_WARN, "The store is not open.");
        return;
    }
    nn_status status = store_views(a->store, "runs", &views, &count, &error);
    for (int i = 0; i < count; i++)
        if (strcasecmp(views[i].name, name) == 0)
            found = i;
    if (status == NN_OK && found < 0)
        app_say(a, ROLE_WARN, "No view is called '%.40s'; v lists them.", name);
    else if (status != NN_OK ||
             run_listing_apply(&a->listing, views[found].query, a->table, &error) != NN_OK)
        app_say(a, ROLE_WARN, "view %.40s: %s", name, error.text);
    else
        app_say(a, ROLE_TEXT, "View %s.", views[found].name);
    free(views);
    a->first_column = 0;
    records_list(a);
}

static void choose(app *a, const pick_item *item)
{
    nn_error error = {0};
    app_pick what = a->pick;
    if (what == PICK_COLUMNS) {
        toggle_column(a, item);
    } else if (what == PICK_TAGS) {
        runs_edit_marked(a, item->on ? RUN_UNTAG : RUN_TAG, item->name, "");
        prompt_set(&a->pick_search, "");
    } else if (what == PICK_VIEWS) {
        a->pick = PICK_NONE;
        runs_open_view(a, item->name);
    } else {
        a->pick = PICK_NONE;
        if (run_listing_group(&a->listing, strcmp(item->name, "none") == 0 ? "" : item->name,
                              a->table, &error) != NN_OK)
            app_say(a, ROLE_WARN, "%s", error.text);
        records_list(a);
    }
}

void runs_pick_key(app *a, const key_event *key)
{
    pick_list list = make_list(a);
    int at = a->pick_list.selected;
    const pick_item *item = at >= 0 && at < list.count ? &list.items[at] : NULL;
    bool sides = key->code == UI_KEY_LEFT || key->code == UI_KEY_RIGHT;
    bool boxes = a->pick == PICK_COLUMNS || a->pick == PICK_TAGS;
    bool moves = key->code == UI_KEY_UP || key->code == UI_KEY_DOWN ||
                 key->code == UI_KEY_PAGE_UP || key->code == UI_KEY_PAGE_DOWN;
    a->pick_list.count = list.count;
    if (key->code == UI_KEY_ESC) {
        a->pick = PICK_NONE;
    } else if (key->code == UI_KEY_ENTER || (boxes && key_is_char(key, ' '))) {
        if (item)
            choose(a, item);
    } else if (sides && a->pick == PICK_COLUMNS) {
        if (item && item->on && a->pick_search.length == 0)
            move_column(a, item, key->code == UI_KEY_LEFT ? -1 : 1);
    } else if (key->code == UI_KEY_DELETE && a->pick == PICK_VIEWS) {
        if (item)
            runs_save_view(a, item->name, NULL);
    } else if (!moves || !list_key(&a->pick_list, key)) {
        prompt_result result = prompt_key(&a->pick_search, key);
        if (result == PROMPT_CHANGED)
            list_select(&a->pick_list, 0);
        else if (result == PROMPT_CANCELED)
            a->pick = PICK_NONE;
    }
    free(list.items);
}
