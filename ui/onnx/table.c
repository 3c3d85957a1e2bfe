/* The table of operators, joined from those of the files operators_*.c. */
#include "ui/commands/options.h"
#include "ui/onnx/call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const onnx_operator *const families[] = {
    onnx_activation_operators,  onnx_arithmetic_operators, onnx_convolution_operators,
    onnx_linear_operators,      onnx_shape_operators,      onnx_slice_operators,
    onnx_index_operators,       onnx_reduce_operators,     onnx_normal_operators,
    onnx_recurrent_operators,   onnx_loss_operators,       onnx_optimizer_operators,
    course_basic_operators,     course_number_operators,   course_step_operators,
    course_image_operators,     course_loss_operators,     course_sequence_operators,
    course_attention_operators, course_word_operators,     NULL,
};
enum { NAMES = 400 };

const onnx_operator *onnx_operator_at(int i)
{
    for (int f = 0; families[f]; f++)
        for (const onnx_operator *op = families[f]; op->name; op++, i--)
            if (i == 0)
                return op;
    return NULL;
}

const onnx_operator *onnx_find(const char *name)
{
    const onnx_operator *op;
    for (int i = 0; (op = onnx_operator_at(i)) != NULL; i++)
        if (strcmp(op->name, name) == 0)
            return op;
    return NULL;
}

/* Text from outside, made fit for one line. */
static void printable(const char *from, char to[ONNX_NAME])
{
    int i = 0;
    for (; from[i] && i + 1 < ONNX_NAME; i++)
        to[i] = (char)(from[i] >= ' ' && from[i] < 127 ? from[i] : '?');
    to[i] = '\0';
}

/* Up to three names: those that only differ in case, begin alike or are spelt alike. */
nn_status onnx_unknown(const char *name, nn_error *error)
{
    const char *names[NAMES];
    char shown[ONNX_NAME], near[4 * ONNX_NAME] = "";
    int count = 0, found = 0;
    const onnx_operator *op;
    for (; count < NAMES && (op = onnx_operator_at(count)) != NULL; count++)
        names[count] = op->name;
    for (int i = 0; i < count && found < 3; i++) {
        bool alike = strcasecmp(name, names[i]) == 0 ||
                     (strlen(name) > 2 && (strncasecmp(name, names[i], strlen(name)) == 0 ||
                                           strcasestr(names[i], name)));
        if (alike) {
            snprintf(near + strlen(near), sizeof near - strlen(near), "%s%s", found ? ", " : "",
                     names[i]);
            found++;
        }
    }
    const char *spelt = found ? NULL : nearest_word(name, names, count);
    if (spelt)
        snprintf(near, sizeof near, "%s", spelt);
    printable(name, shown);
    if (near[0])
        return nn_fail(error, NN_E_MISSING, "unknown operator '%s'; close to it: %s", shown, near);
    return nn_fail(error, NN_E_MISSING, "unknown operator '%s'; `gradus op --list` has all %d",
                   shown, count);
}
