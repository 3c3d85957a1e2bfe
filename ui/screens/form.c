/* The form of a new training: every field has a default that works, choices turn with Left and
 * Right, anything may be typed, and what cannot work is said beside its field. */
#include "engine/models/catalogue.h"
#include "ui/screens/app.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *label, *help;
} fields[FIELD_COUNT] = {
    [FIELD_START] = {"Start the training", "Enter starts with what stands below."},
    [FIELD_DATA] = {"data",
                    "A name (Left/Right), or a path: IDX folder, CSV, NPY, folder of images."},
    [FIELD_MODEL] = {"model",
                     "A name, or layers: conv 8 5x5 | relu | maxpool 2 | flatten | dense 10"},
    [FIELD_OPTIMIZER] = {"optimizer", "How gradients become steps."},
    [FIELD_RATE] = {"rate", "The learning rate; 0.001 suits adam, 0.1 suits sgd and momentum."},
    [FIELD_SCHEDULE] = {"schedule",
                        "constant, step:0.5,10, exponential:0.95, cosine; add ,warmup=2"},
    [FIELD_BATCH] = {"batch", "Examples a step."},
    [FIELD_EPOCHS] = {"epochs", "Passes over the train part."},
    [FIELD_DROPOUT] = {"dropout", "Share of units left out in the named models; 0: none."},
    [FIELD_L2] = {"L2", "Penalty on large weights; 0: none, 1e-4 is usual."},
    [FIELD_SEED] = {"seed", "The same seed gives the same bits."},
    [FIELD_NAME] = {"name", "Empty: made from model and data."},
};

static int data_choices(const char **choices, int room)
{
    nn_dataset_info infos[32];
    int count = nn_dataset_list(infos, 32), found = 0;
    for (int i = 0; i < count && i < 32 && found < room; i++)
        if (infos[i].available)
            choices[found++] = infos[i].name;
    return found;
}

static int model_choices(const char **choices, int room)
{
    const nn_model_info *models;
    int count = nn_model_list(&models), found = 0;
    for (int i = 0; i < count && found < room; i++)
        choices[found++] = models[i].name;
    for (int i = 0; i < nn_architecture_count() && found < room; i++)
        if (nn_architecture_at(i)->logits)
            choices[found++] = nn_architecture_at(i)->name;
    return found;
}

/* The values that Left and Right go through; 0: the field is typed. */
static int choices_of(form_field field, const char **choices, int room)
{
    static const char *const schedules[] = {"constant",    "cosine",      "cosine,warmup=1",
                                            "step:0.5,5",  "step:0.1,10", "exponential:0.95",
                                            "inverse:0.1", "onecycle",    "plateau:0.5,3"};
    int found = 0;
    switch (field) {
    case FIELD_DATA:
        return data_choices(choices, room);
    case FIELD_MODEL:
        return model_choices(choices, room);
    case FIELD_OPTIMIZER:
        for (int i = 0; i < NN_OPTIMIZER_KINDS && found < room; i++)
            choices[found++] = nn_optimizer_name((nn_optimizer_kind)i);
        return found;
    case FIELD_SCHEDULE:
        for (size_t i = 0; i < sizeof schedules / sizeof *schedules && found < room; i++)
            choices[found++] = schedules[i];
        return found;
    default:
        return 0;
    }
}

/* Usual values, for numbers. */
static int steps_of(form_field field, const char *const **values)
{
    static const char *const rates[] = {"1e-4", "3e-4", "0.001", "0.003", "0.01",
                                        "0.03", "0.1",  "0.3",   "1"};
    static const char *const batches[] = {"16", "32", "64", "128", "256", "512"};
    static const char *const epochs[] = {"1", "2", "5", "10", "20", "50", "100"};
    static const char *const dropouts[] = {"0", "0.1", "0.2", "0.3", "0.5"};
    static const char *const penalties[] = {"0", "1e-5", "1e-4", "1e-3", "1e-2"};
    static const char *const seeds[] = {"1", "2", "3", "4", "5"};
    switch (field) {
    case FIELD_RATE:
        *values = rates;
        return sizeof rates / sizeof *rates;
    case FIELD_BATCH:
        *values = batches;
        return sizeof batches / sizeof *batches;
    case FIELD_EPOCHS:
        *values = epochs;
        return sizeof epochs / sizeof *epochs;
    case FIELD_DROPOUT:
        *values = dropouts;
        return sizeof dropouts / sizeof *dropouts;
    case FIELD_L2:
        *values = penalties;
        return sizeof penalties / sizeof *penalties;
    case FIELD_SEED:
        *values = seeds;
        return sizeof seeds / sizeof *seeds;
    default:
        return 0;
    }
}

/* --- checking -----------------------------------------------------------------------------------
 */

static double read_number(form *f, form_field field, double least, double most, bool whole)
{
    char *problem = f->problems[field];
    size_t size = sizeof f->problems[field];
    const char *text = f->fields[field].text;
    char *end;
    double value = strtod(text, &end);
    end += strspn(end, " ");
    if (end == text || *end || !isfinite(value))
        snprintf(problem, size, "not a number");
    else if (value < least || value > most)
        snprintf(problem, size, "expected %g to %g", least, most);
    else if (whole && value != floor(value))
        snprintf(problem, size, "expected a whole number");
    return *problem ? least : value; /* in range for whatever it becomes */
}

static void check_data(form *f)
{
    const char *text = f->fields[FIELD_DATA].text;
    char name[PROMPT_BYTES];
    snprintf(name, sizeof name, "%s", text);
    name[strcspn(name, ":")] = 0; /* "moons:n=500" */
    struct stat found;
    if (!*text)
        snprintf(f->problems[FIELD_DATA], sizeof *f->problems, "a name or a path is needed");
    else if (!train_data_named(name) && stat(text, &found) != 0)
        snprintf(f->problems[FIELD_DATA], sizeof *f->problems,
                 "no data set of this name, and no such file");
}

static bool check(form *f, train_options *o)
{
    memset(f->problems, 0, sizeof f->problems);
    nn_error error = {0};
    nn_optimizer_args optimizer = {.kind = NN_ADAM};
    nn_schedule schedule;
    size_t size = sizeof *f->problems;
    check_data(f);
    if (!f->fields[FIELD_MODEL].length)
        snprintf(f->problems[FIELD_MODEL], size, "a name or a description is needed");
    if (nn_optimizer_parse(f->fields[FIELD_OPTIMIZER].text, &optimizer, &error) != NN_OK)
        snprintf(f->problems[FIELD_OPTIMIZER], size, "%s", error.text);
    if (nn_schedule_parse(f->fields[FIELD_SCHEDULE].text, &schedule, &error) != NN_OK)
        snprintf(f->problems[FIELD_SCHEDULE], size, "%s", error.text);
    o->lr = read_number(f, FIELD_RATE, 0, 1e6, false);
    o->batch = (int)read_number(f, FIELD_BATCH, 1, 65536, true);
    o->epochs = (int)read_number(f, FIELD_EPOCHS, 1, 100000, true);
    o->dropout = read_number(f, FIELD_DROPOUT, 0, 0.99, false);
    o->l2 = read_number(f, FIELD_L2, 0, 1e6, false);
    o->seed = (uint64_t)read_number(f, FIELD_SEED, 0, 9e15, true);
    for (int i = 0; i < FIELD_COUNT; i++)
        if (f->problems[i][0])
            return false;
    return true;
}

bool form_read(form *f, train_options *options)
{
    *options = train_options_default();
    if (!check(f, options))
        return false;
    options->data = f->fields[FIELD_DATA].text;
    options->model = f->fields[FIELD_MODEL].text;
    options->optimizer = f->fields[FIELD_OPTIMIZER].text;
    options->schedule = f->fields[FIELD_SCHEDULE].text;
    options->name = f->fields[FIELD_NAME].length > 0 ? f->fields[FIELD_NAME].text : NULL;
    return true;
}

/* --- opening, drawing ---------------------------------------------------------------------------
 */

static void set_number(form *f, form_field field, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.10g", value);
    prompt_set(&f->fields[field], text);
}

/* Another data set gets the model that suits it, unless the user chose one. */
static void fit_model(form *f)
{
    prompt *model = &f->fields[FIELD_MODEL];
    if (!model->length || strcmp(model->text, "lenet5") == 0 || strcmp(model->text, "mlp") == 0)
        prompt_set(model, strstr(f->fields[FIELD_DATA].text, "mnist") ? "lenet5" : "mlp");
}

void form_fill(form *f, const train_options *o)
{
    const struct {
        form_field field;
        const char *text;
    } texts[] = {{FIELD_DATA, o->data},
                 {FIELD_MODEL, o->model ? o->model : ""},
                 {FIELD_OPTIMIZER, o->optimizer},
                 {FIELD_SCHEDULE, o->schedule},
                 {FIELD_NAME, o->name ? o->name : ""}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        prompt_set(&f->fields[texts[i].field], texts[i].text);
    if (!o->model)
        fit_model(f);
    set_number(f, FIELD_RATE, o->lr);
    set_number(f, FIELD_BATCH, o->batch);
    set_number(f, FIELD_EPOCHS, o->epochs);
    set_number(f, FIELD_DROPOUT, o->dropout);
    set_number(f, FIELD_L2, o->l2);
    set_number(f, FIELD_SEED, (double)o->seed);
}

/* Filled once: what was typed is still there the next time. */
void form_open(app *a)
{
    app_go(a, VIEW_FORM);
    a->form.at = FIELD_START;
    if (a->form.fields[FIELD_DATA].length > 0)
        return;
    train_options options = train_options_default();
    form_fill(&a->form, &options);
}

static void draw_field(const form *f, canvas *c, int field, int y)
{
    bool here = f->at == field;
    canvas_text(c, 1, y, 1, ROLE_TEXT, here ? ">" : " ");
    if (field == FIELD_START) {
        canvas_text(c, 3, y, -1, here ? ROLE_SELECT : ROLE_KEY, "[ Start the training ]");
        return;
    }
    const char *choices[64];
    const char *const *values;
    bool turns =
        choices_of((form_field)field, choices, 64) > 0 || steps_of((form_field)field, &values) > 0;
    const char *problem = f->problems[field];
    int room = c->clip.w - 18, width = *problem && room > 60 ? room / 2 : room;
    canvas_text(c, 3, y, 10, here ? ROLE_TITLE : ROLE_DIM, fields[field].label);
    canvas_text(c, 14, y, 1, ROLE_DIM, here && turns ? "<" : " ");
    int used = text_columns(f->fields[field].text);
    long clipped = c->clipped;
    if (*problem && used + 3 < width)
        width = used + 3;
    prompt_draw(&f->fields[field], c, 16, y, width - 2, "", here);
    if (here && turns && used + 2 < width)
        canvas_text(c, 16 + used + 1, y, 1, ROLE_DIM, ">");
    if (*problem)
        canvas_format(c, 16 + width, y, -1, ROLE_BAD, "! %s", problem);
    c->clipped = clipped; /* the text scrolls; a long problem is said in full below */
}

void form_draw(app *a, canvas *c)
{
    form *f = &a->form;
    train_options ignored;
    check(f, &ignored);
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, "*New training", true);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, c->clip.w - 2, c->clip.h - 2});
    int y = 0;
    for (int i = 0; i < FIELD_COUNT; i++) {
        draw_field(f, c, i, y);
        y += i == FIELD_START ? 2 : 1;
    }
    canvas_rect rest = {3, y + 1, c->clip.w - 6, c->clip.h - y - 1};
    const char *text = f->problems[f->at][0] ? f->problems[f->at] : fields[f->at].help;
    int rows = canvas_wrap(c, rest, f->problems[f->at][0] ? ROLE_BAD : ROLE_DIM, text);
    rest.y += rows, rest.h -= rows;
    if (f->failure[0] && rest.h > 0)
        canvas_wrap(c, rest, ROLE_BAD, f->failure);
    canvas_pop(c, old);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void move(form *f, int by)
{
    f->at = (f->at + by + FIELD_COUNT) % FIELD_COUNT;
    f->fresh = true;
}

/* The next value of a list after what stands there; typed text that is none of them starts at the
 * first. False: this field has no list. */
static bool turn(form *f, int by)
{
    const char *choices[64];
    const char *const *values = choices;
    int count = choices_of((form_field)f->at, choices, 64);
    if (count == 0)
        count = steps_of((form_field)f->at, &values);
    if (count == 0)
        return false;
    prompt *field = &f->fields[f->at];
    int at = -1;
    for (int i = 0; i < count; i++)
        if (strcmp(values[i], field->text) == 0)
            at = i;
    /* A number that is not in the list goes to its neighbour. */
    if (at < 0 && values != choices) {
        double value = strtod(field->text, NULL);
        while (at + 1 < count && strtod(values[at + 1], NULL) < value)
            at++;
        at = by > 0 ? at : at + 1;
    }
    prompt_set(field, values[at < 0 && by < 0 ? count - 1 : (at + by + count) % count]);
    f->fresh = true;
    if (f->at == FIELD_DATA)
        fit_model(f);
    return true;
}

static void start(app *a)
{
    train_options options;
    if (form_read(&a->form, &options)) {
        a->form.failure[0] = 0;
        training_start(a, &options);
        return;
    }
    for (int i = FIELD_COUNT - 1; i >= 0; i--)
        if (a->form.problems[i][0])
            a->form.at = i;
    app_say(a, ROLE_WARN, "%s: %s", fields[a->form.at].label, a->form.problems[a->form.at]);
}

void form_key(app *a, const key_event *key)
{
    form *f = &a->form;
    if (a->training == TRAINING_OPENING)
        return; /* its data are being read; nothing may change under it */
    switch (key->code) {
    case UI_KEY_ESC:
        app_go(a, a->before);
        return;
    case UI_KEY_ENTER:
        if (f->at == FIELD_START)
            start(a);
        else
            move(f, 1);
        return;
    case UI_KEY_TAB:
    case UI_KEY_DOWN:
        move(f, 1);
        return;
    case UI_KEY_BACKTAB:
    case UI_KEY_UP:
        move(f, -1);
        return;
    case UI_KEY_LEFT:
    case UI_KEY_RIGHT:
        if (turn(f, key->code == UI_KEY_LEFT ? -1 : 1))
            return;
        break;
    default:
        break;
    }
    if (f->at == FIELD_START)
        return;
    if (f->fresh && key->code == UI_KEY_CHAR && !key->ctrl)
        prompt_set(&f->fields[f->at], ""); /* typing begins anew; Backspace and Home edit */
    f->fresh = false;
    prompt_key(&f->fields[f->at], key);
}
