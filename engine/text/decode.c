/* Sampling and shifted inputs; beam search stands in beam.c. */
#include "engine/text/decode.h"

#include "engine/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

void nn_shift_right(const int32_t *targets, int rows, int length, int32_t first, int32_t *inputs)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = length - 1; i >= 0; i--)
            inputs[r * length + i] = i > 0 ? targets[r * length + i - 1] : first;
}

typedef struct {
    double weight; /* logit, then share */
    int32_t token;
} choice;

static int by_falling_weight(const void *left, const void *right)
{
    const choice *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->token > b->token) - (a->token < b->token);
}

static nn_status check(const double *logits, int vocabulary, nn_sample_args args, nn_error *error)
{
    double most = -INFINITY;
    if (vocabulary < 1)
        return nn_fail(error, NN_E_ARG, "sampling: %d tokens; expected 1 or more", vocabulary);
    if (!(args.temperature >= 0 && isfinite(args.temperature)) || args.top_k < 0 ||
        !(args.nucleus >= 0 && args.nucleus <= 1))
        return nn_fail(error, NN_E_ARG,
                       "sampling: temperature %g, top-k %d, nucleus %g; expected 0 or more, and a "
                       "nucleus of at most 1",
                       args.temperature, args.top_k, args.nucleus);
    for (int i = 0; i < vocabulary; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return nn_fail(error, NN_E_NONFINITE, "sampling: the logit of token %d is %g", i,
                           logits[i]);
        most = fmax(most, logits[i]);
    }
    if (most == -INFINITY)
        return nn_fail(error, NN_E_ARG, "sampling: every token is ruled out");
    return NN_OK;
}

/* Of the sorted choices, how many stay; their weights become shares that sum to *total. */
static int keep(choice *choices, int count, nn_sample_args args, double *total)
{
    double top = choices[0].weight, all = 0, reached = 0;
    if (args.top_k > 0 && args.top_k < count)
        count = args.top_k;
    for (int i = 0; i < count; i++) {
        choices[i].weight = exp((choices[i].weight - top) / args.temperature);
        all += choices[i].weight;
    }
    int kept = 0;
    bool whole = args.nucleus == 0 || args.nucleus == 1;
    while (kept < count && (whole || kept == 0 || reached < args.nucleus * all))
        reached += choices[kept++].weight;
    *total = reached;
    return kept;
}

nn_status nn_sample_token(const double *logits, int vocabulary, nn_sample_args args, uint64_t seed,
                          uint64_t step, int32_t *token, nn_error *error)
{
    *token = 0;
    nn_status status = check(logits, vocabulary, args, error);
    if (status)
        return status;
    for (int i = 1; i < vocabulary; i++)
        *token = logits[i] > logits[*token] ? i : *token;
    if (args.temperature == 0)
        return NN_OK;
    choice *choices = malloc((size_t)vocabulary * sizeof *choices);
    if (!choices)
        return nn_fail(error, NN_E_NOMEM, "sampling of %d tokens: out of memory", vocabulary);
    for (int i = 0; i < vocabulary; i++)
        choices[i] = (choice){logits[i], i};
    qsort(choices, (size_t)vocabulary, sizeof *choices, by_falling_weight);
    double total;
    int kept = keep(choices, vocabulary, args, &total);
    double left = nn_uniform_at(seed, nn_stream_of("sample"), step, 0) * total;
    int drawn = 0;
    while (drawn + 1 < kept && left >= choices[drawn].weight)
        left -= choices[drawn++].weight;
    *token = choices[drawn].token;
    free(choices);
    return NN_OK;
}
