/* A table as examples: columns of numbers stay, columns of texts become one column a text ("one
 * hot"), and the target column names the class. */
#include "engine/data/csv_table.h"
#include "engine/data/parsers.h"

#include "engine/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CATEGORIES = 100 };

/* The different texts of a column, sorted; pointers into the table. */
typedef struct {
    const char **text;
    int64_t count;
} category_list;

typedef struct {
    bool numeric;
    int64_t width; /* columns it becomes; 0 for the target */
    category_list categories;
} column;

typedef struct {
    nn_table table;
    const char *name;
    bool header;
    int64_t target;
    column *columns;
    nn_error *error;
} reader;

static int64_t first_row(const reader *r)
{
    return r->header ? 1 : 0;
}

/* "data.csv, line 7, column 'age'" */
static const char *place_of(const reader *r, int64_t row, int64_t c, char text[200])
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)c + 1);
    snprintf(text, 200, "%.90s, line %u, column %s%.40s%s", r->name, (unsigned)r->table.line[row],
             r->header ? "'" : "", r->header ? nn_table_cell(&r->table, 0, c) : number,
             r->header ? "'" : "");
    return text;
}

static bool is_missing(const char *cell)
{
    static const char *const mark[] = {"", "?", "NA", "N/A", "NaN", "nan", "null", "NULL"};
    for (size_t i = 0; i < sizeof mark / sizeof *mark; i++)
        if (strcmp(cell, mark[i]) == 0)
            return true;
    return false;
}

static bool is_number(const char *cell)
{
    double value;
    return nn_parse_number(cell, &value);
}

/* --- header and target ------------------------------------------------------------------------ */

static int64_t find_column(const reader *r, const char *target)
{
    for (int64_t c = 0; c < r->table.columns; c++)
        if (strcmp(nn_table_cell(&r->table, 0, c), target) == 0)
            return c;
    return -1;
}

/* The first line is a header when it names the target; or when it holds no number and either stands
 * on a column of numbers or shares no text with the column below it. */
static bool has_header(const reader *r, const char *target)
{
    bool over_numbers = false, repeated = false;
    if (r->table.rows < 2)
        return false;
    if (target && find_column(r, target) >= 0)
        return true;
    for (int64_t c = 0; c < r->table.columns; c++) {
        const char *top = nn_table_cell(&r->table, 0, c);
        bool numbers = true;
        if (is_number(top))
            return false;
        for (int64_t i = 1; i < r->table.rows && (numbers || !repeated); i++) {
            const char *cell = nn_table_cell(&r->table, i, c);
            numbers = numbers && is_number(cell);
            repeated = repeated || strcmp(cell, top) == 0;
        }
        over_numbers = over_numbers || numbers;
    }
    return over_numbers || !repeated;
}

static nn_status choose_target(reader *r, const char *target)
{
    char names[160] = "";
    r->header = has_header(r, target);
    r->target = target ? r->header ? find_column(r, target) : -1 : r->table.columns - 1;
    if (r->table.columns < 2)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s, line %u: 1 column; expected at least one feature and the target",
                       r->name, (unsigned)r->table.line[0]);
    if (r->table.rows - first_row(r) < 1)
        return nn_fail(r->error, NN_E_FORMAT, "%s: a header without lines of data", r->name);
    if (r->target >= 0)
        return NN_OK;
    for (int64_t c = 0; c < r->table.columns && r->header; c++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", c ? ", " : "",
                 nn_table_cell(&r->table, 0, c));
    }
    return nn_fail(r->error, NN_E_MISSING, "%s: no column '%.60s'; %s%s", r->name, target,
                   r->header ? "there are: " : "line 1 is no header", names);
}

/* --- columns ---------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Class numbers in the order of numbers: 2 before 10. */
static int by_number(const void *a, const void *b)
{
    double x = 0, y = 0;
    nn_parse_number(*(const char *const *)a, &x);
    nn_parse_number(*(const char *const *)b, &y);
    return x != y ? (x > y) - (x < y) : by_text(a, b);
}

static nn_status list_categories(reader *r, int64_t c)
{
    category_list *list = &r->columns[c].categories;
    int64_t rows = r->table.rows - first_row(r), kept = 0;
    list->text = malloc((size_t)rows * sizeof *list->text);
    if (!list->text) {
        nn_fail(r->error, NN_E_NOMEM, "%s: no memory for column %lld", r->name, (long long)c + 1);
        return NN_E_NOMEM;
    }
    for (int64_t i = 0; i < rows; i++)
        list->text[i] = nn_table_cell(&r->table, i + first_row(r), c);
    qsort(list->text, (size_t)rows, sizeof(const char *),
          c == r->target && r->columns[c].numeric ? by_number : by_text);
    for (int64_t i = 0; i < rows; i++)
        if (kept == 0 || strcmp(list->text[i], list->text[kept - 1]) != 0)
            list->text[kept++] = list->text[i];
    list->count = kept;
    return NN_OK;
}

/* Numbers or texts; a few texts among numbers are damage. */
static nn_status classify(reader *r, int64_t c)
{
    char place[200];
    int64_t numbers = 0, first_text = -1;
    for (int64_t i = first_row(r); i < r->table.rows; i++) {
        const char *cell = nn_table_cell(&r->table, i, c);
        if (is_missing(cell))
            return nn_fail(r->error, NN_E_FORMAT,
                           "%s: the value is missing; fill it in or remove the line",
                           place_of(r, i, c, place));
        if (is_number(cell))
            numbers++;
        else if (first_text < 0)
            first_text = i;
    }
    r->columns[c].numeric = first_text < 0;
    if (first_text >= 0 && numbers > (r->table.rows - first_row(r)) / 2)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s: '%.40s' is not a finite number, as %lld others of the column are",
                       place_of(r, first_text, c, place), nn_table_cell(&r->table, first_text, c),
                       (long long)numbers);
    return NN_OK;
}

static nn_status prepare_feature(reader *r, int64_t c)
{
    column *col = &r->columns[c];
    char place[200];
    nn_status status = classify(r, c);
    if (status != NN_OK)
        return status;
    col->width = 1;
    if (col->numeric)
        return NN_OK;
    status = list_categories(r, c);
    if (status == NN_OK && col->categories.count > MAX_CATEGORIES)
        status = nn_fail(r->error, NN_E_FORMAT,
                         "%s: one of %lld different texts; expected at most %d (remove the column)",
                         place_of(r, first_row(r), c, place), (long long)col->categories.count,
                         MAX_CATEGORIES);
    col->width = col->categories.count;
    return status;
}

static nn_status prepare_target(reader *r)
{
    column *col = &r->columns[r->target];
    char place[200];
    nn_status status = classify(r, r->target);
    if (status == NN_OK)
        status = list_categories(r, r->target);
    if (status != NN_OK)
        return status;
    for (int64_t i = first_row(r); i < r->table.rows && col->numeric; i++) {
        double value = 0;
        nn_parse_number(nn_table_cell(&r->table, i, r->target), &value);
        if (value != floor(value))
            return nn_fail(r->error, NN_E_FORMAT,
                           "%s: the target is %.40s; expected classes (texts or whole numbers): "
                           "name another target column",
                           place_of(r, i, r->target, place),
                           nn_table_cell(&r->table, i, r->target));
    }
    if (col->categories.count > NN_MAX_CLASSES)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s: the target takes %lld different values; expected at most %d classes: "
                       "name another target column",
                       place_of(r, first_row(r), r->target, place),
                       (long long)col->categories.count, NN_MAX_CLASSES);
    return NN_OK;
}

static nn_status prepare_columns(reader *r, int64_t *width)
{
    nn_status status = NN_OK;
    *width = 0;
    for (int64_t c = 0; c < r->table.columns && status == NN_OK; c++) {
        status = c == r->target ? prepare_target(r) : prepare_feature(r, c);
        *width += r->columns[c].width;
    }
    return status;
}

/* --- examples --------------------------------------------------------------------------------- */

static int64_t position(const category_list *list, const char *text)
{
    for (int64_t low = 0, high = list->count - 1; low <= high;) {
        int64_t middle = (low + high) / 2;
        int order = strcmp(text, list->text[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return 0;
}

/* Classes sorted as numbers cannot be searched by text; there are few. */
static int class_of(const reader *r, const char *text)
{
    const column *col = &r->columns[r->target];
    if (!col->numeric)
        return (int)position(&col->categories, text);
    for (int64_t k = 0; k < col->categories.count; k++)
        if (strcmp(col->categories.text[k], text) == 0)
            return (int)k;
    return 0;
}

static void fill_row(const reader *r, int64_t row, double *x, int32_t *label)
{
    for (int64_t c = 0; c < r->table.columns; c++) {
        const char *cell = nn_table_cell(&r->table, row, c);
        const column *col = &r->columns[c];
        if (c == r->target)
            *label = class_of(r, cell);
        else if (col->numeric)
            nn_parse_number(cell, x);
        else
            x[position(&col->categories, cell)] = 1;
        x += col->width;
    }
}

static nn_status fill(reader *r, int64_t width, nn_examples *examples)
{
    int64_t rows = r->table.rows - first_row(r);
    const category_list *classes = &r->columns[r->target].categories;
    nn_status status =
        nn_examples_alloc(examples, nn_shape1(width), rows, NN_DOUBLES, r->name, r->error);
    if (status != NN_OK)
        return status;
    status = nn_examples_classes(examples, (int)classes->count, r->error);
    if (status != NN_OK) {
        nn_examples_free(examples);
        return status;
    }
    for (int64_t k = 0; k < classes->count; k++)
        snprintf(examples->class_name[k], NN_NAME_MAX, "%s", classes->text[k]);
    for (int64_t i = 0; i < rows; i++)
        fill_row(r, i + first_row(r), (double *)examples->values + i * width, &examples->label[i]);
    snprintf(examples->origin, sizeof examples->origin, "%s", r->name);
    return NN_OK;
}

nn_status nn_parse_csv(const char *text, size_t size, const char *name, const char *target,
                       nn_examples *examples, nn_error *error)
{
    reader r = {.name = name, .error = error};
    int64_t width = 0;
    *examples = (nn_examples){0};
    nn_status status = nn_table_parse(text, size, name, &r.table, error);
    if (status == NN_OK)
        status = choose_target(&r, target);
    if (status == NN_OK) {
        r.columns = calloc((size_t)r.table.columns, sizeof *r.columns);
        if (!r.columns) {
            nn_fail(error, NN_E_NOMEM, "%s: no memory for its columns", name);
            nn_table_free(&r.table);
            return NN_E_NOMEM;
        }
        status = prepare_columns(&r, &width);
    }
    if (status == NN_OK)
        status = fill(&r, width, examples);
    for (int64_t c = 0; c < r.table.columns && r.columns; c++)
        free(r.columns[c].categories.text);
    free(r.columns);
    nn_table_free(&r.table);
    return status;
}

nn_status nn_open_csv(const char *path, const char *target, nn_examples *examples, nn_error *error)
{
    nn_buffer buffer;
    nn_status status = nn_read_file(path, INT32_MAX, &buffer, error);
    if (status != NN_OK)
        return status;
    status = nn_parse_csv((const char *)buffer.bytes, buffer.size, path, target, examples, error);
    free(buffer.bytes);
    return status;
}
