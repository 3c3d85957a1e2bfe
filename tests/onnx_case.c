#include "tests/onnx_case.h"

#include "tests/onnx_proto.h"
#include "ui/onnx/operator.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 256, FILES = 32 };

/* ONNX's own runner compares with these. */
static const double relative = 1e-3, absolute = 1e-7;

typedef struct {
    proto_text name;
    onnx_tensor tensor;
} named_value;

typedef struct {
    proto_model model;
    unsigned char *file[2 * FILES];
    int files;
    named_value value[VALUES];
    int values;
    onnx_request request;
    onnx_answer answer;
    onnx_outcome *outcome;
} onnx_case;

static bool stop(onnx_case *c, onnx_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool stop(onnx_case *c, onnx_verdict verdict, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(c->outcome->why, sizeof c->outcome->why, format, list);
    va_end(list);
    c->outcome->verdict = verdict;
    return false;
}

/* --- files --------------------------------------------------------------------------------------
 */

static bool read_file(onnx_case *c, const char *path, proto_bytes *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    unsigned char *memory = length >= 0 && c->files < 2 * FILES ? malloc((size_t)length + 1) : NULL;
    rewind(file);
    bool good = memory && fread(memory, 1, (size_t)length, file) == (size_t)length;
    fclose(file);
    if (!good) {
        free(memory);
        return false;
    }
    c->file[c->files++] = memory;
    *bytes = (proto_bytes){memory, memory + length};
    return true;
}

static bool keep(onnx_case *c, proto_text name, onnx_tensor tensor)
{
    if (c->values == VALUES) {
        onnx_tensor_free(&tensor);
        return stop(c, ONNX_ODD, "more than %d values", VALUES);
    }
    c->value[c->values++] = (named_value){name, tensor};
    return true;
}

static onnx_tensor *find(onnx_case *c, proto_text name)
{
    for (int i = c->values - 1; i >= 0; i--)
        if (proto_same(c->value[i].name, name))
            return &c->value[i].tensor;
    return NULL;
}

static bool keep_bytes(onnx_case *c, proto_bytes bytes, const proto_text *as)
{
    onnx_tensor tensor;
    proto_text name = {"", 0};
    bool odd;
    if (!proto_read_tensor(bytes, &tensor, &name, &odd))
        return stop(c, ONNX_BROKEN, "a tensor cannot be read");
    if (odd)
        return stop(c, ONNX_ODD, "texts, sequences or odd types");
    return keep(c, as ? *as : name, tensor);
}

static bool read_inputs(onnx_case *c, const char *folder)
{
    for (int i = 0; i < c->model.initialisers; i++)
        if (!keep_bytes(c, c->model.initialiser[i], NULL))
            return false;
    int given = 0;
    for (int i = 0; i < c->model.inputs && i < FILES; i++) {
        char path[600];
        proto_bytes bytes;
        snprintf(path, sizeof path, "%s/test_data_set_0/input_%d.pb", folder, given);
        if (find(c, c->model.input[i])) /* an initialiser by the same name */
            continue;
        given++;
        if (!read_file(c, path, &bytes))
            return stop(c, ONNX_BROKEN, "no %s", path);
        if (!keep_bytes(c, bytes, &c->model.input[i]))
            return false;
    }
    return true;
}

/* --- running ------------------------------------------------------------------------------------
 */

static bool is(proto_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.text, word, text.length) == 0;
}

static bool copy_tensor(onnx_case *c, const onnx_tensor *from, onnx_tensor *to)
{
    nn_error error;
    if (onnx_tensor_new(to, from->type, from->shape, "copy", &error) != NN_OK)
        return stop(c, ONNX_BROKEN, "%s", error.text);
    if (from->count)
        memcpy(to->data, from->data, (size_t)from->count * sizeof *to->data);
    return true;
}

static bool make_request(onnx_case *c, const proto_node *node)
{
    onnx_request *r = &c->request;
    *r = (onnx_request){.inputs = 0};
    snprintf(r->op, sizeof r->op, "%.*s", (int)node->op.length, node->op.text);
    r->attributes = node->attributes;
    memcpy(r->attribute, node->attribute, sizeof r->attribute);
    r->outputs = node->outputs;
    for (int i = 0; i < node->inputs; i++) {
        const onnx_tensor *value = node->input[i].length ? find(c, node->input[i]) : NULL;
        if (node->input[i].length && !value)
            return stop(c, ONNX_ODD, "a value that no node gives");
        r->inputs = i + 1;
        if (value && !copy_tensor(c, value, &r->input[i]))
            return false;
    }
    return true;
}

static bool run_node(onnx_case *c, const proto_node *node)
{
    nn_error error;
    if (is(node->op, "Constant") && node->value.at)
        return keep_bytes(c, node->value, &node->output[0]);
    if (node->odd || node->value.at)
        return stop(c, ONNX_ODD, "an attribute that is a tensor or a graph");
    bool good = make_request(c, node);
    if (good && onnx_run(&c->request, &c->answer, &error) != NN_OK)
        good = stop(c, ONNX_REFUSED, "%s", error.text);
    for (int k = 0; good && k < node->outputs; k++) {
        if (node->output[k].length == 0)
            continue;
        if (k >= c->answer.outputs || !c->answer.output[k].present)
            good = stop(c, ONNX_WRONG, "output %d is missing", k);
        else
            good = keep(c, node->output[k], c->answer.output[k]);
        if (k < ONNX_TENSORS)
            c->answer.output[k] = (onnx_tensor){.present = false};
    }
    onnx_request_free(&c->request);
    onnx_answer_free(&c->answer);
    return good;
}

static bool all_known(onnx_case *c)
{
    for (int i = 0; i < c->model.nodes; i++) {
        char name[64];
        const proto_node *node = &c->model.node[i];
        snprintf(name, sizeof name, "%.*s", (int)(node->op.length < 60 ? node->op.length : 60),
                 node->op.length ? node->op.text : "");
        if (c->model.nodes == 1)
            snprintf(c->outcome->op, sizeof c->outcome->op, "%s", name);
        if (!onnx_find(name) && !(is(node->op, "Constant") && node->value.at))
            return stop(c, ONNX_UNKNOWN, "%s", name);
    }
    return true;
}

/* --- comparing ----------------------------------------------------------------------------------
 */

static int kind_of(onnx_type type)
{
    return onnx_is_real(type) ? 0 : type == ONNX_BOOL ? 1 : 2;
}

static bool compare(onnx_case *c, int k, const onnx_tensor *got, const onnx_tensor *want)
{
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    if (!nn_shape_equal(got->shape, want->shape))
        return stop(c, ONNX_WRONG, "output %d has shape %s, expected %s", k,
                    onnx_shape_text(got->shape, left), onnx_shape_text(want->shape, right));
    if (kind_of(got->type) != kind_of(want->type))
        return stop(c, ONNX_WRONG, "output %d is %s, expected %s", k, onnx_type_name(got->type),
                    onnx_type_name(want->type));
    for (int64_t i = 0; i < want->count; i++) {
        double a = (double)got->data[i], b = (double)want->data[i];
        if (a == b || (isnan(a) && isnan(b)))
            continue;
        double share = fabs(a - b) / (absolute + relative * fabs(b));
        if (!(share <= 1))
            return stop(c, ONNX_WRONG, "output %d [%lld] is %.9g, expected %.9g", k, (long long)i,
                        a, b);
        c->outcome->error = share > c->outcome->error ? share : c->outcome->error;
    }
    return true;
}

static bool compare_outputs(onnx_case *c, const char *folder)
{
    for (int k = 0; k < c->model.outputs; k++) {
        char path[600];
        proto_bytes bytes;
        proto_text name;
        onnx_tensor want;
        bool odd;
        snprintf(path, sizeof path, "%s/test_data_set_0/output_%d.pb", folder, k);
        if (!read_file(c, path, &bytes) || !proto_read_tensor(bytes, &want, &name, &odd))
            return stop(c, ONNX_BROKEN, "%s cannot be read", path);
        if (odd)
            return stop(c, ONNX_ODD, "texts, sequences or odd types");
        const onnx_tensor *got = find(c, c->model.output[k]);
        bool good = got ? compare(c, k, got, &want) : stop(c, ONNX_ODD, "an output no node gives");
        onnx_tensor_free(&want);
        if (!good)
            return false;
    }
    return true;
}

/* --- cases --------------------------------------------------------------------------------------
 */

static bool run_case(onnx_case *c, const char *folder)
{
    char path[600];
    proto_bytes bytes;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (!read_file(c, path, &bytes))
        return stop(c, ONNX_BROKEN, "no %s", path);
    if (!proto_read_model(bytes, &c->model))
        return stop(c, ONNX_BROKEN, "%s cannot be read", path);
    if (!all_known(c))
        return false;
    if (c->model.odd)
        return stop(c, ONNX_ODD, "sequences or optional values");
    if (!read_inputs(c, folder))
        return false;
    for (int i = 0; i < c->model.nodes; i++)
        if (!run_node(c, &c->model.node[i]))
            return false;
    return compare_outputs(c, folder);
}

static void free_case(onnx_case *c)
{
    for (int i = 0; i < c->values; i++)
        onnx_tensor_free(&c->value[i].tensor);
    for (int i = 0; i < c->files; i++)
        free(c->file[i]);
    free(c);
}

void onnx_case_run(const char *folder, onnx_outcome *outcome)
{
    onnx_case *c = calloc(1, sizeof *c);
    *outcome = (onnx_outcome){.op = "a model", .verdict = ONNX_BROKEN, .why = "out of memory"};
    if (!c)
        return;
    c->outcome = outcome;
    if (run_case(c, folder)) {
        outcome->verdict = ONNX_PASSED;
        outcome->why[0] = '\0';
    }
    free_case(c);
}

void onnx_case_parse(const unsigned char *bytes, size_t length)
{
    proto_model *model = calloc(1, sizeof *model);
    onnx_tensor tensor;
    proto_text name;
    bool odd;
    proto_bytes all = {bytes, bytes + length};
    if (model)
        proto_read_model(all, model);
    if (proto_read_tensor(all, &tensor, &name, &odd))
        onnx_tensor_free(&tensor);
    free(model);
}
