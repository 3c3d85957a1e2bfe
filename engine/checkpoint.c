/* Checkpoints: safetensors files that hold all a training needs to go on bit for bit.
 *
 * Tensors: every parameter and buffer under its name, its moments as "momentum.<name>" and
 * "square.<name>", and the best weights so far as "best.<name>" unless they are these. Everything
 * else is text in the metadata: doubles with 17 digits, which read back exactly. */
#include "engine/safetensors.h"
#include "engine/training.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "gradus checkpoint 1"

enum {
    TENSOR_NAME = NN_NAME_MAX + 16,
    FRESH_SECONDS = 10 /* a store that is locked for long shall not keep files from being written */
};

/* --- writing -------------------------------------------------------------------------------- */

typedef struct {
    nn_tensors *tensors;
    nn_status status;
    nn_error *error;
} writer;

static void note(writer *w, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(writer *w, const char *key, const char *format, ...)
{
    char text[2048];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (w->status != NN_OK)
        return;
    if (length < 0 || length >= (int)sizeof text)
        w->status = nn_fail(w->error, NN_E_ARG, "checkpoint: the value of '%s' is too long", key);
    else
        w->status = nn_tensors_note(w->tensors, key, text, w->error);
}

/* A best loss that is not there yet is not noted. */
static void note_watch(writer *w, const char *name, const nn_watch *watch)
{
    char key[32];
    snprintf(key, sizeof key, "%s_best", name);
    if (isfinite(watch->best))
        note(w, key, "%.17g", watch->best);
    snprintf(key, sizeof key, "%s_waited", name);
    note(w, key, "%d", watch->waited);
}

/* One character an entry of the model. */
static void note_frozen(writer *w, const nn_model *model)
{
    int count = nn_model_count(model);
    char *text = calloc((size_t)count + 1, 1);
    if (!text && w->status == NN_OK)
        w->status = nn_fail(w->error, NN_E_NOMEM, "checkpoint: out of memory");
    for (int i = 0; i < count && text; i++)
        text[i] = nn_param_frozen(nn_model_at(model, i)) ? '1' : '0';
    if (w->status == NN_OK)
        w->status = nn_tensors_note(w->tensors, "frozen", text, w->error);
    free(text);
}

static void add(writer *w, const char *prefix, const nn_param *param, const nn_real *data)
{
    char name[TENSOR_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, nn_param_name(param));
    if (w->status == NN_OK && data)
        w->status = nn_tensors_add(w->tensors, name, nn_param_shape(param), data, w->error);
}

static bool best_is_elsewhere(const nn_trainer *trainer)
{
    bool averaged = nn_optimizer_get(trainer->optimizer).average > 0;
    return trainer->best_epoch > 0 &&
           (averaged || trainer->best.progress.step != trainer->progress.step);
}

static void add_tensors(writer *w, nn_trainer *trainer)
{
    bool best = best_is_elsewhere(trainer);
    bool averaged = nn_optimizer_get(trainer->optimizer).average > 0;
    for (int i = 0; i < nn_model_count(trainer->model); i++) {
        const nn_param *param = nn_model_at(trainer->model, i);
        add(w, "", param, nn_param_values(param));
        add(w, "momentum.", param, nn_optimizer_first(trainer->optimizer, param));
        add(w, "square.", param, nn_optimizer_second(trainer->optimizer, param));
        if (averaged)
            add(w, "average.", param, nn_optimizer_average(trainer->optimizer, param));
        if (best)
            add(w, "best.", param, nn_snapshot_param(&trainer->best, trainer->model, i));
    }
}

static void add_notes(writer *w, const nn_trainer *trainer)
{
    const nn_progress *progress = &trainer->progress;
    nn_optimizer_args optimizer = nn_optimizer_get(trainer->optimizer);
    nn_optimizer_args form = optimizer; /* its numbers are noted apart */
    char schedule[NN_SCHEDULE_TEXT], kind[64];
    form.beta2 = form.epsilon = 0;
    nn_optimizer_text(&form, kind, sizeof kind);
    nn_schedule_text(&trainer->facts.schedule, schedule, sizeof schedule);
    note(w, "format", FORMAT);
    note(w, "step", "%llu", (unsigned long long)progress->step);
    note(w, "epoch", "%d", progress->epoch);
    note(w, "loss_sum", "%.17g", progress->loss_sum);
    note(w, "wrong", "%lld", (long long)progress->wrong);
    note(w, "seen", "%lld", (long long)progress->seen);
    note_watch(w, "plateau", &progress->plateau);
    note(w, "plateau_reached", "%.17g", progress->reached);
    note_watch(w, "stopping", &progress->stopping);
    note(w, "best_epoch", "%d", trainer->best_epoch);
    note(w, "best_step", "%llu", (unsigned long long)trainer->best.progress.step);
    note(w, "best_dev_error", "%.17g", trainer->best_dev_error);
    note(w, "best_is_this", "%d", trainer->best_epoch > 0 && !best_is_elsewhere(trainer));
    note(w, "optimizer", "%s", kind);
    note(w, "optimizer_steps", "%llu", (unsigned long long)nn_optimizer_steps(trainer->optimizer));
    note(w, "lr", "%.17g", optimizer.lr);
    note(w, "beta1", "%.17g", optimizer.beta1);
    note(w, "beta2", "%.17g", optimizer.beta2);
    note(w, "epsilon", "%.17g", optimizer.epsilon);
    note(w, "l2", "%.17g", optimizer.l2);
    note(w, "l1", "%.17g", optimizer.l1);
    note(w, "clip_norm", "%.17g", optimizer.clip_norm);
    note(w, "clip_value", "%.17g", optimizer.clip_value);
    note(w, "average", "%.17g", optimizer.average);
    note(w, "accumulate", "%d", trainer->args.accumulate);
    note(w, "patience", "%d", trainer->args.patience);
    note(w, "min_delta", "%.17g", trainer->args.min_delta);
    note(w, "rates", "%s", trainer->rates ? trainer->rates : "");
    note(w, "sampling", "%s", trainer->sampling ? trainer->sampling : "");
    note(w, "augment", "%s", trainer->augment ? trainer->augment : "");
    note_frozen(w, trainer->model);
    note(w, "dropout", "%.17g", trainer->args.dropout);
    note(w, "live_dropout", "%.17g", trainer->live_dropout);
    note(w, "schedule", "%s", schedule);
    note(w, "steps_per_epoch", "%llu", (unsigned long long)trainer->facts.steps_per_epoch);
    note(w, "epochs", "%d", trainer->facts.epochs);
    note(w, "batch", "%d", trainer->facts.batch);
    note(w, "shards", "%d", trainer->facts.shards);
    note(w, "seed", "%llu", (unsigned long long)trainer->args.seed);
    note(w, "model", "%s", trainer->model_text);
    note(w, "data", "%s", nn_dataset_fingerprint(trainer->args.data));
}

static void path_of(const nn_trainer *trainer, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.safetensors", trainer->directory, name);
}

/* Have all who write the history down reached the last file? */
static bool all_have_kept_last(const nn_trainer *trainer)
{
    for (int i = 0; i < trainer->listener_count; i++) {
        uint64_t kept = atomic_load_explicit(&trainer->listeners[i].kept, memory_order_acquire);
        if (kept != 0 && kept != trainer->last_digest)
            return false;
    }
    return true;
}

/* May the last checkpoint take the place of the one before? Only when all have kept it: a process
 * killed at any instant then leaves one that is not ahead of them. */
static bool last_may_become_previous(const nn_trainer *trainer, const char *path)
{
    uint64_t step, digest;
    if (trainer->last_digest == 0) /* a file from before this training: only what it came from */
        return trainer->resumed_digest != 0 &&
               nn_checkpoint_look(path, &step, &digest, NULL) == NN_OK &&
               digest == trainer->resumed_digest;
    return all_have_kept_last(trainer);
}

bool nn_checkpoint_is_fresh(const nn_trainer *trainer)
{
    return trainer->last_digest != 0 && !all_have_kept_last(trainer) &&
           nn_clock() - trainer->last_written < FRESH_SECONDS;
}

static nn_status write_file(nn_trainer *trainer, const nn_tensors *tensors, const char *name,
                            const char *path, nn_error *error)
{
    char previous[sizeof((nn_event *)0)->text];
    if (strcmp(name, "last") != 0)
        return nn_tensors_write(tensors, path, error);
    path_of(trainer, "previous", previous, sizeof previous);
    return nn_tensors_replace(tensors, path,
                              last_may_become_previous(trainer, path) ? previous : NULL, error);
}

nn_status nn_checkpoint_write(nn_trainer *trainer, const char *name, nn_error *error)
{
    char path[sizeof((nn_event *)0)->text];
    path_of(trainer, name, path, sizeof path);
    writer w = {.tensors = nn_tensors_new(), .status = NN_OK, .error = error};
    if (!w.tensors)
        return nn_fail(error, NN_E_NOMEM, "checkpoint '%.200s': out of memory", path);
    add_tensors(&w, trainer);
    add_notes(&w, trainer);
    if (w.status == NN_OK)
        w.status = write_file(trainer, w.tensors, name, path, error);
    uint64_t digest = nn_tensors_digest(w.tensors);
    nn_tensors_free(w.tensors);
    if (w.status != NN_OK)
        return w.status;
    if (strcmp(name, "last") == 0) {
        trainer->last_digest = digest;
        trainer->last_written = nn_clock();
    }
    nn_event event = nn_trainer_event(trainer, NN_EVENT_CHECKPOINT);
    snprintf(event.text, sizeof event.text, "%s", path);
    snprintf(event.name, sizeof event.name, "%s", name);
    event.value = trainer->dev_error;
    event.old_value = (double)digest;
    nn_trainer_emit(trainer, &event);
    return NN_OK;
}

/* --- reading -------------------------------------------------------------------------------- */

typedef struct {
    const nn_tensors *tensors;
    const char *path;
    nn_status status;
    nn_error *error;
} reader;

static const char *text_of(reader *r, const char *key)
{
    const char *text = nn_tensors_get_note(r->tensors, key);
    if (!text && r->status == NN_OK)
        r->status = nn_fail(r->error, NN_E_FORMAT,
                            "checkpoint '%.150s': '%s' is missing; expected a checkpoint that a "
                            "training wrote",
                            r->path, key);
    return text ? text : "";
}

static void refuse(reader *r, const char *key, const char *text, const char *expected)
{
    if (r->status == NN_OK)
        r->status =
            nn_fail(r->error, NN_E_FORMAT, "checkpoint '%.150s': %s is '%.40s', expected %s",
                    r->path, key, text, expected);
}

static uint64_t whole_of(reader *r, const char *key, uint64_t low, uint64_t high)
{
    const char *text = text_of(r, key);
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < low || value > high)
        refuse(r, key, text, "a whole number in range");
    return value;
}

static double number_of(reader *r, const char *key, bool nan_is_fine)
{
    const char *text = text_of(r, key);
    char *end = NULL;
    double value = strtod(text, &end);
    if (!*text || *end || isinf(value) || (isnan(value) && !nan_is_fine))
        refuse(r, key, text, "a number");
    return value;
}

/* Of a note that older checkpoints do not have. */
static double number_or(reader *r, const char *key, double without)
{
    return nn_tensors_get_note(r->tensors, key) ? number_of(r, key, false) : without;
}

static int whole_or(reader *r, const char *key, uint64_t low, uint64_t high, int without)
{
    return nn_tensors_get_note(r->tensors, key) ? (int)whole_of(r, key, low, high) : without;
}

static const char *text_or(reader *r, const char *key)
{
    const char *text = nn_tensors_get_note(r->tensors, key);
    return text ? text : "";
}

static nn_watch watch_of(reader *r, const char *name)
{
    char key[32];
    nn_watch watch = nn_watch_new();
    snprintf(key, sizeof key, "%s_best", name);
    watch.best = number_or(r, key, watch.best);
    snprintf(key, sizeof key, "%s_waited", name);
    if (nn_tensors_get_note(r->tensors, key))
        watch.waited = (int)whole_of(r, key, 0, 100000000);
    return watch;
}

static void read_progress(reader *r, nn_saved *saved)
{
    saved->progress.step = whole_of(r, "step", 0, UINT64_MAX / 4);
    saved->progress.epoch = (int)whole_of(r, "epoch", 0, 100000000);
    saved->progress.loss_sum = number_of(r, "loss_sum", false);
    saved->progress.wrong = (int64_t)whole_of(r, "wrong", 0, INT64_MAX);
    saved->progress.seen = (int64_t)whole_of(r, "seen", 0, INT64_MAX);
    saved->progress.plateau = watch_of(r, "plateau");
    saved->progress.stopping = watch_of(r, "stopping");
    saved->progress.reached = number_or(r, "plateau_reached", 0);
    saved->best_epoch = (int)whole_of(r, "best_epoch", 0, 100000000);
    saved->best_step = whole_of(r, "best_step", 0, UINT64_MAX / 4);
    saved->best_dev_error = number_of(r, "best_dev_error", true);
    saved->best_is_this = whole_of(r, "best_is_this", 0, 1) == 1;
    saved->steps_per_epoch = whole_of(r, "steps_per_epoch", 1, UINT32_MAX);
    uint64_t begun = (uint64_t)saved->progress.epoch * saved->steps_per_epoch;
    if (saved->progress.step < begun || saved->progress.step - begun > saved->steps_per_epoch)
        refuse(r, "step", text_of(r, "step"), "a step of the epoch under way");
}

static void read_settings(reader *r, nn_saved *saved)
{
    nn_optimizer_args *optimizer = &saved->optimizer;
    const char *kind = text_of(r, "optimizer"), *schedule = text_of(r, "schedule");
    nn_error why = {0};
    if (nn_optimizer_parse(kind, optimizer, &why) != NN_OK)
        refuse(r, "optimizer", kind, "the name of an optimizer");
    if (nn_schedule_parse(schedule, &saved->schedule, &why) != NN_OK)
        refuse(r, "schedule", schedule, "a schedule");
    saved->optimizer_steps = whole_of(r, "optimizer_steps", 0, UINT64_MAX / 4);
    optimizer->lr = number_of(r, "lr", false);
    optimizer->beta1 = number_of(r, "beta1", false);
    optimizer->beta2 = number_of(r, "beta2", false);
    optimizer->epsilon = number_of(r, "epsilon", false);
    optimizer->l2 = number_of(r, "l2", false);
    optimizer->l1 = number_or(r, "l1", 0);
    optimizer->clip_norm = number_of(r, "clip_norm", false);
    optimizer->clip_value = number_or(r, "clip_value", 0);
    optimizer->average = number_or(r, "average", 0);
    saved->accumulate = whole_or(r, "accumulate", 1, 1 << 16, 1);
    saved->patience = whole_or(r, "patience", 0, 100000000, 0);
    saved->min_delta = number_or(r, "min_delta", 0);
    saved->rates = text_or(r, "rates");
    saved->sampling = text_or(r, "sampling");
    saved->augment = text_or(r, "augment");
    saved->frozen = text_or(r, "frozen");
    saved->dropout = number_of(r, "dropout", false);
    saved->live_dropout = number_of(r, "live_dropout", true);
    saved->epochs = (int)whole_of(r, "epochs", 1, 100000000);
    saved->batch = (int)whole_of(r, "batch", 1, 1 << 20);
    saved->shards = (int)whole_of(r, "shards", 1, 1 << 10);
    saved->seed = whole_of(r, "seed", 0, UINT64_MAX);
    saved->model = text_of(r, "model");
    saved->fingerprint = text_of(r, "data");
}

nn_status nn_checkpoint_read(const nn_tensors *tensors, const char *path, nn_saved *saved,
                             nn_error *error)
{
    reader r = {tensors, path, NN_OK, error};
    *saved = (nn_saved){0};
    const char *format = text_of(&r, "format");
    if (strcmp(format, FORMAT) != 0)
        refuse(&r, "format", format, "'" FORMAT "'");
    read_progress(&r, saved);
    read_settings(&r, saved);
    return r.status;
}

nn_status nn_checkpoint_look(const char *path, uint64_t *step, uint64_t *digest, nn_error *error)
{
    nn_saved saved;
    nn_tensors *tensors = nn_tensors_read(path, error);
    if (!tensors)
        return error ? error->code : NN_E_IO;
    nn_status status = nn_checkpoint_read(tensors, path, &saved, error);
    *step = saved.progress.step;
    *digest = nn_tensors_digest(tensors);
    nn_tensors_free(tensors);
    return status;
}

static void load(reader *r, const char *prefix, const nn_param *param, nn_real *data)
{
    char name[TENSOR_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, nn_param_name(param));
    if (r->status == NN_OK && data)
        r->status = nn_tensors_load(r->tensors, name, nn_param_shape(param), data, r->error);
}

nn_status nn_checkpoint_load(const nn_tensors *tensors, const nn_saved *saved, nn_trainer *trainer,
                             nn_error *error)
{
    reader r = {tensors, trainer->args.resume, NN_OK, error};
    nn_model *model = trainer->model;
    /* A branch may choose another optimiser: then its moments start anew. */
    bool moments = nn_optimizer_get(trainer->optimizer).kind == saved->optimizer.kind;
    bool averaged = saved->optimizer.average > 0;
    bool best = saved->best_epoch > 0 && !saved->best_is_this && !trainer->args.branch;
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        load(&r, "", param, nn_param_data(param));
        if (moments) {
            load(&r, "momentum.", param, nn_optimizer_first(trainer->optimizer, param));
            load(&r, "square.", param, nn_optimizer_second(trainer->optimizer, param));
        }
        if (averaged)
            load(&r, "average.", param, nn_optimizer_average(trainer->optimizer, param));
        if (best)
            load(&r, "best.", param, nn_snapshot_param(&trainer->best, model, i));
    }
    if (r.status == NN_OK && moments)
        nn_optimizer_set_steps(trainer->optimizer, saved->optimizer_steps);
    if (!averaged) /* a branch that begins one */
        nn_optimizer_restart_average(trainer->optimizer);
    if (best) {
        trainer->best.taken = true;
        trainer->best.progress.step = saved->best_step;
    }
    if (r.status == NN_OK && saved->best_is_this)
        nn_snapshot_take(&trainer->best, model, NULL, &saved->progress);
    return r.status;
}
