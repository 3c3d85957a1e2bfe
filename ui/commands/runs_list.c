/* `gradus runs list`. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/runs.h"
#include "ui/run_column.h"
#include "ui/run_listing.h"

#include <stdlib.h>
#include <string.h>

static const char *const usual_columns =
    "id,name,state,epoch,train_error,best_dev_error,test_error,started";

/* --- the rules -------------------------------------------------------------------------------- */

static nn_status apply_view(store *s, const char *name, run_listing *l, const run_table *table,
                            nn_error *error)
{
    saved_view *views = NULL;
    int count = 0;
    nn_status status = store_views(s, "runs", &views, &count, error);
    const char *names[64], *rules = NULL;
    for (int i = 0; i < count; i++) {
        if (i < 64)
            names[i] = views[i].name;
        if (strcmp(views[i].name, name) == 0)
            rules = views[i].query;
    }
    if (status == NN_OK && rules) {
        status = run_listing_apply(l, rules, table, error);
    } else if (status == NN_OK) {
        const char *near = nearest_word(name, names, count < 64 ? count : 64);
        status = nn_fail(error, NN_E_MISSING, "no view is called '%.47s'%s%s%s", name,
                         near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    free(views);
    return status;
}

/* What the options say, over what the view says. Names the option that is refused. */
static nn_status set_rules(store *s, const runs_settings *o, run_listing *l, const run_table *table,
                           const char **which, nn_error *error)
{
    nn_status status = NN_OK;
    *which = "view";
    if (o->view)
        status = apply_view(s, o->view, l, table, error);
    if (status == NN_OK && o->filter) {
        *which = "filter";
        status = run_listing_filter(l, o->filter, table, error);
    }
    if (status == NN_OK && o->sort) {
        *which = "sort";
        status = run_listing_sort(l, o->sort, table, error);
    }
    if (status == NN_OK && o->group) {
        *which = "group";
        status = run_listing_group(l, o->group, table, error);
    }
    if (status == NN_OK && o->columns) {
        *which = "columns";
        status = run_listing_columns(l, o->columns, table, error);
    }
    l->tree = l->tree || o->tree;
    l->show = o->deleted ? SHOW_DELETED : o->archived ? SHOW_ARCHIVED : o->all ? SHOW_ALL : l->show;
    return status;
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void json_value(json_out *json, const char *key, const run_field *field,
                       const run_table *table, const run_entry *e)
{
    run_value value = run_field_value(field, table, e);
    char text[512];
    switch (value.kind) {
    case VALUE_NUMBER:
        json_number(json, key, value.number);
        break;
    case VALUE_TEXT:
        json_text(json, key, value.text);
        break;
    case VALUE_TAGS:
        run_column_text(field, table, e, text, sizeof text);
        json_text(json, key, text);
        break;
    case VALUE_NONE:
        json_null(json, key);
        break;
    }
}

static void json_run(json_out *json, const run_listing *l, const run_table *table,
                     const run_line *line, bool columns)
{
    const run_entry *e = &table->entries[line->entry];
    json_open(json, NULL, '{');
    runs_json_row(json, &e->row);
    json_open(json, "tags", '[');
    for (int i = 0; i < e->tag_count; i++)
        json_text(json, NULL, table->tags[e->tags[i]].name);
    json_close(json, ']');
    if (l->grouped)
        json_value(json, "group", &l->group, table, e);
    if (l->tree)
        json_whole(json, "depth", line->depth);
    if (columns) {
        json_open(json, "columns", '{');
        for (int i = 0; i < l->column_count; i++)
            json_value(json, l->columns[i].name, &l->columns[i], table, e);
        json_close(json, '}');
    }
    json_close(json, '}');
}

static bool write_json(store *s, const run_listing *l, const run_table *table, bool columns)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "store", store_path(s));
    json_open(&json, "runs", '[');
    for (int i = 0; i < l->count; i++)
        if (l->lines[i].entry >= 0)
            json_run(&json, l, table, &l->lines[i], columns);
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json);
}

/* --- text ------------------------------------------------------------------------------------- */

enum { NAME_COLUMNS = 28 };

static void print_column(const run_column *column, const char *text, bool last)
{
    int columns = column->flexible ? NAME_COLUMNS : column->columns;
    if (column->right) /* numbers are ASCII; what is too long stays whole */
        printf("%*s", columns, text);
    else
        print_cell(text, last ? 0 : columns);
    fputs(last ? "\n" : "  ", stdout);
}

static void print_line(const run_listing *l, const run_table *table, const run_line *line)
{
    char text[1200], heading[256];
    if (line && line->entry < 0) {
        run_listing_heading(l, table, line, heading, sizeof heading);
        print_cell(heading, 0);
        putchar('\n');
        return;
    }
    for (int i = 0; i < l->column_count; i++) {
        run_column column = run_column_of(&l->columns[i]);
        int indent = line && column.flexible ? 2 * line->depth : 0;
        indent = indent > 20 ? 20 : indent;
        memset(text, ' ', (size_t)indent);
        if (line)
            run_column_text(&l->columns[i], table, &table->entries[line->entry], text + indent,
                            sizeof text - (size_t)indent);
        else
            snprintf(text, sizeof text, "%s", column.title);
        if (line && !text[indent])
            snprintf(text, sizeof text, "-");
        print_column(&column, text, i == l->column_count - 1);
    }
}

static bool print_list(const run_listing *l, const run_table *table)
{
    if (table->count == 0)
        puts("No runs yet. Start one: gradus train");
    else if (l->count == 0)
        puts(l->hidden > 0 ? "No run fits the filter."
                           : "No runs here; --all shows archived ones.");
    else
        print_line(l, table, NULL);
    for (int i = 0; i < l->count; i++)
        print_line(l, table, &l->lines[i]);
    return fflush(stdout) == 0;
}

int runs_list(store *s, const runs_settings *settings, const arguments *found)
{
    nn_error error = {0};
    run_listing listing = {0};
    const char *which = NULL;
    bool columns = option_given(&command_runs, found, "columns");
    run_table *table = run_table_new();
    int status = EXIT_FAILED;
    if (!table || run_table_read(table, s, &error) != NN_OK ||
        run_listing_init(&listing, &error) != NN_OK ||
        run_listing_columns(&listing, usual_columns, table, &error) != NN_OK) {
        complain("%s", table ? error.text : "out of memory");
    } else if (set_rules(s, settings, &listing, table, &which, &error) != NN_OK) {
        status = wrong_usage(&command_runs, "--%s: %s", which, error.text);
    } else if (run_listing_update(&listing, table, &error) != NN_OK) {
        complain("%s", error.text);
    } else {
        bool written =
            settings->json ? write_json(s, &listing, table, columns) : print_list(&listing, table);
        status = written ? EXIT_OK : EXIT_FAILED;
    }
    run_listing_free(&listing);
    run_table_free(table);
    return status;
}
