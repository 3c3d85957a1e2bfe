/* From the probabilities of the next token to a text (chapters 46, 47): beam search, greedy and
 * sampling. Tokens are ids 0..vocabulary-1. */
#ifndef GRADUS_ENGINE_TEXT_DECODE_H
#define GRADUS_ENGINE_TEXT_DECODE_H

#include "engine/status.h"

#include <stdint.h>

/* Teacher forcing: each row of `inputs` is `first`, then the row of `targets` without its last
 * token (errata E46.1). Both (rows, length); they may be the same memory. */
void nn_shift_right(const int32_t *targets, int rows, int length, int32_t first, int32_t *inputs);

/* --- beam search --------------------------------------------------------------------------- */

/* What the model is asked: `count` texts of `length` tokens each, text i at tokens + i * stride.
 * Text i goes on from text parent[i] of the previous call, whose state it takes over; at the first
 * call there is one empty text. */
typedef struct {
    int count, length, stride;
    const int32_t *tokens;
    const int *parent;
} nn_beam_step;
/* Writes the natural logarithms of the probabilities of the next token, (count, vocabulary);
 * -infinity rules a token out. Any answer but NN_OK ends the search with that answer. */
typedef nn_status nn_beam_ask(void *context, const nn_beam_step *step, double *log_probabilities,
                              nn_error *error);

typedef struct {
    int vocabulary, width, length; /* of the longest text, its end included */
    int32_t end;                   /* the token that ends a text; -1: none, all have full length */
    double length_power;           /* texts are ranked by log p / tokens^power; 0: by log p */
} nn_beam_args;
typedef struct {
    int length; /* the end token, where it came, included */
    double log_probability, score;
} nn_beam_text;
/* log p / length^power: longer texts are less likely for their length alone. */
double nn_beam_score(double log_probability, int length, double power);
/* Fills up to `width` texts, best first, and their tokens, text i at tokens + i * args.length.
 * Width 1 is the greedy choice. Ties go to the earlier text and the lower token. Stops as soon as
 * no unfinished text can still overtake. Takes memory while it runs. */
nn_status nn_beam_search(nn_beam_args args, nn_beam_ask *ask, void *context, nn_beam_text *texts,
                         int32_t *tokens, int *count, nn_error *error);

/* --- sampling ------------------------------------------------------------------------------- */

typedef struct {
    double temperature; /* logits are divided by it; 0: greedy */
    int top_k;          /* only the k likeliest tokens; 0: all */
    double nucleus;     /* only the likeliest tokens that together reach this share (Holtzman et al.
                           2020); 0 or 1: all */
} nn_sample_args;
/* One token drawn by (seed, step) from logits or log-probabilities: the same ones give the same
 * token. Where top_k and nucleus are both given, the nucleus is of what top_k left. */
nn_status nn_sample_token(const double *logits, int vocabulary, nn_sample_args args, uint64_t seed,
                          uint64_t step, int32_t *token, nn_error *error);

#endif
