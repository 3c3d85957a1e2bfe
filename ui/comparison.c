#include "ui/comparison.h"

#include "ui/panels/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_run(compared_run *run)
{
    run_view_free(run->view);
    free(run->params);
    free(run->predictions);
    free(run->seed_errors);
    *run = (compared_run){0};
}

void comparison_free(comparison *c)
{
    for (int i = 0; i < c->count; i++)
        free_run(&c->runs[i]);
    free(c->settings);
    *c = (comparison){0};
}

bool comparison_active(const comparison *c)
{
    for (int i = 0; i < c->count; i++)
        if (run_view_active(c->runs[i].view))
            return true;
    return false;
}

const char *compared_standing_text(compared_standing standing)
{
    static const char *const texts[] = {"", "other dev set: not ranked", "not evaluated yet",
                                        "diverged: not a number"};
    return texts[standing];
}

/* --- settings ----------------------------------------------------------------------------------
 */

/* What names a run or its place rather than how it learns. */
static bool is_setting(const char *key)
{
    static const char *const others[] = {"study", "trial", "name", "threads", "seed"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(key, others[i]) == 0)
            return false;
    return true;
}

static void value_text(const store_param *param, char *text)
{
    if (param->is_number)
        snprintf(text, COMPARISON_VALUE, "%.6g", param->number);
    else
        snprintf(text, COMPARISON_VALUE, "%.*s", COMPARISON_VALUE - 1, param->text);
}

static compared_setting *setting_of(comparison *c, const char *key)
{
    for (int i = 0; i < c->setting_count; i++)
        if (strcmp(c->settings[i].key, key) == 0)
            return &c->settings[i];
    compared_setting *setting = &c->settings[c->setting_count++];
    snprintf(setting->key, sizeof setting->key, "%s", key);
    for (int r = 0; r < c->count; r++)
        snprintf(setting->value[r], COMPARISON_VALUE, "-");
    return setting;
}

/* Settings that were changed by hand while it trained, "lr 2". */
static void live_changes(const run_view *view, char *text)
{
    static const char *const keys[] = {"lr", "dropout", "l2", "momentum", "clip"};
    size_t used = 0;
    snprintf(text, COMPARISON_VALUE, "none");
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        int times = 0;
        for (int i = 0; i < view->event_count; i++)
            if (strcmp(view->events[i].kind, "applied") == 0 &&
                strcmp(view->events[i].key, keys[k]) == 0)
                times++;
        if (times > 0 && used < COMPARISON_VALUE)
            used += (size_t)snprintf(text + used, COMPARISON_VALUE - used, "%s%s x%d",
                                     used ? ", " : "", keys[k], times);
    }
}

static void add_run_settings(comparison *c, int r)
{
    const compared_run *run = &c->runs[r];
    const run_row *row = &run->view->row;
    for (int i = 0; i < run->param_count; i++)
        if (is_setting(run->params[i].key))
            value_text(&run->params[i], setting_of(c, run->params[i].key)->value[r]);
    const struct {
        const char *key, *value;
    } texts[] = {{"model", row->model},
                 {"optimizer", row->optimizer},
                 {"schedule", row->schedule},
                 {"data", row->data},
                 {"dev set", row->fingerprint}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        snprintf(setting_of(c, texts[i].key)->value[r], COMPARISON_VALUE, "%.*s",
                 COMPARISON_VALUE - 1, texts[i].value);
    snprintf(setting_of(c, "seed")->value[r], COMPARISON_VALUE, "%llu",
             (unsigned long long)row->seed);
    snprintf(setting_of(c, "batch")->value[r], COMPARISON_VALUE, "%d", row->batch);
    snprintf(setting_of(c, "epochs")->value[r], COMPARISON_VALUE, "%d", row->epochs);
    snprintf(setting_of(c, "parameters")->value[r], COMPARISON_VALUE, "%lld",
             (long long)row->parameters);
    live_changes(run->view, setting_of(c, "changed by hand")->value[r]);
}

static int differing_first(const void *a, const void *b)
{
    const compared_setting *x = a, *y = b;
    return x->differs != y->differs ? (int)y->differs - (int)x->differs : strcmp(x->key, y->key);
}

static nn_status find_settings(comparison *c, nn_error *error)
{
    enum { OF_ROW = 10 };
    int most = OF_ROW;
    for (int r = 0; r < c->count; r++)
        most += c->runs[r].param_count;
    compared_setting *settings = calloc((size_t)most, sizeof *settings);
    if (!settings)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the settings of %d runs", c->count);
    free(c->settings);
    c->settings = settings;
    c->setting_count = c->differing = 0;
    for (int r = 0; r < c->count; r++)
        add_run_settings(c, r);
    for (int i = 0; i < c->setting_count; i++) {
        for (int r = 1; r < c->count; r++)
            if (strcmp(settings[i].value[r], settings[i].value[0]) != 0)
                settings[i].differs = true;
        c->differing += settings[i].differs;
    }
    qsort(settings, (size_t)c->setting_count, sizeof *settings, differing_first);
    return NN_OK;
}

/* --- other seeds -------------------------------------------------------------------------------
 */

/* Everything but the seed is the same, and the dev examples if the seed draws them. */
static bool same_settings(const run_table *t, const run_entry *a, const run_entry *b)
{
    const run_row *x = &a->row, *y = &b->row;
    if (strcmp(x->data, y->data) != 0 || strcmp(x->model, y->model) != 0 ||
        strcmp(x->optimizer, y->optimizer) != 0 || strcmp(x->schedule, y->schedule) != 0 ||
        x->batch != y->batch || x->epochs != y->epochs)
        return false;
    for (int key = 0; key < t->key_count; key++) {
        const run_fact *f = run_entry_fact(a, key), *g = run_entry_fact(b, key);
        if (!is_setting(t->keys[key].name) || (!f && !g))
            continue;
        if (!f || !g || f->is_number != g->is_number)
            return false;
        if (f->is_number ? f->number != g->number : strcmp(f->text, g->text) != 0)
            return false;
    }
    return true;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static nn_status find_seeds(compared_run *run, const run_table *table, nn_error *error)
{
    const run_entry *self = table ? run_table_find(table, run->view->row.id) : NULL;
    free(run->seed_errors);
    run->seed_errors = NULL;
    run->seed_count = 0;
    if (!self)
        return NN_OK;
    run->seed_errors = malloc((size_t)table->count * sizeof *run->seed_errors);
    if (!run->seed_errors)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the seeds of run %lld",
                       (long long)self->row.id);
    for (int i = 0; i < table->count; i++) {
        const run_entry *other = &table->entries[i];
        bool usable = other->row.state == RUN_FINISHED && !other->row.deleted_ms &&
                      isfinite(other->row.dev_error) &&
                      (other == self || other->row.seed != self->row.seed);
        if (usable && same_settings(table, self, other))
            run->seed_errors[run->seed_count++] = other->row.dev_error;
    }
    qsort(run->seed_errors, (size_t)run->seed_count, sizeof *run->seed_errors, ascending);
    return NN_OK;
}

/* --- one run -----------------------------------------------------------------------------------
 */

static int by_example(const void *a, const void *b)
{
    const store_prediction *x = a, *y = b;
    return (x->example > y->example) - (x->example < y->example);
}

static nn_status read_predictions(compared_run *run, store *s, nn_error *error)
{
    store_prediction *list = NULL;
    int64_t count = 0;
    nn_status status = store_predictions(s, run->view->row.id, NN_DEV, &list, &count, error);
    if (status != NN_OK)
        return status;
    if (count > 1)
        qsort(list, (size_t)count, sizeof *list, by_example);
    free(run->predictions);
    run->predictions = list;
    run->prediction_count = count;
    return NN_OK;
}

static void judge(compared_run *run, const run_row *first)
{
    const run_view *view = run->view;
    run->last = view->evaluation_count > 0 ? &view->evaluations[view->evaluation_count - 1] : NULL;
    run->range = (nn_interval){0, 1};
    run->wrong = 0;
    bool same = strcmp(view->row.fingerprint, first->fingerprint) == 0 &&
                strcmp(view->row.data, first->data) == 0;
    bool number = run->last && run->last->count > 0 && isfinite(run->last->error);
    if (number) {
        run->wrong = llround(run->last->error * (double)run->last->count);
        run->range = nn_wilson(run->wrong, run->last->count, NN_Z95);
    }
    if (!same)
        run->standing = STANDING_OTHER_DEV;
    else if (view->row.state == RUN_DIVERGED || (run->last && !number))
        run->standing = STANDING_NOT_A_NUMBER;
    else
        run->standing = run->last ? STANDING_RANKED : STANDING_UNJUDGED;
}

static nn_status read_one(compared_run *run, store *s, const run_table *table, nn_error *error)
{
    store_param *params = NULL;
    int count = 0;
    nn_status status = store_params(s, run->view->row.id, &params, &count, error);
    if (status != NN_OK)
        return status;
    free(run->params);
    run->params = params;
    run->param_count = count;
    if ((status = read_predictions(run, s, error)) == NN_OK)
        status = find_seeds(run, table, error);
    return status;
}

nn_status comparison_refresh(comparison *c, store *s, const run_table *table, nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < c->count; i++) {
        compared_run *run = &c->runs[i];
        nn_status loaded = run_view_load(run->view, s, run->view->row.id, error);
        judge(run, &c->runs[0].view->row); /* the evaluations may stand elsewhere now */
        if (loaded == NN_OK)
            loaded = read_one(run, s, table, error);
        if (loaded != NN_OK)
            status = loaded;
    }
    return status == NN_OK ? find_settings(c, error) : status;
}

nn_status comparison_read(comparison *c, store *s, const run_table *table, const run_id *ids,
                          int count, nn_error *error)
{
    *c = (comparison){0};
    if (count < 1 || count > COMPARISON_RUNS)
        return nn_fail(error, NN_E_ARG, "%d runs to compare: expected 1 to %d", count,
                       COMPARISON_RUNS);
    nn_status status = NN_OK;
    for (int i = 0; i < count && status == NN_OK; i++) {
        compared_run *run = &c->runs[c->count++];
        run->letter = (char)(i < 26 ? 'A' + i : 'a' + i - 26);
        if (!(run->view = run_view_new()))
            status = nn_fail(error, NN_E_NOMEM, "out of memory for %d runs", count);
        else if ((status = run_view_load(run->view, s, ids[i], error)) == NN_OK)
            status = read_one(run, s, table, error);
        if (status == NN_OK)
            judge(run, &c->runs[0].view->row);
    }
    if (status == NN_OK)
        status = find_settings(c, error);
    if (status != NN_OK)
        comparison_free(c);
    return status;
}

int comparison_best(const comparison *c)
{
    int best = -1;
    for (int i = 0; i < c->count; i++)
        if (c->runs[i].standing == STANDING_RANKED &&
            (best < 0 || c->runs[i].last->error < c->runs[best].last->error))
            best = i;
    return best;
}

/* --- x of curves -------------------------------------------------------------------------------
 */

/* Seconds up to `step` by the speed of each epoch, of which the last one goes on; NaN unknown. */
static double plain_seconds(const compared_run *run, double step)
{
    const run_view *view = run->view;
    double seconds = 0, from = 0, speed = (double)NAN, to;
    for (int64_t i = 0; i < curve_count(view->speed) && from < step; i++) {
        curve_point(view->speed, i, &to, &speed);
        double part = fmin(to, step) - from;
        if (part > 0 && speed > 0)
            seconds += part * view->row.batch / speed;
        from = to;
    }
    if (from < step)
        seconds += (step - from) * view->row.batch / speed;
    return seconds;
}

double compared_x(const compared_run *run, compare_axis axis, double step)
{
    const run_row *row = &run->view->row;
    if (axis == COMPARE_BY_STEP)
        return step;
    if (axis == COMPARE_BY_EPOCH)
        return row->steps_per_epoch ? step / (double)row->steps_per_epoch : step;
    double whole = plain_seconds(run, (double)row->step);
    double seconds = plain_seconds(run, step);
    return whole > 0 && row->seconds > 0 ? seconds * row->seconds / whole : seconds;
}
