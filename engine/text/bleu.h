/* BLEU (Papineni et al. 2002) and edit distance, over token ids. Pure; callable from any thread. */
#ifndef GRADUS_ENGINE_TEXT_BLEU_H
#define GRADUS_ENGINE_TEXT_BLEU_H

#include "engine/status.h"

#include <stdint.h>

enum { NN_BLEU_ORDER = 4 }; /* longest n-grams */

typedef struct {
    const int32_t *token;
    int length;
} nn_sentence;

/* What a corpus adds up to: BLEU is a number of the corpus, not the mean of its sentences
 * (errata E48.2). Starts as zeros. */
typedef struct {
    int64_t matches[NN_BLEU_ORDER]; /* of n = 1.., clipped by the most in any one reference */
    int64_t total[NN_BLEU_ORDER];   /* n-grams of the candidates */
    int64_t length, reference_length;
} nn_bleu;

/* Adds a candidate with its references (at least one). Of the references' lengths the closest to
 * the candidate's counts, the shorter on a tie. Takes memory while it runs; on failure `bleu` is as
 * it was. */
nn_status nn_bleu_add(nn_bleu *bleu, nn_sentence candidate, const nn_sentence *references,
                      int reference_count, nn_error *error);

/* For sentences, where a longer n-gram often has no match: Chen and Cherry 2014, methods 1 to 3. */
typedef enum {
    NN_BLEU_PLAIN,   /* any n without match: 0 */
    NN_BLEU_EPSILON, /* no match counts as 0.1 */
    NN_BLEU_ADD_ONE, /* n > 1: (matches + 1) / (total + 1), Lin and Och 2004 */
    NN_BLEU_HALVING  /* the k-th n without match counts as 1/2^k (NIST) */
} nn_bleu_smoothing;
double nn_bleu_brevity(const nn_bleu *bleu); /* 1, or exp(1 - r/c) where c <= r; 0 for c = 0 */
/* brevity x exp(mean of log p_n), n = 1..order; order 1..NN_BLEU_ORDER. */
double nn_bleu_score(const nn_bleu *bleu, int order, nn_bleu_smoothing smoothing);

/* Levenshtein 1966: fewest insertions, deletions and replacements of tokens. */
nn_status nn_edit_distance(nn_sentence a, nn_sentence b, int *distance, nn_error *error);

#endif
