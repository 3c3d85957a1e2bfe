#include "engine/schedule.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the rate ------------------------------------------------------------------------------ */

/* Warm-up is rounded to whole steps, so that the kind's own clock starts at one. */
static double warmup_steps(const nn_schedule *schedule)
{
    double per_epoch = schedule->steps_per_epoch ? (double)schedule->steps_per_epoch : 1.0;
    return schedule->warmup > 0 ? floor(schedule->warmup * per_epoch + 0.5) : 0;
}

/* Loshchilov and Hutter 2017 ("SGDR"), equation 5, one period and a floor. */
static double cosine(const nn_schedule *schedule, double since, double warmup)
{
    double length = (double)schedule->total_steps - warmup;
    double progress = schedule->total_steps == 0 ? 0 : length > 0 ? fmin(since / length, 1) : 1;
    return schedule->factor +
           (1 - schedule->factor) * (1 + cos(3.14159265358979323846 * progress)) / 2;
}

double nn_schedule_factor(const nn_schedule *schedule, uint64_t step)
{
    double per_epoch = schedule->steps_per_epoch ? (double)schedule->steps_per_epoch : 1.0;
    double warmup = warmup_steps(schedule);
    /* Goyal et al. 2017, section 2.2. The ramp's 0 lies one step before the first, so that no step
     * is wasted; its last step has the full rate. */
    if ((double)step < warmup)
        return ((double)step + 1) / warmup;
    double since = (double)step - warmup;
    double epoch = since / per_epoch;
    switch (schedule->kind) {
    case NN_SCHEDULE_STEP:
        /* Epochs count from 0: with every = 10 the first ten have the full rate. The listing of
         * chapter 19 drops after nine (errata E19.1). Counted in steps, so that a fractional
         * `every` falls on a step and not beside it. */
        return pow(schedule->factor, floor(since / (schedule->every * per_epoch)));
    case NN_SCHEDULE_EXPONENTIAL:
        return pow(schedule->factor, epoch);
    case NN_SCHEDULE_INVERSE_TIME:
        return 1 / (1 + schedule->factor * epoch);
    case NN_SCHEDULE_COSINE:
        return cosine(schedule, since, warmup);
    case NN_SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}

/* --- text ---------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    int needed, allowed; /* numbers after the colon */
    const char *form;
    double low, high; /* of the first number */
    bool above_low;   /* low itself is refused */
} kind_form;

static const kind_form forms[] = {
    [NN_SCHEDULE_CONSTANT] = {"constant", 0, 0, "constant", 0, 0, false},
    [NN_SCHEDULE_STEP] = {"step", 2, 2, "step:FACTOR,EPOCHS", 0, 1, true},
    [NN_SCHEDULE_EXPONENTIAL] = {"exponential", 1, 1, "exponential:FACTOR", 0, 1, true},
    [NN_SCHEDULE_INVERSE_TIME] = {"inverse", 1, 1, "inverse:FACTOR", 0, 1e9, false},
    [NN_SCHEDULE_COSINE] = {"cosine", 0, 1, "cosine[:FLOOR]", 0, 1, false},
};
enum { FORM_COUNT = sizeof forms / sizeof *forms };

typedef struct {
    const char *text, *at;
    nn_error *error;
} reader;

static nn_status refuse_at(const reader *r, const char *place, const char *expected)
{
    return nn_fail(r->error, NN_E_ARG, "schedule '%.80s', column %d: expected %s", r->text,
                   (int)(place - r->text) + 1, expected);
}

/* A plain decimal number. strtod alone would take "inf", "0x1" and leading blanks. */
static bool read_number(reader *r, double *value)
{
    if (!((*r->at >= '0' && *r->at <= '9') || *r->at == '.') ||
        (r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X')))
        return false;
    char *end;
    *value = strtod(r->at, &end);
    if (end == r->at || !isfinite(*value))
        return false;
    r->at = end;
    return true;
}

static bool skip(reader *r, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

static nn_status read_warmup(reader *r, nn_schedule *schedule)
{
    const char *place = r->at;
    if (!read_number(r, &schedule->warmup) || schedule->warmup > 1e9)
        return refuse_at(r, place, "the epochs of warm-up, a number from 0 on");
    return NN_OK;
}

static nn_status check_first(const reader *r, const char *place, const kind_form *form,
                             double value)
{
    if (value > form->high || value < form->low || (form->above_low && value == form->low)) {
        char expected[96];
        snprintf(expected, sizeof expected, "a number %s %g and at most %g, as in %s",
                 form->above_low ? "above" : "of at least", form->low, form->high, form->form);
        return refuse_at(r, place, expected);
    }
    return NN_OK;
}

/* The numbers of one kind: "0.5,10". Stops before ",warmup=". */
static nn_status read_numbers(reader *r, nn_schedule *schedule)
{
    const kind_form *form = &forms[schedule->kind];
    double number[2] = {0, 0};
    int count = 0;
    if (form->allowed > 0 && *r->at == ':') {
        do {
            const char *place = ++r->at;
            if (!read_number(r, &number[count]))
                return refuse_at(r, place, "a number");
            if (count == 0 && check_first(r, place, form, number[0]) != NN_OK)
                return NN_E_ARG;
            if (count == 1 && !(number[1] > 0))
                return refuse_at(r, place, "a number of epochs above 0");
            count++;
        } while (count < form->allowed && *r->at == ',' && strncmp(r->at, ",warmup", 7) != 0);
    }
    if (count < form->needed)
        return refuse_at(r, r->at, form->form);
    schedule->factor = number[0];
    schedule->every = number[1];
    return NN_OK;
}

static nn_status read_kind(reader *r, nn_schedule *schedule)
{
    for (int i = 0; i < FORM_COUNT; i++)
        if (skip(r, forms[i].name)) {
            schedule->kind = (nn_schedule_kind)i;
            return read_numbers(r, schedule);
        }
    return refuse_at(
        r, r->at,
        "constant, step:FACTOR,EPOCHS, exponential:FACTOR, inverse:FACTOR, cosine[:FLOOR] or "
        "warmup:EPOCHS");
}

nn_status nn_schedule_parse(const char *text, nn_schedule *schedule, nn_error *error)
{
    nn_schedule result = {.kind = NN_SCHEDULE_CONSTANT,
                          .steps_per_epoch = schedule->steps_per_epoch,
                          .total_steps = schedule->total_steps};
    reader r = {text, text, error};
    nn_status status;
    if (skip(&r, "warmup:") || skip(&r, "warmup=")) {
        status = read_warmup(&r, &result);
    } else {
        status = read_kind(&r, &result);
        if (status == NN_OK && skip(&r, ",warmup="))
            status = read_warmup(&r, &result);
    }
    if (status == NN_OK && *r.at)
        status = refuse_at(&r, r.at, "the end, or ,warmup=EPOCHS");
    if (status == NN_OK)
        *schedule = result;
    return status;
}

/* The shortest decimal that reads back as the same number. */
static const char *number_text(double value, char text[32])
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

void nn_schedule_text(const nn_schedule *schedule, char *text, int size)
{
    char factor[32], every[32], warmup[32], tail[48] = "";
    const char *name = forms[schedule->kind].name;
    number_text(schedule->factor, factor);
    number_text(schedule->every, every);
    number_text(schedule->warmup, warmup);
    if (schedule->warmup > 0)
        snprintf(tail, sizeof tail, ",warmup=%s", warmup);
    size_t room = size > 0 ? (size_t)size : 0;
    if (schedule->kind == NN_SCHEDULE_CONSTANT)
        snprintf(text, room, "%s%s", schedule->warmup > 0 ? "warmup:" : name,
                 schedule->warmup > 0 ? warmup : "");
    else if (schedule->kind == NN_SCHEDULE_STEP)
        snprintf(text, room, "%s:%s,%s%s", name, factor, every, tail);
    else if (schedule->kind == NN_SCHEDULE_COSINE && schedule->factor == 0)
        snprintf(text, room, "%s%s", name, tail);
    else
        snprintf(text, room, "%s:%s%s", name, factor, tail);
}
