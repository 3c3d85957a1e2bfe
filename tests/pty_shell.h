/* What runs on the far side of a pseudo-terminal: a tiny shell with one program and job control.
 * Private to pty.c. */
#ifndef GRADUS_TESTS_PTY_SHELL_H
#define GRADUS_TESTS_PTY_SHELL_H

#include "tests/pty.h"

enum {
    PTY_IDLE_FD = 100,    /* where the program says that it has nothing to do */
    PTY_ENVIRONMENT = 512 /* entries at most, with the NULL at the end */
};

/* What the shell tells, through the pipe `reports`. */
typedef struct {
    char what; /* 'P' process id, 'S' stopped, 'X' ended */
    int value;
} pty_report;

/* The caller's environment with what the tests rely on and o->env on top. The strings stay where
 * they are. */
void pty_environment(const pty_options *o, const char **list);
/* In the child whose terminal it is: starts the program once a byte comes through `commands`, then
 * brings it back to the foreground with every 'F'; kills it and leaves when the pipe ends. */
_Noreturn void pty_be_shell(const pty_options *o, char **environment, int reports, int commands);

#endif
