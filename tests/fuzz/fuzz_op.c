/* Requests of `gradus op`: refused in one line, or answered. Where the first byte is odd, the
 * others choose an operator and spell a request that may well fit it; else they are the text
 * itself. */
#include "ui/onnx/operator.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *at, *end;
} bytes;

static unsigned take(bytes *b)
{
    return b->at < b->end ? *b->at++ : 0;
}

static void spell_number(FILE *out, unsigned byte)
{
    static const char *const odd[] = {"1e18",  "-1",     "\"NaN\"", "3e38",
                                      "1e-40", "999999", "-0.0",    "\"Infinity\""};
    if (byte < 200)
        fprintf(out, "%g", (double)byte / 8 - 5);
    else if (byte < 240)
        fprintf(out, "%u", byte - 200);
    else
        fputs(odd[byte % 8], out);
}

/* Dimensions are small, or now and then too large; the data fits, or nearly. */
static void spell_tensor(FILE *out, bytes *b)
{
    unsigned kind = take(b), rank = kind % 5, count = 1;
    if (kind >= 250) {
        fputs("null", out);
        return;
    }
    fputs("{\"shape\":[", out);
    for (unsigned i = 0; i < rank; i++) {
        unsigned byte = take(b), dim = byte % 4 + (byte > 250 ? 0 : 1);
        if (byte == 255)
            fprintf(out, "%s%s", i ? "," : "", "1000000000000000000");
        else
            fprintf(out, "%s%u", i ? "," : "", dim);
        count *= dim;
    }
    fputs("],\"data\":[", out);
    count += kind == 249;
    for (unsigned i = 0; i < count; i++) {
        fputs(i ? "," : "", out);
        spell_number(out, kind % 2 ? 200 + take(b) % 6 : take(b));
    }
    fprintf(out, "]%s}", kind % 7 == 6 ? ",\"dtype\":\"int64\"" : "");
}

static void spell_tensors(FILE *out, bytes *b, int count)
{
    for (int i = 0; i < count; i++) {
        fputs(i ? "," : "", out);
        spell_tensor(out, b);
    }
}

static void spell_attribute(FILE *out, bytes *b, const onnx_attribute_spec *spec)
{
    static const char *const words[] = {"none", "sum",     "bidirectional", "SAME_UPPER",
                                        "Tanh", "reflect", "CRD",           "VALID"};
    bool list = spec->kind >= ONNX_A_INTS;
    bool text = spec->kind == ONNX_A_TEXT || spec->kind == ONNX_A_TEXTS;
    unsigned count = list ? take(b) % 6 : 1;
    fprintf(out, "\"%s\":%s", spec->name, list ? "[" : "");
    for (unsigned i = 0; i < count; i++) {
        unsigned byte = take(b);
        fputs(i ? "," : "", out);
        if (text)
            fprintf(out, "\"%s\"", words[byte % 8]);
        else if (spec->kind == ONNX_A_FLOAT || spec->kind == ONNX_A_FLOATS || byte > 250)
            spell_number(out, byte);
        else
            fprintf(out, "%d", (int)byte % 9 - 3);
    }
    fputs(list ? "]" : "", out);
}

static void spell_request(FILE *out, bytes *b)
{
    unsigned which = take(b) + 256 * (take(b) % 2), operators = 0;
    int least, most, given = 0;
    while (onnx_operator_at((int)operators))
        operators++;
    const onnx_operator *op = onnx_operator_at((int)(which % operators));
    onnx_input_range(op, &least, &most);
    most = most > least + 5 ? least + 5 : most;
    fprintf(out, "{\"op\":\"%s\",\"attributes\":{", op->name);
    for (const onnx_attribute_spec *s = op->attributes; s && s->name; s++)
        if (take(b) % 3 == 1) {
            fputs(given++ ? "," : "", out);
            spell_attribute(out, b, s);
        }
    fputs("},\"inputs\":[", out);
    spell_tensors(out, b, least + (int)(take(b) % (unsigned)(most - least + 1)));
    fprintf(out, "],\"outputs\":%u", take(b) % 4);
    unsigned gradients = take(b) % 4;
    if (gradients) {
        fputs(",\"grad_outputs\":[", out);
        spell_tensors(out, b, (int)gradients - 1);
        fputs("]", out);
    }
    fputs("}", out);
}

static char *text_of(const uint8_t *data, size_t size, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    bytes b = {data + 1, data + size};
    if (!out)
        abort();
    if (size > 0 && data[0] % 2 == 1)
        spell_request(out, &b);
    else
        fwrite(data, 1, size, out);
    fclose(out);
    return text;
}

static void write_answer(const onnx_answer *answer)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (!out || !onnx_answer_write(answer, out))
        abort();
    fclose(out);
    if (size < 2 || line[size - 1] != '\n' || memchr(line, '\n', size - 1))
        abort();
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = 0;
    char *text = text_of(data, size, &length);
    onnx_request *request = calloc(1, sizeof *request);
    onnx_answer *answer = calloc(1, sizeof *answer);
    nn_error error = {NN_OK, ""};
    if (!text || !request || !answer)
        abort();
    nn_status status = onnx_request_read(request, text, length, &error);
    if (status == NN_OK)
        status = onnx_run(request, answer, &error);
    if (status == NN_OK)
        write_answer(answer);
    else if (!error.text[0] || strchr(error.text, '\n'))
        abort();
    onnx_answer_free(answer);
    onnx_request_free(request);
    free(answer);
    free(request);
    free(text);
    return 0;
}
