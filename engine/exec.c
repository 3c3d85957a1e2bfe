#include "engine/kernel.h"
#include "engine/plan.h"
#include "engine/pool.h"

#include <math.h>
#include <string.h>

enum { REDUCE_ALONE = 16384 }; /* fewer gradients are summed faster than a thread is woken */

/* --- pointers ------------------------------------------------------------------------------ */

unsigned char *nn_exec_place(const nn_exec *exec, int storage, int shard, int64_t r0)
{
    const nn_storage *s = &exec->storage[storage];
    if (s->common)
        return exec->block + exec->common + s->offset + (size_t)r0 * s->row_bytes;
    return exec->block + exec->shard_region + (size_t)shard * exec->shard_bytes + s->offset;
}

nn_real *nn_exec_shard_gradients(const nn_exec *exec, int shard)
{
    return (nn_real *)(void *)(exec->block + exec->gradients) + shard * exec->gradient_count;
}

static void *value_of(const nn_exec *exec, const nn_node *node, int shard, int64_t r0)
{
    if (!node || node->param)
        return node ? nn_param_data(node->param) : NULL;
    return nn_exec_place(exec, exec->slot[node->index].value, shard, r0);
}

static nn_real *gradient_of(const nn_exec *exec, const nn_node *node, int shard, int64_t r0)
{
    const nn_slot *slot = node ? &exec->slot[node->index] : NULL;
    if (!slot || !slot->gradient)
        return NULL;
    if (node->param)
        return nn_exec_shard_gradients(exec, shard) + slot->parameter;
    return (nn_real *)(void *)nn_exec_place(exec, slot->gradient_storage, shard, r0);
}

/* An operator with running statistics all of whose parameters are frozen is frozen whole: it takes
 * the statistics as they are and leaves them so, as in evaluation (transfer learning, chapter 27:
 * errata E27.2). */
static bool keeps_statistics(const nn_node *node)
{
    bool statistics = false, frozen = false;
    for (int k = 0; k < node->input_count; k++) {
        const nn_param *param = node->input[k] ? node->input[k]->param : NULL;
        if (param && nn_param_is_buffer(param))
            statistics = true;
        else if (param && !nn_param_frozen(param))
            return false;
        else if (param)
            frozen = true;
    }
    return statistics && frozen;
}

static void bind(const nn_exec *exec, int index, int shard)
{
    const nn_item *item = &exec->item[index];
    const nn_node *node = item->node;
    nn_ctx *ctx = &exec->ctx[shard * exec->items + index];
    int64_t r0 = 0, r1 = 1, rows = exec->rows;
    if (item->batched) {
        r0 = nn_shard_start(rows, exec->shards, shard);
        r1 = nn_shard_start(rows, exec->shards, shard + 1);
    } else if (node->input_count && node->input[0] && node->input[0]->shape.rank > 0) {
        rows = r1 = node->input[0]->shape.dim[0];
    }
    *ctx = (nn_ctx){.node = node,
                    .shard = shard,
                    .shards = exec->shards,
                    .r0 = r0,
                    .r1 = r1,
                    .batch_rows = rows,
                    .training = exec->args.training && !keeps_statistics(node),
                    .seed = exec->args.seed,
                    .partial_count = item->partial_count};
    ctx->out = value_of(exec, node, shard, r0);
    ctx->partial = (double *)(void *)(exec->block + exec->partials) + item->partial;
    ctx->saved = item->saved < 0 ? NULL : nn_exec_place(exec, item->saved, shard, 0);
    ctx->scratch = item->scratch < 0 ? NULL : nn_exec_place(exec, item->scratch, shard, 0);
    ctx->grad_out = item->backward ? gradient_of(exec, node, shard, r0) : NULL;
    for (int k = 0; k < node->input_count; k++) {
        ctx->in[k] = value_of(exec, node->input[k], shard, r0);
        ctx->grad_in[k] = item->backward ? gradient_of(exec, node->input[k], shard, r0) : NULL;
        ctx->beta[k] = item->beta[k];
    }
}

/* Pointers change with the number of rows only. */
static void bind_rows(nn_exec *exec)
{
    if (exec->bound_rows == exec->rows)
        return;
    for (int shard = 0; shard < exec->shards; shard++)
        for (int i = 0; i < exec->items; i++)
            bind(exec, i, shard);
    exec->busy_shards = exec->rows < exec->shards ? exec->rows : exec->shards;
    exec->bound_rows = exec->rows;
}

/* --- running ------------------------------------------------------------------------------- */

static void clear_gradients(const nn_exec *exec, const nn_item *item, const nn_ctx *ctx)
{
    for (int k = 0; k < item->node->input_count; k++) {
        if (!(item->clear >> k & 1) || !ctx->grad_in[k])
            continue;
        if (item->tables >> k & 1) {
            nn_rows_clear(nn_rows_of(exec, item, k, ctx->shard));
            continue;
        }
        nn_shape shape = item->node->input[k]->shape;
        if (item->node->input[k]->batched)
            shape.dim[0] = ctx->r1 - ctx->r0;
        memset(ctx->grad_in[k], 0, (size_t)nn_shape_count(shape) * sizeof(nn_real));
    }
}

static void run_backward(const nn_exec *exec, const nn_item *item, const nn_ctx *ctx)
{
    const nn_op *op = item->node->op;
    if (item->clear)
        clear_gradients(exec, item, ctx);
    for (int k = 0; item->tables >> k; k++)
        if (item->tables >> k & 1)
            op->touch(ctx, k, nn_rows_of(exec, item, k, ctx->shard));
    op->backward(ctx);
}

static void run_step(const nn_exec *exec, const nn_step *step, int shard)
{
    const nn_item *item = &exec->item[step->item];
    const nn_ctx *ctx = &exec->ctx[shard * exec->items + step->item];
    const nn_op *op = item->node->op;
    bool idle = item->batched && shard >= exec->busy_shards;
    if (step->solo && shard != 0)
        return;
    switch (step->stage) {
    case NN_FORWARD_PARTIAL: /* a shard without rows still says so in its partials */
        op->forward_partial(ctx);
        break;
    case NN_FORWARD:
        if (!idle)
            op->forward(ctx);
        break;
    case NN_BACKWARD_PARTIAL:
        op->backward_partial(ctx);
        break;
    case NN_BACKWARD:
        if (!idle)
            run_backward(exec, item, ctx);
        break;
    }
}

typedef struct {
    const nn_exec *exec;
    const nn_phase *phase;
} phase_run;

static void run_shard(void *context, int shard)
{
    const phase_run *run = context;
    for (int i = run->phase->first; i < run->phase->end; i++)
        run_step(run->exec, &run->exec->step[i], shard);
}

static void run_phases(nn_exec *exec, int first, int end)
{
    for (int i = first; i < end; i++) {
        phase_run run = {exec, &exec->phase[i]};
        nn_pool_run(exec->pool, run.phase->solo ? 1 : exec->shards, run_shard, &run);
    }
}

double nn_forward(nn_exec *exec)
{
    bind_rows(exec);
    for (int i = 0; i < exec->shards * exec->items; i++) {
        exec->ctx[i].step = exec->random_step;
        exec->ctx[i].dropout = exec->dropout; /* backward draws with the same rate */
    }
    run_phases(exec, 0, exec->forward_phases);
    exec->progress = NN_FORWARD_DONE;
    const nn_node *root = exec->root;
    if (root->batched || root->dtype != NN_F || nn_shape_count(root->shape) != 1)
        return NAN;
    return (double)*(const nn_real *)value_of(exec, root, 0, 0);
}

/* --- gradients of parameters: the sum over shards, in their order -------------------------- */

NN_KERNEL static void add_into(nn_real *restrict sum, const nn_real *restrict more, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += more[i];
}

static void reduce_slice(void *context, int slice)
{
    const nn_exec *exec = context;
    const int64_t line = NN_ALIGN / (int64_t)sizeof(nn_real);
    int64_t lines = exec->dense_count / line;
    int64_t first = lines * slice / exec->shards * line;
    int64_t end = lines * (slice + 1) / exec->shards * line;
    for (int shard = 1; shard < exec->busy_shards; shard++)
        add_into(nn_exec_shard_gradients(exec, 0) + first,
                 nn_exec_shard_gradients(exec, shard) + first, end - first);
    nn_rows_reduce(exec, slice);
}

static void reduce(nn_exec *exec)
{
    if (exec->busy_shards < 2 || exec->gradient_count == 0)
        return;
    nn_rows_join(exec);
    if (exec->gradient_count >= REDUCE_ALONE)
        nn_pool_run(exec->pool, exec->shards, reduce_slice, exec);
    else
        for (int slice = 0; slice < exec->shards; slice++)
            reduce_slice(exec, slice);
}

nn_real *nn_exec_seed(nn_exec *exec, const nn_node *node)
{
    if (!node || node->graph != exec->graph || node->index >= exec->nodes)
        return NULL;
    const nn_slot *slot = &exec->slot[node->index];
    return slot->seeded ? gradient_of(exec, node, 0, 0) : NULL;
}

nn_status nn_backward(nn_exec *exec, nn_error *error)
{
    const nn_node *root = exec->root;
    const nn_slot *slot = &exec->slot[root->index];
    bool seeded = exec->args.seeded;
    char text[NN_SHAPE_TEXT];
    if (!exec->args.training && !seeded)
        return nn_fail(error, NN_E_STATE, "backward: the plan was not compiled for training");
    if (!seeded && (root->batched || nn_shape_count(root->shape) != 1))
        return nn_fail(error, NN_E_SHAPE,
                       "backward: root '%s' is %s; expected one number, put nn_mean on it",
                       root->name, nn_shape_text(root->shape, text));
    if (exec->progress != NN_FORWARD_DONE || exec->bound_rows != exec->rows)
        return nn_fail(error, NN_E_STATE, "backward: run forward on these %d rows first",
                       exec->rows);
    exec->progress = NN_BACKWARD_DONE;
    if (!slot->gradient && !seeded)
        return NN_OK; /* every parameter is frozen */
    if (!seeded)
        *gradient_of(exec, root, 0, 0) = 1;
    run_phases(exec, exec->forward_phases, exec->phases);
    reduce(exec);
    return NN_OK;
}

/* --- what a step is given ------------------------------------------------------------------ */

void *nn_exec_feed(nn_exec *exec, const nn_node *input)
{
    if (!input || input->graph != exec->graph || !input->is_input || input->index >= exec->nodes)
        return NULL;
    return nn_exec_place(exec, exec->slot[input->index].value, 0, 0);
}

nn_status nn_exec_rows(nn_exec *exec, int rows, nn_error *error)
{
    if (rows < 1 || rows > exec->args.batch)
        return nn_fail(error, NN_E_ARG, "%d rows: this plan takes 1 to %d", rows, exec->args.batch);
    exec->rows = rows;
    return NN_OK;
}

void nn_exec_step(nn_exec *exec, uint64_t step)
{
    exec->random_step = step;
}

static const nn_node *first_dropout(const nn_exec *exec)
{
    for (int i = 0; i < exec->items; i++)
        if (exec->item[i].node->op == &nn_op_dropout)
            return exec->item[i].node;
    return NULL;
}

nn_status nn_exec_set_dropout(nn_exec *exec, double rate, nn_error *error)
{
    if (!first_dropout(exec))
        return nn_fail(error, NN_E_STATE, "dropout %g: this network has no dropout layer", rate);
    if (!(rate >= 0 && rate < 1))
        return nn_fail(error, NN_E_ARG, "dropout %g: expected 0 or more, less than 1", rate);
    exec->dropout = rate;
    return NN_OK;
}

double nn_exec_dropout(const nn_exec *exec)
{
    const nn_node *node = first_dropout(exec);
    double rate = NAN;
    if (node)
        memcpy(&rate, node->args, sizeof rate);
    return node && !isnan(exec->dropout) ? exec->dropout : rate;
}
