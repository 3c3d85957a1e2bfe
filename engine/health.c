#include "engine/sums.h"
#include "engine/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A look is taken at most every PAUSE seconds, and never so often that looking takes more than one
 * part in SHARE of the time. */
#define PAUSE 0.1
enum { SHARE = 250 };

/* "conv1.weight" belongs to layer "conv1". */
static int layer_named(nn_health_probe *probe, const char *param, bool add)
{
    const char *dot = strrchr(param, '.');
    size_t length = dot ? (size_t)(dot - param) : strlen(param);
    for (int i = 0; i < probe->layers; i++)
        if (strlen(probe->name[i]) == length && memcmp(probe->name[i], param, length) == 0)
            return i;
    if (!add || probe->layers == NN_HEALTH_LAYERS || length >= NN_NAME_MAX)
        return -1;
    memcpy(probe->name[probe->layers], param, length);
    probe->name[probe->layers][length] = '\0';
    return probe->layers++;
}

/* The layer whose output a ReLU cuts off: up its first inputs to the nearest with parameters. */
static int layer_above(nn_health_probe *probe, const nn_node *node)
{
    while (node && nn_node_input_count(node) > 0) {
        for (int i = 1; i < nn_node_input_count(node); i++) {
            const nn_node *input = nn_node_input(node, i);
            const nn_param *param = input ? nn_node_param(input) : NULL;
            if (param && !nn_param_is_buffer(param))
                return layer_named(probe, nn_param_name(param), false);
        }
        node = nn_node_input(node, 0);
    }
    return -1;
}

static int64_t units_of(const nn_node *node)
{
    nn_shape shape = nn_node_shape(node);
    shape.dim[0] = 1;
    return nn_shape_count(shape);
}

nn_status nn_health_open(nn_health_probe *probe, const nn_model *model, const nn_graph *graph,
                         nn_error *error)
{
    int entries = nn_model_count(model);
    probe->layer_of = calloc((size_t)entries + 1, sizeof *probe->layer_of);
    if (!probe->layer_of || !nn_mailbox_open(&probe->box, sizeof(nn_health)))
        return nn_fail(error, NN_E_NOMEM, "training: out of memory");
    for (int i = 0; i < entries; i++) {
        const nn_param *param = nn_model_at(model, i);
        probe->layer_of[i] =
            nn_param_is_buffer(param) ? -1 : layer_named(probe, nn_param_name(param), true);
    }
    int64_t widest = 1;
    for (int i = 0; i < nn_graph_count(graph) && probe->relus < NN_RELUS; i++) {
        const nn_node *node = nn_graph_at(graph, i);
        int layer = strcmp(nn_node_op(node), "relu") == 0 ? layer_above(probe, node) : -1;
        if (layer < 0)
            continue;
        probe->relu[probe->relus] = node;
        probe->relu_layer[probe->relus++] = layer;
        widest = units_of(node) > widest ? units_of(node) : widest;
    }
    probe->alive = malloc((size_t)widest);
    return probe->alive ? NN_OK : nn_fail(error, NN_E_NOMEM, "training: out of memory");
}

void nn_health_close(nn_health_probe *probe)
{
    free(probe->layer_of);
    free(probe->alive);
    nn_mailbox_close(&probe->box);
}

/* Share of units that put out 0 for every row of the batch. */
static float dead_share(nn_health_probe *probe, nn_view output, int rows)
{
    int64_t units = nn_shape_row(output.shape), dead = 0;
    const nn_real *row = output.data;
    if (!row || units < 1)
        return NAN;
    memset(probe->alive, 0, (size_t)units);
    for (int i = 0; i < rows; i++, row += units)
        for (int64_t j = 0; j < units; j++)
            probe->alive[j] |= row[j] > 0;
    for (int64_t j = 0; j < units; j++)
        dead += !probe->alive[j];
    return (float)((double)dead / (double)units);
}

void nn_health_after_forward(nn_trainer *trainer, int rows)
{
    nn_health_probe *probe = &trainer->health;
    double now = nn_clock();
    probe->looking = now >= probe->due;
    if (!probe->looking)
        return;
    nn_health *health = nn_mailbox_back(&probe->box);
    memset(health, 0, sizeof *health);
    health->layers = probe->layers;
    for (int i = 0; i < probe->layers; i++) {
        snprintf(health->layer[i].name, NN_NAME_MAX, "%s", probe->name[i]);
        health->layer[i].dead = NAN;
    }
    for (int i = 0; i < probe->relus; i++)
        health->layer[probe->relu_layer[i]].dead =
            dead_share(probe, nn_value(trainer->exec, probe->relu[i]), rows);
    probe->spent = nn_clock() - now;
}

void nn_health_after_update(nn_trainer *trainer)
{
    nn_health_probe *probe = &trainer->health;
    if (!probe->looking)
        return;
    double now = nn_clock(), gradient[NN_HEALTH_LAYERS] = {0}, weight[NN_HEALTH_LAYERS] = {0};
    bool frozen[NN_HEALTH_LAYERS] = {false};
    nn_health *health = nn_mailbox_back(&probe->box);
    for (int i = 0; i < nn_model_count(trainer->model); i++) {
        nn_param *param = nn_model_at(trainer->model, i);
        int layer = probe->layer_of[i];
        if (layer < 0)
            continue;
        int64_t count = nn_shape_count(nn_param_shape(param));
        const nn_real *g = nn_param_gradient(trainer->exec, param);
        weight[layer] += nn_sum_of_squares(nn_param_values(param), count);
        if (g)
            gradient[layer] += nn_sum_of_squares(g, count);
        frozen[layer] |= !g;
    }
    for (int i = 0; i < probe->layers; i++) {
        health->layer[i].gradient_norm = frozen[i] ? NAN : (float)sqrt(gradient[i]);
        health->layer[i].weight_norm = (float)sqrt(weight[i]);
    }
    health->step = trainer->progress.step;
    nn_mailbox_send(&probe->box);
    double after = nn_clock();
    probe->spent += after - now;
    probe->due = after + fmax(PAUSE, SHARE * probe->spent);
    probe->looking = false;
}

bool nn_trainer_health(nn_trainer *trainer, nn_health *health)
{
    const nn_health *latest = nn_mailbox_latest(&trainer->health.box);
    if (latest)
        *health = *latest;
    return latest != NULL;
}
