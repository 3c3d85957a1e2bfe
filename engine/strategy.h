/* Which problem to work on first: what the errors of a project say (chapters 11, 12, 22, 25, 26;
 * chapter 24 is engine/search/limits.h, precision and recall of chapter 23 are metrics.h). Plain
 * functions, pure, callable from any thread. */
#ifndef GRADUS_ENGINE_STRATEGY_H
#define GRADUS_ENGINE_STRATEGY_H

#include "engine/status.h"

#include <stdint.h>

/* --- gaps between errors (chapters 12, 22 and 26) -----------------------------------------------
 *
 * A ladder of errors, each measured farther from what the model was made on: human, train,
 * train-dev, dev, test; any of them may be left out. What is between two neighbours has a name:
 * avoidable bias, variance, mismatch, overfitting to dev. Errors may be shares or percent; NaN is
 * unknown, and a gap beside it is never wide. */

/* gaps[i] = errors[i + 1] - errors[i]: count - 1 of them. */
void nn_error_gaps(const double *errors, int count, double *gaps);
/* The first gap wider than the threshold, counted from 1; 0: none. What comes later is not worth
 * looking at before this one is closed (chapter 22). A gap of exactly the threshold is none, as far
 * as double can tell: 0.03 - 0.01 is more than 0.02 (errata E12.3). */
int nn_first_gap(const double *errors, int count, double threshold);
/* Bit i for every gap i wider than the threshold: each by itself, so that bias does not hide
 * variance (errata E12.2). */
uint32_t nn_wide_gaps(const double *errors, int count, double threshold);

/* --- what a kind of error is worth (chapter 25) -------------------------------------------------
 */

/* Adds up, of `count` errors with a set of tags each (bit k: tag k), how many bear each of the
 * tags 0 to kinds - 1 (at most 32). An error counts under all its tags, so the sums may exceed
 * `count`. */
void nn_count_tags(const uint32_t *tags, int64_t count, int kinds, int64_t *counts);
/* By how much the error of all examples would fall if this kind were solved, as a share: of
 * `tagged` errors looked at `count` are of the kind, and `errors` of `total` examples are errors
 * (errata E25.1). 0 where nothing was looked at. */
double nn_ceiling(double count, double tagged, double errors, double total);

/* --- sharing out (chapter 11) -------------------------------------------------------------------
 */

enum { NN_MOST_SHARES = 64 };

/* `count` whole things in proportion to the weights (>= 0, not all 0) among at most
 * NN_MOST_SHARES parts by largest remainder: every part gets its quota rounded down or up, the
 * earlier part of equal remainders first, and all together `count`. Refuses weights that are
 * negative, not finite or all 0. */
nn_status nn_share_out(int64_t count, const double *weights, int parts, int64_t *given,
                       nn_error *error);

#endif
