/* `gradus sql`: questions to the store in SQL. */
#include "store/query.h"
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/export.h"
#include "ui/commands/json_out.h"
#include "ui/terminal/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *store;
    bool json, csv, wide;
    bool plain; /* one column of texts, as they are */
} settings;

#define FIELD(name) offsetof(settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object: columns, and rows as arrays",
     NULL},
    {"csv", OPTION_FLAG, NULL, FIELD(csv), 0, "a table for other programs", NULL},
    {"wide", OPTION_FLAG, NULL, FIELD(wide), 0, "the table shows texts whole", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

enum { ROWS_AHEAD = 200, CELL_WIDE = 40, CELL_TEXT_MOST = 4096, QUERY_MOST = 1 << 20 };

/* The first rows wait until the widths of the columns are known; the others follow as they come. */
typedef struct {
    const settings *o;
    json_out json;
    char **waiting; /* texts of cells, row after row */
    int rows_waiting, columns;
    int width[QUERY_COLUMNS];
    bool right[QUERY_COLUMNS]; /* numbers */
    char *names[QUERY_COLUMNS];
    bool flowing, failed;
    int64_t rows;
} answer;

/* --- cells -------------------------------------------------------------------------------------
 */

static void blob_text(const query_cell *cell, char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (size_t i = 0; i < cell->size && used + 3 < size; i++) {
        text[used++] = digits[(unsigned char)cell->text[i] >> 4];
        text[used++] = digits[(unsigned char)cell->text[i] & 15];
    }
    text[used] = '\0';
}

static char *cell_text(const answer *a, const query_cell *cell)
{
    char text[CELL_TEXT_MOST];
    switch (cell->kind) {
    case CELL_NULL:
        return strdup("");
    case CELL_WHOLE:
        snprintf(text, sizeof text, "%lld", (long long)cell->whole);
        break;
    case CELL_REAL:
        snprintf(text, sizeof text, "%.10g", cell->real);
        break;
    case CELL_TEXT:
        return strdup(cell->text);
    case CELL_BLOB:
        if (!a->o->wide)
            snprintf(text, sizeof text, "(%zu bytes)", cell->size);
        else
            blob_text(cell, text, sizeof text);
        break;
    }
    return strdup(text);
}

/* --- a table for people ------------------------------------------------------------------------
 */

static void print_row(const answer *a, char *const *cells)
{
    for (int i = 0; i < a->columns; i++) {
        int wide = text_columns(cells[i]);
        if (a->right[i])
            for (int k = wide; k < a->width[i]; k++)
                putchar(' ');
        bool last = i == a->columns - 1;
        print_cell(cells[i], a->right[i] ? 0 : last && wide <= a->width[i] ? 0 : a->width[i]);
        fputs(last ? "\n" : "  ", stdout);
    }
}

static void print_waiting(answer *a)
{
    if (a->flowing)
        return;
    a->flowing = true;
    print_row(a, a->names);
    for (int i = 0; i < a->columns; i++) {
        for (int k = 0; k < a->width[i]; k++)
            putchar('-');
        fputs(i == a->columns - 1 ? "\n" : "  ", stdout);
    }
    for (int r = 0; r < a->rows_waiting; r++)
        print_row(a, a->waiting + (size_t)r * (size_t)a->columns);
}

static void widen(answer *a, int column, const char *text)
{
    int wide = text_columns(text);
    if (!a->o->wide && wide > CELL_WIDE)
        wide = CELL_WIDE;
    if (wide > a->width[column])
        a->width[column] = wide;
}

static bool table_row(answer *a, const query_cell *cells)
{
    char *texts[QUERY_COLUMNS];
    for (int i = 0; i < a->columns; i++) {
        if (!(texts[i] = cell_text(a, &cells[i]))) {
            while (i > 0)
                free(texts[--i]);
            a->failed = true;
            return false;
        }
        if (a->flowing)
            continue;
        widen(a, i, texts[i]);
        if (a->rows == 0)
            a->right[i] = true;
        if (cells[i].kind == CELL_TEXT || cells[i].kind == CELL_BLOB)
            a->right[i] = false;
    }
    if (!a->flowing) {
        memcpy(a->waiting + (size_t)a->rows_waiting * (size_t)a->columns, texts,
               (size_t)a->columns * sizeof *texts);
        if (++a->rows_waiting == ROWS_AHEAD)
            print_waiting(a);
        return true;
    }
    print_row(a, texts);
    for (int i = 0; i < a->columns; i++)
        free(texts[i]);
    return true;
}

/* --- for programs ------------------------------------------------------------------------------
 */

static void csv_row(const answer *a, const query_cell *cells)
{
    for (int i = 0; i < a->columns; i++) {
        char text[CELL_TEXT_MOST];
        if (i > 0)
            putchar(',');
        if (cells[i].kind == CELL_WHOLE)
            printf("%lld", (long long)cells[i].whole);
        else if (cells[i].kind == CELL_REAL)
            csv_number(stdout, cells[i].real);
        else if (cells[i].kind == CELL_TEXT)
            csv_text(stdout, cells[i].text);
        else if (cells[i].kind == CELL_BLOB) {
            blob_text(&cells[i], text, sizeof text);
            fputs(text, stdout);
        }
    }
    putchar('\n');
}

static void json_row(answer *a, const query_cell *cells)
{
    json_open(&a->json, NULL, '[');
    for (int i = 0; i < a->columns; i++) {
        char text[CELL_TEXT_MOST];
        if (cells[i].kind == CELL_WHOLE) {
            json_whole(&a->json, NULL, cells[i].whole);
        } else if (cells[i].kind == CELL_REAL) {
            json_number(&a->json, NULL, cells[i].real);
        } else if (cells[i].kind == CELL_TEXT) {
            json_text(&a->json, NULL, cells[i].text);
        } else if (cells[i].kind == CELL_BLOB) {
            blob_text(&cells[i], text, sizeof text);
            json_text(&a->json, NULL, text);
        } else {
            json_null(&a->json, NULL);
        }
    }
    json_close(&a->json, ']');
}

/* --- the answer --------------------------------------------------------------------------------
 */

static bool take_columns(void *context, const char *const *names, int count)
{
    answer *a = context;
    a->columns = count;
    a->waiting = calloc((size_t)ROWS_AHEAD * (size_t)count, sizeof *a->waiting);
    a->failed = !a->waiting;
    for (int i = 0; i < count; i++) {
        a->names[i] = strdup(names[i] ? names[i] : "");
        if (a->names[i])
            widen(a, i, a->names[i]);
        a->failed = a->failed || !a->names[i];
    }
    if (a->o->json) {
        json_open(&a->json, NULL, '{');
        json_open(&a->json, "columns", '[');
        for (int i = 0; i < count; i++)
            json_text(&a->json, NULL, names[i]);
        json_close(&a->json, ']');
        json_open(&a->json, "rows", '[');
    } else if (a->o->csv) {
        for (int i = 0; i < count; i++) {
            fputs(i ? "," : "", stdout);
            csv_text(stdout, names[i] ? names[i] : "");
        }
        putchar('\n');
    }
    return !a->failed;
}

static bool take_row(void *context, const query_cell *cells, int count)
{
    answer *a = context;
    (void)count;
    bool go_on = true;
    if (a->o->json)
        json_row(a, cells);
    else if (a->o->plain)
        puts(cells[0].text);
    else if (a->o->csv)
        csv_row(a, cells);
    else
        go_on = table_row(a, cells);
    a->rows++;
    return go_on && !ferror(stdout);
}

static bool finish(answer *a)
{
    if (a->o->json) {
        json_close(&a->json, ']');
        json_close(&a->json, '}');
        return json_line(&a->json);
    }
    if (!a->o->csv && !a->o->plain)
        print_waiting(a);
    return fflush(stdout) == 0 && !ferror(stdout);
}

static void clear(answer *a)
{
    for (int i = 0; a->waiting && i < a->rows_waiting * a->columns; i++)
        free(a->waiting[i]);
    free(a->waiting);
    for (int i = 0; i < a->columns; i++)
        free(a->names[i]);
}

static int ask(store *s, const settings *o, const char *sql)
{
    nn_error error = {0};
    answer a = {.o = o, .json = {.out = stdout}};
    const query_reader reader = {&a, take_columns, take_row};
    nn_status status = store_query(s, sql, &reader, &error);
    /* What was read before a failure is shown; JSON is not whole then, so it stays open. */
    bool written = true;
    if (status == NN_OK && !a.failed)
        written = finish(&a);
    else if (!o->json && !o->csv && a.rows > 0)
        print_waiting(&a);
    if (status != NN_OK || a.failed || !written)
        complain("%s", status != NN_OK ? error.text
                       : a.failed      ? "out of memory for the answer"
                                       : "stdout cannot be written");
    clear(&a);
    return status == NN_OK && written && !a.failed ? EXIT_OK : EXIT_FAILED;
}

/* The whole of stdin; NULL after a complaint. */
static char *read_query(void)
{
    char *text = malloc(QUERY_MOST + 1);
    size_t used = text ? fread(text, 1, QUERY_MOST, stdin) : 0;
    if (!text) {
        complain("out of memory for the query");
        return NULL;
    }
    text[used] = '\0';
    if (used == QUERY_MOST) {
        complain("the query is longer than %d bytes", QUERY_MOST);
        free(text);
        return NULL;
    }
    return text;
}

static int run(int argc, char **argv)
{
    settings o = {0};
    arguments found;
    int status;
    if (!options_begin(&command_sql, argc, argv, &o, &found, 0, 1, &status))
        return status;
    if (o.json && o.csv)
        return wrong_usage(&command_sql, "one format at a time: --json or --csv");
    char *typed = NULL;
    if (found.count == 0 && !isatty(STDIN_FILENO) && !(typed = read_query()))
        return EXIT_FAILED;
    const char *sql = found.count ? found.word[0] : typed;
    if (!sql || strspn(sql, " \t\r\n") == strlen(sql)) {
        o.plain = !o.csv;
        sql = "SELECT sql || ';' AS schema FROM sqlite_schema WHERE sql IS NOT NULL AND type IN "
              "('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    }
    store *s = require_store(o.store);
    status = EXIT_FAILED;
    if (s)
        status = ask(s, &o, sql);
    store_close(s);
    free(typed);
    return status;
}

const program_command command_sql = {
    .name = "sql",
    .arguments = "[QUERY]",
    .summary = "Answers a question in SQL from the store, which it only reads.",
    .details = "Without QUERY it is read from stdin; an empty one shows the tables with their\n"
               "explanations. Blobs show as hexadecimal digits in CSV, JSON and with --wide.\n\n"
               "Examples:\n"
               "  gradus sql \"select id, name, best_dev_error from run order by 3 limit 5\"\n"
               "  gradus sql \"select name, min, min_step from run_metric\n"
               "              where metric = 'dev_error'\" --csv\n"
               "  gradus sql < question.sql --json",
    .options = options,
    .run = run,
};
