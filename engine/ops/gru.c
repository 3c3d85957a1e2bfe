/* gru: Cho et al. 2014; chapter 41. r and z are sigmoids of W x + b + R h + c; the new value is
 *   g(Wn x + bn + Rn (r h) + cn), or g(Wn x + bn + r (Rn h + cn)) with reset_after;
 * h' = (1 - z) new + z h, where z is the share of the old value. With update_takes_new it is that
 * of the new one. */
#include "engine/blas.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/rules.h"

#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

static const nn_squash defaults[3] = {NN_SQUASH_SIGMOID, NN_SQUASH_TANH, NN_SQUASH_TANH};

static nn_status gru_shape(nn_node *node, nn_error *error)
{
    return nn_recurrent_shape(node, 3, 1, defaults, error);
}

/* Kept from forward to backward, step by step. */
typedef struct {
    nn_real *gates; /* r, z, new; backward puts their gradients in the same place */
    nn_real *h;     /* one block more: the initial one */
    nn_real *part;  /* r h; with reset_after Rn h + cn, which backward replaces by its gradient */
} gru_kept;

static int64_t lay_out(const nn_recurrence *run, nn_real *memory, gru_kept *kept)
{
    int64_t gates = nn_recurrent_room(run->steps * 3 * run->block);
    int64_t states = nn_recurrent_room((run->steps + 1) * run->block);
    if (kept)
        *kept = (gru_kept){memory, memory + gates, memory + gates + states};
    return gates + 2 * states;
}

static size_t gru_saved(const nn_node *node, int64_t rows)
{
    nn_recurrence run = nn_recurrence_sizes(node, 3, rows);
    return (size_t)lay_out(&run, NULL, NULL) * sizeof(nn_real);
}

static size_t gru_scratch(const nn_node *node, int64_t rows)
{
    nn_recurrence run = nn_recurrence_sizes(node, 3, rows);
    int64_t copy = nn_recurrent_room(run.steps * rows * run.features);
    return (size_t)(copy + 3 * nn_recurrent_room(run.block)) * sizeof(nn_real);
}

static nn_gate gate_of(const nn_recurrence *run, int which, bool plain)
{
    nn_gate gate = {.kind = which == 0 ? NN_SQUASH_SIGMOID : NN_SQUASH_TANH};
    return plain ? gate : nn_gate_of(run, which);
}

/* --- forward ------------------------------------------------------------------------------- */

/* r and z of a row; where the reset comes first also r h, which goes into the product. */
static ALWAYS_INLINE void open_gates(const nn_recurrence *run, nn_gate f, int64_t s,
                                     const gru_kept *kept)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; r < run->rows; r++, at += u) {
        nn_real *restrict z = kept->gates + 3 * at, *restrict part = kept->part + at;
        const nn_real *restrict h = kept->h + at;
        NN_INDEPENDENT
        for (int64_t j = 0; j < 2 * u; j++)
            z[j] = nn_gate_apply(f, z[j]);
        for (int64_t j = 0; j < u && !run->args.reset_after; j++)
            part[j] = z[j] * h[j];
    }
}

static ALWAYS_INLINE void new_state(const nn_recurrence *run, nn_gate g, int64_t s,
                                    const gru_kept *kept)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; r < run->rows; r++, at += u) {
        nn_real *restrict z = kept->gates + 3 * at, *restrict next = kept->h + at + run->block;
        const nn_real *restrict h = kept->h + at, *restrict part = kept->part + at;
        bool after = run->args.reset_after, flip = run->args.update_takes_new;
        NN_INDEPENDENT
        for (int64_t j = 0; j < u; j++) {
            nn_real fresh = nn_gate_apply(g, z[2 * u + j] + (after ? z[j] * part[j] : 0));
            nn_real share = flip ? z[u + j] : 1 - z[u + j];
            z[2 * u + j] = fresh;
            next[j] = share * fresh + (1 - share) * h[j];
        }
    }
}

NN_KERNEL static void open_plain(const nn_recurrence *run, int64_t s, const gru_kept *kept)
{
    open_gates(run, (nn_gate){.kind = NN_SQUASH_SIGMOID}, s, kept);
}

NN_KERNEL static void open_any(const nn_recurrence *run, int64_t s, const gru_kept *kept)
{
    open_gates(run, nn_gate_of(run, 0), s, kept);
}

NN_KERNEL static void new_plain(const nn_recurrence *run, int64_t s, const gru_kept *kept)
{
    new_state(run, (nn_gate){.kind = NN_SQUASH_TANH}, s, kept);
}

NN_KERNEL static void new_any(const nn_recurrence *run, int64_t s, const gru_kept *kept)
{
    new_state(run, nn_gate_of(run, 1), s, kept);
}

/* part = Rn h + cn. */
static void product_first(const nn_recurrence *run, const nn_real *h, nn_real *part)
{
    int64_t u = run->units;
    const nn_real *w = run->ctx->in[REC_R], *bias = run->ctx->in[REC_BIAS_R];
    for (int64_t r = 0; bias && r < run->rows; r++)
        memcpy(part + r * u, bias + 2 * u, (size_t)u * sizeof *part);
    nn_gemm(false, true, run->rows, u, u, 1, h, u, w + 2 * u * u, u, bias ? 1 : 0, part, u);
}

static void gru_forward(const nn_ctx *ctx)
{
    nn_recurrence run = nn_recurrence_of(ctx, 3);
    const nn_real *w = ctx->in[REC_R];
    int64_t u = run.units;
    gru_kept kept;
    lay_out(&run, ctx->saved, &kept);
    bool plain = nn_recurrent_is_plain(&run, defaults), after = run.args.reset_after;
    if (run.rows == 0)
        return;
    nn_recurrent_start(&run, REC_H, kept.h);
    nn_recurrent_project(&run, ctx->scratch, kept.gates, after ? 2 : 3);
    for (int64_t s = 0; s < run.steps; s++) {
        nn_real *h = kept.h + s * run.block, *gates = kept.gates + s * 3 * run.block;
        nn_real *part = kept.part + s * run.block;
        nn_gemm(false, true, run.rows, 2 * u, u, 1, h, u, w, u, 1, gates, run.width);
        (plain ? open_plain : open_any)(&run, s, &kept);
        if (after)
            product_first(&run, h, part);
        else
            nn_gemm(false, true, run.rows, u, u, 1, part, u, w + 2 * u * u, u, 1, gates + 2 * u,
                    run.width);
        (plain ? new_plain : new_any)(&run, s, &kept);
        nn_recurrent_hold(&run, s, h, h + run.block);
        nn_recurrent_emit(&run, 0, s, h + run.block);
    }
    nn_recurrent_emit_last(&run, 0, kept.h + run.steps * run.block);
}

/* --- backward ------------------------------------------------------------------------------ */

/* Gradients of z and of the new value take their places; dbefore = what goes to h directly. */
NN_KERNEL static void back_new(const nn_recurrence *run, const nn_gate *by, int64_t s,
                               const gru_kept *kept, const nn_real *dh_all, nn_real *dbefore_all)
{
    int64_t u = run->units, at = s * run->block;
    nn_gate f = by[0], g = by[1];
    for (int64_t r = 0; r < run->rows; r++, at += u) {
        nn_real *restrict z = kept->gates + 3 * at, *restrict dbefore = dbefore_all + r * u;
        const nn_real *restrict h = kept->h + at, *restrict dh = dh_all + r * u;
        bool flip = run->args.update_takes_new;
        NN_INDEPENDENT
        for (int64_t j = 0; j < u; j++) {
            nn_real fresh = z[2 * u + j], share = flip ? z[u + j] : 1 - z[u + j];
            nn_real slope = nn_gate_slope(f, z[u + j]);
            z[u + j] = dh[j] * (fresh - h[j]) * (flip ? slope : -slope);
            z[2 * u + j] = dh[j] * share * nn_gate_slope(g, fresh);
            dbefore[j] = dh[j] * (1 - share);
        }
    }
}

/* With reset_after: dr = dnew part r', and part becomes its own gradient dnew r. */
NN_KERNEL static void back_reset_after(const nn_recurrence *run, nn_gate f, int64_t s,
                                       const gru_kept *kept)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; r < run->rows; r++, at += u) {
        nn_real *restrict z = kept->gates + 3 * at, *restrict part = kept->part + at;
        NN_INDEPENDENT
        for (int64_t j = 0; j < u; j++) {
            nn_real reset = z[j], dnew = z[2 * u + j];
            z[j] = dnew * part[j] * nn_gate_slope(f, reset);
            part[j] = dnew * reset;
        }
    }
}

/* Else, with dpart the gradient of r h: dr = dpart h r', dbefore += dpart r. */
NN_KERNEL static void back_reset_first(const nn_recurrence *run, nn_gate f, int64_t s,
                                       const gru_kept *kept, const nn_real *dpart_all,
                                       nn_real *dbefore_all)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; r < run->rows; r++, at += u) {
        nn_real *restrict z = kept->gates + 3 * at, *restrict dbefore = dbefore_all + r * u;
        const nn_real *restrict h = kept->h + at, *restrict dpart = dpart_all + r * u;
        NN_INDEPENDENT
        for (int64_t j = 0; j < u; j++) {
            nn_real reset = z[j];
            z[j] = dpart[j] * h[j] * nn_gate_slope(f, reset);
            dbefore[j] += dpart[j] * reset;
        }
    }
}

/* Rows that are not active have changed nothing. */
static void clear_idle(const nn_recurrence *run, int64_t s, const gru_kept *kept)
{
    int64_t u = run->units, at = s * run->block;
    for (int64_t r = 0; run->lengths && r < run->rows; r++, at += u)
        if (!nn_recurrent_active(run, r, s)) {
            memset(kept->gates + 3 * at, 0, (size_t)run->width * sizeof *kept->gates);
            memset(kept->part + at, 0, (size_t)u * sizeof *kept->part);
        }
}

static void step_back(const nn_recurrence *run, int64_t s, const gru_kept *kept, const nn_real *dh,
                      nn_real *dbefore, nn_real *dpart)
{
    int64_t u = run->units;
    const nn_real *w = run->ctx->in[REC_R];
    bool plain = nn_recurrent_is_plain(run, defaults), after = run->args.reset_after;
    nn_gate by[2] = {gate_of(run, 0, plain), gate_of(run, 1, plain)};
    nn_real *gates = kept->gates + s * 3 * run->block, *part = kept->part + s * run->block;
    back_new(run, by, s, kept, dh, dbefore);
    if (after) {
        back_reset_after(run, by[0], s, kept);
        clear_idle(run, s, kept);
        nn_gemm(false, false, run->rows, u, u, 1, part, u, w + 2 * u * u, u, 1, dbefore, u);
    } else {
        nn_gemm(false, false, run->rows, u, u, 1, gates + 2 * u, run->width, w + 2 * u * u, u, 0,
                dpart, u);
        back_reset_first(run, by[0], s, kept, dpart, dbefore);
        clear_idle(run, s, kept);
    }
    nn_gemm(false, false, run->rows, u, 2 * u, 1, gates, run->width, w, u, 1, dbefore, u);
    nn_recurrent_pass(run, s, dh, dbefore);
}

/* With reset_after the state's part of the new value has a gradient of its own. */
static void give_all(const nn_recurrence *run, const gru_kept *kept, const nn_real *dh)
{
    int64_t u = run->units;
    const nn_real *dgates = kept->gates, *part = kept->part;
    nn_recurrent_give_start(run, REC_H, dh);
    nn_recurrent_give_weights(run, 0, 2, dgates, run->width, kept->h);
    if (run->args.reset_after) {
        nn_recurrent_give_weights(run, 2, 1, part, u, kept->h);
        nn_recurrent_give_bias(run, REC_BIAS_R, 0, 2, dgates, run->width);
        nn_recurrent_give_bias(run, REC_BIAS_R, 2, 1, part, u);
    } else {
        nn_recurrent_give_weights(run, 2, 1, dgates + 2 * u, run->width, part);
        nn_recurrent_give_bias(run, REC_BIAS_R, 0, 3, dgates, run->width);
    }
    nn_recurrent_give_input(run, run->ctx->scratch, dgates);
}

static void gru_backward(const nn_ctx *ctx)
{
    nn_recurrence run = nn_recurrence_of(ctx, 3);
    gru_kept kept;
    lay_out(&run, ctx->saved, &kept);
    nn_real *dh = ctx->scratch;
    dh += nn_recurrent_room(run.steps * run.rows * run.features);
    nn_real *dbefore = dh + nn_recurrent_room(run.block);
    nn_real *dpart = dbefore + nn_recurrent_room(run.block);
    nn_recurrent_take_last(&run, 0, dh);
    for (int64_t s = run.steps - 1; s >= 0; s--) {
        nn_recurrent_take(&run, 0, s, dh);
        step_back(&run, s, &kept, dh, dbefore, dpart);
        nn_real *swap = dh;
        dh = dbefore;
        dbefore = swap;
    }
    give_all(&run, &kept, dh);
}

/* --- reference ----------------------------------------------------------------------------- */

static void gru_cell(const nn_recurrence *run, const nn_real *x, const double *h, const double *c,
                     double *next_h, double *next_c, double *room)
{
    int64_t u = run->units;
    double *z = room + u, *kept = room + 2 * u;
    (void)c;
    (void)next_c;
    for (int64_t k = 0; k < 2 * u; k++)
        room[k] = nn_recurrent_squash(
            run, 0, nn_recurrent_from_input(run, k, x) + nn_recurrent_from_state(run, k, h));
    for (int64_t j = 0; j < u; j++)
        kept[j] = room[j] * h[j];
    for (int64_t j = 0; j < u; j++) {
        double state = run->args.reset_after ? room[j] * nn_recurrent_from_state(run, 2 * u + j, h)
                                             : nn_recurrent_from_state(run, 2 * u + j, kept);
        double fresh =
            nn_recurrent_squash(run, 1, nn_recurrent_from_input(run, 2 * u + j, x) + state);
        double share = run->args.update_takes_new ? z[j] : 1 - z[j];
        next_h[j] = share * fresh + (1 - share) * h[j];
    }
}

static void gru_reference(const nn_ctx *ctx)
{
    nn_recurrent_reference(ctx, 3, gru_cell);
}

static int64_t gru_multiply_adds(const nn_node *node)
{
    nn_recurrence run = nn_recurrence_sizes(node, 3, 1);
    return run.steps * run.width * (run.features + run.units);
}

static int64_t gru_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    return nn_recurrence_backward_multiply_adds(node, 3, wanted);
}

const nn_op nn_op_gru = {
    .name = "gru",
    .min_inputs = 3,
    .max_inputs = REC_LENGTHS + 1,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << REC_X | 1u << REC_W | 1u << REC_R | 1u << REC_LENGTHS,
    .shape = gru_shape,
    .saved = gru_saved,
    .scratch = gru_scratch,
    .forward = gru_forward,
    .backward = gru_backward,
    .reference = gru_reference,
    .multiply_adds = gru_multiply_adds,
    .backward_multiply_adds = gru_backward_multiply_adds,
};

nn_node *nn_gru(nn_graph *graph, nn_recurrent_inputs in, nn_recurrent_args args)
{
    nn_node *inputs[] = {in.x,       in.weight_ih, in.weight_hh, in.bias_ih,
                         in.bias_hh, in.h,         in.lengths};
    return nn_node_new(graph, &nn_op_gru, inputs, REC_LENGTHS + 1, &args, sizeof args);
}
