#include "engine/plan.h"

#include "engine/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nn_slot *slot_of(const nn_exec *exec, const nn_node *node)
{
    return &exec->slot[node->index];
}

static bool sees_batch(const nn_node *node)
{
    bool batched = node->batched;
    for (int i = 0; i < node->input_count; i++)
        batched |= node->input[i] && node->input[i]->batched;
    return batched;
}

/* --- what to run --------------------------------------------------------------------------- */

/* Marks what `root` and `also` depend on. A node's inputs were built before it, so one walk from
 * the last node to the first finds them all. */
static void mark_used(nn_exec *exec, const nn_node *root, nn_node *const *also, int also_count)
{
    bool seeded = exec->args.seeded;
    slot_of(exec, root)->used = slot_of(exec, root)->pinned = true;
    slot_of(exec, root)->seeded = seeded;
    for (int i = 0; i < also_count; i++) {
        slot_of(exec, also[i])->used = slot_of(exec, also[i])->pinned = true;
        slot_of(exec, also[i])->seeded = seeded;
    }
    for (int i = exec->nodes - 1; i >= 0; i--) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        nn_slot *slot = &exec->slot[i];
        slot->pinned |= node->is_input || (slot->used && exec->args.keep_all);
        for (int k = 0; slot->used && k < node->input_count; k++)
            if (node->input[k])
                slot_of(exec, node->input[k])->used = true;
    }
}

/* The order of the operators: as they were built. */
static nn_status order_items(nn_exec *exec, nn_error *error)
{
    exec->item = calloc((size_t)exec->nodes + 1, sizeof *exec->item);
    if (!exec->item)
        return nn_fail(error, NN_E_NOMEM, "plan of %d nodes: out of memory", exec->nodes);
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        if (!exec->slot[i].used || !node->op)
            continue;
        exec->slot[i].item = exec->items;
        nn_item *item = &exec->item[exec->items++];
        item->node = node;
        item->batched = sees_batch(node);
        item->view = (node->op->flags & NN_OP_VIEW) != 0;
        item->saved = item->scratch = -1;
        item->partial_count = node->op->partials ? node->op->partials(node) : 0;
    }
    return NN_OK;
}

static bool differentiable(const nn_op *op)
{
    return !(op->flags & NN_OP_NO_GRADIENT) && op->backward;
}

static bool is_scalar(const nn_node *node)
{
    return !node->batched && nn_shape_count(node->shape) == 1;
}

/* What gradients are for: trainable parameters, in a seeded plan inputs as well. */
static bool wants_gradient(const nn_exec *exec, const nn_node *node)
{
    if (node->is_input)
        return exec->args.seeded && node->dtype == NN_F;
    return node->param && !nn_param_is_buffer(node->param) && !nn_param_frozen(node->param);
}

/* Which gradients backward produces: of nodes that depend on something that wants one and on which
 * the root (in a seeded plan: or a watched node) depends. */
static void mark_gradients(nn_exec *exec)
{
    if (!exec->args.seeded && (!exec->args.training || !is_scalar(exec->root)))
        return;
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        nn_slot *slot = &exec->slot[i];
        if (!slot->used)
            continue;
        slot->gradient = wants_gradient(exec, node);
        for (int k = 0; node->op && differentiable(node->op) && k < node->input_count; k++)
            slot->gradient |= node->input[k] && slot_of(exec, node->input[k])->gradient;
    }
    for (int i = 0; i < exec->nodes; i++) /* their seeds */
        exec->slot[i].contributions =
            exec->slot[i].seeded || nn_graph_at(exec->graph, i) == exec->root;
    for (int i = exec->nodes - 1; i >= 0; i--) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        exec->slot[i].gradient &= exec->slot[i].contributions > 0;
        if (!exec->slot[i].gradient || !node->op)
            continue;
        exec->item[exec->slot[i].item].backward = true;
        for (int k = 0; k < node->input_count; k++)
            if (node->input[k] && slot_of(exec, node->input[k])->gradient)
                slot_of(exec, node->input[k])->contributions++;
    }
}

/* --- shards -------------------------------------------------------------------------------- */

/* Some graphs cannot be cut: a value without batch that rows of the batch depend on would get its
 * gradient from several shards at once. (Parameters have a buffer a shard.) */
static bool divisible(const nn_exec *exec)
{
    for (int i = 0; i < exec->items; i++) {
        const nn_item *item = &exec->item[i];
        const nn_op *op = item->node->op;
        if ((op->flags & NN_OP_SCALAR) && item->batched && !item->partial_count)
            return false;
        if (!item->batched && item->partial_count)
            return false;
        for (int k = 0; item->batched && k < item->node->input_count; k++) {
            const nn_node *input = item->node->input[k];
            if (input && input->op && !input->batched)
                return false;
        }
    }
    return true;
}

/* Two shards, where that pays. Each shard has parameter gradients of its own that must be written
 * and summed, so the multiply-adds of the batch should outweigh the parameters: in nets of dense
 * layers alone the quotient is a little below the batch (biases), and measured, 128 rows gain 1.8
 * from a second thread, 64 rows nothing. (Of tables, only rows that the batch names are summed.)
 * And the work should outlast the joins. Looks at nothing but graph and batch: the cut decides the
 * last bits of every result. */
static int choose_shards(const nn_exec *exec)
{
    const double work_a_parameter = 96, least_work = 1e6;
    double work = 0, parameters = 0;
    for (int i = 0; i < exec->nodes; i++) {
        const nn_node *node = nn_graph_at(exec->graph, i);
        if (exec->slot[i].used && node->op && node->op->multiply_adds)
            work += (double)node->op->multiply_adds(node) * exec->args.batch;
        if (exec->slot[i].gradient && node->param && exec->slot[i].table < 0)
            parameters += (double)nn_shape_count(node->shape);
    }
    return work >= least_work && work >= work_a_parameter * parameters ? 2 : 1;
}

static void cut_shards(nn_exec *exec)
{
    exec->shards = exec->args.shards ? exec->args.shards : choose_shards(exec);
    if (!divisible(exec))
        exec->shards = 1;
    if (exec->shards > exec->args.batch)
        exec->shards = exec->args.batch;
}

/* --- gradients: who writes first ----------------------------------------------------------- */

/* The first contribution to a gradient overwrites it where the operator can, else it is cleared
 * before; later ones add. `begun` has a mark for every node. */
static void plan_contributions(nn_exec *exec, bool *begun)
{
    for (int i = 0; i < exec->nodes; i++)
        begun[i] = exec->slot[i].seeded;
    for (int i = exec->items - 1; i >= 0; i--) {
        nn_item *item = &exec->item[i];
        const nn_node *node = item->node;
        bool sets = (node->op->flags & NN_OP_SETS_GRADIENT) != 0;
        for (int k = 0; item->backward && k < node->input_count; k++) {
            const nn_node *input = node->input[k];
            item->beta[k] = 1;
            if (!input || !slot_of(exec, input)->gradient || begun[input->index])
                continue;
            begun[input->index] = true;
            /* Twice the same input: neither may overwrite what the other adds. */
            bool again = false;
            for (int other = k + 1; other < node->input_count; other++)
                again |= node->input[other] == input;
            if (sets && !again && slot_of(exec, input)->table < 0)
                item->beta[k] = 0;
            else
                item->clear |= 1u << k;
        }
    }
}

/* --- steps and phases ---------------------------------------------------------------------- */

typedef struct {
    nn_exec *exec;
    bool *fresh; /* by node: written by shard 0 alone in this phase */
} step_list;

static bool must_wait(const step_list *list, const nn_step *step)
{
    const nn_exec *exec = list->exec;
    const nn_node *node = exec->item[step->item].node;
    if (exec->shards == 1)
        return false;
    bool mixes = step->stage == NN_FORWARD || step->stage == NN_BACKWARD;
    if (mixes && exec->steps > 0 && step[-1].item == step->item &&
        step[-1].stage == (step->stage == NN_FORWARD ? NN_FORWARD_PARTIAL : NN_BACKWARD_PARTIAL))
        return true; /* the partials of all shards */
    if (step->solo)
        return false;
    if (step->stage >= NN_BACKWARD_PARTIAL)
        return list->fresh[node->index];
    for (int k = 0; k < node->input_count; k++)
        if (node->input[k] && list->fresh[node->input[k]->index])
            return true;
    return false;
}

static void begin_phase(step_list *list)
{
    nn_exec *exec = list->exec;
    memset(list->fresh, 0, (size_t)exec->nodes * sizeof *list->fresh);
    exec->phase[exec->phases++] = (nn_phase){exec->steps, exec->steps, true};
}

static void add_step(step_list *list, int item, nn_stage stage, bool solo)
{
    nn_exec *exec = list->exec;
    const nn_node *node = exec->item[item].node;
    nn_step *step = &exec->step[exec->steps];
    *step = (nn_step){item, stage, solo && exec->shards > 1};
    if (must_wait(list, step))
        begin_phase(list);
    nn_phase *phase = &exec->phase[exec->phases - 1];
    phase->end = ++exec->steps;
    phase->solo &= step->solo;
    if (step->solo && stage == NN_FORWARD)
        list->fresh[node->index] = true;
    for (int k = 0; step->solo && stage == NN_BACKWARD && k < node->input_count; k++)
        if (node->input[k])
            list->fresh[node->input[k]->index] = true;
}

static void list_steps(nn_exec *exec, bool *fresh)
{
    step_list list = {exec, fresh};
    begin_phase(&list);
    for (int i = 0; i < exec->items; i++) {
        const nn_item *item = &exec->item[i];
        if (item->partial_count && item->node->op->forward_partial)
            add_step(&list, i, NN_FORWARD_PARTIAL, false);
        if (!item->view_shared)
            add_step(&list, i, NN_FORWARD, !item->node->batched);
    }
    exec->forward_phases = exec->phases;
    begin_phase(&list);
    for (int i = exec->items - 1; i >= 0; i--) {
        const nn_item *item = &exec->item[i];
        if (!item->backward || item->gradient_shared)
            continue;
        if (item->partial_count && item->node->op->backward_partial)
            add_step(&list, i, NN_BACKWARD_PARTIAL, false);
        add_step(&list, i, NN_BACKWARD, !item->batched);
    }
}

/* --- nn_compile ---------------------------------------------------------------------------- */

static nn_status check_node(const nn_graph *graph, const nn_node *node, const char *role,
                            nn_error *error)
{
    if (!node)
        return nn_fail(error, NN_E_ARG, "plan: the %s is NULL; give the node it should be", role);
    if (node->graph != graph)
        return nn_fail(error, NN_E_ARG, "plan: the %s '%s' belongs to another graph", role,
                       node->name);
    return NN_OK;
}

static nn_status check_arguments(const nn_graph *graph, const nn_node *root, nn_node *const *also,
                                 int also_count, nn_exec_args args, nn_error *error)
{
    if (!graph)
        return nn_fail(error, NN_E_ARG, "plan: the graph is NULL");
    nn_status status = nn_graph_error(graph, error);
    if (status == NN_OK)
        status = check_node(graph, root, "root", error);
    for (int i = 0; i < also_count && status == NN_OK; i++)
        status = check_node(graph, also[i], "watched node", error);
    if (status != NN_OK)
        return status;
    if (!root->op)
        return nn_fail(error, NN_E_ARG, "plan: root '%s' is an %s; there is nothing to compute",
                       root->name, nn_node_op(root));
    if (args.batch < 1 || args.batch > 1 << 24)
        return nn_fail(error, NN_E_ARG, "plan: batch %d; expected 1 to %d", args.batch, 1 << 24);
    if (args.shards < 0 || args.shards > NN_MAX_SHARDS)
        return nn_fail(error, NN_E_ARG, "plan: %d shards; expected 1 to %d, or 0 to choose",
                       args.shards, NN_MAX_SHARDS);
    return NN_OK;
}

static nn_status make_tables(nn_exec *exec, nn_error *error)
{
    size_t items = (size_t)exec->items, nodes = (size_t)exec->nodes;
    /* Values and gradients of inputs and operators, saved bytes and scratch of operators. */
    exec->storage = calloc(2 * nodes + 3 * items + 1, sizeof *exec->storage);
    exec->step = calloc(4 * items + 1, sizeof *exec->step);
    exec->phase = calloc(4 * items + 2, sizeof *exec->phase);
    exec->ctx = calloc(items * (size_t)exec->shards + 1, sizeof *exec->ctx);
    exec->table = calloc((size_t)(exec->tables * exec->shards) + 1, sizeof *exec->table);
    if (!exec->storage || !exec->step || !exec->phase || !exec->ctx || !exec->table)
        return nn_fail(error, NN_E_NOMEM, "plan of %d nodes: out of memory", exec->nodes);
    return NN_OK;
}

static nn_status plan(nn_exec *exec, nn_node *const *also, int also_count, nn_error *error)
{
    mark_used(exec, exec->root, also, also_count);
    nn_status status = order_items(exec, error);
    if (status != NN_OK)
        return status;
    mark_gradients(exec);
    nn_rows_mark(exec);
    cut_shards(exec);
    status = make_tables(exec, error);
    bool *marks = status == NN_OK ? calloc(2 * (size_t)exec->nodes, sizeof *marks) : NULL;
    if (!marks)
        return status == NN_OK ? nn_fail(error, NN_E_NOMEM, "plan: out of memory") : status;
    status = nn_layout(exec, error);
    plan_contributions(exec, marks);
    list_steps(exec, marks + exec->nodes);
    free(marks);
    return status;
}

static nn_exec *make_plan(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                          nn_pool *pool, nn_exec_args args, bool measured, nn_error *error)
{
    if (check_arguments(graph, root, also, also_count, args, error) != NN_OK)
        return NULL;
    nn_exec *exec = calloc(1, sizeof *exec);
    nn_slot *slot = calloc((size_t)nn_graph_count(graph), sizeof *slot);
    if (!exec || !slot) {
        nn_fail(error, NN_E_NOMEM, "plan: out of memory");
        free(exec);
        free(slot);
        return NULL;
    }
    *exec =
        (nn_exec){.graph = graph, .pool = pool, .args = args, .measured = measured, .root = root};
    exec->slot = slot;
    exec->nodes = nn_graph_count(graph);
    exec->dropout = NAN;
    for (int i = 0; i < exec->nodes; i++) {
        slot[i].item = slot[i].value = slot[i].gradient_storage = -1;
        slot[i].parameter = slot[i].table = -1;
    }
    if (plan(exec, also, also_count, error) != NN_OK) {
        nn_exec_free(exec);
        return NULL;
    }
    exec->rows = args.batch;
    return exec;
}

nn_exec *nn_compile(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                    nn_pool *pool, nn_exec_args args, nn_error *error)
{
    if (graph && nn_model_is_outline(nn_graph_model(graph))) {
        nn_fail(error, NN_E_ARG,
                "plan: an outline has no values to compute with; build the graph "
                "over a model from nn_model_new");
        return NULL;
    }
    if (!pool)
        nn_blas_prepare(); /* a pool has done so */
    return make_plan(graph, root, also, also_count, pool, args, false, error);
}

nn_status nn_plan_bytes(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                        nn_exec_args args, size_t *bytes, nn_error *error)
{
    nn_memory memory = {0, 0};
    nn_status status = nn_plan_memory(graph, root, also, also_count, args, &memory, error);
    if (status == NN_OK)
        *bytes = memory.bytes;
    return status;
}

nn_status nn_plan_memory(nn_graph *graph, nn_node *root, nn_node *const *also, int also_count,
                         nn_exec_args args, nn_memory *memory, nn_error *error)
{
    nn_error failure = {NN_OK, ""};
    nn_exec *exec = make_plan(graph, root, also, also_count, NULL, args, true, &failure);
    if (!exec)
        return nn_fail(error, failure.code, "%s", failure.text);
    *memory = (nn_memory){nn_exec_bytes(exec), nn_layout_least(exec)};
    nn_exec_free(exec);
    return NN_OK;
}

void nn_exec_free(nn_exec *exec)
{
    if (!exec)
        return;
    free(exec->slot);
    free(exec->item);
    free(exec->storage);
    free(exec->step);
    free(exec->phase);
    free(exec->ctx);
    free(exec->table);
    free(exec->block);
    free(exec);
}
