/* Optimisers (chapters 13, 16-18): one update of every trainable parameter of a model.
 * Formulas stand in optimizer_kernels.h, each with its source. Bias correction is computed once a
 * step in double; decay, L2 and L1 leave biases and norm scales alone.
 *
 * Tables (word vectors: exec.h, nn_param_rows). A row that the batch does not name has gradient 0.
 * Where such a row then stays as it is, bit for bit (SGD and AdaGrad, without penalties or an
 * average of the weights), only the rows named are updated. Else the whole table is, unless `lazy`
 * says otherwise. The norm that clips is always that of the whole gradient. */
#ifndef GRADUS_ENGINE_OPTIMIZER_H
#define GRADUS_ENGINE_OPTIMIZER_H

#include "engine/exec.h"

typedef struct nn_optimizer nn_optimizer;

typedef enum {
    NN_SGD,
    NN_MOMENTUM, /* v = beta v + (1-beta) g (the course's form; lr is that much larger than
                    PyTorch's, see `classic`) */
    NN_NESTEROV, /* Sutskever et al. 2013, in gradient form: step along beta v + (1-beta) g */
    NN_ADAGRAD,  /* Duchi et al. 2011: s = s + g^2; w -= lr g / (sqrt(s) + epsilon) */
    NN_RMSPROP,
    NN_ADAM,  /* l2 is added to the gradient */
    NN_ADAMW, /* Loshchilov and Hutter 2019: Adam, decoupled */
    NN_OPTIMIZER_KINDS
} nn_optimizer_kind;

/* The switches are off where the course's own form is meant (golden chapters 13, 17, 18). */
typedef struct {
    nn_optimizer_kind kind;
    double lr;        /* base rate, > = 0 */
    double beta1;     /* momentum; 0 means 0.9 */
    double beta2;     /* 0 means 0.999 (Adam, AdamW) or 0.9 (RMSprop) */
    double epsilon;   /* 0 means 1e-8 */
    double l2;        /* lambda: adds lambda * w to the gradient, i.e. lambda/2 |w|^2 to the loss */
    double l1;        /* lambda |w| in the loss, by a proximal step: after the update, weights move
                         lr * lambda toward 0 and stop there, so that they become 0 exactly */
    double clip_norm; /* 0: off. Else the global gradient norm is scaled down to this at most */
    double clip_value;   /* 0: off. Else every number of the gradient, scaled as above, is cut to
                            [-clip_value, clip_value] */
    bool classic;        /* momentum, Nesterov: v = beta v + g, as in PyTorch: at the same rate a
                            step 1/(1-beta) times as long (errata E17.3) */
    bool epsilon_inside; /* sqrt(s + epsilon) in place of sqrt(s) + epsilon (errata E17.1, E18.2) */
    bool uncorrected;    /* Adam without bias correction (errata E18.1) */
    bool decoupled;      /* l2 decays the weights directly, w -= lr l2 w, and is no part of the
                            gradient; AdamW always */
    double average;      /* > 0: keeps an exponential moving average of the weights with this decay
                            beside them, see nn_optimizer_swap_average */
    bool lazy;        /* rows of tables that the batch does not name are left alone: neither their
                         moments fade nor do they move or decay, as in PyTorch's SparseAdam. Not
                         with an average or accumulation */
    bool accumulates; /* keeps room for nn_optimizer_gather */
} nn_optimizer_args;

const char *nn_optimizer_name(nn_optimizer_kind kind); /* "adam" */
nn_status nn_optimizer_kind_of(const char *name, nn_optimizer_kind *kind, nn_error *error);
/* Reads NAME[:SWITCH,...], such as "adam", "adam:inside,epsilon=1e-4", "momentum:classic": kind,
 * classic, inside, uncorrected, decoupled, lazy, beta2=B and epsilon=E; nothing else of `args`
 * changes. The error names the column. */
nn_status nn_optimizer_parse(const char *text, nn_optimizer_args *args, nn_error *error);
/* The text that nn_optimizer_parse would read back; 64 bytes are enough. */
void nn_optimizer_text(const nn_optimizer_args *args, char *text, int size);

nn_optimizer *nn_optimizer_new(nn_model *model, nn_optimizer_args args, nn_error *error);
void nn_optimizer_free(nn_optimizer *optimizer);
nn_optimizer_args nn_optimizer_get(const nn_optimizer *optimizer);
/* Change rate, momentum, penalties, clipping or the average's decay between steps. Refuses what is
 * out of range (lr 0 is legal), another kind, and room that was not made at the start. Unlike
 * nn_optimizer_new it fills in nothing: momentum 0 means 0. */
nn_status nn_optimizer_set(nn_optimizer *optimizer, nn_optimizer_args args, nn_error *error);
/* Multiplies every rate of `param` (per-layer rates); 1 unless set. */
nn_status nn_optimizer_set_rate(nn_optimizer *optimizer, const nn_param *param, double factor,
                                nn_error *error);

typedef struct {
    double gradient_norm; /* before clipping, penalties not included */
    double update_ratio;  /* |update| / |weights before it| over all that is updated (of tables it
                             may be rows); 0 without */
    bool applied;         /* false: the norm was not finite and nothing was changed */
} nn_update;

/* Gradient accumulation: adds `share` times the gradients in `exec` to a sum. The next
 * nn_optimizer_step takes that sum in place of the gradients in its `exec` and empties it. With
 * shares rows / all rows, the sum of several small batches is the gradient of the one large batch
 * (errata E16.4). Needs args.accumulates. */
void nn_optimizer_gather(nn_optimizer *optimizer, nn_exec *exec, nn_pool *pool, double share);
void nn_optimizer_forget_gathered(nn_optimizer *optimizer);

/* One update with rate `lr` (schedule and base rate already multiplied) from the gradients in
 * `exec`. Same bits for any number of threads. Allocates nothing. */
nn_update nn_optimizer_step(nn_optimizer *optimizer, nn_exec *exec, nn_pool *pool, double lr);

/* What the penalties add to the loss now: l2/2 sum w^2 and l1 sum |w| over all decayed weights. */
typedef struct {
    double l1, l2;
} nn_penalty;
nn_penalty nn_optimizer_penalty(const nn_optimizer *optimizer);

/* Exchanges the weights and their moving average (Polyak and Juditsky 1992; the decay of step t is
 * min(average, (1+t)/(10+t)), so that the first steps are soon forgotten). Evaluate between two
 * such calls, do not train. Does nothing while args.average is 0. */
void nn_optimizer_swap_average(nn_optimizer *optimizer);

/* State for checkpoints: `steps` done and up to three tensors a parameter ("momentum.<param>",
 * "square.<param>", "average.<param>"); NULL where the kind keeps none. */
uint64_t nn_optimizer_steps(const nn_optimizer *optimizer);
void nn_optimizer_set_steps(nn_optimizer *optimizer, uint64_t steps);
nn_real *nn_optimizer_first(nn_optimizer *optimizer, const nn_param *param);
nn_real *nn_optimizer_second(nn_optimizer *optimizer, const nn_param *param);
nn_real *nn_optimizer_average(nn_optimizer *optimizer, const nn_param *param);
/* The averages become copies of the weights as they are: the weights were set from outside. */
void nn_optimizer_restart_average(nn_optimizer *optimizer);

#endif
