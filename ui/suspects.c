#include "ui/suspects.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nn_status take_memory(suspect_list *found, int64_t count, int classes, nn_error *error)
{
    *found = (suspect_list){.classes = classes};
    found->list = calloc((size_t)count + 1, sizeof *found->list);
    found->threshold = calloc((size_t)classes + 1, sizeof *found->threshold);
    if (found->list && found->threshold)
        return NN_OK;
    suspects_free(found);
    return nn_fail(error, NN_E_NOMEM, "out of memory for %lld suspects", (long long)count);
}

/* Sum and number of p(given) by label, then the means. */
static nn_status measure_thresholds(const example_book *const *books, int count,
                                    suspect_list *found, nn_error *error)
{
    int64_t *number = calloc((size_t)found->classes + 1, sizeof *number);
    if (!number)
        return nn_fail(error, NN_E_NOMEM, "out of memory for %d classes", found->classes);
    for (int b = 0; b < count; b++)
        for (int64_t i = 0; i < books[b]->count; i++) {
            const book_example *e = &books[b]->examples[i];
            if (e->truth < 0 || e->truth >= found->classes || isnan(e->truth_probability))
                continue;
            found->threshold[e->truth] += (double)e->truth_probability;
            number[e->truth]++;
        }
    for (int k = 0; k < found->classes; k++)
        found->threshold[k] = number[k] > 0 ? found->threshold[k] / (double)number[k] : (double)NAN;
    free(number);
    return NN_OK;
}

static suspect judge(const suspect_list *found, const book_example *e, nn_part part,
                     suspect_rank rank)
{
    bool wrong = book_example_wrong(e);
    double p = (double)e->truth_probability;
    double other = wrong ? (double)e->probability : 1 - p;
    double score = rank == SUSPECT_SELF ? p : (1 + p - other) / 2;
    return (suspect){
        .example = e->example,
        .part = part,
        .given = e->truth,
        .suggested = e->predicted,
        .p_given = e->truth_probability,
        .p_suggested = e->probability,
        .score = isnan(score) ? 1 : score,
        .likely = wrong && e->predicted >= 0 && e->predicted < found->classes &&
                  (double)e->probability >= found->threshold[e->predicted],
    };
}

static int by_score(const void *a, const void *b)
{
    const suspect *one = a, *other = b;
    if (one->score != other->score)
        return one->score < other->score ? -1 : 1;
    return (one->example > other->example) - (one->example < other->example);
}

nn_status suspects_rank(const example_book *const *books, int count, suspect_rank rank,
                        suspect_list *found, nn_error *error)
{
    int64_t total = 0;
    int classes = 0;
    for (int b = 0; b < count; b++) {
        total += books[b]->count;
        classes = books[b]->classes > classes ? books[b]->classes : classes;
    }
    nn_status status = take_memory(found, total, classes, error);
    if (status == NN_OK)
        status = measure_thresholds(books, count, found, error);
    if (status != NN_OK) {
        suspects_free(found);
        return status;
    }
    for (int b = 0; b < count; b++)
        for (int64_t i = 0; i < books[b]->count; i++)
            if (books[b]->examples[i].truth >= 0) {
                suspect one = judge(found, &books[b]->examples[i], books[b]->part, rank);
                found->likely += one.likely;
                found->list[found->count++] = one;
            }
    qsort(found->list, (size_t)found->count, sizeof *found->list, by_score);
    return NN_OK;
}

void suspects_free(suspect_list *found)
{
    free(found->list);
    free(found->threshold);
    *found = (suspect_list){0};
}

const suspect *suspects_find(const suspect_list *found, int64_t example)
{
    for (int64_t i = 0; i < found->count; i++)
        if (found->list[i].example == example)
            return &found->list[i];
    return NULL;
}

static nn_status rule_of_suspects(const example_book *dev, const example_book *test,
                                  int64_t example, char rule[EXAMPLE_RULE], nn_error *error)
{
    const example_book *books[] = {dev, test};
    suspect_list found;
    nn_status status = suspects_rank(books, 2, SUSPECT_SELF, &found, error);
    if (status != NN_OK)
        return status;
    const suspect *one = suspects_find(&found, example);
    bool likely = one && one->likely;
    nn_part part = one ? one->part : NN_DEV;
    suspects_free(&found);
    if (likely) {
        snprintf(rule, EXAMPLE_RULE, "likely suspects of run %lld, dev and test alike",
                 (long long)dev->row.id);
        return NN_OK;
    }
    return nn_fail(error, NN_E_STATE,
                   "example %lld is of %s and no likely suspect: fixing labels of one part by "
                   "looking at its errors biases dev against test (chapter 25). Look through both "
                   "alike and say how: --rule 'all errors above p 0.9'",
                   (long long)example, nn_part_name(part));
}

nn_status suspects_rule(const example_book *dev, const example_book *test, int64_t example,
                        const char *given_rule, char rule[EXAMPLE_RULE], nn_error *error)
{
    bool judged = example_book_find(dev, example) || (test && example_book_find(test, example));
    rule[0] = '\0';
    if (given_rule && strlen(given_rule) >= EXAMPLE_RULE)
        return nn_fail(error, NN_E_ARG, "the rule is longer than %d bytes", EXAMPLE_RULE - 1);
    if (given_rule)
        snprintf(rule, EXAMPLE_RULE, "%s", given_rule);
    if (!judged || (given_rule && *given_rule))
        return NN_OK;
    if (!test) {
        snprintf(rule, EXAMPLE_RULE, "this data has no test part");
        return NN_OK;
    }
    return rule_of_suspects(dev, test, example, rule, error);
}
