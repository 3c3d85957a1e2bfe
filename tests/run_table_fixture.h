/* Tables of runs made in code: for filters, lists and screens, without a file. */
#ifndef GRADUS_TESTS_RUN_TABLE_FIXTURE_H
#define GRADUS_TESTS_RUN_TABLE_FIXTURE_H

#include "store/run_table.h"

/* Six runs, newest first:
 *   id name         state    model   lr    batch  dev_error last/best@step  tags
 *    6 mlp-late     running  mlp     0.01   64    none yet                  -
 *    5 lenet-branch finished lenet5  0.001  64    0.11 / 0.09 @ 800 (parent 2)  good, "to check"
 *    4 mlp-bad      diverged mlp     10     64    NaN in step 3
 *    3 mlp-crash    crashed  mlp     0.1    32    0.30 / 0.28 @ 200         -
 *    2 lenet-base   finished lenet5  0.001  64    0.12 / 0.10 @ 900         good
 *    1 logreg-old   stopped  logreg  'auto' 128   0.40 / 0.40 @ 100   archived, note "first try"
 * Parameters: lr (a word in run 1), batch, data. Metrics: loss, dev_error (min), examples_per_s
 * (max), gradient_norm (neither). */
run_table *fixture_table(void);

/* `runs` x `metrics` of plausible numbers, ids falling. */
run_table *fixture_large_table(int runs, int metrics);

#endif
