/* Data sets that are part of the program. */
#include "engine/data/builtin.h"

#include "engine/data/parsers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char c)
{
    return c >= '1' && c <= '9' ? c - '0' : c >= 'a' ? c - 'a' + 10 : 0;
}

nn_status nn_load_digits(nn_examples *examples, nn_error *error)
{
    nn_status status =
        nn_examples_alloc(examples, nn_shape3(1, 8, 8), NN_DIGITS_COUNT, NN_BYTES, "digits", error);
    if (status == NN_OK && (status = nn_examples_classes(examples, 10, error)) != NN_OK)
        nn_examples_free(examples);
    if (status != NN_OK)
        return status;
    uint8_t *pixel = examples->values;
    for (int i = 0; i < NN_DIGITS_COUNT; i++) {
        for (int j = 0; j < 64; j++)
            *pixel++ = (uint8_t)digit_value(nn_digits_data[i][j]);
        examples->label[i] = nn_digits_data[i][64] - '0';
    }
    examples->scale = 1.0 / 16;
    snprintf(examples->origin, sizeof examples->origin,
             "built in: optical recognition of handwritten digits (Alpaydin, Kaynak 1998)");
    return NN_OK;
}

nn_status nn_load_iris(nn_examples *examples, nn_error *error)
{
    size_t size = 0;
    for (int i = 0; i < NN_IRIS_LINES; i++)
        size += strlen(nn_iris_data[i]);
    char *text = malloc(size + 1);
    if (!text)
        return nn_fail(error, NN_E_NOMEM, "iris: no memory for %zu bytes", size);
    size = 0;
    for (int i = 0; i < NN_IRIS_LINES; i++) {
        size_t length = strlen(nn_iris_data[i]);
        memcpy(text + size, nn_iris_data[i], length);
        size += length;
    }
    nn_status status = nn_parse_csv(text, size, "iris", NULL, examples, error);
    free(text);
    if (status == NN_OK)
        snprintf(examples->origin, sizeof examples->origin, "built in: iris (Fisher 1936)");
    return status;
}
