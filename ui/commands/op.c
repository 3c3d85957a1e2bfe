/* `gradus op`: one operator on numbers from standard input, forward and backward. */
#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"
#include "ui/onnx/operator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT = 256 << 20 };

typedef struct {
    bool stream, list, json;
} op_settings;

static const option options[] = {
    {"stream", OPTION_FLAG, NULL, offsetof(op_settings, stream), 0,
     "one request a line, one answer a line; a refusal is {\"error\": ...}", NULL},
    {"list", OPTION_FLAG, NULL, offsetof(op_settings, list), 0,
     "the operators with their inputs, outputs and attributes", NULL},
    {"json", OPTION_FLAG, NULL, offsetof(op_settings, json), 0, "with --list: one JSON object",
     NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- reading ------------------------------------------------------------------------------------
 */

typedef struct {
    char *text; /* ends with a NUL */
    size_t length, room;
} input_text;

static bool make_room(input_text *input)
{
    if (input->length + 1 < input->room)
        return true;
    size_t room = input->room ? 2 * input->room : 1 << 16;
    char *grown = realloc(input->text, room);
    if (!grown)
        return false;
    input->text = grown;
    input->room = room;
    return true;
}

typedef enum { READ_ALL, READ_TOO_LONG, READ_NO_MEMORY, READ_FAILED } read_result;

/* Up to the end, or with `line` up to and without the next newline; the rest of a text that is too
 * long is skipped. */
static read_result read_text(FILE *from, bool line, input_text *input)
{
    read_result result = READ_ALL;
    int c;
    input->length = 0;
    if (!make_room(input))
        return READ_NO_MEMORY;
    while ((c = getc_unlocked(from)) != EOF && !(line && c == '\n')) {
        if (result != READ_ALL)
            continue;
        if (input->length >= MOST_TEXT)
            result = READ_TOO_LONG;
        else if (!make_room(input))
            result = READ_NO_MEMORY;
        else
            input->text[input->length++] = (char)c;
    }
    input->text[input->length] = '\0';
    return ferror(from) ? READ_FAILED : result;
}

/* --- answering ----------------------------------------------------------------------------------
 */

static nn_status answer_text(read_result read, const input_text *input, onnx_answer *answer,
                             nn_error *error)
{
    onnx_request *request = calloc(1, sizeof *request);
    if (!request || read == READ_NO_MEMORY) {
        free(request);
        return nn_fail(error, NN_E_NOMEM, "the request does not fit into memory");
    }
    nn_status status = NN_OK;
    if (read == READ_FAILED)
        status = nn_fail(error, NN_E_IO, "standard input: %s", strerror(errno));
    else if (read == READ_TOO_LONG)
        status = nn_fail(error, NN_E_FORMAT, "the request is longer than %d MB", MOST_TEXT >> 20);
    else
        status = onnx_request_read(request, input->text, input->length, error);
    if (status == NN_OK) {
        status = onnx_run(request, answer, error);
        onnx_request_free(request);
    }
    free(request);
    return status;
}

static int output_lost(void)
{
    complain("standard output: %s", strerror(errno));
    return EXIT_FAILED;
}

static int run_one(void)
{
    input_text input = {NULL, 0, 0};
    nn_error error = {NN_OK, ""};
    onnx_answer *answer = calloc(1, sizeof *answer);
    int status = EXIT_OK;
    read_result read = read_text(stdin, false, &input);
    if (!answer || answer_text(read, &input, answer, &error) != NN_OK) {
        complain("op: %s", error.text[0] ? error.text : "out of memory");
        status = EXIT_USAGE;
    } else if (!onnx_answer_write(answer, stdout)) {
        status = output_lost();
    }
    if (answer)
        onnx_answer_free(answer);
    free(answer);
    free(input.text);
    return status;
}

static bool write_error(const char *text)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "error", text);
    json_close(&json, '}');
    return json_line(&json);
}

static bool blank(const input_text *input)
{
    return strspn(input->text, " \t\r") == input->length;
}

static int run_stream(void)
{
    input_text input = {NULL, 0, 0};
    onnx_answer *answer = calloc(1, sizeof *answer);
    bool written = answer != NULL;
    while (written && !feof(stdin)) {
        nn_error error = {NN_OK, ""};
        read_result read = read_text(stdin, true, &input);
        if (read == READ_ALL && blank(&input))
            continue;
        if (answer_text(read, &input, answer, &error) != NN_OK) {
            written = write_error(error.text);
        } else {
            written = onnx_answer_write(answer, stdout);
            onnx_answer_free(answer);
        }
        if (read == READ_FAILED)
            break;
    }
    free(answer);
    free(input.text);
    return written ? EXIT_OK : output_lost();
}

/* --- the list -----------------------------------------------------------------------------------
 */

static const char *const kind_words[] = {"int", "float", "text", "ints", "floats", "texts"};

static void list_json(json_out *json, const onnx_operator *op)
{
    json_open(json, NULL, '{');
    json_text(json, "name", op->name);
    json_text(json, "inputs", op->inputs);
    json_text(json, "outputs", op->outputs);
    json_text(json, "shapes", op->shapes);
    json_flag(json, "onnx", !(op->flags & ONNX_OURS));
    json_flag(json, "gradient", !(op->flags & ONNX_NO_GRADIENT));
    json_open(json, "attributes", '[');
    for (const onnx_attribute_spec *a = op->attributes; a && a->name; a++) {
        json_open(json, NULL, '{');
        json_text(json, "name", a->name);
        json_text(json, "kind", kind_words[a->kind]);
        if (a->kind == ONNX_A_INT || a->kind == ONNX_A_FLOAT)
            json_number(json, "default", a->number);
        else
            json_text(json, "default", a->text);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void list_plain(const onnx_operator *op)
{
    printf("%s(%s) -> %s%s\n", op->name, op->inputs, op->outputs,
           op->flags & ONNX_NO_GRADIENT ? "   no gradient" : "");
    if (op->shapes)
        printf("    shapes: %s\n", op->shapes);
    for (const onnx_attribute_spec *a = op->attributes; a && a->name; a++) {
        printf("    %s: %s", a->name, kind_words[a->kind]);
        if (a->kind == ONNX_A_INT || a->kind == ONNX_A_FLOAT)
            printf(", %g", a->number);
        else if (a->text)
            printf(", %s", a->text);
        putchar('\n');
    }
}

static int list_operators(bool as_json)
{
    const onnx_operator *op;
    json_out json = {.out = stdout};
    if (as_json) {
        json_open(&json, NULL, '{');
        json_open(&json, "operators", '[');
    }
    for (int i = 0; (op = onnx_operator_at(i)) != NULL; i++) {
        if (as_json)
            list_json(&json, op);
        else
            list_plain(op);
    }
    if (as_json) {
        json_close(&json, ']');
        json_close(&json, '}');
        return json_line(&json) ? EXIT_OK : output_lost();
    }
    return fflush(stdout) == 0 ? EXIT_OK : output_lost();
}

static int run_op(int argc, char **argv)
{
    op_settings settings = {false, false, false};
    arguments found;
    int status;
    if (!options_begin(&command_op, argc, argv, &settings, &found, 0, 0, &status))
        return status;
    if (settings.list)
        return list_operators(settings.json);
    return settings.stream ? run_stream() : run_one();
}

const program_command command_op = {
    .name = "op",
    .arguments = "",
    .summary = "run one operator, forward and backward, on numbers you give",
    .details = "Reads a request from standard input and writes its answer to standard output:\n"
               "  {\"op\":\"Relu\",\"inputs\":[{\"shape\":[3],\"data\":[-1,0,2]}],\n"
               "   \"grad_outputs\":[{\"shape\":[3],\"data\":[1,1,1]}]}\n"
               "  {\"outputs\":[{\"shape\":[3],\"data\":[0,0,2]}],\"grad_inputs\":[{...}]}\n"
               "Names, inputs, attributes and layouts are those of ONNX, opset 17 (and\n"
               "ai.onnx.preview.training 1). Beside them stand the cases of the course by\n"
               "theirs: logreg, lstm-cell, bn-train ... (--list). \"attributes\" is an object;\n"
               "an omitted optional input is null. A tensor may say its \"dtype\" (\"int64\",\n"
               "\"bool\" ...); all is evaluated in single precision, whole numbers exactly up\n"
               "to 2^24. NaN and infinity are the texts \"NaN\", \"Infinity\", \"-Infinity\".\n"
               "\"grad_outputs\" asks for grad_inputs: the derivatives of the sum of\n"
               "grad_output times output; null stands for zeros, and for the gradient of what\n"
               "has none. \"outputs\": 3 says how many are wanted where the operator leaves\n"
               "that open (Split). A request may have 32 M numbers, 16 M in one tensor.\n"
               "Exit status: 0 with one line of JSON; 2 with one line on stderr where the\n"
               "request is refused.",
    .options = options,
    .words = NULL,
    .run = run_op,
};
