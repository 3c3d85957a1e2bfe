#include "store/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void read_line(const char *path, char *text, int size)
{
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (!fgets(text, size, file))
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
}

/* proc(5), /proc/PID/stat: field 3 is the state, field 22 the start time. The name in field 2 may
 * hold spaces and brackets, so fields are counted after the last ')'. False: no such process. */
static bool read_stat(int pid, char *state, int64_t *started)
{
    char path[40];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    read_line(path, text, sizeof text);
    const char *at = strrchr(text, ')');
    if (!at || at[1] != ' ' || !at[2])
        return false;
    at += 2;
    *state = *at;
    for (int field = 3; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    *started = at ? strtoll(at, NULL, 10) : 0;
    return at != NULL;
}

void process_self(process_identity *self)
{
    memset(self, 0, sizeof *self);
    if (gethostname(self->host, sizeof self->host - 1) != 0)
        snprintf(self->host, sizeof self->host, "unknown");
    read_line("/proc/sys/kernel/random/boot_id", self->boot, sizeof self->boot);
    char name[32] = "";
    ssize_t length = readlink("/proc/self/ns/pid", name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    snprintf(self->space, sizeof self->space, "%s %s", self->boot, name);
    self->pid = (int)getpid();
    char state = 0;
    read_stat(self->pid, &state, &self->started);
}

process_fate process_look(const process_identity *self, const process_identity *other)
{
    if (!self->boot[0] || !other->boot[0])
        return PROCESS_UNKNOWN;
    if (strcmp(self->space, other->space) != 0) {
        bool rebooted =
            strcmp(self->host, other->host) == 0 && strcmp(self->boot, other->boot) != 0;
        return rebooted ? PROCESS_GONE : PROCESS_UNKNOWN;
    }
    char state = 0;
    int64_t started = 0;
    if (!read_stat(other->pid, &state, &started) || state == 'Z' || state == 'X')
        return PROCESS_GONE;
    return started == other->started ? PROCESS_ALIVE : PROCESS_GONE;
}

static int64_t milliseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t process_now_ms(void)
{
    return milliseconds(CLOCK_REALTIME);
}

int64_t process_monotonic_ms(void)
{
    return milliseconds(CLOCK_MONOTONIC);
}
