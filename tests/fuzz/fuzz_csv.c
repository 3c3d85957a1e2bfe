/* A CSV file; what is accepted must split and hold labels in range. */
#include "engine/data/parsers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nn_examples examples;
    nn_split split;
    nn_error error;
    const nn_data_args args = {.seed = 1, .limit = 3};
    const char *target = size && data[0] % 2 ? "kind" : NULL;
    if (nn_parse_csv((const char *)data, size, "data.csv", target, &examples, &error) != NN_OK)
        return 0;
    for (int64_t i = 0; i < examples.count; i++)
        if (examples.label[i] < 0 || examples.label[i] >= examples.classes)
            abort();
    if (nn_split_examples(&examples, &args, &split, &error) == NN_OK) {
        if (split.count[NN_TRAIN] < 1 || split.count[NN_TRAIN] > 3)
            abort();
        nn_split_free(&split);
    }
    nn_examples_free(&examples);
    return 0;
}
