#include "engine/text/bleu.h"

#include <math.h>
#include <stdlib.h>

/* An n-gram is the (n-1)-gram that starts at the same place and one token more. So sorting by the
 * pair (number of the shorter one, token) numbers the n-grams: equal ones get the same number. */
typedef struct {
    int64_t shorter; /* its number; 0 for n = 1 */
    int32_t token;
    int owner; /* 0: the candidate; 1..: a reference */
    int place; /* where it starts, among all tokens */
} gram;

static int by_text(const void *left, const void *right)
{
    const gram *a = left, *b = right;
    if (a->shorter != b->shorter)
        return a->shorter < b->shorter ? -1 : 1;
    if (a->token != b->token)
        return a->token < b->token ? -1 : 1;
    return (a->owner > b->owner) - (a->owner < b->owner);
}

/* Matches of one n-gram: those in the candidate, at most as many as one reference has. The grams
 * of a group stand sorted by owner. */
static int64_t clipped(const gram *group, int64_t size)
{
    int64_t own = 0, most = 0;
    while (own < size && group[own].owner == 0)
        own++;
    for (int64_t i = own; i < size;) {
        int64_t first = i;
        while (i < size && group[i].owner == group[first].owner)
            i++;
        most = i - first > most ? i - first : most;
    }
    return own < most ? own : most;
}

/* Numbers the sorted grams and returns the matches. */
static int64_t number_grams(const gram *grams, int64_t count, int64_t *number)
{
    int64_t matches = 0;
    for (int64_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && grams[end].shorter == grams[first].shorter &&
                          grams[end].token == grams[first].token;
             end++)
            number[grams[end].place] = first + 1;
        matches += clipped(grams + first, end - first);
    }
    return matches;
}

typedef struct {
    const nn_sentence *sentence; /* candidate, then references */
    int count;
    gram *grams;
    int64_t *number; /* of the shorter n-gram that starts at a place */
} counting;

static void count_order(const counting *c, int n, nn_bleu *bleu)
{
    int64_t count = 0, place = 0;
    for (int s = 0; s < c->count; place += c->sentence[s++].length)
        for (int i = 0; i + n <= c->sentence[s].length; i++) {
            int64_t shorter = n > 1 ? c->number[place + i] : 0;
            c->grams[count++] =
                (gram){shorter, c->sentence[s].token[i + n - 1], s, (int)(place + i)};
        }
    qsort(c->grams, (size_t)count, sizeof *c->grams, by_text);
    bleu->matches[n - 1] += number_grams(c->grams, count, c->number);
    if (c->sentence[0].length >= n)
        bleu->total[n - 1] += c->sentence[0].length - n + 1;
}

static int closest_length(int length, const nn_sentence *references, int count)
{
    int best = references[0].length;
    for (int i = 1; i < count; i++) {
        int here = references[i].length, off = abs(here - length), least = abs(best - length);
        if (off < least || (off == least && here < best))
            best = here;
    }
    return best;
}

nn_status nn_bleu_add(nn_bleu *bleu, nn_sentence candidate, const nn_sentence *references,
                      int reference_count, nn_error *error)
{
    if (reference_count < 1)
        return nn_fail(error, NN_E_ARG, "BLEU: %d references; at least one is needed",
                       reference_count);
    int64_t tokens = candidate.length;
    for (int i = 0; i < reference_count; i++)
        tokens += references[i].length;
    if (tokens > INT32_MAX)
        return nn_fail(error, NN_E_ARG, "BLEU: %lld tokens in one comparison are too many",
                       (long long)tokens);
    nn_sentence *all = malloc(((size_t)reference_count + 1) * sizeof *all);
    counting c = {all, reference_count + 1, malloc(((size_t)tokens + 1) * sizeof *c.grams),
                  malloc(((size_t)tokens + 1) * sizeof *c.number)};
    nn_status status = NN_OK;
    if (all && c.grams && c.number) {
        all[0] = candidate;
        for (int i = 0; i < reference_count; i++)
            all[i + 1] = references[i];
        for (int n = 1; n <= NN_BLEU_ORDER; n++)
            count_order(&c, n, bleu);
        bleu->length += candidate.length;
        bleu->reference_length += closest_length(candidate.length, references, reference_count);
    } else {
        status =
            nn_fail(error, NN_E_NOMEM, "BLEU of %lld tokens: out of memory", (long long)tokens);
    }
    free(all);
    free(c.grams);
    free(c.number);
    return status;
}

double nn_bleu_brevity(const nn_bleu *bleu)
{
    if (bleu->length == 0)
        return 0;
    if (bleu->length > bleu->reference_length)
        return 1;
    return exp(1 - (double)bleu->reference_length / (double)bleu->length);
}

double nn_bleu_score(const nn_bleu *bleu, int order, nn_bleu_smoothing smoothing)
{
    double logs = 0, halving = 1;
    order = order < 1 ? 1 : order > NN_BLEU_ORDER ? NN_BLEU_ORDER : order;
    for (int n = 0; n < order; n++) {
        double matches = (double)bleu->matches[n], total = (double)bleu->total[n];
        if (smoothing == NN_BLEU_ADD_ONE && n > 0) {
            matches += 1;
            total += 1;
        }
        total = total < 1 ? 1 : total; /* shorter than n: no match of one */
        if (matches == 0 && smoothing == NN_BLEU_EPSILON)
            matches = 0.1;
        if (matches == 0 && smoothing == NN_BLEU_HALVING)
            matches = halving /= 2;
        if (matches == 0 || bleu->matches[0] == 0)
            return 0; /* not one word is right: smoothing does not help */
        logs += log(matches / total) / order;
    }
    return nn_bleu_brevity(bleu) * exp(logs);
}

nn_status nn_edit_distance(nn_sentence a, nn_sentence b, int *distance, nn_error *error)
{
    *distance = 0;
    if (a.length < 0 || b.length < 0)
        return nn_fail(error, NN_E_ARG, "edit distance: %d and %d tokens; expected 0 or more",
                       a.length, b.length);
    int *row = malloc(((size_t)b.length + 1) * sizeof *row);
    if (!row)
        return nn_fail(error, NN_E_NOMEM, "edit distance of %d tokens: out of memory", b.length);
    row[0] = 0;
    for (int j = 1; j <= b.length; j++)
        row[j] = j;
    for (int i = 1; i <= a.length; i++) {
        int diagonal = row[0]; /* of the row above */
        row[0] = i;
        for (int j = 1; j <= b.length; j++) {
            int replaced = diagonal + (a.token[i - 1] != b.token[j - 1]);
            int shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    *distance = row[b.length];
    free(row);
    return NN_OK;
}
