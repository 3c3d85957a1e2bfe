/* Networks by name. A name is nothing but a description that fits the sample. */
#include "engine/models/models.h"

#include "engine/number.h"

#include <stdio.h>
#include <string.h>

static const nn_model_info models[] = {
    {"logreg", "softmax regression: one layer, no hidden units", "flatten | dense 10"},
    {"mlp", "one hidden layer of 128 units", "flatten | dense 128 | relu | dense 10"},
    {"lenet5", "LeCun et al. 1998 with ReLU and max pooling; 61,706 parameters",
     "conv 6 5x5 pad=2 | relu | maxpool 2 | conv 16 5x5 | relu | maxpool 2 | flatten | "
     "dense 120 | relu | dense 84 | relu | dense 10"},
};

int nn_model_list(const nn_model_info **list)
{
    *list = models;
    return (int)(sizeof models / sizeof *models);
}

/* LeNet-5 saw 32x32; 28x28 gets the missing border as padding. Pictures down to 12x12 get it twice,
 * smaller ones 3x3 kernels, so that something is left after the second pooling. */
static nn_status lenet5_convolutions(nn_shape sample, const char **text, nn_error *error)
{
    char shape[NN_SHAPE_TEXT];
    if (sample.rank != 3)
        return nn_fail(error, NN_E_SHAPE,
                       "lenet5 needs images (channels x rows x columns), but an example is %s: "
                       "take mlp or logreg",
                       nn_shape_text(sample, shape));
    int64_t side = sample.dim[1] < sample.dim[2] ? sample.dim[1] : sample.dim[2];
    if (side < 4)
        return nn_fail(error, NN_E_SHAPE,
                       "lenet5 halves an image twice, but an example is %s; expected at least 4 "
                       "rows and columns: take mlp or logreg",
                       nn_shape_text(sample, shape));
    if (side >= 32)
        *text = "conv 6 5x5 | relu | maxpool 2 | conv 16 5x5 | relu | maxpool 2";
    else if (side >= 24)
        *text = "conv 6 5x5 pad=2 | relu | maxpool 2 | conv 16 5x5 | relu | maxpool 2";
    else if (side >= 12)
        *text = "conv 6 5x5 pad=2 | relu | maxpool 2 | conv 16 5x5 pad=2 | relu | maxpool 2";
    else
        *text = "conv 6 3x3 pad=1 | relu | maxpool 2 | conv 16 3x3 pad=1 | relu | maxpool 2";
    return NN_OK;
}

nn_status nn_model_text(const char *name, nn_shape sample, int classes, double dropout,
                        char text[NN_MODEL_TEXT], nn_error *error)
{
    const char *flatten = sample.rank > 1 ? "flatten | " : "", *convolutions = "";
    char drop[48] = "", number[NN_NUMBER_TEXT];
    if (!(dropout >= 0 && dropout < 1))
        return nn_fail(error, NN_E_ARG, "dropout %g: expected 0 or more and less than 1", dropout);
    if (dropout > 0)
        snprintf(drop, sizeof drop, "dropout %s | ", nn_number_text(dropout, number));
    if (strcmp(name, "logreg") == 0) {
        snprintf(text, NN_MODEL_TEXT, "%sdense %d", flatten, classes);
    } else if (strcmp(name, "mlp") == 0) {
        snprintf(text, NN_MODEL_TEXT, "%sdense 128 | relu | %sdense %d", flatten, drop, classes);
    } else if (strcmp(name, "lenet5") == 0) {
        nn_status status = lenet5_convolutions(sample, &convolutions, error);
        if (status != NN_OK)
            return status;
        snprintf(text, NN_MODEL_TEXT,
                 "%s | flatten | dense 120 | relu | dense 84 | relu | %sdense %d", convolutions,
                 drop, classes);
    } else {
        return nn_fail(error, NN_E_MISSING, "no model '%.60s'; expected logreg, mlp, lenet5", name);
    }
    return NN_OK;
}
