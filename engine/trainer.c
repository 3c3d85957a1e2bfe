#include "engine/trainer.h"

#include "engine/losses.h"
#include "engine/patterns.h"
#include "engine/safetensors.h"
#include "engine/training.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* --- events --------------------------------------------------------------------------------- */

double nn_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *nn_train_state_name(nn_train_state state)
{
    static const char *const names[] = {"running", "paused",   "evaluating", "finished",
                                        "stopped", "diverged", "failed"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "unknown";
}

nn_event nn_trainer_event(const nn_trainer *trainer, nn_event_kind kind)
{
    return (nn_event){
        .kind = kind,
        .state = trainer->state,
        .step = trainer->progress.step,
        .epoch = trainer->progress.epoch + 1,
        .seconds = nn_clock() - trainer->started,
        .loss = NAN,
        .error = NAN,
        .train_loss = NAN,
        .train_error = NAN,
        .dev_loss = NAN,
        .dev_error = NAN,
        .test_error = NAN,
        .lr = NAN,
        .gradient_norm = NAN,
        .update_ratio = NAN,
        .examples_per_s = NAN,
        .value = NAN,
        .old_value = NAN,
        .best_epoch = trainer->best_epoch,
        .best_dev_error = trainer->best_dev_error,
    };
}

void nn_trainer_emit(nn_trainer *trainer, nn_event *event)
{
    for (int i = 0; i < trainer->listener_count; i++) {
        nn_evaluation_keep(event->evaluation);
        nn_outbox_put(&trainer->listeners[i], event);
    }
}

void nn_trainer_note(nn_trainer *trainer, const char *format, ...)
{
    nn_event event = nn_trainer_event(trainer, NN_EVENT_NOTE);
    va_list list;
    va_start(list, format);
    vsnprintf(event.text, sizeof event.text, format, list);
    va_end(list);
    nn_trainer_emit(trainer, &event);
}

void nn_trainer_enter(nn_trainer *trainer, nn_train_state state)
{
    if (trainer->state == state)
        return;
    trainer->state = state;
    nn_event event = nn_trainer_event(trainer, NN_EVENT_STATE);
    nn_trainer_emit(trainer, &event);
}

/* --- making --------------------------------------------------------------------------------- */

static nn_status check(nn_train_args *args, nn_error *error)
{
    if (args->batch == 0)
        args->batch = 64;
    if (args->epochs == 0)
        args->epochs = 10;
    if (args->batch < 1 || args->batch > 1 << 20)
        return nn_fail(error, NN_E_ARG, "batch %d: expected 1 to %d", args->batch, 1 << 20);
    if (args->accumulate == 0)
        args->accumulate = 1;
    if (args->accumulate < 1 || args->accumulate > 1 << 16)
        return nn_fail(error, NN_E_ARG, "accumulate %d: expected 1 to %d batches a step",
                       args->accumulate, 1 << 16);
    if (args->epochs < 1 || args->epochs > 100000000)
        return nn_fail(error, NN_E_ARG, "epochs %d: expected 1 to 100000000", args->epochs);
    if (!(args->dropout >= 0 && args->dropout < 1))
        return nn_fail(error, NN_E_ARG, "dropout %g: expected 0 or more, below 1", args->dropout);
    if (args->patience < 0 || !(args->min_delta >= 0 && isfinite(args->min_delta)))
        return nn_fail(error, NN_E_ARG,
                       "early stopping: patience %d and delta %g, expected numbers from 0 on",
                       args->patience, args->min_delta);
    if (args->patience > 0 && nn_dataset_count(args->data, NN_DEV) < 1)
        return nn_fail(error, NN_E_ARG,
                       "patience %d: it waits for the dev loss, and data '%s' has no dev part",
                       args->patience, nn_dataset_name(args->data));
    if (args->schedule.kind == NN_SCHEDULE_PLATEAU && nn_dataset_count(args->data, NN_DEV) < 1)
        return nn_fail(error, NN_E_ARG,
                       "schedule plateau: it waits for the dev loss, and data '%s' has no dev part",
                       nn_dataset_name(args->data));
    return NN_OK;
}

/* A true resume keeps the settings it was saved with; only the number of epochs may grow. */
static nn_status follow(nn_train_args *args, const nn_saved *saved, nn_error *error)
{
    if (strcmp(args->model, saved->model) != 0)
        return nn_fail(error, NN_E_ARG,
                       "checkpoint '%.120s' is of the model '%.60s', not '%.60s'; name the same "
                       "model",
                       args->resume, saved->model, args->model);
    if (strcmp(nn_dataset_fingerprint(args->data), saved->fingerprint) != 0)
        return nn_fail(error, NN_E_ARG,
                       "checkpoint '%.120s' was trained on other data (%.20s, these are %.20s); "
                       "open the same data with the same split, or branch",
                       args->resume, saved->fingerprint, nn_dataset_fingerprint(args->data));
    args->optimizer = saved->optimizer;
    args->schedule = saved->schedule;
    args->dropout = saved->dropout;
    args->batch = saved->batch;
    args->shards = saved->shards;
    args->seed = saved->seed;
    args->rates = saved->rates;
    args->freeze = NULL; /* the checkpoint says it parameter by parameter */
    args->sampling = saved->sampling;
    args->augment = saved->augment;
    args->accumulate = saved->accumulate;
    args->patience = saved->patience;
    args->min_delta = saved->min_delta;
    if (args->epochs == 0)
        args->epochs = saved->epochs;
    return NN_OK;
}

/* Logits for the error, and the ReLU outputs, which backward needs anyway, for the health panel. */
static nn_exec *compile_training(nn_trainer *trainer, nn_error *error)
{
    nn_node *also[NN_RELUS + 1] = {trainer->network.logits};
    int count = 1;
    for (int i = 0; i < trainer->health.relus; i++)
        if (trainer->health.relu[i] != trainer->network.logits)
            also[count++] = (nn_node *)trainer->health.relu[i];
    nn_exec_args args = {.batch = trainer->args.batch,
                         .shards = trainer->args.shards,
                         .training = true,
                         .seed = trainer->args.seed};
    return nn_compile(trainer->graph, trainer->training_loss, also, count, trainer->pool, args,
                      error);
}

nn_status nn_trainer_recompile(nn_trainer *trainer, nn_error *error)
{
    nn_error why = {.code = NN_E_NOMEM};
    trainer->args.shards = trainer->facts.shards;
    nn_exec *exec = compile_training(trainer, &why);
    if (!exec)
        return nn_fail(error, why.code, "%s", why.text);
    nn_exec_free(trainer->exec);
    trainer->exec = exec;
    return isnan(trainer->live_dropout) ? NN_OK
                                        : nn_exec_set_dropout(exec, trainer->live_dropout, error);
}

static nn_exec *compile_evaluation(nn_trainer *trainer, nn_error *error)
{
    int64_t largest = 1;
    for (int part = 0; part < NN_PARTS; part++) {
        int64_t count = nn_dataset_count(trainer->args.data, (nn_part)part);
        largest = count > largest ? count : largest;
    }
    nn_exec_args args = {.batch =
                             largest < NN_EVALUATION_BATCH ? (int)largest : NN_EVALUATION_BATCH};
    return nn_compile(trainer->graph, trainer->network.loss, &trainer->network.logits, 1,
                      trainer->pool, args, error);
}

/* Mixup's labels are shares of classes, so its training ends in another loss than evaluation. */
static nn_status choose_loss(nn_trainer *trainer, const nn_augmentation *changes, nn_error *error)
{
    nn_network *network = &trainer->network;
    trainer->training_loss = network->loss;
    if (nn_augmentation_mixup(changes) == 0)
        return NN_OK;
    nn_shape logits = nn_node_shape(network->logits);
    int classes = nn_dataset_classes(trainer->args.data);
    if (logits.rank != 2 || logits.dim[1] != classes)
        return nn_fail(error, NN_E_SHAPE,
                       "augment mixup: the model gives one number an example; end it with dense %d",
                       classes);
    trainer->targets = nn_input(trainer->graph, "mixed labels", NN_F, nn_shape1(classes));
    trainer->training_loss =
        nn_mean(trainer->graph,
                nn_soft_cross_entropy(trainer->graph, network->logits, trainer->targets, NULL));
    return trainer->training_loss ? NN_OK
                                  : nn_fail(error, NN_E_NOMEM, "training: no memory for mixup");
}

static nn_status open_loader(nn_trainer *trainer, const nn_augmentation *changes, nn_error *error)
{
    const nn_train_args *args = &trainer->args;
    nn_loader_args how = {.data = args->data,
                          .augmentation = *changes,
                          .batch = args->batch,
                          .seed = args->seed,
                          .threads = args->loaders};
    nn_error why = {.code = NN_E_NOMEM};
    if (args->sampling && nn_sampling_of(args->sampling, &how.sampling, error) != NN_OK)
        return NN_E_ARG;
    trainer->loader = nn_loader_new(&how, &why);
    return trainer->loader ? NN_OK : nn_fail(error, why.code, "%s", why.text);
}

static nn_status freeze(nn_trainer *trainer, const nn_saved *saved, nn_error *error)
{
    const nn_train_args *args = &trainer->args;
    if (saved && !args->branch)
        for (int i = 0; i < nn_model_count(trainer->model) && saved->frozen[i]; i++)
            nn_param_freeze(nn_model_at(trainer->model, i), saved->frozen[i] == '1');
    return args->freeze ? nn_set_frozen(trainer->model, args->freeze, true, NULL, error) : NN_OK;
}

static nn_status build(nn_trainer *trainer, const nn_saved *saved, nn_error *error)
{
    const nn_train_args *args = &trainer->args;
    trainer->model = nn_model_new(args->seed);
    trainer->graph = trainer->model ? nn_graph_new(trainer->model) : NULL;
    if (!trainer->graph)
        return nn_fail(error, NN_E_NOMEM, "training: out of memory");
    nn_status status =
        nn_describe(trainer->graph, args->model, nn_dataset_sample(args->data),
                    nn_dataset_classes(args->data), args->dropout, &trainer->network, error);
    if (status == NN_OK)
        status = nn_health_open(&trainer->health, trainer->model, trainer->graph, error);
    nn_augmentation changes = {0};
    if (status == NN_OK && args->augment)
        status = nn_augmentation_parse(args->augment, &changes, error);
    if (status == NN_OK)
        status = choose_loss(trainer, &changes, error);
    if (status == NN_OK)
        status = freeze(trainer, saved, error);
    if (status == NN_OK)
        status = open_loader(trainer, &changes, error);
    if (status != NN_OK)
        return status;
    nn_optimizer_args optimizer = args->optimizer;
    optimizer.accumulates = args->accumulate > 1;
    nn_error why = {.code = NN_E_NOMEM};
    if (!(trainer->pool = nn_pool_new(args->threads, &why)) ||
        !(trainer->exec = compile_training(trainer, &why)) ||
        !(trainer->evaluator = compile_evaluation(trainer, &why)) ||
        !(trainer->optimizer = nn_optimizer_new(trainer->model, optimizer, &why)))
        return nn_fail(error, why.code, "%s", why.text);
    return args->rates ? nn_set_rates(trainer->model, trainer->optimizer, args->rates, error)
                       : NN_OK;
}

static nn_status make_room(nn_trainer *trainer, nn_error *error)
{
    trainer->scheduled = calloc(NN_SCHEDULED_ROOM, sizeof *trainer->scheduled);
    if (!trainer->scheduled)
        return nn_fail(error, NN_E_NOMEM, "training: out of memory");
    nn_model *model = trainer->model;
    size_t statistics = nn_training_statistics(model, NULL, false);
    trainer->statistics = malloc((statistics + 1) * sizeof *trainer->statistics);
    if (!trainer->statistics)
        return nn_fail(error, NN_E_NOMEM, "training: out of memory");
    nn_status status = nn_snapshot_open(&trainer->best, model, NULL, error);
    if (status == NN_OK)
        status = nn_snapshot_open(&trainer->good, model, trainer->optimizer, error);
    if (status == NN_OK)
        status = nn_snapshot_open(&trainer->candidate, model, trainer->optimizer, error);
    return status;
}

static nn_train_facts gather_facts(const nn_trainer *trainer)
{
    const nn_train_args *args = &trainer->args;
    uint64_t parts = (uint64_t)args->accumulate;
    uint64_t steps = (nn_loader_batches(trainer->loader) + parts - 1) / parts;
    nn_train_facts facts = {
        .parameters = nn_model_parameters(trainer->model),
        .multiply_adds = nn_graph_multiply_adds(trainer->graph),
        .shards = nn_exec_shards(trainer->exec),
        .threads = nn_pool_threads(trainer->pool),
        .batch = args->batch,
        .epochs = args->epochs,
        .steps_per_epoch = steps,
        .total_steps = steps * (uint64_t)args->epochs,
        .bytes = nn_exec_bytes(trainer->exec) + nn_exec_bytes(trainer->evaluator),
        .schedule = args->schedule,
        .optimizer = nn_optimizer_get(trainer->optimizer),
        .dropout = nn_exec_dropout(trainer->exec),
        .has_dropout = !isnan(nn_exec_dropout(trainer->exec)),
        .accumulate = args->accumulate,
    };
    for (int i = 0; i < nn_model_count(trainer->model); i++) {
        const nn_param *param = nn_model_at(trainer->model, i);
        facts.frozen += nn_param_frozen(param) ? nn_shape_count(nn_param_shape(param)) : 0;
    }
    facts.schedule.steps_per_epoch = steps;
    facts.schedule.total_steps = facts.total_steps;
    return facts;
}

/* --- resuming ------------------------------------------------------------------------------- */

/* A branch may have batches of another size: then it starts at the last epoch that was whole. */
static nn_status set_progress(nn_trainer *trainer, const nn_saved *saved, nn_error *error)
{
    uint64_t per_epoch = trainer->facts.steps_per_epoch;
    trainer->progress = saved->progress;
    if (per_epoch != saved->steps_per_epoch) {
        if (!trainer->args.branch)
            return nn_fail(error, NN_E_FORMAT,
                           "checkpoint '%.120s' has %llu steps an epoch, these data give %llu",
                           trainer->args.resume, (unsigned long long)saved->steps_per_epoch,
                           (unsigned long long)per_epoch);
        trainer->progress = (nn_progress){.step = (uint64_t)saved->progress.epoch * per_epoch,
                                          .epoch = saved->progress.epoch};
    }
    if (trainer->args.branch) { /* with a schedule and a patience of its own */
        trainer->progress.plateau = trainer->progress.stopping = nn_watch_new();
        trainer->progress.reached = 0;
    } else {
        trainer->best_epoch = saved->best_epoch;
        trainer->best_dev_error = saved->best_dev_error;
        trainer->live_dropout = saved->live_dropout;
    }
    return NN_OK;
}

static nn_status resume(nn_trainer *trainer, const nn_tensors *tensors, const nn_saved *saved,
                        nn_error *error)
{
    nn_status status = set_progress(trainer, saved, error);
    /* Once more, literally: nn_optimizer_new takes 0 for "the default". */
    nn_optimizer_args optimizer = saved->optimizer;
    optimizer.accumulates = saved->accumulate > 1;
    if (status == NN_OK && !trainer->args.branch)
        status = nn_optimizer_set(trainer->optimizer, optimizer, error);
    if (status == NN_OK)
        status = nn_checkpoint_load(tensors, saved, trainer, error);
    trainer->resumed_digest = trainer->args.branch ? 0 : nn_tensors_digest(tensors);
    if (status == NN_OK && !isnan(trainer->live_dropout))
        status = nn_exec_set_dropout(trainer->exec, trainer->live_dropout, error);
    trainer->facts.optimizer = nn_optimizer_get(trainer->optimizer);
    trainer->facts.dropout = nn_exec_dropout(trainer->exec);
    trainer->facts.start_step = trainer->progress.step;
    return status;
}

static nn_status copy_text(char **copy, const char *text, nn_error *error)
{
    *copy = strdup(text);
    return *copy ? NN_OK : nn_fail(error, NN_E_NOMEM, "training: out of memory");
}

/* The caller's strings, or the checkpoint's, will not last. An empty one is none. */
static nn_status keep_texts(nn_trainer *trainer, nn_error *error)
{
    nn_train_args *args = &trainer->args;
    const char **const given[] = {&args->rates, &args->freeze, &args->augment, &args->sampling};
    char **const kept[] = {&trainer->rates, &trainer->freeze, &trainer->augment,
                           &trainer->sampling};
    nn_status status = NN_OK;
    for (int i = 0; i < 4 && status == NN_OK; i++) {
        if (*given[i] && **given[i])
            status = copy_text(kept[i], *given[i], error);
        *given[i] = *kept[i];
    }
    return status;
}

static nn_status set_up(nn_trainer *trainer, nn_error *error)
{
    nn_train_args *args = &trainer->args;
    nn_status status = NN_OK;
    nn_tensors *tensors = NULL;
    nn_saved saved = {0};
    if (!args->data || !args->model)
        return nn_fail(error, NN_E_ARG, "training: data and model are needed");
    if (args->resume) {
        nn_error why = {.code = NN_E_IO};
        tensors = nn_tensors_read(args->resume, &why);
        if (!tensors)
            return nn_fail(error, why.code, "%s", why.text);
        status = nn_checkpoint_read(tensors, args->resume, &saved, error);
        if (status == NN_OK && !args->branch)
            status = follow(args, &saved, error);
    }
    if (status == NN_OK)
        status = check(args, error);
    if (status == NN_OK)
        status = keep_texts(trainer, error);
    if (status == NN_OK)
        status = build(trainer, tensors ? &saved : NULL, error);
    if (status == NN_OK)
        status = make_room(trainer, error);
    if (status == NN_OK)
        trainer->facts = gather_facts(trainer);
    if (status == NN_OK && tensors)
        status = resume(trainer, tensors, &saved, error);
    nn_tensors_free(tensors);
    args->resume = NULL; /* the caller's string */
    return status;
}

/* --- the handle ----------------------------------------------------------------------------- */

nn_trainer *nn_trainer_new(const nn_train_args *args, nn_error *error)
{
    nn_trainer *trainer = aligned_alloc(NN_CACHE_LINE, (sizeof *trainer + NN_CACHE_LINE - 1) /
                                                           NN_CACHE_LINE * NN_CACHE_LINE);
    if (!trainer) {
        nn_fail(error, NN_E_NOMEM, "training: out of memory");
        return NULL;
    }
    memset(trainer, 0, sizeof *trainer);
    trainer->args = *args;
    trainer->live_dropout = trainer->best_dev_error = trainer->dev_loss = trainer->dev_error =
        trainer->test_error = NAN;
    trainer->progress.plateau = trainer->progress.stopping = nn_watch_new();
    trainer->paused = args->start_paused;
    trainer->state = trainer->paused ? NN_PAUSED : NN_RUNNING;
    pthread_mutex_init(&trainer->post_lock, NULL);
    sem_init(&trainer->wake, 0, 0);
    atomic_init(&trainer->abort, false);
    nn_status status = NN_OK;
    if (!nn_ring_open(&trainer->commands, NN_COMMAND_ROOM, sizeof(nn_command)))
        status = nn_fail(error, NN_E_NOMEM, "training: out of memory");
    if (status == NN_OK && args->model)
        status = copy_text(&trainer->model_text, args->model, error);
    trainer->args.model = trainer->model_text;
    if (status == NN_OK && args->checkpoint_dir)
        status = nn_trainer_checkpoints(trainer, args->checkpoint_dir, error);
    if (status == NN_OK)
        status = set_up(trainer, error);
    if (status == NN_OK)
        return trainer;
    nn_trainer_free(trainer);
    return NULL;
}

nn_status nn_trainer_checkpoints(nn_trainer *trainer, const char *directory, nn_error *error)
{
    struct stat what;
    if (trainer->running)
        return nn_fail(error, NN_E_STATE, "checkpoints: the training runs already");
    if (strlen(directory) > NN_PATH_ROOM - sizeof "/best.safetensors")
        return nn_fail(error, NN_E_ARG, "checkpoint directory '%.100s...': path is too long",
                       directory);
    if (stat(directory, &what) != 0)
        return nn_fail(error, NN_E_IO, "checkpoint directory '%.200s': %s", directory,
                       strerror(errno));
    if (!S_ISDIR(what.st_mode))
        return nn_fail(error, NN_E_IO, "checkpoint directory '%.200s': not a directory", directory);
    free(trainer->directory);
    trainer->args.checkpoint_dir = NULL;
    nn_status status = copy_text(&trainer->directory, directory, error);
    trainer->args.checkpoint_dir = trainer->directory;
    return status;
}

nn_listener *nn_trainer_listen(nn_trainer *trainer, int capacity, nn_error *error)
{
    if (trainer->running || trainer->listener_count == NN_LISTENERS) {
        nn_fail(error, NN_E_STATE,
                trainer->running ? "listener: the training runs already"
                                 : "listener: a training has room for %d",
                NN_LISTENERS);
        return NULL;
    }
    nn_listener *listener = &trainer->listeners[trainer->listener_count];
    if (nn_outbox_open(listener, capacity, error) != NN_OK)
        return NULL;
    trainer->listener_count++;
    return listener;
}

/* Signals belong to the threads of the program's face. */
nn_status nn_trainer_start(nn_trainer *trainer, nn_error *error)
{
    if (trainer->running)
        return nn_fail(error, NN_E_STATE, "training: started already");
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&trainer->thread, NULL, nn_training_run, trainer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return nn_fail(error, NN_E_NOMEM, "training: no thread: %s", strerror(code));
    trainer->running = true;
    return NN_OK;
}

bool nn_trainer_post(nn_trainer *trainer, const nn_command *command)
{
    pthread_mutex_lock(&trainer->post_lock);
    bool posted = nn_ring_put(&trainer->commands, command);
    pthread_mutex_unlock(&trainer->post_lock);
    if (posted)
        sem_post(&trainer->wake);
    return posted;
}

void nn_trainer_join(nn_trainer *trainer)
{
    if (!trainer->running || trainer->joined)
        return;
    pthread_join(trainer->thread, NULL);
    trainer->joined = true;
}

void nn_trainer_free(nn_trainer *trainer)
{
    if (!trainer)
        return;
    atomic_store(&trainer->abort, true);
    sem_post(&trainer->wake);
    nn_trainer_join(trainer);
    for (int i = 0; i < trainer->listener_count; i++)
        nn_outbox_close(&trainer->listeners[i]);
    nn_snapshot_close(&trainer->best);
    nn_snapshot_close(&trainer->good);
    nn_snapshot_close(&trainer->candidate);
    nn_health_close(&trainer->health);
    nn_loader_free(trainer->loader);
    nn_optimizer_free(trainer->optimizer);
    nn_exec_free(trainer->exec);
    nn_exec_free(trainer->evaluator);
    nn_pool_free(trainer->pool);
    nn_graph_free(trainer->graph);
    nn_model_free(trainer->model);
    nn_ring_close(&trainer->commands);
    sem_destroy(&trainer->wake);
    pthread_mutex_destroy(&trainer->post_lock);
    free(trainer->scheduled);
    free(trainer->statistics);
    free(trainer->directory);
    free(trainer->rates);
    free(trainer->freeze);
    free(trainer->augment);
    free(trainer->sampling);
    free(trainer->model_text);
    free(trainer);
}

nn_train_facts nn_trainer_facts(const nn_trainer *trainer)
{
    return trainer->facts;
}

nn_model *nn_trainer_model(nn_trainer *trainer)
{
    return trainer->model;
}
