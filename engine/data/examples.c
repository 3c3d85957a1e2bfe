/* Memory of examples, and whole files in memory. */
#include "engine/data/parsers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

size_t nn_storage_size(nn_storage storage)
{
    switch (storage) {
    case NN_BYTES:
        return sizeof(uint8_t);
    case NN_FLOATS:
        return sizeof(float);
    case NN_DOUBLES:
        break;
    }
    return sizeof(double);
}

double nn_stored_value(const nn_examples *examples, int64_t at)
{
    switch (examples->storage) {
    case NN_BYTES:
        return ((const uint8_t *)examples->values)[at];
    case NN_FLOATS:
        return (double)((const float *)examples->values)[at];
    case NN_DOUBLES:
        break;
    }
    return ((const double *)examples->values)[at];
}

nn_status nn_examples_alloc(nn_examples *examples, nn_shape sample, int64_t count,
                            nn_storage storage, const char *name, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    int64_t row = nn_shape_count(sample);
    if (count < 1)
        return nn_fail(error, NN_E_FORMAT, "%s: no examples", name);
    if (row < 1 || row > NN_MAX_COLUMNS)
        return nn_fail(error, NN_E_FORMAT, "%s: an example is %s; expected 1 to %d numbers", name,
                       nn_shape_text(sample, text), NN_MAX_COLUMNS);
    if (count > INT32_MAX)
        return nn_fail(error, NN_E_FORMAT, "%s: %lld examples; at most %d fit", name,
                       (long long)count, INT32_MAX);
    *examples = (nn_examples){.sample = sample,
                              .row = row,
                              .count = count,
                              .train_count = count,
                              .storage = storage,
                              .scale = 1};
    examples->values = calloc((size_t)count, (size_t)row * nn_storage_size(storage));
    examples->label = calloc((size_t)count, sizeof *examples->label);
    if (!examples->values || !examples->label) {
        nn_examples_free(examples);
        return nn_fail(error, NN_E_NOMEM, "%s: no memory for %lld examples of %s", name,
                       (long long)count, nn_shape_text(sample, text));
    }
    return NN_OK;
}

void nn_examples_free(nn_examples *examples)
{
    free(examples->values);
    free(examples->label);
    free(examples->class_name);
    *examples = (nn_examples){0};
}

nn_status nn_examples_classes(nn_examples *examples, int classes, nn_error *error)
{
    free(examples->class_name);
    examples->class_name = calloc((size_t)classes, sizeof *examples->class_name);
    examples->classes = examples->class_name ? classes : 0;
    if (!examples->class_name)
        return nn_fail(error, NN_E_NOMEM, "no memory for %d class names", classes);
    for (int i = 0; i < classes; i++)
        snprintf(examples->class_name[i], NN_NAME_MAX, "%d", i);
    return NN_OK;
}

static nn_status bad_label(const char *name, int64_t at, int64_t label, const char *why,
                           nn_error *error)
{
    return nn_fail(error, NN_E_FORMAT, "%s: label %lld at byte %lld: %s", name, (long long)label,
                   (long long)at, why);
}

nn_status nn_check_labels(nn_examples *examples, const char *name, const char *test_name,
                          int64_t header, int64_t width, nn_error *error)
{
    int64_t first[NN_MAX_CLASSES]; /* example that first bears the label, or -1 */
    for (int k = 0; k < NN_MAX_CLASSES; k++)
        first[k] = -1;
    char why[96];
    int largest = 0;
    for (int64_t i = 0; i < examples->count; i++) {
        bool test = i >= examples->train_count;
        int64_t at = header + (test ? i - examples->train_count : i) * width;
        int64_t label = examples->label[i];
        if (label < 0 || label >= NN_MAX_CLASSES) {
            snprintf(why, sizeof why, "expected 0 to %d", NN_MAX_CLASSES - 1);
            return bad_label(test ? test_name : name, at, label, why, error);
        }
        if (test && first[label] < 0) {
            snprintf(why, sizeof why, "the train part has no such class, only 0 to %d", largest);
            return bad_label(test_name, at, label, why, error);
        }
        if (first[label] < 0)
            first[label] = i;
        if (!test && label > largest)
            largest = (int)label;
    }
    for (int k = 1, last = 0; k <= largest; k++) {
        if (first[k] < 0)
            continue;
        if (k > last + 1) {
            snprintf(why, sizeof why, "expected no gap, but no example bears the labels %d to %d",
                     last + 1, k - 1);
            return bad_label(name, header + first[k] * width, k, why, error);
        }
        last = k;
    }
    return nn_examples_classes(examples, largest + 1, error);
}

/* Compressed and plain files alike: gzread passes plain bytes through. */
static nn_status read_all(gzFile file, const char *path, size_t limit, nn_buffer *buffer,
                          nn_error *error)
{
    size_t room = 1 << 16;
    buffer->size = 0;
    buffer->bytes = malloc(room + 1);
    while (buffer->bytes) {
        int got = gzread(file, buffer->bytes + buffer->size, (unsigned)(room - buffer->size));
        if (got < 0) {
            int code = 0;
            const char *text = gzerror(file, &code);
            return nn_fail(error, code == Z_ERRNO ? NN_E_IO : NN_E_FORMAT,
                           "%s: damaged after %zu bytes (%s); fetch the file again", path,
                           buffer->size, code == Z_ERRNO ? strerror(errno) : text);
        }
        buffer->size += (size_t)got;
        if (buffer->size < room) {
            int code = 0;
            gzerror(file, &code);
            if (code == Z_BUF_ERROR) /* the compressed stream ended too early */
                return nn_fail(error, NN_E_FORMAT,
                               "%s: the compressed data end after %zu bytes, in the middle; fetch "
                               "the file again",
                               path, buffer->size);
            buffer->bytes[buffer->size] = 0;
            return NN_OK;
        }
        if (room >= limit)
            return nn_fail(error, NN_E_FORMAT, "%s: more than %zu bytes; expected less", path,
                           limit);
        room = room < limit / 2 ? room * 2 : limit;
        unsigned char *more = realloc(buffer->bytes, room + 1);
        if (!more)
            break;
        buffer->bytes = more;
    }
    return nn_fail(error, NN_E_NOMEM, "%s: no memory for more than %zu bytes", path, buffer->size);
}

nn_status nn_read_file(const char *path, size_t limit, nn_buffer *buffer, nn_error *error)
{
    *buffer = (nn_buffer){0};
    /* O_NONBLOCK: opening a pipe by mistake must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return nn_fail(error, code == ENOENT ? NN_E_MISSING : NN_E_IO, "%s: %s", path,
                       strerror(code));
    }
    if (!S_ISREG(status.st_mode)) {
        close(fd);
        return nn_fail(error, NN_E_IO, "%s: %s; expected a file", path,
                       S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
    }
    if (status.st_size == 0) {
        close(fd);
        return nn_fail(error, NN_E_FORMAT, "%s: empty file", path);
    }
    gzFile file = gzdopen(fd, "rb");
    if (!file) {
        close(fd);
        return nn_fail(error, NN_E_NOMEM, "%s: no memory to read it", path);
    }
    gzbuffer(file, 1 << 17);
    nn_status result = read_all(file, path, limit, buffer, error);
    gzclose_r(file);
    if (result != NN_OK) {
        free(buffer->bytes);
        *buffer = (nn_buffer){0};
    }
    return result;
}
