/* SIGINT, SIGTERM and SIGHUP as a file descriptor to poll: the handler writes one byte. A second
 * signal ends the process at once. SIGPIPE is ignored, so that a closed reader shows as a failed
 * write. */
#ifndef GRADUS_UI_SIGNALS_H
#define GRADUS_UI_SIGNALS_H

#include <stdbool.h>

/* Readable once a signal has come; -1 when there is no descriptor left. Call once, before any
 * thread starts. */
int signals_open(void);
/* The signal's number if one waits, else 0. */
int signals_take(int fd);

#endif
