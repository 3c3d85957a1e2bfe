/* Reads golden files, runs their cases and compares. */
#include "tests/golden_net.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS = 24, NETS = 16, BLOCKS = 512 };

struct golden_case {
    size_t id_length;
    const json_t *inputs;
    struct {
        char name[48];
        golden_array value;
    } out[OUTPUTS];
    int outs;
    golden_net *net[NETS];
    int nets;
    void *block[BLOCKS];
    int blocks;
    jmp_buf leave;
    bool skipped;
    char failure[400];
};

/* --- leaving a case ------------------------------------------------------------------------------
 */

void golden_fail(golden_case *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->failure, sizeof c->failure, format, arguments);
    va_end(arguments);
    longjmp(c->leave, 1);
}

void golden_skip(golden_case *c)
{
    c->skipped = true;
    longjmp(c->leave, 1);
}

static void clear_case(golden_case *c)
{
    for (int i = 0; i < c->nets; i++)
        golden_net_free(c->net[i]);
    for (int i = 0; i < c->blocks; i++)
        free(c->block[i]);
}

static golden_net *net_over(golden_case *c, nn_model *model, int64_t rows)
{
    if (c->nets == NETS) {
        nn_model_free(model);
        golden_fail(c, "no room for another net");
    }
    golden_net *net = golden_net_make(c, model, rows);
    if (!net)
        golden_fail(c, "no memory for another net");
    c->net[c->nets++] = net;
    return net;
}

golden_net *golden_net_new(golden_case *c, int64_t rows)
{
    return net_over(c, nn_model_new(1), rows);
}

golden_net *golden_outline_new(golden_case *c)
{
    return net_over(c, nn_model_outline(), 1);
}

/* --- arrays --------------------------------------------------------------------------------------
 */

golden_array golden_new(golden_case *c, nn_shape shape)
{
    golden_array a = {shape, nn_shape_count(shape), NULL};
    if (a.count < 0 || c->blocks == BLOCKS ||
        !(a.data = calloc((size_t)a.count + 1, sizeof(double))))
        golden_fail(c, "no room for another array");
    c->block[c->blocks++] = a.data;
    return a;
}

golden_array golden_like(golden_case *c, nn_shape shape, golden_array from)
{
    if (nn_shape_count(shape) != from.count)
        golden_fail(c, "%lld numbers cannot be reshaped", (long long)from.count);
    return (golden_array){shape, from.count, from.data};
}

golden_array golden_transposed(golden_case *c, golden_array a)
{
    int64_t rows = a.shape.rank > 0 ? a.shape.dim[0] : 1;
    int64_t columns = a.shape.rank > 1 ? a.shape.dim[1] : 1;
    golden_array t = golden_new(c, nn_shape2(columns, rows));
    for (int64_t i = 0; i < rows * columns; i++)
        t.data[i % columns * rows + i / columns] = a.data[i];
    return t;
}

static nn_shape shape_of(const json_t *value)
{
    nn_shape shape = {0, {0}};
    for (; json_is_array(value) && shape.rank < NN_MAX_DIMS; value = json_array_get(value, 0))
        shape.dim[shape.rank++] = (int64_t)json_array_size(value);
    return shape;
}

/* Copies the numbers below `value`; false where the nesting is not a box of numbers. */
static bool read_numbers(const json_t *value, const nn_shape *shape, int depth, double **to)
{
    if (depth == shape->rank) {
        if (!json_is_number(value))
            return false;
        *(*to)++ = json_number_value(value);
        return true;
    }
    if (!json_is_array(value) || (int64_t)json_array_size(value) != shape->dim[depth])
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!read_numbers(json_array_get(value, i), shape, depth + 1, to))
            return false;
    return true;
}

static golden_array array_from(golden_case *c, const json_t *value, const char *name)
{
    golden_array a = golden_new(c, shape_of(value));
    double *to = a.data;
    if (!read_numbers(value, &a.shape, 0, &to))
        golden_fail(c, "'%s' is not a box of numbers", name);
    return a;
}

bool golden_has(golden_case *c, const char *name)
{
    return json_object_get(c->inputs, name) != NULL;
}

golden_array golden_in(golden_case *c, const char *name)
{
    const json_t *value = json_object_get(c->inputs, name);
    if (!value)
        golden_fail(c, "the case has no input '%s'", name);
    return array_from(c, value, name);
}

double golden_number(golden_case *c, const char *name)
{
    golden_array a = golden_in(c, name);
    if (a.count != 1)
        golden_fail(c, "'%s' should be one number", name);
    return a.data[0];
}

void golden_out(golden_case *c, const char *name, golden_array value)
{
    if (c->outs == OUTPUTS)
        golden_fail(c, "too many outputs");
    snprintf(c->out[c->outs].name, sizeof c->out[0].name, "%s", name);
    c->out[c->outs++].value = value;
}

void golden_out_number(golden_case *c, const char *name, double value)
{
    golden_array a = golden_new(c, nn_shape_of(0, NULL));
    a.data[0] = value;
    golden_out(c, name, a);
}

void golden_out_numbers(golden_case *c, const char *name, int count, const double *values)
{
    golden_array a = golden_new(c, nn_shape1(count));
    memcpy(a.data, values, (size_t)count * sizeof *values);
    golden_out(c, name, a);
}

/* --- comparing
 * ------------------------------------------------------------------------------------ */

static double allowed(double tolerance, double expected)
{
    double in_float = 1e-5 * (1 + fabs(expected));
    return sizeof(nn_real) == sizeof(float) && tolerance < in_float ? in_float : tolerance;
}

/* What an entry is called inside its case ("" for a fact that is a case of its own). */
static const char *output_name(const golden_case *c, const char *id)
{
    const char *name = strlen(id) > c->id_length ? id + c->id_length : "";
    return *name == '.' ? name + 1 : name;
}

/* Compares one entry with what the case gave; leaves through golden_fail where they differ. */
static void compare_entry(golden_case *c, const json_t *entry)
{
    const char *name = output_name(c, json_string_value(json_object_get(entry, "id")));
    double tolerance = json_number_value(json_object_get(entry, "tolerance"));
    golden_array expected = array_from(c, json_object_get(entry, "expected"), "expected");
    const golden_array *got = NULL;
    for (int i = 0; i < c->outs; i++)
        if (strcmp(c->out[i].name, name) == 0)
            got = &c->out[i].value;
    if (!got)
        golden_fail(c, "nothing computes this output");
    if (got->count != expected.count)
        golden_fail(c, "%lld numbers, expected %lld", (long long)got->count,
                    (long long)expected.count);
    for (int64_t i = 0; i < got->count; i++)
        if (!(fabs(got->data[i] - expected.data[i]) <= allowed(tolerance, expected.data[i])))
            golden_fail(c, "[%lld] = %.17g, expected %.17g within %g", (long long)i, got->data[i],
                        expected.data[i], allowed(tolerance, expected.data[i]));
}

/* --- files
 * ---------------------------------------------------------------------------------------- */

static const char *case_of(const json_t *entry)
{
    const char *id = json_string_value(json_object_get(entry, "case"));
    return id ? id : json_string_value(json_object_get(entry, "id"));
}

static bool well_formed(const json_t *entry)
{
    return json_is_object(entry) && json_is_string(json_object_get(entry, "id")) &&
           json_is_object(json_object_get(entry, "inputs")) &&
           json_is_number(json_object_get(entry, "tolerance")) &&
           json_object_get(entry, "expected") != NULL;
}

/* Computes a case; false where it failed or cannot be expressed. */
static bool compute(golden_case *c, golden_function *run)
{
    if (setjmp(c->leave))
        return false;
    run(c);
    return true;
}

static bool agrees(golden_case *c, const json_t *entry)
{
    if (setjmp(c->leave))
        return false;
    compare_entry(c, entry);
    return true;
}

typedef struct {
    const json_t *file;
    golden_say *say;
    void *context;
    bool list;
    golden_result *result;
} reading;

static void say(const reading *r, const char *what, const char *id, const char *detail)
{
    char line[600];
    snprintf(line, sizeof line, "%s %s%s%s", what, id, *detail ? ": " : "", detail);
    r->say(r->context, line);
}

/* All entries of the case whose first entry is number `first`. */
static void run_case(const reading *r, size_t first)
{
    const json_t *entry = json_array_get(r->file, first);
    const char *id = case_of(entry);
    golden_case *c = calloc(1, sizeof *c);
    if (!c)
        return;
    golden_function *run = golden_find(id, &c->id_length);
    c->inputs = json_object_get(entry, "inputs");
    bool computed = run && compute(c, run), known = run && !c->skipped;
    char failure[sizeof c->failure];
    strcpy(failure, c->failure);
    r->result->known_cases += known;
    if (!known && r->list)
        say(r, "unknown", id, "");
    for (size_t i = first; i < json_array_size(r->file); i++) {
        entry = json_array_get(r->file, i);
        if (strcmp(case_of(entry), id) != 0)
            continue;
        const char *name = json_string_value(json_object_get(entry, "id"));
        bool good = computed && agrees(c, entry);
        r->result->passed += known && good;
        r->result->failed += known && !good;
        r->result->unknown += !known;
        if (known && !good)
            say(r, "FAILED", name, computed ? c->failure : failure);
    }
    clear_case(c);
    free(c);
}

static bool seen_before(const json_t *file, size_t i)
{
    const char *id = case_of(json_array_get(file, i));
    for (size_t k = 0; k < i; k++)
        if (strcmp(case_of(json_array_get(file, k)), id) == 0)
            return true;
    return false;
}

bool golden_run_file(const char *path, bool list, golden_say *listener, void *context,
                     golden_result *result)
{
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    reading r = {file, listener, context, list, result};
    *result = (golden_result){0};
    if (!json_is_array(file)) {
        say(&r, "cannot read", path, file ? "expected a JSON array of entries" : error.text);
        json_decref(file);
        return false;
    }
    for (size_t i = 0; i < json_array_size(file); i++)
        if (!well_formed(json_array_get(file, i))) {
            char text[80];
            snprintf(text, sizeof text, "entry %zu lacks id, inputs, expected or tolerance", i);
            say(&r, "cannot read", path, text);
            json_decref(file);
            return false;
        }
    result->entries = (int)json_array_size(file);
    for (size_t i = 0; i < json_array_size(file); i++)
        if (!seen_before(file, i)) {
            result->cases++;
            run_case(&r, i);
        }
    json_decref(file);
    return true;
}
