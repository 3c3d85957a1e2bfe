/* What a training says while it runs: JSON lines on stdout, or a progress line on stderr and a
 * summary on stdout. `train` fills it from live events, `watch` from the store. */
#ifndef GRADUS_UI_REPORT_H
#define GRADUS_UI_REPORT_H

#include "ui/commands/json_out.h"
#include "ui/session.h"

typedef struct {
    json_out json;
    bool as_json;
    bool in_place;      /* stderr is a terminal: the progress line is rewritten */
    bool line_open;     /* a progress line stands there without a newline */
    bool output_lost;   /* stdout cannot be written; said once */
    double last_update; /* seconds of the last progress line */
    int epochs;
    uint64_t total_steps;
    int batch;
} report;

report report_new(bool as_json);

typedef struct {
    run_id run; /* 0: not recorded, null in JSON */
    const char *name, *data, *model, *optimizer, *schedule;
    const char *store; /* "" without one */
    int64_t parameters;
    int shards, threads, batch, epochs, first_epoch; /* epochs done before, on resume */
    uint64_t seed, step, total_steps;
    double lr;
} report_start;
void report_begin(report *r, const report_start *start);

typedef struct {
    int epoch;
    uint64_t step;
    double train_loss, train_error, dev_loss, dev_error, lr, examples_per_s, seconds;
} report_epoch;
void report_epoch_done(report *r, const report_epoch *epoch);

/* The progress line between two epochs; a terminal sees it at most five times a second. */
void report_step(report *r, int epoch, uint64_t step, double loss, double examples_per_s,
                 double seconds);
/* A command took effect: {"event":"applied"} or a line. */
void report_applied(report *r, const nn_event *event);
void report_nonfinite(report *r, uint64_t step, const char *text);
/* A line on stderr, after ending a progress line that stands there. */
void report_say(report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef struct {
    run_id run;
    const char *status; /* "finished", "stopped", "diverged", "failed", "crashed" */
    const char *message;
    int best_epoch; /* 0: none */
    double best_dev_error, test_error, seconds;
} report_end;
void report_finish(report *r, const report_end *end);

#endif
