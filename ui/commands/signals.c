#include "ui/commands/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* A handler has no other way to reach its pipe: the one variable that must be global. */
static volatile sig_atomic_t signal_pipe = -1;
static volatile sig_atomic_t signals_seen;

static void on_signal(int number)
{
    int before = errno;
    if (signals_seen++ > 0) {
        signal(number, SIG_DFL);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, number);
        raise(number);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
    unsigned char byte = (unsigned char)number;
    ssize_t written = write(signal_pipe, &byte, 1);
    (void)written;
    errno = before;
}

int signals_open(void)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    signal_pipe = pipes[1];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction old;
        /* nohup and background jobs have them ignored: leave it so. */
        if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            continue;
        sigaction(caught[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    return pipes[0];
}

int signals_take(int fd)
{
    unsigned char byte;
    return read(fd, &byte, 1) == 1 ? byte : 0;
}
