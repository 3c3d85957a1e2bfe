/* The Trials screen: a study live from whatever process works on it, and what is done to a trial:
 * paused, killed, cloned, promoted. Writing happens in the background. */
#include "ui/screens/trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIXED = 42, PARAM_LEAST = 9 };

const trial_row *trials_selected(const trials_screen *t)
{
    int at = t && t->lines ? t->list.selected : -1;
    return at >= 0 && at < t->list.count ? &t->view.trials[t->lines[at]] : NULL;
}

void trials_free(app *a)
{
    if (!a->trials)
        return;
    study_view_free(&a->trials->view);
    free(a->trials->lines);
    free(a->trials->studies);
    free(a->trials);
    a->trials = NULL;
}

/* --- which trials are shown --------------------------------------------------------------------
 */

static bool is_open(trial_state state)
{
    return state == TRIAL_QUEUED || state == TRIAL_RUNNING || state == TRIAL_PAUSED ||
           state == TRIAL_CRASHED;
}

static bool is_shown(const trials_screen *t, const trial_row *trial)
{
    switch (t->filter) {
    case TRIALS_KEPT:
        return trial->state == TRIAL_FINISHED || is_open(trial->state);
    case TRIALS_OPEN:
        return is_open(trial->state);
    case TRIALS_ALL:
    case TRIALS_SHOWN:
        break;
    }
    return true;
}

/* Whether trial x stands before y by value: NaN last, of equals the earlier. */
static bool stands_before(const study_view *view, int x, int y)
{
    double a = view->trials[x].value, b = view->trials[y].value;
    if (isnan(a) || isnan(b))
        return isnan(b) && !isnan(a);
    return view->row.highest ? a > b : a < b;
}

static void arrange(trials_screen *t)
{
    const study_view *view = &t->view;
    int count = 0;
    for (int i = 0; i < view->count; i++)
        if (is_shown(t, &view->trials[i]))
            t->lines[count++] = i;
    for (int i = 1; i < count && t->by_value; i++) {
        int moved = t->lines[i], at = i;
        for (; at > 0 && stands_before(view, moved, t->lines[at - 1]); at--)
            t->lines[at] = t->lines[at - 1];
        t->lines[at] = moved;
    }
    t->list.count = count;
    int line = t->list.selected;
    for (int i = 0; i < count; i++)
        if (view->trials[t->lines[i]].number == t->selected)
            line = i;
    list_select(&t->list, line);
}

static void follow_selection(trials_screen *t)
{
    const trial_row *trial = trials_selected(t);
    t->selected = trial ? trial->number : 0;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static nn_status read_studies(trials_screen *t, store *s, nn_error *error)
{
    study_row *rows = NULL;
    int count = 0;
    nn_status status = store_studies(s, &rows, &count, error);
    study_id *ids = status == NN_OK ? malloc(((size_t)count + 1) * sizeof *ids) : NULL;
    if (status == NN_OK && !ids)
        status = nn_fail(error, NN_E_NOMEM, "out of memory for the studies");
    bool there = false;
    for (int i = 0; i < count && ids; i++) {
        ids[i] = rows[i].id;
        there = there || ids[i] == t->id;
    }
    free(rows);
    if (status != NN_OK)
        return status;
    free(t->studies);
    t->studies = ids;
    t->study_count = count;
    if (!there)
        t->id = count > 0 ? ids[0] : 0;
    return NN_OK;
}

static nn_status read_all(trials_screen *t, store *s, nn_error *error)
{
    nn_status status = read_studies(t, s, error);
    t->list.count = 0;
    if (status == NN_OK && t->id == 0)
        study_view_free(&t->view);
    if (status != NN_OK || t->id == 0)
        return status;
    status = study_view_load(&t->view, s, t->id, NULL, error);
    int *lines = realloc(t->lines, ((size_t)t->view.count + 1) * sizeof *lines);
    if (!lines)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the trials");
    t->lines = lines;
    arrange(t);
    follow_selection(t);
    return status;
}

bool trials_refresh(app *a, bool force)
{
    trials_screen *t = a->trials;
    if (!t || !a->store || a->view != VIEW_TRIALS)
        return false;
    int64_t version = store_version(a->store);
    /* A killed process writes nothing: what became of its trials follows from its silence. */
    bool waits = t->view.row.count[TRIAL_RUNNING] > 0;
    if (!force && (a->now - t->read_at < 1 || (version == t->seen && !waits)))
        return false;
    nn_error error = {0};
    nn_status status = read_all(t, a->store, &error);
    snprintf(t->problem, sizeof t->problem, "%s", status == NN_OK ? "" : error.text);
    t->seen = version;
    t->read_at = a->now;
    return true;
}

void trials_open(app *a)
{
    if (!a->trials)
        a->trials = calloc(1, sizeof *a->trials);
    if (!a->trials)
        app_say(a, ROLE_BAD, "Out of memory for the trials.");
    trials_refresh(a, true);
}

/* --- drawing -----------------------------------------------------------------------------------
 */

static canvas_role role_of(const trial_row *trial, bool best)
{
    switch (trial->state) {
    case TRIAL_PRUNED:
    case TRIAL_KILLED:
    case TRIAL_QUEUED:
        return ROLE_DIM;
    case TRIAL_FAILED:
    case TRIAL_CRASHED:
        return ROLE_WARN;
    case TRIAL_RUNNING:
        return ROLE_DEV;
    case TRIAL_PAUSED:
    case TRIAL_FINISHED:
        break;
    }
    return best ? ROLE_GOOD : ROLE_TEXT;
}

static int param_width(const nn_space_param *param)
{
    int w = text_columns(param->name);
    return (w > PARAM_LEAST ? w : PARAM_LEAST) + 1;
}

static void draw_header(const trials_screen *t, canvas *c)
{
    const nn_space *space = t->view.space;
    canvas_text(c, 1, 0, -1, ROLE_TITLE, "trial");
    canvas_text(c, 8, 0, -1, t->by_value ? ROLE_TITLE : ROLE_TITLE_FOCUS, "state");
    canvas_right(c, 17, 0, 8, t->by_value ? ROLE_TITLE_FOCUS : ROLE_TITLE,
                 trials_in_percent(&t->view) ? "error %" : "value");
    canvas_right(c, 26, 0, 5, ROLE_TITLE, "epoch");
    canvas_right(c, 32, 0, 8, ROLE_TITLE, "ms");
    for (int p = 0, x = TABLE_FIXED; p < space->count && x < c->clip.w - 4;
         x += param_width(&space->param[p]), p++)
        canvas_text(c, x, 0, param_width(&space->param[p]) - 1, ROLE_TITLE, space->param[p].name);
}

static void draw_trial(const trials_screen *t, canvas *c, int at, int y)
{
    const study_view *view = &t->view;
    const trial_row *trial = &view->trials[t->lines[at]];
    bool best = trial->number == view->row.best;
    canvas_role role = role_of(trial, best);
    char text[NN_SPACE_TEXT];
    canvas_format(c, 1, y, 4, role, "%4d", trial->number);
    canvas_text(c, 5, y, 2, ROLE_GOOD, best ? " B" : view->front[t->lines[at]] ? " *" : "");
    canvas_text(c, 8, y, 8, role, trial_state_name(trial->state));
    trials_value_text(view, trial->value, text, sizeof text);
    canvas_right(c, 17, y, 8, role, text);
    canvas_format(c, 26, y, 5, role, "%5d", trial->epoch);
    format_number(text, sizeof text, trial->latency_ms);
    canvas_right(c, 32, y, 8, role, text);
    for (int p = 0, x = TABLE_FIXED; p < view->space->count && x < c->clip.w - 4;
         x += param_width(&view->space->param[p]), p++) {
        const nn_space_param *param = &view->space->param[p];
        canvas_text(c, x, y, param_width(param) - 1, role,
                    nn_space_text(param, trial->point.value[p], text));
    }
    if (at == t->list.selected) {
        canvas_text(c, 0, y, 1, ROLE_TEXT, ">");
        canvas_role_fill(c, (canvas_rect){0, y, c->clip.w, 1}, ROLE_SELECT);
        c->cursor_x = c->clip.x, c->cursor_y = c->clip.y + y;
    }
}

static void draw_table(trials_screen *t, canvas *c, canvas_rect area)
{
    static const char *const filters[] = {"", "  without pruned and failed", "  open ones", ""};
    const study_row *row = &t->view.row;
    char title[240], value[24];
    trials_value_text(&t->view, row->best_value, value, sizeof value);
    int used = snprintf(title, sizeof title, "*Trials  %.40s  %s, %s  %d", row->name,
                        nn_sampler_name(row->sampler), row->pruner, t->view.count);
    if (row->trials > 0)
        used += snprintf(title + used, sizeof title - (size_t)used, " of %d", row->trials);
    if (row->count[TRIAL_RUNNING] > 0)
        used += snprintf(title + used, sizeof title - (size_t)used, ", %d running",
                         row->count[TRIAL_RUNNING]);
    if (row->best)
        used += snprintf(title + used, sizeof title - (size_t)used, "  best %s %s", row->objective,
                         value);
    snprintf(title + used, sizeof title - (size_t)used, "%s", filters[t->filter]);
    canvas_box(c, area, title, true);
    canvas_rect old = canvas_push(c, (canvas_rect){area.x + 1, area.y + 1, area.w - 2, area.h - 2});
    int rows = c->clip.h - 1;
    list_fit(&t->list, t->list.count, rows);
    draw_header(t, c);
    for (int i = 0; i < rows && t->list.top + i < t->list.count; i++)
        draw_trial(t, c, t->list.top + i, 1 + i);
    list_draw_bar(&t->list, c, c->clip.w - 1, 1);
    canvas_pop(c, old);
}

static void draw_nothing(const app *a, canvas *c)
{
    const char *text =
        a->trials && a->trials->problem[0] ? a->trials->problem
        : !a->store && !a->store_problem[0]
            ? "Opening the store ..."
            : "No study yet. Begin one in a shell: gradus sweep --data digits --space "
              "'lr=log(1e-4,1) batch=choice(32,64)' --trials 20. It shows up here while it runs, "
              "and its trials can be paused, killed, cloned and promoted.";
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, "*Trials", true);
    canvas_wrap(c, (canvas_rect){2, 2, c->clip.w - 4, 5}, ROLE_DIM, text);
}

void trials_draw(app *a, canvas *c)
{
    trials_screen *t = a->trials;
    long clipped = c->clipped; /* names and words of any length, seen in full elsewhere */
    if (!t || !t->view.space) {
        draw_nothing(a, c);
        return;
    }
    int table = c->clip.h >= 34 ? c->clip.h - 22 : c->clip.h - 12;
    table = table < 6 ? 6 : table;
    draw_table(t, c, (canvas_rect){0, 0, c->clip.w, table});
    canvas_rect old = canvas_push(c, (canvas_rect){0, table, c->clip.w, c->clip.h - table});
    trials_draw_plots(t, c);
    canvas_pop(c, old);
    c->clipped = clipped;
}

void trials_standing(const app *a, char *text, size_t size)
{
    const trials_screen *t = a->trials;
    const trial_row *trial = trials_selected(t);
    text[0] = '\0';
    if (t && t->problem[0])
        snprintf(text, size, "%s", t->problem);
    else if (trial && trial->reason[0])
        snprintf(text, size, "Trial %d %s: %s", trial->number, trial_state_name(trial->state),
                 trial->reason);
    else if (trial && trial->wish[0])
        snprintf(text, size, "Trial %d: asked its process to %s it.", trial->number, trial->wish);
    else if (trial && trial->source)
        snprintf(text, size, "Trial %d: %s of trial %d.", trial->number, trial->origin,
                 trial->source);
}

/* --- steering ----------------------------------------------------------------------------------
 */

typedef struct {
    app *app;
    study_id study;
    bool adds;
    steer_kind kind;
    int number, source, epochs; /* number: of the trial, then of a new one */
    const char *origin;
    nn_point point;
    nn_status status;
    nn_error error;
} steer_job;

static void write_steering(void *given)
{
    steer_job *job = given;
    recorder *courier = records_courier(job->app, &job->error);
    if (!courier)
        job->status = job->error.code;
    else if (job->adds)
        job->status = recorder_add_trial(courier, job->study, &job->point, job->origin, job->source,
                                         job->epochs, &job->number, &job->error);
    else
        job->status =
            recorder_steer_trial(courier, job->study, job->number, job->kind, &job->error);
}

static void steered(void *given, void *done)
{
    app *a = given;
    steer_job *job = done;
    static const char *const did[] = {"is paused, or will be at once", "waits in the queue",
                                      "is killed, or will be at once"};
    if (job->status != NN_OK)
        app_say(a, ROLE_WARN, "%s", job->error.text);
    else if (job->adds)
        app_say(a, ROLE_TEXT, "Trial %d waits; a sweep of this study runs it.", job->number);
    else
        app_say(a, ROLE_TEXT, "Trial %d %s.", job->number, did[job->kind]);
    trials_refresh(a, true);
    free(job);
}

static void submit(app *a, const steer_job *wanted)
{
    steer_job *job = malloc(sizeof *job);
    if (job)
        *job = *wanted;
    if (job && background_submit(a->background, write_steering, steered, job))
        return;
    free(job);
    app_say(a, ROLE_BAD, "Out of memory: nothing was changed.");
}

static void steer(app *a, steer_kind kind)
{
    const trial_row *trial = trials_selected(a->trials);
    submit(a,
           &(steer_job){.app = a, .study = a->trials->id, .kind = kind, .number = trial->number});
}

/* The words "lr=0.01 batch=64" laid over `point`; false after a complaint. */
static bool read_words(app *a, const char *words, nn_point *point)
{
    char text[PROMPT_BYTES];
    nn_error error = {0};
    snprintf(text, sizeof text, "%s", words);
    for (char *rest = text, *word; (word = strtok_r(rest, " ", &rest));)
        if (nn_space_assign(a->trials->view.space, word, point, &error) != NN_OK) {
            app_say(a, ROLE_WARN, "%s", error.text);
            return false;
        }
    return true;
}

/* A ':' line with the trial's values to be edited. */
static void open_values(app *a, const char *name, const trial_row *trial)
{
    const nn_space *space = a->trials->view.space;
    char line[PROMPT_BYTES], text[NN_SPACE_TEXT];
    size_t used = (size_t)snprintf(line, sizeof line, "%s ", name);
    for (int p = 0; trial && p < space->count && used < sizeof line; p++)
        if (!isnan(trial->point.value[p]))
            used +=
                (size_t)snprintf(line + used, sizeof line - used, "%s=%s ", space->param[p].name,
                                 nn_space_text(&space->param[p], trial->point.value[p], text));
    app_open_line(a, line);
}

static void add(app *a, const char *argument, bool clone)
{
    const trial_row *trial = clone ? trials_selected(a->trials) : NULL;
    nn_point point = trial ? trial->point : nn_point_nowhere();
    if (!*argument && !a->typed)
        open_values(a, clone ? "trial-clone" : "trial-add", trial);
    else if (read_words(a, argument, &point))
        submit(a, &(steer_job){.app = a,
                               .study = a->trials->id,
                               .adds = true,
                               .origin = clone ? "clone" : "hand",
                               .source = trial ? trial->number : 0,
                               .point = point});
}

static void promote(app *a, const char *argument)
{
    const trial_row *trial = trials_selected(a->trials);
    char *end, line[48];
    long epochs = strtol(argument, &end, 10);
    if (!*argument) {
        snprintf(line, sizeof line, "trial-promote %d", 3 * (trial->epoch > 0 ? trial->epoch : 1));
        app_open_line(a, line);
    } else if (*end || epochs <= trial->epoch || epochs > 1000000) {
        app_say(a, ROLE_WARN, "trial-promote '%.20s': expected epochs in all, above %d", argument,
                trial->epoch);
    } else {
        submit(a, &(steer_job){.app = a,
                               .study = a->trials->id,
                               .adds = true,
                               .origin = "promote",
                               .source = trial->number,
                               .epochs = (int)epochs,
                               .point = trial->point});
    }
}

/* --- commands ----------------------------------------------------------------------------------
 */

const char *trials_why_not(const app *a, command_id what)
{
    const trials_screen *t = a->trials;
    const trial_row *trial = trials_selected(t);
    if (!t || !t->view.space)
        return "there is no study yet";
    if (a->store && store_newer(a->store))
        return "the store is of a newer Gradus";
    if (what == DO_TRIAL_ADD)
        return NULL;
    if (!trial)
        return "no trial is selected";
    bool over = trial->state == TRIAL_FINISHED || trial->state == TRIAL_PRUNED ||
                trial->state == TRIAL_FAILED;
    if (what == DO_TRIAL_PAUSE && over)
        return "this trial is over; clone or promote it";
    if (what == DO_TRIAL_KILL && (over || trial->state == TRIAL_KILLED))
        return "this trial is over";
    return NULL;
}

static void change_study(app *a, int by)
{
    trials_screen *t = a->trials;
    for (int i = 0; i < t->study_count; i++)
        if (t->studies[i] == t->id) {
            t->id = t->studies[(i + by + t->study_count) % t->study_count];
            break;
        }
    t->selected = 0;
    t->first_tile = 0;
    list_select(&t->list, 0);
    trials_refresh(a, true);
}

static void change_view(trials_screen *t, command_id what)
{
    int plots = trials_plots(t);
    if (what == DO_TRIAL_SORT)
        t->by_value = !t->by_value;
    else if (what == DO_TRIAL_SHOW)
        t->filter = (trials_filter)((t->filter + 1) % TRIALS_SHOWN);
    else if (plots > 0)
        t->first_tile = (t->first_tile + (what == DO_PLOTS ? 1 : plots - 1)) % plots;
    if (t->lines)
        arrange(t);
    follow_selection(t);
}

static void open_run(app *a)
{
    const trial_row *trial = trials_selected(a->trials);
    if (trial && trial->run)
        records_show(a, trial->run);
    else if (trial)
        app_say(a, ROLE_WARN, "Trial %d has not begun: it has no run yet.", trial->number);
}

bool trials_do(app *a, command_id what, const char *argument)
{
    trials_screen *t = a->trials;
    if (!t)
        return false;
    if (list_do(&t->list, what)) {
        follow_selection(t);
        return true;
    }
    switch (what) {
    case DO_OPEN:
        open_run(a);
        return true;
    case DO_TRIAL_PAUSE:
        steer(a,
              trials_selected(t)->state == TRIAL_PAUSED || trials_selected(t)->state == TRIAL_KILLED
                  ? STEER_GO
                  : STEER_PAUSE);
        return true;
    case DO_TRIAL_KILL:
        steer(a, STEER_KILL);
        return true;
    case DO_TRIAL_CLONE:
    case DO_TRIAL_ADD:
        add(a, argument, what == DO_TRIAL_CLONE);
        return true;
    case DO_TRIAL_PROMOTE:
        promote(a, argument);
        return true;
    case DO_STUDY_NEXT:
    case DO_STUDY_PREVIOUS:
        change_study(a, what == DO_STUDY_NEXT ? 1 : -1);
        return true;
    case DO_TRIAL_SORT:
    case DO_TRIAL_SHOW:
    case DO_PLOTS:
    case DO_PLOTS_BACK:
        change_view(t, what);
        return true;
    default:
        return false;
    }
}
