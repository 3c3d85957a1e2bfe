/* A run on the digits that come with the program, with answers made up by a rule, so that a test
 * knows every error. */
#ifndef GRADUS_TESTS_EXAMPLE_FIXTURE_H
#define GRADUS_TESTS_EXAMPLE_FIXTURE_H

#include "tests/store_fixture.h"

/* The digits; the test fails where they cannot be opened. Freed by the caller. */
nn_dataset *fixture_digits(double flip);
/* A finished run whose dev and test answers are wrong at every `every`th place (the next class),
 * with probability .6 + .3 (place % 10) / 10, and 0.05 for the truth. */
run_id fixture_answers(recorder *r, const char *name, const nn_dataset *data, int every);
/* The same with answers of the caller: one an example of the dev part. */
run_id fixture_dev_answers(recorder *r, const char *name, const nn_dataset *data,
                           const int *predicted);

#endif
