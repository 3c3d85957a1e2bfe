/* What the learner has done: kept here, and written to the store in the background. */
#include "ui/screens/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    app *app;
    enum { SAVE_PLACE, SAVE_ITEM, FORGET } what;
    progress_place place;
    progress_item item;
    nn_status status;
    nn_error error;
} save_job;

static void write_it(void *given)
{
    save_job *job = given;
    recorder *courier = records_courier(job->app, &job->error);
    if (!courier)
        job->status = job->error.code;
    else if (job->what == FORGET)
        job->status = recorder_forget_progress(courier, job->place.chapter, &job->error);
    else if (job->what == SAVE_ITEM)
        job->status = recorder_save_item(courier, &job->item, &job->error);
    else
        job->status = recorder_save_place(courier, &job->place, &job->error);
}

static void written(void *given, void *done)
{
    save_job *job = done;
    if (job->status != NN_OK)
        app_say(given, ROLE_BAD, "Progress is not saved: %s", job->error.text);
    free(job);
}

static void submit(app *a, const save_job *what)
{
    if (a->course->reading_only)
        return;
    save_job *job = malloc(sizeof *job);
    if (job)
        *job = *what;
    if (job && background_submit(a->background, write_it, written, job))
        return;
    free(job);
    app_say(a, ROLE_BAD, "Out of memory: progress is not saved.");
}

static const char *mode_of(course_pane pane)
{
    static const char *const mode[PANE_COUNT] = {"read", "read", "step", "lab", "check"};
    return mode[pane];
}

static bool is_same(const progress_place *a, const progress_place *b)
{
    return a->chapter == b->chapter && strcmp(a->mode, b->mode) == 0 && a->section == b->section &&
           a->step == b->step && a->item == b->item && a->done == b->done;
}

void course_save_place(app *a)
{
    course_screen *s = a->course;
    progress_place *place = &s->place[s->chapter];
    progress_place before = s->saved;
    place->chapter = s->chapter;
    snprintf(place->mode, sizeof place->mode, "%s", mode_of(s->pane));
    if (s->pane == PANE_READ)
        place->section = s->read.section;
    s->saved = *place;
    if (!is_same(&before, place))
        submit(a, &(save_job){.app = a, .place = *place});
}

void course_save_done(app *a)
{
    submit(a, &(save_job){.app = a, .place = a->course->place[a->course->chapter]});
}

/* --- items --------------------------------------------------------------------------------------
 */

static progress_item *find_item(const course_screen *s, int chapter, const char *kind,
                                const char *id)
{
    for (int i = 0; i < s->item_count; i++) {
        progress_item *item = &s->items[i];
        if (item->chapter == chapter && strcmp(item->kind, kind) == 0 && strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

const progress_item *course_item(const app *a, int chapter, const char *kind, const char *id)
{
    return find_item(a->course, chapter, kind, id);
}

static progress_item *add_item(course_screen *s, const progress_item *item)
{
    progress_item *items = realloc(s->items, (size_t)(s->item_count + 1) * sizeof *items);
    if (!items)
        return NULL;
    s->items = items;
    items[s->item_count] = *item;
    return &items[s->item_count++];
}

static bool passes(const char *outcome)
{
    return strcmp(outcome, "right") == 0 || strcmp(outcome, "nearly") == 0 ||
           strcmp(outcome, "holds") == 0;
}

void course_save_item(app *a, const progress_item *item)
{
    course_screen *s = a->course;
    progress_item *kept = find_item(s, item->chapter, item->kind, item->id);
    progress_item before = kept ? *kept : (progress_item){0};
    if (!kept && !(kept = add_item(s, item))) {
        app_say(a, ROLE_BAD, "Out of memory: progress is not saved.");
        return;
    }
    *kept = *item;
    kept->times = before.times + 1;
    kept->passed = before.passed || passes(item->outcome);
    kept->hints = item->hints > before.hints ? item->hints : before.hints;
    submit(a, &(save_job){.app = a, .what = SAVE_ITEM, .item = *item});
}

/* Takes the chapter's items out; they stay in `forgotten_items`. */
static bool take_items(course_screen *s, int chapter)
{
    progress_item *taken = calloc((size_t)s->item_count + 1, sizeof *taken);
    int kept = 0, count = 0;
    if (!taken)
        return false;
    for (int i = 0; i < s->item_count; i++)
        if (s->items[i].chapter == chapter)
            taken[count++] = s->items[i];
        else
            s->items[kept++] = s->items[i];
    s->item_count = kept;
    free(s->forgotten_items);
    s->forgotten_items = taken;
    s->forgotten_count = count;
    return true;
}

void course_forget(app *a, int chapter)
{
    course_screen *s = a->course;
    if (!take_items(s, chapter)) {
        app_say(a, ROLE_BAD, "Out of memory: nothing is forgotten.");
        return;
    }
    s->forgotten = s->place[chapter];
    s->forgotten.chapter = chapter;
    s->place[chapter] = s->saved = (progress_place){0};
    course_step_free(a);
    course_check_free(a);
    submit(a, &(save_job){.app = a, .what = FORGET, .place = s->forgotten});
}

bool course_remember(app *a)
{
    course_screen *s = a->course;
    int chapter = s->forgotten.chapter;
    if (chapter == 0)
        return false;
    s->place[chapter] = s->forgotten;
    submit(a, &(save_job){.app = a, .place = s->forgotten});
    for (int i = 0; i < s->forgotten_count; i++)
        course_save_item(a, &s->forgotten_items[i]);
    s->forgotten = (progress_place){0};
    return true;
}

int course_passed(const app *a, int chapter)
{
    int passed = 0;
    for (int i = 0; i < a->course->item_count; i++) {
        const progress_item *item = &a->course->items[i];
        passed += item->chapter == chapter && item->passed && strcmp(item->kind, "check") == 0;
    }
    return passed;
}

/* --- reading ------------------------------------------------------------------------------------
 */

void course_read_progress(app *a)
{
    course_screen *s = a->course;
    if (!a->store || s->known)
        return;
    progress_place *places = NULL;
    progress_item *items = NULL;
    int place_count = 0, item_count = 0;
    nn_error error = {0};
    nn_status status = store_places(a->store, &places, &place_count, &error);
    if (status == NN_OK)
        status = store_items(a->store, 0, &items, &item_count, &error);
    if (status != NN_OK) {
        app_say(a, ROLE_BAD, "Progress cannot be read: %s", error.text);
        free(places);
        free(items);
        return;
    }
    for (int i = 0; i < place_count; i++)
        if (places[i].chapter <= LESSON_CHAPTERS)
            s->place[places[i].chapter] = places[i];
    if (place_count > 0 && s->pane == PANE_HOME && places[0].chapter <= LESSON_CHAPTERS)
        s->chapter = places[0].chapter;
    free(places);
    free(s->items);
    s->items = items;
    s->item_count = item_count;
    s->known = true;
}
