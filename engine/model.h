/* A model: named parameters and buffers, nothing else. Any number of graphs may use one model at
 * the same time (training, evaluation, a frozen copy of its head ...). Not thread-safe: one thread
 * changes a model; several may read it while none writes. */
#ifndef GRADUS_ENGINE_MODEL_H
#define GRADUS_ENGINE_MODEL_H

#include "engine/status.h"
#include "engine/tensor.h"

typedef struct nn_model nn_model;
typedef struct nn_param nn_param;

typedef enum {
    NN_INIT_ZEROS,
    NN_INIT_ONES,
    NN_INIT_NORMAL, /* scale * N(0,1) */
    NN_INIT_XAVIER, /* N(0, 1/fan_in): the course's Xavier (chapter 10); Glorot and Bengio 2010 */
    NN_INIT_HE      /* N(0, 2/fan_in): He et al. 2015 */
} nn_init;

/* Values are drawn from (seed, parameter name), so they do not depend on creation order. */
nn_model *nn_model_new(uint64_t seed);
/* Only names and shapes: counts the parameters of any network, however large, in no memory. Its
 * values are NULL, so nothing runs it: nn_compile, nn_optimizer_new and nn_model_copy refuse it.
 * nn_plan_bytes says what its training would take. */
nn_model *nn_model_outline(void);
bool nn_model_is_outline(const nn_model *model);
void nn_model_free(nn_model *model);
uint64_t nn_model_seed(const nn_model *model);

/* The parameter `name`, created if it does not exist. NULL and an error when it exists with another
 * shape. fan_in of a weight (out, in, ...) is the product of all dimensions but the first; `scale`
 * multiplies the result (1 for the plain rule). The model owns it. */
nn_param *nn_model_param(nn_model *model, const char *name, nn_shape shape, nn_init init,
                         double scale, nn_error *error);
/* A buffer is saved with the model but never trained (running statistics). */
nn_param *nn_model_buffer(nn_model *model, const char *name, nn_shape shape, nn_init init,
                          nn_error *error);

nn_param *nn_model_find(const nn_model *model, const char *name);
int nn_model_count(const nn_model *model); /* parameters and buffers, in creation order */
nn_param *nn_model_at(const nn_model *model, int i);
int64_t nn_model_parameters(const nn_model *model); /* trainable scalars (frozen ones included) */

const char *nn_param_name(const nn_param *param);
nn_shape nn_param_shape(const nn_param *param);
nn_real *nn_param_data(nn_param *param); /* 64-byte aligned; NULL in an outline */
const nn_real *nn_param_values(const nn_param *param);
bool nn_param_is_buffer(const nn_param *param);
bool nn_param_frozen(const nn_param *param);
void nn_param_freeze(nn_param *param, bool frozen);
/* True for matrices and kernels (rank >= 2): biases and norm scales are not decayed. */
bool nn_param_decays(const nn_param *param);

/* Copy all values of `from` into `to` (same names and shapes). */
nn_status nn_model_copy(nn_model *to, const nn_model *from, nn_error *error);

#endif
