#include "ui/onnx/request.h"

#include "ui/onnx/json_in.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_TEXT = 24 };

/* --- tensors ------------------------------------------------------------------------------------
 */

/* What a tensor is called in messages: "inputs[2]". */
typedef struct {
    char name[32];
    onnx_tensor *tensor;
    bool has_shape, has_data, has_type;
} tensor_reader;

static bool read_shape(json_in *in, tensor_reader *r)
{
    nn_shape shape = {0, {0}};
    int i = 0;
    if (!json_in_expect(in, '['))
        return false;
    for (; json_in_more(in, ']', i); i++) {
        double dim;
        if (i == NN_MAX_DIMS)
            return json_in_fail(in, "%s has more than %d dimensions", r->name, NN_MAX_DIMS);
        if (!json_in_number(in, &dim))
            return false;
        if (dim != floor(dim) || fabs(dim) > 9e18)
            return json_in_fail(in, "%s: a dimension is %g; expected a whole number", r->name, dim);
        shape.dim[i] = (int64_t)dim;
    }
    shape.rank = i;
    r->tensor->shape = shape;
    r->has_shape = true;
    return !in->failed;
}

/* A number, true or false, or the text of one that JSON cannot write. */
static bool read_element(json_in *in, float *element)
{
    char text[LONG_TEXT];
    double number = 0;
    char next = json_in_next(in);
    if (next == '"') {
        if (!json_in_text(in, text, sizeof text))
            return false;
        if (strcmp(text, "NaN") == 0)
            number = NAN;
        else if (strcmp(text, "Infinity") == 0)
            number = INFINITY;
        else if (strcmp(text, "-Infinity") == 0)
            number = -INFINITY;
        else
            return json_in_fail(in, "expected a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
        *element = (float)number;
        return true;
    }
    if (next == 't' || next == 'f') {
        *element = json_in_word(in, "true");
        return *element != 0 || json_in_word(in, "false") ||
               json_in_fail(in, "expected true or false");
    }
    if (!json_in_number(in, &number))
        return false;
    if (fabs(number) > 3.4028235677973366e38)
        return json_in_fail(in, "%g does not fit into a float; write \"Infinity\" if you mean it",
                            number);
    *element = (float)number;
    return true;
}

typedef struct {
    float *data;
    int64_t count, room;
} float_list;

static bool add_float(json_in *in, float_list *list, int64_t most, const char *name, float value)
{
    if (list->count >= most)
        return json_in_fail(in, "%s: more numbers than a request may have in all (%d)", name,
                            ONNX_MAX_TOTAL);
    if (list->count == list->room) {
        int64_t room = list->room ? 2 * list->room : 64;
        float *data = realloc(list->data, (size_t)room * sizeof *data);
        if (!data)
            return json_in_fail(in, "%s: out of memory", name);
        list->data = data;
        list->room = room;
    }
    list->data[list->count++] = value;
    return true;
}

static bool read_data(json_in *in, tensor_reader *r, int64_t most)
{
    float_list list = {NULL, 0, 0};
    float element = 0;
    bool good = json_in_expect(in, '[');
    while (good && json_in_more(in, ']', list.count > 0))
        good = read_element(in, &element) && add_float(in, &list, most, r->name, element);
    r->tensor->data = list.data;
    r->tensor->count = list.count;
    r->has_data = true;
    return good && !in->failed;
}

static bool read_type(json_in *in, tensor_reader *r)
{
    char text[ONNX_NAME];
    if (!json_in_text(in, text, sizeof text))
        return false;
    r->tensor->type = onnx_type_named(text);
    r->has_type = true;
    if (r->tensor->type == ONNX_TYPES) {
        r->tensor->type = ONNX_FLOAT;
        return json_in_fail(in,
                            "%s: dtype is not one of float32, float64, float16, int8 to int64, "
                            "uint8 to uint64, bool",
                            r->name);
    }
    return true;
}

static bool read_member(json_in *in, tensor_reader *r, int64_t most)
{
    char key[ONNX_NAME];
    if (!json_in_text(in, key, sizeof key) || !json_in_expect(in, ':'))
        return false;
    bool shape = strcmp(key, "shape") == 0, data = strcmp(key, "data") == 0;
    bool type = strcmp(key, "dtype") == 0;
    if ((shape && r->has_shape) || (data && r->has_data) || (type && r->has_type))
        return json_in_fail(in, "%s has '%s' twice", r->name, key);
    if (shape)
        return read_shape(in, r);
    if (data)
        return read_data(in, r, most);
    if (type)
        return read_type(in, r);
    return json_in_fail(in, "%s has an unknown member; it has \"shape\", \"data\" and \"dtype\"",
                        r->name);
}

static bool check_tensor(json_in *in, const tensor_reader *r)
{
    const onnx_tensor *t = r->tensor;
    char text[NN_SHAPE_TEXT];
    if (!r->has_shape || !r->has_data)
        return json_in_fail(in, "%s has no \"%s\"", r->name, r->has_shape ? "data" : "shape");
    int64_t count = onnx_count(t->shape, r->name, in->error);
    if (count < 0) {
        in->failed = true;
        return false;
    }
    if (count != t->count)
        return json_in_fail(in, "%s: shape %s has %lld elements, \"data\" has %lld", r->name,
                            onnx_shape_text(t->shape, text), (long long)count, (long long)t->count);
    for (int64_t i = 0; i < t->count && !onnx_is_real(t->type); i++)
        if (t->data[i] != floorf(t->data[i]))
            return json_in_fail(in, "%s: %g is no %s", r->name, (double)t->data[i],
                                onnx_type_name(t->type));
    return true;
}

static bool read_tensor(json_in *in, tensor_reader *r, int64_t most)
{
    if (json_in_word(in, "null"))
        return true;
    if (!json_in_expect(in, '{'))
        return false;
    for (int i = 0; json_in_more(in, '}', i); i++)
        if (!read_member(in, r, most))
            return false;
    if (in->failed || !check_tensor(in, r))
        return false;
    r->tensor->present = true;
    return true;
}

static bool read_tensors(json_in *in, const char *list, onnx_tensor *tensor, int *count,
                         onnx_request *request)
{
    if (!json_in_expect(in, '['))
        return false;
    for (*count = 0; json_in_more(in, ']', *count); ++*count) {
        if (*count == ONNX_TENSORS)
            return json_in_fail(in, "\"%s\" has more than %d tensors", list, ONNX_TENSORS);
        tensor_reader reader = {.tensor = &tensor[*count]};
        snprintf(reader.name, sizeof reader.name, "%s[%d]", list, *count);
        if (!read_tensor(in, &reader, ONNX_MAX_TOTAL - request->elements))
            return false;
        request->elements += reader.tensor->count;
    }
    return !in->failed;
}

/* --- attributes ---------------------------------------------------------------------------------
 */

static bool read_value(json_in *in, onnx_attribute *attribute)
{
    char next = json_in_next(in);
    if (next == '"') {
        if (attribute->words == ONNX_WORDS)
            return json_in_fail(in, "attribute '%s' has more than %d texts", attribute->name,
                                ONNX_WORDS);
        if (attribute->numbers)
            return json_in_fail(in, "attribute '%s' mixes numbers and texts", attribute->name);
        return json_in_text(in, attribute->word[attribute->words++], ONNX_NAME);
    }
    if (attribute->numbers == ONNX_LIST)
        return json_in_fail(in, "attribute '%s' has more than %d numbers", attribute->name,
                            ONNX_LIST);
    if (attribute->words)
        return json_in_fail(in, "attribute '%s' mixes numbers and texts", attribute->name);
    double *number = &attribute->number[attribute->numbers++];
    if (next == 't' || next == 'f') {
        *number = json_in_word(in, "true");
        return *number != 0 || json_in_word(in, "false") ||
               json_in_fail(in, "expected true or false");
    }
    return json_in_number(in, number);
}

static bool read_attribute(json_in *in, onnx_request *request)
{
    onnx_attribute *attribute = &request->attribute[request->attributes];
    if (request->attributes == ONNX_ATTRIBUTES)
        return json_in_fail(in, "more than %d attributes", ONNX_ATTRIBUTES);
    if (!json_in_text(in, attribute->name, sizeof attribute->name) || !json_in_expect(in, ':'))
        return false;
    for (int i = 0; i < request->attributes; i++)
        if (strcmp(request->attribute[i].name, attribute->name) == 0)
            return json_in_fail(in, "an attribute is given twice");
    if (json_in_next(in) != '[') {
        request->attributes++;
        return read_value(in, attribute);
    }
    attribute->list = true;
    json_in_take(in, '[');
    for (int i = 0; json_in_more(in, ']', i); i++)
        if (!read_value(in, attribute))
            return false;
    request->attributes++;
    return !in->failed;
}

static bool read_attributes(json_in *in, onnx_request *request)
{
    if (json_in_word(in, "null"))
        return true;
    if (!json_in_expect(in, '{'))
        return false;
    for (int i = 0; json_in_more(in, '}', i); i++)
        if (!read_attribute(in, request))
            return false;
    return !in->failed;
}

/* --- the request --------------------------------------------------------------------------------
 */

enum { KEY_OP, KEY_ATTRIBUTES, KEY_INPUTS, KEY_GRADIENTS, KEY_OUTPUTS, KEYS };
static const char *const keys[KEYS] = {"op", "attributes", "inputs", "grad_outputs", "outputs"};

static bool read_outputs(json_in *in, onnx_request *request)
{
    double number;
    if (!json_in_number(in, &number))
        return false;
    if (!(number >= 1 && number <= ONNX_TENSORS) || number != floor(number))
        return json_in_fail(in, "\"outputs\" is how many are wanted: 1 to %d", ONNX_TENSORS);
    request->outputs = (int)number;
    return true;
}

static bool read_key(json_in *in, onnx_request *request, bool *seen)
{
    char key[ONNX_NAME];
    int k = 0;
    if (!json_in_text(in, key, sizeof key) || !json_in_expect(in, ':'))
        return false;
    while (k < KEYS && strcmp(key, keys[k]) != 0)
        k++;
    if (k == KEYS)
        return json_in_fail(in, "unknown member of the request; it has op, attributes, inputs, "
                                "grad_outputs, outputs");
    if (seen[k])
        return json_in_fail(in, "\"%s\" is given twice", keys[k]);
    seen[k] = true;
    switch (k) {
    case KEY_OP:
        return json_in_text(in, request->op, sizeof request->op);
    case KEY_ATTRIBUTES:
        return read_attributes(in, request);
    case KEY_INPUTS:
        return read_tensors(in, "inputs", request->input, &request->inputs, request);
    case KEY_GRADIENTS:
        request->has_gradients = true;
        if (json_in_word(in, "null")) {
            request->has_gradients = false;
            return true;
        }
        return read_tensors(in, "grad_outputs", request->gradient, &request->gradients, request);
    default:
        return read_outputs(in, request);
    }
}

static bool read_request(json_in *in, onnx_request *request)
{
    bool seen[KEYS] = {false};
    if (!json_in_expect(in, '{'))
        return false;
    for (int i = 0; json_in_more(in, '}', i); i++)
        if (!read_key(in, request, seen))
            return false;
    if (in->failed || !json_in_finish(in))
        return false;
    if (!seen[KEY_OP] || !seen[KEY_INPUTS])
        return json_in_fail(in, "the request has no \"%s\"",
                            keys[seen[KEY_OP] ? KEY_INPUTS : KEY_OP]);
    return true;
}

nn_status onnx_request_read(onnx_request *request, const char *text, size_t length, nn_error *error)
{
    json_in in;
    *request = (onnx_request){.inputs = 0};
    if (!json_in_begin(&in, text, length, error))
        return NN_E_NOMEM;
    bool good = read_request(&in, request);
    json_in_end(&in);
    if (!good)
        onnx_request_free(request);
    return good ? NN_OK : NN_E_FORMAT;
}

void onnx_request_free(onnx_request *request)
{
    for (int i = 0; i < ONNX_TENSORS; i++) {
        onnx_tensor_free(&request->input[i]);
        onnx_tensor_free(&request->gradient[i]);
    }
    *request = (onnx_request){.inputs = 0};
}
