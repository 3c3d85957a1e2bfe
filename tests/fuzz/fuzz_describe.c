/* A model description: built or refused, never anything in between. */
#include "engine/models/models.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Descriptions of networks that are right but take more memory than a fuzzer has. */
static int is_large(const char *text)
{
    int digits = 0;
    for (; *text; text++) {
        digits = *text >= '0' && *text <= '9' ? digits + 1 : 0;
        if (digits > 3)
            return 1;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nn_shape samples[] = {{1, {2}}, {3, {1, 8, 8}}, {3, {3, 12, 5}}};
    nn_network network;
    nn_error error = {NN_OK, ""};
    if (size < 1 || size > 2000)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    nn_model *model = nn_model_new(1);
    nn_graph *graph = model ? nn_graph_new(model) : NULL;
    if (graph && !is_large(text)) {
        nn_status status = nn_describe(graph, text, samples[data[0] % 3], 2 + data[0] % 2,
                                       0.5 * (data[0] / 128), &network, &error);
        if ((status == NN_OK) != (network.loss != NULL) || status != error.code)
            abort();
        if (strlen(error.text) > 300)
            abort();
    }
    nn_graph_free(graph);
    nn_model_free(model);
    free(text);
    return 0;
}
