/* Labs: controls, what they measure and show, and the trainings they run. */
#include "lessons/lab_internal.h"

#include "engine/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lab *lab_new(const lesson *from, const lesson_lab *what, bool quick, nn_error *error)
{
    lab *l = calloc(1, sizeof *l);
    if (!l) {
        nn_fail(error, NN_E_NOMEM, "lab '%s': no memory", what->id);
        return NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->free, NULL);
    l->from = from;
    l->what = what;
    l->quick = quick;
    l->seed = 1;
    for (int i = 0; i < lab_control_count(what); i++)
        l->value[i] = what->controls[i].value;
    return l;
}

static void forget(lab *l)
{
    for (int i = 0; i < l->images; i++)
        free(l->image[i].values);
    for (int i = 0; i < l->lines; i++) {
        free(l->line[i].x);
        free(l->line[i].y);
    }
    l->images = l->lines = l->numbers = l->runs = 0;
    memset(l->room, 0, sizeof l->room);
}

void lab_free(lab *l)
{
    if (!l)
        return;
    forget(l);
    pthread_cond_destroy(&l->free);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void lab_reset(lab *l)
{
    pthread_mutex_lock(&l->lock);
    forget(l);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < lab_control_count(l->what); i++)
        l->value[i] = l->what->controls[i].value;
    l->seed = 1;
    atomic_store(&l->cancelled, false);
}

void lab_set_sink(lab *l, lab_sink sink)
{
    l->sink = sink;
}
void lab_set_threads(lab *l, int threads)
{
    l->threads = threads;
}
void lab_set_seed(lab *l, uint64_t seed)
{
    l->seed = seed;
}
bool lab_quick(const lab *l)
{
    return l->quick;
}
int lab_threads(const lab *l)
{
    return l->threads;
}
uint64_t lab_seed(const lab *l)
{
    return l->seed;
}
const lesson_lab *lab_of(const lab *l)
{
    return l->what;
}
const lesson *lab_lesson(const lab *l)
{
    return l->from;
}

/* --- controls -----------------------------------------------------------------------------------
 */

static int find_control(const lab *l, const char *name)
{
    for (int i = 0; i < lab_control_count(l->what); i++)
        if (strcmp(l->what->controls[i].name, name) == 0)
            return i;
    return -1;
}

double lab_value(const lab *l, const char *control)
{
    int i = find_control(l, control);
    return i >= 0 ? l->value[i] : NAN;
}

int lab_choice(const lab *l, const char *control)
{
    int i = find_control(l, control);
    return i >= 0 ? (int)l->value[i] : 0;
}

bool lab_flag(const lab *l, const char *control)
{
    int i = find_control(l, control);
    return i >= 0 && l->value[i] != 0;
}

/* Word number `at` of a blank-separated list; its bytes, 0 when there is none. */
static size_t word_at(const char *list, int at, const char **word)
{
    list += strspn(list, " ");
    for (; at > 0 && *list; at--) {
        list += strcspn(list, " ");
        list += strspn(list, " ");
    }
    *word = list;
    return strcspn(list, " ");
}

static nn_status choose(const lesson_lab *what, const lab_control *control, const char *text,
                        double *value, nn_error *error)
{
    const char *word;
    size_t length;
    for (int i = 0; (length = word_at(control->choices, i, &word)) > 0; i++)
        if (strlen(text) == length && memcmp(word, text, length) == 0) {
            *value = i;
            return NN_OK;
        }
    return nn_fail(error, NN_E_ARG, "lab '%s': %s '%.40s'; expected one of: %s", what->id,
                   control->name, text, control->choices);
}

static nn_status read_flag(const lesson_lab *what, const lab_control *control, const char *text,
                           double *value, nn_error *error)
{
    *value = strcmp(text, "on") == 0;
    if (*value != 0 || strcmp(text, "off") == 0)
        return NN_OK;
    return nn_fail(error, NN_E_ARG, "lab '%s': %s '%.40s'; expected on or off", what->id,
                   control->name, text);
}

static nn_status read_real(const lesson_lab *what, const lab_control *control, const char *text,
                           double *value, nn_error *error)
{
    bool whole = control->kind == LAB_WHOLE;
    if (!nn_parse_number(text, value) || *value < control->least || *value > control->most ||
        (whole && *value != floor(*value)))
        return nn_fail(error, NN_E_ARG, "lab '%s': %s '%.40s'; expected a %s from %g to %g",
                       what->id, control->name, text, whole ? "whole number" : "number",
                       control->least, control->most);
    return NN_OK;
}

nn_status lab_set(lab *l, const char *name, const char *text, nn_error *error)
{
    int i = find_control(l, name);
    double value = 0;
    if (i < 0)
        return nn_fail(error, NN_E_MISSING, "lab '%s' has no control '%.40s'", l->what->id, name);
    const lab_control *control = &l->what->controls[i];
    nn_status status = control->kind == LAB_CHOICE ? choose(l->what, control, text, &value, error)
                       : control->kind == LAB_FLAG
                           ? read_flag(l->what, control, text, &value, error)
                           : read_real(l->what, control, text, &value, error);
    if (status == NN_OK)
        l->value[i] = value;
    return status;
}

const char *lab_get(const lab *l, const char *name, char text[32])
{
    int i = find_control(l, name);
    text[0] = '\0';
    if (i < 0)
        return text;
    const lab_control *control = &l->what->controls[i];
    if (control->kind == LAB_CHOICE) {
        const char *word;
        size_t length = word_at(control->choices, (int)l->value[i], &word);
        snprintf(text, 32, "%.*s", (int)length, word);
    } else if (control->kind == LAB_FLAG) {
        snprintf(text, 32, "%s", l->value[i] != 0 ? "on" : "off");
    } else {
        nn_number_text(l->value[i], text);
    }
    return text;
}

/* --- what is seen -------------------------------------------------------------------------------
 */

void lab_progress(lab *l, double share, const char *text)
{
    if (l->sink.progress)
        l->sink.progress(l->sink.context, share, text);
}

static void name_it(char name[TRACE_NAME], const char *text)
{
    snprintf(name, TRACE_NAME, "%s", text);
}

void lab_measure(lab *l, const char *name, double value)
{
    pthread_mutex_lock(&l->lock);
    int i = 0;
    while (i < l->numbers && strcmp(l->number[i].name, name) != 0)
        i++;
    if (i < LAB_NUMBERS) {
        l->numbers = i == l->numbers ? i + 1 : l->numbers;
        name_it(l->number[i].name, name);
        l->number[i].value = value;
    }
    pthread_mutex_unlock(&l->lock);
}

void lab_picture(lab *l, const char *name, int rows, int columns, const float *values)
{
    size_t bytes = (size_t)rows * (size_t)columns * sizeof *values;
    float *copy = malloc(bytes);
    if (!copy)
        return; /* a picture less; the lab goes on */
    memcpy(copy, values, bytes);
    pthread_mutex_lock(&l->lock);
    int i = 0;
    while (i < l->images && strcmp(l->image[i].name, name) != 0)
        i++;
    if (i < LAB_PICTURES) {
        if (i < l->images)
            free(l->image[i].values);
        else
            l->images++;
        l->image[i] = (lab_image){.rows = rows, .columns = columns, .values = copy};
        name_it(l->image[i].name, name);
        copy = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    free(copy);
}

/* Room for one more point; false without memory. */
static bool grow(lab *l, int i)
{
    lab_line *line = &l->line[i];
    if (line->count < l->room[i])
        return true;
    int room = l->room[i] ? 2 * l->room[i] : 64;
    double *x = realloc(line->x, (size_t)room * sizeof *x);
    if (!x)
        return false;
    line->x = x;
    double *y = realloc(line->y, (size_t)room * sizeof *y);
    if (!y)
        return false;
    line->y = y;
    l->room[i] = room;
    return true;
}

void lab_point(lab *l, const char *name, const char *line, double x, double y)
{
    pthread_mutex_lock(&l->lock);
    int i = 0;
    while (i < l->lines &&
           (strcmp(l->line[i].name, name) != 0 || strcmp(l->line[i].line, line) != 0))
        i++;
    if (i == l->lines && i < LAB_CURVES) {
        l->line[i] = (lab_line){.count = 0};
        name_it(l->line[i].name, name);
        name_it(l->line[i].line, line);
        l->lines++;
    }
    if (i < LAB_CURVES && grow(l, i)) {
        l->line[i].x[l->line[i].count] = x;
        l->line[i].y[l->line[i].count++] = y;
    }
    pthread_mutex_unlock(&l->lock);
}

int lab_numbers(lab *l, lesson_number *numbers, int room)
{
    pthread_mutex_lock(&l->lock);
    int count = l->numbers < room ? l->numbers : room;
    memcpy(numbers, l->number, (size_t)count * sizeof *numbers);
    pthread_mutex_unlock(&l->lock);
    return count;
}

bool lab_image_of(lab *l, const char *name, lab_image *image)
{
    bool found = false;
    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < l->images; i++)
        if (strcmp(l->image[i].name, name) == 0) {
            *image = l->image[i];
            size_t bytes = (size_t)image->rows * (size_t)image->columns * sizeof *image->values;
            image->values = malloc(bytes);
            found = image->values != NULL;
            if (found)
                memcpy(image->values, l->image[i].values, bytes);
        }
    pthread_mutex_unlock(&l->lock);
    return found;
}

static bool copy_line(const lab_line *from, lab_line *to)
{
    size_t bytes = (size_t)from->count * sizeof *from->x;
    *to = *from;
    to->x = malloc(bytes + 1);
    to->y = malloc(bytes + 1);
    if (!to->x || !to->y) {
        free(to->x);
        free(to->y);
        return false;
    }
    if (bytes > 0) {
        memcpy(to->x, from->x, bytes);
        memcpy(to->y, from->y, bytes);
    }
    return true;
}

int lab_lines(lab *l, const char *name, lab_line *lines, int room)
{
    int count = 0;
    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < l->lines && count < room; i++)
        if (strcmp(l->line[i].name, name) == 0 && copy_line(&l->line[i], &lines[count]))
            count++;
    pthread_mutex_unlock(&l->lock);
    return count;
}

int64_t lab_runs(lab *l, int64_t *runs, int room)
{
    pthread_mutex_lock(&l->lock);
    int count = l->runs < room ? l->runs : room;
    memcpy(runs, l->run, (size_t)count * sizeof *runs);
    pthread_mutex_unlock(&l->lock);
    return count;
}

/* --- running ------------------------------------------------------------------------------------
 */

bool lab_cancelled(const lab *l)
{
    return atomic_load(&l->cancelled);
}

nn_status lab_stopped(nn_error *error)
{
    return nn_fail(error, NN_E_STATE, "the lab was stopped");
}

void lab_cancel(lab *l)
{
    atomic_store(&l->cancelled, true);
}

nn_status lab_run(lab *l, nn_error *error)
{
    atomic_store(&l->cancelled, false);
    return l->what->run(l, error);
}

nn_status lab_prove(lab *l, nn_error *error)
{
    atomic_store(&l->cancelled, false);
    return l->what->prove ? l->what->prove(l, error) : l->what->run(l, error);
}
