/* IDX, the format of MNIST: two zero bytes, a type byte (0x08: unsigned bytes), the number of
 * dimensions, each dimension as 32 bits big-endian, then the bytes (LeCun, Cortes, Burges: "The
 * MNIST database"). */
#include "engine/data/parsers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDX_MAX_DIMS = 4 };
static const size_t largest_file = (size_t)4 << 30;

typedef struct {
    nn_shape shape;
    const unsigned char *data;
    int64_t header; /* bytes before data */
} idx_array;

static nn_status read_header(const nn_source *source, idx_array *array, nn_error *error)
{
    const unsigned char *bytes = source->bytes;
    if (source->size < 4)
        return nn_fail(error, NN_E_FORMAT, "%s: %zu bytes; an IDX file begins with 4 magic bytes",
                       source->name, source->size);
    if (bytes[0] || bytes[1] || bytes[2] != 8 || bytes[3] < 1 || bytes[3] > IDX_MAX_DIMS)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: begins with %02x %02x %02x %02x; expected the IDX magic 00 00 08 and "
                       "1 to %d dimensions",
                       source->name, bytes[0], bytes[1], bytes[2], bytes[3], IDX_MAX_DIMS);
    array->shape = (nn_shape){.rank = bytes[3]};
    array->header = 4 + 4 * (int64_t)bytes[3];
    array->data = bytes + array->header; /* looked at only when the size is right */
    if (source->size < (size_t)array->header)
        return nn_fail(error, NN_E_FORMAT, "%s: ends at byte %zu, inside its header of %lld",
                       source->name, source->size, (long long)array->header);
    for (int i = 0; i < array->shape.rank; i++) {
        const unsigned char *d = bytes + 4 + 4 * i;
        array->shape.dim[i] =
            (int64_t)((uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3]);
        if (array->shape.dim[i] == 0)
            return nn_fail(error, NN_E_FORMAT, "%s: dimension %d (byte %d) is 0: no examples",
                           source->name, i + 1, 4 + 4 * i);
    }
    return NN_OK;
}

/* The header is only believed when the file holds exactly what it promises. */
static nn_status read_array(const nn_source *source, idx_array *array, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    nn_status status = read_header(source, array, error);
    if (status != NN_OK)
        return status;
    int64_t expected = nn_shape_count(array->shape), found = (int64_t)source->size - array->header;
    if (expected < 0 || expected > found)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: truncated: its header promises %s bytes, but %lld follow it",
                       source->name, nn_shape_text(array->shape, text), (long long)found);
    if (expected < found)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: %lld bytes too many after byte %lld: the header promises %s",
                       source->name, (long long)(found - expected),
                       (long long)(array->header + expected), nn_shape_text(array->shape, text));
    return NN_OK;
}

static nn_status read_pair(const nn_source *images, const nn_source *labels, idx_array *x,
                           idx_array *y, nn_error *error)
{
    nn_status status = read_array(images, x, error);
    if (status == NN_OK)
        status = read_array(labels, y, error);
    if (status != NN_OK)
        return status;
    if (x->shape.rank < 2)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: 1 dimension; images have 2 to %d (are these labels?)", images->name,
                       IDX_MAX_DIMS);
    if (y->shape.rank != 1)
        return nn_fail(error, NN_E_FORMAT, "%s: %d dimensions; labels have 1 (are these images?)",
                       labels->name, y->shape.rank);
    if (x->shape.dim[0] != y->shape.dim[0])
        return nn_fail(error, NN_E_FORMAT, "%s has %lld images, %s %lld labels: expected as many",
                       images->name, (long long)x->shape.dim[0], labels->name,
                       (long long)y->shape.dim[0]);
    return NN_OK;
}

/* (n,h,w) -> (1,h,w); (n,c,h,w) -> (c,h,w); (n,f) -> (f). */
static nn_shape sample_of(nn_shape shape)
{
    if (shape.rank == 2)
        return nn_shape1(shape.dim[1]);
    if (shape.rank == 3)
        return nn_shape3(1, shape.dim[1], shape.dim[2]);
    return nn_shape3(shape.dim[1], shape.dim[2], shape.dim[3]);
}

static void copy_part(nn_examples *examples, int64_t first, const idx_array *x, const idx_array *y)
{
    int64_t count = y->shape.dim[0];
    memcpy((uint8_t *)examples->values + first * examples->row, x->data,
           (size_t)(count * examples->row));
    for (int64_t i = 0; i < count; i++)
        examples->label[first + i] = y->data[i];
}

nn_status nn_parse_idx(const nn_source *images, const nn_source *labels,
                       const nn_source *test_images, const nn_source *test_labels,
                       nn_examples *examples, nn_error *error)
{
    idx_array x = {0}, y = {0}, test_x = {0}, test_y = {0};
    char a[NN_SHAPE_TEXT], b[NN_SHAPE_TEXT];
    nn_status status = read_pair(images, labels, &x, &y, error);
    if (status == NN_OK && test_images)
        status = read_pair(test_images, test_labels, &test_x, &test_y, error);
    if (status != NN_OK)
        return status;
    nn_shape sample = sample_of(x.shape);
    if (test_images && !nn_shape_equal(sample, sample_of(test_x.shape)))
        return nn_fail(error, NN_E_FORMAT, "%s holds %s, %s %s: expected images of one size",
                       images->name, nn_shape_text(sample, a), test_images->name,
                       nn_shape_text(sample_of(test_x.shape), b));
    int64_t train = y.shape.dim[0], test = test_images ? test_y.shape.dim[0] : 0;
    status = nn_examples_alloc(examples, sample, train + test, NN_BYTES, images->name, error);
    if (status != NN_OK)
        return status;
    examples->train_count = train;
    examples->scale = 1.0 / 255;
    copy_part(examples, 0, &x, &y);
    if (test_images)
        copy_part(examples, train, &test_x, &test_y);
    status = nn_check_labels(examples, labels->name, test_labels ? test_labels->name : labels->name,
                             y.header, 1, error);
    if (status != NN_OK)
        nn_examples_free(examples);
    return status;
}

/* The spellings in use: "train-images-idx3-ubyte", "train-images.idx3-ubyte", each also packed. */
static bool find_file(const char *folder, const char *stem, int dimensions, char *path, size_t room)
{
    static const char *const separator[] = {"-", "."}, *const ending[] = {"", ".gz"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, room, "%s/%s%sidx%d-ubyte%s", folder, stem, separator[i / 2], dimensions,
                 ending[i % 2]);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

bool nn_is_idx_folder(const char *folder)
{
    static const char *const stem[] = {"train-images", "train-labels", "t10k-images",
                                       "t10k-labels"};
    char path[4096];
    for (int i = 0; i < 4; i++)
        if (find_file(folder, stem[i], i % 2 ? 1 : 3, path, sizeof path))
            return true;
    return false;
}

nn_status nn_open_idx(const char *folder, nn_examples *examples, nn_error *error)
{
    static const char *const stem[] = {"train-images", "train-labels", "t10k-images",
                                       "t10k-labels"};
    char path[4][4096];
    bool found[4];
    nn_buffer buffer[4] = {{0}};
    nn_source source[4];
    nn_status status = NN_OK;
    for (int i = 0; i < 4; i++)
        found[i] = find_file(folder, stem[i], i % 2 ? 1 : 3, path[i], sizeof path[i]);
    for (int i = 0; i < 4; i++)
        if (!found[i] && (i < 2 || found[2] || found[3]))
            return nn_fail(error, NN_E_MISSING, "%s: no %s-idx%d-ubyte or %s-idx%d-ubyte.gz",
                           folder, stem[i], i % 2 ? 1 : 3, stem[i], i % 2 ? 1 : 3);
    for (int i = 0; i < 4 && status == NN_OK; i++) {
        if (found[i])
            status = nn_read_file(path[i], largest_file, &buffer[i], error);
        source[i] = (nn_source){buffer[i].bytes, buffer[i].size, path[i]};
    }
    if (status == NN_OK)
        status = nn_parse_idx(&source[0], &source[1], found[2] ? &source[2] : NULL,
                              found[2] ? &source[3] : NULL, examples, error);
    for (int i = 0; i < 4; i++)
        free(buffer[i].bytes);
    if (status == NN_OK)
        snprintf(examples->origin, sizeof examples->origin, "%s", folder);
    return status;
}
