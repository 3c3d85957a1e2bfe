#include "watch_training.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { DEADLINE_SECONDS = 120 };

watch watch_new(const nn_train_args *args)
{
    watch w = {0};
    nn_error error = {0};
    w.trainer = nn_trainer_new(args, &error);
    if (!w.trainer)
        fail_msg("%s", error.text);
    w.listener = nn_trainer_listen(w.trainer, 1 << 14, &error);
    if (!w.listener)
        fail_msg("%s", error.text);
    return w;
}

void watch_go(watch *w)
{
    nn_error error = {0};
    if (nn_trainer_start(w->trainer, &error) != NN_OK)
        fail_msg("%s", error.text);
}

watch watch_start(const nn_train_args *args)
{
    watch w = watch_new(args);
    watch_go(&w);
    return w;
}

static void drain(watch *w)
{
    nn_event event;
    nn_listener_clear(w->listener);
    while (nn_listener_next(w->listener, &event)) {
        if (w->count == w->room) {
            w->room = w->room ? 2 * w->room : 1024;
            w->events = realloc(w->events, (size_t)w->room * sizeof *w->events);
            assert_non_null(w->events);
        }
        w->events[w->count++] = event;
    }
}

static nn_event next(watch *w)
{
    time_t deadline = time(NULL) + DEADLINE_SECONDS;
    while (w->at == w->count) {
        struct pollfd fd = {.fd = nn_listener_fd(w->listener), .events = POLLIN};
        if (time(NULL) > deadline)
            fail_msg("no event for %d s after %d", DEADLINE_SECONDS, w->count);
        poll(&fd, 1, 1000);
        drain(w);
    }
    return w->events[w->at++];
}

nn_event watch_for(watch *w, nn_event_kind kind)
{
    for (;;) {
        nn_event event = next(w);
        if (event.kind == kind)
            return event;
        if (event.kind == NN_EVENT_END)
            fail_msg("the training ended (%s %s) before event %d", nn_train_state_name(event.state),
                     event.text, kind);
    }
}

nn_event watch_for_state(watch *w, nn_train_state state)
{
    for (;;) {
        nn_event event = watch_for(w, NN_EVENT_STATE);
        if (event.state == state)
            return event;
    }
}

void watch_post(watch *w, nn_command_kind kind, const char *name, double value, uint64_t at_step)
{
    nn_command command = {.kind = kind, .value = value, .at_step = at_step};
    if (name)
        strncpy(command.name, name, sizeof command.name - 1);
    assert_true(nn_trainer_post(w->trainer, &command));
}

nn_event watch_command(watch *w, nn_command_kind kind, const char *name, double value)
{
    watch_post(w, kind, name, value, 0);
    for (;;) {
        nn_event event = next(w);
        if ((event.kind == NN_EVENT_APPLIED || event.kind == NN_EVENT_REFUSED) &&
            event.command.kind == kind)
            return event;
        if (event.kind == NN_EVENT_END)
            fail_msg("the training ended before it answered '%s'", nn_command_name(kind));
    }
}

nn_event watch_end(watch *w)
{
    nn_event event = watch_for(w, NN_EVENT_END);
    nn_trainer_join(w->trainer);
    return event;
}

int watch_count(const watch *w, nn_event_kind kind)
{
    int count = 0;
    for (int i = 0; i < w->count; i++)
        count += w->events[i].kind == kind;
    return count;
}

void watch_close(watch *w)
{
    for (int i = 0; i < w->count; i++)
        nn_evaluation_release(w->events[i].evaluation);
    nn_trainer_free(w->trainer);
    free(w->events);
    *w = (watch){0};
}

uint64_t watch_weights(watch *w)
{
    uint64_t hash = 14695981039346656037u;
    nn_model *model = nn_trainer_model(w->trainer);
    for (int i = 0; i < nn_model_count(model); i++) {
        const nn_param *param = nn_model_at(model, i);
        const unsigned char *bytes = (const unsigned char *)nn_param_values(param);
        size_t size = (size_t)nn_shape_count(nn_param_shape(param)) * sizeof(nn_real);
        for (size_t k = 0; k < size; k++)
            hash = (hash ^ bytes[k]) * 1099511628211u;
    }
    return hash;
}
