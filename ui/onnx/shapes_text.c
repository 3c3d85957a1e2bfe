/* Shapes as an entry writes them: one word an input, "n,m" with letters that stand for the same
 * size wherever they come, sums and products of them ("c+x", "2h", "3n", "chw"), numbers; "." is
 * one number in any shape, "*" whatever there is. */
#include "ui/onnx/call.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int64_t size[26]; /* of a letter; 0: not known yet */
} letters;

/* A product such as "3n" at *at. A letter that is not known yet takes what makes it `whole`. */
static int64_t product(const char **at, int64_t whole, letters *known)
{
    int64_t value = 1;
    int fresh = -1;
    for (; isalnum((unsigned char)**at); ++*at) {
        char c = **at;
        int letter = c - 'a';
        if (isdigit((unsigned char)c))
            value *= c - '0';
        else if (known->size[letter] > 0)
            value *= known->size[letter];
        else
            fresh = letter;
    }
    if (fresh < 0)
        return value;
    if (value > whole || whole % value != 0)
        return -1;
    known->size[fresh] = whole / value;
    return whole;
}

static bool dimension_fits(const char **at, int64_t size, letters *known)
{
    int64_t sum = product(at, size, known);
    while (sum >= 0 && **at == '+') {
        ++*at;
        int64_t more = product(at, size - sum, known);
        sum = more < 0 ? -1 : sum + more;
    }
    return sum == size;
}

static bool word_fits(const char *word, const onnx_tensor *input, letters *known)
{
    int rank = 0;
    if (*word == '*')
        return true;
    if (*word == '.')
        return input->count == 1;
    for (const char *at = word; *at && *at != ' '; rank++) {
        if (rank == input->shape.rank || !dimension_fits(&at, input->shape.dim[rank], known))
            return false;
        at += *at == ',';
    }
    return rank == input->shape.rank;
}

nn_status onnx_check_shapes(const onnx_operator *op, const onnx_request *request, nn_error *error)
{
    letters known = {{0}};
    const char *word = op->shapes;
    char name[ONNX_NAME], text[NN_SHAPE_TEXT];
    for (int i = 0; i < request->inputs && word && *word; i++) {
        size_t length = strcspn(word, " ");
        if (!word_fits(word, &request->input[i], &known))
            return nn_fail(error, NN_E_SHAPE, "%s: input %d (%s) is %s; expected %s%.*s%s of: %s",
                           op->name, i, onnx_word_at(op->inputs, i, name),
                           onnx_shape_text(request->input[i].shape, text),
                           *word == '.' ? "one number, " : "[", (int)length, word,
                           *word == '.' ? "" : "]", op->shapes);
        word += length;
        word += *word == ' ';
    }
    return NN_OK;
}
