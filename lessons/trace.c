/* Recording a worked example, running it again with other inputs, and checking its gradients. */
#include "lessons/trace.h"

#include "engine/number.h"
#include "lessons/name.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 12, EDITS = 256 };

typedef struct {
    char name[TRACE_NAME];
    int element; /* from 0 */
    double value;
} edit;

struct lesson_trace {
    void (*record)(lesson_trace *t);
    trace_entry entry[TRACE_VALUES];
    int count;
    lesson_text part[PARTS];
    int parts;
    edit edits[EDITS];
    int edit_count;
    const char *nudged; /* the value that a finite-difference check moves; NULL: none */
    int nudged_element;
    double nudge;
    nn_error error; /* the first one of this run */
};

/* --- recording ----------------------------------------------------------------------------------
 */

static void refuse(lesson_trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void refuse(lesson_trace *t, const char *format, ...)
{
    char text[256];
    va_list list;
    if (t->error.code != NN_OK)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)nn_fail(&t->error, NN_E_ARG, "%s", text);
}

void trace_part(lesson_trace *t, lesson_text title)
{
    if (t->parts < PARTS)
        t->part[t->parts++] = title;
    else
        refuse(t, "trace: more than %d parts", PARTS);
}

/* A new entry with `values` (rows x columns numbers, or NULL: the one at `value`); NULL when it is
 * refused. */
static trace_entry *add(lesson_trace *t, const char *name, double value, const double *values,
                        int rows, int columns)
{
    rows = rows > 0 ? rows : 1;
    columns = columns > 0 ? columns : 1;
    if (!name || lesson_name_length(name) != strlen(name) || strlen(name) >= TRACE_NAME)
        refuse(t, "trace: name '%.40s'; expected a letter, then letters, digits or _, under %d",
               name ? name : "", TRACE_NAME);
    else if (trace_find(t, name))
        refuse(t, "trace: '%s' is recorded twice", name);
    else if (t->count == TRACE_VALUES)
        refuse(t, "trace: '%s' is one value too many; at most %d", name, TRACE_VALUES);
    else if ((int64_t)rows * columns > TRACE_NUMBERS)
        refuse(t, "trace: '%s' has %dx%d numbers; at most %d", name, rows, columns, TRACE_NUMBERS);
    if (t->error.code != NN_OK || !name)
        return NULL;
    size_t count = (size_t)rows * (size_t)columns;
    double *copy = malloc(count * sizeof *copy);
    if (!copy) {
        (void)nn_fail(&t->error, NN_E_NOMEM, "trace: no memory for '%s'", name);
        return NULL;
    }
    memcpy(copy, values ? values : &value, values ? count * sizeof *copy : sizeof *copy);
    trace_entry *entry = &t->entry[t->count++];
    *entry = (trace_entry){.scalar = !values, .rows = rows, .columns = columns, .values = copy};
    memcpy(entry->name, name, strlen(name) + 1);
    entry->part = t->parts - 1;
    return entry;
}

static void nudge(const lesson_trace *t, trace_entry *entry, double *copy)
{
    if (t->nudged && strcmp(t->nudged, entry->name) == 0)
        copy[t->nudged_element] += t->nudge;
}

static int entry_size(const trace_entry *entry)
{
    return entry->rows * entry->columns;
}

/* The numbers of an entry while they may still change: it owns them. */
static double *own(const trace_entry *entry)
{
    return (double *)(uintptr_t)entry->values;
}

double trace_give(lesson_trace *t, const trace_given *given)
{
    trace_entry *entry =
        add(t, given->name, given->value, given->values, given->rows, given->columns);
    if (!entry)
        return given->value;
    entry->input = true;
    entry->given = *given;
    entry->given.values = NULL; /* the lesson's buffer is gone when its function has returned */
    for (int i = 0; i < t->edit_count; i++)
        if (strcmp(t->edits[i].name, entry->name) == 0)
            own(entry)[t->edits[i].element] = t->edits[i].value;
    nudge(t, entry, own(entry));
    if (given->values)
        memcpy(given->values, entry->values, (size_t)entry_size(entry) * sizeof(double));
    return entry->values[0];
}

double trace_record(lesson_trace *t, const trace_note *note)
{
    trace_entry *entry = add(t, note->name, note->value, note->values, note->rows, note->columns);
    if (!entry)
        return note->value;
    entry->note = *note;
    entry->note.values = NULL;
    nudge(t, entry, own(entry));
    if (note->values)
        memcpy(note->values, entry->values, (size_t)entry_size(entry) * sizeof(double));
    return entry->values[0];
}

/* --- running ------------------------------------------------------------------------------------
 */

static void forget(lesson_trace *t)
{
    for (int i = 0; i < t->count; i++)
        free(own(&t->entry[i]));
    t->count = t->parts = 0;
    t->error = (nn_error){NN_OK, ""};
}

static nn_status run(lesson_trace *t, nn_error *error)
{
    forget(t);
    t->record(t);
    if (t->error.code == NN_OK && t->count == 0)
        return nn_fail(error, NN_E_ARG, "trace: it records nothing");
    return t->error.code == NN_OK ? NN_OK : nn_fail(error, t->error.code, "%s", t->error.text);
}

/* The same computation with `t`'s edits and, where `nudged`, one value moved. */
static lesson_trace *rerun(const lesson_trace *t, const char *nudged, int element, double amount,
                           nn_error *error)
{
    lesson_trace *other = calloc(1, sizeof *other);
    if (!other) {
        nn_fail(error, NN_E_NOMEM, "trace: no memory");
        return NULL;
    }
    other->record = t->record;
    memcpy(other->edits, t->edits, sizeof t->edits);
    other->edit_count = t->edit_count;
    other->nudged = nudged;
    other->nudged_element = element;
    other->nudge = amount;
    if (run(other, error) == NN_OK)
        return other;
    trace_free(other);
    return NULL;
}

lesson_trace *trace_run(void (*record)(lesson_trace *t), nn_error *error)
{
    if (!record) {
        nn_fail(error, NN_E_ARG, "trace: there is no function to run");
        return NULL;
    }
    lesson_trace *t = calloc(1, sizeof *t);
    if (!t) {
        nn_fail(error, NN_E_NOMEM, "trace: no memory");
        return NULL;
    }
    t->record = record;
    if (run(t, error) == NN_OK)
        return t;
    trace_free(t);
    return NULL;
}

void trace_free(lesson_trace *t)
{
    if (t)
        forget(t);
    free(t);
}

int trace_count(const lesson_trace *t)
{
    return t->count;
}

const trace_entry *trace_at(const lesson_trace *t, int i)
{
    return i >= 0 && i < t->count ? &t->entry[i] : NULL;
}

const trace_entry *trace_find(const lesson_trace *t, const char *name)
{
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->entry[i].name, name) == 0)
            return &t->entry[i];
    return NULL;
}

lesson_text trace_part_title(const lesson_trace *t, int part)
{
    return part >= 0 && part < t->parts ? t->part[part] : (lesson_text){"", ""};
}

/* --- editing ------------------------------------------------------------------------------------
 */

/* "x", "x[2]", "W[1,2]": the input and which of its numbers. */
static nn_status find_number(const lesson_trace *t, const char *text, const trace_entry **entry,
                             int *element, nn_error *error)
{
    char name[TRACE_NAME];
    size_t length = lesson_name_length(text);
    int row = 1, column = 1, end = 0;
    if (length == 0 || length >= TRACE_NAME)
        return nn_fail(error, NN_E_ARG, "'%.40s': expected the name of an input", text);
    memcpy(name, text, length);
    name[length] = '\0';
    *entry = trace_find(t, name);
    if (!*entry || !(*entry)->input)
        return nn_fail(error, NN_E_MISSING, "'%s' is no input of this example", name);
    const char *rest = text + length;
    if (*rest && (sscanf(rest, "[%d,%d]%n", &row, &column, &end) < 2 || rest[end])) {
        end = 0;
        column = 1;
        if (sscanf(rest, "[%d]%n", &row, &end) < 1 || end == 0 || rest[end])
            return nn_fail(error, NN_E_ARG, "'%.40s': expected %s[1] or %s[1,1]", text, name, name);
        if ((*entry)->rows == 1) {
            column = row;
            row = 1;
        }
    }
    if (row < 1 || row > (*entry)->rows || column < 1 || column > (*entry)->columns)
        return nn_fail(error, NN_E_ARG, "'%.40s': '%s' is %dx%d", text, name, (*entry)->rows,
                       (*entry)->columns);
    *element = (row - 1) * (*entry)->columns + column - 1;
    return NN_OK;
}

static nn_status check_range(const trace_given *given, double value, nn_error *error)
{
    if (!isfinite(value))
        return nn_fail(error, NN_E_ARG, "%s: expected a finite number", given->name);
    if ((given->least != 0 || given->most != 0) && (value < given->least || value > given->most))
        return nn_fail(error, NN_E_ARG, "%s = %g: expected %g to %g", given->name, value,
                       given->least, given->most);
    if (given->whole && value != floor(value))
        return nn_fail(error, NN_E_ARG, "%s = %g: expected a whole number", given->name, value);
    return NN_OK;
}

/* Notes the edit; nothing is computed yet. */
static nn_status note_edit(lesson_trace *t, const char *name, double value, nn_error *error)
{
    const trace_entry *entry = NULL;
    int element = 0;
    nn_status status = find_number(t, name, &entry, &element, error);
    if (status == NN_OK)
        status = check_range(&entry->given, value, error);
    if (status != NN_OK)
        return status;
    int at = 0;
    while (at < t->edit_count &&
           (strcmp(t->edits[at].name, entry->name) != 0 || t->edits[at].element != element))
        at++;
    if (at == EDITS)
        return nn_fail(error, NN_E_ARG, "more than %d edited numbers; reset some", EDITS);
    t->edit_count = at == t->edit_count ? at + 1 : t->edit_count;
    memcpy(t->edits[at].name, entry->name, TRACE_NAME);
    t->edits[at].element = element;
    t->edits[at].value = value;
    return NN_OK;
}

/* Takes over what `other` computed. */
static void replace(lesson_trace *t, lesson_trace *other)
{
    forget(t);
    *t = *other;
    free(other);
}

nn_status trace_set(lesson_trace *t, const char *name, double value, nn_error *error)
{
    char text[TRACE_NAME + 64];
    if (snprintf(text, sizeof text, "%s=%.17g", name, value) >= (int)sizeof text)
        return nn_fail(error, NN_E_ARG, "'%.40s...': expected the name of an input", name);
    return trace_set_all(t, text, error);
}

/* One "name=value" of `length` bytes. */
static nn_status read_edit(lesson_trace *t, const char *word, size_t length, nn_error *error)
{
    char text[160];
    double value;
    if (length >= sizeof text)
        return nn_fail(error, NN_E_ARG, "'%.40s...': expected NAME=VALUE", word);
    memcpy(text, word, length);
    text[length] = '\0';
    char *sign = strchr(text, '=');
    if (!sign)
        return nn_fail(error, NN_E_ARG, "'%s': expected NAME=VALUE", text);
    *sign = '\0';
    if (!nn_parse_number(sign + 1, &value))
        return nn_fail(error, NN_E_ARG, "%s = '%s': expected a number", text, sign + 1);
    return note_edit(t, text, value, error);
}

nn_status trace_set_all(lesson_trace *t, const char *assignments, nn_error *error)
{
    lesson_trace *other = rerun(t, NULL, 0, 0, error);
    if (!other)
        return error ? error->code : NN_E_NOMEM;
    nn_status status = NN_OK;
    for (const char *at = assignments; at && *at && status == NN_OK;) {
        at += strspn(at, " ");
        size_t length = strcspn(at, " ");
        if (length > 0)
            status = read_edit(other, at, length, error);
        at += length;
    }
    if (status == NN_OK)
        status = run(other, error);
    if (status == NN_OK)
        replace(t, other);
    else
        trace_free(other);
    return status;
}

nn_status trace_reset(lesson_trace *t, nn_error *error)
{
    t->edit_count = 0;
    return run(t, error);
}

/* --- numbers in it ------------------------------------------------------------------------------
 */

typedef struct {
    char *text;
    size_t size, used;
} sink;

static void put(sink *out, const char *bytes, size_t count)
{
    if (out->used + count < out->size) {
        memcpy(out->text + out->used, bytes, count);
        out->used += count;
    }
    out->text[out->used] = '\0';
}

/* "w1" of a vector w is its first number, "W12" of a matrix that in row 1 and column 2. */
static bool element_of(const lesson_trace *t, char name[TRACE_NAME], const trace_entry **entry,
                       int *row, int *column)
{
    size_t length = strlen(name);
    size_t digits = 0;
    while (digits < length && name[length - 1 - digits] >= '1' && name[length - 1 - digits] <= '9')
        digits++;
    if (digits < 1 || digits > 2 || digits == length)
        return false;
    int last = name[length - 1] - '0', first = name[length - digits] - '0';
    name[length - digits] = '\0';
    *entry = trace_find(t, name);
    if (!*entry || (*entry)->scalar)
        return false;
    bool matrix = (*entry)->rows > 1 && (*entry)->columns > 1;
    if (matrix != (digits == 2))
        return false;
    *row = matrix || (*entry)->rows > 1 ? first : 1;
    *column = matrix || (*entry)->rows == 1 ? last : 1;
    return true;
}

/* The value that the name at `at` stands for, if it is a number known before `step`; *length: bytes
 * of the name with its index. */
static bool number_at(const lesson_trace *t, const trace_entry *step, const char *at,
                      size_t *length, double *value)
{
    char name[TRACE_NAME];
    *length = lesson_pretty_name(at, name, sizeof name);
    const trace_entry *entry = *length ? trace_find(t, name) : NULL;
    int row = 1, column = 1, end = 0;
    if (!entry && *length > 0 && element_of(t, name, &entry, &row, &column)) {
        if (entry >= step || row > entry->rows || column > entry->columns)
            return false;
        *value = entry->values[(row - 1) * entry->columns + column - 1];
        return true;
    }
    if (!entry || entry >= step)
        return false;
    const char *rest = at + *length;
    if (sscanf(rest, "[%d,%d]%n", &row, &column, &end) < 2 || end == 0) {
        end = 0;
        if (sscanf(rest, "[%d]%n", &row, &end) == 1 && end > 0 && entry->rows == 1) {
            column = row;
            row = 1;
        }
    }
    if ((end == 0 && !entry->scalar) || row < 1 || row > entry->rows || column < 1 ||
        column > entry->columns)
        return false;
    *length += (size_t)end;
    *value = entry->values[(row - 1) * entry->columns + column - 1];
    return true;
}

static bool follows(const char *start, const char *at, const char *what)
{
    size_t length = strlen(what);
    return (size_t)(at - start) >= length && memcmp(at - length, what, length) == 0;
}

const char *trace_numbers(const lesson_trace *t, const trace_entry *step, char *text, size_t size)
{
    sink out = {text, size, 0};
    text[0] = '\0';
    const char *formula = step->note.formula ? step->note.formula : "";
    const char *at = strchr(formula, '='), *arrow = strstr(formula, "←");
    at = arrow && (!at || arrow < at) ? arrow + strlen("←") : at ? at + 1 : formula;
    put(&out, formula, (size_t)(at - formula));
    const char *right = at;
    while (*at) {
        char number[NN_NUMBER_TEXT + 2];
        size_t length;
        double value;
        bool known = number_at(t, step, at, &length, &value) && !follows(right, at, "∂");
        if (known) {
            bool bare = at - right <= 1 || value >= 0 || (at[-1] == '(' && at[length] == ')');
            snprintf(number, sizeof number, bare ? "%.6g" : "(%.6g)", value);
            put(&out, number, strlen(number));
        } else {
            length = length > 0 ? length : 1;
            put(&out, at, length);
        }
        at += length;
    }
    return text;
}

/* --- slopes -------------------------------------------------------------------------------------
 */

static nn_status value_of(const lesson_trace *t, const char *of, const char *by, int element,
                          double nudge_by, double *value, nn_error *error)
{
    lesson_trace *other = rerun(t, by, element, nudge_by, error);
    if (!other)
        return error ? error->code : NN_E_NOMEM;
    const trace_entry *entry = trace_find(other, of);
    *value = entry ? entry->values[0] : NAN;
    trace_free(other);
    return NN_OK;
}

/* (f(x+h) - f(x-h)) / 2h with Richardson's extrapolation from h and h/2: error of order h^4. */
static nn_status measure(const lesson_trace *t, const trace_note *note, int element, double at,
                         double *slope, nn_error *error)
{
    double estimate[2], h = 1e-3 * fmax(1, fabs(at));
    for (int i = 0; i < 2; i++, h /= 2) {
        double high = NAN, low = NAN;
        nn_status status = value_of(t, note->of, note->by, element, h, &high, error);
        if (status == NN_OK)
            status = value_of(t, note->of, note->by, element, -h, &low, error);
        if (status != NN_OK)
            return status;
        estimate[i] = (high - low) / (2 * h);
    }
    *slope = (4 * estimate[1] - estimate[0]) / 3;
    return NN_OK;
}

nn_status trace_check_slope(const lesson_trace *t, const trace_entry *step, trace_slope *slope,
                            nn_error *error)
{
    const trace_note *note = &step->note;
    if (!note->of || !note->by)
        return nn_fail(error, NN_E_ARG, "'%s' is not a gradient", step->name);
    const trace_entry *of = trace_find(t, note->of), *by = trace_find(t, note->by);
    if (!of || !by || !of->scalar)
        return nn_fail(error, NN_E_MISSING,
                       "'%s': expected the slope of a number by a value, both "
                       "in the trace; got '%s' by '%s'",
                       step->name, note->of, note->by);
    if (by->rows != step->rows || by->columns != step->columns)
        return nn_fail(error, NN_E_SHAPE, "'%s' is %dx%d, but '%s' is %dx%d", step->name,
                       step->rows, step->columns, by->name, by->rows, by->columns);
    *slope = (trace_slope){.worst = -1};
    for (int i = 0; i < entry_size(by); i++) {
        double measured;
        nn_status status = measure(t, note, i, by->values[i], &measured, error);
        if (status != NN_OK)
            return status;
        double given = step->values[i];
        double off = fabs(given - measured) / fmax(1, fmax(fabs(given), fabs(measured)));
        if (!(off <= slope->worst))
            *slope = (trace_slope){isnan(off) ? INFINITY : off, i, given, measured};
    }
    return NN_OK;
}
