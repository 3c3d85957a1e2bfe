/* The parts of recurrent operators that do not depend on the cell: shapes, the products over all
 * steps, lengths and directions, the layout of the output. */
#include "engine/ops/recurrent.h"

#include "engine/blas.h"
#include "engine/ops/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- shapes -------------------------------------------------------------------------------- */

static nn_status expect_state(const nn_node *node, int i, const char *what, int64_t units,
                              nn_error *error)
{
    char text[NN_SHAPE_TEXT];
    nn_status status = node->input[i] ? nn_expect_activation(node, i, 2, 2, error) : NN_OK;
    if (status || !node->input[i] || node->input[i]->shape.dim[1] == units)
        return status;
    return nn_refuse(node, error, NN_E_SHAPE, "%s '%s' is %s for %lld units", what,
                     node->input[i]->name, nn_shape_text(nn_sample_of(node->input[i]), text),
                     (long long)units);
}

static nn_status expect_lengths(const nn_node *node, nn_error *error)
{
    const nn_node *lengths = node->input_count > REC_LENGTHS ? node->input[REC_LENGTHS] : NULL;
    char text[NN_SHAPE_TEXT];
    if (!lengths || (lengths->batched && lengths->dtype == NN_I32 && lengths->shape.rank == 1))
        return NN_OK;
    return nn_refuse(node, error, NN_E_SHAPE,
                     "lengths '%s' (%s): expected one whole number an example", lengths->name,
                     nn_shape_text(nn_sample_of(lengths), text));
}

static nn_status expect_weights(const nn_node *node, int64_t gates, int64_t features,
                                int64_t *units, nn_error *error)
{
    static const char *const part[] = {"", "weight", "state weight", "bias", "state bias"};
    const nn_node *r = node->input[REC_R];
    char text[NN_SHAPE_TEXT];
    *units = r->shape.rank == 2 ? r->shape.dim[1] : 0;
    if (r->batched || *units < 1 || *units > INT32_MAX || r->shape.dim[0] != gates * *units)
        return nn_refuse(node, error, NN_E_SHAPE, "state weight '%s' is %s; expected (%lld*u)xu",
                         r->name, nn_shape_text(nn_sample_of(r), text), (long long)gates);
    nn_shape shape[] = {{0},
                        nn_shape2(gates * *units, features),
                        r->shape,
                        nn_shape1(gates * *units),
                        nn_shape1(gates * *units)};
    for (int i = REC_W; i <= REC_BIAS_R && i < node->input_count; i++) {
        nn_status status =
            node->input[i] ? nn_expect_parameter(node, i, part[i], shape[i], error) : NN_OK;
        if (status)
            return status;
    }
    return NN_OK;
}

static nn_status check_args(nn_node *node, const nn_squash *defaults, nn_error *error)
{
    nn_recurrent_args *args = (void *)node->args;
    if (args->states < NN_STATES_STEPS || args->states > NN_STATES_ALL)
        return nn_refuse(node, error, NN_E_ARG, "states %d: expected 0 to 2", (int)args->states);
    if (!(args->clip >= 0 && args->clip < INFINITY))
        return nn_refuse(node, error, NN_E_ARG, "clip %g: expected 0 (no bound) or more",
                         args->clip);
    for (int i = 0; i < 3; i++) {
        if (args->activation[i] < NN_SQUASH_DEFAULT || args->activation[i] > NN_SQUASH_RELU)
            return nn_refuse(node, error, NN_E_ARG, "activation %d: expected 0 to 3",
                             (int)args->activation[i]);
        if (args->activation[i] == NN_SQUASH_DEFAULT)
            args->activation[i] = defaults[i];
    }
    return NN_OK;
}

nn_status nn_recurrent_shape(nn_node *node, int gates, int planes, const nn_squash *defaults,
                             nn_error *error)
{
    const nn_recurrent_args *args = (const void *)node->args;
    nn_status status = check_args(node, defaults, error);
    if (!status)
        status = nn_expect_activation(node, REC_X, 2, 3, error);
    if (status)
        return status;
    nn_shape x = node->input[REC_X]->shape;
    int64_t units, steps = x.rank == 3 ? x.dim[1] : 1;
    status = expect_weights(node, gates, x.dim[x.rank - 1], &units, error);
    if (!status && node->input_count > REC_H)
        status = expect_state(node, REC_H, "initial state", units, error);
    if (!status && node->input_count > REC_C)
        status = expect_state(node, REC_C, "initial memory", units, error);
    if (!status)
        status = expect_lengths(node, error);
    if (!status && node->input_count > REC_PEEP && node->input[REC_PEEP])
        status = nn_expect_parameter(node, REC_PEEP, "peepholes", nn_shape1(3 * units), error);
    if (status)
        return status;
    nn_shape out = nn_shape2(steps, units);
    if (args->states == NN_STATES_LAST)
        out = nn_shape1(units);
    else if (args->states == NN_STATES_ALL)
        out = planes == 1 ? nn_shape2(steps + 1, units) : nn_shape3(planes, steps + 1, units);
    else if (x.rank == 2)
        out = nn_shape1(units);
    return nn_set_activation(node, out, error);
}

nn_recurrence nn_recurrence_sizes(const nn_node *node, int gates, int64_t rows)
{
    nn_recurrence run = {.rows = rows, .gates = gates};
    nn_shape x = node->input[REC_X]->shape;
    memcpy(&run.args, node->args, sizeof run.args);
    run.steps = x.rank == 3 ? x.dim[1] : 1;
    run.features = x.dim[x.rank - 1];
    run.units = node->input[REC_R]->shape.dim[1];
    run.width = gates * run.units;
    run.block = rows * run.units;
    return run;
}

int64_t nn_recurrence_backward_multiply_adds(const nn_node *node, int gates, unsigned wanted)
{
    nn_recurrence run = nn_recurrence_sizes(node, gates, 1);
    int64_t from_input = run.steps * run.width * run.features;
    int64_t from_state = run.steps * run.width * run.units;
    int64_t x = wanted >> REC_X & 1, w = wanted >> REC_W & 1, r = wanted >> REC_R & 1;
    return wanted ? (x + w) * from_input + (1 + r) * from_state : 0;
}

nn_recurrence nn_recurrence_of(const nn_ctx *ctx, int gates)
{
    nn_recurrence run = nn_recurrence_sizes(ctx->node, gates, nn_rows(ctx));
    run.ctx = ctx;
    run.lengths = ctx->in[REC_LENGTHS];
    return run;
}

nn_gate nn_gate_of(const nn_recurrence *run, int which)
{
    nn_gate gate = {.kind = run->args.activation[which], .bound = run->args.clip > 0};
    gate.clip = (nn_real)run->args.clip;
    if (gate.bound) {
        gate.low = nn_gate_apply(gate, -gate.clip);
        gate.high = nn_gate_apply(gate, gate.clip);
    }
    return gate;
}

bool nn_recurrent_is_plain(const nn_recurrence *run, const nn_squash *defaults)
{
    return run->args.clip == 0 &&
           memcmp(run->args.activation, defaults, sizeof run->args.activation) == 0;
}

/* --- forward ------------------------------------------------------------------------------- */

void nn_recurrent_start(const nn_recurrence *run, int input, nn_real *before)
{
    const nn_real *given = run->ctx->in[input];
    if (given)
        memcpy(before, given, (size_t)run->block * sizeof *before);
    else
        memset(before, 0, (size_t)run->block * sizeof *before);
    for (int64_t r = 0; run->lengths && r < run->rows; r++)
        for (int64_t j = 0; j < run->units; j++)
            if (run->lengths[r] < 0 || run->lengths[r] > run->steps)
                before[r * run->units + j] = (nn_real)NAN;
}

/* x in the order of the steps: as it lies, where that is the same. */
static const nn_real *ordered_input(const nn_recurrence *run, nn_real *copy)
{
    const nn_real *x = run->ctx->in[REC_X];
    if (run->steps == 1 || (run->rows == 1 && !run->args.reverse))
        return x;
    for (int64_t s = 0; s < run->steps; s++)
        for (int64_t r = 0; r < run->rows; r++) {
            const nn_real *from = x + (r * run->steps + nn_recurrent_time(run, s)) * run->features;
            memcpy(copy + (s * run->rows + r) * run->features, from,
                   (size_t)run->features * sizeof *x);
        }
    return copy;
}

void nn_recurrent_project(const nn_recurrence *run, nn_real *copy, nn_real *gates,
                          int64_t bias_gates)
{
    const nn_real *x = ordered_input(run, copy), *w = run->ctx->in[REC_W];
    const nn_real *own = run->ctx->in[REC_BIAS_W], *other = run->ctx->in[REC_BIAS_R];
    int64_t rows = run->rows * run->steps;
    for (int64_t j = 0; j < run->width && rows > 0; j++)
        gates[j] = (own ? own[j] : 0) + (other && j < bias_gates * run->units ? other[j] : 0);
    for (int64_t i = 1; i < rows; i++)
        memcpy(gates + i * run->width, gates, (size_t)run->width * sizeof *gates);
    nn_gemm(false, true, rows, run->width, run->features, 1, x, run->features, w, run->features, 1,
            gates, run->width);
}

void nn_recurrent_hold(const nn_recurrence *run, int64_t s, const nn_real *before, nn_real *after)
{
    for (int64_t r = 0; run->lengths && r < run->rows; r++)
        if (!nn_recurrent_active(run, r, s))
            memcpy(after + r * run->units, before + r * run->units,
                   (size_t)run->units * sizeof *after);
}

/* Where row r's state after step s (the last one: s = steps) stands in the output. */
static int64_t place_of(const nn_recurrence *run, int plane, int64_t r, int64_t s)
{
    int64_t row = nn_shape_row(run->ctx->node->shape) / run->units; /* states a row has */
    int64_t steps = run->steps + (run->args.states == NN_STATES_ALL);
    if (run->args.states == NN_STATES_LAST)
        return r * run->units;
    int64_t time = s == run->steps ? s : nn_recurrent_time(run, s);
    return (r * row + plane * steps + time) * run->units;
}

void nn_recurrent_emit(const nn_recurrence *run, int plane, int64_t s, const nn_real *after)
{
    size_t bytes = (size_t)run->units * sizeof *after;
    if (run->args.states == NN_STATES_LAST || (plane > 0 && run->args.states != NN_STATES_ALL))
        return;
    for (int64_t r = 0; r < run->rows; r++) {
        nn_real *out = run->ctx->out + place_of(run, plane, r, s);
        if (nn_recurrent_active(run, r, s))
            memcpy(out, after + r * run->units, bytes);
        else
            memset(out, 0, bytes);
    }
}

void nn_recurrent_emit_last(const nn_recurrence *run, int plane, const nn_real *after)
{
    if (run->args.states == NN_STATES_STEPS || (plane > 0 && run->args.states != NN_STATES_ALL))
        return;
    for (int64_t r = 0; r < run->rows; r++)
        memcpy(run->ctx->out + place_of(run, plane, r, run->steps), after + r * run->units,
               (size_t)run->units * sizeof *after);
}

/* --- backward ------------------------------------------------------------------------------ */

void nn_recurrent_take_last(const nn_recurrence *run, int plane, nn_real *d)
{
    size_t bytes = (size_t)run->units * sizeof *d;
    if (run->args.states == NN_STATES_STEPS || (plane > 0 && run->args.states != NN_STATES_ALL)) {
        memset(d, 0, (size_t)run->rows * bytes);
        return;
    }
    for (int64_t r = 0; r < run->rows; r++)
        memcpy(d + r * run->units, run->ctx->grad_out + place_of(run, plane, r, run->steps), bytes);
}

NN_KERNEL static void add_into(nn_real *restrict sum, const nn_real *restrict more, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += more[i];
}

void nn_recurrent_take(const nn_recurrence *run, int plane, int64_t s, nn_real *d)
{
    if (run->args.states == NN_STATES_LAST || (plane > 0 && run->args.states != NN_STATES_ALL))
        return;
    for (int64_t r = 0; r < run->rows; r++)
        if (nn_recurrent_active(run, r, s))
            add_into(d + r * run->units, run->ctx->grad_out + place_of(run, plane, r, s),
                     run->units);
}

void nn_recurrent_pass(const nn_recurrence *run, int64_t s, const nn_real *after, nn_real *before)
{
    nn_recurrent_hold(run, s, after, before);
}

static void give(nn_real *gradient, const nn_real *d, int64_t count, bool add)
{
    if (add)
        add_into(gradient, d, count);
    else
        memcpy(gradient, d, (size_t)count * sizeof *d);
}

void nn_recurrent_give_start(const nn_recurrence *run, int input, const nn_real *d)
{
    if (run->ctx->grad_in[input])
        give(run->ctx->grad_in[input], d, run->block, run->ctx->beta[input] != 0);
}

/* out[j] (+)= sum over the rows, in row order. */
NN_KERNEL static void sum_rows(nn_real *restrict sum, const nn_real *restrict d, int64_t rows,
                               int64_t columns, int64_t pitch, bool add)
{
    if (!add)
        memset(sum, 0, (size_t)columns * sizeof *sum);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j++)
            sum[j] += d[r * pitch + j];
}

void nn_recurrent_give_bias(const nn_recurrence *run, int input, int64_t first, int64_t count,
                            const nn_real *d, int64_t pitch)
{
    nn_real *gradient = run->ctx->grad_in[input];
    if (gradient)
        sum_rows(gradient + first * run->units, d, run->rows * run->steps, count * run->units,
                 pitch, run->ctx->beta[input] != 0);
}

void nn_recurrent_give_input(const nn_recurrence *run, nn_real *copy, const nn_real *dgates)
{
    const nn_ctx *ctx = run->ctx;
    int64_t rows = run->rows * run->steps, f = run->features;
    nn_real *dx = ctx->grad_in[REC_X];
    if (ctx->grad_in[REC_W])
        nn_gemm(true, false, run->width, f, rows, 1, dgates, run->width, ordered_input(run, copy),
                f, ctx->beta[REC_W], ctx->grad_in[REC_W], f);
    nn_recurrent_give_bias(run, REC_BIAS_W, 0, run->gates, dgates, run->width);
    if (!dx)
        return;
    nn_gemm(false, false, rows, f, run->width, 1, dgates, run->width, ctx->in[REC_W], f, 0, copy,
            f);
    for (int64_t s = 0; s < run->steps; s++)
        for (int64_t r = 0; r < run->rows; r++)
            give(dx + (r * run->steps + nn_recurrent_time(run, s)) * f,
                 copy + (s * run->rows + r) * f, f, ctx->beta[REC_X] != 0);
}

void nn_recurrent_give_weights(const nn_recurrence *run, int64_t first, int64_t count,
                               const nn_real *d, int64_t pitch, const nn_real *states)
{
    nn_real *gradient = run->ctx->grad_in[REC_R];
    int64_t u = run->units;
    if (gradient)
        nn_gemm(true, false, count * u, u, run->rows * run->steps, 1, d, pitch, states, u,
                run->ctx->beta[REC_R], gradient + first * u * u, u);
}

/* --- the reference ------------------------------------------------------------------------- */

double nn_recurrent_squash(const nn_recurrence *run, int which, double x)
{
    double clip = run->args.clip;
    if (clip > 0)
        x = x < -clip ? -clip : x > clip ? clip : x;
    switch (run->args.activation[which]) {
    case NN_SQUASH_SIGMOID:
        return 1 / (1 + exp(-x));
    case NN_SQUASH_TANH:
        return tanh(x);
    default:
        return x < 0 ? 0 : x;
    }
}

double nn_recurrent_from_input(const nn_recurrence *run, int64_t unit, const nn_real *x)
{
    const nn_real *w = run->ctx->in[REC_W], *b = run->ctx->in[REC_BIAS_W];
    double sum = b ? (double)b[unit] : 0;
    for (int64_t k = 0; k < run->features; k++)
        sum += (double)w[unit * run->features + k] * (double)x[k];
    return sum;
}

double nn_recurrent_from_state(const nn_recurrence *run, int64_t unit, const double *h)
{
    const nn_real *w = run->ctx->in[REC_R], *b = run->ctx->in[REC_BIAS_R];
    double sum = b ? (double)b[unit] : 0;
    for (int64_t k = 0; k < run->units; k++)
        sum += (double)w[unit * run->units + k] * h[k];
    return sum;
}

static void emit_double(const nn_recurrence *run, int64_t r, int64_t s, const double *state)
{
    bool all = run->args.states == NN_STATES_ALL, last = s == run->steps;
    int planes = all && run->ctx->node->shape.rank == 4 ? 2 : 1;
    if (!all && last != (run->args.states == NN_STATES_LAST))
        return;
    for (int plane = 0; plane < planes; plane++) {
        nn_real *out = run->ctx->out + place_of(run, plane, r, s);
        bool active = last || nn_recurrent_active(run, r, s);
        for (int64_t j = 0; j < run->units; j++)
            out[j] = active ? (nn_real)state[plane * run->units + j] : 0;
    }
}

static void reference_row(const nn_recurrence *run, int64_t r, nn_recurrent_cell *cell,
                          double *room)
{
    const nn_real *x = run->ctx->in[REC_X], *h = run->ctx->in[REC_H], *c = run->ctx->in[REC_C];
    int64_t u = run->units;
    double *state = room, *next = room + 2 * u;
    bool bad = run->lengths && (run->lengths[r] < 0 || run->lengths[r] > run->steps);
    for (int64_t j = 0; j < u; j++) {
        state[j] = bad ? NAN : h ? (double)h[r * u + j] : 0;
        state[u + j] = bad ? NAN : c ? (double)c[r * u + j] : 0;
    }
    for (int64_t s = 0; s < run->steps; s++) {
        int64_t time = nn_recurrent_time(run, s);
        if (nn_recurrent_active(run, r, s)) {
            cell(run, x + (r * run->steps + time) * run->features, state, state + u, next, next + u,
                 room + 4 * u);
            memcpy(state, next, 2 * (size_t)u * sizeof *state);
        }
        emit_double(run, r, s, state);
    }
    emit_double(run, r, run->steps, state);
}

/* Runs in tests alone, so it may take memory; without any the answer is NaN. */
void nn_recurrent_reference(const nn_ctx *ctx, int gates, nn_recurrent_cell *cell)
{
    nn_recurrence run = nn_recurrence_of(ctx, gates);
    double *room = calloc((size_t)(4 + REC_GATES_MAX) * (size_t)run.units, sizeof *room);
    int64_t count = run.rows * nn_shape_row(ctx->node->shape);
    for (int64_t i = 0; !room && i < count; i++)
        ctx->out[i] = (nn_real)NAN;
    for (int64_t r = 0; room && r < run.rows; r++)
        reference_row(&run, r, cell, room);
    free(room);
}
