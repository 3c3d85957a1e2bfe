/* The golden cases through `gradus op`: each case of kind "op" becomes a request as somebody would
 * write it, and what comes back must agree, outputs and gradients. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/onnx/operator.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ENTRIES = 32, CASES = 146 };

/* The entries of one case, in the order of the file: outputs, then gradients. */
typedef struct {
    const char *name;
    const json_t *entry[MOST_ENTRIES];
    const char *output[MOST_ENTRIES]; /* what follows the case in the id */
    int entries;
} golden_op;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_gradient(const char *output)
{
    return strncmp(output, "grad_", 5) == 0;
}

/* --- the request --------------------------------------------------------------------------------
 */

static void add_numbers(json_t *data, const json_t *value)
{
    if (!json_is_array(value)) {
        json_array_append(data, (json_t *)value);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        add_numbers(data, json_array_get(value, i));
}

static json_t *shape_of(const json_t *value)
{
    json_t *shape = json_array();
    for (; json_is_array(value); value = json_array_get(value, 0))
        json_array_append_new(shape, json_integer((json_int_t)json_array_size(value)));
    return shape;
}

/* Not json_null(): the program has a function by that name. */
static json_t *nothing(void)
{
    return json_loads("null", JSON_DECODE_ANY, NULL);
}

static json_t *tensor_of(const json_t *value)
{
    json_t *tensor = json_object(), *data = json_array();
    add_numbers(data, value);
    json_object_set_new(tensor, "shape", shape_of(value));
    json_object_set_new(tensor, "data", data);
    return tensor;
}

/* Of the scalar that a gradient is of: "gradient of cost with respect to ..." names it, and it is
 * the last output without dimensions. Of the others there are gradients among the inputs. */
static int scalar_of(const golden_op *op)
{
    int found = -1;
    for (int i = 0; i < op->entries; i++) {
        bool number = json_is_number(json_object_get(op->entry[i], "expected"));
        bool meant = strcmp(op->output[i], "cost_exact") != 0 &&
                     strcmp(op->output[i], "loss_unmasked") != 0 &&
                     strcmp(op->output[i], "perplexity") != 0;
        if (number && meant && !is_gradient(op->output[i]))
            found = i;
    }
    return found;
}

static void add_seeds(const golden_op *op, const json_t *inputs, json_t *request)
{
    json_t *seeds = json_array();
    int scalar = scalar_of(op);
    bool any = false, given = false;
    for (int i = 0; i < op->entries; i++) {
        char name[64];
        snprintf(name, sizeof name, "d_%.60s", op->output[i]);
        given |= json_object_get(inputs, name) != NULL;
        any |= is_gradient(op->output[i]);
    }
    for (int i = 0; i < op->entries && !is_gradient(op->output[i]); i++) {
        char name[64];
        snprintf(name, sizeof name, "d_%.60s", op->output[i]);
        const json_t *seed = json_object_get(inputs, name);
        json_t *one = json_integer(1);
        if (seed)
            json_array_append_new(seeds, tensor_of(seed));
        else
            json_array_append_new(seeds, !given && i == scalar ? tensor_of(one) : nothing());
        json_decref(one);
    }
    if (any)
        json_object_set(request, "grad_outputs", seeds);
    json_decref(seeds);
}

static char *request_of(const golden_op *op)
{
    const json_t *inputs = json_object_get(op->entry[0], "inputs");
    json_t *request = json_object(), *tensors = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)inputs, key, value) if (strncmp(key, "d_", 2) != 0)
        json_array_append_new(tensors, tensor_of(value));
    json_object_set_new(request, "op", json_string(strchr(op->name, '-') + 1));
    json_object_set_new(request, "inputs", tensors);
    add_seeds(op, inputs, request);
    char *text = json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(request);
    assert_non_null(text);
    return text;
}

/* --- comparing ----------------------------------------------------------------------------------
 */

/* The place among the inputs of the request, or -1. */
static int place_of(const golden_op *op, const char *name)
{
    int place = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json_object_get(op->entry[0], "inputs"), key, value)
    {
        if (strcmp(key, name) == 0)
            return place;
        place += strncmp(key, "d_", 2) != 0;
    }
    return -1;
}

static bool shapes_agree(const json_t *value, nn_shape shape)
{
    int rank = 0;
    for (; json_is_array(value); value = json_array_get(value, 0), rank++)
        if (rank == shape.rank || shape.dim[rank] != (int64_t)json_array_size(value))
            return false;
    return rank == shape.rank;
}

static int compare(const golden_op *op, int i, const onnx_tensor *got)
{
    const json_t *expected = json_object_get(op->entry[i], "expected");
    double tolerance = json_number_value(json_object_get(op->entry[i], "tolerance"));
    if (!got->present || !shapes_agree(expected, got->shape)) {
        print_message("%s.%s: missing, or of another shape\n", op->name, op->output[i]);
        return 1;
    }
    json_t *numbers = json_array();
    int wrong = 0;
    add_numbers(numbers, expected);
    for (size_t k = 0; k < json_array_size(numbers) && !wrong; k++) {
        double want = json_number_value(json_array_get(numbers, k));
        double allowed = fmax(tolerance, 1e-5 * (1 + fabs(want)));
        if (!(fabs((double)got->data[k] - want) <= allowed)) {
            print_message("%s.%s[%zu] is %.9g, expected %.9g\n", op->name, op->output[i], k,
                          (double)got->data[k], want);
            wrong = 1;
        }
    }
    json_decref(numbers);
    return wrong;
}

static int compare_all(const golden_op *op, const onnx_answer *answer)
{
    int wrong = 0, outputs = 0;
    for (int i = 0; i < op->entries; i++) {
        bool gradient = is_gradient(op->output[i]);
        int place = gradient ? place_of(op, op->output[i] + 5) : outputs++;
        assert_in_range(place, 0, ONNX_TENSORS - 1);
        wrong += compare(op, i, gradient ? &answer->gradient[place] : &answer->output[place]);
    }
    if (answer->outputs != outputs) {
        print_message("%s: %d outputs, expected %d\n", op->name, answer->outputs, outputs);
        wrong++;
    }
    return wrong;
}

/* How much is wrong. */
static int run_case(const golden_op *op)
{
    onnx_request *request = calloc(1, sizeof *request);
    onnx_answer *answer = calloc(1, sizeof *answer);
    nn_error error = {NN_OK, ""};
    char *text = request_of(op);
    assert_non_null(request);
    assert_non_null(answer);
    nn_status status = onnx_request_read(request, text, strlen(text), &error);
    if (status == NN_OK)
        status = onnx_run(request, answer, &error);
    int wrong = 1;
    if (status == NN_OK)
        wrong = compare_all(op, answer);
    else
        print_message("%s: %s\n", op->name, error.text);
    onnx_answer_free(answer);
    onnx_request_free(request);
    free(answer);
    free(request);
    free(text);
    return wrong;
}

/* --- the file -----------------------------------------------------------------------------------
 */

/* The case that begins at entry i of the file; its entries stand together. */
static golden_op case_at(const json_t *file, size_t i)
{
    golden_op op = {.name = text_of(json_array_get(file, i), "case")};
    for (; i < json_array_size(file) && op.entries < MOST_ENTRIES; i++) {
        const json_t *entry = json_array_get(file, i);
        if (strcmp(text_of(entry, "case"), op.name) != 0)
            break;
        op.entry[op.entries] = entry;
        op.output[op.entries++] = text_of(entry, "id") + strlen(op.name) + 1;
    }
    return op;
}

static void cases_agree(void **state)
{
    (void)state;
    json_t *file = json_load_file("tests/golden/golden.json", 0, NULL);
    int cases = 0, wrong = 0;
    assert_non_null(file);
    for (size_t i = 0; i < json_array_size(file);) {
        golden_op op = case_at(file, i);
        i += (size_t)op.entries;
        if (!op.name[0])
            continue;
        cases++;
        wrong += run_case(&op);
    }
    json_decref(file);
    assert_int_equal(cases, CASES);
    assert_int_equal(wrong, 0);
}

/* Wrong numbers, wrong shapes and missing outputs must be seen. */
static void errors_are_noticed(void **state)
{
    (void)state;
    static const char *const entries[] = {
        "{\"id\":\"ch07-relu.y\",\"case\":\"ch07-relu\",\"inputs\":{\"z\":[1.0,-1.0]},"
        "\"expected\":[1.0,0.5],\"tolerance\":1e-9}",
        "{\"id\":\"ch07-relu.y\",\"case\":\"ch07-relu\",\"inputs\":{\"z\":[1.0,-1.0]},"
        "\"expected\":[[1.0,0.0]],\"tolerance\":1e-9}",
        "{\"id\":\"ch07-nothing.y\",\"case\":\"ch07-nothing\",\"inputs\":{\"z\":[1.0]},"
        "\"expected\":[1.0],\"tolerance\":1e-9}",
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        json_t *entry = json_loads(entries[i], 0, NULL), *file = json_array();
        assert_non_null(entry);
        json_array_append_new(file, entry);
        golden_op op = case_at(file, 0);
        assert_int_equal(run_case(&op), 1);
        json_decref(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_agree),
        cmocka_unit_test(errors_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
