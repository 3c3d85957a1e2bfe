/* Tensors in memory, on their way into a safetensors file or out of one. The file itself is written
 * by safetensors_write.c and read by safetensors_read.c. */
#include "engine/safetensors_internal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[NN_DTYPES] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4},  {"I16", 2},
    {"I8", 1},  {"U64", 8}, {"U32", 4}, {"U16", 2},  {"U8", 1},  {"BOOL", 1},
};

const char *nn_file_dtype_name(nn_file_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t nn_file_dtype_size(nn_file_dtype dtype)
{
    return dtypes[dtype].size;
}

bool nn_file_dtype_find(const char *name, nn_file_dtype *dtype)
{
    for (int i = 0; i < NN_DTYPES; i++)
        if (strcmp(dtypes[i].name, name) == 0) {
            *dtype = (nn_file_dtype)i;
            return true;
        }
    return false;
}

nn_tensors *nn_tensors_new(void)
{
    return calloc(1, sizeof(nn_tensors));
}

void nn_tensors_free(nn_tensors *tensors)
{
    if (!tensors)
        return;
    for (int i = 0; i < tensors->count; i++)
        free(tensors->entry[i].name);
    free(tensors->entry);
    for (int i = 0; i < tensors->note_count; i++) {
        free(tensors->note[i].key);
        free(tensors->note[i].value);
    }
    free(tensors->note);
    free(tensors->bytes);
    free(tensors->path);
    free(tensors);
}

nn_status nn_tensors_append(nn_tensors *tensors, const nn_file_tensor *tensor, nn_error *error)
{
    if (tensors->count == tensors->room) {
        int room = tensors->room ? tensors->room * 2 : 16;
        nn_file_tensor *more = realloc(tensors->entry, (size_t)room * sizeof *more);
        if (!more)
            return nn_fail(error, NN_E_NOMEM, "no memory for %d tensors", room);
        tensors->entry = more;
        tensors->room = room;
    }
    nn_file_tensor *entry = &tensors->entry[tensors->count];
    *entry = *tensor;
    entry->name = strdup(tensor->name);
    if (!entry->name)
        return nn_fail(error, NN_E_NOMEM, "no memory for tensor '%s'", tensor->name);
    tensors->count++;
    return NN_OK;
}

static const nn_file_tensor *find(const nn_tensors *tensors, const char *name)
{
    for (int i = 0; i < tensors->count; i++)
        if (strcmp(tensors->entry[i].name, name) == 0)
            return &tensors->entry[i];
    return NULL;
}

nn_status nn_tensors_add(nn_tensors *tensors, const char *name, nn_shape shape, const nn_real *data,
                         nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    int64_t count = nn_shape_count(shape);
    if (!name || !*name || strcmp(name, "__metadata__") == 0)
        return nn_fail(error, NN_E_ARG, "tensor name '%s'; expected a name that is not reserved",
                       name ? name : "");
    if (count < 0)
        return nn_fail(error, NN_E_SHAPE, "tensor '%s' is %s; expected less than 2^40 values", name,
                       nn_shape_text(shape, text));
    if (find(tensors, name))
        return nn_fail(error, NN_E_ARG, "tensor '%s' is there twice", name);
    nn_file_tensor tensor = {.name = (char *)(uintptr_t)name,
                             .dtype = sizeof(nn_real) == sizeof(float) ? NN_FILE_F32 : NN_FILE_F64,
                             .shape = shape,
                             .size = (uint64_t)count * sizeof(nn_real),
                             .data = (const unsigned char *)data};
    return nn_tensors_append(tensors, &tensor, error);
}

nn_status nn_tensors_note(nn_tensors *tensors, const char *key, const char *value, nn_error *error)
{
    char *new_value = strdup(value);
    for (int i = 0; new_value && i < tensors->note_count; i++)
        if (strcmp(tensors->note[i].key, key) == 0) {
            free(tensors->note[i].value);
            tensors->note[i].value = new_value;
            return NN_OK;
        }
    char *new_key = strdup(key);
    nn_file_note *more = NULL;
    if (new_key && new_value)
        more = realloc(tensors->note, ((size_t)tensors->note_count + 1) * sizeof *more);
    if (!more) {
        free(new_key);
        free(new_value);
        return nn_fail(error, NN_E_NOMEM, "no memory for note '%s'", key);
    }
    tensors->note = more;
    tensors->note[tensors->note_count++] = (nn_file_note){new_key, new_value};
    return NN_OK;
}

const char *nn_tensors_get_note(const nn_tensors *tensors, const char *key)
{
    for (int i = 0; i < tensors->note_count; i++)
        if (strcmp(tensors->note[i].key, key) == 0)
            return tensors->note[i].value;
    return NULL;
}

int nn_tensors_count(const nn_tensors *tensors)
{
    return tensors->count;
}

const char *nn_tensors_name(const nn_tensors *tensors, int i)
{
    return tensors->entry[i].name;
}

nn_shape nn_tensors_shape(const nn_tensors *tensors, int i)
{
    return tensors->entry[i].shape;
}

/* --- numbers out of bytes ----------------------------------------------------------------------
 */

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
static double from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double sign = bits >> 15 ? -1 : 1;
    if (exponent == 31)
        return fraction ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, -24);
    return sign * ldexp(1024 + fraction, exponent - 25);
}

static uint64_t little_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static nn_real number_at(const nn_file_tensor *tensor, size_t i)
{
    size_t size = nn_file_dtype_size(tensor->dtype);
    uint64_t bits = little_endian(tensor->data + i * size, size);
    uint32_t bits32 = (uint32_t)bits;
    float single;
    double twice;
    if (tensor->dtype == NN_FILE_F64) {
        memcpy(&twice, &bits, sizeof twice);
        return (nn_real)twice;
    }
    if (tensor->dtype == NN_FILE_F16)
        return (nn_real)from_half((uint16_t)bits);
    if (tensor->dtype == NN_FILE_BF16)
        bits32 <<= 16; /* the upper half of a float */
    memcpy(&single, &bits32, sizeof single);
    return (nn_real)single;
}

nn_status nn_tensors_load(const nn_tensors *tensors, const char *name, nn_shape shape,
                          nn_real *data, nn_error *error)
{
    const char *path = tensors->path ? tensors->path : "tensors";
    const nn_file_tensor *tensor = find(tensors, name);
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    if (!tensor)
        return nn_fail(error, NN_E_MISSING, "%s: no tensor '%s'", path, name);
    if (!nn_shape_equal(tensor->shape, shape))
        return nn_fail(error, NN_E_SHAPE, "%s: tensor '%s' is %s; expected %s", path, name,
                       nn_shape_text(tensor->shape, have), nn_shape_text(shape, want));
    if (tensor->dtype > NN_FILE_BF16)
        return nn_fail(error, NN_E_FORMAT, "%s: tensor '%s' is %s; expected F32, F64, F16 or BF16",
                       path, name, nn_file_dtype_name(tensor->dtype));
    for (size_t i = 0, count = (size_t)nn_shape_count(shape); i < count; i++)
        data[i] = number_at(tensor, i);
    return NN_OK;
}

/* --- telling contents apart ----------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t word;
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    if (size > 0)
        memcpy(&word, at, size);
    return mix(hash, word ^ (uint64_t)size << 56);
}

uint64_t nn_tensors_digest(const nn_tensors *tensors)
{
    uint64_t sum = 1;
    for (int i = 0; i < tensors->count; i++) {
        const nn_file_tensor *tensor = &tensors->entry[i];
        uint64_t hash = mix_bytes(1, tensor->name, strlen(tensor->name));
        sum += mix_bytes(hash, tensor->data, (size_t)tensor->size);
    }
    for (int i = 0; i < tensors->note_count; i++) {
        const nn_file_note *note = &tensors->note[i];
        uint64_t hash = mix_bytes(2, note->key, strlen(note->key));
        sum += mix_bytes(hash, note->value, strlen(note->value));
    }
    return (mix(sum, 3) >> 11) | 2;
}
