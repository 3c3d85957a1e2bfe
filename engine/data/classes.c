/* Some classes of a data set, as if there were no others. */
#include "engine/data/parsers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOSEN = 32 };

/* "7+9" into class[]; their number, or 0 with an error. */
static int read_chosen(const char *chosen, int classes, const char *name, int *class,
                       nn_error *error)
{
    int count = 0;
    for (const char *at = chosen;; at++) {
        char *end = NULL;
        long label = isdigit((unsigned char)*at) ? strtol(at, &end, 10) : -1;
        if (label < 0 || label >= classes || count == CHOSEN || (*end && *end != '+')) {
            nn_fail(error, NN_E_ARG, "%s:classes=%.60s: expected numbers from 0 to %d, as in 0+1",
                    name, chosen, classes - 1);
            return 0;
        }
        for (int i = 0; i < count; i++)
            if (class[i] == label) {
                nn_fail(error, NN_E_ARG, "%s:classes=%.60s: class %ld is named twice", name, chosen,
                        label);
                return 0;
            }
        class[count++] = (int)label;
        if (!*end)
            break;
        at = end;
    }
    if (count < 2)
        nn_fail(error, NN_E_ARG, "%s:classes=%.60s: expected at least two classes, as in 0+1", name,
                chosen);
    return count < 2 ? 0 : count;
}

static void move_example(nn_examples *e, int64_t from, int64_t to)
{
    size_t size = (size_t)e->row * nn_storage_size(e->storage);
    char *values = e->values;
    memmove(values + (size_t)to * size, values + (size_t)from * size, size);
}

static void keep(nn_examples *e, const int *class, int count)
{
    int64_t kept = 0, train = 0;
    for (int64_t i = 0; i < e->count; i++) {
        int label = 0;
        while (label < count && class[label] != e->label[i])
            label++;
        if (label == count)
            continue;
        move_example(e, i, kept);
        e->label[kept] = label;
        train += i < e->train_count;
        kept++;
    }
    e->count = kept;
    e->train_count = train;
}

nn_status nn_keep_classes(nn_examples *e, const char *chosen, const char *name, nn_error *error)
{
    int class[CHOSEN];
    int count = read_chosen(chosen, e->classes, name, class, error);
    char(*names)[NN_NAME_MAX] = count ? calloc((size_t)count, sizeof *names) : NULL;
    if (!names) {
        nn_examples_free(e);
        return count ? nn_fail(error, NN_E_NOMEM, "%s: no memory for %d class names", name, count)
                     : NN_E_ARG;
    }
    for (int i = 0; i < count; i++)
        memcpy(names[i], e->class_name[class[i]], NN_NAME_MAX);
    keep(e, class, count);
    free(e->class_name);
    e->class_name = names;
    e->classes = count;
    return NN_OK;
}
