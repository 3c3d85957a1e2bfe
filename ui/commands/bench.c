/* `gradus bench`: how fast this machine trains, beside how fast it multiplies matrices. */
#include "engine/blas.h"
#include "engine/data/dataset.h"
#include "engine/models/catalogue.h"
#include "engine/optimizer.h"
#include "engine/rng.h"
#include "ui/commands/bench_text.h"
#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    int threads, steps, shards;
    bool json;
} bench_settings;

#define FIELD(name) offsetof(bench_settings, name)
static const option options[] = {
    {"threads", OPTION_INTEGER, "N", FIELD(threads), 1, "(default 1)", NULL},
    {"steps", OPTION_INTEGER, "N", FIELD(steps), 10, "timed steps (default 300)", NULL},
    {"shards", OPTION_INTEGER, "N", FIELD(shards), 1, "(default: chosen)", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "JSON lines, as always", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* What the examples are: pictures or random tokens, or those that word vectors take from a text;
 * pictures to judge, not to learn from. */
typedef enum { IMAGES, SKIP_GRAM, MEETINGS, INFERENCE } source;

/* Networks of `gradus models`, or a line of layers. */
typedef struct {
    const char *name;
    int batch;
    const char *network;
    nn_shape sample;
    int classes;
    source from;
} workload;

#define FASHION {3, {1, 28, 28}}, 10, IMAGES
#define TOKENS  {1, {64}}, 96, IMAGES
#define TEXT    {0, {0}}, VOCABULARY
enum { VOCABULARY = 10000 };
static const workload workloads[] = {
    {"logreg", 128, "logreg", FASHION},
    {"mlp", 128, "flatten | dense 512 | relu | dense 256 | relu | dense 10", FASHION},
    {"mlp128", 64, "mlp", FASHION},
    {"lenet", 64, "lenet5", FASHION},
    {"cnn8", 64,
     "conv 8 5x5 | relu | maxpool 2 | conv 16 5x5 | relu | maxpool 2 | flatten | dense 10",
     FASHION},
    {"vgg", 64, "vgg-small", FASHION},
    {"resnet", 64, "resnet8", FASHION},
    {"lstm", 64, "lstm", FASHION},
    {"gpt", 16, "gpt-small", TOKENS},
    {"gpt64", 8, "gpt-tiny", TOKENS},
    {"sgns", 2048, "skip-gram", TEXT, SKIP_GRAM},
    {"glove", 2048, "glove", TEXT, MEETINGS},
    {"infer-lenet", 64, "lenet5", {3, {1, 28, 28}}, 10, INFERENCE},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static bool of_text(const workload *w)
{
    return w->from == SKIP_GRAM || w->from == MEETINGS;
}

enum { EXAMPLES = 4096, PIXELS = 28 * 28, WARM_UP = 10, CHUNKS = 15, PEAK_SIDE = 1024 };
#define RATE 1e-3

/* Batches ready in memory: the bench measures the engine, not the reader. */
typedef struct {
    nn_real *x;
    int32_t *y;
    bench_text *text;
} bench_data;

static bool load_data(bench_data *data)
{
    data->x = malloc(sizeof *data->x * EXAMPLES * PIXELS);
    data->y = malloc(sizeof *data->y * EXAMPLES);
    if (!data->x || !data->y)
        return false;
    nn_data_args args = {.dev = 0.1, .seed = 1, .limit = EXAMPLES};
    nn_dataset *fashion = nn_dataset_open("fashion-mnist", &args, NULL);
    if (fashion && nn_dataset_count(fashion, NN_TRAIN) >= EXAMPLES) {
        nn_dataset_gather(fashion, NN_TRAIN, NULL, 0, EXAMPLES, data->x, data->y);
    } else { /* not installed: noise takes the same time */
        for (uint32_t i = 0; i < EXAMPLES * PIXELS; i++)
            data->x[i] = (nn_real)nn_normal_at(1, nn_stream_of("bench"), 0, i);
        for (uint32_t i = 0; i < EXAMPLES; i++)
            data->y[i] = (int32_t)(i % 10);
    }
    nn_dataset_free(fashion);
    return true;
}

static void free_data(bench_data *data)
{
    free(data->x);
    free(data->y);
    bench_text_free(data->text);
}

/* --- counting ----------------------------------------------------------------------------------
 */

static int index_of(const nn_graph *graph, const nn_node *node)
{
    for (int i = 0; i < nn_graph_count(graph); i++)
        if (nn_graph_at(graph, i) == node)
            return i;
    return -1;
}

/* Does any trainable parameter stand above the node? Then its derivative is computed. */
static bool needs_gradient(const nn_graph *graph, const nn_node *node)
{
    const nn_param *param = nn_node_param(node);
    if (param)
        return !nn_param_is_buffer(param) && !nn_param_frozen(param);
    for (int i = 0; i < nn_node_input_count(node); i++) {
        const nn_node *input = nn_node_input(node, i);
        if (input && index_of(graph, input) >= 0 && needs_gradient(graph, input))
            return true;
    }
    return false;
}

/* Floating-point operations of one example: forward, and in a training step backward. */
static double flops_of_example(const nn_graph *graph, bool learns)
{
    double multiply_adds = 0;
    for (int i = 0; i < nn_graph_count(graph); i++) {
        const nn_node *node = nn_graph_at(graph, i);
        int64_t forward = nn_node_multiply_adds(node);
        if (forward == 0)
            continue;
        unsigned wanted = 0;
        for (int k = 0; learns && k < nn_node_input_count(node); k++)
            if (nn_node_input(node, k) && needs_gradient(graph, nn_node_input(node, k)))
                wanted |= 1u << k;
        multiply_adds += (double)(forward + nn_node_backward_multiply_adds(node, wanted));
    }
    return 2 * multiply_adds;
}

/* --- timing ------------------------------------------------------------------------------------
 */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

typedef struct {
    nn_model *model;
    nn_graph *graph;
    nn_pool *pool;
    nn_exec *exec;
    nn_optimizer *optimizer;
    nn_assembly network;
    int step;
} trial;

static void free_trial(trial *t)
{
    nn_optimizer_free(t->optimizer);
    nn_exec_free(t->exec);
    nn_pool_free(t->pool);
    nn_graph_free(t->graph);
    nn_model_free(t->model);
}

/* The optimisers of the papers for word vectors. */
static const nn_optimizer_kind kind_of[] = {
    [IMAGES] = NN_ADAM, [SKIP_GRAM] = NN_SGD, [MEETINGS] = NN_ADAGRAD};

static nn_status make_trial(trial *t, const workload *w, const bench_settings *settings,
                            nn_error *error)
{
    *t = (trial){.model = nn_model_new(1)};
    t->graph = nn_graph_new(t->model);
    nn_model_size size = {.sample = w->sample, .classes = w->classes};
    nn_status status = nn_model_build(t->graph, w->network, size, &t->network, error);
    if (status != NN_OK)
        return status;
    t->pool = nn_pool_new(settings->threads, error);
    if (!t->pool)
        return NN_E_NOMEM;
    nn_exec_args args = {
        .batch = w->batch, .shards = settings->shards, .training = w->from != INFERENCE, .seed = 1};
    nn_node *root = args.training ? t->network.loss : t->network.output;
    t->exec = nn_compile(t->graph, root, NULL, 0, t->pool, args, error);
    if (!t->exec || !args.training)
        return t->exec ? NN_OK : NN_E_NOMEM;
    nn_optimizer_args how = {.kind = kind_of[w->from], .lr = RATE};
    t->optimizer = nn_optimizer_new(t->model, how, error);
    return t->optimizer ? NN_OK : NN_E_NOMEM;
}

static void feed_words(trial *t, const workload *w, const bench_data *data)
{
    void *to[3] = {NULL};
    for (int i = 0; i < t->network.feeds && i < 3; i++)
        to[i] = nn_exec_feed(t->exec, t->network.feed[i].node);
    if (w->from == MEETINGS)
        bench_text_meetings(data->text, w->batch, to[0], to[1], to[2]);
    else
        bench_text_pairs(data->text, w->batch,
                         (int)nn_shape_row(nn_node_shape(t->network.feed[1].node)) - 1, to[0],
                         to[1]);
}

/* Fashion-MNIST where the network takes 28x28 numbers and a label, else tokens drawn at random. */
static void feed_batch(trial *t, const workload *w, const bench_data *data)
{
    size_t rows = (size_t)w->batch;
    size_t first = (size_t)t->step % (EXAMPLES / rows) * rows;
    for (int i = 0; i < t->network.feeds; i++) {
        const nn_feed *feed = &t->network.feed[i];
        void *to = nn_exec_feed(t->exec, feed->node);
        size_t count = rows * (size_t)nn_shape_row(nn_node_shape(feed->node));
        int32_t *whole = to;
        if (feed->kind == NN_FEED_REAL)
            memcpy(to, data->x + first * PIXELS, sizeof(nn_real) * rows * PIXELS);
        else if (count == rows)
            memcpy(to, data->y + first, sizeof *whole * rows);
        else
            for (size_t k = 0; k < count; k++)
                whole[k] = feed->low +
                           (int32_t)(nn_uniform_at(1, (uint32_t)i, (uint64_t)t->step, (uint32_t)k) *
                                     (feed->high - feed->low));
    }
}

static nn_status run_steps(trial *t, const workload *w, const bench_data *data, int count,
                           nn_error *error)
{
    for (int i = 0; i < count; i++, t->step++) {
        if (of_text(w))
            feed_words(t, w, data);
        else
            feed_batch(t, w, data);
        nn_status status = nn_exec_rows(t->exec, w->batch, error);
        nn_exec_step(t->exec, (uint64_t)t->step);
        if (status == NN_OK)
            nn_forward(t->exec);
        if (status == NN_OK && t->optimizer)
            status = nn_backward(t->exec, error);
        if (status != NN_OK)
            return status;
        if (t->optimizer)
            nn_optimizer_step(t->optimizer, t->exec, t->pool, RATE);
    }
    return NN_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median over chunks of the seconds a step takes. */
static nn_status time_steps(trial *t, const workload *w, const bench_data *data, int steps,
                            double *seconds, nn_error *error)
{
    double chunk[CHUNKS];
    int chunks = steps < CHUNKS ? steps : CHUNKS;
    int each = steps / chunks;
    nn_status status = run_steps(t, w, data, WARM_UP, error);
    for (int i = 0; i < chunks && status == NN_OK; i++) {
        double start = now();
        status = run_steps(t, w, data, each, error);
        chunk[i] = (now() - start) / each;
    }
    if (status == NN_OK) {
        qsort(chunk, (size_t)chunks, sizeof *chunk, compare_doubles);
        *seconds = chunk[chunks / 2];
    }
    return status;
}

/* `whole`: of inference, the seconds of a whole batch, and `batch` rows in it. */
static bool print_result(const workload *w, const trial *t, const bench_data *data, double seconds,
                         double peak, double whole, int batch)
{
    int threads = nn_pool_threads(t->pool), shards = nn_exec_shards(t->exec);
    int busy = threads < shards ? threads : shards;
    double flops = flops_of_example(t->graph, t->optimizer) * w->batch;
    double gflops = flops / seconds * 1e-9;
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "workload", w->name);
    json_whole(&json, "threads", threads);
    json_whole(&json, "shards", shards);
    json_whole(&json, "batch", w->batch);
    json_number(&json, "examples_per_s", w->batch / seconds);
    if (w->from == SKIP_GRAM) /* words of the text that were in the middle */
        json_number(&json, "words_per_s", bench_text_read(data->text) / t->step / seconds);
    json_number(&json, "ms_per_step", seconds * 1e3);
    if (w->from == INFERENCE) {
        json_number(&json, "latency_us", seconds * 1e6);
        json_whole(&json, "batched", batch);
        json_number(&json, "batched_examples_per_s", batch / whole);
    }
    json_number(&json, "gflops", gflops);
    json_number(&json, "peak_gflops", peak);
    json_number(&json, "share", gflops / (peak * busy));
    json_whole(&json, "parameters", nn_model_parameters(t->model));
    json_whole(&json, "bytes", (int64_t)nn_exec_bytes(t->exec));
    json_close(&json, '}');
    return json_line(&json);
}

static nn_status time_workload(trial *t, const workload *w, const bench_settings *settings,
                               const bench_data *data, double *seconds, nn_error *error)
{
    nn_status status = make_trial(t, w, settings, error);
    return status == NN_OK ? time_steps(t, w, data, settings->steps, seconds, error) : status;
}

static nn_status bench_one(const workload *w, const bench_settings *settings, bench_data *data,
                           nn_error *error)
{
    if (of_text(w) && !data->text && !(data->text = bench_text_new(VOCABULARY)))
        return nn_fail(error, NN_E_NOMEM, "no memory");
    trial t;
    workload timed = *w;
    double seconds = 0, whole = 0;
    nn_status status = NN_OK;
    if (w->from == INFERENCE) { /* batches first; then the latency, of one example at a time */
        status = time_workload(&t, w, settings, data, &whole, error);
        free_trial(&t);
        timed.batch = 1;
    }
    if (status != NN_OK)
        return status;
    /* The peak on both sides of the timing, the better one: the machine may have other work. */
    double peak = nn_blas_peak_gflops(PEAK_SIDE, 3);
    status = time_workload(&t, &timed, settings, data, &seconds, error);
    double again = nn_blas_peak_gflops(PEAK_SIDE, 3);
    peak = again > peak ? again : peak;
    if (status == NN_OK && !print_result(&timed, &t, data, seconds, peak, whole, w->batch))
        status = nn_fail(error, NN_E_IO, "stdout cannot be written");
    free_trial(&t);
    return status;
}

#define WORDS "logreg mlp mlp128 lenet cnn8 vgg resnet lstm gpt gpt64 sgns glove infer-lenet"
static int unknown_workload(const char *word)
{
    const char *names[WORKLOADS];
    for (int i = 0; i < WORKLOADS; i++)
        names[i] = workloads[i].name;
    const char *near = nearest_word(word, names, WORKLOADS);
    return wrong_usage(&command_bench, "unknown workload '%.40s': %s%s", word,
                       near ? "did you mean " : "expected one of " WORDS, near ? near : "");
}

static int run(int argc, char **argv)
{
    bench_settings settings = {.threads = 1, .steps = 300};
    arguments found;
    nn_error error = {0};
    int status;
    if (!options_begin(&command_bench, argc, argv, &settings, &found, 0, 1, &status))
        return status;
    const workload *only = NULL;
    for (int i = 0; i < WORKLOADS && found.count; i++)
        if (strcmp(workloads[i].name, found.word[0]) == 0)
            only = &workloads[i];
    if (found.count && !only)
        return unknown_workload(found.word[0]);
    nn_blas_prepare();
    bench_data data = {0};
    nn_status result = load_data(&data) ? NN_OK : nn_fail(&error, NN_E_NOMEM, "no memory");
    for (int i = 0; i < WORKLOADS && result == NN_OK; i++)
        if (!only || only == &workloads[i])
            result = bench_one(&workloads[i], &settings, &data, &error);
    free_data(&data);
    if (result != NN_OK)
        complain("%s", error.text);
    return result == NN_OK ? EXIT_OK : EXIT_FAILED;
}

const program_command command_bench = {
    .name = "bench",
    .arguments = "[WORKLOAD]",
    .summary = "Measures training speed beside the peak of one thread's matrix product.",
    .details = "One JSON line a workload. share is gflops / (peak_gflops x threads at work);\n"
               "operations are those of forward, weight gradients, and input gradients where a\n"
               "layer below learns. Steps are whole: forward, backward, Adam.\n"
               "sgns and glove learn vectors of 100 numbers for 10,000 words that are as\n"
               "frequent as in real texts (Zipf), window 5, with SGD and AdaGrad. Drawing pairs\n"
               "and 5 negatives is in the time of sgns; an example is a pair, words_per_s counts\n"
               "words of the text. An example of glove is an entry of its table of counts.\n"
               "infer-lenet only judges: latency_us is of one picture alone,\n"
               "batched_examples_per_s of 64 at a time.",
    .options = options,
    .words = WORDS,
    .run = run,
};
