/* NPY, numpy's file of one array: "\x93NUMPY", two version bytes, the header's length (16 bits in
 * version 1, 32 in 2 and 3), the header, the numbers. The header is a Python dictionary:
 * {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
 * (numpy.lib.format). */
#include "engine/data/parsers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t largest_file = (size_t)16 << 30;

typedef enum { NPY_U1, NPY_I4, NPY_I8, NPY_F4, NPY_F8, NPY_TYPES } npy_type;

static const struct {
    const char *descr;
    size_t size;
} types[NPY_TYPES] = {{"|u1", 1}, {"<i4", 4}, {"<i8", 8}, {"<f4", 4}, {"<f8", 8}};

typedef struct {
    npy_type type;
    nn_shape shape;
    const unsigned char *data;
    int64_t header; /* bytes before data */
} npy_array;

/* --- the header ------------------------------------------------------------------------------- */

typedef struct {
    const nn_source *source;
    const char *at, *end;
    bool has_type, has_order, has_shape;
    npy_array *array;
    nn_error *error;
} header_reader;

static nn_status refuse(const header_reader *h, const char *what)
{
    return nn_fail(h->error, NN_E_FORMAT, "%s: header, byte %lld: %s", h->source->name,
                   (long long)(h->at - (const char *)h->source->bytes), what);
}

static void skip_blanks(header_reader *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t'))
        h->at++;
}

static bool take(header_reader *h, const char *text)
{
    size_t length = strlen(text);
    skip_blanks(h);
    if ((size_t)(h->end - h->at) < length || memcmp(h->at, text, length) != 0)
        return false;
    h->at += length;
    return true;
}

static nn_status read_type(header_reader *h)
{
    for (int i = 0; i < NPY_TYPES; i++) {
        char quoted[8];
        for (int quote = 0; quote < 2; quote++) {
            snprintf(quoted, sizeof quoted, "%c%s%c", "'\""[quote], types[i].descr, "'\""[quote]);
            if (take(h, quoted)) {
                h->array->type = (npy_type)i;
                h->has_type = true;
                return NN_OK;
            }
        }
    }
    return refuse(h, "unknown 'descr'; expected |u1, <i4, <i8, <f4 or <f8 (little-endian numbers)");
}

static nn_status read_order(header_reader *h)
{
    h->has_order = true;
    if (take(h, "False"))
        return NN_OK;
    if (take(h, "True"))
        return refuse(h, "columns first; save it with numpy.ascontiguousarray");
    return refuse(h, "expected False for 'fortran_order'");
}

static nn_status read_shape(header_reader *h)
{
    nn_shape *shape = &h->array->shape;
    if (!take(h, "("))
        return refuse(h, "expected '(' for 'shape'");
    h->has_shape = true;
    *shape = (nn_shape){0};
    while (!take(h, ")")) {
        int64_t value = 0;
        int digits = 0;
        skip_blanks(h);
        for (; h->at < h->end && *h->at >= '0' && *h->at <= '9' && digits < 15; digits++)
            value = value * 10 + (*h->at++ - '0');
        if (digits == 0 || shape->rank == NN_MAX_DIMS)
            return refuse(h, "expected at most 6 whole numbers in 'shape'");
        shape->dim[shape->rank++] = value;
        if (!take(h, ",")) {
            if (!take(h, ")"))
                return refuse(h, "expected ',' or ')' in 'shape'");
            break;
        }
    }
    return NN_OK;
}

static nn_status read_dictionary(header_reader *h)
{
    if (!take(h, "{"))
        return refuse(h, "expected '{'");
    while (!take(h, "}")) {
        nn_status status;
        if (!h->has_type && (take(h, "'descr':") || take(h, "\"descr\":")))
            status = read_type(h);
        else if (!h->has_order && (take(h, "'fortran_order':") || take(h, "\"fortran_order\":")))
            status = read_order(h);
        else if (!h->has_shape && (take(h, "'shape':") || take(h, "\"shape\":")))
            status = read_shape(h);
        else
            status = refuse(h, "expected 'descr', 'fortran_order', 'shape', each once");
        if (status != NN_OK)
            return status;
        if (!take(h, ",")) {
            if (!take(h, "}"))
                return refuse(h, "expected ',' or '}'");
            break;
        }
    }
    if (!h->has_type || !h->has_order || !h->has_shape)
        return refuse(h, "ends without 'descr', 'fortran_order' or 'shape'");
    return NN_OK;
}

static nn_status read_array(const nn_source *source, npy_array *array, nn_error *error)
{
    static const char magic[] = "\x93NUMPY";
    const unsigned char *bytes = source->bytes;
    char text[NN_SHAPE_TEXT];
    if (source->size < 12 || memcmp(bytes, magic, 6) != 0)
        return nn_fail(error, NN_E_FORMAT, "%s: does not begin with \\x93NUMPY and a header",
                       source->name);
    if (bytes[6] < 1 || bytes[6] > 3)
        return nn_fail(error, NN_E_FORMAT, "%s: version %d.%d; expected 1, 2 or 3", source->name,
                       bytes[6], bytes[7]);
    size_t length = bytes[8] | (size_t)bytes[9] << 8, prefix = 10;
    if (bytes[6] > 1) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        prefix = 12;
    }
    if (length > source->size - prefix)
        return nn_fail(error, NN_E_FORMAT, "%s: ends at byte %zu, inside its header of %zu",
                       source->name, source->size, length + prefix);
    array->header = (int64_t)(prefix + length);
    array->data = bytes + array->header;
    header_reader h = {.source = source,
                       .at = (const char *)bytes + prefix,
                       .end = (const char *)array->data,
                       .array = array,
                       .error = error};
    nn_status status = read_dictionary(&h);
    if (status != NN_OK)
        return status;
    int64_t count = nn_shape_count(array->shape);
    int64_t size = (int64_t)types[array->type].size, found = (int64_t)source->size - array->header;
    if (count < 0 || count * size != found)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: %lld bytes follow the header (byte %lld), but %s of %s needs %lld",
                       source->name, (long long)found, (long long)array->header,
                       nn_shape_text(array->shape, text), types[array->type].descr,
                       count < 0 ? -1LL : (long long)(count * size));
    return NN_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static uint64_t little_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static double number_at(const npy_array *array, int64_t i)
{
    size_t size = types[array->type].size;
    uint64_t bits = little_endian(array->data + (size_t)i * size, size);
    uint32_t bits32 = (uint32_t)bits;
    float single;
    double twice;
    switch (array->type) {
    case NPY_I4:
        return (double)(int32_t)bits32;
    case NPY_I8:
        return (double)(int64_t)bits;
    case NPY_F4:
        memcpy(&single, &bits32, sizeof single);
        return (double)single;
    case NPY_F8:
        memcpy(&twice, &bits, sizeof twice);
        return twice;
    case NPY_U1:
    case NPY_TYPES:
        break;
    }
    return (double)bits;
}

/* (n) -> (1); (n,f) -> (f); (n,h,w) -> (1,h,w); (n,c,h,w) and (n,h,w,c) -> (c,h,w): channels are
 * where the 1 or 3 is, first where both could be. */
static nn_status sample_of(const npy_array *x, const char *name, nn_shape *sample, bool *last,
                           nn_error *error)
{
    const int64_t *d = x->shape.dim;
    char text[NN_SHAPE_TEXT];
    *last = false;
    switch (x->shape.rank) {
    case 1:
        *sample = nn_shape1(1);
        return NN_OK;
    case 2:
        *sample = nn_shape1(d[1]);
        return NN_OK;
    case 3:
        *sample = nn_shape3(1, d[1], d[2]);
        return NN_OK;
    case 4:
        *last = d[1] != 1 && d[1] != 3 && (d[3] == 1 || d[3] == 3);
        *sample = *last ? nn_shape3(d[3], d[1], d[2]) : nn_shape3(d[1], d[2], d[3]);
        return NN_OK;
    default:
        return nn_fail(error, NN_E_FORMAT,
                       "%s is %s; expected (n), (n,columns), (n,rows,columns) or "
                       "(n,channels,rows,columns)",
                       name, nn_shape_text(x->shape, text));
    }
}

/* Where element j of a stored sample belongs when the channels come last in the file. */
static int64_t moved(nn_shape sample, int64_t j, bool channels_last)
{
    int64_t channels = sample.dim[0];
    return channels_last ? j % channels * (sample.dim[1] * sample.dim[2]) + j / channels : j;
}

static nn_status copy_features(const npy_array *x, const char *name, bool channels_last,
                               nn_examples *examples, nn_error *error)
{
    char why[64];
    for (int64_t i = 0; i < examples->count; i++)
        for (int64_t j = 0; j < examples->row; j++) {
            int64_t from = i * examples->row + j;
            int64_t to = i * examples->row + moved(examples->sample, j, channels_last);
            double value = number_at(x, from);
            if (!isfinite(value)) {
                snprintf(why, sizeof why, "%s", isnan(value) ? "NaN" : "infinity");
                return nn_fail(error, NN_E_FORMAT,
                               "%s: %s at byte %lld (example %lld); expected finite numbers", name,
                               why, (long long)x->header + from * (int64_t)types[x->type].size,
                               (long long)i);
            }
            if (examples->storage == NN_BYTES)
                ((uint8_t *)examples->values)[to] = (uint8_t)value;
            else if (examples->storage == NN_FLOATS)
                ((float *)examples->values)[to] = (float)value;
            else
                ((double *)examples->values)[to] = value;
        }
    return NN_OK;
}

static nn_status copy_labels(const npy_array *y, const char *name, nn_examples *examples,
                             nn_error *error)
{
    int64_t size = (int64_t)types[y->type].size;
    for (int64_t i = 0; i < examples->count; i++) {
        double label = number_at(y, i);
        if (label < 0 || label >= NN_MAX_CLASSES)
            return nn_fail(error, NN_E_FORMAT, "%s: label %.0f at byte %lld; expected 0 to %d",
                           name, label, (long long)y->header + i * size, NN_MAX_CLASSES - 1);
        examples->label[i] = (int32_t)label;
    }
    return nn_check_labels(examples, name, name, y->header, size, error);
}

static nn_status check_pair(const npy_array *x, const npy_array *y, const nn_source *features,
                            const nn_source *labels, nn_error *error)
{
    if (x->shape.rank < 1)
        return nn_fail(error, NN_E_FORMAT, "%s: a single number; expected an array of examples",
                       features->name);
    bool column = y->shape.rank == 2 && y->shape.dim[1] == 1;
    if ((y->shape.rank != 1 && !column) || y->type == NPY_F4 || y->type == NPY_F8)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: %d dimensions of %s; expected labels: 1 dimension of |u1, <i4 or <i8",
                       labels->name, y->shape.rank, types[y->type].descr);
    if (x->shape.dim[0] != y->shape.dim[0])
        return nn_fail(error, NN_E_FORMAT, "%s has %lld examples, %s %lld labels: expected as many",
                       features->name, (long long)x->shape.dim[0], labels->name,
                       (long long)y->shape.dim[0]);
    return NN_OK;
}

nn_status nn_parse_npy(const nn_source *features, const nn_source *labels, nn_examples *examples,
                       nn_error *error)
{
    npy_array x = {0}, y = {0};
    nn_shape sample = {0};
    bool channels_last = false;
    *examples = (nn_examples){0};
    nn_status status = read_array(features, &x, error);
    if (status == NN_OK)
        status = read_array(labels, &y, error);
    if (status == NN_OK)
        status = check_pair(&x, &y, features, labels, error);
    if (status == NN_OK)
        status = sample_of(&x, features->name, &sample, &channels_last, error);
    nn_storage storage = x.type == NPY_U1 ? NN_BYTES : x.type == NPY_F4 ? NN_FLOATS : NN_DOUBLES;
    if (status == NN_OK)
        status =
            nn_examples_alloc(examples, sample, x.shape.dim[0], storage, features->name, error);
    if (status != NN_OK)
        return status;
    if (storage == NN_BYTES && sample.rank == 3)
        examples->scale = 1.0 / 255;
    status = copy_features(&x, features->name, channels_last, examples, error);
    if (status == NN_OK)
        status = copy_labels(&y, labels->name, examples, error);
    if (status != NN_OK)
        nn_examples_free(examples);
    return status;
}

/* --- files ------------------------------------------------------------------------------------ */

nn_status nn_open_npy(const char *path, nn_examples *examples, nn_error *error)
{
    static const char *const ending[] = {".labels.npy", "_labels.npy"};
    nn_buffer x = {0}, y = {0};
    size_t stem = strlen(path) - (strlen(path) >= 4 ? 4 : 0), room = strlen(path) + 16;
    char *other = malloc(room);
    if (!other)
        return nn_fail(error, NN_E_NOMEM, "%s: no memory to read it", path);
    bool found = false;
    for (int i = 0; i < 2 && !found; i++) {
        snprintf(other, room, "%.*s%s", (int)stem, path, ending[i]);
        found = access(other, F_OK) == 0;
    }
    nn_status status =
        found ? nn_read_file(path, largest_file, &x, error)
              : nn_fail(error, NN_E_MISSING,
                        "%s: no labels beside it; expected %.*s.labels.npy or %.*s_labels.npy",
                        path, (int)stem, path, (int)stem, path);
    if (status == NN_OK)
        status = nn_read_file(other, largest_file, &y, error);
    if (status == NN_OK) {
        nn_source features = {x.bytes, x.size, path}, labels = {y.bytes, y.size, other};
        status = nn_parse_npy(&features, &labels, examples, error);
    }
    if (status == NN_OK)
        snprintf(examples->origin, sizeof examples->origin, "%s with labels of %s", path, other);
    free(x.bytes);
    free(y.bytes);
    free(other);
    return status;
}
