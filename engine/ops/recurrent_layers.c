/* Layers of recurrent operators: parameters, stacking, both directions, states in and out. */
#include "engine/recurrent.h"
#include "engine/shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef nn_node *operator_builder(nn_graph *graph, nn_recurrent_inputs in, nn_recurrent_args args);

typedef struct {
    const char *kind;
    operator_builder *build;
    int gates, planes; /* planes 2: with a memory c */
} cell_kind;

static const cell_kind rnn = {"rnn layer", nn_rnn, 1, 1};
static const cell_kind gru = {"gru layer", nn_gru, 3, 1};
static const cell_kind lstm = {"lstm layer", nn_lstm, 4, 2};

typedef struct {
    const cell_kind *cell;
    nn_graph *graph;
    const char *name;
    int units, layers, directions;
    const nn_recurrent_layer_args *args;
    bool one_step; /* x has no axis of time */
} stack;

/* --- parameters ---------------------------------------------------------------------------- */

/* Makes the rows of a (u,u) block orthogonal and of length 1, by Gram and Schmidt, each row twice
 * ("twice is enough", Kahan and Parlett). A row that vanishes stays 0. */
static void make_orthogonal(nn_real *block, int64_t u)
{
    for (int64_t i = 0; i < 2 * u; i++) {
        nn_real *row = block + i / 2 * u;
        for (int64_t k = 0; k < i / 2; k++) {
            const nn_real *other = block + k * u;
            double product = 0;
            for (int64_t j = 0; j < u; j++)
                product += (double)row[j] * (double)other[j];
            for (int64_t j = 0; j < u; j++)
                row[j] -= (nn_real)(product * (double)other[j]);
        }
        double square = 0;
        for (int64_t j = 0; j < u; j++)
            square += (double)row[j] * (double)row[j];
        for (int64_t j = 0; j < u && square > 0; j++)
            row[j] = (nn_real)((double)row[j] / sqrt(square));
    }
}

/* "name.<what>_l<layer>[_reverse]"; *fresh: it did not exist. NULL and an error in the graph. */
static nn_param *parameter(const stack *s, const char *what, int layer, int direction,
                           nn_shape shape, nn_init init, bool *fresh)
{
    char name[2 * NN_NAME_MAX];
    nn_error error = {NN_OK, ""};
    nn_model *model = nn_graph_model(s->graph);
    snprintf(name, sizeof name, "%.*s.%s_l%d%s", NN_NAME_MAX, s->name, what, layer,
             direction ? "_reverse" : "");
    *fresh = nn_model_find(model, name) == NULL;
    nn_param *param = nn_model_param(model, name, shape, init, 1, &error);
    if (!param)
        nn_graph_refuse(s->graph, error.code, "%s", error.text);
    return param;
}

static nn_node *state_weight(const stack *s, int layer, int direction)
{
    int64_t u = s->units;
    bool fresh, xavier = s->args->xavier;
    nn_param *param = parameter(s, "weight_hh", layer, direction, nn_shape2(s->cell->gates * u, u),
                                xavier ? NN_INIT_XAVIER : NN_INIT_NORMAL, &fresh);
    nn_real *data = param ? nn_param_data(param) : NULL; /* NULL in an outline */
    for (int g = 0; data && fresh && !xavier && g < s->cell->gates; g++)
        make_orthogonal(data + g * u * u, u);
    return nn_use(s->graph, param);
}

static nn_node *bias(const stack *s, const char *what, int layer, int direction, double forget)
{
    int64_t u = s->units;
    bool fresh;
    nn_param *param =
        parameter(s, what, layer, direction, nn_shape1(s->cell->gates * u), NN_INIT_ZEROS, &fresh);
    nn_real *data = param ? nn_param_data(param) : NULL;
    for (int64_t j = u; data && fresh && forget != 0 && j < 2 * u; j++)
        data[j] = (nn_real)forget;
    return nn_use(s->graph, param);
}

static bool take_parameters(const stack *s, int layer, int direction, nn_recurrent_inputs *in)
{
    const nn_recurrent_layer_args *args = s->args;
    bool fresh;
    nn_shape x = nn_node_shape(in->x);
    nn_shape shape = nn_shape2((int64_t)s->cell->gates * s->units, x.dim[x.rank - 1]);
    in->weight_ih = nn_use(
        s->graph, parameter(s, "weight_ih", layer, direction, shape, NN_INIT_XAVIER, &fresh));
    in->weight_hh = in->weight_ih ? state_weight(s, layer, direction) : NULL;
    bool made = in->weight_hh != NULL;
    if (made && args->biases != NN_BIASES_NONE)
        made = (in->bias_ih = bias(s, "bias_ih", layer, direction, args->forget_bias)) != NULL;
    if (made && args->biases == NN_BIASES_TWO)
        made = (in->bias_hh = bias(s, "bias_hh", layer, direction, 0)) != NULL;
    if (made && args->peepholes) {
        nn_param *param = parameter(s, "peepholes", layer, direction,
                                    nn_shape1(3 * (int64_t)s->units), NN_INIT_ZEROS, &fresh);
        made = (in->peepholes = nn_use(s->graph, param)) != NULL;
    }
    return made;
}

/* --- states -------------------------------------------------------------------------------- */

/* From all states of an operator: `plane` 0 h, 1 c; the steps, or the last one as (n,u). */
static nn_node *from_all(const stack *s, nn_node *all, int plane, bool last)
{
    nn_graph *g = s->graph;
    if (!all)
        return NULL;
    nn_shape shape = nn_node_shape(all);
    int64_t steps = shape.dim[shape.rank - 2] - 1;
    int time = shape.rank - 3;
    nn_node *part = s->cell->planes == 2 ? nn_slice_axis(g, all, 0, plane, 1) : all;
    part = nn_slice_axis(g, part, time, last ? steps : 0, last ? 1 : steps);
    return nn_reshape(g, part, last ? nn_shape1(s->units) : nn_shape2(steps, s->units));
}

/* One direction of one layer: its steps, or its last state where these are wanted. */
static nn_node *run_cell(const stack *s, nn_node *x, int layer, int direction, bool last)
{
    const nn_recurrent_layer_args *args = s->args;
    int at = layer * s->directions + direction;
    nn_recurrent_inputs in = {.x = x, .lengths = args->lengths};
    nn_recurrent_args how = args->cell;
    if (!take_parameters(s, layer, direction, &in))
        return NULL;
    in.h = args->initial ? args->initial->h[at] : NULL;
    in.c = args->initial && s->cell->planes == 2 ? args->initial->c[at] : NULL;
    how.reverse |= direction == 1;
    how.states = args->final ? NN_STATES_ALL : last ? NN_STATES_LAST : NN_STATES_STEPS;
    bool whole = s->layers * s->directions == 1 && !args->final;
    if (whole)
        nn_named(s->graph, "%s", s->name);
    else
        nn_named(s->graph, "%.40s.l%d%s", s->name, layer, direction ? "_reverse" : "");
    nn_node *node = s->cell->build(s->graph, in, how);
    if (!args->final)
        return node;
    args->final->h[at] = from_all(s, node, 0, true);
    if (s->cell->planes == 2)
        args->final->c[at] = from_all(s, node, 1, true);
    return last || s->one_step ? args->final->h[at] : from_all(s, node, 0, false);
}

static nn_node *run_layer(const stack *s, nn_node *x, int layer)
{
    nn_graph *g = s->graph;
    bool top = layer == s->layers - 1, last = top && s->args->last;
    if (layer > 0 && s->args->dropout > 0)
        x = nn_dropout(nn_named(g, "%.40s.dropout%d", s->name, layer), x, s->args->dropout);
    nn_node *way[2] = {x ? run_cell(s, x, layer, 0, last) : NULL, NULL};
    if (s->directions == 1 || !way[0])
        return way[0];
    way[1] = run_cell(s, x, layer, 1, last);
    if (!way[1])
        return NULL;
    if (top)
        nn_named(g, "%s", s->name);
    return nn_concat(g, way, 2, -1);
}

/* --- layers -------------------------------------------------------------------------------- */

static bool fits(const stack *s, const nn_node *x)
{
    char text[NN_SHAPE_TEXT];
    const nn_recurrent_layer_args *args = s->args;
    const char *kind = s->cell->kind, *name = s->name;
    const size_t most = NN_NAME_MAX - sizeof ".weight_ih_l00_reverse";
    nn_shape shape = nn_node_shape(x);
    if (!name || !*name || strlen(name) > most)
        nn_graph_refuse(s->graph, NN_E_ARG, "%s: name '%s'; expected 1 to %zu bytes", kind,
                        name ? name : "", most);
    else if (shape.rank != 2 && shape.rank != 3)
        nn_graph_refuse(s->graph, NN_E_SHAPE,
                        "%s '%s': input '%s' is %s; expected (batch, steps, features), or (batch, "
                        "features) for one step",
                        kind, name, nn_node_name(x), nn_shape_text(shape, text));
    else if (s->units < 1)
        nn_graph_refuse(s->graph, NN_E_ARG, "%s '%s': %d units; expected at least 1", kind, name,
                        s->units);
    else if (s->layers < 1 || s->layers * s->directions > NN_RECURRENT_STATES)
        nn_graph_refuse(s->graph, NN_E_ARG, "%s '%s': %d layers; expected 1 to %d", kind, name,
                        s->layers, NN_RECURRENT_STATES / s->directions);
    else if (!(args->dropout >= 0 && args->dropout < 1))
        nn_graph_refuse(s->graph, NN_E_ARG, "%s '%s': dropout %g; expected 0 or more, less than 1",
                        kind, name, args->dropout);
    else if (s->cell->planes == 1 && (args->peepholes || args->forget_bias != 0))
        nn_graph_refuse(s->graph, NN_E_ARG,
                        "%s '%s': peepholes and a forget bias belong to LSTM alone", kind, name);
    else if (args->forget_bias != 0 &&
             (args->biases == NN_BIASES_NONE || !isfinite(args->forget_bias)))
        nn_graph_refuse(s->graph, NN_E_ARG,
                        "%s '%s': forget bias %g; expected a finite number, and biases", kind, name,
                        args->forget_bias);
    else if (s->directions == 2 && args->cell.reverse)
        nn_graph_refuse(s->graph, NN_E_ARG, "%s '%s': reverse and bidirectional; choose one", kind,
                        name);
    else
        return true;
    return false;
}

static nn_node *layer_of(const cell_kind *cell, nn_graph *graph, const char *name, nn_node *x,
                         int units, const nn_recurrent_layer_args *args)
{
    if (args->final)
        *args->final = (nn_recurrent_states){{NULL}, {NULL}};
    if (!graph || !x)
        return NULL;
    stack s = {.cell = cell, .graph = graph, .name = name, .units = units, .args = args};
    s.layers = args->layers ? args->layers : 1;
    s.directions = args->bidirectional ? 2 : 1;
    s.one_step = nn_node_shape(x).rank == 2;
    if (!fits(&s, x))
        return NULL;
    for (int layer = 0; layer < s.layers && x; layer++)
        x = run_layer(&s, x, layer);
    return x;
}

nn_node *nn_rnn_layer(nn_graph *graph, const char *name, nn_node *x, int units,
                      nn_recurrent_layer_args args)
{
    return layer_of(&rnn, graph, name, x, units, &args);
}

nn_node *nn_gru_layer(nn_graph *graph, const char *name, nn_node *x, int units,
                      nn_recurrent_layer_args args)
{
    return layer_of(&gru, graph, name, x, units, &args);
}

nn_node *nn_lstm_layer(nn_graph *graph, const char *name, nn_node *x, int units,
                       nn_recurrent_layer_args args)
{
    return layer_of(&lstm, graph, name, x, units, &args);
}
