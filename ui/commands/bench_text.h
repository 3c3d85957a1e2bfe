/* A text for the bench of word vectors: made-up words that are as frequent as those of real texts,
 * and the examples that skip-gram and GloVe take from it. One thread uses it. */
#ifndef GRADUS_UI_COMMANDS_BENCH_TEXT_H
#define GRADUS_UI_COMMANDS_BENCH_TEXT_H

#include "engine/tensor.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bench_text bench_text;

/* Word r of `vocabulary` words has a share proportional to 1/(r+1) (Zipf 1935). NULL: no memory. */
bench_text *bench_text_new(int vocabulary);
void bench_text_free(bench_text *text);

/* The next `rows` pairs of a word and one within a window of 1 to 5 words drawn for it, each with
 * `others` words drawn by their frequency to the power 3/4 (Mikolov et al. 2013): words[0] of a row
 * is the neighbour. Everything is drawn here and now. */
void bench_text_pairs(bench_text *text, int rows, int others, int32_t *centre, int32_t *words);
/* Words of the text that have been a centre so far. */
double bench_text_read(const bench_text *text);

/* The next `rows` entries of the table of co-occurrence: words within 5 of each other, each meeting
 * counted with 1/distance, in a shuffled order (Pennington et al. 2014). It is counted when the
 * text is made. */
void bench_text_meetings(bench_text *text, int rows, int32_t *i, int32_t *j, nn_real *count);

#endif
