#include "ui/run_column.h"

#include "ui/panels/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef enum {
    AS_TEXT,
    AS_WHOLE,
    AS_NUMBER,
    AS_CHOSEN, /* a parameter: as it was given */
    AS_PERCENT,
    AS_COUNT,
    AS_DURATION,
    AS_TIME,
    AS_BYTES,
    AS_FLAG,
    AS_EPOCHS,
    AS_FILE,
    AS_TAGS
} column_form;

static const struct {
    const char *name, *title;
    int columns;
    column_form form;
} known[] = {
    {"id", "id", 4, AS_WHOLE},
    {"name", "name", 12, AS_TEXT},
    {"state", "state", 9, AS_TEXT},
    {"tags", "tags", 14, AS_TAGS},
    {"tag", "tags", 14, AS_TAGS},
    {"note", "note", 24, AS_TEXT},
    {"data", "data", 14, AS_FILE},
    {"fingerprint", "fingerprint", 16, AS_TEXT},
    {"model", "model", 16, AS_TEXT},
    {"optimizer", "optimizer", 9, AS_TEXT},
    {"schedule", "schedule", 16, AS_TEXT},
    {"message", "message", 30, AS_TEXT},
    {"parent", "parent", 6, AS_WHOLE},
    {"seed", "seed", 6, AS_WHOLE},
    {"batch", "batch", 5, AS_WHOLE},
    {"epoch", "epoch", 7, AS_EPOCHS},
    {"epochs", "epochs", 6, AS_WHOLE},
    {"step", "step", 8, AS_WHOLE},
    {"total_steps", "steps", 8, AS_WHOLE},
    {"started", "started", 16, AS_TIME},
    {"ended", "ended", 16, AS_TIME},
    {"seconds", "time", 11, AS_DURATION},
    {"duration", "time", 11, AS_DURATION},
    {"examples_per_s", "ex/s", 8, AS_COUNT},
    {"lr", "rate", 8, AS_NUMBER},
    {"train_loss", "train loss", 10, AS_NUMBER},
    {"train_error", "train %", 7, AS_PERCENT},
    {"dev_loss", "dev loss", 8, AS_NUMBER},
    {"dev_error", "last dev %", 10, AS_PERCENT},
    {"best_dev_error", "dev %", 6, AS_PERCENT},
    {"best_epoch", "best at", 7, AS_WHOLE},
    {"test_error", "test %", 6, AS_PERCENT},
    {"params", "params", 8, AS_COUNT},
    {"multiply_adds", "mul-adds", 8, AS_COUNT},
    {"latency_ms", "latency ms", 10, AS_NUMBER},
    {"memory", "memory", 8, AS_BYTES},
    {"shards", "shards", 6, AS_WHOLE},
    {"threads", "threads", 7, AS_WHOLE},
    {"pinned", "pinned", 6, AS_FLAG},
    {"archived", "archived", 8, AS_FLAG},
    {"deleted", "deleted", 7, AS_FLAG},
};

/* Fields of a row have their forms above; errors of metrics are shares. */
static column_form form_of(const run_field *field, int *at)
{
    *at = -1;
    for (int i = 0; field->kind == FIELD_OF_ROW && i < (int)(sizeof known / sizeof *known); i++)
        if (strcmp(known[i].name, field->name) == 0) {
            *at = i;
            return known[i].form;
        }
    if (field->kind == FIELD_OF_PARAM)
        return AS_CHOSEN;
    if (field->aspect >= ASPECT_LAST_STEP)
        return AS_WHOLE;
    size_t length = strcspn(field->name, ".");
    return length >= 5 && strncmp(field->name + length - 5, "error", 5) == 0 ? AS_PERCENT
                                                                             : AS_NUMBER;
}

run_column run_column_of(const run_field *field)
{
    int at;
    run_column column = {.right = true};
    column_form form = form_of(field, &at);
    const char *name = field->name;
    if (at >= 0) {
        snprintf(column.title, sizeof column.title, "%s", known[at].title);
        column.columns = known[at].columns;
        column.right = form != AS_TEXT && form != AS_TAGS && form != AS_FILE;
        column.flexible = strcmp(known[at].name, "name") == 0;
        return column;
    }
    if (strncmp(name, "param.", 6) == 0)
        name += 6;
    snprintf(column.title, sizeof column.title, "%.44s%s", name, form == AS_PERCENT ? " %" : "");
    int length = (int)strlen(column.title);
    column.columns = length < 7 ? 7 : length > 18 ? 18 : length;
    return column;
}

/* --- texts ------------------------------------------------------------------------------------ */

static void time_text(char *text, size_t size, double seconds)
{
    time_t when = (time_t)seconds;
    struct tm local;
    if (!localtime_r(&when, &local) || strftime(text, size, "%Y-%m-%d %H:%M", &local) == 0)
        text[0] = '\0';
}

static void number_text(column_form form, double number, const run_row *row, char *text,
                        size_t size)
{
    switch (form) {
    case AS_PERCENT:
        format_percent(text, size, number);
        break;
    case AS_COUNT:
        format_count(text, size, number);
        break;
    case AS_DURATION:
        format_duration(text, size, number);
        break;
    case AS_TIME:
        time_text(text, size, number);
        break;
    case AS_FLAG:
        snprintf(text, size, "%s", number != 0 ? "yes" : "");
        break;
    case AS_EPOCHS:
        snprintf(text, size, "%d/%d", row->epoch, row->epochs);
        break;
    case AS_BYTES:
        snprintf(text, size, number < 1e6 ? "%.0f kB" : "%.1f MB",
                 number < 1e6 ? number / 1e3 : number / 1e6);
        break;
    case AS_CHOSEN:
        snprintf(text, size, "%.7g", number);
        break;
    case AS_WHOLE:
        snprintf(text, size, "%.0f", number);
        break;
    case AS_NUMBER:
    case AS_TEXT:
    case AS_FILE:
    case AS_TAGS:
        format_number(text, size, number);
        break;
    }
}

static void tags_text(const run_table *table, const run_entry *e, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < e->tag_count && used + 1 < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? " %s" : "%s",
                                 table->tags[e->tags[i]].name);
}

void run_column_text(const run_field *field, const run_table *table, const run_entry *entry,
                     char *text, size_t size)
{
    int at;
    column_form form = form_of(field, &at);
    run_value value = run_field_value(field, table, entry);
    text[0] = '\0';
    if (form == AS_WHOLE && field->kind == FIELD_OF_ROW && strcmp(field->name, "seed") == 0) {
        snprintf(text, size, "%llu", (unsigned long long)entry->row.seed); /* all 64 bits */
    } else if (value.kind == VALUE_TAGS) {
        tags_text(table, entry, text, size);
    } else if (value.kind == VALUE_TEXT) {
        const char *file = form == AS_FILE ? strrchr(value.text, '/') : NULL;
        snprintf(text, size, "%s", file && file[1] ? file + 1 : value.text);
    } else if (value.kind == VALUE_NUMBER) {
        number_text(form, value.number, &entry->row, text, size);
    }
}
