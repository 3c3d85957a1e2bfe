/* One run against another: tests, intervals, and what they disagree on. */
#include "ui/comparison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next example that both answered, with the same truth; false: there is none. */
static bool next_common(const compared_run *a, const compared_run *b, int64_t *i, int64_t *k)
{
    while (*i < a->prediction_count && *k < b->prediction_count) {
        const store_prediction *x = &a->predictions[*i], *y = &b->predictions[*k];
        if (x->example == y->example && x->truth == y->truth)
            return true;
        if (x->example <= y->example)
            ++*i;
        if (y->example <= x->example)
            ++*k;
    }
    return false;
}

static nn_pairs count_pairs(const compared_run *a, const compared_run *b)
{
    nn_pairs pairs = {0};
    for (int64_t i = 0, k = 0; next_common(a, b, &i, &k); i++, k++) {
        bool first = a->predictions[i].predicted == a->predictions[i].truth;
        bool second = b->predictions[k].predicted == b->predictions[k].truth;
        pairs.both_right += first && second;
        pairs.only_first += first && !second;
        pairs.only_second += !first && second;
        pairs.both_wrong += !first && !second;
    }
    return pairs;
}

static void test_paired(compared_pair *pair)
{
    pair->paired = true;
    pair->count = nn_pairs_count(pair->pairs);
    pair->difference =
        (double)(pair->pairs.only_first - pair->pairs.only_second) / (double)pair->count;
    pair->range = nn_paired_difference(pair->pairs, NN_Z95);
    pair->test = nn_mcnemar(pair->pairs.only_first, pair->pairs.only_second);
    pair->method = pair->test.exact ? "McNemar, exact" : "McNemar, chi-square";
    pair->verdict = pair->test.p >= .05    ? VERDICT_NOT_DISTINGUISHABLE
                    : pair->difference < 0 ? VERDICT_SECOND_BETTER
                                           : VERDICT_SECOND_WORSE;
}

static void test_apart(compared_pair *pair, const compared_run *a, const compared_run *b)
{
    pair->count = a->last->count < b->last->count ? a->last->count : b->last->count;
    pair->difference = b->last->error - a->last->error;
    pair->range = nn_difference(a->wrong, a->last->count, b->wrong, b->last->count, NN_Z95);
    pair->method = "two separate rates, Newcombe's interval";
    pair->verdict = pair->range.high < 0  ? VERDICT_SECOND_BETTER
                    : pair->range.low > 0 ? VERDICT_SECOND_WORSE
                                          : VERDICT_NOT_DISTINGUISHABLE;
}

/* "paired over 5000 examples, McNemar, exact p = 0.004" */
static void name_test(const compared_pair *pair, char *text, size_t size)
{
    if (!pair->paired)
        snprintf(text, size, "%s; predictions of one are missing, so not paired", pair->method);
    else if (pair->test.p < .001)
        snprintf(text, size, "paired over %lld examples, %s, p < 0.001", (long long)pair->count,
                 pair->method);
    else
        snprintf(text, size, "paired over %lld examples, %s, p = %.3f", (long long)pair->count,
                 pair->method, pair->test.p);
}

static void write_sentence(const comparison *c, compared_pair *pair)
{
    static const char *const words[] = {"", "is better than", "is worse than",
                                        "is not distinguishable from"};
    const compared_run *a = &c->runs[pair->first], *b = &c->runs[pair->second];
    char test[160];
    if (pair->verdict == VERDICT_NONE) {
        const compared_run *odd = b->standing != STANDING_RANKED ? b : a;
        snprintf(pair->sentence, sizeof pair->sentence, "%c and %c cannot be ranked: of %c, %s.",
                 a->letter, b->letter, odd->letter,
                 odd->standing == STANDING_OTHER_DEV
                     ? "the dev set is another one than the first run's"
                     : compared_standing_text(odd->standing));
        return;
    }
    name_test(pair, test, sizeof test);
    int used = snprintf(pair->sentence, sizeof pair->sentence,
                        "%c %s %c: dev error %+.2f points, 95 %% interval %+.2f to %+.2f (%s).",
                        b->letter, words[pair->verdict], a->letter, pair->difference * 100,
                        pair->range.low * 100, pair->range.high * 100, test);
    if (run_view_active(a->view) || run_view_active(b->view))
        snprintf(pair->sentence + used, sizeof pair->sentence - (size_t)used,
                 " One still trains: so far.");
}

compared_pair compare_pair(const comparison *c, int first, int second)
{
    const compared_run *a = &c->runs[first], *b = &c->runs[second];
    compared_pair pair = {.first = first,
                          .second = second,
                          .difference = (double)NAN,
                          .range = {(double)NAN, (double)NAN},
                          .test = {(double)NAN, (double)NAN, false},
                          .method = "none"};
    if (a->standing == STANDING_RANKED && b->standing == STANDING_RANKED) {
        pair.pairs = count_pairs(a, b);
        if (nn_pairs_count(pair.pairs) > 0)
            test_paired(&pair);
        else
            test_apart(&pair, a, b);
    }
    write_sentence(c, &pair);
    return pair;
}

/* --- what they disagree on ---------------------------------------------------------------------
 */

int32_t *compare_confusion(const comparison *c, int first, int second)
{
    const compared_run *a = &c->runs[first], *b = &c->runs[second];
    if (!a->last || !b->last || a->last->classes != b->last->classes || a->last->classes < 1 ||
        strcmp(a->view->row.fingerprint, b->view->row.fingerprint) != 0)
        return NULL;
    size_t cells = (size_t)a->last->classes * (size_t)a->last->classes;
    int32_t *difference = malloc(cells * sizeof *difference);
    for (size_t i = 0; difference && i < cells; i++)
        difference[i] = b->last->confusion[i] - a->last->confusion[i];
    return difference;
}

nn_status compare_examples(const comparison *c, int first, int second, compared_example **list,
                           int64_t *count, nn_error *error)
{
    const compared_run *a = &c->runs[first], *b = &c->runs[second];
    *list = NULL;
    *count = 0;
    if (strcmp(a->view->row.fingerprint, b->view->row.fingerprint) != 0)
        return NN_OK; /* the same number is another example there */
    nn_pairs pairs = count_pairs(a, b);
    int64_t most = pairs.only_first + pairs.only_second, at[2] = {pairs.only_first, 0};
    if (most == 0)
        return NN_OK;
    if (!(*list = malloc((size_t)most * sizeof **list)))
        return nn_fail(error, NN_E_NOMEM, "out of memory for %lld examples", (long long)most);
    for (int64_t i = 0, k = 0; next_common(a, b, &i, &k); i++, k++) {
        const store_prediction *x = &a->predictions[i], *y = &b->predictions[k];
        bool right = x->predicted == x->truth;
        if (right != (y->predicted == y->truth))
            (*list)[at[right]++] = (compared_example){.example = x->example,
                                                      .truth = x->truth,
                                                      .first = x->predicted,
                                                      .second = y->predicted,
                                                      .first_probability = x->probability,
                                                      .second_probability = y->probability};
    }
    *count = most;
    return NN_OK;
}
