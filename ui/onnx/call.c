/* What build functions ask and give. */
#include "ui/onnx/call.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nn_graph *onnx_graph(onnx_call *call)
{
    return call->graph;
}

const onnx_operator *onnx_op(const onnx_call *call)
{
    return call->op;
}

int onnx_inputs(const onnx_call *call)
{
    return call->request->inputs;
}

const onnx_tensor *onnx_input(const onnx_call *call, int i)
{
    static const onnx_tensor none = {.present = false};
    return i >= 0 && i < call->request->inputs ? &call->request->input[i] : &none;
}

bool onnx_has(const onnx_call *call, int i)
{
    return onnx_input(call, i)->present;
}

int onnx_outputs_wanted(const onnx_call *call)
{
    return call->request->outputs ? call->request->outputs : call->request->gradients;
}

int64_t onnx_batch(const onnx_call *call)
{
    return call->batch;
}

void onnx_train(onnx_call *call)
{
    call->training = true;
}

/* --- refusals -----------------------------------------------------------------------------------
 */

void *onnx_refuse(onnx_call *call, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (call->failed)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    call->failed = true;
    nn_fail(call->error, NN_E_ARG, "%s: %s", call->op->name, text);
    return NULL;
}

bool onnx_failed(const onnx_call *call)
{
    return call->failed;
}

bool onnx_work(onnx_call *call, double operations)
{
    const double most = 1.5e10;
    call->work += operations;
    if (!(call->work <= most))
        onnx_refuse(call, "about %.1e operations; a request may take %.1e", call->work, most);
    return !call->failed;
}

/* --- attributes ---------------------------------------------------------------------------------
 */

static const onnx_attribute *attribute_of(const onnx_call *call, const char *name)
{
    for (int i = 0; i < call->request->attributes; i++)
        if (strcmp(call->request->attribute[i].name, name) == 0)
            return &call->request->attribute[i];
    return NULL;
}

static const onnx_attribute_spec *spec_of(const onnx_operator *op, const char *name)
{
    for (const onnx_attribute_spec *s = op->attributes; s && s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

bool onnx_given(const onnx_call *call, const char *name)
{
    return attribute_of(call, name) != NULL;
}

double onnx_float(const onnx_call *call, const char *name)
{
    const onnx_attribute *attribute = attribute_of(call, name);
    const onnx_attribute_spec *spec = spec_of(call->op, name);
    return attribute ? attribute->number[0] : spec ? spec->number : 0;
}

int64_t onnx_int(const onnx_call *call, const char *name)
{
    return onnx_whole_number(onnx_float(call, name));
}

const char *onnx_text(const onnx_call *call, const char *name)
{
    const onnx_attribute *attribute = attribute_of(call, name);
    const onnx_attribute_spec *spec = spec_of(call->op, name);
    return attribute ? attribute->word[0] : spec && spec->text ? spec->text : "";
}

const char *onnx_text_at(const onnx_call *call, const char *name, int i)
{
    const onnx_attribute *attribute = attribute_of(call, name);
    return attribute && i < attribute->words ? attribute->word[i] : "";
}

int onnx_floats(onnx_call *call, const char *name, double *list, int most)
{
    const onnx_attribute *attribute = attribute_of(call, name);
    if (!attribute)
        return 0;
    if (attribute->numbers > most) {
        onnx_refuse(call, "attribute '%s' has %d numbers, at most %d are expected", name,
                    attribute->numbers, most);
        return 0;
    }
    for (int i = 0; i < attribute->numbers; i++)
        list[i] = attribute->number[i];
    return attribute->numbers;
}

int onnx_ints(onnx_call *call, const char *name, int64_t *list, int most)
{
    double number[ONNX_LIST];
    int count = onnx_floats(call, name, number, most < ONNX_LIST ? most : ONNX_LIST);
    for (int i = 0; i < count; i++)
        list[i] = onnx_whole_number(number[i]);
    return count;
}

static bool kind_fits(const onnx_attribute_spec *spec, const onnx_attribute *attribute)
{
    bool list = spec->kind >= ONNX_A_INTS;
    bool words = spec->kind == ONNX_A_TEXT || spec->kind == ONNX_A_TEXTS;
    bool whole = spec->kind == ONNX_A_INT || spec->kind == ONNX_A_INTS;
    if (attribute->list != list || (words ? attribute->numbers : attribute->words) > 0)
        return false;
    for (int i = 0; i < attribute->numbers && whole; i++)
        if (attribute->number[i] != floor(attribute->number[i]))
            return false;
    return list || attribute->numbers + attribute->words == 1;
}

/* Adds "a, b, c" to a message, as far as there is room. */
static void list_attributes(const onnx_operator *op, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const onnx_attribute_spec *s = op->attributes; s && s->name && used < size; s++) {
        int wrote = snprintf(text + used, size - used, "%s%s", used ? ", " : "", s->name);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (used == 0)
        snprintf(text, size, "none");
}

static nn_status check_attribute(const onnx_operator *op, const onnx_attribute *attribute,
                                 nn_error *error)
{
    static const char *const want[] = {
        "a whole number",          "a number",          "a text",
        "a list of whole numbers", "a list of numbers", "a list of texts"};
    char list[200];
    const onnx_attribute_spec *spec = spec_of(op, attribute->name);
    if (!spec) {
        list_attributes(op, list, sizeof list);
        return nn_fail(error, NN_E_ARG, "%s has no attribute '%s'; it has: %s", op->name,
                       attribute->name, list);
    }
    if (!kind_fits(spec, attribute))
        return nn_fail(error, NN_E_ARG, "%s: attribute '%s': expected %s", op->name, spec->name,
                       want[spec->kind]);
    return NN_OK;
}

/* --- names --------------------------------------------------------------------------------------
 */

const char *onnx_word_at(const char *words, int i, char text[ONNX_NAME])
{
    size_t length = 0;
    for (; i > 0; i--) {
        size_t skip = strcspn(words, " ");
        if (strncmp(words + skip - (skip > 2 ? 3 : 0), "...", 3) == 0)
            break; /* the last one stands for all that follow */
        words += skip;
        words += *words == ' ';
    }
    while (words[length] && words[length] != ' ' && words[length] != '?' && words[length] != '.' &&
           length + 1 < ONNX_NAME) {
        text[length] = words[length];
        length++;
    }
    text[length] = '\0';
    return text;
}

void onnx_input_range(const onnx_operator *op, int *least, int *most)
{
    *least = *most = 0;
    for (const char *at = op->inputs; *at;) {
        size_t length = strcspn(at, " ");
        bool many = length > 3 && strncmp(at + length - 3, "...", 3) == 0;
        ++*most;
        if (length > 0 && at[length - 1] != '?')
            *least = *most;
        if (many)
            *most = ONNX_TENSORS;
        at += length;
        at += *at == ' ';
    }
}

nn_status onnx_check_request(const onnx_operator *op, const onnx_request *request, nn_error *error)
{
    int least, most;
    char name[ONNX_NAME];
    for (int i = 0; i < request->attributes; i++)
        if (check_attribute(op, &request->attribute[i], error) != NN_OK)
            return NN_E_ARG;
    onnx_input_range(op, &least, &most);
    if (request->inputs < least || request->inputs > most)
        return nn_fail(error, NN_E_ARG, "%s: %d inputs given; it takes %d to %d: %s", op->name,
                       request->inputs, least, most, op->inputs);
    for (int i = 0; i < request->inputs; i++) {
        const onnx_tensor *input = &request->input[i];
        bool needed = i < least || most == ONNX_TENSORS;
        onnx_word_at(op->inputs, i, name);
        if (needed && !input->present)
            return nn_fail(error, NN_E_ARG, "%s: input %d (%s) is needed", op->name, i, name);
        if (input->present && input->count == 0 && !(op->flags & ONNX_EMPTY))
            return nn_fail(error, NN_E_SHAPE, "%s: input %d (%s) has no elements", op->name, i,
                           name);
    }
    return onnx_check_shapes(op, request, error);
}

/* --- inputs that are arguments ------------------------------------------------------------------
 */

static const char *input_name(const onnx_call *call, int i, char text[ONNX_NAME])
{
    return onnx_word_at(call->op->inputs, i, text);
}

int onnx_input_ints(onnx_call *call, int i, int64_t *list, int most)
{
    const onnx_tensor *input = onnx_input(call, i);
    char name[ONNX_NAME];
    if (input->shape.rank > 1 || input->count > most) {
        onnx_refuse(call,
                    "input %d (%s) has %lld elements in %d dimensions; a list of at most %d "
                    "is expected",
                    i, input_name(call, i, name), (long long)input->count, input->shape.rank, most);
        return 0;
    }
    for (int64_t k = 0; k < input->count; k++) {
        if (input->data[k] != floorf(input->data[k])) {
            onnx_refuse(call, "input %d (%s) has %g; whole numbers are expected", i,
                        input_name(call, i, name), (double)input->data[k]);
            return 0;
        }
        list[k] = onnx_whole_number((double)input->data[k]);
    }
    return (int)input->count;
}

double onnx_scalar(onnx_call *call, int i, double otherwise)
{
    const onnx_tensor *input = onnx_input(call, i);
    char name[ONNX_NAME], text[NN_SHAPE_TEXT];
    if (!input->present)
        return otherwise;
    if (input->count != 1) {
        onnx_refuse(call, "input %d (%s) of shape %s: one number is expected", i,
                    input_name(call, i, name), onnx_shape_text(input->shape, text));
        return otherwise;
    }
    return (double)input->data[0];
}

int onnx_axis(onnx_call *call, int64_t axis, int rank)
{
    if (axis < -rank || axis >= rank) {
        onnx_refuse(call, "axis %lld: expected %d to %d", (long long)axis, -rank, rank - 1);
        return -1;
    }
    return (int)(axis < 0 ? axis + rank : axis);
}
