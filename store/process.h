/* Which process is this, and does another one still live? Linux's /proc answers; elsewhere the
 * heartbeat alone decides. */
#ifndef GRADUS_STORE_PROCESS_H
#define GRADUS_STORE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char host[72];
    char boot[40];  /* changes with every boot of the kernel */
    char space[80]; /* boot and pid namespace: within one, a pid names one process */
    int pid;
    int64_t started; /* clock ticks since boot: a reused pid has another */
} process_identity;

void process_self(process_identity *self);

typedef enum {
    PROCESS_ALIVE,
    PROCESS_GONE,
    PROCESS_UNKNOWN /* on another machine or in another container */
} process_fate;
/* `self` (from process_self) asks about `other`. A zombie is gone. */
process_fate process_look(const process_identity *self, const process_identity *other);

int64_t process_now_ms(void);       /* Unix time */
int64_t process_monotonic_ms(void); /* never jumps */

#endif
