#include "engine/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nn_graph {
    nn_model *model;
    nn_node **node;
    int count, capacity;
    nn_error error;            /* the first one */
    char pending[NN_NAME_MAX]; /* name of the next operator, "" for the default */
};

nn_graph *nn_graph_new(nn_model *model)
{
    nn_graph *graph = model ? calloc(1, sizeof *graph) : NULL;
    if (graph)
        graph->model = model;
    return graph;
}

void nn_graph_free(nn_graph *graph)
{
    if (!graph)
        return;
    for (int i = 0; i < graph->count; i++)
        free(graph->node[i]);
    free(graph->node);
    free(graph);
}

nn_status nn_graph_error(const nn_graph *graph, nn_error *error)
{
    if (error)
        *error = graph->error;
    return graph->error.code;
}

nn_node *nn_graph_refuse(nn_graph *graph, nn_status code, const char *format, ...)
{
    if (graph && graph->error.code == NN_OK) {
        char text[sizeof graph->error.text];
        va_list list;
        va_start(list, format);
        vsnprintf(text, sizeof text, format, list);
        va_end(list);
        nn_fail(&graph->error, code, "%s", text);
    }
    return NULL;
}

nn_model *nn_graph_model(const nn_graph *graph)
{
    return graph->model;
}

/* --- names --------------------------------------------------------------------------------- */

nn_graph *nn_named(nn_graph *graph, const char *format, ...)
{
    char text[NN_NAME_MAX * 4];
    if (!graph)
        return NULL;
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length <= 0 || length >= NN_NAME_MAX)
        nn_graph_refuse(graph, NN_E_ARG, "node name '%s': expected 1 to %d bytes", text,
                        NN_NAME_MAX - 1);
    else
        memcpy(graph->pending, text, (size_t)length + 1);
    return graph;
}

/* The pending name, or the operator's with a number. A name already taken (one layer used on two
 * branches) gets "#2", "#3" ... */
static void choose_name(nn_graph *graph, const nn_op *op, char name[NN_NAME_MAX])
{
    bool given = graph->pending[0] != 0;
    int number = 1;
    if (given)
        memcpy(name, graph->pending, NN_NAME_MAX);
    else
        snprintf(name, NN_NAME_MAX, "%.40s%d", op->name, number);
    while (nn_graph_find(graph, name)) {
        number++;
        if (given)
            snprintf(name, NN_NAME_MAX, "%.52s#%d", graph->pending, number);
        else
            snprintf(name, NN_NAME_MAX, "%.40s%d", op->name, number);
    }
    graph->pending[0] = 0;
}

/* --- nodes --------------------------------------------------------------------------------- */

static nn_node *append(nn_graph *graph, const char *name)
{
    if (graph->count == graph->capacity) {
        int capacity = graph->capacity ? 2 * graph->capacity : 32;
        nn_node **grown = realloc(graph->node, (size_t)capacity * sizeof(nn_node *));
        if (!grown)
            return nn_graph_refuse(graph, NN_E_NOMEM, "graph: out of memory at '%s'", name);
        graph->node = grown;
        graph->capacity = capacity;
    }
    nn_node *node = calloc(1, sizeof *node);
    if (!node)
        return nn_graph_refuse(graph, NN_E_NOMEM, "graph: out of memory at '%s'", name);
    snprintf(node->name, NN_NAME_MAX, "%s", name);
    node->graph = graph;
    node->index = graph->count;
    graph->node[graph->count++] = node;
    return node;
}

static void remove_last(nn_graph *graph)
{
    free(graph->node[--graph->count]);
}

nn_node *nn_input(nn_graph *graph, const char *name, nn_dtype dtype, nn_shape sample)
{
    char text[NN_SHAPE_TEXT];
    if (!graph)
        return NULL;
    if (!name || !*name || strlen(name) >= NN_NAME_MAX)
        return nn_graph_refuse(graph, NN_E_ARG, "input name '%s': expected 1 to %d bytes",
                               name ? name : "", NN_NAME_MAX - 1);
    if (nn_graph_find(graph, name))
        return nn_graph_refuse(graph, NN_E_ARG, "input '%s': the graph has a node of this name",
                               name);
    if (sample.rank < 0 || sample.rank >= NN_MAX_DIMS || nn_shape_count(sample) <= 0)
        return nn_graph_refuse(graph, NN_E_SHAPE,
                               "input '%s': sample shape %s; expected at most %d positive sizes",
                               name, nn_shape_text(sample, text), NN_MAX_DIMS - 1);
    nn_node *node = append(graph, name);
    if (!node)
        return NULL;
    node->shape.rank = sample.rank + 1;
    node->shape.dim[0] = NN_BATCH;
    for (int i = 0; i < sample.rank; i++)
        node->shape.dim[i + 1] = sample.dim[i];
    node->dtype = dtype;
    node->batched = true;
    node->is_input = true;
    return node;
}

nn_node *nn_use(nn_graph *graph, nn_param *param)
{
    if (!graph || !param)
        return NULL;
    for (int i = 0; i < graph->count; i++)
        if (graph->node[i]->param == param)
            return graph->node[i];
    const char *name = nn_param_name(param);
    if (nn_model_find(graph->model, name) != param)
        return nn_graph_refuse(graph, NN_E_ARG,
                               "parameter '%s' belongs to another model than the graph", name);
    if (nn_graph_find(graph, name))
        return nn_graph_refuse(graph, NN_E_ARG,
                               "parameter '%s': the graph has another node of this name", name);
    nn_node *node = append(graph, name);
    if (!node)
        return NULL;
    node->param = param;
    node->shape = nn_param_shape(param);
    node->dtype = NN_F;
    return node;
}

static bool inputs_fit(nn_graph *graph, const nn_op *op, nn_node *const *inputs, int input_count,
                       size_t args_size)
{
    if (input_count < op->min_inputs || input_count > op->max_inputs ||
        input_count > NN_MAX_INPUTS || args_size > NN_ARGS_MAX) {
        nn_graph_refuse(graph, NN_E_ARG,
                        "%s: %d inputs and %zu bytes of arguments; expected %d to %d inputs and at "
                        "most %d bytes",
                        op->name, input_count, args_size, op->min_inputs, op->max_inputs,
                        NN_ARGS_MAX);
        return false;
    }
    for (int i = 0; i < input_count; i++)
        if (inputs[i] && inputs[i]->graph != graph) {
            nn_graph_refuse(graph, NN_E_ARG, "%s: input '%s' belongs to another graph", op->name,
                            inputs[i]->name);
            return false;
        }
    return true;
}

nn_node *nn_node_new(nn_graph *graph, const nn_op *op, nn_node *const *inputs, int input_count,
                     const void *args, size_t args_size)
{
    char name[NN_NAME_MAX];
    nn_error error = {NN_OK, ""};
    if (!graph)
        return NULL;
    choose_name(graph, op, name);
    for (int i = 0; i < op->min_inputs && i < input_count; i++)
        if (!inputs[i])
            return NULL;
    if (!inputs_fit(graph, op, inputs, input_count, args_size))
        return NULL;
    nn_node *node = append(graph, name);
    if (!node)
        return NULL;
    node->op = op;
    node->dtype = NN_F;
    node->input_count = input_count;
    for (int i = 0; i < input_count; i++)
        node->input[i] = inputs[i];
    if (args_size)
        memcpy(node->args, args, args_size);
    if (op->shape(node, &error) != NN_OK) {
        nn_graph_refuse(graph, error.code == NN_OK ? NN_E_SHAPE : error.code, "%s", error.text);
        remove_last(graph);
        return NULL;
    }
    /* What depends on the batch says so in its shape. */
    node->batched = node->shape.rank > 0 && node->shape.dim[0] == NN_BATCH;
    return node;
}

/* --- what a node is ------------------------------------------------------------------------ */

const char *nn_node_name(const nn_node *node)
{
    return node->name;
}

const char *nn_node_op(const nn_node *node)
{
    return node->op ? node->op->name : node->is_input ? "input" : "parameter";
}

nn_shape nn_node_shape(const nn_node *node)
{
    return node->shape;
}

nn_dtype nn_node_dtype(const nn_node *node)
{
    return node->dtype;
}

int nn_graph_count(const nn_graph *graph)
{
    return graph->count;
}

const nn_node *nn_graph_at(const nn_graph *graph, int i)
{
    return i >= 0 && i < graph->count ? graph->node[i] : NULL;
}

const nn_node *nn_graph_find(const nn_graph *graph, const char *name)
{
    for (int i = 0; name && i < graph->count; i++)
        if (strcmp(graph->node[i]->name, name) == 0)
            return graph->node[i];
    return NULL;
}

int nn_node_input_count(const nn_node *node)
{
    return node->input_count;
}

const nn_node *nn_node_input(const nn_node *node, int i)
{
    return i >= 0 && i < node->input_count ? node->input[i] : NULL;
}

nn_param *nn_node_param(const nn_node *node)
{
    return node->param;
}

int64_t nn_node_multiply_adds(const nn_node *node)
{
    return node->op && node->op->multiply_adds ? node->op->multiply_adds(node) : 0;
}

int64_t nn_node_backward_multiply_adds(const nn_node *node, unsigned wanted)
{
    if (node->op && node->op->backward_multiply_adds)
        return node->op->backward_multiply_adds(node, wanted);
    int64_t first = wanted & 1, second = wanted >> 1 & 1;
    return nn_node_multiply_adds(node) * (first + second);
}

int64_t nn_graph_multiply_adds(const nn_graph *graph)
{
    int64_t sum = 0;
    for (int i = 0; i < graph->count; i++)
        sum += nn_node_multiply_adds(graph->node[i]);
    return sum;
}
