#include "ui/folds.h"

#include "store/examples.h"
#include "ui/run_data.h"
#include "ui/session.h"

#include <poll.h>
#include <stdlib.h>

typedef struct {
    store_prediction *list;
    int64_t count, room;
} collected;

/* What the network of one fold said about it last. */
static nn_status collect(const nn_dataset *data, const nn_evaluation *e, collected *all,
                         nn_error *error)
{
    if (all->count + e->count > all->room) {
        int64_t room = all->count + e->count;
        store_prediction *more = realloc(all->list, (size_t)room * sizeof *more);
        if (!more)
            return nn_fail(error, NN_E_NOMEM, "out of memory for %lld answers", (long long)room);
        all->list = more;
        all->room = room;
    }
    for (int64_t i = 0; i < e->count; i++)
        all->list[all->count++] = (store_prediction){.example = nn_dataset_id(data, NN_DEV, i),
                                                     .truth = nn_dataset_label(data, NN_DEV, i),
                                                     .predicted = e->predicted[i],
                                                     .probability = e->probability[i],
                                                     .truth_probability = e->truth_probability[i]};
    return NN_OK;
}

/* To the end of a training; the last evaluation of its dev part, or NULL. */
static nn_evaluation *watch(session *s, nn_train_state *state)
{
    nn_listener *listener = session_listener(s);
    nn_evaluation *last = NULL;
    nn_event event;
    for (bool ended = false; !ended;) {
        struct pollfd fd = {.fd = nn_listener_fd(listener), .events = POLLIN};
        poll(&fd, 1, -1);
        nn_listener_clear(listener);
        while (!ended && nn_listener_next(listener, &event)) {
            if (event.kind == NN_EVENT_EVALUATION && event.evaluation->part == NN_DEV) {
                nn_evaluation_release(last);
                last = event.evaluation;
            } else if (event.kind == NN_EVENT_EVALUATION) {
                nn_evaluation_release(event.evaluation);
            } else if (event.kind == NN_EVENT_END) {
                *state = event.state;
                ended = true;
            }
        }
    }
    return last;
}

static nn_status train_fold(const train_options *options, nn_dataset *data, int fold,
                            collected *all, nn_error *error)
{
    nn_train_state state = NN_FAILED;
    session *s = session_open_shared(options, (session_shared){.data = data}, false, error);
    if (!s)
        return error ? error->code : NN_E_STATE;
    nn_evaluation *last = watch(s, &state);
    session_close(s, NULL);
    nn_status status = NN_OK;
    if (state != NN_FINISHED || !last)
        status = nn_fail(error, NN_E_STATE, "the training without fold %d has %s", fold + 1,
                         nn_train_state_name(state));
    if (status == NN_OK)
        status = collect(data, last, all, error);
    nn_evaluation_release(last);
    return status;
}

static int by_example(const void *a, const void *b)
{
    const store_prediction *one = a, *other = b;
    return (one->example > other->example) - (one->example < other->example);
}

static nn_status keep(store *s, run_id run, collected *all, nn_error *error)
{
    recorder *r = recorder_open(store_path(s), error);
    if (!r)
        return error ? error->code : NN_E_IO;
    if (all->list)
        qsort(all->list, (size_t)all->count, sizeof *all->list, by_example);
    nn_status status = recorder_train_answers(r, run, all->list, all->count, error);
    nn_status closed = recorder_close(r, status == NN_OK ? error : NULL);
    return status == NN_OK ? closed : status;
}

nn_status folds_answer(store *s, run_id run, int folds, int threads,
                       void (*tell)(void *context, int fold), void *context, nn_error *error)
{
    train_options options;
    collected all = {0};
    train_texts *texts = calloc(1, sizeof *texts);
    if (!texts)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the options of a run");
    nn_status status = NN_OK;
    if (folds < 2 || folds > 20)
        status = nn_fail(error, NN_E_ARG, "%d folds: expected 2 to 20", folds);
    if (status == NN_OK)
        status = train_options_of_run(s, run, &options, texts, error);
    for (int fold = 0; fold < folds && status == NN_OK; fold++) {
        if (tell)
            tell(context, fold);
        options.no_store = true;
        options.threads = threads;
        options.patience = 0;
        nn_dataset *data = run_data_open_fold(s, run, folds, fold, error);
        status = data    ? train_fold(&options, data, fold, &all, error)
                 : error ? error->code
                         : NN_E_IO;
        nn_dataset_free(data);
    }
    if (status == NN_OK)
        status = keep(s, run, &all, error);
    free(all.list);
    free(texts);
    return status;
}
