/* Trainings by the real program, and what its JSON and its checkpoints say about them. */
#ifndef GRADUS_TESTS_PROGRAM_RUNS_H
#define GRADUS_TESTS_PROGRAM_RUNS_H

#include "tests/run_program.h"

/* Members of an object; the test fails where they are missing or of another kind. */
const char *text_of(const json_t *object, const char *key);
long long whole_of(const json_t *object, const char *key);
double number_of(const json_t *object, const char *key);
const json_t *last_of(const json_t *lines);

/* Runs a training that must succeed; the lines it prints. */
json_t *train(const char *line);
/* Starts one of `epochs` epochs, a few milliseconds each. */
program start_run(const char *name, int epochs);
/* The run's number, from the first line of a training. */
long long run_of(const json_t *lines);
/* `runs show` */
json_t *show(long long run);
/* The last checkpoints of both runs hold the same tensors (weights and optimizer state), bit for
 * bit. */
void assert_same_weights(long long a, long long b);
/* The end of a test program: its folder goes. */
int leave(void **state);

#endif
