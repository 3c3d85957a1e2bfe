/* Expressions in lessons: a recursive descent over one line of text, nothing kept. */
#include "lessons/express.h"

#include "engine/number.h"
#include "lessons/name.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 40 };

typedef struct {
    const lesson_scope *scope;
    const char *start, *at, *end;
    int depth;
    nn_error *error;
    nn_status status;
} reader;

static double sum_or_product(reader *r);

static double fail(reader *r, const char *what)
{
    if (r->status == NN_OK)
        r->status =
            nn_fail(r->error, NN_E_ARG, "{%.*s}: %s", (int)(r->end - r->start), r->start, what);
    return NAN;
}

static void blanks(reader *r)
{
    while (r->at < r->end && *r->at == ' ')
        r->at++;
}

static bool take(reader *r, const char *what)
{
    blanks(r);
    size_t length = strlen(what);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, what, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* --- functions ----------------------------------------------------------------------------------
 */

static double sigmoid(double z)
{
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

static const struct {
    const char *name;
    double (*of)(double);
} functions[] = {
    {"exp", exp},   {"log", log},     {"sqrt", sqrt},   {"abs", fabs},    {"sigmoid", sigmoid},
    {"tanh", tanh}, {"round", round}, {"floor", floor}, {"log10", log10}, {"log1p", log1p},
};

/* Of a whole value of the trace. */
static double of_value(const trace_entry *entry, const char *function)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < entry->rows * entry->columns; i++) {
        sum += entry->values[i];
        squares += entry->values[i] * entry->values[i];
    }
    return strcmp(function, "rows") == 0      ? entry->rows
           : strcmp(function, "columns") == 0 ? entry->columns
           : strcmp(function, "norm") == 0    ? sqrt(squares)
                                              : sum;
}

static bool of_whole(const char *name)
{
    return strcmp(name, "rows") == 0 || strcmp(name, "columns") == 0 || strcmp(name, "norm") == 0 ||
           strcmp(name, "sum") == 0;
}

static bool take_name(reader *r, char name[TRACE_NAME])
{
    blanks(r);
    size_t length = lesson_name_length(r->at);
    if (length == 0 || length >= TRACE_NAME || length > (size_t)(r->end - r->at))
        return false;
    memcpy(name, r->at, length);
    name[length] = '\0';
    r->at += length;
    return true;
}

static double call(reader *r, const char *function)
{
    if (of_whole(function)) {
        char name[TRACE_NAME];
        const trace_entry *entry =
            take_name(r, name) && r->scope->trace ? trace_find(r->scope->trace, name) : NULL;
        if (!entry || !take(r, ")"))
            return fail(r, "expected the name of a value in the parentheses");
        return of_value(entry, function);
    }
    double x = sum_or_product(r);
    if (strcmp(function, "min") == 0 || strcmp(function, "max") == 0) {
        while (take(r, ",")) {
            double other = sum_or_product(r);
            x = function[1] == 'i' ? fmin(x, other) : fmax(x, other);
        }
        return take(r, ")") ? x : fail(r, "expected )");
    }
    if (!take(r, ")"))
        return fail(r, "expected )");
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, function) == 0)
            return functions[i].of(x);
    return fail(r, "no such function");
}

/* --- names --------------------------------------------------------------------------------------
 */

static double element(reader *r, const trace_entry *entry)
{
    double row = sum_or_product(r), column = 1;
    if (take(r, ",")) {
        column = sum_or_product(r);
    } else if (entry->rows == 1) {
        column = row;
        row = 1;
    }
    if (!take(r, "]"))
        return fail(r, "expected ]");
    if (!(row >= 1 && row <= entry->rows && column >= 1 && column <= entry->columns))
        return fail(r, "no such element; they count from 1");
    return entry->values[((int)row - 1) * entry->columns + (int)column - 1];
}

static double named(reader *r, const char *name)
{
    const trace_entry *entry = r->scope->trace ? trace_find(r->scope->trace, name) : NULL;
    if (entry && take(r, "["))
        return element(r, entry);
    if (entry && !entry->scalar)
        return fail(r, "this value has several numbers: name one, as in W[1,2]");
    if (entry)
        return entry->values[0];
    for (int i = 0; i < r->scope->count; i++)
        if (strcmp(r->scope->numbers[i].name, name) == 0)
            return r->scope->numbers[i].value;
    return fail(r, "no value of that name");
}

static double number(reader *r)
{
    char text[40];
    size_t length = 0;
    while (r->at + length < r->end && length + 1 < sizeof text) {
        char c = r->at[length];
        bool exponent_sign = length > 0 && (c == '-' || c == '+') &&
                             (r->at[length - 1] == 'e' || r->at[length - 1] == 'E');
        bool exponent = length > 0 && (c == 'e' || c == 'E');
        if (!isdigit((unsigned char)c) && c != '.' && !exponent && !exponent_sign)
            break;
        text[length] = c;
        length++;
    }
    text[length] = '\0';
    double value;
    if (!nn_parse_number(text, &value))
        return fail(r, "expected a number");
    r->at += length;
    return value;
}

/* --- grammar ------------------------------------------------------------------------------------
 */

static double factor(reader *r)
{
    char name[TRACE_NAME];
    blanks(r);
    if (r->at >= r->end)
        return fail(r, "it ends too early");
    if (take(r, "(")) {
        double x = sum_or_product(r);
        return take(r, ")") ? x : fail(r, "expected )");
    }
    if (isdigit((unsigned char)*r->at) || *r->at == '.')
        return number(r);
    if (!take_name(r, name))
        return fail(r, "expected a number, a name or (");
    return take(r, "(") ? call(r, name) : named(r, name);
}

/* -x^2 is -(x^2); 2^-1 is a half. */
static double power(reader *r)
{
    if (take(r, "-")) {
        if (++r->depth > DEPTH)
            return fail(r, "nested too deeply");
        double x = power(r);
        r->depth--;
        return -x;
    }
    double x = factor(r);
    if (!take(r, "^"))
        return x;
    if (++r->depth > DEPTH)
        return fail(r, "nested too deeply");
    double y = power(r);
    r->depth--;
    return pow(x, y);
}

static double product(reader *r)
{
    double x = power(r);
    while (r->status == NN_OK) {
        if (take(r, "*"))
            x *= power(r);
        else if (take(r, "/"))
            x /= power(r);
        else
            break;
    }
    return x;
}

static double sum(reader *r)
{
    double x = product(r);
    while (r->status == NN_OK) {
        if (take(r, "+"))
            x += product(r);
        else if (take(r, "-"))
            x -= product(r);
        else
            break;
    }
    return x;
}

/* One comparison at most, of two sums. */
static double sum_or_product(reader *r)
{
    if (++r->depth > DEPTH)
        return fail(r, "nested too deeply");
    double x = sum(r);
    if (take(r, "<="))
        x = x <= sum(r);
    else if (take(r, ">="))
        x = x >= sum(r);
    else if (take(r, "=="))
        x = x == sum(r);
    else if (take(r, "<"))
        x = x < sum(r);
    else if (take(r, ">"))
        x = x > sum(r);
    r->depth--;
    return x;
}

nn_status lesson_evaluate(const lesson_scope *scope, const char *expression, size_t length,
                          double *value, nn_error *error)
{
    reader r = {.scope = scope, .start = expression, .at = expression, .end = expression + length};
    r.error = error;
    *value = sum_or_product(&r);
    blanks(&r);
    if (r.status == NN_OK && r.at != r.end)
        fail(&r, "there is something behind its end");
    return r.status;
}

/* --- text with expressions ----------------------------------------------------------------------
 */

/* ".3f" and the like; false when it is none. */
static bool write_number(double value, const char *format, size_t length, char text[64])
{
    char kind = 'g';
    int digits = 6;
    if (length > 0) {
        char *end;
        if (length < 3 || length > 4 || format[0] != '.' || !isdigit((unsigned char)format[1]))
            return false;
        digits = (int)strtol(format + 1, &end, 10);
        kind = format[length - 1];
        if (end != format + length - 1 || !strchr("fegp", kind) || digits > 17)
            return false;
    }
    if (kind == 'p')
        snprintf(text, 64, "%.*f %%", digits, 100 * value);
    else if (kind == 'f')
        snprintf(text, 64, "%.*f", digits, fabs(value) < 1e30 ? value : NAN);
    else if (kind == 'e')
        snprintf(text, 64, "%.*e", digits, value);
    else
        snprintf(text, 64, "%.*g", digits, value);
    return true;
}

/* One expression, `length` bytes with its format. */
static nn_status fill_one(const lesson_scope *scope, const char *at, size_t length, char text[64],
                          nn_error *error)
{
    const char *colon = memchr(at, ':', length);
    size_t expression = colon ? (size_t)(colon - at) : length;
    double value;
    nn_status status = lesson_evaluate(scope, at, expression, &value, error);
    if (status != NN_OK)
        return status;
    if (!write_number(value, colon ? colon + 1 : "", colon ? length - expression - 1 : 0, text))
        return nn_fail(error, NN_E_ARG, "{%.*s}: expected a format such as .3f, .2e, .4g or .1p",
                       (int)length, at);
    return NN_OK;
}

nn_status lesson_fill(const lesson_scope *scope, const char *text, char *out, size_t size,
                      nn_error *error)
{
    nn_status first = NN_OK;
    size_t used = 0;
    out[0] = '\0';
    for (const char *at = text; *at;) {
        char number_text[64];
        const char *piece = at;
        size_t length = 1, step = 1;
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (*at == '{' && at[1] == '{') {
            step = 2;
        } else if (end) {
            nn_error why = {NN_OK, ""};
            length = step = (size_t)(end - at) + 1;
            nn_status status = fill_one(scope, at + 1, step - 2, number_text, &why);
            if (status == NN_OK) {
                piece = number_text;
                length = strlen(number_text);
            } else if (first == NN_OK) {
                first = nn_fail(error, status, "%s", why.text);
            }
        }
        if (used + length >= size)
            return nn_fail(error, NN_E_ARG, "a text of the lesson is longer than %zu bytes", size);
        memcpy(out + used, piece, length);
        used += length;
        out[used] = '\0';
        at += step;
    }
    return first;
}
