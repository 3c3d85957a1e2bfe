/* Giving the terminal back when the program dies: fatal signals, exit() in the middle, and the
 * capture of what others print meanwhile. Everything that runs in a handler is async-signal-safe.
 */
#ifndef GRADUS_UI_RESTORE_H
#define GRADUS_UI_RESTORE_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

typedef struct restore restore;

/* Remembers the terminal's modes; `bytes` bring its picture back (terminfo, prepared). From now on
 * descriptors 1 and 2 lead to a buffer, and *screen_fd, which the caller closes, is the terminal to
 * draw on. */
restore *restore_begin(const char *bytes, int *screen_fd, nn_error *error);
/* Puts descriptors and handlers back and prints what was caught on stderr; frees. */
void restore_end(restore *r);
/* The newest size - 1 bytes caught; returns the total. */
size_t restore_caught(const restore *r, char *text, size_t size);
/* Keeps the buffer from growing without end; call now and then. */
void restore_trim(restore *r);

#endif
