/* The list of the store's runs by rules: which, in which order, with which columns. Enter opens one
 * in the Monitor. Changes of runs are in runs_edit.c, lists to choose from in runs_pick.c. */
#include "ui/screens/app.h"

#include "ui/run_column.h"

#include <stdio.h>
#include <string.h>

enum { GUTTER = 3, NAME_LEAST = 16 };

const run_entry *runs_selected(const app *a)
{
    int at = a->run_list.selected;
    if (at < 0 || at >= a->listing.count || a->listing.lines[at].entry < 0)
        return NULL;
    return &a->table->entries[a->listing.lines[at].entry];
}

int runs_mark(const app *a, run_id id)
{
    for (int i = 0; i < a->mark_count; i++)
        if (a->marks[i] == id)
            return i;
    return -1;
}

/* --- columns ---------------------------------------------------------------------------------- */

/* Which columns fit into `w`, and where. What is left over goes to the name. */
typedef struct {
    int from, to; /* of the listing's columns */
    int x[LISTING_COLUMNS], w[LISTING_COLUMNS];
} column_plan;

static column_plan plan_columns(app *a, int w)
{
    const run_listing *l = &a->listing;
    column_plan plan = {0};
    if (a->first_column >= l->column_count)
        a->first_column = l->column_count - 1;
    plan.from = plan.to = a->first_column;
    int used = GUTTER, name = -1;
    while (plan.to < l->column_count) {
        bool flexible = run_column_of(&l->columns[plan.to]).flexible;
        int wide = flexible ? NAME_LEAST : l->widths[plan.to];
        if (used + wide > w && plan.to > plan.from)
            break;
        name = flexible ? plan.to : name;
        plan.w[plan.to++] = wide;
        used += wide + 1;
    }
    if (name >= 0 && used - 1 < w)
        plan.w[name] += w - (used - 1);
    for (int i = plan.from, x = GUTTER; i < plan.to; i++) {
        plan.x[i] = x;
        x += plan.w[i] + 1;
    }
    return plan;
}

static canvas_role colour_role(const char *colour)
{
    static const canvas_role roles[] = {ROLE_TEXT, ROLE_TRAIN, ROLE_DEV, ROLE_SERIES_C,
                                        ROLE_SERIES_D};
    for (int i = 0; run_tag_colour(i); i++)
        if (strcmp(run_tag_colour(i), colour) == 0)
            return roles[i];
    return ROLE_TEXT;
}

static void draw_tags(const app *a, const run_entry *e, canvas *c, int x, int y, int w)
{
    int end = x + w;
    for (int i = 0; i < e->tag_count && x < end; i++) {
        const run_tag *tag = &a->table->tags[e->tags[i]];
        x += canvas_text(c, x, y, end - x, colour_role(tag->colour), tag->name) + 1;
    }
}

static void draw_name(const app *a, const run_line *line, canvas *c, int x, int y, int w,
                      canvas_role role)
{
    const char *name = a->table->entries[line->entry].row.name;
    int indent = line->depth > 0 ? 2 * (line->depth < 8 ? line->depth : 8) : 0;
    if (indent > 0 && indent < w)
        canvas_text(c, x + indent - 2, y, 2, ROLE_DIM, c->glyphs == GLYPHS_ASCII ? "`-" : "└─");
    if (indent < w)
        canvas_text(c, x + indent, y, w - indent, role, name);
}

static void draw_header(const app *a, canvas *c, const column_plan *plan)
{
    const run_listing *l = &a->listing;
    for (int i = plan->from; i < plan->to; i++) {
        run_column column = run_column_of(&l->columns[i]);
        bool sorts = strcmp(l->columns[i].name, l->sort.name) == 0;
        canvas_role role = sorts ? ROLE_TITLE_FOCUS : ROLE_TITLE;
        if (column.right)
            canvas_right(c, plan->x[i], 0, plan->w[i], role, column.title);
        else
            canvas_text(c, plan->x[i], 0, plan->w[i], role, column.title);
    }
    if (plan->from > 0)
        canvas_text(c, 0, 0, 1, ROLE_KEY, "<");
    if (plan->to < l->column_count)
        canvas_text(c, c->clip.w - 1, 0, 1, ROLE_KEY, ">");
}

/* --- lines ------------------------------------------------------------------------------------ */

static void draw_run(const app *a, canvas *c, const run_line *line, int y, const column_plan *plan)
{
    const run_entry *e = &a->table->entries[line->entry];
    run_state state = e->row.state;
    bool bad = state == RUN_FAILED || state == RUN_CRASHED || state == RUN_DIVERGED;
    bool away = e->row.archived_ms || e->row.deleted_ms;
    canvas_role role = bad ? ROLE_WARN : away ? ROLE_DIM : ROLE_TEXT;
    int mark = runs_mark(a, e->row.id);
    if (mark >= 0)
        canvas_format(c, 1, y, 1, ROLE_MARK, "%c", mark < 26 ? 'A' + mark : 'a' + mark - 26);
    if (e->row.pinned)
        canvas_text(c, 2, y, 1, ROLE_KEY, "^");
    for (int i = plan->from; i < plan->to; i++) {
        const run_field *field = &a->listing.columns[i];
        run_column column = run_column_of(field);
        char text[1100];
        run_column_text(field, a->table, e, text, sizeof text);
        if (run_field_type(field) == VALUE_TAGS)
            draw_tags(a, e, c, plan->x[i], y, plan->w[i]);
        else if (column.flexible)
            draw_name(a, line, c, plan->x[i], y, plan->w[i], role);
        else if (column.right)
            canvas_right(c, plan->x[i], y, plan->w[i], role, *text ? text : "-");
        else
            canvas_text(c, plan->x[i], y, plan->w[i], role, text);
    }
}

static void draw_line(const app *a, canvas *c, int at, int y, const column_plan *plan)
{
    const run_line *line = &a->listing.lines[at];
    if (line->entry >= 0) {
        draw_run(a, c, line, y, plan);
    } else {
        char text[200];
        run_listing_heading(&a->listing, a->table, line, text, sizeof text);
        canvas_text(c, 1, y, c->clip.w - 1, ROLE_TITLE, text);
    }
    if (at == a->run_list.selected) {
        canvas_text(c, 0, y, 1, ROLE_TEXT, ">");
        canvas_role_fill(c, (canvas_rect){0, y, c->clip.w, 1}, ROLE_SELECT);
        c->cursor_x = c->clip.x, c->cursor_y = c->clip.y + y;
    }
}

static void say_rules(const app *a, char *text, size_t size)
{
    const run_listing *l = &a->listing;
    size_t used = (size_t)snprintf(text, size, "*Runs  %d", l->runs);
    if (l->hidden > 0)
        used += (size_t)snprintf(text + used, size - used, " of %d", l->runs + l->hidden);
    if (l->show != SHOW_CURRENT)
        used += (size_t)snprintf(text + used, size - used, " %s", run_show_name(l->show));
    if (a->mark_count > 0)
        used += (size_t)snprintf(text + used, size - used, ", %d marked", a->mark_count);
    used += (size_t)snprintf(text + used, size - used, "  sort: %s%s", l->descending ? "-" : "",
                             l->sort.name);
    if (l->grouped)
        used += (size_t)snprintf(text + used, size - used, "  group: %s", l->group.name);
    if (l->find[0])
        used += (size_t)snprintf(text + used, size - used, "  words: %s", l->find);
    if (l->filter)
        snprintf(text + used, size - used, "  filter: %s", l->filter_text);
}

static const char *say_nothing(const app *a)
{
    if (!a->store && !a->store_problem[0])
        return "Opening the store ...";
    if (a->listing.hidden > 0)
        return "No run fits; Esc forgets the words, then the filter.";
    if (a->listing.show != SHOW_CURRENT)
        return "Nothing here. H shows the current runs again.";
    if (a->table->count > 0)
        return "Every run is archived or deleted; H shows them.";
    return "No run is recorded yet. t starts a training; every training of this machine that uses "
           "the same store shows up here.";
}

void runs_draw(app *a, canvas *c)
{
    char title[LISTING_FILTER + 400];
    long clipped = c->clipped; /* the Monitor shows long names in full */
    say_rules(a, title, sizeof title);
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, title, a->pick == PICK_NONE);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, c->clip.w - 2, c->clip.h - 2});
    int rows = c->clip.h - 1;
    list_fit(&a->run_list, a->listing.count, rows);
    bool bar = a->listing.count > rows;
    column_plan plan = plan_columns(a, c->clip.w - 1 - bar);
    draw_header(a, c, &plan);
    if (a->listing.count == 0)
        canvas_wrap(c, (canvas_rect){1, 2, c->clip.w - 2, 4}, ROLE_DIM, say_nothing(a));
    for (int i = 0; i < rows && a->run_list.top + i < a->listing.count; i++)
        draw_line(a, c, a->run_list.top + i, 1 + i, &plan);
    list_draw_bar(&a->run_list, c, c->clip.w - 1, 1);
    canvas_pop(c, old);
    if (a->pick != PICK_NONE)
        runs_pick_draw(a, c);
    c->clipped = clipped;
}

void runs_standing(const app *a, char *text, size_t size)
{
    const run_entry *e = runs_selected(a);
    text[0] = '\0';
    if (!e)
        return;
    const run_row *row = &e->row;
    if (row->message[0])
        snprintf(text, size, "%s %s: %s%s%s", row->name, run_state_name(row->state), row->message,
                 row->note[0] ? "  Note: " : "", row->note);
    else if (row->note[0])
        snprintf(text, size, "%s: %s", row->name, row->note);
}

/* --- words ------------------------------------------------------------------------------------ */

static void open_find(app *a)
{
    a->prompting = PROMPT_FIND;
    a->message[0] = '\0';
    prompt_set(&a->line, a->listing.find);
}

void runs_find_key(app *a, const key_event *key)
{
    switch (prompt_key(&a->line, key)) {
    case PROMPT_ACCEPTED:
        a->prompting = PROMPT_NONE;
        break;
    case PROMPT_CANCELED:
        a->prompting = PROMPT_NONE;
        a->listing.find[0] = '\0';
        records_list(a);
        break;
    case PROMPT_CHANGED:
        snprintf(a->listing.find, sizeof a->listing.find, "%.*s",
                 a->line.length < (int)sizeof a->listing.find ? a->line.length : 0, a->line.text);
        records_list(a);
        break;
    case PROMPT_UNUSED:
        list_key(&a->run_list, key); /* arrows look through what fits */
        break;
    case PROMPT_COMPLETE:
        break;
    }
}

bool runs_back(app *a)
{
    if (a->listing.find[0])
        a->listing.find[0] = '\0';
    else if (a->listing.filter)
        run_listing_filter(&a->listing, "", a->table, NULL);
    else
        return false;
    records_list(a);
    return true;
}

/* --- rules ------------------------------------------------------------------------------------ */

static void refused(app *a, const char *what, const nn_error *error)
{
    app_say(a, ROLE_WARN, "%s: %s", what, error->text);
}

/* Without an argument the ':' line opens with what is in force; typed so, it takes the filter away.
 */
static void set_filter(app *a, const char *argument)
{
    nn_error error = {0};
    char line[LISTING_FILTER + 16];
    if (!*argument && !a->typed) {
        const char *text = a->filter_draft[0] ? a->filter_draft : a->listing.filter_text;
        snprintf(line, sizeof line, "filter %s", text);
        app_open_line(a, line);
        return;
    }
    a->filter_draft[0] = '\0';
    if (run_listing_filter(&a->listing, argument, a->table, &error) != NN_OK) {
        snprintf(a->filter_draft, sizeof a->filter_draft, "%.*s", (int)sizeof a->filter_draft - 1,
                 argument);
        app_say(a, ROLE_WARN, "filter: %s. f opens it again.", error.text);
        return;
    }
    records_list(a);
}

/* By the column `by` places from the one that sorts now, in its natural direction. */
static void sort_along(app *a, int by)
{
    run_listing *l = &a->listing;
    int at = by > 0 ? -1 : l->column_count;
    for (int i = 0; i < l->column_count; i++)
        if (strcmp(l->columns[i].name, l->sort.name) == 0)
            at = i;
    at = (at + by + l->column_count) % l->column_count;
    l->sort = l->columns[at];
    l->descending = run_field_descends(&l->sort, a->table);
    if (at < a->first_column)
        a->first_column = at;
    records_list(a);
    list_select(&a->run_list, l->grouped);
}

static void sort_by(app *a, const char *key)
{
    nn_error error = {0};
    if (run_listing_sort(&a->listing, key, a->table, &error) != NN_OK) {
        refused(a, "sort", &error);
        return;
    }
    records_list(a);
    list_select(&a->run_list, a->listing.grouped);
}

static void set_group(app *a, const char *argument)
{
    nn_error error = {0};
    if (!*argument)
        runs_pick(a, PICK_GROUP);
    else if (run_listing_group(&a->listing, strcmp(argument, "none") == 0 ? "" : argument, a->table,
                               &error) != NN_OK)
        refused(a, "group", &error);
    else
        records_list(a);
}

static void set_columns(app *a, const char *argument)
{
    nn_error error = {0};
    if (!*argument)
        runs_pick(a, PICK_COLUMNS);
    else if (run_listing_columns(&a->listing, argument, a->table, &error) != NN_OK)
        refused(a, "columns", &error);
    else
        records_list(a);
}

static void set_show(app *a, const char *argument)
{
    nn_error error = {0};
    if (!*argument)
        a->listing.show = (run_show)((a->listing.show + 1) % SHOW_COUNT);
    else if (run_listing_show(&a->listing, argument, &error) != NN_OK)
        refused(a, "show", &error);
    records_list(a);
    app_say(a, ROLE_TEXT, "%s runs.",
            (const char *const[]){"Current", "Archived", "Deleted",
                                  "Current and archived"}[a->listing.show]);
}

/* "save NAME", "delete NAME" or NAME. */
static void do_view(app *a, const char *argument)
{
    char rules[STORE_VIEW_QUERY];
    if (!*argument) {
        runs_pick(a, PICK_VIEWS);
    } else if (strncmp(argument, "save ", 5) == 0) {
        run_listing_rules(&a->listing, rules, sizeof rules);
        runs_save_view(a, argument + 5, rules);
    } else if (strncmp(argument, "delete ", 7) == 0) {
        runs_save_view(a, argument + 7, NULL);
    } else {
        runs_open_view(a, argument);
    }
}

/* --- marks ------------------------------------------------------------------------------------ */

static void mark_run(app *a, run_id id)
{
    if (a->mark_count == APP_MARKS)
        app_say(a, ROLE_WARN, "%d runs are marked; there are no more letters.", APP_MARKS);
    else
        a->marks[a->mark_count++] = id;
}

static void toggle_mark(app *a)
{
    run_id id = runs_selected(a)->row.id;
    int mark = runs_mark(a, id);
    if (mark < 0)
        mark_run(a, id);
    else
        memmove(&a->marks[mark], &a->marks[mark + 1],
                (size_t)(--a->mark_count - mark) * sizeof *a->marks);
    list_select(&a->run_list, a->run_list.selected + 1);
}

static void mark_all(app *a)
{
    if (a->mark_count > 0) {
        a->mark_count = 0;
        return;
    }
    for (int i = 0; i < a->listing.count && a->mark_count < APP_MARKS; i++)
        if (a->listing.lines[i].entry >= 0)
            mark_run(a, a->table->entries[a->listing.lines[i].entry].row.id);
    if (a->listing.runs > APP_MARKS)
        app_say(a, ROLE_WARN, "The first %d runs are marked.", APP_MARKS);
}

/* --- commands --------------------------------------------------------------------------------- */

static void scroll_columns(app *a, int by)
{
    int to = a->first_column + by;
    if (to >= 0 && to < a->listing.column_count)
        a->first_column = to;
}

static bool do_rule(app *a, command_id what, const char *argument)
{
    switch (what) {
    case DO_FIND:
        open_find(a);
        return true;
    case DO_FILTER:
        set_filter(a, argument);
        return true;
    case DO_SORT:
        if (*argument)
            sort_by(a, argument);
        else
            sort_along(a, 1);
        return true;
    case DO_SORT_BACK:
        sort_along(a, -1);
        return true;
    case DO_REVERSE:
        a->listing.descending = !a->listing.descending;
        records_list(a);
        return true;
    case DO_GROUP:
        set_group(a, argument);
        return true;
    case DO_COLUMNS:
        set_columns(a, argument);
        return true;
    case DO_TREE:
        a->listing.tree = !a->listing.tree;
        records_list(a);
        return true;
    case DO_SHOW:
        set_show(a, argument);
        return true;
    case DO_VIEW:
        do_view(a, argument);
        return true;
    default:
        return false;
    }
}

bool runs_do(app *a, command_id what, const char *argument)
{
    const run_entry *selected = runs_selected(a);
    if (list_do(&a->run_list, what) || do_rule(a, what, argument) || runs_edit(a, what, argument))
        return true;
    switch (what) {
    case DO_OPEN:
        if (selected)
            records_show(a, selected->row.id);
        return true;
    case DO_MARK:
        toggle_mark(a);
        return true;
    case DO_MARK_ALL:
        mark_all(a);
        return true;
    case DO_LEFT:
        scroll_columns(a, -1);
        return true;
    case DO_RIGHT:
        scroll_columns(a, 1);
        return true;
    case DO_RESUME_RUN:
        if (selected)
            training_resume(a, &selected->row);
        return true;
    default:
        return false;
    }
}
