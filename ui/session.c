/* Puts dataset, trainer, recorder and run together, and takes them apart again.
 *
 * Order matters at both ends. Opening: the run gets its number from the trainer's facts, its
 * checkpoint directory from the number, and only then does the thread start. Closing: the trainer
 * ends, the recorder writes what it still holds and leaves, and only then are the trainer's
 * listeners freed. */
#include "ui/session.h"

#include "ui/checkpoints.h"
#include "ui/run_data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDER_LAG = 65536, CALLER_LAG = 4096 };

struct session {
    train_options options; /* in force; strings point into texts, the caller's are not kept */
    train_texts texts;
    char name[128], command_line[1024], store_path[PATH_MAX], checkpoint[PATH_MAX];
    run_id resumed, parent; /* 0: neither */
    uint64_t parent_step;
    int recorded_shards;
    char label_note[200];
    char fingerprint[24]; /* of the data of the run that goes on; "" for a new one */

    nn_dataset *data;
    nn_trainer *trainer;
    nn_listener *listener, *recorded;
    recorder *recorder;
    session_shared shared; /* what of the two is not the session's own */
    run_id run;
};

nn_trainer *session_trainer(session *s)
{
    return s->trainer;
}
nn_listener *session_listener(session *s)
{
    return s->listener;
}
const nn_dataset *session_data(const session *s)
{
    return s->data;
}
const train_options *session_options(const session *s)
{
    return &s->options;
}
run_id session_run(const session *s)
{
    return s->run;
}
const char *session_store(const session *s)
{
    return s->store_path;
}
recorder *session_recorder(session *s)
{
    return s->recorder;
}

/* --- options -----------------------------------------------------------------------------------
 */

static nn_status keep_text(const char **field, char *room, size_t size, const char *what,
                           nn_error *error)
{
    if (!*field || *field == room)
        return NN_OK;
    if (strlen(*field) >= size)
        return nn_fail(error, NN_E_ARG, "%s is longer than %zu bytes: '%.40s...'", what, size - 1,
                       *field);
    memcpy(room, *field, strlen(*field) + 1);
    *field = room;
    return NN_OK;
}

/* A path is kept absolute, so that the run can be resumed from another folder. */
static nn_status keep_data(session *s, nn_error *error)
{
    char absolute[PATH_MAX];
    const char *data = s->options.data;
    if (data && !train_data_named(data) && realpath(data, absolute))
        s->options.data = absolute;
    return keep_text(&s->options.data, s->texts.data, sizeof s->texts.data, "the data's name",
                     error);
}

static nn_status keep_options(session *s, nn_error *error)
{
    train_options *o = &s->options;
    nn_status status = keep_data(s, error);
    if (status == NN_OK)
        status = keep_text(&o->model, s->texts.model, sizeof s->texts.model,
                           "the model's description", error);
    if (status == NN_OK)
        status = keep_text(&o->optimizer, s->texts.optimizer, sizeof s->texts.optimizer,
                           "the optimizer's name", error);
    if (status == NN_OK)
        status = keep_text(&o->schedule, s->texts.schedule, sizeof s->texts.schedule,
                           "the schedule", error);
    if (status == NN_OK)
        status = keep_text(&o->target, s->texts.target, sizeof s->texts.target,
                           "the target column's name", error);
    if (status == NN_OK)
        status = keep_text(&o->rates, s->texts.rates, sizeof s->texts.rates, "--rates", error);
    if (status == NN_OK)
        status = keep_text(&o->freeze, s->texts.freeze, sizeof s->texts.freeze, "--freeze", error);
    if (status == NN_OK)
        status = keep_text(&o->sampling, s->texts.sampling, sizeof s->texts.sampling, "--sampling",
                           error);
    if (status == NN_OK)
        status =
            keep_text(&o->augment, s->texts.augment, sizeof s->texts.augment, "--augment", error);
    if (status == NN_OK)
        status = keep_text(&o->name, s->name, sizeof s->name, "the run's name", error);
    if (o->command_line) {
        snprintf(s->command_line, sizeof s->command_line, "%s", o->command_line);
        o->command_line = s->command_line;
    }
    return status;
}

static nn_status find_store(session *s, nn_error *error)
{
    if (s->options.no_store) {
        s->store_path[0] = '\0';
        return NN_OK;
    }
    const char *given = s->options.store_path;
    if (!given)
        return store_default_path(s->store_path, sizeof s->store_path, error);
    if (snprintf(s->store_path, sizeof s->store_path, "%s", given) >= (int)sizeof s->store_path)
        return nn_fail(error, NN_E_ARG, "the store's path is too long: '%.60s...'", given);
    return NN_OK;
}

/* --- resuming and branching --------------------------------------------------------------------
 */

static bool same_folder(const char *path, const char *other)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    return length > 0 && strncmp(path, other, length) == 0 && !strchr(other + length, '/');
}

/* The run to whose checkpoints the file `path` belongs; 0 when it is none's. */
static run_id run_of_checkpoint(store *st, const char *path)
{
    char absolute[PATH_MAX];
    run_row *rows = NULL;
    int count = 0;
    run_id found = 0;
    if (!realpath(path, absolute) || store_runs(st, &rows, &count, NULL) != NN_OK)
        return 0;
    for (int i = 0; i < count && !found; i++)
        if (same_folder(absolute, rows[i].last_checkpoint) ||
            same_folder(absolute, rows[i].best_checkpoint))
            found = rows[i].id;
    free(rows);
    return found;
}

/* Takes the run's own options; what the caller may choose anew is laid over them. */
static nn_status take_run(session *s, store *st, run_id id, nn_error *error)
{
    run_row row;
    nn_status status = store_run(st, id, &row, error);
    if (status != NN_OK)
        return status;
    if (row.state == RUN_RUNNING || row.state == RUN_PAUSED)
        return nn_fail(error, NN_E_STATE,
                       "run %lld is %s in process %d: watch it with `gradus watch %lld`, or stop "
                       "it first",
                       (long long)id, run_state_name(row.state), row.pid, (long long)id);
    train_options asked = s->options;
    status = train_options_of_run(st, id, &s->options, &s->texts, error);
    if (status != NN_OK)
        return status;
    if (asked.epochs > 0)
        s->options.epochs = asked.epochs;
    s->options.threads = asked.threads;
    s->options.resume = asked.resume;
    s->options.store_path = asked.store_path;
    s->options.command_line = asked.command_line;
    s->options.shards = row.shards; /* chosen once: another number would give other bits */
    snprintf(s->name, sizeof s->name, "%s", row.name);
    s->options.name = s->name;
    snprintf(s->fingerprint, sizeof s->fingerprint, "%s", row.fingerprint);
    s->resumed = id;
    return checkpoint_to_resume(st, &row, s->checkpoint, sizeof s->checkpoint, error);
}

static nn_status prepare_resume(session *s, store *st, nn_error *error)
{
    const char *text = s->options.resume;
    run_id id = 0;
    bool is_file = strchr(text, '/') || strstr(text, ".safetensors");
    if (is_file && access(text, R_OK) != 0)
        return nn_fail(error, NN_E_IO, "--resume '%.150s': no such checkpoint file", text);
    if (is_file)
        id = st ? run_of_checkpoint(st, text) : 0;
    else if (!st)
        return nn_fail(error, NN_E_ARG,
                       "--resume '%.60s' needs the store where that run is; without one, give a "
                       "checkpoint file",
                       text);
    else if (store_find_run(st, text, &id, error) != NN_OK)
        return error ? error->code : NN_E_MISSING;
    if (id) {
        nn_status status = take_run(s, st, id, error);
        if (status != NN_OK)
            return status;
    }
    if (is_file) /* the very file that was named, best.safetensors say */
        snprintf(s->checkpoint, sizeof s->checkpoint, "%s", text);
    return NN_OK;
}

static nn_status prepare_branch(session *s, store *st, nn_error *error)
{
    const char *text = s->options.branch;
    const char *mark = strrchr(text, '@');
    char name[128], *end = NULL;
    unsigned long long step = mark ? strtoull(mark + 1, &end, 10) : UINT64_MAX;
    if (mark && (mark[1] < '0' || mark[1] > '9' || *end))
        return nn_fail(error, NN_E_ARG, "--branch '%.60s': expected RUN@STEP, like 7@1200", text);
    if (!st)
        return nn_fail(error, NN_E_ARG, "--branch needs the store where run '%.60s' is", text);
    snprintf(name, sizeof name, "%.*s", mark ? (int)(mark - text) : 127, text);
    run_id id;
    nn_status status = store_find_run(st, name, &id, error);
    if (status != NN_OK)
        return status;
    s->parent = id;
    return checkpoint_to_branch(st, id, step, s->checkpoint, sizeof s->checkpoint, &s->parent_step,
                                error);
}

static nn_status prepare_history(session *s, nn_error *error)
{
    if (!s->options.resume && !s->options.branch)
        return NN_OK;
    store *st = NULL;
    if (!s->options.no_store && !(st = store_open(s->store_path, error)))
        return error ? error->code : NN_E_IO;
    nn_status status =
        s->options.resume ? prepare_resume(s, st, error) : prepare_branch(s, st, error);
    if (st)
        store_close(st);
    return status;
}

/* --- data, trainer, run ------------------------------------------------------------------------
 */

/* With the fixes that run `as` saw; 0: those in force. */
static nn_dataset *read_data(const train_options *o, run_id as, int *held_back, nn_error *error)
{
    char path[PATH_MAX];
    nn_dataset *data = run_data_read(o, error);
    *held_back = 0;
    if (!data || o->no_store || (o->no_fixes && !as))
        return data;
    nn_status status = NN_OK;
    snprintf(path, sizeof path, "%s", o->store_path ? o->store_path : "");
    if (!o->store_path)
        status = store_default_path(path, sizeof path, error);
    store *s = status == NN_OK ? store_open(path, error) : NULL;
    status = s ? run_data_fix(data, s, as, held_back, error) : NN_E_IO;
    store_close(s);
    if (status == NN_OK)
        return data;
    nn_dataset_free(data);
    return NULL;
}

nn_dataset *session_read_data(const train_options *o, nn_error *error)
{
    int held_back;
    return read_data(o, 0, &held_back, error);
}

static void note_labels(session *s, int held_back)
{
    int64_t count;
    nn_dataset_fixes(s->data, &count);
    size_t used = 0;
    if (count > 0)
        used = (size_t)snprintf(s->label_note, sizeof s->label_note,
                                "%lld labels of this data are fixed (--no-fixes leaves them)",
                                (long long)count);
    if (held_back > 0 && used < sizeof s->label_note)
        snprintf(s->label_note + used, sizeof s->label_note - used,
                 "%s%d fixes are not used: they were made for train, and lie in dev or test here",
                 used ? "; " : "", held_back);
}

const char *session_label_note(const session *s)
{
    return s->label_note;
}

static nn_status load_data(session *s, nn_error *error)
{
    const train_options *o = &s->options;
    int held_back = 0;
    s->data = s->shared.data ? s->shared.data
                             : read_data(o, s->resumed ? s->resumed : s->parent, &held_back, error);
    if (!s->data)
        return error ? error->code : NN_E_IO;
    note_labels(s, held_back);
    if (s->fingerprint[0] && strcmp(s->fingerprint, nn_dataset_fingerprint(s->data)) != 0)
        return nn_fail(error, NN_E_STATE,
                       "run %lld learned from other examples: '%.100s' is now %s and was %s then; "
                       "give it the same data, or train anew",
                       (long long)s->resumed, o->data, nn_dataset_fingerprint(s->data),
                       s->fingerprint);
    if (!s->options.model)
        s->options.model = train_default_model(nn_dataset_sample(s->data));
    return NN_OK;
}

static nn_status read_options(const train_options *o, nn_train_args *args, nn_error *error)
{
    nn_status status = nn_optimizer_parse(o->optimizer, &args->optimizer, error);
    if (status == NN_OK)
        status = nn_schedule_parse(o->schedule, &args->schedule, error);
    args->optimizer.lr = o->lr;
    /* To the optimizer 0 means the usual 0.9; the smallest number there is means none. */
    args->optimizer.beta1 = o->momentum > 0 ? o->momentum : 2.3e-308;
    args->optimizer.l2 = o->l2;
    args->optimizer.l1 = o->l1;
    args->optimizer.average = o->average;
    args->optimizer.clip_norm = o->clip_norm;
    args->optimizer.clip_value = o->clip_value;
    return status;
}

static nn_status make_trainer(session *s, bool start_paused, nn_error *error)
{
    const train_options *o = &s->options;
    nn_train_args args = {
        .data = s->data,
        .model = o->model,
        .dropout = o->dropout,
        .batch = o->batch,
        .epochs = o->epochs,
        .seed = o->seed,
        .threads = o->threads,
        .rates = o->rates,
        .freeze = o->freeze,
        .sampling = o->sampling,
        .augment = o->augment,
        .accumulate = o->accumulate,
        .loaders = o->augment && *o->augment ? o->loaders : 0, /* else there is little to do */
        .patience = o->patience,
        .min_delta = o->min_delta,
        .shards = o->shards,
        .resume = s->checkpoint[0] ? s->checkpoint : NULL,
        .branch = s->parent != 0,
        .start_paused = start_paused,
    };
    nn_status status = read_options(o, &args, error);
    if (status != NN_OK)
        return status;
    s->trainer = nn_trainer_new(&args, error);
    if (!s->trainer)
        return error ? error->code : NN_E_NOMEM;
    nn_train_facts facts = nn_trainer_facts(s->trainer);
    if (facts.start_step >= facts.total_steps)
        return nn_fail(error, NN_E_STATE,
                       "run %lld has done all of its %d epochs: give more with --epochs",
                       (long long)s->resumed, facts.epochs);
    s->listener = nn_trainer_listen(s->trainer, CALLER_LAG, error);
    return s->listener ? NN_OK : error ? error->code : NN_E_NOMEM;
}

static void post_from_store(void *context, const nn_command *command)
{
    nn_trainer_post(context, command);
}

/* A run without a name was given one by the store. */
static nn_status learn_name(session *s, nn_error *error)
{
    run_row row;
    store *st = store_open(s->store_path, error);
    if (!st)
        return error ? error->code : NN_E_IO;
    nn_status status = store_run(st, s->run, &row, error);
    store_close(st);
    if (status == NN_OK) {
        snprintf(s->name, sizeof s->name, "%s", row.name);
        s->options.name = s->name;
    }
    return status;
}

static nn_status begin_run(session *s, nn_error *error)
{
    const char *classes[1024];
    int class_count = nn_dataset_classes(s->data);
    for (int i = 0; i < class_count && i < 1024; i++)
        classes[i] = nn_dataset_class_name(s->data, i);
    store_param params[TRAIN_PARAMS];
    run_description description = {
        .name = s->options.name,
        .data = nn_dataset_name(s->data),
        .fingerprint = nn_dataset_fingerprint(s->data),
        .model = s->options.model,
        .command_line = s->options.command_line,
        .classes = class_count < 1024 ? class_count : 1024,
        .class_names = classes,
        .parent = s->parent,
        .parent_step = s->parent_step,
        .facts = nn_trainer_facts(s->trainer),
        .dataset = s->data,
        .seed = s->options.seed,
        .params = params,
        .param_count = train_options_params(&s->options, params),
    };
    s->run =
        recorder_begin(s->recorder, &description, s->resumed, description.facts.start_step, error);
    if (s->run <= 0)
        return error ? error->code : NN_E_IO;
    return learn_name(s, error);
}

static nn_status start_recording(session *s, nn_error *error)
{
    if (s->options.no_store)
        return NN_OK;
    char directory[PATH_MAX];
    s->recorder = s->shared.recorder ? s->shared.recorder : recorder_open(s->store_path, error);
    if (!s->recorder)
        return error ? error->code : NN_E_IO;
    s->recorded = nn_trainer_listen(s->trainer, RECORDER_LAG, error);
    if (!s->recorded)
        return error ? error->code : NN_E_NOMEM;
    nn_status status = begin_run(s, error);
    if (status == NN_OK)
        status = store_checkpoint_dir(s->store_path, s->run, directory, sizeof directory, error);
    if (status == NN_OK)
        status = nn_trainer_checkpoints(s->trainer, directory, error);
    if (status == NN_OK)
        status = recorder_follow(s->recorder, s->run, s->recorded, error);
    if (status == NN_OK)
        recorder_on_command(s->recorder, s->run, post_from_store, s->trainer);
    return status;
}

static nn_status open_parts(session *s, bool start_paused, nn_error *error)
{
    nn_status status = find_store(s, error);
    if (status == NN_OK)
        status = prepare_history(s, error);
    if (status == NN_OK)
        status = keep_options(s, error);
    if (status == NN_OK)
        status = load_data(s, error);
    if (status == NN_OK)
        status = make_trainer(s, start_paused, error);
    if (status == NN_OK)
        status = start_recording(s, error);
    if (status == NN_OK)
        status = nn_trainer_start(s->trainer, error);
    return status;
}

static void free_parts(session *s)
{
    nn_trainer_free(s->trainer);
    if (!s->shared.data)
        nn_dataset_free(s->data);
    free(s);
}

/* Before the trainer, whose listener it reads, is freed. */
static nn_status leave_recorder(session *s, nn_error *error)
{
    if (!s->recorder)
        return NN_OK;
    if (!s->shared.recorder)
        return recorder_close(s->recorder, error);
    recorder_release(s->recorder, s->run);
    return NN_OK;
}

session *session_open(const train_options *options, bool start_paused, nn_error *error)
{
    return session_open_shared(options, (session_shared){0}, start_paused, error);
}

session *session_open_shared(const train_options *options, session_shared shared, bool start_paused,
                             nn_error *error)
{
    session *s = calloc(1, sizeof *s);
    if (!s) {
        nn_fail(error, NN_E_NOMEM, "no memory for a training");
        return NULL;
    }
    s->options = *options;
    s->shared = shared;
    nn_error mine = {0};
    if (open_parts(s, start_paused, &mine) == NN_OK)
        return s;
    if (error)
        *error = mine;
    leave_recorder(s, NULL);
    free_parts(s);
    return NULL;
}

nn_status session_close(session *s, nn_error *error)
{
    if (!s)
        return NN_OK;
    nn_status status = NN_OK;
    nn_trainer_post(s->trainer, &(nn_command){.kind = NN_COMMAND_STOP});
    nn_trainer_join(s->trainer);
    if (s->recorder) {
        nn_cost cost; /* for those who choose by it; a file that cannot be written is told below */
        if (nn_trainer_cost(s->trainer, &cost, NULL) == NN_OK)
            recorder_cost(s->recorder, s->run, &cost, NULL);
        status = recorder_wait(s->recorder, s->run, error);
        nn_status closed = leave_recorder(s, status == NN_OK ? error : NULL);
        if (status == NN_OK)
            status = closed;
    }
    free_parts(s);
    return status;
}
