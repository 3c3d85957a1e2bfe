#include "tests/program_runs.h"

#include "engine/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        fail_msg("no text '%s'", key);
    return text;
}

long long whole_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no whole number '%s'", key);
    return json_integer_value(value);
}

double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("no number '%s'", key);
    return json_number_value(value);
}

/* Runs a training that must succeed; its lines. */
json_t *train(const char *line)
{
    program_result result = program_run(line);
    if (result.status != 0)
        fail_msg("`gradus %s` exited with %d: %s", line, result.status, result.err);
    json_t *lines = program_json_lines(result.out);
    program_free(&result);
    return lines;
}

const json_t *last_of(const json_t *lines)
{
    return json_array_get(lines, json_array_size(lines) - 1);
}

json_t *show(long long run)
{
    char line[64];
    snprintf(line, sizeof line, "runs show %lld --json", run);
    return program_json(line);
}

/* The run's number from the first line of a training. */
long long run_of(const json_t *lines)
{
    return whole_of(json_array_get(lines, 0), "run");
}

static nn_tensors *weights_of(long long run)
{
    json_t *shown = show(run);
    nn_error error = {0};
    nn_tensors *tensors = nn_tensors_read(text_of(shown, "last_checkpoint"), &error);
    if (!tensors)
        fail_msg("%s", error.text);
    json_decref(shown);
    return tensors;
}

static nn_real *load(const nn_tensors *tensors, const char *name, nn_shape shape)
{
    nn_error error = {0};
    nn_real *values = calloc((size_t)nn_shape_count(shape) + 1, sizeof *values);
    assert_non_null(values);
    if (nn_tensors_load(tensors, name, shape, values, &error) != NN_OK)
        fail_msg("%s", error.text);
    return values;
}

/* Same tensors (weights and optimizer state), same bits. */
void assert_same_weights(long long a, long long b)
{
    nn_tensors *first = weights_of(a), *second = weights_of(b);
    assert_true(nn_tensors_count(first) > 0);
    assert_int_equal(nn_tensors_count(first), nn_tensors_count(second));
    for (int i = 0; i < nn_tensors_count(first); i++) {
        const char *name = nn_tensors_name(first, i);
        nn_shape shape = nn_tensors_shape(first, i);
        nn_real *x = load(first, name, shape), *y = load(second, name, shape);
        assert_memory_equal(x, y, (size_t)nn_shape_count(shape) * sizeof *x);
        free(x);
        free(y);
    }
    nn_tensors_free(first);
    nn_tensors_free(second);
}

/* A training under way for `epochs` epochs. */
program start_run(const char *name, int epochs)
{
    char line[320];
    snprintf(line, sizeof line,
             "train --data digits --epochs %d --batch 16 --l2 0.001 --json --name %s "
             "--model 'flatten | dense 32 | relu | dropout 0.1 | dense 16 | relu | dense 10'",
             epochs, name);
    return program_start(line);
}

int leave(void **state)
{
    (void)state;
    program_clean();
    return 0;
}
