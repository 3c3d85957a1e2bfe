/* What a panel may know about a run, wherever it came from: a live trainer fills it from events,
 * the store fills it from the file, another process's run fills it by tailing the store. Panels get
 * it const and are pure functions of it. */
#ifndef GRADUS_UI_RUN_VIEW_H
#define GRADUS_UI_RUN_VIEW_H

#include "store/store.h"

/* A curve with a min/max pyramid (factor 4): points are only ever appended (or cut at a resume), a
 * one-point spike stays visible at every zoom, points never move. Steps ascend. NaN is kept. */
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
 * section 3); recomputed incrementally. The result is owned by the source and grows with it. */
const curve *curve_smooth(curve *c, int window);

typedef struct {
    run_row row;                                     /* names, state, sizes, last numbers */
    bool live;                                       /* a trainer of this process */
    curve *loss, *gradient_norm, *lr, *update_ratio; /* x = step */
    curve *train_loss, *train_error, *dev_loss, *dev_error, *speed; /* x = step at epoch end */
    nn_schedule schedule;
    double base_lr; /* present base rate, after interventions */
    double dropout, l2, momentum, clip_norm;
    bool has_dropout;
    store_evaluation *evaluations; /* of the dev part, in step order */
    int evaluation_count;
    store_evaluation test; /* count 0: not measured */
    char (*class_names)[64];
    int class_count;
    run_event *events; /* in order */
    int event_count, event_room;
    nn_health health;
    bool has_health;
    double train_error_now, train_loss_now; /* running, of the epoch under way; NaN */
    double examples_per_s, eta_seconds;     /* NaN unknown */
    double human_error;                     /* Bayes / human level, NaN unset */
    uint64_t steps_dropped;
    recorder_health recorder;
    char alert[256];  /* "" or what needs the user: NaN in ..., store failing */
    uint64_t version; /* grows with every change */
} run_view;

run_view *run_view_new(void);
void run_view_free(run_view *view);
/* Fill from the store (again: only what is new is read). */
nn_status run_view_load(run_view *view, store *s, run_id id, nn_error *error);
/* Apply one live event. Keeps what it needs of the evaluation; releases the event's reference. */
void run_view_apply(run_view *view, nn_event *event);

#endif
