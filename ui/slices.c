/* Where the errors are: by class, tag, and what can be measured of an example. */
#include "ui/diagnosis.h"

#include "engine/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 16, QUARTERS = 4 };

static nn_status add(slices *found, const slice *one, nn_error *error)
{
    if (one->count == 0)
        return NN_OK;
    if (found->count == found->room) {
        int room = found->room ? 2 * found->room : 64;
        slice *more = realloc(found->list, (size_t)room * sizeof *more);
        if (!more)
            return nn_fail(error, NN_E_NOMEM, "out of memory for %d slices", room);
        found->list = more;
        found->room = room;
    }
    found->list[found->count++] = *one;
    return NN_OK;
}

static void count_in(slice *one, const book_example *e)
{
    one->count++;
    one->errors += book_example_wrong(e);
}

static nn_status add_classes(const example_book *book, slices *found, nn_error *error)
{
    nn_status status = NN_OK;
    for (int k = 0; k < book->classes && status == NN_OK; k++) {
        slice one = {.kind = "class"};
        snprintf(one.name, sizeof one.name, "%s", book->class_names[k]);
        for (int64_t i = 0; i < book->count; i++)
            if (book->examples[i].truth == k)
                count_in(&one, &book->examples[i]);
        status = add(found, &one, error);
    }
    return status;
}

static nn_status add_tags(const example_book *book, slices *found, nn_error *error)
{
    nn_status status = NN_OK;
    for (int k = 0; k < book->tag_count && status == NN_OK; k++) {
        slice one = {.kind = "tag"};
        snprintf(one.name, sizeof one.name, "%s", book->tags[k].name);
        for (int64_t i = 0; i < book->count; i++)
            if (book->examples[i].tags >> k & 1)
                count_in(&one, &book->examples[i]);
        status = add(found, &one, error);
    }
    return status;
}

/* --- by a number -------------------------------------------------------------------------------
 */

typedef struct {
    double value;
    int64_t index;
} measured;

static int by_value(const void *a, const void *b)
{
    const measured *one = a, *other = b;
    if (one->value != other->value)
        return one->value < other->value ? -1 : 1;
    return (one->index > other->index) - (one->index < other->index);
}

/* Four parts of like size; equal values stay together, so that there may be fewer. */
static nn_status add_quarters(const example_book *book, const char *kind, const char *label,
                              measured *list, slices *found, nn_error *error)
{
    int64_t first = 0;
    nn_status status = NN_OK;
    qsort(list, (size_t)book->count, sizeof *list, by_value);
    for (int q = 0; q < QUARTERS && first < book->count && status == NN_OK; q++) {
        int64_t end = book->count * (q + 1) / QUARTERS;
        if (end <= first)
            continue;
        while (end < book->count && list[end].value == list[end - 1].value)
            end++;
        slice one = {0};
        snprintf(one.kind, sizeof one.kind, "%s", kind);
        snprintf(one.name, sizeof one.name, "%s%.4g to %.4g", label, list[first].value,
                 list[end - 1].value);
        for (int64_t i = first; i < end; i++)
            count_in(&one, &book->examples[list[i].index]);
        first = end;
        status = add(found, &one, error);
    }
    return status;
}

/* Raw numbers of every example, one row each. */
static nn_status read_raw(const example_book *book, const nn_dataset *data, int64_t row,
                          double (*measure)(const float *x, nn_shape shape, int column), int column,
                          measured *list, nn_error *error)
{
    float *x = malloc(((size_t)row + 1) * sizeof *x);
    nn_shape shape = nn_dataset_sample(data);
    if (!x)
        return nn_fail(error, NN_E_NOMEM, "out of memory for an example of %lld numbers",
                       (long long)row);
    for (int64_t i = 0; i < book->count; i++) {
        nn_dataset_raw(data, book->part, book->examples[i].place, x);
        list[i] = (measured){measure(x, shape, column), i};
    }
    free(x);
    return NN_OK;
}

static double brightness(const float *x, nn_shape shape, int column)
{
    double sum = 0;
    int64_t count = nn_shape_count(shape);
    (void)column;
    for (int64_t i = 0; i < count; i++)
        sum += (double)x[i];
    return sum / (double)count;
}

/* Steps up to the last one that is not all zero: what follows is padding. */
static double length(const float *x, nn_shape shape, int column)
{
    int64_t last = nn_shape_count(shape), step = last / shape.dim[0];
    (void)column;
    while (last > 0 && x[last - 1] == 0)
        last--;
    int64_t steps = (last + step - 1) / step;
    return (double)steps;
}

static double value_of(const float *x, nn_shape shape, int column)
{
    (void)shape;
    return (double)x[column];
}

static nn_status add_measured(const example_book *book, const nn_dataset *data, slices *found,
                              nn_error *error)
{
    nn_shape shape = nn_dataset_sample(data);
    int64_t row = nn_shape_count(shape);
    bool table = shape.rank == 1;
    int columns = !table ? 1 : row < MOST_COLUMNS ? (int)row : MOST_COLUMNS;
    measured *list = calloc((size_t)book->count + 1, sizeof *list);
    if (!list)
        return nn_fail(error, NN_E_NOMEM, "out of memory for slices");
    nn_status status = NN_OK;
    for (int k = 0; k < columns && status == NN_OK; k++) {
        char label[24] = "";
        if (table)
            snprintf(label, sizeof label, "x%d ", k + 1);
        status = read_raw(book, data, row,
                          table             ? value_of
                          : shape.rank == 3 ? brightness
                                            : length,
                          k, list, error);
        if (status == NN_OK)
            status = add_quarters(book,
                                  table             ? "column"
                                  : shape.rank == 3 ? "brightness"
                                                    : "length",
                                  label, list, found, error);
    }
    free(list);
    return status;
}

/* --- all ---------------------------------------------------------------------------------------
 */

/* By what the error is at least, so that three of three do not come before 90 of 100. */
static int worst_first(const void *a, const void *b)
{
    const slice *one = a, *other = b;
    if (one->low != other->low)
        return one->low > other->low ? -1 : 1;
    int kind = strcmp(one->kind, other->kind);
    return kind ? kind : strcmp(one->name, other->name);
}

static nn_status check_data(const example_book *book, const nn_dataset *data, nn_error *error)
{
    if (nn_dataset_count(data, book->part) == book->count)
        return NN_OK;
    return nn_fail(error, NN_E_STATE, "the %s part has %lld examples, run %lld answered %lld",
                   nn_part_name(book->part), (long long)nn_dataset_count(data, book->part),
                   (long long)book->row.id, (long long)book->count);
}

nn_status slices_make(const example_book *book, const nn_dataset *data, slices *found,
                      nn_error *error)
{
    *found = (slices){0};
    nn_status status = data ? check_data(book, data, error) : NN_OK;
    if (status == NN_OK)
        status = add_classes(book, found, error);
    if (status == NN_OK)
        status = add_tags(book, found, error);
    if (status == NN_OK && data)
        status = add_measured(book, data, found, error);
    if (status != NN_OK) {
        slices_free(found);
        return status;
    }
    double whole = (double)book->errors / (double)book->count;
    for (int i = 0; i < found->count; i++) {
        slice *one = &found->list[i];
        nn_interval range = nn_wilson(one->errors, one->count, 1.96);
        one->error = (double)one->errors / (double)one->count;
        one->low = range.low;
        one->high = range.high;
        one->real = whole < range.low || whole > range.high;
    }
    if (found->count > 0)
        qsort(found->list, (size_t)found->count, sizeof *found->list, worst_first);
    return NN_OK;
}

void slices_free(slices *found)
{
    free(found->list);
    *found = (slices){0};
}
