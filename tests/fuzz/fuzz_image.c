/* A PNG or JPEG. */
#include "engine/data/parsers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nn_source source = {data, size, "image"};
    nn_image image;
    nn_error error;
    if (nn_decode_image(&source, &image, &error) != NN_OK)
        return 0;
    if (image.width < 1 || image.height < 1 || (image.channels != 1 && image.channels != 3))
        abort();
    free(image.pixels);
    return 0;
}
