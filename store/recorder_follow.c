/* A trainer's listener as a source of events. */
#include "store/recorder_internal.h"

static void clear(void *context)
{
    nn_listener_clear(context);
}

static bool next(void *context, nn_event *event)
{
    return nn_listener_next(context, event);
}

static uint64_t dropped(void *context)
{
    return nn_listener_dropped(context);
}

static void kept(void *context, uint64_t digest)
{
    nn_listener_kept(context, digest);
}

nn_status recorder_follow(recorder *r, run_id run, nn_listener *listener, nn_error *error)
{
    event_source source = {listener, nn_listener_fd(listener), clear, next, dropped, kept};
    nn_listener_kept(listener, NN_KEPT_NOTHING);
    return recorder_follow_source(r, run, &source, error);
}
