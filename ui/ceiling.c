#include "ui/ceiling.h"

#include "engine/metrics.h"
#include "engine/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOURS_OF_DAY = 8 }; /* of work */

double ceiling_hours(const char *effort)
{
    static const struct {
        const char *word;
        double hours;
    } words[] = {{"easy", 2}, {"medium", HOURS_OF_DAY}, {"hard", 5 * HOURS_OF_DAY}};
    static const struct {
        const char *unit;
        double hours;
    } units[] = {{"min", 1. / 60}, {"h", 1}, {"d", HOURS_OF_DAY}, {"w", 5 * HOURS_OF_DAY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i].word, effort) == 0)
            return words[i].hours;
    char *end;
    double number = strtod(effort, &end);
    if (end == effort && strncasecmp(effort, "a ", 2) == 0) {
        number = 1;
        end += 2;
    }
    if (end == effort || !(number > 0) || !isfinite(number))
        return NAN;
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strncasecmp(units[i].unit, end, strlen(units[i].unit)) == 0)
            return number * units[i].hours;
    return NAN;
}

static bool wrong_in(const example_book *other, int64_t example)
{
    const book_example *e = example_book_find(other, example);
    return e && book_example_wrong(e);
}

/* Adds one error to the rows of its tags. */
static void count_error(ceiling_table *table, const book_example *e, const example_book *other)
{
    bool looked_at = e->sampled > 0 && e->seen;
    bool still = other && looked_at && wrong_in(other, e->example);
    table->sampled += e->sampled > 0;
    table->looked_at += looked_at;
    table->untagged += looked_at && e->tags == 0;
    table->other_wrong += still;
    for (int k = 0; k < table->count; k++) {
        ceiling_row *row = &table->rows[k];
        if (!(e->tags >> k & 1))
            continue;
        row->count += looked_at;
        row->alone += looked_at && e->tags == 1ull << k;
        row->browsed += e->sampled == 0;
        row->still_wrong += still;
    }
}

static void finish_row(const ceiling_table *table, const example_tag *tag, ceiling_row *row)
{
    double looked_at = (double)table->looked_at;
    nn_interval range = nn_wilson(row->count, table->looked_at, 1.96);
    row->hours = ceiling_hours(tag->effort);
    if (table->looked_at == 0) {
        row->share = row->low = row->high = row->exclusive = NAN;
        row->explains = row->ceiling = row->ceiling_low = row->ceiling_high = NAN;
        row->gain = row->worth = NAN;
        return;
    }
    row->share = (double)row->count / looked_at;
    row->low = range.low;
    row->high = range.high;
    row->exclusive = (double)row->alone / looked_at;
    row->explains = row->share * (double)table->errors;
    row->gain =
        nn_ceiling((double)row->count, looked_at, (double)table->errors, (double)table->total);
    row->ceiling = table->error - row->gain;
    row->ceiling_low = table->error * (1 - row->high);
    row->ceiling_high = table->error * (1 - row->low);
    row->worth = row->gain / (isnan(row->hours) ? HOURS_OF_DAY : row->hours);
}

/* NaN (nothing looked at) keeps the order of the tags. */
static int by_worth(const void *a, const void *b)
{
    const ceiling_row *one = a, *other = b;
    if (one->worth > other->worth || one->worth < other->worth)
        return one->worth > other->worth ? -1 : 1;
    if (one->gain > other->gain || one->gain < other->gain)
        return one->gain > other->gain ? -1 : 1;
    return one->tag - other->tag;
}

nn_status ceiling_make(const example_book *book, const example_book *other, ceiling_table *table,
                       nn_error *error)
{
    *table = (ceiling_table){.count = book->tag_count,
                             .errors = book->errors,
                             .total = book->count,
                             .error = (double)book->errors / (double)book->count};
    if (other && strcmp(other->content, book->content) != 0)
        return nn_fail(error, NN_E_ARG,
                       "run %lld learned from other data than run %lld: their errors cannot be "
                       "compared one by one",
                       (long long)other->row.id, (long long)book->row.id);
    table->other = other ? other->row.id : 0;
    table->rows = calloc((size_t)book->tag_count + 1, sizeof *table->rows);
    if (!table->rows)
        return nn_fail(error, NN_E_NOMEM, "out of memory for %d tags", book->tag_count);
    for (int64_t i = 0; i < book->count; i++)
        if (book_example_wrong(&book->examples[i]))
            count_error(table, &book->examples[i], other);
    for (int k = 0; k < table->count; k++) {
        table->rows[k].tag = k;
        if (!other)
            table->rows[k].still_wrong = -1;
        finish_row(table, &book->tags[k], &table->rows[k]);
    }
    qsort(table->rows, (size_t)table->count, sizeof *table->rows, by_worth);
    return NN_OK;
}

void ceiling_free(ceiling_table *table)
{
    free(table->rows);
    *table = (ceiling_table){0};
}
