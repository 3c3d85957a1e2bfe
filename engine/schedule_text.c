/* Text forms of schedules: "step:0.5,10,warmup=2". */
#include "engine/cursor.h"
#include "engine/schedule.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* One number after a kind's colon. */
typedef struct {
    size_t field; /* of nn_schedule; 0: no number */
    double low, high;
    bool above_low;  /* low itself is refused */
    double fallback; /* where it is not given */
} number_form;

enum { NUMBERS = 4 };
typedef struct {
    const char *name;
    int needed;       /* numbers that must be given */
    const char *form; /* for people */
    number_form number[NUMBERS];
} kind_form;

#define FIELD(name) offsetof(nn_schedule, name)
#define EPOCHS(fallback)                                                                           \
    {                                                                                              \
        FIELD(every), 0, 1e9, true, fallback                                                       \
    }
#define SHARE(name, fallback)                                                                      \
    {                                                                                              \
        FIELD(name), 0, 1, false, fallback                                                         \
    }
#define FACTOR                                                                                     \
    {                                                                                              \
        FIELD(factor), 0, 1, true, 0                                                               \
    }

static const kind_form forms[] = {
    [NN_SCHEDULE_CONSTANT] = {"constant", 0, "constant", {{0}}},
    [NN_SCHEDULE_STEP] = {"step", 2, "step:FACTOR,EPOCHS", {FACTOR, EPOCHS(0)}},
    [NN_SCHEDULE_MULTI_STEP] = {"steps", 2, "steps:FACTOR,EPOCH,EPOCH,...", {FACTOR}},
    [NN_SCHEDULE_EXPONENTIAL] = {"exponential", 1, "exponential:FACTOR", {FACTOR}},
    [NN_SCHEDULE_INVERSE_TIME] = {"inverse",
                                  1,
                                  "inverse:FACTOR",
                                  {{FIELD(factor), 0, 1e9, false, 0}}},
    [NN_SCHEDULE_POLYNOMIAL] = {"polynomial",
                                1,
                                "polynomial:POWER[,FLOOR]",
                                {{FIELD(factor), 0, 100, true, 0}, SHARE(floor, 0)}},
    [NN_SCHEDULE_COSINE] = {"cosine", 0, "cosine[:FLOOR]", {SHARE(factor, 0)}},
    [NN_SCHEDULE_RESTARTS] = {"restarts",
                              1,
                              "restarts:EPOCHS[,GROWTH[,FLOOR]]",
                              {EPOCHS(0), {FIELD(factor), 1, 100, false, 1}, SHARE(floor, 0)}},
    [NN_SCHEDULE_ONE_CYCLE] = {"onecycle",
                               0,
                               "onecycle[:RISE[,START[,FLOOR]]]",
                               {SHARE(factor, 0.3), SHARE(start, 0.04), SHARE(floor, 4e-6)}},
    [NN_SCHEDULE_NOAM] = {"noam",
                          1,
                          "noam:STEPS[,WIDTH]",
                          {{FIELD(every), 1, 1e9, false, 0}, {FIELD(width), 0, 1e9, false, 0}}},
    [NN_SCHEDULE_PLATEAU] = {"plateau",
                             2,
                             "plateau:FACTOR,EPOCHS[,DELTA[,FLOOR]]",
                             {FACTOR,
                              {FIELD(every), 1, 1e9, false, 0},
                              {FIELD(delta), 0, 1e9, false, 0},
                              SHARE(floor, 0)}},
};
enum { FORM_COUNT = sizeof forms / sizeof *forms };

static double *field_of(nn_schedule *schedule, const number_form *number)
{
    return (void *)((char *)schedule + number->field);
}

static bool is_open(const kind_form *form)
{
    return form == &forms[NN_SCHEDULE_MULTI_STEP];
}

/* --- reading ------------------------------------------------------------------------------- */

static nn_status read_warmup(nn_cursor *cursor, nn_schedule *schedule)
{
    const char *place = cursor->at;
    if (!nn_cursor_number(cursor, &schedule->warmup) || schedule->warmup > 1e9)
        return nn_cursor_refuse(cursor, place, "the epochs of warm-up, a number from 0 on");
    return NN_OK;
}

static nn_status read_number(nn_cursor *cursor, const kind_form *form, const number_form *number,
                             nn_schedule *schedule)
{
    const char *place = cursor->at;
    double *value = field_of(schedule, number);
    if (!nn_cursor_number(cursor, value))
        return nn_cursor_refuse(cursor, place, "a number");
    if (*value > number->high || *value < number->low ||
        (number->above_low && *value == number->low)) {
        char expected[112];
        snprintf(expected, sizeof expected, "a number %s %g and at most %g, as in %s",
                 number->above_low ? "above" : "of at least", number->low, number->high,
                 form->form);
        return nn_cursor_refuse(cursor, place, expected);
    }
    return NN_OK;
}

static nn_status read_milestone(nn_cursor *cursor, nn_schedule *schedule)
{
    const char *place = cursor->at;
    double last = schedule->milestones > 0 ? schedule->milestone[schedule->milestones - 1] : 0;
    double value;
    if (schedule->milestones == NN_MILESTONES)
        return nn_cursor_refuse(cursor, place, "at most 8 epochs");
    if (!nn_cursor_number(cursor, &value))
        return nn_cursor_refuse(cursor, place, "a number");
    if (value <= last || value > 1e9)
        return nn_cursor_refuse(cursor, place, "a later epoch than the one before");
    schedule->milestone[schedule->milestones++] = value;
    return NN_OK;
}

/* Is there another number? Not where ",warmup=" or a stranger follows. */
static bool another(nn_cursor *cursor, const kind_form *form, int count)
{
    char mark = count == 0 ? ':' : ',';
    bool room = is_open(form) || (count < NUMBERS && form->number[count].field);
    if (*cursor->at != mark || !room || strncmp(cursor->at, ",warmup", 7) == 0)
        return false;
    cursor->at++;
    return true;
}

static nn_status read_numbers(nn_cursor *cursor, const kind_form *form, nn_schedule *schedule)
{
    int count = 0;
    nn_status status = NN_OK;
    for (int i = 0; i < NUMBERS && form->number[i].field; i++)
        *field_of(schedule, &form->number[i]) = form->number[i].fallback;
    for (; status == NN_OK && another(cursor, form, count); count++)
        status = is_open(form) && count > 0
                     ? read_milestone(cursor, schedule)
                     : read_number(cursor, form, &form->number[count], schedule);
    if (status == NN_OK && count < form->needed)
        status = nn_cursor_refuse(cursor, cursor->at, form->form);
    return status;
}

static nn_status read_kind(nn_cursor *cursor, nn_schedule *schedule)
{
    const char *place = cursor->at;
    char name[16];
    nn_cursor_word(cursor, name, sizeof name);
    for (int i = 0; i < FORM_COUNT; i++)
        if (strcmp(name, forms[i].name) == 0) {
            schedule->kind = (nn_schedule_kind)i;
            return read_numbers(cursor, &forms[i], schedule);
        }
    char expected[256];
    size_t used = 0;
    for (int i = 0; i < FORM_COUNT; i++)
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s",
                                 i == FORM_COUNT - 1 ? " or "
                                 : i > 0             ? ", "
                                                     : "",
                                 forms[i].name);
    return nn_cursor_refuse(cursor, place, expected);
}

nn_status nn_schedule_parse(const char *text, nn_schedule *schedule, nn_error *error)
{
    nn_schedule result = {.kind = NN_SCHEDULE_CONSTANT,
                          .steps_per_epoch = schedule->steps_per_epoch,
                          .total_steps = schedule->total_steps};
    nn_cursor cursor = nn_cursor_on("schedule", text, error);
    nn_status status;
    if (nn_cursor_skip(&cursor, "warmup:") || nn_cursor_skip(&cursor, "warmup=")) {
        status = read_warmup(&cursor, &result);
    } else {
        status = read_kind(&cursor, &result);
        if (status == NN_OK && nn_cursor_skip(&cursor, ",warmup="))
            status = read_warmup(&cursor, &result);
    }
    if (status == NN_OK && *cursor.at)
        status = nn_cursor_refuse(&cursor, cursor.at, "the end, or ,warmup=EPOCHS");
    if (status == NN_OK)
        *schedule = result;
    return status;
}

/* --- writing ------------------------------------------------------------------------------- */

typedef struct {
    char *text;
    size_t room, used;
    char mark;
} writer;

static void put(writer *w, const char *word)
{
    if (w->used < w->room)
        w->used += (size_t)snprintf(w->text + w->used, w->room - w->used, "%s", word);
}

static void put_number(writer *w, double value)
{
    char mark[2] = {w->mark, '\0'}, number[32];
    put(w, mark);
    put(w, nn_exact_text(value, number));
    w->mark = ',';
}

void nn_schedule_text(const nn_schedule *schedule, char *text, int size)
{
    const kind_form *form = &forms[schedule->kind];
    writer w = {.text = text, .room = size > 0 ? (size_t)size : 0, .mark = ':'};
    nn_schedule values = *schedule;
    char number[32];
    if (schedule->kind == NN_SCHEDULE_CONSTANT && schedule->warmup > 0) {
        put(&w, "warmup:");
        put(&w, nn_exact_text(schedule->warmup, number));
        return;
    }
    put(&w, form->name);
    int given = 0; /* up to the last one that says anything */
    for (int i = 0; i < NUMBERS && form->number[i].field; i++)
        if (i < form->needed || *field_of(&values, &form->number[i]) != form->number[i].fallback)
            given = i + 1;
    for (int i = 0; i < given; i++)
        put_number(&w, *field_of(&values, &form->number[i]));
    for (int i = 0; i < schedule->milestones && is_open(form); i++)
        put_number(&w, schedule->milestone[i]);
    if (schedule->warmup > 0) {
        put(&w, ",warmup=");
        put(&w, nn_exact_text(schedule->warmup, number));
    }
}
