/* `gradus models`: the networks by name, and any network layer by layer. */
#include "engine/exec.h"
#include "engine/models/catalogue.h"
#include "engine/models/models.h"
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json;
    const char *sample;
    int classes, slim, batch;
} models_settings;

#define FIELD(name) offsetof(models_settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"sample", OPTION_TEXT, "SHAPE", FIELD(sample), 0,
     "of one example, such as 1x28x28 (default: the network's own)", NULL},
    {"classes", OPTION_INTEGER, "N", FIELD(classes), 2,
     "or words of the vocabulary (default: the network's own)", NULL},
    {"slim", OPTION_INTEGER, "N", FIELD(slim), 1, "divide every width by N (default 1)", NULL},
    {"batch", OPTION_INTEGER, "N", FIELD(batch), 1,
     "examples a step, for the memory of training (default 64)", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- one network --------------------------------------------------------------------------------
 */

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_assembly made;
} network;

static void free_network(network *n)
{
    nn_graph_free(n->graph);
    nn_model_free(n->model);
}

static nn_status build_network(network *n, const char *text, nn_model_size size, nn_error *error)
{
    *n = (network){.model = nn_model_outline()};
    n->graph = n->model ? nn_graph_new(n->model) : NULL;
    if (!n->graph)
        return nn_fail(error, NN_E_NOMEM, "no memory for a graph");
    return nn_model_build(n->graph, text, size, &n->made, error);
}

/* Bytes of a training plan; -1 where the plan cannot be made. */
static int64_t training_bytes(const network *n, int batch, nn_error *error)
{
    nn_exec_args args = {.batch = batch, .training = true, .seed = 1};
    size_t bytes = 0;
    nn_status status = nn_plan_bytes(n->graph, n->made.loss, (nn_node *[]){n->made.output}, 1, args,
                                     &bytes, error);
    return status == NN_OK ? (int64_t)bytes : -1;
}

/* The shape of one example; "scalar" for one number of the whole batch. */
static const char *sample_text(const nn_node *node, char text[NN_SHAPE_TEXT])
{
    nn_shape shape = nn_node_shape(node);
    if (shape.rank > 1 && shape.dim[0] == NN_BATCH)
        shape = nn_shape_of(shape.rank - 1, shape.dim + 1);
    else if (shape.rank == 1 && shape.dim[0] == NN_BATCH)
        shape = nn_shape_of(0, NULL);
    return nn_shape_text(shape, text);
}

static void json_sample(json_out *json, const char *key, const nn_node *node)
{
    nn_shape shape = nn_node_shape(node);
    json_open(json, key, '[');
    for (int i = shape.rank > 0 && shape.dim[0] == NN_BATCH; i < shape.rank; i++)
        json_whole(json, NULL, shape.dim[i]);
    json_close(json, ']');
}

/* Trainable numbers that the node reads itself; a parameter shared with an earlier node counts
 * there. */
static int64_t own_parameters(const nn_graph *graph, const nn_node *node)
{
    int64_t sum = 0;
    for (int i = 0; i < nn_node_input_count(node); i++) {
        const nn_node *input = nn_node_input(node, i);
        nn_param *param = input ? nn_node_param(input) : NULL;
        if (!param || nn_param_is_buffer(param))
            continue;
        bool first = true;
        for (int k = 0; k < nn_graph_count(graph) && first; k++) {
            const nn_node *other = nn_graph_at(graph, k);
            if (other == node)
                break;
            for (int j = 0; j < nn_node_input_count(other) && first; j++)
                first = nn_node_input(other, j) != input;
        }
        sum += first ? nn_shape_count(nn_param_shape(param)) : 0;
    }
    return sum;
}

static bool is_parameter(const nn_node *node)
{
    return nn_node_param(node) != NULL;
}

/* --- show ---------------------------------------------------------------------------------------
 */

static void show_table(const network *n)
{
    char text[NN_SHAPE_TEXT];
    printf("%-26s %-22s %16s %12s %14s\n", "layer", "operator", "output", "parameters",
           "multiply-adds");
    for (int i = 0; i < nn_graph_count(n->graph); i++) {
        const nn_node *node = nn_graph_at(n->graph, i);
        if (is_parameter(node))
            continue;
        printf("%-26s %-22s %16s %12lld %14lld\n", nn_node_name(node), nn_node_op(node),
               sample_text(node, text), (long long)own_parameters(n->graph, node),
               (long long)nn_node_multiply_adds(node));
    }
}

static void json_layers(json_out *json, const network *n)
{
    json_open(json, "layers", '[');
    for (int i = 0; i < nn_graph_count(n->graph); i++) {
        const nn_node *node = nn_graph_at(n->graph, i);
        if (is_parameter(node))
            continue;
        json_open(json, NULL, '{');
        json_text(json, "name", nn_node_name(node));
        json_text(json, "operator", nn_node_op(node));
        json_sample(json, "output", node);
        json_whole(json, "parameters", own_parameters(n->graph, node));
        json_whole(json, "multiply_adds", nn_node_multiply_adds(node));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_summary(json_out *json, const char *name, const network *n)
{
    json_text(json, "name", name);
    json_open(json, "inputs", '[');
    for (int i = 0; i < n->made.feeds; i++) {
        json_open(json, NULL, '{');
        json_text(json, "name", nn_node_name(n->made.feed[i].node));
        json_sample(json, "sample", n->made.feed[i].node);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_sample(json, "output", n->made.output);
    json_whole(json, "parameters", nn_model_parameters(n->model));
    json_whole(json, "multiply_adds", nn_graph_multiply_adds(n->graph));
}

static int show(const char *name, const models_settings *settings, nn_model_size size)
{
    network n;
    nn_error error = {NN_OK, ""};
    char text[NN_SHAPE_TEXT];
    if (build_network(&n, name, size, &error) != NN_OK) {
        complain("%s", error.text);
        free_network(&n);
        return EXIT_FAILED;
    }
    int64_t bytes = training_bytes(&n, settings->batch, &error);
    bool written = true;
    if (settings->json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_summary(&json, name, &n);
        json_whole(&json, "weight_bytes", nn_model_parameters(n.model) * 4);
        json_whole(&json, "batch", settings->batch);
        bytes < 0 ? json_null(&json, "training_bytes") : json_whole(&json, "training_bytes", bytes);
        json_layers(&json, &n);
        json_close(&json, '}');
        written = json_line(&json);
    } else {
        show_table(&n);
        printf("\n%lld parameters (%.1f MB), %lld multiply-adds an example, output %s\n",
               (long long)nn_model_parameters(n.model), (double)nn_model_parameters(n.model) * 4e-6,
               (long long)nn_graph_multiply_adds(n.graph), sample_text(n.made.output, text));
        if (bytes < 0)
            printf("training with batches of %d: %s\n", settings->batch, error.text);
        else
            printf("training with batches of %d: %.1f MB of activations, gradients and scratch\n",
                   settings->batch, (double)bytes * 1e-6);
    }
    free_network(&n);
    return written ? EXIT_OK : EXIT_FAILED;
}

/* --- list ---------------------------------------------------------------------------------------
 */

/* Name and words of the i-th network: those by description first. False behind the last. */
static bool listed(int i, const char **name, const char **what)
{
    const nn_model_info *described;
    int count = nn_model_list(&described);
    if (i < count) {
        *name = described[i].name;
        *what = described[i].what;
        return true;
    }
    const nn_architecture *kind = nn_architecture_at(i - count);
    if (kind) {
        *name = kind->name;
        *what = kind->what;
    }
    return kind != NULL;
}

static void list_one(json_out *json, const char *name, const char *what, nn_model_size size)
{
    network n;
    nn_error error = {NN_OK, ""};
    char input[NN_SHAPE_TEXT], output[NN_SHAPE_TEXT];
    bool fits = build_network(&n, name, size, &error) == NN_OK;
    if (json) {
        json_open(json, NULL, '{');
        if (fits)
            json_summary(json, name, &n);
        else
            json_text(json, "name", name);
        json_text(json, "what", what);
        if (!fits)
            json_text(json, "error", error.text);
        json_close(json, '}');
    } else if (fits) {
        printf("%-17s %12lld %15lld %10s %10s  %s\n", name, (long long)nn_model_parameters(n.model),
               (long long)nn_graph_multiply_adds(n.graph), sample_text(n.made.feed[0].node, input),
               sample_text(n.made.output, output), what);
    } else {
        printf("%-17s does not fit: %s\n", name, error.text);
    }
    free_network(&n);
}

static int list(const models_settings *settings, nn_model_size size)
{
    const char *name, *what;
    json_out json = {.out = stdout};
    if (settings->json) {
        json_open(&json, NULL, '{');
        json_open(&json, "models", '[');
    } else {
        printf("%-17s %12s %15s %10s %10s\n", "name", "parameters", "multiply-adds", "input",
               "output");
    }
    for (int i = 0; listed(i, &name, &what); i++)
        list_one(settings->json ? &json : NULL, name, what, size);
    if (settings->json) {
        json_close(&json, ']');
        json_close(&json, '}');
        return json_line(&json) ? EXIT_OK : EXIT_FAILED;
    }
    puts("\n`gradus models show NAME` prints the layers; NAME/4 has a quarter of the widths.");
    return EXIT_OK;
}

/* "1x28x28" */
static bool read_shape(const char *text, nn_shape *shape)
{
    *shape = (nn_shape){0};
    while (*text) {
        char *end;
        long size = strtol(text, &end, 10);
        if (*text < '0' || *text > '9' || size < 1 || size > 1 << 20 ||
            shape->rank == NN_MAX_DIMS - 1 || (*end && *end != 'x') || (*end && !end[1]))
            return false;
        shape->dim[shape->rank++] = size;
        text = *end ? end + 1 : end;
    }
    return shape->rank > 0;
}

static int run(int argc, char **argv)
{
    models_settings settings = {.slim = 1, .batch = 64};
    arguments found;
    int status;
    if (!options_begin(&command_models, argc, argv, &settings, &found, 0, 2, &status))
        return status;
    nn_model_size size = {.classes = settings.classes, .slim = settings.slim};
    if (settings.sample && !read_shape(settings.sample, &size.sample))
        return wrong_usage(&command_models, "--sample %.40s: expected sizes such as 3x224x224",
                           settings.sample);
    const char *verb = found.count ? found.word[0] : "list";
    if (strcmp(verb, "list") == 0 && found.count < 2)
        return list(&settings, size);
    if (strcmp(verb, "show") == 0 && found.count == 2)
        return show(found.word[1], &settings, size);
    return wrong_usage(&command_models, "expected `models list` or `models show NAME`");
}

const program_command command_models = {
    .name = "models",
    .arguments = "[list | show NAME|LAYERS]",
    .summary = "Lists networks with their sizes, or shows one layer by layer.",
    .details = "Parameters are trainable numbers; multiply-adds are those of one example,\n"
               "forward.",
    .options = options,
    .words = "list show",
    .run = run,
};
