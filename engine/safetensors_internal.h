/* What the three files of safetensors share. Private to them. */
#ifndef GRADUS_ENGINE_SAFETENSORS_INTERNAL_H
#define GRADUS_ENGINE_SAFETENSORS_INTERNAL_H

#include "engine/safetensors.h"

#include <stdbool.h>

/* The types that files may hold; those up to BF16 can be loaded. */
typedef enum {
    NN_FILE_F64,
    NN_FILE_F32,
    NN_FILE_F16,
    NN_FILE_BF16,
    NN_FILE_I64,
    NN_FILE_I32,
    NN_FILE_I16,
    NN_FILE_I8,
    NN_FILE_U64,
    NN_FILE_U32,
    NN_FILE_U16,
    NN_FILE_U8,
    NN_FILE_BOOL,
    NN_DTYPES
} nn_file_dtype;
const char *nn_file_dtype_name(nn_file_dtype dtype);
size_t nn_file_dtype_size(nn_file_dtype dtype);
bool nn_file_dtype_find(const char *name, nn_file_dtype *dtype);

typedef struct {
    char *name;
    nn_file_dtype dtype;
    nn_shape shape;
    uint64_t start, size; /* bytes, from the end of the header */
    const unsigned char *data;
} nn_file_tensor;

typedef struct {
    char *key, *value;
} nn_file_note;

struct nn_tensors {
    nn_file_tensor *entry;
    int count, room;
    nn_file_note *note;
    int note_count;
    unsigned char *bytes; /* the file, where it was read */
    char *path;
};

/* Appends a copy of `tensor` (its name is copied too). */
nn_status nn_tensors_append(nn_tensors *tensors, const nn_file_tensor *tensor, nn_error *error);

enum { NN_HEADER_LIMIT = 100000000 }; /* bytes: the limit of the reference implementation */

#endif
