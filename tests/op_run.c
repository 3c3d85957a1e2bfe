#include "tests/op_run.h"

#include "engine/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *room(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 64 + 63) / 64 * 64);
    assert_non_null(memory);
    return memory;
}

static void poison(void *memory, size_t bytes)
{
    if (memory)
        memset(memory, 0xff, bytes); /* NaN as a real number, -1 as a whole one */
}

/* --- building -----------------------------------------------------------------------------------
 */

static nn_node *leaf(op_run *run, const op_input *input, int i)
{
    char name[16];
    nn_error error;
    snprintf(name, sizeof name, "in%d", i);
    nn_shape shape = nn_shape_of(input->rank, input->dim);
    switch (input->kind) {
    case OP_ACTIVATION:
    case OP_POSITIVE_ACTIVATION:
    case OP_DISTRIBUTION:
    case OP_MASK:
        return nn_input(run->graph, name, NN_F, shape);
    case OP_LABELS:
        return nn_input(run->graph, name, NN_I32, shape);
    case OP_PARAMETER:
    case OP_POSITIVE:
        return nn_use(run->graph,
                      nn_model_param(run->model, name, shape, NN_INIT_ZEROS, 1, &error));
    case OP_NOTHING:
        break;
    }
    return NULL;
}

/* Different numbers in about -2..2, at least 2/count from each other and from 0. */
static void fill_activation(nn_real *x, int64_t count, uint64_t seed, int i)
{
    uint32_t *order = room((size_t)count * sizeof *order);
    nn_shuffle(order, (size_t)count, seed, (uint64_t)i);
    for (int64_t k = 0; k < count; k++)
        x[k] = (nn_real)(((double)order[k] + 0.5 - 0.5 * (double)count) * (4.0 / (double)count) +
                         (count % 2 ? 1.0 / (double)count : 0));
    free(order);
}

static double number_of(const op_input *input, double normal, double uniform)
{
    switch (input->kind) {
    case OP_MASK:
        return uniform < 0.7;
    case OP_POSITIVE_ACTIVATION:
    case OP_DISTRIBUTION:
    case OP_POSITIVE:
        return fabs(normal) + 0.5;
    default:
        return normal;
    }
}

static void fill(op_run *run, const op_input *input, int i, uint64_t seed)
{
    nn_real *x = run->value[i];
    int32_t *label = run->value[i];
    uint32_t stream = 100 + (uint32_t)i;
    if (input->kind == OP_ACTIVATION) {
        fill_activation(x, run->count[i], seed, i);
        return;
    }
    for (int64_t k = 0; k < run->count[i]; k++) {
        double uniform = nn_uniform_at(seed, stream + 50, 0, (uint32_t)k);
        if (input->kind == OP_LABELS)
            label[k] =
                (int32_t)(input->low + (int64_t)(uniform * (double)(input->high - input->low)));
        else
            x[k] = (nn_real)number_of(input, nn_normal_at(seed, stream, 0, (uint32_t)k), uniform);
    }
    int64_t last = input->rank > 0 ? input->dim[input->rank - 1] : 1;
    for (int64_t r = 0; input->kind == OP_DISTRIBUTION && r < run->count[i]; r += last) {
        double sum = 0;
        for (int64_t k = 0; k < last; k++)
            sum += (double)x[r + k];
        for (int64_t k = 0; k < last; k++)
            x[r + k] = (nn_real)((double)x[r + k] / sum);
    }
}

static void take_memory(op_run *run, const op_case *c, uint64_t seed)
{
    for (int i = 0; i < run->inputs; i++) {
        const nn_node *in = run->node->input[i];
        if (!in)
            continue;
        run->row[i] = in->batched ? nn_shape_row(in->shape) : 0;
        run->count[i] = in->batched ? run->rows * run->row[i] : nn_shape_count(in->shape);
        run->value[i] = room((size_t)run->count[i] * sizeof(nn_real));
        run->gradient[i] = room((size_t)run->count[i] * sizeof(nn_real));
        run->wanted[i] = in->dtype == NN_F && run->node->op->backward &&
                         !(op_traits_of(c->op)->constant >> i & 1);
        fill(run, &c->input[i], i, seed);
    }
    run->out_row = run->node->batched ? nn_shape_row(run->node->shape) : 0;
    run->out_count = run->node->batched ? run->rows * run->out_row : 1;
    run->out = room((size_t)run->out_count * sizeof(nn_real));
    run->grad_out = room((size_t)run->out_count * sizeof(nn_real));
    for (int64_t k = 0; k < run->out_count; k++)
        run->grad_out[k] = (nn_real)nn_normal_at(seed, 200, 0, (uint32_t)k);
}

void op_run_new(op_run *run, const op_case *c, uint64_t seed)
{
    *run = (op_run){.inputs = op_case_inputs(c), .rows = c->rows, .training = !c->evaluation};
    nn_node *inputs[NN_MAX_INPUTS] = {NULL};
    run->seed = seed;
    run->step = 3;
    run->dropout = NAN;
    run->model = nn_model_new(seed);
    run->graph = nn_graph_new(run->model);
    assert_non_null(run->graph);
    for (int i = 0; i < run->inputs; i++)
        inputs[i] = leaf(run, &c->input[i], i);
    run->node = nn_node_new(run->graph, op_by_name(c->op), inputs, run->inputs, op_case_args(c),
                            c->args_size);
    nn_error error;
    if (nn_graph_error(run->graph, &error) || !run->node)
        fail_msg("%s (%s): %s", c->op, c->what, error.text);
    take_memory(run, c, seed);
    op_run_cut(run, 1, (int64_t[]){0, run->rows});
}

static void drop_shards(op_run *run)
{
    for (int s = 0; s < OP_RUN_SHARDS; s++) {
        free(run->saved[s]);
        free(run->context[s].scratch);
        run->saved[s] = run->context[s].scratch = NULL;
    }
    free(run->partial);
    run->partial = NULL;
}

void op_run_free(op_run *run)
{
    drop_shards(run);
    for (int i = 0; i < run->inputs; i++) {
        free(run->value[i]);
        free(run->gradient[i]);
    }
    free(run->out);
    free(run->grad_out);
    nn_graph_free(run->graph);
    nn_model_free(run->model);
}

/* --- passes -------------------------------------------------------------------------------------
 */

static int64_t partial_count(const op_run *run)
{
    return run->node->op->partials ? run->node->op->partials(run->node) : 0;
}

static size_t bytes_of(size_t (*size)(const nn_node *, int64_t), const op_run *run, int64_t rows)
{
    return size ? size(run->node, rows) : 0;
}

void op_run_cut(op_run *run, int shards, const int64_t *cut)
{
    drop_shards(run);
    run->shards = shards;
    memcpy(run->cut, cut, ((size_t)shards + 1) * sizeof *cut);
    run->partial = room((size_t)(2 * shards * partial_count(run)) * sizeof(double));
    for (int s = 0; s < shards; s++) {
        int64_t rows = cut[s + 1] - cut[s];
        run->saved[s] = room(bytes_of(run->node->op->saved, run, rows));
        run->context[s].scratch = room(bytes_of(run->node->op->scratch, run, rows));
    }
}

static size_t size_of(const nn_node *node)
{
    return node->dtype == NN_I32 ? sizeof(int32_t) : sizeof(nn_real);
}

/* Whole numbers become real ones where they stand, from the last on, so that all is compared alike.
 */
static void widen(const op_run *run, nn_real *out)
{
    const int32_t *whole = (const int32_t *)(const void *)out;
    for (int64_t k = run->out_count - 1; run->node->dtype == NN_I32 && k >= 0; k--) {
        int32_t number;
        memcpy(&number, whole + k, sizeof number);
        out[k] = (nn_real)number;
    }
}

static void set_context(op_run *run, int s)
{
    void *scratch = run->context[s].scratch;
    nn_ctx *c = &run->context[s];
    *c = (nn_ctx){.node = run->node,
                  .shard = s,
                  .shards = run->shards,
                  .r0 = run->cut[s],
                  .r1 = run->cut[s + 1],
                  .batch_rows = run->rows,
                  .training = run->training,
                  .seed = run->seed,
                  .step = run->step,
                  .dropout = run->dropout,
                  .saved = run->saved[s],
                  .scratch = scratch,
                  .partial = run->partial,
                  .partial_count = partial_count(run)};
    poison(scratch, bytes_of(run->node->op->scratch, run, c->r1 - c->r0));
    for (int i = 0; i < run->inputs; i++)
        if (run->node->input[i]) {
            size_t size = size_of(run->node->input[i]);
            c->in[i] = (char *)run->value[i] + (size_t)(c->r0 * run->row[i]) * size;
            c->beta[i] = run->add || !(run->node->op->flags & NN_OP_SETS_GRADIENT) ? 1 : 0;
        }
    c->out = run->in_place ? run->value[0] : (void *)run->out;
    c->out = (void *)((char *)c->out + (size_t)(c->r0 * run->out_row) * size_of(run->node));
    c->grad_out = run->grad_out + c->r0 * run->out_row;
}

void op_run_forward(op_run *run)
{
    const nn_op *op = run->node->op;
    if (!run->in_place)
        poison(run->out, (size_t)run->out_count * sizeof(nn_real));
    poison(run->partial, (size_t)(2 * run->shards * partial_count(run)) * sizeof(double));
    for (int s = 0; s < run->shards; s++) {
        set_context(run, s);
        poison(run->saved[s], bytes_of(op->saved, run, run->cut[s + 1] - run->cut[s]));
        if (op->forward_partial)
            op->forward_partial(&run->context[s]);
    }
    for (int s = 0; s < run->shards; s++)
        op->forward(&run->context[s]);
    widen(run, run->out);
}

/* Gradients that nothing was added to yet: garbage for operators that set them, else zeros. */
static void blank(const op_run *run, nn_real *gradient, size_t bytes)
{
    if (run->node->op->flags & NN_OP_SETS_GRADIENT)
        poison(gradient, bytes);
    else
        memset(gradient, 0, bytes);
}

/* A shard's gradient of a parameter is a buffer of its own; afterwards all are added in order.
 * Where backward adds, shard 0's buffer starts with what is there already and the others with 0. */
static nn_real *shard_buffer(op_run *run, int i, int s)
{
    size_t bytes = (size_t)run->count[i] * sizeof(nn_real);
    nn_real *buffer = room(bytes);
    if (!run->add)
        blank(run, buffer, bytes);
    else if (s == 0)
        memcpy(buffer, run->gradient[i], bytes);
    else
        memset(buffer, 0, bytes);
    return buffer;
}

static void add_shards(op_run *run, int i, nn_real *const *buffer)
{
    for (int64_t k = 0; k < run->count[i]; k++) {
        nn_real sum = 0;
        for (int s = 0; s < run->shards; s++)
            sum += buffer[s][k];
        run->gradient[i][k] = sum;
    }
}

void op_run_backward(op_run *run)
{
    const nn_op *op = run->node->op;
    nn_real *own[NN_MAX_INPUTS][OP_RUN_SHARDS] = {{NULL}};
    if (!op->backward)
        return;
    for (int s = 0; s < run->shards; s++) {
        set_context(run, s);
        for (int i = 0; i < run->inputs; i++) {
            size_t bytes = (size_t)run->count[i] * sizeof(nn_real);
            if (!run->wanted[i])
                continue;
            if (run->row[i] > 0 || run->node->input[i]->batched) {
                run->context[s].grad_in[i] = run->gradient[i] + run->cut[s] * run->row[i];
                if (!run->add && s == 0)
                    blank(run, run->gradient[i], bytes);
                continue;
            }
            own[i][s] = shard_buffer(run, i, s);
            run->context[s].grad_in[i] = own[i][s];
        }
        if (op->backward_partial)
            op->backward_partial(&run->context[s]);
    }
    for (int s = 0; s < run->shards; s++)
        op->backward(&run->context[s]);
    for (int i = 0; i < run->inputs; i++) {
        if (own[i][0])
            add_shards(run, i, own[i]);
        for (int s = 0; s < run->shards; s++)
            free(own[i][s]);
    }
}

void op_run_reference(op_run *run, nn_real *out)
{
    nn_ctx context = {.node = run->node,
                      .shards = 1,
                      .r1 = run->rows,
                      .batch_rows = run->rows,
                      .training = run->training,
                      .seed = run->seed,
                      .step = run->step,
                      .dropout = run->dropout,
                      .out = out};
    for (int i = 0; i < run->inputs; i++)
        context.in[i] = run->value[i];
    poison(out, (size_t)run->out_count * sizeof *out);
    run->node->op->reference(&context);
    widen(run, out);
}
