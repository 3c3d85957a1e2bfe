/* What the recorder needs of whoever tells events: a trainer's listener, or a test. */
#ifndef GRADUS_STORE_RECORDER_INTERNAL_H
#define GRADUS_STORE_RECORDER_INTERNAL_H

#include "store/store.h"

typedef struct {
    void *context;
    int fd;                                       /* readable while events wait */
    void (*clear)(void *context);                 /* empty the fd */
    bool (*next)(void *context, nn_event *event); /* false: nothing waiting */
    uint64_t (*dropped)(void *context);           /* steps that were not delivered */
    /* Everything up to the checkpoint "last" of this digest is committed. */
    void (*kept)(void *context, uint64_t digest);
} event_source;

/* As recorder_follow, for any source. It is read on the recorder's thread until its END event. */
nn_status recorder_follow_source(recorder *r, run_id run, const event_source *source,
                                 nn_error *error);
/* Take in one event of `run` at once, as if a source had told it; releases its evaluation. */
nn_status recorder_event(recorder *r, run_id run, const nn_event *event, nn_error *error);

#endif
