/* A safetensors file; every tensor of an accepted one can be asked for. */
#include "engine/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nn_error error;
    nn_tensors *tensors = nn_tensors_parse(data, size, "fuzz.safetensors", &error);
    for (int i = 0; tensors && i < nn_tensors_count(tensors); i++) {
        nn_shape shape = nn_tensors_shape(tensors, i);
        nn_real *values = malloc(((size_t)nn_shape_count(shape) + 1) * sizeof *values);
        if (values)
            nn_tensors_load(tensors, nn_tensors_name(tensors, i), shape, values, &error);
        free(values);
    }
    nn_tensors_free(tensors);
    return 0;
}
