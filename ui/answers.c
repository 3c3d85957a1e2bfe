#include "ui/answers.h"

#include "engine/exec.h"
#include "engine/models/models.h"
#include "engine/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

/* --- the network -------------------------------------------------------------------------------
 */

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_network network;
    nn_node *features;
    nn_pool *pool;
    nn_exec *exec;
} asked;

static void free_asked(asked *a)
{
    nn_exec_free(a->exec);
    nn_pool_free(a->pool);
    nn_graph_free(a->graph);
    nn_model_free(a->model);
}

/* Back from the logits to the first node that has weights of its own: what flows into that. */
static nn_node *find_features(nn_node *logits)
{
    const nn_node *node = logits;
    for (int depth = 0; depth < 8 && node; depth++) {
        bool weights = false;
        for (int i = 1; i < nn_node_input_count(node); i++)
            weights = weights || (nn_node_input(node, i) && nn_node_param(nn_node_input(node, i)) &&
                                  nn_node_shape(nn_node_input(node, i)).rank >= 2);
        const nn_node *before = nn_node_input_count(node) > 0 ? nn_node_input(node, 0) : NULL;
        if (weights)
            return (nn_node *)before;
        node = before;
    }
    return logits;
}

static nn_status load_weights(asked *a, const char *path, nn_error *error)
{
    nn_tensors *tensors = nn_tensors_read(path, error);
    if (!tensors)
        return error->code;
    nn_status status = NN_OK;
    for (int i = 0; i < nn_model_count(a->model) && status == NN_OK; i++) {
        nn_param *param = nn_model_at(a->model, i);
        char average[NN_NAME_MAX + 16];
        snprintf(average, sizeof average, "average.%s", nn_param_name(param));
        /* Where a moving average is kept, it is what was judged. */
        if (nn_tensors_load(tensors, average, nn_param_shape(param), nn_param_data(param), NULL) ==
            NN_OK)
            continue;
        status = nn_tensors_load(tensors, nn_param_name(param), nn_param_shape(param),
                                 nn_param_data(param), error);
    }
    nn_tensors_free(tensors);
    return status;
}

static nn_status build(asked *a, const char *model, const nn_dataset *data, nn_error *error)
{
    a->model = nn_model_new(1);
    a->graph = a->model ? nn_graph_new(a->model) : NULL;
    a->pool = nn_pool_new(0, error);
    if (!a->graph || !a->pool)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the network '%.60s'", model);
    nn_status status = nn_describe(a->graph, model, nn_dataset_sample(data),
                                   nn_dataset_classes(data), 0, &a->network, error);
    if (status != NN_OK)
        return status;
    a->features = find_features(a->network.logits);
    nn_node *also[] = {a->network.logits, a->features};
    a->exec = nn_compile(a->graph, a->network.loss, also, a->features == also[0] ? 1 : 2, a->pool,
                         (nn_exec_args){.batch = BATCH}, error);
    return a->exec ? NN_OK : error->code;
}

/* --- asking ------------------------------------------------------------------------------------
 */

static void softmax(const nn_real *logits, int64_t width, int classes, float *probability)
{
    if (width == 1) { /* the one logit of a binary head */
        double p = 1 / (1 + exp(-(double)logits[0]));
        probability[0] = (float)(1 - p);
        probability[1] = (float)p;
        return;
    }
    double largest = (double)logits[0], sum = 0;
    for (int k = 1; k < classes; k++)
        largest = fmax(largest, (double)logits[k]);
    for (int k = 0; k < classes; k++)
        sum += exp((double)logits[k] - largest);
    for (int k = 0; k < classes; k++)
        probability[k] = (float)(exp((double)logits[k] - largest) / sum);
}

static nn_status take_memory(const asked *a, const nn_dataset *data, nn_part part, answers *found,
                             nn_error *error)
{
    found->count = nn_dataset_count(data, part);
    found->classes = nn_dataset_classes(data);
    found->width = nn_shape_row(nn_node_shape(a->features));
    size_t count = (size_t)found->count + 1;
    found->probability = calloc(count * (size_t)found->classes, sizeof *found->probability);
    found->feature = calloc(count * (size_t)found->width, sizeof *found->feature);
    return found->probability && found->feature
               ? NN_OK
               : nn_fail(error, NN_E_NOMEM, "out of memory for the answers of %lld examples",
                         (long long)found->count);
}

static nn_status ask_all(asked *a, const nn_dataset *data, nn_part part, answers *found,
                         nn_error *error)
{
    nn_status status = take_memory(a, data, part, found, error);
    for (int64_t first = 0; first < found->count && status == NN_OK; first += BATCH) {
        int64_t left = found->count - first, rows = left < BATCH ? left : BATCH;
        status = nn_exec_rows(a->exec, (int)rows, error);
        if (status != NN_OK)
            break;
        nn_dataset_gather(data, part, NULL, first, rows, nn_exec_feed(a->exec, a->network.x),
                          nn_exec_feed(a->exec, a->network.labels));
        nn_forward(a->exec);
        nn_view logits = nn_value(a->exec, a->network.logits);
        nn_view features = nn_value(a->exec, a->features);
        int64_t width = nn_shape_row(logits.shape);
        const nn_real *logit = logits.data, *feature = features.data;
        for (int64_t i = 0; i < rows; i++) {
            softmax(logit + i * width, width, found->classes,
                    found->probability + (first + i) * found->classes);
            for (int64_t k = 0; k < found->width; k++)
                found->feature[(first + i) * found->width + k] =
                    (float)feature[i * found->width + k];
        }
    }
    return status;
}

nn_status answers_ask(store *s, run_id run, const nn_dataset *data, nn_part part, answers *found,
                      nn_error *error)
{
    run_row row;
    nn_error problem = {0};
    asked a = {0};
    *found = (answers){0};
    nn_status status = store_run(s, run, &row, &problem);
    bool best = part == NN_TEST || (part == NN_TRAIN_DEV && !isnan(row.test_error));
    const char *path = best && row.best_checkpoint[0] ? row.best_checkpoint : row.last_checkpoint;
    if (status == NN_OK && !path[0])
        status = nn_fail(&problem, NN_E_MISSING, "run %lld kept no weights to ask again",
                         (long long)run);
    if (status == NN_OK)
        status = build(&a, row.model, data, &problem);
    if (status == NN_OK)
        status = load_weights(&a, path, &problem);
    if (status == NN_OK)
        status = ask_all(&a, data, part, found, &problem);
    free_asked(&a);
    if (status != NN_OK) {
        answers_free(found);
        nn_fail(error, status, "%s", problem.text);
    }
    return status;
}

void answers_free(answers *found)
{
    free(found->probability);
    free(found->feature);
    *found = (answers){0};
}

/* --- neighbours --------------------------------------------------------------------------------
 */

/* Inserts into the list of the nearest so far. */
static int insert(int64_t place, double far, int filled, int count, int64_t *nearest,
                  double *distance)
{
    int at = filled;
    while (at > 0 && distance[at - 1] > far)
        at--;
    if (at >= count)
        return filled;
    int last = filled < count ? filled : count - 1;
    memmove(nearest + at + 1, nearest + at, (size_t)(last - at) * sizeof *nearest);
    memmove(distance + at + 1, distance + at, (size_t)(last - at) * sizeof *distance);
    nearest[at] = place;
    distance[at] = far;
    return filled < count ? filled + 1 : count;
}

static double gap_of_features(const answers *found, int64_t a, int64_t b)
{
    const float *x = found->feature + a * found->width, *y = found->feature + b * found->width;
    double sum = 0;
    for (int64_t k = 0; k < found->width; k++)
        sum += ((double)x[k] - (double)y[k]) * ((double)x[k] - (double)y[k]);
    return sqrt(sum);
}

int answers_nearest(const answers *found, const nn_dataset *data, nn_part part, int64_t place,
                    int count, int64_t *nearest, double *distance)
{
    int64_t all = nn_dataset_count(data, part), row = nn_shape_count(nn_dataset_sample(data));
    nn_real *x = malloc((size_t)row * sizeof *x), *y = malloc((size_t)row * sizeof *y);
    int filled = 0;
    int32_t label;
    if (!x || !y) {
        free(x);
        free(y);
        return -1;
    }
    nn_dataset_gather(data, part, NULL, place, 1, x, &label);
    for (int64_t i = 0; i < all; i++) {
        double sum = 0;
        if (i == place)
            continue;
        if (!found) {
            nn_dataset_gather(data, part, NULL, i, 1, y, &label);
            for (int64_t k = 0; k < row; k++)
                sum += (double)(x[k] - y[k]) * (double)(x[k] - y[k]);
        }
        filled = insert(i, found ? gap_of_features(found, place, i) : sqrt(sum), filled, count,
                        nearest, distance);
    }
    free(x);
    free(y);
    return filled;
}
