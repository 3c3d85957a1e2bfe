/* lstm: Hochreiter and Schmidhuber 1997 with the forget gate and the peepholes of Gers,
 * Schraudolph and Schmidhuber 2002; chapter 42.
 *   i = f(zi + pi c), f = f(zf + pf c), a = g(za), c' = f c + i a, o = f(zo + po c'), h' = o h(c')
 * with z = W x + b + R h of all four gates. */
#include "engine/blas.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/rules.h"

#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

static const nn_squash defaults[3] = {NN_SQUASH_SIGMOID, NN_SQUASH_TANH, NN_SQUASH_TANH};

static nn_status lstm_shape(nn_node *node, nn_error *error)
{
    return nn_recurrent_shape(node, 4, 2, defaults, error);
}

/* Kept from forward to backward, step by step. */
typedef struct {
    nn_real *gates; /* the activations; backward puts their gradients in the same place */
    nn_real *h, *c; /* one block more: the initial ones */
    nn_real *shown; /* h(c') */
} lstm_kept;

static int64_t lay_out(const nn_recurrence *run, nn_real *memory, lstm_kept *kept)
{
    int64_t gates = nn_recurrent_room(run->steps * 4 * run->block);
    int64_t states = nn_recurrent_room((run->steps + 1) * run->block);
    if (kept)
        *kept = (lstm_kept){memory, memory + gates, memory + gates + states,
                            memory + gates + 2 * states};
    return gates + 3 * states;
}

static size_t lstm_saved(const nn_node *node, int64_t rows)
{
    nn_recurrence run = nn_recurrence_sizes(node, 4, rows);
    return (size_t)lay_out(&run, NULL, NULL) * sizeof(nn_real);
}

static size_t lstm_scratch(const nn_node *node, int64_t rows)
{
    nn_recurrence run = nn_recurrence_sizes(node, 4, rows);
    int64_t copy = nn_recurrent_room(run.steps * rows * run.features);
    return (size_t)(copy + 3 * nn_recurrent_room(run.block)) * sizeof(nn_real);
}

/* --- forward ------------------------------------------------------------------------------- */

typedef struct {
    nn_gate f, g, h;
} lstm_gates;

/* One row: z becomes the activations, c the memory before it. */
static ALWAYS_INLINE void row_forward(int64_t u, lstm_gates by, const nn_real *peep,
                                      nn_real *restrict z, const nn_real *restrict c,
                                      nn_real *restrict next_c, nn_real *restrict shown,
                                      nn_real *restrict next_h)
{
    NN_INDEPENDENT
    for (int64_t j = 0; j < u; j++) {
        nn_real zi = z[j], zf = z[u + j], zo = z[3 * u + j];
        if (peep) {
            zi += peep[j] * c[j];
            zf += peep[u + j] * c[j];
        }
        nn_real i = nn_gate_apply(by.f, zi), f = nn_gate_apply(by.f, zf);
        nn_real a = nn_gate_apply(by.g, z[2 * u + j]);
        nn_real memory = f * c[j] + i * a;
        if (peep)
            zo += peep[2 * u + j] * memory;
        nn_real o = nn_gate_apply(by.f, zo), seen = nn_gate_apply(by.h, memory);
        z[j] = i;
        z[u + j] = f;
        z[2 * u + j] = a;
        z[3 * u + j] = o;
        next_c[j] = memory;
        shown[j] = seen;
        next_h[j] = o * seen;
    }
}

static ALWAYS_INLINE void step_forward(const nn_recurrence *run, const lstm_kept *kept, int64_t s,
                                       lstm_gates by, const nn_real *peep)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; r < run->rows; r++, at += u)
        row_forward(u, by, peep, kept->gates + 4 * at, kept->c + at, kept->c + at + run->block,
                    kept->shown + at, kept->h + at + run->block);
}

NN_KERNEL static void step_plain(const nn_recurrence *run, const lstm_kept *kept, int64_t s)
{
    lstm_gates by = {
        {.kind = NN_SQUASH_SIGMOID}, {.kind = NN_SQUASH_TANH}, {.kind = NN_SQUASH_TANH}};
    step_forward(run, kept, s, by, NULL);
}

NN_KERNEL static void step_any(const nn_recurrence *run, const lstm_kept *kept, int64_t s)
{
    lstm_gates by = {nn_gate_of(run, 0), nn_gate_of(run, 1), nn_gate_of(run, 2)};
    step_forward(run, kept, s, by, run->ctx->in[REC_PEEP]);
}

static void lstm_forward(const nn_ctx *ctx)
{
    nn_recurrence run = nn_recurrence_of(ctx, 4);
    lstm_kept kept;
    lay_out(&run, ctx->saved, &kept);
    bool plain = nn_recurrent_is_plain(&run, defaults) && !ctx->in[REC_PEEP];
    if (run.rows == 0)
        return;
    nn_recurrent_start(&run, REC_H, kept.h);
    nn_recurrent_start(&run, REC_C, kept.c);
    nn_recurrent_project(&run, ctx->scratch, kept.gates, 4);
    for (int64_t s = 0; s < run.steps; s++) {
        nn_real *h = kept.h + s * run.block, *c = kept.c + s * run.block;
        nn_gemm(false, true, run.rows, run.width, run.units, 1, h, run.units, ctx->in[REC_R],
                run.units, 1, kept.gates + s * 4 * run.block, run.width);
        if (plain)
            step_plain(&run, &kept, s);
        else
            step_any(&run, &kept, s);
        nn_recurrent_hold(&run, s, h, h + run.block);
        nn_recurrent_hold(&run, s, c, c + run.block);
        nn_recurrent_emit(&run, 0, s, h + run.block);
        nn_recurrent_emit(&run, 1, s, c + run.block);
    }
    nn_recurrent_emit_last(&run, 0, kept.h + run.steps * run.block);
    nn_recurrent_emit_last(&run, 1, kept.c + run.steps * run.block);
}

/* --- backward ------------------------------------------------------------------------------ */

/* One row: the activations in z become their gradients, dc that of the memory before the step. */
static ALWAYS_INLINE void row_backward(int64_t u, lstm_gates by, const nn_real *peep,
                                       nn_real *restrict z, const nn_real *restrict c,
                                       const nn_real *restrict shown, const nn_real *restrict dh,
                                       nn_real *restrict dc)
{
    NN_INDEPENDENT
    for (int64_t j = 0; j < u; j++) {
        nn_real i = z[j], f = z[u + j], a = z[2 * u + j], o = z[3 * u + j], seen = shown[j];
        nn_real d_o = dh[j] * seen * nn_gate_slope(by.f, o);
        nn_real d = dc[j] + dh[j] * o * nn_gate_slope(by.h, seen);
        if (peep)
            d += d_o * peep[2 * u + j];
        nn_real d_i = d * a * nn_gate_slope(by.f, i), d_f = d * c[j] * nn_gate_slope(by.f, f);
        z[j] = d_i;
        z[u + j] = d_f;
        z[2 * u + j] = d * i * nn_gate_slope(by.g, a);
        z[3 * u + j] = d_o;
        d *= f;
        if (peep)
            d += d_i * peep[j] + d_f * peep[u + j];
        dc[j] = d;
    }
}

static ALWAYS_INLINE void step_back(const nn_recurrence *run, const lstm_kept *kept, int64_t s,
                                    lstm_gates by, const nn_real *peep, const nn_real *dh,
                                    nn_real *dc)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; r < run->rows; r++, at += u) {
        if (nn_recurrent_active(run, r, s))
            row_backward(u, by, peep, kept->gates + 4 * at, kept->c + at, kept->shown + at,
                         dh + r * u, dc + r * u);
        else
            memset(kept->gates + 4 * at, 0, (size_t)run->width * sizeof *kept->gates);
    }
}

NN_KERNEL static void back_plain(const nn_recurrence *run, const lstm_kept *kept, int64_t s,
                                 const nn_real *dh, nn_real *dc)
{
    lstm_gates by = {
        {.kind = NN_SQUASH_SIGMOID}, {.kind = NN_SQUASH_TANH}, {.kind = NN_SQUASH_TANH}};
    step_back(run, kept, s, by, NULL, dh, dc);
}

NN_KERNEL static void back_any(const nn_recurrence *run, const lstm_kept *kept, int64_t s,
                               const nn_real *dh, nn_real *dc)
{
    lstm_gates by = {nn_gate_of(run, 0), nn_gate_of(run, 1), nn_gate_of(run, 2)};
    step_back(run, kept, s, by, run->ctx->in[REC_PEEP], dh, dc);
}

/* dpi = sum of dzi c, dpf = sum of dzf c, dpo = sum of dzo c'. */
NN_KERNEL static void give_peepholes(const nn_recurrence *run, const lstm_kept *kept)
{
    nn_real *d = run->ctx->grad_in[REC_PEEP];
    int64_t u = run->units;
    if (d && run->ctx->beta[REC_PEEP] == 0)
        memset(d, 0, 3 * (size_t)u * sizeof *d);
    for (int64_t row = 0; d && row < run->steps * run->rows; row++) {
        const nn_real *z = kept->gates + row * 4 * u, *c = kept->c + row * u;
        for (int64_t j = 0; j < u; j++) {
            d[j] += z[j] * c[j];
            d[u + j] += z[u + j] * c[j];
            d[2 * u + j] += z[3 * u + j] * c[run->block + j];
        }
    }
}

static void give_all(const nn_recurrence *run, const lstm_kept *kept, const nn_real *dh,
                     const nn_real *dc)
{
    nn_recurrent_give_start(run, REC_H, dh);
    nn_recurrent_give_start(run, REC_C, dc);
    nn_recurrent_give_weights(run, 0, 4, kept->gates, run->width, kept->h);
    nn_recurrent_give_bias(run, REC_BIAS_R, 0, 4, kept->gates, run->width);
    give_peepholes(run, kept);
    nn_recurrent_give_input(run, run->ctx->scratch, kept->gates);
}

static void lstm_backward(const nn_ctx *ctx)
{
    nn_recurrence run = nn_recurrence_of(ctx, 4);
    lstm_kept kept;
    lay_out(&run, ctx->saved, &kept);
    nn_real *dh = ctx->scratch;
    dh += nn_recurrent_room(run.steps * run.rows * run.features);
    nn_real *dbefore = dh + nn_recurrent_room(run.block);
    nn_real *dc = dbefore + nn_recurrent_room(run.block);
    bool plain = nn_recurrent_is_plain(&run, defaults) && !ctx->in[REC_PEEP];
    nn_recurrent_take_last(&run, 0, dh);
    nn_recurrent_take_last(&run, 1, dc);
    for (int64_t s = run.steps - 1; s >= 0; s--) {
        nn_recurrent_take(&run, 0, s, dh);
        nn_recurrent_take(&run, 1, s, dc);
        if (plain)
            back_plain(&run, &kept, s, dh, dc);
        else
            back_any(&run, &kept, s, dh, dc);
        nn_gemm(false, false, run.rows, run.units, run.width, 1, kept.gates + s * 4 * run.block,
                run.width, ctx->in[REC_R], run.units, 0, dbefore, run.units);
        nn_recurrent_pass(&run, s, dh, dbefore);
        nn_real *swap = dh;
        dh = dbefore;
        dbefore = swap;
    }
    give_all(&run, &kept, dh, dc);
}

/* --- reference ----------------------------------------------------------------------------- */

static void lstm_cell(const nn_recurrence *run, const nn_real *x, const double *h, const double *c,
                      double *next_h, double *next_c, double *room)
{
    const nn_real *peep = run->ctx->in[REC_PEEP];
    int64_t u = run->units;
    for (int64_t k = 0; k < 4 * u; k++)
        room[k] = nn_recurrent_from_input(run, k, x) + nn_recurrent_from_state(run, k, h);
    for (int64_t j = 0; j < u; j++) {
        double i = room[j] + (peep ? (double)peep[j] * c[j] : 0);
        double f = room[u + j] + (peep ? (double)peep[u + j] * c[j] : 0);
        next_c[j] = nn_recurrent_squash(run, 0, f) * c[j] +
                    nn_recurrent_squash(run, 0, i) * nn_recurrent_squash(run, 1, room[2 * u + j]);
        double o = room[3 * u + j] + (peep ? (double)peep[2 * u + j] * next_c[j] : 0);
        next_h[j] = nn_recurrent_squash(run, 0, o) * nn_recurrent_squash(run, 2, next_c[j]);
    }
}

static void lstm_reference(const nn_ctx *ctx)
{
    nn_recurrent_reference(ctx, 4, lstm_cell);
}

static int64_t lstm_multiply_adds(const nn_node *node)
{
    nn_recurrence run = nn_recurrence_sizes(node, 4, 1);
    return run.steps * run.width * (run.features + run.units);
}

static int64_t lstm_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    return nn_recurrence_backward_multiply_adds(node, 4, wanted);
}

const nn_op nn_op_lstm = {
    .name = "lstm",
    .min_inputs = 3,
    .max_inputs = REC_PEEP + 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << REC_X | 1u << REC_W | 1u << REC_R | 1u << REC_LENGTHS | 1u << REC_PEEP,
    .shape = lstm_shape,
    .saved = lstm_saved,
    .scratch = lstm_scratch,
    .forward = lstm_forward,
    .backward = lstm_backward,
    .reference = lstm_reference,
    .multiply_adds = lstm_multiply_adds,
    .backward_multiply_adds = lstm_backward_multiply_adds,
};

nn_node *nn_lstm(nn_graph *graph, nn_recurrent_inputs in, nn_recurrent_args args)
{
    nn_node *inputs[] = {in.x, in.weight_ih, in.weight_hh, in.bias_ih,  in.bias_hh,
                         in.h, in.lengths,   in.c,         in.peepholes};
    return nn_node_new(graph, &nn_op_lstm, inputs, REC_PEEP + 1, &args, sizeof args);
}
