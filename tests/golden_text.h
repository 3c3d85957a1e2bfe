/* Texts that must not change by accident: tests/screens/NAME.txt. UPDATE=1 writes them anew; the
 * difference is then read by a person before it is committed. */
#ifndef GRADUS_TESTS_GOLDEN_TEXT_H
#define GRADUS_TESTS_GOLDEN_TEXT_H

/* Fails the test, showing both texts, when `text` differs from the file. */
void assert_golden(const char *name, const char *text);

#endif
