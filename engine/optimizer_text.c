/* Names and text forms of optimisers: "adam:inside,epsilon=1e-4". */
#include "engine/cursor.h"
#include "engine/optimizer.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const names[NN_OPTIMIZER_KINDS] = {
    [NN_SGD] = "sgd",         [NN_MOMENTUM] = "momentum", [NN_NESTEROV] = "nesterov",
    [NN_ADAGRAD] = "adagrad", [NN_RMSPROP] = "rmsprop",   [NN_ADAM] = "adam",
    [NN_ADAMW] = "adamw",
};

const char *nn_optimizer_name(nn_optimizer_kind kind)
{
    return (unsigned)kind < NN_OPTIMIZER_KINDS ? names[kind] : "unknown";
}

nn_status nn_optimizer_kind_of(const char *name, nn_optimizer_kind *kind, nn_error *error)
{
    for (int i = 0; i < NN_OPTIMIZER_KINDS; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (nn_optimizer_kind)i;
            return NN_OK;
        }
    return nn_fail(
        error, NN_E_ARG,
        "optimizer '%.40s': expected sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw",
        name);
}

/* --- switches ------------------------------------------------------------------------------- */

#define KIND(kind) (1u << NN_##kind)
enum {
    WITH_VELOCITY = KIND(MOMENTUM) | KIND(NESTEROV),
    ADAMS = KIND(ADAM) | KIND(ADAMW),
    WITH_EPSILON = KIND(ADAGRAD) | KIND(RMSPROP) | ADAMS,
    WITH_BETA2 = KIND(RMSPROP) | ADAMS,
    NOT_ADAMW = KIND(ADAMW) - 1u,
    ALL = NOT_ADAMW | KIND(ADAMW),
};

typedef struct {
    const char *name;
    unsigned kinds; /* that have it */
    size_t field;   /* a bool, or for "beta2=" and "epsilon=" a double */
} variant;

static const variant variants[] = {
    {"classic", WITH_VELOCITY, offsetof(nn_optimizer_args, classic)},
    {"inside", WITH_EPSILON, offsetof(nn_optimizer_args, epsilon_inside)},
    {"uncorrected", ADAMS, offsetof(nn_optimizer_args, uncorrected)},
    {"decoupled", NOT_ADAMW, offsetof(nn_optimizer_args, decoupled)},
    {"lazy", ALL, offsetof(nn_optimizer_args, lazy)},
    {"beta2", WITH_BETA2, offsetof(nn_optimizer_args, beta2)},
    {"epsilon", WITH_EPSILON, offsetof(nn_optimizer_args, epsilon)},
};
enum { SWITCHES = 5, VARIANTS = sizeof variants / sizeof *variants };

/* "classic or decoupled": what the kind has. */
static const char *variants_of(nn_optimizer_kind kind, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < VARIANTS && used < size; i++)
        if (variants[i].kinds >> kind & 1)
            used += (size_t)snprintf(text + used, size - used, "%s%s%s", used > 0 ? ", " : "",
                                     variants[i].name, i < SWITCHES ? "" : "=NUMBER");
    return text;
}

static nn_status read_value(nn_cursor *cursor, const variant *v, nn_optimizer_args *args)
{
    double *field = (void *)((char *)args + v->field);
    if (!nn_cursor_skip(cursor, "="))
        return nn_cursor_refuse(cursor, cursor->at, "'=' and a number");
    const char *place = cursor->at;
    if (!nn_cursor_number(cursor, field) || !(*field > 0))
        return nn_cursor_refuse(cursor, place, "a number above 0");
    if (strcmp(v->name, "beta2") == 0 && *field >= 1)
        return nn_cursor_refuse(cursor, place, "a number above 0 and below 1");
    return NN_OK;
}

static nn_status read_variant(nn_cursor *cursor, nn_optimizer_args *args)
{
    char word[32], expected[96];
    const char *place = cursor->at;
    nn_cursor_word(cursor, word, sizeof word);
    for (int i = 0; i < VARIANTS; i++) {
        if (strcmp(word, variants[i].name) != 0 || !(variants[i].kinds >> args->kind & 1))
            continue;
        if (i >= SWITCHES)
            return read_value(cursor, &variants[i], args);
        *(bool *)((char *)args + variants[i].field) = true;
        return NN_OK;
    }
    return nn_cursor_refuse(cursor, place, variants_of(args->kind, expected, sizeof expected));
}

nn_status nn_optimizer_parse(const char *text, nn_optimizer_args *args, nn_error *error)
{
    nn_optimizer_args result = *args;
    nn_cursor cursor = nn_cursor_on("optimizer", text, error);
    char name[48];
    size_t length = strcspn(text, ":");
    snprintf(name, sizeof name, "%.*s", length < 47 ? (int)length : 47, text);
    nn_status status = nn_optimizer_kind_of(name, &result.kind, error);
    if (status != NN_OK)
        return status;
    result.classic = result.epsilon_inside = result.uncorrected = false;
    result.decoupled = result.lazy = false;
    result.beta2 = result.epsilon = 0;
    cursor.at = text + length;
    if (nn_cursor_skip(&cursor, ":"))
        do
            status = read_variant(&cursor, &result);
        while (status == NN_OK && nn_cursor_skip(&cursor, ","));
    if (status == NN_OK && *cursor.at)
        status = nn_cursor_refuse(&cursor, cursor.at, "',' or the end");
    if (status == NN_OK)
        *args = result;
    return status;
}

void nn_optimizer_text(const nn_optimizer_args *args, char *text, int size)
{
    size_t room = size > 0 ? (size_t)size : 0, used = 0;
    char number[32], mark = ':';
    used += (size_t)snprintf(text, room, "%s", nn_optimizer_name(args->kind));
    for (int i = 0; i < VARIANTS && used < room; i++) {
        const char *field = (const char *)args + variants[i].field;
        if (!(variants[i].kinds >> args->kind & 1))
            continue;
        double value = i < SWITCHES ? 0 : *(const double *)(const void *)field;
        if (i < SWITCHES ? !*(const bool *)field : value == 0)
            continue;
        used += (size_t)snprintf(text + used, room - used, "%c%s", mark, variants[i].name);
        if (i >= SWITCHES && used < room)
            used += (size_t)snprintf(text + used, room - used, "=%s", nn_exact_text(value, number));
        mark = ',';
    }
}
