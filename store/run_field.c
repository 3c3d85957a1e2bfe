#include "store/run_field.h"

#include "store/database.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* --- what the row itself holds -----------------------------------------------------------------
 */

typedef struct {
    const char *name;
    run_value_kind type;
    run_value (*value)(const run_row *row);
} row_field;

static run_value number(double value)
{
    return (run_value){isnan(value) ? VALUE_NONE : VALUE_NUMBER, value, NULL};
}
static run_value text(const char *value)
{
    return (run_value){*value ? VALUE_TEXT : VALUE_NONE, NAN, value};
}
static run_value known(int64_t value) /* 0: not known */
{
    return number(value > 0 ? (double)value : (double)NAN);
}

#define NUMBER_FIELD(field)                                                                        \
    static run_value value_##field(const run_row *row)                                             \
    {                                                                                              \
        return number((double)row->field);                                                         \
    }
#define TEXT_FIELD(field)                                                                          \
    static run_value value_##field(const run_row *row)                                             \
    {                                                                                              \
        return text(row->field);                                                                   \
    }
#define KNOWN_FIELD(field)                                                                         \
    static run_value value_##field(const run_row *row)                                             \
    {                                                                                              \
        return known((int64_t)row->field);                                                         \
    }
NUMBER_FIELD(id)
TEXT_FIELD(name)
TEXT_FIELD(data)
TEXT_FIELD(fingerprint)
TEXT_FIELD(model)
TEXT_FIELD(optimizer)
TEXT_FIELD(schedule)
TEXT_FIELD(note)
TEXT_FIELD(message)
KNOWN_FIELD(parent)
NUMBER_FIELD(seed)
NUMBER_FIELD(batch)
NUMBER_FIELD(epoch)
NUMBER_FIELD(epochs)
NUMBER_FIELD(step)
NUMBER_FIELD(total_steps)
NUMBER_FIELD(seconds)
NUMBER_FIELD(examples_per_s)
NUMBER_FIELD(lr)
NUMBER_FIELD(train_loss)
NUMBER_FIELD(train_error)
NUMBER_FIELD(dev_loss)
NUMBER_FIELD(dev_error)
NUMBER_FIELD(best_dev_error)
KNOWN_FIELD(best_epoch)
NUMBER_FIELD(test_error)
NUMBER_FIELD(multiply_adds)
NUMBER_FIELD(latency_ms)
NUMBER_FIELD(shards)
NUMBER_FIELD(threads)
NUMBER_FIELD(pinned)

static run_value value_state(const run_row *row)
{
    return text(run_state_name(row->state));
}
static run_value value_params(const run_row *row)
{
    return number((double)row->parameters);
}
static run_value value_memory(const run_row *row)
{
    return number(row->memory_bytes);
}
static run_value value_started(const run_row *row)
{
    return known(row->started_ms / 1000);
}
static run_value value_ended(const run_row *row)
{
    return known(row->ended_ms / 1000);
}
static run_value value_archived(const run_row *row)
{
    return number(row->archived_ms > 0);
}
static run_value value_deleted(const run_row *row)
{
    return number(row->deleted_ms > 0);
}
static run_value value_tags(const run_row *row)
{
    (void)row;
    return (run_value){VALUE_TAGS, NAN, NULL};
}

static const row_field row_fields[] = {
    {"id", VALUE_NUMBER, value_id},
    {"name", VALUE_TEXT, value_name},
    {"state", VALUE_TEXT, value_state},
    {"tags", VALUE_TAGS, value_tags},
    {"tag", VALUE_TAGS, value_tags},
    {"note", VALUE_TEXT, value_note},
    {"data", VALUE_TEXT, value_data},
    {"fingerprint", VALUE_TEXT, value_fingerprint},
    {"model", VALUE_TEXT, value_model},
    {"optimizer", VALUE_TEXT, value_optimizer},
    {"schedule", VALUE_TEXT, value_schedule},
    {"message", VALUE_TEXT, value_message},
    {"parent", VALUE_NUMBER, value_parent},
    {"seed", VALUE_NUMBER, value_seed},
    {"batch", VALUE_NUMBER, value_batch},
    {"epoch", VALUE_NUMBER, value_epoch},
    {"epochs", VALUE_NUMBER, value_epochs},
    {"step", VALUE_NUMBER, value_step},
    {"total_steps", VALUE_NUMBER, value_total_steps},
    {"started", VALUE_NUMBER, value_started},
    {"ended", VALUE_NUMBER, value_ended},
    {"seconds", VALUE_NUMBER, value_seconds},
    {"duration", VALUE_NUMBER, value_seconds},
    {"examples_per_s", VALUE_NUMBER, value_examples_per_s},
    {"lr", VALUE_NUMBER, value_lr},
    {"train_loss", VALUE_NUMBER, value_train_loss},
    {"train_error", VALUE_NUMBER, value_train_error},
    {"dev_loss", VALUE_NUMBER, value_dev_loss},
    {"dev_error", VALUE_NUMBER, value_dev_error},
    {"best_dev_error", VALUE_NUMBER, value_best_dev_error},
    {"best_epoch", VALUE_NUMBER, value_best_epoch},
    {"test_error", VALUE_NUMBER, value_test_error},
    {"params", VALUE_NUMBER, value_params},
    {"multiply_adds", VALUE_NUMBER, value_multiply_adds},
    {"latency_ms", VALUE_NUMBER, value_latency_ms},
    {"memory", VALUE_NUMBER, value_memory},
    {"shards", VALUE_NUMBER, value_shards},
    {"threads", VALUE_NUMBER, value_threads},
    {"pinned", VALUE_NUMBER, value_pinned},
    {"archived", VALUE_NUMBER, value_archived},
    {"deleted", VALUE_NUMBER, value_deleted},
};
enum { ROW_FIELDS = sizeof row_fields / sizeof *row_fields };

const char *run_field_name(int i)
{
    return i >= 0 && i < ROW_FIELDS ? row_fields[i].name : NULL;
}

static const char *const aspect_names[ASPECTS] = {
    "last", "min", "max", "best", "last_step", "min_step", "max_step", "best_step", "count", "nan"};

const char *metric_aspect_name(metric_aspect aspect)
{
    return aspect_names[aspect];
}

/* --- names ------------------------------------------------------------------------------------ */

/* Edit distance, given up beyond short words. */
static int distance(const char *a, const char *b)
{
    int row[64];
    int n = (int)strlen(b);
    if (n > 62 || strlen(a) > 62)
        return 99;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            int least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

typedef struct {
    const char *word;
    const char *best;
    int least;
} nearest;

static void consider(nearest *n, const char *candidate)
{
    int d = distance(n->word, candidate);
    if (d < n->least) {
        n->least = d;
        n->best = candidate;
    }
}

static nn_status unknown_name(const char *what, nearest *n, const char *prefix, nn_error *error)
{
    char hint[80] = "";
    if (n->best)
        snprintf(hint, sizeof hint, ": did you mean '%s%s'?", prefix, n->best);
    return nn_fail(error, NN_E_MISSING, "%s '%.48s'%s", what, n->word, hint);
}

static int index_of(const run_name *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i].name, name) == 0)
            return i;
    return -1;
}

/* An empty table knows nothing: then everything may come. */
static bool knows(const run_table *table)
{
    return table && table->count > 0;
}

static nn_status parse_param(const char *key, const run_table *table, run_field *field,
                             nn_error *error)
{
    field->kind = FIELD_OF_PARAM;
    field->which = table ? index_of(table->keys, table->key_count, key) : -1;
    if (field->which >= 0 || !knows(table))
        return NN_OK;
    nearest n = {key, NULL, 4};
    for (int i = 0; i < table->key_count; i++)
        consider(&n, table->keys[i].name);
    return unknown_name("no run has a parameter", &n, "", error);
}

static nn_status parse_metric(const char *name, size_t length, const char *aspect,
                              const run_table *table, run_field *field, nn_error *error)
{
    char metric[sizeof field->name], wanted[sizeof field->name];
    snprintf(metric, sizeof metric, "%.*s", (int)length, name);
    snprintf(wanted, sizeof wanted, "%s", aspect);
    for (char *dot = strchr(wanted, '.'); dot; dot = strchr(dot, '.'))
        *dot = '_'; /* best.step is best_step */
    field->kind = FIELD_OF_METRIC;
    field->aspect = ASPECTS;
    nearest n = {wanted, NULL, 3};
    for (int a = 0; a < ASPECTS; a++) {
        if (strcmp(wanted, aspect_names[a]) == 0)
            field->aspect = (metric_aspect)a;
        consider(&n, aspect_names[a]);
    }
    if (field->aspect == ASPECTS)
        return unknown_name("a metric has last, min, max, best, their steps (best_step), count and "
                            "nan, not",
                            &n, "", error);
    field->which = table ? index_of(table->metrics, table->metric_count, metric) : -1;
    if (field->which >= 0 || !table || table->metric_count == 0)
        return NN_OK;
    nearest m = {metric, NULL, 4};
    for (int i = 0; i < table->metric_count; i++)
        consider(&m, table->metrics[i].name);
    return unknown_name("there is no metric", &m, "", error);
}

/* A name without a dot: of the row, a metric's last value, or a parameter. */
static nn_status parse_plain(const char *name, const run_table *table, run_field *field,
                             nn_error *error)
{
    for (int i = 0; i < ROW_FIELDS; i++)
        if (strcmp(name, row_fields[i].name) == 0) {
            field->kind = FIELD_OF_ROW;
            field->which = i;
            return NN_OK;
        }
    if (table && index_of(table->metrics, table->metric_count, name) >= 0)
        return parse_metric(name, strlen(name), "last", table, field, error);
    if (table && index_of(table->keys, table->key_count, name) >= 0)
        return parse_param(name, table, field, error);
    if (!knows(table))
        return parse_param(name, NULL, field, error);
    nearest n = {name, NULL, 4};
    for (int i = 0; i < ROW_FIELDS; i++)
        consider(&n, row_fields[i].name);
    for (int i = 0; i < table->metric_count; i++)
        consider(&n, table->metrics[i].name);
    for (int i = 0; i < table->key_count; i++)
        consider(&n, table->keys[i].name);
    return unknown_name("runs have no", &n, "", error);
}

nn_status run_field_parse(const char *name, const run_table *table, run_field *field,
                          nn_error *error)
{
    memset(field, 0, sizeof *field);
    field->which = -1;
    if (!*name || strlen(name) >= sizeof field->name)
        return nn_fail(error, NN_E_ARG, "'%.48s%s': expected a name of 1 to %zu bytes", name,
                       *name ? "..." : "", sizeof field->name - 1);
    snprintf(field->name, sizeof field->name, "%s", name);
    const char *dot = strchr(name, '.');
    if (!dot)
        return parse_plain(name, table, field, error);
    if (strncmp(name, "param.", 6) == 0)
        return parse_param(name + 6, table, field, error);
    return parse_metric(name, (size_t)(dot - name), dot + 1, table, field, error);
}

/* --- values ----------------------------------------------------------------------------------- */

run_value_kind run_field_type(const run_field *field)
{
    if (field->kind == FIELD_OF_ROW)
        return row_fields[field->which].type;
    return field->kind == FIELD_OF_METRIC ? VALUE_NUMBER : VALUE_NONE;
}

/* Bare name of a metric or parameter that no run had when the field was parsed. */
static int late_index(const run_field *field, const run_name *names, int count)
{
    char name[sizeof field->name];
    bool param = strncmp(field->name, "param.", 6) == 0;
    snprintf(name, sizeof name, "%s", field->name + (param ? 6 : 0));
    if (field->kind == FIELD_OF_METRIC)
        name[strcspn(name, ".")] = '\0';
    return index_of(names, count, name);
}

static run_value param_value(const run_field *field, const run_table *table, const run_entry *e)
{
    int key = field->which >= 0 ? field->which : late_index(field, table->keys, table->key_count);
    const run_fact *fact = key >= 0 ? run_entry_fact(e, key) : NULL;
    if (!fact)
        return (run_value){VALUE_NONE, NAN, NULL};
    return fact->is_number ? number(fact->number) : text(fact->text);
}

static run_value metric_value(const run_field *field, const run_table *table, const run_entry *e)
{
    int metric =
        field->which >= 0 ? field->which : late_index(field, table->metrics, table->metric_count);
    const run_measure *m = metric >= 0 ? run_entry_measure(e, metric) : NULL;
    if (!m)
        return (run_value){VALUE_NONE, NAN, NULL};
    int goal = table->metrics[metric].goal;
    bool finite = m->count > m->nan_count;
    switch (field->aspect) {
    case ASPECT_LAST:
        return number(m->last);
    case ASPECT_MIN:
        return number(m->min);
    case ASPECT_MAX:
        return number(m->max);
    case ASPECT_BEST:
        return number(goal < 0 ? m->min : goal > 0 ? m->max : (double)NAN);
    case ASPECT_LAST_STEP:
        return number((double)m->last_step);
    case ASPECT_MIN_STEP:
        return number(finite ? (double)m->min_step : (double)NAN);
    case ASPECT_MAX_STEP:
        return number(finite ? (double)m->max_step : (double)NAN);
    case ASPECT_BEST_STEP:
        return number(!finite || goal == 0 ? (double)NAN
                      : goal < 0           ? (double)m->min_step
                                           : (double)m->max_step);
    case ASPECT_COUNT:
        return number((double)m->count);
    case ASPECT_NAN:
        return number((double)m->nan_count);
    case ASPECTS:
        break;
    }
    return (run_value){VALUE_NONE, NAN, NULL};
}

run_value run_field_value(const run_field *field, const run_table *table, const run_entry *entry)
{
    if (field->kind == FIELD_OF_PARAM)
        return param_value(field, table, entry);
    if (field->kind == FIELD_OF_METRIC)
        return metric_value(field, table, entry);
    run_value value = row_fields[field->which].value(&entry->row);
    if (value.kind == VALUE_TAGS && entry->tag_count == 0)
        value.kind = VALUE_NONE;
    else if (value.kind == VALUE_TAGS)
        value.text = table->tags[entry->tags[0]].name;
    return value;
}

int run_value_compare(const run_value *a, const run_value *b, bool descending)
{
    bool missing_a = a->kind == VALUE_NONE, missing_b = b->kind == VALUE_NONE;
    if (missing_a || missing_b)
        return missing_a - missing_b;
    bool number_a = a->kind == VALUE_NUMBER, number_b = b->kind == VALUE_NUMBER;
    int order;
    if (number_a != number_b)
        order = number_b - number_a;
    else if (number_a)
        order = (a->number > b->number) - (a->number < b->number);
    else
        order = strcasecmp(a->text, b->text);
    return descending ? -order : order;
}
