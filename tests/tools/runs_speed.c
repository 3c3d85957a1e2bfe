/* Measures what the Runs screen and a long curve cost, as JSON lines: a store of 1,000 runs with 20
 * metrics is opened, listed, sorted, filtered and read again; a curve of 1,000,000 points with one
 * spike is drawn at several zooms. Each time is the best of several tries.
 *
 *   build/release/runs_speed [RUNS [METRICS [POINTS]]]
 *
 * Exit status 1 where a limit is passed or the spike is not seen. */
#include "tests/store_fixture.h"
#include "ui/panels/panel.h"
#include "ui/screens/app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 7 };

static bool failed;

static void say(const char *what, double seconds, double limit_ms, const char *more)
{
    bool good = seconds * 1e3 <= limit_ms;
    failed = failed || !good;
    printf("{\"measure\":\"%s\",\"ms\":%.3f,\"limit_ms\":%g,\"within\":%s%s}\n", what,
           seconds * 1e3, limit_ms, good ? "true" : "false", more);
    fflush(stdout);
}

static void stop(const char *text)
{
    fprintf(stderr, "runs_speed: %s\n", text);
    exit(1);
}

/* --- runs ------------------------------------------------------------------------------------- */

static void fill(const char *path, int runs, int metrics)
{
    char sql[2600];
    snprintf(sql, sizeof sql,
             "BEGIN;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO run (name, parent, model, optimizer, schedule, command_line, seed, "
             "batch, epochs, shards, threads, parameters, multiply_adds, steps_per_epoch, "
             "total_steps, state, started_ms, heartbeat_ms, host, boot, pid_space, pid, "
             "pid_started, segment, best_dev_error, test_error) SELECT 'run-' || i, "
             "CASE WHEN i %% 5 = 0 THEN i - 1 END, 'lenet5', 'adam', 'cosine', 'gradus train', i, "
             "64, 10, 4, 2, 61706, 416520, 844, 8440, 'finished', i, i, 'h', 'b', 's', 1, 1, 1, "
             "abs(random() %% 1000) / 2e3, 0.1 FROM n;"
             "WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO metric (name, every, goal) SELECT 'metric-' || i, 'epoch', 'min' FROM n;"
             "INSERT INTO summary SELECT run.id, metric.id, 10, 0, NULL, abs(random() %% 1000), "
             "8440, abs(random() %% 500), 7000, 1000, 1 FROM run, metric WHERE metric.id <= %d;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) "
             "INSERT INTO param SELECT run.id, 'option-' || i, run.id %% 7 * i, NULL FROM run, n;"
             "COMMIT",
             runs, metrics, metrics);
    run_sql(path, sql);
}

static double best(double (*measure)(void *context), void *context)
{
    double least = INFINITY;
    for (int i = 0; i < TRIES; i++) {
        double seconds = measure(context);
        least = seconds < least ? seconds : least;
    }
    return least;
}

typedef struct {
    const char *path;
    store *store;
    run_table *table;
    run_listing listing;
} bench;

static void must(nn_status status, const nn_error *error)
{
    if (status != NN_OK)
        stop(error->text);
}

/* From nothing to the list: the file is opened, everything read and put in order. */
static double open_all(void *context)
{
    bench *b = context;
    nn_error error = {0};
    double begin = seconds_now();
    store *s = store_open(b->path, &error);
    run_table *t = run_table_new();
    run_listing l;
    if (!s || !t)
        stop(error.text);
    must(run_listing_init(&l, &error), &error);
    must(run_table_read(t, s, &error), &error);
    must(run_listing_update(&l, t, &error), &error);
    double seconds = seconds_now() - begin;
    run_listing_free(&l);
    run_table_free(t);
    store_close(s);
    return seconds;
}

static double list_again(void *context)
{
    bench *b = context;
    nn_error error = {0};
    double begin = seconds_now();
    must(run_listing_update(&b->listing, b->table, &error), &error);
    return seconds_now() - begin;
}

static double read_again(void *context)
{
    bench *b = context;
    nn_error error = {0};
    double begin = seconds_now();
    must(run_table_read(b->table, b->store, &error), &error);
    return seconds_now() - begin;
}

static void measure_runs(const char *path, int runs, int metrics)
{
    nn_error error = {0};
    char more[80];
    snprintf(more, sizeof more, ",\"runs\":%d,\"metrics\":%d", runs, metrics);
    store_close(store_open(path, &error));
    fill(path, runs, metrics);
    bench b = {.path = path};
    say("open", best(open_all, &b), 100, more);
    b.store = store_open(path, &error);
    b.table = run_table_new();
    if (!b.store || !b.table)
        stop(error.text);
    must(run_listing_init(&b.listing, &error), &error);
    must(run_table_read(b.table, b.store, &error), &error);
    must(run_listing_sort(&b.listing, "metric-15.best", b.table, &error), &error);
    say("sort by a metric's best", best(list_again, &b), 50, more);
    must(run_listing_sort(&b.listing, "-name", b.table, &error), &error);
    say("sort by name", best(list_again, &b), 50, more);
    must(run_listing_group(&b.listing, "param.option-3", b.table, &error), &error);
    b.listing.tree = true;
    say("group, with branches", best(list_again, &b), 50, more);
    must(run_listing_filter(&b.listing,
                            "metric-12.best<250 AND (model~net OR has:note) AND NOT state=crashed",
                            b.table, &error),
         &error);
    say("filter", best(list_again, &b), 50, more);
    say("read again", best(read_again, &b), 50, more);
    run_listing_free(&b.listing);
    run_table_free(b.table);
    store_close(b.store);
}

/* --- a curve ---------------------------------------------------------------------------------- */

typedef struct {
    run_view *view;
    panel_state state;
    canvas *canvas;
} drawing;

static double draw(void *context)
{
    drawing *d = context;
    double begin = seconds_now();
    canvas_clear(d->canvas);
    panel_draw(panel_of(PANEL_loss), d->view, &d->state, true, d->canvas,
               (canvas_rect){0, 0, d->canvas->w, d->canvas->h});
    return seconds_now() - begin;
}

/* Something is drawn in the upper half of the plot, where only the spike reaches. */
static bool spike_seen(const canvas *c)
{
    for (int y = 2; y < c->h / 2; y++)
        for (int x = 12; x < c->w - 2; x++) {
            const canvas_cell *cell = &c->cells[y * c->w + x];
            if (cell->text[0] && cell->text[0] != ' ')
                return true;
        }
    return false;
}

static void measure_curve(int points)
{
    drawing d = {run_view_new(), panel_of(PANEL_loss)->start, canvas_new(120, 40, GLYPHS_BRAILLE)};
    if (!d.view || !d.canvas)
        stop("out of memory");
    const int spike = (int)(points * 0.618);
    d.view->loaded = true;
    d.view->row.state = RUN_FINISHED;
    d.view->row.total_steps = d.view->row.step = (uint64_t)points;
    d.view->row.steps_per_epoch = (uint64_t)points / 10, d.view->row.epochs = 10;
    d.state.log_y = false;
    for (int i = 1; i <= points; i++)
        if (!curve_add(d.view->loss, i, i == spike ? 40 : 2 + sin(i * .001)))
            stop("out of memory");
    double first = draw(&d);
    char more[80];
    snprintf(more, sizeof more, ",\"points\":%d", points);
    say("first drawing, with its mean", first, 250, more);
    for (double shown = points; shown >= 100; shown /= 10) {
        d.state.x0 = shown < points ? spike - shown / 2 : 0;
        d.state.x1 = shown < points ? spike + shown / 2 : 0;
        double seconds = best(draw, &d);
        bool seen = spike_seen(d.canvas);
        failed = failed || !seen;
        snprintf(more, sizeof more, ",\"points\":%d,\"shown\":%.0f,\"spike\":%s", points, shown,
                 seen ? "true" : "false");
        say("redraw", seconds, 16, more);
    }
    canvas_free(d.canvas);
    run_view_free(d.view);
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 1000, metrics = argc > 2 ? atoi(argv[2]) : 20;
    int points = argc > 3 ? atoi(argv[3]) : 1000000;
    if (runs < 1 || metrics < 15 || points < 1000)
        stop("expected at least 1 run, 15 metrics and 1000 points");
    void *place = NULL;
    if (store_place_make(&place) != 0)
        stop("no folder for the store");
    measure_runs(((store_place *)place)->path, runs, metrics);
    store_place_remove(&place);
    measure_curve(points);
    return failed ? 1 : 0;
}
