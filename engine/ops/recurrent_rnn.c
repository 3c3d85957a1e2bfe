/* rnn: h' = f(W x + b + R h + c). Elman 1990; chapter 39. */
#include "engine/blas.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/rules.h"

static const nn_squash defaults[3] = {NN_SQUASH_TANH, NN_SQUASH_TANH, NN_SQUASH_TANH};

static nn_status rnn_shape(nn_node *node, nn_error *error)
{
    return nn_recurrent_shape(node, 1, 1, defaults, error);
}

/* Kept: the states, whose block s + 1 holds first what goes into step s, then what comes out. */
static size_t rnn_saved(const nn_node *node, int64_t rows)
{
    nn_recurrence run = nn_recurrence_sizes(node, 1, rows);
    return (size_t)((run.steps + 1) * run.block) * sizeof(nn_real);
}

static size_t rnn_scratch(const nn_node *node, int64_t rows)
{
    nn_recurrence run = nn_recurrence_sizes(node, 1, rows);
    int64_t copy = nn_recurrent_room(run.steps * rows * run.features);
    int64_t slopes = nn_recurrent_room(run.steps * run.block);
    return (size_t)(copy + slopes + 2 * nn_recurrent_room(run.block)) * sizeof(nn_real);
}

static inline void apply(nn_gate f, nn_real *h, int64_t count)
{
    NN_INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        h[i] = nn_gate_apply(f, h[i]);
}

NN_KERNEL static void apply_tanh(nn_real *h, int64_t count)
{
    apply((nn_gate){.kind = NN_SQUASH_TANH}, h, count);
}

NN_KERNEL static void apply_any(nn_gate f, nn_real *h, int64_t count)
{
    apply(f, h, count);
}

static void rnn_forward(const nn_ctx *ctx)
{
    nn_recurrence run = nn_recurrence_of(ctx, 1);
    nn_real *states = ctx->saved, *last = states + run.steps * run.block;
    bool plain = nn_recurrent_is_plain(&run, defaults);
    nn_gate f = nn_gate_of(&run, 0);
    if (run.rows == 0)
        return;
    nn_recurrent_start(&run, REC_H, states);
    nn_recurrent_project(&run, ctx->scratch, states + run.block, 1);
    for (int64_t s = 0; s < run.steps; s++) {
        nn_real *before = states + s * run.block, *after = before + run.block;
        nn_gemm(false, true, run.rows, run.units, run.units, 1, before, run.units, ctx->in[REC_R],
                run.units, 1, after, run.units);
        if (plain)
            apply_tanh(after, run.block);
        else
            apply_any(f, after, run.block);
        nn_recurrent_hold(&run, s, before, after);
        nn_recurrent_emit(&run, 0, s, after);
    }
    nn_recurrent_emit_last(&run, 0, last);
}

/* dgate = dh f'(h), 0 for rows that are not active. */
NN_KERNEL static void step_back(const nn_recurrence *run, nn_gate f, int64_t s,
                                const nn_real *restrict after, const nn_real *restrict dh,
                                nn_real *restrict dgate)
{
    for (int64_t r = 0; r < run->rows; r++) {
        bool active = nn_recurrent_active(run, r, s);
        for (int64_t j = r * run->units; j < (r + 1) * run->units; j++)
            dgate[j] = active ? dh[j] * nn_gate_slope(f, after[j]) : 0;
    }
}

static void rnn_backward(const nn_ctx *ctx)
{
    nn_recurrence run = nn_recurrence_of(ctx, 1);
    nn_real *copy = ctx->scratch, *states = ctx->saved;
    nn_real *dgates = copy + nn_recurrent_room(run.steps * run.rows * run.features);
    nn_real *dh = dgates + nn_recurrent_room(run.steps * run.block);
    nn_real *dbefore = dh + nn_recurrent_room(run.block);
    nn_gate f = nn_gate_of(&run, 0);
    nn_recurrent_take_last(&run, 0, dh);
    for (int64_t s = run.steps - 1; s >= 0; s--) {
        nn_real *dgate = dgates + s * run.block;
        nn_recurrent_take(&run, 0, s, dh);
        step_back(&run, f, s, states + (s + 1) * run.block, dh, dgate);
        nn_gemm(false, false, run.rows, run.units, run.units, 1, dgate, run.units, ctx->in[REC_R],
                run.units, 0, dbefore, run.units);
        nn_recurrent_pass(&run, s, dh, dbefore);
        nn_real *swap = dh;
        dh = dbefore;
        dbefore = swap;
    }
    nn_recurrent_give_start(&run, REC_H, dh);
    nn_recurrent_give_weights(&run, 0, 1, dgates, run.units, states);
    nn_recurrent_give_bias(&run, REC_BIAS_R, 0, 1, dgates, run.units);
    nn_recurrent_give_input(&run, copy, dgates);
}

static void rnn_cell(const nn_recurrence *run, const nn_real *x, const double *h, const double *c,
                     double *next_h, double *next_c, double *room)
{
    (void)c;
    (void)next_c;
    (void)room;
    for (int64_t j = 0; j < run->units; j++)
        next_h[j] = nn_recurrent_squash(
            run, 0, nn_recurrent_from_input(run, j, x) + nn_recurrent_from_state(run, j, h));
}

static void rnn_reference(const nn_ctx *ctx)
{
    nn_recurrent_reference(ctx, 1, rnn_cell);
}

static int64_t rnn_multiply_adds(const nn_node *node)
{
    nn_recurrence run = nn_recurrence_sizes(node, 1, 1);
    return run.steps * run.width * (run.features + run.units);
}

static int64_t rnn_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    return nn_recurrence_backward_multiply_adds(node, 1, wanted);
}

const nn_op nn_op_rnn = {
    .name = "rnn",
    .min_inputs = 3,
    .max_inputs = REC_LENGTHS + 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << REC_X | 1u << REC_W | 1u << REC_R | 1u << REC_LENGTHS,
    .shape = rnn_shape,
    .saved = rnn_saved,
    .scratch = rnn_scratch,
    .forward = rnn_forward,
    .backward = rnn_backward,
    .reference = rnn_reference,
    .multiply_adds = rnn_multiply_adds,
    .backward_multiply_adds = rnn_backward_multiply_adds,
};

nn_node *nn_rnn(nn_graph *graph, nn_recurrent_inputs in, nn_recurrent_args args)
{
    nn_node *inputs[] = {in.x,       in.weight_ih, in.weight_hh, in.bias_ih,
                         in.bias_hh, in.h,         in.lengths};
    return nn_node_new(graph, &nn_op_rnn, inputs, REC_LENGTHS + 1, &args, sizeof args);
}
