/* What RNN, GRU and LSTM share. Private to engine/ops.
 *
 * Inside, everything lies step by step in the order in which the steps are run: block s of a buffer
 * holds the rows of the s-th step, so that the products of one step, and of all steps together, see
 * plain matrices. States have one block more, for what there was before the first step. */
#ifndef GRADUS_ENGINE_OPS_RECURRENT_H
#define GRADUS_ENGINE_OPS_RECURRENT_H

#include "engine/mathf.h"
#include "engine/ops/loops.h"
#include "engine/recurrent.h"

/* Places of the inputs. */
enum { REC_X, REC_W, REC_R, REC_BIAS_W, REC_BIAS_R, REC_H, REC_LENGTHS, REC_C, REC_PEEP };
enum { REC_GATES_MAX = 4 };

/* One shard of a recurrent operator. */
typedef struct {
    const nn_ctx *ctx;
    nn_recurrent_args args;
    int64_t rows, steps, features, units, gates;
    int64_t width;          /* gates * units */
    int64_t block;          /* rows * units: a state of all rows */
    const int32_t *lengths; /* NULL: all steps */
} nn_recurrence;

typedef struct {
    nn_squash kind;
    bool bound;              /* by clip */
    nn_real clip, low, high; /* low and high: what the bounds give, where the slope is 0 */
} nn_gate;

nn_status nn_recurrent_shape(nn_node *node, int gates, int planes, const nn_squash *defaults,
                             nn_error *error);
nn_recurrence nn_recurrence_of(const nn_ctx *ctx, int gates);
nn_recurrence nn_recurrence_sizes(const nn_node *node, int gates, int64_t rows);
/* See nn_op. The error goes back through the states whatever is wanted. */
int64_t nn_recurrence_backward_multiply_adds(const nn_node *node, int gates, unsigned wanted);
nn_gate nn_gate_of(const nn_recurrence *run, int which);
/* The ordinary activations and no bound, for which the loops have a fast form. */
bool nn_recurrent_is_plain(const nn_recurrence *run, const nn_squash *defaults);

/* The step of the sequence that is run as the s-th. */
static inline int64_t nn_recurrent_time(const nn_recurrence *run, int64_t s)
{
    return run->args.reverse ? run->steps - 1 - s : s;
}

/* False behind the end of an example: its state stays. One of an impossible length runs to the end
 * on a state that is NaN from the start. */
static inline bool nn_recurrent_active(const nn_recurrence *run, int64_t r, int64_t s)
{
    if (!run->lengths)
        return true;
    int32_t length = run->lengths[r];
    return length < 0 || length > run->steps || nn_recurrent_time(run, s) < length;
}

/* Memory: nn_real counts rounded up so that blocks begin on a cache line. */
static inline int64_t nn_recurrent_room(int64_t count)
{
    return (count + 15) / 16 * 16;
}

/* --- forward ------------------------------------------------------------------------------- */

/* before = the initial state from this input, or 0. */
void nn_recurrent_start(const nn_recurrence *run, int input, nn_real *before);
/* gates = x W' + biases of all steps; `copy` has room for x in the order of the steps. The biases
 * of the state are left out of the gates from `bias_gates` on. */
void nn_recurrent_project(const nn_recurrence *run, nn_real *copy, nn_real *gates,
                          int64_t bias_gates);
/* After step s: rows that are not active go on with their state from before it. */
void nn_recurrent_hold(const nn_recurrence *run, int64_t s, const nn_real *before, nn_real *after);
/* Writes the state after step s, and after the last one, to the output. */
void nn_recurrent_emit(const nn_recurrence *run, int plane, int64_t s, const nn_real *after);
void nn_recurrent_emit_last(const nn_recurrence *run, int plane, const nn_real *after);

/* --- backward ------------------------------------------------------------------------------ */

/* d = the gradient of the last state from the output, or 0; then step by step += that of the state
 * after step s. */
void nn_recurrent_take_last(const nn_recurrence *run, int plane, nn_real *d);
void nn_recurrent_take(const nn_recurrence *run, int plane, int64_t s, nn_real *d);
/* Rows not active at step s: their gradient goes on unchanged. */
void nn_recurrent_pass(const nn_recurrence *run, int64_t s, const nn_real *after, nn_real *before);
/* Gradient of the initial state behind this input. */
void nn_recurrent_give_start(const nn_recurrence *run, int input, const nn_real *d);
/* Gradients of x, of its weights and bias, from those of the gates; `copy` as for project. */
void nn_recurrent_give_input(const nn_recurrence *run, nn_real *copy, const nn_real *dgates);
/* Gradient of `count` gates' weights of the state from `first` on: d' states over all steps. d has
 * rows of `pitch` numbers. */
void nn_recurrent_give_weights(const nn_recurrence *run, int64_t first, int64_t count,
                               const nn_real *d, int64_t pitch, const nn_real *states);
/* Gradient of their biases. */
void nn_recurrent_give_bias(const nn_recurrence *run, int input, int64_t first, int64_t count,
                            const nn_real *d, int64_t pitch);

/* --- activations --------------------------------------------------------------------------- */

static inline nn_real nn_gate_apply(nn_gate gate, nn_real x)
{
    if (gate.bound) {
        x = x < -gate.clip ? -gate.clip : x;
        x = x > gate.clip ? gate.clip : x;
    }
    if (gate.kind == NN_SQUASH_SIGMOID)
        return nn_sigmoid_of(x);
    if (gate.kind == NN_SQUASH_TANH)
        return nn_tanh_of(x);
    return x < 0 ? 0 : x;
}

/* From the activation's value. */
static inline nn_real nn_gate_slope(nn_gate gate, nn_real y)
{
    nn_real slope = gate.kind == NN_SQUASH_SIGMOID ? y * (1 - y)
                    : gate.kind == NN_SQUASH_TANH  ? 1 - y * y
                                                   : (nn_real)(y > 0);
    return gate.bound && (y == gate.low || y == gate.high) ? 0 : slope;
}

/* --- the reference ------------------------------------------------------------------------- */

/* One step of one example in doubles; `room` is for the gates. */
typedef void nn_recurrent_cell(const nn_recurrence *run, const nn_real *x, const double *h,
                               const double *c, double *next_h, double *next_c, double *room);
void nn_recurrent_reference(const nn_ctx *ctx, int gates, nn_recurrent_cell *cell);
double nn_recurrent_from_input(const nn_recurrence *run, int64_t unit, const nn_real *x);
double nn_recurrent_from_state(const nn_recurrence *run, int64_t unit, const double *h);
double nn_recurrent_squash(const nn_recurrence *run, int which, double x);

#endif
