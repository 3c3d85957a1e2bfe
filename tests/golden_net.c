/* Nets of golden cases, over the public graph and plan. Two operators live here alone: one that
 * makes a batch out of a parameter, so that inputs have gradients, and one that weighs an
 * activation with the upstream gradients of a case. */
#include "tests/golden_net.h"

#include "engine/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- batch: the rows of a parameter as an activation --------------------------------------------
 */

static nn_status batch_shape(nn_node *node, nn_error *error)
{
    (void)error;
    node->shape = node->input[0]->shape;
    node->shape.dim[0] = NN_BATCH;
    node->dtype = NN_F;
    node->batched = true;
    return NN_OK;
}

static void batch_forward(const nn_ctx *ctx)
{
    int64_t row = nn_shape_row(ctx->node->shape);
    const nn_real *all = ctx->in[0];
    for (int64_t i = 0; i < (ctx->r1 - ctx->r0) * row; i++)
        ctx->out[i] = all[ctx->r0 * row + i];
}

static void batch_backward(const nn_ctx *ctx)
{
    int64_t row = nn_shape_row(ctx->node->shape);
    for (int64_t i = 0; i < (ctx->r1 - ctx->r0) * row; i++)
        ctx->grad_in[0][ctx->r0 * row + i] += ctx->grad_out[i];
}

static const nn_op batch_op = {
    .name = "golden_batch",
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = batch_shape,
    .forward = batch_forward,
    .backward = batch_backward,
};

/* --- weigh: (n) with batch * sum(x * weight) of each row, so that nn_mean gives the sum ----------
 */

static nn_status weigh_shape(nn_node *node, nn_error *error)
{
    (void)error;
    node->shape = nn_shape1(NN_BATCH);
    node->dtype = NN_F;
    node->batched = true;
    return NN_OK;
}

static void weigh_forward(const nn_ctx *ctx)
{
    int64_t row = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *x = ctx->in[0], *weight = (const nn_real *)ctx->in[1] + ctx->r0 * row;
    for (int64_t r = 0; r < ctx->r1 - ctx->r0; r++) {
        double sum = 0;
        for (int64_t i = r * row; i < (r + 1) * row; i++)
            sum += (double)x[i] * (double)weight[i];
        ctx->out[r] = (nn_real)(sum * (double)ctx->batch_rows);
    }
}

static void weigh_backward(const nn_ctx *ctx)
{
    int64_t row = nn_shape_row(ctx->node->input[0]->shape);
    const nn_real *weight = (const nn_real *)ctx->in[1] + ctx->r0 * row;
    for (int64_t i = 0; ctx->grad_in[0] && i < (ctx->r1 - ctx->r0) * row; i++)
        ctx->grad_in[0][i] += ctx->grad_out[i / row] * (nn_real)ctx->batch_rows * weight[i];
}

static const nn_op weigh_op = {
    .name = "golden_weigh",
    .min_inputs = 2,
    .max_inputs = 2,
    .needs = 1u << 1,
    .shape = weigh_shape,
    .forward = weigh_forward,
    .backward = weigh_backward,
};

/* --- nets ----------------------------------------------------------------------------------------
 */

enum { WATCHED = 16, LABELS = 8 };

struct golden_net {
    golden_case *owner;
    int64_t rows;
    nn_model *model;
    nn_graph *graph;
    nn_pool *pool;
    nn_exec *exec;
    nn_node *watched[WATCHED];
    int watched_count, weights;
    nn_node *labels[LABELS];
    golden_array label_values[LABELS];
    int label_count;
};

golden_net *golden_net_make(golden_case *c, nn_model *model, int64_t rows)
{
    golden_net *net = model ? calloc(1, sizeof *net) : NULL;
    if (!net) {
        nn_model_free(model);
        return NULL;
    }
    net->owner = c;
    net->rows = rows;
    net->model = model;
    net->graph = nn_graph_new(net->model);
    net->pool = nn_pool_new(2, NULL);
    return net;
}

void golden_net_free(golden_net *net)
{
    nn_exec_free(net->exec);
    nn_pool_free(net->pool);
    nn_graph_free(net->graph);
    nn_model_free(net->model);
    free(net);
}

nn_graph *golden_graph(golden_net *net)
{
    return net->graph;
}

nn_model *golden_model(golden_net *net)
{
    return net->model;
}

golden_case *golden_net_case(golden_net *net)
{
    return net->owner;
}

static nn_param *new_param(golden_net *net, const char *name, golden_array value, nn_shape shape)
{
    nn_error error;
    if (nn_shape_count(shape) != value.count)
        golden_fail(net->owner, "'%s' has %lld numbers, %lld were expected", name,
                    (long long)value.count, (long long)nn_shape_count(shape));
    nn_param *param = nn_model_param(net->model, name, shape, NN_INIT_ZEROS, 1, &error);
    if (!param)
        golden_fail(net->owner, "%s", error.text);
    for (int64_t i = 0; i < value.count; i++)
        nn_param_data(param)[i] = (nn_real)value.data[i];
    return param;
}

nn_node *golden_weight(golden_net *net, const char *name, golden_array value, nn_shape shape)
{
    return nn_use(net->graph, new_param(net, name, value, shape));
}

nn_node *golden_batch(golden_net *net, const char *name, golden_array value)
{
    if (value.shape.rank < 1 || value.shape.dim[0] != net->rows)
        golden_fail(net->owner, "'%s' does not have %lld rows", name, (long long)net->rows);
    nn_node *leaf = golden_weight(net, name, value, value.shape);
    return nn_node_new(net->graph, &batch_op, &leaf, 1, NULL, 0);
}

nn_node *golden_constant(golden_net *net, const char *name, golden_array rows)
{
    nn_node *node = golden_batch(net, name, rows);
    nn_param_freeze(nn_model_find(net->model, name), true);
    return node;
}

nn_node *golden_indices(golden_net *net, const char *name, golden_array rows, nn_shape sample)
{
    if (rows.count != net->rows * nn_shape_count(sample) || net->label_count == LABELS)
        golden_fail(net->owner, "'%s' has %lld whole numbers for %lld rows", name,
                    (long long)rows.count, (long long)net->rows);
    for (int64_t i = 0; i < rows.count; i++)
        if (rows.data[i] != (double)(int32_t)rows.data[i])
            golden_skip(net->owner); /* a share of a label: this loss takes whole ones */
    nn_node *node = nn_input(net->graph, name, NN_I32, sample);
    net->labels[net->label_count] = node;
    net->label_values[net->label_count++] = rows;
    return node;
}

nn_node *golden_labels(golden_net *net, const char *name, golden_array labels)
{
    return golden_indices(net, name, labels, nn_shape_of(0, NULL));
}

nn_node *golden_row_sum(golden_net *net, nn_node *x, const golden_array *weight)
{
    char name[32];
    if (!x)
        return NULL;
    snprintf(name, sizeof name, "weights%d", ++net->weights);
    nn_shape shape = nn_node_shape(x);
    shape.dim[0] = net->rows;
    golden_array ones = golden_new(net->owner, shape);
    for (int64_t i = 0; i < ones.count; i++)
        ones.data[i] = 1;
    nn_param *param = new_param(net, name, weight ? *weight : ones, shape);
    nn_param_freeze(param, true);
    nn_node *inputs[] = {x, nn_use(net->graph, param)};
    return nn_node_new(net->graph, &weigh_op, inputs, 2, NULL, 0);
}

nn_node *golden_sum(golden_net *net, nn_node *x, const golden_array *weight)
{
    return nn_mean(net->graph, golden_row_sum(net, x, weight));
}

void golden_watch(golden_net *net, nn_node *node)
{
    if (node && net->watched_count < WATCHED)
        net->watched[net->watched_count++] = node;
}

nn_exec *golden_compile(golden_net *net, nn_node *root)
{
    nn_error error = {NN_OK, ""};
    nn_exec_args args = {.batch = (int)net->rows,
                         .shards = net->rows > 1 ? 2 : 1,
                         .training = true,
                         .keep_all = true};
    if (nn_graph_error(net->graph, &error))
        golden_fail(net->owner, "%s", error.text);
    nn_exec_free(net->exec);
    net->exec =
        nn_compile(net->graph, root, net->watched, net->watched_count, net->pool, args, &error);
    if (!net->exec || nn_exec_rows(net->exec, (int)net->rows, &error))
        golden_fail(net->owner, "%s", error.text);
    for (int k = 0; k < net->label_count; k++) {
        int32_t *room = nn_exec_feed(net->exec, net->labels[k]);
        for (int64_t i = 0; room && i < net->label_values[k].count; i++)
            room[i] = (int32_t)net->label_values[k].data[i];
    }
    return net->exec;
}

double golden_run(golden_net *net, nn_node *root)
{
    nn_error error;
    if (!net->exec)
        golden_compile(net, root);
    double value = nn_forward(net->exec);
    if (nn_backward(net->exec, &error))
        golden_fail(net->owner, "%s", error.text);
    return value;
}

static golden_array array_of(golden_net *net, nn_view view, const char *name)
{
    if (!view.data || view.dtype != NN_F)
        golden_fail(net->owner, "the plan kept nothing of '%s'", name);
    golden_array a = golden_new(net->owner, view.shape);
    for (int64_t i = 0; i < a.count; i++)
        a.data[i] = (double)((const nn_real *)view.data)[i];
    return a;
}

golden_array golden_value(golden_net *net, const nn_node *node)
{
    return array_of(net, nn_value(net->exec, node), nn_node_name(node));
}

golden_array golden_gradient(golden_net *net, const char *name)
{
    const nn_node *leaf = nn_graph_find(net->graph, name);
    if (!leaf)
        golden_fail(net->owner, "no leaf '%s'", name);
    return array_of(net, nn_gradient(net->exec, leaf), name);
}

golden_array golden_param(golden_net *net, const char *name)
{
    const nn_param *param = nn_model_find(net->model, name);
    if (!param)
        golden_fail(net->owner, "no parameter '%s'", name);
    return array_of(net, (nn_view){NN_F, nn_param_shape(param), nn_param_values(param)}, name);
}

void golden_out_gradients(golden_net *net, const char *names)
{
    char name[NN_NAME_MAX], out[NN_NAME_MAX + 8];
    for (int used = 0; sscanf(names, "%63s%n", name, &used) == 1; names += used) {
        snprintf(out, sizeof out, "grad_%s", name);
        golden_out(net->owner, out, golden_gradient(net, name));
    }
}
