/* What tests/test_golden.c asserts of the engine in float and tests/double/test_golden.c in double.
 */
#ifndef GRADUS_TESTS_GOLDEN_SUITE_H
#define GRADUS_TESTS_GOLDEN_SUITE_H

/* Runs it as a test program does. `scratch`: a file of its own to write wrong numbers to. */
int golden_suite(const char *scratch);

#endif
