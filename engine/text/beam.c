/* Beam search of decode.h: all unfinished texts go on by one token at a time; of all ways on, the
 * best `width` are kept, and those that end are set aside. */
#include "engine/text/decode.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double log_probability;
    int parent;
    int32_t token;
} way;

typedef struct {
    nn_beam_args args;
    int32_t *live, *next; /* (width, length) tokens of the unfinished texts, now and one later */
    double *so_far;       /* their log-probabilities */
    int *parent;
    double *answer; /* (width, vocabulary) */
    way *ways;      /* the best on, best first: 2 width, for half of them may end */
    int live_count, way_count;
    nn_beam_text *texts; /* finished ones, best first */
    int32_t *tokens;
    int finished;
} search;

double nn_beam_score(double log_probability, int length, double power)
{
    return power == 0 ? log_probability : log_probability / pow(length, power);
}

static double score_of(const nn_beam_args *args, double log_probability, int length)
{
    return nn_beam_score(log_probability, length, args->length_power);
}

/* Into its place among the best ways; what came earlier stays before its equals. */
static void offer(search *s, way on)
{
    int room = 2 * s->args.width, place = s->way_count;
    while (place > 0 && on.log_probability > s->ways[place - 1].log_probability)
        place--;
    if (place == room)
        return;
    int last = s->way_count < room ? s->way_count++ : room - 1;
    memmove(s->ways + place + 1, s->ways + place, (size_t)(last - place) * sizeof *s->ways);
    s->ways[place] = on;
}

static void finish(search *s, way on, int length)
{
    const nn_beam_args *args = &s->args;
    nn_beam_text text = {length, on.log_probability, score_of(args, on.log_probability, length)};
    int place = s->finished;
    while (place > 0 && text.score > s->texts[place - 1].score)
        place--;
    if (place == args->width)
        return;
    int last = s->finished < args->width ? s->finished++ : args->width - 1;
    size_t row = (size_t)args->length;
    memmove(s->texts + place + 1, s->texts + place, (size_t)(last - place) * sizeof text);
    memmove(s->tokens + (size_t)(place + 1) * row, s->tokens + (size_t)place * row,
            (size_t)(last - place) * row * sizeof *s->tokens);
    s->texts[place] = text;
    int32_t *to = s->tokens + (size_t)place * row;
    memcpy(to, s->live + (size_t)on.parent * row, (size_t)(length - 1) * sizeof *to);
    to[length - 1] = on.token;
    for (size_t i = (size_t)length; i < row; i++)
        to[i] = args->end;
}

/* The best any unfinished text can still come to: nothing more lost, at the kindest length. */
static bool may_overtake(const search *s, int length)
{
    if (s->finished < s->args.width)
        return true;
    for (int i = 0; i < s->live_count; i++) {
        double early = score_of(&s->args, s->so_far[i], length + 1);
        double late = score_of(&s->args, s->so_far[i], s->args.length);
        if (fmax(early, late) > s->texts[s->finished - 1].score)
            return true;
    }
    return false;
}

static nn_status list_ways(search *s, int length, nn_error *error)
{
    s->way_count = 0;
    for (int i = 0; i < s->live_count; i++)
        for (int32_t t = 0; t < s->args.vocabulary; t++) {
            double p = s->answer[(size_t)i * (size_t)s->args.vocabulary + (size_t)t];
            if (isnan(p) || p == INFINITY)
                return nn_fail(error, NN_E_NONFINITE,
                               "beam search: the log-probability of token %d after %d is %g",
                               (int)t, length, p);
            if (p > -INFINITY)
                offer(s, (way){s->so_far[i] + p, i, t});
        }
    return NN_OK;
}

/* Ways that end, or reach the full length, are set aside; the best others live on. Of the ways that
 * end only those among the best `width` of all count: later ones fell off the beam. */
static void take_ways(search *s, int length)
{
    const nn_beam_args *args = &s->args;
    size_t row = (size_t)args->length;
    int live = 0;
    for (int w = 0; w < s->way_count && live < args->width; w++) {
        way on = s->ways[w];
        bool ends = on.token == args->end;
        if (ends || length == args->length) {
            if (w < args->width)
                finish(s, on, length);
            continue;
        }
        memcpy(s->next + (size_t)live * row, s->live + (size_t)on.parent * row,
               row * sizeof *s->next);
        s->next[(size_t)live * row + (size_t)length - 1] = on.token;
        s->parent[live] = on.parent;
        /* Answers were read already: their room keeps the new sums until the old ones are done. */
        s->answer[live++] = on.log_probability;
    }
    memcpy(s->so_far, s->answer, (size_t)live * sizeof *s->so_far);
    int32_t *swap = s->live;
    s->live = s->next;
    s->next = swap;
    s->live_count = live;
}

static nn_status run(search *s, nn_beam_ask *ask, void *context, nn_error *error)
{
    s->live_count = 1;
    s->so_far[0] = 0;
    s->parent[0] = 0;
    for (int length = 0; length < s->args.length && s->live_count > 0; length++) {
        if (!may_overtake(s, length))
            break;
        nn_beam_step step = {s->live_count, length, s->args.length, s->live, s->parent};
        nn_status status = ask(context, &step, s->answer, error);
        if (!status)
            status = list_ways(s, length, error);
        if (status)
            return status;
        take_ways(s, length + 1);
    }
    return NN_OK;
}

nn_status nn_beam_search(nn_beam_args args, nn_beam_ask *ask, void *context, nn_beam_text *texts,
                         int32_t *tokens, int *count, nn_error *error)
{
    *count = 0;
    const int64_t most = 1 << 28;
    if (args.vocabulary < 1 || args.width < 1 || args.length < 1 || !(args.length_power >= 0) ||
        (int64_t)args.width * args.vocabulary > most || (int64_t)args.width * args.length > most)
        return nn_fail(
            error, NN_E_ARG,
            "beam search: width %d, %d tokens, length %d, length power %g; expected 1 or "
            "more, a power of 0 or more, and a width the memory can hold",
            args.width, args.vocabulary, args.length, args.length_power);
    size_t width = (size_t)args.width, cells = width * (size_t)args.length;
    search s = {.args = args, .texts = texts, .tokens = tokens};
    s.live = calloc(cells, sizeof *s.live);
    s.next = calloc(cells, sizeof *s.next);
    s.so_far = calloc(width, sizeof *s.so_far);
    s.parent = calloc(width, sizeof *s.parent);
    s.answer = calloc(width * (size_t)args.vocabulary, sizeof *s.answer);
    s.ways = calloc(2 * width, sizeof *s.ways);
    nn_status status = NN_OK;
    if (s.live && s.next && s.so_far && s.parent && s.answer && s.ways)
        status = run(&s, ask, context, error);
    else
        status = nn_fail(error, NN_E_NOMEM, "beam search of width %d: out of memory", args.width);
    *count = status ? 0 : s.finished;
    free(s.live);
    free(s.next);
    free(s.so_far);
    free(s.parent);
    free(s.answer);
    free(s.ways);
    return status;
}
