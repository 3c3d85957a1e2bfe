/* The safetensors format: 8-byte little-endian header length, JSON header, raw little-endian data.
 * Reading checks every length, offset, dtype and overlap against the file's size before any memory
 * is touched; writing goes to a temporary file, is synced, then renamed. */
#ifndef GRADUS_ENGINE_SAFETENSORS_H
#define GRADUS_ENGINE_SAFETENSORS_H

#include "engine/status.h"
#include "engine/tensor.h"

typedef struct nn_tensors nn_tensors;

/* For writing: tensors are borrowed until nn_tensors_write returns. */
nn_tensors *nn_tensors_new(void);
void nn_tensors_free(nn_tensors *tensors);
nn_status nn_tensors_add(nn_tensors *tensors, const char *name, nn_shape shape, const nn_real *data,
                         nn_error *error);
nn_status nn_tensors_note(nn_tensors *tensors, const char *key, const char *value,
                          nn_error *error); /* goes to "__metadata__" */
nn_status nn_tensors_write(const nn_tensors *tensors, const char *path, nn_error *error);
/* The same, but the file that stood at `path` is kept as `previous` (NULL: it is not). Killed at
 * any instant there is a whole file at `path`, or none there and the old one at `previous`. */
nn_status nn_tensors_replace(const nn_tensors *tensors, const char *path, const char *previous,
                             nn_error *error);
/* A number that tells contents apart (names, values, notes; not their order), the same before
 * writing and after reading. Below 2^53, so that a double holds it; never 0 or 1. */
uint64_t nn_tensors_digest(const nn_tensors *tensors);

/* For reading: the whole file, converted on the way out (F32, F64, F16, BF16). nn_tensors_parse
 * copies `bytes`; `path` is for messages. */
nn_tensors *nn_tensors_read(const char *path, nn_error *error);
nn_tensors *nn_tensors_parse(const void *bytes, size_t size, const char *path, nn_error *error);
const char *nn_tensors_get_note(const nn_tensors *tensors, const char *key); /* NULL when absent */
int nn_tensors_count(const nn_tensors *tensors);
const char *nn_tensors_name(const nn_tensors *tensors, int i);
nn_shape nn_tensors_shape(const nn_tensors *tensors, int i);
/* Copy tensor `name` into `data`; refuses a missing one and another shape by name. */
nn_status nn_tensors_load(const nn_tensors *tensors, const char *name, nn_shape shape,
                          nn_real *data, nn_error *error);

#endif
