#include "engine/model.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct nn_param {
    char name[NN_NAME_MAX];
    nn_shape shape;
    nn_real *data;
    bool buffer, frozen;
};

struct nn_model {
    uint64_t seed;
    bool outline;
    nn_param **param;
    int count, capacity;
};

nn_model *nn_model_new(uint64_t seed)
{
    nn_model *model = calloc(1, sizeof *model);
    if (model)
        model->seed = seed;
    return model;
}

nn_model *nn_model_outline(void)
{
    nn_model *model = nn_model_new(0);
    if (model)
        model->outline = true;
    return model;
}

bool nn_model_is_outline(const nn_model *model)
{
    return model->outline;
}

void nn_model_free(nn_model *model)
{
    if (!model)
        return;
    for (int i = 0; i < model->count; i++) {
        free(model->param[i]->data);
        free(model->param[i]);
    }
    free(model->param);
    free(model);
}

uint64_t nn_model_seed(const nn_model *model)
{
    return model->seed;
}

/* Element i of a parameter depends on (seed, name, i) alone. */
static void fill_normal(nn_real *data, int64_t count, uint64_t seed, const char *name, double scale)
{
    uint32_t stream = nn_stream_of(name);
    for (int64_t i = 0; i < count; i++)
        data[i] = (nn_real)(scale * nn_normal_at(seed, stream, (uint64_t)i >> 32, (uint32_t)i));
}

static void fill(const nn_model *model, nn_param *param, nn_init init, double scale)
{
    int64_t count = nn_shape_count(param->shape);
    double fan_in = (double)nn_shape_row(param->shape);
    switch (init) {
    case NN_INIT_ZEROS:
        memset(param->data, 0, (size_t)count * sizeof *param->data);
        break;
    case NN_INIT_ONES:
        for (int64_t i = 0; i < count; i++)
            param->data[i] = (nn_real)scale;
        break;
    case NN_INIT_NORMAL:
        fill_normal(param->data, count, model->seed, param->name, scale);
        break;
    case NN_INIT_XAVIER:
        fill_normal(param->data, count, model->seed, param->name, scale * sqrt(1 / fan_in));
        break;
    case NN_INIT_HE:
        fill_normal(param->data, count, model->seed, param->name, scale * sqrt(2 / fan_in));
        break;
    }
}

static nn_param *append(nn_model *model, const char *name, nn_shape shape)
{
    if (model->count == model->capacity) {
        int capacity = model->capacity ? 2 * model->capacity : 16;
        nn_param **grown = realloc(model->param, (size_t)capacity * sizeof(nn_param *));
        if (!grown)
            return NULL;
        model->param = grown;
        model->capacity = capacity;
    }
    nn_param *param = calloc(1, sizeof *param);
    size_t bytes = (size_t)nn_shape_count(shape) * sizeof *param->data;
    if (param && !model->outline)
        param->data = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!param || (!param->data && !model->outline)) {
        free(param);
        return NULL;
    }
    memcpy(param->name, name, strlen(name) + 1); /* obtain() checked the length */
    param->shape = shape;
    model->param[model->count++] = param;
    return param;
}

static nn_param *reuse(nn_param *param, nn_shape shape, bool buffer, nn_error *error)
{
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    if (param->buffer != buffer) {
        nn_fail(error, NN_E_ARG, "'%s' exists as a %s; give the %s another name", param->name,
                param->buffer ? "buffer" : "parameter", buffer ? "buffer" : "parameter");
        return NULL;
    }
    if (!nn_shape_equal(param->shape, shape)) {
        nn_fail(error, NN_E_SHAPE,
                "parameter '%s' exists with shape %s, now asked for with shape %s; use another "
                "name",
                param->name, nn_shape_text(param->shape, have), nn_shape_text(shape, want));
        return NULL;
    }
    return param;
}

static nn_param *obtain(nn_model *model, const char *name, nn_shape shape, nn_init init,
                        double scale, bool buffer, nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    if (!model || !name || !*name || strlen(name) >= NN_NAME_MAX) {
        nn_fail(error, NN_E_ARG, "parameter name '%s': expected 1 to %d bytes", name ? name : "",
                NN_NAME_MAX - 1);
        return NULL;
    }
    nn_param *param = nn_model_find(model, name);
    if (param)
        return reuse(param, shape, buffer, error);
    if (nn_shape_count(shape) <= 0 || !isfinite(scale)) {
        nn_fail(error, NN_E_ARG,
                "parameter '%s': shape %s and scale %g cannot be made; expected "
                "positive sizes and a finite scale",
                name, nn_shape_text(shape, text), scale);
        return NULL;
    }
    param = append(model, name, shape);
    if (!param) {
        nn_fail(error, NN_E_NOMEM, "parameter '%s' of shape %s: out of memory", name,
                nn_shape_text(shape, text));
        return NULL;
    }
    param->buffer = buffer;
    if (!model->outline)
        fill(model, param, init, scale);
    return param;
}

nn_param *nn_model_param(nn_model *model, const char *name, nn_shape shape, nn_init init,
                         double scale, nn_error *error)
{
    return obtain(model, name, shape, init, scale, false, error);
}

nn_param *nn_model_buffer(nn_model *model, const char *name, nn_shape shape, nn_init init,
                          nn_error *error)
{
    return obtain(model, name, shape, init, 1, true, error);
}

nn_param *nn_model_find(const nn_model *model, const char *name)
{
    for (int i = 0; name && i < model->count; i++)
        if (strcmp(model->param[i]->name, name) == 0)
            return model->param[i];
    return NULL;
}

int nn_model_count(const nn_model *model)
{
    return model->count;
}

nn_param *nn_model_at(const nn_model *model, int i)
{
    return i >= 0 && i < model->count ? model->param[i] : NULL;
}

int64_t nn_model_parameters(const nn_model *model)
{
    int64_t sum = 0;
    for (int i = 0; i < model->count; i++)
        if (!model->param[i]->buffer)
            sum += nn_shape_count(model->param[i]->shape);
    return sum;
}

const char *nn_param_name(const nn_param *param)
{
    return param->name;
}

nn_shape nn_param_shape(const nn_param *param)
{
    return param->shape;
}

nn_real *nn_param_data(nn_param *param)
{
    return param->data;
}

const nn_real *nn_param_values(const nn_param *param)
{
    return param->data;
}

bool nn_param_is_buffer(const nn_param *param)
{
    return param->buffer;
}

bool nn_param_frozen(const nn_param *param)
{
    return param->frozen;
}

void nn_param_freeze(nn_param *param, bool frozen)
{
    param->frozen = frozen;
}

bool nn_param_decays(const nn_param *param)
{
    return !param->buffer && param->shape.rank >= 2;
}

nn_status nn_model_copy(nn_model *to, const nn_model *from, nn_error *error)
{
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    if (to->outline || from->outline)
        return nn_fail(error, NN_E_ARG,
                       "copy of a model: an outline has no values; expected two "
                       "models from nn_model_new");
    if (to->count != from->count)
        return nn_fail(error, NN_E_SHAPE, "copy of a model: %d tensors into %d; expected the same",
                       from->count, to->count);
    /* Look before writing, so that a refusal leaves `to` as it was. */
    for (int i = 0; i < to->count; i++) {
        const nn_param *target = to->param[i], *source = nn_model_find(from, target->name);
        if (!source)
            return nn_fail(error, NN_E_MISSING, "copy of a model: the source has no '%s'",
                           target->name);
        if (!nn_shape_equal(source->shape, target->shape))
            return nn_fail(error, NN_E_SHAPE, "copy of a model: '%s' is %s there and %s here",
                           target->name, nn_shape_text(source->shape, have),
                           nn_shape_text(target->shape, want));
    }
    for (int i = 0; i < to->count; i++) {
        const nn_param *source = nn_model_find(from, to->param[i]->name);
        memcpy(to->param[i]->data, source->data,
               (size_t)nn_shape_count(source->shape) * sizeof *source->data);
    }
    return NN_OK;
}
