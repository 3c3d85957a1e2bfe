/* Reading safetensors. Nothing in the file is believed: length, JSON, types, shapes and offsets are
 * checked against the bytes that are there before any tensor can be asked for. */
#include "engine/safetensors_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_NOTES = 4096 };

typedef struct {
    nn_tensors *tensors;
    const char *path;
    const unsigned char *data; /* behind the header */
    uint64_t data_size;
    nn_error *error;
} reader;

static nn_status refuse(const reader *r, const char *name, const char *what)
{
    return nn_fail(r->error, NN_E_FORMAT, "%s: tensor '%.64s': %s", r->path, name, what);
}

static nn_status read_shape(const reader *r, const char *name, const json_t *list, nn_shape *shape)
{
    if (!json_is_array(list) || json_array_size(list) > NN_MAX_DIMS)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s: tensor '%.64s': 'shape'; expected a list of at most %d sizes", r->path,
                       name, NN_MAX_DIMS);
    *shape = (nn_shape){.rank = (int)json_array_size(list)};
    for (int i = 0; i < shape->rank; i++) {
        const json_t *size = json_array_get(list, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return refuse(r, name, "'shape'; expected whole numbers from 0");
        shape->dim[i] = json_integer_value(size);
    }
    if (nn_shape_count(*shape) < 0)
        return refuse(r, name, "'shape' multiplies to more than 2^40 values");
    return NN_OK;
}

static nn_status read_offsets(const reader *r, const json_t *list, nn_file_tensor *tensor)
{
    char text[NN_SHAPE_TEXT], why[200];
    const json_t *from = json_array_get(list, 0), *to = json_array_get(list, 1);
    if (!json_is_array(list) || json_array_size(list) != 2 || !json_is_integer(from) ||
        !json_is_integer(to))
        return refuse(r, tensor->name, "'data_offsets'; expected two whole numbers");
    json_int_t start = json_integer_value(from), end = json_integer_value(to);
    uint64_t size = (uint64_t)nn_shape_count(tensor->shape) * nn_file_dtype_size(tensor->dtype);
    if (start < 0 || end < start || (uint64_t)end > r->data_size) {
        snprintf(why, sizeof why,
                 "data_offsets %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
                 "; expected within the %" PRIu64 " bytes behind the header (truncated?)",
                 start, end, r->data_size);
        return refuse(r, tensor->name, why);
    }
    if ((uint64_t)(end - start) != size) {
        snprintf(why, sizeof why, "spans %" JSON_INTEGER_FORMAT " bytes; %s of %s needs %" PRIu64,
                 end - start, nn_shape_text(tensor->shape, text), nn_file_dtype_name(tensor->dtype),
                 size);
        return refuse(r, tensor->name, why);
    }
    tensor->start = (uint64_t)start;
    tensor->size = size;
    tensor->data = r->data + start;
    return NN_OK;
}

static nn_status read_tensor(const reader *r, const char *name, const json_t *value)
{
    nn_file_tensor tensor = {.name = (char *)(uintptr_t)name};
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (!json_is_object(value) || json_object_size(value) != 3)
        return refuse(r, name, "expected an object of dtype, shape and data_offsets");
    if (!dtype || !nn_file_dtype_find(dtype, &tensor.dtype))
        return refuse(r, name, "unknown dtype; expected F64, F32, F16, BF16, I64 to U8 or BOOL");
    nn_status status = read_shape(r, name, json_object_get(value, "shape"), &tensor.shape);
    if (status == NN_OK)
        status = read_offsets(r, json_object_get(value, "data_offsets"), &tensor);
    return status == NN_OK ? nn_tensors_append(r->tensors, &tensor, r->error) : status;
}

static nn_status read_notes(const reader *r, json_t *notes)
{
    const char *key;
    json_t *value;
    if (json_object_size(notes) > MAX_NOTES)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s: __metadata__ of %zu entries; expected at most %d", r->path,
                       json_object_size(notes), MAX_NOTES);
    if (!json_is_object(notes))
        return nn_fail(r->error, NN_E_FORMAT, "%s: __metadata__; expected an object of texts",
                       r->path);
    json_object_foreach(notes, key, value)
    {
        if (!json_is_string(value))
            return nn_fail(r->error, NN_E_FORMAT, "%s: __metadata__ '%.64s'; expected a text",
                           r->path, key);
        nn_status status = nn_tensors_note(r->tensors, key, json_string_value(value), r->error);
        if (status != NN_OK)
            return status;
    }
    return NN_OK;
}

static int by_start(const void *a, const void *b)
{
    const nn_file_tensor *x = *(nn_file_tensor *const *)a, *y = *(nn_file_tensor *const *)b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size); /* empty tensors first */
}

/* Tensors must cover the bytes exactly: no overlap, no hole, nothing behind. */
static nn_status check_cover(const reader *r)
{
    int count = r->tensors->count;
    nn_file_tensor **order = calloc((size_t)count + 1, sizeof(void *));
    if (!order)
        return nn_fail(r->error, NN_E_NOMEM, "%s: no memory for %d tensors", r->path, count);
    for (int i = 0; i < count; i++)
        order[i] = &r->tensors->entry[i];
    qsort(order, (size_t)count, sizeof(void *), by_start);
    uint64_t end = 0;
    nn_status status = NN_OK;
    for (int i = 0; i < count && status == NN_OK; i++) {
        if (order[i]->start < end)
            status = refuse(r, order[i]->name, "overlaps the tensor before it");
        else if (order[i]->start > end)
            status = refuse(r, order[i]->name, "leaves unused bytes before it");
        end = order[i]->start + order[i]->size;
    }
    if (status == NN_OK && end != r->data_size)
        status = nn_fail(r->error, NN_E_FORMAT, "%s: %" PRIu64 " bytes too many at the end",
                         r->path, r->data_size - end);
    free(order);
    return status;
}

static nn_status read_header(const reader *r, json_t *root)
{
    const char *key;
    json_t *value;
    nn_status status = NN_OK;
    if (!json_is_object(root))
        return nn_fail(r->error, NN_E_FORMAT, "%s: the header is no JSON object", r->path);
    json_object_foreach(root, key, value)
    {
        status =
            strcmp(key, "__metadata__") == 0 ? read_notes(r, value) : read_tensor(r, key, value);
        if (status != NN_OK)
            return status;
    }
    return check_cover(r);
}

/* Fills r->tensors from bytes that it owns. */
static nn_status read_bytes(reader *r, size_t size)
{
    const unsigned char *bytes = r->tensors->bytes;
    uint64_t length = 0;
    if (size < 8)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s: %zu bytes; a safetensors file begins with an 8-byte length", r->path,
                       size);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > NN_HEADER_LIMIT || length > size - 8)
        return nn_fail(r->error, NN_E_FORMAT,
                       "%s: a header of %" PRIu64
                       " bytes; expected at most %d and no more than the %zu that follow "
                       "(not safetensors, or truncated)",
                       r->path, length, NN_HEADER_LIMIT, size - 8);
    json_error_t why;
    json_t *root = json_loadb((const char *)bytes + 8, length, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return nn_fail(r->error, NN_E_FORMAT, "%s: header, byte %d: %s", r->path, why.position,
                       why.text);
    r->data = bytes + 8 + length;
    r->data_size = size - 8 - length;
    nn_status status = read_header(r, root);
    json_decref(root);
    return status;
}

/* Takes over `bytes`, also on failure. */
static nn_tensors *take_bytes(unsigned char *bytes, size_t size, const char *path, nn_error *error)
{
    nn_tensors *tensors = nn_tensors_new();
    if (tensors)
        tensors->path = strdup(path);
    if (!tensors || !tensors->path) {
        free(bytes);
        nn_tensors_free(tensors);
        nn_fail(error, NN_E_NOMEM, "%s: no memory to read it", path);
        return NULL;
    }
    tensors->bytes = bytes;
    reader r = {.tensors = tensors, .path = path, .error = error};
    if (read_bytes(&r, size) != NN_OK) {
        nn_tensors_free(tensors);
        return NULL;
    }
    return tensors;
}

nn_tensors *nn_tensors_parse(const void *bytes, size_t size, const char *path, nn_error *error)
{
    unsigned char *copy = malloc(size + 1);
    if (!copy) {
        nn_fail(error, NN_E_NOMEM, "%s: no memory for %zu bytes", path, size);
        return NULL;
    }
    if (size > 0)
        memcpy(copy, bytes, size);
    return take_bytes(copy, size, path, error);
}

/* Exactly `size` bytes from fd. */
static nn_status read_all(int fd, const char *path, unsigned char *bytes, size_t size,
                          nn_error *error)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read(fd, bytes + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return nn_fail(error, NN_E_IO, "%s: %s", path, strerror(errno));
        if (got == 0)
            return nn_fail(error, NN_E_IO, "%s: became shorter while it was read", path);
        have += (size_t)got;
    }
    return NN_OK;
}

nn_tensors *nn_tensors_read(const char *path, nn_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* never wait for a pipe's writer */
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        nn_fail(error, errno == ENOENT ? NN_E_MISSING : NN_E_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        close(fd);
        nn_fail(error, NN_E_IO, "%s: %s; expected a file", path,
                S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
        return NULL;
    }
    size_t size = (size_t)status.st_size;
    unsigned char *bytes = malloc(size + 1);
    nn_status result = NN_OK;
    if (!bytes)
        result = nn_fail(error, NN_E_NOMEM, "%s: no memory for %zu bytes", path, size);
    else
        result = read_all(fd, path, bytes, size, error);
    close(fd);
    if (result != NN_OK) {
        free(bytes);
        return NULL;
    }
    return take_bytes(bytes, size, path, error);
}
