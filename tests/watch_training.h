/* A training under observation: every event is kept, and tests wait for the next one they expect
 * instead of sleeping. */
#ifndef GRADUS_TESTS_WATCH_TRAINING_H
#define GRADUS_TESTS_WATCH_TRAINING_H

#include "engine/trainer.h"

typedef struct {
    nn_trainer *trainer;
    nn_listener *listener;
    nn_event *events; /* all so far */
    int count, room;
    int at; /* the next event that watch_for looks at */
} watch;

/* Builds and starts; `args` as for nn_trainer_new. Fails the test when refused. */
watch watch_start(const nn_train_args *args);
/* The same without starting: commands may be posted first. */
watch watch_new(const nn_train_args *args);
void watch_go(watch *w);
/* The next event of a kind, skipping others. Fails the test after 120 s, or when END came first. */
nn_event watch_for(watch *w, nn_event_kind kind);
nn_event watch_for_state(watch *w, nn_train_state state);
void watch_post(watch *w, nn_command_kind kind, const char *name, double value, uint64_t at_step);
/* Posts and waits for the answer, APPLIED or REFUSED. */
nn_event watch_command(watch *w, nn_command_kind kind, const char *name, double value);
/* Waits for END and joins. Returns the END event. */
nn_event watch_end(watch *w);
int watch_count(const watch *w, nn_event_kind kind);
void watch_close(watch *w);

/* 64 bits that change when any weight of the trainer's model changes. After join. */
uint64_t watch_weights(watch *w);

#endif
