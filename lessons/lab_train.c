/* One training inside a lab: begun, recorded, watched, ended, and its weights kept. */
#include "lessons/lab_internal.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { LAG = 4096, LOOK_MS = 50 };

nn_dataset *lab_data(lab *l, const char *sources, const nn_data_args *args, nn_error *error)
{
    char source[128];
    nn_data_args with = args ? *args : (nn_data_args){0};
    with.seed = with.seed ? with.seed : l->seed;
    nn_error first = {NN_OK, ""};
    for (const char *at = sources + strspn(sources, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        nn_error why = {NN_OK, ""};
        snprintf(source, sizeof source, "%.*s", (int)length, at);
        nn_dataset *data = nn_dataset_open(source, &with, &why);
        if (data)
            return data;
        if (first.code == NN_OK)
            first = why;
        at += length;
    }
    nn_fail(error, first.code, "%s", first.text);
    return NULL;
}

/* A model of its own with the same values. */
static nn_model *copy_of(nn_model *from, nn_error *error)
{
    nn_model *to = nn_model_new(nn_model_seed(from));
    for (int i = 0; to && i < nn_model_count(from); i++) {
        const nn_param *param = nn_model_at(from, i);
        const char *name = nn_param_name(param);
        nn_shape shape = nn_param_shape(param);
        const nn_param *made = nn_param_is_buffer(param)
                                   ? nn_model_buffer(to, name, shape, NN_INIT_ZEROS, error)
                                   : nn_model_param(to, name, shape, NN_INIT_ZEROS, 1, error);
        if (!made) {
            nn_model_free(to);
            return NULL;
        }
    }
    if (!to || nn_model_copy(to, from, error) != NN_OK) {
        if (!to)
            nn_fail(error, NN_E_NOMEM, "lab: no memory for the weights");
        nn_model_free(to);
        return NULL;
    }
    return to;
}

/* --- the trainer as others see it ---------------------------------------------------------------
 */

nn_trainer *lab_hold(lab *l)
{
    pthread_mutex_lock(&l->lock);
    nn_trainer *trainer = l->trainer;
    l->holders += trainer != NULL;
    pthread_mutex_unlock(&l->lock);
    return trainer;
}

void lab_release(lab *l)
{
    pthread_mutex_lock(&l->lock);
    l->holders--;
    if (l->holders == 0)
        pthread_cond_broadcast(&l->free);
    pthread_mutex_unlock(&l->lock);
}

static void show_trainer(lab *l, nn_trainer *trainer)
{
    pthread_mutex_lock(&l->lock);
    l->trainer = trainer;
    while (!trainer && l->holders > 0)
        pthread_cond_wait(&l->free, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

/* --- listening ----------------------------------------------------------------------------------
 */

typedef struct {
    lab *l;
    nn_trainer *trainer;
    lab_watch *watch;
    void *context;
    lab_result *result;
    bool ended, stopping;
    char failure[256];
} hearing;

static void stop(hearing *h)
{
    if (!h->stopping)
        h->stopping = nn_trainer_post(h->trainer, &(nn_command){.kind = NN_COMMAND_STOP});
}

static void hear(hearing *h, const nn_event *event)
{
    lab_result *r = h->result;
    if (event->kind == NN_EVENT_STEP) {
        r->steps = event->step;
    } else if (event->kind == NN_EVENT_EPOCH) {
        r->train_loss = event->train_loss;
        r->train_error = event->train_error;
        r->dev_loss = event->dev_loss;
        r->dev_error = event->dev_error;
    } else if (event->kind == NN_EVENT_NONFINITE) {
        r->state = NN_DIVERGED;
        snprintf(r->message, sizeof r->message, "%s", event->text);
        stop(h);
    } else if (event->kind == NN_EVENT_END) {
        h->ended = true;
        r->steps = event->step;
        r->test_error = event->test_error;
        if (r->state != NN_DIVERGED)
            r->state = event->state;
        snprintf(h->failure, sizeof h->failure, "%s", event->text);
    }
    if (h->watch)
        h->watch(h->l, event, h->context);
    if (event->kind == NN_EVENT_EVALUATION)
        nn_evaluation_release(event->evaluation);
}

static void listen_to_end(hearing *h, nn_listener *listener)
{
    while (!h->ended) {
        struct pollfd wait = {.fd = nn_listener_fd(listener), .events = POLLIN};
        nn_event event;
        poll(&wait, 1, LOOK_MS); /* interrupted or not: look */
        nn_listener_clear(listener);
        while (nn_listener_next(listener, &event))
            hear(h, &event);
        if (lab_cancelled(h->l))
            stop(h);
    }
}

/* --- one training -------------------------------------------------------------------------------
 */

static nn_status begin(lab *l, const char *name, nn_trainer *trainer, const nn_train_args *args,
                       int64_t *run, nn_error *error)
{
    *run = 0;
    if (!l->sink.begin)
        return NN_OK;
    nn_error why = {NN_OK, ""};
    *run = l->sink.begin(l->sink.context, name, trainer, args, l, &why);
    if (why.code != NN_OK)
        return nn_fail(error, why.code, "%s", why.text);
    pthread_mutex_lock(&l->lock);
    if (*run > 0 && l->runs < LAB_RUNS)
        l->run[l->runs++] = *run;
    pthread_mutex_unlock(&l->lock);
    return NN_OK;
}

static nn_status end(lab *l, int64_t run, nn_trainer *trainer, nn_error *error)
{
    return run > 0 && l->sink.end ? l->sink.end(l->sink.context, run, trainer, error) : NN_OK;
}

static nn_status train(hearing *h, const char *name, const nn_train_args *args, nn_error *error)
{
    int64_t run;
    nn_listener *listener = nn_trainer_listen(h->trainer, LAG, error);
    if (!listener)
        return error ? error->code : NN_E_NOMEM;
    nn_status status = begin(h->l, name, h->trainer, args, &run, error);
    if (status == NN_OK)
        status = nn_trainer_start(h->trainer, error);
    if (status != NN_OK)
        return status;
    show_trainer(h->l, h->trainer);
    listen_to_end(h, listener);
    show_trainer(h->l, NULL);
    nn_trainer_join(h->trainer);
    status = end(h->l, run, h->trainer, error);
    if (status == NN_OK && h->result->state == NN_FAILED)
        status = nn_fail(error, NN_E_STATE, "lab '%s': %s", h->l->what->id, h->failure);
    if (status == NN_OK && lab_cancelled(h->l))
        status = lab_stopped(error);
    return status;
}

nn_status lab_train(lab *l, const char *name, const nn_train_args *args, lab_watch *watch,
                    void *context, lab_result *result, nn_error *error)
{
    nn_train_args with = *args;
    with.threads = with.threads ? with.threads : l->threads;
    with.seed = with.seed ? with.seed : l->seed;
    *result = (lab_result){.train_loss = NAN,
                           .train_error = NAN,
                           .dev_loss = NAN,
                           .dev_error = NAN,
                           .test_error = NAN,
                           .state = NN_RUNNING};
    if (lab_cancelled(l))
        return lab_stopped(error);
    nn_trainer *trainer = nn_trainer_new(&with, error);
    if (!trainer)
        return error ? error->code : NN_E_NOMEM;
    hearing h = {.l = l, .trainer = trainer, .watch = watch, .context = context, .result = result};
    nn_status status = train(&h, name, &with, error);
    if (status == NN_OK) {
        result->model = copy_of(nn_trainer_model(trainer), error);
        status = result->model ? NN_OK : NN_E_NOMEM;
    }
    nn_trainer_free(trainer);
    return status;
}
