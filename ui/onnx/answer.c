/* The answer as JSON. */
#include "ui/onnx/float_text.h"
#include "ui/onnx/request.h"

#include <math.h>
#include <stdlib.h>

/* Most large answers hold many of these: no format is needed. */
static bool write_small_whole(float value, FILE *out)
{
    char text[8], *at = text + sizeof text;
    if (!(fabsf(value) < 1e6F) || value != truncf(value) || (value == 0 && signbit(value)))
        return false;
    int left = abs((int)value);
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *--at = '-';
    fwrite(at, 1, (size_t)(text + sizeof text - at), out);
    return true;
}

static void write_number(float value, FILE *out)
{
    char text[ONNX_FLOAT_TEXT];
    if (write_small_whole(value, out))
        return;
    if (isnan(value))
        fputs("\"NaN\"", out);
    else if (isinf(value))
        fputs(value > 0 ? "\"Infinity\"" : "\"-Infinity\"", out);
    else
        fwrite(text, 1, onnx_float_text(value, text), out);
}

static void write_tensor(const onnx_tensor *tensor, FILE *out)
{
    if (!tensor->present) {
        fputs("null", out);
        return;
    }
    fputs("{\"shape\":[", out);
    for (int i = 0; i < tensor->shape.rank; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)tensor->shape.dim[i]);
    fputs("],", out);
    if (tensor->type != ONNX_FLOAT)
        fprintf(out, "\"dtype\":\"%s\",", onnx_type_name(tensor->type));
    fputs("\"data\":[", out);
    for (int64_t i = 0; i < tensor->count; i++) {
        if (i)
            fputc(',', out);
        write_number(tensor->data[i], out);
    }
    fputs("]}", out);
}

static void write_tensors(const onnx_tensor *tensor, int count, FILE *out)
{
    fputc('[', out);
    for (int i = 0; i < count; i++) {
        if (i)
            fputc(',', out);
        write_tensor(&tensor[i], out);
    }
    fputc(']', out);
}

bool onnx_answer_write(const onnx_answer *answer, FILE *out)
{
    fputs("{\"outputs\":", out);
    write_tensors(answer->output, answer->outputs, out);
    if (answer->has_gradients) {
        fputs(",\"grad_inputs\":", out);
        write_tensors(answer->gradient, answer->gradients, out);
    }
    fputs("}\n", out);
    return fflush(out) == 0 && !ferror(out);
}

void onnx_answer_free(onnx_answer *answer)
{
    for (int i = 0; i < ONNX_TENSORS; i++) {
        onnx_tensor_free(&answer->output[i]);
        onnx_tensor_free(&answer->gradient[i]);
    }
    *answer = (onnx_answer){.outputs = 0};
}
