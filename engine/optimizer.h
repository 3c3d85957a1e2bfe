/* Optimisers (chapters 16-18): one update of every trainable parameter of a model.
 * Formulas stand in optimizer.c, each with its source. epsilon is outside the root; bias correction
 * is computed once a step in double; decay and L2 leave biases and norm scales alone. */
#ifndef GRADUS_ENGINE_OPTIMIZER_H
#define GRADUS_ENGINE_OPTIMIZER_H

#include "engine/exec.h"

typedef struct nn_optimizer nn_optimizer;

typedef enum {
    NN_SGD,
    NN_MOMENTUM, /* v = beta v + (1-beta) g (the course's form; lr is that much larger than
                    PyTorch's) */
    NN_NESTEROV, /* Sutskever et al. 2013, in gradient form: step along beta v + (1-beta) g */
    NN_RMSPROP,
    NN_ADAM,  /* l2 is added to the gradient */
    NN_ADAMW, /* Loshchilov and Hutter 2019: l2 decays the weights directly, w -= lr l2 w */
    NN_OPTIMIZER_KINDS
} nn_optimizer_kind;

typedef struct {
    nn_optimizer_kind kind;
    double lr;        /* base rate, > = 0 */
    double beta1;     /* momentum; 0 means 0.9 */
    double beta2;     /* 0 means 0.999 (Adam, AdamW) or 0.9 (RMSprop) */
    double epsilon;   /* 0 means 1e-8 */
    double l2;        /* lambda: adds lambda * w to the gradient, i.e. lambda/2 |w|^2 to the loss */
    double clip_norm; /* 0: off. Else the global gradient norm is scaled down to this at most */
} nn_optimizer_args;

const char *nn_optimizer_name(nn_optimizer_kind kind); /* "adam" */
nn_status nn_optimizer_kind_of(const char *name, nn_optimizer_kind *kind, nn_error *error);

nn_optimizer *nn_optimizer_new(nn_model *model, nn_optimizer_args args, nn_error *error);
void nn_optimizer_free(nn_optimizer *optimizer);
nn_optimizer_args nn_optimizer_get(const nn_optimizer *optimizer);
/* Change rate, momentum, l2 or clipping between steps. Refuses what is out of range (lr 0 is
 * legal) and another kind. Unlike nn_optimizer_new it fills in nothing: momentum 0 means 0. */
nn_status nn_optimizer_set(nn_optimizer *optimizer, nn_optimizer_args args, nn_error *error);

typedef struct {
    double gradient_norm; /* before clipping, l2 not included */
    double update_ratio;  /* |update| / |weights before it| over all that is updated; 0 without */
    bool applied;         /* false: the norm was not finite and nothing was changed */
} nn_update;

/* One update with rate `lr` (schedule and base rate already multiplied) from the gradients in
 * `exec`. Same bits for any number of threads. Allocates nothing. */
nn_update nn_optimizer_step(nn_optimizer *optimizer, nn_exec *exec, nn_pool *pool, double lr);

/* State for checkpoints: `steps` done and up to two tensors a parameter ("momentum.<param>",
 * "square.<param>"); NULL where the kind keeps none. */
uint64_t nn_optimizer_steps(const nn_optimizer *optimizer);
void nn_optimizer_set_steps(nn_optimizer *optimizer, uint64_t steps);
nn_real *nn_optimizer_first(nn_optimizer *optimizer, const nn_param *param);
nn_real *nn_optimizer_second(nn_optimizer *optimizer, const nn_param *param);

#endif
