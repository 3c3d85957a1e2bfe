/* A search space from text: refused or parsed, and then every sampler gives points within it. */
#include "engine/search/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_point(const nn_space *space, const nn_point *point)
{
    for (int p = 0; p < space->count; p++) {
        const nn_space_param *param = &space->param[p];
        double value = point->value[p], back;
        char text[NN_SPACE_TEXT];
        if (isnan(value) == nn_space_active(space, p, point))
            abort();
        if (isnan(value))
            continue;
        if (value < param->low || value > param->high ||
            nn_space_read(param, nn_space_text(param, value, text), &back, NULL) != NN_OK)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nn_error error = {NN_OK, ""};
    if (size > 2000)
        return 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    nn_space *space = nn_space_parse(text, &error);
    if (!space && (error.code == NN_OK || !error.text[0]))
        abort();
    for (int kind = NN_SAMPLER_GRID; space && kind <= NN_SAMPLER_ZOOM; kind++) {
        nn_trial_record history[14];
        nn_sampler sampler = {(nn_sampler_kind)kind, 1, 12};
        for (int i = 0; i < 14; i++) {
            nn_point point;
            if (nn_sampler_next(space, &sampler, history, i, i, &point, &error) != NN_OK)
                break;
            check_point(space, &point);
            history[i] = (nn_trial_record){point, NN_TRIAL_FINISHED, 0.1 * (i % 5), 1};
        }
    }
    nn_space_free(space);
    free(text);
    return 0;
}
