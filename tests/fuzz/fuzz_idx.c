/* IDX images and labels: the first two bytes say where the labels begin. */
#include "engine/data/parsers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nn_examples examples;
    nn_error error;
    if (size < 2)
        return 0;
    size_t cut = (data[0] | (size_t)data[1] << 8) % (size - 1);
    nn_source images = {data + 2, cut, "images"};
    nn_source labels = {data + 2 + cut, size - 2 - cut, "labels"};
    if (nn_parse_idx(&images, &labels, NULL, NULL, &examples, &error) == NN_OK)
        nn_examples_free(&examples);
    return 0;
}
