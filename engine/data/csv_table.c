#include "engine/data/csv_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    nn_table *table;
    const char *name;
    char delimiter;
    size_t at, out, size; /* read and write positions in table->text; out <= at */
    uint32_t line;
    nn_error *error;
} scanner;

const char *nn_table_cell(const nn_table *table, int64_t row, int64_t column)
{
    return table->text + table->cell[row * table->columns + column];
}

void nn_table_free(nn_table *table)
{
    free(table->text);
    free(table->cell);
    free(table->line);
    *table = (nn_table){0};
}

static nn_status no_memory(const scanner *s)
{
    return nn_fail(s->error, NN_E_NOMEM, "%s: no memory for the table, line %u", s->name,
                   (unsigned)s->line);
}

static nn_status add_cell(scanner *s, int64_t count)
{
    nn_table *table = s->table;
    if (count == table->cell_room) {
        int64_t room = count ? count * 2 : 1024;
        uint32_t *more = realloc(table->cell, (size_t)room * sizeof *more);
        if (!more)
            return no_memory(s);
        table->cell = more;
        table->cell_room = room;
    }
    table->cell[count] = (uint32_t)s->out;
    return NN_OK;
}

static bool at_line_end(const scanner *s)
{
    char c = s->at < s->size ? s->table->text[s->at] : '\n';
    return c == '\n' || c == '\r';
}

static void skip_blanks(scanner *s)
{
    const char *text = s->table->text;
    while (s->at < s->size && (text[s->at] == ' ' || text[s->at] == '\t') &&
           text[s->at] != s->delimiter)
        s->at++;
}

/* Over one line ending: LF, CRLF or CR. */
static void skip_line_end(scanner *s)
{
    const char *text = s->table->text;
    if (s->at < s->size && text[s->at] == '\r')
        s->at++;
    if (s->at < s->size && text[s->at] == '\n')
        s->at++;
    s->line++;
}

/* Behind an opening quote, up to behind the closing one; "" is a quote. */
static nn_status take_quoted(scanner *s)
{
    char *text = s->table->text;
    uint32_t first_line = s->line;
    for (s->at++; s->at < s->size; s->at++) {
        if (text[s->at] == '"') {
            if (s->at + 1 >= s->size || text[s->at + 1] != '"')
                break;
            s->at++;
        }
        if (text[s->at] == '\n')
            s->line++;
        text[s->out++] = text[s->at];
    }
    if (s->at >= s->size)
        return nn_fail(s->error, NN_E_FORMAT, "%s, line %u: a quote opens here and never closes",
                       s->name, (unsigned)first_line);
    s->at++;
    skip_blanks(s);
    if (!at_line_end(s) && text[s->at] != s->delimiter)
        return nn_fail(s->error, NN_E_FORMAT,
                       "%s, line %u: text behind a closing quote; expected '%s' or the line's end",
                       s->name, (unsigned)s->line,
                       s->delimiter == '\t'  ? "tab"
                       : s->delimiter == ';' ? ";"
                                             : ",");
    return NN_OK;
}

static void take_plain(scanner *s)
{
    char *text = s->table->text;
    size_t start = s->out;
    while (!at_line_end(s) && text[s->at] != s->delimiter)
        text[s->out++] = text[s->at++];
    while (s->out > start && (text[s->out - 1] == ' ' || text[s->out - 1] == '\t'))
        s->out--;
}

/* One line's cells; *count goes up by their number. */
static nn_status take_row(scanner *s, int64_t *count)
{
    char *text = s->table->text;
    for (;;) {
        skip_blanks(s);
        nn_status status = add_cell(s, *count);
        if (status == NN_OK && s->at < s->size && text[s->at] == '"')
            status = take_quoted(s);
        else if (status == NN_OK)
            take_plain(s);
        if (status != NN_OK)
            return status;
        ++*count;
        bool end = at_line_end(s);
        if (!end)
            s->at++; /* the delimiter, before its place is taken by the NUL */
        else
            skip_line_end(s);
        text[s->out++] = 0;
        if (end)
            return NN_OK;
    }
}

static nn_status add_row(scanner *s, uint32_t line, int64_t columns)
{
    nn_table *table = s->table;
    if (table->rows == 0)
        table->columns = columns;
    if (columns != table->columns)
        return nn_fail(s->error, NN_E_FORMAT, "%s, line %u: %lld fields; line %u has %lld", s->name,
                       (unsigned)line, (long long)columns, (unsigned)table->line[0],
                       (long long)table->columns);
    if (table->rows == table->row_room) {
        int64_t room = table->rows ? table->rows * 2 : 256;
        uint32_t *more = realloc(table->line, (size_t)room * sizeof *more);
        if (!more)
            return no_memory(s);
        table->line = more;
        table->row_room = room;
    }
    table->line[table->rows++] = line;
    return NN_OK;
}

static char choose_delimiter(const char *text, size_t size)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    bool quoted = false;
    for (size_t i = 0; i < size && (quoted || (text[i] != '\n' && text[i] != '\r')); i++) {
        quoted ^= text[i] == '"';
        commas += !quoted && text[i] == ',';
        semicolons += !quoted && text[i] == ';';
        tabs += !quoted && text[i] == '\t';
    }
    return semicolons > commas && semicolons >= tabs ? ';' : tabs > commas ? '\t' : ',';
}

static nn_status refuse_zero_bytes(const scanner *s)
{
    const char *text = s->table->text, *zero = memchr(text, 0, s->size);
    if (!zero)
        return NN_OK;
    unsigned line = 1;
    for (const char *c = text; c < zero; c++)
        line += *c == '\n';
    return nn_fail(s->error, NN_E_FORMAT, "%s, line %u: a zero byte; expected text in UTF-8",
                   s->name, line);
}

nn_status nn_table_parse(const char *text, size_t size, const char *name, nn_table *table,
                         nn_error *error)
{
    *table = (nn_table){0};
    if (size >= INT32_MAX)
        return nn_fail(error, NN_E_FORMAT, "%s: %zu bytes; expected less than 2 GB", name, size);
    scanner s = {.table = table, .name = name, .size = size, .line = 1, .error = error};
    table->text = calloc(size + 2, 1);
    if (!table->text)
        return no_memory(&s);
    if (size > 0)
        memcpy(table->text, text, size);
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        s.at = 3;
    s.delimiter = choose_delimiter(table->text + s.at, size - s.at);
    nn_status status = refuse_zero_bytes(&s);
    int64_t cells = 0;
    while (s.at < size && status == NN_OK) {
        uint32_t line = s.line;
        int64_t before = cells;
        skip_blanks(&s);
        if (at_line_end(&s)) {
            skip_line_end(&s);
            continue;
        }
        status = take_row(&s, &cells);
        if (status == NN_OK)
            status = add_row(&s, line, cells - before);
    }
    if (status == NN_OK && table->rows == 0)
        status = nn_fail(error, NN_E_FORMAT, "%s: no lines with data", name);
    if (status != NN_OK)
        nn_table_free(table);
    return status;
}
