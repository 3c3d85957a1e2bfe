/* What a panel may know about a run, wherever it came from: a live trainer fills it from events,
 * the store fills it from the file, another process's run fills it by tailing the store. Panels get
 * it const and are pure functions of it. */
#ifndef GRADUS_UI_RUN_VIEW_H
#define GRADUS_UI_RUN_VIEW_H

#include "store/store.h"

/* A curve with a min/max pyramid (factor 8): points are only ever appended (or cut at a resume), a
 * one-point spike stays visible at every zoom, points never move. x ascends: a point with an x
 * below the last one's, or NaN, is left out. NaN and infinite y are kept. 1e6 points take 22 MB. */
typedef struct curve curve;
curve *curve_new(void);
void curve_free(curve *c);
bool curve_add(curve *c, double x, double y); /* false: out of memory */
void curve_cut(curve *c, double x);           /* drop points with x greater */
int64_t curve_count(const curve *c);
void curve_point(const curve *c, int64_t i, double *x, double *y);
/* First index with x >= the value. */
int64_t curve_at(const curve *c, double x);
typedef struct {
    double min, max;    /* of the finite values; NaN when there are none */
    double first, last; /* finite */
    int64_t count, bad; /* finite and non-finite points */
} curve_range;
/* Over points with x0 <= x < x1, in O(log n). */
curve_range curve_over(const curve *c, double x0, double x1);
/* The last finite value, its x; false without one. */
bool curve_last(const curve *c, double *x, double *y);
/* Exponentially smoothed copy over raw points, window named in points (debiased, Kingma and Ba
 * section 3). The result is owned by the source, grows with it, and lives until another window is
 * asked for or the source is cut. Window 0 or 1, or no memory: the source itself. */
const curve *curve_smooth(curve *c, int window);

typedef struct {
    run_row row; /* names, state, sizes, last numbers */
    bool live;   /* a trainer of this process */
    bool loaded; /* there is a run at all; false: everything below is empty */
    curve *loss, *gradient_norm, *lr, *update_ratio;                /* x = steps done */
    curve *train_loss, *train_error, *dev_loss, *dev_error, *speed; /* x = step at epoch end */
    nn_schedule schedule;
    double base_lr; /* present base rate, after interventions */
    double dropout, l2, momentum, clip_norm;
    bool has_dropout;
    store_evaluation *evaluations; /* of the dev part, in step order */
    int evaluation_count, evaluation_room;
    store_evaluation test; /* count 0: not measured */
    char (*class_names)[64];
    int class_count;
    int64_t train_count; /* examples; 0 unknown */
    run_event *events;   /* in order */
    int event_count, event_room;
    nn_health health;
    bool has_health;
    double train_error_now, train_loss_now; /* running, of the epoch under way; NaN */
    double examples_per_s, eta_seconds;     /* NaN unknown */
    double human_error;                     /* Bayes / human level, NaN unset */
    double train_dev_error;                 /* NaN: no such part, or not measured */
    int64_t train_dev_count;
    uint64_t steps_dropped; /* the listener was too slow for: not on the curve */
    recorder_health recorder;
    char alert[384];  /* "" or what needs the user: NaN in ..., store failing */
    uint64_t version; /* grows with every change */
    /* Private to run_view.c: running means of the epoch, clock of the events. */
    double epoch_loss, epoch_error;
    int64_t epoch_steps, clock_ms;
} run_view;

run_view *run_view_new(void); /* NULL: out of memory */
void run_view_free(run_view *view);
/* What a trainer of this process is about to do, where no store says it. */
nn_status run_view_describe(run_view *view, const nn_train_facts *facts, const nn_dataset *data,
                            const char *model, const char *name, nn_error *error);
/* Fill from the store (again: only what is new is read). */
nn_status run_view_load(run_view *view, store *s, run_id id, nn_error *error);
/* Apply one live event. Keeps what it needs of the evaluation; releases the event's reference. */
void run_view_apply(run_view *view, nn_event *event);

/* For both ways of filling. */
bool run_view_add_event(run_view *view, const run_event *event); /* false: out of memory */
void run_view_cut(run_view *view, double step);                  /* forget points after `step` */
void run_view_estimate(run_view *view);     /* eta_seconds from the other numbers */
bool run_view_active(const run_view *view); /* its trainer is at work or paused */

#endif
