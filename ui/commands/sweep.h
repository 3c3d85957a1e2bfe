/* The parts of `gradus sweep`. */
#ifndef GRADUS_UI_SWEEP_COMMAND_H
#define GRADUS_UI_SWEEP_COMMAND_H

#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"
#include "ui/study_view.h"
#include "ui/sweep.h"

typedef struct {
    train_options train;
    const char *space, *sampler, *pruner, *objective, *direction, *resume;
    const char *optimize, *limits, *against;
    int trials, jobs;
    double hours;
    uint64_t search_seed;
    bool json;
    char command_line[1024];
} sweep_settings;

/* Words of a point: {"lr":0.01,"optimizer":"adam"}, or "lr=0.01 optimizer=adam". */
void sweep_json_point(json_out *json, const char *key, const nn_space *space,
                      const nn_point *point);
void sweep_print_point(FILE *out, const nn_space *space, const nn_point *point);
/* "12.34 %" of errors, else the number. */
const char *sweep_value(const char *objective, double value, char text[32]);

/* sweep_show.c */
int sweep_list(store *s, bool as_json);
/* What `sweep show --json` says; false when it could not be written. */
bool sweep_write_json(const study_view *f, FILE *out);
int sweep_show(store *s, study_id id, const char *against, bool as_json);
int sweep_best(store *s, study_id id, const sweep_settings *settings);

/* sweep_steer.c: add, pause, go, kill, clone, promote. `words` are those after the verb. */
int sweep_steer(const char *verb, const sweep_settings *settings, const arguments *found);
bool sweep_is_steering(const char *verb);

#endif
