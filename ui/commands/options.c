#include "ui/commands/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("gradus: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

int wrong_usage(const program_command *command, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("gradus: ", stderr);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\nSee: gradus help%s%s\n", *command->name ? " " : "", command->name);
    va_end(list);
    return EXIT_USAGE;
}

/* --- nearest word ------------------------------------------------------------------------------
 */

enum { WORD_MAX = 40 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Levenshtein 1966, on the first WORD_MAX bytes. */
static int edit_distance(const char *a, const char *b)
{
    int m = (int)strnlen(a, WORD_MAX), n = (int)strnlen(b, WORD_MAX);
    int row[WORD_MAX + 1];
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

const char *nearest_word(const char *word, const char *const *candidates, int count)
{
    const char *best = NULL;
    int length = (int)strnlen(word, WORD_MAX);
    int limit = length < 4 ? 1 : length < 7 ? 2 : 3;
    for (int i = 0; i < count; i++) {
        const char *candidate = candidates[i];
        if (!candidate)
            continue;
        /* "epoch" is meant for "epochs", "mom" for "momentum". */
        bool prefix = length >= 3 && strncmp(word, candidate, (size_t)length) == 0;
        int distance = prefix ? 0 : edit_distance(word, candidate);
        if (distance <= limit) {
            limit = distance - 1;
            best = candidate;
        }
        if (limit < 0)
            break;
    }
    return best;
}

/* --- parsing -----------------------------------------------------------------------------------
 */

static int find_option(const program_command *command, const char *name, size_t length)
{
    for (int i = 0; command->options[i].name; i++)
        if (strlen(command->options[i].name) == length &&
            memcmp(command->options[i].name, name, length) == 0)
            return i;
    return -1;
}

bool option_given(const program_command *command, const arguments *found, const char *name)
{
    int i = find_option(command, name, strlen(name));
    return i >= 0 && (found->given >> i & 1);
}

static nn_status unknown_option(const program_command *command, const char *word, nn_error *error)
{
    const char *names[OPTIONS_MAX + 1];
    int count = 0;
    for (int i = 0; command->options[i].name; i++)
        names[count++] = command->options[i].name;
    names[count++] = "help";
    char name[WORD_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *near = word[1] == '-' ? nearest_word(name, names, count) : NULL;
    if (near)
        return nn_fail(error, NN_E_ARG, "unknown option '%.60s': did you mean '--%s'?", word, near);
    return nn_fail(error, NN_E_ARG, "unknown option '%.60s'", word);
}

static nn_status bad_number(const option *o, const char *text, const char *expected,
                            nn_error *error)
{
    if (o->least > -HUGE_VAL)
        return nn_fail(error, NN_E_ARG, "--%s '%.40s': expected %s, at least %g", o->name, text,
                       expected, o->least);
    return nn_fail(error, NN_E_ARG, "--%s '%.40s': expected %s", o->name, text, expected);
}

static nn_status read_whole(const option *o, const char *text, int64_t most, int64_t *value,
                            nn_error *error)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < (long long)o->least || number > most)
        return bad_number(o, text, "a whole number", error);
    *value = number;
    return NN_OK;
}

static nn_status read_seed(const option *o, const char *text, uint64_t *value, nn_error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return nn_fail(error, NN_E_ARG, "--%s '%.40s': expected a whole number from 0 to 2^64-1",
                       o->name, text);
    *value = number;
    return NN_OK;
}

static nn_status read_real(const option *o, const char *text, double *value, nn_error *error)
{
    char *end;
    double number = strtod(text, &end);
    bool share = o->kind == OPTION_SHARE;
    if (end == text || *end || !isfinite(number) || number < o->least || (share && number >= 1)) {
        if (share)
            return nn_fail(error, NN_E_ARG, "--%s '%.40s': expected a share from 0 to below 1",
                           o->name, text);
        return bad_number(o, text, "a number", error);
    }
    *value = number;
    return NN_OK;
}

static nn_status read_size(const option *o, const char *text, int size[2], nn_error *error)
{
    int columns = 0, rows = 0, used = 0;
    if (sscanf(text, "%5dx%5d%n", &columns, &rows, &used) != 2 || text[used] ||
        columns < o->least || rows < o->least || columns > 1000 || rows > 1000)
        return nn_fail(error, NN_E_ARG, "--%s '%.40s': expected COLUMNSxROWS like 80x24", o->name,
                       text);
    size[0] = columns;
    size[1] = rows;
    return NN_OK;
}

static nn_status read_value(const option *o, const char *text, void *settings, nn_error *error)
{
    char *field = (char *)settings + o->offset;
    int64_t whole = 0;
    nn_status status;
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)field = true;
        return NN_OK;
    case OPTION_TEXT:
        if (!*text)
            return nn_fail(error, NN_E_ARG, "--%s is empty: expected %s", o->name, o->value);
        *(const char **)(void *)field = text;
        return NN_OK;
    case OPTION_INTEGER:
        status = read_whole(o, text, INT32_MAX, &whole, error);
        if (status == NN_OK)
            *(int *)(void *)field = (int)whole;
        return status;
    case OPTION_BIG:
        return read_whole(o, text, INT64_MAX, (int64_t *)(void *)field, error);
    case OPTION_SEED:
        return read_seed(o, text, (uint64_t *)(void *)field, error);
    case OPTION_REAL:
    case OPTION_SHARE:
        return read_real(o, text, (double *)(void *)field, error);
    case OPTION_SIZE:
        return read_size(o, text, (int *)(void *)field, error);
    }
    return NN_OK;
}

/* One option at argv[*at], its value perhaps in the next word. */
static nn_status parse_option(const program_command *command, int argc, char **argv, int *at,
                              void *settings, arguments *found, nn_error *error)
{
    const char *word = argv[*at];
    size_t length = strcspn(word + 2, "=");
    int i = word[1] == '-' ? find_option(command, word + 2, length) : -1;
    if (strcmp(word, "-o") == 0)
        i = find_option(command, "output", strlen("output"));
    if (i < 0)
        return unknown_option(command, word, error);
    const option *o = &command->options[i];
    const char *text = word[1] == '-' && word[2 + length] == '=' ? word + 3 + length : NULL;
    if (o->kind == OPTION_FLAG && text)
        return nn_fail(error, NN_E_ARG, "--%s takes no value", o->name);
    if (o->kind != OPTION_FLAG && !text) {
        if (*at + 1 >= argc)
            return nn_fail(error, NN_E_ARG, "--%s needs a value: --%s %s", o->name, o->name,
                           o->value);
        text = argv[++*at];
    }
    found->given |= 1ull << i;
    return read_value(o, text, settings, error);
}

nn_status options_parse(const program_command *command, int argc, char **argv, void *settings,
                        arguments *found, nn_error *error)
{
    *found = (arguments){0};
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            found->help = true;
            return NN_OK;
        } else if (!only_words && word[0] == '-' && word[1]) {
            nn_status status = parse_option(command, argc, argv, &i, settings, found, error);
            if (status != NN_OK)
                return status;
        } else if (found->count == ARGUMENTS_MAX) {
            return nn_fail(error, NN_E_ARG, "'%.60s': too many words", word);
        } else {
            found->word[found->count++] = word;
        }
    }
    return NN_OK;
}

bool options_begin(const program_command *command, int argc, char **argv, void *settings,
                   arguments *found, int least, int most, int *status)
{
    nn_error error;
    if (options_parse(command, argc, argv, settings, found, &error) != NN_OK) {
        *status = wrong_usage(command, "%s", error.text);
        return false;
    }
    if (found->help) {
        options_help(command, stdout);
        *status = EXIT_OK;
        return false;
    }
    if (found->count < least) {
        *status = wrong_usage(command, "%s needs %s", command->name, command->arguments);
        return false;
    }
    if (found->count > most) {
        *status = wrong_usage(command, "'%.60s': %s", found->word[most],
                              *command->arguments ? "one word too many" : "expected options only");
        return false;
    }
    return true;
}

/* --- help --------------------------------------------------------------------------------------
 */

enum { HELP_COLUMN = 26, HELP_WIDTH = 80 };

/* Text from HELP_COLUMN on, wrapped at blanks. */
static void print_wrapped(const char *text, int column, FILE *out)
{
    int used = column;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (used > HELP_COLUMN && used + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            used = HELP_COLUMN;
        } else if (used > HELP_COLUMN) {
            fputc(' ', out);
            used++;
        }
        fprintf(out, "%.*s", length, text);
        used += length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', out);
}

static void print_option(const option *o, FILE *out)
{
    int used = fprintf(out, strcmp(o->name, "output") == 0 ? "  -o, --%s" : "  --%s", o->name);
    if (o->value)
        used += fprintf(out, " %s", o->value);
    if (used >= HELP_COLUMN) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - used, "");
    print_wrapped(o->help, HELP_COLUMN, out);
}

void options_help(const program_command *command, FILE *out)
{
    fprintf(out, "gradus%s%s%s%s%s\n\n%s\n", *command->name ? " " : "", command->name,
            *command->arguments ? " " : "", command->arguments,
            command->options[0].name ? " [options]" : "", command->summary);
    if (command->options[0].name)
        fputs("\nOptions:\n", out);
    for (const option *o = command->options; o->name; o++)
        print_option(o, out);
    if (command->details)
        fprintf(out, "\n%s\n", command->details);
}
