#include "ui/terminal/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALTERNATE_STACK = 65536, MOST_CAUGHT = 1 << 20, MOST_PRINTED = 65536, MOST_AT_DEATH = 8192 };

static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGSYS};
enum { FATAL = sizeof fatal / sizeof *fatal };

struct restore {
    struct termios modes;
    char bytes[256];
    size_t byte_count;
    int tty, screen; /* two descriptors of the terminal: ours, and the one that is drawn on */
    int caught;      /* unlinked file */
    int old_out, old_err;
    struct sigaction old[FATAL];
    stack_t old_stack;
    void *stack;
    bool dropped; /* the oldest of the caught bytes were thrown away */
};

/* The one mutable global of the program: a signal handler gets no argument, so it must find the
 * terminal it has to give back here. NULL while no terminal is owned. */
static restore *_Atomic owner;

/* --- async-signal-safe part ------------------------------------------------------------------- */

static void write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t wrote = write(fd, bytes, count);
        if (wrote <= 0) {
            return; /* the terminal is gone; nothing else could help */
        }
        bytes += wrote;
        count -= (size_t)wrote;
    }
}

static void print_caught(int from, int to, off_t most)
{
    char block[1024];
    off_t end = lseek(from, 0, SEEK_END), at = end > most ? end - most : 0;
    while (at < end) {
        ssize_t got = pread(from, block, sizeof block, at);
        if (got <= 0) {
            return;
        }
        write_all(to, block, (size_t)got);
        at += got;
    }
}

/* Takes the screen away from whoever still draws, then brings modes, picture and stderr back. */
static void give_back(const restore *r)
{
    dup2(r->caught, r->screen);
    write_all(r->tty, r->bytes, r->byte_count);
    tcsetattr(r->tty, TCSANOW, &r->modes);
    dup2(r->old_out, STDOUT_FILENO);
    if (r->old_err >= 0) {
        dup2(r->old_err, STDERR_FILENO);
    }
    print_caught(r->caught, STDERR_FILENO, MOST_AT_DEATH);
}

static const char *reason(int signal)
{
    switch (signal) {
    case SIGSEGV:
        return "gradus: ended by SIGSEGV (invalid memory access)\n";
    case SIGBUS:
        return "gradus: ended by SIGBUS (memory that is not there, or a file that shrank)\n";
    case SIGFPE:
        return "gradus: ended by SIGFPE (integer arithmetic)\n";
    case SIGILL:
        return "gradus: ended by SIGILL (an instruction this processor lacks)\n";
    case SIGABRT:
        return "gradus: ended by SIGABRT (an internal check failed)\n";
    case SIGQUIT:
        return "gradus: ended by SIGQUIT\n";
    default:
        return "gradus: ended by a fatal signal\n";
    }
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    restore *r = atomic_exchange(&owner, NULL);
    if (r != NULL) {
        const char *why = reason(signal);
        give_back(r);
        write_all(STDERR_FILENO, why, strlen(why));
        for (int i = 0; i < FATAL; i++) {
            sigaction(fatal[i], &r->old[i], NULL);
        }
    } else { /* another thread is dying too and prints; let it finish */
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(signal, &standard, NULL);
    }
    if (info->si_code <= 0) {
        raise(signal); /* sent by somebody; a fault happens again by itself when we return */
    }
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void at_exit(void)
{
    restore *r = atomic_exchange(&owner, NULL);
    if (r != NULL) { /* exit() in the middle of everything */
        give_back(r);
    }
}

static int open_buffer(void)
{
    int fd = memfd_create("gradus-output", MFD_CLOEXEC);
    if (fd < 0) { /* an old kernel: an unlinked file does as well */
        FILE *file = tmpfile();
        fd = file != NULL ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFL, O_APPEND);
    }
    return fd;
}

static void catch_fatal(restore *r)
{
    stack_t stack = {.ss_sp = r->stack, .ss_size = ALTERNATE_STACK};
    sigaltstack(&stack, &r->old_stack);
    for (int i = 0; i < FATAL; i++) {
        struct sigaction action = {.sa_sigaction = on_fatal};
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigfillset(&action.sa_mask);
        sigaction(fatal[i], &action, &r->old[i]);
        if (r->old[i].sa_handler == SIG_IGN) { /* ignored by whoever started us: leave it */
            sigaction(fatal[i], &r->old[i], NULL);
        }
    }
}

static void discard(restore *r)
{
    int fds[] = {r->tty, r->caught, r->old_out, r->old_err}; /* the screen is the caller's */
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(r->stack);
    free(r);
}

restore *restore_begin(const char *bytes, int *screen_fd, nn_error *error)
{
    static atomic_flag registered = ATOMIC_FLAG_INIT; /* atexit() once a process */
    restore *r = calloc(1, sizeof *r);
    void *stack = malloc(ALTERNATE_STACK);
    if (r == NULL || stack == NULL) {
        free(r);
        free(stack);
        nn_fail(error, NN_E_NOMEM, "no memory to take the terminal");
        return NULL;
    }
    r->stack = stack;
    r->tty = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    r->screen = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    r->old_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    r->old_err = isatty(STDERR_FILENO) ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    r->caught = open_buffer();
    if (r->tty < 0 || r->screen < 0 || r->old_out < 0 || r->caught < 0 ||
        tcgetattr(STDIN_FILENO, &r->modes) != 0) {
        nn_fail(error, NN_E_IO, "cannot take the terminal: %s", strerror(errno));
        if (r->screen >= 0) {
            close(r->screen);
        }
        discard(r);
        return NULL;
    }
    size_t length = strlen(bytes);
    r->byte_count = length < sizeof r->bytes ? length : 0;
    memcpy(r->bytes, bytes, r->byte_count);
    (void)fflush(NULL);
    dup2(r->caught, STDOUT_FILENO);
    if (r->old_err >= 0) {
        dup2(r->caught, STDERR_FILENO);
    }
    catch_fatal(r);
    atomic_store(&owner, r);
    if (!atomic_flag_test_and_set(&registered)) {
        (void)atexit(at_exit);
    }
    *screen_fd = r->screen;
    return r;
}

void restore_end(restore *r)
{
    if (r == NULL) {
        return;
    }
    atomic_store(&owner, NULL);
    for (int i = 0; i < FATAL; i++) {
        sigaction(fatal[i], &r->old[i], NULL);
    }
    sigaltstack(&r->old_stack, NULL);
    (void)fflush(NULL);
    tcsetattr(r->tty, TCSANOW, &r->modes);
    dup2(r->old_out, STDOUT_FILENO);
    if (r->old_err >= 0) {
        dup2(r->old_err, STDERR_FILENO);
    }
    if (r->dropped || lseek(r->caught, 0, SEEK_END) > MOST_PRINTED) {
        static const char note[] = "gradus: (earlier output is left out)\n";
        write_all(STDERR_FILENO, note, sizeof note - 1);
    }
    print_caught(r->caught, STDERR_FILENO, MOST_PRINTED);
    discard(r);
}

size_t restore_caught(const restore *r, char *text, size_t size)
{
    off_t end = lseek(r->caught, 0, SEEK_END);
    if (end < 0 || size == 0) {
        return 0;
    }
    off_t at = end > (off_t)(size - 1) ? end - (off_t)(size - 1) : 0;
    ssize_t got = pread(r->caught, text, size - 1, at);
    text[got > 0 ? got : 0] = '\0';
    return (size_t)end;
}

void restore_trim(restore *r)
{
    if (lseek(r->caught, 0, SEEK_END) > MOST_CAUGHT) {
        r->dropped = ftruncate(r->caught, 0) == 0 || r->dropped;
    }
}
