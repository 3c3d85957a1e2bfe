/* Runs the real program (GRADUS_PROGRAM) in an environment of its own: a fresh folder, a store in
 * it, no terminal. Part of every test that looks at the program from outside. */
#ifndef GRADUS_TESTS_RUN_PROGRAM_H
#define GRADUS_TESTS_RUN_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* A fresh folder under /tmp; every program started afterwards has it as HOME and keeps its store at
 * FOLDER/store.db. */
const char *program_folder(void);
/* Removes the folder. */
void program_clean(void);

typedef struct {
    pid_t pid;
    int out, err; /* pipes to read from */
    char *text[2];
    size_t used[2], room[2];
} program;

/* `line` is split at blanks; 'quoted words' hold blanks. */
program program_start(const char *line);
/* Reads until stdout holds `count` lines; false when it ended before. Fails the test after 120 s.
 */
bool program_lines(program *p, int count);
/* Reads until stderr holds `text`; false when it ended before. Fails the test after 120 s. */
bool program_says(program *p, const char *text);
/* Seconds of a clock that only goes on. */
double program_now(void);

typedef struct {
    int status; /* exit status, or 128 + the signal that ended it */
    char *out, *err;
} program_result;
/* Reads to the end and waits. Fails the test, killing the program, after 240 s. */
program_result program_finish(program *p);
/* Starts, finishes. */
program_result program_run(const char *line);
void program_free(program_result *result);

/* Stdout of a run that must exit with 0, as JSON; one value a line for `lines`. */
json_t *program_json(const char *line);
json_t *program_json_lines(const char *text);

#endif
