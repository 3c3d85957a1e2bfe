/* Runs a program on a pseudo-terminal with libvterm as the screen, under a tiny shell of our own
 * that gives it job control: suspend, resume, exit status. Waits poll on a condition up to a
 * deadline; nothing sleeps. */
#ifndef GRADUS_TESTS_PTY_H
#define GRADUS_TESTS_PTY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pty pty;

typedef struct {
    const char *const *argv; /* NULL-terminated; argv[0] is the path */
    const char *const *env; /* NULL-terminated or NULL; "NAME=VALUE" sets, "NAME" removes. On top of
                               the caller's environment with TERM=xterm-256color, LANG=C.UTF-8 */
    int columns, rows;      /* 0: 80x24 */
    const char *input, *output; /* files instead of the terminal; NULL: the terminal */
} pty_options;

/* NULL when the system has no pseudo-terminal; says why on stderr. */
pty *pty_start(const pty_options *options);
/* The same for one program without arguments or settings. */
pty *pty_start_program(const char *path, int columns, int rows);
/* Ends the program (SIGKILL) if it still runs. */
void pty_free(pty *p);

void pty_send(pty *p, const char *bytes);
/* Keys by name as in ui/terminal/key.h, separated by blanks: "p space ctrl-l left". Fails the
 * process on an unknown name. */
void pty_keys(pty *p, const char *names);
void pty_resize(pty *p, int columns, int rows);
void pty_signal(pty *p, int signal);
/* Takes the terminal away, as a closed window does. */
void pty_hang_up(pty *p);
/* Stop or go on reading what the program draws: a terminal that hangs. */
void pty_freeze(pty *p, bool frozen);

/* Each waits until its condition holds; after `seconds` false (and the screen on stderr). */
bool pty_wait_text(pty *p, const char *text, double seconds);
bool pty_wait_no_text(pty *p, const char *text, double seconds);
bool pty_wait_stopped(pty *p, double seconds);
/* Until the program has drawn the answer to every key and signal so far: forget old idle bytes with
 * pty_forget_idle(), send, wait. */
void pty_forget_idle(pty *p);
bool pty_wait_idle(pty *p, double seconds);
/* Exit status, 128 + signal, or -1 when it still runs after `seconds`. */
int pty_wait_exit(pty *p, double seconds);
/* Brings a stopped program back to the foreground. */
void pty_foreground(pty *p);
/* Reads what is there, for at most this long; for tests that count bytes. */
void pty_pump(pty *p, double seconds);
/* Seconds of a clock that only goes on. */
double pty_seconds(void);

/* The screen as lines, trailing blanks removed; malloc'd. */
char *pty_screen(pty *p);
bool pty_alternate(const pty *p); /* the alternate screen is shown */
bool pty_cursor_visible(const pty *p);
/* The terminal's modes are those from before the start. */
bool pty_modes_restored(const pty *p);
long pty_bytes(const pty *p);   /* sent by the program so far */
long pty_queries(const pty *p); /* bytes the terminal had to answer: we ask nothing */
bool pty_colored(pty *p);       /* any cell in another colour than the default */
int pty_pid(const pty *p);
double pty_processor_seconds(const pty *p); /* used by the program so far */

#endif
